/* DeltaSnapshot; see snapshot.h.
 *
 *   _last_checkpoint (a hint: where to list from) -> listing -> newest whole checkpoint not after the version
 *   -> its actions, then those of the commits behind it, oldest first -> the last word on every path
 *
 * A checkpoint that cannot be read is passed over for the one before, as long as the commits behind that are there. */
#include "base/text_index.h"
#include "delta/log.h"

#include <stdio.h>
#include <stdlib.h>

/* The last word on each path, and on each application. */
typedef struct Replay {
    LogActions actions;
    TextIndex paths; /* numbers are those of `files` */
    LogFile *files;
    uint32_t capacity;
    TextIndex app_ids;                /* those of actions.transactions */
    int64_t checkpoint, rows_changed; /* as in DeltaSnapshot */
} Replay;

static void replay_file(Replay *replay, const LogFile *file)
{
    uint32_t before = replay->paths.n, i = text_index_add(&replay->paths, file->file.path);
    if (i == replay->capacity) {
        replay->capacity = replay->capacity ? replay->capacity * 2 : 512;
        replay->files = mem_realloc(replay->files, sizeof(LogFile) * replay->capacity);
    }
    LogFile *known = &replay->files[i];
    LogFile next = *file;
    if (i < before && next.removed && next.file.num_records < 0) /* a remove need not say what the add said */
        next.file.num_records = known->file.num_records;
    *known = next;
}

/* Or stands for entries that were lost. */
static bool changes_rows(const LogActions *actions)
{
    bool changes = actions->operation && strcmp(actions->operation, "FSCK") == 0;
    for (uint32_t i = 0; i < actions->n_files && !changes; i++)
        changes = actions->files[i].data_change;
    return changes;
}

static void replay_transaction(Replay *replay, Arena *arena, DeltaTransaction transaction, int64_t version)
{
    uint32_t i = text_index_add(&replay->app_ids, transaction.app_id);
    transaction.committed = version;
    if (i == replay->actions.n_transactions)
        log_add_transaction(&replay->actions, arena, transaction);
    else
        replay->actions.transactions[i] = transaction;
}

/* Those of a commit, or (version -1) of a checkpoint. */
static void replay_actions(Replay *replay, const LogActions *actions, int64_t version, Arena *arena)
{
    for (uint32_t i = 0; i < actions->n_files; i++)
        replay_file(replay, &actions->files[i]);
    for (uint32_t i = 0; i < actions->n_transactions; i++)
        replay_transaction(replay, arena, actions->transactions[i], version);
    if (actions->metadata)
        replay->actions.metadata = actions->metadata;
    if (actions->min_reader_version) {
        replay->actions.min_reader_version = actions->min_reader_version;
        replay->actions.min_writer_version = actions->min_writer_version;
    }
    replay->actions.timestamp_ms = actions->timestamp_ms;
    if (version >= 0 && changes_rows(actions))
        replay->rows_changed = version;
}

static void replay_done(Replay *replay)
{
    text_index_done(&replay->paths);
    text_index_done(&replay->app_ids);
    mem_free(replay->files);
}

/* ---- Which version, from which checkpoint ---- */

static Status no_table(const char *table, Error *err)
{
    error_set(err, STATUS_NOT_FOUND, "there is no Delta table");
    error_at_file(err, table);
    return error_hint(err, "a Delta table is a folder with a folder _delta_log in it");
}

/* Whether the version is not in the log any more: retention or an erase cut it off behind a later checkpoint. */
static bool was_cut(const LogListing *listing, int64_t version)
{
    if (listing->n_checkpoints == 0 || (listing->n_commits && listing->commits[0] == 0))
        return false;
    for (uint32_t i = 0; i < listing->n_checkpoints && listing->checkpoints[i].version <= version; i++) {
        int64_t behind = listing->checkpoints[i].version + 1;
        if (behind > version || (listing->n_commits && listing->commits[0] <= behind))
            return false;
    }
    return true;
}

static int64_t newest_version(const LogListing *listing)
{
    int64_t commit = listing->n_commits ? listing->commits[listing->n_commits - 1] : -1;
    int64_t checkpoint = listing->n_checkpoints ? listing->checkpoints[listing->n_checkpoints - 1].version : -1;
    return commit > checkpoint ? commit : checkpoint;
}

static int64_t oldest_version(const LogListing *listing)
{
    int64_t oldest = listing->n_commits ? listing->commits[0] : listing->checkpoints[0].version;
    for (uint32_t i = 0; i < listing->n_checkpoints && was_cut(listing, oldest); i++)
        oldest = listing->checkpoints[i].version;
    return oldest;
}

static Status no_version(const char *table, const LogListing *listing, DeltaVersion wanted, Error *err)
{
    int64_t oldest = oldest_version(listing), newest = newest_version(listing);
    const char *why = oldest > 0 ? "; older ones ended with the log's retention or an erase" : "";
    if (wanted.kind == DELTA_AT_TIME)
        error_set(err, STATUS_NOT_FOUND, "the table has no version as old as that time");
    else if (wanted.value >= 0 && wanted.value < oldest)
        error_set(err, STATUS_NOT_FOUND, "version %lld of the table was cleaned up", (long long)wanted.value);
    else
        error_set(err, STATUS_NOT_FOUND, "the table has no version %lld", (long long)wanted.value);
    error_at_file(err, table);
    if (oldest == newest)
        return error_hint(err, "version %lld is all there is%s", (long long)oldest, why);
    return error_hint(err, "there are versions %lld to %lld%s; 'freightlake table history' has their times",
                      (long long)oldest, (long long)newest, why);
}

static Status choose_version(const char *table, DeltaVersion wanted, const LogListing *listing, int64_t *ret_version,
                             Error *err)
{
    int64_t version = newest_version(listing);
    if (wanted.kind == DELTA_AT_VERSION) {
        if (wanted.value < 0 || wanted.value > version || was_cut(listing, wanted.value))
            return no_version(table, listing, wanted, err);
        version = wanted.value;
    } else if (wanted.kind == DELTA_AT_TIME) {
        uint32_t n = 0;
        while (n < listing->n_commits && listing->times_ms[n] <= wanted.value)
            n++;
        if (n == 0 || was_cut(listing, listing->commits[n - 1]))
            return no_version(table, listing, wanted, err);
        version = listing->commits[n - 1];
    }
    *ret_version = version;
    return STATUS_OK;
}

/* Index of the first commit behind `version`. */
static uint32_t commits_behind(const LogListing *listing, int64_t version)
{
    uint32_t i = 0;
    while (i < listing->n_commits && listing->commits[i] <= version)
        i++;
    return i;
}

static Status missing_commit(const char *table, int64_t version, Arena *arena, Error *err)
{
    error_set(err, STATUS_CORRUPT, "the log has a gap: version %lld is missing", (long long)version);
    error_at_file(err, log_path(table, version, arena));
    return error_hint(err, "'freightlake table fsck' says what is left; a copy of the file mends it");
}

/* Replays everything up to `version`, beginning with the checkpoint (version -1: from the first commit). */
static Status replay_from(const char *table, CheckpointFile checkpoint, int64_t version, const LogListing *listing,
                          Arena *arena, Replay *replay, Error *err)
{
    int64_t next = 0;
    if (checkpoint.version >= 0) {
        LogActions actions = {.timestamp_ms = -1};
        TRY(checkpoint_read(table, checkpoint, arena, &actions, err));
        replay_actions(replay, &actions, -1, arena);
        next = checkpoint.version + 1;
    }
    for (uint32_t i = commits_behind(listing, next - 1); next <= version; i++, next++) {
        if (i >= listing->n_commits || listing->commits[i] != next)
            return missing_commit(table, next, arena, err);
        LogActions actions;
        TRY(log_read(table, next, arena, &actions, err));
        replay_actions(replay, &actions, next, arena);
        if (replay->actions.timestamp_ms < 0)
            replay->actions.timestamp_ms = listing->times_ms[i];
    }
    for (uint32_t i = 0; i < listing->n_commits && replay->actions.timestamp_ms < 0; i++)
        if (listing->commits[i] == version) /* the checkpoint is all of it */
            replay->actions.timestamp_ms = listing->times_ms[i];
    if (replay->actions.metadata && replay->actions.min_reader_version)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "the log has no metaData or no protocol");
    return error_at_file(err, log_path(table, 0, arena));
}

/* ---- The snapshot ---- */

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const LogFile *)a)->file.path, ((const LogFile *)b)->file.path);
}

static int compare_transactions(const void *a, const void *b)
{
    return strcmp(((const DeltaTransaction *)a)->app_id, ((const DeltaTransaction *)b)->app_id);
}

static Status resolve_partitions(const DeltaMetadata *metadata, LogFile *file, Arena *arena, Error *err)
{
    const char **values = ARENA_ARRAY(arena, const char *, metadata->n_partition_columns + 1);
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++) {
        const char *name = metadata->schema.fields[metadata->partition_columns[i]].name;
        bool found = false;
        for (uint32_t k = 0; k < file->n_partitions && !found; k++) {
            found = strcmp(file->partitions[k].key, name) == 0;
            values[i] = found ? file->partitions[k].value : NULL;
        }
        if (!found && !file->removed)
            return error_set(err, STATUS_CORRUPT, "the file %.200s has no value of partition column %.80s",
                             file->file.path, name);
    }
    file->file.partition_values = values;
    return STATUS_OK;
}

static Status make_snapshot(Replay *replay, const char *table, int64_t version, Arena *arena,
                            DeltaSnapshot **ret_snapshot, Error *err)
{
    DeltaSnapshot *snapshot = ARENA_NEW(arena, DeltaSnapshot);
    const LogActions *actions = &replay->actions;
    *snapshot = (DeltaSnapshot){.table = arena_strdup(arena, table),
                                .version = version,
                                .timestamp_ms = actions->timestamp_ms,
                                .min_reader_version = actions->min_reader_version,
                                .min_writer_version = actions->min_writer_version,
                                .metadata = actions->metadata->metadata,
                                .transactions = actions->transactions,
                                .n_transactions = actions->n_transactions,
                                .checkpoint = replay->checkpoint,
                                .rows_changed = replay->rows_changed};
    DeltaFile *files = ARENA_ARRAY(arena, DeltaFile, replay->paths.n + 1);
    DeltaTombstone *tombstones = ARENA_ARRAY(arena, DeltaTombstone, replay->paths.n + 1);
    if (replay->paths.n > 1)
        qsort(replay->files, replay->paths.n, sizeof *replay->files, compare_files);
    if (actions->n_transactions > 1)
        qsort(actions->transactions, actions->n_transactions, sizeof *actions->transactions, compare_transactions);
    for (uint32_t i = 0; i < replay->paths.n; i++) {
        LogFile *file = &replay->files[i];
        TRY(resolve_partitions(&snapshot->metadata, file, arena, err));
        if (file->removed) {
            tombstones[snapshot->n_tombstones++] =
                (DeltaTombstone){file->file, file->deletion_time_ms, file->data_change};
            continue;
        }
        files[snapshot->n_files++] = file->file;
        snapshot->n_rows += file->file.num_records > 0 ? (uint64_t)file->file.num_records : 0;
        snapshot->size_bytes += file->file.size_bytes;
    }
    snapshot->files = files;
    snapshot->tombstones = tombstones;
    *ret_snapshot = snapshot;
    return STATUS_OK;
}

/* From one checkpoint (version -1: from the first commit). */
static Status load_from(const char *table, CheckpointFile checkpoint, int64_t version, const LogListing *listing,
                        Arena *arena, DeltaSnapshot **ret_snapshot, Error *err)
{
    Replay replay = {.checkpoint = checkpoint.version, .rows_changed = -1};
    Status status = replay_from(table, checkpoint, version, listing, arena, &replay, err);
    if (status == STATUS_OK)
        status = make_snapshot(&replay, table, version, arena, ret_snapshot, err);
    replay_done(&replay);
    return status;
}

/* Tries the newest checkpoint first; of several failures the first is the one to be told. */
static Status load(const char *table, int64_t version, const LogListing *listing, Arena *arena,
                   DeltaSnapshot **ret_snapshot, Error *err)
{
    uint32_t k = listing->n_checkpoints;
    while (k > 0 && listing->checkpoints[k - 1].version > version)
        k--;
    CheckpointFile none = {-1, 0};
    Status status =
        load_from(table, k > 0 ? listing->checkpoints[k - 1] : none, version, listing, arena, ret_snapshot, err);
    while (status == STATUS_CORRUPT && k > 0) {
        Error again;
        error_init(&again);
        k--;
        if (load_from(table, k > 0 ? listing->checkpoints[k - 1] : none, version, listing, arena, ret_snapshot,
                      &again) == STATUS_OK) {
            error_init(err);
            return STATUS_OK;
        }
    }
    return status;
}

Status delta_exists(const char *table, bool *ret_exists, Error *err)
{
    Arena arena;
    LogListing listing;
    arena_init(&arena);
    Status status = log_list(table, 0, &arena, &listing, err);
    if (status == STATUS_OK)
        *ret_exists = listing.n_commits > 0 || listing.n_checkpoints > 0;
    arena_done(&arena);
    return status;
}

Status delta_snapshot_load(const char *table, DeltaVersion version, Arena *arena, DeltaSnapshot **ret_snapshot,
                           Error *err)
{
    int64_t hint = version.kind == DELTA_NEWEST ? log_checkpoint_hint(table, arena) : 0;
    LogListing listing;
    TRY(log_list(table, hint, arena, &listing, err));
    if (hint > 0 && (listing.n_checkpoints == 0 || listing.checkpoints[0].version != hint)) /* a stale hint */
        TRY(log_list(table, 0, arena, &listing, err));
    if (listing.n_commits == 0 && listing.n_checkpoints == 0)
        return no_table(table, err);
    int64_t chosen = -1;
    TRY(choose_version(table, version, &listing, &chosen, err));
    Error tried;
    error_init(&tried);
    Status status = load(table, chosen, &listing, arena, ret_snapshot, &tried);
    if (status == STATUS_CORRUPT && hint > 0) { /* the checkpoint of the hint is broken: older ones may do */
        TRY(log_list(table, 0, arena, &listing, err));
        error_init(&tried);
        status = load(table, chosen, &listing, arena, ret_snapshot, &tried);
    }
    if (status != STATUS_OK) {
        *err = tried;
        error_at_file(err, table);
    }
    return status;
}

Status delta_snapshot_load_if_any(const char *table, Arena *arena, DeltaSnapshot **ret_snapshot, Error *err)
{
    bool exists;
    Status status = delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, ret_snapshot, err);
    if (status != STATUS_NOT_FOUND)
        return status;
    Error why = *err; /* no table, or one of which something is missing */
    error_init(err);
    TRY(delta_exists(table, &exists, err));
    if (!exists)
        *ret_snapshot = NULL;
    else
        *err = why;
    return err->code;
}

Status delta_newest_version(const char *table, int64_t known, int64_t *ret_version, Error *err)
{
    Arena arena;
    LogListing listing;
    arena_init(&arena);
    Status status = log_list(table, known, &arena, &listing, err);
    if (status == STATUS_OK)
        *ret_version = newest_version(&listing);
    arena_done(&arena);
    return status;
}

static const DeltaTransaction *find_transaction(const DeltaSnapshot *snapshot, const char *app_id)
{
    const DeltaTransaction key = {.app_id = app_id};
    return snapshot->n_transactions
               ? bsearch(&key, snapshot->transactions, snapshot->n_transactions, sizeof key, compare_transactions)
               : NULL;
}

int64_t delta_transaction_version(const DeltaSnapshot *snapshot, const char *app_id)
{
    const DeltaTransaction *found = find_transaction(snapshot, app_id);
    return found ? found->version : -1;
}

bool delta_rows_changed_since(const DeltaSnapshot *snapshot, int64_t version)
{
    Arena arena;
    bool changed = version > snapshot->version || snapshot->rows_changed > version;
    arena_init(&arena);
    while (!changed && ++version <= snapshot->checkpoint) { /* what is behind it was looked at when it was loaded */
        LogActions actions;
        Error ignored;
        error_init(&ignored);
        arena_reset(&arena);
        changed = log_read(snapshot->table, version, &arena, &actions, &ignored) != STATUS_OK || changes_rows(&actions);
    }
    arena_done(&arena);
    return changed;
}

static bool has_transaction(const LogActions *actions, const char *app_id)
{
    for (uint32_t i = 0; i < actions->n_transactions; i++)
        if (actions->transactions[i].version >= 0 && strcmp(actions->transactions[i].app_id, app_id) == 0)
            return true;
    return false;
}

bool delta_transaction_stands(const DeltaSnapshot *snapshot, const char *app_id)
{
    const DeltaTransaction *transaction = find_transaction(snapshot, app_id);
    if (!transaction || transaction->version < 0)
        return false;
    if (snapshot->rows_changed >= 0 || transaction->committed >= 0)
        return transaction->committed >= snapshot->rows_changed;
    Arena arena;
    bool found = false, changed = false;
    arena_init(&arena);
    for (int64_t version = snapshot->checkpoint; version >= 0 && !found && !changed; version--) {
        LogActions actions;
        Error ignored;
        error_init(&ignored);
        arena_reset(&arena);
        if (log_read(snapshot->table, version, &arena, &actions, &ignored) != STATUS_OK)
            break;
        found = has_transaction(&actions, app_id);
        changed = changes_rows(&actions);
    }
    arena_done(&arena);
    return found;
}

const char *delta_property(const DeltaMetadata *metadata, const char *key)
{
    for (uint32_t i = 0; i < metadata->n_configuration; i++)
        if (strcmp(metadata->configuration[i].key, key) == 0)
            return metadata->configuration[i].value;
    return NULL;
}

static int compare_path(const void *path, const void *file)
{
    return strcmp(path, ((const DeltaFile *)file)->path);
}

const DeltaFile *delta_find_file(const DeltaSnapshot *snapshot, const char *path)
{
    return snapshot->n_files ? bsearch(path, snapshot->files, snapshot->n_files, sizeof *snapshot->files, compare_path)
                             : NULL;
}

const char *delta_file_path(const DeltaSnapshot *snapshot, const DeltaFile *file, Arena *arena)
{
    if (file->path[0] == '/' || strstr(file->path, "://"))
        return file->path;
    return arena_printf(arena, "%s/%s", snapshot->table, file->path);
}

/* ---- History ---- */

static void describe(const LogActions *actions, int64_t version, int64_t time_ms, DeltaCommitInfo *info)
{
    *info = (DeltaCommitInfo){.version = version,
                              .timestamp_ms = time_ms,
                              .operation = actions->operation ? actions->operation : "unknown",
                              .parameters = actions->parameters,
                              .engine = actions->engine,
                              .user_metadata = actions->user_metadata,
                              .metadata_changed = actions->metadata != NULL};
    for (uint32_t i = 0; i < actions->n_files; i++) {
        const LogFile *file = &actions->files[i];
        uint64_t rows = file->file.num_records > 0 ? (uint64_t)file->file.num_records : 0;
        info->files_added += !file->removed;
        info->files_removed += file->removed;
        info->rows_added += file->removed ? 0 : rows;
        info->rows_removed += file->removed ? rows : 0;
        info->data_change |= file->data_change;
    }
}

Status delta_history(const char *table, int64_t first, int64_t last, Arena *arena, DeltaCommitInfo **ret_commits,
                     uint32_t *ret_n, Error *err)
{
    LogListing listing;
    TRY(log_list(table, 0, arena, &listing, err));
    if (listing.n_commits == 0 && listing.n_checkpoints == 0)
        return no_table(table, err);
    DeltaCommitInfo *commits = ARENA_ARRAY(arena, DeltaCommitInfo, listing.n_commits + 1);
    uint32_t n = 0;
    for (uint32_t i = listing.n_commits; i-- > 0;) {
        int64_t version = listing.commits[i];
        if (version < first || (last >= 0 && version > last))
            continue;
        LogActions actions;
        TRY(log_read(table, version, arena, &actions, err));
        describe(&actions, version, listing.times_ms[i], &commits[n++]);
    }
    *ret_commits = commits;
    *ret_n = n;
    return STATUS_OK;
}

Status delta_file_changes(const char *table, int64_t version, Arena *arena, DeltaFileChange **ret_changes,
                          uint32_t *ret_n, Error *err)
{
    LogActions actions;
    TRY(log_read(table, version, arena, &actions, err));
    DeltaFileChange *changes = ARENA_ARRAY(arena, DeltaFileChange, actions.n_files + 1);
    for (uint32_t i = 0; i < actions.n_files; i++)
        changes[i] =
            (DeltaFileChange){actions.files[i].file.path, actions.files[i].removed, actions.files[i].data_change};
    *ret_changes = changes;
    *ret_n = actions.n_files;
    return STATUS_OK;
}
