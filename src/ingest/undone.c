/* Files that a restore took out; see undone.h.
 *
 * The log is walked from the newest version down, and from a restore to the version it brought back: what is passed on
 * that way made the table what it is.  A commit of the file that lies in the log and not on the way was undone.  A rebuild of
 * the client on the way took in all its files again.
 *
 * All that is read only where the table was ever restored, which a transaction of its own tells from any checkpoint. */
#include "ingest/undone.h"

#include <stdlib.h>
#include <string.h>

#include "delta/maintain.h"

static int compare_versions(const void *version, const void *commit)
{
    int64_t a = *(const int64_t *)version, b = ((const DeltaCommitInfo *)commit)->version;
    return (a < b) - (a > b); /* newest first */
}

static const DeltaCommitInfo *find_commit(const DeltaCommitInfo *commits, uint32_t n, int64_t version)
{
    return n ? bsearch(&version, commits, n, sizeof *commits, compare_versions) : NULL;
}

static bool names(const DeltaCommitInfo *commit, const char *text)
{
    return commit->parameters && strstr(commit->parameters, text) != NULL;
}

/* The version that a restore brought back; -1: it does not say. */
static int64_t restored_version(const DeltaCommitInfo *commit)
{
    const char *at = commit->parameters ? strstr(commit->parameters, "\"version\":") : NULL;
    if (!at)
        return -1;
    at += strlen("\"version\":");
    at += strspn(at, " \"");
    return *at >= '0' && *at <= '9' ? strtoll(at, NULL, 10) : -1;
}

/* Whether the commit that took the file in, or one that took in all of the client, is on the way. */
static bool is_on_the_way(const DeltaCommitInfo *commits, uint32_t n, int64_t newest, const char *client,
                          const char *hash, int64_t *ret_restore)
{
    *ret_restore = -1;
    for (int64_t version = newest; version >= 0;) {
        const DeltaCommitInfo *commit = find_commit(commits, n, version);
        if (!commit)
            return false;
        if (names(commit, hash) || (names(commit, "\"Rebuild\"") && names(commit, client)))
            return true;
        bool restore = strcmp(commit->operation, "RESTORE") == 0;
        if (restore && *ret_restore < 0)
            *ret_restore = version;
        int64_t next = restore ? restored_version(commit) : version - 1;
        if (next >= version) /* nothing that a restore could say */
            return false;
        version = next;
    }
    return false;
}

Status ingest_find_undone(IngestTables *tables, const char *client, const char *hash, int64_t *ret_restore, Error *err)
{
    int64_t restore, newest = tables->processed->version;
    *ret_restore = -1;
    if (delta_transaction_version(tables->processed, DELTA_RESTORE_APP_ID) < 0)
        return STATUS_OK;
    TRY(ingest_tables_read_log(tables, err));
    CLEANUP(mem_cleanup) char *quoted = mem_printf("\"%s\"", client);
    if (is_on_the_way(tables->commits, tables->n_commits, newest, quoted, hash, &restore))
        return STATUS_OK;
    for (uint32_t i = 0; i < tables->n_commits; i++)
        if (names(&tables->commits[i], hash))
            *ret_restore = restore;
    return STATUS_OK;
}
