/* Window calls: f(...) OVER (PARTITION BY ... ORDER BY ... ROWS ...), and OVER name with WINDOW name AS (...).
 *
 * A call is bound like an aggregate: the binder remembers it and gives a column with WINDOW_MARK for it; assemble_window.c
 * makes nodes of both.  Its arguments and keys may hold aggregates, as windows come after grouping, but no window.
 *
 * What the two engines read alike is taken: frames of ROWS, and of RANGE without a number.  Ranks, lag and lead take no frame,
 * and need an order. */
#include "sql/bind_window.h"

typedef struct WindowFunction {
    const char *name;
    WindowKind kind;
    uint32_t min_args, max_args;
    bool framed;
} WindowFunction;

static const WindowFunction FUNCTIONS[] = {
    {"row_number", WINDOW_ROW_NUMBER, 0, 0, false},
    {"rank", WINDOW_RANK, 0, 0, false},
    {"dense_rank", WINDOW_DENSE_RANK, 0, 0, false},
    {"percent_rank", WINDOW_PERCENT_RANK, 0, 0, false},
    {"cume_dist", WINDOW_CUME_DIST, 0, 0, false},
    {"ntile", WINDOW_NTILE, 1, 1, false},
    {"lag", WINDOW_LAG, 1, 3, false},
    {"lead", WINDOW_LEAD, 1, 3, false},
    {"first_value", WINDOW_FIRST_VALUE, 1, 1, true},
    {"last_value", WINDOW_LAST_VALUE, 1, 1, true},
};

static const WindowFunction *find_function(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(FUNCTIONS); i++)
        if (strcmp(FUNCTIONS[i].name, name) == 0)
            return &FUNCTIONS[i];
    return NULL;
}

bool is_window_function(const char *name)
{
    return find_function(name) != NULL;
}

const char *window_name(WindowKind kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(FUNCTIONS); i++)
        if (FUNCTIONS[i].kind == kind)
            return FUNCTIONS[i].name;
    return "";
}

/* ---- the frame ---- */

/* PostgreSQL's bits of WindowDef.frame_options */
enum {
    FRAME_RANGE = 0x2,
    FRAME_GROUPS = 0x8,
    FRAME_EXCLUDE = 0x38000,
    START_UNBOUNDED_PRECEDING = 0x20,
    END_UNBOUNDED_FOLLOWING = 0x100,
    START_CURRENT_ROW = 0x200,
    END_CURRENT_ROW = 0x400,
    START_PRECEDING = 0x800,
    END_PRECEDING = 0x1000,
    START_FOLLOWING = 0x2000,
    END_FOLLOWING = 0x4000,
    FRAME_GIVEN = 0x1
};

static Status frame_number(const Binder *binder, const PgQuery__Node *node, int32_t byte, int64_t *ret, Error *err)
{
    const PgQuery__AConst *constant = node && node->node_case == PG_QUERY__NODE__NODE_A_CONST ? node->a_const : NULL;
    if (!constant || constant->isnull || constant->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return sql_refuse(binder->source, byte, err, "write ROWS BETWEEN 6 PRECEDING AND CURRENT ROW",
                          "a frame is measured in a whole number of rows");
    *ret = constant->ival->ival;
    return STATUS_OK;
}

static Status bind_bound(const Binder *binder, const PgQuery__WindowDef *window, bool start, WindowBound *ret,
                         Error *err)
{
    int32_t options = window->frame_options;
    bool range = options & FRAME_RANGE;
    bool preceding = options & (start ? START_PRECEDING : END_PRECEDING);
    bool following = options & (start ? START_FOLLOWING : END_FOLLOWING);
    *ret = (WindowBound){WINDOW_BOUND_ROWS, 0};
    if (options & (start ? START_UNBOUNDED_PRECEDING : END_UNBOUNDED_FOLLOWING)) {
        ret->kind = WINDOW_BOUND_UNBOUNDED;
    } else if (options & (start ? START_CURRENT_ROW : END_CURRENT_ROW)) {
        ret->kind = range ? WINDOW_BOUND_PEERS : WINDOW_BOUND_ROWS;
    } else if (preceding || following) {
        TRY(frame_number(binder, start ? window->start_offset : window->end_offset, window->location, &ret->rows, err));
        ret->rows = preceding ? -ret->rows : ret->rows;
    }
    return STATUS_OK;
}

static Status bind_frame(const Binder *binder, const PgQuery__WindowDef *window, WindowFrame *ret, Error *err)
{
    int32_t options = window->frame_options;
    int numbers = START_PRECEDING | END_PRECEDING | START_FOLLOWING | END_FOLLOWING;
    if (options & FRAME_GROUPS)
        return sql_refuse(binder->source, window->location, err, "write ROWS or RANGE", "GROUPS is PostgreSQL's alone");
    if (options & FRAME_EXCLUDE)
        return sql_refuse(binder->source, window->location, err, "leave EXCLUDE out", "EXCLUDE is PostgreSQL's alone");
    if ((options & FRAME_RANGE) && (options & numbers))
        return sql_refuse(binder->source, window->location, err,
                          "write ROWS, over one row a day or week, which a query in FROM can make",
                          "RANGE with a number is not in the dialect");
    TRY(bind_bound(binder, window, true, &ret->start, err));
    TRY(bind_bound(binder, window, false, &ret->end, err));
    if (ret->start.kind == WINDOW_BOUND_ROWS && ret->end.kind == WINDOW_BOUND_ROWS && ret->start.rows > ret->end.rows)
        return sql_refuse(binder->source, window->location, err, "write the earlier bound first",
                          "the frame ends before it starts");
    return STATUS_OK;
}

/* ---- OVER ---- */

/* The definition that OVER names, or `over` itself. */
static Status find_definition(const Binder *binder, const PgQuery__WindowDef *over, const PgQuery__WindowDef **ret,
                              Error *err)
{
    *ret = over;
    if (over->refname[0] != '\0')
        return sql_refuse(binder->source, over->location, err, "write the whole window", "a window made from another");
    if (over->name[0] == '\0')
        return STATUS_OK;
    for (size_t i = 0; i < binder->n_window_names; i++) {
        const PgQuery__Node *node = binder->window_names[i];
        if (node->node_case == PG_QUERY__NODE__NODE_WINDOW_DEF && strcmp(node->window_def->name, over->name) == 0) {
            *ret = node->window_def;
            if ((*ret)->refname[0] != '\0')
                return sql_refuse(binder->source, (*ret)->location, err, "write the whole window",
                                  "a window made from another");
            return STATUS_OK;
        }
    }
    return sql_refuse(binder->source, over->location, err, "define it: WINDOW w AS (PARTITION BY ... ORDER BY ...)",
                      "there is no window %s", sql_name(binder->source, over->name));
}

static Status bind_over(Binder *binder, const PgQuery__WindowDef *window, const Scope *scope, BoundWindow *bound,
                        Error *err)
{
    TRY(bind_list(binder, window->partition_clause, window->n_partition_clause, scope, &bound->partition, err));
    bound->n_partition = (uint32_t)window->n_partition_clause;
    bound->order = ARENA_ARRAY(binder->arena, OrderItem, window->n_order_clause);
    for (size_t i = 0; i < window->n_order_clause; i++) {
        if (window->order_clause[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY)
            return sql_refuse(binder->source, window->location, err, "", "ORDER BY something that is no expression");
        const PgQuery__SortBy *sort = window->order_clause[i]->sort_by;
        OrderItem *item = &bound->order[bound->n_order++];
        TRY(bind_direction(binder, sort, item, err));
        TRY(bind_expr(binder, sort->node, scope, &item->expr, err));
        item->byte = binder->byte;
        if (item->expr->kind == EXPR_CONST)
            return sql_refuse(binder->source, window->location, err, "name a column",
                              "a constant in a window's ORDER BY, where no ordinals count");
    }
    return bind_frame(binder, window, &bound->frame, err);
}

/* ---- arguments ---- */

static bool constant_number(const Expr *expr, int64_t *ret)
{
    if (expr->kind != EXPR_CONST || !expr->constant.valid ||
        (expr->type.id != TYPE_INT && expr->type.id != TYPE_BIGINT))
        return false;
    *ret = expr->type.id == TYPE_INT ? expr->constant.int32 : expr->constant.int64;
    return true;
}

static DataType type_of(WindowKind kind, const Expr *const *args)
{
    switch (kind) {
    case WINDOW_PERCENT_RANK:
    case WINDOW_CUME_DIST:
        return DATA_TYPE(DOUBLE);
    case WINDOW_LAG:
    case WINDOW_LEAD:
    case WINDOW_FIRST_VALUE:
    case WINDOW_LAST_VALUE:
        return args[0]->type;
    default:
        return DATA_TYPE(INT);
    }
}

static Status bind_arguments(Binder *binder, const PgQuery__FuncCall *node, const WindowFunction *function,
                             const Scope *scope, BoundWindow *bound, Error *err)
{
    int32_t byte = node->location;
    AggregateCall *call = &bound->call;
    const Expr **args;
    if (node->agg_star || node->n_args < function->min_args || node->n_args > function->max_args)
        return sql_refuse(binder->source, byte, err, "docs/sql.md has an example of each window function",
                          "%s does not take %s", function->name,
                          node->agg_star ? "*" : PLURAL(node->n_args, "argument"));
    TRY(bind_list(binder, node->args, node->n_args, scope, &args, err));
    bound->number = 1;
    if (function->kind == WINDOW_NTILE && (!constant_number(args[0], &bound->number) || bound->number < 1))
        return sql_refuse(binder->source, byte, err, "ntile(4) makes quarters",
                          "the argument of ntile is a constant whole number from 1");
    if (function->max_args == 3 && node->n_args > 1 &&
        (!constant_number(args[1], &bound->number) || bound->number < INT32_MIN || bound->number > INT32_MAX))
        return sql_refuse(binder->source, byte, err, "lag(x, 7) is x seven rows before",
                          "the second argument of %s is a constant whole number", function->name);
    bool of_value = function->framed || function->max_args == 3;
    if (of_value && args[0]->type.id == TYPE_NULLTYPE)
        return sql_refuse(binder->source, byte, err, "give it a type: CAST(NULL AS STRING)",
                          "%s of a bare NULL has no type", function->name);
    call->args = ARENA_ARRAY(binder->arena, const Expr *, 2);
    call->n_args = of_value ? 1 : 0;
    call->type = type_of(function->kind, args);
    if (of_value)
        call->args[0] = args[0];
    if (node->n_args == 3) {
        call->n_args = 2;
        TRY(bind_at(binder, expr_cast(binder->arena, args[2], call->type, &call->args[1], err), byte, err));
    }
    return STATUS_OK;
}

static Status check_place(const Binder *binder, const PgQuery__FuncCall *node, const Scope *scope, Error *err)
{
    int32_t byte = node->location;
    if (scope->inside_aggregate || scope->inside_window)
        return sql_refuse(binder->source, byte, err, "compute the inner one in a query in FROM", "a window inside %s",
                          scope->inside_window ? "a window" : "an aggregate");
    if (!scope->windows)
        return sql_refuse(binder->source, byte, err, "compute it in a query in FROM, and filter around that",
                          "a window in %s", scope->clause);
    if (node->agg_distinct)
        return sql_refuse(binder->source, byte, err, "make the values distinct in a query in FROM",
                          "DISTINCT in a window is in neither engine");
    if (node->agg_filter)
        return sql_refuse(binder->source, byte, err, "write CASE WHEN ... THEN x END as the argument",
                          "FILTER with OVER is in one engine only");
    return STATUS_OK;
}

Status bind_window(Binder *binder, const char *name, const PgQuery__FuncCall *node, const Scope *scope,
                   const Expr **ret, Error *err)
{
    const PgQuery__WindowDef *window;
    const WindowFunction *function = find_function(name);
    int32_t byte = node->location;
    BoundWindow bound = {.kind = function ? function->kind : WINDOW_AGGREGATE, .byte = byte};
    Scope inner = {.clause = scope->clause,
                   .aliases = ALIAS_NONE,
                   .aggregates = scope->aggregates,
                   .inside_window = true,
                   .orders = scope->orders};
    TRY(check_place(binder, node, scope, err));
    TRY(find_definition(binder, node->over, &window, err));
    if (function)
        TRY(bind_arguments(binder, node, function, &inner, &bound, err));
    else
        TRY(bind_window_aggregate(binder, name, node, &inner, &bound.call, err));
    TRY(bind_over(binder, window, &inner, &bound, err));
    if (function && !function->framed && (window->frame_options & FRAME_GIVEN))
        return sql_refuse(binder->source, window->location, err, "leave the frame out", "%s takes no frame", name);
    if (function && bound.n_order == 0)
        return sql_refuse(binder->source, byte, err, "add ORDER BY to its window", "%s needs an order", name);
    bool by_rows = bound.frame.start.kind == WINDOW_BOUND_ROWS || bound.frame.end.kind == WINDOW_BOUND_ROWS;
    if (by_rows && bound.n_order == 0)
        return sql_refuse(binder->source, window->location, err, "add ORDER BY in front of ROWS",
                          "a frame of ROWS needs an order");
    binder->windows[binder->n_windows] = bound;
    *ret = expr_column(binder->arena, WINDOW_MARK | binder->n_windows++, bound.call.type,
                       sql_position(binder->source, byte));
    return STATUS_OK;
}

/* ---- text ---- */

static void append_columns(Buffer *text, const char *word, const uint32_t *columns, uint32_t n, const Schema *input)
{
    for (uint32_t i = 0; i < n; i++)
        buffer_printf(text, "%s%s", i ? ", " : word, input->fields[columns[i]].name);
}

static void append_bound(Buffer *text, WindowBound bound, bool start)
{
    const char *side = bound.rows < 0 ? "PRECEDING" : "FOLLOWING";
    if (bound.kind == WINDOW_BOUND_UNBOUNDED)
        buffer_append_text(text, start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
    else if (bound.kind == WINDOW_BOUND_PEERS || bound.rows == 0)
        buffer_append_text(text, "CURRENT ROW");
    else
        buffer_printf(text, "%lld %s", (long long)(bound.rows < 0 ? -bound.rows : bound.rows), side);
}

void window_append_text(Buffer *text, const WindowCall *call, const Schema *input)
{
    bool aggregate = call->kind == WINDOW_AGGREGATE;
    buffer_printf(text, "%s(%s", aggregate ? aggregate_name(call->aggregate) : window_name(call->kind),
                  aggregate && call->aggregate == AGGREGATE_COUNT_STAR ? "*" : "");
    if (call->kind == WINDOW_NTILE)
        buffer_printf(text, "%lld", (long long)call->number);
    append_columns(text, "", call->args, call->n_args < 1 ? 0 : 1, input);
    if (call->kind == WINDOW_LAG || call->kind == WINDOW_LEAD)
        buffer_printf(text, ", %lld", (long long)call->number);
    if (call->n_args == 2)
        buffer_printf(text, ", %s", input->fields[call->args[1]].name);
    buffer_append_text(text, ") OVER (");
    append_columns(text, "PARTITION BY ", call->partition, call->n_partition, input);
    for (uint32_t i = 0; i < call->n_order; i++) {
        const SortKey *key = &call->order[i];
        buffer_printf(text, "%s%s%s",
                      i                   ? ", "
                      : call->n_partition ? " ORDER BY "
                                          : "ORDER BY ",
                      input->fields[key->column].name, key->descending ? " DESC" : "");
        if (key->nulls_first == key->descending)
            buffer_append_text(text, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
    const WindowFrame *frame = &call->frame;
    bool usual = frame->start.kind == WINDOW_BOUND_UNBOUNDED && frame->end.kind == WINDOW_BOUND_PEERS;
    if (!usual) {
        bool range = frame->start.kind == WINDOW_BOUND_PEERS || frame->end.kind == WINDOW_BOUND_PEERS;
        buffer_append_text(text, range ? " RANGE BETWEEN " : " ROWS BETWEEN ");
        append_bound(text, frame->start, true);
        buffer_append_text(text, " AND ");
        append_bound(text, frame->end, false);
    }
    buffer_append_byte(text, ')');
}
