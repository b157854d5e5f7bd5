/* base/status.c: errors that gather where they pass, and one table of codes. */
#include "base/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void what_was_set_deeper_is_kept(void **state)
{
    (void)state;
    Error err;
    error_init(&err);
    assert_int_equal(error_set(&err, STATUS_CORRUPT, "page %d is broken", 3), STATUS_CORRUPT);
    assert_int_equal(error_at_column(&err, "carrier"), STATUS_CORRUPT);
    error_at_column(&err, "other");
    error_at_file(&err, "a.parquet");
    error_at_file(&err, "b.parquet");
    error_at_row(&err, 7);
    error_at_row(&err, 8);
    error_at_offset(&err, 100);
    error_hint(&err, "write it %s", "anew");
    error_hint(&err, "no");
    char text[1024];
    assert_string_equal(error_format(&err, text, sizeof text),
                        "page 3 is broken (file a.parquet, column carrier, row 7, offset 100)\nhint: write it anew");
}

static void a_new_error_forgets_the_old(void **state)
{
    (void)state;
    Error err;
    error_set(&err, STATUS_DATA, "first");
    error_at_file(&err, "a");
    error_set(&err, STATUS_SQL, "second");
    error_at_offset(&err, 5);
    char text[256];
    assert_string_equal(error_format(&err, text, sizeof text), "second (position 5)");
}

static void texts_are_cut_not_overrun(void **state)
{
    (void)state;
    Error err;
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    error_set(&err, STATUS_IO, "%s", long_text);
    error_at_file(&err, long_text);
    error_hint(&err, "%s", long_text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    for (size_t size = 1; size < 1200; size += 97) {
        char text[1200];
        memset(text, '#', sizeof text);
        error_format(&err, text, size);
        assert_non_null(memchr(text, '\0', size));
    }
}

static void system_errors_have_codes(void **state)
{
    (void)state;
    Error err;
    assert_int_equal(error_set_errno(&err, ENOSPC, "cannot write"), STATUS_DISK_FULL);
    assert_int_equal(error_set_errno(&err, ENOENT, "cannot open"), STATUS_NOT_FOUND);
    assert_int_equal(error_set_errno(&err, EIO, "cannot read %s", "a"), STATUS_IO);
    assert_string_equal(err.message, "cannot read a: Input/output error");
}

static void every_code_has_its_row(void **state)
{
    (void)state;
    for (int code = 0; code < STATUS_COUNT; code++) {
        assert_true(strlen(status_label((Status)code)) > 0);
        assert_true(strlen(status_meaning((Status)code)) > 0);
        assert_true(status_http((Status)code) >= 200 && status_http((Status)code) < 600);
        assert_int_equal(status_exit_code((Status)code) == 0, code == STATUS_OK);
    }
    assert_int_equal(status_exit_code(STATUS_USAGE), 2);
    assert_int_equal(status_exit_code(STATUS_MEMORY), 4);
    assert_int_equal(status_exit_code(STATUS_INTERRUPTED), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_set_deeper_is_kept), cmocka_unit_test(a_new_error_forgets_the_old),
        cmocka_unit_test(texts_are_cut_not_overrun),   cmocka_unit_test(system_errors_have_codes),
        cmocka_unit_test(every_code_has_its_row),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
