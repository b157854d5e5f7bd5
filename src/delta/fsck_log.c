/* Checking a table's log: names, commits, checkpoints.
 *
 * A checkpoint at version C is right when its files are those of version C - 1 with the adds and removes of commit C, sizes
 * included.  It can be checked only while commit C and what makes up version C - 1 are still in the log. */
#include <jansson.h>
#include <stdlib.h>

#include "base/pool.h"
#include "delta/fsck_internal.h"

#define COMMIT_MAX_BYTES ((size_t)1 << 30)

typedef struct Log {
    const char *table;
    Arena *arena;
    int64_t *commits; /* ascending */
    uint32_t n_commits;
    int64_t *checkpoints; /* ascending; classic ones */
    uint32_t n_checkpoints;
} Log;

/* ---- Names ---- */

/* "00000000000000000012" + ending -> 12; -1: another name. */
static int64_t version_of(const char *name, const char *ending)
{
    int64_t version = 0;
    for (int i = 0; i < 20; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -1;
        if (__builtin_mul_overflow(version, 10, &version) || __builtin_add_overflow(version, name[i] - '0', &version))
            return -1;
    }
    return strcmp(name + 20, ending) == 0 ? version : -1;
}

static Status list_log(Log *log, Error *err)
{
    StorageList list;
    const char *folder = arena_printf(log->arena, "%s/_delta_log", log->table);
    TRY(storage_list_folder(folder, false, NULL, &list, err));
    log->commits = ARENA_ARRAY(log->arena, int64_t, list.n);
    log->checkpoints = ARENA_ARRAY(log->arena, int64_t, list.n);
    for (size_t i = 0; i < list.n; i++) {
        const char *name = strrchr(list.entries[i].path, '/') + 1;
        int64_t commit = version_of(name, ".json"), checkpoint = version_of(name, ".checkpoint.parquet");
        if (commit >= 0)
            log->commits[log->n_commits++] = commit;
        if (checkpoint >= 0)
            log->checkpoints[log->n_checkpoints++] = checkpoint;
    }
    storage_list_done(&list);
    return STATUS_OK;
}

static const char *commit_path(const Log *log, int64_t version)
{
    return arena_printf(log->arena, "%s/_delta_log/%020lld.json", log->table, (long long)version);
}

static bool has_commit(const Log *log, int64_t version)
{
    for (uint32_t i = 0; i < log->n_commits; i++)
        if (log->commits[i] == version)
            return true;
    return false;
}

static void check_names(const Log *log, FsckProblems *problems)
{
    for (uint32_t i = 1; i < log->n_commits; i++)
        for (int64_t v = log->commits[i - 1] + 1; v < log->commits[i] && problems->n < 1000; v++)
            fsck_problem(problems, commit_path(log, v), "missing: the log has a gap", false);
    int64_t oldest = log->n_commits ? log->commits[0] : INT64_MAX;
    bool covered = oldest == 0;
    for (uint32_t i = 0; i < log->n_checkpoints; i++)
        covered |= log->checkpoints[i] >= oldest - 1;
    if (!covered && oldest < INT64_MAX)
        fsck_problem(problems, commit_path(log, oldest - 1), "missing, and no checkpoint stands for it", false);
}

/* ---- Commits ---- */

static Status check_commits(const Log *log, FsckProblems *problems, Error *err)
{
    for (uint32_t i = 0; i < log->n_commits; i++) {
        TRY(interrupt_check(err));
        Arena arena;
        arena_init(&arena);
        DeltaCommitInfo *commits;
        uint32_t n;
        Status status = delta_history(log->table, log->commits[i], log->commits[i], &arena, &commits, &n, err);
        arena_done(&arena);
        if (status == STATUS_OK)
            continue;
        if (!fsck_is_finding(status))
            return status;
        char what[768];
        size_t used = (size_t)snprintf(what, sizeof what, "%s", err->message);
        if (err->row > 0 && used < sizeof what)
            snprintf(what + used, sizeof what - used, " (line %lld)", (long long)err->row);
        fsck_problem(problems, commit_path(log, log->commits[i]), what, false);
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

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Paths are URI-encoded in the log. */
static char *decode_path(const char *text, Arena *arena)
{
    char *decoded = arena_strdup(arena, text), *to = decoded;
    for (const char *c = text; *c; c++) {
        bool escape = *c == '%' && hex_value(c[1]) >= 0 && hex_value(c[2]) >= 0;
        *to++ = escape ? (char)(hex_value(c[1]) * 16 + hex_value(c[2])) : *c;
        c += escape ? 2 : 0;
    }
    *to = '\0';
    return decoded;
}

/* Adds and removes of a commit behind known[0..n). */
static Status read_actions(const Log *log, int64_t version, Arena *arena, Known **known, uint32_t *n, Error *err)
{
    StrView text;
    TRY(storage_read_file(commit_path(log, version), COMMIT_MAX_BYTES, arena, &text, err));
    uint32_t lines = 1;
    for (uint32_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    Known *all = ARENA_ARRAY(arena, Known, *n + lines);
    if (*n)
        memcpy(all, *known, sizeof *all * *n);
    const char *line = text.data, *end = text.data + text.size;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop : end;
        json_t *action = json_loadb(line, (size_t)(stop - line), 0, NULL);
        json_t *add = json_object_get(action, "add"), *removal = json_object_get(action, "remove");
        const char *path = json_string_value(json_object_get(add ? add : removal, "path"));
        if (path) {
            all[*n] = (Known){.path = decode_path(path, arena),
                              .size_bytes = json_integer_value(json_object_get(add, "size")),
                              .order = 1,
                              .removed = !add};
            ++*n;
        }
        json_decref(action);
        line = stop + 1;
    }
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

static Status check_checkpoint(const Log *log, int64_t version, Arena *arena, Error *err)
{
    Known *expected;
    uint32_t n;
    TRY(expect_files(log, version, arena, &expected, &n, err));
    DeltaSnapshot *snapshot;
    TRY(delta_snapshot_load(log->table, (DeltaVersion){DELTA_AT_VERSION, version}, arena, &snapshot, err));
    if (snapshot->n_files != n)
        return error_set(err, STATUS_CORRUPT, "the checkpoint has %u files, the log has %u", snapshot->n_files, n);
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(snapshot->files[i].path, expected[i].path) != 0 ||
            (int64_t)snapshot->files[i].size_bytes != expected[i].size_bytes)
            return error_set(err, STATUS_CORRUPT, "the checkpoint does not say what the log says of %s",
                             expected[i].path);
    return STATUS_OK;
}

/* Whether version - 1 can be made without the checkpoint at `version`, from one before or from the beginning. */
static bool can_be_checked(const Log *log, int64_t version)
{
    int64_t start = -1;
    for (uint32_t i = 0; i < log->n_checkpoints; i++)
        if (log->checkpoints[i] < version)
            start = log->checkpoints[i];
    for (int64_t v = start + 1; v <= version; v++)
        if (!has_commit(log, v))
            return false;
    return true;
}

static Status check_checkpoints(const Log *log, FsckProblems *problems, Error *err)
{
    for (uint32_t i = 0; i < log->n_checkpoints; i++) {
        int64_t version = log->checkpoints[i];
        if (!can_be_checked(log, version))
            continue;
        TRY(interrupt_check(err));
        Arena arena;
        arena_init(&arena);
        Status status = check_checkpoint(log, version, &arena, err);
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
    TRY(list_log(&log, err));
    check_names(&log, problems);
    TRY(check_commits(&log, problems, err));
    return problems->n == 0 ? check_checkpoints(&log, problems, err) : STATUS_OK;
}
