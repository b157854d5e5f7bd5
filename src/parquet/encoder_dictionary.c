/* DictionaryBuilder: open addressing over the codes given so far.
 *
 * A slot holds code + 1 and the upper half of the hash, so that most unequal values are told apart without touching the
 * entry.  The dictionary is full at ENCODER_DICTIONARY_BYTES of PLAIN entries, or when a value needs more than MAX_PROBES
 * steps: values chosen to collide then cost a column its dictionary, not the program its time. */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "parquet/encoder.h"

#define FIRST_SLOTS 1024
#define MAX_PROBES 128

typedef struct Slot {
    uint32_t code; /* + 1; 0: empty */
    uint32_t hash;
} Slot;

struct DictionaryBuilder {
    DataType type;
    uint32_t width;       /* of a value in memory */
    uint32_t plain_width; /* 0: texts */
    uint32_t n;
    uint32_t capacity;
    uint8_t *values;
    size_t bytes;
    Slot *slots;
    uint32_t slot_mask;
    Arena arena; /* the bytes of texts */
};

DictionaryBuilder *dictionary_new(DataType type)
{
    DictionaryBuilder *dictionary = mem_zalloc(sizeof *dictionary);
    dictionary->type = type;
    dictionary->width = (uint32_t)type_width(type);
    dictionary->plain_width = encoder_plain_width(type);
    dictionary->slots = mem_zalloc(sizeof(Slot) * FIRST_SLOTS);
    dictionary->slot_mask = FIRST_SLOTS - 1;
    arena_init(&dictionary->arena);
    return dictionary;
}

void dictionary_free(DictionaryBuilder *dictionary)
{
    if (!dictionary)
        return;
    arena_done(&dictionary->arena);
    mem_free(dictionary->slots);
    mem_free(dictionary->values);
    mem_free(dictionary);
}

void dictionary_reset(DictionaryBuilder *dictionary)
{
    dictionary->n = 0;
    dictionary->bytes = 0;
    memset(dictionary->slots, 0, sizeof(Slot) * ((size_t)dictionary->slot_mask + 1));
    arena_reset(&dictionary->arena);
}

uint32_t dictionary_size(const DictionaryBuilder *dictionary)
{
    return dictionary->n;
}

size_t dictionary_bytes(const DictionaryBuilder *dictionary)
{
    return dictionary->bytes;
}

const void *dictionary_values(const DictionaryBuilder *dictionary)
{
    return dictionary->values;
}

static void grow_slots(DictionaryBuilder *dictionary)
{
    uint32_t old_n = dictionary->slot_mask + 1, mask = old_n * 2 - 1;
    Slot *old = dictionary->slots;
    Slot *slots = mem_zalloc(sizeof(Slot) * (size_t)old_n * 2);
    for (uint32_t i = 0; i < old_n; i++) {
        if (!old[i].code)
            continue;
        uint32_t at = old[i].hash & mask;
        while (slots[at].code)
            at = (at + 1) & mask;
        slots[at] = old[i];
    }
    mem_free(old);
    dictionary->slots = slots;
    dictionary->slot_mask = mask;
}

static void add_entry(DictionaryBuilder *dictionary, const void *value)
{
    if (dictionary->n == dictionary->capacity) {
        dictionary->capacity = dictionary->capacity ? dictionary->capacity * 2 : 256;
        dictionary->values = mem_realloc(dictionary->values, (size_t)dictionary->capacity * dictionary->width);
    }
    uint8_t *place = dictionary->values + (size_t)dictionary->n * dictionary->width;
    if (dictionary->plain_width) {
        memcpy(place, value, dictionary->width);
    } else {
        StrView text;
        memcpy(&text, value, sizeof text);
        text = arena_str(&dictionary->arena, text);
        memcpy(place, &text, sizeof text);
    }
    dictionary->n++;
}

static inline __attribute__((always_inline)) uint64_t mix(uint64_t value)
{
    value ^= value >> 32;
    value *= 0x9e3779b97f4a7c15;
    return value ^ value >> 29;
}

/* width: 4, 8 or 16 for numbers, 0 for texts; a constant where this is inlined. */
static inline __attribute__((always_inline)) uint64_t hash_value(const void *value, const uint32_t width)
{
    if (width == 4) {
        uint32_t bits;
        memcpy(&bits, value, 4);
        return mix((uint64_t)bits * 0x85ebca77);
    }
    if (width == 8) {
        uint64_t bits;
        memcpy(&bits, value, 8);
        return mix(bits * 0xc2b2ae3d27d4eb4f);
    }
    if (width == 16) {
        uint64_t bits[2];
        memcpy(bits, value, 16);
        return mix(bits[0] * 0xc2b2ae3d27d4eb4f + mix(bits[1]));
    }
    StrView text;
    memcpy(&text, value, sizeof text);
    return XXH3_64bits(text.data ? text.data : "", text.size);
}

static inline __attribute__((always_inline)) bool same_value(const void *a, const void *b, const uint32_t width)
{
    if (width)
        return memcmp(a, b, width) == 0;
    StrView text_a, text_b;
    memcpy(&text_a, a, sizeof text_a);
    memcpy(&text_b, b, sizeof text_b);
    return str_equal(text_a, text_b);
}

static inline __attribute__((always_inline)) size_t encode(DictionaryBuilder *dictionary, const uint8_t *values,
                                                           size_t n, uint32_t *codes, const uint32_t width)
{
    const size_t step = width ? width : sizeof(StrView);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *value = values + i * step;
        uint64_t hash = hash_value(value, width);
        uint32_t short_hash = (uint32_t)(hash ^ hash >> 32);
        uint32_t at = short_hash & dictionary->slot_mask, probes = 0;
        for (; dictionary->slots[at].code; at = (at + 1) & dictionary->slot_mask) {
            Slot slot = dictionary->slots[at];
            if (slot.hash == short_hash && same_value(dictionary->values + (slot.code - 1) * step, value, width))
                break;
            if (++probes == MAX_PROBES)
                return i;
        }
        if (UNLIKELY(!dictionary->slots[at].code)) {
            size_t bytes = dictionary->plain_width;
            if (!width) {
                StrView text;
                memcpy(&text, value, sizeof text);
                bytes = 4 + (size_t)text.size;
            }
            if (dictionary->bytes + bytes > ENCODER_DICTIONARY_BYTES)
                return i;
            add_entry(dictionary, value);
            dictionary->bytes += bytes;
            dictionary->slots[at] = (Slot){.code = dictionary->n, .hash = short_hash};
            codes[i] = dictionary->n - 1;
            if (dictionary->n > dictionary->slot_mask / 2)
                grow_slots(dictionary);
        } else {
            codes[i] = dictionary->slots[at].code - 1;
        }
    }
    return n;
}

size_t dictionary_encode(DictionaryBuilder *dictionary, const void *values, size_t n, uint32_t *codes)
{
    if (!dictionary->plain_width)
        return encode(dictionary, values, n, codes, 0);
    switch (dictionary->width) {
    case 4:
        return encode(dictionary, values, n, codes, 4);
    case 8:
        return encode(dictionary, values, n, codes, 8);
    default:
        return encode(dictionary, values, n, codes, 16);
    }
}
