/* Unpacking of bit-packed unsigned integers (least significant bit first, as in Parquet's RLE hybrid).
 *
 * in: value i stands at bits [i * width, (i + 1) * width).  The functions may read up to UNPACK_SLACK bytes behind the
 * last value and write up to UNPACK_SLACK elements behind out[n - 1]; callers keep that much room. */
#ifndef FREIGHTLAKE_PARQUET_ENCODING_UNPACK_H
#define FREIGHTLAKE_PARQUET_ENCODING_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNPACK_SLACK 64

void unpack_u8(const uint8_t *in, uint32_t width, uint32_t n, uint8_t *out);   /* width 0..8 */
void unpack_u16(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out); /* width 0..16 */
void unpack_u32(const uint8_t *in, uint32_t width, uint32_t n, uint32_t *out); /* width 0..32 */

/* Values [first, first + n), one by one and writing no more: for the odd ends. */
void unpack_u8_from(const uint8_t *in, uint32_t width, uint64_t first, uint32_t n, uint8_t *out);
void unpack_u16_from(const uint8_t *in, uint32_t width, uint64_t first, uint32_t n, uint16_t *out);
void unpack_u32_from(const uint8_t *in, uint32_t width, uint64_t first, uint32_t n, uint32_t *out);

/* Whether all n codes of `code_width` bytes (1, 2, 4) are below `limit`. */
bool codes_below(const void *codes, uint32_t code_width, uint32_t n, uint32_t limit);

/* The same without AVX2, which the functions above use where the processor has it. */
void unpack_u8_baseline(const uint8_t *in, uint32_t width, uint32_t n, uint8_t *out);
void unpack_u16_baseline(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out);
void unpack_u32_baseline(const uint8_t *in, uint32_t width, uint32_t n, uint32_t *out);

#endif
