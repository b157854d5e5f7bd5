#include "exec/pipeline.h"

#include "exec/aggregate_state.h"

#define SAMPLE_ROWS 32768

/* The joins below a node, and the filter under them. */
static void take_joins(const PlanNode *node, Arena *arena, PipelineShape *shape)
{
    uint32_t n = 0;
    for (const PlanNode *join = node; join->kind == PLAN_JOIN; join = join->child)
        n++;
    shape->joins = ARENA_ARRAY(arena, const PlanNode *, n);
    shape->n_joins = n;
    for (; node->kind == PLAN_JOIN; node = node->child)
        shape->joins[--n] = node;
    if (node->kind == PLAN_FILTER) {
        shape->where = node;
        node = node->child;
    }
    shape->scan = node;
}

Status pipeline_shape(const PlanNode *plan, Arena *arena, PipelineShape *ret_shape, Error *err)
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
    if (node && node->kind == PLAN_JOIN) {
        shape.filter = filter;
        take_joins(node, arena, &shape);
        node = shape.scan;
    } else {
        shape.where = filter;
        shape.scan = node;
    }
    if (!node || (node->kind != PLAN_SCAN && node->kind != PLAN_RELATION) || !shape.project)
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

static Batch every_nth(const Batch *batch, uint32_t step, Arena *arena)
{
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, batch->n_rows / step + 1);
    Batch sample = {.n_columns = batch->n_columns, .columns = ARENA_ARRAY(arena, Vector, batch->n_columns + 1)};
    for (uint32_t row = 0; row < batch->n_rows; row += step)
        rows[sample.n_rows++] = row;
    for (uint32_t c = 0; c < batch->n_columns; c++)
        sample.columns[c] = vector_select(arena, &batch->columns[c], rows, sample.n_rows);
    return sample;
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
    if (sorter_wants_sample(sorter)) {
        Batch sample = every_nth(batch, batch->n_rows / SAMPLE_ROWS + 1, arena);
        context.columns = sample.columns;
        context.n = sample.n_rows;
        sorter_sample_keys(sorter, 0, &context, 0);
    }
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

/* ORDER BY all columns: groups have no order of their own, and which came first depends on the threads. */
static const PlanNode *implied_sort(const PlanNode *project, Arena *arena)
{
    PlanNode *sort = ARENA_NEW(arena, PlanNode);
    sort->kind = PLAN_SORT;
    sort->child = (PlanNode *)(uintptr_t)project;
    sort->schema = project->schema;
    sort->sort.n_keys = sort->sort.n_visible = project->schema.n;
    sort->sort.keys = ARENA_ARRAY(arena, SortKey, project->schema.n);
    for (uint32_t c = 0; c < project->schema.n; c++)
        sort->sort.keys[c] = (SortKey){.column = c, .nulls_first = true};
    return sort;
}

Status pipeline_finish_batch(const PipelineShape *given, Statement *statement, const Batch *batch,
                             const ExecOptions *options, Error *err)
{
    Arena arena;
    arena_init(&arena);
    PipelineShape ordered = *given;
    if (!ordered.sort)
        ordered.sort = implied_sort(ordered.project, &arena);
    const PipelineShape *shape = &ordered;
    Emitter emitter;
    Status status = emitter_open(&emitter, statement, pipeline_schema(shape), err);
    if (status == STATUS_OK) {
        Batch kept = filter_batch(shape->having, batch, &arena);
        status = sort_batch(shape, &emitter, &kept, options, &arena, err);
    }
    if (status == STATUS_OK)
        status = emitter_finish(&emitter, err);
    emitter_close(&emitter);
    arena_done(&arena);
    return status;
}

Status exec_check_files(const PlanNode *plan, const TableFiles *table, Error *err)
{
    Arena arena;
    PlanList list = {0};
    Status status = STATUS_OK;
    arena_init(&arena);
    plan_list_add(&list, plan, &arena);
    for (uint32_t i = 0; i < list.n && status == STATUS_OK; i++) {
        const PlanNode *leaf = plan_leaf(list.plans[i]);
        ScanPlan *scan;
        if (leaf->kind == PLAN_SCAN && (!table->name || strcmp(table->name, leaf->scan.table) == 0))
            status = scan_plan(table, leaf->scan.columns, leaf->schema.n, &arena, &scan, err);
    }
    arena_done(&arena);
    return status;
}

bool exec_plan_is_incremental(const PlanNode *plan)
{
    PipelineShape shape = {0};
    Error ignored;
    Arena arena;
    arena_init(&arena);
    error_init(&ignored);
    bool is = pipeline_shape(plan, &arena, &shape, &ignored) == STATUS_OK && shape.scan->kind == PLAN_SCAN &&
              shape.n_joins == 0 && shape.aggregate && aggregate_can_save(shape.aggregate);
    arena_done(&arena);
    return is;
}
