/* Making, flattening, gathering and slicing vectors.
 *
 * Gathers are written per width so that the compiler sees fixed-size moves; a gather of a DICT moves codes only. */
#include "columnar/vector.h"

/* 16 bytes that need no more than a StrView's alignment. */
typedef struct Wide16 {
    uint64_t words[2];
} Wide16;

Vector vector_new(Arena *arena, DataType type, uint32_t n, bool with_valid)
{
    Vector vector = {.type = type, .kind = VECTOR_FLAT, .n = n};
    vector.data = arena_alloc(arena, type_width(type) * n);
    bool always_null = type.id == TYPE_NULLTYPE;
    if (with_valid || always_null) {
        vector.valid = arena_alloc(arena, n ? n : 1);
        memset(vector.valid, !always_null, n);
    }
    if (always_null)
        memset(vector.data, 0, n);
    return vector;
}

Vector vector_const(Arena *arena, const Value *value, uint32_t n)
{
    size_t width = type_width(value->type);
    bool valid = value->valid && value->type.id != TYPE_NULLTYPE;
    Vector vector = {.type = value->type, .kind = VECTOR_CONST, .n = n};
    vector.data = arena_zalloc(arena, width < 16 ? 16 : width);
    if (valid)
        memcpy(vector.data, value->raw, width);
    else
        vector.valid = arena_zalloc(arena, 1);
    return vector;
}

#define GATHER(Type, index)                                                                                            \
    do {                                                                                                               \
        const Type *restrict gather_from = from;                                                                       \
        Type *restrict gather_to = to;                                                                                 \
        for (uint32_t i = 0; i < n; i++)                                                                               \
            gather_to[i] = gather_from[index];                                                                         \
    } while (0)

/* One gather for each width of value; `index` is an expression in i. */
#define GATHER_BY_WIDTH(width, index)                                                                                  \
    do {                                                                                                               \
        switch (width) {                                                                                               \
        case 1:                                                                                                        \
            GATHER(uint8_t, index);                                                                                    \
            break;                                                                                                     \
        case 2:                                                                                                        \
            GATHER(uint16_t, index);                                                                                   \
            break;                                                                                                     \
        case 4:                                                                                                        \
            GATHER(uint32_t, index);                                                                                   \
            break;                                                                                                     \
        case 8:                                                                                                        \
            GATHER(uint64_t, index);                                                                                   \
            break;                                                                                                     \
        default:                                                                                                       \
            GATHER(Wide16, index);                                                                                     \
        }                                                                                                              \
    } while (0)

static void gather_u8(void *to, const void *from, size_t width, const uint8_t *codes, uint32_t n)
{
    GATHER_BY_WIDTH(width, codes[i]);
}

static void gather_u16(void *to, const void *from, size_t width, const uint16_t *codes, uint32_t n)
{
    GATHER_BY_WIDTH(width, codes[i]);
}

static void gather_u32(void *to, const void *from, size_t width, const uint32_t *codes, uint32_t n)
{
    GATHER_BY_WIDTH(width, codes[i]);
}

static void repeat(void *to, const void *from, size_t width, uint32_t n)
{
    GATHER_BY_WIDTH(width, 0);
}

static void gather_codes(void *to, const void *from, size_t width, const Vector *codes)
{
    if (codes->code_width == 1)
        gather_u8(to, from, width, codes->data, codes->n);
    else if (codes->code_width == 2)
        gather_u16(to, from, width, codes->data, codes->n);
    else
        gather_u32(to, from, width, codes->data, codes->n);
}

Vector vector_flatten(Arena *arena, const Vector *source)
{
    if (source->kind == VECTOR_FLAT)
        return *source;
    const Vector *entries = vector_entries(source);
    size_t width = type_width(source->type);
    Vector flat = vector_new(arena, source->type, source->n, false);
    if (entries->valid && source->n && !flat.valid)
        flat.valid = arena_alloc(arena, source->n);
    if (source->kind == VECTOR_CONST) {
        repeat(flat.data, source->data, width, source->n);
        if (source->valid)
            memset(flat.valid, source->valid[0], source->n);
        return flat;
    }
    gather_codes(flat.data, entries->data, width, source);
    if (entries->valid)
        gather_codes(flat.valid, entries->valid, 1, source);
    return flat;
}

Vector vector_select(Arena *arena, const Vector *source, const uint32_t *selected, uint32_t n)
{
    Vector result = *source;
    result.n = n;
    if (source->kind == VECTOR_CONST)
        return result;
    size_t width = source->kind == VECTOR_DICT ? source->code_width : type_width(source->type);
    result.data = arena_alloc(arena, width * n);
    gather_u32(result.data, source->data, width, selected, n);
    if (source->kind == VECTOR_FLAT && source->valid) {
        result.valid = arena_alloc(arena, n);
        gather_u32(result.valid, source->valid, 1, selected, n);
    }
    return result;
}

Vector vector_copy(Arena *arena, const Vector *source)
{
    Vector copy = vector_flatten(arena, source);
    copy.data = arena_memdup(arena, copy.data, type_width(copy.type) * copy.n);
    if (copy.valid)
        copy.valid = (uint8_t *)arena_memdup(arena, copy.valid, copy.n);
    StrView *texts = copy.data;
    if (copy.type.id == TYPE_STRING || copy.type.id == TYPE_BINARY)
        for (uint32_t i = 0; i < copy.n; i++)
            texts[i] = copy.valid && !copy.valid[i] ? (StrView){"", 0} : arena_str(arena, texts[i]);
    return copy;
}

Vector vector_slice(const Vector *source, uint32_t first, uint32_t n)
{
    Vector result = *source;
    CHECK(first <= source->n && n <= source->n - first);
    result.n = n;
    if (source->kind == VECTOR_CONST)
        return result;
    size_t width = source->kind == VECTOR_DICT ? source->code_width : type_width(source->type);
    result.data = (char *)source->data + width * first;
    if (source->kind == VECTOR_FLAT && source->valid)
        result.valid = source->valid + first;
    return result;
}

Value vector_value(const Vector *vector, uint32_t row)
{
    Value value = {.type = vector->type, .valid = vector_is_valid(vector, row) && vector->type.id != TYPE_NULLTYPE};
    size_t width = type_width(vector->type);
    if (value.valid)
        memcpy(value.raw, (const char *)vector_entries(vector)->data + width * vector_position(vector, row), width);
    return value;
}

bool vector_may_have_nulls(const Vector *vector)
{
    return vector->type.id == TYPE_NULLTYPE || vector_entries(vector)->valid != NULL;
}
