/* TextSource: a text file as pieces of whole records, dealt out to any number of threads.
 *
 * Finding where a record ends needs the state of all quotes before it, so one thread at a time reads the next bytes and
 * looks for the last record end in them (SIMD where there are no quotes: some GB/s); everything else is done by the
 * workers on their own pieces.  Records are found by an exact state machine: a quote opens a field only at its start; a
 * record that does not end within TEXT_MAX_RECORD_BYTES, or at the end of the file, because of an unclosed quote ends at
 * its first line end instead (flaw UNCLOSED_QUOTE) and reading goes on behind it, so that no row is swallowed.  Pieces and
 * records do not depend on threads. */
#ifndef FREIGHTLAKE_TEXT_TEXT_SOURCE_H
#define FREIGHTLAKE_TEXT_TEXT_SOURCE_H

#include "base/sha256.h"
#include "text/records.h"
#include "text/text_format.h"

typedef struct TextSource TextSource;

typedef struct TextPiece {
    uint64_t sequence; /* 0, 1, 2, ... in the order of the file */
    const char *bytes; /* whole records, UTF-8 (invalid sequences kept as they are) */
    size_t size;
    int64_t first_line;  /* physical line of the first record */
    bool unclosed_quote; /* each line is a record by itself; those whose quote does not close have that flaw */
    bool too_long; /* the piece is one record with that flaw, cut to TEXT_MAX_RECORD_BYTES; the rest of it is passed
                            over (its bytes still appear in read_bytes) */
    const uint8_t *read_bytes; /* what was newly read from the file for this piece, as it is in the file */
    size_t read_size;
    void *memory; /* of this piece; kept from call to call */
} TextPiece;

/* Takes over `reader`.  Reads header (or counts the fields of the first record) at once. */
Status text_source_open(StorageReader *reader, const TextFormat *format, TextSource **ret_source, Error *err)
    MUST_CHECK;
/* Of records held in memory (replay, samples); `bytes` outlives the source.  first_line is the line of the first byte. */
Status text_source_memory(const char *bytes, size_t size, const TextFormat *format, int64_t first_line,
                          TextSource **ret_source, Error *err) MUST_CHECK;
void text_source_close(TextSource *source);
/* Before the first piece: the hash takes all bytes of the file, in their order, as they are read. */
void text_source_hash(TextSource *source, Sha256 *sha);
const TextFormat *text_source_format(const TextSource *source); /* with what the byte order mark said */
/* CSV: the header's names, trimmed, made unique ("x", "x_2") and, where there is no header, "column_1" ...; NDJSON: none. */
const StrView *text_source_columns(const TextSource *source, uint32_t *ret_n);
uint64_t text_source_bytes(const TextSource *source); /* of the file */
/* The next piece; *ret_more is false at the end (the last bytes read may still come in a piece without records).
 * Thread-safe for different pieces.  text_piece_done frees a piece's memory. */
Status text_source_next(TextSource *source, TextPiece *inout_piece, bool *ret_more, Error *err) MUST_CHECK;
void text_piece_done(TextPiece *piece);

/* ---- Reader: records of a piece ---- */
typedef struct TextReader TextReader;

/* wanted: CSV column numbers, or (NDJSON) names: members of nested objects by dotted path ("to.city"); an array or an
 * object wanted whole is given as its JSON text.  One thread's own. */
Status text_reader_new(const TextSource *source, const char *const *wanted_names, uint32_t n_wanted,
                       TextReader **ret_reader, Error *err) MUST_CHECK; /* DATA names a CSV column that is not there */
void text_reader_free(TextReader *reader);
void text_reader_start(TextReader *reader, const TextPiece *piece);
/* Fills the block with the next records; block->n is 0 at the end.  Empty lines are passed over (and counted as lines). */
void text_reader_next(TextReader *reader, RecordBlock *block);

#endif
