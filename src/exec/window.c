/* window_run: all rows of a relation, parted, ordered, and given the columns of the window's calls.
 *
 *   the input's columns as one vector each -> rows by partition (group_table.h) -> each partition ordered -> each call over it
 *
 * Values are not compared while rows are ordered: each column of the order becomes numbers with the same order, by
 * sort_key.h where a number holds the value, else by the ranks of its distinct values.
 *
 * Calls with the same PARTITION BY and ORDER BY share both steps.  Partitions are dealt out to the threads; what each gets is
 * independent of that, as rows that are equal in all keys are ordered by their other columns, and sums are exact.  The order of
 * one partition is one thread's work, that of many is everyone's.
 *
 * Limit: the rows are in memory twice while it runs, and 2^32 - 1 of them at most. */
#include "exec/window.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "exec/compare.h"
#include "exec/group_table.h"
#include "exec/scan.h"
#include "exec/sort_key.h"
#include "exec/window_frame.h"

#define SCRATCH_ROW_BYTES 40 /* of ordering: places, rows, groups, peers; and 8 for each column compared */

typedef struct Place {
    uint64_t key; /* the first of the order */
    uint32_t row;
} Place;

/* Calls that share partitions and order. */
typedef struct Ordering {
    const WindowCall *keys; /* one of them */
    uint64_t **numbers; /* per column compared, per row: the order's first, then others that decide between equals */
    uint32_t n_numbers;
    uint32_t *rows;   /* by partition, and ordered within */
    uint32_t *starts; /* of partition p at starts[p]; one more at the end */
    uint32_t n_partitions;
} Ordering;

typedef struct Run {
    const PlanNode *window;
    const ExecOptions *options;
    Relation *output;
    uint32_t n;      /* rows */
    Vector *columns; /* the input's, then the calls' */
    Ordering ordering;
    _Atomic uint32_t next;
    _Atomic bool interrupted;
    Arena scratch;
} Run;

/* ---- columns ---- */

static size_t text_bytes_of(const Relation *input, uint32_t column)
{
    size_t bytes = 0;
    for (uint32_t b = 0; b < input->n_blocks; b++) {
        const Vector *part = &input->blocks[b].columns[column];
        for (uint32_t i = 0; i < part->n; i++)
            bytes += !part->valid || part->valid[i] ? ((const StrView *)part->data)[i].size : 0;
    }
    return bytes;
}

static Vector whole_column(const Relation *input, uint32_t column, DataType type, uint32_t n, Arena *arena)
{
    Vector whole = vector_new(arena, type, n, true);
    bool is_text = type.id == TYPE_STRING || type.id == TYPE_BINARY;
    char *to = is_text ? arena_alloc(arena, text_bytes_of(input, column) + 1) : NULL;
    size_t width = type_width(type);
    uint32_t at = 0;
    for (uint32_t b = 0; b < input->n_blocks; b++) {
        const Vector *part = &input->blocks[b].columns[column];
        uint32_t rows = input->blocks[b].n_rows;
        memcpy((char *)whole.data + width * at, part->data, width * rows);
        if (part->valid)
            memcpy(whole.valid + at, part->valid, rows);
        for (uint32_t i = at; is_text && i < at + rows; i++) {
            StrView *text = &((StrView *)whole.data)[i];
            *text = whole.valid[i] ? *text : (StrView){"", 0};
            memcpy(to, text->data, text->size);
            text->data = to;
            to += text->size;
        }
        at += rows;
    }
    return whole;
}

static Status make_columns(Run *run, const Relation *input, Error *err)
{
    const PlanNode *window = run->window;
    Arena *arena = &run->output->arena;
    const Schema *schema = &window->schema;
    uint32_t n_input = window->window.input->schema.n;
    size_t bytes = input->reserved + (size_t)run->n * SCRATCH_ROW_BYTES;
    bytes += (size_t)run->n * sizeof(uint64_t) * n_input;
    for (uint32_t i = n_input; i < schema->n; i++)
        bytes += (type_width(schema->fields[i].type) + 1) * run->n;
    TRY(budget_reserve(run->options->budget, bytes, "the rows of a window", err));
    run->output->reserved = bytes;
    run->columns = ARENA_ARRAY(arena, Vector, schema->n);
    for (uint32_t c = 0; c < n_input; c++)
        run->columns[c] = whole_column(input, c, schema->fields[c].type, run->n, arena);
    for (uint32_t c = n_input; c < schema->n; c++) {
        run->columns[c] = vector_new(arena, schema->fields[c].type, run->n, true);
        memset(run->columns[c].data, 0, type_width(schema->fields[c].type) * run->n);
    }
    return STATUS_OK;
}

/* The columns as blocks of the relation, as long as a scan's chunks. */
static void make_blocks(Run *run)
{
    Relation *output = run->output;
    uint32_t n_columns = run->window->schema.n;
    output->capacity = run->n / SCAN_CHUNK_ROWS + 1;
    output->blocks = mem_alloc(sizeof *output->blocks * output->capacity);
    output->rows = run->n;
    for (uint32_t first = 0; first < run->n; first += SCAN_CHUNK_ROWS) {
        Batch *block = &output->blocks[output->n_blocks++];
        *block = (Batch){.n_rows = run->n - first < SCAN_CHUNK_ROWS ? run->n - first : SCAN_CHUNK_ROWS,
                         .n_columns = n_columns,
                         .columns = ARENA_ARRAY(&output->arena, Vector, n_columns)};
        for (uint32_t c = 0; c < n_columns; c++)
            block->columns[c] = vector_slice(&run->columns[c], first, block->n_rows);
    }
}

/* ---- partitions ---- */

static uint32_t number_partitions(Run *run, const WindowCall *keys, uint32_t *groups)
{
    if (keys->n_partition == 0) {
        memset(groups, 0, sizeof *groups * run->n);
        return run->n > 0;
    }
    Arena batch;
    DataType *types = ARENA_ARRAY(&run->scratch, DataType, keys->n_partition);
    Vector *chunk = ARENA_ARRAY(&run->scratch, Vector, keys->n_partition);
    for (uint32_t k = 0; k < keys->n_partition; k++)
        types[k] = run->columns[keys->partition[k]].type;
    GroupTable *table = group_table_new(&run->scratch, types, keys->n_partition);
    arena_init(&batch);
    for (uint32_t first = 0; first < run->n; first += SCAN_CHUNK_ROWS) {
        uint32_t n = run->n - first < SCAN_CHUNK_ROWS ? run->n - first : SCAN_CHUNK_ROWS;
        for (uint32_t k = 0; k < keys->n_partition; k++)
            chunk[k] = vector_slice(&run->columns[keys->partition[k]], first, n);
        arena_reset(&batch);
        group_table_find(table, chunk, n, UINT64_MAX, &batch, groups + first);
    }
    arena_done(&batch);
    return group_table_size(table);
}

static void part_rows(Run *run, const WindowCall *keys)
{
    uint32_t *groups = ARENA_ARRAY(&run->scratch, uint32_t, run->n + 1);
    Ordering *ordering = &run->ordering;
    *ordering = (Ordering){.keys = keys, .n_partitions = number_partitions(run, keys, groups)};
    ordering->rows = ARENA_ARRAY(&run->scratch, uint32_t, run->n + 1);
    ordering->starts = ARENA_ARRAY(&run->scratch, uint32_t, ordering->n_partitions + 2);
    uint32_t *next = ordering->starts + 1;
    for (uint32_t i = 0; i < run->n; i++)
        next[groups[i]]++;
    for (uint32_t p = 0; p < ordering->n_partitions; p++)
        ordering->starts[p + 1] += ordering->starts[p];
    for (uint32_t i = run->n; i-- > 0;)
        ordering->rows[--next[groups[i]]] = i;
    /* next[p] is the start of partition p again, one place behind where it belongs */
    memmove(ordering->starts, next, sizeof *next * ordering->n_partitions);
    ordering->starts[ordering->n_partitions] = run->n;
}

/* ---- order ---- */

typedef struct Values {
    Vector distinct;
    SortKey key;
} Values;

static int compare_values_of(const void *left, const void *right, void *context)
{
    const Values *values = context;
    return compare_rows(&values->distinct, *(const uint32_t *)left, &values->distinct, *(const uint32_t *)right,
                        values->key.descending, values->key.nulls_first);
}

/* The rank of each row's value among the distinct values of the column. */
static void rank_rows(Run *run, SortKey key, uint64_t *ret_numbers)
{
    Arena batch;
    const Vector *column = &run->columns[key.column];
    uint32_t *groups = ARENA_ARRAY(&run->scratch, uint32_t, run->n + 1);
    GroupTable *table = group_table_new(&run->scratch, &column->type, 1);
    arena_init(&batch);
    for (uint32_t first = 0; first < run->n; first += SCAN_CHUNK_ROWS) {
        uint32_t n = run->n - first < SCAN_CHUNK_ROWS ? run->n - first : SCAN_CHUNK_ROWS;
        Vector chunk = vector_slice(column, first, n);
        arena_reset(&batch);
        group_table_find(table, &chunk, n, UINT64_MAX, &batch, groups + first);
    }
    arena_done(&batch);
    Values values = {group_table_column(table, 0, &run->scratch), key};
    uint32_t n = values.distinct.n;
    uint32_t *order = ARENA_ARRAY(&run->scratch, uint32_t, n + 1), *ranks = ARENA_ARRAY(&run->scratch, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, compare_values_of, &values);
    for (uint32_t rank = 0; rank < n; rank++)
        ranks[order[rank]] = rank;
    for (uint32_t i = 0; i < run->n; i++)
        ret_numbers[i] = ranks[groups[i]];
}

static void number_column(Run *run, SortKey key)
{
    Ordering *ordering = &run->ordering;
    const Vector *column = &run->columns[key.column];
    uint64_t *numbers = ARENA_ARRAY(&run->scratch, uint64_t, run->n + 1);
    if (sort_key_is_exact(column->type))
        sort_key_encode(column, key.descending, key.nulls_first, run->n, numbers);
    else
        rank_rows(run, key, numbers);
    ordering->numbers[ordering->n_numbers++] = numbers;
}

/* Whether what the call gives depends on the order of rows that are equal in all its keys. */
static bool needs_total_order(const WindowCall *call)
{
    switch (call->kind) {
    case WINDOW_RANK:
    case WINDOW_DENSE_RANK:
    case WINDOW_PERCENT_RANK:
    case WINDOW_CUME_DIST:
        return false;
    case WINDOW_AGGREGATE:
        return call->frame.start.kind == WINDOW_BOUND_ROWS || call->frame.end.kind == WINDOW_BOUND_ROWS;
    default:
        return true;
    }
}

static bool is_key(const WindowCall *keys, uint32_t column)
{
    for (uint32_t k = 0; k < keys->n_partition; k++)
        if (keys->partition[k] == column)
            return true;
    for (uint32_t k = 0; k < keys->n_order; k++)
        if (keys->order[k].column == column)
            return true;
    return false;
}

/* Rows that are equal in the keys and in all other columns of the input are alike. */
static void number_columns(Run *run, bool total)
{
    const WindowCall *keys = run->ordering.keys;
    uint32_t n_input = run->window->window.input->schema.n;
    run->ordering.numbers = ARENA_ARRAY(&run->scratch, uint64_t *, keys->n_order + n_input);
    for (uint32_t k = 0; k < keys->n_order; k++)
        number_column(run, keys->order[k]);
    for (uint32_t c = 0; total && c < n_input; c++)
        if (!is_key(keys, c))
            number_column(run, (SortKey){.column = c, .nulls_first = true});
}

static bool are_peers(const Run *run, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < run->ordering.keys->n_order; k++)
        if (run->ordering.numbers[k][a] != run->ordering.numbers[k][b])
            return false;
    return true;
}

static int compare_places(const void *left, const void *right, void *context)
{
    const Place *a = left, *b = right;
    const Ordering *ordering = context;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    for (uint32_t k = 1; k < ordering->n_numbers; k++) {
        uint64_t x = ordering->numbers[k][a->row], y = ordering->numbers[k][b->row];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

static void order_partition(Run *run, uint32_t *rows, uint32_t n, Arena *scratch)
{
    if (n < 2 || run->ordering.n_numbers == 0)
        return;
    Place *places = ARENA_ARRAY(scratch, Place, n);
    for (uint32_t i = 0; i < n; i++)
        places[i] = (Place){run->ordering.numbers[0][rows[i]], rows[i]};
    qsort_r(places, n, sizeof *places, compare_places, &run->ordering);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = places[i].row;
}

static WindowPartition find_peers(const Run *run, const uint32_t *rows, uint32_t n, Arena *scratch)
{
    uint32_t *starts = ARENA_ARRAY(scratch, uint32_t, n + 1), *ends = ARENA_ARRAY(scratch, uint32_t, n + 1);
    for (uint32_t first = 0, last; first < n; first = last) {
        for (last = first + 1; last < n && are_peers(run, rows[first], rows[last]);)
            last++;
        for (uint32_t i = first; i < last; i++) {
            starts[i] = first;
            ends[i] = last;
        }
    }
    return (WindowPartition){.rows = rows, .n = n, .peer_start = starts, .peer_end = ends};
}

/* ---- calls ---- */

static bool shares_ordering(const WindowCall *a, const WindowCall *b)
{
    if (a->n_partition != b->n_partition || a->n_order != b->n_order)
        return false;
    for (uint32_t i = 0; i < a->n_partition; i++)
        if (a->partition[i] != b->partition[i])
            return false;
    for (uint32_t i = 0; i < a->n_order; i++)
        if (a->order[i].column != b->order[i].column || a->order[i].descending != b->order[i].descending ||
            a->order[i].nulls_first != b->order[i].nulls_first)
            return false;
    return true;
}

static void run_partition(Run *run, uint32_t p, Arena *scratch)
{
    const Ordering *ordering = &run->ordering;
    uint32_t *rows = ordering->rows + ordering->starts[p], n = ordering->starts[p + 1] - ordering->starts[p];
    uint32_t n_input = run->window->window.input->schema.n;
    order_partition(run, rows, n, scratch);
    WindowPartition partition = find_peers(run, rows, n, scratch);
    for (uint32_t i = 0; i < run->window->window.n_calls; i++) {
        const WindowCall *call = &run->window->window.calls[i];
        if (shares_ordering(call, ordering->keys))
            window_call_run(call, run->columns, &partition, &run->columns[n_input + i], scratch);
    }
}

static void partition_worker(void *context, int worker)
{
    (void)worker;
    Run *run = context;
    Arena scratch;
    Error ignored;
    arena_init(&scratch);
    error_init(&ignored);
    for (;;) {
        uint32_t p = atomic_fetch_add(&run->next, 1);
        if (p >= run->ordering.n_partitions)
            break;
        if (interrupt_check(&ignored) != STATUS_OK) {
            atomic_store(&run->interrupted, true);
            break;
        }
        arena_reset(&scratch);
        run_partition(run, p, &scratch);
    }
    arena_done(&scratch);
}

/* All calls that share the ordering of `keys`. */
static Status run_ordering(Run *run, const WindowCall *keys, Error *err)
{
    bool total = false;
    for (uint32_t i = 0; i < run->window->window.n_calls; i++) {
        const WindowCall *call = &run->window->window.calls[i];
        total |= shares_ordering(call, keys) && needs_total_order(call);
    }
    arena_reset(&run->scratch);
    part_rows(run, keys);
    number_columns(run, total);
    atomic_store(&run->next, 0);
    pool_run(run->options->pool, partition_worker, run);
    return atomic_load(&run->interrupted) ? interrupt_check(err) : STATUS_OK;
}

static Status run_calls(Run *run, uint32_t *ret_orderings, Error *err)
{
    const WindowCall *calls = run->window->window.calls;
    *ret_orderings = 0;
    for (uint32_t i = 0; i < run->window->window.n_calls; i++) {
        bool done = false;
        for (uint32_t k = 0; k < i && !done; k++)
            done = shares_ordering(&calls[k], &calls[i]);
        if (done)
            continue;
        ++*ret_orderings;
        TRY(run_ordering(run, &calls[i], err));
    }
    return STATUS_OK;
}

Status window_run(const PlanNode *window, const Relation *input, const ExecOptions *options, Relation *output,
                  OperatorStatistics *ret_note, Error *err)
{
    Run run = {.window = window, .options = options, .output = output, .n = (uint32_t)input->rows};
    double start = clock_seconds();
    uint32_t orderings;
    if (input->rows >= UINT32_MAX)
        return error_set(err, STATUS_MEMORY, "a window over more than %u rows", UINT32_MAX - 1);
    TRY(make_columns(&run, input, err));
    arena_init(&run.scratch);
    Status status = run_calls(&run, &orderings, err);
    uint32_t n_partitions = run.ordering.n_partitions;
    size_t held = output->arena.used_bytes + run.scratch.used_bytes;
    arena_done(&run.scratch);
    TRY(status);
    make_blocks(&run);
    *ret_note = (OperatorStatistics){.node = window,
                                     .rows_in = input->rows,
                                     .rows_out = input->rows,
                                     .cpu_seconds = clock_seconds() - start,
                                     .memory_bytes = held};
    snprintf(ret_note->detail, sizeof ret_note->detail, "%s, sorted %u time%s", PLURAL(n_partitions, "partition"),
             orderings, orderings == 1 ? "" : "s");
    return STATUS_OK;
}
