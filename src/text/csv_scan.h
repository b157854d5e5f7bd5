/* CSV structure: where fields and records end.
 *
 * A structural byte is a delimiter outside quotes, an LF outside quotes, or a CR outside quotes that no LF follows.  Two
 * ways find them: masks of 64 bytes with a running parity of quotes, which is right as long as every quote opens a field
 * at its start, closes it at its end or stands doubled inside (the text is regular); and the exact state machine, byte by
 * byte, for text that is not.  Both give the same answer on regular text. */
#ifndef FREIGHTLAKE_TEXT_CSV_SCAN_H
#define FREIGHTLAKE_TEXT_CSV_SCAN_H

#include "base/sha256.h"
#include "text/text_format.h"

/* Bytes behind the text that may be read (their content does not matter, except that a CR at the end of the text is
 * followed by what stands there: put 0). */
#define CSV_PADDING 64

/* What one walk over a text finds; its memory is kept from text to text. */
typedef struct CsvScan {
    bool regular; /* masks suffice */
    bool has_quotes;
    bool ascii;
    bool open_quote;     /* the text ends inside quotes */
    size_t records_end;  /* behind the last record end; 0: none */
    uint64_t line_ends;  /* LF, CRLF and lone CR, inside quotes too; of JSON, LF */
    uint32_t *positions; /* of structural bytes; regular text only */
    uint32_t n;
    uint32_t n_ends; /* of them, those that end a record */
    size_t capacity; /* of positions */
} CsvScan;

/* Bytes of the text that go through a hash on the way. */
typedef struct CsvScanHash {
    Sha256 *sha; /* NULL: none */
    size_t from; /* text[from, size) */
} CsvScanHash;

/* Looks at a text that begins at a record's start; it has less than 4 GiB.  `last` when it is the end of the file: a CR at
 * its end then ends a record (else it may be half of a CRLF).  inout_scan begins as zeros. */
void csv_scan(const TextFormat *format, const char *text, size_t size, bool last, CsvScanHash hash,
              CsvScan *inout_scan);
void csv_scan_done(CsvScan *scan);

/* The exact machine: finds structural bytes from a place on, as many as fit. */
typedef struct CsvCursor {
    const TextFormat *format;
    const char *text;
    size_t size;
    bool lines; /* a line end ends the record inside quotes, too */
    size_t at;  /* next byte to look at */
    int state;
    uint32_t n_ends; /* structural bytes found so far that end a record */
} CsvCursor;

void csv_cursor_init(CsvCursor *cursor, const TextFormat *format, const char *text, size_t size);
/* Puts positions at `positions`, at most `room` of them; 0 at the end of the text. */
uint32_t csv_cursor_next(CsvCursor *cursor, uint32_t *positions, uint32_t room);

/* LF, CRLF and lone CR. */
uint64_t text_count_line_ends(const char *text, size_t size);
bool text_is_ascii(const char *text, size_t size);
bool text_is_utf8(const char *text, size_t size);

#endif
