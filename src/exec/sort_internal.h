/* A Sorter's inside: sort.c in memory, sort_large.c buckets that are too large for a piece, sort_external.c rows by reference that
 * do not fit in memory. */
#ifndef FREIGHTLAKE_EXEC_SORT_INTERNAL_H
#define FREIGHTLAKE_EXEC_SORT_INTERNAL_H

#include "exec/records.h"
#include "exec/row_code.h"
#include "exec/sort.h"
#include "exec/sort_fields.h"
#include "exec/sort_rebuild.h"
#include "exec/sort_rows.h"
#include "exec/sort_runs.h"

#define PIECE_ROWS 262144
#define LARGE_BUCKET 131072

typedef struct SorterLocal {
    EvalNode **columns; /* of the sort's child */
    RecordStore store;
    SortRows rows;
    size_t
        reserved; /* bytes of rows.arena, and of the store where it has no budget of its own, that the budget knows of */
    uint64_t *sample;
    uint32_t n_sample;
    SortRunWriter runs; /* reference form: rows that did not fit */
} SorterLocal;

/* The sorted records of a bucket that is too large to be sorted within a piece: in memory or in a file. */
typedef struct LargeBucket {
    SortRecord *records;
    const SpillFile *file;
    uint64_t offset;
} LargeBucket;

struct Sorter {
    SorterOptions options;
    Arena arena;
    uint32_t n_columns; /* of the sort's child */
    DataType *types;
    bool packed;
    bool computed_key;      /* packed: the first sort key is the record's key, not a field */
    bool rebuilt_key;       /* computed, and only from columns that are fields: records are the payload alone */
    SortField *fields;      /* packed: one per sort key, the first unused when the key is computed */
    Arena *field_arenas;    /* per sort key: what its field holds; NULL when packing was not tried */
    size_t *field_reserved; /* per sort key: bytes of its arena that the budget knows of */
    RecordBuckets buckets;
    SorterLocal *locals; /* per worker */
    SortRows *rows;      /* reference form, per worker: copies of the locals' rows, so that references can index them */
    uint64_t n_rows;
    uint64_t *bucket_starts;
    LargeBucket *large;        /* per bucket; NULL: none is */
    SpillFile **large_files;   /* per worker */
    SpillSpace *spill;         /* NULL: nothing spills */
    size_t share_bytes;        /* of memory, a worker, before it spills */
    MemoryBudget store_budget; /* reference form: without a limit; the local's `reserved` tells the real one */
    RowCodeKey *codes;         /* reference form: what a row's code is made of; n_columns, none twice */
};

int sorter_threads(const Sorter *sorter);

/* ---- sort.c ---- */
void sorter_start_rebuild(Sorter *sorter, SortRebuild *rebuild);
/* Records [first, first + n) of a bucket, sorted.  `rebuild` is the thread's own; scratch has room for as many. */
Status sorter_sort_records(const Sorter *sorter, const RecordStore *stores, uint32_t n_stores, uint32_t bucket,
                           uint64_t first, uint64_t n, SortRebuild *rebuild, SortRecord *sorted, SortRecord *scratch,
                           Error *err) MUST_CHECK;

/* ---- sort_large.c ---- */
/* Sorts all buckets of more than LARGE_BUCKET records; *ret_largest is the largest of the others. */
Status sorter_sort_large(Sorter *sorter, const RecordStore *stores, uint64_t *ret_largest, Error *err) MUST_CHECK;
Status sorter_read_large(const LargeBucket *large, uint64_t first, uint64_t n, SortRecord *to, Error *err) MUST_CHECK;
void sorter_free_large(Sorter *sorter);

/* ---- sort_external.c ---- */
void sorter_prepare_codes(Sorter *sorter);
/* The worker's rows as a sorted run; its memory is free again. */
Status sorter_spill_rows(Sorter *sorter, int worker, Error *err) MUST_CHECK;
bool sorter_has_runs(const Sorter *sorter);
/* Rows [offset, offset + limit) of all runs and all rows still in memory to the emitter; limit < 0: all. */
Status sorter_finish_runs(Sorter *sorter, Emitter *emitter, uint64_t offset, int64_t limit, Error *err) MUST_CHECK;

#endif
