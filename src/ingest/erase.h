/* erase: a client's data, or one shipment, out of everything: tables and their older versions, quarantine, raw files, log;
 * or a wrong file out of tables and raw zone, so that it can be ingested again. */
#ifndef FREIGHTLAKE_INGEST_ERASE_H
#define FREIGHTLAKE_INGEST_ERASE_H

#include "base/pool.h"
#include "ingest/mapping.h"
#include "ingest/raw.h"

/* The name of the mark, LAKE/_freightlake/erased/CLIENT/unfinished. */
#define ERASE_UNFINISHED "unfinished"

typedef struct EraseOptions {
    const Lake *lake;
    const char *client;
    const char *shipment;   /* NULL: all of the client */
    const RawFile *file;    /* with `shipment` NULL: what this file brought; NULL: all */
    const Mapping *mapping; /* wanted with `shipment`: which field of a record is its id; else NULL */
    const char *job;        /* id, for the commits; NULL: none */
    MemoryBudget *budget;
} EraseOptions;

typedef struct EraseResult {
    uint64_t shipments;                            /* rows taken out of processed */
    uint64_t quarantined;                          /* records taken out of quarantine */
    uint64_t raw_files;                            /* removed, or written anew without the records */
    uint64_t raw_records;                          /* with `shipment`: blanked in raw files */
    uint64_t data_files;                           /* of older versions, removed from the storage */
    uint64_t log_files;                            /* of older versions, whose statistics told of the rows */
    int64_t processed_version, quarantine_version; /* after; -1: nothing was committed there */
    bool nothing; /* the lake held nothing of it: nothing was changed, and older versions stay readable */
} EraseResult;

/* Can be repeated until done when it was cut off: a mark in the lake says that the client's last erase did not come to its
 * end, until erase_finished.  The client's lock is held, lake_recover was called under it. */
Status erase(const EraseOptions *options, Arena *job_arena, EraseResult *ret_result, Error *err) MUST_CHECK;
/* Of the client's raw files the one with this name or SHA-256 (its first 8 digits or more).  NOT_FOUND with the nearest
 * name; USAGE when several are meant. */
Status erase_find_file(const Lake *lake, const char *client, const char *name, Arena *arena, RawFile *ret_file,
                       Error *err) MUST_CHECK;
/* All is done, marts included: takes the mark away. */
Status erase_finished(const EraseOptions *options, Arena *job_arena, Error *err) MUST_CHECK;
/* Removes older versions of a table from the storage: removed data files whose partition is `client` (NULL: all), and log
 * entries before the newest version, which a checkpoint replaces.  Time travel ends there. */
Status erase_older_versions(const char *table, const char *client, Arena *arena, EraseResult *inout_result, Error *err)
    MUST_CHECK;

#endif
