/* ShipmentFile; see shipment_file.h.
 *
 * A column is kept as it comes: codes (2 bytes a row) as long as the converter gives codes, else values.  Writing a file:
 *
 *   rank the entries of every coded column by value (equal values of different texts become one) -> sorted dictionaries
 *   -> count rows per rank of shipment_date -> the place of each row -> every column scattered to these places
 *   -> pages are parts of the sorted columns
 *
 * so the rows themselves are never compared, and dictionary columns are never looked at as values.  Scattering reads in
 * sequence and writes at as many ends as there are days, which the first-level cache holds; gathering would miss it with
 * every row. */
#include "ingest/shipment_file.h"

#include <stdlib.h>

#include "parquet/writer.h"

#define SMALL_RANGE 4096 /* whole numbers */

typedef struct GatheredColumn {
    ShipmentColumnId id;
    DataType type;
    size_t width;
    ColumnForm form; /* of the rows gathered so far; ABSENT until a row has a value */
    Value constant;
    uint16_t *codes;
    const Vector *entries;
    uint8_t *values;
    uint8_t *valid;
    bool has_nulls; /* VALUES */
    /* while a file is written: */
    Vector dictionary;
    uint16_t *ranks; /* of the entries */
    uint8_t code_width;
    void *sorted; /* ranks (code_width bytes each) or values at the places of their rows */
    size_t sorted_bytes;
    uint8_t *sorted_valid;
} GatheredColumn;

struct ShipmentFile {
    const ShipmentFileOptions *options;
    GatheredColumn columns[SHIPMENT_COLUMN_COUNT];
    uint32_t n_columns;
    Schema schema;
    uint32_t n;       /* rows gathered */
    uint64_t rows;    /* rows taken in all */
    uint32_t *places; /* of the rows in the file being written */
    Arena arena;      /* of this object */
    Arena texts;      /* of gathered values */
    Arena page_arena; /* of a constant page */
    Arena write_arena;
    DeltaFile *files;
    uint32_t n_files, files_capacity;
    ParquetEncodedRowGroup *encoded;
};

Schema shipment_file_schema(Arena *arena, ShipmentColumnId *ret_ids)
{
    const Schema *all = shipment_schema();
    Schema schema = {.fields = ARENA_ARRAY(arena, Field, SHIPMENT_COLUMN_COUNT)};
    for (uint32_t id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        if (id == SHIPMENT_COLUMN_CLIENT)
            continue;
        ret_ids[schema.n] = id;
        schema.fields[schema.n++] = all->fields[id];
    }
    return schema;
}

static void set_constant(GatheredColumn *column, Value value)
{
    value.type = column->type;
    value.valid = true;
    column->form = COLUMN_CONSTANT;
    column->constant = value;
}

static void set_constants(ShipmentFile *file)
{
    for (uint32_t i = 0; i < file->n_columns; i++) {
        GatheredColumn *column = &file->columns[i];
        if (column->id == SHIPMENT_COLUMN_SOURCE_FILE)
            set_constant(column, (Value){.string = str_view(file->options->source_file)});
        else if (column->id == SHIPMENT_COLUMN_INGESTED_AT)
            set_constant(column, (Value){.int64 = file->options->ingested_at_us});
        else if (column->id == SHIPMENT_COLUMN_CONTRACT_VERSION)
            set_constant(column, (Value){.int32 = SHIPMENT_CONTRACT_VERSION});
        else
            column->form = COLUMN_ABSENT;
    }
}

ShipmentFile *shipment_file_new(const ShipmentFileOptions *options)
{
    ShipmentFile *file = mem_zalloc(sizeof *file);
    ShipmentColumnId ids[SHIPMENT_COLUMN_COUNT];
    file->options = options;
    arena_init(&file->arena);
    arena_init(&file->texts);
    arena_init(&file->page_arena);
    arena_init(&file->write_arena);
    file->schema = shipment_file_schema(&file->arena, ids);
    file->n_columns = file->schema.n;
    for (uint32_t i = 0; i < file->n_columns; i++) {
        file->columns[i].id = ids[i];
        file->columns[i].type = shipment_column(ids[i])->type;
        file->columns[i].width = type_width(file->columns[i].type);
    }
    set_constants(file);
    return file;
}

void shipment_file_free(ShipmentFile *file)
{
    if (!file)
        return;
    for (uint32_t i = 0; i < file->n_columns; i++) {
        mem_free(file->columns[i].codes);
        mem_free(file->columns[i].values);
        mem_free(file->columns[i].valid);
        mem_free(file->columns[i].sorted);
        mem_free(file->columns[i].sorted_valid);
    }
    mem_free(file->places);
    mem_free(file->files);
    parquet_encoded_row_group_free(file->encoded);
    arena_done(&file->arena);
    arena_done(&file->texts);
    arena_done(&file->page_arena);
    arena_done(&file->write_arena);
    mem_free(file);
}

uint64_t shipment_file_rows(const ShipmentFile *file)
{
    return file->rows;
}

const DeltaFile *shipment_file_files(const ShipmentFile *file, uint32_t *ret_n)
{
    *ret_n = file->n_files;
    return file->files;
}

/* ---- Gathering ---- */

static void need_codes(GatheredColumn *column)
{
    if (!column->codes)
        column->codes = mem_alloc(sizeof(uint16_t) * SHIPMENT_FILE_ROWS);
}

static void need_values(GatheredColumn *column)
{
    if (column->values)
        return;
    column->values = mem_alloc(column->width * SHIPMENT_FILE_ROWS);
    column->valid = mem_alloc(SHIPMENT_FILE_ROWS);
}

/* Rows [0, n) that were not values become values. */
static void become_values(GatheredColumn *column, uint32_t n)
{
    ColumnForm form = column->form;
    need_values(column);
    column->form = COLUMN_VALUES;
    column->has_nulls = form == COLUMN_ABSENT && n > 0;
    if (form == COLUMN_ABSENT) {
        memset(column->values, 0, column->width * n);
        memset(column->valid, 0, n);
        return;
    }
    CHECK(form == COLUMN_CODES);
    const uint8_t *entries = column->entries->data;
    for (uint32_t r = 0; r < n; r++) {
        uint16_t code = column->codes[r];
        memcpy(column->values + r * column->width, entries + code * column->width, column->width);
        column->valid[r] = column->entries->valid[code];
        column->has_nulls |= !column->valid[r];
    }
}

/* Whether the ascending selection of n > 0 rows leaves none out between its first and its last. */
static bool is_run(const uint32_t *selected, uint32_t n)
{
    return selected[n - 1] - selected[0] == n - 1;
}

static void append_codes(GatheredColumn *column, const ConvertedColumn *from, uint32_t at, const uint32_t *selected,
                         uint32_t n)
{
    need_codes(column);
    column->form = COLUMN_CODES;
    column->entries = from->entries;
    if (is_run(selected, n)) {
        memcpy(column->codes + at, from->codes + selected[0], sizeof(uint16_t) * n);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        column->codes[at + i] = from->codes[selected[i]];
}

/* The texts become copies in the arena. */
static void keep_texts(Arena *arena, StrView *texts, uint32_t n)
{
    size_t bytes = 16; /* short ones are stored in one go, with what is behind them */
    for (uint32_t i = 0; i < n; i++)
        bytes += texts[i].size;
    char *to = arena_alloc(arena, bytes);
    for (uint32_t i = 0; i < n; i++) {
        if (LIKELY(texts[i].size <= 16))
            _mm_storeu_si128((__m128i *)(void *)to, text_load16(texts[i]));
        else
            memcpy(to, texts[i].data, texts[i].size);
        texts[i].data = to;
        to += texts[i].size;
    }
}

/* The selected values of a block, and whether they are valid. */
static void take_values(const GatheredColumn *column, const ConvertedColumn *from, const uint32_t *selected, uint32_t n,
                        uint8_t *to, uint8_t *to_valid)
{
    const uint8_t *values = from->values;
    size_t width = column->width;
    if (is_run(selected, n)) {
        memcpy(to, values + selected[0] * width, width * n);
        if (from->valid)
            memcpy(to_valid, from->valid + selected[0], n);
    } else {
        for (uint32_t i = 0; i < n; i++)
            memcpy(to + i * width, values + selected[i] * width, width);
        for (uint32_t i = 0; from->valid && i < n; i++)
            to_valid[i] = from->valid[selected[i]];
    }
    if (!from->valid)
        memset(to_valid, 1, n);
}

static void append_values(ShipmentFile *file, GatheredColumn *column, const ConvertedColumn *from, uint32_t at,
                          const uint32_t *selected, uint32_t n)
{
    uint8_t *to = column->values + at * column->width, *valid = column->valid + at;
    take_values(column, from, selected, n, to, valid);
    const bool nulls = memchr(valid, 0, n) != NULL;
    column->has_nulls |= nulls;
    if (column->type.id != TYPE_STRING)
        return;
    StrView *texts = (StrView *)(void *)to;
    for (uint32_t i = 0; nulls && i < n; i++)
        if (!valid[i])
            texts[i] = (StrView){"", 0};
    keep_texts(&file->texts, texts, n);
}

/* Codes of a block for a column that holds values already. */
static void append_codes_as_values(GatheredColumn *column, const ConvertedColumn *from, uint32_t at,
                                   const uint32_t *selected, uint32_t n)
{
    const uint8_t *entries = from->entries->data;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t code = from->codes[selected[i]];
        memcpy(column->values + (at + i) * column->width, entries + code * column->width, column->width);
        column->valid[at + i] = from->entries->valid[code];
        column->has_nulls |= !column->valid[at + i];
    }
}

static void append_column(ShipmentFile *file, GatheredColumn *column, const ConvertedColumn *from,
                          const uint32_t *selected, uint32_t n)
{
    uint32_t at = file->n;
    switch (from->form) {
    case COLUMN_ABSENT: /* a mapping gives a column to all blocks or to none */
        CHECK(column->form == COLUMN_ABSENT || column->form == COLUMN_CONSTANT);
        return;
    case COLUMN_CONSTANT:
        set_constant(column, from->constant);
        return;
    case COLUMN_CODES:
        if (column->form == COLUMN_VALUES)
            append_codes_as_values(column, from, at, selected, n);
        else
            append_codes(column, from, at, selected, n);
        return;
    case COLUMN_VALUES:
        if (column->form != COLUMN_VALUES)
            become_values(column, at);
        append_values(file, column, from, at, selected, n);
        return;
    }
}

Status shipment_file_append(ShipmentFile *file, const ConvertedBlock *block, const uint32_t *selected, uint32_t n,
                            Error *err)
{
    file->rows += n;
    if (n == 0)
        return STATUS_OK;
    if (file->n + n > SHIPMENT_FILE_ROWS)
        TRY(shipment_file_flush(file, err));
    for (uint32_t i = 0; i < file->n_columns; i++)
        append_column(file, &file->columns[i], &block->columns[file->columns[i].id], selected, n);
    file->n += n;
    return STATUS_OK;
}

/* ---- Dictionaries ---- */

static int compare_entries(const void *a, const void *b, void *context)
{
    const Vector *entries = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    switch (entries->type.id) {
    case TYPE_STRING:
        return str_compare(((const StrView *)entries->data)[x], ((const StrView *)entries->data)[y]);
    case TYPE_DOUBLE: {
        double p = ((const double *)entries->data)[x], q = ((const double *)entries->data)[y];
        return (p > q) - (p < q);
    }
    case TYPE_DATE:
    case TYPE_INT: {
        int32_t p = ((const int32_t *)entries->data)[x], q = ((const int32_t *)entries->data)[y];
        return (p > q) - (p < q);
    }
    default: {
        int64_t p = ((const int64_t *)entries->data)[x], q = ((const int64_t *)entries->data)[y];
        return (p > q) - (p < q);
    }
    }
}

/* One byte an entry: whether one of n rows uses it.  Mostly all are found in use long before the last row. */
static const uint8_t *used_entries(const GatheredColumn *column, uint32_t n, Arena *arena)
{
    uint8_t *used = arena_zalloc(arena, column->entries->n);
    uint32_t n_used = 0;
    for (uint32_t r = 0; r < n && n_used < column->entries->n; r++) {
        n_used += !used[column->codes[r]];
        used[column->codes[r]] = 1;
    }
    return used;
}

/* The entries that rows use, ascending and distinct, NULL last: column->dictionary; and the place of each there. */
static void rank_column(ShipmentFile *file, GatheredColumn *column)
{
    const Vector *entries = column->entries;
    Arena *arena = &file->write_arena;
    const uint8_t *used = used_entries(column, file->n, arena);
    uint32_t *sorted = arena_alloc(arena, sizeof(uint32_t) * (entries->n + 1));
    uint32_t n = 0;
    bool nulls = false;
    for (uint32_t i = 0; i < entries->n; i++) {
        nulls |= used[i] && !entries->valid[i];
        if (used[i] && entries->valid[i])
            sorted[n++] = i;
    }
    qsort_r(sorted, n, sizeof *sorted, compare_entries, (void *)(uintptr_t)entries);
    uint16_t *ranks = arena_zalloc(arena, sizeof(uint16_t) * (entries->n + 1));
    column->dictionary = vector_new(arena, column->type, n + nulls, nulls);
    uint32_t rank = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0 && compare_entries(&sorted[i - 1], &sorted[i], (void *)(uintptr_t)entries) != 0)
            rank++;
        ranks[sorted[i]] = (uint16_t)rank;
        memcpy((uint8_t *)column->dictionary.data + rank * column->width,
               (const uint8_t *)entries->data + sorted[i] * column->width, column->width);
    }
    rank = n > 0 ? rank + 1 : 0;
    if (nulls) {
        memset((uint8_t *)column->dictionary.data + rank * column->width, 0, column->width);
        column->dictionary.valid[rank] = 0;
        for (uint32_t i = 0; i < entries->n; i++)
            if (!entries->valid[i])
                ranks[i] = (uint16_t)rank;
        rank++;
    }
    column->dictionary.n = rank;
    column->code_width = rank <= 256 ? 1 : 2;
    column->ranks = ranks;
}

/* Whole numbers that lie close together (days late) get codes after all: readers group on dictionaries.  They are kept as
 * codes into the range they span; true when the column was such. */
static bool code_small_range(ShipmentFile *file, GatheredColumn *column)
{
    if (column->form != COLUMN_VALUES || column->type.id != TYPE_INT)
        return false;
    const int32_t *values = (const int32_t *)(const void *)column->values;
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (uint32_t r = 0; r < file->n; r++) {
        if (column->valid[r]) {
            low = values[r] < low ? values[r] : low;
            high = values[r] > high ? values[r] : high;
        }
    }
    int64_t span = (int64_t)high - low + 1;
    if (span > SMALL_RANGE)
        return false;
    span = span < 0 ? 0 : span; /* no value at all */
    Vector *entries = ARENA_NEW(&file->write_arena, Vector);
    *entries = vector_new(&file->write_arena, column->type, (uint32_t)span + 1, true);
    for (int64_t i = 0; i < span; i++)
        ((int32_t *)entries->data)[i] = (int32_t)(low + i);
    ((int32_t *)entries->data)[span] = 0;
    entries->valid[span] = 0;
    need_codes(column);
    for (uint32_t r = 0; r < file->n; r++)
        column->codes[r] = (uint16_t)(column->valid[r] ? (int64_t)values[r] - low : span);
    column->form = COLUMN_CODES;
    column->entries = entries;
    return true;
}

/* ---- The order of rows ---- */

static GatheredColumn *find_column(ShipmentFile *file, ShipmentColumnId id)
{
    for (uint32_t i = 0; i < file->n_columns; i++)
        if (file->columns[i].id == id)
            return &file->columns[i];
    return NULL;
}

static int compare_dates(const void *a, const void *b, void *context)
{
    const GatheredColumn *column = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const int32_t *dates = (const int32_t *)(const void *)column->values;
    int32_t p = column->valid[x] ? dates[x] : INT32_MIN, q = column->valid[y] ? dates[y] : INT32_MIN;
    return p != q ? (p > q) - (p < q) : (x > y) - (x < y);
}

/* Rows by shipment_date, NULL wherever its rank is; rows of one day as they came. */
static void place_rows(ShipmentFile *file)
{
    if (!file->places)
        file->places = mem_alloc(sizeof(uint32_t) * SHIPMENT_FILE_ROWS);
    GatheredColumn *dates = find_column(file, SHIPMENT_COLUMN_SHIPMENT_DATE);
    uint32_t *places = file->places;
    if (dates->form == COLUMN_CODES) {
        uint32_t *next = arena_zalloc(&file->write_arena, sizeof(uint32_t) * (dates->dictionary.n + 1));
        for (uint32_t r = 0; r < file->n; r++)
            next[dates->ranks[dates->codes[r]] + 1]++;
        for (uint32_t i = 1; i <= dates->dictionary.n; i++)
            next[i] += next[i - 1];
        for (uint32_t r = 0; r < file->n; r++)
            places[r] = next[dates->ranks[dates->codes[r]]]++;
        return;
    }
    uint32_t *order = arena_alloc(&file->write_arena, sizeof(uint32_t) * file->n);
    for (uint32_t r = 0; r < file->n; r++)
        order[r] = r;
    if (dates->form == COLUMN_VALUES)
        qsort_r(order, file->n, sizeof(uint32_t), compare_dates, dates);
    for (uint32_t i = 0; i < file->n; i++)
        places[order[i]] = i;
}

#define SCATTER(Type, value)                                                                                           \
    do {                                                                                                               \
        Type *restrict to = column->sorted;                                                                            \
        for (uint32_t r = 0, n = file->n; r < n; r++)                                                                  \
            to[places[r]] = (Type)(value);                                                                             \
    } while (0)

static void need_sorted(GatheredColumn *column, size_t width)
{
    size_t bytes = width * SHIPMENT_FILE_ROWS;
    if (column->sorted_bytes >= bytes)
        return;
    mem_free(column->sorted);
    column->sorted = mem_alloc(bytes);
    column->sorted_bytes = bytes;
}

static void sort_codes(const ShipmentFile *file, GatheredColumn *column)
{
    const uint32_t *restrict places = file->places;
    const uint16_t *restrict codes = column->codes, *restrict ranks = column->ranks;
    need_sorted(column, column->code_width);
    if (column->code_width == 1)
        SCATTER(uint8_t, ranks[codes[r]]);
    else
        SCATTER(uint16_t, ranks[codes[r]]);
}

static void sort_values(const ShipmentFile *file, GatheredColumn *column)
{
    const uint32_t *restrict places = file->places;
    const void *values = column->values;
    CHECK(column->width == 4 || column->width == 8 || column->width == sizeof(StrView));
    need_sorted(column, column->width);
    if (column->width == 4)
        SCATTER(uint32_t, ((const uint32_t *)values)[r]);
    else if (column->width == 8)
        SCATTER(uint64_t, ((const uint64_t *)values)[r]);
    else
        SCATTER(StrView, ((const StrView *)values)[r]);
    if (!column->has_nulls)
        return;
    if (!column->sorted_valid)
        column->sorted_valid = mem_alloc(SHIPMENT_FILE_ROWS);
    for (uint32_t r = 0; r < file->n; r++)
        column->sorted_valid[places[r]] = column->valid[r];
}

static void sort_columns(ShipmentFile *file)
{
    for (uint32_t i = 0; i < file->n_columns; i++)
        if (file->columns[i].form == COLUMN_CODES || code_small_range(file, &file->columns[i]))
            rank_column(file, &file->columns[i]);
    place_rows(file);
    for (uint32_t i = 0; i < file->n_columns; i++) {
        if (file->columns[i].form == COLUMN_CODES)
            sort_codes(file, &file->columns[i]);
        else if (file->columns[i].form == COLUMN_VALUES)
            sort_values(file, &file->columns[i]);
    }
}

/* ---- Writing ---- */

typedef struct PageContext {
    ShipmentFile *file;
    uint32_t base; /* first row of the row group */
} PageContext;

static Status give_page(void *context, uint32_t index, uint64_t first, uint32_t n, Vector *ret_page, Error *err)
{
    (void)err;
    PageContext *pages = context;
    ShipmentFile *file = pages->file;
    const GatheredColumn *column = &file->columns[index];
    size_t at = pages->base + first;
    Value null = {.type = column->type};
    *ret_page = (Vector){.type = column->type, .n = n};
    switch (column->form) {
    case COLUMN_CODES:
        ret_page->kind = VECTOR_DICT;
        ret_page->code_width = column->code_width;
        ret_page->data = (uint8_t *)column->sorted + at * column->code_width;
        ret_page->dict = &column->dictionary;
        break;
    case COLUMN_VALUES:
        ret_page->kind = VECTOR_FLAT;
        ret_page->data = (uint8_t *)column->sorted + at * column->width;
        ret_page->valid = column->has_nulls ? column->sorted_valid + at : NULL;
        break;
    default:
        arena_reset(&file->page_arena);
        *ret_page = vector_const(&file->page_arena, column->form == COLUMN_CONSTANT ? &column->constant : &null, n);
    }
    return STATUS_OK;
}

static Status encode_rows(ShipmentFile *file, StorageWriter *storage, Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_SNAPPY};
    ParquetWriter *writer;
    TRY(parquet_writer_new(storage, &file->schema, &options, &writer, err));
    Status status = STATUS_OK;
    for (uint32_t base = 0; base < file->n && status == STATUS_OK; base += SHIPMENT_FILE_ROW_GROUP_ROWS) {
        uint32_t left = file->n - base;
        PageContext pages = {file, base};
        ParquetPageSource source = {&pages, give_page};
        status = parquet_encode_row_group(writer, &source,
                                          left < SHIPMENT_FILE_ROW_GROUP_ROWS ? left : SHIPMENT_FILE_ROW_GROUP_ROWS,
                                          &file->encoded, err);
        if (status == STATUS_OK)
            status = parquet_append_row_group(writer, file->encoded, err);
    }
    if (status == STATUS_OK)
        status = parquet_finish(writer, NULL, err);
    parquet_writer_free(writer);
    return status;
}

static Status write_file(ShipmentFile *file, const char *path, Error *err)
{
    StorageWriter *storage;
    TRY(storage_create(path, &storage, err));
    Status status = encode_rows(file, storage, err);
    if (status != STATUS_OK) {
        storage_discard(storage);
        return status;
    }
    return storage_commit(storage, err);
}

static Status add_file(ShipmentFile *file, const char *path, const char *const *partition_values, Error *err)
{
    if (file->n_files == file->files_capacity) {
        file->files_capacity = file->files_capacity ? file->files_capacity * 2 : 8;
        file->files = mem_realloc(file->files, sizeof(DeltaFile) * file->files_capacity);
    }
    const DeltaSnapshot *table = file->options->table;
    TRY(delta_describe_file(table->table, &table->metadata, path, partition_values, &file->arena,
                            &file->files[file->n_files], err));
    file->n_files++;
    return STATUS_OK;
}

Status shipment_file_flush(ShipmentFile *file, Error *err)
{
    if (file->n == 0)
        return STATUS_OK;
    const DeltaSnapshot *table = file->options->table;
    sort_columns(file);
    const char **partition_values = ARENA_ARRAY(&file->arena, const char *, 1);
    partition_values[0] = file->options->client;
    const char *path = delta_data_path(&table->metadata, partition_values, &file->arena);
    TRY(write_file(file, arena_printf(&file->arena, "%s/%s", table->table, path), err));
    TRY(add_file(file, path, partition_values, err));
    for (uint32_t i = 0; i < file->n_columns; i++)
        file->columns[i].has_nulls = false;
    set_constants(file);
    file->n = 0;
    arena_reset(&file->texts);
    arena_reset(&file->write_arena);
    return STATUS_OK;
}
