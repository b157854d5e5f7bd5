/* Tests that were passed; see tested.h.  A file is one line: "HASH VERSION". */
#include "mart/tested.h"

#include "storage/storage.h"

#define MAX_TESTED_BYTES ((size_t)1 << 10)

static char *tested_path(const Lake *lake, const Mart *mart, Arena *arena)
{
    return arena_printf(arena, "%s/state/%s.tested", lake->control, mart->name);
}

static StrView tested_line(const Mart *mart, int64_t version, Arena *arena)
{
    char hash[MART_HASH_CHARACTERS + 1];
    mart_hash(mart->tests, hash);
    return str_view(arena_printf(arena, "%s %lld\n", hash, (long long)version));
}

Status tested_check(const Lake *lake, const Mart *mart, int64_t version, Arena *arena, bool *ret_passed, Error *err)
{
    const char *path = tested_path(lake, mart, arena);
    StrView text = {0};
    if (!mart->tests) {
        *ret_passed = true;
        return STATUS_OK;
    }
    Status status = storage_read_file(path, MAX_TESTED_BYTES, arena, &text, err);
    if (status == STATUS_NOT_FOUND || status == STATUS_DATA) /* there is none, or it is too long to be one */
        error_init(err);
    else if (status != STATUS_OK)
        return status;
    *ret_passed = str_equal(text, tested_line(mart, version, arena));
    return STATUS_OK;
}

Status tested_save(const Lake *lake, const Mart *mart, int64_t version, Arena *arena, Error *err)
{
    if (!mart->tests)
        return STATUS_OK;
    StrView line = tested_line(mart, version, arena);
    return storage_write_file(tested_path(lake, mart, arena), line.data, line.size, err);
}
