/* Mapping: how a client's own columns become the canonical shipment; read from clients/CLIENT.yaml.
 *
 * Read-only after loading, all in the arena.  docs/onboarding.md shows the file form by a walk; the hash of the text names
 * a mapping in quarantine, history and commits. */
#ifndef FREIGHTLAKE_INGEST_MAPPING_H
#define FREIGHTLAKE_INGEST_MAPPING_H

#include "ingest/date_form.h"
#include "lake/lake.h"
#include "shipment/shipment.h"
#include "text/text_format.h"

#define MAPPING_HASH_CHARACTERS 32

typedef enum InputKind { INPUT_CSV, INPUT_NDJSON, INPUT_PARQUET } InputKind;

typedef enum DuplicatePolicy {
    DUPLICATES_KEEP,   /* ids may repeat */
    DUPLICATES_REJECT, /* a record whose id is there already, in the table or earlier in the file, goes to quarantine */
    DUPLICATES_LATEST  /* the newest record of an id wins: updated_at, then ingested_at, then source_row */
} DuplicatePolicy;

typedef struct MappingValue {
    StrView from; /* compared without case and blanks around */
    StrView to;   /* data NULL: becomes NULL */
} MappingValue;

typedef struct MappingColumn {
    const char *source; /* the client's column (NDJSON: dotted path); NULL: none */
    const char
        *constant;     /* text of the value every record has; NULL: none.  Where both are given it stands in for NULL */
    double factor;     /* numbers: canonical = text * factor (lb: 0.45359237; mi: 1.609344); 1: as it is */
    const char *unit;  /* as in the file; NULL: canonical */
    char decimal_mark; /* '.' or ',' */
    char thousands_mark;          /* 0: none; else taken only between groups of three digits */
    const DateForm *const *forms; /* dates and instants: tried in this order */
    uint32_t n_forms;
    const StrView *nulls; /* texts that mean: no value; without case and blanks around.  The empty text always does */
    uint32_t n_nulls;
    const StrView *null_patterns; /* the same with '*' for any text: "See *" */
    uint32_t n_null_patterns;
    const MappingValue *values; /* translations, sorted by `from` */
    uint32_t n_values;
    bool others_rejected; /* a value that no translation names is a reason (not_translated); else it stays */
} MappingColumn;

typedef struct MappingRule {
    const char *code;              /* of the reason; "client_rule" when not given */
    const char *message;           /* NULL: made from the rule */
    int64_t line;                  /* of the file */
    ShipmentColumnId column;       /* of min, max, allowed */
    const char *minimum, *maximum; /* NULL: open; text in the column's canonical type */
    const StrView *allowed;
    uint32_t n_allowed;
    const char *expression; /* SQL boolean over canonical columns that must not be false; NULL: one of the above */
} MappingRule;

typedef struct Mapping {
    const char *client;
    const char *file; /* for messages; NULL: not from a file */
    InputKind input;
    TextFormat format;                            /* CSV, NDJSON */
    MappingColumn columns[SHIPMENT_COLUMN_COUNT]; /* of columns that a client can give (mapping_column_is_given) */
    const TimeZone *zone;                         /* of instants that carry none */
    DuplicatePolicy duplicates;
    double max_rejected_share; /* -1: the lake's */
    const MappingRule *rules;
    uint32_t n_rules;
    char hash[MAPPING_HASH_CHARACTERS + 1];
} Mapping;

/* Whether a mapping may speak of the column; others (client, source_file, ingested_at, source_cost ...) are filled by
 * ingestion.  `currency` is the currency of the client's amounts: it becomes source_currency. */
bool mapping_column_is_given(ShipmentColumnId column);

/* CONFIG with file, line and hint for anything that cannot be meant. */
Status mapping_parse(const char *file, StrView text, Arena *arena, Mapping **ret_mapping, Error *err) MUST_CHECK;
/* Reads clients/CLIENT.yaml.  NOT_FOUND with "freightlake onboard" as the hint. */
Status mapping_load(const Lake *lake, const char *client, Arena *arena, Mapping **ret_mapping, Error *err) MUST_CHECK;

#endif
