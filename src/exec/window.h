/* Windows: columns that a row has of the rows beside it (plan.h, PLAN_WINDOW). */
#ifndef FREIGHTLAKE_EXEC_WINDOW_H
#define FREIGHTLAKE_EXEC_WINDOW_H

#include "exec/relation.h"

/* Fills `output`, which is empty, with the rows of `input` in their order and the columns of the window's calls behind theirs.
 * Memory is reserved from the budget (MEMORY).  *ret_note says what it took. */
Status window_run(const PlanNode *window, const Relation *input, const ExecOptions *options, Relation *output,
                  OperatorStatistics *ret_note, Error *err) MUST_CHECK;

#endif
