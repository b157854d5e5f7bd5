/* The registry of marts: the built-in ones, and those a folder of *.sql files adds or puts in their place.
 *
 * A mart is one SELECT over the table shipments; its tests stand beside it in NAME.tests.yaml (checks.h).  Its first line
 * may be a comment, "-- Title: what it says", which is shown to people; its name is the file's. */
#ifndef FREIGHTLAKE_MART_REGISTRY_H
#define FREIGHTLAKE_MART_REGISTRY_H

#include "base/memory.h"

#define MART_MAX_SQL_BYTES ((size_t)64 << 10)
#define MART_HASH_CHARACTERS 32

/* What the build embeds. */
typedef struct MartSource {
    const char *name;
    const char *sql;
    const char *tests; /* YAML */
} MartSource;
extern const MartSource MART_SOURCES[];
extern const size_t MART_SOURCE_COUNT;

size_t mart_builtin_count(void);
const MartSource *mart_builtin(size_t i);

typedef struct Mart {
    const char *name;
    const char *sql;
    const char *title;                   /* "Carrier performance"; the name in words when the SQL gives none */
    const char *meaning;                 /* "how late, how dear ..."; "" when the SQL gives none */
    const char *file;                    /* where the SQL is from; NULL: built in */
    const char *tests;                   /* YAML text; NULL: none */
    const char *tests_file;              /* where it is from, for messages */
    const Error *broken;                 /* why its files are no mart; NULL: they were read */
    char hash[MART_HASH_CHARACTERS + 1]; /* of the SQL text: another text is another definition */
} Mart;

typedef struct MartRegistry {
    Mart *marts; /* built-in ones in their order, then added ones by name */
    uint32_t n;
} MartRegistry;

/* All memory is job_arena's.  `folder` may be NULL.  A file name that cannot be a mart's name, an empty or oversized file
 * gives CONFIG with the file. */
Status mart_registry_load(const char *folder, Arena *job_arena, MartRegistry *ret_registry, Error *err) MUST_CHECK;

/* The marts of a lake: LAKE/definitions may be empty or not there.  A file that is refused gives a mart with `broken` (one that
 * cannot have its name goes by the file's), so that it keeps no other from being made. */
Status mart_registry_load_optional(const char *folder, Arena *job_arena, MartRegistry *ret_registry, Error *err)
    MUST_CHECK;

/* The hash by which a text of a definition is known: XXH3, 128 bits, in hexadecimal digits. */
void mart_hash(const char *text, char ret_hash[MART_HASH_CHARACTERS + 1]);
/* NULL when there is none of that name. */
const Mart *mart_find(const MartRegistry *registry, const char *name);
/* USAGE: "there is no mart 'x'", with the nearest name or all of them as the hint. */
Status mart_unknown(const MartRegistry *registry, const char *name, Error *err);

#endif
