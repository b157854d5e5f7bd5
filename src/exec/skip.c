/* Row-group skipping: what statistics say about a WHERE condition.
 *
 * A condition is looked at as a chain of AND; a link that compares a column with a constant rules a row group out when the
 * column chunk's minimum and maximum show that it can be true for no row.  Anything that is not understood rules nothing
 * out.  Only columns that are read as they are count: a cast could order values in another way. */
#include "exec/compare.h"
#include "exec/pipeline.h"

static bool statistics_of(const ScanPlan *plan, uint32_t task, uint32_t column, ParquetStatistics *statistics)
{
    const ScanTask *where = &plan->tasks[task];
    if (!scan_column_is_plain(plan, where->file, column))
        return false;
    uint32_t index = plan->file_columns[(size_t)where->file * plan->n_columns + column];
    parquet_column_statistics(plan->table->files[where->file], where->row_group, index, statistics);
    return true;
}

static bool is_column(const Expr *expr)
{
    return expr->kind == EXPR_COLUMN;
}

static bool is_constant(const Expr *expr)
{
    return expr->kind == EXPR_CONST && expr->constant.valid;
}

/* Whether `column OP constant` can be true for some value in [min, max]. */
static bool comparison_possible(const char *op, DataType type, const Value *constant, const ParquetStatistics *statistics)
{
    Value nan = {.type = DATA_TYPE(DOUBLE), .valid = true, .float64 = __builtin_nan("")};
    if (type.id == TYPE_DOUBLE && compare_values(type, constant->raw, nan.raw) == 0)
        return true; /* NaN equals NaN here, and statistics leave it out */
    int low = compare_values(type, statistics->min.raw, constant->raw);
    int high = compare_values(type, statistics->max.raw, constant->raw);
    if (strcmp(op, "=") == 0)
        return low <= 0 && high >= 0;
    if (strcmp(op, "<") == 0)
        return low < 0;
    if (strcmp(op, "<=") == 0)
        return low <= 0;
    /* NaN is larger than any number and is not in the statistics */
    if (type.id == TYPE_DOUBLE || type.id == TYPE_FLOAT)
        return true;
    if (strcmp(op, ">") == 0)
        return high > 0;
    if (strcmp(op, ">=") == 0)
        return high >= 0;
    return true;
}

static const char *mirrored(const char *op)
{
    static const char *const pairs[][2] = {{"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}, {"=", "="}};
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        if (strcmp(op, pairs[i][0]) == 0)
            return pairs[i][1];
    return "";
}

static bool may_be_true(const Expr *expr, const uint32_t *column_map, const ScanPlan *plan, uint32_t task)
{
    if (expr->kind != EXPR_CALL)
        return true;
    const char *op = expr->call.function->name;
    if (strcmp(op, "and") == 0) {
        for (uint32_t i = 0; i < expr->call.n_args; i++)
            if (!may_be_true(expr->args[i], column_map, plan, task))
                return false;
        return true;
    }
    if (expr->call.n_args == 0 || expr->call.n_args > 2)
        return true;
    const Expr *left = expr->args[0], *right = expr->call.n_args == 2 ? expr->args[1] : NULL;
    if (right && is_constant(left) && is_column(right)) {
        const Expr *swap = left;
        left = right;
        right = swap;
        op = mirrored(op);
    }
    ParquetStatistics statistics;
    if (!is_column(left) || !statistics_of(plan, task, column_map[left->column], &statistics))
        return true;
    if (!right) {
        if (strcmp(op, "is_null") == 0 && statistics.has_null_count)
            return statistics.null_count > 0;
        if (strcmp(op, "is_not_null") == 0 && statistics.has_null_count)
            return statistics.null_count < statistics.n_values;
        return true;
    }
    if (!is_constant(right) || !type_equal(left->type, right->type) || !statistics.has_min_max ||
        !type_equal(statistics.min.type, left->type) || *op == '\0')
        return true;
    return comparison_possible(op, left->type, &right->constant, &statistics);
}

uint32_t pipeline_skip_tasks(const Expr *condition, const uint32_t *column_map, const ScanPlan *plan, bool *skip)
{
    uint32_t n = 0;
    for (uint32_t task = 0; task < plan->n_tasks; task++) {
        skip[task] = !may_be_true(condition, column_map, plan, task);
        n += skip[task];
    }
    return n;
}
