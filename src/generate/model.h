/* Model: what a scenario is made of: columns with their domains, and a function that fills blocks of rows.
 *
 *   model_original / model_swiftship -> model->fill(block) -> bad_rows_apply(block) -> a writer
 *
 * A Model is read-only once made and shared by threads; it lives in the arena it was made in. */
#ifndef FREIGHTLAKE_GENERATE_MODEL_H
#define FREIGHTLAKE_GENERATE_MODEL_H

#include "generate/domain.h"
#include "generate/generate.h"

#define MODEL_MAX_COLUMNS 16
#define BLOCK_ROWS 2048u

typedef enum LineShape { LINE_WHOLE, LINE_SHORT, LINE_LONG } LineShape;

/* Up to BLOCK_ROWS rows, by column. */
typedef struct Block {
    uint64_t first_row;
    uint32_t n;
    uint32_t ordinals[MODEL_MAX_COLUMNS][BLOCK_ROWS];
    uint64_t serials[BLOCK_ROWS]; /* column 0 where ids are unique: the running number from 1; 0 is NULL */
    uint8_t shapes[BLOCK_ROWS];   /* LineShape: whether a CSV line has its columns */
    bool has_shapes;              /* some row is not LINE_WHOLE */
} Block;

/* Where in the domains the values stand that make a row bad, and how to get from a good ordinal to a bad one. */
typedef struct BadPlaces {
    uint32_t required[3];      /* columns: id, origin, destination */
    uint32_t required_null[3]; /* ordinals of their NULLs (serial ids: unused) */
    uint32_t weight_column;
    uint32_t weight_text;     /* ordinal of a text that is no number */
    uint32_t weight_negative; /* added to a good ordinal: the same weight below zero */
    uint32_t shipment_date_column;
    uint32_t impossible_date; /* first ordinal */
    uint32_t n_impossible_dates;
    uint32_t delivery_date_column;
    /* added to the ordinal of a shipment date: that day as delivery date; the 7 days before it are in the domain, too */
    uint32_t delivery_same_day;
    uint32_t status_column;
    uint32_t unknown_status;
    uint32_t carrier_column;
    uint32_t control_carrier;
    uint32_t destination_column;
    uint32_t long_destination;
} BadPlaces;

typedef struct Model Model;
struct Model {
    Schema schema;
    Domain *domains[MODEL_MAX_COLUMNS]; /* NULL: column 0 with unique ids */
    bool serial_ids;
    BadPlaces bad;
    /* Fills rows [block->first_row, + block->n); every row WHOLE. */
    void (*fill)(const Model *model, Block *block);
    const void *state; /* the scenario's own */
};

const Model *model_original(const GenerateOptions *options, Arena *arena);
const Model *model_swiftship(const GenerateOptions *options, Arena *arena);

/* ---- for scenarios ---- */
/* The columns that every scenario begins with. */
enum {
    MODEL_ID,
    MODEL_ORIGIN,
    MODEL_DESTINATION,
    MODEL_CARRIER,
    MODEL_WEIGHT,
    MODEL_VOLUME,
    MODEL_SHIPMENT_DATE,
    MODEL_DELIVERY_DATE,
    MODEL_COST,
    MODEL_STATUS,
    MODEL_DELAY,
    MODEL_DISTANCE,
    MODEL_COMMON_COLUMNS
};
#define MODEL_EARLY_DAYS 7 /* before the first shipment: bad rows may be delivered on them */

typedef struct ModelColumn {
    const char *name;
    DataType type;
} ModelColumn;

/* The common columns, dates of type `dates` (DATE, or STRING for text), then `n` more; `bad` names the columns. */
Model *model_new(Arena *arena, TypeId dates, const ModelColumn *more, uint32_t n);
/* Fills in the streams 0 .. n - 1 of random numbers, one for what is drawn in each. */
void model_streams(uint64_t *streams, uint32_t n, uint64_t seed);
/* A domain of texts in the given order. */
Domain *model_texts(Arena *arena, const char *const *texts, uint32_t n, uint32_t spare);
/* A domain of days [first, last], as DATE or as text YYYY-MM-DD. */
Domain *model_days(Arena *arena, TypeId type, int32_t first, int32_t last, uint32_t spare);
/* A domain of whole numbers [first, last], then (spare) room for more. */
Domain *model_integers(Arena *arena, int64_t first, int64_t last, uint32_t spare);
/* A domain of tenths or hundredths [first, last] / parts, then (spare) room for more. */
Domain *model_fractions(Arena *arena, uint32_t first, uint32_t last, uint32_t parts, uint32_t spare);
/* Adds to the domains the values that bad rows need: call when the columns named in model->bad have their domains and
 * good ordinals, with BAD_SPARE entries of room each (weight: as many again as there are). */
#define BAD_SPARE 8
void model_add_bad_values(Model *model, Arena *arena, int32_t as_of);

/* Number of the running id's text: "SH" and at least ten digits. Returns the length; `text` has 24 bytes of room. */
uint32_t model_serial_text(char *text, uint64_t serial);

#endif
