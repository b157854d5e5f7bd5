/* Aggregate: GROUP BY of one statement in one thread, and the merge of the threads' results.
 *
 * Rows come in as vectors, each row with a weight (how many equal rows it stands for), which is how the cells of the
 * dictionary path (cells.h) use the same code as plain rows.  All states are exact, so neither order nor partition of the
 * rows can be seen in the result. */
#ifndef FREIGHTLAKE_EXEC_AGGREGATE_H
#define FREIGHTLAKE_EXEC_AGGREGATE_H

#include "exec/aggregate_moments.h"
#include "exec/aggregate_percentile.h"
#include "exec/eval.h"
#include "exec/exact_sum.h"
#include "exec/group_table.h"

typedef enum StateKind {
    STATE_COUNT,      /* count */
    STATE_SUM_WHOLE,  /* sum and avg of integers and decimals, in 192 bits */
    STATE_SUM_DOUBLE, /* sum and avg of doubles */
    STATE_EXTREME,    /* min, max */
    STATE_BY,         /* min_by, max_by */
    STATE_MOMENTS,    /* stddev, variance, corr */
    STATE_PERCENTILE, /* percentile, median: in the slot's counts, not in its states */
} StateKind;

/* high * 2^128 + low: no order of terms can overflow on the way to a sum that fits. */
typedef struct WholeSum {
    UInt128 low;
    int64_t high;
    int64_t count;
} WholeSum;

/* Adds high * 2^128 + low to the sum, in 192 bits. */
static inline void whole_sum_carry(WholeSum *state, UInt128 low, int64_t high)
{
    UInt128 sum = state->low + low;
    state->high += high + (sum < low);
    state->low = sum;
}

/* The sum or average that a call of this type gives of arguments of that type, at `place`; false for NULL. */
bool whole_sum_finish(AggregateKind kind, DataType type, DataType argument, const WholeSum *state, void *place);

typedef struct DoubleSum {
    ExactSum sum;
    int64_t count;
} DoubleSum;

/* Zeroed: no value seen. */
typedef struct Extreme {
    uint8_t value[16];
    uint32_t capacity; /* of the room that a string has been copied to */
    bool seen;
} Extreme;

/* The value at the extreme of another; extreme.seen: a row was, value.seen: the value is not NULL. */
typedef struct ByExtreme {
    Extreme extreme;
    Extreme value;
} ByExtreme;

typedef struct AggregateSlot {
    const AggregateCall *call;
    EvalNode **args;
    EvalNode *filter;
    StateKind state;
    ValueCounts *counts;  /* of the one argument: STATE_PERCENTILE, and DISTINCT */
    GroupTable *distinct; /* DISTINCT of several arguments: (group number, args) seen so far */
    char *states;         /* state of group g at states + g * state_bytes */
    size_t state_bytes;
} AggregateSlot;

typedef struct Aggregate {
    const PlanNode *node;
    Arena *arena; /* query lifetime, this thread's */
    EvalNode **keys;
    uint32_t n_keys;
    GroupTable *groups;
    AggregateSlot *slots;
    uint32_t n_slots;
    uint32_t capacity; /* groups that the state arrays have room for */
} Aggregate;

/* column_map: as in eval_prepare. */
Aggregate *aggregate_new(const PlanNode *node, const uint32_t *column_map, Arena *arena);

/* Group numbers of n rows given by the context's columns (keys are evaluated); states are made for new groups. */
void aggregate_groups(Aggregate *aggregate, EvalContext *context, uint32_t *ret_groups);
/* Updates one slot with the context's rows.  weights NULL: all 1. */
void aggregate_update_slot(Aggregate *aggregate, uint32_t slot, EvalContext *context, const uint32_t *groups,
                           const int64_t *weights);
/* Both of the above for every slot. */
void aggregate_update(Aggregate *aggregate, EvalContext *context);
/* Adds to a sum or count state what was summed elsewhere: `units` * 2^exponent (whole sums: exponent 0) of `count` terms. */
void aggregate_add_sum(Aggregate *aggregate, uint32_t slot, uint32_t group, Int128 units, int exponent, int64_t count);

/* Adds all of `other`'s groups and states. */
void aggregate_merge(Aggregate *aggregate, Aggregate *other, Arena *batch_arena);
/* The result: one column a key, then one a call, FLAT, in `arena`.  Without keys exactly one row. */
Batch aggregate_result(Aggregate *aggregate, Arena *arena);
size_t aggregate_bytes(const Aggregate *aggregate);

#endif
