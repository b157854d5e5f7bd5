/* explain: the plan of a statement, and with --analyze what running it costs. */
#include "base/clock.h"
#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/statement.h"

static Status drop_batch(void *context, const Schema *schema, const Batch *batch, Error *err)
{
    (void)context;
    (void)schema;
    (void)batch;
    (void)err;
    return STATUS_OK;
}

static void append_scan(Buffer *text, const ScanStatistics *scan, uint32_t files, double seconds)
{
    char rows[24], bytes[24], took[24], peak[24];
    buffer_printf(text, "\n%s rows of %u file%s in %s, %s read, %u of %u row groups skipped, peak memory %s\n",
                  text_count(rows, sizeof rows, (double)scan->rows), files, files == 1 ? "" : "s",
                  text_seconds(took, sizeof took, seconds), text_bytes(bytes, sizeof bytes, (double)scan->bytes_read),
                  scan->row_groups_skipped, scan->row_groups,
                  text_bytes(peak, sizeof peak, (double)process_peak_memory_bytes()));
}

static Status explain(const Arguments *arguments, const BoundStatement *bound, Resources *resources, Buffer *text,
                      Error *err)
{
    Statement statement = {.plan = bound->plan, .sink = {.batch = drop_batch}};
    if (!arguments_given(arguments, "analyze")) {
        exec_explain(&statement, text);
        return STATUS_OK;
    }
    double start = clock_seconds();
    TableFiles table = {bound->input.files, bound->input.n, bound->schema};
    Progress *progress = progress_new("reading", console_progress(arguments));
    ExecOptions options = {.pool = resources->pool,
                           .budget = &resources->budget,
                           .progress = progress_update,
                           .progress_context = progress};
    ScanStatistics scan;
    Status status = exec_run(&statement, 1, &table, &options, &scan, err);
    progress_free(progress);
    TRY(status);
    exec_explain(&statement, text);
    append_scan(text, &scan, bound->input.n, clock_seconds() - start);
    return STATUS_OK;
}

Status command_explain(const Arguments *arguments, Arena *job_arena, Error *err)
{
    const char *sql;
    Resources resources;
    BoundStatement bound;
    TRY(statement_text(arguments, job_arena, &sql, err));
    TRY(resources_init(&resources, arguments, err));
    Status status = statement_bind(sql, &resources.budget, job_arena, &bound, err);
    if (status == STATUS_OK) {
        Buffer text;
        buffer_init(&text, 0);
        status = explain(arguments, &bound, &resources, &text, err);
        if (status == STATUS_OK)
            status = console_write_buffer(&text, err);
        buffer_done(&text);
        statement_done(&bound);
    }
    resources_done(&resources);
    return status;
}
