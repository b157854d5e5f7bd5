/* exec/cells.c against exec/aggregate.c: the dictionary path gives what hashing every row gives, and a merge of parts gives
 * what one pass gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exec/cells.h"
#include "exec/compare.h"
#include "random.h"

enum { OTHER, KEY_A, KEY_B, SMALL, PRICE, WEIGHT, N_COLUMNS };

static const DataType TYPES[N_COLUMNS] = {{.id = TYPE_INT},
                                          {.id = TYPE_STRING},
                                          {.id = TYPE_INT},
                                          {.id = TYPE_INT},
                                          {.id = TYPE_DECIMAL, .precision = 18, .scale = 4},
                                          {.id = TYPE_DOUBLE}};

static const Expr *column(Arena *arena, uint32_t index)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = EXPR_COLUMN;
    expr->type = TYPES[index];
    expr->column = index;
    return expr;
}

static const Expr *call(Arena *arena, const char *name, const Expr *a, const Expr *b)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    DataType *types = ARENA_ARRAY(arena, DataType, 2), want[2];
    Value *constants = ARENA_ARRAY(arena, Value, 2);
    types[0] = a->type;
    types[1] = b->type;
    constants[0].type.id = a->kind == EXPR_CONST ? a->type.id : TYPE_COUNT;
    constants[1].type.id = b->kind == EXPR_CONST ? b->type.id : TYPE_COUNT;
    expr->kind = EXPR_CALL;
    expr->call =
        (FunctionCall){.function = function_find(name), .n_args = 2, .arg_types = types, .constants = constants};
    Error err;
    error_init(&err);
    assert_int_equal(expr->call.function->bind(expr->call.function, types, constants, 2, want, &expr->call.type, &err),
                     STATUS_OK);
    expr->type = expr->call.type;
    expr->args = ARENA_ARRAY(arena, const Expr *, 2);
    expr->args[0] = a;
    expr->args[1] = b;
    return expr;
}

static const Expr *constant(Arena *arena, int32_t number)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = EXPR_CONST;
    expr->type = DATA_TYPE(INT);
    expr->constant = (Value){.type = DATA_TYPE(INT), .valid = true, .int32 = number};
    return expr;
}

static void add_call(Arena *arena, PlanNode *node, AggregateKind kind, const Expr *arg, DataType type, bool distinct,
                     const Expr *filter)
{
    AggregateCall *slot = &node->aggregate.calls[node->aggregate.n_calls++];
    *slot = (AggregateCall){.kind = kind, .distinct = distinct, .filter = filter, .type = type};
    slot->args = ARENA_ARRAY(arena, const Expr *, 1);
    slot->args[0] = arg;
    slot->n_args = arg ? 1 : 0;
}

static PlanNode *make_node(Arena *arena, int n_keys)
{
    PlanNode *node = ARENA_NEW(arena, PlanNode);
    node->kind = PLAN_AGGREGATE;
    node->aggregate.keys = ARENA_ARRAY(arena, const Expr *, 2);
    node->aggregate.n_keys = (uint32_t)n_keys;
    node->aggregate.keys[0] = column(arena, KEY_A);
    node->aggregate.keys[1] = column(arena, KEY_B);
    node->aggregate.calls = ARENA_ARRAY(arena, AggregateCall, 16);
    const Expr *positive = call(arena, ">", column(arena, SMALL), constant(arena, 0));
    const Expr *sum = call(arena, "+", column(arena, KEY_B), column(arena, OTHER));
    add_call(arena, node, AGGREGATE_COUNT_STAR, NULL, DATA_TYPE(BIGINT), false, NULL);
    add_call(arena, node, AGGREGATE_COUNT_STAR, NULL, DATA_TYPE(BIGINT), false, positive);
    add_call(arena, node, AGGREGATE_SUM, column(arena, SMALL), DATA_TYPE(BIGINT), false, NULL);
    add_call(arena, node, AGGREGATE_AVG, column(arena, SMALL), DATA_TYPE(DOUBLE), false, positive);
    add_call(arena, node, AGGREGATE_SUM, column(arena, PRICE), DECIMAL_TYPE(28, 4), false, NULL);
    add_call(arena, node, AGGREGATE_COUNT, column(arena, PRICE), DATA_TYPE(BIGINT), false, NULL);
    add_call(arena, node, AGGREGATE_AVG, column(arena, WEIGHT), DATA_TYPE(DOUBLE), false, NULL);
    add_call(arena, node, AGGREGATE_SUM, sum, DATA_TYPE(BIGINT), false, NULL);
    add_call(arena, node, AGGREGATE_MIN, column(arena, PRICE), TYPES[PRICE], false, NULL);
    add_call(arena, node, AGGREGATE_MAX, column(arena, KEY_A), TYPES[KEY_A], false, NULL);
    add_call(arena, node, AGGREGATE_COUNT, column(arena, PRICE), DATA_TYPE(BIGINT), true, NULL);
    add_call(arena, node, AGGREGATE_SUM, column(arena, SMALL), DATA_TYPE(BIGINT), true, NULL);
    return node;
}

static void fill_entry(Vector *entries, uint32_t i)
{
    static const char *const words[] = {"FedEx", "UPS", "DHL", "", "Amazon Logistics", "Zürich"};
    void *data = entries->data;
    switch (entries->type.id) {
    case TYPE_STRING:
        ((StrView *)data)[i] = str_view(words[next_random() % ARRAY_SIZE(words)]);
        break;
    case TYPE_INT:
        ((int32_t *)data)[i] = (int32_t)(next_random() % 9) - 3;
        break;
    case TYPE_DECIMAL:
        ((int64_t *)data)[i] = (int64_t)(next_random() % 100000000) - 1000;
        break;
    default:
        ((double *)data)[i] = next_random() % 3 ? (double)(next_random() % 500) / 10 : (double)(next_random() % 64);
    }
}

/* Column vectors of one row group: dictionaries (columns without get FLAT vectors), NULLs among them. */
static void make_columns(Arena *arena, uint32_t n, Vector *columns, const Vector **dictionaries)
{
    for (uint32_t c = 0; c < N_COLUMNS; c++) {
        bool wide = c == PRICE || c == WEIGHT;
        uint32_t n_entries = wide ? 3000 : 5;
        bool nulls = next_random() % 2;
        Vector *entries = ARENA_NEW(arena, Vector);
        *entries = vector_new(arena, TYPES[c], n_entries, nulls);
        for (uint32_t i = 0; i < n_entries; i++)
            fill_entry(entries, i);
        if (nulls)
            entries->valid[n_entries - 1] = 0;
        uint16_t *codes = ARENA_ARRAY(arena, uint16_t, n + 1);
        for (uint32_t i = 0; i < n; i++)
            codes[i] = (uint16_t)(next_random() % n_entries);
        Vector vector = {
            .type = TYPES[c], .kind = VECTOR_DICT, .code_width = 2, .n = n, .data = codes, .dict = entries};
        bool flat = (c == WEIGHT || c == OTHER) && next_random() % 2;
        columns[c] = flat ? vector_flatten(arena, &vector) : vector;
        dictionaries[c] = flat ? NULL : entries;
    }
}

static void assert_same_result(Batch *a, Batch *b, uint32_t n_keys)
{
    assert_int_equal(a->n_rows, b->n_rows);
    for (uint32_t i = 0; i < a->n_rows; i++) {
        uint32_t match = UINT32_MAX;
        for (uint32_t j = 0; j < b->n_rows && match == UINT32_MAX; j++) {
            bool same = true;
            for (uint32_t k = 0; k < n_keys; k++)
                same &= compare_rows(&a->columns[k], i, &b->columns[k], j, false, true) == 0;
            match = same ? j : UINT32_MAX;
        }
        assert_int_not_equal(match, UINT32_MAX);
        for (uint32_t c = 0; c < a->n_columns; c++)
            if (compare_rows(&a->columns[c], i, &b->columns[c], match, false, true) != 0)
                fail_msg("column %u differs in group %u", c, i);
    }
}

static void cells_equal_hashing(void **unused)
{
    (void)unused;
    for (int round = 0; round < 40; round++) {
        Arena arena;
        arena_init(&arena);
        uint32_t n_keys = (uint32_t)(next_random() % 3);
        PlanNode *node = make_node(&arena, (int)n_keys);
        Aggregate *hashed = aggregate_new(node, NULL, &arena), *counted = aggregate_new(node, NULL, &arena);
        Aggregate *parts[2] = {aggregate_new(node, NULL, &arena), aggregate_new(node, NULL, &arena)};
        Cells *cells = cells_new(&counted, 1, N_COLUMNS, &arena);
        for (uint64_t group = 1; group <= 3; group++) {
            uint32_t n = (uint32_t)(next_random() % 3000);
            Vector columns[N_COLUMNS];
            const Vector *dictionaries[N_COLUMNS];
            make_columns(&arena, n, columns, dictionaries);
            EvalContext context = {
                .batch_arena = &arena, .group_arena = &arena, .generation = group, .columns = columns, .n = n};
            bool served;
            cells_begin(cells, dictionaries, n, &context, &served);
            assert_true(served);
            aggregate_update(hashed, &context);
            aggregate_update(parts[group % 2], &context);
            cells_add(cells, &context);
            cells_end(cells, &context);
        }
        aggregate_merge(parts[0], parts[1], &arena);
        Batch a = aggregate_result(hashed, &arena), b = aggregate_result(counted, &arena);
        Batch c = aggregate_result(parts[0], &arena);
        assert_same_result(&a, &b, n_keys);
        assert_same_result(&a, &c, n_keys);
        arena_done(&arena);
    }
}

static void no_rows_give_one_row_without_keys(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    Aggregate *grouped = aggregate_new(make_node(&arena, 1), NULL, &arena);
    Aggregate *whole = aggregate_new(make_node(&arena, 0), NULL, &arena);
    assert_int_equal(aggregate_result(grouped, &arena).n_rows, 0);
    Batch result = aggregate_result(whole, &arena);
    assert_int_equal(result.n_rows, 1);
    assert_int_equal(vector_value(&result.columns[0], 0).int64, 0);
    assert_false(vector_is_valid(&result.columns[2], 0));
    arena_done(&arena);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_equal_hashing),
        cmocka_unit_test(no_rows_give_one_row_without_keys),
    };
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
