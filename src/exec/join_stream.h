/* JoinStream: the joins of one statement in one thread, between its scan and what it does with the rows. */
#ifndef FREIGHTLAKE_EXEC_JOIN_STREAM_H
#define FREIGHTLAKE_EXEC_JOIN_STREAM_H

#include "exec/join.h"
#include "exec/pipeline.h"

typedef struct JoinStream JoinStream;

/* Of the shape's joins and the filter above them; column_map is that of the scan's columns. */
JoinStream *join_stream_new(const PipelineShape *shape, const uint32_t *column_map, Arena *query_arena);
void join_stream_done(JoinStream *stream);

/* Takes some joined rows, whose columns are those of the topmost join; they live until it returns. */
typedef Status (*JoinTake)(void *context, EvalContext *rows, Error *err);
/* Gives the partners of the context's rows, up to SCAN_CHUNK_ROWS at a time.  `tables` has one for each join, the lowest
 * first. */
Status join_stream_run(JoinStream *stream, const JoinTable *const *tables, EvalContext *rows, JoinTake take,
                       void *take_context, Error *err) MUST_CHECK;

#endif
