/* ingest_file; see ingest.h.
 *
 *   1 known?     the size is in the raw zone: hash first, and be done when the log knows the hash
 *   2 parse      workers: bytes -> raw copy and hash; records -> converter -> data files of both tables, not yet committed
 *   3 judge      too many rejected: data files and raw copy are removed, nothing has happened
 *   4 raw        the raw copy gets its name
 *   5 commit     lake_commit: quarantine, then processed, one `txn`
 *
 * Killed before 5 there are only files that nothing names (vacuum takes them) and perhaps a raw copy, which the next try
 * finds in place.  Killed in 5, lake_recover ends what the first commit began. */
#include "ingest/ingest.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "ingest/convert.h"
#include "ingest/duplicates.h"
#include "ingest/quarantine_file.h"
#include "ingest/raw.h"
#include "ingest/record_source.h"
#include "ingest/rewrite.h"
#include "ingest/shipment_file.h"
#include "ingest/tally.h"
#include "ingest/undone.h"
#include "lake/transaction.h"

#define HASH_BYTES ((size_t)4 << 20)
#define BYTES_PER_WORKER ((uint64_t)16 << 20) /* fewer workers, and so fewer data files, for small inputs */
#define SMALL_FILE_BYTES ((uint64_t)4 << 20)

typedef struct IngestJob {
    const IngestOptions *options;
    const char *file;
    Arena *arena;        /* of this file */
    Arena *result_arena; /* what outlives it */
    DeltaSnapshot *processed, *quarantine;
    RawCopy *raw;
    RecordSource *source;
    Duplicates *duplicates;  /* NULL: ids may repeat */
    bool committing;         /* from here on data files may be named by a commit: they are not ours to remove */
    bool seeing;             /* the first of two passes: ids only */
    int64_t line_base;       /* of this file among those whose ids are compared */
    DuplicateFile *made_way; /* files of the table with rows that make way */
    uint32_t n_made_way;
    StorageFacts facts; /* of the file when the job began */
    uint64_t bytes_total;
    _Atomic uint64_t bytes_done;
    ShipmentFileOptions shipment_options;
    QuarantineFileOptions quarantine_options;
    struct IngestWorker *workers;
    int n_workers;
    pthread_mutex_t hash_mutex;
    const char *hash; /* NULL: not known yet */
} IngestJob;

typedef struct IngestWorker {
    IngestJob *job;
    Converter *converter;
    ShipmentFile *shipments;
    QuarantineFile *quarantine;
    RecordCursor *cursor;
    RecordBlock block;
    ReasonTally tally;
    Arena arena; /* of a record's reasons */
    Buffer raw, reasons;
    uint64_t records, rejected, superseded;
    Status status;
    Error err;
} IngestWorker;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- The hash ---- */

static Status hash_file(const char *file, Arena *arena, const char **ret_hash, Error *err)
{
    CLEANUP(storage_close_cleanup) StorageReader *reader = NULL;
    TRY(storage_open(file, &reader, err));
    CLEANUP(mem_cleanup) char *bytes = mem_alloc(HASH_BYTES);
    Sha256 sha;
    sha256_init(&sha);
    for (uint64_t at = 0; at < reader->size_bytes; at += HASH_BYTES) {
        uint64_t left = reader->size_bytes - at;
        size_t n = left < HASH_BYTES ? (size_t)left : HASH_BYTES;
        TRY(storage_read(reader, at, bytes, n, err));
        sha256_update(&sha, bytes, n);
    }
    char *hash = arena_alloc(arena, SHA256_HEX_SIZE);
    sha256_end(&sha, hash);
    *ret_hash = hash;
    return STATUS_OK;
}

/* ---- Workers ---- */

static Status take_bytes(void *context, const void *bytes, size_t size, Error *err)
{
    IngestJob *job = context;
    TRY(raw_copy_bytes(job->raw, bytes, size, err));
    uint64_t done = atomic_fetch_add(&job->bytes_done, size) + size;
    if (job->options->progress)
        job->options->progress(job->options->progress_context, done, job->bytes_total);
    return STATUS_OK;
}

/* The hash before the file is read to its end, for quarantined records that are too many to wait for it. */
static Status early_hash(IngestJob *job, Error *err)
{
    pthread_mutex_lock(&job->hash_mutex);
    Status status = STATUS_OK;
    if (!job->hash)
        status = hash_file(job->file, job->arena, &job->hash, err);
    pthread_mutex_unlock(&job->hash_mutex);
    return status;
}

static Status reject(IngestWorker *worker, uint32_t row, const RecordReason *reasons, uint32_t n, Error *err)
{
    tally_add(&worker->tally, reasons, n, worker->block.lines[row]);
    worker->rejected++;
    if (worker->quarantine == NULL)
        return STATUS_OK;
    buffer_clear(&worker->raw);
    buffer_clear(&worker->reasons);
    record_cursor_raw(worker->cursor, &worker->block, row, &worker->raw);
    quarantine_append_reasons(&worker->reasons, reasons, n);
    QuarantineRecord record = {.source_file = str_view(worker->job->shipment_options.source_file),
                               .source_row = worker->block.lines[row],
                               .raw = {(const char *)worker->raw.data, (uint32_t)worker->raw.size},
                               .reasons = {(const char *)worker->reasons.data, (uint32_t)worker->reasons.size}};
    quarantine_file_append(worker->quarantine, &record);
    if (!quarantine_file_is_full(worker->quarantine))
        return STATUS_OK;
    TRY(early_hash(worker->job, err));
    return quarantine_file_flush(worker->quarantine, worker->job->hash, err);
}

static Status reject_bad(IngestWorker *worker, uint32_t row, Error *err)
{
    RecordReason *reasons;
    uint32_t n;
    arena_reset(&worker->arena);
    converter_reasons(worker->converter, &worker->block, row, &worker->arena, &reasons, &n);
    return reject(worker, row, reasons, n, err);
}

static Status reject_duplicate(IngestWorker *worker, uint32_t row, Error *err)
{
    RecordReason reason = {.code = reason_code(REASON_DUPLICATE_ID),
                           .column = shipment_column(SHIPMENT_COLUMN_ID)->name,
                           .value = duplicates_id_text(worker->job->options->mapping, &worker->block, row),
                           .message = reason_meaning(REASON_DUPLICATE_ID)};
    return reject(worker, row, &reason, 1, err);
}

static Status see_block(IngestWorker *worker, const ConvertedBlock *block, Error *err)
{
    for (uint32_t r = 0; r < block->n; r++)
        if (!block->bad[r])
            TRY(duplicates_see(worker->job->duplicates, block, r, worker->job->line_base + worker->block.lines[r],
                               err));
    return STATUS_OK;
}

static Status file_changed(const IngestJob *job, Error *err)
{
    error_set(err, STATUS_IO, "the file changed while it was read");
    error_at_file(err, job->file);
    return error_hint(err, "ingest it again when its writer is done");
}

/* Of good records those that stay. */
static Status keep_one_of_each(IngestWorker *worker, const ConvertedBlock *block, uint32_t *good, uint32_t *n_good,
                               Error *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < *n_good; i++) {
        switch (duplicates_verdict(worker->job->duplicates, block, good[i],
                                   worker->job->line_base + worker->block.lines[good[i]])) {
        case DUPLICATE_STAYS:
            good[n++] = good[i];
            break;
        case DUPLICATE_REJECTED:
            TRY(reject_duplicate(worker, good[i], err));
            break;
        case DUPLICATE_SUPERSEDED:
            worker->superseded++;
            break;
        case DUPLICATE_UNSEEN:
            return file_changed(worker->job, err);
        }
    }
    *n_good = n;
    return STATUS_OK;
}

static Status take_block(IngestWorker *worker, Error *err)
{
    const ConvertedBlock *block = converter_run(worker->converter, &worker->block);
    if (worker->job->seeing)
        return see_block(worker, block, err);
    uint32_t good[RECORD_BLOCK_ROWS], n_good = 0;
    for (uint32_t r = 0; r < block->n; r++) {
        good[n_good] = r;
        n_good += !block->bad[r];
    }
    worker->records += block->n;
    if (block->n_bad > 0)
        for (uint32_t r = 0; r < block->n; r++)
            if (block->bad[r])
                TRY(reject_bad(worker, r, err));
    if (worker->job->duplicates)
        TRY(keep_one_of_each(worker, block, good, &n_good, err));
    return worker->shipments ? shipment_file_append(worker->shipments, block, good, n_good, err) : STATUS_OK;
}

static Status work(IngestWorker *worker, Error *err)
{
    for (;;) {
        TRY(interrupt_check(err));
        TRY(record_cursor_next(worker->cursor, &worker->block, err));
        if (worker->block.n == 0)
            break;
        TRY(take_block(worker, err));
    }
    return worker->shipments ? shipment_file_flush(worker->shipments, err) : STATUS_OK;
}

static void work_task(void *context, int index)
{
    IngestJob *job = context;
    if (index < job->n_workers)
        job->workers[index].status = work(&job->workers[index], &job->workers[index].err);
}

/* ---- The job ---- */

static Status workers_new(IngestJob *job, Error *err)
{
    const IngestOptions *options = job->options;
    uint64_t wanted = 1 + job->bytes_total / BYTES_PER_WORKER;
    int threads = pool_threads(options->pool);
    job->n_workers = wanted < (uint64_t)threads ? (int)wanted : threads;
    job->workers = mem_zalloc(sizeof *job->workers * (size_t)job->n_workers);
    for (int i = 0; i < job->n_workers; i++) {
        IngestWorker *worker = &job->workers[i];
        worker->job = job;
        error_init(&worker->err);
        arena_init(&worker->arena);
        tally_init(&worker->tally);
        buffer_init(&worker->raw, 0);
        buffer_init(&worker->reasons, 0);
        record_block_init(&worker->block, record_source_fields(job->source));
        TRY(converter_new(options->lake, options->mapping, &worker->converter, err));
        TRY(record_cursor_new(job->source, &worker->cursor, err));
        if (options->dry_run || job->seeing)
            continue;
        worker->shipments = shipment_file_new(&job->shipment_options);
        worker->quarantine = quarantine_file_new(&job->quarantine_options);
    }
    return STATUS_OK;
}

static void workers_free(IngestJob *job)
{
    for (int i = 0; i < job->n_workers; i++) {
        IngestWorker *worker = &job->workers[i];
        record_cursor_free(worker->cursor);
        converter_free(worker->converter);
        shipment_file_free(worker->shipments);
        quarantine_file_free(worker->quarantine);
        record_block_done(&worker->block);
        tally_done(&worker->tally);
        arena_done(&worker->arena);
        buffer_done(&worker->raw);
        buffer_done(&worker->reasons);
    }
    mem_free(job->workers);
    job->workers = NULL;
    job->n_workers = 0;
}

static Status run_workers(IngestJob *job, Error *err)
{
    TRY(workers_new(job, err));
    pool_run(job->options->pool, work_task, job);
    for (int i = 0; i < job->n_workers; i++)
        if (job->workers[i].status != STATUS_OK) {
            *err = job->workers[i].err;
            return err->code;
        }
    return STATUS_OK;
}

/* The first of two passes: which record of each id stays. */
static Status see_ids(IngestJob *job, Error *err)
{
    const IngestOptions *options = job->options;
    RecordSourceOptions source_options = {.path = job->file, .mapping = options->mapping, .budget = options->budget};
    job->duplicates = duplicates_new(options->mapping->duplicates, options->budget);
    TRY(record_source_open(&source_options, &job->source, err));
    job->seeing = true;
    Status status = run_workers(job, err);
    job->seeing = false;
    workers_free(job);
    record_source_close(job->source);
    job->source = NULL;
    if (status != STATUS_OK || !job->processed)
        return status;
    return duplicates_settle(job->duplicates, job->processed, options->mapping->client, job->arena, &job->made_way,
                             &job->n_made_way, err);
}

/* Runs the workers and adds up what they found. */
static Status parse(IngestJob *job, IngestResult *result, Error *err)
{
    TRY(run_workers(job, err));
    ReasonTally *tally = mem_alloc(sizeof *tally);
    tally_init(tally);
    for (int i = 0; i < job->n_workers; i++) {
        result->records += job->workers[i].records;
        result->rejected += job->workers[i].rejected;
        result->superseded += job->workers[i].superseded;
        result->blank += job->workers[i].block.n_blank;
        tally_merge(tally, &job->workers[i].tally);
    }
    tally_result(tally, job->result_arena, &result->reasons, &result->n_reasons);
    tally_done(tally);
    mem_free(tally);
    for (uint32_t i = 0; i < job->n_made_way; i++)
        result->replaced += job->made_way[i].n_dropped;
    result->good = result->records - result->rejected - result->superseded;
    result->rejected_share = result->records ? (double)result->rejected / (double)result->records : 0;
    return STATUS_OK;
}

/* The file as it was hashed early and as it was read must be one. */
static Status settle_hash(IngestJob *job, IngestResult *result, Error *err)
{
    const char *hash = raw_copy_end(job->raw);
    if (job->hash && strcmp(job->hash, hash) != 0)
        return file_changed(job, err);
    job->hash = hash;
    memcpy(result->hash, hash, sizeof result->hash);
    return STATUS_OK;
}

/* A file that is still being written would be taken in without its end, and once more, whole, the next time. */
static Status check_unchanged(const IngestJob *job, Error *err)
{
    StorageFacts facts;
    TRY(storage_stat(job->file, &facts, err));
    bool same =
        facts.exists && facts.size_bytes == job->facts.size_bytes && facts.modified_ms == job->facts.modified_ms;
    return same ? STATUS_OK : file_changed(job, err);
}

const char *ingest_app_id(const char *client, const char *hash, Arena *arena)
{
    return arena_printf(arena, "freightlake/ingest/%s/%s", client, hash);
}

static const char *app_id(const IngestJob *job)
{
    return ingest_app_id(job->options->mapping->client, job->hash, job->arena);
}

const char *ingest_erased_mark(const Lake *lake, const char *client, const char *hash, Arena *arena)
{
    return arena_printf(arena, "%s/erased/%s/%s", lake->control, client, hash);
}

int64_t ingest_erased_version(const Lake *lake, const char *client, const char *hash, Arena *arena)
{
    Error ignored;
    error_init(&ignored);
    StrView text;
    if (storage_read_file(ingest_erased_mark(lake, client, hash, arena), 64, arena, &text, &ignored) != STATUS_OK)
        return -1;
    return strtoll(text.data, NULL, 10);
}

static int64_t known_version(const IngestJob *job)
{
    return job->processed ? delta_transaction_version(job->processed, app_id(job)) : -1;
}

static bool is_known(const IngestJob *job)
{
    int64_t version = known_version(job);
    return version >= 0 &&
           version > ingest_erased_version(job->options->lake, job->options->mapping->client, job->hash, job->arena);
}

/* Data files that no commit will name. */
void ingest_remove_files(const char *table, const DeltaFile *files, uint32_t n, Arena *arena)
{
    Error ignored;
    error_init(&ignored);
    for (uint32_t i = 0; i < n; i++)
        if (storage_remove(arena_printf(arena, "%s/%s", table, files[i].path), &ignored) != STATUS_OK)
            error_init(&ignored); /* vacuum will take it */
}

static void abandon(IngestJob *job)
{
    for (int i = 0; i < job->n_workers; i++) {
        uint32_t n;
        const IngestWorker *worker = &job->workers[i];
        if (!worker->shipments)
            continue;
        const DeltaFile *files = shipment_file_files(worker->shipments, &n);
        ingest_remove_files(job->processed->table, files, n, job->arena);
        files = quarantine_file_files(worker->quarantine, &n);
        ingest_remove_files(job->quarantine->table, files, n, job->arena);
    }
}

static void collect(DeltaCommit *commit, const DeltaFile *files, uint32_t n)
{
    DeltaFile *adds = (DeltaFile *)(uintptr_t)commit->adds;
    if (n)
        memcpy(adds + commit->n_adds, files, sizeof *files * n);
    commit->n_adds += n;
}

/* Files of the table with rows that make way are written anew without them. */
static Status make_way(IngestJob *job, DeltaCommit *commit, Error *err)
{
    const DeltaFile **removes = ARENA_ARRAY(job->arena, const DeltaFile *, job->n_made_way + 1);
    for (uint32_t i = 0; i < job->n_made_way; i++) {
        DeltaFile left;
        uint64_t rows;
        TRY(rewrite_without(job->processed, job->made_way[i].file, job->made_way[i].dropped, job->options->budget,
                            job->arena, &left, &rows, err));
        if (rows > 0)
            collect(commit, &left, 1);
        removes[i] = job->made_way[i].file;
    }
    if (job->n_made_way == 0)
        return STATUS_OK;
    commit->operation = "MERGE";
    commit->removes = removes;
    commit->n_removes = job->n_made_way;
    commit->rule = DELTA_REWRITE;
    return STATUS_OK;
}

/* Both tables learn of a file in one transaction: one that only quarantine knows was lost to the other. */
static Status half_known(const IngestJob *job, Error *err)
{
    error_set(err, STATUS_CONFLICT,
              "quarantine knows this file, and the shipments do not: an entry of their log was lost");
    error_at_file(err, job->file);
    return error_hint(err,
                      "nothing was taken in; 'freightlake rebuild %s' brings the file's rows back from the raw zone",
                      job->options->mapping->client);
}

static Status commit(IngestJob *job, IngestResult *result, Error *err)
{
    uint32_t n, n_shipments = 0, n_quarantine = 0;
    for (int i = 0; i < job->n_workers; i++) {
        TRY(quarantine_file_flush(job->workers[i].quarantine, job->hash, err));
        shipment_file_files(job->workers[i].shipments, &n);
        n_shipments += n;
        quarantine_file_files(job->workers[i].quarantine, &n);
        n_quarantine += n;
    }
    const char *parameters = arena_printf(job->arena, "{\"client\":\"%s\",\"sha256\":\"%s\",\"mapping\":\"%s\"}",
                                          job->options->mapping->client, job->hash, job->options->mapping->hash);
    LakeChange changes[2] = {
        {.base = job->quarantine, .commit = {.operation = "WRITE", .parameters = parameters, .data_change = true}},
        {.base = job->processed, .commit = {.operation = "WRITE", .parameters = parameters, .data_change = true}}};
    changes[0].commit.adds = ARENA_ARRAY(job->arena, DeltaFile, n_quarantine + 1);
    changes[1].commit.adds = ARENA_ARRAY(job->arena, DeltaFile, n_shipments + job->n_made_way + 1);
    for (int i = 0; i < job->n_workers; i++) {
        const DeltaFile *files = quarantine_file_files(job->workers[i].quarantine, &n);
        collect(&changes[0].commit, files, n);
        files = shipment_file_files(job->workers[i].shipments, &n);
        collect(&changes[1].commit, files, n);
    }
    TRY(make_way(job, &changes[1].commit, err));
    LakeTransaction transaction = {.client = job->options->mapping->client,
                                   .app_id = app_id(job),
                                   .version = known_version(job) < 1 ? 1 : known_version(job) + 1,
                                   .job = job->options->job};
    if (delta_transaction_version(job->quarantine, transaction.app_id) >= transaction.version)
        return half_known(job, err);
    /* Without rejected records quarantine has nothing to say, and one commit is enough. */
    transaction.changes = n_quarantine ? changes : changes + 1;
    transaction.n_changes = n_quarantine ? 2 : 1;
    TRY(lake_commit(job->options->lake, &transaction, job->arena, err));
    result->processed_version = changes[1].version;
    result->quarantine_version = n_quarantine ? changes[0].version : -1;
    return STATUS_OK;
}

static Status load_tables(IngestJob *job, Error *err)
{
    IngestTables *tables = job->options->tables;
    if (!tables)
        return STATUS_OK;
    TRY(ingest_tables_load(tables, job->options->lake, err));
    job->processed = tables->processed;
    job->quarantine = tables->quarantine;
    return STATUS_OK;
}

/* True in *ret_known when the log has these very bytes.  A small file is hashed at once, which takes less than a look at the
 * raw zone; a larger one before it is parsed only where the raw zone makes it likely. */
static Status known_beforehand(IngestJob *job, bool *ret_known, Error *err)
{
    bool likely = job->bytes_total <= SMALL_FILE_BYTES;
    *ret_known = false;
    if (!job->options->tables)
        return STATUS_OK;
    if (!likely)
        TRY(raw_has_size(job->options->lake, job->options->mapping->client, job->bytes_total, &likely, err));
    if (!likely)
        return STATUS_OK;
    TRY(hash_file(job->file, job->arena, &job->hash, err));
    *ret_known = is_known(job);
    return STATUS_OK;
}

static Status say_known(IngestJob *job, IngestResult *result, Error *err)
{
    result->outcome = INGEST_KNOWN;
    memcpy(result->hash, job->hash, sizeof result->hash);
    return ingest_find_undone(job->options->tables, job->options->mapping->client, job->hash, &result->undone_version,
                              err);
}

static Status ingest_steps(IngestJob *job, IngestResult *result, Error *err)
{
    const IngestOptions *options = job->options;
    RecordSourceOptions source_options = {.path = job->file,
                                          .mapping = options->mapping,
                                          .budget = options->budget,
                                          .bytes = take_bytes,
                                          .bytes_context = job};
    if (options->mapping->duplicates != DUPLICATES_KEEP)
        TRY(see_ids(job, err));
    TRY(raw_copy_begin(options->lake, options->mapping->client, job->file, !options->dry_run, &job->raw, err));
    source_options.hash = raw_copy_hash(job->raw);
    job->shipment_options.ingested_at_us = raw_copy_received_us(job->raw); /* as rebuild and replay will say */
    job->quarantine_options.ingested_at_us = job->shipment_options.ingested_at_us;
    TRY(record_source_open(&source_options, &job->source, err));
    TRY(parse(job, result, err));
    TRY(settle_hash(job, result, err));
    TRY(check_unchanged(job, err));
    if (is_known(job)) {
        abandon(job);
        *result = (IngestResult){.file = result->file,
                                 .bytes = result->bytes,
                                 .max_rejected_share = result->max_rejected_share,
                                 .processed_version = -1,
                                 .quarantine_version = -1};
        return say_known(job, result, err);
    }
    if (result->rejected_share > result->max_rejected_share) {
        abandon(job);
        result->outcome = INGEST_REFUSED;
        return STATUS_OK;
    }
    result->outcome = options->dry_run ? INGEST_DRY_RUN : INGEST_DONE;
    if (options->dry_run)
        return STATUS_OK;
    TRY(raw_copy_commit(job->raw, err));
    fault_step("ingest_before_commit");
    job->committing = true;
    return commit(job, result, err);
}

static Status ingest_in(const IngestOptions *options, const char *file, Arena *file_arena, Arena *job_arena,
                        IngestResult *ret_result, Error *err)
{
    double start = clock_seconds();
    IngestJob job = {.options = options, .file = file, .arena = file_arena, .result_arena = job_arena};
    const Mapping *mapping = options->mapping;
    IngestResult result = {.file = file, .processed_version = -1, .quarantine_version = -1, .undone_version = -1};
    result.max_rejected_share =
        mapping->max_rejected_share >= 0 ? mapping->max_rejected_share : options->lake->max_rejected_share;
    bool known;
    TRY(storage_stat(file, &job.facts, err));
    job.bytes_total = result.bytes = job.facts.size_bytes;
    TRY(load_tables(&job, err));
    TRY(known_beforehand(&job, &known, err));
    if (known) {
        TRY(say_known(&job, &result, err));
        result.seconds = clock_seconds() - start;
        *ret_result = result;
        return STATUS_OK;
    }
    job.shipment_options = (ShipmentFileOptions){
        .table = job.processed, .client = mapping->client, .source_file = arena_strdup(file_arena, base_name(file))};
    job.quarantine_options =
        (QuarantineFileOptions){.table = job.quarantine, .client = mapping->client, .mapping_hash = mapping->hash};
    pthread_mutex_init(&job.hash_mutex, NULL);
    Status status = ingest_steps(&job, &result, err);
    if (status != STATUS_OK && !job.committing)
        abandon(&job);
    workers_free(&job);
    record_source_close(job.source);
    duplicates_free(job.duplicates);
    raw_copy_free(job.raw);
    pthread_mutex_destroy(&job.hash_mutex);
    if (status != STATUS_OK)
        return status;
    result.seconds = clock_seconds() - start;
    *ret_result = result;
    return STATUS_OK;
}

/* Thousands of files may come in one job: what one needs is given back before the next. */
Status ingest_file(const IngestOptions *options, const char *file, Arena *job_arena, IngestResult *ret_result,
                   Error *err)
{
    Arena file_arena;
    arena_init(&file_arena);
    Status status = ingest_in(options, file, &file_arena, job_arena, ret_result, err);
    arena_done(&file_arena);
    return status;
}

/* ---- Raw files again ---- */

static const DeltaFile *copy_files(const DeltaFile *const *lists, const uint32_t *counts, int n_lists, Arena *arena,
                                   uint32_t *ret_n)
{
    uint32_t n = 0;
    for (int i = 0; i < n_lists; i++)
        n += counts[i];
    DeltaFile *files = ARENA_ARRAY(arena, DeltaFile, n + 1);
    n = 0;
    for (int i = 0; i < n_lists; i++)
        for (uint32_t k = 0; k < counts[i]; k++) {
            const char **values = ARENA_ARRAY(arena, const char *, 1);
            DeltaFile *file = &files[n++];
            *file = lists[i][k];
            values[0] = arena_strdup(arena, file->partition_values[0]);
            file->partition_values = values;
            file->path = arena_strdup(arena, file->path);
            file->statistics = arena_strdup(arena, file->statistics);
        }
    *ret_n = n;
    return files;
}

static Status take_files(IngestJob *job, IngestFiles *files, Error *err)
{
    const DeltaFile **lists = ARENA_ARRAY(job->arena, const DeltaFile *, job->n_workers);
    uint32_t *counts = ARENA_ARRAY(job->arena, uint32_t, job->n_workers);
    for (int i = 0; i < job->n_workers; i++) {
        TRY(quarantine_file_flush(job->workers[i].quarantine, job->hash, err));
        lists[i] = quarantine_file_files(job->workers[i].quarantine, &counts[i]);
    }
    files->quarantine = copy_files(lists, counts, job->n_workers, job->arena, &files->n_quarantine);
    for (int i = 0; i < job->n_workers; i++)
        lists[i] = shipment_file_files(job->workers[i].shipments, &counts[i]);
    files->shipments = copy_files(lists, counts, job->n_workers, job->arena, &files->n_shipments);
    return STATUS_OK;
}

static Status check_raw_hash(const IngestJob *job, const RawFile *raw, Error *err)
{
    if (strcmp(job->hash, raw->hash) == 0 || raw->redacted)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "the raw file is not what its name says: its SHA-256 is %.16s...", job->hash);
    error_at_file(err, raw->path);
    return error_hint(err, "files of the raw zone are never changed: bring it back from a copy");
}

static Status raw_steps(IngestJob *job, const RawFile *raw, IngestResult *result, IngestFiles *files, Error *err)
{
    RecordSourceOptions source_options = {.path = raw->path,
                                          .mapping = job->options->mapping,
                                          .budget = job->options->budget,
                                          .bytes = job->seeing ? NULL : take_bytes,
                                          .bytes_context = job};
    TRY(raw_copy_begin(job->options->lake, job->options->mapping->client, raw->name, false, &job->raw, err));
    source_options.hash = job->seeing ? NULL : raw_copy_hash(job->raw);
    TRY(record_source_open(&source_options, &job->source, err));
    if (job->seeing)
        return run_workers(job, err);
    TRY(parse(job, result, err));
    TRY(settle_hash(job, result, err));
    TRY(check_raw_hash(job, raw, err));
    job->hash = raw->hash;
    result->outcome = job->options->dry_run ? INGEST_DRY_RUN : INGEST_DONE;
    if (result->rejected_share > result->max_rejected_share) {
        result->outcome = INGEST_REFUSED;
        abandon(job);
        return STATUS_OK;
    }
    return job->options->dry_run ? STATUS_OK : take_files(job, files, err);
}

Status ingest_raw_file(const IngestOptions *options, const IngestRaw *raw, Arena *job_arena, IngestResult *ret_result,
                       IngestFiles *ret_files, Error *err)
{
    const Mapping *mapping = options->mapping;
    IngestJob job = {.options = options,
                     .file = raw->raw->path,
                     .arena = job_arena,
                     .result_arena = job_arena,
                     .processed = (DeltaSnapshot *)(uintptr_t)raw->processed,
                     .quarantine = (DeltaSnapshot *)(uintptr_t)raw->quarantine,
                     .duplicates = raw->duplicates,
                     .seeing = raw->seeing,
                     .line_base = raw->line_base,
                     .bytes_total = raw->raw->bytes};
    IngestResult result = {.file = raw->raw->name, .bytes = raw->raw->bytes};
    IngestFiles files = {0};
    result.max_rejected_share =
        mapping->max_rejected_share >= 0 ? mapping->max_rejected_share : options->lake->max_rejected_share;
    job.shipment_options = (ShipmentFileOptions){.table = job.processed,
                                                 .client = mapping->client,
                                                 .source_file = raw->raw->name,
                                                 .ingested_at_us = raw->raw->received_us};
    job.quarantine_options = (QuarantineFileOptions){.table = job.quarantine,
                                                     .client = mapping->client,
                                                     .mapping_hash = mapping->hash,
                                                     .ingested_at_us = raw->raw->received_us};
    pthread_mutex_init(&job.hash_mutex, NULL);
    Status status = raw_steps(&job, raw->raw, &result, &files, err);
    if (status != STATUS_OK && !job.seeing)
        abandon(&job);
    workers_free(&job);
    record_source_close(job.source);
    raw_copy_free(job.raw);
    pthread_mutex_destroy(&job.hash_mutex);
    if (status != STATUS_OK)
        return status;
    *ret_result = result;
    *ret_files = files;
    return STATUS_OK;
}
