/* GroupTable: distinct tuples of column values -> dense numbers 0, 1, 2, ... in order of first appearance.
 *
 * Every value becomes one 64-bit word: numbers by their bits (NaN made one, -0 made +0), strings and wide decimals by a
 * number from an interning table of the column.  A tuple is its words and one word of NULL bits.  One thread's own. */
#ifndef FREIGHTLAKE_EXEC_GROUP_TABLE_H
#define FREIGHTLAKE_EXEC_GROUP_TABLE_H

#include "columnar/vector.h"

#define GROUP_TABLE_MAX_COLUMNS 64 /* PLAN_MAX_KEYS, and the group number of a DISTINCT aggregate */

typedef struct GroupTable GroupTable;

/* Memory is taken from `arena` (that of the query and thread). */
GroupTable *group_table_new(Arena *arena, const DataType *types, uint32_t n_columns);
uint32_t group_table_size(const GroupTable *table); /* number of tuples */
/* The number of each row's tuple; new tuples are added.  `generation` tells whether a dictionary seen at the same
 * address is still the same one.  Scratch memory comes from `batch_arena`. */
void group_table_find(GroupTable *table, const Vector *columns, uint32_t n, uint64_t generation, Arena *batch_arena,
                      uint32_t *ret_groups);
/* Adds all tuples of `other`; ret_groups[i] is the number here of its tuple i. */
void group_table_merge(GroupTable *table, const GroupTable *other, uint32_t *ret_groups);
/* Column k of tuples [0, size) as a FLAT vector in `arena`. */
Vector group_table_column(const GroupTable *table, uint32_t k, Arena *arena);
size_t group_table_bytes(const GroupTable *table);

#endif
