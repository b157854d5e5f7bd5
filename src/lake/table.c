/* Opening a Delta table for exec.
 *
 *   files of the snapshot -> those wanted, without those that no plan can need -> footers, by all threads -> constants
 *
 * Which files can match is decided before any is opened: by partition values, and by the statistics of the log, seen as
 * one row group's.  A column of the schema asked for has a constant in a file when it is a partition column of the table
 * (its value), when the table does not have it, or when the file was written before the table had it (NULL). */
#include "lake/table.h"

#include <stdatomic.h>
#include <string.h>

#define FEW_FILES 8 /* up to so many are opened by one thread */

/* Which column of the snapshot stands behind each column of the schema asked for. */
typedef struct ColumnSource {
    int32_t column;    /* of the snapshot's schema; -1: the table lacks it */
    int32_t partition; /* position among the partition columns; -1: none */
} ColumnSource;

typedef struct Opening {
    const DeltaSnapshot *snapshot;
    const Schema *schema;
    const ColumnSource *sources; /* schema->n */
    const DeltaFile **wanted;    /* those to open */
    const char **paths;          /* of them */
    uint32_t n;
    ParquetFile **files;
    MemoryBudget *budget;
    _Atomic uint32_t next;
    _Atomic bool failed;
    Error *errors; /* one a worker */
} Opening;

/* ---- which files ---- */

static ColumnSource *find_sources(const DeltaMetadata *metadata, const Schema *schema, Arena *arena)
{
    ColumnSource *sources = ARENA_ARRAY(arena, ColumnSource, schema->n + 1);
    for (uint32_t i = 0; i < schema->n; i++) {
        sources[i] = (ColumnSource){schema_find(&metadata->schema, schema->fields[i].name), -1};
        for (uint32_t p = 0; p < metadata->n_partition_columns; p++)
            if (sources[i].column >= 0 && metadata->partition_columns[p] == (uint32_t)sources[i].column)
                sources[i].partition = (int32_t)p;
    }
    return sources;
}

/* What the log knows of one file. */
typedef struct FileLook {
    const Opening *opening;
    const DeltaFile *file;
    Arena *arena; /* of this look */
} FileLook;

static bool statistics_of_value(const Value *value, DataType wanted, int64_t rows, ParquetStatistics *ret_statistics)
{
    bool is_nan = value->valid && value->type.id == TYPE_DOUBLE && value->float64 != value->float64;
    if (value->valid && (!type_equal(value->type, wanted) || value->type.id == TYPE_FLOAT || is_nan))
        return false;
    uint64_t n = rows < 0 ? 1 : (uint64_t)rows; /* any number serves: all rows are alike */
    *ret_statistics = (ParquetStatistics){.has_null_count = true, .null_count = value->valid ? 0 : n, .n_values = n};
    ret_statistics->has_min_max = value->valid;
    ret_statistics->min = ret_statistics->max = *value;
    return true;
}

static bool look_at_statistics(void *context, uint32_t column, ParquetStatistics *ret_statistics)
{
    const FileLook *look = context;
    const Opening *opening = look->opening;
    ColumnSource source = opening->sources[column];
    DataType wanted = opening->schema->fields[column].type;
    if (source.column < 0)
        return statistics_of_value(&(Value){.type = wanted}, wanted, look->file->num_records, ret_statistics);
    if (source.partition >= 0) {
        Value value;
        Error ignored;
        error_init(&ignored);
        return delta_partition_value(opening->snapshot, look->file, (uint32_t)source.partition, look->arena, &value,
                                     &ignored) == STATUS_OK &&
               statistics_of_value(&value, wanted, look->file->num_records, ret_statistics);
    }
    if (!type_equal(opening->snapshot->metadata.schema.fields[source.column].type, wanted) ||
        !delta_file_statistics(opening->snapshot, look->file, (uint32_t)source.column, look->arena, ret_statistics))
        return false;
    ret_statistics->has_null_count &= look->file->num_records >= 0;
    return true;
}

static bool can_match(const Opening *opening, const OpenTableOptions *options, const DeltaFile *file, Arena *scratch)
{
    if (options->n_plans == 0)
        return true;
    FileLook look = {opening, file, scratch};
    FileFacts facts = {&look, look_at_statistics};
    for (uint32_t p = 0; p < options->n_plans; p++)
        if (exec_file_can_match(options->plans[p], options->name, &facts))
            return true;
    return false;
}

static uint32_t choose_files(Opening *opening, const OpenTableOptions *options, Arena *arena)
{
    const DeltaSnapshot *snapshot = opening->snapshot;
    uint32_t skipped = 0;
    Arena scratch;
    arena_init(&scratch);
    opening->wanted = ARENA_ARRAY(arena, const DeltaFile *, snapshot->n_files + 1);
    opening->paths = ARENA_ARRAY(arena, const char *, snapshot->n_files + 1);
    for (uint32_t i = 0; i < snapshot->n_files; i++) {
        const DeltaFile *file = &snapshot->files[i];
        if (options->wanted && !options->wanted(options->wanted_context, file))
            continue;
        arena_reset(&scratch);
        if (!can_match(opening, options, file, &scratch)) {
            skipped++;
            continue;
        }
        opening->paths[opening->n] = delta_file_path(snapshot, file, arena);
        opening->wanted[opening->n++] = file;
    }
    arena_done(&scratch);
    return skipped;
}

/* ---- footers ---- */

static Status open_file(Opening *opening, uint32_t i, Error *err)
{
    StorageReader *reader;
    if (storage_open(opening->paths[i], &reader, err) != STATUS_OK) {
        if (err->code != STATUS_NOT_FOUND)
            return err->code;
        error_set(err, STATUS_NOT_FOUND, "a data file of version %lld of the table %s is gone",
                  (long long)opening->snapshot->version, opening->snapshot->table);
        error_at_file(err, opening->paths[i]);
        return error_hint(err, "vacuum removes files of old versions; `freightlake table fsck` tells what is missing");
    }
    return parquet_open(reader, opening->budget, &opening->files[i], err);
}

static void open_worker(void *context, int worker)
{
    Opening *opening = context;
    for (;;) {
        uint32_t i = atomic_fetch_add(&opening->next, 1);
        if (i >= opening->n || atomic_load(&opening->failed))
            return;
        if (open_file(opening, i, &opening->errors[worker]) != STATUS_OK)
            atomic_store(&opening->failed, true);
    }
}

static Status open_files(Opening *opening, ThreadPool *pool, Arena *arena, Error *err)
{
    bool alone = !pool || opening->n <= FEW_FILES;
    int n_workers = alone ? 1 : pool_threads(pool);
    opening->errors = ARENA_ARRAY(arena, Error, n_workers);
    for (int w = 0; w < n_workers; w++)
        error_init(&opening->errors[w]);
    if (alone)
        open_worker(opening, 0);
    else
        pool_run(pool, open_worker, opening);
    for (int w = 0; w < n_workers; w++)
        if (opening->errors[w].code != STATUS_OK) {
            *err = opening->errors[w];
            return err->code;
        }
    return STATUS_OK;
}

/* ---- constants ---- */

/* The value of a partition column in the type asked for. */
static Status partition_constant(const Opening *opening, const DeltaFile *file, ColumnSource source, DataType wanted,
                                 Arena *arena, Value *ret_value, Error *err)
{
    Value value;
    TRY(delta_partition_value(opening->snapshot, file, (uint32_t)source.partition, arena, &value, err));
    if (!type_equal(value.type, wanted)) {
        if (!cast_allowed(value.type, wanted)) {
            char from[32], to[32];
            error_set(err, STATUS_DATA, "the partition column has type %s, which cannot be read as %s",
                      type_name(value.type, from, sizeof from), type_name(wanted, to, sizeof to));
            error_at_file(err, opening->snapshot->table);
            return error_at_column(err, opening->snapshot->metadata.schema.fields[source.column].name);
        }
        Vector one = vector_const(arena, &value, 1), cast;
        one = vector_flatten(arena, &one);
        cast_vector(&one, wanted, arena, &cast);
        value = vector_value(&cast, 0);
    }
    *ret_value = value;
    return STATUS_OK;
}

static Status make_constants(const Opening *opening, Arena *arena, const Value **ret_constants, Error *err)
{
    const Schema *schema = opening->schema;
    Value *constants = ARENA_ARRAY(arena, Value, (size_t)opening->n * schema->n + 1);
    bool any = false;
    for (uint32_t f = 0; f < opening->n; f++) {
        const Schema *in_file = parquet_schema(opening->files[f]);
        for (uint32_t i = 0; i < schema->n; i++) {
            Value *constant = &constants[(size_t)f * schema->n + i];
            DataType wanted = schema->fields[i].type;
            ColumnSource source = opening->sources[i];
            *constant = (Value){.type = {.id = TYPE_COUNT}};
            if (source.partition >= 0)
                TRY(partition_constant(opening, opening->wanted[f], source, wanted, arena, constant, err));
            else if (source.column < 0 || schema_find(in_file, schema->fields[i].name) < 0)
                *constant = (Value){.type = wanted};
            any |= constant->type.id != TYPE_COUNT;
        }
    }
    *ret_constants = any ? constants : NULL;
    return STATUS_OK;
}

Status table_open(const DeltaSnapshot *snapshot, const OpenTableOptions *options, MemoryBudget *budget, Arena *arena,
                  OpenTable *ret_table, Error *err)
{
    const Schema *schema = options->schema ? options->schema : &snapshot->metadata.schema;
    Opening opening = {.snapshot = snapshot,
                       .schema = schema,
                       .sources = find_sources(&snapshot->metadata, schema, arena),
                       .budget = budget};
    OpenTable table = {.snapshot = snapshot};
    table.files_skipped = choose_files(&opening, options, arena);
    opening.files = ARENA_ARRAY(arena, ParquetFile *, opening.n + 1);
    table.files = (TableFiles){.files = opening.files, .n_files = opening.n, .schema = schema};
    Status status = open_files(&opening, options->pool, arena, err);
    if (status == STATUS_OK)
        status = make_constants(&opening, arena, &table.files.constants, err);
    if (status != STATUS_OK) {
        table_close(&table);
        return status;
    }
    for (uint32_t f = 0; f < opening.n; f++)
        table.rows += parquet_rows(opening.files[f]);
    *ret_table = table;
    return STATUS_OK;
}

void table_close(OpenTable *table)
{
    for (uint32_t f = 0; f < table->files.n_files; f++)
        parquet_close(table->files.files[f]);
    table->files.n_files = 0;
}
