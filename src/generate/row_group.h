/* RowGroupMaker: collects the blocks of one row group and encodes it for Parquet.
 *
 * Columns keep ordinals in as few bytes as they need.  When the group is complete each column gets a dictionary of the
 * values that occur in it, sorted, and its pages go to the encoder as codes; a column with too many values goes as it
 * is.  One maker a thread; reused for every row group that thread makes. */
#ifndef FREIGHTLAKE_GENERATE_ROW_GROUP_H
#define FREIGHTLAKE_GENERATE_ROW_GROUP_H

#include "generate/model.h"

typedef struct RowGroupMaker RowGroupMaker;

/* For row groups of up to `max_rows` rows. */
RowGroupMaker *row_group_maker_new(const Model *model, uint32_t max_rows);
void row_group_maker_free(RowGroupMaker *maker); /* NULL is fine */

void row_group_clear(RowGroupMaker *maker);
void row_group_add(RowGroupMaker *maker, const Block *block);
Status row_group_encode(RowGroupMaker *maker, const ParquetWriter *writer, ParquetEncodedRowGroup **inout_row_group,
                        Error *err) MUST_CHECK;

#endif
