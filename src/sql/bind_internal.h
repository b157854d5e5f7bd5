/* What query.c, bind.c, expression.c, cast.c and call.c share: the state of binding one SELECT.
 *
 * While binding, expressions are over the table's own schema, and an aggregate call stands as a column with the mark
 * AGGREGATE_MARK and its index, a window call with WINDOW_MARK.  assemble.c turns all of them into columns of the plan's nodes at the end. */
#ifndef FREIGHTLAKE_SQL_BIND_INTERNAL_H
#define FREIGHTLAKE_SQL_BIND_INTERNAL_H

#include "sql/sql_internal.h"

#define AGGREGATE_MARK 0x80000000u
#define WINDOW_MARK 0x40000000u
#define SQL_MAX_COLUMNS 4096

/* Where names of the SELECT list are seen, and whether they win over the table's columns. */
typedef enum AliasRule { ALIAS_NONE, ALIAS_AFTER_COLUMNS, ALIAS_BEFORE_COLUMNS } AliasRule;

typedef struct Scope {
    const char *clause; /* "WHERE", for messages */
    AliasRule aliases;
    bool aggregates;       /* aggregate calls may stand here */
    bool inside_aggregate; /* in an argument or filter of one */
    bool subqueries;       /* queries may stand here */
    bool windows;          /* window calls may stand here */
    bool inside_window;    /* in an argument or key of one */
    bool orders;           /* in ORDER BY, also inside an aggregate there */
} Scope;

typedef struct Output {
    const char *name;
    const Expr *expr;
    int32_t byte; /* where it stands in the text */
    bool named;   /* by the text, not by the binder */
} Output;

/* What stands in FROM. */
typedef struct BindTable {
    const Schema *schema;
    const char *name;       /* its alias where it has one; "" for a subquery without */
    const char *table;      /* in the catalog; NULL: */
    const PlanNode **plans; /* a subquery, several of UNION ALL, or what WITH names */
    uint32_t n_plans;
} BindTable;

/* The tables of FROM; all but the first are joined to those before.  Behind them come those of queries in expressions, for
 * which there is room (subquery_tables). */
typedef struct BindFrom {
    BindTable *tables;
    uint32_t n_tables;
    bool *outer;                      /* per table: by LEFT JOIN */
    const PgQuery__Node **conditions; /* per table: ON */
    uint32_t *first;                  /* per table: its first column in `schema` */
    Schema schema;                    /* the columns of all tables */
} BindFrom;

/* What query.c does for queries in expressions. */
typedef struct SubqueryPlanner {
    void *context;
    Status (*plan)(void *context, const PgQuery__Node *query, PlanNode **ret, int32_t *ret_byte, Error *err);
    bool in_expression; /* the SELECT being bound is one of them: nobody sees its columns' names */
} SubqueryPlanner;

/* One key of ORDER BY, over the table and the marks. */
typedef struct OrderItem {
    const Expr *expr;
    int32_t byte;
    bool descending;
    bool nulls_first;
} OrderItem;

typedef struct Binder {
    const SqlText *source;
    Arena *arena;
    BindFrom *from;
    const Expr **on;                /* per table, bound; NULL: each row with each (of a query of one row) */
    const SubqueryPlanner *planner; /* NULL: no query may stand in an expression */
    const Schema *table;            /* &from->schema */
    const char *table_name;         /* for messages: of the first, or "FROM" */
    uint32_t n_visible;             /* tables that names are looked up in: all but those of queries in expressions */
    Output *outputs;
    uint32_t n_outputs;
    uint32_t outputs_capacity;
    AggregateCall *calls;
    uint32_t n_calls;
    struct BoundWindow *windows; /* bind_window.h */
    uint32_t n_windows;
    PgQuery__Node *const *window_names; /* the WINDOW clause */
    size_t n_window_names;
    bool distinct; /* SELECT DISTINCT */
    uint32_t depth;
    int32_t byte; /* of the last node with a known place */
} Binder;

/* A SELECT with all its clauses bound. */
typedef struct Query {
    const Expr **on;   /* per table of FROM; none of the first */
    const Expr *where; /* NULL: none */
    const Expr **keys; /* GROUP BY, or the outputs of SELECT DISTINCT */
    uint32_t n_keys;
    const Expr *having; /* NULL: none */
    int32_t having_byte;
    OrderItem *order;
    uint32_t n_order;
    bool aggregates; /* grouped, or with an aggregate call */
    bool distinct;
    int64_t limit; /* -1: none */
    int64_t offset;
} Query;

/* ---- assemble.c ---- */
/* The plan's nodes from the bound clauses: columns pruned, keys and aggregates put into their place. */
Status assemble_plan(Binder *binder, const Query *query, PlanNode **ret, Error *err) MUST_CHECK;

PlanNode *plan_node_new(Arena *arena, PlanKind kind, PlanNode *child, uint32_t n_columns);
PlanNode *plan_filter(Arena *arena, PlanNode *child, const Expr *condition);
/* The expression over the columns that are kept, numbered in the order of FROM less `first`. */
const Expr *assemble_over_kept(Arena *arena, const Expr *expr, const uint32_t *kept, uint32_t first);

/* "sum(a)", as a name of a column. */
const char *assemble_name(Arena *arena, const Expr *expr, const Schema *schema);

/* ---- assemble_from.c ---- */
/* What the clauses above read from: the leaf, or leaves and joins, with WHERE.  kept[column of FROM] is UINT32_MAX where
 * nobody reads it, else its number among those kept, which are the columns of *ret. */
Status assemble_from(const Binder *binder, const Query *query, const uint32_t *kept, PlanNode **ret, Error *err)
    MUST_CHECK;

/* ---- bind.c ---- */
/* The plan of one SELECT over `from`, which takes the queries in its expressions up. */
Status bind_select(const SqlText *source, const PgQuery__SelectStmt *select, BindFrom *from,
                   const SubqueryPlanner *planner, Arena *arena, PlanNode **ret, Error *err) MUST_CHECK;
/* All columns of `from` cast to `types` (NULL: as they are), each row once if `distinct`, in the order and with the limit
 * that `clauses` asks for (NULL: none). */
Status bind_relation(const SqlText *source, const BindTable *table, const DataType *types, bool distinct,
                     const PgQuery__SelectStmt *clauses, Arena *arena, PlanNode **ret, Error *err) MUST_CHECK;

/* Sets whether a key of ORDER BY descends, and where its NULLs go. */
Status bind_direction(const Binder *binder, const PgQuery__SortBy *sort, OrderItem *item, Error *err) MUST_CHECK;

/* Binds one expression of the tree. */
Status bind_expr(Binder *binder, const PgQuery__Node *node, const Scope *scope, const Expr **ret, Error *err)
    MUST_CHECK;
/* The same, and it must be boolean (a NULL is made one). */
Status bind_condition(Binder *binder, const PgQuery__Node *node, const Scope *scope, const Expr **ret, Error *err)
    MUST_CHECK;
Status bind_list(Binder *binder, PgQuery__Node *const *nodes, size_t n, const Scope *scope, const Expr ***ret,
                 Error *err) MUST_CHECK;
/* expr_call for an expression at byte `byte`, which an error gets as its position. */
Status bind_call(Binder *binder, const char *name, const Expr *const *args, uint32_t n, int32_t byte, const Expr **ret,
                 Error *err) MUST_CHECK;
/* Gives a failure the position of `byte` unless it has one. */
Status bind_at(const Binder *binder, Status status, int32_t byte, Error *err) MUST_CHECK;
/* Index of the output of that name (without regard to case), -1 for none, -2 when several differ. */
int bind_find_output(const Binder *binder, const char *name);
/* The column or alias a tree's ColumnRef names. */
Status bind_column(Binder *binder, const PgQuery__ColumnRef *reference, const Scope *scope, const Expr **ret,
                   Error *err) MUST_CHECK;

/* ---- cast.c ---- */
/* CAST(a AS type), DATE '...', TIMESTAMP '...'. */
Status bind_cast_node(Binder *binder, const PgQuery__TypeCast *cast, const Scope *scope, const Expr **ret, Error *err)
    MUST_CHECK;
/* A literal, typed as Spark types it. */
Status bind_constant(Binder *binder, const PgQuery__AConst *constant, const Expr **ret, Error *err) MUST_CHECK;

/* ---- call.c ---- */
/* A call by name: a scalar function or an aggregate. */
Status bind_function(Binder *binder, const PgQuery__FuncCall *call, const Scope *scope, const Expr **ret, Error *err)
    MUST_CHECK;
/* The call of a window that is an aggregate: kind, arguments, type. */
Status bind_window_aggregate(Binder *binder, const char *name, const PgQuery__FuncCall *node, const Scope *inner,
                             AggregateCall *ret, Error *err) MUST_CHECK;

/* ---- subquery.c ---- */
/* Tables that the queries in the statement's expressions can add, each of two columns at most. */
uint32_t subquery_tables(const SqlText *source);
Status bind_sub_link(Binder *binder, const PgQuery__SubLink *link, const Scope *scope, const Expr **ret, Error *err)
    MUST_CHECK;
/* WHERE, with IN (SELECT ...) between its ANDs; NULL when nothing is left to filter by. */
Status bind_where(Binder *binder, const PgQuery__Node *node, const Scope *scope, const Expr **ret, Error *err)
    MUST_CHECK;

/* "sum(a) FILTER (WHERE b)". */
const char *aggregate_text(Arena *arena, const AggregateCall *call, const Schema *schema);

#endif
