/* SortRows: one thread's materialised rows for the reference form of the sort.
 *
 * A row's reference is (worker, block, row) in one word.  Blocks keep dictionary codes; a dictionary is copied once a row
 * group. */
#ifndef FREIGHTLAKE_EXEC_SORT_ROWS_H
#define FREIGHTLAKE_EXEC_SORT_ROWS_H

#include "columnar/vector.h"

typedef struct SortRows {
    Arena arena;
    uint32_t n_columns;
    Vector **blocks; /* [block]: n_columns vectors */
    uint32_t n_blocks;
    uint32_t capacity;
    uint64_t *generations; /* per column: of the dictionary copied last */
    const Vector **sources;
    const Vector **copies;
} SortRows;

#define SORT_ROWS_MAX_ROWS (1u << 24)

void sort_rows_init(SortRows *rows, uint32_t n_columns);
void sort_rows_done(SortRows *rows);
/* Copies the columns; returns the reference of row 0 (row i is the reference + i). */
uint64_t sort_rows_add(SortRows *rows, int worker, const Vector *columns, uint32_t n, uint64_t generation);

static inline const Vector *sort_rows_column(const SortRows *rows, uint64_t reference, uint32_t column)
{
    return &rows[reference >> 56].blocks[reference >> 24 & UINT32_MAX][column];
}
static inline uint32_t sort_rows_row(uint64_t reference)
{
    return (uint32_t)(reference & (SORT_ROWS_MAX_ROWS - 1));
}
/* Column `column` of n references that lie `step` words apart, as a FLAT vector in `arena`. */
Vector sort_rows_gather(const SortRows *rows, const uint64_t *references, size_t step, uint32_t n, uint32_t column,
                        DataType type, Arena *arena);

#endif
