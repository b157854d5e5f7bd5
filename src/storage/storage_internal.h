/* What the drivers and the dispatcher share.  Nobody outside src/storage includes this. */
#ifndef FREIGHTLAKE_STORAGE_STORAGE_INTERNAL_H
#define FREIGHTLAKE_STORAGE_STORAGE_INTERNAL_H

#include <sys/stat.h>

#include "storage/storage.h"

/* One kind of storage.  Contracts of the slots: those of the functions in storage.h. */
typedef struct StorageDriver {
    Status (*open)(const char *path, StorageReader **ret_reader, Error *err);
    Status (*create)(const char *path, StorageWriter **ret_writer, Error *err);
    Status (*create_unnamed)(const char *folder, StorageWriter **ret_writer, Error *err);
    /* Appends what matches, in any order and perhaps twice; the dispatcher sorts.  No match is no error here. */
    Status (*list)(const char *pattern, StorageList *list, Error *err);
    /* Adds to `err`, which says NOT_FOUND, a hint why `pattern` matches nothing. */
    void (*explain_no_match)(const char *pattern, Error *err);
    /* Appends in any order; a folder that is not there is empty. */
    Status (*list_folder)(const char *folder, bool deep, const char *from, StorageList *list, Error *err);
    Status (*stat)(const char *path, StorageFacts *ret_facts, Error *err);
    Status (*remove)(const char *path, Error *err);
    Status (*make_folder)(const char *path, Error *err);
    Status (*clean)(const char *folder, size_t *ret_removed, Error *err);
    void (*discard_all)(void);
} StorageDriver;

extern const StorageDriver POSIX_DRIVER;
extern const StorageDriver S3_DRIVER;

/* A copy of `path` in the list's arena becomes its next entry. */
void storage_list_add(StorageList *list, const char *path, uint64_t size_bytes, int64_t modified_ms);

/* Sets `err` from errno `number` with the path and a hint that fits the errno. */
Status posix_error(Error *err, int number, const char *action, const char *path);

/* posix_reader.c: IO for what is no plain file; the driver's `open`. */
Status posix_check_is_file(const struct stat *facts, const char *path, Error *err);
Status posix_open(const char *path, StorageReader **ret_reader, Error *err);

/* ".NAME.tmp-PID-N": *ret_pid gets PID. */
bool posix_is_temporary_name(const char *name, int64_t *ret_pid);

/* glob.c: the local file system's storage_list, and whether `text` matches one part of a
 * pattern. */
Status posix_glob(const char *pattern, StorageList *list, Error *err);
void posix_explain_no_match(const char *pattern, Error *err);
bool glob_has_magic(const char *pattern);
bool glob_match(const char *pattern, const char *text);
/* The same for a name in a folder: wildcards leave hidden names alone, and temporary files are nobody's. */
bool glob_part_matches(const char *part, const char *name);

/* Hands a notice to whom storage_set_notice named. */
void storage_notice(const char *text);

#endif
