/* Spark 3.5's implicit conversions (TypeCoercion and DecimalPrecision with ansi off), for the binders of functions.
 *
 * FLOAT is seen as DOUBLE everywhere.  NULLTYPE adapts to what it meets.  For binders alone. */
#ifndef FREIGHTLAKE_COLUMNAR_COERCE_H
#define FREIGHTLAKE_COLUMNAR_COERCE_H

#include "columnar/function.h"

#define BIND_PARAMETERS                                                                                                \
    __attribute__((unused)) const Function *function, __attribute__((unused)) const DataType *given,                   \
        __attribute__((unused)) const Value *constants, __attribute__((unused)) uint32_t n_args,                       \
        __attribute__((unused)) DataType *want, __attribute__((unused)) DataType *ret_type,                            \
        __attribute__((unused)) Error *err
#define EVALUATE_PARAMETERS                                                                                            \
    __attribute__((unused)) const FunctionCall *call, __attribute__((unused)) const Vector *args,                      \
        __attribute__((unused)) uint32_t n, __attribute__((unused)) Arena *arena, Vector *result

/* NULL where argument i is no constant. */
static inline const Value *constant_at(const Value *constants, uint32_t i)
{
    return constants && constants[i].type.id != TYPE_COUNT ? &constants[i] : NULL;
}

/* decimal(p,s) cut to 38 digits: the first loses whole digits, the second fraction digits down to 6, as arithmetic does. */
DataType decimal_type_bounded(int precision, int scale);
DataType decimal_type_adjusted(int precision, int scale);
/* The decimal that an integer stands for: int (10,0), bigint (20,0), a literal just its digits.  Decimals as they are. */
DataType decimal_type_of(DataType type, const Value *constant);

/* The type of a column that holds both: CASE, coalesce, IN.  Numbers and dates meet strings as strings when
 * `promote_strings`.  False where there is none. */
bool type_common(DataType a, DataType b, bool promote_strings, DataType *ret);
bool type_common_of(const DataType *types, uint32_t n, bool promote_strings, DataType *ret);
/* The type in which a and b are compared: a string becomes what it is compared with.  `equality`: for = and <>, which
 * compare booleans with numbers too. */
bool type_for_comparison(const DataType types[2], const Value *constants, bool equality, DataType *ret);

/* "'+' cannot take (date, date)". */
Status refuse_types(const Function *function, const DataType *given, uint32_t n_args, Error *err);

/* Binds by function->types, e.g. "DDi>i": one letter an argument, the last one repeated, and the result.
 * B boolean, i int, j int where no other number converts, l bigint, d double, D date, T timestamp, s string, x string constant, n int constant. */
Status bind_fixed(BIND_PARAMETERS);

#endif
