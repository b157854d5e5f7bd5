/* exec/aggregate_moments.c: variance and correlation are those of the exact values, to the bit the same in any order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exec/aggregate_moments.h"
#include "random.h"

enum { N = 400, PARTS = 4 };

static double random_value(int kind, double mean)
{
    switch (kind) {
    case 0:
        return (double)(1000 + next_random() % 8001) / 100.0;
    case 1: /* a spread far below the mean */
        return mean + ldexp((double)(next_random() % 1000), -20);
    case 2:
        return exp((double)(int64_t)(next_random() % 400) / 20.0 - 10) * (next_random() % 2 ? 1 : -1);
    default:
        return ((double)(next_random() % 2001) - 1000) * 1e120;
    }
}

static double result(AggregateKind kind, const Moments *moments)
{
    double value = -77;
    return moments_finish(kind, moments, &value) ? value : -88;
}

/* In long double and two passes: 11 bits more than a double has. */
static long double reference(const double *x, const double *y, AggregateKind kind)
{
    long double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < N; i++) {
        mean_x += (long double)x[i] / N;
        mean_y += (long double)y[i] / N;
    }
    for (int i = 0; i < N; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    switch (kind) {
    case AGGREGATE_STDDEV_SAMP:
        return sqrtl(xx / (N - 1));
    case AGGREGATE_STDDEV_POP:
        return sqrtl(xx / N);
    case AGGREGATE_VAR_SAMP:
        return xx / (N - 1);
    case AGGREGATE_VAR_POP:
        return xx / N;
    default:
        return xy / sqrtl(xx * yy);
    }
}

static void results_are_exact_in_any_order(void **unused)
{
    (void)unused;
    static const AggregateKind kinds[] = {AGGREGATE_STDDEV_SAMP, AGGREGATE_STDDEV_POP, AGGREGATE_VAR_SAMP,
                                          AGGREGATE_VAR_POP, AGGREGATE_CORR};
    static double x[N], y[N];
    for (int round = 0; round < 40; round++) {
        Arena arena;
        arena_init(&arena);
        double mean = ldexp(1 + (double)(next_random() % 1000) / 1000, (int)(next_random() % 30));
        for (int i = 0; i < N; i++) {
            x[i] = random_value(round % 4, mean);
            y[i] = x[i] * (round % 3 ? 2.5 : -1e-3) + random_value(round % 4, mean);
        }
        Moments forward = {0}, parts[PARTS] = {{0}}, one = {0};
        for (int i = 0; i < N; i++) {
            int back = N - 1 - i;
            moments_add(&forward, x[i], &y[i], 1, &arena);
            moments_add(&one, x[back], NULL, 1, &arena);
            moments_add(&parts[next_random() % PARTS], x[back], &y[back], 1, &arena);
        }
        for (int i = 1; i < PARTS; i++)
            moments_merge(&parts[0], &parts[i], 2, &arena);
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
            double got = result(kinds[k], &forward);
            assert_true(got == result(kinds[k], &parts[0]));
            if (kinds[k] != AGGREGATE_CORR)
                assert_true(got == result(kinds[k], &one));
            long double want = reference(x, y, kinds[k]);
            /* what the reference loses by a large mean: its own roundings, 2^-64 of it */
            long double slack = 1e-14L + (round % 4 == 1 ? (long double)(mean * mean) * 1e-17L : 0);
            if (fabsl(got - want) > slack * fmaxl(fabsl(want), 1e-9L))
                fail_msg("round %d kind %zu: %.17g is not %.21Lg", round, k, got, want);
        }
        arena_done(&arena);
    }
}

static void a_spread_of_one_bit_is_found(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    double low = 1e9, high = nextafter(low, INFINITY), step = high - low;
    Moments moments = {0};
    moments_add(&moments, low, NULL, 1000000, &arena);
    moments_add(&moments, high, NULL, 1000000, &arena);
    assert_true(result(AGGREGATE_STDDEV_POP, &moments) == step / 2);
    for (int i = 0; i < 1000; i++) { /* equal values: nothing at all */
        double value = ldexp((double)(int64_t)next_random(), (int)(next_random() % 200) - 100);
        Moments equal = {0};
        moments_add(&equal, value, &value, 1 + (int64_t)(next_random() % 1000000), &arena);
        assert_true(result(AGGREGATE_VAR_POP, &equal) == 0);
        double unused_value;
        assert_false(moments_finish(AGGREGATE_CORR, &equal, &unused_value));
    }
    arena_done(&arena);
}

static void weights_are_equal_rows(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    Moments rows = {0}, weighted = {0};
    for (int i = 0; i < 50; i++) {
        double x = random_value(2, 0), y = random_value(0, 0);
        int times = (int)(next_random() % 40);
        moments_add(&weighted, x, &y, times, &arena);
        for (int k = 0; k < times; k++)
            moments_add(&rows, x, &y, 1, &arena);
    }
    assert_true(result(AGGREGATE_VAR_SAMP, &rows) == result(AGGREGATE_VAR_SAMP, &weighted));
    assert_true(result(AGGREGATE_CORR, &rows) == result(AGGREGATE_CORR, &weighted));
    arena_done(&arena);
}

static void edges_are_those_of_spark(void **unused)
{
    (void)unused;
    static const struct {
        double x[3];
        int n;
        double samp, pop, corr; /* -88: NULL; corr with y = 1, 2, 3 */
    } cases[] = {
        {{0}, 0, -88, -88, -88},
        {{5}, 1, -88, 0, -88},
        {{1, 2, 3}, 3, 1, (double)2 / 3, 1},
        {{3, 2, 1}, 3, 1, (double)2 / 3, -1},
        {{NAN, 1, 2}, 3, NAN, NAN, NAN},
        {{INFINITY, 1, 2}, 3, NAN, NAN, NAN},
        {{1e200}, 1, -88, NAN, -88},
        {{1e200, 2e200}, 2, NAN, NAN, NAN},
        {{0.1, 0.1, 0.1}, 3, 0, 0, -88},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Arena arena;
        arena_init(&arena);
        Moments moments = {0};
        for (int k = 0; k < cases[i].n; k++) {
            double y = k + 1;
            moments_add(&moments, cases[i].x[k], &y, 1, &arena);
        }
        double got[] = {result(AGGREGATE_VAR_SAMP, &moments), result(AGGREGATE_VAR_POP, &moments),
                        result(AGGREGATE_CORR, &moments)};
        double want[] = {cases[i].samp, cases[i].pop, cases[i].corr};
        for (int k = 0; k < 3; k++)
            if (!(isnan(got[k]) && isnan(want[k])) && got[k] != want[k])
                fail_msg("case %zu result %d: %.17g is not %.17g", i, k, got[k], want[k]);
        arena_done(&arena);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_exact_in_any_order),
        cmocka_unit_test(a_spread_of_one_bit_is_found),
        cmocka_unit_test(weights_are_equal_rows),
        cmocka_unit_test(edges_are_those_of_spark),
    };
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
