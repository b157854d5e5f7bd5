/* base/text.c: views, sizes, suggestions, JSON strings, doubles. */
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void views_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(str_compare(str_view("a"), str_view("b")) < 0);
    assert_true(str_compare(str_view("a"), str_view("ab")) < 0);
    assert_true(str_compare(str_view("\xc3\xa9"), str_view("z")) > 0);
    assert_int_equal(str_compare((StrView){NULL, 0}, str_view("")), 0);
    assert_true(str_equal((StrView){NULL, 0}, str_view("")));
    assert_false(str_equal(str_view("ab"), str_view("ac")));
}

static void texts_are_sorted_by_bytes(void **state)
{
    (void)state;
    const char *texts[] = {"b", "", "\xc3\xa9", "ab", "a", "B"}, *sorted[] = {"", "B", "a", "ab", "b", "\xc3\xa9"};
    qsort(texts, ARRAY_SIZE(texts), sizeof *texts, text_compare);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_string_equal(texts[i], sorted[i]);
    const char *wanted = "ab";
    assert_ptr_equal(bsearch(&wanted, texts, ARRAY_SIZE(texts), sizeof *texts, text_compare), &texts[3]);
}

static void sizes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes; /* SIZE_MAX: refused */
    } cases[] = {
        {"1GiB", 1073741824}, {"750MB", 750000000},       {"64 MiB", 67108864},
        {"1.5KiB", 1536},     {"1073741824", 1073741824}, {"0", 0},
        {"", SIZE_MAX},       {"-1", SIZE_MAX},           {"nan", SIZE_MAX},
        {"inf", SIZE_MAX},    {"1XB", SIZE_MAX},          {"GiB", SIZE_MAX},
        {"1e30", SIZE_MAX},   {"12 34", SIZE_MAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Error err;
        error_init(&err);
        size_t bytes = 42;
        Status status = text_parse_bytes(cases[i].text, &bytes, &err);
        if (cases[i].bytes == SIZE_MAX) {
            assert_int_equal(status, STATUS_USAGE);
            assert_int_equal(bytes, 42);
        } else {
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(bytes, cases[i].bytes);
        }
    }
}

static void the_nearest_name_is_suggested(void **state)
{
    (void)state;
    static const char *const names[] = {"carrier", "shipping_cost", "delay_days"};
    assert_string_equal(text_nearest("carier", names, 3), "carrier");
    assert_string_equal(text_nearest("shiping_costs", names, 3), "shipping_cost");
    assert_null(text_nearest("xyz", names, 3));
    assert_null(text_nearest("carrier", names, 0));
    char long_word[200];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    text_nearest(long_word, names, 3);
}

static void json_strings_are_valid(void **state)
{
    (void)state;
    static const struct {
        StrView text;
        const char *json;
    } cases[] = {
        {{"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
        {{"\n\t\r\x01", 4}, "\"\\n\\t\\r\\u0001\""},
        {{"\xc3\xa9\xf0\x9f\x98\x80", 6}, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {{"\xff\xc3", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"", 0}, "\"\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Buffer buffer;
        buffer_init(&buffer, 0);
        text_append_json(&buffer, cases[i].text);
        assert_string_equal(buffer_text(&buffer), cases[i].json);
        buffer_done(&buffer);
    }
}

static void doubles_read_back(void **state)
{
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, 1e300, 5e-324, 123456789.125, -0.0, 1e22, 2.5};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char text[32];
        size_t length = text_format_double(text, values[i]);
        assert_int_equal(length, strlen(text));
        double again = strtod(text, NULL);
        assert_memory_equal(&again, &values[i], sizeof again);
    }
    char text[32];
    text_format_double(text, 0.1);
    assert_string_equal(text, "0.1");
    text_format_double(text, -HUGE_VAL);
    assert_string_equal(text, "-inf");
    text_format_double(text, (double)NAN);
    assert_string_equal(text, "nan");
}

static void numbers_for_people(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(text_count(text, sizeof text, 1400000), "1.40 M");
    assert_string_equal(text_count(text, sizeof text, 999), "999");
    assert_string_equal(text_bytes(text, sizeof text, 262e6), "262 MB");
    assert_string_equal(text_seconds(text, sizeof text, 0.042), "42 ms");
    assert_string_equal(text_seconds(text, sizeof text, 1.25), "1.25 s");
    assert_string_equal(text_seconds(text, sizeof text, 125), "2 min 05 s");
    assert_string_equal(PLURAL(0, "row"), "0 rows");
    assert_string_equal(PLURAL(1, "log entry"), "1 log entry");
    assert_string_equal(PLURAL(2, "log entry"), "2 log entries");
    assert_string_equal(PLURAL(2, "day"), "2 days");
    assert_string_equal(PLURAL(3, "guess"), "3 guesses");
    assert_string_equal(PLURAL(3, "batch"), "3 batches");
    assert_string_equal(PLURAL_SHORT(1, "row"), "1 row");
    assert_string_equal(PLURAL_SHORT(1400000, "row"), "1.40 M rows");
    assert_string_equal(PLURAL(UINT64_MAX, "month"), "18446744073709551615 months");
}

static void test_fold(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"Empf\xc3\xa4nger", "empfanger"},
                                           {"EMPF\xc3\x84NGER", "empfanger"},
                                           {"Stra\xc3\x9f"
                                            "e",
                                            "strasse"},
                                           {"a\xc3\xb1o 3\xc3\xb7", "ano 3\xc3\xb7"},
                                           {"\xc3\x86ro", "aero"},
                                           {"\xe2\x82\xac\xc3", "\xe2\x82\xac\xc3"},
                                           {"", ""}};
    char folded[32];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(text_fold(str_view(cases[i][0]), folded, sizeof folded));
        assert_string_equal(folded, cases[i][1]);
    }
    assert_false(text_fold(str_view("abc"), folded, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),
        cmocka_unit_test(views_compare_by_bytes),
        cmocka_unit_test(texts_are_sorted_by_bytes),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(json_strings_are_valid),
        cmocka_unit_test(doubles_read_back),
        cmocka_unit_test(numbers_for_people),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
