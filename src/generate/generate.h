/* generate: synthetic shipments, as many as wanted, the same for the same seed on any number of threads.
 *
 * Call order: generate_options_init -> set what differs -> generate_bad_rows or generate_bad_rows_of_kind ->
 * generate_run.
 *
 * generate_run writes OUT/part-00000.EXT ... and, last, OUT/_generate.json (seed, options, counts), whose name readers
 * pass over.  Each file appears whole or not at all. */
#ifndef FREIGHTLAKE_GENERATE_GENERATE_H
#define FREIGHTLAKE_GENERATE_GENERATE_H

#include "base/pool.h"
#include "parquet/writer.h"

/* enumerator, name on the command line, file name extension */
#define GENERATE_FORMAT_TABLE(X)                                                                                       \
    X(PARQUET, "parquet", "parquet")                                                                                   \
    X(CSV, "csv", "csv")                                                                                               \
    X(NDJSON, "ndjson", "ndjson")

typedef enum GenerateFormat {
#define X(id, name, extension) GENERATE_##id,
    GENERATE_FORMAT_TABLE(X)
#undef X
        GENERATE_FORMAT_COUNT
} GenerateFormat;

/* enumerator, name on the command line, meaning */
#define GENERATE_SCENARIO_TABLE(X)                                                                                     \
    X(ORIGINAL, "original", "the twelve columns and distributions of the reference data: dates as text")               \
    X(SWIFTSHIP, "swiftship", "a company with a year of history: promised dates, trends, seasons, congestion")

typedef enum GenerateScenario {
#define X(id, name, meaning) GENERATE_SCENARIO_##id,
    GENERATE_SCENARIO_TABLE(X)
#undef X
        GENERATE_SCENARIO_COUNT
} GenerateScenario;

/* enumerator, name on the command line, what is wrong with the row */
#define GENERATE_BAD_TABLE(X)                                                                                          \
    X(MISSING_FIELD, "missing_field", "a required field is empty: shipment_id, origin_warehouse or destination_city")  \
    X(BAD_NUMBER, "bad_number", "the weight is not a number (csv, ndjson)")                                            \
    X(IMPOSSIBLE_DATE, "impossible_date", "the shipment date does not exist (not in Parquet with dates as dates)")     \
    X(NEGATIVE_WEIGHT, "negative_weight", "the weight is below zero")                                                  \
    X(EARLY_DELIVERY, "early_delivery", "the delivery lies before the shipment")                                       \
    X(UNKNOWN_STATUS, "unknown_status", "the delivery status is a word nobody knows")                                  \
    X(CONTROL_CHARACTER, "control_character", "the carrier's name has a control character in it")                      \
    X(LONG_TEXT, "long_text", "the destination city is 5,000 characters long")                                         \
    X(COLUMN_COUNT, "column_count", "the line has a column too few or too many (csv)")                                 \
    X(DUPLICATE_ID, "duplicate_id", "the id of another good row (only where ids are unique)")

typedef enum GenerateBadKind {
#define X(id, name, meaning) GENERATE_BAD_##id,
    GENERATE_BAD_TABLE(X)
#undef X
        GENERATE_BAD_COUNT
} GenerateBadKind;

#define GENERATE_MAX_ROWS 1000000000000ULL
#define GENERATE_MAX_FILES 100000u
#define GENERATE_MAX_BAD_SHARE 0.5 /* of all kinds together */

typedef struct GenerateOptions {
    uint64_t rows;
    uint64_t seed;
    uint32_t files;
    GenerateFormat format;
    GenerateScenario scenario;
    ParquetCodec codec;
    int32_t as_of;   /* days since 1970-01-01: the last day on which something is shipped */
    bool unique_ids; /* swiftship's ids are unique anyway */
    double bad_share[GENERATE_BAD_COUNT];
    const char *out; /* folder; made when missing */
    ThreadPool *pool;
    /* called from worker threads, one at a time, about every 65,536 rows or more; may be NULL */
    void (*progress)(void *context, uint64_t rows_done, uint64_t rows_total);
    void *progress_context;
} GenerateOptions;

typedef struct GenerateSummary {
    uint64_t rows;
    uint64_t bytes; /* of the data files */
    uint32_t files;
    double seconds;
    uint64_t bad_rows[GENERATE_BAD_COUNT];
    uint64_t bad_rows_total;
} GenerateSummary;

/* 50,000 rows, seed 1, one Parquet file with snappy, original scenario as of 2025-06-30, no bad rows; `out` and `pool`
 * NULL. */
void generate_options_init(GenerateOptions *options);

/* Whether rows of this kind can be made with the options' format, scenario and ids. */
bool generate_bad_kind_applies(const GenerateOptions *options, GenerateBadKind kind);
/* Spreads `share` (of all rows, 0..0.5) evenly over the kinds that apply; set format, scenario and ids before. */
Status generate_bad_rows(GenerateOptions *options, double share, Error *err) MUST_CHECK;
/* "KIND=SHARE": sets the share of one kind; an unknown kind gives USAGE with the nearest name. */
Status generate_bad_rows_of_kind(GenerateOptions *options, const char *text, Error *err) MUST_CHECK;

/* "parquet" etc.; USAGE with the names there are, and the nearest one. */
Status generate_parse_format(const char *text, GenerateFormat *ret_format, Error *err) MUST_CHECK;
Status generate_parse_scenario(const char *text, GenerateScenario *ret_scenario, Error *err) MUST_CHECK;
const char *generate_format_name(GenerateFormat format);
const char *generate_scenario_name(GenerateScenario scenario);
const char *generate_bad_kind_name(GenerateBadKind kind);
const char *generate_bad_kind_meaning(GenerateBadKind kind);

/* What generate_run checks before it starts: USAGE for options out of range or at odds with each other. */
Status generate_check_options(const GenerateOptions *options, Error *err) MUST_CHECK;

/* Writes the files.  USAGE for options out of range, or when `out` holds part files that this run would leave standing
 * beside its own; INTERRUPTED when a stop was asked for.  On failure the files done so far stay, and no manifest is
 * written. */
Status generate_run(const GenerateOptions *options, GenerateSummary *ret_summary, Error *err) MUST_CHECK;

#endif
