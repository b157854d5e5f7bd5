/* run --engine spark: the plan of a run, the job by spark-submit, and the publication of what it made.
 *
 *   lock "cluster" -> plan in staging -> spark-submit, followed line by line -> its log into staging -> publish
 *
 * The lock "run" is held for the publication alone, so that the cluster's hours keep no local run waiting.  What the cluster made
 * stays in staging until it is published: after a failure `publish ID` goes on from there, or a new run begins anew. */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "cmd/console.h"
#include "cmd/run_lake.h"
#include "mart/staging.h"

#define JOB_SCRIPT "spark/run_marts.py"
#define LOG_BYTES ((size_t)8 << 20) /* of the job's output that are kept: its end */
#define LINES_SHOWN 15              /* of it after a failure */

typedef struct SparkRun {
    const Arguments *arguments;
    const Lake *lake;
    Arena *arena;
    const char *id;
    const char *master, *submit, *script;
    Buffer log;
    bool follow; /* what the job says of itself is shown */
} SparkRun;

/* ---- Where things are ---- */

static bool is_file(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Beside the program in a build folder, or in the share folder of an installation. */
static Status find_script(SparkRun *run, Error *err)
{
    static const char *const places[] = {JOB_SCRIPT, "../share/freightlake/" JOB_SCRIPT};
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    const char *folder = n > 0 ? dirname(program) : ".";
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        run->script = arena_printf(run->arena, "%s/%s", folder, places[i]);
        if (is_file(run->script))
            return STATUS_OK;
    }
    error_set(err, STATUS_NOT_FOUND, "the job for Spark, %s, is neither beside the program nor installed", JOB_SCRIPT);
    return error_hint(err,
                      "'make install' puts it into share/freightlake; a run can be made by hand, see docs/spark.md");
}

static Status find_submit(SparkRun *run, Error *err)
{
    const char *named = arguments_text(run->arguments, "spark-submit"), *home = getenv("SPARK_HOME");
    run->submit = named ? named : run->lake->spark_submit;
    if (!run->submit && home && *home) {
        const char *path = arena_printf(run->arena, "%s/bin/spark-submit", home);
        run->submit = is_file(path) ? path : NULL;
    }
    if (!run->submit)
        run->submit = "spark-submit";
    if (!strchr(run->submit, '/') || is_file(run->submit))
        return STATUS_OK;
    error_set(err, STATUS_NOT_FOUND, "there is no spark-submit");
    error_at_file(err, run->submit);
    return error_hint(err, "--spark-submit PATH, 'spark: submit' in %s, or SPARK_HOME says where it is",
                      LAKE_CONFIG_FILE);
}

static Status find_cluster(SparkRun *run, Error *err)
{
    const char *named = arguments_text(run->arguments, "spark-master");
    run->master = named ? named : run->lake->spark_master;
    if (!run->master) {
        error_set(err, STATUS_USAGE, "which cluster is to make the marts?");
        return error_hint(err, "--spark-master spark://HOST:7077, or 'spark: {master: ...}' in %s", LAKE_CONFIG_FILE);
    }
    TRY(find_submit(run, err));
    return find_script(run, err);
}

/* ---- The job ---- */

static void take_line(void *context, const char *line)
{
    static const char mark[] = "run_marts: ";
    SparkRun *run = context;
    if (run->log.size > 2 * LOG_BYTES) { /* only the end of a long one */
        memmove(run->log.data, run->log.data + run->log.size - LOG_BYTES, LOG_BYTES);
        run->log.size = LOG_BYTES;
    }
    buffer_append_text(&run->log, line);
    buffer_append_byte(&run->log, '\n');
    if (run->follow && strncmp(line, mark, sizeof mark - 1) == 0)
        fprintf(stderr, "spark: %s\n", line + sizeof mark - 1);
}

/* A log holds what the job said, rows perhaps: it follows the rule of what a job writes (mart/staging.c). */
static const char *save_log(SparkRun *run)
{
    const char *path = arena_printf(run->arena, "%s/spark.log", staging_folder(run->lake, run->id, run->arena));
    bool planned = false;
    Error err;
    error_init(&err);
    Status status = storage_write_file(path, run->log.data, run->log.size, &err);
    if (status == STATUS_OK)
        status = staging_is_planned(run->lake, run->id, run->arena, &planned, &err);
    if (status == STATUS_OK && !planned)
        status = storage_remove(path, &err);
    if (status != STATUS_OK)
        LOG(LOG_WARN, "the log of the cluster's job could not be kept", LOG_TEXT_FIELD("error", err.message));
    return path;
}

static void show_end(const SparkRun *run)
{
    const char *text = (const char *)run->log.data;
    size_t at = run->log.size;
    for (int lines = 0; at > 0; at--)
        if (text[at - 1] == '\n' && ++lines > LINES_SHOWN)
            break;
    fprintf(stderr, "%.*s", (int)(run->log.size - at), text + at);
}

static const char *const *command_line(const SparkRun *run)
{
    uint32_t n = 0;
    const char **words = ARENA_ARRAY(run->arena, const char *, 16 + 2 * run->lake->n_spark_properties);
    words[n++] = run->submit;
    words[n++] = "--master";
    words[n++] = run->master;
    words[n++] = "--name";
    words[n++] = arena_printf(run->arena, "freightlake %s", run->id);
    for (uint32_t i = 0; i < run->lake->n_spark_properties; i++) {
        words[n++] = "--conf";
        words[n++] = run->lake->spark_properties[i];
    }
    words[n++] = run->script;
    words[n++] = "--lake";
    words[n++] = run->lake->path;
    words[n++] = "--run";
    words[n++] = run->id;
    words[n] = NULL;
    return words;
}

static Status submit(SparkRun *run, Error *err)
{
    int code = 0;
    Status status = process_run(command_line(run), take_line, run, &code, err);
    if (status == STATUS_NOT_FOUND)
        return error_hint(err,
                          "install Apache Spark 3.5 and say where: --spark-submit PATH, 'spark: submit' in %s, or "
                          "SPARK_HOME",
                          LAKE_CONFIG_FILE);
    const char *path = save_log(run);
    if (status != STATUS_OK || code == 0)
        return status;
    show_end(run);
    error_set(err, STATUS_DATA, "the cluster's job of run %s failed: spark-submit ended with %d", run->id, code);
    error_at_file(err, path);
    return error_hint(err, "its last lines are above; nothing was published.  Mend the cause and run again");
}

/* ---- The run ---- */

/* "20260630T120000-1f2e3d4c" */
static const char *make_id(Arena *arena)
{
    char *id = arena_strdup(arena, history_make_id(lake_now_us(), arena)), *dot = strchr(id, '.'),
         *dash = strchr(id, '-');
    return arena_printf(arena, "%.*s%s", (int)(dot - id), id, dash);
}

static Status begin(const SparkRun *run, LakeJob **ret_job, Error *err)
{
    const HistoryRecord about = {.kind = "spark", .source = run->id};
    return lake_job_begin(run->lake, "cluster", &about, run->arena, ret_job, err);
}

static Status make_marts(SparkRun *run, Error *err)
{
    LakeJob *job;
    TRY(lake_jobs_recover(run->lake, "cluster", err));
    TRY(begin(run, &job, err));
    Status status = submit(run, err);
    lake_job_end(job, (HistoryRecord){.rows_read = -1, .rows_good = -1, .rows_rejected = -1},
                 status == STATUS_OK ? NULL : err);
    return status;
}

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another run on the cluster to end", LOG_TEXT_FIELD("lock", name));
}

static Status make_and_publish(SparkRun *run, const StagingPlan *plan, const MartRegistry *registry, Error *err)
{
    LOG(LOG_INFO, "the cluster makes the marts", LOG_TEXT_FIELD("run", run->id), LOG_TEXT_FIELD("master", run->master),
        LOG_INTEGER_FIELD("marts", plan->n_marts), LOG_INTEGER_FIELD("bytes", plan->shipments->size_bytes));
    StagedRun made;
    Error unread;
    error_init(&unread);
    if (make_marts(run, err) != STATUS_OK && staging_read(run->lake, run->id, run->arena, &made, &unread) != STATUS_OK)
        return err->code; /* else some marts failed, and the publication says which */
    error_init(err);
    return publish_run(run->arguments, run->lake, registry, run->id, run->arena, err);
}

/* As in a local run a broken definition keeps no other mart from being made, and is the error in the end. */
static Status locked_steps(SparkRun *run, const Mart *const *marts, uint32_t n_marts, Error *err)
{
    StagingPlan plan;
    Error broken;
    const Mart **sound = export_sound(marts, &n_marts, run->arena, &broken);
    MartRegistry registry = {.marts = ARENA_ARRAY(run->arena, Mart, n_marts + 1), .n = n_marts};
    for (uint32_t i = 0; i < n_marts; i++)
        registry.marts[i] = *sound[i];
    const StagingRequest request = {.lake = run->lake,
                                    .id = run->id,
                                    .marts = sound,
                                    .n_marts = n_marts,
                                    .only_stale = !arguments_given(run->arguments, "full"),
                                    .waiting = say_waiting};
    TRY(staging_plan(&request, run->arena, &plan, err));
    if (plan.n_marts == 0) /* says so */
        TRY(run_lake_local(run->arguments, run->lake, sound, n_marts, run->arena, err));
    else
        TRY(make_and_publish(run, &plan, &registry, err));
    *err = broken;
    return err->code;
}

Status run_lake_spark(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                      Arena *job_arena, Error *err)
{
    SparkRun run = {.arguments = arguments,
                    .lake = lake,
                    .arena = job_arena,
                    .id = make_id(job_arena),
                    .follow = console_progress(arguments)};
    LakeLock *lock = NULL;
    TRY(find_cluster(&run, err));
    buffer_init(&run.log, 0);
    Status status = lake_lock(lake, "cluster", say_waiting, NULL, &lock, err);
    if (status == STATUS_OK)
        status = locked_steps(&run, marts, n_marts, err);
    lake_unlock(lock);
    buffer_done(&run.log);
    return status;
}
