/* RuleSet: a client's own rules, ready to be checked against batches of canonical shipments. */
#ifndef FREIGHTLAKE_INGEST_RULES_H
#define FREIGHTLAKE_INGEST_RULES_H

#include "columnar/vector.h"
#include "ingest/mapping.h"

typedef struct RuleSet RuleSet;

/* CONFIG with file and line when a bound is no value of its column or an expression is no SQL boolean over
 * shipment_unchecked_schema(). */
Status rules_new(const Mapping *mapping, Arena *arena, RuleSet **ret_rules, Error *err) MUST_CHECK;

typedef struct RuleBreak {
    uint32_t row;
    const MappingRule *rule;
    const char *message; /* "shipping_cost is 12000, above 10000"; in the arena */
} RuleBreak;
/* Rows of the batch (SHIPMENT_COLUMN_COUNT columns in contract order) that break a rule: in order of rule, then row.  A
 * rule over NULL is not broken.  One RuleSet per thread. */
void rules_check(RuleSet *rules, const Batch *batch, Arena *arena, RuleBreak **ret_breaks, uint32_t *ret_n);

#endif
