/* Jobs; see job.h.
 *
 * The mark is the record to be, with outcome "running" and the lock's name as its details.  A record and a mark of one id:
 * the job died between the two, and only the mark is left to remove. */
#include "lake/job.h"

#include <jansson.h>

#include "base/fault.h"
#include "base/log.h"
#include "columnar/time_text.h"
#include "delta/snapshot.h"

#define COMMITS_AT_ONCE 200                /* read of a table's log, newest first, for those of a killed job */
#define CLOCK_MARGIN_MS ((int64_t)3600000) /* between the clock of a job and that of its storage */

struct LakeJob {
    const Lake *lake;
    HistoryRecord about;
    const char *mark;
    Arena *arena;
};

static const char *mark_path(const Lake *lake, const char *id, Arena *arena)
{
    return arena_printf(arena, "%s/running/%s.json", lake->control, id);
}

/* ---- Begin and end ---- */

static const char *copy_text(const char *text, Arena *arena)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static Status write_mark(const LakeJob *job, const char *lock, Error *err)
{
    Buffer json;
    HistoryRecord mark = job->about;
    mark.details = arena_printf(job->arena, "{\"lock\":\"%s\"}", lock);
    buffer_init(&json, 0);
    history_append_json(&json, &mark);
    buffer_append_byte(&json, '\n');
    Status status = storage_write_file(job->mark, json.data, json.size, err);
    buffer_done(&json);
    return status;
}

Status lake_job_begin(const Lake *lake, const char *lock, const HistoryRecord *about, Arena *arena, LakeJob **ret_job,
                      Error *err)
{
    LakeJob *job = ARENA_NEW(arena, LakeJob);
    int64_t started_us = lake_now_us();
    *job = (LakeJob){.lake = lake, .arena = arena};
    job->about = (HistoryRecord){.id = history_make_id(started_us, arena),
                                 .kind = copy_text(about->kind, arena),
                                 .client = copy_text(about->client, arena),
                                 .source = copy_text(about->source, arena),
                                 .started_us = started_us,
                                 .rows_read = -1,
                                 .rows_good = -1,
                                 .rows_rejected = -1,
                                 .outcome = "running",
                                 .n_tables = about->n_tables};
    job->about.tables = ARENA_ARRAY(arena, HistoryTable, about->n_tables + 1);
    for (uint32_t i = 0; i < about->n_tables; i++)
        job->about.tables[i] = (HistoryTable){copy_text(about->tables[i].table, arena), -1, -1, -1};
    job->mark = mark_path(lake, job->about.id, arena);
    TRY(write_mark(job, lock, err));
    fault_step("job_begun");
    *ret_job = job;
    return STATUS_OK;
}

const char *lake_job_id(const LakeJob *job)
{
    return job ? job->about.id : NULL;
}

static void remove_mark(const LakeJob *job)
{
    Error err;
    error_init(&err);
    if (storage_remove(job->mark, &err) != STATUS_OK)
        LOG(LOG_WARN, "the mark of a job that has ended could not be removed", LOG_TEXT_FIELD("error", err.message));
}

void lake_job_end(LakeJob *job, HistoryRecord record, const Error *failure)
{
    if (!job)
        return;
    char message[1200] = "";
    Error err;
    error_init(&err);
    record.id = job->about.id;
    record.kind = job->about.kind;
    record.client = job->about.client;
    record.source = record.source ? record.source : job->about.source;
    record.started_us = job->about.started_us;
    record.seconds = (double)(lake_now_us() - job->about.started_us) * 1e-6;
    record.peak_memory_bytes = process_peak_memory_bytes();
    if (failure) {
        error_format(failure, message, sizeof message);
        record.error = message;
        record.outcome = failure->code == STATUS_INTERRUPTED ? "interrupted"
                         : failure->code == STATUS_CHECK     ? "refused"
                                                             : "failed";
    } else if (!record.outcome) {
        record.outcome = "ok";
    }
    fault_step("job_done");
    if (history_write(job->lake, &record, &err) != STATUS_OK) {
        LOG(LOG_WARN, "the history record could not be written", LOG_TEXT_FIELD("error", err.message));
        return;
    }
    fault_step("job_recorded");
    remove_mark(job);
}

void lake_job_forget(LakeJob *job)
{
    if (job)
        remove_mark(job);
}

/* ---- Those that were killed ---- */

/* What is found out about a killed job. */
typedef struct Found {
    int64_t last_ms;        /* of its last commit */
    const char *parameters; /* of a commit, JSON */
    bool unsure;            /* a log could not be read */
} Found;

static void take_commit(const DeltaCommitInfo *commit, HistoryTable *table, Found *found)
{
    table->version_after = commit->version > table->version_after ? commit->version : table->version_after;
    table->version_before = commit->version - 1;
    table->rows = (table->rows < 0 ? 0 : table->rows) + (int64_t)commit->rows_added;
    found->last_ms = commit->timestamp_ms > found->last_ms ? commit->timestamp_ms : found->last_ms;
    found->parameters = commit->parameters ? commit->parameters : found->parameters;
}

/* What the job committed to a table: its log is read backwards to where the job began. */
static bool find_commits(const Lake *lake, const HistoryRecord *record, Arena *arena, HistoryTable *table, Found *found)
{
    Error err;
    int64_t last;
    error_init(&err);
    const char *path = lake_table_path(lake, table->table, arena);
    if (delta_newest_version(path, 0, &last, &err) != STATUS_OK) {
        found->unsure |= err.code != STATUS_NOT_FOUND;
        return false;
    }
    for (bool more = true; more && last >= 0; last -= COMMITS_AT_ONCE) {
        DeltaCommitInfo *commits;
        uint32_t n;
        int64_t first = last < COMMITS_AT_ONCE ? 0 : last - COMMITS_AT_ONCE + 1;
        if (delta_history(path, first, last, arena, &commits, &n, &err) != STATUS_OK) {
            found->unsure = true;
            break;
        }
        for (uint32_t i = 0; i < n; i++)
            if (commits[i].user_metadata && strcmp(commits[i].user_metadata, record->id) == 0)
                take_commit(&commits[i], table, found);
        more = n > 0 && commits[n - 1].timestamp_ms >= record->started_us / 1000 - CLOCK_MARGIN_MS;
    }
    return table->version_after >= 0;
}

/* The SHA-256 of the source, as the commit of an ingestion says it. */
static const char *source_hash(const char *parameters, Arena *arena)
{
    json_t *root = parameters ? json_loads(parameters, 0, NULL) : NULL;
    const char *hash = copy_text(json_string_value(json_object_get(root, "sha256")), arena);
    json_decref(root);
    return hash;
}

static Status finish(const Lake *lake, HistoryRecord *record, Arena *arena, Error *err)
{
    StorageFacts facts;
    TRY(storage_stat(history_path(lake, record->id, arena), &facts, err));
    const char *mark = mark_path(lake, record->id, arena);
    if (facts.exists)
        return storage_remove(mark, err);
    uint32_t committed = 0;
    Found found = {.last_ms = record->started_us / 1000};
    for (uint32_t i = 0; i < record->n_tables; i++)
        if (find_commits(lake, record, arena, &record->tables[i], &found))
            record->tables[committed++] = record->tables[i];
    record->n_tables = committed;
    record->details = NULL;
    record->outcome = "killed";
    record->error = committed      ? "the program was killed after its commit, which stands"
                    : found.unsure ? "the program was killed; whether it had committed cannot be told: a table's log "
                                     "cannot be read"
                                   : "the program was killed before it had committed anything";
    record->source_hash = source_hash(found.parameters, arena);
    int64_t started_ms = record->started_us / 1000;
    record->seconds = (double)(found.last_ms - started_ms) * 1e-3;
    TRY(history_write(lake, record, err));
    return storage_remove(mark, err);
}

/* The lock that a mark names; NULL for one that names none. */
static const char *lock_of(const HistoryRecord *record, Arena *arena)
{
    json_t *root = record->details ? json_loads(record->details, 0, NULL) : NULL;
    const char *lock = copy_text(json_string_value(json_object_get(root, "lock")), arena);
    json_decref(root);
    return lock;
}

static Status finish_if_free(const Lake *lake, const char *lock, HistoryRecord *record, Arena *arena, Error *err)
{
    LakeLock *held = NULL;
    StorageFacts facts;
    TRY(lake_try_lock(lake, lock, &held, err));
    if (!held) /* it runs */
        return STATUS_OK;
    Status status = storage_stat(mark_path(lake, record->id, arena), &facts, err);
    if (status == STATUS_OK && facts.exists) /* it has not ended since the marks were listed */
        status = finish(lake, record, arena, err);
    lake_unlock(held);
    return status;
}

static Status read_marks(const Lake *lake, Arena *arena, HistoryRecord **ret_records, uint32_t *ret_n, Error *err)
{
    uint32_t unreadable;
    return history_read_folder(arena_printf(arena, "%s/running", lake->control), NULL, 0, arena, ret_records, ret_n,
                               &unreadable, err);
}

static Status tell_silent(const Lake *lake, HistoryRecord *record, Arena *arena, Error *err)
{
    char since[TIME_TEXT_SIZE];
    int64_t ms = -1;
    const char *lock = lock_of(record, arena);
    if (lock)
        TRY(lake_lock_silent_since(lake, lock, &ms, err));
    if (ms < 0)
        return STATUS_OK;
    timestamp_format(since, ms * 1000);
    record->outcome = LAKE_JOB_SILENT;
    record->error =
        arena_printf(arena,
                     "it gave no sign of life since %.19s UTC: killed, most likely; the next job that takes "
                     "the lock %s waits for its lease to end and finishes it",
                     since, lock);
    return STATUS_OK;
}

Status lake_jobs_running(const Lake *lake, Arena *arena, HistoryRecord **ret_records, uint32_t *ret_n, Error *err)
{
    TRY(read_marks(lake, arena, ret_records, ret_n, err));
    for (uint32_t i = 0; i < *ret_n; i++)
        TRY(tell_silent(lake, &(*ret_records)[i], arena, err));
    return STATUS_OK;
}

Status lake_jobs_recover(const Lake *lake, const char *lock, Error *err)
{
    Arena arena;
    HistoryRecord *records;
    uint32_t n;
    arena_init(&arena);
    Status status = read_marks(lake, &arena, &records, &n, err);
    for (uint32_t i = 0; status == STATUS_OK && i < n; i++) {
        const char *held = lock_of(&records[i], &arena);
        if (held && lock && strcmp(held, lock) == 0)
            status = finish(lake, &records[i], &arena, err);
        else if (held && !lock)
            status = finish_if_free(lake, held, &records[i], &arena, err);
    }
    arena_done(&arena);
    return status;
}
