/* Plan: what the binder makes of a SELECT; read-only for the executor.
 *
 *   text --scan_tokens--> tokens checked --libpg_query--> parse tree --bind--> Plan (a tree of PlanNode)
 *
 * An expression refers to columns of its node's child by index (EXPR_COLUMN).  Every expression is typed, and every
 * conversion is an explicit cast call, so the executor never converts by itself.  All memory is the query arena's. */
#ifndef FREIGHTLAKE_SQL_PLAN_H
#define FREIGHTLAKE_SQL_PLAN_H

#include "sql/plan_expr.h"

/* Most keys of a GROUP BY, columns of a SELECT DISTINCT, arguments of a DISTINCT aggregate. */
#define PLAN_MAX_KEYS 63

typedef enum PlanKind {
    PLAN_SCAN,
    PLAN_RELATION,
    PLAN_WINDOW,
    PLAN_JOIN,
    PLAN_FILTER,
    PLAN_PROJECT,
    PLAN_AGGREGATE,
    PLAN_SORT,
    PLAN_LIMIT
} PlanKind;

typedef struct PlanNode PlanNode;
struct PlanNode {
    PlanKind kind;
    PlanNode *child; /* NULL for a scan, a relation and a window */
    Schema schema;   /* of what this node gives */
    union {
        struct {
            const char *table; /* name as written, or the glob of `query` */
            uint32_t *columns; /* indices into the table's schema, one per column of `schema` */
        } scan;
        struct {
            const char *name; /* of the subquery or of WITH; "" for none */
            const PlanNode *
                *plans; /* whose rows these are, one plan's behind the other's (UNION ALL); all have columns of
                                     * the same types.  What WITH names is one plan, however often it is read. */
            uint32_t n_plans;
            uint32_t *columns; /* indices into the plans' schemas, one per column of `schema` */
        } relation;
        struct {
            const PlanNode *input; /* a plan of its own, of the shape that sql_plan describes */
            WindowCall *calls;
            uint32_t n_calls;
        } window; /* the whole of a plan, which a relation reads; columns: those of `input`, then one for each call */
        struct {
            const PlanNode *right;  /* a plan of its own, whose rows are held in memory */
            bool outer;             /* LEFT JOIN: a row of the child without a partner comes once, with NULLs */
            const Expr **left_keys; /* over the child */
            uint32_t *right_keys;   /* columns of right->schema, of the same types */
            uint32_t n_keys;        /* at least one; NULL equals nothing */
            const Expr *condition;  /* over this node's columns: what else makes two rows partners; NULL: nothing */
        } join;                     /* columns: the child's, then the first ones of `right` */
        struct {
            const Expr *condition; /* boolean; NULL drops the row */
        } filter;
        struct {
            const Expr **exprs; /* schema.n of them */
        } project;
        struct {
            const Expr **keys; /* output columns 0..n_keys are the keys, then the aggregates */
            uint32_t n_keys;
            AggregateCall *calls;
            uint32_t n_calls;
        } aggregate; /* no keys: exactly one row, also over no input */
        struct {
            SortKey *keys; /* complete: extended by the remaining visible columns, ascending, nulls first */
            uint32_t n_keys;
            uint32_t n_visible; /* only the first n_visible columns of the child are given on (the rest only sort) */
        } sort;
        struct {
            int64_t limit; /* -1: none */
            int64_t offset;
        } limit;
    };
};

/* The scan or relation that a plan reads; a window itself. */
const PlanNode *plan_leaf(const PlanNode *plan);
/* Plans that read each other, each once, those that are read before those that read them. */
typedef struct PlanList {
    const PlanNode **plans;
    uint32_t n;
    uint32_t capacity;
} PlanList;
/* Adds what `plan` reads, and the plan itself. */
void plan_list_add(PlanList *list, const PlanNode *plan, Arena *arena);
bool plan_list_has(const PlanList *list, const PlanNode *plan);
/* Whether the plan, or one that it reads, scans the table. */
bool plan_reads(const PlanNode *plan, const char *table);

/* Where the binder finds tables.  `ret_schema` lives at least as long as the plan. */
typedef struct Catalog {
    void *context;
    Status (*find_table)(void *context, const char *name, const Schema **ret_schema, Error *err);
} Catalog;

typedef enum SqlMode {
    SQL_MART, /* text must mean the same in Spark SQL: the refusals of docs/sql.md bind; tables are plain names */
    SQL_QUERY /* PostgreSQL quoting allowed, FROM 'files' allowed, unnamed columns get names */
} SqlMode;

/* Parses, checks and binds one query.  Errors have code SQL, the 1-based character position as offset, and a hint.
 * The plan always has the shape
 *   [Limit] <- [Sort] <- Project <- [Filter (HAVING)] <- [Aggregate] <- [Filter (WHERE)] <- input
 * where Project may give hidden columns behind the visible ones for Sort; without Sort there are none.  The input is
 *   Scan or Relation, or, without Sort or with Aggregate,   [Join <- ...] Join <- [Filter] <- Scan or Relation
 * The plans of relations and the right sides of joins have this shape, too, or are a Window over a plan of this shape. */
Status sql_plan(const char *text, SqlMode mode, const Catalog *catalog, Arena *query_arena, PlanNode **ret_plan,
                Error *err) MUST_CHECK;

/* The names of the tables a statement reads, each once, without binding (plain names, or globs in SQL_QUERY). */
Status sql_tables(const char *text, SqlMode mode, Arena *query_arena, const char ***ret_names, uint32_t *ret_n,
                  Error *err) MUST_CHECK;

/* Text of an expression for `explain`: SQL-like, columns by the names in `schema`. */
void expr_append_text(Buffer *buffer, const Expr *expr, const Schema *schema);

#endif
