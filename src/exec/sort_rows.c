#include "exec/sort_rows.h"

#include <math.h>

void sort_rows_init(SortRows *rows, uint32_t n_columns)
{
    memset(rows, 0, sizeof *rows);
    arena_init(&rows->arena);
    rows->n_columns = n_columns;
    rows->generations = ARENA_ARRAY(&rows->arena, uint64_t, n_columns + 1);
    rows->sources = ARENA_ARRAY(&rows->arena, const Vector *, n_columns + 1);
    rows->copies = ARENA_ARRAY(&rows->arena, const Vector *, n_columns + 1);
}

void sort_rows_done(SortRows *rows)
{
    mem_free(rows->blocks);
    arena_done(&rows->arena);
    memset(rows, 0, sizeof *rows);
}

static Vector copy_flat(Arena *arena, const Vector *flat)
{
    Vector copy = *flat;
    size_t width = type_width(flat->type);
    copy.data = arena_memdup(arena, flat->data, width * flat->n);
    if (flat->valid)
        copy.valid = (uint8_t *)arena_memdup(arena, flat->valid, flat->n);
    if (flat->type.id == TYPE_STRING || flat->type.id == TYPE_BINARY) {
        StrView *strings = copy.data;
        for (uint32_t i = 0; i < flat->n; i++)
            strings[i] = !flat->valid || flat->valid[i] ? arena_str(arena, strings[i]) : (StrView){"", 0};
    }
    return copy;
}

static Vector copy_vector(SortRows *rows, uint32_t column, const Vector *vector, uint64_t generation)
{
    if (vector->kind != VECTOR_DICT) {
        Vector flat = vector_flatten(&rows->arena, vector);
        return copy_flat(&rows->arena, &flat);
    }
    if (!rows->copies[column] || rows->sources[column] != vector->dict || rows->generations[column] != generation) {
        Vector *copy = ARENA_NEW(&rows->arena, Vector);
        *copy = copy_flat(&rows->arena, vector->dict);
        rows->copies[column] = copy;
        rows->sources[column] = vector->dict;
        rows->generations[column] = generation;
    }
    Vector copy = *vector;
    copy.data = arena_memdup(&rows->arena, vector->data, (size_t)vector->code_width * vector->n);
    copy.dict = rows->copies[column];
    return copy;
}

uint64_t sort_rows_add(SortRows *rows, int worker, const Vector *columns, uint32_t n, uint64_t generation)
{
    CHECK(n <= SORT_ROWS_MAX_ROWS && worker < 256);
    if (rows->n_blocks == rows->capacity) {
        rows->capacity = rows->capacity ? rows->capacity * 2 : 16;
        rows->blocks = mem_realloc(rows->blocks, sizeof *rows->blocks * rows->capacity);
    }
    Vector *block = ARENA_ARRAY(&rows->arena, Vector, rows->n_columns + 1);
    for (uint32_t c = 0; c < rows->n_columns; c++)
        block[c] = copy_vector(rows, c, &columns[c], generation);
    rows->blocks[rows->n_blocks] = block;
    return (uint64_t)worker << 56 | (uint64_t)rows->n_blocks++ << 24;
}

Vector sort_rows_gather(const SortRows *rows, const uint64_t *references, size_t step, uint32_t n, uint32_t column,
                        DataType type, Arena *arena)
{
    Vector vector = vector_new(arena, type, n, true);
    size_t width = type_width(type);
    bool any_null = false;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t reference = references[i * step];
        const Vector *source = sort_rows_column(rows, reference, column);
        const Vector *entries = vector_entries(source);
        uint32_t position = vector_position(source, sort_rows_row(reference));
        memcpy((char *)vector.data + width * i, (const char *)entries->data + width * position, width);
        vector.valid[i] = !entries->valid || entries->valid[position];
        any_null |= !vector.valid[i];
    }
    if (!any_null)
        vector.valid = NULL;
    double *doubles = type.id == TYPE_DOUBLE ? vector.data : NULL;
    for (uint32_t i = 0; doubles && i < n; i++) /* one zero and one NaN, as in packed rows */
        doubles[i] = isnan(doubles[i]) ? NAN : doubles[i] + 0.0;
    float *floats = type.id == TYPE_FLOAT ? vector.data : NULL;
    for (uint32_t i = 0; floats && i < n; i++)
        floats[i] = isnan(floats[i]) ? NAN : floats[i] + 0.0f;
    return vector;
}
