/* commit: what one commit to a Delta table costs beside the least a durable one can cost on the same disk.
 *
 *   commit FOLDER [N]
 *
 * N times in turn: a bare write + fsync + link + fsync of the folder, of as many bytes as a log entry has; loading the
 * newest snapshot; delta_commit of one file on top of it.  Prints medians, the mean of commits with their checkpoints
 * (every tenth), and the ratio as JSON. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "delta/commit.h"

#define ENTRY_BYTES 700

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "commit: line %d: %s\n", __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static void must(Status status, const Error *err)
{
    if (status != STATUS_OK) {
        fprintf(stderr, "commit: %s\n", err->message);
        exit(1);
    }
}

static double bare_commit(const char *folder, int number)
{
    char temporary[4200], path[4200], bytes[ENTRY_BYTES];
    memset(bytes, 'x', sizeof bytes);
    snprintf(temporary, sizeof temporary, "%s/.entry", folder);
    snprintf(path, sizeof path, "%s/%020d.json", folder, number);
    double start = clock_seconds();
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    REQUIRE(file >= 0 && write(file, bytes, sizeof bytes) == (ssize_t)sizeof bytes && fsync(file) == 0);
    REQUIRE(close(file) == 0 && link(temporary, path) == 0);
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(directory >= 0 && fsync(directory) == 0 && close(directory) == 0);
    double seconds = clock_seconds() - start;
    REQUIRE(unlink(temporary) == 0);
    return seconds;
}

static DeltaMetadata one_column(Arena *arena)
{
    Field *field = ARENA_NEW(arena, Field);
    *field = (Field){.name = "shipment_id", .type = DATA_TYPE(STRING), .nullable = true};
    return (DeltaMetadata){.id = delta_uuid(arena), .schema = {.fields = field, .n = 1}, .created_time_ms = 1};
}

static DeltaFile one_file(Arena *arena)
{
    static const char statistics[] = "{\"numRecords\":1000,\"minValues\":{\"shipment_id\":\"SH1\"},"
                                     "\"maxValues\":{\"shipment_id\":\"SH9\"},\"nullCount\":{\"shipment_id\":0}}";
    static const DeltaMetadata unpartitioned = {0};
    return (DeltaFile){.path = delta_data_path(&unpartitioned, NULL, arena),
                       .size_bytes = 12345,
                       .modification_time_ms = 1,
                       .num_records = 1000,
                       .statistics = statistics};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[n / 2];
}

int main(int n_words, char **words)
{
    REQUIRE(n_words >= 2);
    int n = n_words > 2 ? atoi(words[2]) : 200;
    REQUIRE(n > 0);
    char table[4150], bare_folder[4150];
    Arena arena;
    Error err;
    arena_init(&arena);
    error_init(&err);
    snprintf(table, sizeof table, "%s/table", words[1]);
    snprintf(bare_folder, sizeof bare_folder, "%s/bare", words[1]);
    REQUIRE(mkdir(words[1], 0777) == 0 && mkdir(bare_folder, 0777) == 0);
    DeltaMetadata metadata = one_column(&arena);
    must(delta_create(table, &(DeltaCommit){.operation = "CREATE TABLE", .metadata = &metadata}, &err), &err);
    double *bare = mem_alloc(sizeof *bare * (size_t)n), *load = mem_alloc(sizeof *load * (size_t)n);
    double *commit = mem_alloc(sizeof *commit * (size_t)n), all = 0;
    for (int i = 0; i < n; i++) {
        DeltaSnapshot *snapshot;
        int64_t version;
        bare[i] = bare_commit(bare_folder, i);
        double start = clock_seconds();
        must(delta_snapshot_load(table, (DeltaVersion){.kind = DELTA_NEWEST}, &arena, &snapshot, &err), &err);
        load[i] = clock_seconds() - start;
        DeltaFile file = one_file(&arena);
        start = clock_seconds();
        must(delta_commit(snapshot,
                          &(DeltaCommit){.operation = "WRITE", .adds = &file, .n_adds = 1, .data_change = true},
                          &version, &err),
             &err);
        commit[i] = clock_seconds() - start;
        all += commit[i];
        arena_reset(&arena);
    }
    double bare_median = median(bare, n), commit_median = median(commit, n);
    printf("{\"commits\": %d, \"bare_ms\": %.3f, \"commit_ms\": %.3f, \"commit_with_checkpoints_ms\": %.3f, "
           "\"snapshot_load_ms\": %.3f, \"ratio\": %.2f}\n",
           n, 1e3 * bare_median, 1e3 * commit_median, 1e3 * all / n, 1e3 * median(load, n),
           commit_median / bare_median);
    mem_free(bare);
    mem_free(load);
    mem_free(commit);
    arena_done(&arena);
    return 0;
}
