/* ReasonTally: how many records each reason hit, with an example of each. */
#ifndef FREIGHTLAKE_INGEST_TALLY_H
#define FREIGHTLAKE_INGEST_TALLY_H

#include "ingest/convert.h"
#include "ingest/ingest.h"

#define TALLY_MAX 256 /* kinds of reasons told apart; a client's rules may be many */

typedef struct ReasonTally {
    Arena arena;
    IngestReason reasons[TALLY_MAX];
    uint32_t n;
} ReasonTally;

void tally_init(ReasonTally *tally);
void tally_done(ReasonTally *tally);
/* The reasons of one record; the same reason twice counts once. */
void tally_add(ReasonTally *tally, const RecordReason *reasons, uint32_t n, int64_t row);
void tally_merge(ReasonTally *tally, const ReasonTally *other);
/* The most frequent first; in `arena`. */
void tally_result(const ReasonTally *tally, Arena *arena, IngestReason **ret_reasons, uint32_t *ret_n);

#endif
