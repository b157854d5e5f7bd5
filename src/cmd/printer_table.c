/* Tables for people.
 *
 * The cells' texts are kept until the end, since a column is as wide as its widest cell.  On a terminal too narrow the
 * widest texts are shortened first, then the columns at the end are left out and named below the table: a number is
 * never shortened, because a part of a number is a wrong number. */
#include <string.h>

#include "cmd/printer_internal.h"

#define GAP 2
#define NARROWEST_TEXT 12

typedef struct Cell {
    uint64_t end; /* of its text in `text`; it starts where the cell before ends */
    uint32_t width;
    bool is_null;
} Cell;

struct Table {
    Buffer text;
    Buffer cells; /* of Cell: the headers, then row by row */
    uint32_t *widths;
    bool *is_right;
    uint32_t n_columns;
    uint32_t n_visible;
    uint64_t n_rows;
};

/* Reads one UTF-8 character; a broken byte gives U+FFFD.  Returns the bytes used. */
static uint32_t read_character(StrView text, uint32_t at, uint32_t *ret_character)
{
    const unsigned char *c = (const unsigned char *)text.data + at;
    uint32_t left = text.size - at;
    uint32_t length = c[0] < 0x80             ? 1
                      : (c[0] & 0xe0) == 0xc0 ? 2
                      : (c[0] & 0xf0) == 0xe0 ? 3
                      : (c[0] & 0xf8) == 0xf0 ? 4
                                              : 0;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    *ret_character = 0xfffd;
    if (length == 0 || length > left)
        return 1;
    uint32_t character = length == 1 ? c[0] : c[0] & (0x7fu >> length);
    for (uint32_t i = 1; i < length; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 1;
        character = character << 6 | (c[i] & 0x3f);
    }
    if (character < smallest[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
        return 1;
    *ret_character = character;
    return length;
}

static bool in_ranges(uint32_t character, const uint32_t (*ranges)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (character >= ranges[i][0] && character <= ranges[i][1])
            return true;
    return false;
}

static uint32_t character_width(uint32_t character)
{
    static const uint32_t none[][2] = {
        {0x300, 0x36f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}};
    static const uint32_t wide[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                       {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    if (in_ranges(character, none, ARRAY_SIZE(none)))
        return 0;
    return in_ranges(character, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}

/* Characters that would move the cursor, steer the terminal or turn the direction of writing. */
static bool is_dangerous(uint32_t character)
{
    static const uint32_t ranges[][2] = {{0, 0x1f}, {0x7f, 0x9f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
    return in_ranges(character, ranges, ARRAY_SIZE(ranges));
}

/* Appends `source` fit for a terminal; returns its width. */
static uint32_t append_safe(Buffer *text, StrView source)
{
    uint32_t width = 0;
    for (uint32_t at = 0; at < source.size;) {
        uint32_t character, used = read_character(source, at, &character);
        size_t before = text->size;
        if (character == '\n' || character == '\t' || character == '\r')
            buffer_append_text(text, character == '\n' ? "\\n" : character == '\t' ? "\\t" : "\\r");
        else if (is_dangerous(character))
            buffer_printf(text, character < 0x100 ? "\\x%02x" : "\\u%04x", character);
        else if (character == 0xfffd)
            buffer_append_text(text, "\xef\xbf\xbd");
        else
            buffer_append(text, source.data + at, used);
        bool escaped = is_dangerous(character);
        width += escaped ? (uint32_t)(text->size - before) : character_width(character);
        at += used;
    }
    return width;
}

static void add_cell(Table *table, uint32_t column, uint32_t width, bool is_null)
{
    Cell cell = {.end = table->text.size, .width = width, .is_null = is_null};
    buffer_append(&table->cells, &cell, sizeof cell);
    if (width > table->widths[column])
        table->widths[column] = width;
}

static void add_value(Printer *printer, uint32_t column, const Value *value)
{
    Table *table = printer->table;
    if (!value->valid) {
        const char *null_text = printer->options.null_text ? printer->options.null_text : "NULL";
        add_cell(table, column, append_safe(&table->text, str_view(null_text)), true);
        return;
    }
    uint32_t width;
    if (value->type.id == TYPE_STRING && !printer->options.cell && str_equal(value->string, str_view("NULL")))
        width = append_safe(&table->text, str_view("'NULL'"));
    else if (value->type.id == TYPE_STRING)
        width = append_safe(&table->text, value->string);
    else {
        Buffer text;
        buffer_init(&text, 0);
        if (printer->options.cell)
            printer->options.cell(printer->options.cell_context, column, value, &text);
        else
            printer_append_plain(&text, value);
        width = append_safe(&table->text, (StrView){buffer_text(&text), (uint32_t)text.size});
        buffer_done(&text);
    }
    add_cell(table, column, width, false);
}

static void table_begin(Printer *printer)
{
    const Schema *schema = printer->schema;
    Table *table = mem_zalloc(sizeof *table);
    printer->table = table;
    table->n_columns = table->n_visible = schema->n;
    table->widths = mem_zalloc(sizeof(uint32_t) * schema->n);
    table->is_right = mem_zalloc(sizeof(bool) * schema->n);
    buffer_init(&table->text, 0);
    buffer_init(&table->cells, 0);
    for (uint32_t i = 0; i < schema->n; i++) {
        const char *header = printer->options.headers ? printer->options.headers[i] : schema->fields[i].name;
        table->is_right[i] = type_is_numeric(schema->fields[i].type);
        add_cell(table, i, append_safe(&table->text, str_view(header)), false);
    }
}

static void table_row(Printer *printer, const Batch *batch, uint32_t row)
{
    Table *table = printer->table;
    if (printer->options.limit_rows && table->n_rows >= printer->options.limit_rows)
        return;
    for (uint32_t i = 0; i < table->n_columns; i++) {
        Value value = vector_value(&batch->columns[i], row);
        add_value(printer, i, &value);
    }
    table->n_rows++;
}

static uint64_t total_width(const Table *table)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < table->n_visible; i++)
        total += table->widths[i] + (i ? GAP : 0);
    return total;
}

/* Shortens the widest text by as much as is too much, down to the next widest or NARROWEST_TEXT; false when none is left. */
static bool shorten_widest(Table *table, uint64_t too_much)
{
    uint32_t widest = UINT32_MAX, second = NARROWEST_TEXT;
    for (uint32_t i = 0; i < table->n_visible; i++)
        if (!table->is_right[i] && table->widths[i] > NARROWEST_TEXT &&
            (widest == UINT32_MAX || table->widths[i] > table->widths[widest]))
            widest = i;
    if (widest == UINT32_MAX)
        return false;
    for (uint32_t i = 0; i < table->n_visible; i++)
        if (!table->is_right[i] && i != widest && table->widths[i] < table->widths[widest] && table->widths[i] > second)
            second = table->widths[i];
    uint32_t room = table->widths[widest] - second;
    table->widths[widest] -= too_much < room ? (uint32_t)too_much : room;
    return true;
}

static void fit(Table *table, uint32_t width)
{
    uint64_t total;
    while (width && (total = total_width(table)) > width && shorten_widest(table, total - width)) {
    }
    while (width && table->n_visible > 1 && total_width(table) > width)
        table->n_visible--;
}

/* The cell's text, cut to `width` with an ellipsis when it is wider. */
static void append_cell(Buffer *out, StrView text, uint32_t cell_width, uint32_t width)
{
    if (cell_width <= width) {
        buffer_append(out, text.data, text.size);
        return;
    }
    uint32_t used = 0;
    for (uint32_t at = 0; at < text.size;) {
        uint32_t character, length = read_character(text, at, &character);
        if (used + character_width(character) > width - 1)
            break;
        used += character_width(character);
        buffer_append(out, text.data + at, length);
        at += length;
    }
    buffer_printf(out, "\xe2\x80\xa6%*s", (int)(width - 1 - used), "");
}

static void append_line(Printer *printer, const Cell *cells, uint64_t start, bool is_header)
{
    const Table *table = printer->table;
    Buffer *out = &printer->buffer;
    const bool color = printer->options.color;
    for (uint32_t i = 0; i < table->n_visible; i++) {
        const Cell *cell = &cells[i];
        StrView text = {(const char *)table->text.data + start, (uint32_t)(cell->end - start)};
        uint32_t width = table->widths[i], padding = cell->width < width ? width - cell->width : 0;
        bool is_last = i + 1 == table->n_visible;
        start = cell->end;
        if (table->is_right[i])
            buffer_printf(out, "%*s", (int)padding, "");
        if (color && (is_header || cell->is_null))
            buffer_append_text(out, is_header ? "\x1b[1m" : "\x1b[2m");
        append_cell(out, text, cell->width, width);
        if (color && (is_header || cell->is_null))
            buffer_append_text(out, "\x1b[0m");
        if (!table->is_right[i] && !is_last)
            buffer_printf(out, "%*s", (int)padding, "");
        if (!is_last)
            buffer_append_text(out, "  ");
    }
    buffer_append_byte(out, '\n');
}

static void append_rule(Printer *printer)
{
    const Table *table = printer->table;
    for (uint32_t i = 0; i < table->n_visible; i++) {
        for (uint32_t dash = 0; dash < table->widths[i]; dash++)
            buffer_append_byte(&printer->buffer, '-');
        buffer_append_text(&printer->buffer, i + 1 == table->n_visible ? "\n" : "  ");
    }
}

static void append_left_out(Printer *printer)
{
    const Table *table = printer->table;
    if (table->n_visible == table->n_columns)
        return;
    buffer_printf(&printer->buffer, "%s:", PLURAL(table->n_columns - table->n_visible, "more column"));
    for (uint32_t i = table->n_visible; i < table->n_columns; i++)
        buffer_printf(&printer->buffer, "%s %s", i == table->n_visible ? "" : ",", printer->schema->fields[i].name);
    buffer_append_text(&printer->buffer, " (use a wider terminal, or --format csv)\n");
}

static void table_end(Printer *printer)
{
    Table *table = printer->table;
    const Cell *cells = (const Cell *)(const void *)table->cells.data;
    if (table->n_columns == 0)
        return;
    fit(table, printer->options.width);
    uint64_t start = 0;
    for (uint64_t row = 0; row <= table->n_rows; row++) {
        append_line(printer, cells, start, row == 0);
        if (row == 0)
            append_rule(printer);
        cells += table->n_columns;
        start = cells[-1].end;
    }
    append_left_out(printer);
}

uint64_t table_rows_shown(const Printer *printer)
{
    return printer->table->n_rows;
}

void table_free(Table *table)
{
    if (!table)
        return;
    buffer_done(&table->text);
    buffer_done(&table->cells);
    mem_free(table->widths);
    mem_free(table->is_right);
    mem_free(table);
}

const PrinterFormatOps PRINTER_TABLE_OPS = {table_begin, table_row, table_end};
