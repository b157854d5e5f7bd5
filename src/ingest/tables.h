/* IngestTables: shipments and quarantine as the files of a job find them, one after the other.
 *
 * A table is loaded again only when another version of it is there: of thousands of files that are known already each costs a
 * look at the log's folder. */
#ifndef FREIGHTLAKE_INGEST_TABLES_H
#define FREIGHTLAKE_INGEST_TABLES_H

#include "delta/snapshot.h"
#include "lake/lake.h"

typedef struct IngestTables {
    Arena processed_arena, quarantine_arena;
    DeltaSnapshot *processed, *quarantine; /* NULL: not loaded yet */
    DeltaCommitInfo *commits;              /* of the processed version's log, newest first; NULL: not read yet */
    uint32_t n_commits;
} IngestTables;

void ingest_tables_init(IngestTables *tables);
void ingest_tables_done(IngestTables *tables);
/* Brings both up to their newest versions.  What an older version had is gone then. */
Status ingest_tables_load(IngestTables *tables, const Lake *lake, Error *err) MUST_CHECK;
/* Reads `commits`. */
Status ingest_tables_read_log(IngestTables *tables, Error *err) MUST_CHECK;

#endif
