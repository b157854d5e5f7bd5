/* The lake's retention as properties of its tables; see transaction.h.
 *
 * Delta keeps how long removed files and log entries stay with each table, where every tool looks.  The lake's settings are
 * brought there by the commands that care, before they do what depends on it. */
#include <stdlib.h>

#include "lake/transaction.h"

#define DAY_MS ((int64_t)86400000)

static const char *const KEYS[2] = {"delta.deletedFileRetentionDuration", "delta.logRetentionDuration"};
static const int64_t DEFAULT_DAYS[2] = {7, 30};

static const char *days_text(int64_t ms, Arena *arena)
{
    return arena_printf(arena, "interval %lld days", (long long)(ms / DAY_MS));
}

Status lake_apply_retention(const Lake *lake, const char *table, int64_t *ret_version, Error *err)
{
    Arena arena;
    DeltaSnapshot *snapshot;
    const int64_t wanted_ms[2] = {lake->removed_file_retention_ms, lake->log_retention_ms};
    *ret_version = -1;
    arena_init(&arena);
    Status status = delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, &arena, &snapshot, err);
    if (status != STATUS_OK) {
        arena_done(&arena);
        return status;
    }
    DeltaMetadata metadata = snapshot->metadata;
    DeltaProperty *properties = ARENA_ARRAY(&arena, DeltaProperty, metadata.n_configuration + 2);
    uint32_t n = 0;
    bool changed = false;
    for (uint32_t i = 0; i < metadata.n_configuration; i++)
        if (strcmp(metadata.configuration[i].key, KEYS[0]) != 0 && strcmp(metadata.configuration[i].key, KEYS[1]) != 0)
            properties[n++] = metadata.configuration[i];
    for (int k = 0; k < 2; k++) {
        const char *now = delta_property(&metadata, KEYS[k]), *wanted = days_text(wanted_ms[k], &arena);
        bool unsaid = !now && wanted_ms[k] == DEFAULT_DAYS[k] * DAY_MS; /* what is the default need not be said */
        if (!unsaid)
            properties[n++] = (DeltaProperty){KEYS[k], wanted};
        changed |= !unsaid && (!now || strcmp(now, wanted) != 0);
    }
    metadata.configuration = properties;
    metadata.n_configuration = n;
    DeltaCommit commit = {.operation = "SET TBLPROPERTIES", .metadata = &metadata};
    if (changed)
        status = delta_commit(snapshot, &commit, ret_version, err);
    arena_done(&arena);
    return status;
}
