/* A statement of `query` or `explain`: SQL text -> open files -> plan, ready to run. */
#ifndef FREIGHTLAKE_CMD_STATEMENT_H
#define FREIGHTLAKE_CMD_STATEMENT_H

#include "cmd/command.h"
#include "lake/table.h"
#include "mart/input.h"

typedef struct BoundTable {
    const char *name; /* as the statement has it */
    const Schema *schema;
    DeltaSnapshot *snapshot; /* NULL: files */
    InputFiles input;        /* of files */
    OpenTable table;         /* of a Delta table */
} BoundTable;

typedef struct BoundStatement {
    BoundTable *tables;
    TableFiles *files; /* of each table */
    uint32_t n_tables;
    PlanNode *plan;
} BoundStatement;

/* Opens what stands after FROM and JOIN, tables of the lake, Delta tables by their path, or files, and plans `sql` over their
 * columns; everything is checked before anything is read.  The plan is job_arena's. */
Status statement_bind(const char *sql, const Arguments *arguments, Resources *resources, Arena *job_arena,
                      BoundStatement *ret_statement, Error *err) MUST_CHECK;
/* The same in steps, for a plan over one table that is made otherwise: the table, then (with ret_statement->plan set) its
 * files. */
BoundStatement statement_of_table(const char *name, const Schema *schema, Arena *job_arena);
Status statement_open_table(BoundStatement *statement, DeltaSnapshot *snapshot, Resources *resources, Arena *job_arena,
                            Error *err) MUST_CHECK;
Status statement_open_files(BoundStatement *statement, const char *pattern, Resources *resources, Error *err)
    MUST_CHECK;
void statement_done(BoundStatement *statement);

#endif
