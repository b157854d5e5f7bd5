/* What the writer's files share: columns, encoded chunks, and the encoder of one column.
 *
 *   writer.c         the two ways in, row groups, the file
 *   writer_column.c  values of a column -> codes or PLAIN, cut into pages
 *   writer_page.c    pages of one column chunk: levels, codec, CRC, statistics
 *   writer_footer.c  page headers, page index, footer
 *   writer_schema.c  fields -> schema elements and leaves
 *   writer_nested.c  trees of vectors -> levels and values */
#ifndef FREIGHTLAKE_PARQUET_WRITER_INTERNAL_H
#define FREIGHTLAKE_PARQUET_WRITER_INTERNAL_H

#include "parquet/encoder.h"
#include "parquet/format.h"
#include "parquet/writer_nested.h"

/* A leaf of the file's schema. */
typedef struct WriterColumn {
    const char *name;
    DataType type;
    FormatType physical;
    uint32_t max_definition; /* of a column that is not nested: 1 when it may be NULL */
    uint32_t max_repetition;
    uint32_t n_path;
    const StrView *path; /* names from the top level down to the leaf */
} WriterColumn;

typedef struct WriterSchema {
    FormatSchemaElement *elements; /* depth first, the root ahead */
    uint32_t n_elements;
    WriterColumn *columns;
    uint32_t n_columns;
} WriterSchema;

typedef struct PageRecord {
    uint64_t offset; /* in the chunk's data pages */
    uint64_t first_row;
    uint32_t bytes;    /* with the header */
    uint32_t n_values; /* NULLs included */
    uint32_t n_nulls;
    bool has_bounds;
    bool min_exact;
    bool max_exact;
    StrView min; /* as the column index has them */
    StrView max;
} PageRecord;

/* What the footer says about one chunk.  Offsets are within the chunk until it is placed in the file. */
typedef struct ChunkFacts {
    FormatCodec codec;
    uint64_t n_values;
    uint64_t n_nulls;
    uint64_t uncompressed_bytes;
    uint64_t compressed_bytes;
    uint64_t dictionary_bytes; /* of the dictionary page with its header; 0: none */
    uint32_t n_dictionary_coded_pages;
    uint32_t n_delta_coded_pages; /* DELTA_LENGTH_BYTE_ARRAY */
    uint32_t n_pages;
    PageRecord *pages;
    uint64_t file_offset;
    uint64_t column_index_offset, offset_index_offset;
    uint32_t column_index_bytes, offset_index_bytes;
} ChunkFacts;

typedef struct GroupFacts {
    ChunkFacts *chunks;
    uint64_t n_rows;
    uint64_t file_offset;
} GroupFacts;

/* Memory that the columns of one thread's row group use in turn. */
typedef struct WriterScratch {
    Buffer levels;
    Buffer values;
    Buffer joined;
    Buffer compressed;
    Buffer dense;
    Buffer map;
    Buffer codes;
    void *zstd;
} WriterScratch;

typedef struct ColumnSettings {
    ParquetCodec codec;
    uint32_t page_rows;
    bool no_dictionary;
} ColumnSettings;

void writer_scratch_done(WriterScratch *scratch);

/* ---- writer_page.c ---- */

typedef struct PageWriter {
    const WriterColumn *column;
    const ColumnSettings *settings;
    WriterScratch *scratch;
    bool codec_settled;
    uint64_t first_row; /* of the next page */
    Buffer dictionary_page;
    Buffer data_pages;
    Buffer records; /* PageRecord */
    Arena bounds;
    ChunkFacts facts; /* complete only by page_writer_facts */
} PageWriter;

/* The encoded values of a page, and their bounds. */
typedef struct PageValues {
    FormatEncoding encoding;
    const void *bytes;
    size_t size;
    bool has_bounds;
    Value min, max;
} PageValues;

void page_writer_init(PageWriter *writer, const WriterColumn *column, const ColumnSettings *settings,
                      WriterScratch *scratch);
void page_writer_done(PageWriter *writer);
void page_writer_begin(PageWriter *writer);
/* A page of n_rows rows; `valid` has a byte a row, and is read only where some rows, but not all, are NULL. */
Status page_writer_data(PageWriter *writer, const PageValues *values, const uint8_t *valid, uint32_t n_rows,
                        uint32_t n_nulls, Error *err) MUST_CHECK;
/* A page of n_rows whole rows of a nested column with a byte a level; `repetition` is NULL where nothing repeats. */
typedef struct PageLevels {
    const uint8_t *definition;
    const uint8_t *repetition;
    uint32_t n;
    uint32_t n_nulls; /* levels without a value */
} PageLevels;
Status page_writer_nested_data(PageWriter *writer, const PageValues *values, const PageLevels *levels, uint32_t n_rows,
                               Error *err) MUST_CHECK;
/* The chunk's facts, complete. */
const ChunkFacts *page_writer_facts(PageWriter *writer);
/* The chunk's dictionary: n entries in their form in memory. */
Status page_writer_dictionary(PageWriter *writer, const void *entries, uint32_t n, Error *err) MUST_CHECK;

/* ---- writer_column.c ---- */

typedef struct ColumnEncoder ColumnEncoder;

ColumnEncoder *column_encoder_new(const WriterColumn *column, const ColumnSettings *settings, WriterScratch *scratch);
void column_encoder_free(ColumnEncoder *encoder);
/* Forgets the chunk at hand; memory is kept. */
void column_encoder_begin(ColumnEncoder *encoder);
/* Adds all rows of the vector, in pages of page_rows rows or less. */
Status column_encoder_add(ColumnEncoder *encoder, const Vector *vector, Error *err) MUST_CHECK;
/* Adds a vector that is a page by itself (n <= page_rows, no rows pending), of a chunk of chunk_rows rows. */
Status column_encoder_add_page(ColumnEncoder *encoder, const Vector *vector, uint64_t chunk_rows, Error *err)
    MUST_CHECK;
/* Ends the chunk; its facts and bytes live until column_encoder_begin. */
Status column_encoder_finish(ColumnEncoder *encoder, Error *err) MUST_CHECK;
const ChunkFacts *column_encoder_facts(const ColumnEncoder *encoder);
const Buffer *column_encoder_dictionary_page(const ColumnEncoder *encoder);
const Buffer *column_encoder_data_pages(const ColumnEncoder *encoder);
/* Bytes held by the chunk so far. */
size_t column_encoder_bytes(const ColumnEncoder *encoder);

/* ---- writer_footer.c ---- */

/* Appends a page header in Thrift. */
void writer_page_header(const FormatPageHeader *header, Buffer *out);
/* Copies facts into `arena` and places the chunk at file_offset. */
ChunkFacts writer_place_chunk(const ChunkFacts *facts, uint64_t file_offset, Arena *arena);
/* Appends the page indexes of all groups and then the footer with its tail to `out`, which will stand at file_offset. */
void writer_footer(const WriterSchema *schema, GroupFacts *groups, uint32_t n_groups, uint64_t file_offset,
                   Buffer *out);

/* ---- writer_schema.c ---- */

/* The file's schema from its fields, copied into `arena`.  DATA for names twice and types that are none. */
Status writer_schema(const ParquetNestedField *fields, uint32_t n_fields, Arena *arena, WriterSchema *ret_schema,
                     Error *err) MUST_CHECK;

/* ---- writer.c ---- */

struct ParquetWriter {
    StorageWriter *storage;
    WriterSchema schema;
    const ParquetNestedField *fields; /* of a nested writer, else NULL */
    ColumnSettings settings;
    uint32_t group_rows;
    Arena arena; /* file: schema, facts of row groups */
    uint64_t offset;
    Buffer groups;                   /* GroupFacts */
    ParquetEncodedRowGroup *pending; /* rows path */
};

/* Makes room in the file for the chunk's facts and writes its bytes. */
Status writer_append_chunk(ParquetWriter *writer, const ChunkFacts *facts, const Buffer *dictionary_page,
                           const Buffer *data_pages, ChunkFacts *ret_placed, Error *err) MUST_CHECK;

#endif
