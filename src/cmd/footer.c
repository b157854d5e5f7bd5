/* Footer: a Parquet file's metadata for `inspect`. */
#include "cmd/footer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TAIL_BYTES 8 /* the footer's length and the magic */

static Status refuse(const char *path, int64_t offset, const char *problem, Error *err)
{
    error_set(err, STATUS_CORRUPT, "%s", problem);
    error_at_offset(err, offset);
    return error_at_file(err, path);
}

static Status read_footer(StorageReader *reader, const char *path, Arena *arena, Footer *footer, Error *err)
{
    uint8_t tail[TAIL_BYTES];
    footer->file_bytes = reader->size_bytes;
    if (reader->size_bytes < 4 + TAIL_BYTES)
        return refuse(path, 0, "this is no Parquet file: it is too short", err);
    uint64_t tail_offset = reader->size_bytes - TAIL_BYTES;
    TRY(storage_read(reader, tail_offset, tail, TAIL_BYTES, err));
    if (memcmp(tail + 4, PARQUET_MAGIC_ENCRYPTED, 4) == 0) {
        error_set(err, STATUS_UNSUPPORTED, "the footer is encrypted");
        return error_at_file(err, path);
    }
    if (memcmp(tail + 4, PARQUET_MAGIC, 4) != 0)
        return refuse(path, (int64_t)tail_offset + 4, "this is no Parquet file: it does not end with PAR1", err);
    footer->footer_bytes =
        (uint64_t)tail[0] | (uint64_t)tail[1] << 8 | (uint64_t)tail[2] << 16 | (uint64_t)tail[3] << 24;
    if (footer->footer_bytes > tail_offset - 4)
        return refuse(path, (int64_t)tail_offset, "the footer is longer than the file", err);
    uint64_t start = tail_offset - footer->footer_bytes;
    uint8_t *bytes = arena_alloc(arena, (size_t)footer->footer_bytes);
    TRY(storage_read(reader, start, bytes, (size_t)footer->footer_bytes, err));
    TRY(metadata_decode_file(bytes, (size_t)footer->footer_bytes, start, arena, &footer->metadata, err));
    return schema_tree_build(&footer->metadata, arena, &footer->tree, err);
}

Status footer_read(const char *path, Arena *job_arena, Footer *ret_footer, Error *err)
{
    CLEANUP(storage_close_cleanup) StorageReader *reader = NULL;
    TRY(storage_open(path, &reader, err));
    Footer footer = {0};
    if (read_footer(reader, path, job_arena, &footer, err) != STATUS_OK)
        return error_at_file(err, path);
    *ret_footer = footer;
    return STATUS_OK;
}

/* Big-endian two's complement, sign extended. */
static bool read_big_endian(StrView bytes, Int128 *ret)
{
    if (bytes.size == 0 || bytes.size > 16)
        return false;
    UInt128 value = (signed char)bytes.data[0] < 0 ? ~(UInt128)0 : 0;
    for (uint32_t i = 0; i < bytes.size; i++)
        value = value << 8 | (unsigned char)bytes.data[i];
    *ret = (Int128)value;
    return true;
}

static bool read_integer(const SchemaLeaf *leaf, StrView bytes, Int128 *ret)
{
    int32_t small;
    int64_t large;
    switch (leaf->physical) {
    case FORMAT_INT32:
        if (bytes.size != sizeof small)
            return false;
        memcpy(&small, bytes.data, sizeof small);
        *ret = leaf->is_unsigned ? (Int128)(uint32_t)small : small;
        return true;
    case FORMAT_INT64:
        if (bytes.size != sizeof large)
            return false;
        memcpy(&large, bytes.data, sizeof large);
        *ret = leaf->is_unsigned ? (Int128)(uint64_t)large : large;
        return true;
    case FORMAT_BYTE_ARRAY:
    case FORMAT_FIXED_LEN_BYTE_ARRAY:
        return read_big_endian(bytes, ret);
    default:
        return false;
    }
}

static float float_of_half(uint16_t half)
{
    int sign = half >> 15, exponent = half >> 10 & 31, fraction = half & 1023;
    float value = exponent == 31
                      ? (fraction ? NAN : INFINITY)
                      : ldexpf((float)(exponent ? fraction | 1024 : fraction), (exponent ? exponent : 1) - 25);
    return sign ? -value : value;
}

static void read_float(const SchemaLeaf *leaf, StrView bytes, Value *value)
{
    if (leaf->conversion == CONVERT_FLOAT16_TO_FLOAT && bytes.size == 2) {
        uint16_t half;
        memcpy(&half, bytes.data, sizeof half);
        value->float32 = float_of_half(half);
        value->valid = true;
    } else if (leaf->physical == FORMAT_FLOAT && bytes.size == sizeof value->float32) {
        memcpy(&value->float32, bytes.data, sizeof value->float32);
        value->valid = true;
    }
}

static void read_whole(const SchemaLeaf *leaf, StrView bytes, Value *value)
{
    Int128 integer;
    if (!read_integer(leaf, bytes, &integer))
        return;
    value->valid = true;
    if (type_is_wide_decimal(value->type))
        value->int128 = integer;
    else if (value->type.id == TYPE_INT || value->type.id == TYPE_DATE)
        value->int32 = (int32_t)integer;
    else if (leaf->conversion == CONVERT_MILLIS_TO_MICROS)
        value->valid = !__builtin_mul_overflow((int64_t)integer, 1000, &value->int64);
    else if (leaf->conversion == CONVERT_NANOS_TO_MICROS)
        value->int64 = (int64_t)integer / 1000 - ((int64_t)integer % 1000 < 0);
    else
        value->int64 = (int64_t)integer;
}

Value footer_bound(const SchemaLeaf *leaf, StrView bytes)
{
    Value value = {.type = leaf->type};
    if (leaf->unsupported)
        return value;
    switch (leaf->type.id) {
    case TYPE_BOOLEAN:
        value.valid = bytes.size == 1;
        value.boolean = value.valid && bytes.data[0];
        break;
    case TYPE_FLOAT:
        read_float(leaf, bytes, &value);
        break;
    case TYPE_DOUBLE:
        value.valid = bytes.size == sizeof value.float64;
        if (value.valid)
            memcpy(&value.float64, bytes.data, sizeof value.float64);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        value.valid = true;
        value.string = bytes;
        break;
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        read_whole(leaf, bytes, &value);
        break;
    default:
        break;
    }
    return value;
}

bool footer_bounds(const SchemaLeaf *leaf, const FormatStatistics *statistics, Value *ret_min, Value *ret_max)
{
    bool is_bytes = leaf->physical == FORMAT_BYTE_ARRAY || leaf->physical == FORMAT_FIXED_LEN_BYTE_ARRAY;
    bool has_new = statistics->has_min_value && statistics->has_max_value;
    if (!has_new && (!statistics->has_old_min_max || is_bytes || leaf->is_unsigned))
        return false;
    *ret_min = footer_bound(leaf, has_new ? statistics->min_value : statistics->old_min);
    *ret_max = footer_bound(leaf, has_new ? statistics->max_value : statistics->old_max);
    return ret_min->valid && ret_max->valid;
}

char *footer_type_text(const SchemaLeaf *leaf, char *text, size_t size)
{
    if (leaf->unsupported)
        snprintf(text, size, "%s (not read)", leaf->unsupported);
    else
        type_name(leaf->type, text, size);
    return text;
}
