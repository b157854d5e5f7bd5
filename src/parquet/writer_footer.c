/* The metadata that a writer puts around its pages (parquet.thrift; PageIndex.md).
 *
 * A chunk with a page whose bounds are unknown (NaN) gets no column index, since that has no way to say
 * so for a single page. */
#include <string.h>

#include "parquet/thrift.h"
#include "parquet/writer_internal.h"

#define CREATED_BY "freightlake version " FREIGHTLAKE_VERSION
#define FORMAT_VERSION 2

void writer_page_header(const FormatPageHeader *header, Buffer *out)
{
    ThriftWriter thrift;
    thrift_writer_init(&thrift, out);
    thrift_write_struct_begin(&thrift);
    thrift_write_i32(&thrift, 1, header->type);
    thrift_write_i32(&thrift, 2, header->uncompressed_bytes);
    thrift_write_i32(&thrift, 3, header->compressed_bytes);
    thrift_write_i32(&thrift, 4, (int32_t)header->crc);
    if (header->type == FORMAT_DATA_PAGE) {
        thrift_write_struct(&thrift, 5);
        thrift_write_i32(&thrift, 1, header->n_values);
        thrift_write_i32(&thrift, 2, header->encoding);
        thrift_write_i32(&thrift, 3, header->definition_encoding);
        thrift_write_i32(&thrift, 4, header->repetition_encoding);
        thrift_write_struct_end(&thrift);
    } else {
        thrift_write_struct(&thrift, 7);
        thrift_write_i32(&thrift, 1, header->n_values);
        thrift_write_i32(&thrift, 2, header->encoding);
        thrift_write_struct_end(&thrift);
    }
    thrift_write_struct_end(&thrift);
}

ChunkFacts writer_place_chunk(const ChunkFacts *facts, uint64_t file_offset, Arena *arena)
{
    ChunkFacts placed = *facts;
    placed.file_offset = file_offset;
    placed.pages = ARENA_ARRAY(arena, PageRecord, facts->n_pages);
    for (uint32_t i = 0; i < facts->n_pages; i++) {
        PageRecord *page = &placed.pages[i];
        *page = facts->pages[i];
        page->offset += file_offset + facts->dictionary_bytes;
        if (page->has_bounds) {
            page->min.data = arena_memdup(arena, page->min.data, page->min.size);
            page->max.data = arena_memdup(arena, page->max.data, page->max.size);
        }
    }
    return placed;
}

/* ---- bounds in their written form ---- */

#define COMPARE_AS(T)                                                                                                  \
    do {                                                                                                               \
        T x, y;                                                                                                        \
        memcpy(&x, a.data, sizeof x);                                                                                  \
        memcpy(&y, b.data, sizeof y);                                                                                  \
        return (x > y) - (x < y);                                                                                      \
    } while (0)

static int compare_bounds(FormatType physical, StrView a, StrView b)
{
    switch (physical) {
    case FORMAT_INT32:
        COMPARE_AS(int32_t);
    case FORMAT_INT64:
        COMPARE_AS(int64_t);
    case FORMAT_FLOAT:
        COMPARE_AS(float);
    case FORMAT_DOUBLE:
        COMPARE_AS(double);
    case FORMAT_FIXED_LEN_BYTE_ARRAY: {
        int sign_a = (int8_t)a.data[0] < 0, sign_b = (int8_t)b.data[0] < 0;
        return sign_a != sign_b ? sign_b - sign_a : memcmp(a.data, b.data, a.size);
    }
    default:
        return str_compare(a, b);
    }
}

typedef struct ChunkBounds {
    bool known; /* for all pages that hold values */
    bool any;   /* some page holds values */
    StrView min, max;
    bool min_exact, max_exact;
    FormatBoundaryOrder order;
} ChunkBounds;

/* On equal bytes an exact bound wins: the value itself is there, and no other goes beyond it. */
static ChunkBounds chunk_bounds(FormatType physical, const ChunkFacts *facts)
{
    ChunkBounds bounds = {.known = true};
    bool ascending = true, descending = true;
    const PageRecord *previous = NULL;
    for (uint32_t i = 0; i < facts->n_pages; i++) {
        const PageRecord *page = &facts->pages[i];
        if (page->n_nulls == page->n_values)
            continue;
        bounds.any = true;
        if (!page->has_bounds) {
            bounds.known = false;
            return bounds;
        }
        int below = previous ? compare_bounds(physical, page->min, bounds.min) : -1;
        int above = previous ? compare_bounds(physical, page->max, bounds.max) : 1;
        if (below < 0 || (below == 0 && page->min_exact)) {
            bounds.min = page->min;
            bounds.min_exact = page->min_exact;
        }
        if (above > 0 || (above == 0 && page->max_exact)) {
            bounds.max = page->max;
            bounds.max_exact = page->max_exact;
        }
        if (previous) {
            int by_min = compare_bounds(physical, previous->min, page->min);
            int by_max = compare_bounds(physical, previous->max, page->max);
            ascending &= by_min <= 0 && by_max <= 0;
            descending &= by_min >= 0 && by_max >= 0;
        }
        previous = page;
    }
    bounds.order = ascending ? FORMAT_ASCENDING : descending ? FORMAT_DESCENDING : FORMAT_UNORDERED;
    return bounds;
}

/* ---- page index ---- */

static void write_column_index(const ChunkFacts *facts, FormatBoundaryOrder order, Buffer *out)
{
    ThriftWriter thrift;
    thrift_writer_init(&thrift, out);
    thrift_write_struct_begin(&thrift);
    thrift_write_list(&thrift, 1, THRIFT_TRUE, facts->n_pages);
    for (uint32_t i = 0; i < facts->n_pages; i++)
        thrift_write_bool_element(&thrift, facts->pages[i].n_nulls == facts->pages[i].n_values);
    thrift_write_list(&thrift, 2, THRIFT_BINARY, facts->n_pages);
    for (uint32_t i = 0; i < facts->n_pages; i++)
        thrift_write_binary_element(&thrift, facts->pages[i].min);
    thrift_write_list(&thrift, 3, THRIFT_BINARY, facts->n_pages);
    for (uint32_t i = 0; i < facts->n_pages; i++)
        thrift_write_binary_element(&thrift, facts->pages[i].max);
    thrift_write_i32(&thrift, 4, (int32_t)order);
    thrift_write_list(&thrift, 5, THRIFT_I64, facts->n_pages);
    for (uint32_t i = 0; i < facts->n_pages; i++)
        thrift_write_i64_element(&thrift, facts->pages[i].n_nulls);
    thrift_write_struct_end(&thrift);
}

static void write_offset_index(const ChunkFacts *facts, Buffer *out)
{
    ThriftWriter thrift;
    thrift_writer_init(&thrift, out);
    thrift_write_struct_begin(&thrift);
    thrift_write_list(&thrift, 1, THRIFT_STRUCT, facts->n_pages);
    for (uint32_t i = 0; i < facts->n_pages; i++) {
        thrift_write_struct_begin(&thrift);
        thrift_write_i64(&thrift, 1, (int64_t)facts->pages[i].offset);
        thrift_write_i32(&thrift, 2, (int32_t)facts->pages[i].bytes);
        thrift_write_i64(&thrift, 3, (int64_t)facts->pages[i].first_row);
        thrift_write_struct_end(&thrift);
    }
    thrift_write_struct_end(&thrift);
}

static void write_page_indexes(const WriterColumn *columns, uint32_t n_columns, GroupFacts *groups, uint32_t n_groups,
                               uint64_t file_offset, Buffer *out)
{
    for (uint32_t g = 0; g < n_groups; g++) {
        for (uint32_t i = 0; i < n_columns; i++) {
            ChunkFacts *facts = &groups[g].chunks[i];
            ChunkBounds bounds = chunk_bounds(columns[i].physical, facts);
            if (!bounds.known || facts->n_pages == 0)
                continue;
            facts->column_index_offset = file_offset + out->size;
            write_column_index(facts, bounds.order, out);
            facts->column_index_bytes = (uint32_t)(file_offset + out->size - facts->column_index_offset);
        }
    }
    for (uint32_t g = 0; g < n_groups; g++) {
        for (uint32_t i = 0; i < n_columns; i++) {
            ChunkFacts *facts = &groups[g].chunks[i];
            if (facts->n_pages == 0)
                continue;
            facts->offset_index_offset = file_offset + out->size;
            write_offset_index(facts, out);
            facts->offset_index_bytes = (uint32_t)(file_offset + out->size - facts->offset_index_offset);
        }
    }
}

/* ---- schema ---- */

static void write_logical_type(ThriftWriter *thrift, const FormatLogicalType *logical)
{
    thrift_write_struct(thrift, 10);
    thrift_write_struct(thrift, (int16_t)logical->id);
    if (logical->id == FORMAT_LOGICAL_DECIMAL) {
        thrift_write_i32(thrift, 1, logical->scale);
        thrift_write_i32(thrift, 2, logical->precision);
    } else if (logical->id == FORMAT_LOGICAL_TIMESTAMP) {
        thrift_write_bool(thrift, 1, logical->adjusted_to_utc);
        thrift_write_struct(thrift, 2);
        thrift_write_empty_struct(thrift, (int16_t)logical->unit);
        thrift_write_struct_end(thrift);
    }
    thrift_write_struct_end(thrift);
    thrift_write_struct_end(thrift);
}

static void write_schema(ThriftWriter *thrift, const WriterSchema *schema)
{
    thrift_write_list(thrift, 2, THRIFT_STRUCT, schema->n_elements);
    for (uint32_t i = 0; i < schema->n_elements; i++) {
        const FormatSchemaElement *element = &schema->elements[i];
        thrift_write_struct_begin(thrift);
        if (element->has_type)
            thrift_write_i32(thrift, 1, element->type);
        if (element->type_length)
            thrift_write_i32(thrift, 2, element->type_length);
        if (i > 0)
            thrift_write_i32(thrift, 3, element->repetition);
        thrift_write_binary(thrift, 4, element->name);
        if (!element->has_type)
            thrift_write_i32(thrift, 5, element->n_children);
        if (element->converted != FORMAT_CONVERTED_NONE)
            thrift_write_i32(thrift, 6, element->converted);
        if (element->converted == FORMAT_CONVERTED_DECIMAL) {
            thrift_write_i32(thrift, 7, element->scale);
            thrift_write_i32(thrift, 8, element->precision);
        }
        if (element->logical.id != FORMAT_LOGICAL_NONE)
            write_logical_type(thrift, &element->logical);
        thrift_write_struct_end(thrift);
    }
}

/* ---- row groups ---- */

static void write_statistics(ThriftWriter *thrift, const WriterColumn *column, const ChunkFacts *facts)
{
    ChunkBounds bounds = chunk_bounds(column->physical, facts);
    thrift_write_struct(thrift, 12);
    thrift_write_i64(thrift, 3, (int64_t)facts->n_nulls);
    if (bounds.known && bounds.any) {
        thrift_write_binary(thrift, 5, bounds.max);
        thrift_write_binary(thrift, 6, bounds.min);
        thrift_write_bool(thrift, 7, bounds.max_exact);
        thrift_write_bool(thrift, 8, bounds.min_exact);
    }
    thrift_write_struct_end(thrift);
}

static void write_encoding_stats(ThriftWriter *thrift, FormatPageType page, FormatEncoding encoding, uint32_t n)
{
    thrift_write_struct_begin(thrift);
    thrift_write_i32(thrift, 1, page);
    thrift_write_i32(thrift, 2, encoding);
    thrift_write_i32(thrift, 3, (int32_t)n);
    thrift_write_struct_end(thrift);
}

static void write_chunk_metadata(ThriftWriter *thrift, const WriterColumn *column, const ChunkFacts *facts)
{
    uint32_t coded = facts->n_dictionary_coded_pages, delta = facts->n_delta_coded_pages;
    uint32_t plain = facts->n_pages - coded - delta;
    thrift_write_struct(thrift, 3);
    thrift_write_i32(thrift, 1, column->physical);
    bool has_plain = coded || plain || !facts->n_pages; /* a dictionary is PLAIN */
    thrift_write_list(thrift, 2, THRIFT_I32, 1 + has_plain + (coded > 0) + (delta > 0));
    if (has_plain)
        thrift_write_i32_element(thrift, FORMAT_PLAIN);
    thrift_write_i32_element(thrift, FORMAT_RLE);
    if (coded)
        thrift_write_i32_element(thrift, FORMAT_RLE_DICTIONARY);
    if (delta)
        thrift_write_i32_element(thrift, FORMAT_DELTA_LENGTH_BYTE_ARRAY);
    thrift_write_list(thrift, 3, THRIFT_BINARY, column->n_path);
    for (uint32_t i = 0; i < column->n_path; i++)
        thrift_write_binary_element(thrift, column->path[i]);
    thrift_write_i32(thrift, 4, facts->codec);
    thrift_write_i64(thrift, 5, (int64_t)facts->n_values);
    thrift_write_i64(thrift, 6, (int64_t)facts->uncompressed_bytes);
    thrift_write_i64(thrift, 7, (int64_t)facts->compressed_bytes);
    thrift_write_i64(thrift, 9, (int64_t)(facts->file_offset + facts->dictionary_bytes));
    if (facts->dictionary_bytes)
        thrift_write_i64(thrift, 11, (int64_t)facts->file_offset);
    write_statistics(thrift, column, facts);
    thrift_write_list(thrift, 13, THRIFT_STRUCT, (coded ? 2 : 0) + (plain ? 1 : 0) + (delta ? 1 : 0));
    if (coded) {
        write_encoding_stats(thrift, FORMAT_DICTIONARY_PAGE, FORMAT_PLAIN, 1);
        write_encoding_stats(thrift, FORMAT_DATA_PAGE, FORMAT_RLE_DICTIONARY, coded);
    }
    if (plain)
        write_encoding_stats(thrift, FORMAT_DATA_PAGE, FORMAT_PLAIN, plain);
    if (delta)
        write_encoding_stats(thrift, FORMAT_DATA_PAGE, FORMAT_DELTA_LENGTH_BYTE_ARRAY, delta);
    thrift_write_struct_end(thrift);
}

static void write_row_group(ThriftWriter *thrift, const WriterColumn *columns, uint32_t n_columns,
                            const GroupFacts *group, uint32_t ordinal)
{
    uint64_t uncompressed = 0, compressed = 0;
    thrift_write_struct_begin(thrift);
    thrift_write_list(thrift, 1, THRIFT_STRUCT, n_columns);
    for (uint32_t i = 0; i < n_columns; i++) {
        const ChunkFacts *facts = &group->chunks[i];
        uncompressed += facts->uncompressed_bytes;
        compressed += facts->compressed_bytes;
        thrift_write_struct_begin(thrift);
        thrift_write_i64(thrift, 2, 0); /* deprecated, and 0 by the format's advice */
        write_chunk_metadata(thrift, &columns[i], facts);
        if (facts->offset_index_bytes) {
            thrift_write_i64(thrift, 4, (int64_t)facts->offset_index_offset);
            thrift_write_i32(thrift, 5, (int32_t)facts->offset_index_bytes);
        }
        if (facts->column_index_bytes) {
            thrift_write_i64(thrift, 6, (int64_t)facts->column_index_offset);
            thrift_write_i32(thrift, 7, (int32_t)facts->column_index_bytes);
        }
        thrift_write_struct_end(thrift);
    }
    thrift_write_i64(thrift, 2, (int64_t)uncompressed);
    thrift_write_i64(thrift, 3, (int64_t)group->n_rows);
    thrift_write_i64(thrift, 5, (int64_t)group->file_offset);
    thrift_write_i64(thrift, 6, (int64_t)compressed);
    if (ordinal <= INT16_MAX)
        thrift_write_i16(thrift, 7, (int16_t)ordinal);
    thrift_write_struct_end(thrift);
}

void writer_footer(const WriterSchema *schema, GroupFacts *groups, uint32_t n_groups, uint64_t file_offset, Buffer *out)
{
    const WriterColumn *columns = schema->columns;
    uint32_t n_columns = schema->n_columns;
    write_page_indexes(columns, n_columns, groups, n_groups, file_offset, out);
    size_t start = out->size;
    uint64_t n_rows = 0;
    for (uint32_t g = 0; g < n_groups; g++)
        n_rows += groups[g].n_rows;
    ThriftWriter thrift;
    thrift_writer_init(&thrift, out);
    thrift_write_struct_begin(&thrift);
    thrift_write_i32(&thrift, 1, FORMAT_VERSION);
    write_schema(&thrift, schema);
    thrift_write_i64(&thrift, 3, (int64_t)n_rows);
    thrift_write_list(&thrift, 4, THRIFT_STRUCT, n_groups);
    for (uint32_t g = 0; g < n_groups; g++)
        write_row_group(&thrift, columns, n_columns, &groups[g], g);
    thrift_write_text(&thrift, 6, CREATED_BY);
    thrift_write_list(&thrift, 7, THRIFT_STRUCT, n_columns);
    for (uint32_t i = 0; i < n_columns; i++) {
        thrift_write_struct_begin(&thrift);
        thrift_write_empty_struct(&thrift, 1); /* the type's own order */
        thrift_write_struct_end(&thrift);
    }
    thrift_write_struct_end(&thrift);
    uint32_t size = (uint32_t)(out->size - start);
    buffer_append(out, &size, 4);
    buffer_append(out, PARQUET_MAGIC, 4);
}
