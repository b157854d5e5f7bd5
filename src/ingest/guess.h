/* Guesses: which column of a sample is which of the contract, and what must be said so that its texts can be read. */
#ifndef FREIGHTLAKE_INGEST_GUESS_H
#define FREIGHTLAKE_INGEST_GUESS_H

#include "ingest/profile.h"
#include "ingest/units.h"

#define GUESS_LOW 0.6 /* below, a person should look */
#define GUESS_MAX_OTHERS 3
#define GUESS_MAX_DOUBTS 6

typedef struct GuessValue {
    StrView from;
    const char *to; /* NULL: not known; it becomes NULL */
    uint64_t records;
} GuessValue;

/* What a person should decide. */
typedef struct GuessDoubt {
    const char *about; /* the key of guess_say that settles it, or `column` */
    const char *text;
} GuessDoubt;

typedef struct Guess {
    ShipmentColumnId id;
    int32_t column; /* of the sample; -1: none */
    double confidence;
    const char *constant; /* currency */
    int32_t others[GUESS_MAX_OTHERS];
    uint32_t n_others;
    const char *unit; /* of numbers that have one */
    bool unit_said;   /* by the name, the values or a column beside; else it is the canonical one for want of better */
    char decimal_mark, thousands_mark;
    const char *const *forms;
    uint32_t n_forms;
    const char *other_form; /* the day and the month could be the other way round */
    NullText *nulls;
    uint32_t n_nulls;
    GuessValue *values;
    uint32_t n_values;
    uint64_t n_unread; /* records whose text is neither a value nor said to mean none */
    StrView unread_example;
    const char *reason;                  /* what decided the decimal mark; NULL: nothing had to */
    GuessDoubt doubts[GUESS_MAX_DOUBTS]; /* any makes the guess a low one */
    uint32_t n_doubts;
} Guess;

typedef struct Guesses {
    const Sample *sample;
    const ColumnProfile *profiles;
    const char *lake_currency;
    Guess of[SHIPMENT_COLUMN_COUNT];
} Guesses;

/* All in `arena`. */
Guesses *guess_sample(const Sample *sample, const char *lake_currency, Arena *arena);
/* Takes another column (-1: none) for one of the contract: by a person, so its confidence is 1. */
void guess_take(Guesses *guesses, ShipmentColumnId id, int32_t column, Arena *arena);
/* Takes the guess as a person's own: its confidence is 1, nothing is in doubt. */
void guess_confirm(Guess *guess);
/* Takes a person's word for a detail, and the guess for sure when nothing else is in doubt: key is `unit`, `dates`, `decimal`, `thousands`, or, of the
 * currency, `constant`.  CONFIG for another key or a value that cannot be. */
Status guess_say(Guess *guess, const char *key, const char *value, Arena *arena, Error *err) MUST_CHECK;
bool guess_is_low(const Guess *guess);
/* Whether some column of the contract comes from this one of the sample. */
bool guess_is_read(const Guesses *guesses, uint32_t column);
/* What the guesses lack to be a mapping: the first missing column's name, or NULL. */
const char *guess_missing(const Guesses *guesses);

/* The mapping's file, with a comment on each guess. */
void guess_append_yaml(const Guesses *guesses, const char *client, Buffer *yaml);

#endif
