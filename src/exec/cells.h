/* Cells: GROUP BY without hashing a row, for columns that come with dictionaries.
 *
 * Within a row group, rows are first counted by combination of dictionary codes ("cells"): the grouping columns of all
 * statements that share the scan, and as many other small columns that only aggregates read (delay_days, a status) as
 * keep the number of cells small.  One counter is incremented a row.  At the end of the row group everything that depends
 * only on those columns (keys, FILTER conditions, CASE expressions, sums) is evaluated once a cell, with the count as
 * weight, by the ordinary code of aggregate.h.
 *
 * Sums over columns that are too wide for that (a price) are kept per combination of the grouping columns: the
 * dictionary's values become integers (decimals as they are, doubles in units of a common power of two, so that the sum
 * stays exact) and a row costs one load and one add.  Such a sum is shared by all statements that ask for it.
 *
 * What fits neither way (min, max, DISTINCT over wide columns) gets its group numbers from the cells and is updated row
 * by row.  A statement whose grouping columns have no dictionary in a row group, or too many combinations, is not served:
 * the caller then runs it through aggregate_update.
 *
 * Belongs to one thread.  Per row group: cells_begin, cells_add for each chunk, cells_end. */
#ifndef FREIGHTLAKE_EXEC_CELLS_H
#define FREIGHTLAKE_EXEC_CELLS_H

#include "exec/aggregate.h"

#define CELLS_MAX 32768        /* combinations of grouping columns: codes fit 16 bits */
#define CELLS_COUNTED_MAX 8192 /* combinations counted: the counters stay in the first-level cache */

typedef struct Cells Cells;

/* Members are aggregates over the same rows; n_columns is the number of columns of the scan. */
Cells *cells_new(Aggregate **members, uint32_t n_members, uint32_t n_columns, Arena *arena);
/* dictionaries[c]: of column c in this row group, or NULL.  Sets served[m] for each member. */
void cells_begin(Cells *cells, const Vector *const *dictionaries, uint64_t rows, EvalContext *context, bool *served);
void cells_add(Cells *cells, EvalContext *context);
void cells_end(Cells *cells, EvalContext *context);
/* Largest numbers of combinations seen, for explain. */
void cells_describe(const Cells *cells, uint32_t *ret_groups, uint32_t *ret_cells);

#endif
