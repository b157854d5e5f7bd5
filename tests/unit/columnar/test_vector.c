/* columnar/vector.c: kinds, flattening, selection, slices. */
#include "columnar/vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static Arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Entries 10, 20, NULL; code of row i is i % 3. */
static Vector dict_vector(uint8_t code_width, uint32_t n)
{
    Vector *entries = ARENA_NEW(&arena, Vector);
    *entries = vector_new(&arena, DATA_TYPE(INT), 3, true);
    ((int32_t *)entries->data)[0] = 10;
    ((int32_t *)entries->data)[1] = 20;
    ((int32_t *)entries->data)[2] = 0;
    entries->valid[2] = 0;
    Vector vector = {.type = DATA_TYPE(INT), .kind = VECTOR_DICT, .code_width = code_width, .n = n, .dict = entries};
    vector.data = arena_alloc(&arena, (size_t)code_width * n);
    for (uint32_t i = 0; i < n; i++) {
        if (code_width == 1)
            ((uint8_t *)vector.data)[i] = (uint8_t)(i % 3);
        else if (code_width == 2)
            ((uint16_t *)vector.data)[i] = (uint16_t)(i % 3);
        else
            ((uint32_t *)vector.data)[i] = i % 3;
    }
    return vector;
}

static void flatten_gives_the_same_values(void **state)
{
    (void)state;
    for (uint8_t width = 1; width <= 4; width *= 2) {
        Vector dict = dict_vector(width, 100);
        Vector flat = vector_flatten(&arena, &dict);
        assert_int_equal(flat.kind, VECTOR_FLAT);
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(vector_is_valid(&flat, i), i % 3 != 2);
            if (i % 3 != 2)
                assert_int_equal(((int32_t *)flat.data)[i], i % 3 == 0 ? 10 : 20);
        }
    }
}

static void flatten_repeats_a_constant_of_any_width(void **state)
{
    (void)state;
    Value values[] = {
        {.type = DATA_TYPE(BOOLEAN), .valid = true, .boolean = 1},
        {.type = DATA_TYPE(INT), .valid = true, .int32 = -5},
        {.type = DATA_TYPE(BIGINT), .valid = true, .int64 = -5},
        {.type = DECIMAL_TYPE(38, 2), .valid = true, .int128 = -5},
        {.type = DATA_TYPE(STRING), .valid = true, .string = str_view("abc")},
        {.type = DATA_TYPE(DOUBLE), .valid = false},
        {.type = DATA_TYPE(NULLTYPE), .valid = false},
    };
    for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
        Vector constant = vector_const(&arena, &values[v], 5);
        Vector flat = vector_flatten(&arena, &constant);
        for (uint32_t i = 0; i < 5; i++) {
            Value value = vector_value(&flat, i);
            assert_int_equal(value.valid, values[v].valid);
            if (value.valid)
                assert_memory_equal(value.raw, values[v].raw, type_width(value.type));
        }
    }
}

static void select_keeps_kind_and_order(void **state)
{
    (void)state;
    const uint32_t rows[] = {5, 0, 7, 7};
    Vector dict = dict_vector(2, 10);
    Vector flat = vector_flatten(&arena, &dict);
    Vector constant = vector_const(&arena, &(Value){.type = DATA_TYPE(INT), .valid = true, .int32 = 3}, 10);
    const Vector *sources[] = {&dict, &flat, &constant};
    for (size_t s = 0; s < ARRAY_SIZE(sources); s++) {
        Vector selected = vector_select(&arena, sources[s], rows, 4);
        assert_int_equal(selected.kind, sources[s]->kind);
        assert_int_equal(selected.n, 4);
        for (uint32_t i = 0; i < 4; i++) {
            Value want = vector_value(sources[s], rows[i]), have = vector_value(&selected, i);
            assert_int_equal(have.valid, want.valid);
            if (want.valid)
                assert_int_equal(have.int32, want.int32);
        }
    }
}

static void slice_shares_memory(void **state)
{
    (void)state;
    Vector dict = dict_vector(4, 10);
    Vector flat = vector_flatten(&arena, &dict);
    Vector part = vector_slice(&flat, 4, 3);
    assert_ptr_equal(part.data, (int32_t *)flat.data + 4);
    assert_ptr_equal(part.valid, flat.valid + 4);
    Vector codes = vector_slice(&dict, 4, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(vector_code(&codes, i), (i + 4) % 3);
    assert_int_equal(vector_slice(&flat, 10, 0).n, 0);
}

static void nulls_are_known(void **state)
{
    (void)state;
    Vector dict = dict_vector(1, 3);
    assert_true(vector_may_have_nulls(&dict));
    Vector plain = vector_new(&arena, DATA_TYPE(INT), 3, false);
    assert_false(vector_may_have_nulls(&plain));
    Vector none = vector_new(&arena, DATA_TYPE(NULLTYPE), 3, false);
    assert_true(vector_may_have_nulls(&none));
    assert_false(vector_is_valid(&none, 1));
}

static void names_and_text(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(type_name(DECIMAL_TYPE(18, 4), text, sizeof text), "decimal(18,4)");
    assert_string_equal(type_name(DATA_TYPE(BIGINT), text, sizeof text), "bigint");
    Field fields[] = {{"carrier", DATA_TYPE(STRING), true}, {"Carrier", DATA_TYPE(INT), true}};
    Schema schema = {fields, 2};
    assert_int_equal(schema_find(&schema, "Carrier"), 1);
    assert_int_equal(schema_find(&schema, "CARRIER"), 0);
    assert_int_equal(schema_find(&schema, "nothing"), -1);
    Buffer buffer;
    buffer_init(&buffer, 0);
    value_append_text(&buffer, &(Value){.type = DECIMAL_TYPE(18, 4), .valid = true, .int64 = -12500});
    buffer_append_byte(&buffer, ' ');
    value_append_text(&buffer, &(Value){.type = DATA_TYPE(DATE), .valid = true, .int32 = 20269});
    buffer_append_byte(&buffer, ' ');
    value_append_text(&buffer, &(Value){.type = DATA_TYPE(DOUBLE)});
    assert_string_equal(buffer_text(&buffer), "-1.2500 2025-06-30 NULL");
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flatten_gives_the_same_values, setup, teardown),
        cmocka_unit_test_setup_teardown(flatten_repeats_a_constant_of_any_width, setup, teardown),
        cmocka_unit_test_setup_teardown(select_keeps_kind_and_order, setup, teardown),
        cmocka_unit_test_setup_teardown(slice_shares_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(nulls_are_known, setup, teardown),
        cmocka_unit_test(names_and_text),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
