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

/* Write the text in small or capital letters to `to` (text.size bytes of room: nothing grows); return the bytes.
 * Latin (to Extended-A and Additional), Greek, Cyrillic and Armenian letters one to one, and sharp s to SS; other letters
 * and bytes that are no valid UTF-8 stay. */
size_t utf8_lower(StrView text, char *to);
size_t utf8_upper(StrView text, char *to);

#endif
