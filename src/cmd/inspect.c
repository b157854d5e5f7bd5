/* inspect: what a Parquet file's footer says, for people and as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/footer.h"
#include "cmd/printer.h"

#define BOUND_CHARACTERS 24 /* of a text bound in the table */

/* What all chunks of a column, or one of them, add up to. */
typedef struct ColumnSum {
    uint64_t values;
    uint64_t compressed_bytes;
    uint64_t uncompressed_bytes;
    uint64_t nulls;
    bool has_nulls;
    bool has_bounds;
    Value min;
    Value max;
    uint32_t encodings; /* bit = FormatEncoding */
    uint32_t codecs;    /* bit = FormatCodec */
    bool has_column_index;
    bool has_offset_index;
    bool has_bloom_filter;
} ColumnSum;

static int compare_values(const Value *a, const Value *b)
{
    switch (a->type.id) {
    case TYPE_BOOLEAN:
        return (a->boolean > b->boolean) - (a->boolean < b->boolean);
    case TYPE_INT:
    case TYPE_DATE:
        return (a->int32 > b->int32) - (a->int32 < b->int32);
    case TYPE_FLOAT:
        return (a->float32 > b->float32) - (a->float32 < b->float32);
    case TYPE_DOUBLE:
        return (a->float64 > b->float64) - (a->float64 < b->float64);
    case TYPE_STRING:
    case TYPE_BINARY:
        return str_compare(a->string, b->string);
    default:
        if (type_is_wide_decimal(a->type))
            return (a->int128 > b->int128) - (a->int128 < b->int128);
        return (a->int64 > b->int64) - (a->int64 < b->int64);
    }
}

static const FormatColumnChunk *chunk_of(const Footer *footer, uint32_t row_group, const SchemaLeaf *leaf)
{
    const FormatRowGroup *group = &footer->metadata.row_groups[row_group];
    return leaf->chunk < group->n_columns ? &group->columns[leaf->chunk] : NULL;
}

static void add_chunk(ColumnSum *sum, const SchemaLeaf *leaf, const FormatColumnChunk *chunk, bool is_first)
{
    const FormatColumnMetaData *metadata = &chunk->metadata;
    sum->values += (uint64_t)metadata->n_values;
    sum->compressed_bytes += (uint64_t)metadata->compressed_bytes;
    sum->uncompressed_bytes += (uint64_t)metadata->uncompressed_bytes;
    for (uint32_t i = 0; i < metadata->n_encodings; i++)
        sum->encodings |= 1u << (metadata->encodings[i] & 31);
    sum->codecs |= 1u << (metadata->codec & 31);
    sum->has_column_index = chunk->column_index_offset > 0 && (is_first || sum->has_column_index);
    sum->has_offset_index = chunk->offset_index_offset > 0 && (is_first || sum->has_offset_index);
    sum->has_bloom_filter = metadata->bloom_filter_offset > 0 && (is_first || sum->has_bloom_filter);
    sum->has_nulls = metadata->statistics.has_null_count && (is_first || sum->has_nulls);
    sum->nulls += metadata->statistics.has_null_count ? (uint64_t)metadata->statistics.null_count : 0;
    Value min, max;
    bool has_bounds = footer_bounds(leaf, &metadata->statistics, &min, &max);
    if (has_bounds && (is_first || sum->has_bounds)) {
        if (is_first || compare_values(&min, &sum->min) < 0)
            sum->min = min;
        if (is_first || compare_values(&max, &sum->max) > 0)
            sum->max = max;
    }
    sum->has_bounds = has_bounds && (is_first || sum->has_bounds);
}

static ColumnSum sum_column(const Footer *footer, const SchemaLeaf *leaf, uint32_t first, uint32_t end)
{
    ColumnSum sum = {0};
    for (uint32_t g = first; g < end; g++) {
        const FormatColumnChunk *chunk = chunk_of(footer, g, leaf);
        if (chunk && chunk->has_metadata)
            add_chunk(&sum, leaf, chunk, g == first);
    }
    return sum;
}

static void append_names(Buffer *text, uint32_t bits, const char *(*name)(int32_t), const char *quote)
{
    const char *separator = "";
    for (int32_t i = 0; i < 32; i++)
        if (bits & 1u << i) {
            buffer_printf(text, "%s%s%s%s", separator, quote, name(i), quote);
            separator = quote[0] ? "," : ", ";
        }
}

static const char *repetition_name(const SchemaLeaf *leaf)
{
    static const char *const names[] = {"required", "optional", "repeated"};
    return leaf->max_repetition ? names[FORMAT_REPEATED]
                                : names[leaf->max_definition ? FORMAT_OPTIONAL : FORMAT_REQUIRED];
}

/* ---- for people: rows of text through the table writer, which aligns and fits them ---- */

typedef struct TextTable {
    Printer *printer;
    Schema schema;
    Arena arena;
} TextTable;

static Status text_table_begin(TextTable *table, const char *const *headers, const bool *is_number, uint32_t n,
                               bool color, Error *err)
{
    arena_init(&table->arena);
    table->schema = (Schema){ARENA_ARRAY(&table->arena, Field, n), n};
    for (uint32_t i = 0; i < n; i++)
        table->schema.fields[i] = (Field){headers[i], is_number[i] ? DATA_TYPE(DOUBLE) : DATA_TYPE(STRING), true};
    PrinterOptions options = {.format = PRINTER_TABLE, .width = console_width(), .color = color, .null_text = "-"};
    Status status = printer_new(&table->schema, &options, &table->printer, err);
    if (status != STATUS_OK)
        arena_done(&table->arena);
    return status;
}

/* Empty texts are shown as missing. */
static Status text_table_row(TextTable *table, const char *const *cells, Error *err)
{
    Vector *vectors = ARENA_ARRAY(&table->arena, Vector, table->schema.n);
    for (uint32_t i = 0; i < table->schema.n; i++) {
        Value value = {.type = DATA_TYPE(STRING), .valid = cells[i][0] != '\0', .string = str_view(cells[i])};
        vectors[i] = vector_const(&table->arena, &value, 1);
    }
    Batch batch = {1, table->schema.n, vectors};
    return printer_batch(table->printer, &table->schema, &batch, err);
}

static void text_table_done(TextTable *table)
{
    printer_free(table->printer);
    arena_done(&table->arena);
}

/* A bound, long texts cut at a character's border. */
static const char *bound_text(Arena *arena, const Value *value, bool has_bounds)
{
    if (!has_bounds)
        return "";
    Buffer text;
    buffer_init(&text, 0);
    Value shown = *value;
    bool is_text = value->type.id == TYPE_STRING || value->type.id == TYPE_BINARY, is_cut = false;
    if (is_text && shown.string.size > BOUND_CHARACTERS) {
        shown.string.size = BOUND_CHARACTERS;
        while (shown.string.size > 0 && (shown.string.data[shown.string.size] & 0xc0) == 0x80)
            shown.string.size--;
        is_cut = true;
    }
    if (value->type.id == TYPE_BINARY)
        for (uint32_t i = 0; i < shown.string.size; i++)
            buffer_printf(&text, "%02x", (unsigned char)shown.string.data[i]);
    else
        value_append_text(&text, &shown);
    if (is_cut)
        buffer_append_text(&text, "\xe2\x80\xa6");
    const char *copy = arena_strdup(arena, buffer_text(&text));
    buffer_done(&text);
    return copy;
}

static Status add_column_row(TextTable *table, const Footer *footer, const SchemaLeaf *leaf, uint32_t first,
                             uint32_t end, const char *row_group, Error *err)
{
    Arena *arena = &table->arena;
    ColumnSum sum = sum_column(footer, leaf, first, end);
    Buffer codecs, encodings;
    char type[64], compressed[24], ratio[24] = "";
    buffer_init(&codecs, 0);
    buffer_init(&encodings, 0);
    append_names(&codecs, sum.codecs, format_codec_name, "");
    append_names(&encodings, sum.encodings, format_encoding_name, "");
    if (sum.compressed_bytes > 0)
        snprintf(ratio, sizeof ratio, "%.2f", (double)sum.uncompressed_bytes / (double)sum.compressed_bytes);
    const char *index = sum.has_column_index && sum.has_offset_index ? "yes" : sum.has_offset_index ? "offsets" : "no";
    const char *cells[] = {row_group,
                           leaf->path,
                           format_type_name((int32_t)leaf->physical),
                           footer_type_text(leaf, type, sizeof type),
                           repetition_name(leaf),
                           arena_strdup(arena, buffer_text(&codecs)),
                           text_bytes(compressed, sizeof compressed, (double)sum.compressed_bytes),
                           ratio,
                           sum.has_nulls ? arena_printf(arena, "%llu", (unsigned long long)sum.nulls) : "",
                           bound_text(arena, &sum.min, sum.has_bounds),
                           bound_text(arena, &sum.max, sum.has_bounds),
                           index,
                           sum.has_bloom_filter ? "yes" : "no",
                           arena_strdup(arena, buffer_text(&encodings))};
    bool by_row_group = row_group[0] != '\0';
    Status status = text_table_row(table, by_row_group ? cells : cells + 1, err);
    buffer_done(&codecs);
    buffer_done(&encodings);
    return status;
}

static Status print_columns(const Footer *footer, bool by_row_group, bool color, Error *err)
{
    static const char *const headers[] = {"row group", "column", "physical", "type", "nullable", "codec", "size",
                                          "ratio",     "nulls",  "min",      "max",  "index",    "bloom", "encodings"};
    static const bool is_number[] = {true, false, false, false, false, false, true,
                                     true, true,  false, false, false, false, false};
    uint32_t skipped = by_row_group ? 0 : 1, n_row_groups = footer->metadata.n_row_groups;
    TextTable table;
    TRY(text_table_begin(&table, headers + skipped, is_number + skipped, ARRAY_SIZE(headers) - skipped, color, err));
    Status status = STATUS_OK;
    char row_group[16] = "";
    for (uint32_t g = 0; g < (by_row_group ? n_row_groups : 1) && status == STATUS_OK; g++) {
        if (by_row_group)
            snprintf(row_group, sizeof row_group, "%u", g);
        for (uint32_t i = 0; i < footer->tree.n_leaves && status == STATUS_OK; i++)
            status = add_column_row(&table, footer, &footer->tree.leaves[i], by_row_group ? g : 0,
                                    by_row_group ? g + 1 : n_row_groups, row_group, err);
    }
    if (status == STATUS_OK)
        status = printer_finish(table.printer, err);
    text_table_done(&table);
    return status;
}

static Status print_file(const char *path, const Footer *footer, Error *err)
{
    char bytes[24], footer_bytes[24];
    const FormatFileMetaData *metadata = &footer->metadata;
    Buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text, "%s\n%lld row%s in %u row group%s, %u column%s, %s, of which the footer is %s\n", path,
                  (long long)metadata->n_rows, metadata->n_rows == 1 ? "" : "s", metadata->n_row_groups,
                  metadata->n_row_groups == 1 ? "" : "s", footer->tree.n_leaves, footer->tree.n_leaves == 1 ? "" : "s",
                  text_bytes(bytes, sizeof bytes, (double)footer->file_bytes),
                  text_bytes(footer_bytes, sizeof footer_bytes, (double)footer->footer_bytes));
    buffer_append_text(&text, "created by ");
    text_append_json(&text, metadata->created_by);
    buffer_append_text(&text, "\n");
    for (uint32_t i = 0; i < metadata->n_key_values; i++) {
        buffer_append_text(&text, i ? ", " : "metadata keys: ");
        text_append_json(&text, metadata->key_values[i].key);
    }
    buffer_append_text(&text, metadata->n_key_values ? "\n\n" : "\n");
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status print_row_groups(const Footer *footer, bool color, Error *err)
{
    static const char *const headers[] = {"row group", "rows", "size", "uncompressed"};
    static const bool is_number[] = {true, true, true, true};
    TextTable table;
    TRY(text_table_begin(&table, headers, is_number, ARRAY_SIZE(headers), color, err));
    Status status = STATUS_OK;
    for (uint32_t g = 0; g < footer->metadata.n_row_groups && status == STATUS_OK; g++) {
        const FormatRowGroup *group = &footer->metadata.row_groups[g];
        uint64_t compressed = 0, uncompressed = 0;
        for (uint32_t i = 0; i < group->n_columns; i++) {
            compressed += (uint64_t)group->columns[i].metadata.compressed_bytes;
            uncompressed += (uint64_t)group->columns[i].metadata.uncompressed_bytes;
        }
        char number[16], rows[24], size[24], full_size[24];
        snprintf(number, sizeof number, "%u", g);
        snprintf(rows, sizeof rows, "%lld", (long long)group->n_rows);
        const char *cells[] = {number, rows, text_bytes(size, sizeof size, (double)compressed),
                               text_bytes(full_size, sizeof full_size, (double)uncompressed)};
        status = text_table_row(&table, cells, err);
    }
    if (status == STATUS_OK)
        status = printer_finish(table.printer, err);
    text_table_done(&table);
    return status;
}

static Status print_text(const Arguments *arguments, const Footer *footer, Error *err)
{
    bool color = console_color(arguments);
    TRY(print_file(arguments->operands[0], footer, err));
    TRY(print_columns(footer, arguments_given(arguments, "columns"), color, err));
    TRY(console_write("\n", 1, err));
    return print_row_groups(footer, color, err);
}

/* ---- for machines ---- */

static void append_json_bound(Buffer *text, const char *name, const Value *value)
{
    buffer_printf(text, ",\"%s\":", name);
    if (value->type.id == TYPE_STRING)
        text_append_json(text, value->string);
    else {
        Buffer plain;
        buffer_init(&plain, 0);
        if (value->type.id == TYPE_BINARY)
            for (uint32_t i = 0; i < value->string.size; i++)
                buffer_printf(&plain, "%02x", (unsigned char)value->string.data[i]);
        else
            value_append_text(&plain, value);
        text_append_json(text, str_view(buffer_text(&plain)));
        buffer_done(&plain);
    }
}

static void append_json_chunk(Buffer *text, const Footer *footer, const SchemaLeaf *leaf, uint32_t row_group)
{
    ColumnSum sum = sum_column(footer, leaf, row_group, row_group + 1);
    buffer_append_text(text, "{\"column\":");
    text_append_json(text, str_view(leaf->path));
    buffer_append_text(text, ",\"encodings\":[");
    append_names(text, sum.encodings, format_encoding_name, "\"");
    buffer_append_text(text, "],\"codec\":");
    append_names(text, sum.codecs ? sum.codecs : 1u, format_codec_name, "\"");
    buffer_printf(text, ",\"values\":%llu,\"compressed_bytes\":%llu,\"uncompressed_bytes\":%llu",
                  (unsigned long long)sum.values, (unsigned long long)sum.compressed_bytes,
                  (unsigned long long)sum.uncompressed_bytes);
    if (sum.has_nulls)
        buffer_printf(text, ",\"nulls\":%llu", (unsigned long long)sum.nulls);
    if (sum.has_bounds) {
        append_json_bound(text, "min", &sum.min);
        append_json_bound(text, "max", &sum.max);
    }
    buffer_printf(text, ",\"column_index\":%s,\"offset_index\":%s,\"bloom_filter\":%s}",
                  sum.has_column_index ? "true" : "false", sum.has_offset_index ? "true" : "false",
                  sum.has_bloom_filter ? "true" : "false");
}

static void append_json_schema(Buffer *text, const Footer *footer)
{
    for (uint32_t i = 0; i < footer->tree.n_leaves; i++) {
        const SchemaLeaf *leaf = &footer->tree.leaves[i];
        char type[64];
        buffer_append_text(text, i ? ",\n  {\"name\":" : "\n  {\"name\":");
        text_append_json(text, str_view(leaf->path));
        buffer_printf(text, ",\"physical\":\"%s\",\"type\":", format_type_name((int32_t)leaf->physical));
        text_append_json(text, str_view(footer_type_text(leaf, type, sizeof type)));
        buffer_printf(text, ",\"nullable\":%s,\"repeated\":%s,\"readable\":%s}",
                      leaf->max_definition ? "true" : "false", leaf->max_repetition ? "true" : "false",
                      leaf->unsupported ? "false" : "true");
    }
}

static Status print_json(const char *path, const Footer *footer, Error *err)
{
    const FormatFileMetaData *metadata = &footer->metadata;
    Buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "{\"file\":");
    text_append_json(&text, str_view(path));
    buffer_printf(&text, ",\"bytes\":%llu,\"footer_bytes\":%llu,\"rows\":%lld,\"version\":%d,\"created_by\":",
                  (unsigned long long)footer->file_bytes, (unsigned long long)footer->footer_bytes,
                  (long long)metadata->n_rows, metadata->version);
    text_append_json(&text, metadata->created_by);
    buffer_append_text(&text, ",\"metadata_keys\":[");
    for (uint32_t i = 0; i < metadata->n_key_values; i++) {
        buffer_append_text(&text, i ? "," : "");
        text_append_json(&text, metadata->key_values[i].key);
    }
    buffer_append_text(&text, "],\n \"columns\":[");
    append_json_schema(&text, footer);
    buffer_append_text(&text, "],\n \"row_groups\":[");
    for (uint32_t g = 0; g < metadata->n_row_groups; g++) {
        buffer_printf(&text, "%s\n  {\"rows\":%lld,\"chunks\":[", g ? "," : "",
                      (long long)metadata->row_groups[g].n_rows);
        for (uint32_t i = 0; i < footer->tree.n_leaves; i++) {
            buffer_append_text(&text, i ? ",\n   " : "\n   ");
            append_json_chunk(&text, footer, &footer->tree.leaves[i], g);
        }
        buffer_append_text(&text, "]}");
    }
    buffer_append_text(&text, "]}\n");
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

Status command_inspect(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Footer footer;
    TRY(footer_read(arguments->operands[0], job_arena, &footer, err));
    if (arguments_given(arguments, "json"))
        return print_json(arguments->operands[0], &footer, err);
    return print_text(arguments, &footer, err);
}
