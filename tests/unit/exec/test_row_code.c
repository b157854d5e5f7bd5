/* exec/row_code.c and sort_runs.c: codes compare as the values do, and the values come back; merged runs equal qsort, in one
 * pass and in several. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exec/compare.h"
#include "exec/row_code.h"
#include "exec/sort_runs.h"
#include "random.h"

#define N 300

static const DataType TYPES[] = {{TYPE_NULLTYPE, 0, 0},  {TYPE_BOOLEAN, 0, 0},   {TYPE_INT, 0, 0},
                                 {TYPE_BIGINT, 0, 0},    {TYPE_FLOAT, 0, 0},     {TYPE_DOUBLE, 0, 0},
                                 {TYPE_DATE, 0, 0},      {TYPE_TIMESTAMP, 0, 0}, {TYPE_DECIMAL, 12, 2},
                                 {TYPE_DECIMAL, 38, 10}, {TYPE_STRING, 0, 0},    {TYPE_BINARY, 0, 0}};

static double random_double(void)
{
    static const double special[] = {-INFINITY, INFINITY, NAN, 0, -1, 1, -1e300, 1e300, 5e-324};
    return next_random() % 2 ? special[next_random() % ARRAY_SIZE(special)] : (double)(int64_t)next_random() / 1e6;
}

static StrView random_text(Arena *arena)
{
    uint32_t size = (uint32_t)(next_random() % 6);
    char *text = arena_alloc(arena, size + 1);
    static const char bytes[] = {0, 1, 'a', 'b', (char)0xc3, (char)0xfe, (char)0xff};
    for (uint32_t i = 0; i < size; i++)
        text[i] = bytes[next_random() % ARRAY_SIZE(bytes)];
    return (StrView){text, size};
}

static Vector random_vector(DataType type, Arena *arena)
{
    Vector vector = vector_new(arena, type, N, true);
    for (uint32_t i = 0; i < N; i++) {
        vector.valid[i] = type.id != TYPE_NULLTYPE && next_random() % 5 != 0;
        Int128 number = (Int128)(int64_t)next_random() >> (next_random() % 60);
        if (type.id == TYPE_STRING || type.id == TYPE_BINARY)
            ((StrView *)vector.data)[i] = random_text(arena);
        else if (type.id == TYPE_DOUBLE)
            ((double *)vector.data)[i] = random_double();
        else if (type.id == TYPE_FLOAT)
            ((float *)vector.data)[i] = (float)random_double();
        else if (type_is_wide_decimal(type))
            ((Int128 *)vector.data)[i] = number * 1234567890123456789;
        else if (type.id == TYPE_BOOLEAN)
            ((uint8_t *)vector.data)[i] = next_random() & 1;
        else if (type_width(type) == 4)
            ((int32_t *)vector.data)[i] = (int32_t)number;
        else if (type_width(type) == 8)
            ((int64_t *)vector.data)[i] = (int64_t)number;
    }
    return vector;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static int compare_codes(const Buffer *a, const Buffer *b)
{
    int order = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);
    return sign(order ? order : (a->size > b->size) - (a->size < b->size));
}

/* Two columns, so that one that begins the other is seen. */
static void check_order(const RowCodeKey *keys, const Vector *vectors, Arena *arena)
{
    static Buffer codes[N];
    for (uint32_t i = 0; i < N; i++) {
        buffer_init(&codes[i], 0);
        for (uint32_t k = 0; k < 2; k++)
            row_code_append(&codes[i], &keys[k], &vectors[k], i);
    }
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t j = 0; j < N; j++) {
            int wanted = 0;
            for (uint32_t k = 0; k < 2 && !wanted; k++)
                wanted = compare_rows(&vectors[k], i, &vectors[k], j, keys[k].descending, keys[k].nulls_first);
            assert_int_equal(compare_codes(&codes[i], &codes[j]), sign(wanted));
        }
    for (uint32_t k = 0; k < 2; k++) {
        Vector back = vector_new(arena, keys[k].type, N, true);
        for (uint32_t i = 0; i < N; i++) {
            const uint8_t *at = k ? row_code_skip(&keys[0], codes[i].data) : codes[i].data;
            const uint8_t *end = row_code_read(&keys[k], at, &back, i, arena);
            assert_ptr_equal(end, row_code_skip(&keys[k], at));
            assert_int_equal(compare_rows(&vectors[k], i, &back, i, false, true), 0);
        }
    }
    for (uint32_t i = 0; i < N; i++)
        buffer_done(&codes[i]);
}

static void codes_compare_as_values_do(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    for (size_t t = 0; t < ARRAY_SIZE(TYPES); t++)
        for (size_t u = 0; u < ARRAY_SIZE(TYPES); u++)
            for (int form = 0; form < 4; form++) {
                arena_reset(&arena);
                RowCodeKey keys[2] = {{0, TYPES[t], form & 1, form & 2}, {1, TYPES[u], form & 2, form & 1}};
                Vector vectors[2] = {random_vector(TYPES[t], &arena), random_vector(TYPES[u], &arena)};
                check_order(keys, vectors, &arena);
            }
    arena_done(&arena);
}

static int compare_numbers(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(uint64_t));
}

static void check_merge(uint32_t n_runs, uint32_t rows)
{
    SpillSpace space;
    SortRunWriter writer;
    SortMerge *merge;
    Error err;
    error_init(&err);
    spill_space_init(&space, "/tmp", 0);
    sort_run_writer_init(&writer, &space);
    uint64_t *all = mem_alloc(sizeof *all * n_runs * rows + 1);
    for (uint32_t r = 0; r < n_runs; r++) {
        uint64_t *run = all + (size_t)r * rows;
        for (uint32_t i = 0; i < rows; i++)
            run[i] = next_random() % 1000 ? next_random() : 7;
        qsort(run, rows, sizeof *run, compare_numbers);
        assert_int_equal(sort_run_begin(&writer, &err), STATUS_OK);
        for (uint32_t i = 0; i < rows; i++)
            assert_int_equal(sort_run_put(&writer, &run[i], sizeof *run, &err), STATUS_OK);
        assert_int_equal(sort_run_end(&writer, &err), STATUS_OK);
    }
    qsort(all, (size_t)n_runs * rows, sizeof *all, compare_numbers);
    assert_int_equal(sort_merge_new(writer.runs, writer.n_runs, &space, 0, &merge, &err), STATUS_OK);
    const uint8_t *row;
    uint32_t size;
    for (size_t i = 0; i < (size_t)n_runs * rows; i++) {
        assert_int_equal(sort_merge_next(merge, &row, &size, &err), STATUS_OK);
        assert_non_null(row);
        assert_int_equal(size, sizeof *all);
        assert_memory_equal(row, &all[i], sizeof *all);
    }
    assert_int_equal(sort_merge_next(merge, &row, &size, &err), STATUS_OK);
    assert_null(row);
    sort_merge_free(merge);
    sort_run_writer_done(&writer);
    assert_int_equal(atomic_load(&space.used), 0);
    mem_free(all);
}

static void merged_runs_equal_qsort(void **unused)
{
    (void)unused;
    check_merge(0, 0);
    check_merge(1, 5000);
    check_merge(7, 20000);
    check_merge(500, 300); /* more than the buffers are for: several passes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_compare_as_values_do),
        cmocka_unit_test(merged_runs_equal_qsort),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
