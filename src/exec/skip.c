/* Skipping: what statistics say about a WHERE condition, of whole row groups and, by the page index, of ranges of rows.
 *
 * A condition is looked at as a chain of AND; a link that compares a column with a constant rules rows out when the
 * minimum and maximum of their column chunk or page show that it can be true for none.  Anything that is not understood rules nothing
 * out.  Only columns that are read as they are count: a cast could order values in another way. */
#include "exec/compare.h"
#include "exec/pipeline.h"

/* What is known of the columns of a task, or of a file that is not open. */
typedef struct Facts {
    const ScanPlan *plan;
    uint32_t task;
    const FileFacts *file; /* NULL: the task */
} Facts;

/* As if the column were in the file: all rows have the value. */
static void constant_statistics(const Value *constant, uint64_t rows, ParquetStatistics *statistics)
{
    *statistics =
        (ParquetStatistics){.has_null_count = true, .null_count = constant->valid ? 0 : rows, .n_values = rows};
    bool nan = constant->valid && constant->type.id == TYPE_DOUBLE && constant->float64 != constant->float64;
    statistics->has_min_max = constant->valid && !nan && constant->type.id != TYPE_FLOAT;
    if (statistics->has_min_max)
        statistics->min = statistics->max = *constant;
}

static bool statistics_of(const Facts *facts, uint32_t column, ParquetStatistics *statistics)
{
    if (facts->file)
        return facts->file->statistics(facts->file->context, column, statistics);
    const ScanPlan *plan = facts->plan;
    if (plan->table->n_relations)
        return false;
    const ScanTask *where = &plan->tasks[facts->task];
    const Value *constant = scan_constant(plan, where->file, column);
    if (constant) {
        constant_statistics(constant, where->rows, statistics);
        return true;
    }
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

static bool is_nan(DataType type, const Value *value)
{
    return type.id == TYPE_DOUBLE && value->float64 != value->float64;
}

/* Whether `column OP constant` can be true for some value in [min, max], or for NaN (larger than any number, equal to
 * itself, and left out of statistics) where that may be among the values. */
static bool comparison_possible(const char *op, DataType type, const Value *constant,
                                const ParquetStatistics *statistics, bool nan_counts)
{
    if (is_nan(type, constant) || (nan_counts && (strcmp(op, ">") == 0 || strcmp(op, ">=") == 0)))
        return true;
    int low = compare_values(type, statistics->min.raw, constant->raw);
    int high = compare_values(type, statistics->max.raw, constant->raw);
    if (strcmp(op, "=") == 0)
        return low <= 0 && high >= 0;
    if (strcmp(op, "<") == 0)
        return low < 0;
    if (strcmp(op, "<=") == 0)
        return low <= 0;
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

/* A link of the chain: `column OP constant`, `column IS [NOT] NULL`. */
typedef struct Link {
    uint32_t column; /* of the scan */
    const char *op;
    const Value *constant; /* NULL: the test for NULL */
    DataType type;
} Link;

/* The whole chain, and how its columns are numbered in the scan. */
typedef struct Condition {
    const Expr *root;
    const uint32_t *column_map;
} Condition;

static bool is_one_of(const char *op, const char *const *ops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(op, ops[i]) == 0)
            return true;
    return false;
}

/* Only tests that NULL cannot pass, but for IS NULL itself: coalesce(b, true) has the same form and lets NULLs through. */
static bool understand(const Expr *expr, const uint32_t *column_map, Link *ret_link)
{
    static const char *const comparisons[] = {"=", "<", "<=", ">", ">="}, *const null_tests[] = {"is_null",
                                                                                                 "is_not_null"};
    if (expr->kind != EXPR_CALL)
        return false;
    const char *op = expr->call.function->name;
    if (expr->call.n_args == 1 && is_one_of(op, null_tests, ARRAY_SIZE(null_tests)) && is_column(expr->args[0])) {
        *ret_link = (Link){column_map[expr->args[0]->column], op, NULL, expr->args[0]->type};
        return true;
    }
    if (expr->call.n_args != 2 || !is_one_of(op, comparisons, ARRAY_SIZE(comparisons)))
        return false;
    const Expr *left = expr->args[0], *right = expr->args[1];
    if (is_constant(left) && is_column(right)) {
        const Expr *swap = left;
        left = right;
        right = swap;
        op = mirrored(op);
    }
    if (!is_column(left) || !is_constant(right) || !type_equal(left->type, right->type))
        return false;
    *ret_link = (Link){column_map[left->column], op, &right->constant, left->type};
    return true;
}

/* Whether the link can be true for some row that the statistics speak of. */
static bool link_possible(const Link *link, const ParquetStatistics *statistics, bool nan_counts)
{
    bool no_values = statistics->has_null_count && statistics->null_count == statistics->n_values;
    if (!link->constant) {
        if (strcmp(link->op, "is_null") == 0 && statistics->has_null_count)
            return statistics->null_count > 0;
        return strcmp(link->op, "is_not_null") != 0 || !no_values;
    }
    if (no_values)
        return false;
    if (!statistics->has_min_max || !type_equal(statistics->min.type, link->type))
        return true;
    return comparison_possible(link->op, link->type, link->constant, statistics, nan_counts);
}

static bool is_and(const Expr *expr)
{
    return expr->kind == EXPR_CALL && strcmp(expr->call.function->name, "and") == 0;
}

/* Whether some link of the chain is false for a NaN in `column`: then no row with one passes. */
static bool excludes_nan(const Expr *expr, const uint32_t *column_map, uint32_t column)
{
    if (is_and(expr)) {
        for (uint32_t i = 0; i < expr->call.n_args; i++)
            if (excludes_nan(expr->args[i], column_map, column))
                return true;
        return false;
    }
    Link link;
    if (!understand(expr, column_map, &link) || link.column != column || !link.constant ||
        is_nan(link.type, link.constant))
        return false;
    return strcmp(link.op, "=") == 0 || strcmp(link.op, "<") == 0 || strcmp(link.op, "<=") == 0;
}

static bool nan_counts(const Condition *condition, const Link *link)
{
    bool floating = link->type.id == TYPE_DOUBLE || link->type.id == TYPE_FLOAT;
    return floating && !excludes_nan(condition->root, condition->column_map, link->column);
}

static bool may_be_true(const Condition *condition, const Expr *expr, const Facts *facts)
{
    if (is_and(expr)) {
        for (uint32_t i = 0; i < expr->call.n_args; i++)
            if (!may_be_true(condition, expr->args[i], facts))
                return false;
        return true;
    }
    Link link;
    ParquetStatistics statistics;
    if (!understand(expr, condition->column_map, &link) || !statistics_of(facts, link.column, &statistics))
        return true;
    return link_possible(&link, &statistics, nan_counts(condition, &link));
}

uint32_t pipeline_skip_tasks(const Expr *expr, const uint32_t *column_map, const ScanPlan *plan, bool *skip)
{
    Condition condition = {expr, column_map};
    uint32_t n = 0;
    for (uint32_t task = 0; task < plan->n_tasks; task++) {
        Facts facts = {.plan = plan, .task = task};
        skip[task] = !may_be_true(&condition, expr, &facts);
        n += skip[task];
    }
    return n;
}

static bool scan_can_match(const PlanNode *plan, const FileFacts *file, Arena *arena)
{
    PipelineShape shape = {0};
    Error ignored;
    error_init(&ignored);
    if (pipeline_shape(plan, arena, &shape, &ignored) != STATUS_OK || !shape.where)
        return true;
    Condition condition = {shape.where->filter.condition, shape.scan->scan.columns};
    Facts facts = {.file = file};
    return may_be_true(&condition, condition.root, &facts);
}

bool exec_file_can_match(const PlanNode *plan, const char *table, const FileFacts *file)
{
    Arena arena;
    PlanList list = {0};
    bool can = false;
    arena_init(&arena);
    plan_list_add(&list, plan, &arena);
    for (uint32_t i = 0; i < list.n && !can; i++) {
        const PlanNode *leaf = plan_leaf(list.plans[i]);
        can = leaf->kind == PLAN_SCAN && (!table || strcmp(leaf->scan.table, table) == 0) &&
              scan_can_match(list.plans[i], file, &arena);
    }
    arena_done(&arena);
    return can;
}

/* ---- ranges of rows, by the page index ---- */

static void add_range(RowRanges *ranges, uint64_t first, uint64_t end)
{
    if (ranges->n && ranges->ranges[ranges->n - 1].end == first)
        ranges->ranges[ranges->n - 1].end = end;
    else
        ranges->ranges[ranges->n++] = (RowRange){first, end};
}

static RowRanges all_rows(uint64_t rows, Arena *arena)
{
    RowRanges ranges = {.ranges = ARENA_NEW(arena, RowRange)};
    add_range(&ranges, 0, rows);
    return ranges;
}

static RowRanges intersect(const RowRanges *a, const RowRanges *b, Arena *arena)
{
    RowRanges both = {.ranges = ARENA_ARRAY(arena, RowRange, a->n + b->n + 1)};
    for (uint32_t i = 0, j = 0; i < a->n && j < b->n;) {
        RowRange x = a->ranges[i], y = b->ranges[j];
        uint64_t first = x.first > y.first ? x.first : y.first, end = x.end < y.end ? x.end : y.end;
        if (first < end)
            add_range(&both, first, end);
        if (x.end < y.end)
            i++;
        else
            j++;
    }
    return both;
}

static Status ranges_of(const Condition *condition, const Expr *expr, const ScanPlan *plan, uint32_t task, Arena *arena,
                        RowRanges *ret_ranges, Error *err)
{
    const ScanTask *where = &plan->tasks[task];
    *ret_ranges = all_rows(where->rows, arena);
    if (is_and(expr)) {
        for (uint32_t i = 0; i < expr->call.n_args; i++) {
            RowRanges link_ranges;
            TRY(ranges_of(condition, expr->args[i], plan, task, arena, &link_ranges, err));
            *ret_ranges = intersect(ret_ranges, &link_ranges, arena);
        }
        return STATUS_OK;
    }
    Link link;
    if (!understand(expr, condition->column_map, &link) || !scan_column_is_plain(plan, where->file, link.column))
        return STATUS_OK;
    const ParquetPageFacts *pages;
    uint32_t n;
    TRY(parquet_column_pages(plan->table->files[where->file], where->row_group,
                             plan->file_columns[(size_t)where->file * plan->n_columns + link.column], arena, &pages, &n,
                             err));
    if (n == 0)
        return STATUS_OK;
    *ret_ranges = (RowRanges){.ranges = ARENA_ARRAY(arena, RowRange, n)};
    for (uint32_t i = 0; i < n; i++)
        if (link_possible(&link, &pages[i].statistics, nan_counts(condition, &link)))
            add_range(ret_ranges, pages[i].first_row, pages[i].first_row + pages[i].n_rows);
    return STATUS_OK;
}

Status pipeline_row_ranges(const Expr *expr, const uint32_t *column_map, const ScanPlan *plan, uint32_t task,
                           Arena *arena, RowRanges *ret_ranges, Error *err)
{
    Condition condition = {expr, column_map};
    return ranges_of(&condition, expr, plan, task, arena, ret_ranges, err);
}

RowRanges pipeline_unite_ranges(const RowRanges *a, const RowRanges *b, Arena *arena)
{
    RowRanges united = {.ranges = ARENA_ARRAY(arena, RowRange, a->n + b->n + 1)};
    for (uint32_t i = 0, j = 0; i < a->n || j < b->n;) {
        bool from_a = j == b->n || (i < a->n && a->ranges[i].first <= b->ranges[j].first);
        RowRange next = from_a ? a->ranges[i++] : b->ranges[j++];
        RowRange *last = united.n ? &united.ranges[united.n - 1] : NULL;
        if (last && next.first <= last->end)
            last->end = next.end > last->end ? next.end : last->end;
        else
            united.ranges[united.n++] = next;
    }
    return united;
}
