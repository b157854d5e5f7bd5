/* Decompression of pages. */
#ifndef FREIGHTLAKE_PARQUET_PAGE_CODEC_H
#define FREIGHTLAKE_PARQUET_PAGE_CODEC_H

#include "parquet/format.h"

/* UNSUPPORTED, naming the codec, for those that are not read. */
Status codec_check(int32_t codec, Error *err) MUST_CHECK;
/* Whether `compressed` bytes can become `uncompressed` bytes at all: asked before memory is taken for them. */
bool codec_plausible(int32_t codec, size_t compressed, size_t uncompressed);
/* Exactly `out_size` bytes into `out`, else CORRUPT.  Not for FORMAT_CODEC_UNCOMPRESSED. */
Status codec_decompress(int32_t codec, const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size, Error *err)
    MUST_CHECK;

#endif
