/* Export; see export.h.
 *
 * Quarantine keeps a record's text as UTF-8, without its line end.  Behind its file's header, in a file of the mapping's
 * form, it is read as it was, so it fails for the same reasons until someone mends it.  A byte order mark wins over the
 * mapping's encoding, so nothing has to be turned back.  What would change the meaning of its neighbours is left out: a
 * quote that does not close takes the next records in, and of a record that was too long only the beginning is kept.
 *
 * Without a header the first record says how many columns there are, so one with the right number is put first. */
#include "ingest/export.h"

#include "ingest/raw.h"
#include "ingest/rewrite.h"
#include "ingest/single_record.h"

typedef struct TextExport {
    const ExportOptions *options;
    SingleRecord *single;
    Buffer *text;
    Buffer first;       /* without a header: the record that tells the columns */
    const char *header; /* of the records so far */
    ExportResult result;
} TextExport;

static Status check_header(TextExport *export, const QuarantineRow *row, Error *err)
{
    const char *header;
    TRY(single_record_header(export->single, row->source_hash, &header, err));
    if (!export->header)
        export->header = header;
    if (strcmp(export->header, header) == 0)
        return STATUS_OK;
    error_set(err, STATUS_DATA, "the records come from files with different columns");
    return error_hint(err, "export them file by file: --file NAME");
}

static void append_record(Buffer *text, StrView record)
{
    buffer_append(text, record.data, record.size);
    buffer_append_byte(text, '\n');
}

static Status text_row(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)ret_stop;
    TextExport *export = context;
    const Mapping *mapping = export->options->mapping;
    RecordBlock *block;
    TRY(check_header(export, row, err));
    TRY(single_record_read(export->single, row->source_hash, row->raw, row->source_row, &block, err));
    uint8_t flaw = block->flaws[0];
    if (flaw == RECORD_FLAW_UNCLOSED_QUOTE || quarantine_has_reason(row->reasons, "record_too_long") ||
        row->raw.size == 0) {
        export->result.left_out++;
        return STATUS_OK;
    }
    bool tells = mapping->input == INPUT_CSV && !mapping->format.header && flaw == RECORD_FLAW_NONE;
    append_record(tells && export->first.size == 0 ? &export->first : export->text, row->raw);
    export->result.records++;
    return STATUS_OK;
}

/* What stands in front of the records. */
static void append_head(const TextExport *export, Buffer *head)
{
    const Mapping *mapping = export->options->mapping;
    bool csv = mapping->input == INPUT_CSV;
    if (mapping->format.encoding != TEXT_UTF8)
        buffer_append_text(head, "\xef\xbb\xbf");
    for (uint32_t i = 0; csv && i < mapping->format.skip_lines; i++)
        buffer_append_byte(head, '\n');
    if (csv && mapping->format.header)
        buffer_append_text(head, export->header);
    buffer_append(head, export->first.data, export->first.size);
}

static Status visit(const ExportOptions *options, void *context,
                    Status (*row)(void *context, const QuarantineRow *row, bool *ret_stop, Error *err), Error *err)
{
    QuarantineVisitor visitor = {context, row};
    return quarantine_visit(options->quarantine, options->filter, options->budget, &visitor, err);
}

Status export_text(const ExportOptions *options, Buffer *text, ExportResult *ret_result, Error *err)
{
    Buffer records, head;
    buffer_init(&records, 0);
    buffer_init(&head, 0);
    TextExport export = {.options = options, .text = &records};
    buffer_init(&export.first, 0);
    Status status = single_record_new(options->lake, options->mapping, &export.single, err);
    if (status == STATUS_OK)
        status = visit(options, &export, text_row, err);
    bool needs_first = options->mapping->input == INPUT_CSV && !options->mapping->format.header;
    if (status == STATUS_OK && needs_first && export.first.size == 0) {
        export.result.left_out += export.result.records;
        export.result.records = 0;
    }
    if (status == STATUS_OK && export.result.records > 0) {
        append_head(&export, &head);
        buffer_append(text, head.data, head.size);
        buffer_append(text, records.data, records.size);
    }
    if (status == STATUS_OK)
        *ret_result = export.result;
    single_record_free(export.single);
    buffer_done(&export.first);
    buffer_done(&records);
    buffer_done(&head);
    return status;
}

typedef struct RawExport {
    Buffer *text;
    uint64_t records;
} RawExport;

static Status raw_row(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)ret_stop;
    (void)err;
    RawExport *export = context;
    append_record(export->text, row->raw);
    export->records++;
    return STATUS_OK;
}

Status export_raw(const ExportOptions *options, Buffer *text, ExportResult *ret_result, Error *err)
{
    RawExport export = {.text = text};
    TRY(visit(options, &export, raw_row, err));
    *ret_result = (ExportResult){.records = export.records};
    return STATUS_OK;
}

/* ---- Parquet ---- */

typedef struct ParquetExport {
    const ExportOptions *options;
    Arena *arena;
    RawFile raw;
    ParquetFile *file; /* NULL: no row yet */
    uint8_t *dropped;
    uint64_t records;
} ParquetExport;

static Status open_raw(ParquetExport *export, const QuarantineRow *row, Error *err)
{
    const ExportOptions *options = export->options;
    StorageReader *reader;
    const char *hash = arena_memdup(export->arena, row->source_hash.data, row->source_hash.size);
    TRY(raw_find(options->lake, options->mapping->client, hash, export->arena, &export->raw, err));
    if (export->raw.redacted) {
        error_set(err, STATUS_DATA, "rows were erased from this file, so it cannot be told which of it are meant");
        error_at_file(err, export->raw.name);
        return error_hint(err, "--raw gives the records as JSON objects");
    }
    TRY(storage_open(export->raw.path, &reader, err));
    TRY(parquet_open(reader, options->budget, &export->file, err));
    export->dropped = mem_alloc(parquet_rows(export->file) + 1);
    memset(export->dropped, 1, parquet_rows(export->file) + 1);
    return STATUS_OK;
}

static Status parquet_row(void *context, const QuarantineRow *row, bool *ret_stop, Error *err)
{
    (void)ret_stop;
    ParquetExport *export = context;
    if (!export->file)
        TRY(open_raw(export, row, err));
    if (!str_equal(row->source_hash, str_view(export->raw.hash))) {
        error_set(err, STATUS_DATA, "the records come from several files");
        return error_hint(err, "export them file by file: --file NAME; --raw gives all as JSON objects");
    }
    if (row->source_row < 1 || (uint64_t)row->source_row > parquet_rows(export->file)) {
        error_set(err, STATUS_CORRUPT, "the file has no row %lld", (long long)row->source_row);
        return error_at_file(err, export->raw.path);
    }
    export->records += export->dropped[row->source_row - 1];
    export->dropped[row->source_row - 1] = 0;
    return STATUS_OK;
}

Status export_parquet(const ExportOptions *options, const char *path, Arena *arena, ExportResult *ret_result,
                      Error *err)
{
    ParquetExport export = {.options = options, .arena = arena};
    Status status = visit(options, &export, parquet_row, err);
    if (status == STATUS_OK && export.records > 0)
        status = rewrite_plain(export.file, export.dropped, path, err);
    parquet_close(export.file);
    mem_free(export.dropped);
    if (status == STATUS_OK)
        *ret_result = (ExportResult){.records = export.records};
    return status;
}
