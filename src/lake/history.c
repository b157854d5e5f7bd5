/* History; see history.h. */
#include "lake/history.h"

#include <jansson.h>
#include <stdlib.h>

#include "columnar/time_text.h"
#include "delta/commit.h"

#define MAX_RECORD_BYTES ((size_t)16 << 20)

static void append_text(Buffer *json, const char *key, const char *text)
{
    if (!text)
        return;
    buffer_printf(json, ",\"%s\":", key);
    text_append_json(json, str_view(text));
}

static void append_count(Buffer *json, const char *key, int64_t value)
{
    if (value >= 0)
        buffer_printf(json, ",\"%s\":%lld", key, (long long)value);
}

static void append_instant(Buffer *json, int64_t micros)
{
    char text[TIME_TEXT_SIZE];
    timestamp_format(text, micros);
    text[10] = 'T';
    buffer_printf(json, "\"%sZ\"", text);
}

void history_append_json(Buffer *json, const HistoryRecord *record)
{
    buffer_append_text(json, "{\"id\":");
    text_append_json(json, str_view(record->id ? record->id : ""));
    append_text(json, "kind", record->kind);
    append_text(json, "outcome", record->outcome);
    append_text(json, "client", record->client);
    append_text(json, "source", record->source);
    append_text(json, "source_hash", record->source_hash);
    buffer_append_text(json, ",\"started_at\":");
    append_instant(json, record->started_us);
    buffer_printf(json, ",\"seconds\":%.6f,\"peak_memory_bytes\":%llu", record->seconds,
                  (unsigned long long)record->peak_memory_bytes);
    append_count(json, "rows_read", record->rows_read);
    append_count(json, "rows_good", record->rows_good);
    append_count(json, "rows_rejected", record->rows_rejected);
    append_text(json, "error", record->error);
    buffer_append_text(json, ",\"tables\":[");
    for (uint32_t i = 0; i < record->n_tables; i++) {
        const HistoryTable *table = &record->tables[i];
        buffer_append_text(json, i ? ",{\"table\":" : "{\"table\":");
        text_append_json(json, str_view(table->table));
        append_count(json, "version_before", table->version_before);
        append_count(json, "version_after", table->version_after);
        append_count(json, "rows", table->rows);
        buffer_append_byte(json, '}');
    }
    buffer_append_text(json, "],\"checks\":[");
    for (uint32_t i = 0; i < record->n_checks; i++) {
        const HistoryCheck *check = &record->checks[i];
        buffer_append_text(json, i ? ",{\"mart\":" : "{\"mart\":");
        text_append_json(json, str_view(check->mart));
        append_text(json, "rule", check->rule);
        buffer_printf(json, ",\"passed\":%s,\"rows\":%lld}", check->passed ? "true" : "false", (long long)check->rows);
    }
    buffer_append_byte(json, ']');
    if (record->details)
        buffer_printf(json, ",\"details\":%s", record->details);
    buffer_append_byte(json, '}');
}

/* "20260630T120000.123456Z-1f2e3d4c" */
const char *history_make_id(int64_t started_us, Arena *arena)
{
    char text[TIME_TEXT_SIZE];
    int64_t time = timestamp_time(started_us);
    date_format(text, timestamp_day(started_us));
    return arena_printf(arena, "%.4s%.2s%.2sT%02lld%02lld%02lld.%06lldZ-%.8s", text, text + 5, text + 8,
                        (long long)(time / 3600000000), (long long)(time / 60000000 % 60),
                        (long long)(time / 1000000 % 60), (long long)(time % 1000000), delta_uuid(arena));
}

const char *history_path(const Lake *lake, const char *id, Arena *arena)
{
    return arena_printf(arena, "%s/runs/%s.json", lake->control, id);
}

Status history_write(const Lake *lake, const HistoryRecord *record, Error *err)
{
    Arena arena;
    Buffer json;
    arena_init(&arena);
    buffer_init(&json, 0);
    HistoryRecord named = *record;
    if (!named.id)
        named.id = history_make_id(record->started_us, &arena);
    history_append_json(&json, &named);
    buffer_append_byte(&json, '\n');
    bool created;
    Status status = storage_put_new(history_path(lake, named.id, &arena), json.data, json.size, &created, err);
    buffer_done(&json);
    arena_done(&arena);
    return status;
}

/* ---- Reading ---- */

static const char *text_of(const json_t *object, const char *key, Arena *arena)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? arena_strdup(arena, text) : NULL;
}

static int64_t count_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void read_tables(const json_t *tables, Arena *arena, HistoryRecord *record)
{
    record->tables = ARENA_ARRAY(arena, HistoryTable, json_array_size(tables) + 1);
    for (size_t i = 0; i < json_array_size(tables); i++) {
        const json_t *table = json_array_get(tables, i);
        const char *name = text_of(table, "table", arena);
        if (name)
            record->tables[record->n_tables++] = (HistoryTable){
                name, count_of(table, "version_before"), count_of(table, "version_after"), count_of(table, "rows")};
    }
}

static void read_checks(const json_t *checks, Arena *arena, HistoryRecord *record)
{
    record->checks = ARENA_ARRAY(arena, HistoryCheck, json_array_size(checks) + 1);
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        const char *mart = text_of(check, "mart", arena), *rule = text_of(check, "rule", arena);
        if (mart && rule)
            record->checks[record->n_checks++] =
                (HistoryCheck){mart, rule, json_is_true(json_object_get(check, "passed")), count_of(check, "rows")};
    }
}

static bool read_record(StrView text, Arena *arena, HistoryRecord *record)
{
    json_t *root = json_loadb(text.data, text.size, 0, NULL);
    *record = (HistoryRecord){.id = text_of(root, "id", arena),
                              .kind = text_of(root, "kind", arena),
                              .outcome = text_of(root, "outcome", arena),
                              .client = text_of(root, "client", arena),
                              .source = text_of(root, "source", arena),
                              .source_hash = text_of(root, "source_hash", arena),
                              .error = text_of(root, "error", arena),
                              .seconds = json_number_value(json_object_get(root, "seconds")),
                              .rows_read = count_of(root, "rows_read"),
                              .rows_good = count_of(root, "rows_good"),
                              .rows_rejected = count_of(root, "rows_rejected")};
    int64_t memory = count_of(root, "peak_memory_bytes");
    record->peak_memory_bytes = memory > 0 ? (uint64_t)memory : 0;
    const char *started = text_of(root, "started_at", arena);
    bool good = record->id && record->kind && record->outcome && started &&
                timestamp_parse(str_view(started), &record->started_us);
    read_tables(json_object_get(root, "tables"), arena, record);
    read_checks(json_object_get(root, "checks"), arena, record);
    const json_t *details = json_object_get(root, "details");
    char *dump = details ? json_dumps(details, JSON_COMPACT) : NULL;
    record->details = dump ? arena_strdup(arena, dump) : NULL;
    free(dump);
    json_decref(root);
    return good;
}

Status history_read(const Lake *lake, const char *kind, uint32_t limit, Arena *arena, HistoryRecord **ret_records,
                    uint32_t *ret_n, uint32_t *ret_unreadable, Error *err)
{
    return history_read_folder(arena_printf(arena, "%s/runs", lake->control), kind, limit, arena, ret_records, ret_n,
                               ret_unreadable, err);
}

Status history_read_folder(const char *folder, const char *kind, uint32_t limit, Arena *arena,
                           HistoryRecord **ret_records, uint32_t *ret_n, uint32_t *ret_unreadable, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(folder, false, NULL, &list, err));
    HistoryRecord *records = ARENA_ARRAY(arena, HistoryRecord, list.n + 1);
    uint32_t n = 0, unreadable = 0;
    for (size_t i = list.n; i-- > 0 && (limit == 0 || n < limit);) { /* names sort by time */
        StrView text;
        Error one;
        error_init(&one);
        bool good = storage_read_file(list.entries[i].path, MAX_RECORD_BYTES, arena, &text, &one) == STATUS_OK &&
                    read_record(text, arena, &records[n]);
        unreadable += !good;
        n += good && (!kind || strcmp(records[n].kind, kind) == 0);
    }
    storage_list_done(&list);
    *ret_records = records;
    *ret_n = n;
    *ret_unreadable = unreadable;
    return STATUS_OK;
}
