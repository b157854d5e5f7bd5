/* Percentiles from the counts of each group's values. */
#ifndef FREIGHTLAKE_EXEC_AGGREGATE_PERCENTILE_H
#define FREIGHTLAKE_EXEC_AGGREGATE_PERCENTILE_H

#include "exec/value_counts.h"

/* The result of each of the column's groups, DOUBLE with a mask; NULL where there was no value.  `counts` is of doubles.
 * distinct: each value counts once. */
void percentile_finish(const ValueCounts *counts, double fraction, bool distinct, Vector *column, Arena *arena);

#endif
