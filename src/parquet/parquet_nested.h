/* Nested columns: a row group of a top-level column as a small tree of vectors, however deep it is.
 *
 * Each node has n entries: one a row at the top, one an element below a list, one an entry below a map.
 *   LEAF    `values`, a FLAT vector of n (its `valid` as any vector's)
 *   STRUCT  n entries; children have n entries each
 *   LIST    entry i is the elements offsets[i] .. offsets[i + 1] of its one child
 *   MAP     entry i is the pairs offsets[i] .. offsets[i + 1] of its children, keys and values; a map without
 *           values is read as a LIST
 * `valid` is NULL when no entry is NULL, else n bytes.  Where an entry is NULL, children below a STRUCT are NULL too,
 * and a LIST or MAP has no elements.
 *
 * Delta's checkpoints are the reason to be: struct, list and map columns of some hundred thousand rows.  The whole row
 * group is held in memory, reserved from the file's budget while it is read. */
#ifndef FREIGHTLAKE_PARQUET_PARQUET_NESTED_H
#define FREIGHTLAKE_PARQUET_PARQUET_NESTED_H

#include "parquet/reader.h"

typedef enum ParquetNodeKind {
    PARQUET_NODE_LEAF,
    PARQUET_NODE_STRUCT,
    PARQUET_NODE_LIST,
    PARQUET_NODE_MAP
} ParquetNodeKind;

typedef struct ParquetNode ParquetNode;
struct ParquetNode {
    const char *name;
    ParquetNodeKind kind;
    uint32_t n;
    uint8_t *valid;
    uint32_t *offsets; /* LIST, MAP: n + 1 */
    Vector values;     /* LEAF */
    uint32_t n_children;
    ParquetNode *children;
};

/* Reads column `column` (index into parquet_schema, nested or not) of a row group.  `wanted` may name the leaves to
 * read as paths or beginnings of paths ("add.path", "add.partitionValues"); others are left out of the tree; NULL reads
 * all.  The tree and its values are in `arena`.  UNSUPPORTED names a leaf whose type is not read. */
Status parquet_read_nested(ParquetFile *file, uint32_t row_group, uint32_t column, const char *const *wanted,
                           uint32_t n_wanted, Arena *arena, ParquetNode **ret_node, Error *err) MUST_CHECK;

#endif
