/* The RLE / bit-packed hybrid (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid").
 *
 * Packing takes 8 codes at a time: neighbours in a 64-bit word are moved together in two or three steps of shift and
 * mask, without a branch and without instructions beyond the baseline.  Each width is its own instance of the same
 * inline function, so every shift is a constant.
 *
 * Runs: one pass counts the groups of 8 equal codes.  Where they are rare the whole page becomes a single bit-packed
 * run, the fastest form to write and to read; otherwise runs that are longer in bit-packed form become RLE runs.  A
 * bit-packed run holds a multiple of 8 codes, so runs are looked for only at multiples of 8 behind the last RLE run. */
#include <string.h>

#include "parquet/encoder.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

#define EACH_BITS_8(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define EACH_BITS_16(X) EACH_BITS_8(X) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)
#define EACH_BITS_32(X)                                                                                                \
    EACH_BITS_16(X) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)

static ALWAYS_INLINE uint64_t load_word(const void *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static ALWAYS_INLINE void store_word(uint8_t *out, uint64_t word)
{
    memcpy(out, &word, sizeof word);
}

uint32_t encoder_bits(uint32_t n_codes)
{
    return n_codes <= 2 ? 1 : 32 - (uint32_t)__builtin_clz(n_codes - 1);
}

static ALWAYS_INLINE void pack_bytes(const uint8_t *codes, size_t groups, const uint32_t bits, uint8_t *out)
{
    for (size_t group = 0; group < groups; group++) {
        uint64_t v = load_word(codes + group * 8);
        v = (v & 0x00ff00ff00ff00ff) | ((v >> 8) & 0x00ff00ff00ff00ff) << bits;
        v = (v & 0x0000ffff0000ffff) | ((v >> 16) & 0x0000ffff0000ffff) << (2 * bits);
        v = (v & 0x00000000ffffffff) | (v >> 32) << (4 * bits);
        store_word(out + group * bits, v);
    }
}

/* Four 16-bit codes in `v` become 4 * bits bits. */
static ALWAYS_INLINE uint64_t join_shorts(uint64_t v, const uint32_t bits)
{
    v = (v & 0x0000ffff0000ffff) | ((v >> 16) & 0x0000ffff0000ffff) << bits;
    return (v & 0x00000000ffffffff) | (v >> 32) << (2 * bits);
}

static ALWAYS_INLINE void pack_shorts(const uint16_t *codes, size_t groups, const uint32_t bits, uint8_t *out)
{
    for (size_t group = 0; group < groups; group++) {
        uint64_t low = join_shorts(load_word(codes + group * 8), bits);
        uint64_t high = join_shorts(load_word(codes + group * 8 + 4), bits);
        uint8_t *place = out + group * bits;
        if (bits == 16) {
            store_word(place, low);
            store_word(place + 8, high);
        } else {
            store_word(place, low | high << (4 * bits));
            if (bits > 8)
                store_word(place + 8, high >> (64 - 4 * bits));
        }
    }
}

static ALWAYS_INLINE void pack_words(const uint32_t *codes, size_t groups, const uint32_t bits, uint8_t *out)
{
    for (size_t group = 0; group < groups; group++) {
        uint8_t *place = out + group * bits;
        uint64_t pending = 0;
        uint32_t used = 0;
#pragma GCC unroll 8
        for (uint32_t i = 0; i < 8; i++) {
            uint64_t code = codes[group * 8 + i];
            pending |= code << used;
            used += bits;
            if (used >= 64) {
                store_word(place, pending);
                place += 8;
                used -= 64;
                pending = used ? code >> (bits - used) : 0;
            }
        }
        if (used)
            store_word(place, pending);
    }
}

static void pack_groups(const void *codes, uint32_t code_width, size_t groups, uint32_t bits, uint8_t *out)
{
#define CASE_BYTES(b)                                                                                                  \
    case b:                                                                                                            \
        pack_bytes(codes, groups, b, out);                                                                             \
        return;
#define CASE_SHORTS(b)                                                                                                 \
    case b:                                                                                                            \
        pack_shorts(codes, groups, b, out);                                                                            \
        return;
#define CASE_WORDS(b)                                                                                                  \
    case b:                                                                                                            \
        pack_words(codes, groups, b, out);                                                                             \
        return;
    if (code_width == 1) {
        switch (bits) {
            EACH_BITS_8(CASE_BYTES)
        }
    } else if (code_width == 2) {
        switch (bits) {
            EACH_BITS_16(CASE_SHORTS)
        }
    } else {
        switch (bits) {
            EACH_BITS_32(CASE_WORDS)
        }
    }
    CHECK(false && "a code is wider than its type");
}

size_t encoder_pack(const void *codes, uint32_t code_width, size_t n, uint32_t bits, uint8_t *out)
{
    size_t groups = n / 8, rest = n % 8;
    if (groups)
        pack_groups(codes, code_width, groups, bits, out);
    if (rest) {
        uint8_t last[32] = {0};
        memcpy(last, (const uint8_t *)codes + groups * 8 * code_width, rest * code_width);
        pack_groups(last, code_width, 1, bits, out + groups * bits);
        groups++;
    }
    return groups * bits;
}

void encoder_varint(Buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buffer_append_byte(out, (uint8_t)(value | 0x80));
    buffer_append_byte(out, (uint8_t)value);
}

void encoder_repeat(uint32_t code, uint64_t n, uint32_t bits, Buffer *out)
{
    encoder_varint(out, n << 1);
    buffer_append(out, &code, (bits + 7) / 8);
}

static void append_packed(const void *codes, uint32_t code_width, size_t n, uint32_t bits, Buffer *out)
{
    encoder_varint(out, (n + 7) / 8 << 1 | 1);
    uint8_t *place = buffer_reserve(out, (n + 7) / 8 * bits + ENCODER_PACK_SLACK);
    if (place)
        out->size += encoder_pack(codes, code_width, n, bits, place);
}

/* Number of groups of 8 equal codes. */
static size_t count_equal_groups(const void *codes, uint32_t code_width, size_t n)
{
    const uint8_t *bytes = codes;
    size_t equal = 0, groups = n / 8;
    if (code_width == 1) {
        for (size_t group = 0; group < groups; group++) {
            uint64_t v = load_word(bytes + group * 8);
            equal += v == (v << 8 | v >> 56);
        }
    } else if (code_width == 2) {
        for (size_t group = 0; group < groups; group++) {
            uint64_t v = load_word(bytes + group * 16);
            uint64_t differs = (v ^ (v << 16 | v >> 48)) | (v ^ load_word(bytes + group * 16 + 8));
            equal += differs == 0;
        }
    } else {
        for (size_t group = 0; group < groups; group++) {
            uint64_t v = load_word(bytes + group * 32);
            uint64_t differs = (v ^ (v << 32 | v >> 32)) | (v ^ load_word(bytes + group * 32 + 8)) |
                               (v ^ load_word(bytes + group * 32 + 16)) | (v ^ load_word(bytes + group * 32 + 24));
            equal += differs == 0;
        }
    }
    return equal;
}

/* How many codes from `first` on are equal. */
static size_t run_length(const uint8_t *codes, uint32_t code_width, size_t first, size_t n)
{
    const uint8_t *start = codes + first * code_width;
    size_t bytes = (n - first) * code_width, at = code_width;
    while (at < bytes && at < 8 && memcmp(start, start + at, code_width) == 0)
        at += code_width;
    if (at < 8)
        return at / code_width;
    uint64_t pattern = load_word(start);
    while (at + 8 <= bytes && load_word(start + at) == pattern)
        at += 8;
    while (at < bytes && memcmp(start, start + at, code_width) == 0)
        at += code_width;
    return at / code_width;
}

void encoder_hybrid(const void *codes, uint32_t code_width, size_t n, uint32_t bits, Buffer *out)
{
    if (n == 0)
        return;
    if (count_equal_groups(codes, code_width, n) <= n / 64) {
        append_packed(codes, code_width, n, bits, out);
        return;
    }
    const uint8_t *bytes = codes;
    size_t shortest_run = bits == 1 ? 40 : bits < 4 ? 16 : 8;
    size_t packed_from = 0;
    for (size_t i = 0; i < n;) {
        size_t run = run_length(bytes, code_width, i, n);
        if (run < shortest_run) {
            i += 8;
            continue;
        }
        if (i > packed_from)
            append_packed(bytes + packed_from * code_width, code_width, i - packed_from, bits, out);
        uint32_t code = 0;
        memcpy(&code, bytes + i * code_width, code_width);
        encoder_repeat(code, run, bits, out);
        i += run;
        packed_from = i;
    }
    if (n > packed_from)
        append_packed(bytes + packed_from * code_width, code_width, n - packed_from, bits, out);
}
