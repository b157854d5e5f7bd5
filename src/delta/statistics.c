/* Statistics of data files: from Parquet footers to the log's JSON, and from that JSON to values.
 *
 * Source: PROTOCOL.md, section "Per-file Statistics".  Bounds may be wider than the values, never narrower: texts are cut
 * (a maximum is rounded up), timestamps are in milliseconds (a maximum is widened by one), decimals read back from JSON
 * numbers are widened where a double cannot hold them. */
#include "delta/log.h"

#include <math.h>

#include "columnar/decimal.h"
#include "columnar/function.h"
#include "columnar/time_text.h"

#define TEXT_BOUND_CHARACTERS 32

/* ---- Making ---- */

static bool has_bounds(DataType type)
{
    switch (type.id) {
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_STRING:
        return true;
    default:
        return false;
    }
}

static int compare_values(const Value *a, const Value *b)
{
    switch (a->type.id) {
    case TYPE_STRING:
        return str_compare(a->string, b->string);
    case TYPE_DOUBLE:
        return (a->float64 > b->float64) - (a->float64 < b->float64);
    case TYPE_FLOAT:
        return (a->float32 > b->float32) - (a->float32 < b->float32);
    case TYPE_INT:
    case TYPE_DATE:
        return (a->int32 > b->int32) - (a->int32 < b->int32);
    default:
        if (type_is_wide_decimal(a->type))
            return (a->int128 > b->int128) - (a->int128 < b->int128);
        return (a->int64 > b->int64) - (a->int64 < b->int64);
    }
}

/* Bytes of the first characters of a text. */
static uint32_t cut_text(StrView text)
{
    uint32_t characters = 0, at = 0;
    while (at < text.size) {
        if (((unsigned char)text.data[at] & 0xc0) != 0x80 && characters++ == TEXT_BOUND_CHARACTERS)
            break;
        at++;
    }
    return at;
}

/* A text that is not below any that begins as this one does; false when none can be made. */
static bool round_up(StrView text, char *to, uint32_t *ret_size)
{
    uint32_t size = cut_text(text);
    memcpy(to, text.data, size);
    *ret_size = size;
    if (size == text.size)
        return true;
    for (uint32_t i = size; i-- > 0;) { /* only ASCII is raised: its successor is a character, too */
        if ((unsigned char)to[i] >= 0x7e)
            continue;
        to[i]++;
        *ret_size = i + 1;
        return true;
    }
    return false;
}

static void append_number(Buffer *json, const Value *value)
{
    char text[64];
    if (value->type.id == TYPE_FLOAT || value->type.id == TYPE_DOUBLE) {
        double number = value->type.id == TYPE_FLOAT ? (double)value->float32 : value->float64;
        buffer_append(json, text, text_format_double(text, number));
    } else if (value->type.id == TYPE_DECIMAL) {
        Int128 unscaled = type_is_wide_decimal(value->type) ? value->int128 : value->int64;
        buffer_append(json, text, decimal_format(text, unscaled, value->type.scale));
    } else {
        buffer_printf(json, "%lld", (long long)(value->type.id == TYPE_INT ? value->int32 : value->int64));
    }
}

static void append_instant(Buffer *json, int64_t micros)
{
    char text[TIME_TEXT_SIZE];
    int64_t millis = micros / 1000 - (micros % 1000 < 0);
    date_format(text, timestamp_day(micros));
    int64_t time = timestamp_time(millis * 1000) / 1000;
    buffer_printf(json, "\"%sT%02lld:%02lld:%02lld.%03lldZ\"", text, (long long)(time / 3600000),
                  (long long)(time / 60000 % 60), (long long)(time / 1000 % 60), (long long)(time % 1000));
}

/* One bound, or nothing when it cannot be given; `name` is written in front. */
static void append_bound(Buffer *json, bool *first, const char *name, const Value *value, bool maximum)
{
    char text[4 * TEXT_BOUND_CHARACTERS + 8];
    uint32_t size = 0;
    if (value->type.id == TYPE_STRING) {
        size = cut_text(value->string);
        if (maximum ? !round_up(value->string, text, &size) : false)
            return;
        if (!maximum)
            memcpy(text, value->string.data, size);
    }
    double number = value->type.id == TYPE_FLOAT ? (double)value->float32 : value->float64;
    if ((value->type.id == TYPE_FLOAT || value->type.id == TYPE_DOUBLE) && !isfinite(number))
        return;
    if (!*first)
        buffer_append_byte(json, ',');
    *first = false;
    text_append_json(json, str_view(name));
    buffer_append_byte(json, ':');
    if (value->type.id == TYPE_STRING) {
        text_append_json(json, (StrView){text, size});
    } else if (value->type.id == TYPE_DATE) {
        date_format(text, value->int32);
        buffer_printf(json, "\"%s\"", text);
    } else if (value->type.id == TYPE_TIMESTAMP) {
        append_instant(json, value->int64);
    } else {
        append_number(json, value);
    }
}

/* The statistics of all row groups of one column; a bound that one of them lacks is lacking. */
static ParquetStatistics file_statistics(const ParquetFile *file, uint32_t column)
{
    ParquetStatistics all = {.has_min_max = true, .has_null_count = true};
    bool first = true;
    for (uint32_t g = 0; g < parquet_row_groups(file); g++) {
        ParquetStatistics one;
        parquet_column_statistics(file, g, column, &one);
        all.has_null_count &= one.has_null_count;
        all.null_count += one.null_count;
        all.n_values += one.n_values;
        if (one.has_null_count && one.null_count == one.n_values)
            continue; /* no value, no bound */
        all.has_min_max &= one.has_min_max;
        if (!all.has_min_max)
            continue;
        if (first || compare_values(&one.min, &all.min) < 0)
            all.min = one.min;
        if (first || compare_values(&one.max, &all.max) > 0)
            all.max = one.max;
        first = false;
    }
    all.has_min_max &= !first;
    return all;
}

Status statistics_of_file(ParquetFile *file, const DeltaMetadata *metadata, Arena *arena, const char **ret_json,
                          int64_t *ret_rows, Error *err)
{
    const Schema *schema = parquet_schema(file);
    ParquetStatistics *all = ARENA_ARRAY(arena, ParquetStatistics, schema->n + 1);
    for (uint32_t i = 0; i < schema->n; i++) {
        const Field *field = &schema->fields[i];
        int column = schema_find(&metadata->schema, field->name);
        if (field->type.id == TYPE_NULLTYPE)
            continue;
        all[i] = file_statistics(file, i);
        bool nulls = !all[i].has_null_count || all[i].null_count > 0;
        if (column >= 0 && !metadata->schema.fields[column].nullable && field->nullable && nulls && all[i].n_values) {
            error_set(err, STATUS_DATA, "the column %s must not be NULL in this table", field->name);
            return error_at_file(err, parquet_path(file));
        }
    }
    Buffer json;
    buffer_init(&json, 0);
    buffer_printf(&json, "{\"numRecords\":%llu", (unsigned long long)parquet_rows(file));
    for (int maximum = 0; maximum < 2; maximum++) {
        bool first = true;
        buffer_append_text(&json, maximum ? "},\"maxValues\":{" : ",\"minValues\":{");
        for (uint32_t i = 0; i < schema->n; i++)
            if (all[i].has_min_max && has_bounds(schema->fields[i].type))
                append_bound(&json, &first, schema->fields[i].name, maximum ? &all[i].max : &all[i].min, maximum);
    }
    buffer_append_text(&json, "},\"nullCount\":{");
    bool first = true;
    for (uint32_t i = 0; i < schema->n; i++) {
        if (!all[i].has_null_count || schema->fields[i].type.id == TYPE_NULLTYPE)
            continue;
        if (!first)
            buffer_append_byte(&json, ',');
        first = false;
        text_append_json(&json, str_view(schema->fields[i].name));
        buffer_printf(&json, ":%llu", (unsigned long long)all[i].null_count);
    }
    buffer_append_text(&json, "}}");
    *ret_json = arena_memdup(arena, json.data, json.size);
    *ret_rows = (int64_t)parquet_rows(file);
    buffer_done(&json);
    return STATUS_OK;
}

/* ---- Reading ---- */

static bool number_bound(const json_t *bound, DataType type, bool maximum, Value *value)
{
    if (!json_is_number(bound))
        return false;
    double number = json_number_value(bound);
    switch (type.id) {
    case TYPE_INT:
        value->int32 = (int32_t)json_integer_value(bound);
        return json_is_integer(bound) && json_integer_value(bound) == value->int32;
    case TYPE_BIGINT:
        value->int64 = json_integer_value(bound);
        return json_is_integer(bound);
    case TYPE_FLOAT:
        value->float32 = (float)number;
        return true;
    case TYPE_DOUBLE:
        value->float64 = number;
        return true;
    default: { /* a decimal: a unit wider than what the double says, and nothing beyond what it can say */
        double unscaled = number * (double)DECIMAL_POWERS[type.scale];
        if (fabs(unscaled) > 0x1p52)
            return false;
        Int128 rounded = (Int128)(maximum ? ceil(unscaled) + 1 : floor(unscaled) - 1);
        if (type_is_wide_decimal(type))
            value->int128 = rounded;
        else
            value->int64 = (int64_t)rounded;
        return true;
    }
    }
}

static bool parse_bound(const json_t *bound, DataType type, bool maximum, Arena *arena, Value *value)
{
    *value = (Value){.type = type, .valid = true};
    if (type.id != TYPE_STRING && type.id != TYPE_DATE && type.id != TYPE_TIMESTAMP)
        return has_bounds(type) && number_bound(bound, type, maximum, value);
    if (!json_is_string(bound))
        return false;
    StrView text = {json_string_value(bound), (uint32_t)json_string_length(bound)};
    if (type.id == TYPE_STRING) {
        value->string = arena_str(arena, text);
        return true;
    }
    if (type.id == TYPE_DATE)
        return date_parse(text, &value->int32);
    if (!timestamp_parse(text, &value->int64))
        return false;
    value->int64 += maximum ? 999 : 0;
    return true;
}

bool delta_file_statistics(const DeltaSnapshot *snapshot, const DeltaFile *file, uint32_t column, Arena *arena,
                           ParquetStatistics *ret_statistics)
{
    const Field *field = &snapshot->metadata.schema.fields[column];
    ParquetStatistics result = {.n_values = file->num_records > 0 ? (uint64_t)file->num_records : 0};
    for (uint32_t p = 0; p < snapshot->metadata.n_partition_columns; p++) {
        if (snapshot->metadata.partition_columns[p] != column)
            continue;
        Error ignored;
        error_init(&ignored);
        Value value;
        if (file->num_records < 0 || delta_partition_value(snapshot, file, p, arena, &value, &ignored) != STATUS_OK)
            return false;
        result.has_null_count = true;
        result.has_min_max = value.valid;
        result.null_count = value.valid ? 0 : result.n_values;
        result.min = result.max = value;
        *ret_statistics = result;
        return true;
    }
    json_t *root = file->statistics ? json_loads(file->statistics, 0, NULL) : NULL;
    if (!root || file->num_records < 0) {
        json_decref(root);
        return false;
    }
    const json_t *nulls = json_object_get(json_object_get(root, "nullCount"), field->name);
    const json_t *low = json_object_get(json_object_get(root, "minValues"), field->name);
    const json_t *high = json_object_get(json_object_get(root, "maxValues"), field->name);
    result.has_null_count = json_is_integer(nulls) && json_integer_value(nulls) >= 0;
    result.null_count = result.has_null_count ? (uint64_t)json_integer_value(nulls) : 0;
    result.has_min_max = low && high && parse_bound(low, field->type, false, arena, &result.min) &&
                         parse_bound(high, field->type, true, arena, &result.max);
    json_decref(root);
    *ret_statistics = result;
    return result.has_null_count || result.has_min_max;
}

Status delta_partition_value(const DeltaSnapshot *snapshot, const DeltaFile *file, uint32_t partition, Arena *arena,
                             Value *ret_value, Error *err)
{
    const Field *field = &snapshot->metadata.schema.fields[snapshot->metadata.partition_columns[partition]];
    const char *text = file->partition_values[partition];
    *ret_value = (Value){.type = field->type};
    if (!text)
        return STATUS_OK;
    Value value = {.type = DATA_TYPE(STRING), .valid = true, .string = str_view(text)};
    Vector source = vector_const(arena, &value, 1), result;
    cast_vector(&source, field->type, arena, &result);
    *ret_value = vector_value(&result, 0);
    if (ret_value->valid)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "'%.80s' is no value of the partition column %s", text, field->name);
    return error_at_file(err, file->path);
}
