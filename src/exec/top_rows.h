/* TopRows: ORDER BY with a LIMIT of few rows: only these are kept while the others go by. */
#ifndef FREIGHTLAKE_EXEC_TOP_ROWS_H
#define FREIGHTLAKE_EXEC_TOP_ROWS_H

#include <stdatomic.h>

#include "exec/emit.h"
#include "exec/eval.h"

#define TOP_ROWS_MAX 65536 /* of offset and limit */

/* Of all threads: no row whose first key is greater is needed.  UINT64_MAX at first. */
typedef _Atomic uint64_t TopBound;

typedef struct TopRows TopRows;

/* One thread's own.  `sort` is the PLAN_SORT, exprs its child's columns over the context's n_columns, by column_map (as in
 * eval_prepare), k of them wanted, at most TOP_ROWS_MAX.  The object is in `arena`, the rows are not: top_rows_done. */
TopRows *top_rows_new(const PlanNode *sort, const Expr *const *exprs, const uint32_t *column_map, uint32_t n_columns,
                      uint32_t k, TopBound *bound, Arena *arena);
void top_rows_done(TopRows *top); /* NULL: fine */
void top_rows_add(TopRows *top, EvalContext *context);
/* Bytes of the rows kept. */
size_t top_rows_bytes(const TopRows *top);
/* Takes what another thread kept. */
void top_rows_merge(TopRows *into, const TopRows *from);
/* Gives the rows from `offset` on, in their order, to the emitter, in its first turn. */
Status top_rows_emit(TopRows *top, Emitter *emitter, uint64_t offset, Error *err) MUST_CHECK;

#endif
