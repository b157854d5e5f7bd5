/* Checks; see checks.h. */
#include "mart/checks.h"

#include <stdio.h>
#include <string.h>

#include "mart/run.h"
#include "shipment/shipment.h"
#include "text/yaml.h"

#define MAX_CHECKS 256

typedef struct CheckParser {
    YamlDocument document;
    const Mart *mart;
    Arena *arena;
    MartChecks checks;
} CheckParser;

/* ---- Reading ---- */

static Status add_check(CheckParser *parser, const YamlNode *node, MartCheck check, Error *err)
{
    if (parser->checks.n == MAX_CHECKS)
        return yaml_error(&parser->document, node, err, "a mart has at most %d tests", MAX_CHECKS);
    check.line = node->line;
    parser->checks.checks[parser->checks.n++] = check;
    return STATUS_OK;
}

/* The name of a column, which stands in SQL as it is; where it is missing the error is at `parent`. */
static Status column_name(CheckParser *parser, const YamlNode *node, const YamlNode *parent, const char **ret_name,
                          Error *err)
{
    if (!node || node->kind != YAML_SCALAR || strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789_") == 0 ||
        node->text[strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        return yaml_error(&parser->document, node ? node : parent, err, "the name of a column is wanted");
    *ret_name = node->text;
    return STATUS_OK;
}

static Status add_not_null(CheckParser *parser, const YamlNode *node, Error *err)
{
    if (node->kind != YAML_SEQUENCE || node->n == 0)
        return yaml_error(&parser->document, node, err, "a list of columns is wanted");
    for (uint32_t i = 0; i < node->n; i++) {
        const char *name = NULL;
        TRY(column_name(parser, node->children[i], node, &name, err));
        MartCheck check = {
            .rule = arena_printf(parser->arena, "not_null(%s)", name),
            .sql = arena_printf(parser->arena, "SELECT * FROM %s WHERE %s IS NULL", parser->mart->name, name)};
        TRY(add_check(parser, node->children[i], check, err));
    }
    return STATUS_OK;
}

static Status add_unique(CheckParser *parser, const YamlNode *node, Error *err)
{
    if (node->kind != YAML_SEQUENCE || node->n == 0)
        return yaml_error(&parser->document, node, err, "a list of columns is wanted");
    Buffer names;
    buffer_init(&names, 0);
    Status status = STATUS_OK;
    for (uint32_t i = 0; i < node->n && status == STATUS_OK; i++) {
        const char *name = NULL;
        status = column_name(parser, node->children[i], node, &name, err);
        if (status == STATUS_OK)
            buffer_printf(&names, "%s%s", i ? ", " : "", name);
    }
    if (status == STATUS_OK) {
        const char *list = buffer_text(&names);
        MartCheck check = {
            .rule = arena_printf(parser->arena, "unique(%s)", list),
            .sql = arena_printf(parser->arena,
                                "SELECT %s, count(*) AS rows_of_key FROM %s GROUP BY %s HAVING count(*) > 1", list,
                                parser->mart->name, list)};
        status = add_check(parser, node, check, err);
    }
    buffer_done(&names);
    return status;
}

/* As SQL writes it: digits around a point, nothing else. */
static bool is_number(const char *text)
{
    text += *text == '-';
    size_t whole = strspn(text, "0123456789");
    const char *rest = text + whole;
    size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    rest += *rest == '.' ? 1 + fraction : 0;
    return whole > 0 && whole + fraction <= 38 && *rest == '\0';
}

/* A number as it stands, or a text in quotes. */
static Status literal(CheckParser *parser, const YamlNode *node, const char **ret_text, Error *err)
{
    if (node->kind != YAML_SCALAR)
        return yaml_error(&parser->document, node, err, "a number or a text is wanted");
    if (!node->quoted && is_number(node->text)) {
        *ret_text = node->text;
        return STATUS_OK;
    }
    if (strpbrk(node->text, "'\\"))
        return yaml_error(&parser->document, node, err, "a text with ' or \\ cannot be compared with: use no_rows");
    *ret_text = arena_printf(parser->arena, "'%s'", node->text);
    return STATUS_OK;
}

static Status add_range(CheckParser *parser, const YamlNode *node, Error *err)
{
    static const char *const keys[] = {"column", "min", "max"};
    TRY(yaml_check_keys(&parser->document, node, keys, ARRAY_SIZE(keys), err));
    const char *name = NULL, *low = NULL, *high = NULL;
    const YamlNode *minimum = yaml_get(node, "min"), *maximum = yaml_get(node, "max");
    TRY(column_name(parser, yaml_get(node, "column"), node, &name, err));
    if (!minimum && !maximum)
        return yaml_error(&parser->document, node, err, "min, max or both are wanted");
    if (minimum)
        TRY(literal(parser, minimum, &low, err));
    if (maximum)
        TRY(literal(parser, maximum, &high, err));
    const char *below = low ? arena_printf(parser->arena, "%s < %s", name, low) : "";
    const char *above = high ? arena_printf(parser->arena, "%s > %s", name, high) : "";
    MartCheck check = {.rule = arena_printf(parser->arena, "range(%s, %s..%s)", name, low ? low : "", high ? high : ""),
                       .sql = arena_printf(parser->arena, "SELECT * FROM %s WHERE %s%s%s", parser->mart->name, below,
                                           low && high ? " OR " : "", above)};
    return add_check(parser, node, check, err);
}

static Status add_accepted_values(CheckParser *parser, const YamlNode *node, Error *err)
{
    static const char *const keys[] = {"column", "values"};
    TRY(yaml_check_keys(&parser->document, node, keys, ARRAY_SIZE(keys), err));
    const char *name = NULL;
    const YamlNode *values = yaml_get(node, "values");
    TRY(column_name(parser, yaml_get(node, "column"), node, &name, err));
    if (!values || values->kind != YAML_SEQUENCE || values->n == 0)
        return yaml_error(&parser->document, node, err, "values: a list is wanted");
    const char *list = "";
    for (uint32_t i = 0; i < values->n; i++) {
        const char *text = NULL;
        TRY(literal(parser, values->children[i], &text, err));
        list = arena_printf(parser->arena, "%s%s%s", list, i ? ", " : "", text);
    }
    MartCheck check = {
        .rule = arena_printf(parser->arena, "accepted_values(%s)", name),
        .sql = arena_printf(parser->arena, "SELECT * FROM %s WHERE %s NOT IN (%s)", parser->mart->name, name, list)};
    return add_check(parser, node, check, err);
}

static Status add_row_count_change(CheckParser *parser, const YamlNode *node, Error *err)
{
    static const char *const keys[] = {"max_drop", "max_growth"};
    MartCheck check = {.rule = "row_count_change", .max_drop = -1, .max_growth = -1};
    TRY(yaml_check_keys(&parser->document, node, keys, ARRAY_SIZE(keys), err));
    TRY(yaml_number(&parser->document, node, "max_drop", 0, 1, &check.max_drop, err));
    TRY(yaml_number(&parser->document, node, "max_growth", 0, 1e9, &check.max_growth, err));
    return add_check(parser, node, check, err);
}

static Status add_no_rows(CheckParser *parser, const YamlNode *node, Error *err)
{
    if (node->kind != YAML_SCALAR)
        return yaml_error(&parser->document, node, err, "a SELECT is wanted");
    MartCheck check = {.rule = arena_printf(parser->arena, "no_rows(line %lld)", (long long)node->line),
                       .sql = node->text};
    return add_check(parser, node, check, err);
}

static Status add_test(CheckParser *parser, const YamlNode *node, Error *err)
{
    static const char *const kinds[] = {"not_null",        "unique",           "range",
                                        "accepted_values", "row_count_change", "no_rows"};
    static Status (*const adders[])(CheckParser *, const YamlNode *, Error *) = {
        add_not_null, add_unique, add_range, add_accepted_values, add_row_count_change, add_no_rows};
    TRY(yaml_check_keys(&parser->document, node, kinds, ARRAY_SIZE(kinds), err));
    for (uint32_t i = 0; i < node->n; i++)
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
            if (strcmp(node->keys[i], kinds[k]) == 0)
                TRY(adders[k](parser, node->children[i], err));
    return STATUS_OK;
}

/* ---- Planning ---- */

typedef struct MartTable {
    const char *name;
    const Schema *schema;
} MartTable;

static Status find_mart_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    const MartTable *table = context;
    bool is_mart = strcmp(table->name, name) == 0;
    if (is_mart || strcmp(name, "shipments") == 0) {
        *ret_schema = is_mart ? table->schema : shipment_unchecked_schema();
        return STATUS_OK;
    }
    error_set(err, STATUS_SQL, "there is no table '%s'", name);
    return error_hint(err, "a test reads the mart it stands beside, %s, or the table shipments", table->name);
}

static Status plan_check(const Mart *mart, MartCheck *check, const Schema *schema, Arena *arena, Error *err)
{
    MartTable table = {mart->name, schema};
    Catalog catalog = {&table, find_mart_table};
    PlanNode *plan = NULL;
    if (sql_plan(check->sql, SQL_MART, &catalog, arena, &plan, err) == STATUS_OK) {
        check->plan = plan;
        check->of_shipments = plan_reads(plan, "shipments");
        return STATUS_OK;
    }
    char why[200];
    snprintf(why, sizeof why, "%.190s", err->message);
    char hint[200];
    snprintf(hint, sizeof hint, "%.190s", err->hint);
    error_set(err, STATUS_CONFIG, "the test %.100s cannot be run: %s", check->rule, why);
    error_at_file(err, mart->tests_file);
    if (*hint)
        error_hint(err, "%s", hint);
    return error_at_row(err, check->line);
}

bool checks_read_shipments(const MartChecks *checks)
{
    bool any = false;
    for (uint32_t i = 0; i < checks->n; i++)
        any |= checks->checks[i].of_shipments;
    return any;
}

Status checks_load(const Mart *mart, const Schema *schema, Arena *arena, MartChecks *ret_checks, Error *err)
{
    static const char *const keys[] = {"tests"};
    CheckParser parser = {.mart = mart, .arena = arena};
    *ret_checks = (MartChecks){0};
    if (!mart->tests)
        return STATUS_OK;
    parser.checks.checks = ARENA_ARRAY(arena, MartCheck, MAX_CHECKS);
    TRY(yaml_parse(mart->tests_file, str_view(mart->tests), arena, &parser.document, err));
    TRY(yaml_check_keys(&parser.document, parser.document.root, keys, ARRAY_SIZE(keys), err));
    const YamlNode *tests = yaml_get(parser.document.root, "tests");
    if (tests && tests->kind != YAML_SEQUENCE)
        return yaml_error(&parser.document, tests, err, "a list of tests is wanted");
    for (uint32_t i = 0; tests && i < tests->n; i++)
        TRY(add_test(&parser, tests->children[i], err));
    for (uint32_t i = 0; i < parser.checks.n; i++)
        if (parser.checks.checks[i].sql)
            TRY(plan_check(mart, &parser.checks.checks[i], schema, arena, err));
    *ret_checks = parser.checks;
    return STATUS_OK;
}

Status checks_plan(const Mart *mart, Arena *arena, PlanNode **ret_plan, MartChecks *ret_checks, Error *err)
{
    PlanNode *plan = NULL;
    TRY(mart_plan(mart, arena, &plan, err));
    TRY(checks_load(mart, &plan->schema, arena, ret_checks, err));
    *ret_plan = plan;
    return STATUS_OK;
}

/* ---- Running ---- */

typedef struct Examples {
    Buffer text;
    uint32_t n;
} Examples;

static Status take_examples(void *context, const Schema *schema, const Batch *batch, Error *err)
{
    (void)err;
    Examples *examples = context;
    for (uint32_t r = 0; r < batch->n_rows && examples->n < CHECK_ROWS_SHOWN; r++, examples->n++) {
        for (uint32_t c = 0; c < schema->n; c++) {
            Value value = vector_value(&batch->columns[c], r);
            buffer_printf(&examples->text, "%s%s=", c ? ", " : "", schema->fields[c].name);
            value_append_text(&examples->text, &value);
        }
        buffer_append_byte(&examples->text, '\n');
    }
    return STATUS_OK;
}

static void check_row_count(MartCheck *check, uint64_t rows, int64_t rows_before, Arena *arena)
{
    check->passed = true;
    check->examples = "";
    if (rows_before <= 0)
        return;
    double change = ((double)rows - (double)rows_before) / (double)rows_before;
    check->passed =
        (check->max_drop < 0 || -change <= check->max_drop) && (check->max_growth < 0 || change <= check->max_growth);
    if (check->passed)
        return;
    check->rows = rows;
    check->examples = arena_printf(arena, "%s, %lld before\n", PLURAL(rows, "row"), (long long)rows_before);
}

/* All checks, in one scan of the mart and one of shipments. */
static Status run_scans(MartChecks *checks, const ChecksInput *input, Arena *arena, Error *err)
{
    TableFiles tables[2] = {*input->mart};
    tables[0].name = input->name;
    if (input->shipments) {
        tables[1] = *input->shipments;
        tables[1].name = "shipments";
    }
    Statement *statements = ARENA_ARRAY(arena, Statement, checks->n + 1);
    Examples *examples = ARENA_ARRAY(arena, Examples, checks->n + 1);
    MartCheck **of_statement = ARENA_ARRAY(arena, MartCheck *, checks->n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < checks->n; i++) {
        MartCheck *check = &checks->checks[i];
        if (!check->plan)
            continue;
        buffer_init(&examples[n].text, 0);
        statements[n] = (Statement){.plan = check->plan, .sink = {.context = &examples[n], .batch = take_examples}};
        of_statement[n++] = check;
    }
    ExecOptions options = {.pool = input->pool, .budget = input->budget};
    ScanStatistics scan;
    Status status = n > 0 ? exec_run(statements, n, tables, input->shipments ? 2 : 1, &options, &scan, err) : STATUS_OK;
    for (uint32_t i = 0; i < n; i++) {
        of_statement[i]->rows = statements[i].rows_out;
        of_statement[i]->passed = status == STATUS_OK && statements[i].rows_out == 0;
        of_statement[i]->examples = arena_strdup(arena, buffer_text(&examples[i].text));
        buffer_done(&examples[i].text);
    }
    return status;
}

Status checks_run(MartChecks *checks, const ChecksInput *input, Arena *arena, bool *ret_passed, Error *err)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < input->mart->n_files; i++)
        rows += parquet_rows(input->mart->files[i]);
    for (uint32_t i = 0; i < checks->n; i++)
        if (!checks->checks[i].sql)
            check_row_count(&checks->checks[i], rows, input->rows_before, arena);
    TRY(run_scans(checks, input, arena, err));
    *ret_passed = true;
    for (uint32_t i = 0; i < checks->n; i++)
        *ret_passed &= checks->checks[i].passed;
    return STATUS_OK;
}
