/* Time zones: fixed ones, zones of the system's database against the C library, skipped and repeated times, broken files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ingest/time_zone.h"
#include "storage/storage.h"

static int64_t wall(int year, int month, int day, int hour, int minute)
{
    return ((int64_t)days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60) * 1000000;
}

static const TimeZone *zone_of(const char *name, Arena *arena)
{
    Error err;
    const TimeZone *zone = NULL;
    error_init(&err);
    if (time_zone_new(name, arena, &zone, &err) != STATUS_OK)
        fail_msg("%s: %s", name, err.message);
    return zone;
}

static void test_fixed(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    int64_t noon = wall(2025, 6, 30, 12, 0);
    assert_true(time_zone_to_utc(NULL, noon) == noon);
    assert_true(time_zone_to_utc(zone_of("UTC", &arena), noon) == noon);
    assert_true(time_zone_to_utc(zone_of("+05:30", &arena), noon) == wall(2025, 6, 30, 6, 30));
    assert_true(time_zone_to_utc(zone_of("-08", &arena), noon) == wall(2025, 6, 30, 20, 0));
    arena_done(&arena);
}

static void test_refused_names(void **state)
{
    (void)state;
    static const char *const names[] = {"",   "Europe/Pariss", "/etc/passwd", "../../etc/passwd", "+99:00",
                                        "+2", "Europe/",       "Europe"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        Arena arena;
        Error err;
        const TimeZone *zone;
        arena_init(&arena);
        error_init(&err);
        if (time_zone_new(names[i], &arena, &zone, &err) != STATUS_CONFIG)
            fail_msg("'%s' is taken", names[i]);
        arena_done(&arena);
    }
}

static void test_changes(void **state)
{
    (void)state;
    if (access("/usr/share/zoneinfo/Europe/Paris", R_OK) != 0)
        skip();
    Arena arena;
    arena_init(&arena);
    const TimeZone *paris = zone_of("Europe/Paris", &arena);
    assert_true(time_zone_to_utc(paris, wall(2025, 1, 15, 12, 0)) == wall(2025, 1, 15, 11, 0));
    assert_true(time_zone_to_utc(paris, wall(2025, 7, 15, 12, 0)) == wall(2025, 7, 15, 10, 0));
    /* 2025-03-30 02:30 is skipped, 2025-10-26 02:30 is shown twice: the offset of before the change */
    assert_true(time_zone_to_utc(paris, wall(2025, 3, 30, 2, 30)) == wall(2025, 3, 30, 1, 30));
    assert_true(time_zone_to_utc(paris, wall(2025, 10, 26, 2, 30)) == wall(2025, 10, 26, 0, 30));
    assert_true(time_zone_to_utc(paris, wall(2090, 7, 15, 12, 0)) == wall(2090, 7, 15, 10, 0));
    arena_done(&arena);
}

/* The C library's own reading of the same files, back and forth at random times. */
static void test_against_library(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin",    "America/New_York", "America/Sao_Paulo", "Asia/Kolkata",
                                        "Australia/Sydney", "Africa/Cairo",     "Pacific/Apia",      "Asia/Tehran"};
    unsigned seed = (unsigned)time(NULL);
    printf("# seed %u\n", seed);
    for (size_t z = 0; z < ARRAY_SIZE(names); z++) {
        char path[100];
        snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", names[z]);
        if (access(path, R_OK) != 0)
            continue;
        Arena arena;
        arena_init(&arena);
        const TimeZone *zone = zone_of(names[z], &arena);
        setenv("TZ", names[z], 1);
        tzset();
        for (int i = 0; i < 3000; i++) {
            time_t at = (time_t)(rand_r(&seed) % 4000000) * 1000 + rand_r(&seed) % 1000;
            struct tm local;
            localtime_r(&at, &local);
            int64_t shown = ((int64_t)days_from_civil(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday) * 86400 +
                             local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec);
            assert_true(time_zone_to_wall(zone, (int64_t)at * 1000000) == shown * 1000000);
            int64_t back = time_zone_to_utc(zone, shown * 1000000) / 1000000;
            time_t back_time = (time_t)back;
            struct tm again;
            localtime_r(&back_time, &again);
            /* the very instant, or the earlier one of two that the wall shows alike */
            bool alike =
                again.tm_hour == local.tm_hour && again.tm_min == local.tm_min && again.tm_mday == local.tm_mday;
            if (back != at && !(alike && back < at))
                fail_msg("%s at %lld gives %lld", names[z], (long long)at, (long long)back);
        }
        arena_done(&arena);
    }
    unsetenv("TZ");
    tzset();
}

static void test_broken_files(void **state)
{
    (void)state;
    Arena arena;
    Error err;
    StrView bytes;
    arena_init(&arena);
    error_init(&err);
    if (storage_read_file("/usr/share/zoneinfo/Europe/Paris", 1 << 20, &arena, &bytes, &err) != STATUS_OK)
        skip();
    unsigned seed = (unsigned)time(NULL);
    printf("# seed %u\n", seed);
    for (int i = 0; i < 2000; i++) {
        Arena once;
        arena_init(&once);
        char *copy = arena_memdup(&once, bytes.data, bytes.size);
        uint32_t size = i % 2 ? bytes.size : (uint32_t)(rand_r(&seed) % (int)bytes.size);
        for (int k = 0; k < 8; k++)
            copy[rand_r(&seed) % (int)bytes.size] = (char)rand_r(&seed);
        /* an allocation of its own size, so that a sanitizer sees what lies behind it */
        char *tight = mem_alloc(size + 1);
        memcpy(tight, copy, size);
        const TimeZone *zone;
        if (time_zone_parse("x", (StrView){tight, size}, &once, &zone))
            time_zone_to_utc(zone, wall(2025, 1, 1, 0, 0));
        mem_free(tight);
        arena_done(&once);
    }
    arena_done(&arena);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fixed), cmocka_unit_test(test_refused_names),
                                       cmocka_unit_test(test_changes), cmocka_unit_test(test_against_library),
                                       cmocka_unit_test(test_broken_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
