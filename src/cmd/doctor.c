/* doctor: is the lake well, and if not, how is it mended.
 *
 * Every check adds findings; none stops the others.  What --fix does is safe at any time: folders that are gone are made,
 * temporary files of processes that are no more are removed, transactions that were cut off are finished or forgotten. */
#include <errno.h>
#include <fts.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_tables.h"
#include "delta/snapshot.h"
#include "ingest/erase.h"
#include "ingest/mapping.h"
#include "lake/job.h"
#include "lake/transaction.h"
#include "mart/staging.h"

#define LOW_DISK_BYTES ((uint64_t)256 << 20)
#define CLOCK_SLACK_MS 60000

typedef enum FindingState { FINDING_OK, FINDING_FIXED, FINDING_PROBLEM } FindingState;

typedef struct Finding {
    FindingState state;
    const char *check;
    const char *what;
    const char *next; /* how to mend it; NULL when there is nothing to mend */
} Finding;

typedef struct Doctor {
    Arena *arena;
    const Lake *lake;
    bool fix;
    Finding *findings;
    uint32_t n, capacity;
    uint32_t n_problems;
} Doctor;

static void add(Doctor *doctor, FindingState state, const char *check, const char *what, const char *next)
{
    if (doctor->n == doctor->capacity) {
        uint32_t capacity = doctor->capacity ? doctor->capacity * 2 : 32;
        Finding *findings = ARENA_ARRAY(doctor->arena, Finding, capacity);
        if (doctor->n)
            memcpy(findings, doctor->findings, sizeof *findings * doctor->n);
        doctor->findings = findings;
        doctor->capacity = capacity;
    }
    doctor->findings[doctor->n++] = (Finding){state, check, what, next};
    doctor->n_problems += state == FINDING_PROBLEM;
}

/* An error as a finding: its hint says how to mend it unless `next` knows better. */
static void add_error(Doctor *doctor, const char *check, const Error *err, const char *next)
{
    Error plain = *err;
    char text[1400];
    plain.hint[0] = '\0';
    error_format(&plain, text, sizeof text);
    if (!next)
        next = err->hint[0] ? arena_strdup(doctor->arena, err->hint) : "see the message";
    add(doctor, FINDING_PROBLEM, check, arena_strdup(doctor->arena, text), next);
}

/* ---- Folders, permissions, disk ---- */

static bool is_folder(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static void check_disk(Doctor *doctor, const char *name, const char *path)
{
    struct statvfs facts;
    char bytes[24];
    if (!storage_is_local(path) || statvfs(path, &facts) != 0)
        return;
    uint64_t free_bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
    text_bytes(bytes, sizeof bytes, (double)free_bytes);
    if (free_bytes < LOW_DISK_BYTES)
        add(doctor, FINDING_PROBLEM, "disk", arena_printf(doctor->arena, "only %s free for %s (%s)", bytes, name, path),
            "make room; 'freightlake table vacuum' removes files that no version needs");
    else
        add(doctor, FINDING_OK, "disk", arena_printf(doctor->arena, "%s: %s free", name, bytes), NULL);
}

static void check_folder(Doctor *doctor, const char *name, const char *path)
{
    Error err;
    error_init(&err);
    FindingState good = FINDING_OK;
    if (storage_is_local(path) && !is_folder(path)) {
        if (!doctor->fix) {
            add(doctor, FINDING_PROBLEM, "folder", arena_printf(doctor->arena, "%s is not there (%s)", name, path),
                "'freightlake doctor --fix' makes it; if it lies on another disk, mount that first");
            return;
        }
        if (storage_make_folder(path, &err) != STATUS_OK) {
            add_error(doctor, "folder", &err, "something else is in the way: move it, then 'freightlake doctor --fix'");
            return;
        }
        good = FINDING_FIXED;
    }
    const char *probe = arena_printf(doctor->arena, "%s/_probe-%ld", path, (long)getpid());
    Status status = storage_write_file(probe, "probe\n", 6, &err);
    if (status == STATUS_OK)
        status = storage_remove(probe, &err);
    if (status != STATUS_OK)
        add_error(doctor, "folder", &err, "let this user write there, or make room on the disk");
    else
        add(doctor, good, "folder", arena_printf(doctor->arena, "%s can be written (%s)", name, path), NULL);
    check_disk(doctor, name, path);
}

static void check_folders(Doctor *doctor)
{
    const Lake *lake = doctor->lake;
    const struct {
        const char *name, *path;
    } folders[] = {{"raw", lake->raw},        {"processed", lake->processed}, {"quarantine", lake->quarantine},
                   {"marts", lake->marts},    {"clients", lake->clients},     {"definitions", lake->definitions},
                   {"control", lake->control}};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        check_folder(doctor, folders[i].name, folders[i].path);
}

/* ---- What a store far away must allow ---- */

static void take_probe(void *context, const char *what, const char *said, const Error *err)
{
    Doctor *doctor = context;
    if (err)
        add_error(doctor, arena_printf(doctor->arena, "S3 %s", what), err, NULL);
    else
        add(doctor, FINDING_OK, arena_printf(doctor->arena, "S3 %s", what), arena_strdup(doctor->arena, said), NULL);
}

/* Of every bucket that a zone lies in, once. */
static void check_stores(Doctor *doctor)
{
    const Lake *lake = doctor->lake;
    const char *const zones[] = {lake->control, lake->raw, lake->processed, lake->quarantine, lake->marts};
    for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
        bool seen = storage_is_local(zones[i]);
        for (size_t k = 0; k < i && !seen; k++) { /* "s3://BUCKET/" */
            const char *slash = strchr(zones[i] + 5, '/');
            seen = slash && strncmp(zones[i], zones[k], (size_t)(slash + 1 - zones[i])) == 0;
        }
        Error err;
        error_init(&err);
        if (!seen && storage_probe(zones[i], take_probe, doctor, &err) != STATUS_OK)
            add_error(doctor, "S3", &err, NULL);
    }
}

/* ---- What clients send ---- */

static void check_mapping(Doctor *doctor, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    size_t n = strlen(name);
    if (n <= 5 || strcmp(name + n - 5, ".yaml") != 0)
        return;
    const char *client = arena_printf(doctor->arena, "%.*s", (int)n - 5, name);
    Mapping *mapping;
    Error err;
    error_init(&err);
    if (mapping_load(doctor->lake, client, doctor->arena, &mapping, &err) != STATUS_OK)
        add_error(doctor, "mapping", &err, NULL);
    else
        add(doctor, FINDING_OK, "mapping", arena_printf(doctor->arena, "client %s can be ingested", client), NULL);
}

static void check_mappings(Doctor *doctor)
{
    StorageList list;
    Error err;
    error_init(&err);
    if (storage_list_folder(doctor->lake->clients, false, NULL, &list, &err) != STATUS_OK) {
        add_error(doctor, "mapping", &err, NULL);
        return;
    }
    for (size_t i = 0; i < list.n; i++)
        check_mapping(doctor, list.entries[i].path);
    storage_list_done(&list);
}

/* ---- Definitions of marts ---- */

/* Whether DIR/NAME.sql of "DIR/NAME.tests.yaml", whose `size` bytes are DIR/NAME, was refused. */
static bool is_beside_broken(const MartRegistry *registry, const char *path, size_t size)
{
    for (uint32_t i = 0; i < registry->n; i++) {
        const Mart *mart = &registry->marts[i];
        if (mart->broken && strncmp(mart->file, path, size) == 0 && strcmp(mart->file + size, ".sql") == 0)
            return true;
    }
    return false;
}

/* Tests beside no SQL never run, which nobody would notice. */
static void check_lone_tests(Doctor *doctor, const MartRegistry *registry)
{
    StorageList list;
    Error err;
    error_init(&err);
    if (storage_list_folder(doctor->lake->definitions, false, NULL, &list, &err) != STATUS_OK) {
        add_error(doctor, "mart", &err, NULL);
        return;
    }
    for (size_t i = 0; i < list.n; i++) {
        const char *path = list.entries[i].path, *end = strstr(strrchr(path, '/'), ".tests.yaml");
        bool lone = end && strcmp(end, ".tests.yaml") == 0;
        for (uint32_t k = 0; k < registry->n && lone; k++)
            lone = !registry->marts[k].tests_file || strcmp(registry->marts[k].tests_file, path) != 0;
        if (lone && !is_beside_broken(registry, path, (size_t)(end - path)))
            add(doctor, FINDING_PROBLEM, "mart",
                arena_printf(doctor->arena, "%s: no %.*s.sql is beside it, so these tests never run", path,
                             (int)(end - strrchr(path, '/') - 1), strrchr(path, '/') + 1),
                "put the mart's SQL beside it (that of a built-in one: 'freightlake marts export'), or remove it");
    }
    storage_list_done(&list);
}

static void check_definitions(Doctor *doctor)
{
    MartRegistry registry;
    uint32_t sound = 0;
    Error err;
    error_init(&err);
    if (mart_registry_load_optional(doctor->lake->definitions, doctor->arena, &registry, &err) != STATUS_OK) {
        add_error(doctor, "mart", &err, NULL);
        return;
    }
    for (uint32_t i = 0; i < registry.n; i++) {
        PlanNode *plan;
        MartChecks checks;
        error_init(&err);
        if (checks_plan(&registry.marts[i], doctor->arena, &plan, &checks, &err) == STATUS_OK)
            sound++;
        else
            add_error(doctor, "mart", &err, NULL);
    }
    if (sound == registry.n)
        add(doctor, FINDING_OK, "mart", arena_printf(doctor->arena, "%s, all sound", PLURAL(sound, "definition")),
            NULL);
    check_lone_tests(doctor, &registry);
}

/* ---- What was cut off ---- */

/* What clusters left in folders without a plan; nothing but a publication or a run is in the way. */
static Status sweep_staging(Doctor *doctor, Error *err)
{
    LakeLock *lock = NULL;
    uint32_t removed = 0;
    TRY(lake_try_lock(doctor->lake, "run", &lock, err));
    if (!lock)
        return STATUS_OK;
    Status status = staging_sweep(doctor->lake, doctor->arena, &removed, err);
    lake_unlock(lock);
    if (removed > 0)
        add(doctor, FINDING_FIXED, "staging",
            arena_printf(doctor->arena, "%s without a plan, removed", PLURAL(removed, "folder")), NULL);
    return status;
}

/* Runs that a cluster works on, or left. */
static void check_staging(Doctor *doctor)
{
    StagingFolder *folders;
    const char *first = NULL;
    uint32_t n, planned = 0;
    Error err;
    error_init(&err);
    if ((doctor->fix && sweep_staging(doctor, &err) != STATUS_OK) ||
        staging_list(doctor->lake, doctor->arena, &folders, &n, &err) != STATUS_OK) {
        add_error(doctor, "staging", &err, NULL);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!folders[i].planned)
            add(doctor, FINDING_PROBLEM, "staging",
                arena_printf(
                    doctor->arena,
                    "run %s has files but no plan: a cluster wrote them after the run was given up or data was "
                    "erased, and they may hold rows of it",
                    folders[i].id),
                doctor->fix ? "a run or a publication is at work: ask again when it is done"
                            : "end the cluster's job, then 'freightlake doctor --fix' removes them");
        else if (planned++ == 0)
            first = folders[i].id;
    }
    if (planned > 0)
        add(doctor, FINDING_OK, "staging",
            arena_printf(doctor->arena,
                         "%s not published: %s%s; 'freightlake publish RUN', or with --discard to give it up",
                         PLURAL(planned, "run"), first, planned > 1 ? " and others" : ""),
            NULL);
}

static void check_pending(Doctor *doctor)
{
    LakePending *pending;
    LakeRecovery recovery = {0};
    Error err;
    error_init(&err);
    if (doctor->fix && lake_recover(doctor->lake, NULL, &recovery, &err) != STATUS_OK) {
        add_error(doctor, "transactions", &err, NULL);
        return;
    }
    if (recovery.finished || recovery.forgotten)
        add(doctor, FINDING_FIXED, "transactions",
            arena_printf(doctor->arena, "finished: %u; forgotten, since they had changed nothing: %u",
                         recovery.finished, recovery.forgotten),
            NULL);
    if (lake_pending_load(doctor->lake, doctor->arena, &pending, &err) != STATUS_OK)
        add_error(doctor, "transactions", &err, NULL);
    else if (lake_pending_count(pending))
        add(doctor, FINDING_PROBLEM, "transactions",
            arena_printf(doctor->arena, "unfinished: %u", lake_pending_count(pending)),
            doctor->fix ? "a job is working on that client at this moment: ask again when it is done"
                        : "'freightlake doctor --fix' or the client's next ingest finishes them");
    else if (!recovery.finished && !recovery.forgotten)
        add(doctor, FINDING_OK, "transactions", "none is unfinished", NULL);
}

/* Jobs that are at work, or whose lock outlived them. */
static void check_jobs(Doctor *doctor)
{
    HistoryRecord *jobs;
    uint32_t n;
    Error err;
    error_init(&err);
    if (lake_jobs_running(doctor->lake, doctor->arena, &jobs, &n, &err) != STATUS_OK) {
        add_error(doctor, "jobs", &err, NULL);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *what = arena_printf(doctor->arena, "%s%s%s, %s", jobs[i].kind, jobs[i].client ? " of client " : "",
                                        jobs[i].client ? jobs[i].client : "", jobs[i].id);
        if (strcmp(jobs[i].outcome, LAKE_JOB_SILENT) != 0)
            add(doctor, FINDING_OK, "jobs", arena_printf(doctor->arena, "at work: %s", what), NULL);
        else
            add(doctor, FINDING_PROBLEM, "jobs", arena_printf(doctor->arena, "%s: %s", what, jobs[i].error),
                "start that job again, unless its machine is only cut off from the lake and may come back");
    }
}

/* Erases that did not come to their end have left a mark. */
static void check_erases(Doctor *doctor)
{
    StorageList list;
    Error err;
    error_init(&err);
    const char *folder = arena_printf(doctor->arena, "%s/erased", doctor->lake->control);
    if (storage_list_folder(folder, true, NULL, &list, &err) != STATUS_OK) {
        add_error(doctor, "erase", &err, NULL);
        return;
    }
    for (size_t i = 0; i < list.n; i++) {
        const char *client = list.entries[i].path + strlen(folder) + 1, *slash = strchr(client, '/');
        if (slash && strcmp(slash + 1, ERASE_UNFINISHED) == 0)
            add(doctor, FINDING_PROBLEM, "erase",
                arena_printf(doctor->arena, "one of client %.*s did not come to its end", (int)(slash - client),
                             client),
                "give the same erase again: it goes on where it was");
    }
    storage_list_done(&list);
}

/* ".NAME.tmp-PID-N" of a process that is gone. */
static bool is_abandoned(const char *name)
{
    const char *mark = name[0] == '.' ? strstr(name, ".tmp-") : NULL;
    char *end;
    if (!mark)
        return false;
    long pid = strtol(mark + 5, &end, 10);
    return *end == '-' && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void count_temporaries(Doctor *doctor, const char *folder, uint64_t *files, uint64_t *bytes)
{
    char *const roots[] = {arena_strdup(doctor->arena, folder), NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return;
    for (FTSENT *entry; (entry = fts_read(walk));) {
        if (entry->fts_info != FTS_F || !is_abandoned(entry->fts_name))
            continue;
        if (doctor->fix) {
            Error err;
            error_init(&err);
            if (storage_remove(entry->fts_path, &err) != STATUS_OK)
                add_error(doctor, "temporary files", &err, NULL);
        }
        ++*files;
        *bytes += (uint64_t)entry->fts_statp->st_size;
    }
    fts_close(walk);
}

static void check_temporaries(Doctor *doctor)
{
    const Lake *lake = doctor->lake;
    const char *const zones[] = {lake->raw, lake->processed, lake->quarantine, lake->marts, lake->control};
    uint64_t files = 0, bytes = 0;
    char size[24];
    for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
        count_temporaries(doctor, zones[i], &files, &bytes);
    text_bytes(size, sizeof size, (double)bytes);
    if (!files)
        add(doctor, FINDING_OK, "temporary files", "no process left any", NULL);
    else
        add(doctor, doctor->fix ? FINDING_FIXED : FINDING_PROBLEM, "temporary files",
            arena_printf(doctor->arena, "%llu with %s, of processes that are gone%s", (unsigned long long)files, size,
                         doctor->fix ? ", were removed" : ""),
            doctor->fix ? NULL : "'freightlake doctor --fix' removes them");
}

/* ---- Tables ---- */

static void check_files(Doctor *doctor, const char *name, const DeltaSnapshot *snapshot)
{
    uint32_t missing = 0;
    Error err;
    error_init(&err);
    for (uint32_t i = 0; i < snapshot->n_files; i++) {
        StorageFacts facts;
        Status status = storage_stat(delta_file_path(snapshot, &snapshot->files[i], doctor->arena), &facts, &err);
        missing += status != STATUS_OK || !facts.exists || facts.size_bytes != snapshot->files[i].size_bytes;
    }
    if (missing)
        add(doctor, FINDING_PROBLEM, "table",
            arena_printf(doctor->arena, "%s: of %s %u missing or of another size", name,
                         PLURAL(snapshot->n_files, "file"), missing),
            arena_printf(doctor->arena, "'freightlake table fsck %s' names them", name));
    else
        add(doctor, FINDING_OK, "table",
            arena_printf(doctor->arena, "%s: version %lld, %s, none missing", name, (long long)snapshot->version,
                         PLURAL(snapshot->n_files, "file")),
            NULL);
    if (snapshot->timestamp_ms > lake_now_us() / 1000 + CLOCK_SLACK_MS)
        add(doctor, FINDING_PROBLEM, "clock",
            arena_printf(doctor->arena, "the newest version of %s is from the future", name),
            "set this machine's clock; --as-of and retention go by it");
}

static void check_tables(Doctor *doctor)
{
    const char **names;
    uint32_t n;
    Error err;
    error_init(&err);
    if (lake_table_names(doctor->lake, doctor->arena, &names, &n, &err) != STATUS_OK) {
        add_error(doctor, "table", &err, NULL);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        DeltaSnapshot *snapshot;
        error_init(&err);
        if (delta_snapshot_load(lake_table_path(doctor->lake, names[i], doctor->arena),
                                (DeltaVersion){.kind = DELTA_NEWEST}, doctor->arena, &snapshot, &err) != STATUS_OK)
            add_error(doctor, "table", &err, NULL);
        else
            check_files(doctor, names[i], snapshot);
    }
}

static void check_history(Doctor *doctor)
{
    HistoryRecord *records;
    uint32_t n, unreadable;
    Error err;
    error_init(&err);
    if (history_read(doctor->lake, NULL, 0, doctor->arena, &records, &n, &unreadable, &err) != STATUS_OK)
        add_error(doctor, "history", &err, NULL);
    else if (unreadable)
        add(doctor, FINDING_PROBLEM, "history",
            arena_printf(doctor->arena, "of %s %u cannot be read", PLURAL(n + unreadable, "record"), unreadable),
            arena_printf(doctor->arena, "they are written whole: something else changed files in %s/runs",
                         doctor->lake->control));
    else
        add(doctor, FINDING_OK, "history", arena_printf(doctor->arena, "%s, all can be read", PLURAL(n, "record")),
            NULL);
}

/* ---- What is said ---- */

static void append_json(Buffer *text, const Doctor *doctor)
{
    static const char *const states[] = {"ok", "fixed", "problem"};
    buffer_printf(text, "{\"healthy\":%s,\"problems\":%u,\"findings\":[", doctor->n_problems ? "false" : "true",
                  doctor->n_problems);
    for (uint32_t i = 0; i < doctor->n; i++) {
        const Finding *finding = &doctor->findings[i];
        buffer_printf(text, "%s{\"state\":\"%s\",\"check\":\"%s\",\"what\":", i ? "," : "", states[finding->state],
                      finding->check);
        text_append_json(text, str_view(finding->what));
        buffer_append_text(text, ",\"next\":");
        if (finding->next)
            text_append_json(text, str_view(finding->next));
        else
            buffer_append_text(text, "null");
        buffer_append_byte(text, '}');
    }
    buffer_append_text(text, "]}\n");
}

static void append_lines(Buffer *text, const Doctor *doctor)
{
    static const char *const states[] = {"ok", "fixed", "PROBLEM"};
    for (uint32_t i = 0; i < doctor->n; i++) {
        const Finding *finding = &doctor->findings[i];
        buffer_printf(text, "%-8s %-16s %s\n", states[finding->state], finding->check, finding->what);
        if (finding->next)
            buffer_printf(text, "%-25s -> %s\n", "", finding->next);
    }
    if (!doctor->n_problems)
        buffer_append_text(text, "the lake is well\n");
}

static Status report(const Doctor *doctor, bool json, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    if (json)
        append_json(&text, doctor);
    else
        append_lines(&text, doctor);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    TRY(status);
    if (!doctor->n_problems)
        return STATUS_OK;
    error_set(err, STATUS_CHECK, "%s found", PLURAL(doctor->n_problems, "problem"));
    return error_hint(err, "each is listed with what mends it");
}

Status command_doctor(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Doctor doctor = {.arena = job_arena, .fix = arguments_given(arguments, "fix")};
    bool json = arguments_given(arguments, "json");
    Lake *lake;
    Status status = lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err);
    if (status == STATUS_NOT_FOUND)
        return status;
    if (status != STATUS_OK) {
        add_error(&doctor, "configuration", err, NULL);
        error_init(err);
        return report(&doctor, json, err);
    }
    doctor.lake = lake;
    add(&doctor, FINDING_OK, "configuration", arena_printf(job_arena, "%s/%s", lake->path, LAKE_CONFIG_FILE), NULL);
    check_stores(&doctor);
    check_folders(&doctor);
    check_mappings(&doctor);
    check_definitions(&doctor);
    check_jobs(&doctor);
    check_erases(&doctor);
    check_pending(&doctor);
    check_staging(&doctor);
    check_temporaries(&doctor);
    check_tables(&doctor);
    check_history(&doctor);
    return report(&doctor, json, err);
}
