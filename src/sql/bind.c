/* The clauses of one SELECT, each bound in the scope that Spark gives it.
 *
 *   clause      names of the SELECT list     aggregates
 *   SELECT      not seen                     yes
 *   WHERE       not seen                     no
 *   GROUP BY    after the table's columns    no
 *   HAVING      after the table's columns    yes
 *   ORDER BY    before the table's columns   yes
 *
 * The order of work: SELECT list (its expressions are what aliases and ordinals mean), WHERE, GROUP BY, HAVING, ORDER BY,
 * LIMIT; then assemble.c makes the nodes.  How SELECTs hang together is query.c's. */
#include <stdlib.h>
#include <strings.h>

#include "sql/bind_window.h"

/* ---- SELECT list ---- */
static Status add_output(Binder *binder, const char *name, const Expr *expr, int32_t byte, bool named, Error *err)
{
    if (binder->n_outputs == SQL_MAX_COLUMNS)
        return sql_refuse(binder->source, byte, err, "name fewer columns", "more than %d columns in the result",
                          SQL_MAX_COLUMNS);
    if (binder->n_outputs == binder->outputs_capacity) {
        binder->outputs_capacity = binder->outputs_capacity ? binder->outputs_capacity * 2 : 16;
        Output *grown = ARENA_ARRAY(binder->arena, Output, binder->outputs_capacity);
        if (binder->n_outputs)
            memcpy(grown, binder->outputs, sizeof *grown * binder->n_outputs);
        binder->outputs = grown;
    }
    binder->outputs[binder->n_outputs++] = (Output){.name = name, .expr = expr, .byte = byte, .named = named};
    return STATUS_OK;
}

static bool is_star(const PgQuery__Node *node)
{
    return node && node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields > 0 &&
           node->column_ref->fields[node->column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

/* The columns of one table of FROM. */
static Status add_columns(Binder *binder, uint32_t t, int32_t byte, Error *err)
{
    const BindFrom *from = binder->from;
    for (uint32_t i = from->first[t]; i < from->first[t] + from->tables[t].schema->n; i++) {
        const Field *field = &binder->table->fields[i];
        const Expr *column = expr_column(binder->arena, i, field->type, sql_position(binder->source, byte));
        TRY(add_output(binder, field->name, column, byte, true, err));
    }
    return STATUS_OK;
}

static Status add_all_columns(Binder *binder, int32_t byte, Error *err)
{
    for (uint32_t t = 0; t < binder->n_visible; t++)
        TRY(add_columns(binder, t, byte, err));
    return STATUS_OK;
}

static Status add_star(Binder *binder, const PgQuery__ColumnRef *star, Error *err)
{
    if (star->n_fields > 2)
        return sql_refuse(binder->source, star->location, err, "write *", "a name with more than two parts");
    const char *name = NULL;
    if (star->n_fields == 2)
        name = star->fields[0]->node_case == PG_QUERY__NODE__NODE_STRING
                   ? sql_name(binder->source, star->fields[0]->string->sval)
                   : "";
    for (uint32_t t = 0; name && t < binder->n_visible; t++)
        if (strcasecmp(name, binder->from->tables[t].name) == 0)
            return add_columns(binder, t, star->location, err);
    if (name)
        return sql_refuse(binder->source, star->location, err, "write *", "there is no such table in FROM");
    return add_all_columns(binder, star->location, err);
}

static bool is_portable_alias(const char *text, int32_t size)
{
    for (int32_t i = 0; i < size; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || text[i] == '_' || (i > 0 && text[i] >= '0' && text[i] <= '9')))
            return false;
    return size > 0;
}

/* A mart's column must have the same name in Spark: AS and a lower-case word, or a plain column written as it is called. */
static Status check_mart_name(const Binder *binder, const PgQuery__ResTarget *target, const SqlItem *item,
                              const char *name, Error *err)
{
    const SqlText *source = binder->source;
    const SqlToken *last = &source->tokens[item->last];
    bool has_alias = target->name[0] != '\0';
    bool is_column = target->val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
    if (has_alias && (item->last == item->first || last[-1].kind != PG_QUERY__TOKEN__AS))
        return sql_refuse(source, last->start, err, "write AS before the name", "a name without AS");
    if (has_alias && !is_portable_alias(source->text + last->start, last->end - last->start))
        return sql_refuse(source, last->start, err, "write the name in lower case: a-z, 0-9 and _",
                          "the name of a mart's column has capitals, which Spark keeps and others fold");
    if (!has_alias && !is_column)
        return sql_refuse(source, source->tokens[item->first].start, err, "write AS and a lower-case name behind it",
                          "an expression without a name: the engines name it differently");
    bool same = (size_t)(last->end - last->start) == strlen(name) &&
                memcmp(source->text + last->start, name, strlen(name)) == 0;
    if (!has_alias && !same)
        return sql_refuse(source, last->start, err, "write the column as it is called, or add AS and a lower-case name",
                          "Spark would call the result as written here, not %s", name);
    return STATUS_OK;
}

/* The name of an unnamed expression: its text; count(*) is count(1), as in Spark. */
static const char *generated_name(Binder *binder, const PgQuery__ResTarget *target, const SqlItem *item)
{
    const PgQuery__Node *node = target->val;
    const char *text = sql_tokens_text(binder->source, item->first, item->last);
    if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && node->func_call->agg_star && !node->func_call->agg_filter)
        text = "count(1)";
    else if (strlen(text) > 200)
        text = "expression";
    const char *name = text;
    for (int n = 2; bind_find_output(binder, name) != -1; n++)
        name = arena_printf(binder->arena, "%s_%d", text, n);
    return name;
}

static Status bind_target(Binder *binder, const PgQuery__ResTarget *target, Error *err)
{
    static const Scope scope = {
        .clause = "SELECT", .aliases = ALIAS_NONE, .aggregates = true, .subqueries = true, .windows = true};
    if (target->n_indirection || !target->val)
        return sql_refuse(binder->source, target->location, err, "",
                          "an item of the SELECT list that is no expression");
    if (is_star(target->val)) {
        if (target->name[0] != '\0')
            return sql_refuse(binder->source, target->location, err, "name the columns", "* takes no name");
        return add_star(binder, target->val->column_ref, err);
    }
    const Expr *expr;
    binder->byte = target->location;
    TRY(bind_expr(binder, target->val, &scope, &expr, err));
    if (expr->type.id == TYPE_NULLTYPE && binder->source->mode == SQL_MART)
        return sql_refuse(binder->source, target->location, err, "give it a type: CAST(NULL AS STRING)",
                          "a column of bare NULLs has no type");
    const SqlItem item = sql_item(binder->source, target->location);
    bool plain = target->val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
    const char *name = target->name[0] != '\0' ? arena_strdup(binder->arena, sql_name(binder->source, target->name))
                       : plain                 ? binder->table->fields[expr->column].name
                                               : generated_name(binder, target, &item);
    if (binder->source->mode == SQL_MART && !(binder->planner && binder->planner->in_expression))
        TRY(check_mart_name(binder, target, &item, name, err));
    return add_output(binder, name, expr, target->location, plain || target->name[0] != '\0', err);
}

static Status check_duplicates(Binder *binder, Error *err)
{
    for (uint32_t i = 1; i < binder->n_outputs; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcasecmp(binder->outputs[i].name, binder->outputs[k].name) == 0)
                return sql_refuse(binder->source, binder->outputs[i].byte, err, "give one of them another name with AS",
                                  "two columns of the result are called %s", binder->outputs[i].name);
    return STATUS_OK;
}

static Status bind_outputs(Binder *binder, const PgQuery__SelectStmt *select, Error *err)
{
    for (size_t i = 0; i < select->n_target_list; i++) {
        const PgQuery__Node *node = select->target_list[i];
        if (node->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
            return sql_refuse(binder->source, 0, err, "", "an item of the SELECT list that is no expression");
        TRY(bind_target(binder, node->res_target, err));
    }
    return check_duplicates(binder, err);
}

/* ---- GROUP BY and DISTINCT ---- */
/* The output that an ordinal names; NULL when the node is no integer literal. */
static Status ordinal(const Binder *binder, const PgQuery__Node *node, const char *clause, const Output **ret,
                      Error *err)
{
    *ret = NULL;
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST)
        return STATUS_OK;
    const PgQuery__AConst *constant = node->a_const;
    if (constant->isnull || constant->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return sql_refuse(binder->source, constant->location, err, "name a column, or give its ordinal",
                          "%s a constant", clause);
    int32_t n = constant->ival->ival;
    if (n < 1 || (uint32_t)n > binder->n_outputs)
        return sql_refuse(binder->source, constant->location, err,
                          "ordinals count the columns of the SELECT list from 1", "%s %d: the result has %s", clause, n,
                          PLURAL(binder->n_outputs, "column"));
    *ret = &binder->outputs[n - 1];
    return STATUS_OK;
}

static bool has_aggregate(const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return (expr->column & AGGREGATE_MARK) != 0;
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args; i++)
        if (has_aggregate(expr->args[i]))
            return true;
    return false;
}

static void add_key(Query *query, const Expr *expr)
{
    for (uint32_t i = 0; i < query->n_keys; i++)
        if (expr_equal(query->keys[i], expr))
            return;
    if (expr->kind != EXPR_CONST) /* a constant parts no rows */
        query->keys[query->n_keys++] = expr;
}

static Status bind_keys(Binder *binder, const PgQuery__SelectStmt *select, Query *query, Error *err)
{
    static const Scope scope = {.clause = "GROUP BY", .aliases = ALIAS_AFTER_COLUMNS};
    query->keys = ARENA_ARRAY(binder->arena, const Expr *,
                              select->n_group_clause + binder->n_outputs + subquery_tables(binder->source));
    for (size_t i = 0; i < select->n_group_clause; i++) {
        const Output *output;
        const Expr *expr;
        binder->byte = -1;
        TRY(ordinal(binder, select->group_clause[i], "GROUP BY", &output, err));
        if (output)
            expr = output->expr;
        else
            TRY(bind_expr(binder, select->group_clause[i], &scope, &expr, err));
        if (has_aggregate(expr))
            return sql_refuse(binder->source, output ? output->byte : binder->byte, err,
                              "group by columns; filter groups in HAVING", "GROUP BY an aggregate");
        if (expr_has_window(expr))
            return sql_refuse(binder->source, output ? output->byte : binder->byte, err,
                              "compute it in a query in FROM, and group around that", "GROUP BY a window");
        add_key(query, expr);
    }
    if (select->n_group_clause && query->n_keys == 0)
        return sql_refuse(binder->source, binder->byte, err, "leave GROUP BY out", "GROUP BY constants alone");
    return STATUS_OK;
}

/* SELECT DISTINCT is a grouping by all outputs; over groups it is taken only where it changes nothing. */
static Status bind_distinct(Binder *binder, const PgQuery__SelectStmt *select, Query *query, Error *err)
{
    if (select->n_distinct_clause == 0)
        return STATUS_OK;
    if (select->n_distinct_clause > 1 || select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET)
        return sql_refuse(binder->source, 0, err, "write GROUP BY with min or max",
                          "DISTINCT ON is PostgreSQL's alone");
    if (binder->n_windows)
        return sql_refuse(binder->source, sql_word_byte(binder->source, PG_QUERY__TOKEN__DISTINCT), err,
                          "write SELECT DISTINCT around a query in FROM", "DISTINCT beside a window");
    if (query->aggregates) {
        for (uint32_t k = 0; k < query->n_keys; k++) {
            bool selected = false;
            for (uint32_t i = 0; i < binder->n_outputs && !selected; i++)
                selected = expr_equal(binder->outputs[i].expr, query->keys[k]);
            if (!selected)
                return sql_refuse(binder->source, sql_word_byte(binder->source, PG_QUERY__TOKEN__DISTINCT), err,
                                  "select all columns of GROUP BY, or leave DISTINCT out",
                                  "DISTINCT over groups is not in the dialect yet");
        }
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < binder->n_outputs; i++)
        add_key(query, binder->outputs[i].expr);
    if (query->n_keys == 0)
        return sql_refuse(binder->source, 0, err, "write LIMIT 1", "DISTINCT over constants alone");
    query->aggregates = query->distinct = true;
    return STATUS_OK;
}

/* ---- ORDER BY and LIMIT ---- */
Status bind_direction(const Binder *binder, const PgQuery__SortBy *sort, OrderItem *item, Error *err)
{
    if (sort->n_use_op || sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING || !sort->node)
        return sql_refuse(binder->source, sort->location, err, "write ASC or DESC",
                          "ORDER BY ... USING is PostgreSQL's alone");
    item->descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    item->nulls_first = sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT
                            ? !item->descending
                            : sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST;
    return STATUS_OK;
}

static Status bind_order_item(Binder *binder, const PgQuery__SortBy *sort, OrderItem *item, Error *err)
{
    static const Scope scope = {
        .clause = "ORDER BY", .aliases = ALIAS_BEFORE_COLUMNS, .aggregates = true, .windows = true, .orders = true};
    TRY(bind_direction(binder, sort, item, err));
    const Output *output;
    binder->byte = -1;
    TRY(ordinal(binder, sort->node, "ORDER BY", &output, err));
    if (output)
        item->expr = output->expr;
    else
        TRY(bind_expr(binder, sort->node, &scope, &item->expr, err));
    item->byte = output ? output->byte : binder->byte;
    return STATUS_OK;
}

static Status bind_order(Binder *binder, const PgQuery__SelectStmt *select, Query *query, Error *err)
{
    binder->distinct = select->n_distinct_clause > 0;
    query->order = ARENA_ARRAY(binder->arena, OrderItem, select->n_sort_clause);
    for (size_t i = 0; i < select->n_sort_clause; i++) {
        if (select->sort_clause[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY)
            return sql_refuse(binder->source, 0, err, "", "ORDER BY something that is no expression");
        TRY(bind_order_item(binder, select->sort_clause[i]->sort_by, &query->order[query->n_order++], err));
    }
    return STATUS_OK;
}

static Status bind_count(const Binder *binder, const PgQuery__Node *node, PgQuery__Token word, int64_t none,
                         int64_t *ret, Error *err)
{
    const char *clause = word == PG_QUERY__TOKEN__LIMIT ? "LIMIT" : "OFFSET";
    *ret = none;
    if (!node)
        return STATUS_OK;
    const PgQuery__AConst *constant = node->node_case == PG_QUERY__NODE__NODE_A_CONST ? node->a_const : NULL;
    if (constant && constant->isnull && none < 0)
        return STATUS_OK; /* LIMIT ALL */
    int64_t count = -1;
    if (constant && !constant->isnull && constant->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
        count = constant->ival->ival;
    } else if (constant && !constant->isnull && constant->val_case == PG_QUERY__A__CONST__VAL_FVAL) {
        char *end;
        count = strtoll(constant->fval->fval, &end, 10);
        count = *end == '\0' && count < INT64_MAX ? count : -1;
    }
    if (count < 0)
        return sql_refuse(binder->source, constant ? constant->location : sql_word_byte(binder->source, word), err,
                          "write a number: LIMIT 10 OFFSET 20", "%s takes a whole number, not negative", clause);
    *ret = count;
    return STATUS_OK;
}

static Status bind_limit(Binder *binder, const PgQuery__SelectStmt *select, Query *query, Error *err)
{
    TRY(bind_count(binder, select->limit_count, PG_QUERY__TOKEN__LIMIT, -1, &query->limit, err));
    TRY(bind_count(binder, select->limit_offset, PG_QUERY__TOKEN__OFFSET, 0, &query->offset, err));
    if (binder->source->mode != SQL_MART || (query->limit < 0 && query->offset == 0))
        return STATUS_OK;
    int32_t limit = sql_clause_byte(binder->source, select, PG_QUERY__TOKEN__LIMIT);
    int32_t offset = sql_clause_byte(binder->source, select, PG_QUERY__TOKEN__OFFSET);
    if (select->limit_offset && select->limit_count && offset < limit)
        return sql_refuse(binder->source, offset, err, "write LIMIT before OFFSET",
                          "OFFSET before LIMIT is PostgreSQL's alone");
    if (query->n_order == 0)
        return sql_refuse(binder->source, select->limit_count ? limit : offset, err, "add ORDER BY",
                          "without ORDER BY it is chance which rows a mart keeps");
    return STATUS_OK;
}

/* ---- the whole ---- */
static Binder binder_of(const SqlText *source, BindFrom *from, Arena *arena)
{
    return (Binder){.source = source,
                    .arena = arena,
                    .from = from,
                    .table = &from->schema,
                    .table_name = from->n_tables > 1 ? "FROM" : from->tables[0].name,
                    .n_visible = from->n_tables,
                    .byte = -1};
}

/* ON sees the tables up to its own. */
static Status bind_on(Binder *binder, Query *query, Error *err)
{
    static const Scope on = {.clause = "ON", .aliases = ALIAS_NONE};
    const BindFrom *from = binder->from;
    query->on = binder->on = ARENA_ARRAY(binder->arena, const Expr *, from->n_tables + subquery_tables(binder->source));
    for (uint32_t t = 1; t < from->n_tables; t++) {
        binder->n_visible = t + 1;
        TRY(bind_condition(binder, from->conditions[t], &on, &query->on[t], err));
    }
    binder->n_visible = from->n_tables;
    return STATUS_OK;
}

/* Where rows are grouped, a query of one row is the same for all of them. */
static void add_values_as_keys(const Binder *binder, Query *query)
{
    const BindFrom *from = binder->from;
    for (uint32_t t = binder->n_visible; t < from->n_tables; t++)
        if (!query->on[t] && from->tables[t].schema->n == 1)
            add_key(query, expr_column(binder->arena, from->first[t], from->schema.fields[from->first[t]].type, 0));
}

static Status bind_clauses(Binder *binder, const PgQuery__SelectStmt *select, Query *query, Error *err)
{
    static const Scope where = {.clause = "WHERE", .aliases = ALIAS_NONE, .subqueries = true};
    static const Scope having = {
        .clause = "HAVING", .aliases = ALIAS_AFTER_COLUMNS, .aggregates = true, .subqueries = true};
    TRY(bind_on(binder, query, err));
    TRY(bind_outputs(binder, select, err));
    if (select->where_clause)
        TRY(bind_where(binder, select->where_clause, &where, &query->where, err));
    TRY(bind_keys(binder, select, query, err));
    if (select->having_clause) {
        TRY(bind_condition(binder, select->having_clause, &having, &query->having, err));
        query->having_byte = binder->byte;
        if (expr_has_window(query->having))
            return sql_refuse(binder->source, query->having_byte, err,
                              "compute it in a query in FROM, and filter around that", "a window in HAVING");
    }
    TRY(bind_order(binder, select, query, err));
    query->aggregates = query->n_keys > 0 || binder->n_calls > 0;
    if (query->n_keys) /* without keys it would part one group of no rows from none */
        add_values_as_keys(binder, query);
    if (query->having && !query->aggregates)
        return sql_refuse(binder->source, query->having_byte, err, "write WHERE",
                          "HAVING without GROUP BY or an aggregate");
    TRY(bind_distinct(binder, select, query, err));
    if (query->n_keys > PLAN_MAX_KEYS)
        return sql_refuse(binder->source, binder->byte, err, "group by fewer columns, or by a concat of some",
                          "there are %u columns to group by, and %d are the most", query->n_keys, PLAN_MAX_KEYS);
    return bind_limit(binder, select, query, err);
}

Status bind_select(const SqlText *source, const PgQuery__SelectStmt *select, BindFrom *from,
                   const SubqueryPlanner *planner, Arena *arena, PlanNode **ret, Error *err)
{
    Binder binder = binder_of(source, from, arena);
    binder.planner = planner;
    Query query = {.limit = -1};
    binder.calls = ARENA_ARRAY(arena, AggregateCall, source->n_tokens);
    binder.windows = ARENA_ARRAY(arena, BoundWindow, source->n_tokens);
    binder.window_names = select->window_clause;
    binder.n_window_names = select->n_window_clause;
    TRY(bind_clauses(&binder, select, &query, err));
    return assemble_plan(&binder, &query, ret, err);
}

Status bind_relation(const SqlText *source, const BindTable *table, const DataType *types, bool distinct,
                     const PgQuery__SelectStmt *clauses, Arena *arena, PlanNode **ret, Error *err)
{
    BindFrom *from = ARENA_NEW(arena, BindFrom);
    *from = (BindFrom){.tables = ARENA_ARRAY(arena, BindTable, 1),
                       .n_tables = 1,
                       .outer = ARENA_ARRAY(arena, bool, 1),
                       .first = ARENA_ARRAY(arena, uint32_t, 1),
                       .schema = *table->schema};
    from->tables[0] = *table;
    Binder binder = binder_of(source, from, arena);
    Query query = {.limit = -1};
    TRY(add_all_columns(&binder, -1, err));
    for (uint32_t i = 0; types && i < binder.n_outputs; i++)
        TRY(expr_cast(arena, binder.outputs[i].expr, types[i], &binder.outputs[i].expr, err));
    if (distinct) {
        query.aggregates = query.distinct = true;
        query.keys = ARENA_ARRAY(arena, const Expr *, binder.n_outputs);
        for (uint32_t i = 0; i < binder.n_outputs; i++)
            add_key(&query, binder.outputs[i].expr);
        if (query.n_keys > PLAN_MAX_KEYS)
            return sql_refuse(source, -1, err, "write UNION ALL, or select fewer columns",
                              "UNION of %u columns; %d are the most", query.n_keys, PLAN_MAX_KEYS);
    }
    if (clauses) {
        binder.calls = ARENA_ARRAY(arena, AggregateCall, source->n_tokens);
        binder.windows = ARENA_ARRAY(arena, BoundWindow, source->n_tokens);
        TRY(bind_order(&binder, clauses, &query, err));
        if (binder.n_calls || binder.n_windows)
            return sql_refuse(source, binder.byte, err, "order by columns of the result",
                              "%s in the ORDER BY of a UNION", binder.n_calls ? "an aggregate" : "a window");
        TRY(bind_limit(&binder, clauses, &query, err));
    }
    return assemble_plan(&binder, &query, ret, err);
}
