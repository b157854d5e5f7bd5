/* CSV structure: where fields and records end.
 *
 * A structural byte is a delimiter outside quotes, an LF outside quotes, or a CR outside quotes that no LF follows.  Two
 * ways find them: masks of 64 bytes with a running parity of quotes, which is right as long as every quote opens a field
 * at its start, closes it at its end or stands doubled inside (the text is regular); and the exact state machine, byte by
 * byte, for text that is not.  Both give the same answer on regular text. */
#ifndef FREIGHTLAKE_TEXT_CSV_SCAN_H
#define FREIGHTLAKE_TEXT_CSV_SCAN_H

#include "text/text_format.h"

/* Bytes behind the text that may be read (their content does not matter, except that a CR at the end of the text is
 * followed by what stands there: put 0). */
#define CSV_PADDING 64

typedef struct CsvShape {
    bool regular; /* masks suffice */
    bool has_quotes;
    bool ascii;
    size_t records_end; /* behind the last record end; 0: none */
    bool open_quote;    /* the text ends inside quotes */
} CsvShape;

/* Looks at a text that begins at a record's start.  `last` when it is the end of the file: a CR at its end then ends a
 * record (else it may be half of a CRLF). */
void csv_shape(const TextFormat *format, const char *text, size_t size, bool last, CsvShape *ret_shape);

/* Finds structural bytes from a place on, as many as fit. */
typedef struct CsvCursor {
    const TextFormat *format;
    const char *text;
    size_t size;
    bool regular;
    bool has_quotes;
    bool lines;        /* a line end ends the record inside quotes, too (not regular only) */
    size_t at;         /* next byte to look at */
    uint64_t in_quote; /* all ones or zero: state before `at`, of regular text */
    int state;         /* of the exact machine */
    uint64_t ends;     /* structural bytes found so far that end a record */
} CsvCursor;

void csv_cursor_init(CsvCursor *cursor, const TextFormat *format, const char *text, size_t size, const CsvShape *shape);
/* Appends positions to `positions`, at most `room` (at least 64) of them; 0 at the end of the text. */
uint32_t csv_cursor_next(CsvCursor *cursor, uint32_t *positions, uint32_t room);

/* LF, CRLF and lone CR. */
uint64_t text_count_line_ends(const char *text, size_t size);
bool text_is_ascii(const char *text, size_t size);
bool text_is_utf8(const char *text, size_t size);

#endif
