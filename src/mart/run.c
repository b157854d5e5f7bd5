/* mart_run; see run.h for the order of things.
 *
 * Why all marts are planned and checked before the first temporary file is made: a wrong column is then known in
 * milliseconds, and a run that must fail touches nothing.  Commits come last and together, so that the marts of one run
 * are of one age for all but the moment of the renames. */
#include "mart/run.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mart/input.h"
#include "shipment/shipment.h"

typedef struct Job {
    const MartRunOptions *options;
    Arena *arena;
    InputFiles input;
    PlanNode **plans;
    Statement *statements;
    StorageWriter **writers; /* NULL once committed or discarded */
    MartRunResult result;
} Job;

char *mart_path(Arena *arena, const char *to, const char *name)
{
    return arena_printf(arena, "%s/%s/%s.parquet", to, name, name);
}

static Status find_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    (void)context;
    if (strcmp(name, "shipments") == 0) {
        *ret_schema = shipment_unchecked_schema();
        return STATUS_OK;
    }
    error_set(err, STATUS_SQL, "there is no table '%s'", name);
    return error_hint(err, "a mart reads the table shipments");
}

/* 1-based line of the 1-based character position. */
static int64_t line_of(const char *sql, int64_t position)
{
    int64_t line = 1, character = 1;
    for (const char *c = sql; *c && character < position; c++) {
        line += *c == '\n';
        character += ((unsigned char)*c & 0xc0) != 0x80;
    }
    return line;
}

Status mart_plan(const Mart *mart, Arena *query_arena, PlanNode **ret_plan, Error *err)
{
    static const Catalog catalog = {NULL, find_table};
    if (mart->broken) {
        *err = *mart->broken;
        return err->code;
    }
    Status status = sql_plan(mart->sql, SQL_MART, &catalog, query_arena, ret_plan, err);
    if (status == STATUS_OK)
        return STATUS_OK;
    if (mart->file)
        error_at_file(err, mart->file);
    else {
        char name[80];
        snprintf(name, sizeof name, "built-in mart %s", mart->name);
        error_at_file(err, name);
    }
    return err->offset > 0 ? error_at_row(err, line_of(mart->sql, err->offset)) : status;
}

static Status plan_all(Job *job, Error *err)
{
    const MartRunOptions *options = job->options;
    TableFiles table = {job->input.files, job->input.n, shipment_unchecked_schema()};
    for (uint32_t i = 0; i < options->n_marts; i++)
        TRY(mart_plan(options->marts[i], job->arena, &job->plans[i], err));
    for (uint32_t i = 0; i < options->n_marts; i++)
        if (exec_check_files(job->plans[i], &table, err) != STATUS_OK) {
            if (err->code == STATUS_DATA)
                error_hint(err, "the mart %s reads this column; --from must name files of shipments",
                           options->marts[i]->name);
            return err->code;
        }
    return STATUS_OK;
}

static Status create_all(Job *job, Error *err)
{
    static const ParquetWriterOptions writer_options = {.codec = PARQUET_SNAPPY};
    const MartRunOptions *options = job->options;
    for (uint32_t i = 0; i < options->n_marts; i++) {
        const Mart *mart = options->marts[i];
        const char *folder = arena_printf(job->arena, "%s/%s", options->to, mart->name);
        size_t cleaned = 0;
        TRY(storage_make_folder(folder, err));
        TRY(storage_clean(folder, &cleaned, err));
        job->result.cleaned += cleaned;
        job->result.marts[i] = (MartResult){.mart = mart, .path = mart_path(job->arena, options->to, mart->name)};
        TRY(storage_create(job->result.marts[i].path, &job->writers[i], err));
        job->statements[i] =
            (Statement){.plan = job->plans[i], .sink = {.file = job->writers[i], .options = &writer_options}};
    }
    return STATUS_OK;
}

static Status execute(Job *job, Error *err)
{
    const MartRunOptions *options = job->options;
    TableFiles table = {job->input.files, job->input.n, shipment_unchecked_schema()};
    ExecOptions exec_options = {.pool = options->pool,
                                .budget = options->budget,
                                .progress = options->progress,
                                .progress_context = options->progress_context};
    TRY(exec_run(job->statements, options->n_marts, &table, 1, &exec_options, &job->result.scan, err));
    for (uint32_t i = 0; i < options->n_marts; i++) {
        job->result.marts[i].rows = job->statements[i].rows_out;
        job->result.marts[i].bytes = job->statements[i].bytes_out;
    }
    return interrupt_check(err);
}

static Status commit_all(Job *job, Error *err)
{
    for (uint32_t i = 0; i < job->options->n_marts; i++) {
        StorageWriter *writer = job->writers[i];
        job->writers[i] = NULL;
        TRY(storage_commit(writer, err));
    }
    return STATUS_OK;
}

static Status run_steps(Job *job, Error *err)
{
    TRY(plan_all(job, err));
    TRY(create_all(job, err));
    TRY(execute(job, err));
    return commit_all(job, err);
}

Status mart_run(const MartRunOptions *options, Arena *job_arena, MartRunResult *ret_result, Error *err)
{
    double start = clock_seconds();
    Job job = {.options = options,
               .arena = job_arena,
               .plans = ARENA_ARRAY(job_arena, PlanNode *, options->n_marts),
               .statements = ARENA_ARRAY(job_arena, Statement, options->n_marts),
               .writers = ARENA_ARRAY(job_arena, StorageWriter *, options->n_marts)};
    job.result.marts = ARENA_ARRAY(job_arena, MartResult, options->n_marts);
    job.result.n_marts = options->n_marts;
    TRY(input_open(options->from, options->budget, &job.input, err));
    job.result.files = job.input.n;
    Status status = run_steps(&job, err);
    for (uint32_t i = 0; i < options->n_marts; i++)
        storage_discard(job.writers[i]);
    input_close(&job.input);
    if (status != STATUS_OK)
        return status;
    job.result.seconds = clock_seconds() - start;
    *ret_result = job.result;
    return STATUS_OK;
}
