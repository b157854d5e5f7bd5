/* src/lake/transaction.c: two tables change together, wherever the process is killed.  Beside it locks and history. */
#include <signal.h>
#include <sys/wait.h>

#include "../storage/scratch_folder.h"
#include "lake/history.h"
#include "lake/transaction.h"

static Arena arena;
static Lake *lake;
static Error err;

static int setup(void **state)
{
    arena_init(&arena);
    error_init(&err);
    if (scratch_make(state) != 0)
        return -1;
    const LakeInitOptions options = {.path = scratch_path};
    if (lake_init(&options, &arena, &err) != STATUS_OK || lake_open(scratch_path, &arena, &lake, &err) != STATUS_OK)
        return -1;
    return 0;
}

static int teardown(void **state)
{
    arena_done(&arena);
    return scratch_remove(state);
}

static DeltaSnapshot *load(const char *name)
{
    DeltaSnapshot *snapshot;
    assert_int_equal(delta_snapshot_load(lake_table_path(lake, name, &arena), (DeltaVersion){.kind = DELTA_NEWEST},
                                         &arena, &snapshot, &err),
                     STATUS_OK);
    return snapshot;
}

/* One file of ten rows to each table. */
static Status commit(const char *app_id)
{
    static const char *const client[] = {"emart"};
    DeltaFile files[2];
    LakeChange changes[2];
    const char *const names[] = {"quarantine", "shipments"};
    for (int i = 0; i < 2; i++) {
        files[i] = (DeltaFile){.path = arena_printf(&arena, "client=emart/%s.parquet", app_id),
                               .partition_values = client,
                               .size_bytes = 100,
                               .modification_time_ms = 1,
                               .num_records = 10,
                               .statistics = "{\"numRecords\":10}"};
        changes[i] =
            (LakeChange){.base = load(names[i]),
                         .commit = {.operation = "WRITE", .adds = &files[i], .n_adds = 1, .data_change = true}};
    }
    LakeTransaction transaction = {
        .client = "emart", .app_id = app_id, .version = 1, .changes = changes, .n_changes = 2};
    return lake_commit(lake, &transaction, &arena, &err);
}

static void expect_files(uint32_t n)
{
    assert_int_equal(load("quarantine")->n_files, n);
    assert_int_equal(load("shipments")->n_files, n);
}

static uint32_t pending_count(void)
{
    LakePending *pending;
    assert_int_equal(lake_pending_load(lake, &arena, &pending, &err), STATUS_OK);
    return lake_pending_count(pending);
}

static void test_both_tables_change_once(void **state)
{
    (void)state;
    assert_int_equal(commit("a"), STATUS_OK);
    expect_files(1);
    assert_int_equal(pending_count(), 0);
    assert_int_equal(commit("a"), STATUS_CONFLICT); /* the same source again */
    error_init(&err);
    expect_files(1);
    assert_int_equal(pending_count(), 0);
    assert_int_equal(commit("b"), STATUS_OK);
    expect_files(2);
}

#ifdef FREIGHTLAKE_FAULTS
/* Runs the commit in a child that is killed at the step; true when it was. */
static bool commit_killed_at(const char *step)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("FREIGHTLAKE_FAULT", step, 1); /* read once a process: so a fresh one commits */
        execl("/proc/self/exe", "test", "commit", scratch_path, (char *)NULL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void expect_exactly_once(const char *step, bool first_committed)
{
    LakeRecovery recovery;
    assert_true(commit_killed_at(step));
    assert_int_equal(pending_count(), 1);
    assert_int_equal(lake_recover(lake, "other", &recovery, &err), STATUS_OK);
    assert_int_equal(recovery.finished + recovery.forgotten, 0);
    assert_int_equal(lake_recover(lake, "emart", &recovery, &err), STATUS_OK);
    assert_int_equal(recovery.finished, first_committed ? 1 : 0);
    assert_int_equal(recovery.forgotten, first_committed ? 0 : 1);
    assert_int_equal(pending_count(), 0);
    expect_files(first_committed ? 1 : 0);
    assert_int_equal(commit("a"), first_committed ? STATUS_CONFLICT : STATUS_OK);
    error_init(&err);
    expect_files(1);
    assert_int_equal(lake_recover(lake, NULL, &recovery, &err), STATUS_OK);
    expect_files(1);
}

static void test_killed_before_the_first(void **state)
{
    (void)state;
    expect_exactly_once("kill:pending_written", false);
}

static void test_killed_between(void **state)
{
    (void)state;
    expect_exactly_once("kill:first_committed", true);
}

static void test_killed_behind_both(void **state)
{
    (void)state;
    expect_exactly_once("kill:second_committed", true);
}
#endif

static void test_locks_go_with_the_process(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    LakeLock *lock;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool got = lake_lock(lake, "run", NULL, NULL, &lock, &err) == STATUS_OK;
        if (write(ready[1], got ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(lake_try_lock(lake, "run", &lock, &err), STATUS_OK);
    assert_null(lock);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(lake_lock(lake, "run", NULL, NULL, &lock, &err), STATUS_OK);
    assert_non_null(lock);
    lake_unlock(lock);
    close(ready[0]);
    close(ready[1]);
}

static void test_history_is_newest_first(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        const HistoryRecord record = {.kind = i % 2 ? "run" : "ingest",
                                      .outcome = "ok",
                                      .started_us = 1700000000000000 + (i * 7 % 5) * 1000000,
                                      .rows_read = i};
        assert_int_equal(history_write(lake, &record, &err), STATUS_OK);
    }
    HistoryRecord *records;
    uint32_t n, unreadable;
    scratch_put("_freightlake/runs/99990101T000000.000000Z-broken.json", "{");
    assert_int_equal(history_read(lake, NULL, 0, &arena, &records, &n, &unreadable, &err), STATUS_OK);
    assert_int_equal(n, 5);
    assert_int_equal(unreadable, 1);
    for (uint32_t i = 1; i < n; i++)
        assert_true(records[i - 1].started_us > records[i].started_us);
    assert_int_equal(history_read(lake, "run", 1, &arena, &records, &n, &unreadable, &err), STATUS_OK);
    assert_int_equal(n, 1);
    assert_string_equal(records[0].kind, "run");
}

static void test_configuration_errors_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        int64_t line;
    } cases[] = {
        {"currency: USD\ncurency: EUR\n", "curency", 2},
        {"currency: usd\n", "usd", 1},
        {"zones: {raw: x, marts: x}\n", "one place", 1},
        {"currency: USD\nexchange_rates:\n  - {currency: EUR, date: 2025-02-30, rate: 1}\n", "2025-02-30", 3},
        {"max_rejected_share: 2\n", "", 1},
        {"target_file_size: 1KiB\n", "1MiB", 1},
        {"currency: [\n", "YAML", 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Lake *opened;
        error_init(&err);
        scratch_put(LAKE_CONFIG_FILE, cases[i].text);
        assert_int_equal(lake_open(scratch_path, &arena, &opened, &err), STATUS_CONFIG);
        assert_int_equal(err.row, cases[i].line);
        assert_non_null(strstr(err.message, cases[i].message));
    }
}

#ifdef FREIGHTLAKE_FAULTS
static int commit_in(const char *path)
{
    arena_init(&arena);
    error_init(&err);
    return lake_open(path, &arena, &lake, &err) == STATUS_OK && commit("a") == STATUS_OK ? 0 : 1;
}
#endif

int main(int argc, char **argv)
{
#ifdef FREIGHTLAKE_FAULTS
    if (argc == 3 && strcmp(argv[1], "commit") == 0)
        return commit_in(argv[2]);
#else
    (void)argc, (void)argv;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_tables_change_once, setup, teardown),
#ifdef FREIGHTLAKE_FAULTS
        cmocka_unit_test_setup_teardown(test_killed_before_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_between, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_behind_both, setup, teardown),
#endif
        cmocka_unit_test_setup_teardown(test_locks_go_with_the_process, setup, teardown),
        cmocka_unit_test_setup_teardown(test_history_is_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_configuration_errors_name_the_line, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
