/* Scan: row groups of a table's files, or blocks of relations, as chunks of vectors in the table's types.
 *
 * A ScanPlan is read-only and shared; each worker thread has a ScanCursor, which it points at one task (a row group) after
 * the other.  Columns come as the file has them, dictionary codes kept; a column whose file type is not the table's is
 * cast, and a dictionary is cast once a row group. */
#ifndef FREIGHTLAKE_EXEC_SCAN_H
#define FREIGHTLAKE_EXEC_SCAN_H

#include "exec/exec.h"

#define SCAN_CHUNK_ROWS 16384
#define SCAN_CONSTANT (UINT32_MAX - 1) /* a column that the file does not have: TableFiles.constants */

typedef struct ScanTask {
    uint32_t file;      /* or relation */
    uint32_t row_group; /* or block of the relation */
    uint64_t rows;
} ScanTask;

typedef struct ScanPlan {
    const TableFiles *table;
    uint32_t *columns; /* indices into the table's schema */
    uint32_t n_columns;
    uint32_t *file_columns; /* [file * n_columns + i]: index into the file's schema, or SCAN_CONSTANT */
    ScanTask *tasks;
    uint32_t n_tasks;
    uint64_t rows;
} ScanPlan;

/* Looks the columns up in every file; the error names file and column. */
Status scan_plan(const TableFiles *table, const uint32_t *columns, uint32_t n_columns, Arena *arena,
                 ScanPlan **ret_plan, Error *err) MUST_CHECK;
/* Compressed bytes of the column chunks that a task reads from its file. */
uint64_t scan_task_bytes(const ScanPlan *plan, uint32_t task);
/* The value that a column has in every row of a file; NULL: it is read from the file. */
const Value *scan_constant(const ScanPlan *plan, uint32_t file, uint32_t column);
/* Whether a column of a file is read as it is, so that its statistics are the table column's. */
bool scan_column_is_plain(const ScanPlan *plan, uint32_t file, uint32_t column);
/* The whole dictionary of a column in a task, cast to the table's type, in `arena`; NULL where pages have none. */
Status scan_task_dictionary(const ScanPlan *plan, uint32_t task, uint32_t column, Arena *arena,
                            const Vector **ret_dictionary, Error *err) MUST_CHECK;

typedef struct RowRange {
    uint64_t first;
    uint64_t end;
} RowRange;

typedef struct RowRanges {
    RowRange *ranges; /* ascending, without overlap */
    uint32_t n;
} RowRanges;

typedef struct ScanCursor {
    const ScanPlan *plan;
    ParquetRowGroup *handle;
    const Batch *block;  /* of a relation, in place of `handle` */
    Arena arena;         /* of the row group: cast dictionaries and what the evaluators remember */
    uint64_t generation; /* grows with every task */
    const ScanTask *task;
    uint64_t row;     /* of the row group: the next to be read */
    RowRanges wanted; /* rows to give; those between are skipped */
    uint32_t range;
    const Vector **dictionaries; /* per column, in the table's type; NULL: none in this row group */
    bool *casts;
    uint32_t *file_columns;
} ScanCursor;

/* The tasks that a sample of rows is drawn from, spread over the table. */
uint32_t scan_sample_spots(const ScanPlan *plan);
uint32_t scan_sample_task(const ScanPlan *plan, uint32_t spot);

/* Where files are far away and the scan is preceded by others over the same rows: reads row groups that are not skipped once
 * and keeps their bytes, as many as a quarter of the budget holds, until scan_drop.  Elsewhere does nothing. */
Status scan_keep(const ScanPlan *plan, const bool *skip, ThreadPool *pool, MemoryBudget *budget, Error *err) MUST_CHECK;
void scan_drop(const ScanPlan *plan, uint32_t task); /* fine when it is not kept */

void scan_cursor_init(ScanCursor *cursor, const ScanPlan *plan);
void scan_cursor_done(ScanCursor *cursor);
/* wanted: per column of the plan, whether to read it; NULL: all.  Others must not be looked at in chunks. */
Status scan_cursor_open(ScanCursor *cursor, uint32_t task, const bool *wanted, Error *err) MUST_CHECK;
/* Only these rows of the task will be given; `ranges` lives as long as the task.  Before the first chunk. */
void scan_cursor_restrict(ScanCursor *cursor, RowRanges ranges);
/* The next chunk of at most `max` rows (up to SCAN_CHUNK_ROWS); *ret_n is 0 at the end.  Vectors live until the next call; what has to be cast row
 * by row lives in batch_arena. */
Status scan_cursor_next(ScanCursor *cursor, uint32_t max, Arena *batch_arena, Vector *ret_columns, uint32_t *ret_n,
                        Error *err) MUST_CHECK;
/* Passes over n rows, of those read and those not. */
Status scan_cursor_skip(ScanCursor *cursor, uint64_t n, Error *err) MUST_CHECK;

#endif
