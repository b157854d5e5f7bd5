/* base/process.c: output by lines, exit codes, a program that is not there, a stop. */
#include "base/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pool.h"

typedef struct Lines {
    char text[65536];
    size_t n, longest;
} Lines;

static void take(void *context, const char *line)
{
    Lines *lines = context;
    size_t n = strlen(lines->text), size = strlen(line);
    lines->n++;
    lines->longest = size > lines->longest ? size : lines->longest;
    if (n + size + 2 < sizeof lines->text)
        snprintf(lines->text + n, sizeof lines->text - n, "%s\n", line);
}

static Status run(const char *script, Lines *lines, int *code, Error *err)
{
    const char *const words[] = {"sh", "-c", script, NULL};
    *lines = (Lines){0};
    error_init(err);
    return process_run(words, take, lines, code, err);
}

static void output_comes_by_lines(void **state)
{
    (void)state;
    static Lines lines;
    Error err;
    int code = -1;
    assert_int_equal(run("echo one; echo two >&2; printf three; exit 7", &lines, &code, &err), STATUS_OK);
    assert_int_equal(code, 7);
    assert_string_equal(lines.text, "one\ntwo\nthree\n");
    assert_int_equal(run("kill -9 $$", &lines, &code, &err), STATUS_OK);
    assert_int_equal(code, 128 + 9);
    assert_int_equal(run("head -c 20000 /dev/zero | tr '\\0' x; echo; echo end", &lines, &code, &err), STATUS_OK);
    assert_int_equal(code, 0);
    assert_int_equal(lines.longest, PROCESS_LINE_BYTES - 1);
    assert_non_null(strstr(lines.text, "x\nend\n"));
}

static void it_reads_nothing_from_us(void **state)
{
    (void)state;
    static Lines lines;
    Error err;
    int code = -1;
    assert_int_equal(run("cat; echo done", &lines, &code, &err), STATUS_OK);
    assert_string_equal(lines.text, "done\n");
}

static void a_grandchild_holds_nothing_up(void **state)
{
    (void)state;
    static Lines lines;
    Error err;
    int code = -1;
    alarm(20);
    assert_int_equal(run("sleep 30 & echo started", &lines, &code, &err), STATUS_OK);
    alarm(0);
    assert_int_equal(code, 0);
    assert_string_equal(lines.text, "started\n");
}

static void a_program_that_is_not_there(void **state)
{
    (void)state;
    static Lines lines;
    Error err;
    int code;
    const char *const words[] = {"/nowhere/spark-submit", NULL};
    error_init(&err);
    assert_int_equal(process_run(words, take, &lines, &code, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nowhere/spark-submit"));
}

/* Last: the request to stop stays. */
static void a_stop_ends_it(void **state)
{
    (void)state;
    static Lines lines;
    Error err;
    int code = -1;
    interrupt_install();
    char script[200];
    snprintf(script, sizeof script, "trap 'echo stopping; exit 3' TERM; echo ready; kill -INT %d; sleep 30 & wait",
             (int)getpid());
    assert_int_equal(run(script, &lines, &code, &err), STATUS_INTERRUPTED);
    assert_non_null(strstr(lines.text, "stopping"));
    assert_int_equal(code, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_comes_by_lines),
        cmocka_unit_test(it_reads_nothing_from_us),
        cmocka_unit_test(a_grandchild_holds_nothing_up),
        cmocka_unit_test(a_program_that_is_not_there),
        cmocka_unit_test(a_stop_ends_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
