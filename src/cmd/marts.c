/* marts: which marts there are, and their SQL and tests as files for other engines. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_table.h"
#include "mart/staging.h"

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

/* The marts named behind the action, each once, or all. */
static Status choose(const Arguments *arguments, const MartRegistry *registry, Arena *arena, const Mart ***ret_marts,
                     uint32_t *ret_n, Error *err)
{
    const Mart **marts = ARENA_ARRAY(arena, const Mart *, registry->n + 1);
    bool *chosen = ARENA_ARRAY(arena, bool, registry->n + 1);
    uint32_t n = 0;
    for (uint32_t i = 1; i < arguments->n_operands; i++) {
        const Mart *mart = mart_find(registry, arguments->operands[i]);
        if (!mart)
            return mart_unknown(registry, arguments->operands[i], err);
        chosen[mart - registry->marts] = true;
    }
    for (uint32_t i = 0; i < registry->n; i++)
        if (chosen[i] || arguments->n_operands == 1)
            marts[n++] = &registry->marts[i];
    *ret_marts = marts;
    *ret_n = n;
    return STATUS_OK;
}

/* ---- list ---- */

static void append_row(Buffer *text, const PlannedMart *planned, int name_width, int from_width)
{
    const Mart *mart = planned->mart;
    buffer_printf(text, "%-*s  %-11s  %5u  %-*s  %s%s%s\n", name_width, mart->name,
                  exec_plan_is_incremental(planned->plan) ? "incremental" : "full", planned->checks.n, from_width,
                  mart->file ? mart->file : "built in", mart->title, *mart->meaning ? ": " : "", mart->meaning);
}

static void append_broken(Buffer *text, const Mart *mart, const Error *why, bool json, int name_width, int from_width)
{
    char message[1400];
    Error plain = *why;
    plain.hint[0] = '\0';
    error_format(&plain, message, sizeof message);
    if (!json) {
        buffer_printf(text, "%-*s  %-11s  %5s  %-*s  %s\n", name_width, mart->name, "broken", "", from_width,
                      mart->file ? mart->file : "built in", message);
        return;
    }
    buffer_append_text(text, "{\"name\":");
    text_append_json(text, str_view(mart->name));
    buffer_append_text(text, ",\"broken\":");
    text_append_json(text, str_view(message));
    buffer_append_byte(text, '}');
}

/* Those that are broken are among them, and the first one's error is the command's. */
static Status list(const Arguments *arguments, const Mart *const *marts, uint32_t n, Arena *arena, Error *err)
{
    PlannedMart *planned = ARENA_ARRAY(arena, PlannedMart, n + 1);
    Error *broken = ARENA_ARRAY(arena, Error, n + 1), *first = NULL;
    size_t name_width = strlen("mart"), from_width = strlen("built in");
    for (uint32_t i = 0; i < n; i++) {
        error_init(&broken[i]);
        if (export_plan(marts[i], arena, &planned[i], &broken[i]) != STATUS_OK && !first)
            first = &broken[i];
        size_t name = strlen(marts[i]->name), from = marts[i]->file ? strlen(marts[i]->file) : 0;
        name_width = name > name_width ? name : name_width;
        from_width = from > from_width ? from : from_width;
    }
    bool json = arguments_given(arguments, "json");
    Buffer text;
    buffer_init(&text, 0);
    if (json)
        buffer_append_text(&text, "{\"marts\":[");
    else
        buffer_printf(&text, "%-*s  %-11s  %5s  %-*s  %s\n", (int)name_width, "mart", "made", "tests", (int)from_width,
                      "from", "what it says");
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(&text, json && i ? "," : "");
        if (broken[i].code != STATUS_OK)
            append_broken(&text, marts[i], &broken[i], json, (int)name_width, (int)from_width);
        else if (json)
            export_append_mart(&text, &planned[i]);
        else
            append_row(&text, &planned[i], (int)name_width, (int)from_width);
    }
    buffer_append_text(&text, json ? "]}\n" : "");
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    if (status == STATUS_OK && first)
        *err = *first;
    return err->code;
}

/* ---- export ---- */

static void append_exported(Buffer *text, const PlannedMart *planned)
{
    buffer_printf(text, "%-24s  %s", planned->mart->name, planned->sql_file);
    if (planned->tests_file)
        buffer_printf(text, ", %s", planned->tests_file);
    if (planned->tests_sql_file)
        buffer_printf(text, ", %s", planned->tests_sql_file);
    buffer_append_byte(text, '\n');
}

static Status export(const Arguments *arguments, const Mart *const *marts, uint32_t n, Arena *arena, Error *err)
{
    const ExportOptions options = {.marts = marts,
                                   .n_marts = n,
                                   .folder = arguments_text(arguments, "to"),
                                   .force = arguments_given(arguments, "force")};
    ExportResult result;
    if (!options.folder) {
        error_set(err, STATUS_USAGE, "the folder to export to is missing");
        return error_hint(err, "freightlake marts export --to DIR [NAME]...");
    }
    TRY(export_marts(&options, arena, &result, err));
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json")) {
        buffer_append_text(&text, "{\"folder\":");
        text_append_json(&text, str_view(options.folder));
        buffer_printf(&text, ",\"manifest\":\"%s\",\"files\":%u,\"marts\":[", EXPORT_MANIFEST, result.n_files);
        for (uint32_t i = 0; i < n; i++) {
            buffer_append_text(&text, i ? "," : "");
            export_append_mart(&text, &result.marts[i]);
        }
        buffer_append_text(&text, "]}\n");
    } else {
        for (uint32_t i = 0; i < n; i++)
            append_exported(&text, &result.marts[i]);
        buffer_printf(&text, "%-24s  %s\n\n%s in %s\n", "all of it", EXPORT_MANIFEST, PLURAL(result.n_files, "file"),
                      options.folder);
    }
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

/* ---- export --run ---- */

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another run to end", LOG_TEXT_FIELD("lock", name));
}

static Status print_plan(const Arguments *arguments, const StagingPlan *plan, const char *id, Error *err)
{
    Buffer text;
    char bytes[24];
    buffer_init(&text, 0);
    if (arguments_given(arguments, "json")) {
        buffer_printf(&text, "{\"run\":\"%s\",\"shipments_version\":%lld,\"files\":%u,\"bytes\":%llu,\"marts\":[", id,
                      (long long)plan->shipments->version, plan->shipments->n_files,
                      (unsigned long long)plan->shipments->size_bytes);
        for (uint32_t i = 0; i < plan->n_marts; i++) {
            buffer_append_text(&text, i ? "," : "");
            text_append_json(&text, str_view(plan->marts[i].mart->name));
        }
        buffer_append_text(&text, "]}\n");
    } else if (plan->n_marts == 0) {
        buffer_printf(&text, "nothing to do: every mart is of version %lld of the shipments; no run was begun\n",
                      (long long)plan->shipments->version);
    } else {
        buffer_printf(&text, "run %s: %s of version %lld of the shipments (%s, %s)\n", id,
                      PLURAL(plan->n_marts, "mart"), (long long)plan->shipments->version,
                      PLURAL(plan->shipments->n_files, "file"),
                      text_bytes(bytes, sizeof bytes, (double)plan->shipments->size_bytes));
        buffer_printf(
            &text, "next: spark-submit spark/run_marts.py --lake LAKE --run %s, then freightlake publish %s\n", id, id);
    }
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status export_run(const Arguments *arguments, const Mart *const *marts, uint32_t n, Arena *arena, Error *err)
{
    const char *id = arguments_text(arguments, "run");
    const Lake *lake = NULL;
    StagingPlan plan;
    if (arguments_given(arguments, "to") || arguments_given(arguments, "force"))
        return error_set(err, STATUS_USAGE, "--run goes without --to and --force: a run's place is in the lake");
    TRY(staging_check_id(id, err));
    TRY(lake_if_any(arguments, arena, &lake, err));
    if (!lake) {
        error_set(err, STATUS_USAGE, "a run is of a lake");
        return error_hint(err, "freightlake --lake LAKE marts export --run ID");
    }
    bool only_stale = arguments->n_operands == 1 && !arguments_given(arguments, "full");
    const StagingRequest request = {
        .lake = lake, .id = id, .marts = marts, .n_marts = n, .only_stale = only_stale, .waiting = say_waiting};
    TRY(staging_plan(&request, arena, &plan, err));
    return print_plan(arguments, &plan, id, err);
}

static Status unknown_action(const char *action, Error *err)
{
    static const char *const actions[] = {"list", "export"};
    const char *nearest = text_nearest(action, actions, ARRAY_SIZE(actions));
    error_set(err, STATUS_USAGE, "'%s' cannot be done with marts", action);
    return nearest ? error_hint(err, "did you mean '%s'?", nearest)
                   : error_hint(err, "marts list, or marts export --to DIR");
}

Status command_marts(const Arguments *arguments, Arena *job_arena, Error *err)
{
    const char *action = arguments->operands[0];
    bool is_list = strcmp(action, "list") == 0;
    MartRegistry registry;
    const Mart **marts = NULL;
    uint32_t n = 0;
    if (!is_list && strcmp(action, "export") != 0)
        return unknown_action(action, err);
    bool for_cluster = arguments_given(arguments, "run");
    if (is_list && (arguments_given(arguments, "to") || arguments_given(arguments, "force") || for_cluster)) {
        error_set(err, STATUS_USAGE, "--to, --force and --run are for export");
        return error_hint(err, "freightlake marts export --to DIR");
    }
    TRY(load_registry(arguments, job_arena, &registry, err));
    TRY(choose(arguments, &registry, job_arena, &marts, &n, err));
    if (is_list)
        return list(arguments, marts, n, job_arena, err);
    Error broken; /* in a lake one keeps no other from being exported, and is the error in the end */
    error_init(&broken);
    const Mart *const *sound = marts;
    if (!arguments_text(arguments, "marts"))
        sound = export_sound(marts, &n, job_arena, &broken);
    if (n > 0 || broken.code == STATUS_OK)
        TRY(for_cluster ? export_run(arguments, sound, n, job_arena, err)
                        : export(arguments, sound, n, job_arena, err));
    *err = broken;
    return err->code;
}
