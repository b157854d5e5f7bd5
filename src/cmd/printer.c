/* Printer: where the formats' bytes go. */
#include "cmd/printer_internal.h"

#include <string.h>

#include "cmd/console.h"

#define FLUSH_BYTES ((size_t)256 << 10)

static Status flush(Printer *printer, Error *err)
{
    TRY(buffer_check(&printer->buffer, "the output", err));
    if (printer->options.file)
        TRY(storage_write(printer->options.file, printer->written, printer->buffer.data, printer->buffer.size, err));
    else
        TRY(console_write(printer->buffer.data, printer->buffer.size, err));
    printer->written += printer->buffer.size;
    buffer_clear(&printer->buffer);
    return STATUS_OK;
}

static Status make_keys(Printer *printer, Error *err)
{
    const Schema *schema = printer->schema;
    printer->keys = ARENA_ARRAY(&printer->arena, StrView, schema->n);
    for (uint32_t i = 0; i < schema->n; i++) {
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(schema->fields[i].name, schema->fields[j].name) == 0) {
                error_set(err, STATUS_SQL, "two columns are called '%s', which JSON cannot tell apart",
                          schema->fields[i].name);
                return error_hint(err, "name one of them with AS");
            }
        Buffer key;
        buffer_init(&key, 0);
        text_append_json(&key, str_view(schema->fields[i].name));
        buffer_append_byte(&key, ':');
        printer->keys[i] = arena_str(&printer->arena, (StrView){buffer_text(&key), (uint32_t)key.size});
        buffer_done(&key);
    }
    return STATUS_OK;
}

Status printer_new(const Schema *schema, const PrinterOptions *options, Printer **ret_printer, Error *err)
{
    static const PrinterFormatOps *const formats[] = {
        [PRINTER_TABLE] = &PRINTER_TABLE_OPS,
        [PRINTER_CSV] = &PRINTER_CSV_OPS,
        [PRINTER_JSON] = &PRINTER_JSON_OPS,
        [PRINTER_NDJSON] = &PRINTER_NDJSON_OPS,
    };
    Printer *printer = mem_zalloc(sizeof *printer);
    printer->ops = formats[options->format];
    printer->options = *options;
    printer->schema = schema;
    buffer_init(&printer->buffer, 0);
    arena_init(&printer->arena);
    if (options->format == PRINTER_JSON || options->format == PRINTER_NDJSON) {
        Status status = make_keys(printer, err);
        if (status != STATUS_OK) {
            printer_free(printer);
            return status;
        }
    }
    printer->ops->begin(printer);
    *ret_printer = printer;
    return STATUS_OK;
}

Status printer_batch(void *context, const Schema *schema, const Batch *batch, Error *err)
{
    (void)schema;
    Printer *printer = context;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        printer->ops->row(printer, batch, row);
        printer->rows++;
        if (printer->buffer.size >= FLUSH_BYTES)
            TRY(flush(printer, err));
    }
    return STATUS_OK;
}

Status printer_finish(Printer *printer, Error *err)
{
    printer->ops->end(printer);
    return flush(printer, err);
}

uint64_t printer_rows(const Printer *printer)
{
    return printer->rows;
}

uint64_t printer_rows_shown(const Printer *printer)
{
    return printer->table ? table_rows_shown(printer) : printer->rows;
}

void printer_free(Printer *printer)
{
    if (!printer)
        return;
    table_free(printer->table);
    buffer_done(&printer->buffer);
    arena_done(&printer->arena);
    mem_free(printer);
}
