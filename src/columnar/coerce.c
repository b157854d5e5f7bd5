/* Spark's implicit conversions. */
#include "columnar/coerce.h"

#include "columnar/decimal.h"

#define MIN_ADJUSTED_SCALE 6

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

DataType decimal_type_bounded(int precision, int scale)
{
    return DECIMAL_TYPE(smaller(precision, DECIMAL_MAX_PRECISION), smaller(scale, DECIMAL_MAX_PRECISION));
}

DataType decimal_type_adjusted(int precision, int scale)
{
    if (precision <= DECIMAL_MAX_PRECISION)
        return DECIMAL_TYPE(precision, scale);
    int whole = precision - scale;
    int least = smaller(scale, MIN_ADJUSTED_SCALE);
    return DECIMAL_TYPE(DECIMAL_MAX_PRECISION, larger(DECIMAL_MAX_PRECISION - whole, least));
}

DataType decimal_type_of(DataType type, const Value *constant)
{
    if (type.id == TYPE_DECIMAL)
        return type;
    if (constant && constant->valid && type.id == TYPE_INT)
        return DECIMAL_TYPE(decimal_digits(constant->int32), 0);
    if (constant && constant->valid && type.id == TYPE_BIGINT)
        return DECIMAL_TYPE(decimal_digits(constant->int64), 0);
    return type.id == TYPE_INT ? DECIMAL_TYPE(10, 0) : DECIMAL_TYPE(20, 0);
}

static DataType wider_decimal(DataType a, DataType b)
{
    int scale = larger(a.scale, b.scale);
    int whole = larger(a.precision - a.scale, b.precision - b.scale);
    return decimal_type_bounded(whole + scale, scale);
}

static DataType seen(DataType type)
{
    return type.id == TYPE_FLOAT ? DATA_TYPE(DOUBLE) : type;
}

static bool is_datetime(DataType type)
{
    return type.id == TYPE_DATE || type.id == TYPE_TIMESTAMP;
}

/* Of two different numeric types. */
static DataType common_number(DataType a, DataType b)
{
    if (a.id == TYPE_DOUBLE || b.id == TYPE_DOUBLE)
        return DATA_TYPE(DOUBLE);
    if (a.id == TYPE_DECIMAL || b.id == TYPE_DECIMAL)
        return wider_decimal(decimal_type_of(a, NULL), decimal_type_of(b, NULL));
    return a.id == TYPE_BIGINT || b.id == TYPE_BIGINT ? DATA_TYPE(BIGINT) : DATA_TYPE(INT);
}

bool type_common(DataType a, DataType b, bool promote_strings, DataType *ret)
{
    a = seen(a);
    b = seen(b);
    DataType common;
    if (type_equal(a, b) || b.id == TYPE_NULLTYPE)
        common = a;
    else if (a.id == TYPE_NULLTYPE)
        common = b;
    else if (type_is_numeric(a) && type_is_numeric(b))
        common = common_number(a, b);
    else if (is_datetime(a) && is_datetime(b))
        common = DATA_TYPE(TIMESTAMP);
    else if (promote_strings && a.id == TYPE_STRING && (type_is_numeric(b) || is_datetime(b)))
        common = a;
    else if (promote_strings && b.id == TYPE_STRING && (type_is_numeric(a) || is_datetime(a)))
        common = b;
    else
        return false;
    *ret = common;
    return true;
}

bool type_common_of(const DataType *types, uint32_t n, bool promote_strings, DataType *ret)
{
    DataType common = DATA_TYPE(NULLTYPE);
    /* Strings first: (int, date, string) has the common type string though (int, date) has none. */
    for (uint32_t i = 0; i < n; i++)
        if (types[i].id == TYPE_STRING)
            common = types[i];
    for (uint32_t i = 0; i < n; i++)
        if (!type_common(common, types[i], promote_strings, &common))
            return false;
    *ret = common;
    return true;
}

bool type_for_comparison(const DataType types[2], const Value *constants, bool equality, DataType *ret)
{
    DataType a = seen(types[0]), b = seen(types[1]);
    DataType common;
    if (a.id == TYPE_DECIMAL || b.id == TYPE_DECIMAL) {
        if (a.id == TYPE_INT || a.id == TYPE_BIGINT)
            a = decimal_type_of(a, constant_at(constants, 0));
        if (b.id == TYPE_INT || b.id == TYPE_BIGINT)
            b = decimal_type_of(b, constant_at(constants, 1));
    }
    if (a.id == TYPE_NULLTYPE && b.id == TYPE_NULLTYPE) {
        common = DATA_TYPE(BOOLEAN);
    } else if (a.id != b.id && (a.id == TYPE_STRING || b.id == TYPE_STRING) && a.id != TYPE_NULLTYPE &&
               b.id != TYPE_NULLTYPE) {
        common = a.id == TYPE_STRING ? b : a;
        if (common.id == TYPE_DECIMAL)
            common = DATA_TYPE(DOUBLE);
    } else if (equality && a.id == TYPE_BOOLEAN && type_is_numeric(b)) {
        common = b;
    } else if (equality && b.id == TYPE_BOOLEAN && type_is_numeric(a)) {
        common = a;
    } else if (!type_common(a, b, false, &common)) {
        return false;
    }
    *ret = common;
    return true;
}

Status refuse_types(const Function *function, const DataType *given, uint32_t n_args, Error *err)
{
    char list[256];
    size_t used = 0;
    list[0] = '\0';
    for (uint32_t i = 0; i < n_args && used + 40 < sizeof list; i++) {
        memcpy(list + used, ", ", 3);
        used += i > 0 ? 2 : 0;
        type_name(given[i], list + used, sizeof list - used);
        used += strlen(list + used);
    }
    return error_set(err, STATUS_SQL, "'%s' cannot take (%s)", function->name, list);
}

static bool letter_type(char letter, DataType *ret)
{
    switch (letter) {
    case 'B':
        *ret = DATA_TYPE(BOOLEAN);
        return true;
    case 'i':
    case 'j':
    case 'n':
        *ret = DATA_TYPE(INT);
        return true;
    case 'l':
        *ret = DATA_TYPE(BIGINT);
        return true;
    case 'd':
        *ret = DATA_TYPE(DOUBLE);
        return true;
    case 'D':
        *ret = DATA_TYPE(DATE);
        return true;
    case 'T':
        *ret = DATA_TYPE(TIMESTAMP);
        return true;
    case 's':
    case 'x':
        *ret = DATA_TYPE(STRING);
        return true;
    default:
        return false;
    }
}

/* Whether Spark converts an argument by itself. */
static bool converts(DataType from, DataType to)
{
    if (from.id == to.id || from.id == TYPE_NULLTYPE)
        return true;
    switch (to.id) {
    case TYPE_STRING:
        return from.id != TYPE_BINARY;
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
        return type_is_numeric(from) || from.id == TYPE_STRING;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        return is_datetime(from) || from.id == TYPE_STRING;
    default:
        return false;
    }
}

Status bind_fixed(BIND_PARAMETERS)
{
    const char *letter = function->types;
    for (uint32_t i = 0; i < n_args; i++) {
        CHECK(letter_type(*letter, &want[i]));
        bool strict = *letter == 'j' && type_is_numeric(given[i]) && given[i].id != TYPE_INT;
        if (strict || !converts(given[i], want[i]))
            return refuse_types(function, given, n_args, err);
        if ((*letter == 'x' || *letter == 'n') && !constant_at(constants, i))
            return error_set(err, STATUS_SQL, "argument %u of '%s' must be a constant", i + 1, function->name);
        if (letter[1] != '>')
            letter++;
    }
    CHECK(letter_type(strchr(function->types, '>')[1], ret_type));
    return STATUS_OK;
}
