/* Relation: the rows of a plan that other plans read (plan.h, PLAN_RELATION), column by column.
 *
 * Made by one statement as its sink, then read by any number of threads, block by block.  The bytes are reserved from the
 * budget; rows that are more than a quarter of what it has left lie in a spill file (batch_file.h), where it has one. */
#ifndef FREIGHTLAKE_EXEC_RELATION_H
#define FREIGHTLAKE_EXEC_RELATION_H

#include "exec/batch_file.h"
#include "exec/exec.h"

typedef struct Relation {
    Arena arena;
    MemoryBudget *budget;
    size_t reserved;
    Batch *blocks; /* as they came; FLAT columns */
    uint32_t n_blocks;
    uint32_t capacity;
    uint64_t rows;
    size_t share_bytes;  /* of memory, before it spills; 0: not known yet */
    BatchFile *spilled;  /* all rows, and `blocks` has none; NULL: all rows are in memory */
    BatchWriter *writer; /* of `spilled`, until relation_finish */
} Relation;

void relation_init(Relation *relation, MemoryBudget *budget);
void relation_done(Relation *relation);
/* A Sink's callback: copies the batch. */
Status relation_take(void *relation, const Schema *schema, const Batch *batch, Error *err) MUST_CHECK;
/* After the last batch. */
Status relation_finish(Relation *relation, Error *err) MUST_CHECK;

uint32_t relation_blocks(const Relation *relation);
uint32_t relation_block_rows(const Relation *relation, uint32_t block);
/* A block's rows; what has to be read is in `arena`. */
Status relation_block(const Relation *relation, uint32_t block, Arena *arena, Batch *ret_batch, Error *err) MUST_CHECK;
/* Brings back what was spilled, for those who need all rows at once; MEMORY where the budget does not hold them. */
Status relation_load(Relation *relation, Error *err) MUST_CHECK;

/* A quarter of what the budget has left; SIZE_MAX where it has no limit, or nothing may spill. */
size_t relation_share(const MemoryBudget *budget);

#endif
