/* exec/exact_sum.c: sums do not depend on order or path, and are the correctly rounded true sums. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exec/exact_sum.h"
#include "random.h"

static double random_double(int kind)
{
    switch (kind) {
    case 0:
        return (double)(1000 + next_random() % 8001) / 100.0;
    case 1:
        return ldexp((double)(next_random() >> 11), -53) * 80 + 10;
    case 2:
        return exp((double)(int64_t)(next_random() % 2000) / 20.0 - 50);
    case 3:
        return ((double)(next_random() % 2001) - 1000) * 1e300;
    default: {
        uint64_t bits = next_random();
        double value;
        memcpy(&value, &bits, sizeof value);
        return isfinite(value) ? value / 1024 : 5e-324 * (double)(bits % 7);
    }
    }
}

static void sum_does_not_depend_on_order_or_path(void **unused)
{
    (void)unused;
    enum { N = 5000 };
    static double values[N];
    for (int kind = 0; kind < 5; kind++) {
        Arena arena;
        arena_init(&arena);
        for (int i = 0; i < N; i++)
            values[i] = random_double(kind);
        ExactSum forward = {0}, backward = {0}, wide = {0}, parts[3] = {{0}};
        for (int i = 0; i < N; i++) {
            exact_sum_add(&forward, values[i], &arena);
            exact_sum_add(&backward, values[N - 1 - i], &arena);
            exact_sum_add_wide(&wide, values[i], 1, &arena);
            exact_sum_add(&parts[i % 3], values[i], &arena);
        }
        exact_sum_merge(&parts[0], &parts[1], &arena);
        exact_sum_merge(&parts[2], &parts[0], &arena);
        double expected = exact_sum_round(&forward);
        assert_true(expected == exact_sum_round(&backward));
        assert_true(expected == exact_sum_round(&wide));
        assert_true(expected == exact_sum_round(&parts[2]));
        for (int i = 0; i < N; i++) /* taking every term away again leaves nothing */
            exact_sum_add(&forward, -values[i], &arena);
        assert_true(exact_sum_round(&forward) == 0);
        arena_done(&arena);
    }
}

static void sum_is_rounded_once(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    ExactSum sum = {0};
    exact_sum_add(&sum, 1, &arena);
    exact_sum_add(&sum, 0x1p-53, &arena); /* half an ulp: ties to even */
    assert_true(exact_sum_round(&sum) == 1);
    exact_sum_add(&sum, 0x1p-200, &arena); /* a little more than half */
    assert_true(exact_sum_round(&sum) == 1 + 0x1p-52);
    ExactSum cancelling = {0};
    exact_sum_add(&cancelling, 1e308, &arena);
    exact_sum_add(&cancelling, 1e308, &arena);
    exact_sum_add(&cancelling, -1e308, &arena);
    assert_true(exact_sum_round(&cancelling) == 1e308);
    exact_sum_add(&cancelling, 3.5, &arena);
    exact_sum_add(&cancelling, -1e308, &arena);
    assert_true(exact_sum_round(&cancelling) == 3.5);
    ExactSum tiny = {0};
    exact_sum_add(&tiny, 5e-324, &arena);
    exact_sum_add(&tiny, 5e-324, &arena);
    assert_true(exact_sum_round(&tiny) == 1e-323);
    arena_done(&arena);
}

static void specials_follow_ieee(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    ExactSum sum = {0};
    exact_sum_add(&sum, INFINITY, &arena);
    exact_sum_add(&sum, 1, &arena);
    assert_true(isinf(exact_sum_round(&sum)) && exact_sum_round(&sum) > 0);
    exact_sum_add(&sum, -INFINITY, &arena);
    assert_true(isnan(exact_sum_round(&sum)));
    ExactSum with_nan = {0};
    exact_sum_add(&with_nan, NAN, &arena);
    assert_true(isnan(exact_sum_round(&with_nan)));
    arena_done(&arena);
}

static void weights_multiply(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    ExactSum weighted = {0}, repeated = {0};
    const double values[] = {0.1, 1e-9, 12345.678, -7e12};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        exact_sum_add_wide(&weighted, values[i], 1000, &arena);
        for (int k = 0; k < 1000; k++)
            exact_sum_add(&repeated, values[i], &arena);
    }
    assert_true(exact_sum_round(&weighted) == exact_sum_round(&repeated));
    arena_done(&arena);
}

static void integers_keep_every_value(void **unused)
{
    (void)unused;
    const double values[] = {0.5, 3, -12.25, 0, 99};
    const uint8_t valid[] = {1, 1, 1, 1, 0};
    int64_t units[5];
    int exponent;
    assert_true(exact_sum_as_integers(values, valid, 5, 1 << 20, units, &exponent));
    assert_int_equal(exponent, -2);
    assert_int_equal(units[0], 2);
    assert_int_equal(units[1], 12);
    assert_int_equal(units[2], -49);
    assert_int_equal(units[4], 0);
    const double mixed[] = {0.1, 1e15};
    assert_false(exact_sum_as_integers(mixed, NULL, 2, 1 << 20, units, &exponent));
    const double special[] = {1, NAN};
    assert_false(exact_sum_as_integers(special, NULL, 2, 1, units, &exponent));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_does_not_depend_on_order_or_path),
        cmocka_unit_test(sum_is_rounded_once),
        cmocka_unit_test(specials_follow_ieee),
        cmocka_unit_test(weights_multiply),
        cmocka_unit_test(integers_keep_every_value),
    };
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
