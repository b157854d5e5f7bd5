/* Rewriting without rows; see rewrite.h.  One pass over the file, some ten thousand rows at a time. */
#include "ingest/rewrite.h"

#include "parquet/writer.h"

#define BLOCK_ROWS 65536u

Status rewrite_open(const DeltaSnapshot *snapshot, const DeltaFile *file, MemoryBudget *budget, Arena *arena,
                    ParquetFile **ret_file, Error *err)
{
    StorageReader *reader;
    TRY(storage_open(delta_file_path(snapshot, file, arena), &reader, err));
    return parquet_open(reader, budget, ret_file, err);
}

Status rewrite_read(ParquetFile *file, const char *const *names, uint32_t n_names, RewriteBlock block, void *context,
                    Error *err)
{
    const Schema *schema = parquet_schema(file);
    CLEANUP(mem_cleanup) uint32_t *wanted = mem_alloc(sizeof(uint32_t) * (n_names + 1));
    CLEANUP(mem_cleanup) Vector *columns = mem_alloc(sizeof(Vector) * (n_names + 1));
    for (uint32_t i = 0; i < n_names; i++) {
        int column = schema_find(schema, names[i]);
        if (column < 0) {
            error_set(err, STATUS_DATA, "the file has no column %s", names[i]);
            return error_at_file(err, parquet_path(file));
        }
        wanted[i] = (uint32_t)column;
    }
    ParquetRowGroup *handle = NULL;
    Status status = STATUS_OK;
    uint64_t first = 0;
    for (uint32_t g = 0; g < parquet_row_groups(file) && status == STATUS_OK; g++) {
        uint64_t left = parquet_row_group_rows(file, g);
        status = parquet_row_group_open(file, g, wanted, n_names, &handle, err);
        while (left > 0 && status == STATUS_OK) {
            uint32_t n = left < BLOCK_ROWS ? (uint32_t)left : BLOCK_ROWS;
            for (uint32_t i = 0; i < n_names && status == STATUS_OK; i++)
                status = parquet_column_read(handle, i, n, &columns[i], err);
            if (status == STATUS_OK)
                status = block(context, first, n, columns, err);
            first += n;
            left -= n;
        }
    }
    parquet_row_group_close(handle);
    return status;
}

typedef struct Copy {
    const uint8_t *dropped;
    uint32_t n_columns;
    ParquetWriter *writer;
    uint64_t rows;
    Arena arena;
    uint32_t kept[BLOCK_ROWS];
} Copy;

static Status copy_block(void *context, uint64_t first, uint32_t n, const Vector *columns, Error *err)
{
    Copy *copy = context;
    uint32_t n_kept = 0;
    for (uint32_t r = 0; r < n; r++) {
        copy->kept[n_kept] = r;
        n_kept += !copy->dropped[first + r];
    }
    if (n_kept == 0)
        return STATUS_OK;
    arena_reset(&copy->arena);
    Vector *vectors = ARENA_ARRAY(&copy->arena, Vector, copy->n_columns);
    for (uint32_t i = 0; i < copy->n_columns; i++)
        vectors[i] = vector_select(&copy->arena, &columns[i], copy->kept, n_kept);
    Batch batch = {.n_rows = n_kept, .n_columns = copy->n_columns, .columns = vectors};
    copy->rows += n_kept;
    return parquet_write_batch(copy->writer, &batch, err);
}

static Status copy_rows(ParquetFile *source, const uint8_t *dropped, StorageWriter *storage, uint64_t *ret_rows,
                        Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_SNAPPY, .row_group_rows = 262144};
    const Schema *schema = parquet_schema(source);
    CLEANUP(mem_cleanup) const char **names = mem_alloc(sizeof(char *) * (schema->n + 1));
    for (uint32_t i = 0; i < schema->n; i++)
        names[i] = schema->fields[i].name;
    Copy *copy = mem_zalloc(sizeof *copy);
    copy->dropped = dropped;
    copy->n_columns = schema->n;
    arena_init(&copy->arena);
    Status status = parquet_writer_new(storage, schema, &options, &copy->writer, err);
    if (status == STATUS_OK)
        status = rewrite_read(source, names, schema->n, copy_block, copy, err);
    if (status == STATUS_OK)
        status = parquet_finish(copy->writer, NULL, err);
    *ret_rows = copy->rows;
    parquet_writer_free(copy->writer);
    arena_done(&copy->arena);
    mem_free(copy);
    return status;
}

Status rewrite_without(const DeltaSnapshot *snapshot, const DeltaFile *file, const uint8_t *dropped,
                       MemoryBudget *budget, Arena *arena, DeltaFile *ret_file, uint64_t *ret_rows, Error *err)
{
    ParquetFile *source;
    StorageWriter *storage;
    uint64_t rows = 0;
    TRY(rewrite_open(snapshot, file, budget, arena, &source, err));
    const char *path = delta_data_path(&snapshot->metadata, file->partition_values, arena);
    Status status = storage_create(arena_printf(arena, "%s/%s", snapshot->table, path), &storage, err);
    if (status == STATUS_OK) {
        status = copy_rows(source, dropped, storage, &rows, err);
        if (status == STATUS_OK && rows > 0)
            status = storage_commit(storage, err);
        else
            storage_discard(storage);
    }
    parquet_close(source);
    if (status != STATUS_OK)
        return status;
    if (rows > 0)
        TRY(delta_describe_file(snapshot->table, &snapshot->metadata, path, file->partition_values, arena, ret_file,
                                err));
    *ret_rows = rows;
    return STATUS_OK;
}

Status rewrite_plain(ParquetFile *file, const uint8_t *dropped, const char *path, Error *err)
{
    StorageWriter *storage;
    uint64_t rows;
    TRY(storage_create(path, &storage, err));
    Status status = copy_rows(file, dropped, storage, &rows, err);
    if (status != STATUS_OK) {
        storage_discard(storage);
        return status;
    }
    return storage_commit(storage, err);
}
