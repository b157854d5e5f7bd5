/* Domain: the set of values a column can take, each with a number (its ordinal).
 *
 * Models speak in ordinals; the writers turn them into dictionary codes (Parquet) or ready-made text (CSV, NDJSON).
 * Ordinals are given in the order of adding.  Build it in one thread, then share it read-only. */
#ifndef FREIGHTLAKE_GENERATE_DOMAIN_H
#define FREIGHTLAKE_GENERATE_DOMAIN_H

#include "columnar/vector.h"

typedef struct Domain {
    DataType type;
    uint32_t n;
    uint32_t capacity;
    Vector entries;      /* FLAT, by ordinal; not valid: NULL, or an entry that is text only */
    const char **broken; /* by ordinal: text that is no value of the type; NULL elsewhere */
    uint32_t *sorted;    /* ordinals in the order of their values, NULL last, text-only entries left out */
    uint32_t n_sorted;
    StrView *texts; /* by ordinal, after domain_render; DOMAIN_TEXT_SLACK readable bytes behind each */
    uint32_t longest_text;
} Domain;

/* How far behind a text's end the writers may read. */
#define DOMAIN_TEXT_SLACK 32

typedef enum DomainText { DOMAIN_CSV, DOMAIN_JSON } DomainText;

/* At most `capacity` entries; memory from `arena`.  Types: STRING, DOUBLE, BIGINT, INT, DATE. */
Domain *domain_new(Arena *arena, DataType type, uint32_t capacity);
/* Each gives the ordinal.  Values must be distinct.  Strings are copied. */
uint32_t domain_add_text(Domain *domain, Arena *arena, StrView text);
uint32_t domain_add_number(Domain *domain, double number);
uint32_t domain_add_integer(Domain *domain, int64_t integer); /* BIGINT, INT, DATE (days) */
uint32_t domain_add_null(Domain *domain);
/* An entry that can be written as text but is no value of the type, such as a number that is not one. */
uint32_t domain_add_broken(Domain *domain, Arena *arena, const char *text);

/* Fills `sorted`. */
void domain_sort(Domain *domain, Arena *arena);
/* Fills `texts`: prefix + the value as a CSV field or a JSON value + suffix. */
void domain_render(Domain *domain, Arena *arena, DomainText form, const char *prefix, const char *suffix);

#endif
