/* Plans as text: one node a line, the top first, children indented. */
#include "exec/exec.h"

static const OperatorStatistics *statistics_of(const Statement *statement, const PlanNode *node)
{
    for (uint32_t i = 0; i < statement->n_operators; i++)
        if (statement->operators[i].node == node)
            return &statement->operators[i];
    return NULL;
}

static void append_list(Buffer *text, const Expr *const *exprs, uint32_t n, const Schema *input)
{
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(text, i ? ", " : "");
        expr_append_text(text, exprs[i], input);
    }
}

static void append_aggregate(Buffer *text, const PlanNode *node)
{
    const Schema *input = &node->child->schema;
    buffer_append_text(text, "Aggregate");
    if (node->aggregate.n_keys) {
        buffer_append_text(text, " by ");
        append_list(text, node->aggregate.keys, node->aggregate.n_keys, input);
    }
    for (uint32_t i = 0; i < node->aggregate.n_calls; i++) {
        const AggregateCall *call = &node->aggregate.calls[i];
        buffer_append_text(text, i ? ", " : ": ");
        buffer_append_text(text, aggregate_name(call->kind));
        if (call->kind == AGGREGATE_COUNT_STAR) {
            buffer_append_text(text, "(*)");
        } else {
            buffer_append_text(text, call->distinct ? "(DISTINCT " : "(");
            append_list(text, call->args, call->n_args, input);
            aggregate_append_fraction(text, call);
            buffer_append_byte(text, ')');
        }
        if (call->filter) {
            buffer_append_text(text, " FILTER ");
            expr_append_text(text, call->filter, input);
        }
    }
}

static void append_join(Buffer *text, const PlanNode *node)
{
    const Schema *right = &node->join.right->schema;
    buffer_append_text(text, node->join.outer ? "Left join on" : "Join on");
    for (uint32_t k = 0; k < node->join.n_keys; k++) {
        buffer_append_text(text, k ? ", " : " ");
        expr_append_text(text, node->join.left_keys[k], &node->child->schema);
        buffer_append_text(text, " = ");
        const PlanNode *project = node->join.right;
        expr_append_text(text, project->project.exprs[node->join.right_keys[k]], &project->child->schema);
    }
    if (node->join.condition) {
        buffer_append_text(text, " and ");
        expr_append_text(text, node->join.condition, &node->schema);
    }
    buffer_printf(text, ": %s held", PLURAL(right->n, "column"));
}

static void append_node(Buffer *text, const PlanNode *node)
{
    switch (node->kind) {
    case PLAN_SCAN:
        buffer_printf(text, "Scan %s:", node->scan.table);
        for (uint32_t i = 0; i < node->schema.n; i++)
            buffer_printf(text, "%s %s", i ? "," : "", node->schema.fields[i].name);
        break;
    case PLAN_RELATION:
        buffer_append_text(text, node->relation.n_plans > 1 ? "Union all:" : "Subquery");
        if (node->relation.n_plans == 1)
            buffer_printf(text, "%s%s:", node->relation.name[0] ? " " : "", node->relation.name);
        for (uint32_t i = 0; i < node->schema.n; i++)
            buffer_printf(text, "%s %s", i ? "," : "", node->schema.fields[i].name);
        break;
    case PLAN_WINDOW:
        buffer_append_text(text, "Window");
        for (uint32_t i = 0; i < node->window.n_calls; i++) {
            buffer_append_text(text, i ? ", " : " ");
            window_append_text(text, &node->window.calls[i], &node->window.input->schema);
        }
        break;
    case PLAN_JOIN:
        append_join(text, node);
        break;
    case PLAN_FILTER:
        buffer_append_text(text, "Filter ");
        expr_append_text(text, node->filter.condition, &node->child->schema);
        break;
    case PLAN_PROJECT:
        buffer_append_text(text, "Project ");
        append_list(text, node->project.exprs, node->schema.n, &node->child->schema);
        break;
    case PLAN_AGGREGATE:
        append_aggregate(text, node);
        break;
    case PLAN_SORT:
        buffer_append_text(text, "Sort by");
        for (uint32_t i = 0; i < node->sort.n_keys; i++) {
            const SortKey *key = &node->sort.keys[i];
            buffer_printf(text, "%s %s%s%s", i ? "," : "", node->child->schema.fields[key->column].name,
                          key->descending ? " desc" : "",
                          key->nulls_first == key->descending ? (key->nulls_first ? " nulls first" : " nulls last")
                                                              : "");
        }
        break;
    case PLAN_LIMIT:
        if (node->limit.limit >= 0)
            buffer_printf(text, "Limit %lld", (long long)node->limit.limit);
        if (node->limit.offset)
            buffer_printf(text, "%sOffset %lld", node->limit.limit >= 0 ? " " : "", (long long)node->limit.offset);
        break;
    }
}

static void append_statistics(Buffer *text, const OperatorStatistics *statistics)
{
    char rows_in[32], rows_out[32], seconds[32], bytes[32];
    buffer_printf(text, "  [%s rows in, %s out", text_count(rows_in, sizeof rows_in, (double)statistics->rows_in),
                  text_count(rows_out, sizeof rows_out, (double)statistics->rows_out));
    if (statistics->cpu_seconds > 0)
        buffer_printf(text, ", %s of CPU", text_seconds(seconds, sizeof seconds, statistics->cpu_seconds));
    if (statistics->memory_bytes)
        buffer_printf(text, ", %s", text_bytes(bytes, sizeof bytes, (double)statistics->memory_bytes));
    if (statistics->detail[0])
        buffer_printf(text, "; %s", statistics->detail);
    buffer_append_byte(text, ']');
}

typedef struct Explanation {
    const Statement *statement;
    Buffer *text;
    Arena arena;
    PlanList seen;
} Explanation;

static void append_plan(Explanation *explanation, const PlanNode *plan, int depth);

static void append_inner(Explanation *explanation, const PlanNode *inner, int depth)
{
    if (plan_list_has(&explanation->seen, inner))
        return;
    append_plan(explanation, inner, depth);
    plan_list_add(&explanation->seen, inner, &explanation->arena);
}

/* Children are indented; so are the plans whose rows a relation has, each where it is read first. */
static void append_plan(Explanation *explanation, const PlanNode *plan, int depth)
{
    Buffer *text = explanation->text;
    for (const PlanNode *node = plan; node; node = node->child, depth++) {
        for (int i = 0; i < depth; i++)
            buffer_append_text(text, "  ");
        append_node(text, node);
        const OperatorStatistics *statistics = statistics_of(explanation->statement, node);
        if (statistics)
            append_statistics(text, statistics);
        buffer_append_byte(text, '\n');
        for (uint32_t i = 0; node->kind == PLAN_RELATION && i < node->relation.n_plans; i++)
            append_inner(explanation, node->relation.plans[i], depth + 1);
        if (node->kind == PLAN_JOIN)
            append_inner(explanation, node->join.right, depth + 1);
        if (node->kind == PLAN_WINDOW)
            append_inner(explanation, node->window.input, depth + 1);
    }
}

void exec_explain(const Statement *statement, Buffer *text)
{
    Explanation explanation = {.statement = statement, .text = text};
    arena_init(&explanation.arena);
    append_plan(&explanation, statement->plan, 0);
    arena_done(&explanation.arena);
}
