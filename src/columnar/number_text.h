/* Numbers from text and to text, by the rules of Spark's CAST.
 *
 * Every parser takes the whole text, blanks around allowed, and is false where it is no number.  Formatters write at
 * `text` (NUMBER_TEXT_SIZE bytes of room, NUL-terminated) and return the length. */
#ifndef FREIGHTLAKE_COLUMNAR_NUMBER_TEXT_H
#define FREIGHTLAKE_COLUMNAR_NUMBER_TEXT_H

#include "columnar/types.h"

#define NUMBER_TEXT_SIZE 40

/* A decimal number taken apart: 0.d1d2d3... * 10^point with n_digits digits, d1 not 0. */
typedef struct NumberText {
    const char *first; /* d1 */
    const char *end;   /* behind the last digit; a '.' may stand between */
    int64_t point;
    uint32_t n_digits; /* 0: the number is zero */
    bool negative;
    bool huge_exponent; /* beyond 32 bits; point is then far beyond every range */
} NumberText;

/* [+-] digits [. digits] [e [+-] digits], at least one digit. */
bool number_scan(StrView text, NumberText *ret);

/* Walks over d1, d2, ...; zeros behind the end. */
typedef struct NumberDigits {
    const char *next;
    const char *end;
} NumberDigits;

static inline NumberDigits number_digits(const NumberText *number)
{
    return (NumberDigits){number->first, number->end};
}

static inline int number_next_digit(NumberDigits *digits)
{
    if (digits->next < digits->end && *digits->next == '.')
        digits->next++;
    return digits->next < digits->end ? *digits->next++ - '0' : 0;
}

/* Text without the blanks and control characters (0x00-0x20, and 0x7f where `del`) at both ends. */
StrView text_trim_control(StrView text, bool del);

/* "12", "-7", "12.9" (cut to 12), "." (0, as Spark has it). */
bool number_parse_int64(StrView text, int64_t *ret);
/* As Java's Double.parseDouble, with inf, infinity and nan in any case. */
bool number_parse_double(StrView text, double *ret);

/* The decimal with the fewest digits that reads back as the double, the nearest such: digits * 10^exponent, no zero at
 * the end of digits.  False for NaN and infinities. */
typedef struct ShortestDecimal {
    uint64_t digits;
    int exponent;
    bool negative;
} ShortestDecimal;
bool number_shortest(double value, ShortestDecimal *ret);

size_t number_format_int64(char *text, int64_t value);
/* As Java's Double.toString and Float.toString: "1.0", "1.0E7", "0.001", "NaN", "-Infinity". */
size_t number_format_double(char *text, double value);
size_t number_format_float(char *text, float value);

#endif
