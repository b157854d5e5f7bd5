/* Help, the manual page and shell completions, all made from the table of commands (options.h). */
#ifndef FREIGHTLAKE_CMD_HELP_H
#define FREIGHTLAKE_CMD_HELP_H

#include "cmd/options.h"

/* `freightlake --help`, or `freightlake COMMAND --help` when `command` is not NULL; lines are broken at `width`. */
void help_append(Buffer *text, const CommandInfo *command, uint32_t width);
/* The manual page freightlake(1) in roff's man macros. */
void man_append(Buffer *text);
/* The commands and options in Markdown: the second half of docs/cli.md. */
void reference_append(Buffer *text);

typedef enum Shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH, SHELL_COUNT } Shell;
/* "bash", "zsh" or "fish"; USAGE otherwise. */
Status shell_find(const char *name, Shell *ret_shell, Error *err) MUST_CHECK;
void completion_append(Buffer *text, Shell shell);

#endif
