/* Decompression of pages (Compression.md): snappy, gzip (libdeflate), zstd, lz4_raw, and Hadoop's lz4.
 *
 * LZ4 is the deprecated codec: Hadoop's writers frame blocks with two big-endian lengths, uncompressed and compressed;
 * others wrote bare LZ4 blocks, or LZ4 frames.  The framing is tried first and a bare block after it, as no sign tells
 * them apart. */
#include "parquet/page_codec.h"

#include <libdeflate.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zstd.h>

#include "parquet/metadata.h"

Status codec_check(int32_t codec, Error *err)
{
    switch (codec) {
    case FORMAT_CODEC_UNCOMPRESSED:
    case FORMAT_CODEC_SNAPPY:
    case FORMAT_CODEC_GZIP:
    case FORMAT_CODEC_LZ4:
    case FORMAT_CODEC_ZSTD:
    case FORMAT_CODEC_LZ4_RAW:
        return STATUS_OK;
    default:
        error_set(err, STATUS_UNSUPPORTED, "the compression %s (%d) is not supported", format_codec_name(codec),
                  (int)codec);
        return error_hint(err, "write the file anew with snappy or zstd");
    }
}

bool codec_plausible(int32_t codec, size_t compressed, size_t uncompressed)
{
    size_t ratio;
    switch (codec) {
    case FORMAT_CODEC_SNAPPY:
        ratio = 64;
        break;
    case FORMAT_CODEC_GZIP:
        ratio = 1040;
        break;
    case FORMAT_CODEC_LZ4:
    case FORMAT_CODEC_LZ4_RAW:
        ratio = 256;
        break;
    default:
        ratio = 65536;
    }
    return uncompressed / ratio <= compressed;
}

/* Members of a gzip file one after the other, as the format of gzip allows. */
static bool gunzip(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    bool good = decompressor != NULL;
    while (good && (out_size > 0 || in_size > 0)) {
        size_t used, made;
        good = in_size > 0 && libdeflate_gzip_decompress_ex(decompressor, in, in_size, out, out_size, &used, &made) ==
                                  LIBDEFLATE_SUCCESS;
        if (good) {
            in += used;
            in_size -= used;
            out += made;
            out_size -= made;
        }
    }
    libdeflate_free_decompressor(decompressor);
    return good;
}

static bool lz4_block(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    return in_size <= LZ4_MAX_INPUT_SIZE && out_size <= LZ4_MAX_INPUT_SIZE &&
           LZ4_decompress_safe((const char *)in, (char *)out, (int)in_size, (int)out_size) == (int)out_size;
}

static uint32_t big_endian_32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return __builtin_bswap32(value);
}

static bool lz4_hadoop(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    while (in_size >= 8) {
        uint32_t made = big_endian_32(in);
        uint32_t used = big_endian_32(in + 4);
        if (used > in_size - 8 || made > out_size || !lz4_block(in + 8, used, out, made))
            return false;
        in += 8 + used;
        in_size -= 8 + (size_t)used;
        out += made;
        out_size -= made;
    }
    return in_size == 0 && out_size == 0;
}

Status codec_decompress(int32_t codec, const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size, Error *err)
{
    bool good;
    size_t made = out_size;
    switch (codec) {
    case FORMAT_CODEC_SNAPPY:
        good = snappy_uncompressed_length((const char *)in, in_size, &made) == SNAPPY_OK && made == out_size &&
               snappy_uncompress((const char *)in, in_size, (char *)out, &made) == SNAPPY_OK;
        break;
    case FORMAT_CODEC_GZIP:
        good = gunzip(in, in_size, out, out_size);
        break;
    case FORMAT_CODEC_LZ4:
        good = lz4_hadoop(in, in_size, out, out_size) || lz4_block(in, in_size, out, out_size);
        break;
    case FORMAT_CODEC_LZ4_RAW:
        good = lz4_block(in, in_size, out, out_size);
        break;
    case FORMAT_CODEC_ZSTD:
        made = ZSTD_decompress(out, out_size, in, in_size);
        good = !ZSTD_isError(made) && made == out_size;
        break;
    default:
        return codec_check(codec, err);
    }
    if (!good)
        return error_set(err, STATUS_CORRUPT, "%zu bytes of %s do not decompress to the %zu bytes that are promised",
                         in_size, format_codec_name(codec), out_size);
    return STATUS_OK;
}
