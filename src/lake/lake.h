/* Lake: a folder (or prefix) with its configuration, and where everything in it lies.
 *
 *   LAKE/freightlake.yaml          configuration              LAKE/clients/CLIENT.yaml   mappings
 *   LAKE/raw/CLIENT/               bytes as received          LAKE/definitions/          marts and tests of this lake
 *   LAKE/processed/shipments       Delta, by client           LAKE/quarantine/shipments  Delta, by client
 *   LAKE/marts/NAME                Delta                      LAKE/_freightlake/         history, state, locks, pending
 *
 * The four zones may lie elsewhere (configuration).  A Lake is read-only after opening and lives in the arena. */
#ifndef FREIGHTLAKE_LAKE_LAKE_H
#define FREIGHTLAKE_LAKE_LAKE_H

#include "columnar/types.h"
#include "storage/storage.h"

#define LAKE_CONFIG_FILE "freightlake.yaml"
#define LAKE_ENVIRONMENT "FREIGHTLAKE_LAKE"

/* One unit of `currency` costs `rate` units of the lake's currency from `date` on. */
typedef struct LakeRate {
    const char *currency;
    int32_t date;
    double rate;
} LakeRate;

typedef struct Lake {
    const char *path;
    const char *raw, *processed, *quarantine, *marts; /* zones */
    const char *clients, *definitions, *control;      /* LAKE/clients, LAKE/definitions, LAKE/_freightlake */
    const char *currency;                             /* ISO 4217 */
    LakeRate *rates;                                  /* by currency, then date */
    uint32_t n_rates;
    double max_rejected_share;                           /* of a file, unless the client's mapping says otherwise */
    int64_t removed_file_retention_ms, log_retention_ms; /* of tables made in this lake */
    uint64_t target_file_bytes;                          /* of compaction */
    const char *spark_master, *spark_submit;             /* NULL: not set */
    const char *const *spark_properties;                 /* "key=value" */
    uint32_t n_spark_properties;
    uint64_t spark_auto_bytes; /* from so many bytes to read on, `run --engine auto` takes the cluster */
} Lake;

/* Makes the lake: folders, a documented freightlake.yaml, empty tables processed/shipments and quarantine/shipments.
 * USAGE when the folder already holds a lake or anything else (unless it is empty); an interrupted init can be repeated. */
typedef struct LakeInitOptions {
    const char *path;
    const char *currency;                             /* NULL: USD */
    const char *raw, *processed, *quarantine, *marts; /* NULL: below the lake */
} LakeInitOptions;
Status lake_init(const LakeInitOptions *options, Arena *job_arena, Error *err) MUST_CHECK;

/* `path` NULL: FREIGHTLAKE_LAKE, else the current folder when it is a lake.  NOT_FOUND with a hint otherwise. */
Status lake_open(const char *path, Arena *job_arena, Lake **ret_lake, Error *err) MUST_CHECK;

/* The lake at `path` whose freightlake.yaml is `text`; CONFIG with file, line and hint for anything that cannot be meant. */
Status lake_parse(const char *path, StrView text, Arena *job_arena, Lake **ret_lake, Error *err) MUST_CHECK;

/* Folder of a table by the name people type: "shipments", "quarantine", or a mart. */
const char *lake_table_path(const Lake *lake, const char *name, Arena *arena);
/* The rate of a currency on a date; false when the configuration has none. */
bool lake_rate(const Lake *lake, const char *currency, int32_t date, double *ret_rate);
/* Letters, digits, '-' and '_', at most 64, starting with a letter or digit: USAGE otherwise. */
Status lake_check_client(const char *client, Error *err) MUST_CHECK;

/* The table quarantine/shipments: client (partition), source_file, source_hash (SHA-256 of the file in raw/), source_row
 * (physical line where the record starts; of Parquet the row), raw_record (binary: the record as UTF-8; a Parquet row as a
 * JSON object), reasons (JSON: [{"code","column","value","message"}]), mapping_hash, ingested_at, contract_version. */
const Schema *lake_quarantine_schema(void);

/* ---- Locks: one job at a time where two would undo each other's work ("client-emart", "run"). ---- */
typedef struct LakeLock LakeLock;
/* Waits until it is free; when it has to, `waiting` (may be NULL) is called once.  The lock goes with the process. */
Status lake_lock(const Lake *lake, const char *name, void (*waiting)(void *context, const char *name), void *context,
                 LakeLock **ret_lock, Error *err) MUST_CHECK;
/* *ret_lock is NULL when somebody else has it. */
Status lake_try_lock(const Lake *lake, const char *name, LakeLock **ret_lock, Error *err) MUST_CHECK;
/* Since when (ms since 1970) the lock's holder gives no sign of life, where the lock stays after its death (lease.h); else -1. */
Status lake_lock_silent_since(const Lake *lake, const char *name, int64_t *ret_ms, Error *err) MUST_CHECK;
void lake_unlock(LakeLock *lock); /* NULL is fine */

/* Microseconds since 1970-01-01 UTC. */
int64_t lake_now_us(void);

#endif
