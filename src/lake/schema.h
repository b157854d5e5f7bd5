/* The schemas of the lake's own tables. */
#ifndef FREIGHTLAKE_LAKE_SCHEMA_H
#define FREIGHTLAKE_LAKE_SCHEMA_H

#include "shipment/shipment.h"

#define LAKE_SHIPMENTS_PARTITION SHIPMENT_COLUMN_CLIENT

/* processed/shipments: the contract's columns, all nullable.  What is required is checked by ingestion, row by row and with
 * a reason; a NOT NULL in the table would add nothing, and is an invariant that not every writer honours. */
const Schema *lake_shipments_schema(void);

#endif
