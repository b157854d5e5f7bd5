/* Thrift's compact protocol and the decoders of Parquet's structs over any bytes. */
#include "parquet/metadata.h"
#include "parquet/thrift.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err;
    Arena arena;
    ThriftReader reader;
    FormatFileMetaData file;
    FormatPageHeader header;
    FormatOffsetIndex offsets;
    FormatColumnIndex bounds;
    size_t header_bytes;
    error_init(&err);
    arena_init(&arena);
    if (metadata_decode_file(data, size, 0, &arena, &file, &err) == STATUS_OK)
        CHECK(file.n_schema == 0 || file.schema);
    if (metadata_decode_page_header(data, size, 0, &header, &header_bytes, &err) == STATUS_OK)
        CHECK(header_bytes <= size);
    if (metadata_decode_offset_index(data, size, 0, &arena, &offsets, &err) == STATUS_OK)
        CHECK(offsets.n_pages <= size);
    if (metadata_decode_column_index(data, size, 0, &arena, &bounds, &err) == STATUS_OK)
        CHECK(bounds.n_pages <= size);
    thrift_reader_init(&reader, data, size);
    thrift_skip(&reader, THRIFT_STRUCT);
    CHECK(thrift_read_bytes(&reader) <= size);
    arena_done(&arena);
    return 0;
}
