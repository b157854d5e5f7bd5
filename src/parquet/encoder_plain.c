/* PLAIN (Encodings.md) and the bounds in statistics (parquet.thrift, Statistics).
 *
 * Numbers lie in memory as PLAIN wants them (little-endian), so they are copied; booleans are packed to bits; decimals
 * of more than 18 digits become big-endian fixed-length arrays of the fewest bytes that hold the precision. */
#include <string.h>

#include "parquet/encoder.h"

#define WHOLE_BOUND_BYTES 4096

/* Fewest bytes whose two's complement holds every decimal of so many digits. */
static uint32_t decimal_bytes(uint32_t precision)
{
    UInt128 largest = 1;
    for (uint32_t i = 0; i < precision; i++)
        largest *= 10;
    uint32_t bytes = 1;
    while (bytes < 16 && ((UInt128)1 << (8 * bytes - 1)) < largest)
        bytes++;
    return bytes;
}

uint32_t encoder_plain_width(DataType type)
{
    switch (type.id) {
    case TYPE_NULLTYPE:
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_FLOAT:
        return 4;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_DOUBLE:
        return 8;
    case TYPE_DECIMAL:
        return type_is_wide_decimal(type) ? decimal_bytes(type.precision) : 8;
    default:
        return 0;
    }
}

static void store_big_endian(Int128 value, uint32_t bytes, uint8_t *out)
{
    for (uint32_t i = bytes; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

static void plain_wide_decimals(uint32_t bytes, const Int128 *values, size_t n, Buffer *out)
{
    uint8_t *place = buffer_reserve(out, n * bytes);
    if (!place)
        return;
    for (size_t i = 0; i < n; i++)
        store_big_endian(values[i], bytes, place + i * bytes);
    out->size += n * bytes;
}

static void plain_texts(const StrView *values, size_t n, Buffer *out)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += 4 + (size_t)values[i].size;
    uint8_t *place = buffer_reserve(out, bytes);
    if (!place)
        return;
    for (size_t i = 0; i < n; i++) {
        memcpy(place, &values[i].size, 4);
        if (values[i].size)
            memcpy(place + 4, values[i].data, values[i].size);
        place += 4 + (size_t)values[i].size;
    }
    out->size += bytes;
}

void encoder_plain(DataType type, const void *values, size_t n, Buffer *out)
{
    if (n == 0)
        return;
    if (type.id == TYPE_STRING || type.id == TYPE_BINARY) {
        plain_texts(values, n, out);
    } else if (type_is_wide_decimal(type)) {
        plain_wide_decimals(encoder_plain_width(type), values, n, out);
    } else if (type.id == TYPE_BOOLEAN) {
        uint8_t *place = buffer_reserve(out, n / 8 + ENCODER_PACK_SLACK);
        if (place)
            out->size += encoder_pack(values, 1, n, 1, place);
    } else {
        buffer_append(out, values, n * encoder_plain_width(type));
    }
}

/* Bytes of `text` up to `max` that end between characters, when the text is UTF-8; `max` itself otherwise. */
static uint32_t cut_between_characters(StrView text, uint32_t max)
{
    uint32_t at = max;
    while (at > 0 && ((uint8_t)text.data[at] & 0xc0) == 0x80)
        at--;
    return at > 0 && max - at <= 3 ? at : max;
}

/* Raises the UTF-8 character that ends bytes[0..size) to the next one; returns the size then, 0 when it has none. */
static uint32_t raise_character(uint8_t *bytes, uint32_t size)
{
    uint32_t start = size - 1;
    while (start > 0 && (bytes[start] & 0xc0) == 0x80)
        start--;
    uint32_t length = size - start;
    uint8_t lead = bytes[start];
    static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (length > 4 || (length == 1 ? lead >= 0x80 : (lead & ~lead_bits[length]) != (uint8_t)(0xf00 >> length)))
        return 0;
    uint32_t point = lead & lead_bits[length];
    for (uint32_t i = 1; i < length; i++)
        point = point << 6 | (bytes[start + i] & 0x3f);
    point = point == 0xd7ff ? 0xe000 : point + 1;
    if (point > 0x10ffff)
        return 0;
    uint32_t wanted = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (uint32_t i = wanted; i-- > 1; point >>= 6)
        bytes[start + i] = (uint8_t)(0x80 | (point & 0x3f));
    bytes[start] = (uint8_t)(wanted == 1 ? point : (uint32_t)(uint8_t)(0xf00 >> wanted) | point);
    return start + wanted;
}

/* Makes the cut maximum in bytes[0..size) larger than everything that starts with it.  Returns its size, 0 when there
 * is no such text. */
static uint32_t raise_maximum(uint8_t *bytes, uint32_t size, bool is_text)
{
    while (size > 0) {
        if (is_text) {
            uint32_t raised = raise_character(bytes, size);
            if (raised)
                return raised;
            do {
                size--;
            } while (size > 0 && (bytes[size] & 0xc0) == 0x80);
        } else {
            if (bytes[size - 1] != 0xff) {
                bytes[size - 1]++;
                return size;
            }
            size--;
        }
    }
    return 0;
}

/* Whether these bytes are UTF-8 as far as raising a maximum relies on it. */
static bool is_utf8(const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size;) {
        uint8_t lead = bytes[i];
        uint32_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
        if (length == 0 || length > size - i)
            return false;
        for (uint32_t k = 1; k < length; k++)
            if ((bytes[i + k] & 0xc0) != 0x80)
                return false;
        i += length;
    }
    return true;
}

static bool text_bound(const Value *value, bool is_max, Buffer *out, bool *ret_exact)
{
    StrView text = value->string;
    *ret_exact = text.size <= ENCODER_BOUND_BYTES;
    if (*ret_exact) {
        buffer_append(out, text.data, text.size);
        return true;
    }
    bool is_text = value->type.id == TYPE_STRING;
    uint8_t bytes[ENCODER_BOUND_BYTES + 4];
    uint32_t size = is_text ? cut_between_characters(text, ENCODER_BOUND_BYTES) : ENCODER_BOUND_BYTES;
    memcpy(bytes, text.data, size);
    if (is_max) {
        size = raise_maximum(bytes, size, is_text && is_utf8(bytes, size));
        if (size == 0) { /* nothing short is larger: the text itself has to do */
            if (text.size > WHOLE_BOUND_BYTES)
                return false;
            *ret_exact = true;
            buffer_append(out, text.data, text.size);
            return true;
        }
    }
    buffer_append(out, bytes, size);
    return true;
}

bool encoder_bound(const Value *value, bool is_max, Buffer *out, bool *ret_exact)
{
    DataType type = value->type;
    *ret_exact = true;
    if (type.id == TYPE_STRING || type.id == TYPE_BINARY)
        return text_bound(value, is_max, out, ret_exact);
    if (type.id == TYPE_BOOLEAN) {
        buffer_append_byte(out, value->boolean);
        return true;
    }
    encoder_plain(type, value->raw, 1, out);
    return true;
}
