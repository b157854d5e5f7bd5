/* Output: the files of a run, filled by several threads at once.
 *
 * The rows of a file are cut into chunks (a row group, or some lines).  output_take deals chunks out in the order of
 * files and rows; a thread makes its chunk and hands it over with output_append_text or output_append_row_group, which
 * wait until the chunks before it are in.  The last chunk of a file completes and publishes it.
 *
 * The first failure ends the run: output_fail keeps it, output_take then gives nothing more. */
#ifndef FREIGHTLAKE_GENERATE_OUTPUT_H
#define FREIGHTLAKE_GENERATE_OUTPUT_H

#include "generate/model.h"

typedef struct Output Output;
typedef struct OutputFile OutputFile;

typedef struct Chunk {
    OutputFile *file;
    uint32_t index;     /* in the file */
    uint64_t first_row; /* in the run */
    uint32_t n_rows;
} Chunk;

Status output_new(const GenerateOptions *options, const Schema *schema, uint32_t chunk_rows, Output **ret_output,
                  Error *err) MUST_CHECK;
/* Discards what is not published. */
void output_free(Output *output);

/* False when there is nothing more to do. */
bool output_take(Output *output, Chunk *ret_chunk);
const ParquetWriter *output_parquet_writer(const Chunk *chunk);
Status output_append_text(Output *output, const Chunk *chunk, const Buffer *text, Error *err) MUST_CHECK;
Status output_append_row_group(Output *output, const Chunk *chunk, const ParquetEncodedRowGroup *row_group, Error *err)
    MUST_CHECK;
void output_fail(Output *output, const Error *err);
/* Once all threads are done: the failure, or the bytes of all files. */
Status output_result(const Output *output, uint64_t *ret_bytes, Error *err) MUST_CHECK;

#endif
