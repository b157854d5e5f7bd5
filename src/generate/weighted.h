/* Weighted: draws one of n numbers with given weights in constant time (Walker's alias method). */
#ifndef FREIGHTLAKE_GENERATE_WEIGHTED_H
#define FREIGHTLAKE_GENERATE_WEIGHTED_H

#include <stdint.h>

#define WEIGHTED_MAX 384

typedef struct Weighted {
    uint32_t n;
    double share[WEIGHTED_MAX];  /* of all; they add up to 1 */
    uint64_t keep[WEIGHTED_MAX]; /* the number itself below this fraction (of 2^64), else its alias */
    uint16_t alias[WEIGHTED_MAX];
} Weighted;

/* weights: n of them, 1..WEIGHTED_MAX, none negative, not all 0. */
void weighted_init(Weighted *weighted, const double *weights, uint32_t n);

static inline uint32_t weighted_draw(const Weighted *weighted, uint64_t random)
{
    unsigned __int128 product = (unsigned __int128)random * weighted->n;
    uint32_t number = (uint32_t)(product >> 64);
    return (uint64_t)product < weighted->keep[number] ? number : weighted->alias[number];
}

#endif
