/* The RLE / bit-packing hybrid (Encodings.md, "RLE").
 *
 * A run starts with a varint: even, twice the number of times that the value behind it (in ceil(width / 8) bytes)
 * repeats; odd, twice the number of groups of eight bit-packed values, plus one.  A bit-packed run that the bytes cut
 * short counts as far as it goes: some writers leave out the padding of the last group. */
#include "parquet/encoding_hybrid.h"

#include <string.h>

uint32_t bits_for(uint32_t n)
{
    return n ? 32 - (uint32_t)__builtin_clz(n) : 0;
}

void hybrid_init(HybridDecoder *decoder, const uint8_t *bytes, size_t size, uint32_t width)
{
    *decoder = (HybridDecoder){.next = bytes, .end = bytes + size, .width = width};
}

static bool read_run_header(HybridDecoder *decoder, uint64_t *ret_header)
{
    uint64_t header = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (decoder->next == decoder->end)
            return false;
        uint8_t byte = *decoder->next++;
        header |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_header = header;
            return true;
        }
    }
    return false;
}

/* Enters the next run that is not empty; false at the end of the bytes. */
static bool next_run(HybridDecoder *decoder)
{
    while (decoder->run_left == 0) {
        uint64_t header;
        if (!read_run_header(decoder, &header))
            return false;
        size_t left = (size_t)(decoder->end - decoder->next);
        if (header & 1) {
            uint64_t groups = header >> 1;
            uint64_t bytes = groups * decoder->width;
            decoder->packed = decoder->next;
            decoder->packed_position = 0;
            decoder->run_left = bytes <= left ? groups * 8 : (uint64_t)left * 8 / decoder->width;
            decoder->next += bytes <= left ? bytes : left;
        } else {
            uint32_t value_bytes = (decoder->width + 7) / 8;
            if (value_bytes > left)
                return false;
            decoder->value = 0;
            memcpy(&decoder->value, decoder->next, value_bytes);
            decoder->next += value_bytes;
            decoder->packed = NULL;
            decoder->run_left = header >> 1;
            if (decoder->width < 32 && decoder->value >> decoder->width)
                return false;
        }
    }
    return true;
}

static void fill_u8(uint8_t *out, uint32_t value, uint32_t n)
{
    memset(out, (int)value, n);
}

static void fill_u16(uint16_t *out, uint32_t value, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = (uint16_t)value;
}

static void fill_u32(uint32_t *out, uint32_t value, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = value;
}

/* A step that starts within a group of eight goes to the group's end one by one, and on in bulk from a byte border. */
#define DEFINE_READ(suffix, Type)                                                                                      \
    static void unpack_run_##suffix(const HybridDecoder *decoder, uint32_t n, Type *out)                               \
    {                                                                                                                  \
        uint64_t first = decoder->packed_position;                                                                     \
        uint32_t odd = (uint32_t)(-first & 7);                                                                         \
        odd = odd < n ? odd : n;                                                                                       \
        unpack_##suffix##_from(decoder->packed, decoder->width, first, odd, out);                                      \
        if (odd < n)                                                                                                   \
            unpack_##suffix(decoder->packed + (first + odd) / 8 * decoder->width, decoder->width, n - odd, out + odd); \
    }                                                                                                                  \
    bool hybrid_read_##suffix(HybridDecoder *decoder, uint32_t n, Type *out)                                           \
    {                                                                                                                  \
        while (n > 0) {                                                                                                \
            if (decoder->run_left == 0 && !next_run(decoder))                                                          \
                return false;                                                                                          \
            uint32_t take = decoder->run_left < n ? (uint32_t)decoder->run_left : n;                                   \
            if (decoder->packed)                                                                                       \
                unpack_run_##suffix(decoder, take, out);                                                               \
            else                                                                                                       \
                fill_##suffix(out, decoder->value, take);                                                              \
            decoder->packed_position += take;                                                                          \
            decoder->run_left -= take;                                                                                 \
            out += take;                                                                                               \
            n -= take;                                                                                                 \
        }                                                                                                              \
        return true;                                                                                                   \
    }
DEFINE_READ(u8, uint8_t)
DEFINE_READ(u16, uint16_t)
DEFINE_READ(u32, uint32_t)

bool hybrid_skip(HybridDecoder *decoder, uint64_t n)
{
    while (n > 0) {
        if (decoder->run_left == 0 && !next_run(decoder))
            return false;
        uint64_t take = decoder->run_left < n ? decoder->run_left : n;
        decoder->packed_position += take;
        decoder->run_left -= take;
        n -= take;
    }
    return true;
}

uint64_t hybrid_run_of(HybridDecoder *decoder, uint32_t value)
{
    if (decoder->run_left == 0 && !next_run(decoder))
        return 0;
    return decoder->packed || decoder->value != value ? 0 : decoder->run_left;
}
