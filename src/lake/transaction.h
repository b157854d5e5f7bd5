/* Transactions over two tables: quarantine and processed change together, or will.
 *
 * Delta's commits are atomic for one table.  What must hold for two is first written down whole, as one pending record
 * under LAKE/_freightlake/pending/, its data files being in place already; then the tables are committed in order, each
 * with the record's `txn`; then the record is removed.  Whoever comes next after a crash (lake_recover, called by every
 * writing command under the client's lock, and by doctor) finishes what the first commit began, with the very same files,
 * or forgets a record whose first commit never happened.  Kill steps: pending_written, first_committed, second_committed.
 *
 * Both commits must be able to follow the first whatever others did: blind appends always can; a commit with removes must
 * hold the lock of its client. */
#ifndef FREIGHTLAKE_LAKE_TRANSACTION_H
#define FREIGHTLAKE_LAKE_TRANSACTION_H

#include "delta/commit.h"
#include "lake/lake.h"

typedef struct LakeChange {
    const DeltaSnapshot *base;
    DeltaCommit commit; /* .transaction is set by lake_commit */
    /* filled in: */
    int64_t version;
} LakeChange;

typedef struct LakeTransaction {
    const char *client;
    const char *app_id; /* of the `txn` in every table */
    int64_t version;
    const char *job;     /* id of the job, for the commits' userMetadata; NULL: none */
    LakeChange *changes; /* in the order of commits; one without adds and removes still carries the txn */
    uint32_t n_changes;
} LakeTransaction;

/* CONFLICT (nothing committed) when the first change cannot be; the app_id being there already is CONFLICT, too. */
Status lake_commit(const Lake *lake, LakeTransaction *transaction, Arena *arena, Error *err) MUST_CHECK;

typedef struct LakeRecovery {
    uint32_t finished;  /* transactions whose later commits were missing */
    uint32_t forgotten; /* records whose first commit never happened */
} LakeRecovery;
/* Of one client (its lock is held), or of all whose lock is free (client NULL).  Temporary files that dead processes left in
 * the folders of the client's data are removed, too. */
Status lake_recover(const Lake *lake, const char *client, LakeRecovery *ret_recovery, Error *err) MUST_CHECK;
/* Removes temporary files that dead processes left in a table's folder, its log, and (NULL: none) a client's partition. */
Status lake_clean_table(const char *table, const char *client, Error *err) MUST_CHECK;
/* The same for the lake's own records: history, states, pending transactions, mappings. */
Status lake_clean_control(const Lake *lake, Error *err) MUST_CHECK;
/* Whether a pending record names this data file (for vacuum). */
typedef struct LakePending LakePending;
Status lake_pending_load(const Lake *lake, Arena *arena, LakePending **ret_pending, Error *err) MUST_CHECK;
bool lake_pending_keeps(void *pending, const char *path);
uint32_t lake_pending_count(const LakePending *pending);

/* Gives a table of the lake the retention of its settings; *ret_version is -1 when it has it already.  Whoever calls holds
 * the locks of those who write the table. */
Status lake_apply_retention(const Lake *lake, const char *table, int64_t *ret_version, Error *err) MUST_CHECK;

#endif
