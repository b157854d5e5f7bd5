/* quarantine: the records that wait, by reason and file; shown, exported, replayed, dropped. */
#include "ingest/quarantine.h"

#include <jansson.h>
#include <stdlib.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "columnar/time_text.h"
#include "ingest/client.h"
#include "ingest/export.h"
#include "ingest/replay.h"
#include "lake/job.h"
#include "lake/transaction.h"

typedef struct QuarantineJob {
    const Arguments *arguments;
    Arena *arena;
    Lake *lake;
    DeltaSnapshot *quarantine;
    QuarantineFilter filter;
    Resources resources;
    bool json;
} QuarantineJob;

static Status visit(QuarantineJob *job, void *context,
                    Status (*row)(void *context, const QuarantineRow *row, bool *ret_stop, Error *err), Error *err)
{
    QuarantineVisitor visitor = {context, row};
    return quarantine_visit(job->quarantine, &job->filter, &job->resources.budget, &visitor, err);
}

static Status print_and_free(Buffer *text, Status status, Error *err)
{
    if (status == STATUS_OK)
        status = console_write_buffer(text, err);
    buffer_done(text);
    return status;
}

/* ---- list ---- */

typedef struct Group {
    const char *client, *file, *code, *column, *message;
    int64_t row;
    uint64_t records;
} Group;

typedef struct Listing {
    Arena *arena;
    Group *groups;
    uint32_t n, capacity;
    uint64_t records;
} Listing;

static Group *find_group(Listing *list, const char *client, StrView file, const char *code, const char *column)
{
    for (uint32_t i = list->n; i-- > 0;) {
        Group *group = &list->groups[i];
        if (strcmp(group->client, client) == 0 && str_equal(str_view(group->file), file) &&
            strcmp(group->code, code) == 0 && strcmp(group->column, column) == 0)
            return group;
    }
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->groups = mem_realloc(list->groups, sizeof(Group) * list->capacity);
    }
    Group *group = &list->groups[list->n++];
    *group = (Group){.client = arena_strdup(list->arena, client),
                     .file = arena_memdup(list->arena, file.data, file.size),
                     .code = arena_strdup(list->arena, code),
                     .column = arena_strdup(list->arena, column),
                     .row = -1};
    return group;
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static Status list_row(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)ret_stop;
    (void)err;
    Listing *list = context;
    list->records++;
    json_t *reasons = json_loadb(row->reasons.data, row->reasons.size, 0, NULL);
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);
        Group *group =
            find_group(list, row->client, row->source_file, member(reason, "code"), member(reason, "column"));
        group->records++;
        if (group->row < 0 || row->source_row < group->row) {
            group->row = row->source_row;
            group->message = arena_strdup(list->arena, member(reason, "message"));
        }
    }
    json_decref(reasons);
    return STATUS_OK;
}

static int compare_groups(const void *a, const void *b)
{
    const Group *x = a, *y = b;
    int order = strcmp(x->client, y->client);
    if (order == 0)
        order = strcmp(x->file, y->file);
    if (order == 0 && x->records != y->records)
        order = x->records > y->records ? -1 : 1;
    if (order == 0)
        order = strcmp(x->code, y->code);
    return order ? order : strcmp(x->column, y->column);
}

static void append_group(Buffer *text, const Group *group, const Group *before, bool json)
{
    if (!json) {
        if (!before || strcmp(before->client, group->client) != 0 || strcmp(before->file, group->file) != 0)
            buffer_printf(text, "%s  %s\n", group->client, group->file);
        buffer_printf(text, "  %10llu  %-26s %-24s row %lld: %s\n", (unsigned long long)group->records, group->code,
                      group->column, (long long)group->row, group->message);
        return;
    }
    const struct {
        const char *key, *value;
    } texts[] = {{"client", group->client},
                 {"file", group->file},
                 {"code", group->code},
                 {"column", group->column},
                 {"example_message", group->message}};
    buffer_append_text(text, before ? ",{" : "{");
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        buffer_printf(text, "\"%s\":", texts[i].key);
        text_append_json(text, str_view(texts[i].value));
        buffer_append_byte(text, ',');
    }
    buffer_printf(text, "\"records\":%llu,\"example_row\":%lld}", (unsigned long long)group->records,
                  (long long)group->row);
}

static Status action_list(QuarantineJob *job, Error *err)
{
    Listing list = {.arena = job->arena};
    Buffer text;
    buffer_init(&text, 0);
    Status status = visit(job, &list, list_row, err);
    if (list.n)
        qsort(list.groups, list.n, sizeof *list.groups, compare_groups);
    if (job->json)
        buffer_printf(&text, "{\"records\":%llu,\"groups\":[", (unsigned long long)list.records);
    for (uint32_t i = 0; i < list.n; i++)
        append_group(&text, &list.groups[i], i ? &list.groups[i - 1] : NULL, job->json);
    if (job->json)
        buffer_append_text(&text, "]}\n");
    else if (list.records == 0)
        buffer_append_text(&text, "quarantine is empty\n");
    else
        buffer_printf(
            &text,
            "waiting: %s; 'quarantine show' shows them, 'quarantine replay' tries them once the mapping is mended\n",
            PLURAL(list.records, "record"));
    mem_free(list.groups);
    return print_and_free(&text, status, err);
}

/* ---- show ---- */

typedef struct Showing {
    Buffer *text;
    bool json;
    uint64_t shown, limit;
} Showing;

static void append_json_row(Buffer *text, const QuarantineRow *row)
{
    char when[TIME_TEXT_SIZE];
    timestamp_format(when, row->ingested_at_us);
    when[10] = 'T';
    buffer_append_text(text, "{\"client\":");
    text_append_json(text, str_view(row->client));
    buffer_append_text(text, ",\"source_file\":");
    text_append_json(text, row->source_file);
    buffer_append_text(text, ",\"source_hash\":");
    text_append_json(text, row->source_hash);
    buffer_printf(text, ",\"source_row\":%lld,\"raw_record\":", (long long)row->source_row);
    text_append_json(text, row->raw);
    buffer_append_text(text, ",\"reasons\":");
    buffer_append(text, row->reasons.data, row->reasons.size);
    buffer_append_text(text, ",\"mapping_hash\":");
    text_append_json(text, row->mapping_hash);
    buffer_printf(text, ",\"ingested_at\":\"%sZ\"}", when);
}

/* Control characters would steer the terminal. */
static void append_plain(Buffer *text, StrView bytes)
{
    for (uint32_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c < 0x20 || c == 0x7f)
            buffer_printf(text, "\\x%02x", c);
        else
            buffer_append_byte(text, c);
    }
}

static Status show_row(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)err;
    Showing *showing = context;
    if (showing->limit && showing->shown == showing->limit) {
        *ret_stop = true;
        return STATUS_OK;
    }
    if (showing->json) {
        if (showing->shown)
            buffer_append_byte(showing->text, ',');
        append_json_row(showing->text, row);
    } else {
        buffer_printf(showing->text, "%s  ", row->client);
        append_plain(showing->text, row->source_file);
        buffer_printf(showing->text, "  row %lld\n  ", (long long)row->source_row);
        append_plain(showing->text, row->raw);
        buffer_append_byte(showing->text, '\n');
        json_t *reasons = json_loadb(row->reasons.data, row->reasons.size, 0, NULL);
        for (size_t i = 0; i < json_array_size(reasons); i++) {
            const json_t *reason = json_array_get(reasons, i);
            buffer_printf(showing->text, "    %s: ", member(reason, "code"));
            append_plain(showing->text, str_view(member(reason, "message")));
            buffer_append_byte(showing->text, '\n');
        }
        json_decref(reasons);
    }
    showing->shown++;
    return STATUS_OK;
}

static Status action_show(QuarantineJob *job, Error *err)
{
    int64_t limit = 20;
    Buffer text;
    TRY(arguments_integer(job->arguments, "limit", 0, INT64_MAX, &limit, err));
    buffer_init(&text, 0);
    Showing showing = {.text = &text, .json = job->json, .limit = (uint64_t)limit};
    if (job->json)
        buffer_append_text(&text, "{\"records\":[");
    Status status = visit(job, &showing, show_row, err);
    if (job->json)
        buffer_append_text(&text, "]}\n");
    else if (showing.shown == 0)
        buffer_append_text(&text, "no record in quarantine is such\n");
    return print_and_free(&text, status, err);
}

/* ---- export ---- */

static Status need_client(const QuarantineJob *job, Error *err)
{
    if (job->filter.client)
        return STATUS_OK;
    error_set(err, STATUS_USAGE, "of which client?");
    return error_hint(err, "freightlake quarantine %s CLIENT", job->arguments->operands[0]);
}

/* Records that the form of the file cannot hold are said where they are not mistaken for data. */
static void warn_left_out(const QuarantineJob *job, const ExportResult *result)
{
    if (result->left_out > 0)
        LOG(LOG_WARN,
            "records were left out that cannot stand in such a file (a quote that does not close, a record that is too"
            " long or has not the right number of columns): 'quarantine export --raw' gives them as they are",
            LOG_TEXT_FIELD("client", job->filter.client), LOG_INTEGER_FIELD("records", (int64_t)result->left_out));
}

static Status write_export(QuarantineJob *job, const ExportOptions *options, const char *output,
                           ExportResult *ret_result, Error *err)
{
    bool raw = arguments_given(job->arguments, "raw");
    if (options->mapping->input == INPUT_PARQUET && !raw) {
        if (output)
            return export_parquet(options, output, job->arena, ret_result, err);
        error_set(err, STATUS_USAGE, "the files of client %s are Parquet: --output names the one to write",
                  options->mapping->client);
        return error_hint(err, "--raw writes the records as JSON objects, one a line");
    }
    Buffer text;
    buffer_init(&text, 0);
    Status status = raw ? export_raw(options, &text, ret_result, err) : export_text(options, &text, ret_result, err);
    if (status == STATUS_OK && output && ret_result->records > 0)
        status = storage_write_file(output, text.data, text.size, err);
    else if (status == STATUS_OK && !output)
        status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status action_export(QuarantineJob *job, Error *err)
{
    Mapping *mapping;
    ExportResult result = {0};
    const char *output = arguments_text(job->arguments, "output");
    TRY(need_client(job, err));
    TRY(mapping_load(job->lake, job->filter.client, job->arena, &mapping, err));
    ExportOptions options = {.lake = job->lake,
                             .mapping = mapping,
                             .quarantine = job->quarantine,
                             .filter = &job->filter,
                             .budget = &job->resources.budget};
    TRY(write_export(job, &options, output, &result, err));
    warn_left_out(job, &result);
    if (!output && result.records > 0)
        return STATUS_OK;
    Buffer text;
    buffer_init(&text, 0);
    if (result.records == 0)
        buffer_append_text(&text, "no record in quarantine is such; nothing was written\n");
    else
        buffer_printf(&text, "%s written to %s as received; mend there and ingest the file\n",
                      PLURAL(result.records, "record"), output);
    return print_and_free(&text, STATUS_OK, err);
}

/* ---- What changes something: one client after the other, each under its lock ---- */

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another job on the same client", LOG_TEXT_FIELD("lock", name));
}

typedef Status (*ClientAction)(QuarantineJob *job, const char *client, Buffer *text, Error *err);

/* A dry run writes nothing and mends nothing, so it needs no lock. */
static Status for_client(QuarantineJob *job, const char *client, ClientAction action, Buffer *text, Error *err)
{
    LakeLock *lock = NULL;
    LakeRecovery recovery;
    job->filter.client = client;
    if (arguments_given(job->arguments, "dry-run"))
        return action(job, client, text, err);
    TRY(lake_lock(job->lake, arena_printf(job->arena, "client-%s", client), say_waiting, NULL, &lock, err));
    Status status = lake_recover(job->lake, client, &recovery, err);
    if (status == STATUS_OK)
        status = delta_snapshot_load(lake_table_path(job->lake, "quarantine", job->arena),
                                     (DeltaVersion){.kind = DELTA_NEWEST}, job->arena, &job->quarantine, err);
    if (status == STATUS_OK)
        status = action(job, client, text, err);
    lake_unlock(lock);
    return status;
}

/* The one client named, or each that has records in quarantine. */
static Status for_clients(QuarantineJob *job, ClientAction action, Buffer *text, Error *err)
{
    if (job->filter.client)
        return for_client(job, job->filter.client, action, text, err);
    const DeltaSnapshot *all = job->quarantine;
    const char *last = "";
    for (uint32_t i = 0; i < all->n_files; i++) { /* files are sorted by path, so by client */
        const char *client = all->files[i].partition_values[0];
        if (!client || strcmp(client, last) == 0)
            continue;
        last = client;
        if (job->json && text->size > 1 && text->data[text->size - 1] == '}')
            buffer_append_byte(text, ',');
        TRY(for_client(job, client, action, text, err));
    }
    return STATUS_OK;
}

static Status begin(const QuarantineJob *job, const char *kind, const char *client, LakeJob **ret_job, Error *err)
{
    HistoryTable tables[] = {{.table = "shipments"}, {.table = "quarantine"}};
    const HistoryRecord about = {.kind = kind, .client = client, .tables = tables, .n_tables = 2};
    return lake_job_begin(job->lake, arena_printf(job->arena, "client-%s", client), &about, job->arena, ret_job, err);
}

/* ---- replay ---- */

static void append_replay(Buffer *text, const ReplayResult *result, const char *client, bool json, bool dry_run)
{
    if (json) {
        buffer_append_text(text, "{\"client\":");
        text_append_json(text, str_view(client));
        buffer_printf(
            text,
            ",\"records\":%llu,\"passed\":%llu,\"rejected\":%llu,\"superseded\":%llu,\"processed_version\":%lld,"
            "\"quarantine_version\":%lld,\"seconds\":%.6f}",
            (unsigned long long)result->records, (unsigned long long)result->passed,
            (unsigned long long)result->rejected, (unsigned long long)result->superseded,
            (long long)result->processed_version, (long long)result->quarantine_version, result->seconds);
        return;
    }
    buffer_printf(text, "%s: %s tried: %llu %s, %llu rejected again\n", client, PLURAL(result->records, "record"),
                  (unsigned long long)result->passed, dry_run ? "would pass" : "passed",
                  (unsigned long long)result->rejected);
    for (uint32_t i = 0; i < result->n_reasons; i++)
        buffer_printf(text, "  %10llu  %-26s %-24s row %lld: %s\n", (unsigned long long)result->reasons[i].records,
                      result->reasons[i].code, result->reasons[i].column, (long long)result->reasons[i].example_row,
                      result->reasons[i].example_message);
    if (result->quarantine_version < 0 && !dry_run)
        buffer_append_text(text, "  nothing changed: mend the mapping or the lake's settings first\n");
}

static void record_replay(LakeJob *job, const ReplayResult *result, const Error *failure)
{
    HistoryTable tables[] = {{"shipments", -1, result->processed_version, (int64_t)result->passed},
                             {"quarantine", -1, result->quarantine_version, (int64_t)result->rejected}};
    if (!failure && result->quarantine_version < 0) { /* nothing changed */
        lake_job_forget(job);
        return;
    }
    lake_job_end(job,
                 (HistoryRecord){.rows_read = (int64_t)result->records,
                                 .rows_good = (int64_t)result->passed,
                                 .rows_rejected = (int64_t)result->rejected,
                                 .tables = tables,
                                 .n_tables = failure ? 0 : 2},
                 failure);
}

static Status replay_client(QuarantineJob *job, const char *client, Buffer *text, Error *err)
{
    Mapping *mapping;
    TRY(mapping_load(job->lake, client, job->arena, &mapping, err));
    ReplayOptions options = {.lake = job->lake,
                             .mapping = mapping,
                             .filter = job->filter,
                             .dry_run = arguments_given(job->arguments, "dry-run"),
                             .budget = &job->resources.budget};
    LakeJob *running = NULL;
    if (!options.dry_run)
        TRY(begin(job, "replay", client, &running, err));
    options.job = lake_job_id(running);
    ReplayResult result = {.quarantine_version = -1};
    Status status = replay(&options, job->arena, &result, err);
    record_replay(running, &result, status == STATUS_OK ? NULL : err);
    if (status != STATUS_OK)
        return status;
    append_replay(text, &result, client, job->json, options.dry_run);
    return STATUS_OK;
}

static Status action_replay(QuarantineJob *job, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    if (job->json)
        buffer_append_text(&text, "{\"clients\":[");
    Status status = for_clients(job, replay_client, &text, err);
    if (job->json)
        buffer_append_text(&text, "]}\n");
    else if (text.size == 0)
        buffer_append_text(&text, "quarantine is empty\n");
    return print_and_free(&text, status, err);
}

/* ---- drop ---- */

typedef struct Dropping {
    QuarantineDrops drops;
    uint64_t records;
} Dropping;

static Status drop_row(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)ret_stop;
    (void)err;
    Dropping *dropping = context;
    quarantine_drop_row(&dropping->drops, row);
    dropping->records++;
    return STATUS_OK;
}

static Status commit_drops(QuarantineJob *job, const Dropping *dropping, const char *id, int64_t *ret_version,
                           Error *err)
{
    DeltaCommit commit = {.operation = "DELETE", .user_metadata = id};
    TRY(quarantine_drops_commit(&dropping->drops, job->quarantine, &job->resources.budget, NULL, 0, &commit, err));
    return delta_commit(job->quarantine, &commit, ret_version, err);
}

static Status drop_records(QuarantineJob *job, const char *client, const Dropping *dropping, int64_t *ret_version,
                           Error *err)
{
    LakeJob *running;
    TRY(begin(job, "drop", client, &running, err));
    Status status = commit_drops(job, dropping, lake_job_id(running), ret_version, err);
    HistoryTable table = {"quarantine", job->quarantine->version, *ret_version, (int64_t)dropping->records};
    lake_job_end(running,
                 (HistoryRecord){.rows_read = (int64_t)dropping->records,
                                 .rows_good = -1,
                                 .rows_rejected = -1,
                                 .tables = &table,
                                 .n_tables = status == STATUS_OK},
                 status == STATUS_OK ? NULL : err);
    return status;
}

static Status drop_of_client(QuarantineJob *job, const char *client, Buffer *text, Error *err)
{
    Dropping dropping = {.drops = {.arena = job->arena}};
    int64_t version = -1;
    TRY(visit(job, &dropping, drop_row, err));
    bool dry_run = arguments_given(job->arguments, "dry-run");
    if (dropping.records > 0 && !dry_run)
        TRY(drop_records(job, client, &dropping, &version, err));
    if (job->json) {
        buffer_append_text(text, "{\"client\":");
        text_append_json(text, str_view(client));
        buffer_printf(text, ",\"dropped\":%llu,\"quarantine_version\":%lld}", (unsigned long long)dropping.records,
                      (long long)version);
    } else if (dropping.records == 0) {
        buffer_printf(text, "%s: no record in quarantine is such; nothing was dropped\n", client);
    } else {
        buffer_printf(text, "%s: %s %s\n", client, PLURAL(dropping.records, "record"),
                      dry_run ? "would be dropped" : "dropped; 'rebuild' brings back what the raw files hold");
    }
    return STATUS_OK;
}

static Status action_drop(QuarantineJob *job, Error *err)
{
    bool chosen = job->filter.client || job->filter.file || job->filter.rule || job->filter.row >= 0;
    if (!chosen && !arguments_given(job->arguments, "all")) {
        error_set(err, STATUS_USAGE, "which records are to be dropped?");
        return error_hint(err, "name a client, --file, --rule or --row, or give --all");
    }
    Buffer text;
    buffer_init(&text, 0);
    if (job->json)
        buffer_append_text(&text, "{\"clients\":[");
    Status status = for_clients(job, drop_of_client, &text, err);
    if (job->json)
        buffer_append_text(&text, "]}\n");
    else if (text.size == 0)
        buffer_append_text(&text, "quarantine is empty\n");
    return print_and_free(&text, status, err);
}

/* ---- The command ---- */

static Status quarantine_steps(QuarantineJob *job, Error *err)
{
    static const struct {
        const char *name;
        Status (*action)(QuarantineJob *job, Error *err);
    } actions[] = {{"list", action_list},
                   {"show", action_show},
                   {"export", action_export},
                   {"replay", action_replay},
                   {"drop", action_drop}};
    const char *names[ARRAY_SIZE(actions)];
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        names[i] = actions[i].name;
        if (strcmp(job->arguments->operands[0], names[i]) == 0)
            return actions[i].action(job, err);
    }
    error_set(err, STATUS_USAGE, "quarantine has no action '%.40s'", job->arguments->operands[0]);
    const char *near = text_nearest(job->arguments->operands[0], names, ARRAY_SIZE(names));
    return near ? error_hint(err, "did you mean '%s'?", near) : error_hint(err, "list, show, export, replay or drop");
}

Status command_quarantine(const Arguments *arguments, Arena *job_arena, Error *err)
{
    QuarantineJob job = {.arguments = arguments, .arena = job_arena, .json = arguments_given(arguments, "json")};
    job.filter = (QuarantineFilter){.client = arguments->n_operands > 1 ? arguments->operands[1] : NULL,
                                    .file = arguments_text(arguments, "file"),
                                    .rule = arguments_text(arguments, "rule"),
                                    .row = -1};
    if (arguments_text(arguments, "row"))
        TRY(arguments_integer(arguments, "row", 1, INT64_MAX, &job.filter.row, err));
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &job.lake, err));
    TRY(delta_snapshot_load(lake_table_path(job.lake, "quarantine", job_arena), (DeltaVersion){.kind = DELTA_NEWEST},
                            job_arena, &job.quarantine, err));
    TRY(resources_init(&job.resources, arguments, err));
    Status status = job.filter.client ? client_check_known(job.lake, job.filter.client, job_arena, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = quarantine_steps(&job, err);
    resources_done(&job.resources);
    return status;
}
