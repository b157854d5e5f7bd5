/* Raw zone: every file as it was received, named by its content, never changed.
 *
 *   LAKE/raw/CLIENT/SHA256.EXT    the bytes
 *   LAKE/raw/CLIENT/SHA256.json   {"client", "name", "path", "bytes", "sha256", "received_at"}; "redacted_at" where records
 *                                 were erased on request: the name stays, so that the file is known when it comes again
 *
 * raw_copy_begin -> raw_copy_bytes in order, and the same bytes to raw_copy_hash -> raw_copy_end (the hash is known)
 * -> raw_copy_commit -> raw_copy_free. */
#ifndef FREIGHTLAKE_INGEST_RAW_H
#define FREIGHTLAKE_INGEST_RAW_H

#include "base/sha256.h"
#include "lake/lake.h"

#define RAW_HASH_CHARACTERS (SHA256_HEX_SIZE - 1)

typedef struct RawCopy RawCopy;

/* keep false: the bytes are not kept (dry run; rebuild). */
Status raw_copy_begin(const Lake *lake, const char *client, const char *file, bool keep, RawCopy **ret_copy, Error *err)
    MUST_CHECK;
int64_t raw_copy_received_us(const RawCopy *copy); /* as the manifest will say */
/* Takes the bytes wherever they are walked over anyway (text/text_source.h). */
Sha256 *raw_copy_hash(RawCopy *copy);
Status raw_copy_bytes(RawCopy *copy, const void *bytes, size_t size, Error *err) MUST_CHECK;
/* SHA-256 of all bytes, in small hexadecimal letters. */
const char *raw_copy_end(RawCopy *copy);
/* Puts file and manifest in their places; nothing happens when they are there already. */
Status raw_copy_commit(RawCopy *copy, Error *err) MUST_CHECK;
void raw_copy_free(RawCopy *copy); /* NULL is fine; what was not committed is discarded */

typedef struct RawFile {
    const char *name; /* as the client called it */
    const char *path; /* in the raw zone */
    const char *manifest;
    const char *hash;
    uint64_t bytes;
    int64_t received_us;
    bool redacted; /* records were erased from it: its bytes are not those of its name any more */
} RawFile;
/* The files of a client, oldest first.  CORRUPT for a manifest that cannot be read. */
Status raw_list(const Lake *lake, const char *client, Arena *arena, RawFile **ret_files, uint32_t *ret_n, Error *err)
    MUST_CHECK;
/* Whether a file of this size is in the raw zone, so that it may be one that is known. */
Status raw_has_size(const Lake *lake, const char *client, uint64_t bytes, bool *ret_has, Error *err) MUST_CHECK;
/* Says in the manifest that the file at its path holds less than what was received. */
Status raw_mark_redacted(const char *client, const RawFile *file, Error *err) MUST_CHECK;
/* Removes file and manifest. */
Status raw_remove(const RawFile *file, Error *err) MUST_CHECK;
/* NOT_FOUND when the raw zone has no such file. */
Status raw_find(const Lake *lake, const char *client, const char *hash, Arena *arena, RawFile *ret_file, Error *err)
    MUST_CHECK;

#endif
