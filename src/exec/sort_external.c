/* Rows by reference that do not fit in memory.
 *
 * A worker that has its share sorts what it holds as ever, writes the rows in order as row codes, and forgets them.  When the
 * scan is over all workers write what they still hold, and the runs are merged.  One thread at a time merges the rows of a
 * piece; decoding and encoding them, which is most of the work, is done by all. */
#include <pthread.h>
#include <stdatomic.h>

#include "exec/sort_internal.h"

void sorter_prepare_codes(Sorter *sorter)
{
    const PlanNode *node = sorter->options.node;
    uint32_t n = 0;
    bool *placed = ARENA_ARRAY(&sorter->arena, bool, sorter->n_columns + 1);
    sorter->codes = ARENA_ARRAY(&sorter->arena, RowCodeKey, sorter->n_columns + 1);
    for (uint32_t k = 0; k < node->sort.n_keys; k++) {
        const SortKey *key = &node->sort.keys[k];
        if (placed[key->column])
            continue;
        placed[key->column] = true;
        sorter->codes[n++] = (RowCodeKey){key->column, sorter->types[key->column], key->descending, key->nulls_first};
    }
    for (uint32_t c = 0; c < sorter->n_columns; c++)
        if (!placed[c])
            sorter->codes[n++] = (RowCodeKey){.column = c, .type = sorter->types[c], .nulls_first = true};
}

/* ---- rows to runs ---- */

static Status write_rows(Sorter *sorter, SorterLocal *local, const SortRecord *records, uint64_t n, Buffer *code,
                         Error *err)
{
    for (uint64_t i = 0; i < n; i++) {
        buffer_clear(code);
        for (uint32_t k = 0; k < sorter->n_columns; k++) {
            const RowCodeKey *key = &sorter->codes[k];
            row_code_append(code, key, sort_rows_column(sorter->rows, records[i].payload, key->column),
                            sort_rows_row(records[i].payload));
        }
        TRY(sort_run_put(&local->runs, code->data, (uint32_t)code->size, err));
    }
    return STATUS_OK;
}

static Status write_buckets(Sorter *sorter, SorterLocal *local, Buffer *code, Error *err)
{
    SortRecord *sorted = NULL, *scratch = NULL;
    uint64_t room = 0;
    Status status = sort_run_begin(&local->runs, err);
    for (uint32_t b = 0; status == STATUS_OK && b < sorter->buckets.n_buckets; b++) {
        uint64_t n = record_store_count(&local->store, b);
        if (n > room) {
            room = n;
            sorted = mem_realloc(sorted, sizeof *sorted * room);
            scratch = mem_realloc(scratch, sizeof *scratch * room);
        }
        if (n)
            status = sorter_sort_records(sorter, &local->store, 1, b, 0, n, NULL, sorted, scratch, err);
        if (status == STATUS_OK)
            status = write_rows(sorter, local, sorted, n, code, err);
    }
    mem_free(sorted);
    mem_free(scratch);
    return status == STATUS_OK ? sort_run_end(&local->runs, err) : status;
}

Status sorter_spill_rows(Sorter *sorter, int worker, Error *err)
{
    SorterLocal *local = &sorter->locals[worker];
    Buffer code;
    buffer_init(&code, UINT32_MAX);
    sorter->rows[worker] = local->rows;
    Status status = write_buckets(sorter, local, &code, err);
    buffer_done(&code);
    TRY(status);
    record_store_done(&local->store);
    record_store_init(&local->store, &sorter->buckets, 2, &sorter->store_budget);
    sort_rows_done(&local->rows);
    sort_rows_init(&local->rows, sorter->n_columns);
    budget_release(sorter->options.budget, local->reserved);
    local->reserved = 0;
    return STATUS_OK;
}

bool sorter_has_runs(const Sorter *sorter)
{
    bool any = false;
    for (int w = 0; w < sorter_threads(sorter); w++)
        any |= sorter->locals[w].runs.n_runs > 0;
    return any;
}

/* ---- runs to the emitter ---- */

typedef struct RunFinish {
    Sorter *sorter;
    Emitter *emitter;
    SortMerge *merge;
    pthread_mutex_t mutex; /* of the merge and the number of pieces */
    uint64_t n_pieces;
    uint64_t left;    /* rows that are still wanted */
    bool over;        /* the runs have no more, or a thread failed */
    Status *statuses; /* per worker */
    Error *errors;
} RunFinish;

/* The rows of a piece, and how far each was read. */
typedef struct CodedPiece {
    const Sorter *sorter;
    Buffer bytes;
    uint64_t *starts; /* per row */
    uint32_t *reads;  /* per row: bytes of values that were read */
    uint16_t *keys;   /* per row: number of values that were read */
    uint32_t n;
    Arena arena; /* of the page */
    Arena texts; /* a writer's dictionaries point to texts of earlier pages */
} CodedPiece;

static void read_column(CodedPiece *piece, uint32_t k, uint32_t first, uint32_t n, Vector *page)
{
    const RowCodeKey *codes = piece->sorter->codes;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = first + i;
        if (piece->keys[row] > k) /* it stands before what was read last */
            piece->keys[row] = (uint16_t)(piece->reads[row] = 0);
        const uint8_t *start = piece->bytes.data + piece->starts[row], *at = start + piece->reads[row];
        for (uint32_t key = piece->keys[row]; key < k; key++)
            at = row_code_skip(&codes[key], at);
        at = row_code_read(&codes[k], at, page, i, &piece->texts);
        piece->reads[row] = (uint32_t)(at - start);
        piece->keys[row] = (uint16_t)(k + 1);
    }
}

static Status coded_page(void *context, uint32_t column, uint64_t first, uint32_t n, Vector *ret_page, Error *err)
{
    (void)err;
    CodedPiece *piece = context;
    uint32_t k = 0;
    while (piece->sorter->codes[k].column != column)
        k++;
    arena_reset(&piece->arena);
    Vector page = vector_new(&piece->arena, piece->sorter->types[column], n, true);
    read_column(piece, k, (uint32_t)first, n, &page);
    if (!memchr(page.valid, 0, n))
        page.valid = NULL;
    *ret_page = page;
    return STATUS_OK;
}

static Status merge_piece(RunFinish *finish, CodedPiece *piece, Error *err)
{
    buffer_clear(&piece->bytes);
    arena_reset(&piece->texts);
    piece->n = 0;
    while (piece->n < PIECE_ROWS && finish->left > 0) {
        const uint8_t *row;
        uint32_t size;
        TRY(sort_merge_next(finish->merge, &row, &size, err));
        if (!row)
            finish->left = 0;
        if (!row)
            break;
        piece->starts[piece->n] = piece->bytes.size;
        piece->reads[piece->n] = 0;
        piece->keys[piece->n] = 0;
        buffer_append(&piece->bytes, row, size);
        piece->n++;
        finish->left--;
    }
    return STATUS_OK;
}

/* The next piece and its number; a piece of no rows after the last. */
static Status take_piece(RunFinish *finish, CodedPiece *piece, uint64_t *ret_number, Error *err)
{
    Status status = STATUS_OK;
    pthread_mutex_lock(&finish->mutex);
    piece->n = 0;
    if (!finish->over)
        status = merge_piece(finish, piece, err);
    finish->over |= status != STATUS_OK;
    *ret_number = finish->n_pieces;
    finish->n_pieces += piece->n > 0;
    pthread_mutex_unlock(&finish->mutex);
    return status;
}

static Status emit_pieces(RunFinish *finish, CodedPiece *piece, ParquetEncodedRowGroup **handle, Error *err)
{
    ParquetPageSource source = {piece, coded_page};
    for (;;) {
        uint64_t number;
        TRY(interrupt_check(err));
        TRY(take_piece(finish, piece, &number, err));
        if (piece->n == 0)
            return STATUS_OK;
        TRY(emitter_row_group(finish->emitter, number, &source, piece->n, handle, err));
    }
}

static void finish_worker(void *context, int worker)
{
    RunFinish *finish = context;
    CodedPiece piece = {.sorter = finish->sorter,
                        .starts = mem_alloc(sizeof(uint64_t) * PIECE_ROWS),
                        .reads = mem_alloc(sizeof(uint32_t) * PIECE_ROWS),
                        .keys = mem_alloc(sizeof(uint16_t) * PIECE_ROWS)};
    buffer_init(&piece.bytes, 0);
    arena_init(&piece.arena);
    arena_init(&piece.texts);
    ParquetEncodedRowGroup *handle = NULL;
    finish->statuses[worker] = emit_pieces(finish, &piece, &handle, &finish->errors[worker]);
    if (finish->statuses[worker] != STATUS_OK) {
        pthread_mutex_lock(&finish->mutex);
        finish->over = true;
        pthread_mutex_unlock(&finish->mutex);
        emitter_stop(finish->emitter);
    }
    parquet_encoded_row_group_free(handle);
    arena_done(&piece.arena);
    arena_done(&piece.texts);
    buffer_done(&piece.bytes);
    mem_free(piece.starts);
    mem_free(piece.reads);
    mem_free(piece.keys);
}

static Status first_failure(const Status *statuses, const Error *errors, uint32_t n, Error *err)
{
    for (uint32_t w = 0; w < n; w++)
        if (statuses[w] != STATUS_OK) {
            *err = errors[w];
            return err->code;
        }
    return STATUS_OK;
}

static void spill_worker(void *context, int worker)
{
    RunFinish *finish = context;
    finish->statuses[worker] = sorter_spill_rows(finish->sorter, worker, &finish->errors[worker]);
}

static Status open_merge(RunFinish *finish, size_t memory_bytes, Error *err)
{
    Sorter *sorter = finish->sorter;
    uint32_t n = 0;
    for (int w = 0; w < sorter_threads(sorter); w++)
        n += sorter->locals[w].runs.n_runs;
    SortRun *runs = ARENA_ARRAY(&sorter->arena, SortRun, n);
    n = 0;
    for (int w = 0; w < sorter_threads(sorter); w++)
        for (uint32_t i = 0; i < sorter->locals[w].runs.n_runs; i++)
            runs[n++] = sorter->locals[w].runs.runs[i];
    return sort_merge_new(runs, n, sorter->spill, memory_bytes, &finish->merge, err);
}

static Status emit_all(RunFinish *finish, uint64_t offset, Error *err)
{
    Sorter *sorter = finish->sorter;
    for (const uint8_t *row = (const uint8_t *)""; row && offset; offset--) {
        uint32_t size;
        TRY(sort_merge_next(finish->merge, &row, &size, err));
    }
    pool_run(sorter->options.pool, finish_worker, finish);
    return first_failure(finish->statuses, finish->errors, (uint32_t)sorter_threads(sorter), err);
}

Status sorter_finish_runs(Sorter *sorter, Emitter *emitter, uint64_t offset, int64_t limit, Error *err)
{
    uint32_t threads = (uint32_t)sorter_threads(sorter);
    RunFinish finish = {.sorter = sorter, .emitter = emitter, .left = limit >= 0 ? (uint64_t)limit : UINT64_MAX};
    finish.statuses = ARENA_ARRAY(&sorter->arena, Status, threads);
    finish.errors = ARENA_ARRAY(&sorter->arena, Error, threads);
    pool_run(sorter->options.pool, spill_worker, &finish);
    TRY(first_failure(finish.statuses, finish.errors, threads, err));
    TRY(open_merge(&finish, sorter->share_bytes / 2, err));
    pthread_mutex_init(&finish.mutex, NULL);
    Status status = emit_all(&finish, offset, err);
    pthread_mutex_destroy(&finish.mutex);
    sort_merge_free(finish.merge);
    return status;
}
