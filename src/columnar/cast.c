/* CAST by Spark's rules with ansi.enabled=false: nothing fails, what does not fit is NULL or wraps as in Java.
 *
 * One function a target type; in it one loop a source type, written by CAST_ROWS (every value has a result, the source's
 * mask is shared) or CAST_CHECKED (a value may have none).  The casts that mart queries do for every row, double to
 * decimal and back, work in blocks without branches and repeat only a block in which some row needs the exact way. */
#include <math.h>

#include "columnar/decimal.h"
#include "columnar/kernel.h"
#include "columnar/number_text.h"
#include "columnar/time_text.h"

#define BLOCK 128
/* 1.5 * 2^52: adding and subtracting it rounds to an integer, whose bits then stand at the low end of the sum. */
#define ROUNDER 6755399441055744.0

#define CAST_ROWS(From, To, expression)                                                                                \
    do {                                                                                                               \
        const From *restrict cast_in = source->data;                                                                   \
        To *restrict cast_out = result->data;                                                                          \
        for (uint32_t i = 0; i < source->n; i++) {                                                                     \
            From x = cast_in[i];                                                                                       \
            cast_out[i] = (To)(expression);                                                                            \
        }                                                                                                              \
        result->valid = source->valid;                                                                                 \
    } while (0)

/* `expression` is true when it has set y. */
#define CAST_CHECKED(From, To, expression)                                                                             \
    do {                                                                                                               \
        const From *restrict cast_in = source->data;                                                                   \
        To *restrict cast_out = result->data;                                                                          \
        uint8_t *cast_valid = mask_copy(arena, source->valid, source->n);                                              \
        for (uint32_t i = 0; i < source->n; i++) {                                                                     \
            To y = (To){0};                                                                                            \
            if (cast_valid[i]) {                                                                                       \
                From x = cast_in[i];                                                                                   \
                cast_valid[i] = (expression);                                                                          \
            }                                                                                                          \
            cast_out[i] = y;                                                                                           \
        }                                                                                                              \
        result->valid = mask_trim(cast_valid, source->n);                                                              \
    } while (0)

/* The same for a decimal source of either width; x is an Int128 and `scale` its scale. */
#define CAST_DECIMAL_CHECKED(To, expression)                                                                           \
    do {                                                                                                               \
        uint8_t scale = source->type.scale;                                                                            \
        if (type_is_wide_decimal(source->type))                                                                        \
            CAST_CHECKED(Int128, To, expression);                                                                      \
        else                                                                                                           \
            CAST_CHECKED(int64_t, To, expression);                                                                     \
    } while (0)

typedef union DoubleBits {
    double number;
    uint64_t bits;
} DoubleBits;

static inline double rounder(void)
{
    return ROUNDER;
}

static inline uint64_t rounder_bits(void)
{
    return ((DoubleBits){.number = ROUNDER}).bits;
}

/* Java's (int) and (long): NaN is 0, what is too large stays at the end of the range. */
static inline int32_t double_to_int32(double x)
{
    if (x != x)
        return 0;
    return x <= (double)INT32_MIN ? INT32_MIN : x >= (double)INT32_MAX ? INT32_MAX : (int32_t)x;
}

static inline int64_t double_to_int64(double x)
{
    if (x != x)
        return 0;
    return x <= -0x1p63 ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

static inline int64_t floor_seconds(int64_t micros)
{
    return micros / MICROS_PER_SECOND - (micros % MICROS_PER_SECOND < 0);
}

static inline int64_t decimal_whole(Int128 value, uint8_t scale)
{
    return (int64_t)(uint64_t)(UInt128)(value / DECIMAL_POWERS[scale]);
}

static bool parse_boolean(StrView text, uint8_t *ret)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "0"};
    text = text_trim_control(text, true);
    if (text.size == 0 || text.size > 5)
        return false;
    char lower[8] = {0};
    for (uint32_t i = 0; i < text.size; i++)
        lower[i] = text.data[i] >= 'A' && text.data[i] <= 'Z' ? (char)(text.data[i] | 0x20) : text.data[i];
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        bool is_yes = strcmp(lower, yes[i]) == 0;
        if (is_yes || strcmp(lower, no[i]) == 0) {
            *ret = is_yes;
            return true;
        }
    }
    return false;
}

static void cast_to_boolean(const Vector *source, Arena *arena, Vector *result)
{
    switch (source->type.id) {
    case TYPE_INT:
        CAST_ROWS(int32_t, uint8_t, x != 0);
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        CAST_ROWS(int64_t, uint8_t, x != 0);
        break;
    case TYPE_FLOAT:
        CAST_ROWS(float, uint8_t, x != 0);
        break;
    case TYPE_DOUBLE:
        CAST_ROWS(double, uint8_t, x != 0);
        break;
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(source->type))
            CAST_ROWS(Int128, uint8_t, x != 0);
        else
            CAST_ROWS(int64_t, uint8_t, x != 0);
        break;
    case TYPE_STRING:
        CAST_CHECKED(StrView, uint8_t, parse_boolean(x, &y));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

static bool parse_int32(StrView text, int32_t *ret)
{
    int64_t value;
    if (!number_parse_int64(text, &value) || value != (int32_t)value)
        return false;
    *ret = (int32_t)value;
    return true;
}

static void cast_to_int(const Vector *source, Arena *arena, Vector *result)
{
    switch (source->type.id) {
    case TYPE_BOOLEAN:
        CAST_ROWS(uint8_t, int32_t, x);
        break;
    case TYPE_BIGINT:
        CAST_ROWS(int64_t, int32_t, x);
        break;
    case TYPE_TIMESTAMP:
        CAST_ROWS(int64_t, int32_t, floor_seconds(x));
        break;
    case TYPE_FLOAT:
        CAST_ROWS(float, int32_t, double_to_int32((double)x));
        break;
    case TYPE_DOUBLE:
        CAST_ROWS(double, int32_t, double_to_int32(x));
        break;
    case TYPE_DECIMAL:
        CAST_DECIMAL_CHECKED(int32_t, (y = (int32_t)decimal_whole(x, scale), true));
        break;
    case TYPE_STRING:
        CAST_CHECKED(StrView, int32_t, parse_int32(x, &y));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

static void cast_to_bigint(const Vector *source, Arena *arena, Vector *result)
{
    switch (source->type.id) {
    case TYPE_BOOLEAN:
        CAST_ROWS(uint8_t, int64_t, x);
        break;
    case TYPE_INT:
        CAST_ROWS(int32_t, int64_t, x);
        break;
    case TYPE_TIMESTAMP:
        CAST_ROWS(int64_t, int64_t, floor_seconds(x));
        break;
    case TYPE_FLOAT:
        CAST_ROWS(float, int64_t, double_to_int64((double)x));
        break;
    case TYPE_DOUBLE:
        CAST_ROWS(double, int64_t, double_to_int64(x));
        break;
    case TYPE_DECIMAL:
        CAST_DECIMAL_CHECKED(int64_t, (y = decimal_whole(x, scale), true));
        break;
    case TYPE_STRING:
        CAST_CHECKED(StrView, int64_t, number_parse_int64(x, &y));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

static bool parse_float(StrView text, float *ret)
{
    double value;
    if (!number_parse_double(text, &value))
        return false;
    *ret = (float)value;
    return true;
}

static void cast_to_float(const Vector *source, Arena *arena, Vector *result)
{
    switch (source->type.id) {
    case TYPE_BOOLEAN:
        CAST_ROWS(uint8_t, float, x);
        break;
    case TYPE_INT:
        CAST_ROWS(int32_t, float, x);
        break;
    case TYPE_BIGINT:
        CAST_ROWS(int64_t, float, x);
        break;
    case TYPE_TIMESTAMP:
        CAST_ROWS(int64_t, float, (double)x / (double)MICROS_PER_SECOND);
        break;
    case TYPE_DOUBLE:
        CAST_ROWS(double, float, x);
        break;
    case TYPE_DECIMAL:
        CAST_DECIMAL_CHECKED(float, (y = (float)decimal_to_double(x, scale), true));
        break;
    case TYPE_STRING:
        CAST_CHECKED(StrView, float, parse_float(x, &y));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

/* int64 -> double by adding the bits of ROUNDER works up to 2^51; the division by an exact power rounds once. */
static void narrow_decimal_to_double(const int64_t *restrict in, double *restrict out, uint32_t n, uint8_t scale)
{
    const double power = (double)DECIMAL_POWERS_64[scale];
    const uint64_t bits = rounder_bits();
    const uint64_t limit = (uint64_t)1 << 50;
    for (uint32_t first = 0; first < n; first += BLOCK) {
        uint32_t last = n - first < BLOCK ? n : first + BLOCK;
        uint64_t outside = 0;
        for (uint32_t i = first; i < last; i++) {
            uint64_t x = (uint64_t)in[i];
            outside |= (x + limit) & ~(2 * limit - 1);
            out[i] = (((DoubleBits){.bits = x + bits}).number - rounder()) / power;
        }
        for (uint32_t i = first; outside && i < last; i++)
            out[i] = decimal_to_double(in[i], scale);
    }
}

static void cast_to_double(const Vector *source, Arena *arena, Vector *result)
{
    switch (source->type.id) {
    case TYPE_BOOLEAN:
        CAST_ROWS(uint8_t, double, x);
        break;
    case TYPE_INT:
        CAST_ROWS(int32_t, double, x);
        break;
    case TYPE_BIGINT:
        CAST_ROWS(int64_t, double, x);
        break;
    case TYPE_TIMESTAMP:
        CAST_ROWS(int64_t, double, (double)x / (double)MICROS_PER_SECOND);
        break;
    case TYPE_FLOAT:
        CAST_ROWS(float, double, x);
        break;
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(source->type)) {
            CAST_ROWS(Int128, double, decimal_to_double(x, source->type.scale));
        } else {
            narrow_decimal_to_double(source->data, result->data, source->n, source->type.scale);
            result->valid = source->valid;
        }
        break;
    case TYPE_STRING:
        CAST_CHECKED(StrView, double, number_parse_double(x, &y));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

/* double -> decimal of up to 18 digits: the shortest decimal of x, half up.  That decimal times 10^s differs from
 * y = |x| * 10^s, as computed, by less than y * 2^-51 (half an ulp of x and one rounding).  So unless y lies that near to
 * a half, floor(y + 0.5) is the answer, and below 2^50 it is exact.  Rows that miss go the long way. */
static void double_to_narrow_decimal(const Vector *source, Arena *arena, Vector *result)
{
    const double *restrict in = source->data;
    int64_t *restrict out = result->data;
    const DataType to = result->type;
    const double power = (double)DECIMAL_POWERS_64[to.scale];
    const double limit = to.precision < 15 ? (double)DECIMAL_POWERS_64[to.precision] : 0x1p50;
    const uint64_t bits = rounder_bits();
    uint8_t *valid = NULL;
    for (uint32_t first = 0; first < source->n; first += BLOCK) {
        uint32_t last = source->n - first < BLOCK ? source->n : first + BLOCK;
        uint64_t misses = 0;
        for (uint32_t i = first; i < last; i++) {
            double y = fabs(in[i]) * power;
            double below = floor(y), rest = y - below;
            double whole = floor(y + 0.5);
            DoubleBits sum = {.number = copysign(whole, in[i]) + rounder()};
            out[i] = (int64_t)(sum.bits - bits);
            misses += !((fabs(rest - 0.5) > y * 0x1p-51) & (whole < limit));
        }
        for (uint32_t i = first; misses && i < last; i++) {
            Int128 value = 0;
            bool ok = row_is_valid(source, i) && decimal_from_double(in[i], to, &value);
            out[i] = (int64_t)value;
            if (!ok && row_is_valid(source, i)) {
                if (!valid)
                    valid = mask_copy(arena, source->valid, source->n);
                valid[i] = 0;
            }
        }
    }
    result->valid = valid ? valid : source->valid;
}

/* int64 or narrower with scale 0 -> decimal of up to 18 digits. */
static void integers_to_narrow_decimal(const Vector *source, Arena *arena, Vector *result)
{
    const DataType to = result->type;
    const int64_t power = DECIMAL_POWERS_64[to.scale];
    const int64_t limit = DECIMAL_POWERS_64[to.precision - to.scale];
    if (source->type.id == TYPE_INT && limit > INT32_MAX)
        CAST_ROWS(int32_t, int64_t, (uint64_t)x * (uint64_t)power);
    else if (source->type.id == TYPE_INT)
        CAST_CHECKED(int32_t, int64_t, (x < limit && x > -limit) && (y = x * power, true));
    else
        CAST_CHECKED(int64_t, int64_t, (x < limit && x > -limit) && (y = x * power, true));
}

static bool put_narrow(Int128 value, int64_t *ret)
{
    *ret = (int64_t)value;
    return true;
}

static void decimal_to_decimal(const Vector *source, Arena *arena, Vector *result)
{
    const DataType from = source->type, to = result->type;
    bool from_wide = type_is_wide_decimal(from), to_wide = type_is_wide_decimal(to);
    int up = to.scale - from.scale;
    Int128 wide;
    if (up >= 0 && to.precision - to.scale >= from.precision - from.scale) { /* always fits */
        const UInt128 power = (UInt128)DECIMAL_POWERS[up];
        if (!to_wide)
            CAST_ROWS(int64_t, int64_t, (uint64_t)x * (uint64_t)power);
        else if (from_wide)
            CAST_ROWS(Int128, Int128, (UInt128)x * power);
        else
            CAST_ROWS(int64_t, Int128, (UInt128)(Int128)x * power);
    } else if (to_wide) {
        CAST_DECIMAL_CHECKED(Int128, decimal_rescale(x, scale, to, &y));
    } else {
        CAST_DECIMAL_CHECKED(int64_t, decimal_rescale(x, scale, to, &wide) && put_narrow(wide, &y));
    }
}

static void cast_to_decimal(const Vector *source, Arena *arena, Vector *result)
{
    const DataType to = result->type;
    const bool wide_target = type_is_wide_decimal(to);
    Int128 wide;
#define CAST_EITHER(From, expression)                                                                                  \
    do {                                                                                                               \
        if (wide_target)                                                                                               \
            CAST_CHECKED(From, Int128, (expression) && (y = wide, true));                                              \
        else                                                                                                           \
            CAST_CHECKED(From, int64_t, (expression) && put_narrow(wide, &y));                                         \
    } while (0)
    switch (source->type.id) {
    case TYPE_BOOLEAN:
        CAST_EITHER(uint8_t, decimal_rescale(x, 0, to, &wide));
        break;
    case TYPE_INT:
    case TYPE_BIGINT:
        if (!wide_target)
            integers_to_narrow_decimal(source, arena, result);
        else if (source->type.id == TYPE_INT)
            CAST_EITHER(int32_t, decimal_rescale(x, 0, to, &wide));
        else
            CAST_EITHER(int64_t, decimal_rescale(x, 0, to, &wide));
        break;
    case TYPE_FLOAT:
        CAST_EITHER(float, decimal_from_double((double)x, to, &wide));
        break;
    case TYPE_DOUBLE:
        if (wide_target)
            CAST_EITHER(double, decimal_from_double(x, to, &wide));
        else
            double_to_narrow_decimal(source, arena, result);
        break;
    case TYPE_DECIMAL:
        decimal_to_decimal(source, arena, result);
        break;
    case TYPE_STRING:
        CAST_EITHER(StrView, decimal_parse(x, to, &wide));
        break;
    case TYPE_TIMESTAMP:
        CAST_EITHER(int64_t, decimal_from_double((double)x / (double)MICROS_PER_SECOND, to, &wide));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
#undef CAST_EITHER
}

static void cast_to_date(const Vector *source, Arena *arena, Vector *result)
{
    if (source->type.id == TYPE_STRING)
        CAST_CHECKED(StrView, int32_t, date_parse(x, &y));
    else if (source->type.id == TYPE_TIMESTAMP)
        CAST_ROWS(int64_t, int32_t, timestamp_day(x));
    else
        *result = vector_of_nulls(arena, result->type, source->n);
}

static bool seconds_to_micros(double seconds, int64_t *ret)
{
    *ret = double_to_int64(seconds * (double)MICROS_PER_SECOND);
    return isfinite(seconds);
}

/* Java's TimeUnit.SECONDS.toMicros: stays at the end of the range. */
static inline int64_t whole_seconds_to_micros(int64_t seconds)
{
    int64_t micros;
    if (__builtin_mul_overflow(seconds, MICROS_PER_SECOND, &micros))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return micros;
}

static bool decimal_to_micros(Int128 value, uint8_t scale, int64_t *ret)
{
    Int128 power = DECIMAL_POWERS[scale];
    UInt128 micros = (UInt128)(value / power) * (UInt128)MICROS_PER_SECOND;
    *ret = (int64_t)(uint64_t)(micros + (UInt128)decimal_whole(value % power, scale > 6 ? scale - 6 : 0) *
                                            (UInt128)(scale > 6 ? 1 : DECIMAL_POWERS_64[6 - scale]));
    return true;
}

static void cast_to_timestamp(const Vector *source, Arena *arena, Vector *result)
{
    switch (source->type.id) {
    case TYPE_STRING:
        CAST_CHECKED(StrView, int64_t, timestamp_parse(x, &y));
        break;
    case TYPE_DATE:
        CAST_CHECKED(int32_t, int64_t, !__builtin_mul_overflow((int64_t)x, MICROS_PER_DAY, &y));
        break;
    case TYPE_BOOLEAN:
        CAST_ROWS(uint8_t, int64_t, x);
        break;
    case TYPE_INT:
        CAST_ROWS(int32_t, int64_t, x * MICROS_PER_SECOND);
        break;
    case TYPE_BIGINT:
        CAST_ROWS(int64_t, int64_t, whole_seconds_to_micros(x));
        break;
    case TYPE_FLOAT:
        CAST_CHECKED(float, int64_t, seconds_to_micros((double)x, &y));
        break;
    case TYPE_DOUBLE:
        CAST_CHECKED(double, int64_t, seconds_to_micros(x, &y));
        break;
    case TYPE_DECIMAL:
        CAST_DECIMAL_CHECKED(int64_t, decimal_to_micros(x, scale, &y));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

/* Writes each valid row's text through `format`, an expression of x and `text` that gives the length. */
#define CAST_TEXT(From, room_size, format)                                                                             \
    do {                                                                                                               \
        const From *cast_in = source->data;                                                                            \
        StrView *cast_out = result->data;                                                                              \
        for (uint32_t i = 0; i < source->n; i++) {                                                                     \
            cast_out[i] = (StrView){"", 0};                                                                            \
            if (!row_is_valid(source, i))                                                                              \
                continue;                                                                                              \
            From x = cast_in[i];                                                                                       \
            char *text = text_room_reserve(&room, room_size);                                                          \
            cast_out[i] = text_room_take(&room, (format));                                                             \
        }                                                                                                              \
        result->valid = source->valid;                                                                                 \
    } while (0)

static void cast_to_string(const Vector *source, Arena *arena, Vector *result)
{
    static const StrView words[2] = {{"false", 5}, {"true", 4}};
    TextRoom room = {.arena = arena};
    switch (source->type.id) {
    case TYPE_BOOLEAN:
        for (uint32_t i = 0; i < source->n; i++)
            ((StrView *)result->data)[i] = words[((const uint8_t *)source->data)[i] & 1];
        result->valid = source->valid;
        break;
    case TYPE_INT:
        CAST_TEXT(int32_t, NUMBER_TEXT_SIZE, number_format_int64(text, x));
        break;
    case TYPE_BIGINT:
        CAST_TEXT(int64_t, NUMBER_TEXT_SIZE, number_format_int64(text, x));
        break;
    case TYPE_FLOAT:
        CAST_TEXT(float, NUMBER_TEXT_SIZE, number_format_float(text, x));
        break;
    case TYPE_DOUBLE:
        CAST_TEXT(double, NUMBER_TEXT_SIZE, number_format_double(text, x));
        break;
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(source->type))
            CAST_TEXT(Int128, DECIMAL_TEXT_SIZE, decimal_format_short(text, x, source->type.scale));
        else
            CAST_TEXT(int64_t, DECIMAL_TEXT_SIZE, decimal_format_short(text, x, source->type.scale));
        break;
    case TYPE_DATE:
        CAST_TEXT(int32_t, TIME_TEXT_SIZE, date_format(text, x));
        break;
    case TYPE_TIMESTAMP:
        CAST_TEXT(int64_t, TIME_TEXT_SIZE, timestamp_format(text, x));
        break;
    case TYPE_BINARY:
        result->data = source->data;
        result->valid = source->valid;
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

static size_t big_endian(char *text, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(value >> (8 * (size - 1 - i)));
    return size;
}

static void cast_to_binary(const Vector *source, Arena *arena, Vector *result)
{
    TextRoom room = {.arena = arena};
    switch (source->type.id) {
    case TYPE_STRING:
        result->data = source->data;
        result->valid = source->valid;
        break;
    case TYPE_INT:
        CAST_TEXT(int32_t, NUMBER_TEXT_SIZE, big_endian(text, (uint32_t)x, 4));
        break;
    case TYPE_BIGINT:
        CAST_TEXT(int64_t, NUMBER_TEXT_SIZE, big_endian(text, (uint64_t)x, 8));
        break;
    default:
        *result = vector_of_nulls(arena, result->type, source->n);
    }
}

bool cast_allowed(DataType from, DataType to)
{
    if (from.id == to.id || from.id == TYPE_NULLTYPE)
        return true;
    bool from_number = type_is_numeric(from);
    switch (to.id) {
    case TYPE_STRING:
        return true;
    case TYPE_BINARY:
        return from.id == TYPE_STRING || from.id == TYPE_INT || from.id == TYPE_BIGINT;
    case TYPE_DATE:
        return from.id == TYPE_STRING || from.id == TYPE_TIMESTAMP;
    case TYPE_TIMESTAMP:
        return from_number || from.id == TYPE_STRING || from.id == TYPE_DATE || from.id == TYPE_BOOLEAN;
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return from_number || from.id == TYPE_STRING || from.id == TYPE_DATE || from.id == TYPE_TIMESTAMP ||
               from.id == TYPE_BOOLEAN;
    default:
        return false;
    }
}

static void cast_flat(const Vector *source, DataType target, Arena *arena, Vector *result)
{
    if (type_equal(source->type, target)) {
        *result = *source;
        return;
    }
    if (source->type.id == TYPE_NULLTYPE || !cast_allowed(source->type, target)) {
        *result = vector_of_nulls(arena, target, source->n);
        return;
    }
    *result = vector_new(arena, target, source->n, false);
    switch (target.id) {
    case TYPE_BOOLEAN:
        cast_to_boolean(source, arena, result);
        break;
    case TYPE_INT:
        cast_to_int(source, arena, result);
        break;
    case TYPE_BIGINT:
        cast_to_bigint(source, arena, result);
        break;
    case TYPE_FLOAT:
        cast_to_float(source, arena, result);
        break;
    case TYPE_DOUBLE:
        cast_to_double(source, arena, result);
        break;
    case TYPE_DECIMAL:
        cast_to_decimal(source, arena, result);
        break;
    case TYPE_DATE:
        cast_to_date(source, arena, result);
        break;
    case TYPE_TIMESTAMP:
        cast_to_timestamp(source, arena, result);
        break;
    case TYPE_STRING:
        cast_to_string(source, arena, result);
        break;
    case TYPE_BINARY:
        cast_to_binary(source, arena, result);
        break;
    case TYPE_NULLTYPE:
    case TYPE_COUNT:
        break;
    }
}

/* A DICT with no more entries than rows stays one: its entries are cast, its codes shared. */
void cast_vector(const Vector *source, DataType target, Arena *arena, Vector *result)
{
    if (source->kind == VECTOR_FLAT) {
        cast_flat(source, target, arena, result);
    } else if (source->kind == VECTOR_CONST) {
        Vector one = *source;
        one.kind = VECTOR_FLAT;
        one.n = 1;
        cast_flat(&one, target, arena, result);
        result->kind = VECTOR_CONST;
        result->n = source->n;
    } else if (source->dict->n <= source->n) {
        Vector *entries = ARENA_NEW(arena, Vector);
        cast_flat(source->dict, target, arena, entries);
        *result = *source;
        result->type = target;
        result->dict = entries;
    } else {
        Vector flat = vector_flatten(arena, source);
        cast_flat(&flat, target, arena, result);
    }
}
