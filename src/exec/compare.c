#include "exec/compare.h"

#include <math.h>

int compare_values(DataType type, const void *a, const void *b)
{
#define COMPARE_AS(Type)                                                                                               \
    {                                                                                                                  \
        Type x, y;                                                                                                     \
        memcpy(&x, a, sizeof x);                                                                                       \
        memcpy(&y, b, sizeof y);                                                                                       \
        return (x > y) - (x < y);                                                                                      \
    }
    switch (type.id) {
    case TYPE_BOOLEAN:
        COMPARE_AS(uint8_t)
    case TYPE_INT:
    case TYPE_DATE:
        COMPARE_AS(int32_t)
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        COMPARE_AS(int64_t)
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(type))
            COMPARE_AS(Int128)
        COMPARE_AS(int64_t)
    case TYPE_DOUBLE: {
        double x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        if (isnan(x) || isnan(y)) /* NaN is the largest */
            return isnan(x) - isnan(y);
        return (x > y) - (x < y);
    }
    case TYPE_FLOAT: {
        float x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        if (isnan(x) || isnan(y))
            return isnan(x) - isnan(y);
        return (x > y) - (x < y);
    }
    default: {
        StrView x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return str_compare(x, y);
    }
    }
#undef COMPARE_AS
}

int compare_rows(const Vector *a, uint32_t row_a, const Vector *b, uint32_t row_b, bool descending, bool nulls_first)
{
    const Vector *x = vector_entries(a), *y = vector_entries(b);
    uint32_t at_x = vector_position(a, row_a), at_y = vector_position(b, row_b);
    bool valid_x = !x->valid || x->valid[at_x], valid_y = !y->valid || y->valid[at_y];
    if (!valid_x || !valid_y)
        return valid_x == valid_y ? 0 : valid_y == nulls_first ? -1 : 1;
    size_t width = type_width(x->type);
    int order = compare_values(x->type, (const char *)x->data + width * at_x, (const char *)y->data + width * at_y);
    return descending ? -order : order;
}
