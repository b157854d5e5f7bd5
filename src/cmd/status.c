/* status: how fresh and how large the tables and marts of the lake are. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_tables.h"
#include "columnar/time_text.h"
#include "delta/snapshot.h"
#include "lake/history.h"
#include "lake/transaction.h"
#include "mart/lake_run.h"
#include "mart/tested.h"

#define RECORDS_LOOKED_AT 500 /* of the history, newest first */

typedef struct StatusRow {
    const char *name;
    const DeltaSnapshot *snapshot; /* NULL: it cannot be read */
    const char *problem;           /* then, why */
    const HistoryRecord *last;     /* the newest job that went well and changed or looked at the table; NULL: none */
    bool is_mart;
    const char *stale;  /* a mart's: why; NULL: up to date */
    const char *broken; /* a mart's: why its definition cannot be run; NULL: it is sound, or there is none */
} StatusRow;

typedef struct LakeStatus {
    const Lake *lake;
    MartRegistry registry;
    StatusRow
        *rows; /* shipments, quarantine, marts that have a table, marts that have none (no snapshot, no problem) */
    uint32_t n;
    uint32_t pending;
} LakeStatus;

Status lake_table_names(const Lake *lake, Arena *arena, const char ***ret_names, uint32_t *ret_n, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(lake->marts, true, NULL, &list, err));
    const char **names = ARENA_ARRAY(arena, const char *, list.n + 2);
    uint32_t n = 0;
    names[n++] = "shipments";
    names[n++] = "quarantine";
    size_t prefix = strlen(lake->marts) + 1;
    for (size_t i = 0; i < list.n; i++) {
        const char *name = list.entries[i].path + prefix;
        size_t length = strcspn(name, "/");
        if (strncmp(name + length, "/_delta_log/", 12) != 0)
            continue;
        if (n > 2 && strlen(names[n - 1]) == length && strncmp(names[n - 1], name, length) == 0)
            continue;
        names[n++] = arena_printf(arena, "%.*s", (int)length, name);
    }
    storage_list_done(&list);
    *ret_names = names;
    *ret_n = n;
    return STATUS_OK;
}

static const HistoryRecord *last_good(const HistoryRecord *records, uint32_t n, const char *table)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(records[i].outcome, "ok") != 0)
            continue;
        for (uint32_t k = 0; k < records[i].n_tables; k++)
            if (strcmp(records[i].tables[k].table, table) == 0)
                return &records[i];
    }
    return NULL;
}

static void append_json_row(Buffer *json, const StatusRow *row)
{
    const DeltaSnapshot *snapshot = row->snapshot;
    char time[TIME_TEXT_SIZE];
    buffer_append_text(json, "{\"table\":");
    text_append_json(json, str_view(row->name));
    buffer_printf(json, ",\"kind\":\"%s\"", row->is_mart ? "mart" : "table");
    if (row->is_mart) {
        buffer_printf(json, ",\"stale\":%s,\"stale_because\":", row->stale ? "true" : "false");
        if (row->stale)
            text_append_json(json, str_view(row->stale));
        else
            buffer_append_text(json, "null");
        buffer_append_text(json, ",\"broken_definition\":");
        if (row->broken)
            text_append_json(json, str_view(row->broken));
        else
            buffer_append_text(json, "null");
    }
    if (row->problem) {
        buffer_append_text(json, ",\"problem\":");
        text_append_json(json, str_view(row->problem));
    }
    if (snapshot) {
        timestamp_format(time, snapshot->timestamp_ms * 1000);
        time[10] = 'T';
        buffer_printf(json,
                      ",\"version\":%lld,\"rows\":%llu,\"files\":%u,\"bytes\":%llu,\"changed_at\":\"%sZ\","
                      "\"age_seconds\":%lld,\"last_job\":",
                      (long long)snapshot->version, (unsigned long long)snapshot->n_rows, snapshot->n_files,
                      (unsigned long long)snapshot->size_bytes, time,
                      (long long)((lake_now_us() / 1000 - snapshot->timestamp_ms) / 1000));
        if (row->last)
            history_append_json(json, row->last);
        else
            buffer_append_text(json, "null");
    }
    buffer_append_byte(json, '}');
}

static void append_json(Buffer *json, const LakeStatus *status)
{
    buffer_append_text(json, "{\"lake\":");
    text_append_json(json, str_view(status->lake->path));
    buffer_printf(json, ",\"currency\":\"%s\",\"pending_transactions\":%u,\"tables\":[", status->lake->currency,
                  status->pending);
    for (uint32_t i = 0; i < status->n; i++) {
        if (i > 0)
            buffer_append_byte(json, ',');
        append_json_row(json, &status->rows[i]);
    }
    buffer_append_text(json, "]}\n");
}

/* "3 min", "2 days" */
static const char *age_text(int64_t seconds, char *text, size_t size)
{
    if (seconds < 0)
        seconds = 0;
    if (seconds < 120)
        snprintf(text, size, "%lld s", (long long)seconds);
    else if (seconds < 7200)
        snprintf(text, size, "%lld min", (long long)(seconds / 60));
    else if (seconds < 172800)
        snprintf(text, size, "%lld h", (long long)(seconds / 3600));
    else
        snprintf(text, size, "%lld days", (long long)(seconds / 86400));
    return text;
}

static void append_row(Buffer *text, const StatusRow *row, int64_t now_us)
{
    const DeltaSnapshot *snapshot = row->snapshot;
    char count[24], bytes[24], age[32], time[TIME_TEXT_SIZE];
    if (row->problem) {
        buffer_printf(text, "%-24s  cannot be read: %s\n", row->name, row->problem);
        return;
    }
    if (!snapshot) {
        buffer_printf(text, "%-24s  %7s  %9s  %6s  %9s  %9s  %-24s  %s\n", row->name, "-", "-", "-", "-", "-", "none",
                      row->stale);
        return;
    }
    const char *job = "none";
    char last[64];
    if (row->last) {
        timestamp_format(time, row->last->started_us);
        snprintf(last, sizeof last, "%s %.16s", row->last->kind, time);
        job = last;
    }
    const char *state = !row->is_mart ? "" : row->stale ? row->stale : "up to date";
    buffer_printf(text, "%-24s  %7lld  %9s  %6u  %9s  %9s  ", row->name, (long long)snapshot->version,
                  text_count(count, sizeof count, (double)snapshot->n_rows), snapshot->n_files,
                  text_bytes(bytes, sizeof bytes, (double)snapshot->size_bytes),
                  age_text(now_us / 1000000 - snapshot->timestamp_ms / 1000, age, sizeof age));
    buffer_printf(text, *state ? "%-24s  %s\n" : "%s%s\n", job, state);
}

static void append_table(Buffer *text, const LakeStatus *status)
{
    int64_t now_us = lake_now_us();
    bool stale = false, broken = false, unreadable = false;
    buffer_printf(text, "lake %s, amounts in %s\n\n%-24s  %7s  %9s  %6s  %9s  %9s  %-24s  %s\n", status->lake->path,
                  status->lake->currency, "table", "version", "rows", "files", "size", "age", "last good job", "state");
    for (uint32_t i = 0; i < status->n; i++) {
        append_row(text, &status->rows[i], now_us);
        stale |= status->rows[i].stale && mart_find(&status->registry, status->rows[i].name) && !status->rows[i].broken;
        broken |= status->rows[i].broken != NULL;
        unreadable |= status->rows[i].problem != NULL;
    }
    if (unreadable)
        buffer_append_text(text, "\n'freightlake doctor' tells what mends a table that cannot be read\n");
    else if (broken)
        buffer_append_text(text, "\n'freightlake doctor' tells what mends a definition\n");
    else if (stale)
        buffer_append_text(text, "\n'freightlake run' brings the marts up to date\n");
    if (status->pending)
        buffer_printf(text, "\ncut off or under way: %s; 'freightlake doctor' tells\n", PLURAL(status->pending, "job"));
}

static void look_at(const Lake *lake, StatusRow *row, Arena *arena)
{
    DeltaSnapshot *snapshot;
    Error err;
    error_init(&err);
    if (delta_snapshot_load(lake_table_path(lake, row->name, arena), (DeltaVersion){.kind = DELTA_NEWEST}, arena,
                            &snapshot, &err) == STATUS_OK)
        row->snapshot = snapshot;
    else
        row->problem = arena_strdup(arena, err.message);
}

static bool is_listed(const LakeStatus *status, const char *name)
{
    for (uint32_t i = 0; i < status->n; i++)
        if (strcmp(status->rows[i].name, name) == 0)
            return true;
    return false;
}

/* "broken definition: MESSAGE (file F, row R)"; NULL when it is sound. */
static const char *broken_definition(const Mart *mart, Arena *arena)
{
    PlanNode *plan;
    MartChecks checks;
    Error err;
    char text[1200];
    error_init(&err);
    if (checks_plan(mart, arena, &plan, &checks, &err) == STATUS_OK)
        return NULL;
    err.hint[0] = '\0';
    return arena_printf(arena, "broken definition: %s", error_format(&err, text, sizeof text));
}

static const char *why_stale(const Lake *lake, const Mart *mart, const DeltaSnapshot *shipments,
                             const DeltaSnapshot *table, Arena *arena)
{
    const char *stale = lake_mart_stale(mart, shipments, table, arena);
    bool tested = true;
    Error ignored;
    error_init(&ignored);
    if (stale || (tested_check(lake, mart, table->version, arena, &tested, &ignored) == STATUS_OK && tested))
        return stale;
    return "its tests are to be run";
}

static void look_at_marts(LakeStatus *status, Arena *arena)
{
    const DeltaSnapshot *shipments = status->rows[0].snapshot;
    for (uint32_t i = 2; i < status->n; i++) {
        StatusRow *row = &status->rows[i];
        const Mart *mart = mart_find(&status->registry, row->name);
        row->is_mart = true;
        if (!mart)
            row->stale = "it has no definition any more";
        else if (!row->snapshot || !shipments)
            row->stale = !row->snapshot ? "its table cannot be read" : "shipments cannot be read";
        else
            row->stale = why_stale(status->lake, mart, shipments, row->snapshot, arena);
        if (mart && (row->broken = broken_definition(mart, arena)))
            row->stale = row->broken;
    }
    for (uint32_t i = 0; i < status->registry.n; i++) {
        const Mart *mart = &status->registry.marts[i];
        if (is_listed(status, mart->name))
            continue;
        const char *broken = broken_definition(mart, arena);
        status->rows[status->n++] =
            (StatusRow){.name = mart->name, .is_mart = true, .stale = broken ? broken : "never run", .broken = broken};
    }
}

Status command_status(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Lake *lake;
    LakePending *pending;
    HistoryRecord *records;
    const char **names;
    uint32_t n_records, unreadable;
    LakeStatus status = {0};
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    status.lake = lake;
    TRY(lake_table_names(lake, job_arena, &names, &status.n, err));
    TRY(lake_pending_load(lake, job_arena, &pending, err));
    TRY(history_read(lake, NULL, RECORDS_LOOKED_AT, job_arena, &records, &n_records, &unreadable, err));
    TRY(mart_registry_load_optional(lake->definitions, job_arena, &status.registry, err));
    status.pending = lake_pending_count(pending);
    status.rows = ARENA_ARRAY(job_arena, StatusRow, status.n + status.registry.n);
    for (uint32_t i = 0; i < status.n; i++) {
        status.rows[i] = (StatusRow){.name = names[i], .last = last_good(records, n_records, names[i])};
        look_at(lake, &status.rows[i], job_arena);
    }
    look_at_marts(&status, job_arena);
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json"))
        append_json(&text, &status);
    else
        append_table(&text, &status);
    Status written = console_write_buffer(&text, err);
    buffer_done(&text);
    return written;
}
