#include "exec/relation.h"

void relation_init(Relation *relation, MemoryBudget *budget)
{
    *relation = (Relation){.budget = budget};
    arena_init(&relation->arena);
}

void relation_done(Relation *relation)
{
    budget_release(relation->budget, relation->reserved);
    relation->reserved = 0;
    mem_free(relation->blocks);
    relation->blocks = NULL;
    relation->n_blocks = relation->capacity = 0;
    arena_done(&relation->arena);
}

Status relation_take(void *context, const Schema *schema, const Batch *batch, Error *err)
{
    (void)schema;
    Relation *relation = context;
    if (batch->n_rows == 0)
        return STATUS_OK;
    if (relation->n_blocks == relation->capacity) {
        relation->capacity = relation->capacity ? relation->capacity * 2 : 16;
        relation->blocks = mem_realloc(relation->blocks, sizeof(Batch) * relation->capacity);
    }
    Batch *block = &relation->blocks[relation->n_blocks];
    *block = (Batch){.n_rows = batch->n_rows,
                     .n_columns = batch->n_columns,
                     .columns = ARENA_ARRAY(&relation->arena, Vector, batch->n_columns + 1)};
    for (uint32_t c = 0; c < batch->n_columns; c++)
        block->columns[c] = vector_copy(&relation->arena, &batch->columns[c]);
    relation->n_blocks++;
    relation->rows += batch->n_rows;
    size_t held = relation->arena.used_bytes;
    TRY(budget_reserve(relation->budget, held - relation->reserved, "the rows of a subquery", err));
    relation->reserved = held;
    return STATUS_OK;
}
