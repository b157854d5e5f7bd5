/* Lease: the lock of a lake that no file system holds, where nothing gives a lock back for a process that died.
 *
 * A lock is a row of objects FOLDER/00000001, 00000002, ...; who creates the next one (put-if-absent) has it, and says so
 * anew four times a lease.  It is free when there is none, or when the last one said nothing for a lease (45 s, or
 * FREIGHTLAKE_LEASE_SECONDS) by the waiting process's own clock.  Giving it back removes the object.
 *
 * A holder that was stopped for longer than the lease may find another beside it.  That costs work, never data: what commits
 * is put-if-absent with a transaction's name, and one of the two finds the place taken. */
#ifndef FREIGHTLAKE_LAKE_LEASE_H
#define FREIGHTLAKE_LAKE_LEASE_H

#include "storage/storage.h"

typedef struct Lease Lease;

/* One look at the lock in `folder`: *ret_lease is NULL when somebody else has it. */
Status lease_try(const char *folder, Lease **ret_lease, Error *err) MUST_CHECK;
/* Waits for it; `waiting` (may be NULL) is called once when it has to. */
Status lease_take(const char *folder, void (*waiting)(void *context), void *context, Lease **ret_lease, Error *err)
    MUST_CHECK;
void lease_return(Lease *lease); /* NULL is fine */
/* When the holder spoke last, by the storage's clock, if that is two leases ago or more: it died, most likely, and who waits for
 * the lock gets it.  -1: somebody has the lock, or nobody. */
Status lease_silent_since(const char *folder, int64_t *ret_ms, Error *err) MUST_CHECK;

#endif
