/* Queries in expressions become tables that are joined behind those of FROM and that no name reaches.
 *
 *   (SELECT max(a) FROM t)      one row, joined to every row.  It must be an aggregate without GROUP BY, so that it is one row
 *                               whatever t holds; where the query around it groups, its column is one more key
 *   x IN (SELECT v ...)         JOIN (SELECT DISTINCT v ...) ON x = v: each row finds one partner or none
 *   x NOT IN (SELECT v ...)     LEFT JOIN the same, and one row with the numbers of rows and of values:
 *                               rows = 0 OR (rows = values AND x IS NOT NULL AND v IS NULL), which is SQL's answer where NULLs
 *                               are about
 *
 * IN stands between the ANDs of WHERE, where not true and NULL are the same.  The inner query sees nothing of the outer one. */
#include "sql/bind_internal.h"

/* Room for what a statement's queries can add: a table or two each, of two columns at most. */
uint32_t subquery_tables(const SqlText *source)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < source->n_tokens; i++)
        n += source->tokens[i].kind == PG_QUERY__TOKEN__SELECT;
    return 2 * n;
}

/* Adds a table that is joined by `on` (NULL: each row with each); returns the number of its first column. */
static uint32_t add_table(Binder *binder, const PlanNode *plan, bool outer, const Expr *on)
{
    BindFrom *from = binder->from;
    uint32_t t = from->n_tables++, first = from->schema.n;
    const PlanNode **plans = ARENA_ARRAY(binder->arena, const PlanNode *, 1);
    plans[0] = plan;
    from->tables[t] = (BindTable){.name = "", .schema = &plan->schema, .plans = plans, .n_plans = 1};
    from->outer[t] = outer;
    from->first[t] = first;
    for (uint32_t i = 0; i < plan->schema.n; i++) {
        from->schema.fields[first + i] = plan->schema.fields[i];
        from->schema.fields[first + i].nullable |= outer;
    }
    from->schema.n += plan->schema.n;
    binder->on[t] = on;
    return first;
}

static Status plan_column(Binder *binder, const PgQuery__SubLink *link, const Scope *scope, PlanNode **ret, Error *err)
{
    int32_t byte = link->location;
    if (!binder->planner || !scope->subqueries)
        return sql_refuse(binder->source, byte, err, "write the SELECT in FROM or WITH, and join it", "a query in %s",
                          scope->inside_aggregate ? "an aggregate" : scope->clause);
    int32_t query_byte;
    TRY(binder->planner->plan(binder->planner->context, link->subselect, ret, &query_byte, err));
    if ((*ret)->schema.n != 1)
        return sql_refuse(binder->source, query_byte, err, "select the one that is meant",
                          "a query in an expression has %s", PLURAL((*ret)->schema.n, "column"));
    return STATUS_OK;
}

/* Whether the plan gives one row, whatever it reads. */
static bool is_one_row(const PlanNode *plan)
{
    if (plan->kind == PLAN_SORT)
        plan = plan->child;
    return plan->kind == PLAN_PROJECT && plan->child->kind == PLAN_AGGREGATE && plan->child->aggregate.n_keys == 0;
}

static Status bind_value(Binder *binder, const PgQuery__SubLink *link, const Scope *scope, const Expr **ret, Error *err)
{
    PlanNode *plan;
    TRY(plan_column(binder, link, scope, &plan, err));
    if (!is_one_row(plan))
        return sql_refuse(binder->source, link->location, err, "aggregate it: (SELECT max(x) FROM t)",
                          "a query in an expression that may give several rows, or none");
    uint32_t column = add_table(binder, plan, false, NULL);
    *ret =
        expr_column(binder->arena, column, plan->schema.fields[0].type, sql_position(binder->source, link->location));
    return STATUS_OK;
}

Status bind_sub_link(Binder *binder, const PgQuery__SubLink *link, const Scope *scope, const Expr **ret, Error *err)
{
    switch (link->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        return bind_value(binder, link, scope, ret, err);
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        return sql_refuse(binder->source, link->location, err, "write a.x IN (SELECT b.x FROM b WHERE ...)",
                          "EXISTS is not in the dialect yet");
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
        if (link->n_oper_name == 0)
            return sql_refuse(binder->source, link->location, err,
                              "let it stand by itself between the ANDs of WHERE, or join the query",
                              "IN (SELECT ...) within another expression");
        break;
    default:
        break;
    }
    return sql_refuse(binder->source, link->location, err, "compare with (SELECT min(x) ...) or (SELECT max(x) ...)",
                      "ANY, ALL and rows of a query are not in the dialect");
}

/* ---- IN ---- */

/* Whether the node is x IN (SELECT ...), or x NOT IN (SELECT ...). */
static const PgQuery__SubLink *in_link(const PgQuery__Node *node, bool *ret_negated)
{
    *ret_negated = node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
                   node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR && node->bool_expr->n_args == 1;
    if (*ret_negated)
        node = node->bool_expr->args[0];
    if (node->node_case != PG_QUERY__NODE__NODE_SUB_LINK)
        return NULL;
    const PgQuery__SubLink *link = node->sub_link;
    return link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK && link->n_oper_name == 0 ? link : NULL;
}

/* SELECT count(*), count(v) of the plan's one column. */
static PlanNode *count_plan(Arena *arena, const PlanNode *counted)
{
    PlanNode *leaf = plan_node_new(arena, PLAN_RELATION, NULL, 1);
    leaf->schema = counted->schema;
    leaf->relation.name = "";
    leaf->relation.plans = ARENA_ARRAY(arena, const PlanNode *, 1);
    leaf->relation.plans[0] = counted;
    leaf->relation.n_plans = 1;
    leaf->relation.columns = ARENA_ARRAY(arena, uint32_t, 1);
    PlanNode *aggregate = plan_node_new(arena, PLAN_AGGREGATE, leaf, 2);
    AggregateCall *calls = ARENA_ARRAY(arena, AggregateCall, 2);
    calls[0] = (AggregateCall){.kind = AGGREGATE_COUNT_STAR, .type = DATA_TYPE(BIGINT)};
    calls[1] = (AggregateCall){
        .kind = AGGREGATE_COUNT, .args = ARENA_ARRAY(arena, const Expr *, 1), .n_args = 1, .type = DATA_TYPE(BIGINT)};
    calls[1].args[0] = expr_column(arena, 0, leaf->schema.fields[0].type, 0);
    aggregate->aggregate.calls = calls;
    aggregate->aggregate.n_calls = 2;
    PlanNode *project = plan_node_new(arena, PLAN_PROJECT, aggregate, 2);
    project->project.exprs = ARENA_ARRAY(arena, const Expr *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        aggregate->schema.fields[i] = (Field){i ? "values" : "rows", DATA_TYPE(BIGINT), false};
        project->schema.fields[i] = aggregate->schema.fields[i];
        project->project.exprs[i] = expr_column(arena, i, DATA_TYPE(BIGINT), 0);
    }
    return project;
}

/* rows = 0 OR (rows = values AND x IS NOT NULL AND v IS NULL) */
static Status not_in(Binder *binder, const Expr *x, const Expr *v, const PlanNode *plan, int32_t byte, const Expr **ret,
                     Error *err)
{
    Arena *arena = binder->arena;
    uint32_t first = add_table(binder, count_plan(arena, plan), false, NULL);
    const Expr *rows = expr_column(arena, first, DATA_TYPE(BIGINT), 0);
    const Expr *values = expr_column(arena, first + 1, DATA_TYPE(BIGINT), 0);
    const Expr *zero = expr_constant(arena, (Value){.type = DATA_TYPE(BIGINT), .valid = true}, 0);
    const Expr *both[3], *either[2];
    TRY(bind_call(binder, "=", (const Expr *[]){rows, zero}, 2, byte, &either[0], err));
    TRY(bind_call(binder, "=", (const Expr *[]){rows, values}, 2, byte, &both[0], err));
    TRY(bind_call(binder, "is_not_null", &x, 1, byte, &both[1], err));
    TRY(bind_call(binder, "is_null", &v, 1, byte, &both[2], err));
    TRY(bind_call(binder, "and", both, 3, byte, &either[1], err));
    return bind_call(binder, "or", either, 2, byte, ret, err);
}

/* *ret is what is left to filter by: NULL for nothing, as the join does it. */
static Status bind_in(Binder *binder, const PgQuery__SubLink *link, bool negated, const Scope *scope, const Expr **ret,
                      Error *err)
{
    const Expr *x, *on;
    PlanNode *plan, *distinct;
    int32_t byte = link->location;
    *ret = NULL;
    TRY(bind_expr(binder, link->testexpr, scope, &x, err));
    if (x->kind == EXPR_CONST)
        return sql_refuse(binder->source, byte, err, "test a column", "IN (SELECT ...) of a constant");
    TRY(plan_column(binder, link, scope, &plan, err));
    BindTable given = {.name = "", .schema = &plan->schema, .plans = ARENA_ARRAY(binder->arena, const PlanNode *, 1)};
    given.plans[0] = plan;
    given.n_plans = 1;
    TRY(bind_relation(binder->source, &given, NULL, true, NULL, binder->arena, &distinct, err));
    uint32_t t = binder->from->n_tables;
    uint32_t column = add_table(binder, distinct, negated, NULL);
    const Expr *v = expr_column(binder->arena, column, distinct->schema.fields[0].type, 0);
    TRY(bind_call(binder, "=", (const Expr *[]){x, v}, 2, byte, &on, err));
    binder->on[t] = on;
    return negated ? not_in(binder, x, v, plan, byte, ret, err) : STATUS_OK;
}

static bool has_in(const PgQuery__Node *node)
{
    bool negated;
    if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
        node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
        for (size_t i = 0; i < node->bool_expr->n_args; i++)
            if (has_in(node->bool_expr->args[i]))
                return true;
        return false;
    }
    return in_link(node, &negated) != NULL;
}

typedef struct Conjuncts {
    const Expr **exprs; /* there is room for one a token */
    uint32_t n;
} Conjuncts;

static Status bind_conjuncts(Binder *binder, const PgQuery__Node *node, const Scope *scope, Conjuncts *all, Error *err)
{
    if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
        node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
        for (size_t i = 0; i < node->bool_expr->n_args; i++)
            TRY(bind_conjuncts(binder, node->bool_expr->args[i], scope, all, err));
        return STATUS_OK;
    }
    bool negated;
    const Expr *expr;
    const PgQuery__SubLink *link = in_link(node, &negated);
    if (link)
        TRY(bind_in(binder, link, negated, scope, &expr, err));
    else
        TRY(bind_condition(binder, node, scope, &expr, err));
    if (expr)
        all->exprs[all->n++] = expr;
    return STATUS_OK;
}

Status bind_where(Binder *binder, const PgQuery__Node *node, const Scope *scope, const Expr **ret, Error *err)
{
    if (!has_in(node))
        return bind_condition(binder, node, scope, ret, err);
    Conjuncts all = {.exprs = ARENA_ARRAY(binder->arena, const Expr *, binder->source->n_tokens)};
    TRY(bind_conjuncts(binder, node, scope, &all, err));
    *ret = all.n ? all.exprs[0] : NULL;
    return all.n < 2 ? STATUS_OK : bind_call(binder, "and", all.exprs, all.n, -1, ret, err);
}
