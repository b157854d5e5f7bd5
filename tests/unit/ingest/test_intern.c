/* Interner against the plain rule: a text has the code of its first appearance.  Texts of all lengths, with zero bytes, in
 * orders that make the table wide early or late; and the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "ingest/intern.h"

#define TEXTS 3000u
#define LOOKS 40000u
#define MAX_BYTES 40u

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)rand() % n;
}

/* Distinct texts of up to `max` bytes; many differ only in length or in zero bytes at their end. */
static uint32_t make_texts(Arena *arena, uint32_t max, StrView *texts)
{
    uint32_t n = 0;
    while (n < TEXTS) {
        StrView text = {arena_zalloc(arena, MAX_BYTES), random_below(max + 1)};
        for (uint32_t i = 0; i < text.size; i++)
            ((char *)(uintptr_t)text.data)[i] = (char)(random_below(4) ? 'a' + (int)random_below(26) : 0);
        bool seen = false;
        for (uint32_t i = 0; i < n && !seen; i++)
            seen = str_equal(texts[i], text);
        if (!seen)
            texts[n++] = text;
        else if (max < 3)
            return n;
    }
    return n;
}

static void expect_codes(Interner *interner, Arena *arena, uint32_t max)
{
    StrView *texts = ARENA_ARRAY(arena, StrView, TEXTS), *looks = ARENA_ARRAY(arena, StrView, LOOKS);
    uint32_t *code_of = ARENA_ARRAY(arena, uint32_t, TEXTS), *picks = ARENA_ARRAY(arena, uint32_t, LOOKS);
    uint16_t *codes = ARENA_ARRAY(arena, uint16_t, LOOKS);
    uint32_t n = make_texts(arena, max, texts), next = interner->n;
    memset(code_of, 0xff, sizeof *code_of * TEXTS);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < interner->n; k++)
            if (str_equal(interner->texts[k], texts[i]))
                code_of[i] = k;
    for (uint32_t i = 0; i < LOOKS; i++) {
        picks[i] = random_below(n);
        looks[i] = texts[picks[i]];
    }
    for (uint32_t at = 0; at < LOOKS;) {
        uint32_t block = 1 + random_below(700);
        block = block < LOOKS - at ? block : LOOKS - at;
        assert_true(intern_find(interner, looks + at, block, codes + at));
        at += block;
    }
    for (uint32_t i = 0; i < LOOKS; i++) {
        if (code_of[picks[i]] == UINT32_MAX)
            code_of[picks[i]] = next++;
        assert_int_equal(codes[i], code_of[picks[i]]);
        assert_true(str_equal(interner->texts[codes[i]], looks[i]));
    }
    assert_int_equal(interner->n, next);
}

static void codes_follow_first_appearance(void **state)
{
    (void)state;
    static const uint32_t orders[][3] = {{8, 16, 40}, {40, 8, 16}, {2, 8, 8}, {16, 16, 8}};
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        Arena arena;
        Interner interner;
        arena_init(&arena);
        intern_init(&interner);
        for (size_t k = 0; k < ARRAY_SIZE(orders[i]); k++)
            expect_codes(&interner, &arena, orders[i][k]);
        intern_done(&interner);
        arena_done(&arena);
    }
}

static void nothing_is_the_empty_text(void **state)
{
    (void)state;
    Interner interner;
    uint16_t codes[3];
    intern_init(&interner);
    assert_true(intern_find(&interner, (StrView[]){{NULL, 0}, {"x", 0}, {"x", 1}}, 3, codes));
    assert_int_equal(codes[0], 0);
    assert_int_equal(codes[1], 0);
    assert_int_equal(codes[2], 1);
    intern_done(&interner);
}

/* INTERN_MAX texts are taken, one more is refused; the ones before are still found. */
static void too_many_are_refused(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        Interner interner;
        uint16_t code;
        char text[32];
        intern_init(&interner);
        for (uint32_t i = 0; i < INTERN_MAX; i++) {
            int size = snprintf(text, sizeof text, "%s%u", wide ? "a longer text " : "", i);
            assert_true(intern_find(&interner, &(StrView){text, (uint32_t)size}, 1, &code));
            assert_int_equal(code, i);
        }
        assert_false(intern_find(&interner, &(StrView){"other", 5}, 1, &code));
        int size = snprintf(text, sizeof text, "%s%u", wide ? "a longer text " : "", 4711);
        assert_true(intern_find(&interner, &(StrView){text, (uint32_t)size}, 1, &code));
        assert_int_equal(code, 4711);
        intern_done(&interner);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const char *given = getenv("FREIGHTLAKE_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    srand(seed);
    printf("# seed %u\n", seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_follow_first_appearance),
        cmocka_unit_test(nothing_is_the_empty_text),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
