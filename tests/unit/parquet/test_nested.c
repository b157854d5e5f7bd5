/* src/parquet/reader_nested.c over the fuzz corpus's nested files (pages v1 and v2), whose forty rows are, for row x:
 * st = NULL where x % 4 is 0, else {a: x, b: the first x % 3 of "p", "q"}; m = x % 3 times the pair "k", "v".
 * The files' paths are the program's arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parquet/parquet_nested.h"

#define ROWS 40

static char **paths;
static int n_paths;

static ParquetFile *open_file(const char *path, MemoryBudget *budget)
{
    Error err;
    StorageReader *reader;
    ParquetFile *file;
    error_init(&err);
    budget_init(budget, (size_t)1 << 20);
    assert_int_equal(storage_open(path, &reader, &err), STATUS_OK);
    assert_int_equal(parquet_open(reader, budget, &file, &err), STATUS_OK);
    assert_int_equal(parquet_row_group_rows(file, 0), ROWS);
    return file;
}

static void check_text(const Vector *values, uint32_t i, const char *expected)
{
    Value value = vector_value(values, i);
    assert_true(value.valid && str_equal(value.string, str_view(expected)));
}

static void check_struct(const ParquetNode *node)
{
    assert_int_equal(node->kind, PARQUET_NODE_STRUCT);
    assert_int_equal(node->n, ROWS);
    assert_int_equal(node->n_children, 2);
    const ParquetNode *number = &node->children[0], *list = &node->children[1];
    assert_string_equal(number->name, "a");
    assert_int_equal(list->kind, PARQUET_NODE_LIST);
    for (uint32_t x = 0; x < ROWS; x++) {
        bool there = x % 4 != 0;
        Value value = vector_value(&number->values, x);
        assert_int_equal(node->valid[x], there);
        assert_int_equal(list->valid[x], there);
        assert_int_equal(value.valid, there);
        if (there)
            assert_int_equal(value.int64, x);
        assert_int_equal(list->offsets[x + 1] - list->offsets[x], there ? x % 3 : 0);
        for (uint32_t k = list->offsets[x]; k < list->offsets[x + 1]; k++)
            check_text(&list->children->values, k, k == list->offsets[x] ? "p" : "q");
    }
}

static void check_map(const ParquetNode *node)
{
    assert_int_equal(node->kind, PARQUET_NODE_MAP);
    assert_int_equal(node->n_children, 2);
    assert_null(node->valid);
    for (uint32_t x = 0; x < ROWS; x++) {
        assert_int_equal(node->offsets[x + 1] - node->offsets[x], x % 3);
        for (uint32_t k = node->offsets[x]; k < node->offsets[x + 1]; k++) {
            check_text(&node->children[0].values, k, "k");
            check_text(&node->children[1].values, k, "v");
        }
    }
}

static void test_struct_list_map(void **state)
{
    (void)state;
    for (int i = 0; i < n_paths; i++) {
        Error err;
        Arena arena;
        MemoryBudget budget;
        ParquetNode *node;
        error_init(&err);
        arena_init(&arena);
        ParquetFile *file = open_file(paths[i], &budget);
        assert_int_equal(parquet_read_nested(file, 0, 0, NULL, 0, &arena, &node, &err), STATUS_OK);
        check_struct(node);
        assert_int_equal(parquet_read_nested(file, 0, 1, NULL, 0, &arena, &node, &err), STATUS_OK);
        check_map(node);
        parquet_close(file);
        assert_int_equal(budget.used, 0);
        arena_done(&arena);
    }
}

static void test_wanted_leaves_only(void **state)
{
    (void)state;
    static const char *const wanted[] = {"st.b"}, *const unknown[] = {"st.bb", "s"};
    Error err;
    Arena arena;
    MemoryBudget budget;
    ParquetNode *node;
    error_init(&err);
    arena_init(&arena);
    ParquetFile *file = open_file(paths[0], &budget);
    assert_int_equal(parquet_read_nested(file, 0, 0, wanted, 1, &arena, &node, &err), STATUS_OK);
    assert_int_equal(node->n_children, 1);
    assert_string_equal(node->children[0].name, "b");
    assert_int_equal(parquet_read_nested(file, 0, 0, unknown, 2, &arena, &node, &err), STATUS_DATA);
    parquet_close(file);
    arena_done(&arena);
}

static void test_flat_reading_is_refused(void **state)
{
    (void)state;
    Error err;
    MemoryBudget budget;
    ParquetRowGroup *handle = NULL;
    uint32_t column = 1;
    error_init(&err);
    ParquetFile *file = open_file(paths[0], &budget);
    assert_int_equal(parquet_schema(file)->fields[1].type.id, TYPE_NULLTYPE);
    assert_int_equal(parquet_row_group_open(file, 0, &column, 1, &handle, &err), STATUS_UNSUPPORTED);
    assert_string_equal(err.column, "m");
    assert_string_equal(err.file, paths[0]);
    parquet_row_group_close(handle);
    parquet_close(file);
}

int main(int argc, char **argv)
{
    paths = argv + 1;
    n_paths = argc - 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_struct_list_map),
        cmocka_unit_test(test_wanted_leaves_only),
        cmocka_unit_test(test_flat_reading_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("parquet/nested", tests, NULL, NULL);
}
