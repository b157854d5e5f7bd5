/* What both text targets do: any bytes in small pieces; every byte read is handed on and hashed, and what stands between two records
 * is line ends, blanks and the delimiters of blank records. */
#ifndef FREIGHTLAKE_TESTS_FUZZ_TEXT_H
#define FREIGHTLAKE_TESTS_FUZZ_TEXT_H

#include "text/text_internal.h"

static inline bool is_passed_over(const TextFormat *format, char c)
{
    return (c && strchr("\r\n \t", c)) || (format->kind == TEXT_CSV && c == format->delimiter);
}

static inline void fuzz_text_block(const TextFormat *format, const RecordBlock *block, const TextPiece *piece,
                                   size_t *inout_at)
{
    size_t at = *inout_at;
    for (uint32_t r = 0; r < block->n; r++) {
        CHECK(block->raw[r].data >= piece->bytes + at);
        for (; piece->bytes + at < block->raw[r].data; at++)
            CHECK(is_passed_over(format, piece->bytes[at]));
        at += block->raw[r].size;
        CHECK(at <= piece->size && block->flaws[r] < RECORD_FLAW_COUNT && block->lines[r] >= piece->first_line);
        for (uint32_t c = 0; c < block->n_columns && block->flaws[r] == RECORD_FLAW_NONE; c++) {
            StrView field = block->fields[(size_t)c * RECORD_BLOCK_ROWS + r];
            CHECK(!field.data || text_is_utf8(field.data, field.size));
        }
    }
    *inout_at = at;
}

static inline void fuzz_text(const char *text, size_t size, const TextFormat *format, const char *const *wanted,
                             uint32_t n_wanted)
{
    Error err;
    TextSource *source;
    error_init(&err);
    if (text_source_memory(text, size, format, 1, &source, &err) != STATUS_OK) {
        CHECK(err.message[0]);
        return;
    }
    Sha256 sha, expected_sha;
    char hash[SHA256_HEX_SIZE], expected_hash[SHA256_HEX_SIZE];
    sha256_init(&sha);
    text_source_hash(source, &sha);
    TextReader *reader;
    RecordBlock block;
    TextPiece piece = {0};
    CHECK(text_reader_new(source, wanted, n_wanted, &reader, &err) == STATUS_OK || format->kind == TEXT_CSV);
    bool can_read = err.code == STATUS_OK;
    record_block_init(&block, n_wanted);
    size_t passed = 0;
    int64_t line = 1;
    for (bool more = false;;) {
        CHECK(text_source_next(source, &piece, &more, &err) == STATUS_OK);
        if (!more)
            break;
        CHECK(passed + piece.read_size <= size && piece.first_line >= line);
        CHECK(piece.read_size == 0 || memcmp(text + passed, piece.read_bytes, piece.read_size) == 0);
        passed += piece.read_size;
        line = piece.first_line;
        if (!can_read)
            continue;
        size_t at = 0;
        text_reader_start(reader, &piece);
        for (text_reader_next(reader, &block); block.n > 0; text_reader_next(reader, &block))
            fuzz_text_block(format, &block, &piece, &at);
        for (; at < piece.size; at++)
            CHECK(is_passed_over(format, piece.bytes[at]));
    }
    CHECK(passed == size);
    sha256_init(&expected_sha);
    sha256_update(&expected_sha, text, size);
    sha256_end(&expected_sha, expected_hash);
    sha256_end(&sha, hash);
    CHECK(strcmp(hash, expected_hash) == 0);
    text_piece_done(&piece);
    record_block_done(&block);
    if (can_read)
        text_reader_free(reader);
    text_source_close(source);
}

#endif
