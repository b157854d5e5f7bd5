/* src/shipment/shipment.c: the contract's table as the architecture fixes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shipment/shipment.h"

static void test_columns_and_order(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "shipment_id",
        "client",
        "origin_warehouse",
        "destination_city",
        "carrier",
        "transport_mode",
        "shipment_weight_kg",
        "shipment_volume_m3",
        "route_distance_km",
        "shipment_date",
        "promised_delivery_date",
        "delivery_date",
        "shipping_cost",
        "fuel_surcharge",
        "currency",
        "source_cost",
        "source_fuel_surcharge",
        "source_currency",
        "exchange_rate",
        "delivery_status",
        "delay_days",
        "schedule_variance_days",
        "source_status",
        "source_file",
        "source_row",
        "ingested_at",
        "updated_at",
        "contract_version",
    };
    const Schema *schema = shipment_schema();
    assert_int_equal(schema->n, ARRAY_SIZE(expected));
    assert_int_equal(schema->n, SHIPMENT_COLUMN_COUNT);
    for (uint32_t i = 0; i < schema->n; i++) {
        const ShipmentColumn *column = shipment_column((ShipmentColumnId)i);
        assert_string_equal(schema->fields[i].name, expected[i]);
        assert_string_equal(column->name, expected[i]);
        assert_memory_equal(&schema->fields[i].type, &column->type, sizeof column->type);
        assert_true(column->meaning[0] != '\0');
    }
}

static void test_required_columns(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SHIPMENT_COLUMN_COUNT; i++) {
        bool required = i == SHIPMENT_COLUMN_ID || i == SHIPMENT_COLUMN_CLIENT ||
                        i == SHIPMENT_COLUMN_ORIGIN_WAREHOUSE || i == SHIPMENT_COLUMN_DESTINATION_CITY;
        assert_int_equal(shipment_schema()->fields[i].nullable, !required);
    }
    assert_int_equal(shipment_column(SHIPMENT_COLUMN_SHIPMENT_DATE)->need, SHIPMENT_REQUIRED_DATE);
    assert_int_equal(shipment_column(SHIPMENT_COLUMN_DELIVERY_DATE)->need, SHIPMENT_REQUIRED_DATE);
}

static void test_types(void **state)
{
    (void)state;
    const ShipmentColumnId money[] = {SHIPMENT_COLUMN_COST, SHIPMENT_COLUMN_FUEL_SURCHARGE, SHIPMENT_COLUMN_SOURCE_COST,
                                      SHIPMENT_COLUMN_SOURCE_SURCHARGE};
    for (size_t i = 0; i < ARRAY_SIZE(money); i++) {
        DataType type = shipment_column(money[i])->type;
        assert_int_equal(type.id, TYPE_DECIMAL);
        assert_int_equal(type.precision, 18);
        assert_int_equal(type.scale, 4);
    }
    assert_int_equal(shipment_column(SHIPMENT_COLUMN_DISTANCE_KM)->type.id, TYPE_DOUBLE);
    assert_int_equal(shipment_column(SHIPMENT_COLUMN_DELAY_DAYS)->type.id, TYPE_INT);
    assert_int_equal(shipment_column(SHIPMENT_COLUMN_PROMISED_DATE)->type.id, TYPE_DATE);
    assert_int_equal(shipment_column(SHIPMENT_COLUMN_SOURCE_ROW)->type.id, TYPE_BIGINT);
    assert_int_equal(shipment_column(SHIPMENT_COLUMN_UPDATED_AT)->type.id, TYPE_TIMESTAMP);
}

static void test_statuses(void **state)
{
    (void)state;
    assert_string_equal(shipment_status_name(SHIPMENT_DELIVERED), "Delivered");
    assert_string_equal(shipment_status_name(SHIPMENT_DELAYED), "Delayed");
    assert_string_equal(shipment_status_name(SHIPMENT_IN_TRANSIT), "In Transit");
    assert_string_equal(shipment_status_name(SHIPMENT_LOST), "Lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_and_order),
        cmocka_unit_test(test_required_columns),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_statuses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("shipment", tests, NULL, NULL);
}
