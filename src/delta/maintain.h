/* Looking after a Delta table: compact, vacuum, restore, fsck.
 *
 * All are safe beside readers and writers: they are commits like any other, or touch only what no version within the
 * retention needs.  All say in their result when there was nothing to do. */
#ifndef FREIGHTLAKE_DELTA_MAINTAIN_H
#define FREIGHTLAKE_DELTA_MAINTAIN_H

#include "base/pool.h"
#include "delta/commit.h"

typedef struct DeltaMaintenance {
    const char *table;
    bool dry_run;
    const char *user_metadata; /* of the commits; may be NULL */
    ThreadPool *pool;
    MemoryBudget *budget;
    /* more files than the log's that must stay (pending transactions), by TABLE/path; may be NULL */
    bool (*keep)(void *context, const char *path);
    void *keep_context;
} DeltaMaintenance;

typedef struct DeltaCompaction {
    uint32_t files_before, files_after; /* of those rewritten */
    uint64_t rows, bytes_before, bytes_after;
    int64_t version; /* of the commit; -1: there was nothing to do */
} DeltaCompaction;
/* Rewrites files smaller than half of `target_bytes` (0: 128 MiB), partition by partition, into files of about that size,
 * rows in the order of `sort_column` (NULL: as they come).  dataChange is false.  Done again on a new snapshot after a
 * conflict, a few times. */
Status delta_compact(const DeltaMaintenance *job, uint64_t target_bytes, const char *sort_column,
                     DeltaCompaction *ret_result, Error *err) MUST_CHECK;

typedef struct DeltaVacuum {
    uint32_t files_removed;
    uint64_t bytes_removed;
    uint32_t files_kept; /* unreferenced, but younger than the retention */
    char **paths;        /* of the files removed, or to be removed (dry_run); in the arena */
    uint32_t n_paths;
} DeltaVacuum;
/* Removes files that no version within `retention_ms` (-1: the table's delta.deletedFileRetentionDuration, 7 days when not
 * set) needs and that are older than it.  A shorter retention than the table's is USAGE unless `force`. */
Status delta_vacuum(const DeltaMaintenance *job, int64_t retention_ms, bool force, Arena *arena,
                    DeltaVacuum *ret_result, Error *err) MUST_CHECK;

/* The transaction by which a table knows that it was restored; its version is that of the last restore. */
#define DELTA_RESTORE_APP_ID "freightlake/restore"
/* Makes the table what it was at `version`: a new commit.  *ret_version is -1 when it is so already.  NOT_FOUND names the
 * first data file that vacuum has taken, and then nothing is changed. */
Status delta_restore(const DeltaMaintenance *job, DeltaVersion version, int64_t *ret_version, Error *err) MUST_CHECK;

typedef struct DeltaProblem {
    const char *file;
    const char
        *what; /* "missing", "size 10 instead of 12", "row count ...", "checkpoint does not say what the log says" */
    bool repairable;
} DeltaProblem;
typedef struct DeltaCheck {
    uint64_t files, rows;
    DeltaProblem *problems;
    uint32_t n_problems;
    int64_t version;           /* of the repair's commit; -1: none */
    uint32_t files_removed;    /* missing ones the repair took out */
    uint32_t entries_replaced; /* log entries the repair put an empty one in the place of */
    uint32_t entries_lost;     /* of them, those whose rows no checkpoint knew: they are not in the table any more */
    const char *unreadable;    /* what to do about the newest version, which cannot be read; NULL: it can */
} DeltaCheck;
/* Checks log (contiguous, readable, checkpoints agree) and files (there, size, footer, row count; `deep`: every page
 * read).  `repair` removes missing files from the table in one commit, which says so, and lets the table go on without log
 * entries that are unreadable or missing; what they said lies beside them as VERSION.json.damaged. */
Status delta_fsck(const DeltaMaintenance *job, bool deep, bool repair, Arena *arena, DeltaCheck *ret_check, Error *err)
    MUST_CHECK;

#endif
