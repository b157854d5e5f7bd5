/* BadRows: which rows are bad, and how.
 *
 * Of R rows exactly R x share (to within one row) are bad of each kind.  Rows are dealt to kinds by a random
 * permutation of the row numbers that is computed row by row, so no list is kept and any thread can ask about any
 * row. */
#ifndef FREIGHTLAKE_GENERATE_BAD_H
#define FREIGHTLAKE_GENERATE_BAD_H

#include "generate/model.h"

typedef struct BadRows {
    uint64_t rows;
    uint64_t ends[GENERATE_BAD_COUNT]; /* places before ends[k], from ends[k - 1] on, are bad of kind k */
    uint64_t key;
    uint32_t left_bits;
    uint32_t right_bits;
} BadRows;

void bad_rows_init(BadRows *bad, const GenerateOptions *options);
/* GENERATE_BAD_COUNT: the row is good. */
GenerateBadKind bad_rows_kind(const BadRows *bad, uint64_t row);
/* Makes the bad rows of a filled block bad, and adds them to `counts`. */
void bad_rows_apply(const BadRows *bad, const Model *model, Block *block, uint64_t counts[GENERATE_BAD_COUNT]);

#endif
