/* Parses and evaluates test expressions through the function table, as binder and executor do. */
#include "evaluator.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "columnar/number_text.h"

typedef struct Operand {
    Vector vector;
    Value constant; /* .type.id == TYPE_COUNT when it is not one */
} Operand;

typedef struct Parser {
    const char *at;
    Arena *arena;
    Error *err;
} Parser;

static Status parse_expression(Parser *parser, Operand *ret);

static void skip_blanks(Parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static bool take(Parser *parser, const char *word)
{
    skip_blanks(parser);
    size_t length = strlen(word);
    if (strncasecmp(parser->at, word, length) != 0)
        return false;
    bool is_name = isalpha((unsigned char)word[0]);
    if (is_name && (isalnum((unsigned char)parser->at[length]) || parser->at[length] == '_'))
        return false;
    parser->at += length;
    return true;
}

static Status fail(Parser *parser, const char *what)
{
    return error_set(parser->err, STATUS_SQL, "%s at '%.20s'", what, parser->at);
}

static Operand constant_operand(Parser *parser, const Value *value)
{
    Vector constant = vector_const(parser->arena, value, EVALUATOR_ROWS);
    return (Operand){.vector = vector_flatten(parser->arena, &constant), .constant = *value};
}

bool evaluator_type(StrView name, DataType *ret)
{
    static const TypeId ids[] = {TYPE_BOOLEAN, TYPE_INT,       TYPE_BIGINT, TYPE_FLOAT, TYPE_DOUBLE,
                                 TYPE_DATE,    TYPE_TIMESTAMP, TYPE_STRING, TYPE_BINARY};
    char text[32], known[32];
    if (name.size >= sizeof text)
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    int precision, scale;
    if (sscanf(text, "decimal(%d,%d)", &precision, &scale) == 2) {
        *ret = DECIMAL_TYPE(precision, scale);
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        if (strcasecmp(text, type_name((DataType){.id = ids[i]}, known, sizeof known)) == 0) {
            *ret = (DataType){.id = ids[i]};
            return true;
        }
    }
    return false;
}

static Status parse_string(Parser *parser, StrView *ret)
{
    skip_blanks(parser);
    if (*parser->at != '\'')
        return fail(parser, "a string is wanted");
    const char *start = ++parser->at;
    while (*parser->at && *parser->at != '\'')
        parser->at++;
    if (!*parser->at)
        return fail(parser, "a string does not end");
    *ret = (StrView){start, (uint32_t)(parser->at - start)};
    parser->at++;
    return STATUS_OK;
}

static Status parse_number(Parser *parser, Operand *ret)
{
    const char *start = parser->at;
    parser->at += *parser->at == '-';
    bool has_point = false, has_exponent = false;
    for (; isdigit((unsigned char)*parser->at) || strchr(".eE", *parser->at); parser->at++) {
        if (*parser->at == '\0')
            break;
        has_point = has_point || *parser->at == '.';
        if (*parser->at == 'e' || *parser->at == 'E') {
            has_exponent = true;
            parser->at += parser->at[1] == '-' || parser->at[1] == '+';
        }
    }
    StrView text = {start, (uint32_t)(parser->at - start)};
    Value string = {.type = DATA_TYPE(STRING), .valid = true, .string = text};
    DataType type = DATA_TYPE(DOUBLE);
    int64_t integer;
    if (!has_exponent && !has_point && number_parse_int64(text, &integer)) {
        type = integer == (int32_t)integer ? DATA_TYPE(INT) : DATA_TYPE(BIGINT);
    } else if (!has_exponent) {
        const char *point = memchr(text.data, '.', text.size);
        int digits = (int)text.size - has_point - (*start == '-');
        int scale = point ? (int)(parser->at - point - 1) : 0;
        const char *first = start + (*start == '-');
        while (digits > 1 && digits > scale && *first == '0') {
            digits--;
            first++;
        }
        type = DECIMAL_TYPE(digits, scale);
    }
    Vector constant = vector_const(parser->arena, &string, 1), cast;
    cast_vector(&constant, type, parser->arena, &cast);
    Value value = vector_value(&cast, 0);
    *ret = constant_operand(parser, &value);
    return STATUS_OK;
}

static Status parse_typed_literal(Parser *parser, DataType type, Operand *ret)
{
    Value string = {.type = DATA_TYPE(STRING), .valid = true};
    TRY(parse_string(parser, &string.string));
    Vector constant = vector_const(parser->arena, &string, 1), cast;
    cast_vector(&constant, type, parser->arena, &cast);
    Value value = vector_value(&cast, 0);
    *ret = constant_operand(parser, &value);
    return STATUS_OK;
}

static Status call(Parser *parser, const char *name, DataType target, Operand *operands, uint32_t n, Operand *ret)
{
    const Function *function = function_find(name);
    if (!function || n < function->min_args || n > function->max_args)
        return error_set(parser->err, STATUS_SQL, "no function %s with %u arguments", name, n);
    DataType *given = ARENA_ARRAY(parser->arena, DataType, n), *want = ARENA_ARRAY(parser->arena, DataType, n);
    Value *constants = ARENA_ARRAY(parser->arena, Value, n);
    Vector *args = ARENA_ARRAY(parser->arena, Vector, n);
    for (uint32_t i = 0; i < n; i++) {
        given[i] = operands[i].vector.type;
        constants[i] = operands[i].constant;
    }
    FunctionCall the_call = {
        .function = function, .type = target, .n_args = n, .arg_types = want, .constants = constants};
    TRY(function->bind(function, given, constants, n, want, &the_call.type, parser->err));
    for (uint32_t i = 0; i < n; i++) {
        cast_vector(&operands[i].vector, want[i], parser->arena, &args[i]);
        if (constants[i].type.id != TYPE_COUNT)
            constants[i] = vector_value(&args[i], 0);
    }
    ret->constant = (Value){.type = {.id = TYPE_COUNT}};
    function->evaluate(&the_call, args, EVALUATOR_ROWS, parser->arena, &ret->vector);
    CHECK(type_equal(ret->vector.type, the_call.type));
    CHECK(ret->vector.n == EVALUATOR_ROWS && ret->vector.kind == VECTOR_FLAT);
    return STATUS_OK;
}

static Status parse_cast(Parser *parser, Operand *ret)
{
    Operand operand;
    DataType type;
    TRY(parse_expression(parser, &operand));
    if (!take(parser, "AS"))
        return fail(parser, "AS is wanted");
    skip_blanks(parser);
    const char *start = parser->at;
    while (isalpha((unsigned char)*parser->at))
        parser->at++;
    if (*parser->at == '(')
        parser->at += strcspn(parser->at, ")") + 1;
    if (!evaluator_type((StrView){start, (uint32_t)(parser->at - start)}, &type) || !take(parser, ")"))
        return fail(parser, "a type is wanted");
    return call(parser, "cast", type, &operand, 1, ret);
}

static Status parse_call(Parser *parser, Operand *ret)
{
    char name[32];
    size_t length = 0;
    while ((isalnum((unsigned char)*parser->at) || *parser->at == '_') && length + 1 < sizeof name)
        name[length++] = (char)tolower((unsigned char)*parser->at++);
    name[length] = '\0';
    if (length == 0 || !take(parser, "("))
        return fail(parser, "an operand is wanted");
    if (strcmp(name, "cast") == 0)
        return parse_cast(parser, ret);
    Operand *operands = ARENA_ARRAY(parser->arena, Operand, 64);
    uint32_t n = 0;
    while (!take(parser, ")")) {
        if ((n > 0 && !take(parser, ",")) || n == 64)
            return fail(parser, ", or ) is wanted");
        TRY(parse_expression(parser, &operands[n++]));
    }
    return call(parser, name, DATA_TYPE(NULLTYPE), operands, n, ret);
}

static Status parse_operand(Parser *parser, Operand *ret)
{
    skip_blanks(parser);
    if (isdigit((unsigned char)*parser->at) || *parser->at == '.' ||
        (*parser->at == '-' && (isdigit((unsigned char)parser->at[1]) || parser->at[1] == '.')))
        return parse_number(parser, ret);
    if (*parser->at == '\'')
        return parse_typed_literal(parser, DATA_TYPE(STRING), ret);
    if (take(parser, "NULL")) {
        *ret = constant_operand(parser, &(Value){.type = DATA_TYPE(NULLTYPE)});
        return STATUS_OK;
    }
    bool is_true = take(parser, "true");
    if (is_true || take(parser, "false")) {
        *ret = constant_operand(parser, &(Value){.type = DATA_TYPE(BOOLEAN), .valid = true, .boolean = is_true});
        return STATUS_OK;
    }
    if (take(parser, "(")) {
        TRY(parse_expression(parser, ret));
        return take(parser, ")") ? STATUS_OK : fail(parser, ") is wanted");
    }
    const char *start = parser->at;
    if (take(parser, "DATE") && (skip_blanks(parser), *parser->at == '\''))
        return parse_typed_literal(parser, DATA_TYPE(DATE), ret);
    parser->at = start;
    if (take(parser, "TIMESTAMP") && (skip_blanks(parser), *parser->at == '\''))
        return parse_typed_literal(parser, DATA_TYPE(TIMESTAMP), ret);
    parser->at = start;
    return parse_call(parser, ret);
}

static Status parse_expression(Parser *parser, Operand *ret)
{
    static const char *const operators[] = {"||", "<>", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%"};
    TRY(parse_operand(parser, ret));
    for (size_t i = 0; i < ARRAY_SIZE(operators);) {
        if (!take(parser, operators[i])) {
            i++;
            continue;
        }
        Operand *pair = ARENA_ARRAY(parser->arena, Operand, 2);
        pair[0] = *ret;
        TRY(parse_operand(parser, &pair[1]));
        TRY(call(parser, operators[i], DATA_TYPE(NULLTYPE), pair, 2, ret));
        i = 0;
    }
    return STATUS_OK;
}

Status evaluate_expression(const char *text, Arena *arena, Vector *ret_result, Error *err)
{
    Parser parser = {.at = text, .arena = arena, .err = err};
    Operand operand;
    TRY(parse_expression(&parser, &operand));
    skip_blanks(&parser);
    if (*parser.at)
        return fail(&parser, "the end is wanted");
    *ret_result = operand.vector;
    return STATUS_OK;
}

const char *evaluate_to_text(const char *text, Arena *arena, char *ret_type)
{
    Error err;
    Vector result, strings;
    if (evaluate_expression(text, arena, &result, &err) != STATUS_OK)
        return arena_printf(arena, "REFUSED: %s", err.message);
    if (ret_type)
        type_name(result.type, ret_type, 32);
    cast_vector(&result, DATA_TYPE(STRING), arena, &strings);
    Value first = vector_value(&strings, 0);
    for (uint32_t i = 1; i < EVALUATOR_ROWS; i++) {
        Value other = vector_value(&strings, i);
        if (other.valid != first.valid || (first.valid && !str_equal(first.string, other.string)))
            return "ROWS DIFFER";
    }
    return first.valid ? arena_str(arena, first.string).data : "NULL";
}
