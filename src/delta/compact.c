/* Compaction: many small files of a partition become few of the wanted size, by one commit that changes no row.
 *
 *   snapshot -> small files by partition, then by the lowest value of the sort column, then by path
 *            -> bins of about the wanted size -> each bin rewritten as one file (rewrite.c), by the pool's threads
 *            -> one commit -> after a conflict: the files written are removed, and all is done again
 *
 * A bin of one file is left alone, so compacting twice does nothing the second time.  Kill steps (fault injection):
 * compact_before_files, compact_after_files. */
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/fault.h"
#include "delta/maintain.h"
#include "delta/rewrite.h"

#define DEFAULT_TARGET_BYTES ((uint64_t)128 << 20)
#define BIN_MAX_FILES 512                /* all are open at a time */
#define BIN_MAX_ROWS ((uint64_t)8 << 20) /* 16 bytes of memory each */
#define TRIES 5

typedef struct Candidate {
    const DeltaFile *file;
    int64_t lowest; /* of the sort column; INT64_MIN: not known */
} Candidate;

typedef struct Bin {
    const DeltaFile **files;
    uint32_t n_files;
    uint64_t bytes;
    uint64_t rows;
    DeltaFile result;
    bool written;
} Bin;

typedef struct Compaction {
    const DeltaMaintenance *job;
    uint64_t target_bytes;
    const DeltaSnapshot *snapshot;
    int sort_column;
    Arena arena;
    Bin *bins;
    uint32_t n_bins;
    uint32_t n_rewritten; /* files in all bins */
    atomic_uint next;
    /* of the worker that failed first */
    atomic_bool failed;
    Error failure;
    Arena *arenas; /* one a bin: results live in them */
} Compaction;

/* ---- Which files ---- */

static int compare_partitions(const Compaction *work, const DeltaFile *a, const DeltaFile *b)
{
    for (uint32_t i = 0; i < work->snapshot->metadata.n_partition_columns; i++) {
        const char *x = a->partition_values[i], *y = b->partition_values[i];
        if (!x != !y)
            return x ? 1 : -1;
        int order = x ? strcmp(x, y) : 0;
        if (order)
            return order;
    }
    return 0;
}

static int compare_candidates(const void *a, const void *b, void *context)
{
    const Candidate *x = a, *y = b;
    int order = compare_partitions(context, x->file, y->file);
    if (order)
        return order;
    if (x->lowest != y->lowest)
        return x->lowest < y->lowest ? -1 : 1;
    return strcmp(x->file->path, y->file->path);
}

static int64_t lowest_value(Compaction *work, const DeltaFile *file)
{
    ParquetStatistics statistics;
    if (work->sort_column < 0 ||
        !delta_file_statistics(work->snapshot, file, (uint32_t)work->sort_column, &work->arena, &statistics))
        return INT64_MIN;
    return rewrite_sort_key(statistics.min.type, statistics.min.raw, statistics.has_min_max && statistics.min.valid);
}

static Candidate *find_candidates(Compaction *work, uint32_t *ret_n)
{
    const DeltaSnapshot *snapshot = work->snapshot;
    Candidate *candidates = ARENA_ARRAY(&work->arena, Candidate, snapshot->n_files);
    uint32_t n = 0;
    for (uint32_t i = 0; i < snapshot->n_files; i++) {
        const DeltaFile *file = &snapshot->files[i];
        if (file->size_bytes < work->target_bytes / 2)
            candidates[n++] = (Candidate){file, lowest_value(work, file)};
    }
    if (n > 1)
        qsort_r(candidates, n, sizeof *candidates, compare_candidates, work);
    *ret_n = n;
    return candidates;
}

static bool fits(const Compaction *work, const Bin *bin, const DeltaFile *file)
{
    uint64_t rows = file->num_records > 0 ? (uint64_t)file->num_records : 0;
    return bin->n_files > 0 && bin->n_files < BIN_MAX_FILES && bin->bytes + file->size_bytes <= work->target_bytes &&
           bin->rows + rows <= BIN_MAX_ROWS && compare_partitions(work, bin->files[0], file) == 0;
}

/* Consecutive candidates of one partition as long as they fit; bins of one file are dropped. */
static void fill_bins(Compaction *work)
{
    uint32_t n;
    Candidate *candidates = find_candidates(work, &n);
    work->bins = ARENA_ARRAY(&work->arena, Bin, n);
    const DeltaFile **files = ARENA_ARRAY(&work->arena, const DeltaFile *, n);
    Bin bin = {.files = files};
    for (uint32_t i = 0; i < n; i++) {
        const DeltaFile *file = candidates[i].file;
        files[i] = file;
        if (!fits(work, &bin, file)) {
            if (bin.n_files > 1)
                work->bins[work->n_bins++] = bin;
            bin = (Bin){.files = files + i};
        }
        bin.n_files++;
        bin.bytes += file->size_bytes;
        bin.rows += file->num_records > 0 ? (uint64_t)file->num_records : 0;
    }
    if (bin.n_files > 1)
        work->bins[work->n_bins++] = bin;
    for (uint32_t i = 0; i < work->n_bins; i++)
        work->n_rewritten += work->bins[i].n_files;
}

/* ---- Rewriting ---- */

static void rewrite_bins(void *context, int worker)
{
    (void)worker;
    Compaction *work = context;
    for (;;) {
        uint32_t i = atomic_fetch_add(&work->next, 1);
        if (i >= work->n_bins || atomic_load(&work->failed))
            return;
        Bin *bin = &work->bins[i];
        DeltaRewrite rewrite = {.snapshot = work->snapshot,
                                .files = bin->files,
                                .n_files = bin->n_files,
                                .sort_column = work->sort_column,
                                .budget = work->job->budget};
        Error err;
        error_init(&err);
        if (delta_rewrite(&rewrite, &work->arenas[i], &bin->result, &err) == STATUS_OK)
            bin->written = true;
        else if (!atomic_exchange(&work->failed, true))
            work->failure = err;
    }
}

/* Nothing names these files, and nothing will. */
static void remove_written(Compaction *work)
{
    for (uint32_t i = 0; i < work->n_bins; i++)
        if (work->bins[i].written) {
            Error ignored;
            error_init(&ignored);
            (void)!storage_remove(delta_file_path(work->snapshot, &work->bins[i].result, &work->arena), &ignored);
        }
}

static Status rewrite_all(Compaction *work, Error *err)
{
    work->arenas = ARENA_ARRAY(&work->arena, Arena, work->n_bins);
    for (uint32_t i = 0; i < work->n_bins; i++)
        arena_init(&work->arenas[i]);
    pool_run(work->job->pool, rewrite_bins, work);
    if (!work->failed)
        return STATUS_OK;
    *err = work->failure;
    remove_written(work);
    return err->code;
}

static Status commit_bins(Compaction *work, int64_t *ret_version, Error *err)
{
    DeltaFile *adds = ARENA_ARRAY(&work->arena, DeltaFile, work->n_bins);
    const DeltaFile **removes = ARENA_ARRAY(&work->arena, const DeltaFile *, work->n_rewritten);
    uint32_t n = 0;
    for (uint32_t i = 0; i < work->n_bins; i++) {
        adds[i] = work->bins[i].result;
        for (uint32_t f = 0; f < work->bins[i].n_files; f++)
            removes[n++] = work->bins[i].files[f];
    }
    DeltaCommit commit = {
        .operation = "OPTIMIZE",
        .parameters = arena_printf(&work->arena, "{\"targetSize\":%llu}", (unsigned long long)work->target_bytes),
        .adds = adds,
        .n_adds = work->n_bins,
        .removes = removes,
        .n_removes = n,
        .data_change = false,
        .user_metadata = work->job->user_metadata,
        .rule = DELTA_REWRITE};
    Status status = delta_commit(work->snapshot, &commit, ret_version, err);
    if (status == STATUS_CONFLICT)
        remove_written(work);
    return status;
}

/* ---- One try ---- */

/* What Parquet files of this program cannot hold as the table's other writers do. */
static Status check_field(const json_t *field, Error *err)
{
    const char *type = json_string_value(json_object_get(field, "type"));
    const char *name = json_string_value(json_object_get(field, "name"));
    if (type && strcmp(type, "byte") != 0 && strcmp(type, "short") != 0)
        return STATUS_OK;
    error_set(err, STATUS_UNSUPPORTED, "a table with a column of %s type cannot be compacted", type ? type : "nested");
    error_hint(err, "compact it with the program that writes it (OPTIMIZE); its other columns can be read here");
    return error_at_column(err, name ? name : "");
}

static Status check_table(const Compaction *work, Error *err)
{
    const DeltaSnapshot *snapshot = work->snapshot;
    if (snapshot->min_writer_version > DELTA_WRITER_VERSION) {
        error_set(err, STATUS_UNSUPPORTED, "the table asks for writer version %d, this program writes %d",
                  snapshot->min_writer_version, DELTA_WRITER_VERSION);
        error_at_file(err, snapshot->table);
        return error_hint(err, "it can be read; compact it with the tool that made it");
    }
    json_t *schema = json_loads(snapshot->metadata.schema_json, 0, NULL);
    const json_t *fields = json_object_get(schema, "fields");
    Status status = STATUS_OK;
    for (size_t i = 0; i < json_array_size(fields) && status == STATUS_OK; i++)
        status = check_field(json_array_get(fields, i), err);
    json_decref(schema);
    return status == STATUS_OK ? status : error_at_file(err, snapshot->table);
}

static Status find_sort_column(Compaction *work, const char *name, Error *err)
{
    work->sort_column = name ? schema_find(&work->snapshot->metadata.schema, name) : -1;
    if (!name)
        return STATUS_OK;
    if (work->sort_column >= 0 && rewrite_can_sort(work->snapshot->metadata.schema.fields[work->sort_column].type))
        return STATUS_OK;
    error_set(err, STATUS_USAGE,
              work->sort_column < 0 ? "the table has no column '%s' to sort by"
                                    : "rows cannot be compacted in the order of '%s'",
              name);
    return error_hint(err, "dates, timestamps and numbers of up to 18 digits can be sorted by");
}

static void sum_up(const Compaction *work, DeltaCompaction *result)
{
    for (uint32_t i = 0; i < work->n_bins; i++) {
        const Bin *bin = &work->bins[i];
        result->files_before += bin->n_files;
        result->files_after++;
        result->rows += bin->written ? (uint64_t)bin->result.num_records : bin->rows;
        result->bytes_before += bin->bytes;
        result->bytes_after += bin->written ? bin->result.size_bytes : bin->bytes;
    }
}

static Status compact_snapshot(Compaction *work, const char *sort_column, DeltaCompaction *result, Error *err)
{
    DeltaSnapshot *snapshot;
    TRY(delta_snapshot_load(work->job->table, (DeltaVersion){.kind = DELTA_NEWEST}, &work->arena, &snapshot, err));
    work->snapshot = snapshot;
    TRY(check_table(work, err));
    TRY(find_sort_column(work, sort_column, err));
    fill_bins(work);
    *result = (DeltaCompaction){.version = -1};
    if (work->n_bins > 0 && !work->job->dry_run) {
        fault_step("compact_before_files");
        TRY(rewrite_all(work, err));
        fault_step("compact_after_files");
        TRY(commit_bins(work, &result->version, err));
    }
    sum_up(work, result);
    return STATUS_OK;
}

static Status compact_once(const DeltaMaintenance *job, uint64_t target_bytes, const char *sort_column,
                           DeltaCompaction *result, Error *err)
{
    Compaction work = {.job = job, .target_bytes = target_bytes ? target_bytes : DEFAULT_TARGET_BYTES};
    arena_init(&work.arena);
    Status status = compact_snapshot(&work, sort_column, result, err);
    for (uint32_t i = 0; work.arenas && i < work.n_bins; i++)
        arena_done(&work.arenas[i]);
    arena_done(&work.arena);
    return status;
}

Status delta_compact(const DeltaMaintenance *job, uint64_t target_bytes, const char *sort_column,
                     DeltaCompaction *ret_result, Error *err)
{
    DeltaCompaction result = {.version = -1};
    Status status = STATUS_OK;
    for (int try = 0; try < TRIES; try++) {
        error_init(err);
        status = compact_once(job, target_bytes, sort_column, &result, err);
        if (status != STATUS_CONFLICT)
            break;
    }
    if (status == STATUS_CONFLICT) {
        err->hint[0] = '\0'; /* this one says more */
        return error_hint(err, "others change the table all the time; try again when it is quieter");
    }
    if (status == STATUS_OK)
        *ret_result = result;
    return status;
}
