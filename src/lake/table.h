/* A lake's (or any) Delta table opened for reading by exec: its files, their constants, and what could be left out. */
#ifndef FREIGHTLAKE_LAKE_TABLE_H
#define FREIGHTLAKE_LAKE_TABLE_H

#include "delta/snapshot.h"
#include "exec/exec.h"

typedef struct OpenTable {
    const DeltaSnapshot *snapshot;
    TableFiles files; /* schema: the table's, or the one asked for */
    uint32_t files_skipped;
    uint64_t rows; /* of the files opened, by their footers */
} OpenTable;

typedef struct OpenTableOptions {
    /* NULL: the table's own.  Columns are found by name; one that the table lacks reads as NULL. */
    const Schema *schema;
    const char *name; /* of the table in the plans; NULL: they read no other */
    /* Files that cannot hold a row for any of these plans (over `schema`) are not opened.  n_plans 0: all are opened. */
    const PlanNode *const *plans;
    uint32_t n_plans;
    /* NULL: all files of the snapshot, else only those for which it is true (incremental runs) */
    bool (*wanted)(void *context, const DeltaFile *file);
    void *wanted_context;
    ThreadPool *pool; /* NULL: one thread reads the footers */
} OpenTableOptions;

/* Opens the files (footers are read, by the pool's threads when there are many).  A file that is gone is NOT_FOUND with
 * the table, the version and `table fsck` as the hint. */
Status table_open(const DeltaSnapshot *snapshot, const OpenTableOptions *options, MemoryBudget *budget, Arena *arena,
                  OpenTable *ret_table, Error *err) MUST_CHECK;
void table_close(OpenTable *table);

#endif
