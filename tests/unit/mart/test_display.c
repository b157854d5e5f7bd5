/* Covers src/mart/display.c: units and digits by name, rounding, headings, ages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "mart/display.h"

static void expect_shown(const char *name, Value value, const char *expected)
{
    Buffer text;
    buffer_init(&text, 0);
    Field field = {name, value.type, true};
    value.valid = true;
    display_append(&text, display_of(&field), &value);
    assert_string_equal(buffer_text(&text), expected);
    buffer_done(&text);
}

#define DOUBLE(v) ((Value){.type = DATA_TYPE(DOUBLE), .float64 = (v)})
#define BIGINT(v) ((Value){.type = DATA_TYPE(BIGINT), .int64 = (v)})

static void test_values(void **state)
{
    (void)state;
    expect_shown("total_shipments", BIGINT(1234567), "1,234,567");
    expect_shown("total_shipments", BIGINT(-999), "-999");
    expect_shown("total_shipments", BIGINT(-1000), "-1,000");
    expect_shown("total_shipments", BIGINT(INT64_MIN), "-9,223,372,036,854,775,808");
    expect_shown("on_time_percentage", DOUBLE(70.0123), "70.01%");
    expect_shown("avg_shipping_cost", DOUBLE(1234.565), "1,234.57");
    expect_shown("cost_per_km", DOUBLE(0.012349), "0.0123");
    expect_shown("avg_delay_days", DOUBLE(0.125), "0.13");
    expect_shown("avg_distance_km", DOUBLE(2749.97), "2,750.0");
    expect_shown("shipment_volume_m3", DOUBLE(0.5), "0.50");
    expect_shown("score", DOUBLE(NAN), "NaN");
    expect_shown("score", DOUBLE(-INFINITY), "-Infinity");
    expect_shown("score", DOUBLE(1e300), "1e+300");
    expect_shown("shipping_cost", (Value){.type = DECIMAL_TYPE(18, 4), .int64 = 12345678}, "1,234.57");
    expect_shown("shipping_cost", (Value){.type = DECIMAL_TYPE(38, 0), .int128 = 5}, "5.00");
    expect_shown("carrier", (Value){.type = DATA_TYPE(STRING), .string = str_view("UPS")}, "UPS");
    expect_shown("delay_days", (Value){.type = DATA_TYPE(INT), .int32 = 3}, "3");
}

static void test_headers_and_ages(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } ages[] = {{-5, "just now"},      {0.2, "just now"},     {1, "1 second ago"},
                {119, "1 minute ago"}, {7200, "2 hours ago"}, {864000, "10 days ago"}};
    Buffer text;
    buffer_init(&text, 0);
    display_append_header(&text, "avg_shipping_cost");
    assert_string_equal(buffer_text(&text), "Avg shipping cost");
    for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
        buffer_clear(&text);
        display_append_age(&text, ages[i].seconds);
        assert_string_equal(buffer_text(&text), ages[i].text);
    }
    buffer_done(&text);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_headers_and_ages),
    };
    return cmocka_run_group_tests_name("display", tests, NULL, NULL);
}
