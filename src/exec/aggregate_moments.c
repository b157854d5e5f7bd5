/* Variance, standard deviation and correlation from exact sums of x, x * x (and y, y * y, x * y).
 *
 * A running mean, as one would keep it, depends on the order of the rows.  Sums that are exact do not: each product goes in
 * as two doubles, its rounded value and the rest (fma), so nothing of it is lost.  What the textbook formula then loses by
 * subtracting large numbers is not lost here, as all is subtracted before anything is rounded:
 *
 *   sum (x - c)^2 = sum x^2 - c (sum x + D)  with  D = sum (x - c) = sum x - n c
 *
 * holds for any c, and both sides stay exact sums.  It is applied twice, with c the mean as a double and then the mean of
 * what is left.  What remains of D is below 2^-100 of the mean, and sum (x - mean)^2 = sum (x - c)^2 - D^2 / n is computed
 * in doubles: the result is the true one but for a few roundings at the end, however large the mean is beside the spread,
 * and equal values give exactly 0.
 *
 * Limits.  A magnitude beyond SQUARES_MAX has no result but NaN, as an infinity.  Spark's squares overflow to NaN, too, from
 * 2^512 on.  The rest of a product below 2^-1074 is
 * rounded, which matters for magnitudes below about 1e-145. */
#include "exec/aggregate_moments.h"

#include <math.h>

/* 2^48 rows of it stay within double. */
#define SQUARES_MAX 0x1p487

uint32_t moments_sums(uint32_t n_variables)
{
    return n_variables == 2 ? MOMENT_SUMS : MOMENT_XX + 1;
}

size_t moments_size(uint32_t n_variables)
{
    return offsetof(Moments, sums) + sizeof(ExactSum) * moments_sums(n_variables);
}

static void add_value(ExactSum *sum, double value, int64_t times, Arena *arena)
{
    if (times == 1)
        exact_sum_add(sum, value, arena);
    else
        exact_sum_add_wide(sum, value, times, arena);
}

static void add_product(ExactSum *sum, double a, double b, int64_t times, Arena *arena)
{
    if (fabs(a) > SQUARES_MAX || fabs(b) > SQUARES_MAX) { /* or infinite; a NaN goes on */
        exact_sum_add_wide(sum, NAN, 1, arena);
        return;
    }
    double product = a * b;
    add_value(sum, product, times, arena);
    if (!isnan(product))
        add_value(sum, fma(a, b, -product), times, arena);
}

void moments_add(Moments *moments, double x, const double *y, int64_t times, Arena *arena)
{
    moments->count += times;
    add_value(&moments->sums[MOMENT_X], x, times, arena);
    add_product(&moments->sums[MOMENT_XX], x, x, times, arena);
    if (!y)
        return;
    add_value(&moments->sums[MOMENT_Y], *y, times, arena);
    add_product(&moments->sums[MOMENT_YY], *y, *y, times, arena);
    add_product(&moments->sums[MOMENT_XY], x, *y, times, arena);
}

void moments_merge(Moments *into, const Moments *from, uint32_t n_variables, Arena *arena)
{
    into->count += from->count;
    for (uint32_t i = 0; i < moments_sums(n_variables); i++)
        exact_sum_merge(&into->sums[i], &from->sums[i], arena);
}

/* One variable, moved step by step to where its mean is about 0. */
typedef struct Variable {
    ExactSum sum;
    ExactSum squares;
} Variable;

#define STEPS 2

/* The exact sum of x becomes that of x - c; ret_both is the sum of the two. */
static void move_sum(ExactSum *sum, double c, int64_t n, ExactSum *ret_both, Arena *arena)
{
    ExactSum moved = {0};
    *ret_both = (ExactSum){0};
    exact_sum_merge(&moved, sum, arena);
    exact_sum_add_wide(&moved, -c, n, arena);
    exact_sum_merge(ret_both, sum, arena);
    exact_sum_merge(ret_both, &moved, arena);
    *sum = moved;
}

static Variable variable_of(const ExactSum *sum, const ExactSum *squares, Arena *arena)
{
    Variable variable = {0};
    exact_sum_merge(&variable.sum, sum, arena);
    exact_sum_merge(&variable.squares, squares, arena);
    return variable;
}

static double mean_of(const Variable *variable, int64_t n)
{
    return exact_sum_round(&variable->sum) / (double)n;
}

static void move_squares(Variable *variable, double c, const ExactSum *both, Arena *arena)
{
    exact_sum_add_product(&variable->squares, both, -c, arena);
}

/* sum (x - mean)^2 of a variable that has been moved */
static double squares_of(const Variable *variable, int64_t n)
{
    double rest = exact_sum_round(&variable->sum);
    double squares = exact_sum_round(&variable->squares) - rest * rest / (double)n;
    return squares > 0 ? squares : 0;
}

static bool is_finite(const Moments *moments, MomentSum sum, MomentSum squares)
{
    return isfinite(exact_sum_round(&moments->sums[sum])) && isfinite(exact_sum_round(&moments->sums[squares]));
}

static double deviation_squares(const Moments *moments, Arena *arena)
{
    if (!is_finite(moments, MOMENT_X, MOMENT_XX))
        return NAN;
    Variable x = variable_of(&moments->sums[MOMENT_X], &moments->sums[MOMENT_XX], arena);
    for (int step = 0; step < STEPS; step++) {
        ExactSum both;
        double c = mean_of(&x, moments->count);
        move_sum(&x.sum, c, moments->count, &both, arena);
        move_squares(&x, c, &both, arena);
    }
    return squares_of(&x, moments->count);
}

static bool correlation(const Moments *moments, Arena *arena, double *ret)
{
    if (!is_finite(moments, MOMENT_X, MOMENT_XX) || !is_finite(moments, MOMENT_Y, MOMENT_YY)) {
        *ret = NAN;
        return true;
    }
    int64_t n = moments->count;
    Variable x = variable_of(&moments->sums[MOMENT_X], &moments->sums[MOMENT_XX], arena);
    Variable y = variable_of(&moments->sums[MOMENT_Y], &moments->sums[MOMENT_YY], arena);
    ExactSum products = {0};
    exact_sum_merge(&products, &moments->sums[MOMENT_XY], arena);
    for (int step = 0; step < STEPS; step++) {
        /* sum (x - a) (y - b) = sum x y - a sum y - b sum (x - a) */
        ExactSum both;
        double a = mean_of(&x, n), b = mean_of(&y, n);
        move_sum(&x.sum, a, n, &both, arena);
        move_squares(&x, a, &both, arena);
        exact_sum_add_product(&products, &y.sum, -a, arena);
        exact_sum_add_product(&products, &x.sum, -b, arena);
        move_sum(&y.sum, b, n, &both, arena);
        move_squares(&y, b, &both, arena);
    }
    double xx = squares_of(&x, n), yy = squares_of(&y, n);
    double rest = exact_sum_round(&x.sum) * exact_sum_round(&y.sum) / (double)n;
    double both = exact_sum_round(&products) - rest;
    double scale = sqrt(xx * yy);
    if (!isnormal(xx * yy))
        scale = sqrt(xx) * sqrt(yy);
    if (scale == 0) /* Spark divides by it: NULL */
        return false;
    *ret = fmax(-1, fmin(1, both / scale));
    return true;
}

static bool finish(AggregateKind kind, const Moments *moments, Arena *arena, double *ret)
{
    bool sample = kind == AGGREGATE_STDDEV_SAMP || kind == AGGREGATE_VAR_SAMP || kind == AGGREGATE_CORR;
    if (moments->count <= (sample ? 1 : 0))
        return false;
    if (kind == AGGREGATE_CORR)
        return correlation(moments, arena, ret);
    double squares = deviation_squares(moments, arena);
    *ret = squares / (double)(moments->count - sample);
    if (kind == AGGREGATE_STDDEV_SAMP || kind == AGGREGATE_STDDEV_POP)
        *ret = sqrt(*ret);
    return true;
}

bool moments_finish(AggregateKind kind, const Moments *moments, double *ret)
{
    Arena arena;
    arena_init(&arena);
    bool valid = finish(kind, moments, &arena, ret);
    arena_done(&arena);
    return valid;
}
