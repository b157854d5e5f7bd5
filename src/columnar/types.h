/* DataType, Field, Schema, Value: the logical types, which are Spark SQL's, and their physical form in memory.
 *
 *   type        physical form of one value            notes
 *   BOOLEAN     uint8_t 0 or 1
 *   INT         int32_t                               also 8- and 16-bit integers of files
 *   BIGINT      int64_t
 *   FLOAT       float                                 only passed through; expressions see it as DOUBLE
 *   DOUBLE      double
 *   DECIMAL     int64_t (precision <= 18), else __int128: the unscaled value
 *   DATE        int32_t days since 1970-01-01
 *   TIMESTAMP   int64_t microseconds since 1970-01-01 UTC
 *   STRING      StrView, UTF-8
 *   BINARY      StrView, any bytes
 *   NULLTYPE    uint8_t, never valid                  the type of a bare NULL
 */
#ifndef FREIGHTLAKE_COLUMNAR_TYPES_H
#define FREIGHTLAKE_COLUMNAR_TYPES_H

#include "base/text.h"

typedef __int128 Int128;
typedef unsigned __int128 UInt128;

typedef enum TypeId {
    TYPE_NULLTYPE,
    TYPE_BOOLEAN,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_DATE,
    TYPE_TIMESTAMP,
    TYPE_STRING,
    TYPE_BINARY,
    TYPE_COUNT
} TypeId;

typedef struct DataType {
    TypeId id;
    uint8_t precision; /* DECIMAL: 1..38 */
    uint8_t scale;     /* DECIMAL: 0..precision */
} DataType;

#define DECIMAL_MAX_PRECISION 38
#define DATA_TYPE(name) ((DataType){.id = TYPE_##name})
#define DECIMAL_TYPE(p, s) ((DataType){.id = TYPE_DECIMAL, .precision = (uint8_t)(p), .scale = (uint8_t)(s)})

bool type_equal(DataType a, DataType b);
bool type_is_numeric(DataType type); /* INT, BIGINT, FLOAT, DOUBLE, DECIMAL */
static inline bool type_is_wide_decimal(DataType type)
{
    return type.id == TYPE_DECIMAL && type.precision > 18;
}
size_t type_width(DataType type); /* bytes of one value in memory */
/* "decimal(18,4)", "bigint": Spark's names.  Returns `text` (32 bytes are enough). */
char *type_name(DataType type, char *text, size_t size);

typedef struct Field {
    const char *name;
    DataType type;
    bool nullable;
} Field;

typedef struct Schema {
    Field *fields;
    uint32_t n;
} Schema;

/* Index of the field, or -1.  Names compare without case, as in Spark. */
int schema_find(const Schema *schema, const char *name);

/* One value of any type; the member in use follows the type (see the table above). */
typedef struct Value {
    DataType type;
    bool valid;
    union {
        uint8_t boolean;
        int32_t int32;
        int64_t int64;
        float float32;
        double float64;
        Int128 int128;
        StrView string;
        uint8_t raw[16];
    };
} Value;

/* Whether two values are the same to the bit, type and NULL included. */
bool value_equal(const Value *a, const Value *b);

/* The text of a value as Spark's CAST AS STRING gives it (doubles as Java's Double.toString, dates YYYY-MM-DD, decimals
 * with all their digits); NULL gives "NULL".  Appended to `buffer`. */
void value_append_text(Buffer *buffer, const Value *value);

#endif
