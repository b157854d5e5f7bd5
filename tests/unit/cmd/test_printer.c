/* Covers src/cmd/printer*.c: each format's text for every type, NULL, odd texts, and tables that must be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "cmd/printer.h"

/* A StorageWriter that keeps what it is given. */
typedef struct MemoryWriter {
    StorageWriter writer;
    Buffer bytes;
} MemoryWriter;

static Status memory_write(StorageWriter *writer, uint64_t offset, const void *bytes, size_t size, Error *err)
{
    (void)err;
    Buffer *kept = &((MemoryWriter *)writer)->bytes;
    assert_int_equal(offset, kept->size);
    buffer_append(kept, bytes, size);
    return STATUS_OK;
}

static const StorageWriterOps MEMORY_OPS = {.write = memory_write};

typedef struct Fixture {
    Arena arena;
    MemoryWriter memory;
    Field fields[8];
    Schema schema;
    Vector columns[8];
    uint32_t n_rows;
    Error err;
} Fixture;

static void begin(Fixture *fixture, uint32_t n_rows)
{
    memset(fixture, 0, sizeof *fixture);
    arena_init(&fixture->arena);
    fixture->memory.writer = (StorageWriter){.ops = &MEMORY_OPS, .path = "memory"};
    buffer_init(&fixture->memory.bytes, 0);
    fixture->schema.fields = fixture->fields;
    fixture->n_rows = n_rows;
    error_init(&fixture->err);
}

static void end(Fixture *fixture)
{
    arena_done(&fixture->arena);
    buffer_done(&fixture->memory.bytes);
}

static void add_column(Fixture *fixture, const char *name, DataType type, const void *data, const uint8_t *valid)
{
    uint32_t i = fixture->schema.n++;
    fixture->fields[i] = (Field){name, type, true};
    fixture->columns[i] = vector_new(&fixture->arena, type, fixture->n_rows, valid != NULL);
    memcpy(fixture->columns[i].data, data, type_width(type) * fixture->n_rows);
    if (valid)
        memcpy(fixture->columns[i].valid, valid, fixture->n_rows);
}

static const char *write_out(Fixture *fixture, PrinterOptions options)
{
    options.file = &fixture->memory.writer;
    Printer *printer;
    assert_int_equal(printer_new(&fixture->schema, &options, &printer, &fixture->err), STATUS_OK);
    Batch batch = {fixture->n_rows, fixture->schema.n, fixture->columns};
    assert_int_equal(printer_batch(printer, &fixture->schema, &batch, &fixture->err), STATUS_OK);
    assert_int_equal(printer_finish(printer, &fixture->err), STATUS_OK);
    printer_free(printer);
    return buffer_text(&fixture->memory.bytes);
}

static const uint8_t SECOND_IS_NULL[] = {1, 0, 1};

static void add_all_types(Fixture *fixture)
{
    add_column(fixture, "i", DATA_TYPE(BIGINT), (int64_t[]){9007199254740993, 0, -1}, SECOND_IS_NULL);
    add_column(fixture, "d", DATA_TYPE(DOUBLE), (double[]){0.1, 0, NAN}, SECOND_IS_NULL);
    add_column(fixture, "c", DECIMAL_TYPE(18, 4), (int64_t[]){123456789012345678, 0, -5}, SECOND_IS_NULL);
    add_column(fixture, "b", DATA_TYPE(BOOLEAN), (uint8_t[]){1, 0, 0}, SECOND_IS_NULL);
    add_column(fixture, "day", DATA_TYPE(DATE), (int32_t[]){20269, 0, -1}, SECOND_IS_NULL);
    add_column(fixture, "at", DATA_TYPE(TIMESTAMP), (int64_t[]){1000000, 0, -1}, SECOND_IS_NULL);
    add_column(fixture, "s", DATA_TYPE(STRING), (StrView[]){str_view("a,\"b\"\nc"), {NULL, 0}, {"", 0}},
               SECOND_IS_NULL);
    add_column(fixture, "x", DATA_TYPE(BINARY), (StrView[]){{"\x00\xff", 2}, {NULL, 0}, {"", 0}}, SECOND_IS_NULL);
}

static void test_csv(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 3);
    add_all_types(&fixture);
    assert_string_equal(
        write_out(&fixture, (PrinterOptions){.format = PRINTER_CSV}),
        "i,d,c,b,day,at,s,x\n"
        "9007199254740993,0.1,12345678901234.5678,true,2025-06-30,1970-01-01T00:00:01Z,\"a,\"\"b\"\"\nc\",00ff\n"
        ",,,,,,,\n"
        "-1,NaN,-0.0005,false,1969-12-31,1969-12-31T23:59:59.999999Z,\"\",\"\"\n");
    end(&fixture);
}

static void test_ndjson(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 3);
    add_all_types(&fixture);
    assert_string_equal(write_out(&fixture, (PrinterOptions){.format = PRINTER_NDJSON}),
                        "{\"i\":9007199254740993,\"d\":0.1,\"c\":12345678901234.5678,\"b\":true,\"day\":\"2025-06-30\","
                        "\"at\":\"1970-01-01T00:00:01Z\",\"s\":\"a,\\\"b\\\"\\nc\",\"x\":\"00ff\"}\n"
                        "{\"i\":null,\"d\":null,\"c\":null,\"b\":null,\"day\":null,\"at\":null,\"s\":null,\"x\":null}\n"
                        "{\"i\":-1,\"d\":\"NaN\",\"c\":-0.0005,\"b\":false,\"day\":\"1969-12-31\",\"at\":\"1969-12-"
                        "31T23:59:59.999999Z\","
                        "\"s\":\"\",\"x\":\"\"}\n");
    end(&fixture);
}

static void test_json_is_read_back(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 3; n++) {
        Fixture fixture;
        begin(&fixture, n);
        add_all_types(&fixture);
        json_error_t error;
        json_t *json = json_loads(write_out(&fixture, (PrinterOptions){.format = PRINTER_JSON}), 0, &error);
        if (!json)
            fail_msg("line %d: %s", error.line, error.text);
        assert_int_equal(json_array_size(json), n);
        json_decref(json);
        end(&fixture);
    }
}

static void test_doubles_are_json_numbers(void **state)
{
    (void)state;
    static const double values[] = {1e300, -1e-300, 5e-324, 123456.0, 1e21, 0.0, -0.0, 1.7976931348623157e308};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        Fixture fixture;
        begin(&fixture, 1);
        add_column(&fixture, "d", DATA_TYPE(DOUBLE), &values[i], NULL);
        json_error_t error;
        json_t *json = json_loads(write_out(&fixture, (PrinterOptions){.format = PRINTER_NDJSON}), 0, &error);
        if (!json)
            fail_msg("%g: %s", values[i], error.text);
        assert_true(json_number_value(json_object_get(json, "d")) == values[i]);
        json_decref(json);
        end(&fixture);
    }
}

static void test_json_refuses_one_name_twice(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 1);
    add_column(&fixture, "n", DATA_TYPE(INT), (int32_t[]){1}, NULL);
    add_column(&fixture, "n", DATA_TYPE(INT), (int32_t[]){2}, NULL);
    Printer *printer = NULL;
    PrinterOptions options = {.format = PRINTER_JSON};
    assert_int_equal(printer_new(&fixture.schema, &options, &printer, &fixture.err), STATUS_SQL);
    assert_null(printer);
    end(&fixture);
}

static void test_table(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 3);
    add_column(&fixture, "name", DATA_TYPE(STRING), (StrView[]){str_view("NULL"), str_view("x"), str_view("a\x1b[2Jb")},
               (uint8_t[]){1, 0, 1});
    add_column(&fixture, "n", DATA_TYPE(BIGINT), (int64_t[]){1, 1234, -5}, SECOND_IS_NULL);
    assert_string_equal(write_out(&fixture, (PrinterOptions){.format = PRINTER_TABLE}), "name          n\n"
                                                                                        "---------  ----\n"
                                                                                        "'NULL'        1\n"
                                                                                        "NULL       NULL\n"
                                                                                        "a\\x1b[2Jb    -5\n");
    end(&fixture);
}

static void test_table_limit(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 3);
    add_column(&fixture, "n", DATA_TYPE(INT), (int32_t[]){1, 2, 3}, NULL);
    assert_string_equal(write_out(&fixture, (PrinterOptions){.format = PRINTER_TABLE, .limit_rows = 2}),
                        "n\n-\n1\n2\n");
    end(&fixture);
}

static void test_table_fits_the_terminal(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 1);
    add_column(&fixture, "text", DATA_TYPE(STRING), (StrView[]){str_view("abcdefghijklmnopqrstuvwxyz\xc3\xa4\xc3\xb6")},
               NULL);
    add_column(&fixture, "number", DATA_TYPE(BIGINT), (int64_t[]){1234567890}, NULL);
    add_column(&fixture, "more", DATA_TYPE(BIGINT), (int64_t[]){1234567890}, NULL);
    assert_string_equal(write_out(&fixture, (PrinterOptions){.format = PRINTER_TABLE, .width = 30}),
                        "text              number\n"
                        "------------  ----------\n"
                        "abcdefghijk\xe2\x80\xa6  1234567890\n"
                        "1 more column: more (use a wider terminal, or --format csv)\n");
    end(&fixture);
}

static void test_table_widths_of_characters(void **state)
{
    (void)state;
    Fixture fixture;
    begin(&fixture, 3);
    add_column(&fixture, "a", DATA_TYPE(STRING),
               (StrView[]){str_view("\xe6\x9d\xb1\xe4\xba\xac"), str_view("e\xcc\x81"), {"\xff", 1}}, NULL);
    add_column(&fixture, "b", DATA_TYPE(STRING), (StrView[]){str_view("1"), str_view("2"), str_view("3")}, NULL);
    assert_string_equal(write_out(&fixture, (PrinterOptions){.format = PRINTER_TABLE}), "a     b\n"
                                                                                        "----  -\n"
                                                                                        "\xe6\x9d\xb1\xe4\xba\xac  1\n"
                                                                                        "e\xcc\x81     2\n"
                                                                                        "\xef\xbf\xbd     3\n");
    end(&fixture);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_ndjson),
        cmocka_unit_test(test_json_is_read_back),
        cmocka_unit_test(test_doubles_are_json_numbers),
        cmocka_unit_test(test_json_refuses_one_name_twice),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_limit),
        cmocka_unit_test(test_table_fits_the_terminal),
        cmocka_unit_test(test_table_widths_of_characters),
    };
    return cmocka_run_group_tests_name("printer", tests, NULL, NULL);
}
