/* Order of values: Spark's.  NaN is equal to NaN and larger than any number, -0 equals 0, strings go by their bytes. */
#ifndef FREIGHTLAKE_EXEC_COMPARE_H
#define FREIGHTLAKE_EXEC_COMPARE_H

#include "columnar/vector.h"

/* Values in their physical form, neither NULL.  Returns < 0, 0, > 0. */
int compare_values(DataType type, const void *a, const void *b);
/* Rows of two vectors of one type, NULLs included. */
int compare_rows(const Vector *a, uint32_t row_a, const Vector *b, uint32_t row_b, bool descending, bool nulls_first);

#endif
