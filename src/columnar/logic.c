/* AND, OR, NOT and the IS tests, in three-valued logic. */
#include "columnar/coerce.h"
#include "columnar/families.h"
#include "columnar/kernel.h"

/* AND: false wins over NULL, which wins over true; OR: true wins. */
static void combine(Arena *arena, Vector *into, const Vector *other, uint32_t n, bool is_and)
{
    uint8_t *restrict a = into->data;
    const uint8_t *restrict b = other->data;
    const uint8_t winner = !is_and;
    if (into->valid || other->valid) {
        uint8_t *restrict valid = mask_copy(arena, into->valid, n);
        const uint8_t *other_valid = other->valid ? other->valid : mask_copy(arena, NULL, n);
        for (uint32_t i = 0; i < n; i++) {
            uint8_t wins = (uint8_t)((valid[i] & (a[i] == winner)) | (other_valid[i] & (b[i] == winner)));
            valid[i] = (valid[i] & other_valid[i]) | wins;
            a[i] = wins ? winner : !winner;
        }
        into->valid = valid;
    } else if (is_and) {
        for (uint32_t i = 0; i < n; i++)
            a[i] &= b[i];
    } else {
        for (uint32_t i = 0; i < n; i++)
            a[i] |= b[i];
    }
}

void evaluate_and_or(EVALUATE_PARAMETERS)
{
    bool is_and = call->function->name[0] == 'a';
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    memcpy(result->data, args[0].data, n);
    for (uint32_t a = 1; a < call->n_args; a++)
        combine(arena, result, &args[a], n, is_and);
    result->valid = mask_trim(result->valid, n);
}

void evaluate_not(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    const uint8_t *restrict in = args[0].data;
    uint8_t *restrict out = result->data;
    for (uint32_t i = 0; i < n; i++)
        out[i] = in[i] ^ 1;
}

Status bind_is_null(BIND_PARAMETERS)
{
    want[0] = given[0];
    *ret_type = DATA_TYPE(BOOLEAN);
    return STATUS_OK;
}

void evaluate_is_null(EVALUATE_PARAMETERS)
{
    uint8_t wanted = call->function->name[3] == 'n' && call->function->name[4] == 'o'; /* is_not_null: 1 where valid */
    *result = vector_new(arena, call->type, n, false);
    uint8_t *restrict out = result->data;
    const uint8_t *restrict valid = args[0].valid;
    if (!valid)
        memset(out, wanted, n);
    for (uint32_t i = 0; valid && i < n; i++)
        out[i] = valid[i] == wanted;
}

/* is_true, is_not_true, is_false, is_not_false: NULL is neither true nor false. */
void evaluate_is_true(EVALUATE_PARAMETERS)
{
    const char *name = call->function->name;
    uint8_t negated = strncmp(name, "is_not_", 7) == 0;
    uint8_t wanted = strcmp(name + strlen(name) - 4, "true") == 0;
    *result = vector_new(arena, call->type, n, false);
    const uint8_t *restrict in = args[0].data;
    uint8_t *restrict out = result->data;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (in[i] == wanted) ^ negated;
    for (uint32_t i = 0; args[0].valid && i < n; i++)
        out[i] = args[0].valid[i] ? out[i] : negated;
}
