/* Compaction, vacuum and restore of small tables: order of rows, limits, and what must not be touched. */
#include "../storage/scratch_folder.h"

#include <math.h>
#include <utime.h>

#include "delta/maintain.h"
#include "delta/rewrite.h"
#include "parquet/writer.h"

static Field FIELDS[] = {{"part", {.id = TYPE_STRING}, true},
                         {"id", {.id = TYPE_BIGINT}, true},
                         {"day", {.id = TYPE_DATE}, true},
                         {"score", {.id = TYPE_DOUBLE}, true},
                         {"text", {.id = TYPE_STRING}, true}};
static const uint32_t PARTITIONS[] = {0};
static const DeltaMetadata METADATA = {.id = "5b3c1f1e-0000-4000-8000-000000000000",
                                       .schema = {FIELDS, ARRAY_SIZE(FIELDS)},
                                       .partition_columns = PARTITIONS,
                                       .n_partition_columns = 1,
                                       .created_time_ms = 1750000000000};
static const Schema FILE_SCHEMA = {FIELDS + 1, ARRAY_SIZE(FIELDS) - 1};

static Arena arena;
static MemoryBudget budget;
static ThreadPool *pool;
static const char *table;

static void must(Status status, const Error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s (%s)", err->message, err->file);
}

static int set_up(void **state)
{
    arena_init(&arena);
    budget_init(&budget, 0);
    pool = pool_new(2);
    if (scratch_make(state) != 0)
        return -1;
    table = arena_strdup(&arena, scratch_file("table"));
    Error err;
    error_init(&err);
    DeltaCommit commit = {.operation = "CREATE TABLE", .metadata = &METADATA};
    must(delta_create(table, &commit, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    pool_free(pool);
    arena_done(&arena);
    return scratch_remove(state);
}

static DeltaMaintenance maintenance(void)
{
    return (DeltaMaintenance){.table = table, .pool = pool, .budget = &budget};
}

static DeltaSnapshot *load(void)
{
    Error err;
    error_init(&err);
    DeltaSnapshot *snapshot;
    must(delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, &arena, &snapshot, &err), &err);
    return snapshot;
}

/* Day of a row, made from its id: a permutation of sorts, with NULL among them. */
static int32_t day_of(int64_t id)
{
    return (int32_t)(id * 7919 % 1009);
}

static bool has_day(int64_t id)
{
    return id % 13 != 0;
}

static void fill(Vector *columns, int64_t first, uint32_t n)
{
    for (uint32_t c = 0; c < FILE_SCHEMA.n; c++)
        columns[c] = vector_new(&arena, FILE_SCHEMA.fields[c].type, n, true);
    for (uint32_t i = 0; i < n; i++) {
        int64_t id = first + i;
        ((int64_t *)columns[0].data)[i] = id;
        ((int32_t *)columns[1].data)[i] = day_of(id);
        columns[1].valid[i] = has_day(id);
        ((double *)columns[2].data)[i] = (double)(id % 17) - 8;
        ((StrView *)columns[3].data)[i] = str_view(id % 2 ? "odd" : arena_printf(&arena, "even %lld", (long long)id));
        columns[3].valid[i] = id % 5 != 0;
    }
}

static void append(const char *part, int64_t first, uint32_t n)
{
    Error err;
    error_init(&err);
    const char *values[] = {part};
    DeltaSnapshot *snapshot = load();
    const char *path = delta_data_path(&snapshot->metadata, values, &arena);
    Vector columns[4];
    fill(columns, first, n);
    Batch batch = {n, FILE_SCHEMA.n, columns};
    StorageWriter *storage;
    ParquetWriter *writer;
    ParquetWriterOptions options = {.codec = PARQUET_SNAPPY};
    must(storage_create(arena_printf(&arena, "%s/%s", table, path), &storage, &err), &err);
    must(parquet_writer_new(storage, &FILE_SCHEMA, &options, &writer, &err), &err);
    must(parquet_write_batch(writer, &batch, &err), &err);
    must(parquet_finish(writer, NULL, &err), &err);
    parquet_writer_free(writer);
    must(storage_commit(storage, &err), &err);
    DeltaFile file;
    must(delta_describe_file(table, &snapshot->metadata, path, values, &arena, &file, &err), &err);
    DeltaCommit commit = {.operation = "WRITE", .adds = &file, .n_adds = 1, .data_change = true};
    int64_t version;
    must(delta_commit(snapshot, &commit, &version, &err), &err);
}

static DeltaCompaction compact(const char *sort_column)
{
    Error err;
    error_init(&err);
    DeltaMaintenance job = maintenance();
    DeltaCompaction result;
    must(delta_compact(&job, 0, sort_column, &result, &err), &err);
    return result;
}

static ParquetFile *open_only_file(void)
{
    Error err;
    error_init(&err);
    DeltaSnapshot *snapshot = load();
    assert_int_equal(snapshot->n_files, 1);
    StorageReader *reader;
    ParquetFile *file;
    must(storage_open(delta_file_path(snapshot, &snapshot->files[0], &arena), &reader, &err), &err);
    must(parquet_open(reader, &budget, &file, &err), &err);
    return file;
}

/* Ids of all rows in their order, the other columns checked against them. */
static int64_t *read_ids(ParquetFile *file, uint64_t *ret_n)
{
    Error err;
    error_init(&err);
    int64_t *ids = arena_alloc(&arena, sizeof(int64_t) * parquet_rows(file));
    const uint32_t columns[] = {0, 1, 2, 3};
    ParquetRowGroup *handle = NULL;
    uint64_t n = 0;
    for (uint32_t g = 0; g < parquet_row_groups(file); g++) {
        uint32_t rows = (uint32_t)parquet_row_group_rows(file, g);
        Vector read[4];
        must(parquet_row_group_open(file, g, columns, 4, &handle, &err), &err);
        for (uint32_t c = 0; c < 4; c++)
            must(parquet_column_read(handle, c, rows, &read[c], &err), &err);
        for (uint32_t r = 0; r < rows; r++) {
            int64_t id = vector_value(&read[0], r).int64;
            Value day = vector_value(&read[1], r), text = vector_value(&read[3], r);
            assert_int_equal(day.valid, has_day(id));
            assert_true(!day.valid || day.int32 == day_of(id));
            assert_true(vector_value(&read[2], r).float64 == (double)(id % 17) - 8);
            assert_int_equal(text.valid, id % 5 != 0);
            char expected[40];
            snprintf(expected, sizeof expected, id % 2 ? "odd" : "even %lld", (long long)id);
            assert_true(!text.valid || str_equal(text.string, str_view(expected)));
            ids[n++] = id;
        }
    }
    parquet_row_group_close(handle);
    *ret_n = n;
    return ids;
}

/* ---- Compaction ---- */

static void test_keys_order_as_values(void **state)
{
    (void)state;
    const double values[] = {-INFINITY, -1e300, -1, -5e-324, 0, 5e-324, 1, 1e300, INFINITY, NAN};
    int64_t last = rewrite_sort_key(DATA_TYPE(DOUBLE), &values[0], false);
    assert_true(last == INT64_MIN);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        int64_t key = rewrite_sort_key(DATA_TYPE(DOUBLE), &values[i], true);
        assert_true(key > last);
        last = key;
    }
    double minus_zero = -0.0, zero = 0.0;
    assert_true(rewrite_sort_key(DATA_TYPE(DOUBLE), &minus_zero, true) ==
                rewrite_sort_key(DATA_TYPE(DOUBLE), &zero, true));
    int32_t day = -5;
    assert_true(rewrite_sort_key(DATA_TYPE(DATE), &day, true) == -5);
    assert_false(rewrite_can_sort(DATA_TYPE(STRING)));
    assert_false(rewrite_can_sort(DECIMAL_TYPE(38, 2)));
    assert_true(rewrite_can_sort(DECIMAL_TYPE(18, 4)));
}

static void check_sorted_by_day(const int64_t *ids, uint64_t n)
{
    for (uint64_t i = 1; i < n; i++) {
        int32_t before = has_day(ids[i - 1]) ? day_of(ids[i - 1]) : INT32_MIN;
        int32_t here = has_day(ids[i]) ? day_of(ids[i]) : INT32_MIN;
        assert_true(before <= here);
    }
}

static void check_each_once(const int64_t *ids, uint64_t n)
{
    uint8_t *seen = arena_zalloc(&arena, n);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(ids[i] >= 0 && (uint64_t)ids[i] < n && !seen[ids[i]]);
        seen[ids[i]] = 1;
    }
}

static void test_rows_are_sorted_over_row_groups(void **state)
{
    (void)state;
    uint32_t rows = 400000;
    for (uint32_t i = 0; i < 3; i++)
        append("p", (int64_t)i * rows, rows);
    DeltaCompaction done = compact("day");
    assert_int_equal(done.files_before, 3);
    assert_int_equal(done.files_after, 1);
    assert_int_equal(done.rows, 3 * rows);
    assert_int_equal(done.version, 4);
    ParquetFile *file = open_only_file();
    assert_int_equal(parquet_row_groups(file), 2);
    uint64_t n;
    int64_t *ids = read_ids(file, &n);
    assert_int_equal(n, 3 * rows);
    check_sorted_by_day(ids, n);
    check_each_once(ids, n);
    parquet_close(file);
    assert_int_equal(budget.used, 0);
}

static void test_rows_of_wide_keys_are_sorted(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 4; i++)
        append("p", i * 1000, 1000);
    compact("score"); /* doubles: sorted by comparing */
    ParquetFile *file = open_only_file();
    uint64_t n;
    int64_t *ids = read_ids(file, &n);
    check_each_once(ids, n);
    for (uint64_t i = 1; i < n; i++) {
        assert_true(ids[i - 1] % 17 <= ids[i] % 17);
        bool same_file = ids[i - 1] / 1000 == ids[i] / 1000; /* rows of one key stay in order */
        assert_true(ids[i - 1] % 17 < ids[i] % 17 || !same_file || ids[i - 1] < ids[i]);
    }
    parquet_close(file);
}

static void test_rows_as_they_come(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 4; i++)
        append("p", i * 10, 10);
    compact(NULL);
    ParquetFile *file = open_only_file();
    uint64_t n;
    int64_t *ids = read_ids(file, &n);
    check_each_once(ids, n);
    for (uint64_t i = 1; i < n; i++)
        assert_true(i % 10 == 0 || ids[i] == ids[i - 1] + 1);
    parquet_close(file);
    assert_int_equal(compact(NULL).version, -1);
}

static void test_what_cannot_be_sorted_by(void **state)
{
    (void)state;
    append("p", 0, 10);
    append("p", 10, 10);
    Error err;
    error_init(&err);
    DeltaMaintenance job = maintenance();
    DeltaCompaction result;
    assert_int_equal(delta_compact(&job, 0, "text", &result, &err), STATUS_USAGE);
    assert_int_equal(delta_compact(&job, 0, "nothing", &result, &err), STATUS_USAGE);
}

static size_t count_files(void)
{
    Error err;
    error_init(&err);
    StorageList list;
    must(storage_list_folder(table, true, NULL, &list, &err), &err);
    size_t n = list.n;
    storage_list_done(&list);
    return n;
}

static void test_failures_leave_nothing(void **state)
{
    (void)state;
    append("p", 0, 20000);
    append("p", 20000, 20000);
    size_t files = count_files();
    Error err;
    error_init(&err);
    DeltaMaintenance job = maintenance();
    DeltaCompaction result;
    MemoryBudget small;
    budget_init(&small, 400000);
    job.budget = &small;
    assert_int_equal(delta_compact(&job, 0, "day", &result, &err), STATUS_MEMORY);
    assert_int_equal(small.used, 0);
    assert_int_equal(count_files(), files);
    DeltaSnapshot *snapshot = load();
    assert_int_equal(snapshot->version, 2);
    must(storage_remove(delta_file_path(snapshot, &snapshot->files[0], &arena), &err), &err);
    job.budget = &budget;
    assert_int_equal(delta_compact(&job, 0, NULL, &result, &err), STATUS_NOT_FOUND);
    assert_int_equal(count_files(), files - 1);
    assert_int_equal(load()->version, 2);
}

/* ---- Vacuum ---- */

static bool keep_one(void *context, const char *path)
{
    return strcmp(context, path) == 0;
}

static void put_old(const char *name)
{
    scratch_put(arena_printf(&arena, "table/%s", name), "x");
    struct utimbuf times = {1000000000, 1000000000};
    assert_int_equal(utime(scratch_file(arena_printf(&arena, "table/%s", name)), &times), 0);
}

static void test_vacuum_keeps_what_it_is_told_to(void **state)
{
    (void)state;
    append("p", 0, 10);
    put_old("part=p/pending.parquet");
    put_old("part=p/orphan.parquet");
    put_old("notes.txt");
    Error err;
    error_init(&err);
    DeltaMaintenance job = maintenance();
    job.keep = keep_one;
    job.keep_context = arena_printf(&arena, "%s/part=p/pending.parquet", table);
    DeltaVacuum done;
    must(delta_vacuum(&job, -1, false, &arena, &done, &err), &err);
    assert_int_equal(done.files_removed, 1);
    assert_string_equal(done.paths[0], "part=p/orphan.parquet");
    assert_int_equal(done.bytes_removed, 1);
    StorageFacts facts;
    must(storage_stat(scratch_file("table/part=p/pending.parquet"), &facts, &err), &err);
    assert_true(facts.exists);
    must(delta_vacuum(&job, -1, false, &arena, &done, &err), &err);
    assert_int_equal(done.files_removed, 0);
    assert_int_equal(delta_vacuum(&job, 0, false, &arena, &done, &err), STATUS_USAGE);
}

/* ---- Restore ---- */

static void test_restore_and_back(void **state)
{
    (void)state;
    append("p", 0, 10);
    append("p", 10, 10);
    compact(NULL);
    Error err;
    error_init(&err);
    DeltaMaintenance job = maintenance();
    int64_t version;
    must(delta_restore(&job, (DeltaVersion){DELTA_AT_VERSION, 1}, &version, &err), &err);
    assert_int_equal(version, 4);
    assert_int_equal(load()->n_rows, 10);
    must(delta_restore(&job, (DeltaVersion){DELTA_AT_VERSION, 1}, &version, &err), &err);
    assert_int_equal(version, -1);
    must(delta_restore(&job, (DeltaVersion){DELTA_AT_VERSION, 3}, &version, &err), &err);
    assert_int_equal(load()->n_rows, 20);
    assert_int_equal(load()->n_files, 1);
    assert_int_equal(delta_restore(&job, (DeltaVersion){DELTA_AT_VERSION, 99}, &version, &err), STATUS_NOT_FOUND);
}

/* ---- fsck ---- */

static void test_fsck_tells_what_is_wrong(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 12; i++)
        append("p", i * 10, 10);
    Error err;
    error_init(&err);
    DeltaMaintenance job = maintenance();
    DeltaCheck check;
    must(delta_fsck(&job, true, false, &arena, &check, &err), &err);
    assert_int_equal(check.n_problems, 0);
    assert_int_equal(check.files, 12);
    assert_int_equal(check.rows, 120);
    DeltaSnapshot *snapshot = load();
    must(storage_remove(delta_file_path(snapshot, &snapshot->files[3], &arena), &err), &err);
    must(delta_fsck(&job, false, true, &arena, &check, &err), &err);
    assert_int_equal(check.n_problems, 1);
    assert_string_equal(check.problems[0].what, "missing");
    assert_string_equal(check.problems[0].file, snapshot->files[3].path);
    assert_int_equal(check.version, 13);
    must(delta_fsck(&job, true, false, &arena, &check, &err), &err);
    assert_int_equal(check.n_problems, 0);
    assert_int_equal(check.rows, 110);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_keys_order_as_values),
                                       TEST(test_rows_are_sorted_over_row_groups),
                                       TEST(test_rows_of_wide_keys_are_sorted),
                                       TEST(test_rows_as_they_come),
                                       TEST(test_what_cannot_be_sorted_by),
                                       TEST(test_failures_leave_nothing),
                                       TEST(test_vacuum_keeps_what_it_is_told_to),
                                       TEST(test_restore_and_back),
                                       TEST(test_fsck_tells_what_is_wrong)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
