#include "exec/pipeline.h"

Status pipeline_shape(const PlanNode *plan, PipelineShape *ret_shape, Error *err)
{
    PipelineShape shape = {0};
    const PlanNode *node = plan;
    if (node && node->kind == PLAN_LIMIT) {
        shape.limit = node;
        node = node->child;
    }
    if (node && node->kind == PLAN_SORT) {
        shape.sort = node;
        node = node->child;
    }
    if (node && node->kind == PLAN_PROJECT) {
        shape.project = node;
        node = node->child;
    }
    const PlanNode *filter = NULL;
    if (node && node->kind == PLAN_FILTER) {
        filter = node;
        node = node->child;
    }
    if (node && node->kind == PLAN_AGGREGATE) {
        shape.having = filter;
        filter = NULL;
        shape.aggregate = node;
        node = node->child;
        if (node && node->kind == PLAN_FILTER) {
            filter = node;
            node = node->child;
        }
    }
    shape.where = filter;
    shape.scan = node;
    if (!node || node->kind != PLAN_SCAN || !shape.project)
        return error_set(err, STATUS_INTERNAL, "the plan has a form that the executor does not know");
    *ret_shape = shape;
    return STATUS_OK;
}

const Schema *pipeline_schema(const PipelineShape *shape)
{
    return shape->sort ? &shape->sort->schema : &shape->project->schema;
}

/* The rows of a batch that the HAVING condition lets pass. */
static Batch filter_batch(const PlanNode *having, const Batch *batch, Arena *arena)
{
    if (!having)
        return *batch;
    EvalContext context = {.batch_arena = arena, .group_arena = arena, .columns = batch->columns, .n = batch->n_rows};
    EvalNode *condition = eval_prepare(having->filter.condition, NULL, arena);
    Vector passes = eval_run(condition, &context);
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, batch->n_rows + 1);
    Batch kept = {.n_rows = eval_true_rows(&passes, rows), .n_columns = batch->n_columns};
    kept.columns = ARENA_ARRAY(arena, Vector, batch->n_columns + 1);
    for (uint32_t c = 0; c < batch->n_columns; c++)
        kept.columns[c] = vector_select(arena, &batch->columns[c], rows, kept.n_rows);
    return kept;
}

static Status sort_batch(const PipelineShape *shape, Emitter *emitter, const Batch *batch, const ExecOptions *options,
                         Arena *arena, Error *err)
{
    SorterOptions sorter_options = {.node = shape->sort,
                                    .exprs = shape->project->project.exprs,
                                    .pool = options->pool,
                                    .budget = options->budget,
                                    .expected_rows = batch->n_rows};
    Sorter *sorter;
    TRY(sorter_new(&sorter_options, &sorter, err));
    EvalContext context = {.batch_arena = arena, .group_arena = arena, .columns = batch->columns, .n = batch->n_rows};
    if (sorter_wants_sample(sorter))
        sorter_sample_keys(sorter, 0, &context, 0);
    sorter_start(sorter);
    Status status = STATUS_OK;
    for (uint32_t first = 0; status == STATUS_OK && first < batch->n_rows; first += SCAN_CHUNK_ROWS) {
        uint32_t n = batch->n_rows - first < SCAN_CHUNK_ROWS ? batch->n_rows - first : SCAN_CHUNK_ROWS;
        Vector *columns = ARENA_ARRAY(arena, Vector, batch->n_columns + 1);
        for (uint32_t c = 0; c < batch->n_columns; c++)
            columns[c] = vector_slice(&batch->columns[c], first, n);
        context.columns = columns;
        context.n = n;
        status = sorter_add(sorter, 0, &context, 0, err);
    }
    int64_t offset = shape->limit ? shape->limit->limit.offset : 0;
    int64_t limit = shape->limit ? shape->limit->limit.limit : -1;
    if (status == STATUS_OK)
        status = sorter_finish(sorter, emitter, offset, limit, err);
    sorter_free(sorter);
    return status;
}

static Status project_batch(const PipelineShape *shape, Emitter *emitter, const Batch *batch, Arena *arena, Error *err)
{
    EvalContext context = {.batch_arena = arena, .group_arena = arena, .columns = batch->columns, .n = batch->n_rows};
    Batch result = {.n_rows = batch->n_rows, .n_columns = shape->project->schema.n};
    result.columns = ARENA_ARRAY(arena, Vector, result.n_columns + 1);
    uint64_t offset = shape->limit ? (uint64_t)shape->limit->limit.offset : 0;
    uint64_t limit = shape->limit && shape->limit->limit.limit >= 0 ? (uint64_t)shape->limit->limit.limit : UINT64_MAX;
    uint32_t first = offset < batch->n_rows ? (uint32_t)offset : batch->n_rows;
    uint32_t n = limit < batch->n_rows - first ? (uint32_t)limit : batch->n_rows - first;
    for (uint32_t c = 0; c < result.n_columns; c++) {
        Vector column = eval_run(eval_prepare(shape->project->project.exprs[c], NULL, arena), &context);
        result.columns[c] = vector_slice(&column, first, n);
    }
    result.n_rows = n;
    return n ? emitter_batch(emitter, &result, err) : STATUS_OK;
}

Status pipeline_finish_batch(const PipelineShape *shape, Statement *statement, const Batch *batch,
                             const ExecOptions *options, Error *err)
{
    Arena arena;
    arena_init(&arena);
    Emitter emitter;
    Status status = emitter_open(&emitter, statement, pipeline_schema(shape), err);
    if (status == STATUS_OK) {
        Batch kept = filter_batch(shape->having, batch, &arena);
        status = shape->sort ? sort_batch(shape, &emitter, &kept, options, &arena, err)
                             : project_batch(shape, &emitter, &kept, &arena, err);
    }
    if (status == STATUS_OK)
        status = emitter_finish(&emitter, err);
    emitter_close(&emitter);
    arena_done(&arena);
    return status;
}
