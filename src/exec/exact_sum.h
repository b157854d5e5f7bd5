/* ExactSum: a sum of doubles that does not depend on the order of its terms and is rounded once.
 *
 * A term whose lowest bit lies within the window [2^EXACT_WINDOW_EXPONENT, ...) goes into one 128-bit integer that
 * counts units of 2^EXACT_WINDOW_EXPONENT: magnitudes from about 1.5e-5 to 1.6e7, which is what weights, volumes,
 * distances and rates are.  The window leaves 34 bits for the number of terms.  Any other term goes into a wide
 * superaccumulator, an array of 32-bit digits that spans the whole range of double; it is made when first needed.
 * Both are exact, so it does not matter which of the two took a term.  NaN and infinities are kept as flags. */
#ifndef FREIGHTLAKE_EXEC_EXACT_SUM_H
#define FREIGHTLAKE_EXEC_EXACT_SUM_H

#include "columnar/types.h"

#define EXACT_WINDOW_EXPONENT (-68) /* the unit of the window is 2^this */
#define EXACT_WINDOW_SHIFTS 40      /* exponents covered, so 53 + 39 bits a term */

typedef struct WideSum WideSum;

typedef struct ExactSum {
    Int128 window;
    WideSum *wide; /* in the arena given to the adders; NULL while every term fits the window */
} ExactSum;

void exact_sum_add_wide(ExactSum *sum, double value, int64_t times, Arena *arena);
/* Adds units * 2^exponent. */
void exact_sum_add_scaled(ExactSum *sum, Int128 units, int exponent, Arena *arena);
void exact_sum_merge(ExactSum *into, const ExactSum *from, Arena *arena);
/* Adds factor * from, both finite; exact but for bits below 2^-1075, which are dropped.  A product far beyond double is NaN. */
void exact_sum_add_product(ExactSum *into, const ExactSum *from, double factor, Arena *arena);
/* The sum as bytes that exact_sum_load takes: the same value, whatever its terms' order was. */
void exact_sum_save(const ExactSum *sum, Buffer *bytes);
/* Reads a sum from the first of *inout_bytes and moves behind it; false when they are no sum. */
bool exact_sum_load(ExactSum *ret_sum, const uint8_t **inout_bytes, size_t *inout_size, Arena *arena);
/* The sum rounded to nearest, ties to even. */
double exact_sum_round(const ExactSum *sum);

/* If every value is a multiple of some 2^exponent and |value| * terms / 2^exponent stays below 2^62, gives the values as
 * integers in units of 2^*ret_exponent and returns true.  Not valid entries (valid[i] == 0) give 0. */
bool exact_sum_as_integers(const double *values, const uint8_t *valid, uint32_t n, uint64_t terms, int64_t *ret_units,
                           int *ret_exponent);

static inline void exact_sum_add(ExactSum *sum, double value, Arena *arena)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 52 & 2047);
    /* value = mantissa * 2^(exponent - 1075) for normal numbers */
    int shift = exponent - 1075 - EXACT_WINDOW_EXPONENT;
    if (LIKELY((unsigned)shift < EXACT_WINDOW_SHIFTS)) {
        int64_t mantissa = (int64_t)((bits & 0xfffffffffffff) | (uint64_t)1 << 52);
        int64_t sign = (int64_t)bits >> 63;
        sum->window += (Int128)((UInt128)(Int128)((mantissa ^ sign) - sign) << shift);
    } else if (value != 0) {
        exact_sum_add_wide(sum, value, 1, arena);
    }
}

#endif
