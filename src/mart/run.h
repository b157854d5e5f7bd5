/* mart_run: shipments in Parquet -> marts, each a Parquet file that is replaced whole or not at all.
 *
 *   list and open the files -> plan every mart -> check every plan against every file -> make temporary files
 *   -> one shared scan feeds all marts -> commit them one after the other
 *
 * Until the first commit nothing that readers see has changed; on any failure every temporary file is discarded. */
#ifndef FREIGHTLAKE_MART_RUN_H
#define FREIGHTLAKE_MART_RUN_H

#include "exec/exec.h"
#include "mart/registry.h"

typedef struct MartRunOptions {
    const char *from; /* file, folder or glob */
    const char *to;   /* folder: mart NAME becomes TO/NAME/NAME.parquet */
    const Mart *const *marts;
    uint32_t n_marts;
    ThreadPool *pool;
    MemoryBudget *budget;
    void (*progress)(void *context, uint64_t rows_done, uint64_t rows_total); /* from worker threads; may be NULL */
    void *progress_context;
} MartRunOptions;

typedef struct MartResult {
    const Mart *mart;
    const char *path;
    uint64_t rows;
    uint64_t bytes;
} MartResult;

typedef struct MartRunResult {
    MartResult *marts; /* in the order of the options */
    uint32_t n_marts;
    uint32_t files;
    uint64_t cleaned; /* temporary files of dead processes that were removed */
    ScanStatistics scan;
    double seconds;
} MartRunResult;

/* The result's memory is job_arena's.  An error in a mart's SQL names its file, or the mart when it is built in. */
Status mart_run(const MartRunOptions *options, Arena *job_arena, MartRunResult *ret_result, Error *err) MUST_CHECK;

/* "TO/NAME/NAME.parquet" */
char *mart_path(Arena *arena, const char *to, const char *name);

/* Plans one mart over the shipment's schema; see mart_run for errors. */
Status mart_plan(const Mart *mart, Arena *query_arena, PlanNode **ret_plan, Error *err) MUST_CHECK;

/* The first max_rows rows (0: all) of a Parquet file in its order, as batches. */
typedef struct MartReadOptions {
    uint64_t max_rows;
    void *context;
    Status (*batch)(void *context, const Schema *schema, const Batch *batch, Error *err);
} MartReadOptions;
Status mart_read(ParquetFile *file, const MartReadOptions *options, Error *err) MUST_CHECK;

#endif
