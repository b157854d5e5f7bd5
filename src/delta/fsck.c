/* Checking a table: its log, and every file the newest version has.
 *
 *   log    names: no version missing between the oldest and the newest, and what precedes the oldest is in a checkpoint
 *          every commit can be read (fsck_log.c)
 *          every checkpoint says what the version before it and its own commit say
 *   files  there, size, footer, number of rows, columns of the right types; deep: every page of every column
 *
 * What is wrong is a problem of the result, not an error; an error is what kept the check from being made.  Files are
 * checked by the pool's threads, one problem a file. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/fault.h"
#include "delta/fsck_internal.h"
#include "parquet/parquet_nested.h"

#define READ_ROWS 65536u

typedef struct FileFinding {
    char *what; /* NULL: nothing wrong */
    bool missing;
    uint64_t rows;
} FileFinding;

typedef struct FileCheck {
    const DeltaMaintenance *job;
    const DeltaSnapshot *snapshot;
    bool deep;
    FileFinding *findings; /* a file each */
    atomic_uint next;
    atomic_bool failed;
    Error failure;
} FileCheck;

void fsck_problem(FsckProblems *problems, const char *file, const char *what, bool repairable)
{
    if (problems->n == problems->capacity) {
        problems->capacity = problems->capacity ? 2 * problems->capacity : 16;
        DeltaProblem *grown = ARENA_ARRAY(problems->arena, DeltaProblem, problems->capacity);
        if (problems->n)
            memcpy(grown, problems->list, sizeof *grown * problems->n);
        problems->list = grown;
    }
    problems->list[problems->n++] =
        (DeltaProblem){arena_strdup(problems->arena, file), arena_strdup(problems->arena, what), repairable};
}

bool fsck_is_finding(Status status)
{
    return status == STATUS_CORRUPT || status == STATUS_DATA || status == STATUS_NOT_FOUND ||
           status == STATUS_UNSUPPORTED;
}

/* ---- One file ---- */

static Status read_flat_column(ParquetFile *file, uint32_t row_group, uint32_t column, ParquetRowGroup **handle,
                               Error *err)
{
    TRY(parquet_row_group_open(file, row_group, &column, 1, handle, err));
    uint64_t rows = parquet_row_group_rows(file, row_group);
    for (uint64_t first = 0; first < rows;) {
        uint32_t n = (uint32_t)(rows - first < READ_ROWS ? rows - first : READ_ROWS);
        Vector vector;
        TRY(parquet_column_read(*handle, 0, n, &vector, err));
        first += n;
    }
    return STATUS_OK;
}

static Status read_nested_column(ParquetFile *file, uint32_t row_group, uint32_t column, Error *err)
{
    Arena arena;
    arena_init(&arena);
    ParquetNode *node;
    Status status = parquet_read_nested(file, row_group, column, NULL, 0, &arena, &node, err);
    arena_done(&arena);
    return status;
}

static Status read_all_pages(ParquetFile *file, Error *err)
{
    const Schema *schema = parquet_schema(file);
    ParquetRowGroup *handle = NULL;
    Status status = STATUS_OK;
    for (uint32_t g = 0; g < parquet_row_groups(file) && status == STATUS_OK; g++)
        for (uint32_t c = 0; c < schema->n && status == STATUS_OK; c++) {
            status = interrupt_check(err);
            if (status == STATUS_OK && schema->fields[c].type.id == TYPE_NULLTYPE)
                status = read_nested_column(file, g, c, err);
            else if (status == STATUS_OK)
                status = read_flat_column(file, g, c, &handle, err);
            if (status != STATUS_OK)
                error_at_column(err, schema->fields[c].name);
        }
    parquet_row_group_close(handle);
    return status;
}

static Status check_types(const FileCheck *check, const ParquetFile *file, Error *err)
{
    const Schema *table = &check->snapshot->metadata.schema, *in_file = parquet_schema(file);
    for (uint32_t i = 0; i < table->n; i++) {
        DataType wanted = table->fields[i].type;
        int at = schema_find(in_file, table->fields[i].name);
        DataType is = at < 0 ? wanted : in_file->fields[at].type;
        bool texts =
            (is.id == TYPE_STRING || is.id == TYPE_BINARY) && (wanted.id == TYPE_STRING || wanted.id == TYPE_BINARY);
        if (at < 0 || texts || type_equal(is, wanted))
            continue;
        char is_name[32], wanted_name[32];
        error_set(err, STATUS_DATA, "is %s instead of %s", type_name(is, is_name, sizeof is_name),
                  type_name(wanted, wanted_name, sizeof wanted_name));
        return error_at_column(err, table->fields[i].name);
    }
    return STATUS_OK;
}

static Status check_contents(const FileCheck *check, const DeltaFile *entry, ParquetFile *file, FileFinding *finding,
                             Error *err)
{
    finding->rows = parquet_rows(file);
    if (entry->num_records >= 0 && (uint64_t)entry->num_records != finding->rows)
        return error_set(err, STATUS_CORRUPT, "%s instead of %lld", PLURAL(finding->rows, "row"),
                         (long long)entry->num_records);
    TRY(check_types(check, file, err));
    return check->deep ? read_all_pages(file, err) : STATUS_OK;
}

static Status check_file(const FileCheck *check, const DeltaFile *entry, Arena *arena, FileFinding *finding, Error *err)
{
    const char *path = delta_file_path(check->snapshot, entry, arena);
    StorageFacts facts;
    TRY(storage_stat(path, &facts, err));
    if (!facts.exists) {
        finding->missing = true;
        return error_set(err, STATUS_NOT_FOUND, "missing");
    }
    if (facts.size_bytes != entry->size_bytes)
        return error_set(err, STATUS_CORRUPT, "%llu bytes instead of %llu", (unsigned long long)facts.size_bytes,
                         (unsigned long long)entry->size_bytes);
    StorageReader *reader;
    ParquetFile *file;
    TRY(storage_open(path, &reader, err));
    TRY(parquet_open(reader, check->job->budget, &file, err));
    Status status = check_contents(check, entry, file, finding, err);
    parquet_close(file);
    return status;
}

static char *describe(const Error *err)
{
    const char *column = err->column[0] ? ": column " : "";
    if (err->offset < 0)
        return mem_printf("%s%s%s", err->message, column, err->column);
    return mem_printf("%s%s%s at offset %lld", err->message, column, err->column, (long long)err->offset);
}

static void check_files(void *context, int worker)
{
    (void)worker;
    FileCheck *check = context;
    Arena arena;
    arena_init(&arena);
    for (;;) {
        uint32_t i = atomic_fetch_add(&check->next, 1);
        if (i >= check->snapshot->n_files || atomic_load(&check->failed))
            break;
        Error err;
        error_init(&err);
        Status status = check_file(check, &check->snapshot->files[i], &arena, &check->findings[i], &err);
        arena_reset(&arena);
        if (status == STATUS_OK)
            continue;
        if (fsck_is_finding(status))
            check->findings[i].what = describe(&err);
        else if (!atomic_exchange(&check->failed, true))
            check->failure = err;
    }
    arena_done(&arena);
}

/* ---- Repair ---- */

static Status remove_missing(const FileCheck *check, Arena *arena, DeltaCheck *result, Error *err)
{
    const DeltaSnapshot *snapshot = check->snapshot;
    const DeltaFile **removes = ARENA_ARRAY(arena, const DeltaFile *, snapshot->n_files);
    uint32_t n = 0;
    for (uint32_t i = 0; i < snapshot->n_files; i++)
        if (check->findings[i].missing)
            removes[n++] = &snapshot->files[i];
    if (n == 0)
        return STATUS_OK;
    DeltaCommit commit = {.operation = "FSCK",
                          .parameters = arena_printf(arena, "{\"missingFiles\":%u}", n),
                          .removes = removes,
                          .n_removes = n,
                          .data_change = true,
                          .user_metadata = check->job->user_metadata,
                          .rule = DELTA_OVERWRITE};
    result->files_removed = n;
    return delta_commit(snapshot, &commit, &result->version, err);
}

/* ---- All of it ---- */

static Status check_snapshot(const DeltaMaintenance *job, const DeltaSnapshot *snapshot, bool deep, bool repair,
                             FsckProblems *problems, DeltaCheck *result, Error *err)
{
    FileCheck check = {.job = job, .snapshot = snapshot, .deep = deep};
    check.findings = ARENA_ARRAY(problems->arena, FileFinding, snapshot->n_files);
    pool_run(job->pool, check_files, &check);
    result->files = snapshot->n_files;
    for (uint32_t i = 0; i < snapshot->n_files; i++) {
        FileFinding *finding = &check.findings[i];
        result->rows += finding->rows;
        if (finding->what)
            fsck_problem(problems, snapshot->files[i].path, finding->what, finding->missing);
        mem_free(finding->what);
    }
    if (check.failed) {
        *err = check.failure;
        return err->code;
    }
    return repair && !job->dry_run ? remove_missing(&check, problems->arena, result, err) : STATUS_OK;
}

Status delta_fsck(const DeltaMaintenance *job, bool deep, bool repair, Arena *arena, DeltaCheck *ret_check, Error *err)
{
    FsckProblems problems = {.arena = arena};
    DeltaCheck result = {.version = -1};
    TRY(fsck_check_log(job->table, &problems, err));
    if (repair && !job->dry_run && problems.n_entries > 0) {
        TRY(fsck_replace_entries(job->table, problems.entries, problems.n_entries, arena, &result.entries_lost, err));
        result.entries_replaced = problems.n_entries;
    }
    DeltaSnapshot *snapshot;
    error_init(err);
    Status status = delta_snapshot_load(job->table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, &snapshot, err);
    if (status == STATUS_OK) {
        TRY(check_snapshot(job, snapshot, deep, repair, &problems, &result, err));
    } else if (fsck_is_finding(status) && problems.n > 0) { /* the log's problems have been told */
        result.unreadable = err->hint[0] ? arena_strdup(arena, err->hint) : NULL;
        error_init(err);
    } else if (fsck_is_finding(status) && status != STATUS_NOT_FOUND) {
        fsck_problem(&problems, err->file[0] ? err->file : job->table, err->message, false);
        result.unreadable = err->hint[0] ? arena_strdup(arena, err->hint) : NULL;
        error_init(err);
    } else {
        return status;
    }
    if (result.entries_replaced > 0 && status == STATUS_OK && result.version < 0)
        result.version = snapshot->version;
    result.problems = problems.list;
    result.n_problems = problems.n;
    *ret_check = result;
    return STATUS_OK;
}
