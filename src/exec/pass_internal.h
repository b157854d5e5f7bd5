/* A pass while it runs (run.c). */
#ifndef FREIGHTLAKE_EXEC_PASS_INTERNAL_H
#define FREIGHTLAKE_EXEC_PASS_INTERNAL_H

#include <stdatomic.h>

#include "exec/join_stream.h"
#include "exec/pipeline.h"
#include "exec/top_rows.h"

/* A statement while it runs; what belongs to a worker is in StatementLocal. */
typedef struct Running {
    Statement *statement;
    PipelineShape shape;
    uint32_t *column_map; /* scan column of the plan -> column of the shared scan */
    bool *used;           /* columns of the shared scan that this statement reads */
    bool *skip;           /* per task; NULL: none */
    uint32_t n_skipped;
    Sorter *sorter;
    uint32_t top; /* rows that ORDER BY and LIMIT want, where they are few; 0: all rows are sorted */
    TopBound top_bound;
    Emitter emitter;        /* of a statement that neither groups nor sorts */
    uint64_t emitted;       /* rows of it, within turns */
    _Atomic bool satisfied; /* LIMIT reached */
} Running;

typedef struct StatementLocal {
    EvalNode *where;
    JoinStream *joins;  /* NULL: none */
    EvalNode **outputs; /* neither grouped nor sorted */
    TopRows *top;       /* of Running.top rows; NULL: none */
    Aggregate *aggregate;
    Cells *cells; /* its own, when it has WHERE */
    bool served;  /* by cells, in this row group */
    uint64_t rows_in;
    double seconds;
    Batch *pending; /* of this row group, to be emitted at its turn */
    uint32_t n_pending;
    uint32_t pending_capacity;
    uint64_t pending_rows;
} StatementLocal;

typedef struct Worker {
    ScanCursor cursor;
    Arena query_arena;
    Arena batch_arena;
    Cells *cells; /* shared by the aggregates without WHERE */
    bool *cells_served;
    StatementLocal *locals;
    Vector *columns;
    Vector *selected;
    double scan_seconds;
    size_t reserved; /* bytes of the query and row-group arenas that the budget knows of */
    Status status;
    Error err;
} Worker;

typedef struct Run {
    Running *running;
    uint32_t n;
    const TableFiles *table;
    const ExecOptions *options;
    ScanPlan *plan;
    bool *skip; /* tasks that no statement needs */
    Worker *workers;
    int n_workers;
    _Atomic uint32_t next_task;
    _Atomic uint64_t rows_done;
    _Atomic uint64_t rows_skipped; /* by the page index */
    _Atomic uint64_t bytes_read;
    _Atomic bool failed;
    Arena arena;
} Run;

/* Tells the budget what the worker's arenas hold: groups, rows waiting for their turn, cast dictionaries. */
Status pass_account_memory(Run *run, Worker *worker, Error *err) MUST_CHECK;
void pass_fail(Run *run, Worker *worker, Status status);
Status pass_first_failure(Run *run, Error *err) MUST_CHECK;
/* Rows of statement s that are done with WHERE and joins. */
Status pass_take_rows(Run *run, int index, uint32_t s, uint32_t task, EvalContext *rows) MUST_CHECK;
/* What a worker kept of a statement that emits rows, within the caller's turn. */
Status pass_emit_pending(Running *running, StatementLocal *local, Error *err) MUST_CHECK;
/* After the scan: the parts of joins that did not fit in memory. */
Status pass_join_parts(Run *run, Error *err) MUST_CHECK;
/* After that: every statement's result to its sink, and its figures. */
Status pass_finish(Run *run, Error *err) MUST_CHECK;

#endif
