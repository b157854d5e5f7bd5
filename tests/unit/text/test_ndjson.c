/* src/text/ndjson.c: cases, and random lines against jansson. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "collect.h"

static const TextFormat LINES = {.kind = TEXT_NDJSON};
static const char *WANTED[] = {"a", "b.c", "b"};

static const char *const CASES[][2] = {
    {"{\"a\":1,\"b\":{\"c\":\"x\"}}\n", "1||{\"a\":1,\"b\":{\"c\":\"x\"}}|1|x|{\"c\":\"x\"}\n"},
    {" { \"a\" : -1.5e+3 , \"z\" : [ 1 , { } ] } \r\n",
     "1|| { \"a\" : -1.5e+3 , \"z\" : [ 1 , { } ] } |-1.5e+3|NULL|NULL\n"},
    {"\n\r\n{\"a\":null}\n{\"a\":true}", "3||{\"a\":null}|NULL|NULL|NULL\n4||{\"a\":true}|true|NULL|NULL\n"},
    {"{\"a\":1,\"a\":\"2\"}\n", "1||{\"a\":1,\"a\":\"2\"}|2|NULL|NULL\n"},
    {"{\"a\":\"\\u00e9\\ud83d\\ude9a\\t\\\"\"}\n",
     "1||{\"a\":\"\\u00e9\\ud83d\\ude9a\\t\\\"\"}|\xc3\xa9\xf0\x9f\x9a\x9a\t\"|NULL|NULL\n"},
    {"{\"\\u0061\":7}\n", "1||{\"\\u0061\":7}|7|NULL|NULL\n"},
    {"{\"b\":[1, 2]}\n", "1||{\"b\":[1, 2]}|NULL|NULL|[1, 2]\n"},
    {"{\"a\":1}\n[1]\n{\"a\":01}\n{\"a\":1}x\n{\"a\":1,}\n{\"a\"\n",
     "1||{\"a\":1}|1|NULL|NULL\n2|syntax|[1]\n3|syntax|{\"a\":01}\n4|syntax|{\"a\":1}x\n5|syntax|{\"a\":1,}\n6|syntax|{"
     "\"a\"\n"},
    {"{\"a\":\"\xff\"}\n{\"a\":\"\\ud800\"}\n", "1|invalid_encoding|{\"a\":\"\xff\"}\n2|syntax|{\"a\":\"\\ud800\"}\n"},
    {"{\"a\":\r1}\n{\"a\":2}\n", "1||{\"a\":\r1}|1|NULL|NULL\n2||{\"a\":2}|2|NULL|NULL\n"},
};

static void test_cases(void **state)
{
    (void)state;
    Error err;
    error_init(&err);
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        for (size_t step = 1; step <= strlen(CASES[i][0]) + 1; step++) {
            Buffer out;
            buffer_init(&out, 0);
            text_source_read_bytes = text_source_head_bytes = step;
            assert_int_equal(collect_text(CASES[i][0], strlen(CASES[i][0]), &LINES, WANTED, ARRAY_SIZE(WANTED),
                                          1 + (int)(step % 3), &out, &err),
                             STATUS_OK);
            assert_string_equal(buffer_text(&out), CASES[i][1]);
            buffer_done(&out);
        }
    text_source_read_bytes = text_source_head_bytes = (size_t)1 << 20;
}

static void append_value(Buffer *text, unsigned *seed, int depth)
{
    static const char *const scalars[] = {"1",    "-20",      "1.25",     "3e2",
                                          "true", "false",    "null",     "\"x\"",
                                          "\"\"", "\"\\\"\"", "\"é\\n\"", "\"a longer text of a field, 1\""};
    static const char *const keys[] = {"a", "b", "c", "d", "b.c"};
    int kind = depth < 3 ? rand_r(seed) % 8 : 7;
    int n = rand_r(seed) % 4;
    if (kind > 1) {
        buffer_append_text(text, scalars[(size_t)rand_r(seed) % ARRAY_SIZE(scalars)]);
        return;
    }
    buffer_append_byte(text, kind ? '{' : '[');
    for (int i = 0; i < n; i++) {
        if (i)
            buffer_append_text(text, rand_r(seed) % 2 ? ", " : ",");
        if (kind)
            buffer_printf(text, "\"%s\":", keys[(size_t)rand_r(seed) % ARRAY_SIZE(keys)]);
        append_value(text, seed, depth + 1);
    }
    buffer_append_byte(text, kind ? '}' : ']');
}

/* The value as the reader would give it, when it is a scalar. */
static void check_value(const json_t *value, StrView field)
{
    char text[64];
    if (!value || json_is_null(value)) {
        assert_null(field.data);
    } else if (json_is_string(value)) {
        assert_int_equal(field.size, json_string_length(value));
        assert_memory_equal(field.data, json_string_value(value), field.size);
    } else if (json_is_boolean(value)) {
        assert_true(str_equal(field, str_view(json_is_true(value) ? "true" : "false")));
    } else if (json_is_number(value)) {
        assert_true(field.size < sizeof text);
        memcpy(text, field.data, field.size);
        text[field.size] = '\0';
        assert_true(strtod(text, NULL) == json_number_value(value));
    } else {
        json_t *parsed = json_loadb(field.data, field.size, 0, NULL);
        assert_true(json_equal(parsed, value));
        json_decref(parsed);
    }
}

static void check_line(const Buffer *text, TextReader *reader, TextSource *source, RecordBlock *block)
{
    TextPiece piece = {0};
    Error err;
    bool more;
    error_init(&err);
    assert_int_equal(text_source_next(source, &piece, &more, &err), STATUS_OK);
    text_reader_start(reader, &piece);
    text_reader_next(reader, block);
    assert_int_equal(block->n, 1);
    json_t *root = json_loadb((const char *)text->data, text->size, 0, NULL);
    bool good = root && json_is_object(root);
    assert_int_equal(block->flaws[0] == RECORD_FLAW_NONE, good);
    if (good) {
        check_value(json_object_get(root, "a"), block->fields[0]);
        check_value(json_object_get(root, "d"), block->fields[RECORD_BLOCK_ROWS]);
    }
    json_decref(root);
    text_piece_done(&piece);
}

static void test_random(void **state)
{
    (void)state;
    static const char *wanted[] = {"a", "d"};
    const char *given = getenv("FREIGHTLAKE_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("# seed %u\n", seed);
    Buffer text;
    RecordBlock block;
    Error err;
    error_init(&err);
    buffer_init(&text, 0);
    record_block_init(&block, ARRAY_SIZE(wanted));
    for (int round = 0; round < 5000; round++) {
        static const char *const keys[] = {"a", "d", "e", "b"};
        buffer_clear(&text);
        buffer_append_byte(&text, '{');
        for (int i = 0, n = rand_r(&seed) % 6; i < n; i++) {
            buffer_printf(&text, "%s\"%s\": ", i ? "," : "", keys[(size_t)rand_r(&seed) % ARRAY_SIZE(keys)]);
            append_value(&text, &seed, 0);
        }
        buffer_append_byte(&text, '}');
        if (round % 3 == 0)
            text.data[(size_t)rand_r(&seed) % text.size] = (uint8_t) "{}[],:\"1x\xc3"[rand_r(&seed) % 10];
        TextSource *source;
        TextReader *reader;
        assert_int_equal(text_source_memory((const char *)text.data, text.size, &LINES, 1, &source, &err), 0);
        assert_int_equal(text_reader_new(source, wanted, ARRAY_SIZE(wanted), &reader, &err), 0);
        check_line(&text, reader, source, &block);
        text_reader_free(reader);
        text_source_close(source);
    }
    record_block_done(&block);
    buffer_done(&text);
}

/* A line of the form: literal parts of it stand as they are, '@' stands for a scalar. */
static void append_line(Buffer *text, const char *form, unsigned *seed)
{
    for (const char *c = form; *c; c++)
        if (*c == '@')
            append_value(text, seed, 3);
        else
            buffer_append_byte(text, (uint8_t)*c);
}

/* Lines of one form and lines that nearly have it, read one after the other (each is compared with the form of the one
 * before), give what each gives alone. */
static void test_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "{\"a\":@,\"d\":@}",
        "{\"a\" : @, \"b\":{\"c\":@,\"a long name that no step of a form can hold in one piece\":@ } , \"d\":@ } ",
        "{\"b\":{\"c\":@},\"b.c\":@,\"a\":@,\"a\":@}",
        "{\"x\":[@,@],\"a\":@}",
        "{}",
        "{\"b\":@,\"c\":{},\"d\":{\"e\":{\"f\":@}}}",
        "{\"\\u0061\":@}"};
    static const char *wanted[] = {"a", "b.c", "d.e.f", "a", "x"};
    const char *given = getenv("FREIGHTLAKE_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    Error err;
    Buffer text, together, alone;
    print_message("# seed %u\n", seed);
    error_init(&err);
    buffer_init(&text, 0);
    buffer_init(&together, 0);
    buffer_init(&alone, 0);
    for (int round = 0; round < 300; round++) {
        size_t form = (size_t)rand_r(&seed) % ARRAY_SIZE(forms), starts[21] = {0};
        buffer_clear(&text);
        buffer_clear(&together);
        for (int i = 0; i < 20; i++) {
            append_line(&text, forms[rand_r(&seed) % 8 ? form : (size_t)rand_r(&seed) % ARRAY_SIZE(forms)], &seed);
            if (rand_r(&seed) % 5 == 0)
                text.data[starts[i] + (size_t)rand_r(&seed) % (text.size - starts[i])] =
                    (uint8_t) "{}[],:\"1xtn \\\xc3"[rand_r(&seed) % 14];
            buffer_append_byte(&text, '\n');
            starts[i + 1] = text.size;
        }
        assert_int_equal(
            collect_text((const char *)text.data, text.size, &LINES, wanted, ARRAY_SIZE(wanted), 1, &together, &err),
            STATUS_OK);
        const char *rest = buffer_text(&together);
        for (int i = 0; i < 20; i++) {
            buffer_clear(&alone);
            assert_int_equal(collect_text((const char *)text.data + starts[i], starts[i + 1] - starts[i], &LINES,
                                          wanted, ARRAY_SIZE(wanted), 1, &alone, &err),
                             STATUS_OK);
            if (alone.size == 0) /* a blank line */
                continue;
            const char *expected = strchr(buffer_text(&alone), '|'), *got = strchr(rest, '|');
            assert_int_equal(strtol(rest, NULL, 10), i + 1);
            assert_memory_equal(got, expected, strlen(expected));
            rest = got + strlen(expected);
        }
        assert_string_equal(rest, "");
    }
    buffer_done(&text);
    buffer_done(&together);
    buffer_done(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_forms)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
