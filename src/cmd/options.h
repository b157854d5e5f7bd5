/* Options: the one table of commands and options, and the parser over it.
 *
 * Parsing, `--help`, the man page and the shell completions all derive from command_table(): an option that is not in
 * it does not exist, and one that is in it is documented everywhere.
 *
 * An option's argument says by its name what it takes, which is how it is checked and completed: "a|b|c" is a closed
 * choice; FILE, FILES (a file, folder or glob), DIR, MART, N, SIZE, DATE, SHARE, SQL and COMMAND are the others. */
#ifndef FREIGHTLAKE_CMD_OPTIONS_H
#define FREIGHTLAKE_CMD_OPTIONS_H

#include "base/memory.h"

typedef struct OptionInfo {
    const char *name;     /* long name without dashes; NULL ends a table */
    char letter;          /* short name; 0: none */
    const char *argument; /* NULL: a flag */
    const char *help;     /* one sentence without a full stop */
    const char *fallback; /* the value when it is not given; NULL: none */
    bool required;
    bool repeatable;
} OptionInfo;

typedef struct ExampleInfo {
    const char *command; /* what is typed behind "freightlake "; NULL ends a list */
    const char *meaning;
} ExampleInfo;

typedef struct CommandInfo {
    const char *name;    /* NULL ends the table */
    const char *summary; /* a few words, for the list of commands */
    const char *operand; /* what is given without dashes; NULL: nothing */
    uint32_t min_operands;
    uint32_t max_operands;
    const char *description; /* paragraphs separated by an empty line */
    const OptionInfo *options;
    const ExampleInfo *examples;
    bool hidden; /* not listed: for packagers */
} CommandInfo;

/* The commands in the order they are listed; ended by an entry without a name. */
const CommandInfo *command_table(void);
/* Options every command takes. */
const OptionInfo *global_options(void);
/* NULL when there is none of that name. */
const CommandInfo *command_find(const char *name);
/* Names of all commands (hidden ones not), for messages; *ret_names is in `arena`. */
uint32_t command_names(Arena *arena, const char *const **ret_names);

typedef struct OptionValue {
    const OptionInfo *option;
    const char *text; /* NULL for a flag */
} OptionValue;

/* What was typed, in order; everything points into argv and the arena. */
typedef struct Arguments {
    const CommandInfo *command; /* NULL: none was given */
    OptionValue *values;
    uint32_t n_values;
    const char **operands;
    uint32_t n_operands;
} Arguments;

/* Reads argv[1..argc).  Options and operands may be mixed; `--name=value` and `--name value`, `-x value` and `-xvalue`
 * are the same; `--` ends the options.  Fails with USAGE, a hint that names the nearest word, and *ret_arguments filled
 * with what was understood so far.  With --help or --version nothing else is required. */
Status arguments_parse(int argc, char *const *argv, Arena *job_arena, Arguments *ret_arguments, Error *err) MUST_CHECK;

/* The last value given, else the option's fallback, else NULL.  `name` must be in the table. */
const char *arguments_text(const Arguments *arguments, const char *name);
bool arguments_given(const Arguments *arguments, const char *name);
/* All values of a repeatable option, in the order given. */
uint32_t arguments_list(const Arguments *arguments, const char *name, Arena *job_arena, const char *const **ret_texts);
/* A whole number within [lowest, highest]; USAGE otherwise. */
Status arguments_integer(const Arguments *arguments, const char *name, int64_t lowest, int64_t highest,
                         int64_t *ret_value, Error *err) MUST_CHECK;
/* A number within [lowest, highest]. */
Status arguments_number(const Arguments *arguments, const char *name, double lowest, double highest, double *ret_value,
                        Error *err) MUST_CHECK;
/* A size such as 750MB or 1GiB; *ret_bytes is left alone when the option is neither given nor has a fallback. */
Status arguments_bytes(const Arguments *arguments, const char *name, size_t *ret_bytes, Error *err) MUST_CHECK;
/* Position of the value in an "a|b|c" argument. */
int arguments_choice(const Arguments *arguments, const char *name);

/* Calls each(context, word, length) for every word of an "a|b|c" argument; no call when it is not a choice. */
void option_each_choice(const OptionInfo *option, void (*each)(void *context, const char *word, size_t length),
                        void *context);

#endif
