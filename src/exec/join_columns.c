#include "exec/join_columns.h"

static void mark(const Expr *expr, bool *used)
{
    if (!expr)
        return;
    if (expr->kind == EXPR_COLUMN) {
        used[expr->column] = true;
        return;
    }
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args; i++)
        mark(expr->args[i], used);
}

static void mark_above(const PipelineShape *shape, bool *used)
{
    if (shape->filter)
        mark(shape->filter->filter.condition, used);
    if (!shape->aggregate) {
        for (uint32_t i = 0; i < shape->project->schema.n; i++)
            mark(shape->project->project.exprs[i], used);
        return;
    }
    const PlanNode *node = shape->aggregate;
    for (uint32_t k = 0; k < node->aggregate.n_keys; k++)
        mark(node->aggregate.keys[k], used);
    for (uint32_t i = 0; i < node->aggregate.n_calls; i++) {
        const AggregateCall *call = &node->aggregate.calls[i];
        for (uint32_t k = 0; k < call->n_args; k++)
            mark(call->args[k], used);
        mark(call->filter, used);
    }
}

bool **join_columns_used(const PipelineShape *shape, Arena *arena)
{
    bool **used = ARENA_ARRAY(arena, bool *, shape->n_joins + 1);
    for (uint32_t j = 0; j < shape->n_joins; j++)
        used[j] = ARENA_ARRAY(arena, bool, shape->joins[j]->schema.n + 1);
    if (shape->n_joins)
        mark_above(shape, used[shape->n_joins - 1]);
    for (uint32_t j = shape->n_joins; j-- > 0;) {
        const PlanNode *join = shape->joins[j];
        mark(join->join.condition, used[j]);
        for (uint32_t c = 0; j > 0 && c < join->child->schema.n; c++)
            used[j - 1][c] |= used[j][c];
        for (uint32_t k = 0; j > 0 && k < join->join.n_keys; k++)
            mark(join->join.left_keys[k], used[j - 1]);
    }
    return used;
}

/* Whether two columns of a right side are the same one: a key stands behind the columns, and may be one of them. */
static bool is_same(const PlanNode *right, uint32_t a, uint32_t b)
{
    if (a == b || right->kind != PLAN_PROJECT)
        return a == b;
    const Expr *x = right->project.exprs[a], *y = right->project.exprs[b];
    return x->kind == EXPR_COLUMN && y->kind == EXPR_COLUMN && x->column == y->column;
}

/* The column of the join's child that a column of its right side equals; false: none. */
static bool find_left(const PlanNode *join, uint32_t column, uint32_t *ret_left)
{
    for (uint32_t k = 0; !join->join.outer && k < join->join.n_keys; k++)
        if (is_same(join->join.right, join->join.right_keys[k], column) &&
            join->join.left_keys[k]->kind == EXPR_COLUMN) {
            *ret_left = join->join.left_keys[k]->column;
            return true;
        }
    return false;
}

static bool find_scanned(const PipelineShape *shape, uint32_t j, uint32_t column, uint32_t *ret_column)
{
    for (; j > 0; j--) {
        const PlanNode *below = shape->joins[j - 1];
        uint32_t n_left = below->child->schema.n;
        if (column >= n_left && !find_left(below, column - n_left, &column))
            return false;
    }
    *ret_column = column;
    return true;
}

const uint32_t *join_columns_scanned(const PipelineShape *shape, uint32_t j, Arena *arena)
{
    const PlanNode *join = shape->joins[j];
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, join->join.n_keys);
    for (uint32_t k = 0; k < join->join.n_keys; k++) {
        const Expr *key = join->join.left_keys[k];
        if (key->kind != EXPR_COLUMN || !find_scanned(shape, j, key->column, &columns[k]))
            return NULL;
    }
    return columns;
}
