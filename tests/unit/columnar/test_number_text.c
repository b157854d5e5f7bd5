/* columnar/number_text.c and time_text.c: text to value and back. */
#include "columnar/number_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "columnar/power_table.h"
#include "columnar/time_text.h"
#include "random.h"

static void doubles_come_back(void **state)
{
    (void)state;
    Random random = random_start("doubles_come_back");
    for (int i = 0; i < 20000; i++) {
        double value = random_double(&random), again;
        char text[NUMBER_TEXT_SIZE];
        size_t length = number_format_double(text, value);
        assert_int_equal(length, strlen(text));
        assert_true(number_parse_double((StrView){text, (uint32_t)length}, &again));
        assert_memory_equal(&again, &value, sizeof value);
    }
}

/* No decimal with a digit less reads back as the double. */
static void shortest_is_shortest(void **state)
{
    (void)state;
    Random random = random_start("shortest_is_shortest");
    for (int i = 0; i < 20000; i++) {
        double value = random_double(&random);
        ShortestDecimal shortest;
        assert_true(number_shortest(value, &shortest));
        int digits = 1;
        for (uint64_t rest = shortest.digits; rest >= 10; rest /= 10)
            digits++;
        char text[64];
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)shortest.digits, shortest.exponent);
        assert_true(strtod(text, NULL) == fabs(value));
        if (digits > 2) {
            snprintf(text, sizeof text, "%.*e", digits - 2, value);
            assert_true(strtod(text, NULL) != value);
        }
    }
}

/* A natural number of 2,048 bits, least significant limb first. */
typedef struct Big {
    uint32_t limb[64];
} Big;

static Big big_shifted(UInt128 value, int bits)
{
    Big big = {0};
    for (int i = 0; i < 128; i++)
        if (value >> i & 1)
            big.limb[(i + bits) / 32] |= (uint32_t)1 << (i + bits) % 32;
    return big;
}

static Big big_times_power_of_ten(Big big, int power)
{
    for (; power > 0; power--) {
        uint64_t carry = 0;
        for (int i = 0; i < 64; i++) {
            carry += (uint64_t)big.limb[i] * 10;
            big.limb[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    return big;
}

static int big_compare(Big a, Big b)
{
    for (int i = 64; i-- > 0;)
        if (a.limb[i] != b.limb[i])
            return a.limb[i] < b.limb[i] ? -1 : 1;
    return 0;
}

/* Every entry g of the table is the least integer with g * 2^e >= 10^k, and has its top bit set. */
static void powers_of_ten_are_rounded_up(void **state)
{
    (void)state;
    for (int k = POWER_TABLE_FIRST; k <= POWER_TABLE_LAST; k++) {
        PowerOfTen entry = POWER_TABLE[k - POWER_TABLE_FIRST];
        UInt128 g = (UInt128)entry.high << 64 | entry.low;
        int e = ((k * 1741647) >> 19) - 127;
        Big exact = big_times_power_of_ten(big_shifted(1, e < 0 ? -e : 0), k > 0 ? k : 0);
        Big have = big_times_power_of_ten(big_shifted(g, e > 0 ? e : 0), k < 0 ? -k : 0);
        Big less = big_times_power_of_ten(big_shifted(g - 1, e > 0 ? e : 0), k < 0 ? -k : 0);
        assert_true(entry.high >> 63);
        assert_true(big_compare(have, exact) >= 0);
        assert_true(big_compare(less, exact) < 0);
    }
}

/* Powers of two, where the interval of a double is lopsided, their neighbours, and the ends of the range. */
static void shortest_at_powers_of_two(void **state)
{
    (void)state;
    for (uint64_t exponent = 1; exponent < 2047; exponent++) {
        for (int side = -1; side <= 1; side++) {
            uint64_t bits = (exponent << 52) + (uint64_t)side;
            double value, again;
            memcpy(&value, &bits, sizeof value);
            char text[NUMBER_TEXT_SIZE], longer[64];
            size_t length = number_format_double(text, value);
            assert_true(number_parse_double((StrView){text, (uint32_t)length}, &again) && again == value);
            ShortestDecimal shortest;
            assert_true(number_shortest(value, &shortest));
            uint64_t limit = 10;
            for (int digits = 1; digits < 17; digits++, limit *= 10) {
                snprintf(longer, sizeof longer, "%.*e", digits - 1, value);
                if (strtod(longer, NULL) == value) {
                    assert_true(shortest.digits < limit);
                    break;
                }
            }
        }
    }
}

static void parse_agrees_with_the_c_library(void **state)
{
    (void)state;
    Random random = random_start("parse_agrees_with_the_c_library");
    for (int i = 0; i < 20000; i++) {
        char text[64];
        int length = snprintf(text, sizeof text, "%s%llu.%0*llue%d", random_below(&random, 2) ? "-" : "",
                              (unsigned long long)random_below(&random, 1ull << random_below(&random, 60)),
                              (int)random_below(&random, 12), (unsigned long long)random_below(&random, 100000),
                              (int)random_below(&random, 60) - 30);
        double value;
        assert_true(number_parse_double((StrView){text, (uint32_t)length}, &value));
        assert_true(value == strtod(text, NULL));
    }
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {" 12.9 ", true, 12},
        {".", true, 0},
        {"+", false, 0},
        {"", false, 0},
        {"12.x", false, 0},
        {"\x7f"
         "7",
         true, 7},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t value = 0;
        assert_int_equal(number_parse_int64(str_view(cases[i].text), &value), cases[i].ok);
        assert_true(value == cases[i].value);
    }
    char text[NUMBER_TEXT_SIZE];
    number_format_int64(text, INT64_MIN);
    assert_string_equal(text, "-9223372036854775808");
}

static void long_text_is_read_whole(void **state)
{
    (void)state;
    char text[4000];
    memset(text, '0', sizeof text);
    text[0] = '1';
    double value;
    assert_true(number_parse_double((StrView){text, sizeof text}, &value));
    assert_true(isinf(value));
    text[1] = '.';
    assert_true(number_parse_double((StrView){text, sizeof text}, &value));
    assert_true(value == 1);
    text[3999] = 'x';
    assert_false(number_parse_double((StrView){text, sizeof text}, &value));
}

static void every_date_of_ten_thousand_years(void **state)
{
    (void)state;
    for (int32_t days = days_from_civil(0, 1, 1); days <= days_from_civil(9999, 12, 31); days++) {
        char text[TIME_TEXT_SIZE];
        int32_t again = 0;
        size_t length = date_format(text, days);
        if (length != 10 || !date_parse((StrView){text, 10}, &again) || again != days)
            fail_msg("%s is read as %d", text, again);
    }
}

static void extreme_dates_and_timestamps(void **state)
{
    (void)state;
    static const int64_t micros[] = {INT64_MIN, INT64_MAX, -1, 0, 999999, -62135596800000000};
    for (size_t i = 0; i < ARRAY_SIZE(micros); i++) {
        char text[TIME_TEXT_SIZE];
        int64_t again = 0;
        size_t length = timestamp_format(text, micros[i]);
        assert_in_range(length, 19, TIME_TEXT_SIZE - 1);
        if (timestamp_parse((StrView){text, (uint32_t)length}, &again)) /* the first day of all lies before the range */
            assert_true(again == micros[i]);
        else
            assert_true(micros[i] == INT64_MIN);
    }
    char text[TIME_TEXT_SIZE];
    date_format(text, INT32_MIN);
    assert_string_equal(text, "-5877641-06-23");
    date_format(text, INT32_MAX);
    assert_string_equal(text, "+5881580-07-11");
}

/* Any bytes: no crash, and what is taken is written back to the same value. */
static void any_bytes(void **state)
{
    (void)state;
    Random random = random_start("any_bytes");
    static const char alphabet[] = "0123456789-+.:eE TZx\x7f\xff";
    for (int i = 0; i < 100000; i++) {
        char text[24];
        uint32_t size = (uint32_t)random_below(&random, sizeof text);
        for (uint32_t k = 0; k < size; k++)
            text[k] = alphabet[random_below(&random, sizeof alphabet)];
        StrView view = {text, size};
        int32_t days, days_again;
        char back[TIME_TEXT_SIZE];
        if (date_parse(view, &days)) {
            size_t length = date_format(back, days);
            assert_true(date_parse((StrView){back, (uint32_t)length}, &days_again) && days == days_again);
        }
        int64_t integer;
        double number;
        number_parse_int64(view, &integer);
        number_parse_double(view, &number);
        timestamp_parse(view, &integer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(shortest_is_shortest),
        cmocka_unit_test(powers_of_ten_are_rounded_up),
        cmocka_unit_test(shortest_at_powers_of_two),
        cmocka_unit_test(parse_agrees_with_the_c_library),
        cmocka_unit_test(integers),
        cmocka_unit_test(long_text_is_read_whole),
        cmocka_unit_test(every_date_of_ten_thousand_years),
        cmocka_unit_test(extreme_dates_and_timestamps),
        cmocka_unit_test(any_bytes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
