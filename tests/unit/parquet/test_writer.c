/* Encoders against scalar references, and files of the writer read back by the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parquet/encoder.h"
#include "parquet/reader.h"
#include "parquet/writer.h"

static Error err;
static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int seed_random(void **state)
{
    (void)state;
    const char *text = getenv("FREIGHTLAKE_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)getpid() * 2654435761u + 1;
    random_state = seed ? seed : 1;
    printf("# seed %llu (FREIGHTLAKE_TEST_SEED repeats it)\n", (unsigned long long)random_state);
    return 0;
}

/* ---- encoders ---- */

static uint32_t load_code(const void *codes, uint32_t code_width, size_t i)
{
    uint32_t code = 0;
    memcpy(&code, (const uint8_t *)codes + i * code_width, code_width);
    return code;
}

/* The bits of a packed run, one by one. */
static uint32_t unpack_one(const uint8_t *packed, uint32_t bits, size_t i)
{
    uint32_t code = 0;
    for (uint32_t k = 0; k < bits; k++) {
        size_t bit = i * bits + k;
        code |= (uint32_t)(packed[bit / 8] >> (bit % 8) & 1) << k;
    }
    return code;
}

static uint64_t read_varint(const uint8_t *bytes, size_t *at)
{
    uint64_t value = 0;
    for (uint32_t shift = 0;; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

/* Decodes a hybrid by the letter of the format and compares; returns the number of RLE runs. */
static size_t check_hybrid(const Buffer *encoded, const void *codes, uint32_t code_width, size_t n, uint32_t bits)
{
    size_t at = 0, done = 0, repeats = 0;
    while (at < encoded->size) {
        assert_true(done < n);
        uint64_t head = read_varint(encoded->data, &at);
        if (head & 1) {
            size_t run = (size_t)(head >> 1) * 8;
            assert_true(at + run / 8 * bits <= encoded->size);
            for (size_t i = 0; i < run && done < n; i++, done++)
                assert_int_equal(unpack_one(encoded->data + at, bits, i), load_code(codes, code_width, done));
            at += run / 8 * bits;
        } else {
            uint32_t code = 0;
            memcpy(&code, encoded->data + at, (bits + 7) / 8);
            at += (bits + 7) / 8;
            for (uint64_t i = 0; i < head >> 1; i++, done++)
                assert_int_equal(code, load_code(codes, code_width, done));
            repeats++;
        }
    }
    assert_int_equal(done, n);
    return repeats;
}

/* n codes of `bits` bits in runs of random lengths up to `longest`. */
static void *make_codes(uint32_t code_width, uint32_t bits, size_t n, uint32_t longest)
{
    uint8_t *codes = mem_alloc(n * code_width);
    uint64_t mask = bits == 32 ? UINT32_MAX : (1u << bits) - 1;
    uint32_t code = 0, left = 0;
    for (size_t i = 0; i < n; i++) {
        if (left == 0) {
            left = 1 + (uint32_t)(next_random() % longest);
            code = (uint32_t)(next_random() >> 20 & mask);
        }
        left--;
        memcpy(codes + i * code_width, &code, code_width);
    }
    return codes;
}

static void packs_all_widths(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 7, 8, 9, 64, 1000};
    for (uint32_t code_width = 1; code_width <= 4; code_width *= 2) {
        for (uint32_t bits = 1; bits <= code_width * 8; bits++) {
            for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
                size_t n = counts[c], wanted = (n + 7) / 8 * bits;
                CLEANUP(mem_cleanup) void *codes = make_codes(code_width, bits, n, 1);
                CLEANUP(mem_cleanup) uint8_t *packed = mem_zalloc(wanted + ENCODER_PACK_SLACK);
                assert_int_equal(encoder_pack(codes, code_width, n, bits, packed), wanted);
                for (size_t i = 0; i < n; i++)
                    assert_int_equal(unpack_one(packed, bits, i), load_code(codes, code_width, i));
                for (size_t i = n; i < (n + 7) / 8 * 8; i++)
                    assert_int_equal(unpack_one(packed, bits, i), 0);
            }
        }
    }
}

static void encodes_hybrids_of_all_widths(void **state)
{
    (void)state;
    static const uint32_t longest[] = {1, 3, 12, 40, 5000};
    for (uint32_t code_width = 1; code_width <= 4; code_width *= 2) {
        for (uint32_t bits = 1; bits <= code_width * 8; bits++) {
            for (size_t k = 0; k < ARRAY_SIZE(longest); k++) {
                size_t n = 1 + next_random() % 4000;
                CLEANUP(mem_cleanup) void *codes = make_codes(code_width, bits, n, longest[k]);
                CLEANUP(buffer_done) Buffer encoded = {0};
                encoder_hybrid(codes, code_width, n, bits, &encoded);
                size_t repeats = check_hybrid(&encoded, codes, code_width, n, bits);
                if (longest[k] == 1 && bits > 8)
                    assert_int_equal(repeats, 0);
                if (longest[k] == 5000 && n > 200 && bits > 1)
                    assert_true(repeats > 0);
            }
        }
    }
}

static void bounds_are_those_of_a_plain_search(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        double doubles[40], least = INFINITY, most = -INFINITY, low, high;
        uint16_t codes[40];
        uint32_t least_code = UINT32_MAX, most_code = 0, low_code, high_code;
        for (size_t i = 0; i < n; i++) {
            doubles[i] = ((double)(next_random() >> 11) - 0x1p52) * 1e-9;
            least = doubles[i] < least ? doubles[i] : least;
            most = doubles[i] > most ? doubles[i] : most;
            codes[i] = (uint16_t)(next_random() >> 20);
            least_code = codes[i] < least_code ? codes[i] : least_code;
            most_code = codes[i] > most_code ? codes[i] : most_code;
        }
        assert_true(encoder_bounds_double(doubles, n, &low, &high));
        assert_true(low == least && high == most);
        encoder_bounds_codes(codes, 2, n, &low_code, &high_code);
        assert_true(low_code == least_code && high_code == most_code);
        doubles[next_random() % n] = NAN;
        assert_false(encoder_bounds_double(doubles, n, &low, &high));
    }
    double zeros[] = {0.0, -0.0, 0.0, 0.0, 0.0}, low, high;
    assert_true(encoder_bounds_double(zeros, 5, &low, &high));
    assert_true(signbit(low) && !signbit(high));
}

static void check_text_bound(TypeId type, const char *text, size_t size, bool is_max, const char *wanted, bool exact)
{
    CLEANUP(buffer_done) Buffer bound = {0};
    Value value = {.type = {.id = type}, .valid = true, .string = {text, (uint32_t)size}};
    bool is_exact;
    assert_true(encoder_bound(&value, is_max, &bound, &is_exact));
    assert_string_equal(buffer_text(&bound), wanted);
    assert_int_equal(is_exact, exact);
}

static void long_texts_have_short_bounds(void **state)
{
    (void)state;
    char text[300], wanted[300];
    memset(text, 'a', sizeof text);
    check_text_bound(TYPE_STRING, text, 64, true, memset(memset(wanted, 0, sizeof wanted), 'a', 64), true);
    check_text_bound(TYPE_STRING, text, 65, false, wanted, false);
    wanted[63] = 'b';
    check_text_bound(TYPE_STRING, text, 65, true, wanted, false);
    /* a character of two bytes across the cut stays out; 0x7f becomes two bytes */
    memcpy(text + 63, "\xc3\xa4", 2);
    wanted[63] = '\0';
    check_text_bound(TYPE_STRING, text, 65, false, wanted, false);
    wanted[62] = 'b';
    check_text_bound(TYPE_STRING, text, 65, true, wanted, false);
    text[62] = 0x7f;
    memcpy(wanted + 62, "\xc2\x80", 3);
    check_text_bound(TYPE_STRING, text, 65, true, wanted, false);
    /* the last code point cannot be raised: the one before is; surrogates are stepped over */
    memset(text, 'a', sizeof text);
    for (size_t i = 4; i < 68; i += 4)
        memcpy(text + i, "\xf4\x8f\xbf\xbf", 4);
    check_text_bound(TYPE_STRING, text, 68, true, "aaab", false);
    memcpy(text + 1, "\xed\x9f\xbf", 3);
    check_text_bound(TYPE_STRING, text, 68, true, "a\xee\x80\x80", false);
    /* bytes */
    memset(text, 0xff, sizeof text);
    text[0] = 'x';
    check_text_bound(TYPE_BINARY, text, 100, true, "y", false);
    text[0] = (char)0xff;
    text[100] = '\0';
    check_text_bound(TYPE_BINARY, text, 100, true, text, true);
    check_text_bound(TYPE_STRING, text, 100, true, text, true);
}

static void dictionaries_give_codes_in_order_of_appearance(void **state)
{
    (void)state;
    DictionaryBuilder *dictionary = dictionary_new(DATA_TYPE(STRING));
    StrView texts[] = {str_view("b"), str_view("a"), str_view("b"), str_view(""), {NULL, 0}, str_view("a")};
    uint32_t codes[6];
    assert_int_equal(dictionary_encode(dictionary, texts, 6, codes), 6);
    assert_memory_equal(codes, ((uint32_t[]){0, 1, 0, 2, 2, 1}), sizeof codes);
    assert_int_equal(dictionary_size(dictionary), 3);
    assert_int_equal(dictionary_bytes(dictionary), 3 * 4 + 2);
    dictionary_free(dictionary);

    dictionary = dictionary_new(DATA_TYPE(DOUBLE));
    double doubles[] = {0.0, -0.0, NAN, 0.0, NAN};
    assert_int_equal(dictionary_encode(dictionary, doubles, 5, codes), 5);
    assert_memory_equal(codes, ((uint32_t[]){0, 1, 2, 0, 2}), 5 * sizeof codes[0]);
    dictionary_reset(dictionary);
    size_t limit = ENCODER_DICTIONARY_BYTES / 8, done = 0;
    for (uint64_t i = 0; i < limit + 5; i++) {
        double value = (double)i;
        size_t n = dictionary_encode(dictionary, &value, 1, codes);
        assert_int_equal(n, i < limit ? 1 : 0);
        done += n;
        if (n)
            assert_int_equal(codes[0], i);
    }
    assert_int_equal(done, limit);
    dictionary_free(dictionary);
}

/* ---- files ---- */

static char path[256];

static int make_path(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/freightlake-writer-%d.parquet", parent ? parent : "/tmp", (int)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

typedef struct Columns {
    Vector *vectors; /* whole columns */
} Columns;

static Status page_of_columns(void *context, uint32_t column, uint64_t first, uint32_t n, Vector *ret_page, Error *e)
{
    (void)e;
    *ret_page = vector_slice(&((Columns *)context)->vectors[column], (uint32_t)first, n);
    return STATUS_OK;
}

static void write_chunks(const Schema *schema, Vector *vectors, const ParquetWriterOptions *options)
{
    StorageWriter *storage;
    ParquetWriter *writer;
    ParquetEncodedRowGroup *row_group = NULL;
    ParquetPageSource source = {.context = &(Columns){vectors}, .page = page_of_columns};
    assert_int_equal(storage_create(path, &storage, &err), STATUS_OK);
    assert_int_equal(parquet_writer_new(storage, schema, options, &writer, &err), STATUS_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(parquet_encode_row_group(writer, &source, vectors[0].n, &row_group, &err), STATUS_OK);
        assert_int_equal(parquet_append_row_group(writer, row_group, &err), STATUS_OK);
    }
    uint64_t bytes = 0;
    assert_int_equal(parquet_finish(writer, &bytes, &err), STATUS_OK);
    assert_int_equal(storage_commit(storage, &err), STATUS_OK);
    parquet_encoded_row_group_free(row_group);
    parquet_writer_free(writer);
    assert_true(bytes > 8);
}

static void write_rows(const Schema *schema, Vector *vectors, const ParquetWriterOptions *options, uint32_t step)
{
    StorageWriter *storage;
    ParquetWriter *writer;
    assert_int_equal(storage_create(path, &storage, &err), STATUS_OK);
    assert_int_equal(parquet_writer_new(storage, schema, options, &writer, &err), STATUS_OK);
    for (uint32_t first = 0; first < vectors[0].n; first += step) {
        Vector slices[8];
        Batch batch = {.n_rows = vectors[0].n - first, .n_columns = schema->n, .columns = slices};
        if (batch.n_rows > step)
            batch.n_rows = step;
        for (uint32_t i = 0; i < schema->n; i++)
            slices[i] = vector_slice(&vectors[i], first, batch.n_rows);
        assert_int_equal(parquet_write_batch(writer, &batch, &err), STATUS_OK);
    }
    assert_int_equal(parquet_finish(writer, NULL, &err), STATUS_OK);
    assert_int_equal(storage_commit(storage, &err), STATUS_OK);
    parquet_writer_free(writer);
}

static void expect_same(const Value *a, const Value *b)
{
    assert_int_equal(a->valid, b->valid);
    if (!a->valid)
        return;
    if (a->type.id == TYPE_STRING || a->type.id == TYPE_BINARY)
        assert_true(str_equal(a->string, b->string));
    else
        assert_memory_equal(a->raw, b->raw, type_width(a->type));
}

/* Every row group must hold the next rows of `vectors`, starting over at their end.  Returns whether all chunks of
 * column `watched` have dictionaries. */
static bool expect_file(const Schema *schema, const Vector *vectors, uint64_t n_rows, uint32_t watched)
{
    MemoryBudget budget;
    budget_init(&budget, 0);
    StorageReader *reader;
    ParquetFile *file;
    ParquetRowGroup *row_group = NULL;
    bool has_dictionary = true;
    assert_int_equal(storage_open(path, &reader, &err), STATUS_OK);
    assert_int_equal(parquet_open(reader, &budget, &file, &err), STATUS_OK);
    assert_int_equal(parquet_rows(file), n_rows);
    assert_int_equal(parquet_schema(file)->n, schema->n);
    uint64_t row = 0;
    for (uint32_t g = 0; g < parquet_row_groups(file); g++) {
        uint32_t n = (uint32_t)parquet_row_group_rows(file, g);
        for (uint32_t i = 0; i < schema->n; i++) {
            assert_true(type_equal(parquet_schema(file)->fields[i].type, schema->fields[i].type));
            assert_int_equal(parquet_schema(file)->fields[i].nullable, schema->fields[i].nullable);
            const Vector *dictionary;
            Vector read;
            assert_int_equal(parquet_row_group_open(file, g, &i, 1, &row_group, &err), STATUS_OK);
            assert_int_equal(parquet_column_dictionary(row_group, 0, &dictionary, &err), STATUS_OK);
            has_dictionary &= i != watched || dictionary != NULL;
            assert_int_equal(parquet_column_read(row_group, 0, n, &read, &err), STATUS_OK);
            for (uint32_t r = 0; r < n; r++) {
                Value got = vector_value(&read, r);
                Value wanted = vector_value(&vectors[i], (uint32_t)((row + r) % vectors[i].n));
                expect_same(&got, &wanted);
            }
        }
        row += n;
    }
    assert_int_equal(row, n_rows);
    parquet_row_group_close(row_group);
    parquet_close(file);
    return has_dictionary;
}

/* A DICT vector of n rows over n_entries ascending numbers; with_null adds the entry that stands for NULL. */
static Vector make_dictionary_column(Arena *arena, uint32_t n, uint32_t n_entries, bool with_null, uint32_t longest)
{
    Vector *dict = ARENA_NEW(arena, Vector);
    uint32_t n_all = n_entries + with_null;
    *dict = vector_new(arena, DATA_TYPE(DOUBLE), n_all, with_null);
    for (uint32_t i = 0; i < n_all; i++)
        ((double *)dict->data)[i] = ((double)i - (double)(n_entries / 2)) / 8;
    if (with_null)
        dict->valid[n_entries] = 0;
    uint8_t width = n_all <= 256 ? 1 : n_all <= 65536 ? 2 : 4;
    Vector vector = {.type = DATA_TYPE(DOUBLE), .kind = VECTOR_DICT, .code_width = width, .n = n, .dict = dict};
    vector.data = arena_alloc(arena, (size_t)n * width);
    uint32_t code = 0;
    for (uint32_t i = 0, left = 0; i < n; i++, left--) {
        if (left == 0) {
            left = 1 + (uint32_t)(next_random() % longest);
            code = (uint32_t)(next_random() >> 20) % n_all;
        }
        memcpy((uint8_t *)vector.data + (size_t)i * width, &code, width);
    }
    return vector;
}

static void sorted_dictionaries_are_taken_over(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 7, 256, 257, 5000, 70000};
    for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
        for (int variant = 0; variant < 4; variant++) {
            Arena arena;
            arena_init(&arena);
            bool nullable = variant & 1;
            uint32_t n = sizes[s] == 70000 ? 200000 : 30000;
            Vector vector = make_dictionary_column(&arena, n, sizes[s], nullable, variant & 2 ? 100 : 1);
            Field field = {"x", vector.type, nullable};
            Schema schema = {&field, 1};
            write_chunks(&schema, &vector, &(ParquetWriterOptions){.codec = PARQUET_SNAPPY, .page_rows = 4000});
            assert_true(expect_file(&schema, &vector, 2 * (uint64_t)n, 0));
            arena_done(&arena);
        }
    }
}

/* Columns of n rows: ids that all differ, doubles with NULLs, a constant, decimals, a boolean. */
static uint32_t make_columns(Arena *arena, uint32_t n, Vector *vectors, Field *fields)
{
    fields[0] = (Field){"id", DATA_TYPE(STRING), false};
    fields[1] = (Field){"weight", DATA_TYPE(DOUBLE), true};
    fields[2] = (Field){"currency", DATA_TYPE(STRING), true};
    fields[3] = (Field){"wide", DECIMAL_TYPE(38, 4), true};
    fields[4] = (Field){"late", DATA_TYPE(BOOLEAN), true};
    fields[5] = (Field){"nothing", DATA_TYPE(DATE), true};
    for (uint32_t i = 0; i < 6; i++)
        vectors[i] = vector_new(arena, fields[i].type, n, fields[i].nullable);
    for (uint32_t r = 0; r < n; r++) {
        char *text = arena_printf(arena, "SH%u", r);
        ((StrView *)vectors[0].data)[r] = str_view(text);
        ((double *)vectors[1].data)[r] = (double)(next_random() % 491) / 10;
        vectors[1].valid[r] = next_random() % 5 != 0;
        ((Int128 *)vectors[3].data)[r] = (Int128)(int64_t)next_random() * (int64_t)(next_random() >> 3);
        vectors[3].valid[r] = next_random() % 3 != 0;
        ((uint8_t *)vectors[4].data)[r] = next_random() % 3 == 0;
        ((int32_t *)vectors[5].data)[r] = 0;
        vectors[5].valid[r] = 0;
    }
    Value currency = {.type = DATA_TYPE(STRING), .valid = true, .string = str_view("USD")};
    vectors[2] = vector_const(arena, &currency, n);
    return 6;
}

static void rows_come_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 8, 4096, 30001};
    static const ParquetCodec codecs[] = {PARQUET_UNCOMPRESSED, PARQUET_SNAPPY, PARQUET_ZSTD};
    for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
        for (size_t k = 0; k < ARRAY_SIZE(codecs); k++) {
            Arena arena;
            arena_init(&arena);
            Vector vectors[8];
            Field fields[8];
            Schema schema = {fields, make_columns(&arena, counts[c], vectors, fields)};
            ParquetWriterOptions options = {.codec = codecs[k], .row_group_rows = 9000, .page_rows = 1000};
            write_rows(&schema, vectors, &options, 1 + (uint32_t)(next_random() % 5000));
            bool dictionary = expect_file(&schema, vectors, counts[c], 1);
            if (counts[c] != 8) /* eight rows may repeat a value or not */
                assert_int_equal(dictionary, counts[c] > 1000);
            write_chunks(&schema, vectors, &options);
            expect_file(&schema, vectors, 2 * (uint64_t)counts[c], 1);
            arena_done(&arena);
        }
    }
}

static void no_rows_make_a_file(void **state)
{
    (void)state;
    Field field = {"x", DATA_TYPE(STRING), true};
    Schema schema = {&field, 1};
    Vector vector = {.type = field.type, .kind = VECTOR_FLAT};
    write_rows(&schema, &vector, NULL, 1);
    expect_file(&schema, &vector, 0, 0);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    StorageWriter *storage;
    ParquetWriter *writer;
    Field fields[] = {{"x", DATA_TYPE(INT), false}, {"x", DATA_TYPE(INT), false}};
    Schema schema = {fields, 2};
    assert_int_equal(storage_create(path, &storage, &err), STATUS_OK);
    assert_int_equal(parquet_writer_new(storage, &schema, NULL, &writer, &err), STATUS_DATA);
    schema.n = 0;
    assert_int_equal(parquet_writer_new(storage, &schema, NULL, &writer, &err), STATUS_DATA);
    schema.n = 1;
    assert_int_equal(parquet_writer_new(storage, &schema, NULL, &writer, &err), STATUS_OK);
    int32_t values[] = {1, 2};
    uint8_t valid[] = {1, 0};
    Vector vector = {.type = DATA_TYPE(INT), .kind = VECTOR_FLAT, .n = 2, .data = values, .valid = valid};
    Batch batch = {.n_rows = 2, .n_columns = 1, .columns = &vector};
    assert_int_equal(parquet_write_batch(writer, &batch, &err), STATUS_DATA);
    assert_string_equal(err.column, "x");
    vector.type = DATA_TYPE(BIGINT);
    assert_int_equal(parquet_write_batch(writer, &batch, &err), STATUS_INTERNAL);
    parquet_writer_free(writer);
    storage_discard(storage);
}

int main(void)
{
#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, make_path, remove_path)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_all_widths),
        cmocka_unit_test(encodes_hybrids_of_all_widths),
        cmocka_unit_test(bounds_are_those_of_a_plain_search),
        cmocka_unit_test(long_texts_have_short_bounds),
        cmocka_unit_test(dictionaries_give_codes_in_order_of_appearance),
        FILE_TEST(sorted_dictionaries_are_taken_over),
        FILE_TEST(rows_come_back),
        FILE_TEST(no_rows_make_a_file),
        FILE_TEST(refuses_what_does_not_fit),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("parquet/writer", tests, seed_random, NULL);
}
