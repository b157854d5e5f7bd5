/* src/generate/domain.c, text_form.c: values by ordinal, their order, and their text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "generate/text_form.h"

static Arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void expect_text(const Domain *domain, uint32_t ordinal, const char *expected)
{
    StrView text = domain->texts[ordinal];
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static void test_order(void **state)
{
    (void)state;
    Domain *domain = domain_new(&arena, DATA_TYPE(DOUBLE), 8);
    domain_add_number(domain, 2.5);
    domain_add_null(domain);
    domain_add_broken(domain, &arena, "many");
    domain_add_number(domain, -1);
    domain_add_number(domain, 0);
    domain_sort(domain, &arena);
    const uint32_t expected[] = {3, 4, 0, 1};
    assert_int_equal(domain->n_sorted, ARRAY_SIZE(expected));
    assert_memory_equal(domain->sorted, expected, sizeof expected);
}

static void test_numbers_as_text(void **state)
{
    (void)state;
    Domain *domain = domain_new(&arena, DATA_TYPE(DOUBLE), 16);
    const double numbers[] = {14.3, 0.5, 0.05, -0.05, 100, 0, 12.345, -7.25, 1e10, 0.1 + 0.2};
    const char *const expected[] = {"14.3", "0.5",    "0.05",  "-0.05",         "100.0",
                                    "0.0",  "12.345", "-7.25", "10000000000.0", "0.30000000000000004"};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        domain_add_number(domain, numbers[i]);
    domain_render(domain, &arena, DOMAIN_CSV, "", "");
    for (uint32_t i = 0; i < ARRAY_SIZE(numbers); i++)
        expect_text(domain, i, expected[i]);
}

static void test_texts_in_csv_and_json(void **state)
{
    (void)state;
    Domain *domain = domain_new(&arena, DATA_TYPE(STRING), 8);
    domain_add_text(domain, &arena, str_view("plain text"));
    domain_add_text(domain, &arena, str_view("a,b"));
    domain_add_text(domain, &arena, str_view("say \"hi\"\n"));
    domain_add_text(domain, &arena, str_view("Fed\001Ex"));
    domain_add_null(domain);
    domain_render(domain, &arena, DOMAIN_CSV, "", ",");
    expect_text(domain, 0, "plain text,");
    expect_text(domain, 1, "\"a,b\",");
    expect_text(domain, 2, "\"say \"\"hi\"\"\n\",");
    expect_text(domain, 3, "Fed\001Ex,");
    expect_text(domain, 4, ",");
    domain_render(domain, &arena, DOMAIN_JSON, "\"k\":", "}");
    expect_text(domain, 1, "\"k\":\"a,b\"}");
    expect_text(domain, 2, "\"k\":\"say \\\"hi\\\"\\n\"}");
    expect_text(domain, 3, "\"k\":\"Fed\\u0001Ex\"}");
    expect_text(domain, 4, "\"k\":null}");
}

static void test_dates(void **state)
{
    (void)state;
    Domain *dates = model_days(&arena, TYPE_DATE, days_from_civil(2024, 2, 28), days_from_civil(2024, 3, 1), 1);
    domain_add_broken(dates, &arena, "2024-02-30");
    domain_render(dates, &arena, DOMAIN_JSON, "", "");
    expect_text(dates, 1, "\"2024-02-29\"");
    expect_text(dates, 3, "\"2024-02-30\"");
    Domain *texts = model_days(&arena, TYPE_STRING, days_from_civil(2024, 2, 28), days_from_civil(2024, 3, 1), 0);
    domain_render(texts, &arena, DOMAIN_CSV, "", "");
    expect_text(texts, 2, "2024-03-01");
}

static void test_serial_ids(void **state)
{
    (void)state;
    char text[32] = {0};
    assert_int_equal(model_serial_text(text, 1), 12);
    assert_string_equal(text, "SH0000000001");
    memset(text, 0, sizeof text);
    assert_int_equal(model_serial_text(text, 123456789012), 14);
    assert_string_equal(text, "SH123456789012");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_numbers_as_text),
        cmocka_unit_test(test_texts_in_csv_and_json),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_serial_ids),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("domain", tests, set_up, tear_down);
}
