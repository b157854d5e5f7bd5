#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool text_fold(StrView text, char *ret, size_t size)
{
    /* U+00C0..U+00FF without the signs of multiplication and division; two letters for three of them */
    static const char plain[] = "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
    size_t n = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        unsigned char next = i + 1 < text.size ? (unsigned char)text.data[i + 1] : 0;
        if (n + 3 > size)
            return false;
        if (c == 0xc3 && next >= 0x80 && next < 0xc0 && next != 0x97 && next != 0xb7) {
            unsigned at = next - 0x80u;
            ret[n++] = plain[at];
            if ((at & 0x1f) == 0x06) /* ae */
                ret[n++] = 'e';
            else if (at == 0x1f) /* sharp s */
                ret[n++] = 's';
            i++;
        } else {
            ret[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        }
    }
    if (n >= size)
        return false;
    ret[n] = '\0';
    return true;
}

StrView arena_str(Arena *arena, StrView text)
{
    return (StrView){arena_memdup(arena, text.data, text.size), text.size};
}

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[65];
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > 64 || length_b > 64)
        return 64;
    for (size_t j = 0; j <= length_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
            size_t drop = row[j] + 1, add = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = substitute < drop ? substitute : drop;
            if (add < row[j])
                row[j] = add;
        }
    }
    return row[length_b];
}

int text_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

static char *scaled(char *text, size_t size, double value, double base, const char *const *units, size_t n_units)
{
    size_t unit = 0;
    while (value >= base && unit + 1 < n_units) {
        value /= base;
        unit++;
    }
    int digits = unit == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
    snprintf(text, size, "%.*f%s", digits, value, units[unit]);
    return text;
}

char *text_count(char *text, size_t size, double value)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    return scaled(text, size, value, 1000, units, ARRAY_SIZE(units));
}

char *text_bytes(char *text, size_t size, double bytes)
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB"};
    return scaled(text, size, bytes, 1000, units, ARRAY_SIZE(units));
}

char *text_seconds(char *text, size_t size, double seconds)
{
    if (seconds < 1)
        snprintf(text, size, "%.0f ms", seconds * 1000);
    else if (seconds < 100)
        snprintf(text, size, "%.2f s", seconds);
    else
        snprintf(text, size, "%.0f min %02.0f s", floor(seconds / 60), fmod(seconds, 60));
    return text;
}

static bool ends_in(const char *noun, size_t size, const char *letters)
{
    return size > 0 && strchr(letters, noun[size - 1]) != NULL;
}

static CountText with_noun(const char *number, uint64_t n, const char *noun)
{
    CountText count;
    size_t size = strlen(noun);
    bool hisses = ends_in(noun, size, "sx") || (ends_in(noun, size, "h") && ends_in(noun, size - 1, "cs"));
    bool turns = ends_in(noun, size, "y") && !ends_in(noun, size - 1, "aeiou");
    snprintf(count.text, sizeof count.text, "%s %.*s%s", number, (int)(n != 1 && turns ? size - 1 : size), noun,
             n == 1   ? ""
             : turns  ? "ies"
             : hisses ? "es"
                      : "s");
    return count;
}

CountText text_plural(uint64_t n, const char *noun)
{
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)n);
    return with_noun(number, n, noun);
}

CountText text_plural_short(uint64_t n, const char *noun)
{
    char number[24];
    return with_noun(text_count(number, sizeof number, (double)n), n, noun);
}

Status text_parse_bytes(const char *text, size_t *ret_bytes, Error *err)
{
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {{"", 1},           {"B", 1},
                 {"kB", 1e3},       {"KB", 1e3},
                 {"MB", 1e6},       {"GB", 1e9},
                 {"TB", 1e12},      {"KiB", 1024},
                 {"MiB", 1048576},  {"GiB", 1073741824},
                 {"K", 1024},       {"M", 1048576},
                 {"G", 1073741824}, {"TiB", 1099511627776.0}};
    char *end;
    double value = strtod(text, &end);
    while (*end == ' ')
        end++;
    for (size_t i = 0; end != text && i < ARRAY_SIZE(units); i++) {
        double bytes = value * units[i].factor;
        if (strcmp(end, units[i].suffix) == 0 && bytes >= 0 && bytes < 9e18) {
            *ret_bytes = (size_t)bytes;
            return STATUS_OK;
        }
    }
    error_set(err, STATUS_USAGE, "'%s' is not a size", text);
    return error_hint(err, "write it as 750MB, 1GiB or a number of bytes");
}

/* Length of the valid UTF-8 sequence at `text`, or 0. */
static uint32_t utf8_length(const unsigned char *text, uint32_t size)
{
    unsigned char c = text[0];
    uint32_t length = c < 0x80                ? 1
                      : c >= 0xc2 && c < 0xe0 ? 2
                      : c >= 0xe0 && c < 0xf0 ? 3
                      : c >= 0xf0 && c < 0xf5 ? 4
                                              : 0;
    if (length == 0 || length > size)
        return 0;
    for (uint32_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f) || (c == 0xf0 && text[1] < 0x90) ||
        (c == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

void text_append_json(Buffer *buffer, StrView text)
{
    buffer_append_byte(buffer, '"');
    for (uint32_t i = 0; i < text.size;) {
        unsigned char c = (unsigned char)text.data[i];
        uint32_t length = utf8_length((const unsigned char *)text.data + i, text.size - i);
        if (length == 0) {
            buffer_append_text(buffer, "\xef\xbf\xbd");
            length = 1;
        } else if (c == '"' || c == '\\') {
            buffer_printf(buffer, "\\%c", c);
        } else if (c == '\n') {
            buffer_append_text(buffer, "\\n");
        } else if (c == '\t') {
            buffer_append_text(buffer, "\\t");
        } else if (c == '\r') {
            buffer_append_text(buffer, "\\r");
        } else if (c < 0x20) {
            buffer_printf(buffer, "\\u%04x", c);
        } else {
            buffer_append(buffer, text.data + i, length);
        }
        i += length;
    }
    buffer_append_byte(buffer, '"');
}

size_t text_format_double(char *text, double value)
{
    if (isnan(value))
        return (size_t)snprintf(text, 32, "nan");
    for (int digits = 15;; digits++) {
        int n = snprintf(text, 32, "%.*g", digits, value);
        if (digits == 17 || strtod(text, NULL) == value)
            return (size_t)n;
    }
}
