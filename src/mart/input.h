/* Input files: the Parquet files behind a table, opened together. */
#ifndef FREIGHTLAKE_MART_INPUT_H
#define FREIGHTLAKE_MART_INPUT_H

#include "parquet/reader.h"

typedef struct InputFiles {
    ParquetFile **files; /* by path */
    uint32_t n;
    uint64_t rows;
    uint64_t row_groups;
} InputFiles;

/* Opens what `pattern` names: a file (whatever its name), a folder (its *.parquet files) or a glob; names that start with
 * '_' or '.' are passed over.  NOT_FOUND with a hint when that leaves nothing. */
Status input_open(const char *pattern, MemoryBudget *budget, InputFiles *ret_input, Error *err) MUST_CHECK;
void input_close(InputFiles *input);

/* All files must have the columns of the first, by name, with types that cast to its types; the error names the file and
 * the column.  A statement over files uses this; a mart's table has a schema of its own. */
Status input_check_same_columns(const InputFiles *input, Error *err) MUST_CHECK;

#endif
