/* The tables of shipment.h in memory: schema, columns, statuses. */
#include "shipment/shipment.h"

static const ShipmentColumn columns[SHIPMENT_COLUMN_COUNT] = {
#define X(id, column, column_type, column_need, column_meaning)                                                        \
    {.name = column, .type = column_type, .need = SHIPMENT_##column_need, .meaning = column_meaning},
    SHIPMENT_TABLE(X)
#undef X
};

static Field fields[SHIPMENT_COLUMN_COUNT] = {
#define X(id, column, column_type, column_need, column_meaning)                                                        \
    {.name = column, .type = column_type, .nullable = SHIPMENT_##column_need != SHIPMENT_REQUIRED},
    SHIPMENT_TABLE(X)
#undef X
};

static const Schema schema = {.fields = fields, .n = SHIPMENT_COLUMN_COUNT};

static Field unchecked_fields[SHIPMENT_COLUMN_COUNT] = {
#define X(id, column, column_type, column_need, column_meaning) {.name = column, .type = column_type, .nullable = true},
    SHIPMENT_TABLE(X)
#undef X
};

static const Schema unchecked_schema = {.fields = unchecked_fields, .n = SHIPMENT_COLUMN_COUNT};

const Schema *shipment_schema(void)
{
    return &schema;
}

const Schema *shipment_unchecked_schema(void)
{
    return &unchecked_schema;
}

const ShipmentColumn *shipment_column(ShipmentColumnId id)
{
    CHECK(id < SHIPMENT_COLUMN_COUNT);
    return &columns[id];
}

const char *shipment_status_name(ShipmentStatus status)
{
    static const char *const names[SHIPMENT_STATUS_COUNT] = {
        "Delivered", "Delayed", "In Transit", "Cancelled", "Returned", "Lost",
    };
    CHECK(status < SHIPMENT_STATUS_COUNT);
    return names[status];
}
