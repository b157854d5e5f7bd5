/* Unpacking of bit-packed integers, 8 to 32 values at a time.
 *
 * A byte shuffle puts the bytes that hold value k into lane k, a multiplication by a power of two moves the value to
 * the lane's top (each lane by its own distance, which SSE's shifts cannot do), and a shift by one common distance
 * brings it down, clean of its neighbours.  Lanes of 16 bits do where every value lies within two bytes (widths to 10,
 * and 12, 16), lanes of 32 bits where it lies within four (widths to 25, and 26, 28, 32); what is left (u32 of 27, 29,
 * 30, 31 bits) is done one by one.  The shuffles and factors for each width are constant tables, so a run costs no
 * set-up. */
#include "parquet/encoding_unpack.h"

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

#define DEFINE_UNPACK_FROM(name, Type)                                                                                 \
    void name(const uint8_t *in, uint32_t width, uint64_t first, uint32_t n, Type *out)                                \
    {                                                                                                                  \
        uint64_t mask = (1ull << width) - 1;                                                                           \
        uint64_t bit = first * width;                                                                                  \
        for (uint32_t i = 0; i < n; i++, bit += width)                                                                 \
            out[i] = (Type)(load64(in + bit / 8) >> (bit % 8) & mask);                                                 \
    }
DEFINE_UNPACK_FROM(unpack_u8_from, uint8_t)
DEFINE_UNPACK_FROM(unpack_u16_from, uint16_t)
DEFINE_UNPACK_FROM(unpack_u32_from, uint32_t)

/* ---- Lanes of 16 bits: eight values from `width` bytes ---- */

typedef struct Lanes16 {
    uint8_t shuffle[16];
    uint16_t factor[8];
} Lanes16;

#define BYTE16(w, k) (uint8_t)((k) * (w) / 8), (uint8_t)((k) * (w) / 8 + 1)
#define FACTOR16(w, k) (uint16_t)(1u << ((16 - (w) - (k) * (w) % 8) & 15))
#define LANES16(w)                                                                                                     \
    {                                                                                                                  \
        {BYTE16(w, 0), BYTE16(w, 1), BYTE16(w, 2), BYTE16(w, 3),                                                       \
         BYTE16(w, 4), BYTE16(w, 5), BYTE16(w, 6), BYTE16(w, 7)},                                                      \
        {                                                                                                              \
            FACTOR16(w, 0), FACTOR16(w, 1), FACTOR16(w, 2), FACTOR16(w, 3), FACTOR16(w, 4), FACTOR16(w, 5),            \
                FACTOR16(w, 6), FACTOR16(w, 7)                                                                         \
        }                                                                                                              \
    }
static const Lanes16 lanes16[17] = {
    [1] = LANES16(1), [2] = LANES16(2), [3] = LANES16(3), [4] = LANES16(4),   [5] = LANES16(5),   [6] = LANES16(6),
    [7] = LANES16(7), [8] = LANES16(8), [9] = LANES16(9), [10] = LANES16(10), [12] = LANES16(12), [16] = LANES16(16)};

static bool fits_lanes16(uint32_t width)
{
    return width <= 10 || width == 12 || width == 16;
}

static __m128i lanes16_sse(const uint8_t *in, __m128i shuffle, __m128i factor, __m128i shift)
{
    __m128i value = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)in), shuffle);
    return _mm_srl_epi16(_mm_mullo_epi16(value, factor), shift);
}

/* Sixteen values: the second eight start at byte `width`. */
AVX2 static inline __m256i lanes16_avx2(const uint8_t *in, uint32_t width, __m256i shuffle, __m256i factor,
                                        __m128i shift)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + width));
    __m256i value = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    value = _mm256_shuffle_epi8(value, shuffle);
    return _mm256_srl_epi16(_mm256_mullo_epi16(value, factor), shift);
}

static void unpack_u8_sse(const uint8_t *in, uint32_t width, uint32_t n, uint8_t *out)
{
    __m128i shuffle = _mm_loadu_si128((const __m128i *)(const void *)lanes16[width].shuffle);
    __m128i factor = _mm_loadu_si128((const __m128i *)(const void *)lanes16[width].factor);
    __m128i shift = _mm_cvtsi32_si128((int)(16 - width));
    for (uint32_t i = 0; i < n; i += 16, in += 2 * width) {
        __m128i low = lanes16_sse(in, shuffle, factor, shift);
        __m128i high = lanes16_sse(in + width, shuffle, factor, shift);
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm_packus_epi16(low, high));
    }
}

AVX2 static void unpack_u8_avx2(const uint8_t *in, uint32_t width, uint32_t n, uint8_t *out)
{
    __m256i shuffle =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)lanes16[width].shuffle));
    __m256i factor = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)lanes16[width].factor));
    __m128i shift = _mm_cvtsi32_si128((int)(16 - width));
    for (uint32_t i = 0; i < n; i += 32, in += 4 * width) {
        __m256i low = lanes16_avx2(in, width, shuffle, factor, shift);
        __m256i high = lanes16_avx2(in + 2 * width, width, shuffle, factor, shift);
        __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xd8);
        _mm256_storeu_si256((__m256i *)(void *)(out + i), packed);
    }
}

static void unpack_u16_sse(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out)
{
    __m128i shuffle = _mm_loadu_si128((const __m128i *)(const void *)lanes16[width].shuffle);
    __m128i factor = _mm_loadu_si128((const __m128i *)(const void *)lanes16[width].factor);
    __m128i shift = _mm_cvtsi32_si128((int)(16 - width));
    for (uint32_t i = 0; i < n; i += 8, in += width)
        _mm_storeu_si128((__m128i *)(void *)(out + i), lanes16_sse(in, shuffle, factor, shift));
}

AVX2 static void unpack_u16_avx2(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out)
{
    __m256i shuffle =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)lanes16[width].shuffle));
    __m256i factor = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)lanes16[width].factor));
    __m128i shift = _mm_cvtsi32_si128((int)(16 - width));
    for (uint32_t i = 0; i < n; i += 16, in += 2 * width)
        _mm256_storeu_si256((__m256i *)(void *)(out + i), lanes16_avx2(in, width, shuffle, factor, shift));
}

/* ---- Lanes of 32 bits: eight values, the last four from byte width / 2 on ---- */

typedef struct Lanes32 {
    uint8_t shuffle[32];
    uint32_t factor[8];
} Lanes32;

/* Bit of value k from the byte where its half starts. */
#define BIT32(w, k) ((k) < 4 ? (k) * (w) : (k) * (w)-4 * (w) / 8 * 8)
#define BYTE32(w, k)                                                                                                   \
    (uint8_t)(BIT32(w, k) / 8), (uint8_t)(BIT32(w, k) / 8 + 1), (uint8_t)(BIT32(w, k) / 8 + 2),                        \
        (uint8_t)(BIT32(w, k) / 8 + 3)
#define FACTOR32(w, k) (1u << ((32 - (w)-BIT32(w, k) % 8) & 31))
#define LANES32(w)                                                                                                     \
    {                                                                                                                  \
        {BYTE32(w, 0), BYTE32(w, 1), BYTE32(w, 2), BYTE32(w, 3),                                                       \
         BYTE32(w, 4), BYTE32(w, 5), BYTE32(w, 6), BYTE32(w, 7)},                                                      \
        {                                                                                                              \
            FACTOR32(w, 0), FACTOR32(w, 1), FACTOR32(w, 2), FACTOR32(w, 3), FACTOR32(w, 4), FACTOR32(w, 5),            \
                FACTOR32(w, 6), FACTOR32(w, 7)                                                                         \
        }                                                                                                              \
    }
static const Lanes32 lanes32[33] = {
    [1] = LANES32(1),   [2] = LANES32(2),   [3] = LANES32(3),   [4] = LANES32(4),   [5] = LANES32(5),
    [6] = LANES32(6),   [7] = LANES32(7),   [8] = LANES32(8),   [9] = LANES32(9),   [10] = LANES32(10),
    [11] = LANES32(11), [12] = LANES32(12), [13] = LANES32(13), [14] = LANES32(14), [15] = LANES32(15),
    [16] = LANES32(16), [17] = LANES32(17), [18] = LANES32(18), [19] = LANES32(19), [20] = LANES32(20),
    [21] = LANES32(21), [22] = LANES32(22), [23] = LANES32(23), [24] = LANES32(24), [25] = LANES32(25),
    [26] = LANES32(26), [28] = LANES32(28), [32] = LANES32(32)};

static bool fits_lanes32(uint32_t width)
{
    return width <= 26 || width == 28 || width == 32;
}

static __m128i lanes32_sse(const uint8_t *in, const Lanes32 *lanes, unsigned half, __m128i shift)
{
    __m128i shuffle = _mm_loadu_si128((const __m128i *)(const void *)(lanes->shuffle + 16 * half));
    __m128i factor = _mm_loadu_si128((const __m128i *)(const void *)(lanes->factor + 4 * half));
    __m128i value = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)in), shuffle);
    return _mm_srl_epi32(_mm_mullo_epi32(value, factor), shift);
}

AVX2 static inline __m256i lanes32_avx2(const uint8_t *in, uint32_t width, __m256i shuffle, __m256i factor,
                                        __m128i shift)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + width / 2));
    __m256i value = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    return _mm256_srl_epi32(_mm256_mullo_epi32(_mm256_shuffle_epi8(value, shuffle), factor), shift);
}

static void unpack_u16_wide_sse(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out)
{
    __m128i shift = _mm_cvtsi32_si128((int)(32 - width));
    for (uint32_t i = 0; i < n; i += 8, in += width) {
        __m128i low = lanes32_sse(in, &lanes32[width], 0, shift);
        __m128i high = lanes32_sse(in + width / 2, &lanes32[width], 1, shift);
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm_packus_epi32(low, high));
    }
}

AVX2 static void unpack_u16_wide_avx2(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out)
{
    __m256i shuffle = _mm256_loadu_si256((const __m256i *)(const void *)lanes32[width].shuffle);
    __m256i factor = _mm256_loadu_si256((const __m256i *)(const void *)lanes32[width].factor);
    __m128i shift = _mm_cvtsi32_si128((int)(32 - width));
    for (uint32_t i = 0; i < n; i += 16, in += 2 * width) {
        __m256i low = lanes32_avx2(in, width, shuffle, factor, shift);
        __m256i high = lanes32_avx2(in + width, width, shuffle, factor, shift);
        __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8);
        _mm256_storeu_si256((__m256i *)(void *)(out + i), packed);
    }
}

static void unpack_u32_sse(const uint8_t *in, uint32_t width, uint32_t n, uint32_t *out)
{
    __m128i shift = _mm_cvtsi32_si128((int)(32 - width));
    for (uint32_t i = 0; i < n; i += 8, in += width) {
        _mm_storeu_si128((__m128i *)(void *)(out + i), lanes32_sse(in, &lanes32[width], 0, shift));
        _mm_storeu_si128((__m128i *)(void *)(out + i + 4), lanes32_sse(in + width / 2, &lanes32[width], 1, shift));
    }
}

AVX2 static void unpack_u32_avx2(const uint8_t *in, uint32_t width, uint32_t n, uint32_t *out)
{
    __m256i shuffle = _mm256_loadu_si256((const __m256i *)(const void *)lanes32[width].shuffle);
    __m256i factor = _mm256_loadu_si256((const __m256i *)(const void *)lanes32[width].factor);
    __m128i shift = _mm_cvtsi32_si128((int)(32 - width));
    for (uint32_t i = 0; i < n; i += 8, in += width)
        _mm256_storeu_si256((__m256i *)(void *)(out + i), lanes32_avx2(in, width, shuffle, factor, shift));
}

/* ---- Entry points.  The loops go in whole rounds, past the last value into the slack. ---- */

void unpack_u8_baseline(const uint8_t *in, uint32_t width, uint32_t n, uint8_t *out)
{
    if (width == 0)
        memset(out, 0, n);
    else
        unpack_u8_sse(in, width, n, out);
}

void unpack_u8(const uint8_t *in, uint32_t width, uint32_t n, uint8_t *out)
{
    if (width > 0 && n > 16 && __builtin_cpu_supports("avx2"))
        unpack_u8_avx2(in, width, n, out);
    else
        unpack_u8_baseline(in, width, n, out);
}

void unpack_u16_baseline(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out)
{
    if (width == 0)
        memset(out, 0, n * sizeof *out);
    else if (fits_lanes16(width))
        unpack_u16_sse(in, width, n, out);
    else
        unpack_u16_wide_sse(in, width, n, out);
}

void unpack_u16(const uint8_t *in, uint32_t width, uint32_t n, uint16_t *out)
{
    if (width > 0 && n > 8 && __builtin_cpu_supports("avx2"))
        (fits_lanes16(width) ? unpack_u16_avx2 : unpack_u16_wide_avx2)(in, width, n, out);
    else
        unpack_u16_baseline(in, width, n, out);
}

void unpack_u32_baseline(const uint8_t *in, uint32_t width, uint32_t n, uint32_t *out)
{
    if (width == 0)
        memset(out, 0, n * sizeof *out);
    else if (fits_lanes32(width))
        unpack_u32_sse(in, width, n, out);
    else
        unpack_u32_from(in, width, 0, n, out);
}

void unpack_u32(const uint8_t *in, uint32_t width, uint32_t n, uint32_t *out)
{
    if (width > 0 && fits_lanes32(width) && __builtin_cpu_supports("avx2"))
        unpack_u32_avx2(in, width, n, out);
    else
        unpack_u32_baseline(in, width, n, out);
}

#define DEFINE_MAX(name, Type)                                                                                         \
    static Type name(const Type *codes, uint32_t n)                                                                    \
    {                                                                                                                  \
        Type max = 0;                                                                                                  \
        for (uint32_t i = 0; i < n; i++)                                                                               \
            max = codes[i] > max ? codes[i] : max;                                                                     \
        return max;                                                                                                    \
    }
DEFINE_MAX(max_u8, uint8_t)
DEFINE_MAX(max_u16, uint16_t)
DEFINE_MAX(max_u32, uint32_t)

bool codes_below(const void *codes, uint32_t code_width, uint32_t n, uint32_t limit)
{
    if (n == 0)
        return true;
    switch (code_width) {
    case 1:
        return max_u8(codes, n) < limit;
    case 2:
        return max_u16(codes, n) < limit;
    default:
        return max_u32(codes, n) < limit;
    }
}
