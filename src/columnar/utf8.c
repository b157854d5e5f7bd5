/* Characters of UTF-8 text and their case.
 *
 * Case is a small table of ranges instead of towlower: the C library's answer depends on the locale of the process, and
 * an engine's answer must not. */
#include "columnar/utf8.h"

typedef enum CaseKind {
    CASE_SHIFT, /* upper + delta = lower */
    CASE_EVEN,  /* upper is even, lower is the next odd */
    CASE_ODD    /* upper is odd, lower is the next even */
} CaseKind;

typedef struct CaseRange {
    uint16_t first; /* of the upper-case letters; for pairs: of the whole range */
    uint16_t last;
    CaseKind kind;
    int16_t delta;
} CaseRange;

static const CaseRange RANGES[] = {
    {0x00c0, 0x00d6, CASE_SHIFT, 32},   {0x00d8, 0x00de, CASE_SHIFT, 32}, {0x0100, 0x012f, CASE_EVEN, 1},
    {0x0132, 0x0137, CASE_EVEN, 1},     {0x0139, 0x0148, CASE_ODD, 1},    {0x014a, 0x0177, CASE_EVEN, 1},
    {0x0178, 0x0178, CASE_SHIFT, -121}, {0x0179, 0x017e, CASE_ODD, 1},    {0x0386, 0x0386, CASE_SHIFT, 38},
    {0x0388, 0x038a, CASE_SHIFT, 37},   {0x038c, 0x038c, CASE_SHIFT, 64}, {0x038e, 0x038f, CASE_SHIFT, 63},
    {0x0391, 0x03a1, CASE_SHIFT, 32},   {0x03a3, 0x03ab, CASE_SHIFT, 32}, {0x0400, 0x040f, CASE_SHIFT, 80},
    {0x0410, 0x042f, CASE_SHIFT, 32},   {0x0460, 0x0481, CASE_EVEN, 1},   {0x048a, 0x04bf, CASE_EVEN, 1},
    {0x04c0, 0x04c0, CASE_SHIFT, 15},   {0x04c1, 0x04ce, CASE_ODD, 1},    {0x04d0, 0x052f, CASE_EVEN, 1},
    {0x0531, 0x0556, CASE_SHIFT, 48},   {0x1e00, 0x1e95, CASE_EVEN, 1},   {0x1ea0, 0x1eff, CASE_EVEN, 1},
};

uint32_t utf8_count(StrView text)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < text.size; at += utf8_size(text.data[at]))
        count++;
    return count;
}

uint32_t utf8_skip(StrView text, uint32_t at, uint64_t n)
{
    uint64_t position = at;
    for (; n > 0 && position < text.size; n--)
        position += utf8_size(text.data[position]);
    return position < text.size ? (uint32_t)position : text.size;
}

static uint32_t lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0x0130)
        return 'i';
    for (size_t i = 0; i < ARRAY_SIZE(RANGES); i++) {
        const CaseRange *range = &RANGES[i];
        if (c < range->first || c > range->last)
            continue;
        bool is_upper = range->kind == CASE_SHIFT || (c % 2 == 0) == (range->kind == CASE_EVEN);
        return is_upper ? (uint32_t)((int32_t)c + range->delta) : c;
    }
    return c;
}

static uint32_t upper(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    switch (c) {
    case 0x00b5: /* micro sign */
        return 0x039c;
    case 0x0131: /* dotless i */
        return 'I';
    case 0x017f: /* long s */
        return 'S';
    case 0x03c2: /* final sigma */
        return 0x03a3;
    default:
        break;
    }
    for (size_t i = 0; i < ARRAY_SIZE(RANGES); i++) {
        const CaseRange *range = &RANGES[i];
        if (range->kind == CASE_SHIFT) {
            uint32_t capital = (uint32_t)((int32_t)c - range->delta);
            if (capital >= range->first && capital <= range->last)
                return capital;
        } else if (c >= range->first && c <= range->last && (c % 2 != 0) == (range->kind == CASE_EVEN)) {
            return c - 1;
        }
    }
    return c;
}

/* The character at `at` of two or three bytes, or 0: longer ones have no case here. */
static uint32_t decode(StrView text, uint32_t at, uint32_t size)
{
    const unsigned char *bytes = (const unsigned char *)text.data + at;
    if (size > text.size - at)
        return 0;
    for (uint32_t i = 1; i < size; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    if (size == 2)
        return (uint32_t)(bytes[0] & 0x1f) << 6 | (bytes[1] & 0x3f);
    return size == 3 ? (uint32_t)(bytes[0] & 0x0f) << 12 | (uint32_t)(bytes[1] & 0x3f) << 6 | (bytes[2] & 0x3f) : 0;
}

static size_t encode(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 0x3f));
    to[2] = (char)(0x80 | (c & 0x3f));
    return 3;
}

static size_t map_text(StrView text, uint32_t (*map)(uint32_t), char *to)
{
    size_t used = 0;
    for (uint32_t at = 0; at < text.size;) {
        uint32_t size = utf8_size(text.data[at]);
        if ((unsigned char)text.data[at] < 0x80) {
            to[used++] = (char)map((unsigned char)text.data[at++]);
            continue;
        }
        uint32_t c = decode(text, at, size);
        uint32_t mapped = c ? map(c) : 0;
        size = size < text.size - at ? size : text.size - at;
        if (c == 0xdf && map == upper) {
            to[used++] = 'S';
            to[used++] = 'S';
        } else if (mapped != c) {
            used += encode(to + used, mapped);
        } else {
            memcpy(to + used, text.data + at, size);
            used += size;
        }
        at += size;
    }
    return used;
}

size_t utf8_lower(StrView text, char *to)
{
    return map_text(text, lower, to);
}

size_t utf8_upper(StrView text, char *to)
{
    return map_text(text, upper, to);
}
