/* JoinStream; see join_stream.h.
 *
 * Each join makes batches of pairs, which go on to the next join before the next batch is made: memory is a batch a join,
 * however many partners a row has.  Where a join is parted its rows are parked, and resume from there when its parts are
 * joined (pass_joins.c).
 *
 * Rows that will find no partner in a join further up are dropped before the first, where that join's keys are columns of the
 * scan by way of the keys between (join_columns.h).  The first rows of a thread tell what share of rows comes that far anyway, the
 * next ones what share has a partner there: half of the other or less is worth it. */
#include "exec/join_stream.h"

#include "base/clock.h"
#include "exec/join_columns.h"

#define TRIAL_ROWS 65536 /* each of the two */

/* One join. */
typedef struct Step {
    const PlanNode *join;
    const uint32_t *column_map; /* of the lowest: from its child's columns to those of the scan */
    EvalNode **keys;
    EvalNode *condition;     /* of a pair; NULL: none */
    Arena arena;             /* of a batch */
    uint32_t n_columns;      /* that rows come with */
    JoinParker *parker;      /* NULL: nothing is parked */
    bool *used;              /* columns of the pairs that are read */
    bool *used_below;        /* of the child; NULL: all */
    const uint32_t *scanned; /* columns of the rows that its keys equal; NULL: none, or not worth it */
    uint64_t early_rows;     /* looked up by them */
    double share;            /* of the rows, that came to it without that */
    JoinCounts counts;
} Step;

struct JoinStream {
    Step *steps;
    uint32_t n;
    EvalNode *filter; /* of what comes out; NULL: none */
    uint64_t rows;    /* that came */
};

typedef struct Passage {
    JoinStream *stream;
    const JoinSide *sides;
    JoinTake take;
    void *take_context;
} Passage;

JoinStream *join_stream_new(const PipelineShape *shape, const uint32_t *column_map, Arena *query_arena)
{
    JoinStream *stream = ARENA_NEW(query_arena, JoinStream);
    stream->n = shape->n_joins;
    stream->steps = ARENA_ARRAY(query_arena, Step, stream->n);
    bool **used = join_columns_used(shape, query_arena);
    for (uint32_t j = 0; j < stream->n; j++) {
        Step *step = &stream->steps[j];
        const PlanNode *join = step->join = shape->joins[j];
        step->column_map = j == 0 ? column_map : NULL;
        step->n_columns = join->child->schema.n;
        for (uint32_t c = 0; step->column_map && c < join->child->schema.n; c++)
            step->n_columns = step->column_map[c] < step->n_columns ? step->n_columns : step->column_map[c] + 1;
        step->used = used[j];
        step->used_below = j ? used[j - 1] : NULL;
        if (j > 0 && !join->join.outer)
            step->scanned = join_columns_scanned(shape, j, query_arena);
        arena_init(&step->arena);
        step->keys = ARENA_ARRAY(query_arena, EvalNode *, join->join.n_keys);
        for (uint32_t k = 0; k < join->join.n_keys; k++)
            step->keys[k] = eval_prepare(join->join.left_keys[k], step->column_map, query_arena);
        if (join->join.condition)
            step->condition = eval_prepare(join->join.condition, NULL, query_arena);
    }
    if (shape->filter)
        stream->filter = eval_prepare(shape->filter->filter.condition, NULL, query_arena);
    return stream;
}

void join_stream_done(JoinStream *stream)
{
    for (uint32_t j = 0; stream && j < stream->n; j++) {
        arena_done(&stream->steps[j].arena);
        join_parker_free(stream->steps[j].parker);
    }
}

/* Only the rows for which the condition is true; all memory is the batch's. */
static void filter_rows(EvalNode *condition, EvalContext *context, const bool *used, uint32_t n_columns)
{
    if (!condition)
        return;
    Vector passes = eval_run(condition, context);
    uint32_t *rows = ARENA_ARRAY(context->batch_arena, uint32_t, context->n + 1);
    uint32_t n = eval_true_rows(&passes, rows);
    if (n == context->n)
        return;
    Vector *columns = ARENA_ARRAY(context->batch_arena, Vector, n_columns + 1);
    for (uint32_t c = 0; c < n_columns; c++)
        if (used[c])
            columns[c] = vector_select(context->batch_arena, &context->columns[c], rows, n);
    context->columns = columns;
    context->n = n;
}

/* The columns of a join for pairs of a row of `in` and a row that is held; forgets the batch before. */
static EvalContext pair_columns(Step *step, const JoinTable *table, const EvalContext *in, const uint32_t *left,
                                const uint32_t *right, uint32_t n)
{
    Arena *arena = &step->arena;
    uint32_t n_left = step->join->child->schema.n, n_columns = step->join->schema.n;
    arena_reset(arena);
    Vector *columns = ARENA_ARRAY(arena, Vector, n_columns + 1);
    for (uint32_t c = 0; c < n_left; c++)
        if (step->used[c])
            columns[c] = vector_select(arena, &in->columns[step->column_map ? step->column_map[c] : c], left, n);
    for (uint32_t c = n_left; c < n_columns; c++)
        if (step->used[c])
            columns[c] = join_table_column(table, c - n_left, right, n, arena);
    EvalContext out = *in;
    out.batch_arena = arena;
    out.columns = columns;
    out.n = n;
    return out;
}

static Status run_step(const Passage *passage, uint32_t j, EvalContext *in, Error *err);

/* Pairs go on to the next join, or out. */
static Status pass_pairs(const Passage *passage, uint32_t j, EvalContext *pairs, Error *err)
{
    const JoinStream *stream = passage->stream;
    stream->steps[j].counts.rows_out += pairs->n;
    if (pairs->n == 0)
        return STATUS_OK;
    if (j + 1 < stream->n)
        return run_step(passage, j + 1, pairs, err);
    filter_rows(stream->filter, pairs, stream->steps[j].used, stream->steps[j].join->schema.n);
    return pairs->n ? passage->take(passage->take_context, pairs, err) : STATUS_OK;
}

/* Of an outer join with a condition: rows all of whose pairs the condition dropped. */
static Status pass_lonely(const Passage *passage, uint32_t j, const EvalContext *in, const uint8_t *paired,
                          uint32_t *left, uint32_t *right, Error *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        left[n] = i;
        right[n] = JOIN_NONE;
        n += !paired[i];
    }
    EvalContext pairs = pair_columns(&passage->stream->steps[j], passage->sides[j].table, in, left, right, n);
    return pass_pairs(passage, j, &pairs, err);
}

static void mark_paired(Step *step, EvalContext *pairs, const uint32_t *left, uint8_t *paired)
{
    Vector passes = eval_run(step->condition, pairs);
    uint32_t *rows = ARENA_ARRAY(&step->arena, uint32_t, pairs->n + 1);
    for (uint32_t i = 0, n = eval_true_rows(&passes, rows); i < n; i++)
        paired[left[rows[i]]] = 1;
}

static Status park(Step *step, JoinParts *parts, const EvalContext *in, const Vector *keys, Error *err)
{
    Arena *arena = in->batch_arena;
    uint32_t n_columns = step->join->child->schema.n;
    Vector *columns = ARENA_ARRAY(arena, Vector, n_columns + 1);
    for (uint32_t c = 0; c < n_columns; c++) {
        const Value none = {.type = step->join->child->schema.fields[c].type};
        bool used = !step->used_below || step->used_below[c];
        columns[c] = used ? in->columns[step->column_map ? step->column_map[c] : c] : vector_const(arena, &none, in->n);
    }
    if (!step->parker)
        TRY(join_parker_new(parts, &step->parker, err));
    return join_parker_put(step->parker, columns, keys, in->n, arena, err);
}

static Status run_step(const Passage *passage, uint32_t j, EvalContext *in, Error *err)
{
    Step *step = &passage->stream->steps[j];
    const PlanNode *join = step->join;
    Arena *arena = in->batch_arena;
    double start = clock_seconds();
    Vector *keys = ARENA_ARRAY(arena, Vector, join->join.n_keys);
    for (uint32_t k = 0; k < join->join.n_keys; k++)
        keys[k] = eval_run(step->keys[k], in);
    if (passage->sides[j].parts) {
        Status status = park(step, passage->sides[j].parts, in, keys, err);
        step->counts.seconds += clock_seconds() - start;
        return status;
    }
    step->counts.rows_in += in->n;
    uint32_t *left = ARENA_ARRAY(arena, uint32_t, SCAN_CHUNK_ROWS + 1);
    uint32_t *right = ARENA_ARRAY(arena, uint32_t, SCAN_CHUNK_ROWS + 1);
    uint8_t *paired = step->condition && join->join.outer ? arena_zalloc(arena, in->n + 1) : NULL;
    JoinProbe probe;
    join_probe_begin(&probe, passage->sides[j].table, keys, in->n, join->join.outer && !paired, arena);
    for (uint32_t n; (n = join_probe_next(&probe, left, right, SCAN_CHUNK_ROWS)) > 0;) {
        TRY(interrupt_check(err));
        EvalContext pairs = pair_columns(step, passage->sides[j].table, in, left, right, n);
        if (paired)
            mark_paired(step, &pairs, left, paired);
        filter_rows(step->condition, &pairs, step->used, join->schema.n);
        step->counts.seconds += clock_seconds() - start;
        TRY(pass_pairs(passage, j, &pairs, err));
        start = clock_seconds();
    }
    step->counts.seconds += clock_seconds() - start;
    return paired ? pass_lonely(passage, j, in, paired, left, right, err) : STATUS_OK;
}

/* Only the rows that have a partner in a join further up, as far as its keys tell. */
static void drop_early(Step *step, const Step *lowest, const JoinTable *table, EvalContext *in)
{
    Arena *arena = in->batch_arena;
    uint32_t n_keys = step->join->join.n_keys, n_columns = lowest->join->child->schema.n;
    double start = clock_seconds();
    Vector *keys = ARENA_ARRAY(arena, Vector, n_keys);
    for (uint32_t k = 0; k < n_keys; k++)
        keys[k] = in->columns[lowest->column_map[step->scanned[k]]];
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, in->n + 1);
    JoinProbe probe;
    join_probe_begin(&probe, table, keys, in->n, false, arena);
    uint32_t n = join_probe_found(&probe, rows);
    step->early_rows += in->n;
    step->counts.rows_dropped += in->n - n;
    double found = (double)(step->early_rows - step->counts.rows_dropped) / (double)step->early_rows;
    if (step->early_rows >= TRIAL_ROWS && found > step->share / 2)
        step->scanned = NULL;
    if (n < in->n) {
        Vector *columns = ARENA_ARRAY(arena, Vector, lowest->n_columns + 1);
        for (uint32_t c = 0; c < n_columns; c++) {
            uint32_t at = lowest->column_map[c];
            columns[at] = vector_select(arena, &in->columns[at], rows, n);
        }
        in->columns = columns;
        in->n = n;
    }
    step->counts.seconds += clock_seconds() - start;
}

Status join_stream_run(JoinStream *stream, const JoinSide *sides, EvalContext *rows, JoinTake take, void *take_context,
                       Error *err)
{
    const Passage passage = {stream, sides, take, take_context};
    bool judging = stream->rows < TRIAL_ROWS;
    stream->rows += rows->n;
    for (uint32_t j = 1; !judging && j < stream->n && rows->n; j++)
        if (stream->steps[j].scanned && sides[j].table)
            drop_early(&stream->steps[j], &stream->steps[0], sides[j].table, rows);
    if (rows->n)
        TRY(run_step(&passage, 0, rows, err));
    for (uint32_t j = 1; judging && stream->rows >= TRIAL_ROWS && j < stream->n; j++)
        stream->steps[j].share = (double)stream->steps[j].counts.rows_in / (double)stream->rows;
    return STATUS_OK;
}

Status join_stream_resume(JoinStream *stream, uint32_t first, const JoinSide *sides, EvalContext *rows, JoinTake take,
                          void *take_context, Error *err)
{
    const Passage passage = {stream, sides, take, take_context};
    const Step *step = &stream->steps[first];
    EvalContext in = *rows;
    Vector *columns = ARENA_ARRAY(rows->batch_arena, Vector, step->n_columns + 1);
    for (uint32_t c = 0; c < step->join->child->schema.n; c++)
        columns[step->column_map ? step->column_map[c] : c] = rows->columns[c];
    in.columns = columns;
    return rows->n ? run_step(&passage, first, &in, err) : STATUS_OK;
}

void join_stream_drop(JoinStream *stream, uint32_t j)
{
    join_parker_free(stream->steps[j].parker);
    stream->steps[j].parker = NULL;
}

Status join_stream_flush(JoinStream *stream, uint32_t j, Error *err)
{
    Step *step = &stream->steps[j];
    Status status = step->parker ? join_parker_flush(step->parker, err) : STATUS_OK;
    join_stream_drop(stream, j);
    return status;
}

void join_stream_count(const JoinStream *stream, uint32_t j, JoinCounts *counts)
{
    const JoinCounts *step = &stream->steps[j].counts;
    counts->rows_in += step->rows_in;
    counts->rows_out += step->rows_out;
    counts->rows_dropped += step->rows_dropped;
    counts->seconds += step->seconds;
}
