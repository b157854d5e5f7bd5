/* Windows while one SELECT is bound, beside bind_internal.h. */
#ifndef FREIGHTLAKE_SQL_BIND_WINDOW_H
#define FREIGHTLAKE_SQL_BIND_WINDOW_H

#include "sql/bind_internal.h"

/* A window call, over the table and aggregate marks. */
typedef struct BoundWindow {
    WindowKind kind;
    AggregateCall call; /* arguments and type; of WINDOW_AGGREGATE also the kind */
    int64_t number;
    const Expr **partition;
    uint32_t n_partition;
    OrderItem *order;
    uint32_t n_order;
    WindowFrame frame;
    int32_t byte;
} BoundWindow;

/* ---- window.c ---- */
bool is_window_function(const char *name);
/* A call with OVER. */
Status bind_window(Binder *binder, const char *name, const PgQuery__FuncCall *node, const Scope *scope,
                   const Expr **ret, Error *err) MUST_CHECK;
/* ---- assemble_window.c ---- */
bool expr_has_window(const Expr *expr);
/* The windows over `child`'s rows, whose arguments and keys are over its columns, as a relation to read.  exprs, two lists
 * over the child and window marks, become expressions over that. */
PlanNode *assemble_windows(const Binder *binder, PlanNode *child, const Expr **exprs[2], const uint32_t n_exprs[2]);

#endif
