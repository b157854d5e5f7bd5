/* Output: see output.h.
 *
 * One mutex guards everything but the writing itself.  Lines are written at offsets that are handed out in order, so
 * writes of one file overlap; row groups are appended one after the other.  No thread can wait for ever: a chunk waits
 * only for chunks dealt out before it, and a failure wakes all. */
#include "generate/output.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct OutputFile {
    char *path;
    StorageWriter *storage;
    ParquetWriter *parquet;
    uint32_t n_chunks;
    uint32_t n_ordered; /* chunks whose place in the file is settled */
    uint32_t n_written;
    uint64_t bytes;
};

struct Output {
    const GenerateOptions *options;
    const Schema *schema;
    ParquetWriterOptions parquet_options;
    uint32_t chunk_rows;
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    OutputFile *files;
    uint32_t next_file;
    uint32_t next_chunk;
    uint64_t rows_done;
    bool failed;
    Error error;
};

static const char *extension(GenerateFormat format)
{
    static const char *const extensions[] = {
#define X(id, name, extension) extension,
        GENERATE_FORMAT_TABLE(X)
#undef X
    };
    return extensions[format];
}

/* First row of a file: rows are split evenly, the remainder spread over the files. */
static uint64_t first_row_of(const GenerateOptions *options, uint32_t file)
{
    return (uint64_t)((unsigned __int128)options->rows * file / options->files);
}

/* A part file of an earlier run that this one does not replace would be read together with this run's files. */
static Status check_folder(const GenerateOptions *options, Error *err)
{
    CLEANUP(mem_cleanup) char *pattern = mem_printf("%s/part-*", options->out);
    StorageList list;
    Error missing;
    error_init(&missing);
    if (storage_list(pattern, &list, &missing) != STATUS_OK)
        return STATUS_OK;
    Status status = STATUS_OK;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++) {
        const char *slash = strrchr(list.entries[i].path, '/');
        const char *name = slash ? slash + 1 : list.entries[i].path;
        const char *digits = name + strlen("part-");
        char *rest;
        unsigned long number = strtoul(digits, &rest, 10);
        if (*digits >= '0' && *digits <= '9' && number < options->files && *rest == '.' &&
            strcmp(rest + 1, extension(options->format)) == 0)
            continue;
        error_set(err, STATUS_USAGE, "the folder holds %s of another run, which would mix with this one's files", name);
        error_at_file(err, options->out);
        status = error_hint(err, "choose another folder, or remove the part files of the other run");
    }
    storage_list_done(&list);
    return status;
}

Status output_new(const GenerateOptions *options, const Schema *schema, uint32_t chunk_rows, Output **ret_output,
                  Error *err)
{
    TRY(storage_make_folder(options->out, err));
    TRY(check_folder(options, err));
    Output *output = mem_zalloc(sizeof *output);
    output->options = options;
    output->schema = schema;
    output->parquet_options = (ParquetWriterOptions){.codec = options->codec, .row_group_rows = chunk_rows};
    output->chunk_rows = chunk_rows;
    output->files = mem_zalloc(sizeof(OutputFile) * options->files);
    pthread_mutex_init(&output->mutex, NULL);
    pthread_cond_init(&output->turn, NULL);
    error_init(&output->error);
    *ret_output = output;
    return STATUS_OK;
}

static void close_file(OutputFile *file)
{
    parquet_writer_free(file->parquet);
    storage_discard(file->storage);
    mem_free(file->path);
    *file = (OutputFile){.bytes = file->bytes};
}

void output_free(Output *output)
{
    for (uint32_t i = 0; i < output->options->files; i++)
        close_file(&output->files[i]);
    mem_free(output->files);
    pthread_mutex_destroy(&output->mutex);
    pthread_cond_destroy(&output->turn);
    mem_free(output);
}

/* With the mutex held. */
static void keep_failure(Output *output, const Error *err)
{
    if (!output->failed)
        output->error = *err;
    output->failed = true;
    pthread_cond_broadcast(&output->turn);
}

void output_fail(Output *output, const Error *err)
{
    pthread_mutex_lock(&output->mutex);
    keep_failure(output, err);
    pthread_mutex_unlock(&output->mutex);
}

static Status open_file(Output *output, OutputFile *file, uint32_t number, Error *err)
{
    const GenerateOptions *options = output->options;
    file->path = mem_printf("%s/part-%05u.%s", options->out, number, extension(options->format));
    TRY(storage_create(file->path, &file->storage, err));
    if (options->format == GENERATE_PARQUET)
        TRY(parquet_writer_new(file->storage, output->schema, &output->parquet_options, &file->parquet, err));
    return STATUS_OK;
}

/* With the mutex held. */
static bool take(Output *output, Chunk *ret_chunk)
{
    const GenerateOptions *options = output->options;
    Error err;
    error_init(&err);
    if (interrupt_check(&err) != STATUS_OK)
        keep_failure(output, &err);
    if (output->failed || output->next_file == options->files)
        return false;
    uint32_t number = output->next_file;
    OutputFile *file = &output->files[number];
    uint64_t first = first_row_of(options, number);
    uint64_t n_rows = first_row_of(options, number + 1) - first;
    if (output->next_chunk == 0) {
        uint64_t n_chunks = (n_rows + output->chunk_rows - 1) / output->chunk_rows;
        file->n_chunks = n_chunks > 0 ? (uint32_t)n_chunks : 1;
        if (open_file(output, file, number, &err) != STATUS_OK) {
            keep_failure(output, &err);
            return false;
        }
    }
    uint64_t skipped = (uint64_t)output->next_chunk * output->chunk_rows;
    uint64_t left = n_rows - skipped;
    *ret_chunk = (Chunk){.file = file,
                         .index = output->next_chunk,
                         .first_row = first + skipped,
                         .n_rows = left < output->chunk_rows ? (uint32_t)left : output->chunk_rows};
    if (++output->next_chunk == file->n_chunks) {
        output->next_chunk = 0;
        output->next_file++;
    }
    return true;
}

bool output_take(Output *output, Chunk *ret_chunk)
{
    pthread_mutex_lock(&output->mutex);
    bool taken = take(output, ret_chunk);
    pthread_mutex_unlock(&output->mutex);
    return taken;
}

const ParquetWriter *output_parquet_writer(const Chunk *chunk)
{
    return chunk->file->parquet;
}

/* With the mutex held; false when the run failed meanwhile. */
static bool wait_for_turn(Output *output, const Chunk *chunk)
{
    while (!output->failed && chunk->file->n_ordered != chunk->index)
        pthread_cond_wait(&output->turn, &output->mutex);
    return !output->failed;
}

/* With the mutex held: the place of this chunk is settled, the next one may come. */
static void pass_turn(Output *output, const Chunk *chunk)
{
    chunk->file->n_ordered++;
    pthread_cond_broadcast(&output->turn);
}

static Status finish_file(OutputFile *file, Error *err)
{
    if (file->parquet)
        TRY(parquet_finish(file->parquet, &file->bytes, err));
    StorageWriter *storage = file->storage;
    file->storage = NULL;
    TRY(storage_commit(storage, err));
    close_file(file);
    return STATUS_OK;
}

/* Counts a written chunk, and completes the file with its last one. */
static Status chunk_written(Output *output, const Chunk *chunk, Error *err)
{
    pthread_mutex_lock(&output->mutex);
    bool last = ++chunk->file->n_written == chunk->file->n_chunks;
    output->rows_done += chunk->n_rows;
    if (output->options->progress)
        output->options->progress(output->options->progress_context, output->rows_done, output->options->rows);
    pthread_mutex_unlock(&output->mutex);
    return last ? finish_file(chunk->file, err) : STATUS_OK;
}

Status output_append_text(Output *output, const Chunk *chunk, const Buffer *text, Error *err)
{
    OutputFile *file = chunk->file;
    pthread_mutex_lock(&output->mutex);
    bool going_on = wait_for_turn(output, chunk);
    uint64_t offset = file->bytes;
    file->bytes += text->size;
    pass_turn(output, chunk);
    pthread_mutex_unlock(&output->mutex);
    if (!going_on)
        return STATUS_OK;
    if (text->size > 0)
        TRY(storage_write(file->storage, offset, text->data, text->size, err));
    return chunk_written(output, chunk, err);
}

Status output_append_row_group(Output *output, const Chunk *chunk, const ParquetEncodedRowGroup *row_group, Error *err)
{
    pthread_mutex_lock(&output->mutex);
    bool going_on = wait_for_turn(output, chunk);
    pthread_mutex_unlock(&output->mutex);
    if (!going_on)
        return STATUS_OK;
    if (row_group)
        TRY(parquet_append_row_group(chunk->file->parquet, row_group, err));
    pthread_mutex_lock(&output->mutex);
    pass_turn(output, chunk);
    pthread_mutex_unlock(&output->mutex);
    return chunk_written(output, chunk, err);
}

Status output_result(const Output *output, uint64_t *ret_bytes, Error *err)
{
    if (output->failed) {
        *err = output->error;
        return err->code;
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < output->options->files; i++)
        bytes += output->files[i].bytes;
    *ret_bytes = bytes;
    return STATUS_OK;
}
