#include "exec/aggregate.h"

#include "exec/aggregate_extreme.h"

#define ROWS_AHEAD 16

static StateKind state_kind(const AggregateCall *call)
{
    switch (call->kind) {
    case AGGREGATE_COUNT_STAR:
    case AGGREGATE_COUNT:
        return STATE_COUNT;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        return STATE_EXTREME;
    case AGGREGATE_MIN_BY:
    case AGGREGATE_MAX_BY:
        return STATE_BY;
    case AGGREGATE_STDDEV_SAMP:
    case AGGREGATE_STDDEV_POP:
    case AGGREGATE_VAR_SAMP:
    case AGGREGATE_VAR_POP:
    case AGGREGATE_CORR:
        return STATE_MOMENTS;
    case AGGREGATE_PERCENTILE:
    case AGGREGATE_MEDIAN:
        return STATE_PERCENTILE;
    default:
        return call->args[0]->type.id == TYPE_DOUBLE ? STATE_SUM_DOUBLE : STATE_SUM_WHOLE;
    }
}

static size_t state_size(StateKind kind, const AggregateCall *call)
{
    static const size_t sizes[] = {
        sizeof(int64_t), sizeof(WholeSum), sizeof(DoubleSum), sizeof(Extreme), sizeof(ByExtreme), 0, 0};
    return kind == STATE_MOMENTS ? moments_size(call->n_args) : sizes[kind];
}

static void slot_prepare(AggregateSlot *slot, const AggregateCall *call, const uint32_t *column_map, Arena *arena)
{
    slot->call = call;
    slot->state = state_kind(call);
    slot->state_bytes = state_size(slot->state, call);
    slot->args = ARENA_ARRAY(arena, EvalNode *, call->n_args);
    DataType types[GROUP_TABLE_MAX_COLUMNS] = {DATA_TYPE(BIGINT)};
    for (uint32_t i = 0; i < call->n_args; i++) {
        slot->args[i] = eval_prepare(call->args[i], column_map, arena);
        if (call->distinct)
            types[i + 1] = call->args[i]->type;
    }
    slot->filter = eval_prepare(call->filter, column_map, arena);
    bool distinct = call->distinct && call->kind != AGGREGATE_MIN && call->kind != AGGREGATE_MAX;
    if (slot->state == STATE_PERCENTILE || (distinct && call->n_args == 1))
        slot->counts = value_counts_new(call->args[0]->type, arena);
    else if (distinct)
        slot->distinct = group_table_new(arena, types, call->n_args + 1);
}

Aggregate *aggregate_new(const PlanNode *node, const uint32_t *column_map, Arena *arena)
{
    Aggregate *aggregate = ARENA_NEW(arena, Aggregate);
    aggregate->node = node;
    aggregate->arena = arena;
    aggregate->n_keys = node->aggregate.n_keys;
    aggregate->keys = ARENA_ARRAY(arena, EvalNode *, aggregate->n_keys);
    DataType types[GROUP_TABLE_MAX_COLUMNS];
    CHECK(aggregate->n_keys <= GROUP_TABLE_MAX_COLUMNS);
    for (uint32_t k = 0; k < aggregate->n_keys; k++) {
        aggregate->keys[k] = eval_prepare(node->aggregate.keys[k], column_map, arena);
        types[k] = node->aggregate.keys[k]->type;
    }
    aggregate->groups = group_table_new(arena, types, aggregate->n_keys);
    aggregate->n_slots = node->aggregate.n_calls;
    aggregate->slots = ARENA_ARRAY(arena, AggregateSlot, aggregate->n_slots);
    for (uint32_t i = 0; i < aggregate->n_slots; i++)
        slot_prepare(&aggregate->slots[i], &node->aggregate.calls[i], column_map, arena);
    return aggregate;
}

static void reserve_states(Aggregate *aggregate)
{
    uint32_t n = group_table_size(aggregate->groups);
    if (n <= aggregate->capacity)
        return;
    uint32_t capacity = aggregate->capacity * 2 > n ? aggregate->capacity * 2 : n + 64;
    for (uint32_t i = 0; i < aggregate->n_slots; i++) {
        AggregateSlot *slot = &aggregate->slots[i];
        char *states = arena_zalloc(aggregate->arena, slot->state_bytes * capacity);
        if (aggregate->capacity)
            memcpy(states, slot->states, slot->state_bytes * aggregate->capacity);
        slot->states = states;
    }
    aggregate->capacity = capacity;
}

void aggregate_groups(Aggregate *aggregate, EvalContext *context, uint32_t *ret_groups)
{
    Vector *keys = ARENA_ARRAY(context->batch_arena, Vector, aggregate->n_keys);
    for (uint32_t k = 0; k < aggregate->n_keys; k++)
        keys[k] = eval_run(aggregate->keys[k], context);
    group_table_find(aggregate->groups, keys, context->n, context->generation, context->batch_arena, ret_groups);
    reserve_states(aggregate);
}

/* ---- updates: rows whose mask byte is 0 take no part ---- */

static void update_count(AggregateSlot *slot, const uint8_t *mask, const uint32_t *groups, const int64_t *weights,
                         uint32_t n)
{
    int64_t *states = (int64_t *)(void *)slot->states;
    for (uint32_t i = 0; i < n; i++)
        states[groups[i]] += (weights ? weights[i] : 1) & -(int64_t)(mask ? mask[i] : 1);
}

static inline void whole_sum_add(WholeSum *state, Int128 value, int64_t weight)
{
    state->count += weight;
    if (LIKELY(value == (int64_t)value)) {
        Int128 product = value * weight;
        whole_sum_carry(state, (UInt128)product, product < 0 ? -1 : 0);
        return;
    }
    UInt128 magnitude = value < 0 ? -(UInt128)value : (UInt128)value; /* weights are counts, never negative */
    UInt128 lower = (UInt128)(uint64_t)magnitude * (uint64_t)weight;
    UInt128 upper = (magnitude >> 64) * (uint64_t)weight;
    UInt128 low = lower + (upper << 64);
    int64_t high = (int64_t)(upper >> 64) + (low < lower);
    if (value < 0) {
        low = -low;
        high = -high - (low != 0);
    }
    whole_sum_carry(state, low, high);
}

/* The sum where 128 bits hold it. */
static bool whole_sum_value(const WholeSum *state, Int128 *ret_sum)
{
    *ret_sum = (Int128)state->low;
    return state->high == (*ret_sum < 0 ? -1 : 0);
}

#define UPDATE_WHOLE(Type)                                                                                             \
    for (uint32_t i = 0; i < n; i++)                                                                                   \
        if (!mask || mask[i])                                                                                          \
    whole_sum_add(&states[groups[i]], ((const Type *)values->data)[i], weights ? weights[i] : 1)

static void update_whole(AggregateSlot *slot, const Vector *values, const uint8_t *mask, const uint32_t *groups,
                         const int64_t *weights, uint32_t n)
{
    WholeSum *states = (WholeSum *)(void *)slot->states;
    switch (type_width(values->type)) {
    case 4:
        UPDATE_WHOLE(int32_t);
        break;
    case 8:
        UPDATE_WHOLE(int64_t);
        break;
    case 16:
        UPDATE_WHOLE(Int128);
        break;
    default:
        break; /* a bare NULL: nothing to add */
    }
}

static void update_double(Aggregate *aggregate, AggregateSlot *slot, const Vector *values, const uint8_t *mask,
                          const uint32_t *groups, const int64_t *weights, uint32_t n)
{
    DoubleSum *states = (DoubleSum *)(void *)slot->states;
    const double *data = values->data;
    for (uint32_t i = 0; i < n; i++) {
        if (i + ROWS_AHEAD < n) /* states of many groups are far away */
            __builtin_prefetch(&states[groups[i + ROWS_AHEAD]], 1);
        if (mask && !mask[i])
            continue;
        DoubleSum *state = &states[groups[i]];
        if (!weights || weights[i] == 1)
            exact_sum_add(&state->sum, data[i], aggregate->arena);
        else
            exact_sum_add_wide(&state->sum, data[i], weights[i], aggregate->arena);
        state->count += weights ? weights[i] : 1;
    }
}

static void update_moments(Aggregate *aggregate, AggregateSlot *slot, const Vector *args, const uint8_t *mask,
                           const uint32_t *groups, const int64_t *weights, uint32_t n)
{
    const double *x = args[0].data, *y = slot->call->n_args == 2 ? args[1].data : NULL;
    for (uint32_t i = 0; i < n; i++)
        if (!mask || mask[i])
            moments_add((Moments *)(void *)(slot->states + slot->state_bytes * groups[i]), x[i], y ? &y[i] : NULL,
                        weights ? weights[i] : 1, aggregate->arena);
}

/* Rows for which FILTER is true; NULL when all are. */
static uint8_t *filter_mask(AggregateSlot *slot, EvalContext *context)
{
    if (!slot->filter)
        return NULL;
    Vector filter = eval_run(slot->filter, context);
    filter = vector_flatten(context->batch_arena, &filter);
    uint8_t *mask = arena_alloc(context->batch_arena, context->n + 1);
    memcpy(mask, filter.data, context->n);
    for (uint32_t i = 0; filter.valid && i < context->n; i++)
        mask[i] &= filter.valid[i];
    return mask;
}

/* Rows that count: filter true and every argument valid, but for the value of min_by and max_by.  NULL when all do. */
static uint8_t *row_mask(AggregateSlot *slot, const Vector *args, EvalContext *context)
{
    uint32_t n = context->n;
    uint8_t *mask = filter_mask(slot, context);
    for (uint32_t k = slot->state == STATE_BY ? 1 : 0; k < slot->call->n_args; k++) {
        if (args[k].type.id == TYPE_NULLTYPE) {
            return memset(arena_alloc(context->batch_arena, n + 1), 0, n + 1);
        } else if (args[k].valid && !mask) {
            mask = (uint8_t *)arena_memdup(context->batch_arena, args[k].valid, n);
        } else if (args[k].valid) {
            for (uint32_t i = 0; i < n; i++)
                mask[i] &= args[k].valid[i];
        }
    }
    return mask;
}

/* Clears the mask of rows whose (group, args) was seen before. */
static uint8_t *mask_seen(AggregateSlot *slot, const Vector *args, uint8_t *mask, const uint32_t *groups,
                          EvalContext *context)
{
    uint32_t n = context->n, kept = 0;
    uint32_t *rows = ARENA_ARRAY(context->batch_arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        if (!mask || mask[i])
            rows[kept++] = i;
    Vector *columns = ARENA_ARRAY(context->batch_arena, Vector, slot->call->n_args + 1);
    columns[0] = vector_new(context->batch_arena, DATA_TYPE(BIGINT), kept, false);
    for (uint32_t i = 0; i < kept; i++)
        ((int64_t *)columns[0].data)[i] = groups[rows[i]];
    for (uint32_t k = 0; k < slot->call->n_args; k++)
        columns[k + 1] = vector_select(context->batch_arena, &args[k], rows, kept);
    uint32_t *numbers = ARENA_ARRAY(context->batch_arena, uint32_t, kept + 1);
    uint32_t next = group_table_size(slot->distinct);
    group_table_find(slot->distinct, columns, kept, context->generation, context->batch_arena, numbers);
    uint8_t *first = arena_zalloc(context->batch_arena, n + 1);
    for (uint32_t i = 0; i < kept; i++)
        if (numbers[i] == next) { /* numbers are given in order of appearance */
            first[rows[i]] = 1;
            next++;
        }
    return first;
}

static void update_state(Aggregate *aggregate, AggregateSlot *slot, const Vector *args, const uint8_t *mask,
                         const uint32_t *groups, const int64_t *weights, uint32_t n)
{
    switch (slot->state) {
    case STATE_COUNT:
        update_count(slot, mask, groups, weights, n);
        break;
    case STATE_SUM_WHOLE:
        update_whole(slot, &args[0], mask, groups, weights, n);
        break;
    case STATE_SUM_DOUBLE:
        update_double(aggregate, slot, &args[0], mask, groups, weights, n);
        break;
    case STATE_EXTREME:
        extreme_update(aggregate, slot, &args[0], mask, groups, n);
        break;
    case STATE_BY:
        by_update(aggregate, slot, args, mask, groups, n);
        break;
    case STATE_MOMENTS:
        update_moments(aggregate, slot, args, mask, groups, weights, n);
        break;
    case STATE_PERCENTILE:
        break;
    }
}

/* A slot that tallies its argument: the rows whose value is new in its group go into the state of a DISTINCT. */
static void update_counted(Aggregate *aggregate, AggregateSlot *slot, EvalContext *context, const uint32_t *groups,
                           const int64_t *weights)
{
    Vector value = eval_run(slot->args[0], context);
    bool to_state = slot->state != STATE_PERCENTILE;
    uint8_t *first = to_state ? arena_alloc(context->batch_arena, context->n + 1) : NULL;
    CountedRows rows = {.values = &value,
                        .mask = filter_mask(slot, context),
                        .groups = groups,
                        .weights = to_state ? NULL : weights,
                        .generation = context->generation,
                        .n = context->n};
    value_counts_add(slot->counts, &rows, context->batch_arena, first);
    if (!to_state)
        return;
    value = vector_flatten(context->batch_arena, &value);
    update_state(aggregate, slot, &value, first, groups, NULL, context->n);
}

void aggregate_update_slot(Aggregate *aggregate, uint32_t index, EvalContext *context, const uint32_t *groups,
                           const int64_t *weights)
{
    AggregateSlot *slot = &aggregate->slots[index];
    if (slot->counts) {
        update_counted(aggregate, slot, context, groups, weights);
        return;
    }
    Vector *args = ARENA_ARRAY(context->batch_arena, Vector, slot->call->n_args + 1);
    for (uint32_t k = 0; k < slot->call->n_args; k++) {
        Vector arg = eval_run(slot->args[k], context);
        args[k] = vector_flatten(context->batch_arena, &arg);
    }
    uint8_t *mask = row_mask(slot, args, context);
    if (slot->distinct) {
        mask = mask_seen(slot, args, mask, groups, context);
        weights = NULL;
    }
    update_state(aggregate, slot, args, mask, groups, weights, context->n);
}

void aggregate_update(Aggregate *aggregate, EvalContext *context)
{
    uint32_t *groups = ARENA_ARRAY(context->batch_arena, uint32_t, context->n + 1);
    aggregate_groups(aggregate, context, groups);
    for (uint32_t i = 0; i < aggregate->n_slots; i++)
        aggregate_update_slot(aggregate, i, context, groups, NULL);
}

void aggregate_add_sum(Aggregate *aggregate, uint32_t index, uint32_t group, Int128 units, int exponent, int64_t count)
{
    AggregateSlot *slot = &aggregate->slots[index];
    if (slot->state == STATE_COUNT) {
        ((int64_t *)(void *)slot->states)[group] += count;
    } else if (slot->state == STATE_SUM_WHOLE) {
        WholeSum *state = &((WholeSum *)(void *)slot->states)[group];
        whole_sum_carry(state, (UInt128)units, units < 0 ? -1 : 0);
        state->count += count;
    } else {
        DoubleSum *state = &((DoubleSum *)(void *)slot->states)[group];
        exact_sum_add_scaled(&state->sum, units, exponent, aggregate->arena);
        state->count += count;
    }
}

/* ---- merge ---- */

static void merge_distinct(Aggregate *aggregate, AggregateSlot *slot, AggregateSlot *other, const uint32_t *groups,
                           Arena *batch_arena)
{
    uint32_t n = group_table_size(other->distinct);
    uint32_t n_args = slot->call->n_args;
    Vector *columns = ARENA_ARRAY(batch_arena, Vector, n_args + 1);
    for (uint32_t k = 0; k <= n_args; k++)
        columns[k] = group_table_column(other->distinct, k, batch_arena);
    uint32_t *row_groups = ARENA_ARRAY(batch_arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        row_groups[i] = groups[((int64_t *)columns[0].data)[i]];
        ((int64_t *)columns[0].data)[i] = row_groups[i];
    }
    uint32_t *numbers = ARENA_ARRAY(batch_arena, uint32_t, n + 1);
    uint32_t next = group_table_size(slot->distinct);
    group_table_find(slot->distinct, columns, n, UINT64_MAX, batch_arena, numbers);
    uint8_t *mask = arena_zalloc(batch_arena, n + 1);
    for (uint32_t i = 0; i < n; i++)
        if (numbers[i] == next) {
            mask[i] = 1;
            next++;
        }
    update_state(aggregate, slot, columns + 1, mask, row_groups, NULL, n);
}

typedef struct CountsMerge {
    Aggregate *aggregate;
    AggregateSlot *slot;
    Vector values; /* by number */
    Arena *batch_arena;
} CountsMerge;

/* Values that are new in their group go into the state. */
static void merge_new_pairs(void *context, const ValuePair *pairs, uint32_t n)
{
    CountsMerge *merge = context;
    uint32_t groups[VALUE_COUNTS_MERGE_PAIRS], numbers[VALUE_COUNTS_MERGE_PAIRS];
    for (uint32_t i = 0; i < n; i++) {
        groups[i] = pairs[i].group;
        numbers[i] = pairs[i].value;
    }
    Vector values = vector_select(merge->batch_arena, &merge->values, numbers, n);
    update_state(merge->aggregate, merge->slot, &values, NULL, groups, NULL, n);
}

static void merge_counted(Aggregate *aggregate, AggregateSlot *slot, const AggregateSlot *other, const uint32_t *groups,
                          Arena *batch_arena)
{
    if (slot->state == STATE_PERCENTILE) {
        value_counts_merge(slot->counts, other->counts, groups, batch_arena, NULL, NULL);
        return;
    }
    CountsMerge merge = {.aggregate = aggregate,
                         .slot = slot,
                         .values = value_counts_values(other->counts, batch_arena),
                         .batch_arena = batch_arena};
    value_counts_merge(slot->counts, other->counts, groups, batch_arena, merge_new_pairs, &merge);
}

static void merge_slot(Aggregate *aggregate, AggregateSlot *slot, AggregateSlot *other, const uint32_t *groups,
                       uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char *into = slot->states + slot->state_bytes * groups[i];
        const char *from = other->states + slot->state_bytes * i;
        if (slot->state == STATE_COUNT) {
            *(int64_t *)(void *)into += *(const int64_t *)(const void *)from;
        } else if (slot->state == STATE_SUM_WHOLE) {
            WholeSum *a = (WholeSum *)(void *)into;
            const WholeSum *b = (const WholeSum *)(const void *)from;
            whole_sum_carry(a, b->low, b->high);
            a->count += b->count;
        } else if (slot->state == STATE_SUM_DOUBLE) {
            DoubleSum *a = (DoubleSum *)(void *)into;
            const DoubleSum *b = (const DoubleSum *)(const void *)from;
            exact_sum_merge(&a->sum, &b->sum, aggregate->arena);
            a->count += b->count;
        } else if (slot->state == STATE_MOMENTS) {
            moments_merge((Moments *)(void *)into, (const Moments *)(const void *)from, slot->call->n_args,
                          aggregate->arena);
        } else if (slot->state == STATE_BY) {
            const ByExtreme *b = (const ByExtreme *)(const void *)from;
            if (b->extreme.seen)
                by_keep(aggregate, slot, (ByExtreme *)(void *)into, b->value.seen ? b->value.value : NULL,
                        b->extreme.value);
        } else {
            const Extreme *b = (const Extreme *)(const void *)from;
            if (b->seen)
                extreme_keep(aggregate, slot, (Extreme *)(void *)into, slot->call->args[0]->type, b->value);
        }
    }
}

void aggregate_merge(Aggregate *aggregate, Aggregate *other, Arena *batch_arena)
{
    uint32_t n = group_table_size(other->groups);
    uint32_t *groups = ARENA_ARRAY(batch_arena, uint32_t, n + 1);
    group_table_merge(aggregate->groups, other->groups, groups);
    reserve_states(aggregate);
    for (uint32_t i = 0; i < aggregate->n_slots; i++) {
        if (aggregate->slots[i].counts)
            merge_counted(aggregate, &aggregate->slots[i], &other->slots[i], groups, batch_arena);
        else if (aggregate->slots[i].distinct)
            merge_distinct(aggregate, &aggregate->slots[i], &other->slots[i], groups, batch_arena);
        else
            merge_slot(aggregate, &aggregate->slots[i], &other->slots[i], groups, n);
    }
}

/* ---- result ---- */

static Int128 power_of_ten(int exponent)
{
    Int128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* sum * 10^digits / count, half up (away from zero), without overflow of the product: the quotient first. */
static bool decimal_average(Int128 sum, int64_t count, int digits, Int128 *ret_average)
{
    bool negative = sum < 0;
    UInt128 magnitude = negative ? -(UInt128)sum : (UInt128)sum;
    UInt128 quotient = magnitude / (UInt128)count, rest = magnitude % (UInt128)count;
    UInt128 scale = (UInt128)power_of_ten(digits), average;
    UInt128 numerator = rest * scale; /* rest < 2^63, scale is at most 10^4 and a little */
    UInt128 fraction = numerator / (UInt128)count;
    if (numerator % (UInt128)count * 2 >= (UInt128)count)
        fraction++;
    if (__builtin_mul_overflow(quotient, scale, &average) || __builtin_add_overflow(average, fraction, &average) ||
        average >> 127)
        return false;
    *ret_average = negative ? -(Int128)average : (Int128)average;
    return true;
}

static bool decimal_fits(Int128 value, DataType type)
{
    Int128 limit = power_of_ten(type.precision);
    return value > -limit && value < limit;
}

bool whole_sum_finish(AggregateKind kind, DataType type, DataType argument, const WholeSum *state, void *place)
{
    Int128 value;
    bool fits = whole_sum_value(state, &value);
    if (state->count == 0)
        return false;
    if (type.id == TYPE_DOUBLE) {
        double average = (double)value / (double)state->count;
        memcpy(place, &average, sizeof average);
        return fits;
    }
    if (type.id == TYPE_BIGINT) { /* wraps, as Spark's long does */
        int64_t sum = (int64_t)state->low;
        memcpy(place, &sum, sizeof sum);
        return true;
    }
    int digits = type.scale - argument.scale;
    if (!fits || (kind == AGGREGATE_AVG && !decimal_average(value, state->count, digits, &value)) ||
        !decimal_fits(value, type))
        return false;
    memcpy(place, &value, type_width(type)); /* little-endian: the low bytes are the narrow value */
    return true;
}

static bool finish_state(const AggregateSlot *slot, const char *state, void *place)
{
    const AggregateCall *call = slot->call;
    switch (slot->state) {
    case STATE_COUNT:
        memcpy(place, state, sizeof(int64_t));
        return true;
    case STATE_SUM_WHOLE:
        return whole_sum_finish(call->kind, call->type, call->args[0]->type, (const WholeSum *)(const void *)state,
                                place);
    case STATE_SUM_DOUBLE: {
        const DoubleSum *sum = (const DoubleSum *)(const void *)state;
        double value = exact_sum_round(&sum->sum);
        if (call->kind == AGGREGATE_AVG && sum->count)
            value /= (double)sum->count;
        memcpy(place, &value, sizeof value);
        return sum->count > 0;
    }
    case STATE_EXTREME: {
        const Extreme *extreme = (const Extreme *)(const void *)state;
        memcpy(place, extreme->value, type_width(call->type));
        return extreme->seen;
    }
    case STATE_BY: {
        const ByExtreme *by = (const ByExtreme *)(const void *)state;
        memcpy(place, by->value.value, type_width(call->type));
        return by->extreme.seen && by->value.seen;
    }
    case STATE_MOMENTS: {
        double value = 0;
        bool valid = moments_finish(call->kind, (const Moments *)(const void *)state, &value);
        memcpy(place, &value, sizeof value);
        return valid;
    }
    case STATE_PERCENTILE:
        break;
    }
    return false;
}

Batch aggregate_result(Aggregate *aggregate, Arena *arena)
{
    if (aggregate->n_keys == 0) { /* the one group is there even when no row was */
        uint32_t group;
        EvalContext context = {.batch_arena = arena, .group_arena = arena, .n = 1};
        aggregate_groups(aggregate, &context, &group);
    }
    uint32_t n = group_table_size(aggregate->groups);
    Batch batch = {.n_rows = n, .n_columns = aggregate->n_keys + aggregate->n_slots};
    batch.columns = ARENA_ARRAY(arena, Vector, batch.n_columns);
    for (uint32_t k = 0; k < aggregate->n_keys; k++)
        batch.columns[k] = group_table_column(aggregate->groups, k, arena);
    for (uint32_t i = 0; i < aggregate->n_slots; i++) {
        AggregateSlot *slot = &aggregate->slots[i];
        Vector vector = vector_new(arena, slot->call->type, n, true);
        size_t width = type_width(slot->call->type);
        memset(vector.data, 0, width * n);
        bool percentile = slot->state == STATE_PERCENTILE;
        if (percentile)
            percentile_finish(slot->counts, slot->call->fraction, slot->call->distinct, &vector, arena);
        for (uint32_t g = 0; g < n && !percentile; g++)
            vector.valid[g] = finish_state(slot, slot->states + slot->state_bytes * g, (char *)vector.data + width * g);
        batch.columns[aggregate->n_keys + i] = vector;
    }
    return batch;
}

size_t aggregate_bytes(const Aggregate *aggregate)
{
    size_t bytes = group_table_bytes(aggregate->groups);
    for (uint32_t i = 0; i < aggregate->n_slots; i++) {
        const AggregateSlot *slot = &aggregate->slots[i];
        bytes += slot->state_bytes * aggregate->capacity + (slot->counts ? value_counts_bytes(slot->counts) : 0);
    }
    return bytes;
}
