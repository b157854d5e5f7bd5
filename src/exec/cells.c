#include "exec/cells.h"

#define MAX_DIMENSIONS 16
#define LANES 4

typedef struct Dimension {
    uint32_t column;
    uint32_t size;
} Dimension;

/* A sum over rows by combination of the grouping columns, shared by the slots that need it. */
typedef struct Measure {
    EvalNode *arg;
    bool is_double;
    /* of the row group */
    bool active;
    const Vector *entries; /* dictionary that `units` was made from */
    int64_t *units;        /* per entry */
    int exponent;
    bool has_nulls;  /* some entry is NULL */
    int64_t *sums;   /* [lane][combination] */
    int64_t *nulls;  /* [combination]: rows that were NULL and are no term */
    ExactSum *exact; /* [combination]: doubles that come flat or do not turn into integers */
} Measure;

typedef enum SlotRoute { ROUTE_CELLS, ROUTE_MEASURE, ROUTE_ROWS } SlotRoute;

typedef struct SlotPlan {
    bool *columns;    /* that args and filter read */
    uint32_t measure; /* candidate measure, or UINT32_MAX */
    SlotRoute route;  /* of the row group */
} SlotPlan;

typedef struct Member {
    Aggregate *aggregate;
    bool *key_columns;
    SlotPlan *slots;
    bool served;
    uint32_t *groups; /* combination -> group number + 1, 0 not looked up; only for ROUTE_ROWS */
} Member;

struct Cells {
    Arena *arena;
    uint32_t n_columns;
    Member *members;
    uint32_t n_members;
    Measure *measures;
    uint32_t n_measures;
    /* of the row group */
    Dimension dimensions[MAX_DIMENSIONS]; /* the grouping columns first */
    uint32_t n_dimensions;
    uint32_t n_grouping;
    uint32_t n_combinations; /* of the grouping columns */
    uint32_t n_cells;        /* of all dimensions */
    uint32_t *counts;        /* [lane][cell]; NULL: no member is served */
    const Vector *const *dictionaries;
    uint32_t largest_combinations;
    uint32_t largest_cells;
};

/* ---- preparation, once a statement ---- */

static bool slot_is_measurable(const AggregateSlot *slot)
{
    const AggregateCall *call = slot->call;
    bool summed = slot->state == STATE_COUNT || slot->state == STATE_SUM_WHOLE || slot->state == STATE_SUM_DOUBLE;
    if (call->distinct || slot->filter || !summed || call->n_args != 1)
        return false;
    return slot->state == STATE_COUNT || slot->state == STATE_SUM_DOUBLE || !type_is_wide_decimal(call->args[0]->type);
}

static uint32_t measure_for(Cells *cells, const AggregateSlot *slot)
{
    for (uint32_t i = 0; i < cells->n_measures; i++)
        if (eval_equal(cells->measures[i].arg, slot->args[0]))
            return i;
    Measure *measure = &cells->measures[cells->n_measures];
    measure->arg = slot->args[0];
    measure->is_double = slot->args[0]->expr->type.id == TYPE_DOUBLE;
    return cells->n_measures++;
}

static bool type_can_be_summed(DataType type)
{
    switch (type.id) {
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
        return true;
    case TYPE_DECIMAL:
        return !type_is_wide_decimal(type);
    default:
        return false;
    }
}

Cells *cells_new(Aggregate **members, uint32_t n_members, uint32_t n_columns, Arena *arena)
{
    Cells *cells = ARENA_NEW(arena, Cells);
    cells->arena = arena;
    cells->n_columns = n_columns;
    cells->n_members = n_members;
    cells->members = ARENA_ARRAY(arena, Member, n_members);
    uint32_t n_slots = 0;
    for (uint32_t m = 0; m < n_members; m++)
        n_slots += members[m]->n_slots;
    cells->measures = ARENA_ARRAY(arena, Measure, n_slots);
    for (uint32_t m = 0; m < n_members; m++) {
        Member *member = &cells->members[m];
        member->aggregate = members[m];
        member->key_columns = ARENA_ARRAY(arena, bool, n_columns + 1);
        for (uint32_t k = 0; k < members[m]->n_keys; k++)
            eval_mark_columns(members[m]->keys[k], member->key_columns);
        member->slots = ARENA_ARRAY(arena, SlotPlan, members[m]->n_slots);
        for (uint32_t i = 0; i < members[m]->n_slots; i++) {
            const AggregateSlot *slot = &members[m]->slots[i];
            SlotPlan *plan = &member->slots[i];
            plan->columns = ARENA_ARRAY(arena, bool, n_columns + 1);
            for (uint32_t k = 0; k < slot->call->n_args; k++)
                eval_mark_columns(slot->args[k], plan->columns);
            eval_mark_columns(slot->filter, plan->columns);
            plan->measure = UINT32_MAX;
            if (slot_is_measurable(slot) && type_can_be_summed(slot->call->args[0]->type))
                plan->measure = measure_for(cells, slot);
        }
    }
    return cells;
}

/* ---- start of a row group: which columns become dimensions ---- */

static bool is_dimension(const Cells *cells, uint32_t column)
{
    for (uint32_t d = 0; d < cells->n_dimensions; d++)
        if (cells->dimensions[d].column == column)
            return true;
    return false;
}

/* Adds the marked columns that are not dimensions yet, if all have dictionaries and the product stays within `limit`. */
static bool add_dimensions(Cells *cells, const bool *columns, uint32_t *product, uint32_t limit)
{
    Dimension added[MAX_DIMENSIONS];
    uint32_t n_added = 0;
    uint64_t total = *product;
    for (uint32_t c = 0; c < cells->n_columns; c++) {
        if (!columns[c] || is_dimension(cells, c))
            continue;
        const Vector *dictionary = cells->dictionaries[c];
        if (!dictionary || cells->n_dimensions + n_added == MAX_DIMENSIONS)
            return false;
        total *= dictionary->n ? dictionary->n : 1;
        if (total > limit)
            return false;
        added[n_added++] = (Dimension){c, dictionary->n ? dictionary->n : 1};
    }
    memcpy(cells->dimensions + cells->n_dimensions, added, sizeof(Dimension) * n_added);
    cells->n_dimensions += n_added;
    *product = (uint32_t)total;
    return true;
}

static int64_t integer_entry(const Vector *entries, uint32_t i)
{
    return type_width(entries->type) == 4 ? ((const int32_t *)entries->data)[i] : ((const int64_t *)entries->data)[i];
}

/* Integers of a dictionary's entries; false when `rows` of them could overflow 62 bits. */
static bool whole_units(const Vector *entries, uint64_t rows, int64_t *units)
{
    uint64_t largest = 0;
    for (uint32_t i = 0; i < entries->n; i++) {
        bool valid = !entries->valid || entries->valid[i];
        units[i] = valid ? integer_entry(entries, i) : 0;
        uint64_t magnitude = units[i] < 0 ? -(uint64_t)units[i] : (uint64_t)units[i];
        largest = magnitude > largest ? magnitude : largest;
    }
    return (UInt128)largest * rows >> 62 == 0;
}

/* Prepares a measure for the row group; false when it cannot be summed in 64-bit integers or exact sums here. */
static bool measure_begin(Cells *cells, Measure *measure, uint64_t rows, EvalContext *context)
{
    if (measure->active)
        return true;
    uint32_t n = cells->n_combinations;
    int32_t column = measure->arg->only_column;
    const Vector *dictionary = column >= 0 ? cells->dictionaries[column] : NULL;
    measure->units = NULL;
    measure->exact = NULL;
    measure->entries = NULL;
    measure->has_nulls = false;
    measure->exponent = 0;
    if (dictionary) {
        Vector *columns = arena_alloc(context->group_arena, sizeof(Vector) * ((size_t)column + 1));
        Vector codes = {.type = dictionary->type, .kind = VECTOR_DICT, .code_width = 4, .n = 0, .dict = dictionary};
        columns[column] = codes;
        EvalContext inner = *context;
        inner.columns = columns;
        inner.n = 0;
        const Vector *entries = eval_run(measure->arg, &inner).dict;
        int64_t *units = arena_alloc(context->group_arena, sizeof(int64_t) * (entries->n + 1));
        bool fits = measure->is_double ? exact_sum_as_integers(entries->data, entries->valid, entries->n, rows, units,
                                                               &measure->exponent)
                                       : whole_units(entries, rows, units);
        if (fits) {
            measure->entries = entries;
            measure->units = units;
            measure->has_nulls = entries->valid && memchr(entries->valid, 0, entries->n);
        }
    }
    if (!measure->units && !measure->is_double && type_width(measure->arg->expr->type) == 8)
        return false; /* 64-bit values row by row could overflow the sums */
    if (measure->is_double && !measure->units)
        measure->exact = arena_zalloc(context->group_arena, sizeof(ExactSum) * n);
    measure->sums = arena_zalloc(context->group_arena, sizeof(int64_t) * n * LANES);
    measure->nulls = arena_zalloc(context->group_arena, sizeof(int64_t) * n);
    measure->active = true;
    return true;
}

static void plan_slot(Cells *cells, Member *member, uint32_t i, uint64_t rows, EvalContext *context)
{
    SlotPlan *plan = &member->slots[i];
    plan->route = ROUTE_ROWS;
    if (add_dimensions(cells, plan->columns, &cells->n_cells, CELLS_COUNTED_MAX))
        plan->route = ROUTE_CELLS;
    else if (plan->measure != UINT32_MAX && measure_begin(cells, &cells->measures[plan->measure], rows, context))
        plan->route = ROUTE_MEASURE;
    if (plan->route == ROUTE_ROWS && !member->groups)
        member->groups = arena_zalloc(context->group_arena, sizeof(uint32_t) * cells->n_combinations);
}

void cells_begin(Cells *cells, const Vector *const *dictionaries, uint64_t rows, EvalContext *context, bool *served)
{
    cells->dictionaries = dictionaries;
    cells->n_dimensions = 0;
    cells->n_combinations = 1;
    for (uint32_t i = 0; i < cells->n_measures; i++)
        cells->measures[i].active = false;
    bool any = false;
    for (uint32_t m = 0; m < cells->n_members; m++) {
        Member *member = &cells->members[m];
        member->groups = NULL;
        member->served = add_dimensions(cells, member->key_columns, &cells->n_combinations, CELLS_MAX);
        served[m] = member->served;
        any |= member->served;
    }
    cells->n_grouping = cells->n_dimensions;
    cells->n_cells = cells->n_combinations;
    for (uint32_t m = 0; m < cells->n_members; m++)
        for (uint32_t i = 0; cells->members[m].served && i < cells->members[m].aggregate->n_slots; i++)
            plan_slot(cells, &cells->members[m], i, rows, context);
    cells->counts = NULL;
    if (!any)
        return;
    cells->counts = arena_zalloc(context->group_arena, sizeof(uint32_t) * cells->n_cells * LANES);
    if (cells->n_combinations > cells->largest_combinations)
        cells->largest_combinations = cells->n_combinations;
    if (cells->n_cells > cells->largest_cells)
        cells->largest_cells = cells->n_cells;
}

/* ---- a chunk ---- */

static void append_codes_narrow(uint16_t *numbers, const uint8_t *codes, uint16_t size, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        numbers[i] = (uint16_t)(numbers[i] * size + codes[i]);
}

static void append_codes(uint16_t *numbers, const Vector *vector, uint32_t size, uint32_t n)
{
    if (size == 1) /* one value in the whole row group: a partition column */
        return;
    if (vector->code_width == 1) {
        append_codes_narrow(numbers, vector->data, (uint16_t)size, n);
    } else if (vector->code_width == 2) {
        const uint16_t *codes = vector->data;
        for (uint32_t i = 0; i < n; i++)
            numbers[i] = (uint16_t)(numbers[i] * size + codes[i]);
    } else {
        const uint32_t *codes = vector->data;
        for (uint32_t i = 0; i < n; i++)
            numbers[i] = (uint16_t)(numbers[i] * size + codes[i]);
    }
}

/* Counters in LANES copies: equal neighbours do not wait for each other's store. */
static void count_cells(uint32_t *counts, uint32_t n_cells, const uint16_t *numbers, uint32_t n)
{
    uint32_t *lane1 = counts + n_cells, *lane2 = lane1 + n_cells, *lane3 = lane2 + n_cells;
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        counts[numbers[i]]++;
        lane1[numbers[i + 1]]++;
        lane2[numbers[i + 2]]++;
        lane3[numbers[i + 3]]++;
    }
    for (; i < n; i++)
        counts[numbers[i]]++;
}

#define ADD_UNITS(Code)                                                                                                \
    do {                                                                                                               \
        const Code *codes = vector->data;                                                                              \
        uint32_t i = 0;                                                                                                \
        for (; i + 4 <= n; i += 4) {                                                                                   \
            sums[numbers[i]] += units[codes[i]];                                                                       \
            lane1[numbers[i + 1]] += units[codes[i + 1]];                                                              \
            lane2[numbers[i + 2]] += units[codes[i + 2]];                                                              \
            lane3[numbers[i + 3]] += units[codes[i + 3]];                                                              \
        }                                                                                                              \
        for (; i < n; i++)                                                                                             \
            sums[numbers[i]] += units[codes[i]];                                                                       \
    } while (0)

static void add_units(const Measure *measure, uint32_t n_combinations, const Vector *vector, const uint16_t *numbers,
                      uint32_t n)
{
    int64_t *sums = measure->sums;
    int64_t *lane1 = sums + n_combinations, *lane2 = lane1 + n_combinations, *lane3 = lane2 + n_combinations;
    const int64_t *units = measure->units;
    if (vector->code_width == 1)
        ADD_UNITS(uint8_t);
    else if (vector->code_width == 2)
        ADD_UNITS(uint16_t);
    else
        ADD_UNITS(uint32_t);
}

static void add_flat(Measure *measure, const Vector *flat, const uint16_t *numbers, uint32_t n, Arena *arena)
{
    const uint8_t *valid = flat->valid;
    if (measure->is_double) {
        const double *values = flat->data;
        for (uint32_t i = 0; i < n; i++)
            if (!valid || valid[i])
                exact_sum_add(&measure->exact[numbers[i]], values[i], arena);
    } else { /* 32-bit integers: 2^31 rows of them fit */
        const int32_t *values = flat->data;
        if (valid)
            for (uint32_t i = 0; i < n; i++)
                measure->sums[numbers[i]] += (int64_t)values[i] & -(int64_t)valid[i];
        else
            for (uint32_t i = 0; i < n; i++)
                measure->sums[numbers[i]] += values[i];
    }
    for (uint32_t i = 0; valid && i < n; i++)
        measure->nulls[numbers[i]] += !valid[i];
}

static void measure_add(Cells *cells, Measure *measure, EvalContext *context, const uint16_t *numbers)
{
    Vector vector = eval_run(measure->arg, context);
    uint32_t n = context->n;
    if (measure->units && vector.kind == VECTOR_DICT && vector.dict == measure->entries) {
        add_units(measure, cells->n_combinations, &vector, numbers, n);
        for (uint32_t i = 0; measure->has_nulls && i < n; i++)
            measure->nulls[numbers[i]] += !measure->entries->valid[vector_code(&vector, i)];
        return;
    }
    Vector flat = vector_flatten(context->batch_arena, &vector);
    add_flat(measure, &flat, numbers, n, context->group_arena);
}

/* The group of one row, looked up by its values. */
static uint32_t group_of_row(const Cells *cells, Member *member, EvalContext *context, uint32_t row)
{
    EvalContext one = *context;
    Vector *columns = ARENA_ARRAY(context->batch_arena, Vector, cells->n_columns + 1);
    for (uint32_t c = 0; c < cells->n_columns; c++)
        if (member->key_columns[c])
            columns[c] = vector_select(context->batch_arena, &context->columns[c], &row, 1);
    one.columns = columns;
    one.n = 1;
    uint32_t group;
    aggregate_groups(member->aggregate, &one, &group);
    return group;
}

static void member_add_rows(const Cells *cells, Member *member, EvalContext *context, const uint16_t *numbers)
{
    uint32_t n = context->n;
    uint32_t *groups = ARENA_ARRAY(context->batch_arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *group = &member->groups[numbers[i]];
        if (!*group)
            *group = group_of_row(cells, member, context, i) + 1;
        groups[i] = *group - 1;
    }
    for (uint32_t i = 0; i < member->aggregate->n_slots; i++)
        if (member->slots[i].route == ROUTE_ROWS)
            aggregate_update_slot(member->aggregate, i, context, groups, NULL);
}

void cells_add(Cells *cells, EvalContext *context)
{
    uint32_t n = context->n;
    if (!cells->counts)
        return;
    uint16_t *combinations = arena_alloc(context->batch_arena, sizeof(uint16_t) * (n + 1));
    memset(combinations, 0, sizeof(uint16_t) * n);
    for (uint32_t d = 0; d < cells->n_grouping; d++)
        append_codes(combinations, &context->columns[cells->dimensions[d].column], cells->dimensions[d].size, n);
    for (uint32_t i = 0; i < cells->n_measures; i++)
        if (cells->measures[i].active)
            measure_add(cells, &cells->measures[i], context, combinations);
    for (uint32_t m = 0; m < cells->n_members; m++)
        if (cells->members[m].served && cells->members[m].groups)
            member_add_rows(cells, &cells->members[m], context, combinations);
    for (uint32_t d = cells->n_grouping; d < cells->n_dimensions; d++)
        append_codes(combinations, &context->columns[cells->dimensions[d].column], cells->dimensions[d].size, n);
    count_cells(cells->counts, cells->n_cells, combinations, n);
}

/* ---- end of a row group ---- */

/* Columns for the given cell numbers: for each dimension its codes, as DICT vectors. */
static Vector *cell_columns(const Cells *cells, const uint32_t *numbers, uint32_t n, uint32_t n_dimensions,
                            Arena *arena)
{
    Vector *columns = ARENA_ARRAY(arena, Vector, cells->n_columns + 1);
    uint32_t divisor = 1;
    for (uint32_t d = n_dimensions; d-- > 0;) {
        const Dimension *dimension = &cells->dimensions[d];
        uint32_t *codes = ARENA_ARRAY(arena, uint32_t, n + 1);
        for (uint32_t i = 0; i < n; i++)
            codes[i] = numbers[i] / divisor % dimension->size;
        divisor *= dimension->size;
        const Vector *dictionary = cells->dictionaries[dimension->column];
        columns[dimension->column] = (Vector){
            .type = dictionary->type, .kind = VECTOR_DICT, .code_width = 4, .n = n, .data = codes, .dict = dictionary};
    }
    return columns;
}

static void flush_cells(Cells *cells, EvalContext *context, const uint32_t *numbers, const int64_t *weights, uint32_t n)
{
    EvalContext inner = *context;
    inner.columns = cell_columns(cells, numbers, n, cells->n_dimensions, context->batch_arena);
    inner.n = n;
    uint32_t *groups = ARENA_ARRAY(context->batch_arena, uint32_t, n + 1);
    for (uint32_t m = 0; m < cells->n_members; m++) {
        Member *member = &cells->members[m];
        if (!member->served)
            continue;
        aggregate_groups(member->aggregate, &inner, groups);
        for (uint32_t i = 0; i < member->aggregate->n_slots; i++)
            if (member->slots[i].route == ROUTE_CELLS)
                aggregate_update_slot(member->aggregate, i, &inner, groups, weights);
    }
}

static void flush_slot(const Cells *cells, Member *member, uint32_t slot, const uint32_t *numbers, const int64_t *rows,
                       const uint32_t *groups, uint32_t n)
{
    const Measure *measure = &cells->measures[member->slots[slot].measure];
    Aggregate *aggregate = member->aggregate;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = numbers[i];
        int64_t sum = 0;
        for (uint32_t lane = 0; lane < LANES; lane++)
            sum += measure->sums[lane * cells->n_combinations + number];
        aggregate_add_sum(aggregate, slot, groups[i], sum, measure->exponent, rows[i] - measure->nulls[number]);
        if (measure->exact && aggregate->slots[slot].state == STATE_SUM_DOUBLE) {
            DoubleSum *state = &((DoubleSum *)(void *)aggregate->slots[slot].states)[groups[i]];
            exact_sum_merge(&state->sum, &measure->exact[number], aggregate->arena);
        }
    }
}

static void flush_measures(Cells *cells, EvalContext *context, const int64_t *rows_by_combination)
{
    uint32_t n = 0;
    uint32_t *numbers = ARENA_ARRAY(context->batch_arena, uint32_t, cells->n_combinations + 1);
    int64_t *rows = ARENA_ARRAY(context->batch_arena, int64_t, cells->n_combinations + 1);
    for (uint32_t i = 0; i < cells->n_combinations; i++)
        if (rows_by_combination[i]) {
            rows[n] = rows_by_combination[i];
            numbers[n++] = i;
        }
    EvalContext inner = *context;
    inner.columns = cell_columns(cells, numbers, n, cells->n_grouping, context->batch_arena);
    inner.n = n;
    uint32_t *groups = ARENA_ARRAY(context->batch_arena, uint32_t, n + 1);
    for (uint32_t m = 0; m < cells->n_members; m++) {
        Member *member = &cells->members[m];
        if (!member->served)
            continue;
        aggregate_groups(member->aggregate, &inner, groups);
        for (uint32_t i = 0; i < member->aggregate->n_slots; i++)
            if (member->slots[i].route == ROUTE_MEASURE)
                flush_slot(cells, member, i, numbers, rows, groups, n);
    }
}

void cells_end(Cells *cells, EvalContext *context)
{
    uint32_t per_combination = cells->n_cells / cells->n_combinations;
    uint32_t n = 0;
    uint32_t *numbers = ARENA_ARRAY(context->batch_arena, uint32_t, cells->n_cells + 1);
    int64_t *weights = ARENA_ARRAY(context->batch_arena, int64_t, cells->n_cells + 1);
    int64_t *rows = ARENA_ARRAY(context->batch_arena, int64_t, cells->n_combinations + 1);
    for (uint32_t i = 0; i < cells->n_cells; i++) {
        int64_t count = 0;
        for (uint32_t lane = 0; lane < LANES; lane++)
            count += cells->counts[lane * cells->n_cells + i];
        if (!count)
            continue;
        rows[i / per_combination] += count;
        numbers[n] = i;
        weights[n++] = count;
    }
    flush_cells(cells, context, numbers, weights, n);
    flush_measures(cells, context, rows);
}

void cells_describe(const Cells *cells, uint32_t *ret_groups, uint32_t *ret_cells)
{
    *ret_groups = cells->largest_combinations;
    *ret_cells = cells->largest_cells;
}
