/* State: the partial aggregates of an incremental mart, and which files they cover.
 *
 * LAKE/_freightlake/state/MART.state, one a mart, replaced after every run.  It is a cache: one that is missing, broken, of
 * another definition or cannot be brought up to the table's version means a run over all files, never an error. */
#ifndef FREIGHTLAKE_MART_STATE_H
#define FREIGHTLAKE_MART_STATE_H

#include "delta/snapshot.h"
#include "lake/lake.h"
#include "mart/registry.h"

typedef struct MartState {
    int64_t version;    /* of the table of shipments */
    const char **files; /* whose rows are in it, sorted */
    uint32_t n_files;
    Buffer groups; /* as Statement.state_out gives it; state_done frees */
} MartState;

/* *ret_found is false when there is none that fits; *ret_state then holds nothing. */
Status state_load(const Lake *lake, const Mart *mart, const DeltaSnapshot *shipments, Arena *arena,
                  MartState *ret_state, bool *ret_found, Error *err) MUST_CHECK;
void state_done(MartState *state);
/* Covers all files of the snapshot. */
Status state_save(const Lake *lake, const Mart *mart, const DeltaSnapshot *shipments, const Buffer *groups, Error *err)
    MUST_CHECK;
/* Follows the table from the state's version to the snapshot's: files that others only rewrote (dataChange false) take the
 * place of those covered.  False when rows that the state holds are gone, or cannot be told from newer ones. */
bool state_follow(MartState *state, const DeltaSnapshot *shipments, Arena *arena);
bool state_covers(const MartState *state, const char *path);

#endif
