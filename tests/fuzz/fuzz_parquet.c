/* The Parquet reader over any bytes: every column of every row group, flat and nested, in odd steps, under a budget. */
#include "parquet/parquet_nested.h"

#define STEP 777
#define BUDGET_BYTES ((size_t)32 << 20)
/* Run-length encoding makes many rows of few bytes; enough of them is enough. */
#define MAX_ROWS 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t kept_sum; /* so that no reading is optimised away */

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

/* Touches every value, so that a pointer or code that leads astray is found. */
static uint64_t touch(const Vector *vector)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < vector->n; i++) {
        Value value = vector_value(vector, i);
        if (value.valid && (value.type.id == TYPE_STRING || value.type.id == TYPE_BINARY))
            for (uint32_t k = 0; k < value.string.size; k++)
                sum += (uint8_t)value.string.data[k];
        else if (value.valid)
            sum += value.raw[0];
    }
    return sum;
}

static uint64_t touch_node(const ParquetNode *node)
{
    uint64_t sum = node->kind == PARQUET_NODE_LEAF ? touch(&node->values) : 0;
    for (uint32_t i = 0; i < node->n_children; i++)
        sum += touch_node(&node->children[i]);
    return sum;
}

static uint64_t read_flat(ParquetFile *file, uint32_t row_group, uint32_t column, ParquetRowGroup **handle)
{
    Error err;
    error_init(&err);
    uint64_t sum = 0;
    uint64_t rows = parquet_row_group_rows(file, row_group);
    const Vector *dictionary = NULL;
    if (parquet_row_group_open(file, row_group, &column, 1, handle, &err) != STATUS_OK ||
        parquet_column_dictionary(*handle, 0, &dictionary, &err) != STATUS_OK)
        return 0;
    if (dictionary)
        sum += touch(dictionary);
    for (uint64_t row = 0; row < rows && row < MAX_ROWS; row += STEP) {
        Vector vector;
        uint32_t n = rows - row < STEP ? (uint32_t)(rows - row) : STEP;
        Status status = row / STEP % 5 == 4 ? parquet_column_skip(*handle, 0, n, &err)
                                            : parquet_column_read(*handle, 0, n, &vector, &err);
        if (status != STATUS_OK)
            break;
        if (row / STEP % 5 != 4)
            sum += touch(&vector);
    }
    return sum;
}

static uint64_t read_nested(ParquetFile *file, uint32_t row_group, uint32_t column)
{
    Error err;
    Arena arena;
    ParquetNode *node;
    ParquetStatistics statistics;
    uint64_t sum = 0;
    error_init(&err);
    arena_init(&arena);
    if (parquet_read_nested(file, row_group, column, NULL, 0, &arena, &node, &err) == STATUS_OK)
        sum += touch_node(node);
    arena_reset(&arena);
    const Vector *dictionary = NULL;
    if (parquet_read_dictionary(file, row_group, column, &arena, &dictionary, &err) == STATUS_OK && dictionary)
        sum += touch(dictionary);
    const ParquetPageFacts *pages;
    uint32_t n_pages;
    if (parquet_column_pages(file, row_group, column, &arena, &pages, &n_pages, &err) == STATUS_OK && n_pages > 0)
        sum += pages[n_pages - 1].first_row;
    parquet_column_statistics(file, row_group, column, &statistics);
    if (statistics.has_min_max)
        sum += statistics.min.raw[0];
    arena_done(&arena);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err;
    MemoryBudget budget;
    ParquetFile *file;
    error_init(&err);
    budget_init(&budget, BUDGET_BYTES);
    MemoryReader *reader = mem_alloc(sizeof *reader);
    *reader = (MemoryReader){.base = {.ops = &memory_ops, .path = "memory", .size_bytes = size}, .data = data};
    if (parquet_open(&reader->base, &budget, &file, &err) != STATUS_OK) {
        CHECK(err.code == STATUS_CORRUPT || err.code == STATUS_UNSUPPORTED || err.code == STATUS_MEMORY);
        CHECK(budget.used == 0);
        return 0;
    }
    uint64_t sum = 0;
    ParquetRowGroup *handle = NULL;
    for (uint32_t row_group = 0; row_group < parquet_row_groups(file) && row_group < 8; row_group++)
        for (uint32_t column = 0; column < parquet_schema(file)->n && column < 32; column++) {
            sum += read_flat(file, row_group, column, &handle);
            if (parquet_row_group_rows(file, row_group) <= MAX_ROWS)
                sum += read_nested(file, row_group, column);
        }
    kept_sum = sum;
    parquet_row_group_close(handle);
    parquet_close(file);
    CHECK(budget.used == 0);
    return 0;
}
