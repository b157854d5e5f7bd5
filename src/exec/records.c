#include "exec/records.h"

#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_BIN 24
#define MAX_BINS 8192
#define SPILL_BUFFER_WORDS ((size_t)128 << 10)

static int compare_words(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void record_buckets_init(RecordBuckets *buckets, uint64_t *sample, uint32_t n_sample, uint32_t n_buckets)
{
    memset(buckets, 0, sizeof *buckets);
    buckets->n_bins = buckets->n_buckets = 1;
    if (n_sample < 2 || n_buckets < 2)
        return;
    qsort(sample, n_sample, sizeof *sample, compare_words);
    /* Outliers (a NULL, an infinity) must not stretch the bins: they share the first and the last. */
    uint64_t lowest = sample[n_sample / 1000], highest = sample[n_sample - 1 - n_sample / 1000];
    uint64_t range = highest - lowest;
    int bits = range ? 64 - __builtin_clzll(range) : 0;
    buckets->lowest = lowest;
    buckets->shift = bits > 16 ? bits - 16 : 0;
    buckets->n_bins = (uint32_t)(range >> buckets->shift) + 1;
    uint32_t *counts = mem_zalloc(sizeof(uint32_t) * buckets->n_bins);
    for (uint32_t i = 0; i < n_sample; i++) {
        uint64_t bin = sample[i] < lowest ? 0 : (sample[i] - lowest) >> buckets->shift;
        counts[bin < buckets->n_bins ? bin : buckets->n_bins - 1]++;
    }
    uint64_t seen = 0;
    uint32_t bucket = 0;
    for (uint32_t bin = 0; bin < buckets->n_bins; bin++) {
        uint32_t wanted = (uint32_t)(seen * n_buckets / n_sample);
        if (wanted > bucket && bin > 0)
            bucket++;
        buckets->bucket_of_bin[bin] = (uint16_t)bucket;
        seen += counts[bin];
    }
    buckets->n_buckets = bucket + 1;
    mem_free(counts);
}

void record_store_init(RecordStore *store, const RecordBuckets *buckets, uint32_t width, MemoryBudget *budget)
{
    memset(store, 0, sizeof *store);
    arena_init(&store->arena);
    store->buckets = buckets;
    store->budget = budget;
    store->width = width;
    store->lines = arena_zalloc(&store->arena, sizeof *store->lines * buckets->n_buckets);
    store->next = mem_zalloc(sizeof *store->next * buckets->n_buckets);
    store->newest = mem_zalloc(sizeof *store->newest * buckets->n_buckets);
    store->counts = mem_zalloc(sizeof *store->counts * buckets->n_buckets);
}

void record_store_let_spill(RecordStore *store, SpillSpace *spill, size_t share_bytes)
{
    store->spill = spill;
    store->share_bytes = share_bytes;
}

void record_store_done(RecordStore *store)
{
    for (uint32_t r = 0; r < store->n_rounds; r++)
        mem_free(store->rounds[r].starts);
    mem_free(store->rounds);
    spill_file_free(store->file);
    for (uint32_t i = 0; i < store->n_slabs; i++)
        mem_unmap(store->slabs[i], RECORD_SLAB_BYTES);
    if (store->n_slabs)
        budget_release(store->budget, RECORD_SLAB_BYTES * store->n_slabs);
    mem_free(store->slabs);
    arena_done(&store->arena);
    mem_free(store->next);
    mem_free(store->newest);
    mem_free(store->counts);
    memset(store, 0, sizeof *store);
}

/* ---- spilling ---- */

/* Spilled words on their way to the file. */
typedef struct SpillBuffer {
    SpillFile *file;
    uint64_t *words;
    size_t n;
} SpillBuffer;

static Status spill_words(SpillBuffer *buffer, const uint64_t *words, size_t n, Error *err)
{
    if (buffer->n + n > SPILL_BUFFER_WORDS) {
        TRY(spill_file_append(buffer->file, buffer->words, sizeof *words * buffer->n, NULL, err));
        buffer->n = 0;
    }
    memcpy(buffer->words + buffer->n, words, sizeof *words * n);
    buffer->n += n;
    return STATUS_OK;
}

/* Words of the bucket that are in its line, not yet in a chunk. */
static size_t line_words(const RecordStore *store, uint32_t bucket)
{
    return store->counts[bucket] * store->width % RECORD_LINE_WORDS;
}

static Status spill_bucket(const RecordStore *store, uint32_t bucket, SpillBuffer *buffer, Error *err)
{
    const RecordChunk *chunk = store->newest[bucket];
    size_t count = chunk ? (size_t)(store->next[bucket] - chunk->words) : 0;
    for (; chunk; chunk = chunk->next) {
        TRY(spill_words(buffer, chunk->words, count, err));
        count = RECORD_CHUNK_WORDS;
    }
    return spill_words(buffer, store->lines[bucket].words, line_words(store, bucket), err);
}

static Status spill_buckets(RecordStore *store, SpillBuffer *buffer, RecordRound *round, Error *err)
{
    if (!store->file)
        TRY(spill_file_new(store->spill, &store->file, err));
    buffer->file = store->file;
    round->offset = spill_file_size(store->file);
    for (uint32_t b = 0; b < store->buckets->n_buckets; b++) {
        round->starts[b + 1] = round->starts[b] + store->counts[b];
        TRY(spill_bucket(store, b, buffer, err));
    }
    return spill_file_append(store->file, buffer->words, sizeof(uint64_t) * buffer->n, NULL, err);
}

/* Writes all records but the full line of bucket `moving`, which is on its way to a chunk; the slabs are free again. */
static Status spill_store(RecordStore *store, uint32_t moving, Error *err)
{
    uint32_t n_buckets = store->buckets->n_buckets;
    uint64_t in_line = RECORD_LINE_WORDS / store->width;
    RecordRound round = {.starts = mem_zalloc(sizeof(uint64_t) * (n_buckets + 1))};
    SpillBuffer buffer = {.words = mem_alloc(sizeof(uint64_t) * SPILL_BUFFER_WORDS)};
    store->counts[moving] -= in_line;
    Status status = spill_buckets(store, &buffer, &round, err);
    mem_free(buffer.words);
    if (status != STATUS_OK) {
        mem_free(round.starts);
        return status;
    }
    if ((store->n_rounds & (store->n_rounds - 1)) == 0)
        store->rounds = mem_realloc(store->rounds, sizeof round * (store->n_rounds ? store->n_rounds * 2 : 1));
    store->rounds[store->n_rounds++] = round;
    memset(store->next, 0, sizeof *store->next * n_buckets);
    memset(store->newest, 0, sizeof *store->newest * n_buckets);
    memset(store->counts, 0, sizeof *store->counts * n_buckets);
    store->counts[moving] = in_line;
    store->n_used = 0;
    return STATUS_OK;
}

/* ---- chunks ---- */

static Status next_slab(RecordStore *store, uint32_t bucket, Error *err)
{
    if (store->n_used == store->n_slabs) {
        bool may_spill = store->spill && store->n_slabs > 0;
        Status status = STATUS_MEMORY;
        if (!may_spill || RECORD_SLAB_BYTES * (store->n_slabs + 1) <= store->share_bytes)
            status = budget_reserve(store->budget, RECORD_SLAB_BYTES, "sorting", err);
        if (status != STATUS_OK && !may_spill)
            return status;
        if (status != STATUS_OK) {
            TRY(spill_store(store, bucket, err));
        } else {
            if ((store->n_slabs & (store->n_slabs - 1)) == 0)
                store->slabs = mem_realloc(store->slabs, sizeof(void *) * (store->n_slabs ? store->n_slabs * 2 : 1));
            store->slabs[store->n_slabs++] = mem_map(RECORD_SLAB_BYTES);
        }
    }
    store->slab = store->slabs[store->n_used++];
    store->slab_left = RECORD_SLAB_BYTES;
    return STATUS_OK;
}

static Status add_chunk(RecordStore *store, uint32_t bucket, Error *err)
{
    if (store->slab_left == 0)
        TRY(next_slab(store, bucket, err));
    RecordChunk *chunk = (RecordChunk *)(void *)store->slab;
    store->slab += RECORD_CHUNK_BYTES;
    store->slab_left -= RECORD_CHUNK_BYTES;
    chunk->next = store->newest[bucket];
    store->newest[bucket] = chunk;
    store->next[bucket] = chunk->words;
    return STATUS_OK;
}

static inline bool at_chunk_end(const uint64_t *place)
{
    return ((uintptr_t)place & (RECORD_CHUNK_BYTES - 1)) == 0; /* also true of NULL */
}

static Status write_line(RecordStore *store, uint32_t bucket, Error *err)
{
    if (UNLIKELY(at_chunk_end(store->next[bucket])))
        TRY(add_chunk(store, bucket, err));
    const __m128i *from = (const __m128i *)(const void *)store->lines[bucket].words;
    __m128i *to = (__m128i *)(void *)store->next[bucket];
    for (int i = 0; i < RECORD_LINE_WORDS / 2; i++)
        _mm_stream_si128(to + i, _mm_load_si128(from + i));
    store->next[bucket] += RECORD_LINE_WORDS;
    return STATUS_OK;
}

static Status append_pairs(RecordStore *store, const uint64_t *keys, const uint64_t *payloads, uint32_t n, Error *err)
{
    const uint64_t last = RECORD_LINE_WORDS / 2 - 1;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bucket = record_bucket(store->buckets, keys[i]);
        uint64_t place = store->counts[bucket]++ & last;
        store->lines[bucket].words[2 * place] = keys[i];
        store->lines[bucket].words[2 * place + 1] = payloads[i];
        if (place == last)
            TRY(write_line(store, bucket, err));
    }
    return STATUS_OK;
}

static Status append_payloads(RecordStore *store, const uint64_t *keys, const uint64_t *payloads, uint32_t n,
                              Error *err)
{
    const uint64_t last = RECORD_LINE_WORDS - 1;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bucket = record_bucket(store->buckets, keys[i]);
        uint64_t place = store->counts[bucket]++ & last;
        store->lines[bucket].words[place] = payloads[i];
        if (place == last)
            TRY(write_line(store, bucket, err));
    }
    return STATUS_OK;
}

Status record_store_append(RecordStore *store, const uint64_t *keys, const uint64_t *payloads, uint32_t n, Error *err)
{
    TRY(store->width == 2 ? append_pairs(store, keys, payloads, n, err)
                          : append_payloads(store, keys, payloads, n, err));
    _mm_sfence();
    return STATUS_OK;
}

static inline bool record_less(SortRecord a, SortRecord b)
{
    return a.key != b.key ? a.key < b.key : a.payload < b.payload;
}

static void sort_by_insertion(SortRecord *records, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        SortRecord record = records[i];
        size_t place = i;
        for (; place > 0 && record_less(record, records[place - 1]); place--)
            records[place] = records[place - 1];
        records[place] = record;
    }
}

static inline uint64_t record_word(SortRecord record, int word)
{
    return word ? record.payload : record.key;
}

/* Records agree in the words before `word`. */
static void sort_by_word(SortRecord *records, SortRecord *scratch, size_t n, int word)
{
    if (n <= SMALL_BIN) {
        sort_by_insertion(records, n);
        return;
    }
    uint64_t lowest = UINT64_MAX, highest = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t value = record_word(records[i], word);
        lowest = value < lowest ? value : lowest;
        highest = value > highest ? value : highest;
    }
    if (lowest == highest) {
        if (word == 0)
            sort_by_word(records, scratch, n, 1);
        return;
    }
    int range_bits = 64 - __builtin_clzll(highest - lowest);
    int bin_bits = 63 - __builtin_clzll(n); /* about one record a bin */
    bin_bits = bin_bits > 13 ? 13 : bin_bits;
    int shift = range_bits > bin_bits ? range_bits - bin_bits : 0;
    uint32_t starts[MAX_BINS + 1];
    size_t n_bins = (size_t)((highest - lowest) >> shift) + 1;
    memset(starts, 0, sizeof(uint32_t) * (n_bins + 1));
    for (size_t i = 0; i < n; i++)
        starts[(record_word(records[i], word) - lowest) >> shift]++;
    uint32_t sum = 0;
    for (size_t bin = 0; bin < n_bins; bin++) {
        uint32_t count = starts[bin];
        starts[bin] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        scratch[starts[(record_word(records[i], word) - lowest) >> shift]++] = records[i];
    memcpy(records, scratch, sizeof(SortRecord) * n);
    size_t first = 0;
    for (size_t bin = 0; bin < n_bins; bin++) { /* starts[bin] is where the bin ends by now */
        size_t end = starts[bin];
        if (end - first > 1)
            sort_by_word(records + first, scratch + first, end - first, word);
        first = end;
    }
}

void records_sort(SortRecord *records, SortRecord *scratch, size_t n)
{
    CHECK(n <= UINT32_MAX); /* a bin's counter is 32 bits wide */
    sort_by_word(records, scratch, n, 0);
}

/* ---- a bucket's records again ---- */

uint64_t record_store_count(const RecordStore *store, uint32_t bucket)
{
    uint64_t count = store->counts[bucket];
    for (uint32_t r = 0; r < store->n_rounds; r++)
        count += store->rounds[r].starts[bucket + 1] - store->rounds[r].starts[bucket];
    return count;
}

/* The part of a bucket's records that is wanted; each piece of them that goes by takes its share of it. */
typedef struct WantedWords {
    uint64_t skip;
    uint64_t left;
    uint64_t *to;
} WantedWords;

/* Of a piece of n words: which are wanted, from *ret_first on. */
static size_t take_wanted(WantedWords *wanted, uint64_t n, uint64_t *ret_first)
{
    uint64_t first = wanted->skip < n ? wanted->skip : n;
    uint64_t taken = n - first < wanted->left ? n - first : wanted->left;
    wanted->skip -= first;
    wanted->left -= taken;
    wanted->to += taken;
    *ret_first = first;
    return taken;
}

static void read_memory(const uint64_t *words, size_t n, WantedWords *wanted)
{
    uint64_t first, *to = wanted->to;
    size_t taken = take_wanted(wanted, n, &first);
    memcpy(to, words + first, sizeof *words * taken);
}

static Status read_store(const RecordStore *store, uint32_t bucket, WantedWords *wanted, Error *err)
{
    read_memory(store->lines[bucket].words, line_words(store, bucket), wanted);
    const RecordChunk *chunk = store->newest[bucket];
    size_t count = chunk ? (size_t)(store->next[bucket] - chunk->words) : 0;
    for (; chunk; chunk = chunk->next) {
        read_memory(chunk->words, count, wanted);
        count = RECORD_CHUNK_WORDS;
    }
    for (uint32_t r = 0; r < store->n_rounds && wanted->left; r++) {
        const RecordRound *round = &store->rounds[r];
        uint64_t first, *to = wanted->to, start = round->starts[bucket] * store->width;
        size_t taken = take_wanted(wanted, round->starts[bucket + 1] * store->width - start, &first);
        if (taken)
            TRY(spill_file_read(store->file, round->offset + sizeof *to * (start + first), to, sizeof *to * taken,
                                err));
    }
    return STATUS_OK;
}

Status record_bucket_read(const RecordStore *stores, uint32_t n_stores, uint32_t bucket, uint64_t first, uint64_t n,
                          uint64_t *ret_words, Error *err)
{
    WantedWords wanted = {first * stores[0].width, n * stores[0].width, ret_words};
    for (uint32_t s = 0; s < n_stores; s++)
        TRY(read_store(&stores[s], bucket, &wanted, err));
    CHECK(wanted.left == 0);
    return STATUS_OK;
}
