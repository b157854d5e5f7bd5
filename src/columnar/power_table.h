/* Powers of ten as 128-bit fractions.  Not for other layers. */
#ifndef FREIGHTLAKE_COLUMNAR_POWER_TABLE_H
#define FREIGHTLAKE_COLUMNAR_POWER_TABLE_H

#include <stdint.h>

#define POWER_TABLE_FIRST (-292)
#define POWER_TABLE_LAST 324

typedef struct PowerOfTen {
    uint64_t high;
    uint64_t low;
} PowerOfTen;

extern const PowerOfTen POWER_TABLE[POWER_TABLE_LAST - POWER_TABLE_FIRST + 1];

#endif
