/* The wide accumulator holds DIGITS digits of 32 bits in 64-bit cells; digit i counts units of 2^(32 i - 1074 - 1).
 * A cell takes up to 2^30 additions of 32-bit pieces before it could overflow; carries are propagated well before. */
#include "exec/exact_sum.h"

#include <math.h>

#define DIGITS 72
#define LOWEST_EXPONENT (-1075)
#define CARRY_INTERVAL (1 << 28)

enum { SPECIAL_POSITIVE = 1, SPECIAL_NEGATIVE = 2, SPECIAL_NAN = 4 };

struct WideSum {
    int64_t digits[DIGITS];
    uint32_t additions;
    uint32_t special;
};

static WideSum *wide_of(ExactSum *sum, Arena *arena)
{
    if (!sum->wide)
        sum->wide = ARENA_NEW(arena, WideSum);
    return sum->wide;
}

static void propagate_carries(WideSum *wide)
{
    int64_t carry = 0;
    for (int i = 0; i < DIGITS - 1; i++) {
        int64_t cell = wide->digits[i] + carry;
        carry = cell >> 32;
        wide->digits[i] = cell & 0xffffffff;
    }
    wide->digits[DIGITS - 1] += carry;
    wide->additions = 0;
}

/* Adds units * 2^exponent, |units| < 2^127, exponent >= LOWEST_EXPONENT. */
static void add_units(WideSum *wide, Int128 units, int exponent)
{
    bool negative = units < 0;
    UInt128 magnitude = negative ? -(UInt128)units : (UInt128)units;
    int place = exponent - LOWEST_EXPONENT;
    int digit = place >> 5, shift = place & 31;
    /* The magnitude shifted by up to 31 bits spans five digits; the piece above 128 bits is taken first. */
    uint64_t above = shift ? (uint64_t)(magnitude >> (128 - shift)) : 0;
    UInt128 shifted = magnitude << shift;
    for (int i = 0; i < 5; i++) {
        int64_t piece = i < 4 ? (int64_t)(uint32_t)(shifted >> (32 * i)) : (int64_t)above;
        if (piece)
            wide->digits[digit + i] += negative ? -piece : piece;
    }
    if (++wide->additions >= CARRY_INTERVAL)
        propagate_carries(wide);
}

void exact_sum_add_scaled(ExactSum *sum, Int128 units, int exponent, Arena *arena)
{
    int shift = exponent - EXACT_WINDOW_EXPONENT;
    UInt128 magnitude = units < 0 ? -(UInt128)units : (UInt128)units;
    if (shift >= 0 && shift < 126 && magnitude >> (126 - shift) == 0) {
        Int128 total;
        /* Kept below 2^120, so that 2^34 window-sized terms can still follow unchecked. */
        if (!__builtin_add_overflow(sum->window, units * ((Int128)1 << shift), &total) &&
            (total < 0 ? -(UInt128)total : (UInt128)total) >> 120 == 0) {
            sum->window = total;
            return;
        }
    }
    add_units(wide_of(sum, arena), units, exponent);
}

/* Adds a mantissa of up to 53 bits, whose lowest one counts 2^(place + LOWEST_EXPONENT): 84 bits after the shift. */
static void add_mantissa(WideSum *wide, uint64_t mantissa, uint32_t place, bool negative)
{
    int64_t *digits = wide->digits + (place >> 5), sign = -(int64_t)negative;
    UInt128 shifted = (UInt128)mantissa << (place & 31);
    digits[0] += ((int64_t)(uint32_t)shifted ^ sign) - sign;
    digits[1] += ((int64_t)(uint32_t)(shifted >> 32) ^ sign) - sign;
    digits[2] += ((int64_t)(shifted >> 64) ^ sign) - sign;
    if (++wide->additions >= CARRY_INTERVAL)
        propagate_carries(wide);
}

void exact_sum_add_wide(ExactSum *sum, double value, int64_t times, Arena *arena)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bool negative = bits >> 63;
    uint32_t exponent = (uint32_t)(bits >> 52 & 2047);
    uint64_t mantissa = bits & 0xfffffffffffff;
    if (times == 0 || value == 0)
        return;
    if (UNLIKELY(exponent == 2047)) {
        wide_of(sum, arena)->special |= mantissa ? SPECIAL_NAN : negative ? SPECIAL_NEGATIVE : SPECIAL_POSITIVE;
        return;
    }
    if (exponent)
        mantissa |= (uint64_t)1 << 52;
    else
        exponent = 1; /* subnormal */
    if (times == 1)
        add_mantissa(wide_of(sum, arena), mantissa, exponent, negative);
    else
        exact_sum_add_scaled(sum, (negative ? -(Int128)mantissa : (Int128)mantissa) * times,
                             (int)exponent + LOWEST_EXPONENT, arena);
}

void exact_sum_merge(ExactSum *into, const ExactSum *from, Arena *arena)
{
    exact_sum_add_scaled(into, from->window, EXACT_WINDOW_EXPONENT, arena);
    if (!from->wide)
        return;
    WideSum *wide = wide_of(into, arena);
    WideSum other = *from->wide;
    propagate_carries(&other);
    propagate_carries(wide);
    for (int i = 0; i < DIGITS; i++)
        wide->digits[i] += other.digits[i];
    wide->special |= other.special;
    propagate_carries(wide);
}

/* Saved: 16 bytes of window, 1 byte whether a wide sum follows; that is 1 byte of flags, all digits but the top one in 4
 * bytes each, the top one, which has the sign, in 8.  Little-endian. */
#define WIDE_BYTES (1 + 4 * (DIGITS - 1) + 8)
#define TOP_DIGIT_LIMIT ((int64_t)1 << 32)

void exact_sum_save(const ExactSum *sum, Buffer *bytes)
{
    buffer_append(bytes, &sum->window, sizeof sum->window);
    buffer_append_byte(bytes, sum->wide != NULL);
    if (!sum->wide)
        return;
    WideSum wide = *sum->wide;
    propagate_carries(&wide);
    buffer_append_byte(bytes, (uint8_t)wide.special);
    for (int i = 0; i < DIGITS - 1; i++) {
        uint32_t digit = (uint32_t)wide.digits[i];
        buffer_append(bytes, &digit, sizeof digit);
    }
    buffer_append(bytes, &wide.digits[DIGITS - 1], sizeof wide.digits[DIGITS - 1]);
}

bool exact_sum_load(ExactSum *ret_sum, const uint8_t **inout_bytes, size_t *inout_size, Arena *arena)
{
    const uint8_t *bytes = *inout_bytes;
    ExactSum sum = {0};
    size_t used = sizeof sum.window + 1;
    if (*inout_size < used)
        return false;
    memcpy(&sum.window, bytes, sizeof sum.window);
    uint8_t has_wide = bytes[sizeof sum.window];
    if (has_wide > 1 || (sum.window < 0 ? -(UInt128)sum.window : (UInt128)sum.window) >> 126)
        return false;
    if (has_wide) {
        if (*inout_size - used < WIDE_BYTES)
            return false;
        const uint8_t *at = bytes + used;
        used += WIDE_BYTES;
        sum.wide = ARENA_NEW(arena, WideSum);
        sum.wide->special = *at++;
        for (int i = 0; i < DIGITS - 1; i++, at += 4) {
            uint32_t digit;
            memcpy(&digit, at, sizeof digit);
            sum.wide->digits[i] = digit;
        }
        int64_t *top = &sum.wide->digits[DIGITS - 1];
        memcpy(top, at, sizeof *top);
        if (*top < -TOP_DIGIT_LIMIT || *top > TOP_DIGIT_LIMIT ||
            sum.wide->special > (SPECIAL_POSITIVE | SPECIAL_NEGATIVE | SPECIAL_NAN))
            return false;
    }
    *ret_sum = sum;
    *inout_bytes += used;
    *inout_size -= used;
    return true;
}

/* The magnitude of a finite sum as digits below 2^32; true when the sum is negative. */
static bool take_magnitude(const ExactSum *sum, WideSum *ret_wide)
{
    *ret_wide = sum->wide ? *sum->wide : (WideSum){0};
    propagate_carries(ret_wide);
    add_units(ret_wide, sum->window, EXACT_WINDOW_EXPONENT);
    propagate_carries(ret_wide);
    bool negative = ret_wide->digits[DIGITS - 1] < 0;
    if (negative) {
        for (int i = 0; i < DIGITS; i++)
            ret_wide->digits[i] = -ret_wide->digits[i];
        propagate_carries(ret_wide);
    }
    return negative;
}

void exact_sum_add_product(ExactSum *into, const ExactSum *from, double factor, Arena *arena)
{
    WideSum wide;
    int exponent;
    int64_t mantissa = (int64_t)ldexp(frexp(factor, &exponent), 53);
    if (take_magnitude(from, &wide))
        mantissa = -mantissa;
    for (int i = 0; i < DIGITS; i++) {
        if (!wide.digits[i] || !mantissa)
            continue;
        Int128 units = (Int128)mantissa * wide.digits[i];
        int place = LOWEST_EXPONENT + 32 * i + exponent - 53, lost = LOWEST_EXPONENT - place;
        if (lost > 0) {
            units = lost < 126 ? units / ((Int128)1 << lost) : 0;
            place = LOWEST_EXPONENT;
        }
        if (place - LOWEST_EXPONENT >= 32 * (DIGITS - 5)) { /* no room for five digits */
            wide_of(into, arena)->special |= SPECIAL_NAN;
            return;
        }
        exact_sum_add_scaled(into, units, place, arena);
    }
}

/* Rounds `magnitude` * 2^exponent with `sticky` telling of lower bits that are not zero. */
static double round_units(UInt128 magnitude, int exponent, bool sticky)
{
    uint64_t high = (uint64_t)(magnitude >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)magnitude);
    int drop = bits - 53;
    if (exponent + drop < -1074) /* the result is subnormal: fewer bits are kept */
        drop = -1074 - exponent;
    if (drop <= 0)
        return ldexp((double)(uint64_t)magnitude, exponent);
    UInt128 kept = magnitude >> drop;
    UInt128 rest = magnitude & (((UInt128)1 << drop) - 1);
    UInt128 half = (UInt128)1 << (drop - 1);
    if (rest > half || (rest == half && (sticky || (kept & 1))))
        kept++;
    return ldexp((double)(uint64_t)kept, exponent + drop);
}

double exact_sum_round(const ExactSum *sum)
{
    if (!sum->wide) {
        if (sum->window == 0)
            return 0;
        double rounded =
            round_units(sum->window < 0 ? -(UInt128)sum->window : (UInt128)sum->window, EXACT_WINDOW_EXPONENT, false);
        return sum->window < 0 ? -rounded : rounded;
    }
    WideSum wide;
    if (sum->wide->special) {
        if (sum->wide->special == SPECIAL_POSITIVE)
            return INFINITY;
        return sum->wide->special == SPECIAL_NEGATIVE ? -INFINITY : NAN;
    }
    bool negative = take_magnitude(sum, &wide);
    int top = DIGITS - 1;
    while (top >= 0 && wide.digits[top] == 0)
        top--;
    if (top < 0)
        return 0;
    UInt128 magnitude = 0;
    int lowest = top - 2;
    for (int i = top; i >= lowest; i--)
        magnitude = magnitude << 32 | (i >= 0 ? (uint64_t)wide.digits[i] : 0);
    bool sticky = false;
    for (int i = lowest - 1; i >= 0; i--)
        sticky |= wide.digits[i] != 0;
    double rounded = round_units(magnitude, LOWEST_EXPONENT + 32 * lowest, sticky);
    return negative ? -rounded : rounded;
}

bool exact_sum_as_integers(const double *values, const uint8_t *valid, uint32_t n, uint64_t terms, int64_t *ret_units,
                           int *ret_exponent)
{
    int lowest = INT32_MAX;
    double largest = 0;
    for (uint32_t i = 0; i < n; i++) {
        if ((valid && !valid[i]) || values[i] == 0)
            continue;
        if (!isfinite(values[i]))
            return false;
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        int exponent = (int)(bits >> 52 & 2047);
        uint64_t mantissa = bits & 0xfffffffffffff;
        if (exponent == 0)
            return false;
        int zeros = mantissa ? __builtin_ctzll(mantissa) : 52;
        int unit = exponent - 1075 + zeros;
        lowest = unit < lowest ? unit : lowest;
        largest = fabs(values[i]) > largest ? fabs(values[i]) : largest;
    }
    if (lowest == INT32_MAX)
        lowest = 0;
    if (ldexp(largest, -lowest) * (double)(terms ? terms : 1) >= 0x1p62)
        return false;
    for (uint32_t i = 0; i < n; i++)
        ret_units[i] = valid && !valid[i] ? 0 : (int64_t)ldexp(values[i], -lowest);
    *ret_exponent = lowest;
    return true;
}
