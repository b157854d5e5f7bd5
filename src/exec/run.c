/* pass_run: one pass over a table for all statements.
 *
 * Before the scan: plans are taken apart (pipeline.h), the union of their columns is looked up in every file, row groups
 * that no statement needs are ruled out by statistics, and sorters get to see dictionaries and a sample of keys (of files
 * far away the bytes read for that are kept: scan_keep.c).
 * The scan: each worker takes the next row group, reads it chunk by chunk, and passes each chunk to every statement that
 * wants the row group.  Aggregates without WHERE share one Cells; one with WHERE has its own.  Statements that neither
 * group nor sort emit a row group's rows when its turn comes.
 * After it: pass_joins.c, for joins that did not fit in memory, and pass_finish.c. */
#include "base/clock.h"
#include "exec/aggregate_state.h"
#include "exec/pass.h"
#include "exec/pass_internal.h"

#define SAMPLE_SPOTS 4
#define SAMPLE_ROWS 1024

/* ---- before the scan ---- */

/* How many rows of an ORDER BY over the scan's rows are wanted, where they are few; else 0. */
static uint32_t few_rows_wanted(const PipelineShape *shape)
{
    if (shape->aggregate || !shape->sort || !shape->limit || shape->limit->limit.limit < 0)
        return 0;
    uint64_t rows = (uint64_t)shape->limit->limit.limit + (uint64_t)shape->limit->limit.offset;
    return rows <= TOP_ROWS_MAX ? (uint32_t)rows : 0;
}

static Status prepare_statements(Run *run, Statement *statements, Error *err)
{
    uint32_t n_table = run->table->schema->n;
    uint32_t *scan_column = ARENA_ARRAY(&run->arena, uint32_t, n_table + 1); /* table column -> shared column + 1 */
    uint32_t *columns = ARENA_ARRAY(&run->arena, uint32_t, n_table + 1);
    uint32_t n_columns = 0;
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        running->statement = &statements[s];
        TRY(pipeline_shape(statements[s].plan, &run->arena, &running->shape, err));
        const PlanNode *scan = running->shape.scan;
        running->column_map = ARENA_ARRAY(&run->arena, uint32_t, scan->schema.n + 1);
        for (uint32_t i = 0; i < scan->schema.n; i++) {
            uint32_t column = (scan->kind == PLAN_SCAN ? scan->scan.columns : scan->relation.columns)[i];
            if (!scan_column[column]) {
                columns[n_columns] = column;
                scan_column[column] = ++n_columns;
            }
            running->column_map[i] = scan_column[column] - 1;
        }
        running->top = few_rows_wanted(&running->shape);
        atomic_init(&running->top_bound, UINT64_MAX);
    }
    TRY(scan_plan(run->table, columns, n_columns, &run->arena, &run->plan, err));
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        running->used = ARENA_ARRAY(&run->arena, bool, n_columns + 1);
        for (uint32_t i = 0; i < running->shape.scan->schema.n; i++)
            running->used[running->column_map[i]] = true;
    }
    return STATUS_OK;
}

static void plan_skipping(Run *run)
{
    uint32_t n_tasks = run->plan->n_tasks;
    run->skip = ARENA_ARRAY(&run->arena, bool, n_tasks + 1);
    memset(run->skip, 1, n_tasks);
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        running->skip = ARENA_ARRAY(&run->arena, bool, n_tasks + 1);
        if (running->shape.where)
            running->n_skipped = pipeline_skip_tasks(running->shape.where->filter.condition, running->column_map,
                                                     run->plan, running->skip);
        for (uint32_t task = 0; task < n_tasks; task++)
            run->skip[task] &= running->skip[task];
    }
}

static void prepare_worker(Run *run, Worker *worker)
{
    uint32_t n_columns = run->plan->n_columns;
    arena_init(&worker->query_arena);
    arena_init(&worker->batch_arena);
    error_init(&worker->err);
    scan_cursor_init(&worker->cursor, run->plan);
    Arena *arena = &worker->query_arena;
    worker->columns = ARENA_ARRAY(arena, Vector, n_columns + 1);
    worker->selected = ARENA_ARRAY(arena, Vector, n_columns + 1);
    worker->locals = ARENA_ARRAY(arena, StatementLocal, run->n);
    worker->cells_served = ARENA_ARRAY(arena, bool, run->n + 1);
    Aggregate **members = ARENA_ARRAY(arena, Aggregate *, run->n + 1);
    uint32_t n_members = 0;
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        StatementLocal *local = &worker->locals[s];
        const PipelineShape *shape = &running->shape;
        if (shape->where)
            local->where = eval_prepare(shape->where->filter.condition, running->column_map, arena);
        const uint32_t *column_map = shape->n_joins ? NULL : running->column_map;
        if (shape->n_joins)
            local->joins = join_stream_new(shape, running->column_map, arena);
        if (shape->aggregate) {
            local->aggregate = aggregate_new(shape->aggregate, column_map, arena);
            if (shape->n_joins)
                continue;
            if (shape->where)
                local->cells = cells_new(&local->aggregate, 1, n_columns, arena);
            else
                members[n_members++] = local->aggregate;
        } else if (running->top) {
            uint32_t n_context = shape->n_joins ? shape->joins[shape->n_joins - 1]->schema.n : n_columns;
            local->top = top_rows_new(shape->sort, shape->project->project.exprs, column_map, n_context, running->top,
                                      &running->top_bound, arena);
        } else if (!shape->sort) {
            local->outputs = ARENA_ARRAY(arena, EvalNode *, shape->project->schema.n + 1);
            for (uint32_t c = 0; c < shape->project->schema.n; c++)
                local->outputs[c] = eval_prepare(shape->project->project.exprs[c], column_map, arena);
        }
    }
    if (n_members)
        worker->cells = cells_new(members, n_members, n_columns, arena);
}

Status pass_account_memory(Run *run, Worker *worker, Error *err)
{
    size_t held = worker->query_arena.used_bytes + worker->cursor.arena.used_bytes;
    for (uint32_t s = 0; s < run->n; s++)
        if (worker->locals[s].top)
            held += top_rows_bytes(worker->locals[s].top);
    if (held > worker->reserved)
        TRY(budget_reserve(run->options->budget, held - worker->reserved, "grouping and keeping rows", err));
    else
        budget_release(run->options->budget, worker->reserved - held);
    worker->reserved = held;
    return STATUS_OK;
}

/* The groups of earlier rows go to the first worker, before the scan: a state that does not fit costs no scan. */
static Status load_states(Run *run, Error *err)
{
    Worker *worker = &run->workers[0];
    for (uint32_t s = 0; s < run->n; s++) {
        const Statement *statement = run->running[s].statement;
        if (!statement->state_in && !statement->state_out)
            continue;
        if (!exec_plan_is_incremental(statement->plan))
            return error_set(err, STATUS_INTERNAL, "a statement that cannot be made from a state was given one");
        if (!statement->state_in)
            continue;
        Status status = aggregate_load(worker->locals[s].aggregate, statement->state_in, &worker->batch_arena, err);
        size_t scratch = worker->batch_arena.used_bytes;
        arena_reset(&worker->batch_arena);
        TRY(status);
        TRY(budget_reserve(run->options->budget, scratch, "a saved state", err));
        budget_release(run->options->budget, scratch);
        TRY(pass_account_memory(run, worker, err));
    }
    return STATUS_OK;
}

void pass_fail(Run *run, Worker *worker, Status status)
{
    worker->status = status;
    atomic_store(&run->failed, true);
    for (uint32_t s = 0; s < run->n; s++)
        if (run->running[s].emitter.statement)
            emitter_stop(&run->running[s].emitter);
}

/* ---- the sample for the sorters ---- */

static Status sample_task(Run *run, int index, uint32_t task, const bool *wanted)
{
    Worker *worker = &run->workers[index];
    TRY(scan_cursor_open(&worker->cursor, task, wanted, &worker->err));
    uint64_t rows = run->plan->tasks[task].rows;
    uint64_t at = 0;
    for (uint32_t spot = 0; spot < SAMPLE_SPOTS; spot++) {
        uint64_t start = rows * spot / SAMPLE_SPOTS;
        if (start > at)
            TRY(scan_cursor_skip(&worker->cursor, start - at, &worker->err));
        uint32_t n;
        arena_reset(&worker->batch_arena);
        TRY(scan_cursor_next(&worker->cursor, SAMPLE_ROWS, &worker->batch_arena, worker->columns, &n, &worker->err));
        if (n == 0) /* a row group without rows, or fewer than spots */
            return STATUS_OK;
        at = (start > at ? start : at) + n;
        EvalContext context = {.batch_arena = &worker->batch_arena,
                               .group_arena = &worker->cursor.arena,
                               .generation = worker->cursor.generation,
                               .columns = worker->columns,
                               .n = n};
        for (uint32_t s = 0; s < run->n; s++)
            if (run->running[s].sorter && sorter_wants_sample(run->running[s].sorter) && !run->running[s].skip[task])
                sorter_sample_keys(run->running[s].sorter, index, &context, task);
    }
    return STATUS_OK;
}

static void sample_worker(void *context, int index)
{
    Run *run = context;
    Worker *worker = &run->workers[index];
    bool *wanted = ARENA_ARRAY(&worker->query_arena, bool, run->plan->n_columns + 1);
    for (uint32_t s = 0; s < run->n; s++)
        if (run->running[s].sorter)
            sorter_mark_key_columns(run->running[s].sorter, wanted);
    for (;;) {
        uint32_t spot = atomic_fetch_add(&run->next_task, 1);
        if (spot >= scan_sample_spots(run->plan) || atomic_load(&run->failed))
            return;
        uint32_t task = scan_sample_task(run->plan, spot);
        if (run->skip[task])
            continue;
        Status status = sample_task(run, index, task, wanted);
        if (status != STATUS_OK) {
            pass_fail(run, worker, status);
            return;
        }
    }
}

Status pass_first_failure(Run *run, Error *err)
{
    for (int w = 0; w < run->n_workers; w++)
        if (run->workers[w].status != STATUS_OK) {
            *err = run->workers[w].err;
            return err->code;
        }
    return STATUS_OK;
}

/* By a Sorter. */
static bool is_sorted(const Running *running)
{
    return !running->shape.aggregate && running->shape.sort && !running->top;
}

static bool any_sort(const Run *run)
{
    for (uint32_t s = 0; s < run->n; s++)
        if (is_sorted(&run->running[s]))
            return true;
    return false;
}

static Status prepare_sorters(Run *run, Error *err)
{
    bool sample = false;
    if (any_sort(run))
        TRY(scan_keep(run->plan, run->skip, run->options->pool, run->options->budget, err));
    uint32_t n_sorters = 0;
    for (uint32_t s = 0; s < run->n; s++)
        n_sorters += is_sorted(&run->running[s]);
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        if (!is_sorted(running))
            continue;
        SorterOptions options = {.node = running->shape.sort,
                                 .exprs = running->shape.project->project.exprs,
                                 .column_map = running->column_map,
                                 .scan = run->plan,
                                 .skip_task = running->skip,
                                 .pool = run->options->pool,
                                 .budget = run->options->budget,
                                 .expected_rows = run->plan->rows,
                                 .sharers = n_sorters};
        TRY(sorter_new(&options, &running->sorter, err));
        sample |= sorter_wants_sample(running->sorter);
    }
    if (sample) {
        atomic_store(&run->next_task, 0);
        pool_run(run->options->pool, sample_worker, run);
        TRY(pass_first_failure(run, err));
    }
    for (uint32_t s = 0; s < run->n; s++)
        if (run->running[s].sorter)
            sorter_start(run->running[s].sorter);
    return STATUS_OK;
}

/* ---- the scan ---- */

/* The rows that pass WHERE: the chunk itself, or its selected rows. */
static EvalContext passing_rows(Worker *worker, StatementLocal *local, const Running *running, const EvalContext *chunk)
{
    if (!local->where)
        return *chunk;
    EvalContext context = *chunk;
    EvalContext all = *chunk;
    Vector condition = eval_run(local->where, &all);
    uint32_t *rows = ARENA_ARRAY(chunk->batch_arena, uint32_t, chunk->n + 1);
    context.n = eval_true_rows(&condition, rows);
    if (context.n == chunk->n)
        return context;
    for (uint32_t c = 0; c < worker->cursor.plan->n_columns; c++)
        if (running->used[c])
            worker->selected[c] = vector_select(chunk->batch_arena, &chunk->columns[c], rows, context.n);
    context.columns = worker->selected;
    return context;
}

/* Keeps the projected rows until this row group's turn. */
static void keep_rows(Worker *worker, StatementLocal *local, const Running *running, EvalContext *context)
{
    uint32_t n_columns = running->shape.project->schema.n;
    if (local->n_pending == local->pending_capacity) {
        local->pending_capacity = local->pending_capacity ? local->pending_capacity * 2 : 16;
        local->pending = mem_realloc(local->pending, sizeof(Batch) * local->pending_capacity);
    }
    Arena *arena = &worker->cursor.arena; /* lives as long as the row group */
    Batch *batch = &local->pending[local->n_pending++];
    local->pending_rows += context->n;
    *batch =
        (Batch){.n_rows = context->n, .n_columns = n_columns, .columns = ARENA_ARRAY(arena, Vector, n_columns + 1)};
    for (uint32_t c = 0; c < n_columns; c++) {
        Vector column = eval_run(local->outputs[c], context);
        if (column.kind == VECTOR_DICT)
            column.data = arena_memdup(arena, column.data, (size_t)column.code_width * column.n);
        else
            column = vector_copy(arena, &column);
        batch->columns[c] = column;
    }
}

Status pass_take_rows(Run *run, int index, uint32_t s, uint32_t task, EvalContext *context)
{
    Worker *worker = &run->workers[index];
    Running *running = &run->running[s];
    StatementLocal *local = &worker->locals[s];
    if (context->n == 0)
        return STATUS_OK;
    if (running->sorter)
        return sorter_add(running->sorter, index, context, task, &worker->err);
    if (local->top) {
        top_rows_add(local->top, context);
        return STATUS_OK;
    }
    if (!local->aggregate)
        keep_rows(worker, local, running, context);
    else if (!local->served)
        aggregate_update(local->aggregate, context);
    else if (local->cells)
        cells_add(local->cells, context);
    return STATUS_OK;
}

typedef struct Taking {
    Run *run;
    int index;
    uint32_t s;
    uint32_t task;
} Taking;

static Status take_joined(void *context, EvalContext *rows, Error *err)
{
    (void)err; /* it is the worker's */
    const Taking *taking = context;
    return pass_take_rows(taking->run, taking->index, taking->s, taking->task, rows);
}

static Status process_chunk(Run *run, int index, uint32_t s, uint32_t task, const EvalContext *chunk)
{
    Worker *worker = &run->workers[index];
    Running *running = &run->running[s];
    StatementLocal *local = &worker->locals[s];
    EvalContext context = passing_rows(worker, local, running, chunk);
    local->rows_in += chunk->n;
    if (!local->joins)
        return pass_take_rows(run, index, s, task, &context);
    Taking taking = {run, index, s, task};
    return join_stream_run(local->joins, running->statement->joins, &context, take_joined, &taking, &worker->err);
}

/* No column is read: count(*) of a whole row group is one weighted row, however many rows the footer tells of. */
static void count_whole(Run *run, Worker *worker, EvalContext *context, uint64_t rows)
{
    uint32_t group;
    int64_t weight = (int64_t)rows;
    context->n = 1;
    for (uint32_t s = 0; rows && s < run->n; s++) {
        Aggregate *aggregate = worker->locals[s].aggregate;
        worker->locals[s].rows_in += rows;
        aggregate_groups(aggregate, context, &group);
        for (uint32_t i = 0; i < aggregate->n_slots; i++)
            aggregate_update_slot(aggregate, i, context, &group, &weight);
    }
    atomic_fetch_add(&run->rows_done, rows);
}

static bool only_counts(const Run *run)
{
    for (uint32_t s = 0; s < run->n; s++)
        if (!run->running[s].shape.aggregate || run->running[s].shape.where || run->running[s].shape.n_joins)
            return false;
    return run->plan->n_columns == 0;
}

static void begin_cells(Run *run, Worker *worker, EvalContext *context, uint64_t rows)
{
    const Vector *const *dictionaries = worker->cursor.dictionaries;
    if (worker->cells)
        cells_begin(worker->cells, dictionaries, rows, context, worker->cells_served);
    for (uint32_t s = 0, member = 0; s < run->n; s++) {
        StatementLocal *local = &worker->locals[s];
        if (!local->aggregate || run->running[s].shape.n_joins)
            continue;
        if (local->cells)
            cells_begin(local->cells, dictionaries, rows, context, &local->served);
        else
            local->served = worker->cells_served[member++];
    }
}

static void end_cells(Run *run, Worker *worker, EvalContext *context, uint32_t task)
{
    bool shared = false;
    for (uint32_t s = 0; s < run->n; s++) {
        StatementLocal *local = &worker->locals[s];
        if (!local->aggregate || !local->served)
            continue;
        if (!local->cells)
            shared = true;
        else if (!run->running[s].skip[task])
            cells_end(local->cells, context);
    }
    if (shared)
        cells_end(worker->cells, context);
}

Status pass_emit_pending(Running *running, StatementLocal *local, Error *err)
{
    const PlanNode *limit = running->shape.limit;
    uint64_t first = limit ? (uint64_t)limit->limit.offset : 0;
    uint64_t end = limit && limit->limit.limit >= 0 ? first + (uint64_t)limit->limit.limit : UINT64_MAX;
    for (uint32_t i = 0; i < local->n_pending; i++) {
        Batch *batch = &local->pending[i];
        uint64_t start = running->emitted;
        running->emitted += batch->n_rows;
        uint64_t from = first > start ? first - start : 0;
        uint64_t until = end - start < batch->n_rows ? end - start : batch->n_rows;
        if (start >= end || from >= until)
            continue;
        for (uint32_t c = 0; c < batch->n_columns; c++)
            batch->columns[c] = vector_slice(&batch->columns[c], (uint32_t)from, (uint32_t)(until - from));
        batch->n_rows = (uint32_t)(until - from);
        TRY(emitter_batch(&running->emitter, batch, err));
    }
    if (running->emitted >= end)
        atomic_store(&running->satisfied, true);
    local->n_pending = 0;
    local->pending_rows = 0;
    return STATUS_OK;
}

static Status emit_row_group(Run *run, Worker *worker, uint32_t task)
{
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        if (!running->emitter.statement)
            continue;
        if (!emitter_wait(&running->emitter, task))
            return STATUS_OK;
        TRY(pass_emit_pending(running, &worker->locals[s], &worker->err));
        emitter_pass(&running->emitter);
    }
    return STATUS_OK;
}

static bool all_satisfied(Run *run)
{
    for (uint32_t s = 0; s < run->n; s++)
        if (!atomic_load(&run->running[s].satisfied))
            return false;
    return true;
}

/* Whether every statement has its LIMIT of rows from this row group alone, so that the rest of it need not be read. */
static bool row_group_is_enough(const Run *run, const Worker *worker)
{
    for (uint32_t s = 0; s < run->n; s++) {
        const PlanNode *limit = run->running[s].shape.limit;
        bool streams = run->running[s].emitter.statement != NULL;
        if (!streams || !limit || limit->limit.limit < 0 ||
            worker->locals[s].pending_rows < (uint64_t)limit->limit.limit + (uint64_t)limit->limit.offset)
            return false;
    }
    return true;
}

/* Leaves out the rows that, by the page index, no statement's WHERE lets pass. */
static Status restrict_rows(Run *run, Worker *worker, uint32_t task)
{
    RowRanges wanted = {0};
    Arena *arena = &worker->cursor.arena;
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        if (running->skip[task])
            continue;
        if (!running->shape.where)
            return STATUS_OK;
        RowRanges ranges;
        TRY(pipeline_row_ranges(running->shape.where->filter.condition, running->column_map, run->plan, task, arena,
                                &ranges, &worker->err));
        wanted = pipeline_unite_ranges(&wanted, &ranges, arena);
    }
    uint64_t rows = 0;
    for (uint32_t i = 0; i < wanted.n; i++)
        rows += wanted.ranges[i].end - wanted.ranges[i].first;
    atomic_fetch_add(&run->rows_skipped, run->plan->tasks[task].rows - rows);
    scan_cursor_restrict(&worker->cursor, wanted);
    return STATUS_OK;
}

static Status scan_task(Run *run, int index, uint32_t task)
{
    Worker *worker = &run->workers[index];
    double start = clock_seconds();
    TRY(scan_cursor_open(&worker->cursor, task, NULL, &worker->err));
    scan_drop(run->plan, task);
    atomic_fetch_add(&run->bytes_read, scan_task_bytes(run->plan, task));
    EvalContext context = {.batch_arena = &worker->batch_arena,
                           .group_arena = &worker->cursor.arena,
                           .generation = worker->cursor.generation,
                           .columns = worker->columns};
    arena_reset(&worker->batch_arena);
    if (only_counts(run)) {
        count_whole(run, worker, &context, run->plan->tasks[task].rows);
        return STATUS_OK;
    }
    TRY(restrict_rows(run, worker, task));
    begin_cells(run, worker, &context, run->plan->tasks[task].rows);
    worker->scan_seconds += clock_seconds() - start;
    for (;;) {
        TRY(interrupt_check(&worker->err));
        if (atomic_load(&run->failed))
            return STATUS_OK;
        double time = clock_seconds();
        arena_reset(&worker->batch_arena);
        TRY(scan_cursor_next(&worker->cursor, SCAN_CHUNK_ROWS, &worker->batch_arena, worker->columns, &context.n,
                             &worker->err));
        double then = clock_seconds();
        worker->scan_seconds += then - time;
        if (context.n == 0)
            break;
        if (worker->cells)
            cells_add(worker->cells, &context);
        for (uint32_t s = 0; s < run->n; s++) {
            if (!run->running[s].skip[task])
                TRY(process_chunk(run, index, s, task, &context));
            time = clock_seconds();
            worker->locals[s].seconds += time - then;
            then = time;
        }
        TRY(pass_account_memory(run, worker, &worker->err));
        uint64_t done = atomic_fetch_add(&run->rows_done, context.n) + context.n;
        if (run->options->progress)
            run->options->progress(run->options->progress_context, done, run->plan->rows);
        if (row_group_is_enough(run, worker))
            break;
    }
    arena_reset(&worker->batch_arena);
    end_cells(run, worker, &context, task);
    return emit_row_group(run, worker, task);
}

static void scan_worker(void *context, int index)
{
    Run *run = context;
    Worker *worker = &run->workers[index];
    for (;;) {
        uint32_t task = atomic_fetch_add(&run->next_task, 1);
        if (task >= run->plan->n_tasks || atomic_load(&run->failed))
            return;
        bool needless = run->skip[task] || all_satisfied(run);
        Status status = needless ? emit_row_group(run, worker, task) : scan_task(run, index, task);
        if (status != STATUS_OK) {
            pass_fail(run, worker, status);
            return;
        }
    }
}

static void release(Run *run)
{
    for (int w = 0; run->workers && w < run->n_workers; w++) {
        Worker *worker = &run->workers[w];
        for (uint32_t s = 0; worker->locals && s < run->n; s++) {
            mem_free(worker->locals[s].pending);
            join_stream_done(worker->locals[s].joins);
            top_rows_done(worker->locals[s].top);
        }
        scan_cursor_done(&worker->cursor);
        budget_release(run->options->budget, worker->reserved);
        arena_done(&worker->query_arena);
        arena_done(&worker->batch_arena);
    }
    for (uint32_t task = 0; run->plan && task < run->plan->n_tasks; task++)
        scan_drop(run->plan, task); /* of a scan that was not finished */
    for (uint32_t s = 0; s < run->n; s++) {
        sorter_free(run->running[s].sorter);
        emitter_close(&run->running[s].emitter);
    }
    arena_done(&run->arena);
}

static Status run_all(Run *run, Statement *statements, Error *err)
{
    TRY(prepare_statements(run, statements, err));
    plan_skipping(run);
    run->n_workers = pool_threads(run->options->pool);
    run->workers = ARENA_ARRAY(&run->arena, Worker, run->n_workers);
    for (int w = 0; w < run->n_workers; w++)
        prepare_worker(run, &run->workers[w]);
    TRY(load_states(run, err));
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        if (!running->shape.aggregate && !running->shape.sort)
            TRY(emitter_open(&running->emitter, running->statement, pipeline_schema(&running->shape), err));
    }
    TRY(prepare_sorters(run, err));
    atomic_store(&run->next_task, 0);
    pool_run(run->options->pool, scan_worker, run);
    TRY(pass_first_failure(run, err));
    TRY(pass_join_parts(run, err));
    return pass_finish(run, err);
}

Status pass_run(Statement *statements, uint32_t n, const TableFiles *table, const ExecOptions *options,
                ScanStatistics *ret_scan, Error *err)
{
    Run run = {.n = n, .table = table, .options = options};
    arena_init(&run.arena);
    run.running = ARENA_ARRAY(&run.arena, Running, n);
    for (uint32_t s = 0; s < n; s++) {
        statements[s].rows_out = statements[s].bytes_out = 0;
        statements[s].n_operators = 0;
    }
    Status status = run_all(&run, statements, err);
    if (status == STATUS_OK && ret_scan) {
        *ret_scan = (ScanStatistics){.rows = atomic_load(&run.rows_done),
                                     .bytes_read = atomic_load(&run.bytes_read),
                                     .row_groups = run.plan->n_tasks};
        for (uint32_t task = 0; task < run.plan->n_tasks; task++)
            ret_scan->row_groups_skipped += run.skip[task];
    }
    release(&run);
    return status;
}
