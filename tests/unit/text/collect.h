/* All records of a text as lines "LINE|FLAW|RAW|FIELD|...", read by any number of threads in pieces of any size. */
#ifndef FREIGHTLAKE_TESTS_TEXT_COLLECT_H
#define FREIGHTLAKE_TESTS_TEXT_COLLECT_H

#include <pthread.h>

#include "text/text_internal.h"

#define MAX_PIECES 65536

typedef struct Collector {
    TextSource *source;
    const char **wanted;
    uint32_t n_wanted;
    pthread_mutex_t mutex;
    Buffer *records; /* by sequence */
    Buffer *bytes;
    uint64_t n_pieces;
} Collector;

static inline void collect_record(Buffer *out, const RecordBlock *block, uint32_t r)
{
    uint8_t flaw = block->flaws[r];
    buffer_printf(out, "%lld|%s|", (long long)block->lines[r], record_flaw_code(flaw));
    buffer_append(out, block->raw[r].data, block->raw[r].size);
    for (uint32_t c = 0; c < block->n_columns && (flaw == RECORD_FLAW_NONE || flaw == RECORD_FLAW_COLUMN_COUNT); c++) {
        StrView field = block->fields[(size_t)c * RECORD_BLOCK_ROWS + r];
        buffer_append_byte(out, '|');
        if (field.data)
            buffer_append(out, field.data, field.size);
        else
            buffer_append_text(out, "NULL");
    }
    buffer_append_byte(out, '\n');
}

static void *collect_worker(void *context)
{
    Collector *collector = context;
    TextReader *reader;
    RecordBlock block;
    TextPiece piece = {0};
    Error err;
    error_init(&err);
    CHECK(text_reader_new(collector->source, collector->wanted, collector->n_wanted, &reader, &err) == STATUS_OK);
    record_block_init(&block, collector->n_wanted);
    for (bool more = false;;) {
        CHECK(text_source_next(collector->source, &piece, &more, &err) == STATUS_OK);
        if (!more)
            break;
        CHECK(piece.sequence < MAX_PIECES);
        Buffer *records = &collector->records[piece.sequence];
        text_reader_start(reader, &piece);
        for (text_reader_next(reader, &block); block.n > 0; text_reader_next(reader, &block))
            for (uint32_t r = 0; r < block.n; r++)
                collect_record(records, &block, r);
        buffer_append(&collector->bytes[piece.sequence], piece.read_bytes, piece.read_size);
        pthread_mutex_lock(&collector->mutex);
        if (piece.sequence + 1 > collector->n_pieces)
            collector->n_pieces = piece.sequence + 1;
        pthread_mutex_unlock(&collector->mutex);
    }
    text_piece_done(&piece);
    record_block_done(&block);
    text_reader_free(reader);
    return NULL;
}

/* wanted NULL: every column of the CSV file.  Checks that no byte is lost, to the hash neither; the records are appended to `out`. */
static inline Status collect_text(const char *text, size_t size, const TextFormat *format, const char **wanted,
                                  uint32_t n_wanted, int threads, Buffer *out, Error *err)
{
    Collector collector = {.wanted = wanted, .n_wanted = n_wanted};
    TRY(text_source_memory(text, size, format, 1, &collector.source, err));
    Arena arena;
    arena_init(&arena);
    Sha256 sha, expected_sha;
    char hash[SHA256_HEX_SIZE], expected_hash[SHA256_HEX_SIZE];
    sha256_init(&sha);
    text_source_hash(collector.source, &sha);
    uint32_t n = 0;
    const StrView *columns = text_source_columns(collector.source, &n);
    if (!wanted) {
        collector.wanted = ARENA_ARRAY(&arena, const char *, n + 1);
        for (uint32_t i = 0; i < n; i++)
            collector.wanted[collector.n_wanted++] = arena_memdup(&arena, columns[i].data, columns[i].size);
    }
    pthread_mutex_init(&collector.mutex, NULL);
    collector.records = mem_zalloc(sizeof(Buffer) * MAX_PIECES);
    collector.bytes = mem_zalloc(sizeof(Buffer) * MAX_PIECES);
    pthread_t workers[4];
    for (int i = 1; i < threads; i++)
        CHECK(pthread_create(&workers[i - 1], NULL, collect_worker, &collector) == 0);
    collect_worker(&collector);
    for (int i = 1; i < threads; i++)
        pthread_join(workers[i - 1], NULL);
    size_t at = 0;
    for (uint64_t i = 0; i < collector.n_pieces; i++) {
        const Buffer *bytes = &collector.bytes[i];
        CHECK(at + bytes->size <= size && (bytes->size == 0 || memcmp(text + at, bytes->data, bytes->size) == 0));
        at += bytes->size;
        buffer_append(out, collector.records[i].data, collector.records[i].size);
        buffer_done(&collector.records[i]);
        buffer_done(&collector.bytes[i]);
    }
    CHECK(at == size);
    sha256_init(&expected_sha);
    sha256_update(&expected_sha, text, size);
    sha256_end(&expected_sha, expected_hash);
    sha256_end(&sha, hash);
    CHECK(strcmp(hash, expected_hash) == 0);
    pthread_mutex_destroy(&collector.mutex);
    mem_free(collector.records);
    mem_free(collector.bytes);
    arena_done(&arena);
    text_source_close(collector.source);
    return STATUS_OK;
}

#endif
