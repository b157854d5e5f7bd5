/* The schema of a Parquet file as a tree, with each leaf's logical type mapped to a DataType.
 *
 * Types without a mapping (TIME, INTERVAL, decimals beyond 38 digits, ...) do not make the file unreadable: the leaf
 * carries the feature's name in `unsupported` and only reading it fails. */
#ifndef FREIGHTLAKE_PARQUET_METADATA_SCHEMA_H
#define FREIGHTLAKE_PARQUET_METADATA_SCHEMA_H

#include "columnar/types.h"
#include "parquet/format.h"

#define SCHEMA_MAX_DEPTH 48

/* How a leaf's physical values (see encoding_values.h) become the memory form of its DataType. */
typedef enum Conversion {
    CONVERT_NONE,
    CONVERT_INT32_TO_INT64,
    CONVERT_UINT32_TO_INT64,
    CONVERT_INT32_TO_INT128,
    CONVERT_INT64_TO_INT128,
    CONVERT_UINT64_TO_INT128,
    CONVERT_MILLIS_TO_MICROS,
    CONVERT_NANOS_TO_MICROS, /* rounds down */
    CONVERT_INT96_TO_MICROS, /* nanoseconds of the day, then the Julian day; rounds down */
    CONVERT_FLOAT16_TO_FLOAT,
    CONVERT_FIXED_TO_INT64, /* big-endian two's complement, so too below */
    CONVERT_FIXED_TO_INT128,
    CONVERT_BYTES_TO_INT64,
    CONVERT_BYTES_TO_INT128,
    CONVERT_FIXED_TO_BINARY,
    CONVERT_TO_NULLTYPE
} Conversion;

typedef struct SchemaLeaf {
    const char *path; /* "a.b.c" */
    uint32_t chunk;   /* index among the columns of each row group */
    const FormatSchemaElement *element;
    FormatType physical;
    uint32_t physical_bytes; /* of one physical value: FIXED_LEN_BYTE_ARRAY's length; BYTE_ARRAY is a StrView */
    DataType type;
    Conversion conversion;
    bool is_unsigned;        /* statistics compare without sign */
    const char *unsupported; /* the feature's name; NULL when the leaf can be read */
    uint8_t max_definition;
    uint8_t max_repetition;
} SchemaLeaf;

typedef enum SchemaGroup { SCHEMA_LEAF, SCHEMA_STRUCT, SCHEMA_LIST, SCHEMA_MAP } SchemaGroup;

typedef struct SchemaNode SchemaNode;
struct SchemaNode {
    const char *name;
    const FormatSchemaElement *element;
    SchemaGroup group;
    uint8_t definition; /* levels at which this node is present */
    uint8_t repetition;
    uint32_t n_children;
    SchemaNode *children;
    const SchemaLeaf *leaf; /* SCHEMA_LEAF only */
};

typedef struct SchemaTree {
    SchemaNode root;
    uint32_t n_leaves;
    SchemaLeaf *leaves; /* in the order of the row groups' columns */
} SchemaTree;

/* CORRUPT when the elements form no tree or a leaf's type is none. */
Status schema_tree_build(const FormatFileMetaData *metadata, Arena *arena, SchemaTree *ret_tree, Error *err) MUST_CHECK;

#endif
