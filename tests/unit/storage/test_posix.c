/* The local file system: atomic replacement, reading, what is left behind and who removes it. */
#include "scratch_folder.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "base/pool.h"

static Error err;

static void replaces_whole_files(void **state)
{
    (void)state;
    StorageWriter *writer;
    scratch_put("new/folder/f", "old");
    assert_int_equal(storage_create(scratch_file("new/folder/f"), &writer, &err), STATUS_OK);
    assert_string_equal(writer->path, scratch_file("new/folder/f"));
    assert_int_equal(storage_write(writer, 3, "def", 3, &err), STATUS_OK);
    assert_int_equal(storage_write(writer, 0, "abc", 3, &err), STATUS_OK);
    scratch_expect("new/folder/f", "old");
    assert_int_equal(storage_commit(writer, &err), STATUS_OK);
    scratch_expect("new/folder/f", "abcdef");
    assert_int_equal(storage_create(scratch_file("new/folder/f"), &writer, &err), STATUS_OK);
    assert_int_equal(storage_write(writer, 0, "lost", 4, &err), STATUS_OK);
    storage_discard(writer);
    scratch_expect("new/folder/f", "abcdef");
}

static void keeps_permissions_and_links(void **state)
{
    (void)state;
    struct stat facts;
    scratch_put("real", "old");
    assert_int_equal(chmod(scratch_file("real"), 0640), 0);
    assert_int_equal(symlink(scratch_file("real"), scratch_file("link")), 0);
    scratch_put("link", "new");
    scratch_expect("real", "new");
    assert_int_equal(lstat(scratch_file("link"), &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
    assert_int_equal(stat(scratch_file("real"), &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    StorageWriter *writer;
    StorageReader *reader;
    scratch_put("f", "x");
    assert_int_equal(storage_create(scratch_path, &writer, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "folder"));
    assert_int_equal(storage_create("/dev/null", &writer, &err), STATUS_IO);
    assert_int_equal(storage_create(scratch_file("f/g"), &writer, &err), STATUS_IO);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(storage_open(scratch_path, &reader, &err), STATUS_IO);
    assert_int_equal(mkfifo(scratch_file("pipe"), 0600), 0);
    assert_int_equal(storage_open(scratch_file("pipe"), &reader, &err), STATUS_IO);
    assert_int_equal(storage_open(scratch_file("none"), &reader, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.file, scratch_file("none"));
}

#define MANY_FILES 300
#define FEW_DESCRIPTORS 64

static StorageReader *many[MANY_FILES];

static void read_many(void *context, int worker)
{
    _Atomic uint32_t *wrong = context;
    for (uint32_t i = 0; i < 4 * MANY_FILES; i++) {
        uint32_t file = (i * 7 + (uint32_t)worker * 31) % MANY_FILES, number = 0;
        Error ignored;
        error_init(&ignored);
        if (storage_read(many[file], 4, &number, sizeof number, &ignored) != STATUS_OK || number != file)
            atomic_fetch_add(wrong, 1);
    }
}

/* More readers than descriptors: each reads its own file, from many threads, and a file that was replaced is noticed. */
static void reads_more_files_than_may_be_open(void **state)
{
    (void)state;
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = FEW_DESCRIPTORS;
    for (uint32_t i = 0; i < MANY_FILES; i++) {
        char name[16];
        const uint32_t numbers[2] = {~i, i};
        snprintf(name, sizeof name, "many-%u", i);
        assert_int_equal(storage_write_file(scratch_file(name), numbers, sizeof numbers, &err), STATUS_OK);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (uint32_t i = 0; i < MANY_FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "many-%u", i);
        assert_int_equal(storage_open(scratch_file(name), &many[i], &err), STATUS_OK);
    }
    _Atomic uint32_t wrong = 0;
    ThreadPool *pool = pool_new(4);
    pool_run(pool, read_many, (void *)&wrong);
    pool_free(pool);
    assert_int_equal(wrong, 0);
    char bytes[4];
    scratch_put("many-0", "another");
    for (uint32_t i = 1; i < MANY_FILES; i++) /* the first gives its descriptor up, had it one */
        assert_int_equal(storage_read(many[i], 0, bytes, 4, &err), STATUS_OK);
    assert_int_equal(storage_read(many[0], 0, bytes, 4, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "took its place"));
    assert_int_equal(unlink(scratch_file("many-0")), 0);
    assert_int_equal(storage_read(many[0], 0, bytes, 4, &err), STATUS_NOT_FOUND);
    for (uint32_t i = 0; i < MANY_FILES; i++)
        storage_close(many[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void reads_at_offsets(void **state)
{
    (void)state;
    char bytes[8] = "";
    StorageReader *reader;
    scratch_put("f", "0123456789");
    assert_int_equal(storage_open(scratch_file("f"), &reader, &err), STATUS_OK);
    assert_int_equal(reader->size_bytes, 10);
    assert_int_equal(storage_read(reader, 7, bytes, 3, &err), STATUS_OK);
    assert_memory_equal(bytes, "789", 3);
    assert_int_equal(storage_read(reader, 10, bytes, 0, &err), STATUS_OK);
    assert_int_equal(storage_read(reader, 8, bytes, 3, &err), STATUS_CORRUPT);
    assert_int_equal(err.offset, 8);
    assert_string_equal(err.file, scratch_file("f"));
    assert_int_equal(storage_read(reader, UINT64_MAX, bytes, 3, &err), STATUS_CORRUPT);
    assert_int_equal(truncate(scratch_file("f"), 5), 0);
    assert_int_equal(storage_read(reader, 3, bytes, 4, &err), STATUS_CORRUPT);
    assert_int_equal(err.offset, 5);
    storage_close(reader);
    storage_close(NULL);
}

static void writes_files_larger_than_a_write_back_step(void **state)
{
    (void)state;
    enum { BLOCK = 1 << 20, N = 20 };
    uint8_t *block = mem_alloc(BLOCK);
    StorageWriter *writer;
    assert_int_equal(storage_create(scratch_file("f"), &writer, &err), STATUS_OK);
    for (uint32_t i = N; i-- > 0;) {
        memset(block, (int)i, BLOCK);
        assert_int_equal(storage_write(writer, (uint64_t)i * BLOCK, block, BLOCK, &err), STATUS_OK);
    }
    assert_int_equal(storage_commit(writer, &err), STATUS_OK);
    StorageReader *reader;
    assert_int_equal(storage_open(scratch_file("f"), &reader, &err), STATUS_OK);
    assert_int_equal(reader->size_bytes, (uint64_t)N * BLOCK);
    for (uint32_t i = 0; i < N; i++) {
        uint8_t byte = 255;
        assert_int_equal(storage_read(reader, (uint64_t)i * BLOCK + i, &byte, 1, &err), STATUS_OK);
        assert_int_equal(byte, i);
    }
    storage_close(reader);
    mem_free(block);
}

static void cleans_up_after_the_dead_only(void **state)
{
    (void)state;
    StorageWriter *writer;
    size_t removed = 99;
    scratch_put("f", "x");
    pid_t child = fork();
    if (child == 0) {
        Error child_err;
        bool made = storage_create(scratch_file("f"), &writer, &child_err) == STATUS_OK &&
                    storage_write(writer, 0, "abc", 3, &child_err) == STATUS_OK;
        _exit(made ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(storage_create(scratch_file("f"), &writer, &err), STATUS_OK);
    /* A file of the dead that bears the number of this living process, and names that only look alike. */
    char name[64];
    snprintf(name, sizeof name, ".f.tmp-%d-999999", (int)getpid());
    FILE *file = fopen(scratch_file(name), "w");
    assert_non_null(file);
    fclose(file);
    scratch_put("f.tmp-1-1", "x");
    scratch_put(".f.tmp-x-1", "x");
    assert_int_equal(scratch_count(), 6);
    assert_int_equal(storage_clean(scratch_path, &removed, &err), STATUS_OK);
    assert_int_equal(removed, 2);
    assert_int_equal(scratch_count(), 4);
    assert_int_equal(storage_write(writer, 0, "new", 3, &err), STATUS_OK);
    assert_int_equal(storage_commit(writer, &err), STATUS_OK);
    scratch_expect("f", "new");
    assert_int_equal(storage_clean(scratch_path, &removed, &err), STATUS_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(storage_clean(scratch_file("none"), &removed, &err), STATUS_OK);
}

static void removes_all_of_its_own(void **state)
{
    (void)state;
    StorageWriter *writers[3];
    scratch_put("0", "old");
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('0' + i), '\0'};
        assert_int_equal(storage_create(scratch_file(name), &writers[i], &err), STATUS_OK);
    }
    storage_discard(writers[1]);
    assert_int_equal(scratch_count(), 3);
    storage_discard_all();
    assert_int_equal(scratch_count(), 1);
    assert_int_equal(storage_commit(writers[0], &err), STATUS_NOT_FOUND);
    storage_discard(writers[2]);
    scratch_expect("0", "old");
}

static void takes_long_names(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'n', sizeof name);
    name[250] = '\0';
    scratch_put(name, "long");
    scratch_expect(name, "long");
    name[250] = 'n';
    name[299] = '\0';
    StorageWriter *writer;
    if (storage_create(scratch_file(name), &writer, &err) == STATUS_OK)
        assert_int_equal(storage_commit(writer, &err), STATUS_IO);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(scratch_count(), 1);
}

int main(void)
{
#define SCRATCH_TEST(function) cmocka_unit_test_setup_teardown(function, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(replaces_whole_files),
        SCRATCH_TEST(keeps_permissions_and_links),
        SCRATCH_TEST(refuses_what_is_no_file),
        SCRATCH_TEST(reads_at_offsets),
        SCRATCH_TEST(reads_more_files_than_may_be_open),
        SCRATCH_TEST(writes_files_larger_than_a_write_back_step),
        SCRATCH_TEST(cleans_up_after_the_dead_only),
        SCRATCH_TEST(removes_all_of_its_own),
        SCRATCH_TEST(takes_long_names),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("storage/posix", tests, NULL, NULL);
}
