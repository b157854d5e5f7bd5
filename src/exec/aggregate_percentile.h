/* Percentiles: per group the distinct values and how many rows have each. */
#ifndef FREIGHTLAKE_EXEC_AGGREGATE_PERCENTILE_H
#define FREIGHTLAKE_EXEC_AGGREGATE_PERCENTILE_H

#include "columnar/vector.h"

/* The values of all groups of one call in one thread. */
typedef struct Percentile Percentile;

Percentile *percentile_new(Arena *arena); /* memory comes from `arena`: query lifetime, this thread's */
/* Adds the rows of `values`, FLAT doubles, whose mask byte is not 0 (mask NULL: all).  weights NULL: all 1. */
void percentile_add(Percentile *percentile, const Vector *values, const uint8_t *mask, const uint32_t *groups,
                    const int64_t *weights, uint32_t n, Arena *batch_arena);
/* Adds all of `from`, whose group g is groups[g] here. */
void percentile_merge(Percentile *into, const Percentile *from, const uint32_t *groups, Arena *batch_arena);
/* The result of each of the column's groups, DOUBLE; NULL where there was no value. */
void percentile_finish(const Percentile *percentile, double fraction, Vector *column, Arena *arena);
size_t percentile_bytes(const Percentile *percentile);

#endif
