/* Expressions: the parser's nodes to typed calls of the function table.
 *
 * A whitelist: a node kind that is not named here is refused, and of each node that is every field is either used or must
 * be at its default. */
#include <stdio.h>
#include <strings.h>

#include "sql/bind_internal.h"

Status bind_at(const Binder *binder, Status status, int32_t byte, Error *err)
{
    if (status != STATUS_OK && byte >= 0)
        error_at_offset(err, sql_position(binder->source, byte));
    return status;
}

Status bind_call(Binder *binder, const char *name, const Expr *const *args, uint32_t n, int32_t byte, const Expr **ret,
                 Error *err)
{
    int32_t position = sql_position(binder->source, byte);
    Status status = expr_call(binder->arena, name, args, n, DATA_TYPE(NULLTYPE), position, ret, err);
    return bind_at(binder, status, byte, err);
}

Status bind_list(Binder *binder, PgQuery__Node *const *nodes, size_t n, const Scope *scope, const Expr ***ret,
                 Error *err)
{
    const Expr **exprs = ARENA_ARRAY(binder->arena, const Expr *, n);
    for (size_t i = 0; i < n; i++)
        TRY(bind_expr(binder, nodes[i], scope, &exprs[i], err));
    *ret = exprs;
    return STATUS_OK;
}

Status bind_condition(Binder *binder, const PgQuery__Node *node, const Scope *scope, const Expr **ret, Error *err)
{
    const Expr *condition;
    binder->byte = -1;
    TRY(bind_expr(binder, node, scope, &condition, err));
    if (condition->type.id != TYPE_BOOLEAN && condition->type.id != TYPE_NULLTYPE) {
        char type[32];
        return bind_at(binder,
                       sql_refuse(binder->source, binder->byte, err,
                                  "write a comparison: a > 0, a = 'x', a IS NOT NULL",
                                  "%s needs a condition, not a value of type %s", scope->clause,
                                  type_name(condition->type, type, sizeof type)),
                       binder->byte, err);
    }
    return expr_cast(binder->arena, condition, DATA_TYPE(BOOLEAN), ret, err);
}

/* ---- names ---- */
int bind_find_output(const Binder *binder, const char *name)
{
    int found = -1;
    for (uint32_t i = 0; i < binder->n_outputs; i++) {
        if (strcasecmp(binder->outputs[i].name, name) != 0)
            continue;
        if (found >= 0 && !expr_equal(binder->outputs[found].expr, binder->outputs[i].expr))
            return -2;
        if (found < 0)
            found = (int)i;
    }
    return found;
}

static Status refuse_unknown_column(const Binder *binder, const char *name, const Scope *scope, int32_t byte,
                                    Error *err)
{
    int output = bind_find_output(binder, name);
    if (output >= 0 && scope->aliases == ALIAS_NONE)
        return sql_refuse(
            binder->source, byte, err,
            "repeat the expression: names given in the SELECT list are seen in GROUP BY, HAVING, ORDER BY",
            "%s is a name of the SELECT list, which %s does not see", name,
            scope->inside_aggregate ? "an aggregate" : scope->clause);
    uint32_t n_names = 0;
    const char **names = ARENA_ARRAY(binder->arena, const char *, binder->table->n + binder->n_outputs);
    for (uint32_t i = 0; i < binder->table->n; i++)
        names[n_names++] = binder->table->fields[i].name;
    for (uint32_t i = 0; i < binder->n_outputs && scope->aliases != ALIAS_NONE; i++)
        names[n_names++] = binder->outputs[i].name;
    const char *nearest = text_nearest(name, names, n_names);
    Buffer hint;
    buffer_init(&hint, sizeof err->hint - 1);
    if (nearest) {
        buffer_printf(&hint, "did you mean %s?", nearest);
    } else {
        buffer_append_text(&hint, "the table has ");
        for (uint32_t i = 0; i < binder->table->n && hint.size < 300; i++)
            buffer_printf(&hint, "%s%.100s", i ? ", " : "", binder->table->fields[i].name);
    }
    sql_refuse(binder->source, byte, err, buffer_text(&hint), "there is no column %s in %s", name, binder->table_name);
    buffer_done(&hint);
    return error_at_column(err, name);
}

/* Names in a mart's ORDER BY that Spark would not resolve: columns that SELECT DISTINCT does not give, and a column inside
 * an aggregate whose name the SELECT list gives to something else. */
static Status check_order_name(const Binder *binder, const char *name, int column, int output, const Scope *scope,
                               int32_t byte, Error *err)
{
    if (binder->source->mode != SQL_MART || !scope->orders)
        return STATUS_OK;
    if (binder->distinct && output == -1 && column >= 0)
        return sql_refuse(binder->source, byte, err, "order by a name of the SELECT list",
                          "%s is not a name in the list of SELECT DISTINCT", name);
    int shadow = scope->inside_aggregate ? bind_find_output(binder, name) : -1;
    bool is_column = shadow >= 0 && binder->outputs[shadow].expr->kind == EXPR_COLUMN &&
                     binder->outputs[shadow].expr->column == (uint32_t)column;
    if (shadow != -1 && !is_column && column >= 0)
        return sql_refuse(binder->source, byte, err, "give the column of the result another name",
                          "%s is a column of the table and a name of the SELECT list; Spark takes the name here", name);
    return STATUS_OK;
}

static Status refuse_table(const Binder *binder, const char *table, int32_t byte, Error *err)
{
    Buffer hint;
    buffer_init(&hint, sizeof err->hint - 1);
    for (uint32_t t = 0; t < binder->n_visible && hint.size < 300; t++)
        buffer_printf(&hint, "%s%.100s", t ? ", " : "the tables here are ", binder->from->tables[t].name);
    buffer_append_text(&hint, "; a query in parentheses does not see the tables around it");
    sql_refuse(binder->source, byte, err, buffer_text(&hint), "there is no table %s in FROM", table);
    buffer_done(&hint);
    return err->code;
}

/* The column of that name among the tables of FROM, -1 for none; several are refused unless `shadowed`. */
static Status find_column(const Binder *binder, const char *table, const char *name, bool shadowed, int32_t byte,
                          int *ret_column, Error *err)
{
    const BindFrom *from = binder->from;
    bool found = false;
    uint32_t before = 0;
    *ret_column = -1;
    for (uint32_t t = 0; t < binder->n_visible; t++) {
        if (table && strcasecmp(table, from->tables[t].name) != 0)
            continue;
        found = true;
        int column = schema_find(from->tables[t].schema, name);
        if (column < 0)
            continue;
        if (*ret_column >= 0 && !shadowed) {
            const char *hint = arena_printf(binder->arena, "write %s.%s or %s.%s", from->tables[before].name, name,
                                            from->tables[t].name, name);
            return sql_refuse(binder->source, byte, err, hint, "%s is a column of %s and of %s", name,
                              from->tables[before].name, from->tables[t].name);
        }
        before = t;
        *ret_column = (int)from->first[t] + column;
    }
    return table && !found ? refuse_table(binder, table, byte, err) : STATUS_OK;
}

Status bind_column(Binder *binder, const PgQuery__ColumnRef *reference, const Scope *scope, const Expr **ret,
                   Error *err)
{
    int32_t byte = reference->location;
    for (size_t i = 0; i < reference->n_fields; i++)
        if (reference->fields[i]->node_case != PG_QUERY__NODE__NODE_STRING)
            return sql_refuse(binder->source, byte, err, "name the columns",
                              "* stands only in the SELECT list and in count(*)");
    if (reference->n_fields > 2)
        return sql_refuse(binder->source, byte, err, "write table.column or column", "a name with more than two parts");
    const char *name = sql_name(binder->source, reference->fields[reference->n_fields - 1]->string->sval);
    bool qualified = reference->n_fields == 2;
    const char *table = qualified ? sql_name(binder->source, reference->fields[0]->string->sval) : NULL;
    int output = qualified || scope->aliases == ALIAS_NONE ? -1 : bind_find_output(binder, name);
    int column;
    TRY(find_column(binder, table, name, output >= 0 && scope->aliases == ALIAS_BEFORE_COLUMNS, byte, &column, err));
    TRY(check_order_name(binder, name, column, output, scope, byte, err));
    if (output == -2 && (scope->aliases == ALIAS_BEFORE_COLUMNS || column < 0))
        return sql_refuse(binder->source, byte, err, "give the columns different names",
                          "%s names several columns of the SELECT list", name);
    if (output >= 0 && (scope->aliases == ALIAS_BEFORE_COLUMNS || column < 0)) {
        *ret = binder->outputs[output].expr;
        return STATUS_OK;
    }
    if (column < 0)
        return refuse_unknown_column(binder, name, scope, byte, err);
    *ret = expr_column(binder->arena, (uint32_t)column, binder->table->fields[column].type,
                       sql_position(binder->source, byte));
    return STATUS_OK;
}

/* ---- operators ---- */
/* Nodes of the expression with shared parts counted each time, up to `limit`. */
static uint32_t count_nodes(const Expr *expr, uint32_t limit)
{
    uint32_t n = 1;
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args && n < limit; i++)
        n += count_nodes(expr->args[i], limit - n);
    return n;
}

/* BETWEEN and CASE a WHEN use one operand several times: nested in each other they would grow without bound. */
static Status check_growth(const Binder *binder, const Expr *expr, int32_t byte, Error *err)
{
    if (count_nodes(expr, SQL_MAX_NODES) >= SQL_MAX_NODES)
        return sql_refuse(binder->source, byte, err, "split the expression",
                          "BETWEEN or CASE nested so that the expression has more than %d parts", SQL_MAX_NODES);
    return STATUS_OK;
}

static Status negate(Binder *binder, const Expr *expr, int32_t byte, const Expr **ret, Error *err)
{
    return bind_call(binder, "not", &expr, 1, byte, ret, err);
}

/* lower <= a AND a <= upper */
static Status bind_between(Binder *binder, const PgQuery__AExpr *node, const Scope *scope, const Expr **ret, Error *err)
{
    const Expr *value;
    const Expr **bounds;
    TRY(bind_expr(binder, node->lexpr, scope, &value, err));
    if (!node->rexpr || node->rexpr->node_case != PG_QUERY__NODE__NODE_LIST || node->rexpr->list->n_items != 2)
        return sql_refuse(binder->source, node->location, err, "write a BETWEEN b AND c", "BETWEEN without two bounds");
    TRY(bind_list(binder, node->rexpr->list->items, 2, scope, &bounds, err));
    const Expr *parts[2];
    TRY(bind_call(binder, ">=", (const Expr *[]){value, bounds[0]}, 2, node->location, &parts[0], err));
    TRY(bind_call(binder, "<=", (const Expr *[]){value, bounds[1]}, 2, node->location, &parts[1], err));
    TRY(bind_call(binder, "and", parts, 2, node->location, ret, err));
    TRY(check_growth(binder, *ret, node->location, err));
    if (node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN)
        return negate(binder, *ret, node->location, ret, err);
    return STATUS_OK;
}

static Status bind_in(Binder *binder, const PgQuery__AExpr *node, const char *sign, const Scope *scope,
                      const Expr **ret, Error *err)
{
    if (!node->rexpr || node->rexpr->node_case != PG_QUERY__NODE__NODE_LIST)
        return sql_refuse(binder->source, node->location, err, "write a IN (b, c)", "IN takes a list of values");
    const PgQuery__List *list = node->rexpr->list;
    if (list->n_items >= FUNCTION_MAX_ARGS)
        return sql_refuse(binder->source, node->location, err, "write a IN (...) OR a IN (...)",
                          "IN takes at most %d values, not %zu", FUNCTION_MAX_ARGS - 1, list->n_items);
    const Expr **args = ARENA_ARRAY(binder->arena, const Expr *, list->n_items + 1);
    TRY(bind_expr(binder, node->lexpr, scope, &args[0], err));
    for (size_t i = 0; i < list->n_items; i++)
        TRY(bind_expr(binder, list->items[i], scope, &args[i + 1], err));
    TRY(bind_call(binder, "in", args, (uint32_t)list->n_items + 1, node->location, ret, err));
    if (strcmp(sign, "<>") == 0)
        return negate(binder, *ret, node->location, ret, err);
    return STATUS_OK;
}

/* The grammar gives ESCAPE as pg_catalog.like_escape(pattern, character), placed where LIKE stands. */
static bool is_escape(const PgQuery__Node *pattern, const PgQuery__AExpr *like)
{
    return pattern && pattern->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
           pattern->func_call->location == like->location && pattern->func_call->n_funcname == 2 &&
           pattern->func_call->n_args == 2;
}

static Status bind_like(Binder *binder, const PgQuery__AExpr *node, const char *sign, const Scope *scope,
                        const Expr **ret, Error *err)
{
    const Expr *args[3];
    uint32_t n = 2;
    TRY(bind_expr(binder, node->lexpr, scope, &args[0], err));
    if (is_escape(node->rexpr, node)) {
        n = 3;
        TRY(bind_expr(binder, node->rexpr->func_call->args[0], scope, &args[1], err));
        TRY(bind_expr(binder, node->rexpr->func_call->args[1], scope, &args[2], err));
    } else {
        TRY(bind_expr(binder, node->rexpr, scope, &args[1], err));
    }
    bool ignores_case = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE;
    TRY(bind_call(binder, ignores_case ? "ilike" : "like", args, n, node->location, ret, err));
    if (sign[0] == '!')
        return negate(binder, *ret, node->location, ret, err);
    return STATUS_OK;
}

static bool is_dialect_operator(const char *sign)
{
    static const char *const signs[] = {"+", "-", "*", "/", "%", "=", "<>", "<", ">", "<=", ">=", "||"};
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
        if (strcmp(signs[i], sign) == 0)
            return true;
    return false;
}

static Status bind_sign(Binder *binder, const PgQuery__AExpr *node, const char *sign, const Scope *scope,
                        const Expr **ret, Error *err)
{
    if (!is_dialect_operator(sign))
        return sql_refuse(binder->source, node->location, err,
                          "the dialect has + - * / % || = <> < <= > >=", "the operator %s is not in the dialect", sign);
    const Expr *args[2];
    if (node->lexpr)
        TRY(bind_expr(binder, node->lexpr, scope, &args[0], err));
    TRY(bind_expr(binder, node->rexpr, scope, &args[1], err));
    if (node->lexpr)
        return bind_call(binder, sign, args, 2, node->location, ret, err);
    if (sign[1] == '\0' && (sign[0] == '-' || (sign[0] == '+' && type_is_numeric(args[1]->type)))) {
        *ret = args[1];
        return sign[0] == '+' ? STATUS_OK : bind_call(binder, "negate", &args[1], 1, node->location, ret, err);
    }
    return sql_refuse(binder->source, node->location, err, "", "the sign %s needs a number behind it", sign);
}

static Status bind_operator(Binder *binder, const PgQuery__AExpr *node, const Scope *scope, const Expr **ret,
                            Error *err)
{
    binder->byte = node->location;
    if (node->n_name != 1 || node->name[0]->node_case != PG_QUERY__NODE__NODE_STRING)
        return sql_refuse(binder->source, node->location, err, "write the operator's sign",
                          "an operator with a schema");
    const char *sign = node->name[0]->string->sval;
    const Expr *args[2];
    switch (node->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        return bind_sign(binder, node, sign, scope, ret, err);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        return bind_in(binder, node, sign, scope, ret, err);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
        return bind_like(binder, node, sign, scope, ret, err);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
        return bind_between(binder, node, scope, ret, err);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        TRY(bind_expr(binder, node->lexpr, scope, &args[0], err));
        TRY(bind_expr(binder, node->rexpr, scope, &args[1], err));
        return bind_call(binder,
                         node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF     ? "nullif"
                         : node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT ? "is_distinct_from"
                                                                                 : "is_not_distinct_from",
                         args, 2, node->location, ret, err);
    default:
        return sql_refuse(binder->source, node->location, err, "write a IN (b, c), or a comparison",
                          "the operator %s ANY, ALL or SIMILAR is not in the dialect", sign);
    }
}

static Status bind_logic(Binder *binder, const PgQuery__BoolExpr *node, const Scope *scope, const Expr **ret,
                         Error *err)
{
    const Expr **args;
    TRY(bind_list(binder, node->args, node->n_args, scope, &args, err));
    if (node->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR)
        return bind_call(binder, "not", args, (uint32_t)node->n_args, node->location, ret, err);
    const char *name = node->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR ? "and" : "or";
    uint32_t n = (uint32_t)node->n_args;
    while (n > FUNCTION_MAX_ARGS) { /* long rows: the first thousand become one */
        TRY(bind_call(binder, name, args, FUNCTION_MAX_ARGS, node->location, &args[FUNCTION_MAX_ARGS - 1], err));
        args += FUNCTION_MAX_ARGS - 1;
        n -= FUNCTION_MAX_ARGS - 1;
    }
    return bind_call(binder, name, args, n, node->location, ret, err);
}

/* ---- tests and CASE ---- */
static Status bind_truth_test(Binder *binder, const PgQuery__BooleanTest *node, const Scope *scope, const Expr **ret,
                              Error *err)
{
    static const char *const names[] = {
        [PG_QUERY__BOOL_TEST_TYPE__IS_TRUE] = "is_true",    [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE] = "is_not_true",
        [PG_QUERY__BOOL_TEST_TYPE__IS_FALSE] = "is_false",  [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE] = "is_not_false",
        [PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN] = "is_null", [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN] = "is_not_null",
    };
    const Expr *arg;
    TRY(bind_expr(binder, node->arg, scope, &arg, err));
    if (arg->type.id != TYPE_BOOLEAN && arg->type.id != TYPE_NULLTYPE)
        return sql_refuse(binder->source, node->location, err, "compare first: (a > 0) IS TRUE",
                          "IS TRUE, IS FALSE, IS UNKNOWN take a condition");
    return bind_call(binder, names[node->booltesttype], &arg, 1, node->location, ret, err);
}

static Status bind_null_test(Binder *binder, const PgQuery__NullTest *node, const Scope *scope, const Expr **ret,
                             Error *err)
{
    const Expr *arg;
    TRY(bind_expr(binder, node->arg, scope, &arg, err));
    bool is_null = node->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;
    return bind_call(binder, is_null ? "is_null" : "is_not_null", &arg, 1, node->location, ret, err);
}

static Status bind_case(Binder *binder, const PgQuery__CaseExpr *node, const Scope *scope, const Expr **ret, Error *err)
{
    const Expr *subject = NULL;
    if (node->arg)
        TRY(bind_expr(binder, node->arg, scope, &subject, err));
    const Expr **args = ARENA_ARRAY(binder->arena, const Expr *, node->n_args * 2 + 1);
    uint32_t n = 0;
    for (size_t i = 0; i < node->n_args; i++) {
        if (node->args[i]->node_case != PG_QUERY__NODE__NODE_CASE_WHEN)
            return sql_refuse(binder->source, node->location, err, "", "CASE without WHEN");
        const PgQuery__CaseWhen *when = node->args[i]->case_when;
        TRY(bind_expr(binder, when->expr, scope, &args[n], err));
        if (subject)
            TRY(bind_call(binder, "=", (const Expr *[]){subject, args[n]}, 2, when->location, &args[n], err));
        else if (args[n]->type.id != TYPE_BOOLEAN && args[n]->type.id != TYPE_NULLTYPE)
            return sql_refuse(binder->source, when->location, err, "write WHEN a > 0 THEN ...",
                              "WHEN needs a condition");
        n++;
        TRY(bind_expr(binder, when->result, scope, &args[n++], err));
    }
    if (node->defresult)
        TRY(bind_expr(binder, node->defresult, scope, &args[n++], err));
    TRY(bind_call(binder, "case", args, n, node->location, ret, err));
    return check_growth(binder, *ret, node->location, err);
}

static Status bind_extreme(Binder *binder, const PgQuery__MinMaxExpr *node, const Scope *scope, const Expr **ret,
                           Error *err)
{
    const Expr **args;
    TRY(bind_list(binder, node->args, node->n_args, scope, &args, err));
    bool greatest = node->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
    return bind_call(binder, greatest ? "greatest" : "least", args, (uint32_t)node->n_args, node->location, ret, err);
}

/* ---- what is not in the dialect ---- */
static Status refuse_node(const Binder *binder, const PgQuery__Node *node, Error *err)
{
    const SqlText *source = binder->source;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return sql_refuse(source, node->sqlvalue_function->location, err,
                          "write the value as a literal: DATE '2025-06-30'",
                          "a result may not depend on when or by whom it is made");
    case PG_QUERY__NODE__NODE_PARAM_REF:
        return sql_refuse(source, node->param_ref->location, err, "write the value itself",
                          "parameters are not replaced here");
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        return sql_refuse(source, node->row_expr->location, err, "compare column by column, joined with AND",
                          "rows of values are not in the dialect");
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        return sql_refuse(source, node->a_array_expr->location, err, "write IN (...)", "arrays are not in the dialect");
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR:
        return sql_refuse(source, node->named_arg_expr->location, err, "give the arguments in their order",
                          "named arguments are not in the dialect");
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        return sql_refuse(source, node->grouping_func->location, err, "group by columns",
                          "GROUPING() is not in the dialect yet");
    case PG_QUERY__NODE__NODE_GROUPING_SET:
        return sql_refuse(source, node->grouping_set->location, err,
                          "group by columns, in one statement for each grouping",
                          "ROLLUP, CUBE and GROUPING SETS are not in the dialect yet");
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return sql_refuse(source, node->collate_clause->location, err, "leave it out", "COLLATE is not in the dialect");
    default:
        return sql_refuse(source, binder->byte, err, "docs/sql.md lists what the dialect has",
                          "an expression of a kind that is not in the dialect");
    }
}

static Status bind_node(Binder *binder, const PgQuery__Node *node, const Scope *scope, const Expr **ret, Error *err)
{
    const Expr **args;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        binder->byte = node->column_ref->location;
        return bind_column(binder, node->column_ref, scope, ret, err);
    case PG_QUERY__NODE__NODE_A_CONST:
        binder->byte = node->a_const->location;
        return bind_constant(binder, node->a_const, ret, err);
    case PG_QUERY__NODE__NODE_A_EXPR:
        return bind_operator(binder, node->a_expr, scope, ret, err);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return bind_logic(binder, node->bool_expr, scope, ret, err);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        binder->byte = node->func_call->location;
        return bind_function(binder, node->func_call, scope, ret, err);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return bind_cast_node(binder, node->type_cast, scope, ret, err);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return bind_case(binder, node->case_expr, scope, ret, err);
    case PG_QUERY__NODE__NODE_NULL_TEST:
        return bind_null_test(binder, node->null_test, scope, ret, err);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
        return bind_truth_test(binder, node->boolean_test, scope, ret, err);
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return bind_sub_link(binder, node->sub_link, scope, ret, err);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        TRY(bind_list(binder, node->coalesce_expr->args, node->coalesce_expr->n_args, scope, &args, err));
        return bind_call(binder, "coalesce", args, (uint32_t)node->coalesce_expr->n_args, node->coalesce_expr->location,
                         ret, err);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return bind_extreme(binder, node->min_max_expr, scope, ret, err);
    default:
        return refuse_node(binder, node, err);
    }
}

Status bind_expr(Binder *binder, const PgQuery__Node *node, const Scope *scope, const Expr **ret, Error *err)
{
    if (!node)
        return sql_refuse(binder->source, binder->byte, err, "", "an expression is missing");
    if (binder->depth >= SQL_MAX_DEPTH)
        return sql_refuse(binder->source, binder->byte, err, "split the expression",
                          "the expression nests more than %d levels deep", SQL_MAX_DEPTH);
    binder->depth++;
    int32_t byte = binder->byte;
    Status status = bind_node(binder, node, scope, ret, err);
    binder->depth--;
    if (status == STATUS_OK && byte >= 0)
        binder->byte = byte;
    return status;
}
