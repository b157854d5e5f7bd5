/* columnar/function.c and its families: the examples of the table, results of Spark, and each kernel over many rows
 * against the same kernel over one row at a time. */
#include "columnar/function.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "evaluator.h"
#include "random.h"

#define ROWS 300

static void examples_of_the_table(void **state)
{
    (void)state;
    size_t n;
    const Function *functions = function_table(&n);
    for (size_t i = 0; i < n; i++) {
        Arena arena;
        arena_init(&arena);
        const char *have = evaluate_to_text(functions[i].example, &arena, NULL);
        if (strcmp(have, functions[i].result) != 0)
            fail_msg("%s is %s, the table says %s", functions[i].example, have, functions[i].result);
        assert_ptr_equal(function_find(functions[i].name), &functions[i]);
        arena_done(&arena);
    }
    assert_null(function_find("no_such_function"));
}

static void results_of_spark(void **state)
{
    (void)state;
    FILE *file = fopen(SPARK_RESULTS, "r");
    assert_non_null(file);
    char line[1024];
    int cases = 0, wrong = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = '\0';
        char *type = strchr(line, '\t');
        assert_non_null(type);
        *type++ = '\0';
        char *value = strchr(type, '\t');
        assert_non_null(value);
        *value++ = '\0';
        Arena arena;
        arena_init(&arena);
        char have_type[32] = "-";
        const char *have = evaluate_to_text(line, &arena, have_type);
        if (strncmp(have, "REFUSED", 7) == 0)
            have = "REFUSED";
        cases++;
        if (strcmp(have, value) != 0 || strcmp(have_type, type) != 0) {
            wrong++;
            printf("# %s is %s %s, Spark says %s %s\n", line, have_type, have, type, value);
        }
        arena_done(&arena);
    }
    fclose(file);
    assert_true(cases > 1000);
    assert_int_equal(wrong, 0);
}

static void refusals_help(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *part;
    } cases[] = {
        {"DATE '2025-01-02' - DATE '2025-01-01'", "'-' cannot take (date, date)"},
        {"CAST(1 AS date)", "cannot cast int to date"},
        {"and(1, true)", "'and' cannot take (int, boolean)"},
        {"round(1.5, round(1, 0))", "must be a constant"},
        {"like('a', 'a#b', '#')", "escape character"},
        {"case(1, 2)", "condition 1 of 'case' is not boolean"},
        {"coalesce(1, true)", "'coalesce' cannot take (int, boolean)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Arena arena;
        arena_init(&arena);
        const char *have = evaluate_to_text(cases[i].expression, &arena, NULL);
        if (strncmp(have, "REFUSED", 7) != 0 || !strstr(have, cases[i].part))
            fail_msg("%s: %s", cases[i].expression, have);
        arena_done(&arena);
    }
}

static void random_bytes(Random *random, Arena *arena, StrView *ret)
{
    static const char *const pieces[] = {"a",  "B",   "%", "_",          "é",    "日", " ",  "12", "-",
                                         ".5", "NaN", "Ω", "2025-01-05", "true", "ß",  "\\", "e1", ""};
    char text[128];
    size_t used = 0;
    for (uint64_t n = random_below(random, 5); n > 0; n--)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s", pieces[random_below(random, ARRAY_SIZE(pieces))]);
    *ret = (StrView){arena_memdup(arena, text, used), (uint32_t)used};
}

static void random_value(Random *random, DataType type, Arena *arena, void *to)
{
    static const double special[] = {NAN, HUGE_VAL, -HUGE_VAL, 0.0, -0.0, 0.5, 1.005, -2.5, 1e15, 1e300};
    Int128 wide = (Int128)(int64_t)random_next(random) * (random_below(random, 2) ? 1 : 1000000007);
    switch (type.id) {
    case TYPE_BOOLEAN:
        *(uint8_t *)to = (uint8_t)random_below(random, 2);
        break;
    case TYPE_INT:
        *(int32_t *)to = (int32_t)random_next(random) >> random_below(random, 32);
        break;
    case TYPE_DATE:
        *(int32_t *)to = (int32_t)random_below(random, 80000) - 30000;
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        *(int64_t *)to = (int64_t)random_next(random) >> random_below(random, 64);
        break;
    case TYPE_FLOAT:
        *(float *)to = (float)random_double(random);
        break;
    case TYPE_DOUBLE:
        *(double *)to = random_below(random, 4) ? random_double(random) : special[random_below(random, 10)];
        break;
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(type))
            *(Int128 *)to = wide;
        else
            *(int64_t *)to = (int64_t)random_below(random, 2000000) - 1000000;
        break;
    default:
        random_bytes(random, arena, to);
    }
}

static Vector random_vector(Random *random, DataType type, Arena *arena, bool constant)
{
    Vector vector = vector_new(arena, type, ROWS, random_below(random, 3) > 0);
    size_t width = type_width(type);
    for (uint32_t i = 0; i < ROWS && type.id != TYPE_NULLTYPE; i++) {
        if (constant && i > 0)
            memcpy((char *)vector.data + i * width, vector.data, width);
        else
            random_value(random, type, arena, (char *)vector.data + i * width);
        if (vector.valid)
            vector.valid[i] = constant && i > 0 ? vector.valid[0] : random_below(random, 4) > 0;
    }
    return vector;
}

static DataType random_type(Random *random)
{
    static const TypeId ids[] = {TYPE_NULLTYPE, TYPE_BOOLEAN, TYPE_INT,       TYPE_BIGINT, TYPE_FLOAT, TYPE_DOUBLE,
                                 TYPE_DECIMAL,  TYPE_DATE,    TYPE_TIMESTAMP, TYPE_STRING, TYPE_STRING};
    DataType type = {.id = ids[random_below(random, ARRAY_SIZE(ids))]};
    if (type.id == TYPE_DECIMAL)
        type = random_below(random, 2) ? DECIMAL_TYPE(18, 4) : DECIMAL_TYPE(28 + random_below(random, 11), 6);
    return type;
}

static void assert_same_row(const char *what, const Vector *many, uint32_t row, const Vector *one)
{
    Value a = vector_value(many, row), b = vector_value(one, 0);
    bool same = a.valid == b.valid;
    if (same && a.valid && (a.type.id == TYPE_STRING || a.type.id == TYPE_BINARY))
        same = str_equal(a.string, b.string);
    else if (same && a.valid && a.type.id == TYPE_DOUBLE && a.float64 != a.float64)
        same = b.float64 != b.float64;
    else if (same && a.valid)
        same = memcmp(a.raw, b.raw, type_width(a.type)) == 0;
    if (!same)
        fail_msg("%s: row %u among others and alone differ", what, row);
}

/* One call over ROWS rows, then over each row alone: masks, blocks and vector code must not show. */
static bool check_call(Random *random, const Function *function, Arena *arena)
{
    uint32_t most = function->max_args < 4 ? function->max_args : 4;
    uint32_t n = function->min_args + (uint32_t)random_below(random, most - function->min_args + 1u);
    DataType given[4] = {0}, want[4];
    Value constants[4] = {0};
    Vector raw[4], args[4], part[4];
    DataType all = random_type(random);
    for (uint32_t a = 0; a < n; a++) {
        given[a] = random_below(random, 3) ? all : random_type(random);
        bool constant = a > 0 && random_below(random, 2);
        raw[a] = random_vector(random, given[a], arena, constant);
        constants[a] = (Value){.type = {.id = TYPE_COUNT}};
        if (constant)
            constants[a] = vector_value(&raw[a], 0);
    }
    FunctionCall call = {.function = function, .n_args = n, .arg_types = want, .constants = constants};
    call.type = random_type(random); /* the target, where it is a cast */
    Error err;
    if (function->bind(function, given, constants, n, want, &call.type, &err) != STATUS_OK)
        return false;
    for (uint32_t a = 0; a < n; a++) {
        cast_vector(&raw[a], want[a], arena, &args[a]);
        if (constants[a].type.id != TYPE_COUNT)
            constants[a] = vector_value(&args[a], 0);
    }
    Vector many, one;
    function->evaluate(&call, args, ROWS, arena, &many);
    assert_true(type_equal(many.type, call.type));
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint32_t a = 0; a < n; a++)
            part[a] = vector_slice(&args[a], row, 1);
        function->evaluate(&call, part, 1, arena, &one);
        assert_same_row(function->name, &many, row, &one);
    }
    for (uint32_t a = 0; a < n; a++)
        part[a] = vector_slice(&args[a], 0, 0);
    function->evaluate(&call, part, 0, arena, &one);
    assert_int_equal(one.n, 0);
    return true;
}

static void many_rows_equal_single_rows(void **state)
{
    (void)state;
    Random random = random_start("many_rows_equal_single_rows");
    size_t n;
    const Function *functions = function_table(&n);
    for (size_t i = 0; i < n; i++) {
        int checked = 0;
        for (int attempt = 0; attempt < 400 && checked < 8; attempt++) {
            Arena arena;
            arena_init(&arena);
            checked += check_call(&random, &functions[i], &arena);
            arena_done(&arena);
        }
        if (checked == 0)
            fail_msg("no arguments found for %s", functions[i].name);
    }
}

static void casts_of_many_rows_equal_single_rows(void **state)
{
    (void)state;
    Random random = random_start("casts_of_many_rows_equal_single_rows");
    for (int i = 0; i < 400; i++) {
        Arena arena;
        arena_init(&arena);
        DataType from = random_type(&random), to = random_type(&random);
        Vector source = random_vector(&random, from, &arena, false), many, one;
        if (cast_allowed(from, to)) {
            cast_vector(&source, to, &arena, &many);
            assert_true(type_equal(many.type, to));
            for (uint32_t row = 0; row < ROWS; row++) {
                Vector part = vector_slice(&source, row, 1);
                cast_vector(&part, to, &arena, &one);
                assert_same_row("cast", &many, row, &one);
            }
        }
        arena_done(&arena);
    }
}

/* Dictionaries and constants give what their flat form gives. */
static void casts_keep_the_kind(void **state)
{
    (void)state;
    Arena arena;
    arena_init(&arena);
    Random random = random_start("casts_keep_the_kind");
    Vector entries = random_vector(&random, DATA_TYPE(STRING), &arena, false);
    Vector dict = {.type = entries.type, .kind = VECTOR_DICT, .code_width = 2, .n = 2 * ROWS, .dict = &entries};
    uint16_t *codes = arena_alloc(&arena, sizeof(uint16_t) * 2 * ROWS);
    for (uint32_t i = 0; i < 2 * ROWS; i++)
        codes[i] = (uint16_t)random_below(&random, ROWS);
    dict.data = codes;
    Vector flat = vector_flatten(&arena, &dict), want, have;
    cast_vector(&flat, DATA_TYPE(DATE), &arena, &want);
    cast_vector(&dict, DATA_TYPE(DATE), &arena, &have);
    assert_int_equal(have.kind, VECTOR_DICT);
    assert_ptr_equal(have.data, codes);
    Vector few = vector_slice(&dict, 0, 5), few_have;
    cast_vector(&few, DATA_TYPE(DATE), &arena, &few_have);
    assert_int_equal(few_have.kind, VECTOR_FLAT);
    for (uint32_t i = 0; i < 2 * ROWS; i++) {
        Value a = vector_value(&want, i), b = vector_value(&have, i);
        assert_int_equal(a.valid, b.valid);
        assert_true(!a.valid || a.int32 == b.int32);
        if (i < 5)
            assert_int_equal(vector_is_valid(&few_have, i), a.valid);
    }
    Vector constant = vector_const(&arena, &(Value){.type = DATA_TYPE(INT), .valid = true, .int32 = 7}, 9);
    cast_vector(&constant, DATA_TYPE(DOUBLE), &arena, &have);
    assert_int_equal(have.kind, VECTOR_CONST);
    assert_int_equal(have.n, 9);
    assert_true(vector_value(&have, 8).float64 == 7);
    arena_done(&arena);
}

/* x[0..] as a pattern of bytes, the plain recursive definition. */
static bool like_by_definition(StrView text, StrView pattern)
{
    if (pattern.size == 0)
        return text.size == 0;
    StrView rest = {pattern.data + 1, pattern.size - 1};
    if (pattern.data[0] == '%') {
        for (uint32_t i = 0; i <= text.size; i++)
            if (like_by_definition((StrView){text.data + i, text.size - i}, rest))
                return true;
        return false;
    }
    return text.size > 0 && (pattern.data[0] == '_' || pattern.data[0] == text.data[0]) &&
           like_by_definition((StrView){text.data + 1, text.size - 1}, rest);
}

static void like_is_its_definition(void **state)
{
    (void)state;
    Random random = random_start("like_is_its_definition");
    const Function *like = function_find("like");
    for (int i = 0; i < 20000; i++) {
        Arena arena;
        arena_init(&arena);
        char text[9], pattern[7];
        uint32_t text_size = (uint32_t)random_below(&random, sizeof text);
        uint32_t pattern_size = (uint32_t)random_below(&random, sizeof pattern);
        for (uint32_t k = 0; k < text_size; k++)
            text[k] = "ab"[random_below(&random, 2)];
        for (uint32_t k = 0; k < pattern_size; k++)
            pattern[k] = "ab%%_"[random_below(&random, 5)];
        StrView views[2] = {{text, text_size}, {pattern, pattern_size}};
        Vector args[2], result;
        DataType types[2] = {DATA_TYPE(STRING), DATA_TYPE(STRING)};
        for (int a = 0; a < 2; a++) {
            args[a] = vector_new(&arena, types[a], 1, false);
            *(StrView *)args[a].data = views[a];
        }
        FunctionCall call = {.function = like, .type = DATA_TYPE(BOOLEAN), .n_args = 2, .arg_types = types};
        like->evaluate(&call, args, 1, &arena, &result);
        if (*(uint8_t *)result.data != like_by_definition(views[0], views[1]))
            fail_msg("'%.*s' LIKE '%.*s'", (int)text_size, text, (int)pattern_size, pattern);
        arena_done(&arena);
    }
}

/* A long list of constants takes the hash set; it must say what the comparison one by one says. */
static void in_of_a_long_list(void **state)
{
    (void)state;
    Random random = random_start("in_of_a_long_list");
    static const TypeId ids[] = {TYPE_INT, TYPE_BIGINT, TYPE_DOUBLE, TYPE_STRING, TYPE_DATE, TYPE_DECIMAL};
    const Function *in = function_find("in");
    enum { ITEMS = 40 };
    for (int i = 0; i < 200; i++) {
        Arena arena;
        arena_init(&arena);
        DataType type = {.id = ids[random_below(&random, ARRAY_SIZE(ids))], .precision = 38, .scale = 6};
        DataType types[ITEMS + 1];
        Value constants[ITEMS + 1];
        Vector args[ITEMS + 1], by_set, one_by_one;
        for (uint32_t a = 0; a <= ITEMS; a++) {
            types[a] = type;
            args[a] = random_vector(&random, type, &arena, a > 0);
            if (a > 0 && random_below(&random, 8))
                args[a].valid = NULL;
            constants[a] = a > 0 ? vector_value(&args[a], 0) : (Value){.type = {.id = TYPE_COUNT}};
        }
        FunctionCall call = {.function = in, .type = DATA_TYPE(BOOLEAN), .n_args = ITEMS + 1, .arg_types = types};
        in->evaluate(&call, args, ROWS, &arena, &one_by_one);
        call.constants = constants;
        in->evaluate(&call, args, ROWS, &arena, &by_set);
        for (uint32_t row = 0; row < ROWS; row++) {
            Vector one = vector_slice(&one_by_one, row, 1);
            assert_same_row("in", &by_set, row, &one);
        }
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_table),
        cmocka_unit_test(results_of_spark),
        cmocka_unit_test(refusals_help),
        cmocka_unit_test(many_rows_equal_single_rows),
        cmocka_unit_test(casts_of_many_rows_equal_single_rows),
        cmocka_unit_test(casts_keep_the_kind),
        cmocka_unit_test(like_is_its_definition),
        cmocka_unit_test(in_of_a_long_list),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
