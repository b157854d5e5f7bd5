/* ValueCounts: how many rows of each group have each value of one column.  What percentiles and DISTINCT are made of.
 *
 * One thread's own; memory comes from the arena it was made with.  NULLs take no part. */
#ifndef FREIGHTLAKE_EXEC_VALUE_COUNTS_H
#define FREIGHTLAKE_EXEC_VALUE_COUNTS_H

#include "columnar/vector.h"

typedef struct ValueCounts ValueCounts;

ValueCounts *value_counts_new(DataType type, Arena *arena);

typedef struct CountedRows {
    const Vector *values;   /* of any kind */
    const uint8_t *mask;    /* rows whose byte is 0 take no part; NULL: all do */
    const uint32_t *groups; /* of each row */
    const int64_t *weights; /* how many rows each stands for, 1 or more; NULL: one */
    uint64_t generation;    /* whether a dictionary seen at the same address is still the same one, as in eval.h */
    uint32_t n;
} CountedRows;

/* ret_first, n bytes, may be NULL: 1 for a row whose value had not been seen in its group. */
void value_counts_add(ValueCounts *counts, const CountedRows *rows, Arena *batch_arena, uint8_t *ret_first);

/* Values seen in any group have the numbers 0, 1, 2, ...; all of them as a FLAT vector in `arena`. */
Vector value_counts_values(const ValueCounts *counts, Arena *arena);

typedef struct ValuePair {
    int64_t rows; /* at least 1 */
    uint32_t group;
    uint32_t value; /* its number */
} ValuePair;

/* Gives the pairs, in no order: up to `room` of them behind the place *inout_at, which is 0 at first.  Returns how many, 0 at
 * the end. */
uint32_t value_counts_pairs(const ValueCounts *counts, uint64_t *inout_at, ValuePair *ret_pairs, uint32_t room);
uint64_t value_counts_size(const ValueCounts *counts); /* number of pairs */

/* Adds all of `from`, whose group g is groups[g] here.  With `added`, calls it with up to VALUE_COUNTS_MERGE_PAIRS of the pairs that
 * are new here at a time: their groups by the numbers here, their values by those of `from`. */
#define VALUE_COUNTS_MERGE_PAIRS 4096
typedef void (*ValuePairsAdded)(void *context, const ValuePair *pairs, uint32_t n);
void value_counts_merge(ValueCounts *into, const ValueCounts *from, const uint32_t *groups, Arena *batch_arena,
                        ValuePairsAdded added, void *context);
size_t value_counts_bytes(const ValueCounts *counts);

#endif
