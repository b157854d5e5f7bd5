/* explain: the plan of a statement, and with --analyze what running it costs. */
#include "base/clock.h"
#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_table.h"
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

static void append_scan(Buffer *text, const ScanStatistics *scan, const BoundStatement *bound, double seconds)
{
    char bytes[24], took[24], peak[24];
    uint32_t n_files = 0;
    for (uint32_t i = 0; i < bound->n_tables; i++)
        n_files += bound->files[i].n_files;
    buffer_printf(text, "\n%s of %s in %s, %s read, %u of %s skipped, peak memory %s\n",
                  PLURAL_SHORT(scan->rows, "row"), PLURAL(n_files, "file"), text_seconds(took, sizeof took, seconds),
                  text_bytes(bytes, sizeof bytes, (double)scan->bytes_read), scan->row_groups_skipped,
                  PLURAL(scan->row_groups, "row group"),
                  text_bytes(peak, sizeof peak, (double)process_peak_memory_bytes()));
    for (uint32_t i = 0; i < bound->n_tables; i++) {
        const BoundTable *table = &bound->tables[i];
        if (table->snapshot)
            buffer_printf(text, "version %lld of %s: %u of %s skipped by partition and statistics\n",
                          (long long)table->snapshot->version, table->name, table->table.files_skipped,
                          PLURAL(table->snapshot->n_files, "file"));
    }
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
    Progress *progress = progress_new("reading", console_progress(arguments));
    ExecOptions options = {.pool = resources->pool,
                           .budget = &resources->budget,
                           .progress = progress_update,
                           .progress_context = progress};
    ScanStatistics scan;
    Status status = exec_run(&statement, 1, bound->files, bound->n_tables, &options, &scan, err);
    progress_free(progress);
    TRY(status);
    exec_explain(&statement, text);
    append_scan(text, &scan, bound, clock_seconds() - start);
    return STATUS_OK;
}

static Status open_mart_input(const Arguments *arguments, Resources *resources, Arena *arena, BoundStatement *bound,
                              Error *err)
{
    const char *from = arguments_text(arguments, "from");
    if (from)
        return statement_open_files(bound, from, resources, err);
    LakeTable shipments;
    TRY(lake_table_find(arguments, "shipments", arena, &shipments, err));
    if (!shipments.snapshot) {
        error_set(err, STATUS_USAGE, "--mart needs --from FILES or a lake");
        return error_hint(err, "for example: freightlake explain --mart cost_analysis --from shipments");
    }
    return statement_open_table(bound, shipments.snapshot, resources, arena, err);
}

/* The plan of a mart over the files of --from, or over the lake's shipments. */
static Status bind_mart(const Arguments *arguments, Resources *resources, Arena *arena, BoundStatement *ret_bound,
                        Error *err)
{
    MartRegistry registry;
    if (arguments->n_operands > 0 || arguments_given(arguments, "file")) {
        error_set(err, STATUS_USAGE, "--mart and a statement cannot both be explained");
        return error_hint(err, "for example: freightlake explain --mart cost_analysis --from shipments");
    }
    TRY(mart_registry_load(arguments_text(arguments, "marts"), arena, &registry, err));
    const char *name = arguments_text(arguments, "mart");
    const Mart *mart = mart_find(&registry, name);
    if (!mart)
        return mart_unknown(&registry, name, err);
    BoundStatement bound = statement_of_table("shipments", shipment_schema(), arena);
    TRY(mart_plan(mart, arena, &bound.plan, err));
    Status status = open_mart_input(arguments, resources, arena, &bound, err);
    if (status == STATUS_OK)
        *ret_bound = bound;
    else
        statement_done(&bound);
    return status;
}

static Status bind_statement(const Arguments *arguments, Resources *resources, Arena *arena, BoundStatement *ret_bound,
                             Error *err)
{
    const char *sql;
    if (arguments_given(arguments, "from") || arguments_given(arguments, "marts")) {
        error_set(err, STATUS_USAGE, "--from and --marts belong to --mart");
        return error_hint(err, "a statement names its files itself: FROM 'shipments/*.parquet'");
    }
    TRY(statement_text(arguments, arena, &sql, err));
    return statement_bind(sql, arguments, resources, arena, ret_bound, err);
}

Status command_explain(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Resources resources;
    BoundStatement bound;
    TRY(resources_init(&resources, arguments, err));
    Status status = arguments_given(arguments, "mart") ? bind_mart(arguments, &resources, job_arena, &bound, err)
                                                       : bind_statement(arguments, &resources, job_arena, &bound, err);
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
