/* src/parquet/encoding_*.c: the fast unpackers against one-by-one reference code, runs, deltas, conversions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parquet/encoder.h"
#include "parquet/encoding_hybrid.h"
#include "parquet/encoding_spread.h"
#include "parquet/encoding_values.h"

#define MAX_VALUES 1000

static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

/* The bits of `values` one after the other, least significant first: the reference. */
static void pack_bits(const uint64_t *values, uint32_t n, uint32_t width, Buffer *out)
{
    uint8_t byte = 0;
    uint32_t filled = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t bit = 0; bit < width; bit++) {
            byte = (uint8_t)(byte | (values[i] >> bit & 1) << filled);
            if (++filled == 8) {
                buffer_append_byte(out, byte);
                byte = 0;
                filled = 0;
            }
        }
    if (filled)
        buffer_append_byte(out, byte);
}

static void append_slack(Buffer *out)
{
    static const uint8_t slack[UNPACK_SLACK];
    buffer_append(out, slack, sizeof slack);
    out->size -= sizeof slack;
}

static void check_width(uint32_t width, uint32_t n)
{
    uint64_t values[MAX_VALUES];
    Buffer packed;
    buffer_init(&packed, 0);
    for (uint32_t i = 0; i < n; i++)
        values[i] = (uint64_t)(next_random() ^ next_random() << 9) & ((1ull << width) - 1);
    pack_bits(values, n, width, &packed);
    append_slack(&packed);
    uint32_t *out32 = mem_alloc((n + UNPACK_SLACK) * sizeof *out32);
    uint16_t *out16 = mem_alloc((n + UNPACK_SLACK) * sizeof *out16);
    uint8_t *out8 = mem_alloc(n + UNPACK_SLACK);
    for (int baseline = 0; baseline < 2; baseline++) {
        (baseline ? unpack_u32_baseline : unpack_u32)(packed.data, width, n, out32);
        for (uint32_t i = 0; i < n; i++)
            assert_true(out32[i] == values[i]);
        if (width <= 16)
            (baseline ? unpack_u16_baseline : unpack_u16)(packed.data, width, n, out16);
        for (uint32_t i = 0; i < n && width <= 16; i++)
            assert_true(out16[i] == values[i]);
        if (width <= 8)
            (baseline ? unpack_u8_baseline : unpack_u8)(packed.data, width, n, out8);
        for (uint32_t i = 0; i < n && width <= 8; i++)
            assert_true(out8[i] == values[i]);
    }
    mem_free(out32);
    mem_free(out16);
    mem_free(out8);
    buffer_done(&packed);
}

static void test_unpack_all_widths(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 100, 999};
    for (uint32_t width = 0; width <= 32; width++)
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
            check_width(width, counts[i]);
}

static void test_codes_below(void **state)
{
    (void)state;
    uint8_t codes8[100] = {0};
    uint16_t codes16[100] = {0};
    uint32_t codes32[100] = {0};
    for (uint32_t at = 0; at < 100; at++) {
        codes8[at] = 200;
        codes16[at] = 40000;
        codes32[at] = UINT32_MAX;
        assert_true(codes_below(codes8, 1, 100, 201) && !codes_below(codes8, 1, 100, 200));
        assert_true(codes_below(codes16, 2, 100, 40001) && !codes_below(codes16, 2, 100, 40000));
        assert_false(codes_below(codes32, 4, 100, UINT32_MAX));
        codes8[at] = 0;
        codes16[at] = 0;
        codes32[at] = 0;
    }
    assert_true(codes_below(codes32, 4, 0, 0));
    assert_false(codes_below(codes32, 4, 1, 0));
}

/* Random runs of both kinds, read in random steps by each of the three functions. */
static uint32_t encode_runs(Buffer *out, uint32_t width, uint64_t *values)
{
    uint32_t n = 0;
    while (n < MAX_VALUES - 300) {
        uint32_t value = next_random() & (uint32_t)((1ull << width) - 1);
        if (next_random() % 2) {
            uint32_t times = next_random() % 200;
            if (times >= 64)
                buffer_append_byte(out, (uint8_t)((times << 1 & 0x7f) | 0x80));
            buffer_append_byte(out, (uint8_t)(times >= 64 ? times >> 6 : times << 1));
            buffer_append(out, &value, (width + 7) / 8);
            for (uint32_t i = 0; i < times; i++)
                values[n++] = value;
        } else {
            uint32_t groups = next_random() % 12;
            buffer_append_byte(out, (uint8_t)(groups << 1 | 1));
            for (uint32_t i = 0; i < groups * 8; i++)
                values[n + i] = next_random() & (uint32_t)((1ull << width) - 1);
            pack_bits(values + n, groups * 8, width, out);
            n += groups * 8;
        }
    }
    return n;
}

static void check_runs(uint32_t width)
{
    uint64_t values[MAX_VALUES];
    Buffer bytes;
    buffer_init(&bytes, 0);
    uint32_t n = encode_runs(&bytes, width, values);
    append_slack(&bytes);
    for (uint32_t code_width = 1; code_width <= 4; code_width *= 2) {
        if (width > 8 * code_width)
            continue;
        HybridDecoder decoder;
        hybrid_init(&decoder, bytes.data, bytes.size, width);
        uint8_t *out = mem_alloc((MAX_VALUES + UNPACK_SLACK) * code_width);
        for (uint32_t done = 0; done < n;) {
            uint32_t step = 1 + next_random() % 90;
            step = step < n - done ? step : n - done;
            void *place = out;
            bool good = code_width == 1   ? hybrid_read_u8(&decoder, step, place)
                        : code_width == 2 ? hybrid_read_u16(&decoder, step, place)
                                          : hybrid_read_u32(&decoder, step, place);
            assert_true(good);
            for (uint32_t i = 0; i < step; i++) {
                uint32_t found = 0;
                memcpy(&found, out + (size_t)i * code_width, code_width);
                assert_true(found == values[done + i]);
            }
            done += step;
            if (done < n && next_random() % 8 == 0) {
                assert_true(hybrid_skip(&decoder, 1));
                done++;
            }
        }
        assert_false(hybrid_skip(&decoder, 1));
        mem_free(out);
    }
    buffer_done(&bytes);
}

static void test_hybrid_runs(void **state)
{
    (void)state;
    for (uint32_t width = 1; width <= 32; width++)
        for (int i = 0; i < 5; i++)
            check_runs(width);
}

static void test_hybrid_refuses(void **state)
{
    (void)state;
    uint8_t bytes[3 + UNPACK_SLACK] = {0x08, 0x07, 0x00}; /* four times 7, of 2 bits */
    uint8_t out[8 + UNPACK_SLACK];
    HybridDecoder decoder;
    hybrid_init(&decoder, bytes, 2, 2);
    assert_false(hybrid_read_u8(&decoder, 1, out));
    hybrid_init(&decoder, bytes, 2, 3);
    assert_int_equal(hybrid_run_of(&decoder, 7), 4);
    assert_int_equal(hybrid_run_of(&decoder, 1), 0);
    assert_false(hybrid_read_u8(&decoder, 5, out));
    hybrid_init(&decoder, bytes, 0, 3);
    assert_false(hybrid_read_u8(&decoder, 1, out));
    assert_true(hybrid_read_u8(&decoder, 0, out));
}

static void test_spread(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 70; n++) {
        uint8_t levels[70], present[70 + 16] = {0}, out8[70];
        uint16_t present16[70 + 16] = {0}, out16[70];
        uint64_t present64[70 + 16] = {0}, out64[70];
        uint32_t taken = 0;
        for (uint32_t i = 0; i < 70; i++) {
            levels[i] = next_random() % 3 != 0;
            present[i] = (uint8_t)next_random();
            present16[i] = (uint16_t)next_random();
            present64[i] = next_random();
        }
        spread_values(levels, n, present, 1, 201, out8);
        spread_values(levels, n, present16, 2, 40001, out16);
        spread_values(levels, n, present64, 8, 0, out64);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(out8[i], levels[i] ? present[taken] : 201);
            assert_int_equal(out16[i], levels[i] ? present16[taken] : 40001);
            assert_true(out64[i] == (levels[i] ? present64[taken] : 0));
            taken += levels[i];
        }
    }
}

/* The example of the format's specification: 7, 5, 3, 1, 2, 3, 4, 5 with deltas from -2 up. */
static void test_delta(void **state)
{
    (void)state;
    static const uint8_t bytes[64 + UNPACK_SLACK] = {0x80, 0x01, 0x04, 0x08, 0x0e, 0x03, 0x02, 0x00, 0x00,
                                                     0x00, 0xc0, 0x3f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    static const int64_t expected[] = {7, 5, 3, 1, 2, 3, 4, 5};
    int64_t out[8];
    DeltaDecoder decoder;
    assert_true(delta_init(&decoder, bytes, 18));
    assert_ptr_equal(delta_find_end(&decoder), bytes + 18);
    assert_true(delta_read_i64(&decoder, 3, out));
    assert_true(delta_read_i64(&decoder, 5, out + 3));
    assert_memory_equal(out, expected, sizeof expected);
    assert_false(delta_read_i64(&decoder, 1, out));
    for (size_t cut = 0; cut < 12; cut++)
        assert_false(delta_init(&decoder, bytes, cut) && delta_read_i64(&decoder, 8, out));
}

static void convert_one(FormatType physical, uint32_t bytes, DataType type, Conversion conversion, const void *source,
                        void *out)
{
    SchemaLeaf leaf = {.physical = physical, .physical_bytes = bytes, .type = type, .conversion = conversion};
    Error err;
    error_init(&err);
    assert_int_equal(values_convert(&leaf, source, 1, out, &err), STATUS_OK);
}

/* What encoder_delta writes, with a value at every place around the ends of blocks and miniblocks. */
static void test_delta_encoder(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 32, 33, 34, 128, 129, 130, 161, 257, 1000};
    static const uint32_t spans[] = {1, 2, 300, 1u << 20, (1u << 31) - 1};
    uint32_t values[1000];
    int32_t out[1000];
    for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
        for (size_t s = 0; s < ARRAY_SIZE(spans); s++) {
            uint32_t n = counts[c];
            for (uint32_t i = 0; i < n; i++)
                values[i] = (uint32_t)(next_random() % spans[s]);
            CLEANUP(buffer_done) Buffer bytes = {0};
            encoder_delta(values, n, &bytes);
            size_t size = bytes.size;
            memset(buffer_reserve(&bytes, UNPACK_SLACK), 0xee, UNPACK_SLACK);
            DeltaDecoder decoder;
            assert_true(delta_init(&decoder, bytes.data, size));
            assert_ptr_equal(delta_find_end(&decoder), bytes.data + size);
            assert_int_equal(decoder.values_left, n);
            assert_true(delta_read_i32(&decoder, n, out));
            if (n)
                assert_memory_equal(out, values, sizeof *out * n);
        }
    }
}

static void test_convert(void **state)
{
    (void)state;
    union {
        int64_t int64;
        Int128 int128;
        float float32;
    } out;
    const uint8_t minus_two[] = {0xff, 0xfe}, three_bytes[] = {0x01, 0x00, 0x02};
    convert_one(FORMAT_FIXED_LEN_BYTE_ARRAY, 2, DECIMAL_TYPE(4, 2), CONVERT_FIXED_TO_INT64, minus_two, &out);
    assert_true(out.int64 == -2);
    convert_one(FORMAT_FIXED_LEN_BYTE_ARRAY, 3, DECIMAL_TYPE(20, 2), CONVERT_FIXED_TO_INT128, three_bytes, &out);
    assert_true(out.int128 == 65538);
    StrView text = {(const char *)minus_two, 2};
    convert_one(FORMAT_BYTE_ARRAY, sizeof text, DECIMAL_TYPE(4, 2), CONVERT_BYTES_TO_INT64, &text, &out);
    assert_true(out.int64 == -2);
    int64_t nanos = -1, unsigned_64 = -1;
    convert_one(FORMAT_INT64, 8, DATA_TYPE(TIMESTAMP), CONVERT_NANOS_TO_MICROS, &nanos, &out);
    assert_true(out.int64 == -1);
    convert_one(FORMAT_INT64, 8, DECIMAL_TYPE(20, 0), CONVERT_UINT64_TO_INT128, &unsigned_64, &out);
    assert_true(out.int128 == (Int128)UINT64_MAX);
    const uint8_t epoch[12] = {0xe8, 0x03, 0, 0, 0, 0, 0, 0, 0x8c, 0x3d, 0x25, 0}; /* 1,000 ns into 1970-01-01 */
    convert_one(FORMAT_INT96, 12, DATA_TYPE(TIMESTAMP), CONVERT_INT96_TO_MICROS, epoch, &out);
    assert_true(out.int64 == 1);
    static const struct {
        uint16_t half;
        float value;
    } halves[] = {{0x3c00, 1.0f}, {0xc000, -2.0f}, {0x7bff, 65504.0f}, {0x0001, 0x1p-24f}, {0x0400, 0x1p-14f}};
    for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
        convert_one(FORMAT_FIXED_LEN_BYTE_ARRAY, 2, DATA_TYPE(FLOAT), CONVERT_FLOAT16_TO_FLOAT, &halves[i].half, &out);
        assert_true(out.float32 == halves[i].value);
    }
    int64_t far = INT64_MAX / 10;
    SchemaLeaf leaf = {.physical = FORMAT_INT64,
                       .physical_bytes = 8,
                       .type = DATA_TYPE(TIMESTAMP),
                       .conversion = CONVERT_MILLIS_TO_MICROS};
    Error err;
    error_init(&err);
    assert_int_equal(values_convert(&leaf, &far, 1, &out, &err), STATUS_CORRUPT);
}

int main(void)
{
    const char *seed = getenv("FREIGHTLAKE_TEST_SEED");
    random_state = seed ? strtoull(seed, NULL, 10) : 20250630;
    printf("# seed %llu\n", (unsigned long long)random_state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpack_all_widths),
        cmocka_unit_test(test_codes_below),
        cmocka_unit_test(test_hybrid_runs),
        cmocka_unit_test(test_hybrid_refuses),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_delta_encoder),
        cmocka_unit_test(test_convert),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("parquet/encoding", tests, NULL, NULL);
}
