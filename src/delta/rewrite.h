/* Rewriting the data files of one partition as one file: what compaction does with each bin of small files.
 *
 * Not for other layers. */
#ifndef FREIGHTLAKE_DELTA_REWRITE_H
#define FREIGHTLAKE_DELTA_REWRITE_H

#include "delta/commit.h"

#define REWRITE_MAX_ROWS ((uint64_t)1 << 31)

typedef struct DeltaRewrite {
    const DeltaSnapshot *snapshot;
    const DeltaFile *const *files; /* of one partition */
    uint32_t n_files;
    int sort_column; /* index into the table's schema; -1: rows as they come */
    MemoryBudget *budget;
} DeltaRewrite;

/* Writes the rows of all files to one, in place and durable, and describes it.  Columns that a file lacks are NULL.  The
 * number of rows is checked against what the log says: CORRUPT when it differs.  A file that is gone is NOT_FOUND.  On
 * failure nothing is left behind.  Thread-safe for different results; *ret_file is in `arena`. */
Status delta_rewrite(const DeltaRewrite *rewrite, Arena *arena, DeltaFile *ret_file, Error *err) MUST_CHECK;

/* Whether rows can be brought into the order of a column of this type: all but text, bytes and wide decimals. */
bool rewrite_can_sort(DataType type);
/* A number that orders as the values do; NULL before all. */
int64_t rewrite_sort_key(DataType type, const void *value, bool valid);

/* The same values as codes of a sorted dictionary, when there are few enough different numbers for it to pay; all in
 * `arena` but *dictionary, which the result points to. */
bool rewrite_dictionary(const Vector *values, Arena *arena, Vector *dictionary, Vector *ret_coded);

#endif
