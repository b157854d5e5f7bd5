/* run over a lake. */
#ifndef FREIGHTLAKE_CMD_RUN_LAKE_H
#define FREIGHTLAKE_CMD_RUN_LAKE_H

#include "cmd/command.h"
#include "lake/job.h"
#include "lake/lake.h"
#include "mart/lake_run.h"

/* With the engine that --engine asks for; see run_engine.c. */
Status run_lake(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                Arena *job_arena, Error *err) MUST_CHECK;

/* By this program. */
Status run_lake_local(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                      Arena *job_arena, Error *err) MUST_CHECK;
/* By a cluster: plan, spark-submit, publish. */
Status run_lake_spark(const Arguments *arguments, const Lake *lake, const Mart *const *marts, uint32_t n_marts,
                      Arena *job_arena, Error *err) MUST_CHECK;
/* What `publish` does, by these definitions; see publish.c. */
Status publish_run(const Arguments *arguments, const Lake *lake, const MartRegistry *registry, const char *id,
                   Arena *job_arena, Error *err) MUST_CHECK;
/* The summary of marts made, and what the history is to know of them: what `publish` says, too. */
Status run_lake_print(const Arguments *arguments, const LakeRunResult *result, Error *err) MUST_CHECK;
void run_lake_record(LakeJob *job, const LakeRunResult *result, const Error *failure, Arena *arena);

#endif
