/* Duplicates; see duplicates.h.
 *
 * Ids are known by 128 bits of hash (xxHash), which two ids do not share in practice.  The table is split into shards,
 * each with a lock, so that workers rarely meet.  Of two records of one file the newer by updated_at wins under latest,
 * then the later line; under reject the first line stays.  A record of the file is newer than one of the table with the
 * same updated_at, since it was ingested later; one without updated_at is older than any with.
 *
 * Records that waited in quarantine may have come before rows of the table.  Their places are file and line, and a row of
 * the table has its file by ingested_at: the first that had arrived by then, or later. */
#include "ingest/duplicates.h"

#include <pthread.h>
#include <xxhash.h>

#include "ingest/rewrite.h"

#define SHARDS 64u
#define FIRST_SLOTS 1024u
#define NEVER INT64_MIN /* updated_at where there is none */

typedef struct Entry {
    uint64_t low, high; /* of the id's hash; 0, 0: free */
    int64_t line;       /* of the record that stays; 0: none of the file's does */
    int64_t updated_at;
} Entry;

typedef struct Shard {
    pthread_mutex_t mutex;
    Entry *entries;
    uint32_t n, capacity; /* a power of two */
} Shard;

struct Duplicates {
    DuplicatePolicy policy;
    MemoryBudget *budget;
    const int64_t *arrived_us; /* of files; NULL: all records are newer than the table */
    uint32_t n_files;
    Shard shards[SHARDS];
};

Duplicates *duplicates_new(DuplicatePolicy policy, MemoryBudget *budget)
{
    Duplicates *duplicates = mem_zalloc(sizeof *duplicates);
    duplicates->policy = policy;
    duplicates->budget = budget;
    for (uint32_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&duplicates->shards[i].mutex, NULL);
    return duplicates;
}

void duplicates_of_files(Duplicates *duplicates, const int64_t *arrived_us, uint32_t n)
{
    duplicates->arrived_us = arrived_us;
    duplicates->n_files = n;
}

void duplicates_free(Duplicates *duplicates)
{
    if (!duplicates)
        return;
    for (uint32_t i = 0; i < SHARDS; i++) {
        budget_release(duplicates->budget, sizeof(Entry) * duplicates->shards[i].capacity);
        pthread_mutex_destroy(&duplicates->shards[i].mutex);
        mem_free(duplicates->shards[i].entries);
    }
    mem_free(duplicates);
}

static Entry *find(Entry *entries, uint32_t capacity, uint64_t low, uint64_t high)
{
    for (uint32_t at = (uint32_t)high;; at++) {
        Entry *entry = &entries[at & (capacity - 1)];
        if ((entry->low == low && entry->high == high) || (entry->low == 0 && entry->high == 0))
            return entry;
    }
}

static Status make_room(Duplicates *duplicates, Shard *shard, Error *err)
{
    if (shard->n * 2 < shard->capacity)
        return STATUS_OK;
    uint32_t capacity = shard->capacity ? shard->capacity * 2 : FIRST_SLOTS;
    TRY(budget_reserve(duplicates->budget, sizeof(Entry) * (capacity - shard->capacity), "the ids of a file", err));
    Entry *entries = mem_zalloc(sizeof(Entry) * capacity);
    for (uint32_t i = 0; i < shard->capacity; i++)
        if (shard->entries[i].low || shard->entries[i].high)
            *find(entries, capacity, shard->entries[i].low, shard->entries[i].high) = shard->entries[i];
    mem_free(shard->entries);
    shard->entries = entries;
    shard->capacity = capacity;
    return STATUS_OK;
}

static XXH128_hash_t hash_id(StrView id)
{
    XXH128_hash_t hash = XXH3_128bits(id.data, id.size);
    hash.low64 += hash.low64 == 0 && hash.high64 == 0;
    return hash;
}

static StrView block_id(const ConvertedBlock *block, uint32_t row)
{
    const ConvertedColumn *column = &block->columns[SHIPMENT_COLUMN_ID];
    if (column->form == COLUMN_CODES)
        return ((const StrView *)column->entries->data)[column->codes[row]];
    CHECK(column->form == COLUMN_VALUES);
    return ((const StrView *)column->values)[row];
}

StrView duplicates_id_text(const Mapping *mapping, const RecordBlock *block, uint32_t row)
{
    _Static_assert(SHIPMENT_COLUMN_ID == 0, "the id is the first field");
    return mapping->columns[SHIPMENT_COLUMN_ID].source ? block->fields[row] : (StrView){NULL, 0};
}

static int64_t block_updated_at(const ConvertedBlock *block, uint32_t row)
{
    const ConvertedColumn *column = &block->columns[SHIPMENT_COLUMN_UPDATED_AT];
    if (column->form == COLUMN_CODES && column->entries->valid[column->codes[row]])
        return ((const int64_t *)column->entries->data)[column->codes[row]];
    if (column->form == COLUMN_VALUES && (!column->valid || column->valid[row]))
        return ((const int64_t *)column->values)[row];
    return NEVER;
}

Status duplicates_see(Duplicates *duplicates, const ConvertedBlock *block, uint32_t row, int64_t line, Error *err)
{
    XXH128_hash_t hash = hash_id(block_id(block, row));
    int64_t updated_at = block_updated_at(block, row);
    Shard *shard = &duplicates->shards[hash.low64 % SHARDS];
    pthread_mutex_lock(&shard->mutex);
    Status status = make_room(duplicates, shard, err);
    if (status == STATUS_OK) {
        Entry *entry = find(shard->entries, shard->capacity, hash.low64, hash.high64);
        bool fresh = entry->low == 0 && entry->high == 0;
        bool wins = duplicates->policy == DUPLICATES_REJECT
                        ? line < entry->line
                        : updated_at > entry->updated_at || (updated_at == entry->updated_at && line > entry->line);
        if (fresh || wins)
            *entry = (Entry){hash.low64, hash.high64, line, updated_at};
        shard->n += fresh;
    }
    pthread_mutex_unlock(&shard->mutex);
    return status;
}

DuplicateVerdict duplicates_verdict(const Duplicates *duplicates, const ConvertedBlock *block, uint32_t row,
                                    int64_t line)
{
    XXH128_hash_t hash = hash_id(block_id(block, row));
    const Shard *shard = &duplicates->shards[hash.low64 % SHARDS];
    if (!shard->capacity)
        return DUPLICATE_UNSEEN;
    const Entry *entry = find(shard->entries, shard->capacity, hash.low64, hash.high64);
    if (entry->low == 0 && entry->high == 0)
        return DUPLICATE_UNSEEN;
    if (entry->line == line)
        return DUPLICATE_STAYS;
    return duplicates->policy == DUPLICATES_REJECT ? DUPLICATE_REJECTED : DUPLICATE_SUPERSEDED;
}

/* ---- The table ---- */

typedef struct TableScan {
    Duplicates *duplicates;
    DuplicateFile *file;
    uint64_t rows;
} TableScan;

/* A row of the table. */
typedef struct TableRow {
    StrView id;
    int64_t updated_at, ingested_at, line;
    uint64_t row;
} TableRow;

static bool came_later(const Duplicates *duplicates, const TableRow *row, const Entry *entry)
{
    if (!duplicates->arrived_us)
        return false;
    uint32_t file = 0, end = duplicates->n_files;
    while (file < end) {
        uint32_t middle = file + (end - file) / 2;
        if (duplicates->arrived_us[middle] < row->ingested_at)
            file = middle + 1;
        else
            end = middle;
    }
    return file * DUPLICATE_FILE_LINES + row->line > entry->line;
}

/* What a row of the table does to the record of the file with its id. */
static void settle_row(TableScan *scan, const TableRow *row)
{
    Duplicates *duplicates = scan->duplicates;
    XXH128_hash_t hash = hash_id(row->id);
    Shard *shard = &duplicates->shards[hash.low64 % SHARDS];
    if (!shard->capacity)
        return;
    Entry *entry = find(shard->entries, shard->capacity, hash.low64, hash.high64);
    if (entry->low == 0 && entry->high == 0)
        return;
    if (entry->line == 0) /* another row of the table is newer than the file's record */
        return;
    if (duplicates->policy == DUPLICATES_REJECT || row->updated_at > entry->updated_at ||
        (row->updated_at == entry->updated_at && came_later(duplicates, row, entry))) {
        entry->line = 0;
        return;
    }
    if (!scan->file->dropped)
        scan->file->dropped = mem_zalloc(scan->rows + 1);
    scan->file->n_dropped += !scan->file->dropped[row->row];
    scan->file->dropped[row->row] = 1;
}

static int64_t number_at(const Vector *column, uint32_t row, int64_t none)
{
    uint32_t at = vector_position(column, row);
    const Vector *entries = vector_entries(column);
    return !entries->valid || entries->valid[at] ? ((const int64_t *)entries->data)[at] : none;
}

enum { SHIPMENT_ID, UPDATED_AT, INGESTED_AT, SOURCE_ROW, N_NAMES };
static const char *const NAMES[N_NAMES] = {"shipment_id", "updated_at", "ingested_at", "source_row"};

static Status settle_block(void *context, uint64_t first, uint32_t n, const Vector *columns, Error *err)
{
    (void)err;
    TableScan *scan = context;
    bool places = scan->duplicates->arrived_us != NULL;
    const Vector *ids = vector_entries(&columns[SHIPMENT_ID]);
    for (uint32_t r = 0; r < n; r++) {
        if (!vector_is_valid(&columns[SHIPMENT_ID], r))
            continue;
        TableRow row = {.id = ((const StrView *)ids->data)[vector_position(&columns[SHIPMENT_ID], r)],
                        .updated_at = number_at(&columns[UPDATED_AT], r, NEVER),
                        .ingested_at = places ? number_at(&columns[INGESTED_AT], r, NEVER) : 0,
                        .line = places ? number_at(&columns[SOURCE_ROW], r, 0) : 0,
                        .row = first + r};
        settle_row(scan, &row);
    }
    return STATUS_OK;
}

Status duplicates_settle(Duplicates *duplicates, const DeltaSnapshot *table, const char *client, Arena *arena,
                         DuplicateFile **ret_files, uint32_t *ret_n, Error *err)
{
    uint32_t n_names = duplicates->arrived_us ? N_NAMES : UPDATED_AT + 1;
    DuplicateFile *files = ARENA_ARRAY(arena, DuplicateFile, table->n_files + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < table->n_files; i++) {
        const DeltaFile *file = &table->files[i];
        if (!file->partition_values[0] || strcmp(file->partition_values[0], client) != 0)
            continue;
        ParquetFile *parquet;
        TRY(rewrite_open(table, file, duplicates->budget, arena, &parquet, err));
        files[n] = (DuplicateFile){.file = file};
        TableScan scan = {duplicates, &files[n], parquet_rows(parquet)};
        Status status = rewrite_read(parquet, NAMES, n_names, settle_block, &scan, err);
        parquet_close(parquet);
        if (files[n].dropped) {
            uint8_t *dropped = (uint8_t *)arena_memdup(arena, files[n].dropped, scan.rows);
            mem_free(files[n].dropped);
            files[n++].dropped = dropped;
        }
        if (status != STATUS_OK)
            return status;
    }
    *ret_files = files;
    *ret_n = n;
    return STATUS_OK;
}
