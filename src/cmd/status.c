/* status: how fresh and how large the lake's tables are. */
#include "base/clock.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "columnar/time_text.h"
#include "delta/snapshot.h"
#include "lake/transaction.h"
#include "mart/display.h"

typedef struct TableStatus {
    const char *name;
    bool readable;
    DeltaSnapshot *snapshot;
    const char *problem;
} TableStatus;

static TableStatus look_at(const Lake *lake, const char *name, Arena *arena)
{
    TableStatus status = {.name = name};
    Error err;
    error_init(&err);
    const char *path = lake_table_path(lake, name, arena);
    status.readable =
        delta_snapshot_load(path, (DeltaVersion){.kind = DELTA_NEWEST}, arena, &status.snapshot, &err) == STATUS_OK;
    status.problem = status.readable ? NULL : arena_strdup(arena, err.message);
    return status;
}

/* The folders below the marts zone that hold a Delta table. */
static Status find_marts(const Lake *lake, Arena *arena, const char ***ret_names, uint32_t *ret_n, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(lake->marts, true, NULL, &list, err));
    const char **names = ARENA_ARRAY(arena, const char *, list.n + 1);
    uint32_t n = 0;
    size_t prefix = strlen(lake->marts) + 1;
    for (size_t i = 0; i < list.n; i++) {
        const char *name = list.entries[i].path + prefix, *log = strstr(name, "/_delta_log/");
        size_t length = log ? (size_t)(log - name) : 0;
        bool known = length == 0 || memchr(name, '/', length) != NULL;
        if (!known && n > 0)
            known = strlen(names[n - 1]) == length && memcmp(names[n - 1], name, length) == 0;
        if (!known)
            names[n++] = arena_memdup(arena, name, length);
    }
    storage_list_done(&list);
    *ret_names = names;
    *ret_n = n;
    return STATUS_OK;
}

static void append_person(Buffer *text, const TableStatus *table, int64_t now_us)
{
    char rows[24], bytes[24];
    if (!table->readable) {
        buffer_printf(text, "%-24s cannot be read: %s\n", table->name, table->problem);
        return;
    }
    const DeltaSnapshot *snapshot = table->snapshot;
    buffer_printf(text, "%-24s %9lld %14s %8u %12s   ", table->name, (long long)snapshot->version,
                  text_count(rows, sizeof rows, (double)snapshot->n_rows), snapshot->n_files,
                  text_bytes(bytes, sizeof bytes, (double)snapshot->size_bytes));
    display_append_age(text, (double)(now_us / 1000 - snapshot->timestamp_ms) / 1000);
    buffer_append_byte(text, '\n');
}

static void append_json(Buffer *text, const TableStatus *table)
{
    buffer_append_text(text, "{\"table\":");
    text_append_json(text, str_view(table->name));
    if (!table->readable) {
        buffer_append_text(text, ",\"problem\":");
        text_append_json(text, str_view(table->problem));
        buffer_append_byte(text, '}');
        return;
    }
    char changed[TIME_TEXT_SIZE];
    timestamp_format(changed, table->snapshot->timestamp_ms * 1000);
    changed[10] = 'T';
    buffer_printf(text, ",\"version\":%lld,\"rows\":%llu,\"files\":%u,\"bytes\":%llu,\"changed_at\":\"%sZ\"}",
                  (long long)table->snapshot->version, (unsigned long long)table->snapshot->n_rows,
                  table->snapshot->n_files, (unsigned long long)table->snapshot->size_bytes, changed);
}

Status command_status(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Lake *lake;
    const char **marts;
    uint32_t n_marts;
    LakePending *pending;
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(find_marts(lake, job_arena, &marts, &n_marts, err));
    TRY(lake_pending_load(lake, job_arena, &pending, err));
    bool json = arguments_given(arguments, "json");
    int64_t now_us = lake_now_us();
    Buffer text;
    buffer_init(&text, 0);
    if (json)
        buffer_append_text(&text, "{\"tables\":[");
    else
        buffer_printf(&text, "%-24s %9s %14s %8s %12s   %s\n", "table", "version", "rows", "files", "size", "changed");
    for (uint32_t i = 0; i < n_marts + 2; i++) {
        TableStatus table = look_at(lake, i == 0 ? "shipments" : i == 1 ? "quarantine" : marts[i - 2], job_arena);
        if (json && i)
            buffer_append_byte(&text, ',');
        if (json)
            append_json(&text, &table);
        else
            append_person(&text, &table, now_us);
    }
    if (json)
        buffer_printf(&text, "],\"pending_transactions\":%u}\n", lake_pending_count(pending));
    else if (lake_pending_count(pending))
        buffer_printf(&text, "%u jobs were cut off or are under way; 'freightlake doctor' tells\n",
                      lake_pending_count(pending));
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}
