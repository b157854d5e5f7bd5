/* Physical values into the memory form of their DataType (LogicalTypes.md).
 *
 * One loop a conversion.  Sources may be unaligned (they often stand in the page), so they are read by memcpy, which
 * costs nothing. */
#include "parquet/encoding_values.h"

#define JULIAN_DAY_OF_EPOCH 2440588
#define MICROS_PER_DAY INT64_C(86400000000)

/* A loop over n values: `source` is the i-th as a `From`, `expression` gives the i-th of `out` as a `To`. */
#define CONVERT_EACH(From, To, expression)                                                                             \
    do {                                                                                                               \
        To *target_ = out;                                                                                             \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            From source;                                                                                               \
            memcpy(&source, (const uint8_t *)physical + (size_t)i * sizeof source, sizeof source);                     \
            target_[i] = (To)(expression);                                                                             \
        }                                                                                                              \
    } while (0)

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

static float float_from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f;
    uint32_t fraction = half & 0x3ff;
    float value;
    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    uint32_t bits = sign | (exponent == 0x1f ? 0xffu << 23 : (exponent + 112) << 23) | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static Status out_of_range(const SchemaLeaf *leaf, Error *err)
{
    char type[32];
    return error_set(err, STATUS_CORRUPT, "a value is out of the range of %s",
                     type_name(leaf->type, type, sizeof type));
}

static Status convert_millis(const SchemaLeaf *leaf, const void *physical, uint32_t n, int64_t *out, Error *err)
{
    bool overflow = false;
    CONVERT_EACH(int64_t, int64_t, (overflow |= __builtin_mul_overflow(source, 1000, &source), source));
    return overflow ? out_of_range(leaf, err) : STATUS_OK;
}

static void convert_int96(const void *physical, uint32_t n, int64_t *out)
{
    const uint8_t *bytes = physical;
    for (uint32_t i = 0; i < n; i++, bytes += 12) {
        int64_t nanos;
        int32_t julian_day;
        memcpy(&nanos, bytes, sizeof nanos);
        memcpy(&julian_day, bytes + 8, sizeof julian_day);
        /* 2^31 days are 1.9e20 microseconds, beyond int64: such dates wrap as they do in other readers. */
        uint64_t days = (uint64_t)((int64_t)julian_day - JULIAN_DAY_OF_EPOCH);
        out[i] = (int64_t)(days * (uint64_t)MICROS_PER_DAY + (uint64_t)floor_divide(nanos, 1000));
    }
}

/* Big-endian two's complement of any length; false when it needs more than 128 bits. */
static bool big_endian(const uint8_t *bytes, uint32_t size, Int128 *ret)
{
    uint8_t sign = size && bytes[0] & 0x80 ? 0xff : 0;
    UInt128 value = sign ? ~(UInt128)0 : 0;
    for (; size > sizeof value; bytes++, size--)
        if (bytes[0] != sign || ((bytes[1] ^ sign) & 0x80 && size == sizeof value + 1))
            return false;
    for (uint32_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    *ret = (Int128)value;
    return true;
}

static bool store_decimal(const uint8_t *bytes, uint32_t size, bool wide, void *out, uint32_t i)
{
    Int128 value;
    if (!big_endian(bytes, size, &value))
        return false;
    if (wide)
        ((Int128 *)out)[i] = value;
    else if (value < INT64_MIN || value > INT64_MAX)
        return false;
    else
        ((int64_t *)out)[i] = (int64_t)value;
    return true;
}

/* The usual case, and fast: fixed bytes of at most eight into int64. */
static void convert_short_fixed(const uint8_t *bytes, uint32_t size, uint32_t n, int64_t *out)
{
    for (uint32_t i = 0; i < n; i++, bytes += size) {
        uint64_t value = 0;
        memcpy((uint8_t *)&value + (sizeof value - size), bytes, size);
        out[i] = (int64_t)(__builtin_bswap64(value) << (64 - 8 * size)) >> (64 - 8 * size);
    }
}

static Status convert_fixed(const SchemaLeaf *leaf, const uint8_t *bytes, uint32_t n, bool wide, void *out, Error *err)
{
    uint32_t size = leaf->physical_bytes;
    if (!wide && size <= 8) {
        convert_short_fixed(bytes, size, n, out);
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < n; i++)
        if (!store_decimal(bytes + (size_t)i * size, size, wide, out, i))
            return out_of_range(leaf, err);
    return STATUS_OK;
}

static Status convert_bytes(const SchemaLeaf *leaf, const StrView *values, uint32_t n, bool wide, void *out, Error *err)
{
    for (uint32_t i = 0; i < n; i++)
        if (!store_decimal((const uint8_t *)values[i].data, values[i].size, wide, out, i))
            return out_of_range(leaf, err);
    return STATUS_OK;
}

static void convert_to_binary(const SchemaLeaf *leaf, const uint8_t *bytes, uint32_t n, StrView *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = (StrView){(const char *)bytes + (size_t)i * leaf->physical_bytes, leaf->physical_bytes};
}

Status values_convert(const SchemaLeaf *leaf, const void *physical, uint32_t n, void *out, Error *err)
{
    switch (leaf->conversion) {
    case CONVERT_NONE:
        memcpy(out, physical, (size_t)n * leaf->physical_bytes);
        break;
    case CONVERT_INT32_TO_INT64:
        CONVERT_EACH(int32_t, int64_t, source);
        break;
    case CONVERT_UINT32_TO_INT64:
        CONVERT_EACH(uint32_t, int64_t, source);
        break;
    case CONVERT_INT32_TO_INT128:
        CONVERT_EACH(int32_t, Int128, source);
        break;
    case CONVERT_INT64_TO_INT128:
        CONVERT_EACH(int64_t, Int128, source);
        break;
    case CONVERT_UINT64_TO_INT128:
        CONVERT_EACH(uint64_t, Int128, source);
        break;
    case CONVERT_MILLIS_TO_MICROS:
        return convert_millis(leaf, physical, n, out, err);
    case CONVERT_NANOS_TO_MICROS:
        CONVERT_EACH(int64_t, int64_t, floor_divide(source, 1000));
        break;
    case CONVERT_INT96_TO_MICROS:
        convert_int96(physical, n, out);
        break;
    case CONVERT_FLOAT16_TO_FLOAT:
        CONVERT_EACH(uint16_t, float, float_from_half(source));
        break;
    case CONVERT_FIXED_TO_INT64:
        return convert_fixed(leaf, physical, n, false, out, err);
    case CONVERT_FIXED_TO_INT128:
        return convert_fixed(leaf, physical, n, true, out, err);
    case CONVERT_BYTES_TO_INT64:
        return convert_bytes(leaf, physical, n, false, out, err);
    case CONVERT_BYTES_TO_INT128:
        return convert_bytes(leaf, physical, n, true, out, err);
    case CONVERT_FIXED_TO_BINARY:
        convert_to_binary(leaf, physical, n, out);
        break;
    case CONVERT_TO_NULLTYPE:
        memset(out, 0, n);
        break;
    }
    return STATUS_OK;
}
