/* src/text/sniff.c: small files and how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "text/text_format.h"

typedef struct Case {
    const char *text;
    size_t size; /* where it holds zeros */
    TextFormat expected;
} Case;

static const Case CASES[] = {
    {"id,kg\n1,2.5\n2,3.5\n", 0, {.delimiter = ',', .quote = '"', .header = true}},
    {"id;kg\n1;2,5\n2;3,5\n", 0, {.delimiter = ';', .quote = '"', .header = true}},
    {"1;2,5\n2;3,5\n4;1,5\n", 0, {.delimiter = ';', .quote = '"'}},
    {"id\tkg\r1\t2.5\r2\t3.5\r", 0, {.delimiter = '\t', .quote = '"', .header = true}},
    {"id|kg\r\n1|2.5\r\n2|3.5\r\n", 0, {.delimiter = '|', .quote = '"', .header = true}},
    {"id,city\n'1','Boston, MA'\n'2','Miami, FL'\n", 0, {.delimiter = ',', .quote = '\'', .header = true}},
    {"Report\n\nby X; 2025\nid;kg;to\n1;2;A\n2;3;B\n",
     0,
     {.delimiter = ';', .quote = '"', .header = true, .skip_lines = 3}},
    {"Report,,\n,,\nid,kg,to\n1,2,A\n2,3,B\n", 0, {.delimiter = ',', .quote = '"', .header = true, .skip_lines = 2}},
    {"id,kg\n1,2.5,\n2,3.5,\n3,4\n", 0, {.delimiter = ',', .quote = '"', .header = true, .trailing_delimiter = true}},
    {"id,kg\n1,2.5,\n2,3.5\n3,4\n", 0, {.delimiter = ',', .quote = '"', .header = true}},
    {"id;kg\n1;2.5;7\n2;3.5;8\n", 0, {.delimiter = ';', .quote = '"', .header = true}},
    {"id,city\n1,D\xfcsseldorf\n2,Z\xfcrich\n",
     0,
     {.encoding = TEXT_WINDOWS_1252, .delimiter = ',', .quote = '"', .header = true}},
    {"\xff\xfei\0,\0k\0\n\0001\0,\0002\0\n\0",
     18,
     {.encoding = TEXT_UTF16LE, .delimiter = ',', .quote = '"', .header = true}},
    {"\0i\0,\0k\0\n\0001\0,\0002\0\n", 16, {.encoding = TEXT_UTF16BE, .delimiter = ',', .quote = '"', .header = true}},
    {"\n{\"a\": 1}\n{\"a\": {\"b\": 2}}\n", 0, {.kind = TEXT_NDJSON, .delimiter = ',', .quote = '"'}},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        TextGuess guess;
        Error err;
        error_init(&err);
        size_t size = CASES[i].size ? CASES[i].size : strlen(CASES[i].text);
        const TextFormat *expected = &CASES[i].expected, *got = &guess.format;
        assert_int_equal(text_sniff(CASES[i].text, size, true, &guess, &err), STATUS_OK);
        bool same = memcmp(got, expected, sizeof *got) == 0;
        if (!same)
            print_message("case %zu\n", i);
        assert_int_equal(got->kind, expected->kind);
        assert_int_equal(got->encoding, expected->encoding);
        assert_int_equal(got->delimiter, expected->delimiter);
        assert_int_equal(got->quote, expected->quote);
        assert_int_equal(got->header, expected->header);
        assert_int_equal(got->trailing_delimiter, expected->trailing_delimiter);
        assert_int_equal(got->skip_lines, expected->skip_lines);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " \n", "PK\x03\x04zip", "[\n{\"a\":1}]", "{\n  \"a\": 1\n}\n", "%PDF-1.7"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        TextGuess guess;
        Error err;
        error_init(&err);
        assert_int_not_equal(text_sniff(texts[i], strlen(texts[i]), true, &guess, &err), STATUS_OK);
        assert_true(err.hint[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_refused)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
