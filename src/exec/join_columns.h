/* What is known of the columns of joined rows before any is read. */
#ifndef FREIGHTLAKE_EXEC_JOIN_COLUMNS_H
#define FREIGHTLAKE_EXEC_JOIN_COLUMNS_H

#include "exec/pipeline.h"

/* [join][column]: whether that column of the join's rows is read, by its condition or by anything above. */
bool **join_columns_used(const PipelineShape *shape, Arena *arena);

/* The columns of what is scanned that the keys of join j equal in every row that has a partner there, through keys of the joins
 * below; NULL: not all of them equal one. */
const uint32_t *join_columns_scanned(const PipelineShape *shape, uint32_t j, Arena *arena);

#endif
