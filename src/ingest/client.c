/* Clients; see client.h.
 *
 * A lake has no list of clients: one is known by its mapping, by its folder in the raw zone, or by its partition of a
 * table.  A client whose mapping was removed by hand still has data, and must be found by erase. */
#include "ingest/client.h"

#include "delta/snapshot.h"

typedef struct ClientNames {
    Arena *arena;
    const char **names;
    uint32_t n, capacity;
} ClientNames;

static void add_name(ClientNames *list, const char *name)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (strcmp(list->names[i], name) == 0)
            return;
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        const char **names = ARENA_ARRAY(list->arena, const char *, list->capacity);
        if (list->n)
            memcpy(names, list->names, sizeof *names * list->n);
        list->names = names;
    }
    list->names[list->n++] = name;
}

static Status add_mapped(ClientNames *list, const Lake *lake, Error *err)
{
    static const char extension[] = ".yaml";
    StorageList files;
    TRY(storage_list_folder(lake->clients, false, NULL, &files, err));
    for (size_t i = 0; i < files.n; i++) {
        const char *slash = strrchr(files.entries[i].path, '/');
        const char *name = slash ? slash + 1 : files.entries[i].path;
        size_t n = strlen(name), tail = sizeof extension - 1;
        if (n > tail && strcmp(name + n - tail, extension) == 0)
            add_name(list, arena_memdup(list->arena, name, n - tail));
    }
    storage_list_done(&files);
    return STATUS_OK;
}

static Status add_partitions(ClientNames *list, const Lake *lake, const char *table, Error *err)
{
    DeltaSnapshot *snapshot;
    TRY(delta_snapshot_load(lake_table_path(lake, table, list->arena), (DeltaVersion){.kind = DELTA_NEWEST},
                            list->arena, &snapshot, err));
    for (uint32_t i = 0; i < snapshot->n_files; i++)
        if (snapshot->files[i].partition_values[0])
            add_name(list, snapshot->files[i].partition_values[0]);
    return STATUS_OK;
}

static Status add_raw(ClientNames *list, const Lake *lake, const char *client, Error *err)
{
    StorageList files;
    TRY(storage_list_folder(arena_printf(list->arena, "%s/%s", lake->raw, client), false, NULL, &files, err));
    if (files.n > 0)
        add_name(list, client);
    storage_list_done(&files);
    return STATUS_OK;
}

Status client_check_known(const Lake *lake, const char *client, Arena *arena, Error *err)
{
    ClientNames list = {.arena = arena};
    TRY(lake_check_client(client, err));
    TRY(add_mapped(&list, lake, err));
    TRY(add_partitions(&list, lake, "shipments", err));
    TRY(add_partitions(&list, lake, "quarantine", err));
    TRY(add_raw(&list, lake, client, err));
    for (uint32_t i = 0; i < list.n; i++)
        if (strcmp(list.names[i], client) == 0)
            return STATUS_OK;
    error_set(err, STATUS_NOT_FOUND, "the lake has no client '%s'", client);
    const char *near = text_nearest(client, list.names, list.n);
    return near ? error_hint(err, "did you mean '%s'?", near)
                : error_hint(err, "the mappings of its clients are in %s", lake->clients);
}

const char *client_nearest_mapped(const Lake *lake, const char *client, Arena *arena)
{
    ClientNames list = {.arena = arena};
    Error ignored;
    error_init(&ignored);
    if (add_mapped(&list, lake, &ignored) != STATUS_OK)
        return NULL;
    return text_nearest(client, list.names, list.n);
}
