/* Sample; see sample.h.
 *
 * What kind of file it is its first bytes say: "PAR1" is Parquet, anything else is text for text_sniff.  The names of
 * NDJSON members are gathered from the first records, nested objects by dotted path. */
#include "ingest/sample.h"

#include <jansson.h>
#include <stdio.h>

#include "columnar/function.h"
#include "parquet/reader.h"
#include "text/text_source.h"

#define SNIFF_BYTES ((size_t)256 << 10)
#define NAMED_RECORDS 1000
#define MAX_NAMES 1000
#define MAX_VALUE_BYTES 200 /* longer texts are cut: nothing is guessed from their ends */
#define MAX_MEMBER_DEPTH 8

/* ---- Columns ---- */

static uint32_t hash_text(StrView text)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < text.size; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
    return hash;
}

static void grow(SampleColumn *column, Arena *arena)
{
    uint32_t capacity = column->capacity ? column->capacity * 2 : 64;
    SampleValue *values = ARENA_ARRAY(arena, SampleValue, capacity);
    if (column->n_values)
        memcpy(values, column->values, sizeof *values * column->n_values);
    column->values = values;
    column->capacity = capacity;
    column->n_slots = capacity * 2;
    column->slots = ARENA_ARRAY(arena, uint32_t, column->n_slots);
    for (uint32_t i = 0; i < column->n_values; i++) {
        uint32_t slot = hash_text(values[i].text) & (column->n_slots - 1);
        while (column->slots[slot])
            slot = (slot + 1) & (column->n_slots - 1);
        column->slots[slot] = i + 1;
    }
}

static StrView trim(StrView text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (StrView){text.data + 1, text.size - 1};
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Decodes one character; 0 when the bytes are no UTF-8. */
static uint32_t take_character(StrView text, uint32_t at, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text.data[at];
    uint32_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (n == 0 || at + n > text.size)
        return 0;
    uint32_t code = n == 1 ? first : first & (0x7fu >> n);
    for (uint32_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)text.data[at + i];
        if ((next & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (next & 0x3f);
    }
    *ret_code = code;
    return code >= least[n] ? n : 0;
}

/* Whether a text can stand in a mapping: UTF-8 without what YAML cannot hold. */
static bool is_writable(StrView text)
{
    uint32_t code = 0;
    for (uint32_t at = 0, n; at < text.size; at += n) {
        n = take_character(text, at, &code);
        if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000) ||
            code == 0xfeff || (code >= 0xfffe && code <= 0xffff) || code > 0x10ffff || code == 0x2028 || code == 0x2029)
            return false;
    }
    return true;
}

static StrView cut_text(StrView text, uint32_t size)
{
    if (text.size > size) {
        text.size = size;
        while (text.size > 0 && ((unsigned char)text.data[text.size] & 0xc0) == 0x80)
            text.size--;
    }
    return text;
}

static void add_text(SampleColumn *column, StrView text, int64_t line, Arena *arena)
{
    text = trim(text);
    if (text.size == 0) {
        column->n_empty++;
        return;
    }
    text = cut_text(text, MAX_VALUE_BYTES);
    column->n_filled++;
    if (!is_writable(text))
        return;
    if (column->n_values == column->capacity && !column->capped)
        grow(column, arena);
    uint32_t slot = hash_text(text) & (column->n_slots - 1);
    for (; column->slots[slot]; slot = (slot + 1) & (column->n_slots - 1)) {
        SampleValue *value = &column->values[column->slots[slot] - 1];
        if (str_equal(value->text, text)) {
            value->count++;
            return;
        }
    }
    if (column->n_values >= SAMPLE_MAX_DISTINCT) {
        column->capped = true;
        return;
    }
    column->values[column->n_values++] = (SampleValue){arena_str(arena, text), 1, line};
    column->slots[slot] = column->n_values;
}

/* Room for n columns, be they read or not. */
static void columns_new(Sample *sample, uint32_t n, Arena *arena)
{
    sample->columns = ARENA_ARRAY(arena, SampleColumn, n + 1);
    sample->unread = ARENA_ARRAY(arena, SampleUnread, n + 1);
}

/* What makes a name one that no mapping can say; NULL: nothing. */
static const char *problem_of_name(const char *name)
{
    return !*name                         ? "it has no name"
           : !is_writable(str_view(name)) ? "its name has characters that cannot stand in a mapping"
                                          : NULL;
}

/* Bytes of what cannot be written as \xNN. */
static const char *shown_name(StrView name, Arena *arena)
{
    char *shown = arena_alloc(arena, 4 * (size_t)name.size + 1), *end = shown;
    for (uint32_t at = 0, n; at < name.size; at += n) {
        uint32_t code;
        n = take_character(name, at, &code);
        if (n > 0 && is_writable((StrView){name.data + at, n})) {
            memcpy(end, name.data + at, n);
            end += n;
        } else {
            n = 1;
            end += snprintf(end, 5, "\\x%02x", (unsigned char)name.data[at]);
        }
    }
    *end = '\0';
    return shown;
}

static void add_unread(Sample *sample, const char *name, const char *why, Arena *arena)
{
    sample->unread[sample->n_unread++] = (SampleUnread){name, shown_name(str_view(name), arena), why};
}

static bool add_column(Sample *sample, const char *name, Arena *arena)
{
    const char *problem = problem_of_name(name);
    if (problem)
        add_unread(sample, name, problem, arena);
    else
        sample->columns[sample->n_columns++].name = name;
    return !problem;
}

/* ---- Text ---- */

static Status sniff(const char *file, Arena *arena, Sample *sample, Error *err)
{
    CLEANUP(storage_close_cleanup) StorageReader *reader = NULL;
    TRY(storage_open(file, &reader, err));
    size_t n = reader->size_bytes < SNIFF_BYTES ? (size_t)reader->size_bytes : SNIFF_BYTES;
    uint8_t *bytes = arena_alloc(arena, n + 1);
    TRY(storage_read(reader, 0, bytes, n, err));
    if (n >= 4 && memcmp(bytes, "PAR1", 4) == 0) {
        sample->input = INPUT_PARQUET;
        return STATUS_OK;
    }
    TRY(text_sniff(bytes, n, n == reader->size_bytes, &sample->guess, err));
    sample->input = sample->guess.format.kind == TEXT_NDJSON ? INPUT_NDJSON : INPUT_CSV;
    return STATUS_OK;
}

static void take_block(Sample *sample, const RecordBlock *block, Arena *arena)
{
    for (uint32_t r = 0; r < block->n && sample->n_records < SAMPLE_MAX_RECORDS; r++) {
        sample->n_records++;
        if (block->flaws[r] != RECORD_FLAW_NONE) {
            sample->n_flawed++;
            continue;
        }
        for (uint32_t c = 0; c < sample->n_columns; c++) {
            StrView text = block->fields[(size_t)c * RECORD_BLOCK_ROWS + r];
            add_text(&sample->columns[c], text, block->lines[r], arena);
        }
    }
    sample->whole = sample->whole && sample->n_records < SAMPLE_MAX_RECORDS;
}

/* Calls take for every block until the sample is full. */
typedef void (*TakeBlock)(void *context, const RecordBlock *block, bool *ret_enough);

static Status each_block(const char *file, const TextFormat *format, const char *const *names, uint32_t n_names,
                         TakeBlock take, void *context, Error *err)
{
    StorageReader *reader;
    TextSource *source;
    TextReader *records = NULL;
    TRY(storage_open(file, &reader, err));
    TRY(text_source_open(reader, format, &source, err));
    TextPiece piece = {0};
    RecordBlock block;
    record_block_init(&block, n_names);
    Status status = text_reader_new(source, names, n_names, &records, err);
    bool more = true, enough = false;
    while (status == STATUS_OK && more && !enough) {
        status = text_source_next(source, &piece, &more, err);
        if (status != STATUS_OK || !more)
            break;
        text_reader_start(records, &piece);
        for (text_reader_next(records, &block); block.n > 0 && !enough; text_reader_next(records, &block))
            take(context, &block, &enough);
    }
    text_reader_free(records);
    record_block_done(&block);
    text_piece_done(&piece);
    text_source_close(source);
    return status;
}

typedef struct SampleTaking {
    Sample *sample;
    Arena *arena;
} SampleTaking;

static void take_sample(void *context, const RecordBlock *block, bool *ret_enough)
{
    SampleTaking *taking = context;
    take_block(taking->sample, block, taking->arena);
    *ret_enough = taking->sample->n_records >= SAMPLE_MAX_RECORDS;
}

static Status csv_names(const char *file, const TextFormat *format, Arena *arena, const char ***ret_names,
                        uint32_t *ret_n, Error *err)
{
    StorageReader *reader;
    TextSource *source;
    TRY(storage_open(file, &reader, err));
    TRY(text_source_open(reader, format, &source, err));
    const StrView *columns = text_source_columns(source, ret_n);
    *ret_names = ARENA_ARRAY(arena, const char *, *ret_n + 1);
    for (uint32_t i = 0; i < *ret_n; i++)
        (*ret_names)[i] = arena_memdup(arena, columns[i].data ? columns[i].data : "", columns[i].size);
    text_source_close(source);
    return STATUS_OK;
}

typedef struct NameGathering {
    const char **names;
    uint32_t n;
    uint32_t records;
    Arena *arena;
} NameGathering;

static void add_name(NameGathering *gathering, const char *name)
{
    for (uint32_t i = 0; i < gathering->n; i++)
        if (strcmp(gathering->names[i], name) == 0)
            return;
    if (gathering->n < MAX_NAMES)
        gathering->names[gathering->n++] = arena_strdup(gathering->arena, name);
}

static void gather_members(NameGathering *gathering, json_t *object, const char *prefix, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        const char *path = arena_printf(gathering->arena, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value) && depth < MAX_MEMBER_DEPTH)
            gather_members(gathering, value, path, depth + 1);
        else if (!json_is_object(value))
            add_name(gathering, path);
    }
}

static void gather_names(void *context, const RecordBlock *block, bool *ret_enough)
{
    NameGathering *gathering = context;
    for (uint32_t r = 0; r < block->n && gathering->records < NAMED_RECORDS; r++, gathering->records++) {
        json_t *record = json_loadb(block->raw[r].data, block->raw[r].size, 0, NULL);
        if (json_is_object(record))
            gather_members(gathering, record, "", 0);
        json_decref(record);
    }
    *ret_enough = gathering->records >= NAMED_RECORDS;
}

static Status read_text(const char *file, Arena *arena, Sample *sample, Error *err)
{
    const char **names;
    uint32_t n;
    const TextFormat *format = &sample->guess.format;
    if (sample->input == INPUT_CSV) {
        TRY(csv_names(file, format, arena, &names, &n, err));
    } else {
        NameGathering gathering = {.names = ARENA_ARRAY(arena, const char *, MAX_NAMES), .arena = arena};
        TRY(each_block(file, format, NULL, 0, gather_names, &gathering, err));
        names = gathering.names;
        n = gathering.n;
    }
    columns_new(sample, n, arena);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (add_column(sample, names[i], arena))
            names[kept++] = names[i];
    n = kept;
    SampleTaking taking = {sample, arena};
    return n ? each_block(file, format, names, n, take_sample, &taking, err) : STATUS_OK;
}

/* ---- Parquet ---- */

static Status read_row_group(ParquetFile *parquet, uint32_t row_group, const uint32_t *columns,
                             ParquetRowGroup **handle, Arena *arena, Sample *sample, Error *err)
{
    uint64_t left = parquet_row_group_rows(parquet, row_group);
    TRY(parquet_row_group_open(parquet, row_group, columns, sample->n_columns, handle, err));
    Arena batch;
    arena_init(&batch);
    Status status = STATUS_OK;
    while (left > 0 && sample->n_records < SAMPLE_MAX_RECORDS && status == STATUS_OK) {
        uint32_t n = left < RECORD_BLOCK_ROWS ? (uint32_t)left : RECORD_BLOCK_ROWS;
        arena_reset(&batch);
        for (uint32_t c = 0; c < sample->n_columns && status == STATUS_OK; c++) {
            Vector vector, texts;
            status = parquet_column_read(*handle, c, n, &vector, err);
            if (status != STATUS_OK)
                break;
            cast_vector(&vector, DATA_TYPE(STRING), &batch, &texts);
            for (uint32_t r = 0; r < n; r++) {
                Value value = vector_value(&texts, r);
                add_text(&sample->columns[c], value.valid ? value.string : (StrView){NULL, 0},
                         (int64_t)(sample->n_records + r + 1), arena);
            }
        }
        sample->n_records += n;
        left -= n;
    }
    arena_done(&batch);
    return status;
}

/* Why the texts of a column without a type cannot be had. */
static const char *problem_of_type(ParquetFile *parquet, uint32_t column, Arena *arena)
{
    Error err;
    ParquetRowGroup *handle = NULL;
    Vector vector;
    error_init(&err);
    if (parquet_rows(parquet) == 0)
        return "it is empty";
    Status status = parquet_row_group_open(parquet, 0, &column, 1, &handle, &err);
    if (status == STATUS_OK)
        status = parquet_column_read(handle, 0, 1, &vector, &err);
    parquet_row_group_close(handle);
    return status == STATUS_OK ? "it is always empty" : arena_strdup(arena, err.message);
}

static void name_parquet_columns(ParquetFile *parquet, uint32_t *columns, Sample *sample, Arena *arena)
{
    const Schema *schema = parquet_schema(parquet);
    for (uint32_t i = 0; i < schema->n; i++) {
        const char *name = arena_strdup(arena, schema->fields[i].name);
        if (schema->fields[i].type.id == TYPE_NULLTYPE && !problem_of_name(name))
            add_unread(sample, name, problem_of_type(parquet, i, arena), arena);
        else if (add_column(sample, name, arena))
            columns[sample->n_columns - 1] = i;
    }
}

static Status read_parquet(const char *file, MemoryBudget *budget, Arena *arena, Sample *sample, Error *err)
{
    StorageReader *reader;
    ParquetFile *parquet;
    TRY(storage_open(file, &reader, err));
    TRY(parquet_open(reader, budget, &parquet, err));
    uint32_t n = parquet_schema(parquet)->n;
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, n + 1);
    columns_new(sample, n, arena);
    name_parquet_columns(parquet, columns, sample, arena);
    ParquetRowGroup *handle = NULL;
    Status status = STATUS_OK;
    for (uint32_t g = 0; g < parquet_row_groups(parquet) && status == STATUS_OK && sample->n_columns > 0; g++)
        if (sample->n_records < SAMPLE_MAX_RECORDS)
            status = read_row_group(parquet, g, columns, &handle, arena, sample, err);
    sample->whole = sample->n_records >= parquet_rows(parquet);
    parquet_row_group_close(handle);
    parquet_close(parquet);
    return status;
}

Status sample_read(const char *file, MemoryBudget *budget, Arena *arena, Sample **ret_sample, Error *err)
{
    Sample *sample = ARENA_NEW(arena, Sample);
    sample->file = arena_strdup(arena, file);
    sample->whole = true;
    TRY(sniff(file, arena, sample, err));
    Status status = sample->input == INPUT_PARQUET ? read_parquet(file, budget, arena, sample, err)
                                                   : read_text(file, arena, sample, err);
    if (status != STATUS_OK)
        return error_at_file(err, file);
    if (sample->n_columns == 0 || sample->n_records == sample->n_flawed) {
        error_set(err, STATUS_DATA, "the file holds no record to learn from");
        error_at_file(err, file);
        return error_hint(err, "give a file with some hundred records as they really come");
    }
    *ret_sample = sample;
    return STATUS_OK;
}
