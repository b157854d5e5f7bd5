/* JoinParts: a join whose right side does not fit in memory.
 *
 * The right side's rows are dealt into parts by the hash of their keys, in a spill file, and so are the rows that look for
 * partners (join_parts_park): partners are in parts of the same number.  When all are there, the parts are joined one after
 * the other: join_part_open makes of one either a table, which its parked rows go by, or, where it still does not fit, parts
 * of it by other bits of the hash, into which the parked rows are parked again.  Of a part that is all one key, and so cannot
 * be parted, it makes several tables, which all of the part's parked rows go by; that would not do for an outer join, whose
 * row without a partner has none in all of them: there one table is made, which may fail with MEMORY. */
#ifndef FREIGHTLAKE_EXEC_JOIN_PARTS_H
#define FREIGHTLAKE_EXEC_JOIN_PARTS_H

#include "exec/join.h"

typedef struct JoinParts JoinParts;

/* The right side of a join while rows go by: one of the two. */
typedef struct JoinSide {
    const PlanNode *join;
    JoinTable *table;
    JoinParts *parts;
    double seconds; /* that opening it took */
} JoinSide;

/* A table where it fits in a share of the memory, or nothing may spill; else parts. */
Status join_side_open(const PlanNode *join, const Relation *rows, ThreadPool *pool, MemoryBudget *budget,
                      JoinSide *ret_side, Error *err) MUST_CHECK;
void join_side_close(JoinSide *side);

/* For one thread's rows; freed by the thread after join_parts_flush. */
typedef struct JoinParker JoinParker;
Status join_parker_new(JoinParts *parts, JoinParker **ret_parker, Error *err) MUST_CHECK;
void join_parker_free(JoinParker *parker); /* may be NULL */
/* Puts rows by: their columns (those of the join's child) and FLAT keys. */
Status join_parker_put(JoinParker *parker, const Vector *columns, const Vector *keys, uint32_t n, Arena *arena,
                       Error *err) MUST_CHECK;
Status join_parker_flush(JoinParker *parker, Error *err) MUST_CHECK;

uint32_t join_parts_count(const JoinParts *parts);
/* What was parked in a part, once all parkers are flushed: n extents. */
uint32_t join_parts_extents(const JoinParts *parts, uint32_t part);
Status join_parts_read(const JoinParts *parts, uint32_t part, uint32_t extent, Arena *arena, Batch *ret_batch,
                       Error *err) MUST_CHECK;
/* Opens what of the part's right side begins at *at, 0 at first; *at is UINT32_MAX when it was the last. */
Status join_part_open(JoinParts *parts, uint32_t part, uint32_t *at, ThreadPool *pool, JoinSide *ret_side, Error *err)
    MUST_CHECK;
/* Counts a closed part's spills with those of what it is a part of. */
void join_parts_note(JoinParts *parts, const JoinSide *part);

typedef struct JoinSpill {
    uint32_t n_parts;
    uint32_t parted_again;
    uint64_t held_bytes;   /* written of the right side */
    uint64_t parked_bytes; /* and of the other */
    uint64_t held_rows;
} JoinSpill;
JoinSpill join_parts_spill(const JoinParts *parts);

#endif
