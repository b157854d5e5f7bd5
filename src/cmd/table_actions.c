/* The five things `table` does, and how it tells of them: to people in a few lines, to machines as one JSON object. */
#include <string.h>

#include "cmd/console.h"
#include "cmd/printer.h"
#include "cmd/table.h"
#include "columnar/time_text.h"
#include "lake/transaction.h"

#define SORTED_BY "shipment_date" /* shipments, as ingestion sorts them */

static DeltaMaintenance maintenance(TableJob *job)
{
    return (DeltaMaintenance){.table = job->path,
                              .dry_run = job->dry_run,
                              .user_metadata = lake_job_id(job->running),
                              .pool = job->resources.pool,
                              .budget = &job->resources.budget,
                              .keep = job->pending ? lake_pending_keeps : NULL,
                              .keep_context = job->pending};
}

/* {"table":"shipments","path":"...","action":"...","dry_run":false */
static void json_begin(const TableJob *job, const char *action, Buffer *json)
{
    buffer_append_text(json, "{\"table\":");
    text_append_json(json, str_view(job->name));
    buffer_append_text(json, ",\"path\":");
    text_append_json(json, str_view(job->path));
    buffer_printf(json, ",\"action\":\"%s\"", action);
    if (strcmp(action, "history") != 0)
        buffer_printf(json, ",\"dry_run\":%s", job->dry_run ? "true" : "false");
}

static void json_version(Buffer *json, const char *name, int64_t version)
{
    if (version >= 0)
        buffer_printf(json, ",\"%s\":%lld", name, (long long)version);
    else
        buffer_printf(json, ",\"%s\":null", name);
}

static Status say(Buffer *text, Error *err)
{
    Status status = console_write_buffer(text, err);
    buffer_done(text);
    return status;
}

/* Rows and version of the table, for the history of the lake. */
static Status newest_version(const TableJob *job, int64_t *ret_version, Error *err)
{
    return delta_newest_version(job->path, 0, ret_version, err);
}

/* ---- history ---- */

static void json_commit(Buffer *json, const DeltaCommitInfo *commit)
{
    char time[TIME_TEXT_SIZE];
    timestamp_format(time, commit->timestamp_ms * 1000);
    buffer_printf(json, "{\"version\":%lld,\"time\":\"%.10sT%sZ\",\"operation\":", (long long)commit->version, time,
                  strlen(time) > 11 ? time + 11 : "00:00:00");
    text_append_json(json, str_view(commit->operation));
    buffer_append_text(json, ",\"parameters\":");
    buffer_append_text(json, commit->parameters ? commit->parameters : "null");
    buffer_append_text(json, ",\"engine\":");
    if (commit->engine)
        text_append_json(json, str_view(commit->engine));
    else
        buffer_append_text(json, "null");
    buffer_printf(json,
                  ",\"files_added\":%u,\"files_removed\":%u,\"rows_added\":%llu,\"rows_removed\":%llu,"
                  "\"data_change\":%s,\"metadata_changed\":%s}",
                  commit->files_added, commit->files_removed, (unsigned long long)commit->rows_added,
                  (unsigned long long)commit->rows_removed, commit->data_change ? "true" : "false",
                  commit->metadata_changed ? "true" : "false");
}

static Status history_json(const TableJob *job, const DeltaCommitInfo *commits, uint32_t n, Error *err)
{
    Buffer json;
    buffer_init(&json, 0);
    json_begin(job, "history", &json);
    buffer_append_text(&json, ",\"versions\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buffer_append_byte(&json, ',');
        json_commit(&json, &commits[i]);
    }
    buffer_append_text(&json, "]}\n");
    return say(&json, err);
}

static Status history_table(const TableJob *job, const DeltaCommitInfo *commits, uint32_t n, Error *err)
{
    static Field fields[] = {{"version", {.id = TYPE_BIGINT}, false},   {"time", {.id = TYPE_TIMESTAMP}, false},
                             {"operation", {.id = TYPE_STRING}, false}, {"files +", {.id = TYPE_BIGINT}, false},
                             {"files -", {.id = TYPE_BIGINT}, false},   {"rows +", {.id = TYPE_BIGINT}, false},
                             {"rows -", {.id = TYPE_BIGINT}, false},    {"written by", {.id = TYPE_STRING}, false}};
    static const Schema schema = {fields, ARRAY_SIZE(fields)};
    Vector columns[ARRAY_SIZE(fields)];
    for (uint32_t c = 0; c < schema.n; c++)
        columns[c] = vector_new(job->arena, fields[c].type, n, false);
    for (uint32_t i = 0; i < n; i++) {
        const DeltaCommitInfo *commit = &commits[i];
        const int64_t numbers[] = {commit->version,
                                   commit->timestamp_ms * 1000,
                                   0,
                                   commit->files_added,
                                   commit->files_removed,
                                   (int64_t)commit->rows_added,
                                   (int64_t)commit->rows_removed};
        for (uint32_t c = 0; c < ARRAY_SIZE(numbers); c++)
            if (fields[c].type.id != TYPE_STRING)
                ((int64_t *)columns[c].data)[i] = numbers[c];
        ((StrView *)columns[2].data)[i] = str_view(commit->operation);
        ((StrView *)columns[7].data)[i] = str_view(commit->engine ? commit->engine : "unknown");
    }
    PrinterOptions options = {
        .format = PRINTER_TABLE, .width = console_width(), .color = console_color(job->arguments)};
    Printer *printer;
    TRY(printer_new(&schema, &options, &printer, err));
    Batch batch = {n, schema.n, columns};
    Status status = n ? printer_batch(printer, &schema, &batch, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = printer_finish(printer, err);
    printer_free(printer);
    return status;
}

Status table_history(TableJob *job, Error *err)
{
    int64_t limit, newest;
    TRY(arguments_integer(job->arguments, "limit", 0, UINT32_MAX, &limit, err));
    TRY(newest_version(job, &newest, err));
    int64_t first = limit > 0 && newest >= limit ? newest - limit + 1 : 0;
    DeltaCommitInfo *commits;
    uint32_t n;
    TRY(delta_history(job->path, first, -1, job->arena, &commits, &n, err));
    return job->json ? history_json(job, commits, n, err) : history_table(job, commits, n, err);
}

/* ---- restore ---- */

static Status say_restore(const TableJob *job, int64_t wanted, int64_t before, int64_t after, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    if (job->json) {
        json_begin(job, "restore", &text);
        json_version(&text, "restored_version", wanted);
        json_version(&text, "version_before", before);
        json_version(&text, "version_after", after >= 0 ? after : before);
        buffer_printf(&text, ",\"changed\":%s}\n", after >= 0 ? "true" : "false");
        return say(&text, err);
    }
    if (job->dry_run)
        buffer_printf(&text, "%s: version %lld can come back, all of its files are there; nothing was changed\n",
                      job->name, (long long)wanted);
    else if (after < 0)
        buffer_printf(&text, "%s: nothing to do, version %lld already is what version %lld was\n", job->name,
                      (long long)before, (long long)wanted);
    else
        buffer_printf(&text, "%s: version %lld is what version %lld was\n", job->name, (long long)after,
                      (long long)wanted);
    if (after >= 0 && job->of_lake && strcmp(job->name, "shipments") == 0)
        buffer_append_text(&text,
                           "files ingested since stay known and are not taken in again; 'freightlake rebuild CLIENT' "
                           "makes shipments anew from all raw files\n");
    else if (after >= 0 && job->of_lake && strcmp(job->name, "quarantine") != 0)
        buffer_append_text(&text, "the next 'freightlake run' makes the mart anew from the shipments\n");
    return say(&text, err);
}

Status table_restore(TableJob *job, Error *err)
{
    DeltaVersion version;
    TRY(table_version(job, &version, err));
    DeltaSnapshot *wanted;
    int64_t before, after = -1;
    TRY(delta_snapshot_load(job->path, version, job->arena, &wanted, err));
    TRY(newest_version(job, &before, err));
    DeltaMaintenance task = maintenance(job);
    DeltaVersion exact = {DELTA_AT_VERSION, wanted->version};
    TRY(delta_restore(&task, exact, &after, err));
    job->record.outcome = after < 0 ? "nothing to do" : "ok";
    table_record(job, before, after < 0 ? before : after, (int64_t)wanted->n_rows,
                 arena_printf(job->arena, "{\"restored_version\":%lld}", (long long)wanted->version));
    return say_restore(job, wanted->version, before, after, err);
}

/* ---- compact ---- */

static Status say_compact(const TableJob *job, const DeltaCompaction *done, uint64_t target, Error *err)
{
    Buffer text;
    char before[24], after[24], size[24];
    buffer_init(&text, 0);
    if (job->json) {
        json_begin(job, "compact", &text);
        json_version(&text, "version", done->version);
        buffer_printf(&text, ",\"files_before\":%u,\"files_after\":%u,\"rows\":%llu,\"bytes_before\":%llu,",
                      done->files_before, done->files_after, (unsigned long long)done->rows,
                      (unsigned long long)done->bytes_before);
        if (job->dry_run)
            buffer_append_text(&text, "\"bytes_after\":null}\n");
        else
            buffer_printf(&text, "\"bytes_after\":%llu}\n", (unsigned long long)done->bytes_after);
        return say(&text, err);
    }
    text_bytes(before, sizeof before, (double)done->bytes_before);
    text_bytes(after, sizeof after, (double)done->bytes_after);
    if (done->files_before == 0)
        buffer_printf(&text, "%s: nothing to do, no two files of a partition are smaller than %s\n", job->name,
                      text_bytes(size, sizeof size, (double)target / 2));
    else if (job->dry_run)
        buffer_printf(&text, "%s: %s (%s, %s) would become %u; nothing was changed\n", job->name,
                      PLURAL(done->files_before, "file"), before, PLURAL_SHORT(done->rows, "row"), done->files_after);
    else
        buffer_printf(&text,
                      "%s: %s (%s) became %u (%s), %s, version %lld\n"
                      "the old files stay for time travel until 'freightlake table vacuum'\n",
                      job->name, PLURAL(done->files_before, "file"), before, done->files_after, after,
                      PLURAL_SHORT(done->rows, "row"), (long long)done->version);
    return say(&text, err);
}

Status table_compact(TableJob *job, Error *err)
{
    uint64_t target = job->lake ? job->lake->target_file_bytes : 0;
    target = target ? target : (uint64_t)128 << 20;
    size_t given = 0;
    TRY(arguments_bytes(job->arguments, "target-size", &given, err));
    target = given ? given : target;
    const char *sort = arguments_text(job->arguments, "sort-by");
    if (!sort && job->of_lake && strcmp(job->name, "shipments") == 0)
        sort = SORTED_BY;
    int64_t before;
    TRY(newest_version(job, &before, err));
    DeltaMaintenance task = maintenance(job);
    DeltaCompaction done;
    TRY(delta_compact(&task, target, sort, &done, err));
    job->record.outcome = done.version < 0 ? "nothing to do" : "ok";
    table_record(
        job, done.version < 0 ? before : done.version - 1, done.version < 0 ? before : done.version, (int64_t)done.rows,
        arena_printf(job->arena, "{\"files_before\":%u,\"files_after\":%u,\"bytes_before\":%llu,\"bytes_after\":%llu}",
                     done.files_before, done.files_after, (unsigned long long)done.bytes_before,
                     (unsigned long long)done.bytes_after));
    return say_compact(job, &done, target, err);
}

/* ---- vacuum ---- */

static Status say_vacuum(const TableJob *job, const DeltaVacuum *done, uint32_t limit, Error *err)
{
    Buffer text;
    char bytes[24];
    buffer_init(&text, 0);
    if (job->json) {
        json_begin(job, "vacuum", &text);
        buffer_printf(&text, ",\"files_removed\":%u,\"bytes_removed\":%llu,\"files_kept\":%u,\"files\":[",
                      done->files_removed, (unsigned long long)done->bytes_removed, done->files_kept);
        for (uint32_t i = 0; i < done->n_paths; i++) {
            if (i)
                buffer_append_byte(&text, ',');
            text_append_json(&text, str_view(done->paths[i]));
        }
        buffer_append_text(&text, "]}\n");
        return say(&text, err);
    }
    if (done->files_removed == 0)
        buffer_printf(&text, "%s: nothing to do, every file is needed or younger than the retention\n", job->name);
    else
        buffer_printf(&text, "%s: %s (%s) %s\n", job->name, PLURAL(done->files_removed, "file"),
                      text_bytes(bytes, sizeof bytes, (double)done->bytes_removed),
                      job->dry_run ? "would be removed; nothing was changed" : "removed");
    for (uint32_t i = 0; job->dry_run && i < done->n_paths && (limit == 0 || i < limit); i++)
        buffer_printf(&text, "  %s\n", done->paths[i]);
    if (job->dry_run && limit > 0 && done->n_paths > limit)
        buffer_printf(&text, "  and %u more (--limit 0 shows all)\n", done->n_paths - limit);
    if (done->files_kept)
        buffer_printf(&text, "younger than the retention, and so kept: %s that no version has\n",
                      PLURAL(done->files_kept, "file"));
    return say(&text, err);
}

/* The lake's settings say how long its tables keep what they removed. */
static Status apply_settings(const TableJob *job, Error *err)
{
    int64_t version;
    if (!job->of_lake || arguments_given(job->arguments, "dry-run"))
        return STATUS_OK;
    return lake_apply_retention(job->lake, job->path, &version, err);
}

Status table_vacuum(TableJob *job, Error *err)
{
    int64_t retention_ms, limit, version;
    TRY(apply_settings(job, err));
    TRY(table_retention(job, &retention_ms, err));
    TRY(arguments_integer(job->arguments, "limit", 0, UINT32_MAX, &limit, err));
    DeltaMaintenance task = maintenance(job);
    DeltaVacuum done;
    TRY(delta_vacuum(&task, retention_ms, arguments_given(job->arguments, "force"), job->arena, &done, err));
    TRY(newest_version(job, &version, err));
    job->record.outcome = done.files_removed ? "ok" : "nothing to do";
    table_record(job, version, version, -1,
                 arena_printf(job->arena, "{\"files_removed\":%u,\"bytes_removed\":%llu,\"files_kept\":%u}",
                              done.files_removed, (unsigned long long)done.bytes_removed, done.files_kept));
    return say_vacuum(job, &done, (uint32_t)limit, err);
}

/* ---- fsck ---- */

static void json_problems(Buffer *json, const DeltaCheck *check)
{
    buffer_append_text(json, ",\"problems\":[");
    for (uint32_t i = 0; i < check->n_problems; i++) {
        buffer_append_text(json, i ? ",{\"file\":" : "{\"file\":");
        text_append_json(json, str_view(check->problems[i].file));
        buffer_append_text(json, ",\"what\":");
        text_append_json(json, str_view(check->problems[i].what));
        buffer_printf(json, ",\"repairable\":%s}", check->problems[i].repairable ? "true" : "false");
    }
    buffer_append_text(json, "]}\n");
}

/* To the rows of log entries that are lost. */
static const char *way_back(const TableJob *job)
{
    if (!job->of_lake)
        return "look at what it holds, and write again what is missing";
    return strcmp(job->name, "shipments") == 0 || strcmp(job->name, "quarantine") == 0
               ? "'freightlake rebuild CLIENT' brings back each client's rows from its raw files"
               : "'freightlake run' makes the mart again";
}

static Status say_fsck(const TableJob *job, const DeltaCheck *check, uint32_t limit, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    if (job->json) {
        json_begin(job, "fsck", &text);
        buffer_printf(&text, ",\"files\":%llu,\"rows\":%llu", (unsigned long long)check->files,
                      (unsigned long long)check->rows);
        json_version(&text, "repair_version", check->version);
        buffer_printf(&text, ",\"entries_replaced\":%u,\"entries_lost\":%u", check->entries_replaced,
                      check->entries_lost);
        json_problems(&text, check);
        return say(&text, err);
    }
    buffer_printf(&text, "%s: %s, %s: ", job->name, PLURAL(check->files, "file"), PLURAL_SHORT(check->rows, "row"));
    if (check->n_problems == 0)
        buffer_append_text(&text, "no problem found\n");
    else
        buffer_printf(&text, "%s\n", PLURAL(check->n_problems, "problem"));
    for (uint32_t i = 0; i < check->n_problems && (limit == 0 || i < limit); i++)
        buffer_printf(&text, "  %s: %s\n", check->problems[i].file, check->problems[i].what);
    if (limit > 0 && check->n_problems > limit)
        buffer_printf(&text, "  and %u more (--limit 0 shows all)\n", check->n_problems - limit);
    if (check->files_removed > 0)
        buffer_printf(&text, "version %lld is without the files that are missing; their rows are lost to the table\n",
                      (long long)check->version);
    if (check->entries_replaced > 0)
        buffer_printf(&text,
                      "version %lld goes on without what %s said; what was left of %s lies beside as "
                      "*.json.damaged\n",
                      (long long)check->version, PLURAL(check->entries_replaced, "log entry"),
                      check->entries_replaced == 1 ? "it" : "them");
    if (check->entries_replaced > 0)
        buffer_printf(&text, "%s\n",
                      check->entries_lost ? way_back(job) : "no row is lost: a checkpoint knew them all");
    return say(&text, err);
}

Status table_fsck(TableJob *job, Error *err)
{
    int64_t limit, before;
    TRY(arguments_integer(job->arguments, "limit", 0, UINT32_MAX, &limit, err));
    TRY(newest_version(job, &before, err));
    DeltaMaintenance task = maintenance(job);
    DeltaCheck check;
    TRY(delta_fsck(&task, arguments_given(job->arguments, "deep"), arguments_given(job->arguments, "repair"),
                   job->arena, &check, err));
    TRY(say_fsck(job, &check, (uint32_t)limit, err));
    uint32_t left = 0, repairable = 0;
    for (uint32_t i = 0; i < check.n_problems; i++) {
        left += check.version < 0 || !check.problems[i].repairable;
        repairable += check.problems[i].repairable;
    }
    job->record.outcome = check.version >= 0 ? "ok" : "nothing to do";
    table_record(job, before, check.version >= 0 ? check.version : before, (int64_t)check.rows,
                 arena_printf(job->arena, "{\"problems\":%u,\"left\":%u}", check.n_problems, left));
    if (left == 0)
        return STATUS_OK;
    error_set(err, STATUS_CHECK, "the table has %s", PLURAL(left, "problem"));
    error_at_file(err, job->path);
    if (repairable)
        return error_hint(err,
                          "bring what is missing or damaged back from a copy, or go on without its rows: 'freightlake "
                          "table fsck %s --repair'; then %s",
                          job->name, way_back(job));
    if (check.unreadable)
        return error_hint(err, "%s", check.unreadable);
    return error_hint(err, "'freightlake table history %s' lists the versions 'table restore' can go back to",
                      job->name);
}
