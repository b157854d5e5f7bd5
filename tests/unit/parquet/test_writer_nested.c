/* Structs, lists and maps in the shape of a Delta checkpoint: written, read back, and refused where a NULL may not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "parquet/writer_nested.h"

static Error err;
static char path[256];

/* add struct<path string not null, size bigint, partitionValues map<string, string>, parts list<struct<n int not null>>> */
static const ParquetNestedField map_fields[] = {
    {.name = "key", .type = DATA_TYPE(STRING)},
    {.name = "value", .type = DATA_TYPE(STRING), .nullable = true},
};
static const ParquetNestedField number = {.name = "n", .type = DATA_TYPE(INT)};
static const ParquetNestedField element = {
    .name = "element", .kind = PARQUET_NODE_STRUCT, .nullable = true, .n_children = 1, .children = &number};
static const ParquetNestedField add_fields[] = {
    {.name = "path", .type = DATA_TYPE(STRING)},
    {.name = "size", .type = DATA_TYPE(BIGINT), .nullable = true},
    {.name = "partitionValues", .kind = PARQUET_NODE_MAP, .nullable = true, .n_children = 2, .children = map_fields},
    {.name = "parts", .kind = PARQUET_NODE_LIST, .n_children = 1, .children = &element},
};
static const ParquetNestedField fields[] = {
    {.name = "add", .kind = PARQUET_NODE_STRUCT, .nullable = true, .n_children = 4, .children = add_fields},
    {.name = "version", .type = DATA_TYPE(BIGINT), .nullable = true},
};

static ParquetNode leaf(DataType type, uint32_t n, void *data, uint8_t *valid)
{
    return (ParquetNode){.kind = PARQUET_NODE_LEAF,
                         .n = n,
                         .values = {.type = type, .kind = VECTOR_FLAT, .n = n, .data = data, .valid = valid}};
}

/* Four rows: {a, 1, {x: 1, y: NULL}, [{7}, NULL]}, NULL, {b, NULL, {}, []}, {c, 3, NULL, [{8}]} */
static Status write_rows(uint8_t *path_valid, uint8_t *number_valid)
{
    StrView paths[] = {str_view("a"), str_view(""), str_view("b"), str_view("c")};
    int64_t sizes[] = {1, 0, 0, 3}, versions[] = {1, 2, 3, 4};
    uint8_t add_valid[] = {1, 0, 1, 1}, size_valid[] = {1, 0, 0, 1}, map_valid[] = {1, 0, 1, 0}, value_valid[] = {1, 0};
    StrView keys[] = {str_view("x"), str_view("y")}, values[] = {str_view("1"), str_view("")};
    uint32_t map_offsets[] = {0, 2, 2, 2, 2}, list_offsets[] = {0, 2, 2, 2, 3};
    int32_t numbers[] = {7, 0, 8};
    uint8_t element_valid[] = {1, 0, 1};
    ParquetNode map[] = {leaf(DATA_TYPE(STRING), 2, keys, NULL), leaf(DATA_TYPE(STRING), 2, values, value_valid)};
    ParquetNode numbers_node = leaf(DATA_TYPE(INT), 3, numbers, number_valid);
    ParquetNode elements = {
        .kind = PARQUET_NODE_STRUCT, .n = 3, .valid = element_valid, .n_children = 1, .children = &numbers_node};
    ParquetNode add[] = {
        leaf(DATA_TYPE(STRING), 4, paths, path_valid),
        leaf(DATA_TYPE(BIGINT), 4, sizes, size_valid),
        {.kind = PARQUET_NODE_MAP,
         .n = 4,
         .valid = map_valid,
         .offsets = map_offsets,
         .n_children = 2,
         .children = map},
        {.kind = PARQUET_NODE_LIST, .n = 4, .offsets = list_offsets, .n_children = 1, .children = &elements},
    };
    ParquetNode columns[] = {
        {.kind = PARQUET_NODE_STRUCT, .n = 4, .valid = add_valid, .n_children = 4, .children = add},
        leaf(DATA_TYPE(BIGINT), 4, versions, NULL),
    };
    StorageWriter *storage;
    ParquetWriter *writer;
    const ParquetWriterOptions options = {.page_rows = 3};
    TRY(storage_create(path, &storage, &err));
    Status status = parquet_nested_writer_new(storage, fields, 2, &options, &writer, &err);
    assert_int_equal(status, STATUS_OK);
    for (int round = 0; round < 2 && status == STATUS_OK; round++)
        status = parquet_write_nested(writer, columns, 4, &err);
    if (status == STATUS_OK)
        status = parquet_finish(writer, NULL, &err);
    parquet_writer_free(writer);
    if (status == STATUS_OK)
        return storage_commit(storage, &err);
    storage_discard(storage);
    return status;
}

static void expect_validity(const ParquetNode *node, const char *wanted)
{
    assert_int_equal(node->n, strlen(wanted));
    for (uint32_t i = 0; i < node->n; i++) {
        const uint8_t *valid = node->kind == PARQUET_NODE_LEAF ? node->values.valid : node->valid;
        assert_int_equal(!valid || valid[i], wanted[i] == '1');
    }
}

static void trees_come_back(void **state)
{
    (void)state;
    uint8_t path_valid[] = {1, 0, 1, 1};
    uint8_t number_valid[] = {1, 0, 1};
    assert_int_equal(write_rows(path_valid, number_valid), STATUS_OK);
    MemoryBudget budget;
    budget_init(&budget, 0);
    Arena arena;
    arena_init(&arena);
    StorageReader *reader;
    ParquetFile *file;
    assert_int_equal(storage_open(path, &reader, &err), STATUS_OK);
    assert_int_equal(parquet_open(reader, &budget, &file, &err), STATUS_OK);
    assert_int_equal(parquet_row_groups(file), 2);
    for (uint32_t g = 0; g < 2; g++) {
        ParquetNode *add, *version;
        assert_int_equal(parquet_read_nested(file, g, 0, NULL, 0, &arena, &add, &err), STATUS_OK);
        assert_int_equal(parquet_read_nested(file, g, 1, NULL, 0, &arena, &version, &err), STATUS_OK);
        assert_string_equal(add->name, "add");
        expect_validity(add, "1011");
        expect_validity(&add->children[0], "1011");
        expect_validity(&add->children[1], "1001");
        assert_true(str_equal(((const StrView *)add->children[0].values.data)[3], str_view("c")));
        assert_int_equal(((const int64_t *)add->children[1].values.data)[3], 3);
        const ParquetNode *map = &add->children[2], *list = &add->children[3];
        assert_int_equal(map->kind, PARQUET_NODE_MAP);
        expect_validity(map, "1010");
        assert_memory_equal(map->offsets, ((uint32_t[]){0, 2, 2, 2, 2}), 5 * sizeof(uint32_t));
        expect_validity(&map->children[0], "11");
        expect_validity(&map->children[1], "10");
        assert_true(str_equal(((const StrView *)map->children[0].values.data)[1], str_view("y")));
        assert_int_equal(list->kind, PARQUET_NODE_LIST);
        assert_memory_equal(list->offsets, ((uint32_t[]){0, 2, 2, 2, 3}), 5 * sizeof(uint32_t));
        expect_validity(&list->children[0], "101");
        assert_int_equal(((const int32_t *)list->children[0].children[0].values.data)[2], 8);
        assert_int_equal(((const int64_t *)version->values.data)[3], 4);
    }
    arena_done(&arena);
    parquet_close(file);
    unlink(path);
}

static void required_fields_take_no_null(void **state)
{
    (void)state;
    uint8_t path_valid[] = {1, 0, 0, 1}, number_valid[] = {1, 0, 1};
    assert_int_equal(write_rows(path_valid, number_valid), STATUS_DATA);
    assert_string_equal(err.column, "path");
    path_valid[2] = 1;
    number_valid[2] = 0;
    assert_int_equal(write_rows(path_valid, number_valid), STATUS_DATA);
    assert_string_equal(err.column, "n");
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/freightlake-nested-%d.parquet", parent ? parent : "/tmp", (int)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_come_back),
        cmocka_unit_test(required_fields_take_no_null),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("parquet/writer_nested", tests, NULL, NULL);
}
