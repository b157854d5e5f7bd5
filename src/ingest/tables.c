/* IngestTables; see tables.h. */
#include "ingest/tables.h"

void ingest_tables_init(IngestTables *tables)
{
    *tables = (IngestTables){0};
    arena_init(&tables->processed_arena);
    arena_init(&tables->quarantine_arena);
}

void ingest_tables_done(IngestTables *tables)
{
    arena_done(&tables->processed_arena);
    arena_done(&tables->quarantine_arena);
}

static Status load(const char *table, Arena *arena, DeltaSnapshot **inout_snapshot, bool *ret_loaded, Error *err)
{
    int64_t newest = -1;
    if (*inout_snapshot)
        TRY(delta_newest_version(table, (*inout_snapshot)->version, &newest, err));
    *ret_loaded = !*inout_snapshot || newest != (*inout_snapshot)->version;
    if (!*ret_loaded)
        return STATUS_OK;
    *inout_snapshot = NULL;
    arena_reset(arena);
    return delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, inout_snapshot, err);
}

Status ingest_tables_load(IngestTables *tables, const Lake *lake, Error *err)
{
    Arena arena;
    bool loaded;
    arena_init(&arena);
    Status status =
        load(lake_table_path(lake, "shipments", &arena), &tables->processed_arena, &tables->processed, &loaded, err);
    if (status == STATUS_OK && loaded)
        tables->commits = NULL;
    if (status == STATUS_OK)
        status = load(lake_table_path(lake, "quarantine", &arena), &tables->quarantine_arena, &tables->quarantine,
                      &loaded, err);
    arena_done(&arena);
    return status;
}

Status ingest_tables_read_log(IngestTables *tables, Error *err)
{
    const DeltaSnapshot *processed = tables->processed;
    if (tables->commits)
        return STATUS_OK;
    return delta_history(processed->table, 0, processed->version, &tables->processed_arena, &tables->commits,
                         &tables->n_commits, err);
}
