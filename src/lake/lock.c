/* Locks below LAKE/_freightlake/locks.  On the local file system: flock on a file, which the kernel gives back when the
 * process ends, however it ends.  Elsewhere: a lease (lease.h). */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/pool.h"
#include "lake/lake.h"
#include "lake/lease.h"

struct LakeLock {
    int fd;
    Lease *lease; /* then fd is -1 */
};

static Status lock_error(const char *path, const char *action, Error *err)
{
    error_set_errno(err, errno, "%s the lock failed", action);
    error_at_file(err, path);
    return error_hint(err, "jobs that change the lake write there: let this user do so");
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

static LakeLock *lock_new(int fd, Lease *lease)
{
    LakeLock *lock = mem_zalloc(sizeof *lock);
    lock->fd = fd;
    lock->lease = lease;
    return lock;
}

typedef struct LeaseWaiting {
    void (*waiting)(void *context, const char *name);
    void *context;
    const char *name;
} LeaseWaiting;

static void say_waiting(void *context)
{
    const LeaseWaiting *waiting = context;
    if (waiting->waiting)
        waiting->waiting(waiting->context, waiting->name);
}

static Status lock_by_lease(const Lake *lake, const char *name, LeaseWaiting *waiting, LakeLock **ret_lock, Error *err)
{
    CLEANUP(mem_cleanup) char *folder = mem_printf("%s/locks/%s", lake->control, name);
    Lease *lease;
    if (waiting)
        TRY(lease_take(folder, say_waiting, waiting, &lease, err));
    else
        TRY(lease_try(folder, &lease, err));
    *ret_lock = lease ? lock_new(-1, lease) : NULL;
    return STATUS_OK;
}

Status lake_lock(const Lake *lake, const char *name, void (*waiting)(void *context, const char *name), void *context,
                 LakeLock **ret_lock, Error *err)
{
    if (!storage_is_local(lake->control))
        return lock_by_lease(lake, name, &(LeaseWaiting){waiting, context, name}, ret_lock, err);
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
    *ret_lock = lock_new(fd, NULL);
    return STATUS_OK;
}

Status lake_try_lock(const Lake *lake, const char *name, LakeLock **ret_lock, Error *err)
{
    if (!storage_is_local(lake->control))
        return lock_by_lease(lake, name, NULL, ret_lock, err);
    CLEANUP(mem_cleanup) char *path = NULL;
    int fd = -1;
    TRY(open_lock(lake, name, &fd, &path, err));
    *ret_lock = NULL;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        *ret_lock = lock_new(fd, NULL);
    else
        close(fd);
    return STATUS_OK;
}

Status lake_lock_silent_since(const Lake *lake, const char *name, int64_t *ret_ms, Error *err)
{
    *ret_ms = -1;
    if (storage_is_local(lake->control))
        return STATUS_OK;
    CLEANUP(mem_cleanup) char *folder = mem_printf("%s/locks/%s", lake->control, name);
    return lease_silent_since(folder, ret_ms, err);
}

void lake_unlock(LakeLock *lock)
{
    if (!lock)
        return;
    if (lock->lease)
        lease_return(lock->lease);
    else
        close(lock->fd);
    mem_free(lock);
}
