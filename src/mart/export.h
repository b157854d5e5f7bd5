/* Export: the marts and their tests as files, for whoever runs them elsewhere.
 *
 *   DIR/NAME.sql, DIR/NAME.tests.yaml    as they are; DIR can be given to --marts
 *   DIR/tests/NAME.sql                   each test as a SELECT of the rows that break it, after a comment that names its rule
 *   DIR/marts.json                       all of it for a machine, with definition hashes and row_count_change
 *
 * The SQL runs on Spark as it is. */
#ifndef FREIGHTLAKE_MART_EXPORT_H
#define FREIGHTLAKE_MART_EXPORT_H

#include "mart/checks.h"

/* A mart as a JSON object; `checks` are those of checks_load. */
void export_append_mart(Buffer *json, const Mart *mart, const PlanNode *plan, const MartChecks *checks);
/* Writes the files of these marts, each whole; what is there of the same name is replaced.  Everything is planned before
 * the first is written.  *ret_files counts them. */
Status export_marts(const Mart *const *marts, uint32_t n, const char *folder, Arena *job_arena, uint32_t *ret_files,
                    Error *err) MUST_CHECK;

#endif
