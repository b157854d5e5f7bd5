/* columnar/decimal.c against schoolbook arithmetic on digits. */
#include "columnar/decimal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "columnar/number_text.h"
#include "random.h"

#define DIGITS 240

/* A natural number, least significant digit first. */
typedef struct Big {
    uint8_t digit[DIGITS];
} Big;

static Big big_of(UInt128 value)
{
    Big big = {0};
    for (int i = 0; value; i++, value /= 10)
        big.digit[i] = (uint8_t)(value % 10);
    return big;
}

static int big_compare(const Big *a, const Big *b)
{
    for (int i = DIGITS; i-- > 0;)
        if (a->digit[i] != b->digit[i])
            return a->digit[i] < b->digit[i] ? -1 : 1;
    return 0;
}

static Big big_add(const Big *a, const Big *b)
{
    Big sum = {0};
    for (int i = 0, carry = 0; i < DIGITS; i++) {
        int digit = a->digit[i] + b->digit[i] + carry;
        sum.digit[i] = (uint8_t)(digit % 10);
        carry = digit / 10;
    }
    return sum;
}

static Big big_subtract(const Big *a, const Big *b)
{
    Big rest = {0};
    for (int i = 0, borrow = 0; i < DIGITS; i++) {
        int digit = a->digit[i] - b->digit[i] - borrow;
        borrow = digit < 0;
        rest.digit[i] = (uint8_t)(digit + 10 * borrow);
    }
    return rest;
}

static Big big_shift(const Big *a, int places) /* * 10^places, or / 10^-places cut */
{
    Big shifted = {0};
    for (int i = 0; i < DIGITS; i++)
        if (i - places >= 0 && i - places < DIGITS)
            shifted.digit[i] = a->digit[i - places];
    return shifted;
}

static Big big_multiply(const Big *a, const Big *b)
{
    Big product = {0};
    for (int i = 0; i < 45; i++) {
        Big shifted = big_shift(a, i);
        for (int k = 0; k < b->digit[i]; k++)
            product = big_add(&product, &shifted);
    }
    return product;
}

static Big big_divide(Big number, const Big *divisor, Big *ret_rest)
{
    Big quotient = {0};
    for (int i = 150; i >= 0; i--) {
        Big shifted = big_shift(divisor, i);
        while (big_compare(&number, &shifted) >= 0) {
            number = big_subtract(&number, &shifted);
            quotient.digit[i]++;
        }
    }
    *ret_rest = number;
    return quotient;
}

/* The value with `scale` as type `to`, half up; false where it does not fit. */
static bool big_finish(const Big *value, int scale, bool negative, DataType to, Int128 *ret)
{
    Big shifted = big_shift(value, to.scale - scale);
    if (scale > to.scale && value->digit[scale - to.scale - 1] >= 5) {
        Big one = big_of(1);
        shifted = big_add(&shifted, &one);
    }
    UInt128 result = 0;
    for (int i = DIGITS; i-- > 0;) {
        if (i >= to.precision && shifted.digit[i])
            return false;
        if (i < to.precision)
            result = result * 10 + shifted.digit[i];
    }
    *ret = negative ? -(Int128)result : (Int128)result;
    return true;
}

static UInt128 size_of(Int128 value)
{
    return value < 0 ? -(UInt128)value : (UInt128)value;
}

static Int128 random_decimal(Random *random, DataType type)
{
    UInt128 value = ((UInt128)random_next(random) << 64) | random_next(random);
    value %= (UInt128)DECIMAL_POWERS[1 + random_below(random, type.precision)];
    if (random_below(random, 10) == 0)
        value = (UInt128)DECIMAL_POWERS[type.precision] - 1;
    return random_below(random, 2) ? -(Int128)value : (Int128)value;
}

static DataType random_type(Random *random)
{
    uint8_t precision = (uint8_t)(1 + random_below(random, 38));
    return DECIMAL_TYPE(precision, random_below(random, precision + 1u));
}

static void four_operations(void **state)
{
    (void)state;
    Random random = random_start("four_operations");
    for (int i = 0; i < 3000; i++) {
        DataType ta = random_type(&random), tb = random_type(&random), to = random_type(&random);
        Int128 a = random_decimal(&random, ta), b = random_decimal(&random, tb), have = 0, want = 0;
        Big big_a = big_of(size_of(a)), big_b = big_of(size_of(b));
        int scale = ta.scale > tb.scale ? ta.scale : tb.scale;
        Big left = big_shift(&big_a, scale - ta.scale), right = big_shift(&big_b, scale - tb.scale);

        bool same = (a < 0) == (b < 0), swap = big_compare(&left, &right) < 0;
        Big sum = same ? big_add(&left, &right) : swap ? big_subtract(&right, &left) : big_subtract(&left, &right);
        bool fits = big_finish(&sum, scale, same || !swap ? a < 0 : b < 0, to, &want);
        assert_int_equal(decimal_add(a, ta.scale, b, tb.scale, to, &have), fits);
        assert_true(!fits || have == want);

        Big product = big_multiply(&big_a, &big_b);
        fits = big_finish(&product, ta.scale + tb.scale, (a < 0) != (b < 0), to, &want);
        assert_int_equal(decimal_multiply(a, ta.scale, b, tb.scale, to, &have), fits);
        assert_true(!fits || have == want);

        if (b == 0) {
            assert_false(decimal_divide(a, ta.scale, b, tb.scale, to, &have));
            assert_false(decimal_remainder(a, ta.scale, b, tb.scale, to, &have));
            continue;
        }
        Big rest;
        big_divide(left, &right, &rest);
        fits = big_finish(&rest, scale, a < 0, to, &want);
        assert_int_equal(decimal_remainder(a, ta.scale, b, tb.scale, to, &have), fits);
        assert_true(!fits || have == want);

        /* One digit more than is wanted, cut: half-up looks at no other. */
        Big shifted = big_shift(&left, to.scale + 1);
        Big quotient = big_divide(shifted, &right, &rest);
        fits = big_finish(&quotient, to.scale + 1, (a < 0) != (b < 0), to, &want);
        assert_int_equal(decimal_divide(a, ta.scale, b, tb.scale, to, &have), fits);
        assert_true(!fits || have == want);
    }
}

static void text_comes_back(void **state)
{
    (void)state;
    Random random = random_start("text_comes_back");
    for (int i = 0; i < 20000; i++) {
        DataType type = random_type(&random);
        Int128 value = random_decimal(&random, type), again = 0;
        char text[DECIMAL_TEXT_SIZE];
        size_t length = decimal_format(text, value, type.scale);
        assert_true(decimal_parse((StrView){text, (uint32_t)length}, type, &again));
        assert_true(again == value);
        length = decimal_format_short(text, value, type.scale);
        assert_true(decimal_parse((StrView){text, (uint32_t)length}, type, &again));
        assert_true(again == value);
        decimal_format(text, value, type.scale);
        assert_true(decimal_to_double(value, type.scale) == strtod(text, NULL));
    }
}

static void rescale_is_half_up(void **state)
{
    (void)state;
    Random random = random_start("rescale_is_half_up");
    for (int i = 0; i < 20000; i++) {
        DataType from = random_type(&random), to = random_type(&random);
        Int128 value = random_decimal(&random, from), have = 0, want = 0;
        Big big = big_of(size_of(value));
        bool fits = big_finish(&big, from.scale, value < 0, to, &want);
        assert_int_equal(decimal_rescale(value, from.scale, to, &have), fits);
        assert_true(!fits || have == want);
    }
}

/* A double is its shortest text, so reading that text must give the same decimal. */
static void doubles_are_their_text(void **state)
{
    (void)state;
    Random random = random_start("doubles_are_their_text");
    for (int i = 0; i < 20000; i++) {
        DataType type = random_type(&random);
        double value = random_double(&random);
        char text[NUMBER_TEXT_SIZE];
        size_t length = number_format_double(text, value);
        Int128 have = 0, want = 0;
        bool fits = decimal_parse((StrView){text, (uint32_t)length}, type, &want);
        assert_int_equal(decimal_from_double(value, type, &have), fits);
        assert_true(!fits || have == want);
    }
    Int128 value;
    assert_false(decimal_from_double((double)NAN, DECIMAL_TYPE(18, 4), &value));
    assert_false(decimal_from_double(HUGE_VAL, DECIMAL_TYPE(18, 4), &value));
}

/* Numbers with more digits than a decimal has, as a broken file may hold them. */
static void beyond_38_digits(void **state)
{
    (void)state;
    const Int128 least = (Int128)((UInt128)1 << 127);
    Int128 value;
    char text[DECIMAL_TEXT_SIZE];
    assert_int_equal(decimal_format(text, least, 38), 41);
    assert_false(decimal_rescale(least, 0, DECIMAL_TYPE(38, 0), &value));
    assert_false(decimal_add(least, 0, least, 38, DECIMAL_TYPE(38, 0), &value));
    assert_false(decimal_multiply(least, 0, least, 0, DECIMAL_TYPE(38, 0), &value));
    assert_true(decimal_divide(least, 0, least, 0, DECIMAL_TYPE(38, 0), &value) && value == 1);
    assert_true(decimal_remainder(least, 0, least, 0, DECIMAL_TYPE(38, 0), &value) && value == 0);
    assert_int_equal(decimal_digits(least), 39);
    assert_int_equal(decimal_digits(0), 1);
    assert_int_equal(decimal_digits(-1000), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_operations),    cmocka_unit_test(text_comes_back),
        cmocka_unit_test(rescale_is_half_up), cmocka_unit_test(doubles_are_their_text),
        cmocka_unit_test(beyond_38_digits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
