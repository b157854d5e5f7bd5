/* A statement of `query` or `explain`: SQL text -> open files -> plan, ready to run. */
#ifndef FREIGHTLAKE_CMD_STATEMENT_H
#define FREIGHTLAKE_CMD_STATEMENT_H

#include "exec/exec.h"
#include "mart/input.h"

typedef struct BoundStatement {
    InputFiles input;
    const Schema *schema; /* of the table: the first file's */
    PlanNode *plan;
} BoundStatement;

/* Opens the files named after FROM and plans `sql` over their columns; everything is checked before anything is read.
 * The plan is job_arena's. */
Status statement_bind(const char *sql, MemoryBudget *budget, Arena *job_arena, BoundStatement *ret_statement,
                      Error *err) MUST_CHECK;
void statement_done(BoundStatement *statement);

#endif
