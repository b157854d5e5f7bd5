/* Covers src/mart/registry.c: the built-in marts, folders that add and replace, and what a folder may not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mart/registry.h"

static Arena arena;
static Error err;
static char folder[] = "/tmp/freightlake-registry-XXXXXX";

static const char *path_of(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void drop(const char *name)
{
    assert_int_equal(unlink(path_of(name)), 0);
}

static void test_builtin(void **state)
{
    (void)state;
    static const char *const names[] = {"carrier_performance", "route_efficiency", "cost_analysis", "delay_trends",
                                        "warehouse_demand"};
    MartRegistry registry;
    assert_int_equal(mart_registry_load(NULL, &arena, &registry, &err), STATUS_OK);
    assert_int_equal(registry.n, 5);
    for (uint32_t i = 0; i < registry.n; i++) {
        const Mart *mart = &registry.marts[i];
        assert_string_equal(mart->name, names[i]);
        assert_ptr_equal(mart_find(&registry, names[i]), mart);
        assert_non_null(strstr(mart->sql, "FROM shipments"));
        assert_true(strlen(mart->meaning) > 10);
        assert_int_equal(strlen(mart->hash), MART_HASH_CHARACTERS);
        assert_null(mart->file);
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(mart->hash, registry.marts[j].hash);
    }
    assert_string_equal(registry.marts[0].title, "Carrier performance");
    assert_int_equal(mart_unknown(&registry, "cost_analisis", &err), STATUS_USAGE);
    assert_non_null(strstr(err.hint, "did you mean 'cost_analysis'"));
    assert_int_equal(mart_unknown(&registry, "zzz", &err), STATUS_USAGE);
    assert_non_null(strstr(err.hint, "warehouse_demand"));
}

static void test_folder_adds_and_replaces(void **state)
{
    (void)state;
    MartRegistry builtin, registry;
    put("late_lanes.sql", "-- Late lanes\nSELECT 1");
    put("cost_analysis.sql", "SELECT carrier FROM shipments");
    put("notes.txt", "no mart");
    assert_int_equal(mart_registry_load(NULL, &arena, &builtin, &err), STATUS_OK);
    assert_int_equal(mart_registry_load(folder, &arena, &registry, &err), STATUS_OK);
    assert_int_equal(registry.n, 6);
    assert_string_equal(registry.marts[2].name, "cost_analysis");
    assert_string_equal(registry.marts[2].sql, "SELECT carrier FROM shipments");
    assert_string_equal(registry.marts[2].title, "Cost analysis");
    assert_string_equal(registry.marts[2].meaning, "");
    assert_string_not_equal(registry.marts[2].hash, builtin.marts[2].hash);
    assert_string_equal(registry.marts[5].name, "late_lanes");
    assert_string_equal(registry.marts[5].title, "Late lanes");
    assert_string_equal(registry.marts[5].file, path_of("late_lanes.sql"));
    drop("late_lanes.sql");
    drop("cost_analysis.sql");
    drop("notes.txt");
}

static void expect_refused(const char *name, const char *text)
{
    MartRegistry registry;
    put(name, text);
    assert_int_equal(mart_registry_load(folder, &arena, &registry, &err), STATUS_CONFIG);
    assert_non_null(strstr(err.file, folder));
    drop(name);
}

static void test_refusals(void **state)
{
    (void)state;
    MartRegistry registry;
    char *large = mem_alloc(MART_MAX_SQL_BYTES + 2);
    memset(large, 'x', MART_MAX_SQL_BYTES + 1);
    large[MART_MAX_SQL_BYTES + 1] = '\0';
    expect_refused("large.sql", large);
    mem_free(large);
    expect_refused("Late.sql", "SELECT 1");
    expect_refused("1st.sql", "SELECT 1");
    expect_refused("a b.sql", "SELECT 1");
    expect_refused("empty.sql", " \n;");
    expect_refused("README.md", "no mart here");
    assert_int_equal(mart_registry_load(path_of("missing"), &arena, &registry, &err), STATUS_NOT_FOUND);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    error_init(&err);
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return rmdir(folder);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_folder_adds_and_replaces),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("registry", tests, begin, end);
}
