/* The subcommands: each reads its arguments, calls one module, prints.  One file each: COMMAND.c.
 *
 * A command returns a Status and never ends the process; main.c logs the Error and turns it into an exit code. */
#ifndef FREIGHTLAKE_CMD_COMMAND_H
#define FREIGHTLAKE_CMD_COMMAND_H

#include "base/pool.h"
#include "base/spill.h"
#include "cmd/options.h"

typedef Status (*CommandMain)(const Arguments *arguments, Arena *job_arena, Error *err);

Status command_init(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_ingest(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_history(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_status(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_doctor(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_quarantine(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_rebuild(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_erase(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_table_job(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_generate(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_run(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_marts(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_publish(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_show(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_query(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_explain(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_inspect(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_onboard(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_completion(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_help(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_version(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_man(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;
Status command_reference(const Arguments *arguments, Arena *job_arena, Error *err) MUST_CHECK;

/* Prints the help of one command, or the overview when it is NULL. */
Status help_print(const CommandInfo *command, Error *err) MUST_CHECK;

/* --threads, --memory-limit, --spill-dir and --spill-limit of commands that work on data.  Not to be moved: the budget points
 * to the spill space. */
typedef struct Resources {
    ThreadPool *pool;
    MemoryBudget budget;
    SpillSpace spill;
} Resources;
Status resources_init(Resources *resources, const Arguments *arguments, Error *err) MUST_CHECK;
void resources_done(Resources *resources);
/* Four fifths of what this process may use: the machine's memory, or its control group's limit when that is less. */
size_t default_memory_limit(void);

/* The text of query and explain: the operand, standard input for "-", or --file.  In job_arena. */
Status statement_text(const Arguments *arguments, Arena *job_arena, const char **ret_sql, Error *err) MUST_CHECK;

#endif
