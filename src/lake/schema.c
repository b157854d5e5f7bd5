/* The schemas of the lake's own tables; see lake.h and schema.h. */
#include "lake/schema.h"

#include "lake/lake.h"

const Schema *lake_shipments_schema(void)
{
    return shipment_unchecked_schema();
}

const Schema *lake_quarantine_schema(void)
{
    static Field fields[] = {
        {"client", {.id = TYPE_STRING}, true},        {"source_file", {.id = TYPE_STRING}, true},
        {"source_hash", {.id = TYPE_STRING}, true},   {"source_row", {.id = TYPE_BIGINT}, true},
        {"raw_record", {.id = TYPE_BINARY}, true},    {"reasons", {.id = TYPE_STRING}, true},
        {"mapping_hash", {.id = TYPE_STRING}, true},  {"ingested_at", {.id = TYPE_TIMESTAMP}, true},
        {"contract_version", {.id = TYPE_INT}, true},
    };
    static const Schema schema = {fields, ARRAY_SIZE(fields)};
    return &schema;
}
