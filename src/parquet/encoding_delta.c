/* DELTA_BINARY_PACKED (Encodings.md).
 *
 * Header: block size, miniblocks in a block, number of values, first value.  Each block: the smallest delta, a byte of
 * width for each miniblock, the miniblocks.  Miniblocks behind the last value are left out, but their width bytes are
 * there and may hold anything. */
#include "parquet/encoding_delta.h"

#include <string.h>

#define MAX_VALUES_PER_BLOCK ((uint64_t)1 << 31)

static bool read_varint(const uint8_t **inout_next, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    const uint8_t *next = *inout_next;
    for (unsigned shift = 0; shift < 70 && next < end; shift += 7) {
        uint8_t byte = *next++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *inout_next = next;
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static uint64_t zigzag(uint64_t value)
{
    return (value >> 1) ^ -(value & 1);
}

bool delta_init(DeltaDecoder *decoder, const uint8_t *bytes, size_t size)
{
    *decoder = (DeltaDecoder){.next = bytes, .end = bytes + size};
    uint64_t block, first;
    if (!read_varint(&decoder->next, decoder->end, &block) ||
        !read_varint(&decoder->next, decoder->end, &decoder->miniblocks_per_block) ||
        !read_varint(&decoder->next, decoder->end, &decoder->values_left) ||
        !read_varint(&decoder->next, decoder->end, &first))
        return false;
    uint64_t miniblocks = decoder->miniblocks_per_block;
    if (block == 0 || block > MAX_VALUES_PER_BLOCK || miniblocks == 0 || miniblocks > block || block % miniblocks ||
        (block / miniblocks) % 8)
        return false;
    decoder->values_per_miniblock = block / miniblocks;
    decoder->miniblock = miniblocks;
    decoder->last = zigzag(first);
    decoder->first_pending = decoder->values_left > 0;
    return true;
}

/* Enters the next miniblock; its bytes may be cut short behind the values that are left. */
static bool next_miniblock(DeltaDecoder *decoder)
{
    if (decoder->miniblock >= decoder->miniblocks_per_block) {
        uint64_t min_delta;
        if (!read_varint(&decoder->next, decoder->end, &min_delta) ||
            (uint64_t)(decoder->end - decoder->next) < decoder->miniblocks_per_block)
            return false;
        decoder->min_delta = zigzag(min_delta);
        decoder->widths = decoder->next;
        decoder->next += decoder->miniblocks_per_block;
        decoder->miniblock = 0;
    }
    uint64_t width = decoder->widths[decoder->miniblock];
    uint64_t values =
        decoder->values_left < decoder->values_per_miniblock ? decoder->values_left : decoder->values_per_miniblock;
    uint64_t left = (uint64_t)(decoder->end - decoder->next);
    if (width > 64 || (values * width + 7) / 8 > left)
        return false;
    uint64_t bytes = decoder->values_per_miniblock / 8 * width;
    decoder->packed = decoder->next;
    decoder->next += bytes < left ? bytes : left;
    decoder->position = 0;
    decoder->miniblock_left = values;
    decoder->miniblock++;
    return true;
}

/* The next n (at most 64) deltas of the miniblock at hand, without the block's smallest one. */
static void unpack_deltas(const DeltaDecoder *decoder, uint32_t n, uint64_t *out)
{
    uint32_t width = decoder->widths[decoder->miniblock - 1];
    uint64_t mask = width < 64 ? (1ull << width) - 1 : UINT64_MAX;
    uint64_t bit = decoder->position * width;
    for (uint32_t i = 0; i < n; i++, bit += width) {
        uint64_t value;
        memcpy(&value, decoder->packed + bit / 8, sizeof value);
        uint32_t shift = bit % 8;
        value >>= shift;
        if (shift + width > 64)
            value |= (uint64_t)decoder->packed[bit / 8 + 8] << (64 - shift);
        out[i] = value & mask;
    }
}

/* Deltas are summed 64 at a time into `Type`, which wraps as the format asks. */
#define DEFINE_READ(name, Type)                                                                                        \
    bool name(DeltaDecoder *decoder, uint32_t n, Type *out)                                                            \
    {                                                                                                                  \
        if (n > decoder->values_left)                                                                                  \
            return false;                                                                                              \
        uint32_t i = 0;                                                                                                \
        if (n > 0 && decoder->first_pending) {                                                                         \
            out[i++] = (Type)decoder->last;                                                                            \
            decoder->first_pending = false;                                                                            \
            decoder->values_left--;                                                                                    \
        }                                                                                                              \
        while (i < n) {                                                                                                \
            uint64_t deltas[64];                                                                                       \
            if (decoder->miniblock_left == 0 && !next_miniblock(decoder))                                              \
                return false;                                                                                          \
            uint32_t take = n - i < ARRAY_LENGTH(deltas) ? n - i : ARRAY_LENGTH(deltas);                               \
            take = take < decoder->miniblock_left ? take : (uint32_t)decoder->miniblock_left;                          \
            unpack_deltas(decoder, take, deltas);                                                                      \
            uint64_t last = decoder->last;                                                                             \
            for (uint32_t k = 0; k < take; k++)                                                                        \
                out[i + k] = (Type)(last += deltas[k] + decoder->min_delta);                                           \
            decoder->last = last;                                                                                      \
            decoder->position += take;                                                                                 \
            decoder->miniblock_left -= take;                                                                           \
            decoder->values_left -= take;                                                                              \
            i += take;                                                                                                 \
        }                                                                                                              \
        return true;                                                                                                   \
    }
#define ARRAY_LENGTH(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))
DEFINE_READ(delta_read_i64, int64_t)
DEFINE_READ(delta_read_i32, int32_t)

const uint8_t *delta_find_end(const DeltaDecoder *decoder)
{
    DeltaDecoder walk = *decoder;
    if (walk.first_pending)
        walk.values_left--;
    while (walk.values_left > 0) {
        if (!next_miniblock(&walk))
            return NULL;
        walk.values_left -= walk.miniblock_left;
    }
    return walk.next;
}
