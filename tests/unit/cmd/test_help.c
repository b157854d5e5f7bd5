/* Covers src/cmd/help.c and completion.c: each option of the table appears in help, manual page and completions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cmd/help.h"

static void expect(Buffer *text, const char *part)
{
    if (!strstr(buffer_text(text), part))
        fail_msg("'%s' is not in the text", part);
}

static void test_help_has_every_option(void **state)
{
    (void)state;
    for (const CommandInfo *command = command_table(); command->name; command++) {
        Buffer text;
        buffer_init(&text, 0);
        help_append(&text, command, 80);
        expect(&text, command->summary);
        for (const OptionInfo *option = command->options; option && option->name; option++) {
            char name[80];
            snprintf(name, sizeof name, "--%s", option->name);
            expect(&text, name);
        }
        for (const ExampleInfo *example = command->examples; example->command; example++)
            expect(&text, example->command);
        expect(&text, "--log-format");
        buffer_done(&text);
    }
}

static void test_overview_lists_commands(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 0);
    help_append(&text, NULL, 80);
    for (const CommandInfo *command = command_table(); command->name; command++)
        if (!command->hidden)
            expect(&text, command->summary);
    expect(&text, "Exit codes");
    buffer_done(&text);
}

/* Examples and usage lines are not broken; all else keeps to the width. */
static void test_lines_are_not_too_long(void **state)
{
    (void)state;
    for (const CommandInfo *command = command_table(); command->name; command++) {
        Buffer text;
        buffer_init(&text, 0);
        help_append(&text, command, 80);
        for (const char *line = buffer_text(&text); *line;) {
            size_t length = strcspn(line, "\n");
            bool is_free = strncmp(line, "  freightlake", 13) == 0 || strncmp(line, "Usage:", 6) == 0;
            if (!is_free && length > 80)
                fail_msg("a line of %zu characters: %.*s", length, (int)length, line);
            line += length + (line[length] == '\n');
        }
        buffer_done(&text);
    }
}

static void test_man_has_every_option(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 0);
    man_append(&text);
    expect(&text, ".TH FREIGHTLAKE 1");
    expect(&text, "\\-\\-memory\\-limit");
    expect(&text, "\\-\\-as\\-of");
    expect(&text, ".SH EXIT STATUS");
    for (const char *line = buffer_text(&text); *line; line += strcspn(line, "\n") + 1)
        assert_true(line[0] != '\'');
    buffer_done(&text);
}

static void test_reference_has_every_option(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 0);
    reference_append(&text);
    for (const CommandInfo *command = command_table(); command->name; command++)
        for (const OptionInfo *option = command->options; option && option->name; option++) {
            char name[80];
            snprintf(name, sizeof name, "`--%s", option->name);
            expect(&text, name);
        }
    expect(&text, "text\\|json");
    buffer_done(&text);
}

static void test_completions_have_every_option(void **state)
{
    (void)state;
    static const char *const forms[SHELL_COUNT] = {"--%s", "--%s[", "-l %s"};
    for (int shell = 0; shell < SHELL_COUNT; shell++) {
        Buffer text;
        buffer_init(&text, 0);
        completion_append(&text, (Shell)shell);
        for (const CommandInfo *command = command_table(); command->name; command++)
            for (const OptionInfo *option = command->options; option && option->name; option++) {
                char form[80];
                size_t at = strcspn(forms[shell], "%");
                snprintf(form, sizeof form, "%.*s%s%s", (int)at, forms[shell], option->name, forms[shell] + at + 2);
                expect(&text, form);
            }
        expect(&text, "carrier_performance");
        buffer_done(&text);
    }
}

static void test_unknown_shell(void **state)
{
    (void)state;
    Shell shell = SHELL_ZSH;
    Error err;
    error_init(&err);
    assert_int_equal(shell_find("tcsh", &shell, &err), STATUS_USAGE);
    assert_int_equal(shell, SHELL_ZSH);
    assert_int_equal(shell_find("fish", &shell, &err), STATUS_OK);
    assert_int_equal(shell, SHELL_FISH);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_has_every_option),
        cmocka_unit_test(test_overview_lists_commands),
        cmocka_unit_test(test_lines_are_not_too_long),
        cmocka_unit_test(test_man_has_every_option),
        cmocka_unit_test(test_reference_has_every_option),
        cmocka_unit_test(test_completions_have_every_option),
        cmocka_unit_test(test_unknown_shell),
    };
    return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
