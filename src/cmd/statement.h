/* A statement of `query` or `explain`: SQL text -> open files -> plan, ready to run. */
#ifndef FREIGHTLAKE_CMD_STATEMENT_H
#define FREIGHTLAKE_CMD_STATEMENT_H

#include "cmd/command.h"
#include "lake/table.h"
#include "mart/input.h"

typedef struct BoundStatement {
    InputFiles input; /* of a statement over files */
    OpenTable table;  /* of a statement over a Delta table */
    TableFiles files; /* of either */
    const Schema *schema;
    PlanNode *plan;
} BoundStatement;

/* Opens what stands after FROM, a table of the lake, a Delta table by its path, or files, and plans `sql` over its columns;
 * everything is checked before anything is read.  The plan is job_arena's. */
Status statement_bind(const char *sql, const Arguments *arguments, Resources *resources, Arena *job_arena,
                      BoundStatement *ret_statement, Error *err) MUST_CHECK;
/* Opens a Delta table for a plan over ret_statement->schema that is bound already. */
Status statement_open_table(const DeltaSnapshot *snapshot, Resources *resources, Arena *job_arena,
                            BoundStatement *statement, Error *err) MUST_CHECK;
void statement_done(BoundStatement *statement);

#endif
