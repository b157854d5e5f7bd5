/* run: shipments in Parquet -> marts, with a summary; over a lake see run_lake.c. */
#include "mart/run.h"

#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/run_lake.h"

static Status choose_marts(const Arguments *arguments, const MartRegistry *registry, Arena *arena,
                           const Mart ***ret_marts, uint32_t *ret_n, Error *err)
{
    const char *const *names;
    uint32_t n_names = arguments_list(arguments, "mart", arena, &names), n = 0;
    const Mart **marts = ARENA_ARRAY(arena, const Mart *, registry->n + n_names);
    for (uint32_t i = 0; i < registry->n && n_names == 0; i++)
        marts[n++] = &registry->marts[i];
    for (uint32_t i = 0; i < n_names; i++) {
        const Mart *mart = mart_find(registry, names[i]);
        if (!mart)
            return mart_unknown(registry, names[i], err);
        bool chosen = false;
        for (uint32_t j = 0; j < n; j++)
            chosen |= marts[j] == mart;
        if (!chosen)
            marts[n++] = mart;
    }
    *ret_marts = marts;
    *ret_n = n;
    return STATUS_OK;
}

static double rows_per_second(const MartRunResult *result)
{
    return (double)result->scan.rows / (result->seconds > 0 ? result->seconds : 1e-9);
}

static void append_table(Buffer *text, const MartRunResult *result)
{
    char bytes[24], read[24], seconds[24], rate[24], peak[24];
    buffer_printf(text, "%-24s %14s %12s\n", "mart", "rows", "size");
    for (uint32_t i = 0; i < result->n_marts; i++) {
        const MartResult *mart = &result->marts[i];
        buffer_printf(text, "%-24s %14llu %12s\n", mart->mart->name, (unsigned long long)mart->rows,
                      text_bytes(bytes, sizeof bytes, (double)mart->bytes));
    }
    buffer_printf(text, "\n%s of %s in %s: %s rows/s, %s read, peak memory %s\n",
                  PLURAL_SHORT(result->scan.rows, "row"), PLURAL(result->files, "file"),
                  text_seconds(seconds, sizeof seconds, result->seconds),
                  text_count(rate, sizeof rate, rows_per_second(result)),
                  text_bytes(read, sizeof read, (double)result->scan.bytes_read),
                  text_bytes(peak, sizeof peak, (double)process_peak_memory_bytes()));
    StorageTraffic traffic = storage_traffic();
    if (traffic.requests > 0)
        buffer_printf(text, "%s to S3, %llu of them again: %s received, %s sent\n", PLURAL(traffic.requests, "request"),
                      (unsigned long long)traffic.retries,
                      text_bytes(read, sizeof read, (double)traffic.bytes_received),
                      text_bytes(bytes, sizeof bytes, (double)traffic.bytes_sent));
    if (result->cleaned > 0)
        buffer_printf(text, "%llu unfinished file%s of a run that was killed %s removed\n",
                      (unsigned long long)result->cleaned, result->cleaned == 1 ? "" : "s",
                      result->cleaned == 1 ? "was" : "were");
}

static void append_json(Buffer *text, const MartRunResult *result, int threads)
{
    StorageTraffic traffic = storage_traffic();
    buffer_printf(text,
                  "{\"rows\":%llu,\"files\":%u,\"bytes_read\":%llu,\"row_groups\":%u,\"row_groups_skipped\":%u,"
                  "\"seconds\":%.6f,\"rows_per_second\":%.0f,\"peak_memory_bytes\":%zu,\"threads\":%d,"
                  "\"temporary_files_removed\":%llu,\"s3_requests\":%llu,\"s3_retries\":%llu,"
                  "\"s3_bytes_received\":%llu,\"s3_bytes_sent\":%llu,\"marts\":[",
                  (unsigned long long)result->scan.rows, result->files, (unsigned long long)result->scan.bytes_read,
                  result->scan.row_groups, result->scan.row_groups_skipped, result->seconds, rows_per_second(result),
                  process_peak_memory_bytes(), threads, (unsigned long long)result->cleaned,
                  (unsigned long long)traffic.requests, (unsigned long long)traffic.retries,
                  (unsigned long long)traffic.bytes_received, (unsigned long long)traffic.bytes_sent);
    for (uint32_t i = 0; i < result->n_marts; i++) {
        const MartResult *mart = &result->marts[i];
        buffer_append_text(text, i ? ",{\"name\":" : "{\"name\":");
        text_append_json(text, str_view(mart->mart->name));
        buffer_append_text(text, ",\"path\":");
        text_append_json(text, str_view(mart->path));
        buffer_printf(text, ",\"rows\":%llu,\"bytes\":%llu,\"definition_hash\":\"%s\"}", (unsigned long long)mart->rows,
                      (unsigned long long)mart->bytes, mart->mart->hash);
    }
    buffer_append_text(text, "]}\n");
}

static void log_end(const MartRunResult *result, int threads)
{
    uint64_t rows = 0, bytes = 0;
    for (uint32_t i = 0; i < result->n_marts; i++) {
        rows += result->marts[i].rows;
        bytes += result->marts[i].bytes;
        LOG(LOG_DEBUG, "mart written", LOG_TEXT_FIELD("mart", result->marts[i].mart->name),
            LOG_TEXT_FIELD("path", result->marts[i].path), LOG_INTEGER_FIELD("rows", result->marts[i].rows),
            LOG_INTEGER_FIELD("bytes", result->marts[i].bytes));
    }
    LOG(LOG_INFO, "run finished", LOG_INTEGER_FIELD("marts", result->n_marts),
        LOG_INTEGER_FIELD("files", result->files), LOG_INTEGER_FIELD("rows", result->scan.rows),
        LOG_INTEGER_FIELD("bytes_read", result->scan.bytes_read), LOG_INTEGER_FIELD("mart_rows", rows),
        LOG_INTEGER_FIELD("mart_bytes", bytes), LOG_NUMBER_FIELD("seconds", result->seconds),
        LOG_NUMBER_FIELD("rows_per_second", rows_per_second(result)),
        LOG_INTEGER_FIELD("peak_memory_bytes", process_peak_memory_bytes()), LOG_INTEGER_FIELD("threads", threads));
}

static Status report(const Arguments *arguments, const MartRunResult *result, int threads, Error *err)
{
    if (console_log_format(arguments) == LOG_JSON)
        log_end(result, threads);
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json"))
        append_json(&text, result, threads);
    else
        append_table(&text, result);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status run_over_lake(const Arguments *arguments, Arena *job_arena, Error *err)
{
    MartRegistry registry;
    const Mart **marts = NULL;
    uint32_t n_marts = 0;
    Lake *lake;
    const char *folder = arguments_text(arguments, "marts");
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    if (folder)
        TRY(mart_registry_load(folder, job_arena, &registry, err));
    else
        TRY(mart_registry_load_optional(lake->definitions, job_arena, &registry, err));
    TRY(choose_marts(arguments, &registry, job_arena, &marts, &n_marts, err));
    return run_lake(arguments, lake, marts, n_marts, job_arena, err);
}

/* With files both --from and --to, with a lake neither. */
static Status check_places(const Arguments *arguments, bool *ret_lake, Error *err)
{
    bool from = arguments_text(arguments, "from") != NULL, to = arguments_text(arguments, "to") != NULL;
    bool lake = arguments_given(arguments, "lake");
    *ret_lake = !from && !to;
    if (!*ret_lake && (arguments_given(arguments, "engine") || arguments_given(arguments, "explain"))) {
        error_set(err, STATUS_USAGE, "--engine and --explain are about a lake");
        return error_hint(err, "a cluster makes the marts of a lake: freightlake --lake LAKE run --engine spark");
    }
    if (from == to && !(lake && from) && !(from && arguments_given(arguments, "full")))
        return STATUS_OK;
    if (from != to) {
        error_set(err, STATUS_USAGE, "--%s is missing", from ? "to" : "from");
        return error_hint(err, "over files both are wanted: run --from FILES --to DIR; over a lake neither");
    }
    error_set(err, STATUS_USAGE, "--from and --to are about files, --lake and --full about a lake");
    return error_hint(err, "freightlake --lake DIR run, or freightlake run --from FILES --to DIR");
}

Status command_run(const Arguments *arguments, Arena *job_arena, Error *err)
{
    MartRegistry registry;
    const Mart **marts = NULL;
    uint32_t n_marts = 0;
    Resources resources;
    bool lake;
    TRY(check_places(arguments, &lake, err));
    if (lake)
        return run_over_lake(arguments, job_arena, err);
    TRY(mart_registry_load(arguments_text(arguments, "marts"), job_arena, &registry, err));
    TRY(choose_marts(arguments, &registry, job_arena, &marts, &n_marts, err));
    TRY(resources_init(&resources, arguments, err));
    Progress *progress = progress_new("reading", console_progress(arguments));
    MartRunOptions options = {.from = arguments_text(arguments, "from"),
                              .to = arguments_text(arguments, "to"),
                              .marts = marts,
                              .n_marts = n_marts,
                              .pool = resources.pool,
                              .budget = &resources.budget,
                              .progress = progress_update,
                              .progress_context = progress};
    MartRunResult result;
    Status status = mart_run(&options, job_arena, &result, err);
    int threads = pool_threads(resources.pool);
    progress_free(progress);
    resources_done(&resources);
    return status == STATUS_OK ? report(arguments, &result, threads, err) : status;
}
