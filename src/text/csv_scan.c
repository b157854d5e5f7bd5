/* CSV structure; see csv_scan.h.
 *
 * The parity of quotes over 64 bytes is a prefix xor of their mask: six shifts.  A quote that opens must stand behind a
 * delimiter, a line end or a quote, and one that closes before such: masks shifted by one tell, and the first that does
 * not makes the text irregular. */
#include "text/csv_scan.h"

#include <immintrin.h>

typedef struct BlockMasks {
    uint64_t quote, delimiter, lf, cr, high;
} BlockMasks;

static inline uint64_t prefix_xor(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    x ^= x << 32;
    return x;
}

static inline uint64_t equal_mask_sse(const __m128i *bytes, char wanted)
{
    __m128i w = _mm_set1_epi8(wanted);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[i], w)) << (16 * i);
    return mask;
}

static inline BlockMasks masks_sse(const char *text, char delimiter, char quote)
{
    __m128i bytes[4];
    uint64_t high = 0;
    for (int i = 0; i < 4; i++) {
        bytes[i] = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        high |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes[i]) << (16 * i);
    }
    return (BlockMasks){equal_mask_sse(bytes, quote), equal_mask_sse(bytes, delimiter), equal_mask_sse(bytes, '\n'),
                        equal_mask_sse(bytes, '\r'), high};
}

__attribute__((target("avx2"))) static inline uint64_t equal_mask_avx2(__m256i a, __m256i b, char wanted)
{
    __m256i w = _mm256_set1_epi8(wanted);
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, w)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, w)) << 32;
}

__attribute__((target("avx2"))) static inline BlockMasks masks_avx2(const char *text, char delimiter, char quote)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
    return (BlockMasks){equal_mask_avx2(a, b, quote), equal_mask_avx2(a, b, delimiter), equal_mask_avx2(a, b, '\n'),
                        equal_mask_avx2(a, b, '\r'),
                        (uint64_t)(uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b)
                                                                          << 32};
}

/* Bits of the bytes of the block that are part of the text. */
static inline uint64_t block_bits(size_t at, size_t size)
{
    return size - at >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << (size - at)) - 1;
}

/* ---- The shape ---- */

typedef struct ShapeState {
    uint64_t in_quote;  /* all ones: the block before ended inside quotes */
    uint64_t may_open;  /* bit 0: the byte before may stand before an opening quote */
    uint64_t must_end;  /* bit 0: the byte before was a closing quote */
    uint64_t irregular; /* not 0: it is */
    uint64_t quotes, high;
} ShapeState;

/* The shape's part of one block; returns its record ends (LF, lone CR) outside quotes. */
static inline uint64_t shape_block(ShapeState *state, BlockMasks m, uint64_t lone_cr)
{
    uint64_t ends = m.lf | lone_cr;
    state->high |= m.high;
    if (LIKELY((m.quote | state->in_quote | state->must_end) == 0)) {
        state->may_open = (m.delimiter | m.lf | m.cr) >> 63;
        return ends;
    }
    state->quotes |= m.quote;
    uint64_t inside = prefix_xor(m.quote) ^ state->in_quote; /* from an opening quote on, to before the closing one */
    uint64_t opening = m.quote & inside, closing = m.quote & ~inside;
    uint64_t border = m.delimiter | m.lf | m.cr | m.quote;
    state->irregular |= opening & ~((border << 1) | state->may_open);
    state->irregular |= ((closing << 1) | state->must_end) & ~border;
    state->may_open = border >> 63;
    state->must_end = closing >> 63;
    state->in_quote = (uint64_t)((int64_t)inside >> 63);
    return ends & ~inside;
}

/* CRs that no LF follows; `next` is the byte behind the block. */
static inline uint64_t lone_crs(uint64_t cr, uint64_t lf, char next)
{
    return LIKELY(cr == 0) ? 0 : cr & ~((lf >> 1) | ((uint64_t)(next == '\n') << 63));
}

#define SHAPE_LOOP(masks)                                                                                              \
    do {                                                                                                               \
        const char delimiter = format->delimiter, quote = format->quote;                                               \
        const uint64_t quote_bits = quote ? ~(uint64_t)0 : 0;                                                          \
        const uint64_t cr_bits = format->kind == TEXT_CSV ? ~(uint64_t)0 : 0; /* lines of JSON end in LF */            \
                                                                                                                       \
        for (size_t at = 0; at < size; at += 64) {                                                                     \
            BlockMasks m = masks(text + at, delimiter, quote);                                                         \
            uint64_t bits = block_bits(at, size);                                                                      \
            m.quote &= bits & quote_bits;                                                                              \
            m.delimiter &= bits;                                                                                       \
            m.lf &= bits;                                                                                              \
            m.cr &= bits;                                                                                              \
            m.high &= bits;                                                                                            \
            if (UNLIKELY(bits != ~(uint64_t)0)) /* what stands behind the text is no content: a border */              \
                m.delimiter |= ~bits;                                                                                  \
            uint64_t ends = shape_block(&state, m, lone_crs(m.cr & cr_bits, m.lf, text[at + 64])) & bits;              \
            if (ends)                                                                                                  \
                records_end = at + 64 - (size_t)__builtin_clzll(ends);                                                 \
        }                                                                                                              \
    } while (0)

static void shape_sse(const char *text, size_t size, const TextFormat *format, ShapeState *ret_state, size_t *ret_end)
{
    ShapeState state = {.may_open = 1};
    size_t records_end = 0;
    SHAPE_LOOP(masks_sse);
    *ret_state = state;
    *ret_end = records_end;
}

__attribute__((target("avx2"))) static void shape_avx2(const char *text, size_t size, const TextFormat *format,
                                                       ShapeState *ret_state, size_t *ret_end)
{
    ShapeState state = {.may_open = 1};
    size_t records_end = 0;
    SHAPE_LOOP(masks_avx2);
    *ret_state = state;
    *ret_end = records_end;
}

/* ---- The exact machine ---- */

enum { AT_FIELD_START, IN_PLAIN, IN_QUOTES, BEHIND_QUOTE };

/* One byte; whether it is structural (for CR the caller looks at what follows). */
static inline bool exact_step(const TextFormat *format, bool lines, int *state, char c)
{
    if (*state == IN_QUOTES && !(lines && (c == '\n' || c == '\r'))) {
        if (c == format->quote)
            *state = BEHIND_QUOTE;
        return false;
    }
    if (c == format->delimiter || c == '\n' || c == '\r') {
        *state = AT_FIELD_START;
        return true;
    }
    if (c == format->quote && format->quote && *state != IN_PLAIN)
        *state = IN_QUOTES; /* opens the field, or was the second of a doubled one */
    else
        *state = IN_PLAIN;
    return false;
}

static void shape_exactly(const TextFormat *format, const char *text, size_t size, CsvShape *shape)
{
    int state = AT_FIELD_START;
    shape->records_end = 0;
    for (size_t i = 0; i < size; i++) {
        bool structural = exact_step(format, false, &state, text[i]);
        if (structural && (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n')))
            shape->records_end = i + 1;
    }
    shape->open_quote = state == IN_QUOTES;
}

void csv_shape(const TextFormat *format, const char *text, size_t size, bool last, CsvShape *ret_shape)
{
    ShapeState state;
    CsvShape shape = {.regular = true};
    if (__builtin_cpu_supports("avx2"))
        shape_avx2(text, size, format, &state, &shape.records_end);
    else
        shape_sse(text, size, format, &state, &shape.records_end);
    shape.has_quotes = state.quotes != 0;
    shape.ascii = state.high == 0;
    shape.open_quote = state.in_quote != 0;
    shape.regular = state.irregular == 0;
    if (!shape.regular)
        shape_exactly(format, text, size, &shape);
    if (!last && format->kind == TEXT_CSV && shape.records_end == size && size > 0 && text[size - 1] == '\r') {
        /* perhaps half of a CRLF: the record before it is the last one that is sure */
        CsvShape before;
        csv_shape(format, text, size - 1, true, &before);
        shape.records_end = before.records_end;
    }
    *ret_shape = shape;
}

/* ---- The cursor ---- */

void csv_cursor_init(CsvCursor *cursor, const TextFormat *format, const char *text, size_t size, const CsvShape *shape)
{
    *cursor = (CsvCursor){.format = format,
                          .text = text,
                          .size = size,
                          .regular = shape->regular,
                          .has_quotes = shape->has_quotes,
                          .state = AT_FIELD_START};
}

static inline uint32_t append_bits(uint32_t *positions, uint32_t n, uint32_t at, uint64_t bits)
{
    while (bits) {
        positions[n++] = at + (uint32_t)__builtin_ctzll(bits);
        bits &= bits - 1;
    }
    return n;
}

#define CURSOR_LOOP(masks)                                                                                             \
    do {                                                                                                               \
        while (cursor->at < cursor->size && n + 64 <= room) {                                                          \
            const char *text = cursor->text + cursor->at;                                                              \
            BlockMasks m = masks(text, cursor->format->delimiter, cursor->format->quote);                              \
            uint64_t ends = m.lf | lone_crs(m.cr, m.lf, text[64]);                                                     \
            uint64_t wanted = block_bits(cursor->at, cursor->size);                                                    \
            if (cursor->has_quotes) {                                                                                  \
                uint64_t inside = prefix_xor(m.quote) ^ cursor->in_quote;                                              \
                cursor->in_quote = (uint64_t)((int64_t)inside >> 63);                                                  \
                wanted &= ~inside;                                                                                     \
            }                                                                                                          \
            cursor->ends += (uint64_t)__builtin_popcountll(ends & wanted);                                             \
            n = append_bits(positions, n, (uint32_t)cursor->at, (m.delimiter | ends) & wanted);                        \
            cursor->at += 64;                                                                                          \
        }                                                                                                              \
    } while (0)

static uint32_t cursor_sse(CsvCursor *cursor, uint32_t *positions, uint32_t room)
{
    uint32_t n = 0;
    CURSOR_LOOP(masks_sse);
    return n;
}

__attribute__((target("avx2,bmi"))) static uint32_t cursor_avx2(CsvCursor *cursor, uint32_t *positions, uint32_t room)
{
    uint32_t n = 0;
    CURSOR_LOOP(masks_avx2);
    return n;
}

static uint32_t cursor_exact(CsvCursor *cursor, uint32_t *positions, uint32_t room)
{
    uint32_t n = 0;
    for (; cursor->at < cursor->size && n < room; cursor->at++) {
        char c = cursor->text[cursor->at];
        if (exact_step(cursor->format, cursor->lines, &cursor->state, c) &&
            !(c == '\r' && cursor->text[cursor->at + 1] == '\n')) {
            cursor->ends += c != cursor->format->delimiter;
            positions[n++] = (uint32_t)cursor->at;
        }
    }
    return n;
}

uint32_t csv_cursor_next(CsvCursor *cursor, uint32_t *positions, uint32_t room)
{
    while (cursor->at < cursor->size) {
        uint32_t n = !cursor->regular                 ? cursor_exact(cursor, positions, room)
                     : __builtin_cpu_supports("avx2") ? cursor_avx2(cursor, positions, room)
                                                      : cursor_sse(cursor, positions, room);
        if (n > 0)
            return n;
    }
    return 0;
}

/* ---- Counting and checking ---- */

uint64_t text_count_line_ends(const char *text, size_t size)
{
    uint64_t n = 0, after_cr = 0; /* bit 0: the byte before is a CR */
    size_t i = 0;
    for (; i + 64 <= size; i += 64) {
        __m128i bytes[4];
        for (int k = 0; k < 4; k++)
            bytes[k] = _mm_loadu_si128((const __m128i *)(const void *)(text + i + 16 * k));
        uint64_t lf = equal_mask_sse(bytes, '\n'), cr = equal_mask_sse(bytes, '\r');
        n += (uint64_t)__builtin_popcountll(lf);
        if (UNLIKELY(cr | after_cr)) {
            n += (uint64_t)__builtin_popcountll(cr) - (uint64_t)__builtin_popcountll(lf & ((cr << 1) | after_cr));
            after_cr = cr >> 63;
        }
    }
    for (; i < size; i++) {
        n += text[i] == '\r' || (text[i] == '\n' && !after_cr);
        after_cr = text[i] == '\r';
    }
    return n;
}

bool text_is_ascii(const char *text, size_t size)
{
    __m128i any = _mm_setzero_si128();
    size_t i = 0;
    unsigned char rest = 0;
    for (; i + 16 <= size; i += 16)
        any = _mm_or_si128(any, _mm_loadu_si128((const __m128i *)(const void *)(text + i)));
    for (; i < size; i++)
        rest |= (unsigned char)text[i];
    return _mm_movemask_epi8(any) == 0 && rest < 0x80;
}

/* Unicode 15, table 3-7: well-formed UTF-8 byte sequences. */
bool text_is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        unsigned char c = *at;
        if (c < 0x80) {
            at++;
            continue;
        }
        size_t n = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
        if (n == 0 || (size_t)(end - at) < n)
            return false;
        unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
        unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (at[1] < low || at[1] > high)
            return false;
        for (size_t i = 2; i < n; i++)
            if ((at[i] & 0xc0) != 0x80)
                return false;
        at += n;
    }
    return true;
}
