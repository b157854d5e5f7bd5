/* erase; see erase.h.
 *
 *   1 raw       files removed, or written anew with the records blanked, so that no rebuild brings them back (of a shipment
 *               after 2, since quarantine is read by the raw files)
 *   2 tables    one transaction: the rows leave processed and quarantine
 *   3 storage   the data files those commits removed, and those of older versions, are deleted
 *   4 mapping   its comments go: samples of values stand there
 *   5 log       a checkpoint of the newest version, then the entries before it go: their statistics hold values
 *
 * Of one file (a wrong one) it is 2, then 1, and no more: older versions stay until vacuum takes them.  Its rows carry its
 * name and the time it was received, which tells files of one name apart.
 *
 * Each step finds what is still there, so an erase that was cut off is done again and ends the same; a mark tells that from
 * an erase of what is not there, which changes nothing (3 and 5 end time travel for everybody).  A blanked record of a
 * text file becomes as many line ends as it had, so the line numbers of all others stay true.  A raw file keeps the name of
 * the bytes that were received: when they come again they are known, and the record does not come back by accident.  After a
 * client was erased whole, its files may come again (the mark in _freightlake/erased says from which transaction on). */
#include "ingest/erase.h"

#include <stdio.h>

#include "base/fault.h"
#include "ingest/convert.h"
#include "ingest/ingest.h"
#include "ingest/quarantine.h"
#include "ingest/record_source.h"
#include "ingest/rewrite.h"
#include "ingest/single_record.h"
#include "lake/transaction.h"
#include "text/text_source.h"
#include "text/yaml.h"

typedef struct EraseJob {
    const EraseOptions *options;
    Arena *arena;
    DeltaSnapshot *processed, *quarantine;
    int id_field;  /* of a record's fields; -1: the mapping names no column */
    RawFile *raws; /* of the client */
    uint32_t n_raws;
    EraseResult result;
} EraseJob;

static bool is_client(const DeltaFile *file, const char *client)
{
    return file->partition_values[0] && strcmp(file->partition_values[0], client) == 0;
}

static StrView trimmed(StrView text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (StrView){text.data + 1, text.size - 1};
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Whether the record is of the shipment; of one whose fields cannot be told, whether it holds the id at all. */
static bool is_of_shipment(const EraseJob *job, const RecordBlock *block, uint32_t row, StrView raw)
{
    StrView id = str_view(job->options->shipment);
    if (block->flaws[row] == RECORD_FLAW_NONE && job->id_field >= 0)
        return str_equal(trimmed(block->fields[(size_t)job->id_field * RECORD_BLOCK_ROWS + row]), id);
    return raw.size >= id.size && memmem(raw.data, raw.size, id.data, id.size) != NULL;
}

/* ---- 1: raw files ---- */

/* Known files of an erased client may be ingested anew: what the log knows up to here does not count. */
static Status mark_erased(EraseJob *job, const RawFile *raw, Error *err)
{
    const char *app_id = ingest_app_id(job->options->client, raw->hash, job->arena);
    int64_t version = delta_transaction_version(job->processed, app_id);
    if (version < 0)
        return STATUS_OK;
    const char *text = arena_printf(job->arena, "%lld\n", (long long)version);
    return storage_write_file(ingest_erased_mark(job->options->lake, job->options->client, raw->hash, job->arena), text,
                              strlen(text), err);
}

typedef struct Redaction {
    EraseJob *job;
    StorageWriter *writer;
    uint64_t bytes;
    uint64_t records;
} Redaction;

static Status put(Redaction *redaction, const void *bytes, size_t size, Error *err)
{
    TRY(storage_write(redaction->writer, redaction->bytes, bytes, size, err));
    redaction->bytes += size;
    return STATUS_OK;
}

/* The text in front of the first record: header and titles, as they are, behind a mark that says UTF-8. */
static Status put_head(Redaction *redaction, const RawFile *raw, int64_t first_line, Error *err)
{
    SingleRecord *single;
    const char *header;
    TRY(single_record_new(redaction->job->options->lake, redaction->job->options->mapping, &single, err));
    Status status = single_record_header(single, str_view(raw->hash), &header, err);
    bool has_header = redaction->job->options->mapping->format.header && *header;
    int64_t lines = first_line - 1 - has_header; /* titles above the header stay as empty lines */
    if (status == STATUS_OK)
        status = put(redaction, "\xef\xbb\xbf", 3, err);
    for (int64_t i = 0; i < lines && status == STATUS_OK; i++)
        status = put(redaction, "\n", 1, err);
    if (status == STATUS_OK && has_header)
        status = put(redaction, header, strlen(header), err);
    single_record_free(single);
    return status;
}

static uint64_t count_lf(StrView text)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < text.size; i++)
        n += text.data[i] == '\n';
    return n;
}

static Status put_records(Redaction *redaction, RecordCursor *cursor, const RawFile *raw, RecordBlock *block,
                          Error *err)
{
    int64_t line = 0; /* the next line to be written */
    for (;;) {
        TRY(record_cursor_next(cursor, block, err));
        if (block->n == 0)
            return STATUS_OK;
        if (line == 0) {
            TRY(put_head(redaction, raw, block->lines[0], err));
            line = block->lines[0];
        }
        for (uint32_t r = 0; r < block->n; r++) {
            for (; line < block->lines[r]; line++) /* empty lines, and records blanked before */
                TRY(put(redaction, "\n", 1, err));
            if (is_of_shipment(redaction->job, block, r, block->raw[r])) {
                redaction->records++;
                continue;
            }
            TRY(put(redaction, block->raw[r].data, block->raw[r].size, err));
            TRY(put(redaction, "\n", 1, err));
            line += 1 + (int64_t)count_lf(block->raw[r]);
        }
    }
}

/* Writes the text file anew without the shipment's records. */
static Status redact_text(EraseJob *job, const RawFile *raw, uint64_t *ret_records, Error *err)
{
    RecordSource *source;
    RecordCursor *cursor = NULL;
    RecordBlock block;
    Redaction redaction = {.job = job};
    RecordSourceOptions options = {.path = raw->path, .mapping = job->options->mapping, .budget = job->options->budget};
    TRY(record_source_open(&options, &source, err));
    record_block_init(&block, record_source_fields(source));
    Status status = record_cursor_new(source, &cursor, err);
    if (status == STATUS_OK)
        status = storage_create(raw->path, &redaction.writer, err);
    if (status == STATUS_OK)
        status = put_records(&redaction, cursor, raw, &block, err);
    record_cursor_free(cursor);
    record_source_close(source);
    record_block_done(&block);
    if (status == STATUS_OK && redaction.records > 0)
        status = storage_commit(redaction.writer, err);
    else
        storage_discard(redaction.writer);
    *ret_records = redaction.records;
    return status;
}

typedef struct ParquetMatch {
    const EraseJob *job;
    uint8_t *dropped;
    uint64_t n;
} ParquetMatch;

static Status match_ids(void *context, uint64_t first, uint32_t n, const Vector *columns, Error *err)
{
    (void)err;
    ParquetMatch *match = context;
    Buffer text;
    buffer_init(&text, 0);
    for (uint32_t r = 0; r < n; r++) {
        Value value = vector_value(&columns[0], r);
        buffer_clear(&text);
        value_append_text(&text, &value);
        StrView id = {(const char *)text.data, (uint32_t)text.size};
        bool same = value.valid && str_equal(trimmed(id), str_view(match->job->options->shipment));
        match->dropped[first + r] = same;
        match->n += same;
    }
    buffer_done(&text);
    return STATUS_OK;
}

static Status redact_parquet(EraseJob *job, const RawFile *raw, uint64_t *ret_records, Error *err)
{
    const char *column = job->options->mapping->columns[SHIPMENT_COLUMN_ID].source;
    StorageReader *reader;
    ParquetFile *file;
    TRY(storage_open(raw->path, &reader, err));
    TRY(parquet_open(reader, job->options->budget, &file, err));
    ParquetMatch match = {.job = job, .dropped = mem_zalloc(parquet_rows(file) + 1)};
    Status status = column ? rewrite_read(file, &column, 1, match_ids, &match, err) : STATUS_OK;
    if (status == STATUS_OK && match.n > 0)
        status = rewrite_plain(file, match.dropped, raw->path, err);
    parquet_close(file);
    mem_free(match.dropped);
    *ret_records = match.n;
    return status;
}

static Status erase_raw(EraseJob *job, Error *err)
{
    const EraseOptions *options = job->options;
    RawFile *raws = job->raws;
    for (uint32_t i = 0; i < job->n_raws; i++) {
        uint64_t records = 0;
        TRY(interrupt_check(err));
        if (options->file && strcmp(options->file->hash, raws[i].hash) != 0)
            continue;
        if (!options->shipment) {
            TRY(mark_erased(job, &raws[i], err));
            TRY(raw_remove(&raws[i], err));
            job->result.raw_files++;
            continue;
        }
        TRY(options->mapping->input == INPUT_PARQUET ? redact_parquet(job, &raws[i], &records, err)
                                                     : redact_text(job, &raws[i], &records, err));
        if (records > 0)
            TRY(raw_mark_redacted(options->client, &raws[i], err));
        job->result.raw_records += records;
        job->result.raw_files += records > 0;
    }
    return STATUS_OK;
}

/* The mapping without its comments: onboarding gives samples of the client's values there. */
static Status redact_mapping(const EraseJob *job, Error *err)
{
    const char *file = arena_printf(job->arena, "%s/%s.yaml", job->options->lake->clients, job->options->client);
    StorageFacts facts;
    StrView text;
    Buffer plain;
    TRY(storage_stat(file, &facts, err));
    if (!facts.exists)
        return STATUS_OK;
    TRY(storage_read_file(file, YAML_MAX_BYTES, job->arena, &text, err));
    buffer_init(&plain, 0);
    Status status = yaml_strip_comments(file, text, &plain, err);
    if (status == STATUS_OK && !str_equal(text, (StrView){(const char *)plain.data, (uint32_t)plain.size}))
        status = storage_write_file(file, plain.data, plain.size, err);
    buffer_done(&plain);
    return status;
}

/* ---- 2: tables ---- */

/* Rows with the file's name are of this file or of another of the same name: the time it was received decides. */
static Status match_file(void *context, uint64_t first, uint32_t n, const Vector *columns, Error *err)
{
    ParquetMatch *match = context;
    const EraseJob *job = match->job;
    const RawFile *file = job->options->file;
    for (uint32_t r = 0; r < n; r++) {
        Value name = vector_value(&columns[0], r), received = vector_value(&columns[1], r);
        if (!name.valid || !str_equal(name.string, str_view(file->name)))
            continue;
        uint32_t same = 0;
        bool told = false;
        for (uint32_t i = 0; i < job->n_raws; i++)
            if (strcmp(job->raws[i].name, file->name) == 0) {
                same++;
                told |= received.valid && received.int64 == job->raws[i].received_us;
            }
        if (same > 1 && !told) {
            error_set(err, STATUS_DATA, "there are %u files %.200s, and not all rows tell of which they are", same,
                      file->name);
            return error_hint(err, "freightlake rebuild %s makes them tell; then try again", job->options->client);
        }
        bool own = same == 1 || received.int64 == file->received_us;
        match->dropped[first + r] = own;
        match->n += own;
    }
    return STATUS_OK;
}

/* Rows of the shipment, or of the file. */
static Status drop_rows(EraseJob *job, DeltaCommit *commit, Error *err)
{
    static const char *const id[] = {"shipment_id"}, *const lineage[] = {"source_file", "ingested_at"};
    bool of_file = job->options->file != NULL;
    DeltaFile *adds = ARENA_ARRAY(job->arena, DeltaFile, job->processed->n_files + 1);
    const DeltaFile **removes = ARENA_ARRAY(job->arena, const DeltaFile *, job->processed->n_files + 1);
    commit->adds = adds;
    commit->removes = removes;
    for (uint32_t i = 0; i < job->processed->n_files; i++) {
        const DeltaFile *file = &job->processed->files[i];
        ParquetFile *parquet;
        if (!is_client(file, job->options->client))
            continue;
        TRY(rewrite_open(job->processed, file, job->options->budget, job->arena, &parquet, err));
        ParquetMatch match = {.job = job, .dropped = mem_zalloc(parquet_rows(parquet) + 1)};
        Status status = of_file ? rewrite_read(parquet, lineage, ARRAY_SIZE(lineage), match_file, &match, err)
                                : rewrite_read(parquet, id, ARRAY_SIZE(id), match_ids, &match, err);
        parquet_close(parquet);
        uint64_t rows = 0;
        if (status == STATUS_OK && match.n > 0) {
            status = rewrite_without(job->processed, file, match.dropped, job->options->budget, job->arena,
                                     &adds[commit->n_adds], &rows, err);
            commit->n_adds += rows > 0;
            removes[commit->n_removes++] = file;
            job->result.shipments += match.n;
        }
        mem_free(match.dropped);
        TRY(status);
    }
    return STATUS_OK;
}

typedef struct QuarantineMatch {
    EraseJob *job;
    SingleRecord *single;
    QuarantineDrops drops;
} QuarantineMatch;

static Status match_quarantined(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)ret_stop;
    QuarantineMatch *match = context;
    RecordBlock *block;
    const RawFile *file = match->job->options->file;
    if (file && !str_equal(row->source_hash, str_view(file->hash)))
        return STATUS_OK;
    if (file) {
        quarantine_drop_row(&match->drops, row);
        match->job->result.quarantined++;
        return STATUS_OK;
    }
    TRY(single_record_read(match->single, row->source_hash, row->raw, row->source_row, &block, err));
    if (!is_of_shipment(match->job, block, 0, row->raw))
        return STATUS_OK;
    quarantine_drop_row(&match->drops, row);
    match->job->result.quarantined++;
    return STATUS_OK;
}

static Status drop_quarantined(EraseJob *job, DeltaCommit *commit, Error *err)
{
    QuarantineMatch match = {.job = job, .drops = {.arena = job->arena}};
    QuarantineFilter filter = {.client = job->options->client, .row = -1};
    QuarantineVisitor visitor = {&match, match_quarantined};
    if (job->options->shipment)
        TRY(single_record_new(job->options->lake, job->options->mapping, &match.single, err));
    Status status = quarantine_visit(job->quarantine, &filter, job->options->budget, &visitor, err);
    single_record_free(match.single);
    TRY(status);
    return quarantine_drops_commit(&match.drops, job->quarantine, job->options->budget, NULL, 0, commit, err);
}

static void drop_client(EraseJob *job, const DeltaSnapshot *table, DeltaCommit *commit, uint64_t *rows)
{
    const DeltaFile **removes = ARENA_ARRAY(job->arena, const DeltaFile *, table->n_files + 1);
    commit->removes = removes;
    for (uint32_t i = 0; i < table->n_files; i++)
        if (is_client(&table->files[i], job->options->client)) {
            removes[commit->n_removes++] = &table->files[i];
            *rows += table->files[i].num_records > 0 ? (uint64_t)table->files[i].num_records : 0;
        }
}

static Status erase_rows(EraseJob *job, Error *err)
{
    LakeChange changes[2] = {{.base = job->quarantine}, {.base = job->processed}};
    for (int i = 0; i < 2; i++)
        changes[i].commit = (DeltaCommit){.operation = "DELETE", .data_change = true, .rule = DELTA_REWRITE};
    if (job->options->shipment || job->options->file) {
        TRY(drop_quarantined(job, &changes[0].commit, err));
        TRY(drop_rows(job, &changes[1].commit, err));
    } else {
        drop_client(job, job->quarantine, &changes[0].commit, &job->result.quarantined);
        drop_client(job, job->processed, &changes[1].commit, &job->result.shipments);
    }
    bool first = changes[0].commit.n_removes > 0, second = changes[1].commit.n_removes > 0;
    if (!first && !second)
        return STATUS_OK;
    changes[0].commit.operation = changes[1].commit.operation = "DELETE";
    changes[0].commit.rule = changes[1].commit.rule = DELTA_REWRITE;
    LakeTransaction transaction = {.client = job->options->client,
                                   .app_id = arena_printf(job->arena, "freightlake/erase/%s", delta_uuid(job->arena)),
                                   .version = 1,
                                   .job = job->options->job,
                                   .changes = first ? changes : changes + 1,
                                   .n_changes = (uint32_t)first + second};
    fault_step("erase_before_commit");
    TRY(lake_commit(job->options->lake, &transaction, job->arena, err));
    job->result.quarantine_version = first ? changes[0].version : -1;
    job->result.processed_version = second ? changes[1].version : -1;
    return STATUS_OK;
}

/* ---- 3 and 5: older versions ---- */

static Status remove_log(const DeltaSnapshot *snapshot, Arena *arena, EraseResult *result, Error *err)
{
    StorageList list;
    char limit[32];
    snprintf(limit, sizeof limit, "%020lld", (long long)snapshot->version);
    TRY(delta_checkpoint(snapshot->table, snapshot->version, err));
    TRY(storage_list_folder(arena_printf(arena, "%s/_delta_log", snapshot->table), false, NULL, &list, err));
    Status status = STATUS_OK;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        const char *name = strrchr(list.entries[i].path, '/') + 1;
        if (strspn(name, "0123456789") == 20 && strncmp(name, limit, 20) < 0) {
            status = storage_remove(list.entries[i].path, err);
            result->log_files++;
        }
    }
    storage_list_done(&list);
    return status;
}

Status erase_older_versions(const char *table, const char *client, Arena *arena, EraseResult *inout_result, Error *err)
{
    DeltaSnapshot *snapshot;
    TRY(delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, &snapshot, err));
    for (uint32_t i = 0; i < snapshot->n_tombstones; i++) {
        const DeltaFile *file = &snapshot->tombstones[i].file;
        StorageFacts facts;
        if (client && !is_client(file, client))
            continue;
        const char *path = delta_file_path(snapshot, file, arena);
        TRY(storage_stat(path, &facts, err));
        if (facts.exists)
            TRY(storage_remove(path, err));
        inout_result->data_files += facts.exists;
    }
    return remove_log(snapshot, arena, inout_result, err);
}

static const char *unfinished_mark(const EraseOptions *options, Arena *arena)
{
    return arena_printf(arena, "%s/erased/%s/" ERASE_UNFINISHED, options->lake->control, options->client);
}

/* Whether files of the client that no version reads any more are still there. */
static Status has_old_files(const EraseJob *job, const DeltaSnapshot *table, bool *inout_has, Error *err)
{
    for (uint32_t i = 0; i < table->n_tombstones && !*inout_has; i++) {
        StorageFacts facts;
        if (!is_client(&table->tombstones[i].file, job->options->client))
            continue;
        TRY(storage_stat(delta_file_path(table, &table->tombstones[i].file, job->arena), &facts, err));
        *inout_has = facts.exists;
    }
    return STATUS_OK;
}

/* Of a whole client older versions count, too; a shipment that they alone hold is none of any raw file. */
static Status find_nothing(EraseJob *job, Error *err)
{
    const EraseResult *result = &job->result;
    bool has = result->shipments + result->quarantined + result->raw_files > 0;
    if (!job->options->shipment) {
        TRY(has_old_files(job, job->processed, &has, err));
        TRY(has_old_files(job, job->quarantine, &has, err));
    }
    job->result.nothing = !has;
    return STATUS_OK;
}

static Status load(EraseJob *job, Error *err)
{
    const Lake *lake = job->options->lake;
    const DeltaVersion newest = {.kind = DELTA_NEWEST};
    TRY(delta_snapshot_load(lake_table_path(lake, "shipments", job->arena), newest, job->arena, &job->processed, err));
    TRY(delta_snapshot_load(lake_table_path(lake, "quarantine", job->arena), newest, job->arena, &job->quarantine,
                            err));
    return raw_list(lake, job->options->client, job->arena, &job->raws, &job->n_raws, err);
}

static Status erase_steps(EraseJob *job, Error *err)
{
    StorageFacts unfinished;
    const char *mark = unfinished_mark(job->options, job->arena);
    TRY(storage_stat(mark, &unfinished, err));
    if (!unfinished.exists)
        TRY(storage_write_file(mark, "", 0, err));
    const EraseOptions *options = job->options;
    const char *processed = lake_table_path(options->lake, "shipments", job->arena);
    const char *quarantine = lake_table_path(options->lake, "quarantine", job->arena);
    if (options->shipment) { /* quarantine is read by the headers of the raw files */
        TRY(erase_rows(job, err));
        TRY(erase_raw(job, err));
    } else {
        TRY(erase_raw(job, err));
        TRY(erase_rows(job, err));
    }
    fault_step("erase_committed");
    if (!unfinished.exists)
        TRY(find_nothing(job, err));
    if (job->result.nothing)
        return storage_remove(mark, err);
    TRY(redact_mapping(job, err));
    TRY(erase_older_versions(processed, options->client, job->arena, &job->result, err));
    return erase_older_versions(quarantine, options->client, job->arena, &job->result, err);
}

Status erase(const EraseOptions *options, Arena *job_arena, EraseResult *ret_result, Error *err)
{
    EraseJob job = {.options = options, .arena = job_arena, .id_field = -1};
    job.result.processed_version = job.result.quarantine_version = -1;
    if (options->mapping && options->mapping->columns[SHIPMENT_COLUMN_ID].source)
        job.id_field = 0; /* the first of converter_sources: columns in the order of the contract */
    TRY(load(&job, err));
    if (options->file) {
        TRY(erase_rows(&job, err));
        fault_step("erase_committed");
        TRY(erase_raw(&job, err));
    } else {
        TRY(erase_steps(&job, err));
    }
    *ret_result = job.result;
    return STATUS_OK;
}

Status erase_find_file(const Lake *lake, const char *client, const char *name, Arena *arena, RawFile *ret_file,
                       Error *err)
{
    RawFile *raws;
    uint32_t n, found = 0;
    size_t size = strlen(name);
    TRY(raw_list(lake, client, arena, &raws, &n, err));
    const char **names = ARENA_ARRAY(arena, const char *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        names[i] = raws[i].name;
        if (strcmp(raws[i].name, name) != 0 && (size < 8 || strncmp(raws[i].hash, name, size) != 0))
            continue;
        found++;
        *ret_file = raws[i];
    }
    if (found == 1)
        return STATUS_OK;
    if (found > 1) {
        error_set(err, STATUS_USAGE, "client %s has %u files %.200s: which one?", client, found, name);
        return error_hint(err, "give the first digits of its SHA-256, such as %.12s (the newest), from %s/%s/*.json",
                          ret_file->hash, lake->raw, client);
    }
    error_set(err, STATUS_NOT_FOUND, "client %s has no file %.200s", client, name);
    const char *near = text_nearest(name, names, n);
    return near ? error_hint(err, "did you mean '%s'?", near)
                : error_hint(err, "freightlake history --kind ingest names the files");
}

Status erase_finished(const EraseOptions *options, Arena *job_arena, Error *err)
{
    if (options->file) /* has no mark of its own */
        return STATUS_OK;
    return storage_remove(unfinished_mark(options, job_arena), err);
}
