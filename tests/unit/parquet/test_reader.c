/* src/parquet/reader*.c and page.c over files made by hand, so that each thing that can be wrong with one is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <libdeflate.h>

#include "parquet/format.h"
#include "parquet/reader.h"
#include "parquet/thrift.h"

/* One optional column "lane", one row group, an optional dictionary page and one data page v1, not compressed. */
typedef struct SampleFile {
    FormatType type;
    FormatConvertedType converted;
    const char *dictionary; /* PLAIN bytes; NULL: none */
    uint32_t dictionary_bytes;
    int32_t n_entries;
    const char *page; /* levels and values */
    uint32_t page_bytes;
    int32_t n_values;
    int32_t page_values; /* in the page's header; 0: n_values */
    FormatEncoding encoding;
    bool has_null_count;
    int64_t null_count;
    bool bad_crc;
    int32_t page_bytes_claimed;  /* 0: page_bytes */
    int64_t chunk_bytes_claimed; /* 0: the truth */
    const char *min;
    const char *max;
    bool old_bounds;  /* min and max go into the deprecated fields */
    bool no_order;    /* no column order in the footer */
    bool wrong_stats; /* encoding statistics say that all pages are dictionary-encoded */
} SampleFile;

static uint32_t page_crc(const void *bytes, size_t size, bool bad)
{
    return libdeflate_crc32(0, bytes, size) ^ (bad ? 1 : 0);
}

static void append_page(Buffer *file, const SampleFile *sample, FormatPageType type)
{
    bool dictionary = type == FORMAT_DICTIONARY_PAGE;
    const char *bytes = dictionary ? sample->dictionary : sample->page;
    uint32_t size = dictionary ? sample->dictionary_bytes : sample->page_bytes;
    int32_t claimed = !dictionary && sample->page_bytes_claimed ? sample->page_bytes_claimed : (int32_t)size;
    ThriftWriter writer;
    thrift_writer_init(&writer, file);
    thrift_write_struct_begin(&writer);
    thrift_write_i32(&writer, 1, type);
    thrift_write_i32(&writer, 2, claimed);
    thrift_write_i32(&writer, 3, claimed);
    thrift_write_i32(&writer, 4, (int32_t)page_crc(bytes, size, !dictionary && sample->bad_crc));
    thrift_write_struct(&writer, dictionary ? 7 : 5);
    thrift_write_i32(&writer, 1,
                     dictionary ? sample->n_entries : (sample->page_values ? sample->page_values : sample->n_values));
    thrift_write_i32(&writer, 2, dictionary ? FORMAT_PLAIN : (int32_t)sample->encoding);
    if (!dictionary) {
        thrift_write_i32(&writer, 3, FORMAT_RLE);
        thrift_write_i32(&writer, 4, FORMAT_RLE);
    }
    thrift_write_struct_end(&writer);
    thrift_write_struct_end(&writer);
    buffer_append(file, bytes, size);
}

static void write_statistics(ThriftWriter *writer, const SampleFile *sample)
{
    size_t size = sample->type == FORMAT_DOUBLE || sample->type == FORMAT_INT64 ? 8 : 4;
    thrift_write_struct(writer, 12);
    StrView min = {sample->min, (uint32_t)size}, max = {sample->max, (uint32_t)size};
    if (sample->min && sample->old_bounds) {
        thrift_write_binary(writer, 1, max);
        thrift_write_binary(writer, 2, min);
    }
    if (sample->has_null_count)
        thrift_write_i64(writer, 3, sample->null_count);
    if (sample->min && !sample->old_bounds) {
        thrift_write_binary(writer, 5, max);
        thrift_write_binary(writer, 6, min);
    }
    thrift_write_struct_end(writer);
}

static void write_column(ThriftWriter *writer, const SampleFile *sample, int64_t dictionary_offset, int64_t data_offset,
                         int64_t size)
{
    thrift_write_struct_begin(writer);
    thrift_write_struct(writer, 3);
    thrift_write_i32(writer, 1, sample->type);
    thrift_write_list(writer, 2, THRIFT_I32, 0);
    thrift_write_list(writer, 3, THRIFT_BINARY, 1);
    thrift_write_binary_element(writer, str_view("lane"));
    thrift_write_i32(writer, 4, FORMAT_CODEC_UNCOMPRESSED);
    thrift_write_i64(writer, 5, sample->n_values);
    thrift_write_i64(writer, 6, size);
    thrift_write_i64(writer, 7, sample->chunk_bytes_claimed ? sample->chunk_bytes_claimed : size);
    thrift_write_i64(writer, 9, data_offset);
    if (dictionary_offset)
        thrift_write_i64(writer, 11, dictionary_offset);
    write_statistics(writer, sample);
    if (sample->wrong_stats) {
        thrift_write_list(writer, 13, THRIFT_STRUCT, 1);
        thrift_write_struct_begin(writer);
        thrift_write_i32(writer, 1, FORMAT_DATA_PAGE);
        thrift_write_i32(writer, 2, FORMAT_RLE_DICTIONARY);
        thrift_write_i32(writer, 3, 1);
        thrift_write_struct_end(writer);
    }
    thrift_write_struct_end(writer);
    thrift_write_struct_end(writer);
}

static void write_schema(ThriftWriter *writer, const SampleFile *sample)
{
    thrift_write_list(writer, 2, THRIFT_STRUCT, 2);
    thrift_write_struct_begin(writer);
    thrift_write_text(writer, 4, "schema");
    thrift_write_i32(writer, 5, 1);
    thrift_write_struct_end(writer);
    thrift_write_struct_begin(writer);
    thrift_write_i32(writer, 1, sample->type);
    thrift_write_i32(writer, 3, FORMAT_OPTIONAL);
    thrift_write_text(writer, 4, "lane");
    if (sample->converted != FORMAT_CONVERTED_NONE)
        thrift_write_i32(writer, 6, sample->converted);
    thrift_write_struct_end(writer);
}

static void make_file(const SampleFile *sample, Buffer *file)
{
    ThriftWriter writer;
    buffer_init(file, 0);
    buffer_append_text(file, PARQUET_MAGIC);
    int64_t dictionary_offset = sample->dictionary ? (int64_t)file->size : 0;
    if (sample->dictionary)
        append_page(file, sample, FORMAT_DICTIONARY_PAGE);
    int64_t data_offset = (int64_t)file->size;
    append_page(file, sample, FORMAT_DATA_PAGE);
    size_t footer = file->size;
    thrift_writer_init(&writer, file);
    thrift_write_struct_begin(&writer);
    thrift_write_i32(&writer, 1, 2);
    write_schema(&writer, sample);
    thrift_write_i64(&writer, 3, sample->n_values);
    thrift_write_list(&writer, 4, THRIFT_STRUCT, 1);
    thrift_write_struct_begin(&writer);
    thrift_write_list(&writer, 1, THRIFT_STRUCT, 1);
    write_column(&writer, sample, dictionary_offset, data_offset, (int64_t)footer - 4);
    thrift_write_i64(&writer, 2, (int64_t)footer);
    thrift_write_i64(&writer, 3, sample->n_values);
    thrift_write_struct_end(&writer);
    if (!sample->no_order) {
        thrift_write_list(&writer, 7, THRIFT_STRUCT, 1);
        thrift_write_struct_begin(&writer);
        thrift_write_empty_struct(&writer, 1);
        thrift_write_struct_end(&writer);
    }
    thrift_write_struct_end(&writer);
    uint32_t footer_bytes = (uint32_t)(file->size - footer);
    buffer_append(file, &footer_bytes, sizeof footer_bytes);
    buffer_append_text(file, PARQUET_MAGIC);
}

typedef struct MemoryReader {
    StorageReader base;
    const uint8_t *data;
} MemoryReader;

static Status memory_read(StorageReader *reader, uint64_t offset, void *bytes, size_t size, Error *err)
{
    if (offset > reader->size_bytes || size > reader->size_bytes - offset)
        return error_set(err, STATUS_CORRUPT, "the file is too short");
    memcpy(bytes, ((MemoryReader *)reader)->data + offset, size);
    return STATUS_OK;
}

static void memory_close(StorageReader *reader)
{
    mem_free(reader);
}

static const StorageReaderOps memory_ops = {.read = memory_read, .close = memory_close};

static Status open_bytes(const uint8_t *data, size_t size, MemoryBudget *budget, ParquetFile **ret_file, Error *err)
{
    MemoryReader *reader = mem_alloc(sizeof *reader);
    *reader = (MemoryReader){.base = {.ops = &memory_ops, .path = "sample", .size_bytes = size}, .data = data};
    return parquet_open(&reader->base, budget, ret_file, err);
}

/* Opens, reads all rows in steps of two into `ret_values`, closes. */
static Status read_sample(const SampleFile *sample, Value *ret_values, uint8_t *ret_code_width, Error *err)
{
    Buffer bytes;
    MemoryBudget budget;
    ParquetFile *file;
    ParquetRowGroup *handle = NULL;
    uint32_t column = 0;
    error_init(err);
    budget_init(&budget, (size_t)1 << 20);
    make_file(sample, &bytes);
    assert_int_equal(open_bytes(bytes.data, bytes.size, &budget, &file, err), STATUS_OK);
    Status status = parquet_row_group_open(file, 0, &column, 1, &handle, err);
    for (uint32_t row = 0; status == STATUS_OK && row < (uint32_t)sample->n_values; row += 2) {
        Vector vector;
        uint32_t n = (uint32_t)sample->n_values - row < 2 ? 1 : 2;
        status = parquet_column_read(handle, 0, n, &vector, err);
        for (uint32_t i = 0; status == STATUS_OK && i < n; i++)
            ret_values[row + i] = vector_value(&vector, i);
        if (status == STATUS_OK)
            *ret_code_width = vector.kind == VECTOR_DICT ? vector.code_width : 0;
    }
    parquet_row_group_close(handle);
    parquet_close(file);
    assert_int_equal(budget.used, 0);
    buffer_done(&bytes);
    return status;
}

/* Entries 10, 20, 30; rows 20, NULL, 10, 30, 30: levels 1 0 1 1 1 bit-packed, codes 1 0 2 2 of two bits. */
static const char three_entries[] = "\x0a\0\0\0\x14\0\0\0\x1e\0\0\0";
static const char coded_page[] = "\x02\0\0\0\x03\x1d\x02\x03\xa1\x00";

static SampleFile coded_sample(void)
{
    return (SampleFile){.type = FORMAT_INT32,
                        .converted = FORMAT_CONVERTED_NONE,
                        .dictionary = three_entries,
                        .dictionary_bytes = 12,
                        .n_entries = 3,
                        .page = coded_page,
                        .page_bytes = 10,
                        .n_values = 5,
                        .encoding = FORMAT_RLE_DICTIONARY};
}

static void test_codes_with_nulls(void **state)
{
    (void)state;
    static const int32_t expected[] = {20, 0, 10, 30, 30};
    SampleFile sample = coded_sample();
    Value values[5];
    uint8_t code_width = 0;
    Error err;
    assert_int_equal(read_sample(&sample, values, &code_width, &err), STATUS_OK);
    assert_int_equal(code_width, 1);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(values[i].valid, i != 1);
        if (i != 1)
            assert_int_equal(values[i].int32, expected[i]);
    }
}

static void test_dictionary_alone_and_with_data(void **state)
{
    (void)state;
    SampleFile sample = coded_sample();
    Buffer bytes;
    MemoryBudget budget;
    ParquetFile *file;
    ParquetRowGroup *handle = NULL;
    const Vector *with = NULL, *alone = NULL;
    uint32_t column = 0;
    Error err;
    Arena arena;
    Vector vector;
    error_init(&err);
    arena_init(&arena);
    budget_init(&budget, 0);
    make_file(&sample, &bytes);
    assert_int_equal(open_bytes(bytes.data, bytes.size, &budget, &file, &err), STATUS_OK);
    assert_int_equal(parquet_row_group_open(file, 0, &column, 1, &handle, &err), STATUS_OK);
    assert_int_equal(parquet_column_dictionary(handle, 0, &with, &err), STATUS_OK);
    assert_int_equal(parquet_read_dictionary(file, 0, 0, &arena, &alone, &err), STATUS_OK);
    assert_int_equal(with->n, 4);
    assert_int_equal(with->valid[2], 1);
    assert_int_equal(with->valid[3], 0);
    assert_memory_equal(alone->valid, with->valid, 4);
    assert_memory_equal(alone->data, with->data, 12);
    assert_int_equal(parquet_column_skip(handle, 0, 3, &err), STATUS_OK);
    assert_int_equal(parquet_column_read(handle, 0, 2, &vector, &err), STATUS_OK);
    assert_ptr_equal(vector.dict, with);
    assert_int_equal(vector_code(&vector, 0), 2);
    parquet_row_group_close(handle);
    parquet_close(file);
    arena_done(&arena);
    buffer_done(&bytes);
}

static void expect_failure(const SampleFile *sample, Status code, const char *words)
{
    Value values[5];
    uint8_t code_width;
    Error err;
    assert_int_equal(read_sample(sample, values, &code_width, &err), code);
    if (!strstr(err.message, words) || strncmp(err.message, "row group 0: ", 13) != 0)
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    assert_string_equal(err.file, "sample");
    assert_string_equal(err.column, "lane");
}

static void test_broken_pages(void **state)
{
    (void)state;
    SampleFile sample = coded_sample();
    sample.n_entries = 2;
    sample.dictionary_bytes = 8;
    expect_failure(&sample, STATUS_CORRUPT, "page 1: a code lies beyond the dictionary's 2 entries");
    sample = coded_sample();
    sample.bad_crc = true;
    expect_failure(&sample, STATUS_CORRUPT, "page 1: its checksum is");
    sample = coded_sample();
    sample.n_entries = 1000;
    expect_failure(&sample, STATUS_CORRUPT, "page 0: the dictionary's 1000 entries do not fit");
    sample = coded_sample();
    sample.n_entries = -1;
    expect_failure(&sample, STATUS_CORRUPT, "its number of values is negative");
    sample = coded_sample();
    sample.page_values = 6;
    expect_failure(&sample, STATUS_CORRUPT, "it has 6 values, and the column has 5 left");
    sample = coded_sample();
    sample.page_values = 4;
    expect_failure(&sample, STATUS_CORRUPT, "1 values too few");
    sample = coded_sample();
    sample.page_bytes_claimed = 100000;
    expect_failure(&sample, STATUS_CORRUPT, "reaches beyond the end of its column chunk");
    sample.page_bytes_claimed = -5;
    expect_failure(&sample, STATUS_CORRUPT, "its size is negative");
    sample = coded_sample();
    sample.page_bytes = 8;
    expect_failure(&sample, STATUS_CORRUPT, "fewer codes");
    sample.page_bytes = 5;
    expect_failure(&sample, STATUS_CORRUPT, "definition levels reach beyond its end");
    sample = coded_sample();
    sample.dictionary = NULL;
    expect_failure(&sample, STATUS_CORRUPT, "page 0: a code lies beyond the dictionary's 0 entries");
    sample = coded_sample();
    sample.has_null_count = true;
    expect_failure(&sample, STATUS_CORRUPT, "statistics say that there are none");
    sample = coded_sample();
    sample.chunk_bytes_claimed = 1 << 30;
    expect_failure(&sample, STATUS_CORRUPT, "reach beyond the file's");
    sample = coded_sample();
    sample.encoding = FORMAT_PLAIN;
    sample.wrong_stats = true;
    expect_failure(&sample, STATUS_CORRUPT, "it is not dictionary-encoded");
    sample = coded_sample();
    sample.encoding = FORMAT_DELTA_BYTE_ARRAY;
    expect_failure(&sample, STATUS_UNSUPPORTED, "DELTA_BYTE_ARRAY");
    sample = coded_sample();
    sample.converted = FORMAT_CONVERTED_TIME_MILLIS;
    expect_failure(&sample, STATUS_UNSUPPORTED, "TIME");
}

static void test_every_cut_and_flip_is_survived(void **state)
{
    (void)state;
    SampleFile sample = coded_sample();
    Buffer bytes;
    MemoryBudget budget;
    make_file(&sample, &bytes);
    budget_init(&budget, (size_t)1 << 20);
    for (size_t at = 0; at < 2 * bytes.size; at++) {
        size_t size = at < bytes.size ? at : bytes.size;
        uint8_t *copy = mem_alloc(size);
        memcpy(copy, bytes.data, size);
        if (at >= bytes.size)
            copy[at - bytes.size] ^= 0xff;
        Error err;
        ParquetFile *file = NULL;
        ParquetRowGroup *handle = NULL;
        uint32_t column = 0;
        Vector vector;
        error_init(&err);
        Status status = open_bytes(copy, size, &budget, &file, &err);
        if (status == STATUS_OK && parquet_row_groups(file) && parquet_schema(file)->n) {
            status = parquet_row_group_open(file, 0, &column, 1, &handle, &err);
            if (status == STATUS_OK && parquet_row_group_rows(file, 0) >= 5)
                status = parquet_column_read(handle, 0, 5, &vector, &err);
        }
        if (at < bytes.size)
            assert_int_not_equal(status, STATUS_OK);
        parquet_row_group_close(handle);
        parquet_close(file);
        assert_int_equal(budget.used, 0);
        mem_free(copy);
    }
    buffer_done(&bytes);
}

static void test_budget_is_kept(void **state)
{
    (void)state;
    SampleFile sample = coded_sample();
    Buffer bytes;
    MemoryBudget budget;
    ParquetFile *file;
    Error err;
    error_init(&err);
    make_file(&sample, &bytes);
    budget_init(&budget, 100);
    assert_int_equal(open_bytes(bytes.data, bytes.size, &budget, &file, &err), STATUS_MEMORY);
    assert_int_equal(budget.used, 0);
    buffer_done(&bytes);
}

static ParquetStatistics statistics_of(const SampleFile *sample)
{
    Buffer bytes;
    MemoryBudget budget;
    ParquetFile *file;
    ParquetStatistics statistics;
    Error err;
    error_init(&err);
    budget_init(&budget, 0);
    make_file(sample, &bytes);
    assert_int_equal(open_bytes(bytes.data, bytes.size, &budget, &file, &err), STATUS_OK);
    parquet_column_statistics(file, 0, 0, &statistics);
    parquet_close(file);
    buffer_done(&bytes);
    return statistics;
}

static void test_statistics_are_trusted_only_when_sure(void **state)
{
    (void)state;
    SampleFile sample = coded_sample();
    assert_false(statistics_of(&sample).has_min_max);
    assert_false(statistics_of(&sample).has_null_count);
    sample.min = "\xff\xff\xff\xff";
    sample.max = "\x1e\0\0\0";
    sample.has_null_count = true;
    sample.null_count = 1;
    ParquetStatistics statistics = statistics_of(&sample);
    assert_true(statistics.has_min_max && statistics.has_null_count);
    assert_int_equal(statistics.min.int32, -1);
    assert_int_equal(statistics.max.int32, 30);
    assert_int_equal(statistics.null_count, 1);
    assert_int_equal(statistics.n_values, 5);
    sample.no_order = true;
    assert_false(statistics_of(&sample).has_min_max);
    sample.old_bounds = true;
    assert_true(statistics_of(&sample).has_min_max);
    sample.converted = FORMAT_CONVERTED_UINT_32;
    assert_false(statistics_of(&sample).has_min_max);
    sample = coded_sample();
    sample.type = FORMAT_DOUBLE;
    sample.min = "\0\0\0\0\0\0\0\0";
    sample.max = "\0\0\0\0\0\0\xf8\x7f"; /* NaN */
    assert_false(statistics_of(&sample).has_min_max);
    sample.max = sample.min;
    statistics = statistics_of(&sample);
    assert_true(statistics.has_min_max && __builtin_signbit(statistics.min.float64));
    sample = coded_sample();
    sample.min = "\x1e\0\0\0";
    sample.max = "\0\0\0\0";
    assert_false(statistics_of(&sample).has_min_max);
}

static void test_not_parquet(void **state)
{
    (void)state;
    MemoryBudget budget;
    ParquetFile *file;
    Error err;
    budget_init(&budget, 0);
    error_init(&err);
    assert_int_equal(open_bytes((const uint8_t *)"PAR1\xff\xff\xff\x7fPAR1", 12, &budget, &file, &err), STATUS_CORRUPT);
    error_init(&err);
    assert_int_equal(open_bytes((const uint8_t *)"a,b,c\n1,2,3\n4,5,6", 17, &budget, &file, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "not a Parquet file"));
    error_init(&err);
    assert_int_equal(open_bytes((const uint8_t *)"PARE\1\1\1\1\4\0\0\0PARE", 16, &budget, &file, &err),
                     STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.message, "encryption"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_with_nulls), cmocka_unit_test(test_dictionary_alone_and_with_data),
        cmocka_unit_test(test_broken_pages),     cmocka_unit_test(test_every_cut_and_flip_is_survived),
        cmocka_unit_test(test_budget_is_kept),   cmocka_unit_test(test_statistics_are_trusted_only_when_sure),
        cmocka_unit_test(test_not_parquet),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("parquet/reader", tests, NULL, NULL);
}
