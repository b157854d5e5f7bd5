/* What the nodes of a plan (plan.h) hold: expressions, aggregate calls, sort keys, window calls. */
#ifndef FREIGHTLAKE_SQL_PLAN_EXPR_H
#define FREIGHTLAKE_SQL_PLAN_EXPR_H

#include "columnar/function.h"

typedef enum ExprKind { EXPR_COLUMN, EXPR_CONST, EXPR_CALL } ExprKind;

typedef struct Expr Expr;
struct Expr {
    ExprKind kind;
    DataType type;
    uint32_t column;   /* EXPR_COLUMN */
    Value constant;    /* EXPR_CONST */
    FunctionCall call; /* EXPR_CALL */
    const Expr **args; /* EXPR_CALL: call.n_args of them */
    int32_t position;  /* 1-based character in the SQL text, for messages; 0 unknown */
};

typedef enum AggregateKind {
    AGGREGATE_COUNT_STAR, /* count(*): bigint */
    AGGREGATE_COUNT,      /* count(x): bigint */
    AGGREGATE_SUM, /* int, bigint -> bigint (wraps as Spark's); decimal(p,s) -> decimal(p+10,s); double -> double */
    AGGREGATE_AVG, /* integers, double -> double; decimal(p,s) -> decimal(p+4,s+4), half up */
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_MIN_BY, /* (x, y): the type of x */
    AGGREGATE_MAX_BY,
    AGGREGATE_STDDEV_SAMP, /* double -> double, as all that follow */
    AGGREGATE_STDDEV_POP,
    AGGREGATE_VAR_SAMP,
    AGGREGATE_VAR_POP,
    AGGREGATE_CORR, /* (x, y) */
    AGGREGATE_PERCENTILE,
    AGGREGATE_MEDIAN,
} AggregateKind;

/* The function's name, "count" for both kinds of it. */
const char *aggregate_name(AggregateKind kind);

typedef struct AggregateCall {
    AggregateKind kind;
    bool distinct; /* neither MIN nor MAX nor BY; count(DISTINCT a, b) has several args */
    const Expr **args;
    uint32_t n_args;
    double fraction;    /* PERCENTILE, and 0.5 of MEDIAN */
    const Expr *filter; /* FILTER (WHERE ...), boolean, or NULL */
    DataType type;
} AggregateCall;

/* Appends what stands behind the arguments of a call: the fraction of a percentile. */
void aggregate_append_fraction(Buffer *text, const AggregateCall *call);

typedef struct SortKey {
    uint32_t column; /* of the node's child */
    bool descending;
    bool nulls_first;
} SortKey;

typedef enum WindowKind {
    WINDOW_ROW_NUMBER, /* int, as the ranks and ntile */
    WINDOW_RANK,
    WINDOW_DENSE_RANK,
    WINDOW_PERCENT_RANK, /* double */
    WINDOW_CUME_DIST,
    WINDOW_NTILE,
    WINDOW_LAG, /* the type of x, as those that follow */
    WINDOW_LEAD,
    WINDOW_FIRST_VALUE,
    WINDOW_LAST_VALUE,
    WINDOW_AGGREGATE /* count, sum, avg, min, max */
} WindowKind;

/* The function's name; "" of WINDOW_AGGREGATE. */
const char *window_name(WindowKind kind);

typedef enum WindowBoundKind {
    WINDOW_BOUND_UNBOUNDED, /* the partition's start or end */
    WINDOW_BOUND_PEERS,     /* the first or last row that is equal in all keys of the order */
    WINDOW_BOUND_ROWS       /* so many rows behind the current one; negative: before it */
} WindowBoundKind;

typedef struct WindowBound {
    WindowBoundKind kind;
    int64_t rows;
} WindowBound;

typedef struct WindowFrame {
    WindowBound start, end; /* both belong to it */
} WindowFrame;

/* Columns are those of the window's input. */
typedef struct WindowCall {
    WindowKind kind;
    AggregateKind aggregate; /* of WINDOW_AGGREGATE */
    uint32_t args[2];        /* x, and what lag and lead give where there is no row */
    uint32_t n_args;
    int64_t number; /* rows of lag and lead, parts of ntile */
    uint32_t *partition;
    uint32_t n_partition;
    SortKey *order;
    uint32_t n_order;
    WindowFrame frame; /* of first_value, last_value and aggregates */
    DataType type;
} WindowCall;

/* "sum(cost) OVER (PARTITION BY carrier ORDER BY day)" */
void window_append_text(Buffer *text, const WindowCall *call, const Schema *input);

#endif
