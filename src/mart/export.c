/* Export of marts; see export.h. */
#include "mart/export.h"

#include <string.h>

#include "mart/run.h"
#include "storage/storage.h"

static void append_check(Buffer *json, const MartCheck *check)
{
    buffer_append_text(json, "{\"rule\":");
    text_append_json(json, str_view(check->rule));
    if (check->sql) {
        buffer_printf(json, ",\"reads\":\"%s\",\"sql\":", check->of_shipments ? "shipments" : "mart");
        text_append_json(json, str_view(check->sql));
    }
    if (!check->sql && check->max_drop >= 0)
        buffer_printf(json, ",\"max_drop\":%.17g", check->max_drop);
    if (!check->sql && check->max_growth >= 0)
        buffer_printf(json, ",\"max_growth\":%.17g", check->max_growth);
    buffer_append_byte(json, '}');
}

void export_append_mart(Buffer *json, const Mart *mart, const PlanNode *plan, const MartChecks *checks)
{
    buffer_append_text(json, "{\"name\":");
    text_append_json(json, str_view(mart->name));
    buffer_append_text(json, ",\"title\":");
    text_append_json(json, str_view(mart->title));
    buffer_append_text(json, ",\"meaning\":");
    text_append_json(json, str_view(mart->meaning));
    buffer_append_text(json, ",\"file\":");
    if (mart->file)
        text_append_json(json, str_view(mart->file));
    else
        buffer_append_text(json, "null");
    buffer_printf(json, ",\"definition_hash\":\"%s\",\"incremental\":%s,\"sql\":", mart->hash,
                  exec_plan_is_incremental(plan) ? "true" : "false");
    text_append_json(json, str_view(mart->sql));
    buffer_append_text(json, ",\"tests\":[");
    for (uint32_t i = 0; i < checks->n; i++) {
        if (i)
            buffer_append_byte(json, ',');
        append_check(json, &checks->checks[i]);
    }
    buffer_append_text(json, "]}");
}

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

static Status write_text(const char *path, const Buffer *text, uint32_t *files, Error *err)
{
    TRY(storage_write_file(path, text->data, text->size, err));
    *files += 1;
    return STATUS_OK;
}

static Status write_mart(const Mart *mart, const MartChecks *checks, const char *folder, Arena *arena, uint32_t *files,
                         Error *err)
{
    Buffer text;
    TRY(storage_write_file(arena_printf(arena, "%s/%s.sql", folder, mart->name), mart->sql, strlen(mart->sql), err));
    *files += 1;
    if (!mart->tests)
        return STATUS_OK;
    TRY(storage_write_file(arena_printf(arena, "%s/%s.tests.yaml", folder, mart->name), mart->tests,
                           strlen(mart->tests), err));
    *files += 1;
    buffer_init(&text, 0);
    append_tests_sql(&text, checks);
    Status status = STATUS_OK;
    if (text.size > 0)
        status = write_text(arena_printf(arena, "%s/tests/%s.sql", folder, mart->name), &text, files, err);
    buffer_done(&text);
    return status;
}

Status export_marts(const Mart *const *marts, uint32_t n, const char *folder, Arena *job_arena, uint32_t *ret_files,
                    Error *err)
{
    PlanNode **plans = ARENA_ARRAY(job_arena, PlanNode *, n + 1);
    MartChecks *checks = ARENA_ARRAY(job_arena, MartChecks, n + 1);
    uint32_t files = 0;
    for (uint32_t i = 0; i < n; i++) {
        TRY(mart_plan(marts[i], job_arena, &plans[i], err));
        TRY(checks_load(marts[i], &plans[i]->schema, job_arena, &checks[i], err));
    }
    for (uint32_t i = 0; i < n; i++)
        TRY(write_mart(marts[i], &checks[i], folder, job_arena, &files, err));
    Buffer json;
    buffer_init(&json, 0);
    buffer_append_text(&json, "{\"marts\":[");
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(&json, i ? ",\n" : "\n");
        export_append_mart(&json, marts[i], plans[i], &checks[i]);
    }
    buffer_append_text(&json, "\n]}\n");
    Status status = write_text(arena_printf(job_arena, "%s/marts.json", folder), &json, &files, err);
    buffer_done(&json);
    if (status == STATUS_OK)
        *ret_files = files;
    return status;
}
