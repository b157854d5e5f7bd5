/* QuarantineFile: rejected records of one thread, gathered and written as data files of quarantine/shipments.
 *
 * quarantine_file_new -> quarantine_file_append per record -> quarantine_file_flush when it is full, and at the end.  A
 * data file is no part of the table until it is committed. */
#ifndef FREIGHTLAKE_INGEST_QUARANTINE_FILE_H
#define FREIGHTLAKE_INGEST_QUARANTINE_FILE_H

#include "delta/commit.h"
#include "ingest/convert.h"

#define QUARANTINE_FILE_BYTES ((size_t)64 << 20)

typedef struct QuarantineFile QuarantineFile;

typedef struct QuarantineFileOptions {
    const DeltaSnapshot *table; /* quarantine/shipments */
    const char *client;
    const char *mapping_hash;
    int64_t ingested_at_us;
} QuarantineFileOptions;

typedef struct QuarantineRecord {
    StrView source_file;
    StrView source_hash; /* empty: the one given to the flush */
    int64_t source_row;
    StrView raw;
    StrView reasons; /* JSON, see quarantine_append_reasons */
} QuarantineRecord;

/* Keeps `options`, which outlive it. */
QuarantineFile *quarantine_file_new(const QuarantineFileOptions *options);
void quarantine_file_append(QuarantineFile *file, const QuarantineRecord *record);
bool quarantine_file_is_full(const QuarantineFile *file); /* QUARANTINE_FILE_BYTES are gathered */
Status quarantine_file_flush(QuarantineFile *file, const char *source_hash, Error *err) MUST_CHECK;
const DeltaFile *quarantine_file_files(const QuarantineFile *file, uint32_t *ret_n);
void quarantine_file_free(QuarantineFile *file);

/* [{"code":"not_a_date","column":"delivery_date","value":"31-Feb","message":"..."}, ...] */
void quarantine_append_reasons(Buffer *json, const RecordReason *reasons, uint32_t n);

#endif
