/* Spark's StructType in JSON <-> Schema.  Source: PROTOCOL.md, section "Schema Serialization Format". */
#include "delta/log.h"

#include <stdlib.h>
#include <strings.h>

static const struct {
    const char *name;
    TypeId id;
} PRIMITIVES[] = {
    {"string", TYPE_STRING}, {"long", TYPE_BIGINT}, {"integer", TYPE_INT},         {"short", TYPE_INT},
    {"byte", TYPE_INT},      {"float", TYPE_FLOAT}, {"double", TYPE_DOUBLE},       {"boolean", TYPE_BOOLEAN},
    {"binary", TYPE_BINARY}, {"date", TYPE_DATE},   {"timestamp", TYPE_TIMESTAMP},
};

/* "decimal(18,4)" */
static bool parse_decimal(const char *text, DataType *ret)
{
    char *end;
    if (strncmp(text, "decimal(", 8) != 0)
        return false;
    long precision = strtol(text + 8, &end, 10);
    if (*end != ',')
        return false;
    long scale = strtol(end + 1, &end, 10);
    if (strcmp(end, ")") != 0 || precision < 1 || precision > DECIMAL_MAX_PRECISION || scale < 0 || scale > precision)
        return false;
    *ret = DECIMAL_TYPE(precision, scale);
    return true;
}

static DataType type_from_json(const json_t *type)
{
    DataType result = {.id = TYPE_NULLTYPE};
    if (!json_is_string(type))
        return result;
    const char *name = json_string_value(type);
    for (size_t i = 0; i < ARRAY_SIZE(PRIMITIVES); i++)
        if (strcmp(PRIMITIVES[i].name, name) == 0)
            result.id = PRIMITIVES[i].id;
    if (result.id == TYPE_NULLTYPE)
        parse_decimal(name, &result);
    return result;
}

static Status field_from_json(const json_t *field, Schema *schema, Arena *arena, Error *err)
{
    const char *name = json_string_value(json_object_get(field, "name"));
    const json_t *type = json_object_get(field, "type"), *nullable = json_object_get(field, "nullable");
    if (!name || !type || !json_is_boolean(nullable))
        return error_set(err, STATUS_CORRUPT, "a field of the table's schema lacks name, type or nullable");
    if (schema_find(schema, name) >= 0)
        return error_set(err, STATUS_CORRUPT, "the table's schema has the column %.100s twice", name);
    const json_t *metadata = json_object_get(field, "metadata");
    if (json_object_get(metadata, "delta.columnMapping.id"))
        return error_set(err, STATUS_UNSUPPORTED, "the table uses column mapping, which is not read");
    schema->fields[schema->n++] = (Field){arena_strdup(arena, name), type_from_json(type), json_is_true(nullable)};
    return STATUS_OK;
}

Status schema_from_json(const char *text, Arena *arena, Schema *ret_schema, Error *err)
{
    json_error_t problem;
    json_t *root = json_loads(text, 0, &problem);
    const json_t *fields = json_object_get(root, "fields");
    const char *type = json_string_value(json_object_get(root, "type"));
    if (!json_is_array(fields) || !type || strcmp(type, "struct") != 0) {
        json_decref(root);
        return error_set(err, STATUS_CORRUPT, "schemaString is no struct");
    }
    Schema schema = {.fields = ARENA_ARRAY(arena, Field, json_array_size(fields) + 1)};
    Status status = STATUS_OK;
    for (size_t i = 0; i < json_array_size(fields) && status == STATUS_OK; i++)
        status = field_from_json(json_array_get(fields, i), &schema, arena, err);
    json_decref(root);
    if (status == STATUS_OK)
        *ret_schema = schema;
    return status;
}

static void append_type(Buffer *json, DataType type)
{
    if (type.id == TYPE_DECIMAL) {
        buffer_printf(json, "\"decimal(%u,%u)\"", type.precision, type.scale);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(PRIMITIVES); i++)
        if (PRIMITIVES[i].id == type.id) {
            buffer_printf(json, "\"%s\"", PRIMITIVES[i].name);
            return;
        }
    CHECK(type.id != TYPE_NULLTYPE);
}

void schema_append_json(Buffer *json, const Schema *schema)
{
    buffer_append_text(json, "{\"type\":\"struct\",\"fields\":[");
    for (uint32_t i = 0; i < schema->n; i++) {
        buffer_append_text(json, i ? ",{\"name\":" : "{\"name\":");
        text_append_json(json, str_view(schema->fields[i].name));
        buffer_append_text(json, ",\"type\":");
        append_type(json, schema->fields[i].type);
        buffer_printf(json, ",\"nullable\":%s,\"metadata\":{}}", schema->fields[i].nullable ? "true" : "false");
    }
    buffer_append_text(json, "]}");
}

const char *schema_write_obstacle(const char *schema_json, Arena *arena)
{
    static const char *const keys[] = {"delta.invariants", "delta.generationExpression", "delta.identity.start"};
    json_t *root = json_loads(schema_json, 0, NULL);
    const json_t *fields = json_object_get(root, "fields");
    const char *found = NULL;
    for (size_t i = 0; i < json_array_size(fields) && !found; i++) {
        const json_t *field = json_array_get(fields, i), *metadata = json_object_get(field, "metadata");
        const char *name = json_string_value(json_object_get(field, "name"));
        for (size_t k = 0; k < ARRAY_SIZE(keys) && !found; k++)
            if (json_object_get(metadata, keys[k]))
                found = arena_printf(arena, "%s on column %s", keys[k], name ? name : "?");
    }
    json_decref(root);
    return found;
}
