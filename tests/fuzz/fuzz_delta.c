/* Any bytes as a commit of a Delta log: its actions, or an error of CORRUPT or UNSUPPORTED with a message, which names the
 * line unless the entry as a whole is at fault.  What was read is asked for the statistics and partition values of its files. */
#include "delta/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_file(const LogActions *actions, const LogFile *file, Arena *arena)
{
    DeltaSnapshot snapshot = {.table = "t", .metadata = actions->metadata->metadata};
    const char *values[1] = {file->n_partitions ? file->partitions[0].value : NULL};
    DeltaFile asked = file->file;
    Error err;
    error_init(&err);
    asked.partition_values = values;
    for (uint32_t column = 0; column < snapshot.metadata.schema.n; column++) {
        ParquetStatistics statistics;
        if (snapshot.metadata.n_partition_columns <= 1)
            (void)delta_file_statistics(&snapshot, &asked, column, arena, &statistics);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena;
    Error err;
    LogActions actions;
    arena_init(&arena);
    error_init(&err);
    Status status =
        log_parse("00000000000000000000.json", (StrView){(const char *)data, (uint32_t)size}, &arena, &actions, &err);
    if (status != STATUS_OK)
        CHECK((status == STATUS_CORRUPT || status == STATUS_UNSUPPORTED) && err.message[0] != '\0' &&
              (err.row >= 1 || strstr(err.message, "entry")));
    else
        for (uint32_t i = 0; actions.metadata && i < actions.n_files; i++)
            ask_file(&actions, &actions.files[i], &arena);
    arena_done(&arena);
    return 0;
}
