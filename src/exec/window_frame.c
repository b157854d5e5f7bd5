/* One call over one partition; see window_frame.h.
 *
 * Frames only ever move forward, at both ends: from row to row values come in at the end and leave at the start.  Sums are
 * exact, so a value that leaves takes away just what it brought, and a sum over a moving frame costs two additions a row
 * whatever the frame's length.  Infinities and NaN cannot be taken away from a sum, so they are counted beside it.  Minimum
 * and maximum keep the rows of the frame that none behind them outdoes. */
#include "exec/window_frame.h"

#include <math.h>

#include "exec/aggregate.h"
#include "exec/compare.h"

typedef struct Frame {
    const WindowCall *call;
    const Vector *argument; /* NULL of count(*) */
    const uint32_t *rows;
    int64_t count; /* of valid values; of rows for count(*) */
    WholeSum whole;
    ExactSum sum;
    int64_t n_nan, n_infinite, n_negative_infinite;
    uint32_t *best; /* minimum, maximum: places in the partition, [first, last) */
    uint32_t best_first, best_last;
    Arena *arena;
} Frame;

static bool is_valid(const Vector *column, uint32_t row)
{
    return !column->valid || column->valid[row];
}

static const void *value_at(const Vector *column, uint32_t row)
{
    return (const char *)column->data + type_width(column->type) * row;
}

static Int128 whole_at(const Vector *column, uint32_t row)
{
    switch (type_width(column->type)) {
    case 4:
        return ((const int32_t *)column->data)[row];
    case 8:
        return ((const int64_t *)column->data)[row];
    default:
        return ((const Int128 *)column->data)[row];
    }
}

/* ---- values that come and go ---- */

static void move_double(Frame *frame, double value, int sign)
{
    if (isnan(value))
        frame->n_nan += sign;
    else if (isinf(value) && value > 0)
        frame->n_infinite += sign;
    else if (isinf(value))
        frame->n_negative_infinite += sign;
    else
        exact_sum_add(&frame->sum, sign * value, frame->arena);
}

static void move_whole(Frame *frame, Int128 value, int sign)
{
    value = sign < 0 ? -value : value;
    whole_sum_carry(&frame->whole, (UInt128)value, value < 0 ? -1 : 0);
}

static void add_best(Frame *frame, uint32_t place)
{
    const Vector *argument = frame->argument;
    const void *value = value_at(argument, frame->rows[place]);
    while (frame->best_last > frame->best_first) {
        const void *last = value_at(argument, frame->rows[frame->best[frame->best_last - 1]]);
        int order = compare_values(argument->type, last, value);
        if (frame->call->aggregate == AGGREGATE_MIN ? order < 0 : order > 0)
            break;
        frame->best_last--;
    }
    frame->best[frame->best_last++] = place;
}

static void move(Frame *frame, uint32_t place, int sign)
{
    uint32_t row = frame->rows[place];
    if (frame->argument && !is_valid(frame->argument, row))
        return;
    frame->count += sign;
    if (!frame->argument)
        return;
    switch (frame->call->aggregate) {
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
        if (frame->argument->type.id == TYPE_DOUBLE)
            move_double(frame, ((const double *)frame->argument->data)[row], sign);
        else
            move_whole(frame, whole_at(frame->argument, row), sign);
        break;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        if (sign > 0)
            add_best(frame, place);
        else if (frame->best_first < frame->best_last && frame->best[frame->best_first] == place)
            frame->best_first++;
        break;
    default:
        break;
    }
}

/* ---- results ---- */

static double double_sum(const Frame *frame)
{
    if (frame->n_nan || (frame->n_infinite && frame->n_negative_infinite))
        return NAN;
    if (frame->n_infinite || frame->n_negative_infinite)
        return frame->n_infinite ? INFINITY : -INFINITY;
    return exact_sum_round(&frame->sum);
}

static bool finish_sum(Frame *frame, void *place)
{
    const WindowCall *call = frame->call;
    if (frame->argument->type.id != TYPE_DOUBLE) {
        frame->whole.count = frame->count;
        return whole_sum_finish(call->aggregate, call->type, frame->argument->type, &frame->whole, place);
    }
    double value = double_sum(frame);
    if (call->aggregate == AGGREGATE_AVG && frame->count)
        value /= (double)frame->count;
    memcpy(place, &value, sizeof value);
    return frame->count > 0;
}

/* The result of the frame as it is; false for NULL. */
static bool finish_frame(Frame *frame, void *place)
{
    switch (frame->call->aggregate) {
    case AGGREGATE_COUNT_STAR:
    case AGGREGATE_COUNT:
        memcpy(place, &frame->count, sizeof frame->count);
        return true;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        if (frame->best_first == frame->best_last)
            return false;
        memcpy(place, value_at(frame->argument, frame->rows[frame->best[frame->best_first]]),
               type_width(frame->argument->type));
        return true;
    default:
        return finish_sum(frame, place);
    }
}

/* ---- bounds ---- */

static uint32_t clamp(int64_t place, uint32_t n)
{
    return place < 0 ? 0 : place > n ? n : (uint32_t)place;
}

/* The frame of the row at `place`: [*ret_first, *ret_end). */
static void frame_of(const WindowFrame *frame, const WindowPartition *partition, uint32_t place, uint32_t *ret_first,
                     uint32_t *ret_end)
{
    uint32_t n = partition->n;
    *ret_first = 0;
    *ret_end = n;
    switch (frame->start.kind) {
    case WINDOW_BOUND_UNBOUNDED:
        break;
    case WINDOW_BOUND_PEERS:
        *ret_first = partition->peer_start[place];
        break;
    case WINDOW_BOUND_ROWS:
        *ret_first = clamp((int64_t)place + frame->start.rows, n);
        break;
    }
    switch (frame->end.kind) {
    case WINDOW_BOUND_UNBOUNDED:
        break;
    case WINDOW_BOUND_PEERS:
        *ret_end = partition->peer_end[place];
        break;
    case WINDOW_BOUND_ROWS:
        *ret_end = clamp((int64_t)place + frame->end.rows + 1, n);
        break;
    }
}

/* ---- calls ---- */

static void run_aggregate(const WindowCall *call, const Vector *columns, const WindowPartition *partition,
                          Vector *result, Arena *scratch)
{
    Frame frame = {.call = call, .rows = partition->rows, .arena = scratch};
    if (call->n_args)
        frame.argument = &columns[call->args[0]];
    if (call->aggregate == AGGREGATE_MIN || call->aggregate == AGGREGATE_MAX)
        frame.best = ARENA_ARRAY(scratch, uint32_t, partition->n);
    size_t width = type_width(result->type);
    uint32_t first = 0, end = 0;
    char last[16] = {0};
    bool valid = false, moved = true;
    for (uint32_t place = 0; place < partition->n; place++) {
        uint32_t wanted_first, wanted_end;
        frame_of(&call->frame, partition, place, &wanted_first, &wanted_end);
        for (; end < wanted_end; end++, moved = true)
            move(&frame, end, 1);
        for (; first < wanted_first && first < end; first++, moved = true)
            move(&frame, first, -1);
        first = wanted_first > first ? wanted_first : first;
        end = end > first ? end : first;
        if (moved) /* rows with one frame have one result */
            valid = finish_frame(&frame, last);
        moved = false;
        uint32_t row = partition->rows[place];
        memcpy((char *)result->data + width * row, last, width);
        result->valid[row] = valid;
    }
}

/* The value of `from`'s row, or NULL. */
static void copy_value(Vector *result, uint32_t row, const Vector *from, uint32_t from_row)
{
    size_t width = type_width(result->type);
    memcpy((char *)result->data + width * row, value_at(from, from_row), width);
    result->valid[row] = is_valid(from, from_row);
}

static void run_neighbour(const WindowCall *call, const Vector *columns, const WindowPartition *partition,
                          Vector *result)
{
    int64_t distance = call->kind == WINDOW_LAG ? -call->number : call->number;
    for (uint32_t place = 0; place < partition->n; place++) {
        int64_t from = (int64_t)place + distance;
        uint32_t row = partition->rows[place];
        if (from >= 0 && from < partition->n)
            copy_value(result, row, &columns[call->args[0]], partition->rows[from]);
        else if (call->n_args == 2)
            copy_value(result, row, &columns[call->args[1]], row);
        else
            result->valid[row] = 0;
    }
}

static void run_end_value(const WindowCall *call, const Vector *columns, const WindowPartition *partition,
                          Vector *result)
{
    for (uint32_t place = 0; place < partition->n; place++) {
        uint32_t first, end, row = partition->rows[place];
        frame_of(&call->frame, partition, place, &first, &end);
        if (first < end)
            copy_value(result, row, &columns[call->args[0]],
                       partition->rows[call->kind == WINDOW_FIRST_VALUE ? first : end - 1]);
        else
            result->valid[row] = 0;
    }
}

/* The part, from 1, of a row when n rows are parted into k: the first n % k parts have one row more. */
static int64_t part_of(uint32_t place, uint32_t n, int64_t k)
{
    int64_t small = n / k, larger = n % k, rows_of_larger = larger * (small + 1);
    if (place < rows_of_larger)
        return place / (small + 1) + 1;
    return larger + (place - rows_of_larger) / small + 1;
}

static void run_rank(const WindowCall *call, const WindowPartition *partition, Vector *result)
{
    uint32_t dense = 0, n = partition->n;
    for (uint32_t place = 0; place < n; place++) {
        uint32_t row = partition->rows[place], start = partition->peer_start[place];
        int64_t number = 0;
        double share = 0;
        dense += start == place;
        switch (call->kind) {
        case WINDOW_ROW_NUMBER:
            number = (int64_t)place + 1;
            break;
        case WINDOW_RANK:
            number = (int64_t)start + 1;
            break;
        case WINDOW_DENSE_RANK:
            number = dense;
            break;
        case WINDOW_NTILE:
            number = part_of(place, n, call->number);
            break;
        case WINDOW_PERCENT_RANK:
            share = n > 1 ? (double)start / (double)(n - 1) : 0;
            break;
        default:
            share = (double)partition->peer_end[place] / (double)n;
        }
        result->valid[row] = 1;
        if (result->type.id == TYPE_DOUBLE)
            ((double *)result->data)[row] = share;
        else
            ((int32_t *)result->data)[row] = (int32_t)number;
    }
}

void window_call_run(const WindowCall *call, const Vector *columns, const WindowPartition *partition, Vector *result,
                     Arena *scratch)
{
    switch (call->kind) {
    case WINDOW_AGGREGATE:
        run_aggregate(call, columns, partition, result, scratch);
        break;
    case WINDOW_LAG:
    case WINDOW_LEAD:
        run_neighbour(call, columns, partition, result);
        break;
    case WINDOW_FIRST_VALUE:
    case WINDOW_LAST_VALUE:
        run_end_value(call, columns, partition, result);
        break;
    default:
        run_rank(call, partition, result);
    }
}
