/* ingest: a client's files -> the lake, with a summary of what passed and what did not. */
#include "ingest/ingest.h"

#include "base/progress.h"
#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/ingest_json.h"
#include "lake/job.h"
#include "lake/transaction.h"

#define REASONS_SHOWN 12

typedef struct IngestRun {
    const Arguments *arguments;
    Arena *arena;
    const Lake *lake;
    const Mapping *mapping;
    Resources resources;
    IngestTables tables;
    const char **files;
    uint32_t n_files;
    IngestResult *results; /* n_results of them: of files that came to an end */
    uint32_t n_results;
    uint32_t n_failed;
    Status worst; /* the first failure's code */
} IngestRun;

/* ---- Which files ---- */

static Status add_files(IngestRun *run, const char *pattern, Error *err)
{
    StorageList list;
    TRY(storage_list(pattern, &list, err));
    const char **files = ARENA_ARRAY(run->arena, const char *, run->n_files + list.n + 1);
    if (run->n_files)
        memcpy(files, run->files, sizeof *files * run->n_files);
    for (size_t i = 0; i < list.n; i++)
        files[run->n_files++] = arena_strdup(run->arena, list.entries[i].path);
    run->files = files;
    storage_list_done(&list);
    return STATUS_OK;
}

/* ---- What is said ---- */

static void append_reasons(Buffer *text, const IngestResult *result)
{
    char count[24];
    for (uint32_t i = 0; i < result->n_reasons && i < REASONS_SHOWN; i++) {
        const IngestReason *reason = &result->reasons[i];
        buffer_printf(text, "  %12s  %-26s %-24s row %lld: %s\n",
                      text_count(count, sizeof count, (double)reason->records), reason->code, reason->column,
                      (long long)reason->example_row, reason->example_message);
    }
    if (result->n_reasons > REASONS_SHOWN)
        buffer_printf(text, "  %12s  %s (--json has all)\n", "",
                      PLURAL(result->n_reasons - REASONS_SHOWN, "more reason"));
}

static void append_result(Buffer *text, const char *client, const IngestResult *result)
{
    char seconds[24], bytes[24], rate[24];
    if (result->outcome == INGEST_KNOWN && result->undone_version >= 0) {
        buffer_printf(
            text,
            "%s: these very bytes were taken in before, and 'table restore' (version %lld of the shipments) took"
            " their rows out; nothing was done\n"
            "  to take this file in again: freightlake erase %s --file %.12s, then ingest it;"
            " for all of the client's files: freightlake rebuild %s\n",
            result->file, (long long)result->undone_version, client, result->hash, client);
        return;
    }
    if (result->outcome == INGEST_KNOWN) {
        buffer_printf(text, "%s: these very bytes are in the lake already; nothing was done\n", result->file);
        return;
    }
    buffer_printf(
        text, "%s: %s: %llu %s, %llu rejected (%.2f %%)  [%s in %s, %s/s]\n", result->file,
        PLURAL(result->records, "record"), (unsigned long long)result->good,
        result->outcome == INGEST_DONE      ? "taken in"
        : result->outcome == INGEST_REFUSED ? "good"
                                            : "would pass",
        (unsigned long long)result->rejected, 100 * result->rejected_share,
        text_bytes(bytes, sizeof bytes, (double)result->bytes), text_seconds(seconds, sizeof seconds, result->seconds),
        text_bytes(rate, sizeof rate, (double)result->bytes / (result->seconds > 0 ? result->seconds : 1e-9)));
    if (result->blank)
        buffer_printf(text, "  passed over: %s (every field empty)\n", PLURAL(result->blank, "blank record"));
    if (result->superseded || result->replaced)
        buffer_printf(text, "  made way for newer ones of the same ids: %s, %llu of them in the table\n",
                      PLURAL(result->superseded + result->replaced, "record"), (unsigned long long)result->replaced);
    append_reasons(text, result);
    if (result->outcome == INGEST_REFUSED)
        buffer_printf(text,
                      "  refused: more than %.4g %% rejected (max_rejected_share); nothing was taken in, and nothing of"
                      " it is in quarantine\n"
                      "  mend clients/%s.yaml and ingest it again; --dry-run shows what would pass\n",
                      100 * result->max_rejected_share, client);
}

static Status report(const IngestRun *run, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    bool json = arguments_given(run->arguments, "json");
    uint64_t records = 0, good = 0, rejected = 0, waiting = 0;
    if (json)
        buffer_append_text(&text, "{\"files\":[");
    for (uint32_t i = 0; i < run->n_results; i++) {
        const IngestResult *result = &run->results[i];
        records += result->records;
        good += result->good;
        rejected += result->rejected;
        waiting += result->outcome == INGEST_DONE ? result->rejected : 0;
        if (json && i)
            buffer_append_byte(&text, ',');
        if (json)
            ingest_append_json(&text, result);
        else
            append_result(&text, run->mapping->client, result);
    }
    if (json)
        buffer_printf(&text,
                      "],\"records\":%llu,\"good\":%llu,\"rejected\":%llu,\"failed_files\":%u,"
                      "\"peak_memory_bytes\":%zu}\n",
                      (unsigned long long)records, (unsigned long long)good, (unsigned long long)rejected,
                      run->n_failed, process_peak_memory_bytes());
    else if (waiting > 0)
        buffer_append_text(&text, "rejected records wait in quarantine: freightlake quarantine list\n");
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

/* ---- One file ---- */

static void record(LakeJob *job, const IngestResult *result, const Error *failure)
{
    HistoryTable tables[2] = {{"quarantine", -1, result->quarantine_version, (int64_t)result->rejected},
                              {"shipments", -1, result->processed_version, (int64_t)result->good}};
    lake_job_end(job,
                 (HistoryRecord){.source_hash = result->hash[0] ? result->hash : NULL,
                                 .rows_read = (int64_t)result->records,
                                 .rows_good = (int64_t)result->good,
                                 .rows_rejected = (int64_t)result->rejected,
                                 .outcome = result->outcome == INGEST_KNOWN     ? "nothing to do"
                                            : result->outcome == INGEST_REFUSED ? "refused"
                                                                                : "ok",
                                 .tables = tables,
                                 .n_tables = result->outcome == INGEST_DONE && !failure ? 2 : 0},
                 failure);
}

static Status begin(const IngestRun *run, const char *file, LakeJob **ret_job, Error *err)
{
    HistoryTable tables[] = {{.table = "quarantine"}, {.table = "shipments"}};
    const HistoryRecord about = {
        .kind = "ingest", .client = run->mapping->client, .source = file, .tables = tables, .n_tables = 2};
    return lake_job_begin(run->lake, arena_printf(run->arena, "client-%s", run->mapping->client), &about, run->arena,
                          ret_job, err);
}

static Status ingest_one(IngestRun *run, const char *file, Error *err)
{
    bool dry_run = arguments_given(run->arguments, "dry-run");
    LakeJob *job = NULL;
    if (!dry_run)
        TRY(begin(run, file, &job, err));
    Progress *progress = progress_new("reading", console_progress(run->arguments));
    IngestOptions options = {.lake = run->lake,
                             .mapping = run->mapping,
                             .dry_run = dry_run,
                             .tables = &run->tables,
                             .job = lake_job_id(job),
                             .pool = run->resources.pool,
                             .budget = &run->resources.budget,
                             .progress = progress_update,
                             .progress_context = progress};
    IngestResult result = {.file = file, .processed_version = -1, .quarantine_version = -1};
    Status status = ingest_file(&options, file, run->arena, &result, err);
    progress_free(progress);
    record(job, &result, status == STATUS_OK ? NULL : err);
    if (status == STATUS_OK)
        run->results[run->n_results++] = result;
    return status;
}

/* Every file is tried; the first failure gives the exit code. */
static Status ingest_all(IngestRun *run, Error *err)
{
    run->results = ARENA_ARRAY(run->arena, IngestResult, run->n_files + 1);
    Error first;
    error_init(&first);
    for (uint32_t i = 0; i < run->n_files; i++) {
        Status status = ingest_one(run, run->files[i], err);
        if (status == STATUS_INTERRUPTED)
            return status;
        if (status == STATUS_OK)
            continue;
        if (run->n_failed++ == 0)
            first = *err;
        else
            log_error(err);
        error_init(err);
    }
    TRY(report(run, err));
    if (run->n_failed) {
        *err = first;
        return first.code;
    }
    for (uint32_t i = 0; i < run->n_results; i++)
        if (run->results[i].outcome == INGEST_REFUSED ||
            (run->results[i].outcome == INGEST_DRY_RUN &&
             run->results[i].rejected_share > run->results[i].max_rejected_share)) {
            error_set(err, STATUS_CHECK, "more records were rejected than max_rejected_share allows");
            error_at_file(err, run->results[i].file);
            return error_hint(err, "look at the reasons above, mend clients/%s.yaml, and ingest again",
                              run->mapping->client);
        }
    return STATUS_OK;
}

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another job on the same client", LOG_TEXT_FIELD("lock", name));
}

static Status locked_steps(IngestRun *run, Error *err)
{
    LakeRecovery recovery = {0};
    TRY(lake_recover(run->lake, run->mapping->client, &recovery, err));
    if (recovery.finished)
        LOG(LOG_INFO, "work that was cut off was finished", LOG_INTEGER_FIELD("transactions", recovery.finished));
    return ingest_all(run, err);
}

Status command_ingest(const Arguments *arguments, Arena *job_arena, Error *err)
{
    IngestRun run = {.arguments = arguments, .arena = job_arena};
    Lake *lake;
    Mapping *mapping;
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(mapping_load(lake, arguments->operands[0], job_arena, &mapping, err));
    run.lake = lake;
    run.mapping = mapping;
    for (uint32_t i = 1; i < arguments->n_operands; i++)
        TRY(add_files(&run, arguments->operands[i], err));
    TRY(resources_init(&run.resources, arguments, err));
    ingest_tables_init(&run.tables);
    LakeLock *lock = NULL;
    Status status = STATUS_OK;
    bool dry_run = arguments_given(arguments, "dry-run"); /* writes nothing, so it needs no lock and mends nothing */
    if (!dry_run)
        status = lake_lock(lake, arena_printf(job_arena, "client-%s", mapping->client), say_waiting, NULL, &lock, err);
    if (status == STATUS_OK)
        status = dry_run ? ingest_all(&run, err) : locked_steps(&run, err);
    lake_unlock(lock);
    ingest_tables_done(&run.tables);
    resources_done(&run.resources);
    return status;
}
