/* Interner: open addressing with linear probing, at most three quarters full; see intern.h. */
#include "ingest/intern.h"

#include <immintrin.h>
#include <xxhash.h>

#define FIRST_BITS 8
#define FIRST_SLOTS (1u << FIRST_BITS)

void intern_init(Interner *interner)
{
    *interner = (Interner){.mask = FIRST_SLOTS - 1, .shift = 64 - FIRST_BITS, .capacity = FIRST_SLOTS / 4 * 3};
    interner->slots = mem_zalloc(sizeof(InternSlot) * FIRST_SLOTS);
    interner->texts = mem_alloc(sizeof(StrView) * interner->capacity);
    arena_init(&interner->arena);
}

void intern_done(Interner *interner)
{
    if (!interner->slots)
        return;
    mem_free(interner->slots);
    mem_free(interner->texts);
    arena_done(&interner->arena);
    *interner = (Interner){0};
}

/* The words of a text of up to 16 bytes, zeros behind it; with the size they are the text.  Sixteen bytes are loaded
 * whatever the size, which is no branch: what lies behind the text is on the same page, so it can be read, and is masked
 * off. */
__attribute__((no_sanitize("address"))) static inline void load_short(const char *data, uint32_t size, uint64_t *low,
                                                                      uint64_t *high)
{
    static const uint8_t masks[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    __m128i bytes;
    if (LIKELY(((uintptr_t)data & 4095) <= 4096 - 16) && data) {
        bytes = _mm_loadu_si128((const __m128i *)(const void *)data);
        bytes = _mm_and_si128(bytes, _mm_loadu_si128((const __m128i *)(const void *)(masks + 16 - size)));
    } else {
        uint8_t copy[16] = {0};
        if (size)
            memcpy(copy, data, size);
        bytes = _mm_loadu_si128((const __m128i *)(const void *)copy);
    }
    *low = (uint64_t)_mm_cvtsi128_si64(bytes);
    *high = (uint64_t)_mm_extract_epi64(bytes, 1);
}

/* The top bits of a product, which depend on all bits of the text. */
static inline uint32_t short_slot(const Interner *interner, uint64_t low, uint64_t high, uint32_t size)
{
    uint64_t x = (low ^ (high * 0x9e3779b97f4a7c15u) ^ size) * 0xff51afd7ed558ccdu;
    return (uint32_t)(x >> interner->shift);
}

static void grow(Interner *interner)
{
    uint32_t n_slots = (interner->mask + 1) * 2;
    InternSlot *slots = mem_zalloc(sizeof(InternSlot) * n_slots);
    interner->shift--;
    for (uint32_t i = 0; i <= interner->mask; i++) {
        const InternSlot *old = &interner->slots[i];
        if (!old->code_plus_1)
            continue;
        uint32_t at = old->size <= 16 ? short_slot(interner, old->low, old->high, old->size) : (uint32_t)old->low;
        while (slots[at & (n_slots - 1)].code_plus_1)
            at++;
        slots[at & (n_slots - 1)] = *old;
    }
    mem_free(interner->slots);
    interner->slots = slots;
    interner->mask = n_slots - 1;
    interner->capacity = n_slots / 4 * 3;
    interner->texts = mem_realloc(interner->texts, sizeof(StrView) * interner->capacity);
}

/* Puts the text into the free slot; false when there are too many. */
static bool add(Interner *interner, InternSlot *slot, InternSlot content, StrView text)
{
    if (interner->n >= INTERN_MAX)
        return false;
    StrView copy = arena_str(&interner->arena, text);
    if (text.size > 16)
        content.high = (uint64_t)(uintptr_t)copy.data;
    content.code_plus_1 = interner->n + 1;
    *slot = content;
    interner->texts[interner->n++] = copy;
    if (interner->n >= interner->capacity)
        grow(interner);
    return true;
}

static bool find_long(Interner *interner, StrView text, uint32_t *ret_code)
{
    uint64_t hash = XXH3_64bits(text.data, text.size);
    for (uint32_t at = (uint32_t)hash;; at++) {
        InternSlot *slot = &interner->slots[at & interner->mask];
        if (!slot->code_plus_1) {
            *ret_code = interner->n;
            return add(interner, slot, (InternSlot){.low = hash, .size = text.size}, text);
        }
        if (slot->low == hash && slot->size == text.size &&
            memcmp((const char *)(uintptr_t)slot->high, text.data, text.size) == 0) {
            *ret_code = slot->code_plus_1 - 1;
            return true;
        }
    }
}

bool intern_find(Interner *interner, const StrView *texts, uint32_t n, uint16_t *ret_codes)
{
    for (uint32_t i = 0; i < n; i++) {
        StrView text = texts[i];
        uint32_t code;
        if (text.size > 16) {
            if (!find_long(interner, text, &code))
                return false;
            ret_codes[i] = (uint16_t)code;
            continue;
        }
        uint64_t low, high;
        load_short(text.data, text.size, &low, &high);
        uint32_t at = short_slot(interner, low, high, text.size);
        const InternSlot *slot;
        for (;; at++) {
            slot = &interner->slots[at & interner->mask];
            if (!slot->code_plus_1 || (slot->low == low && slot->high == high && slot->size == text.size))
                break;
        }
        if (LIKELY(slot->code_plus_1)) {
            ret_codes[i] = (uint16_t)(slot->code_plus_1 - 1);
            continue;
        }
        ret_codes[i] = (uint16_t)interner->n;
        if (!add(interner, &interner->slots[at & interner->mask],
                 (InternSlot){.low = low, .high = high, .size = text.size}, text))
            return false;
    }
    return true;
}
