/* history: what happened in the lake, newest first. */
#include "lake/history.h"

#include "cmd/command.h"
#include "cmd/console.h"
#include "columnar/time_text.h"

static void append_line(Buffer *text, const HistoryRecord *record)
{
    char started[TIME_TEXT_SIZE], seconds[24], rows[24], rejected[24];
    timestamp_format(started, record->started_us - record->started_us % MICROS_PER_SECOND);
    buffer_printf(text, "%s  %-10s %-14s %9s", started, record->kind, record->outcome,
                  text_seconds(seconds, sizeof seconds, record->seconds));
    if (record->client)
        buffer_printf(text, "  %s", record->client);
    if (record->source)
        buffer_printf(text, "  %s", record->source);
    if (record->rows_good >= 0)
        buffer_printf(text, "  %s rows", text_count(rows, sizeof rows, (double)record->rows_good));
    if (record->rows_rejected > 0)
        buffer_printf(text, ", %s rejected", text_count(rejected, sizeof rejected, (double)record->rows_rejected));
    for (uint32_t i = 0; i < record->n_tables; i++)
        if (record->tables[i].version_after >= 0)
            buffer_printf(text, "  %s@%lld", record->tables[i].table, (long long)record->tables[i].version_after);
    uint32_t failed = 0;
    for (uint32_t i = 0; i < record->n_checks; i++)
        failed += !record->checks[i].passed;
    if (record->n_checks)
        buffer_printf(text, "  %u of %u checks passed", record->n_checks - failed, record->n_checks);
    buffer_append_byte(text, '\n');
    if (record->error)
        buffer_printf(text, "    %s\n", record->error);
}

Status command_history(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Lake *lake;
    HistoryRecord *records;
    uint32_t n, unreadable;
    int64_t limit = 0;
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(arguments_integer(arguments, "limit", 0, INT32_MAX, &limit, err));
    TRY(history_read(lake, arguments_text(arguments, "kind"), (uint32_t)limit, job_arena, &records, &n, &unreadable,
                     err));
    Buffer text;
    buffer_init(&text, 0);
    bool json = arguments_given(arguments, "json");
    if (json)
        buffer_append_text(&text, "{\"records\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (json && i)
            buffer_append_byte(&text, ',');
        if (json)
            history_append_json(&text, &records[i]);
        else
            append_line(&text, &records[i]);
    }
    if (json)
        buffer_printf(&text, "],\"unreadable\":%u}\n", unreadable);
    else if (n == 0)
        buffer_append_text(&text, "nothing has happened in this lake yet\n");
    if (!json && unreadable)
        buffer_printf(&text, "%u records cannot be read; see 'freightlake doctor'\n", unreadable);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}
