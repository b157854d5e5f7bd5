#include "exec/relation.h"

#define LEAST_SHARE_BYTES ((size_t)256 << 10)
#define SPILL_ROWS 16384u /* at a time, of a batch with more */

void relation_init(Relation *relation, MemoryBudget *budget)
{
    *relation = (Relation){.budget = budget};
    arena_init(&relation->arena);
}

/* Forgets the rows in memory. */
static void drop_blocks(Relation *relation)
{
    budget_release(relation->budget, relation->reserved);
    relation->reserved = 0;
    mem_free(relation->blocks);
    relation->blocks = NULL;
    relation->n_blocks = relation->capacity = 0;
    arena_done(&relation->arena);
    arena_init(&relation->arena);
}

void relation_done(Relation *relation)
{
    drop_blocks(relation);
    batch_writer_free(relation->writer);
    batch_file_free(relation->spilled);
    relation->writer = NULL;
    relation->spilled = NULL;
}

size_t relation_share(const MemoryBudget *budget)
{
    if (!budget->limit || !budget->spill)
        return SIZE_MAX;
    size_t used = atomic_load(&budget->used);
    size_t share = budget->limit > used ? (budget->limit - used) / 4 : 0;
    return share > LEAST_SHARE_BYTES ? share : LEAST_SHARE_BYTES;
}

static Status spill_batch(Relation *relation, const Batch *batch, Error *err)
{
    uint32_t rows[SPILL_ROWS];
    Arena scratch;
    arena_init(&scratch);
    Status status = STATUS_OK;
    for (uint32_t first = 0; status == STATUS_OK && first < batch->n_rows; first += SPILL_ROWS) {
        uint32_t n = batch->n_rows - first < SPILL_ROWS ? batch->n_rows - first : SPILL_ROWS;
        for (uint32_t i = 0; i < n; i++)
            rows[i] = first + i;
        status = batch_writer_put(relation->writer, 0, batch->columns, rows, n, &scratch, err);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    return status;
}

static Status start_spilling(Relation *relation, const Batch *batch, Error *err)
{
    DataType *types = mem_alloc(sizeof *types * (batch->n_columns + 1));
    for (uint32_t c = 0; c < batch->n_columns; c++)
        types[c] = batch->columns[c].type;
    Status status = batch_file_new(relation->budget->spill, types, batch->n_columns, 1, BATCH_EXTENT_BYTES,
                                   &relation->spilled, err);
    mem_free(types);
    TRY(status);
    relation->writer = batch_writer_new(relation->spilled);
    for (uint32_t b = 0; b < relation->n_blocks; b++)
        TRY(spill_batch(relation, &relation->blocks[b], err));
    drop_blocks(relation);
    return STATUS_OK;
}

static void keep_batch(Relation *relation, const Batch *batch)
{
    if (relation->n_blocks == relation->capacity) {
        relation->capacity = relation->capacity ? relation->capacity * 2 : 16;
        relation->blocks = mem_realloc(relation->blocks, sizeof(Batch) * relation->capacity);
    }
    Batch *block = &relation->blocks[relation->n_blocks++];
    *block = (Batch){.n_rows = batch->n_rows,
                     .n_columns = batch->n_columns,
                     .columns = ARENA_ARRAY(&relation->arena, Vector, batch->n_columns + 1)};
    for (uint32_t c = 0; c < batch->n_columns; c++)
        block->columns[c] = vector_copy(&relation->arena, &batch->columns[c]);
}

Status relation_take(void *context, const Schema *schema, const Batch *batch, Error *err)
{
    (void)schema;
    Relation *relation = context;
    if (batch->n_rows == 0)
        return STATUS_OK;
    if (!relation->share_bytes)
        relation->share_bytes = relation_share(relation->budget);
    relation->rows += batch->n_rows;
    if (relation->spilled)
        return spill_batch(relation, batch, err);
    keep_batch(relation, batch);
    size_t held = relation->arena.used_bytes;
    if (held > relation->share_bytes)
        return start_spilling(relation, batch, err);
    TRY(budget_reserve(relation->budget, held - relation->reserved, "the rows of a subquery", err));
    relation->reserved = held;
    return STATUS_OK;
}

Status relation_finish(Relation *relation, Error *err)
{
    if (!relation->writer)
        return STATUS_OK;
    TRY(batch_writer_flush(relation->writer, err));
    batch_writer_free(relation->writer);
    relation->writer = NULL;
    return STATUS_OK;
}

uint32_t relation_blocks(const Relation *relation)
{
    return relation->spilled ? batch_file_part(relation->spilled, 0)->n_extents : relation->n_blocks;
}

uint32_t relation_block_rows(const Relation *relation, uint32_t block)
{
    return relation->spilled ? batch_file_part(relation->spilled, 0)->extents[block].rows
                             : relation->blocks[block].n_rows;
}

Status relation_block(const Relation *relation, uint32_t block, Arena *arena, Batch *ret_batch, Error *err)
{
    if (relation->spilled)
        return batch_file_read(relation->spilled, &batch_file_part(relation->spilled, 0)->extents[block], arena,
                               ret_batch, err);
    *ret_batch = relation->blocks[block];
    return STATUS_OK;
}

Status relation_load(Relation *relation, Error *err)
{
    Arena scratch;
    Status status = STATUS_OK;
    uint32_t n = relation->spilled ? relation_blocks(relation) : 0;
    arena_init(&scratch);
    for (uint32_t b = 0; status == STATUS_OK && b < n; b++) {
        Batch batch;
        arena_reset(&scratch);
        status = relation_block(relation, b, &scratch, &batch, err);
        if (status != STATUS_OK)
            break;
        keep_batch(relation, &batch);
        size_t held = relation->arena.used_bytes;
        status = budget_reserve(relation->budget, held - relation->reserved, "the rows of a window", err);
        relation->reserved = status == STATUS_OK ? held : relation->reserved;
    }
    arena_done(&scratch);
    TRY(status);
    batch_file_free(relation->spilled);
    relation->spilled = NULL;
    return STATUS_OK;
}
