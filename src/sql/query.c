/* From text to plan: how the SELECTs of a statement hang together.
 *
 *   WITH name AS (query)   planned once where it stands; the name hides tables and names further out
 *   FROM (query) AS name   planned before the SELECT around it, which reads it as a relation
 *   a JOIN b ON ...        a chain from left to right; how it is run is assemble_from.c's
 *   query UNION ALL query  one relation of several plans, cast to common types; UNION groups it by all columns
 *
 * Each SELECT by itself is bind.c's. */
#include <strings.h>

#include "columnar/coerce.h"
#include "sql/bind_internal.h"

/* What WITH names, from the innermost out. */
typedef struct Named Named;
struct Named {
    const char *name;
    const Schema *schema;
    const PlanNode *plan;
    const Named *outer;
};

typedef struct Planner {
    const SqlText *source;
    const Catalog *catalog;
    Arena *arena;
    bool in_expression; /* the query is one, so its column needs no name */
} Planner;

static Status plan_query(const Planner *planner, const PgQuery__SelectStmt *select, const Named *outer, PlanNode **ret,
                         Error *err);

static const Named *find_named(const Named *named, const char *name)
{
    while (named && strcasecmp(named->name, name) != 0)
        named = named->outer;
    return named;
}

/* ---- FROM ---- */

/* The schema with the names that `AS t(a, b)` gives the columns. */
static Status rename_columns(const Planner *planner, PgQuery__Node *const *names, size_t n, int32_t byte,
                             const Schema *schema, const Schema **ret, Error *err)
{
    *ret = schema;
    if (n == 0)
        return STATUS_OK;
    if (n != schema->n)
        return sql_refuse(planner->source, byte, err, "name each column once", "%zu names for %s", n,
                          PLURAL(schema->n, "column"));
    Schema *renamed = ARENA_NEW(planner->arena, Schema);
    *renamed = (Schema){.fields = ARENA_ARRAY(planner->arena, Field, n), .n = schema->n};
    for (uint32_t i = 0; i < schema->n; i++) {
        if (names[i]->node_case != PG_QUERY__NODE__NODE_STRING)
            return sql_refuse(planner->source, byte, err, "write names", "a list of columns that is not one of names");
        renamed->fields[i] = schema->fields[i];
        renamed->fields[i].name = arena_strdup(planner->arena, sql_name(planner->source, names[i]->string->sval));
        for (uint32_t k = 0; k < i; k++)
            if (strcasecmp(renamed->fields[i].name, renamed->fields[k].name) == 0)
                return sql_refuse(planner->source, byte, err, "give one of them another name",
                                  "two columns are called %s", renamed->fields[i].name);
    }
    *ret = renamed;
    return STATUS_OK;
}

static void read_plan(const Planner *planner, const PlanNode *plan, BindTable *from)
{
    from->plans = ARENA_ARRAY(planner->arena, const PlanNode *, 1);
    from->plans[0] = plan;
    from->n_plans = 1;
}

static Status find_table(const Planner *planner, const PgQuery__RangeVar *table, const Named *named, BindTable *from,
                         Error *err)
{
    TRY(sql_check_table(planner->source, table, err));
    const char *name = arena_strdup(planner->arena, sql_name(planner->source, table->relname));
    from->name = table->alias ? arena_strdup(planner->arena, sql_name(planner->source, table->alias->aliasname)) : name;
    const Named *query = find_named(named, name);
    if (query) {
        from->schema = query->schema;
        read_plan(planner, query->plan, from);
        return STATUS_OK;
    }
    from->table = name;
    if (planner->catalog->find_table(planner->catalog->context, name, &from->schema, err) == STATUS_OK)
        return STATUS_OK;
    return error_at_offset(err, sql_position(planner->source, table->location));
}

/* A query inside another one: its columns have types. */
static Status plan_inner(const Planner *planner, const PgQuery__Node *node, const Named *named, PlanNode **ret,
                         int32_t *ret_byte, Error *err)
{
    if (!node || node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return sql_refuse(planner->source, -1, err, "write a SELECT", "a query that is no SELECT");
    *ret_byte = sql_query_byte(node->select_stmt);
    TRY(plan_query(planner, node->select_stmt, named, ret, err));
    for (uint32_t i = 0; i < (*ret)->schema.n; i++)
        if ((*ret)->schema.fields[i].type.id == TYPE_NULLTYPE)
            return sql_refuse(planner->source, *ret_byte, err, "give it a type: CAST(NULL AS STRING)",
                              "%s, a column of bare NULLs, has no type", (*ret)->schema.fields[i].name);
    return STATUS_OK;
}

static Status find_subquery(const Planner *planner, const PgQuery__RangeSubselect *subquery, const Named *named,
                            BindTable *from, Error *err)
{
    PlanNode *plan;
    int32_t byte;
    TRY(plan_inner(planner, subquery->subquery, named, &plan, &byte, err));
    const PgQuery__Alias *alias = subquery->alias;
    from->name = alias ? arena_strdup(planner->arena, sql_name(planner->source, alias->aliasname)) : "";
    read_plan(planner, plan, from);
    return rename_columns(planner, alias ? alias->colnames : NULL, alias ? alias->n_colnames : 0, byte, &plan->schema,
                          &from->schema, err);
}

/* FROM as it is put together, from left to right. */
typedef struct FromList {
    BindTable *tables;
    bool *outer;
    const PgQuery__Node **conditions;
    uint32_t n;
} FromList;

static uint32_t count_tables(const PgQuery__Node *node)
{
    bool is_join = node && node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR;
    return is_join ? count_tables(node->join_expr->larg) + count_tables(node->join_expr->rarg) : 1;
}

static Status add_from(const Planner *planner, const PgQuery__SelectStmt *select, const PgQuery__Node *node,
                       const Named *named, FromList *list, Error *err)
{
    const SqlText *source = planner->source;
    BindTable *table = &list->tables[list->n];
    if (node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR)
        TRY(find_table(planner, node->range_var, named, table, err));
    else if (node->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT && !node->range_subselect->lateral)
        TRY(find_subquery(planner, node->range_subselect, named, table, err));
    else
        return sql_refuse(source, sql_clause_byte(source, select, PG_QUERY__TOKEN__FROM), err,
                          "read tables by their names, or subqueries", "FROM takes tables and queries, not a function");
    for (uint32_t t = 0; t < list->n; t++)
        if (strcasecmp(list->tables[t].name, table->name) == 0)
            return sql_refuse(source, sql_clause_byte(source, select, PG_QUERY__TOKEN__FROM), err,
                              "name one of them with AS", "two tables in FROM are called %s", table->name);
    list->n++;
    return STATUS_OK;
}

static Status add_join(const Planner *planner, const PgQuery__SelectStmt *select, const PgQuery__Node *node,
                       const Named *named, FromList *list, Error *err)
{
    if (node->node_case != PG_QUERY__NODE__NODE_JOIN_EXPR)
        return add_from(planner, select, node, named, list, err);
    const PgQuery__JoinExpr *join = node->join_expr;
    const SqlText *source = planner->source;
    int32_t byte = sql_clause_byte(source, select, PG_QUERY__TOKEN__JOIN);
    bool outer = join->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT;
    if (!outer && join->jointype != PG_QUERY__JOIN_TYPE__JOIN_INNER)
        return sql_refuse(source, byte, err, "write the tables in the other order, with LEFT JOIN",
                          "RIGHT and FULL JOIN are not in the dialect");
    if (join->is_natural)
        return sql_refuse(source, byte, err, "write ON a.x = b.x", "NATURAL JOIN is not in the dialect");
    if (join->n_using_clause)
        return sql_refuse(source, byte, err, "write ON a.x = b.x", "USING is not in the dialect");
    if (!join->quals)
        return sql_refuse(source, byte, err, "write JOIN ... ON a.x = b.y", "a join without ON");
    if (join->alias)
        return sql_refuse(source, byte, err, "name the tables", "a name for a join is PostgreSQL's alone");
    if (join->rarg->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR)
        return sql_refuse(source, byte, err, "join tables one after the other, or write a subquery",
                          "a join in parentheses on the right of another");
    TRY(add_join(planner, select, join->larg, named, list, err));
    uint32_t t = list->n;
    TRY(add_from(planner, select, join->rarg, named, list, err));
    list->outer[t] = outer;
    list->conditions[t] = join->quals;
    return STATUS_OK;
}

static void join_schemas(const Planner *planner, const FromList *list, BindFrom *from)
{
    uint32_t room = subquery_tables(planner->source), n = 0;
    uint32_t *first = ARENA_ARRAY(planner->arena, uint32_t, list->n + room);
    for (uint32_t t = 0; t < list->n; t++) {
        first[t] = n;
        n += list->tables[t].schema->n;
    }
    from->schema = (Schema){.fields = ARENA_ARRAY(planner->arena, Field, n + 2 * room), .n = n};
    for (uint32_t t = 0; t < list->n; t++)
        for (uint32_t i = 0; i < list->tables[t].schema->n; i++) {
            from->schema.fields[first[t] + i] = list->tables[t].schema->fields[i];
            from->schema.fields[first[t] + i].nullable |= list->outer[t];
        }
    from->tables = list->tables;
    from->n_tables = list->n;
    from->outer = list->outer;
    from->conditions = list->conditions;
    from->first = first;
}

static Status find_from(const Planner *planner, const PgQuery__SelectStmt *select, const Named *named, BindFrom *from,
                        Error *err)
{
    const SqlText *source = planner->source;
    if (select->n_from_clause == 0)
        return sql_refuse(source, sql_query_byte(select), err,
                          source->mode == SQL_MART ? "add FROM and the table's name" : "add FROM 'files'",
                          "the statement reads no table");
    if (select->n_from_clause > 1)
        return sql_refuse(source, sql_clause_byte(source, select, PG_QUERY__TOKEN__FROM), err,
                          "write a JOIN b ON a.x = b.y", "tables parted by commas in FROM");
    uint32_t n = count_tables(select->from_clause[0]);
    uint32_t room = n + subquery_tables(planner->source);
    FromList list = {.tables = ARENA_ARRAY(planner->arena, BindTable, room),
                     .outer = ARENA_ARRAY(planner->arena, bool, room),
                     .conditions = ARENA_ARRAY(planner->arena, const PgQuery__Node *, room)};
    TRY(add_join(planner, select, select->from_clause[0], named, &list, err));
    join_schemas(planner, &list, from);
    return STATUS_OK;
}

/* ---- UNION ---- */

typedef struct Parts {
    const PlanNode **plans;
    uint32_t n;
    uint32_t capacity;
} Parts;

static void add_part(const Planner *planner, const PlanNode *plan, Parts *parts)
{
    if (parts->n == parts->capacity) {
        uint32_t capacity = parts->capacity ? parts->capacity * 2 : 4;
        const PlanNode **plans = ARENA_ARRAY(planner->arena, const PlanNode *, capacity);
        if (parts->n)
            memcpy(plans, parts->plans, sizeof *plans * parts->n);
        parts->plans = plans;
        parts->capacity = capacity;
    }
    parts->plans[parts->n++] = plan;
}

static bool has_own_clauses(const PgQuery__SelectStmt *select)
{
    return select->n_sort_clause || select->limit_count || select->limit_offset || select->with_clause;
}

/* The SELECTs of a chain of UNION ALL; of other queries, each by itself. */
static Status plan_parts(const Planner *planner, const PgQuery__SelectStmt *select, const Named *named, Parts *parts,
                         Error *err)
{
    const PgQuery__SelectStmt *sides[2] = {select->larg, select->rarg};
    for (int i = 0; i < 2; i++) {
        const PgQuery__SelectStmt *side = sides[i];
        bool chain = side->op == PG_QUERY__SET_OPERATION__SETOP_UNION && side->all && !has_own_clauses(side);
        if (chain) {
            TRY(sql_check_select(planner->source, side, err));
            TRY(plan_parts(planner, side, named, parts, err));
            continue;
        }
        PlanNode *plan;
        TRY(plan_query(planner, side, named, &plan, err));
        if (parts->n && plan->schema.n != parts->plans[0]->schema.n)
            return sql_refuse(planner->source, sql_query_byte(side), err, "select as many columns on both sides",
                              "UNION of %s and %s", PLURAL(parts->plans[0]->schema.n, "column"),
                              PLURAL(plan->schema.n, "column"));
        add_part(planner, plan, parts);
    }
    return STATUS_OK;
}

/* The types that hold the columns of all parts. */
static Status common_types(const Planner *planner, const Parts *parts, int32_t byte, DataType *types, Error *err)
{
    const Schema *first = &parts->plans[0]->schema;
    DataType *given = ARENA_ARRAY(planner->arena, DataType, parts->n);
    for (uint32_t c = 0; c < first->n; c++) {
        for (uint32_t p = 0; p < parts->n; p++)
            given[p] = parts->plans[p]->schema.fields[c].type;
        if (type_common_of(given, parts->n, true, &types[c]))
            continue;
        char left[32], right[32];
        uint32_t other = 1;
        while (other + 1 < parts->n && type_equal(given[other], given[0]))
            other++;
        return sql_refuse(planner->source, byte, err, "CAST one of them", "UNION of %s and %s in column %s",
                          type_name(given[0], left, sizeof left), type_name(given[other], right, sizeof right),
                          first->fields[c].name);
    }
    return STATUS_OK;
}

static bool has_types(const Schema *schema, const DataType *types)
{
    for (uint32_t c = 0; c < schema->n; c++)
        if (!type_equal(schema->fields[c].type, types[c]))
            return false;
    return true;
}

static Status cast_part(const Planner *planner, const PlanNode **inout_plan, const DataType *types, Error *err)
{
    BindTable from = {.name = "", .schema = &(*inout_plan)->schema};
    read_plan(planner, *inout_plan, &from);
    PlanNode *cast;
    TRY(bind_relation(planner->source, &from, types, false, NULL, planner->arena, &cast, err));
    *inout_plan = cast;
    return STATUS_OK;
}

static Status plan_union(const Planner *planner, const PgQuery__SelectStmt *select, const Named *named, PlanNode **ret,
                         Error *err)
{
    if (select->op != PG_QUERY__SET_OPERATION__SETOP_UNION)
        return sql_refuse(planner->source, sql_query_byte(select->rarg), err, "filter with AND and AND NOT",
                          "INTERSECT and EXCEPT are not in the dialect yet");
    Parts parts = {0};
    TRY(plan_parts(planner, select, named, &parts, err));
    const Schema *first = &parts.plans[0]->schema;
    Schema *schema = ARENA_NEW(planner->arena, Schema);
    *schema = (Schema){.fields = ARENA_ARRAY(planner->arena, Field, first->n), .n = first->n};
    DataType *types = ARENA_ARRAY(planner->arena, DataType, first->n);
    TRY(common_types(planner, &parts, sql_query_byte(select), types, err));
    for (uint32_t c = 0; c < schema->n; c++) {
        schema->fields[c] = (Field){first->fields[c].name, types[c], first->fields[c].nullable};
        for (uint32_t p = 1; p < parts.n; p++)
            schema->fields[c].nullable |= parts.plans[p]->schema.fields[c].nullable;
    }
    for (uint32_t p = 0; p < parts.n; p++)
        if (!has_types(&parts.plans[p]->schema, types))
            TRY(cast_part(planner, &parts.plans[p], types, err));
    BindTable *from = ARENA_NEW(planner->arena, BindTable);
    *from = (BindTable){.name = "UNION", .schema = schema, .plans = parts.plans, .n_plans = parts.n};
    return bind_relation(planner->source, from, NULL, !select->all, select, planner->arena, ret, err);
}

/* ---- WITH ---- */

static Status add_named(const Planner *planner, const PgQuery__CommonTableExpr *with, const Named *outer,
                        const Named **ret, Error *err)
{
    if (with->ctematerialized != PG_QUERY__CTEMATERIALIZE__CTEMaterializeDefault)
        return sql_refuse(planner->source, with->location, err, "leave MATERIALIZED out",
                          "MATERIALIZED is PostgreSQL's alone");
    if (with->search_clause || with->cycle_clause)
        return sql_refuse(planner->source, with->location, err, "", "SEARCH and CYCLE are PostgreSQL's alone");
    PlanNode *plan;
    int32_t byte;
    TRY(plan_inner(planner, with->ctequery, outer, &plan, &byte, err));
    Named *named = ARENA_NEW(planner->arena, Named);
    named->name = arena_strdup(planner->arena, sql_name(planner->source, with->ctename));
    named->plan = plan;
    named->outer = outer;
    TRY(rename_columns(planner, with->aliascolnames, with->n_aliascolnames, with->location, &plan->schema,
                       &named->schema, err));
    *ret = named;
    return STATUS_OK;
}

static Status plan_with(const Planner *planner, const PgQuery__WithClause *clause, const Named *outer,
                        const Named **ret, Error *err)
{
    *ret = outer;
    if (!clause)
        return STATUS_OK;
    if (clause->recursive)
        return sql_refuse(planner->source, clause->location, err, "write one subquery for each level",
                          "WITH RECURSIVE is not in the dialect");
    for (size_t i = 0; i < clause->n_ctes; i++) {
        if (clause->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR)
            return sql_refuse(planner->source, clause->location, err, "write WITH name AS (SELECT ...)",
                              "WITH something that is no query");
        const PgQuery__CommonTableExpr *with = clause->ctes[i]->common_table_expr;
        for (const Named *earlier = *ret; earlier != outer; earlier = earlier->outer)
            if (strcasecmp(earlier->name, sql_name(planner->source, with->ctename)) == 0)
                return sql_refuse(planner->source, with->location, err, "give one of them another name",
                                  "WITH names %s twice", earlier->name);
        TRY(add_named(planner, with, *ret, ret, err));
    }
    return STATUS_OK;
}

/* Queries in the expressions of a SELECT see what it sees by WITH. */
typedef struct Subqueries {
    const Planner *planner;
    const Named *named;
} Subqueries;

static Status plan_subquery(void *context, const PgQuery__Node *query, PlanNode **ret, int32_t *ret_byte, Error *err)
{
    const Subqueries *subqueries = context;
    Planner planner = *subqueries->planner;
    planner.in_expression = true;
    return plan_inner(&planner, query, subqueries->named, ret, ret_byte, err);
}

static Status plan_query(const Planner *planner, const PgQuery__SelectStmt *select, const Named *outer, PlanNode **ret,
                         Error *err)
{
    const Named *named;
    Planner inner = *planner;
    inner.in_expression = false;
    TRY(sql_check_select(planner->source, select, err));
    TRY(plan_with(&inner, select->with_clause, outer, &named, err));
    if (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE)
        return plan_union(&inner, select, named, ret, err);
    BindFrom *from = ARENA_NEW(planner->arena, BindFrom);
    TRY(find_from(&inner, select, named, from, err));
    Subqueries subqueries = {&inner, named};
    SubqueryPlanner of_expressions = {&subqueries, plan_subquery, planner->in_expression};
    return bind_select(planner->source, select, from, &of_expressions, planner->arena, ret, err);
}

static void free_tree(SqlTree *tree)
{
    sql_tree_done(tree);
}

Status sql_plan(const char *text, SqlMode mode, const Catalog *catalog, Arena *query_arena, PlanNode **ret_plan,
                Error *err)
{
    SqlText source;
    TRY(sql_scan(text, mode, query_arena, &source, err));
    CLEANUP(free_tree) SqlTree tree = {0};
    TRY(sql_parse(&source, &tree, err));
    const Planner planner = {.source = &source, .catalog = catalog, .arena = query_arena};
    return plan_query(&planner, tree.select, NULL, ret_plan, err);
}

/* ---- The tables of a statement ---- */

typedef struct TableNames {
    const SqlText *source;
    Arena *arena;
    const char **names; /* there is room for one a token */
    uint32_t n;
} TableNames;

static Status collect_query(TableNames *tables, const PgQuery__SelectStmt *select, const Named *outer, Error *err);
static Status collect_expr(TableNames *tables, const PgQuery__Node *node, const Named *named, Error *err);

static void add_table(TableNames *tables, const char *name)
{
    for (uint32_t i = 0; i < tables->n; i++)
        if (strcmp(tables->names[i], name) == 0)
            return;
    tables->names[tables->n++] = arena_strdup(tables->arena, name);
}

static Status collect_inner(TableNames *tables, const PgQuery__Node *node, const Named *named, Error *err)
{
    bool is_query = node && node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT;
    return is_query ? collect_query(tables, node->select_stmt, named, err) : STATUS_OK;
}

static Status collect_with(TableNames *tables, const PgQuery__WithClause *clause, const Named **inout_named, Error *err)
{
    for (size_t i = 0; clause && i < clause->n_ctes; i++) {
        if (clause->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR)
            continue;
        const PgQuery__CommonTableExpr *with = clause->ctes[i]->common_table_expr;
        TRY(collect_inner(tables, with->ctequery, *inout_named, err));
        Named *named = ARENA_NEW(tables->arena, Named);
        *named = (Named){.name = arena_strdup(tables->arena, sql_name(tables->source, with->ctename)),
                         .outer = *inout_named};
        *inout_named = named;
    }
    return STATUS_OK;
}

static Status collect_from(TableNames *tables, const PgQuery__Node *node, const Named *named, Error *err)
{
    if (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
        TRY(collect_from(tables, node->join_expr->larg, named, err));
        return collect_from(tables, node->join_expr->rarg, named, err);
    }
    if (node->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT)
        return collect_inner(tables, node->range_subselect->subquery, named, err);
    if (node->node_case != PG_QUERY__NODE__NODE_RANGE_VAR)
        return STATUS_OK;
    TRY(sql_check_table(tables->source, node->range_var, err));
    const char *name = sql_name(tables->source, node->range_var->relname);
    if (!find_named(named, name))
        add_table(tables, name);
    return STATUS_OK;
}

static Status collect_list(TableNames *tables, PgQuery__Node *const *nodes, size_t n, const Named *named, Error *err)
{
    for (size_t i = 0; i < n; i++)
        TRY(collect_expr(tables, nodes[i], named, err));
    return STATUS_OK;
}

/* Of the queries in an expression. */
static Status collect_expr(TableNames *tables, const PgQuery__Node *node, const Named *named, Error *err)
{
    if (!node)
        return STATUS_OK;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SUB_LINK:
        TRY(collect_expr(tables, node->sub_link->testexpr, named, err));
        return collect_inner(tables, node->sub_link->subselect, named, err);
    case PG_QUERY__NODE__NODE_RES_TARGET:
        return collect_expr(tables, node->res_target->val, named, err);
    case PG_QUERY__NODE__NODE_SORT_BY:
        return collect_expr(tables, node->sort_by->node, named, err);
    case PG_QUERY__NODE__NODE_A_EXPR:
        TRY(collect_expr(tables, node->a_expr->lexpr, named, err));
        return collect_expr(tables, node->a_expr->rexpr, named, err);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return collect_list(tables, node->bool_expr->args, node->bool_expr->n_args, named, err);
    case PG_QUERY__NODE__NODE_LIST:
        return collect_list(tables, node->list->items, node->list->n_items, named, err);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        TRY(collect_expr(tables, node->func_call->agg_filter, named, err));
        return collect_list(tables, node->func_call->args, node->func_call->n_args, named, err);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return collect_list(tables, node->coalesce_expr->args, node->coalesce_expr->n_args, named, err);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return collect_list(tables, node->min_max_expr->args, node->min_max_expr->n_args, named, err);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        TRY(collect_expr(tables, node->case_expr->arg, named, err));
        TRY(collect_expr(tables, node->case_expr->defresult, named, err));
        return collect_list(tables, node->case_expr->args, node->case_expr->n_args, named, err);
    case PG_QUERY__NODE__NODE_CASE_WHEN:
        TRY(collect_expr(tables, node->case_when->expr, named, err));
        return collect_expr(tables, node->case_when->result, named, err);
    case PG_QUERY__NODE__NODE_NULL_TEST:
        return collect_expr(tables, node->null_test->arg, named, err);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
        return collect_expr(tables, node->boolean_test->arg, named, err);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return collect_expr(tables, node->type_cast->arg, named, err);
    default:
        return STATUS_OK;
    }
}

static Status collect_query(TableNames *tables, const PgQuery__SelectStmt *select, const Named *outer, Error *err)
{
    const Named *named = outer;
    TRY(sql_check_select(tables->source, select, err));
    TRY(collect_with(tables, select->with_clause, &named, err));
    if (select->larg)
        TRY(collect_query(tables, select->larg, named, err));
    if (select->rarg)
        TRY(collect_query(tables, select->rarg, named, err));
    for (size_t i = 0; i < select->n_from_clause; i++)
        TRY(collect_from(tables, select->from_clause[i], named, err));
    TRY(collect_list(tables, select->target_list, select->n_target_list, named, err));
    TRY(collect_expr(tables, select->where_clause, named, err));
    TRY(collect_expr(tables, select->having_clause, named, err));
    return collect_list(tables, select->sort_clause, select->n_sort_clause, named, err);
}

Status sql_tables(const char *text, SqlMode mode, Arena *query_arena, const char ***ret_names, uint32_t *ret_n,
                  Error *err)
{
    SqlText source;
    TRY(sql_scan(text, mode, query_arena, &source, err));
    CLEANUP(free_tree) SqlTree tree = {0};
    TRY(sql_parse(&source, &tree, err));
    TableNames tables = {&source, query_arena, ARENA_ARRAY(query_arena, const char *, source.n_tokens + 1), 0};
    TRY(collect_query(&tables, tree.select, NULL, err));
    *ret_names = tables.names;
    *ret_n = tables.n;
    return STATUS_OK;
}
