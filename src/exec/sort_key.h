/* Sort keys as 64-bit numbers whose order is the order of the values.
 *
 * NULL is 0 where NULLs come first and UINT64_MAX where they come last; every value lies between the two, complemented
 * when the order is descending.  For DOUBLE, INT and DATE the number holds the whole value; for other types it is a prefix
 * in the wide sense: a smaller number means a smaller value, equal numbers say nothing. */
#ifndef FREIGHTLAKE_EXEC_SORT_KEY_H
#define FREIGHTLAKE_EXEC_SORT_KEY_H

#include "columnar/vector.h"

bool sort_key_is_exact(DataType type);
void sort_key_encode(const Vector *flat, bool descending, bool nulls_first, uint32_t n, uint64_t *ret_keys);
/* The values again, for exact types: a FLAT vector in `arena`.  step: distance of the keys in words. */
Vector sort_key_decode(const uint64_t *keys, size_t step, uint32_t n, DataType type, bool descending, bool nulls_first,
                       Arena *arena);

#endif
