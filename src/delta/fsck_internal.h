/* What the two halves of fsck share.  Not for other layers. */
#ifndef FREIGHTLAKE_DELTA_FSCK_INTERNAL_H
#define FREIGHTLAKE_DELTA_FSCK_INTERNAL_H

#include "delta/maintain.h"

typedef struct FsckProblems {
    Arena *arena;
    DeltaProblem *list;
    uint32_t n, capacity;
} FsckProblems;

/* Copies both texts. */
void fsck_problem(FsckProblems *problems, const char *file, const char *what, bool repairable);
/* Whether a status tells of the table (a problem) and not of the check (an error). */
bool fsck_is_finding(Status status);
/* Names in `_delta_log`, every commit, every checkpoint against the log.  NOT_FOUND when there is no table. */
Status fsck_check_log(const char *table, FsckProblems *problems, Error *err) MUST_CHECK;

#endif
