/* Columns that are not in a file, and states of groups: whatever way the rows come, the result is the same to the bit. */
#include "test_files.h"

static MemoryBudget budget;

static void run_plan(const PlanNode *plan, const TableFiles *files, ThreadPool *pool, const Buffer *state_in,
                     Buffer *state_out, Buffer *result)
{
    Error err;
    error_init(&err);
    Statement statement = {
        .plan = plan, .sink = {.context = result, .batch = keep_batch}, .state_in = state_in, .state_out = state_out};
    ExecOptions options = {.pool = pool, .budget = &budget};
    if (exec_run(&statement, 1, files, 1, &options, NULL, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static void make_table(TestTable *table, Arena *arena)
{
    budget_init(&budget, 0);
    for (uint32_t f = 0; f < N_FILES; f++)
        make_file(table, f, arena, &budget);
}

static void compare(const char *sql, const char *what, const Buffer *a, const Buffer *b)
{
    if (a->size != b->size || (a->size && memcmp(a->data, b->data, a->size) != 0))
        fail_msg("%s: %s", what, sql);
}

static void constants_give_what_columns_give(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        Arena arena;
        arena_init(&arena);
        TestTable table;
        make_table(&table, &arena);
        ThreadPool *pool = pool_new(1 + (int)(next_random() % 3));
        TableFiles whole = {table.whole, N_FILES, &test_schema, NULL};
        TableFiles lean = {table.lean, N_FILES, &test_schema, table.constants};
        for (int i = 0; i < 25; i++) {
            const char *sql = next_random() % 2 ? random_aggregate(&arena) : random_rows(&arena);
            PlanNode *plan = plan_of(sql, &arena);
            Buffer a, b;
            buffer_init(&a, 0);
            buffer_init(&b, 0);
            run_plan(plan, &whole, pool, NULL, NULL, &a);
            run_plan(plan, &lean, pool, NULL, NULL, &b);
            compare(sql, "constants", &a, &b);
            buffer_done(&a);
            buffer_done(&b);
        }
        pool_free(pool);
        close_table(&table);
        arena_done(&arena);
    }
}

static void states_give_what_one_run_gives(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        Arena arena;
        arena_init(&arena);
        TestTable table;
        make_table(&table, &arena);
        ThreadPool *pool = pool_new(1 + (int)(next_random() % 3));
        TableFiles lean = {table.lean, N_FILES, &test_schema, table.constants};
        for (int i = 0; i < 25; i++) {
            const char *sql = random_aggregate(&arena);
            PlanNode *plan = plan_of(sql, &arena);
            assert_true(exec_plan_is_incremental(plan));
            Buffer full, parts, states[N_FILES + 1];
            buffer_init(&full, 0);
            buffer_init(&parts, 0);
            run_plan(plan, &lean, pool, NULL, NULL, &full);
            uint32_t n_states = 0, first = 0;
            while (first < N_FILES || n_states == 0) { /* some parts have no file at all */
                uint32_t n = (uint32_t)(next_random() % (N_FILES - first + 1));
                if (n_states == N_FILES)
                    n = N_FILES - first;
                TableFiles part = {table.lean + first, n, &test_schema, table.constants + first * N_FIELDS};
                buffer_init(&states[n_states], 0);
                buffer_clear(&parts);
                run_plan(plan, &part, pool, n_states ? &states[n_states - 1] : NULL, &states[n_states], &parts);
                n_states++;
                first += n;
            }
            compare(sql, "parts", &full, &parts);
            buffer_clear(&parts);
            TableFiles nothing = {NULL, 0, &test_schema, NULL};
            run_plan(plan, &nothing, pool, &states[n_states - 1], NULL, &parts);
            compare(sql, "state alone", &full, &parts);
            while (n_states > 0)
                buffer_done(&states[--n_states]);
            buffer_done(&full);
            buffer_done(&parts);
        }
        pool_free(pool);
        close_table(&table);
        arena_done(&arena);
    }
}

static Status try_state(const PlanNode *plan, const uint8_t *bytes, size_t size, ThreadPool *pool)
{
    Error err;
    error_init(&err);
    Buffer state, result;
    buffer_init(&state, 0);
    buffer_init(&result, 0);
    buffer_append(&state, bytes, size);
    Statement statement = {.plan = plan, .sink = {.context = &result, .batch = keep_batch}, .state_in = &state};
    TableFiles nothing = {NULL, 0, &test_schema, NULL};
    ExecOptions options = {.pool = pool, .budget = &budget};
    Status status = exec_run(&statement, 1, &nothing, 1, &options, NULL, &err);
    buffer_done(&state);
    buffer_done(&result);
    return status;
}

static void a_state_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    TestTable table;
    make_table(&table, &arena);
    ThreadPool *pool = pool_new(2);
    TableFiles lean = {table.lean, N_FILES, &test_schema, table.constants};
    PlanNode *plan = plan_of("SELECT client, sum(weight) AS w, max(carrier) AS c FROM t GROUP BY client", &arena);
    PlanNode *filtered =
        plan_of("SELECT client, sum(weight) AS w, max(carrier) AS c FROM t WHERE delay > 0 GROUP BY client", &arena);
    PlanNode *other = plan_of("SELECT client, sum(weight + 1) AS w, max(carrier) AS c FROM t GROUP BY client", &arena);
    Buffer saved, result;
    buffer_init(&saved, 0);
    buffer_init(&result, 0);
    run_plan(plan, &lean, pool, NULL, &saved, &result);
    assert_int_equal(try_state(plan, saved.data, saved.size, pool), STATUS_OK);
    assert_int_equal(try_state(filtered, saved.data, saved.size, pool), STATUS_DATA);
    assert_int_equal(try_state(other, saved.data, saved.size, pool), STATUS_DATA);
    for (size_t size = 0; size < saved.size; size += 1 + size / 8)
        assert_int_equal(try_state(plan, saved.data, size, pool), STATUS_DATA);
    for (size_t at = 0; at < saved.size; at++) {
        saved.data[at] ^= 0x10;
        assert_int_equal(try_state(plan, saved.data, saved.size, pool), STATUS_DATA);
        saved.data[at] ^= 0x10;
    }
    PlanNode *distinct = plan_of("SELECT count(DISTINCT carrier) AS n FROM t", &arena);
    PlanNode *rows = plan_of("SELECT carrier FROM t", &arena);
    assert_false(exec_plan_is_incremental(distinct));
    assert_false(exec_plan_is_incremental(rows));
    assert_int_equal(try_state(distinct, saved.data, saved.size, pool), STATUS_INTERNAL);
    buffer_done(&saved);
    buffer_done(&result);
    pool_free(pool);
    close_table(&table);
    arena_done(&arena);
}

/* What a log would know of one file. */
static bool know_days(void *context, uint32_t column, ParquetStatistics *ret_statistics)
{
    const Value *bounds = context;
    if (column != DAY)
        return false;
    *ret_statistics = (ParquetStatistics){
        .has_min_max = true, .has_null_count = true, .min = bounds[0], .max = bounds[1], .n_values = 10};
    return true;
}

static void files_are_ruled_out_by_what_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool possible;
    } cases[] = {{"SELECT carrier FROM t WHERE day = DATE '2024-01-05'", true},
                 {"SELECT carrier FROM t WHERE day = DATE '2024-02-05'", false},
                 {"SELECT carrier FROM t WHERE day > DATE '2024-01-10'", false},
                 {"SELECT carrier FROM t WHERE day >= DATE '2024-01-10'", true},
                 {"SELECT carrier FROM t WHERE day IS NULL", false},
                 {"SELECT carrier FROM t WHERE carrier = 'x' AND DATE '2024-01-01' > day", false},
                 {"SELECT carrier FROM t WHERE carrier = 'x'", true},
                 {"SELECT carrier FROM t WHERE day > DATE '2024-01-10' OR delay = 1", true},
                 {"SELECT carrier FROM t", true}};
    Value bounds[2] = {{.type = DATA_TYPE(DATE), .valid = true, .int32 = 19723},
                       {.type = DATA_TYPE(DATE), .valid = true, .int32 = 19732}};
    Arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(exec_file_can_match(plan_of(cases[i].sql, &arena), NULL, &(FileFacts){bounds, know_days}),
                         cases[i].possible);
    const PlanNode *plan = plan_of(cases[0].sql, &arena);
    assert_true(exec_file_can_match(plan, "t", &(FileFacts){bounds, know_days}));
    assert_false(exec_file_can_match(plan, "another", &(FileFacts){bounds, know_days}));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_give_what_columns_give), cmocka_unit_test(states_give_what_one_run_gives),
        cmocka_unit_test(a_state_that_does_not_fit_is_refused), cmocka_unit_test(files_are_ruled_out_by_what_is_known)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    seed_random(NULL);
    return cmocka_run_group_tests_name("exec/incremental", tests, scratch_make, scratch_remove);
}
