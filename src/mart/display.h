/* How a mart's values are shown to people: units and digits by the names and types of its columns. */
#ifndef FREIGHTLAKE_MART_DISPLAY_H
#define FREIGHTLAKE_MART_DISPLAY_H

#include "columnar/types.h"

typedef enum DisplayKind {
    DISPLAY_TEXT,
    DISPLAY_COUNT,   /* whole number, thousands separated */
    DISPLAY_MONEY,   /* 2 decimals; 4 when it is money per something */
    DISPLAY_PERCENT, /* 2 decimals and % */
    DISPLAY_DAYS,    /* 2 decimals */
    DISPLAY_MEASURE, /* km, kg: 1 decimal; m3: 2 */
    DISPLAY_NUMBER   /* any other number, 2 decimals */
} DisplayKind;

typedef struct Display {
    DisplayKind kind;
    uint8_t digits; /* behind the decimal point */
} Display;

Display display_of(const Field *field);
/* The value as text, which is not NULL: "1,234,567", "12.34", "97.35%". */
void display_append(Buffer *text, Display display, const Value *value);
/* "avg_shipping_cost" -> "Avg shipping cost" */
void display_append_header(Buffer *text, const char *name);
/* "just now", "5 minutes ago", "3 days ago" */
void display_append_age(Buffer *text, double seconds);

#endif
