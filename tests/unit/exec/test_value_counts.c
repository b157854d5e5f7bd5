/* exec/value_counts.c: against a plain table of counts, in arrays and beyond them, over dictionaries and flat values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exec/value_counts.h"
#include "random.h"

#define CHUNK 500

/* Rows of groups [0, n_groups) with values [0, n_values), each a double of its own. */
typedef struct Model {
    uint32_t n_groups, n_values;
    int64_t *rows; /* [group * n_values + value] */
    uint64_t n_pairs;
} Model;

static Model model_new(uint32_t n_groups, uint32_t n_values)
{
    return (Model){n_groups, n_values, mem_zalloc(sizeof(int64_t) * n_groups * n_values), 0};
}

static double value_of(uint32_t number)
{
    return number * 0.25 - 3;
}

static uint32_t number_of(double value)
{
    return (uint32_t)((value + 3) * 4);
}

/* The values of a chunk in one of the vectors' forms; valid[i] == 0 where a row is NULL. */
static Vector make_vector(Arena *arena, const uint32_t *numbers, const uint8_t *valid, int form)
{
    Vector flat = vector_new(arena, DATA_TYPE(DOUBLE), CHUNK, true);
    for (uint32_t i = 0; i < CHUNK; i++) {
        ((double *)flat.data)[i] = value_of(numbers[i]);
        flat.valid[i] = valid[i];
    }
    if (form == VECTOR_FLAT)
        return flat;
    /* entries in an order of their own, some twice */
    Vector *entries = ARENA_NEW(arena, Vector);
    *entries = flat;
    uint16_t *codes = ARENA_ARRAY(arena, uint16_t, CHUNK);
    for (uint32_t i = 0; i < CHUNK; i++) {
        codes[i] = (uint16_t)i;
        for (uint32_t k = 0; k < i && next_random() % 2; k++)
            if (numbers[k] == numbers[i] && valid[k] == valid[i])
                codes[i] = (uint16_t)k;
    }
    return (Vector){
        .type = flat.type, .kind = VECTOR_DICT, .code_width = 2, .n = CHUNK, .data = codes, .dict = entries};
}

static void add_chunk(ValueCounts *counts, Model *model, uint64_t generation, Arena *arena)
{
    uint32_t numbers[CHUNK], groups[CHUNK];
    uint8_t valid[CHUNK], mask[CHUNK], first[CHUNK];
    int64_t weights[CHUNK];
    bool masked = next_random() % 2, weighted = next_random() % 2;
    for (uint32_t i = 0; i < CHUNK; i++) {
        numbers[i] = (uint32_t)(next_random() % model->n_values);
        groups[i] = (uint32_t)(next_random() % model->n_groups);
        valid[i] = next_random() % 10 != 0;
        mask[i] = next_random() % 3 != 0;
        weights[i] = next_random() % 50 ? 1 + (int64_t)(next_random() % 9) : (int64_t)UINT32_MAX - 5;
    }
    Vector values = make_vector(arena, numbers, valid, next_random() % 2 ? VECTOR_DICT : VECTOR_FLAT);
    CountedRows rows = {.values = &values,
                        .mask = masked ? mask : NULL,
                        .groups = groups,
                        .weights = weighted ? weights : NULL,
                        .generation = generation,
                        .n = CHUNK};
    value_counts_add(counts, &rows, arena, first);
    for (uint32_t i = 0; i < CHUNK; i++) {
        bool taken = valid[i] && (!masked || mask[i]);
        int64_t *cell = &model->rows[groups[i] * model->n_values + numbers[i]];
        assert_int_equal(first[i], taken && *cell == 0);
        model->n_pairs += taken && *cell == 0;
        *cell += taken ? (weighted ? weights[i] : 1) : 0;
    }
}

static void assert_is_model(const ValueCounts *counts, const Model *model, Arena *arena)
{
    ValuePair pairs[7];
    Vector values = value_counts_values(counts, arena);
    uint64_t at = 0, n_pairs = 0;
    for (uint32_t n; (n = value_counts_pairs(counts, &at, pairs, 7)) > 0;)
        for (uint32_t i = 0; i < n; i++, n_pairs++) {
            uint32_t number = number_of(((const double *)values.data)[pairs[i].value]);
            assert_int_equal(pairs[i].rows, model->rows[pairs[i].group * model->n_values + number]);
        }
    assert_int_equal(n_pairs, model->n_pairs);
    assert_int_equal(value_counts_size(counts), model->n_pairs);
}

typedef struct Expected {
    Model *model;
    const uint32_t *groups;
    Vector values;
} Expected;

/* Each pair given is new in the model, which takes it. */
static void take_added(void *context, const ValuePair *pairs, uint32_t n)
{
    Expected *expected = context;
    assert_true(n <= VALUE_COUNTS_MERGE_PAIRS);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = number_of(((const double *)expected->values.data)[pairs[i].value]);
        int64_t *cell = &expected->model->rows[pairs[i].group * expected->model->n_values + number];
        assert_int_equal(*cell, 0);
        *cell = -1; /* seen; the sums are compared afterwards */
    }
}

static void run_case(uint32_t n_groups, uint32_t n_values, uint32_t n_chunks)
{
    Arena arena, batch_arena;
    arena_init(&arena);
    arena_init(&batch_arena);
    ValueCounts *counts[2];
    Model models[2];
    for (int s = 0; s < 2; s++) {
        counts[s] = value_counts_new(DATA_TYPE(DOUBLE), &arena);
        models[s] = model_new(n_groups, n_values);
        for (uint32_t i = 0; i < n_chunks; i++) {
            arena_reset(&batch_arena);
            add_chunk(counts[s], &models[s], i, &batch_arena);
        }
        assert_is_model(counts[s], &models[s], &batch_arena);
    }
    /* group g of the second is group n_groups - 1 - g of the first */
    uint32_t *groups = ARENA_ARRAY(&batch_arena, uint32_t, n_groups);
    Model both = model_new(n_groups, n_values), news = model_new(n_groups, n_values);
    for (uint32_t g = 0; g < n_groups; g++) {
        groups[g] = n_groups - 1 - g;
        for (uint32_t v = 0; v < n_values; v++) {
            int64_t *cell = &both.rows[groups[g] * n_values + v], from = models[1].rows[g * n_values + v];
            *cell = models[0].rows[groups[g] * n_values + v] + from;
            both.n_pairs += *cell != 0;
            news.rows[groups[g] * n_values + v] = models[0].rows[groups[g] * n_values + v];
        }
    }
    Expected expected = {&news, groups, value_counts_values(counts[1], &batch_arena)};
    value_counts_merge(counts[0], counts[1], groups, &batch_arena, take_added, &expected);
    assert_is_model(counts[0], &both, &batch_arena);
    for (size_t i = 0; i < (size_t)n_groups * n_values; i++)
        assert_int_equal(news.rows[i] != 0, both.rows[i] != 0);
    for (int s = 0; s < 2; s++)
        mem_free(models[s].rows);
    mem_free(both.rows);
    mem_free(news.rows);
    arena_done(&arena);
    arena_done(&batch_arena);
}

static void few_values_of_few_groups(void **unused)
{
    (void)unused;
    run_case(1, 1, 3);
    run_case(5, 40, 40);
    run_case(200, 300, 40);
}

/* Thousands of groups that have a few of thousands of values: arrays would be nearly empty. */
static void many_values_of_many_groups(void **unused)
{
    (void)unused;
    run_case(3000, 4000, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(few_values_of_few_groups),
                                       cmocka_unit_test(many_values_of_many_groups)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
