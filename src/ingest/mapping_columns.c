/* Which columns of the contract a client's mapping may speak of. */
#include "ingest/mapping.h"

bool mapping_column_is_given(ShipmentColumnId column)
{
    switch (column) {
    case SHIPMENT_COLUMN_CLIENT:
    case SHIPMENT_COLUMN_SOURCE_COST:
    case SHIPMENT_COLUMN_SOURCE_SURCHARGE:
    case SHIPMENT_COLUMN_SOURCE_CURRENCY:
    case SHIPMENT_COLUMN_EXCHANGE_RATE:
    case SHIPMENT_COLUMN_VARIANCE_DAYS:
    case SHIPMENT_COLUMN_SOURCE_STATUS:
    case SHIPMENT_COLUMN_SOURCE_FILE:
    case SHIPMENT_COLUMN_SOURCE_ROW:
    case SHIPMENT_COLUMN_INGESTED_AT:
    case SHIPMENT_COLUMN_CONTRACT_VERSION:
        return false;
    default:
        return column < SHIPMENT_COLUMN_COUNT;
    }
}
