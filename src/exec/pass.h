/* Pass: statements that read the same table, or the same relations, run in one scan of it. */
#ifndef FREIGHTLAKE_EXEC_PASS_H
#define FREIGHTLAKE_EXEC_PASS_H

#include "exec/exec.h"

/* As exec_run, where every statement's leaf is this table or relation. */
Status pass_run(Statement *statements, uint32_t n, const TableFiles *table, const ExecOptions *options,
                ScanStatistics *ret_scan, Error *err) MUST_CHECK;

#endif
