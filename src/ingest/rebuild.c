/* rebuild; see rebuild.h.
 *
 *   raw files the log knows, oldest first -> data files of both tables (ingest_raw_file)
 *   -> one transaction: both tables lose all files of the client and get the new ones
 *
 * Where ids must not repeat, a first pass over all files finds which record of an id stays; earlier files
 * come first. */
#include "ingest/rebuild.h"

#include "base/fault.h"
#include "ingest/duplicates.h"
#include "lake/history.h"
#include "lake/transaction.h"

typedef struct RebuildJob {
    const IngestOptions *options;
    Arena *arena;
    DeltaSnapshot *processed, *quarantine;
    RawFile *raws;
    uint32_t n_raws;
    DeltaTransaction *relearned; /* of files that processed does not know */
    HistoryRecord *records;      /* of ingestions, read when a file is known to no table */
    uint32_t n_records;
    bool has_records;
    Duplicates *duplicates;
    IngestFiles *files;
    RebuildResult result;
} RebuildJob;

/* Whether the history knows an ingestion of the file after `since_ms` whose commit stood: one that was killed behind it, too. */
static Status was_ingested(RebuildJob *job, const char *hash, int64_t since_ms, bool *ret_was, Error *err)
{
    uint32_t unreadable;
    if (!job->has_records)
        TRY(history_read(job->options->lake, "ingest", 0, job->arena, &job->records, &job->n_records, &unreadable,
                         err));
    job->has_records = true;
    *ret_was = false;
    for (uint32_t i = 0; i < job->n_records && !*ret_was; i++) {
        const HistoryRecord *record = &job->records[i];
        bool committed =
            strcmp(record->outcome, "ok") == 0 || (strcmp(record->outcome, "killed") == 0 && record->n_tables > 0);
        *ret_was = committed && record->client && strcmp(record->client, job->options->mapping->client) == 0 &&
                   record->source_hash && strcmp(record->source_hash, hash) == 0 &&
                   record->started_us / 1000 >= since_ms;
    }
    return STATUS_OK;
}

/* Whether a raw file takes part.  Both tables learn of a file at once, so one of them suffices; that the shipments know it
 * is what keeps it from being ingested twice, and must be so afterwards.  What they and the history say of the time before
 * an erase does not count: the file lies here again because an ingestion began and did not come to its commit. */
static Status look_at_raw(RebuildJob *job, const RawFile *raw, bool *ret_takes_part, Error *err)
{
    const Lake *lake = job->options->lake;
    const char *client = job->options->mapping->client, *app_id = ingest_app_id(client, raw->hash, job->arena);
    const int64_t erased = ingest_erased_version(lake, client, raw->hash, job->arena);
    int64_t version = delta_transaction_version(job->processed, app_id);
    *ret_takes_part = version > erased; /* both are -1 where there is none */
    if (*ret_takes_part)
        return STATUS_OK;
    version = delta_transaction_version(job->quarantine, app_id);
    *ret_takes_part = version > erased;
    if (!*ret_takes_part) {
        StorageFacts mark = {0};
        if (erased >= 0)
            TRY(storage_stat(ingest_erased_mark(lake, client, raw->hash, job->arena), &mark, err));
        TRY(was_ingested(job, raw->hash, erased >= 0 ? mark.modified_ms : INT64_MIN, ret_takes_part, err));
    }
    if (*ret_takes_part)
        job->relearned[job->result.n_relearned++] =
            (DeltaTransaction){app_id, version > erased ? (version < 1 ? 1 : version) : erased + 1, -1};
    return STATUS_OK;
}

/* A raw copy whose ingestion never came to its commit is no part of the tables. */
static Status find_raws(RebuildJob *job, Error *err)
{
    const char *client = job->options->mapping->client;
    uint32_t n;
    TRY(raw_list(job->options->lake, client, job->arena, &job->raws, &n, err));
    job->relearned = ARENA_ARRAY(job->arena, DeltaTransaction, n + 1);
    job->result.left_out = ARENA_ARRAY(job->arena, const char *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        bool takes_part;
        TRY(look_at_raw(job, &job->raws[i], &takes_part, err));
        if (takes_part)
            job->raws[job->n_raws++] = job->raws[i];
        else
            job->result.left_out[job->result.n_left_out++] = job->raws[i].name;
    }
    job->files = ARENA_ARRAY(job->arena, IngestFiles, job->n_raws + 1);
    job->result.files = ARENA_ARRAY(job->arena, IngestResult, job->n_raws + 1);
    return STATUS_OK;
}

static Status read_raw(RebuildJob *job, uint32_t i, bool seeing, Error *err)
{
    IngestRaw raw = {.raw = &job->raws[i],
                     .processed = job->processed,
                     .quarantine = job->quarantine,
                     .duplicates = job->duplicates,
                     .line_base = i * DUPLICATE_FILE_LINES,
                     .seeing = seeing};
    return ingest_raw_file(job->options, &raw, job->arena, &job->result.files[i], &job->files[i], err);
}

static Status read_all(RebuildJob *job, Error *err)
{
    if (job->options->mapping->duplicates != DUPLICATES_KEEP) {
        job->duplicates = duplicates_new(job->options->mapping->duplicates, job->options->budget);
        for (uint32_t i = 0; i < job->n_raws; i++)
            TRY(read_raw(job, i, true, err));
    }
    for (uint32_t i = 0; i < job->n_raws; i++) {
        TRY(read_raw(job, i, false, err));
        job->result.n_files++;
        const IngestResult *result = &job->result.files[i];
        job->result.records += result->records;
        job->result.good += result->good;
        job->result.rejected += result->rejected;
        if (result->outcome != INGEST_REFUSED)
            continue;
        error_set(err, STATUS_CHECK, "%.4g %% of its records would be rejected, more than max_rejected_share allows",
                  100 * result->rejected_share);
        error_at_file(err, job->raws[i].name);
        return error_hint(err, "nothing was changed; mend clients/%s.yaml and rebuild again",
                          job->options->mapping->client);
    }
    return STATUS_OK;
}

static void abandon(const RebuildJob *job)
{
    for (uint32_t i = 0; i < job->n_raws; i++) {
        ingest_remove_files(job->processed->table, job->files[i].shipments, job->files[i].n_shipments, job->arena);
        ingest_remove_files(job->quarantine->table, job->files[i].quarantine, job->files[i].n_quarantine, job->arena);
    }
}

/* Every file of the client goes, the new ones come. */
static void swap_files(const RebuildJob *job, const DeltaSnapshot *table, bool shipments, DeltaCommit *commit)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < job->n_raws; i++)
        n += shipments ? job->files[i].n_shipments : job->files[i].n_quarantine;
    DeltaFile *adds = ARENA_ARRAY(job->arena, DeltaFile, n + 1);
    const DeltaFile **removes = ARENA_ARRAY(job->arena, const DeltaFile *, table->n_files + 1);
    *commit = (DeltaCommit){.operation = "WRITE", .data_change = true, .adds = adds, .removes = removes};
    for (uint32_t i = 0; i < job->n_raws; i++) {
        const DeltaFile *files = shipments ? job->files[i].shipments : job->files[i].quarantine;
        uint32_t n_files = shipments ? job->files[i].n_shipments : job->files[i].n_quarantine;
        for (uint32_t k = 0; k < n_files; k++)
            adds[commit->n_adds++] = files[k];
    }
    for (uint32_t i = 0; i < table->n_files; i++) {
        const char *client = table->files[i].partition_values[0];
        if (client && strcmp(client, job->options->mapping->client) == 0)
            removes[commit->n_removes++] = &table->files[i];
    }
    commit->rule = commit->n_removes ? DELTA_REWRITE : DELTA_BLIND_APPEND;
    commit->parameters = arena_printf(job->arena, "{\"client\":\"%s\",\"mode\":\"Rebuild\",\"mapping\":\"%s\"}",
                                      job->options->mapping->client, job->options->mapping->hash);
}

static Status commit_rebuild(RebuildJob *job, Error *err)
{
    LakeChange changes[2] = {{.base = job->quarantine}, {.base = job->processed}};
    swap_files(job, job->quarantine, false, &changes[0].commit);
    swap_files(job, job->processed, true, &changes[1].commit);
    changes[1].commit.relearned = job->relearned;
    changes[1].commit.n_relearned = job->result.n_relearned;
    bool both = changes[0].commit.n_adds + changes[0].commit.n_removes > 0;
    LakeTransaction transaction = {.client = job->options->mapping->client,
                                   .app_id = arena_printf(job->arena, "freightlake/rebuild/%s", delta_uuid(job->arena)),
                                   .version = 1,
                                   .job = job->options->job,
                                   .changes = both ? changes : changes + 1,
                                   .n_changes = both ? 2 : 1};
    fault_step("rebuild_before_commit");
    TRY(lake_commit(job->options->lake, &transaction, job->arena, err));
    job->result.processed_version = changes[1].version;
    job->result.quarantine_version = both ? changes[0].version : -1;
    return STATUS_OK;
}

static Status rebuild_steps(RebuildJob *job, Error *err)
{
    const DeltaVersion newest = {.kind = DELTA_NEWEST};
    const Lake *lake = job->options->lake;
    TRY(delta_snapshot_load(lake_table_path(lake, "shipments", job->arena), newest, job->arena, &job->processed, err));
    TRY(delta_snapshot_load(lake_table_path(lake, "quarantine", job->arena), newest, job->arena, &job->quarantine,
                            err));
    TRY(find_raws(job, err));
    if (job->n_raws == 0)
        return STATUS_OK;
    Status status = read_all(job, err);
    if (status == STATUS_OK && !job->options->dry_run)
        return commit_rebuild(job, err);
    abandon(job);
    return status;
}

Status rebuild(const IngestOptions *options, Arena *job_arena, RebuildResult *ret_result, Error *err)
{
    RebuildJob job = {.options = options, .arena = job_arena};
    job.result.processed_version = job.result.quarantine_version = -1;
    Status status = rebuild_steps(&job, err);
    duplicates_free(job.duplicates);
    if (status == STATUS_OK || status == STATUS_CHECK)
        *ret_result = job.result;
    return status;
}
