/* A small generator for tests: seeded by FREIGHTLAKE_TEST_SEED or the clock, and the seed is printed. */
#ifndef FREIGHTLAKE_TESTS_RANDOM_H
#define FREIGHTLAKE_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

static inline uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A cmocka group set-up. */
static inline int seed_random(void **unused)
{
    (void)unused;
    const char *given = getenv("FREIGHTLAKE_TEST_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
    printf("# seed %llu\n", (unsigned long long)random_state);
    return 0;
}

#endif
