#include "exec/sort_key.h"

#include <math.h>

#define SIGN_BIT ((uint64_t)1 << 63)

bool sort_key_is_exact(DataType type)
{
    return type.id == TYPE_DOUBLE || type.id == TYPE_INT || type.id == TYPE_DATE;
}

static inline uint64_t encode_double(double value)
{
    if (UNLIKELY(isnan(value)))
        value = NAN;
    value += 0.0; /* -0 becomes +0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((uint64_t)((int64_t)bits >> 63) | SIGN_BIT);
}

static inline double decode_double(uint64_t key)
{
    uint64_t bits = key & SIGN_BIT ? key ^ SIGN_BIT : ~key;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t encode_string(StrView text)
{
    uint64_t key = 0;
    for (uint32_t i = 0; i < 8; i++)
        key = key << 8 | (i < text.size ? (uint8_t)text.data[i] : 0);
    return key;
}

#define ENCODE_EACH(expression)                                                                                        \
    for (uint32_t i = 0; i < n; i++)                                                                                   \
    ret_keys[i] = (expression)

void sort_key_encode(const Vector *flat, bool descending, bool nulls_first, uint32_t n, uint64_t *ret_keys)
{
    const void *data = flat->data;
    switch (type_is_wide_decimal(flat->type) ? TYPE_COUNT : flat->type.id) {
    case TYPE_BOOLEAN:
        ENCODE_EACH(((const uint8_t *)data)[i] + (uint64_t)1);
        break;
    case TYPE_INT:
    case TYPE_DATE:
        ENCODE_EACH((uint64_t)((int64_t)((const int32_t *)data)[i] + ((int64_t)1 << 32)));
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_DECIMAL:
        ENCODE_EACH((uint64_t)((const int64_t *)data)[i] ^ SIGN_BIT);
        break;
    case TYPE_FLOAT:
        ENCODE_EACH(encode_double((double)((const float *)data)[i]));
        break;
    case TYPE_DOUBLE:
        ENCODE_EACH(encode_double(((const double *)data)[i]));
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        for (uint32_t i = 0; i < n; i++)
            ret_keys[i] = !flat->valid || flat->valid[i] ? encode_string(((const StrView *)data)[i]) : 0;
        break;
    case TYPE_COUNT:
        ENCODE_EACH((uint64_t)(((const Int128 *)data)[i] >> 64) ^ SIGN_BIT);
        break;
    default:
        ENCODE_EACH(1);
    }
    uint64_t flip = descending ? UINT64_MAX : 0;
    uint64_t null_key = nulls_first ? 0 : UINT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = ret_keys[i] ^ flip;
        key += key == 0;
        key -= key == UINT64_MAX;
        ret_keys[i] = key;
    }
    for (uint32_t i = 0; flat->valid && i < n; i++)
        ret_keys[i] = flat->valid[i] ? ret_keys[i] : null_key;
}

Vector sort_key_decode(const uint64_t *keys, size_t step, uint32_t n, DataType type, bool descending, bool nulls_first,
                       Arena *arena)
{
    uint64_t flip = descending ? UINT64_MAX : 0;
    uint64_t null_key = nulls_first ? 0 : UINT64_MAX;
    Vector vector = vector_new(arena, type, n, false);
    if (type.id == TYPE_DOUBLE)
        for (uint32_t i = 0; i < n; i++)
            ((double *)vector.data)[i] = decode_double(keys[i * step] ^ flip);
    else
        for (uint32_t i = 0; i < n; i++)
            ((int32_t *)vector.data)[i] = (int32_t)((int64_t)(keys[i * step] ^ flip) - ((int64_t)1 << 32));
    bool any_null = false; /* keys are sorted: NULLs stand at one end */
    if (n)
        any_null = keys[0] == null_key || keys[(n - 1) * step] == null_key;
    if (any_null) {
        vector.valid = arena_alloc(arena, n);
        for (uint32_t i = 0; i < n; i++)
            vector.valid[i] = keys[i * step] != null_key;
    }
    return vector;
}
