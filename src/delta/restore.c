/* Restore: a new version with the files, columns and properties of an old one.
 *
 * Files that the old version had and the newest has not come back, others go; nothing is copied.  Since the files are in
 * the folder only while vacuum has not taken them, each one that comes back is looked at first.  The commit read the whole
 * table: whoever committed in between makes it a conflict, which is the caller's to decide, since what was committed would
 * be undone, too.  Transactions (`txn`) are not taken back: a source that was ingested stays known.  One of the restore's own
 * tells that there was one, also when its log entry has gone into a checkpoint. */
#include "base/fault.h"
#include "delta/maintain.h"

typedef struct Restore {
    const DeltaMaintenance *job;
    Arena arena;
    const DeltaSnapshot *newest;
    const DeltaSnapshot *wanted;
    DeltaFile *adds;
    uint32_t n_adds;
    const DeltaFile **removes;
    uint32_t n_removes;
} Restore;

static bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_metadata(const DeltaMetadata *a, const DeltaMetadata *b)
{
    bool same = text_equal(a->name, b->name) && text_equal(a->description, b->description) &&
                text_equal(a->schema_json, b->schema_json) && a->n_partition_columns == b->n_partition_columns &&
                a->n_configuration == b->n_configuration;
    for (uint32_t i = 0; same && i < a->n_partition_columns; i++)
        same = a->partition_columns[i] == b->partition_columns[i];
    for (uint32_t i = 0; same && i < a->n_configuration; i++)
        same = text_equal(delta_property(b, a->configuration[i].key), a->configuration[i].value);
    return same;
}

static void compare_files(Restore *work)
{
    const DeltaSnapshot *newest = work->newest, *wanted = work->wanted;
    work->adds = ARENA_ARRAY(&work->arena, DeltaFile, wanted->n_files);
    work->removes = ARENA_ARRAY(&work->arena, const DeltaFile *, newest->n_files);
    uint32_t n = 0, w = 0;
    while (n < newest->n_files || w < wanted->n_files) {
        int order = n == newest->n_files   ? 1
                    : w == wanted->n_files ? -1
                                           : strcmp(newest->files[n].path, wanted->files[w].path);
        if (order < 0)
            work->removes[work->n_removes++] = &newest->files[n];
        else if (order > 0)
            work->adds[work->n_adds++] = wanted->files[w];
        n += order <= 0;
        w += order >= 0;
    }
}

static Status check_files(Restore *work, Error *err)
{
    for (uint32_t i = 0; i < work->n_adds; i++) {
        const char *path = delta_file_path(work->wanted, &work->adds[i], &work->arena);
        StorageFacts facts;
        TRY(storage_stat(path, &facts, err));
        if (facts.exists)
            continue;
        error_set(err, STATUS_NOT_FOUND, "version %lld cannot come back: vacuum has taken a file of it",
                  (long long)work->wanted->version);
        error_at_file(err, path);
        return error_hint(err, "nothing was changed; 'freightlake table history' lists the versions, younger ones may "
                               "still be whole");
    }
    return STATUS_OK;
}

static Status restore(Restore *work, DeltaVersion version, int64_t *ret_version, Error *err)
{
    DeltaSnapshot *newest, *wanted;
    TRY(delta_snapshot_load(work->job->table, (DeltaVersion){.kind = DELTA_NEWEST}, &work->arena, &newest, err));
    TRY(delta_snapshot_load(work->job->table, version, &work->arena, &wanted, err));
    work->newest = newest;
    work->wanted = wanted;
    compare_files(work);
    bool same = same_metadata(&newest->metadata, &wanted->metadata);
    TRY(check_files(work, err));
    if ((same && work->n_adds == 0 && work->n_removes == 0) || work->job->dry_run) {
        *ret_version = -1;
        return STATUS_OK;
    }
    const DeltaTransaction mark = {DELTA_RESTORE_APP_ID, newest->version + 1, -1};
    DeltaCommit commit = {.operation = "RESTORE",
                          .parameters = arena_printf(&work->arena, "{\"version\":%lld}", (long long)wanted->version),
                          .adds = work->adds,
                          .n_adds = work->n_adds,
                          .removes = work->removes,
                          .n_removes = work->n_removes,
                          .data_change = true,
                          .user_metadata = work->job->user_metadata,
                          .metadata = same ? NULL : &wanted->metadata,
                          .transaction = &mark,
                          .rule = DELTA_OVERWRITE};
    fault_step("restore_before_commit");
    Status status = delta_commit(newest, &commit, ret_version, err);
    if (status == STATUS_CONFLICT) {
        err->hint[0] = '\0'; /* this one says more */
        error_hint(err,
                   "somebody committed meanwhile, which the restore would undo; look at 'freightlake table history' "
                   "and try again");
    }
    return status;
}

Status delta_restore(const DeltaMaintenance *job, DeltaVersion version, int64_t *ret_version, Error *err)
{
    Restore work = {.job = job};
    arena_init(&work.arena);
    Status status = restore(&work, version, ret_version, err);
    arena_done(&work.arena);
    return status;
}
