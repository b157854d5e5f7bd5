/* Pages (parquet.thrift: PageHeader; README of the format: data pages).
 *
 * A data page v1 is repetition levels, definition levels (each behind its length in four bytes, and only where the
 * highest level is above 0) and values, compressed together.  In v2 the levels stand first, uncompressed, with their
 * lengths in the header, and only the values are compressed.  The checksum covers the bytes as they are stored. */
#include "parquet/page.h"

#include <libdeflate.h>
#include <stdio.h>

#include "parquet/metadata.h"
#include "parquet/page_codec.h"

void page_cursor_init(PageCursor *cursor, const uint8_t *bytes, size_t size, uint64_t file_offset)
{
    *cursor = (PageCursor){.bytes = bytes, .size = size, .file_offset = file_offset};
}

Status page_error(const Page *page, Error *err)
{
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    message[sizeof message - 1] = '\0';
    snprintf(err->message, sizeof err->message, "page %u: %.*s", page->ordinal, (int)sizeof message - 32, message);
    return error_at_offset(err, (int64_t)page->offset);
}

/* What is wrong with a header, its body having `left` bytes of room; NULL when nothing is. */
static const char *header_problem(const FormatPageHeader *header, size_t left)
{
    if (header->compressed_bytes < 0 || header->uncompressed_bytes < 0)
        return "its size is negative";
    if ((size_t)header->compressed_bytes > left)
        return "it reaches beyond the end of its column chunk";
    if (header->n_values < 0)
        return "its number of values is negative";
    bool known = header->type == FORMAT_DATA_PAGE || header->type == FORMAT_DATA_PAGE_V2 ||
                 header->type == FORMAT_DICTIONARY_PAGE;
    if (known && !header->has_details)
        return "its header lacks the part for its page type";
    if (header->type == FORMAT_DATA_PAGE_V2 &&
        (header->definition_bytes < 0 || header->repetition_bytes < 0 ||
         (int64_t)header->definition_bytes + header->repetition_bytes > header->compressed_bytes ||
         (int64_t)header->definition_bytes + header->repetition_bytes > header->uncompressed_bytes))
        return "its levels reach beyond its end";
    return NULL;
}

Status page_next(PageCursor *cursor, Page *ret_page, Error *err)
{
    Page page = {.offset = cursor->file_offset + cursor->position, .ordinal = cursor->n_pages};
    size_t header_bytes;
    size_t left = cursor->size - cursor->position;
    if (metadata_decode_page_header(cursor->bytes + cursor->position, left, page.offset, &page.header, &header_bytes,
                                    err) != STATUS_OK)
        return page_error(&page, err);
    const char *problem = header_problem(&page.header, left - header_bytes);
    if (problem) {
        error_set(err, STATUS_CORRUPT, "%s", problem);
        return page_error(&page, err);
    }
    page.body = cursor->bytes + cursor->position + header_bytes;
    cursor->position += header_bytes + (size_t)page.header.compressed_bytes;
    cursor->n_pages++;
    *ret_page = page;
    return STATUS_OK;
}

static Status check_crc(const Page *page, Error *err)
{
    if (!page->header.has_crc)
        return STATUS_OK;
    uint32_t crc = libdeflate_crc32(0, page->body, (size_t)page->header.compressed_bytes);
    if (crc == page->header.crc)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "its checksum is %08x, and its header says %08x", crc, page->header.crc);
    return error_hint(err, "the file was damaged after it was written: fetch or make it again");
}

void page_buffer_done(PageBuffer *buffer)
{
    mem_free(buffer->data);
    *buffer = (PageBuffer){0};
}

Status page_buffer_reserve(PageBuffer *buffer, size_t size, MemoryBudget *budget, size_t *inout_reserved, Error *err)
{
    if (size <= buffer->capacity)
        return STATUS_OK;
    TRY(budget_reserve(budget, size - buffer->capacity, "a Parquet page", err));
    *inout_reserved += size - buffer->capacity;
    mem_free(buffer->data);
    buffer->data = mem_alloc(size + UNPACK_SLACK);
    memset(buffer->data + size, 0, UNPACK_SLACK);
    buffer->capacity = size;
    return STATUS_OK;
}

static Status decompress(int32_t codec, const uint8_t *in, size_t in_size, size_t out_size, PageBuffer *buffer,
                         MemoryBudget *budget, size_t *inout_reserved, Error *err)
{
    TRY(codec_check(codec, err));
    if (!codec_plausible(codec, in_size, out_size))
        return error_set(err, STATUS_CORRUPT, "%zu bytes of %s cannot hold the %zu bytes that its header promises",
                         in_size, format_codec_name(codec), out_size);
    TRY(page_buffer_reserve(buffer, out_size ? out_size : 1, budget, inout_reserved, err));
    return out_size ? codec_decompress(codec, in, in_size, buffer->data, out_size, err) : STATUS_OK;
}

Status page_open_body(const Page *page, int32_t codec, PageBuffer *buffer, MemoryBudget *budget, size_t *inout_reserved,
                      const uint8_t **ret_bytes, size_t *ret_size, Error *err)
{
    size_t stored = (size_t)page->header.compressed_bytes;
    TRY(check_crc(page, err));
    if (codec == FORMAT_CODEC_UNCOMPRESSED) {
        *ret_bytes = page->body;
        *ret_size = stored;
        return STATUS_OK;
    }
    size_t size = (size_t)page->header.uncompressed_bytes;
    TRY(decompress(codec, page->body, stored, size, buffer, budget, inout_reserved, err));
    *ret_bytes = buffer->data;
    *ret_size = size;
    return STATUS_OK;
}

/* Levels of a data page v1: behind a length in four bytes. */
static Status take_levels_v1(const uint8_t **inout_bytes, size_t *inout_size, uint32_t max_level, int32_t encoding,
                             const char *what, HybridDecoder *ret_levels, Error *err)
{
    uint32_t size;
    if (max_level == 0)
        return STATUS_OK;
    if (encoding != FORMAT_RLE)
        return error_set(err, STATUS_UNSUPPORTED, "%s levels in the encoding %s are not supported", what,
                         format_encoding_name(encoding));
    if (*inout_size < sizeof size)
        return error_set(err, STATUS_CORRUPT, "it ends within its %s levels", what);
    memcpy(&size, *inout_bytes, sizeof size);
    if (size > *inout_size - sizeof size)
        return error_set(err, STATUS_CORRUPT, "its %s levels reach beyond its end", what);
    hybrid_init(ret_levels, *inout_bytes + sizeof size, size, bits_for(max_level));
    *inout_bytes += sizeof size + size;
    *inout_size -= sizeof size + size;
    return STATUS_OK;
}

static Status open_v1(const Page *page, int32_t codec, const SchemaLeaf *leaf, PageBuffer *buffer, MemoryBudget *budget,
                      size_t *inout_reserved, PageContent *content, Error *err)
{
    const uint8_t *bytes = NULL;
    size_t size = 0;
    TRY(page_open_body(page, codec, buffer, budget, inout_reserved, &bytes, &size, err));
    TRY(take_levels_v1(&bytes, &size, leaf->max_repetition, page->header.repetition_encoding, "repetition",
                       &content->repetition, err));
    TRY(take_levels_v1(&bytes, &size, leaf->max_definition, page->header.definition_encoding, "definition",
                       &content->definition, err));
    content->values = bytes;
    content->values_bytes = size;
    return STATUS_OK;
}

static Status open_v2(const Page *page, int32_t codec, const SchemaLeaf *leaf, PageBuffer *buffer, MemoryBudget *budget,
                      size_t *inout_reserved, PageContent *content, Error *err)
{
    const FormatPageHeader *header = &page->header;
    size_t repetition = (size_t)header->repetition_bytes, definition = (size_t)header->definition_bytes;
    size_t levels = repetition + definition;
    TRY(check_crc(page, err));
    hybrid_init(&content->repetition, page->body, repetition, bits_for(leaf->max_repetition));
    hybrid_init(&content->definition, page->body + repetition, definition, bits_for(leaf->max_definition));
    content->all_defined = header->n_nulls == 0 && leaf->max_repetition == 0;
    content->values = page->body + levels;
    content->values_bytes = (size_t)header->compressed_bytes - levels;
    if (codec == FORMAT_CODEC_UNCOMPRESSED || !header->is_compressed)
        return STATUS_OK;
    size_t size = (size_t)header->uncompressed_bytes - levels;
    TRY(decompress(codec, content->values, content->values_bytes, size, buffer, budget, inout_reserved, err));
    content->values = buffer->data;
    content->values_bytes = size;
    return STATUS_OK;
}

Status page_open_data(const Page *page, int32_t codec, const SchemaLeaf *leaf, PageBuffer *buffer, MemoryBudget *budget,
                      size_t *inout_reserved, PageContent *ret_content, Error *err)
{
    PageContent content = {.n_values = (uint32_t)page->header.n_values,
                           .encoding = (FormatEncoding)page->header.encoding};
    Status status = page->header.type == FORMAT_DATA_PAGE
                        ? open_v1(page, codec, leaf, buffer, budget, inout_reserved, &content, err)
                        : open_v2(page, codec, leaf, buffer, budget, inout_reserved, &content, err);
    if (status != STATUS_OK)
        return page_error(page, err);
    if (leaf->max_definition == 0 || hybrid_run_of(&content.definition, leaf->max_definition) >= content.n_values)
        content.all_defined = true;
    *ret_content = content;
    return STATUS_OK;
}
