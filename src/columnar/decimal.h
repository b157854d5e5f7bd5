/* Exact decimal arithmetic on unscaled 128-bit integers, by Spark's rules: results are exact, rounded half up (away from
 * zero) to the wanted scale, and do not exist (false) when they need more digits than the wanted precision.
 *
 * Inputs may be any Int128, also one with more than 38 digits out of a broken file: nothing here overflows silently. */
#ifndef FREIGHTLAKE_COLUMNAR_DECIMAL_H
#define FREIGHTLAKE_COLUMNAR_DECIMAL_H

#include "columnar/types.h"

#define DECIMAL_TEXT_SIZE 64 /* room for any decimal as text */

extern const int64_t DECIMAL_POWERS_64[19]; /* 10^0 .. 10^18 */
extern const Int128 DECIMAL_POWERS[39];     /* 10^0 .. 10^38 */

/* Whether |value| has at most `precision` digits. */
static inline bool decimal_fits(Int128 value, uint8_t precision)
{
    return value < DECIMAL_POWERS[precision] && value > -DECIMAL_POWERS[precision];
}

/* Number of decimal digits of |value|; 1 for 0. */
uint8_t decimal_digits(Int128 value);

/* The value with another scale and at most to.precision digits. */
bool decimal_rescale(Int128 value, int scale, DataType to, Int128 *ret);

/* The four operations on a (scale sa) and b (scale sb); `to` is the type of the result.  divide and remainder are false
 * for b = 0 too; the remainder has the sign of a. */
bool decimal_add(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret);
bool decimal_multiply(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret);
bool decimal_divide(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret);
bool decimal_remainder(Int128 a, uint8_t sa, Int128 b, uint8_t sb, DataType to, Int128 *ret);

/* Text like " -12.50 ", "+.5", "1e-3"; spaces around are allowed; false where it is no number or does not fit. */
bool decimal_parse(StrView text, DataType to, Int128 *ret);
/* All digits: "0.0000", "-12.50".  Returns the length; `text` has DECIMAL_TEXT_SIZE bytes of room. */
size_t decimal_format(char *text, Int128 value, uint8_t scale);
/* As Spark's CAST AS STRING, which is Java's BigDecimal.toString: "0E-18", "1.5E-9" below 1e-6, else all digits. */
size_t decimal_format_short(char *text, Int128 value, uint8_t scale);

/* The nearest double. */
double decimal_to_double(Int128 value, uint8_t scale);
/* The shortest text of the double, rounded to the scale; false for NaN, infinities and what does not fit. */
bool decimal_from_double(double value, DataType to, Int128 *ret);

#endif
