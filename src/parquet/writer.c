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
#define MAX_COLUMNS 65536u
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

struct ParquetWriter {
    StorageWriter *storage;
    uint32_t n_columns;
    WriterColumn *columns;
    ColumnSettings settings;
    uint32_t group_rows;
    Arena arena; /* file: schema, facts of row groups */
    uint64_t offset;
    Buffer groups;                   /* GroupFacts */
    ParquetEncodedRowGroup *pending; /* rows path */
};

static ParquetEncodedRowGroup *row_group_new(const ParquetWriter *writer)
{
    ParquetEncodedRowGroup *group = mem_zalloc(sizeof *group);
    group->n_columns = writer->n_columns;
    group->settings = writer->settings;
    group->columns = mem_alloc(sizeof(WriterColumn) * writer->n_columns);
    group->encoders = mem_zalloc(sizeof(ColumnEncoder *) * writer->n_columns);
    memcpy(group->columns, writer->columns, sizeof(WriterColumn) * writer->n_columns);
    for (uint32_t i = 0; i < writer->n_columns; i++)
        group->encoders[i] = column_encoder_new(&group->columns[i], &group->settings, &group->scratch);
    return group;
}

/* Makes a handle that may have served another writer serve this one; false when its columns are of other types. */
static bool row_group_rebind(ParquetEncodedRowGroup *group, const ParquetWriter *writer)
{
    bool same = group->n_columns == writer->n_columns;
    for (uint32_t i = 0; i < group->n_columns && same; i++)
        same = type_equal(group->columns[i].type, writer->columns[i].type);
    if (same) {
        group->settings = writer->settings;
        memcpy(group->columns, writer->columns, sizeof(WriterColumn) * writer->n_columns);
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

static Status check_schema(const Schema *schema, Error *err)
{
    if (schema->n == 0 || schema->n > MAX_COLUMNS)
        return error_set(err, STATUS_DATA, "a Parquet file has 1 to %u columns, not %u", MAX_COLUMNS, schema->n);
    for (uint32_t i = 0; i < schema->n; i++) {
        const Field *field = &schema->fields[i];
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(schema->fields[k].name, field->name) == 0) {
                error_set(err, STATUS_DATA, "two columns are called '%s'", field->name);
                return error_hint(err, "give one of them another name with AS");
            }
        }
        DataType type = field->type;
        if (type.id == TYPE_DECIMAL &&
            (type.precision < 1 || type.precision > DECIMAL_MAX_PRECISION || type.scale > type.precision)) {
            error_set(err, STATUS_DATA, "decimal(%u,%u) is no type", type.precision, type.scale);
            return error_at_column(err, field->name);
        }
    }
    return STATUS_OK;
}

Status parquet_writer_new(StorageWriter *writer, const Schema *schema, const ParquetWriterOptions *options,
                          ParquetWriter **ret_writer, Error *err)
{
    static const ParquetWriterOptions defaults = {.codec = PARQUET_SNAPPY};
    if (!options)
        options = &defaults;
    TRY(check_schema(schema, err));
    TRY(storage_write(writer, 0, PARQUET_MAGIC, 4, err));
    ParquetWriter *made = mem_zalloc(sizeof *made);
    arena_init(&made->arena);
    made->storage = writer;
    made->offset = 4;
    made->n_columns = schema->n;
    made->columns = ARENA_ARRAY(&made->arena, WriterColumn, schema->n);
    for (uint32_t i = 0; i < schema->n; i++) {
        const Field *field = &schema->fields[i];
        made->columns[i] = (WriterColumn){.name = arena_strdup(&made->arena, field->name),
                                          .type = field->type,
                                          .physical = writer_physical_type(field->type),
                                          .max_definition = field->nullable || field->type.id == TYPE_NULLTYPE ? 1 : 0};
    }
    uint32_t page_rows = options->page_rows ? options->page_rows : DEFAULT_PAGE_ROWS;
    made->settings = (ColumnSettings){.codec = options->codec,
                                      .page_rows = page_rows < MAX_PAGE_ROWS ? page_rows : MAX_PAGE_ROWS,
                                      .no_dictionary = options->no_dictionary};
    made->group_rows = options->row_group_rows ? options->row_group_rows : DEFAULT_GROUP_ROWS;
    *ret_writer = made;
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

Status parquet_append_row_group(ParquetWriter *writer, const ParquetEncodedRowGroup *row_group, Error *err)
{
    if (row_group->n_rows == 0)
        return STATUS_OK;
    GroupFacts facts = {.n_rows = row_group->n_rows,
                        .file_offset = writer->offset,
                        .chunks = ARENA_ARRAY(&writer->arena, ChunkFacts, writer->n_columns)};
    for (uint32_t i = 0; i < writer->n_columns; i++) {
        const ColumnEncoder *encoder = row_group->encoders[i];
        facts.chunks[i] = writer_place_chunk(column_encoder_facts(encoder), writer->offset, &writer->arena);
        TRY(write_bytes(writer, column_encoder_dictionary_page(encoder), err));
        TRY(write_bytes(writer, column_encoder_data_pages(encoder), err));
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
    for (uint32_t i = 0; i < writer->n_columns; i++) {
        for (uint64_t first = 0; first < n_rows;) {
            uint64_t left = n_rows - first;
            uint32_t n = left < writer->settings.page_rows ? (uint32_t)left : writer->settings.page_rows;
            Vector page;
            TRY(source->page(source->context, i, first, n, &page, err));
            if (page.n != n || page.type.id != writer->columns[i].type.id)
                return error_set(err, STATUS_INTERNAL, "a page of column %s does not fit its schema",
                                 writer->columns[i].name);
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
    if (batch->n_columns != writer->n_columns)
        return error_set(err, STATUS_INTERNAL, "a batch of %u columns for a file of %u", batch->n_columns,
                         writer->n_columns);
    if (!writer->pending)
        writer->pending = row_group_new(writer);
    ParquetEncodedRowGroup *group = writer->pending;
    for (uint32_t first = 0; first < batch->n_rows;) {
        uint64_t n = STEP_ROWS - group->n_rows % STEP_ROWS;
        if (n > writer->group_rows - group->n_rows)
            n = writer->group_rows - group->n_rows;
        if (n > batch->n_rows - first)
            n = batch->n_rows - first;
        for (uint32_t i = 0; i < writer->n_columns; i++) {
            if (batch->columns[i].type.id != writer->columns[i].type.id)
                return error_set(err, STATUS_INTERNAL, "a batch's column %s does not have the file's type",
                                 writer->columns[i].name);
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
    writer_footer(writer->columns, writer->n_columns, (GroupFacts *)(void *)writer->groups.data,
                  (uint32_t)(writer->groups.size / sizeof(GroupFacts)), writer->offset, &footer);
    TRY(buffer_check(&footer, "the file's footer", err));
    TRY(write_bytes(writer, &footer, err));
    if (ret_bytes)
        *ret_bytes = writer->offset;
    return STATUS_OK;
}
