/* Staging; see staging.h.  What a cluster wrote is not trusted: names, hashes and paths are held against the plan.
 *
 * Why no erased row comes back.  A row gets out of staging by publish alone, and into staging by a job that read it from a
 * file of a plan.
 *
 *   erase       its commit -> old data files and log entries go -> under the lock "run": staging goes, each plan before the
 *               rest -> marts are made anew, their older versions go
 *   plan        chosen and written under "run": before erase's turn, and it goes with the rest, or behind it, and names no
 *               file with the row
 *   job         reads the plan -> writes below a folder of its own -> reads the plan again: where it is not the same to the
 *               byte (gone, or of the same id anew), removes what it wrote.  A file that was written before the plan went is
 *               found by erase, which looks after that; one written later is followed by the job's look
 *   publish     reads and commits under "run": before erase's turn, and the mart is among those made anew; behind it, there is
 *               neither a plan nor the log of the plan's version.  An outcome of another version of the shipments is refused
 *   run         holds "run" from its look at the shipments to its last commit, so it is made anew, too, or saw no such row
 *
 * A lock on S3 is a lease, and who was stopped for longer than it does not hold "run" when it commits: a mart that has a table
 * was made anew, and that commit loses its race; for a mart's first version publish_mart looks whether the log still has the
 * entry of the plan's version, which erase removes before its turn.
 *
 * What stays open: a process that is stopped between that look and the request behind it, for longer than its lease and the
 * whole erase.  And a job that is killed between its write and its look leaves files in a folder without a plan: nothing
 * publishes them; `doctor` says so, and erase, the next plan, `doctor --fix` and `publish --discard` remove them.
 *
 * A second job of one plan replaces the first one's files; both give the rows of one version, and publish counts them. */
#include "mart/staging.h"

#include <jansson.h>
#include <string.h>

#include "columnar/time_text.h"
#include "mart/lake_run.h"
#include "storage/storage.h"

#define MAX_BYTES ((size_t)1 << 30)
#define PLAN "plan.json"
#define OUTCOME "outcome.json"

Status staging_check_id(const char *id, Error *err)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t n = strlen(id);
    if (n > 0 && n <= 64 && strspn(id, first) == n && !strchr("-_", id[0]))
        return STATUS_OK;
    error_set(err, STATUS_USAGE, "'%.80s' cannot be the id of a run", id);
    return error_hint(err, "letters, digits, '-' and '_', at most 64 of them, starting with a letter or digit");
}

const char *staging_folder(const Lake *lake, const char *id, Arena *arena)
{
    return arena_printf(arena, "%s/staging/%s", lake->control, id);
}

/* ---- The plan ---- */

static void append_text(Buffer *json, const char *name, const char *text)
{
    buffer_printf(json, "\"%s\":", name);
    if (text)
        text_append_json(json, str_view(text));
    else
        buffer_append_text(json, "null");
}

static void append_file(Buffer *json, const DeltaSnapshot *shipments, const DeltaFile *file, Arena *arena)
{
    const DeltaMetadata *metadata = &shipments->metadata;
    buffer_append_byte(json, '{');
    append_text(json, "path", delta_file_path(shipments, file, arena));
    buffer_printf(json, ",\"size\":%llu,\"rows\":%lld,\"partition_values\":{", (unsigned long long)file->size_bytes,
                  (long long)file->num_records);
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++) {
        buffer_append_text(json, i ? "," : "");
        append_text(json, metadata->schema.fields[metadata->partition_columns[i]].name, file->partition_values[i]);
    }
    buffer_append_text(json, "}}");
}

static void append_shipments(Buffer *json, const DeltaSnapshot *shipments, Arena *arena)
{
    const DeltaMetadata *metadata = &shipments->metadata;
    buffer_printf(json, "{\"version\":%lld,", (long long)shipments->version);
    append_text(json, "location", shipments->table);
    buffer_append_text(json, ",\n \"schema\":");
    export_append_columns(json, &metadata->schema);
    buffer_append_text(json, ",\n \"partition_columns\":[");
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++) {
        buffer_append_text(json, i ? "," : "");
        text_append_json(json, str_view(metadata->schema.fields[metadata->partition_columns[i]].name));
    }
    buffer_append_text(json, "],\n \"files\":[");
    for (uint32_t i = 0; i < shipments->n_files; i++) {
        buffer_append_text(json, i ? ",\n  " : "\n  ");
        append_file(json, shipments, &shipments->files[i], arena);
    }
    buffer_append_text(json, "]}");
}

static Status is_stale(const Lake *lake, const Mart *mart, const DeltaSnapshot *shipments, Arena *arena,
                       bool *ret_stale, Error *err)
{
    const char *path = lake_table_path(lake, mart->name, arena);
    DeltaSnapshot *table;
    TRY(delta_snapshot_load_if_any(path, arena, &table, err));
    *ret_stale = lake_mart_stale(mart, shipments, table, arena) != NULL;
    return STATUS_OK;
}

static Status choose(const StagingRequest *request, Arena *arena, StagingPlan *ret_plan, Error *err)
{
    StagingPlan plan = {.again = !request->only_stale, .marts = ARENA_ARRAY(arena, PlannedMart, request->n_marts + 1)};
    const char *table = lake_table_path(request->lake, "shipments", arena);
    TRY(delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, arena, &plan.shipments, err));
    for (uint32_t i = 0; i < request->n_marts; i++) {
        bool stale = true;
        if (request->only_stale)
            TRY(is_stale(request->lake, request->marts[i], plan.shipments, arena, &stale, err));
        if (stale)
            TRY(export_plan(request->marts[i], arena, &plan.marts[plan.n_marts++], err));
    }
    *ret_plan = plan;
    return STATUS_OK;
}

static Status write_plan(const Lake *lake, const char *id, const StagingPlan *plan, Arena *arena, Error *err)
{
    Buffer json;
    char now[TIME_TEXT_SIZE];
    bool created;
    timestamp_format(now, lake_now_us());
    now[10] = 'T';
    buffer_init(&json, 0);
    buffer_append_byte(&json, '{');
    append_text(&json, "run", id);
    buffer_printf(&json, ",\"prepared_at\":\"%sZ\",\"again\":%s,\n\"shipments\":", now, plan->again ? "true" : "false");
    append_shipments(&json, plan->shipments, arena);
    buffer_append_text(&json, ",\n\"marts\":[");
    for (uint32_t i = 0; i < plan->n_marts; i++) {
        buffer_append_text(&json, i ? ",\n" : "\n");
        export_append_mart(&json, &plan->marts[i]);
    }
    buffer_append_text(&json, "\n]}\n");
    const char *path = arena_printf(arena, "%s/" PLAN, staging_folder(lake, id, arena));
    Status status = storage_put_new(path, json.data, json.size, &created, err);
    buffer_done(&json);
    if (status != STATUS_OK || created)
        return status;
    error_set(err, STATUS_USAGE, "there is a run with the id '%s' already", id);
    error_at_file(err, path);
    return error_hint(err, "take another id, or publish that run");
}

Status staging_plan(const StagingRequest *request, Arena *arena, StagingPlan *ret_plan, Error *err)
{
    LakeLock *lock = NULL;
    uint32_t swept;
    TRY(staging_check_id(request->id, err));
    TRY(lake_lock(request->lake, "run", request->waiting, NULL, &lock, err));
    Status status = staging_sweep(request->lake, arena, &swept, err);
    if (status == STATUS_OK)
        status = choose(request, arena, ret_plan, err);
    if (status == STATUS_OK && ret_plan->n_marts > 0)
        status = write_plan(request->lake, request->id, ret_plan, arena, err);
    lake_unlock(lock);
    return status;
}

/* ---- What came back ---- */

typedef struct StagedReader {
    const Lake *lake;
    const char *id, *folder;
    Arena *arena;
    json_t *plan, *outcome;
} StagedReader;

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static Status read_json(const StagedReader *reader, const char *name, json_t **ret_root, Error *err)
{
    const char *path = arena_printf(reader->arena, "%s/%s", reader->folder, name);
    StrView text;
    json_error_t problem;
    TRY(storage_read_file(path, MAX_BYTES, reader->arena, &text, err));
    *ret_root = json_loadb(text.data, text.size, 0, &problem);
    if (json_is_object(*ret_root) && strcmp(text_of(*ret_root, "run"), reader->id) == 0)
        return STATUS_OK;
    if (*ret_root)
        error_set(err, STATUS_CORRUPT, "this is not of run %s", reader->id);
    else
        error_set(err, STATUS_CORRUPT, "this is no JSON: %s", problem.text);
    return error_at_file(err, path);
}

static Status no_plan(const StagedReader *reader, Error *err)
{
    error_set(err, STATUS_NOT_FOUND, "the lake has no run '%s' that waits to be published", reader->id);
    error_at_file(err, reader->folder);
    return error_hint(err,
                      "'freightlake marts export --run %s' begins one; 'freightlake history --kind publish' has those"
                      " that were published",
                      reader->id);
}

static Status no_outcome(const StagedReader *reader, Error *err)
{
    error_set(err, STATUS_NOT_FOUND, "run %s has no outcome: the cluster's job has not ended, or died", reader->id);
    error_at_file(err, arena_printf(reader->arena, "%s/" OUTCOME, reader->folder));
    return error_hint(
        err, "look at the job's log; 'spark-submit spark/run_marts.py --lake LAKE --run %s' does it again", reader->id);
}

/* Names, as the engine wrote them, must stay below the run's folder, and each file has one name only. */
static bool is_below(const char *file, const char *mart)
{
    size_t n = strlen(mart);
    return strncmp(file, mart, n) == 0 && file[n] == '/' && file[n + 1] && !strstr(file, "/.") && !strstr(file, "//");
}

static Status misfit(const StagedReader *reader, const char *what, Error *err)
{
    error_set(err, STATUS_CORRUPT, "%s", what);
    error_at_file(err, arena_printf(reader->arena, "%s/" OUTCOME, reader->folder));
    return error_hint(err,
                      "nothing was published; make a new plan with 'freightlake marts export --run' and run the job "
                      "again");
}

static const json_t *find_mart(const json_t *marts, const char *name)
{
    size_t i;
    const json_t *mart;
    json_array_foreach(marts, i, mart)
    {
        if (strcmp(text_of(mart, "name"), name) == 0)
            return mart;
    }
    return NULL;
}

/* Whether a text is twice in a list, or (with a key) in that member of a list's objects. */
static bool has_twice(const json_t *list, const char *key)
{
    json_t *seen = json_object();
    bool twice = false;
    for (size_t i = 0; i < json_array_size(list) && !twice; i++) {
        const json_t *entry = json_array_get(list, i);
        const char *text = json_string_value(key ? json_object_get(entry, key) : entry);
        twice = text && json_object_get(seen, text);
        if (text)
            CHECK(json_object_set_new(seen, text, json_true()) == 0);
    }
    json_decref(seen);
    return twice;
}

static Status read_mart(const StagedReader *reader, const json_t *made, StagedMart *ret_mart, Error *err)
{
    const char *name = text_of(made, "name");
    const json_t *planned = find_mart(json_object_get(reader->plan, "marts"), name);
    const json_t *files = json_object_get(made, "files"), *rows = json_object_get(made, "rows");
    const char *why = text_of(made, "error");
    if (!planned)
        return misfit(reader, arena_printf(reader->arena, "the mart %.80s is not in the run's plan", name), err);
    if (strcmp(text_of(made, "hash"), text_of(planned, "definition_hash")) != 0)
        return misfit(reader, arena_printf(reader->arena, "the mart %s was made by another definition", name), err);
    if (strcmp(text_of(made, "outcome"), "ok") != 0) {
        *ret_mart = (StagedMart){.name = arena_strdup(reader->arena, name),
                                 .definition_hash = arena_strdup(reader->arena, text_of(planned, "definition_hash")),
                                 .error = arena_strdup(reader->arena, *why ? why : "it does not say why")};
        return STATUS_OK;
    }
    if (!json_is_array(files) || !json_is_integer(rows) || json_integer_value(rows) < 0)
        return misfit(reader, arena_printf(reader->arena, "the mart %s has no files or no rows", name), err);
    if (has_twice(files, NULL))
        return misfit(reader, arena_printf(reader->arena, "the mart %s names a file twice", name), err);
    StagedMart mart = {.name = arena_strdup(reader->arena, name),
                       .definition_hash = arena_strdup(reader->arena, text_of(planned, "definition_hash")),
                       .rows = (uint64_t)json_integer_value(rows),
                       .files = ARENA_ARRAY(reader->arena, const char *, json_array_size(files) + 1)};
    for (size_t i = 0; i < json_array_size(files); i++) {
        const char *file = json_string_value(json_array_get(files, i));
        if (!file || !is_below(file, name))
            return misfit(reader, arena_printf(reader->arena, "the mart %s names a file that is not its own", name),
                          err);
        mart.files[mart.n_files++] = arena_printf(reader->arena, "%s/%s", reader->folder, file);
    }
    *ret_mart = mart;
    return STATUS_OK;
}

/* A job fails as a whole, or some of its marts do. */
static bool made_any(const json_t *outcome)
{
    size_t i;
    const json_t *mart;
    bool any = false;
    json_array_foreach(json_object_get(outcome, "marts"), i, mart) any |= strcmp(text_of(mart, "outcome"), "ok") == 0;
    return any && !*text_of(outcome, "error");
}

static Status job_failed(const StagedReader *reader, Error *err)
{
    const char *why = text_of(reader->outcome, "error");
    size_t i;
    const json_t *mart;
    json_array_foreach(json_object_get(reader->outcome, "marts"), i, mart)
    {
        if (!*why)
            why = text_of(mart, "error");
    }
    error_set(err, STATUS_DATA, "the cluster's job failed: %.600s", *why ? why : "it does not say why");
    error_at_file(err, arena_printf(reader->arena, "%s/" OUTCOME, reader->folder));
    return error_hint(err, "nothing was published; mend the cause and run the job of %s again", reader->id);
}

/* Publishing removes the plan, so a mart that was planned and not made would be forgotten without a word. */
static Status check_whole(const StagedReader *reader, const StagedRun *run, Error *err)
{
    const json_t *planned = json_object_get(reader->plan, "marts"), *mart;
    size_t i;
    json_array_foreach(planned, i, mart)
    {
        const char *name = text_of(mart, "name");
        bool made = false;
        for (uint32_t k = 0; k < run->n_marts && !made; k++)
            made = strcmp(run->marts[k].name, name) == 0;
        if (!made)
            return misfit(reader, arena_printf(reader->arena, "the mart %.100s was planned and is not there", name),
                          err);
    }
    return STATUS_OK;
}

static Status read_steps(StagedReader *reader, StagedRun *ret_run, Error *err)
{
    Status status = read_json(reader, PLAN, &reader->plan, err);
    if (status == STATUS_NOT_FOUND)
        return no_plan(reader, err);
    if (status == STATUS_OK)
        status = read_json(reader, OUTCOME, &reader->outcome, err);
    if (status == STATUS_NOT_FOUND)
        return no_outcome(reader, err);
    if (status != STATUS_OK)
        return status;
    if (!made_any(reader->outcome))
        return strcmp(text_of(reader->outcome, "outcome"), "ok") != 0 || *text_of(reader->outcome, "error") ||
                       json_array_size(json_object_get(reader->outcome, "marts")) > 0
                   ? job_failed(reader, err)
                   : misfit(reader, "the job made no mart", err);
    const json_t *made = json_object_get(reader->outcome, "marts");
    const json_t *version = json_object_get(json_object_get(reader->plan, "shipments"), "version");
    StagedRun run = {.id = reader->id,
                     .engine = arena_printf(reader->arena, "%.40s %.40s", text_of(reader->outcome, "engine"),
                                            text_of(reader->outcome, "engine_version")),
                     .shipments_version = json_integer_value(version),
                     .again = json_is_true(json_object_get(reader->plan, "again")),
                     .seconds = json_number_value(json_object_get(reader->outcome, "seconds")),
                     .marts = ARENA_ARRAY(reader->arena, StagedMart, json_array_size(made) + 1)};
    if (json_integer_value(json_object_get(reader->outcome, "shipments_version")) != run.shipments_version)
        return misfit(reader, "the marts were made of another version of the shipments than the plan's", err);
    if (has_twice(made, "name"))
        return misfit(reader, "a mart is there twice", err);
    for (size_t i = 0; i < json_array_size(made); i++)
        TRY(read_mart(reader, json_array_get(made, i), &run.marts[run.n_marts++], err));
    TRY(check_whole(reader, &run, err));
    *ret_run = run;
    return STATUS_OK;
}

Status staging_read(const Lake *lake, const char *id, Arena *arena, StagedRun *ret_run, Error *err)
{
    StagedReader reader = {.lake = lake, .id = id, .folder = staging_folder(lake, id, arena), .arena = arena};
    TRY(staging_check_id(id, err));
    Status status = read_steps(&reader, ret_run, err);
    json_decref(reader.plan);
    json_decref(reader.outcome);
    return status;
}

Status staging_is_planned(const Lake *lake, const char *id, Arena *arena, bool *ret_planned, Error *err)
{
    StorageFacts facts;
    TRY(storage_stat(arena_printf(arena, "%s/" PLAN, staging_folder(lake, id, arena)), &facts, err));
    *ret_planned = facts.exists;
    return STATUS_OK;
}

Status staging_list(const Lake *lake, Arena *arena, StagingFolder **ret_folders, uint32_t *ret_n, Error *err)
{
    StorageList list;
    uint32_t n = 0;
    const char *folder = staging_folder(lake, "", arena);
    size_t length = strlen(folder);
    TRY(storage_list_folder(arena_printf(arena, "%.*s", (int)length - 1, folder), true, NULL, &list, err));
    StagingFolder *folders = ARENA_ARRAY(arena, StagingFolder, list.n + 1);
    for (size_t i = 0; i < list.n; i++) { /* sorted by path, so those of a run follow each other */
        const char *name = list.entries[i].path + length, *slash = strchr(name, '/');
        if (!slash || !slash[1]) /* a stray file, or what S3 programs take for a folder */
            continue;
        const char *id = arena_printf(arena, "%.*s", (int)(slash - name), name);
        if (n == 0 || strcmp(folders[n - 1].id, id) != 0)
            folders[n++] = (StagingFolder){.id = id};
        folders[n - 1].planned |= strcmp(slash + 1, PLAN) == 0;
    }
    storage_list_done(&list);
    *ret_folders = folders;
    *ret_n = n;
    return STATUS_OK;
}

Status staging_remove(const Lake *lake, const char *id, Arena *arena, Error *err)
{
    return storage_remove_folder(staging_folder(lake, id, arena), PLAN, err);
}

Status staging_sweep(const Lake *lake, Arena *arena, uint32_t *ret_removed, Error *err)
{
    StagingFolder *folders;
    uint32_t n;
    TRY(staging_list(lake, arena, &folders, &n, err));
    *ret_removed = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!folders[i].planned) {
            TRY(staging_remove(lake, folders[i].id, arena, err));
            ++*ret_removed;
        }
    return STATUS_OK;
}
