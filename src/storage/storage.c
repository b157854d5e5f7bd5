/* Dispatch: a path's scheme picks the driver, and what all drivers share (sorted lists, NULL-safe closing) is here.
 *
 * Drivers are const tables (storage_internal.h).  A reader or writer carries its own table of functions, so only the
 * calls that start from a path look at the scheme. */
#include "storage/storage.h"

#include <errno.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/s3/s3_call.h"
#include "storage/s3/s3_probe.h"
#include "storage/storage_internal.h"

/* Length of "scheme" in "scheme://...", or 0. */
static size_t scheme_length(const char *path)
{
    size_t n = 0;
    while ((path[n] >= 'a' && path[n] <= 'z') || (n > 0 && path[n] >= '0' && path[n] <= '9'))
        n++;
    return n > 0 && strncmp(path + n, "://", 3) == 0 ? n : 0;
}

/* NULL, with `err` filled in, where there is none. */
static const StorageDriver *find_driver(const char *path, Error *err)
{
    size_t scheme = scheme_length(path);
    if (scheme == 0) {
        if (path[0] != '\0')
            return &POSIX_DRIVER;
        error_set(err, STATUS_USAGE, "an empty path names no file");
        error_hint(err, "give a file, a folder or a glob");
        return NULL;
    }
    if (scheme == 2 && memcmp(path, "s3", 2) == 0)
        return &S3_DRIVER;
    error_set(err, STATUS_UNSUPPORTED, "there is no storage called '%.*s'", (int)scheme, path);
    error_at_file(err, path);
    error_hint(err, "paths are local, or begin with s3://");
    return NULL;
}

bool storage_is_local(const char *path)
{
    return scheme_length(path) == 0;
}

Status storage_open(const char *path, StorageReader **ret_reader, Error *err)
{
    const StorageDriver *driver = find_driver(path, err);
    if (!driver)
        return err->code;
    return driver->open(path, ret_reader, err);
}

static Status check_range(const StorageReader *reader, uint64_t offset, size_t size, Error *err)
{
    if (size <= reader->size_bytes && offset <= reader->size_bytes - size)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "%zu bytes at offset %llu are wanted, but the file has only %llu bytes", size,
              (unsigned long long)offset, (unsigned long long)reader->size_bytes);
    error_at_file(err, reader->path);
    error_at_offset(err, (int64_t)offset);
    return error_hint(err, "the file is cut short or still being written: copy or make it anew");
}

Status storage_read(StorageReader *reader, uint64_t offset, void *bytes, size_t size, Error *err)
{
    TRY(check_range(reader, offset, size, err));
    return reader->ops->read(reader, offset, bytes, size, err);
}

Status storage_read_ranges(StorageReader *reader, const StorageRange *ranges, size_t n, Error *err)
{
    for (size_t i = 0; i < n; i++)
        TRY(check_range(reader, ranges[i].offset, ranges[i].size, err));
    if (reader->ops->read_ranges)
        return reader->ops->read_ranges(reader, ranges, n, err);
    for (size_t i = 0; i < n; i++)
        TRY(reader->ops->read(reader, ranges[i].offset, ranges[i].bytes, ranges[i].size, err));
    return STATUS_OK;
}

bool storage_can_keep(const StorageReader *reader)
{
    return reader->ops->keep != NULL;
}

Status storage_keep(StorageReader *reader, const StorageRange *ranges, size_t n, Error *err)
{
    CHECK(reader->ops->keep);
    for (size_t i = 0; i < n; i++)
        TRY(check_range(reader, ranges[i].offset, ranges[i].size, err));
    return reader->ops->keep(reader, ranges, n, err);
}

void storage_drop(StorageReader *reader, uint64_t offset, uint64_t end)
{
    if (reader->ops->drop)
        reader->ops->drop(reader, offset, end);
}

void storage_close(StorageReader *reader)
{
    if (reader)
        reader->ops->close(reader);
}

void storage_close_cleanup(StorageReader **reader)
{
    storage_close(*reader);
}

Status storage_create(const char *path, StorageWriter **ret_writer, Error *err)
{
    const StorageDriver *driver = find_driver(path, err);
    if (!driver)
        return err->code;
    return driver->create(path, ret_writer, err);
}

Status storage_create_unnamed(const char *folder, StorageWriter **ret_writer, Error *err)
{
    const StorageDriver *driver = find_driver(folder, err);
    if (!driver)
        return err->code;
    return driver->create_unnamed(folder, ret_writer, err);
}

Status storage_write(StorageWriter *writer, uint64_t offset, const void *bytes, size_t size, Error *err)
{
    return writer->ops->write(writer, offset, bytes, size, err);
}

Status storage_commit(StorageWriter *writer, Error *err)
{
    return writer->ops->commit(writer, err);
}

Status storage_commit_new(StorageWriter *writer, bool *ret_created, Error *err)
{
    return writer->ops->commit_new(writer, ret_created, err);
}

Status storage_commit_as(StorageWriter *writer, const char *path, Error *err)
{
    return writer->ops->commit_as(writer, path, err);
}

void storage_discard(StorageWriter *writer)
{
    if (writer)
        writer->ops->discard(writer);
}

void storage_list_add(StorageList *list, const char *path, uint64_t size_bytes, int64_t modified_ms)
{
    if ((list->n & (list->n - 1)) == 0)
        list->entries = mem_realloc(list->entries, sizeof *list->entries * (list->n ? list->n * 2 : 1));
    list->entries[list->n++] =
        (StorageEntry){.path = arena_strdup(&list->arena, path), .size_bytes = size_bytes, .modified_ms = modified_ms};
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const StorageEntry *)a)->path, ((const StorageEntry *)b)->path);
}

static void sort_distinct(StorageList *list)
{
    if (list->n == 0)
        return;
    qsort(list->entries, list->n, sizeof *list->entries, compare_entries);
    size_t n = 1;
    for (size_t i = 1; i < list->n; i++)
        if (strcmp(list->entries[i].path, list->entries[n - 1].path) != 0)
            list->entries[n++] = list->entries[i];
    list->n = n;
}

Status storage_list(const char *pattern, StorageList *ret_list, Error *err)
{
    const StorageDriver *driver = find_driver(pattern, err);
    if (!driver)
        return err->code;
    StorageList list = {0};
    arena_init(&list.arena);
    Status status = driver->list(pattern, &list, err);
    if (status == STATUS_OK && list.n == 0) {
        status = error_set(err, STATUS_NOT_FOUND, "no file matches '%s'", pattern);
        driver->explain_no_match(pattern, err);
    }
    if (status != STATUS_OK) {
        storage_list_done(&list);
        return status;
    }
    sort_distinct(&list);
    *ret_list = list;
    return STATUS_OK;
}

void storage_list_done(StorageList *list)
{
    mem_free(list->entries);
    arena_done(&list->arena);
    list->entries = NULL;
    list->n = 0;
}

Status storage_list_folder(const char *folder, bool deep, const char *from, StorageList *ret_list, Error *err)
{
    const StorageDriver *driver = find_driver(folder, err);
    if (!driver)
        return err->code;
    StorageList list = {0};
    arena_init(&list.arena);
    Status status = driver->list_folder(folder, deep, from, &list, err);
    if (status != STATUS_OK) {
        storage_list_done(&list);
        return status;
    }
    sort_distinct(&list);
    *ret_list = list;
    return STATUS_OK;
}

/* ---- whole files ---- */

Status storage_stat(const char *path, StorageFacts *ret_facts, Error *err)
{
    const StorageDriver *driver = find_driver(path, err);
    if (!driver)
        return err->code;
    return driver->stat(path, ret_facts, err);
}

Status storage_remove(const char *path, Error *err)
{
    const StorageDriver *driver = find_driver(path, err);
    if (!driver)
        return err->code;
    return driver->remove(path, err);
}

/* A folder that is filled at the same time stays. */
static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)where;
    bool removed = kind == FTW_DP ? rmdir(path) == 0 : unlink(path) == 0;
    return removed || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST ? 0 : errno;
}

static Status remove_local_folder(const char *folder, Error *err)
{
    int failed = nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (failed < 0)
        failed = errno == ENOENT ? 0 : errno;
    if (failed == 0)
        return STATUS_OK;
    error_set_errno(err, failed, "removing the folder failed");
    return error_at_file(err, folder);
}

Status storage_remove_folder(const char *folder, const char *first, Error *err)
{
    StorageList list;
    CLEANUP(mem_cleanup) char *leader = first ? mem_printf("%s/%s", folder, first) : NULL;
    if (leader)
        TRY(storage_remove(leader, err));
    if (storage_is_local(folder))
        return remove_local_folder(folder, err);
    TRY(storage_list_folder(folder, true, NULL, &list, err));
    Status status = STATUS_OK;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++)
        status = storage_remove(list.entries[i].path, err);
    storage_list_done(&list);
    return status;
}

Status storage_read_file(const char *path, size_t max_bytes, Arena *arena, StrView *ret_bytes, Error *err)
{
    CLEANUP(storage_close_cleanup) StorageReader *reader = NULL;
    TRY(storage_open(path, &reader, err));
    if (reader->size_bytes > max_bytes || reader->size_bytes > UINT32_MAX - 1) {
        error_set(err, STATUS_DATA, "the file has %llu bytes, and at most %zu are read",
                  (unsigned long long)reader->size_bytes, max_bytes);
        return error_at_file(err, path);
    }
    uint32_t size = (uint32_t)reader->size_bytes;
    char *bytes = arena_alloc(arena, (size_t)size + 1);
    TRY(storage_read(reader, 0, bytes, size, err));
    bytes[size] = '\0';
    *ret_bytes = (StrView){bytes, size};
    return STATUS_OK;
}

static Status write_whole(const char *path, const void *bytes, size_t size, StorageWriter **ret_writer, Error *err)
{
    StorageWriter *writer;
    TRY(storage_create(path, &writer, err));
    Status status = storage_write(writer, 0, bytes, size, err);
    if (status != STATUS_OK) {
        storage_discard(writer);
        return status;
    }
    *ret_writer = writer;
    return STATUS_OK;
}

Status storage_write_file(const char *path, const void *bytes, size_t size, Error *err)
{
    StorageWriter *writer;
    TRY(write_whole(path, bytes, size, &writer, err));
    return storage_commit(writer, err);
}

Status storage_put_new(const char *path, const void *bytes, size_t size, bool *ret_created, Error *err)
{
    StorageWriter *writer;
    TRY(write_whole(path, bytes, size, &writer, err));
    return storage_commit_new(writer, ret_created, err);
}

Status storage_make_folder(const char *path, Error *err)
{
    const StorageDriver *driver = find_driver(path, err);
    if (!driver)
        return err->code;
    return driver->make_folder(path, err);
}

Status storage_clean(const char *folder, size_t *ret_removed, Error *err)
{
    const StorageDriver *driver = find_driver(folder, err);
    if (!driver)
        return err->code;
    return driver->clean(folder, ret_removed, err);
}

void storage_discard_all(void)
{
    POSIX_DRIVER.discard_all();
    S3_DRIVER.discard_all();
}

/* ---- for boundaries ---- */

static void (*_Atomic notice_function)(const char *text);

void storage_set_notice(void (*notice)(const char *text))
{
    atomic_store(&notice_function, notice);
}

void storage_notice(const char *text)
{
    void (*notice)(const char *) = atomic_load(&notice_function);
    if (notice)
        notice(text);
}

Status storage_probe(const char *folder, StorageProbed found, void *context, Error *err)
{
    return storage_is_local(folder) ? STATUS_OK : s3_probe(folder, found, context, err);
}

StorageTraffic storage_traffic(void)
{
    S3Counts counts = s3_counts();
    return (StorageTraffic){.requests = counts.requests,
                            .retries = counts.retries,
                            .bytes_received = counts.bytes_received,
                            .bytes_sent = counts.bytes_sent};
}
