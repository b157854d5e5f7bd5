/* JoinStream: the joins of one statement in one thread, between its scan and what it does with the rows. */
#ifndef FREIGHTLAKE_EXEC_JOIN_STREAM_H
#define FREIGHTLAKE_EXEC_JOIN_STREAM_H

#include "exec/join_parts.h"
#include "exec/pipeline.h"

typedef struct JoinStream JoinStream;

/* Of the shape's joins and the filter above them; column_map is that of the scan's columns. */
JoinStream *join_stream_new(const PipelineShape *shape, const uint32_t *column_map, Arena *query_arena);
void join_stream_done(JoinStream *stream);

/* Takes some joined rows, whose columns are those of the topmost join; they live until it returns. */
typedef Status (*JoinTake)(void *context, EvalContext *rows, Error *err);
/* Gives the partners of the context's rows, up to SCAN_CHUNK_ROWS at a time.  `sides` has one for each join, the lowest
 * first; rows that reach one which is parted are parked there. */
Status join_stream_run(JoinStream *stream, const JoinSide *sides, EvalContext *rows, JoinTake take, void *take_context,
                       Error *err) MUST_CHECK;
/* The same from join `first` on, for rows that were parked there. */
Status join_stream_resume(JoinStream *stream, uint32_t first, const JoinSide *sides, EvalContext *rows, JoinTake take,
                          void *take_context, Error *err) MUST_CHECK;
/* No more rows will be parked at join j. */
Status join_stream_flush(JoinStream *stream, uint32_t j, Error *err) MUST_CHECK;
/* Forgets what is not flushed there. */
void join_stream_drop(JoinStream *stream, uint32_t j);
typedef struct JoinCounts {
    uint64_t rows_in, rows_out;
    uint64_t rows_dropped; /* before the first join, for want of a partner here */
    double seconds;        /* without the joins above */
} JoinCounts;
void join_stream_count(const JoinStream *stream, uint32_t j, JoinCounts *counts); /* adds to them */

#endif
