/* Puts the nodes of one SELECT together: Scan or Relation, Filter, Aggregate, Filter, Project, Sort, Limit, from below.
 *
 * Bound expressions are over the table's schema.  Here they become expressions over the child of their node: below the
 * aggregation by the columns that the scan keeps, above it by the keys and calls.  A column above the aggregation that is
 * in no key has no one value, and is refused. */
#include "sql/bind_window.h"

typedef struct Assembly {
    Binder *binder;
    const Query *query;
    uint32_t *kept;       /* column of FROM -> column of the leaf; UINT32_MAX where it is not read */
    const Expr **visible; /* outputs over the Project's child */
    const Expr **hidden;  /* what only sorts */
    uint32_t n_hidden;
    SortKey *keys;
    uint32_t n_keys;
} Assembly;

PlanNode *plan_node_new(Arena *arena, PlanKind kind, PlanNode *child, uint32_t n_columns)
{
    PlanNode *node = ARENA_NEW(arena, PlanNode);
    node->kind = kind;
    node->child = child;
    node->schema.n = n_columns;
    node->schema.fields = ARENA_ARRAY(arena, Field, n_columns);
    return node;
}

PlanNode *plan_filter(Arena *arena, PlanNode *child, const Expr *condition)
{
    PlanNode *node = plan_node_new(arena, PLAN_FILTER, child, 0);
    node->schema = child->schema;
    node->filter.condition = condition;
    return node;
}

/* ---- columns ---- */
static void mark_columns(const Expr *expr, uint32_t *kept)
{
    if (expr->kind == EXPR_COLUMN && !(expr->column & (AGGREGATE_MARK | WINDOW_MARK)))
        kept[expr->column] = 0;
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args; i++)
        mark_columns(expr->args[i], kept);
}

static void mark_window(const BoundWindow *window, uint32_t *kept)
{
    for (uint32_t i = 0; i < window->call.n_args; i++)
        mark_columns(window->call.args[i], kept);
    for (uint32_t i = 0; i < window->n_partition; i++)
        mark_columns(window->partition[i], kept);
    for (uint32_t i = 0; i < window->n_order; i++)
        mark_columns(window->order[i].expr, kept);
}

typedef struct Renumbering {
    Arena *arena;
    const uint32_t *kept;
    uint32_t first;
} Renumbering;

static const Expr *keep_column(void *context, const Expr *column)
{
    const Renumbering *numbers = context;
    if (column->column & (AGGREGATE_MARK | WINDOW_MARK))
        return column;
    return expr_column(numbers->arena, numbers->kept[column->column] - numbers->first, column->type, column->position);
}

const Expr *assemble_over_kept(Arena *arena, const Expr *expr, const uint32_t *kept, uint32_t first)
{
    Renumbering numbers = {arena, kept, first};
    return expr_replace_columns(arena, expr, keep_column, &numbers);
}

static const Expr *over_scan(Assembly *assembly, const Expr *expr)
{
    return assemble_over_kept(assembly->binder->arena, expr, assembly->kept, 0);
}

/* Numbers the columns that some clause reads. */
static void keep_columns(Assembly *assembly)
{
    const Binder *binder = assembly->binder;
    const Query *query = assembly->query;
    uint32_t *kept = assembly->kept = ARENA_ARRAY(binder->arena, uint32_t, binder->table->n);
    memset(kept, 0xff, sizeof *kept * binder->table->n);
    for (uint32_t t = 1; t < binder->from->n_tables; t++)
        if (query->on[t])
            mark_columns(query->on[t], kept);
    if (query->where)
        mark_columns(query->where, kept);
    for (uint32_t i = 0; i < query->n_keys; i++)
        mark_columns(query->keys[i], kept);
    for (uint32_t i = 0; i < binder->n_calls; i++) {
        for (uint32_t k = 0; k < binder->calls[i].n_args; k++)
            mark_columns(binder->calls[i].args[k], kept);
        if (binder->calls[i].filter)
            mark_columns(binder->calls[i].filter, kept);
    }
    for (uint32_t i = 0; i < binder->n_windows && !query->aggregates; i++)
        mark_window(&binder->windows[i], kept);
    for (uint32_t i = 0; i < binder->n_outputs && !query->aggregates; i++)
        mark_columns(binder->outputs[i].expr, kept);
    for (uint32_t i = 0; i < query->n_order && !query->aggregates; i++)
        mark_columns(query->order[i].expr, kept);
    uint32_t next = 0;
    for (uint32_t i = 0; i < binder->table->n; i++)
        if (kept[i] == 0)
            kept[i] = next++;
}

/* ---- the aggregation ---- */
const char *assemble_name(Arena *arena, const Expr *expr, const Schema *schema)
{
    Buffer text;
    buffer_init(&text, 0);
    expr_append_text(&text, expr, schema);
    const char *name = arena_strdup(arena, buffer_text(&text));
    buffer_done(&text);
    return name;
}

static bool is_nullable(const Expr *expr, const Schema *schema)
{
    if (expr->kind == EXPR_COLUMN)
        return schema->fields[expr->column].nullable;
    return expr->kind == EXPR_CALL || !expr->constant.valid;
}

static PlanNode *aggregate_node(Assembly *assembly, PlanNode *child)
{
    Binder *binder = assembly->binder;
    const Query *query = assembly->query;
    PlanNode *node = plan_node_new(binder->arena, PLAN_AGGREGATE, child, query->n_keys + binder->n_calls);
    const Expr **keys = ARENA_ARRAY(binder->arena, const Expr *, query->n_keys);
    for (uint32_t i = 0; i < query->n_keys; i++) {
        keys[i] = over_scan(assembly, query->keys[i]);
        node->schema.fields[i] = (Field){assemble_name(binder->arena, keys[i], &child->schema), keys[i]->type,
                                         is_nullable(keys[i], &child->schema)};
    }
    for (uint32_t i = 0; i < binder->n_calls; i++) {
        AggregateCall *call = &binder->calls[i];
        for (uint32_t k = 0; k < call->n_args; k++)
            call->args[k] = over_scan(assembly, call->args[k]);
        if (call->filter)
            call->filter = over_scan(assembly, call->filter);
        bool counts = call->kind == AGGREGATE_COUNT_STAR || call->kind == AGGREGATE_COUNT;
        node->schema.fields[query->n_keys + i] =
            (Field){aggregate_text(binder->arena, call, &child->schema), call->type, !counts};
    }
    node->aggregate.keys = keys;
    node->aggregate.n_keys = query->n_keys;
    node->aggregate.calls = binder->calls;
    node->aggregate.n_calls = binder->n_calls;
    return node;
}

static Status refuse_ungrouped(const Assembly *assembly, const Expr *column, Error *err)
{
    const Binder *binder = assembly->binder;
    const char *name = binder->table->fields[column->column].name;
    if (binder->from->n_tables > binder->n_visible && column->column >= binder->from->first[binder->n_visible]) {
        error_set(err, STATUS_SQL, "a query in a SELECT that aggregates without GROUP BY");
        if (column->position > 0)
            error_at_offset(err, column->position);
        return error_hint(err, "aggregate in FROM: SELECT n - (SELECT ...) FROM (SELECT count(*) AS n FROM t) AS s");
    }
    if (assembly->query->distinct)
        error_set(err, STATUS_SQL, "%s is not in the list of SELECT DISTINCT", name);
    else
        error_set(err, STATUS_SQL, "%s is neither in GROUP BY nor in an aggregate", name);
    if (column->position > 0)
        error_at_offset(err, column->position);
    error_at_column(err, name);
    return assembly->query->distinct
               ? error_hint(err, "select the column, or order by one that is selected")
               : error_hint(err, "add %s to GROUP BY, or write min(%s) or max(%s)", name, name, name);
}

/* The expression over the aggregation's keys and calls. */
static Status over_groups(const Assembly *assembly, const Expr *expr, const Expr **ret, Error *err)
{
    const Query *query = assembly->query;
    Arena *arena = assembly->binder->arena;
    *ret = expr;
    if (expr->kind == EXPR_CONST)
        return STATUS_OK;
    for (uint32_t i = 0; i < query->n_keys; i++) {
        if (expr_equal(query->keys[i], expr)) {
            *ret = expr_column(arena, i, expr->type, expr->position);
            return STATUS_OK;
        }
    }
    if (expr->kind == EXPR_COLUMN) {
        if (expr_has_window(expr))
            return STATUS_OK;
        if (!(expr->column & AGGREGATE_MARK))
            return refuse_ungrouped(assembly, expr, err);
        *ret = expr_column(arena, query->n_keys + (expr->column & ~AGGREGATE_MARK), expr->type, expr->position);
        return STATUS_OK;
    }
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *expr;
    copy->args = ARENA_ARRAY(arena, const Expr *, expr->call.n_args);
    for (uint32_t i = 0; i < expr->call.n_args; i++)
        TRY(over_groups(assembly, expr->args[i], &copy->args[i], err));
    *ret = copy;
    return STATUS_OK;
}

static Status over_child(Assembly *assembly, const Expr *expr, const Expr **ret, Error *err)
{
    if (assembly->query->aggregates)
        return over_groups(assembly, expr, ret, err);
    *ret = over_scan(assembly, expr);
    return STATUS_OK;
}

/* ---- project and sort ---- */
/* The Project's column that holds `expr`: a visible one where there is, else a hidden one. */
static uint32_t sort_column(Assembly *assembly, const Expr *expr)
{
    uint32_t n_visible = assembly->binder->n_outputs;
    for (uint32_t i = 0; i < n_visible; i++)
        if (expr_equal(assembly->visible[i], expr))
            return i;
    for (uint32_t i = 0; i < assembly->n_hidden; i++)
        if (expr_equal(assembly->hidden[i], expr))
            return n_visible + i;
    assembly->hidden[assembly->n_hidden] = expr;
    return n_visible + assembly->n_hidden++;
}

static void add_sort_key(Assembly *assembly, SortKey key)
{
    for (uint32_t i = 0; i < assembly->n_keys; i++)
        if (assembly->keys[i].column == key.column)
            return;
    assembly->keys[assembly->n_keys++] = key;
}

static Status sort_keys(Assembly *assembly, Error *err)
{
    const Binder *binder = assembly->binder;
    const Query *query = assembly->query;
    assembly->hidden = ARENA_ARRAY(binder->arena, const Expr *, query->n_order);
    assembly->keys = ARENA_ARRAY(binder->arena, SortKey, query->n_order + binder->n_outputs);
    for (uint32_t i = 0; i < query->n_order; i++) {
        const Expr *expr;
        TRY(bind_at(binder, over_child(assembly, query->order[i].expr, &expr, err), query->order[i].byte, err));
        if (expr->kind == EXPR_CONST)
            continue;
        uint32_t column = sort_column(assembly, expr);
        add_sort_key(assembly, (SortKey){column, query->order[i].descending, query->order[i].nulls_first});
    }
    for (uint32_t i = 0; i < binder->n_outputs; i++)
        add_sort_key(assembly, (SortKey){i, false, true});
    return STATUS_OK;
}

static PlanNode *project_node(Assembly *assembly, PlanNode *child)
{
    const Binder *binder = assembly->binder;
    uint32_t n = binder->n_outputs + assembly->n_hidden;
    PlanNode *node = plan_node_new(binder->arena, PLAN_PROJECT, child, n);
    node->project.exprs = ARENA_ARRAY(binder->arena, const Expr *, n);
    for (uint32_t i = 0; i < n; i++) {
        bool visible = i < binder->n_outputs;
        const Expr *expr = visible ? assembly->visible[i] : assembly->hidden[i - binder->n_outputs];
        const char *name = visible ? binder->outputs[i].name : assemble_name(binder->arena, expr, &child->schema);
        node->project.exprs[i] = expr;
        node->schema.fields[i] = (Field){name, expr->type, is_nullable(expr, &child->schema)};
    }
    return node;
}

static PlanNode *sort_node(Assembly *assembly, PlanNode *child)
{
    PlanNode *node = plan_node_new(assembly->binder->arena, PLAN_SORT, child, 0);
    node->schema.n = assembly->binder->n_outputs;
    node->schema.fields = child->schema.fields;
    node->sort.keys = assembly->keys;
    node->sort.n_keys = assembly->n_keys;
    node->sort.n_visible = assembly->binder->n_outputs;
    return node;
}

/* The windows' arguments and keys over the child. */
static Status move_windows(Assembly *assembly, Error *err)
{
    Binder *binder = assembly->binder;
    for (uint32_t w = 0; w < binder->n_windows; w++) {
        BoundWindow *window = &binder->windows[w];
        for (uint32_t i = 0; i < window->call.n_args; i++)
            TRY(bind_at(binder, over_child(assembly, window->call.args[i], &window->call.args[i], err), window->byte,
                        err));
        for (uint32_t i = 0; i < window->n_partition; i++)
            TRY(bind_at(binder, over_child(assembly, window->partition[i], &window->partition[i], err), window->byte,
                        err));
        for (uint32_t i = 0; i < window->n_order; i++)
            TRY(bind_at(binder, over_child(assembly, window->order[i].expr, &window->order[i].expr, err), window->byte,
                        err));
    }
    return STATUS_OK;
}

Status assemble_plan(Binder *binder, const Query *query, PlanNode **ret, Error *err)
{
    Assembly assembly = {.binder = binder, .query = query};
    Arena *arena = binder->arena;
    PlanNode *node;
    keep_columns(&assembly);
    TRY(assemble_from(binder, query, assembly.kept, &node, err));
    if (query->aggregates)
        node = aggregate_node(&assembly, node);
    if (query->having) {
        const Expr *having;
        TRY(bind_at(binder, over_child(&assembly, query->having, &having, err), query->having_byte, err));
        node = plan_filter(arena, node, having);
    }
    assembly.visible = ARENA_ARRAY(arena, const Expr *, binder->n_outputs);
    for (uint32_t i = 0; i < binder->n_outputs; i++)
        TRY(bind_at(binder, over_child(&assembly, binder->outputs[i].expr, &assembly.visible[i], err),
                    binder->outputs[i].byte, err));
    if (query->n_order)
        TRY(sort_keys(&assembly, err));
    if (binder->n_windows) {
        const Expr **lists[2] = {assembly.visible, assembly.hidden};
        TRY(move_windows(&assembly, err));
        node = assemble_windows(binder, node, lists, (const uint32_t[2]){binder->n_outputs, assembly.n_hidden});
    }
    node = project_node(&assembly, node);
    if (query->n_order)
        node = sort_node(&assembly, node);
    if (query->limit >= 0 || query->offset > 0) {
        PlanNode *limit = plan_node_new(arena, PLAN_LIMIT, node, 0);
        limit->schema = node->schema;
        limit->limit.limit = query->limit;
        limit->limit.offset = query->offset;
        node = limit;
    }
    *ret = node;
    return STATUS_OK;
}
