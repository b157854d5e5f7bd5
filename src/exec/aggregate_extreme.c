/* min and max, min_by and max_by.
 *
 * What wins must not depend on the order of the rows: values that compare as equal and differ in their bits have an order
 * here, and of several x at the same extreme y, for which Spark takes any, min_by and max_by give the least, NULL last. */
#include "exec/aggregate_extreme.h"

#include "exec/compare.h"

/* The row's bytes do not outlive the batch: they are copied, to the room of the string before where it is enough. */
static void keep_string(Aggregate *aggregate, Extreme *state, const void *value)
{
    StrView text, kept;
    memcpy(&text, value, sizeof text);
    memcpy(&kept, state->value, sizeof kept);
    if (!state->seen || text.size > state->capacity) {
        state->capacity = text.size * 2 > 32 ? text.size * 2 : 32;
        kept.data = arena_alloc(aggregate->arena, state->capacity);
    }
    if (text.size)
        memcpy((char *)(uintptr_t)kept.data, text.data, text.size);
    kept.size = text.size;
    memcpy(state->value, &kept, sizeof kept);
}

static void keep_value(Aggregate *aggregate, Extreme *state, DataType type, const void *value)
{
    if (type.id == TYPE_STRING || type.id == TYPE_BINARY)
        keep_string(aggregate, state, value);
    else
        memcpy(state->value, value, type_width(type));
    state->seen = true;
}

/* Order of values that compare as equal but differ in their bits (0 and -0, NaNs), so that it does not matter which of them
 * came first. */
static int tie_order(DataType type, const void *a, const void *b)
{
    if (type.id == TYPE_DOUBLE)
        return compare_values(DATA_TYPE(BIGINT), a, b);
    return type.id == TYPE_FLOAT ? compare_values(DATA_TYPE(INT), a, b) : 0;
}

void extreme_keep(Aggregate *aggregate, AggregateSlot *slot, Extreme *state, DataType type, const void *value)
{
    if (state->seen) {
        int order = compare_values(type, value, state->value);
        if (order == 0)
            order = tie_order(type, value, state->value);
        if (slot->call->kind == AGGREGATE_MIN ? order >= 0 : order <= 0)
            return;
    }
    keep_value(aggregate, state, type, value);
}

void extreme_update(Aggregate *aggregate, AggregateSlot *slot, const Vector *values, const uint8_t *mask,
                    const uint32_t *groups, uint32_t n)
{
    Extreme *states = (Extreme *)(void *)slot->states;
    size_t width = type_width(values->type);
    for (uint32_t i = 0; i < n; i++)
        if (!mask || mask[i])
            extreme_keep(aggregate, slot, &states[groups[i]], values->type, (const char *)values->data + width * i);
}

/* Whether x, which may be NULL, takes the place of the value at an equal extreme. */
static bool wins_tie(const Extreme *kept, DataType type, const void *x)
{
    if (!x || !kept->seen)
        return x != NULL;
    int order = compare_values(type, x, kept->value);
    return order < 0 || (order == 0 && tie_order(type, x, kept->value) < 0);
}

void by_keep(Aggregate *aggregate, AggregateSlot *slot, ByExtreme *state, const void *x, const void *y)
{
    DataType x_type = slot->call->args[0]->type, y_type = slot->call->args[1]->type;
    if (state->extreme.seen) {
        int order = compare_values(y_type, y, state->extreme.value);
        if (slot->call->kind == AGGREGATE_MAX_BY)
            order = -order;
        if (order > 0 || (order == 0 && !wins_tie(&state->value, x_type, x)))
            return;
    }
    keep_value(aggregate, &state->extreme, y_type, y);
    if (x)
        keep_value(aggregate, &state->value, x_type, x);
    else
        state->value.seen = false;
}

void by_update(Aggregate *aggregate, AggregateSlot *slot, const Vector *args, const uint8_t *mask,
               const uint32_t *groups, uint32_t n)
{
    ByExtreme *states = (ByExtreme *)(void *)slot->states;
    const Vector *x = &args[0], *y = &args[1];
    size_t x_width = type_width(x->type), y_width = type_width(y->type);
    for (uint32_t i = 0; i < n; i++) {
        if (mask && !mask[i])
            continue;
        bool x_valid = !x->valid || x->valid[i];
        by_keep(aggregate, slot, &states[groups[i]], x_valid ? (const char *)x->data + x_width * i : NULL,
                (const char *)y->data + y_width * i);
    }
}
