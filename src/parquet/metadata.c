/* Decoders of Parquet's thrift structs (parquet.thrift of the format's specification).
 *
 * One function a struct, each a loop over its fields; unknown fields are skipped, as the format asks.  The decoder's
 * state is the thrift cursor with its sticky failure, so no function here returns a Status: the four entry points check
 * once at the end. */
#include "parquet/metadata.h"

#include "parquet/thrift.h"

/* Legitimate metadata grows about tenfold from thrift to structs. */
#define ARENA_BYTES_PER_BYTE 48
#define ARENA_BYTES_FREE ((size_t)64 << 10)

typedef struct Decoder {
    ThriftReader thrift;
    Arena *arena;
    size_t arena_bytes_left;
} Decoder;

static void decoder_init(Decoder *decoder, const uint8_t *bytes, size_t size, Arena *arena)
{
    thrift_reader_init(&decoder->thrift, bytes, size);
    decoder->arena = arena;
    decoder->arena_bytes_left = size < SIZE_MAX / ARENA_BYTES_PER_BYTE / 2 ? size * ARENA_BYTES_PER_BYTE : SIZE_MAX / 2;
    decoder->arena_bytes_left += ARENA_BYTES_FREE;
}

/* A zeroed array for a list of n elements; fails, with an array of one, where the bytes do not warrant it. */
static void *new_array(Decoder *decoder, uint32_t *inout_n, size_t element_bytes)
{
    size_t bytes = (size_t)*inout_n * element_bytes;
    if (bytes > decoder->arena_bytes_left) {
        thrift_fail(&decoder->thrift, "a list has more elements than its bytes warrant");
        *inout_n = 0;
        bytes = element_bytes;
    }
    decoder->arena_bytes_left -= bytes < decoder->arena_bytes_left ? bytes : decoder->arena_bytes_left;
    return arena_zalloc(decoder->arena, bytes);
}

static const int32_t *decode_i32_list(Decoder *decoder, ThriftType type, uint32_t *ret_n)
{
    uint32_t n = thrift_read_list(&decoder->thrift, type, THRIFT_I32);
    int32_t *values = new_array(decoder, &n, sizeof *values);
    for (uint32_t i = 0; i < n; i++)
        values[i] = thrift_read_i32(&decoder->thrift, THRIFT_I32);
    *ret_n = n;
    return values;
}

static const int64_t *decode_i64_list(Decoder *decoder, ThriftType type, uint32_t *ret_n)
{
    uint32_t n = thrift_read_list(&decoder->thrift, type, THRIFT_I64);
    int64_t *values = new_array(decoder, &n, sizeof *values);
    for (uint32_t i = 0; i < n; i++)
        values[i] = thrift_read_i64(&decoder->thrift, THRIFT_I64);
    *ret_n = n;
    return values;
}

static const StrView *decode_text_list(Decoder *decoder, ThriftType type, uint32_t *ret_n)
{
    uint32_t n = thrift_read_list(&decoder->thrift, type, THRIFT_BINARY);
    StrView *values = new_array(decoder, &n, sizeof *values);
    for (uint32_t i = 0; i < n; i++)
        values[i] = thrift_read_binary(&decoder->thrift, THRIFT_BINARY);
    *ret_n = n;
    return values;
}

static const bool *decode_bool_list(Decoder *decoder, ThriftType type, uint32_t *ret_n)
{
    uint32_t n = thrift_read_list(&decoder->thrift, type, THRIFT_TRUE);
    bool *values = new_array(decoder, &n, sizeof *values);
    for (uint32_t i = 0; i < n; i++)
        values[i] = thrift_read_bool_element(&decoder->thrift);
    *ret_n = n;
    return values;
}

/* A list of structs: decodes each into one element of a new array. */
#define DECODE_STRUCT_LIST(decoder, type, Type, decode_element, ret_n, ret_array)                                      \
    do {                                                                                                               \
        uint32_t list_n_ = thrift_read_list(&(decoder)->thrift, (type), THRIFT_STRUCT);                                \
        Type *list_array_ = new_array((decoder), &list_n_, sizeof *list_array_);                                       \
        for (uint32_t list_i_ = 0; list_i_ < list_n_ && !(decoder)->thrift.failure; list_i_++)                         \
            decode_element((decoder), &list_array_[list_i_]);                                                          \
        (ret_n) = list_n_;                                                                                             \
        (ret_array) = list_array_;                                                                                     \
    } while (0)

/* The member that a union (a struct with one field) holds; 0 when it is empty.  Members' own fields are skipped. */
static int32_t decode_union_member(Decoder *decoder, ThriftType type)
{
    ThriftReader *thrift = &decoder->thrift;
    int32_t member = 0;
    if (!thrift_expect_struct(thrift, type))
        return 0;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields)) {
        member = fields.id;
        thrift_skip(thrift, fields.type);
    }
    thrift_read_struct_end(thrift);
    return member;
}

static void decode_logical_decimal(Decoder *decoder, FormatLogicalType *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->scale = thrift_read_i32(thrift, fields.type);
            break;
        case 2:
            ret->precision = thrift_read_i32(thrift, fields.type);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_logical_time(Decoder *decoder, FormatLogicalType *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->adjusted_to_utc = thrift_read_bool(thrift, fields.type);
            break;
        case 2:
            ret->unit = (FormatTimeUnit)decode_union_member(decoder, fields.type);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_logical_integer(Decoder *decoder, FormatLogicalType *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->bit_width = thrift_read_byte(thrift, fields.type);
            break;
        case 2:
            ret->is_signed = thrift_read_bool(thrift, fields.type);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_logical_type(Decoder *decoder, ThriftType type, FormatLogicalType *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    if (!thrift_expect_struct(thrift, type))
        return;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields)) {
        ret->id = (FormatLogicalId)fields.id;
        bool is_struct = fields.type == THRIFT_STRUCT;
        if (is_struct && fields.id == FORMAT_LOGICAL_DECIMAL)
            decode_logical_decimal(decoder, ret);
        else if (is_struct && (fields.id == FORMAT_LOGICAL_TIME || fields.id == FORMAT_LOGICAL_TIMESTAMP))
            decode_logical_time(decoder, ret);
        else if (is_struct && fields.id == FORMAT_LOGICAL_INTEGER)
            decode_logical_integer(decoder, ret);
        else
            thrift_skip(thrift, fields.type);
    }
    thrift_read_struct_end(thrift);
}

static void decode_schema_element(Decoder *decoder, FormatSchemaElement *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    *ret = (FormatSchemaElement){.converted = FORMAT_CONVERTED_NONE};
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->has_type = true;
            ret->type = (FormatType)thrift_read_i32(thrift, fields.type);
            break;
        case 2:
            ret->type_length = thrift_read_i32(thrift, fields.type);
            break;
        case 3:
            ret->repetition = (FormatRepetition)thrift_read_i32(thrift, fields.type);
            break;
        case 4:
            ret->name = thrift_read_binary(thrift, fields.type);
            break;
        case 5:
            ret->n_children = thrift_read_i32(thrift, fields.type);
            break;
        case 6:
            ret->converted = (FormatConvertedType)thrift_read_i32(thrift, fields.type);
            break;
        case 7:
            ret->scale = thrift_read_i32(thrift, fields.type);
            break;
        case 8:
            ret->precision = thrift_read_i32(thrift, fields.type);
            break;
        case 9:
            ret->has_field_id = true;
            ret->field_id = thrift_read_i32(thrift, fields.type);
            break;
        case 10:
            decode_logical_type(decoder, fields.type, &ret->logical);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_statistics_field(ThriftReader *thrift, const ThriftStruct *fields, FormatStatistics *ret)
{
    switch (fields->id) {
    case 1:
        ret->old_max = thrift_read_binary(thrift, fields->type);
        ret->has_old_min_max = true;
        break;
    case 2:
        ret->old_min = thrift_read_binary(thrift, fields->type);
        ret->has_old_min_max = true;
        break;
    case 3:
        ret->null_count = thrift_read_i64(thrift, fields->type);
        ret->has_null_count = true;
        break;
    case 4:
        ret->distinct_count = thrift_read_i64(thrift, fields->type);
        ret->has_distinct_count = true;
        break;
    case 5:
        ret->max_value = thrift_read_binary(thrift, fields->type);
        ret->has_max_value = true;
        break;
    case 6:
        ret->min_value = thrift_read_binary(thrift, fields->type);
        ret->has_min_value = true;
        break;
    case 7:
        ret->max_is_exact = thrift_read_bool(thrift, fields->type);
        break;
    case 8:
        ret->min_is_exact = thrift_read_bool(thrift, fields->type);
        break;
    default:
        thrift_skip(thrift, fields->type);
    }
}

static void decode_statistics(Decoder *decoder, ThriftType type, FormatStatistics *ret)
{
    if (!thrift_expect_struct(&decoder->thrift, type))
        return;
    *ret = (FormatStatistics){0};
    ThriftStruct fields;
    thrift_read_struct_begin(&decoder->thrift, &fields);
    while (thrift_read_field(&decoder->thrift, &fields))
        decode_statistics_field(&decoder->thrift, &fields, ret);
    thrift_read_struct_end(&decoder->thrift);
}

static void decode_page_encoding_stats(Decoder *decoder, FormatPageEncodingStats *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->page_type = thrift_read_i32(thrift, fields.type);
            break;
        case 2:
            ret->encoding = thrift_read_i32(thrift, fields.type);
            break;
        case 3:
            ret->count = thrift_read_i32(thrift, fields.type);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_column_metadata_field(Decoder *decoder, const ThriftStruct *fields, FormatColumnMetaData *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    switch (fields->id) {
    case 1:
        ret->type = thrift_read_i32(thrift, fields->type);
        break;
    case 2:
        ret->encodings = decode_i32_list(decoder, fields->type, &ret->n_encodings);
        break;
    case 3:
        ret->path = decode_text_list(decoder, fields->type, &ret->n_path);
        break;
    case 4:
        ret->codec = thrift_read_i32(thrift, fields->type);
        break;
    case 5:
        ret->n_values = thrift_read_i64(thrift, fields->type);
        break;
    case 6:
        ret->uncompressed_bytes = thrift_read_i64(thrift, fields->type);
        break;
    case 7:
        ret->compressed_bytes = thrift_read_i64(thrift, fields->type);
        break;
    case 9:
        ret->data_page_offset = thrift_read_i64(thrift, fields->type);
        break;
    case 11:
        ret->dictionary_page_offset = thrift_read_i64(thrift, fields->type);
        ret->has_dictionary_page_offset = true;
        break;
    case 12:
        decode_statistics(decoder, fields->type, &ret->statistics);
        break;
    case 13:
        ret->has_encoding_stats = true;
        DECODE_STRUCT_LIST(decoder, fields->type, FormatPageEncodingStats, decode_page_encoding_stats,
                           ret->n_encoding_stats, ret->encoding_stats);
        break;
    case 14:
        ret->bloom_filter_offset = thrift_read_i64(thrift, fields->type);
        break;
    default:
        thrift_skip(thrift, fields->type);
    }
}

static void decode_column_metadata(Decoder *decoder, ThriftType type, FormatColumnMetaData *ret)
{
    if (!thrift_expect_struct(&decoder->thrift, type))
        return;
    ThriftStruct fields;
    thrift_read_struct_begin(&decoder->thrift, &fields);
    while (thrift_read_field(&decoder->thrift, &fields))
        decode_column_metadata_field(decoder, &fields, ret);
    thrift_read_struct_end(&decoder->thrift);
}

static void decode_column_chunk(Decoder *decoder, FormatColumnChunk *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->file_path = thrift_read_binary(thrift, fields.type);
            break;
        case 3:
            decode_column_metadata(decoder, fields.type, &ret->metadata);
            ret->has_metadata = true;
            break;
        case 4:
            ret->offset_index_offset = thrift_read_i64(thrift, fields.type);
            break;
        case 5:
            ret->offset_index_bytes = thrift_read_i32(thrift, fields.type);
            break;
        case 6:
            ret->column_index_offset = thrift_read_i64(thrift, fields.type);
            break;
        case 7:
            ret->column_index_bytes = thrift_read_i32(thrift, fields.type);
            break;
        case 8:
        case 9:
            ret->encrypted = true;
            thrift_skip(thrift, fields.type);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_row_group(Decoder *decoder, FormatRowGroup *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            DECODE_STRUCT_LIST(decoder, fields.type, FormatColumnChunk, decode_column_chunk, ret->n_columns,
                               ret->columns);
            break;
        case 2:
            ret->total_bytes = thrift_read_i64(thrift, fields.type);
            break;
        case 3:
            ret->n_rows = thrift_read_i64(thrift, fields.type);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_key_value(Decoder *decoder, FormatKeyValue *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->key = thrift_read_binary(thrift, fields.type);
            break;
        case 2:
            ret->value = thrift_read_binary(thrift, fields.type);
            ret->has_value = true;
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

static void decode_column_order(Decoder *decoder, bool *ret_type_defined)
{
    *ret_type_defined = decode_union_member(decoder, THRIFT_STRUCT) == 1;
}

static void decode_file_metadata_field(Decoder *decoder, const ThriftStruct *fields, FormatFileMetaData *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    switch (fields->id) {
    case 1:
        ret->version = thrift_read_i32(thrift, fields->type);
        break;
    case 2:
        DECODE_STRUCT_LIST(decoder, fields->type, FormatSchemaElement, decode_schema_element, ret->n_schema,
                           ret->schema);
        break;
    case 3:
        ret->n_rows = thrift_read_i64(thrift, fields->type);
        break;
    case 4:
        DECODE_STRUCT_LIST(decoder, fields->type, FormatRowGroup, decode_row_group, ret->n_row_groups, ret->row_groups);
        break;
    case 5:
        DECODE_STRUCT_LIST(decoder, fields->type, FormatKeyValue, decode_key_value, ret->n_key_values, ret->key_values);
        break;
    case 6:
        ret->created_by = thrift_read_binary(thrift, fields->type);
        break;
    case 7:
        DECODE_STRUCT_LIST(decoder, fields->type, bool, decode_column_order, ret->n_column_orders, ret->column_orders);
        break;
    case 8:
    case 9:
        ret->encrypted = true;
        thrift_skip(thrift, fields->type);
        break;
    default:
        thrift_skip(thrift, fields->type);
    }
}

Status metadata_decode_file(const uint8_t *bytes, size_t size, uint64_t base_offset, Arena *arena,
                            FormatFileMetaData *ret, Error *err)
{
    Decoder decoder;
    decoder_init(&decoder, bytes, size, arena);
    FormatFileMetaData metadata = {0};
    ThriftStruct fields;
    thrift_read_struct_begin(&decoder.thrift, &fields);
    while (thrift_read_field(&decoder.thrift, &fields))
        decode_file_metadata_field(&decoder, &fields, &metadata);
    TRY(thrift_check(&decoder.thrift, "the footer", base_offset, err));
    *ret = metadata;
    return STATUS_OK;
}

/* The header of a data page v1, a dictionary page or a data page v2, whose fields differ by number. */
static void decode_page_details(Decoder *decoder, int32_t kind, ThriftType type, FormatPageHeader *ret)
{
    enum { DETAILS_DATA = 5, DETAILS_DICTIONARY = 7, DETAILS_DATA_V2 = 8 };
    ThriftReader *thrift = &decoder->thrift;
    if (!thrift_expect_struct(thrift, type))
        return;
    ret->has_details = true;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields)) {
        if (fields.id == 1)
            ret->n_values = thrift_read_i32(thrift, fields.type);
        else if (kind == DETAILS_DATA_V2 && fields.id == 2)
            ret->n_nulls = thrift_read_i32(thrift, fields.type);
        else if (kind == DETAILS_DATA_V2 && fields.id == 3)
            ret->n_rows = thrift_read_i32(thrift, fields.type);
        else if (fields.id == (kind == DETAILS_DATA_V2 ? 4 : 2))
            ret->encoding = thrift_read_i32(thrift, fields.type);
        else if (kind == DETAILS_DATA && fields.id == 3)
            ret->definition_encoding = thrift_read_i32(thrift, fields.type);
        else if (kind == DETAILS_DATA && fields.id == 4)
            ret->repetition_encoding = thrift_read_i32(thrift, fields.type);
        else if (kind == DETAILS_DATA_V2 && fields.id == 5)
            ret->definition_bytes = thrift_read_i32(thrift, fields.type);
        else if (kind == DETAILS_DATA_V2 && fields.id == 6)
            ret->repetition_bytes = thrift_read_i32(thrift, fields.type);
        else if (kind == DETAILS_DATA_V2 && fields.id == 7)
            ret->is_compressed = thrift_read_bool(thrift, fields.type);
        else if (kind != DETAILS_DICTIONARY && fields.id == (kind == DETAILS_DATA ? 5 : 8))
            decode_statistics(decoder, fields.type, &ret->statistics);
        else
            thrift_skip(thrift, fields.type);
    }
    thrift_read_struct_end(thrift);
}

Status metadata_decode_page_header(const uint8_t *bytes, size_t size, uint64_t base_offset, FormatPageHeader *ret,
                                   size_t *ret_size, Error *err)
{
    Decoder decoder;
    decoder_init(&decoder, bytes, size, NULL);
    FormatPageHeader header = {.n_nulls = -1, .n_rows = -1, .is_compressed = true};
    ThriftReader *thrift = &decoder.thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            header.type = thrift_read_i32(thrift, fields.type);
            break;
        case 2:
            header.uncompressed_bytes = thrift_read_i32(thrift, fields.type);
            break;
        case 3:
            header.compressed_bytes = thrift_read_i32(thrift, fields.type);
            break;
        case 4:
            header.crc = (uint32_t)thrift_read_i32(thrift, fields.type);
            header.has_crc = true;
            break;
        case 5:
        case 7:
        case 8:
            decode_page_details(&decoder, fields.id, fields.type, &header);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    TRY(thrift_check(thrift, "a page header", base_offset, err));
    *ret = header;
    *ret_size = thrift_read_bytes(thrift);
    return STATUS_OK;
}

static void decode_page_location(Decoder *decoder, FormatPageLocation *ret)
{
    ThriftReader *thrift = &decoder->thrift;
    ThriftStruct fields;
    thrift_read_struct_begin(thrift, &fields);
    while (thrift_read_field(thrift, &fields))
        switch (fields.id) {
        case 1:
            ret->offset = thrift_read_i64(thrift, fields.type);
            break;
        case 2:
            ret->compressed_bytes = thrift_read_i32(thrift, fields.type);
            break;
        case 3:
            ret->first_row = thrift_read_i64(thrift, fields.type);
            break;
        default:
            thrift_skip(thrift, fields.type);
        }
    thrift_read_struct_end(thrift);
}

Status metadata_decode_offset_index(const uint8_t *bytes, size_t size, uint64_t base_offset, Arena *arena,
                                    FormatOffsetIndex *ret, Error *err)
{
    Decoder decoder;
    decoder_init(&decoder, bytes, size, arena);
    FormatOffsetIndex index = {0};
    ThriftStruct fields;
    thrift_read_struct_begin(&decoder.thrift, &fields);
    while (thrift_read_field(&decoder.thrift, &fields)) {
        if (fields.id == 1)
            DECODE_STRUCT_LIST(&decoder, fields.type, FormatPageLocation, decode_page_location, index.n_pages,
                               index.pages);
        else
            thrift_skip(&decoder.thrift, fields.type);
    }
    TRY(thrift_check(&decoder.thrift, "an offset index", base_offset, err));
    *ret = index;
    return STATUS_OK;
}

Status metadata_decode_column_index(const uint8_t *bytes, size_t size, uint64_t base_offset, Arena *arena,
                                    FormatColumnIndex *ret, Error *err)
{
    Decoder decoder;
    decoder_init(&decoder, bytes, size, arena);
    FormatColumnIndex index = {0};
    uint32_t n_mins = 0, n_maxes = 0, n_null_counts = 0;
    ThriftStruct fields;
    thrift_read_struct_begin(&decoder.thrift, &fields);
    while (thrift_read_field(&decoder.thrift, &fields))
        switch (fields.id) {
        case 1:
            index.null_pages = decode_bool_list(&decoder, fields.type, &index.n_pages);
            break;
        case 2:
            index.min_values = decode_text_list(&decoder, fields.type, &n_mins);
            break;
        case 3:
            index.max_values = decode_text_list(&decoder, fields.type, &n_maxes);
            break;
        case 4:
            index.boundary_order = thrift_read_i32(&decoder.thrift, fields.type);
            break;
        case 5:
            index.null_counts = decode_i64_list(&decoder, fields.type, &n_null_counts);
            break;
        default:
            thrift_skip(&decoder.thrift, fields.type);
        }
    if (n_mins != index.n_pages || n_maxes != index.n_pages || (index.null_counts && n_null_counts != index.n_pages))
        thrift_fail(&decoder.thrift, "its lists differ in length");
    TRY(thrift_check(&decoder.thrift, "a column index", base_offset, err));
    *ret = index;
    return STATUS_OK;
}

const char *format_type_name(int32_t type)
{
    static const char *const names[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    return type >= 0 && type < (int32_t)ARRAY_SIZE(names) ? names[type] : "unknown";
}

const char *format_encoding_name(int32_t encoding)
{
    static const char *const names[] = {
        "PLAIN",          "GROUP_VAR_INT",       "PLAIN_DICTIONARY",        "RLE",
        "BIT_PACKED",     "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY",
        "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"};
    return encoding >= 0 && encoding < (int32_t)ARRAY_SIZE(names) ? names[encoding] : "unknown";
}

const char *format_codec_name(int32_t codec)
{
    static const char *const names[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};
    return codec >= 0 && codec < (int32_t)ARRAY_SIZE(names) ? names[codec] : "unknown";
}
