/* publish: what a cluster made of a run's plan becomes the lake's marts, or not. */
#include "mart/staged_publish.h"

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/run_lake.h"
#include "lake/transaction.h"

typedef struct PublishJob {
    const Arguments *arguments;
    Arena *arena;
    const Lake *lake;
    const MartRegistry *registry;
    const char *id;
    bool discard; /* give it up instead */
    Resources resources;
} PublishJob;

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another run to end", LOG_TEXT_FIELD("lock", name));
}

/* ---- Was it published? ---- */

/* The record of the run's publication; NULL: it was not published. */
static Status find_record(const PublishJob *job, const HistoryRecord **ret_record, Error *err)
{
    HistoryRecord *records;
    uint32_t n, unreadable;
    TRY(history_read(job->lake, "publish", 0, job->arena, &records, &n, &unreadable, err));
    *ret_record = NULL;
    for (uint32_t i = 0; i < n && !*ret_record; i++)
        if (strcmp(records[i].outcome, "ok") == 0 && records[i].source && strcmp(records[i].source, job->id) == 0)
            *ret_record = &records[i];
    return STATUS_OK;
}

static Status say_published(const PublishJob *job, const HistoryRecord *record, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(job->arguments, "json")) {
        buffer_append_text(&text, "{\"already_published\":");
        history_append_json(&text, record);
        buffer_append_text(&text, "}\n");
    } else {
        buffer_printf(&text, "nothing to do: run %s was published before ('freightlake history %s')\n", job->id,
                      record->id);
    }
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

/* ---- Publishing ---- */

static Status begin(const PublishJob *job, const StagedRun *run, LakeJob **ret_job, Error *err)
{
    HistoryTable *tables = ARENA_ARRAY(job->arena, HistoryTable, run->n_marts);
    for (uint32_t i = 0; i < run->n_marts; i++)
        tables[i].table = run->marts[i].name;
    const HistoryRecord about = {.kind = "publish", .source = job->id, .tables = tables, .n_tables = run->n_marts};
    return lake_job_begin(job->lake, "run", &about, job->arena, ret_job, err);
}

static Status print(const PublishJob *job, const LakeRunResult *result, Error *err)
{
    TRY(run_lake_print(job->arguments, result, err));
    int64_t newest;
    TRY(delta_newest_version(lake_table_path(job->lake, "shipments", job->arena), 0, &newest, err));
    if (newest > result->shipments_version)
        LOG(LOG_INFO, "the shipments moved on since the run was planned: 'freightlake status' says what is stale",
            LOG_INTEGER_FIELD("of", result->shipments_version), LOG_INTEGER_FIELD("newest", newest));
    return STATUS_OK;
}

static Status publish_staged(const PublishJob *job, Error *err)
{
    StagedRun run;
    LakeJob *running;
    LakeRunResult result;
    TRY(staging_read(job->lake, job->id, job->arena, &run, err));
    TRY(begin(job, &run, &running, err));
    const StagedPublishOptions options = {.lake = job->lake,
                                          .run = &run,
                                          .registry = job->registry,
                                          .job = lake_job_id(running),
                                          .pool = job->resources.pool,
                                          .budget = (MemoryBudget *)(uintptr_t)&job->resources.budget};
    Status status = staged_publish(&options, job->arena, &result, err);
    run_lake_record(running, &result, status == STATUS_OK ? NULL : err, job->arena);
    if (status == STATUS_OK)
        TRY(staging_remove(job->lake, job->id, job->arena, err));
    Error printing;
    error_init(&printing);
    if (result.complete && print(job, &result, &printing) != STATUS_OK && status == STATUS_OK) {
        *err = printing;
        return err->code;
    }
    return status;
}

static Status discard(const PublishJob *job, Error *err)
{
    StagingFolder *folders;
    uint32_t n, i = 0;
    TRY(staging_list(job->lake, job->arena, &folders, &n, err));
    while (i < n && strcmp(folders[i].id, job->id) != 0)
        i++;
    TRY(staging_remove(job->lake, job->id, job->arena, err));
    const char *done = i == n               ? "there is none of that id; nothing was done"
                       : folders[i].planned ? "given up; no mart changed"
                                            : "it had no plan any more, and its files are removed; no mart changed";
    const char *said = arena_printf(job->arena, "run %s: %s\n", job->id, done);
    return console_write(said, strlen(said), err);
}

/* A publication that was killed behind its record may have left files. */
static Status locked_steps(const PublishJob *job, Error *err)
{
    const HistoryRecord *record;
    TRY(lake_clean_control(job->lake, err));
    TRY(lake_jobs_recover(job->lake, "run", err));
    if (job->discard)
        return discard(job, err);
    TRY(find_record(job, &record, err));
    if (!record) {
        Status status = publish_staged(job, err);
        if (status == STATUS_DATA || status == STATUS_CORRUPT || status == STATUS_NOT_FOUND)
            return error_hint(err, "what the run left cannot be used: run the cluster's job of %s again, then publish",
                              job->id);
        return status == STATUS_OK
                   ? STATUS_OK
                   : error_hint(err, "what the cluster made is kept: 'freightlake publish %s' goes on", job->id);
    }
    TRY(staging_remove(job->lake, job->id, job->arena, err));
    return say_published(job, record, err);
}

static Status under_lock(PublishJob *job, Error *err)
{
    LakeLock *lock = NULL;
    TRY(resources_init(&job->resources, job->arguments, err));
    Status status = lake_lock(job->lake, "run", say_waiting, NULL, &lock, err);
    if (status == STATUS_OK)
        status = locked_steps(job, err);
    lake_unlock(lock);
    resources_done(&job->resources);
    return status;
}

Status publish_run(const Arguments *arguments, const Lake *lake, const MartRegistry *registry, const char *id,
                   Arena *job_arena, Error *err)
{
    PublishJob job = {.arguments = arguments, .arena = job_arena, .lake = lake, .registry = registry, .id = id};
    return under_lock(&job, err);
}

Status command_publish(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Lake *lake;
    MartRegistry registry;
    const char *folder = arguments_text(arguments, "marts");
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(staging_check_id(arguments->operands[0], err));
    if (folder)
        TRY(mart_registry_load(folder, job_arena, &registry, err));
    else
        TRY(mart_registry_load_optional(lake->definitions, job_arena, &registry, err));
    PublishJob job = {.arguments = arguments,
                      .arena = job_arena,
                      .lake = lake,
                      .registry = &registry,
                      .id = arguments->operands[0],
                      .discard = arguments_given(arguments, "discard")};
    return under_lock(&job, err);
}
