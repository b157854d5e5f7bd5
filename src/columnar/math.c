/* round, floor, ceil and the functions of the mathematics library.
 *
 * round(x, d) of a double is half-up on the decimal value that the double is written as: round(1.005, 2) is 1.01 though
 * the double lies below.  Short way: with y = |x| * 10^d the decimal value times 10^d differs from y by less than
 * y * 2^-51, so unless y lies that near to a half, floor(y + 0.5) is the rounded value and, below 2^51, exact; dividing by
 * 10^d rounds once.  A value near a half goes through its shortest decimal. */
#include <math.h>

#include "columnar/decimal.h"
#include "columnar/families.h"
#include "columnar/kernel.h"
#include "columnar/number_text.h"

#define MAX_EXACT_DIGITS 22

static DataType rounded_decimal(DataType type, int digits)
{
    int whole = type.precision - type.scale + 1; /* rounding up may need one digit more */
    if (digits < 0)
        return decimal_type_bounded(whole > 1 - digits ? whole : 1 - digits, 0);
    int scale = digits < type.scale ? digits : type.scale;
    return decimal_type_bounded(whole + scale, scale);
}

Status bind_round(BIND_PARAMETERS)
{
    DataType type = given[0];
    if (type.id == TYPE_FLOAT || type.id == TYPE_STRING || type.id == TYPE_NULLTYPE)
        type = DATA_TYPE(DOUBLE);
    if (!type_is_numeric(type) || (n_args == 2 && !type_is_numeric(given[1]) && given[1].id != TYPE_NULLTYPE))
        return refuse_types(function, given, n_args, err);
    int64_t digits = 0;
    if (n_args == 2) {
        const Value *constant = constant_at(constants, 1);
        if (!constant || (constant->valid && given[1].id != TYPE_INT && given[1].id != TYPE_BIGINT))
            return error_set(err, STATUS_SQL, "the number of digits of 'round' must be a constant integer");
        if (constant->valid)
            digits = given[1].id == TYPE_INT ? constant->int32 : constant->int64;
        if (digits < -400 || digits > 400)
            return error_set(err, STATUS_SQL, "the number of digits of 'round' must be between -400 and 400");
        want[1] = DATA_TYPE(INT);
    }
    want[0] = type;
    *ret_type = type.id == TYPE_DECIMAL ? rounded_decimal(type, (int)digits) : type;
    return STATUS_OK;
}

/* The exact way: the shortest decimal of x, rounded at the digit. */
static double round_exactly(double x, int digits)
{
    ShortestDecimal shortest;
    if (!number_shortest(x, &shortest) || -shortest.exponent <= digits)
        return x == 0 ? 0 : x;
    int drop = -shortest.exponent - digits; /* > 0 */
    if (drop > 18)
        return 0;
    uint64_t power = (uint64_t)DECIMAL_POWERS_64[drop];
    uint64_t kept = shortest.digits / power, rest = shortest.digits % power;
    kept += rest >= power - rest;
    char text[NUMBER_TEXT_SIZE];
    size_t length = number_format_int64(text, (int64_t)kept);
    text[length++] = 'e';
    length += number_format_int64(text + length, -digits);
    double value = 0;
    if (!number_parse_double((StrView){text, (uint32_t)length}, &value))
        return x;
    return shortest.negative && value != 0 ? -value : value;
}

static void round_doubles(const Vector *source, int digits, uint32_t n, double *restrict out)
{
    const double *restrict in = source->data;
    if (digits < 0 || digits > MAX_EXACT_DIGITS) {
        for (uint32_t i = 0; i < n; i++)
            out[i] = row_is_valid(source, i) ? round_exactly(in[i], digits) : 0;
        return;
    }
    const double power = (double)DECIMAL_POWERS[digits];
    uint64_t unsure = 0;
    for (uint32_t i = 0; i < n; i++) {
        double scaled = fabs(in[i]) * power;
        double whole = floor(scaled + 0.5);
        double distance = fabs(scaled - floor(scaled) - 0.5);
        bool sure = (scaled < 0x1p51) & (distance > scaled * 0x1p-51);
        double rounded = whole / power;
        /* Java has no negative zero here */
        out[i] = whole == 0 ? 0 : copysign(rounded, in[i]);
        unsure += !sure;
    }
    for (uint32_t i = 0; unsure && i < n; i++) {
        double scaled = fabs(in[i]) * power;
        double distance = fabs(scaled - floor(scaled) - 0.5);
        if (!((scaled < 0x1p51) & (distance > scaled * 0x1p-51)))
            out[i] = row_is_valid(source, i) ? round_exactly(in[i], digits) : 0;
    }
}

/* Half up at 10^drop, then wrapped to 64 bits as Java's longValue. */
static int64_t round_integer(int64_t value, int drop)
{
    if (drop > 19)
        return 0;
    UInt128 size = value < 0 ? -(UInt128)(Int128)value : (UInt128)value;
    UInt128 power = (UInt128)DECIMAL_POWERS[drop];
    UInt128 kept = (size + power / 2) / power * power;
    return (int64_t)(uint64_t)(value < 0 ? -kept : kept);
}

static void round_decimals(const Vector *source, int digits, uint32_t n, Arena *arena, Vector *result)
{
    uint8_t *valid = mask_copy(arena, source->valid, n);
    const DataType to = result->type;
    const int drop = digits < 0 ? -digits : 0;
    /* round(x, -2) rounds at a scale of -2, then fills up with zeros. */
    for (uint32_t i = 0; i < n; i++) {
        Int128 value = 0;
        if (valid[i] && drop <= DECIMAL_MAX_PRECISION) {
            valid[i] = decimal_rescale(decimal_at(source, i), source->type.scale + drop, to, &value);
            if (valid[i] && drop)
                valid[i] = drop < to.precision ? decimal_rescale(value, -drop, to, &value) : value == 0;
        }
        decimal_put(result, i, value);
    }
    result->valid = mask_trim(valid, n);
}

void evaluate_round(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, call->n_args, n);
    if (n == 0)
        return;
    int digits = 0;
    if (call->n_args == 2)
        digits = row_is_valid(&args[1], 0) ? ((const int32_t *)args[1].data)[0] : 0;
    switch (call->type.id) {
    case TYPE_DOUBLE:
        round_doubles(&args[0], digits, n, result->data);
        break;
    case TYPE_DECIMAL: {
        Vector source = args[0];
        source.valid = result->valid;
        round_decimals(&source, digits, n, arena, result);
        break;
    }
    case TYPE_INT:
        for (uint32_t i = 0; i < n; i++) {
            int32_t x = ((const int32_t *)args[0].data)[i];
            ((int32_t *)result->data)[i] = digits >= 0 ? x : (int32_t)round_integer(x, -digits);
        }
        break;
    default:
        for (uint32_t i = 0; i < n; i++) {
            int64_t x = ((const int64_t *)args[0].data)[i];
            ((int64_t *)result->data)[i] = digits >= 0 ? x : round_integer(x, -digits);
        }
    }
}

/* floor, ceil: decimals stay decimals, all else becomes bigint; abs shares the argument rule. */
Status bind_floor(BIND_PARAMETERS)
{
    DataType type = given[0];
    if (type.id == TYPE_FLOAT || type.id == TYPE_STRING || type.id == TYPE_NULLTYPE)
        type = DATA_TYPE(DOUBLE);
    if (!type_is_numeric(type))
        return refuse_types(function, given, n_args, err);
    if (type.id == TYPE_INT)
        type = DATA_TYPE(BIGINT);
    want[0] = type;
    *ret_type = DATA_TYPE(BIGINT);
    if (type.id == TYPE_DECIMAL)
        *ret_type = type.scale == 0 ? type : decimal_type_bounded(type.precision - type.scale + 1, 0);
    return STATUS_OK;
}

static int64_t to_bigint(double x)
{
    if (x != x)
        return 0;
    return x <= -0x1p63 ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

void evaluate_floor(EVALUATE_PARAMETERS)
{
    bool up = call->function->name[0] == 'c';
    if (args[0].type.id == TYPE_BIGINT || (args[0].type.id == TYPE_DECIMAL && args[0].type.scale == 0)) {
        *result = args[0];
        return;
    }
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    if (args[0].type.id == TYPE_DOUBLE) {
        const double *restrict in = args[0].data;
        int64_t *restrict out = result->data;
        for (uint32_t i = 0; i < n; i++)
            out[i] = to_bigint(up ? ceil(in[i]) : floor(in[i]));
        return;
    }
    Int128 power = DECIMAL_POWERS[args[0].type.scale];
    for (uint32_t i = 0; i < n; i++) {
        Int128 value = decimal_at(&args[0], i);
        Int128 whole = value / power, rest = value % power;
        decimal_put(result, i, whole + (up ? rest > 0 : -(rest < 0)));
    }
}

#define MATH_ROWS(expression)                                                                                          \
    do {                                                                                                               \
        const double *restrict in = args[0].data;                                                                      \
        double *restrict out = result->data;                                                                           \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            double x = in[i];                                                                                          \
            out[i] = (expression);                                                                                     \
        }                                                                                                              \
    } while (0)

/* sqrt, exp, ln, log10: the logarithm of what is not positive is NULL. */
void evaluate_unary_math(EVALUATE_PARAMETERS)
{
    const char *name = call->function->name;
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    if (name[0] == 's') {
        MATH_ROWS(sqrt(x));
        return;
    }
    if (name[0] == 'e') {
        MATH_ROWS(exp(x));
        return;
    }
    if (strcmp(name, "ln") == 0)
        MATH_ROWS(log(x));
    else
        MATH_ROWS(log10(x));
    uint8_t *valid = mask_copy(arena, args[0].valid, n);
    const double *numbers = args[0].data;
    for (uint32_t i = 0; i < n; i++)
        valid[i] &= !(numbers[i] <= 0);
    result->valid = mask_trim(valid, n);
}

/* Java's pow differs from C's in one place: 1 or -1 to an infinite or NaN power is NaN. */
static double java_power(double x, double y)
{
    if (isnan(y) || (isinf(y) && fabs(x) == 1))
        return (double)NAN;
    return pow(x, y);
}

void evaluate_power(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, 2, n);
    const double *powers = args[1].data;
    MATH_ROWS(java_power(x, powers[i]));
}
