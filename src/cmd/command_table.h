/* The halves of the table of commands: command_table.c (files, help) and command_table_lake.c (the lake). */
#ifndef FREIGHTLAKE_CMD_COMMAND_TABLE_H
#define FREIGHTLAKE_CMD_COMMAND_TABLE_H

#include "cmd/options.h"

/* Ended by an entry without a name. */
extern const CommandInfo LAKE_COMMANDS[];

/* Options that several commands take. */
#define THREADS_OPTION                                                                                                 \
    {                                                                                                                  \
        .name = "threads", .letter = 't', .argument = "N", .help = "Worker threads; 0 is one per processor",           \
        .fallback = "0"                                                                                                \
    }
#define MEMORY_OPTIONS                                                                                                 \
    {.name = "memory-limit",                                                                                           \
     .argument = "SIZE",                                                                                               \
     .help = "Memory the data may take, such as 750MB or 1GiB; four fifths of this machine's when not given"},         \
        {.name = "spill-dir",                                                                                          \
         .argument = "DIR",                                                                                            \
         .help = "Where what is beyond that limit goes, in files without names; TMPDIR or /var/tmp"},                  \
    {                                                                                                                  \
        .name = "spill-limit", .argument = "SIZE", .help = "What may lie there at a time; all that the disk holds"     \
    }
#define JSON_OPTION                                                                                                    \
    {                                                                                                                  \
        .name = "json", .help = "Print one JSON object"                                                                \
    }

#endif
