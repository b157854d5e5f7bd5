/* Makers of typed expressions: calls bound by the function table, casts made explicit, constants folded.
 *
 * An expression is read-only once made and may be shared by several parents. */
#include <stdio.h>

#include "sql/sql_internal.h"

const Expr *expr_column(Arena *arena, uint32_t column, DataType type, int32_t position)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = EXPR_COLUMN;
    expr->type = type;
    expr->column = column;
    expr->position = position;
    return expr;
}

const Expr *expr_constant(Arena *arena, Value value, int32_t position)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = EXPR_CONST;
    expr->type = value.type;
    expr->constant = value;
    expr->position = position;
    return expr;
}

static const Value *constants_of(Arena *arena, const Expr *const *args, uint32_t n_args)
{
    Value *constants = ARENA_ARRAY(arena, Value, n_args);
    for (uint32_t i = 0; i < n_args; i++) {
        if (args[i]->kind == EXPR_CONST)
            constants[i] = args[i]->constant;
        else
            constants[i].type.id = TYPE_COUNT;
    }
    return constants;
}

/* The value of a call all of whose arguments are constants. */
static const Expr *fold(Arena *arena, const Expr *call)
{
    Vector *args = ARENA_ARRAY(arena, Vector, call->call.n_args);
    for (uint32_t i = 0; i < call->call.n_args; i++) {
        if (call->args[i]->kind != EXPR_CONST)
            return call;
        Vector constant = vector_const(arena, &call->args[i]->constant, 1);
        args[i] = vector_flatten(arena, &constant);
    }
    Vector result;
    call->call.function->evaluate(&call->call, args, 1, arena, &result);
    Value value = vector_value(&result, 0);
    value.type = call->type;
    return expr_constant(arena, value, call->position);
}

static const Expr *make_call(Arena *arena, const Function *function, const Expr **args, uint32_t n_args, DataType type,
                             int32_t position)
{
    DataType *types = ARENA_ARRAY(arena, DataType, n_args);
    for (uint32_t i = 0; i < n_args; i++)
        types[i] = args[i]->type;
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = EXPR_CALL;
    expr->type = type;
    expr->position = position;
    expr->args = args;
    expr->call = (FunctionCall){.function = function,
                                .type = type,
                                .n_args = n_args,
                                .arg_types = types,
                                .constants = constants_of(arena, args, n_args)};
    return fold(arena, expr);
}

Status expr_cast(Arena *arena, const Expr *expr, DataType target, const Expr **ret, Error *err)
{
    if (type_equal(expr->type, target)) {
        *ret = expr;
        return STATUS_OK;
    }
    return expr_call(arena, "cast", &expr, 1, target, expr->position, ret, err);
}

Status expr_call(Arena *arena, const char *name, const Expr *const *args, uint32_t n_args, DataType target,
                 int32_t position, const Expr **ret, Error *err)
{
    const Function *function = function_find(name);
    if (!function)
        return error_set(err, STATUS_SQL, "there is no function %s", name);
    if (n_args > FUNCTION_MAX_ARGS)
        return error_set(err, STATUS_SQL, "%s takes at most %d arguments, not %u", name, FUNCTION_MAX_ARGS, n_args);
    if (n_args < function->min_args || n_args > function->max_args) {
        error_set(err, STATUS_SQL, "%s does not take %s", name, PLURAL(n_args, "argument"));
        return error_hint(err, "write %s", function->signature);
    }
    DataType *given = ARENA_ARRAY(arena, DataType, n_args);
    DataType *want = ARENA_ARRAY(arena, DataType, n_args);
    for (uint32_t i = 0; i < n_args; i++)
        want[i] = given[i] = args[i]->type;
    DataType type = target;
    if (function->bind(function, given, constants_of(arena, args, n_args), n_args, want, &type, err) != STATUS_OK)
        return error_hint(err, "the form is %s; docs/sql.md says which types go together", function->signature);
    const Expr **converted = ARENA_ARRAY(arena, const Expr *, n_args);
    bool is_cast = strcmp(name, "cast") == 0;
    for (uint32_t i = 0; i < n_args; i++) {
        converted[i] = args[i];
        if (!is_cast && !type_equal(want[i], given[i]))
            TRY(expr_cast(arena, args[i], want[i], &converted[i], err));
    }
    *ret = make_call(arena, function, converted, n_args, type, position);
    return STATUS_OK;
}

/* ---- equality ---- */
bool expr_equal(const Expr *a, const Expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || !type_equal(a->type, b->type))
        return false;
    switch (a->kind) {
    case EXPR_COLUMN:
        return a->column == b->column;
    case EXPR_CONST:
        return value_equal(&a->constant, &b->constant);
    case EXPR_CALL:
        break;
    }
    if (a->call.function != b->call.function || a->call.n_args != b->call.n_args)
        return false;
    for (uint32_t i = 0; i < a->call.n_args; i++)
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

const Expr *expr_replace_columns(Arena *arena, const Expr *expr, ExprReplace replace, void *context)
{
    if (expr->kind == EXPR_COLUMN)
        return replace(context, expr);
    if (expr->kind == EXPR_CONST)
        return expr;
    const Expr **args = ARENA_ARRAY(arena, const Expr *, expr->call.n_args);
    bool changed = false;
    for (uint32_t i = 0; i < expr->call.n_args; i++) {
        args[i] = expr_replace_columns(arena, expr->args[i], replace, context);
        changed |= args[i] != expr->args[i];
    }
    if (!changed)
        return expr;
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *expr;
    copy->args = args;
    return copy;
}

/* ---- text ---- */
static void append_constant(Buffer *buffer, const Value *value)
{
    if (!value->valid) {
        buffer_append_text(buffer, "NULL");
        return;
    }
    bool quoted = value->type.id == TYPE_STRING || value->type.id == TYPE_DATE || value->type.id == TYPE_TIMESTAMP;
    if (value->type.id == TYPE_DATE)
        buffer_append_text(buffer, "DATE ");
    if (value->type.id == TYPE_TIMESTAMP)
        buffer_append_text(buffer, "TIMESTAMP ");
    if (!quoted) {
        value_append_text(buffer, value);
        return;
    }
    Buffer text;
    buffer_init(&text, 0);
    value_append_text(&text, value);
    buffer_append_byte(buffer, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'')
            buffer_append_byte(buffer, '\'');
        buffer_append_byte(buffer, text.data[i]);
    }
    buffer_append_byte(buffer, '\'');
    buffer_done(&text);
}

static void append_list(Buffer *buffer, const Expr *const *args, uint32_t n, const char *separator,
                        const Schema *schema)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buffer_append_text(buffer, separator);
        expr_append_text(buffer, args[i], schema);
    }
}

static void append_case(Buffer *buffer, const Expr *expr, const Schema *schema)
{
    buffer_append_text(buffer, "CASE");
    uint32_t i = 0;
    for (; i + 1 < expr->call.n_args; i += 2) {
        buffer_append_text(buffer, " WHEN ");
        expr_append_text(buffer, expr->args[i], schema);
        buffer_append_text(buffer, " THEN ");
        expr_append_text(buffer, expr->args[i + 1], schema);
    }
    if (i < expr->call.n_args) {
        buffer_append_text(buffer, " ELSE ");
        expr_append_text(buffer, expr->args[i], schema);
    }
    buffer_append_text(buffer, " END");
}

/* Operators that are not written as they are called: the text around and between their arguments. */
typedef struct Form {
    const char *name;
    const char *before;
    const char *between;
    const char *behind;
} Form;

static const Form FORMS[] = {
    {"and", "(", " AND ", ")"},
    {"or", "(", " OR ", ")"},
    {"not", "(NOT ", "", ")"},
    {"negate", "(-", "", ")"},
    {"is_null", "(", "", " IS NULL)"},
    {"is_not_null", "(", "", " IS NOT NULL)"},
    {"is_true", "(", "", " IS TRUE)"},
    {"is_not_true", "(", "", " IS NOT TRUE)"},
    {"is_false", "(", "", " IS FALSE)"},
    {"is_not_false", "(", "", " IS NOT FALSE)"},
    {"is_distinct_from", "(", " IS DISTINCT FROM ", ")"},
    {"is_not_distinct_from", "(", " IS NOT DISTINCT FROM ", ")"},
    {"like", "(", " LIKE ", ")"},
    {"ilike", "(", " ILIKE ", ")"},
};

static const Form *find_form(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(FORMS); i++)
        if (strcmp(FORMS[i].name, name) == 0)
            return &FORMS[i];
    return NULL;
}

static void append_form(Buffer *buffer, const Form *form, const Expr *expr, const Schema *schema)
{
    bool escapes = expr->call.n_args == 3 && strstr(form->name, "like");
    buffer_append_text(buffer, form->before);
    append_list(buffer, expr->args, expr->call.n_args - escapes, form->between, schema);
    if (escapes) {
        buffer_append_text(buffer, " ESCAPE ");
        expr_append_text(buffer, expr->args[2], schema);
    }
    buffer_append_text(buffer, form->behind);
}

static void append_call(Buffer *buffer, const Expr *expr, const Schema *schema)
{
    const char *name = expr->call.function->name;
    uint32_t n = expr->call.n_args;
    const Form *form = find_form(name);
    char text[32];
    if (strcmp(name, "case") == 0) {
        append_case(buffer, expr, schema);
    } else if (strcmp(name, "cast") == 0) {
        buffer_append_text(buffer, "CAST(");
        expr_append_text(buffer, expr->args[0], schema);
        buffer_printf(buffer, " AS %s)", type_name(expr->type, text, sizeof text));
    } else if (form) {
        append_form(buffer, form, expr, schema);
    } else if (strcmp(name, "in") == 0) {
        buffer_append_byte(buffer, '(');
        expr_append_text(buffer, expr->args[0], schema);
        buffer_append_text(buffer, " IN (");
        append_list(buffer, expr->args + 1, n - 1, ", ", schema);
        buffer_append_text(buffer, "))");
    } else if (name[0] >= 'a' && name[0] <= 'z') {
        buffer_printf(buffer, "%s(", name);
        append_list(buffer, expr->args, n, ", ", schema);
        buffer_append_byte(buffer, ')');
    } else {
        snprintf(text, sizeof text, " %s ", name);
        buffer_append_byte(buffer, '(');
        append_list(buffer, expr->args, n, text, schema);
        buffer_append_byte(buffer, ')');
    }
}

void expr_append_text(Buffer *buffer, const Expr *expr, const Schema *schema)
{
    switch (expr->kind) {
    case EXPR_COLUMN:
        if (expr->column < schema->n)
            buffer_append_text(buffer, schema->fields[expr->column].name);
        else
            buffer_printf(buffer, "#%u", expr->column);
        break;
    case EXPR_CONST:
        append_constant(buffer, &expr->constant);
        break;
    case EXPR_CALL:
        append_call(buffer, expr, schema);
        break;
    }
}
