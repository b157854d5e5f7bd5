/* Covers src/cmd/options.c: every way to write an option, every way to get it wrong, and the table itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cmd/options.h"

#define PARSE(...)                                                                                                     \
    parse((char *[]){"freightlake", __VA_ARGS__}, sizeof((char *[]){"freightlake", __VA_ARGS__}) / sizeof(char *))

static Arena arena;
static Arguments arguments;
static Error err;

static Status parse(char **words, size_t n)
{
    error_init(&err);
    return arguments_parse((int)n, words, &arena, &arguments, &err);
}

static void test_forms(void **state)
{
    (void)state;
    assert_int_equal(PARSE("run", "--from", "a", "--to=b", "-t3", "--mart", "x", "-m", "y", "--json"), STATUS_OK);
    assert_string_equal(arguments.command->name, "run");
    assert_string_equal(arguments_text(&arguments, "from"), "a");
    assert_string_equal(arguments_text(&arguments, "to"), "b");
    int64_t threads;
    assert_int_equal(arguments_integer(&arguments, "threads", 0, 10, &threads, &err), STATUS_OK);
    assert_int_equal(threads, 3);
    const char *const *marts;
    assert_int_equal(arguments_list(&arguments, "mart", &arena, &marts), 2);
    assert_string_equal(marts[0], "x");
    assert_string_equal(marts[1], "y");
    assert_true(arguments_given(&arguments, "json"));
    assert_false(arguments_given(&arguments, "no-progress"));
    assert_null(arguments_text(&arguments, "memory-limit"));
    assert_string_equal(arguments_text(&arguments, "log-format"), "text");
}

static void test_operands_and_dashes(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--log-format", "json", "query", "-", "--format=csv"), STATUS_OK);
    assert_string_equal(arguments.operands[0], "-");
    assert_int_equal(arguments_choice(&arguments, "format"), 1);
    assert_int_equal(arguments_choice(&arguments, "log-format"), 1);
    assert_int_equal(PARSE("query", "--", "--format"), STATUS_OK);
    assert_string_equal(arguments.operands[0], "--format");
    assert_int_equal(PARSE("query", "-- a comment\nSELECT 1"), STATUS_OK);
    assert_int_equal(arguments.n_operands, 1);
    assert_int_equal(PARSE("query", "--file", ""), STATUS_OK);
    assert_string_equal(arguments_text(&arguments, "file"), "");
}

static void expect_usage(Status status, const char *message, const char *hint)
{
    assert_int_equal(status, STATUS_USAGE);
    if (!strstr(err.message, message))
        fail_msg("'%s' is not in the message '%s'", message, err.message);
    if (!strstr(err.hint, hint))
        fail_msg("'%s' is not in the hint '%s'", hint, err.hint);
}

static void test_mistakes(void **state)
{
    (void)state;
    expect_usage(PARSE("rnu"), "'rnu'", "did you mean 'run'");
    expect_usage(PARSE("zzzzzzzzzzz"), "'zzzzzzzzzzz'", "--help");
    expect_usage(PARSE("run", "--form", "a"), "--form", "did you mean --from");
    expect_usage(PARSE("run", "--form=a"), "no option --form", "did you mean --from");
    expect_usage(PARSE("--verzion"), "--verzion", "did you mean --version");
    expect_usage(PARSE("run", "-z"), "-z", "--help");
    expect_usage(PARSE("generate", "--rows", "5"), "--out", "for example: freightlake generate");
    expect_usage(PARSE("run", "--from"), "--from needs a value", "--from FILES");
    expect_usage(PARSE("run", "--json=yes"), "takes no value", "");
    expect_usage(PARSE("run", "--from", "a", "--from", "b"), "given twice", "once");
    expect_usage(PARSE("run", "--from", "a", "--to", "b", "c"), "cannot take 'c'", "--help");
    expect_usage(PARSE("show", "a", "b", "--from", "c"), "cannot take 'b' too", "quotes");
    expect_usage(PARSE("show", "--from", "c"), "needs a MART", "for example");
    expect_usage(PARSE("query", "x", "--format", "cvs"), "'cvs'", "did you mean 'csv'");
    expect_usage(PARSE("query", "x", "--format", ""), "''", "table|csv|json|ndjson");
    expect_usage(PARSE("query", "x", "--format", "cs"), "'cs'", "csv");
}

static void test_mistakes_keep_what_was_understood(void **state)
{
    (void)state;
    expect_usage(PARSE("--log-format", "json", "run", "--wrong"), "--wrong", "");
    assert_int_equal(arguments_choice(&arguments, "log-format"), 1);
}

static void test_help_needs_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(PARSE("run", "--help"), STATUS_OK);
    assert_true(arguments_given(&arguments, "help"));
    assert_int_equal(PARSE("show", "-h"), STATUS_OK);
}

static void test_numbers(void **state)
{
    (void)state;
    int64_t integer;
    double number;
    size_t bytes = 7;
    static const char *const wrong[] = {"", "x", "1x", "-1", "1025", "99999999999999999999", "1.5"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(PARSE("query", "x", "--threads", (char *)wrong[i]), STATUS_OK);
        expect_usage(arguments_integer(&arguments, "threads", 0, 1024, &integer, &err), "--threads", "from 0 to 1024");
    }
    assert_int_equal(PARSE("query", "x", "--memory-limit", "1GiB"), STATUS_OK);
    assert_int_equal(arguments_bytes(&arguments, "memory-limit", &bytes, &err), STATUS_OK);
    assert_int_equal(bytes, 1 << 30);
    assert_int_equal(PARSE("query", "x", "--memory-limit", "much"), STATUS_OK);
    expect_usage(arguments_bytes(&arguments, "memory-limit", &bytes, &err), "--memory-limit", "1GiB");
    assert_int_equal(PARSE("generate", "--out", "x", "--bad-rows", "nan"), STATUS_OK);
    expect_usage(arguments_number(&arguments, "bad-rows", 0, 1, &number, &err), "'nan'", "from 0 to 1");
    assert_int_equal(PARSE("generate", "--out", "x", "--bad-rows", "0.25"), STATUS_OK);
    assert_int_equal(arguments_number(&arguments, "bad-rows", 0, 1, &number, &err), STATUS_OK);
    assert_true(number == 0.25);
}

static void test_version_of_a_table(void **state)
{
    (void)state;
    assert_int_equal(PARSE("query", "x", "--version", "3"), STATUS_OK);
    assert_string_equal(arguments_text(&arguments, "version"), "3");
    assert_int_equal(PARSE("generate", "--version"), STATUS_OK);
    assert_true(arguments_given(&arguments, "version"));
    assert_int_equal(PARSE("--version"), STATUS_OK);
    assert_true(arguments_given(&arguments, "version"));
}

static void count_choice(void *context, const char *word, size_t length)
{
    (void)word;
    assert_true(length > 0);
    ++*(int *)context;
}

/* A default that the option itself would refuse, a name or letter that stands twice, an entry nobody explains. */
static void check_options(const OptionInfo *options)
{
    for (const OptionInfo *option = options; option && option->name; option++) {
        assert_true(strlen(option->help) > 5);
        assert_true(option->help[strlen(option->help) - 1] != '.');
        assert_false(option->required && option->fallback);
        for (const OptionInfo *other = options; other != option; other++) {
            assert_string_not_equal(option->name, other->name);
            assert_false(option->letter && option->letter == other->letter);
        }
        for (const OptionInfo *global = global_options(); options != global_options() && global->name; global++) {
            if (option->argument && !global->argument && strcmp(global->name, "version") == 0)
                continue; /* a table's version, which takes a number */
            assert_string_not_equal(option->name, global->name);
            assert_false(option->letter && option->letter == global->letter);
        }
        int choices = 0;
        option_each_choice(option, count_choice, &choices);
        if (choices > 0 && option->fallback)
            assert_true(strstr(option->argument, option->fallback) != NULL);
    }
}

static void test_table(void **state)
{
    (void)state;
    check_options(global_options());
    for (const CommandInfo *command = command_table(); command->name; command++) {
        check_options(command->options);
        assert_non_null(command->summary);
        assert_non_null(command->description);
        assert_non_null(command->examples[0].command);
        for (const ExampleInfo *example = command->examples; example->command; example++) {
            const char *lake = "--lake lake ";
            bool on_lake = strncmp(example->command, lake, strlen(lake)) == 0;
            assert_memory_equal(example->command + (on_lake ? strlen(lake) : 0), command->name, strlen(command->name));
        }
    }
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_operands_and_dashes),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_mistakes_keep_what_was_understood),
        cmocka_unit_test(test_help_needs_nothing_else),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_version_of_a_table),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("options", tests, begin, end);
}
