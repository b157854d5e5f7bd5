/* DeltaSnapshot: a Delta table as it was at one version, read from its log.
 *
 * Source: PROTOCOL.md of Delta Lake, reader version 1.  A table is a folder (any storage path) with a `_delta_log`.
 *
 *   newest usable checkpoint at or before the version -> the commits behind it, in order -> what is in force
 *
 * Everything of a snapshot lives in the arena it was loaded into and is read-only.  Tables with a reader version above 1
 * or features not known are UNSUPPORTED by name; unknown fields and actions are passed over.  A broken log is CORRUPT with
 * file and line. */
#ifndef FREIGHTLAKE_DELTA_SNAPSHOT_H
#define FREIGHTLAKE_DELTA_SNAPSHOT_H

#include "parquet/reader.h"

#define DELTA_READER_VERSION 1
#define DELTA_WRITER_VERSION 2

typedef struct DeltaProperty {
    const char *key;
    const char *value;
} DeltaProperty;

typedef struct DeltaMetadata {
    const char *id;          /* UUID */
    const char *name;        /* NULL: none */
    const char *description; /* NULL: none */
    Schema schema; /* all columns in the table's order, partition columns included; a nested type is NULLTYPE here */
    const char *schema_json;           /* as in the log; NULL in a DeltaMetadata to be written: made from `schema` */
    const uint32_t *partition_columns; /* indices into schema */
    uint32_t n_partition_columns;
    const DeltaProperty *configuration;
    uint32_t n_configuration;
    int64_t created_time_ms;
} DeltaMetadata;
/* NULL when not set. */
const char *delta_property(const DeltaMetadata *metadata, const char *key);

typedef struct DeltaFile {
    const char *path;                    /* relative to the table's folder, decoded ("client=emart/part-....parquet") */
    const char *const *partition_values; /* text of each partition column, in their order; NULL: NULL */
    uint64_t size_bytes;
    int64_t modification_time_ms;
    int64_t num_records;    /* -1: unknown */
    const char *statistics; /* JSON text as in the log; NULL: none */
} DeltaFile;

typedef struct DeltaTombstone {
    DeltaFile file;
    int64_t deletion_time_ms;
    bool data_change;
} DeltaTombstone;

typedef struct DeltaTransaction {
    const char *app_id;
    int64_t version;
    int64_t last_updated_ms; /* -1: unknown */
    int64_t committed;       /* in a snapshot: by which version; -1: a checkpoint has it.  Nothing to a commit. */
} DeltaTransaction;

typedef struct DeltaSnapshot {
    const char *table; /* the folder */
    int64_t version;
    int64_t timestamp_ms; /* of the version's commit */
    int32_t min_reader_version, min_writer_version;
    DeltaMetadata metadata;
    const DeltaFile *files; /* sorted by path */
    uint32_t n_files;
    uint64_t n_rows;                  /* sum of num_records; only exact when all are known */
    uint64_t size_bytes;              /* of the files */
    const DeltaTombstone *tombstones; /* not yet expired as far as the log says; sorted by path */
    uint32_t n_tombstones;
    const DeltaTransaction *transactions; /* sorted by app_id */
    uint32_t n_transactions;
    int64_t checkpoint;   /* the version of that which it was loaded from; -1: from the first commit */
    int64_t rows_changed; /* the newest version behind the checkpoint that changed rows, or stands for some; -1: none */
} DeltaSnapshot;

/* Which version: the newest, a number, or the newest not after a time.  A version's time is that of its log entry, or a
 * millisecond after its predecessor's where the clock went back. */
typedef struct DeltaVersion {
    enum { DELTA_NEWEST, DELTA_AT_VERSION, DELTA_AT_TIME } kind;
    int64_t value; /* version, or milliseconds since 1970-01-01 UTC */
} DeltaVersion;

/* The newest version; *ret_snapshot is NULL when there is no table. */
Status delta_snapshot_load_if_any(const char *table, Arena *arena, DeltaSnapshot **ret_snapshot, Error *err) MUST_CHECK;
/* Whether there is a table at all. */
Status delta_exists(const char *table, bool *ret_exists, Error *err) MUST_CHECK;
/* NOT_FOUND when there is no table, or no such version (the hint names what there is). */
Status delta_snapshot_load(const char *table, DeltaVersion version, Arena *arena, DeltaSnapshot **ret_snapshot,
                           Error *err) MUST_CHECK;
/* The newest version's number without loading; -1 when there is no table.  Cheap: a listing from `known` (0: unknown) on. */
Status delta_newest_version(const char *table, int64_t known, int64_t *ret_version, Error *err) MUST_CHECK;
/* The version of a transaction of this application, -1 when there is none. */
int64_t delta_transaction_version(const DeltaSnapshot *snapshot, const char *app_id);
/* Whether the rows are those of the commit that has this transaction: none behind it changed any, be it a restore or another
 * program's write.  Also false when the log does not reach back to it. */
bool delta_transaction_stands(const DeltaSnapshot *snapshot, const char *app_id);
/* Whether a commit behind `version` changed rows, or stands for entries that were lost; true when the log cannot tell. */
bool delta_rows_changed_since(const DeltaSnapshot *snapshot, int64_t version);
/* What the log's statistics say of a column of a file; false when nothing.  Text bounds may have been cut: min is <= and
 * max >= every value; timestamps are widened as the protocol's milliseconds ask for.  Texts are in `arena`. */
bool delta_file_statistics(const DeltaSnapshot *snapshot, const DeltaFile *file, uint32_t column, Arena *arena,
                           ParquetStatistics *ret_statistics);
/* The value of a partition column of a file, cast to its type; CORRUPT when the text is none. */
Status delta_partition_value(const DeltaSnapshot *snapshot, const DeltaFile *file, uint32_t partition, Arena *arena,
                             Value *ret_value, Error *err) MUST_CHECK;
/* The file of this path, as the log has it; NULL: the snapshot has none. */
const DeltaFile *delta_find_file(const DeltaSnapshot *snapshot, const char *path);
/* Where the file lies: TABLE/path, or the path itself when it is absolute. */
const char *delta_file_path(const DeltaSnapshot *snapshot, const DeltaFile *file, Arena *arena);

/* One commit of the log, newest first. */
typedef struct DeltaCommitInfo {
    int64_t version;
    int64_t timestamp_ms;   /* which DELTA_AT_TIME goes by */
    const char *operation;  /* "WRITE"; "unknown" when the commit does not say */
    const char *parameters; /* JSON text; NULL: none */
    const char *engine;     /* "freightlake 0.1.0"; NULL: unknown */
    const char *user_metadata;
    uint32_t files_added, files_removed;
    uint64_t rows_added, rows_removed; /* by statistics, as far as they say */
    bool data_change;                  /* some add or remove says so */
    bool metadata_changed;
} DeltaCommitInfo;
/* Commits [first, last] of the log that are still there (last -1: newest).  In `arena`, newest first. */
Status delta_history(const char *table, int64_t first, int64_t last, Arena *arena, DeltaCommitInfo **ret_commits,
                     uint32_t *ret_n, Error *err) MUST_CHECK;

/* What one commit did to data files: for those who follow a table commit by commit. */
typedef struct DeltaFileChange {
    const char *path;
    bool removed; /* else added */
    bool data_change;
} DeltaFileChange;
/* NOT_FOUND when the commit is not in the log any more. */
Status delta_file_changes(const char *table, int64_t version, Arena *arena, DeltaFileChange **ret_changes,
                          uint32_t *ret_n, Error *err) MUST_CHECK;

#endif
