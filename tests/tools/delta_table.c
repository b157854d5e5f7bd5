/* A small writer and reader of one kind of Delta table, for tests of several processes on one table.
 *
 *   delta_table create TABLE [KEY=VALUE...]           an empty table, with these properties
 *   delta_table append TABLE PART FIRST ROWS [APP VERSION]   rows with ids FIRST, FIRST + 1, ... in partition PART, in one
 *                                                     commit, with this `txn`; prints the version, or "known"
 *   delta_table delete TABLE PART                     removes the partition, tried again after a conflict; prints the version
 *   delta_table read TABLE [VERSION]                  prints version, rows, sum of ids, sum of amounts in ten-thousandths
 *
 * Columns: part (partition), id, day, amount, score, flag, seen_at, note; all but part are made from id, some are NULL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delta/commit.h"
#include "parquet/writer.h"

#define TRIES 50
#define READ_ROWS 65536u

static Field FIELDS[] = {
    {"part", {.id = TYPE_STRING}, true},       {"id", {.id = TYPE_BIGINT}, false},
    {"day", {.id = TYPE_DATE}, true},          {"amount", {.id = TYPE_DECIMAL, .precision = 18, .scale = 4}, true},
    {"score", {.id = TYPE_DOUBLE}, true},      {"flag", {.id = TYPE_BOOLEAN}, true},
    {"seen_at", {.id = TYPE_TIMESTAMP}, true}, {"note", {.id = TYPE_STRING}, true},
};
static const Schema FILE_SCHEMA = {FIELDS + 1, ARRAY_SIZE(FIELDS) - 1};
static const uint32_t PARTITION_COLUMNS[] = {0};

static DeltaMetadata make_metadata(Arena *arena, char **properties, int n)
{
    DeltaProperty *configuration = ARENA_ARRAY(arena, DeltaProperty, n);
    for (int i = 0; i < n; i++) {
        char *key = arena_strdup(arena, properties[i]), *equals = strchr(key, '=');
        CHECK(equals);
        *equals = '\0';
        configuration[i] = (DeltaProperty){key, equals + 1};
    }
    return (DeltaMetadata){.id = delta_uuid(arena),
                           .schema = {FIELDS, ARRAY_SIZE(FIELDS)},
                           .partition_columns = PARTITION_COLUMNS,
                           .n_partition_columns = 1,
                           .configuration = configuration,
                           .n_configuration = (uint32_t)n,
                           .created_time_ms = 1750000000000};
}

static Status create(const char *table, char **properties, int n, Arena *arena, Error *err)
{
    DeltaMetadata metadata = make_metadata(arena, properties, n);
    DeltaCommit commit = {.operation = "CREATE TABLE", .metadata = &metadata};
    TRY(delta_create(table, &commit, err));
    printf("0\n");
    return STATUS_OK;
}

/* ---- append ---- */

static void fill_rows(Vector *columns, int64_t first, uint32_t n, Arena *arena)
{
    for (uint32_t c = 0; c < FILE_SCHEMA.n; c++)
        columns[c] = vector_new(arena, FILE_SCHEMA.fields[c].type, n, c > 0);
    for (uint32_t i = 0; i < n; i++) {
        int64_t id = first + i;
        ((int64_t *)columns[0].data)[i] = id;
        ((int32_t *)columns[1].data)[i] = 20000 + (int32_t)(id * 7919 % 400);
        ((int64_t *)columns[2].data)[i] = id * 12345;
        ((double *)columns[3].data)[i] = (double)id / 8;
        ((uint8_t *)columns[4].data)[i] = id % 3 == 0;
        ((int64_t *)columns[5].data)[i] = 1750000000000000 + id * 1000001;
        char *note = arena_printf(arena, "note %lld \xc3\xa9\xe2\x82\xac", (long long)id);
        ((StrView *)columns[6].data)[i] = str_view(note);
        columns[1].valid[i] = id % 11 != 0;
        columns[6].valid[i] = id % 5 != 0;
    }
}

static Status write_file(const char *path, int64_t first, uint32_t n, Arena *arena, Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_SNAPPY};
    Vector *columns = ARENA_ARRAY(arena, Vector, FILE_SCHEMA.n);
    fill_rows(columns, first, n, arena);
    StorageWriter *storage;
    TRY(storage_create(path, &storage, err));
    ParquetWriter *writer = NULL;
    Batch batch = {n, FILE_SCHEMA.n, columns};
    Status status = parquet_writer_new(storage, &FILE_SCHEMA, &options, &writer, err);
    if (status == STATUS_OK)
        status = parquet_write_batch(writer, &batch, err);
    if (status == STATUS_OK)
        status = parquet_finish(writer, NULL, err);
    parquet_writer_free(writer);
    if (status != STATUS_OK) {
        storage_discard(storage);
        return status;
    }
    return storage_commit(storage, err);
}

static Status load(const char *table, Arena *arena, DeltaSnapshot **ret_snapshot, Error *err)
{
    return delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, ret_snapshot, err);
}

static Status append(const char *table, char **words, int n_words, Arena *arena, Error *err)
{
    DeltaSnapshot *snapshot;
    TRY(load(table, arena, &snapshot, err));
    const char *const *values = (const char *const *)words; /* the first word is the partition */
    const char *path = delta_data_path(&snapshot->metadata, values, arena);
    TRY(write_file(arena_printf(arena, "%s/%s", table, path), strtoll(words[1], NULL, 10),
                   (uint32_t)strtoul(words[2], NULL, 10), arena, err));
    DeltaFile file;
    TRY(delta_describe_file(table, &snapshot->metadata, path, values, arena, &file, err));
    DeltaTransaction transaction = {.last_updated_ms = -1};
    if (n_words == 5)
        transaction = (DeltaTransaction){words[3], strtoll(words[4], NULL, 10), -1};
    DeltaCommit commit = {.operation = "WRITE",
                          .adds = &file,
                          .n_adds = 1,
                          .data_change = true,
                          .transaction = n_words == 5 ? &transaction : NULL,
                          .must_be_new_transaction = n_words == 5,
                          .rule = DELTA_BLIND_APPEND};
    int64_t version;
    Status status = delta_commit(snapshot, &commit, &version, err);
    if (status == STATUS_CONFLICT && n_words == 5) {
        printf("known\n");
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        printf("%lld\n", (long long)version);
    return status;
}

/* ---- delete ---- */

static Status delete_once(const char *table, const char *part, Arena *arena, int64_t *ret_version, Error *err)
{
    DeltaSnapshot *snapshot;
    TRY(load(table, arena, &snapshot, err));
    const DeltaFile **removes = ARENA_ARRAY(arena, const DeltaFile *, snapshot->n_files);
    uint32_t n = 0;
    for (uint32_t i = 0; i < snapshot->n_files; i++)
        if (snapshot->files[i].partition_values[0] && strcmp(snapshot->files[i].partition_values[0], part) == 0)
            removes[n++] = &snapshot->files[i];
    *ret_version = snapshot->version;
    if (n == 0)
        return STATUS_OK;
    DeltaCommit commit = {
        .operation = "DELETE", .removes = removes, .n_removes = n, .data_change = true, .rule = DELTA_REWRITE};
    return delta_commit(snapshot, &commit, ret_version, err);
}

static Status delete_partition(const char *table, const char *part, Arena *arena, Error *err)
{
    int64_t version;
    Status status = STATUS_CONFLICT;
    for (int i = 0; i < TRIES && status == STATUS_CONFLICT; i++) {
        error_init(err);
        status = delete_once(table, part, arena, &version, err);
    }
    if (status == STATUS_OK)
        printf("%lld\n", (long long)version);
    return status;
}

/* ---- read ---- */

typedef struct Sums {
    uint64_t rows;
    int64_t ids;
    int64_t amounts;
} Sums;

static Status read_group(ParquetFile *file, uint32_t group, ParquetRowGroup **handle, Sums *sums, Error *err)
{
    const uint32_t columns[] = {(uint32_t)schema_find(parquet_schema(file), "id"),
                                (uint32_t)schema_find(parquet_schema(file), "amount")};
    TRY(parquet_row_group_open(file, group, columns, 2, handle, err));
    uint64_t rows = parquet_row_group_rows(file, group);
    for (uint64_t first = 0; first < rows;) {
        uint32_t n = (uint32_t)(rows - first < READ_ROWS ? rows - first : READ_ROWS);
        Vector ids, amounts;
        TRY(parquet_column_read(*handle, 0, n, &ids, err));
        TRY(parquet_column_read(*handle, 1, n, &amounts, err));
        for (uint32_t i = 0; i < n; i++) {
            sums->ids += ((const int64_t *)vector_entries(&ids)->data)[vector_position(&ids, i)];
            sums->amounts += ((const int64_t *)vector_entries(&amounts)->data)[vector_position(&amounts, i)];
        }
        first += n;
    }
    sums->rows += rows;
    return STATUS_OK;
}

static Status read_table(const char *table, int64_t version, Arena *arena, Error *err)
{
    DeltaVersion wanted = {version < 0 ? DELTA_NEWEST : DELTA_AT_VERSION, version};
    DeltaSnapshot *snapshot;
    TRY(delta_snapshot_load(table, wanted, arena, &snapshot, err));
    MemoryBudget budget;
    budget_init(&budget, 0);
    Sums sums = {0};
    ParquetRowGroup *handle = NULL;
    Status status = STATUS_OK;
    for (uint32_t i = 0; i < snapshot->n_files && status == STATUS_OK; i++) {
        StorageReader *reader;
        ParquetFile *file = NULL;
        status = storage_open(delta_file_path(snapshot, &snapshot->files[i], arena), &reader, err);
        if (status == STATUS_OK)
            status = parquet_open(reader, &budget, &file, err);
        for (uint32_t g = 0; status == STATUS_OK && g < parquet_row_groups(file); g++)
            status = read_group(file, g, &handle, &sums, err);
        parquet_close(file);
    }
    parquet_row_group_close(handle);
    if (status == STATUS_OK)
        printf("%lld %llu %lld %lld\n", (long long)snapshot->version, (unsigned long long)sums.rows,
               (long long)sums.ids, (long long)sums.amounts);
    return status;
}

static Status run(int argc, char **argv, Arena *arena, Error *err)
{
    const char *verb = argc > 2 ? argv[1] : "";
    if (strcmp(verb, "create") == 0)
        return create(argv[2], argv + 3, argc - 3, arena, err);
    if (strcmp(verb, "append") == 0 && (argc == 6 || argc == 8))
        return append(argv[2], argv + 3, argc - 3, arena, err);
    if (strcmp(verb, "delete") == 0 && argc == 4)
        return delete_partition(argv[2], argv[3], arena, err);
    if (strcmp(verb, "read") == 0)
        return read_table(argv[2], argc > 3 ? strtoll(argv[3], NULL, 10) : -1, arena, err);
    return error_set(err, STATUS_USAGE, "delta_table create|append|delete|read TABLE ...");
}

int main(int argc, char **argv)
{
    Arena arena;
    arena_init(&arena);
    Error err;
    error_init(&err);
    Status status = run(argc, argv, &arena, &err);
    if (status != STATUS_OK) {
        char text[2048];
        fprintf(stderr, "%s\n", error_format(&err, text, sizeof text));
        storage_discard_all();
    }
    arena_done(&arena);
    return status_exit_code(status);
}
