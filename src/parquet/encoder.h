/* Encoders: values and codes into the bytes of Parquet pages.  Pure functions over memory, without any knowledge of
 * files, pages or statistics.
 *
 * Codes are unsigned integers of code_width bytes (1, 2 or 4), as DICT vectors hold them, and must fit `bits` bits. */
#ifndef FREIGHTLAKE_PARQUET_ENCODER_H
#define FREIGHTLAKE_PARQUET_ENCODER_H

#include "columnar/vector.h"

/* ---- encoder_bits.c: the RLE / bit-packed hybrid ---- */

/* Bits needed for codes below n_codes; at least 1, since some readers stumble over 0. */
uint32_t encoder_bits(uint32_t n_codes);
/* n codes, `bits` each, least significant bit first, the last group of 8 filled up with zeros: (n + 7) / 8 * bits bytes.
 * Needs ENCODER_PACK_SLACK bytes of room behind them.  Returns the bytes written. */
#define ENCODER_PACK_SLACK 32
size_t encoder_pack(const void *codes, uint32_t code_width, size_t n, uint32_t bits, uint8_t *out);
/* Appends n codes as runs: one bit-packed run when equal neighbours are rare, else RLE runs where they pay. */
void encoder_hybrid(const void *codes, uint32_t code_width, size_t n, uint32_t bits, Buffer *out);
/* Appends a number of 7 bits a byte, the lowest first (ULEB128). */
void encoder_varint(Buffer *out, uint64_t value);
/* Appends n equal codes as one RLE run. */
void encoder_repeat(uint32_t code, uint64_t n, uint32_t bits, Buffer *out);

/* ---- encoder_bounds.c: smallest and largest of n > 0 values ---- */

void encoder_bounds_codes(const void *codes, uint32_t code_width, size_t n, uint32_t *ret_min, uint32_t *ret_max);
void encoder_bounds_int32(const int32_t *values, size_t n, int32_t *ret_min, int32_t *ret_max);
void encoder_bounds_int64(const int64_t *values, size_t n, int64_t *ret_min, int64_t *ret_max);
/* False when there is a NaN.  A zero bound gets the sign that covers both zeros: -0.0 as minimum, +0.0 as maximum. */
bool encoder_bounds_float(const float *values, size_t n, float *ret_min, float *ret_max);
bool encoder_bounds_double(const double *values, size_t n, double *ret_min, double *ret_max);
/* Of strings or binaries, in byte order. */
void encoder_bounds_text(const StrView *values, size_t n, StrView *ret_min, StrView *ret_max);
/* Of n values of any type in their form in memory; false when there are no bounds (NaN). */
bool encoder_bounds(DataType type, const void *values, size_t n, Value *ret_min, Value *ret_max);
/* Number of bytes that are 0 among n. */
size_t encoder_count_zeros(const uint8_t *bytes, size_t n);

/* ---- encoder_plain.c: PLAIN ---- */

/* Bytes of a value of `type` in PLAIN: 0 for a boolean (a bit) and for byte arrays (4 and their size). */
uint32_t encoder_plain_width(DataType type);
/* Appends n values, given in their form in memory. */
void encoder_plain(DataType type, const void *values, size_t n, Buffer *out);
/* Appends a bound as Parquet's statistics want it: PLAIN without length.  Texts longer than ENCODER_BOUND_BYTES are cut
 * (and then a maximum is raised) so that they stay bounds; *ret_exact says whether nothing was cut.  False when no bound
 * can be given. */
#define ENCODER_BOUND_BYTES 64
bool encoder_bound(const Value *value, bool is_max, Buffer *out, bool *ret_exact);

/* ---- encoder_delta.c: DELTA_BINARY_PACKED, and texts for DELTA_LENGTH_BYTE_ARRAY ---- */

/* Appends n numbers below 2^31 as DELTA_BINARY_PACKED. */
void encoder_delta(const uint32_t *values, size_t n, Buffer *out);
/* Appends the lengths of n texts (uint32_t each) and their bytes: encoder_delta of all lengths of a page and then its
 * bytes are the page. */
void encoder_texts(const StrView *values, size_t n, Buffer *out_lengths, Buffer *out_bytes);

/* ---- encoder_dictionary.c: distinct values and their codes ---- */

typedef struct DictionaryBuilder DictionaryBuilder;
#define ENCODER_DICTIONARY_BYTES ((size_t)1 << 20) /* of all entries in PLAIN */

DictionaryBuilder *dictionary_new(DataType type);
void dictionary_free(DictionaryBuilder *dictionary);
void dictionary_reset(DictionaryBuilder *dictionary);
/* Codes of n values given in their form in memory, in the order of first appearance.  Returns how many were done: fewer
 * than n when the dictionary is full; floating-point values are told apart by their bits. */
size_t dictionary_encode(DictionaryBuilder *dictionary, const void *values, size_t n, uint32_t *codes);
uint32_t dictionary_size(const DictionaryBuilder *dictionary);
size_t dictionary_bytes(const DictionaryBuilder *dictionary); /* in PLAIN */
/* All entries, in their form in memory. */
const void *dictionary_values(const DictionaryBuilder *dictionary);

#endif
