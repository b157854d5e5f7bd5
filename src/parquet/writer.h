/* ParquetWriter: writes one Parquet file through a StorageWriter.
 *
 * Two ways in, which may not be mixed in one file:
 *  - rows: parquet_write_batch in order, one thread; row groups are cut every row_group_rows rows; columns get a
 *    dictionary while it pays and fall back to PLAIN.
 *  - chunks: row groups encoded by several threads at once with parquet_encode_row_group and handed over in order
 *    with parquet_append_row_group; this is what the sort's parallel output uses.
 * Files carry statistics, page index (column and offset index), page CRCs and created_by "freightlake version X".
 * The bytes depend only on the rows and options, never on threads or time. */
#ifndef FREIGHTLAKE_PARQUET_WRITER_H
#define FREIGHTLAKE_PARQUET_WRITER_H

#include "columnar/vector.h"
#include "storage/storage.h"

typedef struct ParquetWriter ParquetWriter;
typedef struct ParquetEncodedRowGroup ParquetEncodedRowGroup;

typedef enum ParquetCodec { PARQUET_UNCOMPRESSED, PARQUET_SNAPPY, PARQUET_ZSTD } ParquetCodec;

typedef struct ParquetWriterOptions {
    ParquetCodec codec; /* a chunk whose first page does not shrink by more than a tenth is stored UNCOMPRESSED as a
                               * whole; with snappy, PLAIN numbers must shrink to two fifths to be worth their time */
    uint32_t row_group_rows; /* 0: 1,048,576 */
    uint32_t page_rows;      /* 0: 65,536 */
    bool no_dictionary;
} ParquetWriterOptions;

/* Keeps `schema` and `writer` (neither is owned; commit or discard the StorageWriter after parquet_finish). */
Status parquet_writer_new(StorageWriter *writer, const Schema *schema, const ParquetWriterOptions *options,
                          ParquetWriter **ret_writer, Error *err) MUST_CHECK;
Status parquet_write_batch(ParquetWriter *writer, const Batch *batch, Error *err) MUST_CHECK;

/* Encodes a row group of n_rows rows, thread-safe for different results.  Column i comes as a sequence of vectors by the
 * callback, page by page: fill *ret_page with rows [first, first + n) (FLAT, CONST, or DICT).  When the first page of a
 * column is a DICT vector whose dictionary is sorted and distinct, all of its pages must be DICT on that same
 * dictionary, and its codes are written as they are with the dictionary as the dictionary page (entries not valid must
 * be the last one only).  Anything else is written PLAIN, or builds a dictionary while it pays. */
typedef struct ParquetPageSource {
    void *context;
    Status (*page)(void *context, uint32_t column, uint64_t first, uint32_t n, Vector *ret_page, Error *err);
} ParquetPageSource;
Status parquet_encode_row_group(const ParquetWriter *writer, const ParquetPageSource *source, uint64_t n_rows,
                                ParquetEncodedRowGroup **inout_row_group, Error *err) MUST_CHECK;
/* Appends the encoded bytes to the file; the handle can be passed to parquet_encode_row_group again, also for another
 * writer, and may outlive this one. */
Status parquet_append_row_group(ParquetWriter *writer, const ParquetEncodedRowGroup *row_group, Error *err) MUST_CHECK;
void parquet_encoded_row_group_free(ParquetEncodedRowGroup *row_group);

/* Writes what is left and the footer.  *ret_bytes (may be NULL) is the size of the file. */
Status parquet_finish(ParquetWriter *writer, uint64_t *ret_bytes, Error *err) MUST_CHECK;
void parquet_writer_free(ParquetWriter *writer); /* NULL is fine */

#endif
