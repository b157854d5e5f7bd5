/* base/clock.h: the civil calendar, day by day. */
#include "base/clock.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void days_follow_each_other(void **state)
{
    (void)state;
    CivilDate date = {-4800, 1, 1};
    for (int32_t days = days_from_civil(-4800, 1, 1); days < days_from_civil(12000, 1, 1); days++) {
        CivilDate have = civil_from_days(days);
        if (have.year != date.year || have.month != date.month || have.day != date.day ||
            days_from_civil(have.year, have.month, have.day) != days)
            fail_msg("day %d is %d-%d-%d, not %d-%d-%d", days, have.year, have.month, have.day, date.year, date.month,
                     date.day);
        if (++date.day > days_in_month(date.year, date.month)) {
            date.day = 1;
            date.year += date.month == 12;
            date.month = date.month % 12 + 1;
        }
    }
}

static void known_days(void **state)
{
    (void)state;
    assert_int_equal(days_from_civil(1970, 1, 1), 0);
    assert_int_equal(days_from_civil(2025, 6, 30), 20269);
    assert_int_equal(days_from_civil(1, 1, 1), -719162);
    assert_int_equal(days_in_month(2000, 2), 29);
    assert_int_equal(days_in_month(1900, 2), 28);
    CivilDate last = civil_from_days(INT_MAX);
    assert_int_equal(days_from_civil(last.year, last.month, last.day), INT_MAX);
    CivilDate first = civil_from_days(INT_MIN);
    assert_int_equal(days_from_civil(first.year, first.month, first.day), INT_MIN);
}

static void time_goes_on(void **state)
{
    (void)state;
    double before = clock_seconds();
    assert_true(clock_seconds() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_follow_each_other),
        cmocka_unit_test(known_days),
        cmocka_unit_test(time_goes_on),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
