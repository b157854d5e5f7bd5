/* + - * / % and negation.
 *
 * Integers wrap as Java's do, division and remainder by zero are NULL, integers divide as doubles.  Decimals follow
 * Spark's DecimalPrecision: exact, with the scale cut where 38 digits would be passed, NULL where the value does not fit.
 * When all three types of a decimal operation have at most 18 digits nothing can overflow and int64 loops suffice; up
 * to 37 digits the same holds for Int128; the rest goes value by value through decimal.c. */
#include <math.h>

#include "columnar/coerce.h"
#include "columnar/decimal.h"
#include "columnar/families.h"
#include "columnar/kernel.h"

static DataType decimal_result(char sign, DataType a, DataType b)
{
    int scale = a.scale > b.scale ? a.scale : b.scale;
    int whole_a = a.precision - a.scale, whole_b = b.precision - b.scale;
    switch (sign) {
    case '*':
        return decimal_type_adjusted(a.precision + b.precision + 1, a.scale + b.scale);
    case '/': {
        int wanted = a.scale + b.precision + 1;
        scale = wanted > 6 ? wanted : 6;
        return decimal_type_adjusted(whole_a + b.scale + scale, scale);
    }
    case '%':
        return decimal_type_adjusted((whole_a < whole_b ? whole_a : whole_b) + scale, scale);
    default:
        return decimal_type_adjusted((whole_a > whole_b ? whole_a : whole_b) + scale + 1, scale);
    }
}

static Status bind_date_arithmetic(BIND_PARAMETERS)
{
    char sign = function->name[0];
    uint32_t date = given[0].id == TYPE_DATE ? 0 : 1;
    DataType other = given[1 - date];
    if (sign == '-' && given[0].id == TYPE_DATE && given[1].id == TYPE_DATE) {
        refuse_types(function, given, n_args, err);
        return error_hint(err, "write datediff(end, start) for the number of days between two dates");
    }
    bool adds_days = (sign == '+' || (sign == '-' && date == 0)) && (other.id == TYPE_INT || other.id == TYPE_NULLTYPE);
    if (!adds_days) {
        refuse_types(function, given, n_args, err);
        return error_hint(err, "a date takes + int and - int, which are days");
    }
    want[date] = *ret_type = DATA_TYPE(DATE);
    want[1 - date] = DATA_TYPE(INT);
    return STATUS_OK;
}

/* An operand as arithmetic sees it. */
static bool operand_type(DataType given, DataType *ret)
{
    if (given.id == TYPE_FLOAT || given.id == TYPE_STRING)
        given = DATA_TYPE(DOUBLE);
    *ret = given;
    return type_is_numeric(given) || given.id == TYPE_NULLTYPE;
}

Status bind_arithmetic(BIND_PARAMETERS)
{
    char sign = function->name[0] == 'm' ? '%' : function->name[0];
    DataType a, b;
    if (given[0].id == TYPE_DATE || given[1].id == TYPE_DATE)
        return bind_date_arithmetic(function, given, constants, n_args, want, ret_type, err);
    if (!operand_type(given[0], &a) || !operand_type(given[1], &b))
        return refuse_types(function, given, n_args, err);
    if (a.id == TYPE_NULLTYPE)
        a = b;
    if (b.id == TYPE_NULLTYPE)
        b = a;
    bool decimals = a.id == TYPE_DECIMAL || b.id == TYPE_DECIMAL;
    if (a.id == TYPE_NULLTYPE || a.id == TYPE_DOUBLE || b.id == TYPE_DOUBLE || (sign == '/' && !decimals)) {
        want[0] = want[1] = *ret_type = DATA_TYPE(DOUBLE);
    } else if (decimals) {
        want[0] = decimal_type_of(a, constant_at(constants, 0));
        want[1] = decimal_type_of(b, constant_at(constants, 1));
        *ret_type = decimal_result(sign, want[0], want[1]);
    } else {
        DataType type = a.id == TYPE_BIGINT || b.id == TYPE_BIGINT ? DATA_TYPE(BIGINT) : DATA_TYPE(INT);
        want[0] = want[1] = *ret_type = type;
    }
    return STATUS_OK;
}

Status bind_negate(BIND_PARAMETERS)
{
    if (!operand_type(given[0], &want[0]))
        return refuse_types(function, given, n_args, err);
    if (want[0].id == TYPE_NULLTYPE)
        want[0] = DATA_TYPE(DOUBLE);
    *ret_type = want[0];
    return STATUS_OK;
}

/* x and y are the operands of one row; the loop has no branch, so it becomes vector code where the machine has it. */
#define BINARY_ROWS(A, B, Out, expression)                                                                             \
    do {                                                                                                               \
        const A *restrict rows_a = args[0].data;                                                                       \
        const B *restrict rows_b = args[1].data;                                                                       \
        Out *restrict rows_out = result->data;                                                                         \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            A x = rows_a[i];                                                                                           \
            B y = rows_b[i];                                                                                           \
            rows_out[i] = (Out)(expression);                                                                           \
        }                                                                                                              \
    } while (0)

#define WRAPPING(A, B, Out, Unsigned)                                                                                  \
    do {                                                                                                               \
        if (sign == '+')                                                                                               \
            BINARY_ROWS(A, B, Out, (Unsigned)x + (Unsigned)y);                                                         \
        else if (sign == '-')                                                                                          \
            BINARY_ROWS(A, B, Out, (Unsigned)x - (Unsigned)y);                                                         \
        else                                                                                                           \
            BINARY_ROWS(A, B, Out, (Unsigned)x *(Unsigned)y);                                                          \
    } while (0)

/* Makes rows with a zero divisor NULL. */
#define DROP_ZERO_DIVISORS(Type)                                                                                       \
    do {                                                                                                               \
        const Type *restrict divisors = args[1].data;                                                                  \
        uint64_t zeros = 0;                                                                                            \
        for (uint32_t i = 0; i < n; i++)                                                                               \
            zeros += divisors[i] == 0;                                                                                 \
        if (zeros) {                                                                                                   \
            result->valid = mask_copy(arena, result->valid, n);                                                        \
            for (uint32_t i = 0; i < n; i++)                                                                           \
                result->valid[i] &= divisors[i] != 0;                                                                  \
        }                                                                                                              \
    } while (0)

static void integer_remainder(EVALUATE_PARAMETERS)
{
    if (call->type.id == TYPE_INT) {
        BINARY_ROWS(int32_t, int32_t, int32_t, y == 0 || y == -1 ? 0 : x % y);
        DROP_ZERO_DIVISORS(int32_t);
    } else {
        BINARY_ROWS(int64_t, int64_t, int64_t, y == 0 || y == -1 ? 0 : x % y);
        DROP_ZERO_DIVISORS(int64_t);
    }
}

static void double_arithmetic(char sign, EVALUATE_PARAMETERS)
{
    switch (sign) {
    case '+':
        BINARY_ROWS(double, double, double, x + y);
        break;
    case '-':
        BINARY_ROWS(double, double, double, x - y);
        break;
    case '*':
        BINARY_ROWS(double, double, double, x *y);
        break;
    case '/':
        BINARY_ROWS(double, double, double, x / y);
        DROP_ZERO_DIVISORS(double);
        break;
    default:
        BINARY_ROWS(double, double, double, fmod(x, y));
        DROP_ZERO_DIVISORS(double);
    }
}

/* + - * of decimals whose result keeps its natural scale and cannot overflow. */
#define DECIMAL_ROWS(A, B, Out, Unsigned)                                                                              \
    do {                                                                                                               \
        if (sign == '+')                                                                                               \
            BINARY_ROWS(A, B, Out, (Unsigned)x *(Unsigned)up_a + (Unsigned)y * (Unsigned)up_b);                        \
        else if (sign == '-')                                                                                          \
            BINARY_ROWS(A, B, Out, (Unsigned)x *(Unsigned)up_a - (Unsigned)y * (Unsigned)up_b);                        \
        else                                                                                                           \
            BINARY_ROWS(A, B, Out, (Unsigned)x *(Unsigned)y);                                                          \
    } while (0)

static void natural_decimals(char sign, EVALUATE_PARAMETERS)
{
    const DataType a = call->arg_types[0], b = call->arg_types[1];
    const Int128 up_a = sign == '*' ? 1 : DECIMAL_POWERS[call->type.scale - a.scale];
    const Int128 up_b = sign == '*' ? 1 : DECIMAL_POWERS[call->type.scale - b.scale];
    bool wide_a = type_is_wide_decimal(a), wide_b = type_is_wide_decimal(b);
    if (!type_is_wide_decimal(call->type))
        DECIMAL_ROWS(int64_t, int64_t, int64_t, uint64_t);
    else if (wide_a && wide_b)
        DECIMAL_ROWS(Int128, Int128, Int128, UInt128);
    else if (wide_a)
        DECIMAL_ROWS(Int128, int64_t, Int128, UInt128);
    else if (wide_b)
        DECIMAL_ROWS(int64_t, Int128, Int128, UInt128);
    else
        DECIMAL_ROWS(int64_t, int64_t, Int128, UInt128);
}

static void decimal_arithmetic(char sign, EVALUATE_PARAMETERS)
{
    if (sign != '/' && sign != '%' && call->type.precision < DECIMAL_MAX_PRECISION) {
        natural_decimals(sign, call, args, n, arena, result);
        return;
    }
    const uint8_t sa = args[0].type.scale, sb = args[1].type.scale;
    uint8_t *valid = mask_copy(arena, result->valid, n);
    for (uint32_t i = 0; i < n; i++) {
        Int128 a = decimal_at(&args[0], i), b = decimal_at(&args[1], i), value = 0;
        if (!valid[i]) {
            /* NULL: value stays 0 */
        } else if (sign == '+') {
            valid[i] = decimal_add(a, sa, b, sb, call->type, &value);
        } else if (sign == '-') {
            valid[i] = decimal_add(a, sa, (Int128) - (UInt128)b, sb, call->type, &value);
        } else if (sign == '*') {
            valid[i] = decimal_multiply(a, sa, b, sb, call->type, &value);
        } else if (sign == '/') {
            valid[i] = decimal_divide(a, sa, b, sb, call->type, &value);
        } else {
            valid[i] = decimal_remainder(a, sa, b, sb, call->type, &value);
        }
        decimal_put(result, i, value);
    }
    result->valid = mask_trim(valid, n);
}

static void date_plus_days(char sign, EVALUATE_PARAMETERS)
{
    /* date + int, int + date, date - int: all are 32-bit sums */
    if (sign == '+')
        BINARY_ROWS(int32_t, int32_t, int32_t, (uint32_t)x + (uint32_t)y);
    else
        BINARY_ROWS(int32_t, int32_t, int32_t, (uint32_t)x - (uint32_t)y);
}

void evaluate_arithmetic(EVALUATE_PARAMETERS)
{
    char sign = call->function->name[0] == 'm' ? '%' : call->function->name[0];
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, 2, n);
    switch (call->type.id) {
    case TYPE_INT:
        if (sign == '%')
            integer_remainder(call, args, n, arena, result);
        else
            WRAPPING(int32_t, int32_t, int32_t, uint32_t);
        break;
    case TYPE_BIGINT:
        if (sign == '%')
            integer_remainder(call, args, n, arena, result);
        else
            WRAPPING(int64_t, int64_t, int64_t, uint64_t);
        break;
    case TYPE_DECIMAL:
        decimal_arithmetic(sign, call, args, n, arena, result);
        break;
    case TYPE_DATE:
        date_plus_days(sign, call, args, n, arena, result);
        break;
    default:
        double_arithmetic(sign, call, args, n, arena, result);
    }
}

#define UNARY_ROWS(Type, expression)                                                                                   \
    do {                                                                                                               \
        const Type *restrict rows_in = args[0].data;                                                                   \
        Type *restrict rows_out = result->data;                                                                        \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            Type x = rows_in[i];                                                                                       \
            rows_out[i] = (Type)(expression);                                                                          \
        }                                                                                                              \
    } while (0)

void evaluate_negate(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    if (call->type.id == TYPE_INT)
        UNARY_ROWS(int32_t, 0 - (uint32_t)x);
    else if (call->type.id == TYPE_DOUBLE)
        UNARY_ROWS(double, -x);
    else if (type_is_wide_decimal(call->type))
        UNARY_ROWS(Int128, 0 - (UInt128)x);
    else
        UNARY_ROWS(int64_t, 0 - (uint64_t)x);
}

void evaluate_abs(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    if (call->type.id == TYPE_INT)
        UNARY_ROWS(int32_t, x < 0 ? 0 - (uint32_t)x : (uint32_t)x);
    else if (call->type.id == TYPE_DOUBLE)
        UNARY_ROWS(double, fabs(x));
    else if (type_is_wide_decimal(call->type))
        UNARY_ROWS(Int128, x < 0 ? 0 - (UInt128)x : (UInt128)x);
    else
        UNARY_ROWS(int64_t, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
}
