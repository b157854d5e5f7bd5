/* ingest: client files -> raw copy, good rows in processed/shipments, bad rows in quarantine/shipments, exactly once.
 *
 *   read + hash + raw copy -> records -> canonical columns -> contract and client rules -> data files
 *   -> one transaction over both tables (lake/transaction.h), application id "freightlake/ingest/CLIENT/SHA256"
 *
 * A file that the log already knows is passed over.  A file rejected beyond max_rejected_share commits nothing.  Killed
 * anywhere, the next start finishes or forgets, and each record is there once. */
#ifndef FREIGHTLAKE_INGEST_INGEST_H
#define FREIGHTLAKE_INGEST_INGEST_H

#include "base/pool.h"
#include "ingest/duplicates.h"
#include "ingest/mapping.h"
#include "ingest/raw.h"
#include "ingest/tables.h"

/* A reason code and how many records it hit, with an example. */
typedef struct IngestReason {
    const char *code;
    const char *column; /* canonical; "" when it is of the record */
    uint64_t records;
    const char *example_message;
    const char *example_value;
    int64_t example_row;
} IngestReason;

typedef enum IngestOutcome {
    INGEST_DONE,
    INGEST_KNOWN,   /* these very bytes were taken in already */
    INGEST_REFUSED, /* more rejected than max_rejected_share: nothing was committed */
    INGEST_DRY_RUN
} IngestOutcome;

typedef struct IngestResult {
    const char *file; /* as given */
    char hash[65];    /* SHA-256 */
    uint64_t bytes;
    IngestOutcome outcome;
    uint64_t records, good, rejected;
    uint64_t blank;      /* further ones, whose every field is empty, as a spreadsheet leaves them at its end */
    uint64_t superseded; /* good records of the file that a newer one of the same id made way for (policy latest) */
    uint64_t replaced;   /* records of the table that made way for newer ones of the file (policy latest) */
    double rejected_share, max_rejected_share;
    int64_t processed_version, quarantine_version; /* after; -1: nothing committed there */
    int64_t
        undone_version; /* of a known file: the version of the shipments whose restore took its rows out; -1: they are in */
    IngestReason *reasons; /* most frequent first */
    uint32_t n_reasons;
    double seconds;
} IngestResult;

typedef struct IngestOptions {
    const Lake *lake;
    const Mapping *mapping;
    const char *job; /* id, for the commits; NULL: none */
    bool dry_run;
    IngestTables *tables; /* kept from file to file; NULL: a dry run without them (onboard's report) */
    ThreadPool *pool;
    MemoryBudget *budget;
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total); /* may be NULL */
    void *progress_context;
} IngestOptions;

/* One file.  The client's lock is held by the caller (lake_lock "client-NAME"), lake_recover was called under it. */
Status ingest_file(const IngestOptions *options, const char *file, Arena *job_arena, IngestResult *ret_result,
                   Error *err) MUST_CHECK;

/* The mark of a raw file that was erased: a file that holds the version of its transaction then, so that the same bytes may
 * be ingested again (with the next version). */
const char *ingest_erased_mark(const Lake *lake, const char *client, const char *hash, Arena *arena);
/* What the mark says; -1: the file was not erased. */
int64_t ingest_erased_version(const Lake *lake, const char *client, const char *hash, Arena *arena);
/* The `txn` by which the tables know a file. */
const char *ingest_app_id(const char *client, const char *hash, Arena *arena);

/* ---- For rebuild: a file of the raw zone, parsed and not committed ---- */

typedef struct IngestFiles {
    const DeltaFile *shipments, *quarantine; /* data files in place that no commit names */
    uint32_t n_shipments, n_quarantine;
} IngestFiles;

typedef struct IngestRaw {
    const RawFile *raw;
    const DeltaSnapshot *processed, *quarantine; /* the tables' places and columns */
    Duplicates *duplicates;                      /* NULL: ids may repeat */
    int64_t line_base; /* added to lines when ids are compared, so that lines of several files differ */
    bool seeing;       /* the first pass: ids only, no data files */
} IngestRaw;

/* CORRUPT when the raw file is not what its name says.  With outcome INGEST_REFUSED there are no data files. */
Status ingest_raw_file(const IngestOptions *options, const IngestRaw *raw, Arena *job_arena, IngestResult *ret_result,
                       IngestFiles *ret_files, Error *err) MUST_CHECK;
/* Removes data files that no commit will name; what cannot be removed is left to vacuum. */
void ingest_remove_files(const char *table, const DeltaFile *files, uint32_t n, Arena *arena);

#endif
