/* Sorted runs: rows as bytes (row_code.h), sorted by memcmp, in spill files; merged into one sequence.
 *
 *   SortRunWriter  one thread's runs, one after the other in a file of its own
 *   SortMerge      the rows of many runs in order.  Where they are more than its memory has buffers for, groups of them are
 *                  merged into longer ones first, as often as it takes
 *
 * A row in a run is its size in four bytes and its bytes. */
#ifndef FREIGHTLAKE_EXEC_SORT_RUNS_H
#define FREIGHTLAKE_EXEC_SORT_RUNS_H

#include "base/memory.h"
#include "base/spill.h"

typedef struct SortRun {
    const SpillFile *file;
    uint64_t offset;
    uint64_t size;
} SortRun;

typedef struct SortRunWriter {
    SpillSpace *space;
    SpillFile *file; /* made with the first run */
    Buffer buffer;
    uint64_t start; /* of the run that is being written */
    SortRun *runs;
    uint32_t n_runs;
} SortRunWriter;

void sort_run_writer_init(SortRunWriter *writer, SpillSpace *space);
void sort_run_writer_done(SortRunWriter *writer);
Status sort_run_begin(SortRunWriter *writer, Error *err) MUST_CHECK;
/* Rows in ascending order. */
Status sort_run_put(SortRunWriter *writer, const void *row, uint32_t size, Error *err) MUST_CHECK;
Status sort_run_end(SortRunWriter *writer, Error *err) MUST_CHECK;

typedef struct SortMerge SortMerge;
/* memory_bytes is for all buffers together; fewer than SORT_MERGE_LEAST_BYTES are taken as that. */
#define SORT_MERGE_LEAST_BYTES ((size_t)256 << 10)
Status sort_merge_new(const SortRun *runs, uint32_t n_runs, SpillSpace *space, size_t memory_bytes,
                      SortMerge **ret_merge, Error *err) MUST_CHECK;
void sort_merge_free(SortMerge *merge);
/* The next row, which lives until the next call; *ret_row is NULL after the last. */
Status sort_merge_next(SortMerge *merge, const uint8_t **ret_row, uint32_t *ret_size, Error *err) MUST_CHECK;

#endif
