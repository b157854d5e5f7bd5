/* Row codes: a row as bytes whose order is the row's.
 *
 * A row's values stand one after the other in the order of the sort keys, each as a byte that says NULL or not and, where it
 * is not, bytes that compare as the values do; complemented where the order is descending.  memcmp of two rows, the shorter
 * one first where one begins the other, is then the order that ORDER BY wants, and the values can be had back from them.
 *
 *   fixed width   most significant byte first, sign bit flipped; floating values as their order-preserving bits, with one zero
 *                 and one NaN, as everywhere in sorted results
 *   texts         a 0 byte becomes 0 255, and 0 0 ends the text */
#ifndef FREIGHTLAKE_EXEC_ROW_CODE_H
#define FREIGHTLAKE_EXEC_ROW_CODE_H

#include "columnar/vector.h"

typedef struct RowCodeKey {
    uint32_t column;
    DataType type;
    bool descending;
    bool nulls_first;
} RowCodeKey;

/* Appends one value: row `row` of `vector`, of the key's type. */
void row_code_append(Buffer *buffer, const RowCodeKey *key, const Vector *vector, uint32_t row);

/* Where the value of `key` that begins at `bytes` ends. */
const uint8_t *row_code_skip(const RowCodeKey *key, const uint8_t *bytes);

/* The value that begins at `bytes`, to row `row` of a FLAT vector with `valid`; a text stays where it is, or is `arena`'s
 * where it stands otherwise in the code.  Returns where it ends. */
const uint8_t *row_code_read(const RowCodeKey *key, const uint8_t *bytes, Vector *flat, uint32_t row, Arena *arena);

#endif
