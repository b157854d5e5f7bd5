/* What `show` reads of a lake: a Delta table's rows in the order a person expects. */
#ifndef FREIGHTLAKE_CMD_SHOW_LAKE_H
#define FREIGHTLAKE_CMD_SHOW_LAKE_H

#include "cmd/command.h"
#include "cmd/lake_table.h"
#include "exec/exec.h"
#include "mart/registry.h"

typedef struct ShowLake ShowLake;

typedef struct ShowLakeOptions {
    const LakeTable *found;
    const char *name;
    uint64_t limit_rows; /* 0: all */
    Resources *resources;
} ShowLakeOptions;

/* Lives in the arena; close it all the same. */
Status show_lake_open(const ShowLakeOptions *options, Arena *job_arena, ShowLake **ret_table, Error *err) MUST_CHECK;
void show_lake_close(ShowLake *table);
const Schema *show_lake_schema(const ShowLake *table);
uint64_t show_lake_rows(const ShowLake *table);    /* of the whole table */
const Mart *show_lake_mart(const ShowLake *table); /* NULL: no mart, or one that is not known any more */
/* The first limit_rows rows. */
Status show_lake_read(ShowLake *table, Sink sink, Error *err) MUST_CHECK;

#endif
