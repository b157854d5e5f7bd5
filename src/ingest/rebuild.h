/* rebuild: a client's part of processed and quarantine, computed again from its raw files under the mapping and the contract
 * of today, and swapped in one transaction.  This is how a wrong mapping is mended. */
#ifndef FREIGHTLAKE_INGEST_REBUILD_H
#define FREIGHTLAKE_INGEST_REBUILD_H

#include "ingest/ingest.h"

typedef struct RebuildResult {
    IngestResult *files; /* oldest first */
    uint32_t n_files;
    uint64_t records, good, rejected;
    int64_t processed_version, quarantine_version; /* after; -1: nothing was committed */
    uint32_t n_relearned;                          /* of files: those the shipments had lost */
    const char **left_out;                         /* names of raw files that were never taken in whole */
    uint32_t n_left_out;
} RebuildResult;

/* Only raw files that were ingested take part: those either table knows, or the history when both have lost them.  CHECK, and nothing is changed, when one is rejected beyond
 * max_rejected_share: *ret_result tells the reasons.  The client's lock is held, lake_recover was called under it. */
Status rebuild(const IngestOptions *options, Arena *job_arena, RebuildResult *ret_result, Error *err) MUST_CHECK;

#endif
