/* Progress: one line on a terminal that says how far, how fast and how long still.
 *
 * progress_new -> progress_update from any thread, as often as wanted -> progress_free, which wipes the line. */
#ifndef FREIGHTLAKE_BASE_PROGRESS_H
#define FREIGHTLAKE_BASE_PROGRESS_H

#include "base/memory.h"

typedef struct Progress Progress;

/* `what` is the verb in front ("reading"); it must outlive the Progress.  Nothing is ever written when not `enabled`, nor
 * for work that ends within a third of a second. */
Progress *progress_new(const char *what, bool enabled);
/* A callback for ExecOptions and the like: `context` is a Progress. */
void progress_update(void *context, uint64_t rows_done, uint64_t rows_total);
void progress_free(Progress *progress);

/* The line as text: "reading  45%  9.1 M of 20 M rows  8.2 M/s  1 s left". */
void progress_append(Buffer *line, const char *what, uint64_t rows_done, uint64_t rows_total, double seconds);

#endif
