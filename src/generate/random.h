/* Counter-based random numbers: the number of a row is a function of (seed, stream, row) alone, so rows can be made in
 * any order by any thread.
 *
 * A stream is the SplitMix64 sequence (a Weyl sequence with a 64-bit finaliser) from a start that seed and stream
 * number pick; `row` is the position in it.  Each random column has a stream of its own. */
#ifndef FREIGHTLAKE_GENERATE_RANDOM_H
#define FREIGHTLAKE_GENERATE_RANDOM_H

#include <math.h>
#include <stdint.h>

#define RANDOM_STEP 0x9e3779b97f4a7c15ULL

static inline uint64_t random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static inline uint64_t random_stream(uint64_t seed, uint32_t stream)
{
    return random_mix(random_mix(seed + RANDOM_STEP) + random_mix(((uint64_t)stream + 1) * RANDOM_STEP));
}

static inline uint64_t random_at(uint64_t stream, uint64_t row)
{
    return random_mix(stream + (row + 1) * RANDOM_STEP);
}

/* Uniform integer in [0, n); the bias is below n / 2^64. */
static inline uint32_t random_below(uint64_t random, uint32_t n)
{
    return (uint32_t)(((unsigned __int128)random * n) >> 64);
}

/* Uniform double in [0, 1) on the 2^53 grid. */
static inline double random_unit(uint64_t random)
{
    return (double)(random >> 11) * 0x1p-53;
}

/* Uniform over a grid of n + 1 points of which the two end ones have half the weight of the others: what rounding a
 * uniform real number to the grid gives.  Result in [0, n]. */
static inline uint32_t random_rounded(uint64_t random, uint32_t n)
{
    return (random_below(random, 2 * n) + 1) / 2;
}

/* The integer nearest to 100 x, ties to even, decided on the exact binary value of x; 0 <= x < 1e9. */
static inline int64_t round_to_hundredths(double x)
{
    double scaled = x * 100.0;
    double whole = floor(scaled);
    double rest = scaled - whole - 0.5;
    if (fabs(rest) < 1e-4) /* too near to a tie for the rounded product */
        rest = fma(x, 100.0, -(whole + 0.5));
    int64_t low = (int64_t)whole;
    return rest > 0 ? low + 1 : rest < 0 ? low : low + (low & 1);
}

#endif
