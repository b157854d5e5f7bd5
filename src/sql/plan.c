#include "sql/plan.h"

const char *aggregate_name(AggregateKind kind)
{
    static const char *const names[] = {
        [AGGREGATE_COUNT_STAR] = "count",
        [AGGREGATE_COUNT] = "count",
        [AGGREGATE_SUM] = "sum",
        [AGGREGATE_AVG] = "avg",
        [AGGREGATE_MIN] = "min",
        [AGGREGATE_MAX] = "max",
        [AGGREGATE_MIN_BY] = "min_by",
        [AGGREGATE_MAX_BY] = "max_by",
        [AGGREGATE_STDDEV_SAMP] = "stddev_samp",
        [AGGREGATE_STDDEV_POP] = "stddev_pop",
        [AGGREGATE_VAR_SAMP] = "var_samp",
        [AGGREGATE_VAR_POP] = "var_pop",
        [AGGREGATE_CORR] = "corr",
        [AGGREGATE_PERCENTILE] = "percentile",
        [AGGREGATE_MEDIAN] = "median",
    };
    return names[kind];
}

void aggregate_append_fraction(Buffer *text, const AggregateCall *call)
{
    if (call->kind != AGGREGATE_PERCENTILE)
        return;
    Value fraction = {.type = DATA_TYPE(DOUBLE), .valid = true, .float64 = call->fraction};
    buffer_append_text(text, ", ");
    value_append_text(text, &fraction);
}

const PlanNode *plan_leaf(const PlanNode *plan)
{
    while (plan->child)
        plan = plan->child;
    return plan;
}

bool plan_list_has(const PlanList *list, const PlanNode *plan)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->plans[i] == plan)
            return true;
    return false;
}

void plan_list_add(PlanList *list, const PlanNode *plan, Arena *arena)
{
    if (plan_list_has(list, plan))
        return;
    const PlanNode *leaf = plan_leaf(plan);
    for (uint32_t i = 0; leaf->kind == PLAN_RELATION && i < leaf->relation.n_plans; i++)
        plan_list_add(list, leaf->relation.plans[i], arena);
    if (leaf->kind == PLAN_WINDOW)
        plan_list_add(list, leaf->window.input, arena);
    for (const PlanNode *node = plan; node; node = node->child)
        if (node->kind == PLAN_JOIN)
            plan_list_add(list, node->join.right, arena);
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        const PlanNode **plans = ARENA_ARRAY(arena, const PlanNode *, list->capacity);
        if (list->n)
            memcpy(plans, list->plans, sizeof *plans * list->n);
        list->plans = plans;
    }
    list->plans[list->n++] = plan;
}

bool plan_reads(const PlanNode *plan, const char *table)
{
    Arena arena;
    PlanList list = {0};
    bool found = false;
    arena_init(&arena);
    plan_list_add(&list, plan, &arena);
    for (uint32_t i = 0; i < list.n && !found; i++) {
        const PlanNode *leaf = plan_leaf(list.plans[i]);
        found = leaf->kind == PLAN_SCAN && strcmp(leaf->scan.table, table) == 0;
    }
    arena_done(&arena);
    return found;
}
