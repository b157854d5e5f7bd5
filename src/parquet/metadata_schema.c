/* The schema tree (LogicalTypes.md of the format's specification).
 *
 * The footer holds the tree as a list in depth-first order, each group saying how many children follow.  Definition and
 * repetition levels count the OPTIONAL and REPEATED nodes on the way from the root.  Where both are there the logical
 * type is believed before the older converted type, which says the same with fewer distinctions. */
#include "parquet/metadata_schema.h"

#include <stdio.h>

typedef struct Builder {
    const FormatSchemaElement *elements;
    uint32_t n_elements;
    uint32_t next;
    Arena *arena;
    SchemaTree *tree;
} Builder;

static bool has_logical(const FormatSchemaElement *element, FormatLogicalId id, FormatConvertedType converted)
{
    return element->logical.id == id || (element->logical.id == FORMAT_LOGICAL_NONE && element->converted == converted);
}

static const char *physical_size(const FormatSchemaElement *element, SchemaLeaf *leaf)
{
    static const uint8_t sizes[FORMAT_TYPE_COUNT] = {[FORMAT_BOOLEAN] = 1,
                                                     [FORMAT_INT32] = 4,
                                                     [FORMAT_INT64] = 8,
                                                     [FORMAT_INT96] = 12,
                                                     [FORMAT_FLOAT] = 4,
                                                     [FORMAT_DOUBLE] = 8,
                                                     [FORMAT_BYTE_ARRAY] = sizeof(StrView)};
    if ((int)element->type < 0 || element->type >= FORMAT_TYPE_COUNT)
        return "has an unknown physical type";
    leaf->physical = element->type;
    leaf->physical_bytes = sizes[element->type];
    if (element->type == FORMAT_FIXED_LEN_BYTE_ARRAY) {
        if (element->type_length <= 0)
            return "has a fixed length that is not positive";
        leaf->physical_bytes = (uint32_t)element->type_length;
    }
    return NULL;
}

static void leaf_set(SchemaLeaf *leaf, DataType type, Conversion conversion)
{
    leaf->type = type;
    leaf->conversion = conversion;
}

static void leaf_refuse(SchemaLeaf *leaf, const char *feature)
{
    leaf_set(leaf, DATA_TYPE(NULLTYPE), CONVERT_TO_NULLTYPE);
    leaf->unsupported = feature;
}

static void map_decimal(SchemaLeaf *leaf, const FormatSchemaElement *element)
{
    bool logical = element->logical.id == FORMAT_LOGICAL_DECIMAL;
    int32_t precision = logical ? element->logical.precision : element->precision;
    int32_t scale = logical ? element->logical.scale : element->scale;
    if (precision > DECIMAL_MAX_PRECISION) {
        leaf_refuse(leaf, "a decimal with more than 38 digits");
        return;
    }
    if (precision < 1 || scale < 0 || scale > precision) {
        leaf_refuse(leaf, "a decimal whose precision and scale do not fit each other");
        return;
    }
    DataType type = DECIMAL_TYPE(precision, scale);
    bool wide = type_is_wide_decimal(type);
    switch (leaf->physical) {
    case FORMAT_INT32:
        leaf_set(leaf, type, wide ? CONVERT_INT32_TO_INT128 : CONVERT_INT32_TO_INT64);
        break;
    case FORMAT_INT64:
        leaf_set(leaf, type, wide ? CONVERT_INT64_TO_INT128 : CONVERT_NONE);
        break;
    case FORMAT_FIXED_LEN_BYTE_ARRAY:
        leaf_set(leaf, type, wide ? CONVERT_FIXED_TO_INT128 : CONVERT_FIXED_TO_INT64);
        break;
    case FORMAT_BYTE_ARRAY:
        leaf_set(leaf, type, wide ? CONVERT_BYTES_TO_INT128 : CONVERT_BYTES_TO_INT64);
        break;
    default:
        leaf_refuse(leaf, "a decimal of this physical type");
    }
}

static void map_int32(SchemaLeaf *leaf, const FormatSchemaElement *element)
{
    const FormatLogicalType *logical = &element->logical;
    bool wide_unsigned = logical->id == FORMAT_LOGICAL_INTEGER && !logical->is_signed && logical->bit_width == 32;
    leaf->is_unsigned = (logical->id == FORMAT_LOGICAL_INTEGER && !logical->is_signed) ||
                        (logical->id == FORMAT_LOGICAL_NONE && element->converted >= FORMAT_CONVERTED_UINT_8 &&
                         element->converted <= FORMAT_CONVERTED_UINT_64);
    if (has_logical(element, FORMAT_LOGICAL_DATE, FORMAT_CONVERTED_DATE))
        leaf_set(leaf, DATA_TYPE(DATE), CONVERT_NONE);
    else if (has_logical(element, FORMAT_LOGICAL_TIME, FORMAT_CONVERTED_TIME_MILLIS))
        leaf_refuse(leaf, "the type TIME (time of day)");
    else if (wide_unsigned || (logical->id == FORMAT_LOGICAL_NONE && element->converted == FORMAT_CONVERTED_UINT_32))
        leaf_set(leaf, DATA_TYPE(BIGINT), CONVERT_UINT32_TO_INT64);
    else
        leaf_set(leaf, DATA_TYPE(INT), CONVERT_NONE);
}

static void map_int64(SchemaLeaf *leaf, const FormatSchemaElement *element)
{
    const FormatLogicalType *logical = &element->logical;
    bool old_micros = logical->id == FORMAT_LOGICAL_NONE && element->converted == FORMAT_CONVERTED_TIMESTAMP_MICROS;
    bool old_millis = logical->id == FORMAT_LOGICAL_NONE && element->converted == FORMAT_CONVERTED_TIMESTAMP_MILLIS;
    leaf->is_unsigned = (logical->id == FORMAT_LOGICAL_INTEGER && !logical->is_signed) ||
                        (logical->id == FORMAT_LOGICAL_NONE && element->converted == FORMAT_CONVERTED_UINT_64);
    if (logical->id == FORMAT_LOGICAL_TIMESTAMP || old_micros || old_millis) {
        Conversion conversion = old_millis || logical->unit == FORMAT_UNIT_MILLIS ? CONVERT_MILLIS_TO_MICROS
                                : logical->unit == FORMAT_UNIT_NANOS              ? CONVERT_NANOS_TO_MICROS
                                                                                  : CONVERT_NONE;
        leaf_set(leaf, DATA_TYPE(TIMESTAMP), conversion);
    } else if (has_logical(element, FORMAT_LOGICAL_TIME, FORMAT_CONVERTED_TIME_MICROS)) {
        leaf_refuse(leaf, "the type TIME (time of day)");
    } else if (leaf->is_unsigned) {
        leaf_set(leaf, DECIMAL_TYPE(20, 0), CONVERT_UINT64_TO_INT128);
    } else {
        leaf_set(leaf, DATA_TYPE(BIGINT), CONVERT_NONE);
    }
}

static void map_byte_array(SchemaLeaf *leaf, const FormatSchemaElement *element)
{
    if (has_logical(element, FORMAT_LOGICAL_STRING, FORMAT_CONVERTED_UTF8) ||
        has_logical(element, FORMAT_LOGICAL_ENUM, FORMAT_CONVERTED_ENUM) ||
        has_logical(element, FORMAT_LOGICAL_JSON, FORMAT_CONVERTED_JSON))
        leaf_set(leaf, DATA_TYPE(STRING), CONVERT_NONE);
    else
        leaf_set(leaf, DATA_TYPE(BINARY), CONVERT_NONE);
}

static void map_fixed(SchemaLeaf *leaf, const FormatSchemaElement *element)
{
    if (element->logical.id == FORMAT_LOGICAL_FLOAT16 && element->type_length == 2)
        leaf_set(leaf, DATA_TYPE(FLOAT), CONVERT_FLOAT16_TO_FLOAT);
    else if (element->logical.id == FORMAT_LOGICAL_NONE && element->converted == FORMAT_CONVERTED_INTERVAL)
        leaf_refuse(leaf, "the type INTERVAL");
    else
        leaf_set(leaf, DATA_TYPE(BINARY), CONVERT_FIXED_TO_BINARY);
}

static const char *map_leaf(const FormatSchemaElement *element, SchemaLeaf *leaf)
{
    const char *problem = physical_size(element, leaf);
    if (problem)
        return problem;
    if (element->logical.id == FORMAT_LOGICAL_UNKNOWN) {
        leaf_set(leaf, DATA_TYPE(NULLTYPE), CONVERT_TO_NULLTYPE);
        return NULL;
    }
    if (has_logical(element, FORMAT_LOGICAL_DECIMAL, FORMAT_CONVERTED_DECIMAL)) {
        map_decimal(leaf, element);
        return NULL;
    }
    switch (leaf->physical) {
    case FORMAT_BOOLEAN:
        leaf_set(leaf, DATA_TYPE(BOOLEAN), CONVERT_NONE);
        break;
    case FORMAT_INT32:
        map_int32(leaf, element);
        break;
    case FORMAT_INT64:
        map_int64(leaf, element);
        break;
    case FORMAT_INT96:
        leaf_set(leaf, DATA_TYPE(TIMESTAMP), CONVERT_INT96_TO_MICROS);
        break;
    case FORMAT_FLOAT:
        leaf_set(leaf, DATA_TYPE(FLOAT), CONVERT_NONE);
        break;
    case FORMAT_DOUBLE:
        leaf_set(leaf, DATA_TYPE(DOUBLE), CONVERT_NONE);
        break;
    case FORMAT_BYTE_ARRAY:
        map_byte_array(leaf, element);
        break;
    default:
        map_fixed(leaf, element);
    }
    return NULL;
}

/* LIST and MAP are groups around one repeated child; anything else that is repeated stands for itself.  A map without
 * values is a list of its keys. */
static SchemaGroup group_of(const FormatSchemaElement *element, const SchemaNode *node)
{
    if (node->n_children != 1 || node->children[0].element->repetition != FORMAT_REPEATED)
        return SCHEMA_STRUCT;
    if (has_logical(element, FORMAT_LOGICAL_LIST, FORMAT_CONVERTED_LIST))
        return SCHEMA_LIST;
    if (has_logical(element, FORMAT_LOGICAL_MAP, FORMAT_CONVERTED_MAP) ||
        has_logical(element, FORMAT_LOGICAL_MAP, FORMAT_CONVERTED_MAP_KEY_VALUE))
        return node->children[0].n_children == 2 ? SCHEMA_MAP : SCHEMA_LIST;
    return SCHEMA_STRUCT;
}

static Status schema_error(const Builder *builder, const char *name, const char *problem, Error *err)
{
    error_set(err, STATUS_CORRUPT, "the file's schema is broken: element %u %s", builder->next, problem);
    return error_at_column(err, name);
}

static Status build_leaf(Builder *builder, SchemaNode *node, const char *path, Error *err)
{
    SchemaTree *tree = builder->tree;
    SchemaLeaf *leaf = &tree->leaves[tree->n_leaves];
    *leaf = (SchemaLeaf){.path = path,
                         .chunk = tree->n_leaves,
                         .element = node->element,
                         .max_definition = node->definition,
                         .max_repetition = node->repetition};
    const char *problem = map_leaf(node->element, leaf);
    if (problem)
        return schema_error(builder, path, problem, err);
    tree->n_leaves++;
    node->leaf = leaf;
    node->group = SCHEMA_LEAF;
    return STATUS_OK;
}

/* The element at builder->next and all below it. */
static Status build_node(Builder *builder, const SchemaNode *parent, const char *parent_path, uint32_t depth,
                         SchemaNode *node, Error *err)
{
    if (builder->next >= builder->n_elements)
        return schema_error(builder, parent_path, "is missing", err);
    if (depth > SCHEMA_MAX_DEPTH)
        return schema_error(builder, parent_path, "is nested too deep", err);
    const FormatSchemaElement *element = &builder->elements[builder->next];
    if ((int)element->repetition < 0 || element->repetition >= FORMAT_REPETITION_COUNT)
        return schema_error(builder, parent_path, "has an unknown repetition", err);
    builder->next++;
    node->element = element;
    node->name = arena_memdup(builder->arena, element->name.data, element->name.size);
    const char *path = node->name;
    if (parent) {
        node->definition = (uint8_t)(parent->definition + (element->repetition != FORMAT_REQUIRED));
        node->repetition = (uint8_t)(parent->repetition + (element->repetition == FORMAT_REPEATED));
        if (parent_path[0])
            path = arena_printf(builder->arena, "%s.%s", parent_path, node->name);
    } else {
        path = "";
    }
    if (parent && element->n_children == 0 && element->has_type)
        return build_leaf(builder, node, path, err);
    if (element->n_children < 0 || (uint32_t)element->n_children > builder->n_elements - builder->next)
        return schema_error(builder, path, "has more children than there are elements", err);
    node->n_children = (uint32_t)element->n_children;
    node->children = ARENA_ARRAY(builder->arena, SchemaNode, node->n_children + 1);
    for (uint32_t i = 0; i < node->n_children; i++)
        TRY(build_node(builder, node, path, depth + 1, &node->children[i], err));
    node->group = group_of(element, node);
    return STATUS_OK;
}

Status schema_tree_build(const FormatFileMetaData *metadata, Arena *arena, SchemaTree *ret_tree, Error *err)
{
    SchemaTree tree = {.leaves = ARENA_ARRAY(arena, SchemaLeaf, metadata->n_schema + 1)};
    Builder builder = {.elements = metadata->schema, .n_elements = metadata->n_schema, .arena = arena, .tree = &tree};
    TRY(build_node(&builder, NULL, "", 0, &tree.root, err));
    if (builder.next != builder.n_elements)
        return schema_error(&builder, "", "belongs to no group", err);
    *ret_tree = tree;
    return STATUS_OK;
}
