/* What a window's calls give for the rows of one partition. */
#ifndef FREIGHTLAKE_EXEC_WINDOW_FRAME_H
#define FREIGHTLAKE_EXEC_WINDOW_FRAME_H

#include "columnar/vector.h"
#include "sql/plan.h"

/* The rows of a partition in the window's order. */
typedef struct WindowPartition {
    const uint32_t *rows; /* their numbers among all rows */
    uint32_t n;
    /* per row: the first of those equal to it in all keys of the order, and the one behind the last */
    const uint32_t *peer_start, *peer_end;
} WindowPartition;

/* Writes the call's values to `result`, FLAT with a mask, at the numbers of the partition's rows.  `columns`: all rows of the
 * window's input, FLAT.  Texts are those of the columns. */
void window_call_run(const WindowCall *call, const Vector *columns, const WindowPartition *partition, Vector *result,
                     Arena *scratch);

#endif
