/* UTF-8 by its first bytes, as Spark's UTF8String walks it: bytes that are no valid start count as one character. */
#ifndef FREIGHTLAKE_COLUMNAR_UTF8_H
#define FREIGHTLAKE_COLUMNAR_UTF8_H

#include "base/text.h"

static inline bool utf8_is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Bytes of the character that starts with `first`. */
static inline uint32_t utf8_size(char first)
{
    unsigned char c = (unsigned char)first;
    return c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
}

/* Number of characters. */
uint32_t utf8_count(StrView text);
/* Byte position `n` characters behind byte position `at`, at most the end. */
uint32_t utf8_skip(StrView text, uint32_t at, uint64_t n);

/* One code point to one code point for Latin (to Extended-A and Additional), Greek, Cyrillic and Armenian; others stay.
 * Mappings that change the number of code points (German sharp s) are not made. */
uint32_t utf8_lower(uint32_t code_point);
uint32_t utf8_upper(uint32_t code_point);
/* Writes the text with each character mapped to `to` (text.size bytes of room: no mapping grows); returns the bytes.
 * Bytes that are no valid UTF-8 are kept. */
size_t utf8_map(StrView text, uint32_t (*map)(uint32_t), char *to);

#endif
