/* Calls by name: scalar functions of the table, and the aggregates. */
#include <stdio.h>

#include "sql/bind_window.h"

typedef struct AggregateName {
    const char *name;
    AggregateKind kind;
} AggregateName;

static const AggregateName AGGREGATES[] = {
    {"count", AGGREGATE_COUNT},
    {"sum", AGGREGATE_SUM},
    {"avg", AGGREGATE_AVG},
    {"min", AGGREGATE_MIN},
    {"max", AGGREGATE_MAX},
    {"min_by", AGGREGATE_MIN_BY},
    {"max_by", AGGREGATE_MAX_BY},
    {"stddev", AGGREGATE_STDDEV_SAMP},
    {"stddev_samp", AGGREGATE_STDDEV_SAMP},
    {"stddev_pop", AGGREGATE_STDDEV_POP},
    {"variance", AGGREGATE_VAR_SAMP},
    {"var_samp", AGGREGATE_VAR_SAMP},
    {"var_pop", AGGREGATE_VAR_POP},
    {"corr", AGGREGATE_CORR},
    {"percentile", AGGREGATE_PERCENTILE},
    {"median", AGGREGATE_MEDIAN},
};

/* ---- aggregates ---- */
static bool is_by(AggregateKind kind)
{
    return kind == AGGREGATE_MIN_BY || kind == AGGREGATE_MAX_BY;
}

static Status refuse_type(const Binder *binder, const char *name, DataType type, int32_t byte, Error *err)
{
    char text[32];
    if (type.id == TYPE_NULLTYPE)
        return sql_refuse(binder->source, byte, err,
                          "a bare NULL has no type: CAST(NULL AS STRING); a list, struct or map is not read",
                          "%s cannot take a value of no type or of a nested one", name);
    return sql_refuse(binder->source, byte, err, "CAST the argument to a number", "%s cannot take %s", name,
                      type_name(type, text, sizeof text));
}

static DataType bounded_decimal(DataType type, int extra_precision, int extra_scale)
{
    int precision = type.precision + extra_precision;
    int scale = type.scale + extra_scale;
    precision = precision > DECIMAL_MAX_PRECISION ? DECIMAL_MAX_PRECISION : precision;
    scale = scale > DECIMAL_MAX_PRECISION ? DECIMAL_MAX_PRECISION : scale;
    return DECIMAL_TYPE(precision, scale);
}

/* The type of sum and avg, and the type their argument must be cast to. */
static bool number_types(AggregateKind kind, DataType given, DataType *want, DataType *ret)
{
    *want = given;
    switch (given.id) {
    case TYPE_INT:
    case TYPE_BIGINT:
        *ret = kind == AGGREGATE_SUM ? DATA_TYPE(BIGINT) : DATA_TYPE(DOUBLE);
        return true;
    case TYPE_DECIMAL:
        *ret = kind == AGGREGATE_SUM ? bounded_decimal(given, 10, 0) : bounded_decimal(given, 4, 4);
        return true;
    case TYPE_DOUBLE:
    case TYPE_FLOAT:
    case TYPE_STRING:
    case TYPE_NULLTYPE:
        *want = *ret = DATA_TYPE(DOUBLE);
        return true;
    default:
        return false;
    }
}

/* min_by and max_by keep x as it is and compare y: both need a type. */
static Status type_by(Binder *binder, AggregateCall *call, const char *name, int32_t byte, Error *err)
{
    for (uint32_t i = 0; i < call->n_args; i++) {
        DataType given = call->args[i]->type;
        if (given.id == TYPE_NULLTYPE)
            return refuse_type(binder, name, given, byte, err);
        DataType want = given.id == TYPE_FLOAT ? DATA_TYPE(DOUBLE) : given;
        TRY(bind_at(binder, expr_cast(binder->arena, call->args[i], want, &call->args[i], err), byte, err));
    }
    call->type = call->args[0]->type;
    return STATUS_OK;
}

/* Moments are of doubles, as in Spark, which casts whatever is a number. */
static Status type_moments(Binder *binder, AggregateCall *call, const char *name, int32_t byte, Error *err)
{
    call->type = DATA_TYPE(DOUBLE);
    for (uint32_t i = 0; i < call->n_args; i++) {
        DataType want;
        if (!number_types(call->kind, call->args[i]->type, &want, &want))
            return refuse_type(binder, name, call->args[i]->type, byte, err);
        TRY(bind_at(binder, expr_cast(binder->arena, call->args[i], call->type, &call->args[i], err), byte, err));
    }
    return STATUS_OK;
}

static Status type_aggregate(Binder *binder, AggregateCall *call, const char *name, int32_t byte, Error *err)
{
    call->type = DATA_TYPE(BIGINT);
    if (call->kind == AGGREGATE_COUNT_STAR || call->kind == AGGREGATE_COUNT)
        return STATUS_OK;
    if (is_by(call->kind))
        return type_by(binder, call, name, byte, err);
    if (call->kind >= AGGREGATE_STDDEV_SAMP)
        return type_moments(binder, call, name, byte, err);
    DataType given = call->args[0]->type;
    DataType want = given.id == TYPE_FLOAT ? DATA_TYPE(DOUBLE) : given;
    if (call->kind == AGGREGATE_MIN || call->kind == AGGREGATE_MAX) {
        if (given.id == TYPE_NULLTYPE)
            return refuse_type(binder, name, given, byte, err);
        call->type = want;
    } else if (!number_types(call->kind, given, &want, &call->type)) {
        return refuse_type(binder, name, given, byte, err);
    }
    return bind_at(binder, expr_cast(binder->arena, call->args[0], want, &call->args[0], err), byte, err);
}

static bool calls_equal(const AggregateCall *a, const AggregateCall *b)
{
    if (a->kind != b->kind || a->distinct != b->distinct || a->n_args != b->n_args || !a->filter != !b->filter ||
        a->fraction != b->fraction)
        return false;
    for (uint32_t i = 0; i < a->n_args; i++)
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    return !a->filter || expr_equal(a->filter, b->filter);
}

static Status check_aggregate_place(const Binder *binder, const PgQuery__FuncCall *node, const Scope *scope, Error *err)
{
    int32_t byte = node->location;
    if (scope->inside_aggregate)
        return sql_refuse(binder->source, byte, err, "aggregate the table's columns",
                          "an aggregate inside an aggregate");
    if (!scope->aggregates)
        return sql_refuse(binder->source, byte, err,
                          "write the condition in HAVING, or FILTER (WHERE ...) behind the aggregate",
                          "an aggregate in %s", scope->clause);
    if (node->n_agg_order || node->agg_within_group)
        return sql_refuse(binder->source, byte, err, "leave ORDER BY out: these aggregates give the same in any order",
                          "ORDER BY inside an aggregate is not in the dialect yet");
    return STATUS_OK;
}

static Status check_aggregate_args(const Binder *binder, const PgQuery__FuncCall *node, AggregateKind kind,
                                   const char *name, Error *err)
{
    int32_t byte = node->location;
    if (node->agg_star)
        return kind == AGGREGATE_COUNT
                   ? STATUS_OK
                   : sql_refuse(binder->source, byte, err, "name a column", "%s does not take *", name);
    if (node->n_args == 0)
        return sql_refuse(binder->source, byte, err, kind == AGGREGATE_COUNT ? "write count(*)" : "name a column",
                          "%s without an argument", name);
    if (is_by(kind) || kind == AGGREGATE_CORR || kind == AGGREGATE_PERCENTILE)
        return node->n_args == 2 ? STATUS_OK
                                 : sql_refuse(binder->source, byte, err,
                                              is_by(kind) ? "give the value and what it is chosen by: min_by(x, y)"
                                              : kind == AGGREGATE_CORR ? "give two numbers"
                                                                       : "give a share from 0 to 1: percentile(x, 0.9)",
                                              "%s takes two arguments, not %zu", name, node->n_args);
    if (node->n_args > 1 && kind != AGGREGATE_COUNT)
        return sql_refuse(binder->source, byte, err, "give one argument", "%s takes one argument, not %zu", name,
                          node->n_args);
    if (node->n_args > 1 && !node->agg_distinct)
        return sql_refuse(binder->source, byte, err,
                          "write count(DISTINCT a, b), or count(*) FILTER (WHERE a IS NOT NULL AND b IS NOT NULL)",
                          "count of several columns without DISTINCT is Spark's alone");
    if (node->n_args > PLAN_MAX_KEYS)
        return sql_refuse(binder->source, byte, err, "name fewer columns, or count the rows of a SELECT DISTINCT",
                          "%s(DISTINCT) takes at most %d columns", name, PLAN_MAX_KEYS);
    return STATUS_OK;
}

/* The second argument of percentile becomes a number of the call. */
static Status take_fraction(const Binder *binder, AggregateCall *call, const PgQuery__FuncCall *node, Error *err)
{
    if (call->kind == AGGREGATE_MEDIAN)
        call->fraction = 0.5;
    if (call->kind != AGGREGATE_PERCENTILE)
        return STATUS_OK;
    DataType want, result;
    const Expr *fraction = call->args[1];
    if (number_types(call->kind, fraction->type, &want, &result))
        TRY(bind_at(binder, expr_cast(binder->arena, fraction, DATA_TYPE(DOUBLE), &fraction, err), node->location,
                    err));
    bool known = fraction->kind == EXPR_CONST && fraction->type.id == TYPE_DOUBLE && fraction->constant.valid;
    if (!known || !(fraction->constant.float64 >= 0 && fraction->constant.float64 <= 1))
        return sql_refuse(binder->source, node->location, err,
                          "percentile(x, 0.9) is what 90 % of the values do not pass",
                          "the second argument of percentile is a constant number from 0 to 1");
    call->fraction = fraction->constant.float64;
    call->n_args = 1;
    return STATUS_OK;
}

/* Kind, arguments (in the scope `inner`) and type. */
static Status make_aggregate(Binder *binder, const PgQuery__FuncCall *node, const AggregateName *aggregate,
                             const Scope *inner, AggregateCall *ret, Error *err)
{
    TRY(check_aggregate_args(binder, node, aggregate->kind, aggregate->name, err));
    AggregateCall call = {.kind = aggregate->kind, .distinct = node->agg_distinct, .n_args = (uint32_t)node->n_args};
    TRY(bind_list(binder, node->args, node->n_args, inner, &call.args, err));
    bool counts_rows = node->agg_star || (call.kind == AGGREGATE_COUNT && !call.distinct && call.n_args == 1 &&
                                          call.args[0]->kind == EXPR_CONST && call.args[0]->constant.valid);
    if (counts_rows) {
        call.kind = AGGREGATE_COUNT_STAR;
        call.n_args = 0;
    }
    TRY(take_fraction(binder, &call, node, err));
    if (call.kind == AGGREGATE_MIN || call.kind == AGGREGATE_MAX || is_by(call.kind))
        call.distinct = false;
    TRY(type_aggregate(binder, &call, aggregate->name, node->location, err));
    *ret = call;
    return STATUS_OK;
}

Status bind_window_aggregate(Binder *binder, const char *name, const PgQuery__FuncCall *node, const Scope *inner,
                             AggregateCall *ret, Error *err)
{
    const AggregateName *aggregate = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(AGGREGATES); i++)
        if (strcmp(AGGREGATES[i].name, name) == 0 && AGGREGATES[i].kind < AGGREGATE_MIN_BY)
            aggregate = &AGGREGATES[i];
    if (!aggregate)
        return sql_refuse(binder->source, node->location, err,
                          "count, sum, avg, min, max, the ranks, lag, lead, first_value and last_value take OVER",
                          "%s is no window function of the dialect", name);
    if (node->n_agg_order || node->agg_within_group)
        return sql_refuse(binder->source, node->location, err, "write ORDER BY in OVER (...)",
                          "ORDER BY inside the call of a window");
    return make_aggregate(binder, node, aggregate, inner, ret, err);
}

static Status bind_aggregate(Binder *binder, const PgQuery__FuncCall *node, const AggregateName *aggregate,
                             const Scope *scope, const Expr **ret, Error *err)
{
    TRY(check_aggregate_place(binder, node, scope, err));
    Scope inner = {.clause = scope->clause, .aliases = ALIAS_NONE, .inside_aggregate = true, .orders = scope->orders};
    AggregateCall call;
    TRY(make_aggregate(binder, node, aggregate, &inner, &call, err));
    if (node->agg_filter) {
        inner.clause = "FILTER (WHERE ...)";
        TRY(bind_condition(binder, node->agg_filter, &inner, &call.filter, err));
    }
    uint32_t index = 0;
    while (index < binder->n_calls && !calls_equal(&binder->calls[index], &call))
        index++;
    if (index == binder->n_calls)
        binder->calls[binder->n_calls++] = call;
    *ret = expr_column(binder->arena, AGGREGATE_MARK | index, call.type, sql_position(binder->source, node->location));
    return STATUS_OK;
}

const char *aggregate_text(Arena *arena, const AggregateCall *call, const Schema *schema)
{
    Buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text, "%s(%s", aggregate_name(call->kind), call->distinct ? "DISTINCT " : "");
    if (call->kind == AGGREGATE_COUNT_STAR)
        buffer_append_byte(&text, '*');
    for (uint32_t i = 0; i < call->n_args; i++) {
        if (i > 0)
            buffer_append_text(&text, ", ");
        expr_append_text(&text, call->args[i], schema);
    }
    aggregate_append_fraction(&text, call);
    buffer_append_byte(&text, ')');
    if (call->filter) {
        buffer_append_text(&text, " FILTER (WHERE ");
        expr_append_text(&text, call->filter, schema);
        buffer_append_byte(&text, ')');
    }
    const char *copy = arena_strdup(arena, buffer_text(&text));
    buffer_done(&text);
    return copy;
}

/* ---- scalar functions ---- */
/* A row of the table that is written as a call; the others are operators and special forms. */
static bool is_callable(const Function *function)
{
    size_t size = strlen(function->name);
    return strncmp(function->signature, function->name, size) == 0 && function->signature[size] == '(';
}

static Status refuse_unknown_function(const Binder *binder, const char *name, int32_t byte, Error *err)
{
    size_t n_functions;
    const Function *functions = function_table(&n_functions);
    const char **names = ARENA_ARRAY(binder->arena, const char *, n_functions + ARRAY_SIZE(AGGREGATES));
    uint32_t n = 0;
    for (size_t i = 0; i < n_functions; i++)
        if (is_callable(&functions[i]))
            names[n++] = functions[i].name;
    for (size_t i = 0; i < ARRAY_SIZE(AGGREGATES); i++)
        names[n++] = AGGREGATES[i].name;
    const char *nearest = text_nearest(name, names, n);
    char hint[128];
    if (strncmp(name, "percentile_", strlen("percentile_")) == 0 || strcmp(name, "approx_percentile") == 0)
        snprintf(hint, sizeof hint, "percentile(x, 0.5) is exact, and interpolates between two values");
    else if (nearest)
        snprintf(hint, sizeof hint, "did you mean %s?", nearest);
    else
        snprintf(hint, sizeof hint, "docs/sql.md lists the functions of the dialect");
    return sql_refuse(binder->source, byte, err, hint, "there is no function %s", name);
}

static Status bind_scalar(Binder *binder, const char *name, const PgQuery__FuncCall *node, const Scope *scope,
                          const Expr **ret, Error *err)
{
    int32_t byte = node->location;
    const Function *function = function_find(name);
    if (!function || !is_callable(function))
        return refuse_unknown_function(binder, name, byte, err);
    if (node->agg_star || node->agg_distinct || node->agg_filter || node->n_agg_order || node->agg_within_group)
        return sql_refuse(binder->source, byte, err, "give plain arguments",
                          "*, DISTINCT, ORDER BY and FILTER belong to aggregates; %s is none", name);
    if (node->n_args < function->min_args || node->n_args > function->max_args)
        return sql_refuse(binder->source, byte, err, function->signature, "%s does not take %s", name,
                          PLURAL(node->n_args, "argument"));
    const Expr **args;
    TRY(bind_list(binder, node->args, node->n_args, scope, &args, err));
    return bind_call(binder, function->name, args, (uint32_t)node->n_args, byte, ret, err);
}

/* EXTRACT(field FROM d) */
static Status bind_extract(Binder *binder, const PgQuery__FuncCall *node, const Scope *scope, const Expr **ret,
                           Error *err)
{
    static const struct {
        const char *field;
        const char *function;
    } fields[] = {{"year", "year"}, {"quarter", "quarter"}, {"month", "month"}, {"week", "weekofyear"}, {"day", "day"}};
    const PgQuery__AConst *field =
        node->n_args == 2 && node->args[0]->node_case == PG_QUERY__NODE__NODE_A_CONST ? node->args[0]->a_const : NULL;
    const Expr *date;
    if (field && !field->isnull && field->val_case == PG_QUERY__A__CONST__VAL_SVAL) {
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
            if (strcmp(fields[i].field, field->sval->sval) != 0)
                continue;
            TRY(bind_expr(binder, node->args[1], scope, &date, err));
            return bind_call(binder, fields[i].function, &date, 1, node->location, ret, err);
        }
    }
    return sql_refuse(binder->source, field ? field->location : node->location, err,
                      "EXTRACT takes YEAR, QUARTER, MONTH, WEEK and DAY",
                      "EXTRACT of a field that is not in the dialect");
}

/* Whether FROM stands in the parentheses that follow byte `byte`: TRIM(BOTH 'x' FROM a), against TRIM(a, 'x'). */
static bool has_from(const SqlText *source, int32_t byte)
{
    const SqlToken *token = sql_token_at(source, byte);
    const SqlToken *end = source->tokens + source->n_tokens;
    int depth = 0;
    for (; token && token < end; token++) {
        depth += (token->kind == PG_QUERY__TOKEN__ASCII_40) - (token->kind == PG_QUERY__TOKEN__ASCII_41);
        if (depth == 0 && token->kind == PG_QUERY__TOKEN__ASCII_41)
            return false;
        if (depth == 1 && token->kind == PG_QUERY__TOKEN__FROM && token[-1].kind != PG_QUERY__TOKEN__DISTINCT)
            return true;
    }
    return false;
}

/* TRIM, SUBSTRING and EXTRACT with words inside: the grammar gives them as calls with a schema. */
static Status bind_special_form(Binder *binder, const char *name, const PgQuery__FuncCall *node, const Scope *scope,
                                const Expr **ret, Error *err)
{
    static const struct {
        const char *parsed;
        const char *function;
    } trims[] = {{"btrim", "trim"}, {"ltrim", "ltrim"}, {"rtrim", "rtrim"}};
    if (strcmp(name, "extract") == 0)
        return bind_extract(binder, node, scope, ret, err);
    for (size_t i = 0; i < ARRAY_SIZE(trims); i++) {
        if (strcmp(trims[i].parsed, name) != 0)
            continue;
        if (node->n_args == 2 && !has_from(binder->source, node->location))
            break;
        return bind_scalar(binder, trims[i].function, node, scope, ret, err);
    }
    return sql_refuse(binder->source, node->location, err,
                      "write substring(a, 1, 2), trim(BOTH 'x' FROM a); docs/sql.md lists the functions",
                      "this form of a call is not in the dialect");
}

static Status check_call(const Binder *binder, const PgQuery__FuncCall *node, Error *err)
{
    for (size_t i = 0; i < node->n_funcname; i++)
        if (node->funcname[i]->node_case != PG_QUERY__NODE__NODE_STRING)
            return sql_refuse(binder->source, node->location, err, "", "a function without a name");
    if (node->func_variadic)
        return sql_refuse(binder->source, node->location, err, "give the arguments one by one",
                          "VARIADIC is PostgreSQL's alone");
    return STATUS_OK;
}

Status bind_function(Binder *binder, const PgQuery__FuncCall *node, const Scope *scope, const Expr **ret, Error *err)
{
    TRY(check_call(binder, node, err));
    if (node->n_funcname == 2 && node->funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX)
        return bind_special_form(binder, node->funcname[1]->string->sval, node, scope, ret, err);
    if (node->n_funcname != 1)
        return sql_refuse(binder->source, node->location, err, "write the function's name alone",
                          "a function with a schema");
    const char *name = sql_name(binder->source, node->funcname[0]->string->sval);
    if (node->over)
        return bind_window(binder, name, node, scope, ret, err);
    if (is_window_function(name))
        return sql_refuse(binder->source, node->location, err, "add OVER (PARTITION BY ... ORDER BY ...)",
                          "%s without a window", name);
    for (size_t i = 0; i < ARRAY_SIZE(AGGREGATES); i++)
        if (strcmp(AGGREGATES[i].name, name) == 0)
            return bind_aggregate(binder, node, &AGGREGATES[i], scope, ret, err);
    size_t length = strlen(name);
    if (length >= 4 && strcmp(name + length - 4, "trim") == 0 && node->n_args > 1)
        return sql_refuse(binder->source, node->location, err, "write trim(BOTH 'x' FROM a)",
                          "the engines disagree on the order of %s's arguments", name);
    return bind_scalar(binder, name, node, scope, ret, err);
}
