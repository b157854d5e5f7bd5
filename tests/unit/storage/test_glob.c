/* storage_list: patterns, folders, hidden names, order. */
#include "scratch_folder.h"

/* The names that `pattern` gives, relative to the folder, joined by spaces; "-" and the hint when there are none. */
static void expect_list(const char *pattern, const char *wanted)
{
    Error err;
    error_init(&err);
    StorageList list;
    Buffer text = {0};
    if (storage_list(scratch_file(pattern), &list, &err) == STATUS_OK) {
        for (size_t i = 0; i < list.n; i++) {
            buffer_printf(&text, "%s%s", i ? " " : "", list.entries[i].path + strlen(scratch_path) + 1);
            assert_int_equal(list.entries[i].size_bytes, 1);
            assert_true(list.entries[i].modified_ms > 1500000000000);
        }
        storage_list_done(&list);
    } else {
        assert_int_equal(err.code, STATUS_NOT_FOUND);
        assert_true(err.hint[0] != '\0');
        buffer_append_text(&text, "-");
    }
    assert_string_equal(buffer_text(&text), wanted);
    buffer_done(&text);
}

static void lists_by_pattern(void **state)
{
    (void)state;
    static const char *const names[] = {
        "b.parquet",    "a.parquet",   "a.csv",         "_SUCCESS",        ".hidden",
        "x[1].csv",     "d/a.parquet", "d/e/c.parquet", "d/e/f/g.parquet", "d/_delta_log/1.json",
        "d2/z.parquet", "\xc3\xa4.txt"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        scratch_put(names[i], "x");
    expect_list("a.csv", "a.csv");
    expect_list("*.parquet", "a.parquet b.parquet");
    expect_list("?.parquet", "a.parquet b.parquet");
    expect_list("?.txt", "\xc3\xa4.txt");
    expect_list("[ab].*", "a.csv a.parquet b.parquet");
    expect_list("[!a]*.parquet", "b.parquet");
    expect_list("[b-z].parquet", "b.parquet");
    expect_list("x[1].csv", "x[1].csv");
    expect_list("x[[]*", "x[1].csv");
    expect_list("x[1*", "x[1].csv");
    expect_list("d", "d/a.parquet");
    expect_list("d/", "d/a.parquet");
    expect_list("d*/*.parquet", "d/a.parquet d2/z.parquet");
    expect_list("d/**", "d/a.parquet d/e/c.parquet d/e/f/g.parquet");
    expect_list("d/**/g.parquet", "d/e/f/g.parquet");
    expect_list("d/**/**/*.parquet", "d/a.parquet d/e/c.parquet d/e/f/g.parquet");
    expect_list("**/[ac].parquet", "a.parquet d/a.parquet d/e/c.parquet");
    expect_list("d/_delta_log/*", "d/_delta_log/1.json");
    expect_list("_*", "_SUCCESS");
    expect_list(".h*", ".hidden");
    expect_list("", "a.csv a.parquet b.parquet x[1].csv \xc3\xa4.txt");
    expect_list("nothing*", "-");
    expect_list("no/such/*", "-");
    expect_list("a.csv/x", "-");
}

static void passes_over_temporary_files(void **state)
{
    (void)state;
    Error err;
    error_init(&err);
    StorageWriter *writer;
    scratch_put("t", "x");
    assert_int_equal(storage_create(scratch_file("t"), &writer, &err), STATUS_OK);
    assert_int_equal(scratch_count(), 2);
    expect_list("*", "t");
    expect_list(".*", "-");
    storage_discard(writer);
    assert_int_equal(scratch_count(), 1);
}

static void stops_at_links_to_folders(void **state)
{
    (void)state;
    scratch_put("d/a", "x");
    assert_int_equal(symlink(scratch_path, scratch_file("d/up")), 0);
    assert_int_equal(symlink(scratch_file("d/a"), scratch_file("link")), 0);
    expect_list("**", "d/a link");
}

static void takes_many_stars_in_their_stride(void **state)
{
    (void)state;
    char name[200], pattern[128];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    scratch_put(name, "x");
    for (size_t i = 0; i < 120; i += 2)
        memcpy(pattern + i, "a*", 2);
    memcpy(pattern + 120, "b", 2);
    expect_list(pattern, "-");
}

static void refuses_other_schemes(void **state)
{
    (void)state;
    Error err;
    error_init(&err);
    StorageList list;
    StorageReader *reader;
    assert_int_equal(storage_list("gs://bucket/x", &list, &err), STATUS_UNSUPPORTED);
    assert_string_equal(err.message, "there is no storage called 'gs'");
    assert_int_equal(storage_open("gs://bucket/x", &reader, &err), STATUS_UNSUPPORTED);
    assert_int_equal(storage_open("", &reader, &err), STATUS_USAGE);
}

int main(void)
{
#define SCRATCH_TEST(function) cmocka_unit_test_setup_teardown(function, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(lists_by_pattern),          SCRATCH_TEST(passes_over_temporary_files),
        SCRATCH_TEST(stops_at_links_to_folders), SCRATCH_TEST(takes_many_stars_in_their_stride),
        SCRATCH_TEST(refuses_other_schemes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("storage/glob", tests, NULL, NULL);
}
