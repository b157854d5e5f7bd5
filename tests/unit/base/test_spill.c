/* base/spill.c: blocks come back as they were, from any thread; limits and missing folders are errors; nothing is
 * ever visible in the folder. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/spill.h"

static char folder[] = "/tmp/test-spill-XXXXXX";

static int make_folder(void **unused)
{
    (void)unused;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **unused)
{
    (void)unused;
    return rmdir(folder); /* fails where something is left in it */
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        n += entry->d_name[0] != '.';
    closedir(directory);
    return n;
}

static void blocks_come_back(void **unused)
{
    (void)unused;
    SpillSpace space;
    SpillFile *file;
    Error err;
    error_init(&err);
    spill_space_init(&space, folder, 0);
    assert_int_equal(spill_file_new(&space, &file, &err), STATUS_OK);
    assert_int_equal(files_in_folder(), 0);
    uint64_t first, second;
    char block[70000], back[70000];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 31 + i / 251);
    assert_int_equal(spill_file_append(file, block, sizeof block, &first, &err), STATUS_OK);
    assert_int_equal(spill_file_append(file, "abc", 3, &second, &err), STATUS_OK);
    assert_int_equal(first, 0);
    assert_int_equal(second, sizeof block);
    assert_int_equal(spill_file_size(file), sizeof block + 3);
    assert_int_equal(spill_file_read(file, first, back, sizeof back, &err), STATUS_OK);
    assert_memory_equal(block, back, sizeof block);
    assert_int_equal(spill_file_read(file, second + 1, back, 2, &err), STATUS_OK);
    assert_memory_equal(back, "bc", 2);
    assert_int_equal(spill_file_read(file, second + 1, back, 3, &err), STATUS_IO); /* past the end */
    assert_int_equal(atomic_load(&space.used), sizeof block + 3);
    assert_int_equal(spill_file_clear(file, &err), STATUS_OK);
    assert_int_equal(atomic_load(&space.used), 0);
    assert_int_equal(spill_file_append(file, "xyz", 3, &first, &err), STATUS_OK);
    assert_int_equal(first, 0);
    assert_int_equal(spill_file_read(file, 0, back, 3, &err), STATUS_OK);
    assert_memory_equal(back, "xyz", 3);
    spill_file_free(file);
    assert_int_equal(atomic_load(&space.used), 0);
    assert_int_equal(atomic_load(&space.peak), sizeof block + 3);
    assert_int_equal(atomic_load(&space.written), sizeof block + 6);
    assert_int_equal(files_in_folder(), 0);
}

static void the_limit_is_of_all_files(void **unused)
{
    (void)unused;
    SpillSpace space;
    SpillFile *a, *b;
    Error err;
    error_init(&err);
    spill_space_init(&space, folder, 1000);
    assert_int_equal(spill_file_new(&space, &a, &err), STATUS_OK);
    assert_int_equal(spill_file_new(&space, &b, &err), STATUS_OK);
    char block[600] = {0};
    assert_int_equal(spill_file_append(a, block, sizeof block, NULL, &err), STATUS_OK);
    assert_int_equal(spill_file_append(b, block, sizeof block, NULL, &err), STATUS_SPILL);
    assert_non_null(strstr(err.message, "1.00 kB"));
    assert_non_null(strstr(err.hint, "--spill-limit"));
    spill_file_free(a);
    assert_int_equal(spill_file_append(b, block, sizeof block, NULL, &err), STATUS_OK);
    spill_file_free(b);
}

static void a_missing_folder_is_named(void **unused)
{
    (void)unused;
    SpillSpace space;
    SpillFile *file = NULL;
    Error err;
    error_init(&err);
    spill_space_init(&space, "/nowhere/at/all", 0);
    assert_int_equal(spill_file_new(&space, &file, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.file, "/nowhere/at/all");
    assert_non_null(strstr(err.hint, "--spill-dir"));
    assert_null(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back),
        cmocka_unit_test(the_limit_is_of_all_files),
        cmocka_unit_test(a_missing_folder_is_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
