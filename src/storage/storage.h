/* Storage: files by path behind one table of functions, so that a lake can be a folder or an S3 prefix.
 *
 * Paths are plain text; a scheme ("s3://") picks the driver, anything else is the local file system.  All functions are
 * thread-safe.  A reader reads at offsets; a writer is append-only with out-of-order blocks allowed (no byte twice), and
 * what it wrote becomes visible only by storage_commit, whole, at its final path.  Before that it lies beside it under a
 * temporary name (".NAME.tmp-PID-N"; on S3 in an upload) which is never listed and which storage_clean removes when its
 * process is gone. */
#ifndef FREIGHTLAKE_STORAGE_STORAGE_H
#define FREIGHTLAKE_STORAGE_STORAGE_H

#include "base/text.h"

typedef struct StorageReader StorageReader;
typedef struct StorageWriter StorageWriter;

typedef struct StorageRange {
    uint64_t offset;
    void *bytes; /* the caller's, for `size` bytes */
    size_t size;
} StorageRange;

typedef struct StorageReaderOps {
    Status (*read)(StorageReader *reader, uint64_t offset, void *bytes, size_t size, Error *err);
    /* NULL: one read a range */
    Status (*read_ranges)(StorageReader *reader, const StorageRange *ranges, size_t n, Error *err);
    /* NULL, both: reading again costs nothing */
    Status (*keep)(StorageReader *reader, const StorageRange *ranges, size_t n, Error *err);
    void (*drop)(StorageReader *reader, uint64_t offset, uint64_t end);
    void (*close)(StorageReader *reader);
} StorageReaderOps;

struct StorageReader {
    const StorageReaderOps *ops;
    const char *path;
    uint64_t size_bytes;
    int64_t modified_ms;
};

typedef struct StorageWriterOps {
    Status (*write)(StorageWriter *writer, uint64_t offset, const void *bytes, size_t size, Error *err);
    Status (*commit)(StorageWriter *writer, Error *err);
    Status (*commit_new)(StorageWriter *writer, bool *ret_created, Error *err);
    Status (*commit_as)(StorageWriter *writer, const char *path, Error *err);
    void (*discard)(StorageWriter *writer);
} StorageWriterOps;

struct StorageWriter {
    const StorageWriterOps *ops;
    const char *path;
};

typedef struct StorageEntry {
    char *path;
    uint64_t size_bytes;
    int64_t modified_ms;
} StorageEntry;

typedef struct StorageList {
    StorageEntry *entries; /* sorted by path (byte order) */
    size_t n;
    Arena arena;
} StorageList;

Status storage_open(const char *path, StorageReader **ret_reader, Error *err) MUST_CHECK;
/* Exactly `size` bytes at `offset`, or an error with file and offset (a short file is CORRUPT). */
Status storage_read(StorageReader *reader, uint64_t offset, void *bytes, size_t size, Error *err) MUST_CHECK;
/* The same for many ranges, which a store far away is asked for all at once: what is wanted of a row group, say. */
Status storage_read_ranges(StorageReader *reader, const StorageRange *ranges, size_t n, Error *err) MUST_CHECK;
/* Whether bytes that will be read more than once are worth keeping: of a store far away. */
bool storage_can_keep(const StorageReader *reader);
/* Reads the ranges (their `bytes` are not looked at) and keeps what was read: reads within one of them ask nobody, until
 * storage_drop of the ranges that begin in [offset, end), or the close.  Only where storage_can_keep. */
Status storage_keep(StorageReader *reader, const StorageRange *ranges, size_t n, Error *err) MUST_CHECK;
void storage_drop(StorageReader *reader, uint64_t offset, uint64_t end);
void storage_close(StorageReader *reader); /* NULL is fine */
void storage_close_cleanup(StorageReader **reader);

/* Makes missing folders.  Nothing is visible at `path` until storage_commit, which flushes to the disk and replaces an
 * older file whole.  After commit or discard the writer is gone. */
Status storage_create(const char *path, StorageWriter **ret_writer, Error *err) MUST_CHECK;
Status storage_write(StorageWriter *writer, uint64_t offset, const void *bytes, size_t size, Error *err) MUST_CHECK;
Status storage_commit(StorageWriter *writer, Error *err) MUST_CHECK;
void storage_discard(StorageWriter *writer); /* NULL is fine */

/* Files that match: an exact file, a folder (its *.parquet / *.csv / ... files are NOT filtered: all plain files directly
 * in it, without names that start with '.' or '_'), or a glob with * ? [..] in any part of the path and ** for any depth.
 * NOT_FOUND with a hint when nothing matches. */
Status storage_list(const char *pattern, StorageList *ret_list, Error *err) MUST_CHECK;
void storage_list_done(StorageList *list);

Status storage_make_folder(const char *path, Error *err) MUST_CHECK; /* with parents; fine when there, or on S3 */

/* ---- Whole files and what a table's log needs ---- */

typedef struct StorageFacts {
    bool exists;
    uint64_t size_bytes;
    int64_t modified_ms;
} StorageFacts;
/* What is at `path`; nothing there is no error.  On S3 a folder is nothing but a beginning of keys: not there. */
Status storage_stat(const char *path, StorageFacts *ret_facts, Error *err) MUST_CHECK;
/* The whole file, NUL-terminated in `arena`; DATA when it is longer than max_bytes. */
Status storage_read_file(const char *path, size_t max_bytes, Arena *arena, StrView *ret_bytes, Error *err) MUST_CHECK;
/* Replaces the file whole, durably. */
Status storage_write_file(const char *path, const void *bytes, size_t size, Error *err) MUST_CHECK;
/* Put-if-absent: the file appears at `path` whole and durable, or *ret_created is false because something was there.
 * Of any number of racing callers exactly one creates. */
Status storage_put_new(const char *path, const void *bytes, size_t size, bool *ret_created, Error *err) MUST_CHECK;
/* As storage_commit, but never replaces: *ret_created is false when something was at the path (what was written is
 * then discarded). */
Status storage_commit_new(StorageWriter *writer, bool *ret_created, Error *err) MUST_CHECK;
/* A writer whose name in `folder` is told at the end, by storage_commit_as: for files named by their content. */
Status storage_create_unnamed(const char *folder, StorageWriter **ret_writer, Error *err) MUST_CHECK;
/* As storage_commit, at a path in the folder that storage_create_unnamed was given. */
Status storage_commit_as(StorageWriter *writer, const char *path, Error *err) MUST_CHECK;
Status storage_remove(const char *path, Error *err) MUST_CHECK; /* of one file; fine when it is not there */
/* Everything below the folder, temporary files too, and the folder; links go, not what they lead to; fine when it is not there.
 * `first`, when not NULL, names a file directly in it that goes before all others are looked for. */
Status storage_remove_folder(const char *folder, const char *first, Error *err) MUST_CHECK;
/* Every file below `folder`, also with names that start with '_' or '.', but no temporary files; only those directly in it
 * when not `deep`.  `from`, when not NULL, is the first name wanted (byte order; not `deep` only).  A folder that is not
 * there gives an empty list. */
Status storage_list_folder(const char *folder, bool deep, const char *from, StorageList *ret_list, Error *err)
    MUST_CHECK;
/* Removes temporary files that dead processes left directly in `folder`; *ret_removed counts them. */
Status storage_clean(const char *folder, size_t *ret_removed, Error *err) MUST_CHECK;
/* Removes this process's own unfinished temporary files: call on the way out of an interrupt. */
void storage_discard_all(void);

/* Whether the path is of the local file system: what only that has (locks, free space) can be asked of it. */
bool storage_is_local(const char *path);

/* ---- What a boundary may want to say ---- */

/* `notice` is called, from any thread, with what a person should know though nothing failed (a wrong clock). */
void storage_set_notice(void (*notice)(const char *text));

/* `said` of a thing that a lake needs of its store (`what`), or `err`, with what to do, when it is refused. */
typedef void (*StorageProbed)(void *context, const char *what, const char *said, const Error *err);
/* Tries each of them once in `folder` and leaves nothing there; of a local folder there is nothing to try. */
Status storage_probe(const char *folder, StorageProbed found, void *context, Error *err) MUST_CHECK;

/* Traffic of this process with stores far away. */
typedef struct StorageTraffic {
    uint64_t requests; /* repeated ones included */
    uint64_t retries;
    uint64_t bytes_received;
    uint64_t bytes_sent;
} StorageTraffic;
StorageTraffic storage_traffic(void);

#endif
