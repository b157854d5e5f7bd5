#include "plan_text.h"

#include <stdio.h>

static void append_type(Buffer *buffer, DataType type)
{
    char text[32];
    buffer_printf(buffer, " %s", type_name(type, text, sizeof text));
}

static void append_scan(Buffer *buffer, const PlanNode *plan)
{
    buffer_printf(buffer, "Scan %s:", plan->scan.table);
    for (uint32_t i = 0; i < plan->schema.n; i++)
        buffer_printf(buffer, "%s %s#%u", i ? "," : "", plan->schema.fields[i].name, plan->scan.columns[i]);
}

static void append_relation(Buffer *buffer, const PlanNode *plan)
{
    buffer_printf(buffer, "Relation %s:", plan->relation.name);
    for (uint32_t i = 0; i < plan->schema.n; i++)
        buffer_printf(buffer, "%s %s#%u", i ? "," : "", plan->schema.fields[i].name, plan->relation.columns[i]);
    for (uint32_t i = 0; i < plan->relation.n_plans; i++) {
        buffer_append_text(buffer, "\n(\n");
        plan_append_text(buffer, plan->relation.plans[i]);
        buffer_append_byte(buffer, ')');
    }
}

static void append_window(Buffer *buffer, const PlanNode *plan)
{
    buffer_append_text(buffer, "Window:");
    for (uint32_t i = 0; i < plan->window.n_calls; i++) {
        buffer_append_text(buffer, i ? ", " : " ");
        window_append_text(buffer, &plan->window.calls[i], &plan->window.input->schema);
        append_type(buffer, plan->window.calls[i].type);
    }
    buffer_append_text(buffer, "\n(\n");
    plan_append_text(buffer, plan->window.input);
    buffer_append_byte(buffer, ')');
}

static void append_join(Buffer *buffer, const PlanNode *plan)
{
    buffer_append_text(buffer, plan->join.outer ? "Left join:" : "Join:");
    for (uint32_t k = 0; k < plan->join.n_keys; k++) {
        buffer_append_text(buffer, k ? ", " : " ");
        expr_append_text(buffer, plan->join.left_keys[k], &plan->child->schema);
        buffer_printf(buffer, " = #%u", plan->join.right_keys[k]);
    }
    if (plan->join.condition) {
        buffer_append_text(buffer, " if ");
        expr_append_text(buffer, plan->join.condition, &plan->schema);
    }
    buffer_append_text(buffer, "\n(\n");
    plan_append_text(buffer, plan->join.right);
    buffer_append_byte(buffer, ')');
}

static void append_project(Buffer *buffer, const PlanNode *plan)
{
    buffer_append_text(buffer, "Project:");
    for (uint32_t i = 0; i < plan->schema.n; i++) {
        buffer_append_text(buffer, i ? ", " : " ");
        expr_append_text(buffer, plan->project.exprs[i], &plan->child->schema);
        buffer_printf(buffer, " AS %s", plan->schema.fields[i].name);
        append_type(buffer, plan->schema.fields[i].type);
    }
}

static void append_aggregate(Buffer *buffer, const PlanNode *plan)
{
    buffer_append_text(buffer, "Aggregate");
    for (uint32_t i = 0; i < plan->aggregate.n_keys; i++) {
        buffer_append_text(buffer, i ? ", " : " by ");
        expr_append_text(buffer, plan->aggregate.keys[i], &plan->child->schema);
    }
    for (uint32_t i = 0; i < plan->aggregate.n_calls; i++) {
        buffer_printf(buffer, "%s%s", i ? ", " : ": ", plan->schema.fields[plan->aggregate.n_keys + i].name);
        append_type(buffer, plan->aggregate.calls[i].type);
    }
}

static void append_sort(Buffer *buffer, const PlanNode *plan)
{
    buffer_append_text(buffer, "Sort:");
    for (uint32_t i = 0; i < plan->sort.n_keys; i++) {
        const SortKey *key = &plan->sort.keys[i];
        buffer_printf(buffer, "%s%s#%u %s nulls %s", i ? ", " : " ", plan->child->schema.fields[key->column].name,
                      key->column, key->descending ? "desc" : "asc", key->nulls_first ? "first" : "last");
    }
    buffer_printf(buffer, " (%u of %u columns)", plan->sort.n_visible, plan->child->schema.n);
}

void plan_append_text(Buffer *buffer, const PlanNode *plan)
{
    for (; plan; plan = plan->child) {
        switch (plan->kind) {
        case PLAN_SCAN:
            append_scan(buffer, plan);
            break;
        case PLAN_WINDOW:
            append_window(buffer, plan);
            break;
        case PLAN_RELATION:
            append_relation(buffer, plan);
            break;
        case PLAN_JOIN:
            append_join(buffer, plan);
            break;
        case PLAN_FILTER:
            buffer_append_text(buffer, "Filter: ");
            expr_append_text(buffer, plan->filter.condition, &plan->child->schema);
            break;
        case PLAN_PROJECT:
            append_project(buffer, plan);
            break;
        case PLAN_AGGREGATE:
            append_aggregate(buffer, plan);
            break;
        case PLAN_SORT:
            append_sort(buffer, plan);
            break;
        case PLAN_LIMIT:
            buffer_printf(buffer, "Limit: %lld offset %lld", (long long)plan->limit.limit,
                          (long long)plan->limit.offset);
            break;
        }
        buffer_append_byte(buffer, '\n');
    }
}

/* ---- catalog ---- */
#define FIELD(name, type_)                                                                                             \
    {                                                                                                                  \
        name, type_, true                                                                                              \
    }

static Field shipment_fields[] = {
    {"shipment_id", DATA_TYPE(STRING), false},
    {"client", DATA_TYPE(STRING), false},
    {"origin_warehouse", DATA_TYPE(STRING), false},
    {"destination_city", DATA_TYPE(STRING), false},
    FIELD("carrier", DATA_TYPE(STRING)),
    FIELD("transport_mode", DATA_TYPE(STRING)),
    FIELD("shipment_weight_kg", DATA_TYPE(DOUBLE)),
    FIELD("shipment_volume_m3", DATA_TYPE(DOUBLE)),
    FIELD("route_distance_km", DATA_TYPE(DOUBLE)),
    FIELD("shipment_date", DATA_TYPE(DATE)),
    FIELD("promised_delivery_date", DATA_TYPE(DATE)),
    FIELD("delivery_date", DATA_TYPE(DATE)),
    FIELD("shipping_cost", DECIMAL_TYPE(18, 4)),
    FIELD("fuel_surcharge", DECIMAL_TYPE(18, 4)),
    FIELD("currency", DATA_TYPE(STRING)),
    FIELD("delivery_status", DATA_TYPE(STRING)),
    FIELD("delay_days", DATA_TYPE(INT)),
};
static const Schema shipments = {shipment_fields, ARRAY_SIZE(shipment_fields)};

static Field number_fields[] = {
    FIELD("i", DATA_TYPE(INT)),       FIELD("l", DATA_TYPE(BIGINT)),
    FIELD("f", DATA_TYPE(FLOAT)),     FIELD("d", DATA_TYPE(DOUBLE)),
    FIELD("m", DECIMAL_TYPE(12, 2)),  FIELD("b", DATA_TYPE(BOOLEAN)),
    FIELD("t", DATA_TYPE(TIMESTAMP)), FIELD("s", DATA_TYPE(STRING)),
    FIELD("day", DATA_TYPE(DATE)),    FIELD("Weight (Kilograms)", DATA_TYPE(DOUBLE)),
    FIELD("Mixed", DATA_TYPE(INT)),
};
static const Schema numbers = {number_fields, ARRAY_SIZE(number_fields)};

static Status find_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    (void)context;
    if (strcmp(name, "shipments") == 0 || strchr(name, '/'))
        *ret_schema = &shipments;
    else if (strcmp(name, "numbers") == 0)
        *ret_schema = &numbers;
    else
        return error_set(err, STATUS_SQL, "there is no table %.100s", name);
    return STATUS_OK;
}

const Catalog TEST_CATALOG = {NULL, find_table};
