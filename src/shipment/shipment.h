/* The contract of a shipment: one table that everything else derives from.
 *
 * SHIPMENT_TABLE has one row a column of the canonical shipment, in the order of the table processed/shipments.  The
 * schema, the checks at ingest and the reference documentation are all made from it, so a column is added here and
 * nowhere else. */
#ifndef FREIGHTLAKE_SHIPMENT_SHIPMENT_H
#define FREIGHTLAKE_SHIPMENT_SHIPMENT_H

#include "columnar/types.h"

/* Version of this contract; stored in every row as contract_version. */
#define SHIPMENT_CONTRACT_VERSION 1

typedef enum ShipmentNeed {
    SHIPMENT_OPTIONAL,
    SHIPMENT_REQUIRED,
    SHIPMENT_REQUIRED_DATE /* at least one of the columns so marked must have a value */
} ShipmentNeed;

/* enumerator, column name, type, need, meaning */
#define SHIPMENT_TABLE(X)                                                                                              \
    X(ID, "shipment_id", DATA_TYPE(STRING), REQUIRED, "the client's number of the shipment")                           \
    X(CLIENT, "client", DATA_TYPE(STRING), REQUIRED, "whose shipment it is; the partition of the table")               \
    X(ORIGIN_WAREHOUSE, "origin_warehouse", DATA_TYPE(STRING), REQUIRED, "the warehouse it leaves from")               \
    X(DESTINATION_CITY, "destination_city", DATA_TYPE(STRING), REQUIRED, "the city it goes to")                        \
    X(CARRIER, "carrier", DATA_TYPE(STRING), OPTIONAL, "the company that moves it")                                    \
    X(TRANSPORT_MODE, "transport_mode", DATA_TYPE(STRING), OPTIONAL, "how it moves: Road, Rail, Air, Sea, Parcel")     \
    X(WEIGHT_KG, "shipment_weight_kg", DATA_TYPE(DOUBLE), OPTIONAL, "gross weight in kilograms, above 0")              \
    X(VOLUME_M3, "shipment_volume_m3", DATA_TYPE(DOUBLE), OPTIONAL, "volume in cubic metres, not negative")            \
    X(DISTANCE_KM, "route_distance_km", DATA_TYPE(DOUBLE), OPTIONAL, "length of the route in kilometres")              \
    X(SHIPMENT_DATE, "shipment_date", DATA_TYPE(DATE), REQUIRED_DATE, "civil date on which it left the warehouse")     \
    X(PROMISED_DATE, "promised_delivery_date", DATA_TYPE(DATE), OPTIONAL, "civil date promised to the client")         \
    X(DELIVERY_DATE, "delivery_date", DATA_TYPE(DATE), REQUIRED_DATE, "civil date of arrival; NULL while under way")   \
    X(COST, "shipping_cost", DECIMAL_TYPE(18, 4), OPTIONAL, "price of the transport in `currency`")                    \
    X(FUEL_SURCHARGE, "fuel_surcharge", DECIMAL_TYPE(18, 4), OPTIONAL, "part of the cost that is fuel surcharge")      \
    X(CURRENCY, "currency", DATA_TYPE(STRING), OPTIONAL, "the lake's currency, ISO 4217")                              \
    X(SOURCE_COST, "source_cost", DECIMAL_TYPE(18, 4), OPTIONAL, "shipping_cost before conversion")                    \
    X(SOURCE_SURCHARGE, "source_fuel_surcharge", DECIMAL_TYPE(18, 4), OPTIONAL, "fuel_surcharge before conversion")    \
    X(SOURCE_CURRENCY, "source_currency", DATA_TYPE(STRING), OPTIONAL, "currency of the source amounts, ISO 4217")     \
    X(EXCHANGE_RATE, "exchange_rate", DATA_TYPE(DOUBLE), OPTIONAL, "units of `currency` for one of source_currency")   \
    X(STATUS, "delivery_status", DATA_TYPE(STRING), OPTIONAL, "one of the words of shipment_status_name")              \
    X(DELAY_DAYS, "delay_days", DATA_TYPE(INT), OPTIONAL, "days late, never negative")                                 \
    X(VARIANCE_DAYS, "schedule_variance_days", DATA_TYPE(INT), OPTIONAL, "days late; negative when early")             \
    X(SOURCE_STATUS, "source_status", DATA_TYPE(STRING), OPTIONAL, "the client's own word for the status")             \
    X(SOURCE_FILE, "source_file", DATA_TYPE(STRING), OPTIONAL, "the file the record came in")                          \
    X(SOURCE_ROW, "source_row", DATA_TYPE(BIGINT), OPTIONAL, "the physical line on which the record starts")           \
    X(INGESTED_AT, "ingested_at", DATA_TYPE(TIMESTAMP), OPTIONAL, "when it was taken into the lake, UTC")              \
    X(UPDATED_AT, "updated_at", DATA_TYPE(TIMESTAMP), OPTIONAL, "when the client last changed it, UTC")                \
    X(CONTRACT_VERSION, "contract_version", DATA_TYPE(INT), OPTIONAL, "the version of this table it was checked by")

typedef enum ShipmentColumnId {
#define X(id, name, type, need, meaning) SHIPMENT_COLUMN_##id,
    SHIPMENT_TABLE(X)
#undef X
        SHIPMENT_COLUMN_COUNT
} ShipmentColumnId;

typedef struct ShipmentColumn {
    const char *name;
    DataType type;
    ShipmentNeed need;
    const char *meaning;
} ShipmentColumn;

/* The canonical schema; only columns marked REQUIRED are not nullable.  Static and read-only. */
const Schema *shipment_schema(void);
/* The same columns, all nullable: of files that nothing has validated, and of what marts make, so that a mart has one
 * schema wherever its rows came from.  Static and read-only. */
const Schema *shipment_unchecked_schema(void);
/* The row of the table; `id` < SHIPMENT_COLUMN_COUNT. */
const ShipmentColumn *shipment_column(ShipmentColumnId id);

/* The words of delivery_status. */
typedef enum ShipmentStatus {
    SHIPMENT_DELIVERED, /* arrived, not late */
    SHIPMENT_DELAYED,   /* arrived late */
    SHIPMENT_IN_TRANSIT,
    SHIPMENT_CANCELLED,
    SHIPMENT_RETURNED,
    SHIPMENT_LOST,
    SHIPMENT_STATUS_COUNT
} ShipmentStatus;
const char *shipment_status_name(ShipmentStatus status);

#endif
