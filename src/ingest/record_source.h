/* RecordSource: any input file (CSV, NDJSON, Parquet) as blocks of records for any number of threads.
 *
 *   record_source_open -> record_cursor_new (one a thread) -> record_cursor_next until n is 0 -> free
 *
 * A Parquet value comes as the text that CAST AS STRING gives it, so one mapping language serves all forms; its record is
 * the row, and its line the row's number. */
#ifndef FREIGHTLAKE_INGEST_RECORD_SOURCE_H
#define FREIGHTLAKE_INGEST_RECORD_SOURCE_H

#include "base/sha256.h"
#include "ingest/mapping.h"
#include "text/records.h"

typedef struct RecordSource RecordSource;
typedef struct RecordCursor RecordCursor;

typedef struct RecordSourceOptions {
    const char *path;
    const Mapping *mapping;
    MemoryBudget *budget;
    /* Gets every byte of the file, in order, from one thread at a time; NULL: not wanted. */
    Status (*bytes)(void *context, const void *bytes, size_t size, Error *err);
    void *bytes_context;
    Sha256 *hash; /* gets the same bytes, in order; NULL: not wanted */
} RecordSourceOptions;

/* DATA names a column of the mapping that the file does not have. */
Status record_source_open(const RecordSourceOptions *options, RecordSource **ret_source, Error *err) MUST_CHECK;
void record_source_close(RecordSource *source); /* NULL is fine; after its cursors */
uint64_t record_source_bytes(const RecordSource *source);
uint32_t record_source_fields(const RecordSource *source); /* of a block: the mapping's sources, in their order */

Status record_cursor_new(RecordSource *source, RecordCursor **ret_cursor, Error *err) MUST_CHECK;
void record_cursor_free(RecordCursor *cursor); /* NULL is fine */
/* block->n is 0 at the end.  When a cursor fails the others end, too. */
Status record_cursor_next(RecordCursor *cursor, RecordBlock *block, Error *err) MUST_CHECK;
/* The record as it goes into quarantine: its text, or of Parquet a JSON object of all columns. */
void record_cursor_raw(RecordCursor *cursor, const RecordBlock *block, uint32_t row, Buffer *raw);

#endif
