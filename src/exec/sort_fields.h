/* SortFields: a row as a few bits, when everything in it comes from dictionaries.
 *
 * Before the scan all dictionaries of a column are read and merged into one, sorted in the order that the sort key wants;
 * a row's value is then its rank there, a field of as many bits as the largest rank needs.  Fields stand in the order of
 * the sort keys, the first in the highest bits, so that comparing (key, payload) as one 128-bit number compares the rows,
 * ties broken by the remaining columns and all; and the sorted ranks are the codes of the output file's dictionaries. */
#ifndef FREIGHTLAKE_EXEC_SORT_FIELDS_H
#define FREIGHTLAKE_EXEC_SORT_FIELDS_H

#include "exec/eval.h"
#include "exec/scan.h"

#define SORT_FIELDS_SHARE 4 /* all fields of a sort may take the fourth part of the memory */

typedef struct SortField {
    uint32_t column; /* of the sort's child */
    uint32_t scan_column;
    bool descending;
    bool nulls_first;
    uint32_t n; /* distinct values, NULL included */
    int word;   /* 0: in the key, 1: in the payload */
    int shift;
    int bits;
    Vector entries;         /* FLAT, ascending and distinct, NULL last: what the output's dictionary will be */
    uint32_t *code_of_rank; /* NULL where rank and code are the same */
    uint32_t **ranks;       /* [task][code of the task's dictionary]; NULL for a task that is skipped */
} SortField;

/* Tries to make a field of `expr` (over scan columns by column_map).  *ret_possible is false when some chunk has no
 * complete dictionary, there are too many values, or the dictionaries do not fit in their share of the budget.  Memory from `arena`;
 * *inout_reserved is what the budget has been told of it, for the caller to release. */
Status sort_field_build(SortField *field, const Expr *expr, const uint32_t *column_map, const ScanPlan *plan,
                        const bool *skip_task, MemoryBudget *budget, Arena *arena, size_t *inout_reserved,
                        bool *ret_possible, Error *err) MUST_CHECK;
/* words[i] |= rank << shift for the rows of a DICT vector of the task. */
void sort_field_pack(const SortField *field, uint32_t task, const Vector *vector, uint32_t n, uint64_t *words);
/* The values again: a DICT vector on field->entries with memory from `arena`.  step: distance of the words. */
Vector sort_field_unpack(const SortField *field, const uint64_t *words, size_t step, uint32_t n, Arena *arena);

#endif
