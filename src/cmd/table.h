/* The command `table`: what its two halves share, table.c (which table, locks, history) and table_actions.c. */
#ifndef FREIGHTLAKE_CMD_TABLE_H
#define FREIGHTLAKE_CMD_TABLE_H

#include "cmd/command.h"
#include "delta/maintain.h"
#include "lake/job.h"
#include "lake/transaction.h"

typedef struct TableJob {
    const Arguments *arguments;
    Arena *arena;
    const char *name; /* as it was typed */
    const char *path; /* of the table */
    const Lake *lake; /* NULL: there is none */
    bool of_lake;     /* the table is one of the lake's */
    bool dry_run;
    bool json;
    Resources resources;
    LakePending *pending; /* NULL without a lake */
    LakeLock **locks;
    uint32_t n_locks;
    LakeJob *running; /* NULL when nothing is to be changed, or no lake is */
    HistoryRecord record;
    HistoryTable table;
} TableJob;

/* Each does its work and says what it did. */
Status table_history(TableJob *job, Error *err) MUST_CHECK;
Status table_restore(TableJob *job, Error *err) MUST_CHECK;
Status table_compact(TableJob *job, Error *err) MUST_CHECK;
Status table_vacuum(TableJob *job, Error *err) MUST_CHECK;
Status table_fsck(TableJob *job, Error *err) MUST_CHECK;

/* --retention in milliseconds, -1 when it is not given. */
Status table_retention(const TableJob *job, int64_t *ret_ms, Error *err) MUST_CHECK;
/* --version or --as-of; one of them is required. */
Status table_version(const TableJob *job, DeltaVersion *ret_version, Error *err) MUST_CHECK;
/* What the history is to say of the job: versions, rows (-1: unknown), a JSON object or NULL. */
void table_record(TableJob *job, int64_t before, int64_t after, int64_t rows, const char *details);

#endif
