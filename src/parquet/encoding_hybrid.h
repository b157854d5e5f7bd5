/* HybridDecoder: Parquet's mix of run-length and bit-packed runs, for levels, booleans and dictionary codes.
 *
 * Reads in steps of any size that need not align with runs.  The bytes must be followed by UNPACK_SLACK readable bytes.
 * Runs of any length are fine: what a caller does not ask for is never touched. */
#ifndef FREIGHTLAKE_PARQUET_ENCODING_HYBRID_H
#define FREIGHTLAKE_PARQUET_ENCODING_HYBRID_H

#include "parquet/encoding_unpack.h"

typedef struct HybridDecoder {
    const uint8_t *next; /* the next run's header */
    const uint8_t *end;
    const uint8_t *packed; /* bytes of the bit-packed run at hand; NULL in a run of one value */
    uint32_t width;
    uint32_t value;
    uint64_t run_left;        /* values left of the run at hand */
    uint64_t packed_position; /* values taken from the bit-packed run at hand */
} HybridDecoder;

void hybrid_init(HybridDecoder *decoder, const uint8_t *bytes, size_t size, uint32_t width);
/* The next n values; false when the bytes end before or a run is malformed.  `out` has UNPACK_SLACK elements more. */
bool hybrid_read_u8(HybridDecoder *decoder, uint32_t n, uint8_t *out);   /* width <= 8 */
bool hybrid_read_u16(HybridDecoder *decoder, uint32_t n, uint16_t *out); /* width <= 16 */
bool hybrid_read_u32(HybridDecoder *decoder, uint32_t n, uint32_t *out);
bool hybrid_skip(HybridDecoder *decoder, uint64_t n);
/* How many of the next values are certainly `value`, being in the run at hand; at a border it enters the next run. */
uint64_t hybrid_run_of(HybridDecoder *decoder, uint32_t value);

/* ceil(log2(n + 1)): bits of the numbers 0..n. */
uint32_t bits_for(uint32_t n);

#endif
