/* Decimal arithmetic on Int128.
 *
 * Products and shifted numerators need up to 253 bits, so the general path works on a 256-bit magnitude (two 128-bit
 * halves) and a sign; 10^38 < 2^127 bounds every divisor.  When the numbers are small, which is nearly always, the same
 * results come from plain 128-bit operations.
 *
 * Why a shifted numerator beyond 256 bits may be called an overflow: decimal_divide computes a * 10^k / b with
 * |b| < 2^127; a numerator of 2^256 or more gives a quotient above 2^129, which no precision holds. */
#include "columnar/decimal.h"

#include <stdlib.h>

#include "columnar/number_text.h"

#define E18 ((Int128)1000000000000000000)

const int64_t DECIMAL_POWERS_64[19] = {1,
                                       10,
                                       100,
                                       1000,
                                       10000,
                                       100000,
                                       1000000,
                                       10000000,
                                       100000000,
                                       1000000000,
                                       10000000000,
                                       100000000000,
                                       1000000000000,
                                       10000000000000,
                                       100000000000000,
                                       1000000000000000,
                                       10000000000000000,
                                       100000000000000000,
                                       1000000000000000000};

const Int128 DECIMAL_POWERS[39] = {1,
                                   10,
                                   100,
                                   1000,
                                   10000,
                                   100000,
                                   1000000,
                                   10000000,
                                   100000000,
                                   1000000000,
                                   10000000000,
                                   100000000000,
                                   1000000000000,
                                   10000000000000,
                                   100000000000000,
                                   1000000000000000,
                                   10000000000000000,
                                   100000000000000000,
                                   E18,
                                   E18 * 10,
                                   E18 * 100,
                                   E18 * 1000,
                                   E18 * 10000,
                                   E18 * 100000,
                                   E18 * 1000000,
                                   E18 * 10000000,
                                   E18 * 100000000,
                                   E18 * 1000000000,
                                   E18 * 10000000000,
                                   E18 * 100000000000,
                                   E18 * 1000000000000,
                                   E18 * 10000000000000,
                                   E18 * 100000000000000,
                                   E18 * 1000000000000000,
                                   E18 * 10000000000000000,
                                   E18 * 100000000000000000,
                                   E18 *E18,
                                   E18 *E18 * 10,
                                   E18 *E18 * 100};

typedef struct UInt256 {
    UInt128 high;
    UInt128 low;
} UInt256;

static inline UInt128 magnitude(Int128 value)
{
    return value < 0 ? -(UInt128)value : (UInt128)value;
}

static UInt256 multiply_wide(UInt128 a, UInt128 b)
{
    uint64_t a_low = (uint64_t)a, a_high = (uint64_t)(a >> 64);
    uint64_t b_low = (uint64_t)b, b_high = (uint64_t)(b >> 64);
    UInt128 low = (UInt128)a_low * b_low;
    UInt128 cross = (UInt128)a_low * b_high;
    UInt128 other = (UInt128)a_high * b_low;
    UInt128 middle = (low >> 64) + (uint64_t)cross + (uint64_t)other;
    return (UInt256){.low = (middle << 64) | (uint64_t)low,
                     .high = (UInt128)a_high * b_high + (cross >> 64) + (other >> 64) + (middle >> 64)};
}

/* value * 10^power; false beyond 256 bits. */
static bool multiply_power(UInt128 value, unsigned power, UInt256 *ret)
{
    unsigned first = power < 38 ? power : 38;
    UInt256 product = multiply_wide(value, (UInt128)DECIMAL_POWERS[first]);
    for (unsigned rest = power - first; rest > 0;) {
        unsigned step = rest < 38 ? rest : 38;
        UInt256 low = multiply_wide(product.low, (UInt128)DECIMAL_POWERS[step]);
        UInt256 high = multiply_wide(product.high, (UInt128)DECIMAL_POWERS[step]);
        if (high.high || low.high + high.low < low.high)
            return false;
        product = (UInt256){.high = low.high + high.low, .low = low.low};
        rest -= step;
    }
    *ret = product;
    return true;
}

static UInt256 add_wide(UInt256 a, UInt256 b)
{
    UInt128 low = a.low + b.low;
    return (UInt256){.low = low, .high = a.high + b.high + (low < a.low)};
}

static UInt256 subtract_wide(UInt256 a, UInt256 b)
{
    return (UInt256){.low = a.low - b.low, .high = a.high - b.high - (a.low < b.low)};
}

static bool less_wide(UInt256 a, UInt256 b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* Quotient and remainder by a divisor > 0, <= 2^127 where number.high is not 0; bit by bit where the quotient's upper half is not alone. */
static UInt256 divide_wide(UInt256 number, UInt128 divisor, UInt128 *ret_remainder)
{
    UInt256 quotient = {0};
    UInt128 rest = number.high;
    if (number.high >= divisor) {
        quotient.high = number.high / divisor;
        rest = number.high % divisor;
    }
    if (rest == 0) {
        quotient.low = number.low / divisor;
        *ret_remainder = number.low % divisor;
        return quotient;
    }
    for (int bit = 127; bit >= 0; bit--) {
        rest = (rest << 1) | ((number.low >> bit) & 1);
        if (rest >= divisor) {
            rest -= divisor;
            quotient.low |= (UInt128)1 << bit;
        }
    }
    *ret_remainder = rest;
    return quotient;
}

static bool finish(UInt128 value, bool negative, DataType to, Int128 *ret)
{
    if (value >= (UInt128)DECIMAL_POWERS[to.precision])
        return false;
    *ret = negative ? -(Int128)value : (Int128)value;
    return true;
}

/* number / divisor, half up, as a value of type `to`. */
static bool divide_rounded(UInt256 number, UInt128 divisor, bool negative, DataType to, Int128 *ret)
{
    UInt128 rest;
    UInt256 quotient = divide_wide(number, divisor, &rest);
    if (quotient.high)
        return false;
    UInt128 rounded = quotient.low + (rest >= divisor - rest);
    return rounded >= quotient.low && finish(rounded, negative, to, ret);
}

/* A magnitude of scale `scale` as a value of type `to`. */
static bool finish_wide(UInt256 number, int scale, bool negative, DataType to, Int128 *ret)
{
    if (scale <= to.scale) {
        int up = to.scale - scale;
        if (number.high || up >= to.precision)
            return !number.high && !number.low && finish(0, false, to, ret);
        if (number.low >= (UInt128)DECIMAL_POWERS[to.precision - up])
            return false;
        return finish(number.low * (UInt128)DECIMAL_POWERS[up], negative, to, ret);
    }
    int down = scale - to.scale;
    if (down <= 38)
        return divide_rounded(number, (UInt128)DECIMAL_POWERS[down], negative, to, ret);
    /* Two steps: the first truncates and keeps at least one digit more than is wanted, so half-up stays exact. */
    UInt128 rest;
    UInt256 truncated = divide_wide(number, (UInt128)DECIMAL_POWERS[down - 38], &rest);
    return divide_rounded(truncated, (UInt128)DECIMAL_POWERS[38], negative, to, ret);
}

uint8_t decimal_digits(Int128 value)
{
    UInt128 size = magnitude(value);
    uint8_t digits = 1;
    while (digits < 39 && size >= (UInt128)DECIMAL_POWERS[digits])
        digits++;
    return digits;
}

bool decimal_rescale(Int128 value, int scale, DataType to, Int128 *ret)
{
    if (scale == to.scale) {
        if (!decimal_fits(value, to.precision))
            return false;
        *ret = value;
        return true;
    }
    return finish_wide((UInt256){.low = magnitude(value)}, scale, value < 0, to, ret);
}

bool decimal_add(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret)
{
    uint8_t scale = sa > sb ? sa : sb;
    UInt256 left, right;
    if (!multiply_power(magnitude(a), (unsigned)(scale - sa), &left) ||
        !multiply_power(magnitude(b), (unsigned)(scale - sb), &right))
        return false;
    if ((a < 0) == (b < 0))
        return finish_wide(add_wide(left, right), scale, a < 0, to, ret);
    if (less_wide(left, right))
        return finish_wide(subtract_wide(right, left), scale, b < 0, to, ret);
    return finish_wide(subtract_wide(left, right), scale, a < 0, to, ret);
}

bool decimal_multiply(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret)
{
    UInt256 product = multiply_wide(magnitude(a), magnitude(b));
    return finish_wide(product, sa + sb, (a < 0) != (b < 0), to, ret);
}

bool decimal_divide(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret)
{
    if (b == 0)
        return false;
    int power = to.scale - sa + sb;
    bool negative = (a < 0) != (b < 0);
    UInt256 numerator = {.low = magnitude(a)};
    UInt256 divisor = {.low = magnitude(b)};
    if (power >= 0 && !multiply_power(magnitude(a), (unsigned)power, &numerator))
        return false;
    if (power < 0 && (!multiply_power(magnitude(b), (unsigned)-power, &divisor) || divisor.high))
        return finish(0, false, to, ret);
    if (numerator.high && divisor.low > (UInt128)1 << 127)
        return false;
    return divide_rounded(numerator, divisor.low, negative, to, ret);
}

bool decimal_remainder(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret)
{
    if (b == 0)
        return false;
    uint8_t scale = sa > sb ? sa : sb;
    UInt256 number, divisor;
    if (!multiply_power(magnitude(a), (unsigned)(scale - sa), &number) ||
        !multiply_power(magnitude(b), (unsigned)(scale - sb), &divisor))
        return false;
    if (less_wide(number, divisor))
        return finish_wide(number, scale, a < 0, to, ret);
    /* Not less than the divisor: only one of the two was shifted, and a number that was not fits 128 bits. */
    UInt128 rest;
    if (divisor.high || (number.high && divisor.low > (UInt128)1 << 127))
        return false;
    divide_wide(number, divisor.low, &rest);
    return finish_wide((UInt256){.low = rest}, scale, a < 0, to, ret);
}

bool decimal_parse(StrView text, DataType to, Int128 *ret)
{
    NumberText number;
    if (!number_scan(text, &number) || number.huge_exponent)
        return false;
    /* Digits up to the first one that is dropped decide everything under half-up. */
    int64_t kept = number.point + to.scale; /* how many of the significant digits stay */
    if (number.n_digits == 0) {
        *ret = 0;
        return true;
    }
    if (kept > to.precision)
        return false;
    UInt128 value = 0;
    bool round_up = false;
    NumberDigits digits = number_digits(&number);
    for (int64_t i = 0; i < kept; i++)
        value = value * 10 + (UInt128)number_next_digit(&digits);
    if (kept >= 0)
        round_up = number_next_digit(&digits) >= 5;
    return finish(value + round_up, number.negative, to, ret);
}

/* Digits of the magnitude, at least `least` of them; returns how many. */
static size_t format_digits(char *text, UInt128 value, size_t least)
{
    char reversed[48];
    size_t n = 0;
    while (value > UINT64_MAX) {
        reversed[n++] = (char)('0' + (int)(value % 10));
        value /= 10;
    }
    for (uint64_t low = (uint64_t)value; low > 0; low /= 10)
        reversed[n++] = (char)('0' + (int)(low % 10));
    while (n < least)
        reversed[n++] = '0';
    for (size_t i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    return n;
}

size_t decimal_format(char *text, Int128 value, uint8_t scale)
{
    char digits[48];
    size_t n = format_digits(digits, magnitude(value), (size_t)scale + 1);
    size_t length = 0;
    if (value < 0)
        text[length++] = '-';
    memcpy(text + length, digits, n - scale);
    length += n - scale;
    if (scale > 0) {
        text[length++] = '.';
        memcpy(text + length, digits + n - scale, scale);
        length += scale;
    }
    text[length] = '\0';
    return length;
}

size_t decimal_format_short(char *text, Int128 value, uint8_t scale)
{
    char digits[48];
    size_t n = format_digits(digits, magnitude(value), 1);
    int exponent = (int)n - 1 - scale;
    if (exponent >= -6)
        return decimal_format(text, value, scale);
    size_t length = 0;
    if (value < 0)
        text[length++] = '-';
    text[length++] = digits[0];
    if (n > 1) {
        text[length++] = '.';
        memcpy(text + length, digits + 1, n - 1);
        length += n - 1;
    }
    text[length++] = 'E';
    return length + number_format_int64(text + length, exponent);
}

double decimal_to_double(Int128 value, uint8_t scale)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (magnitude(value) <= (UInt128)1 << 53 && scale < ARRAY_SIZE(powers))
        return (double)(int64_t)value / powers[scale]; /* both exact: one rounding */
    char text[DECIMAL_TEXT_SIZE];
    decimal_format(text, value, scale);
    return strtod(text, NULL);
}

bool decimal_from_double(double value, DataType to, Int128 *ret)
{
    ShortestDecimal shortest;
    if (!number_shortest(value, &shortest))
        return false;
    /* digits * 10^exponent: a positive exponent is a negative scale. */
    if (shortest.exponent > 38)
        return shortest.digits == 0 && finish(0, false, to, ret);
    if (-shortest.exponent > 38 + 38)
        return finish(0, false, to, ret);
    if (shortest.exponent > 0) {
        UInt256 number;
        return multiply_power(shortest.digits, (unsigned)shortest.exponent, &number) &&
               finish_wide(number, 0, shortest.negative, to, ret);
    }
    return finish_wide((UInt256){.low = shortest.digits}, -shortest.exponent, shortest.negative, to, ret);
}
