/* freightlake: finds the command, runs it, and is the one boundary where an Error becomes a message and an exit code.
 *
 * Start is kept short: no locale, no library is initialised, threads are made by the commands that work on data. */
#include <signal.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "storage/storage.h"

static const struct {
    const char *name;
    CommandMain main;
} MAINS[] = {
    {"init", command_init},       {"ingest", command_ingest},       {"history", command_history},
    {"status", command_status},   {"doctor", command_doctor},       {"quarantine", command_quarantine},
    {"rebuild", command_rebuild}, {"erase", command_erase},         {"publish", command_publish},
    {"table", command_table_job}, {"generate", command_generate},   {"run", command_run},
    {"marts", command_marts},     {"show", command_show},           {"query", command_query},
    {"explain", command_explain}, {"inspect", command_inspect},     {"onboard", command_onboard},
    {"help", command_help},       {"version", command_version},     {"completion", command_completion},
    {"man", command_man},         {"reference", command_reference},
};

static CommandMain find_main(const CommandInfo *command)
{
    CommandMain found = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(MAINS); i++)
        if (strcmp(MAINS[i].name, command->name) == 0)
            found = MAINS[i].main;
    CHECK(found != NULL);
    return found;
}

/* Not `query --version 3`: there the word is the command's own option. */
static bool asks_for_program_version(const Arguments *arguments)
{
    for (uint32_t i = 0; i < arguments->n_values; i++)
        if (strcmp(arguments->values[i].option->name, "version") == 0 && !arguments->values[i].text)
            return true;
    return false;
}

static Status run(int argc, char **argv, Arena *job_arena, Error *err)
{
    Arguments arguments;
    Status status = arguments_parse(argc, argv, job_arena, &arguments, err);
    console_configure_log(&arguments);
    if (status != STATUS_OK)
        return status;
    if (arguments_given(&arguments, "help"))
        return help_print(arguments.command, err);
    if (asks_for_program_version(&arguments))
        return command_version(&arguments, job_arena, err);
    if (arguments.command)
        return find_main(arguments.command)(&arguments, job_arena, err);
    error_set(err, STATUS_USAGE, "no command is given");
    return error_hint(err, "'freightlake --help' lists the commands");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    interrupt_install();
    Error err;
    error_init(&err);
    Arena job_arena;
    arena_init(&job_arena);
    Status status = run(argc, argv, &job_arena, &err);
    if (status != STATUS_OK) {
        storage_discard_all();
        log_error(&err);
    }
    arena_done(&job_arena);
    return status_exit_code(status);
}
