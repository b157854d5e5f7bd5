/* query: one SELECT over a table of the lake or over Parquet files, printed or written to a file. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/printer.h"
#include "cmd/statement.h"

typedef struct Query {
    const Arguments *arguments;
    const char *output_path; /* NULL: standard output */
    bool to_parquet;
    PrinterOptions printer_options;
    Resources resources;
    BoundStatement bound;
    StorageWriter *writer;
    Printer *printer;
    double start;
} Query;

/* --output's extension says its format; --format may say so too, but nothing else. */
static Status choose_format(Query *query, Error *err)
{
    static const struct {
        const char *extension;
        PrinterFormat format;
    } extensions[] = {
        {".csv", PRINTER_CSV}, {".json", PRINTER_JSON}, {".ndjson", PRINTER_NDJSON}, {".jsonl", PRINTER_NDJSON}};
    query->printer_options.format = (PrinterFormat)arguments_choice(query->arguments, "format");
    query->output_path = arguments_text(query->arguments, "output");
    if (!query->output_path)
        return STATUS_OK;
    const char *extension = strrchr(query->output_path, '.');
    bool format_given = arguments_given(query->arguments, "format"), known = false;
    PrinterFormat format = PRINTER_CSV;
    query->to_parquet = extension && strcasecmp(extension, ".parquet") == 0;
    for (size_t i = 0; extension && i < ARRAY_SIZE(extensions); i++)
        if (strcasecmp(extension, extensions[i].extension) == 0) {
            known = true;
            format = extensions[i].format;
        }
    if (!known && !query->to_parquet) {
        error_set(err, STATUS_USAGE, "--output %s: the name does not say a format", query->output_path);
        return error_hint(err, "end it with .parquet, .csv, .json or .ndjson");
    }
    if (format_given && (query->to_parquet || format != query->printer_options.format)) {
        error_set(err, STATUS_USAGE, "--format %s and --output %s do not fit together",
                  arguments_text(query->arguments, "format"), query->output_path);
        return error_hint(err, "leave --format out: the file's name says the format");
    }
    query->printer_options.format = format;
    return STATUS_OK;
}

static Status check_names_differ(const Schema *schema, Error *err)
{
    for (uint32_t i = 0; i < schema->n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcasecmp(schema->fields[i].name, schema->fields[j].name) == 0) {
                error_set(err, STATUS_SQL, "two columns are called '%s', which a Parquet table cannot have",
                          schema->fields[i].name);
                return error_hint(err, "name one of them with AS");
            }
    return STATUS_OK;
}

static Status open_sink(Query *query, Sink *sink, Error *err)
{
    static const ParquetWriterOptions writer_options = {.codec = PARQUET_SNAPPY};
    const Schema *schema = &query->bound.plan->schema;
    if (query->to_parquet)
        TRY(check_names_differ(schema, err));
    if (query->output_path)
        TRY(storage_create(query->output_path, &query->writer, err));
    if (query->to_parquet) {
        *sink = (Sink){.file = query->writer, .options = &writer_options};
        return STATUS_OK;
    }
    query->printer_options.file = query->writer;
    TRY(printer_new(schema, &query->printer_options, &query->printer, err));
    *sink = (Sink){.context = query->printer, .batch = printer_batch};
    return STATUS_OK;
}

static Status say_how_it_went(const Query *query, uint64_t rows, const ScanStatistics *scan, Error *err)
{
    double seconds = clock_seconds() - query->start;
    char took[24];
    text_seconds(took, sizeof took, seconds);
    uint64_t shown = query->printer ? printer_rows_shown(query->printer) : rows;
    if (shown < rows) {
        Buffer text;
        buffer_init(&text, 0);
        buffer_printf(&text, "%llu more rows (--limit-rows 0 shows all)\n", (unsigned long long)(rows - shown));
        Status status = console_write_buffer(&text, err);
        buffer_done(&text);
        TRY(status);
    }
    if (console_log_format(query->arguments) == LOG_JSON)
        LOG(LOG_INFO, "query finished", LOG_INTEGER_FIELD("rows", rows), LOG_INTEGER_FIELD("rows_read", scan->rows),
            LOG_INTEGER_FIELD("bytes_read", scan->bytes_read), LOG_INTEGER_FIELD("row_groups", scan->row_groups),
            LOG_INTEGER_FIELD("row_groups_skipped", scan->row_groups_skipped), LOG_NUMBER_FIELD("seconds", seconds),
            LOG_INTEGER_FIELD("peak_memory_bytes", process_peak_memory_bytes()));
    else if (console_has_person()) {
        char message[96];
        snprintf(message, sizeof message, "%s in %s", PLURAL(rows, "row"), took);
        log_write(LOG_INFO, message, NULL, 0);
    }
    return STATUS_OK;
}

static Status execute(Query *query, Error *err)
{
    Statement statement = {.plan = query->bound.plan};
    TRY(open_sink(query, &statement.sink, err));
    /* Rows that stream to the terminal and a progress line would write over each other. */
    bool streams =
        query->printer && !query->writer && query->printer_options.format != PRINTER_TABLE && console_width();
    Progress *progress = progress_new("reading", !streams && console_progress(query->arguments));
    ExecOptions options = {.pool = query->resources.pool,
                           .budget = &query->resources.budget,
                           .progress = progress_update,
                           .progress_context = progress};
    ScanStatistics scan;
    Status status = exec_run(&statement, 1, query->bound.files, query->bound.n_tables, &options, &scan, err);
    progress_free(progress);
    TRY(status);
    TRY(interrupt_check(err));
    if (query->printer)
        TRY(printer_finish(query->printer, err));
    if (query->writer) {
        StorageWriter *writer = query->writer;
        query->writer = NULL;
        TRY(storage_commit(writer, err));
    }
    return say_how_it_went(query, query->printer ? printer_rows(query->printer) : statement.rows_out, &scan, err);
}

static Status run(Query *query, Arena *job_arena, Error *err)
{
    const char *sql;
    int64_t limit_rows;
    TRY(choose_format(query, err));
    TRY(arguments_integer(query->arguments, "limit-rows", 0, INT64_MAX, &limit_rows, err));
    query->printer_options.limit_rows = (uint64_t)limit_rows;
    query->printer_options.width = console_width();
    query->printer_options.color = console_color(query->arguments);
    TRY(statement_text(query->arguments, job_arena, &sql, err));
    TRY(resources_init(&query->resources, query->arguments, err));
    Status status = statement_bind(sql, query->arguments, &query->resources, job_arena, &query->bound, err);
    if (status == STATUS_OK) {
        status = execute(query, err);
        printer_free(query->printer);
        storage_discard(query->writer);
        statement_done(&query->bound);
    }
    resources_done(&query->resources);
    return status;
}

Status command_query(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Query query = {.arguments = arguments, .start = clock_seconds()};
    return run(&query, job_arena, err);
}
