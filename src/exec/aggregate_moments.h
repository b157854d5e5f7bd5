/* Moments: what variance, standard deviation and correlation are made of, as exact sums. */
#ifndef FREIGHTLAKE_EXEC_AGGREGATE_MOMENTS_H
#define FREIGHTLAKE_EXEC_AGGREGATE_MOMENTS_H

#include "exec/exact_sum.h"
#include "sql/plan.h"

typedef enum MomentSum { MOMENT_X, MOMENT_XX, MOMENT_Y, MOMENT_YY, MOMENT_XY, MOMENT_SUMS } MomentSum;

/* Zeroed: no row.  A state of one variable ends behind MOMENT_XX: moments_size says how many bytes there are. */
typedef struct Moments {
    int64_t count;
    ExactSum sums[MOMENT_SUMS];
} Moments;

uint32_t moments_sums(uint32_t n_variables); /* sums of a state of 1 or 2 variables */
size_t moments_size(uint32_t n_variables);
/* Adds `times` equal rows; y NULL for one variable. */
void moments_add(Moments *moments, double x, const double *y, int64_t times, Arena *arena);
void moments_merge(Moments *into, const Moments *from, uint32_t n_variables, Arena *arena);
/* The result of a STDDEV, VAR or CORR; false for NULL. */
bool moments_finish(AggregateKind kind, const Moments *moments, double *ret);

#endif
