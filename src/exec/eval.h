/* eval: expressions over the columns of a chunk.
 *
 * An EvalNode tree mirrors an Expr; it belongs to one thread, because it remembers results.  An expression that depends
 * on one dictionary column is computed once over the dictionary's entries and gives a DICT vector with the same codes:
 * casts, LIKE and CASE then cost nothing a row.  Everything else is computed on flat vectors.
 *
 * Lifetimes: what is remembered lives in `group_arena` and is valid for one generation (one row group, whose dictionaries
 * stay where they are); row results live in `batch_arena` until the caller resets it. */
#ifndef FREIGHTLAKE_EXEC_EVAL_H
#define FREIGHTLAKE_EXEC_EVAL_H

#include "sql/plan.h"

#define EVAL_MANY_COLUMNS (-2)
#define EVAL_NO_COLUMN (-1)

typedef struct EvalNode EvalNode;
struct EvalNode {
    const Expr *expr;
    int32_t only_column; /* the one column this depends on, EVAL_NO_COLUMN or EVAL_MANY_COLUMNS */
    EvalNode **args;
    uint64_t generation;   /* of `entries` */
    const Vector *source;  /* the dictionary that `entries` was computed from */
    const Vector *entries; /* FLAT, one entry per entry of `source` */
};

typedef struct EvalContext {
    Arena *batch_arena;
    Arena *group_arena;
    uint64_t generation; /* changes whenever dictionaries may have changed */
    const Vector *columns;
    uint32_t n;
} EvalContext;

/* column_map: column of the expression -> column of the context; NULL is the identity. */
EvalNode *eval_prepare(const Expr *expr, const uint32_t *column_map, Arena *arena);
Vector eval_run(EvalNode *node, EvalContext *context);
/* Marks the columns (of the context) that the expression reads. */
void eval_mark_columns(const EvalNode *node, bool *used);
/* Whether two prepared expressions are the same computation over the same columns. */
bool eval_equal(const EvalNode *a, const EvalNode *b);
/* Rows where a boolean vector is true, ascending; returns how many. */
uint32_t eval_true_rows(const Vector *condition, uint32_t *ret_rows);

#endif
