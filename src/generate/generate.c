/* generate_run: all threads make chunks of rows and hand them over to the files, then a manifest says what was made.
 *
 *   output_take -> per block of 2,048 rows: model->fill, bad_rows_apply -> text_form_append or row_group_add
 *               -> output_append_text or row_group_encode + output_append_row_group
 *
 * Why the bytes do not depend on threads: a row is a function of seed and row number, chunks are cut by row number, and
 * they enter their file in order. */
#include "generate/generate.h"

#include <math.h>

#include "base/clock.h"
#include "generate/bad.h"
#include "generate/output.h"
#include "generate/row_group.h"
#include "generate/text_form.h"

#define ROW_GROUP_ROWS (1u << 20)
#define TEXT_CHUNK_ROWS (1u << 16)

typedef struct Run {
    const GenerateOptions *options;
    const Model *model;
    BadRows bad;
    TextForm form;
    Output *output;
    uint64_t (*bad_counts)[GENERATE_BAD_COUNT]; /* by worker */
} Run;

/* What one worker reuses from chunk to chunk. */
typedef struct Worker {
    Run *run;
    Block *block;
    Buffer text;
    RowGroupMaker *maker;
    ParquetEncodedRowGroup *row_group;
    uint64_t *bad_counts;
} Worker;

/* The next block of a chunk, with its bad rows. */
static void fill_block(Worker *worker, uint64_t first_row, uint64_t end_row)
{
    Block *block = worker->block;
    block->first_row = first_row;
    block->n = end_row - first_row < BLOCK_ROWS ? (uint32_t)(end_row - first_row) : BLOCK_ROWS;
    worker->run->model->fill(worker->run->model, block);
    bad_rows_apply(&worker->run->bad, worker->run->model, block, worker->bad_counts);
}

static Status make_text_chunk(Worker *worker, const Chunk *chunk, Error *err)
{
    Run *run = worker->run;
    buffer_clear(&worker->text);
    if (chunk->index == 0 && run->options->format == GENERATE_CSV)
        text_form_header(run->model, &worker->text);
    uint64_t end_row = chunk->first_row + chunk->n_rows;
    for (uint64_t row = chunk->first_row; row < end_row; row += BLOCK_ROWS) {
        fill_block(worker, row, end_row);
        text_form_append(&run->form, worker->block, &worker->text);
    }
    return output_append_text(run->output, chunk, &worker->text, err);
}

static Status make_row_group_chunk(Worker *worker, const Chunk *chunk, Error *err)
{
    Run *run = worker->run;
    if (chunk->n_rows == 0)
        return output_append_row_group(run->output, chunk, NULL, err);
    row_group_clear(worker->maker);
    uint64_t end_row = chunk->first_row + chunk->n_rows;
    for (uint64_t row = chunk->first_row; row < end_row; row += BLOCK_ROWS) {
        fill_block(worker, row, end_row);
        row_group_add(worker->maker, worker->block);
    }
    TRY(row_group_encode(worker->maker, output_parquet_writer(chunk), &worker->row_group, err));
    return output_append_row_group(run->output, chunk, worker->row_group, err);
}

static uint32_t chunk_rows_of(const GenerateOptions *options)
{
    uint64_t most = options->format == GENERATE_PARQUET ? ROW_GROUP_ROWS : TEXT_CHUNK_ROWS;
    uint64_t of_a_file = options->rows / options->files + 1;
    return (uint32_t)(of_a_file < most ? of_a_file : most);
}

static void work(void *context, int number)
{
    Run *run = context;
    bool parquet = run->options->format == GENERATE_PARQUET;
    Worker worker = {.run = run, .bad_counts = run->bad_counts[number], .block = mem_alloc(sizeof(Block))};
    buffer_init(&worker.text, 0);
    if (parquet)
        worker.maker = row_group_maker_new(run->model, chunk_rows_of(run->options));
    Error err;
    error_init(&err);
    Chunk chunk;
    while (output_take(run->output, &chunk)) {
        Status status = parquet ? make_row_group_chunk(&worker, &chunk, &err) : make_text_chunk(&worker, &chunk, &err);
        if (status != STATUS_OK)
            output_fail(run->output, &err);
    }
    row_group_maker_free(worker.maker);
    parquet_encoded_row_group_free(worker.row_group);
    buffer_done(&worker.text);
    mem_free(worker.block);
}

static void append_date(Buffer *text, int32_t days)
{
    CivilDate date = civil_from_days(days);
    buffer_printf(text, "\"%04d-%02d-%02d\"", date.year, date.month, date.day);
}

static const char *codec_name(const GenerateOptions *options)
{
    if (options->format != GENERATE_PARQUET)
        return "none";
    return options->codec == PARQUET_SNAPPY ? "snappy" : options->codec == PARQUET_ZSTD ? "zstd" : "none";
}

/* Says how the rows were made; the same run writes the same bytes. */
static Status write_manifest(const GenerateOptions *options, const Model *model, const GenerateSummary *summary,
                             Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text, "{\n  \"generator\": \"freightlake %s\",\n", FREIGHTLAKE_VERSION);
    buffer_printf(&text, "  \"scenario\": \"%s\",\n  \"seed\": %llu,\n", generate_scenario_name(options->scenario),
                  (unsigned long long)options->seed);
    buffer_append_text(&text, "  \"as_of\": ");
    append_date(&text, options->as_of);
    buffer_printf(&text, ",\n  \"unique_ids\": %s,\n", model->serial_ids ? "true" : "false");
    buffer_printf(&text, "  \"format\": \"%s\",\n  \"codec\": \"%s\",\n", generate_format_name(options->format),
                  codec_name(options));
    buffer_printf(&text, "  \"rows\": %llu,\n  \"files\": %u,\n  \"bytes\": %llu,\n", (unsigned long long)summary->rows,
                  summary->files, (unsigned long long)summary->bytes);
    buffer_printf(&text, "  \"bad_rows_total\": %llu,\n  \"bad_rows\": {", (unsigned long long)summary->bad_rows_total);
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++)
        buffer_printf(&text, "%s\n    \"%s\": %llu", kind ? "," : "", generate_bad_kind_name((GenerateBadKind)kind),
                      (unsigned long long)summary->bad_rows[kind]);
    buffer_append_text(&text, "\n  }\n}\n");

    CLEANUP(mem_cleanup) char *path = mem_printf("%s/_generate.json", options->out);
    StorageWriter *writer;
    Status status = storage_create(path, &writer, err);
    if (status == STATUS_OK) {
        status = storage_write(writer, 0, text.data, text.size, err);
        if (status == STATUS_OK)
            status = storage_commit(writer, err);
        else
            storage_discard(writer);
    }
    buffer_done(&text);
    return status;
}

/* Makes all files; fills rows, bytes, files and bad rows of the summary. */
static Status make_files(Run *run, Arena *arena, GenerateSummary *summary, Error *err)
{
    const GenerateOptions *options = run->options;
    TRY(output_new(options, &run->model->schema, chunk_rows_of(options), &run->output, err));
    int threads = pool_threads(options->pool);
    run->bad_counts = arena_zalloc(arena, sizeof *run->bad_counts * (size_t)threads);
    pool_run(options->pool, work, run);
    Status status = output_result(run->output, &summary->bytes, err);
    output_free(run->output);
    summary->rows = options->rows;
    summary->files = options->files;
    for (int i = 0; i < threads; i++)
        for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++) {
            summary->bad_rows[kind] += run->bad_counts[i][kind];
            summary->bad_rows_total += run->bad_counts[i][kind];
        }
    return status;
}

static const Model *make_model(const GenerateOptions *options, TextForm *form, Arena *arena)
{
    const Model *model = options->scenario == GENERATE_SCENARIO_SWIFTSHIP ? model_swiftship(options, arena)
                                                                          : model_original(options, arena);
    if (options->format != GENERATE_PARQUET) {
        text_form_init(form, model, options->format == GENERATE_CSV ? DOMAIN_CSV : DOMAIN_JSON, arena);
        return model;
    }
    for (uint32_t i = 0; i < model->schema.n; i++)
        if (model->domains[i])
            domain_sort(model->domains[i], arena);
    return model;
}

Status generate_run(const GenerateOptions *options, GenerateSummary *ret_summary, Error *err)
{
    double start = clock_seconds();
    TRY(generate_check_options(options, err));
    Arena arena;
    arena_init(&arena);
    Run run = {.options = options};
    run.model = make_model(options, &run.form, &arena);
    bad_rows_init(&run.bad, options);
    GenerateSummary summary = {0};
    Status status = make_files(&run, &arena, &summary, err);
    if (status == STATUS_OK)
        status = write_manifest(options, run.model, &summary, err);
    arena_done(&arena);
    summary.seconds = clock_seconds() - start;
    if (status == STATUS_OK)
        *ret_summary = summary;
    return status;
}
