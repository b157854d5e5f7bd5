/* The local file system's driver; its readers are posix_reader.c's.
 *
 * A writer's life:
 *   create   folder made, ".NAME.tmp-PID-N" made beside NAME, locked with flock, put into the registry
 *   write    pwrite at any offset; the kernel is told to start writing back every few MiB, so that the last fsync is short
 *   commit   fsync file, rename over NAME (commit_new: link to NAME, which fails when it is there), fsync folder
 *   discard  unlink
 * Invariants: (1) NAME is either the older file or the whole newer one; (2) a temporary file without a lock has no living
 * writer.  By (2) storage_clean needs no guess about process numbers, which the system uses again: the lock ends with
 * its process.  A cleaner may catch a temporary file between its making and its locking; the writer sees that its file
 * has lost its name and makes another.
 *
 * After the rename a failed fsync of the folder is reported though NAME is the newer file: whole, but perhaps the older
 * one again after a power failure. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "storage/storage_internal.h"

#define WRITE_BACK_BYTES ((uint64_t)8 << 20)
#define TEMPORARY_NAME_MAX 160 /* bytes of NAME kept in the temporary name, so that the whole fits a file name */

typedef struct PosixWriter {
    StorageWriter base;
    int fd;
    char *path;   /* as the caller wrote it */
    char *target; /* where it ends up: `path` with a link at its end followed */
    char *temporary;
    char *folder;
    _Atomic uint64_t unsynced_bytes;
    struct PosixWriter *previous, *next; /* registry */
} PosixWriter;

/* Unfinished writers of this process, so that an interrupt can remove their files. */
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static PosixWriter *registry;
static _Atomic uint64_t temporary_counter;

static const char *hint_of_errno(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
        return "check the permissions of the file and of the folders above it";
    case EROFS:
        return "the file system is read-only: write somewhere else";
    case ENOSPC:
        return "free some space on the device, or write to another one";
    case EDQUOT:
        return "the user's quota is used up: free some space, or write somewhere else";
    case EISDIR:
        return "this is a folder: name a file in it";
    case ENOTDIR:
        return "a part of the path is a file, not a folder";
    case EMFILE:
    case ENFILE:
        return "too many files are open: raise the limit with 'ulimit -n'";
    case ENAMETOOLONG:
        return "the path is too long for the file system";
    case ELOOP:
        return "the path runs through links that point at each other";
    case EFBIG:
        return "the file is larger than the file system or 'ulimit -f' allows";
    case EIO:
        return "the device reports a fault: look at the system's log";
    default:
        return NULL;
    }
}

Status posix_error(Error *err, int number, const char *action, const char *path)
{
    error_set_errno(err, number, "%s failed", action);
    error_at_file(err, path);
    const char *hint = hint_of_errno(number);
    return hint ? error_hint(err, "%s", hint) : err->code;
}

bool posix_is_temporary_name(const char *name, int64_t *ret_pid)
{
    const char *mark = NULL;
    for (const char *at = name; (at = strstr(at, ".tmp-")); at++)
        mark = at;
    if (name[0] != '.' || !mark || mark == name)
        return false;
    const char *digits = mark + 5;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 10 || digits[n] != '-')
        return false;
    const char *number = digits + n + 1;
    size_t m = strspn(number, "0123456789");
    if (m == 0 || number[m] != '\0')
        return false;
    *ret_pid = strtoll(digits, NULL, 10);
    return true;
}

/* ---- folders ---- */

static Status sync_folder(const char *folder, Error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return posix_error(err, errno, "opening the folder", folder);
    int failed = fault_hit(FAULT_FSYNC) ? -1 : fsync(fd);
    int number = errno;
    close(fd);
    if (failed && number != EINVAL) /* EINVAL: this file system cannot flush folders */
        return posix_error(err, number, "flushing the folder", folder);
    return STATUS_OK;
}

/* The folder of `path`, "." when there is none. */
static char *folder_of(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length == 0)
        return mem_strdup(".");
    char *folder = mem_alloc(length + 1);
    memcpy(folder, path, length);
    folder[length] = '\0';
    return folder;
}

static Status posix_make_folder(const char *path, Error *err)
{
    struct stat facts;
    if (stat(path, &facts) == 0)
        return S_ISDIR(facts.st_mode) ? STATUS_OK : posix_error(err, ENOTDIR, "making the folder", path);
    if (errno != ENOENT)
        return posix_error(err, errno, "making the folder", path);
    CLEANUP(mem_cleanup) char *parent = folder_of(path);
    if (strcmp(parent, path) == 0)
        return posix_error(err, ENOENT, "making the folder", path);
    TRY(posix_make_folder(parent, err));
    if (fault_hit(FAULT_WRITE) || (mkdir(path, 0777) != 0 && errno != EEXIST))
        return posix_error(err, errno, "making the folder", path);
    return sync_folder(parent, err);
}

/* ---- writing ---- */

static void registry_add(PosixWriter *writer)
{
    pthread_mutex_lock(&registry_mutex);
    writer->next = registry;
    if (registry)
        registry->previous = writer;
    registry = writer;
    pthread_mutex_unlock(&registry_mutex);
}

static void registry_remove(PosixWriter *writer)
{
    pthread_mutex_lock(&registry_mutex);
    if (writer->previous)
        writer->previous->next = writer->next;
    else
        registry = writer->next;
    if (writer->next)
        writer->next->previous = writer->previous;
    pthread_mutex_unlock(&registry_mutex);
}

static void posix_discard_all(void)
{
    pthread_mutex_lock(&registry_mutex);
    for (PosixWriter *writer = registry; writer; writer = writer->next)
        unlink(writer->temporary);
    pthread_mutex_unlock(&registry_mutex);
}

static void writer_free(PosixWriter *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    mem_free(writer->temporary);
    mem_free(writer->target);
    mem_free(writer->folder);
    mem_free(writer->path);
    mem_free(writer);
}

static Status posix_write(StorageWriter *base, uint64_t offset, const void *bytes, size_t size, Error *err)
{
    PosixWriter *writer = (PosixWriter *)base;
    size_t done = 0;
    while (done < size) {
        ssize_t n = fault_hit(FAULT_WRITE)
                        ? -1
                        : pwrite(writer->fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            posix_error(err, n < 0 ? errno : ENOSPC, "writing", writer->path);
            return error_at_offset(err, (int64_t)(offset + done));
        }
        done += (size_t)n;
    }
    uint64_t before = atomic_fetch_add(&writer->unsynced_bytes, size);
    if (before / WRITE_BACK_BYTES != (before + size) / WRITE_BACK_BYTES)
        sync_file_range(writer->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* advice: a failure shows in fsync */
    return STATUS_OK;
}

static Status flush(PosixWriter *writer, Error *err)
{
    fault_step("storage_before_fsync");
    if (fault_hit(FAULT_FSYNC) || fsync(writer->fd) != 0)
        return posix_error(err, errno, "flushing", writer->path);
    fault_step("storage_before_rename");
    return STATUS_OK;
}

static Status flush_and_rename(PosixWriter *writer, Error *err)
{
    TRY(flush(writer, err));
    if (fault_hit(FAULT_RENAME) || rename(writer->temporary, writer->target) != 0)
        return posix_error(err, errno, "replacing the file", writer->path);
    fault_step("storage_after_rename");
    return STATUS_OK;
}

static void posix_discard(StorageWriter *base)
{
    PosixWriter *writer = (PosixWriter *)base;
    unlink(writer->temporary);
    registry_remove(writer);
    writer_free(writer);
}

/* The writer's file is at its path: the folder is flushed, the writer goes. */
static Status leave_in_place(PosixWriter *writer, Error *err)
{
    registry_remove(writer);
    Status status = sync_folder(writer->folder, err);
    if (status != STATUS_OK)
        error_hint(err, "the file is in place and whole, but may be lost by a power failure");
    writer_free(writer);
    return status;
}

static Status posix_commit(StorageWriter *base, Error *err)
{
    PosixWriter *writer = (PosixWriter *)base;
    Status status = flush_and_rename(writer, err);
    if (status != STATUS_OK) {
        posix_discard(base);
        return status;
    }
    return leave_in_place(writer, err);
}

static Status posix_commit_new(StorageWriter *base, bool *ret_created, Error *err)
{
    PosixWriter *writer = (PosixWriter *)base;
    Status status = flush(writer, err);
    int number = 0;
    if (status == STATUS_OK && (fault_hit(FAULT_RENAME) || link(writer->temporary, writer->target) != 0))
        number = errno;
    if (number != 0 && number != EEXIST)
        status = posix_error(err, number, "creating the file", writer->path);
    if (status != STATUS_OK || number == EEXIST) {
        posix_discard(base);
        if (status == STATUS_OK)
            *ret_created = false;
        return status;
    }
    fault_step("storage_after_rename");
    unlink(writer->temporary);
    *ret_created = true;
    return leave_in_place(writer, err);
}

static Status posix_commit_as(StorageWriter *base, const char *path, Error *err)
{
    PosixWriter *writer = (PosixWriter *)base;
    CLEANUP(mem_cleanup) char *folder = folder_of(path);
    CHECK(strcmp(folder, writer->folder) == 0);
    mem_free(writer->path);
    mem_free(writer->target);
    writer->path = mem_strdup(path);
    writer->target = mem_strdup(path);
    writer->base.path = writer->path;
    return posix_commit(base, err);
}

static const StorageWriterOps POSIX_WRITER_OPS = {.write = posix_write,
                                                  .commit = posix_commit,
                                                  .commit_new = posix_commit_new,
                                                  .commit_as = posix_commit_as,
                                                  .discard = posix_discard};

/* Makes and locks one temporary file; *ret_taken is false when a cleaner was quicker than the lock. */
static Status open_temporary(PosixWriter *writer, mode_t mode, bool *ret_taken, Error *err)
{
    const char *name = strrchr(writer->target, '/');
    name = name ? name + 1 : writer->target;
    mem_free(writer->temporary);
    writer->temporary = mem_printf("%s/.%.*s.tmp-%lld-%llu", writer->folder, TEMPORARY_NAME_MAX, name,
                                   (long long)getpid(), (unsigned long long)atomic_fetch_add(&temporary_counter, 1));
    int fd = fault_hit(FAULT_WRITE) ? -1 : open(writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) { /* left by a dead process that had this one's number */
        *ret_taken = false;
        return STATUS_OK;
    }
    if (fd < 0)
        return posix_error(err, errno, "making a temporary file beside it", writer->path);
    writer->fd = fd;
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    } /* a file system without locks is cleaned by process number */
    struct stat facts;
    *ret_taken = fstat(fd, &facts) == 0 && facts.st_nlink > 0;
    if (!*ret_taken) {
        close(fd);
        writer->fd = -1;
    }
    return STATUS_OK;
}

/* Where writing to `path` ends up, for the caller to free, and the permissions of a file that is there (else 0).  NULL,
 * with `err` filled in, where nothing can be written. */
static char *find_target(const char *path, mode_t *ret_mode, Error *err)
{
    struct stat facts;
    if (path[strlen(path) - 1] == '/') {
        posix_error(err, EISDIR, "writing", path);
        return NULL;
    }
    if (stat(path, &facts) != 0) {
        if (errno == ENOENT)
            return mem_strdup(path);
        posix_error(err, errno, "writing", path);
        return NULL;
    }
    if (posix_check_is_file(&facts, path, err) != STATUS_OK)
        return NULL;
    char *resolved = realpath(path, NULL);
    if (!resolved)
        posix_error(err, errno, "writing", path);
    *ret_mode = facts.st_mode & 0777;
    return resolved;
}

static Status posix_create(const char *path, StorageWriter **ret_writer, Error *err)
{
    mode_t mode = 0;
    char *target = find_target(path, &mode, err);
    if (!target)
        return err->code;
    PosixWriter *writer = mem_zalloc(sizeof *writer);
    writer->base.ops = &POSIX_WRITER_OPS;
    writer->base.path = writer->path = mem_strdup(path);
    writer->target = target;
    writer->folder = folder_of(target);
    writer->fd = -1;
    Status status = posix_make_folder(writer->folder, err);
    bool taken = false;
    for (int attempt = 0; status == STATUS_OK && !taken && attempt < 100; attempt++)
        status = open_temporary(writer, 0666, &taken, err);
    if (status == STATUS_OK && !taken)
        status = posix_error(err, EEXIST, "making a temporary file beside it", path);
    if (status != STATUS_OK) {
        writer_free(writer);
        return status;
    }
    if (mode)
        (void)!fchmod(writer->fd, mode); /* a replaced file keeps its permissions where the system lets it */
    registry_add(writer);
    *ret_writer = &writer->base;
    return STATUS_OK;
}

/* A temporary file has a name of its own anyway. */
static Status posix_create_unnamed(const char *folder, StorageWriter **ret_writer, Error *err)
{
    CLEANUP(mem_cleanup) char *path = mem_printf("%s/incoming", folder);
    return posix_create(path, ret_writer, err);
}

/* ---- what is there ---- */

static Status posix_stat(const char *path, StorageFacts *ret_facts, Error *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return posix_error(err, errno, "looking at", path);
        *ret_facts = (StorageFacts){.exists = false};
        return STATUS_OK;
    }
    *ret_facts = (StorageFacts){.exists = true,
                                .size_bytes = (uint64_t)facts.st_size,
                                .modified_ms = facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1000000};
    return STATUS_OK;
}

static Status posix_remove(const char *path, Error *err)
{
    if (fault_hit(FAULT_WRITE) || (unlink(path) != 0 && errno != ENOENT))
        return posix_error(err, errno, "removing", path);
    return STATUS_OK;
}

static Status posix_list_folder(const char *folder, bool deep, const char *from, StorageList *list, Error *err);

/* One entry of a folder: a plain file is added, a folder is gone into when `deep`. */
static Status list_entry(int folder_fd, const char *folder, const char *name, bool deep, StorageList *list, Error *err)
{
    struct stat facts;
    if (fstatat(folder_fd, name, &facts, 0) != 0)
        return STATUS_OK; /* gone in the meantime, or a link to nothing */
    CLEANUP(mem_cleanup) char *path = mem_printf("%s/%s", folder, name);
    if (S_ISREG(facts.st_mode))
        storage_list_add(list, path, (uint64_t)facts.st_size,
                         facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1000000);
    else if (S_ISDIR(facts.st_mode) && deep)
        return posix_list_folder(path, true, NULL, list, err);
    return STATUS_OK;
}

static Status posix_list_folder(const char *folder, bool deep, const char *from, StorageList *list, Error *err)
{
    DIR *stream = opendir(folder);
    if (!stream)
        return errno == ENOENT ? STATUS_OK : posix_error(err, errno, "reading the folder", folder);
    Status status = STATUS_OK;
    struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(stream))) {
        int64_t pid;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            posix_is_temporary_name(entry->d_name, &pid) || (from && strcmp(entry->d_name, from) < 0))
            continue;
        status = list_entry(dirfd(stream), folder, entry->d_name, deep, list, err);
    }
    closedir(stream);
    return status;
}

/* ---- cleaning up after dead processes ---- */

/* Whether nobody writes to the temporary file any more. */
static bool is_abandoned(int fd, int64_t pid)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return false;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH; /* no locks on this file system */
}

static Status posix_clean(const char *folder, size_t *ret_removed, Error *err)
{
    size_t removed = 0;
    DIR *stream = opendir(folder);
    if (!stream) {
        if (errno != ENOENT)
            return posix_error(err, errno, "reading the folder", folder);
        *ret_removed = 0;
        return STATUS_OK;
    }
    struct dirent *entry;
    while ((entry = readdir(stream))) {
        int64_t pid;
        if (!posix_is_temporary_name(entry->d_name, &pid))
            continue;
        int fd = openat(dirfd(stream), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
            continue;
        if (is_abandoned(fd, pid) && unlinkat(dirfd(stream), entry->d_name, 0) == 0)
            removed++;
        close(fd);
    }
    closedir(stream);
    *ret_removed = removed;
    return STATUS_OK;
}

const StorageDriver POSIX_DRIVER = {.open = posix_open,
                                    .create = posix_create,
                                    .create_unnamed = posix_create_unnamed,
                                    .list = posix_glob,
                                    .explain_no_match = posix_explain_no_match,
                                    .list_folder = posix_list_folder,
                                    .stat = posix_stat,
                                    .remove = posix_remove,
                                    .make_folder = posix_make_folder,
                                    .clean = posix_clean,
                                    .discard_all = posix_discard_all};
