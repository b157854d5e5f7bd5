/* JoinTable; see join.h.
 *
 *   hash of a row's keys -> heads[hash & mask] -> entries[row].next -> ...
 *
 * Chains go through the rows' numbers, upwards.  An entry has its row's word: the key itself where there is one and it fits,
 * else the hash, so that values are compared only where hashes are equal.  A head has, beside the first row, a bit for each
 * hash in its chain: most rows without a partner are told by the head alone.  There are at least as many heads as rows.  Rows
 * with a NULL key are in no chain: they have no partner.
 *
 * The rows of a chunk are looked up together, so that the heads and then the entries they need are fetched ahead. */
#include "exec/join.h"

#include <pthread.h>

#include "exec/compare.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define DICTIONARY_ROWS 16384 /* more rows are given as values: an expression over all of them would cost too much */

#define FETCH_AHEAD 16
#define RANGE_ROWS 16384u
#define NULL_ROW UINT32_MAX /* for a moment, in the place of an entry's link */
#define MANY_ROWS 65536     /* fewer are not worth waking threads for */

typedef struct Entry {
    uint64_t word;
    uint32_t next; /* row + 1; 0: none */
} Entry;

struct JoinTable {
    const PlanNode *join;
    MemoryBudget *budget;
    size_t reserved;
    Arena arena;
    uint32_t n;
    Vector *columns; /* of the right side, FLAT, with a row of NULLs behind the last */
    const Vector **keys;
    bool exact; /* the words of entries are the keys */
    Entry *entries;
    uint64_t *heads; /* below: row + 1, 0: none; above: bits of the chain's hashes */
    uint32_t mask;
};

static inline uint64_t hash_bit(uint64_t hash)
{
    return (uint64_t)1 << (32 + ((hash >> 40) & 31));
}

/* ---- hashes ---- */

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}

static bool is_text(DataType type)
{
    return type.id == TYPE_STRING || type.id == TYPE_BINARY;
}

static uint64_t double_word(double value)
{
    uint64_t word;
    value = value == 0 ? 0 : value; /* -0 */
    memcpy(&word, &value, sizeof word);
    return value != value ? 0x7ff8000000000000u : word;
}

static uint64_t value_word(DataType type, const void *data, uint32_t i)
{
    switch (type.id) {
    case TYPE_STRING:
    case TYPE_BINARY: {
        StrView text = ((const StrView *)data)[i];
        return XXH3_64bits(text.data, text.size);
    }
    case TYPE_DOUBLE:
        return double_word(((const double *)data)[i]);
    case TYPE_FLOAT:
        return double_word((double)((const float *)data)[i]);
    default: {
        size_t width = type_width(type);
        if (width == sizeof(Int128))
            return XXH3_64bits((const char *)data + width * i, width);
        uint64_t word = 0;
        memcpy(&word, (const char *)data + width * i, width);
        return word;
    }
    }
}

static void value_words(const Vector *key, uint32_t n, uint64_t *words)
{
    DataType type = key->type;
    bool plain = type.id != TYPE_DOUBLE && type.id != TYPE_FLOAT && !is_text(type);
    if (n && plain && type_width(type) == sizeof(uint64_t))
        memcpy(words, key->data, sizeof(uint64_t) * n);
    else if (plain && type_width(type) == sizeof(uint32_t))
        for (uint32_t i = 0; i < n; i++)
            words[i] = ((const uint32_t *)key->data)[i];
    else
        for (uint32_t i = 0; i < n; i++)
            words[i] = key->valid && !key->valid[i] ? 0 : value_word(type, key->data, i);
}

/* Hashes, and the words of the last key. */
static uint64_t *hash_words(const Vector *const *keys, uint32_t n_keys, uint32_t n, Arena *arena, uint8_t **ret_null,
                            uint64_t **ret_words)
{
    uint64_t *hashes = arena_alloc(arena, sizeof *hashes * ((size_t)n + 1));
    uint64_t *words = arena_alloc(arena, sizeof *words * ((size_t)n + 1));
    *ret_null = NULL;
    for (uint32_t k = 0; k < n_keys; k++) {
        const Vector *key = keys[k];
        value_words(key, n, words);
        for (uint32_t i = 0; i < n; i++)
            hashes[i] = mix(k ? hashes[i] : 0, words[i]);
        if (!key->valid)
            continue;
        if (!*ret_null)
            *ret_null = arena_zalloc(arena, n + 1);
        for (uint32_t i = 0; i < n; i++)
            (*ret_null)[i] |= !key->valid[i];
    }
    *ret_words = words;
    return hashes;
}

uint64_t *join_hash_keys(const Vector *const *keys, uint32_t n_keys, uint32_t n, Arena *arena, uint8_t **ret_null)
{
    uint64_t *words;
    return hash_words(keys, n_keys, n, arena, ret_null, &words);
}

/* Whether equal words are equal keys. */
static bool is_exact(const Vector *const *keys, uint32_t n_keys)
{
    return n_keys == 1 && !is_text(keys[0]->type) && type_width(keys[0]->type) <= sizeof(uint64_t);
}

/* ---- making one ---- */

uint64_t join_rows_count(const JoinRows *rows)
{
    uint64_t n = rows->relation ? rows->relation->rows : 0;
    for (uint32_t e = rows->first_extent; !rows->relation && e < rows->end_extent; e++)
        n += batch_file_part(rows->file, rows->part)->extents[e].rows;
    return n;
}

uint32_t join_rows_blocks(const JoinRows *rows)
{
    return rows->relation ? relation_blocks(rows->relation) : rows->end_extent - rows->first_extent;
}

static uint32_t join_rows_block_rows(const JoinRows *rows, uint32_t block)
{
    if (rows->relation)
        return relation_block_rows(rows->relation, block);
    return batch_file_part(rows->file, rows->part)->extents[rows->first_extent + block].rows;
}

Status join_rows_block(const JoinRows *rows, uint32_t block, Arena *arena, Batch *ret_batch, Error *err)
{
    if (rows->relation)
        return relation_block(rows->relation, block, arena, ret_batch, err);
    const BatchPart *part = batch_file_part(rows->file, rows->part);
    return batch_file_read(rows->file, &part->extents[rows->first_extent + block], arena, ret_batch, err);
}

size_t join_table_estimate(const PlanNode *join, const JoinRows *rows)
{
    const Schema *schema = &join->join.right->schema;
    size_t row_bytes = sizeof(Entry) + 2 * sizeof(uint64_t); /* and up to two heads */
    for (uint32_t c = 0; c < schema->n; c++)
        row_bytes += type_width(schema->fields[c].type) + 1;
    size_t bytes = row_bytes * (size_t)join_rows_count(rows);
    if (rows->relation)
        return bytes + (rows->relation->spilled ? (size_t)batch_file_bytes(rows->relation->spilled) : 0);
    for (uint32_t e = rows->first_extent; e < rows->end_extent; e++)
        bytes += batch_file_part(rows->file, rows->part)->extents[e].size;
    return bytes;
}

/* A row of NULLs stands behind the last. */
static Vector new_column(const JoinTable *table, DataType type, Arena *arena)
{
    Vector all = vector_new(arena, type, table->n + 1, true);
    size_t width = type_width(type);
    memset((char *)all.data + width * table->n, 0, width);
    all.valid[table->n] = 0;
    if (is_text(type))
        ((StrView *)all.data)[table->n] = (StrView){"", 0};
    return all;
}

/* One block's values behind those at hand; texts that will not stay are copied. */
static void append_values(Vector *all, uint32_t at, const Vector *part, bool stays, Arena *arena)
{
    size_t width = type_width(part->type);
    memcpy((char *)all->data + width * at, part->data, width * part->n);
    if (part->valid)
        memcpy(all->valid + at, part->valid, part->n);
    if (stays || !is_text(part->type))
        return;
    StrView *texts = (StrView *)all->data + at;
    for (uint32_t i = 0; i < part->n; i++)
        texts[i].data = all->valid[at + i] ? arena_memdup(arena, texts[i].data, texts[i].size) : "";
}

/* What all threads make together: the columns block by block, the hashes range by range, and the chains, each thread those of its
 * part of the heads. */
typedef struct Making {
    JoinTable *table;
    const JoinRows *rows;
    uint32_t *starts; /* per block: its first row */
    bool stays;       /* texts outlive the blocks */
    int n_workers;
    _Atomic uint32_t next;
    _Atomic bool failed;
    pthread_mutex_t lock; /* of err */
    Error *err;
} Making;

static Status gather_block(Making *making, uint32_t block, Arena *scratch, Error *err)
{
    JoinTable *table = making->table;
    Batch batch;
    arena_reset(scratch);
    TRY(join_rows_block(making->rows, block, scratch, &batch, err));
    for (uint32_t c = 0; c < table->join->join.right->schema.n; c++)
        append_values(&table->columns[c], making->starts[block], &batch.columns[c], making->stays, &table->arena);
    return STATUS_OK;
}

static void gather_blocks(void *context, int worker)
{
    (void)worker;
    Making *making = context;
    Arena scratch;
    Error err;
    arena_init(&scratch);
    error_init(&err);
    for (uint32_t block; (block = atomic_fetch_add(&making->next, 1)) < join_rows_blocks(making->rows);) {
        if (atomic_load(&making->failed))
            break;
        if (gather_block(making, block, &scratch, &err) == STATUS_OK)
            continue;
        pthread_mutex_lock(&making->lock);
        if (!atomic_exchange(&making->failed, true))
            *making->err = err;
        pthread_mutex_unlock(&making->lock);
    }
    arena_done(&scratch);
}

static Status gather_rows(Making *making, ThreadPool *pool, Error *err)
{
    JoinTable *table = making->table;
    const Schema *schema = &table->join->join.right->schema;
    uint32_t n_blocks = join_rows_blocks(making->rows);
    table->columns = ARENA_ARRAY(&table->arena, Vector, schema->n + 1);
    for (uint32_t c = 0; c < schema->n; c++)
        table->columns[c] = new_column(table, schema->fields[c].type, &table->arena);
    making->starts = ARENA_ARRAY(&table->arena, uint32_t, n_blocks + 1);
    for (uint32_t b = 0; b < n_blocks; b++)
        making->starts[b + 1] = making->starts[b] + join_rows_block_rows(making->rows, b);
    making->err = err;
    atomic_store(&making->next, 0);
    if (making->stays && table->n >= MANY_ROWS)
        pool_run(pool, gather_blocks, making);
    else
        gather_blocks(making, 0); /* the copies of texts are in one arena */
    return atomic_load(&making->failed) ? err->code : STATUS_OK;
}

static void hash_range(const JoinTable *table, uint32_t first, uint32_t n, Arena *arena)
{
    uint32_t n_keys = table->join->join.n_keys;
    Vector *slices = ARENA_ARRAY(arena, Vector, n_keys);
    const Vector **keys = ARENA_ARRAY(arena, const Vector *, n_keys);
    for (uint32_t k = 0; k < n_keys; k++) {
        slices[k] = vector_slice(table->keys[k], first, n);
        keys[k] = &slices[k];
    }
    uint8_t *null;
    uint64_t *words;
    const uint64_t *hashes = hash_words(keys, n_keys, n, arena, &null, &words);
    words = table->exact ? words : (uint64_t *)(uintptr_t)hashes;
    for (uint32_t i = 0; i < n; i++)
        table->entries[first + i] = (Entry){words[i], null && null[i] ? NULL_ROW : 0};
}

static void hash_ranges(void *context, int worker)
{
    (void)worker;
    Making *making = context;
    const JoinTable *table = making->table;
    Arena scratch;
    arena_init(&scratch);
    for (uint32_t first; (first = atomic_fetch_add(&making->next, RANGE_ROWS)) < table->n;) {
        arena_reset(&scratch);
        hash_range(table, first, table->n - first < RANGE_ROWS ? table->n - first : RANGE_ROWS, &scratch);
    }
    arena_done(&scratch);
}

static uint64_t entry_hash(const JoinTable *table, uint32_t row)
{
    return table->exact ? mix(0, table->entries[row].word) : table->entries[row].word;
}

static void make_chains(void *context, int worker)
{
    const Making *making = context;
    const JoinTable *table = making->table;
    uint64_t n_heads = (uint64_t)table->mask + 1, n_workers = (uint64_t)making->n_workers;
    uint64_t first = n_heads * (uint64_t)worker / n_workers, end = n_heads * ((uint64_t)worker + 1) / n_workers;
    memset(table->heads + first, 0, sizeof *table->heads * (end - first));
    for (uint32_t i = table->n; i-- > 0;) { /* so that chains go upwards */
        if (i >= FETCH_AHEAD)
            __builtin_prefetch(&table->heads[entry_hash(table, i - FETCH_AHEAD) & table->mask], 1);
        uint64_t hash = entry_hash(table, i);
        if ((hash & table->mask) < first || (hash & table->mask) >= end)
            continue;
        uint64_t *head = &table->heads[hash & table->mask];
        bool null = table->entries[i].next == NULL_ROW;
        table->entries[i].next = (uint32_t)*head;
        if (!null)
            *head = (*head & ~(uint64_t)UINT32_MAX) | hash_bit(hash) | (i + 1);
    }
}

static void make_heads(Making *making, ThreadPool *pool)
{
    JoinTable *table = making->table;
    uint32_t n_heads = 16;
    while (n_heads < table->n && n_heads < (uint32_t)1 << 30)
        n_heads *= 2;
    table->mask = n_heads - 1;
    table->heads = arena_alloc(&table->arena, sizeof *table->heads * n_heads);
    table->entries = arena_alloc(&table->arena, sizeof(Entry) * ((size_t)table->n + 1));
    table->exact = is_exact(table->keys, table->join->join.n_keys);
    atomic_store(&making->next, 0);
    making->n_workers = table->n < MANY_ROWS ? 1 : pool_threads(pool);
    if (making->n_workers == 1) {
        hash_ranges(making, 0);
        make_chains(making, 0);
    } else {
        pool_run(pool, hash_ranges, making);
        pool_run(pool, make_chains, making);
    }
}

static Status fill_table(JoinTable *table, const JoinRows *rows, ThreadPool *pool, Error *err)
{
    uint32_t n_keys = table->join->join.n_keys;
    Making making = {.table = table, .rows = rows, .stays = rows->relation && !rows->relation->spilled};
    pthread_mutex_init(&making.lock, NULL);
    Status status = gather_rows(&making, pool, err);
    pthread_mutex_destroy(&making.lock);
    TRY(status);
    table->keys = ARENA_ARRAY(&table->arena, const Vector *, n_keys);
    for (uint32_t k = 0; k < n_keys; k++)
        table->keys[k] = &table->columns[table->join->join.right_keys[k]];
    make_heads(&making, pool);
    TRY(budget_reserve(table->budget, table->arena.used_bytes, "the right side of a join", err));
    table->reserved = table->arena.used_bytes;
    return STATUS_OK;
}

Status join_table_new(const PlanNode *join, const JoinRows *rows, ThreadPool *pool, MemoryBudget *budget,
                      JoinTable **ret_table, Error *err)
{
    uint64_t n = join_rows_count(rows);
    if (n >= INT32_MAX) {
        error_set(err, STATUS_MEMORY, "the right side of a join has %llu rows", (unsigned long long)n);
        return error_hint(err, "put the larger table first: the others are held in memory");
    }
    JoinTable *table = mem_zalloc(sizeof *table);
    table->join = join;
    table->budget = budget;
    table->n = (uint32_t)n;
    arena_init(&table->arena);
    Status status = fill_table(table, rows, pool, err);
    if (status != STATUS_OK) {
        join_table_free(table);
        return status == STATUS_MEMORY ? error_hint(err, "put the larger table first: the others are held in memory")
                                       : status;
    }
    *ret_table = table;
    return STATUS_OK;
}

void join_table_free(JoinTable *table)
{
    if (!table)
        return;
    budget_release(table->budget, table->reserved);
    arena_done(&table->arena);
    mem_free(table);
}

uint32_t join_table_rows(const JoinTable *table)
{
    return table->n;
}

size_t join_table_bytes(const JoinTable *table)
{
    return table->arena.used_bytes;
}

/* ---- looking into it ---- */

Vector join_table_column(const JoinTable *table, uint32_t column, const uint32_t *rows, uint32_t n, Arena *arena)
{
    const Vector *held = &table->columns[column];
    uint32_t *codes = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        codes[i] = rows[i] == JOIN_NONE ? table->n : rows[i];
    Vector dictionary = {
        .type = held->type, .kind = VECTOR_DICT, .code_width = sizeof(uint32_t), .n = n, .data = codes, .dict = held};
    return table->n < DICTIONARY_ROWS ? dictionary : vector_flatten(arena, &dictionary);
}

/* Whether a key comes with so few entries that looking them up instead of the rows pays. */
static bool is_coded(const Vector *key, uint32_t n)
{
    return key->kind == VECTOR_CONST || (key->kind == VECTOR_DICT && key->dict->n <= n / 4);
}

static bool is_partner(const JoinProbe *probe, uint32_t key, uint32_t held)
{
    const JoinTable *table = probe->table;
    if (table->entries[held].word != probe->words[key])
        return false;
    for (uint32_t k = 0; !table->exact && k < table->join->join.n_keys; k++) {
        size_t width = type_width(probe->keys[k].type);
        if (compare_values(probe->keys[k].type, (const char *)probe->keys[k].data + width * key,
                           (const char *)table->keys[k]->data + width * held) != 0)
            return false;
    }
    return true;
}

/* Of a chain from `link` on: row + 1, 0: none. */
static inline uint32_t find_partner(const JoinProbe *probe, uint32_t key, uint32_t link)
{
    while (link && !is_partner(probe, key, link - 1))
        link = probe->table->entries[link - 1].next;
    return link;
}

/* The first partner of each of n keys. */
static uint32_t *find_firsts(const JoinProbe *probe, const uint64_t *hashes, const uint8_t *null, uint32_t n,
                             Arena *arena)
{
    const JoinTable *table = probe->table;
    uint32_t *firsts = ARENA_ARRAY(arena, uint32_t, n + 1);
    uint32_t *keys = ARENA_ARRAY(arena, uint32_t, n + 1), *links = ARENA_ARRAY(arena, uint32_t, n + 1), n_left = 0;
    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(&table->heads[hashes[i + FETCH_AHEAD < n ? i + FETCH_AHEAD : i] & table->mask]);
        uint64_t head = table->heads[hashes[i] & table->mask];
        firsts[i] = JOIN_NONE;
        keys[n_left] = i;
        links[n_left] = (uint32_t)head;
        n_left += (head & hash_bit(hashes[i])) != 0 && (!null || !null[i]);
    }
    for (uint32_t i = 0; i < n_left; i++) {
        __builtin_prefetch(&table->entries[links[i + FETCH_AHEAD < n_left ? i + FETCH_AHEAD : i] - 1]);
        firsts[keys[i]] = find_partner(probe, keys[i], links[i]) - 1; /* JOIN_NONE of 0 */
    }
    return firsts;
}

static void look_up(JoinProbe *probe, const Vector *const *keys, uint32_t n_keys, uint32_t n, Arena *arena)
{
    uint8_t *null;
    uint64_t *words;
    const uint64_t *hashes = hash_words(keys, n_keys, n, arena, &null, &words);
    probe->words = probe->table->exact ? words : hashes;
    probe->firsts = find_firsts(probe, hashes, null, n, arena);
}

/* One key whose rows are codes of entries: each entry's first partner is looked up once. */
static void begin_coded(JoinProbe *probe, const Vector *key, Arena *arena)
{
    Vector *entries = ARENA_NEW(arena, Vector);
    const Vector one = {.type = key->type, .kind = VECTOR_FLAT, .n = 1, .data = key->data, .valid = key->valid};
    uint32_t *codes = ARENA_ARRAY(arena, uint32_t, probe->n + 1);
    *entries = key->kind == VECTOR_CONST ? one : *key->dict;
    for (uint32_t i = 0; key->kind == VECTOR_DICT && i < probe->n; i++)
        codes[i] = vector_code(key, i);
    const Vector *pointer = entries;
    probe->keys = entries;
    probe->codes = codes;
    look_up(probe, &pointer, 1, entries->n, arena);
}

static void begin_flat(JoinProbe *probe, const Vector *keys, Arena *arena)
{
    uint32_t n_keys = probe->table->join->join.n_keys;
    Vector *flat = ARENA_ARRAY(arena, Vector, n_keys);
    const Vector **pointers = ARENA_ARRAY(arena, const Vector *, n_keys);
    for (uint32_t k = 0; k < n_keys; k++) {
        flat[k] = vector_flatten(arena, &keys[k]);
        pointers[k] = &flat[k];
    }
    probe->keys = flat;
    look_up(probe, pointers, n_keys, probe->n, arena);
}

void join_probe_begin(JoinProbe *probe, const JoinTable *table, const Vector *keys, uint32_t n, bool with_none,
                      Arena *arena)
{
    *probe = (JoinProbe){.table = table, .n = n, .with_none = with_none, .at = JOIN_NONE};
    if (table->join->join.n_keys == 1 && is_coded(&keys[0], n))
        begin_coded(probe, &keys[0], arena);
    else
        begin_flat(probe, keys, arena);
}

uint32_t join_probe_found(const JoinProbe *probe, uint32_t *ret_rows)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < probe->n; i++) {
        ret_rows[n] = i;
        n += probe->firsts[probe->codes ? probe->codes[i] : i] != JOIN_NONE;
    }
    return n;
}

uint32_t join_probe_next(JoinProbe *probe, uint32_t *ret_left, uint32_t *ret_right, uint32_t room)
{
    const Entry *entries = probe->table->entries;
    uint32_t n = 0;
    while (n < room && probe->row < probe->n) {
        uint32_t key = probe->codes ? probe->codes[probe->row] : probe->row;
        bool is_first = probe->at == JOIN_NONE;
        uint32_t partner = is_first ? probe->firsts[key] : find_partner(probe, key, entries[probe->at].next) - 1;
        if (partner != JOIN_NONE || (probe->with_none && is_first)) {
            ret_left[n] = probe->row;
            ret_right[n++] = partner;
        }
        probe->at = partner;
        probe->row += partner == JOIN_NONE;
    }
    return n;
}
