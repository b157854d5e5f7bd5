/* Vacuum: removes files that nothing needs any more.
 *
 * The folder is listed first and the log read afterwards, so that a file which is committed in between is seen to be
 * needed.  A file stays when one of these holds:
 *   - the newest version has it
 *   - it was removed from the table within the retention (readers of that time may be at it, time travel wants it)
 *   - it is younger than the retention (it may be another writer's, not committed yet)
 *   - the job's keep function says so (pending transactions)
 *   - it is no data file: names in a folder or with a name that starts with '_' or '.' (but partition folders), and what
 *     neither ends in .parquet nor was ever named by the log
 * Checksum files of Hadoop (".NAME.crc") go with their file.  Temporary files of dead processes are removed, too. */
#include <stdlib.h>

#include "base/fault.h"
#include "delta/log.h"
#include "delta/maintain.h"

#define DEFAULT_RETENTION_MS (7 * (int64_t)86400000)

typedef struct Vacuum {
    const DeltaMaintenance *job;
    Arena *arena;
    size_t folder_size; /* length of the table's folder with its '/' in listed paths */
    const DeltaSnapshot *snapshot;
    const DeltaSnapshot *at_cutoff; /* NULL: not needed */
    int64_t table_retention_ms;
    int64_t cutoff_ms;
    StorageList list;
    bool *removed; /* a flag an entry of the list */
    DeltaVacuum result;
} Vacuum;

/* ---- Retention ---- */

static Status find_retention(Vacuum *work, int64_t retention_ms, bool force, Error *err)
{
    static const char key[] = "delta.deletedFileRetentionDuration";
    const DeltaMetadata *metadata = &work->snapshot->metadata;
    if (!log_interval_ms(metadata, key, DEFAULT_RETENTION_MS, &work->table_retention_ms)) {
        error_set(err, STATUS_UNSUPPORTED, "%s is '%s'", key, delta_property(metadata, key));
        return error_hint(err, "it is written like 'interval 7 days'");
    }
    if (retention_ms < 0)
        retention_ms = work->table_retention_ms;
    if (retention_ms < work->table_retention_ms && !force) {
        error_set(err, STATUS_USAGE, "a retention of %.4g hours is shorter than the table's, %.4g hours",
                  (double)retention_ms / 3600000.0, (double)work->table_retention_ms / 3600000.0);
        return error_hint(err,
                          "files that readers are at, that writers are about to commit or that time travel wants may "
                          "be lost; --force does it all the same");
    }
    work->cutoff_ms = delta_now_ms() - retention_ms;
    return STATUS_OK;
}

/* When a longer retention than the table's is asked for, the log may have forgotten what was removed in between. */
static Status load_cutoff(Vacuum *work, Error *err)
{
    if (work->cutoff_ms >= delta_now_ms() - work->table_retention_ms)
        return STATUS_OK;
    DeltaSnapshot *snapshot;
    Status status = delta_snapshot_load(work->job->table, (DeltaVersion){DELTA_AT_TIME, work->cutoff_ms}, work->arena,
                                        &snapshot, err);
    if (status == STATUS_OK)
        work->at_cutoff = snapshot;
    else if (status == STATUS_NOT_FOUND) /* no version is that old any more */
        error_init(err);
    else
        return status;
    return STATUS_OK;
}

/* ---- What a file is ---- */

static const DeltaTombstone *find_tombstone(const DeltaSnapshot *snapshot, const char *path)
{
    uint32_t low = 0, high = snapshot->n_tombstones;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(snapshot->tombstones[middle].file.path, path);
        if (order == 0)
            return &snapshot->tombstones[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Some part of the path starts with '_' or '.' and is no partition folder ("_day=1"). */
static bool is_hidden(const char *path)
{
    for (const char *part = path; part;) {
        const char *end = strchr(part, '/');
        bool partition = end && memchr(part, '=', (size_t)(end - part));
        if ((*part == '_' || *part == '.') && !partition)
            return true;
        part = end ? end + 1 : NULL;
    }
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

typedef enum Fate { FATE_NEEDED, FATE_NOT_OURS, FATE_YOUNG, FATE_REMOVE } Fate;

/* The path as the log has it: below the table, or (shallow copies) absolute. */
static Fate fate_of(const Vacuum *work, const StorageEntry *entry)
{
    const char *path = entry->path + work->folder_size;
    if (delta_find_file(work->snapshot, path) || delta_find_file(work->snapshot, entry->path))
        return FATE_NEEDED;
    if (work->at_cutoff && (delta_find_file(work->at_cutoff, path) || delta_find_file(work->at_cutoff, entry->path)))
        return FATE_NEEDED;
    const DeltaTombstone *tombstone = find_tombstone(work->snapshot, path);
    if (!tombstone)
        tombstone = find_tombstone(work->snapshot, entry->path);
    if (tombstone && tombstone->deletion_time_ms >= work->cutoff_ms)
        return FATE_NEEDED;
    if (!tombstone && (is_hidden(path) || !ends_with(path, ".parquet")))
        return FATE_NOT_OURS;
    if (work->job->keep && work->job->keep(work->job->keep_context, entry->path))
        return FATE_NEEDED;
    return entry->modified_ms >= work->cutoff_ms ? FATE_YOUNG : FATE_REMOVE;
}

/* ---- Removing ---- */

static int64_t find_entry(const StorageList *list, const char *path)
{
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(list->entries[middle].path, path);
        if (order == 0)
            return (int64_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static void choose(Vacuum *work)
{
    work->removed = ARENA_ARRAY(work->arena, bool, work->list.n);
    for (size_t i = 0; i < work->list.n; i++) {
        const StorageEntry *entry = &work->list.entries[i];
        Fate fate = fate_of(work, entry);
        work->result.files_kept += fate == FATE_YOUNG;
        if (fate != FATE_REMOVE)
            continue;
        work->removed[i] = true;
        const char *name = strrchr(entry->path, '/') + 1;
        int64_t checksum = find_entry(
            &work->list, arena_printf(work->arena, "%.*s.%s.crc", (int)(name - entry->path), entry->path, name));
        if (checksum >= 0)
            work->removed[checksum] = true;
    }
}

static Status remove_chosen(Vacuum *work, Error *err)
{
    work->result.paths = ARENA_ARRAY(work->arena, char *, work->list.n);
    for (size_t i = 0; i < work->list.n; i++) {
        const StorageEntry *entry = &work->list.entries[i];
        if (!work->removed[i])
            continue;
        if (!work->job->dry_run) {
            TRY(interrupt_check(err));
            TRY(storage_remove(entry->path, err));
            fault_step("vacuum_after_remove");
        }
        work->result.paths[work->result.n_paths++] = arena_strdup(work->arena, entry->path + work->folder_size);
        work->result.files_removed++;
        work->result.bytes_removed += entry->size_bytes;
    }
    return STATUS_OK;
}

/* Temporary files lie beside what they would have become: in the table's folder, in the log, in partition folders. */
static Status clean_folders(Vacuum *work, Error *err)
{
    size_t removed;
    TRY(storage_clean(work->job->table, &removed, err));
    TRY(storage_clean(arena_printf(work->arena, "%s/_delta_log", work->job->table), &removed, err));
    const char *last = "";
    for (size_t i = 0; i < work->list.n; i++) {
        const char *path = work->list.entries[i].path;
        size_t size = (size_t)(strrchr(path, '/') - path);
        if (size + 1 <= work->folder_size || strncmp(path + work->folder_size, "_delta_log/", 11) == 0 ||
            (strlen(last) == size && strncmp(last, path, size) == 0))
            continue;
        last = arena_printf(work->arena, "%.*s", (int)size, path);
        TRY(storage_clean(last, &removed, err));
    }
    return STATUS_OK;
}

static Status vacuum_listed(Vacuum *work, int64_t retention_ms, bool force, Error *err)
{
    DeltaSnapshot *snapshot;
    TRY(delta_snapshot_load(work->job->table, (DeltaVersion){.kind = DELTA_NEWEST}, work->arena, &snapshot, err));
    work->snapshot = snapshot;
    TRY(find_retention(work, retention_ms, force, err));
    TRY(load_cutoff(work, err));
    choose(work);
    TRY(remove_chosen(work, err));
    return work->job->dry_run ? STATUS_OK : clean_folders(work, err);
}

Status delta_vacuum(const DeltaMaintenance *job, int64_t retention_ms, bool force, Arena *arena,
                    DeltaVacuum *ret_result, Error *err)
{
    Vacuum work = {.job = job, .arena = arena, .folder_size = strlen(job->table) + 1};
    TRY(storage_list_folder(job->table, true, NULL, &work.list, err));
    Status status = vacuum_listed(&work, retention_ms, force, err);
    storage_list_done(&work.list);
    if (status == STATUS_OK)
        *ret_result = work.result;
    return status;
}
