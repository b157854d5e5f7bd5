/* staged_publish: what a cluster made becomes the lake's marts, by the same checks and commits as a run's.
 *
 *   plan and outcome fit -> the definitions are still the lake's, no mart goes back to older shipments
 *   -> each mart's files, their columns held against the definition, rewritten in the mart's order with our statistics
 *   -> publish_mart
 *
 * A mart that has this version already is left as it is, unless the plan says `again`; so a publication that was cut off is
 * simply done again.
 * Kill steps: staged_file_written, and those of publish_mart. */
#ifndef FREIGHTLAKE_MART_STAGED_PUBLISH_H
#define FREIGHTLAKE_MART_STAGED_PUBLISH_H

#include "mart/lake_run.h"
#include "mart/staging.h"

typedef struct StagedPublishOptions {
    const Lake *lake;
    const StagedRun *run;
    const MartRegistry *registry;
    const char *job; /* id, for the commits */
    ThreadPool *pool;
    MemoryBudget *budget;
} StagedPublishOptions;

/* The lock "run" is held.  DATA when the cluster could not make a mart, CHECK when one failed its checks: the others are
 * published all the same.  CONFLICT, with nothing changed, when a definition or the lake moved on; CORRUPT or DATA for files
 * that are not what the outcome says.  *ret_result is filled in whatever the outcome, marts in the order of the run. */
Status staged_publish(const StagedPublishOptions *options, Arena *job_arena, LakeRunResult *ret_result, Error *err)
    MUST_CHECK;

#endif
