/* Quarantine; see quarantine.h. */
#include "ingest/quarantine.h"

#include <stdio.h>

#include "ingest/rewrite.h"

enum { SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, RAW_RECORD, REASONS, MAPPING_HASH, INGESTED_AT, N_NAMES };
static const char *const NAMES[N_NAMES] = {"source_file", "source_hash",  "source_row", "raw_record",
                                           "reasons",     "mapping_hash", "ingested_at"};

typedef struct Visit {
    const QuarantineFilter *filter;
    const QuarantineVisitor *visitor;
    const DeltaFile *file;
    bool stopped;
} Visit;

static StrView text_at(const Vector *vector, uint32_t row)
{
    if (!vector_is_valid(vector, row))
        return (StrView){"", 0};
    return ((const StrView *)vector_entries(vector)->data)[vector_position(vector, row)];
}

static int64_t number_at(const Vector *vector, uint32_t row)
{
    return vector_is_valid(vector, row) ? ((const int64_t *)vector_entries(vector)->data)[vector_position(vector, row)]
                                        : 0;
}

/* Reasons are JSON that this program wrote: {"code":"x", begins each. */
bool quarantine_has_reason(StrView reasons, const char *code)
{
    char wanted[160];
    int n = snprintf(wanted, sizeof wanted, "{\"code\":\"%.120s\",", code);
    return n > 0 && memmem(reasons.data, reasons.size, wanted, (size_t)n) != NULL;
}

static bool passes(const QuarantineFilter *filter, const QuarantineRow *row)
{
    return (!filter->file || str_equal(row->source_file, str_view(filter->file))) &&
           (filter->row < 0 || row->source_row == filter->row) &&
           (!filter->rule || quarantine_has_reason(row->reasons, filter->rule));
}

static Status visit_block(void *context, uint64_t first, uint32_t n, const Vector *columns, Error *err)
{
    Visit *visit = context;
    for (uint32_t r = 0; r < n && !visit->stopped; r++) {
        QuarantineRow row = {.client = visit->file->partition_values[0] ? visit->file->partition_values[0] : "",
                             .source_file = text_at(&columns[SOURCE_FILE], r),
                             .source_hash = text_at(&columns[SOURCE_HASH], r),
                             .raw = text_at(&columns[RAW_RECORD], r),
                             .reasons = text_at(&columns[REASONS], r),
                             .mapping_hash = text_at(&columns[MAPPING_HASH], r),
                             .source_row = number_at(&columns[SOURCE_ROW], r),
                             .ingested_at_us = number_at(&columns[INGESTED_AT], r),
                             .file = visit->file,
                             .row = first + r};
        if (passes(visit->filter, &row))
            TRY(visit->visitor->row(visit->visitor->context, &row, &visit->stopped, err));
    }
    return STATUS_OK;
}

Status quarantine_visit(const DeltaSnapshot *quarantine, const QuarantineFilter *filter, MemoryBudget *budget,
                        const QuarantineVisitor *visitor, Error *err)
{
    Arena arena;
    arena_init(&arena);
    Visit visit = {.filter = filter, .visitor = visitor};
    Status status = STATUS_OK;
    for (uint32_t i = 0; i < quarantine->n_files && status == STATUS_OK && !visit.stopped; i++) {
        const DeltaFile *file = &quarantine->files[i];
        if (filter->client && (!file->partition_values[0] || strcmp(file->partition_values[0], filter->client) != 0))
            continue;
        ParquetFile *parquet;
        visit.file = file;
        status = rewrite_open(quarantine, file, budget, &arena, &parquet, err);
        if (status != STATUS_OK)
            break;
        status = rewrite_read(parquet, NAMES, N_NAMES, visit_block, &visit, err);
        parquet_close(parquet);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return status;
}

/* ---- Dropping ---- */

static uint32_t file_of(QuarantineDrops *drops, const DeltaFile *file)
{
    for (uint32_t i = drops->n; i-- > 0;)
        if (drops->files[i] == file)
            return i;
    if (drops->n == drops->capacity) {
        uint32_t capacity = drops->capacity ? drops->capacity * 2 : 8;
        const DeltaFile **files = ARENA_ARRAY(drops->arena, const DeltaFile *, capacity);
        uint8_t **dropped = ARENA_ARRAY(drops->arena, uint8_t *, capacity);
        uint64_t *n_dropped = ARENA_ARRAY(drops->arena, uint64_t, capacity);
        for (uint32_t i = 0; i < drops->n; i++) {
            files[i] = drops->files[i];
            dropped[i] = drops->dropped[i];
            n_dropped[i] = drops->n_dropped[i];
        }
        drops->files = files;
        drops->dropped = dropped;
        drops->n_dropped = n_dropped;
        drops->capacity = capacity;
    }
    drops->files[drops->n] = file;
    drops->dropped[drops->n] = arena_zalloc(drops->arena, (size_t)(file->num_records > 0 ? file->num_records : 0) + 1);
    return drops->n++;
}

void quarantine_drop_row(QuarantineDrops *drops, const QuarantineRow *row)
{
    uint32_t i = file_of(drops, row->file);
    CHECK(row->file->num_records > 0 && row->row < (uint64_t)row->file->num_records);
    drops->n_dropped[i] += !drops->dropped[i][row->row];
    drops->dropped[i][row->row] = 1;
}

Status quarantine_drops_commit(const QuarantineDrops *drops, const DeltaSnapshot *quarantine, MemoryBudget *budget,
                               const DeltaFile *more_adds, uint32_t n_more_adds, DeltaCommit *commit, Error *err)
{
    DeltaFile *adds = ARENA_ARRAY(drops->arena, DeltaFile, drops->n + n_more_adds + 1);
    uint32_t n_adds = 0;
    for (uint32_t i = 0; i < drops->n; i++) {
        uint64_t rows;
        TRY(rewrite_without(quarantine, drops->files[i], drops->dropped[i], budget, drops->arena, &adds[n_adds], &rows,
                            err));
        n_adds += rows > 0;
    }
    for (uint32_t i = 0; i < n_more_adds; i++)
        adds[n_adds++] = more_adds[i];
    commit->adds = adds;
    commit->n_adds = n_adds;
    commit->removes = drops->files;
    commit->n_removes = drops->n;
    commit->data_change = true;
    commit->rule = drops->n ? DELTA_REWRITE : DELTA_BLIND_APPEND;
    return STATUS_OK;
}
