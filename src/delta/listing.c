/* What `_delta_log` holds: commits, whole checkpoints, the hint. */
#include "delta/log.h"

#include <stdlib.h>

#define MAX_HINT_BYTES ((size_t)1 << 20)

/* The digits at the start of a name: 20 of them, else -1. */
static int64_t version_of(const char *name)
{
    int64_t version = 0;
    for (int i = 0; i < 20; i++) {
        if (name[i] < '0' || name[i] > '9' || version > INT64_MAX / 10 - 10)
            return -1;
        version = version * 10 + (name[i] - '0');
    }
    return version;
}

typedef struct PartCount {
    int64_t version;
    uint32_t parts, seen;
} PartCount;

/* ".checkpoint.parquet" or ".checkpoint.0000000001.0000000003.parquet": how many parts there must be; 0: neither. */
static uint32_t checkpoint_parts(const char *rest)
{
    if (strcmp(rest, ".checkpoint.parquet") == 0)
        return 1;
    if (strncmp(rest, ".checkpoint.", 12) != 0 || strlen(rest) != 12 + 10 + 1 + 10 + 8)
        return 0;
    char *end;
    long parts = strtol(rest + 23, &end, 10);
    return strcmp(end, ".parquet") == 0 && rest[22] == '.' && parts > 0 && parts < 100000 ? (uint32_t)parts : 0;
}

static void add_checkpoint(LogListing *listing, PartCount *count, int64_t version, uint32_t parts)
{
    if (count->version != version || count->parts != parts)
        *count = (PartCount){version, parts, 0};
    if (++count->seen == parts)
        listing->checkpoints[listing->n_checkpoints++] = (CheckpointFile){version, parts == 1 ? 1 : parts};
}

/* A version's time is later than the one's before, also where the clock went back. */
static void make_monotone(LogListing *listing)
{
    for (uint32_t i = 1; i < listing->n_commits; i++)
        if (listing->times_ms[i] <= listing->times_ms[i - 1])
            listing->times_ms[i] = listing->times_ms[i - 1] + 1;
}

Status log_list(const char *table, int64_t from, Arena *arena, LogListing *ret_listing, Error *err)
{
    StorageList list;
    const char *folder = arena_printf(arena, "%s/_delta_log", table);
    const char *first = from > 0 ? arena_printf(arena, "%020lld", (long long)from) : NULL;
    TRY(storage_list_folder(folder, false, first, &list, err));
    LogListing listing = {.commits = ARENA_ARRAY(arena, int64_t, list.n + 1),
                          .times_ms = ARENA_ARRAY(arena, int64_t, list.n + 1),
                          .checkpoints = ARENA_ARRAY(arena, CheckpointFile, list.n + 1)};
    PartCount count = {-1, 0, 0};
    for (size_t i = 0; i < list.n; i++) {
        const char *name = strrchr(list.entries[i].path, '/') + 1;
        int64_t version = strlen(name) > 20 ? version_of(name) : -1;
        if (version < 0)
            continue;
        uint32_t parts = checkpoint_parts(name + 20);
        if (parts > 0 && list.entries[i].size_bytes > 0)
            add_checkpoint(&listing, &count, version, parts);
        if (strcmp(name + 20, ".json") != 0)
            continue;
        listing.times_ms[listing.n_commits] = list.entries[i].modified_ms;
        listing.commits[listing.n_commits++] = version;
    }
    storage_list_done(&list);
    make_monotone(&listing);
    *ret_listing = listing;
    return STATUS_OK;
}

int64_t log_checkpoint_hint(const char *table, Arena *arena)
{
    Error ignored;
    error_init(&ignored);
    StrView text;
    const char *path = arena_printf(arena, "%s/_delta_log/_last_checkpoint", table);
    if (storage_read_file(path, MAX_HINT_BYTES, arena, &text, &ignored) != STATUS_OK)
        return 0;
    json_t *root = json_loadb(text.data, text.size, 0, NULL);
    const json_t *version = json_object_get(root, "version");
    int64_t hint = json_is_integer(version) && json_integer_value(version) > 0 ? json_integer_value(version) : 0;
    json_decref(root);
    return hint;
}
