/* src/parquet/thrift.c: what is written is read again, and broken bytes fail without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parquet/thrift.h"

/* A struct with every kind of field, ids near and far. */
static void write_sample(Buffer *buffer)
{
    ThriftWriter writer;
    thrift_writer_init(&writer, buffer);
    thrift_write_struct_begin(&writer);
    thrift_write_bool(&writer, 1, true);
    thrift_write_bool(&writer, 2, false);
    thrift_write_byte(&writer, 3, -7);
    thrift_write_i16(&writer, 4, INT16_MIN);
    thrift_write_i32(&writer, 5, INT32_MIN);
    thrift_write_i64(&writer, 25, INT64_MAX);
    thrift_write_text(&writer, 26, "lane");
    thrift_write_list(&writer, 27, THRIFT_I32, 20);
    for (int32_t i = 0; i < 20; i++)
        thrift_write_i32_element(&writer, i * -1000);
    thrift_write_list(&writer, 28, THRIFT_STRUCT, 2);
    for (int32_t i = 0; i < 2; i++) {
        thrift_write_struct_begin(&writer);
        thrift_write_i32(&writer, 1, i);
        thrift_write_struct_end(&writer);
    }
    thrift_write_struct(&writer, 1000);
    thrift_write_list(&writer, 1, THRIFT_TRUE, 2);
    thrift_write_bool_element(&writer, true);
    thrift_write_bool_element(&writer, false);
    thrift_write_struct_end(&writer);
    thrift_write_empty_struct(&writer, 1001);
    thrift_write_struct_end(&writer);
}

static void read_structs(ThriftReader *reader, ThriftType type)
{
    uint32_t n = thrift_read_list(reader, type, THRIFT_STRUCT);
    assert_int_equal(n, 2);
    for (int32_t i = 0; i < 2; i++) {
        ThriftStruct fields;
        thrift_read_struct_begin(reader, &fields);
        assert_true(thrift_read_field(reader, &fields));
        assert_int_equal(thrift_read_i32(reader, fields.type), i);
        assert_false(thrift_read_field(reader, &fields));
        thrift_read_struct_end(reader);
    }
}

static void read_sample_field(ThriftReader *reader, const ThriftStruct *fields)
{
    switch (fields->id) {
    case 1:
        assert_true(thrift_read_bool(reader, fields->type));
        break;
    case 2:
        assert_false(thrift_read_bool(reader, fields->type));
        break;
    case 3:
        assert_int_equal(thrift_read_byte(reader, fields->type), -7);
        break;
    case 4:
        assert_int_equal(thrift_read_i16(reader, fields->type), INT16_MIN);
        break;
    case 5:
        assert_int_equal(thrift_read_i32(reader, fields->type), INT32_MIN);
        break;
    case 25:
        assert_true(thrift_read_i64(reader, fields->type) == INT64_MAX);
        break;
    case 26:
        assert_true(str_equal(thrift_read_binary(reader, fields->type), str_view("lane")));
        break;
    case 27:
        assert_int_equal(thrift_read_list(reader, fields->type, THRIFT_I32), 20);
        for (int32_t i = 0; i < 20; i++)
            assert_int_equal(thrift_read_i32(reader, THRIFT_I32), i * -1000);
        break;
    case 28:
        read_structs(reader, fields->type);
        break;
    default:
        thrift_skip(reader, fields->type);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_init(&buffer, 0);
    write_sample(&buffer);
    ThriftReader reader;
    ThriftStruct fields;
    int32_t n_fields = 0;
    thrift_reader_init(&reader, buffer.data, buffer.size);
    thrift_read_struct_begin(&reader, &fields);
    for (; thrift_read_field(&reader, &fields); n_fields++)
        read_sample_field(&reader, &fields);
    thrift_read_struct_end(&reader);
    assert_null(reader.failure);
    assert_int_equal(n_fields, 11);
    assert_int_equal(thrift_read_bytes(&reader), buffer.size);
    buffer_done(&buffer);
}

static void test_every_cut_fails(void **state)
{
    (void)state;
    Buffer buffer;
    Error err;
    buffer_init(&buffer, 0);
    write_sample(&buffer);
    for (size_t size = 0; size < buffer.size; size++) {
        uint8_t *cut = mem_alloc(size); /* of exactly this size, for the address sanitizer */
        memcpy(cut, buffer.data, size);
        ThriftReader reader;
        thrift_reader_init(&reader, cut, size);
        thrift_skip(&reader, THRIFT_STRUCT);
        error_init(&err);
        assert_int_equal(thrift_check(&reader, "a sample", 100, &err), STATUS_CORRUPT);
        assert_true(err.offset >= 100 && err.offset <= (int64_t)(100 + size));
        mem_free(cut);
    }
    buffer_done(&buffer);
}

static void test_wrong_type_fails(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x15, 0x02, 0x00}; /* field 1: i32 1 */
    ThriftReader reader;
    ThriftStruct fields;
    thrift_reader_init(&reader, bytes, sizeof bytes);
    thrift_read_struct_begin(&reader, &fields);
    assert_true(thrift_read_field(&reader, &fields));
    assert_int_equal(thrift_read_binary(&reader, fields.type).size, 0);
    assert_non_null(reader.failure);
    assert_false(thrift_read_field(&reader, &fields));
}

static void test_deep_nesting_fails(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    memset(bytes, 0x1c, sizeof bytes); /* field 1: struct, within itself */
    ThriftReader reader;
    thrift_reader_init(&reader, bytes, sizeof bytes);
    thrift_skip(&reader, THRIFT_STRUCT);
    assert_non_null(reader.failure);
    memset(bytes, 0x19, sizeof bytes); /* a list of one list, within itself */
    thrift_reader_init(&reader, bytes, sizeof bytes);
    thrift_skip(&reader, THRIFT_LIST);
    assert_non_null(reader.failure);
}

static void test_counts_beyond_the_bytes_fail(void **state)
{
    (void)state;
    const uint8_t list[] = {0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00};
    const uint8_t text[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 'x'};
    const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    ThriftReader reader;
    thrift_reader_init(&reader, list, sizeof list);
    assert_int_equal(thrift_read_list(&reader, THRIFT_LIST, THRIFT_I32), 0);
    assert_non_null(reader.failure);
    thrift_reader_init(&reader, text, sizeof text);
    assert_int_equal(thrift_read_binary(&reader, THRIFT_BINARY).size, 0);
    assert_non_null(reader.failure);
    thrift_reader_init(&reader, endless, sizeof endless);
    assert_int_equal(thrift_read_i64(&reader, THRIFT_I64), 0);
    assert_non_null(reader.failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_cut_fails),
        cmocka_unit_test(test_wrong_type_fails),
        cmocka_unit_test(test_deep_nesting_fails),
        cmocka_unit_test(test_counts_beyond_the_bytes_fail),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("parquet/thrift", tests, NULL, NULL);
}
