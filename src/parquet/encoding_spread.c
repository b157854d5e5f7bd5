/* Spreading of present values over all rows.
 *
 * Codes of one and two bytes go eight rows at a time: the running count of present rows, by one multiplication of the
 * eight level bytes, says which of the next values each row takes, and a byte shuffle takes them.  Wider values go one
 * by one, without a branch on the level, since NULLs come as they like. */
#include "parquet/encoding_spread.h"

#include <string.h>
#include <tmmintrin.h>

#define ONES 0x0101010101010101ull

/* For eight rows: the index of the value each takes, with the highest bit set (which a shuffle makes 0) where it is
 * absent, and the number of values taken. */
static inline __m128i row_indices(uint64_t levels, uint32_t *ret_taken)
{
    uint64_t running = levels * ONES;
    *ret_taken = (uint32_t)(running >> 56);
    return _mm_cvtsi64_si128((int64_t)((running - levels) | (levels ^ ONES) << 7));
}

static inline uint64_t load_levels(const uint8_t *levels)
{
    uint64_t value;
    memcpy(&value, levels, sizeof value);
    return value;
}

#define DEFINE_SPREAD(name, Type)                                                                                      \
    static void name(const uint8_t *levels, uint32_t n, const Type *present, Type absent, Type *out)                   \
    {                                                                                                                  \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            Type mask = (Type)(0 - (Type)levels[i]);                                                                   \
            out[i] = (Type)((*present & mask) | (absent & (Type)~mask));                                               \
            present += levels[i];                                                                                      \
        }                                                                                                              \
    }
DEFINE_SPREAD(spread_1, uint8_t)
DEFINE_SPREAD(spread_2, uint16_t)
DEFINE_SPREAD(spread_4, uint32_t)
DEFINE_SPREAD(spread_8, uint64_t)
DEFINE_SPREAD(spread_16, unsigned __int128)

static void spread_codes_1(const uint8_t *levels, uint32_t n, const uint8_t *present, uint8_t absent, uint8_t *out)
{
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint32_t taken;
        uint64_t row_levels = load_levels(levels + i);
        __m128i indices = row_indices(row_levels, &taken);
        __m128i values = _mm_loadl_epi64((const __m128i *)(const void *)present);
        uint64_t absents = (row_levels ^ ONES) * absent;
        __m128i result = _mm_or_si128(_mm_shuffle_epi8(values, indices), _mm_cvtsi64_si128((int64_t)absents));
        _mm_storel_epi64((__m128i *)(void *)(out + i), result);
        present += taken;
    }
    spread_1(levels + i, n - i, present, absent, out + i);
}

static void spread_codes_2(const uint8_t *levels, uint32_t n, const uint16_t *present, uint16_t absent, uint16_t *out)
{
    __m128i absents = _mm_set1_epi16((short)absent);
    __m128i upper_bytes = _mm_set1_epi16(0x0100);
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint32_t taken;
        __m128i indices = row_indices(load_levels(levels + i), &taken);
        /* Index k becomes the pair of bytes 2k, 2k + 1; the saturating sum keeps the mark of absent rows. */
        indices = _mm_unpacklo_epi8(indices, indices);
        __m128i missing = _mm_srai_epi16(indices, 15);
        indices = _mm_or_si128(_mm_adds_epu8(indices, indices), upper_bytes);
        __m128i values = _mm_loadu_si128((const __m128i *)(const void *)present);
        __m128i result = _mm_or_si128(_mm_shuffle_epi8(values, indices), _mm_and_si128(missing, absents));
        _mm_storeu_si128((__m128i *)(void *)(out + i), result);
        present += taken;
    }
    spread_2(levels + i, n - i, present, absent, out + i);
}

void spread_values(const uint8_t *levels, uint32_t n, const void *present, size_t value_bytes, uint64_t absent,
                   void *out)
{
    switch (value_bytes) {
    case 1:
        spread_codes_1(levels, n, present, (uint8_t)absent, out);
        break;
    case 2:
        spread_codes_2(levels, n, present, (uint16_t)absent, out);
        break;
    case 4:
        spread_4(levels, n, present, (uint32_t)absent, out);
        break;
    case 8:
        spread_8(levels, n, present, absent, out);
        break;
    default:
        spread_16(levels, n, present, absent, out);
    }
}
