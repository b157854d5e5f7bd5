/* Checks: a mart's tests, each a SELECT of the rows that break it.
 *
 * The form, in NAME.tests.yaml beside NAME.sql:
 *
 *   tests:
 *     - not_null: [carrier, total_shipments]
 *     - unique: [carrier]
 *     - range: {column: on_time_percentage, min: 0, max: 100}
 *     - accepted_values: {column: transport_mode, values: [Road, Rail, Air, Sea, Parcel]}
 *     - no_rows: SELECT carrier FROM carrier_performance WHERE total_shipments < 0
 *     - row_count_change: {max_drop: 0.5, max_growth: 2}      shares of the version in force
 *
 * All but the last expand to SQL over the mart's own name, which runs on Spark as it is; no_rows may read the table
 * shipments too.  Whatever reads the same table is run in one scan of it. */
#ifndef FREIGHTLAKE_MART_CHECKS_H
#define FREIGHTLAKE_MART_CHECKS_H

#include "exec/exec.h"
#include "mart/registry.h"

#define CHECK_ROWS_SHOWN 5

typedef struct MartCheck {
    const char *rule;            /* "not_null(carrier)" */
    const char *sql;             /* selects the rows that break it; NULL: row_count_change */
    double max_drop, max_growth; /* row_count_change; negative: none */
    const PlanNode *plan;        /* of sql */
    bool of_shipments;           /* sql reads shipments */
    int64_t line;
    /* filled in by checks_run: */
    bool passed;
    uint64_t rows;        /* that break it */
    const char *examples; /* some of them, one a line; "" when it passed */
} MartCheck;

typedef struct MartChecks {
    MartCheck *checks;
    uint32_t n;
} MartChecks;

/* Reads, expands and plans the tests of a mart with these columns (which live as long as the checks); all memory is the
 * arena's.  CONFIG with file and line for whatever cannot be meant. */
Status checks_load(const Mart *mart, const Schema *schema, Arena *arena, MartChecks *ret_checks, Error *err) MUST_CHECK;
/* Plans a mart and its tests: what says whether a definition is sound. */
Status checks_plan(const Mart *mart, Arena *arena, PlanNode **ret_plan, MartChecks *ret_checks, Error *err) MUST_CHECK;
/* Whether some check reads the table of shipments. */
bool checks_read_shipments(const MartChecks *checks);

typedef struct ChecksInput {
    const char *name;            /* of the mart */
    const TableFiles *mart;      /* the version to be checked; its schema is that given to checks_load */
    const TableFiles *shipments; /* NULL: no check reads them */
    int64_t rows_before;         /* of the version in force; -1: there is none */
    ThreadPool *pool;
    MemoryBudget *budget;
} ChecksInput;
/* Runs all checks; *ret_passed says whether all passed. */
Status checks_run(MartChecks *checks, const ChecksInput *input, Arena *arena, bool *ret_passed, Error *err) MUST_CHECK;

#endif
