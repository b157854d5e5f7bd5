/* A plan as text, one node a line from the top, for comparing in tests. */
#ifndef FREIGHTLAKE_TESTS_SQL_PLAN_TEXT_H
#define FREIGHTLAKE_TESTS_SQL_PLAN_TEXT_H

#include "sql/plan.h"

void plan_append_text(Buffer *buffer, const PlanNode *plan);

/* A catalog with the table `shipments` in its canonical types (and under any name that holds '/'), and the table
 * `numbers` with a column of each type. */
extern const Catalog TEST_CATALOG;

#endif
