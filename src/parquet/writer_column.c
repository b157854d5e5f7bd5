/* ColumnEncoder: the values of one column chunk become pages.
 *
 *   vector --gather--> dense values (NULLs left out) --+--> codes of a dictionary   (BUILD)
 *                                                      +--> values                  (PLAIN; texts: DELTA_LENGTH_BYTE_ARRAY)
 *   DICT vector on a sorted, distinct dictionary ---------> its own codes           (DIRECT)
 *
 * A chunk starts as DIRECT where the caller's first page allows it, else as BUILD for types that gain from a dictionary,
 * else as PLAIN.  BUILD turns into PLAIN for good
 *   - after 4096 rows when nearly all values differ, and at the end of the first page when a dictionary is no smaller:
 *     the codes so far are turned back and the chunk has no dictionary at all;
 *   - when the dictionary is full: the pages so far keep their codes, the following ones are PLAIN.
 * Pages end after page_rows rows, or when their texts pass PAGE_BYTES.
 *
 * Whole pages that lie ready in memory (DIRECT codes, PLAIN numbers without NULLs) are copied only once, into the chunk. */
#include <string.h>

#include "parquet/writer_internal.h"

#define STEP_ROWS 4096
#define PAGE_BYTES ((size_t)2 << 20)
#define VALUE_BYTES_MAX ((size_t)1 << 30) /* of one text: a page's size is an int32 in the format */

typedef enum ColumnMode { MODE_START, MODE_DIRECT, MODE_BUILD, MODE_PLAIN } ColumnMode;

struct ColumnEncoder {
    const WriterColumn *column;
    const ColumnSettings *settings;
    WriterScratch *scratch;
    uint32_t width; /* of a value in memory */
    bool is_text;
    ColumnMode mode;
    DictionaryBuilder *dictionary; /* made when first needed */
    const Vector *direct;          /* MODE_DIRECT */
    uint32_t n_direct;             /* entries that are values */
    uint64_t built_plain_bytes;    /* BUILD: what the values so far would be in PLAIN */
    /* the page at hand */
    uint32_t n_rows;
    uint32_t n_dense;
    Buffer valid;   /* n_rows bytes; nullable columns only */
    Buffer codes;   /* BUILD: n_dense uint32_t */
    Buffer values;  /* PLAIN: n_dense values in memory form; of texts the bytes alone */
    Buffer lengths; /* PLAIN texts: n_dense uint32_t */
    bool has_text_bounds;
    StrView text_min, text_max; /* PLAIN texts: copies in the two buffers */
    Buffer text_min_bytes, text_max_bytes;
    PageWriter pages; /* the chunk */
};

ColumnEncoder *column_encoder_new(const WriterColumn *column, const ColumnSettings *settings, WriterScratch *scratch)
{
    ColumnEncoder *encoder = mem_zalloc(sizeof *encoder);
    encoder->column = column;
    encoder->settings = settings;
    encoder->scratch = scratch;
    encoder->width = (uint32_t)type_width(column->type);
    encoder->is_text = column->physical == FORMAT_BYTE_ARRAY;
    page_writer_init(&encoder->pages, column, settings, scratch);
    column_encoder_begin(encoder);
    return encoder;
}

void column_encoder_free(ColumnEncoder *encoder)
{
    if (!encoder)
        return;
    Buffer *buffers[] = {&encoder->valid,   &encoder->codes,          &encoder->values,
                         &encoder->lengths, &encoder->text_min_bytes, &encoder->text_max_bytes};
    for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
        buffer_done(buffers[i]);
    page_writer_done(&encoder->pages);
    dictionary_free(encoder->dictionary);
    mem_free(encoder);
}

static void clear_page(ColumnEncoder *encoder)
{
    encoder->n_rows = encoder->n_dense = 0;
    encoder->has_text_bounds = false;
    buffer_clear(&encoder->valid);
    buffer_clear(&encoder->codes);
    buffer_clear(&encoder->values);
    buffer_clear(&encoder->lengths);
}

void column_encoder_begin(ColumnEncoder *encoder)
{
    clear_page(encoder);
    page_writer_begin(&encoder->pages);
    if (encoder->dictionary)
        dictionary_reset(encoder->dictionary);
    encoder->mode = MODE_START;
    encoder->direct = NULL;
    encoder->built_plain_bytes = 0;
}

const ChunkFacts *column_encoder_facts(const ColumnEncoder *encoder)
{
    return &encoder->pages.facts;
}

const Buffer *column_encoder_dictionary_page(const ColumnEncoder *encoder)
{
    return &encoder->pages.dictionary_page;
}

const Buffer *column_encoder_data_pages(const ColumnEncoder *encoder)
{
    return &encoder->pages.data_pages;
}

/* Of the PLAIN values of the page at hand. */
static size_t page_bytes(const ColumnEncoder *encoder)
{
    return encoder->values.size + encoder->lengths.size;
}

size_t column_encoder_bytes(const ColumnEncoder *encoder)
{
    return encoder->pages.data_pages.size + page_bytes(encoder) + encoder->codes.size;
}

/* ---- DIRECT ---- */

static bool strictly_ascending(DataType type, const void *values, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        bool ascending = false;
        switch (type.id) {
        case TYPE_INT:
        case TYPE_DATE:
            ascending = ((const int32_t *)values)[i - 1] < ((const int32_t *)values)[i];
            break;
        case TYPE_BIGINT:
        case TYPE_TIMESTAMP:
            ascending = ((const int64_t *)values)[i - 1] < ((const int64_t *)values)[i];
            break;
        case TYPE_DECIMAL:
            ascending = type_is_wide_decimal(type) ? ((const Int128 *)values)[i - 1] < ((const Int128 *)values)[i]
                                                   : ((const int64_t *)values)[i - 1] < ((const int64_t *)values)[i];
            break;
        case TYPE_FLOAT:
            ascending = ((const float *)values)[i - 1] < ((const float *)values)[i];
            break;
        case TYPE_DOUBLE:
            ascending = ((const double *)values)[i - 1] < ((const double *)values)[i];
            break;
        case TYPE_STRING:
        case TYPE_BINARY:
            ascending = str_compare(((const StrView *)values)[i - 1], ((const StrView *)values)[i]) < 0;
            break;
        default:
            break;
        }
        if (!ascending)
            return false;
    }
    return true;
}

static size_t plain_bytes(const ColumnEncoder *encoder, const void *values, size_t n)
{
    if (!encoder->is_text)
        return n * encoder_plain_width(encoder->column->type);
    size_t bytes = n * 4;
    for (size_t i = 0; i < n; i++)
        bytes += ((const StrView *)values)[i].size;
    return bytes;
}

/* Whether the vector's dictionary can be the chunk's: all entries values, but perhaps the last, and in strict order (NaN
 * thus has no place in it); and whether it is small against the chunk. */
static bool can_be_direct(ColumnEncoder *encoder, const Vector *vector, uint64_t chunk_rows)
{
    if (vector->kind != VECTOR_DICT || encoder->settings->no_dictionary || encoder->column->type.id == TYPE_BOOLEAN)
        return false;
    const Vector *dict = vector->dict;
    uint32_t n = dict->n;
    if (n && dict->valid) {
        size_t invalid = encoder_count_zeros(dict->valid, n);
        if (invalid > 1 || (invalid == 1 && dict->valid[n - 1]))
            return false;
        n -= (uint32_t)invalid;
    }
    if (n == 0)
        return false;
    size_t bytes = plain_bytes(encoder, dict->data, n);
    if (bytes > ENCODER_DICTIONARY_BYTES * 16 || bytes / n * chunk_rows < bytes + chunk_rows * encoder_bits(n) / 8)
        return false;
    Value low, high; /* a lone NaN has no bounds and no order */
    if (!encoder_bounds(encoder->column->type, dict->data, 1, &low, &high) ||
        !strictly_ascending(encoder->column->type, dict->data, n))
        return false;
    encoder->n_direct = n;
    return true;
}

static Value entry_value(const ColumnEncoder *encoder, const void *entries, uint32_t code)
{
    Value value = {.type = encoder->column->type, .valid = true};
    memcpy(value.raw, (const uint8_t *)entries + (size_t)code * encoder->width, encoder->width);
    return value;
}

/* The zeros' signs in bounds, for values that are taken from a dictionary. */
static void widen_zeros(Value *min, Value *max)
{
    if (min->type.id == TYPE_DOUBLE) {
        min->float64 = min->float64 == 0 ? -0.0 : min->float64;
        max->float64 = max->float64 == 0 ? 0.0 : max->float64;
    } else if (min->type.id == TYPE_FLOAT) {
        min->float32 = min->float32 == 0 ? -0.0f : min->float32;
        max->float32 = max->float32 == 0 ? 0.0f : max->float32;
    }
}

/* Codes behind a byte of bit width, in scratch->values. */
static void encode_codes(ColumnEncoder *encoder, const void *codes, uint32_t code_width, uint32_t n, uint32_t n_entries,
                         PageValues *values)
{
    Buffer *out = &encoder->scratch->values;
    uint32_t bits = encoder_bits(n_entries);
    buffer_clear(out);
    buffer_append_byte(out, (uint8_t)bits);
    encoder_hybrid(codes, code_width, n, bits, out);
    values->encoding = FORMAT_RLE_DICTIONARY;
    values->bytes = out->data;
    values->size = out->size;
}

/* Leaves out the codes that stand for NULL; returns how many are left. */
static uint32_t drop_null_codes(const Vector *vector, uint32_t null_code, void *dense, uint8_t *valid)
{
    uint32_t kept = 0;
#define DROP_NULL_CODES(T)                                                                                             \
    for (uint32_t i = 0; i < vector->n; i++) {                                                                         \
        T code = ((const T *)vector->data)[i];                                                                         \
        ((T *)dense)[kept] = code;                                                                                     \
        valid[i] = code != null_code;                                                                                  \
        kept += valid[i];                                                                                              \
    }
    if (vector->code_width == 1) {
        DROP_NULL_CODES(uint8_t)
    } else if (vector->code_width == 2) {
        DROP_NULL_CODES(uint16_t)
    } else {
        DROP_NULL_CODES(uint32_t)
    }
    return kept;
}

static Status null_in_required(const ColumnEncoder *encoder, Error *err)
{
    error_set(err, STATUS_DATA, "a NULL stands in a column that may have none");
    return error_at_column(err, encoder->column->name);
}

static Status add_direct_page(ColumnEncoder *encoder, const Vector *vector, Error *err)
{
    if (vector->kind != VECTOR_DICT || vector->dict != encoder->direct)
        return error_set(err, STATUS_INTERNAL, "the pages of column %s do not share a dictionary",
                         encoder->column->name);
    const void *codes = vector->data;
    uint32_t n = vector->n, smallest, largest;
    uint8_t *valid = NULL;
    encoder_bounds_codes(codes, vector->code_width, n, &smallest, &largest);
    if (largest >= vector->dict->n)
        return error_set(err, STATUS_INTERNAL, "column %s has a code beyond its dictionary", encoder->column->name);
    if (largest >= encoder->n_direct) {
        if (encoder->column->max_definition == 0)
            return null_in_required(encoder, err);
        buffer_clear(&encoder->valid);
        buffer_clear(&encoder->scratch->dense);
        valid = buffer_reserve(&encoder->valid, n);
        void *dense = buffer_reserve(&encoder->scratch->dense, (size_t)n * vector->code_width);
        n = drop_null_codes(vector, encoder->n_direct, dense, valid);
        codes = dense;
        if (n)
            encoder_bounds_codes(codes, vector->code_width, n, &smallest, &largest);
    }
    PageValues values = {.has_bounds = n > 0};
    if (n) {
        values.min = entry_value(encoder, encoder->direct->data, smallest);
        values.max = entry_value(encoder, encoder->direct->data, largest);
        widen_zeros(&values.min, &values.max);
    }
    encode_codes(encoder, codes, vector->code_width, n, encoder->n_direct, &values);
    return page_writer_data(&encoder->pages, &values, valid, vector->n, vector->n - n, err);
}

/* ---- BUILD and PLAIN: the page at hand ---- */

static Status flush_codes(ColumnEncoder *encoder, Error *err)
{
    const uint32_t *codes = (const uint32_t *)(const void *)encoder->codes.data;
    uint32_t n_entries = dictionary_size(encoder->dictionary);
    PageValues values = {0};
    if (encoder->n_dense) {
        /* Bounds come from the distinct values of the page. */
        Buffer *used = &encoder->scratch->map, *distinct = &encoder->scratch->dense;
        buffer_clear(used);
        buffer_clear(distinct);
        uint8_t *is_used = buffer_reserve(used, n_entries);
        uint8_t *place = buffer_reserve(distinct, (size_t)n_entries * encoder->width);
        memset(is_used, 0, n_entries);
        for (uint32_t i = 0; i < encoder->n_dense; i++)
            is_used[codes[i]] = 1;
        const uint8_t *entries = dictionary_values(encoder->dictionary);
        size_t n = 0;
        for (uint32_t i = 0; i < n_entries; i++)
            if (is_used[i])
                memcpy(place + n++ * encoder->width, entries + (size_t)i * encoder->width, encoder->width);
        values.has_bounds = encoder_bounds(encoder->column->type, place, n, &values.min, &values.max);
    }
    encode_codes(encoder, codes, 4, encoder->n_dense, n_entries, &values);
    TRY(page_writer_data(&encoder->pages, &values, encoder->valid.data, encoder->n_rows,
                         encoder->n_rows - encoder->n_dense, err));
    clear_page(encoder);
    return STATUS_OK;
}

static Status flush_plain(ColumnEncoder *encoder, Error *err)
{
    DataType type = encoder->column->type;
    Buffer *bytes = &encoder->scratch->values;
    PageValues values = {.encoding = FORMAT_PLAIN, .bytes = encoder->values.data, .size = encoder->values.size};
    buffer_clear(bytes);
    if (encoder->is_text) {
        encoder_delta((const uint32_t *)(const void *)encoder->lengths.data, encoder->n_dense, bytes);
        buffer_append(bytes, encoder->values.data, encoder->values.size);
        values.encoding = FORMAT_DELTA_LENGTH_BYTE_ARRAY;
        values.bytes = bytes->data;
        values.size = bytes->size;
        values.has_bounds = encoder->has_text_bounds;
        values.min = (Value){.type = type, .valid = true, .string = encoder->text_min};
        values.max = (Value){.type = type, .valid = true, .string = encoder->text_max};
    } else if (encoder->n_dense) {
        values.has_bounds = encoder_bounds(type, encoder->values.data, encoder->n_dense, &values.min, &values.max);
        if (type.id == TYPE_BOOLEAN || type_is_wide_decimal(type)) {
            encoder_plain(type, encoder->values.data, encoder->n_dense, bytes);
            values.bytes = bytes->data;
            values.size = bytes->size;
        }
    }
    TRY(page_writer_data(&encoder->pages, &values, encoder->valid.data, encoder->n_rows,
                         encoder->n_rows - encoder->n_dense, err));
    clear_page(encoder);
    return STATUS_OK;
}

static void keep_text(StrView text, StrView *ret_kept, Buffer *bytes)
{
    buffer_clear(bytes);
    buffer_append(bytes, text.data, text.size);
    *ret_kept = (StrView){buffer_text(bytes), text.size};
}

/* Appends dense values to the page at hand. */
static void append_plain(ColumnEncoder *encoder, const void *dense, size_t n)
{
    if (!encoder->is_text) {
        buffer_append(&encoder->values, dense, n * encoder->width);
        return;
    }
    encoder_texts(dense, n, &encoder->lengths, &encoder->values);
    StrView min, max;
    encoder_bounds_text(dense, n, &min, &max);
    if (!encoder->has_text_bounds || str_compare(min, encoder->text_min) < 0)
        keep_text(min, &encoder->text_min, &encoder->text_min_bytes);
    if (!encoder->has_text_bounds || str_compare(max, encoder->text_max) > 0)
        keep_text(max, &encoder->text_max, &encoder->text_max_bytes);
    encoder->has_text_bounds = true;
}

/* Gives the dictionary up before any page has used it: the page's codes become values again. */
static void drop_dictionary(ColumnEncoder *encoder)
{
    const uint32_t *codes = (const uint32_t *)(const void *)encoder->codes.data;
    const uint8_t *entries = dictionary_values(encoder->dictionary);
    Buffer *dense = &encoder->scratch->dense;
    buffer_clear(dense);
    if (encoder->n_dense) {
        uint8_t *place = buffer_reserve(dense, (size_t)encoder->n_dense * encoder->width);
        for (uint32_t i = 0; i < encoder->n_dense; i++)
            memcpy(place + (size_t)i * encoder->width, entries + (size_t)codes[i] * encoder->width, encoder->width);
        append_plain(encoder, place, encoder->n_dense);
    }
    buffer_clear(&encoder->codes);
    dictionary_reset(encoder->dictionary);
    encoder->mode = MODE_PLAIN;
}

/* Whether the values so far would be no larger without the dictionary. */
static bool dictionary_is_useless(const ColumnEncoder *encoder)
{
    uint64_t bits = encoder_bits(dictionary_size(encoder->dictionary));
    return dictionary_bytes(encoder->dictionary) + encoder->n_dense * bits / 8 >= encoder->built_plain_bytes;
}

static Status flush_page(ColumnEncoder *encoder, Error *err)
{
    if (encoder->n_rows == 0)
        return STATUS_OK;
    if (encoder->mode == MODE_BUILD && encoder->pages.facts.n_pages == 0 && dictionary_is_useless(encoder))
        drop_dictionary(encoder);
    return encoder->mode == MODE_BUILD ? flush_codes(encoder, err) : flush_plain(encoder, err);
}

/* The dictionary takes no more values. */
static Status leave_dictionary(ColumnEncoder *encoder, Error *err)
{
    if (encoder->pages.facts.n_pages == 0 && dictionary_is_useless(encoder))
        drop_dictionary(encoder);
    else if (encoder->n_rows)
        TRY(flush_codes(encoder, err));
    encoder->mode = MODE_PLAIN;
    return STATUS_OK;
}

/* ---- vectors into the page at hand ---- */

static void gather(const ColumnEncoder *encoder, const Vector *vector, uint32_t first, uint32_t n, const uint8_t *valid,
                   uint8_t *dense)
{
    const uint8_t *data = vector_entries(vector)->data;
    size_t kept = 0;
#define GATHER(size)                                                                                                   \
    for (uint32_t i = 0; i < n; i++) {                                                                                 \
        if (!valid || valid[i])                                                                                        \
            memcpy(dense + kept++ * (size), data + (size_t)vector_position(vector, first + i) * (size), (size));       \
    }
    switch (encoder->width) {
    case 1:
        GATHER(1)
        break;
    case 4:
        GATHER(4)
        break;
    case 8:
        GATHER(8)
        break;
    default:
        GATHER(16)
        break;
    }
}

/* Rows [first, first + n), n <= STEP_ROWS, as dense values; appends their validity.  Returns the number of values, and
 * *ret_dense in the vector itself where it is dense already. */
static Status make_dense(ColumnEncoder *encoder, const Vector *vector, uint32_t first, uint32_t n,
                         const void **ret_dense, uint32_t *ret_n, Error *err)
{
    const Vector *entries = vector_entries(vector);
    uint32_t n_valid = n;
    uint8_t buffer[STEP_ROWS] = {0};
    if (vector->type.id == TYPE_NULLTYPE) {
        memset(buffer, 0, n);
        n_valid = 0;
    } else if (entries->valid && vector->kind == VECTOR_CONST) {
        memset(buffer, entries->valid[0] != 0, n);
        n_valid = entries->valid[0] ? n : 0;
    } else if (entries->valid) {
        for (uint32_t i = 0; i < n; i++)
            buffer[i] = entries->valid[vector_position(vector, first + i)] != 0;
        n_valid -= (uint32_t)encoder_count_zeros(buffer, n);
    }
    if (n_valid < n && encoder->column->max_definition == 0)
        return null_in_required(encoder, err);
    if (encoder->column->max_definition) {
        if (n_valid == n)
            memset(buffer, 1, n);
        buffer_append(&encoder->valid, buffer, n);
    }
    *ret_n = n_valid;
    if (vector->kind == VECTOR_FLAT && n_valid == n) {
        *ret_dense = (const uint8_t *)vector->data + (size_t)first * encoder->width;
        return STATUS_OK;
    }
    Buffer *dense = &encoder->scratch->dense;
    buffer_clear(dense);
    uint8_t *place = buffer_reserve(dense, (size_t)STEP_ROWS * encoder->width);
    gather(encoder, vector, first, n, n_valid < n ? buffer : NULL, place);
    *ret_dense = place;
    return STATUS_OK;
}

static Status check_text_sizes(const ColumnEncoder *encoder, const StrView *texts, uint32_t n, Error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (texts[i].size > VALUE_BYTES_MAX) {
            error_set(err, STATUS_DATA, "a value of %u bytes is larger than a Parquet page can be", texts[i].size);
            return error_at_column(err, encoder->column->name);
        }
    }
    return STATUS_OK;
}

/* Codes of a DICT vector's rows by one look-up per entry.  Returns how many of the n rows were done. */
static uint32_t encode_mapped(ColumnEncoder *encoder, const Vector *vector, uint32_t first, uint32_t n, uint32_t *map,
                              uint32_t *codes)
{
    const uint8_t *entries = vector->dict->data;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t position = vector_code(vector, first + i);
        if (map[position] == UINT32_MAX &&
            dictionary_encode(encoder->dictionary, entries + (size_t)position * encoder->width, 1, &map[position]) == 0)
            return i;
        codes[i] = map[position];
    }
    return n;
}

/* Marks n rows without NULLs as valid. */
static void append_valid(ColumnEncoder *encoder, uint32_t n)
{
    if (encoder->column->max_definition == 0)
        return;
    memset(buffer_reserve(&encoder->valid, n), 1, n);
    encoder->valid.size += n;
}

/* Rows of a DICT vector without NULLs by its map; *ret_rows is less than n when the dictionary is full. */
static void add_mapped(ColumnEncoder *encoder, const Vector *vector, uint32_t first, uint32_t n, uint32_t *map,
                       uint32_t *ret_rows)
{
    uint32_t *codes = (uint32_t *)(void *)buffer_reserve(&encoder->codes, (size_t)n * 4);
    uint32_t done = encode_mapped(encoder, vector, first, n, map, codes);
    encoder->codes.size += (size_t)done * 4;
    encoder->n_dense += done;
    encoder->n_rows += done;
    append_valid(encoder, done);
    if (!encoder->is_text)
        encoder->built_plain_bytes += (uint64_t)done * encoder_plain_width(encoder->column->type);
    else if (encoder->pages.facts.n_pages == 0)
        for (uint32_t i = 0; i < done; i++)
            encoder->built_plain_bytes +=
                4 + ((const StrView *)vector->dict->data)[vector_code(vector, first + i)].size;
    *ret_rows = done;
}

/* Dense values of n rows as codes; *ret_rows is less than n when the dictionary is full. */
static void add_codes(ColumnEncoder *encoder, const void *dense, uint32_t n_dense, uint32_t n, uint32_t *ret_rows)
{
    uint32_t *codes = (uint32_t *)(void *)buffer_reserve(&encoder->codes, (size_t)n_dense * 4);
    uint32_t done = (uint32_t)dictionary_encode(encoder->dictionary, dense, n_dense, codes), rows = done;
    encoder->codes.size += (size_t)done * 4;
    encoder->n_dense += done;
    encoder->built_plain_bytes += plain_bytes(encoder, dense, done);
    if (done == n_dense) {
        rows = n;
    } else if (encoder->column->max_definition) {
        const uint8_t *valid = encoder->valid.data + encoder->n_rows;
        rows = 0;
        for (uint32_t left = done; left || !valid[rows]; rows++)
            left -= valid[rows];
        encoder->valid.size = (size_t)encoder->n_rows + rows;
    }
    encoder->n_rows += rows;
    *ret_rows = rows;
}

static bool is_valid_constant(const Vector *vector)
{
    return vector->type.id != TYPE_NULLTYPE && (!vector->valid || vector->valid[0]);
}

/* n rows of a CONST vector that is not NULL; *ret_rows is 0 when its value finds no room in the dictionary. */
static void add_constant(ColumnEncoder *encoder, const Vector *vector, uint32_t n, uint32_t *ret_rows)
{
    uint32_t code;
    *ret_rows = 0;
    if (dictionary_encode(encoder->dictionary, vector->data, 1, &code) == 0)
        return;
    uint32_t *codes = (uint32_t *)(void *)buffer_reserve(&encoder->codes, (size_t)n * 4);
    for (uint32_t i = 0; i < n; i++)
        codes[i] = code;
    encoder->codes.size += (size_t)n * 4;
    encoder->built_plain_bytes += plain_bytes(encoder, vector->data, 1) * n;
    encoder->n_dense += n;
    encoder->n_rows += n;
    append_valid(encoder, n);
    *ret_rows = n;
}

/* One step of rows; `map` is that of a DICT vector without NULLs, else NULL.  *ret_rows were taken: fewer than n when the
 * dictionary is full, which the chunk then has left. */
static Status add_step(ColumnEncoder *encoder, const Vector *vector, uint32_t first, uint32_t n, uint32_t *map,
                       uint32_t *ret_rows, Error *err)
{
    const void *dense = NULL;
    uint32_t n_dense = 0, rows = 0;
    if (encoder->mode == MODE_BUILD && map) {
        add_mapped(encoder, vector, first, n, map, &rows);
    } else if (encoder->mode == MODE_BUILD && vector->kind == VECTOR_CONST && is_valid_constant(vector)) {
        if (encoder->is_text)
            TRY(check_text_sizes(encoder, vector->data, 1, err));
        add_constant(encoder, vector, n, &rows);
    } else {
        TRY(make_dense(encoder, vector, first, n, &dense, &n_dense, err));
        if (encoder->is_text)
            TRY(check_text_sizes(encoder, dense, n_dense, err));
        if (encoder->mode == MODE_PLAIN) {
            if (n_dense)
                append_plain(encoder, dense, n_dense);
            encoder->n_dense += n_dense;
            encoder->n_rows += n;
            *ret_rows = n;
            return STATUS_OK;
        }
        add_codes(encoder, dense, n_dense, n, &rows);
    }
    if (rows < n)
        TRY(leave_dictionary(encoder, err));
    *ret_rows = rows;
    return STATUS_OK;
}

/* After a step: ends the page when it is large enough, and the dictionary when nearly all values differ.  Both are asked
 * at places that only the rows decide, so that the bytes do not depend on how the rows were cut into vectors. */
static Status settle(ColumnEncoder *encoder, Error *err)
{
    if (encoder->mode == MODE_BUILD && encoder->pages.facts.n_pages == 0 && encoder->n_rows > 0 &&
        encoder->n_rows % STEP_ROWS == 0 && encoder->n_dense >= STEP_ROWS / 4 &&
        (uint64_t)dictionary_size(encoder->dictionary) * 10 > (uint64_t)encoder->n_dense * 9 &&
        encoder->built_plain_bytes < 2 * dictionary_bytes(encoder->dictionary))
        drop_dictionary(encoder);
    if (encoder->n_rows == encoder->settings->page_rows || (encoder->is_text && page_bytes(encoder) >= PAGE_BYTES))
        return flush_page(encoder, err);
    return STATUS_OK;
}

static void start_building(ColumnEncoder *encoder)
{
    DataType type = encoder->column->type;
    if (encoder->settings->no_dictionary || type.id == TYPE_BOOLEAN || type.id == TYPE_NULLTYPE) {
        encoder->mode = MODE_PLAIN;
        return;
    }
    if (!encoder->dictionary)
        encoder->dictionary = dictionary_new(type);
    encoder->mode = MODE_BUILD;
}

/* Rows of the next step: texts are taken so that a page stays near PAGE_BYTES. */
static uint32_t step_rows(const ColumnEncoder *encoder, const Vector *vector, uint32_t first)
{
    uint32_t n = vector->n - first;
    if (n > STEP_ROWS - encoder->n_rows % STEP_ROWS)
        n = STEP_ROWS - encoder->n_rows % STEP_ROWS;
    if (n > encoder->settings->page_rows - encoder->n_rows)
        n = encoder->settings->page_rows - encoder->n_rows;
    if (encoder->is_text && encoder->mode == MODE_PLAIN) {
        const StrView *texts = vector_entries(vector)->data;
        size_t bytes = page_bytes(encoder);
        for (uint32_t i = 0; i < n; i++) {
            if (!vector_is_valid(vector, first + i))
                continue;
            bytes += 4 + (size_t)texts[vector_position(vector, first + i)].size;
            if (bytes >= PAGE_BYTES)
                return i + 1;
        }
    }
    return n;
}

Status column_encoder_add(ColumnEncoder *encoder, const Vector *vector, Error *err)
{
    if (encoder->mode == MODE_START)
        start_building(encoder);
    uint32_t *map = NULL;
    if (encoder->mode == MODE_BUILD && vector->kind == VECTOR_DICT && !vector->dict->valid &&
        vector->dict->n <= vector->n) {
        Buffer *buffer = &encoder->scratch->codes;
        buffer_clear(buffer);
        map = (uint32_t *)(void *)buffer_reserve(buffer, (size_t)vector->dict->n * 4);
        memset(map, 0xff, (size_t)vector->dict->n * 4);
    }
    for (uint32_t first = 0; first < vector->n;) {
        uint32_t rows = 0;
        TRY(add_step(encoder, vector, first, step_rows(encoder, vector, first), map, &rows, err));
        TRY(settle(encoder, err));
        first += rows;
    }
    return STATUS_OK;
}

/* A page of numbers that lies in memory as PLAIN has it. */
static Status add_plain_page(ColumnEncoder *encoder, const Vector *vector, Error *err)
{
    PageValues values = {.encoding = FORMAT_PLAIN, .bytes = vector->data, .size = (size_t)vector->n * encoder->width};
    values.has_bounds = encoder_bounds(encoder->column->type, vector->data, vector->n, &values.min, &values.max);
    return page_writer_data(&encoder->pages, &values, NULL, vector->n, 0, err);
}

Status column_encoder_add_page(ColumnEncoder *encoder, const Vector *vector, uint64_t chunk_rows, Error *err)
{
    DataType type = encoder->column->type;
    bool is_number = !encoder->is_text && type.id != TYPE_BOOLEAN && type.id != TYPE_NULLTYPE;
    if (encoder->mode == MODE_START) {
        if (can_be_direct(encoder, vector, chunk_rows)) {
            encoder->direct = vector->dict;
            encoder->mode = MODE_DIRECT;
            TRY(add_direct_page(encoder, vector, err));
            return page_writer_dictionary(&encoder->pages, encoder->direct->data, encoder->n_direct, err);
        }
        if (is_number && vector->kind == VECTOR_FLAT)
            encoder->mode = MODE_PLAIN;
    }
    if (encoder->mode == MODE_DIRECT)
        return add_direct_page(encoder, vector, err);
    if (encoder->mode == MODE_PLAIN && is_number && !type_is_wide_decimal(type) && vector->kind == VECTOR_FLAT &&
        (!vector->valid || encoder_count_zeros(vector->valid, vector->n) == 0))
        return add_plain_page(encoder, vector, err);
    TRY(column_encoder_add(encoder, vector, err));
    return flush_page(encoder, err);
}

Status column_encoder_finish(ColumnEncoder *encoder, Error *err)
{
    TRY(flush_page(encoder, err));
    if (encoder->pages.facts.n_dictionary_coded_pages && encoder->mode != MODE_DIRECT)
        TRY(page_writer_dictionary(&encoder->pages, dictionary_values(encoder->dictionary),
                                   dictionary_size(encoder->dictionary), err));
    page_writer_facts(&encoder->pages);
    return STATUS_OK;
}
