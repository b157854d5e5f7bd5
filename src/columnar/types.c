/* Facts about the logical types, and the text of a single value. */
#include "columnar/types.h"

#include <stdio.h>
#include <strings.h>

#include "columnar/decimal.h"
#include "columnar/number_text.h"
#include "columnar/time_text.h"

bool type_equal(DataType a, DataType b)
{
    if (a.id != b.id)
        return false;
    return a.id != TYPE_DECIMAL || (a.precision == b.precision && a.scale == b.scale);
}

bool type_is_numeric(DataType type)
{
    switch (type.id) {
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return true;
    default:
        return false;
    }
}

size_t type_width(DataType type)
{
    switch (type.id) {
    case TYPE_NULLTYPE:
    case TYPE_BOOLEAN:
        return 1;
    case TYPE_INT:
    case TYPE_FLOAT:
    case TYPE_DATE:
        return 4;
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_TIMESTAMP:
        return 8;
    case TYPE_DECIMAL:
        return type_is_wide_decimal(type) ? 16 : 8;
    case TYPE_STRING:
    case TYPE_BINARY:
        return sizeof(StrView);
    case TYPE_COUNT:
        break;
    }
    CHECK(type.id < TYPE_COUNT);
    return 0;
}

char *type_name(DataType type, char *text, size_t size)
{
    static const char *const names[TYPE_COUNT] = {"void",    "boolean", "int",       "bigint", "float", "double",
                                                  "decimal", "date",    "timestamp", "string", "binary"};
    CHECK(type.id < TYPE_COUNT);
    if (type.id == TYPE_DECIMAL)
        snprintf(text, size, "decimal(%u,%u)", type.precision, type.scale);
    else
        snprintf(text, size, "%s", names[type.id]);
    return text;
}

int schema_find(const Schema *schema, const char *name)
{
    int found = -1;
    for (uint32_t i = 0; i < schema->n; i++) {
        if (strcmp(schema->fields[i].name, name) == 0)
            return (int)i;
        if (found < 0 && strcasecmp(schema->fields[i].name, name) == 0)
            found = (int)i;
    }
    return found;
}

void value_append_text(Buffer *buffer, const Value *value)
{
    char text[64];
    if (!value->valid || value->type.id == TYPE_NULLTYPE) {
        buffer_append_text(buffer, "NULL");
        return;
    }
    switch (value->type.id) {
    case TYPE_BOOLEAN:
        buffer_append_text(buffer, value->boolean ? "true" : "false");
        break;
    case TYPE_INT:
        buffer_append(buffer, text, number_format_int64(text, value->int32));
        break;
    case TYPE_BIGINT:
        buffer_append(buffer, text, number_format_int64(text, value->int64));
        break;
    case TYPE_FLOAT:
        buffer_append(buffer, text, number_format_float(text, value->float32));
        break;
    case TYPE_DOUBLE:
        buffer_append(buffer, text, number_format_double(text, value->float64));
        break;
    case TYPE_DECIMAL:
        buffer_append(
            buffer, text,
            decimal_format(text, type_is_wide_decimal(value->type) ? value->int128 : value->int64, value->type.scale));
        break;
    case TYPE_DATE:
        buffer_append(buffer, text, date_format(text, value->int32));
        break;
    case TYPE_TIMESTAMP:
        buffer_append(buffer, text, timestamp_format(text, value->int64));
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        buffer_append(buffer, value->string.data, value->string.size);
        break;
    case TYPE_NULLTYPE:
    case TYPE_COUNT:
        break;
    }
}

bool value_equal(const Value *a, const Value *b)
{
    if (!type_equal(a->type, b->type) || a->valid != b->valid)
        return false;
    if (!a->valid)
        return true;
    if (a->type.id == TYPE_STRING || a->type.id == TYPE_BINARY)
        return str_equal(a->string, b->string);
    return memcmp(a->raw, b->raw, type_width(a->type)) == 0;
}
