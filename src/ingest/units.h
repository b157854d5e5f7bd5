/* Units that a mapping may name, and what one of them is in the canonical unit. */
#ifndef FREIGHTLAKE_INGEST_UNITS_H
#define FREIGHTLAKE_INGEST_UNITS_H

#include "base/text.h"
#include "shipment/shipment.h"

typedef struct Unit {
    ShipmentColumnId column;
    const char *word; /* lower case */
    double factor;    /* canonical = number * factor */
    const char *name; /* the usual word of the same unit */
} Unit;

/* All of them; *ret_n of them. */
const Unit *unit_table(size_t *ret_n);
/* Case does not matter; NULL: the column has no such unit. */
const Unit *unit_find(ShipmentColumnId column, StrView word);
/* "kg, g, t, lb, oz": for messages; empty where a column has no units.  In `arena`. */
const char *unit_words(ShipmentColumnId column, Arena *arena);

#endif
