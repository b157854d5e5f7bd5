/* ShipmentFile: good shipments of one thread, gathered and written as data files sorted by shipment_date.
 *
 *   shipment_file_new -> shipment_file_append per block -> shipment_file_flush at the end -> the files written
 *
 * A data file is written whenever SHIPMENT_FILE_ROWS are there, which bounds memory whatever the input's size.  Files lie
 * in the table's folder and are no part of the table until they are committed. */
#ifndef FREIGHTLAKE_INGEST_SHIPMENT_FILE_H
#define FREIGHTLAKE_INGEST_SHIPMENT_FILE_H

#include "delta/commit.h"
#include "ingest/convert.h"

#define SHIPMENT_FILE_ROWS 1048576u
#define SHIPMENT_FILE_ROW_GROUP_ROWS 262144u

typedef struct ShipmentFile ShipmentFile;

typedef struct ShipmentFileOptions {
    const DeltaSnapshot *table; /* processed/shipments */
    const char *client;
    const char *source_file;
    int64_t ingested_at_us;
} ShipmentFileOptions;

/* Keeps `options`, which outlive it. */
ShipmentFile *shipment_file_new(const ShipmentFileOptions *options);
/* Takes rows selected[0..n) of the block. */
Status shipment_file_append(ShipmentFile *file, const ConvertedBlock *block, const uint32_t *selected, uint32_t n,
                            Error *err) MUST_CHECK;
Status shipment_file_flush(ShipmentFile *file, Error *err) MUST_CHECK;
uint64_t shipment_file_rows(const ShipmentFile *file);
/* The data files written so far, owned by the ShipmentFile. */
const DeltaFile *shipment_file_files(const ShipmentFile *file, uint32_t *ret_n);
void shipment_file_free(ShipmentFile *file);

/* The columns of a data file in their order: those of the table but the partition column; ret_ids[i] is the contract's
 * column of field i.  In `arena`. */
Schema shipment_file_schema(Arena *arena, ShipmentColumnId *ret_ids /* SHIPMENT_COLUMN_COUNT */);

#endif
