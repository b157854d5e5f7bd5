/* SQL as text cases: each file of cases/ holds statements and the plans or errors they must give.
 *
 *   ### title            a mart's statement; "### title (query)" for one of `query`
 *   SELECT ...
 *   ---
 *   the plan, one node a line; or "error at POSITION: " and a part of the message, then "hint: " and a part of the hint
 *
 * `test_plan --actual FILE` prints the file with what the binder gives in place of what is expected. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "plan_text.h"

typedef struct Case {
    char title[128];
    SqlMode mode;
    Buffer statement;
    Buffer expected;
} Case;

static void case_init(Case *one)
{
    buffer_init(&one->statement, 0);
    buffer_init(&one->expected, 0);
}

static void case_done(Case *one)
{
    buffer_done(&one->statement);
    buffer_done(&one->expected);
}

/* What the binder makes of the statement, in the form of the case files. */
static void run_case(Case *one, Buffer *actual, Error *err)
{
    Arena arena;
    arena_init(&arena);
    PlanNode *plan;
    error_init(err);
    if (one->statement.size && one->statement.data[one->statement.size - 1] == '\n')
        one->statement.data[--one->statement.size] = '\0';
    if (sql_plan(buffer_text(&one->statement), one->mode, &TEST_CATALOG, &arena, &plan, err) == STATUS_OK)
        plan_append_text(actual, plan);
    else
        buffer_printf(actual, "error at %lld: %s\nhint: %s\n", (long long)err->offset, err->message, err->hint);
    arena_done(&arena);
}

/* Whether each expected line stands in the actual text: whole for plans, as a part for errors. */
static bool matches(const char *expected, const char *actual)
{
    if (strncmp(expected, "error at ", 9) != 0)
        return strcmp(expected, actual) == 0;
    while (*expected && *actual) {
        size_t want = strcspn(expected, "\n");
        size_t have = strcspn(actual, "\n");
        char part[2048];
        char line[2048];
        snprintf(part, sizeof part, "%.*s", (int)want, expected);
        snprintf(line, sizeof line, "%.*s", (int)have, actual);
        const char *text = strchr(part, ':');
        size_t prefix = text ? (size_t)(text - part) + 1 : 0;
        if (strncmp(part, line, prefix) != 0 || !strstr(line + prefix, part + prefix + (part[prefix] == ' ')))
            return false;
        expected += want + (expected[want] != '\0');
        actual += have + (actual[have] != '\0');
    }
    return *expected == '\0';
}

typedef void (*CaseVisitor)(Case *one, void *context);

static void visit_cases(const char *path, CaseVisitor visit, void *context)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[70000];
    Case one = {0};
    bool open = false;
    bool expects = false;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "### ", 4) == 0) {
            if (open) {
                visit(&one, context);
                case_done(&one);
            }
            case_init(&one);
            open = true;
            expects = false;
            line[strcspn(line, "\n")] = '\0';
            snprintf(one.title, sizeof one.title, "%.120s", line + 4);
            one.mode = strstr(line, "(query)") ? SQL_QUERY : SQL_MART;
        } else if (open && strcmp(line, "---\n") == 0) {
            expects = true;
        } else if (open && !(expects && line[0] == '\n')) {
            buffer_append_text(expects ? &one.expected : &one.statement, line);
        }
    }
    if (open) {
        visit(&one, context);
        case_done(&one);
    }
    fclose(file);
}

typedef struct Tally {
    const char *file;
    unsigned cases;
    unsigned failures;
} Tally;

static void check_case(Case *one, void *context)
{
    Tally *tally = context;
    Buffer actual;
    buffer_init(&actual, 0);
    Error err;
    run_case(one, &actual, &err);
    tally->cases++;
    if (!matches(buffer_text(&one->expected), buffer_text(&actual))) {
        tally->failures++;
        print_message("# %s: %s\n# expected:\n%s# actual:\n%s", tally->file, one->title, buffer_text(&one->expected),
                      buffer_text(&actual));
    }
    if (err.code != STATUS_OK && (err.code != STATUS_SQL || err.message[0] == '\0')) {
        tally->failures++;
        print_message("# %s: %s: an error that is not of SQL\n", tally->file, one->title);
    }
    buffer_done(&actual);
}

static void print_case(Case *one, void *context)
{
    (void)context;
    Buffer actual;
    buffer_init(&actual, 0);
    Error err;
    run_case(one, &actual, &err);
    printf("### %s\n%s\n---\n%s\n", one->title, buffer_text(&one->statement), buffer_text(&actual));
    buffer_done(&actual);
}

static void test_cases(void **state)
{
    (void)state;
    DIR *folder = opendir(SQL_CASES);
    assert_non_null(folder);
    Tally total = {0};
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 4, ".txt") != 0)
            continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", SQL_CASES, entry->d_name);
        total.file = entry->d_name;
        visit_cases(path, check_case, &total);
    }
    closedir(folder);
    print_message("# %u cases\n", total.cases);
    assert_true(total.cases > 100);
    assert_int_equal(total.failures, 0);
}

/* ---- limits ---- */
static Status plan_of(const char *text, SqlMode mode, Error *err)
{
    Arena arena;
    arena_init(&arena);
    PlanNode *plan;
    error_init(err);
    Status status = sql_plan(text, mode, &TEST_CATALOG, &arena, &plan, err);
    arena_done(&arena);
    return status;
}

static Status repeated(const char *before, const char *part, unsigned n, const char *behind, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, before);
    for (unsigned i = 0; i < n; i++)
        buffer_append_text(&text, part);
    buffer_append_text(&text, behind);
    Status status = plan_of(buffer_text(&text), SQL_MART, err);
    buffer_done(&text);
    return status;
}

static void test_limits(void **state)
{
    (void)state;
    Error err;
    assert_int_equal(repeated("SELECT i", "+i", 100000, " AS x FROM numbers", &err), STATUS_SQL);
    assert_non_null(strstr(err.message, "bytes"));
    assert_int_equal(repeated("SELECT i", "+i", 20000, " AS x FROM numbers", &err), STATUS_SQL);
    assert_non_null(strstr(err.message, "levels deep"));
    assert_int_equal(repeated("SELECT i", "+i", 490, " AS x FROM numbers", &err), STATUS_OK);
    assert_int_equal(repeated("SELECT ", "(", 20000, "i AS x FROM numbers", &err), STATUS_SQL);
    assert_int_equal(repeated("SELECT ", "NOT ", 15000, "b AS x FROM numbers", &err), STATUS_SQL);
    assert_int_equal(repeated("SELECT ", "- ", 15000, "i AS x FROM numbers", &err), STATUS_SQL);
    assert_int_equal(repeated("SELECT ", "CASE WHEN b THEN ", 3000, "i AS x FROM numbers", &err), STATUS_SQL);
    assert_int_equal(repeated("SELECT i FROM numbers WHERE b", " AND b", 5000, "", &err), STATUS_OK);
    assert_int_equal(repeated("SELECT i FROM numbers WHERE b", " OR b", 5000, "", &err), STATUS_OK);
    assert_int_equal(repeated("SELECT i FROM numbers WHERE i IN (1", ",1", 1022, ")", &err), STATUS_OK);
    assert_int_equal(repeated("SELECT i FROM numbers WHERE i IN (1", ",1", 1023, ")", &err), STATUS_SQL);
    assert_int_equal(repeated("SELECT coalesce(i", ",1", 5000, ") AS x FROM numbers", &err), STATUS_SQL);
    assert_int_equal(repeated("SELECT 1 UNION ", "SELECT 1 UNION ", 4000, "SELECT 1", &err), STATUS_SQL);
    assert_int_equal(repeated("SELECT ", "*,", 4000, "* FROM numbers", &err), STATUS_SQL);
}

static void test_nested_between_does_not_explode(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "SELECT ");
    for (int i = 0; i < 100; i++)
        buffer_append_byte(&text, '(');
    buffer_append_byte(&text, 'b');
    for (int i = 0; i < 100; i++)
        buffer_append_text(&text, " BETWEEN false AND true)");
    buffer_append_text(&text, " AS x FROM numbers");
    Error err;
    assert_int_equal(plan_of(buffer_text(&text), SQL_MART, &err), STATUS_SQL);
    assert_non_null(strstr(err.message, "parts"));
    buffer_done(&text);
}

static void test_bad_bytes(void **state)
{
    (void)state;
    Error err;
    assert_int_equal(plan_of("SELECT 'a\xff' AS x FROM numbers", SQL_QUERY, &err), STATUS_SQL);
    assert_int_equal(err.offset, 10);
    assert_int_equal(plan_of("SELECT 'ü\x01' AS x FROM numbers", SQL_QUERY, &err), STATUS_SQL);
    assert_int_equal(err.offset, 10);
    assert_int_equal(plan_of("", SQL_QUERY, &err), STATUS_SQL);
    assert_int_equal(plan_of("   ", SQL_MART, &err), STATUS_SQL);
    assert_int_equal(plan_of("SELECT /* open", SQL_MART, &err), STATUS_SQL);
    assert_int_equal(plan_of("SELECT 'open", SQL_MART, &err), STATUS_SQL);
}

static void test_tables(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    Error err;
    error_init(&err);
    const char **names;
    uint32_t n;
    assert_int_equal(sql_tables("SELECT nothing FROM unknown", SQL_MART, &arena, &names, &n, &err), STATUS_OK);
    assert_int_equal(n, 1);
    assert_string_equal(names[0], "unknown");
    Buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "SELECT EXTRACT(YEAR FROM '2025-01-01'), a IS DISTINCT FROM 'x' FROM '/lake/");
    for (int i = 0; i < 300; i++)
        buffer_append_byte(&text, 'f');
    buffer_append_text(&text, "/it''s ü*.parquet' t WHERE x > 0");
    assert_int_equal(sql_tables(buffer_text(&text), SQL_QUERY, &arena, &names, &n, &err), STATUS_OK);
    assert_int_equal(strlen(names[0]), 6 + 300 + strlen("/it's ü*.parquet"));
    assert_non_null(strstr(names[0], "/it's ü*.parquet"));
    buffer_done(&text);
    arena_done(&arena);
}

/* The examples of the function table are constants, so planning them gives their values. */
static void test_examples(void **state)
{
    (void)state;
    size_t n_functions;
    const Function *functions = function_table(&n_functions);
    unsigned n_planned = 0;
    unsigned failures = 0;
    for (size_t i = 0; i < n_functions; i++) {
        Arena arena;
        Error err;
        PlanNode *plan;
        arena_init(&arena);
        error_init(&err);
        const Function *function = &functions[i];
        size_t size = strlen(function->name);
        bool is_call = strncmp(function->signature, function->name, size) == 0 && function->signature[size] == '(';
        const char *text = arena_printf(&arena, "SELECT %s AS x FROM numbers", function->example);
        Buffer value;
        buffer_init(&value, 0);
        if (sql_plan(text, SQL_QUERY, &TEST_CATALOG, &arena, &plan, &err) == STATUS_OK) {
            n_planned++;
            assert_int_equal(plan->project.exprs[0]->kind, EXPR_CONST);
            value_append_text(&value, &plan->project.exprs[0]->constant);
        } else if (is_call && !strstr(function->name, "trim")) { /* trim's characters are written with FROM */
            buffer_append_text(&value, err.message);
        } else {
            buffer_append_text(&value, function->result); /* an operator's example by the table's own name */
        }
        if (strcmp(buffer_text(&value), function->result) != 0) {
            print_message("# %s: %s, not %s\n", function->example, buffer_text(&value), function->result);
            failures++;
        }
        buffer_done(&value);
        arena_done(&arena);
    }
    assert_true(n_planned > 50);
    assert_int_equal(failures, 0);
}

static void test_is_quick(void **state)
{
    (void)state;
    static const char mart[] =
        "SELECT carrier, count(*) AS total_shipments, avg(delay_days) AS avg_delay_days,\n"
        "       round(cast(sum(shipping_cost) AS double) / count(shipping_cost), 2) AS avg_shipping_cost,\n"
        "       count(*) FILTER (WHERE delivery_status = 'Delivered') / count(*) * 100 AS on_time_percentage\n"
        "FROM shipments GROUP BY carrier ORDER BY avg_delay_days";
    Error err;
    double start = clock_seconds();
    for (int i = 0; i < 100; i++)
        assert_int_equal(plan_of(mart, SQL_MART, &err), STATUS_OK);
    double each = (clock_seconds() - start) / 100;
    print_message("# %.3f ms a plan\n", each * 1e3);
    assert_true(each < 0.05);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--actual") == 0) {
        visit_cases(argv[2], print_case, NULL);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nested_between_does_not_explode),
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_is_quick),
        cmocka_unit_test(test_examples),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
