/* The names of all tables of a lake. */
#ifndef FREIGHTLAKE_CMD_LAKE_TABLES_H
#define FREIGHTLAKE_CMD_LAKE_TABLES_H

#include "lake/lake.h"

/* "shipments", "quarantine", then every mart that has a Delta log, by name. */
Status lake_table_names(const Lake *lake, Arena *arena, const char ***ret_names, uint32_t *ret_n, Error *err)
    MUST_CHECK;

#endif
