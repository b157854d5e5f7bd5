/* src/mart/checks.c: every kind of test on rows that keep and rows that break it, and for each that cannot be meant its
 * line and why. */
#include "../storage/scratch_folder.h"

#include <math.h>

#include "columnar/time_text.h"
#include "mart/checks.h"
#include "shipment/shipment.h"

enum { CARRIER, SHIPMENTS, SHARE, DAY, N_FIELDS };
static Field fields[N_FIELDS] = {
    {"carrier", {.id = TYPE_STRING}, true},
    {"total", {.id = TYPE_BIGINT}, true},
    {"share", {.id = TYPE_DOUBLE}, true},
    {"day", {.id = TYPE_DATE}, true},
};
static const Schema schema = {fields, N_FIELDS};

#define NO_NUMBER INT64_MIN
#define NO_SHARE (-1000.0)
static const struct {
    const char *carrier, *day; /* NULL: none */
    int64_t total;
    double share;
} ROWS[] = {
    {"FedEx", "2025-01-01", 10, 50}, {"UPS", "2025-01-02", 20, 0},       {"UPS", "2025-01-02", 0, 100.5},
    {NULL, "2025-01-02", 5, NAN},    {"DHL", NULL, NO_NUMBER, NO_SHARE}, {NULL, "2025-01-03", 7, -0.5},
};
#define N_ROWS ((uint32_t)ARRAY_SIZE(ROWS))

static Arena arena;
static Error err;
static ThreadPool *pool;
static MemoryBudget budget;
static ParquetFile *file;

static ParquetFile *write_file(const char *name, const Schema *columns_of, Vector *columns, uint32_t n)
{
    StorageWriter *storage;
    ParquetWriter *writer;
    StorageReader *reader;
    ParquetFile *opened;
    const ParquetWriterOptions options = {0};
    const Batch batch = {n, columns_of->n, columns};
    assert_int_equal(storage_create(scratch_file(name), &storage, &err), STATUS_OK);
    assert_int_equal(parquet_writer_new(storage, columns_of, &options, &writer, &err), STATUS_OK);
    if (n)
        assert_int_equal(parquet_write_batch(writer, &batch, &err), STATUS_OK);
    assert_int_equal(parquet_finish(writer, NULL, &err), STATUS_OK);
    parquet_writer_free(writer);
    assert_int_equal(storage_commit(storage, &err), STATUS_OK);
    assert_int_equal(storage_open(scratch_file(name), &reader, &err), STATUS_OK);
    assert_int_equal(parquet_open(reader, &budget, &opened, &err), STATUS_OK);
    return opened;
}

static ParquetFile *write_mart(const char *name, uint32_t n)
{
    Vector columns[N_FIELDS];
    for (uint32_t c = 0; c < N_FIELDS; c++)
        columns[c] = vector_new(&arena, fields[c].type, n, true);
    for (uint32_t r = 0; r < n; r++) {
        columns[CARRIER].valid[r] = ROWS[r].carrier != NULL;
        columns[SHIPMENTS].valid[r] = ROWS[r].total != NO_NUMBER;
        columns[SHARE].valid[r] = !(ROWS[r].share <= NO_SHARE);
        columns[DAY].valid[r] = ROWS[r].day != NULL;
        ((StrView *)columns[CARRIER].data)[r] = str_view(ROWS[r].carrier ? ROWS[r].carrier : "");
        ((int64_t *)columns[SHIPMENTS].data)[r] = ROWS[r].total;
        ((double *)columns[SHARE].data)[r] = ROWS[r].share;
        ((int32_t *)columns[DAY].data)[r] = 0;
        if (ROWS[r].day)
            assert_true(date_parse(str_view(ROWS[r].day), &((int32_t *)columns[DAY].data)[r]));
    }
    return write_file(name, &schema, columns, n);
}

static int setup(void **state)
{
    arena_init(&arena);
    error_init(&err);
    budget_init(&budget, (size_t)64 << 20);
    pool = pool_new(2);
    if (scratch_make(state) != 0)
        return -1;
    file = write_mart("mart.parquet", N_ROWS);
    return 0;
}

static int teardown(void **state)
{
    parquet_close(file);
    pool_free(pool);
    arena_done(&arena);
    return scratch_remove(state);
}

static Status load(const char *tests, MartChecks *checks)
{
    const Mart mart = {.name = "lanes", .tests = tests, .tests_file = "lanes.tests.yaml"};
    error_init(&err);
    return checks_load(&mart, &schema, &arena, checks, &err);
}

/* ---- Running ---- */

typedef struct Kind {
    const char *test; /* one item of the list */
    const char *rule;
    uint64_t rows;       /* that break it */
    const char *example; /* what is said of one of them */
} Kind;

static const Kind KINDS[] = {
    {"not_null: [day]", "not_null(day)", 1, "carrier=DHL, total="},
    {"not_null: [carrier]", "not_null(carrier)", 2, "total=5"},
    {"unique: [carrier]", "unique(carrier)", 2, "carrier=UPS, rows_of_key=2"},
    {"unique: [carrier, total]", "unique(carrier, total)", 0, ""},
    {"unique: [carrier, day]", "unique(carrier, day)", 1, "carrier=UPS, day=2025-01-02, rows_of_key=2"},
    {"range: {column: total, min: 0}", "range(total, 0..)", 0, ""},
    {"range: {column: total, min: 1}", "range(total, 1..)", 1, "carrier=UPS, total=0"},
    {"range: {column: total, max: 9}", "range(total, ..9)", 2, "carrier=FedEx, total=10"},
    {"range: {column: total, min: 5, max: 10}", "range(total, 5..10)", 2, "total=20"},
    {"range: {column: share, min: 0}", "range(share, 0..)", 1, "share=-0.5"},
    {"range: {column: share, min: -0.5, max: 100.5}", "range(share, -0.5..100.5)", 1, "total=5"}, /* NaN is above all */
    {"range: {column: day, min: 2025-01-02}", "range(day, '2025-01-02'..)", 1, "carrier=FedEx"},
    {"range: {column: carrier, max: \"Z\"}", "range(carrier, ..'Z')", 0, ""},
    {"accepted_values: {column: carrier, values: [UPS, FedEx, DHL]}", "accepted_values(carrier)", 0, ""},
    {"accepted_values: {column: carrier, values: [UPS, FedEx]}", "accepted_values(carrier)", 1, "carrier=DHL"},
    {"accepted_values: {column: total, values: [0, 5, 7, 10]}", "accepted_values(total)", 1, "total=20"},
    {"no_rows: SELECT carrier FROM lanes WHERE total > 100", "no_rows(line 2)", 0, ""},
    {"no_rows: SELECT day, count(*) AS n FROM lanes GROUP BY day HAVING count(*) > 2", "no_rows(line 2)", 1,
     "day=2025-01-02, n=3"},
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
        const Kind *kind = &KINDS[i];
        MartChecks checks;
        bool passed;
        assert_int_equal(load(arena_printf(&arena, "tests:\n  - %s\n", kind->test), &checks), STATUS_OK);
        assert_int_equal(checks.n, 1);
        const ChecksInput input = {.name = "lanes",
                                   .mart = &(TableFiles){.files = &file, .n_files = 1, .schema = &schema},
                                   .rows_before = -1,
                                   .pool = pool,
                                   .budget = &budget};
        assert_int_equal(checks_run(&checks, &input, &arena, &passed, &err), STATUS_OK);
        const MartCheck *check = &checks.checks[0];
        if (check->rows != kind->rows || !strstr(check->examples, kind->example))
            print_message("%s: %llu rows: %s\n", kind->test, (unsigned long long)check->rows, check->examples);
        assert_string_equal(check->rule, kind->rule);
        assert_int_equal(check->line, 2);
        assert_int_equal(check->rows, kind->rows);
        assert_int_equal(check->passed, kind->rows == 0);
        assert_int_equal(passed, kind->rows == 0);
        assert_non_null(strstr(check->examples, kind->example));
        assert_int_equal(*check->examples != '\0', kind->rows > 0);
        assert_false(checks_read_shipments(&checks));
    }
}

/* All at once: each has its own answer, and the examples are a few. */
static void test_together(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "tests:\n");
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
        buffer_printf(&text, "  - %s\n", KINDS[i].test);
    buffer_append_text(&text, "  - no_rows: SELECT * FROM lanes\n");
    MartChecks checks;
    bool passed;
    assert_int_equal(load(buffer_text(&text), &checks), STATUS_OK);
    assert_int_equal(checks.n, ARRAY_SIZE(KINDS) + 1);
    const ChecksInput input = {.name = "lanes",
                               .mart = &(TableFiles){.files = &file, .n_files = 1, .schema = &schema},
                               .rows_before = -1,
                               .pool = pool,
                               .budget = &budget};
    assert_int_equal(checks_run(&checks, &input, &arena, &passed, &err), STATUS_OK);
    assert_false(passed);
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
        assert_int_equal(checks.checks[i].line, i + 2);
        assert_int_equal(checks.checks[i].rows, KINDS[i].rows);
    }
    const MartCheck *all = &checks.checks[ARRAY_SIZE(KINDS)];
    uint32_t lines = 0;
    for (const char *c = all->examples; *c; c++)
        lines += *c == '\n';
    assert_int_equal(all->rows, N_ROWS);
    assert_int_equal(lines, CHECK_ROWS_SHOWN);
    buffer_done(&text);
}

static void test_row_count_change(void **state)
{
    (void)state;
    static const struct {
        const char *bounds;
        uint32_t rows;
        int64_t before;
        bool passed;
    } cases[] = {
        {"{max_drop: 0.5}", 3, 6, true},
        {"{max_drop: 0.5}", 2, 6, false},
        {"{max_drop: 0.5}", 6, 1, true},
        {"{max_drop: 1}", 0, 6, true},
        {"{max_drop: 0.99}", 0, 6, false},
        {"{max_drop: 0}", 5, 6, false},
        {"{max_drop: 0}", 6, 6, true},
        {"{max_growth: 1}", 6, 3, true},
        {"{max_growth: 0.5}", 6, 3, false},
        {"{max_growth: 2}", 0, 6, true},
        {"{max_growth: 0}", 6, 5, false},
        {"{}", 6, 100000, true},
        {"{max_drop: 0}", 6, -1, true},
        {"{max_growth: 0}", 6, 0, true},
        {"{max_drop: 0.2, max_growth: 0.2}", 6, 5, true},
        {"{max_drop: 0.1, max_growth: 0.1}", 6, 5, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        MartChecks checks;
        bool passed;
        ParquetFile *mart = write_mart("counted.parquet", cases[i].rows);
        assert_int_equal(load(arena_printf(&arena, "tests:\n  - row_count_change: %s\n", cases[i].bounds), &checks),
                         STATUS_OK);
        const ChecksInput input = {.name = "lanes",
                                   .mart = &(TableFiles){.files = &mart, .n_files = 1, .schema = &schema},
                                   .rows_before = cases[i].before,
                                   .pool = pool,
                                   .budget = &budget};
        assert_int_equal(checks_run(&checks, &input, &arena, &passed, &err), STATUS_OK);
        if (passed != cases[i].passed)
            print_message("case %zu\n", i);
        assert_int_equal(passed, cases[i].passed);
        if (!passed)
            assert_string_equal(checks.checks[0].examples, arena_printf(&arena, "%u rows, %lld before\n", cases[i].rows,
                                                                        (long long)cases[i].before));
        parquet_close(mart);
    }
}

static void test_of_shipments(void **state)
{
    (void)state;
    const Schema *table = shipment_unchecked_schema();
    Vector *columns = ARENA_ARRAY(&arena, Vector, table->n);
    for (uint32_t c = 0; c < table->n; c++) {
        columns[c] = vector_new(&arena, table->fields[c].type, 3, true);
        memset(columns[c].valid, 0, 3);
        if (table->fields[c].type.id == TYPE_STRING)
            for (uint32_t r = 0; r < 3; r++)
                ((StrView *)columns[c].data)[r] = (StrView){"", 0};
    }
    columns[SHIPMENT_COLUMN_CARRIER].valid[1] = 1;
    ((StrView *)columns[SHIPMENT_COLUMN_CARRIER].data)[1] = str_view("Nobody");
    ParquetFile *shipments = write_file("shipments.parquet", table, columns, 3);
    const TableFiles files = {.files = &shipments, .n_files = 1, .schema = table};
    MartChecks checks;
    bool passed;
    assert_int_equal(load("tests:\n"
                          "  - no_rows: SELECT carrier FROM shipments WHERE carrier = 'Nobody'\n"
                          "  - no_rows: SELECT carrier FROM lanes WHERE carrier = 'Nobody'\n"
                          "  - no_rows: SELECT carrier FROM shipments WHERE delay_days > 3\n",
                          &checks),
                     STATUS_OK);
    assert_true(checks_read_shipments(&checks));
    const ChecksInput input = {.name = "lanes",
                               .mart = &(TableFiles){.files = &file, .n_files = 1, .schema = &schema},
                               .shipments = &files,
                               .rows_before = -1,
                               .pool = pool,
                               .budget = &budget};
    assert_int_equal(checks_run(&checks, &input, &arena, &passed, &err), STATUS_OK);
    assert_false(passed);
    assert_int_equal(checks.checks[0].rows, 1);
    assert_string_equal(checks.checks[0].examples, "carrier=Nobody\n");
    assert_true(checks.checks[1].passed);
    assert_true(checks.checks[2].passed);
    parquet_close(shipments);
}

/* ---- Reading ---- */

static void test_none(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "", "# nothing yet\n", "tests:\n", "tests: []\n"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        MartChecks checks;
        bool passed = false;
        assert_int_equal(load(texts[i], &checks), STATUS_OK);
        assert_int_equal(checks.n, 0);
        const ChecksInput input = {.name = "lanes",
                                   .mart = &(TableFiles){.files = &file, .n_files = 1, .schema = &schema},
                                   .pool = pool,
                                   .budget = &budget};
        assert_int_equal(checks_run(&checks, &input, &arena, &passed, &err), STATUS_OK);
        assert_true(passed);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t row;
        const char *message, *hint;
    } cases[] = {
        {"test:\n  - unique: [carrier]\n", 2, "test: there is no such key", "did you mean 'tests'?"},
        {"tests: {unique: [carrier]}\n", 1, "a list of tests is wanted", ""},
        {"tests:\n  - uniqe: [carrier]\n", 2, "tests[0].uniqe", "did you mean 'unique'?"},
        {"tests:\n  - unique\n", 2, "keys and values are wanted", ""},
        {"tests:\n  - unique: carrier\n", 2, "a list of columns is wanted", ""},
        {"tests:\n  - not_null: []\n", 2, "a list of columns is wanted", ""},
        {"tests:\n  - unique: [carrier]\n  - not_null:\n      - carrier\n      - [day]\n", 5, "the name of a column",
         ""},
        {"tests:\n  - not_null: [\"carrier; DROP\"]\n", 2, "the name of a column", ""},
        {"tests:\n  - not_null: [\"\"]\n", 2, "the name of a column", ""},
        {"tests:\n  - not_null: [carier]\n", 2, "not_null(carier) cannot be run", "carrier"},
        {"tests:\n  - range: {column: total}\n", 2, "min, max or both", ""},
        {"tests:\n\n  - range: {min: 1}\n", 3, "the name of a column", ""},
        {"tests:\n  - range: {column: total, mini: 1}\n", 2, "mini", "min"},
        {"tests:\n  - range: {column: total, min: [1]}\n", 2, "a number or a text is wanted", ""},
        {"tests:\n  - range: {column: carrier, min: \"it's\"}\n", 2, "use no_rows", ""},
        {"tests:\n  - accepted_values: {column: carrier}\n", 2, "values: a list is wanted", ""},
        {"tests:\n  - accepted_values: {column: carrier, values: []}\n", 2, "values: a list is wanted", ""},
        {"tests:\n\n  - accepted_values: {values: [1]}\n", 3, "the name of a column", ""},
        {"tests:\n  - accepted_values:\n      column: carrier\n      values:\n        - UPS\n        - {a: 1}\n", 6,
         "a number or a text is wanted", ""},
        {"tests:\n  - row_count_change: {max_drop: 2}\n", 2, "max_drop", ""},
        {"tests:\n  - row_count_change: {max_drop: much}\n", 2, "a number is wanted", ""},
        {"tests:\n  - row_count_change: 0.5\n", 2, "keys and values are wanted", ""},
        {"tests:\n  - no_rows: [SELECT 1]\n", 2, "a SELECT is wanted", ""},
        {"tests:\n  - unique: [carrier]\n  - no_rows: SELECT carrier FROM\n", 3, "cannot be run", ""},
        {"tests:\n  - no_rows: SELECT carrier FROM lane\n", 2, "there is no table 'lane'",
         "the mart it stands beside, lanes"},
        {"tests:\n  - no_rows: SELECT carrier, 'a\\b' FROM lanes\n", 2, "cannot be run", ""},
        {"tests:\n  - unique: [carrier\n", 3, "this is no YAML", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        MartChecks checks;
        Status status = load(cases[i].text, &checks);
        if (status != STATUS_CONFIG || err.row != cases[i].row || !strstr(err.message, cases[i].message) ||
            !strstr(err.hint, cases[i].hint))
            print_message("case %zu, row %lld: %s (%s)\n", i, (long long)err.row, err.message, err.hint);
        assert_int_equal(status, STATUS_CONFIG);
        assert_string_equal(err.file, "lanes.tests.yaml");
        assert_int_equal(err.row, cases[i].row);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_non_null(strstr(err.hint, cases[i].hint));
        assert_int_equal(checks.n, 0);
    }
    Buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "tests:\n");
    for (int i = 0; i < 257; i++)
        buffer_append_text(&text, "  - row_count_change: {}\n");
    MartChecks checks;
    assert_int_equal(load(buffer_text(&text), &checks), STATUS_CONFIG);
    assert_int_equal(err.row, 258);
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),        cmocka_unit_test(test_together), cmocka_unit_test(test_row_count_change),
        cmocka_unit_test(test_of_shipments), cmocka_unit_test(test_none),     cmocka_unit_test(test_wrong),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("mart/checks", tests, setup, teardown);
}
