/* PLAIN, RLE booleans, the DELTA encodings and BYTE_STREAM_SPLIT (Encodings.md). */
#include "parquet/encoding_values.h"

#include "parquet/metadata.h"

static Status too_short(const ValueDecoder *decoder, Error *err)
{
    return error_set(err, STATUS_CORRUPT, "the page has fewer %s values than its header says, or they are malformed",
                     format_encoding_name((int32_t)decoder->encoding));
}

static bool encoding_allowed(FormatEncoding encoding, FormatType physical)
{
    switch (encoding) {
    case FORMAT_PLAIN:
        return true;
    case FORMAT_RLE:
        return physical == FORMAT_BOOLEAN;
    case FORMAT_DELTA_BINARY_PACKED:
        return physical == FORMAT_INT32 || physical == FORMAT_INT64;
    case FORMAT_DELTA_LENGTH_BYTE_ARRAY:
        return physical == FORMAT_BYTE_ARRAY;
    case FORMAT_DELTA_BYTE_ARRAY:
        return physical == FORMAT_BYTE_ARRAY || physical == FORMAT_FIXED_LEN_BYTE_ARRAY;
    case FORMAT_BYTE_STREAM_SPLIT:
        return physical == FORMAT_INT32 || physical == FORMAT_INT64 || physical == FORMAT_FLOAT ||
               physical == FORMAT_DOUBLE || physical == FORMAT_FIXED_LEN_BYTE_ARRAY;
    default:
        return false;
    }
}

/* RLE booleans stand behind their length in four bytes. */
static bool init_rle(ValueDecoder *decoder)
{
    uint32_t size;
    size_t left = (size_t)(decoder->end - decoder->next);
    if (left < sizeof size)
        return left == 0;
    memcpy(&size, decoder->next, sizeof size);
    if (size > left - sizeof size)
        return false;
    hybrid_init(&decoder->hybrid, decoder->next + sizeof size, size, 1);
    return true;
}

/* Lengths first, the bytes behind them. */
static bool init_lengths(ValueDecoder *decoder)
{
    if (!delta_init(&decoder->delta, decoder->next, (size_t)(decoder->end - decoder->next)))
        return false;
    decoder->next = delta_find_end(&decoder->delta);
    return decoder->next != NULL;
}

static bool init_prefixes(ValueDecoder *decoder)
{
    if (!delta_init(&decoder->prefixes, decoder->next, (size_t)(decoder->end - decoder->next)))
        return false;
    decoder->next = delta_find_end(&decoder->prefixes);
    return decoder->next && init_lengths(decoder) && decoder->delta.values_left == decoder->prefixes.values_left;
}

Status values_init(ValueDecoder *decoder, FormatEncoding encoding, const SchemaLeaf *leaf, const uint8_t *bytes,
                   size_t size, Error *err)
{
    *decoder = (ValueDecoder){.encoding = encoding,
                              .physical = leaf->physical,
                              .value_bytes = leaf->physical_bytes,
                              .next = bytes,
                              .end = bytes + size,
                              .previous = {"", 0}};
    if (!encoding_allowed(encoding, leaf->physical))
        return error_set(err, STATUS_UNSUPPORTED, "the encoding %s (%d) for values of type %s is not supported",
                         format_encoding_name((int32_t)encoding), (int)encoding,
                         format_type_name((int32_t)leaf->physical));
    bool good = true;
    if (size == 0)
        return STATUS_OK;
    if (encoding == FORMAT_RLE)
        good = init_rle(decoder);
    else if (encoding == FORMAT_DELTA_BINARY_PACKED)
        good = delta_init(&decoder->delta, bytes, size);
    else if (encoding == FORMAT_DELTA_LENGTH_BYTE_ARRAY)
        good = init_lengths(decoder);
    else if (encoding == FORMAT_DELTA_BYTE_ARRAY)
        good = init_prefixes(decoder);
    else if (encoding == FORMAT_BYTE_STREAM_SPLIT)
        decoder->n_values = size / decoder->value_bytes;
    return good ? STATUS_OK : too_short(decoder, err);
}

static bool read_plain_booleans(ValueDecoder *decoder, uint32_t n, uint8_t *out)
{
    if (decoder->position + n > (uint64_t)(decoder->end - decoder->next) * 8)
        return false;
    uint32_t odd = (uint32_t)(-decoder->position & 7);
    odd = odd < n ? odd : n;
    unpack_u8_from(decoder->next, 1, decoder->position, odd, out);
    if (odd < n)
        unpack_u8(decoder->next + (decoder->position + odd) / 8, 1, n - odd, out + odd);
    decoder->position += n;
    return true;
}

static bool read_plain_byte_arrays(ValueDecoder *decoder, uint32_t n, StrView *out)
{
    const uint8_t *next = decoder->next;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t size;
        size_t left = (size_t)(decoder->end - next);
        if (left < sizeof size)
            return false;
        memcpy(&size, next, sizeof size);
        if (size > left - sizeof size)
            return false;
        out[i] = (StrView){(const char *)next + sizeof size, size};
        next += sizeof size + size;
    }
    decoder->next = next;
    return true;
}

static bool read_delta_lengths(ValueDecoder *decoder, uint32_t n, StrView *out)
{
    while (n > 0) {
        int32_t lengths[256];
        uint32_t take = n < ARRAY_SIZE(lengths) ? n : (uint32_t)ARRAY_SIZE(lengths);
        if (!delta_read_i32(&decoder->delta, take, lengths))
            return false;
        for (uint32_t i = 0; i < take; i++) {
            if (lengths[i] < 0 || lengths[i] > decoder->end - decoder->next)
                return false;
            out[i] = (StrView){(const char *)decoder->next, (uint32_t)lengths[i]};
            decoder->next += lengths[i];
        }
        out += take;
        n -= take;
    }
    return true;
}

/* Bytes that the values with these prefixes and suffixes take together; false when they do not fit the page. */
static bool joined_bytes(const ValueDecoder *decoder, const int32_t *prefixes, const int32_t *suffixes, uint32_t n,
                         size_t *ret_bytes)
{
    size_t bytes = 0, previous = decoder->previous.size, left = (size_t)(decoder->end - decoder->next);
    for (uint32_t i = 0; i < n; i++) {
        if (prefixes[i] < 0 || (size_t)prefixes[i] > previous || suffixes[i] < 0 || (size_t)suffixes[i] > left)
            return false;
        left -= (size_t)suffixes[i];
        previous = (size_t)prefixes[i] + (size_t)suffixes[i];
        if (previous > INT32_MAX ||
            (decoder->physical == FORMAT_FIXED_LEN_BYTE_ARRAY && previous != decoder->value_bytes))
            return false;
        bytes += previous;
    }
    *ret_bytes = bytes;
    return true;
}

/* Values are put together in pieces of 256, each reserved before it is built: prefixes can blow up a small page. */
static Status read_delta_byte_arrays(ValueDecoder *decoder, uint32_t n, void *scratch, Arena *arena,
                                     MemoryBudget *budget, size_t *inout_reserved, Error *err)
{
    for (uint32_t done = 0; done < n;) {
        int32_t prefixes[256], suffixes[256];
        uint32_t take = n - done < ARRAY_SIZE(prefixes) ? n - done : (uint32_t)ARRAY_SIZE(prefixes);
        size_t bytes;
        if (!delta_read_i32(&decoder->prefixes, take, prefixes) || !delta_read_i32(&decoder->delta, take, suffixes) ||
            !joined_bytes(decoder, prefixes, suffixes, take, &bytes))
            return too_short(decoder, err);
        TRY(budget_reserve(budget, bytes, "strings of a page", err));
        *inout_reserved += bytes;
        char *memory = arena_alloc(arena, bytes + 1);
        for (uint32_t i = 0; i < take; i++) {
            memcpy(memory, decoder->previous.data, (size_t)prefixes[i]);
            memcpy(memory + prefixes[i], decoder->next, (size_t)suffixes[i]);
            decoder->next += suffixes[i];
            decoder->previous = (StrView){memory, (uint32_t)(prefixes[i] + suffixes[i])};
            memory += decoder->previous.size;
            if (decoder->physical == FORMAT_BYTE_ARRAY)
                ((StrView *)scratch)[done + i] = decoder->previous;
            else
                memcpy((uint8_t *)scratch + (size_t)(done + i) * decoder->value_bytes, decoder->previous.data,
                       decoder->value_bytes);
        }
        done += take;
    }
    return STATUS_OK;
}

#define DEFINE_JOIN(name, Type, bytes)                                                                                 \
    static void name(const uint8_t *streams, uint64_t stride, uint32_t n, Type *out)                                   \
    {                                                                                                                  \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            Type value = 0;                                                                                            \
            for (unsigned k = 0; k < (bytes); k++)                                                                     \
                value |= (Type)((Type)streams[k * stride + i] << (8 * k));                                             \
            out[i] = value;                                                                                            \
        }                                                                                                              \
    }
DEFINE_JOIN(join_streams_4, uint32_t, 4)
DEFINE_JOIN(join_streams_8, uint64_t, 8)

/* Byte k of every value stands in stream k. */
static bool read_byte_streams(ValueDecoder *decoder, uint32_t n, uint8_t *out)
{
    if (n > decoder->n_values - decoder->position)
        return false;
    const uint8_t *streams = decoder->next + decoder->position;
    uint64_t stride = decoder->n_values;
    if (decoder->value_bytes == 4) {
        join_streams_4(streams, stride, n, (uint32_t *)(void *)out);
    } else if (decoder->value_bytes == 8) {
        join_streams_8(streams, stride, n, (uint64_t *)(void *)out);
    } else {
        for (uint32_t k = 0; k < decoder->value_bytes; k++)
            for (uint32_t i = 0; i < n; i++)
                out[(size_t)i * decoder->value_bytes + k] = streams[k * stride + i];
    }
    decoder->position += n;
    return true;
}

/* Fixed-width PLAIN values need no work: they stand in the page. */
static bool take_plain(ValueDecoder *decoder, uint32_t n, const void **ret_values)
{
    uint64_t bytes = (uint64_t)n * decoder->value_bytes;
    if (bytes > (uint64_t)(decoder->end - decoder->next))
        return false;
    *ret_values = decoder->next;
    decoder->next += bytes;
    return true;
}

Status values_read(ValueDecoder *decoder, uint32_t n, void *scratch, Arena *arena, MemoryBudget *budget,
                   size_t *inout_reserved, const void **ret_values, Error *err)
{
    bool good;
    const void *values = scratch;
    switch (decoder->encoding) {
    case FORMAT_RLE:
        good = hybrid_read_u8(&decoder->hybrid, n, scratch);
        break;
    case FORMAT_DELTA_BINARY_PACKED:
        good = decoder->physical == FORMAT_INT32 ? delta_read_i32(&decoder->delta, n, scratch)
                                                 : delta_read_i64(&decoder->delta, n, scratch);
        break;
    case FORMAT_DELTA_LENGTH_BYTE_ARRAY:
        good = read_delta_lengths(decoder, n, scratch);
        break;
    case FORMAT_DELTA_BYTE_ARRAY:
        TRY(read_delta_byte_arrays(decoder, n, scratch, arena, budget, inout_reserved, err));
        good = true;
        break;
    case FORMAT_BYTE_STREAM_SPLIT:
        good = read_byte_streams(decoder, n, scratch);
        break;
    default:
        if (decoder->physical == FORMAT_BOOLEAN)
            good = read_plain_booleans(decoder, n, scratch);
        else if (decoder->physical == FORMAT_BYTE_ARRAY)
            good = read_plain_byte_arrays(decoder, n, scratch);
        else
            good = take_plain(decoder, n, &values);
    }
    if (!good)
        return too_short(decoder, err);
    *ret_values = values;
    return STATUS_OK;
}
