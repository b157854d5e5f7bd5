/* Covers src/base/progress.c: the line's text, and silence where nobody watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/progress.h"

static void expect_line(uint64_t done, uint64_t total, double seconds, const char *expected)
{
    Buffer line;
    buffer_init(&line, 0);
    progress_append(&line, "reading", done, total, seconds);
    assert_string_equal(buffer_text(&line), expected);
    buffer_done(&line);
}

static void test_line(void **state)
{
    (void)state;
    expect_line(5000000, 20000000, 0.5, "reading  25%  5.00 M of 20.0 M rows  10.0 M/s  1.50 s left");
    expect_line(20000000, 20000000, 2, "reading  100%  20.0 M of 20.0 M rows  10.0 M/s  0 ms left");
    expect_line(100, 20000000, 0.1, "reading   0%  100 of 20.0 M rows  1.00 k/s");
    expect_line(0, 0, 0, "reading   0%  0 of 0 rows");
    expect_line(30, 20, 1, "reading  100%  30 of 20 rows  30/s");
}

/* Run without a terminal, so what is not enabled must not even look at the clock for long. */
static void test_not_enabled(void **state)
{
    (void)state;
    Progress *progress = progress_new("reading", false);
    for (uint64_t i = 0; i < 1000; i++)
        progress_update(progress, i, 1000);
    progress_free(progress);
    progress_free(NULL);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_not_enabled),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
