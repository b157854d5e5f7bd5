/* Spreading of the values that are present over all rows, NULL rows included. */
#ifndef FREIGHTLAKE_PARQUET_ENCODING_SPREAD_H
#define FREIGHTLAKE_PARQUET_ENCODING_SPREAD_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = the next value of `present` where levels[i] is 1, `absent` where it is 0; value_bytes is 1, 2, 4, 8 or 16.
 * `present` is followed by eight readable values and initialised as far as it is read. */
void spread_values(const uint8_t *levels, uint32_t n, const void *present, size_t value_bytes, uint64_t absent,
                   void *out);

#endif
