/* UTF-16 and Windows-1252 to UTF-8; see encoding.h.  The table of Windows-1252 is Unicode's mapping file CP1252; its five
 * undefined bytes become the control characters of the same number, which the contract refuses. */
#include "text/encoding.h"

const char *text_encoding_name(TextEncoding encoding)
{
    static const char *const names[TEXT_ENCODING_COUNT] = {
#define X(id, name) name,
        TEXT_ENCODING_TABLE(X)
#undef X
    };
    CHECK(encoding < TEXT_ENCODING_COUNT);
    return names[encoding];
}

size_t encoding_mark(const uint8_t *bytes, size_t size, TextEncoding *ret_encoding)
{
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        *ret_encoding = TEXT_UTF8;
        return 3;
    }
    if (size >= 2 && memcmp(bytes, "\xff\xfe", 2) == 0) {
        *ret_encoding = TEXT_UTF16LE;
        return 2;
    }
    if (size >= 2 && memcmp(bytes, "\xfe\xff", 2) == 0) {
        *ret_encoding = TEXT_UTF16BE;
        return 2;
    }
    return 0;
}

static char *put_character(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

static size_t from_windows_1252(const uint8_t *bytes, size_t n, char *to)
{
    static const uint16_t upper[32] = {0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                       0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
                                       0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                       0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};
    char *start = to;
    for (size_t i = 0; i < n; i++)
        to = put_character(to, bytes[i] >= 0x80 && bytes[i] < 0xa0 ? upper[bytes[i] - 0x80] : bytes[i]);
    return (size_t)(to - start);
}

static inline uint32_t unit_at(const uint8_t *bytes, bool big)
{
    return big ? (uint32_t)bytes[0] << 8 | bytes[1] : (uint32_t)bytes[1] << 8 | bytes[0];
}

static size_t from_utf16(const uint8_t *bytes, size_t n, bool big, bool last, char *to, size_t *ret_taken)
{
    char *start = to;
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        uint32_t c = unit_at(bytes + i, big);
        if (c >= 0xd800 && c < 0xdc00) {
            if (i + 4 > n && !last)
                break;
            uint32_t low = i + 4 <= n ? unit_at(bytes + i + 2, big) : 0;
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        to = put_character(to, c);
    }
    if (last && i < n) { /* half a unit */
        *to++ = (char)0xff;
        i = n;
    }
    *ret_taken = i;
    return (size_t)(to - start);
}

size_t encoding_to_utf8(TextEncoding encoding, const uint8_t *bytes, size_t n, bool last, char *to, size_t *ret_taken)
{
    switch (encoding) {
    case TEXT_UTF16LE:
    case TEXT_UTF16BE:
        return from_utf16(bytes, n, encoding == TEXT_UTF16BE, last, to, ret_taken);
    case TEXT_WINDOWS_1252:
        *ret_taken = n;
        return from_windows_1252(bytes, n, to);
    default:
        memcpy(to, bytes, n);
        *ret_taken = n;
        return n;
    }
}
