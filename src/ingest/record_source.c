/* RecordSource; see record_source.h.
 *
 * Text: pieces come from text/text_source.h; the bytes read for them pass through `take_bytes` in the order of the file
 * before they are parsed (a worker waits for its turn, which is short: the others are parsing).  Parquet: the first worker
 * passes the whole file through, the others begin with the row groups. */
#include "ingest/record_source.h"

#include <pthread.h>

#include "columnar/function.h"
#include "ingest/convert.h"
#include "parquet/reader.h"
#include "text/csv_scan.h"
#include "text/text_source.h"

#define COPY_BYTES ((size_t)4 << 20)

struct RecordSource {
    RecordSourceOptions options;
    const char *names[SHIPMENT_COLUMN_COUNT]; /* wanted */
    uint32_t n_names;
    TextSource *text;
    /* Parquet: */
    ParquetFile *parquet;
    uint32_t columns[SHIPMENT_COLUMN_COUNT]; /* of names, among `read` */
    uint32_t *read;                          /* the file's columns that can be read */
    uint32_t n_read;
    uint64_t *first_rows; /* of row groups */
    _Atomic uint32_t next_row_group;
    _Atomic bool copied;
    /* order of bytes: */
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    uint64_t next_sequence;
    bool failed;
};

struct RecordCursor {
    RecordSource *source;
    TextReader *reader;
    TextPiece piece;
    bool has_piece;
    /* Parquet: */
    ParquetRowGroup *row_group;
    uint64_t row, end; /* of the file: the next, and the end of the row group */
    Arena arena;       /* of the block's texts */
    Vector *texts;     /* per read column */
};

/* ---- Opening ---- */

static Status open_text(RecordSource *source, StorageReader *reader, Error *err)
{
    TRY(text_source_open(reader, &source->options.mapping->format, &source->text, err));
    if (source->options.hash)
        text_source_hash(source->text, source->options.hash);
    TextReader *probe; /* to say at once which column is missing */
    TRY(text_reader_new(source->text, source->names, source->n_names, &probe, err));
    text_reader_free(probe);
    return STATUS_OK;
}

static Status missing_column(const RecordSource *source, const Schema *schema, const char *name, Error *err)
{
    const char **names = mem_alloc(sizeof(char *) * (schema->n + 1));
    for (uint32_t i = 0; i < schema->n; i++)
        names[i] = schema->fields[i].name;
    const char *near = text_nearest(name, names, schema->n);
    if (schema_find(schema, name) >= 0) {
        mem_free(names);
        error_set(
            err, STATUS_UNSUPPORTED,
            "the column is nested (a list, struct or map) or has no type, and the mapping of client '%s' reads it",
            source->options.mapping->client);
        error_at_file(err, source->options.path);
        error_at_column(err, name);
        return error_hint(err, "have what is wanted of it written as a column of its own, or mend clients/%s.yaml",
                          source->options.mapping->client);
    }
    error_set(err, STATUS_DATA, "the file has no column \"%.100s\", which the mapping of client '%s' reads", name,
              source->options.mapping->client);
    error_at_file(err, source->options.path);
    if (near)
        error_hint(err, "did you mean \"%s\"?  Mend the mapping, or onboard the client anew", near);
    mem_free(names);
    return err->code;
}

static Status open_parquet(RecordSource *source, StorageReader *reader, Error *err)
{
    TRY(parquet_open(reader, source->options.budget, &source->parquet, err));
    const Schema *schema = parquet_schema(source->parquet);
    source->read = mem_alloc(sizeof(uint32_t) * (schema->n + 1));
    for (uint32_t i = 0; i < schema->n; i++)
        if (schema->fields[i].type.id != TYPE_NULLTYPE)
            source->read[source->n_read++] = i;
    for (uint32_t i = 0; i < source->n_names; i++) {
        int column = schema_find(schema, source->names[i]);
        uint32_t at = 0;
        while (at < source->n_read && (column < 0 || source->read[at] != (uint32_t)column))
            at++;
        if (at == source->n_read)
            return missing_column(source, schema, source->names[i], err);
        source->columns[i] = at;
    }
    uint32_t n = parquet_row_groups(source->parquet);
    source->first_rows = mem_zalloc(sizeof(uint64_t) * (n + 1));
    for (uint32_t i = 0; i < n; i++)
        source->first_rows[i + 1] = source->first_rows[i] + parquet_row_group_rows(source->parquet, i);
    return STATUS_OK;
}

Status record_source_open(const RecordSourceOptions *options, RecordSource **ret_source, Error *err)
{
    StorageReader *reader;
    TRY(storage_open(options->path, &reader, err));
    RecordSource *source = mem_zalloc(sizeof *source);
    source->options = *options;
    source->n_names = converter_sources(options->mapping, source->names);
    pthread_mutex_init(&source->mutex, NULL);
    pthread_cond_init(&source->turn, NULL);
    atomic_init(&source->copied, options->bytes == NULL);
    Status status =
        options->mapping->input == INPUT_PARQUET ? open_parquet(source, reader, err) : open_text(source, reader, err);
    if (status != STATUS_OK) {
        record_source_close(source);
        return error_at_file(err, options->path);
    }
    *ret_source = source;
    return STATUS_OK;
}

void record_source_close(RecordSource *source)
{
    if (!source)
        return;
    if (source->text)
        text_source_close(source->text);
    if (source->parquet)
        parquet_close(source->parquet);
    mem_free(source->read);
    mem_free(source->first_rows);
    pthread_mutex_destroy(&source->mutex);
    pthread_cond_destroy(&source->turn);
    mem_free(source);
}

uint64_t record_source_bytes(const RecordSource *source)
{
    StorageFacts facts = {0};
    Error err;
    error_init(&err);
    if (source->text)
        return text_source_bytes(source->text);
    return storage_stat(source->options.path, &facts, &err) == STATUS_OK ? facts.size_bytes : 0;
}

uint32_t record_source_fields(const RecordSource *source)
{
    return source->n_names;
}

/* ---- Cursors ---- */

Status record_cursor_new(RecordSource *source, RecordCursor **ret_cursor, Error *err)
{
    RecordCursor *cursor = mem_zalloc(sizeof *cursor);
    cursor->source = source;
    arena_init(&cursor->arena);
    cursor->texts = mem_zalloc(sizeof(Vector) * (source->n_read + 1));
    Status status = STATUS_OK;
    if (source->text)
        status = text_reader_new(source->text, source->names, source->n_names, &cursor->reader, err);
    if (status != STATUS_OK) {
        record_cursor_free(cursor);
        return status;
    }
    *ret_cursor = cursor;
    return STATUS_OK;
}

void record_cursor_free(RecordCursor *cursor)
{
    if (!cursor)
        return;
    if (cursor->reader)
        text_reader_free(cursor->reader);
    text_piece_done(&cursor->piece);
    parquet_row_group_close(cursor->row_group);
    arena_done(&cursor->arena);
    mem_free(cursor->texts);
    mem_free(cursor);
}

/* Lets all others end: nobody waits for a turn that never comes. */
static Status fail(RecordSource *source, Status status)
{
    pthread_mutex_lock(&source->mutex);
    source->failed = true;
    pthread_cond_broadcast(&source->turn);
    pthread_mutex_unlock(&source->mutex);
    return status;
}

/* Passes the bytes of a piece on in the order of the file; false in *ret_go_on when another worker has failed. */
static Status take_bytes(RecordSource *source, const TextPiece *piece, bool *ret_go_on, Error *err)
{
    if (!source->options.bytes)
        return STATUS_OK;
    pthread_mutex_lock(&source->mutex);
    while (source->next_sequence != piece->sequence && !source->failed)
        pthread_cond_wait(&source->turn, &source->mutex);
    bool go_on = !source->failed;
    pthread_mutex_unlock(&source->mutex);
    *ret_go_on = go_on;
    if (!go_on)
        return STATUS_OK;
    TRY(source->options.bytes(source->options.bytes_context, piece->read_bytes, piece->read_size, err));
    pthread_mutex_lock(&source->mutex);
    source->next_sequence++;
    pthread_cond_broadcast(&source->turn);
    pthread_mutex_unlock(&source->mutex);
    return STATUS_OK;
}

static Status next_text(RecordCursor *cursor, RecordBlock *block, Error *err)
{
    for (;;) {
        if (cursor->has_piece) {
            text_reader_next(cursor->reader, block);
            if (block->n > 0)
                return STATUS_OK;
            cursor->has_piece = false;
        }
        bool more = false, go_on = true;
        TRY(text_source_next(cursor->source->text, &cursor->piece, &more, err));
        if (!more)
            return STATUS_OK;
        TRY(take_bytes(cursor->source, &cursor->piece, &go_on, err));
        if (!go_on)
            return STATUS_OK;
        text_reader_start(cursor->reader, &cursor->piece);
        cursor->has_piece = true;
    }
}

static Status copy_file(RecordSource *source, Error *err)
{
    CLEANUP(storage_close_cleanup) StorageReader *reader = NULL;
    TRY(storage_open(source->options.path, &reader, err));
    CLEANUP(mem_cleanup) char *bytes = mem_alloc(COPY_BYTES);
    for (uint64_t at = 0; at < reader->size_bytes; at += COPY_BYTES) {
        uint64_t left = reader->size_bytes - at;
        size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        TRY(storage_read(reader, at, bytes, n, err));
        if (source->options.hash)
            sha256_update(source->options.hash, bytes, n);
        TRY(source->options.bytes(source->options.bytes_context, bytes, n, err));
    }
    return STATUS_OK;
}

/* Nothing in Parquet keeps bytes that are no UTF-8 out of a text. */
static void check_texts(const RecordCursor *cursor, RecordBlock *block, uint32_t field, uint32_t n)
{
    const RecordSource *source = cursor->source;
    uint32_t column = source->columns[field];
    TypeId type = parquet_schema(source->parquet)->fields[source->read[column]].type.id;
    if (type != TYPE_STRING && type != TYPE_BINARY)
        return;
    const Vector *texts = &cursor->texts[column], *entries = vector_entries(texts);
    const StrView *words = entries->data, *fields = &block->fields[(size_t)field * RECORD_BLOCK_ROWS];
    bool good = texts->kind == VECTOR_DICT && entries->n <= n; /* then looking at the entries is enough, mostly */
    for (uint32_t i = 0; good && i < entries->n; i++)
        good =
            (entries->valid && !entries->valid[i]) || words[i].size == 0 || text_is_utf8(words[i].data, words[i].size);
    for (uint32_t r = 0; !good && r < n; r++)
        if (fields[r].size > 0 && !text_is_utf8(fields[r].data, fields[r].size))
            block->flaws[r] = RECORD_FLAW_INVALID_ENCODING;
}

/* The texts of the wanted columns of the next rows; a dictionary's entries are cast once a block. */
static Status read_rows(RecordCursor *cursor, RecordBlock *block, uint32_t n, Error *err)
{
    const RecordSource *source = cursor->source;
    arena_reset(&cursor->arena);
    for (uint32_t i = 0; i < source->n_read; i++) {
        Vector vector;
        TRY(parquet_column_read(cursor->row_group, i, n, &vector, err));
        cast_vector(&vector, DATA_TYPE(STRING), &cursor->arena, &cursor->texts[i]);
    }
    memset(block->flaws, RECORD_FLAW_NONE, n);
    for (uint32_t f = 0; f < source->n_names; f++) {
        const Vector *texts = &cursor->texts[source->columns[f]];
        const Vector *entries = vector_entries(texts);
        StrView *fields = &block->fields[(size_t)f * RECORD_BLOCK_ROWS];
        for (uint32_t r = 0; r < n; r++) {
            uint32_t at = vector_position(texts, r);
            bool valid = !entries->valid || entries->valid[at];
            fields[r] = valid ? ((const StrView *)entries->data)[at] : (StrView){NULL, 0};
        }
        check_texts(cursor, block, f, n);
    }
    for (uint32_t r = 0; r < n; r++) {
        block->lines[r] = (int64_t)(cursor->row + r + 1);
        block->raw[r] = (StrView){NULL, 0};
    }
    block->n = n;
    cursor->row += n;
    return STATUS_OK;
}

static Status next_rows(RecordCursor *cursor, RecordBlock *block, Error *err)
{
    RecordSource *source = cursor->source;
    if (!atomic_exchange(&source->copied, true))
        TRY(copy_file(source, err));
    while (cursor->row == cursor->end) {
        uint32_t next = atomic_fetch_add(&source->next_row_group, 1);
        if (next >= parquet_row_groups(source->parquet))
            return STATUS_OK;
        TRY(parquet_row_group_open(source->parquet, next, source->read, source->n_read, &cursor->row_group, err));
        cursor->row = source->first_rows[next];
        cursor->end = source->first_rows[next + 1];
    }
    uint64_t left = cursor->end - cursor->row;
    return read_rows(cursor, block, left < RECORD_BLOCK_ROWS ? (uint32_t)left : RECORD_BLOCK_ROWS, err);
}

Status record_cursor_next(RecordCursor *cursor, RecordBlock *block, Error *err)
{
    block->n = 0;
    Status status = cursor->source->text ? next_text(cursor, block, err) : next_rows(cursor, block, err);
    return status == STATUS_OK ? STATUS_OK : fail(cursor->source, status);
}

/* A JSON string that keeps bytes which are no UTF-8, so that a replay finds them wrong again. */
static void append_json_bytes(Buffer *json, StrView text)
{
    buffer_append_byte(json, '"');
    for (uint32_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20)
            buffer_printf(json, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            buffer_printf(json, "\\%c", c);
        else
            buffer_append_byte(json, c);
    }
    buffer_append_byte(json, '"');
}

void record_cursor_raw(RecordCursor *cursor, const RecordBlock *block, uint32_t row, Buffer *raw)
{
    const RecordSource *source = cursor->source;
    if (source->text) {
        buffer_append(raw, block->raw[row].data, block->raw[row].size);
        return;
    }
    const Schema *schema = parquet_schema(source->parquet);
    buffer_append_byte(raw, '{');
    for (uint32_t i = 0; i < source->n_read; i++) {
        Value value = vector_value(&cursor->texts[i], row);
        if (i)
            buffer_append_byte(raw, ',');
        text_append_json(raw, str_view(schema->fields[source->read[i]].name));
        buffer_append_byte(raw, ':');
        if (value.valid && block->flaws[row] == RECORD_FLAW_INVALID_ENCODING)
            append_json_bytes(raw, value.string);
        else if (value.valid)
            text_append_json(raw, value.string);
        else
            buffer_append_text(raw, "null");
    }
    buffer_append_byte(raw, '}');
}
