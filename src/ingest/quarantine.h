/* Quarantine: the records that wait in quarantine/shipments, read and dropped. */
#ifndef FREIGHTLAKE_INGEST_QUARANTINE_H
#define FREIGHTLAKE_INGEST_QUARANTINE_H

#include "delta/commit.h"
#include "lake/lake.h"

typedef struct QuarantineFilter {
    const char *client; /* NULL: all */
    const char *file;   /* source_file; NULL: all */
    const char *rule;   /* code of a reason; NULL: all */
    int64_t row;        /* source_row; -1: all */
} QuarantineFilter;

/* Texts live until the visit returns. */
typedef struct QuarantineRow {
    const char *client;
    StrView source_file, source_hash, raw, reasons, mapping_hash;
    int64_t source_row;
    int64_t ingested_at_us;
    const DeltaFile *file; /* where it lies, and its row there */
    uint64_t row;
} QuarantineRow;

/* Whether a row's reasons have one with the code. */
bool quarantine_has_reason(StrView reasons, const char *code);

typedef struct QuarantineVisitor {
    void *context;
    /* *ret_stop ends the visit early */
    Status (*row)(void *context, const QuarantineRow *row, bool *ret_stop, Error *err);
} QuarantineVisitor;

/* Rows that pass the filter, in the order of client and file. */
Status quarantine_visit(const DeltaSnapshot *quarantine, const QuarantineFilter *filter, MemoryBudget *budget,
                        const QuarantineVisitor *visitor, Error *err) MUST_CHECK;

/* Marks rows to be dropped, per data file. */
typedef struct QuarantineDrops {
    const DeltaFile **files;
    uint8_t **dropped;
    uint64_t *n_dropped;
    uint32_t n, capacity;
    Arena *arena;
} QuarantineDrops;
void quarantine_drop_row(QuarantineDrops *drops, const QuarantineRow *row);
/* Fills removes and adds of the commit: data files with dropped rows, written anew without them. */
Status quarantine_drops_commit(const QuarantineDrops *drops, const DeltaSnapshot *quarantine, MemoryBudget *budget,
                               const DeltaFile *more_adds, uint32_t n_more_adds, DeltaCommit *commit, Error *err)
    MUST_CHECK;

#endif
