/* Going on without log entries that nobody can read.
 *
 * What a lost entry said is not guessed: an entry without actions takes its place, so that the log is contiguous again and
 * the entries behind it count as they did.  A reader that had seen the lost version must notice that it went, so a commit
 * behind all others comes first: it makes what was computed from the table stale (see lake_run.c), and a repair killed
 * after it is simply done again.
 *
 *   commit N + 1 "FSCK" -> for each: bytes to VERSION.json.damaged -> the empty entry in its place, by one rename */
#include "base/fault.h"
#include "delta/fsck_internal.h"
#include "delta/log.h"

static void stand_in(const char *parameters, Arena *arena, Buffer *json)
{
    const DeltaCommit commit = {.operation = "FSCK", .parameters = parameters, .rule = DELTA_OVERWRITE};
    log_append_info(json, &commit, 0, delta_uuid(arena), delta_now_ms(), -1);
}

/* A commit behind all others, whatever they say: the table cannot be read. */
static Status announce(const char *table, const LogListing *listing, uint32_t n, Arena *arena, Error *err)
{
    Buffer json;
    buffer_init(&json, 0);
    int64_t version = listing->n_commits ? listing->commits[listing->n_commits - 1] : -1;
    if (listing->n_checkpoints && listing->checkpoints[listing->n_checkpoints - 1].version > version)
        version = listing->checkpoints[listing->n_checkpoints - 1].version;
    stand_in(arena_printf(arena, "{\"replacedEntries\":%u}", n), arena, &json);
    bool created = false;
    Status status = STATUS_OK;
    while (status == STATUS_OK && !created)
        status = storage_put_new(log_path(table, ++version, arena), json.data, json.size, &created, err);
    buffer_done(&json);
    return status;
}

static Status replace(const char *table, int64_t version, Arena *arena, Error *err)
{
    const char *path = log_path(table, version, arena), *beside = arena_printf(arena, "%s.damaged", path);
    StorageFacts facts;
    StrView bytes;
    TRY(storage_stat(path, &facts, err));
    if (facts.exists) {
        TRY(storage_read_file(path, LOG_MAX_BYTES, arena, &bytes, err));
        TRY(storage_write_file(beside, bytes.data, bytes.size, err));
    }
    fault_step("fsck_before_replace");
    Buffer json;
    buffer_init(&json, 0);
    stand_in(arena_printf(arena, "{\"" FSCK_REPLACES "\":\"%s\"}", facts.exists ? strrchr(beside, '/') + 1 : "nothing"),
             arena, &json);
    Status status = storage_write_file(path, json.data, json.size, err);
    buffer_done(&json);
    return status;
}

Status fsck_replace_entries(const char *table, const int64_t *versions, uint32_t n, Arena *arena, uint32_t *ret_lost,
                            Error *err)
{
    LogListing listing;
    TRY(log_list(table, 0, arena, &listing, err));
    int64_t known = listing.n_checkpoints ? listing.checkpoints[listing.n_checkpoints - 1].version : -1;
    TRY(announce(table, &listing, n, arena, err));
    fault_step("fsck_announced");
    *ret_lost = 0;
    for (uint32_t i = 0; i < n; i++) {
        TRY(replace(table, versions[i], arena, err));
        *ret_lost += versions[i] > known;
    }
    return STATUS_OK;
}
