/* ValueDecoder: the values of one data page in any encoding but the dictionary's, as physical values.
 *
 * The physical form of a value: BOOLEAN uint8_t, INT32 int32_t, INT64 int64_t, INT96 12 bytes, FLOAT float, DOUBLE
 * double, BYTE_ARRAY StrView, FIXED_LEN_BYTE_ARRAY its bytes.  The page's bytes must stay while its values are in use
 * and be followed by UNPACK_SLACK readable bytes. */
#ifndef FREIGHTLAKE_PARQUET_ENCODING_VALUES_H
#define FREIGHTLAKE_PARQUET_ENCODING_VALUES_H

#include "parquet/encoding_delta.h"
#include "parquet/encoding_hybrid.h"
#include "parquet/metadata_schema.h"

typedef struct ValueDecoder {
    FormatEncoding encoding;
    FormatType physical;
    uint32_t value_bytes; /* of a physical value */
    const uint8_t *next;
    const uint8_t *end;
    uint64_t position;    /* PLAIN booleans: bits taken; BYTE_STREAM_SPLIT: values taken */
    uint64_t n_values;    /* BYTE_STREAM_SPLIT */
    HybridDecoder hybrid; /* RLE booleans */
    DeltaDecoder delta;   /* DELTA_*: integers, lengths, or the lengths of suffixes */
    DeltaDecoder prefixes;
    StrView previous; /* DELTA_BYTE_ARRAY: the value before, in the arena of the last values_read */
} ValueDecoder;

/* UNSUPPORTED for an encoding that the format does not allow for this type, CORRUPT for malformed bytes. */
Status values_init(ValueDecoder *decoder, FormatEncoding encoding, const SchemaLeaf *leaf, const uint8_t *bytes,
                   size_t size, Error *err) MUST_CHECK;
/* The next n values.  *ret_values points into the page where they stand there as they are (PLAIN, fixed width; maybe
 * unaligned), else to `scratch`, which holds n + UNPACK_SLACK values.  What DELTA_BYTE_ARRAY puts together comes from
 * `arena` and is reserved from `budget`, counted in *inout_reserved; the arena must stay until the decoder's next
 * values_read has returned, which may start from the last string of this one. */
Status values_read(ValueDecoder *decoder, uint32_t n, void *scratch, Arena *arena, MemoryBudget *budget,
                   size_t *inout_reserved, const void **ret_values, Error *err) MUST_CHECK;

/* Physical values into the memory form of leaf->type (a copy for CONVERT_NONE).  CORRUPT when
 * one does not fit.  CONVERT_FIXED_TO_BINARY gives views into `physical`. */
Status values_convert(const SchemaLeaf *leaf, const void *physical, uint32_t n, void *out, Error *err) MUST_CHECK;

#endif
