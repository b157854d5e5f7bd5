/* Spill: what does not fit in memory, in files without names.
 *
 * A SpillSpace is a folder and what may lie there at a time; a SpillFile is bytes that are appended in blocks and read back
 * at the offsets they got.  Its file is never linked in the folder (O_TMPFILE; where the file system has no such thing, it is
 * unlinked as soon as it is made), so the system frees it however the program ends and there is nothing to clean up.
 *
 * Blocks are raw: compressing them costs more than it saves on anything but the slowest disk.  They are not flushed: nobody
 * reads them after a crash. */
#ifndef FREIGHTLAKE_BASE_SPILL_H
#define FREIGHTLAKE_BASE_SPILL_H

#include <stdatomic.h>

#include "base/status.h"

typedef struct SpillSpace {
    const char *folder;    /* the caller's */
    uint64_t limit_bytes;  /* 0: what the disk holds */
    _Atomic uint64_t used; /* bytes in files that are open */
    _Atomic uint64_t peak;
    _Atomic uint64_t written; /* in all */
} SpillSpace;

/* Nothing is opened before something spills. */
void spill_space_init(SpillSpace *space, const char *folder, uint64_t limit_bytes);

typedef struct SpillFile SpillFile;

/* NOT_FOUND or IO, naming --spill-dir, where the folder does not take files. */
Status spill_file_new(SpillSpace *space, SpillFile **ret_file, Error *err) MUST_CHECK;
void spill_file_free(SpillFile *file); /* may be NULL */

/* From one thread at a time.  SPILL beyond the limit of the space; DISK_FULL. */
Status spill_file_append(SpillFile *file, const void *bytes, size_t size, uint64_t *ret_offset, Error *err) MUST_CHECK;
uint64_t spill_file_size(const SpillFile *file);

/* From any thread, of what was appended before. */
Status spill_file_read(const SpillFile *file, uint64_t offset, void *bytes, size_t size, Error *err) MUST_CHECK;

/* Forgets what was appended, so that the file can be written anew: its disk space is given back. */
Status spill_file_clear(SpillFile *file, Error *err) MUST_CHECK;

#endif
