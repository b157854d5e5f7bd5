/* Records: what the text readers give, a block of records with the wanted fields of each.
 *
 *   text_sniff -> TextFormat -> text_source_open -> per worker: text_source_next (a piece of whole records)
 *   -> text_reader_start -> text_reader_next (blocks of records) until 0 -> next piece
 *
 * A field is a view into the piece, or into the block's arena where quotes or escapes had to be undone.  Nothing is
 * converted: the meaning of a text is the mapping's business. */
#ifndef FREIGHTLAKE_TEXT_RECORDS_H
#define FREIGHTLAKE_TEXT_RECORDS_H

#include "storage/storage.h"

#define RECORD_BLOCK_ROWS                                                                                              \
    504 /* the columns of a block stay in the second-level cache; no power of two: their rows would share sets */
#define TEXT_MAX_RECORD_BYTES ((size_t)1 << 20)
#define TEXT_MAX_COLUMNS 4096

/* What is wrong with a record as such; enumerator, code in quarantine, meaning */
#define RECORD_FLAW_TABLE(X)                                                                                           \
    X(NONE, "", "nothing")                                                                                             \
    X(COLUMN_COUNT, "column_count", "the record has fewer or more fields than the header")                             \
    X(UNCLOSED_QUOTE, "unclosed_quote", "a quoted field does not end")                                                 \
    X(STRAY_QUOTE, "stray_quote", "text stands behind the closing quote of a field")                                   \
    X(TOO_LONG, "record_too_long", "the record is longer than 1 MiB")                                                  \
    X(INVALID_ENCODING, "invalid_encoding", "the bytes are no text in the file's encoding")                            \
    X(SYNTAX, "syntax", "the line is not one JSON object")

typedef enum RecordFlaw {
#define X(id, code, meaning) RECORD_FLAW_##id,
    RECORD_FLAW_TABLE(X)
#undef X
        RECORD_FLAW_COUNT
} RecordFlaw;
const char *record_flaw_code(RecordFlaw flaw);
const char *record_flaw_meaning(RecordFlaw flaw);

typedef struct RecordBlock {
    uint32_t n;         /* records, at most RECORD_BLOCK_ROWS */
    uint32_t n_columns; /* wanted fields */
    /* fields[column * RECORD_BLOCK_ROWS + record]; data NULL: the record has no such field (or JSON null).  Not to be
     * looked at where flaws[record] is not NONE, except for COLUMN_COUNT, where what is there is given. */
    StrView *fields;
    uint8_t *flaws;   /* RecordFlaw */
    int64_t *lines;   /* 1-based physical line of the file on which the record starts */
    StrView *raw;     /* the record's bytes without its line end, as UTF-8 */
    Arena *arena;     /* of unescaped fields; reset with every block */
    uint64_t n_blank; /* over all blocks so far: records passed over whose every field is empty (not: empty lines) */
} RecordBlock;

void record_block_init(RecordBlock *block, uint32_t n_columns);
void record_block_done(RecordBlock *block);

#endif
