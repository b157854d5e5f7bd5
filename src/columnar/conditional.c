/* CASE, if, coalesce, nvl, nullif, greatest, least, and CAST as a function.
 *
 * All branches are evaluated for all rows (no kernel can fail), then blended from the last branch to the first, so that
 * the first that applies stands at the end. */
#include "columnar/coerce.h"
#include "columnar/families.h"
#include "columnar/kernel.h"

typedef struct Wide16 {
    uint64_t words[2];
} Wide16;

#define BLEND(Type)                                                                                                    \
    do {                                                                                                               \
        Type *restrict to = into->data;                                                                                \
        const Type *restrict in = from->data;                                                                          \
        for (uint32_t i = 0; i < n; i++)                                                                               \
            to[i] = chosen[i] ? in[i] : to[i];                                                                         \
    } while (0)

void blend(Vector *into, const uint8_t *restrict chosen, const Vector *from, uint32_t n)
{
    switch (type_width(into->type)) {
    case 1:
        BLEND(uint8_t);
        break;
    case 4:
        BLEND(uint32_t);
        break;
    case 8:
        BLEND(uint64_t);
        break;
    default:
        BLEND(Wide16);
    }
    uint8_t *restrict valid = into->valid;
    const uint8_t *restrict from_valid = from->valid;
    for (uint32_t i = 0; valid && from_valid && i < n; i++)
        valid[i] = chosen[i] ? from_valid[i] : valid[i];
    for (uint32_t i = 0; valid && !from_valid && i < n; i++)
        valid[i] |= chosen[i];
}

/* An own copy of a vector, with an own mask where asked for. */
static Vector own_copy(Arena *arena, const Vector *source, uint32_t n, bool with_mask)
{
    Vector copy = vector_new(arena, source->type, n, false);
    if (n)
        memcpy(copy.data, source->data, type_width(source->type) * n);
    copy.valid = with_mask ? mask_copy(arena, source->valid, n) : NULL;
    return copy;
}

/* arguments first, first + step, ... to one common type */
static Status bind_common(BIND_PARAMETERS, uint32_t first, uint32_t step, bool promote_strings)
{
    DataType types[FUNCTION_MAX_ARGS];
    uint32_t n = 0;
    types[0] = DATA_TYPE(NULLTYPE);
    CHECK(n_args <= FUNCTION_MAX_ARGS);
    for (uint32_t i = first; i < n_args; i += step)
        types[n++] = given[i];
    if (step == 2 && n_args % 2 == 1)
        types[n++] = given[n_args - 1]; /* ELSE */
    DataType common;
    if (!type_common_of(types, n, promote_strings, &common)) {
        refuse_types(function, types, n, err);
        return error_hint(err, "CAST the values to one type");
    }
    for (uint32_t i = first; i < n_args; i += step)
        want[i] = common;
    if (step == 2 && n_args % 2 == 1)
        want[n_args - 1] = common;
    *ret_type = common;
    return STATUS_OK;
}

Status bind_coalesce(BIND_PARAMETERS)
{
    return bind_common(function, given, constants, n_args, want, ret_type, err, 0, 1, true);
}

Status bind_extreme(BIND_PARAMETERS)
{
    return bind_common(function, given, constants, n_args, want, ret_type, err, 0, 1, false);
}

Status bind_case(BIND_PARAMETERS)
{
    for (uint32_t i = 0; i + 1 < n_args; i += 2) {
        if (given[i].id != TYPE_BOOLEAN && given[i].id != TYPE_NULLTYPE)
            return error_set(err, STATUS_SQL, "condition %u of '%s' is not boolean", i / 2 + 1, function->name);
        want[i] = DATA_TYPE(BOOLEAN);
    }
    return bind_common(function, given, constants, n_args, want, ret_type, err, 1, 2, true);
}

void evaluate_case(EVALUATE_PARAMETERS)
{
    uint32_t branches = call->n_args / 2;
    const Vector *otherwise = call->n_args % 2 == 1 ? &args[call->n_args - 1] : NULL;
    bool nulls = !otherwise || otherwise->valid;
    for (uint32_t a = 1; a < call->n_args; a += 2)
        nulls = nulls || args[a].valid;
    *result = otherwise ? own_copy(arena, otherwise, n, nulls) : vector_of_nulls(arena, call->type, n);
    uint8_t *chosen = arena_alloc(arena, n);
    for (uint32_t branch = branches; branch-- > 0;) {
        const Vector *condition = &args[2 * branch];
        const uint8_t *restrict is_true = condition->data;
        for (uint32_t i = 0; i < n; i++)
            chosen[i] = is_true[i];
        for (uint32_t i = 0; condition->valid && i < n; i++)
            chosen[i] &= condition->valid[i];
        blend(result, chosen, &args[2 * branch + 1], n);
    }
    result->valid = mask_trim(result->valid, n);
}

void evaluate_coalesce(EVALUATE_PARAMETERS)
{
    uint32_t last = 0;
    while (last + 1 < call->n_args && args[last].valid)
        last++;
    if (last == 0) {
        *result = args[0];
        return;
    }
    *result = own_copy(arena, &args[last], n, args[last].valid != NULL);
    for (uint32_t a = last; a-- > 0;)
        blend(result, args[a].valid, &args[a], n);
    result->valid = mask_trim(result->valid, n);
}

Status bind_nullif(BIND_PARAMETERS)
{
    DataType common;
    if (!type_for_comparison(given, constants, true, &common))
        return refuse_types(function, given, n_args, err);
    want[0] = given[0].id == TYPE_NULLTYPE ? common : given[0];
    want[1] = common;
    *ret_type = want[0];
    return STATUS_OK;
}

void evaluate_nullif(EVALUATE_PARAMETERS)
{
    Vector compared = args[0];
    if (!type_equal(args[0].type, args[1].type))
        cast_vector(&args[0], args[1].type, arena, &compared);
    uint8_t *restrict equal = arena_alloc(arena, n);
    compare_equal(&compared, &args[1], n, equal);
    *result = args[0];
    uint8_t *restrict valid = mask_copy(arena, args[0].valid, n);
    for (uint32_t i = 0; i < n; i++)
        valid[i] &= !(equal[i] & row_is_valid(&compared, i) & row_is_valid(&args[1], i));
    result->valid = mask_trim(valid, n);
}

void evaluate_extreme(EVALUATE_PARAMETERS)
{
    bool greatest = call->function->name[0] == 'g';
    *result = own_copy(arena, &args[0], n, true);
    uint8_t *restrict chosen = arena_alloc(arena, n);
    for (uint32_t a = 1; a < call->n_args; a++) {
        compare_less(greatest ? result : &args[a], greatest ? &args[a] : result, n, chosen);
        for (uint32_t i = 0; i < n; i++)
            chosen[i] = row_is_valid(&args[a], i) & (chosen[i] | !result->valid[i]);
        blend(result, chosen, &args[a], n);
    }
    result->valid = mask_trim(result->valid, n);
}

Status bind_cast(BIND_PARAMETERS)
{
    want[0] = given[0];
    if (cast_allowed(given[0], *ret_type))
        return STATUS_OK;
    char from[32], to[32];
    return error_set(err, STATUS_SQL, "cannot cast %s to %s", type_name(given[0], from, sizeof from),
                     type_name(*ret_type, to, sizeof to));
}

void evaluate_cast(EVALUATE_PARAMETERS)
{
    cast_vector(&args[0], call->type, arena, result);
}
