#include "exec/emit.h"

Status emitter_open(Emitter *emitter, Statement *statement, const Schema *schema, Error *err)
{
    memset(emitter, 0, sizeof *emitter);
    emitter->statement = statement;
    emitter->schema = schema;
    pthread_mutex_init(&emitter->mutex, NULL);
    pthread_cond_init(&emitter->moved, NULL);
    if (!statement->sink.file)
        return STATUS_OK;
    static const ParquetWriterOptions defaults = {.codec = PARQUET_SNAPPY};
    const ParquetWriterOptions *options = statement->sink.options ? statement->sink.options : &defaults;
    return parquet_writer_new(statement->sink.file, schema, options, &emitter->writer, err);
}

void emitter_close(Emitter *emitter)
{
    if (!emitter->statement)
        return;
    parquet_writer_free(emitter->writer);
    pthread_mutex_destroy(&emitter->mutex);
    pthread_cond_destroy(&emitter->moved);
    emitter->statement = NULL;
}

bool emitter_wait(Emitter *emitter, uint64_t piece)
{
    pthread_mutex_lock(&emitter->mutex);
    while (emitter->turn != piece && !emitter->stopped)
        pthread_cond_wait(&emitter->moved, &emitter->mutex);
    bool go = !emitter->stopped;
    pthread_mutex_unlock(&emitter->mutex);
    return go;
}

void emitter_pass(Emitter *emitter)
{
    pthread_mutex_lock(&emitter->mutex);
    emitter->turn++;
    pthread_cond_broadcast(&emitter->moved);
    pthread_mutex_unlock(&emitter->mutex);
}

void emitter_stop(Emitter *emitter)
{
    pthread_mutex_lock(&emitter->mutex);
    emitter->stopped = true;
    pthread_cond_broadcast(&emitter->moved);
    pthread_mutex_unlock(&emitter->mutex);
}

Status emitter_batch(Emitter *emitter, const Batch *batch, Error *err)
{
    Statement *statement = emitter->statement;
    statement->rows_out += batch->n_rows;
    if (emitter->writer)
        return parquet_write_batch(emitter->writer, batch, err);
    return statement->sink.batch(statement->sink.context, emitter->schema, batch, err);
}

static Status emit_pages(Emitter *emitter, const ParquetPageSource *source, uint64_t n_rows, Error *err)
{
    uint32_t n_columns = emitter->schema->n;
    Vector *columns = mem_alloc(sizeof(Vector) * (n_columns + 1));
    Arena arena;
    arena_init(&arena);
    Status status = STATUS_OK;
    for (uint64_t first = 0; status == STATUS_OK && first < n_rows; first += EMIT_PAGE_ROWS) {
        uint32_t n = n_rows - first < EMIT_PAGE_ROWS ? (uint32_t)(n_rows - first) : EMIT_PAGE_ROWS;
        arena_reset(&arena);
        for (uint32_t c = 0; status == STATUS_OK && c < n_columns; c++) {
            Vector page;
            status = source->page(source->context, c, first, n, &page, err);
            if (status == STATUS_OK) /* a page lives until the next is asked for */
                columns[c] = vector_flatten(&arena, &page);
            if (status == STATUS_OK && page.kind == VECTOR_FLAT) {
                columns[c].data = arena_memdup(&arena, page.data, type_width(page.type) * n);
                if (page.valid)
                    columns[c].valid = (uint8_t *)arena_memdup(&arena, page.valid, n);
            }
        }
        if (status == STATUS_OK)
            status = emitter_batch(emitter, &(Batch){n, n_columns, columns}, err);
    }
    arena_done(&arena);
    mem_free(columns);
    return status;
}

Status emitter_row_group(Emitter *emitter, uint64_t piece, const ParquetPageSource *source, uint64_t n_rows,
                         ParquetEncodedRowGroup **handle, Error *err)
{
    if (emitter->writer)
        TRY(parquet_encode_row_group(emitter->writer, source, n_rows, handle, err));
    if (!emitter_wait(emitter, piece))
        return STATUS_OK;
    if (emitter->writer) {
        TRY(parquet_append_row_group(emitter->writer, *handle, err));
        emitter->statement->rows_out += n_rows;
    } else {
        TRY(emit_pages(emitter, source, n_rows, err));
    }
    emitter_pass(emitter);
    return STATUS_OK;
}

Status emitter_finish(Emitter *emitter, Error *err)
{
    if (!emitter->writer)
        return STATUS_OK;
    return parquet_finish(emitter->writer, &emitter->statement->bytes_out, err);
}
