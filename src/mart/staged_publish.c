/* staged_publish; see staged_publish.h. */
#include "mart/staged_publish.h"

#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "delta/commit.h"
#include "lake/transaction.h"
#include "mart/publish.h"
#include "mart/run.h"

typedef struct StagedJob {
    const StagedMart *staged;
    const Mart *mart;
    const char *table;
    DeltaSnapshot *before; /* NULL: the mart has no table yet */
    PlanNode *plan;
    LakeMartResult *result;
    ParquetFile **files;
    uint32_t n_files; /* that are open */
    const char *path; /* of the new data file, below the table */
    StorageWriter *writer;
    bool written; /* the data file is in place and no commit names it */
} StagedJob;

typedef struct Publication {
    const StagedPublishOptions *options;
    Arena *arena;
    DeltaSnapshot *shipments; /* the version the marts were made of */
    StagedJob *jobs;
    LakeRunResult result;
} Publication;

/* ---- May it be published? ---- */

static void not_made(Publication *work, StagedJob *job)
{
    Error *why = ARENA_NEW(work->arena, Error);
    error_init(why);
    error_set(why, STATUS_DATA, "the cluster could not make the mart %.80s: %.600s", job->staged->name,
              job->staged->error);
    error_hint(why, "mend the cause and run the job of %s again, then publish: the other marts do not wait for it",
               work->options->run->id);
    job->result->broken = why;
    work->result.n_broken++;
}

static Status moved_on(const char *what, const char *mart, const char *next, Error *err)
{
    error_set(err, STATUS_CONFLICT, "the mart %s %s", mart, what);
    return error_hint(err, "nothing was published; %s", next);
}

/* The newest version of the shipments that the table was made of, by whatever definition; -1: unknown. */
static int64_t newest_source(const DeltaSnapshot *table)
{
    static const char prefix[] = "freightlake/mart/";
    int64_t newest = -1;
    for (uint32_t i = 0; i < table->n_transactions; i++)
        if (strncmp(table->transactions[i].app_id, prefix, sizeof prefix - 1) == 0 &&
            table->transactions[i].version > newest)
            newest = table->transactions[i].version;
    return newest;
}

static Status look_at_mart(Publication *work, StagedJob *job, Error *err)
{
    const StagedPublishOptions *options = work->options;
    job->mart = mart_find(options->registry, job->staged->name);
    if (!job->mart)
        return moved_on("is not defined any more", job->staged->name, "make a new run", err);
    if (strcmp(job->mart->hash, job->staged->definition_hash) != 0)
        return moved_on("has another definition than when the run was planned", job->staged->name, "make a new run",
                        err);
    *job->result = (LakeMartResult){
        .mart = job->mart, .action = LAKE_MART_STAGED, .version_before = -1, .version = -1, .passed = true};
    job->table = lake_table_path(options->lake, job->mart->name, work->arena);
    TRY(lake_clean_table(job->table, NULL, err));
    TRY(checks_plan(job->mart, work->arena, &job->plan, &job->result->checks, err));
    TRY(delta_snapshot_load_if_any(job->table, work->arena, &job->before, err));
    if (job->staged->error)
        not_made(work, job);
    if (!job->before)
        return STATUS_OK;
    job->result->version_before = job->result->version = job->before->version;
    job->result->rows = job->before->n_rows;
    job->result->bytes = job->before->size_bytes;
    if (job->staged->error)
        return STATUS_OK;
    const int64_t version = work->shipments->version;
    const char *app_id = publish_app_id(job->mart, work->arena);
    if (delta_transaction_version(job->before, app_id) == version) {
        if (!options->run->again && delta_transaction_stands(job->before, app_id))
            job->result->action = LAKE_MART_UP_TO_DATE;
    } else if (newest_source(job->before) > version) {
        return moved_on("is of newer shipments than this run", job->mart->name,
                        "the run is out of date: 'freightlake run' or a new plan", err);
    }
    return STATUS_OK;
}

/* ---- The files ---- */

static Status check_columns(const StagedJob *job, uint32_t i, Error *err)
{
    const Schema *wanted = &job->plan->schema, *schema = parquet_schema(job->files[i]);
    for (uint32_t c = 0; c < wanted->n; c++) {
        int at = schema_find(schema, wanted->fields[c].name);
        if (at >= 0 && type_equal(schema->fields[at].type, wanted->fields[c].type))
            continue;
        char is[32], should[32];
        type_name(wanted->fields[c].type, should, sizeof should);
        if (at < 0)
            error_set(err, STATUS_DATA, "the column %s of the mart is missing", wanted->fields[c].name);
        else
            error_set(err, STATUS_DATA, "the column %s is %s, and the mart's is %s", wanted->fields[c].name,
                      type_name(schema->fields[at].type, is, sizeof is), should);
        error_at_file(err, job->staged->files[i]);
        return error_hint(err, "nothing of this mart was published; the job must cast to the plan's types");
    }
    if (schema->n == wanted->n)
        return STATUS_OK;
    error_set(err, STATUS_DATA, "the file has %u columns, and the mart has %u", schema->n, wanted->n);
    return error_at_file(err, job->staged->files[i]);
}

static Status open_files(Publication *work, StagedJob *job, Error *err)
{
    const StagedMart *staged = job->staged;
    uint64_t rows = 0;
    job->files = ARENA_ARRAY(work->arena, ParquetFile *, staged->n_files + 1);
    for (uint32_t i = 0; i < staged->n_files; i++) {
        StorageReader *reader;
        TRY(storage_open(staged->files[i], &reader, err));
        TRY(parquet_open(reader, work->options->budget, &job->files[i], err));
        job->n_files++;
        TRY(check_columns(job, i, err));
        rows += parquet_rows(job->files[i]);
    }
    if (rows == staged->rows)
        return STATUS_OK;
    error_set(err, STATUS_DATA, "the mart %s has %llu rows in its files, and the run says %llu", staged->name,
              (unsigned long long)rows, (unsigned long long)staged->rows);
    return error_hint(err, "nothing of it was published; run the job again");
}

/* SELECT the mart's columns, in the mart's order as far as its columns give it. */
static PlanNode *plan_rewrite(const StagedJob *job, Arena *arena)
{
    const Schema *schema = &job->plan->schema;
    PlanNode *scan = ARENA_NEW(arena, PlanNode), *project = ARENA_NEW(arena, PlanNode);
    *scan = (PlanNode){.kind = PLAN_SCAN, .schema = *schema};
    scan->scan.table = job->mart->name;
    scan->scan.columns = ARENA_ARRAY(arena, uint32_t, schema->n);
    *project = (PlanNode){.kind = PLAN_PROJECT, .child = scan, .schema = *schema};
    project->project.exprs = ARENA_ARRAY(arena, const Expr *, schema->n);
    for (uint32_t c = 0; c < schema->n; c++) {
        Expr *column = ARENA_NEW(arena, Expr);
        *column = (Expr){.kind = EXPR_COLUMN, .type = schema->fields[c].type, .column = c};
        scan->scan.columns[c] = c;
        project->project.exprs[c] = column;
    }
    const PlanNode *ordered = job->plan;
    while (ordered && ordered->kind == PLAN_LIMIT)
        ordered = ordered->child;
    if (!ordered || ordered->kind != PLAN_SORT)
        return project;
    PlanNode *sort = ARENA_NEW(arena, PlanNode);
    *sort = (PlanNode){.kind = PLAN_SORT, .child = project, .schema = *schema};
    sort->sort.keys = ARENA_ARRAY(arena, SortKey, ordered->sort.n_keys);
    sort->sort.n_visible = schema->n;
    for (uint32_t k = 0; k < ordered->sort.n_keys; k++)
        if (ordered->sort.keys[k].column < schema->n)
            sort->sort.keys[sort->sort.n_keys++] = ordered->sort.keys[k];
    return sort;
}

static Status rewrite(Publication *work, StagedJob *job, Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_SNAPPY};
    static const DeltaMetadata without_partitions = {0};
    job->path = delta_data_path(&without_partitions, NULL, work->arena);
    TRY(storage_create(arena_printf(work->arena, "%s/%s", job->table, job->path), &job->writer, err));
    const TableFiles files = {.files = job->files, .n_files = job->n_files, .schema = &job->plan->schema};
    Statement statement = {.plan = plan_rewrite(job, work->arena), .sink = {.file = job->writer, .options = &options}};
    ExecOptions exec_options = {.pool = work->options->pool, .budget = work->options->budget};
    ScanStatistics facts = {0};
    TRY(exec_run(&statement, 1, &files, 1, &exec_options, &facts, err));
    StorageWriter *writer = job->writer;
    job->writer = NULL;
    TRY(storage_commit(writer, err));
    job->written = true;
    job->result->rows = statement.rows_out;
    job->result->bytes = statement.bytes_out;
    work->result.rows_read += facts.rows;
    fault_step("staged_file_written");
    return STATUS_OK;
}

/* ---- Publishing ---- */

static Status publish(Publication *work, StagedJob *job, Error *err)
{
    TRY(open_files(work, job, err));
    TRY(rewrite(work, job, err));
    MartCandidate candidate = {.lake = work->options->lake,
                               .mart = job->mart,
                               .table = job->table,
                               .before = job->before,
                               .shipments = work->shipments,
                               .schema = &job->plan->schema,
                               .path = job->path,
                               .checks = &job->result->checks,
                               .job = work->options->job,
                               .pool = work->options->pool,
                               .budget = work->options->budget};
    Status status = publish_mart(&candidate, work->arena, err);
    job->written = !candidate.may_be_named;
    job->result->passed = candidate.passed;
    if (status != STATUS_OK || !candidate.passed)
        return status;
    job->result->version = candidate.version;
    job->result->published = true;
    return STATUS_OK;
}

static Status publish_all(Publication *work, Error *err)
{
    const StagedPublishOptions *options = work->options;
    const DeltaVersion made_of = {DELTA_AT_VERSION, options->run->shipments_version};
    const char *table = lake_table_path(options->lake, "shipments", work->arena);
    TRY(delta_snapshot_load(table, made_of, work->arena, &work->shipments, err));
    for (uint32_t i = 0; i < work->result.n_marts; i++)
        TRY(look_at_mart(work, &work->jobs[i], err));
    for (uint32_t i = 0; i < work->result.n_marts; i++) {
        TRY(interrupt_check(err));
        if (work->jobs[i].result->action == LAKE_MART_UP_TO_DATE || work->jobs[i].result->broken)
            continue;
        TRY(publish(work, &work->jobs[i], err));
        work->result.n_published += work->jobs[i].result->published;
        work->result.n_failed += !work->jobs[i].result->passed;
    }
    work->result.complete = true;
    return STATUS_OK;
}

static void clean_up(Publication *work)
{
    for (uint32_t i = 0; i < work->result.n_marts; i++) {
        StagedJob *job = &work->jobs[i];
        Error ignored;
        error_init(&ignored);
        for (uint32_t f = 0; f < job->n_files; f++)
            parquet_close(job->files[f]);
        storage_discard(job->writer);
        if (job->written &&
            storage_remove(arena_printf(work->arena, "%s/%s", job->table, job->path), &ignored) != STATUS_OK)
            error_init(&ignored); /* vacuum will take it */
    }
}

Status staged_publish(const StagedPublishOptions *options, Arena *job_arena, LakeRunResult *ret_result, Error *err)
{
    double start = clock_seconds();
    const StagedRun *run = options->run;
    Publication work = {.options = options, .arena = job_arena};
    work.jobs = ARENA_ARRAY(job_arena, StagedJob, run->n_marts);
    work.result.marts = ARENA_ARRAY(job_arena, LakeMartResult, run->n_marts);
    work.result.n_marts = run->n_marts;
    work.result.shipments_version = run->shipments_version;
    for (uint32_t i = 0; i < run->n_marts; i++) {
        work.jobs[i].staged = &run->marts[i];
        work.jobs[i].result = &work.result.marts[i];
    }
    Status status = publish_all(&work, err);
    clean_up(&work);
    work.result.seconds = clock_seconds() - start;
    *ret_result = work.result;
    TRY(status);
    for (uint32_t i = 0; i < run->n_marts; i++) {
        if (!work.result.marts[i].broken)
            continue;
        *err = *work.result.marts[i].broken;
        return err->code;
    }
    return lake_run_failed_checks(ret_result, err);
}
