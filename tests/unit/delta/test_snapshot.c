/* Snapshots of logs written by hand: the last word on each path and application among very many. */
#include "../storage/scratch_folder.h"

#include <utime.h>

#include "base/text.h"
#include "delta/snapshot.h"

#define MANY 100000u /* a linear search for each would take minutes */
#define HEAD                                                                                                           \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                                                 \
    "{\"metaData\":{\"id\":\"5b3c1f1e-0000-4000-8000-000000000000\",\"format\":{\"provider\":\"parquet\","             \
    "\"options\":{}},\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":[],"    \
    "\"configuration\":{},\"createdTime\":1}}\n"

static Arena arena;

static int set_up(void **state)
{
    arena_init(&arena);
    return scratch_make(state);
}

static int tear_down(void **state)
{
    arena_done(&arena);
    return scratch_remove(state);
}

static void put_entry(int64_t version, const char *lines)
{
    Error err;
    error_init(&err);
    const char *path = arena_printf(&arena, "%s/_delta_log/%020lld.json", scratch_path, (long long)version);
    if (storage_write_file(path, lines, strlen(lines), &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static Status load_version(DeltaVersion version, DeltaSnapshot **ret_snapshot, Error *err)
{
    error_init(err);
    return delta_snapshot_load(scratch_path, version, &arena, ret_snapshot, err);
}

static DeltaSnapshot *load(void)
{
    Error err;
    DeltaSnapshot *snapshot = NULL;
    if (load_version((DeltaVersion){.kind = DELTA_NEWEST}, &snapshot, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return snapshot;
}

static void add_file(Buffer *lines, uint32_t i)
{
    buffer_printf(lines,
                  "{\"add\":{\"path\":\"f%07u.parquet\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,"
                  "\"dataChange\":true}}\n",
                  i);
}

static void add_transaction(Buffer *lines, uint32_t i, int64_t version)
{
    buffer_printf(lines, "{\"txn\":{\"appId\":\"app/%u\",\"version\":%lld}}\n", i, (long long)version);
}

static void the_last_word_among_many(void **state)
{
    (void)state;
    Buffer lines;
    buffer_init(&lines, 0);
    buffer_append_text(&lines, HEAD);
    for (uint32_t i = 0; i < MANY; i++) {
        add_file(&lines, i);
        add_transaction(&lines, i, 1);
    }
    put_entry(0, buffer_text(&lines));
    buffer_clear(&lines);
    for (uint32_t i = 0; i < MANY; i += 2) {
        buffer_printf(&lines, "{\"remove\":{\"path\":\"f%07u.parquet\",\"dataChange\":true}}\n", i);
        add_transaction(&lines, i, i % 4 ? 2 : -1);
    }
    put_entry(1, buffer_text(&lines));
    buffer_done(&lines);
    DeltaSnapshot *snapshot = load();
    assert_int_equal(snapshot->n_files, MANY / 2);
    assert_int_equal(snapshot->n_tombstones, MANY / 2);
    assert_int_equal(snapshot->n_transactions, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        const char *app_id = arena_printf(&arena, "app/%u", i), *path = arena_printf(&arena, "f%07u.parquet", i);
        assert_int_equal(delta_transaction_version(snapshot, app_id), i % 2 ? 1 : i % 4 ? 2 : -1);
        const DeltaFile *file = delta_find_file(snapshot, path);
        assert_int_equal(file != NULL, i % 2);
        if (file)
            assert_string_equal(file->path, path);
    }
    assert_int_equal(delta_transaction_version(snapshot, "app/"), -1);
    assert_null(delta_find_file(snapshot, ""));
}

#define ADD(path, change)                                                                                              \
    "{\"add\":{\"path\":\"" path "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":" change  \
    "}}\n"
#define TXN(app, version) "{\"txn\":{\"appId\":\"" app "\",\"version\":" version "}}\n"

static void rows_that_stand(void **state)
{
    (void)state;
    put_entry(0, HEAD);
    assert_false(delta_transaction_stands(load(), "a"));
    put_entry(1, TXN("a", "7") ADD("x", "true"));
    assert_true(delta_transaction_stands(load(), "a"));
    assert_false(delta_transaction_stands(load(), "b"));
    put_entry(2, ADD("y", "false") "{\"remove\":{\"path\":\"x\",\"dataChange\":false}}\n");
    put_entry(3, "{\"commitInfo\":{\"operation\":\"VACUUM END\"}}\n");
    assert_true(delta_transaction_stands(load(), "a"));
    put_entry(4, "{\"commitInfo\":{\"operation\":\"RESTORE\"}}\n" ADD("x", "true"));
    assert_false(delta_transaction_stands(load(), "a"));
    put_entry(5, TXN("a", "8") TXN("b", "-1") ADD("z", "true"));
    assert_true(delta_transaction_stands(load(), "a"));
    assert_false(delta_transaction_stands(load(), "b"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(the_last_word_among_many), TEST(rows_that_stand)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
