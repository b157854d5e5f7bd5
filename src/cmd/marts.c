/* marts: which marts there are, and all of them as files. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_table.h"
#include "mart/export.h"
#include "mart/run.h"

/* Those of --marts, else of the lake if there is one, else the built-in ones. */
static Status load_registry(const Arguments *arguments, Arena *arena, MartRegistry *ret_registry, Error *err)
{
    const char *folder = arguments_text(arguments, "marts");
    const Lake *lake = NULL;
    if (folder)
        return mart_registry_load(folder, arena, ret_registry, err);
    TRY(lake_if_any(arguments, arena, &lake, err));
    return lake ? mart_registry_load_optional(lake->definitions, arena, ret_registry, err)
                : mart_registry_load(NULL, arena, ret_registry, err);
}

static Status append_list(Buffer *text, const MartRegistry *registry, bool json, Arena *arena, Error *err)
{
    buffer_append_text(text, json ? "{\"marts\":[" : "");
    if (!json)
        buffer_printf(text, "%-24s %-12s %5s   %s\n", "mart", "made", "tests", "from");
    for (uint32_t i = 0; i < registry->n; i++) {
        const Mart *mart = &registry->marts[i];
        PlanNode *plan = NULL;
        MartChecks checks;
        TRY(mart_plan(mart, arena, &plan, err));
        TRY(checks_load(mart, &plan->schema, arena, &checks, err));
        if (json) {
            buffer_append_text(text, i ? "," : "");
            export_append_mart(text, mart, plan, &checks);
        } else {
            buffer_printf(text, "%-24s %-12s %5u   %s\n", mart->name,
                          exec_plan_is_incremental(plan) ? "incremental" : "full", checks.n,
                          mart->file ? mart->file : "built in");
        }
    }
    buffer_append_text(text, json ? "]}\n" : "");
    return STATUS_OK;
}

static Status list(const Arguments *arguments, const MartRegistry *registry, Arena *arena, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    Status status = append_list(&text, registry, arguments_given(arguments, "json"), arena, err);
    if (status == STATUS_OK)
        status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status export(const Arguments *arguments, const MartRegistry *registry, Arena *arena, Error *err)
{
    const char *folder = arguments->operands[1];
    const Mart **marts = ARENA_ARRAY(arena, const Mart *, registry->n + 1);
    uint32_t files = 0;
    for (uint32_t i = 0; i < registry->n; i++)
        marts[i] = &registry->marts[i];
    TRY(export_marts(marts, registry->n, folder, arena, &files, err));
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json")) {
        buffer_append_text(&text, "{\"folder\":");
        text_append_json(&text, str_view(folder));
        buffer_printf(&text, ",\"marts\":%u,\"files\":%u}\n", registry->n, files);
    } else {
        buffer_printf(&text, "%u marts in %u files below %s\n", registry->n, files, folder);
    }
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

Status command_marts(const Arguments *arguments, Arena *job_arena, Error *err)
{
    const char *action = arguments->operands[0];
    MartRegistry registry;
    bool is_list = strcmp(action, "list") == 0, is_export = strcmp(action, "export") == 0;
    if (!is_list && !is_export) {
        static const char *const actions[] = {"list", "export"};
        const char *nearest = text_nearest(action, actions, ARRAY_SIZE(actions));
        error_set(err, STATUS_USAGE, "'%s' cannot be done with marts", action);
        return nearest ? error_hint(err, "did you mean '%s'?", nearest)
                       : error_hint(err, "marts list, or marts export DIR");
    }
    if (arguments->n_operands != (is_export ? 2 : 1)) {
        error_set(err, STATUS_USAGE, is_export ? "the folder to export to is missing" : "list takes no folder");
        return error_hint(err, is_export ? "freightlake marts export DIR" : "freightlake marts list --marts DIR");
    }
    TRY(load_registry(arguments, job_arena, &registry, err));
    return is_list ? list(arguments, &registry, job_arena, err) : export(arguments, &registry, job_arena, err);
}
