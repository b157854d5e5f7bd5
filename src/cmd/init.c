/* init: makes a lake and says what to do with it. */
#include <stdlib.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "lake/lake.h"

Status command_init(const Arguments *arguments, Arena *job_arena, Error *err)
{
    char *path = arena_strdup(job_arena, arguments->operands[0]);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        path[--n] = '\0';
    if (n == 0)
        return error_set(err, STATUS_USAGE, "the folder of the lake has no name");
    const LakeInitOptions options = {.path = path,
                                     .currency = arguments_text(arguments, "currency"),
                                     .raw = arguments_text(arguments, "raw"),
                                     .processed = arguments_text(arguments, "processed"),
                                     .quarantine = arguments_text(arguments, "quarantine"),
                                     .marts = arguments_text(arguments, "marts")};
    TRY(lake_init(&options, job_arena, err));
    Lake *lake;
    TRY(lake_open(path, job_arena, &lake, err));
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json")) {
        buffer_append_text(&text, "{\"lake\":");
        text_append_json(&text, str_view(path));
        buffer_printf(&text, ",\"currency\":\"%s\"}\n", lake->currency);
    } else {
        buffer_printf(&text,
                      "%s is a lake: amounts in %s, tables shipments and quarantine, settings in %s/%s\n"
                      "next: freightlake --lake %s onboard CLIENT --sample FILE\n",
                      path, lake->currency, path, LAKE_CONFIG_FILE, path);
    }
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}
