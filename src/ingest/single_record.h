/* SingleRecord: records of quarantine, one at a time, as blocks of one record.
 *
 * A record of a text file is read as it would be in its file, with the columns of that file's header; one of Parquet is a JSON
 * object.  One at a time, because a quote that does not close must not swallow the next. */
#ifndef FREIGHTLAKE_INGEST_SINGLE_RECORD_H
#define FREIGHTLAKE_INGEST_SINGLE_RECORD_H

#include "ingest/mapping.h"
#include "text/records.h"

typedef struct SingleRecord SingleRecord;

Status single_record_new(const Lake *lake, const Mapping *mapping, SingleRecord **ret_single, Error *err) MUST_CHECK;
void single_record_free(SingleRecord *single); /* NULL is fine */
/* Reads `raw`, which came from the raw file `source_hash`, into the returned block, which lives until the next call.
 * NOT_FOUND when the raw file is gone; DATA when it lacks a column of the mapping. */
Status single_record_read(SingleRecord *single, StrView source_hash, StrView raw, int64_t line, RecordBlock **ret_block,
                          Error *err) MUST_CHECK;
/* The header of a raw CSV file as a line of CSV; "" for other forms.  Lives as long as the SingleRecord. */
Status single_record_header(SingleRecord *single, StrView source_hash, const char **ret_header, Error *err) MUST_CHECK;

#endif
