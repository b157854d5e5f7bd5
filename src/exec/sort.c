#include "exec/sort.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/compare.h"
#include "exec/sort_internal.h"
#include "exec/sort_key.h"

#define BUCKET_RECORDS 8192
#define MAX_BUCKETS 4096
#define LEAST_BUCKETS 64
#define PACK_BLOCK 2048
#define MAX_SAMPLE 65536
#define MAX_FIELDS 64

/* ---- preparation ---- */

int sorter_threads(const Sorter *sorter)
{
    return pool_threads(sorter->options.pool);
}

/* Gives each field its place in the two words; false when they do not fit. */
static bool place_fields(Sorter *sorter)
{
    int word = sorter->computed_key ? 1 : 0, left = 64;
    for (uint32_t k = sorter->computed_key; k < sorter->options.node->sort.n_keys; k++) {
        SortField *field = &sorter->fields[k];
        if (field->bits > left) {
            word++;
            left = 64;
        }
        if (word > 1)
            return false;
        left -= field->bits;
        field->word = word;
        field->shift = field->bits ? left : 0;
    }
    return true;
}

static void forget_field(Sorter *sorter, uint32_t k)
{
    arena_done(&sorter->field_arenas[k]);
    budget_release(sorter->options.budget, sorter->field_reserved[k]);
    sorter->field_reserved[k] = 0;
}

typedef struct FieldBuild {
    Sorter *sorter;
    _Atomic uint32_t next;
    bool *possible;
    Status *statuses;
    Error *errors;
} FieldBuild;

static void build_fields(void *context, int worker)
{
    (void)worker;
    FieldBuild *build = context;
    const SorterOptions *options = &build->sorter->options;
    for (;;) {
        uint32_t k = atomic_fetch_add(&build->next, 1);
        if (k >= options->node->sort.n_keys)
            return;
        const SortKey *key = &options->node->sort.keys[k];
        SortField *field = &build->sorter->fields[k];
        field->column = key->column;
        field->descending = key->descending;
        field->nulls_first = key->nulls_first;
        build->statuses[k] = sort_field_build(
            field, options->exprs[key->column], options->column_map, options->scan, options->skip_task, options->budget,
            &build->sorter->field_arenas[k], &build->sorter->field_reserved[k], &build->possible[k], &build->errors[k]);
        if (build->statuses[k] == STATUS_MEMORY) { /* rows by reference need no dictionaries */
            build->statuses[k] = STATUS_OK;
            build->possible[k] = false;
        }
        if (!build->possible[k])
            forget_field(build->sorter, k);
    }
}

static Status try_packed(Sorter *sorter, Error *err)
{
    const PlanNode *node = sorter->options.node;
    uint32_t n_keys = node->sort.n_keys;
    if (!sorter->options.scan || n_keys > MAX_FIELDS || sorter->options.expected_rows < 2 * BUCKET_RECORDS)
        return STATUS_OK;
    FieldBuild build = {.sorter = sorter};
    sorter->fields = ARENA_ARRAY(&sorter->arena, SortField, n_keys);
    sorter->field_arenas = ARENA_ARRAY(&sorter->arena, Arena, n_keys); /* zero is an empty arena */
    sorter->field_reserved = ARENA_ARRAY(&sorter->arena, size_t, n_keys);
    build.possible = ARENA_ARRAY(&sorter->arena, bool, n_keys);
    build.statuses = ARENA_ARRAY(&sorter->arena, Status, n_keys);
    build.errors = ARENA_ARRAY(&sorter->arena, Error, n_keys);
    pool_run(sorter->options.pool, build_fields, &build);
    bool possible = true;
    for (uint32_t k = 0; k < n_keys; k++) {
        if (build.statuses[k] != STATUS_OK) {
            *err = build.errors[k];
            return err->code;
        }
        if (k == 0 && !build.possible[0] && sort_key_is_exact(sorter->types[node->sort.keys[0].column]))
            sorter->computed_key = true;
        else
            possible &= build.possible[k];
    }
    size_t taken = 0, limit = sorter->options.budget->limit;
    for (uint32_t k = 0; k < n_keys; k++)
        taken += sorter->field_reserved[k];
    possible &= limit == 0 || taken <= limit / SORT_FIELDS_SHARE;
    sorter->packed = possible && place_fields(sorter);
    for (uint32_t k = 0; !sorter->packed && k < n_keys; k++)
        forget_field(sorter, k);
    if (!sorter->packed)
        sorter->computed_key = false;
    if (sorter->computed_key)
        sorter->rebuilt_key = sort_rebuild_possible(node, sorter->options.exprs, sorter->options.column_map,
                                                    sorter->options.scan->n_columns, sorter->fields);
    return STATUS_OK;
}

Status sorter_new(const SorterOptions *options, Sorter **ret_sorter, Error *err)
{
    Sorter *sorter = mem_zalloc(sizeof *sorter);
    sorter->options = *options;
    arena_init(&sorter->arena);
    const Schema *schema = &options->node->child->schema;
    sorter->n_columns = schema->n;
    sorter->types = ARENA_ARRAY(&sorter->arena, DataType, schema->n + 1);
    for (uint32_t c = 0; c < schema->n; c++)
        sorter->types[c] = schema->fields[c].type;
    Status status = try_packed(sorter, err);
    if (status != STATUS_OK) {
        sorter_free(sorter);
        return status;
    }
    sorter->locals = ARENA_ARRAY(&sorter->arena, SorterLocal, sorter_threads(sorter));
    for (int w = 0; w < sorter_threads(sorter); w++) {
        SorterLocal *local = &sorter->locals[w];
        local->columns = ARENA_ARRAY(&sorter->arena, EvalNode *, schema->n + 1);
        for (uint32_t c = 0; c < schema->n; c++)
            local->columns[c] = eval_prepare(options->exprs[c], options->column_map, &sorter->arena);
        sort_rows_init(&local->rows, schema->n);
    }
    sorter->spill = options->budget->limit ? options->budget->spill : NULL;
    sorter->share_bytes = SIZE_MAX;
    sorter_prepare_codes(sorter);
    *ret_sorter = sorter;
    return STATUS_OK;
}

void sorter_free(Sorter *sorter)
{
    if (!sorter)
        return;
    for (int w = 0; sorter->locals && w < sorter_threads(sorter); w++) {
        SorterLocal *local = &sorter->locals[w];
        if (local->store.buckets)
            record_store_done(&local->store);
        budget_release(sorter->options.budget, local->reserved);
        sort_rows_done(&local->rows);
        sort_run_writer_done(&local->runs);
        mem_free(local->sample);
    }
    sorter_free_large(sorter);
    for (uint32_t k = 0; sorter->field_arenas && k < sorter->options.node->sort.n_keys; k++)
        forget_field(sorter, k);
    arena_done(&sorter->arena);
    mem_free(sorter);
}

/* ---- keys and payloads of rows ---- */

static void record_keys(Sorter *sorter, SorterLocal *local, EvalContext *context, uint32_t task, uint64_t *keys)
{
    const PlanNode *node = sorter->options.node;
    const SortKey *first = &node->sort.keys[0];
    if (!sorter->packed || sorter->computed_key) {
        Vector vector = eval_run(local->columns[first->column], context);
        Vector flat = vector_flatten(context->batch_arena, &vector);
        sort_key_encode(&flat, first->descending, first->nulls_first, context->n, keys);
        return;
    }
    memset(keys, 0, sizeof(uint64_t) * context->n);
    for (uint32_t k = 0; k < node->sort.n_keys; k++)
        if (sorter->fields[k].word == 0) {
            Vector vector = eval_run(local->columns[sorter->fields[k].column], context);
            sort_field_pack(&sorter->fields[k], task, &vector, context->n, keys);
        }
}

static void record_payloads(Sorter *sorter, SorterLocal *local, EvalContext *context, uint32_t task, uint64_t *payloads)
{
    uint32_t n_keys = sorter->options.node->sort.n_keys;
    Vector vectors[MAX_FIELDS];
    for (uint32_t k = sorter->computed_key; k < n_keys; k++)
        if (sorter->fields[k].word == 1)
            vectors[k] = eval_run(local->columns[sorter->fields[k].column], context);
    memset(payloads, 0, sizeof(uint64_t) * context->n);
    for (uint32_t first = 0; first < context->n; first += PACK_BLOCK) { /* the words stay in the first-level cache */
        uint32_t n = context->n - first < PACK_BLOCK ? context->n - first : PACK_BLOCK;
        for (uint32_t k = sorter->computed_key; k < n_keys; k++) {
            if (sorter->fields[k].word != 1)
                continue;
            Vector slice = vector_slice(&vectors[k], first, n);
            sort_field_pack(&sorter->fields[k], task, &slice, n, payloads + first);
        }
    }
}

void sorter_mark_key_columns(const Sorter *sorter, bool *used)
{
    const PlanNode *node = sorter->options.node;
    SorterLocal *local = &sorter->locals[0];
    for (uint32_t k = 0; k < node->sort.n_keys; k++)
        if (k == 0 || (sorter->packed && !sorter->computed_key && sorter->fields[k].word == 0))
            eval_mark_columns(local->columns[node->sort.keys[k].column], used);
}

bool sorter_wants_sample(const Sorter *sorter)
{
    return sorter->options.expected_rows >= 2 * BUCKET_RECORDS;
}

void sorter_sample_keys(Sorter *sorter, int worker, EvalContext *context, uint32_t task)
{
    SorterLocal *local = &sorter->locals[worker];
    if (!local->sample)
        local->sample = mem_alloc(sizeof(uint64_t) * MAX_SAMPLE);
    uint64_t *keys = ARENA_ARRAY(context->batch_arena, uint64_t, context->n + 1);
    record_keys(sorter, local, context, task, keys);
    for (uint32_t i = 0; i < context->n && local->n_sample < MAX_SAMPLE; i++)
        local->sample[local->n_sample++] = keys[i];
}

/* What a worker may hold before it spills: a quarter of what is free is for the rows of all sorts, the rest for the scan, what
 * is made of the rows, and everything else. */
static void share_memory(Sorter *sorter)
{
    const MemoryBudget *budget = sorter->options.budget;
    size_t used = atomic_load(&budget->used), left = budget->limit > used ? budget->limit - used : 0;
    uint32_t sharers = sorter->options.sharers ? sorter->options.sharers : 1;
    if (sorter->spill)
        sorter->share_bytes = left / 4 / sharers / (uint32_t)sorter_threads(sorter);
}

/* Half of a share may be chunks that are not full. */
static uint32_t buckets_wanted(const Sorter *sorter)
{
    uint64_t wanted = sorter->options.expected_rows / BUCKET_RECORDS + 1;
    uint64_t most = sorter->share_bytes / 2 / RECORD_CHUNK_BYTES;
    most = most < LEAST_BUCKETS ? LEAST_BUCKETS : most > MAX_BUCKETS ? MAX_BUCKETS : most;
    return (uint32_t)(wanted < most ? wanted : most);
}

void sorter_start(Sorter *sorter)
{
    share_memory(sorter);
    uint32_t n = 0;
    for (int w = 0; w < sorter_threads(sorter); w++)
        n += sorter->locals[w].n_sample;
    uint64_t *sample = mem_alloc(sizeof(uint64_t) * (n + 1));
    n = 0;
    for (int w = 0; w < sorter_threads(sorter); w++) {
        SorterLocal *local = &sorter->locals[w];
        if (local->n_sample)
            memcpy(sample + n, local->sample, sizeof(uint64_t) * local->n_sample);
        n += local->n_sample;
        mem_free(local->sample);
        local->sample = NULL;
    }
    record_buckets_init(&sorter->buckets, sample, n, buckets_wanted(sorter));
    mem_free(sample);
    sorter->rows = ARENA_ARRAY(&sorter->arena, SortRows, sorter_threads(sorter));
    budget_init(&sorter->store_budget, 0);
    for (int w = 0; w < sorter_threads(sorter); w++) {
        SorterLocal *local = &sorter->locals[w];
        record_store_init(&local->store, &sorter->buckets, sorter->rebuilt_key ? 1 : 2,
                          sorter->packed ? sorter->options.budget : &sorter->store_budget);
        if (sorter->packed)
            record_store_let_spill(&local->store, sorter->spill, sorter->share_bytes);
        sort_run_writer_init(&local->runs, sorter->spill);
    }
}

/* Tells the budget of the rows that a worker holds by reference; where they are too many they spill. */
static Status account_rows(Sorter *sorter, int worker, Error *err)
{
    SorterLocal *local = &sorter->locals[worker];
    size_t held = local->rows.arena.used_bytes + RECORD_SLAB_BYTES * local->store.n_slabs;
    if (held <= sorter->share_bytes) {
        Status status = budget_reserve(sorter->options.budget, held - local->reserved, "sorting", err);
        if (status == STATUS_OK)
            local->reserved = held;
        if (status == STATUS_OK || !sorter->spill)
            return status;
    }
    return sorter_spill_rows(sorter, worker, err);
}

Status sorter_add(Sorter *sorter, int worker, EvalContext *context, uint32_t task, Error *err)
{
    SorterLocal *local = &sorter->locals[worker];
    uint32_t n = context->n;
    uint64_t *keys = ARENA_ARRAY(context->batch_arena, uint64_t, n + 1);
    uint64_t *payloads = ARENA_ARRAY(context->batch_arena, uint64_t, n + 1);
    record_keys(sorter, local, context, task, keys);
    if (sorter->packed) {
        record_payloads(sorter, local, context, task, payloads);
    } else {
        Vector *columns = ARENA_ARRAY(context->batch_arena, Vector, sorter->n_columns + 1);
        for (uint32_t c = 0; c < sorter->n_columns; c++)
            columns[c] = eval_run(local->columns[c], context);
        uint64_t reference = sort_rows_add(&local->rows, worker, columns, n, context->generation);
        for (uint32_t i = 0; i < n; i++)
            payloads[i] = reference + i;
    }
    TRY(record_store_append(&local->store, keys, payloads, n, err));
    return sorter->packed ? STATUS_OK : account_rows(sorter, worker, err);
}

/* ---- the sorted sequence ---- */

static int compare_references(const void *a, const void *b, void *context)
{
    const Sorter *sorter = context;
    uint64_t x = ((const SortRecord *)a)->payload, y = ((const SortRecord *)b)->payload;
    const PlanNode *node = sorter->options.node;
    for (uint32_t k = 0; k < node->sort.n_keys; k++) {
        const SortKey *key = &node->sort.keys[k];
        int order = compare_rows(sort_rows_column(sorter->rows, x, key->column), sort_rows_row(x),
                                 sort_rows_column(sorter->rows, y, key->column), sort_rows_row(y), key->descending,
                                 key->nulls_first);
        if (order)
            return order;
    }
    return 0;
}

static uint64_t bucket_size(const Sorter *sorter, uint32_t bucket)
{
    return sorter->bucket_starts[bucket + 1] - sorter->bucket_starts[bucket];
}

Status sorter_sort_records(const Sorter *sorter, const RecordStore *stores, uint32_t n_stores, uint32_t bucket,
                           uint64_t first, uint64_t n, SortRebuild *rebuild, SortRecord *sorted, SortRecord *scratch,
                           Error *err)
{
    TRY(record_bucket_read(stores, n_stores, bucket, first, n,
                           sorter->rebuilt_key ? (uint64_t *)scratch : (uint64_t *)sorted, err));
    if (sorter->rebuilt_key)
        sort_rebuild_records(rebuild, (const uint64_t *)scratch, n, sorted);
    records_sort(sorted, scratch, n);
    if (sorter->packed)
        return STATUS_OK;
    for (uint64_t start = 0, i = 1; i <= n; i++) {
        if (i < n && sorted[i].key == sorted[start].key)
            continue;
        if (i - start > 1)
            qsort_r(sorted + start, i - start, sizeof *sorted, compare_references, (void *)(uintptr_t)sorter);
        start = i;
    }
    return STATUS_OK;
}

static Status sort_bucket(const Sorter *sorter, const RecordStore *stores, uint32_t bucket, SortRebuild *rebuild,
                          SortRecord *sorted, SortRecord *scratch, Error *err)
{
    return sorter_sort_records(sorter, stores, (uint32_t)sorter_threads(sorter), bucket, 0, bucket_size(sorter, bucket),
                               rebuild, sorted, scratch, err);
}

/* One thread's view of a piece: its rows in order, and the columns made of them. */
typedef struct Piece {
    Sorter *sorter;
    SortRecord *rows;
    SortRecord *bucket; /* room for the largest bucket, twice */
    SortRecord *scratch;
    SortRebuild rebuild;
    Arena arena;
} Piece;

static Status packed_page(const Piece *piece, uint32_t column, const SortRecord *rows, uint32_t n, Arena *arena,
                          Vector *ret_page)
{
    const Sorter *sorter = piece->sorter;
    const PlanNode *node = sorter->options.node;
    uint32_t k = 0;
    while (node->sort.keys[k].column != column)
        k++;
    const SortKey *key = &node->sort.keys[k];
    if (k == 0 && sorter->computed_key) {
        *ret_page = sort_key_decode(&rows->key, 2, n, sorter->types[column], key->descending, key->nulls_first, arena);
        return STATUS_OK;
    }
    const SortField *field = &sorter->fields[k];
    *ret_page = sort_field_unpack(field, (const uint64_t *)rows + field->word, 2, n, arena);
    return STATUS_OK;
}

static Status piece_page(void *context, uint32_t column, uint64_t first, uint32_t n, Vector *ret_page, Error *err)
{
    (void)err;
    Piece *piece = context;
    arena_reset(&piece->arena);
    const SortRecord *rows = piece->rows + first;
    if (piece->sorter->packed)
        return packed_page(piece, column, rows, n, &piece->arena, ret_page);
    *ret_page = sort_rows_gather(piece->sorter->rows, &rows->payload, 2, n, column, piece->sorter->types[column],
                                 &piece->arena);
    return STATUS_OK;
}

/* Puts rows [first, end) of the whole sorted sequence to piece->rows. */
static Status fill_piece(Piece *piece, const RecordStore *stores, uint64_t first, uint64_t end, Error *err)
{
    const Sorter *sorter = piece->sorter;
    SortRecord *to = piece->rows;
    for (uint32_t b = 0; b < sorter->buckets.n_buckets; b++) {
        uint64_t start = sorter->bucket_starts[b], stop = sorter->bucket_starts[b + 1];
        if (stop <= first || start >= end || start == stop)
            continue;
        uint64_t from = start < first ? first : start, until = stop > end ? end : stop;
        if (stop - start > LARGE_BUCKET) {
            TRY(sorter_read_large(&sorter->large[b], from - start, until - from, to, err));
        } else if (from == start && until == stop) {
            TRY(sort_bucket(sorter, stores, b, &piece->rebuild, to, piece->scratch, err));
        } else {
            TRY(sort_bucket(sorter, stores, b, &piece->rebuild, piece->bucket, piece->scratch, err));
            memcpy(to, piece->bucket + (from - start), sizeof *to * (until - from));
        }
        to += until - from;
    }
    return STATUS_OK;
}

void sorter_start_rebuild(Sorter *sorter, SortRebuild *rebuild)
{
    memset(rebuild, 0, sizeof *rebuild);
    if (sorter->rebuilt_key)
        sort_rebuild_init(rebuild, sorter->options.node, sorter->options.exprs, sorter->options.column_map,
                          sorter->options.scan->n_columns, sorter->fields);
}

typedef struct Finish {
    Sorter *sorter;
    Emitter *emitter;
    RecordStore *stores;
    uint64_t first; /* of the rows wanted */
    uint64_t end;
    uint64_t largest_bucket; /* of those sorted within a piece */
    _Atomic uint64_t next;
    _Atomic bool failed;
    Status *statuses; /* per worker */
    Error *errors;
} Finish;

static Status emit_pieces(Finish *finish, int worker, Piece *piece, ParquetEncodedRowGroup **handle)
{
    Error *err = &finish->errors[worker];
    ParquetPageSource source = {piece, piece_page};
    for (;;) {
        uint64_t number = atomic_fetch_add(&finish->next, 1);
        uint64_t first = finish->first + number * PIECE_ROWS;
        if (first >= finish->end || atomic_load(&finish->failed))
            return STATUS_OK;
        TRY(interrupt_check(err));
        uint64_t end = finish->end - first < PIECE_ROWS ? finish->end : first + PIECE_ROWS;
        TRY(fill_piece(piece, finish->stores, first, end, err));
        TRY(emitter_row_group(finish->emitter, number, &source, end - first, handle, err));
    }
}

static void finish_worker(void *context, int worker)
{
    Finish *finish = context;
    uint64_t rows = finish->end - finish->first < PIECE_ROWS ? finish->end - finish->first : PIECE_ROWS;
    size_t rows_bytes = sizeof(SortRecord) * rows, bucket_bytes = sizeof(SortRecord) * (finish->largest_bucket + 1);
    Piece piece = {.sorter = finish->sorter,
                   .rows = mem_map(rows_bytes),
                   .bucket = mem_alloc(bucket_bytes),
                   .scratch = mem_alloc(bucket_bytes)};
    arena_init(&piece.arena);
    sorter_start_rebuild(finish->sorter, &piece.rebuild);
    ParquetEncodedRowGroup *handle = NULL;
    finish->statuses[worker] = emit_pieces(finish, worker, &piece, &handle);
    if (finish->statuses[worker] != STATUS_OK) {
        atomic_store(&finish->failed, true);
        emitter_stop(finish->emitter);
    }
    parquet_encoded_row_group_free(handle);
    sort_rebuild_done(&piece.rebuild);
    arena_done(&piece.arena);
    mem_unmap(piece.rows, rows_bytes);
    mem_free(piece.bucket);
    mem_free(piece.scratch);
}

Status sorter_finish(Sorter *sorter, Emitter *emitter, int64_t offset, int64_t limit, Error *err)
{
    uint32_t threads = (uint32_t)sorter_threads(sorter);
    if (sorter_has_runs(sorter))
        return sorter_finish_runs(sorter, emitter, (uint64_t)offset, limit, err);
    Finish finish = {.sorter = sorter, .emitter = emitter};
    finish.stores = ARENA_ARRAY(&sorter->arena, RecordStore, threads);
    finish.statuses = ARENA_ARRAY(&sorter->arena, Status, threads);
    finish.errors = ARENA_ARRAY(&sorter->arena, Error, threads);
    for (uint32_t w = 0; w < threads; w++) { /* read-only copies side by side; the locals stay the owners */
        finish.stores[w] = sorter->locals[w].store;
        sorter->rows[w] = sorter->locals[w].rows;
    }
    sorter->bucket_starts = ARENA_ARRAY(&sorter->arena, uint64_t, sorter->buckets.n_buckets + 1);
    for (uint32_t b = 0; b < sorter->buckets.n_buckets; b++) {
        sorter->bucket_starts[b + 1] = sorter->bucket_starts[b];
        for (uint32_t w = 0; w < threads; w++)
            sorter->bucket_starts[b + 1] += record_store_count(&finish.stores[w], b);
    }
    sorter->n_rows = sorter->bucket_starts[sorter->buckets.n_buckets];
    finish.first = (uint64_t)offset < sorter->n_rows ? (uint64_t)offset : sorter->n_rows;
    finish.end =
        limit >= 0 && (uint64_t)limit < sorter->n_rows - finish.first ? finish.first + (uint64_t)limit : sorter->n_rows;
    TRY(sorter_sort_large(sorter, finish.stores, &finish.largest_bucket, err));
    pool_run(sorter->options.pool, finish_worker, &finish);
    for (uint32_t w = 0; w < threads; w++)
        if (finish.statuses[w] != STATUS_OK) {
            *err = finish.errors[w];
            return err->code;
        }
    return STATUS_OK;
}

void sorter_describe(const Sorter *sorter, char *text, size_t size, uint64_t *ret_bytes)
{
    uint64_t bytes = 0, spilled = 0;
    for (int w = 0; w < sorter_threads(sorter); w++) {
        const SorterLocal *local = &sorter->locals[w];
        bytes += local->reserved + (sorter->packed ? (uint64_t)local->store.n_slabs * RECORD_SLAB_BYTES : 0);
        spilled += local->store.file ? spill_file_size(local->store.file) : 0;
        spilled += local->runs.file ? spill_file_size(local->runs.file) : 0;
    }
    *ret_bytes = bytes;
    int n;
    if (sorter->packed)
        n = snprintf(text, size, "rows packed into dictionary ranks, %d bytes each, %u buckets",
                     sorter->rebuilt_key ? 8 : 16, sorter->buckets.n_buckets);
    else
        n = snprintf(text, size, "rows by reference, %u buckets", sorter->buckets.n_buckets);
    char amount[32];
    if (spilled && n > 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, ", %s spilled", text_bytes(amount, sizeof amount, (double)spilled));
}
