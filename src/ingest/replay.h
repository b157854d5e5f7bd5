/* replay: quarantined records go again through the mapping of today; those that pass become shipments, exactly once. */
#ifndef FREIGHTLAKE_INGEST_REPLAY_H
#define FREIGHTLAKE_INGEST_REPLAY_H

#include "ingest/ingest.h"
#include "ingest/quarantine.h"

typedef struct ReplayOptions {
    const Lake *lake;
    const Mapping *mapping;  /* of today */
    QuarantineFilter filter; /* its client is the mapping's */
    const char *job;         /* id, for the commits; NULL: none */
    bool dry_run;
    MemoryBudget *budget;
} ReplayOptions;

typedef struct ReplayResult {
    uint64_t records;                              /* looked at */
    uint64_t passed;                               /* now shipments */
    uint64_t rejected;                             /* still in quarantine */
    uint64_t superseded;                           /* gone: a newer record has the id (policy latest) */
    int64_t processed_version, quarantine_version; /* after; -1: nothing was committed */
    IngestReason *reasons;                         /* of those rejected */
    uint32_t n_reasons;
    double seconds;
} ReplayResult;

/* The client's lock is held, lake_recover was called under it. */
Status replay(const ReplayOptions *options, Arena *job_arena, ReplayResult *ret_result, Error *err) MUST_CHECK;

#endif
