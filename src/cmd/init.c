/* init: an empty lake. */
#include "cmd/command.h"
#include "cmd/console.h"
#include "lake/lake.h"

Status command_init(const Arguments *arguments, Arena *job_arena, Error *err)
{
    LakeInitOptions options = {.path = arguments->operands[0],
                               .currency = arguments_text(arguments, "currency"),
                               .raw = arguments_text(arguments, "raw"),
                               .processed = arguments_text(arguments, "processed"),
                               .quarantine = arguments_text(arguments, "quarantine"),
                               .marts = arguments_text(arguments, "marts")};
    TRY(lake_init(&options, job_arena, err));
    Buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text,
                  "%s is a lake; its settings are in %s/%s\n"
                  "next: freightlake --lake %s onboard CLIENT --sample FILE\n",
                  options.path, options.path, LAKE_CONFIG_FILE, options.path);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}
