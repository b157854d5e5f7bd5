/* BatchFile; see batch_file.h.
 *
 * An extent is pieces, one for each batch_writer_put: the number of rows, then column by column a byte that says whether there
 * are NULLs, a byte a row where there are, and the values; of texts their sizes, then their bytes. */
#include "exec/batch_file.h"

#include <pthread.h>
#include <string.h>

struct BatchFile {
    SpillFile *file;
    pthread_mutex_t lock; /* of all below, while rows are written */
    DataType *types;
    uint32_t n_columns;
    size_t extent_bytes;
    BatchPart *parts;
    uint32_t n_parts;
};

struct BatchWriter {
    BatchFile *file;
    Buffer *buffers; /* per part */
    uint32_t *rows;  /* in them */
};

static bool is_text(DataType type)
{
    return type.id == TYPE_STRING || type.id == TYPE_BINARY;
}

Status batch_file_new(SpillSpace *space, const DataType *types, uint32_t n_columns, uint32_t n_parts,
                      size_t extent_bytes, BatchFile **ret_file, Error *err)
{
    SpillFile *spill;
    TRY(spill_file_new(space, &spill, err));
    BatchFile *file = mem_zalloc(sizeof *file);
    file->file = spill;
    pthread_mutex_init(&file->lock, NULL);
    file->types = mem_alloc(sizeof *types * (n_columns + 1));
    if (n_columns)
        memcpy(file->types, types, sizeof *types * n_columns);
    file->n_columns = n_columns;
    file->extent_bytes = extent_bytes;
    file->parts = mem_zalloc(sizeof *file->parts * n_parts);
    file->n_parts = n_parts;
    *ret_file = file;
    return STATUS_OK;
}

void batch_file_free(BatchFile *file)
{
    if (!file)
        return;
    for (uint32_t p = 0; p < file->n_parts; p++)
        mem_free(file->parts[p].extents);
    mem_free(file->parts);
    mem_free(file->types);
    pthread_mutex_destroy(&file->lock);
    spill_file_free(file->file);
    mem_free(file);
}

const BatchPart *batch_file_part(const BatchFile *file, uint32_t part)
{
    return &file->parts[part];
}

uint64_t batch_file_bytes(const BatchFile *file)
{
    return spill_file_size(file->file);
}

/* ---- writing ---- */

BatchWriter *batch_writer_new(BatchFile *file)
{
    BatchWriter *writer = mem_zalloc(sizeof *writer);
    writer->file = file;
    writer->buffers = mem_zalloc(sizeof *writer->buffers * file->n_parts);
    writer->rows = mem_zalloc(sizeof *writer->rows * file->n_parts);
    for (uint32_t p = 0; p < file->n_parts; p++)
        buffer_init(&writer->buffers[p], 0);
    return writer;
}

void batch_writer_free(BatchWriter *writer)
{
    if (!writer)
        return;
    for (uint32_t p = 0; p < writer->file->n_parts; p++)
        buffer_done(&writer->buffers[p]);
    mem_free(writer->buffers);
    mem_free(writer->rows);
    mem_free(writer);
}

size_t batch_writer_bytes(const BatchFile *file)
{
    return file->extent_bytes * 2 * file->n_parts;
}

/* What a NULL stands for is nothing: its text may be anywhere. */
static void append_column(Buffer *buffer, const Vector *flat)
{
    buffer_append_byte(buffer, flat->valid != NULL);
    if (flat->valid)
        buffer_append(buffer, flat->valid, flat->n);
    if (!is_text(flat->type)) {
        buffer_append(buffer, flat->data, type_width(flat->type) * flat->n);
        return;
    }
    const StrView *texts = flat->data;
    const StrView none = {"", 0};
    for (uint32_t i = 0; i < flat->n; i++)
        buffer_append(buffer, flat->valid && !flat->valid[i] ? &none.size : &texts[i].size, sizeof none.size);
    for (uint32_t i = 0; i < flat->n; i++)
        if (!flat->valid || flat->valid[i])
            buffer_append(buffer, texts[i].data, texts[i].size);
}

static void add_extent(BatchPart *part, const BatchExtent *extent)
{
    if (part->n_extents == part->capacity) {
        part->capacity = part->capacity ? part->capacity * 2 : 8;
        part->extents = mem_realloc(part->extents, sizeof *part->extents * part->capacity);
    }
    part->extents[part->n_extents++] = *extent;
    part->rows += extent->rows;
    part->bytes += extent->size;
}

static Status flush_part(BatchWriter *writer, uint32_t part, Error *err)
{
    BatchFile *file = writer->file;
    Buffer *buffer = &writer->buffers[part];
    BatchExtent extent = {.size = buffer->size, .rows = writer->rows[part]};
    if (extent.rows == 0)
        return STATUS_OK;
    pthread_mutex_lock(&file->lock);
    Status status = spill_file_append(file->file, buffer->data, buffer->size, &extent.offset, err);
    if (status == STATUS_OK)
        add_extent(&file->parts[part], &extent);
    pthread_mutex_unlock(&file->lock);
    writer->rows[part] = 0;
    buffer_clear(buffer);
    if (buffer->capacity > 4 * file->extent_bytes) { /* of a batch with long texts */
        buffer_done(buffer);
        buffer_init(buffer, 0);
    }
    return status;
}

Status batch_writer_put(BatchWriter *writer, uint32_t part, const Vector *columns, const uint32_t *rows, uint32_t n,
                        Arena *scratch, Error *err)
{
    Buffer *buffer = &writer->buffers[part];
    if (n == 0)
        return STATUS_OK;
    buffer_append(buffer, &n, sizeof n);
    for (uint32_t c = 0; c < writer->file->n_columns; c++) {
        Vector chosen = vector_select(scratch, &columns[c], rows, n);
        Vector flat = vector_flatten(scratch, &chosen);
        append_column(buffer, &flat);
    }
    writer->rows[part] += n;
    return buffer->size < writer->file->extent_bytes ? STATUS_OK : flush_part(writer, part, err);
}

Status batch_writer_flush(BatchWriter *writer, Error *err)
{
    for (uint32_t p = 0; p < writer->file->n_parts; p++)
        TRY(flush_part(writer, p, err));
    return STATUS_OK;
}

/* ---- reading ---- */

/* One column of a piece of n rows, to row `at` and on; returns where it ends. */
static const uint8_t *read_column(const uint8_t *bytes, Vector *column, uint32_t at, uint32_t n)
{
    size_t width = type_width(column->type);
    if (*bytes++) {
        memcpy(column->valid + at, bytes, n);
        bytes += n;
    }
    if (!is_text(column->type)) {
        memcpy((char *)column->data + width * at, bytes, width * n);
        return bytes + width * n;
    }
    StrView *texts = (StrView *)column->data + at;
    const char *text = (const char *)bytes + sizeof texts->size * n;
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&texts[i].size, bytes + sizeof texts->size * i, sizeof texts->size);
        texts[i].data = text;
        text += texts[i].size;
    }
    return (const uint8_t *)text;
}

Status batch_file_read(const BatchFile *file, const BatchExtent *extent, Arena *arena, Batch *ret_batch, Error *err)
{
    uint8_t *bytes = arena_alloc(arena, extent->size + 1);
    TRY(spill_file_read(file->file, extent->offset, bytes, extent->size, err));
    Batch batch = {.n_rows = extent->rows, .n_columns = file->n_columns};
    batch.columns = ARENA_ARRAY(arena, Vector, file->n_columns + 1);
    for (uint32_t c = 0; c < file->n_columns; c++)
        batch.columns[c] = vector_new(arena, file->types[c], extent->rows, true);
    const uint8_t *next = bytes;
    for (uint32_t at = 0, n; at < extent->rows; at += n) {
        memcpy(&n, next, sizeof n);
        next += sizeof n;
        for (uint32_t c = 0; c < file->n_columns; c++)
            next = read_column(next, &batch.columns[c], at, n);
    }
    CHECK(next == bytes + extent->size);
    for (uint32_t c = 0; c < file->n_columns; c++)
        if (!memchr(batch.columns[c].valid, 0, extent->rows))
            batch.columns[c].valid = NULL;
    *ret_batch = batch;
    return STATUS_OK;
}
