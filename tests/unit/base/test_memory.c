/* base/memory.c: arenas, buffers with a maximum, budgets. */
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void arena_gives_aligned_memory_that_stays(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    char *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = (i * 977) % 5000;
        blocks[i] = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)blocks[i] % (size >= 64 ? 64 : 16), 0);
        memset(blocks[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++) {
        size_t size = (i * 977) % 5000;
        for (size_t k = 0; k < size; k++)
            assert_int_equal((unsigned char)blocks[i][k], i);
    }
    arena_done(&arena);
}

static void arena_takes_blocks_larger_than_its_own(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    char *large = arena_zalloc(&arena, (size_t)32 << 20);
    assert_int_equal(large[((size_t)32 << 20) - 1], 0);
    assert_string_equal(arena_printf(&arena, "%d of %s", 3, "four"), "3 of four");
    arena_done(&arena);
}

static void arena_reset_keeps_the_largest_block(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    arena_alloc(&arena, 100);
    char *large = arena_alloc(&arena, (size_t)1 << 20);
    arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    char *again = arena_alloc(&arena, (size_t)1 << 20);
    assert_ptr_equal(large, again);
    arena_reset(&arena);
    arena_done(&arena);
    arena_done(&arena);
}

static void arena_copies_end_in_nul(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    char *copy = arena_memdup(&arena, "abcdef", 3);
    assert_string_equal(copy, "abc");
    assert_string_equal(arena_memdup(&arena, NULL, 0), "");
    assert_string_equal(arena_strdup(&arena, "xyz"), "xyz");
    arena_done(&arena);
}

static void buffer_grows_and_prints(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&buffer, "%d,", i % 10);
    assert_int_equal(buffer.size, 2000);
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "ab");
    buffer_append_byte(&buffer, 'c');
    buffer_append(&buffer, NULL, 0);
    assert_string_equal(buffer_text(&buffer), "abc");
    buffer_done(&buffer);
}

static void buffer_stops_at_its_maximum(void **state)
{
    (void)state;
    Buffer buffer;
    Error err;
    error_init(&err);
    buffer_init(&buffer, 10);
    buffer_append_text(&buffer, "0123456789");
    assert_int_equal(buffer_check(&buffer, "the answer", &err), STATUS_OK);
    buffer_append_byte(&buffer, 'x');
    buffer_append_text(&buffer, "");
    assert_int_equal(buffer_check(&buffer, "the answer", &err), STATUS_MEMORY);
    assert_non_null(strstr(err.message, "the answer"));
    assert_string_equal(buffer_text(&buffer), "0123456789");
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    buffer_clear(&buffer);
    assert_int_equal(buffer_check(&buffer, "the answer", &err), STATUS_OK);
    buffer_done(&buffer);
}

static void budget_holds_its_limit(void **state)
{
    (void)state;
    MemoryBudget budget;
    Error err;
    error_init(&err);
    budget_init(&budget, 1000);
    assert_int_equal(budget_reserve(&budget, 600, "sort", &err), STATUS_OK);
    assert_int_equal(budget_reserve(&budget, 401, "sort", &err), STATUS_MEMORY);
    assert_non_null(strstr(err.hint, "--memory-limit"));
    assert_int_equal(budget_reserve(&budget, SIZE_MAX - 300, "sort", &err), STATUS_MEMORY);
    assert_int_equal(budget_reserve(&budget, 400, "sort", &err), STATUS_OK);
    budget_release(&budget, 1000);
    assert_int_equal(budget.used, 0);
    assert_int_equal(budget.peak, 1000);
    budget_init(&budget, 0);
    assert_int_equal(budget_reserve(&budget, (size_t)1 << 40, "anything", &err), STATUS_OK);
}

static void mapped_memory_is_zero_and_aligned(void **state)
{
    (void)state;
    size_t size = (size_t)5 << 20;
    char *memory = mem_map(size);
    assert_int_equal((uintptr_t)memory % ((size_t)2 << 20), 0);
    for (size_t i = 0; i < size; i += 4096)
        assert_int_equal(memory[i], 0);
    memory[size - 1] = 1;
    mem_unmap(memory, size);
    mem_unmap(NULL, size);
    assert_true(process_peak_memory_bytes() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_aligned_memory_that_stays),
        cmocka_unit_test(arena_takes_blocks_larger_than_its_own),
        cmocka_unit_test(arena_reset_keeps_the_largest_block),
        cmocka_unit_test(arena_copies_end_in_nul),
        cmocka_unit_test(buffer_grows_and_prints),
        cmocka_unit_test(buffer_stops_at_its_maximum),
        cmocka_unit_test(budget_holds_its_limit),
        cmocka_unit_test(mapped_memory_is_zero_and_aligned),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
