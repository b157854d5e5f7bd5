/* What the kernels of this layer share: masks, room for text, and decimals in one width.  Not for other layers.
 *
 * A mask is NULL (no row is NULL) or n bytes, 1 = not NULL; kernels compute all rows, NULL ones too, and say in the mask
 * which of them count. */
#ifndef FREIGHTLAKE_COLUMNAR_KERNEL_H
#define FREIGHTLAKE_COLUMNAR_KERNEL_H

#include "columnar/function.h"

/* The mask of rows where no argument is NULL; may be an argument's own, so read-only. */
uint8_t *mask_all(Arena *arena, const Vector *args, uint32_t n_args, uint32_t n);
/* A mask to write into: a copy of `mask`, or all 1. */
uint8_t *mask_copy(Arena *arena, const uint8_t *mask, uint32_t n);
/* NULL in place of a mask that is all 1. */
uint8_t *mask_trim(uint8_t *mask, uint32_t n);

/* A vector of n NULLs. */
Vector vector_of_nulls(Arena *arena, DataType type, uint32_t n);

/* Text of many rows packed into few arena blocks. */
typedef struct TextRoom {
    Arena *arena;
    char *next;
    char *end;
} TextRoom;

/* `size` bytes to write at; text_room_take gives the first `used` of them away and returns them. */
char *text_room_reserve(TextRoom *room, size_t size);
static inline StrView text_room_take(TextRoom *room, size_t used)
{
    StrView text = {room->next, (uint32_t)used};
    room->next += used;
    return text;
}
StrView text_room_copy(TextRoom *room, StrView text);

/* out[i] = a[i] = b[i], a[i] < b[i], by Spark's order (NaN equals itself and is the largest, -0.0 equals 0.0, strings by
 * bytes).  Both have the same type; rows where one is NULL give an unspecified 0 or 1. */
void compare_equal(const Vector *a, const Vector *b, uint32_t n, uint8_t *out);
void compare_less(const Vector *a, const Vector *b, uint32_t n, uint8_t *out);

/* into[i] = from[i] where chosen[i]; into->valid is its own mask, or NULL when no chosen value is NULL. */
void blend(Vector *into, const uint8_t *chosen, const Vector *from, uint32_t n);

static inline bool row_is_valid(const Vector *vector, uint32_t row)
{
    return !vector->valid || vector->valid[row];
}

/* Unscaled value of a decimal of either width. */
static inline Int128 decimal_at(const Vector *vector, uint32_t row)
{
    return type_is_wide_decimal(vector->type) ? ((const Int128 *)vector->data)[row]
                                              : (Int128)((const int64_t *)vector->data)[row];
}
static inline void decimal_put(Vector *vector, uint32_t row, Int128 value)
{
    if (type_is_wide_decimal(vector->type))
        ((Int128 *)vector->data)[row] = value;
    else
        ((int64_t *)vector->data)[row] = (int64_t)value;
}

#endif
