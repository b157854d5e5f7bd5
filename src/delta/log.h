/* The log's text: one commit as actions, and actions as lines of JSON.
 *
 * Source: PROTOCOL.md of Delta Lake, section "Actions".  Not for other layers. */
#ifndef FREIGHTLAKE_DELTA_LOG_H
#define FREIGHTLAKE_DELTA_LOG_H

#include <jansson.h>

#include "delta/commit.h"

#define LOG_MAX_BYTES ((size_t)1 << 30)

/* partitionValues as they stand, before the table's columns are known. */
typedef struct LogPartition {
    const char *key;
    const char *value; /* NULL: NULL */
} LogPartition;

/* An add or a remove. */
typedef struct LogFile {
    DeltaFile file; /* partition_values is NULL */
    LogPartition *partitions;
    uint32_t n_partitions;
    bool removed;
    bool data_change;
    int64_t deletion_time_ms;
} LogFile;

typedef struct LogMetadata {
    DeltaMetadata metadata;
    const char **partition_names;
} LogMetadata;

/* The actions of one commit, in `arena`. */
typedef struct LogActions {
    LogFile *files; /* in order */
    uint32_t n_files, files_capacity;
    LogMetadata *metadata;                          /* NULL: none */
    int32_t min_reader_version, min_writer_version; /* 0: no protocol action */
    DeltaTransaction *transactions;
    uint32_t n_transactions, transactions_capacity;
    uint32_t n_actions; /* without commitInfo */
    /* commitInfo; what it does not say is NULL or -1 */
    const char *operation, *parameters, *engine, *commit_id, *user_metadata;
    int64_t timestamp_ms;
    int64_t actions_said; /* how many there were when it was written (operationMetrics.numActions; ours alone) */
} LogActions;

void log_add_file(LogActions *actions, Arena *arena, LogFile file);
void log_add_transaction(LogActions *actions, Arena *arena, DeltaTransaction transaction);

/* Reads a commit's text.  CORRUPT names file and line (none when the entry is empty, or cut short behind a whole line);
 * UNSUPPORTED a table above what is read. */
Status log_parse(const char *file, StrView text, Arena *arena, LogActions *ret_actions, Error *err) MUST_CHECK;
Status log_read(const char *table, int64_t version, Arena *arena, LogActions *ret_actions, Error *err) MUST_CHECK;
/* A protocol that is not read: UNSUPPORTED by name. */
Status log_check_protocol(int32_t min_reader_version, int32_t min_writer_version, Error *err) MUST_CHECK;
/* From a metaData action's schemaString. */
Status log_parse_metadata(const char *schema_json, LogMetadata *metadata, Arena *arena, Error *err) MUST_CHECK;

/* "TABLE/_delta_log/00000000000000000012.json" */
char *log_path(const char *table, int64_t version, Arena *arena);

/* A path of the storage as the log writes it, and back. */
const char *log_encode_path(const char *path, Arena *arena);
const char *log_decode_path(const char *uri, Arena *arena);
/* A setting such as "interval 1 week 2 days" in milliseconds, `fallback` when it is not set; false when it cannot be read. */
bool log_interval_ms(const DeltaMetadata *metadata, const char *key, int64_t fallback, int64_t *ret_ms);

/* Each appends one line. */
void log_append_protocol(Buffer *json);
void log_append_metadata(Buffer *json, const DeltaMetadata *metadata);
void log_append_add(Buffer *json, const DeltaMetadata *metadata, const DeltaFile *file, bool data_change);
void log_append_remove(Buffer *json, const DeltaMetadata *metadata, const DeltaFile *file, bool data_change,
                       int64_t deletion_time_ms);
void log_append_transaction(Buffer *json, const DeltaTransaction *transaction);
/* commitInfo.  `n_actions`: the lines that follow, so that an entry cut short can be told from a whole one. */
void log_append_info(Buffer *json, const DeltaCommit *commit, uint32_t n_actions, const char *commit_id,
                     int64_t timestamp_ms, int64_t read_version);

/* ---- schema.c ---- */
/* A Spark StructType as JSON; nested and unknown types become NULLTYPE. */
Status schema_from_json(const char *text, Arena *arena, Schema *ret_schema, Error *err) MUST_CHECK;
void schema_append_json(Buffer *json, const Schema *schema);
/* Why the table's columns forbid writing (invariants, generated columns), or NULL. */
const char *schema_write_obstacle(const char *schema_json, Arena *arena);

/* numRecords of an add's statistics (JSON text or NULL); -1: unknown. */
int64_t log_num_records(const char *statistics);

/* ---- statistics.c ---- */
/* The statistics of a Parquet file as the log's JSON; *ret_rows counts its rows. */
Status statistics_of_file(ParquetFile *file, const DeltaMetadata *metadata, Arena *arena, const char **ret_json,
                          int64_t *ret_rows, Error *err) MUST_CHECK;

/* ---- checkpoint.c ---- */
typedef struct CheckpointFile {
    int64_t version; /* -1: none */
    uint32_t parts;
} CheckpointFile;
/* Adds the checkpoint's actions: adds, removes, metaData, protocol, txn. */
Status checkpoint_read(const char *table, CheckpointFile checkpoint, Arena *arena, LogActions *actions, Error *err)
    MUST_CHECK;

/* ---- listing.c ---- */
typedef struct LogListing {
    int64_t *commits; /* versions, ascending */
    int64_t
        *times_ms; /* of the files, each at least a millisecond after the one before, as Delta's readers make them */
    uint32_t n_commits;
    CheckpointFile *checkpoints; /* whole ones, ascending */
    uint32_t n_checkpoints;
} LogListing;
/* What is in _delta_log from version `from` on.  Times are those that versions go by only with `from` 0. */
Status log_list(const char *table, int64_t from, Arena *arena, LogListing *ret_listing, Error *err) MUST_CHECK;
/* The version `_last_checkpoint` names; 0 when it says nothing. */
int64_t log_checkpoint_hint(const char *table, Arena *arena);

int64_t delta_now_ms(void);

#endif
