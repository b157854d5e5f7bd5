/* run over a lake: marts brought up to date, checked and published, with a summary. */
#include "cmd/run_lake.h"

#include "base/progress.h"
#include "cmd/console.h"

/* ---- What is said ---- */

static void append_failures(Buffer *text, const LakeMartResult *mart)
{
    for (uint32_t i = 0; i < mart->checks.n; i++) {
        const MartCheck *check = &mart->checks.checks[i];
        if (check->passed)
            continue;
        buffer_printf(text, "  FAILED %s: %s", check->rule, PLURAL(check->rows, "row"));
        buffer_append_text(text, *check->examples ? ", such as\n" : "\n");
        for (const char *line = check->examples; *line;) {
            size_t n = strcspn(line, "\n");
            buffer_printf(text, "    %.*s\n", (int)n, line);
            line += n + (line[n] == '\n');
        }
    }
}

static void append_broken(Buffer *text, const Error *broken)
{
    char message[1200];
    Error plain = *broken;
    plain.hint[0] = '\0';
    buffer_printf(text, "  BROKEN %s\n", error_format(&plain, message, sizeof message));
}

static uint32_t passed_checks(const LakeMartResult *mart)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < mart->checks.n; i++)
        n += mart->checks.checks[i].passed;
    return n;
}

static void append_table(Buffer *text, const LakeRunResult *result)
{
    char bytes[24], seconds[24];
    if (result->n_published + result->n_failed + result->n_broken + result->n_tested == 0) {
        buffer_printf(text, "nothing to do: %s up to date with version %lld of the shipments\n",
                      PLURAL(result->n_marts, "mart"), (long long)result->shipments_version);
        return;
    }
    buffer_printf(text, "%-24s %-12s %8s %14s %12s   %s\n", "mart", "made", "version", "rows", "size", "checks");
    for (uint32_t i = 0; i < result->n_marts; i++) {
        const LakeMartResult *mart = &result->marts[i];
        buffer_printf(text, "%-24s %-12s %8lld %14llu %12s   ", mart->mart->name,
                      mart->broken                                       ? "broken"
                      : mart->passed || mart->action == LAKE_MART_TESTED ? lake_mart_action_name(mart->action)
                                                                         : "not made",
                      (long long)mart->version, (unsigned long long)mart->rows,
                      text_bytes(bytes, sizeof bytes, (double)mart->bytes));
        if (mart->action == LAKE_MART_UP_TO_DATE)
            buffer_append_text(text, "\n");
        else
            buffer_printf(text, "%u of %u passed\n", passed_checks(mart), mart->checks.n);
        if (mart->broken)
            append_broken(text, mart->broken);
        if (!mart->passed)
            append_failures(text, mart);
    }
    buffer_printf(text, "\n%s read in %s; shipments are at version %lld\n", PLURAL_SHORT(result->rows_read, "row"),
                  text_seconds(seconds, sizeof seconds, result->seconds), (long long)result->shipments_version);
}

static void append_checks(Buffer *text, const MartChecks *checks)
{
    buffer_append_byte(text, '[');
    for (uint32_t i = 0; i < checks->n; i++) {
        const MartCheck *check = &checks->checks[i];
        buffer_append_text(text, i ? ",{\"rule\":" : "{\"rule\":");
        text_append_json(text, str_view(check->rule));
        buffer_printf(text, ",\"passed\":%s,\"rows\":%llu,\"examples\":", check->passed ? "true" : "false",
                      (unsigned long long)check->rows);
        text_append_json(text, str_view(check->examples ? check->examples : ""));
        buffer_append_byte(text, '}');
    }
    buffer_append_byte(text, ']');
}

static void append_json(Buffer *text, const LakeRunResult *result)
{
    char message[1400];
    buffer_printf(
        text,
        "{\"shipments_version\":%lld,\"published\":%u,\"failed\":%u,\"broken\":%u,\"rows_read\":%llu,\"seconds\":%.6f,"
        "\"peak_memory_bytes\":%zu,\"marts\":[",
        (long long)result->shipments_version, result->n_published, result->n_failed, result->n_broken,
        (unsigned long long)result->rows_read, result->seconds, process_peak_memory_bytes());
    for (uint32_t i = 0; i < result->n_marts; i++) {
        const LakeMartResult *mart = &result->marts[i];
        buffer_append_text(text, i ? ",{\"name\":" : "{\"name\":");
        text_append_json(text, str_view(mart->mart->name));
        buffer_printf(text,
                      ",\"action\":\"%s\",\"published\":%s,\"version_before\":%lld,\"version\":%lld,\"rows\":%llu,"
                      "\"bytes\":%llu,\"definition_hash\":\"%s\",\"checks\":",
                      lake_mart_action_name(mart->action), mart->published ? "true" : "false",
                      (long long)mart->version_before, (long long)mart->version, (unsigned long long)mart->rows,
                      (unsigned long long)mart->bytes, mart->mart->hash);
        if (mart->action == LAKE_MART_UP_TO_DATE)
            buffer_append_text(text, "[]");
        else
            append_checks(text, &mart->checks);
        buffer_append_text(text, ",\"broken\":");
        if (mart->broken)
            text_append_json(text, str_view(error_format(mart->broken, message, sizeof message)));
        else
            buffer_append_text(text, "null");
        buffer_append_byte(text, '}');
    }
    buffer_append_text(text, "]}\n");
}

/* ---- History ---- */

typedef struct RunningJob {
    const Lake *lake;
    const Mart *const *marts;
    uint32_t n_marts;
    Arena *arena;
    LakeJob *job; /* NULL until there is something to do */
} RunningJob;

/* A run that finds nothing to do leaves no record. */
static Status begin(void *context, const char **ret_job, Error *err)
{
    RunningJob *running = context;
    HistoryTable *tables = ARENA_ARRAY(running->arena, HistoryTable, running->n_marts + 1);
    for (uint32_t i = 0; i < running->n_marts; i++)
        tables[i] = (HistoryTable){.table = running->marts[i]->name};
    const HistoryRecord about = {.kind = "run", .tables = tables, .n_tables = running->n_marts};
    TRY(lake_job_begin(running->lake, "run", &about, running->arena, &running->job, err));
    *ret_job = lake_job_id(running->job);
    return STATUS_OK;
}

void run_lake_record(LakeJob *job, const LakeRunResult *result, const Error *failure, Arena *arena)
{
    HistoryTable *tables = ARENA_ARRAY(arena, HistoryTable, result->n_marts + 1);
    uint32_t n_checks = 0;
    for (uint32_t i = 0; i < result->n_marts; i++)
        n_checks += result->marts[i].checks.n;
    HistoryCheck *checks = ARENA_ARRAY(arena, HistoryCheck, n_checks + 1);
    HistoryRecord record = {.rows_read = (int64_t)result->rows_read,
                            .rows_good = -1,
                            .rows_rejected = -1,
                            .tables = tables,
                            .checks = checks};
    for (uint32_t i = 0; i < result->n_marts; i++) {
        const LakeMartResult *mart = &result->marts[i];
        if (mart->action == LAKE_MART_UP_TO_DATE)
            continue;
        tables[record.n_tables++] =
            (HistoryTable){mart->mart->name, mart->version_before, mart->version, (int64_t)mart->rows};
        for (uint32_t k = 0; k < mart->checks.n; k++)
            checks[record.n_checks++] =
                (HistoryCheck){mart->mart->name, mart->checks.checks[k].rule, mart->checks.checks[k].passed,
                               (int64_t)mart->checks.checks[k].rows};
    }
    lake_job_end(job, record, failure);
}

/* ---- The command ---- */

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another run to end", LOG_TEXT_FIELD("lock", name));
}

Status run_lake_print(const Arguments *arguments, const LakeRunResult *result, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json"))
        append_json(&text, result);
    else
        append_table(&text, result);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

Status run_lake_local(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                      Arena *job_arena, Error *err)
{
    Resources resources;
    TRY(resources_init(&resources, arguments, err));
    Progress *progress = progress_new("reading", console_progress(arguments));
    RunningJob running = {.lake = lake, .marts = marts, .n_marts = n_marts, .arena = job_arena};
    LakeRunOptions options = {.lake = lake,
                              .marts = marts,
                              .n_marts = n_marts,
                              .full = arguments_given(arguments, "full"),
                              .pool = resources.pool,
                              .budget = &resources.budget,
                              .progress = progress_update,
                              .progress_context = progress,
                              .waiting = say_waiting,
                              .begin = begin,
                              .begin_context = &running};
    LakeRunResult result = {0};
    Status status = lake_run(&options, job_arena, &result, err);
    progress_free(progress);
    resources_done(&resources);
    run_lake_record(running.job, &result, status == STATUS_OK ? NULL : err, job_arena);
    if (!result.complete)
        return status;
    Error printing;
    error_init(&printing);
    if (run_lake_print(arguments, &result, &printing) != STATUS_OK && status == STATUS_OK) {
        *err = printing;
        return err->code;
    }
    return status;
}
