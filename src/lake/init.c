/* lake_init; see lake.h.
 *
 * The configuration is written last but one and the tables before it, each durably, so an interrupted init leaves a folder
 * that is no lake yet and can be initialised again. */
#include "delta/commit.h"
#include "lake/lake.h"
#include "lake/schema.h"

#include <string.h>

static const char CONFIG_TEMPLATE[] =
    "# This folder is a lake of freightlake.  What stands here in comments is what holds when nothing is said.\n"
    "\n"
    "# The currency of all amounts in the lake, by ISO 4217.\n"
    "currency: %s\n"
    "\n"
    "# Where the zones lie: below this folder, or anywhere else by an absolute path.\n"
    "zones:\n"
    "  raw: \"%s\"\n"
    "  processed: \"%s\"\n"
    "  quarantine: \"%s\"\n"
    "  marts: \"%s\"\n"
    "\n"
    "# What one unit of a foreign currency costs in the lake's currency, from a day on.  A record whose currency has "
    "no\n"
    "# rate on its day goes to quarantine.\n"
    "# exchange_rates:\n"
    "#   - {currency: EUR, date: 2025-01-01, rate: 1.0353}\n"
    "\n"
    "# A file of which a larger share is rejected is refused as a whole (a client's mapping may say otherwise).\n"
    "# max_rejected_share: 0.2\n"
    "\n"
    "# How long versions of tables can be gone back to: removed files, and the log.\n"
    "# retention: {removed_files_days: 7, log_days: 30}\n"
    "\n"
    "# The size that 'table compact' brings files to.\n"
    "# target_file_size: 128MiB\n"
    "\n"
    "# The cluster of 'run --engine spark': where it is, which spark-submit reaches it, what its jobs are given, and "
    "from\n"
    "# how many bytes to read on 'run --engine auto' takes it.\n"
    "# spark:\n"
    "#   master: spark://HOST:7077\n"
    "#   submit: /opt/spark/bin/spark-submit\n"
    "#   properties: {spark.executor.memory: 4g}\n"
    "#   auto_bytes: 100GiB\n";

static Status check_free(const char *path, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(path, true, NULL, &list, err));
    bool lake = false, other = false;
    size_t length = strlen(path);
    for (size_t i = 0; i < list.n; i++) {
        const char *name = list.entries[i].path + length + 1;
        bool table = strstr(name, "/_delta_log/") != NULL;
        lake |= strcmp(name, LAKE_CONFIG_FILE) == 0;
        other |= !table && strcmp(name, LAKE_CONFIG_FILE) != 0;
    }
    storage_list_done(&list);
    if (lake) {
        error_set(err, STATUS_USAGE, "this folder is a lake already");
        error_at_file(err, path);
        return error_hint(err, "its settings are in %s/%s", path, LAKE_CONFIG_FILE);
    }
    if (!other)
        return STATUS_OK;
    error_set(err, STATUS_USAGE, "this folder is not empty");
    error_at_file(err, path);
    return error_hint(err, "name a folder that is empty or not there yet");
}

static Status make_table(const char *path, const Schema *schema, uint32_t partition_column, Arena *arena, Error *err)
{
    bool exists;
    TRY(delta_exists(path, &exists, err));
    if (exists)
        return STATUS_OK;
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, 1);
    columns[0] = partition_column;
    DeltaMetadata metadata = {.id = delta_uuid(arena),
                              .schema = *schema,
                              .partition_columns = columns,
                              .n_partition_columns = 1,
                              .created_time_ms = lake_now_us() / 1000};
    TRY(storage_make_folder(path, err));
    return delta_create(path, &(DeltaCommit){.operation = "CREATE TABLE", .metadata = &metadata, .data_change = true},
                        err);
}

static const char *zone_path(const char *lake, const char *zone, Arena *arena)
{
    return zone[0] == '/' || strstr(zone, "://") ? zone : arena_printf(arena, "%s/%s", lake, zone);
}

Status lake_init(const LakeInitOptions *options, Arena *job_arena, Error *err)
{
    const char *currency = options->currency ? options->currency : "USD";
    if (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        error_set(err, STATUS_USAGE, "'%.20s' is no currency", currency);
        return error_hint(err, "an ISO 4217 code in capitals, such as USD or EUR");
    }
    const char *given[] = {options->raw, options->processed, options->quarantine, options->marts};
    static const char *const names[] = {"raw", "processed", "quarantine", "marts"};
    const char *zones[ARRAY_SIZE(names)];
    TRY(check_free(options->path, err));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        zones[i] = given[i] ? given[i] : names[i];
        if (strpbrk(zones[i], "\"\\\n")) {
            error_set(err, STATUS_USAGE, "the path of zone %s holds a quote, a backslash or a line end", names[i]);
            return err->code;
        }
        TRY(storage_make_folder(zone_path(options->path, zones[i], job_arena), err));
    }
    TRY(storage_make_folder(arena_printf(job_arena, "%s/clients", options->path), err));
    TRY(storage_make_folder(arena_printf(job_arena, "%s/definitions", options->path), err));
    TRY(storage_make_folder(arena_printf(job_arena, "%s/_freightlake/runs", options->path), err));
    TRY(make_table(arena_printf(job_arena, "%s/shipments", zone_path(options->path, zones[1], job_arena)),
                   lake_shipments_schema(), LAKE_SHIPMENTS_PARTITION, job_arena, err));
    TRY(make_table(arena_printf(job_arena, "%s/shipments", zone_path(options->path, zones[2], job_arena)),
                   lake_quarantine_schema(), 0, job_arena, err));
    const char *config = arena_printf(job_arena, CONFIG_TEMPLATE, currency, zones[0], zones[1], zones[2], zones[3]);
    return storage_write_file(arena_printf(job_arena, "%s/%s", options->path, LAKE_CONFIG_FILE), config, strlen(config),
                              err);
}
