/* Duplicates: which record of an id stays, for clients whose policy is reject or latest.
 *
 *   first pass: duplicates_see for every good record -> duplicates_settle looks into the table
 *   -> second pass: duplicates_verdict for every good record
 *
 * The file is read twice, so that the answer does not depend on threads and memory is one small entry an id (reserved from
 * the budget), not the records. */
#ifndef FREIGHTLAKE_INGEST_DUPLICATES_H
#define FREIGHTLAKE_INGEST_DUPLICATES_H

#include "base/pool.h"
#include "delta/commit.h"
#include "ingest/convert.h"

typedef struct Duplicates Duplicates;

typedef enum DuplicateVerdict {
    DUPLICATE_STAYS,
    DUPLICATE_REJECTED,   /* reject: the id is in the table, or an earlier record of the file has it */
    DUPLICATE_SUPERSEDED, /* latest: a newer record has the id */
    DUPLICATE_UNSEEN      /* the first pass did not see the id: the file is another one by now */
} DuplicateVerdict;

/* Records of several files are told apart by their lines: those of the nth file count from n * this. */
#define DUPLICATE_FILE_LINES ((int64_t)1 << 40)

Duplicates *duplicates_new(DuplicatePolicy policy, MemoryBudget *budget);
/* The records are of n files that came at these instants (ascending; kept), some perhaps before rows that are in the table:
 * of equal updated_at the one that came later wins.  Without it all records are newer than the table. */
void duplicates_of_files(Duplicates *duplicates, const int64_t *arrived_us, uint32_t n);
void duplicates_free(Duplicates *duplicates); /* NULL is fine */

/* Record `row` of the block, on line `line`.  Thread-safe.  MEMORY when there are more ids than the budget holds. */
Status duplicates_see(Duplicates *duplicates, const ConvertedBlock *block, uint32_t row, int64_t line, Error *err)
    MUST_CHECK;

/* The client's text for the id, as a reason gives it. */
StrView duplicates_id_text(const Mapping *mapping, const RecordBlock *block, uint32_t row);

/* Rows of the table that make way (policy latest). */
typedef struct DuplicateFile {
    const DeltaFile *file;
    uint8_t *dropped; /* per row */
    uint64_t n_dropped;
} DuplicateFile;
/* Compares with the client's rows of the table.  *ret_files is in `arena`; empty under reject. */
Status duplicates_settle(Duplicates *duplicates, const DeltaSnapshot *table, const char *client, Arena *arena,
                         DuplicateFile **ret_files, uint32_t *ret_n, Error *err) MUST_CHECK;
DuplicateVerdict duplicates_verdict(const Duplicates *duplicates, const ConvertedBlock *block, uint32_t row,
                                    int64_t line);

#endif
