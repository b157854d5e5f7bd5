/* Locks: flock on a file below LAKE/_freightlake/locks; the kernel gives it back when the process ends, however it ends. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/pool.h"
#include "lake/lake.h"

struct LakeLock {
    int fd;
};

static Status lock_error(const char *path, const char *action, Error *err)
{
    error_set_errno(err, errno, "%s the lock failed", action);
    return error_at_file(err, path);
}

static Status open_lock(const Lake *lake, const char *name, int *ret_fd, char **ret_path, Error *err)
{
    CLEANUP(mem_cleanup) char *folder = mem_printf("%s/locks", lake->control);
    TRY(storage_make_folder(folder, err));
    char *path = mem_printf("%s/%s.lock", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        lock_error(path, "opening", err);
        mem_free(path);
        return err->code;
    }
    *ret_fd = fd;
    *ret_path = path;
    return STATUS_OK;
}

static LakeLock *lock_new(int fd)
{
    LakeLock *lock = mem_zalloc(sizeof *lock);
    lock->fd = fd;
    return lock;
}

Status lake_lock(const Lake *lake, const char *name, void (*waiting)(void *context, const char *name), void *context,
                 LakeLock **ret_lock, Error *err)
{
    CLEANUP(mem_cleanup) char *path = NULL;
    int fd = -1;
    TRY(open_lock(lake, name, &fd, &path, err));
    int failed = flock(fd, LOCK_EX | LOCK_NB);
    if (failed && errno == EWOULDBLOCK && waiting)
        waiting(context, name);
    while (failed && (errno == EWOULDBLOCK || errno == EINTR)) {
        if (interrupt_check(err) != STATUS_OK) {
            close(fd);
            return err->code;
        }
        failed = flock(fd, LOCK_EX);
    }
    if (failed) {
        lock_error(path, "taking", err);
        close(fd);
        return err->code;
    }
    *ret_lock = lock_new(fd);
    return STATUS_OK;
}

Status lake_try_lock(const Lake *lake, const char *name, LakeLock **ret_lock, Error *err)
{
    CLEANUP(mem_cleanup) char *path = NULL;
    int fd = -1;
    TRY(open_lock(lake, name, &fd, &path, err));
    *ret_lock = NULL;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        *ret_lock = lock_new(fd);
    else
        close(fd);
    return STATUS_OK;
}

void lake_unlock(LakeLock *lock)
{
    if (!lock)
        return;
    close(lock->fd);
    mem_free(lock);
}
