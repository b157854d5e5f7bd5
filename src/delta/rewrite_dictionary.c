/* A dictionary for the numbers of one column of one row group, as ingestion gives them one: queries group by its codes, and
 * few different numbers take little room.  Texts need none here, the writer makes theirs. */
#include <stdlib.h>

#include "delta/rewrite.h"

#define MOST_ENTRIES 65536u
#define SLOTS (4 * MOST_ENTRIES)

typedef struct Builder {
    const Vector *values;
    size_t width;
    uint32_t *slots;  /* code + 1 of the value whose bits hash here; 0: free */
    uint64_t *bits;   /* of each code */
    uint32_t *sorted; /* codes by value */
    uint32_t *codes;  /* of each row */
    uint32_t n;
    bool has_nulls;
} Builder;

static uint64_t bits_at(const Builder *builder, uint32_t row)
{
    uint64_t bits = 0;
    memcpy(&bits, (const uint8_t *)builder->values->data + row * builder->width, builder->width);
    return bits;
}

/* NaN and a negative zero have no place of their own in a sorted dictionary. */
static bool is_orderable(DataType type, uint64_t bits)
{
    if (type.id == TYPE_DOUBLE) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value == value && bits != (uint64_t)1 << 63;
    }
    if (type.id == TYPE_FLOAT) {
        float value;
        memcpy(&value, &bits, sizeof value);
        return value == value && bits != (uint64_t)1 << 31;
    }
    return true;
}

static bool find_codes(Builder *builder)
{
    const Vector *values = builder->values;
    for (uint32_t r = 0; r < values->n; r++) {
        if (values->valid && !values->valid[r]) {
            builder->has_nulls = true;
            builder->codes[r] = UINT32_MAX;
            continue;
        }
        uint64_t bits = bits_at(builder, r);
        uint32_t slot = (uint32_t)((bits * 0x9e3779b97f4a7c15u) >> 46) % SLOTS;
        while (builder->slots[slot] && builder->bits[builder->slots[slot] - 1] != bits)
            slot = (slot + 1) % SLOTS;
        if (!builder->slots[slot]) {
            if (builder->n == MOST_ENTRIES - 1 || !is_orderable(values->type, bits))
                return false;
            builder->bits[builder->n++] = bits;
            builder->slots[slot] = builder->n;
        }
        builder->codes[r] = builder->slots[slot] - 1;
    }
    return true;
}

static int compare_codes(const void *a, const void *b, void *context)
{
    const Builder *builder = context;
    const uint64_t *x = &builder->bits[*(const uint32_t *)a], *y = &builder->bits[*(const uint32_t *)b];
    int64_t p = rewrite_sort_key(builder->values->type, x, true), q = rewrite_sort_key(builder->values->type, y, true);
    return (p > q) - (p < q);
}

static void write_entries(Builder *builder, Arena *arena, Vector *dictionary)
{
    uint32_t n = builder->n + builder->has_nulls;
    *dictionary = vector_new(arena, builder->values->type, n, builder->has_nulls);
    memset(dictionary->data, 0, n * builder->width);
    for (uint32_t i = 0; i < builder->n; i++)
        memcpy((uint8_t *)dictionary->data + i * builder->width, &builder->bits[builder->sorted[i]], builder->width);
    if (builder->has_nulls)
        dictionary->valid[builder->n] = 0;
}

static void write_codes(Builder *builder, const Vector *dictionary, Arena *arena, Vector *coded)
{
    uint32_t *ranks = arena_alloc(arena, sizeof(uint32_t) * (builder->n + 1));
    for (uint32_t i = 0; i < builder->n; i++)
        ranks[builder->sorted[i]] = i;
    uint32_t n = builder->values->n;
    uint8_t code_width = dictionary->n <= 256 ? 1 : 2;
    uint8_t *codes = arena_alloc(arena, (size_t)n * code_width);
    for (uint32_t r = 0; r < n; r++) {
        uint32_t code = builder->codes[r] == UINT32_MAX ? builder->n : ranks[builder->codes[r]];
        if (code_width == 1)
            codes[r] = (uint8_t)code;
        else
            ((uint16_t *)(void *)codes)[r] = (uint16_t)code;
    }
    *coded = (Vector){.type = builder->values->type,
                      .kind = VECTOR_DICT,
                      .code_width = code_width,
                      .n = n,
                      .data = codes,
                      .dict = dictionary};
}

static bool pays(const Builder *builder)
{
    uint64_t bits = 1;
    while (((uint64_t)1 << bits) < builder->n + builder->has_nulls)
        bits++;
    uint64_t plain = builder->values->n * builder->width, n = builder->n;
    return builder->n > 0 && (builder->values->n * bits / 8 + n * builder->width) * 10 < plain * 9;
}

bool rewrite_dictionary(const Vector *values, Arena *arena, Vector *dictionary, Vector *ret_coded)
{
    DataType type = values->type;
    if (!rewrite_can_sort(type) || type.id == TYPE_BOOLEAN || values->n == 0)
        return false;
    Builder builder = {.values = values, .width = type_width(type)};
    builder.slots = mem_zalloc(sizeof(uint32_t) * SLOTS);
    builder.bits = mem_alloc(sizeof(uint64_t) * MOST_ENTRIES);
    builder.codes = mem_alloc(sizeof(uint32_t) * values->n);
    bool good = find_codes(&builder) && pays(&builder);
    if (good) {
        builder.sorted = mem_alloc(sizeof(uint32_t) * (builder.n + 1));
        for (uint32_t i = 0; i < builder.n; i++)
            builder.sorted[i] = i;
        qsort_r(builder.sorted, builder.n, sizeof(uint32_t), compare_codes, &builder);
        write_entries(&builder, arena, dictionary);
        write_codes(&builder, dictionary, arena, ret_coded);
    }
    mem_free(builder.slots);
    mem_free(builder.bits);
    mem_free(builder.codes);
    mem_free(builder.sorted);
    return good;
}
