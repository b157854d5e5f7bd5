/* What several commands share: threads, memory and where its overflow goes, and where a statement's text comes from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/command.h"
#include "storage/storage.h"

#define MAX_THREADS 1024
#define MAX_SQL_BYTES ((size_t)1 << 20)

/* The limit in a file of the control group file system, SIZE_MAX when it has none ("max"). */
static size_t read_limit(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return SIZE_MAX;
    char text[64] = "";
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    return end == text || value == 0 ? SIZE_MAX : (size_t)value;
}

size_t default_memory_limit(void)
{
    static const char *const group_files[] = {"/sys/fs/cgroup/memory.max",
                                              "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
    size_t limit = pages > 0 && page_size > 0 ? (size_t)pages * (size_t)page_size : (size_t)4 << 30;
    for (size_t i = 0; i < ARRAY_SIZE(group_files); i++) {
        size_t group = read_limit(group_files[i]);
        limit = group < limit ? group : limit;
    }
    return limit / 5 * 4;
}

/* Not /tmp: it often lies in memory. */
static const char *default_spill_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/var/tmp";
}

/* A lake can have thousands of files open at once; the soft limit is there for programs that use select(). */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

Status resources_init(Resources *resources, const Arguments *arguments, Error *err)
{
    int64_t threads;
    TRY(arguments_integer(arguments, "threads", 0, MAX_THREADS, &threads, err));
    size_t limit = default_memory_limit();
    TRY(arguments_bytes(arguments, "memory-limit", &limit, err));
    if (limit == 0) {
        error_set(err, STATUS_USAGE, "--memory-limit cannot be 0");
        return error_hint(err, "leave it out to use four fifths of the machine's memory");
    }
    raise_file_limit();
    size_t spill_limit = 0;
    TRY(arguments_bytes(arguments, "spill-limit", &spill_limit, err));
    const char *spill_folder = arguments_text(arguments, "spill-dir");
    budget_init(&resources->budget, limit);
    spill_space_init(&resources->spill, spill_folder ? spill_folder : default_spill_folder(), spill_limit);
    resources->budget.spill = &resources->spill;
    resources->pool = pool_new((int)threads);
    return STATUS_OK;
}

void resources_done(Resources *resources)
{
    pool_free(resources->pool);
    resources->pool = NULL;
}

static Status too_long(Error *err)
{
    return error_set(err, STATUS_SQL, "the SQL text is longer than %zu bytes", MAX_SQL_BYTES);
}

static Status read_standard_input(Arena *arena, const char **ret_sql, Error *err)
{
    char *text = arena_alloc(arena, MAX_SQL_BYTES + 1);
    size_t size = 0;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, text + size, MAX_SQL_BYTES + 1 - size);
        if (n < 0 && errno == EINTR) {
            TRY(interrupt_check(err));
            continue;
        }
        if (n < 0)
            return error_set_errno(err, errno, "standard input cannot be read");
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > MAX_SQL_BYTES)
            return too_long(err);
    }
    text[size] = '\0';
    if (strlen(text) != size)
        return error_set(err, STATUS_SQL, "the SQL text has NUL bytes");
    *ret_sql = text;
    return STATUS_OK;
}

static Status read_file(const char *path, Arena *arena, const char **ret_sql, Error *err)
{
    CLEANUP(storage_close_cleanup) StorageReader *reader = NULL;
    TRY(storage_open(path, &reader, err));
    if (reader->size_bytes > MAX_SQL_BYTES) {
        too_long(err);
        return error_at_file(err, path);
    }
    size_t size = (size_t)reader->size_bytes;
    char *text = arena_alloc(arena, size + 1);
    TRY(storage_read(reader, 0, text, size, err));
    text[size] = '\0';
    if (strlen(text) != size) {
        error_set(err, STATUS_SQL, "the SQL text has NUL bytes");
        return error_at_file(err, path);
    }
    *ret_sql = text;
    return STATUS_OK;
}

Status statement_text(const Arguments *arguments, Arena *job_arena, const char **ret_sql, Error *err)
{
    const char *path = arguments_text(arguments, "file");
    if (path && arguments->n_operands > 0) {
        error_set(err, STATUS_USAGE, "the SQL is given twice: on the command line and as --file");
        return error_hint(err, "give it once");
    }
    if (path && strcmp(path, "-") != 0)
        return read_file(path, job_arena, ret_sql, err);
    if (!path && arguments->n_operands == 0) {
        error_set(err, STATUS_USAGE, "'%s' needs a statement", arguments->command->name);
        return error_hint(err, "for example: freightlake %s", arguments->command->examples[0].command);
    }
    if (path || strcmp(arguments->operands[0], "-") == 0)
        return read_standard_input(job_arena, ret_sql, err);
    *ret_sql = arguments->operands[0];
    return STATUS_OK;
}
