/* Interner: open addressing with linear probing in a table mostly a quarter full, so that a look ends at its first slot;
 * see intern.h.
 *
 * The table begins with slots of one word, text and code together, and is made anew with wide slots when the first text
 * comes that does not fit: a column of numbers mostly never needs them and its table stays in the second-level cache, and
 * in a column of names no branch asks how long each is.
 *
 * Places come from CRC-32C, one instruction a word.  Texts of a column are mostly alike but for a few digits, and a CRC
 * spreads them evenly; the top bits of a product, the usual choice, put a hundred two-digit numbers into long runs.  Who
 * makes texts collide on purpose gains little: there are at most INTERN_MAX. */
#include "ingest/intern.h"

#include <nmmintrin.h>
#include <xxhash.h>

#define FIRST_BITS 8
#define SPARSE_SLOTS 8192u /* larger tables may be half full: the cache's room is dearer than a second slot */

/* A text of up to 6 bytes, none of them zero, zeros behind it, in the upper 48 bits; its code + 1 in the lower 16.
 * 0: free. */
typedef uint64_t WordSlot;
#define WORD_BYTES 6u

/* A text of up to 16 bytes, none of them zero, zeros behind it.  Any other: a zero byte, 56 bits of its hash, ones. */
typedef struct WideSlot {
    uint64_t low, high;
} WideSlot;
#define WIDE_BYTES 16u
#define FREE 0xffffu /* the code of a wide slot that is */

static void new_slots(Interner *interner, uint32_t n_slots)
{
    size_t width = interner->wide ? sizeof(WideSlot) + sizeof(uint16_t) : sizeof(WordSlot);
    interner->slots = mem_alloc(width * n_slots); /* not zeroed pages that a first look would map and a write copy */
    memset(interner->slots, 0, width * n_slots);
    interner->mask = n_slots - 1;
    interner->codes = interner->wide ? (uint16_t *)(void *)((WideSlot *)interner->slots + n_slots) : NULL;
    if (interner->wide)
        memset(interner->codes, 0xff, sizeof(uint16_t) * n_slots);
}

void intern_init(Interner *interner)
{
    *interner = (Interner){.capacity = 1u << FIRST_BITS};
    new_slots(interner, 1u << FIRST_BITS);
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

static inline uint32_t word_place(uint64_t word)
{
    return (uint32_t)_mm_crc32_u64(0, word >> 16);
}

static inline uint32_t wide_place(WideSlot slot)
{
    return (uint32_t)_mm_crc32_u64(_mm_crc32_u64(0, slot.low), slot.high);
}

/* Whether the bytes are those of a text of this size without a zero byte. */
static inline bool are_plain(__m128i bytes, uint32_t size)
{
    uint32_t zeros = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
    return (uint32_t)__builtin_ctz(zeros | 1u << 16) == size;
}

/* The text in the upper 48 bits of a slot; false when it does not fit one. */
static inline bool as_word(StrView text, uint64_t *ret_word)
{
    if (UNLIKELY(text.size > WORD_BYTES))
        return false;
    __m128i bytes = text_load16(text);
    *ret_word = (uint64_t)_mm_cvtsi128_si64(bytes) << 16;
    return are_plain(bytes, text.size);
}

static inline bool as_wide(StrView text, WideSlot *ret_slot)
{
    if (UNLIKELY(text.size > WIDE_BYTES))
        return false;
    __m128i bytes = text_load16(text);
    *ret_slot = (WideSlot){(uint64_t)_mm_cvtsi128_si64(bytes), (uint64_t)_mm_extract_epi64(bytes, 1)};
    return are_plain(bytes, text.size);
}

static WideSlot as_hash(StrView text)
{
    return (WideSlot){XXH3_64bits(text.data, text.size) << 8, ~(uint64_t)0};
}

static void place_word(Interner *interner, WordSlot slot)
{
    WordSlot *slots = interner->slots;
    uint32_t at = word_place(slot) & interner->mask;
    while (slots[at])
        at = (at + 1) & interner->mask;
    slots[at] = slot;
}

static void place_wide(Interner *interner, uint16_t code)
{
    StrView text = interner->texts[code];
    WideSlot slot;
    if (!as_wide(text, &slot))
        slot = as_hash(text);
    uint32_t at = wide_place(slot) & interner->mask;
    while (interner->codes[at] != FREE)
        at = (at + 1) & interner->mask;
    ((WideSlot *)interner->slots)[at] = slot;
    interner->codes[at] = code;
}

/* A table of so many slots with all texts; slots are wide from here on if `wide`. */
static void make_anew(Interner *interner, uint32_t n_slots, bool wide)
{
    mem_free(interner->slots);
    interner->wide = wide;
    new_slots(interner, n_slots);
    for (uint32_t code = 0; code < interner->n; code++) {
        uint64_t word;
        if (wide)
            place_wide(interner, (uint16_t)code);
        else if (as_word(interner->texts[code], &word))
            place_word(interner, word | (code + 1));
    }
}

/* The next code is this text's.  False when there are too many. */
static bool add_text(Interner *interner, StrView text, uint16_t *ret_code)
{
    if (interner->n >= INTERN_MAX)
        return false;
    if (interner->n == interner->capacity) {
        interner->capacity *= 2;
        interner->texts = mem_realloc(interner->texts, sizeof(StrView) * interner->capacity);
    }
    *ret_code = (uint16_t)interner->n;
    interner->texts[interner->n++] = arena_str(&interner->arena, text);
    uint32_t n_slots = interner->mask + 1;
    uint64_t word;
    if (interner->n > n_slots / (n_slots < SPARSE_SLOTS ? 4 : 2))
        make_anew(interner, n_slots * 2, interner->wide);
    else if (interner->wide)
        place_wide(interner, *ret_code);
    else if (as_word(text, &word))
        place_word(interner, word | interner->n);
    return true;
}

static bool find_hash(Interner *interner, StrView text, uint16_t *ret_code)
{
    const WideSlot wanted = as_hash(text);
    for (uint32_t at = wide_place(wanted) & interner->mask;; at = (at + 1) & interner->mask) {
        uint16_t code = interner->codes[at];
        if (code == FREE)
            return add_text(interner, text, ret_code);
        const WideSlot *slot = (const WideSlot *)interner->slots + at;
        if (slot->low == wanted.low && slot->high == wanted.high && str_equal(interner->texts[code], text)) {
            *ret_code = code;
            return true;
        }
    }
}

/* Codes of the first texts, up to one that is not known or does not fit a slot; how many they are. */
static uint32_t known_words(const Interner *interner, const StrView *texts, uint32_t n, uint16_t *restrict ret_codes)
{
    const WordSlot *slots = interner->slots;
    const uint32_t mask = interner->mask;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t word;
        if (UNLIKELY(!as_word(texts[i], &word)))
            return i;
        uint32_t at = word_place(word) & mask;
        uint64_t code = (slots[at] ^ word) - 1; /* small only where the texts are the same and the slot is taken */
        while (UNLIKELY(code >= INTERN_MAX)) {
            if (!slots[at])
                return i;
            at = (at + 1) & mask;
            code = (slots[at] ^ word) - 1;
        }
        ret_codes[i] = (uint16_t)code;
    }
    return n;
}

static uint32_t known_wides(const Interner *interner, const StrView *texts, uint32_t n, uint16_t *restrict ret_codes)
{
    const WideSlot *slots = interner->slots;
    const uint16_t *codes = interner->codes;
    const uint32_t mask = interner->mask;
    for (uint32_t i = 0; i < n; i++) {
        WideSlot wanted;
        if (UNLIKELY(!as_wide(texts[i], &wanted)))
            return i;
        uint32_t at = wide_place(wanted) & mask;
        while (UNLIKELY(((slots[at].low ^ wanted.low) | (slots[at].high ^ wanted.high)) != 0) && codes[at] != FREE)
            at = (at + 1) & mask;
        if (UNLIKELY(codes[at] == FREE))
            return i;
        ret_codes[i] = codes[at];
    }
    return n;
}

static uint32_t known(const Interner *interner, const StrView *texts, uint32_t n, uint16_t *ret_codes)
{
    return interner->wide ? known_wides(interner, texts, n, ret_codes) : known_words(interner, texts, n, ret_codes);
}

/* A text that the known ones end at. */
static bool find_other(Interner *interner, StrView text, uint16_t *ret_code)
{
    uint64_t word;
    WideSlot wide;
    if (!interner->wide && !as_word(text, &word))
        make_anew(interner, interner->mask + 1, true);
    if (interner->wide && !as_wide(text, &wide))
        return find_hash(interner, text, ret_code);
    return known(interner, &text, 1, ret_code) == 1 || add_text(interner, text, ret_code);
}

bool intern_find(Interner *interner, const StrView *texts, uint32_t n, uint16_t *ret_codes)
{
    for (uint32_t i = 0; i < n; i++) {
        i += known(interner, texts + i, n - i, ret_codes + i);
        if (i < n && !find_other(interner, texts[i], &ret_codes[i]))
            return false;
    }
    return true;
}
