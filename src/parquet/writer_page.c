/* PageWriter: encoded values become the pages of one column chunk: levels, codec, CRC, header, and what the footer will say
 * about them.
 *
 * The chunk's codec is settled by its first page, since the format has one codec a chunk. */
#include <string.h>

#include <libdeflate.h>
#include <snappy-c.h>
#include <zstd.h>

#include "parquet/writer_internal.h"

#define ZSTD_LEVEL 1
#define SAMPLE_BYTES ((size_t)32 << 10)

void writer_scratch_done(WriterScratch *scratch)
{
    Buffer *buffers[] = {&scratch->levels, &scratch->values, &scratch->joined, &scratch->compressed,
                         &scratch->dense,  &scratch->map,    &scratch->codes};
    for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
        buffer_done(buffers[i]);
    ZSTD_freeCCtx(scratch->zstd);
    scratch->zstd = NULL;
}

void page_writer_init(PageWriter *writer, const WriterColumn *column, const ColumnSettings *settings,
                      WriterScratch *scratch)
{
    memset(writer, 0, sizeof *writer);
    writer->column = column;
    writer->settings = settings;
    writer->scratch = scratch;
    arena_init(&writer->bounds);
}

void page_writer_done(PageWriter *writer)
{
    buffer_done(&writer->dictionary_page);
    buffer_done(&writer->data_pages);
    buffer_done(&writer->records);
    arena_done(&writer->bounds);
}

void page_writer_begin(PageWriter *writer)
{
    buffer_clear(&writer->dictionary_page);
    buffer_clear(&writer->data_pages);
    buffer_clear(&writer->records);
    arena_reset(&writer->bounds);
    writer->codec_settled = false;
    writer->first_row = 0;
    writer->facts = (ChunkFacts){.codec = FORMAT_CODEC_UNCOMPRESSED};
}

/* Compresses `bytes` into scratch->compressed; returns the size. */
static Status compress(PageWriter *writer, const void *bytes, size_t size, size_t *ret_size, Error *err)
{
    WriterScratch *scratch = writer->scratch;
    bool is_zstd = writer->settings->codec == PARQUET_ZSTD;
    size_t room = is_zstd ? ZSTD_compressBound(size) : snappy_max_compressed_length(size);
    buffer_clear(&scratch->compressed);
    uint8_t *place = buffer_reserve(&scratch->compressed, room);
    CHECK(place);
    if (is_zstd) {
        if (!scratch->zstd)
            scratch->zstd = ZSTD_createCCtx();
        if (!scratch->zstd)
            return error_set(err, STATUS_MEMORY, "there is no memory for zstd");
        size_t n = ZSTD_compressCCtx(scratch->zstd, place, room, bytes, size, ZSTD_LEVEL);
        if (ZSTD_isError(n))
            return error_set(err, STATUS_INTERNAL, "zstd failed: %s", ZSTD_getErrorName(n));
        room = n;
    } else if (snappy_compress(bytes, size, (char *)place, &room) != SNAPPY_OK) {
        return error_set(err, STATUS_INTERNAL, "snappy failed");
    }
    *ret_size = room;
    return STATUS_OK;
}

/* The body in one piece. */
static const void *join_body(PageWriter *writer, const Buffer *levels, const void *values, size_t size)
{
    Buffer *joined = &writer->scratch->joined;
    if (levels->size == 0)
        return values;
    buffer_clear(joined);
    buffer_append(joined, levels->data, levels->size);
    buffer_append(joined, values, size);
    return joined->data;
}

/* What `size` bytes of a page must shrink below to be worth the codec.  Snappy is there for speed, and values without a
 * dictionary take it longer to compress than all the rest of writing them: numbers must shrink to two fifths, texts (ids,
 * mostly) to three quarters. */
static size_t worth_compressing(const PageWriter *writer, const FormatPageHeader *header, size_t size)
{
    if (writer->settings->codec != PARQUET_SNAPPY || header->type != FORMAT_DATA_PAGE)
        return size - size / 10;
    if (header->encoding == FORMAT_DELTA_LENGTH_BYTE_ARRAY)
        return size - size / 4;
    return header->encoding == FORMAT_PLAIN && writer->column->physical != FORMAT_BYTE_ARRAY ? size / 5 * 2
                                                                                             : size - size / 10;
}

/* The chunk's codec, by what its first page gains from it: of a large page a piece from its middle is tried. */
static Status settle_codec(PageWriter *writer, const FormatPageHeader *header, const Buffer *levels, const void *values,
                           size_t size, Error *err)
{
    if (writer->codec_settled)
        return STATUS_OK;
    writer->codec_settled = true;
    if (writer->settings->codec == PARQUET_UNCOMPRESSED)
        return STATUS_OK;
    size_t sample = levels->size + size, compressed = 0;
    const void *bytes = NULL;
    if (sample > SAMPLE_BYTES && size > SAMPLE_BYTES) {
        sample = SAMPLE_BYTES;
        bytes = (const uint8_t *)values + (size - sample) / 2;
    } else {
        bytes = join_body(writer, levels, values, size);
    }
    TRY(compress(writer, bytes, sample, &compressed, err));
    if (compressed < worth_compressing(writer, header, sample))
        writer->facts.codec = writer->settings->codec == PARQUET_ZSTD ? FORMAT_CODEC_ZSTD : FORMAT_CODEC_SNAPPY;
    return STATUS_OK;
}

/* Appends a page whose body is `levels` and then `values`; the header's sizes and CRC are filled in here. */
static Status append_page(PageWriter *writer, FormatPageHeader *header, const Buffer *levels, const void *values,
                          size_t size, Buffer *out, Error *err)
{
    WriterScratch *scratch = writer->scratch;
    size_t body = levels->size + size;
    if (body > INT32_MAX - 1)
        return error_set(err, STATUS_DATA, "a page of %zu bytes is larger than the format allows", body);
    header->uncompressed_bytes = header->compressed_bytes = (int32_t)body;
    TRY(settle_codec(writer, header, levels, values, size, err));
    bool is_compressed = writer->facts.codec != FORMAT_CODEC_UNCOMPRESSED;
    if (is_compressed) {
        size_t compressed = 0;
        TRY(compress(writer, join_body(writer, levels, values, size), body, &compressed, err));
        header->compressed_bytes = (int32_t)compressed;
        scratch->compressed.size = compressed;
    }
    header->has_crc = true;
    if (is_compressed) {
        header->crc = libdeflate_crc32(0, scratch->compressed.data, scratch->compressed.size);
    } else {
        header->crc = levels->size ? libdeflate_crc32(0, levels->data, levels->size) : 0;
        if (size) /* the library takes NULL for a request to start over */
            header->crc = libdeflate_crc32(header->crc, values, size);
    }
    size_t before = out->size;
    writer_page_header(header, out);
    writer->facts.uncompressed_bytes += out->size - before + body;
    if (is_compressed) {
        buffer_append(out, scratch->compressed.data, scratch->compressed.size);
    } else {
        buffer_append(out, levels->data, levels->size);
        buffer_append(out, values, size);
    }
    writer->facts.compressed_bytes += out->size - before;
    return STATUS_OK;
}

/* Definition levels of the rows: with NULLs from the validity bytes, without them as one run. */
static void encode_validity(PageWriter *writer, const uint8_t *valid, uint32_t n_rows, uint32_t n_nulls)
{
    Buffer *levels = &writer->scratch->levels;
    buffer_clear(levels);
    if (writer->column->max_definition == 0)
        return;
    buffer_append(levels, "\0\0\0\0", 4);
    if (n_nulls == 0 || n_nulls == n_rows)
        encoder_repeat(n_nulls == 0, n_rows, 1, levels);
    else
        encoder_hybrid(valid, 1, n_rows, 1, levels);
    uint32_t size = (uint32_t)levels->size - 4;
    memcpy(levels->data, &size, 4);
}

/* Appends levels with their length ahead. */
static void append_levels(const uint8_t *levels, uint32_t n, uint32_t max_level, Buffer *out)
{
    size_t start = out->size;
    buffer_append(out, "\0\0\0\0", 4);
    encoder_hybrid(levels, 1, n, encoder_bits(max_level + 1), out);
    uint32_t size = (uint32_t)(out->size - start - 4);
    memcpy(out->data + start, &size, 4);
}

static void record_bounds(PageWriter *writer, const PageValues *values, PageRecord *record)
{
    CLEANUP(buffer_done) Buffer bytes = {0};
    bool known = values->has_bounds && encoder_bound(&values->min, false, &bytes, &record->min_exact);
    size_t min_size = bytes.size;
    known = known && encoder_bound(&values->max, true, &bytes, &record->max_exact);
    record->has_bounds = known;
    if (!known)
        return;
    char *copy = arena_memdup(&writer->bounds, bytes.data, bytes.size);
    record->min = (StrView){copy, (uint32_t)min_size};
    record->max = (StrView){copy + min_size, (uint32_t)(bytes.size - min_size)};
}

/* Appends the page whose levels are in scratch->levels. */
static Status append_data_page(PageWriter *writer, const PageValues *values, uint32_t n_values, uint32_t n_nulls,
                               uint32_t n_rows, Error *err)
{
    FormatPageHeader header = {.type = FORMAT_DATA_PAGE,
                               .n_values = (int32_t)n_values,
                               .encoding = values->encoding,
                               .definition_encoding = FORMAT_RLE,
                               .repetition_encoding = FORMAT_RLE};
    PageRecord record = {
        .offset = writer->data_pages.size, .first_row = writer->first_row, .n_values = n_values, .n_nulls = n_nulls};
    TRY(append_page(writer, &header, &writer->scratch->levels, values->bytes, values->size, &writer->data_pages, err));
    record.bytes = (uint32_t)(writer->data_pages.size - record.offset);
    record_bounds(writer, values, &record);
    buffer_append(&writer->records, &record, sizeof record);
    writer->first_row += n_rows;
    writer->facts.n_pages++;
    writer->facts.n_dictionary_coded_pages += values->encoding == FORMAT_RLE_DICTIONARY;
    writer->facts.n_delta_coded_pages += values->encoding == FORMAT_DELTA_LENGTH_BYTE_ARRAY;
    writer->facts.n_values += n_values;
    writer->facts.n_nulls += n_nulls;
    return STATUS_OK;
}

Status page_writer_data(PageWriter *writer, const PageValues *values, const uint8_t *valid, uint32_t n_rows,
                        uint32_t n_nulls, Error *err)
{
    encode_validity(writer, valid, n_rows, n_nulls);
    return append_data_page(writer, values, n_rows, n_nulls, n_rows, err);
}

Status page_writer_nested_data(PageWriter *writer, const PageValues *values, const PageLevels *levels, uint32_t n_rows,
                               Error *err)
{
    Buffer *out = &writer->scratch->levels;
    buffer_clear(out);
    if (writer->column->max_repetition)
        append_levels(levels->repetition, levels->n, writer->column->max_repetition, out);
    if (writer->column->max_definition)
        append_levels(levels->definition, levels->n, writer->column->max_definition, out);
    return append_data_page(writer, values, levels->n, levels->n_nulls, n_rows, err);
}

const ChunkFacts *page_writer_facts(PageWriter *writer)
{
    writer->facts.pages = (PageRecord *)(void *)writer->records.data;
    return &writer->facts;
}

Status page_writer_dictionary(PageWriter *writer, const void *entries, uint32_t n, Error *err)
{
    Buffer *bytes = &writer->scratch->values;
    buffer_clear(bytes);
    encoder_plain(writer->column->type, entries, n, bytes);
    FormatPageHeader header = {.type = FORMAT_DICTIONARY_PAGE, .n_values = (int32_t)n, .encoding = FORMAT_PLAIN};
    Buffer none = {0};
    TRY(append_page(writer, &header, &none, bytes->data, bytes->size, &writer->dictionary_page, err));
    writer->facts.dictionary_bytes = writer->dictionary_page.size;
    return STATUS_OK;
}
