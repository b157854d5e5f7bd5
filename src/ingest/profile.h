/* ColumnProfile: what the texts of one column of a sample look like: numbers in which form, dates in which forms. */
#ifndef FREIGHTLAKE_INGEST_PROFILE_H
#define FREIGHTLAKE_INGEST_PROFILE_H

#include "ingest/sample.h"
#include "ingest/synonyms.h"

#define PROFILE_MAX_FORMS 6

typedef struct ColumnProfile {
    const SampleColumn *column;
    NameTokens name;
    /* numbers: */
    uint64_t n_numbers; /* records that read as numbers in this form */
    char decimal_mark, thousands_mark;
    bool marks_undecided; /* another decimal mark reads as many, and nothing else decides it for sure */
    const char *marks_by; /* where another reads as many: what speaks for this one; NULL: nothing */
    StrView undecided;    /* a text that both marks read, and what it is with '.' and with ','; size 0: none */
    double undecided_as[2];
    StrView example; /* a text that is a number, without what stands around it, and the number */
    double example_number;
    uint64_t by_mark[2];        /* records that read with '.' and with ',' */
    uint8_t *is_number;         /* per distinct value */
    StrView suffix;             /* the word most numbers carry behind them ("lb"); size 0: none */
    StrView other_suffix;       /* another that some carry */
    const char *currency;       /* the code most numbers carry; NULL: none */
    const char *other_currency; /* another that some carry */
    double mean_number;
    bool all_whole;
    /* dates: */
    uint64_t n_dates;
    const char *forms[PROFILE_MAX_FORMS]; /* the one that reads most first */
    uint64_t form_records[PROFILE_MAX_FORMS];
    uint32_t n_forms;
    bool order_undecided;   /* day before month and month before day read the same texts */
    const char *other_form; /* then: the other reading of forms[0] */
    uint8_t *is_date;
    double mean_day;
    uint64_t n_null_words;
} ColumnProfile;

/* Profiles of all columns; what one column cannot decide (marks, day and month) the others of the file do. */
ColumnProfile *profile_sample(const Sample *sample, Arena *arena);

/* A text that stands for "no value" in a column of numbers or dates. */
typedef struct NullText {
    StrView text;
    bool pattern; /* '*' stands for any text */
    uint64_t records;
    uint32_t texts; /* distinct ones behind a pattern */
} NullText;
/* The texts that are no numbers (or dates) and repeat, follow a pattern or are known words for nothing; *ret_rest counts
 * the records with other such texts, *ret_example is one of them. */
void profile_null_texts(const ColumnProfile *profile, bool dates, Arena *arena, NullText **ret_texts, uint32_t *ret_n,
                        uint64_t *ret_rest, StrView *ret_example);

#endif
