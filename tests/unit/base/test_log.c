/* base/log.c: one whole line a message, as text or as JSON. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char captured[8192];

/* Runs `write_lines` with standard error in a file and keeps what was written. */
static void capture(void (*write_lines)(void))
{
    FILE *file = tmpfile();
    assert_non_null(file);
    int old = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    write_lines();
    dup2(old, STDERR_FILENO);
    close(old);
    rewind(file);
    captured[fread(captured, 1, sizeof captured - 1, file)] = '\0';
    fclose(file);
}

static void write_two(void)
{
    LOG(LOG_DEBUG, "not shown", LOG_INTEGER_FIELD("n", 1));
    LOG(LOG_INFO, "mart written", LOG_TEXT_FIELD("mart", "cost \"analysis\""), LOG_INTEGER_FIELD("rows", 12),
        LOG_NUMBER_FIELD("seconds", 0.25));
    Error err;
    error_set(&err, STATUS_CORRUPT, "page is broken");
    error_at_file(&err, "a.parquet");
    log_error(&err);
}

static void text_lines(void **state)
{
    (void)state;
    log_configure(LOG_TEXT, LOG_INFO);
    capture(write_two);
    assert_string_equal(captured, "freightlake: mart written mart=cost \"analysis\" rows=12 seconds=0.25\n"
                                  "freightlake: error: page is broken (file a.parquet)\n");
}

static void json_lines(void **state)
{
    (void)state;
    log_configure(LOG_JSON, LOG_INFO);
    capture(write_two);
    assert_non_null(strstr(captured,
                           "\"level\":\"info\",\"message\":\"mart written\",\"mart\":\"cost \\\"analysis\\\"\","
                           "\"rows\":12,\"seconds\":0.25}\n"));
    assert_non_null(strstr(captured, "\"message\":\"page is broken\",\"code\":\"corrupt\",\"file\":\"a.parquet\"}\n"));
}

static void levels(void **state)
{
    (void)state;
    log_configure(LOG_TEXT, LOG_ERROR);
    assert_false(log_enabled(LOG_WARN));
    assert_true(log_enabled(LOG_ERROR));
    log_configure(LOG_TEXT, LOG_OFF);
    capture(write_two);
    assert_string_equal(captured, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(levels),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
