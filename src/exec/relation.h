/* Relation: the rows of a plan that other plans read (plan.h, PLAN_RELATION), in memory, column by column.
 *
 * Made by one statement as its sink, then read by any number of threads.  The bytes are reserved from the budget, which
 * fails with MEMORY. */
#ifndef FREIGHTLAKE_EXEC_RELATION_H
#define FREIGHTLAKE_EXEC_RELATION_H

#include "exec/exec.h"

typedef struct Relation {
    Arena arena;
    MemoryBudget *budget;
    size_t reserved;
    Batch *blocks; /* as they came; FLAT columns */
    uint32_t n_blocks;
    uint32_t capacity;
    uint64_t rows;
} Relation;

void relation_init(Relation *relation, MemoryBudget *budget);
void relation_done(Relation *relation);
/* A Sink's callback: copies the batch. */
Status relation_take(void *relation, const Schema *schema, const Batch *batch, Error *err) MUST_CHECK;

#endif
