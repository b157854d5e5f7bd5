/* StrView and small text helpers. */
#ifndef FREIGHTLAKE_BASE_TEXT_H
#define FREIGHTLAKE_BASE_TEXT_H

#include <immintrin.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* Bytes somebody else owns; not NUL-terminated; any bytes, usually UTF-8. */
typedef struct StrView {
    const char *data;
    uint32_t size;
} StrView;

static inline StrView str_view(const char *text)
{
    return (StrView){text, (uint32_t)strlen(text)};
}

static inline bool str_equal(StrView a, StrView b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Byte order (UTF-8 code point order), as Spark and Parquet order strings. */
static inline int str_compare(StrView a, StrView b)
{
    uint32_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* The bytes of a text of up to 16 bytes, zeros behind them.  Sixteen are loaded whatever the size, which is no branch:
 * what lies behind the text is on the same page, so it can be read, and is masked off. */
__attribute__((no_sanitize("address"))) static inline __m128i text_load16(StrView text)
{
    static const uint8_t masks[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    if (LIKELY((((uintptr_t)text.data - 1) & 4095) < 4096 - 16)) /* no text at all lies at 0 */
        return _mm_and_si128(_mm_loadu_si128((const __m128i *)(const void *)text.data),
                             _mm_loadu_si128((const __m128i *)(const void *)(masks + 16 - text.size)));
    uint8_t copy[16] = {0};
    if (text.size)
        memcpy(copy, text.data, text.size);
    return _mm_loadu_si128((const __m128i *)(const void *)copy);
}

/* Of ASCII letters. */
static inline bool str_equal_ignoring_case(StrView a, StrView b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

/* Lower case without accents, for comparing: the letters of Latin-1 in UTF-8 become those of ASCII (é e, ä a, ñ n, ß ss),
 * other bytes stay.  NUL-terminated in ret; false when there is no room for it. */
bool text_fold(StrView text, char *ret, size_t size);

StrView arena_str(Arena *arena, StrView text);

/* For qsort and bsearch over an array of texts (`const char *`): by bytes. */
int text_compare(const void *a, const void *b);

/* The candidate nearest to `word` by edit distance, for "did you mean"; NULL when none is near. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

/* "1.4 M", "262 MB", "0.42 s": for people.  Each returns `text`. */
char *text_count(char *text, size_t size, double value);
char *text_bytes(char *text, size_t size, double bytes);
char *text_seconds(char *text, size_t size, double seconds);

/* "1 file", "3 files", "0 entries": a count with its noun, given in the singular.  PLURAL(n, noun) is a text that
 * lives to the end of the statement it stands in. */
typedef struct CountText {
    char text[64];
} CountText;
CountText text_plural(uint64_t n, const char *noun);
#define PLURAL(n, noun) (text_plural((uint64_t)(n), (noun)).text)
/* The same with the count as text_count writes it: "1.40 M rows". */
CountText text_plural_short(uint64_t n, const char *noun);
#define PLURAL_SHORT(n, noun) (text_plural_short((uint64_t)(n), (noun)).text)

/* "64MiB", "1GiB", "750MB", "1073741824" -> bytes. */
Status text_parse_bytes(const char *text, size_t *ret_bytes, Error *err) MUST_CHECK;

/* Appends `text` as a JSON string with quotes; invalid UTF-8 bytes become U+FFFD. */
void text_append_json(Buffer *buffer, StrView text);
/* The shortest decimal text (15 to 17 digits) that reads back as the same double, in C notation
 * ("0.1", "1e+300", "nan", "inf", "-inf"); `text` has at least 32 bytes of room.  Returns the length. */
size_t text_format_double(char *text, double value);

#endif
