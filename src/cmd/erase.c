/* erase: a client's data or one shipment out of everything, marts included. */
#include "ingest/erase.h"

#include <stdio.h>
#include <unistd.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* the plain SHA-256 functions, as in ingest/raw.c */
#include <openssl/sha.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "delta/snapshot.h"
#include "ingest/client.h"
#include "lake/job.h"
#include "lake/transaction.h"
#include "mart/lake_run.h"
#include "mart/staging.h"

typedef struct EraseJobArguments {
    const Arguments *arguments;
    Arena *arena;
    Lake *lake;
    const char *client, *shipment;
    RawFile *file; /* NULL: not only what one file brought */
    Resources resources;
    EraseResult result;
    MartRegistry registry;
    LakeRunResult run;    /* of the marts made anew */
    uint32_t marts;       /* made anew */
    const char **removed; /* marts that could not be made without the rows: their tables went */
    uint32_t n_removed;
    uint32_t swept; /* folders without a plan in staging */
    Error unmade;   /* why the first mart that could not be made was not; OK: all were */
} EraseJobArguments;

static Status confirm(const EraseJobArguments *job, Error *err)
{
    if (arguments_given(job->arguments, "yes"))
        return STATUS_OK;
    if (!isatty(STDIN_FILENO)) {
        error_set(err, STATUS_USAGE, "erasing cannot be undone: --yes is wanted");
        return err->code;
    }
    char answer[80] = "";
    if (job->file)
        fprintf(stderr,
                "take file %s of client %s out again, with its rows?  Type the client's name: ", job->file->name,
                job->client);
    else if (job->shipment)
        fprintf(stderr, "erase shipment %s of client %s everywhere, for good?  Type the client's name: ", job->shipment,
                job->client);
    else
        fprintf(stderr, "erase all data of client %s everywhere, for good?  Type the client's name: ", job->client);
    if (!fgets(answer, sizeof answer, stdin))
        answer[0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    if (strcmp(answer, job->client) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_USAGE, "nothing was erased");
}

/* All files of a table.  Backwards, so that its log goes last: cut off, it is still a table, and removed the next time. */
static Status remove_table(const EraseJobArguments *job, const char *name, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(lake_table_path(job->lake, name, job->arena), true, NULL, &list, err));
    Status status = STATUS_OK;
    for (size_t i = list.n; i-- > 0 && status == STATUS_OK;)
        status = storage_remove(list.entries[i].path, err);
    storage_list_done(&list);
    return status;
}

/* What clusters made and nobody published is of shipments that are gone (mart/staging.c says why they do not come back). */
static Status remove_staged(const EraseJobArguments *job, Error *err)
{
    StagingFolder *folders;
    uint32_t n;
    TRY(staging_list(job->lake, job->arena, &folders, &n, err));
    for (uint32_t i = 0; i < n; i++)
        TRY(staging_remove(job->lake, folders[i].id, job->arena, err));
    return STATUS_OK;
}

/* Tables of marts that have no definition cannot be made anew: they go.  Kept states are a cache: they go, too. */
static Status remove_what_stays(const EraseJobArguments *job, const MartRegistry *registry, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(job->lake->marts, true, NULL, &list, err));
    Status status = STATUS_OK;
    size_t zone = strlen(job->lake->marts) + 1;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        const char *name = list.entries[i].path + zone, *slash = strchr(name, '/');
        bool defined = !slash;
        for (uint32_t k = 0; k < registry->n && !defined; k++)
            defined = strlen(registry->marts[k].name) == (size_t)(slash - name) &&
                      strncmp(registry->marts[k].name, name, (size_t)(slash - name)) == 0;
        if (!defined)
            status = storage_remove(list.entries[i].path, err);
    }
    storage_list_done(&list);
    TRY(status);
    TRY(storage_list_folder(arena_printf(job->arena, "%s/state", job->lake->control), false, NULL, &list, err));
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++)
        status = storage_remove(list.entries[i].path, err);
    storage_list_done(&list);
    return status;
}

/* A mart that breaks a test, or whose definition is broken, keeps the version before: after a file was taken out.  Where data is
 * erased that version must not stay readable, and what fails a test is not published, so the mart has no table until a run
 * makes it. */
static Status look_at_unmade(EraseJobArguments *job, const Error *why, Error *err)
{
    const LakeRunResult *result = &job->run;
    job->unmade = *why;
    job->removed = ARENA_ARRAY(job->arena, const char *, result->n_marts + 1);
    for (uint32_t i = 0; i < result->n_marts; i++) {
        const LakeMartResult *mart = &result->marts[i];
        if (job->file || (mart->passed && !mart->broken))
            continue;
        TRY(remove_table(job, mart->mart->name, err));
        job->removed[job->n_removed++] = mart->mart->name;
    }
    if (!job->n_removed)
        return STATUS_OK;
    const LakeMartResult *first = result->marts;
    while (first->passed && !first->broken)
        first++;
    job->unmade.hint[0] = '\0';
    if (!first->broken)
        snprintf(job->unmade.message, sizeof job->unmade.message,
                 "the mart %.80s breaks a test without what was erased", first->mart->name);
    error_hint(&job->unmade,
               "what was asked for is erased, the table of the mart with it; mend the mart or its test, then"
               " 'freightlake run' makes it");
    return STATUS_OK;
}

static bool was_removed(const EraseJobArguments *job, const char *name)
{
    bool removed = false;
    for (uint32_t i = 0; i < job->n_removed; i++)
        removed |= strcmp(job->removed[i], name) == 0;
    return removed;
}

/* Marts that have a table are made anew from what is left, and their older versions go.  The lock "run" is held over all of it:
 * a run or a publication that read the rows has ended, and its table is among them. */
static Status erase_marts(EraseJobArguments *job, const char *id, Error *err)
{
    const MartRegistry *registry = &job->registry;
    if (!job->file) {
        TRY(remove_staged(job, err));
        TRY(remove_what_stays(job, registry, err));
    }
    const Mart **marts = ARENA_ARRAY(job->arena, const Mart *, registry->n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < registry->n; i++) {
        bool exists;
        TRY(delta_exists(lake_table_path(job->lake, registry->marts[i].name, job->arena), &exists, err));
        if (exists)
            marts[n++] = &registry->marts[i];
    }
    LakeRunOptions options = {.lake = job->lake,
                              .marts = marts,
                              .n_marts = n,
                              .full = true,
                              .rows_may_go = true,
                              .locked = true,
                              .job = id,
                              .pool = job->resources.pool,
                              .budget = &job->resources.budget};
    if (n > 0 && lake_run(&options, job->arena, &job->run, err) != STATUS_OK) {
        if (!job->run.complete)
            return err->code;
        Error why = *err;
        error_init(err);
        TRY(look_at_unmade(job, &why, err));
    }
    for (uint32_t i = 0; i < n && !job->file; i++)
        if (!was_removed(job, marts[i]->name))
            TRY(erase_older_versions(lake_table_path(job->lake, marts[i]->name, job->arena), NULL, job->arena,
                                     &job->result, err));
    job->marts = job->run.n_published;
    return STATUS_OK;
}

static Status begin(const EraseJobArguments *job, LakeJob **ret_job, Error *err)
{
    HistoryTable *tables = ARENA_ARRAY(job->arena, HistoryTable, job->registry.n + 2);
    const HistoryRecord about = {.kind = "erase",
                                 .client = job->client,
                                 .source = job->file ? job->file->name : NULL,
                                 .tables = tables,
                                 .n_tables = job->registry.n + 2};
    tables[0].table = "shipments";
    tables[1].table = "quarantine";
    for (uint32_t i = 0; i < job->registry.n; i++)
        tables[2 + i].table = job->registry.marts[i].name;
    return lake_job_begin(job->lake, arena_printf(job->arena, "client-%s", job->client), &about, job->arena, ret_job,
                          err);
}

/* The record says that it was done and to what, by a hash, not the data. */
static void record(const EraseJobArguments *job, LakeJob *running, const Error *failure)
{
    char details[200] = "", hex[2 * SHA256_DIGEST_LENGTH + 1] = "";
    if (job->shipment) {
        unsigned char digest[SHA256_DIGEST_LENGTH];
        SHA256((const unsigned char *)job->shipment, strlen(job->shipment), digest);
        for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
            snprintf(hex + 2 * i, 3, "%02x", digest[i]);
        snprintf(details, sizeof details, "{\"shipment_sha256\":\"%s\"}", hex);
    }
    HistoryTable *tables = ARENA_ARRAY(job->arena, HistoryTable, job->run.n_marts + 2);
    tables[0] = (HistoryTable){"shipments", -1, job->result.processed_version, (int64_t)job->result.shipments};
    tables[1] = (HistoryTable){"quarantine", -1, job->result.quarantine_version, (int64_t)job->result.quarantined};
    for (uint32_t i = 0; i < job->run.n_marts; i++) {
        const LakeMartResult *mart = &job->run.marts[i];
        bool removed = was_removed(job, mart->mart->name);
        tables[2 + i] = (HistoryTable){mart->mart->name, mart->version_before, removed ? -1 : mart->version,
                                       removed ? 0 : (int64_t)mart->rows};
    }
    lake_job_end(running,
                 (HistoryRecord){.source_hash = job->file ? job->file->hash : NULL,
                                 .rows_read = (int64_t)(job->result.shipments + job->result.quarantined),
                                 .rows_good = -1,
                                 .rows_rejected = -1,
                                 .tables = tables,
                                 .n_tables = job->run.n_marts + 2,
                                 .details = *details ? details : NULL},
                 failure);
}

/* What was done where there was nothing to erase. */
static const char *swept_text(const EraseJobArguments *job)
{
    if (job->swept == 0)
        return "nothing was changed";
    return arena_printf(job->arena, "what clusters left in %s of staging without a plan was removed",
                        PLURAL(job->swept, "folder"));
}

static void append_json(Buffer *text, const EraseJobArguments *job)
{
    const EraseResult *r = &job->result;
    buffer_printf(text,
                  "{\"shipments\":%llu,\"quarantined\":%llu,\"raw_files\":%llu,\"raw_records\":%llu,"
                  "\"data_files\":%llu,\"log_files\":%llu,\"marts\":%u,"
                  "\"staging_removed\":%u,\"marts_removed\":[",
                  (unsigned long long)r->shipments, (unsigned long long)r->quarantined,
                  (unsigned long long)r->raw_files, (unsigned long long)r->raw_records,
                  (unsigned long long)r->data_files, (unsigned long long)r->log_files, job->marts, job->swept);
    for (uint32_t i = 0; i < job->n_removed; i++)
        buffer_printf(text, "%s\"%s\"", i ? "," : "", job->removed[i]);
    buffer_append_text(text, "]}\n");
}

static void append_text(Buffer *text, const EraseJobArguments *job)
{
    const EraseResult *r = &job->result;
    if (job->file)
        buffer_printf(
            text,
            "%s is out again: %s and %s of quarantine, and its copy in raw; made anew: %s\n"
            "the file can be ingested once more.  Older versions of the tables have its rows until 'table vacuum'"
            " takes them\n",
            job->file->name, PLURAL(r->shipments, "shipment"), PLURAL(r->quarantined, "record"),
            PLURAL(job->marts, "mart"));
    else
        buffer_printf(text,
                      "erased %s and %s of quarantine; %s %s\n"
                      "removed %s and %s of older versions: time travel begins anew\n"
                      "made anew: %s; clients/%s.yaml was left, without its comments\n",
                      PLURAL(r->shipments, "shipment"), PLURAL(r->quarantined, "record"),
                      job->shipment ? "written anew without it:" : "removed:", PLURAL(r->raw_files, "raw file"),
                      PLURAL(r->data_files, "data file"), PLURAL(r->log_files, "log entry"), PLURAL(job->marts, "mart"),
                      job->client);
    for (uint32_t i = 0; i < job->n_removed; i++)
        buffer_printf(text, "the table of mart %s was removed: it could not be made anew\n", job->removed[i]);
}

static Status print_result(const EraseJobArguments *job, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    if (arguments_given(job->arguments, "json"))
        append_json(&text, job);
    else if (job->result.nothing)
        buffer_printf(&text, "the lake holds no data of client %s; %s\n", job->client, swept_text(job));
    else
        append_text(&text, job);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static void say_waiting(void *context, const char *name)
{
    (void)context;
    LOG(LOG_INFO, "waiting for another job to end", LOG_TEXT_FIELD("lock", name));
}

/* Where the lake holds nothing of it, a cluster may still have written it after an erase before. */
static Status erase_steps(EraseJobArguments *job, const EraseOptions *options, Error *err)
{
    LakeLock *lock = NULL;
    TRY(erase(options, job->arena, &job->result, err));
    TRY(lake_lock(job->lake, "run", say_waiting, NULL, &lock, err));
    Status status = job->result.nothing ? staging_sweep(job->lake, job->arena, &job->swept, err)
                                        : erase_marts(job, options->job, err);
    lake_unlock(lock);
    if (status != STATUS_OK || job->result.nothing)
        return status;
    return erase_finished(options, job->arena, err);
}

static Status locked_steps(EraseJobArguments *job, const Mapping *mapping, Error *err)
{
    LakeRecovery recovery;
    LakeJob *running;
    EraseOptions options = {.lake = job->lake,
                            .client = job->client,
                            .shipment = job->shipment,
                            .file = job->file,
                            .mapping = mapping,
                            .budget = &job->resources.budget};
    TRY(lake_recover(job->lake, job->client, &recovery, err));
    TRY(mart_registry_load_optional(job->lake->definitions, job->arena, &job->registry, err));
    TRY(begin(job, &running, err));
    options.job = lake_job_id(running);
    Status status = erase_steps(job, &options, err);
    if (status == STATUS_OK && job->result.nothing)
        lake_job_forget(running);
    else
        record(job, running, status == STATUS_OK ? NULL : err);
    if (status != STATUS_OK)
        return status;
    if (job->result.nothing && job->shipment) {
        error_set(err, STATUS_NOT_FOUND, "client %s has no shipment '%.200s'; %s", job->client, job->shipment,
                  swept_text(job));
        return error_hint(err, "an id is compared as it is written, without blanks around");
    }
    TRY(print_result(job, err));
    if (job->unmade.code != STATUS_OK)
        *err = job->unmade;
    return err->code;
}

Status command_erase(const Arguments *arguments, Arena *job_arena, Error *err)
{
    EraseJobArguments job = {.arguments = arguments,
                             .arena = job_arena,
                             .client = arguments->operands[0],
                             .shipment = arguments_text(arguments, "shipment")};
    Mapping *mapping = NULL;
    LakeLock *lock = NULL;
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &job.lake, err));
    TRY(client_check_known(job.lake, job.client, job_arena, err));
    if (job.shipment && !*job.shipment)
        return error_set(err, STATUS_USAGE, "--shipment is empty");
    if (job.shipment)
        TRY(mapping_load(job.lake, job.client, job_arena, &mapping, err));
    const char *name = arguments_text(arguments, "file");
    if (name && job.shipment)
        return error_set(err, STATUS_USAGE, "--file and --shipment exclude each other");
    if (name) {
        job.file = ARENA_NEW(job_arena, RawFile);
        TRY(erase_find_file(job.lake, job.client, name, job_arena, job.file, err));
    }
    TRY(confirm(&job, err));
    TRY(resources_init(&job.resources, arguments, err));
    Status status =
        lake_lock(job.lake, arena_printf(job_arena, "client-%s", job.client), say_waiting, NULL, &lock, err);
    if (status == STATUS_OK)
        status = locked_steps(&job, mapping, err);
    lake_unlock(lock);
    resources_done(&job.resources);
    return status;
}
