/* parquet_copy FROM TO [--chunks] [--codec none|snappy|zstd] [--group-rows N] [--page-rows N] [--batch-rows N]
 * [--no-dictionary] [--nested]: reads a Parquet file with our reader and writes it with our writer, so that other readers can say
 * whether it arrived.  Not installed.
 *
 * Rows go in as batches of --batch-rows; with --chunks each row group is encoded page by page instead, which takes over
 * dictionaries that are sorted.  Columns that may be NULL stay so.  --nested copies structs, lists and maps, whole row groups
 * at a time; all fields may be NULL then.  Exit code 3 with a message when something fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parquet/reader.h"
#include "parquet/writer_nested.h"

typedef struct Copy {
    const char *from, *to;
    ParquetWriterOptions options;
    uint32_t batch_rows;
    bool chunks;
    bool nested;
    Arena arena; /* nested: trees and fields */
    ParquetFile *file;
    ParquetRowGroup *row_group;
    ParquetEncodedRowGroup *encoded;
    ParquetWriter *writer;
} Copy;

static Status read_page(void *context, uint32_t column, uint64_t first, uint32_t n, Vector *ret_page, Error *err)
{
    (void)first;
    return parquet_column_read(((Copy *)context)->row_group, column, n, ret_page, err);
}

static Status copy_rows(Copy *copy, uint64_t n_rows, uint32_t n_columns, Error *err)
{
    CLEANUP(mem_cleanup) Vector *columns = mem_zalloc(sizeof(Vector) * n_columns);
    for (uint64_t first = 0; first < n_rows; first += copy->batch_rows) {
        uint64_t left = n_rows - first;
        Batch batch = {.n_rows = left < copy->batch_rows ? (uint32_t)left : copy->batch_rows,
                       .n_columns = n_columns,
                       .columns = columns};
        for (uint32_t i = 0; i < n_columns; i++)
            TRY(parquet_column_read(copy->row_group, i, batch.n_rows, &columns[i], err));
        TRY(parquet_write_batch(copy->writer, &batch, err));
    }
    return STATUS_OK;
}

static Status copy_row_group(Copy *copy, uint32_t row_group, Error *err)
{
    uint32_t n_columns = parquet_schema(copy->file)->n;
    uint64_t n_rows = parquet_row_group_rows(copy->file, row_group);
    CLEANUP(mem_cleanup) uint32_t *columns = mem_alloc(sizeof *columns * n_columns);
    for (uint32_t i = 0; i < n_columns; i++)
        columns[i] = i;
    TRY(parquet_row_group_open(copy->file, row_group, columns, n_columns, &copy->row_group, err));
    if (!copy->chunks)
        return copy_rows(copy, n_rows, n_columns, err);
    ParquetPageSource source = {.context = copy, .page = read_page};
    TRY(parquet_encode_row_group(copy->writer, &source, n_rows, &copy->encoded, err));
    return parquet_append_row_group(copy->writer, copy->encoded, err);
}

/* The field that a tree is of. */
static ParquetNestedField field_of(const ParquetNode *node, Arena *arena)
{
    ParquetNestedField field = {.name = node->name,
                                .kind = node->kind,
                                .type = node->values.type,
                                .nullable = true,
                                .n_children = node->n_children};
    ParquetNestedField *children = ARENA_ARRAY(arena, ParquetNestedField, node->n_children);
    for (uint32_t i = 0; i < node->n_children; i++)
        children[i] = field_of(&node->children[i], arena);
    field.children = children;
    return field;
}

static Status copy_nested(Copy *copy, StorageWriter *storage, Error *err)
{
    uint32_t n = parquet_schema(copy->file)->n;
    ParquetNode *columns = ARENA_ARRAY(&copy->arena, ParquetNode, n);
    ParquetNestedField *fields = ARENA_ARRAY(&copy->arena, ParquetNestedField, n);
    for (uint32_t g = 0; g < parquet_row_groups(copy->file); g++) {
        for (uint32_t i = 0; i < n; i++) {
            ParquetNode *node;
            TRY(parquet_read_nested(copy->file, g, i, NULL, 0, &copy->arena, &node, err));
            columns[i] = *node;
            if (g == 0)
                fields[i] = field_of(node, &copy->arena);
        }
        if (g == 0)
            TRY(parquet_nested_writer_new(storage, fields, n, &copy->options, &copy->writer, err));
        TRY(parquet_write_nested(copy->writer, columns, (uint32_t)parquet_row_group_rows(copy->file, g), err));
    }
    if (!copy->writer)
        return error_set(err, STATUS_UNSUPPORTED, "a file without rows does not say what its fields are");
    return parquet_finish(copy->writer, NULL, err);
}

static Status copy_into(Copy *copy, StorageWriter *storage, Error *err)
{
    if (copy->nested)
        return copy_nested(copy, storage, err);
    TRY(parquet_writer_new(storage, parquet_schema(copy->file), &copy->options, &copy->writer, err));
    for (uint32_t g = 0; g < parquet_row_groups(copy->file); g++)
        TRY(copy_row_group(copy, g, err));
    return parquet_finish(copy->writer, NULL, err);
}

static Status copy_file(Copy *copy, Error *err)
{
    MemoryBudget budget;
    budget_init(&budget, 0);
    arena_init(&copy->arena);
    StorageReader *reader;
    TRY(storage_open(copy->from, &reader, err));
    TRY(parquet_open(reader, &budget, &copy->file, err));
    StorageWriter *storage = NULL;
    Status status = storage_create(copy->to, &storage, err);
    if (status == STATUS_OK) {
        status = copy_into(copy, storage, err);
        if (status == STATUS_OK)
            status = storage_commit(storage, err);
        else
            storage_discard(storage);
    }
    parquet_writer_free(copy->writer);
    parquet_encoded_row_group_free(copy->encoded);
    parquet_row_group_close(copy->row_group);
    parquet_close(copy->file);
    arena_done(&copy->arena);
    return status;
}

static ParquetCodec codec_of(const char *name)
{
    return strcmp(name, "none") == 0 ? PARQUET_UNCOMPRESSED : strcmp(name, "zstd") == 0 ? PARQUET_ZSTD : PARQUET_SNAPPY;
}

int main(int argc, char **argv)
{
    Copy copy = {.batch_rows = 10000, .options = {.codec = PARQUET_SNAPPY}};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--chunks") == 0) {
            copy.chunks = true;
        } else if (strcmp(argv[i], "--nested") == 0) {
            copy.nested = true;
        } else if (strcmp(argv[i], "--no-dictionary") == 0) {
            copy.options.no_dictionary = true;
        } else if (argv[i][0] != '-') {
            *(copy.from ? &copy.to : &copy.from) = argv[i];
        } else {
            uint32_t number = (uint32_t)strtoul(value, NULL, 10);
            if (strcmp(argv[i], "--codec") == 0)
                copy.options.codec = codec_of(value);
            else if (strcmp(argv[i], "--group-rows") == 0)
                copy.options.row_group_rows = number;
            else if (strcmp(argv[i], "--page-rows") == 0)
                copy.options.page_rows = number;
            else if (strcmp(argv[i], "--batch-rows") == 0)
                copy.batch_rows = number;
            i++;
        }
    }
    if (!copy.from || !copy.to || copy.batch_rows == 0) {
        fprintf(stderr, "usage: parquet_copy FROM TO [--chunks] [--codec C] [--group-rows N] [--page-rows N]"
                        " [--batch-rows N] [--no-dictionary] [--nested]\n");
        return 2;
    }
    Error err;
    error_init(&err);
    if (copy_file(&copy, &err) != STATUS_OK) {
        char text[2048];
        fprintf(stderr, "%s\n", error_format(&err, text, sizeof text));
        return 3;
    }
    return 0;
}
