/* Staging: what a lake and a cluster that makes its marts hand each other.
 *
 *   LAKE/_freightlake/staging/ID/plan.json      written by the lake: what is to be made, of which files
 *   LAKE/_freightlake/staging/ID/MART/.../NAME.parquet   written by the cluster, any number of them
 *   LAKE/_freightlake/staging/ID/outcome.json   written by the cluster, last: what it made
 *
 * plan.json
 *   run, prepared_at
 *   again       whether marts that are up to date are to be made anew, too
 *   shipments   {version, location, schema: [{name, type, nullable}], partition_columns: [name],
 *               files: [{path, size, rows, partition_values: {name: text or null}}]}; types by Spark's names; paths are absolute
 *               or s3:// URLs; the partition columns are in no file
 *   marts       as export_append_mart writes them
 *
 * outcome.json
 *   run, engine, engine_version, outcome ("ok" or "failed"), error (text or null), shipments_version, seconds
 *   marts       [{name, hash (the definition's), outcome, error, rows, seconds, files: ["MART/part-....parquet"]}]
 * "failed" without an error of its own: some marts failed, and the others may be published
 *
 * A cluster reads no Delta log and writes none: the plan names the files of one version, and staged_publish commits. */
#ifndef FREIGHTLAKE_MART_STAGING_H
#define FREIGHTLAKE_MART_STAGING_H

#include "delta/snapshot.h"
#include "lake/lake.h"
#include "mart/export.h"

/* Letters, digits, '-' and '_', at most 64, starting with a letter or digit: USAGE otherwise. */
Status staging_check_id(const char *id, Error *err) MUST_CHECK;
const char *staging_folder(const Lake *lake, const char *id, Arena *arena);

/* What is to be made, of the newest version of the shipments. */
typedef struct StagingPlan {
    DeltaSnapshot *shipments;
    PlannedMart *marts;
    uint32_t n_marts;
    bool again; /* marts that are up to date are among them, and are to be published all the same */
} StagingPlan;

typedef struct StagingRequest {
    const Lake *lake;
    const char *id; /* of the run */
    const Mart *const *marts;
    uint32_t n_marts;
    bool only_stale;                                  /* of the marts, those that are not up to date */
    void (*waiting)(void *context, const char *lock); /* for another run; may be NULL */
} StagingRequest;

/* Under the lock "run": sweeps, chooses the marts, and writes plan.json unless there is nothing to make.  USAGE when there is
 * a plan of this id. */
Status staging_plan(const StagingRequest *request, Arena *arena, StagingPlan *ret_plan, Error *err) MUST_CHECK;

typedef struct StagedMart {
    const char *name;
    const char *definition_hash; /* of the plan */
    const char *error; /* why the cluster could not make it; NULL: it did.  Then there are no rows and files. */
    uint64_t rows;
    const char **files; /* whole paths */
    uint32_t n_files;
} StagedMart;

typedef struct StagedRun {
    const char *id;
    const char *engine; /* "spark 3.5.9" */
    int64_t shipments_version;
    bool again;
    double seconds;
    StagedMart *marts; /* of the plan that the cluster was to make */
    uint32_t n_marts;
} StagedRun;

/* A run whose job has ended.  NOT_FOUND without a plan or an outcome; DATA when the cluster made no mart at all, with its
 * message; CORRUPT when the two do not fit. */
Status staging_read(const Lake *lake, const char *id, Arena *arena, StagedRun *ret_run, Error *err) MUST_CHECK;
typedef struct StagingFolder {
    const char *id;
    bool planned; /* false: its plan is gone, and what lies there is what a cluster wrote too late, or before it died */
} StagingFolder;

/* Whether the run's plan is there: it was neither published, given up nor erased. */
Status staging_is_planned(const Lake *lake, const char *id, Arena *arena, bool *ret_planned, Error *err) MUST_CHECK;
/* What lies in staging, sorted by id. */
Status staging_list(const Lake *lake, Arena *arena, StagingFolder **ret_folders, uint32_t *ret_n, Error *err)
    MUST_CHECK;
/* The plan goes first, so that a job that is still at work sees that its files are unwanted. */
Status staging_remove(const Lake *lake, const char *id, Arena *arena, Error *err) MUST_CHECK;
/* Removes the folders without a plan; *ret_removed counts them.  The lock "run" is held. */
Status staging_sweep(const Lake *lake, Arena *arena, uint32_t *ret_removed, Error *err) MUST_CHECK;

#endif
