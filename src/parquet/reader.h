/* ParquetReader: reads Parquet files into Vectors, dictionary codes kept.
 *
 * Source: the Parquet format specification (thrift definitions, Encodings.md, LogicalTypes.md, PageIndex.md).
 *
 * Call order: parquet_open -> parquet_schema / row group facts -> per row group and thread: parquet_row_group_open with
 * the columns wanted -> parquet_column_read in steps of any size, all columns by the same step -> close.  A
 * ParquetFile is read-only after opening and may be shared by threads; a ParquetRowGroup belongs to one thread.
 *
 * A broken or hostile file gives CORRUPT with file, column, row group and offset in the Error; a feature not read gives
 * UNSUPPORTED by its name.  Sizes in the file are checked against the file's size and the budget before memory is
 * taken. */
#ifndef FREIGHTLAKE_PARQUET_READER_H
#define FREIGHTLAKE_PARQUET_READER_H

#include "columnar/vector.h"
#include "storage/storage.h"

typedef struct ParquetFile ParquetFile;
typedef struct ParquetRowGroup ParquetRowGroup;

/* Opens and reads the footer.  Takes over `reader` on success and on failure.  `budget` (with limit 0 where there is
 * none to keep) outlives the file and the row group handles used with it. */
Status parquet_open(StorageReader *reader, MemoryBudget *budget, ParquetFile **ret_file, Error *err) MUST_CHECK;
void parquet_close(ParquetFile *file);

/* Columns at the top level that are not nested, in file order; a nested column has type NULLTYPE here and gives
 * UNSUPPORTED by name when read through parquet_column_read (parquet_nested.h reads it). */
const Schema *parquet_schema(const ParquetFile *file);
uint64_t parquet_rows(const ParquetFile *file);
uint32_t parquet_row_groups(const ParquetFile *file);
uint64_t parquet_row_group_rows(const ParquetFile *file, uint32_t row_group);
uint64_t parquet_row_group_bytes(const ParquetFile *file, uint32_t row_group); /* compressed, all columns */
const char *parquet_path(const ParquetFile *file);

/* What the statistics of a column chunk say; .has_min_max false when unknown or not to be trusted (NaN, old writers'
 * signed order on strings, truncated bounds are fine: min is <= and max >= every value). */
typedef struct ParquetStatistics {
    bool has_min_max;
    bool has_null_count;
    Value min;
    Value max;
    uint64_t null_count;
    uint64_t n_values; /* rows of the chunk, NULLs included */
} ParquetStatistics;
void parquet_column_statistics(const ParquetFile *file, uint32_t row_group, uint32_t column, ParquetStatistics *ret);
/* Compressed bytes of one column chunk. */
uint64_t parquet_column_bytes(const ParquetFile *file, uint32_t row_group, uint32_t column);

/* What the page index says of one page of a column chunk. */
typedef struct ParquetPageFacts {
    uint64_t first_row; /* in the row group */
    uint64_t n_rows;
    bool all_null;
    ParquetStatistics statistics; /* n_values is n_rows */
} ParquetPageFacts;
/* The pages of one column chunk in the order of their rows, which they cover without a gap; *ret_n is 0 where the file
 * has no page index for it.  In `arena`, as are texts of the bounds.  parquet_column_skip over whole pages neither
 * decompresses nor decodes them. */
Status parquet_column_pages(ParquetFile *file, uint32_t row_group, uint32_t column, Arena *arena,
                            const ParquetPageFacts **ret_pages, uint32_t *ret_n, Error *err) MUST_CHECK;

/* The dictionary of one column chunk on its own, read ahead of the data: a FLAT vector in `arena` as
 * parquet_column_dictionary describes it (the same entries at the same codes), or NULL when some data page of the chunk
 * is not dictionary-encoded. */
Status parquet_read_dictionary(ParquetFile *file, uint32_t row_group, uint32_t column, Arena *arena,
                               const Vector **ret_dictionary, Error *err) MUST_CHECK;

/* Opens a row group for reading `columns` (indices into the schema).  Compressed bytes of the wanted chunks are read
 * at once.  Memory (compressed bytes, dictionaries) is reserved from the file's budget until close.  A row group handle
 * can be reused for another row group (of another file, too) by passing it in again: buffers are kept. */
Status parquet_row_group_open(ParquetFile *file, uint32_t row_group, const uint32_t *columns, uint32_t n_columns,
                              ParquetRowGroup **inout_row_group, Error *err) MUST_CHECK;
void parquet_row_group_close(ParquetRowGroup *row_group); /* frees; NULL is fine */

/* Of a file far away (storage_can_keep): reads the compressed bytes of `columns` once and keeps them, so that dictionaries
 * and row group handles of these columns ask nobody; reserved from the file's budget.  *ret_kept is false where there is
 * no use in it, or where the budget has no room.  Threads may keep and drop different row groups at the same time. */
Status parquet_row_group_keep(ParquetFile *file, uint32_t row_group, const uint32_t *columns, uint32_t n_columns,
                              bool *ret_kept, Error *err) MUST_CHECK;
/* Frees what was kept; fine when nothing was. */
void parquet_row_group_drop(ParquetFile *file, uint32_t row_group);

/* The dictionary of wanted column i when every data page of the chunk is dictionary-encoded, else NULL.  A FLAT vector;
 * where the chunk can have NULLs one more, not valid, entry stands at the end.  Lives until the handle is reused or
 * closed.  Reads only the dictionary page. */
Status parquet_column_dictionary(ParquetRowGroup *row_group, uint32_t i, const Vector **ret_dictionary, Error *err)
    MUST_CHECK;

/* The next n rows of wanted column i, as DICT on that very dictionary when there is one (code_width 1 for dictionaries
 * of up to 256 entries, 2 up to 65,536, else 4), else FLAT.  n must not pass the end of the row group.  The vector's
 * memory is the handle's and lives until the next call for the same column. */
Status parquet_column_read(ParquetRowGroup *row_group, uint32_t i, uint32_t n, Vector *ret_vector, Error *err)
    MUST_CHECK;
/* Skips n rows of wanted column i. */
Status parquet_column_skip(ParquetRowGroup *row_group, uint32_t i, uint32_t n, Error *err) MUST_CHECK;

#endif
