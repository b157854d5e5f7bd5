/* States of min, max, min_by and max_by. */
#ifndef FREIGHTLAKE_EXEC_AGGREGATE_EXTREME_H
#define FREIGHTLAKE_EXEC_AGGREGATE_EXTREME_H

#include "exec/aggregate.h"

/* Offers one value, or the rows of `values` whose mask byte is not 0 (mask NULL: all), to the states. */
void extreme_keep(Aggregate *aggregate, AggregateSlot *slot, Extreme *state, DataType type, const void *value);
void extreme_update(Aggregate *aggregate, AggregateSlot *slot, const Vector *values, const uint8_t *mask,
                    const uint32_t *groups, uint32_t n);
/* The same for x at the extreme of y; x NULL: a NULL. */
void by_keep(Aggregate *aggregate, AggregateSlot *slot, ByExtreme *state, const void *x, const void *y);
void by_update(Aggregate *aggregate, AggregateSlot *slot, const Vector *args, const uint8_t *mask,
               const uint32_t *groups, uint32_t n);

#endif
