/* Checking a table's log: names, commits, checkpoints.
 *
 * A checkpoint at version C is right when its files are those of version C - 1 with the adds and removes of commit C, sizes
 * included.  It can be checked only while commit C and what makes up version C - 1 are still in the log, as they were: a
 * repair's stand-in for a lost entry says nothing of what the checkpoint knew. */
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "delta/fsck_internal.h"
#include "delta/log.h"

#define MOST_GAPS 1000u

typedef struct Log {
    const char *table;
    Arena *arena;
    LogListing listing;
} Log;

/* ---- Names ---- */

static bool has_commit(const Log *log, int64_t version)
{
    for (uint32_t i = 0; i < log->listing.n_commits; i++)
        if (log->listing.commits[i] == version)
            return true;
    return false;
}

/* An entry can do without what it said unless it is the first, which alone says what the table is. */
static void entry_problem(const Log *log, int64_t version, const char *what, FsckProblems *problems)
{
    bool replaceable = version > 0 || log->listing.n_checkpoints > 0;
    fsck_problem(problems, log_path(log->table, version, log->arena), what, replaceable);
    if (!replaceable)
        return;
    if (problems->n_entries == problems->entries_capacity) {
        problems->entries_capacity = problems->entries_capacity ? 2 * problems->entries_capacity : 16;
        int64_t *grown = ARENA_ARRAY(problems->arena, int64_t, problems->entries_capacity);
        if (problems->n_entries)
            memcpy(grown, problems->entries, sizeof *grown * problems->n_entries);
        problems->entries = grown;
    }
    problems->entries[problems->n_entries++] = version;
}

static void check_names(const Log *log, FsckProblems *problems)
{
    const LogListing *listing = &log->listing;
    for (uint32_t i = 1; i < listing->n_commits; i++)
        for (int64_t v = listing->commits[i - 1] + 1; v < listing->commits[i] && problems->n < MOST_GAPS; v++)
            entry_problem(log, v, "missing: the log has a gap", problems);
    int64_t oldest = listing->n_commits ? listing->commits[0] : INT64_MAX;
    bool covered = oldest == 0;
    for (uint32_t i = 0; i < listing->n_checkpoints; i++)
        covered |= listing->checkpoints[i].version >= oldest - 1;
    if (!covered && oldest < INT64_MAX)
        fsck_problem(problems, log_path(log->table, oldest - 1, log->arena), "missing, and no checkpoint stands for it",
                     false);
}

/* ---- Commits ---- */

static Status check_commits(const Log *log, FsckProblems *problems, Error *err)
{
    for (uint32_t i = 0; i < log->listing.n_commits; i++) {
        TRY(interrupt_check(err));
        int64_t version = log->listing.commits[i];
        LogActions actions = {0};
        Arena arena;
        arena_init(&arena);
        Status status = log_read(log->table, version, &arena, &actions, err);
        arena_done(&arena);
        if (status == STATUS_OK)
            continue;
        if (!fsck_is_finding(status))
            return status;
        const char *what =
            err->row > 0 ? arena_printf(log->arena, "%s (line %lld)", err->message, (long long)err->row) : err->message;
        if (status == STATUS_UNSUPPORTED) /* not read, but not damaged */
            fsck_problem(problems, log_path(log->table, version, log->arena), what, false);
        else
            entry_problem(log, version, what, problems);
        error_init(err);
    }
    return STATUS_OK;
}

/* ---- Checkpoints ---- */

typedef struct Known {
    const char *path;
    int64_t size_bytes;
    int64_t order; /* of two with one path the later one counts */
    bool removed;
} Known;

static int compare_known(const void *a, const void *b)
{
    const Known *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* Adds and removes of a commit behind known[0..n). */
static Status read_actions(const Log *log, int64_t version, Arena *arena, Known **known, uint32_t *n, Error *err)
{
    LogActions actions = {0};
    TRY(log_read(log->table, version, arena, &actions, err));
    Known *all = ARENA_ARRAY(arena, Known, *n + actions.n_files);
    if (*n)
        memcpy(all, *known, sizeof *all * *n);
    for (uint32_t i = 0; i < actions.n_files; i++)
        all[(*n)++] = (Known){.path = actions.files[i].file.path,
                              .size_bytes = (int64_t)actions.files[i].file.size_bytes,
                              .order = (int64_t)i + 1,
                              .removed = actions.files[i].removed};
    *known = all;
    return STATUS_OK;
}

/* What version C should have: files of C - 1, then commit C; sorted, the last of each path only. */
static Status expect_files(const Log *log, int64_t version, Arena *arena, Known **ret_known, uint32_t *ret_n,
                           Error *err)
{
    Known *known = NULL;
    uint32_t n = 0, kept = 0;
    if (version > 0) {
        DeltaSnapshot *before;
        TRY(delta_snapshot_load(log->table, (DeltaVersion){DELTA_AT_VERSION, version - 1}, arena, &before, err));
        known = ARENA_ARRAY(arena, Known, before->n_files);
        for (n = 0; n < before->n_files; n++)
            known[n] = (Known){.path = before->files[n].path, .size_bytes = (int64_t)before->files[n].size_bytes};
    }
    TRY(read_actions(log, version, arena, &known, &n, err));
    if (n > 1)
        qsort(known, n, sizeof *known, compare_known);
    for (uint32_t i = 0; i < n; i++)
        if ((i + 1 == n || strcmp(known[i].path, known[i + 1].path) != 0) && !known[i].removed)
            known[kept++] = known[i];
    *ret_known = known;
    *ret_n = kept;
    return STATUS_OK;
}

/* The files a checkpoint itself names, sorted.  A snapshot would pass over one that is broken. */
static Status checkpoint_files(const Log *log, CheckpointFile checkpoint, Arena *arena, Known **ret_known,
                               uint32_t *ret_n, Error *err)
{
    LogActions actions = {.timestamp_ms = -1};
    TRY(checkpoint_read(log->table, checkpoint, arena, &actions, err));
    Known *known = ARENA_ARRAY(arena, Known, actions.n_files);
    uint32_t n = 0;
    for (uint32_t i = 0; i < actions.n_files; i++)
        if (!actions.files[i].removed)
            known[n++] = (Known){.path = actions.files[i].file.path,
                                 .size_bytes = (int64_t)actions.files[i].file.size_bytes,
                                 .order = i};
    if (n > 1)
        qsort(known, n, sizeof *known, compare_known);
    *ret_known = known;
    *ret_n = n;
    return STATUS_OK;
}

static Status check_checkpoint(const Log *log, CheckpointFile checkpoint, Arena *arena, Error *err)
{
    Known *expected, *found;
    uint32_t n, n_found;
    TRY(checkpoint_files(log, checkpoint, arena, &found, &n_found, err));
    TRY(expect_files(log, checkpoint.version, arena, &expected, &n, err));
    if (n_found != n)
        return error_set(err, STATUS_CORRUPT, "the checkpoint has %u files, the log has %u", n_found, n);
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(found[i].path, expected[i].path) != 0 || found[i].size_bytes != expected[i].size_bytes)
            return error_set(err, STATUS_CORRUPT, "the checkpoint does not say what the log says of %s",
                             expected[i].path);
    return STATUS_OK;
}

static bool is_stand_in(const Log *log, int64_t version)
{
    LogActions actions;
    Arena arena;
    Error ignored;
    arena_init(&arena);
    error_init(&ignored);
    bool stands_in = log_read(log->table, version, &arena, &actions, &ignored) == STATUS_OK && actions.parameters &&
                     strstr(actions.parameters, "\"" FSCK_REPLACES "\"");
    arena_done(&arena);
    return stands_in;
}

/* Whether version - 1 can be made without the checkpoint at `version`, from one before or from the beginning. */
static bool can_be_checked(const Log *log, int64_t version)
{
    int64_t start = -1;
    for (uint32_t i = 0; i < log->listing.n_checkpoints; i++)
        if (log->listing.checkpoints[i].version < version)
            start = log->listing.checkpoints[i].version;
    for (int64_t v = start + 1; v <= version; v++)
        if (!has_commit(log, v) || is_stand_in(log, v))
            return false;
    return true;
}

static Status check_checkpoints(const Log *log, FsckProblems *problems, Error *err)
{
    for (uint32_t i = 0; i < log->listing.n_checkpoints; i++) {
        int64_t version = log->listing.checkpoints[i].version;
        if (!can_be_checked(log, version))
            continue;
        TRY(interrupt_check(err));
        Arena arena;
        arena_init(&arena);
        Status status = check_checkpoint(log, log->listing.checkpoints[i], &arena, err);
        arena_done(&arena);
        if (status == STATUS_OK)
            continue;
        if (!fsck_is_finding(status))
            return status;
        const char *path =
            arena_printf(log->arena, "%s/_delta_log/%020lld.checkpoint.parquet", log->table, (long long)version);
        fsck_problem(problems, path, err->message, false);
        error_init(err);
    }
    return STATUS_OK;
}

Status fsck_check_log(const char *table, FsckProblems *problems, Error *err)
{
    Log log = {.table = table, .arena = problems->arena};
    TRY(log_list(table, 0, log.arena, &log.listing, err));
    check_names(&log, problems);
    TRY(check_commits(&log, problems, err));
    return problems->n == 0 ? check_checkpoints(&log, problems, err) : STATUS_OK;
}
