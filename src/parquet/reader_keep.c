/* Row groups kept between passes.
 *
 * A sort reads dictionaries, then a sample of keys, then everything.  On a local disk the second reading costs nothing; a
 * store far away asks a request for each dictionary and sends the sampled chunks twice.  There the compressed bytes of all
 * wanted columns are read once, as the ranges that opening the row group will ask for, and the storage keeps them until the
 * row group was opened for the last time. */
#include "parquet/reader_internal.h"

struct KeptRowGroup {
    size_t reserved; /* bytes, from the file's budget; 0: not kept */
    uint64_t offset; /* of the first range, */
    uint64_t end;    /* and behind the last one's first byte */
};

static Status keep(ParquetFile *file, uint32_t row_group, const uint32_t *columns, uint32_t n, bool *ret_kept,
                   Error *err)
{
    struct KeptRowGroup *kept = &file->kept[row_group];
    WantedChunk *chunks CLEANUP(mem_cleanup) = mem_zalloc((n + 1) * sizeof *chunks);
    StorageRange *ranges CLEANUP(mem_cleanup) = mem_zalloc((n + 1) * sizeof *ranges);
    TRY(chunks_place(file, row_group, columns, n, chunks, err));
    uint64_t total;
    uint32_t n_ranges = chunks_plan_ranges(chunks, n, ranges, &total);
    Error full;
    *ret_kept = budget_reserve(file->budget, total, "a kept row group", &full) == STATUS_OK;
    if (!*ret_kept || total == 0)
        return STATUS_OK;
    if (storage_keep(file->reader, ranges, n_ranges, err) != STATUS_OK) {
        budget_release(file->budget, total);
        return err->code;
    }
    *kept = (struct KeptRowGroup){total, ranges[0].offset, ranges[n_ranges - 1].offset + 1};
    return STATUS_OK;
}

Status parquet_row_group_keep(ParquetFile *file, uint32_t row_group, const uint32_t *columns, uint32_t n_columns,
                              bool *ret_kept, Error *err)
{
    CHECK(row_group < file->metadata.n_row_groups);
    *ret_kept = storage_can_keep(file->reader);
    if (!*ret_kept || file->kept[row_group].reserved)
        return STATUS_OK;
    if (keep(file, row_group, columns, n_columns, ret_kept, err) != STATUS_OK)
        return error_at_file(err, file->reader->path);
    return STATUS_OK;
}

void parquet_row_group_drop(ParquetFile *file, uint32_t row_group)
{
    CHECK(row_group < file->metadata.n_row_groups);
    struct KeptRowGroup *kept = &file->kept[row_group];
    if (!kept->reserved)
        return;
    storage_drop(file->reader, kept->offset, kept->end);
    budget_release(file->budget, kept->reserved);
    *kept = (struct KeptRowGroup){0};
}

void kept_row_groups_init(ParquetFile *file)
{
    file->kept = ARENA_ARRAY(&file->arena, struct KeptRowGroup, file->metadata.n_row_groups + 1);
}

void kept_row_groups_done(ParquetFile *file)
{
    for (uint32_t i = 0; file->kept && i < file->metadata.n_row_groups; i++)
        parquet_row_group_drop(file, i);
}
