/* Printer: rows of a result as a table, CSV, JSON or NDJSON, to standard output or a file.
 *
 * printer_new -> printer_batch for each batch -> printer_finish -> printer_free.
 *
 * table   columns aligned, numbers to the right, a missing value as NULL and a text NULL in quotes; control characters
 *         are shown escaped, so that no data can steer the terminal
 * csv     RFC 4180 with LF line ends and a header; a missing value is empty, an empty text is ""
 * json    one array of objects; ndjson: one object a line.  Decimals and integers are numbers with all their digits;
 *         NaN, Infinity and -Infinity are strings
 * In all of them dates are YYYY-MM-DD and binary values hexadecimal; timestamps are YYYY-MM-DDTHH:MM:SS[.ffffff]Z except
 * in a table, where they are as CAST AS STRING gives them. */
#ifndef FREIGHTLAKE_CMD_PRINTER_H
#define FREIGHTLAKE_CMD_PRINTER_H

#include "columnar/vector.h"
#include "storage/storage.h"

typedef enum PrinterFormat { PRINTER_TABLE, PRINTER_CSV, PRINTER_JSON, PRINTER_NDJSON } PrinterFormat;

typedef struct PrinterOptions {
    PrinterFormat format;
    StorageWriter *file; /* NULL: standard output */
    /* the rest is for tables: */
    uint64_t limit_rows; /* 0: all */
    uint32_t width;      /* of the terminal; 0: no cut */
    bool color;
    const char *const *headers; /* NULL: the columns' names */
    /* The text of a value that is not NULL; NULL: as above. */
    void (*cell)(void *context, uint32_t column, const Value *value, Buffer *text);
    void *cell_context;
    const char *null_text; /* NULL: "NULL" */
} PrinterOptions;

typedef struct Printer Printer;

/* Keeps `schema`.  JSON and NDJSON refuse a name that stands twice, with SQL and a hint. */
Status printer_new(const Schema *schema, const PrinterOptions *options, Printer **ret_printer, Error *err) MUST_CHECK;
/* A Sink's batch function: `printer` is a Printer. */
Status printer_batch(void *printer, const Schema *schema, const Batch *batch, Error *err) MUST_CHECK;
Status printer_finish(Printer *printer, Error *err) MUST_CHECK;
uint64_t printer_rows(const Printer *printer);       /* given so far */
uint64_t printer_rows_shown(const Printer *printer); /* fewer when limit_rows cut them */
void printer_free(Printer *printer);                 /* NULL is fine */

#endif
