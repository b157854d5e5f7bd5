/* publish_mart: a mart's new version, tested and only then committed.  Whoever made it, `run` or a cluster, it becomes the
 * mart's table here and nowhere else.
 *
 *   a Parquet file below the table that no commit names -> the mart's checks on it -> one commit (overwrite, with `txn`)
 *
 * Kill steps: mart_checked, mart_committed. */
#ifndef FREIGHTLAKE_MART_PUBLISH_H
#define FREIGHTLAKE_MART_PUBLISH_H

#include "delta/snapshot.h"
#include "lake/lake.h"
#include "mart/checks.h"

typedef struct MartCandidate {
    const Lake *lake;
    const Mart *mart;
    const char *table;              /* folder of the mart's table */
    const DeltaSnapshot *before;    /* NULL: the mart has no table yet */
    const DeltaSnapshot *shipments; /* the version it was made of */
    const Schema *schema;           /* the mart's, as given to checks_load */
    const char *path;               /* the data file, below the table */
    MartChecks *checks;             /* their outcome is filled in */
    bool rows_may_go;               /* rows were taken out on purpose: row_count_change does not apply */
    const char *job;                /* id, for the commit; NULL: none */
    ThreadPool *pool;
    MemoryBudget *budget;
    /* filled in: */
    bool passed;       /* every check; false, and nothing is committed, otherwise */
    bool may_be_named; /* a commit was tried: the file is not the caller's to remove any more */
    int64_t version;   /* of the commit */
} MartCandidate;

/* CONFLICT, and nothing is committed, when the version it was made of was erased, or another committed meanwhile. */
Status publish_mart(MartCandidate *candidate, Arena *arena, Error *err) MUST_CHECK;
/* Only the checks, on any files with the mart's rows; rows_before -1: there is no version to compare their count with. */
Status publish_check(MartCandidate *candidate, const TableFiles *files, int64_t rows_before, Arena *arena, Error *err)
    MUST_CHECK;

/* The `txn` by which a table says of which version of the shipments this definition made it. */
const char *publish_app_id(const Mart *mart, Arena *arena);

#endif
