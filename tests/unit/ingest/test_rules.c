/* Client rules over batches of shipments: bounds, allowed values, expressions, NULLs, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/rules.h"

#define ROWS 4

static Batch shipments(Arena *arena)
{
    static const double weights[ROWS] = {1, 50, 500, 0};
    static const char *const carriers[ROWS] = {"UPS", "DHL", "Ups", "FedEx"};
    Batch batch = {ROWS, SHIPMENT_COLUMN_COUNT, ARENA_ARRAY(arena, Vector, SHIPMENT_COLUMN_COUNT)};
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        Value none = {.type = shipment_column(id)->type};
        batch.columns[id] = vector_const(arena, &none, ROWS);
    }
    Vector *weight = &batch.columns[SHIPMENT_COLUMN_WEIGHT_KG], *carrier = &batch.columns[SHIPMENT_COLUMN_CARRIER];
    *weight = vector_new(arena, DATA_TYPE(DOUBLE), ROWS, true);
    *carrier = vector_new(arena, DATA_TYPE(STRING), ROWS, false);
    for (uint32_t r = 0; r < ROWS; r++) {
        ((double *)weight->data)[r] = weights[r];
        ((StrView *)carrier->data)[r] = str_view(carriers[r]);
    }
    weight->valid[3] = 0;
    return batch;
}

/* The rows that break a rule as text: "2 1". */
static const char *broken_rows(const MappingRule *rule, char *text, char *message)
{
    Arena arena;
    Error err;
    RuleSet *rules;
    RuleBreak *breaks;
    uint32_t n;
    arena_init(&arena);
    error_init(&err);
    Mapping mapping = {.client = "emart", .file = "emart.yaml", .rules = rule, .n_rules = 1};
    if (rules_new(&mapping, &arena, &rules, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    Batch batch = shipments(&arena);
    text[0] = message[0] = '\0';
    for (int again = 0; again < 2; again++) {
        rules_check(rules, &batch, &arena, &breaks, &n);
        size_t at = 0;
        for (uint32_t i = 0; i < n; i++)
            at += (size_t)sprintf(text + at, "%u ", breaks[i].row);
        if (n)
            strcpy(message, breaks[0].message);
    }
    arena_done(&arena);
    return text;
}

static void test_rules(void **state)
{
    (void)state;
    static const StrView allowed[] = {{"UPS", 3}, {"DHL", 3}};
    char rows[64], message[400];
    MappingRule rule = {.code = "heavy", .column = SHIPMENT_COLUMN_WEIGHT_KG, .minimum = "2", .maximum = "100"};
    assert_string_equal(broken_rows(&rule, rows, message), "0 2 ");
    assert_string_equal(message, "shipment_weight_kg is 1.0, below 2");
    rule = (MappingRule){.code = "x", .column = SHIPMENT_COLUMN_CARRIER, .allowed = allowed, .n_allowed = 2};
    assert_string_equal(broken_rows(&rule, rows, message), "2 3 ");
    assert_string_equal(message, "carrier is 'Ups', which is not allowed");
    rule =
        (MappingRule){.code = "x", .column = SHIPMENT_COLUMN_COUNT, .expression = "shipment_weight_kg < 100 -- light"};
    assert_string_equal(broken_rows(&rule, rows, message), "2 ");
    assert_non_null(strstr(message, "does not hold"));
    rule.message = "too heavy";
    assert_string_equal(broken_rows(&rule, rows, message), "2 ");
    assert_string_equal(message, "too heavy");
    rule.expression = "shipment_date > DATE '2025-01-01'";
    assert_string_equal(broken_rows(&rule, rows, message), "");
    rule.expression = "carrier <> 'FedEx' OR shipment_weight_kg IS NOT NULL";
    assert_string_equal(broken_rows(&rule, rows, message), "3 ");
}

static void test_refusals(void **state)
{
    (void)state;
    static const StrView allowed[] = {{"1", 1}};
    static const MappingRule cases[] = {
        {.column = SHIPMENT_COLUMN_WEIGHT_KG, .minimum = "light", .line = 7},
        {.column = SHIPMENT_COLUMN_SHIPMENT_DATE, .maximum = "2025-02-30", .line = 7},
        {.column = SHIPMENT_COLUMN_DELAY_DAYS, .maximum = "99999999999", .line = 7},
        {.column = SHIPMENT_COLUMN_WEIGHT_KG, .allowed = allowed, .n_allowed = 1, .line = 7},
        {.expression = "shipment_weight_kg", .line = 7},
        {.expression = "wieght > 1", .line = 7},
        {.expression = "count(*) > 1", .line = 7},
        {.expression = "shipment_weight_kg >", .line = 7},
        {.expression = "true) AS rule FROM shipments WHERE (true", .line = 7},
        {.expression = "", .line = 7},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Arena arena;
        Error err;
        RuleSet *rules;
        arena_init(&arena);
        error_init(&err);
        Mapping mapping = {.client = "emart", .file = "emart.yaml", .rules = &cases[i], .n_rules = 1};
        if (rules_new(&mapping, &arena, &rules, &err) != STATUS_CONFIG || err.row != 7)
            fail_msg("case %zu: %s", i, err.message);
        assert_string_equal(err.file, "emart.yaml");
        arena_done(&arena);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
