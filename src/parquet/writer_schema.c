/* The schema of a file to be written: fields become schema elements, depth first, and leaves with their levels
 * (parquet.thrift, SchemaElement; LogicalTypes.md).
 *
 * Logical types are given both ways, as LogicalType and as the older ConvertedType, so that old readers see dates and
 * decimals too. */
#include <string.h>

#include "parquet/writer_internal.h"

#define MAX_COLUMNS 65536u
#define MAX_DEPTH 16 /* of nested fields */
#define MAX_PATH (2 * MAX_DEPTH + 1)

typedef struct SchemaBuilder {
    WriterSchema schema;
    Arena *arena;
    StrView path[MAX_PATH];
    uint32_t n_path;
} SchemaBuilder;

static FormatType physical_type(DataType type)
{
    switch (type.id) {
    case TYPE_BOOLEAN:
        return FORMAT_BOOLEAN;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        return FORMAT_INT64;
    case TYPE_FLOAT:
        return FORMAT_FLOAT;
    case TYPE_DOUBLE:
        return FORMAT_DOUBLE;
    case TYPE_DECIMAL:
        return type_is_wide_decimal(type) ? FORMAT_FIXED_LEN_BYTE_ARRAY : FORMAT_INT64;
    case TYPE_STRING:
    case TYPE_BINARY:
        return FORMAT_BYTE_ARRAY;
    default:
        return FORMAT_INT32;
    }
}

static void set_logical_type(FormatSchemaElement *element, DataType type)
{
    switch (type.id) {
    case TYPE_NULLTYPE:
        element->logical.id = FORMAT_LOGICAL_UNKNOWN;
        break;
    case TYPE_STRING:
        element->logical.id = FORMAT_LOGICAL_STRING;
        element->converted = FORMAT_CONVERTED_UTF8;
        break;
    case TYPE_DATE:
        element->logical.id = FORMAT_LOGICAL_DATE;
        element->converted = FORMAT_CONVERTED_DATE;
        break;
    case TYPE_DECIMAL:
        element->logical =
            (FormatLogicalType){.id = FORMAT_LOGICAL_DECIMAL, .precision = type.precision, .scale = type.scale};
        element->converted = FORMAT_CONVERTED_DECIMAL;
        element->precision = type.precision;
        element->scale = type.scale;
        break;
    case TYPE_TIMESTAMP:
        element->logical =
            (FormatLogicalType){.id = FORMAT_LOGICAL_TIMESTAMP, .adjusted_to_utc = true, .unit = FORMAT_UNIT_MICROS};
        element->converted = FORMAT_CONVERTED_TIMESTAMP_MICROS;
        break;
    default:
        break;
    }
}

static FormatSchemaElement *add_element(SchemaBuilder *builder, StrView name, FormatRepetition repetition)
{
    FormatSchemaElement *element = &builder->schema.elements[builder->schema.n_elements++];
    *element = (FormatSchemaElement){.name = name, .repetition = repetition, .converted = FORMAT_CONVERTED_NONE};
    return element;
}

static void add_leaf(SchemaBuilder *builder, const ParquetNestedField *field, StrView name, uint32_t definition,
                     uint32_t repetition, bool nullable)
{
    FormatSchemaElement *element = add_element(builder, name, nullable ? FORMAT_OPTIONAL : FORMAT_REQUIRED);
    element->has_type = true;
    element->type = physical_type(field->type);
    if (element->type == FORMAT_FIXED_LEN_BYTE_ARRAY)
        element->type_length = (int32_t)encoder_plain_width(field->type);
    set_logical_type(element, field->type);
    StrView *path = ARENA_ARRAY(builder->arena, StrView, builder->n_path);
    memcpy(path, builder->path, sizeof(StrView) * builder->n_path);
    builder->schema.columns[builder->schema.n_columns++] = (WriterColumn){.name = name.data,
                                                                          .type = field->type,
                                                                          .physical = element->type,
                                                                          .max_definition = definition + nullable,
                                                                          .max_repetition = repetition,
                                                                          .n_path = builder->n_path,
                                                                          .path = path};
}

static void add_field(SchemaBuilder *builder, const ParquetNestedField *field, const char *name, uint32_t definition,
                      uint32_t repetition, bool nullable)
{
    StrView kept = str_view(arena_strdup(builder->arena, name));
    builder->path[builder->n_path++] = kept;
    definition += field->kind == PARQUET_NODE_LEAF ? 0 : nullable;
    if (field->kind == PARQUET_NODE_LEAF) {
        add_leaf(builder, field, kept, definition, repetition, nullable);
    } else if (field->kind == PARQUET_NODE_STRUCT) {
        add_element(builder, kept, nullable ? FORMAT_OPTIONAL : FORMAT_REQUIRED)->n_children =
            (int32_t)field->n_children;
        for (uint32_t i = 0; i < field->n_children; i++)
            add_field(builder, &field->children[i], field->children[i].name, definition, repetition,
                      field->children[i].nullable);
    } else {
        bool map = field->kind == PARQUET_NODE_MAP;
        FormatSchemaElement *element = add_element(builder, kept, nullable ? FORMAT_OPTIONAL : FORMAT_REQUIRED);
        element->n_children = 1;
        element->logical.id = map ? FORMAT_LOGICAL_MAP : FORMAT_LOGICAL_LIST;
        element->converted = map ? FORMAT_CONVERTED_MAP : FORMAT_CONVERTED_LIST;
        StrView group = str_view(map ? "key_value" : "list");
        builder->path[builder->n_path++] = group;
        add_element(builder, group, FORMAT_REPEATED)->n_children = (int32_t)field->n_children;
        for (uint32_t i = 0; i < field->n_children; i++)
            add_field(builder, &field->children[i],
                      !map ? "element"
                      : i  ? "value"
                           : "key",
                      definition + 1, repetition + 1, field->children[i].nullable && !(map && i == 0));
        builder->n_path--;
    }
    builder->n_path--;
}

/* Checks fields and adds up what they need. */
static Status count_fields(const ParquetNestedField *fields, uint32_t n, uint32_t depth, uint32_t *elements,
                           uint32_t *leaves, Error *err)
{
    if (n == 0 || n > MAX_COLUMNS || depth == MAX_DEPTH)
        return error_set(err, STATUS_DATA, "a Parquet file has 1 to %u columns, up to %d levels deep", MAX_COLUMNS,
                         MAX_DEPTH);
    for (uint32_t i = 0; i < n; i++) {
        const ParquetNestedField *field = &fields[i];
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(fields[k].name, field->name) == 0) {
                error_set(err, STATUS_DATA, "two columns are called '%s'", field->name);
                return error_hint(err, "give one of them another name with AS");
            }
        }
        DataType type = field->type;
        if (field->kind == PARQUET_NODE_LEAF && type.id == TYPE_DECIMAL &&
            (type.precision < 1 || type.precision > DECIMAL_MAX_PRECISION || type.scale > type.precision)) {
            error_set(err, STATUS_DATA, "decimal(%u,%u) is no type", type.precision, type.scale);
            return error_at_column(err, field->name);
        }
        *elements += field->kind == PARQUET_NODE_LIST || field->kind == PARQUET_NODE_MAP ? 2 : 1;
        *leaves += field->kind == PARQUET_NODE_LEAF;
        if (field->kind != PARQUET_NODE_LEAF) {
            CHECK(field->kind != PARQUET_NODE_LIST || field->n_children == 1);
            CHECK(field->kind != PARQUET_NODE_MAP || field->n_children == 2);
            TRY(count_fields(field->children, field->n_children, depth + 1, elements, leaves, err));
        }
    }
    return STATUS_OK;
}

Status writer_schema(const ParquetNestedField *fields, uint32_t n_fields, Arena *arena, WriterSchema *ret_schema,
                     Error *err)
{
    uint32_t elements = 1, leaves = 0;
    TRY(count_fields(fields, n_fields, 0, &elements, &leaves, err));
    SchemaBuilder builder = {.arena = arena};
    builder.schema.elements = ARENA_ARRAY(arena, FormatSchemaElement, elements);
    builder.schema.columns = ARENA_ARRAY(arena, WriterColumn, leaves);
    add_element(&builder, str_view("schema"), FORMAT_REQUIRED)->n_children = (int32_t)n_fields;
    for (uint32_t i = 0; i < n_fields; i++)
        add_field(&builder, &fields[i], fields[i].name, 0, 0,
                  fields[i].nullable || (fields[i].kind == PARQUET_NODE_LEAF && fields[i].type.id == TYPE_NULLTYPE));
    *ret_schema = builder.schema;
    return STATUS_OK;
}
