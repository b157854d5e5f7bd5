/* run --engine: which engine makes a lake's marts, and why.
 *
 * This program reads about 300 MB of Parquet a second on two cores (docs/benchmarks.md), and a cluster takes minutes to be
 * there.  So `auto` takes the cluster only when a run has at least `spark: auto_bytes` to read (100 GiB: six minutes here): a small
 * job never pays for one. */
#include <stdio.h>
#include <string.h>

#include "cmd/console.h"
#include "cmd/run_lake.h"

typedef struct EngineChoice {
    LakeRunEstimate estimate;
    bool spark;
    char why[400];
} EngineChoice;

static Status estimate(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                       Arena *job_arena, LakeRunEstimate *ret_estimate, Error *err)
{
    Resources resources;
    TRY(resources_init(&resources, arguments, err));
    const LakeRunOptions options = {.lake = lake,
                                    .marts = marts,
                                    .n_marts = n_marts,
                                    .full = arguments_given(arguments, "full"),
                                    .pool = resources.pool,
                                    .budget = &resources.budget};
    Status status = lake_run_estimate(&options, job_arena, ret_estimate, err);
    resources_done(&resources);
    return status;
}

static void choose(const Arguments *arguments, const Lake *lake, const char *asked, EngineChoice *choice)
{
    char bytes[24], threshold[24];
    const LakeRunEstimate *estimate = &choice->estimate;
    text_bytes(bytes, sizeof bytes, (double)estimate->bytes);
    text_bytes(threshold, sizeof threshold, (double)lake->spark_auto_bytes);
    if (strcmp(asked, "auto") != 0) {
        choice->spark = strcmp(asked, "spark") == 0;
        snprintf(choice->why, sizeof choice->why, "--engine %s asks for it; %s to read", asked, bytes);
    } else if (estimate->n_stale == 0) {
        snprintf(choice->why, sizeof choice->why, "every mart is up to date: there is nothing to read");
    } else {
        choice->spark = estimate->bytes >= lake->spark_auto_bytes;
        snprintf(choice->why, sizeof choice->why, "%s to read%s, and a cluster pays from %s on (spark: auto_bytes)",
                 bytes, estimate->n_full == 0 ? " (only files that are new)" : "", threshold);
    }
    if (strcmp(asked, "auto") == 0 && choice->spark && !lake->spark_master &&
        !arguments_given(arguments, "spark-master")) {
        size_t n = strlen(choice->why);
        choice->spark = false;
        snprintf(choice->why + n, sizeof choice->why - n, "; but no cluster is set (spark: master)");
    }
}

static Status explain(const Arguments *arguments, const Lake *lake, const EngineChoice *choice, Error *err)
{
    Buffer text;
    const char *engine = choice->spark ? "spark" : "local";
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json")) {
        buffer_printf(&text,
                      "{\"engine\":\"%s\",\"stale_marts\":%u,\"full_marts\":%u,\"bytes\":%llu,\"auto_bytes\":%llu,"
                      "\"shipments_version\":%lld,\"why\":",
                      engine, choice->estimate.n_stale, choice->estimate.n_full,
                      (unsigned long long)choice->estimate.bytes, (unsigned long long)lake->spark_auto_bytes,
                      (long long)choice->estimate.shipments_version);
        text_append_json(&text, str_view(choice->why));
        buffer_append_text(&text, "}\n");
    } else {
        buffer_printf(&text, "engine %s: %s\n%s to make; nothing was done (--explain)\n", engine, choice->why,
                      PLURAL(choice->estimate.n_stale, "mart"));
    }
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status check_engine(const char *asked, Error *err)
{
    static const char *const engines[] = {"local", "spark", "auto"};
    for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
        if (strcmp(asked, engines[i]) == 0)
            return STATUS_OK;
    const char *near = text_nearest(asked, engines, ARRAY_SIZE(engines));
    error_set(err, STATUS_USAGE, "there is no engine '%.40s'", asked);
    return near ? error_hint(err, "did you mean '%s'?", near) : error_hint(err, "local, spark or auto");
}

Status run_lake(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                Arena *job_arena, Error *err)
{
    const char *asked = arguments_text(arguments, "engine");
    bool only_explain = arguments_given(arguments, "explain");
    EngineChoice choice = {0};
    TRY(check_engine(asked, err));
    if (strcmp(asked, "auto") == 0 || only_explain)
        TRY(estimate(arguments, lake, marts, n_marts, job_arena, &choice.estimate, err));
    choose(arguments, lake, asked, &choice);
    if (only_explain)
        return explain(arguments, lake, &choice, err);
    if (strcmp(asked, "auto") == 0)
        LOG(LOG_INFO, "engine chosen", LOG_TEXT_FIELD("engine", choice.spark ? "spark" : "local"),
            LOG_TEXT_FIELD("why", choice.why));
    return choice.spark ? run_lake_spark(arguments, lake, marts, n_marts, job_arena, err)
                        : run_lake_local(arguments, lake, marts, n_marts, job_arena, err);
}
