/* Records: the sort's core.  16-byte records (key, payload), ordered as 128-bit numbers, are dealt into buckets as they
 * come and each bucket is then sorted in the cache.
 *
 *   RecordBuckets  a monotone map key -> bucket, made from a sample, so that buckets hold about equally many records
 *   RecordStore    one thread's records, a list of 4 KiB chunks a bucket.  A bucket's records are gathered to a cache line
 *                  first: thousands of write positions a multiple of 4 KiB apart would fight for the same cache sets
 *   records_sort   one bucket: a counting pass on the leading bits that differ, small bins by insertion, large ones again
 *
 * Records whose key can be computed again from the payload are stored as the payload alone: half the memory.
 *
 * A store that may spill writes what it holds, bucket by bucket, to a file when it has its share of the memory; a bucket is
 * then read back from as many places as there were such rounds, and its records sorted in the cache as ever.
 *
 * Why not one radix sort over everything: the first pass happens while rows are produced, so records are written once,
 * read once, and never all copied; memory is the records and little more. */
#ifndef FREIGHTLAKE_EXEC_RECORDS_H
#define FREIGHTLAKE_EXEC_RECORDS_H

#include "base/memory.h"
#include "base/spill.h"

typedef struct SortRecord {
    uint64_t key;
    uint64_t payload;
} SortRecord;

#define RECORD_SLAB_BYTES ((size_t)2 << 20)
#define RECORD_CHUNK_BYTES 4096
#define RECORD_LINE_WORDS 8
#define RECORD_CHUNK_WORDS ((RECORD_CHUNK_BYTES - 64) / sizeof(uint64_t))
#define RECORD_BINS 65536

typedef struct RecordBuckets {
    uint64_t lowest; /* keys below go to bucket 0's bin */
    int shift;
    uint32_t n_bins;
    uint32_t n_buckets;
    uint16_t bucket_of_bin[RECORD_BINS];
} RecordBuckets;

/* Sorts `sample` in place.  n_buckets is the number wanted, at most 4096; fewer are made of few distinct keys. */
void record_buckets_init(RecordBuckets *buckets, uint64_t *sample, uint32_t n_sample, uint32_t n_buckets);

static inline uint32_t record_bucket(const RecordBuckets *buckets, uint64_t key)
{
    uint64_t bin = key < buckets->lowest ? 0 : (key - buckets->lowest) >> buckets->shift;
    return buckets->bucket_of_bin[bin < buckets->n_bins ? bin : buckets->n_bins - 1];
}

typedef struct RecordChunk RecordChunk;
struct RecordChunk {
    RecordChunk *next;
    char padding[56];
    uint64_t words[RECORD_CHUNK_WORDS];
};
_Static_assert(sizeof(RecordChunk) == RECORD_CHUNK_BYTES, "a chunk ends where its address is a multiple of its size");

/* The last, not yet full, cache line of a bucket. */
typedef struct RecordLine {
    uint64_t words[RECORD_LINE_WORDS];
} __attribute__((aligned(64))) RecordLine;

/* What a store held when it spilled: buckets one after the other. */
typedef struct RecordRound {
    uint64_t offset;
    uint64_t *starts; /* per bucket and one more: its first record, counted from the round's */
} RecordRound;

typedef struct RecordStore {
    const RecordBuckets *buckets;
    MemoryBudget *budget;
    uint32_t width;       /* words a record: 2 (key, payload), or 1 (payload; the key only chose the bucket) */
    RecordLine *lines;    /* per bucket: records on their way; written out a whole line at a time, past the cache */
    uint64_t **next;      /* per bucket: where the next line goes; at a chunk's end: no chunk */
    RecordChunk **newest; /* per bucket: chunks, newest first; all but the newest are full */
    uint64_t *counts;     /* per bucket: records in memory */
    Arena arena;          /* of the lines */
    char *slab;
    size_t slab_left;
    void **slabs;
    uint32_t n_slabs;
    uint32_t n_used;     /* of them */
    SpillSpace *spill;   /* NULL: what the budget does not hold is an error */
    size_t share_bytes;  /* of slabs, before it spills */
    SpillFile *file;     /* of what was spilled; NULL: nothing */
    RecordRound *rounds; /* in it */
    uint32_t n_rounds;
} RecordStore;

void record_store_init(RecordStore *store, const RecordBuckets *buckets, uint32_t width, MemoryBudget *budget);
/* Lets it spill beyond share_bytes, or earlier where the budget holds no more; before the first record. */
void record_store_let_spill(RecordStore *store, SpillSpace *spill, size_t share_bytes);
void record_store_done(RecordStore *store);
Status record_store_append(RecordStore *store, const uint64_t *keys, const uint64_t *payloads, uint32_t n, Error *err)
    MUST_CHECK;

uint64_t record_store_count(const RecordStore *store, uint32_t bucket);
/* Copies the words of records [first, first + n) of a bucket, counted over all stores, in no particular order. */
Status record_bucket_read(const RecordStore *stores, uint32_t n_stores, uint32_t bucket, uint64_t first, uint64_t n,
                          uint64_t *ret_words, Error *err) MUST_CHECK;
/* Sorts by (key, payload); `scratch` has room for as many. */
void records_sort(SortRecord *records, SortRecord *scratch, size_t n);

#endif
