/* src/generate/random.h, weighted.c: random numbers by counter, rounding, weighted draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "generate/random.h"
#include "generate/weighted.h"

/* What printf makes of the exact binary value: correctly rounded, ties to even. */
static int64_t hundredths_by_printf(double x)
{
    char text[64];
    snprintf(text, sizeof text, "%.2f", x);
    char *point = text;
    int64_t whole = strtoll(text, &point, 10);
    return whole * 100 + strtoll(point + 1, NULL, 10);
}

static void test_rounding_is_that_of_the_decimal_value(void **state)
{
    (void)state;
    static const double hard[] = {0.005,  0.015,  0.025,  0.125,  0.375,   10.125, 10.135, 1.005,    2.675,
                                  59.625, 60.375, 60.385, 99.995, 104.995, 0.0,    100.0,  1234.565, 0.994999999999999};
    for (size_t i = 0; i < ARRAY_SIZE(hard); i++)
        assert_int_equal(round_to_hundredths(hard[i]), hundredths_by_printf(hard[i]));
    uint64_t stream = random_stream(20250630, 0);
    print_message("# seed 20250630\n");
    for (uint64_t i = 0; i < 50000; i++) {
        double x = 10.0 + 95.0 * random_unit(random_at(stream, i));
        double tie = (double)random_below(random_at(stream, i + 50000), 20000) / 200.0; /* at or beside a tie */
        assert_int_equal(round_to_hundredths(x), hundredths_by_printf(x));
        assert_int_equal(round_to_hundredths(tie), hundredths_by_printf(tie));
    }
}

static void test_streams_differ(void **state)
{
    (void)state;
    assert_true(random_at(random_stream(1, 0), 0) != random_at(random_stream(1, 1), 0));
    assert_true(random_at(random_stream(1, 0), 0) != random_at(random_stream(2, 0), 0));
    assert_true(random_at(random_stream(1, 0), 0) != random_at(random_stream(1, 0), 1));
    assert_true(random_at(random_stream(7, 3), 9) == random_at(random_stream(7, 3), 9));
}

static void test_ranges(void **state)
{
    (void)state;
    assert_int_equal(random_below(0, 7), 0);
    assert_int_equal(random_below(UINT64_MAX, 7), 6);
    assert_true(random_unit(UINT64_MAX) < 1.0);
    assert_int_equal(random_rounded(0, 490), 0);
    assert_int_equal(random_rounded(UINT64_MAX, 490), 490);
}

static void test_end_values_have_half_the_weight(void **state)
{
    (void)state;
    uint32_t counts[5] = {0};
    uint64_t stream = random_stream(5, 5);
    const uint32_t n = 400000;
    for (uint32_t i = 0; i < n; i++)
        counts[random_rounded(random_at(stream, i), 4)]++;
    const double expected[] = {0.125, 0.25, 0.25, 0.25, 0.125};
    double chi_square = 0;
    for (int i = 0; i < 5; i++) {
        double difference = counts[i] - expected[i] * n;
        chi_square += difference * difference / (expected[i] * n);
    }
    assert_true(chi_square < 25); /* 4 degrees of freedom: p = 5e-5 */
}

static void test_weighted_draw(void **state)
{
    (void)state;
    const double weights[] = {5, 0, 1, 3, 1};
    Weighted weighted;
    weighted_init(&weighted, weights, 5);
    uint32_t counts[5] = {0};
    uint64_t stream = random_stream(6, 6);
    const uint32_t n = 400000;
    for (uint32_t i = 0; i < n; i++)
        counts[weighted_draw(&weighted, random_at(stream, i))]++;
    assert_int_equal(counts[1], 0);
    double chi_square = 0;
    for (int i = 0; i < 5; i++) {
        double expected = weights[i] / 10 * n;
        double difference = counts[i] - expected;
        if (expected > 0)
            chi_square += difference * difference / expected;
        assert_true(fabs(weighted.share[i] - weights[i] / 10) < 1e-12);
    }
    assert_true(chi_square < 22); /* 3 degrees of freedom: p = 7e-5 */

    const double one[] = {0.5};
    weighted_init(&weighted, one, 1);
    assert_int_equal(weighted_draw(&weighted, UINT64_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_is_that_of_the_decimal_value),
        cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_end_values_have_half_the_weight),
        cmocka_unit_test(test_weighted_draw),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
