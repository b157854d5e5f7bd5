/* Emitter: the ordered way out of a statement.  Several threads make pieces of the result, numbered 0, 1, 2, ...; each
 * encodes its piece by itself and hands it over when its turn has come, so the bytes do not depend on the threads. */
#ifndef FREIGHTLAKE_EXEC_EMIT_H
#define FREIGHTLAKE_EXEC_EMIT_H

#include <pthread.h>

#include "exec/exec.h"

#define EMIT_PAGE_ROWS 16384

typedef struct Emitter {
    Statement *statement;
    const Schema *schema;
    ParquetWriter *writer; /* NULL where batches go to a callback */
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    uint64_t turn;
    bool stopped; /* a thread failed: nobody waits any more */
} Emitter;

Status emitter_open(Emitter *emitter, Statement *statement, const Schema *schema, Error *err) MUST_CHECK;
void emitter_close(Emitter *emitter);
/* Waits for the turn of `piece`; false when the emitter was stopped.  emitter_pass ends the turn. */
bool emitter_wait(Emitter *emitter, uint64_t piece);
void emitter_pass(Emitter *emitter);
void emitter_stop(Emitter *emitter);

/* A piece whose columns can be asked for page by page; encoded outside the turn.  `handle` is the thread's own, NULL at
 * first, freed by the caller with parquet_encoded_row_group_free. */
Status emitter_row_group(Emitter *emitter, uint64_t piece, const ParquetPageSource *source, uint64_t n_rows,
                         ParquetEncodedRowGroup **handle, Error *err) MUST_CHECK;
/* One batch, within the caller's turn. */
Status emitter_batch(Emitter *emitter, const Batch *batch, Error *err) MUST_CHECK;
/* Writes the footer where there is one. */
Status emitter_finish(Emitter *emitter, Error *err) MUST_CHECK;

#endif
