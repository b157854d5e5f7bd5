/* Vector and Batch: columns of values, the unit that operators pass on.
 *
 * A Vector is one of three kinds:
 *   FLAT   `data` holds n values in the type's physical form; `valid` is NULL (no row is NULL) or n bytes, 1 = not NULL.
 *          What stands in `data` at a NULL row is unspecified but initialised.
 *   DICT   `data` holds n codes of `code_width` bytes (1, 2 or 4, unsigned); row i is entry code[i] of `dict`, a FLAT
 *          Vector whose `valid` may be NULL.  A NULL row has a code whose entry is not valid: there is no other NULL
 *          mark.  Codes are always < dict->n.  Entries need not be distinct.
 *   CONST  `data` holds one value that stands for n rows; `valid` is NULL or one byte.
 *
 * Why not Arrow's layout to the letter: a byte mask and (pointer, length) strings are what the kernels run fastest on,
 * and both turn into Arrow's C data interface without touching the dictionary codes.
 *
 * Ownership: a Vector owns nothing.  Its memory belongs to an Arena of the batch, the row group or the query, and the
 * maker says which.  Vectors are read-only once handed on, so they may share data. */
#ifndef FREIGHTLAKE_COLUMNAR_VECTOR_H
#define FREIGHTLAKE_COLUMNAR_VECTOR_H

#include "columnar/types.h"

typedef enum VectorKind { VECTOR_FLAT, VECTOR_DICT, VECTOR_CONST } VectorKind;

typedef struct Vector Vector;
struct Vector {
    DataType type;
    VectorKind kind;
    uint8_t code_width; /* DICT: 1, 2, 4 */
    uint32_t n;
    void *data;
    uint8_t *valid;
    const Vector *dict; /* DICT: the entries; two Vectors with the same `dict` pointer share their dictionary */
};

typedef struct Batch {
    uint32_t n_rows;
    uint32_t n_columns;
    Vector *columns;
} Batch;

/* A FLAT vector of n values, data not initialised, `valid` NULL or (with_valid) all 1; of NULLTYPE: all NULL. */
Vector vector_new(Arena *arena, DataType type, uint32_t n, bool with_valid);
Vector vector_const(Arena *arena, const Value *value, uint32_t n);
/* FLAT form of any vector; `source` itself when it is FLAT already.  New memory from `arena`. */
Vector vector_flatten(Arena *arena, const Vector *source);
/* Rows selected[0..n) of `source`, in that order; DICT stays DICT, CONST stays CONST. */
Vector vector_select(Arena *arena, const Vector *source, const uint32_t *selected, uint32_t n);
/* A FLAT copy whose texts are copies, too; all memory is `arena`'s. */
Vector vector_copy(Arena *arena, const Vector *source);
/* Rows [first, first + n) without a copy. */
Vector vector_slice(const Vector *source, uint32_t first, uint32_t n);

static inline uint32_t vector_code(const Vector *vector, uint32_t row)
{
    switch (vector->code_width) {
    case 1:
        return ((const uint8_t *)vector->data)[row];
    case 2:
        return ((const uint16_t *)vector->data)[row];
    default:
        return ((const uint32_t *)vector->data)[row];
    }
}

/* Index into `data`/`valid` of the flat values behind row i: of the vector itself, or of its dictionary. */
static inline uint32_t vector_position(const Vector *vector, uint32_t row)
{
    return vector->kind == VECTOR_FLAT ? row : vector->kind == VECTOR_CONST ? 0 : vector_code(vector, row);
}
static inline const Vector *vector_entries(const Vector *vector)
{
    return vector->kind == VECTOR_DICT ? vector->dict : vector;
}
static inline bool vector_is_valid(const Vector *vector, uint32_t row)
{
    const Vector *entries = vector_entries(vector);
    return !entries->valid || entries->valid[vector_position(vector, row)];
}
Value vector_value(const Vector *vector, uint32_t row);
/* True when some row may be NULL (a DICT answers for its entries, not its rows). */
bool vector_may_have_nulls(const Vector *vector);

#endif
