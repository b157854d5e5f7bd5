/* Transactions over two tables; see transaction.h.
 *
 *   state of the disk                        what recovery does
 *   data files only                          nothing (vacuum takes them)
 *   pending record, first table without txn  forgets: removes the record and the files it would have added
 *   first table with txn, second without     commits the second from the record
 *   both tables with txn                     removes the record
 *
 * A transaction of one change needs no record: its commit is all there is.  Following commits are made on whatever version
 * the table has by then; appends fit on any, and files to be removed are looked up by their path.  They are still there,
 * since whoever else rewrites files of a client holds its lock. */
#include "lake/transaction.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/fault.h"
#include "lake/job.h"

#define MAX_PENDING_BYTES ((size_t)1 << 30)
#define MAX_TRIES 50

/* ---- The record ---- */

static json_t *file_to_json(const DeltaFile *file, uint32_t n_partitions)
{
    json_t *values = json_array();
    for (uint32_t i = 0; i < n_partitions; i++)
        json_array_append_new(values, file->partition_values[i] ? json_string(file->partition_values[i]) : json_null());
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:s?}", "path", file->path, "partition_values", values, "size",
                     (json_int_t)file->size_bytes, "modified_ms", (json_int_t)file->modification_time_ms, "rows",
                     (json_int_t)file->num_records, "statistics", file->statistics);
}

/* Tables by name, so that a lake that was copied or moved is worked on where it lies. */
static const char *const TABLES[] = {"shipments", "quarantine"};

static const char *name_of(const Lake *lake, const char *table, Arena *arena)
{
    for (size_t i = 0; i < ARRAY_SIZE(TABLES); i++)
        if (strcmp(lake_table_path(lake, TABLES[i], arena), table) == 0)
            return TABLES[i];
    return NULL;
}

static json_t *change_to_json(const Lake *lake, const LakeChange *change, Arena *arena)
{
    const DeltaCommit *commit = &change->commit;
    json_t *adds = json_array(), *removes = json_array(), *relearned = json_object();
    for (uint32_t i = 0; i < commit->n_relearned; i++)
        json_object_set_new(relearned, commit->relearned[i].app_id,
                            json_integer((json_int_t)commit->relearned[i].version));
    for (uint32_t i = 0; i < commit->n_adds; i++)
        json_array_append_new(adds, file_to_json(&commit->adds[i], change->base->metadata.n_partition_columns));
    for (uint32_t i = 0; i < commit->n_removes; i++)
        json_array_append_new(removes, json_string(commit->removes[i]->path));
    return json_pack("{s:s, s:s, s:s?, s:b, s:i, s:o, s:o, s:o}", "table", name_of(lake, change->base->table, arena),
                     "operation", commit->operation, "parameters", commit->parameters, "data_change",
                     commit->data_change, "rule", (int)commit->rule, "adds", adds, "removes", removes, "relearned",
                     relearned);
}

static Status write_record(const Lake *lake, const LakeTransaction *transaction, const char *path, Arena *arena,
                           Error *err)
{
    json_t *changes = json_array();
    for (uint32_t i = 0; i < transaction->n_changes; i++)
        json_array_append_new(changes, change_to_json(lake, &transaction->changes[i], arena));
    json_t *root = json_pack("{s:s, s:s, s:I, s:s?, s:o}", "client", transaction->client, "app_id", transaction->app_id,
                             "version", (json_int_t)transaction->version, "job", transaction->job, "changes", changes);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        return error_set(err, STATUS_INTERNAL, "a pending transaction cannot be written as JSON");
    Status status = storage_write_file(path, text, strlen(text), err);
    free(text);
    return status;
}

static const char *text_of(const json_t *object, const char *key, Arena *arena)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? arena_strdup(arena, text) : NULL;
}

static bool read_add(const json_t *object, Arena *arena, DeltaFile *file)
{
    const json_t *values = json_object_get(object, "partition_values");
    const char **texts = ARENA_ARRAY(arena, const char *, json_array_size(values) + 1);
    for (size_t i = 0; i < json_array_size(values); i++) {
        const char *text = json_string_value(json_array_get(values, i));
        texts[i] = text ? arena_strdup(arena, text) : NULL;
    }
    *file = (DeltaFile){.path = text_of(object, "path", arena),
                        .partition_values = texts,
                        .size_bytes = (uint64_t)json_integer_value(json_object_get(object, "size")),
                        .modification_time_ms = json_integer_value(json_object_get(object, "modified_ms")),
                        .num_records = json_integer_value(json_object_get(object, "rows")),
                        .statistics = text_of(object, "statistics", arena)};
    return file->path != NULL && json_is_array(values);
}

typedef struct PendingChange {
    const char *table;
    DeltaCommit commit; /* without removes */
    const char **removes;
    uint32_t n_removes;
} PendingChange;

typedef struct PendingRecord {
    const char *path;
    const char *client;
    const char *app_id;
    int64_t version;
    PendingChange *changes;
    uint32_t n_changes;
} PendingRecord;

static void read_relearned(json_t *object, Arena *arena, DeltaCommit *commit)
{
    DeltaTransaction *relearned = ARENA_ARRAY(arena, DeltaTransaction, json_object_size(object) + 1);
    const char *app_id;
    json_t *version;
    commit->relearned = relearned;
    json_object_foreach(object, app_id, version)
    {
        relearned[commit->n_relearned++] =
            (DeltaTransaction){arena_strdup(arena, app_id), json_integer_value(version), -1};
    }
}

static bool read_change(const Lake *lake, const json_t *object, Arena *arena, PendingChange *change)
{
    const json_t *adds = json_object_get(object, "adds"), *removes = json_object_get(object, "removes");
    DeltaFile *files = ARENA_ARRAY(arena, DeltaFile, json_array_size(adds) + 1);
    const char *name = json_string_value(json_object_get(object, "table"));
    *change = (PendingChange){0};
    for (size_t i = 0; i < ARRAY_SIZE(TABLES); i++)
        if (name && strcmp(TABLES[i], name) == 0)
            change->table = lake_table_path(lake, TABLES[i], arena);
    change->commit = (DeltaCommit){.operation = text_of(object, "operation", arena),
                                   .parameters = text_of(object, "parameters", arena),
                                   .adds = files,
                                   .data_change = json_is_true(json_object_get(object, "data_change")),
                                   .rule = (DeltaConflictRule)json_integer_value(json_object_get(object, "rule"))};
    read_relearned(json_object_get(object, "relearned"), arena, &change->commit);
    change->removes = ARENA_ARRAY(arena, const char *, json_array_size(removes) + 1);
    bool good = change->table && change->commit.operation && json_is_array(adds) && json_is_array(removes);
    for (size_t i = 0; i < json_array_size(adds) && good; i++)
        good = read_add(json_array_get(adds, i), arena, &files[change->commit.n_adds++]);
    for (size_t i = 0; i < json_array_size(removes) && good; i++) {
        const char *path = json_string_value(json_array_get(removes, i));
        good = path != NULL;
        change->removes[change->n_removes++] = path ? arena_strdup(arena, path) : "";
    }
    return good;
}

static Status read_record(const Lake *lake, const char *path, Arena *arena, PendingRecord *ret_record, Error *err)
{
    StrView text;
    TRY(storage_read_file(path, MAX_PENDING_BYTES, arena, &text, err));
    json_t *root = json_loadb(text.data, text.size, 0, NULL);
    const json_t *changes = json_object_get(root, "changes");
    PendingRecord record = {.path = arena_strdup(arena, path),
                            .client = text_of(root, "client", arena),
                            .app_id = text_of(root, "app_id", arena),
                            .version = json_integer_value(json_object_get(root, "version")),
                            .changes = ARENA_ARRAY(arena, PendingChange, json_array_size(changes) + 1)};
    bool good = record.client && record.app_id && json_array_size(changes) > 0;
    const char *job = text_of(root, "job", arena);
    for (size_t i = 0; i < json_array_size(changes) && good; i++) {
        good = read_change(lake, json_array_get(changes, i), arena, &record.changes[record.n_changes]);
        record.changes[record.n_changes++].commit.user_metadata = job;
    }
    json_decref(root);
    if (!good) {
        error_set(err, STATUS_CORRUPT, "this is no record of a pending transaction");
        error_at_file(err, path);
        return error_hint(
            err, "records are written whole: something else changed it.  Move it away, then 'freightlake doctor'");
    }
    *ret_record = record;
    return STATUS_OK;
}

/* ---- Committing ---- */

/* The record's change on the table as it is; nothing is done when its txn is there. */
static Status commit_on_newest(const PendingChange *change, const DeltaTransaction *txn, Arena *arena,
                               int64_t *ret_version, Error *err)
{
    DeltaSnapshot *base;
    TRY(delta_snapshot_load(change->table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, &base, err));
    *ret_version = base->version;
    if (delta_transaction_version(base, txn->app_id) >= txn->version)
        return STATUS_OK;
    DeltaCommit commit = change->commit;
    const DeltaFile **removes = ARENA_ARRAY(arena, const DeltaFile *, change->n_removes + 1);
    for (uint32_t i = 0; i < change->n_removes; i++) {
        removes[i] = delta_find_file(base, change->removes[i]);
        if (removes[i])
            continue;
        error_set(err, STATUS_CONFLICT, "a file that a pending transaction removes is gone: %.200s",
                  change->removes[i]);
        error_at_file(err, change->table);
        return error_hint(err,
                          "the table was changed by another program; 'table restore' goes back to the version before");
    }
    commit.removes = removes;
    commit.n_removes = change->n_removes;
    commit.transaction = txn;
    return delta_commit(base, &commit, ret_version, err);
}

static Status commit_following(const PendingChange *change, const DeltaTransaction *txn, int64_t *ret_version,
                               Error *err)
{
    for (int tries = 1;; tries++) {
        Arena arena;
        arena_init(&arena);
        Status status = commit_on_newest(change, txn, &arena, ret_version, err);
        arena_done(&arena);
        if (status != STATUS_CONFLICT || tries == MAX_TRIES)
            return status;
        error_init(err);
    }
}

/* Whether a failed first commit surely did not happen. */
static bool surely_not_committed(Status status)
{
    return status == STATUS_CONFLICT || status == STATUS_UNSUPPORTED || status == STATUS_USAGE || status == STATUS_DATA;
}

static Status commit_first(LakeTransaction *transaction, const DeltaTransaction *txn, Error *err)
{
    LakeChange *first = &transaction->changes[0];
    DeltaCommit commit = first->commit;
    commit.transaction = txn;
    commit.user_metadata = transaction->job;
    commit.must_be_new_transaction = true;
    return delta_commit(first->base, &commit, &first->version, err);
}

Status lake_commit(const Lake *lake, LakeTransaction *transaction, Arena *arena, Error *err)
{
    const DeltaTransaction txn = {transaction->app_id, transaction->version, -1};
    if (transaction->n_changes == 1)
        return commit_first(transaction, &txn, err);
    const char *path =
        arena_printf(arena, "%s/pending/%s.%s.json", lake->control, transaction->client, delta_uuid(arena));
    TRY(write_record(lake, transaction, path, arena, err));
    fault_step("pending_written");
    Status status = commit_first(transaction, &txn, err);
    if (status != STATUS_OK) {
        Error ignored;
        error_init(&ignored);
        if (surely_not_committed(status) && storage_remove(path, &ignored) != STATUS_OK)
            error_hint(err, "the record %s is left; the next command forgets it", path);
        return status;
    }
    fault_step("first_committed");
    PendingRecord record;
    TRY(read_record(lake, path, arena, &record, err));
    for (uint32_t i = 1; i < transaction->n_changes; i++)
        TRY(commit_following(&record.changes[i], &txn, &transaction->changes[i].version, err));
    fault_step("second_committed");
    return storage_remove(path, err);
}

/* ---- Recovering ---- */

static Status forget(const PendingRecord *record, Arena *arena, Error *err)
{
    for (uint32_t i = 0; i < record->n_changes; i++)
        for (uint32_t k = 0; k < record->changes[i].commit.n_adds; k++)
            TRY(storage_remove(
                arena_printf(arena, "%s/%s", record->changes[i].table, record->changes[i].commit.adds[k].path), err));
    return storage_remove(record->path, err);
}

static Status recover_record(const Lake *lake, const char *path, Arena *arena, LakeRecovery *recovery, Error *err)
{
    PendingRecord record;
    TRY(read_record(lake, path, arena, &record, err));
    const DeltaTransaction txn = {record.app_id, record.version, -1};
    DeltaSnapshot *first;
    TRY(delta_snapshot_load(record.changes[0].table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, &first, err));
    if (delta_transaction_version(first, record.app_id) < record.version) {
        recovery->forgotten++;
        return forget(&record, arena, err);
    }
    int64_t version;
    for (uint32_t i = 1; i < record.n_changes; i++)
        TRY(commit_following(&record.changes[i], &txn, &version, err));
    recovery->finished++;
    return storage_remove(path, err);
}

/* The client a record's name begins with: "emart.UUID.json". */
static bool is_of_client(const char *path, const char *client)
{
    const char *name = strrchr(path, '/') + 1;
    size_t n = strlen(client);
    return strncmp(name, client, n) == 0 && name[n] == '.';
}

static Status list_pending(const Lake *lake, StorageList *ret_list, Error *err)
{
    CLEANUP(mem_cleanup) char *folder = mem_printf("%s/pending", lake->control);
    return storage_list_folder(folder, false, NULL, ret_list, err);
}

/* Records of clients whose lock is free. */
static Status recover_if_free(const Lake *lake, const char *path, Arena *arena, LakeRecovery *recovery, Error *err)
{
    const char *name = strrchr(path, '/') + 1;
    size_t n = strcspn(name, ".");
    LakeLock *lock = NULL;
    TRY(lake_try_lock(lake, arena_printf(arena, "client-%.*s", (int)n, name), &lock, err));
    if (!lock) /* somebody is at it */
        return STATUS_OK;
    StorageFacts facts;
    Status status = storage_stat(path, &facts, err);
    if (status == STATUS_OK && facts.exists)
        status = recover_record(lake, path, arena, recovery, err);
    lake_unlock(lock);
    return status;
}

Status lake_clean_table(const char *table, const char *client, Error *err)
{
    size_t removed;
    CLEANUP(mem_cleanup) char *log = mem_printf("%s/_delta_log", table);
    CLEANUP(mem_cleanup) char *partition = mem_printf("%s/client=%s", table, client ? client : "");
    TRY(storage_clean(table, &removed, err));
    TRY(storage_clean(log, &removed, err));
    return client ? storage_clean(partition, &removed, err) : STATUS_OK;
}

Status lake_clean_control(const Lake *lake, Error *err)
{
    static const char *const folders[] = {"runs", "running", "state", "pending"};
    size_t below; /* on S3 one look serves all that is below the lake */
    if (!storage_is_local(lake->path))
        TRY(storage_clean(lake->path, &below, err));
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        size_t removed;
        CLEANUP(mem_cleanup) char *folder = mem_printf("%s/%s", lake->control, folders[i]);
        TRY(storage_clean(folder, &removed, err));
    }
    size_t removed;
    return storage_clean(lake->clients, &removed, err);
}

static Status clean_client(const Lake *lake, const char *client, Arena *arena, Error *err)
{
    size_t removed;
    TRY(lake_clean_table(lake_table_path(lake, "shipments", arena), client, err));
    TRY(lake_clean_table(lake_table_path(lake, "quarantine", arena), client, err));
    TRY(storage_clean(arena_printf(arena, "%s/erased/%s", lake->control, client), &removed, err));
    return storage_clean(arena_printf(arena, "%s/%s", lake->raw, client), &removed, err);
}

/* Of all clients with a mapping, when no one is named.  A temporary file that somebody still writes is locked and stays. */
static Status clean_clients(const Lake *lake, const char *client, Arena *arena, Error *err)
{
    TRY(lake_clean_control(lake, err));
    if (client)
        return clean_client(lake, client, arena, err);
    StorageList list;
    TRY(storage_list_folder(lake->clients, false, NULL, &list, err));
    Status status = STATUS_OK;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        const char *name = strrchr(list.entries[i].path, '/') + 1, *dot = strrchr(name, '.');
        if (dot && strcmp(dot, ".yaml") == 0)
            status = clean_client(lake, arena_printf(arena, "%.*s", (int)(dot - name), name), arena, err);
    }
    storage_list_done(&list);
    return status;
}

Status lake_recover(const Lake *lake, const char *client, LakeRecovery *ret_recovery, Error *err)
{
    StorageList list;
    Arena arena;
    LakeRecovery recovery = {0};
    TRY(list_pending(lake, &list, err));
    arena_init(&arena);
    Status status = clean_clients(lake, client, &arena, err);
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        if (!client)
            status = recover_if_free(lake, list.entries[i].path, &arena, &recovery, err);
        else if (is_of_client(list.entries[i].path, client))
            status = recover_record(lake, list.entries[i].path, &arena, &recovery, err);
    }
    if (status == STATUS_OK)
        status = lake_jobs_recover(lake, client ? arena_printf(&arena, "client-%s", client) : NULL, err);
    arena_done(&arena);
    storage_list_done(&list);
    if (status == STATUS_OK)
        *ret_recovery = recovery;
    return status;
}

/* ---- What vacuum must keep ---- */

struct LakePending {
    const char **paths; /* of data files */
    uint32_t n, capacity;
    uint32_t n_records;
    Arena *arena;
};

static void keep_path(LakePending *pending, const char *path)
{
    if (pending->n == pending->capacity) {
        uint32_t capacity = pending->capacity ? pending->capacity * 2 : 16;
        const char **paths = ARENA_ARRAY(pending->arena, const char *, capacity);
        if (pending->n)
            memcpy(paths, pending->paths, sizeof *paths * pending->n);
        pending->paths = paths;
        pending->capacity = capacity;
    }
    pending->paths[pending->n++] = path;
}

Status lake_pending_load(const Lake *lake, Arena *arena, LakePending **ret_pending, Error *err)
{
    StorageList list;
    TRY(list_pending(lake, &list, err));
    LakePending *pending = ARENA_NEW(arena, LakePending);
    pending->arena = arena;
    Status status = STATUS_OK;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        PendingRecord record;
        status = read_record(lake, list.entries[i].path, arena, &record, err);
        if (status == STATUS_NOT_FOUND) { /* finished in the meantime */
            error_init(err);
            status = STATUS_OK;
            continue;
        }
        for (uint32_t c = 0; status == STATUS_OK && c < record.n_changes; c++)
            for (uint32_t k = 0; k < record.changes[c].commit.n_adds; k++)
                keep_path(pending,
                          arena_printf(arena, "%s/%s", record.changes[c].table, record.changes[c].commit.adds[k].path));
        pending->n_records++;
    }
    storage_list_done(&list);
    if (status == STATUS_OK)
        *ret_pending = pending;
    return status;
}

bool lake_pending_keeps(void *pending, const char *path)
{
    const LakePending *all = pending;
    for (uint32_t i = 0; i < all->n; i++)
        if (strcmp(all->paths[i], path) == 0)
            return true;
    return false;
}

uint32_t lake_pending_count(const LakePending *pending)
{
    return pending->n_records;
}
