/* Date forms: what each pattern takes and refuses, and that the fast path agrees with the general one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "columnar/time_text.h"
#include "ingest/date_form.h"

static Arena arena;

static const DateForm *form_of(const char *pattern)
{
    Error err;
    const DateForm *form = NULL;
    error_init(&err);
    if (date_form_new(pattern, &arena, &form, &err) != STATUS_OK)
        fail_msg("%s: %s", pattern, err.message);
    return form;
}

/* "" when the text does not fit. */
static const char *day_of(const char *pattern, const char *text)
{
    static char shown[TIME_TEXT_SIZE];
    int32_t days;
    shown[0] = '\0';
    if (date_form_parse_date(form_of(pattern), NULL, str_view(text), &days))
        date_format(shown, days);
    return shown;
}

static const char *instant_of(const char *pattern, const char *zone, const char *text)
{
    static char shown[TIME_TEXT_SIZE];
    Error err;
    const TimeZone *in;
    int64_t micros;
    error_init(&err);
    assert_int_equal(time_zone_new(zone, &arena, &in, &err), STATUS_OK);
    shown[0] = '\0';
    if (date_form_parse_instant(form_of(pattern), in, str_view(text), &micros))
        timestamp_format(shown, micros);
    return shown;
}

static void test_dates(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"yyyy-MM-dd", "2025-06-30", "2025-06-30"},
        {"yyyy-MM-dd", "2024-02-29", "2024-02-29"},
        {"yyyy-MM-dd", "2025-02-29", ""},
        {"yyyy-MM-dd", "2025-6-30", ""},
        {"yyyy-MM-dd", "2025-06-30 ", ""},
        {"yyyy-MM-dd", "2025/06/30", ""},
        {"yyyy-MM-dd", "", ""},
        {"dd/MM/yyyy", "07/03/2025", "2025-03-07"},
        {"MM/dd/yyyy", "07/03/2025", "2025-07-03"},
        {"dd/MM/yyyy", "7/3/2025", ""},
        {"d/M/yyyy", "7/3/2025", "2025-03-07"},
        {"d/M/yyyy", "07/03/2025", "2025-03-07"},
        {"d/M/yyyy", "31/13/2025", ""},
        {"dd.MM.yy", "01.12.69", "2069-12-01"},
        {"dd.MM.yy", "01.12.70", "1970-12-01"},
        {"dd-MMM-yy", "02-Jun-06", "2006-06-02"},
        {"dd-MMM-yy", "01-Sept-06", "2006-09-01"},
        {"dd-MMM-yy", "01-SEP-06", "2006-09-01"},
        {"dd-MMM-yy", "01-September-06", ""},
        {"d MMMM yyyy", "1 september 2006", "2006-09-01"},
        {"MMM d, yyyy", "Mar 5, 2025", "2025-03-05"},
        {"EEE, d MMM yyyy", "Wed, 5 Mar 2025", "2025-03-05"},
        {"EEE, d MMM yyyy", "Xyz, 5 Mar 2025", ""},
        {"yyyyMMdd", "20250305", "2025-03-05"},
        {"yyyyMMdd", "2025030", ""},
        {"yyyy-MM-dd'T'HH:mm:ssX", "2025-03-05T23:30:00-08:00", "2025-03-05"},
        {"M/d/yyyy h:mm a", "3/5/2025 12:07 AM", "2025-03-05"},
        {"M/d/yyyy h:mm a", "3/5/2025 13:07 PM", ""},
        {"epoch_seconds", "0", "1970-01-01"},
        {"epoch_seconds", "-1", "1969-12-31"},
        {"epoch_seconds", "1e9", ""},
        {"epoch_seconds", "1741348800.75", "2025-03-07"},
        {"epoch_seconds", "1741348800.", "2025-03-07"},
        {"epoch_seconds", "1.2.3", ""},
        {"epoch_seconds", ".", ""},
        {"yyyy-MM-dd", "0000-01-01", ""},
        {"yyyy-MM-dd", "0001-01-01", "0001-01-01"},
        {"dd.MM.yyyy", "01.01.0000", ""},
        {"d MMM yyyy", "3 M\xc3\xa4r 2025", "2025-03-03"},
        {"d MMM yyyy", "3 M\xc3\x84RZ 2025", "2025-03-03"},
        {"d MMM yyyy", "3 f\xc3\xa9vr. 2025", "2025-02-03"},
        {"d. MMM. yyyy", "3. Okt. 2025", "2025-10-03"},
        {"d. MMM. yyyy", "3. Okt 2025", ""},
        {"d MMMM yyyy", "3 ao\xc3\xbbt 2025", "2025-08-03"},
        {"d MMMM yyyy", "3 diciembre 2025", "2025-12-03"},
        {"dd-MMM-yy", "03-DIC-25", "2025-12-03"},
        {"dd-MMM-yy", "03-Dez-25", "2025-12-03"},
        {"dd-MMM-yy", "03-Dex-25", ""},
        {"epoch_milliseconds", "1741348800000", "2025-03-07"},
        {"excel", "45658", "2025-01-01"},
        {"excel", "45658.75", "2025-01-01"},
        {"excel", "nan", ""},
        {"excel", "0", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (strcmp(day_of(cases[i][0], cases[i][1]), cases[i][2]) != 0)
            fail_msg("%s of \"%s\" gives %s, not %s", cases[i][0], cases[i][1], day_of(cases[i][0], cases[i][1]),
                     cases[i][2]);
}

static void test_instants(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"yyyy-MM-dd HH:mm:ss", "UTC", "2025-06-30 12:00:00", "2025-06-30 12:00:00"},
        {"yyyy-MM-dd HH:mm:ss", "+02:00", "2025-06-30 12:00:00", "2025-06-30 10:00:00"},
        {"yyyy-MM-dd", "+02:00", "2025-06-30", "2025-06-29 22:00:00"},
        {"yyyy-MM-dd'T'HH:mm:ssX", "+02:00", "2025-06-30T12:00:00Z", "2025-06-30 12:00:00"},
        {"yyyy-MM-dd'T'HH:mm:ssX", "UTC", "2025-06-30T12:00:00+0530", "2025-06-30 06:30:00"},
        {"yyyy-MM-dd'T'HH:mm:ssX", "UTC", "2025-06-30T12:00:00+02", "2025-06-30 10:00:00"},
        {"yyyy-MM-dd'T'HH:mm:ssX", "UTC", "2025-06-30T12:00:00", ""},
        {"yyyy-MM-dd HH:mm:ss.S", "UTC", "2025-06-30 12:00:00.5", "2025-06-30 12:00:00.5"},
        {"yyyy-MM-dd HH:mm:ss.S", "UTC", "2025-06-30 12:00:00.123456789", "2025-06-30 12:00:00.123456"},
        {"yyyy-MM-dd HH:mm:ss.SSS", "UTC", "2025-06-30 12:00:00.12", ""},
        {"M/d/yyyy h:mm a", "UTC", "3/5/2025 12:07 AM", "2025-03-05 00:07:00"},
        {"M/d/yyyy h:mm a", "UTC", "3/5/2025 12:07 pm", "2025-03-05 12:07:00"},
        {"M/d/yyyy h:mm a", "UTC", "3/5/2025 0:07 AM", ""},
        {"yyyy-MM-dd HH:mm:ss z", "+05:00", "2025-03-05 01:02:03 GMT", "2025-03-05 01:02:03"},
        {"yyyy-MM-dd HH:mm", "UTC", "2025-03-05 24:00", ""},
        {"excel", "UTC", "45658.75", "2025-01-01 18:00:00"},
        {"epoch_milliseconds", "+02:00", "1741348800123", "2025-03-07 12:00:00.123"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *got = instant_of(cases[i][0], cases[i][1], cases[i][2]);
        if (strcmp(got, cases[i][3]) != 0)
            fail_msg("%s of \"%s\" gives %s, not %s", cases[i][0], cases[i][2], got, cases[i][3]);
    }
}

static void test_refused_patterns(void **state)
{
    (void)state;
    static const char *const patterns[] = {"",
                                           "yyyy-MM",
                                           "yyyy-MM-dd-dd",
                                           "yyyy-MM-dd hh:mm",
                                           "yyyy-MM-dd HH:mm a",
                                           "yyy-MM-dd",
                                           "yyyy-MM-ddTHH",
                                           "yyyy-MM-dd'T",
                                           "dMyyyy",
                                           "yyyy-MM-dd mm",
                                           "yyyy-MM-dd HH:ss",
                                           "yyyy-MM-dd w",
                                           "YYYY-mm-DD"};
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
        Error err;
        const DateForm *form;
        error_init(&err);
        if (date_form_new(patterns[i], &arena, &form, &err) != STATUS_CONFIG)
            fail_msg("\"%s\" is taken", patterns[i]);
        assert_true(err.message[0] != '\0' && err.hint[0] != '\0');
    }
}

/* Any text: yyyy-MM-dd by its own path, and by tokens (a quoted nothing makes it no fast form). */
static void test_fast_path_agrees(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    printf("# seed %u\n", seed);
    const DateForm *fast = form_of("yyyy-MM-dd"), *slow = form_of("yyyy'-'MM-dd");
    for (int i = 0; i < 200000; i++) {
        char text[16];
        int n =
            snprintf(text, sizeof text, "%04d-%02d-%02d", rand_r(&seed) % 3000, rand_r(&seed) % 14, rand_r(&seed) % 33);
        if (rand_r(&seed) % 4 == 0)
            text[rand_r(&seed) % n] = "0123456789-/ x"[rand_r(&seed) % 14];
        int32_t a = 0, b = 0;
        bool x = date_form_parse_date(fast, NULL, str_view(text), &a);
        bool y = date_form_parse_date(slow, NULL, str_view(text), &b);
        if (x != y || a != b)
            fail_msg("\"%s\": %d %d, %d %d", text, x, a, y, b);
    }
}

/* The day of an instant is that of the place, of a text with an offset the one written. */
static void test_day_at_place(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"yyyy-MM-dd'T'HH:mm:ssX", "America/New_York", "2025-03-07T02:00:00Z", "2025-03-06"},
        {"yyyy-MM-dd'T'HH:mm:ssX", "America/New_York", "2025-03-07T02:00:00+01:00", "2025-03-07"},
        {"yyyy-MM-dd HH:mm:ss z", "Europe/Berlin", "2025-03-29 23:30:00 UTC", "2025-03-30"},
        {"yyyy-MM-dd HH:mm:ss z", "Europe/Berlin", "2025-03-29 22:30:00 UTC", "2025-03-29"}, /* winter: an hour ahead */
        {"yyyy-MM-dd HH:mm:ss z", "Europe/Berlin", "2025-03-30 22:30:00 UTC", "2025-03-31"}, /* summer: two */
        {"yyyy-MM-dd HH:mm:ss", "Europe/Berlin", "2025-03-30 23:30:00", "2025-03-30"},
        {"epoch_seconds", "Asia/Tokyo", "1741366800", "2025-03-08"}, /* 2025-03-07 17:00 UTC */
        {"epoch_milliseconds", "UTC", "1741366800000", "2025-03-07"},
    };
    if (access("/usr/share/zoneinfo/Asia/Tokyo", R_OK) != 0)
        skip();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Error err;
        const TimeZone *zone;
        int32_t days = 0;
        char shown[TIME_TEXT_SIZE];
        error_init(&err);
        assert_int_equal(time_zone_new(cases[i][1], &arena, &zone, &err), STATUS_OK);
        assert_true(date_form_parse_date(form_of(cases[i][0]), zone, str_view(cases[i][2]), &days));
        date_format(shown, days);
        assert_string_equal(shown, cases[i][3]);
    }
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dates), cmocka_unit_test(test_instants),
                                       cmocka_unit_test(test_day_at_place), cmocka_unit_test(test_refused_patterns),
                                       cmocka_unit_test(test_fast_path_agrees)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
