/* SingleRecord; see single_record.h. */
#include "ingest/single_record.h"

#include "ingest/convert.h"
#include "ingest/raw.h"
#include "text/text_source.h"

typedef struct Header {
    const char *hash;
    const char *line; /* with its LF */
} Header;

struct SingleRecord {
    const Lake *lake;
    const Mapping *mapping;
    Arena arena;
    TextFormat format; /* of one record behind its header */
    const char *names[SHIPMENT_COLUMN_COUNT];
    uint32_t n_names;
    Header *headers;
    uint32_t n_headers, headers_capacity;
    RecordBlock block;
    TextPiece piece;
    Buffer text;
};

Status single_record_new(const Lake *lake, const Mapping *mapping, SingleRecord **ret_single, Error *err)
{
    (void)err;
    SingleRecord *single = mem_zalloc(sizeof *single);
    single->lake = lake;
    single->mapping = mapping;
    arena_init(&single->arena);
    buffer_init(&single->text, 0);
    single->format = mapping->format;
    single->format.kind = mapping->input == INPUT_CSV ? TEXT_CSV : TEXT_NDJSON;
    single->format.encoding = TEXT_UTF8;
    single->format.skip_lines = 0;
    single->format.header = true;
    single->n_names = converter_sources(mapping, single->names);
    record_block_init(&single->block, single->n_names);
    *ret_single = single;
    return STATUS_OK;
}

void single_record_free(SingleRecord *single)
{
    if (!single)
        return;
    record_block_done(&single->block);
    text_piece_done(&single->piece);
    buffer_done(&single->text);
    mem_free(single->headers);
    arena_done(&single->arena);
    mem_free(single);
}

static void append_name(Buffer *line, const TextFormat *format, StrView name)
{
    if (!format->quote) {
        buffer_append(line, name.data, name.size);
        return;
    }
    buffer_append_byte(line, (uint8_t)format->quote);
    for (uint32_t i = 0; i < name.size; i++) {
        buffer_append_byte(line, (uint8_t)name.data[i]);
        if (name.data[i] == format->quote)
            buffer_append_byte(line, (uint8_t)format->quote);
    }
    buffer_append_byte(line, (uint8_t)format->quote);
}

static Status read_header(SingleRecord *single, const char *hash, const char **ret_line, Error *err)
{
    RawFile raw;
    StorageReader *reader;
    TextSource *source;
    TRY(raw_find(single->lake, single->mapping->client, hash, &single->arena, &raw, err));
    TRY(storage_open(raw.path, &reader, err));
    TRY(text_source_open(reader, &single->mapping->format, &source, err));
    uint32_t n;
    const StrView *columns = text_source_columns(source, &n);
    Buffer line;
    buffer_init(&line, 0);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buffer_append_byte(&line, (uint8_t)single->format.delimiter);
        append_name(&line, &single->format, columns[i]);
    }
    buffer_append_byte(&line, '\n');
    *ret_line = arena_memdup(&single->arena, line.data, line.size);
    buffer_done(&line);
    text_source_close(source);
    return STATUS_OK;
}

Status single_record_header(SingleRecord *single, StrView source_hash, const char **ret_header, Error *err)
{
    *ret_header = "";
    if (single->format.kind != TEXT_CSV)
        return STATUS_OK;
    for (uint32_t i = single->n_headers; i-- > 0;)
        if (str_equal(str_view(single->headers[i].hash), source_hash)) {
            *ret_header = single->headers[i].line;
            return STATUS_OK;
        }
    if (single->n_headers == single->headers_capacity) {
        single->headers_capacity = single->headers_capacity ? single->headers_capacity * 2 : 8;
        single->headers = mem_realloc(single->headers, sizeof(Header) * single->headers_capacity);
    }
    Header *header = &single->headers[single->n_headers];
    header->hash = arena_memdup(&single->arena, source_hash.data, source_hash.size);
    TRY(read_header(single, header->hash, &header->line, err));
    single->n_headers++;
    *ret_header = header->line;
    return STATUS_OK;
}

static Status read_block(SingleRecord *single, TextSource *source, Error *err)
{
    TextReader *reader;
    bool more;
    TRY(text_reader_new(source, single->names, single->n_names, &reader, err));
    Status status = STATUS_OK;
    single->block.n = 0;
    while (single->block.n == 0) {
        status = text_source_next(source, &single->piece, &more, err);
        if (status != STATUS_OK || !more)
            break;
        text_reader_start(reader, &single->piece);
        text_reader_next(reader, &single->block);
    }
    text_reader_free(reader);
    return status;
}

/* What is no record at all when it stands alone (blank) has all its fields missing. */
static void make_empty(SingleRecord *single, StrView raw)
{
    single->block.n = 1;
    single->block.flaws[0] = RECORD_FLAW_COLUMN_COUNT;
    single->block.raw[0] = raw;
    for (uint32_t f = 0; f < single->n_names; f++)
        single->block.fields[(size_t)f * RECORD_BLOCK_ROWS] = (StrView){NULL, 0};
}

Status single_record_read(SingleRecord *single, StrView source_hash, StrView raw, int64_t line, RecordBlock **ret_block,
                          Error *err)
{
    const char *header;
    TextSource *source;
    TRY(single_record_header(single, source_hash, &header, err));
    buffer_clear(&single->text);
    buffer_append_text(&single->text, header);
    buffer_append(&single->text, raw.data, raw.size);
    TRY(text_source_memory((const char *)single->text.data, single->text.size, &single->format, 1, &source, err));
    Status status = read_block(single, source, err);
    text_source_close(source);
    if (status != STATUS_OK)
        return status;
    if (single->block.n == 0)
        make_empty(single, raw);
    if (single->block.n > 1) { /* an unclosed quote that held line ends: what is behind the first line is not its own */
        single->block.n = 1;
        single->block.flaws[0] = RECORD_FLAW_UNCLOSED_QUOTE;
    }
    single->block.lines[0] = line;
    single->block.raw[0] = raw;
    *ret_block = &single->block;
    return STATUS_OK;
}
