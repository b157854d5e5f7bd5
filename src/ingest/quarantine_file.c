/* QuarantineFile; see quarantine_file.h. */
#include "ingest/quarantine_file.h"

#include "parquet/writer.h"

enum {
    SOURCE_FILE,
    SOURCE_HASH,
    SOURCE_ROW,
    RAW_RECORD,
    REASONS,
    MAPPING_HASH,
    INGESTED_AT,
    CONTRACT_VERSION,
    N_COLUMNS
};

struct QuarantineFile {
    const QuarantineFileOptions *options;
    Arena arena;   /* of this object */
    Arena records; /* of gathered records */
    QuarantineRecord *rows;
    uint32_t n, capacity;
    size_t bytes;
    DeltaFile *files;
    uint32_t n_files, files_capacity;
};

QuarantineFile *quarantine_file_new(const QuarantineFileOptions *options)
{
    QuarantineFile *file = mem_zalloc(sizeof *file);
    file->options = options;
    arena_init(&file->arena);
    arena_init(&file->records);
    return file;
}

void quarantine_file_free(QuarantineFile *file)
{
    if (!file)
        return;
    arena_done(&file->arena);
    arena_done(&file->records);
    mem_free(file->rows);
    mem_free(file->files);
    mem_free(file);
}

const DeltaFile *quarantine_file_files(const QuarantineFile *file, uint32_t *ret_n)
{
    *ret_n = file->n_files;
    return file->files;
}

void quarantine_file_append(QuarantineFile *file, const QuarantineRecord *record)
{
    if (file->n == file->capacity) {
        file->capacity = file->capacity ? file->capacity * 2 : 256;
        file->rows = mem_realloc(file->rows, sizeof *file->rows * file->capacity);
    }
    file->rows[file->n++] = (QuarantineRecord){.source_file = arena_str(&file->records, record->source_file),
                                               .source_hash = arena_str(&file->records, record->source_hash),
                                               .source_row = record->source_row,
                                               .raw = arena_str(&file->records, record->raw),
                                               .reasons = arena_str(&file->records, record->reasons)};
    file->bytes += record->raw.size + record->reasons.size + sizeof(QuarantineRecord);
}

bool quarantine_file_is_full(const QuarantineFile *file)
{
    return file->bytes >= QUARANTINE_FILE_BYTES;
}

/* The fields of the table but the partition column, which comes first. */
static Schema file_schema(const Schema *table)
{
    return (Schema){table->fields + 1, table->n - 1};
}

static Vector text_column(QuarantineFile *file, Field field, const char *constant)
{
    Value value = {.type = field.type, .valid = true, .string = str_view(constant)};
    return vector_const(&file->records, &value, file->n);
}

static void make_columns(QuarantineFile *file, const Schema *schema, StrView source_hash, Vector *columns)
{
    static const uint32_t texts[] = {SOURCE_FILE, SOURCE_HASH, RAW_RECORD, REASONS};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        columns[texts[i]] = vector_new(&file->records, schema->fields[texts[i]].type, file->n, false);
    columns[SOURCE_ROW] = vector_new(&file->records, schema->fields[SOURCE_ROW].type, file->n, false);
    for (uint32_t r = 0; r < file->n; r++) {
        const QuarantineRecord *row = &file->rows[r];
        ((StrView *)columns[SOURCE_FILE].data)[r] = row->source_file;
        ((StrView *)columns[SOURCE_HASH].data)[r] = row->source_hash.size ? row->source_hash : source_hash;
        ((StrView *)columns[RAW_RECORD].data)[r] = row->raw;
        ((StrView *)columns[REASONS].data)[r] = row->reasons;
        ((int64_t *)columns[SOURCE_ROW].data)[r] = row->source_row;
    }
    columns[MAPPING_HASH] = text_column(file, schema->fields[MAPPING_HASH], file->options->mapping_hash);
    Value when = {.type = schema->fields[INGESTED_AT].type, .valid = true, .int64 = file->options->ingested_at_us};
    columns[INGESTED_AT] = vector_const(&file->records, &when, file->n);
    Value version = {.type = schema->fields[CONTRACT_VERSION].type, .valid = true, .int32 = SHIPMENT_CONTRACT_VERSION};
    columns[CONTRACT_VERSION] = vector_const(&file->records, &version, file->n);
}

static Status write_rows(QuarantineFile *file, StrView source_hash, StorageWriter *storage, Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_ZSTD};
    Schema schema = file_schema(lake_quarantine_schema());
    CHECK(schema.n == N_COLUMNS);
    Vector columns[N_COLUMNS];
    make_columns(file, &schema, source_hash, columns);
    ParquetWriter *writer;
    TRY(parquet_writer_new(storage, &schema, &options, &writer, err));
    Batch batch = {.n_rows = file->n, .n_columns = N_COLUMNS, .columns = columns};
    Status status = parquet_write_batch(writer, &batch, err);
    if (status == STATUS_OK)
        status = parquet_finish(writer, NULL, err);
    parquet_writer_free(writer);
    return status;
}

Status quarantine_file_flush(QuarantineFile *file, const char *source_hash, Error *err)
{
    if (file->n == 0)
        return STATUS_OK;
    const DeltaSnapshot *table = file->options->table;
    const char **partition_values = ARENA_ARRAY(&file->arena, const char *, 1);
    partition_values[0] = file->options->client;
    const char *path = delta_data_path(&table->metadata, partition_values, &file->arena);
    StorageWriter *storage;
    TRY(storage_create(arena_printf(&file->arena, "%s/%s", table->table, path), &storage, err));
    Status status = write_rows(file, str_view(source_hash), storage, err);
    if (status != STATUS_OK) {
        storage_discard(storage);
        return status;
    }
    TRY(storage_commit(storage, err));
    if (file->n_files == file->files_capacity) {
        file->files_capacity = file->files_capacity ? file->files_capacity * 2 : 4;
        file->files = mem_realloc(file->files, sizeof(DeltaFile) * file->files_capacity);
    }
    TRY(delta_describe_file(table->table, &table->metadata, path, partition_values, &file->arena,
                            &file->files[file->n_files], err));
    file->n_files++;
    file->n = 0;
    file->bytes = 0;
    arena_reset(&file->records);
    return STATUS_OK;
}

void quarantine_append_reasons(Buffer *json, const RecordReason *reasons, uint32_t n)
{
    buffer_append_byte(json, '[');
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(json, i ? ",{\"code\":" : "{\"code\":");
        text_append_json(json, str_view(reasons[i].code));
        buffer_append_text(json, ",\"column\":");
        text_append_json(json, str_view(reasons[i].column));
        buffer_append_text(json, ",\"value\":");
        text_append_json(json, reasons[i].value);
        buffer_append_text(json, ",\"message\":");
        text_append_json(json, str_view(reasons[i].message));
        buffer_append_byte(json, '}');
    }
    buffer_append_byte(json, ']');
}
