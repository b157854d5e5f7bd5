/* Export of marts; see export.h.
 *
 * What another engine needs to make a mart and to test it stands in the manifest, so that it neither parses YAML nor knows how
 * a test becomes SQL; the single files are for people, for --marts and for tools that take SQL by the file. */
#include "mart/export.h"

#include <string.h>

#include "mart/run.h"
#include "storage/storage.h"

/* ---- Planning ---- */

static const char *tests_sql_file(const Mart *mart, const MartChecks *checks, Arena *arena)
{
    for (uint32_t i = 0; i < checks->n; i++)
        if (checks->checks[i].sql)
            return arena_printf(arena, "tests/%s.sql", mart->name);
    return NULL;
}

Status export_plan(const Mart *mart, Arena *job_arena, PlannedMart *ret_planned, Error *err)
{
    PlannedMart planned = {.mart = mart};
    PlanNode *plan = NULL;
    TRY(checks_plan(mart, job_arena, &plan, &planned.checks, err));
    planned.plan = plan;
    TRY(sql_tables(mart->sql, SQL_MART, job_arena, &planned.tables, &planned.n_tables, err));
    planned.sql_file = arena_printf(job_arena, "%s.sql", mart->name);
    planned.tests_file = mart->tests ? arena_printf(job_arena, "%s.tests.yaml", mart->name) : NULL;
    planned.tests_sql_file = tests_sql_file(mart, &planned.checks, job_arena);
    *ret_planned = planned;
    return STATUS_OK;
}

const Mart **export_sound(const Mart *const *marts, uint32_t *inout_n, Arena *job_arena, Error *ret_broken)
{
    const Mart **sound = ARENA_ARRAY(job_arena, const Mart *, *inout_n + 1);
    uint32_t n = 0;
    error_init(ret_broken);
    for (uint32_t i = 0; i < *inout_n; i++) {
        PlannedMart planned;
        Error err;
        error_init(&err);
        if (export_plan(marts[i], job_arena, &planned, &err) == STATUS_OK)
            sound[n++] = marts[i];
        else if (ret_broken->code == STATUS_OK)
            *ret_broken = err;
    }
    *inout_n = n;
    return sound;
}

/* ---- The manifest ---- */

static void append_field(Buffer *json, const char *name, const char *text)
{
    buffer_printf(json, "\"%s\":", name);
    if (text)
        text_append_json(json, str_view(text));
    else
        buffer_append_text(json, "null");
}

/* With the fewest digits that read back as it; negative: none. */
static void append_share(Buffer *json, const char *name, double share)
{
    if (share < 0)
        return;
    buffer_printf(json, ",\"%s\":", name);
    value_append_text(json, &(Value){.type = DATA_TYPE(DOUBLE), .valid = true, .float64 = share});
}

static void append_check(Buffer *json, const Mart *mart, const MartCheck *check)
{
    buffer_append_byte(json, '{');
    append_field(json, "rule", check->rule);
    if (check->sql) {
        buffer_append_byte(json, ',');
        append_field(json, "reads", check->of_shipments ? "shipments" : mart->name);
        buffer_append_byte(json, ',');
        append_field(json, "sql", check->sql);
    } else {
        append_share(json, "max_drop", check->max_drop);
        append_share(json, "max_growth", check->max_growth);
    }
    buffer_append_byte(json, '}');
}

void export_append_columns(Buffer *json, const Schema *schema)
{
    buffer_append_byte(json, '[');
    for (uint32_t i = 0; i < schema->n; i++) {
        const Field *field = &schema->fields[i];
        char type[32];
        buffer_append_text(json, i ? ",{" : "{");
        append_field(json, "name", field->name);
        buffer_printf(json, ",\"type\":\"%s\",\"nullable\":%s}", type_name(field->type, type, sizeof type),
                      field->nullable ? "true" : "false");
    }
    buffer_append_byte(json, ']');
}

void export_append_mart(Buffer *json, const PlannedMart *planned)
{
    const Mart *mart = planned->mart;
    const struct {
        const char *name, *text;
    } fields[] = {{"name", mart->name}, {"title", mart->title},          {"meaning", mart->meaning},
                  {"file", mart->file}, {"definition_hash", mart->hash}, {"sql", mart->sql},
                  {NULL, NULL}};
    buffer_append_byte(json, '{');
    for (size_t i = 0; fields[i].name; i++) {
        append_field(json, fields[i].name, fields[i].text);
        buffer_append_byte(json, ',');
    }
    buffer_printf(json, "\"incremental\":%s,\"reads\":[", exec_plan_is_incremental(planned->plan) ? "true" : "false");
    for (uint32_t i = 0; i < planned->n_tables; i++) {
        buffer_append_text(json, i ? "," : "");
        text_append_json(json, str_view(planned->tables[i]));
    }
    buffer_append_byte(json, ']');
    buffer_append_text(json, ",\"columns\":");
    export_append_columns(json, &planned->plan->schema);
    buffer_append_text(json, ",\"tests\":[");
    for (uint32_t i = 0; i < planned->checks.n; i++) {
        buffer_append_text(json, i ? "," : "");
        append_check(json, mart, &planned->checks.checks[i]);
    }
    buffer_append_text(json, "],\"files\":{");
    append_field(json, "sql", planned->sql_file);
    buffer_append_byte(json, ',');
    append_field(json, "tests", planned->tests_file);
    buffer_append_byte(json, ',');
    append_field(json, "tests_sql", planned->tests_sql_file);
    buffer_append_text(json, "}}");
}

/* ---- The files ---- */

static void append_tests_sql(Buffer *text, const MartChecks *checks)
{
    for (uint32_t i = 0; i < checks->n; i++) {
        const MartCheck *check = &checks->checks[i];
        if (!check->sql)
            continue;
        size_t n = strlen(check->sql);
        while (n > 0 && strchr("; \t\r\n", check->sql[n - 1]))
            n--;
        buffer_printf(text, "%s-- %s\n%.*s;\n", text->size ? "\n" : "", check->rule, (int)n, check->sql);
    }
}

typedef struct Exporter {
    const char *folder;
    Arena *arena;
    uint32_t n_files;
} Exporter;

static Status write_file(Exporter *exporter, const char *name, const void *bytes, size_t size, Error *err)
{
    TRY(storage_write_file(arena_printf(exporter->arena, "%s/%s", exporter->folder, name), bytes, size, err));
    exporter->n_files++;
    return STATUS_OK;
}

static Status write_mart(Exporter *exporter, const PlannedMart *planned, Error *err)
{
    const Mart *mart = planned->mart;
    TRY(write_file(exporter, planned->sql_file, mart->sql, strlen(mart->sql), err));
    if (planned->tests_file)
        TRY(write_file(exporter, planned->tests_file, mart->tests, strlen(mart->tests), err));
    if (!planned->tests_sql_file)
        return STATUS_OK;
    Buffer text;
    buffer_init(&text, 0);
    append_tests_sql(&text, &planned->checks);
    Status status = write_file(exporter, planned->tests_sql_file, text.data, text.size, err);
    buffer_done(&text);
    return status;
}

static Status write_manifest(Exporter *exporter, const PlannedMart *marts, uint32_t n, Error *err)
{
    Buffer json;
    buffer_init(&json, 0);
    buffer_printf(&json, "{\"format\":%d,\"marts\":[", EXPORT_FORMAT);
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(&json, i ? ",\n" : "\n");
        export_append_mart(&json, &marts[i]);
    }
    buffer_append_text(&json, "\n]}\n");
    Status status = write_file(exporter, EXPORT_MANIFEST, json.data, json.size, err);
    buffer_done(&json);
    return status;
}

static Status check_empty(const char *folder, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(folder, true, NULL, &list, err));
    bool empty = list.n == 0;
    storage_list_done(&list);
    if (empty)
        return STATUS_OK;
    error_set(err, STATUS_USAGE, "this folder is not empty");
    error_at_file(err, folder);
    return error_hint(err, "--force replaces files of the same names in it, and leaves others");
}

Status export_marts(const ExportOptions *options, Arena *job_arena, ExportResult *ret_result, Error *err)
{
    Exporter exporter = {.folder = options->folder, .arena = job_arena};
    PlannedMart *marts = ARENA_ARRAY(job_arena, PlannedMart, options->n_marts + 1);
    for (uint32_t i = 0; i < options->n_marts; i++)
        TRY(export_plan(options->marts[i], job_arena, &marts[i], err));
    if (!options->force)
        TRY(check_empty(options->folder, err));
    TRY(storage_remove(arena_printf(job_arena, "%s/" EXPORT_MANIFEST, options->folder), err));
    for (uint32_t i = 0; i < options->n_marts; i++)
        TRY(write_mart(&exporter, &marts[i], err));
    TRY(write_manifest(&exporter, marts, options->n_marts, err));
    *ret_result = (ExportResult){.marts = marts, .n_marts = options->n_marts, .n_files = exporter.n_files};
    return STATUS_OK;
}
