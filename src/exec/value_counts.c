/* ValueCounts; see value_counts.h.
 *
 * A value gets a number when it is first seen, a dictionary's entry once a row group; from then on a row is two numbers, its
 * group and its value.  Rows are counted in one of two ways:
 *
 *   dense    an array of 32-bit counters for each group, by the numbers of the values: one increment a row.  For as long as
 *            the arrays are not much larger than what stands in them, which is most of what freight asks: the costs of a
 *            lane, the delays of a carrier, distinct ids of a client
 *   sparse   a hash table of (group, value), 16 bytes a slot, when the arrays would be mostly empty
 *
 * The way there is one: dense until it does not pay. */
#include "exec/value_counts.h"

#include "exec/group_table.h"

#define NO_NUMBER UINT32_MAX
#define UNKNOWN (UINT32_MAX - 1)
#define DENSE_FREE_BYTES ((size_t)16 << 20) /* of arrays, whatever stands in them */
#define DENSE_BYTES_PER_PAIR 64

typedef struct DenseGroup {
    uint32_t *rows; /* by value number */
    uint32_t capacity;
} DenseGroup;

typedef struct SparseSlot {
    uint64_t key; /* group * 2^32 + value */
    int64_t rows; /* 0: free */
} SparseSlot;

struct ValueCounts {
    Arena *arena;
    GroupTable *values;
    uint64_t n_pairs;
    /* numbers of the entries of the dictionary seen last */
    const Vector *dictionary;
    uint64_t generation;
    uint32_t *entry_numbers;
    uint32_t entry_capacity;
    /* dense */
    DenseGroup *groups; /* NULL when sparse */
    uint32_t n_groups;
    uint32_t groups_capacity;
    size_t dense_bytes;
    /* sparse */
    SparseSlot *slots;
    uint64_t mask;
};

ValueCounts *value_counts_new(DataType type, Arena *arena)
{
    ValueCounts *counts = ARENA_NEW(arena, ValueCounts);
    counts->arena = arena;
    counts->values = group_table_new(arena, &type, 1);
    counts->groups_capacity = 16;
    counts->groups = ARENA_ARRAY(arena, DenseGroup, counts->groups_capacity);
    return counts;
}

/* ---- numbers of values ---- */

static void number_flat(ValueCounts *counts, const Vector *flat, Arena *batch_arena, uint32_t *ret_numbers)
{
    group_table_find(counts->values, flat, flat->n, UINT64_MAX, batch_arena, ret_numbers);
}

static void remember_dictionary(ValueCounts *counts, const Vector *dictionary, uint64_t generation)
{
    if (counts->dictionary == dictionary && counts->generation == generation)
        return;
    if (dictionary->n > counts->entry_capacity) {
        counts->entry_capacity = dictionary->n * 2;
        counts->entry_numbers = ARENA_ARRAY(counts->arena, uint32_t, counts->entry_capacity);
    }
    for (uint32_t i = 0; i < dictionary->n; i++)
        counts->entry_numbers[i] = dictionary->valid && !dictionary->valid[i] ? NO_NUMBER : UNKNOWN;
    counts->dictionary = dictionary;
    counts->generation = generation;
}

/* The numbers of the rows of a DICT vector; only entries that some row has are looked up. */
static void number_coded(ValueCounts *counts, const CountedRows *rows, Arena *batch_arena, uint32_t *ret_numbers)
{
    const Vector *vector = rows->values;
    remember_dictionary(counts, vector->dict, rows->generation);
    uint32_t *numbers = counts->entry_numbers, n_unknown = 0;
    uint32_t *unknown = ARENA_ARRAY(batch_arena, uint32_t, rows->n + 1);
    for (uint32_t i = 0; i < rows->n; i++) {
        uint32_t code = vector_code(vector, i);
        ret_numbers[i] = rows->mask && !rows->mask[i] ? NO_NUMBER : numbers[code];
        unknown[n_unknown] = i;
        n_unknown += ret_numbers[i] == UNKNOWN;
    }
    if (n_unknown == 0)
        return;
    uint32_t *codes = ARENA_ARRAY(batch_arena, uint32_t, n_unknown), n_codes = 0;
    for (uint32_t i = 0; i < n_unknown; i++) {
        uint32_t code = vector_code(vector, unknown[i]);
        codes[n_codes] = code;
        n_codes += numbers[code] == UNKNOWN;
        numbers[code] = NO_NUMBER; /* each once */
    }
    Vector entries = vector_select(batch_arena, vector->dict, codes, n_codes);
    uint32_t *found = ARENA_ARRAY(batch_arena, uint32_t, n_codes);
    number_flat(counts, &entries, batch_arena, found);
    for (uint32_t i = 0; i < n_codes; i++)
        numbers[codes[i]] = found[i];
    for (uint32_t i = 0; i < n_unknown; i++)
        ret_numbers[unknown[i]] = numbers[vector_code(vector, unknown[i])];
}

static void number_rows(ValueCounts *counts, const CountedRows *rows, Arena *batch_arena, uint32_t *ret_numbers)
{
    if (rows->values->kind == VECTOR_DICT) {
        number_coded(counts, rows, batch_arena, ret_numbers);
        return;
    }
    Vector flat = vector_flatten(batch_arena, rows->values);
    uint32_t *kept = ARENA_ARRAY(batch_arena, uint32_t, rows->n + 1), n = 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        bool taken = (!rows->mask || rows->mask[i]) && (!flat.valid || flat.valid[i]);
        ret_numbers[i] = NO_NUMBER;
        kept[n] = i;
        n += taken && flat.type.id != TYPE_NULLTYPE;
    }
    if (n < rows->n)
        flat = vector_select(batch_arena, &flat, kept, n);
    uint32_t *found = ARENA_ARRAY(batch_arena, uint32_t, n + 1);
    number_flat(counts, &flat, batch_arena, found);
    for (uint32_t i = 0; i < n; i++)
        ret_numbers[kept[i]] = found[i];
}

/* ---- sparse ---- */

static inline uint64_t slot_of(const ValueCounts *counts, uint64_t key)
{
    UInt128 product = (UInt128)(key ^ 0x9e3779b97f4a7c15) * 0xe7037ed1a0b428db;
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) & counts->mask;
}

static SparseSlot *find_slot(const ValueCounts *counts, uint64_t key)
{
    uint64_t at = slot_of(counts, key);
    while (counts->slots[at].rows && counts->slots[at].key != key)
        at = (at + 1) & counts->mask;
    return &counts->slots[at];
}

static void sparse_resize(ValueCounts *counts, uint64_t size)
{
    SparseSlot *old = counts->slots;
    uint64_t n_old = old ? counts->mask + 1 : 0;
    counts->slots = arena_zalloc(counts->arena, sizeof(SparseSlot) * size);
    counts->mask = size - 1;
    for (uint64_t i = 0; i < n_old; i++)
        if (old[i].rows)
            *find_slot(counts, old[i].key) = old[i];
}

/* Whether the pair is new. */
static bool sparse_add(ValueCounts *counts, uint32_t group, uint32_t value, int64_t rows)
{
    uint64_t key = (uint64_t)group << 32 | value;
    SparseSlot *slot = find_slot(counts, key);
    bool is_new = slot->rows == 0;
    slot->key = key;
    slot->rows += rows;
    counts->n_pairs += is_new;
    if (UNLIKELY(counts->n_pairs * 3 > counts->mask * 2))
        sparse_resize(counts, (counts->mask + 1) * 2);
    return is_new;
}

static void become_sparse(ValueCounts *counts)
{
    uint64_t size = 1024;
    while (size < counts->n_pairs * 3)
        size *= 2;
    DenseGroup *groups = counts->groups;
    counts->groups = NULL;
    counts->n_pairs = 0;
    sparse_resize(counts, size);
    for (uint32_t g = 0; g < counts->n_groups; g++)
        for (uint32_t v = 0; v < groups[g].capacity; v++)
            if (groups[g].rows[v])
                sparse_add(counts, g, v, groups[g].rows[v]);
}

/* ---- dense ---- */

static void reserve_groups(ValueCounts *counts, uint32_t n)
{
    if (n > counts->groups_capacity) {
        uint32_t capacity = n + n / 2;
        DenseGroup *groups = ARENA_ARRAY(counts->arena, DenseGroup, capacity);
        memcpy(groups, counts->groups, sizeof *groups * counts->n_groups);
        counts->groups = groups;
        counts->groups_capacity = capacity;
    }
    counts->n_groups = n > counts->n_groups ? n : counts->n_groups;
}

/* Room for all values in a group's array; false when the arrays do not pay any more. */
static bool grow_group(ValueCounts *counts, DenseGroup *group)
{
    uint32_t capacity = group->capacity * 2, n = group_table_size(counts->values);
    capacity = capacity > n ? capacity : n + 16;
    size_t bytes = sizeof(uint32_t) * capacity;
    if (counts->dense_bytes + bytes > DENSE_FREE_BYTES + counts->n_pairs * DENSE_BYTES_PER_PAIR)
        return false;
    uint32_t *rows = arena_zalloc(counts->arena, bytes);
    if (group->capacity)
        memcpy(rows, group->rows, sizeof *rows * group->capacity);
    group->rows = rows;
    group->capacity = capacity;
    counts->dense_bytes += bytes;
    return true;
}

/* 1: the pair is new, 0: it is not, -1: it does not go into an array. */
static inline int dense_add(ValueCounts *counts, uint32_t g, uint32_t value, int64_t rows)
{
    DenseGroup *group = &counts->groups[g];
    if (UNLIKELY(value >= group->capacity) && !grow_group(counts, group))
        return -1;
    uint32_t *counter = &group->rows[value], before = *counter;
    if (UNLIKELY(rows > (int64_t)(UINT32_MAX - before)))
        return -1;
    *counter = before + (uint32_t)rows;
    counts->n_pairs += before == 0;
    return before == 0;
}

static inline bool add_pair(ValueCounts *counts, uint32_t group, uint32_t value, int64_t rows)
{
    if (LIKELY(counts->groups != NULL)) {
        int added = dense_add(counts, group, value, rows);
        if (LIKELY(added >= 0))
            return added;
        become_sparse(counts);
    }
    return sparse_add(counts, group, value, rows);
}

void value_counts_add(ValueCounts *counts, const CountedRows *rows, Arena *batch_arena, uint8_t *ret_first)
{
    uint32_t *numbers = ARENA_ARRAY(batch_arena, uint32_t, rows->n + 1), largest = 0;
    number_rows(counts, rows, batch_arena, numbers);
    for (uint32_t i = 0; i < rows->n; i++)
        largest = rows->groups[i] > largest ? rows->groups[i] : largest;
    if (counts->groups)
        reserve_groups(counts, largest + 1);
    for (uint32_t i = 0; i < rows->n; i++) {
        bool is_new = numbers[i] != NO_NUMBER &&
                      add_pair(counts, rows->groups[i], numbers[i], rows->weights ? rows->weights[i] : 1);
        if (ret_first)
            ret_first[i] = is_new;
    }
}

/* ---- what is there ---- */

Vector value_counts_values(const ValueCounts *counts, Arena *arena)
{
    return group_table_column(counts->values, 0, arena);
}

uint64_t value_counts_size(const ValueCounts *counts)
{
    return counts->n_pairs;
}

/* A place is a group and a value among its array, or a slot. */
uint32_t value_counts_pairs(const ValueCounts *counts, uint64_t *inout_at, ValuePair *ret_pairs, uint32_t room)
{
    uint64_t at = *inout_at;
    uint32_t n = 0;
    if (counts->groups) {
        uint32_t g = (uint32_t)(at >> 32), v = (uint32_t)at;
        for (; g < counts->n_groups; g++, v = 0) {
            const DenseGroup *group = &counts->groups[g];
            for (; v < group->capacity && n < room; v++)
                if (group->rows[v])
                    ret_pairs[n++] = (ValuePair){group->rows[v], g, v};
            if (n == room)
                break;
        }
        *inout_at = (uint64_t)g << 32 | v;
        return n;
    }
    for (; at <= counts->mask && n < room; at++)
        if (counts->slots[at].rows)
            ret_pairs[n++] = (ValuePair){counts->slots[at].rows, (uint32_t)(counts->slots[at].key >> 32),
                                         (uint32_t)counts->slots[at].key};
    *inout_at = at;
    return n;
}

void value_counts_merge(ValueCounts *into, const ValueCounts *from, const uint32_t *groups, Arena *batch_arena,
                        ValuePairsAdded added, void *context)
{
    uint32_t *values = ARENA_ARRAY(batch_arena, uint32_t, group_table_size(from->values) + 1);
    group_table_merge(into->values, from->values, values);
    ValuePair *pairs = ARENA_ARRAY(batch_arena, ValuePair, VALUE_COUNTS_MERGE_PAIRS);
    uint64_t at = 0;
    for (uint32_t n; (n = value_counts_pairs(from, &at, pairs, VALUE_COUNTS_MERGE_PAIRS)) > 0;) {
        uint32_t n_new = 0, largest = 0;
        for (uint32_t i = 0; i < n; i++) {
            pairs[i].group = groups[pairs[i].group];
            largest = pairs[i].group > largest ? pairs[i].group : largest;
        }
        if (into->groups)
            reserve_groups(into, largest + 1);
        for (uint32_t i = 0; i < n; i++) {
            ValuePair pair = pairs[i];
            bool is_new = add_pair(into, pair.group, values[pair.value], pair.rows);
            pairs[n_new] = pair;
            n_new += is_new;
        }
        if (added && n_new)
            added(context, pairs, n_new);
    }
}

size_t value_counts_bytes(const ValueCounts *counts)
{
    size_t bytes = group_table_bytes(counts->values) + sizeof(uint32_t) * counts->entry_capacity;
    return bytes + (counts->groups ? counts->dense_bytes + sizeof(DenseGroup) * counts->groups_capacity
                                   : sizeof(SparseSlot) * (counts->mask + 1));
}
