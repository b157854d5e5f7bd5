/* Reason codes: why a record may not become a shipment.  One table; quarantine, reports and documents derive from it.
 *
 * Flaws of a record as such (column_count, unclosed_quote ...) have the codes of text/records.h, and a client's own rules
 * the codes its mapping gives them. */
#ifndef FREIGHTLAKE_SHIPMENT_REASON_H
#define FREIGHTLAKE_SHIPMENT_REASON_H

#include "shipment/shipment.h"

#define SHIPMENT_MAX_TEXT_BYTES 1000
#define SHIPMENT_MAX_ID_BYTES 200

/* enumerator, code, meaning */
#define REASON_TABLE(X)                                                                                                \
    X(MISSING, "missing", "a required column has no value")                                                            \
    X(NO_DATE, "no_date", "neither shipment_date nor delivery_date has a value")                                       \
    X(NOT_A_NUMBER, "not_a_number", "the text is no number in the form the mapping names")                             \
    X(NOT_A_DATE, "not_a_date", "the text is no date in a form the mapping names, or there is no such day")            \
    X(OUT_OF_RANGE, "out_of_range", "the number has more digits than the column holds")                                \
    X(WEIGHT_NOT_POSITIVE, "weight_not_positive", "a weight is above 0")                                               \
    X(NEGATIVE, "negative", "a volume, distance, cost or delay is not negative")                                       \
    X(DELIVERED_BEFORE_SHIPPED, "delivered_before_shipped", "delivery_date lies before shipment_date")                 \
    X(UNKNOWN_STATUS, "unknown_status", "delivery_status is none of the contract's words and no translation is given") \
    X(NOT_TRANSLATED, "not_translated", "the mapping translates this column and does not know the value")              \
    X(CONTROL_CHARACTER, "control_character", "the text holds a control character")                                    \
    X(TOO_LONG, "too_long", "the text is longer than the contract allows")                                             \
    X(NO_CURRENCY, "no_currency", "an amount has no currency, or one that is no ISO 4217 code")                        \
    X(NO_EXCHANGE_RATE, "no_exchange_rate", "the lake has no rate for the currency on that day")                       \
    X(DUPLICATE_ID, "duplicate_id", "the client's shipment_id is taken, and its duplicates are to be rejected")

typedef enum ReasonCode {
#define X(id, code, meaning) REASON_##id,
    REASON_TABLE(X)
#undef X
        REASON_COUNT
} ReasonCode;

const char *reason_code(ReasonCode reason);
const char *reason_meaning(ReasonCode reason);

#endif
