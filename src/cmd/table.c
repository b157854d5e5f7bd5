/* table: history, restore, compact, vacuum and fsck of a Delta table, one of the lake's or any other.
 *
 * A table of the lake is worked on under the locks of those who remove files from it: of all its clients (shipments,
 * quarantine), or of the run (marts).  What was cut off is finished first, and what was done goes into the history. */
#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_table.h"
#include "lake/transaction.h"

typedef Status (*TableAction)(TableJob *job, Error *err);

static const struct {
    const char *name;
    TableAction action;
    bool changes;
} ACTIONS[] = {
    {"history", table_history, false}, {"restore", table_restore, true}, {"compact", table_compact, true},
    {"vacuum", table_vacuum, true},    {"fsck", table_fsck, false},
};

/* ---- Which table ---- */

static Status use_path(TableJob *job, const char *path, bool *ret_found, Error *err)
{
    char *folder = arena_strdup(job->arena, path);
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        folder[--n] = '\0';
    TRY(delta_exists(folder, ret_found, err));
    if (*ret_found)
        job->path = folder;
    return STATUS_OK;
}

static Status no_table(const TableJob *job, Error *err)
{
    if (job->lake)
        error_set(err, STATUS_NOT_FOUND, "the lake has no table '%s'", job->name);
    else
        error_set(err, STATUS_NOT_FOUND, "there is no Delta table '%s'", job->name);
    return error_hint(err,
                      "shipments, quarantine, a mart's name (of a lake, see --lake), or the folder of any Delta table");
}

static Status find_table(TableJob *job, Error *err)
{
    bool found = false, is_path = strchr(job->name, '/') || job->name[0] == '.' || job->name[0] == '\0';
    TRY(lake_if_any(job->arguments, job->arena, &job->lake, err));
    if (job->lake && !is_path) {
        TRY(use_path(job, lake_table_path(job->lake, job->name, job->arena), &found, err));
        job->of_lake = found;
    }
    if (!found)
        TRY(use_path(job, job->name, &found, err));
    return found ? STATUS_OK : no_table(job, err);
}

/* ---- Locks ---- */

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another job on the same table", LOG_TEXT_FIELD("lock", name));
}

static Status take_lock(TableJob *job, const char *name, Error *err)
{
    TRY(lake_lock(job->lake, name, say_waiting, NULL, &job->locks[job->n_locks], err));
    job->n_locks++;
    return STATUS_OK;
}

/* Those with a mapping, in the order of their names, when the table cannot say which it has.  What was cut off can be
 * finished only when it can be read again. */
static Status lock_mapped_clients(TableJob *job, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(job->lake->clients, false, NULL, &list, err));
    job->locks = ARENA_ARRAY(job->arena, LakeLock *, list.n + 1); /* and one of the table */
    Status status = STATUS_OK;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        const char *name = strrchr(list.entries[i].path, '/') + 1, *dot = strrchr(name, '.');
        if (dot && strcmp(dot, ".yaml") == 0)
            status = take_lock(job, arena_printf(job->arena, "client-%.*s", (int)(dot - name), name), err);
    }
    storage_list_done(&list);
    return status;
}

/* Clients are partitions.  Their locks are taken in one order, so that two such jobs do not wait for each other. */
static Status lock_clients(TableJob *job, Error *err)
{
    DeltaSnapshot *snapshot;
    Status status = delta_snapshot_load(job->path, (DeltaVersion){.kind = DELTA_NEWEST}, job->arena, &snapshot, err);
    if (status == STATUS_CORRUPT && arguments_given(job->arguments, "repair")) {
        error_init(err);
        return lock_mapped_clients(job, err);
    }
    if (status != STATUS_OK)
        return status;
    const char **clients = ARENA_ARRAY(job->arena, const char *, snapshot->n_files);
    uint32_t n = 0;
    for (uint32_t i = 0; i < snapshot->n_files && snapshot->metadata.n_partition_columns > 0; i++)
        if (snapshot->files[i].partition_values[0])
            clients[n++] = snapshot->files[i].partition_values[0];
    if (n > 1)
        qsort(clients, n, sizeof *clients, text_compare);
    job->locks = ARENA_ARRAY(job->arena, LakeLock *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(clients[i], clients[i - 1]) == 0)
            continue;
        TRY(take_lock(job, arena_printf(job->arena, "client-%s", clients[i]), err));
        LakeRecovery recovery = {0};
        TRY(lake_recover(job->lake, clients[i], &recovery, err));
        if (recovery.finished)
            LOG(LOG_INFO, "work that was cut off was finished", LOG_INTEGER_FIELD("transactions", recovery.finished));
    }
    return STATUS_OK;
}

static Status lock_table(TableJob *job, Error *err)
{
    if (strcmp(job->name, "shipments") == 0 || strcmp(job->name, "quarantine") == 0)
        return lock_clients(job, err);
    job->locks = ARENA_ARRAY(job->arena, LakeLock *, 2);
    return take_lock(job, "run", err);
}

/* ---- Values of options ---- */

/* "7d", "168h", "90m", "30s", "0". */
Status table_retention(const TableJob *job, int64_t *ret_ms, Error *err)
{
    const char *text = arguments_text(job->arguments, "retention");
    *ret_ms = -1;
    if (!text)
        return STATUS_OK;
    char *end;
    long long count = strtoll(text, &end, 10);
    int64_t unit = *end == 'w'   ? 604800000
                   : *end == 'd' ? 86400000
                   : *end == 'h' ? 3600000
                   : *end == 'm' ? 60000
                   : *end == 's' ? 1000
                                 : 0;
    bool bare_zero = count == 0 && *end == '\0';
    if (end != text && *text >= '0' && *text <= '9' && (bare_zero || (unit && end[1] == '\0')) &&
        !__builtin_mul_overflow((int64_t)count, unit, ret_ms))
        return STATUS_OK;
    error_set(err, STATUS_USAGE, "--retention '%.60s' is no time span", text);
    return error_hint(err, "a number with w, d, h, m or s behind it: 7d, 168h");
}

Status table_version(const TableJob *job, DeltaVersion *ret_version, Error *err)
{
    DeltaVersion version;
    TRY(lake_version_asked(job->arguments, &version, err));
    if (version.kind == DELTA_NEWEST) {
        error_set(err, STATUS_USAGE, "which version is to come back?");
        return error_hint(err, "--version N or --as-of TIME; 'freightlake table history %s' lists the versions",
                          job->name);
    }
    *ret_version = version;
    return STATUS_OK;
}

/* ---- The history of the lake ---- */

void table_record(TableJob *job, int64_t before, int64_t after, int64_t rows, const char *details)
{
    job->table = (HistoryTable){job->name, before, after, rows};
    job->record.tables = &job->table;
    job->record.n_tables = 1;
    job->record.details = details;
}

static void write_record(TableJob *job, const Error *failure)
{
    HistoryRecord *record = &job->record;
    record->rows_read = record->rows_good = record->rows_rejected = -1;
    lake_job_end(job->running, *record, failure);
}

/* ---- The command ---- */

static int find_action(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(ACTIONS); i++)
        if (strcmp(ACTIONS[i].name, word) == 0)
            return (int)i;
    return -1;
}

static Status unknown_action(const char *word, Error *err)
{
    const char *names[ARRAY_SIZE(ACTIONS)];
    for (size_t i = 0; i < ARRAY_SIZE(ACTIONS); i++)
        names[i] = ACTIONS[i].name;
    const char *near = text_nearest(word, names, ARRAY_SIZE(ACTIONS));
    error_set(err, STATUS_USAGE, "'%.60s' is nothing to do with a table", word);
    if (near)
        return error_hint(err, "did you mean 'table %s'?", near);
    return error_hint(err, "history, restore, compact, vacuum or fsck");
}

static Status begin(TableJob *job, const char *kind, Error *err)
{
    HistoryTable table = {.table = job->name};
    const HistoryRecord about = {.kind = kind, .tables = &table, .n_tables = 1};
    const char *lock = arena_printf(job->arena, "table-%s", job->name);
    TRY(take_lock(job, lock, err));
    TRY(lake_jobs_recover(job->lake, lock, err));
    return lake_job_begin(job->lake, lock, &about, job->arena, &job->running, err);
}

static Status act(TableJob *job, int action, Error *err)
{
    bool changes = !job->dry_run && (ACTIONS[action].changes || arguments_given(job->arguments, "repair"));
    if (job->of_lake && changes)
        TRY(lock_table(job, err));
    if (job->lake)
        TRY(lake_pending_load(job->lake, job->arena, &job->pending, err));
    if (job->of_lake && changes)
        TRY(begin(job, ACTIONS[action].name, err));
    Status status = ACTIONS[action].action(job, err);
    if (status_exit_code(status) == 2) /* it was asked wrongly */
        lake_job_forget(job->running);
    else
        write_record(job, status == STATUS_OK ? NULL : err);
    return status;
}

Status command_table_job(const Arguments *arguments, Arena *job_arena, Error *err)
{
    TableJob job = {.arguments = arguments, .arena = job_arena, .name = arguments->operands[1]};
    int action = find_action(arguments->operands[0]);
    if (action < 0)
        return unknown_action(arguments->operands[0], err);
    job.dry_run = arguments_given(arguments, "dry-run");
    job.json = arguments_given(arguments, "json");
    TRY(find_table(&job, err));
    TRY(resources_init(&job.resources, arguments, err));
    Status status = act(&job, action, err);
    while (job.n_locks > 0)
        lake_unlock(job.locks[--job.n_locks]);
    resources_done(&job.resources);
    return status;
}
