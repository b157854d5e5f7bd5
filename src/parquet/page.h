/* Pages of one column chunk: headers, checksums, decompression, and where levels and values stand.
 *
 * Call order: page_cursor_init -> page_next until page_cursor_at_end; for each data page wanted page_open_data, for the
 * dictionary page page_open_body.  Errors name the page by its ordinal in the chunk and its offset in the file. */
#ifndef FREIGHTLAKE_PARQUET_PAGE_H
#define FREIGHTLAKE_PARQUET_PAGE_H

#include "parquet/encoding_hybrid.h"
#include "parquet/metadata_schema.h"

typedef struct PageCursor {
    const uint8_t *bytes; /* the chunk's, followed by UNPACK_SLACK readable bytes */
    size_t size;
    size_t position;
    uint64_t file_offset; /* of bytes[0] */
    uint32_t n_pages;     /* passed so far */
} PageCursor;

typedef struct Page {
    FormatPageHeader header;
    const uint8_t *body; /* header.compressed_bytes of it */
    uint64_t offset;     /* of the header, in the file */
    uint32_t ordinal;    /* in the chunk, from 0 */
} Page;

/* Grow-only memory for decompressed pages, with UNPACK_SLACK bytes behind `capacity`. */
typedef struct PageBuffer {
    uint8_t *data;
    size_t capacity;
} PageBuffer;

/* Where the parts of a data page stand. */
typedef struct PageContent {
    uint32_t n_values; /* NULLs included */
    FormatEncoding encoding;
    bool all_defined; /* every definition level is the highest */
    HybridDecoder repetition;
    HybridDecoder definition;
    const uint8_t *values;
    size_t values_bytes;
} PageContent;

void page_cursor_init(PageCursor *cursor, const uint8_t *bytes, size_t size, uint64_t file_offset);
static inline bool page_cursor_at_end(const PageCursor *cursor)
{
    return cursor->position >= cursor->size;
}
/* The next page of any type, its sizes checked against the chunk. */
Status page_next(PageCursor *cursor, Page *ret_page, Error *err) MUST_CHECK;
static inline bool page_has_data(const Page *page)
{
    return page->header.type == FORMAT_DATA_PAGE || page->header.type == FORMAT_DATA_PAGE_V2;
}
static inline bool encoding_is_dictionary(int32_t encoding)
{
    return encoding == FORMAT_PLAIN_DICTIONARY || encoding == FORMAT_RLE_DICTIONARY;
}

/* Checks the checksum, and gives the page's bytes: where they stand when they are not compressed, else in `buffer`,
 * whose growth is reserved from `budget` and counted in *inout_reserved.  The caller adds page_error. */
Status page_open_body(const Page *page, int32_t codec, PageBuffer *buffer, MemoryBudget *budget, size_t *inout_reserved,
                      const uint8_t **ret_bytes, size_t *ret_size, Error *err) MUST_CHECK;
Status page_open_data(const Page *page, int32_t codec, const SchemaLeaf *leaf, PageBuffer *buffer, MemoryBudget *budget,
                      size_t *inout_reserved, PageContent *ret_content, Error *err) MUST_CHECK;
/* Puts "page N: " in front of the message and adds the page's offset. */
Status page_error(const Page *page, Error *err);

Status page_buffer_reserve(PageBuffer *buffer, size_t size, MemoryBudget *budget, size_t *inout_reserved, Error *err)
    MUST_CHECK;
void page_buffer_done(PageBuffer *buffer);

#endif
