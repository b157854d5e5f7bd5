/* Sample: a client's file as onboarding sees it: its form, and of each column the distinct texts with their counts. */
#ifndef FREIGHTLAKE_INGEST_SAMPLE_H
#define FREIGHTLAKE_INGEST_SAMPLE_H

#include "ingest/mapping.h"

#define SAMPLE_MAX_RECORDS 100000u
#define SAMPLE_MAX_DISTINCT 20000u /* of a column; what comes later is only counted */

typedef struct SampleValue {
    StrView text; /* without blanks around; never empty */
    uint32_t count;
    int64_t line; /* of the first */
} SampleValue;

typedef struct SampleColumn {
    const char *name;
    SampleValue *values; /* in the order they first stand in the file */
    uint32_t n_values;
    uint64_t n_filled; /* records with a text */
    uint64_t n_empty;
    bool capped; /* more distinct texts than are kept */
    uint32_t *slots;
    uint32_t n_slots, capacity;
} SampleColumn;

/* A column that no mapping can read. */
typedef struct SampleUnread {
    const char *name;
    const char *shown; /* the name without what a terminal or a mapping cannot hold */
    const char *why;
} SampleUnread;

typedef struct Sample {
    const char *file;
    InputKind input;
    TextGuess guess; /* of text files */
    SampleColumn *columns;
    uint32_t n_columns;
    SampleUnread *unread;
    uint32_t n_unread;
    uint64_t n_records, n_flawed;
    bool whole; /* the whole file was looked at */
} Sample;

/* Everything in `arena`.  DATA when there is no record in it. */
Status sample_read(const char *file, MemoryBudget *budget, Arena *arena, Sample **ret_sample, Error *err) MUST_CHECK;

#endif
