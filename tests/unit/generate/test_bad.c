/* src/generate/bad.c: exactly as many bad rows as asked for, each bad in its own way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "generate/bad.h"

static void expect_counts(uint64_t rows, double share, uint64_t seed)
{
    GenerateOptions options;
    generate_options_init(&options);
    options.rows = rows;
    options.seed = seed;
    options.format = GENERATE_CSV;
    options.unique_ids = true;
    Error err;
    error_init(&err);
    assert_int_equal(generate_bad_rows(&options, share, &err), STATUS_OK);
    BadRows bad;
    bad_rows_init(&bad, &options);
    uint64_t counts[GENERATE_BAD_COUNT + 1] = {0};
    for (uint64_t row = 0; row < rows; row++)
        counts[bad_rows_kind(&bad, row)]++;
    uint64_t total = 0;
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++) {
        double wanted = (double)rows * options.bad_share[kind];
        assert_true((double)counts[kind] > wanted - 1.01 && (double)counts[kind] < wanted + 1.01);
        total += counts[kind];
    }
    assert_int_equal(total, (uint64_t)((double)rows * share + 0.5));
}

static void test_exact_counts(void **state)
{
    (void)state;
    for (uint64_t rows = 0; rows < 40; rows++)
        expect_counts(rows, 0.5, rows);
    expect_counts(100000, 0.01, 1);
    expect_counts(65536, 0.5, 2);
    expect_counts(65537, 0.1, 3);
}

/* The rows of a small run, made and spoiled; returns the counts. */
static void make_rows(GenerateOptions *options, Arena *arena, const Model **ret_model, Block *block,
                      uint64_t counts[GENERATE_BAD_COUNT])
{
    *ret_model = model_original(options, arena);
    BadRows bad;
    bad_rows_init(&bad, options);
    block->first_row = 0;
    block->n = (uint32_t)options->rows;
    (*ret_model)->fill(*ret_model, block);
    bad_rows_apply(&bad, *ret_model, block, counts);
}

static void test_each_kind_shows(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    Block *block = ARENA_NEW(&arena, Block);
    GenerateOptions options;
    generate_options_init(&options);
    options.rows = BLOCK_ROWS;
    options.format = GENERATE_CSV;
    options.unique_ids = true;
    Error err;
    error_init(&err);
    assert_int_equal(generate_bad_rows(&options, 0.5, &err), STATUS_OK);
    const Model *model;
    uint64_t counts[GENERATE_BAD_COUNT] = {0};
    make_rows(&options, &arena, &model, block, counts);
    const BadPlaces *bad = &model->bad;
    uint64_t missing = 0, text = 0, impossible = 0, negative = 0, early = 0, status = 0, carrier = 0, city = 0;
    uint64_t shapes = 0, repeated = 0;
    uint8_t *seen = arena_zalloc(&arena, BLOCK_ROWS + 1);
    for (uint32_t i = 0; i < block->n; i++) {
        uint32_t weight = block->ordinals[bad->weight_column][i];
        uint32_t shipped = block->ordinals[bad->shipment_date_column][i];
        missing += block->serials[i] == 0;
        for (int j = 1; j < 3; j++)
            missing += block->ordinals[bad->required[j]][i] == bad->required_null[j];
        text += weight == bad->weight_text;
        negative += weight >= bad->weight_negative && weight < bad->weight_text;
        impossible += shipped >= bad->impossible_date;
        early += shipped < bad->impossible_date &&
                 block->ordinals[bad->delivery_date_column][i] < shipped + bad->delivery_same_day;
        status += block->ordinals[bad->status_column][i] == bad->unknown_status;
        carrier += block->ordinals[bad->carrier_column][i] == bad->control_carrier;
        city += block->ordinals[bad->destination_column][i] == bad->long_destination;
        shapes += block->shapes[i] != LINE_WHOLE;
        repeated += block->serials[i] > 0 && seen[block->serials[i]]++ > 0;
    }
    const uint64_t found[GENERATE_BAD_COUNT] = {missing, text,    impossible, negative, early,
                                                status,  carrier, city,       shapes,   repeated};
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++)
        assert_int_equal(found[kind], counts[kind]);
    arena_done(&arena);
}

static void test_no_bad_rows(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    Block *block = ARENA_NEW(&arena, Block);
    GenerateOptions options;
    generate_options_init(&options);
    options.rows = 100;
    const Model *model;
    uint64_t counts[GENERATE_BAD_COUNT] = {0};
    make_rows(&options, &arena, &model, block, counts);
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++)
        assert_int_equal(counts[kind], 0);
    assert_false(block->has_shapes);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_counts),
        cmocka_unit_test(test_each_kind_shows),
        cmocka_unit_test(test_no_bad_rows),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("bad", tests, NULL, NULL);
}
