/* The commands that work on a lake. */
#include "cmd/command_table.h"

const CommandInfo LAKE_COMMANDS[] = {
    {0},
};
