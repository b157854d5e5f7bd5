/* CsvReader: records of a piece into blocks.
 *
 * Structural positions come with the piece (csv_scan.h), or are found some thousand at a time where the text is not
 * regular.  Where they are even (no quotes, every record has as many fields as the header), field f of record r lies between positions r * columns + f - 1 and r * columns + f, and
 * the block is filled column by column; otherwise they are walked record by record.  `slots` says which field of a block
 * a column of the file goes to, so that columns nobody wants cost next to nothing.
 *
 * A quote too many swallows records up to the next quote.  So a flawed record of several lines ends where a line stands
 * that is a whole record by itself, and what is behind is read anew, by an inner reader, as a text of its own; that may find
 * damage again, to MAX_DEPTH. */
#include "text/text_internal.h"

#define POSITIONS 8192u
#define NO_SLOT UINT32_MAX
#define MAX_DEPTH 3
#define MAX_UNCLOSED_AGAIN 4 /* then each line is a record */

struct CsvReader {
    const TextSource *source;
    uint32_t n_columns; /* of the file */
    uint32_t *slots;    /* per column of the file: first wanted field that reads it, or NO_SLOT */
    uint32_t *twins;    /* per wanted field: the next wanted field of the same column, or NO_SLOT */
    const TextPiece *piece;
    const CsvScan *scan; /* of the piece */
    bool exact;          /* the cursor finds the positions */
    CsvCursor cursor;
    uint32_t *found;           /* by the cursor; NULL until it is needed */
    const uint32_t *positions; /* found, or the scan's */
    uint32_t next, n;          /* of positions: not yet walked */
    uint32_t even;             /* records that are known to be even, from `next` on */
    bool counted;              /* `even` was found of these positions */
    uint32_t ends;             /* record ends among the positions walked */
    size_t at;                 /* of the piece: where the next record starts */
    int64_t line;
    /* behind a damaged record: */
    size_t again,
        again_end; /* of the piece: what is to be read anew, but for what the inner reader has; equal: nothing */
    int64_t again_line;
    uint32_t n_unclosed;
    CsvReader *inner; /* made when first needed; shares slots and twins */
    bool inner_reads;
    TextPiece inner_piece;
    PieceMemory inner_memory; /* but for its scan, of nothing */
    uint32_t depth;
};

StrView csv_unquote(const TextFormat *format, StrView field, Arena *arena, bool *ret_good)
{
    *ret_good = true;
    if (!format->quote || field.size == 0 || field.data[0] != format->quote)
        return field;
    StrView inner = {field.data + 1, field.size - 1};
    const char *quote = inner.size ? memchr(inner.data, format->quote, inner.size) : NULL;
    if (quote == inner.data + inner.size - 1 && quote)
        return (StrView){inner.data, inner.size - 1};
    char *text = arena_alloc(arena, inner.size + 1);
    uint32_t n = 0, i = 0;
    for (; i < inner.size; i++) {
        if (inner.data[i] == format->quote) {
            if (i + 1 == inner.size || inner.data[i + 1] != format->quote)
                break;
            i++;
        }
        text[n++] = inner.data[i];
    }
    *ret_good = i + 1 == inner.size; /* the closing quote is the last byte */
    for (i++; i < inner.size && !*ret_good; i++)
        text[n++] = inner.data[i];
    return (StrView){text, n};
}

/* Does the quote that opens the field close? */
static bool is_closed(StrView field, char quote)
{
    for (uint32_t i = 1; i < field.size; i++) {
        if (field.data[i] != quote)
            continue;
        if (i + 1 == field.size || field.data[i + 1] != quote)
            return true;
        i++;
    }
    return false;
}

CsvReader *csv_reader_new(const TextSource *source, const uint32_t *columns, uint32_t n_columns)
{
    CsvReader *reader = mem_zalloc(sizeof *reader);
    reader->source = source;
    text_source_columns(source, &reader->n_columns);
    reader->slots = mem_alloc(sizeof(uint32_t) * (reader->n_columns + 1));
    reader->twins = mem_alloc(sizeof(uint32_t) * (n_columns + 1));
    for (uint32_t i = 0; i < reader->n_columns; i++)
        reader->slots[i] = NO_SLOT;
    for (uint32_t i = n_columns; i-- > 0;) {
        reader->twins[i] = reader->slots[columns[i]];
        reader->slots[columns[i]] = i;
    }
    return reader;
}

void csv_reader_free(CsvReader *reader)
{
    if (!reader)
        return;
    if (reader->depth == 0) {
        mem_free(reader->slots);
        mem_free(reader->twins);
    }
    csv_reader_free(reader->inner);
    csv_scan_done(&reader->inner_memory.scan);
    mem_free(reader->found);
    mem_free(reader);
}

static void use_scan(CsvReader *reader)
{
    const CsvScan *scan = reader->scan;
    reader->positions = scan->positions;
    reader->n = scan->n;
    while (reader->n > 0 && scan->positions[reader->n - 1] >= reader->piece->size)
        reader->n--;
}

static void use_cursor(CsvReader *reader)
{
    if (!reader->found)
        reader->found = mem_alloc(sizeof(uint32_t) * (POSITIONS + reader->n_columns));
    reader->positions = reader->found;
    reader->n = 0;
    csv_cursor_init(&reader->cursor, &reader->source->format, reader->piece->bytes, reader->piece->size);
    reader->cursor.lines = reader->piece->unclosed_quote;
}

void csv_reader_start(CsvReader *reader, const TextPiece *piece)
{
    reader->piece = piece;
    reader->scan = &((const PieceMemory *)piece->memory)->scan;
    reader->exact = !reader->scan->regular || piece->unclosed_quote;
    if (reader->exact)
        use_cursor(reader);
    else
        use_scan(reader);
    reader->next = reader->even = 0;
    reader->counted = false;
    reader->ends = 0;
    reader->at = 0;
    reader->line = piece->first_line;
    reader->again = reader->again_end = 0;
    reader->inner_reads = false;
}

/* Nothing but delimiters and blanks, as the rows that a spreadsheet adds at the end of its table. */
static inline bool is_blank(char delimiter, const char *text, size_t size)
{
    size_t i = 0;
    while (i < size && (text[i] == delimiter || text[i] == ' ' || text[i] == '\t' || text[i] == '\r'))
        i++;
    return i == size;
}

/* How many of the records ahead are even.  Every n-th position being a line end, and there being no other among them,
 * proves it; at most a part of a record may be left behind them.  (Of one column, an empty line is no record.) */
static uint32_t count_even(const CsvReader *reader)
{
    uint64_t ends = reader->scan->n_ends - reader->ends;
    uint32_t n = reader->n - reader->next, columns = reader->n_columns;
    if (columns < 2 || reader->scan->has_quotes || reader->exact || ends * columns > n || n - ends * columns >= columns)
        return 0;
    const uint32_t *positions = reader->positions + reader->next;
    bool even = true;
    size_t start = reader->at;
    char delimiter = reader->source->format.delimiter;
    for (uint64_t r = 1; r <= ends; r++) {
        size_t end = positions[r * columns - 1];
        even &= reader->piece->bytes[end] == '\n' && !is_blank(delimiter, reader->piece->bytes + start, end - start);
        start = end + 1;
    }
    return even ? (uint32_t)ends : 0;
}

/* More positions behind those that were not walked yet; false when there are none. */
static bool more_positions(CsvReader *reader)
{
    if (!reader->exact)
        return false;
    uint32_t left = reader->n - reader->next;
    memmove(reader->found, reader->found + reader->next, sizeof(uint32_t) * left);
    uint32_t more = csv_cursor_next(&reader->cursor, reader->found + left, POSITIONS);
    reader->next = 0;
    reader->n = left + more;
    return more > 0;
}

static void set_field(const CsvReader *reader, RecordBlock *block, uint32_t column, StrView text)
{
    for (uint32_t slot = reader->slots[column]; slot != NO_SLOT; slot = reader->twins[slot])
        block->fields[(size_t)slot * RECORD_BLOCK_ROWS + block->n] = text;
}

/* The field text[start, end) of the record being walked. */
static inline void take_field(CsvReader *reader, RecordBlock *block, uint32_t column, size_t start, size_t end,
                              bool has_quotes, uint8_t *flaw)
{
    if (column >= reader->n_columns)
        return;
    uint32_t slot = reader->slots[column];
    StrView text = {reader->piece->bytes + start, (uint32_t)(end - start)};
    if (has_quotes && text.size > 0 && text.data[0] == reader->source->format.quote) {
        bool good;
        StrView text_before = text;
        text = csv_unquote(&reader->source->format, text, block->arena, &good);
        if (!good && *flaw == RECORD_FLAW_NONE)
            *flaw = is_closed(text_before, text_before.data[0]) ? RECORD_FLAW_STRAY_QUOTE : RECORD_FLAW_UNCLOSED_QUOTE;
    }
    if (slot == NO_SLOT)
        return;
    block->fields[(size_t)slot * RECORD_BLOCK_ROWS + block->n] = text;
    if (UNLIKELY(reader->twins[slot] != NO_SLOT))
        set_field(reader, block, column, text);
}

/* Whether a record that ends at `end` has the fields of the header. */
static bool fits_header(const CsvReader *reader, uint32_t n_fields, size_t end)
{
    const TextFormat *format = &reader->source->format;
    return n_fields == reader->n_columns || (format->trailing_delimiter && n_fields == reader->n_columns + 1 &&
                                             reader->piece->bytes[end - 1] == format->delimiter);
}

static void end_record(CsvReader *reader, RecordBlock *block, uint32_t n_fields, size_t end, uint8_t flaw)
{
    StrView raw = {reader->piece->bytes + reader->at, (uint32_t)(end - reader->at)};
    if (!fits_header(reader, n_fields, end) && flaw == RECORD_FLAW_NONE)
        flaw = RECORD_FLAW_COLUMN_COUNT;
    for (uint32_t column = n_fields; column < reader->n_columns; column++)
        set_field(reader, block, column, (StrView){NULL, 0});
    if (!reader->scan->ascii && !text_is_utf8(raw.data, raw.size))
        flaw = RECORD_FLAW_INVALID_ENCODING;
    if (raw.size > TEXT_MAX_RECORD_BYTES) {
        flaw = RECORD_FLAW_TOO_LONG;
        raw.size = (uint32_t)text_longest_record(raw.data);
    }
    block->raw[block->n] = raw;
    block->lines[block->n] = reader->line;
    block->flaws[block->n] = flaw;
    block->n++;
}

/* ---- Damaged records ---- */

/* Fields of a line that is read alone; 0: a quote does not close. */
static uint32_t count_fields(const TextFormat *format, const char *line, size_t size)
{
    uint32_t n = 0;
    for (size_t at = 0; at <= size; at++) {
        if (at < size && line[at] == format->quote) {
            for (at++; at < size && (line[at] != format->quote || (at + 1 < size && line[at + 1] == format->quote));
                 at++)
                at += line[at] == format->quote;
            if (at >= size)
                return 0;
        }
        while (at < size && line[at] != format->delimiter)
            at++;
        n++;
    }
    return n;
}

/* The damaged record text[reader->at, end), behind whose line end is `next`, ends where a whole record stands in it; what
 * is from there on is read anew.  Returns its end then, else `end`. */
static size_t cut_damaged(CsvReader *reader, size_t end, size_t next, uint8_t *flaw)
{
    const TextFormat *format = &reader->source->format;
    const char *text = reader->piece->bytes;
    size_t content, line = text_line_end(format, text, end, reader->at, &content);
    for (size_t before = content; line < end && reader->depth < MAX_DEPTH; before = content) {
        size_t start = line;
        line = text_line_end(format, text, end, start, &content);
        if (content == start || !fits_header(reader, count_fields(format, text + start, content - start), content))
            continue;
        reader->again = start;
        reader->again_end = next;
        reader->again_line = reader->line + (int64_t)text_count_line_ends(text + reader->at, start - reader->at);
        reader->n_unclosed = 0;
        *flaw = RECORD_FLAW_UNCLOSED_QUOTE;
        return before;
    }
    return end;
}

/* The inner reader gets the next whole records of what is to be read anew, or a line whose quote does not close. */
static void read_again(CsvReader *reader)
{
    const TextFormat *format = &reader->source->format;
    const char *text = reader->piece->bytes + reader->again;
    size_t size = reader->again_end - reader->again, content;
    CsvScan *scan = &reader->inner_memory.scan;
    csv_scan(format, text, size, true, (CsvScanHash){0}, scan);
    reader->inner_piece = (TextPiece){.bytes = text, .size = size, .first_line = reader->again_line};
    reader->inner_piece.memory = &reader->inner_memory;
    if (scan->open_quote && scan->records_end > 0) {
        reader->inner_piece.size = scan->records_end;
    } else if (scan->open_quote) {
        reader->inner_piece.unclosed_quote = true;
        if (++reader->n_unclosed <= MAX_UNCLOSED_AGAIN)
            reader->inner_piece.size = text_line_end(format, text, size, 0, &content);
    }
    reader->again += reader->inner_piece.size;
    reader->again_line += (int64_t)text_count_line_ends(text, reader->inner_piece.size);
    if (!reader->inner) {
        reader->inner = mem_zalloc(sizeof *reader->inner);
        reader->inner->source = reader->source;
        reader->inner->n_columns = reader->n_columns;
        reader->inner->slots = reader->slots;
        reader->inner->twins = reader->twins;
        reader->inner->depth = reader->depth + 1;
    }
    csv_reader_start(reader->inner, &reader->inner_piece);
    reader->inner_reads = true;
}

/* ---- Records by the positions ---- */

/* Walks one record; false at the end of the piece.  An empty or blank line gives no record. */
static bool walk_record(CsvReader *reader, RecordBlock *block)
{
    const TextPiece *piece = reader->piece;
    bool has_quotes = reader->scan->has_quotes;
    size_t start = reader->at;
    uint32_t column = 0;
    uint8_t flaw = RECORD_FLAW_NONE;
    for (;;) {
        if (UNLIKELY(reader->next == reader->n) && !more_positions(reader)) { /* the last record has no line end */
            if (start == piece->size && column == 0)
                return false;
            if (is_blank(reader->source->format.delimiter, piece->bytes + reader->at, piece->size - reader->at)) {
                block->n_blank++;
                reader->at = piece->size;
                return false;
            }
            take_field(reader, block, column++, start, piece->size, has_quotes, &flaw);
            size_t end = piece->size;
            if (UNLIKELY(has_quotes) && (flaw != RECORD_FLAW_NONE || !fits_header(reader, column, end)))
                end = cut_damaged(reader, end, end, &flaw);
            end_record(reader, block, column, end, flaw);
            reader->at = piece->size;
            return true;
        }
        size_t at = reader->positions[reader->next++];
        char c = piece->bytes[at];
        if (LIKELY(c != '\n' && c != '\r')) {
            take_field(reader, block, column++, start, at, has_quotes, &flaw);
            start = at + 1;
            continue;
        }
        reader->ends++;
        size_t end = at - (c == '\n' && at > start && piece->bytes[at - 1] == '\r');
        bool blank = is_blank(reader->source->format.delimiter, piece->bytes + reader->at, end - reader->at);
        block->n_blank += blank && end > reader->at;
        if (!blank) {
            take_field(reader, block, column++, start, end, has_quotes, &flaw);
            if (UNLIKELY(has_quotes) && (flaw != RECORD_FLAW_NONE || !fits_header(reader, column, end)))
                end = cut_damaged(reader, end, at + 1, &flaw);
            end_record(reader, block, column, end, flaw);
        }
        reader->line += has_quotes ? (int64_t)text_count_line_ends(piece->bytes + reader->at, at + 1 - reader->at) : 1;
        reader->at = at + 1;
        return true;
    }
}

/* A piece that is the beginning of a record that is too long. */
static void take_long_record(CsvReader *reader, RecordBlock *block)
{
    const TextPiece *piece = reader->piece;
    for (uint32_t column = 0; column < reader->n_columns; column++)
        set_field(reader, block, column, (StrView){NULL, 0});
    block->raw[0] = (StrView){piece->bytes, (uint32_t)piece->size};
    block->lines[0] = reader->line;
    block->flaws[0] = RECORD_FLAW_TOO_LONG;
    block->n = 1;
    reader->at = piece->size;
}

/* Field `column` of n even records into the block. */
static void take_even_column(const CsvReader *reader, RecordBlock *block, uint32_t column, uint32_t n)
{
    const char *bytes = reader->piece->bytes;
    const uint32_t *end = reader->positions + reader->next + column;
    uint32_t slot = reader->slots[column], columns = reader->n_columns;
    StrView *fields = block->fields + (size_t)slot * RECORD_BLOCK_ROWS + block->n;
    size_t start = column == 0 ? reader->at : end[-1] + (size_t)1;
    fields[0] = (StrView){bytes + start, (uint32_t)(*end - start)};
    for (uint32_t r = 1; r < n; r++) {
        end += columns;
        fields[r] = (StrView){bytes + end[-1] + 1, *end - end[-1] - 1};
    }
    if (column == columns - 1) /* of CRLF only the LF is a position */
        for (uint32_t r = 0; r < n; r++)
            fields[r].size -= fields[r].size > 0 && fields[r].data[fields[r].size - 1] == '\r';
    for (uint32_t twin = reader->twins[slot]; twin != NO_SLOT; twin = reader->twins[twin])
        memcpy(block->fields + (size_t)twin * RECORD_BLOCK_ROWS + block->n, fields, sizeof *fields * n);
}

static void take_even_records(CsvReader *reader, RecordBlock *block)
{
    uint32_t room = RECORD_BLOCK_ROWS - block->n, columns = reader->n_columns;
    uint32_t n = reader->even < room ? reader->even : room;
    const char *bytes = reader->piece->bytes;
    for (uint32_t column = 0; column < columns; column++)
        if (reader->slots[column] != NO_SLOT)
            take_even_column(reader, block, column, n);
    for (uint32_t r = 0; r < n; r++) {
        size_t at = reader->positions[reader->next + columns - 1];
        end_record(reader, block, columns, at - (bytes[at - 1] == '\r'), RECORD_FLAW_NONE);
        reader->next += columns;
        reader->at = at + 1;
        reader->line++;
    }
    reader->ends += n;
    reader->even -= n;
    reader->counted = reader->even > 0;
}

/* At the start of a record: are there even ones ahead? */
static bool is_even(CsvReader *reader)
{
    if (reader->even == 0 && !reader->counted) {
        reader->even = count_even(reader);
        reader->counted = true;
    }
    return reader->even > 0;
}

/* Records into what is free of the block. */
static void fill(CsvReader *reader, RecordBlock *block)
{
    while (block->n < RECORD_BLOCK_ROWS) {
        if (UNLIKELY(reader->inner_reads)) {
            fill(reader->inner, block);
            reader->inner_reads = block->n == RECORD_BLOCK_ROWS;
        } else if (UNLIKELY(reader->again < reader->again_end)) {
            read_again(reader);
        } else if (is_even(reader)) {
            take_even_records(reader, block);
        } else if (!walk_record(reader, block)) {
            break;
        }
    }
}

void csv_reader_next(CsvReader *reader, RecordBlock *block)
{
    block->n = 0;
    arena_reset(block->arena);
    if (reader->piece->too_long && reader->at < reader->piece->size)
        take_long_record(reader, block);
    else if (!reader->piece->too_long)
        fill(reader, block);
}
