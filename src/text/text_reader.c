/* TextReader: the record reader that fits a source's format. */
#include "text/text_internal.h"

struct TextReader {
    CsvReader *csv;
    NdjsonReader *ndjson;
};

static Status find_column(const TextSource *source, const char *name, uint32_t *ret_column, Error *err)
{
    uint32_t n;
    const StrView *columns = text_source_columns(source, &n);
    for (uint32_t i = 0; i < n; i++)
        if (str_equal(columns[i], str_view(name))) {
            *ret_column = i;
            return STATUS_OK;
        }
    const char **names = mem_alloc(sizeof(char *) * (n + 1));
    Arena arena;
    arena_init(&arena);
    for (uint32_t i = 0; i < n; i++)
        names[i] = arena_memdup(&arena, columns[i].data, columns[i].size);
    error_set(err, STATUS_DATA, "the file has no column \"%.200s\"", name);
    error_at_column(err, name);
    const char *near = text_nearest(name, names, n);
    if (near)
        error_hint(err, "did you mean \"%s\"?", near);
    else
        error_hint(err, "it has %s, the first is \"%.80s\"", PLURAL(n, "column"), n ? names[0] : "");
    arena_done(&arena);
    mem_free(names);
    return err->code;
}

Status text_reader_new(const TextSource *source, const char *const *wanted_names, uint32_t n_wanted,
                       TextReader **ret_reader, Error *err)
{
    TextReader *reader = mem_zalloc(sizeof *reader);
    if (text_source_format(source)->kind == TEXT_NDJSON) {
        reader->ndjson = ndjson_reader_new(wanted_names, n_wanted);
        *ret_reader = reader;
        return STATUS_OK;
    }
    uint32_t *columns = mem_alloc(sizeof(uint32_t) * (n_wanted + 1));
    Status status = STATUS_OK;
    for (uint32_t i = 0; i < n_wanted && status == STATUS_OK; i++)
        status = find_column(source, wanted_names[i], &columns[i], err);
    if (status == STATUS_OK)
        reader->csv = csv_reader_new(source, columns, n_wanted);
    mem_free(columns);
    if (status != STATUS_OK) {
        mem_free(reader);
        return status;
    }
    *ret_reader = reader;
    return STATUS_OK;
}

void text_reader_free(TextReader *reader)
{
    if (!reader)
        return;
    csv_reader_free(reader->csv);
    ndjson_reader_free(reader->ndjson);
    mem_free(reader);
}

void text_reader_start(TextReader *reader, const TextPiece *piece)
{
    if (reader->csv)
        csv_reader_start(reader->csv, piece);
    else
        ndjson_reader_start(reader->ndjson, piece);
}

void text_reader_next(TextReader *reader, RecordBlock *block)
{
    if (reader->csv)
        csv_reader_next(reader->csv, block);
    else
        ndjson_reader_next(reader->ndjson, block);
}
