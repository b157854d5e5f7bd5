/* TextSource; see text_source.h.
 *
 *   file bytes --encoding--> text behind what the last piece left over --csv_scan--> whole records | what is left over
 *
 * All under one mutex: reading, turning into UTF-8 and finding the last record end are some tenths of a millisecond a
 * piece.  The first bytes are read when the source is opened (mark, lines to skip, header); they come with piece 0.
 *
 * A piece whose records have a quote that does not close within TEXT_MAX_RECORD_BYTES, or before the file's end, is cut
 * before that record; the next piece is that record's first line alone, with its flaw, and the one after begins behind
 * it.  So what a wrong quote can cost is one record.  Where that happens again and again a piece is many such lines, so
 * that no file makes this quadratic.  A record that is too long is passed over by pieces without records: memory is
 * bounded whatever stands in the file. */
#include "text/text_source.h"

#include <pthread.h>

#include "columnar/utf8.h"
#include "text/csv_scan.h"
#include "text/encoding.h"
#include "text/text_internal.h"

size_t text_source_read_bytes = (size_t)1 << 18;
size_t text_source_head_bytes = TEXT_MAX_RECORD_BYTES;

#define MAX_UNCLOSED 4 /* in what one read brings, each looked for by itself; then lines are taken as they come */

/* ---- Opening ---- */

static char *grow(char *memory, size_t *capacity, size_t wanted)
{
    if (wanted <= *capacity)
        return memory;
    *capacity = wanted + wanted / 2;
    return mem_realloc(memory, *capacity);
}

/* Reads up to n bytes of the file into `raw`. */
static Status read_raw(TextSource *source, uint8_t *raw, size_t n, size_t *ret_read, Error *err)
{
    uint64_t left = source->file_bytes - source->offset;
    if (n > left)
        n = (size_t)left;
    if (n > 0 && source->reader)
        TRY(storage_read(source->reader, source->offset, raw, n, err));
    else if (n > 0)
        memcpy(raw, source->memory + source->offset, n);
    source->offset += n;
    *ret_read = n;
    return STATUS_OK;
}

static bool at_end(const TextSource *source)
{
    return source->offset == source->file_bytes;
}

/* The first line end at or behind `at`; returns the place behind it, or `size` when there is none. */
size_t text_line_end(const TextFormat *format, const char *text, size_t size, size_t at, size_t *ret_content)
{
    if (format->kind == TEXT_NDJSON) {
        const char *lf = memchr(text + at, '\n', size - at);
        *ret_content = lf ? (size_t)(lf - text) : size;
        return *ret_content + (lf != NULL);
    }
    while (at < size && text[at] != '\n' && text[at] != '\r')
        at++;
    *ret_content = at;
    if (at == size)
        return size;
    return at + 1 + (text[at] == '\r' && at + 1 < size && text[at + 1] == '\n');
}

/* The first record of the text that is not empty: its fields' texts; *ret_end lies behind it. */
static uint32_t first_record(TextSource *source, const char *text, size_t size, size_t *ret_end)
{
    CsvCursor cursor;
    uint32_t n = 0;
    csv_cursor_init(&cursor, &source->format, text, size);
    size_t start = 0;
    for (;;) {
        uint32_t position;
        bool more = csv_cursor_next(&cursor, &position, 1) == 1;
        size_t end = more ? position : size;
        bool ends = !more || text[end] == '\n' || text[end] == '\r';
        size_t content = end;
        if (more && text[end] == '\n' && content > start && text[content - 1] == '\r')
            content--;
        if (ends && n == 0 && content == start && more) { /* an empty line */
            start = end + 1;
            source->line++;
            continue;
        }
        if (n < TEXT_MAX_COLUMNS && (more || content > start || n > 0)) {
            StrView field = {text + start, (uint32_t)(content - start)};
            bool good;
            source->columns[n++] = csv_unquote(&source->format, field, &source->arena, &good);
        }
        start = end + 1;
        if (ends) {
            *ret_end = more ? end + 1 : size;
            return n;
        }
    }
}

static StrView trimmed(StrView text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (StrView){text.data + 1, text.size - 1};
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static bool name_taken(const TextSource *source, uint32_t n, StrView name)
{
    for (uint32_t i = 0; i < n; i++)
        if (str_equal(source->columns[i], name))
            return true;
    return false;
}

/* Names trimmed, made up where empty, and numbered where they repeat. */
static void name_columns(TextSource *source)
{
    StrView *names = ARENA_ARRAY(&source->arena, StrView, source->n_columns + 1); /* before they are numbered */
    for (uint32_t i = 0; i < source->n_columns; i++) {
        StrView name =
            source->format.header ? arena_str(&source->arena, trimmed(source->columns[i])) : (StrView){NULL, 0};
        if (name.size == 0)
            name = str_view(arena_printf(&source->arena, "column_%u", i + 1));
        uint32_t k = 1;
        for (uint32_t before = 0; before < i; before++)
            k += str_equal(names[before], name);
        names[i] = name;
        StrView unique = name;
        for (k = k < 2 ? 2 : k; name_taken(source, i, unique); k++)
            unique = str_view(arena_printf(&source->arena, "%.*s_%u", (int)name.size, name.data, k));
        source->columns[i] = unique;
    }
}

/* Turns the n bytes at `raw` into text at `to`.  The bytes in front of `raw` are those that were left over. */
static size_t decode(TextSource *source, const uint8_t *raw, size_t n, char *to)
{
    size_t taken, left = source->n_raw_left;
    size_t written = encoding_to_utf8(source->format.encoding, raw - left, n + left, at_end(source), to, &taken);
    source->n_raw_left = n + left - taken;
    return written;
}

/* Reads the beginning: mark, skipped lines, header.  What follows is left over for piece 0. */
static Status read_head(TextSource *source, Error *err)
{
    size_t wanted = text_source_head_bytes;
    source->head = mem_alloc(wanted + 8);
    TRY(read_raw(source, source->head, wanted, &source->head_size, err));
    if (source->reader)
        TRY(text_refuse_others((const char *)source->head, source->head_size, err));
    size_t mark = encoding_mark(source->head, source->head_size, &source->format.encoding);
    source->left_capacity = encoding_max_utf8(source->format.encoding, source->head_size) + CSV_PADDING + 8;
    source->left = mem_zalloc(source->left_capacity);
    size_t size = decode(source, source->head + mark, source->head_size - mark, source->left);
    memcpy(source->raw_left, source->head + source->head_size - source->n_raw_left, source->n_raw_left);
    memset(source->left + size, 0, CSV_PADDING);
    source->line = 1;
    size_t at = 0, content;
    for (uint32_t i = 0; i < source->format.skip_lines && at < size; i++, source->line++)
        at = text_line_end(&source->format, source->left, size, at, &content);
    if (source->format.kind == TEXT_CSV) {
        size_t end = 0;
        source->n_columns = first_record(source, source->left + at, size - at, &end);
        if (source->n_columns == 0) {
            error_set(err, STATUS_DATA, "the file has no records");
            return error_hint(err, "a CSV file begins with a line of column names");
        }
        if (source->format.header) {
            source->line += (int64_t)text_count_line_ends(source->left + at, end);
            at += end;
        }
        name_columns(source);
    }
    source->left_size = size - at;
    memmove(source->left, source->left + at, source->left_size + CSV_PADDING);
    return STATUS_OK;
}

static Status source_new(StorageReader *reader, const char *memory, uint64_t bytes, const TextFormat *format,
                         TextSource **ret_source, Error *err)
{
    TextSource *source = mem_zalloc(sizeof *source);
    source->reader = reader;
    source->memory = memory;
    source->file_bytes = bytes;
    source->format = *format;
    if (format->kind == TEXT_NDJSON) { /* records are lines */
        source->format.quote = '\0';
        source->format.delimiter = '\n';
    }
    arena_init(&source->arena);
    source->columns = ARENA_ARRAY(&source->arena, StrView, TEXT_MAX_COLUMNS);
    pthread_mutex_init(&source->mutex, NULL);
    Status status = read_head(source, err);
    if (status != STATUS_OK) {
        if (reader)
            error_at_file(err, reader->path);
        text_source_close(source);
        return status;
    }
    *ret_source = source;
    return STATUS_OK;
}

Status text_source_open(StorageReader *reader, const TextFormat *format, TextSource **ret_source, Error *err)
{
    return source_new(reader, NULL, reader->size_bytes, format, ret_source, err);
}

Status text_source_memory(const char *bytes, size_t size, const TextFormat *format, int64_t first_line,
                          TextSource **ret_source, Error *err)
{
    TRY(source_new(NULL, bytes, size, format, ret_source, err));
    (*ret_source)->line += first_line - 1;
    return STATUS_OK;
}

void text_source_close(TextSource *source)
{
    if (!source)
        return;
    storage_close(source->reader);
    mem_free(source->head);
    mem_free(source->left);
    arena_done(&source->arena);
    pthread_mutex_destroy(&source->mutex);
    mem_free(source);
}

void text_source_hash(TextSource *source, Sha256 *sha)
{
    CHECK(source->sequence == 0);
    source->hash = sha;
    sha256_update(sha, source->head, source->head_size);
}

const TextFormat *text_source_format(const TextSource *source)
{
    return &source->format;
}

const StrView *text_source_columns(const TextSource *source, uint32_t *ret_n)
{
    *ret_n = source->n_columns;
    return source->columns;
}

uint64_t text_source_bytes(const TextSource *source)
{
    return source->file_bytes;
}

/* ---- Pieces ---- */

/* Makes room and puts what the last piece left over in front. */
static void begin_piece(TextSource *source, TextPiece *piece, PieceMemory *memory)
{
    memory->text = grow(memory->text, &memory->text_capacity, source->left_size + CSV_PADDING + 64);
    memcpy(memory->text, source->left, source->left_size);
    piece->bytes = memory->text;
    piece->size = source->left_size;
    piece->read_bytes = NULL;
    piece->read_size = 0;
    piece->unclosed_quote = piece->too_long = false;
    piece->first_line = source->line;
    if (source->sequence == 0 && source->head_given == false) {
        piece->read_bytes = source->head;
        piece->read_size = source->head_size;
        source->head_given = true;
    }
}

/* UTF-8 is read to where it belongs: the bytes as they are and the text are the same memory. */
static Status read_more_utf8(TextSource *source, TextPiece *piece, PieceMemory *memory, Error *err)
{
    size_t n;
    memory->text = grow(memory->text, &memory->text_capacity, piece->size + text_source_read_bytes + CSV_PADDING);
    TRY(read_raw(source, (uint8_t *)memory->text + piece->size, text_source_read_bytes, &n, err));
    piece->size += n;
    piece->read_size += n;
    source->unhashed += n;
    piece->bytes = memory->text;
    piece->read_bytes = (const uint8_t *)memory->text + piece->size - piece->read_size;
    return STATUS_OK;
}

/* Reads more of the file behind the piece's text. */
static Status read_more(TextSource *source, TextPiece *piece, PieceMemory *memory, Error *err)
{
    size_t wanted = text_source_read_bytes, before = piece->read_size, n;
    bool head = before > 0 &&
                (piece->read_bytes == source->head || (memory->raw && piece->read_bytes == memory->raw + RAW_LEFT_MAX));
    if (source->format.encoding == TEXT_UTF8 && !head)
        return read_more_utf8(source, piece, memory, err);
    memory->raw = (uint8_t *)grow((char *)memory->raw, &memory->raw_capacity, RAW_LEFT_MAX + before + wanted);
    uint8_t *raw = memory->raw + RAW_LEFT_MAX;
    if (piece->read_bytes == source->head)
        memcpy(raw, source->head, before);
    if (before == 0)
        memcpy(raw - source->n_raw_left, source->raw_left, source->n_raw_left);
    TRY(read_raw(source, raw + before, wanted, &n, err));
    if (source->hash)
        sha256_update(source->hash, raw + before, n);
    piece->read_bytes = raw;
    piece->read_size = before + n;
    size_t room = piece->size + encoding_max_utf8(source->format.encoding, n + RAW_LEFT_MAX) + CSV_PADDING;
    memory->text = grow(memory->text, &memory->text_capacity, room);
    piece->size += decode(source, raw + before, n, memory->text + piece->size);
    piece->bytes = memory->text;
    memcpy(source->raw_left, raw + before + n - source->n_raw_left, source->n_raw_left);
    return STATUS_OK;
}

/* Leaves text[from, size) for the next piece. */
static void leave_over(TextSource *source, const TextPiece *piece, size_t from, size_t size)
{
    source->left_size = size - from;
    source->left = grow(source->left, &source->left_capacity, source->left_size + CSV_PADDING);
    memcpy(source->left, piece->bytes + from, source->left_size);
}

/* Physical lines that end in the text. */
static int64_t count_lines(const TextSource *source, const char *text, size_t size)
{
    if (source->format.kind == TEXT_CSV)
        return (int64_t)text_count_line_ends(text, size);
    int64_t n = 0;
    for (const char *at = text, *end = text + size; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        n++;
    return n;
}

/* Takes the bytes up to `end`, in which so many lines end, out of the piece, whose records are only text[0, kept). */
static void pass_over(TextSource *source, TextPiece *piece, size_t kept, size_t end, int64_t lines)
{
    leave_over(source, piece, end, piece->size);
    source->line += lines;
    piece->size = kept;
}

/* Passes over a record that is longer than the limit, from `from` to its line end or to the end of what was read: then the
 * next pieces, without records, go on with it. */
static void pass_over_line(TextSource *source, TextPiece *piece, size_t from, size_t kept)
{
    size_t content, end = text_line_end(&source->format, piece->bytes, piece->size, from, &content);
    bool found = content < piece->size;
    bool half = found && end == piece->size && piece->bytes[end - 1] == '\r' && !at_end(source); /* of a CRLF */
    source->passing_over = !found || half;
    end = half ? content : end;
    pass_over(source, piece, kept, end, count_lines(source, piece->bytes, end));
}

size_t text_longest_record(const char *text)
{
    size_t n = TEXT_MAX_RECORD_BYTES;
    for (int i = 0; i < 3 && utf8_is_continuation(text[n]); i++)
        n--;
    return n;
}

static void look_at(TextSource *source, const TextPiece *piece, CsvScan *scan)
{
    CsvScanHash hash = {source->hash, piece->size - source->unhashed};
    csv_scan(&source->format, piece->bytes, piece->size, at_end(source), hash, scan);
    source->unhashed = 0;
}

/* The text begins with a quote that does not close: its first line alone, or, where there were many of them, all lines. */
static size_t end_of_lines(TextSource *source, const TextPiece *piece)
{
    size_t content, end = text_line_end(&source->format, piece->bytes, piece->size, 0, &content);
    if (++source->n_unclosed <= MAX_UNCLOSED || content > TEXT_MAX_RECORD_BYTES)
        return end;
    if (at_end(source))
        return piece->size;
    TextFormat plain = source->format;
    CsvScan scan = {0};
    plain.quote = '\0';
    csv_scan(&plain, piece->bytes, piece->size, false, (CsvScanHash){0}, &scan);
    end = scan.records_end;
    csv_scan_done(&scan);
    return end;
}

/* Lines that end before `end`, of a piece that was looked at. */
static int64_t lines_before(const TextSource *source, const TextPiece *piece, const CsvScan *scan, size_t end)
{
    if (end < piece->size / 2)
        return count_lines(source, piece->bytes, end);
    return (int64_t)scan->line_ends - count_lines(source, piece->bytes + end, piece->size - end);
}

static void cut_text(TextSource *source, TextPiece *piece, PieceMemory *memory, bool *ret_cut)
{
    const CsvScan *scan = &memory->scan;
    bool last = at_end(source), too_long = piece->size > TEXT_MAX_RECORD_BYTES;
    memset(memory->text + piece->size, 0, CSV_PADDING);
    look_at(source, piece, &memory->scan);
    size_t end = last && !scan->open_quote ? piece->size : scan->records_end, content;
    *ret_cut = true;
    if (end == 0 && scan->open_quote && (last || too_long)) {
        text_line_end(&source->format, piece->bytes, piece->size, 0, &content);
        piece->unclosed_quote = content <= TEXT_MAX_RECORD_BYTES;
        if (piece->unclosed_quote)
            end = end_of_lines(source, piece);
    }
    if (end > 0) {
        pass_over(source, piece, end, end, lines_before(source, piece, scan, end));
    } else if (too_long) {
        piece->too_long = true;
        pass_over_line(source, piece, TEXT_MAX_RECORD_BYTES, text_longest_record(piece->bytes));
    } else {
        *ret_cut = false;
    }
}

static Status cut_piece(TextSource *source, TextPiece *piece, PieceMemory *memory, bool *ret_more, Error *err)
{
    begin_piece(source, piece, memory);
    /* What is left over of the head, or behind a quote that does not close, is used up before more is read. */
    bool enough = piece->read_size > 0 || piece->size > TEXT_MAX_RECORD_BYTES;
    for (bool cut = false; !cut; enough = false) {
        if (!enough && !at_end(source)) {
            TRY(read_more(source, piece, memory, err));
            source->n_unclosed = 0;
        }
        if (piece->size == 0 && at_end(source)) {
            *ret_more = piece->read_size > 0;
            source->left_size = 0;
            return STATUS_OK;
        }
        if (source->passing_over) {
            if (source->hash)
                sha256_update(source->hash, piece->bytes + piece->size - source->unhashed, source->unhashed);
            source->unhashed = 0;
            pass_over_line(source, piece, 0, 0);
            cut = true;
        } else {
            cut_text(source, piece, memory, &cut);
        }
    }
    *ret_more = true;
    return STATUS_OK;
}

Status text_source_next(TextSource *source, TextPiece *inout_piece, bool *ret_more, Error *err)
{
    if (!inout_piece->memory)
        inout_piece->memory = mem_zalloc(sizeof(PieceMemory));
    bool more = false;
    pthread_mutex_lock(&source->mutex);
    Status status = source->ended ? STATUS_OK : cut_piece(source, inout_piece, inout_piece->memory, &more, err);
    inout_piece->sequence = source->sequence;
    source->sequence += more;
    source->ended |= !more;
    pthread_mutex_unlock(&source->mutex);
    if (status == STATUS_OK)
        *ret_more = more;
    return status;
}

void text_piece_done(TextPiece *piece)
{
    PieceMemory *memory = piece->memory;
    if (memory) {
        mem_free(memory->text);
        mem_free(memory->raw);
        csv_scan_done(&memory->scan);
        mem_free(memory);
    }
    *piece = (TextPiece){0};
}
