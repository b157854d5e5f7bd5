/* Column chunks: where they stand, what is known of them beforehand, and their dictionaries.
 *
 * Both ways to a dictionary, ahead of the data (parquet_read_dictionary) and with it (parquet_row_group_open), must
 * agree on whether the chunk is read by codes and whether its dictionary ends with an entry for NULL.  chunk_facts
 * decides for both, from the footer alone where it has encoding statistics, else from the chunk's page headers. */
#include "parquet/metadata.h"
#include "parquet/page_codec.h"
#include "parquet/reader_internal.h"

#include <stdio.h>
#include <stdlib.h>

Status chunk_error(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, Error *err)
{
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    message[sizeof message - 1] = '\0';
    snprintf(err->message, sizeof err->message, "row group %u: %.*s", row_group, (int)sizeof message - 32, message);
    error_at_column(err, leaf->path);
    return error_at_file(err, file->reader->path);
}

static Status check_readable(const FormatColumnChunk *chunk, const SchemaLeaf *leaf, Error *err)
{
    if (chunk->encrypted)
        return error_set(err, STATUS_UNSUPPORTED, "Parquet encryption (an encrypted column) is not supported");
    if (chunk->file_path.size > 0)
        return error_set(err, STATUS_UNSUPPORTED, "a column chunk in another file is not supported");
    if (!chunk->has_metadata)
        return error_set(err, STATUS_CORRUPT, "the column has no metadata");
    if (chunk->metadata.type != (int32_t)leaf->physical)
        return error_set(err, STATUS_CORRUPT, "the column's type is %s, and the schema says %s",
                         format_type_name(chunk->metadata.type), format_type_name((int32_t)leaf->physical));
    if (leaf->unsupported)
        return error_set(err, STATUS_UNSUPPORTED, "%s is not supported", leaf->unsupported);
    return codec_check(chunk->metadata.codec, err);
}

/* The next number of "1.2.9" and the like, leaving *inout_text behind it and its dot. */
static unsigned long version_part(const char **inout_text)
{
    char *end;
    unsigned long part = strtoul(*inout_text, &end, 10);
    *inout_text = *end == '.' ? end + 1 : end;
    return part;
}

/* parquet-mr before 1.2.9 left the dictionary page's header out of a chunk's size. */
static uint64_t missing_bytes(const ParquetFile *file)
{
    enum { LARGEST_MISSING = 100 };
    static const char writer[] = "parquet-mr";
    static const char version[] = "parquet-mr version ";
    char text[64] = "";
    StrView created_by = file->metadata.created_by;
    if (created_by.size == 0)
        return 0;
    memcpy(text, created_by.data, created_by.size < sizeof text - 1 ? created_by.size : sizeof text - 1);
    if (strncmp(text, writer, sizeof writer - 1) != 0)
        return 0;
    if (strncmp(text, version, sizeof version - 1) != 0)
        return LARGEST_MISSING;
    const char *next = text + sizeof version - 1;
    unsigned long major = version_part(&next), minor = version_part(&next), patch = version_part(&next);
    bool mended = major > 1 || (major == 1 && (minor > 2 || (minor == 2 && patch >= 9)));
    return mended ? 0 : LARGEST_MISSING;
}

Status chunk_range(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, ChunkRange *ret_range,
                   Error *err)
{
    const FormatColumnChunk *chunk = chunk_of(file, row_group, leaf);
    const FormatColumnMetaData *metadata = &chunk->metadata;
    TRY(check_readable(chunk, leaf, err));
    int64_t rows = file->metadata.row_groups[row_group].n_rows;
    if (metadata->n_values < 0 || (leaf->max_repetition == 0 && metadata->n_values != rows))
        return error_set(err, STATUS_CORRUPT, "the column has %lld values for %lld rows", (long long)metadata->n_values,
                         (long long)rows);
    if (metadata->n_values == 0) {
        *ret_range = (ChunkRange){.offset = 4, .size = 0};
        return STATUS_OK;
    }
    int64_t offset = metadata->data_page_offset;
    if (metadata->has_dictionary_page_offset && metadata->dictionary_page_offset > 0 &&
        metadata->dictionary_page_offset < offset)
        offset = metadata->dictionary_page_offset;
    uint64_t size_bytes = file->reader->size_bytes;
    if (offset < 4 || metadata->compressed_bytes <= 0 || (uint64_t)offset > size_bytes ||
        (uint64_t)metadata->compressed_bytes > size_bytes - (uint64_t)offset) {
        error_set(err, STATUS_CORRUPT, "the column's %lld bytes reach beyond the file's %llu bytes",
                  (long long)metadata->compressed_bytes, (unsigned long long)size_bytes);
        return error_at_offset(err, offset);
    }
    ChunkRange range = {.offset = (uint64_t)offset, .size = (uint64_t)metadata->compressed_bytes};
    uint64_t behind = size_bytes - range.offset - range.size;
    uint64_t missing = missing_bytes(file);
    range.size += missing < behind ? missing : behind;
    *ret_range = range;
    return STATUS_OK;
}

bool chunk_has_encoding_stats(const FormatColumnMetaData *metadata)
{
    for (uint32_t i = 0; i < metadata->n_encoding_stats; i++)
        if (metadata->encoding_stats[i].page_type == FORMAT_DATA_PAGE ||
            metadata->encoding_stats[i].page_type == FORMAT_DATA_PAGE_V2)
            return true;
    return false;
}

static bool stats_all_dictionary(const FormatColumnMetaData *metadata)
{
    for (uint32_t i = 0; i < metadata->n_encoding_stats; i++) {
        const FormatPageEncodingStats *stats = &metadata->encoding_stats[i];
        bool data = stats->page_type == FORMAT_DATA_PAGE || stats->page_type == FORMAT_DATA_PAGE_V2;
        if (data && stats->count != 0 && !encoding_is_dictionary(stats->encoding))
            return false;
    }
    return true;
}

/* The same from the headers of the pages that hold the chunk's values. */
static Status walk_pages(const uint8_t *bytes, ChunkRange range, int64_t n_values, bool *ret_all_dictionary, Error *err)
{
    PageCursor cursor;
    uint32_t n_pages = 0;
    bool all = true;
    page_cursor_init(&cursor, bytes, range.size, range.offset);
    while (all && n_values > 0 && !page_cursor_at_end(&cursor)) {
        Page page;
        TRY(page_next(&cursor, &page, err));
        if (page_has_data(&page)) {
            n_pages++;
            n_values -= page.header.n_values;
            all = encoding_is_dictionary(page.header.encoding);
        }
    }
    *ret_all_dictionary = all && n_pages > 0;
    return STATUS_OK;
}

Status chunk_facts(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, const uint8_t *bytes,
                   ChunkRange range, ChunkFacts *ret_facts, Error *err)
{
    const FormatColumnMetaData *metadata = &chunk_of(file, row_group, leaf)->metadata;
    const FormatStatistics *statistics = &metadata->statistics;
    ChunkFacts facts = {.may_have_nulls =
                            leaf->max_definition > 0 && (!statistics->has_null_count || statistics->null_count != 0)};
    if (leaf->type.id == TYPE_NULLTYPE || range.size == 0)
        facts.dictionary_only = false;
    else if (chunk_has_encoding_stats(metadata))
        facts.dictionary_only = stats_all_dictionary(metadata);
    else
        TRY(walk_pages(bytes, range, metadata->n_values, &facts.dictionary_only, err));
    *ret_facts = facts;
    return STATUS_OK;
}

/* Reads the values of a dictionary page, whose bytes are at hand, into *dictionary. */
static Status decode_entries(const ParquetFile *file, const SchemaLeaf *leaf, const uint8_t *bytes, size_t size,
                             uint32_t n, Arena *arena, size_t *inout_reserved, Vector *dictionary, Error *err)
{
    ValueDecoder decoder;
    const void *physical = NULL;
    bool as_they_are = leaf->conversion == CONVERT_NONE;
    size_t scratch_bytes = ((size_t)n + UNPACK_SLACK) * leaf->physical_bytes;
    void *scratch CLEANUP(mem_cleanup) = as_they_are ? NULL : mem_zalloc(scratch_bytes);
    TRY(values_init(&decoder, FORMAT_PLAIN, leaf, bytes, size, err));
    TRY(values_read(&decoder, n, as_they_are ? dictionary->data : scratch, arena, file->budget, inout_reserved,
                    &physical, err));
    return physical == dictionary->data ? STATUS_OK : values_convert(leaf, physical, n, dictionary->data, err);
}

/* No entry of a PLAIN dictionary is smaller than this. */
static size_t smallest_entry_bits(const SchemaLeaf *leaf)
{
    return leaf->physical == FORMAT_BOOLEAN ? 1 : 8 * (leaf->physical == FORMAT_BYTE_ARRAY ? 4 : leaf->physical_bytes);
}

static Status decode_page(const ParquetFile *file, const Page *page, const FormatColumnMetaData *metadata,
                          const SchemaLeaf *leaf, bool with_null, Arena *arena, size_t *inout_reserved,
                          PageBuffer *buffer, size_t *inout_buffer_reserved, Vector **ret_dictionary, Error *err)
{
    const uint8_t *bytes = NULL;
    size_t size = 0;
    uint32_t n = (uint32_t)page->header.n_values;
    if (page->header.encoding != FORMAT_PLAIN && page->header.encoding != FORMAT_PLAIN_DICTIONARY)
        return error_set(err, STATUS_UNSUPPORTED, "a dictionary in the encoding %s is not supported",
                         format_encoding_name(page->header.encoding));
    TRY(page_open_body(page, metadata->codec, buffer, file->budget, inout_buffer_reserved, &bytes, &size, err));
    if (n == UINT32_MAX || (uint64_t)n * smallest_entry_bits(leaf) > (uint64_t)size * 8)
        return error_set(err, STATUS_CORRUPT, "the dictionary's %u entries do not fit its %zu bytes", n, size);
    size_t entries_bytes = ((size_t)n + 1 + UNPACK_SLACK) * type_width(leaf->type);
    bool points_into_page = leaf->type.id == TYPE_STRING || leaf->type.id == TYPE_BINARY;
    TRY(budget_reserve(file->budget, entries_bytes + (points_into_page ? size : 0), "a Parquet dictionary", err));
    *inout_reserved += entries_bytes + (points_into_page ? size : 0);
    if (points_into_page) {
        uint8_t *copy = arena_alloc(arena, size + UNPACK_SLACK);
        memcpy(copy, bytes, size);
        memset(copy + size, 0, UNPACK_SLACK);
        bytes = copy;
    }
    Vector *dictionary = ARENA_NEW(arena, Vector);
    *dictionary = (Vector){.type = leaf->type, .kind = VECTOR_FLAT, .n = n + with_null};
    dictionary->data = arena_zalloc(arena, entries_bytes);
    TRY(decode_entries(file, leaf, bytes, size, n, arena, inout_reserved, dictionary, err));
    if (with_null) {
        dictionary->valid = arena_alloc(arena, (size_t)n + 1);
        memset(dictionary->valid, 1, n);
        dictionary->valid[n] = 0;
        memset((uint8_t *)dictionary->data + n * type_width(leaf->type), 0, type_width(leaf->type));
        if (points_into_page)
            ((StrView *)dictionary->data)[n] = (StrView){"", 0};
    }
    *ret_dictionary = dictionary;
    return STATUS_OK;
}

Status dictionary_decode(const ParquetFile *file, const Page *page, const FormatColumnMetaData *metadata,
                         const SchemaLeaf *leaf, bool with_null, Arena *arena, size_t *inout_reserved,
                         Vector **ret_dictionary, Error *err)
{
    PageBuffer buffer = {0};
    size_t buffer_reserved = 0;
    Status status = decode_page(file, page, metadata, leaf, with_null, arena, inout_reserved, &buffer, &buffer_reserved,
                                ret_dictionary, err);
    page_buffer_done(&buffer);
    budget_release(file->budget, buffer_reserved);
    return status == STATUS_OK ? STATUS_OK : page_error(page, err);
}
