/* The page index (PageIndex.md): which rows each page of a chunk holds, and between which bounds.
 *
 * Two structs behind the row groups: the offset index (places and first rows of the pages) and the column index (bounds
 * and NULLs).  Either may be absent; the second says nothing without the first. */
#include "parquet/metadata.h"
#include "parquet/reader_internal.h"

/* The bytes of an index struct, in `arena`. */
static Status read_index(const ParquetFile *file, int64_t offset, int32_t size, Arena *arena, const uint8_t **ret_bytes,
                         Error *err)
{
    uint64_t size_bytes = file->reader->size_bytes;
    if (offset < 0 || size <= 0 || (uint64_t)offset > size_bytes || (uint64_t)size > size_bytes - (uint64_t)offset) {
        error_set(err, STATUS_CORRUPT, "the page index's %d bytes reach beyond the file", (int)size);
        return error_at_offset(err, offset);
    }
    TRY(budget_reserve(file->budget, (size_t)size, "a page index", err));
    budget_release(file->budget, (size_t)size); /* from here on the arena's owner answers for it */
    uint8_t *bytes = arena_alloc(arena, (size_t)size);
    TRY(storage_read(file->reader, (uint64_t)offset, bytes, (size_t)size, err));
    *ret_bytes = bytes;
    return STATUS_OK;
}

/* Rows of each page: from its first row to the next one's. */
static Status place_pages(const FormatOffsetIndex *index, uint64_t n_rows, ParquetPageFacts *pages, Error *err)
{
    for (uint32_t i = 0; i < index->n_pages; i++) {
        uint64_t first = (uint64_t)index->pages[i].first_row;
        uint64_t end = i + 1 < index->n_pages ? (uint64_t)index->pages[i + 1].first_row : n_rows;
        if ((i == 0 && first != 0) || first > end || end > n_rows)
            return error_set(err, STATUS_CORRUPT, "the offset index's first rows are not in order (page %u)", i);
        pages[i] = (ParquetPageFacts){.first_row = first, .n_rows = end - first, .statistics.n_values = end - first};
    }
    return STATUS_OK;
}

static Status add_bounds(const ParquetFile *file, const SchemaLeaf *leaf, const FormatColumnIndex *index,
                         ParquetPageFacts *pages, uint32_t n, Error *err)
{
    if (index->n_pages != n)
        return error_set(err, STATUS_CORRUPT, "the column index has %u pages, and the offset index %u", index->n_pages,
                         n);
    for (uint32_t i = 0; i < n; i++) {
        ParquetStatistics *statistics = &pages[i].statistics;
        if (index->null_counts && index->null_counts[i] >= 0) {
            statistics->has_null_count = true;
            statistics->null_count = (uint64_t)index->null_counts[i];
        }
        /* Some writers mark pages as all NULL that are not: only a count that says the same is believed. */
        pages[i].all_null =
            index->null_pages[i] && statistics->has_null_count && statistics->null_count == pages[i].n_rows;
        if (!index->null_pages[i])
            statistics->has_min_max = statistics_bounds(file, leaf, index->min_values[i], index->max_values[i],
                                                        &statistics->min, &statistics->max);
    }
    return STATUS_OK;
}

static Status read_pages(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, Arena *arena,
                         const ParquetPageFacts **ret_pages, uint32_t *ret_n, Error *err)
{
    const FormatColumnChunk *chunk = chunk_of(file, row_group, leaf);
    const uint8_t *bytes = NULL;
    FormatOffsetIndex offsets = {0};
    FormatColumnIndex bounds = {0};
    TRY(read_index(file, chunk->offset_index_offset, chunk->offset_index_bytes, arena, &bytes, err));
    TRY(metadata_decode_offset_index(bytes, (size_t)chunk->offset_index_bytes, (uint64_t)chunk->offset_index_offset,
                                     arena, &offsets, err));
    ParquetPageFacts *pages = ARENA_ARRAY(arena, ParquetPageFacts, (size_t)offsets.n_pages + 1);
    TRY(place_pages(&offsets, parquet_row_group_rows(file, row_group), pages, err));
    if (chunk->column_index_offset > 0) {
        TRY(read_index(file, chunk->column_index_offset, chunk->column_index_bytes, arena, &bytes, err));
        TRY(metadata_decode_column_index(bytes, (size_t)chunk->column_index_bytes, (uint64_t)chunk->column_index_offset,
                                         arena, &bounds, err));
        TRY(add_bounds(file, leaf, &bounds, pages, offsets.n_pages, err));
    }
    *ret_pages = pages;
    *ret_n = offsets.n_pages;
    return STATUS_OK;
}

Status parquet_column_pages(ParquetFile *file, uint32_t row_group, uint32_t column, Arena *arena,
                            const ParquetPageFacts **ret_pages, uint32_t *ret_n, Error *err)
{
    CHECK(row_group < file->metadata.n_row_groups && column < file->tree.root.n_children);
    const SchemaNode *node = &file->tree.root.children[column];
    const ParquetPageFacts *pages = NULL;
    uint32_t n = 0;
    if (node->leaf && node->repetition == 0 && chunk_of(file, row_group, node->leaf)->offset_index_offset > 0 &&
        read_pages(file, row_group, node->leaf, arena, &pages, &n, err) != STATUS_OK)
        return chunk_error(file, row_group, node->leaf, err);
    *ret_pages = pages;
    *ret_n = n;
    return STATUS_OK;
}
