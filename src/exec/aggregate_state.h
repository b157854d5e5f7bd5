/* Aggregate states as bytes: what GROUP BY knows of some rows, kept so that later rows can be added to it. */
#ifndef FREIGHTLAKE_EXEC_AGGREGATE_STATE_H
#define FREIGHTLAKE_EXEC_AGGREGATE_STATE_H

#include "exec/aggregate.h"

/* Whether every state of the aggregate can be saved: no DISTINCT and no percentile, which remember what they saw. */
bool aggregate_can_save(const PlanNode *node);
/* Appends all groups and states; `bytes` may have a maximum (sticky). */
void aggregate_save(const Aggregate *aggregate, Buffer *bytes);
/* Adds what was saved by an aggregate with the same node (over the same children) to `aggregate`.  DATA when the bytes are
 * damaged, of another format or of another statement: nothing was added then.  Scratch memory, about as much as there are
 * bytes, comes from `batch_arena`. */
Status aggregate_load(Aggregate *aggregate, const Buffer *bytes, Arena *batch_arena, Error *err) MUST_CHECK;

#endif
