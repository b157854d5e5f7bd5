/* Encodings: bytes of a file -> UTF-8. */
#ifndef FREIGHTLAKE_TEXT_ENCODING_H
#define FREIGHTLAKE_TEXT_ENCODING_H

#include "text/text_format.h"

/* Length of the byte order mark at the start, 0 when there is none; *ret_encoding is set when there is one. */
size_t encoding_mark(const uint8_t *bytes, size_t size, TextEncoding *ret_encoding);

/* Most bytes of UTF-8 that n bytes can become. */
static inline size_t encoding_max_utf8(TextEncoding encoding, size_t n)
{
    return encoding == TEXT_UTF8 ? n : n * 3;
}

/* Appends at `to`; returns how many bytes of UTF-8.  *ret_taken may be a few bytes less than n: the rest belongs to the next
 * call, with what follows it (`last`: everything is taken).  An unpaired surrogate becomes three bytes that are no valid
 * UTF-8, so that the record is refused and not changed. */
size_t encoding_to_utf8(TextEncoding encoding, const uint8_t *bytes, size_t n, bool last, char *to, size_t *ret_taken);

#endif
