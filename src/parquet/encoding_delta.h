/* DeltaDecoder: DELTA_BINARY_PACKED integers, in steps of any size.
 *
 * The number of values is the one in the encoding's header; sums wrap as the format asks.  The bytes must be followed
 * by UNPACK_SLACK readable bytes. */
#ifndef FREIGHTLAKE_PARQUET_ENCODING_DELTA_H
#define FREIGHTLAKE_PARQUET_ENCODING_DELTA_H

#include "parquet/encoding_unpack.h"

typedef struct DeltaDecoder {
    const uint8_t *next; /* behind what was used so far */
    const uint8_t *end;
    uint64_t values_left;
    uint64_t values_per_miniblock;
    uint64_t miniblocks_per_block;
    uint64_t last;
    bool first_pending; /* the first value, in the header, is still to be given */
    uint64_t min_delta;
    const uint8_t *widths; /* of the block's miniblocks */
    uint64_t miniblock;    /* the one at hand; miniblocks_per_block: none */
    uint64_t miniblock_left;
    const uint8_t *packed; /* the miniblock's bytes */
    uint64_t position;     /* values taken from it */
} DeltaDecoder;

/* False when the header is malformed. */
bool delta_init(DeltaDecoder *decoder, const uint8_t *bytes, size_t size);
bool delta_read_i64(DeltaDecoder *decoder, uint32_t n, int64_t *out);
bool delta_read_i32(DeltaDecoder *decoder, uint32_t n, int32_t *out);
/* Where the encoded values of a decoder fresh from delta_init end; NULL when they are malformed. */
const uint8_t *delta_find_end(const DeltaDecoder *decoder);

#endif
