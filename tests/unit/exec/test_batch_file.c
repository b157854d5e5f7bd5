/* exec/batch_file.c: rows come back as they were put, in their part and in the order of one writer; NULLs, long and empty texts, every
 * type; two writers in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/batch_file.h"
#include "random.h"

#define PARTS 5
#define MOST_ROWS 400
#define PUTS 60

static const DataType TYPES[] = {{TYPE_NULLTYPE, 0, 0},  {TYPE_BOOLEAN, 0, 0}, {TYPE_INT, 0, 0},
                                 {TYPE_DOUBLE, 0, 0},    {TYPE_DATE, 0, 0},    {TYPE_DECIMAL, 12, 2},
                                 {TYPE_DECIMAL, 38, 10}, {TYPE_STRING, 0, 0},  {TYPE_BINARY, 0, 0}};
#define COLUMNS ARRAY_SIZE(TYPES)

static StrView random_text(Arena *arena)
{
    uint32_t size = (uint32_t)(next_random() % 50 == 0 ? next_random() % 9000 : next_random() % 7);
    char *text = arena_alloc(arena, size + 1);
    for (uint32_t i = 0; i < size; i++)
        text[i] = (char)next_random();
    return (StrView){text, size};
}

static Vector random_vector(DataType type, uint32_t n, Arena *arena)
{
    Vector vector = vector_new(arena, type, n, next_random() % 3 != 0 || type.id == TYPE_NULLTYPE);
    size_t width = type_width(type);
    for (uint32_t i = 0; i < n; i++) {
        bool is_text = type.id == TYPE_STRING || type.id == TYPE_BINARY;
        uint64_t words[2] = {type.id == TYPE_BOOLEAN ? next_random() & 1 : next_random(), next_random()};
        if (is_text)
            ((StrView *)vector.data)[i] = random_text(arena);
        else
            memcpy((char *)vector.data + width * i, words, width);
        if (vector.valid)
            vector.valid[i] = type.id != TYPE_NULLTYPE && next_random() % 4 != 0;
        if (is_text && vector.valid && !vector.valid[i]) /* whatever stands at a NULL is not looked at */
            ((StrView *)vector.data)[i] = (StrView){NULL, 77};
    }
    return vector;
}

static void check_value(const Vector *want, uint32_t i, const Vector *have, uint32_t j)
{
    size_t width = type_width(want->type);
    assert_int_equal(vector_is_valid(want, i), vector_is_valid(have, j));
    if (!vector_is_valid(want, i))
        return;
    if (want->type.id == TYPE_STRING || want->type.id == TYPE_BINARY) {
        StrView a = ((StrView *)want->data)[i], b = ((StrView *)have->data)[j];
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
    } else {
        assert_memory_equal((char *)want->data + width * i, (char *)have->data + width * j, width);
    }
}

/* What one writer put in a part. */
typedef struct Put {
    uint32_t put, row;
} Put;

typedef struct Model {
    Vector columns[PUTS][COLUMNS];
    Put rows[PARTS][(size_t)PUTS * MOST_ROWS];
    uint32_t n[PARTS];
} Model;

static void put_one(Model *model, BatchWriter *writer, uint32_t put, Arena *arena)
{
    Error err;
    error_init(&err);
    uint32_t n = (uint32_t)(next_random() % MOST_ROWS), part = (uint32_t)(next_random() % PARTS), n_chosen = 0;
    uint32_t chosen[MOST_ROWS];
    for (uint32_t c = 0; c < COLUMNS; c++)
        model->columns[put][c] = random_vector(TYPES[c], n, arena);
    for (uint32_t i = 0; i < n; i++) {
        if (next_random() % 4 == 0)
            continue;
        model->rows[part][model->n[part]++] = (Put){put, i};
        chosen[n_chosen++] = i;
    }
    assert_int_equal(batch_writer_put(writer, part, model->columns[put], chosen, n_chosen, arena, &err), STATUS_OK);
}

static void rows_come_back(void **unused)
{
    (void)unused;
    Error err;
    error_init(&err);
    SpillSpace space;
    spill_space_init(&space, "/tmp", 0);
    for (uint32_t round = 0; round < 10; round++) {
        Arena arena;
        arena_init(&arena);
        BatchFile *file;
        size_t extent = (size_t)1 << (10 + round % 6);
        assert_int_equal(batch_file_new(&space, TYPES, COLUMNS, PARTS, extent, &file, &err), STATUS_OK);
        Model *model = mem_zalloc(sizeof *model);
        BatchWriter *writers[2] = {batch_writer_new(file), batch_writer_new(file)};
        for (uint32_t put = 0; put < PUTS; put++) { /* the first writer is flushed before the second begins */
            if (put == PUTS / 2)
                assert_int_equal(batch_writer_flush(writers[0], &err), STATUS_OK);
            put_one(model, writers[put >= PUTS / 2], put, &arena);
        }
        assert_int_equal(batch_writer_flush(writers[1], &err), STATUS_OK);
        uint64_t bytes = 0;
        for (uint32_t p = 0; p < PARTS; p++) {
            const BatchPart *part = batch_file_part(file, p);
            uint32_t at = 0;
            for (uint32_t e = 0; e < part->n_extents; e++) {
                Batch batch;
                assert_int_equal(batch_file_read(file, &part->extents[e], &arena, &batch, &err), STATUS_OK);
                for (uint32_t i = 0; i < batch.n_rows; i++, at++)
                    for (uint32_t c = 0; c < COLUMNS; c++)
                        check_value(&model->columns[model->rows[p][at].put][c], model->rows[p][at].row,
                                    &batch.columns[c], i);
            }
            assert_int_equal(at, model->n[p]);
            assert_int_equal(at, part->rows);
            bytes += part->bytes;
        }
        assert_int_equal(bytes, batch_file_bytes(file));
        batch_writer_free(writers[0]);
        batch_writer_free(writers[1]);
        batch_file_free(file);
        mem_free(model);
        arena_done(&arena);
        assert_int_equal(atomic_load(&space.used), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
