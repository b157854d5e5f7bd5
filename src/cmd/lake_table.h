/* Tables by the names people type: those of the lake, and Delta tables by their path. */
#ifndef FREIGHTLAKE_CMD_LAKE_TABLE_H
#define FREIGHTLAKE_CMD_LAKE_TABLE_H

#include "cmd/options.h"
#include "delta/snapshot.h"
#include "lake/lake.h"

typedef struct LakeTable {
    const Lake *lake;        /* NULL: not in a lake */
    const char *path;        /* of the Delta table; NULL: the name is none, so it may name files */
    DeltaSnapshot *snapshot; /* NULL where path is */
} LakeTable;

/* Finds what `name` means: a table of the lake, or a folder with a Delta log; loads the version that --version and --as-of
 * ask for.  A plain name with --lake must be a table of it: NOT_FOUND with the nearest name or all of them otherwise. */
Status lake_table_find(const Arguments *arguments, const char *name, Arena *job_arena, LakeTable *ret_table, Error *err)
    MUST_CHECK;
/* The lake to work on, or NULL when there is none and --lake was not given. */
Status lake_if_any(const Arguments *arguments, Arena *job_arena, const Lake **ret_lake, Error *err) MUST_CHECK;
/* --version N, --as-of TIME, or the newest. */
Status lake_version_asked(const Arguments *arguments, DeltaVersion *ret_version, Error *err) MUST_CHECK;

#define TIME_TRAVEL_OPTIONS                                                                                            \
    {.name = "version", .argument = "N", .help = "Read the Delta table as it was at version N"},                       \
    {                                                                                                                  \
        .name = "as-of", .argument = "TIME",                                                                           \
        .help = "Read the Delta table as it was at TIME, such as 2026-06-30T12:00:00Z; UTC when it names no zone"      \
    }

#endif
