/* Buckets of very many records: many rows that agree in their first key, or more rows than buckets are made for.
 *
 * Sorting such a bucket within each piece that touches it would sort it many times over.  It is sorted once, whole, and pieces
 * copy from it.  The threads take such buckets in turn.  One that fits in a thread's part of the free memory is sorted there;
 * it stays in memory where nothing has spilled, else it goes to a file.  One that does not is sorted part by part, as runs
 * (sort_runs.h) that are merged into a file. */
#include "exec/sort_internal.h"

#define LEAST_PART LARGE_BUCKET /* records that are sorted in memory at a time */
#define COPY_RECORDS 4096

typedef struct Large {
    Sorter *sorter;
    const RecordStore *stores;
    bool spilled;  /* the memory is full: sorted buckets go to files */
    uint64_t part; /* records that a thread may sort in memory */
    _Atomic uint32_t next;
    Status *statuses; /* per worker */
    Error *errors;
} Large;

typedef struct LargeWorker {
    Large *large;
    int index;
    SortRebuild rebuild;
    SortRecord *sorted; /* `room` records each */
    SortRecord *scratch;
    uint64_t room;
} LargeWorker;

static uint64_t bucket_size(const Sorter *sorter, uint32_t bucket)
{
    return sorter->bucket_starts[bucket + 1] - sorter->bucket_starts[bucket];
}

static void give_back(LargeWorker *worker)
{
    size_t bytes = sizeof(SortRecord) * worker->room;
    if (worker->sorted)
        mem_unmap(worker->sorted, bytes);
    if (worker->scratch)
        mem_unmap(worker->scratch, bytes);
    budget_release(worker->large->sorter->options.budget, (worker->sorted != NULL) * bytes);
    budget_release(worker->large->sorter->options.budget, (worker->scratch != NULL) * bytes);
    worker->sorted = worker->scratch = NULL;
}

static Status take_room(LargeWorker *worker, uint64_t n, Error *err)
{
    TRY(budget_reserve(worker->large->sorter->options.budget, 2 * sizeof(SortRecord) * n, "sorting", err));
    worker->room = n;
    worker->sorted = mem_map(sizeof(SortRecord) * n);
    worker->scratch = mem_map(sizeof(SortRecord) * n);
    return STATUS_OK;
}

static Status sort_part(LargeWorker *worker, uint32_t bucket, uint64_t first, uint64_t n, Error *err)
{
    const Sorter *sorter = worker->large->sorter;
    return sorter_sort_records(sorter, worker->large->stores, (uint32_t)sorter_threads(sorter), bucket, first, n,
                               &worker->rebuild, worker->sorted, worker->scratch, err);
}

static Status own_file(LargeWorker *worker, SpillFile **ret_file, Error *err)
{
    Sorter *sorter = worker->large->sorter;
    if (!sorter->large_files[worker->index])
        TRY(spill_file_new(sorter->spill, &sorter->large_files[worker->index], err));
    *ret_file = sorter->large_files[worker->index];
    return STATUS_OK;
}

static Status in_memory(LargeWorker *worker, uint32_t bucket, uint64_t n, Error *err)
{
    Sorter *sorter = worker->large->sorter;
    LargeBucket *sorted = &sorter->large[bucket];
    TRY(sort_part(worker, bucket, 0, n, err));
    if (!worker->large->spilled) {
        sorted->records = worker->sorted;
        worker->sorted = NULL; /* it stays reserved */
        return STATUS_OK;
    }
    SpillFile *file;
    TRY(own_file(worker, &file, err));
    TRY(spill_file_append(file, worker->sorted, sizeof(SortRecord) * n, &sorted->offset, err));
    sorted->file = file;
    return STATUS_OK;
}

static Status write_runs(LargeWorker *worker, uint32_t bucket, uint64_t n, SortRunWriter *runs, Error *err)
{
    for (uint64_t first = 0; first < n; first += worker->room) {
        TRY(interrupt_check(err));
        uint64_t part = n - first < worker->room ? n - first : worker->room;
        TRY(sort_part(worker, bucket, first, part, err));
        TRY(sort_run_begin(runs, err));
        for (uint64_t i = 0; i < part; i++) {
            const SortRecord *record = &worker->sorted[i];
            uint64_t code[2] = {__builtin_bswap64(record->key), __builtin_bswap64(record->payload)};
            TRY(sort_run_put(runs, code, sizeof code, err));
        }
        TRY(sort_run_end(runs, err));
    }
    return STATUS_OK;
}

static Status copy_merged(LargeWorker *worker, SortMerge *merge, uint64_t n, LargeBucket *ret_bucket, Error *err)
{
    SpillFile *file;
    TRY(own_file(worker, &file, err));
    uint64_t start = spill_file_size(file);
    for (uint64_t first = 0; first < n; first += COPY_RECORDS) {
        SortRecord records[COPY_RECORDS];
        uint32_t part = n - first < COPY_RECORDS ? (uint32_t)(n - first) : COPY_RECORDS;
        for (uint32_t i = 0; i < part; i++) {
            const uint8_t *row;
            uint32_t size;
            TRY(sort_merge_next(merge, &row, &size, err));
            CHECK(row && size == sizeof(SortRecord));
            memcpy(&records[i], row, sizeof(SortRecord));
            records[i].key = __builtin_bswap64(records[i].key);
            records[i].payload = __builtin_bswap64(records[i].payload);
        }
        TRY(spill_file_append(file, records, sizeof *records * part, NULL, err));
    }
    *ret_bucket = (LargeBucket){.file = file, .offset = start};
    return STATUS_OK;
}

static Status in_parts(LargeWorker *worker, uint32_t bucket, uint64_t n, Error *err)
{
    Sorter *sorter = worker->large->sorter;
    SortRunWriter runs;
    SortMerge *merge = NULL;
    sort_run_writer_init(&runs, sorter->spill);
    Status status = write_runs(worker, bucket, n, &runs, err);
    if (status == STATUS_OK)
        status = sort_merge_new(runs.runs, runs.n_runs, sorter->spill, sizeof(SortRecord) * worker->room, &merge, err);
    if (status == STATUS_OK)
        status = copy_merged(worker, merge, n, &sorter->large[bucket], err);
    sort_merge_free(merge);
    sort_run_writer_done(&runs);
    return status;
}

static Status sort_one(LargeWorker *worker, uint32_t bucket, Error *err)
{
    const Large *large = worker->large;
    const Sorter *sorter = large->sorter;
    uint64_t n = bucket_size(sorter, bucket);
    if (n <= large->part) {
        Status status = take_room(worker, n, err);
        if (status == STATUS_OK)
            return in_memory(worker, bucket, n, err);
        if (!sorter->spill)
            return status;
    }
    TRY(take_room(worker, large->part < LEAST_PART || n <= large->part ? LEAST_PART : large->part, err));
    return in_parts(worker, bucket, n, err);
}

static void sort_worker(void *context, int index)
{
    Large *large = context;
    LargeWorker worker = {.large = large, .index = index};
    sorter_start_rebuild(large->sorter, &worker.rebuild);
    while (large->statuses[index] == STATUS_OK) {
        uint32_t bucket = atomic_fetch_add(&large->next, 1);
        if (bucket >= large->sorter->buckets.n_buckets)
            break;
        if (bucket_size(large->sorter, bucket) > LARGE_BUCKET)
            large->statuses[index] = sort_one(&worker, bucket, &large->errors[index]);
        give_back(&worker);
    }
    sort_rebuild_done(&worker.rebuild);
}

Status sorter_sort_large(Sorter *sorter, const RecordStore *stores, uint64_t *ret_largest, Error *err)
{
    uint32_t threads = (uint32_t)sorter_threads(sorter);
    bool any = false;
    uint64_t largest = 0;
    for (uint32_t b = 0; b < sorter->buckets.n_buckets; b++) {
        uint64_t n = bucket_size(sorter, b);
        any |= n > LARGE_BUCKET;
        largest = n <= LARGE_BUCKET && n > largest ? n : largest;
    }
    *ret_largest = largest;
    if (!any)
        return STATUS_OK;
    const MemoryBudget *budget = sorter->options.budget;
    size_t used = atomic_load(&budget->used), left = budget->limit > used ? budget->limit - used : 0;
    Large large = {.sorter = sorter,
                   .stores = stores,
                   .part = sorter->spill ? left / 2 / threads / (2 * sizeof(SortRecord)) : UINT64_MAX,
                   .statuses = ARENA_ARRAY(&sorter->arena, Status, threads),
                   .errors = ARENA_ARRAY(&sorter->arena, Error, threads)};
    for (uint32_t w = 0; w < threads; w++)
        large.spilled |= stores[w].file != NULL;
    sorter->large = ARENA_ARRAY(&sorter->arena, LargeBucket, sorter->buckets.n_buckets);
    sorter->large_files = ARENA_ARRAY(&sorter->arena, SpillFile *, threads);
    pool_run(sorter->options.pool, sort_worker, &large);
    for (uint32_t w = 0; w < threads; w++)
        if (large.statuses[w] != STATUS_OK) {
            *err = large.errors[w];
            return err->code;
        }
    return STATUS_OK;
}

Status sorter_read_large(const LargeBucket *large, uint64_t first, uint64_t n, SortRecord *to, Error *err)
{
    if (large->file)
        return spill_file_read(large->file, large->offset + sizeof *to * first, to, sizeof *to * n, err);
    memcpy(to, large->records + first, sizeof *to * n);
    return STATUS_OK;
}

void sorter_free_large(Sorter *sorter)
{
    for (uint32_t b = 0; sorter->large && b < sorter->buckets.n_buckets; b++) {
        size_t bytes = sizeof(SortRecord) * bucket_size(sorter, b);
        if (sorter->large[b].records) {
            mem_unmap(sorter->large[b].records, bytes);
            budget_release(sorter->options.budget, bytes);
        }
    }
    for (int w = 0; sorter->large_files && w < sorter_threads(sorter); w++)
        spill_file_free(sorter->large_files[w]);
}
