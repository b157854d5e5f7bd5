/* Sorter: ORDER BY of one statement, by all threads.
 *
 * Two forms of one algorithm (records.h):
 *  - packed: every output column is a field (sort_fields.h), but the first sort key may also be a computed double, int or
 *    date, which is then the record's key itself.  A record holds the whole row; nothing is gathered afterwards.
 *  - reference: the record holds the first 64 bits of the first key, mapped so that they compare as numbers, and where the
 *    row lies among the materialised columns; ties are settled by comparing values.
 * Values that compare equal come out equal to the bit: a sorted result has no negative zero and one NaN.
 * Where the budget has a limit and a place to spill to, a worker that has its share writes what it holds: packed rows bucket
 * by bucket (records.h), rows by reference as a sorted run of row codes (sort_runs.h).  The result is the same to the byte.
 * Order of calls: sorter_new, sorter_sample_keys (any number), sorter_start, sorter_add from all workers, sorter_finish. */
#ifndef FREIGHTLAKE_EXEC_SORT_H
#define FREIGHTLAKE_EXEC_SORT_H

#include "exec/emit.h"
#include "exec/eval.h"
#include "exec/scan.h"

typedef struct Sorter Sorter;

typedef struct SorterOptions {
    const PlanNode *node;       /* the PLAN_SORT */
    const Expr *const *exprs;   /* of the sort's child: its columns, over the context's columns */
    const uint32_t *column_map; /* as in eval_prepare */
    const ScanPlan *scan;       /* NULL: rows do not come from a scan, the packed form is not tried */
    const bool *skip_task;      /* tasks that will not be read; may be NULL */
    ThreadPool *pool;
    MemoryBudget *budget;
    uint64_t expected_rows;
    uint32_t sharers; /* sorts that run at a time, this one among them: what memory is free is shared */
} SorterOptions;

Status sorter_new(const SorterOptions *options, Sorter **ret_sorter, Error *err) MUST_CHECK;
void sorter_free(Sorter *sorter);
/* Columns of the context that the record keys depend on. */
void sorter_mark_key_columns(const Sorter *sorter, bool *used);
bool sorter_wants_sample(const Sorter *sorter);
/* Remembers the keys of the context's rows as a sample; from any worker. */
void sorter_sample_keys(Sorter *sorter, int worker, EvalContext *context, uint32_t task);
void sorter_start(Sorter *sorter);
Status sorter_add(Sorter *sorter, int worker, EvalContext *context, uint32_t task, Error *err) MUST_CHECK;
/* Sorts and gives rows [offset, offset + limit) to the emitter; limit < 0: all. */
Status sorter_finish(Sorter *sorter, Emitter *emitter, int64_t offset, int64_t limit, Error *err) MUST_CHECK;
/* For explain: the form in words, and the bytes held. */
void sorter_describe(const Sorter *sorter, char *text, size_t size, uint64_t *ret_bytes);

#endif
