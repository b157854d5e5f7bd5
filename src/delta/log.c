/* Actions from and to JSON; see log.h. */
#include "delta/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t delta_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *log_path(const char *table, int64_t version, Arena *arena)
{
    return arena_printf(arena, "%s/_delta_log/%020lld.json", table, (long long)version);
}

/* ---- Paths: URIs in the log, file names on the storage ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

const char *log_decode_path(const char *uri, Arena *arena)
{
    size_t n = strlen(uri), at = 0;
    char *path = arena_alloc(arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        bool escape = uri[i] == '%' && i + 2 < n + 0u && hex_digit(uri[i + 1]) >= 0 && hex_digit(uri[i + 2]) >= 0;
        path[at++] = escape ? (char)(hex_digit(uri[i + 1]) << 4 | hex_digit(uri[i + 2])) : uri[i];
        i += escape ? 2 : 0;
    }
    path[at] = '\0';
    return strncmp(path, "file:///", 8) == 0 ? path + 7 : path;
}

const char *log_encode_path(const char *path, Arena *arena)
{
    static const char plain[] = "-_.~/=:+,@!$&'()*;";
    char *uri = arena_alloc(arena, strlen(path) * 3 + 1), *to = uri;
    for (const char *c = path; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (letter || strchr(plain, *c))
            *to++ = *c;
        else
            to += snprintf(to, 4, "%%%02X", (unsigned char)*c);
    }
    *to = '\0';
    return uri;
}

static void append_path(Buffer *json, const char *path)
{
    Arena arena;
    arena_init(&arena);
    text_append_json(json, str_view(log_encode_path(path, &arena)));
    arena_done(&arena);
}

/* ---- Settings ---- */

static int64_t unit_ms(const char *word, size_t size)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"millisecond", 1}, {"second", 1000},  {"minute", 60000},
                 {"hour", 3600000},  {"day", 86400000}, {"week", 7 * (int64_t)86400000}};
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        size_t n = strlen(units[i].name);
        if (strncasecmp(word, units[i].name, n) == 0 && size <= n + 1 && size >= n && (size == n || word[n] == 's'))
            return units[i].ms;
    }
    return -1;
}

/* "interval 1 week 2 days", as Delta's properties have it. */
static bool parse_interval(const char *text, int64_t *ret_ms)
{
    while (*text == ' ')
        text++;
    if (strncasecmp(text, "interval ", 9) == 0)
        text += 9;
    int64_t sum = 0;
    bool any = false;
    for (;;) {
        while (*text == ' ')
            text++;
        if (!*text)
            break;
        char *end;
        long long count = strtoll(text, &end, 10);
        if (end == text || count < 0 || *end != ' ')
            return false;
        while (*end == ' ')
            end++;
        size_t size = strcspn(end, " ");
        int64_t unit = unit_ms(end, size), ms;
        if (unit < 0 || __builtin_mul_overflow(unit, (int64_t)count, &ms) || __builtin_add_overflow(sum, ms, &sum))
            return false;
        any = true;
        text = end + size;
    }
    *ret_ms = sum;
    return any;
}

bool log_interval_ms(const DeltaMetadata *metadata, const char *key, int64_t fallback, int64_t *ret_ms)
{
    const char *text = delta_property(metadata, key);
    *ret_ms = fallback;
    return !text || parse_interval(text, ret_ms);
}

/* ---- Reading ---- */

void log_add_file(LogActions *actions, Arena *arena, LogFile file)
{
    if (actions->n_files == actions->files_capacity) {
        uint32_t capacity = actions->files_capacity ? actions->files_capacity * 2 : 8;
        LogFile *files = ARENA_ARRAY(arena, LogFile, capacity);
        if (actions->n_files)
            memcpy(files, actions->files, sizeof *files * actions->n_files);
        actions->files = files;
        actions->files_capacity = capacity;
    }
    actions->files[actions->n_files++] = file;
}

void log_add_transaction(LogActions *actions, Arena *arena, DeltaTransaction transaction)
{
    if (actions->n_transactions == actions->transactions_capacity) {
        uint32_t capacity = actions->transactions_capacity ? actions->transactions_capacity * 2 : 4;
        DeltaTransaction *transactions = ARENA_ARRAY(arena, DeltaTransaction, capacity);
        if (actions->n_transactions)
            memcpy(transactions, actions->transactions, sizeof *transactions * actions->n_transactions);
        actions->transactions = transactions;
        actions->transactions_capacity = capacity;
    }
    actions->transactions[actions->n_transactions++] = transaction;
}

Status log_check_protocol(int32_t min_reader_version, int32_t min_writer_version, Error *err)
{
    (void)min_writer_version; /* what writers must do is asked when something is to be written */
    if (min_reader_version <= DELTA_READER_VERSION)
        return STATUS_OK;
    error_set(err, STATUS_UNSUPPORTED, "the table needs a reader of version %d, and this program is one of version %d",
              min_reader_version, DELTA_READER_VERSION);
    return error_hint(err,
                      "the table uses features such as deletion vectors or column mapping: write a copy without them");
}

static const char *text_member(const json_t *object, const char *key, Arena *arena)
{
    const json_t *member = json_object_get(object, key);
    return json_is_string(member) ? arena_strdup(arena, json_string_value(member)) : NULL;
}

static int64_t integer_member(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *member = json_object_get(object, key);
    return json_is_integer(member) ? json_integer_value(member) : fallback;
}

static Status read_partitions(const json_t *values, LogFile *file, Arena *arena, Error *err)
{
    if (!values || json_is_null(values))
        return STATUS_OK;
    if (!json_is_object(values))
        return error_set(err, STATUS_CORRUPT, "partitionValues is no object");
    file->partitions = ARENA_ARRAY(arena, LogPartition, json_object_size(values) + 1);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)values, key, value)
    {
        const char *text = json_string_value(value); /* an empty text is NULL, by the protocol */
        file->partitions[file->n_partitions++] =
            (LogPartition){arena_strdup(arena, key), text && *text ? arena_strdup(arena, text) : NULL};
    }
    return STATUS_OK;
}

int64_t log_num_records(const char *statistics)
{
    static const char first[] = "{\"numRecords\":";
    if (!statistics)
        return -1;
    if (strncmp(statistics, first, sizeof first - 1) == 0) { /* as every writer has it: no need to parse the rest */
        const char *digits = statistics + sizeof first - 1;
        size_t n = strspn(digits, "0123456789");
        if (n > 0 && n < 19 && (digits[n] == ',' || digits[n] == '}'))
            return strtoll(digits, NULL, 10);
    }
    json_t *root = json_loads(statistics, 0, NULL);
    int64_t n = integer_member(root, "numRecords", -1);
    json_decref(root);
    return n;
}

static Status read_file_action(const json_t *action, bool removed, LogActions *actions, Arena *arena, Error *err)
{
    const char *path = json_string_value(json_object_get(action, "path"));
    if (!path || !*path)
        return error_set(err, STATUS_CORRUPT, "%s without path", removed ? "a remove" : "an add");
    const json_t *vector = json_object_get(action, "deletionVector");
    if (vector && !json_is_null(vector))
        return error_set(err, STATUS_UNSUPPORTED, "the table uses deletion vectors, which are not read");
    LogFile file = {.removed = removed, .data_change = json_is_true(json_object_get(action, "dataChange"))};
    file.file.path = log_decode_path(path, arena);
    file.file.size_bytes = (uint64_t)integer_member(action, "size", 0);
    file.file.modification_time_ms = integer_member(action, "modificationTime", 0);
    file.file.statistics = text_member(action, "stats", arena);
    file.file.num_records = log_num_records(file.file.statistics);
    file.deletion_time_ms = integer_member(action, "deletionTimestamp", 0);
    TRY(read_partitions(json_object_get(action, "partitionValues"), &file, arena, err));
    log_add_file(actions, arena, file);
    return STATUS_OK;
}

Status log_parse_metadata(const char *schema_json, LogMetadata *metadata, Arena *arena, Error *err)
{
    metadata->metadata.schema_json = schema_json;
    TRY(schema_from_json(schema_json, arena, &metadata->metadata.schema, err));
    const Schema *schema = &metadata->metadata.schema;
    uint32_t n = metadata->metadata.n_partition_columns;
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        int column = schema_find(schema, metadata->partition_names[i]);
        if (column < 0)
            return error_set(err, STATUS_CORRUPT, "the partition column %.100s is not in the schema",
                             metadata->partition_names[i]);
        columns[i] = (uint32_t)column;
    }
    metadata->metadata.partition_columns = columns;
    return STATUS_OK;
}

static Status read_metadata(const json_t *action, LogActions *actions, Arena *arena, Error *err)
{
    LogMetadata *result = ARENA_NEW(arena, LogMetadata);
    DeltaMetadata *metadata = &result->metadata;
    const json_t *columns = json_object_get(action, "partitionColumns"),
                 *options = json_object_get(action, "configuration");
    const char *schema = text_member(action, "schemaString", arena);
    metadata->id = text_member(action, "id", arena);
    metadata->name = text_member(action, "name", arena);
    metadata->description = text_member(action, "description", arena);
    metadata->created_time_ms = integer_member(action, "createdTime", 0);
    if (!metadata->id || !schema)
        return error_set(err, STATUS_CORRUPT, "metaData without id or schemaString");
    const char *provider = json_string_value(json_object_get(json_object_get(action, "format"), "provider"));
    if (provider && strcmp(provider, "parquet") != 0)
        return error_set(err, STATUS_UNSUPPORTED, "the table's files are %.40s, not parquet", provider);
    result->partition_names = ARENA_ARRAY(arena, const char *, json_array_size(columns) + 1);
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const char *name = json_string_value(json_array_get(columns, i));
        if (!name)
            return error_set(err, STATUS_CORRUPT, "a partition column without a name");
        result->partition_names[metadata->n_partition_columns++] = arena_strdup(arena, name);
    }
    DeltaProperty *properties = ARENA_ARRAY(arena, DeltaProperty, json_object_size(options) + 1);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)options, key, value)
    {
        if (json_is_string(value))
            properties[metadata->n_configuration++] =
                (DeltaProperty){arena_strdup(arena, key), arena_strdup(arena, json_string_value(value))};
    }
    metadata->configuration = properties;
    actions->metadata = result;
    return log_parse_metadata(schema, result, arena, err);
}

static void read_info(const json_t *action, LogActions *actions, Arena *arena)
{
    actions->operation = text_member(action, "operation", arena);
    actions->engine = text_member(action, "engineInfo", arena);
    actions->commit_id = text_member(action, "txnId", arena);
    actions->user_metadata = text_member(action, "userMetadata", arena);
    actions->timestamp_ms = integer_member(action, "timestamp", -1);
    const char *said = json_string_value(json_object_get(json_object_get(action, "operationMetrics"), "numActions"));
    if (said && *said && strspn(said, "0123456789") == strlen(said) && strlen(said) < 10)
        actions->actions_said = strtoll(said, NULL, 10);
    const json_t *parameters = json_object_get(action, "operationParameters");
    if (!json_is_object(parameters))
        return;
    char *text = json_dumps(parameters, JSON_COMPACT);
    if (text)
        actions->parameters = arena_strdup(arena, text);
    free(text);
}

static Status read_action(const char *name, const json_t *action, LogActions *actions, Arena *arena, Error *err)
{
    if (strcmp(name, "add") == 0)
        return read_file_action(action, false, actions, arena, err);
    if (strcmp(name, "remove") == 0)
        return read_file_action(action, true, actions, arena, err);
    if (strcmp(name, "metaData") == 0)
        return read_metadata(action, actions, arena, err);
    if (strcmp(name, "protocol") == 0) {
        actions->min_reader_version = (int32_t)integer_member(action, "minReaderVersion", 1);
        actions->min_writer_version = (int32_t)integer_member(action, "minWriterVersion", 1);
        return log_check_protocol(actions->min_reader_version, actions->min_writer_version, err);
    }
    if (strcmp(name, "txn") == 0) {
        const char *app_id = text_member(action, "appId", arena);
        if (!app_id || !json_is_integer(json_object_get(action, "version")))
            return error_set(err, STATUS_CORRUPT, "txn without appId or version");
        log_add_transaction(actions, arena,
                            (DeltaTransaction){app_id, integer_member(action, "version", 0),
                                               integer_member(action, "lastUpdated", -1)});
    }
    if (strcmp(name, "commitInfo") == 0)
        read_info(action, actions, arena);
    return STATUS_OK;
}

static Status parse_line(const char *line, size_t size, LogActions *actions, Arena *arena, Error *err)
{
    json_error_t problem;
    json_t *root = json_loadb(line, size, 0, &problem);
    if (!json_is_object(root)) {
        json_decref(root);
        return error_set(err, STATUS_CORRUPT, "the line is no JSON object: %s", problem.text);
    }
    Status status = STATUS_OK;
    const char *name;
    json_t *action;
    json_object_foreach(root, name, action)
    {
        if (status != STATUS_OK || !json_is_object(action))
            continue;
        status = read_action(name, action, actions, arena, err);
        actions->n_actions += strcmp(name, "commitInfo") != 0;
    }
    json_decref(root);
    return status;
}

static Status damaged(Error *err)
{
    return error_hint(err,
                      "bring the entry back from a copy of the table, or go on without it: 'freightlake table fsck "
                      "--repair'; 'query --version N' still reads the versions before it");
}

/* What is wrong with an entry whose lines are all good; NULL: nothing. */
static const char *flaw_of(const LogActions *actions, bool any, Arena *arena)
{
    if (!any) /* no writer makes such a one: what it said is lost */
        return "the log entry is empty";
    if (actions->actions_said < 0 || actions->actions_said == actions->n_actions)
        return NULL;
    return arena_printf(arena, "the log entry is cut short: it has %u of its %lld actions", actions->n_actions,
                        (long long)actions->actions_said);
}

Status log_parse(const char *file, StrView text, Arena *arena, LogActions *ret_actions, Error *err)
{
    LogActions actions = {.timestamp_ms = -1, .actions_said = -1};
    int64_t line = 1;
    bool any = false;
    for (size_t at = 0; at < text.size; line++) {
        const char *start = text.data + at;
        const char *end = memchr(start, '\n', text.size - at);
        size_t size = end ? (size_t)(end - start) : text.size - at;
        at += size + 1;
        while (size > 0 && (start[size - 1] == '\r' || start[size - 1] == ' '))
            size--;
        if (size > 0 && parse_line(start, size, &actions, arena, err) != STATUS_OK) {
            error_at_file(err, file);
            error_at_row(err, line);
            return err->code == STATUS_CORRUPT ? damaged(err) : err->code;
        }
        any = any || size > 0;
    }
    const char *flaw = flaw_of(&actions, any, arena);
    if (flaw) {
        error_set(err, STATUS_CORRUPT, "%s", flaw);
        error_at_file(err, file);
        return damaged(err);
    }
    *ret_actions = actions;
    return STATUS_OK;
}

Status log_read(const char *table, int64_t version, Arena *arena, LogActions *ret_actions, Error *err)
{
    const char *path = log_path(table, version, arena);
    StrView text;
    TRY(storage_read_file(path, LOG_MAX_BYTES, arena, &text, err));
    return log_parse(path, text, arena, ret_actions, err);
}

/* ---- Writing ---- */

void log_append_protocol(Buffer *json)
{
    buffer_printf(json, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d}}\n", DELTA_READER_VERSION,
                  DELTA_WRITER_VERSION);
}

static void append_text_or_null(Buffer *json, const char *text)
{
    if (text)
        text_append_json(json, str_view(text));
    else
        buffer_append_text(json, "null");
}

void log_append_metadata(Buffer *json, const DeltaMetadata *metadata)
{
    Buffer schema;
    buffer_init(&schema, 0);
    if (metadata->schema_json)
        buffer_append_text(&schema, metadata->schema_json);
    else
        schema_append_json(&schema, &metadata->schema);
    buffer_append_text(json, "{\"metaData\":{\"id\":");
    text_append_json(json, str_view(metadata->id));
    if (metadata->name) {
        buffer_append_text(json, ",\"name\":");
        text_append_json(json, str_view(metadata->name));
    }
    if (metadata->description) {
        buffer_append_text(json, ",\"description\":");
        text_append_json(json, str_view(metadata->description));
    }
    buffer_append_text(json, ",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":");
    text_append_json(json, (StrView){(const char *)schema.data, (uint32_t)schema.size});
    buffer_append_text(json, ",\"partitionColumns\":[");
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++) {
        if (i)
            buffer_append_byte(json, ',');
        text_append_json(json, str_view(metadata->schema.fields[metadata->partition_columns[i]].name));
    }
    buffer_append_text(json, "],\"configuration\":{");
    for (uint32_t i = 0; i < metadata->n_configuration; i++) {
        if (i)
            buffer_append_byte(json, ',');
        text_append_json(json, str_view(metadata->configuration[i].key));
        buffer_append_byte(json, ':');
        text_append_json(json, str_view(metadata->configuration[i].value));
    }
    buffer_printf(json, "},\"createdTime\":%lld}}\n", (long long)metadata->created_time_ms);
    buffer_done(&schema);
}

static void append_partition_values(Buffer *json, const DeltaMetadata *metadata, const DeltaFile *file)
{
    buffer_append_text(json, ",\"partitionValues\":{");
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++) {
        if (i)
            buffer_append_byte(json, ',');
        text_append_json(json, str_view(metadata->schema.fields[metadata->partition_columns[i]].name));
        buffer_append_byte(json, ':');
        append_text_or_null(json, file->partition_values[i]);
    }
    buffer_printf(json, "},\"size\":%llu", (unsigned long long)file->size_bytes);
}

void log_append_add(Buffer *json, const DeltaMetadata *metadata, const DeltaFile *file, bool data_change)
{
    buffer_append_text(json, "{\"add\":{\"path\":");
    append_path(json, file->path);
    append_partition_values(json, metadata, file);
    buffer_printf(json, ",\"modificationTime\":%lld,\"dataChange\":%s", (long long)file->modification_time_ms,
                  data_change ? "true" : "false");
    if (file->statistics) {
        buffer_append_text(json, ",\"stats\":");
        text_append_json(json, str_view(file->statistics));
    }
    buffer_append_text(json, "}}\n");
}

void log_append_remove(Buffer *json, const DeltaMetadata *metadata, const DeltaFile *file, bool data_change,
                       int64_t deletion_time_ms)
{
    buffer_append_text(json, "{\"remove\":{\"path\":");
    append_path(json, file->path);
    buffer_printf(json, ",\"deletionTimestamp\":%lld,\"dataChange\":%s,\"extendedFileMetadata\":true",
                  (long long)deletion_time_ms, data_change ? "true" : "false");
    append_partition_values(json, metadata, file);
    buffer_append_text(json, "}}\n");
}

void log_append_transaction(Buffer *json, const DeltaTransaction *transaction)
{
    buffer_append_text(json, "{\"txn\":{\"appId\":");
    text_append_json(json, str_view(transaction->app_id));
    buffer_printf(json, ",\"version\":%lld,\"lastUpdated\":%lld}}\n", (long long)transaction->version,
                  (long long)(transaction->last_updated_ms > 0 ? transaction->last_updated_ms : delta_now_ms()));
}

void log_append_info(Buffer *json, const DeltaCommit *commit, uint32_t n_actions, const char *commit_id,
                     int64_t timestamp_ms, int64_t read_version)
{
    uint64_t rows = 0, bytes = 0;
    for (uint32_t i = 0; i < commit->n_adds; i++) {
        rows += commit->adds[i].num_records > 0 ? (uint64_t)commit->adds[i].num_records : 0;
        bytes += commit->adds[i].size_bytes;
    }
    buffer_printf(json, "{\"commitInfo\":{\"timestamp\":%lld,\"operation\":", (long long)timestamp_ms);
    text_append_json(json, str_view(commit->operation));
    buffer_printf(json, ",\"operationParameters\":%s", commit->parameters ? commit->parameters : "{}");
    if (read_version >= 0)
        buffer_printf(json, ",\"readVersion\":%lld", (long long)read_version);
    if (commit->user_metadata) {
        buffer_append_text(json, ",\"userMetadata\":");
        text_append_json(json, str_view(commit->user_metadata));
    }
    buffer_printf(json,
                  ",\"operationMetrics\":{\"numActions\":\"%u\",\"numAddedFiles\":\"%u\",\"numRemovedFiles\":\"%u\","
                  "\"numOutputRows\":\"%llu\",\"numOutputBytes\":\"%llu\"}",
                  n_actions, commit->n_adds, commit->n_removes, (unsigned long long)rows, (unsigned long long)bytes);
    buffer_printf(json, ",\"isBlindAppend\":%s,\"engineInfo\":\"freightlake %s\",\"txnId\":",
                  commit->n_removes == 0 && commit->rule == DELTA_BLIND_APPEND ? "true" : "false", FREIGHTLAKE_VERSION);
    text_append_json(json, str_view(commit_id));
    buffer_append_text(json, "}}\n");
}
