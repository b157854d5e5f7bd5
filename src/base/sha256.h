/* SHA-256 (FIPS 180-4) of bytes that come in parts.
 *
 * A block's 64 rounds are one chain: with the processor's instructions a core takes about 100 cycles for 64 bytes and has
 * three quarters of its units idle meanwhile.  Whoever walks over the same bytes anyway can do so in that time for next to
 * nothing: it runs the chain itself, block by block, between its own steps (Sha256Lane).  Otherwise it is OpenSSL's
 * SHA-256; its plain functions, as EVP would start providers, which takes milliseconds. */
#ifndef FREIGHTLAKE_BASE_SHA256_H
#define FREIGHTLAKE_BASE_SHA256_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK_BYTES 64u
#define SHA256_HEX_SIZE 65u /* with the NUL */

typedef struct Sha256 {
    uint32_t state[8];
    uint64_t bytes;                      /* so far */
    uint8_t pending[SHA256_BLOCK_BYTES]; /* the last bytes % SHA256_BLOCK_BYTES of them */
} Sha256;

void sha256_init(Sha256 *sha);
void sha256_update(Sha256 *sha, const void *bytes, size_t size);
/* In small hexadecimal letters.  The hash takes no more bytes. */
void sha256_end(Sha256 *sha, char hex[SHA256_HEX_SIZE]);

/* ---- Lane: whole blocks, interleaved with other work ---- */

/* Whether the processor has what a lane needs. */
bool sha256_lane_is_there(void);

typedef struct Sha256Lane {
    __m128i abef, cdgh;
} Sha256Lane;

extern const uint32_t SHA256_ROUND_CONSTANTS[64];

#define SHA256_LANE_TARGET __attribute__((target("sha,sse4.1")))

/* Only when bytes % SHA256_BLOCK_BYTES == 0. */
SHA256_LANE_TARGET static inline Sha256Lane sha256_lane_begin(const Sha256 *sha)
{
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)sha->state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(sha->state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    return (Sha256Lane){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

SHA256_LANE_TARGET static inline void sha256_lane_end(Sha256 *sha, const Sha256Lane *lane, size_t n_blocks)
{
    __m128i feba = _mm_shuffle_epi32(lane->abef, 0x1b), dchg = _mm_shuffle_epi32(lane->cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)sha->state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(sha->state + 4), _mm_alignr_epi8(dchg, feba, 8));
    sha->bytes += SHA256_BLOCK_BYTES * n_blocks;
}

/* Takes 64 bytes.  Four rounds at a time; from the fifth group on, words of the schedule follow from those before. */
SHA256_LANE_TARGET static inline void sha256_lane_block(Sha256Lane *lane, const void *bytes)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const __m128i *from = bytes, *constants = (const __m128i *)(const void *)SHA256_ROUND_CONSTANTS;
    __m128i abef = lane->abef, cdgh = lane->cdgh, words[4];
    for (int i = 0; i < 4; i++)
        words[i] = _mm_shuffle_epi8(_mm_loadu_si128(from + i), big_endian);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m128i now = words[i % 4], before = words[(i + 3) % 4];
        __m128i sums = _mm_add_epi32(now, _mm_load_si128(constants + i));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sums);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sums, 0x0e));
        if (i < 12) {
            __m128i next = _mm_sha256msg1_epu32(now, words[(i + 1) % 4]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(before, words[(i + 2) % 4], 4));
            words[i % 4] = _mm_sha256msg2_epu32(next, before);
        }
    }
    lane->abef = _mm_add_epi32(lane->abef, abef);
    lane->cdgh = _mm_add_epi32(lane->cdgh, cdgh);
}

#endif
