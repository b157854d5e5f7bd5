/* CSV, JSON and NDJSON: formats for machines, written row by row. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/printer_internal.h"

static void append_hex(Buffer *text, StrView bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        buffer_append_byte(text, (uint8_t)digits[byte >> 4]);
        buffer_append_byte(text, (uint8_t)digits[byte & 15]);
    }
}

void printer_append_plain(Buffer *text, const Value *value)
{
    if (value->type.id == TYPE_BINARY)
        append_hex(text, value->string);
    else
        value_append_text(text, value);
}

/* 2025-06-30T12:00:00Z, with the microseconds when there are any. */
static void append_timestamp(Buffer *text, int64_t micros)
{
    const int64_t day = 86400 * INT64_C(1000000);
    int64_t days = micros / day - (micros % day < 0), rest = micros - days * day;
    CivilDate date = civil_from_days((int32_t)days);
    buffer_printf(text, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year, (int)date.month, (int)date.day,
                  (int)(rest / INT64_C(3600000000)), (int)(rest / 60000000 % 60), (int)(rest / 1000000 % 60));
    if (rest % 1000000)
        buffer_printf(text, ".%06d", (int)(rest % 1000000));
    buffer_append_byte(text, 'Z');
}

static void append_csv_text(Buffer *text, StrView value)
{
    bool plain = value.size > 0;
    for (uint32_t i = 0; i < value.size && plain; i++)
        plain = value.data[i] != '"' && value.data[i] != ',' && value.data[i] != '\n' && value.data[i] != '\r';
    if (plain) {
        buffer_append(text, value.data, value.size);
        return;
    }
    buffer_append_byte(text, '"');
    for (uint32_t i = 0; i < value.size; i++) {
        if (value.data[i] == '"')
            buffer_append_byte(text, '"');
        buffer_append_byte(text, (uint8_t)value.data[i]);
    }
    buffer_append_byte(text, '"');
}

static void append_csv_value(Buffer *text, const Value *value)
{
    if (!value->valid)
        return;
    if (value->type.id == TYPE_STRING)
        append_csv_text(text, value->string);
    else if (value->type.id == TYPE_TIMESTAMP)
        append_timestamp(text, value->int64);
    else if (value->type.id == TYPE_BINARY && value->string.size == 0)
        buffer_append_text(text, "\"\"");
    else
        printer_append_plain(text, value);
}

static void csv_begin(Printer *printer)
{
    for (uint32_t i = 0; i < printer->schema->n; i++) {
        if (i > 0)
            buffer_append_byte(&printer->buffer, ',');
        append_csv_text(&printer->buffer, str_view(printer->schema->fields[i].name));
    }
    buffer_append_byte(&printer->buffer, '\n');
}

static void csv_row(Printer *printer, const Batch *batch, uint32_t row)
{
    for (uint32_t i = 0; i < batch->n_columns; i++) {
        Value value = vector_value(&batch->columns[i], row);
        if (i > 0)
            buffer_append_byte(&printer->buffer, ',');
        append_csv_value(&printer->buffer, &value);
    }
    buffer_append_byte(&printer->buffer, '\n');
}

static bool is_finite(const Value *value)
{
    if (value->type.id == TYPE_DOUBLE)
        return isfinite(value->float64);
    return value->type.id != TYPE_FLOAT || isfinite(value->float32);
}

static void append_json_value(Buffer *text, const Value *value)
{
    if (!value->valid) {
        buffer_append_text(text, "null");
        return;
    }
    switch (value->type.id) {
    case TYPE_STRING:
        text_append_json(text, value->string);
        break;
    case TYPE_TIMESTAMP:
        buffer_append_byte(text, '"');
        append_timestamp(text, value->int64);
        buffer_append_byte(text, '"');
        break;
    case TYPE_DATE:
    case TYPE_BINARY:
        buffer_append_byte(text, '"');
        printer_append_plain(text, value);
        buffer_append_byte(text, '"');
        break;
    default:
        if (is_finite(value)) {
            printer_append_plain(text, value);
            break;
        }
        buffer_append_byte(text, '"');
        printer_append_plain(text, value);
        buffer_append_byte(text, '"');
    }
}

static void append_json_object(Printer *printer, const Batch *batch, uint32_t row)
{
    Buffer *text = &printer->buffer;
    buffer_append_byte(text, '{');
    for (uint32_t i = 0; i < batch->n_columns; i++) {
        Value value = vector_value(&batch->columns[i], row);
        if (i > 0)
            buffer_append_byte(text, ',');
        buffer_append(text, printer->keys[i].data, printer->keys[i].size);
        append_json_value(text, &value);
    }
    buffer_append_byte(text, '}');
}

static void json_begin(Printer *printer)
{
    buffer_append_byte(&printer->buffer, '[');
}

static void json_row(Printer *printer, const Batch *batch, uint32_t row)
{
    buffer_append_text(&printer->buffer, printer->rows ? ",\n" : "\n");
    append_json_object(printer, batch, row);
}

static void json_end(Printer *printer)
{
    buffer_append_text(&printer->buffer, printer->rows ? "\n]\n" : "]\n");
}

static void ndjson_row(Printer *printer, const Batch *batch, uint32_t row)
{
    append_json_object(printer, batch, row);
    buffer_append_byte(&printer->buffer, '\n');
}

static void nothing(Printer *printer)
{
    (void)printer;
}

const PrinterFormatOps PRINTER_CSV_OPS = {csv_begin, csv_row, nothing};
const PrinterFormatOps PRINTER_JSON_OPS = {json_begin, json_row, json_end};
const PrinterFormatOps PRINTER_NDJSON_OPS = {nothing, ndjson_row, nothing};
