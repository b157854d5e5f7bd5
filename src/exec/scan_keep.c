/* Row groups whose bytes are kept from pass to pass (parquet_row_group_keep), for sorts over files far away.
 *
 * Before it scans, a sort reads the dictionaries of all row groups and the keys of some (run.c).  From a store far away each
 * of these would be a request, and the bytes would come again with the scan.  Kept are the row groups the sample is drawn
 * from first, since of these most would come twice, then the others in their order, as long as the share of the budget
 * lasts: the rest belongs to the sort itself.  A row group is dropped when the scan has opened it. */
#include <stdatomic.h>

#include "exec/scan.h"

#define BUDGET_SHARE 4
#define SAMPLE_TASKS 8

typedef struct Keeping {
    const ScanPlan *plan;
    const uint32_t *tasks; /* in the order in which they are kept */
    uint32_t n;
    size_t most_bytes; /* 0: no limit */
    _Atomic size_t bytes;
    _Atomic uint32_t next;
    _Atomic bool stop;
    Status *statuses; /* per thread */
    Error *errors;
} Keeping;

uint32_t scan_sample_spots(const ScanPlan *plan)
{
    return plan->n_tasks < SAMPLE_TASKS ? plan->n_tasks : SAMPLE_TASKS;
}

uint32_t scan_sample_task(const ScanPlan *plan, uint32_t spot)
{
    return (uint32_t)((uint64_t)plan->n_tasks * spot / scan_sample_spots(plan));
}

/* The columns that a task reads from its file, and what they weigh. */
static uint32_t columns_to_read(const ScanPlan *plan, uint32_t task, uint32_t *columns, size_t *ret_bytes)
{
    const ScanTask *where = &plan->tasks[task];
    uint32_t n = 0;
    *ret_bytes = 0;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        uint32_t column = plan->file_columns[(size_t)where->file * plan->n_columns + i];
        if (column == SCAN_CONSTANT)
            continue;
        columns[n++] = column;
        *ret_bytes += parquet_column_bytes(plan->table->files[where->file], where->row_group, column);
    }
    return n;
}

static Status keep_task(Keeping *keeping, uint32_t task, uint32_t *columns, Error *err)
{
    const ScanTask *where = &keeping->plan->tasks[task];
    size_t bytes;
    uint32_t n = columns_to_read(keeping->plan, task, columns, &bytes);
    bool kept = !keeping->most_bytes || atomic_fetch_add(&keeping->bytes, bytes) + bytes <= keeping->most_bytes;
    if (kept)
        TRY(parquet_row_group_keep(keeping->plan->table->files[where->file], where->row_group, columns, n, &kept, err));
    if (!kept)
        atomic_store(&keeping->stop, true);
    return STATUS_OK;
}

static void keep_tasks(void *context, int thread)
{
    Keeping *keeping = context;
    uint32_t *columns CLEANUP(mem_cleanup) = mem_alloc(sizeof *columns * (keeping->plan->n_columns + 1));
    for (;;) {
        uint32_t i = atomic_fetch_add(&keeping->next, 1);
        if (i >= keeping->n || atomic_load(&keeping->stop))
            return;
        keeping->statuses[thread] = keep_task(keeping, keeping->tasks[i], columns, &keeping->errors[thread]);
        if (keeping->statuses[thread] != STATUS_OK)
            atomic_store(&keeping->stop, true);
    }
}

/* All tasks that are not skipped: those of the sample first. */
static uint32_t order_tasks(const ScanPlan *plan, const bool *skip, uint32_t *tasks, Arena *arena)
{
    bool *taken = ARENA_ARRAY(arena, bool, plan->n_tasks + 1);
    uint32_t n = 0, spots = scan_sample_spots(plan);
    for (uint32_t i = 0; i < spots + plan->n_tasks; i++) {
        uint32_t task = i < spots ? scan_sample_task(plan, i) : i - spots;
        if (!skip[task] && !taken[task])
            tasks[n++] = task;
        taken[task] = true;
    }
    return n;
}

Status scan_keep(const ScanPlan *plan, const bool *skip, ThreadPool *pool, MemoryBudget *budget, Error *err)
{
    if (plan->table->n_relations)
        return STATUS_OK;
    Arena arena;
    arena_init(&arena);
    int n_threads = pool_threads(pool);
    uint32_t *tasks = ARENA_ARRAY(&arena, uint32_t, plan->n_tasks + 1);
    Keeping keeping = {.plan = plan,
                       .tasks = tasks,
                       .n = order_tasks(plan, skip, tasks, &arena),
                       .most_bytes = budget->limit / BUDGET_SHARE,
                       .statuses = ARENA_ARRAY(&arena, Status, n_threads),
                       .errors = ARENA_ARRAY(&arena, Error, n_threads)};
    pool_run(pool, keep_tasks, &keeping);
    Status status = STATUS_OK;
    for (int i = 0; i < n_threads && status == STATUS_OK; i++) {
        status = keeping.statuses[i];
        if (status != STATUS_OK)
            *err = keeping.errors[i];
    }
    arena_done(&arena);
    return status;
}

void scan_drop(const ScanPlan *plan, uint32_t task)
{
    if (!plan->table->n_relations)
        parquet_row_group_drop(plan->table->files[plan->tasks[task].file], plan->tasks[task].row_group);
}
