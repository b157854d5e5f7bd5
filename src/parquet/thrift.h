/* Thrift's compact protocol, both directions, as Parquet's footer, page headers and page index use it.
 *
 * The reader is a cursor over bytes in memory with a sticky failure: every function may be called after a failure and
 * then gives zero, so a decoder runs straight through and asks thrift_check once at the end.  Strings and binaries are
 * views into the bytes.  No count is believed beyond the bytes that are left, and structs nest THRIFT_MAX_DEPTH deep.
 *
 *     ThriftStruct fields;
 *     thrift_read_struct_begin(&reader, &fields);
 *     while (thrift_read_field(&reader, &fields))
 *         switch (fields.id) {
 *         case 1: version = thrift_read_i32(&reader, fields.type); break;
 *         default: thrift_skip(&reader, fields.type);
 *         }
 *     thrift_read_struct_end(&reader);
 *
 * The writer appends to a Buffer, whose sticky failure is the writer's. */
#ifndef FREIGHTLAKE_PARQUET_THRIFT_H
#define FREIGHTLAKE_PARQUET_THRIFT_H

#include "base/text.h"

#define THRIFT_MAX_DEPTH 32

typedef enum ThriftType {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1, /* as the type of a list's elements: bool */
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12
} ThriftType;

typedef struct ThriftReader {
    const uint8_t *start;
    const uint8_t *next;
    const uint8_t *end;
    uint32_t depth;
    const char *failure; /* what is wrong; NULL while all is well */
    size_t failed_at;    /* offset from start of the byte where it went wrong */
} ThriftReader;

/* The field at hand while a struct is read. */
typedef struct ThriftStruct {
    int32_t id;
    ThriftType type;
} ThriftStruct;

void thrift_reader_init(ThriftReader *reader, const void *bytes, size_t size);
/* Bytes read so far. */
size_t thrift_read_bytes(const ThriftReader *reader);
/* Makes the reader fail with `why` (a string that outlives it) unless it has failed already. */
void thrift_fail(ThriftReader *reader, const char *why);
/* CORRUPT, naming `what` and the offset from the start of the bytes plus `base_offset`, after a failure. */
Status thrift_check(const ThriftReader *reader, const char *what, uint64_t base_offset, Error *err) MUST_CHECK;

void thrift_read_struct_begin(ThriftReader *reader, ThriftStruct *ret_fields);
/* False at the end of the struct and after a failure. */
bool thrift_read_field(ThriftReader *reader, ThriftStruct *fields);
void thrift_read_struct_end(ThriftReader *reader);

/* `type` is that of the field or element at hand; any other than the function's own is a failure. */
bool thrift_read_bool(ThriftReader *reader, ThriftType type); /* of a field: the value is in its type */
int32_t thrift_read_byte(ThriftReader *reader, ThriftType type);
int32_t thrift_read_i16(ThriftReader *reader, ThriftType type);
int32_t thrift_read_i32(ThriftReader *reader, ThriftType type);
int64_t thrift_read_i64(ThriftReader *reader, ThriftType type);
StrView thrift_read_binary(ThriftReader *reader, ThriftType type);
/* Number of elements, which then are read one by one; an empty list may have any element type. */
uint32_t thrift_read_list(ThriftReader *reader, ThriftType type, ThriftType element);
bool thrift_read_bool_element(ThriftReader *reader);
/* Fails unless `type` is that of a struct, and says whether it is. */
bool thrift_expect_struct(ThriftReader *reader, ThriftType type);
void thrift_skip(ThriftReader *reader, ThriftType type);

/* ---- Writer.  Fields go in ascending order of their ids within a struct. ---- */
typedef struct ThriftWriter {
    Buffer *buffer;
    uint32_t depth;
    int16_t last_id[THRIFT_MAX_DEPTH + 1];
} ThriftWriter;

void thrift_writer_init(ThriftWriter *writer, Buffer *buffer);
/* A struct that is no field: the outermost one, and each element of a list of structs. */
void thrift_write_struct_begin(ThriftWriter *writer);
void thrift_write_struct_end(ThriftWriter *writer);
/* Fields of the struct at hand.  thrift_write_struct begins a nested one, which thrift_write_struct_end ends. */
void thrift_write_struct(ThriftWriter *writer, int16_t id);
void thrift_write_empty_struct(ThriftWriter *writer, int16_t id); /* a union's member without fields */
void thrift_write_bool(ThriftWriter *writer, int16_t id, bool value);
void thrift_write_byte(ThriftWriter *writer, int16_t id, int8_t value);
void thrift_write_i16(ThriftWriter *writer, int16_t id, int16_t value);
void thrift_write_i32(ThriftWriter *writer, int16_t id, int32_t value);
void thrift_write_i64(ThriftWriter *writer, int16_t id, int64_t value);
void thrift_write_binary(ThriftWriter *writer, int16_t id, StrView value);
void thrift_write_text(ThriftWriter *writer, int16_t id, const char *value);
/* A list's head; its n elements follow, each by one of the functions below or as a struct. */
void thrift_write_list(ThriftWriter *writer, int16_t id, ThriftType element, uint32_t n);
void thrift_write_bool_element(ThriftWriter *writer, bool value);
void thrift_write_i32_element(ThriftWriter *writer, int32_t value);
void thrift_write_i64_element(ThriftWriter *writer, int64_t value);
void thrift_write_binary_element(ThriftWriter *writer, StrView value);

#endif
