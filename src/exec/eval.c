#include "exec/eval.h"

static int32_t join_columns(int32_t a, int32_t b)
{
    if (a == EVAL_NO_COLUMN || a == b)
        return b;
    return b == EVAL_NO_COLUMN ? a : EVAL_MANY_COLUMNS;
}

EvalNode *eval_prepare(const Expr *expr, const uint32_t *column_map, Arena *arena)
{
    if (!expr)
        return NULL;
    EvalNode *node = ARENA_NEW(arena, EvalNode);
    node->expr = expr;
    node->only_column = EVAL_NO_COLUMN;
    if (expr->kind == EXPR_COLUMN)
        node->only_column = (int32_t)(column_map ? column_map[expr->column] : expr->column);
    if (expr->kind == EXPR_CALL) {
        node->args = ARENA_ARRAY(arena, EvalNode *, expr->call.n_args);
        for (uint32_t i = 0; i < expr->call.n_args; i++) {
            node->args[i] = eval_prepare(expr->args[i], column_map, arena);
            node->only_column = join_columns(node->only_column, node->args[i]->only_column);
        }
    }
    return node;
}

static Vector call_function(EvalNode *node, EvalContext *context)
{
    const FunctionCall *call = &node->expr->call;
    Vector *args = ARENA_ARRAY(context->batch_arena, Vector, call->n_args);
    for (uint32_t i = 0; i < call->n_args; i++) {
        Vector arg = eval_run(node->args[i], context);
        args[i] = vector_flatten(context->batch_arena, &arg);
    }
    Vector result;
    call->function->evaluate(call, args, context->n, context->batch_arena, &result);
    return result;
}

/* The node's value for every entry of a dictionary, remembered for the generation. */
static const Vector *entries_of(EvalNode *node, const Vector *dictionary, EvalContext *context)
{
    if (node->entries && node->generation == context->generation && node->source == dictionary)
        return node->entries;
    /* Only the one column is looked at: the context's columns are replaced by a sparse array that holds just it. */
    Vector *columns = arena_alloc(context->group_arena, sizeof(Vector) * ((size_t)node->only_column + 1));
    columns[node->only_column] = *dictionary;
    EvalContext inner = {.batch_arena = context->group_arena,
                         .group_arena = context->group_arena,
                         .generation = context->generation,
                         .columns = columns,
                         .n = dictionary->n};
    Vector *entries = ARENA_NEW(context->group_arena, Vector);
    Vector result = call_function(node, &inner);
    *entries = vector_flatten(context->group_arena, &result);
    node->generation = context->generation;
    node->source = dictionary;
    node->entries = entries;
    return entries;
}

Vector eval_run(EvalNode *node, EvalContext *context)
{
    const Expr *expr = node->expr;
    if (expr->kind == EXPR_CONST)
        return vector_const(context->batch_arena, &expr->constant, context->n);
    if (expr->kind == EXPR_COLUMN)
        return context->columns[node->only_column];
    if (node->only_column >= 0) {
        Vector column = context->columns[node->only_column];
        if (column.kind == VECTOR_DICT) {
            column.dict = entries_of(node, column.dict, context);
            column.type = expr->type;
            return column;
        }
    }
    return call_function(node, context);
}

void eval_mark_columns(const EvalNode *node, bool *used)
{
    if (!node)
        return;
    if (node->expr->kind == EXPR_COLUMN)
        used[node->only_column] = true;
    if (node->expr->kind == EXPR_CALL)
        for (uint32_t i = 0; i < node->expr->call.n_args; i++)
            eval_mark_columns(node->args[i], used);
}

bool eval_equal(const EvalNode *a, const EvalNode *b)
{
    if (!a || !b)
        return a == b;
    const Expr *x = a->expr, *y = b->expr;
    if (x->kind != y->kind || !type_equal(x->type, y->type) || a->only_column != b->only_column)
        return false;
    if (x->kind == EXPR_CONST)
        return value_equal(&x->constant, &y->constant);
    if (x->kind == EXPR_COLUMN)
        return true;
    if (x->call.function != y->call.function || x->call.n_args != y->call.n_args)
        return false;
    for (uint32_t i = 0; i < x->call.n_args; i++)
        if (!eval_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

uint32_t eval_true_rows(const Vector *condition, uint32_t *ret_rows)
{
    const Vector *entries = vector_entries(condition);
    const uint8_t *values = entries->data;
    uint32_t n = 0;
    for (uint32_t row = 0; row < condition->n; row++) {
        uint32_t position = vector_position(condition, row);
        ret_rows[n] = row;
        n += (uint32_t)(values[position] & (entries->valid ? entries->valid[position] : 1));
    }
    return n;
}
