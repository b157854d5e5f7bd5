/* status: how fresh and how large the tables and marts of the lake are. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_tables.h"
#include "columnar/time_text.h"
#include "delta/snapshot.h"
#include "lake/history.h"
#include "lake/transaction.h"

#define RECORDS_LOOKED_AT 500 /* of the history, newest first */

typedef struct StatusRow {
    const char *name;
    const DeltaSnapshot *snapshot; /* NULL: it cannot be read */
    const char *problem;           /* then, why */
    const HistoryRecord *last;     /* the newest job that went well and changed or looked at the table; NULL: none */
} StatusRow;

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

static void append_json(Buffer *json, const Lake *lake, const StatusRow *rows, uint32_t n, uint32_t pending)
{
    char time[TIME_TEXT_SIZE];
    buffer_append_text(json, "{\"lake\":");
    text_append_json(json, str_view(lake->path));
    buffer_printf(json, ",\"currency\":\"%s\",\"pending_transactions\":%u,\"tables\":[", lake->currency, pending);
    for (uint32_t i = 0; i < n; i++) {
        const DeltaSnapshot *snapshot = rows[i].snapshot;
        buffer_append_text(json, i ? ",{\"table\":" : "{\"table\":");
        text_append_json(json, str_view(rows[i].name));
        if (!snapshot) {
            buffer_append_text(json, ",\"problem\":");
            text_append_json(json, str_view(rows[i].problem));
            buffer_append_byte(json, '}');
            continue;
        }
        timestamp_format(time, snapshot->timestamp_ms * 1000);
        time[10] = 'T';
        buffer_printf(json,
                      ",\"kind\":\"%s\",\"version\":%lld,\"rows\":%llu,\"files\":%u,\"bytes\":%llu,"
                      "\"changed_at\":\"%sZ\",\"age_seconds\":%lld,\"last_job\":",
                      i < 2 ? "table" : "mart", (long long)snapshot->version, (unsigned long long)snapshot->n_rows,
                      snapshot->n_files, (unsigned long long)snapshot->size_bytes, time,
                      (long long)((lake_now_us() / 1000 - snapshot->timestamp_ms) / 1000));
        if (rows[i].last)
            history_append_json(json, rows[i].last);
        else
            buffer_append_text(json, "null");
        buffer_append_byte(json, '}');
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
    if (!snapshot) {
        buffer_printf(text, "%-24s  cannot be read: %s\n", row->name, row->problem);
        return;
    }
    buffer_printf(text, "%-24s  %7lld  %9s  %6u  %9s  %9s  ", row->name, (long long)snapshot->version,
                  text_count(count, sizeof count, (double)snapshot->n_rows), snapshot->n_files,
                  text_bytes(bytes, sizeof bytes, (double)snapshot->size_bytes),
                  age_text(now_us / 1000000 - snapshot->timestamp_ms / 1000, age, sizeof age));
    if (!row->last) {
        buffer_append_text(text, "none\n");
        return;
    }
    timestamp_format(time, row->last->started_us);
    buffer_printf(text, "%s %.19s\n", row->last->kind, time);
}

static void append_table(Buffer *text, const Lake *lake, const StatusRow *rows, uint32_t n, uint32_t pending)
{
    int64_t now_us = lake_now_us();
    buffer_printf(text, "lake %s, amounts in %s\n\n%-24s  %7s  %9s  %6s  %9s  %9s  %s\n", lake->path, lake->currency,
                  "table", "version", "rows", "files", "size", "age", "last good job");
    for (uint32_t i = 0; i < n; i++)
        append_row(text, &rows[i], now_us);
    if (n == 2)
        buffer_append_text(text, "\nno marts: 'freightlake run' makes them\n");
    if (pending)
        buffer_printf(text, "\n%u jobs were cut off or are under way; 'freightlake doctor' tells\n", pending);
}

static StatusRow look_at(const Lake *lake, const char *name, Arena *arena)
{
    DeltaSnapshot *snapshot;
    Error err;
    error_init(&err);
    if (delta_snapshot_load(lake_table_path(lake, name, arena), (DeltaVersion){.kind = DELTA_NEWEST}, arena, &snapshot,
                            &err) != STATUS_OK)
        return (StatusRow){.name = name, .problem = arena_strdup(arena, err.message)};
    return (StatusRow){.name = name, .snapshot = snapshot};
}

Status command_status(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Lake *lake;
    LakePending *pending;
    HistoryRecord *records;
    const char **names;
    uint32_t n, n_records, unreadable;
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(lake_table_names(lake, job_arena, &names, &n, err));
    TRY(lake_pending_load(lake, job_arena, &pending, err));
    TRY(history_read(lake, NULL, RECORDS_LOOKED_AT, job_arena, &records, &n_records, &unreadable, err));
    StatusRow *rows = ARENA_ARRAY(job_arena, StatusRow, n);
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = look_at(lake, names[i], job_arena);
        rows[i].last = last_good(records, n_records, names[i]);
    }
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json"))
        append_json(&text, lake, rows, n, lake_pending_count(pending));
    else
        append_table(&text, lake, rows, n, lake_pending_count(pending));
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}
