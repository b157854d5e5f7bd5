/* SortRebuild: the sort key of a packed row, computed again from the row itself.
 *
 * Where the first sort key is an expression over columns that are fields of the row (cost / distance), storing it would
 * double the record.  It is enough to compute it while rows are dealt into buckets, forget it, and compute it again when a
 * bucket is sorted in the cache: two gathers and a division cost less than eight more bytes written to memory and read. */
#ifndef FREIGHTLAKE_EXEC_SORT_REBUILD_H
#define FREIGHTLAKE_EXEC_SORT_REBUILD_H

#include "exec/records.h"
#include "exec/sort_fields.h"

typedef struct SortRebuild {
    EvalNode *key;
    const SortKey *order;
    const SortField **fields; /* per column of the scan: its field, or NULL */
    uint32_t n_columns;
    Arena arena; /* the evaluator's remembered dictionaries */
    Arena batch_arena;
} SortRebuild;

/* Whether every column that the first sort key reads is a field by itself. */
bool sort_rebuild_possible(const PlanNode *sort, const Expr *const *exprs, const uint32_t *column_map,
                           uint32_t n_columns, const SortField *fields);
/* One a thread; fields must outlive it. */
void sort_rebuild_init(SortRebuild *rebuild, const PlanNode *sort, const Expr *const *exprs, const uint32_t *column_map,
                       uint32_t n_columns, const SortField *fields);
void sort_rebuild_done(SortRebuild *rebuild);
/* records[i] = (key of payloads[i], payloads[i]). */
void sort_rebuild_records(SortRebuild *rebuild, const uint64_t *payloads, uint64_t n, SortRecord *ret_records);

#endif
