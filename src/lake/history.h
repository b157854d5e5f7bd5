/* History: one immutable JSON record a job under LAKE/_freightlake/runs/, so that it works on any storage.
 *
 * A record is named by its start and an id, "20260630T120000.123456Z-1f2e3d4c.json", and is written once, at the job's end,
 * or by the next job when it was killed (job.h). */
#ifndef FREIGHTLAKE_LAKE_HISTORY_H
#define FREIGHTLAKE_LAKE_HISTORY_H

#include "lake/lake.h"

typedef struct HistoryTable {
    const char *table;      /* "shipments", "quarantine", a mart */
    int64_t version_before; /* -1: there was none */
    int64_t version_after;  /* the same: nothing was committed */
    int64_t rows;           /* written, or of the new version for a mart; -1 unknown */
} HistoryTable;

typedef struct HistoryCheck {
    const char *mart;
    const char *rule; /* "not_null(carrier)" */
    bool passed;
    int64_t rows; /* that broke it */
} HistoryCheck;

typedef struct HistoryRecord {
    const char *id;     /* set by history_write when NULL */
    const char *kind;   /* "ingest", "run", "replay", "rebuild", "erase", "compact", "vacuum", "restore", ... */
    const char *client; /* NULL: none */
    const char *source; /* file name, NULL: none */
    const char *source_hash;
    int64_t started_us; /* microseconds since 1970-01-01 UTC */
    double seconds;
    uint64_t peak_memory_bytes;
    int64_t rows_read, rows_good, rows_rejected; /* -1: does not apply */
    const char *outcome; /* "ok", "nothing to do", "refused", "failed", "interrupted", "killed"; of a mark see job.h */
    const char *error;   /* NULL: none */
    HistoryTable *tables;
    uint32_t n_tables;
    HistoryCheck *checks;
    uint32_t n_checks;
    const char *details; /* JSON object as text, or NULL */
} HistoryRecord;

/* A failed write is an error; callers whose work is done report it as a warning. */
Status history_write(const Lake *lake, const HistoryRecord *record, Error *err) MUST_CHECK;
/* The newest `limit` records (0: all), newest first; `kind` NULL: every kind.  Unreadable ones are counted. */
Status history_read(const Lake *lake, const char *kind, uint32_t limit, Arena *arena, HistoryRecord **ret_records,
                    uint32_t *ret_n, uint32_t *ret_unreadable, Error *err) MUST_CHECK;
/* The same of another folder with such records. */
Status history_read_folder(const char *folder, const char *kind, uint32_t limit, Arena *arena,
                           HistoryRecord **ret_records, uint32_t *ret_n, uint32_t *ret_unreadable, Error *err)
    MUST_CHECK;
/* An id for a job that starts then, and where the record of an id lies. */
const char *history_make_id(int64_t started_us, Arena *arena);
const char *history_path(const Lake *lake, const char *id, Arena *arena);
void history_append_json(Buffer *buffer, const HistoryRecord *record);

#endif
