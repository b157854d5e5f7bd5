/* TopRows; see top_rows.h.
 *
 * Rows that may be among the first k are copied behind those kept.  When there are twice as many as wanted (or a few
 * thousand) they are sorted and all but k are dropped; the last of these is the bound.  A row is taken when it comes before
 * the bound: its first key is a number whose order is that of the values (sort_key.h), made once a dictionary's entry or once
 * a row, so nearly every row is dropped by one comparison; only where that says nothing, all keys are compared.  The threads
 * share the number.
 *
 * Values that compare equal come out equal to the bit, as from a Sorter: no negative zero, one NaN. */
#include "exec/top_rows.h"

#include <math.h>
#include <stdlib.h>

#include "exec/compare.h"
#include "exec/sort_key.h"

#define FEW_ROWS 4096 /* that are kept without sorting */

struct TopRows {
    const PlanNode *sort;
    EvalNode **outputs; /* of the sort's child */
    uint32_t n_outputs;
    bool *used; /* columns of the context that outputs read */
    uint32_t n_columns;
    uint32_t k;
    Arena arenas[2]; /* of the rows kept, in turns */
    int turn;
    Batch *blocks; /* rows kept: n_rows of outputs */
    uint32_t n_blocks, blocks_capacity;
    uint32_t n; /* rows in them */
    /* The last of k rows: row k - 1 of blocks[0], when has_bound. */
    bool has_bound;
    uint64_t bound_key;
    TopBound *shared;
    /* first keys of the dictionary seen last */
    const Vector *dictionary;
    uint64_t generation;
    uint64_t *entry_keys;
    uint32_t entry_capacity;
    Arena *arena; /* of the object */
};

TopRows *top_rows_new(const PlanNode *sort, const Expr *const *exprs, const uint32_t *column_map, uint32_t n_columns,
                      uint32_t k, TopBound *bound, Arena *arena)
{
    CHECK(k > 0 && k <= TOP_ROWS_MAX);
    TopRows *top = ARENA_NEW(arena, TopRows);
    *top = (TopRows){.sort = sort, .n_columns = n_columns, .k = k, .shared = bound, .arena = arena};
    top->n_outputs = sort->child->schema.n;
    top->outputs = ARENA_ARRAY(arena, EvalNode *, top->n_outputs);
    top->used = ARENA_ARRAY(arena, bool, n_columns + 1);
    for (uint32_t c = 0; c < top->n_outputs; c++) {
        top->outputs[c] = eval_prepare(exprs[c], column_map, arena);
        eval_mark_columns(top->outputs[c], top->used);
    }
    arena_init(&top->arenas[0]);
    arena_init(&top->arenas[1]);
    return top;
}

void top_rows_done(TopRows *top)
{
    if (!top)
        return;
    arena_done(&top->arenas[0]);
    arena_done(&top->arenas[1]);
    mem_free(top->blocks);
}

size_t top_rows_bytes(const TopRows *top)
{
    return top->arenas[0].used_bytes + top->arenas[1].used_bytes + sizeof(Batch) * top->blocks_capacity;
}

/* ---- order ---- */

/* By the keys, rows of two batches of outputs. */
static int compare_outputs(const PlanNode *sort, const Vector *a, uint32_t row_a, const Vector *b, uint32_t row_b)
{
    for (uint32_t k = 0; k < sort->sort.n_keys; k++) {
        const SortKey *key = &sort->sort.keys[k];
        int order = compare_rows(&a[key->column], row_a, &b[key->column], row_b, key->descending, key->nulls_first);
        if (order)
            return order;
    }
    return 0;
}

typedef struct Place {
    uint64_t key; /* the first */
    uint32_t row;
} Place;

typedef struct Ordering {
    const PlanNode *sort;
    const Vector *columns;
} Ordering;

static int compare_places(const void *left, const void *right, void *context)
{
    const Place *a = left, *b = right;
    const Ordering *ordering = context;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return compare_outputs(ordering->sort, ordering->columns, a->row, ordering->columns, b->row);
}

static void encode_first_key(const TopRows *top, const Vector *flat, uint64_t *ret_keys)
{
    const SortKey *first = &top->sort->sort.keys[0];
    sort_key_encode(flat, first->descending, first->nulls_first, flat->n, ret_keys);
}

/* Column `column` of all rows kept, FLAT; its texts stay where they are. */
static Vector whole_column(const TopRows *top, uint32_t column, Arena *arena)
{
    const DataType type = top->sort->child->schema.fields[column].type;
    Vector whole = vector_new(arena, type, top->n, true);
    size_t width = type_width(type), at = 0;
    for (uint32_t b = 0; b < top->n_blocks; b++) {
        const Vector *part = &top->blocks[b].columns[column];
        uint32_t n = top->blocks[b].n_rows;
        memcpy((char *)whole.data + at * width, part->data, width * n);
        if (part->type.id == TYPE_NULLTYPE)
            memset(whole.valid + at, 0, n);
        else if (part->valid)
            memcpy(whole.valid + at, part->valid, n);
        at += n;
    }
    return whole;
}

/* All rows kept as one batch, in order, at most `max` of them; in `arena`, but for the texts. */
static Batch sorted_rows(const TopRows *top, uint32_t max, Arena *arena)
{
    Batch batch = {.n_rows = top->n < max ? top->n : max, .n_columns = top->n_outputs};
    batch.columns = ARENA_ARRAY(arena, Vector, top->n_outputs + 1);
    for (uint32_t c = 0; c < top->n_outputs; c++)
        batch.columns[c] = whole_column(top, c, arena);
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, top->n + 1);
    Place *places = ARENA_ARRAY(arena, Place, top->n + 1);
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, top->n + 1);
    encode_first_key(top, &batch.columns[top->sort->sort.keys[0].column], keys);
    for (uint32_t i = 0; i < top->n; i++)
        places[i] = (Place){keys[i], i};
    Ordering ordering = {top->sort, batch.columns};
    qsort_r(places, top->n, sizeof *places, compare_places, &ordering);
    for (uint32_t i = 0; i < batch.n_rows; i++)
        rows[i] = places[i].row;
    for (uint32_t c = 0; c < top->n_outputs; c++)
        batch.columns[c] = vector_select(arena, &batch.columns[c], rows, batch.n_rows);
    return batch;
}

/* ---- keeping ---- */

static void add_block(TopRows *top, Batch block)
{
    if (top->n_blocks == top->blocks_capacity) {
        top->blocks_capacity = top->blocks_capacity * 2 + 8;
        top->blocks = mem_realloc(top->blocks, sizeof *top->blocks * top->blocks_capacity);
    }
    top->blocks[top->n_blocks++] = block;
    top->n += block.n_rows;
}

static void lower_shared(TopRows *top)
{
    uint64_t seen = atomic_load_explicit(top->shared, memory_order_relaxed);
    while (top->bound_key < seen && !atomic_compare_exchange_weak_explicit(top->shared, &seen, top->bound_key,
                                                                           memory_order_relaxed, memory_order_relaxed))
        continue;
}

/* Drops all but the first k rows. */
static void compact(TopRows *top)
{
    Arena *to = &top->arenas[1 - top->turn], scratch;
    arena_init(&scratch);
    Batch sorted = sorted_rows(top, top->k, &scratch);
    for (uint32_t c = 0; c < top->n_outputs; c++)
        sorted.columns[c] = vector_copy(to, &sorted.columns[c]);
    sorted.columns = (Vector *)arena_memdup(to, sorted.columns, sizeof(Vector) * top->n_outputs);
    arena_done(&scratch);
    arena_done(&top->arenas[top->turn]);
    arena_init(&top->arenas[top->turn]);
    top->turn = 1 - top->turn;
    top->n = top->n_blocks = 0;
    add_block(top, sorted);
    top->has_bound = sorted.n_rows == top->k;
    if (!top->has_bound)
        return;
    Vector last = vector_slice(&sorted.columns[top->sort->sort.keys[0].column], top->k - 1, 1);
    encode_first_key(top, &last, &top->bound_key);
    lower_shared(top);
}

static void keep(TopRows *top, EvalContext *context, const uint32_t *rows, uint32_t n)
{
    Arena *arena = &top->arenas[top->turn];
    Vector *columns = ARENA_ARRAY(context->batch_arena, Vector, top->n_columns + 1);
    for (uint32_t c = 0; c < top->n_columns; c++)
        if (top->used[c])
            columns[c] = vector_select(context->batch_arena, &context->columns[c], rows, n);
    EvalContext selected = *context;
    selected.columns = columns;
    selected.n = n;
    Batch block = {.n_rows = n, .n_columns = top->n_outputs, .columns = ARENA_ARRAY(arena, Vector, top->n_outputs + 1)};
    for (uint32_t c = 0; c < top->n_outputs; c++) {
        Vector output = eval_run(top->outputs[c], &selected);
        block.columns[c] = vector_copy(arena, &output);
    }
    add_block(top, block);
    if (top->n >= FEW_ROWS && top->n >= 2 * top->k)
        compact(top);
}

/* ---- rows that go by ---- */

static const uint64_t *keys_of_entries(TopRows *top, const Vector *dictionary, uint64_t generation)
{
    if (top->dictionary == dictionary && top->generation == generation)
        return top->entry_keys;
    if (dictionary->n > top->entry_capacity) {
        top->entry_capacity = dictionary->n * 2;
        top->entry_keys = ARENA_ARRAY(top->arena, uint64_t, top->entry_capacity);
    }
    encode_first_key(top, dictionary, top->entry_keys);
    top->dictionary = dictionary;
    top->generation = generation;
    return top->entry_keys;
}

static const uint64_t *keys_of_rows(TopRows *top, const Vector *values, EvalContext *context)
{
    uint64_t *keys = ARENA_ARRAY(context->batch_arena, uint64_t, context->n + 1);
    if (values->kind == VECTOR_DICT) {
        const uint64_t *entries = keys_of_entries(top, values->dict, context->generation);
        for (uint32_t i = 0; i < context->n; i++)
            keys[i] = entries[vector_code(values, i)];
        return keys;
    }
    Vector flat = vector_flatten(context->batch_arena, values);
    encode_first_key(top, &flat, keys);
    return keys;
}

/* Of the rows, those that come before the bound by all keys. */
static uint32_t compare_with_bound(TopRows *top, EvalContext *context, const uint64_t *keys, uint32_t *rows, uint32_t n)
{
    Vector *outputs = ARENA_ARRAY(context->batch_arena, Vector, top->n_outputs + 1);
    for (uint32_t k = 0; k < top->sort->sort.n_keys; k++)
        outputs[top->sort->sort.keys[k].column] = eval_run(top->outputs[top->sort->sort.keys[k].column], context);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        rows[kept] = rows[i];
        kept += keys[rows[i]] < top->bound_key ||
                compare_outputs(top->sort, outputs, rows[i], top->blocks[0].columns, top->k - 1) < 0;
    }
    return kept;
}

void top_rows_add(TopRows *top, EvalContext *context)
{
    if (context->n == 0)
        return;
    Vector values = eval_run(top->outputs[top->sort->sort.keys[0].column], context);
    const uint64_t *keys = keys_of_rows(top, &values, context);
    uint32_t *rows = ARENA_ARRAY(context->batch_arena, uint32_t, context->n + 1), n = 0;
    uint64_t bound = atomic_load_explicit(top->shared, memory_order_relaxed);
    for (uint32_t i = 0; i < context->n; i++) {
        rows[n] = i;
        n += keys[i] <= bound;
    }
    if (n && top->has_bound)
        n = compare_with_bound(top, context, keys, rows, n);
    if (n)
        keep(top, context, rows, n);
}

/* ---- the end ---- */

void top_rows_merge(TopRows *into, const TopRows *from)
{
    Arena *arena = &into->arenas[into->turn];
    for (uint32_t b = 0; b < from->n_blocks; b++) {
        Batch block = from->blocks[b];
        block.columns = ARENA_ARRAY(arena, Vector, block.n_columns + 1);
        for (uint32_t c = 0; c < block.n_columns; c++)
            block.columns[c] = vector_copy(arena, &from->blocks[b].columns[c]);
        add_block(into, block);
    }
    if (into->n > into->k)
        compact(into);
}

static void make_one_of_equals(Vector *column)
{
    for (uint32_t i = 0; column->type.id == TYPE_DOUBLE && i < column->n; i++) {
        double *value = &((double *)column->data)[i];
        *value = isnan(*value) ? NAN : *value == 0 ? 0 : *value;
    }
    for (uint32_t i = 0; column->type.id == TYPE_FLOAT && i < column->n; i++) {
        float *value = &((float *)column->data)[i];
        *value = isnan(*value) ? NAN : *value == 0 ? 0 : *value;
    }
}

static Status emit_slice(Emitter *emitter, const Batch *rows, uint32_t at, Arena *arena, Error *err)
{
    Batch slice = {.n_rows = rows->n_rows - at < EMIT_PAGE_ROWS ? rows->n_rows - at : EMIT_PAGE_ROWS,
                   .n_columns = rows->n_columns,
                   .columns = ARENA_ARRAY(arena, Vector, rows->n_columns + 1)};
    for (uint32_t c = 0; c < rows->n_columns; c++)
        slice.columns[c] = vector_slice(&rows->columns[c], at, slice.n_rows);
    return emitter_batch(emitter, &slice, err);
}

Status top_rows_emit(TopRows *top, Emitter *emitter, uint64_t offset, Error *err)
{
    Arena arena;
    arena_init(&arena);
    Batch sorted = sorted_rows(top, top->k, &arena);
    uint32_t first = offset < sorted.n_rows ? (uint32_t)offset : sorted.n_rows;
    Batch wanted = {.n_rows = sorted.n_rows - first, .n_columns = top->sort->sort.n_visible, .columns = sorted.columns};
    for (uint32_t c = 0; c < wanted.n_columns; c++) {
        wanted.columns[c] = vector_slice(&sorted.columns[c], first, wanted.n_rows);
        make_one_of_equals(&wanted.columns[c]);
    }
    Status status = STATUS_OK;
    if (emitter_wait(emitter, 0)) {
        for (uint32_t at = 0; status == STATUS_OK && at < wanted.n_rows; at += EMIT_PAGE_ROWS)
            status = emit_slice(emitter, &wanted, at, &arena, err);
        emitter_pass(emitter);
    }
    arena_done(&arena);
    return status;
}
