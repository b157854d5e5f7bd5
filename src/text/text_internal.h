/* What the readers of src/text share.  Nobody outside src/text (but its tests) includes this. */
#ifndef FREIGHTLAKE_TEXT_TEXT_INTERNAL_H
#define FREIGHTLAKE_TEXT_TEXT_INTERNAL_H

#include <pthread.h>

#include "text/csv_scan.h"
#include "text/text_source.h"

/* How much is read at once, and at first (mark, lines to skip and header lie in it); tests make them small. */
extern size_t text_source_read_bytes, text_source_head_bytes;

#define RAW_LEFT_MAX 8

typedef struct PieceMemory {
    char *text;
    size_t text_capacity;
    uint8_t *raw; /* bytes as read, behind RAW_LEFT_MAX bytes of room */
    size_t raw_capacity;
    CsvScan scan; /* of the piece's text and what was left over of it */
} PieceMemory;

struct TextSource {
    StorageReader *reader; /* NULL: of memory */
    const char *memory;
    uint64_t file_bytes;
    uint64_t offset; /* of the file: read so far */
    TextFormat format;
    Arena arena;
    StrView *columns;
    uint32_t n_columns;
    pthread_mutex_t mutex; /* of all that follows */
    uint8_t *head;         /* the first bytes as they are */
    size_t head_size;
    bool head_given;
    char *left; /* text behind the last piece */
    size_t left_size, left_capacity;
    uint8_t raw_left[RAW_LEFT_MAX]; /* of a character that the last read cut */
    size_t n_raw_left;
    int64_t line; /* of the first byte of `left` */
    uint64_t sequence;
    Sha256 *hash;        /* of the file's bytes; NULL: nobody asks */
    size_t unhashed;     /* bytes at the end of the piece's text that the hash has not had */
    bool passing_over;   /* inside a record that is too long */
    uint32_t n_unclosed; /* pieces with an unclosed quote since the last read */
    bool ended;
};

/* UNSUPPORTED, with what to do about it, when the first bytes of a file are of a workbook, an archive and the like. */
Status text_refuse_others(const char *text, size_t size, Error *err) MUST_CHECK;

/* Bytes of a record longer than the limit that are kept: up to a character's start. */
size_t text_longest_record(const char *text);

/* Behind the line that starts at `at`, of the text's first `size` bytes; *ret_content is where its line end starts. */
size_t text_line_end(const TextFormat *format, const char *text, size_t size, size_t at, size_t *ret_content);

/* The text of a field, quotes undone (in `arena` where they were doubled); *ret_good is false when text stands behind
 * the closing quote or there is none. */
StrView csv_unquote(const TextFormat *format, StrView field, Arena *arena, bool *ret_good);

/* The two record readers behind TextReader. */
typedef struct CsvReader CsvReader;
CsvReader *csv_reader_new(const TextSource *source, const uint32_t *columns, uint32_t n_columns);
void csv_reader_free(CsvReader *reader);
void csv_reader_start(CsvReader *reader, const TextPiece *piece);
void csv_reader_next(CsvReader *reader, RecordBlock *block);

typedef struct NdjsonReader NdjsonReader;
NdjsonReader *ndjson_reader_new(const char *const *names, uint32_t n_names);
void ndjson_reader_free(NdjsonReader *reader);
void ndjson_reader_start(NdjsonReader *reader, const TextPiece *piece);
void ndjson_reader_next(NdjsonReader *reader, RecordBlock *block);

#endif
