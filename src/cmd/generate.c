/* generate: synthetic shipments. */
#include "generate/generate.h"

#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"

#define MAX_THREADS 1024

/* The number of `n` digits at `text`, or -1. */
static int32_t read_digits(const char *text, int n)
{
    int32_t value = 0;
    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static Status parse_date(const char *option, const char *text, int32_t *ret_days, Error *err)
{
    if (strlen(text) == 10 && text[4] == '-' && text[7] == '-') {
        int32_t year = read_digits(text, 4), month = read_digits(text + 5, 2), day = read_digits(text + 8, 2);
        if (year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month)) {
            *ret_days = days_from_civil(year, month, day);
            return STATUS_OK;
        }
    }
    error_set(err, STATUS_USAGE, "--%s cannot be '%s'", option, text);
    return error_hint(err, "it takes a date that exists, as YYYY-MM-DD");
}

static Status read_options(const Arguments *arguments, Arena *arena, GenerateOptions *options, Error *err)
{
    static const ParquetCodec codecs[] = {PARQUET_SNAPPY, PARQUET_ZSTD, PARQUET_UNCOMPRESSED};
    int64_t rows, seed, files;
    double bad_share;
    generate_options_init(options);
    TRY(arguments_integer(arguments, "rows", 0, (int64_t)GENERATE_MAX_ROWS, &rows, err));
    TRY(arguments_integer(arguments, "seed", 0, INT64_MAX, &seed, err));
    TRY(arguments_integer(arguments, "files", 1, GENERATE_MAX_FILES, &files, err));
    TRY(generate_parse_format(arguments_text(arguments, "format"), &options->format, err));
    TRY(generate_parse_scenario(arguments_text(arguments, "scenario"), &options->scenario, err));
    TRY(parse_date("as-of", arguments_text(arguments, "as-of"), &options->as_of, err));
    TRY(arguments_number(arguments, "bad-rows", 0, GENERATE_MAX_BAD_SHARE, &bad_share, err));
    options->rows = (uint64_t)rows;
    options->seed = (uint64_t)seed;
    options->files = (uint32_t)files;
    options->codec = codecs[arguments_choice(arguments, "codec")];
    options->unique_ids = arguments_given(arguments, "unique-ids");
    options->out = arguments_text(arguments, "out");
    if (bad_share > 0)
        TRY(generate_bad_rows(options, bad_share, err));
    const char *const *kinds;
    uint32_t n = arguments_list(arguments, "bad-kind", arena, &kinds);
    for (uint32_t i = 0; i < n; i++)
        TRY(generate_bad_rows_of_kind(options, kinds[i], err));
    return STATUS_OK;
}

static Status print_summary(const GenerateOptions *options, const GenerateSummary *summary, Error *err)
{
    char bytes[24], seconds[24], rate[24];
    Buffer text;
    buffer_init(&text, 0);
    buffer_printf(
        &text, "%s: %s in %s, %s, in %s (%s rows/s)\n", options->out, PLURAL_SHORT(summary->rows, "shipment"),
        PLURAL(summary->files, "file"), text_bytes(bytes, sizeof bytes, (double)summary->bytes),
        text_seconds(seconds, sizeof seconds, summary->seconds),
        text_count(rate, sizeof rate, (double)summary->rows / (summary->seconds > 0 ? summary->seconds : 1e-9)));
    if (summary->bad_rows_total > 0) {
        buffer_printf(&text, "bad rows: %llu\n", (unsigned long long)summary->bad_rows_total);
        for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++)
            if (summary->bad_rows[kind] > 0)
                buffer_printf(&text, "  %-18s %10llu  %s\n", generate_bad_kind_name((GenerateBadKind)kind),
                              (unsigned long long)summary->bad_rows[kind],
                              generate_bad_kind_meaning((GenerateBadKind)kind));
    }
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

Status command_generate(const Arguments *arguments, Arena *job_arena, Error *err)
{
    GenerateOptions options;
    GenerateSummary summary;
    int64_t threads;
    TRY(read_options(arguments, job_arena, &options, err));
    TRY(arguments_integer(arguments, "threads", 0, MAX_THREADS, &threads, err));
    Progress *progress = progress_new("generating", console_progress(arguments));
    options.pool = pool_new((int)threads);
    options.progress = progress_update;
    options.progress_context = progress;
    Status status = generate_run(&options, &summary, err);
    pool_free(options.pool);
    progress_free(progress);
    if (status != STATUS_OK)
        return status;
    if (console_log_format(arguments) == LOG_JSON)
        LOG(LOG_INFO, "generate finished", LOG_TEXT_FIELD("out", options.out), LOG_INTEGER_FIELD("rows", summary.rows),
            LOG_INTEGER_FIELD("bytes", summary.bytes), LOG_INTEGER_FIELD("files", summary.files),
            LOG_NUMBER_FIELD("seconds", summary.seconds));
    return print_summary(&options, &summary, err);
}
