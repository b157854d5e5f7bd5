/* Pipeline: a bound plan taken apart into the steps that run one after the other.
 *
 *   Scan or Relation -> where -> [joins -> filter] -> [aggregate -> having] -> project -> [sort] -> [limit] -> sink
 */
#ifndef FREIGHTLAKE_EXEC_PIPELINE_H
#define FREIGHTLAKE_EXEC_PIPELINE_H

#include "exec/aggregate.h"
#include "exec/cells.h"
#include "exec/emit.h"
#include "exec/scan.h"
#include "exec/sort.h"

typedef struct PipelineShape {
    const PlanNode *scan;   /* or relation */
    const PlanNode *where;  /* of its rows; NULL: none */
    const PlanNode **joins; /* the lowest first; in an arena */
    uint32_t n_joins;
    const PlanNode *filter;    /* of the joined rows; NULL: none */
    const PlanNode *aggregate; /* NULL: none */
    const PlanNode *having;    /* NULL: none */
    const PlanNode *project;
    const PlanNode *sort;  /* NULL: none */
    const PlanNode *limit; /* NULL: none */
} PipelineShape;

/* Takes the plan apart; INTERNAL when it has another form than plan.h promises. */
Status pipeline_shape(const PlanNode *plan, Arena *arena, PipelineShape *ret_shape, Error *err) MUST_CHECK;
/* Visible output columns of the plan. */
const Schema *pipeline_schema(const PipelineShape *shape);

/* Row groups whose statistics show that no row can pass `condition` (over scan columns by column_map): skip[task] is set.
 * Returns how many. */
uint32_t pipeline_skip_tasks(const Expr *condition, const uint32_t *column_map, const ScanPlan *plan, bool *skip);

/* Rows of a task that can pass `condition` as far as the page index tells: ascending ranges, in `arena`. */
Status pipeline_row_ranges(const Expr *condition, const uint32_t *column_map, const ScanPlan *plan, uint32_t task,
                           Arena *arena, RowRanges *ret_ranges, Error *err) MUST_CHECK;
RowRanges pipeline_unite_ranges(const RowRanges *a, const RowRanges *b, Arena *arena);

/* From the groups of an aggregate to the sink: HAVING, projection, sort (by all columns where none is asked for), limit. */
Status pipeline_finish_batch(const PipelineShape *shape, Statement *statement, const Batch *batch,
                             const ExecOptions *options, Error *err) MUST_CHECK;

#endif
