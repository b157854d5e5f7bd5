/* exec: runs bound plans over tables of Parquet files, several plans over the same table in one shared scan.
 *
 * Results go to a Sink as batches in their final order. */
#ifndef FREIGHTLAKE_EXEC_EXEC_H
#define FREIGHTLAKE_EXEC_EXEC_H

#include "base/pool.h"
#include "parquet/reader.h"
#include "parquet/writer.h"
#include "sql/plan.h"

/* The files behind a table.  Their columns are found by name and cast to the table's types as they are read. */
typedef struct TableFiles {
    ParquetFile **files;
    uint32_t n_files;
    const Schema *schema; /* the table's; a column that a plan reads and a file lacks is an error (exec_check_files) */
    /* constants[file * schema->n + column] is the value of every row of that file, for columns that are not in the file
     * (partition columns; NULL for a column the table got later); .type.id == TYPE_COUNT: read it from the file.  Types
     * are the schema's.  NULL: every column is in every file. */
    const Value *constants;
    const char *name; /* as plans have it; NULL: any, where there is but one table */
    /* In place of files: rows in memory, whose columns are the schema's (exec's own). */
    const struct Relation **relations;
    uint32_t n_relations;
} TableFiles;

/* Where a plan's result goes.  Exactly one of the two is used: */
typedef struct Sink {
    /* a Parquet file, encoded by all threads (not committed: the caller commits `file`), or */
    StorageWriter *file;
    const ParquetWriterOptions *options;
    /* batches, called from one thread at a time, in order */
    void *context;
    Status (*batch)(void *context, const Schema *schema, const Batch *batch, Error *err);
} Sink;

#define EXEC_MAX_OPERATORS 48

/* What happened in one operator, for `explain --analyze`. */
typedef struct OperatorStatistics {
    const PlanNode *node;
    uint64_t rows_in;
    uint64_t rows_out;
    double cpu_seconds;
    uint64_t memory_bytes;
    char detail[160]; /* "3 of 28 row groups skipped", "dictionary path: 224 groups in 1,792 cells" */
} OperatorStatistics;

typedef struct Statement {
    const PlanNode *plan;
    Sink sink;
    /* Incremental aggregates (plans for which exec_plan_is_incremental): the state of the groups over other rows, merged in
     * before the result is made, and the state over those rows and this scan's.  NULL: not wanted. */
    const Buffer *state_in;
    Buffer *state_out;
    /* of the plan's joins, the lowest first (exec's own) */
    struct JoinSide *joins;
    /* filled in: */
    uint64_t rows_out;
    uint64_t bytes_out;                               /* of the Parquet file */
    OperatorStatistics operators[EXEC_MAX_OPERATORS]; /* of the plan, then of the plans that it reads */
    uint32_t n_operators;
} Statement;

typedef struct ExecOptions {
    ThreadPool *pool;
    MemoryBudget *budget;
    /* called from worker threads, often; may be NULL */
    void (*progress)(void *context, uint64_t rows_done, uint64_t rows_total);
    void *progress_context;
} ExecOptions;

typedef struct ScanStatistics {
    uint64_t rows;
    uint64_t bytes_read; /* compressed bytes of the column chunks read */
    uint32_t row_groups;
    uint32_t row_groups_skipped;
} ScanStatistics;

/* Checks that every column that `plan` reads of the table is in every file with a type that casts to the table's; the error
 * names file, column and both types, and suggests the nearest column name. */
Status exec_check_files(const PlanNode *plan, const TableFiles *table, Error *err) MUST_CHECK;

/* Runs all statements, in one pass over each of the tables.  On failure some sinks may have got a part of their result:
 * discard. */
Status exec_run(Statement *statements, uint32_t n, const TableFiles *tables, uint32_t n_tables,
                const ExecOptions *options, ScanStatistics *ret_scan, Error *err) MUST_CHECK;

/* Whether the result over old and new rows can be made from a saved state of the old ones: an aggregate of a table whose
 * functions all merge (no DISTINCT) and whose expressions depend on nothing but the row. */
bool exec_plan_is_incremental(const PlanNode *plan);

/* What is known of a file before it is opened; as row groups' statistics. */
typedef struct FileFacts {
    void *context;
    /* false: nothing is known of this column of the table */
    bool (*statistics)(void *context, uint32_t column, ParquetStatistics *ret_statistics);
} FileFacts;
/* False when no row of such a file of the table (NULL: of the only one) can pass the WHERE of the plan, or of one of those it
 * reads. */
bool exec_file_can_match(const PlanNode *plan, const char *table, const FileFacts *facts);

/* Plan as text, one node a line, indented; with statistics when statement->n_operators > 0. */
void exec_explain(const Statement *statement, Buffer *text);

#endif
