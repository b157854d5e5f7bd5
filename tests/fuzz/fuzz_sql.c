/* Any bytes as SQL text, for a mart and for `query`: a plan, or an error of SQL with a message. */
#include "sql/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Field fields[] = {
    {"carrier", DATA_TYPE(STRING), true},
    {"delay_days", DATA_TYPE(INT), true},
    {"shipping_cost", DECIMAL_TYPE(18, 4), true},
    {"shipment_date", DATA_TYPE(DATE), true},
    {"weight", DATA_TYPE(DOUBLE), true},
    {"ok", DATA_TYPE(BOOLEAN), true},
    {"at", DATA_TYPE(TIMESTAMP), true},
    {"distance", DATA_TYPE(BIGINT), true},
    {"ratio", DATA_TYPE(FLOAT), true},
};
static const Schema table = {fields, ARRAY_SIZE(fields)};

static Status find_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    (void)context;
    (void)name;
    (void)err;
    *ret_schema = &table;
    return STATUS_OK;
}

static void check_sort(const PlanNode *node)
{
    CHECK(node->sort.n_visible == node->schema.n && node->schema.n <= node->child->schema.n);
    for (uint32_t i = 0; i < node->sort.n_keys; i++)
        CHECK(node->sort.keys[i].column < node->child->schema.n);
}

static void check_expr(const Expr *expr, uint32_t n_columns)
{
    CHECK(expr->kind != EXPR_COLUMN || expr->column < n_columns);
    for (uint32_t i = 0; expr->kind == EXPR_CALL && i < expr->call.n_args; i++)
        check_expr(expr->args[i], n_columns);
}

static void check_window(const PlanNode *node)
{
    const Schema *input = &node->window.input->schema;
    CHECK(node->schema.n == input->n + node->window.n_calls);
    for (uint32_t i = 0; i < node->window.n_calls; i++) {
        const WindowCall *call = &node->window.calls[i];
        CHECK(type_equal(call->type, node->schema.fields[input->n + i].type));
        for (uint32_t k = 0; k < call->n_args; k++)
            CHECK(call->args[k] < input->n);
        for (uint32_t k = 0; k < call->n_partition; k++)
            CHECK(call->partition[k] < input->n);
        for (uint32_t k = 0; k < call->n_order; k++)
            CHECK(call->order[k].column < input->n);
    }
}

static void check_node(const PlanNode *node)
{
    switch (node->kind) {
    case PLAN_SCAN:
        for (uint32_t i = 0; i < node->schema.n; i++)
            CHECK(node->scan.columns[i] < table.n);
        break;
    case PLAN_RELATION:
        for (uint32_t p = 0; p < node->relation.n_plans; p++)
            for (uint32_t i = 0; i < node->schema.n; i++) {
                CHECK(node->relation.columns[i] < node->relation.plans[p]->schema.n);
                CHECK(type_equal(node->relation.plans[p]->schema.fields[node->relation.columns[i]].type,
                                 node->schema.fields[i].type));
            }
        break;
    case PLAN_WINDOW:
        check_window(node);
        break;
    case PLAN_JOIN:
        CHECK(node->join.n_keys > 0);
        for (uint32_t k = 0; k < node->join.n_keys; k++) {
            check_expr(node->join.left_keys[k], node->child->schema.n);
            CHECK(node->join.right_keys[k] < node->join.right->schema.n);
            CHECK(type_equal(node->join.left_keys[k]->type,
                             node->join.right->schema.fields[node->join.right_keys[k]].type));
        }
        if (node->join.condition)
            check_expr(node->join.condition, node->schema.n);
        break;
    case PLAN_FILTER:
        CHECK(node->filter.condition->type.id == TYPE_BOOLEAN);
        check_expr(node->filter.condition, node->child->schema.n);
        break;
    case PLAN_PROJECT:
        for (uint32_t i = 0; i < node->schema.n; i++)
            check_expr(node->project.exprs[i], node->child->schema.n);
        break;
    case PLAN_AGGREGATE:
        CHECK(node->schema.n == node->aggregate.n_keys + node->aggregate.n_calls);
        for (uint32_t i = 0; i < node->aggregate.n_keys; i++)
            check_expr(node->aggregate.keys[i], node->child->schema.n);
        for (uint32_t i = 0; i < node->aggregate.n_calls; i++)
            for (uint32_t k = 0; k < node->aggregate.calls[i].n_args; k++)
                check_expr(node->aggregate.calls[i].args[k], node->child->schema.n);
        break;
    case PLAN_SORT:
        check_sort(node);
        break;
    case PLAN_LIMIT:
        CHECK(node->limit.limit >= -1 && node->limit.offset >= 0);
        break;
    }
}

static void plan_text(const char *text, SqlMode mode)
{
    static const Catalog catalog = {NULL, find_table};
    Arena arena;
    Error err;
    PlanNode *plan = NULL;
    arena_init(&arena);
    error_init(&err);
    if (sql_plan(text, mode, &catalog, &arena, &plan, &err) != STATUS_OK) {
        CHECK(err.code == STATUS_SQL && err.message[0] != '\0');
        CHECK(err.offset <= (int64_t)strlen(text) + 1);
    }
    PlanList list = {0};
    if (plan)
        plan_list_add(&list, plan, &arena);
    for (uint32_t i = 0; i < list.n; i++)
        for (const PlanNode *node = list.plans[i]; node; node = node->child)
            check_node(node);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_alloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    plan_text(text, SQL_MART);
    plan_text(text, SQL_QUERY);
    mem_free(text);
    return 0;
}
