/* One text of a client's file -> one canonical value, or the reason why not. */
#ifndef FREIGHTLAKE_INGEST_TEXT_VALUE_H
#define FREIGHTLAKE_INGEST_TEXT_VALUE_H

#include "ingest/mapping.h"
#include "shipment/reason.h"

typedef enum ValueState { VALUE_OK, VALUE_NULL, VALUE_BAD } ValueState;

typedef struct TextValue {
    ValueState state;
    ReasonCode reason; /* VALUE_BAD */
    Value value;       /* VALUE_OK: of the column's type; texts are the source's or the mapping's */
    StrView word;      /* status columns: the client's word, trimmed */
} TextValue;

/* Applies, in this order: blanks around, NULL spellings, the constant that stands in for NULL, translations, the form of
 * numbers and dates, units, and what the contract says of this column alone.  A required column without a value is
 * MISSING.  `currency` is the mapping's constant currency (its sign may stand beside an amount); NULL: none. */
void text_value(const Mapping *mapping, ShipmentColumnId column, StrView text, TextValue *ret_value);

#endif
