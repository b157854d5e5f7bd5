/* For the files output*.c: what an Output is made of. */
#ifndef FREIGHTLAKE_CMD_OUTPUT_INTERNAL_H
#define FREIGHTLAKE_CMD_OUTPUT_INTERNAL_H

#include "cmd/output.h"

typedef struct Table Table;

typedef struct OutputFormatOps {
    void (*begin)(Output *output);
    void (*row)(Output *output, const Batch *batch, uint32_t row);
    void (*end)(Output *output);
} OutputFormatOps;

struct Output {
    const OutputFormatOps *ops;
    OutputOptions options;
    const Schema *schema;
    Buffer buffer;    /* what is not written yet */
    uint64_t written; /* bytes of the file */
    uint64_t rows;
    Arena arena;
    StrView *keys; /* JSON: "name": of each column */
    Table *table;
};

extern const OutputFormatOps OUTPUT_TABLE_OPS;
extern const OutputFormatOps OUTPUT_CSV_OPS;
extern const OutputFormatOps OUTPUT_JSON_OPS;
extern const OutputFormatOps OUTPUT_NDJSON_OPS;

/* Values that no format treats differently: numbers, dates, booleans, binary as hexadecimal. */
void output_append_plain(Buffer *text, const Value *value);
uint64_t table_rows_shown(const Output *output);
void table_free(Table *table);

#endif
