/* The nodes of a SELECT with windows: they come between its groups (or rows) and its list.
 *
 *   inner plan   Project <- what would stand below the Project without windows: the calls' arguments and keys, and the parts of
 *                the list that hold no window
 *   Window       the inner plan's columns, then one for each call; a plan by itself, whose rows are computed all at once
 *   Relation     reads the Window's rows; Project, Sort and Limit follow */
#include "sql/bind_window.h"

typedef struct Windows {
    const Binder *binder;
    const PlanNode *child;
    const Expr **inner; /* over the child */
    uint32_t n_inner, capacity;
} Windows;

static uint32_t inner_column(Windows *windows, const Expr *expr)
{
    for (uint32_t i = 0; i < windows->n_inner; i++)
        if (expr_equal(windows->inner[i], expr))
            return i;
    if (windows->n_inner == windows->capacity) {
        uint32_t capacity = windows->capacity * 2 + 16;
        const Expr **inner = ARENA_ARRAY(windows->binder->arena, const Expr *, capacity);
        if (windows->n_inner)
            memcpy(inner, windows->inner, sizeof *inner * windows->n_inner);
        windows->inner = inner;
        windows->capacity = capacity;
    }
    windows->inner[windows->n_inner] = expr;
    return windows->n_inner++;
}

bool expr_has_window(const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return !(expr->column & AGGREGATE_MARK) && (expr->column & WINDOW_MARK);
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args; i++)
        if (expr_has_window(expr->args[i]))
            return true;
    return false;
}

/* The expression over inner columns, and windows still marked. */
static const Expr *over_inner(Windows *windows, const Expr *expr)
{
    Arena *arena = windows->binder->arena;
    if (expr->kind == EXPR_CONST || (expr->kind == EXPR_COLUMN && expr_has_window(expr)))
        return expr;
    if (!expr_has_window(expr))
        return expr_column(arena, inner_column(windows, expr), expr->type, expr->position);
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *expr;
    copy->args = ARENA_ARRAY(arena, const Expr *, expr->call.n_args);
    for (uint32_t i = 0; i < expr->call.n_args; i++)
        copy->args[i] = over_inner(windows, expr->args[i]);
    return copy;
}

/* Windows come behind the inner columns. */
static const Expr *number_window(void *context, const Expr *column)
{
    const Windows *windows = context;
    if (!expr_has_window(column))
        return column;
    return expr_column(windows->binder->arena, windows->n_inner + (column->column & ~WINDOW_MARK), column->type,
                       column->position);
}

static WindowCall call_of(Windows *windows, const BoundWindow *bound)
{
    Arena *arena = windows->binder->arena;
    WindowCall call = {.kind = bound->kind,
                       .aggregate = bound->call.kind,
                       .n_args = bound->call.n_args,
                       .number = bound->number,
                       .partition = ARENA_ARRAY(arena, uint32_t, bound->n_partition),
                       .order = ARENA_ARRAY(arena, SortKey, bound->n_order),
                       .frame = bound->frame,
                       .type = bound->call.type};
    for (uint32_t i = 0; i < call.n_args; i++)
        call.args[i] = inner_column(windows, bound->call.args[i]);
    for (uint32_t i = 0; i < bound->n_partition; i++)
        if (bound->partition[i]->kind != EXPR_CONST) /* a constant parts no rows */
            call.partition[call.n_partition++] = inner_column(windows, bound->partition[i]);
    for (uint32_t i = 0; i < bound->n_order; i++)
        call.order[call.n_order++] = (SortKey){inner_column(windows, bound->order[i].expr), bound->order[i].descending,
                                               bound->order[i].nulls_first};
    return call;
}

static PlanNode *inner_plan(const Windows *windows, PlanNode *child)
{
    Arena *arena = windows->binder->arena;
    PlanNode *project = plan_node_new(arena, PLAN_PROJECT, child, windows->n_inner);
    project->project.exprs = windows->inner;
    for (uint32_t i = 0; i < windows->n_inner; i++) {
        const Expr *expr = windows->inner[i];
        bool nullable = expr->kind == EXPR_COLUMN ? child->schema.fields[expr->column].nullable : true;
        project->schema.fields[i] = (Field){assemble_name(arena, expr, &child->schema), expr->type, nullable};
    }
    return project;
}

static bool is_never_null(const WindowCall *call)
{
    bool counts = call->aggregate == AGGREGATE_COUNT || call->aggregate == AGGREGATE_COUNT_STAR;
    return call->kind == WINDOW_AGGREGATE ? counts : call->kind <= WINDOW_NTILE;
}

static PlanNode *window_plan(const Windows *windows, PlanNode *inner, WindowCall *calls)
{
    const Binder *binder = windows->binder;
    uint32_t n = windows->n_inner;
    PlanNode *window = plan_node_new(binder->arena, PLAN_WINDOW, NULL, n + binder->n_windows);
    memcpy(window->schema.fields, inner->schema.fields, sizeof(Field) * n);
    for (uint32_t i = 0; i < binder->n_windows; i++) {
        Buffer text;
        buffer_init(&text, 0);
        window_append_text(&text, &calls[i], &inner->schema);
        const char *name = arena_strdup(binder->arena, buffer_text(&text));
        buffer_done(&text);
        window->schema.fields[n + i] = (Field){name, calls[i].type, !is_never_null(&calls[i])};
    }
    window->window.input = inner;
    window->window.calls = calls;
    window->window.n_calls = binder->n_windows;
    return window;
}

static void mark_read(const Expr *expr, uint32_t *kept)
{
    if (expr->kind == EXPR_COLUMN)
        kept[expr->column] = 0;
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args; i++)
        mark_read(expr->args[i], kept);
}

/* A relation of those columns of the window that the expressions read, which become expressions over it. */
static PlanNode *relation_of(const Binder *binder, const PlanNode *window, const Expr **exprs[2],
                             const uint32_t n_exprs[2])
{
    Arena *arena = binder->arena;
    uint32_t *kept = ARENA_ARRAY(arena, uint32_t, window->schema.n), n = 0;
    memset(kept, 0xff, sizeof *kept * window->schema.n);
    for (int list = 0; list < 2; list++)
        for (uint32_t i = 0; i < n_exprs[list]; i++)
            mark_read(exprs[list][i], kept);
    PlanNode *leaf = plan_node_new(arena, PLAN_RELATION, NULL, window->schema.n);
    leaf->relation.name = "";
    leaf->relation.plans = ARENA_ARRAY(arena, const PlanNode *, 1);
    leaf->relation.plans[0] = window;
    leaf->relation.n_plans = 1;
    leaf->relation.columns = ARENA_ARRAY(arena, uint32_t, window->schema.n);
    for (uint32_t i = 0; i < window->schema.n; i++) {
        if (kept[i] == UINT32_MAX)
            continue;
        leaf->schema.fields[n] = window->schema.fields[i];
        leaf->relation.columns[n] = i;
        kept[i] = n++;
    }
    leaf->schema.n = n;
    for (int list = 0; list < 2; list++)
        for (uint32_t i = 0; i < n_exprs[list]; i++)
            exprs[list][i] = assemble_over_kept(arena, exprs[list][i], kept, 0);
    return leaf;
}

PlanNode *assemble_windows(const Binder *binder, PlanNode *child, const Expr **exprs[2], const uint32_t n_exprs[2])
{
    Arena *arena = binder->arena;
    Windows windows = {.binder = binder, .child = child};
    WindowCall *calls = ARENA_ARRAY(arena, WindowCall, binder->n_windows);
    for (uint32_t i = 0; i < binder->n_windows; i++)
        calls[i] = call_of(&windows, &binder->windows[i]);
    for (int list = 0; list < 2; list++)
        for (uint32_t i = 0; i < n_exprs[list]; i++)
            exprs[list][i] = over_inner(&windows, exprs[list][i]);
    if (windows.n_inner == 0) /* count(*) OVER (): rows without columns */
        inner_column(&windows, expr_constant(arena, (Value){.type = DATA_TYPE(INT), .valid = true}, 0));
    for (int list = 0; list < 2; list++)
        for (uint32_t i = 0; i < n_exprs[list]; i++)
            exprs[list][i] = expr_replace_columns(arena, exprs[list][i], number_window, &windows);
    PlanNode *window = window_plan(&windows, inner_plan(&windows, child), calls);
    return relation_of(binder, window, exprs, n_exprs);
}
