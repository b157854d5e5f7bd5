/* percentile(x, p) and median(x): exact, interpolated as Spark's.
 *
 * The state is a ValueCounts: few values of a column with a dictionary, and never more than there are rows.  The values are sorted
 * once, at the end, and each group's by their ranks.  Of n rows in order, counted from 0, the result is the value at
 * (n - 1) p, and between two rows the mean of their values by nearness.  NaN is the greatest value.
 *
 * Limit: memory grows with the distinct values of the groups; the worker's budget sees it as it grows. */
#include "exec/aggregate_percentile.h"

#include <math.h>
#include <stdlib.h>

#include "exec/compare.h"

/* ---- the values of each group, by rank ---- */

typedef struct Entry {
    int64_t rows;
    uint32_t rank;
} Entry;

typedef struct RankedValues {
    double *sorted;  /* by rank */
    uint32_t *ranks; /* by value number */
} RankedValues;

static int compare_numbers(const void *left, const void *right, void *context)
{
    const double *values = context;
    return compare_values(DATA_TYPE(DOUBLE), &values[*(const uint32_t *)left], &values[*(const uint32_t *)right]);
}

static RankedValues rank_values(const ValueCounts *counts, Arena *arena)
{
    Vector values = value_counts_values(counts, arena);
    RankedValues ranked = {ARENA_ARRAY(arena, double, values.n + 1), ARENA_ARRAY(arena, uint32_t, values.n + 1)};
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, values.n + 1);
    for (uint32_t i = 0; i < values.n; i++)
        order[i] = i;
    qsort_r(order, values.n, sizeof *order, compare_numbers, values.data);
    for (uint32_t rank = 0; rank < values.n; rank++) {
        ranked.sorted[rank] = ((const double *)values.data)[order[rank]];
        ranked.ranks[order[rank]] = rank;
    }
    return ranked;
}

/* All pairs, one group behind the other: group g's at [starts[g], starts[g + 1]).  once: as if one row had each. */
static Entry *entries_by_group(const ValueCounts *counts, bool once, const uint32_t *ranks, uint32_t n_groups,
                               uint64_t *starts, Arena *arena)
{
    ValuePair pairs[512];
    Entry *entries = ARENA_ARRAY(arena, Entry, value_counts_size(counts) + 1);
    uint64_t at = 0;
    for (uint32_t n; (n = value_counts_pairs(counts, &at, pairs, ARRAY_SIZE(pairs))) > 0;)
        for (uint32_t i = 0; i < n; i++)
            starts[pairs[i].group + 1]++;
    for (uint32_t g = 0; g < n_groups; g++)
        starts[g + 1] += starts[g];
    at = 0;
    for (uint32_t n; (n = value_counts_pairs(counts, &at, pairs, ARRAY_SIZE(pairs))) > 0;)
        for (uint32_t i = 0; i < n; i++)
            entries[starts[pairs[i].group]++] = (Entry){once ? 1 : pairs[i].rows, ranks[pairs[i].value]};
    for (uint32_t g = n_groups; g > 0; g--)
        starts[g] = starts[g - 1];
    starts[0] = 0;
    return entries;
}

static int compare_ranks(const void *left, const void *right)
{
    uint32_t a = ((const Entry *)left)->rank, b = ((const Entry *)right)->rank;
    return (a > b) - (a < b);
}

/* ---- result ---- */

/* The value of row `row` of a group's sorted entries. */
static double value_at(const Entry *entries, const double *sorted, int64_t row)
{
    while (row >= entries->rows)
        row -= entries++->rows;
    return sorted[entries->rank];
}

static double interpolate(const Entry *entries, const double *sorted, int64_t rows, double fraction)
{
    double position = (double)(rows - 1) * fraction, lower = floor(position), upper = ceil(position);
    double low = value_at(entries, sorted, (int64_t)lower), high = value_at(entries, sorted, (int64_t)upper);
    if (compare_values(DATA_TYPE(DOUBLE), &low, &high) == 0)
        return low;
    return (upper - position) * low + (position - lower) * high;
}

void percentile_finish(const ValueCounts *counts, double fraction, bool distinct, Vector *column, Arena *arena)
{
    RankedValues ranked = rank_values(counts, arena);
    uint64_t *starts = ARENA_ARRAY(arena, uint64_t, column->n + 2);
    Entry *entries = entries_by_group(counts, distinct, ranked.ranks, column->n, starts, arena);
    for (uint32_t g = 0; g < column->n; g++) {
        Entry *first = &entries[starts[g]];
        uint64_t n = starts[g + 1] - starts[g];
        int64_t rows = 0;
        qsort(first, n, sizeof *first, compare_ranks);
        for (uint64_t i = 0; i < n; i++)
            rows += first[i].rows;
        column->valid[g] = n > 0;
        if (n > 0)
            ((double *)column->data)[g] = interpolate(first, ranked.sorted, rows, fraction);
    }
}
