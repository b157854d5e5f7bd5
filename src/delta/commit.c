/* Committing; see commit.h.
 *
 *   lines of the commit -> put-if-absent at base + 1
 *     taken by another: is it ours (an answer that was lost)? else check the winner by the rule, try the next version
 *   -> perhaps a checkpoint, perhaps expired entries removed; neither can fail the commit */
#include "delta/commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/fault.h"
#include "base/text_index.h"
#include "delta/log.h"

#define DEFAULT_CHECKPOINT_INTERVAL 10
#define DEFAULT_LOG_RETENTION_MS ((int64_t)30 * 24 * 3600 * 1000)

/* ---- Data files ---- */

/* Hive's way: what cannot stand in a file name becomes %XX. */
static void append_hive(Buffer *path, const char *text)
{
    for (const char *c = text; *c; c++) {
        unsigned char u = (unsigned char)*c;
        if (u < 0x20 || u == 0x7f || strchr("\"#%'*/:=?\\{}[]^", *c))
            buffer_printf(path, "%%%02X", u);
        else
            buffer_append_byte(path, u);
    }
}

char *delta_data_path(const DeltaMetadata *metadata, const char *const *partition_values, Arena *arena)
{
    Buffer path;
    buffer_init(&path, 0);
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++) {
        append_hive(&path, metadata->schema.fields[metadata->partition_columns[i]].name);
        buffer_append_byte(&path, '=');
        append_hive(&path,
                    partition_values[i] && *partition_values[i] ? partition_values[i] : "__HIVE_DEFAULT_PARTITION__");
        buffer_append_byte(&path, '/');
    }
    buffer_printf(&path, "part-00000-%s.snappy.parquet", delta_uuid(arena));
    char *text = arena_strdup(arena, buffer_text(&path));
    buffer_done(&path);
    return text;
}

Status delta_describe_file(const char *table, const DeltaMetadata *metadata, const char *path,
                           const char *const *partition_values, Arena *arena, DeltaFile *ret_file, Error *err)
{
    const char *whole = arena_printf(arena, "%s/%s", table, path);
    StorageReader *reader;
    TRY(storage_open(whole, &reader, err));
    DeltaFile file = {.path = arena_strdup(arena, path),
                      .size_bytes = reader->size_bytes,
                      .modification_time_ms = reader->modified_ms};
    MemoryBudget budget;
    budget_init(&budget, 0);
    ParquetFile *parquet;
    TRY(parquet_open(reader, &budget, &parquet, err));
    Status status = statistics_of_file(parquet, metadata, arena, &file.statistics, &file.num_records, err);
    parquet_close(parquet);
    if (status != STATUS_OK)
        return status;
    const char **values = ARENA_ARRAY(arena, const char *, metadata->n_partition_columns + 1);
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++)
        values[i] = partition_values[i] ? arena_strdup(arena, partition_values[i]) : NULL;
    file.partition_values = values;
    *ret_file = file;
    return STATUS_OK;
}

/* ---- What may be written ---- */

static bool is_true(const char *text)
{
    return text && strcasecmp(text, "true") == 0;
}

static Status check_writable(const DeltaSnapshot *base, const DeltaCommit *commit, Arena *arena, Error *err)
{
    if (base->min_writer_version > DELTA_WRITER_VERSION) {
        error_set(err, STATUS_UNSUPPORTED,
                  "the table needs a writer of version %d, and this program is one of version %d",
                  base->min_writer_version, DELTA_WRITER_VERSION);
        error_at_file(err, base->table);
        return error_hint(err, "it can be read; write it with the tool that made it");
    }
    if (commit->n_removes > 0 && commit->data_change && is_true(delta_property(&base->metadata, "delta.appendOnly"))) {
        error_set(err, STATUS_USAGE, "the table only takes new rows (delta.appendOnly)");
        return error_at_file(err, base->table);
    }
    const char *obstacle = base->metadata.schema_json ? schema_write_obstacle(base->metadata.schema_json, arena) : NULL;
    if (!obstacle)
        return STATUS_OK;
    error_set(err, STATUS_UNSUPPORTED, "the table has %s, which this program cannot check", obstacle);
    return error_at_file(err, base->table);
}

/* ---- The lines ---- */

static void append_commit(Buffer *json, const DeltaCommit *commit, const DeltaMetadata *metadata, const char *commit_id,
                          int64_t read_version)
{
    int64_t now = delta_now_ms();
    uint32_t n_actions = (read_version < 0) + (commit->metadata != NULL) + (commit->transaction != NULL) +
                         commit->n_relearned + commit->n_removes + commit->n_adds;
    log_append_info(json, commit, n_actions, commit_id, now, read_version);
    if (read_version < 0)
        log_append_protocol(json);
    if (commit->metadata)
        log_append_metadata(json, commit->metadata);
    if (commit->transaction)
        log_append_transaction(json, commit->transaction);
    for (uint32_t i = 0; i < commit->n_relearned; i++)
        log_append_transaction(json, &commit->relearned[i]);
    for (uint32_t i = 0; i < commit->n_removes; i++)
        log_append_remove(json, metadata, commit->removes[i], commit->data_change, now);
    for (uint32_t i = 0; i < commit->n_adds; i++) /* partitioned as the table is from here on */
        log_append_add(json, commit->metadata ? commit->metadata : metadata, &commit->adds[i], commit->data_change);
}

/* Whether a version of the log is the commit of this id. */
static bool is_ours(const char *table, int64_t version, const char *commit_id, Arena *arena)
{
    LogActions there;
    Error ignored;
    error_init(&ignored);
    return log_read(table, version, arena, &there, &ignored) == STATUS_OK && there.commit_id &&
           strcmp(there.commit_id, commit_id) == 0;
}

/* Puts a log entry.  A failure may come behind its appearance (an answer lost, a folder not flushed): then what is there
 * says what happened. */
static Status put_entry(const char *table, int64_t version, const Buffer *json, const char *commit_id, Arena *arena,
                        bool *ret_created, Error *err)
{
    Status status = storage_put_new(log_path(table, version, arena), json->data, json->size, ret_created, err);
    if (status == STATUS_OK || !is_ours(table, version, commit_id, arena))
        return status;
    error_init(err);
    *ret_created = true;
    return STATUS_OK;
}

Status delta_create(const char *table, const DeltaCommit *commit, Error *err)
{
    CHECK(commit->metadata != NULL);
    Arena arena;
    Buffer json;
    arena_init(&arena);
    buffer_init(&json, 0);
    const char *commit_id = delta_uuid(&arena);
    append_commit(&json, commit, commit->metadata, commit_id, -1);
    bool exists = false, created = false;
    Status status = delta_exists(table, &exists, err);
    fault_step("delta_before_commit");
    if (status == STATUS_OK && !exists)
        status = put_entry(table, 0, &json, commit_id, &arena, &created, err);
    if (status == STATUS_OK && !created) {
        error_set(err, STATUS_CONFLICT, "there is a Delta table already");
        status = error_at_file(err, table);
    }
    fault_step("delta_after_commit");
    buffer_done(&json);
    arena_done(&arena);
    return status;
}

/* ---- Conflicts ---- */

static Status conflict(const DeltaSnapshot *base, int64_t version, const char *what, Error *err)
{
    error_set(err, STATUS_CONFLICT, "another writer's version %lld %s", (long long)version, what);
    error_at_file(err, base->table);
    return error_hint(err, "run the command again: it then works on the newer version");
}

static bool same_partition(const LogFile *added, const DeltaFile *removed, const DeltaMetadata *metadata)
{
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++) {
        const char *name = metadata->schema.fields[metadata->partition_columns[i]].name, *value = NULL;
        for (uint32_t k = 0; k < added->n_partitions; k++)
            if (strcmp(added->partitions[k].key, name) == 0)
                value = added->partitions[k].value;
        const char *other = removed->partition_values[i];
        if ((value == NULL) != (other == NULL) || (value && strcmp(value, other) != 0))
            return false;
    }
    return true;
}

/* Whether the winner's file is at odds with a commit that rewrites files it has read: `removes` has their paths. */
static const char *rewrite_conflict(const DeltaSnapshot *base, const DeltaCommit *commit, const TextIndex *removes,
                                    const LogFile *file)
{
    if (file->removed && text_index_find(removes, file->file.path) != TEXT_INDEX_NONE)
        return "removed a file that this one rewrites";
    if (file->removed || !file->data_change || !commit->data_change)
        return NULL;
    for (uint32_t i = 0; i < commit->n_removes; i++)
        if (same_partition(file, commit->removes[i], &base->metadata))
            return "added rows in a partition that this one rewrites";
    return NULL;
}

/* What of the winner's files is at odds with the commit; NULL: nothing. */
static const char *file_conflict(const DeltaSnapshot *base, const DeltaCommit *commit, const LogActions *winner)
{
    TextIndex removes = {0};
    const char *what = NULL;
    for (uint32_t i = 0; i < commit->n_removes; i++)
        text_index_add(&removes, commit->removes[i]->path);
    for (uint32_t i = 0; i < winner->n_files && !what; i++) {
        if (commit->rule == DELTA_OVERWRITE && winner->files[i].data_change)
            what = "changed rows of a table that this one overwrites";
        else
            what = rewrite_conflict(base, commit, &removes, &winner->files[i]);
    }
    text_index_done(&removes);
    return what;
}

static Status check_winner(const DeltaSnapshot *base, const DeltaCommit *commit, const LogActions *winner,
                           int64_t version, Error *err)
{
    if (winner->metadata)
        return conflict(base, version, "changed the table's schema or settings", err);
    if (winner->min_reader_version)
        return conflict(base, version, "changed the table's protocol", err);
    for (uint32_t i = 0; i < winner->n_transactions; i++)
        if (commit->transaction && strcmp(winner->transactions[i].app_id, commit->transaction->app_id) == 0)
            return conflict(base, version, "has the same transaction", err);
    const char *what = file_conflict(base, commit, winner);
    return what ? conflict(base, version, what, err) : STATUS_OK;
}

/* ---- After a commit ---- */

static int64_t property_number(const DeltaMetadata *metadata, const char *key, int64_t fallback)
{
    const char *text = delta_property(metadata, key);
    char *end;
    long long value = text ? strtoll(text, &end, 10) : 0;
    return text && *end == '\0' && value > 0 ? value : fallback;
}

/* Removes entries older than the retention that the newest checkpoint makes unnecessary. */
static Status clean_log(const DeltaSnapshot *base, int64_t checkpoint, Error *err)
{
    int64_t retention_ms;
    if (!log_interval_ms(&base->metadata, "delta.logRetentionDuration", DEFAULT_LOG_RETENTION_MS, &retention_ms))
        return STATUS_OK; /* how long it is to stay is not known */
    int64_t oldest = delta_now_ms() - retention_ms;
    StorageList list;
    CLEANUP(mem_cleanup) char *folder = mem_printf("%s/_delta_log", base->table);
    TRY(storage_list_folder(folder, false, NULL, &list, err));
    Status status = STATUS_OK;
    char limit[32];
    snprintf(limit, sizeof limit, "%020lld", (long long)checkpoint);
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        const char *name = strrchr(list.entries[i].path, '/') + 1;
        bool entry = strspn(name, "0123456789") == 20 && strncmp(name, limit, 20) < 0;
        if (entry && list.entries[i].modified_ms < oldest)
            status = storage_remove(list.entries[i].path, err);
        else if (entry)
            break; /* the log stays contiguous: nothing behind an entry that stays is removed */
    }
    storage_list_done(&list);
    return status;
}

static void after_commit(const DeltaSnapshot *base, int64_t version)
{
    Error ignored;
    error_init(&ignored);
    if (version % property_number(&base->metadata, "delta.checkpointInterval", DEFAULT_CHECKPOINT_INTERVAL) != 0)
        return;
    const char *cleanup = delta_property(&base->metadata, "delta.enableExpiredLogCleanup");
    if (delta_checkpoint(base->table, version, &ignored) == STATUS_OK && (!cleanup || is_true(cleanup)) &&
        clean_log(base, version, &ignored) != STATUS_OK)
        error_init(&ignored); /* the next checkpoint cleans */
}

/* ---- The commit ---- */

static Status try_versions(const DeltaSnapshot *base, const DeltaCommit *commit, const Buffer *json,
                           const char *commit_id, Arena *arena, int64_t *ret_version, Error *err)
{
    for (int64_t version = base->version + 1;; version++) {
        bool created = false;
        fault_step("delta_before_commit");
        TRY(put_entry(base->table, version, json, commit_id, arena, &created, err));
        fault_step("delta_after_commit");
        *ret_version = version;
        if (created)
            return STATUS_OK;
        LogActions winner;
        TRY(log_read(base->table, version, arena, &winner, err));
        if (winner.commit_id && strcmp(winner.commit_id, commit_id) == 0)
            return STATUS_OK;
        TRY(check_winner(base, commit, &winner, version, err));
    }
}

Status delta_commit(const DeltaSnapshot *base, const DeltaCommit *commit, int64_t *ret_version, Error *err)
{
    Arena arena;
    Buffer json;
    arena_init(&arena);
    buffer_init(&json, 0);
    int64_t version = -1;
    Status status = check_writable(base, commit, &arena, err);
    if (status == STATUS_OK && commit->must_be_new_transaction &&
        delta_transaction_version(base, commit->transaction->app_id) >= commit->transaction->version)
        status = conflict(base, base->version, "or one before has the same transaction", err);
    if (status == STATUS_OK) {
        const char *commit_id = delta_uuid(&arena);
        append_commit(&json, commit, &base->metadata, commit_id, base->version);
        status = try_versions(base, commit, &json, commit_id, &arena, &version, err);
    }
    buffer_done(&json);
    arena_done(&arena);
    if (status != STATUS_OK)
        return status;
    after_commit(base, version);
    *ret_version = version;
    return STATUS_OK;
}
