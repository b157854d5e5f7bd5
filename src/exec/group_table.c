/* GroupTable; see group_table.h.
 *
 * A slot holds half of the hash beside the tuple's number, so that nearly every tuple that is looked at is the one wanted.  A
 * batch is looked up in two passes, hashes first: the slots and tuples of the rows ahead are on their way from memory while a
 * row is looked at.  A single column with a dictionary is looked up once an entry. */
#include "exec/group_table.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct Interner {
    StrView *strings;
    uint64_t *hashes;
    uint32_t *slots; /* string number + 1, 0 free */
    uint32_t n;
    uint32_t capacity; /* of strings and hashes */
    uint32_t mask;
    Arena *arena;
    size_t string_bytes;
} Interner;

typedef struct KeyColumn {
    DataType type;
    Interner *interner; /* NULL where a word is the value itself */
    /* words of the dictionary seen last */
    const Vector *dictionary;
    uint64_t generation;
    uint64_t *entry_words;
    uint8_t *entry_nulls;
    uint32_t entry_capacity;
} KeyColumn;

typedef struct TupleSlot {
    uint32_t number; /* of the tuple, + 1; 0 free */
    uint32_t tag;    /* the upper half of its hash */
} TupleSlot;

struct GroupTable {
    Arena *arena;
    uint32_t n_columns;
    uint32_t width; /* words a tuple: the columns and the NULL bits */
    KeyColumn *columns;
    uint64_t *tuples;
    uint64_t *hashes;
    TupleSlot *slots;
    uint32_t n;
    uint32_t capacity;
    uint32_t mask;
    /* of one column with a dictionary: numbers of the entries of the one seen last */
    const Vector *dictionary;
    uint64_t generation;
    uint32_t *entry_numbers;
    uint32_t entry_capacity;
};

#define UNKNOWN_NUMBER UINT32_MAX
#define ROWS_AHEAD 16

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    UInt128 product = (UInt128)(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xe7037ed1a0b428db);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* ---- interning ---- */

static void interner_rehash(Interner *interner, uint32_t size)
{
    interner->slots = arena_zalloc(interner->arena, sizeof(uint32_t) * size);
    interner->mask = size - 1;
    for (uint32_t i = 0; i < interner->n; i++) {
        uint32_t slot = (uint32_t)interner->hashes[i] & interner->mask;
        while (interner->slots[slot])
            slot = (slot + 1) & interner->mask;
        interner->slots[slot] = i + 1;
    }
}

static Interner *interner_new(Arena *arena)
{
    Interner *interner = ARENA_NEW(arena, Interner);
    interner->arena = arena;
    interner_rehash(interner, 64);
    return interner;
}

static void *grow(Arena *arena, void *old, size_t old_bytes, size_t new_bytes)
{
    void *grown = arena_alloc(arena, new_bytes);
    if (old_bytes)
        memcpy(grown, old, old_bytes);
    return grown;
}

static uint32_t interner_add(Interner *interner, StrView text)
{
    uint64_t hash = XXH3_64bits(text.data, text.size);
    uint32_t slot = (uint32_t)hash & interner->mask;
    for (; interner->slots[slot]; slot = (slot + 1) & interner->mask) {
        uint32_t number = interner->slots[slot] - 1;
        if (interner->hashes[number] == hash && str_equal(interner->strings[number], text))
            return number;
    }
    if (interner->n == interner->capacity) {
        uint32_t capacity = interner->capacity ? interner->capacity * 2 : 32;
        interner->strings =
            grow(interner->arena, interner->strings, sizeof(StrView) * interner->n, sizeof(StrView) * capacity);
        interner->hashes =
            grow(interner->arena, interner->hashes, sizeof(uint64_t) * interner->n, sizeof(uint64_t) * capacity);
        interner->capacity = capacity;
    }
    uint32_t number = interner->n++;
    interner->strings[number] = arena_str(interner->arena, text);
    interner->string_bytes += text.size + 1;
    interner->hashes[number] = hash;
    interner->slots[slot] = number + 1;
    if (interner->n * 2 > interner->mask)
        interner_rehash(interner, (interner->mask + 1) * 2);
    return number;
}

/* ---- values to words ---- */

static bool type_is_interned(DataType type)
{
    return type.id == TYPE_STRING || type.id == TYPE_BINARY || type_is_wide_decimal(type);
}

static uint64_t double_word(double value)
{
    if (isnan(value))
        value = NAN;
    if (value == 0)
        value = 0;
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

/* The words of the flat vector's entries; a NULL has word 0 and its null byte 1. */
static void flat_words(KeyColumn *column, const Vector *flat, uint64_t *words, uint8_t *nulls)
{
    uint32_t n = flat->n;
    const void *data = flat->data;
    switch (type_is_wide_decimal(column->type) ? TYPE_BINARY : column->type.id) {
    case TYPE_NULLTYPE:
    case TYPE_BOOLEAN:
        for (uint32_t i = 0; i < n; i++)
            words[i] = ((const uint8_t *)data)[i];
        break;
    case TYPE_INT:
    case TYPE_DATE:
        for (uint32_t i = 0; i < n; i++)
            words[i] = (uint64_t)(int64_t)((const int32_t *)data)[i];
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_DECIMAL:
        memcpy(words, data, sizeof(uint64_t) * n);
        break;
    case TYPE_FLOAT:
        for (uint32_t i = 0; i < n; i++)
            words[i] = double_word((double)((const float *)data)[i]);
        break;
    case TYPE_DOUBLE:
        for (uint32_t i = 0; i < n; i++)
            words[i] = double_word(((const double *)data)[i]);
        break;
    default:
        for (uint32_t i = 0; i < n; i++) {
            if (flat->valid && !flat->valid[i])
                continue;
            StrView bytes = column->type.id == TYPE_DECIMAL ? (StrView){(const char *)data + 16 * (size_t)i, 16}
                                                            : ((const StrView *)data)[i];
            words[i] = interner_add(column->interner, bytes);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        nulls[i] = column->type.id == TYPE_NULLTYPE || (flat->valid && !flat->valid[i]);
        words[i] = nulls[i] ? 0 : words[i];
    }
}

static void remember_dictionary(GroupTable *table, KeyColumn *column, const Vector *dictionary, uint64_t generation)
{
    if (column->dictionary == dictionary && column->generation == generation)
        return;
    if (dictionary->n > column->entry_capacity) {
        column->entry_capacity = dictionary->n * 2;
        column->entry_words = arena_alloc(table->arena, sizeof(uint64_t) * column->entry_capacity);
        column->entry_nulls = arena_alloc(table->arena, column->entry_capacity);
    }
    flat_words(column, dictionary, column->entry_words, column->entry_nulls);
    column->dictionary = dictionary;
    column->generation = generation;
}

/* Writes words[row * width + k] and sets bit k of the row's NULL word. */
static void column_words(GroupTable *table, uint32_t k, const Vector *vector, uint32_t n, uint64_t generation,
                         Arena *batch_arena, uint64_t *tuples)
{
    KeyColumn *column = &table->columns[k];
    uint32_t width = table->width;
    const uint64_t *words;
    const uint8_t *nulls;
    if (vector->kind == VECTOR_DICT) {
        remember_dictionary(table, column, vector->dict, generation);
        words = column->entry_words;
        nulls = column->entry_nulls;
    } else {
        uint32_t entries = vector->kind == VECTOR_CONST ? 1 : n;
        Vector flat = *vector;
        flat.n = entries;
        uint64_t *row_words = arena_alloc(batch_arena, sizeof(uint64_t) * (entries + 1));
        uint8_t *row_nulls = arena_alloc(batch_arena, entries + 1);
        flat_words(column, &flat, row_words, row_nulls);
        words = row_words;
        nulls = row_nulls;
    }
    for (uint32_t row = 0; row < n; row++) {
        uint32_t position = vector_position(vector, row);
        tuples[(size_t)row * width + k] = words[position];
        tuples[(size_t)row * width + width - 1] |= (uint64_t)nulls[position] << k;
    }
}

/* ---- tuples ---- */

static void table_rehash(GroupTable *table, uint32_t size)
{
    table->slots = arena_zalloc(table->arena, sizeof(TupleSlot) * size);
    table->mask = size - 1;
    for (uint32_t i = 0; i < table->n; i++) {
        uint32_t slot = (uint32_t)table->hashes[i] & table->mask;
        while (table->slots[slot].number)
            slot = (slot + 1) & table->mask;
        table->slots[slot] = (TupleSlot){i + 1, (uint32_t)(table->hashes[i] >> 32)};
    }
}

GroupTable *group_table_new(Arena *arena, const DataType *types, uint32_t n_columns)
{
    CHECK(n_columns <= GROUP_TABLE_MAX_COLUMNS);
    GroupTable *table = ARENA_NEW(arena, GroupTable);
    table->arena = arena;
    table->n_columns = n_columns;
    table->width = n_columns + 1;
    table->columns = ARENA_ARRAY(arena, KeyColumn, n_columns);
    for (uint32_t k = 0; k < n_columns; k++) {
        table->columns[k].type = types[k];
        if (type_is_interned(types[k]))
            table->columns[k].interner = interner_new(arena);
    }
    table_rehash(table, 256);
    return table;
}

uint32_t group_table_size(const GroupTable *table)
{
    return table->n;
}

static inline uint64_t tuple_hash(const uint64_t *tuple, uint32_t width)
{
    uint64_t hash = tuple[width - 1];
    for (uint32_t k = 0; k + 1 < width; k++)
        hash = mix(hash, tuple[k]);
    return hash;
}

static inline bool tuples_equal(const uint64_t *a, const uint64_t *b, uint32_t width)
{
    for (uint32_t k = 0; k < width; k++)
        if (a[k] != b[k])
            return false;
    return true;
}

static uint32_t add_tuple(GroupTable *table, const uint64_t *tuple, uint64_t hash, uint32_t slot)
{
    uint32_t width = table->width;
    if (table->n == table->capacity) {
        uint32_t capacity = table->capacity ? table->capacity * 2 : 128;
        table->tuples =
            grow(table->arena, table->tuples, sizeof(uint64_t) * width * table->n, sizeof(uint64_t) * width * capacity);
        table->hashes = grow(table->arena, table->hashes, sizeof(uint64_t) * table->n, sizeof(uint64_t) * capacity);
        table->capacity = capacity;
    }
    uint32_t number = table->n++;
    memcpy(table->tuples + (size_t)number * width, tuple, sizeof(uint64_t) * width);
    table->hashes[number] = hash;
    table->slots[slot] = (TupleSlot){number + 1, (uint32_t)(hash >> 32)};
    if ((uint64_t)table->n * 2 > table->mask)
        table_rehash(table, (table->mask + 1) * 2);
    return number;
}

static inline uint32_t find_tuple(GroupTable *table, const uint64_t *tuple, uint64_t hash)
{
    uint32_t width = table->width, slot = (uint32_t)hash & table->mask, tag = (uint32_t)(hash >> 32);
    for (; table->slots[slot].number; slot = (slot + 1) & table->mask) {
        TupleSlot found = table->slots[slot];
        if (found.tag == tag && tuples_equal(table->tuples + (size_t)(found.number - 1) * width, tuple, width))
            return found.number - 1;
    }
    return add_tuple(table, tuple, hash, slot);
}

/* What find_tuple will look at first for a row 2 * ROWS_AHEAD, and then ROWS_AHEAD, further on. */
static inline void fetch_ahead(const GroupTable *table, const uint64_t *hashes, uint32_t row, uint32_t n)
{
    if (row + 2 * ROWS_AHEAD < n)
        __builtin_prefetch(&table->slots[(uint32_t)hashes[row + 2 * ROWS_AHEAD] & table->mask]);
    if (row + ROWS_AHEAD < n) {
        TupleSlot slot = table->slots[(uint32_t)hashes[row + ROWS_AHEAD] & table->mask];
        if (slot.number)
            __builtin_prefetch(table->tuples + (size_t)(slot.number - 1) * table->width);
    }
}

static void find_rows(GroupTable *table, const Vector *columns, uint32_t n, uint64_t generation, Arena *batch_arena,
                      uint32_t *ret_groups)
{
    uint32_t width = table->width;
    uint64_t *tuples = arena_zalloc(batch_arena, sizeof(uint64_t) * width * ((size_t)n + 1));
    uint64_t *hashes = ARENA_ARRAY(batch_arena, uint64_t, n + 1);
    for (uint32_t k = 0; k < table->n_columns; k++)
        column_words(table, k, &columns[k], n, generation, batch_arena, tuples);
    for (uint32_t row = 0; row < n; row++)
        hashes[row] = tuple_hash(tuples + (size_t)row * width, width);
    for (uint32_t row = 0; row < n; row++) {
        fetch_ahead(table, hashes, row, n);
        ret_groups[row] = find_tuple(table, tuples + (size_t)row * width, hashes[row]);
    }
}

static void forget_entries(GroupTable *table, const Vector *dictionary, uint64_t generation)
{
    if (table->dictionary == dictionary && table->generation == generation)
        return;
    if (dictionary->n > table->entry_capacity) {
        table->entry_capacity = dictionary->n * 2;
        table->entry_numbers = ARENA_ARRAY(table->arena, uint32_t, table->entry_capacity);
    }
    memset(table->entry_numbers, 0xff, sizeof *table->entry_numbers * dictionary->n);
    table->dictionary = dictionary;
    table->generation = generation;
}

/* Rows of one column with a dictionary: entries that no row had yet are looked up together, in the order of the rows. */
static void find_codes(GroupTable *table, const Vector *column, uint32_t n, uint64_t generation, Arena *batch_arena,
                       uint32_t *ret_groups)
{
    forget_entries(table, column->dict, generation);
    uint32_t *numbers = table->entry_numbers, *codes = ARENA_ARRAY(batch_arena, uint32_t, n + 1), n_codes = 0;
    for (uint32_t row = 0; row < n; row++) {
        uint32_t code = vector_code(column, row);
        codes[n_codes] = code;
        n_codes += numbers[code] == UNKNOWN_NUMBER;
        numbers[code] = numbers[code] == UNKNOWN_NUMBER ? 0 : numbers[code]; /* each once */
    }
    if (n_codes) {
        Vector entries = vector_select(batch_arena, column->dict, codes, n_codes);
        uint32_t *found = ARENA_ARRAY(batch_arena, uint32_t, n_codes);
        find_rows(table, &entries, n_codes, UINT64_MAX, batch_arena, found);
        for (uint32_t i = 0; i < n_codes; i++)
            numbers[codes[i]] = found[i];
    }
    for (uint32_t row = 0; row < n; row++)
        ret_groups[row] = numbers[vector_code(column, row)];
}

void group_table_find(GroupTable *table, const Vector *columns, uint32_t n, uint64_t generation, Arena *batch_arena,
                      uint32_t *ret_groups)
{
    if (table->n_columns == 1 && columns[0].kind == VECTOR_DICT && generation != UINT64_MAX)
        find_codes(table, &columns[0], n, generation, batch_arena, ret_groups);
    else
        find_rows(table, columns, n, generation, batch_arena, ret_groups);
}

void group_table_merge(GroupTable *table, const GroupTable *other, uint32_t *ret_groups)
{
    uint32_t width = table->width;
    uint64_t tuple[GROUP_TABLE_MAX_COLUMNS + 1];
    for (uint32_t i = 0; i < other->n; i++) {
        memcpy(tuple, other->tuples + (size_t)i * width, sizeof(uint64_t) * width);
        for (uint32_t k = 0; k < table->n_columns; k++)
            if (table->columns[k].interner && !(tuple[width - 1] >> k & 1))
                tuple[k] = interner_add(table->columns[k].interner, other->columns[k].interner->strings[tuple[k]]);
        ret_groups[i] = find_tuple(table, tuple, tuple_hash(tuple, width));
    }
}

Vector group_table_column(const GroupTable *table, uint32_t k, Arena *arena)
{
    const KeyColumn *column = &table->columns[k];
    uint32_t width = table->width;
    Vector vector = vector_new(arena, column->type, table->n, true);
    size_t bytes = type_width(column->type);
    for (uint32_t i = 0; i < table->n; i++) {
        const uint64_t *tuple = table->tuples + (size_t)i * width;
        char *place = (char *)vector.data + bytes * i;
        vector.valid[i] = !(tuple[width - 1] >> k & 1);
        if (column->interner) {
            StrView text = vector.valid[i] ? column->interner->strings[tuple[k]] : (StrView){"", 0};
            if (column->type.id == TYPE_DECIMAL)
                memcpy(place, vector.valid[i] ? text.data : "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
            else
                memcpy(place, &text, sizeof text);
        } else if (column->type.id == TYPE_FLOAT) {
            double value;
            memcpy(&value, &tuple[k], sizeof value);
            float narrow = (float)value;
            memcpy(place, &narrow, sizeof narrow);
        } else {
            memcpy(place, &tuple[k], bytes); /* little-endian: the low bytes are the value */
        }
    }
    return vector;
}

size_t group_table_bytes(const GroupTable *table)
{
    size_t bytes = table->capacity * (sizeof(uint64_t) * (table->width + 1)) +
                   sizeof(TupleSlot) * ((size_t)table->mask + 1) + sizeof(uint32_t) * table->entry_capacity;
    for (uint32_t k = 0; k < table->n_columns; k++) {
        const Interner *interner = table->columns[k].interner;
        if (interner)
            bytes += interner->capacity * (sizeof(StrView) + sizeof(uint64_t)) +
                     sizeof(uint32_t) * ((size_t)interner->mask + 1) + interner->string_bytes;
    }
    return bytes;
}
