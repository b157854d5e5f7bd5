/* base/text_index.c against a plain list. */
#include "base/text_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_index_finds_nothing(void **state)
{
    (void)state;
    TextIndex index = {0};
    assert_int_equal(text_index_find(&index, ""), TEXT_INDEX_NONE);
    assert_int_equal(text_index_find(&index, "a"), TEXT_INDEX_NONE);
    text_index_done(&index);
    assert_int_equal(text_index_add(&index, ""), 0);
    assert_int_equal(text_index_add(&index, ""), 0);
    assert_int_equal(text_index_find(&index, ""), 0);
    assert_int_equal(text_index_find(&index, "a"), TEXT_INDEX_NONE);
    text_index_done(&index);
}

static void numbers_follow_the_order_of_arrival(void **state)
{
    (void)state;
    Arena arena;
    TextIndex index = {0};
    arena_init(&arena);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < 50000; i++) /* other bytes each time: texts count, not where they lie */
            assert_int_equal(text_index_add(&index, arena_printf(&arena, "client/%u", i)), i);
    assert_int_equal(index.n, 50000);
    for (uint32_t i = 0; i < 50000; i += 7) {
        char text[32];
        snprintf(text, sizeof text, "client/%u", i);
        assert_string_equal(index.texts[i], text);
        assert_int_equal(text_index_find(&index, text), i);
        snprintf(text, sizeof text, "client/%u ", i);
        assert_int_equal(text_index_find(&index, text), TEXT_INDEX_NONE);
    }
    text_index_done(&index);
    arena_done(&arena);
}

static void random_texts(void **state)
{
    (void)state;
    const char *given = getenv("FREIGHTLAKE_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 20260601u;
    print_message("# seed %u\n", seed);
    Arena arena;
    TextIndex index = {0};
    arena_init(&arena);
    const char **list = ARENA_ARRAY(&arena, const char *, 3000);
    uint32_t n = 0;
    for (int step = 0; step < 3000; step++) {
        const char *text = arena_printf(&arena, "%.*s%d", rand_r(&seed) % 3, "ab", rand_r(&seed) % 700);
        uint32_t known = 0;
        while (known < n && strcmp(list[known], text) != 0)
            known++;
        assert_int_equal(text_index_find(&index, text), known < n ? known : TEXT_INDEX_NONE);
        if (rand_r(&seed) % 2)
            continue;
        assert_int_equal(text_index_add(&index, text), known);
        if (known == n)
            list[n++] = text;
    }
    text_index_done(&index);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_empty_index_finds_nothing),
                                       cmocka_unit_test(numbers_follow_the_order_of_arrival),
                                       cmocka_unit_test(random_texts)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
