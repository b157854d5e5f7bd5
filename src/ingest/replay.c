/* replay; see replay.h.
 *
 * One transaction over both tables, application id "freightlake/replay/UUID": processed gets the rows that pass, then
 * quarantine loses them, and those still bad stand there with the reasons of today.  A record whose reasons are what they
 * were is left where it is.  Where ids must not repeat, a first pass finds out which record of an id stays (duplicates.h). */
#include "ingest/replay.h"

#include "base/clock.h"
#include "base/pool.h"
#include "ingest/duplicates.h"
#include "ingest/quarantine_file.h"
#include "ingest/rewrite.h"
#include "ingest/shipment_file.h"
#include "ingest/single_record.h"
#include "ingest/tally.h"
#include "lake/transaction.h"

/* Shipments of one source file: they carry its name and the instant at which it came, as when it is rebuilt. */
typedef struct ReplayTarget {
    StrView source_hash;
    ShipmentFileOptions options;
    ShipmentFile *file;
} ReplayTarget;

typedef struct ReplayJob {
    const ReplayOptions *options;
    Arena *arena;
    DeltaSnapshot *processed, *quarantine;
    SingleRecord *single;
    Converter *converter;
    Duplicates *duplicates;
    RawFile *raws; /* of the client, oldest first */
    int64_t *arrived_us;
    uint32_t n_raws;
    uint32_t raw; /* of the row before */
    bool seeing;
    DuplicateFile *made_way;
    uint32_t n_made_way;
    ReplayTarget **targets;
    uint32_t n_targets, targets_capacity;
    QuarantineFileOptions quarantine_options;
    QuarantineFile *still_bad;
    QuarantineDrops drops;
    ReasonTally tally;
    Arena record_arena;
    Buffer reasons;
    int64_t now_us;
    ReplayResult result;
} ReplayJob;

/* Which of the client's files the row is of, in the order in which they came; n_raws: it is not there any more. */
static uint32_t raw_of(ReplayJob *job, const QuarantineRow *row)
{
    if (job->raw < job->n_raws && str_equal(str_view(job->raws[job->raw].hash), row->source_hash))
        return job->raw;
    job->raw = 0;
    while (job->raw < job->n_raws && !str_equal(str_view(job->raws[job->raw].hash), row->source_hash))
        job->raw++;
    return job->raw;
}

/* The record's line among those of all files. */
static int64_t place_of(ReplayJob *job, const QuarantineRow *row)
{
    return raw_of(job, row) * DUPLICATE_FILE_LINES + row->source_row;
}

static ReplayTarget *target_of(ReplayJob *job, const QuarantineRow *row)
{
    for (uint32_t i = 0; i < job->n_targets; i++)
        if (str_equal(job->targets[i]->source_hash, row->source_hash))
            return job->targets[i];
    if (job->n_targets == job->targets_capacity) {
        job->targets_capacity = job->targets_capacity ? job->targets_capacity * 2 : 8;
        job->targets = mem_realloc(job->targets, sizeof(ReplayTarget *) * job->targets_capacity);
    }
    ReplayTarget *target = ARENA_NEW(job->arena, ReplayTarget);
    uint32_t raw = raw_of(job, row);
    target->source_hash = arena_str(job->arena, row->source_hash);
    target->options =
        (ShipmentFileOptions){.table = job->processed,
                              .client = job->options->mapping->client,
                              .source_file = arena_memdup(job->arena, row->source_file.data, row->source_file.size),
                              .ingested_at_us = raw < job->n_raws ? job->raws[raw].received_us : row->ingested_at_us};
    target->file = shipment_file_new(&target->options);
    return job->targets[job->n_targets++] = target;
}

/* The record stays, with these reasons. */
static Status keep_bad(ReplayJob *job, const QuarantineRow *row, const RecordReason *reasons, uint32_t n, Error *err)
{
    job->result.rejected++;
    tally_add(&job->tally, reasons, n, row->source_row);
    buffer_clear(&job->reasons);
    quarantine_append_reasons(&job->reasons, reasons, n);
    StrView text = {(const char *)job->reasons.data, (uint32_t)job->reasons.size};
    if (job->options->dry_run || str_equal(text, row->reasons))
        return STATUS_OK;
    QuarantineRecord record = {row->source_file, row->source_hash, row->source_row, row->raw, text};
    quarantine_file_append(job->still_bad, &record);
    quarantine_drop_row(&job->drops, row);
    return quarantine_file_is_full(job->still_bad) ? quarantine_file_flush(job->still_bad, "", err) : STATUS_OK;
}

static Status take_good(ReplayJob *job, const QuarantineRow *row, const RecordBlock *record,
                        const ConvertedBlock *block, Error *err)
{
    static const uint32_t first = 0;
    if (job->duplicates) {
        DuplicateVerdict verdict = duplicates_verdict(job->duplicates, block, 0, place_of(job, row));
        if (verdict == DUPLICATE_REJECTED) {
            RecordReason reason = {.code = reason_code(REASON_DUPLICATE_ID),
                                   .column = shipment_column(SHIPMENT_COLUMN_ID)->name,
                                   .value = duplicates_id_text(job->options->mapping, record, 0),
                                   .message = reason_meaning(REASON_DUPLICATE_ID)};
            return keep_bad(job, row, &reason, 1, err);
        }
        if (verdict == DUPLICATE_SUPERSEDED) {
            job->result.superseded++;
            if (!job->options->dry_run)
                quarantine_drop_row(&job->drops, row);
            return STATUS_OK;
        }
    }
    job->result.passed++;
    if (job->options->dry_run)
        return STATUS_OK;
    quarantine_drop_row(&job->drops, row);
    return shipment_file_append(target_of(job, row)->file, block, &first, 1, err);
}

/* Only the beginning of a record that was too long is here: what it is cannot be said from that. */
static Status keep_cut(ReplayJob *job, const QuarantineRow *row, Error *err)
{
    RecordReason reason = {.code = record_flaw_code(RECORD_FLAW_TOO_LONG),
                           .column = "",
                           .message = record_flaw_meaning(RECORD_FLAW_TOO_LONG)};
    job->result.records++;
    return keep_bad(job, row, &reason, 1, err);
}

static Status replay_row(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)ret_stop;
    ReplayJob *job = context;
    RecordBlock *record;
    TRY(interrupt_check(err));
    if (quarantine_has_reason(row->reasons, record_flaw_code(RECORD_FLAW_TOO_LONG)))
        return job->seeing ? STATUS_OK : keep_cut(job, row, err);
    TRY(single_record_read(job->single, row->source_hash, row->raw, row->source_row, &record, err));
    const ConvertedBlock *block = converter_run(job->converter, record);
    if (job->seeing)
        return block->bad[0] ? STATUS_OK : duplicates_see(job->duplicates, block, 0, place_of(job, row), err);
    job->result.records++;
    if (!block->bad[0])
        return take_good(job, row, record, block, err);
    RecordReason *reasons;
    uint32_t n;
    arena_reset(&job->record_arena);
    converter_reasons(job->converter, record, 0, &job->record_arena, &reasons, &n);
    return keep_bad(job, row, reasons, n, err);
}

static Status visit_all(ReplayJob *job, Error *err)
{
    QuarantineVisitor visitor = {job, replay_row};
    if (job->options->mapping->duplicates != DUPLICATES_KEEP) {
        job->duplicates = duplicates_new(job->options->mapping->duplicates, job->options->budget);
        duplicates_of_files(job->duplicates, job->arrived_us, job->n_raws);
        job->seeing = true;
        TRY(quarantine_visit(job->quarantine, &job->options->filter, job->options->budget, &visitor, err));
        job->seeing = false;
        TRY(duplicates_settle(job->duplicates, job->processed, job->options->mapping->client, job->arena,
                              &job->made_way, &job->n_made_way, err));
    }
    return quarantine_visit(job->quarantine, &job->options->filter, job->options->budget, &visitor, err);
}

/* ---- The commit ---- */

static Status processed_commit(ReplayJob *job, DeltaCommit *commit, Error *err)
{
    uint32_t n, n_adds = 0;
    for (uint32_t i = 0; i < job->n_targets; i++) {
        TRY(shipment_file_flush(job->targets[i]->file, err));
        shipment_file_files(job->targets[i]->file, &n);
        n_adds += n;
    }
    DeltaFile *adds = ARENA_ARRAY(job->arena, DeltaFile, n_adds + job->n_made_way + 1);
    const DeltaFile **removes = ARENA_ARRAY(job->arena, const DeltaFile *, job->n_made_way + 1);
    *commit = (DeltaCommit){.operation = "WRITE", .adds = adds, .removes = removes, .data_change = true};
    for (uint32_t i = 0; i < job->n_targets; i++) {
        const DeltaFile *files = shipment_file_files(job->targets[i]->file, &n);
        for (uint32_t k = 0; k < n; k++)
            adds[commit->n_adds++] = files[k];
    }
    for (uint32_t i = 0; i < job->n_made_way; i++) {
        uint64_t rows;
        TRY(rewrite_without(job->processed, job->made_way[i].file, job->made_way[i].dropped, job->options->budget,
                            job->arena, &adds[commit->n_adds], &rows, err));
        commit->n_adds += rows > 0;
        removes[commit->n_removes++] = job->made_way[i].file;
        commit->rule = DELTA_REWRITE;
    }
    return STATUS_OK;
}

static Status commit_replay(ReplayJob *job, Error *err)
{
    uint32_t n;
    TRY(quarantine_file_flush(job->still_bad, "", err));
    const DeltaFile *bad = quarantine_file_files(job->still_bad, &n);
    LakeChange changes[2] = {{.base = job->processed}, {.base = job->quarantine}};
    TRY(processed_commit(job, &changes[0].commit, err));
    changes[1].commit.operation = "DELETE";
    TRY(quarantine_drops_commit(&job->drops, job->quarantine, job->options->budget, bad, n, &changes[1].commit, err));
    bool shipments = changes[0].commit.n_adds + changes[0].commit.n_removes > 0;
    LakeTransaction transaction = {.client = job->options->mapping->client,
                                   .app_id = arena_printf(job->arena, "freightlake/replay/%s", delta_uuid(job->arena)),
                                   .version = 1,
                                   .job = job->options->job,
                                   .changes = shipments ? changes : changes + 1,
                                   .n_changes = shipments ? 2 : 1};
    TRY(lake_commit(job->options->lake, &transaction, job->arena, err));
    job->result.processed_version = shipments ? changes[0].version : -1;
    job->result.quarantine_version = changes[1].version;
    return STATUS_OK;
}

static Status find_raws(ReplayJob *job, Error *err)
{
    TRY(raw_list(job->options->lake, job->options->mapping->client, job->arena, &job->raws, &job->n_raws, err));
    job->arrived_us = ARENA_ARRAY(job->arena, int64_t, job->n_raws + 1);
    for (uint32_t i = 0; i < job->n_raws; i++)
        job->arrived_us[i] = job->raws[i].received_us;
    return STATUS_OK;
}

static Status replay_steps(ReplayJob *job, Error *err)
{
    const ReplayOptions *options = job->options;
    const DeltaVersion newest = {.kind = DELTA_NEWEST};
    TRY(delta_snapshot_load(lake_table_path(options->lake, "shipments", job->arena), newest, job->arena,
                            &job->processed, err));
    TRY(delta_snapshot_load(lake_table_path(options->lake, "quarantine", job->arena), newest, job->arena,
                            &job->quarantine, err));
    job->quarantine_options = (QuarantineFileOptions){.table = job->quarantine,
                                                      .client = options->mapping->client,
                                                      .mapping_hash = options->mapping->hash,
                                                      .ingested_at_us = job->now_us};
    TRY(find_raws(job, err));
    TRY(single_record_new(options->lake, options->mapping, &job->single, err));
    TRY(converter_new(options->lake, options->mapping, &job->converter, err));
    job->still_bad = quarantine_file_new(&job->quarantine_options);
    TRY(visit_all(job, err));
    tally_result(&job->tally, job->arena, &job->result.reasons, &job->result.n_reasons);
    return job->drops.n > 0 ? commit_replay(job, err) : STATUS_OK;
}

Status replay(const ReplayOptions *options, Arena *job_arena, ReplayResult *ret_result, Error *err)
{
    double start = clock_seconds();
    ReplayJob *job = mem_zalloc(sizeof *job);
    job->options = options;
    job->arena = job_arena;
    job->drops.arena = job_arena;
    job->now_us = lake_now_us();
    job->result.processed_version = job->result.quarantine_version = -1;
    arena_init(&job->record_arena);
    tally_init(&job->tally);
    buffer_init(&job->reasons, 0);
    Status status = replay_steps(job, err);
    job->result.seconds = clock_seconds() - start;
    if (status == STATUS_OK)
        *ret_result = job->result;
    for (uint32_t i = 0; i < job->n_targets; i++)
        shipment_file_free(job->targets[i]->file);
    mem_free(job->targets);
    quarantine_file_free(job->still_bad);
    converter_free(job->converter);
    single_record_free(job->single);
    duplicates_free(job->duplicates);
    tally_done(&job->tally);
    buffer_done(&job->reasons);
    arena_done(&job->record_arena);
    mem_free(job);
    return status;
}
