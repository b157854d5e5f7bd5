/* Reading local files, however many are open.
 *
 * A table can have more files than a process may open, and all of them are opened before the first row is read: footers come
 * first.  So a reader keeps its descriptor only while there is room: past KEPT_SHARE of the process's limit the one that was
 * not read for the longest time gives its descriptor up, and opens its file again when it is read next.  The rest of the limit is
 * for writers, folders, sockets and reads under way, which cannot give theirs up.
 *
 * A file opened again must be the same one, by device and inode.  Until there is no room left nothing is ever opened again, so
 * a file that is replaced or removed while it is read stays whole for its reader, as it does for any program.
 *
 * One mutex guards descriptors, users and the list; it is held for no system call but open, fstat and close. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "storage/storage_internal.h"

#define KEPT_SHARE 2 /* one half of the limit */

typedef struct PosixReader {
    StorageReader base;
    int fd;         /* -1: given up */
    uint32_t users; /* reads under way */
    dev_t device;
    ino_t inode;
    struct PosixReader *previous, *next; /* in the list of idle ones, which have a descriptor and no users */
    char path[];
} PosixReader;

static struct {
    pthread_mutex_t mutex;
    PosixReader *oldest, *newest; /* idle */
    size_t n_open;                /* descriptors of readers */
} kept = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- The list; with the mutex held ---- */

static void append_idle(PosixReader *reader)
{
    reader->previous = kept.newest;
    reader->next = NULL;
    *(kept.newest ? &kept.newest->next : &kept.oldest) = reader;
    kept.newest = reader;
}

static void remove_idle(PosixReader *reader)
{
    *(reader->previous ? &reader->previous->next : &kept.oldest) = reader->next;
    *(reader->next ? &reader->next->previous : &kept.newest) = reader->previous;
}

static void give_up_oldest(void)
{
    PosixReader *reader = kept.oldest;
    remove_idle(reader);
    close(reader->fd);
    reader->fd = -1;
    kept.n_open--;
}

/* Asked each time, since it is raised while the program starts. */
static size_t most_kept(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return (size_t)limit.rlim_cur / KEPT_SHARE;
}

/* Opens a plain file, not blocking, so that a pipe is refused instead of waited for. */
static int open_plain(const char *path)
{
    for (size_t most = most_kept(); kept.oldest && kept.n_open >= most;)
        give_up_oldest();
    int fd = fault_hit(FAULT_READ) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd < 0 && errno == EMFILE && kept.oldest) {
        give_up_oldest();
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    return fd;
}

/* ---- Reading ---- */

static Status open_again(PosixReader *reader, Error *err)
{
    struct stat facts;
    int fd = open_plain(reader->path);
    if (fd < 0 || fstat(fd, &facts) != 0) {
        posix_error(err, errno, "opening the file again", reader->path);
        if (fd >= 0)
            close(fd);
        return err->code;
    }
    if (facts.st_dev != reader->device || facts.st_ino != reader->inode) {
        close(fd);
        error_set(err, STATUS_IO, "another file took its place while it was read");
        error_at_file(err, reader->path);
        return error_hint(err,
                          "run it again; a higher limit of open files ('ulimit -n') keeps files that are replaced");
    }
    reader->fd = fd;
    kept.n_open++;
    return STATUS_OK;
}

static Status begin_read(PosixReader *reader, Error *err)
{
    Status status = STATUS_OK;
    pthread_mutex_lock(&kept.mutex);
    if (reader->fd < 0)
        status = open_again(reader, err);
    else if (reader->users == 0)
        remove_idle(reader);
    reader->users += status == STATUS_OK;
    pthread_mutex_unlock(&kept.mutex);
    return status;
}

static void end_read(PosixReader *reader)
{
    pthread_mutex_lock(&kept.mutex);
    if (--reader->users == 0)
        append_idle(reader);
    pthread_mutex_unlock(&kept.mutex);
}

static Status read_all(const PosixReader *reader, uint64_t offset, void *bytes, size_t size, Error *err)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n =
            fault_hit(FAULT_READ) ? -1 : pread(reader->fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            posix_error(err, errno, "reading", reader->path);
            return error_at_offset(err, (int64_t)(offset + done));
        }
        if (n == 0) {
            error_set(err, STATUS_CORRUPT, "the file became shorter while it was read");
            error_at_file(err, reader->path);
            return error_at_offset(err, (int64_t)(offset + done));
        }
        done += (size_t)n;
    }
    return STATUS_OK;
}

static Status posix_read(StorageReader *base, uint64_t offset, void *bytes, size_t size, Error *err)
{
    PosixReader *reader = (PosixReader *)base;
    TRY(begin_read(reader, err));
    Status status = read_all(reader, offset, bytes, size, err);
    end_read(reader);
    return status;
}

static void posix_close(StorageReader *base)
{
    PosixReader *reader = (PosixReader *)base;
    pthread_mutex_lock(&kept.mutex);
    if (reader->fd >= 0) {
        remove_idle(reader);
        close(reader->fd);
        kept.n_open--;
    }
    pthread_mutex_unlock(&kept.mutex);
    mem_free(reader);
}

static const StorageReaderOps POSIX_READER_OPS = {.read = posix_read, .close = posix_close};

Status posix_check_is_file(const struct stat *facts, const char *path, Error *err)
{
    if (S_ISREG(facts->st_mode))
        return STATUS_OK;
    if (S_ISDIR(facts->st_mode)) {
        error_set(err, STATUS_IO, "this is a folder, not a file");
        error_hint(err, "name a file in it");
    } else {
        error_set(err, STATUS_IO, "this is not a plain file (a device, pipe or socket)");
        error_hint(err, "name a plain file");
    }
    return error_at_file(err, path);
}

Status posix_open(const char *path, StorageReader **ret_reader, Error *err)
{
    struct stat facts;
    pthread_mutex_lock(&kept.mutex);
    int fd = open_plain(path), number = errno;
    kept.n_open += fd >= 0;
    pthread_mutex_unlock(&kept.mutex);
    if (fd < 0)
        return posix_error(err, number, "opening", path);
    Status status =
        fstat(fd, &facts) != 0 ? posix_error(err, errno, "opening", path) : posix_check_is_file(&facts, path, err);
    if (status != STATUS_OK) {
        pthread_mutex_lock(&kept.mutex);
        kept.n_open--;
        pthread_mutex_unlock(&kept.mutex);
        close(fd);
        return status;
    }
    size_t size = strlen(path) + 1;
    PosixReader *reader = mem_zalloc(sizeof *reader + size);
    memcpy(reader->path, path, size);
    reader->fd = fd;
    reader->device = facts.st_dev;
    reader->inode = facts.st_ino;
    reader->base.ops = &POSIX_READER_OPS;
    reader->base.path = reader->path;
    reader->base.size_bytes = (uint64_t)facts.st_size;
    reader->base.modified_ms = facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1000000;
    pthread_mutex_lock(&kept.mutex);
    append_idle(reader);
    pthread_mutex_unlock(&kept.mutex);
    *ret_reader = &reader->base;
    return STATUS_OK;
}
