/* lake_run; see lake_run.h. */
#include "mart/lake_run.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "delta/commit.h"
#include "lake/job.h"
#include "lake/table.h"
#include "lake/transaction.h"
#include "mart/publish.h"
#include "mart/run.h"
#include "mart/state.h"
#include "mart/tested.h"
#include "shipment/shipment.h"

typedef struct MartJob {
    const Mart *mart;
    LakeMartResult *result;
    const char *table;
    DeltaSnapshot *before; /* NULL: the mart has no table yet */
    PlanNode *plan;
    bool stale, incremental;
    bool untested; /* not stale, but of tests that it did not pass yet */
    MartState state;
    Buffer groups;         /* of the new version */
    const char *path;      /* of the new data file, below the table */
    StorageWriter *writer; /* NULL once committed or discarded */
    bool written;          /* the data file is in place and no commit names it */
} MartJob;

typedef struct LakeRun {
    const LakeRunOptions *options;
    Arena *arena;
    DeltaSnapshot *shipments;
    const char *job; /* id */
    MartJob *jobs;
    uint32_t n_jobs;
    LakeRunResult result;
} LakeRun;

const char *lake_mart_action_name(LakeMartAction action)
{
    static const char *const names[LAKE_MART_ACTION_COUNT] = {
#define X(id, name) name,
        LAKE_MART_ACTION_TABLE(X)
#undef X
    };
    CHECK(action < LAKE_MART_ACTION_COUNT);
    return names[action];
}

/* ---- Which marts are stale ---- */

const char *lake_mart_stale(const Mart *mart, const DeltaSnapshot *shipments, const DeltaSnapshot *table, Arena *arena)
{
    if (!table || table->n_files == 0)
        return "never run";
    int64_t made_of = delta_transaction_version(table, publish_app_id(mart, arena));
    if (made_of < 0)
        return "its definition changed";
    if (!delta_transaction_stands(table, publish_app_id(mart, arena)))
        return "its table was restored, or written by others";
    return delta_rows_changed_since(shipments, made_of) ? "shipments changed since" : NULL;
}

static Status look_at_mart(LakeRun *run, MartJob *job, Error *err)
{
    LakeMartResult *result = job->result;
    *result = (LakeMartResult){.mart = job->mart, .version_before = -1, .version = -1, .passed = true};
    job->table = lake_table_path(run->options->lake, job->mart->name, run->arena);
    if (checks_plan(job->mart, run->arena, &job->plan, &result->checks, err) != STATUS_OK) {
        Error *broken = ARENA_NEW(run->arena, Error);
        *broken = *err;
        result->broken = broken;
        run->result.n_broken++;
        error_init(err);
    }
    TRY(delta_snapshot_load_if_any(job->table, run->arena, &job->before, err));
    if (job->before) {
        result->version_before = result->version = job->before->version;
        result->rows = job->before->n_rows;
        result->bytes = job->before->size_bytes;
    }
    if (result->broken)
        return STATUS_OK;
    job->stale = run->options->full || lake_mart_stale(job->mart, run->shipments, job->before, run->arena);
    if (!job->stale) {
        bool passed;
        TRY(tested_check(run->options->lake, job->mart, job->before->version, run->arena, &passed, err));
        job->untested = !passed;
        run->result.n_tested += !passed;
    }
    if (!job->stale || run->options->full || !exec_plan_is_incremental(job->plan))
        return STATUS_OK;
    bool found;
    TRY(state_load(run->options->lake, job->mart, run->shipments, run->arena, &job->state, &found, err));
    job->incremental = found && state_follow(&job->state, run->shipments, run->arena);
    return STATUS_OK;
}

/* ---- Scans ---- */

static Status open_output(LakeRun *run, MartJob *job, Statement *statement, Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_SNAPPY};
    static const DeltaMetadata without_partitions = {0};
    job->path = delta_data_path(&without_partitions, NULL, run->arena);
    TRY(storage_create(arena_printf(run->arena, "%s/%s", job->table, job->path), &job->writer, err));
    *statement = (Statement){.plan = job->plan, .sink = {.file = job->writer, .options = &options}};
    if (exec_plan_is_incremental(job->plan)) {
        buffer_init(&job->groups, 0);
        statement->state_out = &job->groups;
        statement->state_in = job->incremental ? &job->state.groups : NULL;
    }
    return STATUS_OK;
}

static bool is_new_file(void *context, const DeltaFile *file)
{
    return !state_covers(context, file->path);
}

/* Runs the marts together over the table's files; those of `state` are left out where it is given. */
static Status scan(LakeRun *run, MartJob **jobs, uint32_t n, MartState *state, Error *err)
{
    const LakeRunOptions *options = run->options;
    Statement *statements = ARENA_ARRAY(run->arena, Statement, n);
    OpenTableOptions table_options = {.schema = shipment_unchecked_schema(), .pool = options->pool};
    OpenTable table;
    if (state) {
        table_options.wanted = is_new_file;
        table_options.wanted_context = state;
    }
    TRY(table_open(run->shipments, &table_options, options->budget, run->arena, &table, err));
    Status status = STATUS_OK;
    for (uint32_t i = 0; i < n && status == STATUS_OK; i++)
        status = open_output(run, jobs[i], &statements[i], err);
    ExecOptions exec_options = {.pool = options->pool,
                                .budget = options->budget,
                                .progress = options->progress,
                                .progress_context = options->progress_context};
    ScanStatistics facts = {0};
    if (status == STATUS_OK)
        status = exec_run(statements, n, &table.files, 1, &exec_options, &facts, err);
    table_close(&table);
    for (uint32_t i = 0; i < n && status == STATUS_OK; i++) {
        StorageWriter *writer = jobs[i]->writer;
        jobs[i]->writer = NULL;
        status = storage_commit(writer, err);
        jobs[i]->written = status == STATUS_OK;
        jobs[i]->result->action = state ? LAKE_MART_INCREMENTAL : LAKE_MART_FULL;
        jobs[i]->result->rows = statements[i].rows_out;
        jobs[i]->result->bytes = statements[i].bytes_out;
    }
    run->result.rows_read += facts.rows;
    if (status == STATUS_OK)
        fault_step("mart_file_written");
    return status;
}

static bool same_files(const MartState *a, const MartState *b)
{
    if (a->n_files != b->n_files)
        return false;
    for (uint32_t i = 0; i < a->n_files; i++)
        if (strcmp(a->files[i], b->files[i]) != 0)
            return false;
    return true;
}

/* A state that exec does not take (made by another build) is no error: the mart is made from all files. */
static Status scan_incremental(LakeRun *run, MartJob **jobs, uint32_t n, Error *err)
{
    Status status = scan(run, jobs, n, &jobs[0]->state, err);
    if (status != STATUS_DATA)
        return status;
    error_init(err);
    for (uint32_t i = 0; i < n; i++) {
        storage_discard(jobs[i]->writer);
        jobs[i]->writer = NULL;
        buffer_done(&jobs[i]->groups);
        jobs[i]->incremental = false;
    }
    return STATUS_OK;
}

static Status scan_all(LakeRun *run, Error *err)
{
    MartJob **jobs = ARENA_ARRAY(run->arena, MartJob *, run->n_jobs + 1);
    bool *done = ARENA_ARRAY(run->arena, bool, run->n_jobs + 1);
    for (uint32_t first = 0; first < run->n_jobs; first++) { /* marts whose states cover the same files go together */
        uint32_t n = 0;
        for (uint32_t i = first; i < run->n_jobs; i++)
            if (run->jobs[i].stale && run->jobs[i].incremental && !done[i] &&
                (n == 0 || same_files(&jobs[0]->state, &run->jobs[i].state))) {
                done[i] = true;
                jobs[n++] = &run->jobs[i];
            }
        if (n > 0)
            TRY(scan_incremental(run, jobs, n, err));
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < run->n_jobs; i++)
        if (run->jobs[i].stale && !run->jobs[i].incremental)
            jobs[n++] = &run->jobs[i];
    return n > 0 ? scan(run, jobs, n, NULL, err) : STATUS_OK;
}

/* ---- Finishing ---- */

static Status save_state(LakeRun *run, MartJob *job, Error *err)
{
    if (!exec_plan_is_incremental(job->plan) || job->groups.size == 0)
        return STATUS_OK;
    TRY(state_save(run->options->lake, job->mart, run->shipments, &job->groups, err));
    fault_step("state_written");
    return STATUS_OK;
}

static MartCandidate candidate_of(const LakeRun *run, const MartJob *job)
{
    return (MartCandidate){.lake = run->options->lake,
                           .mart = job->mart,
                           .table = job->table,
                           .before = job->before,
                           .shipments = run->shipments,
                           .schema = &job->plan->schema,
                           .path = job->path,
                           .checks = &job->result->checks,
                           .rows_may_go = run->options->rows_may_go,
                           .job = run->job,
                           .pool = run->options->pool,
                           .budget = run->options->budget};
}

static Status finish_mart(LakeRun *run, MartJob *job, Error *err)
{
    MartCandidate candidate = candidate_of(run, job);
    Status status = publish_mart(&candidate, run->arena, err);
    job->written = job->written && !candidate.may_be_named;
    job->result->passed = candidate.passed;
    if (status != STATUS_OK || !candidate.passed)
        return status;
    job->result->version = candidate.version;
    job->result->published = true;
    return save_state(run, job, err);
}

/* Tests that changed, on the version that stands; there is none before it to compare its rows with. */
static Status test_mart(LakeRun *run, MartJob *job, Error *err)
{
    OpenTable table;
    OpenTableOptions options = {.schema = &job->plan->schema, .pool = run->options->pool};
    MartCandidate candidate = candidate_of(run, job);
    job->result->action = LAKE_MART_TESTED;
    TRY(table_open(job->before, &options, run->options->budget, run->arena, &table, err));
    Status status = publish_check(&candidate, &table.files, -1, run->arena, err);
    table_close(&table);
    job->result->passed = candidate.passed;
    if (status != STATUS_OK || !candidate.passed)
        return status;
    return tested_save(run->options->lake, job->mart, job->before->version, run->arena, err);
}

/* ---- The run ---- */

static Status run_steps(LakeRun *run, Error *err)
{
    const char *table = lake_table_path(run->options->lake, "shipments", run->arena);
    TRY(delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, run->arena, &run->shipments, err));
    run->result.shipments_version = run->shipments->version;
    TRY(lake_clean_control(run->options->lake, err));
    TRY(lake_jobs_recover(run->options->lake, "run", err));
    bool something_to_do = false;
    for (uint32_t i = 0; i < run->n_jobs; i++) {
        TRY(lake_clean_table(lake_table_path(run->options->lake, run->jobs[i].mart->name, run->arena), NULL, err));
        TRY(look_at_mart(run, &run->jobs[i], err));
        something_to_do = something_to_do || run->jobs[i].stale || run->jobs[i].untested;
    }
    run->job = run->options->job;
    if ((something_to_do || run->result.n_broken > 0) && run->options->begin)
        TRY(run->options->begin(run->options->begin_context, &run->job, err));
    TRY(scan_all(run, err));
    TRY(interrupt_check(err));
    for (uint32_t i = 0; i < run->n_jobs; i++) {
        if (run->jobs[i].untested)
            TRY(test_mart(run, &run->jobs[i], err));
        else if (run->jobs[i].stale)
            TRY(finish_mart(run, &run->jobs[i], err));
        run->result.n_published += run->jobs[i].result->published;
        run->result.n_failed += !run->jobs[i].result->passed;
    }
    run->result.complete = true;
    return STATUS_OK;
}

/* Files that no commit names. */
static void clean_up(LakeRun *run)
{
    for (uint32_t i = 0; i < run->n_jobs; i++) {
        MartJob *job = &run->jobs[i];
        Error ignored;
        error_init(&ignored);
        storage_discard(job->writer);
        if (job->written &&
            storage_remove(arena_printf(run->arena, "%s/%s", job->table, job->path), &ignored) != STATUS_OK)
            error_init(&ignored); /* vacuum will take it */
        state_done(&job->state);
        buffer_done(&job->groups);
    }
}

static Status broken_definition(const LakeRunResult *result, Error *err)
{
    const LakeMartResult *mart = result->marts;
    while (!mart->broken)
        mart++;
    *err = *mart->broken;
    err->code = STATUS_CONFIG;
    snprintf(err->message, sizeof err->message, "the mart %.80s was not made: %.400s", mart->mart->name,
             mart->broken->message);
    return error_hint(err, "mend its definition, then run again; other marts do not wait for it");
}

Status lake_run_failed_checks(const LakeRunResult *result, Error *err)
{
    for (uint32_t i = 0; i < result->n_marts; i++)
        for (uint32_t k = 0; !result->marts[i].passed && k < result->marts[i].checks.n; k++) {
            const MartCheck *check = &result->marts[i].checks.checks[k];
            if (check->passed)
                continue;
            error_set(err, STATUS_CHECK, "the mart %s breaks %s in %s; %s", result->marts[i].mart->name, check->rule,
                      PLURAL(check->rows, "row"),
                      result->marts[i].action == LAKE_MART_TESTED
                          ? "the version that stands was made before its tests changed, and stays"
                          : "the version before stands");
            return error_hint(err, "look at the rows above; mend the data, the mart or its test, then run again");
        }
    return STATUS_OK;
}

static void prepare(LakeRun *run)
{
    const LakeRunOptions *options = run->options;
    run->jobs = ARENA_ARRAY(run->arena, MartJob, options->n_marts + 1);
    run->result.marts = ARENA_ARRAY(run->arena, LakeMartResult, options->n_marts + 1);
    run->result.n_marts = options->n_marts;
    for (uint32_t i = 0; i < options->n_marts; i++) {
        run->jobs[i].mart = options->marts[i];
        run->jobs[i].result = &run->result.marts[i];
    }
}

/* Of the files that a state does not cover, the bytes; those of the state that leaves most count for all. */
static uint64_t new_bytes(const LakeRun *run, const MartState *state)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < run->shipments->n_files; i++)
        bytes += state_covers(state, run->shipments->files[i].path) ? 0 : run->shipments->files[i].size_bytes;
    return bytes;
}

static Status estimate(LakeRun *run, LakeRunEstimate *estimate, Error *err)
{
    const char *table = lake_table_path(run->options->lake, "shipments", run->arena);
    TRY(delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, run->arena, &run->shipments, err));
    estimate->shipments_version = run->shipments->version;
    for (uint32_t i = 0; i < run->n_jobs; i++) {
        MartJob *job = &run->jobs[i];
        TRY(look_at_mart(run, job, err));
        if (!job->stale)
            continue;
        uint64_t bytes = job->incremental ? new_bytes(run, &job->state) : run->shipments->size_bytes;
        estimate->n_stale++;
        estimate->n_full += !job->incremental;
        estimate->bytes = bytes > estimate->bytes ? bytes : estimate->bytes;
    }
    return STATUS_OK;
}

Status lake_run_estimate(const LakeRunOptions *options, Arena *job_arena, LakeRunEstimate *ret_estimate, Error *err)
{
    LakeRun run = {.options = options, .arena = job_arena, .n_jobs = options->n_marts};
    *ret_estimate = (LakeRunEstimate){0};
    prepare(&run);
    Status status = estimate(&run, ret_estimate, err);
    clean_up(&run);
    return status;
}

Status lake_run(const LakeRunOptions *options, Arena *job_arena, LakeRunResult *ret_result, Error *err)
{
    double start = clock_seconds();
    LakeRun run = {.options = options, .arena = job_arena, .n_jobs = options->n_marts};
    LakeLock *lock = NULL;
    if (!options->locked)
        TRY(lake_lock(options->lake, "run", options->waiting, NULL, &lock, err));
    prepare(&run);
    Status status = run_steps(&run, err);
    clean_up(&run);
    lake_unlock(lock);
    run.result.seconds = clock_seconds() - start;
    *ret_result = run.result;
    TRY(status);
    return ret_result->n_broken ? broken_definition(ret_result, err) : lake_run_failed_checks(ret_result, err);
}
