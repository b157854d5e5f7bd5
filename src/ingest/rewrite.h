/* Rewriting a data file of a Delta table without some of its rows: copy-on-write. */
#ifndef FREIGHTLAKE_INGEST_REWRITE_H
#define FREIGHTLAKE_INGEST_REWRITE_H

#include "delta/commit.h"

/* Writes what is left of `file` to a new data file of the same partition, rows in their order; dropped[row] marks the rows
 * that go.  *ret_rows is how many are left; when none is, no file is written and *ret_file is untouched.  In `arena`. */
Status rewrite_without(const DeltaSnapshot *snapshot, const DeltaFile *file, const uint8_t *dropped,
                       MemoryBudget *budget, Arena *arena, DeltaFile *ret_file, uint64_t *ret_rows, Error *err)
    MUST_CHECK;

/* The same for a Parquet file of no table: replaces the file at `path`. */
Status rewrite_plain(ParquetFile *file, const uint8_t *dropped, const char *path, Error *err) MUST_CHECK;

/* Opens a data file. */
Status rewrite_open(const DeltaSnapshot *snapshot, const DeltaFile *file, MemoryBudget *budget, Arena *arena,
                    ParquetFile **ret_file, Error *err) MUST_CHECK;
/* Gives blocks of at most 65,536 rows of the named columns, in order; `first` is the block's first row of the file.
 * DATA when the file lacks a column. */
typedef Status (*RewriteBlock)(void *context, uint64_t first, uint32_t n, const Vector *columns, Error *err);
Status rewrite_read(ParquetFile *file, const char *const *names, uint32_t n_names, RewriteBlock block, void *context,
                    Error *err) MUST_CHECK;

#endif
