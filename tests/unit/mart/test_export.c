/* Covers src/mart/export.c: what the manifest says of a mart, and which files an export leaves. */
#include "../storage/scratch_folder.h"

#include "mart/export.h"

static Arena arena;
static Error err;

static Mart mart_of(const char *name, const char *sql, const char *tests)
{
    return (Mart){.name = name,
                  .sql = sql,
                  .title = "A \"title\"",
                  .meaning = "",
                  .tests = tests,
                  .tests_file = "tests",
                  .hash = "00112233445566778899aabbccddeeff"};
}

static void assert_manifest(const Mart *mart, const char *expected)
{
    PlannedMart planned;
    Buffer json;
    buffer_init(&json, 0);
    assert_int_equal(export_plan(mart, &arena, &planned, &err), STATUS_OK);
    export_append_mart(&json, &planned);
    assert_string_equal(buffer_text(&json), expected);
    buffer_done(&json);
}

static void test_mart(void **state)
{
    (void)state;
    const Mart mart = mart_of("lanes",
                              "SELECT carrier, sum(shipping_cost) AS cost,\n\tcount(*) AS n FROM shipments WHERE "
                              "carrier <> 'a\"b' GROUP BY carrier",
                              "tests:\n"
                              "  - not_null: [carrier, n]\n"
                              "  - row_count_change: {max_drop: 0.1}\n"
                              "  - row_count_change: {max_growth: 3}\n"
                              "  - no_rows: SELECT carrier FROM shipments WHERE carrier = 'x'\n");
    assert_manifest(
        &mart, "{\"name\":\"lanes\",\"title\":\"A \\\"title\\\"\",\"meaning\":\"\",\"file\":null,"
               "\"definition_hash\":\"00112233445566778899aabbccddeeff\",\"sql\":\"SELECT carrier, "
               "sum(shipping_cost) AS cost,\\n\\tcount(*) AS n FROM shipments WHERE carrier <> 'a\\\"b' GROUP BY "
               "carrier\",\"incremental\":true,\"reads\":[\"shipments\"],"
               "\"columns\":[{\"name\":\"carrier\",\"type\":\"string\",\"nullable\":true},"
               "{\"name\":\"cost\",\"type\":\"decimal(28,4)\",\"nullable\":true},"
               "{\"name\":\"n\",\"type\":\"bigint\",\"nullable\":false}],\"tests\":["
               "{\"rule\":\"not_null(carrier)\",\"reads\":\"lanes\",\"sql\":\"SELECT * FROM lanes WHERE carrier IS "
               "NULL\"},"
               "{\"rule\":\"not_null(n)\",\"reads\":\"lanes\",\"sql\":\"SELECT * FROM lanes WHERE n IS NULL\"},"
               "{\"rule\":\"row_count_change\",\"max_drop\":0.1},{\"rule\":\"row_count_change\",\"max_growth\":3.0},"
               "{\"rule\":\"no_rows(line 5)\",\"reads\":\"shipments\",\"sql\":\"SELECT carrier FROM shipments WHERE "
               "carrier = 'x'\"}],"
               "\"files\":{\"sql\":\"lanes.sql\",\"tests\":\"lanes.tests.yaml\",\"tests_sql\":\"tests/lanes.sql\"}}");
}

static void test_mart_without_tests(void **state)
{
    (void)state;
    const Mart mart = mart_of("all_of_it", "SELECT route_distance_km FROM shipments", NULL);
    assert_manifest(&mart,
                    "{\"name\":\"all_of_it\",\"title\":\"A \\\"title\\\"\",\"meaning\":\"\",\"file\":null,"
                    "\"definition_hash\":\"00112233445566778899aabbccddeeff\",\"sql\":\"SELECT route_distance_km FROM "
                    "shipments\",\"incremental\":false,\"reads\":[\"shipments\"],"
                    "\"columns\":[{\"name\":\"route_distance_km\",\"type\":\"double\",\"nullable\":true}],\"tests\":[],"
                    "\"files\":{\"sql\":\"all_of_it.sql\",\"tests\":null,\"tests_sql\":null}}");
}

static const char *content(const char *name)
{
    StrView text;
    assert_int_equal(storage_read_file(scratch_file(name), 1 << 20, &arena, &text, &err), STATUS_OK);
    return text.data;
}

static void test_files(void **state)
{
    (void)state;
    const Mart a = mart_of("a", "SELECT carrier FROM shipments", NULL);
    const Mart b = mart_of("b", "SELECT carrier FROM shipments",
                           "tests:\n  - unique: [carrier]\n  - no_rows: |\n      SELECT carrier FROM b ;\n\n");
    const Mart *const marts[] = {&a, &b};
    ExportOptions options = {.marts = marts, .n_marts = 2, .folder = arena_strdup(&arena, scratch_file("out"))};
    ExportResult result;
    assert_int_equal(export_marts(&options, &arena, &result, &err), STATUS_OK);
    assert_int_equal(result.n_marts, 2);
    assert_int_equal(result.n_files, 5);
    assert_string_equal(content("out/a.sql"), a.sql);
    assert_string_equal(content("out/b.tests.yaml"), b.tests);
    assert_string_equal(content("out/tests/b.sql"),
                        "-- unique(carrier)\nSELECT carrier, count(*) AS rows_of_key FROM b GROUP BY carrier HAVING "
                        "count(*) > 1;\n\n-- no_rows(line 3)\nSELECT carrier FROM b;\n");
    assert_int_equal(strncmp(content("out/marts.json"), "{\"format\":1,\"marts\":[\n{\"name\":\"a\",", 34), 0);

    assert_int_equal(export_marts(&options, &arena, &result, &err), STATUS_USAGE);
    assert_non_null(strstr(err.hint, "--force"));
    options.force = true;
    options.n_marts = 1;
    assert_int_equal(export_marts(&options, &arena, &result, &err), STATUS_OK);
    assert_int_equal(result.n_files, 2);
    assert_null(strstr(content("out/marts.json"), "\"b\""));
    assert_string_equal(content("out/b.sql"), b.sql);
}

static void test_refused_before_anything_is_written(void **state)
{
    (void)state;
    const Mart good = mart_of("good", "SELECT carrier FROM shipments", NULL);
    const Mart bad_sql = mart_of("bad", "SELECT nothing_such FROM shipments", NULL);
    const Mart bad_tests = mart_of("bad", good.sql, "tests:\n  - unique: [nothing_such]\n");
    StorageFacts facts;
    for (int i = 0; i < 2; i++) {
        const Mart *const marts[] = {&good, i ? &bad_tests : &bad_sql};
        const ExportOptions options = {.marts = marts, .n_marts = 2, .folder = scratch_file("never"), .force = true};
        ExportResult result;
        assert_int_equal(export_marts(&options, &arena, &result, &err), i ? STATUS_CONFIG : STATUS_SQL);
        assert_int_equal(storage_stat(scratch_file("never"), &facts, &err), STATUS_OK);
        assert_false(facts.exists);
    }
}

int main(void)
{
    arena_init(&arena);
    error_init(&err);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mart), cmocka_unit_test(test_mart_without_tests),
                                       cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_refused_before_anything_is_written)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(tests, scratch_make, scratch_remove);
    arena_done(&arena);
    return failed;
}
