/* ParquetWriter: row groups into a file.
 *
 * Each row group is a set of ColumnEncoders, whose chunks are written one behind the other.  The rows path keeps one set
 * and feeds it batch by batch, cutting a row group at row_group_rows rows or when it holds GROUP_BYTES; the cut is looked
 * for only every STEP_ROWS rows of the group, so the bytes of a file do not depend on how its rows were cut into batches.
 * The chunks path has a set in each ParquetEncodedRowGroup, fed page by page.
 *
 * The file's own state (offset, row groups so far) is touched by append and finish only, from one thread at a time. */
#include "parquet/writer.h"

#include <string.h>

#include "parquet/writer_internal.h"

#define DEFAULT_GROUP_ROWS 1048576u
#define DEFAULT_PAGE_ROWS 65536u
#define MAX_PAGE_ROWS (1u << 24)
#define STEP_ROWS 4096u
#define GROUP_BYTES ((size_t)256 << 20)

struct ParquetEncodedRowGroup {
    uint32_t n_columns;
    WriterColumn *columns; /* a copy of the writer's, so that the handle may outlive it */
    ColumnEncoder **encoders;
    ColumnSettings settings;
    WriterScratch scratch;
    uint64_t n_rows;
};

static ParquetEncodedRowGroup *row_group_new(const ParquetWriter *writer)
{
    ParquetEncodedRowGroup *group = mem_zalloc(sizeof *group);
    group->n_columns = writer->schema.n_columns;
    group->settings = writer->settings;
    group->columns = mem_alloc(sizeof(WriterColumn) * writer->schema.n_columns);
    group->encoders = mem_zalloc(sizeof(ColumnEncoder *) * writer->schema.n_columns);
    memcpy(group->columns, writer->schema.columns, sizeof(WriterColumn) * writer->schema.n_columns);
    for (uint32_t i = 0; i < writer->schema.n_columns; i++)
        group->encoders[i] = column_encoder_new(&group->columns[i], &group->settings, &group->scratch);
    return group;
}

/* Makes a handle that may have served another writer serve this one; false when its columns are of other types. */
static bool row_group_rebind(ParquetEncodedRowGroup *group, const ParquetWriter *writer)
{
    bool same = group->n_columns == writer->schema.n_columns;
    for (uint32_t i = 0; i < group->n_columns && same; i++)
        same = type_equal(group->columns[i].type, writer->schema.columns[i].type);
    if (same) {
        group->settings = writer->settings;
        memcpy(group->columns, writer->schema.columns, sizeof(WriterColumn) * writer->schema.n_columns);
    }
    return same;
}

void parquet_encoded_row_group_free(ParquetEncodedRowGroup *row_group)
{
    if (!row_group)
        return;
    for (uint32_t i = 0; i < row_group->n_columns; i++)
        column_encoder_free(row_group->encoders[i]);
    writer_scratch_done(&row_group->scratch);
    mem_free(row_group->columns);
    mem_free(row_group->encoders);
    mem_free(row_group);
}

static void row_group_begin(ParquetEncodedRowGroup *group)
{
    group->n_rows = 0;
    for (uint32_t i = 0; i < group->n_columns; i++)
        column_encoder_begin(group->encoders[i]);
}

static Status writer_new(StorageWriter *storage, const ParquetNestedField *fields, uint32_t n_fields,
                         const ParquetWriterOptions *options, ParquetWriter **ret_writer, Error *err)
{
    static const ParquetWriterOptions defaults = {.codec = PARQUET_SNAPPY};
    if (!options)
        options = &defaults;
    ParquetWriter *writer = mem_zalloc(sizeof *writer);
    arena_init(&writer->arena);
    Status status = writer_schema(fields, n_fields, &writer->arena, &writer->schema, err);
    if (status == STATUS_OK)
        status = storage_write(storage, 0, PARQUET_MAGIC, 4, err);
    if (status != STATUS_OK) {
        parquet_writer_free(writer);
        return status;
    }
    uint32_t page_rows = options->page_rows ? options->page_rows : DEFAULT_PAGE_ROWS;
    writer->storage = storage;
    writer->offset = 4;
    writer->settings = (ColumnSettings){.codec = options->codec,
                                        .page_rows = page_rows < MAX_PAGE_ROWS ? page_rows : MAX_PAGE_ROWS,
                                        .no_dictionary = options->no_dictionary};
    writer->group_rows = options->row_group_rows ? options->row_group_rows : DEFAULT_GROUP_ROWS;
    *ret_writer = writer;
    return STATUS_OK;
}

Status parquet_writer_new(StorageWriter *writer, const Schema *schema, const ParquetWriterOptions *options,
                          ParquetWriter **ret_writer, Error *err)
{
    CLEANUP(mem_cleanup) ParquetNestedField *fields = mem_zalloc(sizeof *fields * schema->n);
    for (uint32_t i = 0; i < schema->n; i++)
        fields[i] = (ParquetNestedField){.name = schema->fields[i].name,
                                         .kind = PARQUET_NODE_LEAF,
                                         .type = schema->fields[i].type,
                                         .nullable = schema->fields[i].nullable};
    return writer_new(writer, fields, schema->n, options, ret_writer, err);
}

Status parquet_nested_writer_new(StorageWriter *writer, const ParquetNestedField *fields, uint32_t n_fields,
                                 const ParquetWriterOptions *options, ParquetWriter **ret_writer, Error *err)
{
    TRY(writer_new(writer, fields, n_fields, options, ret_writer, err));
    (*ret_writer)->fields = fields;
    return STATUS_OK;
}

void parquet_writer_free(ParquetWriter *writer)
{
    if (!writer)
        return;
    parquet_encoded_row_group_free(writer->pending);
    buffer_done(&writer->groups);
    arena_done(&writer->arena);
    mem_free(writer);
}

static Status write_bytes(ParquetWriter *writer, const Buffer *bytes, Error *err)
{
    if (bytes->size == 0)
        return STATUS_OK;
    TRY(storage_write(writer->storage, writer->offset, bytes->data, bytes->size, err));
    writer->offset += bytes->size;
    return STATUS_OK;
}

Status writer_append_chunk(ParquetWriter *writer, const ChunkFacts *facts, const Buffer *dictionary_page,
                           const Buffer *data_pages, ChunkFacts *ret_placed, Error *err)
{
    *ret_placed = writer_place_chunk(facts, writer->offset, &writer->arena);
    TRY(write_bytes(writer, dictionary_page, err));
    return write_bytes(writer, data_pages, err);
}

Status parquet_append_row_group(ParquetWriter *writer, const ParquetEncodedRowGroup *row_group, Error *err)
{
    if (row_group->n_rows == 0)
        return STATUS_OK;
    uint32_t n_columns = writer->schema.n_columns;
    GroupFacts facts = {.n_rows = row_group->n_rows,
                        .file_offset = writer->offset,
                        .chunks = ARENA_ARRAY(&writer->arena, ChunkFacts, n_columns)};
    for (uint32_t i = 0; i < n_columns; i++) {
        const ColumnEncoder *encoder = row_group->encoders[i];
        TRY(writer_append_chunk(writer, column_encoder_facts(encoder), column_encoder_dictionary_page(encoder),
                                column_encoder_data_pages(encoder), &facts.chunks[i], err));
    }
    buffer_append(&writer->groups, &facts, sizeof facts);
    return STATUS_OK;
}

/* ---- chunks path ---- */

Status parquet_encode_row_group(const ParquetWriter *writer, const ParquetPageSource *source, uint64_t n_rows,
                                ParquetEncodedRowGroup **inout_row_group, Error *err)
{
    if (*inout_row_group && !row_group_rebind(*inout_row_group, writer)) {
        parquet_encoded_row_group_free(*inout_row_group);
        *inout_row_group = NULL;
    }
    if (!*inout_row_group)
        *inout_row_group = row_group_new(writer);
    ParquetEncodedRowGroup *group = *inout_row_group;
    row_group_begin(group);
    for (uint32_t i = 0; i < writer->schema.n_columns; i++) {
        for (uint64_t first = 0; first < n_rows;) {
            uint64_t left = n_rows - first;
            uint32_t n = left < writer->settings.page_rows ? (uint32_t)left : writer->settings.page_rows;
            Vector page;
            TRY(source->page(source->context, i, first, n, &page, err));
            if (page.n != n || page.type.id != writer->schema.columns[i].type.id)
                return error_set(err, STATUS_INTERNAL, "a page of column %s does not fit its schema",
                                 writer->schema.columns[i].name);
            TRY(column_encoder_add_page(group->encoders[i], &page, n_rows, err));
            first += n;
        }
        TRY(column_encoder_finish(group->encoders[i], err));
    }
    group->n_rows = n_rows;
    return STATUS_OK;
}

/* ---- rows path ---- */

static Status cut_row_group(ParquetWriter *writer, Error *err)
{
    ParquetEncodedRowGroup *group = writer->pending;
    for (uint32_t i = 0; i < group->n_columns; i++)
        TRY(column_encoder_finish(group->encoders[i], err));
    TRY(parquet_append_row_group(writer, group, err));
    row_group_begin(group);
    return STATUS_OK;
}

static bool row_group_is_full(const ParquetWriter *writer)
{
    const ParquetEncodedRowGroup *group = writer->pending;
    if (group->n_rows >= writer->group_rows)
        return true;
    if (group->n_rows % STEP_ROWS != 0)
        return false;
    size_t bytes = 0;
    for (uint32_t i = 0; i < group->n_columns; i++)
        bytes += column_encoder_bytes(group->encoders[i]);
    return bytes >= GROUP_BYTES;
}

Status parquet_write_batch(ParquetWriter *writer, const Batch *batch, Error *err)
{
    if (batch->n_columns != writer->schema.n_columns)
        return error_set(err, STATUS_INTERNAL, "a batch of %u columns for a file of %u", batch->n_columns,
                         writer->schema.n_columns);
    if (!writer->pending)
        writer->pending = row_group_new(writer);
    ParquetEncodedRowGroup *group = writer->pending;
    for (uint32_t first = 0; first < batch->n_rows;) {
        uint64_t n = STEP_ROWS - group->n_rows % STEP_ROWS;
        if (n > writer->group_rows - group->n_rows)
            n = writer->group_rows - group->n_rows;
        if (n > batch->n_rows - first)
            n = batch->n_rows - first;
        for (uint32_t i = 0; i < writer->schema.n_columns; i++) {
            if (batch->columns[i].type.id != writer->schema.columns[i].type.id)
                return error_set(err, STATUS_INTERNAL, "a batch's column %s does not have the file's type",
                                 writer->schema.columns[i].name);
            Vector slice = vector_slice(&batch->columns[i], first, (uint32_t)n);
            TRY(column_encoder_add(group->encoders[i], &slice, err));
        }
        group->n_rows += n;
        first += (uint32_t)n;
        if (row_group_is_full(writer))
            TRY(cut_row_group(writer, err));
    }
    return STATUS_OK;
}

Status parquet_finish(ParquetWriter *writer, uint64_t *ret_bytes, Error *err)
{
    if (writer->pending && writer->pending->n_rows)
        TRY(cut_row_group(writer, err));
    CLEANUP(buffer_done) Buffer footer;
    buffer_init(&footer, INT32_MAX);
    writer_footer(&writer->schema, (GroupFacts *)(void *)writer->groups.data,
                  (uint32_t)(writer->groups.size / sizeof(GroupFacts)), writer->offset, &footer);
    TRY(buffer_check(&footer, "the file's footer", err));
    TRY(write_bytes(writer, &footer, err));
    if (ret_bytes)
        *ret_bytes = writer->offset;
    return STATUS_OK;
}
