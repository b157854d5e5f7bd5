#include "exec/row_code.h"

#include <math.h>
#include <string.h>

#define NULL_FIRST 0
#define PRESENT 1
#define NULL_LAST 2
#define ESCAPED_ZERO 255

#define SIGN_32 ((uint32_t)1 << 31)
#define SIGN_64 ((uint64_t)1 << 63)

/* ---- fixed widths ---- */

static uint64_t bits_of_double(double value)
{
    uint64_t bits;
    value = isnan(value) ? NAN : value + 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN_64 ? ~bits : bits | SIGN_64;
}

static double double_of_bits(uint64_t bits)
{
    double value;
    bits = bits & SIGN_64 ? bits ^ SIGN_64 : ~bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value)
{
    uint32_t bits;
    value = isnan(value) ? NAN : value + 0.0f;
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN_32 ? ~bits : bits | SIGN_32;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    bits = bits & SIGN_32 ? bits ^ SIGN_32 : ~bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool is_text(DataType type)
{
    return type.id == TYPE_STRING || type.id == TYPE_BINARY;
}

/* Of a value that is no text, as it stands in the code. */
static size_t code_width(DataType type)
{
    return type.id == TYPE_NULLTYPE ? 0 : type_width(type);
}

static UInt128 fixed_code(DataType type, const void *data, uint32_t row)
{
    switch (type_is_wide_decimal(type) ? TYPE_COUNT : type.id) {
    case TYPE_BOOLEAN:
        return ((const uint8_t *)data)[row];
    case TYPE_INT:
    case TYPE_DATE:
        return ((const uint32_t *)data)[row] ^ SIGN_32;
    case TYPE_FLOAT:
        return bits_of_float(((const float *)data)[row]);
    case TYPE_DOUBLE:
        return bits_of_double(((const double *)data)[row]);
    case TYPE_COUNT:
        return ((const UInt128 *)data)[row] ^ (UInt128)SIGN_64 << 64;
    default:
        return ((const uint64_t *)data)[row] ^ SIGN_64;
    }
}

static void set_fixed(DataType type, UInt128 code, void *data, uint32_t row)
{
    switch (type_is_wide_decimal(type) ? TYPE_COUNT : type.id) {
    case TYPE_BOOLEAN:
        ((uint8_t *)data)[row] = (uint8_t)code;
        break;
    case TYPE_INT:
    case TYPE_DATE:
        ((uint32_t *)data)[row] = (uint32_t)code ^ SIGN_32;
        break;
    case TYPE_FLOAT:
        ((float *)data)[row] = float_of_bits((uint32_t)code);
        break;
    case TYPE_DOUBLE:
        ((double *)data)[row] = double_of_bits((uint64_t)code);
        break;
    case TYPE_COUNT:
        ((UInt128 *)data)[row] = code ^ (UInt128)SIGN_64 << 64;
        break;
    default:
        ((uint64_t *)data)[row] = (uint64_t)code ^ SIGN_64;
    }
}

/* ---- texts ---- */

static void append_text(Buffer *buffer, StrView text, uint8_t flip)
{
    size_t zeros = 0;
    for (const char *at = text.data, *end = at + text.size; at < end && (at = memchr(at, 0, (size_t)(end - at))); at++)
        zeros++;
    uint8_t *to = buffer_reserve(buffer, text.size + zeros + 2);
    if (!to)
        return;
    buffer->size += text.size + zeros + 2;
    for (uint32_t i = 0; i < text.size; i++) {
        *to++ = (uint8_t)text.data[i] ^ flip;
        if (text.data[i] == 0)
            *to++ = ESCAPED_ZERO ^ flip;
    }
    to[0] = to[1] = flip;
}

/* Where the text ends, and how many bytes it has without what was added. */
static const uint8_t *skip_text(const uint8_t *bytes, uint8_t flip, size_t *ret_size)
{
    size_t size = 0;
    while (bytes[0] != flip || bytes[1] != flip) {
        bytes += bytes[0] == flip ? 2 : 1;
        size++;
    }
    *ret_size = size;
    return bytes + 2;
}

static StrView read_text(const uint8_t *bytes, const uint8_t *end, uint8_t flip, size_t size, Arena *arena)
{
    if (flip == 0 && (size_t)(end - bytes) == size + 2)
        return (StrView){(const char *)bytes, (uint32_t)size};
    char *text = arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)(*bytes ^ flip);
        bytes += *bytes == flip ? 2 : 1;
    }
    return (StrView){text, (uint32_t)size};
}

/* ---- values ---- */

void row_code_append(Buffer *buffer, const RowCodeKey *key, const Vector *vector, uint32_t row)
{
    if (!vector_is_valid(vector, row) || key->type.id == TYPE_NULLTYPE) {
        buffer_append_byte(buffer, key->nulls_first ? NULL_FIRST : NULL_LAST);
        return;
    }
    const Vector *entries = vector_entries(vector);
    uint32_t position = vector_position(vector, row);
    uint8_t flip = key->descending ? 255 : 0;
    buffer_append_byte(buffer, PRESENT);
    if (is_text(key->type)) {
        append_text(buffer, ((const StrView *)entries->data)[position], flip);
        return;
    }
    size_t width = code_width(key->type);
    UInt128 code = fixed_code(key->type, entries->data, position);
    uint8_t bytes[16];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(code >> 8 * (width - 1 - i)) ^ flip;
    buffer_append(buffer, bytes, width);
}

const uint8_t *row_code_skip(const RowCodeKey *key, const uint8_t *bytes)
{
    size_t size;
    if (*bytes++ != PRESENT)
        return bytes;
    return is_text(key->type) ? skip_text(bytes, key->descending ? 255 : 0, &size) : bytes + code_width(key->type);
}

const uint8_t *row_code_read(const RowCodeKey *key, const uint8_t *bytes, Vector *flat, uint32_t row, Arena *arena)
{
    uint8_t flip = key->descending ? 255 : 0;
    flat->valid[row] = *bytes++ == PRESENT;
    if (is_text(key->type)) {
        size_t size = 0;
        const uint8_t *end = flat->valid[row] ? skip_text(bytes, flip, &size) : bytes;
        ((StrView *)flat->data)[row] = flat->valid[row] ? read_text(bytes, end, flip, size, arena) : (StrView){"", 0};
        return end;
    }
    size_t width = flat->valid[row] ? code_width(key->type) : 0;
    UInt128 code = 0;
    for (size_t i = 0; i < width; i++)
        code = code << 8 | (bytes[i] ^ flip);
    if (width)
        set_fixed(key->type, code, flat->data, row);
    else
        memset((char *)flat->data + type_width(key->type) * row, 0, type_width(key->type));
    return bytes + width;
}
