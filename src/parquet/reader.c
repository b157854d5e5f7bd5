/* ParquetFile: the footer, the schema and the facts of row groups.
 *
 * A Parquet file ends with the footer, its length in four bytes, and "PAR1".  Opening reads the last 64 KiB, which hold
 * most footers whole, and decodes it into structs that live as long as the file.  Offsets and sizes of column chunks
 * are checked when a chunk is read, not here: one broken chunk does not hide the others. */
#include "parquet/reader.h"

#include <stdio.h>

#include "parquet/metadata.h"
#include "parquet/reader_internal.h"

#define TAIL_BYTES 8
#define FIRST_READ_BYTES ((uint64_t)64 << 10)
#define MIN_FILE_BYTES 12

/* The last `size` bytes of the file into new memory, counted in file->reserved. */
static Status read_tail(ParquetFile *file, uint64_t size, uint8_t **ret_bytes, Error *err)
{
    TRY(budget_reserve(file->budget, size, "a Parquet footer", err));
    file->reserved += size;
    uint8_t *bytes = mem_alloc(size);
    Status status = storage_read(file->reader, file->reader->size_bytes - size, bytes, size, err);
    if (status != STATUS_OK) {
        mem_free(bytes);
        return status;
    }
    *ret_bytes = bytes;
    return STATUS_OK;
}

/* Length of the footer from the file's last eight bytes. */
static Status check_tail(const ParquetFile *file, const uint8_t *tail, uint32_t *ret_footer_bytes, Error *err)
{
    uint64_t size = file->reader->size_bytes;
    if (memcmp(tail + 4, PARQUET_MAGIC_ENCRYPTED, 4) == 0)
        return error_set(err, STATUS_UNSUPPORTED, "Parquet encryption (an encrypted footer) is not supported");
    if (memcmp(tail + 4, PARQUET_MAGIC, 4) != 0) {
        error_set(err, STATUS_CORRUPT, "this is not a Parquet file: it does not end with PAR1");
        error_hint(err, "the file may be cut short, or of another format");
        return error_at_offset(err, (int64_t)size - 4);
    }
    uint32_t footer_bytes;
    memcpy(&footer_bytes, tail, sizeof footer_bytes);
    if (footer_bytes == 0 || footer_bytes > size - MIN_FILE_BYTES) {
        error_set(err, STATUS_CORRUPT, "the footer's length of %u bytes does not fit the file", footer_bytes);
        return error_at_offset(err, (int64_t)size - TAIL_BYTES);
    }
    *ret_footer_bytes = footer_bytes;
    return STATUS_OK;
}

static Status read_footer(ParquetFile *file, Error *err)
{
    uint64_t size = file->reader->size_bytes;
    if (size < MIN_FILE_BYTES)
        return error_set(err, STATUS_CORRUPT, "this is not a Parquet file: it has only %llu bytes",
                         (unsigned long long)size);
    uint64_t tail_bytes = size < FIRST_READ_BYTES ? size : FIRST_READ_BYTES;
    uint32_t footer_bytes = 0;
    TRY(read_tail(file, tail_bytes, &file->footer, err));
    TRY(check_tail(file, file->footer + tail_bytes - TAIL_BYTES, &footer_bytes, err));
    if (footer_bytes + (uint64_t)TAIL_BYTES > tail_bytes) {
        tail_bytes = footer_bytes + (uint64_t)TAIL_BYTES;
        mem_free(file->footer);
        file->footer = NULL;
        TRY(read_tail(file, tail_bytes, &file->footer, err));
    }
    const uint8_t *footer = file->footer + tail_bytes - TAIL_BYTES - footer_bytes;
    TRY(metadata_decode_file(footer, footer_bytes, size - TAIL_BYTES - footer_bytes, &file->arena, &file->metadata,
                             err));
    TRY(schema_tree_build(&file->metadata, &file->arena, &file->tree, err));
    TRY(budget_reserve(file->budget, file->arena.used_bytes, "a Parquet footer", err));
    file->reserved += file->arena.used_bytes;
    return STATUS_OK;
}

static Status check_row_groups(ParquetFile *file, Error *err)
{
    for (uint32_t i = 0; i < file->metadata.n_row_groups; i++) {
        const FormatRowGroup *row_group = &file->metadata.row_groups[i];
        if (row_group->n_rows < 0 || __builtin_add_overflow(file->n_rows, (uint64_t)row_group->n_rows, &file->n_rows))
            return error_set(err, STATUS_CORRUPT, "row group %u: its number of rows is not possible", i);
        if (row_group->n_columns != file->tree.n_leaves)
            return error_set(err, STATUS_CORRUPT, "row group %u: it has %u columns and the schema has %u", i,
                             row_group->n_columns, file->tree.n_leaves);
    }
    return STATUS_OK;
}

static void make_schema(ParquetFile *file)
{
    const SchemaNode *root = &file->tree.root;
    file->schema.n = root->n_children;
    file->schema.fields = ARENA_ARRAY(&file->arena, Field, root->n_children + 1);
    for (uint32_t i = 0; i < root->n_children; i++) {
        const SchemaNode *node = &root->children[i];
        bool flat = node->leaf && node->repetition == 0;
        file->schema.fields[i] = (Field){.name = node->name,
                                         .type = flat ? node->leaf->type : DATA_TYPE(NULLTYPE),
                                         .nullable = node->definition > 0};
    }
}

Status parquet_open(StorageReader *reader, MemoryBudget *budget, ParquetFile **ret_file, Error *err)
{
    ParquetFile *file = mem_zalloc(sizeof *file);
    file->reader = reader;
    file->budget = budget;
    arena_init(&file->arena);
    Status status = read_footer(file, err);
    if (status == STATUS_OK)
        status = check_row_groups(file, err);
    if (status != STATUS_OK) {
        status = error_at_file(err, reader->path);
        parquet_close(file);
        return status;
    }
    make_schema(file);
    kept_row_groups_init(file);
    *ret_file = file;
    return STATUS_OK;
}

void parquet_close(ParquetFile *file)
{
    if (!file)
        return;
    kept_row_groups_done(file);
    budget_release(file->budget, file->reserved);
    storage_close(file->reader);
    arena_done(&file->arena);
    mem_free(file->footer);
    mem_free(file);
}

const Schema *parquet_schema(const ParquetFile *file)
{
    return &file->schema;
}

uint64_t parquet_rows(const ParquetFile *file)
{
    return file->n_rows;
}

uint32_t parquet_row_groups(const ParquetFile *file)
{
    return file->metadata.n_row_groups;
}

uint64_t parquet_row_group_rows(const ParquetFile *file, uint32_t row_group)
{
    CHECK(row_group < file->metadata.n_row_groups);
    return (uint64_t)file->metadata.row_groups[row_group].n_rows;
}

static uint64_t chunk_bytes(const FormatColumnChunk *chunk)
{
    return chunk->metadata.compressed_bytes > 0 ? (uint64_t)chunk->metadata.compressed_bytes : 0;
}

uint64_t parquet_row_group_bytes(const ParquetFile *file, uint32_t row_group)
{
    CHECK(row_group < file->metadata.n_row_groups);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < file->metadata.row_groups[row_group].n_columns; i++)
        bytes += chunk_bytes(&file->metadata.row_groups[row_group].columns[i]);
    return bytes;
}

static uint64_t node_bytes(const ParquetFile *file, uint32_t row_group, const SchemaNode *node)
{
    if (node->leaf)
        return chunk_bytes(chunk_of(file, row_group, node->leaf));
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < node->n_children; i++)
        bytes += node_bytes(file, row_group, &node->children[i]);
    return bytes;
}

uint64_t parquet_column_bytes(const ParquetFile *file, uint32_t row_group, uint32_t column)
{
    CHECK(row_group < file->metadata.n_row_groups && column < file->tree.root.n_children);
    return node_bytes(file, row_group, &file->tree.root.children[column]);
}

const char *parquet_path(const ParquetFile *file)
{
    return file->reader->path;
}
