/* Nested columns: from definition and repetition levels to a tree of vectors (LogicalTypes.md, "Nested Types").
 *
 * Every leaf is read whole: a pair of levels for each of its values, NULLs and empty lists included, and the values
 * that are present.  A node's entries are then found by going over the levels of any leaf below it: within a context of
 * R repeated ancestors, the innermost of them present at definition level D, an entry starts at each pair with
 * repetition <= R and definition >= D, and it is not NULL where the definition reaches the node's own level.  Below a
 * repeated node the context is (R + 1, that node's level).  Leaves of one struct must agree on the number of entries.
 * */
#include "parquet/parquet_nested.h"

#include "parquet/reader_internal.h"

#define STEP 65536

/* One leaf, read whole. */
typedef struct LeafData {
    const SchemaLeaf *leaf;
    uint32_t n;
    Buffer repetition;
    Buffer definition;
    Buffer values; /* present ones, in the memory form of the leaf's type */
} LeafData;

typedef struct NestedReader {
    ParquetFile *file;
    uint32_t row_group;
    const char *const *wanted;
    uint32_t n_wanted;
    Arena *arena;
    size_t reserved;
    LeafData *leaves; /* in the order of the schema */
    uint32_t n_leaves;
} NestedReader;

typedef struct Context {
    uint8_t repetition;
    uint8_t definition;
} Context;

/* Whether `path` is `wanted` or lies below it. */
static bool path_matches(const char *path, const char *wanted)
{
    size_t size = strlen(wanted);
    return strncmp(path, wanted, size) == 0 && (path[size] == '\0' || path[size] == '.');
}

static bool leaf_wanted(const NestedReader *reader, const SchemaLeaf *leaf)
{
    for (uint32_t i = 0; i < reader->n_wanted; i++)
        if (path_matches(leaf->path, reader->wanted[i]))
            return true;
    return !reader->wanted;
}

static void collect_leaves(NestedReader *reader, const SchemaNode *node)
{
    if (node->leaf && leaf_wanted(reader, node->leaf))
        reader->leaves[reader->n_leaves++].leaf = node->leaf;
    for (uint32_t i = 0; i < node->n_children; i++)
        collect_leaves(reader, &node->children[i]);
}

static Status reserve(NestedReader *reader, size_t bytes, Error *err)
{
    TRY(budget_reserve(reader->file->budget, bytes, "a nested column", err));
    reader->reserved += bytes;
    return STATUS_OK;
}

static Status append_values(NestedReader *reader, LeafData *data, const Vector *values, Error *err)
{
    size_t bytes = values->n * type_width(values->type);
    bool strings = values->type.id == TYPE_STRING || values->type.id == TYPE_BINARY;
    StrView *views = values->data;
    size_t text = 0;
    for (uint32_t i = 0; strings && i < values->n; i++)
        text += views[i].size;
    TRY(reserve(reader, bytes + text, err));
    if (strings) {
        char *memory = arena_alloc(reader->arena, text + 1);
        for (uint32_t i = 0; i < values->n; i++) {
            memcpy(memory, views[i].data, views[i].size);
            views[i].data = memory;
            memory += views[i].size;
        }
    }
    buffer_append(&data->values, values->data, bytes);
    return STATUS_OK;
}

static Status read_steps(NestedReader *reader, ChunkReader *chunk, LeafData *data, Error *err)
{
    for (;;) {
        const uint8_t *repetition, *definition;
        uint32_t n;
        Vector values;
        TRY(chunk_reader_read_levels(chunk, STEP, &repetition, &definition, &n, &values, err));
        if (n == 0)
            return STATUS_OK;
        if (n > UINT32_MAX - 1 - data->n)
            return error_set(err, STATUS_UNSUPPORTED,
                             "nested columns of more than 4294967294 values are not supported");
        TRY(reserve(reader, 2 * (size_t)n, err));
        buffer_append(&data->repetition, repetition, n);
        buffer_append(&data->definition, definition, n);
        TRY(append_values(reader, data, &values, err));
        data->n += n;
    }
}

static Status read_leaf(NestedReader *reader, LeafData *data, Error *err)
{
    ParquetFile *file = reader->file;
    ChunkRange range;
    TRY(chunk_range(file, reader->row_group, data->leaf, &range, err));
    TRY(reserve(reader, range.size, err));
    uint8_t *bytes CLEANUP(mem_cleanup) = mem_alloc(range.size + UNPACK_SLACK);
    memset(bytes + range.size, 0, UNPACK_SLACK);
    if (range.size)
        TRY(storage_read(file->reader, range.offset, bytes, range.size, err));
    Arena dictionaries;
    arena_init(&dictionaries);
    ChunkReader chunk = {.dictionary_arena = &dictionaries,
                         .dictionary_reserved = &reader->reserved,
                         .buffers_reserved = &reader->reserved};
    Status status = chunk_reader_start(&chunk, file, reader->row_group, data->leaf, bytes, range, err);
    /* Values are taken out of the dictionary at once, whatever the pages' encodings are. */
    chunk.facts.dictionary_only = false;
    if (status == STATUS_OK)
        status = read_steps(reader, &chunk, data, err);
    chunk_reader_done(&chunk);
    arena_done(&dictionaries);
    return status;
}

/* ---- Assembly ---- */

static Status levels_disagree(const NestedReader *reader, const char *name, Error *err)
{
    error_set(err, STATUS_CORRUPT, "row group %u: the levels of nested columns do not fit each other",
              reader->row_group);
    error_at_column(err, name);
    return error_at_file(err, reader->file->reader->path);
}

/* The first leaf below `node` that was read; NULL when none was. */
static LeafData *data_below(const NestedReader *reader, const SchemaNode *node)
{
    if (node->leaf) {
        for (uint32_t i = 0; i < reader->n_leaves; i++)
            if (reader->leaves[i].leaf == node->leaf)
                return &reader->leaves[i];
        return NULL;
    }
    for (uint32_t i = 0; i < node->n_children; i++) {
        LeafData *data = data_below(reader, &node->children[i]);
        if (data)
            return data;
    }
    return NULL;
}

static bool starts_entry(const LeafData *data, uint32_t i, Context context)
{
    return data->repetition.data[i] <= context.repetition && data->definition.data[i] >= context.definition;
}

static uint32_t count_entries(const LeafData *data, Context context)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < data->n; i++)
        n += starts_entry(data, i, context);
    return n;
}

/* Marks entries whose definition does not reach `definition` as NULL. */
static void fill_valid(NestedReader *reader, const LeafData *data, Context context, uint8_t definition,
                       ParquetNode *node)
{
    uint8_t *valid = arena_alloc(reader->arena, (size_t)node->n + 1);
    uint32_t entry = 0, present = 0;
    for (uint32_t i = 0; i < data->n; i++)
        if (starts_entry(data, i, context)) {
            valid[entry] = data->definition.data[i] >= definition;
            present += valid[entry++];
        }
    node->valid = present < node->n ? valid : NULL;
}

/* offsets of the entries into the elements, which stand in the context `inner`. */
static Status fill_offsets(NestedReader *reader, const LeafData *data, Context context, Context inner,
                           ParquetNode *node, Error *err)
{
    node->offsets = ARENA_ARRAY(reader->arena, uint32_t, (size_t)node->n + 1);
    uint32_t entry = 0, elements = 0;
    for (uint32_t i = 0; i < data->n; i++) {
        if (starts_entry(data, i, context))
            node->offsets[entry++] = elements;
        if (starts_entry(data, i, inner)) {
            if (entry == 0)
                return levels_disagree(reader, data->leaf->path, err);
            elements++;
        }
    }
    node->offsets[entry] = elements;
    return STATUS_OK;
}

static void build_leaf(NestedReader *reader, const LeafData *data, Context context, ParquetNode *node)
{
    size_t width = type_width(data->leaf->type);
    Vector values = vector_new(reader->arena, data->leaf->type, node->n, data->leaf->max_definition > 0);
    const uint8_t *next = data->values.data;
    uint8_t *out = values.data;
    uint32_t entry = 0;
    bool is_string = data->leaf->type.id == TYPE_STRING || data->leaf->type.id == TYPE_BINARY;
    for (uint32_t i = 0; i < data->n; i++) {
        bool present = data->definition.data[i] == data->leaf->max_definition;
        if (starts_entry(data, i, context)) {
            if (present && data->leaf->conversion != CONVERT_TO_NULLTYPE)
                memcpy(out + entry * width, next, width);
            else if (is_string)
                ((StrView *)values.data)[entry] = (StrView){"", 0};
            else
                memset(out + entry * width, 0, width);
            if (values.valid)
                values.valid[entry] = present;
            entry++;
        }
        next += present ? width : 0;
    }
    node->kind = PARQUET_NODE_LEAF;
    node->values = values;
    node->valid = values.valid;
}

static Status build_node(NestedReader *reader, const SchemaNode *schema, Context context, bool is_element,
                         ParquetNode *node, Error *err);

/* The children of `schema` that were read, each with `n` entries in `context`. */
static Status build_children(NestedReader *reader, const SchemaNode *schema, Context context, uint32_t n,
                             ParquetNode *node, Error *err)
{
    node->children = ARENA_ARRAY(reader->arena, ParquetNode, schema->n_children);
    for (uint32_t i = 0; i < schema->n_children; i++) {
        if (!data_below(reader, &schema->children[i]))
            continue;
        ParquetNode *child = &node->children[node->n_children++];
        TRY(build_node(reader, &schema->children[i], context, false, child, err));
        if (child->n != n)
            return levels_disagree(reader, schema->name, err);
    }
    return STATUS_OK;
}

/* The element of a list: the repeated node itself or its one child, by the rules for old writers' lists. */
static const SchemaNode *list_element(const SchemaNode *list)
{
    const SchemaNode *repeated = &list->children[0];
    size_t size = strlen(list->name);
    bool tuple = strncmp(repeated->name, list->name, size) == 0 && strcmp(repeated->name + size, "_tuple") == 0;
    if (repeated->leaf || repeated->n_children != 1 || strcmp(repeated->name, "array") == 0 || tuple ||
        repeated->children[0].repetition > repeated->repetition)
        return repeated;
    return &repeated->children[0];
}

static Status build_list(NestedReader *reader, const SchemaNode *repeated, const SchemaNode *element,
                         const LeafData *data, Context context, ParquetNode *node, Error *err)
{
    Context inner = {.repetition = (uint8_t)(context.repetition + 1), .definition = repeated->definition};
    node->kind = PARQUET_NODE_LIST;
    node->n_children = 1;
    node->children = ARENA_NEW(reader->arena, ParquetNode);
    TRY(fill_offsets(reader, data, context, inner, node, err));
    TRY(build_node(reader, element, inner, element == repeated, node->children, err));
    return node->children->n == node->offsets[node->n] ? STATUS_OK : levels_disagree(reader, repeated->name, err);
}

static Status build_map(NestedReader *reader, const SchemaNode *map, const LeafData *data, Context context,
                        ParquetNode *node, Error *err)
{
    const SchemaNode *pair = &map->children[0];
    Context inner = {.repetition = (uint8_t)(context.repetition + 1), .definition = pair->definition};
    node->kind = PARQUET_NODE_MAP;
    TRY(fill_offsets(reader, data, context, inner, node, err));
    return build_children(reader, pair, inner, node->offsets[node->n], node, err);
}

/* is_element: the node is repeated, and `context` is within it already. */
static Status build_node(NestedReader *reader, const SchemaNode *schema, Context context, bool is_element,
                         ParquetNode *node, Error *err)
{
    const LeafData *data = data_below(reader, schema);
    TRY(reserve(reader, (size_t)data->n * 8, err));
    node->name = schema->name;
    node->n = count_entries(data, context);
    if (schema->element->repetition == FORMAT_REPEATED && !is_element)
        return build_list(reader, schema, schema, data, context, node, err);
    if (schema->leaf) {
        build_leaf(reader, data, context, node);
        return STATUS_OK;
    }
    fill_valid(reader, data, context, schema->definition, node);
    if (schema->group == SCHEMA_LIST)
        return build_list(reader, &schema->children[0], list_element(schema), data, context, node, err);
    if (schema->group == SCHEMA_MAP)
        return build_map(reader, schema, data, context, node, err);
    node->kind = PARQUET_NODE_STRUCT;
    return build_children(reader, schema, context, node->n, node, err);
}

static Status read_column(NestedReader *reader, const SchemaNode *schema, ParquetNode **ret_node, Error *err)
{
    for (uint32_t i = 0; i < reader->n_leaves; i++)
        if (read_leaf(reader, &reader->leaves[i], err) != STATUS_OK)
            return chunk_error(reader->file, reader->row_group, reader->leaves[i].leaf, err);
    ParquetNode *node = ARENA_NEW(reader->arena, ParquetNode);
    TRY(build_node(reader, schema, (Context){0, 0}, false, node, err));
    if (node->n != parquet_row_group_rows(reader->file, reader->row_group))
        return levels_disagree(reader, schema->name, err);
    *ret_node = node;
    return STATUS_OK;
}

Status parquet_read_nested(ParquetFile *file, uint32_t row_group, uint32_t column, const char *const *wanted,
                           uint32_t n_wanted, Arena *arena, ParquetNode **ret_node, Error *err)
{
    CHECK(row_group < file->metadata.n_row_groups && column < file->tree.root.n_children);
    const SchemaNode *schema = &file->tree.root.children[column];
    NestedReader reader = {
        .file = file, .row_group = row_group, .wanted = wanted, .n_wanted = n_wanted, .arena = arena};
    reader.leaves = mem_zalloc((file->tree.n_leaves + 1) * sizeof *reader.leaves);
    collect_leaves(&reader, schema);
    Status status;
    if (reader.n_leaves == 0) {
        error_set(err, STATUS_DATA, "no leaf of the nested column is wanted");
        error_at_column(err, schema->name);
        status = error_at_file(err, file->reader->path);
    } else {
        status = read_column(&reader, schema, ret_node, err);
    }
    for (uint32_t i = 0; i < reader.n_leaves; i++) {
        buffer_done(&reader.leaves[i].repetition);
        buffer_done(&reader.leaves[i].definition);
        buffer_done(&reader.leaves[i].values);
    }
    mem_free(reader.leaves);
    budget_release(file->budget, reader.reserved);
    return status;
}
