/* Seeded random values for property tests; the seed is printed, and FREIGHTLAKE_TEST_SEED sets it. */
#ifndef FREIGHTLAKE_TESTS_RANDOM_H
#define FREIGHTLAKE_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Random {
    uint64_t state;
} Random;

static inline Random random_start(const char *what)
{
    const char *text = getenv("FREIGHTLAKE_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    printf("# %s: seed %llu\n", what, (unsigned long long)seed);
    return (Random){seed};
}

static inline uint64_t random_next(Random *random) /* splitmix64 */
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static inline uint64_t random_below(Random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

/* Half the time any bit pattern that is a finite number, else one with few decimals. */
static inline double random_double(Random *random)
{
    for (;;) {
        uint64_t bits = random_next(random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (random_below(random, 2)) {
            double scale[] = {1, 10, 100, 1000, 10000, 2, 8, 1e9};
            value = (double)((int64_t)random_below(random, 2000001) - 1000000) / scale[random_below(random, 8)];
        }
        if (value - value == 0)
            return value;
    }
}

#endif
