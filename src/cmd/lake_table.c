/* From a name after FROM to a snapshot.
 *
 * A plain name (a word without '/', '.', or a glob's characters) is looked for in the lake first.  Without --lake a lake may
 * still be there, by the environment or the current folder; then a name that it does not know can be a file's. */
#include "cmd/lake_table.h"

#include <string.h>

#include "columnar/time_text.h"
#include "mart/registry.h"

Status lake_version_asked(const Arguments *arguments, DeltaVersion *ret_version, Error *err)
{
    const char *time = arguments_text(arguments, "as-of");
    DeltaVersion version = {.kind = DELTA_NEWEST};
    if (arguments_given(arguments, "version")) {
        if (time) {
            error_set(err, STATUS_USAGE, "--version and --as-of both say which version");
            return error_hint(err, "give one of them");
        }
        version.kind = DELTA_AT_VERSION;
        TRY(arguments_integer(arguments, "version", 0, INT64_MAX, &version.value, err));
    } else if (time) {
        int64_t micros;
        if (!timestamp_parse(str_view(time), &micros)) {
            error_set(err, STATUS_USAGE, "--as-of '%.60s' is no time", time);
            return error_hint(err, "write it like 2026-06-30T12:00:00Z; without a zone it is UTC");
        }
        version.kind = DELTA_AT_TIME;
        version.value = micros / 1000;
    }
    *ret_version = version;
    return STATUS_OK;
}

Status lake_if_any(const Arguments *arguments, Arena *job_arena, const Lake **ret_lake, Error *err)
{
    const char *given = arguments_text(arguments, "lake");
    Lake *lake;
    Status status = lake_open(given, job_arena, &lake, err);
    if (status == STATUS_NOT_FOUND && !given) {
        error_init(err);
        *ret_lake = NULL;
        return STATUS_OK;
    }
    TRY(status);
    *ret_lake = lake;
    return STATUS_OK;
}

/* Names of the marts that have been made: folders with a Delta log. */
static uint32_t made_marts(const Lake *lake, Arena *arena, const char ***ret_names)
{
    StorageList list = {0};
    Error ignored;
    error_init(&ignored);
    if (storage_list_folder(lake->marts, true, NULL, &list, &ignored) != STATUS_OK)
        return 0;
    const char **names = ARENA_ARRAY(arena, const char *, list.n + 1);
    uint32_t n = 0;
    size_t prefix = strlen(lake->marts) + 1;
    for (size_t i = 0; i < list.n; i++) {
        const char *path = list.entries[i].path;
        const char *log = strlen(path) > prefix ? strstr(path + prefix, "/_delta_log/") : NULL;
        if (!log)
            continue;
        char *name = arena_memdup(arena, path + prefix, (size_t)(log - path) - prefix);
        if (n == 0 || strcmp(names[n - 1], name) != 0)
            names[n++] = name;
    }
    storage_list_done(&list);
    *ret_names = names;
    return n;
}

static Status unknown_table(const Lake *lake, const char *name, Arena *arena, Error *err)
{
    const char **marts = NULL;
    uint32_t n_marts = made_marts(lake, arena, &marts), n = 0;
    const char **names = ARENA_ARRAY(arena, const char *, n_marts + 2);
    names[n++] = "shipments";
    names[n++] = "quarantine";
    for (uint32_t i = 0; i < n_marts; i++)
        names[n++] = marts[i];
    MartRegistry registry;
    TRY(mart_registry_load(NULL, arena, &registry, err));
    if (mart_find(&registry, name)) {
        error_set(err, STATUS_NOT_FOUND, "the mart %s has not been made in the lake %s", name, lake->path);
        return error_hint(err, "make it: freightlake --lake %s run --mart %s", lake->path, name);
    }
    error_set(err, STATUS_NOT_FOUND, "there is no table '%s' in the lake %s", name, lake->path);
    const char *nearest = text_nearest(name, names, n);
    if (nearest)
        return error_hint(err, "did you mean '%s'?", nearest);
    Buffer all;
    buffer_init(&all, 0);
    for (uint32_t i = 0; i < n; i++)
        buffer_printf(&all, "%s%s", i ? ", " : "", names[i]);
    error_hint(err, "the tables are %s", buffer_text(&all));
    buffer_done(&all);
    return err->code;
}

/* *ret_path stays NULL when the name is no Delta table. */
static Status find_path(const Arguments *arguments, const char *name, Arena *arena, LakeTable *table, Error *err)
{
    bool exists = false;
    if (!strpbrk(name, "/.*?[")) {
        TRY(lake_if_any(arguments, arena, &table->lake, err));
        const char *path = table->lake ? lake_table_path(table->lake, name, arena) : NULL;
        if (path)
            TRY(delta_exists(path, &exists, err));
        StorageFacts facts = {0};
        if (exists)
            table->path = path;
        else if (table->lake && !arguments_given(arguments, "lake"))
            TRY(storage_stat(name, &facts, err));
        if (table->lake && !exists && !facts.exists)
            return unknown_table(table->lake, name, arena, err);
    }
    if (!table->path && !strpbrk(name, "*?[")) {
        Error no_folder; /* a file, or nothing: what opens files says so better */
        error_init(&no_folder);
        if (delta_exists(name, &exists, &no_folder) == STATUS_OK && exists)
            table->path = name;
    }
    return STATUS_OK;
}

Status lake_table_find(const Arguments *arguments, const char *name, Arena *job_arena, LakeTable *ret_table, Error *err)
{
    LakeTable table = {0};
    DeltaVersion version;
    TRY(lake_version_asked(arguments, &version, err));
    TRY(find_path(arguments, name, job_arena, &table, err));
    if (!table.path && version.kind != DELTA_NEWEST) {
        error_set(err, STATUS_USAGE, "'%s' is no Delta table, so it has no earlier versions", name);
        return error_hint(err, "--version and --as-of are for tables of a lake and other Delta tables");
    }
    if (table.path)
        TRY(delta_snapshot_load(table.path, version, job_arena, &table.snapshot, err));
    *ret_table = table;
    return STATUS_OK;
}
