/* Join: rows of a stream beside their partners among rows in memory.
 *
 * The right side of a join (plan.h, PLAN_JOIN) is a relation; a JoinTable is that relation with a hash table over its keys,
 * read-only once made, so that all threads look into it.  Keys are equal as `=` has it: NULL equals nothing, NaN equals
 * itself, -0 equals 0. */
#ifndef FREIGHTLAKE_EXEC_JOIN_H
#define FREIGHTLAKE_EXEC_JOIN_H

#include "exec/relation.h"

typedef struct JoinTable JoinTable;

/* Rows of the right side, from a relation, or of a part of a spill file. */
typedef struct JoinRows {
    const Relation *relation; /* NULL: the file's */
    const BatchFile *file;
    uint32_t part;
    uint32_t first_extent, end_extent;
} JoinRows;
uint64_t join_rows_count(const JoinRows *rows);
uint32_t join_rows_blocks(const JoinRows *rows);
Status join_rows_block(const JoinRows *rows, uint32_t block, Arena *arena, Batch *ret_batch, Error *err) MUST_CHECK;
/* About what a table of them takes beside a relation's own memory. */
size_t join_table_estimate(const PlanNode *join, const JoinRows *rows);
/* Hashes of FLAT keys; *ret_null is NULL when no key of any row is, else says which rows have a NULL. */
uint64_t *join_hash_keys(const Vector *const *keys, uint32_t n_keys, uint32_t n, Arena *arena, uint8_t **ret_null);

/* Made by all threads of the pool, which must be idle.  A relation must outlive the table.  Memory is reserved from the budget
 * (MEMORY). */
Status join_table_new(const PlanNode *join, const JoinRows *rows, ThreadPool *pool, MemoryBudget *budget,
                      JoinTable **ret_table, Error *err) MUST_CHECK;
void join_table_free(JoinTable *table);
uint32_t join_table_rows(const JoinTable *table);
size_t join_table_bytes(const JoinTable *table);
/* Column `column` of the rows, one for each of `rows`, where JOIN_NONE is a row of NULLs: codes into what is held, or, of
 * many held rows, the values themselves.  In `arena`. */
Vector join_table_column(const JoinTable *table, uint32_t column, const uint32_t *rows, uint32_t n, Arena *arena);

#define JOIN_NONE UINT32_MAX

/* Walks the partners of n rows. */
typedef struct JoinProbe {
    const JoinTable *table;
    const Vector *keys;     /* FLAT: of the stream's rows, or, with `codes`, of the entries that these are codes of */
    const uint64_t *words;  /* of the keys, as the table's entries have them */
    const uint32_t *codes;  /* per row; NULL: a key is a row's */
    const uint32_t *firsts; /* the first partner of each key */
    uint32_t n;
    bool with_none; /* a row without a partner comes once, with JOIN_NONE */
    uint32_t row;   /* the next */
    uint32_t at;    /* the partner looked at last; JOIN_NONE: none yet */
} JoinProbe;

/* `keys` and what they point to must live as long as the probe. */
void join_probe_begin(JoinProbe *probe, const JoinTable *table, const Vector *keys, uint32_t n, bool with_none,
                      Arena *arena);
/* Before any pair is taken: the rows that have a partner, ascending; returns how many. */
uint32_t join_probe_found(const JoinProbe *probe, uint32_t *ret_rows);
/* Up to `room` pairs; returns how many, 0 at the end.  Pairs come in the order of the stream's rows. */
uint32_t join_probe_next(JoinProbe *probe, uint32_t *ret_left, uint32_t *ret_right, uint32_t room);

#endif
