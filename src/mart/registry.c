/* The registry of marts. */
#include "mart/registry.h"

#include <string.h>
#include <xxhash.h>

#include "base/text.h"
#include "storage/storage.h"
#include "text/yaml.h"

size_t mart_builtin_count(void)
{
    return MART_SOURCE_COUNT;
}

const MartSource *mart_builtin(size_t i)
{
    CHECK(i < MART_SOURCE_COUNT);
    return &MART_SOURCES[i];
}

/* "carrier_performance" -> "Carrier performance" */
static const char *name_in_words(Arena *arena, const char *name)
{
    char *words = arena_strdup(arena, name);
    for (char *c = words; *c; c++)
        if (*c == '_')
            *c = ' ';
    if (words[0] >= 'a' && words[0] <= 'z')
        words[0] = (char)(words[0] - 'a' + 'A');
    return words;
}

static void fill_title(Arena *arena, Mart *mart)
{
    mart->title = name_in_words(arena, mart->name);
    mart->meaning = "";
    if (strncmp(mart->sql, "-- ", 3) != 0)
        return;
    const char *line = mart->sql + 3;
    size_t length = strcspn(line, "\r\n"), title = strcspn(line, ":");
    if (length == 0)
        return;
    if (title >= length) {
        mart->title = arena_memdup(arena, line, length);
        return;
    }
    mart->title = arena_memdup(arena, line, title);
    title += 1 + strspn(line + title + 1, " ");
    if (title < length)
        mart->meaning = arena_memdup(arena, line + title, length - title);
}

void mart_hash(const char *text, char ret_hash[MART_HASH_CHARACTERS + 1])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(text, strlen(text)));
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        ret_hash[2 * i] = digits[canonical.digest[i] >> 4];
        ret_hash[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    ret_hash[MART_HASH_CHARACTERS] = '\0';
}

static Mart make_mart(Arena *arena, const char *name, const char *sql, const char *file)
{
    Mart mart = {.name = name, .sql = sql, .file = file};
    fill_title(arena, &mart);
    mart_hash(sql, mart.hash);
    return mart;
}

/* The mart's name from "DIR/NAME.sql"; NULL when it cannot be one, since it becomes a folder and a table
 * name, and must not be a table that a lake has anyway. */
static char *mart_name_of(Arena *arena, const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t length = strlen(base) - strlen(".sql");
    if (length == 0 || length > 63 || strspn(base, "abcdefghijklmnopqrstuvwxyz0123456789_") != length ||
        (base[0] >= '0' && base[0] <= '9') || base[0] == '_')
        return NULL;
    char *name = arena_memdup(arena, base, length);
    return strcmp(name, "shipments") == 0 || strcmp(name, "quarantine") == 0 ? NULL : name;
}

static Status read_sql(const char *path, Arena *arena, char **ret_sql, Error *err)
{
    CLEANUP(storage_close_cleanup) StorageReader *reader = NULL;
    TRY(storage_open(path, &reader, err));
    if (reader->size_bytes > MART_MAX_SQL_BYTES) {
        error_set(err, STATUS_CONFIG, "a mart's SQL may have %zu bytes, this file has %llu", MART_MAX_SQL_BYTES,
                  (unsigned long long)reader->size_bytes);
        return error_at_file(err, path);
    }
    size_t size = (size_t)reader->size_bytes;
    char *sql = arena_alloc(arena, size + 1);
    TRY(storage_read(reader, 0, sql, size, err));
    sql[size] = '\0';
    if (strlen(sql) != size || strspn(sql, " \t\r\n;") == size) {
        error_set(err, STATUS_CONFIG, strlen(sql) != size ? "a mart's SQL cannot have NUL bytes" : "the file is empty");
        error_hint(err, "a mart is one SELECT over the table shipments");
        return error_at_file(err, path);
    }
    *ret_sql = sql;
    return STATUS_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* NAME.tests.yaml beside NAME.sql. */
static Status read_tests(Mart *mart, Arena *arena, Error *err)
{
    const char *file = arena_printf(arena, "%.*s.tests.yaml", (int)(strlen(mart->file) - strlen(".sql")), mart->file);
    StorageFacts facts;
    StrView text;
    TRY(storage_stat(file, &facts, err));
    if (!facts.exists)
        return STATUS_OK;
    TRY(storage_read_file(file, YAML_MAX_BYTES, arena, &text, err));
    mart->tests = text.data;
    mart->tests_file = file;
    return STATUS_OK;
}

static Status read_mart(Arena *arena, const char *path, Mart *ret_mart, Error *err)
{
    char *name = mart_name_of(arena, path), *sql = NULL;
    if (!name) {
        error_set(err, STATUS_CONFIG, "a mart cannot have this file name");
        error_hint(err,
                   "use lower-case letters, digits and _, such as late_lanes.sql; shipments and quarantine are taken");
        return error_at_file(err, path);
    }
    TRY(read_sql(path, arena, &sql, err));
    Mart mart = make_mart(arena, name, sql, arena_strdup(arena, path));
    TRY(read_tests(&mart, arena, err));
    *ret_mart = mart;
    return STATUS_OK;
}

static Mart broken_mart(Arena *arena, const char *path, const Error *why)
{
    const char *name = mart_name_of(arena, path);
    if (!name)
        name = arena_strdup(arena, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
    Mart mart = make_mart(arena, name, "", arena_strdup(arena, path));
    Error *broken = ARENA_NEW(arena, Error);
    *broken = *why;
    mart.broken = broken;
    return mart;
}

static Status add_file(MartRegistry *registry, Arena *arena, const char *path, bool keep_broken, Error *err)
{
    Mart mart;
    if (read_mart(arena, path, &mart, err) != STATUS_OK) {
        if (!keep_broken)
            return err->code;
        mart = broken_mart(arena, path, err);
        error_init(err);
    }
    uint32_t place = 0;
    while (place < registry->n && strcmp(registry->marts[place].name, mart.name) != 0)
        place++;
    registry->marts[place] = mart;
    registry->n += place == registry->n;
    return STATUS_OK;
}

static Status add_folder(MartRegistry *registry, Arena *arena, const StorageList *list, const char *folder,
                         bool keep_broken, Error *err)
{
    bool found = false;
    for (size_t i = 0; i < list->n; i++)
        if (ends_with(list->entries[i].path, ".sql")) {
            TRY(add_file(registry, arena, list->entries[i].path, keep_broken, err));
            found = true;
        }
    if (!found) {
        error_set(err, STATUS_CONFIG, "no *.sql files are in the folder");
        error_at_file(err, folder);
        return error_hint(err, "a mart is a file NAME.sql with one SELECT over the table shipments");
    }
    return STATUS_OK;
}

static Status load(const char *folder, bool keep_broken, Arena *job_arena, MartRegistry *ret_registry, Error *err)
{
    StorageList list = {0};
    if (folder)
        TRY(storage_list(folder, &list, err));
    MartRegistry registry = {.marts = ARENA_ARRAY(job_arena, Mart, MART_SOURCE_COUNT + list.n)};
    for (size_t i = 0; i < MART_SOURCE_COUNT; i++) {
        Mart *mart = &registry.marts[registry.n++];
        *mart = make_mart(job_arena, MART_SOURCES[i].name, MART_SOURCES[i].sql, NULL);
        mart->tests = MART_SOURCES[i].tests;
        mart->tests_file = arena_printf(job_arena, "tests of the built-in mart %s", mart->name);
    }
    Status status = STATUS_OK;
    if (folder) {
        status = add_folder(&registry, job_arena, &list, folder, keep_broken, err);
        storage_list_done(&list);
    }
    if (status == STATUS_OK)
        *ret_registry = registry;
    return status;
}

Status mart_registry_load(const char *folder, Arena *job_arena, MartRegistry *ret_registry, Error *err)
{
    return load(folder, false, job_arena, ret_registry, err);
}

Status mart_registry_load_optional(const char *folder, Arena *job_arena, MartRegistry *ret_registry, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(folder, false, NULL, &list, err));
    bool any = false;
    for (size_t i = 0; i < list.n; i++)
        any |= ends_with(list.entries[i].path, ".sql");
    storage_list_done(&list);
    return load(any ? folder : NULL, true, job_arena, ret_registry, err);
}

const Mart *mart_find(const MartRegistry *registry, const char *name)
{
    for (uint32_t i = 0; i < registry->n; i++)
        if (strcmp(registry->marts[i].name, name) == 0)
            return &registry->marts[i];
    return NULL;
}

Status mart_unknown(const MartRegistry *registry, const char *name, Error *err)
{
    Arena arena;
    arena_init(&arena);
    const char **names = ARENA_ARRAY(&arena, const char *, registry->n);
    Buffer all;
    buffer_init(&all, 0);
    for (uint32_t i = 0; i < registry->n; i++) {
        names[i] = registry->marts[i].name;
        buffer_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    error_set(err, STATUS_USAGE, "there is no mart '%s'", name);
    const char *nearest = text_nearest(name, names, registry->n);
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    else
        error_hint(err, "the marts are %s", buffer_text(&all));
    buffer_done(&all);
    arena_done(&arena);
    return err->code;
}
