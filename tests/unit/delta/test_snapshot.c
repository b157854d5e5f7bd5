/* Snapshots of logs written by hand: the last word on each path and application among very many, which version a time or a
 * number means, and what is said of those that are gone. */
#include "../storage/scratch_folder.h"

#include <time.h>
#include <utime.h>

#include "base/text.h"
#include "delta/commit.h"

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

static void checkpoint(int64_t version)
{
    Error err;
    error_init(&err);
    if (delta_checkpoint(scratch_path, version, &err) != STATUS_OK)
        fail_msg("%s", err.message);
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
    checkpoint(5);
    assert_true(delta_transaction_stands(load(), "a"));
    put_entry(6, ADD("z", "false"));
    assert_true(delta_transaction_stands(load(), "a"));
    checkpoint(6);
    assert_true(delta_transaction_stands(load(), "a"));
    put_entry(7, ADD("w", "true"));
    assert_false(delta_transaction_stands(load(), "a"));
    checkpoint(7);
    assert_false(delta_transaction_stands(load(), "a"));
    put_entry(8, TXN("a", "9") ADD("v", "true"));
    checkpoint(8);
    assert_true(delta_transaction_stands(load(), "a"));
    assert_int_equal(remove(arena_printf(&arena, "%s/_delta_log/%020d.json", scratch_path, 8)), 0);
    assert_false(delta_transaction_stands(load(), "a")); /* not known any more */
}

static void rows_that_changed_since(void **state)
{
    (void)state;
    put_entry(0, HEAD);
    put_entry(1, ADD("x", "true"));
    put_entry(2, ADD("y", "false"));
    put_entry(3, TXN("a", "7"));
    put_entry(4, "{\"commitInfo\":{\"operation\":\"FSCK\"}}\n");
    put_entry(5, TXN("a", "8"));
    for (int64_t at = 0; at <= 5; at++) { /* whichever of it a checkpoint stands for */
        DeltaSnapshot *snapshot = load();
        for (int64_t version = 0; version <= 6; version++)
            assert_int_equal(delta_rows_changed_since(snapshot, version), version < 4 || version == 6);
        checkpoint(at);
    }
    assert_int_equal(remove(arena_printf(&arena, "%s/_delta_log/%020d.json", scratch_path, 5)), 0);
    assert_false(delta_rows_changed_since(load(), 5));
    assert_true(delta_rows_changed_since(load(), 4)); /* not known any more */
}

/* ---- Times ---- */

static void set_time(int64_t version, time_t seconds)
{
    const struct utimbuf times = {seconds, seconds};
    assert_int_equal(
        utime(arena_printf(&arena, "%s/_delta_log/%020lld.json", scratch_path, (long long)version), &times), 0);
}

static int64_t version_at(int64_t time_ms)
{
    Error err;
    DeltaSnapshot *snapshot;
    return load_version((DeltaVersion){DELTA_AT_TIME, time_ms}, &snapshot, &err) == STATUS_OK ? snapshot->version : -1;
}

static void times_go_up_where_the_clock_went_back(void **state)
{
    (void)state;
    static const time_t seconds[] = {1000, 5000, 3000, 5000, 6000};
    static const int64_t times_ms[] = {1000000, 5000000, 5000001, 5000002, 6000000};
    Error err;
    error_init(&err);
    for (uint32_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        put_entry(i, i ? TXN("a", "1") : HEAD);
        set_time(i, seconds[i]);
    }
    for (int64_t i = 0; i < (int64_t)ARRAY_SIZE(seconds); i++) {
        assert_int_equal(version_at(times_ms[i]), i);
        assert_int_equal(version_at(times_ms[i] - 1), i - 1);
    }
    assert_int_equal(version_at(9000000), 4);
    for (int64_t first = 0; first < (int64_t)ARRAY_SIZE(seconds); first++) {
        DeltaCommitInfo *commits;
        uint32_t n;
        assert_int_equal(delta_history(scratch_path, first, -1, &arena, &commits, &n, &err), STATUS_OK);
        assert_int_equal(n, ARRAY_SIZE(seconds) - (uint64_t)first);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(commits[i].timestamp_ms, times_ms[commits[i].version]);
    }
}

/* ---- What was cleaned up ---- */

static void refused(DeltaVersion version, const char *message, const char *hint)
{
    Error err;
    DeltaSnapshot *snapshot;
    assert_int_equal(load_version(version, &snapshot, &err), STATUS_NOT_FOUND);
    if (!strstr(err.message, message) || !strstr(err.hint, hint))
        fail_msg("%s (%s)", err.message, err.hint);
}

static void versions_that_are_gone(void **state)
{
    (void)state;
    Error err;
    error_init(&err);
    put_entry(0, HEAD);
    for (int64_t i = 1; i <= 7; i++)
        put_entry(i, TXN("a", "1"));
    checkpoint(5);
    for (int64_t i = 0; i <= 7; i++)
        set_time(i, 1000 * (i + 1));
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(remove(arena_printf(&arena, "%s/_delta_log/%020lld.json", scratch_path, (long long)i)), 0);
    DeltaSnapshot *snapshot;
    for (int64_t i = 0; i < 5; i++)
        refused((DeltaVersion){DELTA_AT_VERSION, i}, "was cleaned up", "versions 5 to 7; older ones ended");
    for (int64_t i = 5; i <= 7; i++)
        assert_int_equal(load_version((DeltaVersion){DELTA_AT_VERSION, i}, &snapshot, &err), STATUS_OK);
    refused((DeltaVersion){DELTA_AT_VERSION, 8}, "has no version 8", "versions 5 to 7");
    refused((DeltaVersion){DELTA_AT_TIME, 5500000}, "no version as old", "versions 5 to 7");
    assert_int_equal(version_at(6000000), 5);
    for (int64_t i = 3; i <= 7; i++)
        if (i != 5)
            assert_int_equal(remove(arena_printf(&arena, "%s/_delta_log/%020lld.json", scratch_path, (long long)i)), 0);
    refused((DeltaVersion){DELTA_AT_TIME, 0}, "no version as old", "version 5 is all there is");
    refused((DeltaVersion){DELTA_AT_VERSION, 4}, "was cleaned up", "version 5 is all there is");
    assert_int_equal(load_version((DeltaVersion){DELTA_AT_VERSION, 5}, &snapshot, &err), STATUS_OK);
}

/* Of 21 entries that are `age` seconds old when a checkpoint is written. */
static uint32_t entries_after_a_checkpoint(const char *configuration, time_t age)
{
    const time_t then = time(NULL) - age;
    Error err;
    DeltaCommitInfo *commits;
    uint32_t n;
    int64_t version;
    error_init(&err);
    assert_int_equal(scratch_remove(NULL), 0);
    assert_int_equal(scratch_make(NULL), 0);
    put_entry(0, arena_printf(&arena,
                              "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
                              "{\"metaData\":{\"id\":\"5b3c1f1e-0000-4000-8000-000000000000\",\"format\":{"
                              "\"provider\":\"parquet\",\"options\":{}},\"schemaString\":\"{\\\"type\\\":"
                              "\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":[],\"configuration\":{%s},"
                              "\"createdTime\":1}}\n",
                              configuration));
    set_time(0, then);
    for (int64_t i = 1; i <= 20; i++) {
        const DeltaCommit commit = {.operation = "WRITE"};
        assert_int_equal(delta_commit(load(), &commit, &version, &err), STATUS_OK);
        set_time(i, then + i);
    }
    assert_int_equal(delta_history(scratch_path, 0, -1, &arena, &commits, &n, &err), STATUS_OK);
    return n;
}

#define DAY ((time_t)86400)
#define LOG_RETENTION(text) "\"delta.logRetentionDuration\":\"" text "\""

static void expired_entries_go(void **state)
{
    (void)state;
    const uint32_t rest = 11; /* from the checkpoint before, which is young */
    assert_int_equal(entries_after_a_checkpoint("", 31 * DAY), rest);
    assert_int_equal(entries_after_a_checkpoint(LOG_RETENTION("interval 1 week 2 days"), 10 * DAY), rest);
    assert_int_equal(entries_after_a_checkpoint(LOG_RETENTION("INTERVAL 30 minutes"), DAY), rest);
}

static void entries_within_the_retention_stay(void **state)
{
    (void)state;
    assert_int_equal(entries_after_a_checkpoint("", 29 * DAY), 21);
    assert_int_equal(entries_after_a_checkpoint(LOG_RETENTION("interval 1 week 2 days"), 8 * DAY), 21);
    assert_int_equal(entries_after_a_checkpoint(LOG_RETENTION("a while"), 1000 * DAY), 21);
    assert_int_equal(entries_after_a_checkpoint("\"delta.enableExpiredLogCleanup\":\"FALSE\"", 1000 * DAY), 21);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_word_among_many),         TEST(rows_that_stand),
        TEST(rows_that_changed_since),          TEST(times_go_up_where_the_clock_went_back),
        TEST(versions_that_are_gone),           TEST(expired_entries_go),
        TEST(entries_within_the_retention_stay)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
