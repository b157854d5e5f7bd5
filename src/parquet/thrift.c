/* Thrift's compact protocol (specification: thrift-compact-protocol.md of Apache Thrift).
 *
 * A struct is a sequence of fields, each a byte with the distance from the last field's id (or 0 and a zigzag id behind
 * it) and the type, closed by a zero byte; integers are zigzag varints; a list is a byte with count and element type
 * (count 15 means that a varint follows).  A bool field has its value in its type, a bool element takes a byte. */
#include "parquet/thrift.h"

#define VARINT_MAX_BYTES 10

void thrift_reader_init(ThriftReader *reader, const void *bytes, size_t size)
{
    *reader = (ThriftReader){.start = bytes, .next = bytes, .end = (const uint8_t *)bytes + size};
}

size_t thrift_read_bytes(const ThriftReader *reader)
{
    return (size_t)(reader->next - reader->start);
}

void thrift_fail(ThriftReader *reader, const char *why)
{
    if (reader->failure)
        return;
    reader->failure = why;
    reader->failed_at = thrift_read_bytes(reader);
}

Status thrift_check(const ThriftReader *reader, const char *what, uint64_t base_offset, Error *err)
{
    if (!reader->failure)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "%s is broken: %s", what, reader->failure);
    return error_at_offset(err, (int64_t)(base_offset + reader->failed_at));
}

static uint8_t read_byte(ThriftReader *reader)
{
    if (reader->failure || reader->next == reader->end) {
        thrift_fail(reader, "it ends too early");
        return 0;
    }
    return *reader->next++;
}

static uint64_t read_varint(ThriftReader *reader)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MAX_BYTES; i++) {
        uint8_t byte = read_byte(reader);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80))
            return value;
    }
    thrift_fail(reader, "a number is longer than ten bytes");
    return 0;
}

static int64_t read_zigzag(ThriftReader *reader)
{
    uint64_t value = read_varint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static bool expect_type(ThriftReader *reader, ThriftType type, ThriftType wanted)
{
    if (type != wanted)
        thrift_fail(reader, "a field has another type than the format gives it");
    return !reader->failure;
}

void thrift_read_struct_begin(ThriftReader *reader, ThriftStruct *ret_fields)
{
    *ret_fields = (ThriftStruct){.id = 0, .type = THRIFT_STOP};
    if (++reader->depth > THRIFT_MAX_DEPTH)
        thrift_fail(reader, "it is nested too deep");
}

bool thrift_read_field(ThriftReader *reader, ThriftStruct *fields)
{
    uint8_t head = read_byte(reader);
    if (reader->failure || head == THRIFT_STOP)
        return false;
    int64_t id = head >> 4 ? fields->id + (head >> 4) : read_zigzag(reader);
    if (id < INT16_MIN || id > INT16_MAX) {
        thrift_fail(reader, "a field's number is out of range");
        return false;
    }
    fields->id = (int32_t)id;
    fields->type = (ThriftType)(head & 0x0f);
    if (fields->type == THRIFT_STOP || fields->type > THRIFT_STRUCT)
        thrift_fail(reader, "a field has an unknown type");
    return !reader->failure;
}

void thrift_read_struct_end(ThriftReader *reader)
{
    reader->depth--;
}

bool thrift_read_bool(ThriftReader *reader, ThriftType type)
{
    if (type != THRIFT_TRUE && type != THRIFT_FALSE)
        expect_type(reader, type, THRIFT_TRUE);
    return type == THRIFT_TRUE;
}

int32_t thrift_read_byte(ThriftReader *reader, ThriftType type)
{
    return expect_type(reader, type, THRIFT_BYTE) ? (int8_t)read_byte(reader) : 0;
}

static int64_t read_integer(ThriftReader *reader, ThriftType type, ThriftType wanted, int64_t min, int64_t max)
{
    if (!expect_type(reader, type, wanted))
        return 0;
    int64_t value = read_zigzag(reader);
    if (value < min || value > max) {
        thrift_fail(reader, "a number is out of range");
        return 0;
    }
    return value;
}

int32_t thrift_read_i16(ThriftReader *reader, ThriftType type)
{
    return (int32_t)read_integer(reader, type, THRIFT_I16, INT16_MIN, INT16_MAX);
}

int32_t thrift_read_i32(ThriftReader *reader, ThriftType type)
{
    return (int32_t)read_integer(reader, type, THRIFT_I32, INT32_MIN, INT32_MAX);
}

int64_t thrift_read_i64(ThriftReader *reader, ThriftType type)
{
    return read_integer(reader, type, THRIFT_I64, INT64_MIN, INT64_MAX);
}

StrView thrift_read_binary(ThriftReader *reader, ThriftType type)
{
    if (!expect_type(reader, type, THRIFT_BINARY))
        return (StrView){"", 0};
    uint64_t size = read_varint(reader);
    if (reader->failure || size > (uint64_t)(reader->end - reader->next) || size > UINT32_MAX) {
        thrift_fail(reader, "a text is longer than what is left");
        return (StrView){"", 0};
    }
    StrView view = {(const char *)reader->next, (uint32_t)size};
    reader->next += size;
    return view;
}

/* The head of a list or set; no element is smaller than a byte. */
static uint32_t read_list_head(ThriftReader *reader, ThriftType *ret_element)
{
    uint8_t head = read_byte(reader);
    uint64_t n = head >> 4 == 15 ? read_varint(reader) : head >> 4;
    *ret_element = (ThriftType)(head & 0x0f);
    if (n > (uint64_t)(reader->end - reader->next))
        thrift_fail(reader, "a list is longer than what is left");
    return reader->failure ? 0 : (uint32_t)n;
}

uint32_t thrift_read_list(ThriftReader *reader, ThriftType type, ThriftType element)
{
    if (!expect_type(reader, type, THRIFT_LIST))
        return 0;
    ThriftType found;
    uint32_t n = read_list_head(reader, &found);
    if (found == THRIFT_FALSE)
        found = THRIFT_TRUE;
    if (n > 0 && !expect_type(reader, found, element))
        return 0;
    return n;
}

bool thrift_read_bool_element(ThriftReader *reader)
{
    return read_byte(reader) == THRIFT_TRUE;
}

bool thrift_expect_struct(ThriftReader *reader, ThriftType type)
{
    return expect_type(reader, type, THRIFT_STRUCT);
}

static void skip_bytes(ThriftReader *reader, uint64_t size)
{
    if (size > (uint64_t)(reader->end - reader->next))
        thrift_fail(reader, "it ends too early");
    else
        reader->next += size;
}

static void skip_element(ThriftReader *reader, ThriftType type)
{
    if (type == THRIFT_TRUE || type == THRIFT_FALSE)
        read_byte(reader);
    else
        thrift_skip(reader, type);
}

static void skip_map(ThriftReader *reader)
{
    uint64_t n = read_varint(reader);
    if (reader->failure || n == 0)
        return;
    uint8_t types = read_byte(reader);
    if (n > (uint64_t)(reader->end - reader->next))
        thrift_fail(reader, "a map is longer than what is left");
    for (uint64_t i = 0; i < n && !reader->failure; i++) {
        skip_element(reader, (ThriftType)(types >> 4));
        skip_element(reader, (ThriftType)(types & 0x0f));
    }
}

static void skip_list(ThriftReader *reader)
{
    ThriftType element;
    uint32_t n = read_list_head(reader, &element);
    for (uint32_t i = 0; i < n && !reader->failure; i++)
        skip_element(reader, element);
}

void thrift_skip(ThriftReader *reader, ThriftType type)
{
    ThriftStruct fields;
    if (reader->failure)
        return;
    /* Every nesting, lists and maps too, counts for the depth: a struct is entered by thrift_read_struct_begin. */
    thrift_read_struct_begin(reader, &fields);
    switch (reader->failure ? THRIFT_TRUE : type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break;
    case THRIFT_BYTE:
        skip_bytes(reader, 1);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        read_varint(reader);
        break;
    case THRIFT_DOUBLE:
        skip_bytes(reader, 8);
        break;
    case THRIFT_BINARY:
        skip_bytes(reader, read_varint(reader));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(reader);
        break;
    case THRIFT_MAP:
        skip_map(reader);
        break;
    case THRIFT_STRUCT:
        while (thrift_read_field(reader, &fields))
            thrift_skip(reader, fields.type);
        break;
    default:
        thrift_fail(reader, "an element has an unknown type");
    }
    thrift_read_struct_end(reader);
}

/* ---- Writer ---- */

void thrift_writer_init(ThriftWriter *writer, Buffer *buffer)
{
    *writer = (ThriftWriter){.buffer = buffer};
}

static void write_varint(ThriftWriter *writer, uint64_t value)
{
    uint8_t bytes[VARINT_MAX_BYTES];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    buffer_append(writer->buffer, bytes, n);
}

static void write_zigzag(ThriftWriter *writer, int64_t value)
{
    write_varint(writer, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void write_field(ThriftWriter *writer, int16_t id, ThriftType type)
{
    int distance = id - writer->last_id[writer->depth];
    if (distance > 0 && distance <= 15) {
        buffer_append_byte(writer->buffer, (uint8_t)(distance << 4 | (int)type));
    } else {
        buffer_append_byte(writer->buffer, (uint8_t)type);
        write_zigzag(writer, id);
    }
    writer->last_id[writer->depth] = id;
}

void thrift_write_struct_begin(ThriftWriter *writer)
{
    CHECK(writer->depth < THRIFT_MAX_DEPTH);
    writer->last_id[++writer->depth] = 0;
}

void thrift_write_struct_end(ThriftWriter *writer)
{
    CHECK(writer->depth > 0);
    buffer_append_byte(writer->buffer, THRIFT_STOP);
    writer->depth--;
}

void thrift_write_struct(ThriftWriter *writer, int16_t id)
{
    write_field(writer, id, THRIFT_STRUCT);
    thrift_write_struct_begin(writer);
}

void thrift_write_empty_struct(ThriftWriter *writer, int16_t id)
{
    thrift_write_struct(writer, id);
    thrift_write_struct_end(writer);
}

void thrift_write_bool(ThriftWriter *writer, int16_t id, bool value)
{
    write_field(writer, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_write_byte(ThriftWriter *writer, int16_t id, int8_t value)
{
    write_field(writer, id, THRIFT_BYTE);
    buffer_append_byte(writer->buffer, (uint8_t)value);
}

void thrift_write_i16(ThriftWriter *writer, int16_t id, int16_t value)
{
    write_field(writer, id, THRIFT_I16);
    write_zigzag(writer, value);
}

void thrift_write_i32(ThriftWriter *writer, int16_t id, int32_t value)
{
    write_field(writer, id, THRIFT_I32);
    write_zigzag(writer, value);
}

void thrift_write_i64(ThriftWriter *writer, int16_t id, int64_t value)
{
    write_field(writer, id, THRIFT_I64);
    write_zigzag(writer, value);
}

void thrift_write_binary(ThriftWriter *writer, int16_t id, StrView value)
{
    write_field(writer, id, THRIFT_BINARY);
    thrift_write_binary_element(writer, value);
}

void thrift_write_text(ThriftWriter *writer, int16_t id, const char *value)
{
    thrift_write_binary(writer, id, str_view(value));
}

void thrift_write_list(ThriftWriter *writer, int16_t id, ThriftType element, uint32_t n)
{
    write_field(writer, id, THRIFT_LIST);
    if (n < 15) {
        buffer_append_byte(writer->buffer, (uint8_t)(n << 4 | (uint32_t)element));
    } else {
        buffer_append_byte(writer->buffer, (uint8_t)(0xf0 | (uint32_t)element));
        write_varint(writer, n);
    }
}

void thrift_write_bool_element(ThriftWriter *writer, bool value)
{
    buffer_append_byte(writer->buffer, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_write_i32_element(ThriftWriter *writer, int32_t value)
{
    write_zigzag(writer, value);
}

void thrift_write_i64_element(ThriftWriter *writer, int64_t value)
{
    write_zigzag(writer, value);
}

void thrift_write_binary_element(ThriftWriter *writer, StrView value)
{
    write_varint(writer, value.size);
    buffer_append(writer->buffer, value.data, value.size);
}
