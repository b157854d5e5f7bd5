/* The nth system call fails: a replaced file is the old or the new one as a whole, and nothing is left beside it.
 *
 * Built with fault injection whatever the rest is built with.  The fault is read once a process, so each case is a child;
 * its exit code is the Status it met. */
#include "scratch_folder.h"

#include <sys/wait.h>

static Status replace_and_read(void)
{
    Error err;
    error_init(&err);
    StorageWriter *writer;
    StorageReader *reader;
    char bytes[8];
    TRY(storage_create(scratch_file("f"), &writer, &err));
    for (uint64_t i = 0; i < 3; i++) {
        if (storage_write(writer, i, &"new"[i], 1, &err) != STATUS_OK) {
            storage_discard(writer);
            return err.code;
        }
    }
    TRY(storage_commit(writer, &err));
    TRY(storage_open(scratch_file("f"), &reader, &err));
    Status status = storage_read(reader, 0, bytes, 3, &err);
    storage_close(reader);
    return status;
}

static int run_with(const char *fault)
{
    pid_t child = fork();
    if (child == 0) {
        setenv("FREIGHTLAKE_FAULT", fault, 1);
        _exit((int)replace_and_read());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Not by way of storage: this process must not have asked for a fault before its children do. */
static void put_old(void)
{
    FILE *file = fopen(scratch_file("f"), "w");
    assert_non_null(file);
    assert_int_equal(fwrite("old", 1, 3, file), 3);
    assert_int_equal(fclose(file), 0);
}

static void expect_case(const char *fault, int wanted, const char *content)
{
    put_old();
    assert_int_equal(run_with(fault), wanted);
    scratch_expect("f", content);
    assert_int_equal(scratch_count(), 1);
}

static void nth_call_fails(void **state)
{
    (void)state;
    expect_case("write:1", STATUS_IO, "old"); /* making the temporary file */
    expect_case("write:2", STATUS_IO, "old");
    expect_case("write:4:ENOSPC", STATUS_DISK_FULL, "old");
    expect_case("write:5", STATUS_OK, "new");
    expect_case("fsync:1", STATUS_IO, "old");
    expect_case("fsync:2", STATUS_IO, "new"); /* of the folder: the file is in place and whole */
    expect_case("fsync:3", STATUS_OK, "new");
    expect_case("rename:1", STATUS_IO, "old");
    expect_case("rename:2", STATUS_OK, "new");
    expect_case("read:1", STATUS_IO, "new");
    expect_case("read:2", STATUS_IO, "new");
    expect_case("read:3", STATUS_OK, "new");
}

static void killed_at_each_step(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *content;
        size_t left;
    } cases[] = {{"kill:storage_before_fsync", "old", 1},
                 {"kill:storage_before_rename", "old", 1},
                 {"kill:storage_after_rename", "new", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Error err;
        size_t removed;
        put_old();
        assert_int_equal(run_with(cases[i].fault), -SIGKILL);
        scratch_expect("f", cases[i].content);
        assert_int_equal(scratch_count(), 1 + cases[i].left);
        assert_int_equal(storage_clean(scratch_path, &removed, &err), STATUS_OK);
        assert_int_equal(removed, cases[i].left);
        assert_int_equal(scratch_count(), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nth_call_fails, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(killed_at_each_step, scratch_make, scratch_remove),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("storage/faults", tests, NULL, NULL);
}
