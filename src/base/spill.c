#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"

struct SpillFile {
    SpillSpace *space;
    int fd;
    uint64_t size;
};

void spill_space_init(SpillSpace *space, const char *folder, uint64_t limit_bytes)
{
    *space = (SpillSpace){.folder = folder, .limit_bytes = limit_bytes};
}

/* For file systems without O_TMPFILE. */
static int open_unlinked(const char *folder)
{
    char *path = mem_printf("%s/freightlake-spill-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    mem_free(path);
    return fd;
}

Status spill_file_new(SpillSpace *space, SpillFile **ret_file, Error *err)
{
    int fd = fault_hit(FAULT_WRITE) ? -1 : open(space->folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        fd = open_unlinked(space->folder);
    if (fd < 0) {
        error_set_errno(err, errno, "the folder for what does not fit in memory takes no files");
        error_at_file(err, space->folder);
        return error_hint(err, "name another with --spill-dir, or raise --memory-limit");
    }
    SpillFile *file = mem_zalloc(sizeof *file);
    file->space = space;
    file->fd = fd;
    *ret_file = file;
    return STATUS_OK;
}

static void give_back(SpillFile *file)
{
    atomic_fetch_sub(&file->space->used, file->size);
    file->size = 0;
}

void spill_file_free(SpillFile *file)
{
    if (!file)
        return;
    give_back(file);
    close(file->fd);
    mem_free(file);
}

static Status reserve(SpillSpace *space, size_t size, Error *err)
{
    uint64_t used = atomic_fetch_add(&space->used, size) + size;
    if (space->limit_bytes && used > space->limit_bytes) {
        atomic_fetch_sub(&space->used, size);
        char limit[32];
        text_bytes(limit, sizeof limit, (double)space->limit_bytes);
        error_set(err, STATUS_SPILL, "what does not fit in memory is more than the spill limit of %s", limit);
        error_at_file(err, space->folder);
        return error_hint(err, "raise --spill-limit or --memory-limit, or read fewer rows or columns");
    }
    uint64_t peak = atomic_load(&space->peak);
    while (used > peak && !atomic_compare_exchange_weak(&space->peak, &peak, used))
        ;
    return STATUS_OK;
}

static Status write_all(const SpillFile *file, const char *bytes, size_t size, uint64_t offset, Error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = fault_hit(FAULT_WRITE) ? -1 : pwrite(file->fd, bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            error_set_errno(err, n < 0 ? errno : ENOSPC, "what does not fit in memory cannot be written");
            error_at_file(err, file->space->folder);
            return error_hint(err, "make room there, name another folder with --spill-dir, or raise --memory-limit");
        }
        done += (size_t)n;
    }
    return STATUS_OK;
}

Status spill_file_append(SpillFile *file, const void *bytes, size_t size, uint64_t *ret_offset, Error *err)
{
    TRY(reserve(file->space, size, err));
    uint64_t offset = file->size;
    file->size += size; /* also of what fails halfway: it is on the disk until the file is closed */
    TRY(write_all(file, bytes, size, offset, err));
    atomic_fetch_add(&file->space->written, size);
    if (ret_offset)
        *ret_offset = offset;
    return STATUS_OK;
}

uint64_t spill_file_size(const SpillFile *file)
{
    return file->size;
}

Status spill_file_read(const SpillFile *file, uint64_t offset, void *bytes, size_t size, Error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n =
            fault_hit(FAULT_READ) ? -1 : pread(file->fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            error_set_errno(err, n < 0 ? errno : EIO, "what did not fit in memory cannot be read back");
            return error_at_file(err, file->space->folder);
        }
        done += (size_t)n;
    }
    return STATUS_OK;
}

Status spill_file_clear(SpillFile *file, Error *err)
{
    if (ftruncate(file->fd, 0) != 0) {
        error_set_errno(err, errno, "a spill file cannot be emptied");
        return error_at_file(err, file->space->folder);
    }
    give_back(file);
    return STATUS_OK;
}
