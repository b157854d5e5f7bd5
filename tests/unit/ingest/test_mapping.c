/* Mappings: what a file says is what is meant, and everything that cannot be meant is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/mapping.h"

#define REQUIRED                                                                                                       \
    "columns:\n  shipment_id: ID\n  origin_warehouse: From\n  destination_city: To\n  delivery_date: Arrived\n"

static Status parse(const char *text, Arena *arena, Mapping **mapping, Error *err)
{
    error_init(err);
    return mapping_parse("clients/emart.yaml", str_view(text), arena, mapping, err);
}

static void test_least(void **state)
{
    (void)state;
    Arena arena;
    Mapping *mapping;
    Error err;
    arena_init(&arena);
    assert_int_equal(parse(REQUIRED, &arena, &mapping, &err), STATUS_OK);
    assert_string_equal(mapping->client, "emart");
    assert_int_equal(mapping->input, INPUT_CSV);
    assert_int_equal(mapping->format.delimiter, ',');
    assert_int_equal(mapping->format.quote, '"');
    assert_true(mapping->format.header);
    assert_true(mapping->max_rejected_share < 0);
    assert_int_equal(mapping->duplicates, DUPLICATES_KEEP);
    assert_string_equal(mapping->columns[SHIPMENT_COLUMN_ID].source, "ID");
    assert_null(mapping->columns[SHIPMENT_COLUMN_CARRIER].source);
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_DELIVERY_DATE].n_forms, 1);
    assert_int_equal(strlen(mapping->hash), MAPPING_HASH_CHARACTERS);
    arena_done(&arena);
}

static void test_everything(void **state)
{
    (void)state;
    static const char text[] =
        "client: emart\ninput: csv\nformat: {encoding: windows-1252, delimiter: tab, quote: none, header: "
        "false, trailing_delimiter: true, skip_lines: 2}\nzone: +02:00\nduplicates: latest\nmax_rejected_share: "
        "0.25\nnulls: "
        "[N/A]\n" REQUIRED "  shipment_weight_kg: {from: W, unit: lb, decimal: ',', thousands: '.', nulls: ['-'], "
        "null_patterns: ['See *']}\n"
        "  transport_mode: {from: M, values: {Truck: Road, x: ~}, others: reject}\n"
        "  promised_delivery_date: {from: P, dates: [dd.MM.yyyy, yyyyMMdd]}\n"
        "  shipping_cost: C\n  currency: {constant: EUR}\n"
        "rules:\n  - {column: shipment_weight_kg, min: 1, max: 100, code: heavy}\n"
        "  - expression: delivery_date >= promised_delivery_date\n    message: early\n";
    Arena arena;
    Mapping *mapping;
    Error err;
    arena_init(&arena);
    if (parse(text, &arena, &mapping, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    const MappingColumn *weight = &mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG];
    const MappingColumn *mode = &mapping->columns[SHIPMENT_COLUMN_TRANSPORT_MODE];
    assert_int_equal(mapping->format.encoding, TEXT_WINDOWS_1252);
    assert_int_equal(mapping->format.delimiter, '\t');
    assert_int_equal(mapping->format.quote, 0);
    assert_false(mapping->format.header);
    assert_true(mapping->format.trailing_delimiter);
    assert_int_equal(mapping->format.skip_lines, 2);
    assert_int_equal(mapping->duplicates, DUPLICATES_LATEST);
    assert_true(mapping->max_rejected_share == 0.25);
    assert_true(weight->factor == 0.45359237 && weight->decimal_mark == ',' && weight->thousands_mark == '.');
    assert_int_equal(weight->n_nulls, 2);
    assert_int_equal(weight->n_null_patterns, 1);
    assert_int_equal(mode->n_values, 2);
    assert_true(str_equal(mode->values[0].from, str_view("Truck")) && mode->values[1].to.data == NULL);
    assert_true(mode->others_rejected);
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_PROMISED_DATE].n_forms, 2);
    assert_string_equal(mapping->columns[SHIPMENT_COLUMN_CURRENCY].constant, "EUR");
    assert_int_equal(mapping->n_rules, 2);
    assert_string_equal(mapping->rules[0].code, "heavy");
    assert_string_equal(mapping->rules[1].code, "client_rule");
    arena_done(&arena);
}

/* A file that is refused, the line, and words of message or hint. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t line;
        const char *said, *hint;
    } cases[] = {
        {"", 1, "'columns' is missing", "shipment_id"},
        {"input: cvs\n" REQUIRED, 1, "none of the choices", "did you mean 'csv'"},
        {"clinet: a\n" REQUIRED, 1, "no such key", "did you mean 'client'"},
        {"client: a/b\n" REQUIRED, 1, "", ""},
        {"zone: Mars/Olympus\n" REQUIRED, 1, "no time zone", "Europe/Paris"},
        {"max_rejected_share: 2\n" REQUIRED, 1, "not within", ""},
        {"format: {delimiter: ab}\n" REQUIRED, 1, "one character", ""},
        {"format: {delimiter: '\"'}\n" REQUIRED, 1, "cannot be the delimiter", ""},
        {"columns:\n  shipment_id: a\n", 2, "origin_warehouse is missing", "constant"},
        {"columns:\n  shipment_id: a\n  origin_warehouse: b\n  destination_city: c\n", 2, "neither shipment_date", ""},
        {REQUIRED "  shipmentweight_kg: W\n", 6, "no such key", "did you mean 'shipment_weight_kg'"},
        {REQUIRED "  source_file: W\n", 6, "no such key", ""},
        {REQUIRED "  carrier: [a, b]\n", 6, "one column", ""},
        {REQUIRED "  carrier: {unit: kg, from: a}\n", 6, "", ""},
        {REQUIRED "  carrier: {}\n", 6, "neither 'from' nor 'constant'", ""},
        {REQUIRED "  shipment_weight_kg: {from: W, unit: mi}\n", 6, "no such unit", "kg"},
        {REQUIRED "  shipment_weight_kg: {from: W, decimal: ';'}\n", 6, "decimal mark", ""},
        {REQUIRED "  shipment_weight_kg: {from: W, thousands: '.'}\n", 6, "thousands", ""},
        {REQUIRED "  shipment_weight_kg: {constant: heavy}\n", 6, "heavy", ""},
        {REQUIRED "  shipment_weight_kg: {from: W, dates: [yyyy-MM-dd]}\n", 6, "no date", ""},
        {REQUIRED "  shipment_date: {from: W, dates: [yyyy-MM]}\n", 6, "no date form", "dd/MM/yyyy"},
        {REQUIRED "rules: {}\n", 6, "list of rules", ""},
        {REQUIRED "rules:\n  - {column: carrier}\n", 7, "a rule is one of", ""},
        {REQUIRED "rules:\n  - {column: carrier, min: a, allowed: [b]}\n", 7, "a rule is one of", ""},
        {REQUIRED "rules:\n  - {min: 1}\n", 7, "of which column", ""},
        {REQUIRED "rules:\n  - {column: carier, min: 1}\n", 7, "none of the choices", "did you mean 'carrier'"},
        {REQUIRED "rules:\n  - {column: carrier, min: 1, code: Bad Code}\n", 7, "small letters", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Arena arena;
        Mapping *mapping;
        Error err;
        arena_init(&arena);
        if (parse(cases[i].text, &arena, &mapping, &err) != STATUS_CONFIG || !strstr(err.message, cases[i].said) ||
            !strstr(err.hint, cases[i].hint) || err.row != cases[i].line)
            fail_msg("case %zu: line %lld, %s, %s", i, (long long)err.row, err.message, err.hint);
        assert_string_equal(err.file, "clients/emart.yaml");
        arena_done(&arena);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_least), cmocka_unit_test(test_everything),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
