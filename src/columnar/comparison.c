/* = <> < <= > >=, IS [NOT] DISTINCT FROM, IN.
 *
 * Everything is made of two loops a type, equal and less, that look at values only; masks are combined apart.  IN with a
 * long list of constants looks rows up in a hash set of the constants' bytes. */
#include <math.h>
#include <xxhash.h>

#include "columnar/coerce.h"
#include "columnar/families.h"
#include "columnar/kernel.h"

#define IN_SET_LEAST 12 /* from this many constants on, a lookup beats comparing with each */

Status bind_comparison(BIND_PARAMETERS)
{
    bool ordered = function->name[0] == '>' || (function->name[0] == '<' && function->name[1] != '>');
    DataType common;
    if (!type_for_comparison(given, constants, !ordered, &common)) {
        refuse_types(function, given, n_args, err);
        return error_hint(err, "CAST one side to the type of the other");
    }
    want[0] = want[1] = common;
    *ret_type = DATA_TYPE(BOOLEAN);
    return STATUS_OK;
}

#define COMPARE_ROWS(Type, expression)                                                                                 \
    do {                                                                                                               \
        const Type *restrict rows_a = a->data;                                                                         \
        const Type *restrict rows_b = b->data;                                                                         \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            Type x = rows_a[i], y = rows_b[i];                                                                         \
            out[i] = (uint8_t)(expression);                                                                            \
        }                                                                                                              \
    } while (0)

#define COMPARE_STRINGS(expression)                                                                                    \
    do {                                                                                                               \
        const StrView *rows_a = a->data, *rows_b = b->data;                                                            \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            StrView x = rows_a[i], y = rows_b[i];                                                                      \
            out[i] = row_is_valid(a, i) && row_is_valid(b, i) && (expression);                                         \
        }                                                                                                              \
    } while (0)

void compare_equal(const Vector *a, const Vector *b, uint32_t n, uint8_t *restrict out)
{
    switch (type_width(a->type)) {
    case 1:
        COMPARE_ROWS(uint8_t, x == y);
        break;
    case 4:
        if (a->type.id == TYPE_FLOAT)
            COMPARE_ROWS(float, (x == y) | ((x != x) & (y != y)));
        else
            COMPARE_ROWS(int32_t, x == y);
        break;
    case 8:
        if (a->type.id == TYPE_DOUBLE)
            COMPARE_ROWS(double, (x == y) | ((x != x) & (y != y)));
        else
            COMPARE_ROWS(int64_t, x == y);
        break;
    default:
        if (a->type.id == TYPE_DECIMAL)
            COMPARE_ROWS(Int128, x == y);
        else
            COMPARE_STRINGS(str_equal(x, y));
    }
}

void compare_less(const Vector *a, const Vector *b, uint32_t n, uint8_t *restrict out)
{
    switch (type_width(a->type)) {
    case 1:
        COMPARE_ROWS(uint8_t, x < y);
        break;
    case 4:
        if (a->type.id == TYPE_FLOAT)
            COMPARE_ROWS(float, (x < y) | ((x == x) & (y != y)));
        else
            COMPARE_ROWS(int32_t, x < y);
        break;
    case 8:
        if (a->type.id == TYPE_DOUBLE)
            COMPARE_ROWS(double, (x < y) | ((x == x) & (y != y)));
        else
            COMPARE_ROWS(int64_t, x < y);
        break;
    default:
        if (a->type.id == TYPE_DECIMAL)
            COMPARE_ROWS(Int128, x < y);
        else
            COMPARE_STRINGS(str_compare(x, y) < 0);
    }
}

static void flip(uint8_t *restrict values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        values[i] ^= 1;
}

void evaluate_comparison(EVALUATE_PARAMETERS)
{
    const char *name = call->function->name;
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, 2, n);
    uint8_t *out = result->data;
    if (name[0] == '=') {
        compare_equal(&args[0], &args[1], n, out);
    } else if (name[0] == '<' && name[1] == '>') {
        compare_equal(&args[0], &args[1], n, out);
        flip(out, n);
    } else if (name[0] == '<') {
        compare_less(&args[name[1] == '='], &args[name[1] != '='], n, out); /* a <= b is not b < a */
    } else {
        compare_less(&args[name[1] != '='], &args[name[1] == '='], n, out);
    }
    if ((name[0] == '<' || name[0] == '>') && name[1] == '=')
        flip(out, n);
}

void evaluate_distinct(EVALUATE_PARAMETERS)
{
    bool negated = call->function->name[3] == 'n'; /* is_not_distinct_from */
    *result = vector_new(arena, call->type, n, false);
    uint8_t *out = result->data;
    compare_equal(&args[0], &args[1], n, out);
    for (uint32_t i = 0; i < n && (args[0].valid || args[1].valid); i++) {
        bool a = row_is_valid(&args[0], i), b = row_is_valid(&args[1], i);
        out[i] = a == b && (!a || out[i]);
    }
    if (!negated)
        flip(out, n);
}

Status bind_in(BIND_PARAMETERS)
{
    DataType common;
    if (!type_common_of(given, n_args, true, &common)) {
        refuse_types(function, given, n_args, err);
        return error_hint(err, "all values of IN must have one common type");
    }
    if (common.id == TYPE_NULLTYPE)
        common = DATA_TYPE(BOOLEAN);
    for (uint32_t i = 0; i < n_args; i++)
        want[i] = common;
    *ret_type = DATA_TYPE(BOOLEAN);
    return STATUS_OK;
}

/* Open addressing over the constants' argument numbers; 0 is a free place (argument 0 is the value looked for). */
typedef struct ConstantSet {
    const Vector *args;
    uint32_t *slots;
    uint32_t mask;
    size_t width; /* of a fixed-width value; 0: strings */
} ConstantSet;

/* The bytes that stand for a value: equal values have equal bytes. */
static StrView set_key(const ConstantSet *set, const Vector *vector, uint32_t row, double *number)
{
    if (set->width == 0)
        return ((const StrView *)vector->data)[row];
    if (vector->type.id != TYPE_DOUBLE)
        return (StrView){(const char *)vector->data + set->width * row, (uint32_t)set->width};
    double value = ((const double *)vector->data)[row];
    *number = isnan(value) ? (double)NAN : value == 0 ? 0.0 : value;
    return (StrView){(const char *)number, sizeof *number};
}

static bool set_find(const ConstantSet *set, StrView key, uint32_t *ret_slot)
{
    uint32_t slot = (uint32_t)XXH3_64bits(key.data, key.size) & set->mask;
    for (; set->slots[slot] != 0; slot = (slot + 1) & set->mask) {
        double number;
        if (str_equal(key, set_key(set, &set->args[set->slots[slot]], 0, &number))) {
            *ret_slot = slot;
            return true;
        }
    }
    *ret_slot = slot;
    return false;
}

static void in_set(const FunctionCall *call, const Vector *args, uint32_t n, Arena *arena, uint8_t *out)
{
    DataType type = args[0].type;
    ConstantSet set = {.args = args, .mask = 15};
    set.width = type.id == TYPE_STRING || type.id == TYPE_BINARY ? 0 : type_width(type);
    while (set.mask < call->n_args * 2)
        set.mask = set.mask * 2 + 1;
    set.slots = ARENA_ARRAY(arena, uint32_t, set.mask + 1);
    double number;
    uint32_t slot;
    for (uint32_t a = 1; a < call->n_args; a++)
        if (row_is_valid(&args[a], 0) && !set_find(&set, set_key(&set, &args[a], 0, &number), &slot))
            set.slots[slot] = a;
    for (uint32_t i = 0; i < n; i++)
        out[i] = row_is_valid(&args[0], i) && set_find(&set, set_key(&set, &args[0], i, &number), &slot);
}

static void in_each(const FunctionCall *call, const Vector *args, uint32_t n, Arena *arena, uint8_t *restrict out)
{
    uint8_t *restrict equal = arena_alloc(arena, n);
    memset(out, 0, n);
    for (uint32_t a = 1; a < call->n_args; a++) {
        compare_equal(&args[0], &args[a], n, equal);
        const uint8_t *valid = args[a].valid;
        for (uint32_t i = 0; i < n; i++)
            out[i] |= equal[i] & (valid ? valid[i] : 1);
    }
}

void evaluate_in(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    uint8_t *out = result->data;
    bool constants = call->constants != NULL;
    for (uint32_t a = 1; a < call->n_args && constants; a++)
        constants = constant_at(call->constants, a) != NULL;
    if (n == 0)
        return;
    if (constants && call->n_args > IN_SET_LEAST)
        in_set(call, args, n, arena, out);
    else
        in_each(call, args, n, arena, out);
    for (uint32_t a = 1; a < call->n_args; a++) {
        if (!args[a].valid)
            continue;
        if (result->valid == args[0].valid)
            result->valid = mask_copy(arena, args[0].valid, n);
        for (uint32_t i = 0; i < n; i++)
            result->valid[i] &= args[a].valid[i] | out[i]; /* not found, but a NULL might have been it */
    }
}
