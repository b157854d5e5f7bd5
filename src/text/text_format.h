/* TextFormat: how a text file is written, told by the user or found by looking at its beginning. */
#ifndef FREIGHTLAKE_TEXT_TEXT_FORMAT_H
#define FREIGHTLAKE_TEXT_TEXT_FORMAT_H

#include "base/text.h"

typedef enum TextKind { TEXT_CSV, TEXT_NDJSON } TextKind;

/* enumerator, name in configuration */
#define TEXT_ENCODING_TABLE(X)                                                                                         \
    X(UTF8, "utf-8")                                                                                                   \
    X(UTF16LE, "utf-16le")                                                                                             \
    X(UTF16BE, "utf-16be")                                                                                             \
    X(WINDOWS_1252, "windows-1252")

typedef enum TextEncoding {
#define X(id, name) TEXT_##id,
    TEXT_ENCODING_TABLE(X)
#undef X
        TEXT_ENCODING_COUNT
} TextEncoding;
const char *text_encoding_name(TextEncoding encoding);

typedef struct TextFormat {
    TextKind kind;
    TextEncoding encoding;   /* a byte order mark at the start of a file is passed over and wins over this */
    char delimiter;          /* CSV: ',', ';', '\t', '|' or any other ASCII character */
    char quote;              /* CSV: '"' or '\''; 0: none */
    bool header;             /* CSV: the first record names the columns */
    bool trailing_delimiter; /* CSV: a record may end with a delimiter that the header does not have */
    uint32_t skip_lines;     /* CSV: physical lines before the header (titles above a table) */
} TextFormat;

/* Guesses from the first bytes of a file (64 KiB are plenty); `whole` when they are all of it.  Line ends may be LF, CRLF
 * or CR, also mixed.  *ret_confidence[0..1] says how sure it is of the delimiter and of the header. */
typedef struct TextGuess {
    TextFormat format;
    double kind_confidence, encoding_confidence, delimiter_confidence, header_confidence;
} TextGuess;
Status text_sniff(const void *bytes, size_t size, bool whole, TextGuess *ret_guess, Error *err) MUST_CHECK;

#endif
