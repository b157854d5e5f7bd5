/* A program run beside this one: its output line by line, and an end to it whatever happens.
 *
 * The child has a process group of its own.  When a stop is asked for (interrupt_requested) the group gets SIGTERM, and
 * SIGKILL ten seconds later; when this process dies the child gets SIGTERM.  Output and error output come through one pipe. */
#ifndef FREIGHTLAKE_BASE_PROCESS_H
#define FREIGHTLAKE_BASE_PROCESS_H

#include "base/status.h"

#define PROCESS_LINE_BYTES 8192 /* longer lines come in pieces */

/* `line` has no newline and is NUL-terminated. */
typedef void (*ProcessLine)(void *context, const char *line);

/* words[0] is looked for in PATH unless it has a '/'; the last word is NULL.  *ret_code is the exit code, or 128 + the signal
 * that ended it.  NOT_FOUND when there is no such program, INTERRUPTED after a stop. */
Status process_run(const char *const *words, ProcessLine line, void *context, int *ret_code, Error *err) MUST_CHECK;

#endif
