/* src/generate/generate.c, output.c, options.c, row_group.c: files, splits, the same bytes whatever the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "generate/generate.h"
#include "parquet/reader.h"

static char root[64];
static int n_folders;

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/freightlake-generate-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

static GenerateOptions options_for(GenerateFormat format, uint64_t rows, uint32_t files)
{
    GenerateOptions options;
    generate_options_init(&options);
    options.seed = 7;
    options.rows = rows;
    options.files = files;
    options.format = format;
    return options;
}

/* Runs into a folder of its own and gives its path, to be freed. */
static char *run(GenerateOptions options, int threads, GenerateSummary *summary)
{
    char *folder = mem_printf("%s/%d", root, n_folders++);
    Error err;
    error_init(&err);
    options.out = folder;
    options.pool = pool_new(threads);
    Status status = generate_run(&options, summary, &err);
    pool_free(options.pool);
    if (status != STATUS_OK)
        print_message("# %s\n", err.message);
    assert_int_equal(status, STATUS_OK);
    return folder;
}

static void read_file(const char *folder, const char *name, Buffer *bytes)
{
    char *path = mem_printf("%s/%s", folder, name);
    StorageReader *reader;
    Error err;
    error_init(&err);
    assert_int_equal(storage_open(path, &reader, &err), STATUS_OK);
    buffer_init(bytes, 0);
    uint8_t *room = buffer_reserve(bytes, reader->size_bytes);
    assert_int_equal(storage_read(reader, 0, room, reader->size_bytes, &err), STATUS_OK);
    bytes->size = reader->size_bytes;
    storage_close(reader);
    mem_free(path);
}

static void expect_same_files(const char *folder, const char *other, const GenerateOptions *options)
{
    for (uint32_t i = 0; i <= options->files; i++) {
        char name[32] = "_generate.json";
        if (i < options->files)
            snprintf(name, sizeof name, "part-%05u.%s", i, generate_format_name(options->format));
        Buffer a, b;
        read_file(folder, name, &a);
        read_file(other, name, &b);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        buffer_done(&a);
        buffer_done(&b);
    }
}

static void test_same_bytes_for_any_threads(void **state)
{
    (void)state;
    for (int format = 0; format < GENERATE_FORMAT_COUNT; format++)
        for (int scenario = 0; scenario < GENERATE_SCENARIO_COUNT; scenario++) {
            GenerateOptions options = options_for((GenerateFormat)format, 70003, format == GENERATE_PARQUET ? 3 : 1);
            options.scenario = (GenerateScenario)scenario;
            Error err;
            error_init(&err);
            assert_int_equal(generate_bad_rows(&options, 0.02, &err), STATUS_OK);
            GenerateSummary summary;
            char *one = run(options, 1, &summary);
            assert_int_equal(summary.bad_rows_total, 1400);
            const int threads[] = {2, 7};
            for (int i = 0; i < 2; i++) {
                char *other = run(options, threads[i], &summary);
                expect_same_files(one, other, &options);
                mem_free(other);
            }
            mem_free(one);
        }
}

static uint64_t lines_in(const char *folder, const char *name)
{
    Buffer bytes;
    read_file(folder, name, &bytes);
    uint64_t lines = 0;
    for (size_t i = 0; i < bytes.size; i++)
        lines += bytes.data[i] == '\n';
    buffer_done(&bytes);
    return lines;
}

static uint64_t parquet_rows_in(const char *folder, const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    StorageReader *reader;
    ParquetFile *file;
    MemoryBudget budget;
    budget_init(&budget, 0);
    Error err;
    error_init(&err);
    assert_int_equal(storage_open(path, &reader, &err), STATUS_OK);
    assert_int_equal(parquet_open(reader, &budget, &file, &err), STATUS_OK);
    uint64_t rows = parquet_rows(file);
    assert_int_equal(parquet_schema(file)->n, 12);
    parquet_close(file);
    mem_free(path);
    return rows;
}

static void test_file_splits(void **state)
{
    (void)state;
    static const struct {
        uint64_t rows;
        uint32_t files;
    } splits[] = {{0, 1}, {0, 3}, {1, 1}, {1, 3}, {5, 7}, {10, 3}, {65536, 1}, {65537, 1}, {131073, 2}};
    for (size_t i = 0; i < ARRAY_SIZE(splits); i++)
        for (int format = 0; format < GENERATE_FORMAT_COUNT; format++) {
            GenerateOptions options = options_for((GenerateFormat)format, splits[i].rows, splits[i].files);
            GenerateSummary summary;
            char *folder = run(options, 2, &summary);
            uint64_t rows = 0;
            for (uint32_t file = 0; file < splits[i].files; file++) {
                char name[32];
                snprintf(name, sizeof name, "part-%05u.%s", file, generate_format_name(options.format));
                uint64_t in_file = format == GENERATE_PARQUET ? parquet_rows_in(folder, name) : lines_in(folder, name);
                in_file -= format == GENERATE_CSV;
                assert_true(in_file == splits[i].rows / splits[i].files ||
                            in_file == splits[i].rows / splits[i].files + 1);
                rows += in_file;
            }
            assert_int_equal(rows, splits[i].rows);
            assert_int_equal(summary.rows, splits[i].rows);
            mem_free(folder);
        }
}

static void test_seeds_differ(void **state)
{
    (void)state;
    GenerateOptions options = options_for(GENERATE_CSV, 100, 1);
    GenerateSummary summary;
    char *one = run(options, 1, &summary);
    options.seed = 8;
    char *two = run(options, 1, &summary);
    Buffer a, b;
    read_file(one, "part-00000.csv", &a);
    read_file(two, "part-00000.csv", &b);
    assert_true(a.size != b.size || memcmp(a.data, b.data, a.size) != 0);
    buffer_done(&a);
    buffer_done(&b);
    mem_free(one);
    mem_free(two);
}

static void test_stale_files_are_refused(void **state)
{
    (void)state;
    GenerateOptions options = options_for(GENERATE_CSV, 100, 3);
    GenerateSummary summary;
    char *folder = run(options, 1, &summary);
    Error err;
    error_init(&err);
    options.out = folder;
    options.files = 2;
    options.pool = pool_new(1);
    assert_int_equal(generate_run(&options, &summary, &err), STATUS_USAGE);
    assert_non_null(strstr(err.message, "part-00002.csv"));
    options.files = 3;
    assert_int_equal(generate_run(&options, &summary, &err), STATUS_OK);
    pool_free(options.pool);
    mem_free(folder);
}

static void test_options_are_checked(void **state)
{
    (void)state;
    Error err;
    error_init(&err);
    GenerateOptions options = options_for(GENERATE_PARQUET, 10, 0);
    options.out = root;
    assert_int_equal(generate_check_options(&options, &err), STATUS_USAGE);
    options.files = 1;
    assert_int_equal(generate_check_options(&options, &err), STATUS_OK);
    options.rows = GENERATE_MAX_ROWS + 1;
    assert_int_equal(generate_check_options(&options, &err), STATUS_USAGE);
    options.rows = 10;

    assert_int_equal(generate_bad_rows_of_kind(&options, "negative_weigth=0.1", &err), STATUS_USAGE);
    assert_non_null(strstr(err.hint, "negative_weight"));
    static const char *const wrong[] = {"negative_weight",     "negative_weight=",   "negative_weight=x",
                                        "negative_weight=0.6", "negative_weight=-1", "negative_weight=nan"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(generate_bad_rows_of_kind(&options, wrong[i], &err), STATUS_USAGE);
    assert_int_equal(generate_bad_rows_of_kind(&options, "negative_weight=0.1", &err), STATUS_OK);
    assert_int_equal(generate_check_options(&options, &err), STATUS_OK);
    assert_int_equal(generate_bad_rows_of_kind(&options, "column_count=0.1", &err), STATUS_OK);
    assert_int_equal(generate_check_options(&options, &err), STATUS_USAGE);
    assert_int_equal(generate_bad_rows(&options, 0.51, &err), STATUS_USAGE);

    GenerateFormat format;
    GenerateScenario scenario;
    assert_int_equal(generate_parse_format("parket", &format, &err), STATUS_USAGE);
    assert_non_null(strstr(err.hint, "parquet"));
    assert_int_equal(generate_parse_format("ndjson", &format, &err), STATUS_OK);
    assert_int_equal(format, GENERATE_NDJSON);
    assert_int_equal(generate_parse_scenario("swiftship", &scenario, &err), STATUS_OK);
    assert_int_equal(generate_parse_scenario("", &scenario, &err), STATUS_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes_for_any_threads),
        cmocka_unit_test(test_file_splits),
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_stale_files_are_refused),
        cmocka_unit_test(test_options_are_checked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("generate", tests, set_up, tear_down);
}
