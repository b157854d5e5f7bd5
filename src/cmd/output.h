/* Output: rows of a result as a table, CSV, JSON or NDJSON, to standard output or a file.
 *
 * output_new -> output_batch for each batch -> output_finish -> output_free.
 *
 * table   columns aligned, numbers to the right, a missing value as NULL and a text NULL in quotes; control characters
 *         are shown escaped, so that no data can steer the terminal
 * csv     RFC 4180 with LF line ends and a header; a missing value is empty, an empty text is ""
 * json    one array of objects; ndjson: one object a line.  Decimals and integers are numbers with all their digits;
 *         NaN, Infinity and -Infinity are strings
 * In all of them dates are YYYY-MM-DD and binary values hexadecimal; timestamps are YYYY-MM-DDTHH:MM:SS[.ffffff]Z except
 * in a table, where they are as CAST AS STRING gives them. */
#ifndef FREIGHTLAKE_CMD_OUTPUT_H
#define FREIGHTLAKE_CMD_OUTPUT_H

#include "columnar/vector.h"
#include "storage/storage.h"

typedef enum OutputFormat { OUTPUT_TABLE, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_NDJSON } OutputFormat;

typedef struct OutputOptions {
    OutputFormat format;
    StorageWriter *file;  /* NULL: standard output */
    /* the rest is for tables: */
    uint64_t limit_rows;  /* 0: all */
    uint32_t width;       /* of the terminal; 0: no cut */
    bool color;
    const char *const *headers; /* NULL: the columns' names */
    /* The text of a value that is not NULL; NULL: as above. */
    void (*cell)(void *context, uint32_t column, const Value *value, Buffer *text);
    void *cell_context;
    const char *null_text; /* NULL: "NULL" */
} OutputOptions;

typedef struct Output Output;

/* Keeps `schema`.  JSON and NDJSON refuse a name that stands twice, with SQL and a hint. */
Status output_new(const Schema *schema, const OutputOptions *options, Output **ret_output, Error *err) MUST_CHECK;
/* A Sink's batch function: `output` is an Output. */
Status output_batch(void *output, const Schema *schema, const Batch *batch, Error *err) MUST_CHECK;
Status output_finish(Output *output, Error *err) MUST_CHECK;
uint64_t output_rows(const Output *output);       /* given so far */
uint64_t output_rows_shown(const Output *output); /* fewer when limit_rows cut them */
void output_free(Output *output);                 /* NULL is fine */

#endif
