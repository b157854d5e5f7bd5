/* rebuild: a client's shipments computed again from its raw files. */
#include "ingest/rebuild.h"

#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "lake/job.h"
#include "lake/transaction.h"

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another job on the same client", LOG_TEXT_FIELD("lock", name));
}

static void append_left_out(Buffer *text, const RebuildResult *result, const char *client)
{
    for (uint32_t i = 0; i < result->n_left_out; i++)
        buffer_printf(text, "%s: left out, it was never taken in whole; 'freightlake ingest %s' takes it\n",
                      result->left_out[i], client);
}

static void append_person(Buffer *text, const RebuildResult *result, const char *client, bool dry_run)
{
    char good[24], rejected[24];
    if (result->n_files == 0) {
        buffer_printf(text, "%s has no files in the raw zone%s; nothing was done\n", client,
                      result->n_left_out ? " that were taken in" : "");
        append_left_out(text, result, client);
        return;
    }
    for (uint32_t i = 0; i < result->n_files; i++) {
        const IngestResult *file = &result->files[i];
        buffer_printf(text, "%s: %s, %s good, %s rejected%s\n", file->file, PLURAL_SHORT(file->records, "record"),
                      text_count(good, sizeof good, (double)file->good),
                      text_count(rejected, sizeof rejected, (double)file->rejected),
                      file->outcome == INGEST_REFUSED ? ": refused" : "");
        for (uint32_t k = 0; k < file->n_reasons; k++)
            buffer_printf(text, "  %10llu  %-26s %-24s row %lld: %s\n", (unsigned long long)file->reasons[k].records,
                          file->reasons[k].code, file->reasons[k].column, (long long)file->reasons[k].example_row,
                          file->reasons[k].example_message);
    }
    if (result->processed_version >= 0)
        buffer_printf(text, "%s now has %s (version %lld) and %s in quarantine\n", client,
                      PLURAL_SHORT(result->good, "shipment"), (long long)result->processed_version,
                      PLURAL_SHORT(result->rejected, "record"));
    else if (dry_run)
        buffer_append_text(text, "nothing was changed (--dry-run)\n");
    if (result->n_relearned > 0)
        buffer_printf(text, "%u of the files had been lost to the shipments and %s back\n", result->n_relearned,
                      result->processed_version < 0 ? "would come"
                      : result->n_relearned == 1    ? "is"
                                                    : "are");
    append_left_out(text, result, client);
}

static void append_json(Buffer *text, const RebuildResult *result, const char *client)
{
    buffer_append_text(text, "{\"client\":");
    text_append_json(text, str_view(client));
    buffer_printf(text,
                  ",\"files\":%u,\"files_recovered\":%u,\"files_left_out\":%u,\"records\":%llu,\"good\":%llu,"
                  "\"rejected\":%llu,\"processed_version\":%lld,"
                  "\"quarantine_version\":%lld}\n",
                  result->n_files, result->n_relearned, result->n_left_out, (unsigned long long)result->records,
                  (unsigned long long)result->good, (unsigned long long)result->rejected,
                  (long long)result->processed_version, (long long)result->quarantine_version);
}

static void record(LakeJob *job, const RebuildResult *result, const Error *failure)
{
    HistoryTable tables[] = {{"shipments", -1, result->processed_version, (int64_t)result->good},
                             {"quarantine", -1, result->quarantine_version, (int64_t)result->rejected}};
    if (!failure && result->n_files == 0) {
        lake_job_forget(job);
        return;
    }
    lake_job_end(job,
                 (HistoryRecord){.rows_read = (int64_t)result->records,
                                 .rows_good = (int64_t)result->good,
                                 .rows_rejected = (int64_t)result->rejected,
                                 .tables = tables,
                                 .n_tables = failure ? 0 : 2},
                 failure);
}

static Status begin(const Lake *lake, const char *client, Arena *arena, LakeJob **ret_job, Error *err)
{
    HistoryTable tables[] = {{.table = "shipments"}, {.table = "quarantine"}};
    const HistoryRecord about = {.kind = "rebuild", .client = client, .tables = tables, .n_tables = 2};
    return lake_job_begin(lake, arena_printf(arena, "client-%s", client), &about, arena, ret_job, err);
}

/* With the client's lock, which a dry run does not need: it writes nothing and mends nothing. */
static Status steps(const Arguments *arguments, const Lake *lake, const Mapping *mapping, Resources *resources,
                    Arena *job_arena, Error *err)
{
    LakeRecovery recovery;
    LakeJob *job = NULL;
    if (!arguments_given(arguments, "dry-run")) {
        TRY(lake_recover(lake, mapping->client, &recovery, err));
        TRY(begin(lake, mapping->client, job_arena, &job, err));
    }
    Progress *progress = progress_new("reading", console_progress(arguments));
    IngestOptions options = {.lake = lake,
                             .mapping = mapping,
                             .dry_run = arguments_given(arguments, "dry-run"),
                             .job = lake_job_id(job),
                             .pool = resources->pool,
                             .budget = &resources->budget,
                             .progress = progress_update,
                             .progress_context = progress};
    RebuildResult result = {.processed_version = -1, .quarantine_version = -1};
    Status status = rebuild(&options, job_arena, &result, err);
    progress_free(progress);
    record(job, &result, status == STATUS_OK ? NULL : err);
    if (status != STATUS_OK && status != STATUS_CHECK)
        return status;
    Buffer text;
    Error printing;
    buffer_init(&text, 0);
    error_init(&printing);
    if (arguments_given(arguments, "json"))
        append_json(&text, &result, mapping->client);
    else
        append_person(&text, &result, mapping->client, options.dry_run);
    if (console_write_buffer(&text, &printing) != STATUS_OK && status == STATUS_OK) {
        *err = printing;
        status = err->code;
    }
    buffer_done(&text);
    return status;
}

Status command_rebuild(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Lake *lake;
    Mapping *mapping;
    Resources resources;
    LakeLock *lock = NULL;
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(mapping_load(lake, arguments->operands[0], job_arena, &mapping, err));
    TRY(resources_init(&resources, arguments, err));
    const char *name = arena_printf(job_arena, "client-%s", mapping->client);
    Status status = STATUS_OK;
    if (!arguments_given(arguments, "dry-run"))
        status = lake_lock(lake, name, say_waiting, NULL, &lock, err);
    if (status == STATUS_OK)
        status = steps(arguments, lake, mapping, &resources, job_arena, err);
    lake_unlock(lock);
    resources_done(&resources);
    return status;
}
