/* CSV structure; see csv_scan.h.
 *
 * The parity of quotes over 64 bytes is a prefix xor of their mask: six shifts.  A quote that opens must stand behind a
 * delimiter, a line end or a quote, and one that closes before such: masks shifted by one tell, and the first that does
 * not makes the text irregular.
 *
 * Where the bytes are to be hashed, too, a block of the hash is taken beside each block of the walk (base/sha256.h): the
 * two need not lie on the same bytes, and the walk takes no time of its own. */
#include "text/csv_scan.h"

#include <immintrin.h>

#include "base/memory.h"

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

/* ---- The walk ---- */

typedef struct Walk {
    const TextFormat *format;
    const char *text;
    size_t size;
    uint64_t quote_bits; /* all ones where the format has quotes */
    uint64_t cr_bits;    /* all ones where a lone CR ends a line: not in JSON */
    uint64_t in_quote;   /* all ones: the block before ended inside quotes */
    uint64_t may_open;   /* bit 0: the byte before may stand before an opening quote */
    uint64_t must_end;   /* bit 0: the byte before was a closing quote */
    uint64_t irregular;  /* not 0: it is */
    uint64_t quotes, high;
    uint64_t hidden_ends; /* line ends inside quotes */
    CsvScan *scan;
} Walk;

/* Bits of the block that are outside quotes. */
static inline uint64_t outside_quotes(Walk *walk, BlockMasks m)
{
    if (LIKELY((m.quote | walk->in_quote | walk->must_end) == 0)) {
        walk->may_open = (m.delimiter | m.lf | m.cr) >> 63;
        return ~(uint64_t)0;
    }
    walk->quotes |= m.quote;
    uint64_t inside = prefix_xor(m.quote) ^ walk->in_quote; /* from an opening quote on, to before the closing one */
    uint64_t opening = m.quote & inside, closing = m.quote & ~inside;
    uint64_t border = m.delimiter | m.lf | m.cr | m.quote;
    walk->irregular |= opening & ~((border << 1) | walk->may_open);
    walk->irregular |= ((closing << 1) | walk->must_end) & ~border;
    walk->may_open = border >> 63;
    walk->must_end = closing >> 63;
    walk->in_quote = (uint64_t)((int64_t)inside >> 63);
    return ~inside;
}

/* CRs that no LF follows; `next` is the byte behind the block. */
static inline uint64_t lone_crs(uint64_t cr, uint64_t lf, char next)
{
    return LIKELY(cr == 0) ? 0 : cr & ~((lf >> 1) | ((uint64_t)(next == '\n') << 63));
}

/* The number of positions is hard to foresee, so eight are put down whatever it is. */
static inline void append_positions(CsvScan *scan, uint32_t at, uint64_t bits)
{
    if (UNLIKELY(scan->n + 64 > scan->capacity)) {
        scan->capacity = scan->capacity * 2 + 4096;
        scan->positions = mem_realloc(scan->positions, sizeof(uint32_t) * scan->capacity);
    }
    uint32_t *to = scan->positions + scan->n, n = (uint32_t)__builtin_popcountll(bits);
    scan->n += n;
    for (uint32_t i = 0; i < n; i += 8)
        for (uint32_t k = i; k < i + 8; k++) {
            to[k] = at + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
            bits &= bits - 1;
        }
}

static inline void walk_block(Walk *walk, BlockMasks m, size_t at)
{
    CsvScan *scan = walk->scan;
    uint64_t bits = block_bits(at, walk->size);
    m.quote &= bits & walk->quote_bits;
    m.lf &= bits;
    m.cr &= bits;
    walk->high |= m.high & bits;
    uint64_t delimiters = m.delimiter & bits;
    m.delimiter |= ~bits; /* what stands behind the text is no content: a border */
    uint64_t ends = m.lf | (lone_crs(m.cr & walk->cr_bits, m.lf, walk->text[at + 64]) & bits);
    uint64_t outside = outside_quotes(walk, m);
    scan->line_ends += (uint64_t)__builtin_popcountll(ends);
    walk->hidden_ends += (uint64_t)__builtin_popcountll(ends & ~outside);
    ends &= outside;
    scan->records_end = ends ? at + 64 - (size_t)__builtin_clzll(ends) : scan->records_end;
    append_positions(scan, (uint32_t)at, (delimiters & outside) | ends);
}

#define WALK(masks)                                                                                                    \
    do {                                                                                                               \
        const char delimiter = walk->format->delimiter, quote = walk->format->quote;                                   \
        for (size_t at = from; at < to; at += 64)                                                                      \
            walk_block(walk, masks(walk->text + at, delimiter, quote), at);                                            \
    } while (0)

static void walk_sse(Walk *walk, size_t from, size_t to)
{
    WALK(masks_sse);
}

__attribute__((target("avx2,bmi"))) static void walk_avx2(Walk *walk, size_t from, size_t to)
{
    WALK(masks_avx2);
}

/* Beside the block at `at`, the hash takes the one at `at` + ahead. */
__attribute__((target("avx2,bmi,sha"))) static void walk_hashing(Walk *walk, size_t from, size_t to, size_t ahead,
                                                                 Sha256 *sha)
{
    const char delimiter = walk->format->delimiter, quote = walk->format->quote;
    Sha256Lane lane = sha256_lane_begin(sha);
    for (size_t at = from; at < to; at += 64) {
        sha256_lane_block(&lane, walk->text + at + ahead);
        walk_block(walk, masks_avx2(walk->text + at, delimiter, quote), at);
    }
    sha256_lane_end(sha, &lane, (to - from) / 64);
}

static void walk_plainly(Walk *walk, size_t from, size_t to)
{
    if (__builtin_cpu_supports("avx2"))
        walk_avx2(walk, from, to);
    else
        walk_sse(walk, from, to);
}

/* Whole blocks of the hash beside the walk; bytes before and behind them by themselves. */
static void walk_and_hash(Walk *walk, CsvScanHash hash)
{
    size_t first = hash.from + (size_t)((0 - hash.sha->bytes) % SHA256_BLOCK_BYTES);
    if (!sha256_lane_is_there() || !__builtin_cpu_supports("avx2") || first + 64 > walk->size) {
        sha256_update(hash.sha, walk->text + hash.from, walk->size - hash.from);
        walk_plainly(walk, 0, walk->size);
        return;
    }
    size_t ahead = first % 64, blocks = (walk->size - first) / 64, from = first - ahead, to = from + blocks * 64;
    sha256_update(hash.sha, walk->text + hash.from, first - hash.from);
    walk_plainly(walk, 0, from);
    walk_hashing(walk, from, to, ahead, hash.sha);
    walk_plainly(walk, to, walk->size);
    sha256_update(hash.sha, walk->text + to + ahead, walk->size - to - ahead);
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

static void scan_exactly(const TextFormat *format, const char *text, size_t size, CsvScan *scan)
{
    int state = AT_FIELD_START;
    scan->n = scan->n_ends = 0;
    scan->records_end = 0;
    for (size_t i = 0; i < size; i++) {
        bool structural = exact_step(format, false, &state, text[i]);
        if (structural && (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n')))
            scan->records_end = i + 1;
    }
    scan->open_quote = state == IN_QUOTES;
}

/* The CR at the text's end is perhaps half of a CRLF: the record before it is the last one that is sure. */
static void leave_last_cr(const TextFormat *format, const char *text, size_t size, CsvScan *scan)
{
    if (!scan->regular) {
        scan_exactly(format, text, size - 1, scan);
        return;
    }
    uint32_t n = scan->n - 1;
    while (n > 0 && text[scan->positions[n - 1]] != '\n' && text[scan->positions[n - 1]] != '\r')
        n--;
    scan->records_end = n > 0 ? scan->positions[n - 1] + (size_t)1 : 0;
    scan->n--;
    scan->n_ends--;
}

void csv_scan(const TextFormat *format, const char *text, size_t size, bool last, CsvScanHash hash, CsvScan *inout_scan)
{
    CsvScan *scan = inout_scan;
    bool is_csv = format->kind == TEXT_CSV;
    Walk walk = {.format = format,
                 .text = text,
                 .size = size,
                 .quote_bits = format->quote ? ~(uint64_t)0 : 0,
                 .cr_bits = is_csv ? ~(uint64_t)0 : 0,
                 .may_open = 1,
                 .scan = scan};
    *scan = (CsvScan){.positions = scan->positions, .capacity = scan->capacity};
    if (hash.sha)
        walk_and_hash(&walk, hash);
    else
        walk_plainly(&walk, 0, size);
    scan->has_quotes = walk.quotes != 0;
    scan->ascii = walk.high == 0;
    scan->open_quote = walk.in_quote != 0;
    scan->regular = walk.irregular == 0;
    scan->n_ends = (uint32_t)(scan->line_ends - walk.hidden_ends);
    if (!scan->regular)
        scan_exactly(format, text, size, scan);
    if (!last && is_csv && scan->records_end == size && size > 0 && text[size - 1] == '\r')
        leave_last_cr(format, text, size, scan);
}

void csv_scan_done(CsvScan *scan)
{
    mem_free(scan->positions);
    *scan = (CsvScan){0};
}

void csv_cursor_init(CsvCursor *cursor, const TextFormat *format, const char *text, size_t size)
{
    *cursor = (CsvCursor){.format = format, .text = text, .size = size, .state = AT_FIELD_START};
}

uint32_t csv_cursor_next(CsvCursor *cursor, uint32_t *positions, uint32_t room)
{
    uint32_t n = 0;
    for (; cursor->at < cursor->size && n < room; cursor->at++) {
        char c = cursor->text[cursor->at];
        if (exact_step(cursor->format, cursor->lines, &cursor->state, c) &&
            !(c == '\r' && cursor->text[cursor->at + 1] == '\n')) {
            cursor->n_ends += c != cursor->format->delimiter;
            positions[n++] = (uint32_t)cursor->at;
        }
    }
    return n;
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
