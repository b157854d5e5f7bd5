/* Console: standard output and the terminal behind it. */
#ifndef FREIGHTLAKE_CMD_CONSOLE_H
#define FREIGHTLAKE_CMD_CONSOLE_H

#include "base/log.h"
#include "cmd/options.h"

/* Writes all bytes to standard output.  When the reader has gone away (`| head`) the process ends as any filter does, by
 * SIGPIPE, with its temporary files removed. */
Status console_write(const void *bytes, size_t size, Error *err) MUST_CHECK;
Status console_write_buffer(const Buffer *buffer, Error *err) MUST_CHECK;

/* Columns of the terminal on standard output; 0 when it is none. */
uint32_t console_width(void);
/* What --color asks for, NO_COLOR heeded. */
bool console_color(const Arguments *arguments);
/* Whether to draw progress: a terminal on standard error, text logs, no --no-progress. */
bool console_progress(const Arguments *arguments);
/* Whether standard error is a terminal: courtesies such as "7 rows in 0.1 s" go there only then. */
bool console_has_person(void);
/* Applies --log-format and --log-level. */
void console_configure_log(const Arguments *arguments);
LogFormat console_log_format(const Arguments *arguments);

#endif
