/* percentile(x, p) and median(x): exact, interpolated as Spark's.
 *
 * The state is a GroupTable of (group, value) with a number of rows beside each: few values of a column with a dictionary,
 * and never more than there are rows.  It is sorted once, at the end.  Of n rows in order, counted from 0, the result is the
 * value at (n - 1) p, and between two rows the mean of their values by nearness.  NaN is the greatest value.
 *
 * Limit: memory grows with the distinct values of the groups; the worker's budget sees it as it grows. */
#include "exec/aggregate_percentile.h"

#include <math.h>
#include <stdlib.h>

#include "exec/compare.h"
#include "exec/group_table.h"

struct Percentile {
    Arena *arena;
    GroupTable *values; /* (group, value) */
    int64_t *rows;      /* of each */
    uint32_t capacity;
};

Percentile *percentile_new(Arena *arena)
{
    const DataType types[] = {DATA_TYPE(BIGINT), DATA_TYPE(DOUBLE)};
    Percentile *percentile = ARENA_NEW(arena, Percentile);
    percentile->arena = arena;
    percentile->values = group_table_new(arena, types, ARRAY_SIZE(types));
    return percentile;
}

static void reserve(Percentile *percentile)
{
    uint32_t n = group_table_size(percentile->values);
    if (n <= percentile->capacity)
        return;
    uint32_t capacity = percentile->capacity * 2 > n ? percentile->capacity * 2 : n + 64;
    int64_t *rows = ARENA_ARRAY(percentile->arena, int64_t, capacity);
    if (percentile->capacity)
        memcpy(rows, percentile->rows, sizeof *rows * percentile->capacity);
    percentile->rows = rows;
    percentile->capacity = capacity;
}

/* Adds rows[i] rows (NULL: one) of each value, all valid. */
static void add_values(Percentile *percentile, const Vector columns[2], const int64_t *rows, uint32_t n,
                       Arena *batch_arena)
{
    uint32_t *numbers = ARENA_ARRAY(batch_arena, uint32_t, n + 1);
    group_table_find(percentile->values, columns, n, UINT64_MAX, batch_arena, numbers);
    reserve(percentile);
    for (uint32_t i = 0; i < n; i++)
        percentile->rows[numbers[i]] += rows ? rows[i] : 1;
}

void percentile_add(Percentile *percentile, const Vector *values, const uint8_t *mask, const uint32_t *groups,
                    const int64_t *weights, uint32_t n, Arena *batch_arena)
{
    Vector columns[2] = {vector_new(batch_arena, DATA_TYPE(BIGINT), n, false),
                         vector_new(batch_arena, DATA_TYPE(DOUBLE), n, false)};
    int64_t *numbers = columns[0].data, *rows = weights ? ARENA_ARRAY(batch_arena, int64_t, n + 1) : NULL;
    double *kept = columns[1].data;
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (mask && !mask[i])
            continue;
        numbers[n_kept] = groups[i];
        kept[n_kept] = ((const double *)values->data)[i];
        if (rows)
            rows[n_kept] = weights[i];
        n_kept++;
    }
    columns[0].n = columns[1].n = n_kept;
    add_values(percentile, columns, rows, n_kept, batch_arena);
}

void percentile_merge(Percentile *into, const Percentile *from, const uint32_t *groups, Arena *batch_arena)
{
    Vector columns[2] = {group_table_column(from->values, 0, batch_arena),
                         group_table_column(from->values, 1, batch_arena)};
    int64_t *numbers = columns[0].data;
    uint32_t n = group_table_size(from->values);
    for (uint32_t i = 0; i < n; i++)
        numbers[i] = groups[numbers[i]];
    add_values(into, columns, from->rows, n, batch_arena);
}

/* ---- result ---- */

typedef struct Entry {
    double value;
    int64_t rows;
    int64_t group;
} Entry;

static int compare_entries(const void *left, const void *right)
{
    const Entry *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return compare_values(DATA_TYPE(DOUBLE), &a->value, &b->value);
}

/* The value of row `row` of a group's sorted entries. */
static double value_at(const Entry *entries, int64_t row)
{
    while (row >= entries->rows)
        row -= entries++->rows;
    return entries->value;
}

static double interpolate(const Entry *entries, int64_t rows, double fraction)
{
    double position = (double)(rows - 1) * fraction, lower = floor(position), upper = ceil(position);
    double low = value_at(entries, (int64_t)lower), high = value_at(entries, (int64_t)upper);
    if (compare_values(DATA_TYPE(DOUBLE), &low, &high) == 0)
        return low;
    return (upper - position) * low + (position - lower) * high;
}

void percentile_finish(const Percentile *percentile, double fraction, Vector *column, Arena *arena)
{
    uint32_t n = group_table_size(percentile->values);
    Vector groups = group_table_column(percentile->values, 0, arena);
    Vector values = group_table_column(percentile->values, 1, arena);
    Entry *entries = ARENA_ARRAY(arena, Entry, n + 1);
    for (uint32_t i = 0; i < n; i++)
        entries[i] = (Entry){((const double *)values.data)[i], percentile->rows[i], ((const int64_t *)groups.data)[i]};
    qsort(entries, n, sizeof *entries, compare_entries);
    memset(column->valid, 0, column->n);
    for (uint32_t first = 0, last; first < n; first = last) {
        int64_t rows = 0, group = entries[first].group;
        for (last = first; last < n && entries[last].group == group; last++)
            rows += entries[last].rows;
        ((double *)column->data)[group] = interpolate(&entries[first], rows, fraction);
        column->valid[group] = 1;
    }
}

size_t percentile_bytes(const Percentile *percentile)
{
    return group_table_bytes(percentile->values) + sizeof *percentile->rows * percentile->capacity;
}
