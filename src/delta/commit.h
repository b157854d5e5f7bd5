/* Committing to a Delta table: data files first, then one log entry that makes them part of the table, or not.
 *
 * Source: PROTOCOL.md of Delta Lake, writer version 2.
 *
 *   delta_data_path -> write and commit the Parquet file there -> delta_describe_file -> delta_commit
 *
 * A data file that no commit names is garbage that vacuum removes; nothing a reader sees changes before the log entry
 * appears, by put-if-absent, durable.  Kill steps (fault injection): delta_before_commit, delta_after_commit,
 * delta_before_checkpoint, delta_after_checkpoint. */
#ifndef FREIGHTLAKE_DELTA_COMMIT_H
#define FREIGHTLAKE_DELTA_COMMIT_H

#include "delta/snapshot.h"

/* "client=emart/part-00000-UUID.snappy.parquet": a path never used before, relative to the table.  partition_values as in
 * DeltaFile; characters that may not stand in a file name are escaped as Hive does. */
char *delta_data_path(const DeltaMetadata *metadata, const char *const *partition_values, Arena *arena);
/* A random UUID, version 4, as text. */
char *delta_uuid(Arena *arena);

/* What the log says of a data file that was just written at TABLE/path: size, time, row count and statistics (from its
 * Parquet footer).  Text bounds are cut to 32 characters (a maximum is rounded up; left out when it cannot be).  Columns
 * the file must not lack by NOT NULL are checked by their null counts: DATA. */
Status delta_describe_file(const char *table, const DeltaMetadata *metadata, const char *path,
                           const char *const *partition_values, Arena *arena, DeltaFile *ret_file, Error *err)
    MUST_CHECK;

typedef enum DeltaConflictRule {
    DELTA_BLIND_APPEND, /* fits on top of anything but new metadata, protocol or our own application id */
    DELTA_REWRITE,  /* read its removed files: a winner that removed one of them, or that added data in a partition in
                           which this commit removes files, is a conflict */
    DELTA_OVERWRITE /* read the whole table: every winner that changed data is a conflict */
} DeltaConflictRule;

typedef struct DeltaCommit {
    const char *operation;  /* "WRITE", "MERGE", "DELETE", "OPTIMIZE", "RESTORE", "CREATE TABLE", ... */
    const char *parameters; /* JSON object as text for operationParameters; NULL: {} */
    const DeltaFile *adds;
    uint32_t n_adds;
    const DeltaFile *const *removes; /* files of the base snapshot */
    uint32_t n_removes;
    bool data_change;                    /* false: the same rows in other files */
    const DeltaTransaction *transaction; /* NULL: none */
    const DeltaTransaction *relearned;   /* more of them, which the table had lost, or (version -1) forgets */
    uint32_t n_relearned;
    const char *user_metadata;     /* commitInfo.userMetadata; NULL: none */
    const DeltaMetadata *metadata; /* NULL: unchanged */
    DeltaConflictRule rule;
    bool must_be_new_transaction; /* CONFLICT when transaction->app_id has a version >= ours in the table */
} DeltaCommit;

/* Makes the table (folder, version 0 with protocol, metaData, and the commit's adds).  commit->metadata is required.
 * CONFLICT when there is a table. */
Status delta_create(const char *table, const DeltaCommit *commit, Error *err) MUST_CHECK;
/* Commits on top of `base`, or on top of what others committed since where the rule allows (winners' commits are read
 * and checked; any number of tries).  CONFLICT otherwise: load a new snapshot and do it again.  UNSUPPORTED for a table
 * above writer 2 or with constraints that cannot be evaluated (invariants); USAGE for removes from a table that is
 * delta.appendOnly.  An unknown outcome is settled by reading the version back.  Every delta.checkpointInterval (10)
 * versions a checkpoint is written and, unless delta.enableExpiredLogCleanup is false, expired log entries are removed; their failure is not the commit's. */
Status delta_commit(const DeltaSnapshot *base, const DeltaCommit *commit, int64_t *ret_version, Error *err) MUST_CHECK;

/* Writes the checkpoint of a version and then `_last_checkpoint`; does nothing when it is there. */
Status delta_checkpoint(const char *table, int64_t version, Error *err) MUST_CHECK;

#endif
