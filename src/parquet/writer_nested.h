/* Writing nested columns: structs, lists and maps, as Delta's checkpoints have them.
 *
 * Rows go in as whole row groups, each column as a tree of vectors in the shape that parquet_read_nested gives.  Lists
 * and maps get the three-level form of LogicalTypes.md ("list.element", "key_value.key", "key_value.value").  Values are
 * PLAIN; they have statistics, page index and CRCs like all others.  parquet_finish and parquet_writer_free end the
 * file. */
#ifndef FREIGHTLAKE_PARQUET_WRITER_NESTED_H
#define FREIGHTLAKE_PARQUET_WRITER_NESTED_H

#include "parquet/parquet_nested.h"
#include "parquet/writer.h"

typedef struct ParquetNestedField ParquetNestedField;
struct ParquetNestedField {
    const char *name;
    ParquetNodeKind kind;
    DataType type;       /* LEAF */
    bool nullable;       /* a map's keys never are */
    uint32_t n_children; /* STRUCT: any; LIST: 1, the element; MAP: 2, key and value */
    const ParquetNestedField *children;
};

/* Keeps `fields` and `writer`; row_group_rows and no_dictionary of the options do not matter here. */
Status parquet_nested_writer_new(StorageWriter *writer, const ParquetNestedField *fields, uint32_t n_fields,
                                 const ParquetWriterOptions *options, ParquetWriter **ret_writer, Error *err)
    MUST_CHECK;
/* Writes one row group: columns[i] is the tree of field i, with n_rows entries.  Names in the tree do not matter.  DATA
 * for a NULL where the field allows none. */
Status parquet_write_nested(ParquetWriter *writer, const ParquetNode *columns, uint32_t n_rows, Error *err) MUST_CHECK;

#endif
