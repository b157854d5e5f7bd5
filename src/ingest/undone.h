/* Whether a file that the shipments know was taken out of them by `table restore`.
 *
 * Restoring takes no transaction back: a file stays known, so that what a restore undid does not come back with the next job
 * that finds the file in its inbox.  Whoever gives it again is told why nothing happens. */
#ifndef FREIGHTLAKE_INGEST_UNDONE_H
#define FREIGHTLAKE_INGEST_UNDONE_H

#include "ingest/tables.h"

/* *ret_restore: the version that took the file's rows out; -1: they are in, or the log no longer tells. */
Status ingest_find_undone(IngestTables *tables, const char *client, const char *hash, int64_t *ret_restore, Error *err)
    MUST_CHECK;

#endif
