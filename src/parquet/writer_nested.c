/* Trees of vectors become levels and values, leaf by leaf (the "Dremel" form that parquet.thrift describes).
 *
 * For one leaf only the chain of nodes from the top down to it matters.  The walk goes down the chain for each row; where
 * an entry is NULL, or a list is empty, it ends with a pair of levels and no value.  Pages end at rows. */
#include "parquet/writer_nested.h"

#include <string.h>

#include "parquet/writer_internal.h"

#define MAX_CHAIN 64
#define PAGE_BYTES ((size_t)1 << 20)

typedef struct Shredder {
    const ParquetNestedField *fields[MAX_CHAIN]; /* from the top down to the leaf */
    const ParquetNode *nodes[MAX_CHAIN];
    bool nullable[MAX_CHAIN];
    uint32_t n_chain;
    uint32_t width; /* of a value in memory */
    size_t text_bytes;
    Buffer definition, repetition, values;
    uint32_t n_values;
    WriterScratch scratch;
    PageWriter pages;
    /* the row group */
    ParquetWriter *writer;
    GroupFacts facts;
    uint32_t n_rows;
    uint32_t leaf;
} Shredder;

static bool entry_is_valid(const ParquetNode *node, uint32_t entry)
{
    if (node->kind == PARQUET_NODE_LEAF)
        return node->values.type.id != TYPE_NULLTYPE && vector_is_valid(&node->values, entry);
    return !node->valid || node->valid[entry];
}

static void push_levels(Shredder *shredder, uint32_t repetition, uint32_t definition)
{
    buffer_append_byte(&shredder->repetition, (uint8_t)repetition);
    buffer_append_byte(&shredder->definition, (uint8_t)definition);
}

static void push_value(Shredder *shredder, const Vector *vector, uint32_t entry)
{
    const uint8_t *data = vector_entries(vector)->data;
    const uint8_t *value = data + (size_t)vector_position(vector, entry) * shredder->width;
    buffer_append(&shredder->values, value, shredder->width);
    if (vector->type.id == TYPE_STRING || vector->type.id == TYPE_BINARY)
        shredder->text_bytes += ((const StrView *)(const void *)value)->size;
    shredder->n_values++;
}

/* Entry `entry` of link `link`; `lists` counts the lists and maps above it. */
static Status shred(Shredder *shredder, uint32_t link, uint32_t entry, uint32_t lists, uint32_t repetition,
                    uint32_t definition, Error *err)
{
    const ParquetNode *node = shredder->nodes[link];
    if (!entry_is_valid(node, entry)) {
        if (!shredder->nullable[link]) {
            error_set(err, STATUS_DATA, "a NULL stands in a field that may have none");
            return error_at_column(err, shredder->fields[link]->name);
        }
        push_levels(shredder, repetition, definition);
        return STATUS_OK;
    }
    definition += shredder->nullable[link];
    if (node->kind == PARQUET_NODE_LEAF) {
        push_levels(shredder, repetition, definition);
        push_value(shredder, &node->values, entry);
        return STATUS_OK;
    }
    if (node->kind == PARQUET_NODE_STRUCT)
        return shred(shredder, link + 1, entry, lists, repetition, definition, err);
    uint32_t first = node->offsets[entry], end = node->offsets[entry + 1];
    if (first == end)
        push_levels(shredder, repetition, definition);
    for (uint32_t i = first; i < end; i++)
        TRY(shred(shredder, link + 1, i, lists + 1, i == first ? repetition : lists + 1, definition + 1, err));
    return STATUS_OK;
}

static Status flush_page(Shredder *shredder, DataType type, uint32_t n_rows, Error *err)
{
    PageLevels levels = {.definition = shredder->definition.data,
                         .repetition = shredder->repetition.data,
                         .n = (uint32_t)shredder->definition.size,
                         .n_nulls = (uint32_t)shredder->definition.size - shredder->n_values};
    if (shredder->definition.size > INT32_MAX)
        return error_set(err, STATUS_DATA, "a page has more values than the format allows");
    PageValues values = {.encoding = FORMAT_PLAIN};
    if (shredder->n_values) {
        Buffer *plain = &shredder->scratch.values;
        buffer_clear(plain);
        encoder_plain(type, shredder->values.data, shredder->n_values, plain);
        values.bytes = plain->data;
        values.size = plain->size;
        values.has_bounds = encoder_bounds(type, shredder->values.data, shredder->n_values, &values.min, &values.max);
    }
    TRY(page_writer_nested_data(&shredder->pages, &values, &levels, n_rows, err));
    buffer_clear(&shredder->definition);
    buffer_clear(&shredder->repetition);
    buffer_clear(&shredder->values);
    shredder->n_values = 0;
    shredder->text_bytes = 0;
    return STATUS_OK;
}

/* The chain in hand ends at a leaf: writes its column chunk. */
static Status write_leaf(Shredder *shredder, Error *err)
{
    const WriterColumn *column = &shredder->writer->schema.columns[shredder->leaf];
    DataType type = column->type;
    const ParquetNode *leaf = shredder->nodes[shredder->n_chain - 1];
    if (leaf->kind != PARQUET_NODE_LEAF || (leaf->values.type.id != type.id && leaf->values.type.id != TYPE_NULLTYPE))
        return error_set(err, STATUS_INTERNAL, "the tree of column %s does not fit its schema", column->name);
    shredder->width = (uint32_t)type_width(type);
    page_writer_done(&shredder->pages);
    page_writer_init(&shredder->pages, column, &shredder->writer->settings, &shredder->scratch);
    uint32_t page_rows = 0;
    for (uint32_t row = 0; row < shredder->n_rows; row++) {
        TRY(shred(shredder, 0, row, 0, 0, 0, err));
        page_rows++;
        bool is_full = page_rows == shredder->writer->settings.page_rows ||
                       shredder->text_bytes + shredder->values.size + shredder->definition.size >= PAGE_BYTES;
        if (is_full || row + 1 == shredder->n_rows) {
            TRY(flush_page(shredder, type, page_rows, err));
            page_rows = 0;
        }
    }
    TRY(writer_append_chunk(shredder->writer, page_writer_facts(&shredder->pages), &shredder->pages.dictionary_page,
                            &shredder->pages.data_pages, &shredder->facts.chunks[shredder->leaf], err));
    shredder->leaf++;
    return STATUS_OK;
}

static Status write_field(Shredder *shredder, const ParquetNestedField *field, const ParquetNode *node, bool nullable,
                          Error *err)
{
    if (node->kind != field->kind || (field->kind != PARQUET_NODE_LEAF && node->n_children != field->n_children))
        return error_set(err, STATUS_INTERNAL, "the tree of column %s does not fit its schema", field->name);
    CHECK(shredder->n_chain < MAX_CHAIN);
    shredder->fields[shredder->n_chain] = field;
    shredder->nodes[shredder->n_chain] = node;
    shredder->nullable[shredder->n_chain] = nullable;
    shredder->n_chain++;
    if (field->kind == PARQUET_NODE_LEAF)
        TRY(write_leaf(shredder, err));
    else
        for (uint32_t i = 0; i < field->n_children; i++)
            TRY(write_field(shredder, &field->children[i], &node->children[i],
                            field->children[i].nullable && !(field->kind == PARQUET_NODE_MAP && i == 0), err));
    shredder->n_chain--;
    return STATUS_OK;
}

static Status write_fields(Shredder *shredder, const ParquetNode *columns, Error *err)
{
    ParquetWriter *writer = shredder->writer;
    for (uint32_t i = 0; i < (uint32_t)writer->schema.elements[0].n_children; i++) {
        if (columns[i].n != shredder->n_rows)
            return error_set(err, STATUS_INTERNAL, "column %s has %u entries for %u rows", writer->fields[i].name,
                             columns[i].n, shredder->n_rows);
        bool is_null = writer->fields[i].kind == PARQUET_NODE_LEAF && writer->fields[i].type.id == TYPE_NULLTYPE;
        TRY(write_field(shredder, &writer->fields[i], &columns[i], writer->fields[i].nullable || is_null, err));
    }
    buffer_append(&writer->groups, &shredder->facts, sizeof shredder->facts);
    return STATUS_OK;
}

Status parquet_write_nested(ParquetWriter *writer, const ParquetNode *columns, uint32_t n_rows, Error *err)
{
    CHECK(writer->fields);
    if (n_rows == 0)
        return STATUS_OK;
    Shredder *shredder = mem_zalloc(sizeof *shredder);
    shredder->writer = writer;
    shredder->n_rows = n_rows;
    shredder->facts = (GroupFacts){.n_rows = n_rows,
                                   .file_offset = writer->offset,
                                   .chunks = ARENA_ARRAY(&writer->arena, ChunkFacts, writer->schema.n_columns)};
    Status status = write_fields(shredder, columns, err);
    page_writer_done(&shredder->pages);
    writer_scratch_done(&shredder->scratch);
    buffer_done(&shredder->definition);
    buffer_done(&shredder->repetition);
    buffer_done(&shredder->values);
    mem_free(shredder);
    return status;
}
