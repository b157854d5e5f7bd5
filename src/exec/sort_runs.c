#include "exec/sort_runs.h"

#include <string.h>

#define WRITE_BYTES ((size_t)256 << 10)
#define READ_BYTES ((size_t)64 << 10)       /* of a run at a time, where there are few */
#define LEAST_READ_BYTES ((size_t)16 << 10) /* where there are many */
#define PREFIX_BYTES sizeof(uint32_t)

/* ---- writing ---- */

void sort_run_writer_init(SortRunWriter *writer, SpillSpace *space)
{
    *writer = (SortRunWriter){.space = space};
    buffer_init(&writer->buffer, 0);
}

void sort_run_writer_done(SortRunWriter *writer)
{
    spill_file_free(writer->file);
    buffer_done(&writer->buffer);
    mem_free(writer->runs);
    *writer = (SortRunWriter){0};
}

Status sort_run_begin(SortRunWriter *writer, Error *err)
{
    if (!writer->file)
        TRY(spill_file_new(writer->space, &writer->file, err));
    writer->start = spill_file_size(writer->file);
    return STATUS_OK;
}

static Status flush(SortRunWriter *writer, Error *err)
{
    Status status = spill_file_append(writer->file, writer->buffer.data, writer->buffer.size, NULL, err);
    buffer_clear(&writer->buffer);
    return status;
}

Status sort_run_put(SortRunWriter *writer, const void *row, uint32_t size, Error *err)
{
    buffer_append(&writer->buffer, &size, PREFIX_BYTES);
    buffer_append(&writer->buffer, row, size);
    return writer->buffer.size < WRITE_BYTES ? STATUS_OK : flush(writer, err);
}

Status sort_run_end(SortRunWriter *writer, Error *err)
{
    if (writer->buffer.size)
        TRY(flush(writer, err));
    uint64_t size = spill_file_size(writer->file) - writer->start;
    if (size == 0)
        return STATUS_OK;
    if ((writer->n_runs & (writer->n_runs - 1)) == 0)
        writer->runs = mem_realloc(writer->runs, sizeof(SortRun) * (writer->n_runs ? writer->n_runs * 2 : 1));
    writer->runs[writer->n_runs++] = (SortRun){writer->file, writer->start, size};
    return STATUS_OK;
}

/* ---- reading one run ---- */

typedef struct RunReader {
    SortRun run;
    uint64_t read; /* bytes of the run that were read */
    Buffer buffer;
    size_t at; /* of the next row */
    size_t read_bytes;
    const uint8_t *row; /* NULL: the run is at its end */
    uint32_t size;
} RunReader;

/* Makes at least `size` bytes stand at buffer.data + at. */
static Status need(RunReader *reader, size_t size, Error *err)
{
    size_t left = reader->buffer.size - reader->at;
    if (left >= size)
        return STATUS_OK;
    if (left)
        memmove(reader->buffer.data, reader->buffer.data + reader->at, left);
    reader->buffer.size = left;
    reader->at = 0;
    uint64_t rest = reader->run.size - reader->read;
    size_t more = size - left > reader->read_bytes ? size - left : reader->read_bytes;
    more = more < rest ? more : (size_t)rest;
    CHECK(left + more >= size);
    uint8_t *to = buffer_reserve(&reader->buffer, more);
    TRY(spill_file_read(reader->run.file, reader->run.offset + reader->read, to, more, err));
    reader->buffer.size += more;
    reader->read += more;
    return STATUS_OK;
}

static Status advance(RunReader *reader, Error *err)
{
    if (reader->at == reader->buffer.size && reader->read == reader->run.size) {
        reader->row = NULL;
        return STATUS_OK;
    }
    TRY(need(reader, PREFIX_BYTES, err));
    memcpy(&reader->size, reader->buffer.data + reader->at, PREFIX_BYTES);
    TRY(need(reader, PREFIX_BYTES + reader->size, err));
    reader->row = reader->buffer.data + reader->at + PREFIX_BYTES;
    reader->at += PREFIX_BYTES + reader->size;
    return STATUS_OK;
}

/* ---- merging: a heap of readers, the one with the lowest row on top ---- */

struct SortMerge {
    SpillSpace *space;
    size_t memory_bytes;
    RunReader *readers;
    uint32_t n_readers;
    RunReader **heap;
    uint32_t n_heap;
    bool started;
    SortRunWriter levels[2]; /* runs that were merged of others; one is read while the other is written */
};

static int compare_readers(const RunReader *a, const RunReader *b)
{
    int order = memcmp(a->row, b->row, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static void sift_down(SortMerge *merge, uint32_t i)
{
    RunReader *reader = merge->heap[i];
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= merge->n_heap)
            break;
        if (child + 1 < merge->n_heap && compare_readers(merge->heap[child + 1], merge->heap[child]) < 0)
            child++;
        if (compare_readers(reader, merge->heap[child]) <= 0)
            break;
        merge->heap[i] = merge->heap[child];
        i = child;
    }
    merge->heap[i] = reader;
}

static void close_readers(SortMerge *merge)
{
    for (uint32_t i = 0; i < merge->n_readers; i++)
        buffer_done(&merge->readers[i].buffer);
    mem_free(merge->readers);
    mem_free(merge->heap);
    merge->readers = NULL;
    merge->heap = NULL;
    merge->n_readers = merge->n_heap = 0;
}

static Status open_readers(SortMerge *merge, const SortRun *runs, uint32_t n, Error *err)
{
    close_readers(merge);
    size_t read_bytes = merge->memory_bytes / (n + 1);
    merge->readers = mem_zalloc(sizeof *merge->readers * (n + 1));
    merge->heap = mem_alloc(sizeof(RunReader *) * (n + 1));
    merge->n_readers = n;
    merge->started = false;
    for (uint32_t i = 0; i < n; i++) {
        RunReader *reader = &merge->readers[i];
        reader->run = runs[i];
        reader->read_bytes = read_bytes < READ_BYTES ? read_bytes : READ_BYTES;
        buffer_init(&reader->buffer, 0);
        TRY(advance(reader, err));
        if (reader->row)
            merge->heap[merge->n_heap++] = reader;
    }
    for (uint32_t i = merge->n_heap / 2; i-- > 0;)
        sift_down(merge, i);
    return STATUS_OK;
}

Status sort_merge_next(SortMerge *merge, const uint8_t **ret_row, uint32_t *ret_size, Error *err)
{
    if (merge->started && merge->n_heap) { /* the row that was given last is done with */
        TRY(advance(merge->heap[0], err));
        if (!merge->heap[0]->row)
            merge->heap[0] = merge->heap[--merge->n_heap];
        if (merge->n_heap)
            sift_down(merge, 0);
    }
    merge->started = true;
    *ret_row = merge->n_heap ? merge->heap[0]->row : NULL;
    *ret_size = merge->n_heap ? merge->heap[0]->size : 0;
    return STATUS_OK;
}

static Status merge_into(SortMerge *merge, const SortRun *runs, uint32_t n, SortRunWriter *writer, Error *err)
{
    const uint8_t *row;
    uint32_t size;
    TRY(open_readers(merge, runs, n, err));
    TRY(sort_run_begin(writer, err));
    for (;;) {
        TRY(sort_merge_next(merge, &row, &size, err));
        if (!row)
            return sort_run_end(writer, err);
        TRY(sort_run_put(writer, row, size, err));
    }
}

static Status merge_levels(SortMerge *merge, const SortRun *runs, uint32_t n_runs, Error *err)
{
    uint32_t most = (uint32_t)(merge->memory_bytes / LEAST_READ_BYTES) - 1;
    for (int level = 0; n_runs > most; level ^= 1) {
        SortRunWriter *writer = &merge->levels[level];
        sort_run_writer_done(writer);
        sort_run_writer_init(writer, merge->space);
        for (uint32_t first = 0; first < n_runs; first += most)
            TRY(merge_into(merge, runs + first, n_runs - first < most ? n_runs - first : most, writer, err));
        runs = writer->runs;
        n_runs = writer->n_runs;
    }
    return open_readers(merge, runs, n_runs, err);
}

Status sort_merge_new(const SortRun *runs, uint32_t n_runs, SpillSpace *space, size_t memory_bytes,
                      SortMerge **ret_merge, Error *err)
{
    SortMerge *merge = mem_zalloc(sizeof *merge);
    merge->space = space;
    merge->memory_bytes = memory_bytes > SORT_MERGE_LEAST_BYTES ? memory_bytes : SORT_MERGE_LEAST_BYTES;
    Status status = merge_levels(merge, runs, n_runs, err);
    if (status == STATUS_OK)
        *ret_merge = merge;
    else
        sort_merge_free(merge);
    return status;
}

void sort_merge_free(SortMerge *merge)
{
    if (!merge)
        return;
    close_readers(merge);
    sort_run_writer_done(&merge->levels[0]);
    sort_run_writer_done(&merge->levels[1]);
    mem_free(merge);
}
