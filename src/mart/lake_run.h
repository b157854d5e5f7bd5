/* lake_run: the marts of a lake brought up to its shipments, each published as a Delta table or left as it was.
 *
 *   which are stale -> incremental ones: only the files that are new, merged with kept groups (state.h)
 *                   -> the others: one shared scan over all files
 *   -> each mart's data file, not yet part of its table -> its checks -> one commit (overwrite, with `txn`) -> its state
 *
 * A mart is up to date when its table's `txn` of "freightlake/mart/DEFINITION" has the version of the shipments it was made
 * of, or one since which no commit changed rows, and no later commit of the table changed its rows (a restore, another
 * program).  Where its tests changed since it passed them (tested.h) they run on the version that stands, which stays
 * whatever they say.  One whose definition is broken stays as it is and keeps no other from being made.  Kill steps:
 * mart_file_written, mart_checked, mart_committed, state_written; whatever was cut off, the next run does it again. */
#ifndef FREIGHTLAKE_MART_LAKE_RUN_H
#define FREIGHTLAKE_MART_LAKE_RUN_H

#include "delta/snapshot.h"
#include "lake/lake.h"
#include "mart/checks.h"

typedef struct LakeRunOptions {
    const Lake *lake;
    const Mart *const *marts;
    uint32_t n_marts;
    bool full;        /* from all files, whatever is known */
    bool rows_may_go; /* rows were taken out on purpose: row_count_change does not apply */
    ThreadPool *pool;
    MemoryBudget *budget;
    void (*progress)(void *context, uint64_t rows_done, uint64_t rows_total); /* from worker threads; may be NULL */
    void *progress_context;
    void (*waiting)(void *context, const char *lock); /* for another run; may be NULL */
    bool locked;                                      /* the caller holds the lock "run" */
    const char *job;                                  /* id, for the commits; NULL: none, or what `begin` says */
    Status (*begin)(void *context, const char **ret_job, Error *err); /* there is something to do; may be NULL */
    void *begin_context;
} LakeRunOptions;

/* enumerator, name */
#define LAKE_MART_ACTION_TABLE(X)                                                                                      \
    X(UP_TO_DATE, "up to date")                                                                                        \
    X(INCREMENTAL, "incremental")                                                                                      \
    X(FULL, "full")                                                                                                    \
    X(TESTED, "tested")                                                                                                \
    X(STAGED, "staged")

typedef enum LakeMartAction {
#define X(id, name) LAKE_MART_##id,
    LAKE_MART_ACTION_TABLE(X)
#undef X
        LAKE_MART_ACTION_COUNT
} LakeMartAction;
const char *lake_mart_action_name(LakeMartAction action);

typedef struct LakeMartResult {
    const Mart *mart;
    LakeMartAction action;
    bool published; /* false: up to date or only tested, or a check failed and the version before stands */
    int64_t version_before, version; /* of the mart's table; -1: there was none */
    uint64_t rows, bytes;
    MartChecks checks;
    bool passed;
    const Error *broken; /* why its definition cannot be run, or the cluster could not make it; NULL: neither */
} LakeMartResult;

typedef struct LakeRunResult {
    LakeMartResult *marts;
    uint32_t n_marts;
    uint32_t n_published, n_failed, n_broken, n_tested;
    bool complete; /* every sound mart was looked at, made where it was stale, and checked */
    int64_t shipments_version;
    uint64_t rows_read;
    double seconds;
} LakeRunResult;

/* Why a run would make the mart anew: "never run", "its definition changed", "its table was restored, or written by others",
 * "shipments changed since"; NULL: it is up to date.  `table` is the mart's, NULL where it has none. */
const char *lake_mart_stale(const Mart *mart, const DeltaSnapshot *shipments, const DeltaSnapshot *table, Arena *arena);

/* CONFIG when a definition is broken, else CHECK when a mart failed its checks: other marts are published all the same.
 * *ret_result is filled in whatever the outcome: marts that were published before something failed stay so. */
Status lake_run(const LakeRunOptions *options, Arena *job_arena, LakeRunResult *ret_result, Error *err) MUST_CHECK;
/* What a run would read, without one: data files of the shipments. */
typedef struct LakeRunEstimate {
    uint32_t n_stale;
    uint32_t n_full; /* of them, those made from all files */
    uint64_t bytes;  /* of all files, or only of those that are new when every stale mart is incremental */
    int64_t shipments_version;
} LakeRunEstimate;
Status lake_run_estimate(const LakeRunOptions *options, Arena *job_arena, LakeRunEstimate *ret_estimate, Error *err)
    MUST_CHECK;
/* CHECK with the first check that failed, OK when none did. */
Status lake_run_failed_checks(const LakeRunResult *result, Error *err) MUST_CHECK;

#endif
