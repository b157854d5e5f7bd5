/* A folder for one test, and small helpers around it. */
#ifndef FREIGHTLAKE_TESTS_UNIT_STORAGE_SCRATCH_FOLDER_H
#define FREIGHTLAKE_TESTS_UNIT_STORAGE_SCRATCH_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/storage.h"

static char scratch_path[256];

static inline int scratch_make(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(scratch_path, sizeof scratch_path, "%s/freightlake-storage-XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(scratch_path) ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
    (void)facts, (void)kind, (void)walk;
    return remove(path);
}

static inline int scratch_remove(void **state)
{
    (void)state;
    return nftw(scratch_path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in the folder; the text lives until the ninth call after it. */
static inline const char *scratch_file(const char *name)
{
    static char paths[8][600];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_path, name);
    return path;
}

static inline void scratch_put(const char *name, const char *text)
{
    Error err;
    error_init(&err);
    StorageWriter *writer;
    assert_int_equal(storage_create(scratch_file(name), &writer, &err), STATUS_OK);
    assert_int_equal(storage_write(writer, 0, text, strlen(text), &err), STATUS_OK);
    assert_int_equal(storage_commit(writer, &err), STATUS_OK);
}

static inline void scratch_expect(const char *name, const char *text)
{
    char found[4096] = "";
    FILE *file = fopen(scratch_file(name), "rb");
    assert_non_null(file);
    size_t n = fread(found, 1, sizeof found - 1, file);
    fclose(file);
    found[n] = '\0';
    assert_string_equal(found, text);
}

/* Number of names in the folder itself. */
static inline int scratch_count(void)
{
    int n = 0;
    DIR *folder = opendir(scratch_path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return n;
}

#endif
