/* Walker's alias method: n equal columns, each shared by at most two numbers. */
#include "generate/weighted.h"

#include "base/status.h"

static uint64_t to_fraction(double part)
{
    return part >= 1.0 ? UINT64_MAX : (uint64_t)(part * 0x1p64);
}

void weighted_init(Weighted *weighted, const double *weights, uint32_t n)
{
    CHECK(n >= 1 && n <= WEIGHTED_MAX);
    *weighted = (Weighted){.n = n};
    double total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += weights[i];
    CHECK(total > 0);
    double height[WEIGHTED_MAX]; /* of what is left of each number; 1 is a full column */
    uint16_t low[WEIGHTED_MAX];
    uint16_t high[WEIGHTED_MAX];
    uint32_t n_low = 0;
    uint32_t n_high = 0;
    for (uint32_t i = 0; i < n; i++) {
        weighted->share[i] = weights[i] / total;
        height[i] = weighted->share[i] * n;
        weighted->keep[i] = UINT64_MAX;
        weighted->alias[i] = (uint16_t)i;
        if (height[i] < 1.0)
            low[n_low++] = (uint16_t)i;
        else
            high[n_high++] = (uint16_t)i;
    }
    while (n_low > 0 && n_high > 0) {
        uint32_t small = low[--n_low];
        uint32_t large = high[n_high - 1];
        weighted->keep[small] = to_fraction(height[small]);
        weighted->alias[small] = (uint16_t)large;
        height[large] -= 1.0 - height[small];
        if (height[large] < 1.0) {
            n_high--;
            low[n_low++] = (uint16_t)large;
        }
    }
}
