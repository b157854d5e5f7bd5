/* Numbers from text and to text.
 *
 * Both directions have an exact short way for what data holds nearly always, numbers of up to 15 digits:
 *
 *   text -> double: mantissa < 2^53 and a power of ten up to 10^22 are both doubles without error, so one multiplication
 *   or division rounds once, to the nearest double.
 *
 *   double -> shortest decimal: if r = rint(x * 10^k) is below 10^15 and r / 10^k == x, then r / 10^k is a decimal of at
 *   most 15 digits that rounds to x.  Two different decimals of at most 15 digits never round to the same double, so it
 *   is the only one, and with the smallest k it is the shortest.  The other way round every x that has such a decimal is
 *   found: x * 10^k is off by at most 2^-52 of r, which is less than a half.
 *
 * Other doubles go through Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles"), those below DBL_MIN and
 * other text through the C library, which rounds correctly. */
#include "columnar/number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "columnar/power_table.h"

#define EXACT_POWERS 22
#define FEW_DECIMALS 4 /* up to here trying is quicker than the general way */

static const double POWERS[EXACT_POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

StrView text_trim_control(StrView text, bool del)
{
    while (text.size > 0 && ((unsigned char)text.data[0] <= ' ' || (del && text.data[0] == 0x7f))) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 &&
           ((unsigned char)text.data[text.size - 1] <= ' ' || (del && text.data[text.size - 1] == 0x7f)))
        text.size--;
    return text;
}

/* [+-] digits to the end of the text; stays at 2^32 where it is larger.  False where the exponent is none. */
static bool scan_exponent(const char *at, const char *end, int64_t *ret)
{
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    int64_t value = 0;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        value = value * 10 + (*at - '0');
        if (value > UINT32_MAX)
            value = (int64_t)1 << 32;
    }
    *ret = negative ? -value : value;
    return true;
}

bool number_scan(StrView text, NumberText *ret)
{
    text = text_trim_control(text, false);
    const char *at = text.data, *end = text.data + text.size;
    NumberText number = {0};
    if (at < end && (*at == '-' || *at == '+'))
        number.negative = *at++ == '-';
    const char *mantissa = at;
    while (at < end && is_digit(*at))
        at++;
    const char *dot = at;
    int64_t digits = dot - mantissa;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && is_digit(*at))
            at++;
        digits += at - fraction;
    }
    if (digits == 0)
        return false;
    number.end = at;
    int64_t exponent = 0;
    if (at < end && (*at != 'e' && *at != 'E'))
        return false;
    if (at < end && !scan_exponent(at + 1, end, &exponent))
        return false;
    const char *first = mantissa;
    while (first < number.end && (*first == '0' || *first == '.'))
        first++;
    number.first = first;
    number.huge_exponent = exponent > INT32_MAX || exponent < -INT32_MAX;
    if (first < number.end) {
        number.point = exponent + (first < dot ? dot - first : -(first - dot - 1));
        number.n_digits = (uint32_t)(number.end - first - (first <= dot && dot < number.end));
    }
    *ret = number;
    return true;
}

bool number_parse_int64(StrView text, int64_t *ret)
{
    text = text_trim_control(text, true);
    const char *at = text.data, *end = text.data + text.size;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    for (; at < end && *at != '.'; at++) {
        if (!is_digit(*at))
            return false;
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    for (at += at < end; at < end; at++)
        if (!is_digit(*at))
            return false;
    *ret = (int64_t)(negative ? -value : value);
    return true;
}

static bool equals_any_case(StrView text, const char *word)
{
    return strlen(word) == text.size && strncasecmp(text.data, word, text.size) == 0;
}

static bool parse_special(StrView text, double *ret)
{
    double sign = 1;
    StrView word = text;
    if (word.size > 0 && (word.data[0] == '-' || word.data[0] == '+')) {
        sign = word.data[0] == '-' ? -1 : 1;
        word.data++;
        word.size--;
    }
    if (equals_any_case(word, "inf") || equals_any_case(word, "infinity")) {
        *ret = sign * HUGE_VAL;
        return true;
    }
    bool signed_nan = word.size != text.size && word.size == 3 && memcmp(word.data, "NaN", 3) == 0;
    if (equals_any_case(text, "nan") || signed_nan) {
        *ret = (double)NAN;
        return true;
    }
    return false;
}

/* [+-] 0x digits [. digits] p [+-] digits, which C reads as Java does but for the exponent that Java insists on. */
static bool is_hexadecimal(StrView text)
{
    const char *at = text.data, *end = text.data + text.size;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (end - at < 2 || at[0] != '0' || (at[1] != 'x' && at[1] != 'X'))
        return false;
    return memchr(at, 'p', (size_t)(end - at)) || memchr(at, 'P', (size_t)(end - at));
}

static bool parse_by_library(StrView text, double *ret)
{
    char small[128];
    char *copy = text.size < sizeof small ? small : mem_alloc((size_t)text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *end;
    *ret = strtod(copy, &end);
    bool complete = text.size > 0 && end == copy + text.size;
    if (copy != small)
        mem_free(copy);
    return complete;
}

bool number_parse_double(StrView text, double *ret)
{
    text = text_trim_control(text, false);
    if (text.size == 0)
        return false;
    char last = text.data[text.size - 1] | 0x20;
    StrView plain = text;
    if ((last == 'd' || last == 'f') && text.size > 1)
        plain.size--;
    NumberText number;
    if ((plain.size != text.size && text_trim_control(plain, false).size != plain.size) ||
        !number_scan(plain, &number)) {
        double value;
        if (is_hexadecimal(text) ? !parse_by_library(plain, &value) : !parse_special(text, &value))
            return false;
        *ret = value;
        return true;
    }
    if (number.n_digits <= 19) {
        uint64_t mantissa = 0;
        NumberDigits digits = number_digits(&number);
        for (uint32_t i = 0; i < number.n_digits; i++)
            mantissa = mantissa * 10 + (uint64_t)number_next_digit(&digits);
        int64_t exponent = number.point - number.n_digits;
        if (mantissa <= (uint64_t)1 << 53 && exponent >= -EXACT_POWERS && exponent <= EXACT_POWERS) {
            double value = exponent < 0 ? (double)mantissa / POWERS[-exponent] : (double)mantissa * POWERS[exponent];
            *ret = number.negative ? -value : value;
            return true;
        }
    }
    return parse_by_library(plain, ret);
}

/* Takes "d.ddde[+-]dd" apart. */
static void read_scientific(const char *text, ShortestDecimal *decimal)
{
    uint64_t digits = 0;
    int fraction = 0;
    bool behind_point = false;
    for (; *text != 'e'; text++) {
        if (*text == '.') {
            behind_point = true;
        } else {
            digits = digits * 10 + (uint64_t)(*text - '0');
            fraction += behind_point;
        }
    }
    decimal->digits = digits;
    decimal->exponent = (int)strtol(text + 1, NULL, 10) - fraction;
}

static void drop_zeros(ShortestDecimal *decimal)
{
    if (decimal->digits == 0) {
        decimal->exponent = 0;
        return;
    }
    while (decimal->digits % 10 == 0) {
        decimal->digits /= 10;
        decimal->exponent++;
    }
}

/* Numbers below DBL_MIN have less than 15 digits of precision; two are always tried, as Java does ("4.9E-324"). */
static void shortest_by_library(double size, ShortestDecimal *decimal)
{
    char text[NUMBER_TEXT_SIZE];
    for (int digits = 2;; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, size);
        if (digits == 17 || strtod(text, NULL) == size)
            break;
    }
    read_scientific(text, decimal);
    drop_zeros(decimal);
}

/* The upper 64 bits of factor * power / 2^64, the lowest bit set when anything was cut off: enough to compare with a
 * multiple of 4 as if nothing had been. */
static inline uint64_t round_to_odd(PowerOfTen power, uint64_t factor)
{
    UInt128 low = (UInt128)power.low * factor >> 64;
    UInt128 product = (UInt128)power.high * factor + low;
    return (uint64_t)(product >> 64) | ((uint64_t)product > 1);
}

/* Schubfach for a normal double.  The double is c * 2^q; all between the middles to its neighbours reads back as it.
 * With 10^k just not above the width of that interval, the interval holds one or two multiples of 10^k and at most one of
 * 10^(k+1); that one is the shortest, else the multiple of 10^k that is nearest.  All quantities are scaled by 4 * 10^-k
 * so that the interval's ends are integers but for the bit that round_to_odd keeps. */
static void shortest_of_normal(double size, ShortestDecimal *decimal)
{
    uint64_t bits;
    memcpy(&bits, &size, sizeof bits);
    const uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    const int exponent = (int)(bits >> 52);
    const uint64_t c = fraction | (uint64_t)1 << 52;
    const int q = exponent - 1075;
    const bool closer_below = fraction == 0 && exponent > 1; /* at a power of two the neighbour below is half as far */
    const uint64_t open = c & 1;                             /* the interval's ends belong to it when c is even */
    const int k = (q * 1262611 - (closer_below ? 524031 : 0)) >> 22;
    const int shift = q + ((-k * 1741647) >> 19) + 1;
    const PowerOfTen power = POWER_TABLE[-k - POWER_TABLE_FIRST];
    const uint64_t lower = round_to_odd(power, (4 * c - 2 + closer_below) << shift) + open;
    const uint64_t middle = round_to_odd(power, (4 * c) << shift);
    const uint64_t upper = round_to_odd(power, (4 * c + 2) << shift) - open;
    const uint64_t below = middle / 4, tens = below / 10;
    decimal->exponent = k;
    bool down_fits = lower <= 40 * tens, up_fits = 40 * tens + 40 <= upper;
    if (down_fits != up_fits) {
        decimal->digits = (tens + up_fits) * 10;
    } else {
        down_fits = lower <= 4 * below;
        up_fits = 4 * below + 4 <= upper;
        bool nearer_up = middle > 4 * below + 2 || (middle == 4 * below + 2 && (below & 1));
        decimal->digits = below + (down_fits != up_fits ? up_fits : nearer_up);
    }
    drop_zeros(decimal);
}

bool number_shortest(double value, ShortestDecimal *ret)
{
    if (!isfinite(value))
        return false;
    ShortestDecimal decimal = {.negative = signbit(value)};
    double size = fabs(value);
    for (int k = 0; k <= FEW_DECIMALS; k++) {
        double scaled = rint(size * POWERS[k]);
        if (scaled >= 1e15)
            break;
        if (scaled / POWERS[k] == size) {
            decimal.digits = (uint64_t)scaled;
            decimal.exponent = -k;
            drop_zeros(&decimal);
            *ret = decimal;
            return true;
        }
    }
    if (size < DBL_MIN)
        shortest_by_library(size, &decimal);
    else
        shortest_of_normal(size, &decimal);
    *ret = decimal;
    return true;
}

static size_t format_uint64(char *text, uint64_t value)
{
    char reversed[24];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    text[n] = '\0';
    return n;
}

size_t number_format_int64(char *text, int64_t value)
{
    size_t length = 0;
    if (value < 0)
        text[length++] = '-';
    return length + format_uint64(text + length, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static size_t append(char *text, size_t length, const char *bytes, size_t n)
{
    memcpy(text + length, bytes, n);
    return length + n;
}

/* Plain from 0.001 up to below 10^7, otherwise with an exponent; always a digit behind the point. */
static size_t format_shortest(char *text, const ShortestDecimal *decimal)
{
    char digits[24];
    size_t n = format_uint64(digits, decimal->digits);
    int exponent = decimal->digits == 0 ? 0 : (int)n - 1 + decimal->exponent;
    size_t length = 0;
    if (decimal->negative)
        text[length++] = '-';
    if (exponent < -3 || exponent >= 7) {
        text[length++] = digits[0];
        text[length++] = '.';
        length = n > 1 ? append(text, length, digits + 1, n - 1) : append(text, length, "0", 1);
        text[length++] = 'E';
        return length + number_format_int64(text + length, exponent);
    }
    if (exponent < 0) {
        length = append(text, length, "0.000", (size_t)(1 - exponent));
        length = append(text, length, digits, n);
    } else {
        size_t whole = (size_t)exponent + 1;
        length = append(text, length, digits, n < whole ? n : whole);
        for (size_t i = n; i < whole; i++)
            text[length++] = '0';
        text[length++] = '.';
        length = n > whole ? append(text, length, digits + whole, n - whole) : append(text, length, "0", 1);
    }
    text[length] = '\0';
    return length;
}

static size_t format_special(char *text, double value)
{
    const char *word = isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    size_t length = strlen(word);
    memcpy(text, word, length + 1);
    return length;
}

size_t number_format_double(char *text, double value)
{
    ShortestDecimal decimal;
    if (!number_shortest(value, &decimal))
        return format_special(text, value);
    return format_shortest(text, &decimal);
}

size_t number_format_float(char *text, float value)
{
    if (!isfinite(value))
        return format_special(text, (double)value);
    ShortestDecimal decimal;
    char scientific[NUMBER_TEXT_SIZE];
    for (int digits = fabsf(value) < FLT_MIN ? 2 : 6;; digits++) {
        snprintf(scientific, sizeof scientific, "%.*e", digits - 1, fabs((double)value));
        if (digits == 9 || strtof(scientific, NULL) == fabsf(value))
            break;
    }
    read_scientific(scientific, &decimal);
    drop_zeros(&decimal);
    decimal.negative = signbit(value);
    return format_shortest(text, &decimal);
}
