/* Export: the marts and their tests as files, for whoever runs them elsewhere.
 *
 *   DIR/NAME.sql, DIR/NAME.tests.yaml    as they are, to the byte; DIR can be given to --marts
 *   DIR/tests/NAME.sql                   each test as a SELECT of the rows that break it, after a comment that names its rule
 *   DIR/marts.json                       the manifest: {"format": 1, "marts": [...]}, see export_append_mart
 *
 * The SQL runs on Spark as it is.  The manifest is written last and an older one removed first: where there is one, all
 * files it names are there and of the same export. */
#ifndef FREIGHTLAKE_MART_EXPORT_H
#define FREIGHTLAKE_MART_EXPORT_H

#include "mart/checks.h"

#define EXPORT_FORMAT 1
#define EXPORT_MANIFEST "marts.json"

/* A mart with what was planned of it. */
typedef struct PlannedMart {
    const Mart *mart;
    const PlanNode *plan;
    MartChecks checks;
    const char **tables; /* that its SQL reads */
    uint32_t n_tables;
    const char *sql_file, *tests_file, *tests_sql_file; /* below the folder of an export; NULL: none */
} PlannedMart;

/* Plans the SQL and the tests of a mart; errors are those of checks_plan. */
Status export_plan(const Mart *mart, Arena *job_arena, PlannedMart *ret_planned, Error *err) MUST_CHECK;
/* Of the marts those that can be planned, in their order; *ret_broken is the error of the first that cannot, OK when all can. */
const Mart **export_sound(const Mart *const *marts, uint32_t *inout_n, Arena *job_arena, Error *ret_broken);

/* A mart as a JSON object:
 *
 *   name, title, meaning
 *   file             where the SQL is from; null: built in
 *   definition_hash  of the SQL's bytes (XXH3, 128 bits), the one that runs record
 *   incremental      whether `run` can add new rows to what it made
 *   sql              as it is
 *   reads            names of tables
 *   columns          [{name, type, nullable}] in order; types by Spark's names
 *   tests            [{rule, reads, sql}] in the order they run; sql selects the rows that break the rule.  row_count_change has
 *                    max_drop and max_growth, shares of the version in force, instead
 *   files            {sql, tests, tests_sql}, names below the folder of the export, null where there is none
 */
void export_append_mart(Buffer *json, const PlannedMart *planned);

/* [{name, type, nullable}] */
void export_append_columns(Buffer *json, const Schema *schema);

typedef struct ExportOptions {
    const Mart *const *marts;
    uint32_t n_marts;
    const char *folder;
    bool force; /* write into a folder that is not empty: files of the same names are replaced, others stay */
} ExportOptions;

typedef struct ExportResult {
    PlannedMart *marts; /* in the order of the options */
    uint32_t n_marts;
    uint32_t n_files; /* the manifest among them */
} ExportResult;

/* Writes the files, each whole or not at all; everything is planned before the first is written.  USAGE when the folder is
 * not empty.  The result's memory is job_arena's. */
Status export_marts(const ExportOptions *options, Arena *job_arena, ExportResult *ret_result, Error *err) MUST_CHECK;

#endif
