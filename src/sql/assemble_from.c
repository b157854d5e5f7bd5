/* The input of a SELECT: one leaf, or a chain of joins.
 *
 *   Filter (the rest of WHERE) <- Join <- ... <- Join <- Filter (what WHERE says of the first table) <- leaf
 *                                  right: Project (columns, keys) <- Filter (what is said of that table alone) <- leaf
 *
 * A condition is a row of links between ANDs, each of which goes as far down as it may:
 *   of the first table alone        below the joins: no join takes a row of that table away that it lets through
 *   of one other table alone        to that table's plan; from WHERE only where the join is not outer, since a row that it
 *                                   drops would come back with NULLs
 *   ON: a = b, left and right       a key of the join
 *   anything else                   ON: a condition of the join; WHERE: above the joins
 * A table of a query of one row is joined by a key that all rows have.
 * The rows of a join have no order that a sort could use, so what is sorted and not grouped is a relation first. */
#include "sql/bind_internal.h"

typedef struct Links {
    const Expr **links;
    uint32_t n;
} Links;

typedef struct Input {
    const Binder *binder;
    const Query *query;
    const uint32_t *kept;
    uint32_t *first_kept; /* per table: the number of its first kept column; one behind the last */
    Links *pushed;        /* per table: what is said of it alone */
    Links rest;           /* of WHERE */
} Input;

static uint32_t count_links(const Expr *expr)
{
    if (expr->kind != EXPR_CALL || strcmp(expr->call.function->name, "and") != 0)
        return 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < expr->call.n_args; i++)
        n += count_links(expr->args[i]);
    return n;
}

static void split_links(const Expr *expr, Links *links)
{
    if (expr->kind != EXPR_CALL || strcmp(expr->call.function->name, "and") != 0) {
        links->links[links->n++] = expr;
        return;
    }
    for (uint32_t i = 0; i < expr->call.n_args; i++)
        split_links(expr->args[i], links);
}

static Links links_of(Arena *arena, const Expr *expr)
{
    Links links = {0};
    if (!expr)
        return links;
    links.links = ARENA_ARRAY(arena, const Expr *, count_links(expr));
    split_links(expr, &links);
    return links;
}

static uint32_t table_of(const BindFrom *from, uint32_t column)
{
    uint32_t t = from->n_tables - 1;
    while (from->first[t] > column)
        t--;
    return t;
}

/* The tables that the expression reads: the least and the last; least > last for none. */
static void find_tables(const BindFrom *from, const Expr *expr, uint32_t *inout_least, uint32_t *inout_last)
{
    if (expr->kind == EXPR_COLUMN) {
        uint32_t t = table_of(from, expr->column);
        *inout_least = t < *inout_least ? t : *inout_least;
        *inout_last = t > *inout_last ? t : *inout_last;
    }
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args; i++)
        find_tables(from, expr->args[i], inout_least, inout_last);
}

static bool is_of_one_table(const BindFrom *from, const Expr *expr, uint32_t *ret_table)
{
    uint32_t least = UINT32_MAX, last = 0;
    find_tables(from, expr, &least, &last);
    *ret_table = last;
    return least == last;
}

/* Links joined by AND again; NULL for none. */
static Status join_links(Arena *arena, const Links *links, const Expr **ret, Error *err)
{
    *ret = links->n ? links->links[0] : NULL;
    if (links->n < 2)
        return STATUS_OK;
    return expr_call(arena, "and", links->links, links->n, DATA_TYPE(BOOLEAN), links->links[0]->position, ret, err);
}

static Status add_filter(const Input *input, const Links *links, uint32_t first, PlanNode **inout_node, Error *err)
{
    const Expr *condition;
    Arena *arena = input->binder->arena;
    TRY(join_links(arena, links, &condition, err));
    if (condition)
        *inout_node = plan_filter(arena, *inout_node, assemble_over_kept(arena, condition, input->kept, first));
    return STATUS_OK;
}

/* ---- leaves ---- */

static PlanNode *leaf_node(const Input *input, uint32_t t)
{
    const BindTable *table = &input->binder->from->tables[t];
    Arena *arena = input->binder->arena;
    uint32_t first = input->binder->from->first[t], n = input->first_kept[t + 1] - input->first_kept[t], next = 0;
    PlanNode *leaf = plan_node_new(arena, table->table ? PLAN_SCAN : PLAN_RELATION, NULL, n);
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, n);
    for (uint32_t i = 0; i < table->schema->n; i++) {
        if (input->kept[first + i] == UINT32_MAX)
            continue;
        leaf->schema.fields[next] = table->schema->fields[i];
        columns[next++] = i;
    }
    if (table->table) {
        leaf->scan.table = table->table;
        leaf->scan.columns = columns;
    } else {
        leaf->relation.name = table->name;
        leaf->relation.plans = table->plans;
        leaf->relation.n_plans = table->n_plans;
        leaf->relation.columns = columns;
    }
    return leaf;
}

static PlanNode *project_columns(Arena *arena, PlanNode *child, uint32_t n_more)
{
    PlanNode *project = plan_node_new(arena, PLAN_PROJECT, child, child->schema.n + n_more);
    project->project.exprs = ARENA_ARRAY(arena, const Expr *, child->schema.n + n_more);
    for (uint32_t i = 0; i < child->schema.n; i++) {
        project->schema.fields[i] = child->schema.fields[i];
        project->project.exprs[i] = expr_column(arena, i, child->schema.fields[i].type, 0);
    }
    return project;
}

/* ---- joins ---- */

typedef struct JoinLinks {
    Links left_keys, right_keys; /* over FROM */
    Links condition;
} JoinLinks;

/* left = right, in either order, with a table before `t` on one side and `t` alone on the other. */
static bool is_key(const BindFrom *from, const Expr *link, uint32_t t, const Expr **ret_left, const Expr **ret_right)
{
    if (link->kind != EXPR_CALL || strcmp(link->call.function->name, "=") != 0)
        return false;
    for (int side = 0; side < 2; side++) {
        const Expr *left = link->args[side], *right = link->args[1 - side];
        uint32_t least = UINT32_MAX, last = 0, of;
        find_tables(from, left, &least, &last);
        if (least > last || last >= t || !is_of_one_table(from, right, &of) || of != t)
            continue;
        *ret_left = left;
        *ret_right = right;
        return true;
    }
    return false;
}

static void sort_links(const Input *input, uint32_t t, JoinLinks *join)
{
    const BindFrom *from = input->binder->from;
    Arena *arena = input->binder->arena;
    Links links = links_of(arena, input->query->on[t]);
    join->left_keys.links = ARENA_ARRAY(arena, const Expr *, links.n);
    join->right_keys.links = ARENA_ARRAY(arena, const Expr *, links.n);
    join->condition.links = ARENA_ARRAY(arena, const Expr *, links.n);
    for (uint32_t i = 0; i < links.n; i++) {
        const Expr *left, *right;
        uint32_t of;
        if (is_key(from, links.links[i], t, &left, &right)) {
            join->left_keys.links[join->left_keys.n++] = left;
            join->right_keys.links[join->right_keys.n++] = right;
        } else if (is_of_one_table(from, links.links[i], &of) && of == t) {
            input->pushed[t].links[input->pushed[t].n++] = links.links[i];
        } else {
            join->condition.links[join->condition.n++] = links.links[i];
        }
    }
}

static Status join_node(const Input *input, uint32_t t, PlanNode *child, PlanNode **ret, Error *err)
{
    const Binder *binder = input->binder;
    Arena *arena = binder->arena;
    JoinLinks links = {0};
    sort_links(input, t, &links);
    uint32_t n_keys = links.left_keys.n;
    if (n_keys == 0 && t >= binder->n_visible) {
        const Expr *one = expr_constant(arena, (Value){.type = DATA_TYPE(INT), .valid = true, .int32 = 1}, 0);
        links.left_keys.links = links.right_keys.links = ARENA_ARRAY(arena, const Expr *, 1);
        links.left_keys.links[0] = one;
        n_keys = 1;
    }
    if (n_keys == 0) {
        sql_refuse(binder->source, -1, err, "write ON a.x = b.y, perhaps with more conditions",
                   "ON has no equality of a column of %s and one of a table before", binder->from->tables[t].name);
        return error_at_offset(err, input->query->on[t]->position);
    }
    PlanNode *right = leaf_node(input, t);
    TRY(add_filter(input, &input->pushed[t], input->first_kept[t], &right, err));
    uint32_t n_right = right->schema.n, n_left = child->schema.n;
    right = project_columns(arena, right, n_keys);
    PlanNode *node = plan_node_new(arena, PLAN_JOIN, child, n_left + n_right);
    node->join.right_keys = ARENA_ARRAY(arena, uint32_t, n_keys);
    node->join.left_keys = ARENA_ARRAY(arena, const Expr *, n_keys);
    for (uint32_t k = 0; k < n_keys; k++) {
        const Expr *key = links.right_keys.links[k];
        right->project.exprs[n_right + k] = assemble_over_kept(arena, key, input->kept, input->first_kept[t]);
        right->schema.fields[n_right + k] = (Field){arena_printf(arena, "key %u", k + 1), key->type, true};
        node->join.right_keys[k] = n_right + k;
        node->join.left_keys[k] = assemble_over_kept(arena, links.left_keys.links[k], input->kept, 0);
    }
    for (uint32_t i = 0; i < n_left; i++)
        node->schema.fields[i] = child->schema.fields[i];
    for (uint32_t i = 0; i < n_right; i++) {
        node->schema.fields[n_left + i] = right->schema.fields[i];
        node->schema.fields[n_left + i].nullable |= binder->from->outer[t];
    }
    const Expr *condition;
    TRY(join_links(arena, &links.condition, &condition, err));
    node->join.condition = condition ? assemble_over_kept(arena, condition, input->kept, 0) : NULL;
    node->join.right = right;
    node->join.n_keys = n_keys;
    node->join.outer = binder->from->outer[t];
    *ret = node;
    return STATUS_OK;
}

/* Deals the links of WHERE out to the tables. */
static void deal_where(Input *input)
{
    const BindFrom *from = input->binder->from;
    Arena *arena = input->binder->arena;
    Links links = links_of(arena, input->query->where);
    input->rest.links = ARENA_ARRAY(arena, const Expr *, links.n);
    input->pushed = ARENA_ARRAY(arena, Links, from->n_tables);
    for (uint32_t t = 0; t < from->n_tables; t++) {
        uint32_t n_on = t > 0 && input->query->on[t] ? count_links(input->query->on[t]) : 0;
        input->pushed[t].links = ARENA_ARRAY(arena, const Expr *, links.n + n_on);
    }
    for (uint32_t i = 0; i < links.n; i++) {
        uint32_t t;
        bool alone = is_of_one_table(from, links.links[i], &t) && !from->outer[t];
        Links *to = alone ? &input->pushed[t] : &input->rest;
        to->links[to->n++] = links.links[i];
    }
}

static void count_kept(Input *input)
{
    const BindFrom *from = input->binder->from;
    input->first_kept = ARENA_ARRAY(input->binder->arena, uint32_t, from->n_tables + 1);
    for (uint32_t t = 0; t < from->n_tables; t++) {
        uint32_t n = input->first_kept[t];
        for (uint32_t i = 0; i < from->tables[t].schema->n; i++)
            n += input->kept[from->first[t] + i] != UINT32_MAX;
        input->first_kept[t + 1] = n;
    }
}

/* The rows of the joins as a relation, column by column the same. */
static PlanNode *relation_of(Arena *arena, PlanNode *joins)
{
    PlanNode *plan = project_columns(arena, joins, 0);
    PlanNode *relation = plan_node_new(arena, PLAN_RELATION, NULL, plan->schema.n);
    relation->schema = plan->schema;
    relation->relation.name = "joined";
    relation->relation.plans = ARENA_ARRAY(arena, const PlanNode *, 1);
    relation->relation.plans[0] = plan;
    relation->relation.n_plans = 1;
    relation->relation.columns = ARENA_ARRAY(arena, uint32_t, plan->schema.n);
    for (uint32_t i = 0; i < plan->schema.n; i++)
        relation->relation.columns[i] = i;
    return relation;
}

Status assemble_from(const Binder *binder, const Query *query, const uint32_t *kept, PlanNode **ret, Error *err)
{
    Input input = {.binder = binder, .query = query, .kept = kept};
    count_kept(&input);
    PlanNode *node = leaf_node(&input, 0);
    if (binder->from->n_tables == 1) {
        if (query->where)
            node = plan_filter(binder->arena, node, assemble_over_kept(binder->arena, query->where, kept, 0));
        *ret = node;
        return STATUS_OK;
    }
    deal_where(&input);
    TRY(add_filter(&input, &input.pushed[0], 0, &node, err));
    for (uint32_t t = 1; t < binder->from->n_tables; t++)
        TRY(join_node(&input, t, node, &node, err));
    TRY(add_filter(&input, &input.rest, 0, &node, err));
    *ret = query->n_order && !query->aggregates ? relation_of(binder->arena, node) : node;
    return STATUS_OK;
}
