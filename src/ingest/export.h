/* Export: records of quarantine as a file that `ingest` of the same client takes as it is, to be mended by hand. */
#ifndef FREIGHTLAKE_INGEST_EXPORT_H
#define FREIGHTLAKE_INGEST_EXPORT_H

#include "base/pool.h"
#include "ingest/mapping.h"
#include "ingest/quarantine.h"

typedef struct ExportOptions {
    const Lake *lake;
    const Mapping *mapping;
    const DeltaSnapshot *quarantine;
    const QuarantineFilter *filter; /* with its client */
    MemoryBudget *budget;
} ExportOptions;

typedef struct ExportResult {
    uint64_t records; /* written */
    uint64_t
        left_out; /* that cannot stand among others: a quote that does not close, a record that was cut, or (without
                          a header) no record that tells how many columns there are */
} ExportResult;

/* Text clients: header, titles and records in the form of the mapping; UTF-8, behind a byte order mark where the mapping
 * says another encoding.  DATA when the records come from files with different columns. */
Status export_text(const ExportOptions *options, Buffer *text, ExportResult *ret_result, Error *err) MUST_CHECK;
/* The records alone, as quarantine has them, each with a line end. */
Status export_raw(const ExportOptions *options, Buffer *text, ExportResult *ret_result, Error *err) MUST_CHECK;
/* Parquet clients: the rows of one raw file as a Parquet file at `path`.  DATA when they are of several files, or when rows
 * were erased from it, so that the numbers of its rows are others. */
Status export_parquet(const ExportOptions *options, const char *path, Arena *arena, ExportResult *ret_result,
                      Error *err) MUST_CHECK;

#endif
