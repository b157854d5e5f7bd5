/* DELTA_BINARY_PACKED and DELTA_LENGTH_BYTE_ARRAY (Encodings.md).
 *
 * Texts that no dictionary shortens are mostly ids of one length: their lengths cost nothing as deltas, where PLAIN has
 * four bytes a text that only a codec would take away again. */
#include <string.h>

#include "parquet/encoder.h"

#define BLOCK_VALUES 128
#define MINIBLOCKS 4
#define MINIBLOCK_VALUES (BLOCK_VALUES / MINIBLOCKS)
#define SHORT_TEXT 16
#define AHEAD 16 /* texts fetched before they are copied: they may lie anywhere */

static void append_zigzag(Buffer *out, int64_t value)
{
    encoder_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

/* A block of 0 < n <= BLOCK_VALUES values behind `previous`. */
static void append_block(const uint32_t *values, uint32_t previous, uint32_t n, Buffer *out)
{
    int32_t deltas[BLOCK_VALUES];
    int32_t least = (int32_t)(values[0] - previous);
    deltas[0] = least;
    for (uint32_t i = 1; i < n; i++) {
        deltas[i] = (int32_t)(values[i] - values[i - 1]);
        least = deltas[i] < least ? deltas[i] : least;
    }
    uint32_t above[BLOCK_VALUES] = {0};
    for (uint32_t i = 0; i < n; i++)
        above[i] = (uint32_t)deltas[i] - (uint32_t)least;
    append_zigzag(out, least);
    uint32_t bits[MINIBLOCKS];
    for (uint32_t m = 0; m < MINIBLOCKS; m++) {
        uint32_t all = 0;
        for (uint32_t i = 0; i < MINIBLOCK_VALUES; i++)
            all |= above[m * MINIBLOCK_VALUES + i];
        bits[m] = all ? 32 - (uint32_t)__builtin_clz(all) : 0;
        buffer_append_byte(out, (uint8_t)bits[m]);
    }
    for (uint32_t m = 0; m < MINIBLOCKS; m++) {
        if (bits[m] == 0)
            continue;
        uint8_t *place = buffer_reserve(out, MINIBLOCK_VALUES * sizeof(uint32_t) + ENCODER_PACK_SLACK);
        if (place)
            out->size += encoder_pack(above + m * MINIBLOCK_VALUES, 4, MINIBLOCK_VALUES, bits[m], place);
    }
}

void encoder_delta(const uint32_t *values, size_t n, Buffer *out)
{
    encoder_varint(out, BLOCK_VALUES);
    encoder_varint(out, MINIBLOCKS);
    encoder_varint(out, n);
    append_zigzag(out, n ? (int64_t)values[0] : 0);
    for (size_t at = 1; at < n; at += BLOCK_VALUES)
        append_block(values + at, values[at - 1], (uint32_t)(n - at < BLOCK_VALUES ? n - at : BLOCK_VALUES), out);
}

void encoder_texts(const StrView *values, size_t n, Buffer *out_lengths, Buffer *out_bytes)
{
    size_t bytes = 0;
    uint32_t *lengths = (uint32_t *)(void *)buffer_reserve(out_lengths, n * sizeof *lengths);
    if (!lengths)
        return;
    for (size_t i = 0; i < n; i++) {
        lengths[i] = values[i].size;
        bytes += values[i].size;
    }
    uint8_t *place = buffer_reserve(out_bytes, bytes + SHORT_TEXT);
    if (!place)
        return;
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(values[i + AHEAD < n ? i + AHEAD : i].data);
        if (LIKELY(values[i].size <= SHORT_TEXT)) /* ids mostly: a copy of fixed size, what is behind is overwritten */
            _mm_storeu_si128((__m128i *)(void *)place, text_load16(values[i]));
        else
            memcpy(place, values[i].data, values[i].size);
        place += values[i].size;
    }
    out_lengths->size += n * sizeof *lengths;
    out_bytes->size += bytes;
}
