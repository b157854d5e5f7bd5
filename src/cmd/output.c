/* Output: where the formats' bytes go. */
#include "cmd/output_internal.h"

#include <string.h>

#include "cmd/console.h"

#define FLUSH_BYTES ((size_t)256 << 10)

static Status flush(Output *output, Error *err)
{
    TRY(buffer_check(&output->buffer, "the output", err));
    if (output->options.file)
        TRY(storage_write(output->options.file, output->written, output->buffer.data, output->buffer.size, err));
    else
        TRY(console_write(output->buffer.data, output->buffer.size, err));
    output->written += output->buffer.size;
    buffer_clear(&output->buffer);
    return STATUS_OK;
}

static Status make_keys(Output *output, Error *err)
{
    const Schema *schema = output->schema;
    output->keys = ARENA_ARRAY(&output->arena, StrView, schema->n);
    for (uint32_t i = 0; i < schema->n; i++) {
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(schema->fields[i].name, schema->fields[j].name) == 0) {
                error_set(err, STATUS_SQL, "two columns are called '%s', which JSON cannot tell apart", schema->fields[i].name);
                return error_hint(err, "name one of them with AS");
            }
        Buffer key;
        buffer_init(&key, 0);
        text_append_json(&key, str_view(schema->fields[i].name));
        buffer_append_byte(&key, ':');
        output->keys[i] = arena_str(&output->arena, (StrView){buffer_text(&key), (uint32_t)key.size});
        buffer_done(&key);
    }
    return STATUS_OK;
}

Status output_new(const Schema *schema, const OutputOptions *options, Output **ret_output, Error *err)
{
    static const OutputFormatOps *const formats[] = {
        [OUTPUT_TABLE] = &OUTPUT_TABLE_OPS,
        [OUTPUT_CSV] = &OUTPUT_CSV_OPS,
        [OUTPUT_JSON] = &OUTPUT_JSON_OPS,
        [OUTPUT_NDJSON] = &OUTPUT_NDJSON_OPS,
    };
    Output *output = mem_zalloc(sizeof *output);
    output->ops = formats[options->format];
    output->options = *options;
    output->schema = schema;
    buffer_init(&output->buffer, 0);
    arena_init(&output->arena);
    if (options->format == OUTPUT_JSON || options->format == OUTPUT_NDJSON) {
        Status status = make_keys(output, err);
        if (status != STATUS_OK) {
            output_free(output);
            return status;
        }
    }
    output->ops->begin(output);
    *ret_output = output;
    return STATUS_OK;
}

Status output_batch(void *context, const Schema *schema, const Batch *batch, Error *err)
{
    (void)schema;
    Output *output = context;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        output->ops->row(output, batch, row);
        output->rows++;
        if (output->buffer.size >= FLUSH_BYTES)
            TRY(flush(output, err));
    }
    return STATUS_OK;
}

Status output_finish(Output *output, Error *err)
{
    output->ops->end(output);
    return flush(output, err);
}

uint64_t output_rows(const Output *output)
{
    return output->rows;
}

uint64_t output_rows_shown(const Output *output)
{
    return output->table ? table_rows_shown(output) : output->rows;
}

void output_free(Output *output)
{
    if (!output)
        return;
    table_free(output->table);
    buffer_done(&output->buffer);
    arena_done(&output->arena);
    mem_free(output);
}
