#include "exec/records.h"

#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_BIN 24
#define MAX_BINS 8192

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

void record_store_done(RecordStore *store)
{
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

static Status add_chunk(RecordStore *store, uint32_t bucket, Error *err)
{
    if (store->slab_left == 0) {
        TRY(budget_reserve(store->budget, RECORD_SLAB_BYTES, "sorting", err));
        if ((store->n_slabs & (store->n_slabs - 1)) == 0)
            store->slabs = mem_realloc(store->slabs, sizeof(void *) * (store->n_slabs ? store->n_slabs * 2 : 1));
        store->slab = store->slabs[store->n_slabs++] = mem_map(RECORD_SLAB_BYTES);
        store->slab_left = RECORD_SLAB_BYTES;
    }
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

/* Copies a store's words of the bucket; returns how many. */
static size_t collect(const RecordStore *store, uint32_t bucket, uint64_t *words)
{
    size_t n = store->counts[bucket] * store->width % RECORD_LINE_WORDS;
    memcpy(words, store->lines[bucket].words, sizeof(uint64_t) * n);
    const RecordChunk *chunk = store->newest[bucket];
    size_t count = chunk ? (size_t)(store->next[bucket] - chunk->words) : 0;
    for (; chunk; chunk = chunk->next) {
        memcpy(words + n, chunk->words, sizeof(uint64_t) * count);
        n += count;
        count = RECORD_CHUNK_WORDS;
    }
    return n;
}

void record_bucket_collect(const RecordStore *stores, uint32_t n_stores, uint32_t bucket, uint64_t *ret_words)
{
    for (uint32_t s = 0; s < n_stores; s++)
        ret_words += collect(&stores[s], bucket, ret_words);
}
