/* explain: the plan of a statement, and with --analyze what running it costs. */
#include "base/clock.h"
#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/statement.h"
#include "mart/run.h"
#include "shipment/shipment.h"

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

/* The plan of a mart over the files of --from. */
static Status bind_mart(const Arguments *arguments, MemoryBudget *budget, Arena *arena, BoundStatement *ret_bound,
                        Error *err)
{
    const char *name = arguments_text(arguments, "mart"), *from = arguments_text(arguments, "from");
    MartRegistry registry;
    if (!from || arguments->n_operands > 0 || arguments_given(arguments, "file")) {
        error_set(err, STATUS_USAGE,
                  from ? "--mart and a statement cannot both be explained" : "--mart needs --from FILES");
        return error_hint(err, "for example: freightlake explain --mart cost_analysis --from shipments");
    }
    TRY(mart_registry_load(arguments_text(arguments, "marts"), arena, &registry, err));
    const Mart *mart = mart_find(&registry, name);
    if (!mart)
        return mart_unknown(&registry, name, err);
    BoundStatement bound = {.schema = shipment_schema()};
    TRY(mart_plan(mart, arena, &bound.plan, err));
    TRY(input_open(from, budget, &bound.input, err));
    TableFiles table = {bound.input.files, bound.input.n, bound.schema};
    Status status = exec_check_files(bound.plan, &table, err);
    if (status == STATUS_OK)
        *ret_bound = bound;
    else
        statement_done(&bound);
    return status;
}

static Status bind_statement(const Arguments *arguments, MemoryBudget *budget, Arena *arena, BoundStatement *ret_bound,
                             Error *err)
{
    const char *sql;
    if (arguments_given(arguments, "from") || arguments_given(arguments, "marts")) {
        error_set(err, STATUS_USAGE, "--from and --marts belong to --mart");
        return error_hint(err, "a statement names its files itself: FROM 'shipments/*.parquet'");
    }
    TRY(statement_text(arguments, arena, &sql, err));
    return statement_bind(sql, budget, arena, ret_bound, err);
}

Status command_explain(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Resources resources;
    BoundStatement bound;
    TRY(resources_init(&resources, arguments, err));
    Status status = arguments_given(arguments, "mart")
                        ? bind_mart(arguments, &resources.budget, job_arena, &bound, err)
                        : bind_statement(arguments, &resources.budget, job_arena, &bound, err);
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
