/* Commands that speak of the program itself: help, version, completion, man, reference. */
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/help.h"

#define HELP_WIDTH 100

Status help_print(const CommandInfo *command, Error *err)
{
    uint32_t width = console_width();
    Buffer text;
    buffer_init(&text, 0);
    help_append(&text, command, width >= 60 && width < HELP_WIDTH ? width : HELP_WIDTH);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

Status command_help(const Arguments *arguments, Arena *job_arena, Error *err)
{
    if (arguments->n_operands == 0)
        return help_print(NULL, err);
    const CommandInfo *command = command_find(arguments->operands[0]);
    if (command)
        return help_print(command, err);
    const char *const *names;
    uint32_t n = command_names(job_arena, &names);
    const char *nearest = text_nearest(arguments->operands[0], names, n);
    error_set(err, STATUS_USAGE, "there is no command '%s'", arguments->operands[0]);
    if (nearest)
        return error_hint(err, "did you mean '%s'?  'freightlake --help' lists the commands", nearest);
    return error_hint(err, "'freightlake --help' lists the commands");
}

Status command_version(const Arguments *arguments, Arena *job_arena, Error *err)
{
    (void)arguments;
    (void)job_arena;
    static const char text[] = "freightlake " FREIGHTLAKE_VERSION "\n";
    return console_write(text, sizeof text - 1, err);
}

Status command_completion(const Arguments *arguments, Arena *job_arena, Error *err)
{
    (void)job_arena;
    Shell shell;
    TRY(shell_find(arguments->operands[0], &shell, err));
    Buffer text;
    buffer_init(&text, 0);
    completion_append(&text, shell);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status print_made(void (*append)(Buffer *text), Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    append(&text);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

Status command_man(const Arguments *arguments, Arena *job_arena, Error *err)
{
    (void)arguments;
    (void)job_arena;
    return print_made(man_append, err);
}

Status command_reference(const Arguments *arguments, Arena *job_arena, Error *err)
{
    (void)arguments;
    (void)job_arena;
    return print_made(reference_append, err);
}
