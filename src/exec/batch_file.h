/* BatchFile: rows that do not fit in memory, in a spill file, dealt into parts.
 *
 * Each writing thread has a BatchWriter, which gathers a part's rows as bytes and appends them as an extent when they are
 * enough; an extent is read back as one batch.  The order of a part's extents is that of their writing. */
#ifndef FREIGHTLAKE_EXEC_BATCH_FILE_H
#define FREIGHTLAKE_EXEC_BATCH_FILE_H

#include "base/spill.h"
#include "columnar/vector.h"

typedef struct BatchExtent {
    uint64_t offset;
    size_t size;
    uint32_t rows;
} BatchExtent;

typedef struct BatchPart {
    BatchExtent *extents;
    uint32_t n_extents;
    uint32_t capacity;
    uint64_t rows;
    uint64_t bytes;
} BatchPart;

typedef struct BatchFile BatchFile;

/* Of rows with columns of these types; extents are to have so many bytes. */
#define BATCH_EXTENT_BYTES ((size_t)32 << 10)
#define BATCH_LEAST_EXTENT_BYTES ((size_t)1 << 10)
Status batch_file_new(SpillSpace *space, const DataType *types, uint32_t n_columns, uint32_t n_parts,
                      size_t extent_bytes, BatchFile **ret_file, Error *err) MUST_CHECK;
void batch_file_free(BatchFile *file); /* may be NULL */
/* What writers appended; not while one does. */
const BatchPart *batch_file_part(const BatchFile *file, uint32_t part);
uint64_t batch_file_bytes(const BatchFile *file);
/* An extent's rows, FLAT, in `arena`.  From any thread. */
Status batch_file_read(const BatchFile *file, const BatchExtent *extent, Arena *arena, Batch *ret_batch, Error *err)
    MUST_CHECK;

typedef struct BatchWriter BatchWriter;

BatchWriter *batch_writer_new(BatchFile *file);
void batch_writer_free(BatchWriter *writer); /* may be NULL; what was not flushed is lost */
/* What a writer may hold, about. */
size_t batch_writer_bytes(const BatchFile *file);
/* Rows rows[0..n) of the columns; `scratch` is used for a moment. */
Status batch_writer_put(BatchWriter *writer, uint32_t part, const Vector *columns, const uint32_t *rows, uint32_t n,
                        Arena *scratch, Error *err) MUST_CHECK;
/* Appends what is left. */
Status batch_writer_flush(BatchWriter *writer, Error *err) MUST_CHECK;

#endif
