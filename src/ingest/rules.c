/* RuleSet; see rules.h.
 *
 * Bounds and allowed values are compared value by value, once an entry of a dictionary.  An expression is planned as
 * `SELECT (expression) AS rule FROM shipments`, so it means what it means in a mart, and its projection is evaluated over
 * the batch. */
#include "ingest/rules.h"

#include "columnar/decimal.h"
#include "columnar/number_text.h"
#include "exec/eval.h"

#define SELECT_TEXT "SELECT ("

typedef struct RuleCheck {
    const MappingRule *rule;
    Value minimum, maximum; /* .valid: there is one */
    EvalNode *condition;    /* of an expression */
} RuleCheck;

struct RuleSet {
    RuleCheck *checks;
    uint32_t n;
    uint64_t generation;
};

/* ---- Making one ---- */

static Status at_rule(const Mapping *mapping, const MappingRule *rule, Error *err)
{
    error_at_file(err, mapping->file ? mapping->file : mapping->client);
    return error_at_row(err, rule->line);
}

static bool bound_value(const char *text, DataType type, Value *ret)
{
    StrView view = str_view(text);
    Int128 exact;
    *ret = (Value){.type = type, .valid = true};
    switch (type.id) {
    case TYPE_STRING:
        ret->string = view;
        return true;
    case TYPE_DOUBLE:
        return number_parse_double(view, &ret->float64);
    case TYPE_DECIMAL:
        if (!decimal_parse(view, type, &exact))
            return false;
        ret->int64 = (int64_t)exact;
        return true;
    case TYPE_BIGINT:
        return number_parse_int64(view, &ret->int64);
    case TYPE_INT: {
        int64_t value;
        bool good = number_parse_int64(view, &value) && value >= INT32_MIN && value <= INT32_MAX;
        ret->int32 = good ? (int32_t)value : 0;
        return good;
    }
    case TYPE_DATE:
    case TYPE_TIMESTAMP: {
        Arena arena;
        Error err;
        const DateForm *form;
        arena_init(&arena);
        error_init(&err);
        bool good = date_form_new("yyyy-MM-dd", &arena, &form, &err) == STATUS_OK &&
                    (type.id == TYPE_DATE ? date_form_parse_date(form, NULL, view, &ret->int32)
                                          : date_form_parse_instant(form, NULL, view, &ret->int64));
        arena_done(&arena);
        return good;
    }
    default:
        return false;
    }
}

static Status prepare_bound(const Mapping *mapping, const MappingRule *rule, const char *text, Value *ret, Error *err)
{
    char type[32];
    const ShipmentColumn *column = shipment_column(rule->column);
    *ret = (Value){.valid = false};
    if (!text || bound_value(text, column->type, ret))
        return STATUS_OK;
    error_set(err, STATUS_CONFIG, "the bound '%.80s' is no value of %s, which is of type %s", text, column->name,
              type_name(column->type, type, sizeof type));
    return at_rule(mapping, rule, err);
}

static Status find_shipments(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    (void)context;
    if (strcmp(name, "shipments") != 0)
        return error_set(err, STATUS_SQL, "a rule reads no table '%.80s'", name);
    *ret_schema = shipment_unchecked_schema();
    return STATUS_OK;
}

static Status prepare_expression(const Mapping *mapping, const MappingRule *rule, Arena *arena, EvalNode **ret,
                                 Error *err)
{
    const Catalog catalog = {NULL, find_shipments};
    PlanNode *plan;
    /* The line end keeps a comment from hiding the parenthesis. */
    const char *sql = arena_printf(arena, SELECT_TEXT "%s\n) AS rule FROM shipments", rule->expression);
    if (sql_plan(sql, SQL_QUERY, &catalog, arena, &plan, err) != STATUS_OK) {
        Error cause = *err;
        error_set(err, STATUS_CONFIG, "the rule's expression: %s", cause.message);
        error_hint(err, "%s", cause.hint);
        return at_rule(mapping, rule, err);
    }
    bool plain = plan->kind == PLAN_PROJECT && plan->child->kind == PLAN_SCAN && plan->schema.n == 1;
    if (!plain || plan->schema.fields[0].type.id != TYPE_BOOLEAN) {
        error_set(err, STATUS_CONFIG, "the rule's expression is no condition over one shipment: %.200s",
                  rule->expression);
        error_hint(err, "write what must hold, such as: delivery_date >= shipment_date");
        return at_rule(mapping, rule, err);
    }
    *ret = eval_prepare(plan->project.exprs[0], plan->child->scan.columns, arena);
    return STATUS_OK;
}

Status rules_new(const Mapping *mapping, Arena *arena, RuleSet **ret_rules, Error *err)
{
    RuleSet *rules = ARENA_NEW(arena, RuleSet);
    rules->checks = ARENA_ARRAY(arena, RuleCheck, mapping->n_rules + 1);
    for (uint32_t i = 0; i < mapping->n_rules; i++) {
        const MappingRule *rule = &mapping->rules[i];
        RuleCheck *check = &rules->checks[rules->n++];
        check->rule = rule;
        if (rule->expression) {
            TRY(prepare_expression(mapping, rule, arena, &check->condition, err));
            continue;
        }
        TRY(prepare_bound(mapping, rule, rule->minimum, &check->minimum, err));
        TRY(prepare_bound(mapping, rule, rule->maximum, &check->maximum, err));
        if (rule->n_allowed > 0 && shipment_column(rule->column)->type.id != TYPE_STRING) {
            error_set(err, STATUS_CONFIG, "'allowed' is of text columns; %s is none",
                      shipment_column(rule->column)->name);
            error_hint(err, "use min and max, or an expression");
            return at_rule(mapping, rule, err);
        }
    }
    *ret_rules = rules;
    return STATUS_OK;
}

/* ---- Checking ---- */

static int compare(const Value *a, const Value *b)
{
    switch (a->type.id) {
    case TYPE_STRING:
        return str_compare(a->string, b->string);
    case TYPE_DOUBLE:
        return (a->float64 > b->float64) - (a->float64 < b->float64);
    case TYPE_INT:
    case TYPE_DATE:
        return (a->int32 > b->int32) - (a->int32 < b->int32);
    default:
        return (a->int64 > b->int64) - (a->int64 < b->int64);
    }
}

static const char *value_text(const Value *value, Arena *arena)
{
    Buffer text;
    buffer_init(&text, 0);
    value_append_text(&text, value);
    const char *copy = arena_memdup(arena, buffer_text(&text), text.size < 100 ? text.size : 100);
    buffer_done(&text);
    return copy;
}

/* NULL: the value keeps the rule. */
static const char *broken(const RuleCheck *check, const Value *value, Arena *arena)
{
    const MappingRule *rule = check->rule;
    const char *said = NULL, *name = shipment_column(rule->column)->name;
    if (rule->n_allowed > 0) {
        for (uint32_t i = 0; i < rule->n_allowed; i++)
            if (str_equal(rule->allowed[i], value->string))
                return NULL;
        said = arena_printf(arena, "%s is '%s', which is not allowed", name, value_text(value, arena));
    } else if (check->minimum.valid && compare(value, &check->minimum) < 0) {
        said = arena_printf(arena, "%s is %s, below %s", name, value_text(value, arena), rule->minimum);
    } else if (check->maximum.valid && compare(value, &check->maximum) > 0) {
        said = arena_printf(arena, "%s is %s, above %s", name, value_text(value, arena), rule->maximum);
    }
    return said && rule->message ? rule->message : said;
}

typedef struct BreakList {
    RuleBreak *breaks;
    uint32_t n, capacity;
    Arena *arena;
} BreakList;

static void add_break(BreakList *list, uint32_t row, const MappingRule *rule, const char *message)
{
    if (list->n == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
        RuleBreak *breaks = ARENA_ARRAY(list->arena, RuleBreak, capacity);
        if (list->n)
            memcpy(breaks, list->breaks, sizeof *breaks * list->n);
        list->breaks = breaks;
        list->capacity = capacity;
    }
    list->breaks[list->n++] = (RuleBreak){row, rule, message};
}

/* The message of each entry once, then the rows by their entries. */
static void check_values(const RuleCheck *check, const Vector *column, uint32_t n_rows, BreakList *list)
{
    const Vector *entries = vector_entries(column);
    uint32_t n_entries = column->kind == VECTOR_CONST ? 1 : column->kind == VECTOR_FLAT ? n_rows : entries->n;
    if (column->kind == VECTOR_DICT && n_entries > n_rows) {
        for (uint32_t r = 0; r < n_rows; r++) {
            Value value = vector_value(column, r);
            const char *message = value.valid ? broken(check, &value, list->arena) : NULL;
            if (message)
                add_break(list, r, check->rule, message);
        }
        return;
    }
    const char **messages = ARENA_ARRAY(list->arena, const char *, n_entries + 1);
    for (uint32_t i = 0; i < n_entries; i++) {
        Value value = vector_value(entries, i);
        messages[i] = value.valid ? broken(check, &value, list->arena) : NULL;
    }
    for (uint32_t r = 0; r < n_rows; r++) {
        const char *message = messages[vector_position(column, r)];
        if (message)
            add_break(list, r, check->rule, message);
    }
}

static void check_expression(RuleSet *rules, const RuleCheck *check, const Batch *batch, BreakList *list)
{
    EvalContext context = {.batch_arena = list->arena,
                           .group_arena = list->arena,
                           .generation = ++rules->generation,
                           .columns = batch->columns,
                           .n = batch->n_rows};
    Vector result = eval_run(check->condition, &context);
    const char *message = check->rule->message;
    for (uint32_t r = 0; r < batch->n_rows; r++) {
        const Vector *entries = vector_entries(&result);
        uint32_t at = vector_position(&result, r);
        if ((entries->valid && !entries->valid[at]) || ((const uint8_t *)entries->data)[at])
            continue;
        if (!message)
            message = arena_printf(list->arena, "the rule does not hold: %.200s", check->rule->expression);
        add_break(list, r, check->rule, message);
    }
}

void rules_check(RuleSet *rules, const Batch *batch, Arena *arena, RuleBreak **ret_breaks, uint32_t *ret_n)
{
    BreakList list = {.arena = arena};
    for (uint32_t i = 0; i < rules->n; i++) {
        const RuleCheck *check = &rules->checks[i];
        if (check->condition)
            check_expression(rules, check, batch, &list);
        else
            check_values(check, &batch->columns[check->rule->column], batch->n_rows, &list);
    }
    *ret_breaks = list.breaks;
    *ret_n = list.n;
}
