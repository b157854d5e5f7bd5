/* publish_mart; see publish.h. */
#include "mart/publish.h"

#include <string.h>

#include "base/fault.h"
#include "delta/commit.h"
#include "delta/log.h"
#include "lake/table.h"
#include "mart/tested.h"
#include "shipment/shipment.h"

const char *publish_app_id(const Mart *mart, Arena *arena)
{
    return arena_printf(arena, "freightlake/mart/%s", mart->hash);
}

/* ---- Checking ---- */

Status publish_check(MartCandidate *candidate, const TableFiles *files, int64_t rows_before, Arena *arena, Error *err)
{
    OpenTable shipments;
    bool with_shipments = checks_read_shipments(candidate->checks);
    ChecksInput input = {.name = candidate->mart->name,
                         .mart = files,
                         .rows_before = rows_before,
                         .pool = candidate->pool,
                         .budget = candidate->budget};
    if (with_shipments) {
        OpenTableOptions table_options = {.schema = shipment_unchecked_schema(), .pool = candidate->pool};
        TRY(table_open(candidate->shipments, &table_options, candidate->budget, arena, &shipments, err));
        input.shipments = &shipments.files;
    }
    Status status = checks_run(candidate->checks, &input, arena, &candidate->passed, err);
    if (with_shipments)
        table_close(&shipments);
    if (status == STATUS_OK)
        fault_step("mart_checked");
    return status;
}

/* ---- Committing ---- */

static bool same_schema(const Schema *a, const Schema *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 || !type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

/* What the table is to be: the file's columns, all nullable.  NULL when it is so already. */
static const DeltaMetadata *new_metadata(const MartCandidate *candidate, const Schema *schema, Arena *arena)
{
    const DeltaSnapshot *before = candidate->before;
    if (before && same_schema(&before->metadata.schema, schema))
        return NULL;
    DeltaMetadata *metadata = ARENA_NEW(arena, DeltaMetadata);
    if (before)
        *metadata = before->metadata;
    metadata->schema_json = NULL;
    metadata->schema = (Schema){ARENA_ARRAY(arena, Field, schema->n + 1), schema->n};
    for (uint32_t i = 0; i < schema->n; i++)
        metadata->schema.fields[i] = (Field){arena_strdup(arena, schema->fields[i].name), schema->fields[i].type, true};
    if (!before) {
        metadata->id = delta_uuid(arena);
        metadata->name = candidate->mart->name;
        metadata->created_time_ms = lake_now_us() / 1000;
    }
    return metadata;
}

/* The rows are of this definition alone: what the table knows of others (txn) is taken back, or it would seem up to date
 * when one of them comes again. */
static void forget_others(const DeltaSnapshot *before, const char *app_id, Arena *arena, DeltaCommit *commit)
{
    static const char prefix[] = "freightlake/mart/";
    DeltaTransaction *others = ARENA_ARRAY(arena, DeltaTransaction, before->n_transactions + 1);
    commit->relearned = others;
    for (uint32_t i = 0; i < before->n_transactions; i++) {
        const DeltaTransaction *known = &before->transactions[i];
        if (strncmp(known->app_id, prefix, sizeof prefix - 1) == 0 && strcmp(known->app_id, app_id) != 0 &&
            known->version >= 0)
            others[commit->n_relearned++] = (DeltaTransaction){known->app_id, -1, -1};
    }
}

/* A process on S3 that was stopped for longer than its lease can come back behind an `erase` that had the lock meanwhile.  A
 * mart with a table was made anew there, and the commit loses its race; one without has nothing to race with, and would bring
 * the erased rows back.  But erase removes the log's entries before it takes the lock, so the version's own entry says. */
static Status check_not_erased(const MartCandidate *candidate, Arena *arena, Error *err)
{
    StorageFacts facts;
    if (candidate->before)
        return STATUS_OK;
    const char *entry = log_path(candidate->shipments->table, candidate->shipments->version, arena);
    TRY(storage_stat(entry, &facts, err));
    if (facts.exists)
        return STATUS_OK;
    error_set(err, STATUS_CONFLICT, "version %lld of the shipments, which the mart %s was made of, went meanwhile",
              (long long)candidate->shipments->version, candidate->mart->name);
    error_at_file(err, entry);
    return error_hint(err,
                      "data was erased while this process stood still; nothing of the mart was published: run again");
}

static Status commit(MartCandidate *candidate, const ParquetFile *file, Arena *arena, Error *err)
{
    const DeltaSnapshot *before = candidate->before;
    const DeltaMetadata *metadata = new_metadata(candidate, parquet_schema(file), arena);
    DeltaFile added;
    TRY(delta_describe_file(candidate->table, metadata ? metadata : &before->metadata, candidate->path, NULL, arena,
                            &added, err));
    const int64_t made_of = candidate->shipments->version;
    const DeltaTransaction txn = {publish_app_id(candidate->mart, arena), made_of, -1};
    DeltaCommit commit = {.operation = before ? "WRITE" : "CREATE TABLE AS SELECT",
                          .parameters = arena_printf(
                              arena, "{\"mode\":\"Overwrite\",\"definition\":\"%s\",\"shipments_version\":\"%lld\"}",
                              candidate->mart->hash, (long long)made_of),
                          .adds = &added,
                          .n_adds = 1,
                          .data_change = true,
                          .transaction = &txn,
                          .metadata = metadata,
                          .user_metadata = candidate->job,
                          .rule = DELTA_OVERWRITE};
    TRY(check_not_erased(candidate, arena, err));
    candidate->may_be_named = true;
    if (!before) {
        TRY(delta_create(candidate->table, &commit, err));
        candidate->version = 0;
    } else {
        const DeltaFile **removes = ARENA_ARRAY(arena, const DeltaFile *, before->n_files + 1);
        for (uint32_t i = 0; i < before->n_files; i++)
            removes[i] = &before->files[i];
        commit.removes = removes;
        commit.n_removes = before->n_files;
        forget_others(before, txn.app_id, arena, &commit);
        TRY(delta_commit(before, &commit, &candidate->version, err));
    }
    fault_step("mart_committed");
    return STATUS_OK;
}

Status publish_mart(MartCandidate *candidate, Arena *arena, Error *err)
{
    StorageReader *reader;
    ParquetFile *file;
    TRY(storage_open(arena_printf(arena, "%s/%s", candidate->table, candidate->path), &reader, err));
    TRY(parquet_open(reader, candidate->budget, &file, err));
    const TableFiles files = {.files = &file, .n_files = 1, .schema = candidate->schema};
    bool compared = candidate->before && !candidate->rows_may_go;
    Status status = publish_check(candidate, &files, compared ? (int64_t)candidate->before->n_rows : -1, arena, err);
    if (status == STATUS_OK && candidate->passed)
        status = commit(candidate, file, arena, err);
    parquet_close(file);
    if (status != STATUS_OK || !candidate->passed)
        return status;
    return tested_save(candidate->lake, candidate->mart, candidate->version, arena, err);
}
