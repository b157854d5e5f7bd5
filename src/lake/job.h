/* A job that changes the lake, from its start to its record in the history.
 *
 *   lake_lock -> lake_recover -> lake_job_begin -> the work, its commits carrying the job's id -> lake_job_end
 *
 * While it runs a mark lies at LAKE/_freightlake/running/ID.json; the end writes the record runs/ID.json and takes the mark
 * away.  Whoever holds the mark's lock and is not its job knows that the job was killed: lake_jobs_recover then writes
 * the record for it, with what it had committed, which the tables' logs tell (userMetadata of a commit is the job's id). */
#ifndef FREIGHTLAKE_LAKE_JOB_H
#define FREIGHTLAKE_LAKE_JOB_H

#include "lake/history.h"

typedef struct LakeJob LakeJob;

/* Of `about`, kind, client, source and tables (the names of those the job may change) count; all is copied.  `lock`: the
 * name of a lock that the job holds. */
Status lake_job_begin(const Lake *lake, const char *lock, const HistoryRecord *about, Arena *arena, LakeJob **ret_job,
                      Error *err) MUST_CHECK;
/* To go into DeltaCommit.user_metadata; NULL for no job. */
const char *lake_job_id(const LakeJob *job);
/* Writes the record, with id, kind, client, start, duration and memory filled in, and source where it has none; `failure`
 * (NULL: none) gives its outcome and error.  What keeps it from being written is a warning: the work is done.  NULL: nothing. */
void lake_job_end(LakeJob *job, HistoryRecord record, const Error *failure);
/* Ends it without a record: there was nothing to do. */
void lake_job_forget(LakeJob *job);

/* Writes the records of killed jobs: of those that held `lock`, which the caller holds; NULL: of all whose locks are free. */
Status lake_jobs_recover(const Lake *lake, const char *lock, Error *err) MUST_CHECK;
#define LAKE_JOB_SILENT                                                                                                \
    "not heard of" /* outcome of a job that ought to run and gives no sign of life: killed, most likely */
/* The jobs that run, or were killed and have no record yet: their outcome is "running", or LAKE_JOB_SILENT with an error that says
 * since when and what finishes it. */
Status lake_jobs_running(const Lake *lake, Arena *arena, HistoryRecord **ret_records, uint32_t *ret_n, Error *err)
    MUST_CHECK;

#endif
