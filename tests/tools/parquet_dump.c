/* parquet_dump FILE [--step N] [--skip] [--together] [--quiet]: every value of every column of a Parquet file, for
 * comparison with other readers.  Not installed.
 *
 * Each output line is a JSON object about one column of one row group, "column" and "row_group", with
 *   "type", "first", "n", "dictionary", "values"   the rows that one step read
 *   "error"                                        why the column cannot be read
 *   "statistics"                                   null_count, min and max as far as they are trusted
 *   "pages"                                        the same of each page in the page index
 * Steps are of 1,000 rows unless --step says otherwise.  --skip reads every other step only; --together reads all flat
 * columns of a row group through one handle, step by step; --quiet prints nothing.
 *
 * Values are exact: integers and unscaled decimals as numbers, floating-point values as the hexadecimal digits of their
 * bits, dates as days, timestamps as microseconds, strings and binaries as hexadecimal digits, structs as objects,
 * lists as arrays, maps as {"map": [[key, value], ...]}.  Exit code 3 when the file cannot be opened. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "parquet/parquet_nested.h"

typedef struct Dump {
    ParquetFile *file;
    uint32_t step;
    bool skip;
    bool together;
    bool quiet;
} Dump;

static void append_hex(Buffer *out, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = ((const uint8_t *)bytes)[i];
        buffer_append_byte(out, (uint8_t)digits[byte >> 4]);
        buffer_append_byte(out, (uint8_t)digits[byte & 15]);
    }
    buffer_append_byte(out, '"');
}

static void append_int128(Buffer *out, Int128 value)
{
    char digits[48];
    size_t n = sizeof digits;
    UInt128 rest = value < 0 ? -(UInt128)value : (UInt128)value;
    do {
        digits[--n] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--n] = '-';
    buffer_append(out, digits + n, sizeof digits - n);
}

static void append_value(Buffer *out, const Value *value)
{
    if (!value->valid) {
        buffer_append_text(out, "null");
        return;
    }
    switch (value->type.id) {
    case TYPE_BOOLEAN:
        buffer_append_text(out, value->boolean ? "true" : "false");
        break;
    case TYPE_INT:
    case TYPE_DATE:
        buffer_printf(out, "%" PRId32, value->int32);
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        buffer_printf(out, "%" PRId64, value->int64);
        break;
    case TYPE_FLOAT:
        append_hex(out, &value->float32, sizeof value->float32);
        break;
    case TYPE_DOUBLE:
        append_hex(out, &value->float64, sizeof value->float64);
        break;
    case TYPE_DECIMAL:
        append_int128(out, type_is_wide_decimal(value->type) ? value->int128 : value->int64);
        break;
    default:
        append_hex(out, value->string.data, value->string.size);
    }
}

static void append_node(Buffer *out, const ParquetNode *node, uint32_t entry)
{
    if (node->kind == PARQUET_NODE_LEAF) {
        Value value = vector_value(&node->values, entry);
        append_value(out, &value);
        return;
    }
    if (node->valid && !node->valid[entry]) {
        buffer_append_text(out, "null");
        return;
    }
    if (node->kind == PARQUET_NODE_STRUCT) {
        buffer_append_byte(out, '{');
        for (uint32_t i = 0; i < node->n_children; i++) {
            buffer_append_text(out, i ? "," : "");
            text_append_json(out, str_view(node->children[i].name));
            buffer_append_byte(out, ':');
            append_node(out, &node->children[i], entry);
        }
        buffer_append_byte(out, '}');
        return;
    }
    bool map = node->kind == PARQUET_NODE_MAP;
    buffer_append_text(out, map ? "{\"map\":[" : "[");
    for (uint32_t k = node->offsets[entry]; k < node->offsets[entry + 1]; k++) {
        buffer_append_text(out, k > node->offsets[entry] ? "," : "");
        buffer_append_text(out, map ? "[" : "");
        for (uint32_t i = 0; i < node->n_children; i++) {
            buffer_append_text(out, i ? "," : "");
            append_node(out, &node->children[i], k);
        }
        buffer_append_text(out, map ? "]" : "");
    }
    buffer_append_text(out, map ? "]}" : "]");
}

static void append_line_start(Buffer *out, const char *column, const char *type, uint32_t row_group)
{
    buffer_append_text(out, "{\"column\":");
    text_append_json(out, str_view(column));
    if (type)
        buffer_printf(out, ",\"type\":\"%s\"", type);
    buffer_printf(out, ",\"row_group\":%u", row_group);
}

static void print_line(const Dump *dump, Buffer *line)
{
    buffer_append_byte(line, '\n');
    if (!dump->quiet)
        fwrite(line->data, 1, line->size, stdout);
    buffer_done(line);
}

static void append_error(Buffer *out, const Error *err)
{
    buffer_printf(out, "\"error\":{\"code\":\"%s\",\"message\":", status_label(err->code));
    text_append_json(out, str_view(err->message));
    buffer_append_text(out, ",\"file\":");
    text_append_json(out, str_view(err->file));
    buffer_append_text(out, ",\"column\":");
    text_append_json(out, str_view(err->column));
    buffer_printf(out, ",\"offset\":%" PRId64 "}}", err->offset);
}

static void print_error(const Dump *dump, const char *column, uint32_t row_group, const Error *err)
{
    Buffer line;
    buffer_init(&line, 0);
    append_line_start(&line, column, NULL, row_group);
    buffer_append_byte(&line, ',');
    append_error(&line, err);
    print_line(dump, &line);
}

static void print_vector(const Dump *dump, const char *column, uint32_t row_group, uint64_t first, const Vector *vector)
{
    Buffer line;
    char type[32];
    buffer_init(&line, 0);
    append_line_start(&line, column, type_name(vector->type, type, sizeof type), row_group);
    buffer_printf(&line, ",\"first\":%" PRIu64 ",\"n\":%u,\"dictionary\":%s,\"values\":[", first, vector->n,
                  vector->kind == VECTOR_DICT ? "true" : "false");
    for (uint32_t i = 0; i < vector->n; i++) {
        Value value = vector_value(vector, i);
        buffer_append_text(&line, i ? "," : "");
        append_value(&line, &value);
    }
    buffer_append_text(&line, "]}");
    print_line(dump, &line);
}

static bool same_values(const Vector *a, const Vector *b)
{
    if (a->n != b->n || !a->valid != !b->valid)
        return false;
    bool same = true;
    for (uint32_t i = 0; same && i < a->n; i++) {
        Buffer x, y;
        buffer_init(&x, 0);
        buffer_init(&y, 0);
        Value left = vector_value(a, i), right = vector_value(b, i);
        append_value(&x, &left);
        append_value(&y, &right);
        same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
        buffer_done(&x);
        buffer_done(&y);
    }
    return same;
}

/* The dictionary read ahead of the data must be the one that comes with it. */
static Status check_dictionary(const Dump *dump, ParquetRowGroup *handle, uint32_t row_group, uint32_t column,
                               Error *err)
{
    Arena arena;
    const Vector *ahead = NULL, *with = NULL;
    arena_init(&arena);
    Status status = parquet_read_dictionary(dump->file, row_group, column, &arena, &ahead, err);
    if (status == STATUS_OK)
        status = parquet_column_dictionary(handle, 0, &with, err);
    if (status == STATUS_OK && (!ahead != !with || (ahead && !same_values(ahead, with))))
        status = error_set(err, STATUS_INTERNAL, "the dictionary read ahead differs");
    arena_done(&arena);
    return status;
}

static void append_statistics(Buffer *line, const ParquetStatistics *statistics)
{
    buffer_append_byte(line, '{');
    if (statistics->has_null_count)
        buffer_printf(line, "\"null_count\":%" PRIu64 "%s", statistics->null_count, statistics->has_min_max ? "," : "");
    if (statistics->has_min_max) {
        buffer_append_text(line, "\"min\":");
        append_value(line, &statistics->min);
        buffer_append_text(line, ",\"max\":");
        append_value(line, &statistics->max);
    }
    buffer_append_byte(line, '}');
}

static Status print_pages(const Dump *dump, const char *column, uint32_t row_group, uint32_t index, Error *err)
{
    Arena arena;
    Buffer line;
    const ParquetPageFacts *pages;
    uint32_t n = 0;
    arena_init(&arena);
    Status status = parquet_column_pages(dump->file, row_group, index, &arena, &pages, &n, err);
    if (status == STATUS_OK && n > 0) {
        buffer_init(&line, 0);
        append_line_start(&line, column, NULL, row_group);
        buffer_append_text(&line, ",\"pages\":[");
        for (uint32_t i = 0; i < n; i++) {
            buffer_printf(&line,
                          "%s{\"first\":%" PRIu64 ",\"n\":%" PRIu64 ",\"all_null\":%s,\"statistics\":", i ? "," : "",
                          pages[i].first_row, pages[i].n_rows, pages[i].all_null ? "true" : "false");
            append_statistics(&line, &pages[i].statistics);
            buffer_append_byte(&line, '}');
        }
        buffer_append_text(&line, "]}");
        print_line(dump, &line);
    }
    arena_done(&arena);
    return status;
}

static void print_statistics(const Dump *dump, const char *column, uint32_t row_group, uint32_t index)
{
    Buffer line;
    ParquetStatistics statistics;
    parquet_column_statistics(dump->file, row_group, index, &statistics);
    buffer_init(&line, 0);
    append_line_start(&line, column, NULL, row_group);
    buffer_append_text(&line, ",\"statistics\":");
    append_statistics(&line, &statistics);
    buffer_append_byte(&line, '}');
    print_line(dump, &line);
}

static Status dump_column(const Dump *dump, ParquetRowGroup **handle, uint32_t row_group, uint32_t column, Error *err)
{
    const char *name = parquet_schema(dump->file)->fields[column].name;
    uint64_t rows = parquet_row_group_rows(dump->file, row_group);
    TRY(parquet_row_group_open(dump->file, row_group, &column, 1, handle, err));
    TRY(check_dictionary(dump, *handle, row_group, column, err));
    print_statistics(dump, name, row_group, column);
    TRY(print_pages(dump, name, row_group, column, err));
    bool skip = false;
    for (uint64_t first = 0; first < rows;) {
        uint32_t n = rows - first < dump->step ? (uint32_t)(rows - first) : dump->step;
        if (skip) {
            TRY(parquet_column_skip(*handle, 0, n, err));
        } else {
            Vector vector;
            TRY(parquet_column_read(*handle, 0, n, &vector, err));
            print_vector(dump, name, row_group, first, &vector);
        }
        first += n;
        skip = dump->skip && !skip;
    }
    return STATUS_OK;
}

static Status dump_nested(const Dump *dump, uint32_t row_group, uint32_t column, Error *err)
{
    Arena arena;
    Buffer line;
    ParquetNode *node;
    arena_init(&arena);
    Status status = parquet_read_nested(dump->file, row_group, column, NULL, 0, &arena, &node, err);
    if (status == STATUS_OK) {
        buffer_init(&line, 0);
        append_line_start(&line, parquet_schema(dump->file)->fields[column].name, "nested", row_group);
        buffer_printf(&line, ",\"first\":0,\"n\":%u,\"dictionary\":false,\"values\":[", node->n);
        for (uint32_t i = 0; i < node->n; i++) {
            buffer_append_text(&line, i ? "," : "");
            append_node(&line, node, i);
        }
        buffer_append_text(&line, "]}");
        print_line(dump, &line);
    }
    arena_done(&arena);
    return status;
}

/* All columns of known type at once, each step over all of them, last column first. */
static Status dump_together(const Dump *dump, ParquetRowGroup **handle, uint32_t row_group, Error *err)
{
    const Schema *schema = parquet_schema(dump->file);
    uint32_t *columns CLEANUP(mem_cleanup) = mem_alloc((schema->n + 1) * sizeof *columns);
    uint32_t n_columns = 0;
    for (uint32_t column = schema->n; column-- > 0;)
        if (schema->fields[column].type.id != TYPE_NULLTYPE)
            columns[n_columns++] = column;
    uint64_t rows = parquet_row_group_rows(dump->file, row_group);
    TRY(parquet_row_group_open(dump->file, row_group, columns, n_columns, handle, err));
    for (uint64_t first = 0; first < rows; first += dump->step)
        for (uint32_t i = 0; i < n_columns; i++) {
            Vector vector;
            uint32_t n = rows - first < dump->step ? (uint32_t)(rows - first) : dump->step;
            TRY(parquet_column_read(*handle, i, n, &vector, err));
            print_vector(dump, schema->fields[columns[i]].name, row_group, first, &vector);
        }
    return STATUS_OK;
}

static void dump_file(const Dump *dump)
{
    ParquetRowGroup *handle = NULL;
    const Schema *schema = parquet_schema(dump->file);
    for (uint32_t row_group = 0; row_group < parquet_row_groups(dump->file); row_group++) {
        Error err;
        error_init(&err);
        if (dump->together && dump_together(dump, &handle, row_group, &err) != STATUS_OK)
            print_error(dump, err.column, row_group, &err);
        for (uint32_t column = 0; column < schema->n && !dump->together; column++) {
            error_init(&err);
            Status status = dump_column(dump, &handle, row_group, column, &err);
            if (status == STATUS_UNSUPPORTED && strstr(err.message, "nested column")) {
                error_init(&err);
                status = dump_nested(dump, row_group, column, &err);
            }
            if (status != STATUS_OK)
                print_error(dump, schema->fields[column].name, row_group, &err);
        }
    }
    parquet_row_group_close(handle);
}

int main(int argc, char **argv)
{
    Dump dump = {.step = 1000};
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--step") == 0 && i + 1 < argc)
            dump.step = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--skip") == 0)
            dump.skip = true;
        else if (strcmp(argv[i], "--together") == 0)
            dump.together = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            dump.quiet = true;
        else
            path = argv[i];
    }
    if (!path || dump.step == 0) {
        fprintf(stderr, "usage: parquet_dump FILE [--step N] [--skip] [--together] [--quiet]\n");
        return 2;
    }
    Error err;
    error_init(&err);
    MemoryBudget budget;
    budget_init(&budget, (size_t)2 << 30);
    StorageReader *reader = NULL;
    Status status = storage_open(path, &reader, &err);
    if (status == STATUS_OK)
        status = parquet_open(reader, &budget, &dump.file, &err);
    if (status != STATUS_OK) {
        Buffer line;
        buffer_init(&line, 0);
        buffer_append_byte(&line, '{');
        append_error(&line, &err);
        print_line(&dump, &line);
        return 3;
    }
    dump_file(&dump);
    parquet_close(dump.file);
    if (budget.used != 0) {
        fprintf(stderr, "parquet_dump: %zu bytes of the memory budget were not given back\n", (size_t)budget.used);
        return 1;
    }
    return 0;
}
