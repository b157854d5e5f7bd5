#include "exec/join_parts.h"

#include "base/clock.h"

#define LEAST_PARTS 4
#define MOST_PARTS 64
#define PART_BITS 6
#define LEVELS 9 /* of six bits each; the lowest ten choose places in tables */
#define CHUNK_ROWS 16384

struct JoinParts {
    const PlanNode *join;
    MemoryBudget *budget;
    uint32_t n_parts; /* a power of two */
    uint32_t level;
    size_t share_bytes; /* that a table of a part may take */
    BatchFile *held;
    BatchFile *parked;
    uint64_t lowest[MOST_PARTS], highest[MOST_PARTS]; /* hashes of the right side */
    JoinSpill inner;                                  /* of parts that were parted again */
};

struct JoinParker {
    JoinParts *parts;
    BatchWriter *writer;
    size_t reserved;
};

static uint32_t part_of(const JoinParts *parts, uint64_t hash)
{
    return (uint32_t)(hash >> (64 - PART_BITS * (parts->level + 1))) & (parts->n_parts - 1);
}

/* ---- dealing rows ---- */

/* Rows of each part, ascending: rows[starts[p]..starts[p + 1]).  Rows with a NULL key go to part 0, or nowhere. */
static void deal(const JoinParts *parts, const uint64_t *hashes, const uint8_t *null, bool keep_null, uint32_t n,
                 uint32_t *starts, uint32_t *rows)
{
    uint32_t counts[MOST_PARTS + 1] = {0};
    for (uint32_t i = 0; i < n; i++)
        if (!null || !null[i])
            counts[part_of(parts, hashes[i])]++;
        else if (keep_null)
            counts[0]++;
    starts[0] = 0;
    for (uint32_t p = 0; p < parts->n_parts; p++) {
        starts[p + 1] = starts[p] + counts[p];
        counts[p] = starts[p];
    }
    for (uint32_t i = 0; i < n; i++)
        if (!null || !null[i])
            rows[counts[part_of(parts, hashes[i])]++] = i;
        else if (keep_null)
            rows[counts[0]++] = i;
}

static Status put_dealt(const JoinParts *parts, BatchWriter *writer, const Vector *columns, const uint32_t *starts,
                        const uint32_t *rows, Arena *arena, Error *err)
{
    for (uint32_t p = 0; p < parts->n_parts; p++)
        TRY(batch_writer_put(writer, p, columns, rows + starts[p], starts[p + 1] - starts[p], arena, err));
    return STATUS_OK;
}

static void take_hashes(JoinParts *parts, const uint64_t *hashes, const uint32_t *starts, const uint32_t *rows)
{
    for (uint32_t p = 0; p < parts->n_parts; p++)
        for (uint32_t i = starts[p]; i < starts[p + 1]; i++) {
            uint64_t hash = hashes[rows[i]];
            parts->lowest[p] = hash < parts->lowest[p] ? hash : parts->lowest[p];
            parts->highest[p] = hash > parts->highest[p] ? hash : parts->highest[p];
        }
}

/* Rows of the right side whose key has a NULL are nobody's partner. */
static Status put_held(JoinParts *parts, BatchWriter *writer, const Batch *batch, Arena *arena, Error *err)
{
    const PlanNode *join = parts->join;
    Vector *columns = ARENA_ARRAY(arena, Vector, batch->n_columns + 1);
    const Vector **keys = ARENA_ARRAY(arena, const Vector *, join->join.n_keys);
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, CHUNK_ROWS), starts[MOST_PARTS + 1];
    for (uint32_t first = 0; first < batch->n_rows; first += CHUNK_ROWS) {
        uint32_t n = batch->n_rows - first < CHUNK_ROWS ? batch->n_rows - first : CHUNK_ROWS;
        for (uint32_t c = 0; c < batch->n_columns; c++)
            columns[c] = vector_slice(&batch->columns[c], first, n);
        for (uint32_t k = 0; k < join->join.n_keys; k++)
            keys[k] = &columns[join->join.right_keys[k]];
        uint8_t *null;
        const uint64_t *hashes = join_hash_keys(keys, join->join.n_keys, n, arena, &null);
        deal(parts, hashes, null, false, n, starts, rows);
        take_hashes(parts, hashes, starts, rows);
        TRY(put_dealt(parts, writer, columns, starts, rows, arena, err));
    }
    return STATUS_OK;
}

static Status deal_held(JoinParts *parts, const JoinRows *rows, Error *err)
{
    BatchWriter *writer = batch_writer_new(parts->held);
    Arena arena;
    arena_init(&arena);
    Status status = STATUS_OK;
    for (uint32_t b = 0; status == STATUS_OK && b < join_rows_blocks(rows); b++) {
        Batch batch;
        arena_reset(&arena);
        status = interrupt_check(err);
        if (status == STATUS_OK)
            status = join_rows_block(rows, b, &arena, &batch, err);
        if (status == STATUS_OK)
            status = put_held(parts, writer, &batch, &arena, err);
    }
    if (status == STATUS_OK)
        status = batch_writer_flush(writer, err);
    batch_writer_free(writer);
    arena_done(&arena);
    return status;
}

static DataType *types_of(const Schema *schema, Arena *arena)
{
    DataType *types = ARENA_ARRAY(arena, DataType, schema->n + 1);
    for (uint32_t c = 0; c < schema->n; c++)
        types[c] = schema->fields[c].type;
    return types;
}

/* ---- a side ---- */

static void parts_free(JoinParts *parts)
{
    if (!parts)
        return;
    batch_file_free(parts->held);
    batch_file_free(parts->parked);
    mem_free(parts);
}

static Status fill_parts(JoinParts *parts, const JoinRows *rows, Error *err)
{
    const Schema *right = &parts->join->join.right->schema, *left = &parts->join->child->schema;
    Arena arena;
    arena_init(&arena);
    SpillSpace *space = parts->budget->spill;
    size_t extent = parts->share_bytes / 8 / parts->n_parts;
    extent = extent > BATCH_EXTENT_BYTES ? BATCH_EXTENT_BYTES : extent;
    extent = extent < BATCH_LEAST_EXTENT_BYTES ? BATCH_LEAST_EXTENT_BYTES : extent;
    Status status = batch_file_new(space, types_of(right, &arena), right->n, parts->n_parts, extent, &parts->held, err);
    if (status == STATUS_OK)
        status = batch_file_new(space, types_of(left, &arena), left->n, parts->n_parts, extent, &parts->parked, err);
    arena_done(&arena);
    TRY(status);
    return deal_held(parts, rows, err);
}

static Status parts_new(const PlanNode *join, const JoinRows *rows, uint32_t level, size_t share, MemoryBudget *budget,
                        JoinParts **ret_parts, Error *err)
{
    JoinParts *parts = mem_zalloc(sizeof *parts);
    parts->join = join;
    parts->budget = budget;
    parts->level = level;
    parts->share_bytes = share;
    size_t wanted = join_table_estimate(join, rows) / (share / 2 + 1) + 1;
    parts->n_parts = LEAST_PARTS;
    while (parts->n_parts < wanted && parts->n_parts < MOST_PARTS)
        parts->n_parts *= 2;
    memset(parts->lowest, 0xff, sizeof parts->lowest);
    Status status = fill_parts(parts, rows, err);
    if (status == STATUS_OK)
        *ret_parts = parts;
    else
        parts_free(parts);
    return status;
}

Status join_side_open(const PlanNode *join, const Relation *relation, ThreadPool *pool, MemoryBudget *budget,
                      JoinSide *ret_side, Error *err)
{
    const JoinRows rows = {.relation = relation};
    size_t share = relation_share(budget);
    double start = clock_seconds();
    *ret_side = (JoinSide){.join = join};
    Status status = join_table_estimate(join, &rows) <= share
                        ? join_table_new(join, &rows, pool, budget, &ret_side->table, err)
                        : parts_new(join, &rows, 0, share, budget, &ret_side->parts, err);
    ret_side->seconds = clock_seconds() - start;
    return status;
}

void join_side_close(JoinSide *side)
{
    join_table_free(side->table);
    parts_free(side->parts);
    side->table = NULL;
    side->parts = NULL;
}

/* ---- parking ---- */

Status join_parker_new(JoinParts *parts, JoinParker **ret_parker, Error *err)
{
    size_t bytes = batch_writer_bytes(parts->parked);
    TRY(budget_reserve(parts->budget, bytes, "rows on their way to a spill file", err));
    JoinParker *parker = mem_zalloc(sizeof *parker);
    parker->parts = parts;
    parker->writer = batch_writer_new(parts->parked);
    parker->reserved = bytes;
    *ret_parker = parker;
    return STATUS_OK;
}

void join_parker_free(JoinParker *parker)
{
    if (!parker)
        return;
    budget_release(parker->parts->budget, parker->reserved);
    batch_writer_free(parker->writer);
    mem_free(parker);
}

Status join_parker_put(JoinParker *parker, const Vector *columns, const Vector *keys, uint32_t n, Arena *arena,
                       Error *err)
{
    const JoinParts *parts = parker->parts;
    uint32_t n_keys = parts->join->join.n_keys, starts[MOST_PARTS + 1];
    const Vector **pointers = ARENA_ARRAY(arena, const Vector *, n_keys);
    Vector *flat = ARENA_ARRAY(arena, Vector, n_keys);
    for (uint32_t k = 0; k < n_keys; k++) {
        flat[k] = vector_flatten(arena, &keys[k]);
        pointers[k] = &flat[k];
    }
    uint8_t *null;
    const uint64_t *hashes = join_hash_keys(pointers, n_keys, n, arena, &null);
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, n + 1);
    deal(parts, hashes, null, parts->join->join.outer, n, starts, rows);
    return put_dealt(parts, parker->writer, columns, starts, rows, arena, err);
}

Status join_parker_flush(JoinParker *parker, Error *err)
{
    return batch_writer_flush(parker->writer, err);
}

/* ---- part by part ---- */

uint32_t join_parts_count(const JoinParts *parts)
{
    return parts->n_parts;
}

uint32_t join_parts_extents(const JoinParts *parts, uint32_t part)
{
    return batch_file_part(parts->parked, part)->n_extents;
}

Status join_parts_read(const JoinParts *parts, uint32_t part, uint32_t extent, Arena *arena, Batch *ret_batch,
                       Error *err)
{
    return batch_file_read(parts->parked, &batch_file_part(parts->parked, part)->extents[extent], arena, ret_batch,
                           err);
}

Status join_part_open(JoinParts *parts, uint32_t part, uint32_t *at, ThreadPool *pool, JoinSide *ret_side, Error *err)
{
    uint32_t n = batch_file_part(parts->held, part)->n_extents;
    JoinRows rows = {.file = parts->held, .part = part, .first_extent = *at, .end_extent = n};
    *ret_side = (JoinSide){.join = parts->join};
    *at = UINT32_MAX;
    if (join_table_estimate(parts->join, &rows) <= parts->share_bytes)
        return join_table_new(parts->join, &rows, pool, parts->budget, &ret_side->table, err);
    bool one_key = parts->lowest[part] == parts->highest[part] || parts->level + 1 == LEVELS;
    if (!one_key)
        return parts_new(parts->join, &rows, parts->level + 1, parts->share_bytes, parts->budget, &ret_side->parts,
                         err);
    while (!parts->join->join.outer && rows.end_extent > rows.first_extent + 1 &&
           join_table_estimate(parts->join, &rows) > parts->share_bytes)
        rows.end_extent = rows.first_extent + (rows.end_extent - rows.first_extent + 1) / 2;
    if (rows.end_extent < n)
        *at = rows.end_extent;
    return join_table_new(parts->join, &rows, pool, parts->budget, &ret_side->table, err);
}

void join_parts_note(JoinParts *parts, const JoinSide *part)
{
    if (!part->parts)
        return;
    JoinSpill inner = join_parts_spill(part->parts);
    parts->inner.parted_again += 1 + inner.parted_again;
    parts->inner.held_bytes += inner.held_bytes;
    parts->inner.parked_bytes += inner.parked_bytes;
}

JoinSpill join_parts_spill(const JoinParts *parts)
{
    JoinSpill spill = parts->inner;
    spill.n_parts = parts->n_parts;
    spill.held_bytes += batch_file_bytes(parts->held);
    spill.parked_bytes += batch_file_bytes(parts->parked);
    spill.held_rows = 0;
    for (uint32_t p = 0; p < parts->n_parts; p++)
        spill.held_rows += batch_file_part(parts->held, p)->rows;
    return spill;
}
