/* history: what was done with the lake, newest first; one record in full by its id. */
#include "lake/job.h"
#include "lake/transaction.h"

#include "cmd/command.h"
#include "cmd/console.h"
#include "columnar/time_text.h"

typedef struct HistoryView {
    const HistoryRecord *records;
    uint32_t n;
    uint32_t unreadable;
} HistoryView;

static void append_json(Buffer *text, const HistoryView *view)
{
    buffer_append_text(text, "{\"records\":[");
    for (uint32_t i = 0; i < view->n; i++) {
        if (i)
            buffer_append_byte(text, ',');
        history_append_json(text, &view->records[i]);
    }
    buffer_printf(text, "],\"unreadable\":%u}\n", view->unreadable);
}

/* "2026-06-30 12:00:00" */
static void append_start(Buffer *text, int64_t started_us)
{
    char time[TIME_TEXT_SIZE];
    timestamp_format(time, started_us);
    buffer_printf(text, "%.19s", time);
}

static void append_cell(Buffer *text, int64_t count)
{
    char number[24];
    buffer_printf(text, "  %9s", count < 0 ? "" : text_count(number, sizeof number, (double)count));
}

static void append_table(Buffer *text, const HistoryView *view)
{
    if (view->n == 0) {
        buffer_append_text(text, "the history has no record of that kind, or none at all yet\n");
        return;
    }
    buffer_printf(text, "%-19s  %-10s  %-13s  %9s  %9s  %9s  %8s  %-36s  %s\n", "started (UTC)", "kind", "outcome",
                  "read", "good", "rejected", "time", "id", "what");
    for (uint32_t i = 0; i < view->n; i++) {
        const HistoryRecord *record = &view->records[i];
        char seconds[24];
        append_start(text, record->started_us);
        buffer_printf(text, "  %-10s  %-13s", record->kind, record->outcome);
        append_cell(text, record->rows_read);
        append_cell(text, record->rows_good);
        append_cell(text, record->rows_rejected);
        buffer_printf(text, "  %8s  %-36s  %s%s%s\n", text_seconds(seconds, sizeof seconds, record->seconds),
                      record->id, record->client ? record->client : "", record->client && record->source ? " " : "",
                      record->source ? record->source : "");
    }
}

static void append_line(Buffer *text, const char *name, const char *value)
{
    if (value)
        buffer_printf(text, "%-12s %s\n", name, value);
}

static void append_line_count(Buffer *text, const char *name, int64_t count)
{
    if (count >= 0)
        buffer_printf(text, "%-12s %lld\n", name, (long long)count);
}

static void append_versions(Buffer *text, const HistoryTable *table)
{
    buffer_printf(text, "%-12s %s", "table", table->table);
    if (table->version_after < 0)
        buffer_append_text(text, ": nothing committed");
    else if (table->version_before >= 0)
        buffer_printf(text, ": version %lld -> %lld", (long long)table->version_before,
                      (long long)table->version_after);
    else
        buffer_printf(text, ": version %lld", (long long)table->version_after);
    if (table->rows >= 0)
        buffer_printf(text, ", %s", PLURAL(table->rows, "row"));
    buffer_append_byte(text, '\n');
}

static void append_detail(Buffer *text, const HistoryRecord *record)
{
    char bytes[24], seconds[24];
    append_line(text, "id", record->id);
    append_line(text, "kind", record->kind);
    append_line(text, "outcome", record->outcome);
    append_line(text, "client", record->client);
    append_line(text, "source", record->source);
    append_line(text, "sha256", record->source_hash);
    buffer_printf(text, "%-12s ", "started");
    append_start(text, record->started_us);
    buffer_append_text(text, " UTC\n");
    append_line(text, "took", text_seconds(seconds, sizeof seconds, record->seconds));
    append_line(text, "memory", text_bytes(bytes, sizeof bytes, (double)record->peak_memory_bytes));
    append_line_count(text, "read", record->rows_read);
    append_line_count(text, "good", record->rows_good);
    append_line_count(text, "rejected", record->rows_rejected);
    for (uint32_t i = 0; i < record->n_tables; i++)
        append_versions(text, &record->tables[i]);
    for (uint32_t i = 0; i < record->n_checks; i++)
        buffer_printf(text, "%-12s %s %s: %s\n", "check", record->checks[i].mart, record->checks[i].rule,
                      record->checks[i].passed ? "passed" : "failed");
    append_line(text, "error", record->error);
    append_line(text, "details", record->details);
}

static Status find_one(const char *id, const HistoryView *all, HistoryView *ret_one, Error *err)
{
    uint32_t matches = 0;
    size_t n = strlen(id);
    for (uint32_t i = 0; i < all->n; i++) {
        if (strncmp(all->records[i].id, id, n) != 0)
            continue;
        matches++;
        *ret_one = (HistoryView){&all->records[i], 1, all->unreadable};
    }
    if (matches == 1)
        return STATUS_OK;
    error_set(err, STATUS_NOT_FOUND, matches ? "%u records begin with '%.60s'" : "%u records have the id '%.60s'",
              matches, id);
    return error_hint(err, "'freightlake history' lists the ids; any beginning that only one record has will do");
}

/* Finishes what killed jobs left, records included, where that can be done: those who may not write can read the history,
 * too. */
static Status load_running(const Lake *lake, Arena *arena, HistoryRecord **ret_running, uint32_t *ret_n, Error *err)
{
    LakeRecovery recovery;
    Error ignored;
    error_init(&ignored);
    TRY(lake_jobs_running(lake, arena, ret_running, ret_n, err));
    if (*ret_n == 0)
        return STATUS_OK;
    if (lake_recover(lake, NULL, &recovery, &ignored) != STATUS_OK)
        LOG(LOG_DEBUG, "killed jobs are left without a record", LOG_TEXT_FIELD("error", ignored.message));
    return lake_jobs_running(lake, arena, ret_running, ret_n, err);
}

/* What runs comes first. */
static Status load(const Lake *lake, const char *kind, uint32_t limit, Arena *arena, HistoryView *ret_view, Error *err)
{
    HistoryRecord *running, *ended;
    uint32_t n_running, n_ended, n = 0;
    TRY(load_running(lake, arena, &running, &n_running, err));
    TRY(history_read(lake, kind, limit, arena, &ended, &n_ended, &ret_view->unreadable, err));
    HistoryRecord *all = ARENA_ARRAY(arena, HistoryRecord, n_running + n_ended + 1);
    for (uint32_t i = 0; i < n_running; i++) {
        running[i].seconds = (double)(lake_now_us() - running[i].started_us) * 1e-6;
        running[i].details = NULL;
        if (!kind || strcmp(running[i].kind, kind) == 0)
            all[n++] = running[i];
    }
    if (n_ended > 0)
        memcpy(all + n, ended, sizeof *all * n_ended);
    n += n_ended;
    ret_view->records = all;
    ret_view->n = limit > 0 && n > limit ? limit : n;
    return STATUS_OK;
}

Status command_history(const Arguments *arguments, Arena *job_arena, Error *err)
{
    const char *id = arguments->n_operands ? arguments->operands[0] : NULL;
    int64_t limit;
    Lake *lake;
    HistoryView view = {0};
    TRY(arguments_integer(arguments, "limit", 0, UINT32_MAX, &limit, err));
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(load(lake, arguments_text(arguments, "kind"), id ? 0 : (uint32_t)limit, job_arena, &view, err));
    if (id) {
        HistoryView one;
        TRY(find_one(id, &view, &one, err));
        view = one;
    }
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json"))
        append_json(&text, &view);
    else if (id)
        append_detail(&text, view.records);
    else
        append_table(&text, &view);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    if (view.unreadable)
        LOG(LOG_WARN, "some records of the history cannot be read", LOG_INTEGER_FIELD("records", view.unreadable));
    return status;
}
