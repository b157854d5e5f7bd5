/* After the scan: aggregates of the workers are merged and finished, sorters sort and emit; each statement's figures. */
#include <stdio.h>

#include "base/clock.h"
#include "exec/aggregate_state.h"
#include "exec/pass_internal.h"

static void note(Statement *statement, const PlanNode *node, uint64_t rows_in, uint64_t rows_out, double seconds,
                 uint64_t bytes, const char *detail)
{
    if (statement->n_operators == ARRAY_SIZE(statement->operators))
        return;
    OperatorStatistics *statistics = &statement->operators[statement->n_operators++];
    *statistics = (OperatorStatistics){
        .node = node, .rows_in = rows_in, .rows_out = rows_out, .cpu_seconds = seconds, .memory_bytes = bytes};
    snprintf(statistics->detail, sizeof statistics->detail, "%s", detail);
}

static void note_scan(Run *run, Running *running, uint64_t rows)
{
    double seconds = 0;
    for (int w = 0; w < run->n_workers; w++)
        seconds += run->workers[w].scan_seconds;
    char detail[160] = "";
    char skipped[32];
    text_count(skipped, sizeof skipped, (double)atomic_load(&run->rows_skipped));
    if (!run->table->n_relations)
        snprintf(detail, sizeof detail, "%u of %u row groups skipped, %s rows by page index, %u columns%s",
                 running->n_skipped, run->plan->n_tasks, skipped, running->shape.scan->schema.n,
                 run->n > 1 ? ", scan shared" : "");
    note(running->statement, running->shape.scan, rows, rows, seconds, 0, detail);
}

static void describe_side(const JoinSide *side, const JoinCounts *counts, char *detail, size_t size)
{
    if (side->table) {
        char rows[32], number[32], dropped[80] = "";
        text_count(rows, sizeof rows, join_table_rows(side->table));
        text_count(number, sizeof number, (double)counts->rows_dropped);
        if (counts->rows_dropped)
            snprintf(dropped, sizeof dropped, ", %s rows dropped before the first join", number);
        snprintf(detail, size, "hash table of %s rows%s", rows, dropped);
        return;
    }
    JoinSpill spill = join_parts_spill(side->parts);
    char rows[32], held[32], parked[32], again[32] = "";
    if (spill.parted_again)
        snprintf(again, sizeof again, ", %u parted again", spill.parted_again);
    snprintf(detail, size, "%s rows in %u parts%s, %s of them and %s of rows that look for them spilled",
             text_count(rows, sizeof rows, (double)spill.held_rows), spill.n_parts, again,
             text_bytes(held, sizeof held, (double)spill.held_bytes),
             text_bytes(parked, sizeof parked, (double)spill.parked_bytes));
}

static void note_joins(Run *run, uint32_t s)
{
    const Running *running = &run->running[s];
    for (uint32_t j = 0; j < running->shape.n_joins; j++) {
        const JoinSide *side = &running->statement->joins[j];
        JoinCounts counts = {.seconds = side->seconds};
        char detail[160];
        for (int w = 0; w < run->n_workers; w++)
            join_stream_count(run->workers[w].locals[s].joins, j, &counts);
        describe_side(side, &counts, detail, sizeof detail);
        note(running->statement, running->shape.joins[j], counts.rows_in, counts.rows_out, counts.seconds,
             side->table ? join_table_bytes(side->table) : 0, detail);
    }
}

/* Of the scan's rows, those that the joins give on. */
static uint64_t joined_rows(Run *run, uint32_t s, uint64_t rows)
{
    JoinCounts counts = {0};
    uint32_t n_joins = run->running[s].shape.n_joins;
    for (int w = 0; n_joins && w < run->n_workers; w++)
        join_stream_count(run->workers[w].locals[s].joins, n_joins - 1, &counts);
    return n_joins ? counts.rows_out : rows;
}

static Status finish_aggregate(Run *run, uint32_t s, Error *err)
{
    Running *running = &run->running[s];
    Arena arena;
    arena_init(&arena);
    double start = clock_seconds();
    Status status = STATUS_OK;
    Aggregate *aggregate = run->workers[0].locals[s].aggregate;
    uint64_t rows = 0, bytes = 0;
    double seconds = 0;
    uint32_t groups = 0, cells = 0;
    for (int w = 0; w < run->n_workers; w++) {
        StatementLocal *local = &run->workers[w].locals[s];
        rows += local->rows_in;
        seconds += local->seconds;
        bytes += aggregate_bytes(local->aggregate);
        uint32_t worker_groups = 0, worker_cells = 0;
        const Cells *used = local->cells ? local->cells : run->workers[w].cells;
        if (used)
            cells_describe(used, &worker_groups, &worker_cells);
        groups = worker_groups > groups ? worker_groups : groups;
        cells = worker_cells > cells ? worker_cells : cells;
        if (w > 0)
            aggregate_merge(aggregate, local->aggregate, &arena);
        size_t scratch = arena.used_bytes;
        arena_reset(&arena);
        if (status == STATUS_OK) /* what the merge took for a moment must fit too */
            status = budget_reserve(run->options->budget, scratch, "merging groups", err);
        if (status == STATUS_OK) {
            budget_release(run->options->budget, scratch);
            status = pass_account_memory(run, &run->workers[0], err);
        }
    }
    if (status == STATUS_OK && running->statement->state_out) {
        aggregate_save(aggregate, running->statement->state_out);
        status = buffer_check(running->statement->state_out, "the state of a grouped statement", err);
    }
    Batch result = {0};
    size_t reserved = 0;
    if (status == STATUS_OK) {
        result = aggregate_result(aggregate, &arena);
        status = budget_reserve(run->options->budget, arena.used_bytes, "a grouped result", err);
        reserved = status == STATUS_OK ? arena.used_bytes : 0;
    }
    char detail[160];
    if (cells)
        snprintf(detail, sizeof detail, "dictionary path: %u combinations of keys, %u cells counted", groups, cells);
    else
        snprintf(detail, sizeof detail, "hash path");
    note_scan(run, running, rows);
    note(running->statement, running->shape.aggregate, joined_rows(run, s, rows), result.n_rows,
         seconds + clock_seconds() - start, bytes, detail);
    if (status == STATUS_OK)
        status = pipeline_finish_batch(&running->shape, running->statement, &result, run->options, err);
    budget_release(run->options->budget, reserved);
    if (status == STATUS_OK && running->shape.sort)
        note(running->statement, running->shape.sort, result.n_rows, running->statement->rows_out, 0, 0, "");
    arena_done(&arena);
    return status;
}

static Status finish_sort(Run *run, uint32_t s, Error *err)
{
    Running *running = &run->running[s];
    double start = clock_seconds();
    uint64_t rows = 0;
    double seconds = 0;
    for (int w = 0; w < run->n_workers; w++) {
        rows += run->workers[w].locals[s].rows_in;
        seconds += run->workers[w].locals[s].seconds;
    }
    int64_t offset = running->shape.limit ? running->shape.limit->limit.offset : 0;
    int64_t limit = running->shape.limit ? running->shape.limit->limit.limit : -1;
    Emitter emitter;
    Status status = emitter_open(&emitter, running->statement, pipeline_schema(&running->shape), err);
    if (status == STATUS_OK)
        status = sorter_finish(running->sorter, &emitter, offset, limit, err);
    if (status == STATUS_OK)
        status = emitter_finish(&emitter, err);
    emitter_close(&emitter);
    char detail[160];
    uint64_t bytes;
    sorter_describe(running->sorter, detail, sizeof detail, &bytes);
    note_scan(run, running, rows);
    note(running->statement, running->shape.sort, rows, running->statement->rows_out,
         seconds + (clock_seconds() - start) * run->n_workers, bytes, detail);
    sorter_free(running->sorter); /* its memory is given back before the next statement finishes */
    running->sorter = NULL;
    return status;
}

static Status finish_top(Run *run, uint32_t s, Error *err)
{
    Running *running = &run->running[s];
    TopRows *top = run->workers[0].locals[s].top;
    uint64_t rows = 0, bytes = 0;
    double seconds = 0;
    for (int w = 0; w < run->n_workers; w++) {
        const StatementLocal *local = &run->workers[w].locals[s];
        rows += local->rows_in;
        seconds += local->seconds;
        bytes += top_rows_bytes(local->top);
        if (w > 0)
            top_rows_merge(top, local->top);
    }
    TRY(pass_account_memory(run, &run->workers[0], err));
    Emitter emitter;
    Status status = emitter_open(&emitter, running->statement, pipeline_schema(&running->shape), err);
    if (status == STATUS_OK)
        status = top_rows_emit(top, &emitter, (uint64_t)running->shape.limit->limit.offset, err);
    if (status == STATUS_OK)
        status = emitter_finish(&emitter, err);
    emitter_close(&emitter);
    char detail[64];
    snprintf(detail, sizeof detail, "only the first %u rows kept", running->top);
    note_scan(run, running, rows);
    note(running->statement, running->shape.sort, rows, running->statement->rows_out, seconds, bytes, detail);
    return status;
}

Status pass_finish(Run *run, Error *err)
{
    for (uint32_t s = 0; s < run->n; s++) {
        Running *running = &run->running[s];
        TRY(interrupt_check(err));
        note_joins(run, s);
        if (running->sorter) {
            TRY(finish_sort(run, s, err));
        } else if (running->top) {
            TRY(finish_top(run, s, err));
        } else if (running->shape.aggregate) {
            TRY(finish_aggregate(run, s, err));
        } else {
            uint64_t rows = 0;
            for (int w = 0; w < run->n_workers; w++)
                rows += run->workers[w].locals[s].rows_in;
            note_scan(run, running, rows);
            note(running->statement, running->shape.project, joined_rows(run, s, rows), running->statement->rows_out, 0,
                 0, "");
            TRY(emitter_finish(&running->emitter, err));
        }
    }
    return STATUS_OK;
}
