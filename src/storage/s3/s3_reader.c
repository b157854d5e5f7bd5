/* Reading objects.
 *
 * Opening asks for the last 64 KiB, not for a HEAD: the answer has size, time and ETag in its headers, an error in its body
 * (that of a HEAD has none), and the bytes are those a Parquet reader asks for first, or all of a small file.  So a
 * log entry is one request and a Parquet file one for its footer.
 *
 * Every later request says If-Match with that ETag: all bytes of a reader are of one version, or it is an error.
 *
 *   read of any place     in pieces of 16 MiB, eight at once
 *   many ranges           the same, over all of them: the column chunks of a row group arrive together
 *   what is kept          ranges that the caller will read more than once, in whatever pieces, are asked for once
 *   reads in a row        from the third on, blocks of 4 MiB are asked for ahead: two, then doubling up to eight
 *
 * Reads in a row are under the reader's mutex; others run side by side. */
#include <pthread.h>
#include <stdio.h>

#include "storage/s3/s3_internal.h"

#define TAIL_BYTES ((size_t)64 << 10)
#define READ_PIECE_BYTES ((size_t)16 << 20)
#define BLOCK_BYTES ((size_t)4 << 20)
#define MAX_BLOCKS 8
#define FIRST_BLOCKS 2
#define STREAK 3

typedef struct Block {
    uint64_t offset;
    size_t size;
    uint8_t *bytes;
    S3Call *call; /* NULL: the bytes are there */
} Block;

/* A range that is kept until it is dropped. */
typedef struct Kept {
    uint64_t offset;
    size_t size;
    uint8_t *bytes;
} Kept;

typedef struct S3Reader {
    StorageReader base;
    Arena arena;
    S3Name name;
    const char *etag; /* NULL: the server gives none */
    const uint8_t *tail;
    uint64_t tail_offset;
    size_t tail_size;
    pthread_mutex_t mutex; /* guards what follows */
    uint64_t next_offset;  /* behind the last read */
    int streak;            /* reads in a row */
    Block blocks[MAX_BLOCKS];
    int n_blocks;
    int depth;
    Kept *kept; /* in no order: a few for each row group */
    size_t n_kept;
    size_t kept_capacity;
} S3Reader;

static Status short_answer(const S3Reader *reader, uint64_t offset, Error *err)
{
    error_set(err, STATUS_CORRUPT, "the server gave fewer bytes than were asked for");
    error_at_file(err, reader->base.path);
    return error_at_offset(err, (int64_t)offset);
}

static Status start_range(const S3Reader *reader, uint64_t offset, void *bytes, size_t size, S3Call **ret_call,
                          Error *err)
{
    char range[64];
    snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)offset,
             (unsigned long long)(offset + size - 1));
    NameValue headers[3] = {{"range", range}, {"x-amz-checksum-mode", "ENABLED"}};
    if (reader->etag)
        headers[2] = (NameValue){"if-match", reader->etag};
    S3Operation operation = {.verb = "s3:GetObject",
                             .action = "reading",
                             .method = "GET",
                             .path = reader->base.path,
                             .name = reader->name,
                             .headers = headers,
                             .n_headers = reader->etag ? 3 : 2,
                             .sink = bytes,
                             .sink_size = size,
                             .verify = true};
    return s3_start(&operation, ret_call, err);
}

static Status finish_range(const S3Reader *reader, S3Call *call, uint64_t offset, size_t size, Error *err)
{
    S3Answer answer;
    if (s3_finish(call, &answer, err) != STATUS_OK)
        return error_at_offset(err, (int64_t)offset);
    return answer.sunk == size ? STATUS_OK : short_answer(reader, offset, err);
}

/* ---- Many ranges ---- */

typedef struct Piece {
    S3Call *call;
    uint64_t offset;
    size_t size;
} Piece;

/* Cuts the ranges into pieces one after the other. */
typedef struct PieceCursor {
    const StorageRange *ranges;
    size_t n_ranges, range;
    size_t done; /* bytes of the range in hand */
} PieceCursor;

static Status start_next(const S3Reader *reader, PieceCursor *cursor, Piece *piece, bool *ret_started, Error *err)
{
    while (cursor->range < cursor->n_ranges && cursor->done == cursor->ranges[cursor->range].size) {
        cursor->range++;
        cursor->done = 0;
    }
    *ret_started = cursor->range < cursor->n_ranges;
    if (!*ret_started)
        return STATUS_OK;
    const StorageRange *range = &cursor->ranges[cursor->range];
    size_t left = range->size - cursor->done;
    piece->size = left < READ_PIECE_BYTES ? left : READ_PIECE_BYTES;
    piece->offset = range->offset + cursor->done;
    TRY(start_range(reader, piece->offset, (uint8_t *)range->bytes + cursor->done, piece->size, &piece->call, err));
    cursor->done += piece->size;
    return STATUS_OK;
}

static Status read_pieces(const S3Reader *reader, const StorageRange *ranges, size_t n, Error *err)
{
    PieceCursor cursor = {.ranges = ranges, .n_ranges = n};
    Piece pieces[S3_PARALLEL] = {0}; /* a ring: [oldest, oldest + under_way) */
    size_t oldest = 0, under_way = 0;
    bool more = true;
    Status status = STATUS_OK;
    while (status == STATUS_OK && (more || under_way > 0)) {
        while (status == STATUS_OK && more && under_way < S3_PARALLEL) {
            status = start_next(reader, &cursor, &pieces[(oldest + under_way) % S3_PARALLEL], &more, err);
            under_way += status == STATUS_OK && more;
        }
        if (status != STATUS_OK || under_way == 0)
            break;
        Piece *piece = &pieces[oldest];
        status = finish_range(reader, piece->call, piece->offset, piece->size, err);
        s3_call_free(piece->call);
        oldest = (oldest + 1) % S3_PARALLEL;
        under_way--;
    }
    for (; under_way > 0; under_way--, oldest = (oldest + 1) % S3_PARALLEL)
        s3_call_free(pieces[oldest].call);
    return status;
}

/* Takes what the tail holds of the range; what is left of it, before the tail, must be asked for. */
static void take_from_tail(const S3Reader *reader, StorageRange *range)
{
    uint64_t end = range->offset + range->size;
    if (end <= reader->tail_offset)
        return;
    size_t before = range->offset < reader->tail_offset ? (size_t)(reader->tail_offset - range->offset) : 0;
    memcpy((uint8_t *)range->bytes + before, reader->tail + (range->offset + before - reader->tail_offset),
           range->size - before);
    range->size = before;
}

static bool take_from_kept(S3Reader *reader, const StorageRange *range)
{
    bool found = false;
    pthread_mutex_lock(&reader->mutex); /* copied under it: another thread may drop the bytes */
    for (size_t i = 0; i < reader->n_kept && !found; i++) {
        const Kept *kept = &reader->kept[i];
        found = range->offset >= kept->offset && range->offset + range->size <= kept->offset + kept->size;
        if (found)
            memcpy(range->bytes, kept->bytes + (range->offset - kept->offset), range->size);
    }
    pthread_mutex_unlock(&reader->mutex);
    return found;
}

static Status read_ranges(StorageReader *base, const StorageRange *ranges, size_t n, Error *err)
{
    S3Reader *reader = (S3Reader *)base;
    CLEANUP(mem_cleanup) StorageRange *wanted = mem_alloc(sizeof *wanted * (n + 1));
    size_t n_wanted = 0;
    for (size_t i = 0; i < n; i++) {
        StorageRange range = ranges[i];
        if (range.size > 0 && !take_from_kept(reader, &range))
            take_from_tail(reader, &range);
        else
            range.size = 0;
        if (range.size > 0)
            wanted[n_wanted++] = range;
    }
    return read_pieces(reader, wanted, n_wanted, err);
}

/* ---- What is kept ---- */

static Status keep_read(S3Reader *reader, const Kept *kept, size_t n, Error *err)
{
    CLEANUP(mem_cleanup) StorageRange *ranges = mem_alloc(sizeof *ranges * (n + 1));
    for (size_t i = 0; i < n; i++)
        ranges[i] = (StorageRange){.offset = kept[i].offset, .bytes = kept[i].bytes, .size = kept[i].size};
    return read_ranges(&reader->base, ranges, n, err);
}

static Status keep(StorageReader *base, const StorageRange *ranges, size_t n, Error *err)
{
    S3Reader *reader = (S3Reader *)base;
    CLEANUP(mem_cleanup) Kept *kept = mem_alloc(sizeof *kept * (n + 1));
    for (size_t i = 0; i < n; i++)
        kept[i] = (Kept){.offset = ranges[i].offset, .size = ranges[i].size, .bytes = mem_alloc(ranges[i].size + 1)};
    Status status = keep_read(reader, kept, n, err);
    pthread_mutex_lock(&reader->mutex);
    for (size_t i = 0; i < n; i++) {
        if (status != STATUS_OK) {
            mem_free(kept[i].bytes);
            continue;
        }
        if (reader->n_kept == reader->kept_capacity) {
            reader->kept_capacity = reader->kept_capacity ? 2 * reader->kept_capacity : 16;
            reader->kept = mem_realloc(reader->kept, sizeof *kept * reader->kept_capacity);
        }
        reader->kept[reader->n_kept++] = kept[i];
    }
    pthread_mutex_unlock(&reader->mutex);
    return status;
}

static void drop(StorageReader *base, uint64_t offset, uint64_t end)
{
    S3Reader *reader = (S3Reader *)base;
    pthread_mutex_lock(&reader->mutex);
    for (size_t i = 0; i < reader->n_kept;) {
        if (reader->kept[i].offset < offset || reader->kept[i].offset >= end) {
            i++;
            continue;
        }
        mem_free(reader->kept[i].bytes);
        reader->kept[i] = reader->kept[--reader->n_kept];
    }
    pthread_mutex_unlock(&reader->mutex);
}

/* ---- Reads in a row; with the mutex held ---- */

static void drop_block(S3Reader *reader)
{
    s3_call_free(reader->blocks[0].call);
    mem_free(reader->blocks[0].bytes);
    reader->n_blocks--;
    memmove(reader->blocks, reader->blocks + 1, sizeof(Block) * (size_t)reader->n_blocks);
}

static void drop_blocks(S3Reader *reader)
{
    while (reader->n_blocks > 0)
        drop_block(reader);
    reader->depth = FIRST_BLOCKS;
}

/* Asks for blocks until `depth` of them are there or under way; the first begins at `offset`. */
static Status ask_ahead(S3Reader *reader, uint64_t offset, Error *err)
{
    if (reader->n_blocks > 0) {
        const Block *last = &reader->blocks[reader->n_blocks - 1];
        offset = last->offset + last->size;
    }
    while (reader->n_blocks < reader->depth && offset < reader->tail_offset) { /* the tail is there */
        uint64_t left = reader->tail_offset - offset;
        Block block = {.offset = offset, .size = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES};
        block.bytes = mem_alloc(block.size);
        if (start_range(reader, block.offset, block.bytes, block.size, &block.call, err) != STATUS_OK) {
            mem_free(block.bytes);
            return err->code;
        }
        reader->blocks[reader->n_blocks++] = block;
        offset += block.size;
    }
    return STATUS_OK;
}

static Status read_ahead(S3Reader *reader, uint64_t offset, uint8_t *bytes, size_t size, Error *err)
{
    while (size > 0) {
        TRY(ask_ahead(reader, offset, err));
        Block *block = &reader->blocks[0];
        if (block->call) {
            TRY(finish_range(reader, block->call, block->offset, block->size, err));
            s3_call_free(block->call);
            block->call = NULL;
        }
        size_t at = (size_t)(offset - block->offset), n = block->size - at;
        n = n < size ? n : size;
        memcpy(bytes, block->bytes + at, n);
        offset += n;
        bytes += n;
        size -= n;
        if (at + n == block->size) {
            drop_block(reader);
            reader->depth = reader->depth * 2 < MAX_BLOCKS ? reader->depth * 2 : MAX_BLOCKS;
        }
    }
    return STATUS_OK;
}

/* Whether this read is one of a row that is read ahead; keeps count. */
static bool is_in_row(S3Reader *reader, uint64_t offset, size_t size)
{
    bool next = offset == reader->next_offset && size <= BLOCK_BYTES;
    reader->next_offset = offset + size;
    reader->streak = next ? reader->streak + 1 : 1;
    if (!next)
        drop_blocks(reader);
    return reader->streak >= STREAK;
}

static Status s3_read(StorageReader *base, uint64_t offset, void *bytes, size_t size, Error *err)
{
    S3Reader *reader = (S3Reader *)base;
    StorageRange range = {.offset = offset, .bytes = bytes, .size = size};
    if (size > 0 && take_from_kept(reader, &range))
        return STATUS_OK;
    take_from_tail(reader, &range);
    size = range.size;
    if (size == 0)
        return STATUS_OK;
    pthread_mutex_lock(&reader->mutex);
    if (is_in_row(reader, offset, size)) {
        Status status = read_ahead(reader, offset, bytes, size, err);
        if (status != STATUS_OK)
            drop_blocks(reader);
        pthread_mutex_unlock(&reader->mutex);
        return status;
    }
    pthread_mutex_unlock(&reader->mutex);
    return read_pieces(reader, &range, 1, err);
}

static void s3_close(StorageReader *base)
{
    S3Reader *reader = (S3Reader *)base;
    drop_blocks(reader);
    drop(base, 0, UINT64_MAX);
    mem_free(reader->kept);
    pthread_mutex_destroy(&reader->mutex);
    arena_done(&reader->arena);
    mem_free(reader);
}

static const StorageReaderOps S3_READER_OPS = {
    .read = s3_read, .read_ranges = read_ranges, .keep = keep, .drop = drop, .close = s3_close};

/* ---- Opening ---- */

static Status take_tail(S3Reader *reader, const S3Call *call, const S3Answer *answer, Error *err)
{
    uint64_t first = 0, total = answer->body.size;
    if (answer->http == 206 && (!s3_content_range(s3_call_header(call, "Content-Range"), &first, &total) ||
                                first + answer->body.size != total))
        return short_answer(reader, 0, err);
    const char *etag = s3_call_header(call, "ETag");
    reader->etag = etag ? arena_strdup(&reader->arena, etag) : NULL;
    reader->tail = (const uint8_t *)arena_memdup(&reader->arena, answer->body.data, answer->body.size);
    reader->tail_offset = first;
    reader->tail_size = answer->body.size;
    reader->base.size_bytes = total;
    reader->base.modified_ms = s3_modified_ms(call);
    return STATUS_OK;
}

static Status empty_object(S3Reader *reader, Error *err)
{
    S3Head head;
    TRY(s3_head(reader->base.path, &reader->name, false, &reader->arena, &head, err));
    if (!head.facts.exists || head.facts.size_bytes > 0)
        return short_answer(reader, 0, err);
    reader->base.modified_ms = head.facts.modified_ms;
    return STATUS_OK;
}

static Status ask_tail(S3Reader *reader, Error *err)
{
    static const int expected[] = {416, 0};
    char range[32];
    snprintf(range, sizeof range, "bytes=-%zu", TAIL_BYTES);
    const NameValue headers[] = {{"range", range}, {"x-amz-checksum-mode", "ENABLED"}};
    S3Operation operation = {.verb = "s3:GetObject",
                             .action = "opening",
                             .method = "GET",
                             .path = reader->base.path,
                             .name = reader->name,
                             .headers = headers,
                             .n_headers = ARRAY_SIZE(headers),
                             .max_answer = TAIL_BYTES,
                             .verify = true,
                             .expected = expected};
    S3Call *call;
    S3Answer answer;
    TRY(s3_call(&operation, &call, &answer, err));
    Status status = answer.http == 416 ? empty_object(reader, err) : take_tail(reader, call, &answer, err);
    s3_call_free(call);
    return status;
}

Status s3_open(const char *path, StorageReader **ret_reader, Error *err)
{
    S3Reader *reader = mem_zalloc(sizeof *reader);
    arena_init(&reader->arena);
    pthread_mutex_init(&reader->mutex, NULL);
    reader->base.ops = &S3_READER_OPS;
    reader->base.path = arena_strdup(&reader->arena, path);
    reader->depth = FIRST_BLOCKS;
    Status status = s3_name_parse(path, &reader->arena, &reader->name, err);
    size_t n = strlen(path);
    if (status == STATUS_OK && (reader->name.key[0] == '\0' || path[n - 1] == '/')) {
        status = error_set(err, STATUS_IO, "this is a folder, not a file");
        error_at_file(err, path);
        error_hint(err, "name a file in it");
    }
    if (status == STATUS_OK)
        status = ask_tail(reader, err);
    if (status != STATUS_OK) {
        s3_close(&reader->base);
        return status;
    }
    *ret_reader = &reader->base;
    return STATUS_OK;
}
