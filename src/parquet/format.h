/* Parquet's metadata (the format's thrift definitions) as C structs.
 *
 * Plain data for both sides.  Reading: the metadata_decode_* functions fill a zeroed struct; arrays and nothing else
 * come from the arena, texts are views into the decoded bytes.  Writing: the writer encodes with thrift.h.  A `has_x`
 * says that the optional x is there; an optional number without one is absent when it is 0 (or -1 where noted).  Fields
 * that neither side needs (encryption, size statistics) are left out. */
#ifndef FREIGHTLAKE_PARQUET_FORMAT_H
#define FREIGHTLAKE_PARQUET_FORMAT_H

#include "base/text.h"
#include "parquet/format_codes.h"

typedef struct FormatLogicalType {
    FormatLogicalId id;
    int32_t precision;    /* DECIMAL */
    int32_t scale;        /* DECIMAL */
    int32_t bit_width;    /* INTEGER */
    bool is_signed;       /* INTEGER */
    bool adjusted_to_utc; /* TIME, TIMESTAMP */
    FormatTimeUnit unit;  /* TIME, TIMESTAMP */
} FormatLogicalType;

typedef struct FormatSchemaElement {
    StrView name;
    bool has_type; /* a leaf; a group has none */
    FormatType type;
    int32_t type_length;
    FormatRepetition repetition; /* REQUIRED for the root */
    int32_t n_children;
    FormatConvertedType converted;
    int32_t scale;
    int32_t precision;
    bool has_field_id;
    int32_t field_id;
    FormatLogicalType logical;
} FormatSchemaElement;

/* Bounds are PLAIN values without length prefix. */
typedef struct FormatStatistics {
    bool has_null_count;
    bool has_distinct_count;
    bool has_old_min_max; /* the deprecated pair, compared as signed bytes by its writers */
    bool has_min_value;
    bool has_max_value;
    int64_t null_count;
    int64_t distinct_count;
    StrView old_min;
    StrView old_max;
    StrView min_value;
    StrView max_value;
    bool min_is_exact;
    bool max_is_exact;
} FormatStatistics;

typedef struct FormatPageEncodingStats {
    int32_t page_type; /* FormatPageType */
    int32_t encoding;  /* FormatEncoding */
    int32_t count;
} FormatPageEncodingStats;

typedef struct FormatKeyValue {
    StrView key;
    bool has_value;
    StrView value;
} FormatKeyValue;

typedef struct FormatColumnMetaData {
    int32_t type; /* FormatType */
    uint32_t n_encodings;
    const int32_t *encodings; /* FormatEncoding */
    uint32_t n_path;
    const StrView *path;
    int32_t codec; /* FormatCodec */
    int64_t n_values;
    int64_t uncompressed_bytes;
    int64_t compressed_bytes;
    int64_t data_page_offset;
    bool has_dictionary_page_offset;
    int64_t dictionary_page_offset;
    FormatStatistics statistics;
    bool has_encoding_stats;
    uint32_t n_encoding_stats;
    const FormatPageEncodingStats *encoding_stats;
    int64_t bloom_filter_offset; /* 0: none */
} FormatColumnMetaData;

typedef struct FormatColumnChunk {
    StrView file_path; /* of another file; empty for this one */
    bool has_metadata;
    bool encrypted;
    FormatColumnMetaData metadata;
    int64_t offset_index_offset; /* 0: none; so too below */
    int32_t offset_index_bytes;
    int64_t column_index_offset;
    int32_t column_index_bytes;
} FormatColumnChunk;

typedef struct FormatRowGroup {
    uint32_t n_columns;
    const FormatColumnChunk *columns;
    int64_t total_bytes;
    int64_t n_rows;
} FormatRowGroup;

typedef struct FormatFileMetaData {
    int32_t version;
    uint32_t n_schema;
    const FormatSchemaElement *schema;
    int64_t n_rows;
    uint32_t n_row_groups;
    const FormatRowGroup *row_groups;
    uint32_t n_key_values;
    const FormatKeyValue *key_values;
    StrView created_by;
    uint32_t n_column_orders; /* 0: absent; each entry is true for TYPE_DEFINED_ORDER */
    const bool *column_orders;
    bool encrypted;
} FormatFileMetaData;

typedef struct FormatPageHeader {
    int32_t type; /* FormatPageType */
    int32_t uncompressed_bytes;
    int32_t compressed_bytes;
    bool has_crc;
    uint32_t crc;
    bool has_details; /* the header of the page's own type is there: */
    int32_t n_values;
    int32_t encoding;            /* FormatEncoding */
    int32_t definition_encoding; /* v1 */
    int32_t repetition_encoding; /* v1 */
    int32_t n_nulls;             /* v2; v1: -1 */
    int32_t n_rows;              /* v2; v1: -1 */
    int32_t definition_bytes;    /* v2 */
    int32_t repetition_bytes;    /* v2 */
    bool is_compressed;          /* v2; true for the others */
    FormatStatistics statistics;
} FormatPageHeader;

typedef struct FormatPageLocation {
    int64_t offset;
    int32_t compressed_bytes; /* with the page's header */
    int64_t first_row;
} FormatPageLocation;

typedef struct FormatOffsetIndex {
    uint32_t n_pages;
    const FormatPageLocation *pages;
} FormatOffsetIndex;

typedef struct FormatColumnIndex {
    uint32_t n_pages;
    const bool *null_pages;
    const StrView *min_values;
    const StrView *max_values;
    int32_t boundary_order;     /* FormatBoundaryOrder */
    const int64_t *null_counts; /* NULL when absent */
} FormatColumnIndex;

#endif
