/* src/generate/original.c: every distribution of the reference data, by chi-square or bounds; SwiftShip's promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "base/clock.h"
#include "generate/model.h"

#define ROWS 400000u
#define SEED 11

static Arena arena;
static const Model *model;
static Block *block;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    GenerateOptions options;
    generate_options_init(&options);
    options.seed = SEED;
    model = model_original(&options, &arena);
    block = ARENA_NEW(&arena, Block);
    print_message("# seed %d\n", SEED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static int column(const char *name)
{
    int found = schema_find(&model->schema, name);
    assert_true(found >= 0);
    return found;
}

static void fill(uint64_t first_row)
{
    block->first_row = first_row;
    block->n = BLOCK_ROWS;
    model->fill(model, block);
}

/* How far chi-square lies from its mean, in standard deviations; close to normal for the many degrees here. */
static double chi_square_deviation(const uint32_t *counts, const double *shares, uint32_t n, double total)
{
    double chi_square = 0;
    for (uint32_t i = 0; i < n; i++) {
        double expected = shares[i] * total;
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    return (chi_square - (n - 1)) / sqrt(2.0 * (n - 1));
}

/* Checks the first n values of a column against `shares` (NULL: uniform). */
static void expect_shares(const char *name, uint32_t n, const double *shares)
{
    int c = column(name);
    uint32_t *counts = ARENA_ARRAY(&arena, uint32_t, n);
    double *uniform = ARENA_ARRAY(&arena, double, n);
    for (uint32_t i = 0; i < n; i++)
        uniform[i] = 1.0 / n;
    double total = 0;
    for (uint64_t row = 0; row + BLOCK_ROWS <= ROWS; row += BLOCK_ROWS) {
        fill(row);
        for (uint32_t i = 0; i < block->n; i++) {
            assert_true(block->ordinals[c][i] < n);
            counts[block->ordinals[c][i]]++;
        }
        total += block->n;
    }
    double deviation = chi_square_deviation(counts, shares ? shares : uniform, n, total);
    print_message("# %s: chi-square %.2f standard deviations from its mean\n", name, deviation);
    assert_true(fabs(deviation) < 6);
}

static void test_uniform_columns(void **state)
{
    (void)state;
    expect_shares("shipment_id", 99000, NULL);
    expect_shares("origin_warehouse", 4, NULL);
    expect_shares("destination_city", 8, NULL);
    expect_shares("carrier", 7, NULL);
    expect_shares("shipment_date", 191, NULL);
}

static void test_rounded_columns(void **state)
{
    (void)state;
    double shares[491];
    for (int i = 0; i < 491; i++)
        shares[i] = (i == 0 || i == 490 ? 0.5 : 1.0) / 490;
    expect_shares("shipment_weight_kg", 491, shares);
    for (int i = 0; i < 91; i++)
        shares[i] = (i == 0 || i == 90 ? 0.5 : 1.0) / 90;
    expect_shares("shipment_volume_m3", 91, shares);
    const Domain *weights = model->domains[column("shipment_weight_kg")];
    assert_true(((const double *)weights->entries.data)[0] == 1.0);
    assert_true(((const double *)weights->entries.data)[133] == 14.3);
    assert_true(((const double *)weights->entries.data)[490] == 50.0);
}

static void test_delay_weights_and_status(void **state)
{
    (void)state;
    const double weights[] = {0.70, 0.15, 0.10, 0.05};
    expect_shares("delay_days", 4, weights);
    int delay = column("delay_days"), status = column("delivery_status");
    fill(0);
    for (uint32_t i = 0; i < block->n; i++)
        assert_int_equal(block->ordinals[status][i], block->ordinals[delay][i] > 0);
}

static void test_transit_days(void **state)
{
    (void)state;
    int shipped = column("shipment_date"), delivered = column("delivery_date"), delay = column("delay_days");
    uint32_t counts[7] = {0};
    double total = 0;
    for (uint64_t row = 0; row + BLOCK_ROWS <= ROWS; row += BLOCK_ROWS) {
        fill(row);
        for (uint32_t i = 0; i < block->n; i++) {
            uint32_t transit = block->ordinals[delivered][i] - model->bad.delivery_same_day -
                               block->ordinals[shipped][i] - block->ordinals[delay][i];
            assert_in_range(transit, 1, 7);
            counts[transit - 1]++;
        }
        total += block->n;
    }
    const double shares[] = {1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0};
    assert_true(fabs(chi_square_deviation(counts, shares, 7, total)) < 6);
    const StrView *shipped_texts = model->domains[shipped]->entries.data;
    const StrView *delivered_texts = model->domains[delivered]->entries.data;
    assert_true(str_equal(shipped_texts[190], str_view("2025-06-30")));
    assert_true(str_equal(shipped_texts[0], delivered_texts[model->bad.delivery_same_day]));
}

static uint32_t fixed_km(uint32_t origin, uint32_t city)
{
    static const struct {
        uint32_t origin, city, km;
    } lanes[] = {{0, 0, 3940}, {1, 1, 1770}, {2, 2, 4800}, {3, 3, 3300},
                 {0, 4, 310},  {1, 5, 1030}, {2, 6, 3500}, {3, 7, 1370}};
    for (size_t i = 0; i < ARRAY_SIZE(lanes); i++)
        if (lanes[i].origin == origin && lanes[i].city == city)
            return lanes[i].km;
    return 0;
}

static void test_distance_and_cost(void **state)
{
    (void)state;
    int origin = column("origin_warehouse"), city = column("destination_city"), km = column("route_distance_km");
    int weight = column("shipment_weight_kg"), cost = column("shipping_cost");
    const int64_t *kilometres = model->domains[km]->entries.data;
    const double *weights = model->domains[weight]->entries.data;
    const double *costs = model->domains[cost]->entries.data;
    uint32_t *counts = ARENA_ARRAY(&arena, uint32_t, 4501);
    double drawn = 0, sum = 0, rows = 0;
    uint32_t tenths[10] = {0};
    for (uint64_t row = 0; row + BLOCK_ROWS <= ROWS; row += BLOCK_ROWS) {
        fill(row);
        for (uint32_t i = 0; i < block->n; i++) {
            int64_t distance = kilometres[block->ordinals[km][i]];
            uint32_t fixed = fixed_km(block->ordinals[origin][i], block->ordinals[city][i]);
            double base =
                costs[block->ordinals[cost][i]] - 0.5 * weights[block->ordinals[weight][i]] - 0.01 * (double)distance;
            assert_true(base > 9.99499 && base < 30.00501);
            tenths[base < 10 ? 0 : base >= 30 ? 9 : (int)((base - 10) / 2)]++;
            sum += base;
            rows++;
            if (fixed) {
                assert_int_equal(distance, fixed);
            } else {
                assert_in_range(distance, 500, 5000);
                counts[distance - 500]++;
                drawn++;
            }
        }
    }
    double *shares = ARENA_ARRAY(&arena, double, 4501);
    for (int i = 0; i < 4501; i++)
        shares[i] = 1.0 / 4501;
    assert_true(fabs(chi_square_deviation(counts, shares, 4501, drawn)) < 6);
    for (int i = 0; i < 10; i++)
        shares[i] = 0.1;
    assert_true(fabs(chi_square_deviation(tenths, shares, 10, rows)) < 6);
    assert_true(fabs(sum / rows - 20) < 6 * 5.7735 / sqrt(rows)); /* standard deviation of uniform(10, 30) */
}

static void test_swiftship_is_as_late_as_known(void **state)
{
    (void)state;
    Arena job;
    arena_init(&job);
    GenerateOptions options;
    generate_options_init(&options);
    options.seed = SEED;
    const Model *ship = model_swiftship(&options, &job);
    int delay = schema_find(&ship->schema, "delay_days"), delivery = schema_find(&ship->schema, "delivery_date");
    int shipped = schema_find(&ship->schema, "shipment_date"), status = schema_find(&ship->schema, "delivery_status");
    double arrived = 0, late = 0, under_way = 0, rows = 0;
    for (uint64_t row = 0; row + BLOCK_ROWS <= ROWS; row += BLOCK_ROWS) {
        *block = (Block){.first_row = row, .n = BLOCK_ROWS};
        ship->fill(ship, block);
        for (uint32_t i = 0; i < block->n; i++, rows++) {
            bool has_arrived = ship->domains[delivery]->entries.valid[block->ordinals[delivery][i]];
            assert_int_equal(has_arrived, ship->domains[delay]->entries.valid[block->ordinals[delay][i]]);
            assert_int_equal(has_arrived, block->ordinals[status][i] <= 1);
            under_way += block->ordinals[status][i] == 2;
            if (!has_arrived)
                continue;
            assert_true(block->ordinals[delivery][i] > block->ordinals[shipped][i] + ship->bad.delivery_same_day);
            arrived++;
            late += block->ordinals[delay][i] >= 2;
        }
    }
    print_message("# two or more days late: %.4f\n", late / arrived);
    assert_true(late / arrived > 0.29 && late / arrived < 0.31);
    assert_true(under_way / rows > 0.005 && under_way / rows < 0.05);
    arena_done(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform_columns),          cmocka_unit_test(test_rounded_columns),
        cmocka_unit_test(test_delay_weights_and_status), cmocka_unit_test(test_transit_days),
        cmocka_unit_test(test_distance_and_cost),        cmocka_unit_test(test_swiftship_is_as_late_as_known),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("original", tests, set_up, tear_down);
}
