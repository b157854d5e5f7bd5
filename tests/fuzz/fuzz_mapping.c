/* Any bytes as a client's mapping: one that can be used, or an error of CONFIG with file, line and message. */
#include "ingest/mapping.h"
#include "ingest/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena;
    Error err;
    Mapping *mapping;
    RuleSet *rules;
    arena_init(&arena);
    error_init(&err);
    if (mapping_parse("clients/emart.yaml", (StrView){(const char *)data, (uint32_t)size}, &arena, &mapping, &err) !=
        STATUS_OK) {
        CHECK(err.code == STATUS_CONFIG && err.message[0] != '\0' && err.row >= 1);
    } else {
        CHECK(mapping->columns[SHIPMENT_COLUMN_ID].source || mapping->columns[SHIPMENT_COLUMN_ID].constant);
        if (rules_new(mapping, &arena, &rules, &err) != STATUS_OK)
            CHECK(err.code == STATUS_CONFIG && err.message[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
