/* mart_read: a mart's rows in the order they are stored. */
#include "mart/run.h"

#define BATCH_ROWS 4096

typedef struct Reading {
    ParquetFile *file;
    const MartReadOptions *options;
    uint32_t *columns;
    Vector *vectors;
    uint64_t left; /* rows still wanted */
    ParquetRowGroup *row_group;
} Reading;

static Status read_row_group(Reading *reading, uint32_t row_group, Error *err)
{
    const Schema *schema = parquet_schema(reading->file);
    TRY(parquet_row_group_open(reading->file, row_group, reading->columns, schema->n, &reading->row_group, err));
    uint64_t left = parquet_row_group_rows(reading->file, row_group);
    left = left < reading->left ? left : reading->left;
    while (left > 0) {
        TRY(interrupt_check(err));
        Batch batch = {.n_rows = (uint32_t)(left < BATCH_ROWS ? left : BATCH_ROWS),
                       .n_columns = schema->n,
                       .columns = reading->vectors};
        for (uint32_t i = 0; i < schema->n; i++)
            TRY(parquet_column_read(reading->row_group, i, batch.n_rows, &reading->vectors[i], err));
        TRY(reading->options->batch(reading->options->context, schema, &batch, err));
        left -= batch.n_rows;
        reading->left -= batch.n_rows;
    }
    return STATUS_OK;
}

Status mart_read(ParquetFile *file, const MartReadOptions *options, Error *err)
{
    uint32_t n = parquet_schema(file)->n;
    Reading reading = {.file = file,
                       .options = options,
                       .columns = mem_alloc(sizeof(uint32_t) * n),
                       .vectors = mem_zalloc(sizeof(Vector) * n),
                       .left = options->max_rows ? options->max_rows : UINT64_MAX};
    for (uint32_t i = 0; i < n; i++)
        reading.columns[i] = i;
    Status status = STATUS_OK;
    for (uint32_t g = 0; g < parquet_row_groups(file) && reading.left > 0 && status == STATUS_OK; g++)
        status = read_row_group(&reading, g, err);
    parquet_row_group_close(reading.row_group);
    mem_free(reading.columns);
    mem_free(reading.vectors);
    return status;
}
