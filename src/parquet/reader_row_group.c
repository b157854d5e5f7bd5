/* Row groups: the wanted chunks' bytes in few reads, and a ChunkReader for each.
 *
 * Chunks that stand next to each other (or nearly so) are read at once, into one buffer that grows to the largest row
 * group seen and is used again. */
#include <stdlib.h>

#include "parquet/reader_internal.h"

#define LARGEST_GAP_BYTES ((uint64_t)64 << 10)

struct ParquetRowGroup {
    ParquetFile *file;
    uint32_t row_group;
    uint32_t n_columns; /* wanted of this row group */
    uint32_t n_readers; /* made so far; the others wait for a wider use */
    ChunkReader *readers;
    uint8_t *bytes;
    size_t capacity;
    Arena dictionaries;
    size_t dictionaries_reserved;
    size_t buffers_reserved; /* chunk bytes and page buffers: kept from use to use */
    MemoryBudget *budget;    /* that these are reserved from */
};

static int compare_offsets(const void *a, const void *b)
{
    const WantedChunk *x = a;
    const WantedChunk *y = b;
    return (x->range.offset > y->range.offset) - (x->range.offset < y->range.offset);
}

static Status reserve_bytes(ParquetRowGroup *row_group, uint64_t size, Error *err)
{
    if (size <= row_group->capacity)
        return STATUS_OK;
    TRY(budget_reserve(row_group->budget, size - row_group->capacity, "a Parquet row group", err));
    row_group->buffers_reserved += size - row_group->capacity;
    mem_free(row_group->bytes);
    row_group->bytes = mem_alloc(size + UNPACK_SLACK);
    memset(row_group->bytes + size, 0, UNPACK_SLACK);
    row_group->capacity = size;
    return STATUS_OK;
}

/* One range behind the other, as they will lie in a buffer. */
uint32_t chunks_plan_ranges(WantedChunk *sorted, uint32_t n, StorageRange *ranges, uint64_t *ret_total)
{
    uint32_t n_ranges = 0;
    uint64_t total = 0, position = 0; /* of the last range */
    if (n > 1)
        qsort(sorted, n, sizeof *sorted, compare_offsets);
    for (uint32_t i = 0; i < n; i++) {
        ChunkRange range = sorted[i].range;
        if (range.size == 0)
            continue;
        StorageRange *last = n_ranges ? &ranges[n_ranges - 1] : NULL;
        if (!last || range.offset > last->offset + last->size + LARGEST_GAP_BYTES) {
            last = &ranges[n_ranges++];
            *last = (StorageRange){.offset = range.offset};
            position = total;
        }
        uint64_t end = range.offset + range.size - last->offset;
        if (end > last->size) {
            total += end - last->size;
            last->size = end;
        }
        sorted[i].position = position + (range.offset - last->offset);
    }
    *ret_total = total;
    return n_ranges;
}

/* Reads the chunks, which end up sorted by their offsets. */
static Status read_chunks(ParquetRowGroup *row_group, WantedChunk *chunks, uint32_t n, Error *err)
{
    StorageRange *ranges CLEANUP(mem_cleanup) = mem_alloc((n + 1) * sizeof *ranges);
    uint64_t total;
    uint32_t n_ranges = chunks_plan_ranges(chunks, n, ranges, &total);
    TRY(reserve_bytes(row_group, total ? total : 1, err));
    uint8_t *at = row_group->bytes;
    for (uint32_t i = 0; i < n_ranges; at += ranges[i++].size)
        ranges[i].bytes = at;
    return storage_read_ranges(row_group->file->reader, ranges, n_ranges, err);
}

static const SchemaLeaf *flat_leaf(const ParquetFile *file, uint32_t column)
{
    CHECK(column < file->tree.root.n_children);
    const SchemaNode *node = &file->tree.root.children[column];
    return node->repetition == 0 ? node->leaf : NULL;
}

static Status nested_column(const ParquetFile *file, uint32_t column, Error *err)
{
    const char *name = file->tree.root.children[column].name;
    error_set(err, STATUS_UNSUPPORTED, "the nested column %s cannot be read as a flat one", name);
    error_at_column(err, name);
    error_at_file(err, file->reader->path);
    return error_hint(err,
                      "lists, structs and maps are not read: name the other columns (in place of *), or have what is "
                      "wanted of it written as a column of its own");
}

Status chunks_place(const ParquetFile *file, uint32_t row_group, const uint32_t *columns, uint32_t n,
                    WantedChunk *chunks, Error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const SchemaLeaf *leaf = flat_leaf(file, columns[i]);
        if (!leaf)
            return nested_column(file, columns[i], err);
        chunks[i].column = i;
        if (chunk_range(file, row_group, leaf, &chunks[i].range, err) != STATUS_OK)
            return chunk_error(file, row_group, leaf, err);
    }
    return STATUS_OK;
}

static Status open_columns(ParquetRowGroup *row_group, const uint32_t *columns, Error *err)
{
    ParquetFile *file = row_group->file;
    uint32_t n = row_group->n_columns;
    WantedChunk *chunks CLEANUP(mem_cleanup) = mem_zalloc((n + 1) * sizeof *chunks);
    TRY(chunks_place(file, row_group->row_group, columns, n, chunks, err));
    TRY(read_chunks(row_group, chunks, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const SchemaLeaf *leaf = flat_leaf(file, columns[chunks[i].column]);
        ChunkReader *reader = &row_group->readers[chunks[i].column];
        reader->dictionary_arena = &row_group->dictionaries;
        reader->dictionary_reserved = &row_group->dictionaries_reserved;
        reader->buffers_reserved = &row_group->buffers_reserved;
        if (chunk_reader_start(reader, file, row_group->row_group, leaf, row_group->bytes + chunks[i].position,
                               chunks[i].range, err) != STATUS_OK)
            return chunk_error(file, row_group->row_group, leaf, err);
    }
    return STATUS_OK;
}

/* Gives back what the handle holds; everything is empty then. */
static void release_all(ParquetRowGroup *row_group)
{
    for (uint32_t i = 0; i < row_group->n_readers; i++)
        chunk_reader_done(&row_group->readers[i]);
    mem_free(row_group->readers);
    mem_free(row_group->bytes);
    arena_done(&row_group->dictionaries);
    if (row_group->budget)
        budget_release(row_group->budget, row_group->dictionaries_reserved + row_group->buffers_reserved);
    *row_group = (ParquetRowGroup){0};
    arena_init(&row_group->dictionaries);
}

static void prepare(ParquetRowGroup *row_group, ParquetFile *file, uint32_t index, uint32_t n_columns)
{
    if (row_group->budget && row_group->budget != file->budget)
        release_all(row_group);
    row_group->budget = file->budget;
    budget_release(row_group->budget, row_group->dictionaries_reserved);
    row_group->dictionaries_reserved = 0;
    arena_reset(&row_group->dictionaries);
    if (n_columns > row_group->n_readers) {
        row_group->readers = mem_realloc(row_group->readers, n_columns * sizeof *row_group->readers);
        memset(row_group->readers + row_group->n_readers, 0,
               (n_columns - row_group->n_readers) * sizeof *row_group->readers);
        row_group->n_readers = n_columns;
    }
    row_group->file = file;
    row_group->row_group = index;
    row_group->n_columns = n_columns;
}

Status parquet_row_group_open(ParquetFile *file, uint32_t row_group, const uint32_t *columns, uint32_t n_columns,
                              ParquetRowGroup **inout_row_group, Error *err)
{
    CHECK(row_group < file->metadata.n_row_groups);
    ParquetRowGroup *handle = *inout_row_group;
    if (!handle) {
        handle = mem_zalloc(sizeof *handle);
        arena_init(&handle->dictionaries);
    }
    prepare(handle, file, row_group, n_columns);
    *inout_row_group = handle;
    Status status = open_columns(handle, columns, err);
    if (status != STATUS_OK) {
        handle->n_columns = 0;
        return error_at_file(err, file->reader->path);
    }
    return STATUS_OK;
}

void parquet_row_group_close(ParquetRowGroup *row_group)
{
    if (!row_group)
        return;
    release_all(row_group);
    mem_free(row_group);
}

static ChunkReader *reader_of(ParquetRowGroup *row_group, uint32_t i)
{
    CHECK(i < row_group->n_columns);
    return &row_group->readers[i];
}

static Status add_context(const ChunkReader *reader, Status status, Error *err)
{
    return status == STATUS_OK ? STATUS_OK : chunk_error(reader->file, reader->row_group, reader->leaf, err);
}

Status parquet_column_dictionary(ParquetRowGroup *row_group, uint32_t i, const Vector **ret_dictionary, Error *err)
{
    ChunkReader *reader = reader_of(row_group, i);
    const Vector *dictionary = NULL;
    if (reader->facts.dictionary_only) {
        TRY(add_context(reader, chunk_reader_load_dictionary(reader, err), err));
        dictionary = reader->dictionary;
    }
    *ret_dictionary = dictionary;
    return STATUS_OK;
}

Status parquet_column_read(ParquetRowGroup *row_group, uint32_t i, uint32_t n, Vector *ret_vector, Error *err)
{
    ChunkReader *reader = reader_of(row_group, i);
    return add_context(reader, chunk_reader_read(reader, n, ret_vector, err), err);
}

Status parquet_column_skip(ParquetRowGroup *row_group, uint32_t i, uint32_t n, Error *err)
{
    ChunkReader *reader = reader_of(row_group, i);
    return add_context(reader, chunk_reader_skip(reader, n, err), err);
}

/* ---- A dictionary on its own ---- */

/* As many bytes of the chunk as the dictionary needs: up to the first data page where the footer tells enough. */
static uint64_t bytes_for_dictionary(const FormatColumnMetaData *metadata, ChunkRange range)
{
    uint64_t ahead = (uint64_t)metadata->data_page_offset - range.offset;
    return chunk_has_encoding_stats(metadata) && ahead > 0 && ahead < range.size ? ahead : range.size;
}

static Status read_dictionary(ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, Arena *arena,
                              size_t *inout_reserved, const Vector **ret_dictionary, Error *err)
{
    ChunkRange range;
    ChunkFacts facts;
    TRY(chunk_range(file, row_group, leaf, &range, err));
    const FormatColumnMetaData *metadata = &chunk_of(file, row_group, leaf)->metadata;
    uint64_t offset = range.offset;
    uint64_t size = range.size ? bytes_for_dictionary(metadata, range) : 0;
    TRY(budget_reserve(file->budget, size, "a Parquet dictionary", err));
    *inout_reserved += size;
    uint8_t *bytes CLEANUP(mem_cleanup) = mem_alloc(size + UNPACK_SLACK);
    memset(bytes + size, 0, UNPACK_SLACK);
    if (size)
        TRY(storage_read(file->reader, offset, bytes, size, err));
    TRY(chunk_facts(file, row_group, leaf, bytes, range, &facts, err));
    *ret_dictionary = NULL;
    if (!facts.dictionary_only)
        return STATUS_OK;
    size_t unused = 0;
    ChunkReader reader = {
        .dictionary_arena = arena, .dictionary_reserved = inout_reserved, .buffers_reserved = &unused};
    TRY(chunk_reader_start(&reader, file, row_group, leaf, bytes, range, err));
    reader.cursor.size = size;
    Status status = chunk_reader_load_dictionary(&reader, err);
    *ret_dictionary = reader.dictionary;
    chunk_reader_done(&reader);
    return status;
}

Status parquet_read_dictionary(ParquetFile *file, uint32_t row_group, uint32_t column, Arena *arena,
                               const Vector **ret_dictionary, Error *err)
{
    const SchemaLeaf *leaf = flat_leaf(file, column);
    if (!leaf)
        return nested_column(file, column, err);
    size_t reserved = 0;
    const Vector *dictionary = NULL;
    Status status = read_dictionary(file, row_group, leaf, arena, &reserved, &dictionary, err);
    budget_release(file->budget, reserved); /* from here on the arena's owner answers for its memory */
    if (status != STATUS_OK)
        return chunk_error(file, row_group, leaf, err);
    *ret_dictionary = dictionary;
    return STATUS_OK;
}
