/* Literals and casts: the types of the dialect by the words that name them in the text.
 *
 * The tree has made FLOAT and DOUBLE PRECISION one, so the word in the text decides, and the tree must agree with it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql/bind_internal.h"

typedef struct TypeWord {
    const char *word;   /* as in the text */
    const char *parsed; /* the last name the parser gives it */
    TypeId id;
} TypeWord;

static const TypeWord TYPE_WORDS[] = {
    {"string", "string", TYPE_STRING},    {"double", "double", TYPE_DOUBLE},
    {"bigint", "int8", TYPE_BIGINT},      {"int", "int4", TYPE_INT},
    {"integer", "int4", TYPE_INT},        {"decimal", "numeric", TYPE_DECIMAL},
    {"numeric", "numeric", TYPE_DECIMAL}, {"date", "date", TYPE_DATE},
    {"boolean", "bool", TYPE_BOOLEAN},    {"timestamp", "timestamp", TYPE_TIMESTAMP},
};

typedef struct ForeignType {
    const char *word; /* the first of the text */
    const char *name;
    const char *hint;
} ForeignType;

static const ForeignType FOREIGN_TYPES[] = {
    {"float", "FLOAT", "FLOAT has 32 bits in Spark and 64 in PostgreSQL; write DOUBLE"},
    {"real", "REAL", "write DOUBLE"},
    {"double", "DOUBLE PRECISION", "write DOUBLE alone; DOUBLE PRECISION is PostgreSQL's"},
    {"text", "TEXT", "write STRING"},
    {"varchar", "VARCHAR", "write STRING"},
    {"char", "CHAR", "write STRING"},
    {"character", "CHARACTER", "write STRING"},
    {"long", "LONG", "write BIGINT"},
    {"int8", "INT8", "write BIGINT"},
    {"int4", "INT4", "write INT"},
    {"int2", "INT2", "write INT"},
    {"smallint", "SMALLINT", "write INT"},
    {"tinyint", "TINYINT", "write INT"},
    {"bool", "BOOL", "write BOOLEAN"},
    {"dec", "DEC", "write DECIMAL(12,2)"},
    {"float8", "FLOAT8", "write DOUBLE"},
    {"float4", "FLOAT4", "write DOUBLE"},
    {"timestamp", "TIMESTAMP WITH TIME ZONE", "write TIMESTAMP alone: instants are in UTC"},
    {"timestamptz", "TIMESTAMPTZ", "write TIMESTAMP: instants are in UTC"},
    {"interval", "INTERVAL", "write date_add(d, 1) or datediff(a, b); intervals are not in the dialect yet"},
};

/* ---- type names ---- */
static Status refuse_type(const Binder *binder, const SqlToken *token, int32_t byte, Error *err)
{
    SqlWord word = {""};
    if (token)
        word = sql_word(binder->source, token);
    for (size_t i = 0; i < ARRAY_SIZE(FOREIGN_TYPES); i++)
        if (strcmp(FOREIGN_TYPES[i].word, word.text) == 0)
            return sql_refuse(binder->source, byte, err, FOREIGN_TYPES[i].hint, "the type %s is not in the dialect",
                              FOREIGN_TYPES[i].name);
    return sql_refuse(binder->source, byte, err,
                      "the types are STRING, DOUBLE, BIGINT, INT, DECIMAL(p,s), DATE, TIMESTAMP, BOOLEAN",
                      "there is no type %s", word.text);
}

static bool integer_constant(const PgQuery__Node *node, int32_t *ret)
{
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST || node->a_const->isnull ||
        node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return false;
    *ret = node->a_const->ival->ival;
    return true;
}

static Status decimal_type(const Binder *binder, const PgQuery__TypeName *name, DataType *ret, Error *err)
{
    int32_t precision = 10;
    int32_t scale = 0;
    bool understood = name->n_typmods <= 2 && (name->n_typmods < 1 || integer_constant(name->typmods[0], &precision)) &&
                      (name->n_typmods < 2 || integer_constant(name->typmods[1], &scale));
    if (!understood || precision < 1 || precision > DECIMAL_MAX_PRECISION || scale < 0 || scale > precision)
        return sql_refuse(binder->source, name->location, err,
                          "write DECIMAL(p,s) with p from 1 to 38 and s from 0 to p", "no such decimal type");
    *ret = DECIMAL_TYPE(precision, scale);
    return STATUS_OK;
}

static Status resolve_type(const Binder *binder, const PgQuery__TypeName *name, DataType *ret, Error *err)
{
    const SqlToken *token = sql_token_at(binder->source, name->location);
    if (!token || name->n_names == 0 || name->setof || name->pct_type || name->n_array_bounds)
        return refuse_type(binder, token, name->location, err);
    SqlWord word = sql_word(binder->source, token);
    const PgQuery__Node *last = name->names[name->n_names - 1];
    for (size_t i = 0; i < ARRAY_SIZE(TYPE_WORDS); i++) {
        if (strcmp(TYPE_WORDS[i].word, word.text) != 0)
            continue;
        if (last->node_case != PG_QUERY__NODE__NODE_STRING || strcmp(last->string->sval, TYPE_WORDS[i].parsed) != 0)
            break;
        if (TYPE_WORDS[i].id == TYPE_DECIMAL)
            return decimal_type(binder, name, ret, err);
        if (name->n_typmods)
            return sql_refuse(binder->source, name->location, err, "leave the parentheses out",
                              "the type %s takes no size", word.text);
        *ret = (DataType){.id = TYPE_WORDS[i].id};
        return STATUS_OK;
    }
    return refuse_type(binder, token, name->location, err);
}

/* ---- typed literals ---- */
/* Whether the text of an instant names its zone behind the time of day. */
static bool names_zone(StrView text)
{
    const char *time = memchr(text.data, ':', text.size);
    if (!time)
        return false;
    for (const char *c = time; c < text.data + text.size; c++)
        if (*c == '+' || *c == '-' || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z'))
            return true;
    return false;
}

static Status bind_typed_literal(Binder *binder, const PgQuery__TypeCast *cast, DataType type, const Expr *literal,
                                 const Expr **ret, Error *err)
{
    int32_t byte = cast->type_name->location;
    if (type.id != TYPE_DATE && type.id != TYPE_TIMESTAMP)
        return sql_refuse(binder->source, byte, err, "write CAST('...' AS type)",
                          "only DATE and TIMESTAMP stand before a literal");
    StrView text = literal->constant.string;
    if (type.id == TYPE_TIMESTAMP && binder->source->mode == SQL_MART && !names_zone(text))
        return sql_refuse(binder->source, byte, err, "name the zone: TIMESTAMP '2025-01-01 00:00:00Z'",
                          "a TIMESTAMP literal without a zone is read in the session's zone by Spark");
    TRY(bind_at(binder, expr_cast(binder->arena, literal, type, ret, err), byte, err));
    if (!(*ret)->constant.valid)
        return sql_refuse(binder->source, byte, err,
                          type.id == TYPE_DATE ? "write DATE '2025-06-30'" : "write TIMESTAMP '2025-06-30 12:00:00Z'",
                          "'%.*s' is no %s", (int)text.size, text.data, type.id == TYPE_DATE ? "date" : "timestamp");
    return STATUS_OK;
}

Status bind_cast_node(Binder *binder, const PgQuery__TypeCast *cast, const Scope *scope, const Expr **ret, Error *err)
{
    if (!cast->type_name || !cast->arg)
        return sql_refuse(binder->source, binder->byte, err, "", "a cast without a type");
    DataType type;
    TRY(resolve_type(binder, cast->type_name, &type, err));
    const Expr *arg;
    TRY(bind_expr(binder, cast->arg, scope, &arg, err));
    if (cast->location < 0)
        return bind_typed_literal(binder, cast, type, arg, ret, err);
    return bind_at(binder, expr_cast(binder->arena, arg, type, ret, err), cast->location, err);
}

/* ---- plain literals ---- */
static Status refuse_number(const Binder *binder, const char *text, int32_t byte, Error *err)
{
    return sql_refuse(binder->source, byte, err, "a decimal has at most 38 digits; write 1e40 for a double",
                      "the number %.40s is out of range", text);
}

/* Digits with at most one point: the unscaled value and its digits as Spark counts them (leading zeros do not). */
static Status decimal_literal(const Binder *binder, const char *text, int32_t byte, Value *ret, Error *err)
{
    bool negative = text[0] == '-';
    bool behind_point = false;
    UInt128 unscaled = 0;
    int precision = 0;
    int scale = 0;
    for (const char *c = text + negative; *c; c++) {
        if (*c == '.') {
            behind_point = true;
            continue;
        }
        if (*c < '0' || *c > '9')
            return refuse_number(binder, text, byte, err);
        precision += precision > 0 || *c != '0';
        scale += behind_point;
        if (precision > DECIMAL_MAX_PRECISION || scale > DECIMAL_MAX_PRECISION)
            return refuse_number(binder, text, byte, err);
        unscaled = unscaled * 10 + (unsigned)(*c - '0');
    }
    if (precision < scale)
        precision = scale;
    if (precision == 0)
        precision = 1;
    Int128 value = negative ? -(Int128)unscaled : (Int128)unscaled;
    ret->type = DECIMAL_TYPE(precision, scale);
    if (type_is_wide_decimal(ret->type))
        ret->int128 = value;
    else
        ret->int64 = (int64_t)value;
    return STATUS_OK;
}

static void narrow_integer(Value *value)
{
    if (value->type.id != TYPE_DECIMAL)
        return;
    Int128 number = type_is_wide_decimal(value->type) ? value->int128 : value->int64;
    if (number < INT64_MIN || number > INT64_MAX)
        return;
    bool is_int = number >= INT32_MIN && number <= INT32_MAX;
    Value narrow = {.type = is_int ? DATA_TYPE(INT) : DATA_TYPE(BIGINT), .valid = true};
    if (is_int)
        narrow.int32 = (int32_t)number;
    else
        narrow.int64 = (int64_t)number;
    *value = narrow;
}

static Status number_literal(const Binder *binder, const char *text, int32_t byte, Value *ret, Error *err)
{
    if (strpbrk(text, "eE")) {
        ret->type = DATA_TYPE(DOUBLE);
        ret->float64 = strtod(text, NULL);
        return isfinite(ret->float64) ? STATUS_OK : refuse_number(binder, text, byte, err);
    }
    TRY(decimal_literal(binder, text, byte, ret, err));
    if (!strchr(text, '.'))
        narrow_integer(ret);
    return STATUS_OK;
}

Status bind_constant(Binder *binder, const PgQuery__AConst *constant, const Expr **ret, Error *err)
{
    Value value = {.type = DATA_TYPE(NULLTYPE), .valid = !constant->isnull};
    if (!constant->isnull) {
        switch (constant->val_case) {
        case PG_QUERY__A__CONST__VAL_IVAL:
            value.type = DATA_TYPE(INT);
            value.int32 = constant->ival->ival;
            break;
        case PG_QUERY__A__CONST__VAL_FVAL:
            TRY(number_literal(binder, constant->fval->fval, constant->location, &value, err));
            break;
        case PG_QUERY__A__CONST__VAL_BOOLVAL:
            value.type = DATA_TYPE(BOOLEAN);
            value.boolean = constant->boolval->boolval != 0;
            break;
        case PG_QUERY__A__CONST__VAL_SVAL:
            value.type = DATA_TYPE(STRING);
            value.string = arena_str(binder->arena, str_view(constant->sval->sval));
            break;
        default:
            return sql_refuse(binder->source, constant->location, err, "write '...'",
                              "bit strings are not in the dialect");
        }
    }
    *ret = expr_constant(binder->arena, value, sql_position(binder->source, constant->location));
    return STATUS_OK;
}
