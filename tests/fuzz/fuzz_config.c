/* Any bytes as a lake's configuration: a lake that can be used, or an error of CONFIG with file, line and message. */
#include "lake/lake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena;
    Error err;
    Lake *lake;
    arena_init(&arena);
    error_init(&err);
    if (lake_parse("lake", (StrView){(const char *)data, (uint32_t)size}, &arena, &lake, &err) != STATUS_OK)
        CHECK(err.code == STATUS_CONFIG && err.message[0] != '\0' && err.row >= 1);
    else
        CHECK(lake->raw && lake->marts && strlen(lake->currency) == 3 && lake->target_file_bytes > 0);
    arena_done(&arena);
    return 0;
}
