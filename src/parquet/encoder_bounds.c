/* Smallest and largest values, for the statistics of pages and chunks.
 *
 * Integer loops are left to the compiler's vectoriser.  Floating-point ones are written with SSE2, since their comparisons
 * may not be reordered by the compiler: minpd and maxpd over four independent accumulators, and the unordered comparison
 * of each value with itself finds NaN.  What minimum and maximum are when there is a NaN does not matter, because then
 * no bounds are given: readers disagree about where NaN sorts, and no bounds are right for all of them. */
#include <emmintrin.h>
#include <math.h>
#include <string.h>

#include "parquet/encoder.h"

#define DEFINE_BOUNDS(name, T)                                                                                         \
    static void name(const T *values, size_t n, T *ret_min, T *ret_max)                                                \
    {                                                                                                                  \
        T min = values[0], max = values[0];                                                                            \
        for (size_t i = 1; i < n; i++) {                                                                               \
            min = values[i] < min ? values[i] : min;                                                                   \
            max = values[i] > max ? values[i] : max;                                                                   \
        }                                                                                                              \
        *ret_min = min;                                                                                                \
        *ret_max = max;                                                                                                \
    }

DEFINE_BOUNDS(bounds_u8, uint8_t)
DEFINE_BOUNDS(bounds_u16, uint16_t)
DEFINE_BOUNDS(bounds_u32, uint32_t)
DEFINE_BOUNDS(bounds_i32, int32_t)
DEFINE_BOUNDS(bounds_i64, int64_t)
DEFINE_BOUNDS(bounds_i128, Int128)

void encoder_bounds_codes(const void *codes, uint32_t code_width, size_t n, uint32_t *ret_min, uint32_t *ret_max)
{
    if (code_width == 1) {
        uint8_t min, max;
        bounds_u8(codes, n, &min, &max);
        *ret_min = min;
        *ret_max = max;
    } else if (code_width == 2) {
        uint16_t min, max;
        bounds_u16(codes, n, &min, &max);
        *ret_min = min;
        *ret_max = max;
    } else {
        bounds_u32(codes, n, ret_min, ret_max);
    }
}

void encoder_bounds_int32(const int32_t *values, size_t n, int32_t *ret_min, int32_t *ret_max)
{
    bounds_i32(values, n, ret_min, ret_max);
}

void encoder_bounds_int64(const int64_t *values, size_t n, int64_t *ret_min, int64_t *ret_max)
{
    bounds_i64(values, n, ret_min, ret_max);
}

bool encoder_bounds_double(const double *values, size_t n, double *ret_min, double *ret_max)
{
    __m128d min[4], max[4], nan[4];
    for (int k = 0; k < 4; k++) {
        min[k] = max[k] = _mm_set1_pd(values[0]);
        nan[k] = _mm_cmpunord_pd(min[k], min[k]);
    }
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            __m128d v = _mm_loadu_pd(values + i + 2 * (size_t)k);
            min[k] = _mm_min_pd(min[k], v);
            max[k] = _mm_max_pd(max[k], v);
            nan[k] = _mm_or_pd(nan[k], _mm_cmpunord_pd(v, v));
        }
    }
    for (; i < n; i++) {
        __m128d v = _mm_set1_pd(values[i]);
        min[0] = _mm_min_pd(min[0], v);
        max[0] = _mm_max_pd(max[0], v);
        nan[0] = _mm_or_pd(nan[0], _mm_cmpunord_pd(v, v));
    }
    __m128d any = _mm_or_pd(_mm_or_pd(nan[0], nan[1]), _mm_or_pd(nan[2], nan[3]));
    if (_mm_movemask_pd(any))
        return false;
    double low[2], high[2];
    _mm_storeu_pd(low, _mm_min_pd(_mm_min_pd(min[0], min[1]), _mm_min_pd(min[2], min[3])));
    _mm_storeu_pd(high, _mm_max_pd(_mm_max_pd(max[0], max[1]), _mm_max_pd(max[2], max[3])));
    double smallest = low[0] < low[1] ? low[0] : low[1], largest = high[0] > high[1] ? high[0] : high[1];
    *ret_min = smallest == 0 ? -0.0 : smallest;
    *ret_max = largest == 0 ? 0.0 : largest;
    return true;
}

bool encoder_bounds_float(const float *values, size_t n, float *ret_min, float *ret_max)
{
    float min = values[0], max = values[0];
    bool nan = false;
    for (size_t i = 0; i < n; i++) {
        nan |= values[i] != values[i];
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    if (nan)
        return false;
    *ret_min = min == 0 ? -0.0f : min;
    *ret_max = max == 0 ? 0.0f : max;
    return true;
}

/* The first 8 bytes as a number that orders as the text does; shorter texts are filled up with zeros. */
static inline uint64_t text_prefix(StrView text)
{
    uint64_t word;
    if (LIKELY(text.size <= 16))
        word = (uint64_t)_mm_cvtsi128_si64(text_load16(text));
    else
        memcpy(&word, text.data, 8);
    return __builtin_bswap64(word);
}

void encoder_bounds_text(const StrView *values, size_t n, StrView *ret_min, StrView *ret_max)
{
    StrView min = values[0], max = values[0];
    uint64_t min_prefix = text_prefix(min), max_prefix = min_prefix;
    for (size_t i = 1; i < n; i++) {
        uint64_t prefix = text_prefix(values[i]);
        if (prefix <= min_prefix && (prefix < min_prefix || str_compare(values[i], min) < 0)) {
            min = values[i];
            min_prefix = prefix;
        }
        if (prefix >= max_prefix && (prefix > max_prefix || str_compare(values[i], max) > 0)) {
            max = values[i];
            max_prefix = prefix;
        }
    }
    *ret_min = min;
    *ret_max = max;
}

bool encoder_bounds(DataType type, const void *values, size_t n, Value *ret_min, Value *ret_max)
{
    Value min = {.type = type, .valid = true}, max = min;
    bool known = true;
    switch (type.id) {
    case TYPE_BOOLEAN:
        bounds_u8(values, n, &min.boolean, &max.boolean);
        break;
    case TYPE_INT:
    case TYPE_DATE:
        bounds_i32(values, n, &min.int32, &max.int32);
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        bounds_i64(values, n, &min.int64, &max.int64);
        break;
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(type))
            bounds_i128(values, n, &min.int128, &max.int128);
        else
            bounds_i64(values, n, &min.int64, &max.int64);
        break;
    case TYPE_FLOAT:
        known = encoder_bounds_float(values, n, &min.float32, &max.float32);
        break;
    case TYPE_DOUBLE:
        known = encoder_bounds_double(values, n, &min.float64, &max.float64);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        encoder_bounds_text(values, n, &min.string, &max.string);
        break;
    default:
        known = false;
    }
    if (known) {
        *ret_min = min;
        *ret_max = max;
    }
    return known;
}

size_t encoder_count_zeros(const uint8_t *bytes, size_t n)
{
    size_t zeros = 0;
    while (n) {
        /* Sums of at most 255 fit a byte, which keeps the loop in vectors of bytes. */
        size_t step = n < 4096 ? n : 4096;
        uint32_t count = 0;
        for (size_t i = 0; i < step; i++)
            count += bytes[i] == 0;
        zeros += count;
        bytes += step;
        n -= step;
    }
    return zeros;
}
