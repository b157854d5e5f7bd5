/* For the files printer*.c: what a Printer is made of. */
#ifndef FREIGHTLAKE_CMD_PRINTER_INTERNAL_H
#define FREIGHTLAKE_CMD_PRINTER_INTERNAL_H

#include "cmd/printer.h"

typedef struct Table Table;

typedef struct PrinterFormatOps {
    void (*begin)(Printer *printer);
    void (*row)(Printer *printer, const Batch *batch, uint32_t row);
    void (*end)(Printer *printer);
} PrinterFormatOps;

struct Printer {
    const PrinterFormatOps *ops;
    PrinterOptions options;
    const Schema *schema;
    Buffer buffer;    /* what is not written yet */
    uint64_t written; /* bytes of the file */
    uint64_t rows;
    Arena arena;
    StrView *keys; /* JSON: "name": of each column */
    Table *table;
};

extern const PrinterFormatOps PRINTER_TABLE_OPS;
extern const PrinterFormatOps PRINTER_CSV_OPS;
extern const PrinterFormatOps PRINTER_JSON_OPS;
extern const PrinterFormatOps PRINTER_NDJSON_OPS;

/* Values that no format treats differently: numbers, dates, booleans, binary as hexadecimal. */
void printer_append_plain(Buffer *text, const Value *value);
uint64_t table_rows_shown(const Printer *printer);
void table_free(Table *table);

#endif
