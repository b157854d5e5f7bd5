/* The binders and kernels behind the function table, one family a file.  Not for other layers. */
#ifndef FREIGHTLAKE_COLUMNAR_FAMILIES_H
#define FREIGHTLAKE_COLUMNAR_FAMILIES_H

#include "columnar/coerce.h"

/* arithmetic.c */
Status bind_arithmetic(BIND_PARAMETERS);
Status bind_negate(BIND_PARAMETERS);
void evaluate_arithmetic(EVALUATE_PARAMETERS);
void evaluate_negate(EVALUATE_PARAMETERS);
void evaluate_abs(EVALUATE_PARAMETERS);

/* comparison.c */
Status bind_comparison(BIND_PARAMETERS);
Status bind_in(BIND_PARAMETERS);
void evaluate_comparison(EVALUATE_PARAMETERS);
void evaluate_distinct(EVALUATE_PARAMETERS);
void evaluate_in(EVALUATE_PARAMETERS);

/* logic.c */
Status bind_is_null(BIND_PARAMETERS);
void evaluate_and_or(EVALUATE_PARAMETERS);
void evaluate_not(EVALUATE_PARAMETERS);
void evaluate_is_null(EVALUATE_PARAMETERS);
void evaluate_is_true(EVALUATE_PARAMETERS);

/* conditional.c */
Status bind_case(BIND_PARAMETERS);
Status bind_coalesce(BIND_PARAMETERS);
Status bind_nullif(BIND_PARAMETERS);
Status bind_extreme(BIND_PARAMETERS);
Status bind_cast(BIND_PARAMETERS);
void evaluate_case(EVALUATE_PARAMETERS);
void evaluate_coalesce(EVALUATE_PARAMETERS);
void evaluate_nullif(EVALUATE_PARAMETERS);
void evaluate_extreme(EVALUATE_PARAMETERS);
void evaluate_cast(EVALUATE_PARAMETERS);

/* string.c */
Status bind_concat(BIND_PARAMETERS);
Status bind_length(BIND_PARAMETERS);
void evaluate_concat(EVALUATE_PARAMETERS);
void evaluate_concat_ws(EVALUATE_PARAMETERS);
void evaluate_lower(EVALUATE_PARAMETERS);
void evaluate_upper(EVALUATE_PARAMETERS);
void evaluate_trim(EVALUATE_PARAMETERS);
void evaluate_substring(EVALUATE_PARAMETERS);
void evaluate_length(EVALUATE_PARAMETERS);
void evaluate_replace(EVALUATE_PARAMETERS);
void evaluate_split_part(EVALUATE_PARAMETERS);

/* like.c */
Status bind_like(BIND_PARAMETERS);
void evaluate_like(EVALUATE_PARAMETERS);

/* date.c */
void evaluate_date_part(EVALUATE_PARAMETERS);
void evaluate_datediff(EVALUATE_PARAMETERS);
void evaluate_date_shift(EVALUATE_PARAMETERS);
void evaluate_add_months(EVALUATE_PARAMETERS);
void evaluate_last_day(EVALUATE_PARAMETERS);
void evaluate_months_between(EVALUATE_PARAMETERS);
void evaluate_trunc(EVALUATE_PARAMETERS);

/* math.c */
Status bind_round(BIND_PARAMETERS);
Status bind_floor(BIND_PARAMETERS);
void evaluate_round(EVALUATE_PARAMETERS);
void evaluate_floor(EVALUATE_PARAMETERS);
void evaluate_unary_math(EVALUATE_PARAMETERS);
void evaluate_power(EVALUATE_PARAMETERS);

#endif
