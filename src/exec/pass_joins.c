/* After the scan: joins whose right side did not fit in memory, part by part (join_parts.h).
 *
 * The joins of a statement are taken from the lowest on, so that all rows that will be parked at one are there when its turn
 * comes: those of the scan, and those of the parts of the joins below it. */
#include "exec/pass_internal.h"

/* One part, whose parked rows the workers share out. */
typedef struct PartRun {
    Run *run;
    uint32_t s;
    uint32_t j;
    const JoinSide *sides; /* with the opened part in the place of the join's side */
    const JoinParts *parts;
    uint32_t part;
    _Atomic uint32_t next;
} PartRun;

typedef struct Taking {
    Run *run;
    int index;
    uint32_t s;
} Taking;

static Status take_joined(void *context, EvalContext *rows, Error *err)
{
    (void)err; /* it is the worker's */
    const Taking *taking = context;
    return pass_take_rows(taking->run, taking->index, taking->s, 0, rows);
}

static Status emit(Running *running, StatementLocal *local, Error *err)
{
    if (!running->emitter.statement)
        return STATUS_OK;
    pthread_mutex_lock(&running->emitter.mutex);
    Status status = pass_emit_pending(running, local, err);
    pthread_mutex_unlock(&running->emitter.mutex);
    return status;
}

static Status run_extent(PartRun *part_run, int index, uint32_t extent)
{
    Run *run = part_run->run;
    Worker *worker = &run->workers[index];
    Running *running = &run->running[part_run->s];
    StatementLocal *local = &worker->locals[part_run->s];
    Arena *arena = &worker->cursor.arena; /* whatever is remembered of a row group is of this extent */
    Taking taking = {run, index, part_run->s};
    Batch batch;
    arena_reset(arena);
    worker->cursor.generation++;
    TRY(join_parts_read(part_run->parts, part_run->part, extent, arena, &batch, &worker->err));
    Vector *columns = ARENA_ARRAY(arena, Vector, batch.n_columns + 1);
    for (uint32_t first = 0; first < batch.n_rows; first += SCAN_CHUNK_ROWS) {
        uint32_t n = batch.n_rows - first < SCAN_CHUNK_ROWS ? batch.n_rows - first : SCAN_CHUNK_ROWS;
        TRY(interrupt_check(&worker->err));
        arena_reset(&worker->batch_arena);
        for (uint32_t c = 0; c < batch.n_columns; c++)
            columns[c] = vector_slice(&batch.columns[c], first, n);
        EvalContext context = {.batch_arena = &worker->batch_arena,
                               .group_arena = arena,
                               .generation = worker->cursor.generation,
                               .columns = columns,
                               .n = n};
        TRY(join_stream_resume(local->joins, part_run->j, part_run->sides, &context, take_joined, &taking,
                               &worker->err));
        TRY(pass_account_memory(run, worker, &worker->err));
    }
    return emit(running, local, &worker->err);
}

static void part_worker(void *context, int index)
{
    PartRun *part_run = context;
    Run *run = part_run->run;
    uint32_t n = join_parts_extents(part_run->parts, part_run->part);
    for (;;) {
        uint32_t extent = atomic_fetch_add(&part_run->next, 1);
        if (extent >= n || atomic_load(&run->failed) || atomic_load(&run->running[part_run->s].satisfied))
            return;
        Status status = run_extent(part_run, index, extent);
        if (status != STATUS_OK) {
            pass_fail(run, &run->workers[index], status);
            return;
        }
    }
}

static Status join_all_parts(Run *run, uint32_t s, uint32_t j, JoinSide *sides, Error *err);

/* A part, or what of it fits; parked rows of one that was parted again are parked anew and joined in turn. */
static Status join_part(Run *run, uint32_t s, uint32_t j, JoinSide *sides, uint32_t part, uint32_t *at, Error *err)
{
    const JoinSide whole = sides[j];
    JoinSide opened;
    TRY(join_part_open(whole.parts, part, at, run->options->pool, &opened, err));
    sides[j] = opened;
    PartRun part_run = {.run = run, .s = s, .j = j, .sides = sides, .parts = whole.parts, .part = part};
    pool_run(run->options->pool, part_worker, &part_run);
    Status status = pass_first_failure(run, err);
    if (status == STATUS_OK && opened.parts)
        status = join_all_parts(run, s, j, sides, err);
    for (int w = 0; status != STATUS_OK && w < run->n_workers; w++)
        join_stream_drop(run->workers[w].locals[s].joins, j); /* they know of the part that is closed */
    join_parts_note(whole.parts, &opened);
    join_side_close(&opened);
    sides[j] = whole;
    return status;
}

static Status join_all_parts(Run *run, uint32_t s, uint32_t j, JoinSide *sides, Error *err)
{
    for (int w = 0; w < run->n_workers; w++)
        TRY(join_stream_flush(run->workers[w].locals[s].joins, j, err));
    for (uint32_t part = 0; part < join_parts_count(sides[j].parts); part++) {
        if (join_parts_extents(sides[j].parts, part) == 0)
            continue;
        for (uint32_t at = 0; at != UINT32_MAX;)
            TRY(join_part(run, s, j, sides, part, &at, err));
    }
    return STATUS_OK;
}

Status pass_join_parts(Run *run, Error *err)
{
    for (uint32_t s = 0; s < run->n; s++) {
        const PipelineShape *shape = &run->running[s].shape;
        JoinSide *sides = run->running[s].statement->joins;
        for (uint32_t j = 0; j < shape->n_joins; j++)
            if (sides[j].parts)
                TRY(join_all_parts(run, s, j, sides, err));
    }
    return STATUS_OK;
}
