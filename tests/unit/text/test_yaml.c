/* src/text/yaml.c: the tree, and for each thing that can be wrong its line, its path and what to do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "text/yaml.h"

static Arena arena;
static Error err;
static YamlDocument document;

static Status parse_bytes(const char *text, size_t size)
{
    error_init(&err);
    return yaml_parse("a.yaml", (StrView){text, (uint32_t)size}, &arena, &document, &err);
}

static Status parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void expect_error(Status status, int64_t row, const char *message, const char *hint)
{
    if (status != STATUS_CONFIG || err.row != row || !strstr(err.message, message) || !strstr(err.hint, hint))
        print_message("row %lld: %s (%s)\n", (long long)err.row, err.message, err.hint);
    assert_int_equal(status, STATUS_CONFIG);
    assert_string_equal(err.file, "a.yaml");
    assert_int_equal(err.row, row);
    assert_non_null(strstr(err.message, message));
    assert_non_null(strstr(err.hint, hint));
}

static void test_tree(void **state)
{
    (void)state;
    assert_int_equal(parse("# a comment\n"
                           "columns:\n"
                           "  weight: {from: \"Gross Weight\", unit: lb}\n"
                           "  'id': Nr\n"
                           "\n"
                           "rules:\n"
                           "  - column: weight\n"
                           "    min: 0.1\n"
                           "  - [a, ~, '~', \"\"]\n"
                           "text: |\n"
                           "  two\n"
                           "  lines\n"),
                     STATUS_OK);
    const YamlNode *root = document.root, *columns = yaml_get(root, "columns"), *rules = yaml_get(root, "rules");
    assert_string_equal(document.file, "a.yaml");
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->n, 3);
    assert_string_equal(root->keys[2], "text");
    assert_string_equal(root->path, "");
    const YamlNode *weight = yaml_get(columns, "weight"), *from = yaml_get(weight, "from");
    assert_int_equal(weight->line, 3);
    assert_string_equal(weight->path, "columns.weight");
    assert_string_equal(from->text, "Gross Weight");
    assert_string_equal(from->path, "columns.weight.from");
    assert_true(from->quoted);
    assert_string_equal(yaml_get(columns, "id")->text, "Nr");
    assert_false(yaml_get(columns, "id")->quoted);
    assert_int_equal(rules->kind, YAML_SEQUENCE);
    assert_int_equal(rules->n, 2);
    assert_string_equal(yaml_get(rules->children[0], "min")->path, "rules[0].min");
    assert_int_equal(yaml_get(rules->children[0], "min")->line, 8);
    const YamlNode *list = rules->children[1];
    assert_string_equal(list->children[3]->path, "rules[1][3]");
    static const bool nulls[] = {false, true, false, false};
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(yaml_is_null(list->children[i]), nulls[i]);
    assert_string_equal(yaml_get(root, "text")->text, "two\nlines\n");
    assert_null(yaml_get(root, "nothing"));
    assert_null(yaml_get(rules, "column")); /* no mapping */
    assert_null(yaml_get(NULL, "column"));
}

static void test_empty_documents(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "---\n", "---\n...\n", "~\n", "null", "\xef\xbb\xbf"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(parse(texts[i]), STATUS_OK);
        assert_int_equal(document.root->kind, YAML_MAPPING);
        assert_int_equal(document.root->n, 0);
    }
    assert_int_equal(parse("a:\nb: ~\nc: NULL\nd: \"\"\n"), STATUS_OK);
    assert_null(yaml_get(document.root, "a"));
    assert_null(yaml_get(document.root, "b"));
    assert_null(yaml_get(document.root, "c"));
    assert_non_null(yaml_get(document.root, "d"));
}

static void test_no_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t row;
        const char *message;
    } cases[] = {
        {"columns: [\n", 2, "this is no YAML"},          {"a: 1\nb: {c: 1\nd: 2\n", 3, "this is no YAML"},
        {"a: 1\n\tb: 2\n", 2, "this is no YAML"},        {"a: \"no end\nb: 2\n", 3, "this is no YAML"},
        {"a: 1\n  b: 2\n", 2, "this is no YAML"},        {"a: 1\n- b\n", 2, "this is no YAML"},
        {"a: 1\nb: c: d\n", 2, "this is no YAML"},       {"a: 1\nb: \"\\q\"\n", 2, "this is no YAML"},
        {"a: 1\n\nb: \xff\n", 3, "this is no YAML"},     {"# \xe4\na: 1\n", 1, "this is no YAML"},
        {"a: 1\nb: 2\nc: \x01\n", 3, "this is no YAML"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect_error(parse(cases[i].text), cases[i].row, cases[i].message, "quotes");
}

static void test_refused(void **state)
{
    (void)state;
    expect_error(parse("a: 1\nb: 2\na: 3\n"), 3, "the key 'a' stands twice", "");
    expect_error(parse("x:\n  - {a: 1, b: 2,\n     a: 3}\n"), 3, "the key 'a' stands twice", "");
    expect_error(parse("a: 1\n? [x, y]\n: 2\n"), 2, "a key must be a plain text", "");
    expect_error(parse("a: &x 1\nb: 2\n"), 1, "anchors", "");
    expect_error(parse("a: 1\nb: *x\n"), 2, "anchors", "");
    expect_error(parse("a:\n  &x\n  - 1\n"), 2, "anchors", "");
    expect_error(parse("a: 1\n---\nb: 2\n"), 2, "more than one document", "");
    expect_error(parse_bytes("a: 1\nb\0: 2\n", 11), 1, "NUL", "");
    Buffer text;
    buffer_init(&text, 0);
    for (int depth = 0; depth < 200; depth++)
        buffer_printf(&text, "%*sa:\n", depth, "");
    expect_error(parse(buffer_text(&text)), YAML_MAX_DEPTH + 2, "nested more than 32 deep", "");
    buffer_clear(&text);
    for (int depth = 0; depth < 100000; depth++)
        buffer_append_byte(&text, '[');
    expect_error(parse(buffer_text(&text)), 1, "nested more than 32 deep", "");
    buffer_clear(&text);
    while (text.size <= YAML_MAX_BYTES)
        buffer_append_text(&text, "# a comment of no use\n");
    expect_error(parse(buffer_text(&text)), 1, "larger than", "");
    buffer_done(&text);
}

/* A file of many keys is read in the time of its size, whatever stands twice in it. */
static void test_many_keys(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 0);
    int n = 0;
    for (; text.size + 20 < YAML_MAX_BYTES; n++)
        buffer_printf(&text, "%x:\n", n);
    double start = clock_seconds();
    assert_int_equal(parse(buffer_text(&text)), STATUS_OK);
    assert_int_equal(document.root->n, n);
    buffer_append_text(&text, "2a:\n");
    expect_error(parse(buffer_text(&text)), n + 1, "the key '2a' stands twice", "");
    assert_true(clock_seconds() - start < 20);
    buffer_done(&text);
}

static void test_keys(void **state)
{
    (void)state;
    static const char *const known[] = {"column", "minimum", "maximum"};
    assert_int_equal(parse("column: a\nmaximum: 1\n"), STATUS_OK);
    assert_int_equal(yaml_check_keys(&document, document.root, known, 3, &err), STATUS_OK);
    assert_int_equal(parse("rule:\n  column: a\n  maximun: 1\n"), STATUS_OK);
    expect_error(yaml_check_keys(&document, yaml_get(document.root, "rule"), known, 3, &err), 3,
                 "rule.maximun: there is no such key", "did you mean 'maximum'?");
    assert_int_equal(parse("xyzzy: 1\n"), STATUS_OK);
    expect_error(yaml_check_keys(&document, document.root, known, 3, &err), 1, "xyzzy",
                 "there are: column, minimum, maximum");
    assert_int_equal(parse("\n- a\n"), STATUS_OK);
    expect_error(yaml_check_keys(&document, document.root, known, 3, &err), 2, "keys and values are wanted", "");
    assert_int_equal(parse("just text\n"), STATUS_OK);
    expect_error(yaml_check_keys(&document, document.root, known, 3, &err), 1, "keys and values are wanted", "");
}

/* One getter at a time: the text of the value, and what comes of it (NULL: it is taken). */
typedef struct Getter {
    const char *value;
    double expected;
    const char *message;
} Getter;

static void test_booleans(void **state)
{
    (void)state;
    static const Getter cases[] = {{"true", 1, NULL},      {"YES", 1, NULL},          {"False", 0, NULL},
                                   {"no", 0, NULL},        {"~", -1, NULL},           {"", -1, NULL},
                                   {"\"true\"", 0, "not"}, {"1", 0, "true or false"}, {"[true]", 0, "true or false"},
                                   {"on", 0, "not 'on'"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool value = true;
        assert_int_equal(parse(arena_printf(&arena, "x: 1\nkey: %s\n", cases[i].value)), STATUS_OK);
        Status status = yaml_boolean(&document, document.root, "key", &value, &err);
        if (cases[i].message)
            expect_error(status, 2, cases[i].message, "");
        else
            assert_int_equal(status, STATUS_OK);
        assert_int_equal(value, cases[i].expected != 0 || cases[i].message); /* untouched where it is wrong or null */
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const Getter integers[] = {{"7", 7, NULL},          {"-5", -5, NULL},
                                      {"~", 42, NULL},         {"100", 100, NULL},
                                      {"101", 0, "within"},    {"-6", 0, "-6 is not within -5 and 100"},
                                      {"7.5", 0, "not '7.5'"}, {"seven", 0, "a whole number is wanted, not 'seven'"},
                                      {"\"\"", 0, "whole"},    {"99999999999999999999", 0, "whole"},
                                      {"7 8", 0, "whole"},     {"{a: 1}", 0, "a whole number is wanted here"}};
    static const Getter numbers[] = {{"0.5", 0.5, NULL},    {"1e0", 1, NULL},        {"0", 0, NULL},   {"~", 42, NULL},
                                     {"1.01", 0, "within"}, {"-0.1", 0, "within"},   {".inf", 0, "a"}, {"inf", 0, "a"},
                                     {"nan", 0, "a"},       {"1,5", 0, "not '1,5'"}, {"5%", 0, "a"},   {"[1]", 0, "a"}};
    for (size_t i = 0; i < ARRAY_SIZE(integers); i++) {
        int64_t value = 42;
        assert_int_equal(parse(arena_printf(&arena, "x: 1\nkey: %s\n", integers[i].value)), STATUS_OK);
        Status status = yaml_integer(&document, document.root, "key", -5, 100, &value, &err);
        if (integers[i].message)
            expect_error(status, 2, integers[i].message, "");
        else
            assert_int_equal(status, STATUS_OK);
        assert_int_equal(value, integers[i].message ? 42 : (int64_t)integers[i].expected);
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        double value = 42;
        assert_int_equal(parse(arena_printf(&arena, "x: 1\nkey: %s\n", numbers[i].value)), STATUS_OK);
        Status status = yaml_number(&document, document.root, "key", 0, 1, &value, &err);
        if (numbers[i].message)
            expect_error(status, 2, numbers[i].message, "");
        else
            assert_int_equal(status, STATUS_OK);
        assert_true(value == (numbers[i].message ? 42 : numbers[i].expected));
    }
}

static void test_texts_and_choices(void **state)
{
    (void)state;
    static const char *const choices[] = {"keep", "reject", "latest"};
    const char *text = "before";
    uint32_t choice = 7;
    assert_int_equal(parse("a: plain\nb: ~\nc: [x]\nd: reject\ne: rejekt\nf: zzzzzz\ng: {}\n"), STATUS_OK);
    assert_int_equal(yaml_text(&document, document.root, "b", &text, &err), STATUS_OK);
    assert_string_equal(text, "before");
    assert_int_equal(yaml_text(&document, document.root, "a", &text, &err), STATUS_OK);
    assert_string_equal(text, "plain");
    expect_error(yaml_text(&document, document.root, "c", &text, &err), 3, "c: a text is wanted here", "");
    assert_int_equal(yaml_choice(&document, document.root, "b", choices, 3, &choice, &err), STATUS_OK);
    assert_int_equal(choice, 7);
    assert_int_equal(yaml_choice(&document, document.root, "d", choices, 3, &choice, &err), STATUS_OK);
    assert_int_equal(choice, 1);
    expect_error(yaml_choice(&document, document.root, "e", choices, 3, &choice, &err), 5, "'rejekt' is none",
                 "did you mean 'reject'?");
    error_init(&err);
    expect_error(yaml_choice(&document, document.root, "f", choices, 3, &choice, &err), 6, "'zzzzzz' is none",
                 "one of: keep, reject, latest");
    expect_error(yaml_choice(&document, document.root, "g", choices, 3, &choice, &err), 7, "one word", "");
    assert_int_equal(choice, 1);
}

/* What is written reads back as the same text, and as a text. */
static void test_scalars_are_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"plain",
                                        "two words",
                                        "Gross Weight (kg)",
                                        "",
                                        " ",
                                        " led",
                                        "trailed ",
                                        "~",
                                        "null",
                                        "True",
                                        "no",
                                        "12.5",
                                        "0x10",
                                        "-",
                                        "- a",
                                        "a: b",
                                        "a #b",
                                        "#a",
                                        "[a]",
                                        "{a}",
                                        "*a",
                                        "&a",
                                        "!a",
                                        "%a",
                                        "@a",
                                        "`a",
                                        "'a'",
                                        "\"a\"",
                                        "a\"b",
                                        "a\\b",
                                        "a\nb",
                                        "a\tb",
                                        "\x01",
                                        "\x7f",
                                        "Zürich",
                                        "日本",
                                        "\xf0\x9f\x9a\x9a",
                                        "?",
                                        "? a",
                                        "|",
                                        ">",
                                        "a,b",
                                        "2025-01-01",
                                        "---",
                                        "...",
                                        "a:",
                                        ":",
                                        ",",
                                        "=",
                                        "<<",
                                        "\xc2\x85",
                                        "\xe2\x80\xa8",
                                        "\xef\xbb\xbf"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        Buffer yaml;
        buffer_init(&yaml, 0);
        buffer_append_text(&yaml, "key: ");
        yaml_append_scalar(&yaml, str_view(texts[i]));
        buffer_append_text(&yaml, "\nlist: [");
        yaml_append_scalar(&yaml, str_view(texts[i]));
        buffer_append_text(&yaml, ", ");
        yaml_append_scalar(&yaml, str_view(texts[i]));
        buffer_append_text(&yaml, "]\n");
        yaml_append_scalar(&yaml, str_view(texts[i]));
        buffer_append_text(&yaml, ": of a key\n");
        assert_int_equal(parse(buffer_text(&yaml)), STATUS_OK);
        const YamlNode *list = yaml_get(document.root, "list");
        assert_non_null(yaml_get(document.root, "key"));
        assert_string_equal(yaml_get(document.root, "key")->text, texts[i]);
        assert_int_equal(list->n, 2);
        assert_string_equal(list->children[1]->text, texts[i]);
        assert_string_equal(yaml_get(document.root, texts[i])->text, "of a key");
        buffer_done(&yaml);
    }
}

static void check_stripped(const char *text, const char *wanted)
{
    Buffer plain;
    buffer_init(&plain, 0);
    error_init(&err);
    assert_int_equal(yaml_strip_comments("x.yaml", str_view(text), &plain, &err), STATUS_OK);
    assert_string_equal(buffer_text(&plain), wanted);
    buffer_done(&plain);
}

static void test_comments_are_stripped(void **state)
{
    (void)state;
    check_stripped("", "");
    check_stripped("# alone\n", "");
    check_stripped("# one\n\na: 1  # two\n  # three\nb: [x,  # four\n  y]\n# five", "\na: 1\nb: [x,\n  y]\n");
    check_stripped("a: \"# in quotes\"\nb: 'it''s # too'\nc: x#y\n", "a: \"# in quotes\"\nb: 'it''s # too'\nc: x#y\n");
    check_stripped("a: |\n  # a text\n  b\nc: 1 # gone\n", "a: |\n  # a text\n  b\nc: 1\n");
    check_stripped("\xef\xbb\xbf\xc3\xa9: \xe2\x82\xac # \xc3\xa9\nb: \"\xc3\xa9\" # x\n",
                   "\xc3\xa9: \xe2\x82\xac\nb: \"\xc3\xa9\"\n");
    Buffer plain;
    buffer_init(&plain, 0);
    error_init(&err);
    assert_int_equal(yaml_strip_comments("x.yaml", str_view("a: \"open"), &plain, &err), STATUS_CONFIG);
    buffer_done(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_empty_documents),
        cmocka_unit_test(test_no_yaml),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts_and_choices),
        cmocka_unit_test(test_scalars_are_read_back),
        cmocka_unit_test(test_comments_are_stripped),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    arena_init(&arena);
    int failed = cmocka_run_group_tests_name("text/yaml", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
