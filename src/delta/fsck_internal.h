/* What the two halves of fsck share.  Not for other layers. */
#ifndef FREIGHTLAKE_DELTA_FSCK_INTERNAL_H
#define FREIGHTLAKE_DELTA_FSCK_INTERNAL_H

#include "delta/maintain.h"

typedef struct FsckProblems {
    Arena *arena;
    DeltaProblem *list;
    uint32_t n, capacity;
    int64_t *entries; /* versions whose log entry is unreadable or missing and can be replaced */
    uint32_t n_entries, entries_capacity;
} FsckProblems;

/* Copies both texts. */
void fsck_problem(FsckProblems *problems, const char *file, const char *what, bool repairable);
/* Whether a status tells of the table (a problem) and not of the check (an error). */
bool fsck_is_finding(Status status);
/* Names in `_delta_log`, every commit, every checkpoint against the log.  NOT_FOUND when there is no table. */
Status fsck_check_log(const char *table, FsckProblems *problems, Error *err) MUST_CHECK;

/* What an FSCK entry that stands for a lost one says of itself (operationParameters). */
#define FSCK_REPLACES "replaces"
/* Puts an entry without actions in the place of each version's, whose bytes stay beside it under a name of their own
 * (".damaged"), behind a commit that says so.  *ret_lost: how many of them nothing but the entry knew (no checkpoint). */
Status fsck_replace_entries(const char *table, const int64_t *versions, uint32_t n, Arena *arena, uint32_t *ret_lost,
                            Error *err) MUST_CHECK;

#endif
