/* Interner: open addressing with linear probing in a table at most half full, so that a look mostly ends at its first
 * slot; see intern.h.
 *
 * The table begins with slots of one word, text and code together, and is made anew with wide slots when the first text
 * comes that does not fit: a column of numbers mostly never needs them and its table stays in the second-level cache, and
 * in a column of names no branch asks how long each is. */
#include "ingest/intern.h"

#include <xxhash.h>

#define FIRST_BITS 8

/* A text of up to 6 bytes that does not end in a zero byte, zeros behind it, in the upper 48 bits; its code + 1 in the
 * lower 16.  0: free. */
typedef uint64_t WordSlot;
#define WORD_BYTES 6u

typedef struct WideSlot {
    uint64_t low, high; /* up to 16 bytes: the text; longer: its hash and where its copy lies */
    uint32_t size;
    uint32_t code_plus_1; /* 0: free */
} WideSlot;

static void new_slots(Interner *interner, uint32_t bits)
{
    interner->slots = mem_zalloc((interner->wide ? sizeof(WideSlot) : sizeof(WordSlot)) << bits);
    interner->mask = (1u << bits) - 1;
    interner->shift = 64 - bits;
}

void intern_init(Interner *interner)
{
    *interner = (Interner){.capacity = 1u << FIRST_BITS};
    new_slots(interner, FIRST_BITS);
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

/* The top bits of a product, which depend on all bits of the text. */
static inline uint32_t place(const Interner *interner, uint64_t bits)
{
    return (uint32_t)((bits * 0xff51afd7ed558ccdu) >> interner->shift);
}

static inline uint32_t pair_place(const Interner *interner, uint64_t low, uint64_t high, uint32_t size)
{
    return place(interner, low ^ (high * 0x9e3779b97f4a7c15u) ^ size);
}

/* The text in the upper 48 bits of a slot; false when it does not fit one. */
static inline bool as_word(StrView text, uint64_t *ret_word)
{
    *ret_word = (uint64_t)_mm_cvtsi128_si64(text_load16(text)) << 16;
    return text.size <= WORD_BYTES && (text.size == 0 || text.data[text.size - 1] != 0);
}

static void place_word(Interner *interner, WordSlot slot)
{
    WordSlot *slots = interner->slots;
    uint32_t at = place(interner, slot >> 16) & interner->mask;
    while (slots[at])
        at = (at + 1) & interner->mask;
    slots[at] = slot;
}

static void place_wide(Interner *interner, WideSlot slot)
{
    WideSlot *slots = interner->slots;
    uint32_t at = slot.size <= 16 ? pair_place(interner, slot.low, slot.high, slot.size) : (uint32_t)slot.low;
    for (at &= interner->mask; slots[at].code_plus_1;)
        at = (at + 1) & interner->mask;
    slots[at] = slot;
}

static void place_text(Interner *interner, StrView text, uint32_t code_plus_1)
{
    __m128i bytes = text_load16(text);
    uint64_t low = (uint64_t)_mm_cvtsi128_si64(bytes), high = (uint64_t)_mm_extract_epi64(bytes, 1);
    place_wide(interner, (WideSlot){low, high, text.size, code_plus_1});
}

/* A table of so many bits with all texts of the present one; slots are wide from here on if `wide`. */
static void make_anew(Interner *interner, uint32_t bits, bool wide)
{
    Interner old = *interner;
    interner->wide = wide;
    new_slots(interner, bits);
    for (uint32_t i = 0; i <= old.mask; i++) {
        WordSlot word = old.wide ? 0 : ((const WordSlot *)old.slots)[i];
        if (old.wide && ((const WideSlot *)old.slots)[i].code_plus_1)
            place_wide(interner, ((const WideSlot *)old.slots)[i]);
        else if (word && wide)
            place_text(interner, old.texts[(word & 0xffff) - 1], word & 0xffff);
        else if (word)
            place_word(interner, word);
    }
    mem_free(old.slots);
}

/* The next code is this text's: *ret_copy is the copy kept.  False when there are too many. */
static bool add_text(Interner *interner, StrView text, StrView *ret_copy)
{
    if (interner->n >= INTERN_MAX)
        return false;
    if (interner->n == interner->capacity) {
        interner->capacity *= 2;
        interner->texts = mem_realloc(interner->texts, sizeof(StrView) * interner->capacity);
    }
    *ret_copy = arena_str(&interner->arena, text);
    interner->texts[interner->n++] = *ret_copy;
    if (interner->n > interner->mask / 2)
        make_anew(interner, 64 - interner->shift + 1, interner->wide);
    return true;
}

static bool add_word(Interner *interner, uint64_t word, StrView text, uint16_t *ret_code)
{
    *ret_code = (uint16_t)interner->n;
    StrView copy;
    if (!add_text(interner, text, &copy))
        return false;
    place_word(interner, word | interner->n);
    return true;
}

static bool add_wide(Interner *interner, uint64_t low, uint64_t high, StrView text, uint16_t *ret_code)
{
    *ret_code = (uint16_t)interner->n;
    StrView copy;
    if (!add_text(interner, text, &copy))
        return false;
    place_wide(interner,
               (WideSlot){low, text.size > 16 ? (uint64_t)(uintptr_t)copy.data : high, text.size, interner->n});
    return true;
}

static bool find_long(Interner *interner, StrView text, uint16_t *ret_code)
{
    uint64_t hash = XXH3_64bits(text.data, text.size);
    for (uint32_t at = (uint32_t)hash;; at++) {
        const WideSlot *slot = (const WideSlot *)interner->slots + (at & interner->mask);
        if (!slot->code_plus_1)
            return add_wide(interner, hash, 0, text, ret_code);
        if (slot->low == hash && slot->size == text.size &&
            memcmp((const char *)(uintptr_t)slot->high, text.data, text.size) == 0) {
            *ret_code = (uint16_t)(slot->code_plus_1 - 1);
            return true;
        }
    }
}

static inline bool find_wide(Interner *interner, StrView text, uint16_t *ret_code)
{
    if (UNLIKELY(text.size > 16))
        return find_long(interner, text, ret_code);
    __m128i bytes = text_load16(text);
    uint64_t low = (uint64_t)_mm_cvtsi128_si64(bytes), high = (uint64_t)_mm_extract_epi64(bytes, 1);
    for (uint32_t at = pair_place(interner, low, high, text.size);; at++) {
        const WideSlot *slot = (const WideSlot *)interner->slots + (at & interner->mask);
        if (LIKELY(((slot->low ^ low) | (slot->high ^ high) | (slot->size ^ text.size)) == 0 && slot->code_plus_1)) {
            *ret_code = (uint16_t)(slot->code_plus_1 - 1);
            return true;
        }
        if (!slot->code_plus_1)
            return add_wide(interner, low, high, text, ret_code);
    }
}

static inline bool find_word(Interner *interner, uint64_t word, StrView text, uint16_t *ret_code)
{
    for (uint32_t at = place(interner, word >> 16);; at++) {
        WordSlot slot = ((const WordSlot *)interner->slots)[at & interner->mask];
        uint64_t code = (slot ^ word) - 1; /* small only where the texts are the same and the slot is taken */
        if (LIKELY(code < INTERN_MAX)) {
            *ret_code = (uint16_t)code;
            return true;
        }
        if (!slot)
            return add_word(interner, word, text, ret_code);
    }
}

bool intern_find(Interner *interner, const StrView *texts, uint32_t n, uint16_t *ret_codes)
{
    uint32_t i = 0;
    uint64_t word;
    if (!interner->wide) {
        for (; i < n && LIKELY(texts[i].size <= 16 && as_word(texts[i], &word)); i++)
            if (!find_word(interner, word, texts[i], &ret_codes[i]))
                return false;
        if (i < n)
            make_anew(interner, 64 - interner->shift, true);
    }
    for (; i < n; i++)
        if (!find_wide(interner, texts[i], &ret_codes[i]))
            return false;
    return true;
}
