/* Decoders of Parquet's thrift structs: the footer, page headers and the page index.
 *
 * Each reads `bytes`, which stand at `base_offset` of the file, and fails with CORRUPT at the offset where the bytes go
 * wrong.  Texts in the results are views into `bytes`; arrays come from `arena`, whose use is bounded by a multiple of
 * `size`, so that a small hostile footer cannot take much memory.  Values are not checked for sense here: the schema
 * (metadata_schema.h) and the reader do that. */
#ifndef FREIGHTLAKE_PARQUET_METADATA_H
#define FREIGHTLAKE_PARQUET_METADATA_H

#include "parquet/format.h"

Status metadata_decode_file(const uint8_t *bytes, size_t size, uint64_t base_offset, Arena *arena,
                            FormatFileMetaData *ret, Error *err) MUST_CHECK;
/* *ret_size is the length of the header; the page's bytes follow it. */
Status metadata_decode_page_header(const uint8_t *bytes, size_t size, uint64_t base_offset, FormatPageHeader *ret,
                                   size_t *ret_size, Error *err) MUST_CHECK;
Status metadata_decode_offset_index(const uint8_t *bytes, size_t size, uint64_t base_offset, Arena *arena,
                                    FormatOffsetIndex *ret, Error *err) MUST_CHECK;
Status metadata_decode_column_index(const uint8_t *bytes, size_t size, uint64_t base_offset, Arena *arena,
                                    FormatColumnIndex *ret, Error *err) MUST_CHECK;

/* The names of the format's specification: "BYTE_ARRAY", "RLE_DICTIONARY", "SNAPPY"; "unknown" for other numbers. */
const char *format_type_name(int32_t type);
const char *format_encoding_name(int32_t encoding);
const char *format_codec_name(int32_t codec);

#endif
