/* Rewriting files: rows of many Parquet files -> one file, ordered by one column, in bounded memory.
 *
 *   sort column of all files -> keys -> target[row] = its place in the new file
 *   per row group written, per column: only the rows whose place lies in it are read and put there
 *
 * Files that are sorted themselves (as ingestion leaves them) are read once in all, since the rows of one new row group
 * are then a range of each; others are read once a new row group.  Held at a time: 12 bytes a row for the order, and the
 * values of one column of one row group, which are reserved from the budget. */
#include "delta/rewrite.h"

#include <stdlib.h>

#include "base/pool.h"
#include "parquet/writer.h"

#define GROUP_ROWS 1048576u              /* of a new row group, at most */
#define GROUP_BYTES ((uint64_t)64 << 20) /* of a new row group, about, when records are long */
#define GROUP_LEAST_ROWS 1024u
#define READ_ROWS 65536u
#define COUNTED_KEYS ((uint64_t)4 << 20) /* a wider range of keys is sorted by comparing */
#define NO_COLUMN UINT32_MAX

/* One row group of one of the files; rows are numbered through all of them. */
typedef struct SourceGroup {
    uint32_t source;
    uint32_t row_group;
    uint64_t first_row;
    uint64_t n_rows;
} SourceGroup;

typedef struct Source {
    ParquetFile *file;
    int *columns; /* of each column of the new file; -1: not in this one */
} Source;

/* A row of the sources, and its place in the row group that is being written. */
typedef struct Placed {
    uint32_t row;
    uint32_t place;
} Placed;

typedef struct Merge {
    const DeltaRewrite *rewrite;
    Arena arena;
    Schema schema; /* of the new file: the table's without its partition columns */
    Source *sources;
    SourceGroup *groups;
    uint32_t n_groups;
    uint64_t n_rows;
    uint64_t bytes;
    uint32_t group_rows; /* of a new row group */
    uint32_t *target;    /* place of each row in the new file; NULL: as they come */
    size_t reserved;     /* of the budget, for target */
    ParquetRowGroup *handle;
    ParquetEncodedRowGroup *encoded;
    /* the row group being written */
    uint32_t base, n;
    Placed *placed; /* its rows by their place in the sources */
    uint32_t column;
    Vector values;  /* of `column` */
    Vector entries; /* its dictionary, when it has one */
    bool has_nulls;
    Arena column_arena;
    size_t column_reserved;
    const Vector *dictionary; /* texts were copied from it to ... */
    StrView *dictionary_texts;
} Merge;

/* ---- Keys ---- */

bool rewrite_can_sort(DataType type)
{
    switch (type.id) {
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        return true;
    case TYPE_DECIMAL:
        return !type_is_wide_decimal(type);
    default:
        return false;
    }
}

/* The bits of a double as an integer of the same order; all NaN the largest, both zeros one. */
static int64_t double_key(double value)
{
    if (value != value)
        return INT64_MAX;
    int64_t bits;
    value = value == 0 ? 0.0 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

int64_t rewrite_sort_key(DataType type, const void *value, bool valid)
{
    if (!valid)
        return INT64_MIN;
    switch (type.id) {
    case TYPE_BOOLEAN:
        return *(const uint8_t *)value;
    case TYPE_INT:
    case TYPE_DATE:
        return *(const int32_t *)value;
    case TYPE_FLOAT:
        return double_key((double)*(const float *)value);
    case TYPE_DOUBLE:
        return double_key(*(const double *)value);
    default:
        return *(const int64_t *)value;
    }
}

/* ---- Sources ---- */

static Status check_type(const Schema *in_file, int at, const Field *field, Error *err)
{
    DataType type = in_file->fields[at].type;
    bool texts = (type.id == TYPE_STRING || type.id == TYPE_BINARY) &&
                 (field->type.id == TYPE_STRING || field->type.id == TYPE_BINARY);
    if (texts || type_equal(type, field->type))
        return STATUS_OK;
    char is[32], wanted[32];
    error_set(err, STATUS_DATA, "the file has %s where the table has %s", type_name(type, is, sizeof is),
              type_name(field->type, wanted, sizeof wanted));
    return error_at_column(err, field->name);
}

static Status open_source(Merge *merge, uint32_t index, uint32_t *n_groups, Error *err)
{
    const DeltaRewrite *rewrite = merge->rewrite;
    const DeltaFile *file = rewrite->files[index];
    Source *source = &merge->sources[index];
    const char *path = delta_file_path(rewrite->snapshot, file, &merge->arena);
    StorageReader *reader;
    TRY(storage_open(path, &reader, err));
    TRY(parquet_open(reader, rewrite->budget, &source->file, err));
    uint64_t rows = parquet_rows(source->file);
    if (file->num_records >= 0 && (uint64_t)file->num_records != rows) {
        error_set(err, STATUS_CORRUPT, "the file has %llu rows, the table's log says %lld", (unsigned long long)rows,
                  (long long)file->num_records);
        error_at_file(err, path);
        return error_hint(err, "'freightlake table fsck' checks every file of the table");
    }
    const Schema *in_file = parquet_schema(source->file);
    source->columns = ARENA_ARRAY(&merge->arena, int, merge->schema.n);
    for (uint32_t i = 0; i < merge->schema.n; i++) {
        source->columns[i] = schema_find(in_file, merge->schema.fields[i].name);
        if (source->columns[i] >= 0 &&
            check_type(in_file, source->columns[i], &merge->schema.fields[i], err) != STATUS_OK)
            return error_at_file(err, path);
    }
    merge->n_rows += rows;
    merge->bytes += file->size_bytes;
    *n_groups += parquet_row_groups(source->file);
    return STATUS_OK;
}

static Status open_sources(Merge *merge, Error *err)
{
    const DeltaRewrite *rewrite = merge->rewrite;
    merge->sources = ARENA_ARRAY(&merge->arena, Source, rewrite->n_files);
    uint32_t n_groups = 0;
    for (uint32_t i = 0; i < rewrite->n_files; i++)
        TRY(open_source(merge, i, &n_groups, err));
    if (merge->n_rows > REWRITE_MAX_ROWS)
        return error_set(err, STATUS_UNSUPPORTED, "more than %llu rows cannot be rewritten as one file",
                         (unsigned long long)REWRITE_MAX_ROWS);
    merge->groups = ARENA_ARRAY(&merge->arena, SourceGroup, n_groups);
    uint64_t row = 0;
    for (uint32_t i = 0; i < rewrite->n_files; i++)
        for (uint32_t g = 0; g < parquet_row_groups(merge->sources[i].file); g++) {
            uint64_t n = parquet_row_group_rows(merge->sources[i].file, g);
            merge->groups[merge->n_groups++] = (SourceGroup){i, g, row, n};
            row += n;
        }
    if (row != merge->n_rows)
        return error_set(err, STATUS_CORRUPT, "the row groups of a file do not add up to its rows");
    uint64_t bytes_a_row = merge->n_rows ? merge->bytes / merge->n_rows + 1 : 1;
    uint64_t rows = GROUP_BYTES / bytes_a_row;
    merge->group_rows = (uint32_t)(rows > GROUP_ROWS ? GROUP_ROWS : rows < GROUP_LEAST_ROWS ? GROUP_LEAST_ROWS : rows);
    return STATUS_OK;
}

static void make_schema(Merge *merge)
{
    const DeltaMetadata *metadata = &merge->rewrite->snapshot->metadata;
    merge->schema.fields = ARENA_ARRAY(&merge->arena, Field, metadata->schema.n);
    for (uint32_t i = 0; i < metadata->schema.n; i++) {
        bool partition = false;
        for (uint32_t p = 0; p < metadata->n_partition_columns; p++)
            partition |= metadata->partition_columns[p] == i;
        if (!partition)
            merge->schema.fields[merge->schema.n++] = metadata->schema.fields[i];
    }
}

/* ---- The order of rows ---- */

static Status read_keys_of_group(Merge *merge, const SourceGroup *group, int column, DataType type, int64_t *keys,
                                 Error *err)
{
    if (column < 0) {
        for (uint64_t r = 0; r < group->n_rows; r++)
            keys[r] = INT64_MIN;
        return STATUS_OK;
    }
    uint32_t wanted = (uint32_t)column;
    TRY(parquet_row_group_open(merge->sources[group->source].file, group->row_group, &wanted, 1, &merge->handle, err));
    size_t width = type_width(type);
    for (uint64_t first = 0; first < group->n_rows;) {
        uint32_t n = (uint32_t)(group->n_rows - first < READ_ROWS ? group->n_rows - first : READ_ROWS);
        Vector vector;
        TRY(parquet_column_read(merge->handle, 0, n, &vector, err));
        const Vector *entries = vector_entries(&vector);
        for (uint32_t r = 0; r < n; r++) {
            uint32_t at = vector_position(&vector, r);
            bool valid = !entries->valid || entries->valid[at];
            keys[first + r] = rewrite_sort_key(type, (const uint8_t *)entries->data + at * width, valid);
        }
        first += n;
    }
    return STATUS_OK;
}

/* Places by counting; rows of one key stay in order. */
static void place_by_counting(Merge *merge, const int64_t *keys, int64_t lowest, uint64_t range)
{
    uint32_t *next = mem_zalloc(sizeof(uint32_t) * (range + 3)); /* slot 0: NULL */
    for (uint64_t r = 0; r < merge->n_rows; r++)
        next[keys[r] == INT64_MIN ? 1 : (uint64_t)(keys[r] - lowest) + 2]++;
    for (uint64_t i = 1; i < range + 3; i++)
        next[i] += next[i - 1];
    for (uint64_t r = 0; r < merge->n_rows; r++)
        merge->target[r] = next[keys[r] == INT64_MIN ? 0 : (uint64_t)(keys[r] - lowest) + 1]++;
    mem_free(next);
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const int64_t *keys = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (keys[x] != keys[y])
        return keys[x] < keys[y] ? -1 : 1;
    return (x > y) - (x < y);
}

static void place_by_comparing(Merge *merge, int64_t *keys)
{
    uint32_t *order = mem_alloc(sizeof(uint32_t) * (size_t)merge->n_rows);
    for (uint64_t r = 0; r < merge->n_rows; r++)
        order[r] = (uint32_t)r;
    qsort_r(order, (size_t)merge->n_rows, sizeof *order, compare_rows, keys);
    for (uint64_t i = 0; i < merge->n_rows; i++)
        merge->target[order[i]] = (uint32_t)i;
    mem_free(order);
}

static void place_rows(Merge *merge, int64_t *keys)
{
    int64_t lowest = INT64_MAX, highest = INT64_MIN;
    bool sorted = true;
    for (uint64_t r = 0; r < merge->n_rows; r++) {
        sorted &= r == 0 || keys[r - 1] <= keys[r];
        highest = keys[r] > highest ? keys[r] : highest;
        if (keys[r] != INT64_MIN && keys[r] < lowest)
            lowest = keys[r];
    }
    if (sorted)
        return;
    merge->target = mem_alloc(sizeof(uint32_t) * (size_t)merge->n_rows);
    uint64_t range = (uint64_t)highest - (uint64_t)lowest;
    if (range < COUNTED_KEYS)
        place_by_counting(merge, keys, lowest, range);
    else
        place_by_comparing(merge, keys);
}

static Status order_rows(Merge *merge, Error *err)
{
    const DeltaRewrite *rewrite = merge->rewrite;
    if (rewrite->sort_column < 0 || merge->n_rows == 0)
        return STATUS_OK;
    const Field *field = &rewrite->snapshot->metadata.schema.fields[rewrite->sort_column];
    int column = schema_find(&merge->schema, field->name);
    if (column < 0) /* a partition column: the same in all rows */
        return STATUS_OK;
    merge->reserved = (size_t)merge->n_rows * 16;
    if (budget_reserve(rewrite->budget, merge->reserved, "the order of the rows to compact", err) != STATUS_OK) {
        merge->reserved = 0;
        return err->code;
    }
    int64_t *keys = mem_alloc(sizeof(int64_t) * (size_t)merge->n_rows);
    Status status = STATUS_OK;
    for (uint32_t g = 0; g < merge->n_groups && status == STATUS_OK; g++) {
        const SourceGroup *group = &merge->groups[g];
        status = read_keys_of_group(merge, group, merge->sources[group->source].columns[column], field->type,
                                    keys + group->first_row, err);
    }
    if (status == STATUS_OK)
        place_rows(merge, keys);
    mem_free(keys);
    return status;
}

/* ---- One column of one new row group ---- */

static Status reserve_column(Merge *merge, Error *err)
{
    size_t used = merge->column_arena.used_bytes;
    if (used <= merge->column_reserved)
        return STATUS_OK;
    TRY(budget_reserve(merge->rewrite->budget, used - merge->column_reserved, "a column of the rows to compact", err));
    merge->column_reserved = used;
    return STATUS_OK;
}

static void forget_column(Merge *merge)
{
    budget_release(merge->rewrite->budget, merge->column_reserved);
    merge->column_reserved = 0;
    merge->column = NO_COLUMN;
    merge->dictionary = NULL;
    arena_reset(&merge->column_arena);
}

/* Texts move to memory that outlives the source's: those of a dictionary once, others one by one. */
static StrView keep_text(Merge *merge, const Vector *vector, uint32_t at)
{
    const StrView *texts = vector_entries(vector)->data;
    if (vector->kind != VECTOR_DICT)
        return arena_str(&merge->column_arena, texts[at]);
    if (merge->dictionary != vector->dict) {
        merge->dictionary = vector->dict;
        merge->dictionary_texts = arena_zalloc(&merge->column_arena, sizeof(StrView) * vector->dict->n);
    }
    if (!merge->dictionary_texts[at].data)
        merge->dictionary_texts[at] = arena_str(&merge->column_arena, texts[at]);
    return merge->dictionary_texts[at];
}

/* Values of `vector`, whose row 0 is row `first` of the sources, to their places. */
static void put_values(Merge *merge, const Vector *vector, uint64_t first, const Placed *placed, uint32_t n)
{
    const Vector *entries = vector_entries(vector);
    size_t width = type_width(merge->values.type);
    uint8_t *to = merge->values.data;
    bool text = merge->values.type.id == TYPE_STRING || merge->values.type.id == TYPE_BINARY;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = vector_position(vector, (uint32_t)(placed[i].row - first));
        uint32_t place = placed[i].place;
        bool valid = !entries->valid || entries->valid[at];
        merge->values.valid[place] = valid;
        merge->has_nulls |= !valid;
        if (!valid)
            memset(to + place * width, 0, width);
        else if (text)
            ((StrView *)(void *)to)[place] = keep_text(merge, vector, at);
        else
            memcpy(to + place * width, (const uint8_t *)entries->data + at * width, width);
    }
}

static void put_nulls(Merge *merge, const Placed *placed, uint32_t n)
{
    size_t width = type_width(merge->values.type);
    for (uint32_t i = 0; i < n; i++) {
        merge->values.valid[placed[i].place] = 0;
        memset((uint8_t *)merge->values.data + placed[i].place * width, 0, width);
    }
    merge->has_nulls |= n > 0;
}

/* The rows placed[0..n), all of one group, from column `column` of its file. */
static Status gather_from_group(Merge *merge, const SourceGroup *group, uint32_t column, const Placed *placed,
                                uint32_t n, Error *err)
{
    int at = merge->sources[group->source].columns[column];
    if (at < 0) {
        put_nulls(merge, placed, n);
        return STATUS_OK;
    }
    uint32_t wanted = (uint32_t)at;
    TRY(parquet_row_group_open(merge->sources[group->source].file, group->row_group, &wanted, 1, &merge->handle, err));
    merge->dictionary = NULL;
    uint64_t row = 0; /* of the group */
    for (uint32_t done = 0; done < n;) {
        uint64_t first = placed[done].row - group->first_row;
        for (; row < first;) {
            uint32_t skip = (uint32_t)(first - row < GROUP_ROWS ? first - row : GROUP_ROWS);
            TRY(parquet_column_skip(merge->handle, 0, skip, err));
            row += skip;
        }
        uint64_t last = placed[n - 1].row - group->first_row + 1;
        uint32_t step = (uint32_t)(last - row < READ_ROWS ? last - row : READ_ROWS);
        uint32_t here = done;
        while (here < n && placed[here].row - group->first_row < row + step)
            here++;
        Vector vector;
        TRY(parquet_column_read(merge->handle, 0, step, &vector, err));
        put_values(merge, &vector, group->first_row + row, placed + done, here - done);
        TRY(reserve_column(merge, err));
        done = here;
        row += step;
    }
    return STATUS_OK;
}

static Status gather_column(Merge *merge, uint32_t column, Error *err)
{
    forget_column(merge);
    merge->values = vector_new(&merge->column_arena, merge->schema.fields[column].type, merge->n, true);
    merge->has_nulls = false;
    TRY(reserve_column(merge, err));
    uint32_t g = 0;
    for (uint32_t done = 0; done < merge->n;) {
        while (merge->groups[g].first_row + merge->groups[g].n_rows <= merge->placed[done].row)
            g++;
        uint64_t end = merge->groups[g].first_row + merge->groups[g].n_rows;
        uint32_t here = done;
        while (here < merge->n && merge->placed[here].row < end)
            here++;
        TRY(gather_from_group(merge, &merge->groups[g], column, merge->placed + done, here - done, err));
        done = here;
    }
    if (!merge->has_nulls)
        merge->values.valid = NULL;
    Vector coded;
    if (rewrite_dictionary(&merge->values, &merge->column_arena, &merge->entries, &coded))
        merge->values = coded;
    merge->column = column;
    return reserve_column(merge, err);
}

static Status give_page(void *context, uint32_t column, uint64_t first, uint32_t n, Vector *ret_page, Error *err)
{
    Merge *merge = context;
    if (merge->column != column) {
        TRY(interrupt_check(err));
        TRY(gather_column(merge, column, err));
    }
    *ret_page = vector_slice(&merge->values, (uint32_t)first, n);
    return STATUS_OK;
}

/* ---- The new file ---- */

/* Which rows belong to the new row group [base, base + n), in the order of the sources. */
static void find_placed(Merge *merge)
{
    if (!merge->target) {
        for (uint32_t i = 0; i < merge->n; i++)
            merge->placed[i] = (Placed){merge->base + i, i};
        return;
    }
    uint32_t found = 0;
    for (uint64_t r = 0; r < merge->n_rows; r++) {
        uint32_t place = merge->target[r] - merge->base;
        if (place < merge->n)
            merge->placed[found++] = (Placed){(uint32_t)r, place};
    }
    CHECK(found == merge->n);
}

static Status write_row_groups(Merge *merge, ParquetWriter *writer, Error *err)
{
    ParquetPageSource source = {merge, give_page};
    for (uint64_t base = 0; base < merge->n_rows; base += merge->n) {
        uint64_t left = merge->n_rows - base;
        merge->base = (uint32_t)base;
        merge->n = left < merge->group_rows ? (uint32_t)left : merge->group_rows;
        find_placed(merge);
        forget_column(merge);
        TRY(parquet_encode_row_group(writer, &source, merge->n, &merge->encoded, err));
        TRY(parquet_append_row_group(writer, merge->encoded, err));
    }
    return parquet_finish(writer, NULL, err);
}

static Status write_file(Merge *merge, const char *path, Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_SNAPPY};
    StorageWriter *storage;
    TRY(storage_create(path, &storage, err));
    ParquetWriter *writer = NULL;
    Status status = parquet_writer_new(storage, &merge->schema, &options, &writer, err);
    if (status == STATUS_OK)
        status = write_row_groups(merge, writer, err);
    parquet_writer_free(writer);
    if (status != STATUS_OK) {
        storage_discard(storage);
        return status;
    }
    return storage_commit(storage, err);
}

static Status merge_to_file(Merge *merge, Arena *arena, DeltaFile *ret_file, Error *err)
{
    const DeltaSnapshot *snapshot = merge->rewrite->snapshot;
    const char *const *values = merge->rewrite->files[0]->partition_values;
    make_schema(merge);
    TRY(open_sources(merge, err));
    TRY(order_rows(merge, err));
    merge->placed = mem_alloc(sizeof(Placed) * merge->group_rows);
    const char *path = delta_data_path(&snapshot->metadata, values, arena);
    const char *full = arena_printf(arena, "%s/%s", snapshot->table, path);
    TRY(write_file(merge, full, err));
    DeltaFile file;
    Status status = delta_describe_file(snapshot->table, &snapshot->metadata, path, values, arena, &file, err);
    if (status == STATUS_OK && file.num_records != (int64_t)merge->n_rows)
        status = error_set(err, STATUS_INTERNAL, "a compacted file has %lld rows instead of %llu",
                           (long long)file.num_records, (unsigned long long)merge->n_rows);
    if (status != STATUS_OK) {
        Error ignored;
        error_init(&ignored);
        (void)!storage_remove(full, &ignored);
        return status;
    }
    *ret_file = file;
    return STATUS_OK;
}

Status delta_rewrite(const DeltaRewrite *rewrite, Arena *arena, DeltaFile *ret_file, Error *err)
{
    Merge merge = {.rewrite = rewrite, .column = NO_COLUMN};
    arena_init(&merge.arena);
    arena_init(&merge.column_arena);
    Status status = merge_to_file(&merge, arena, ret_file, err);
    forget_column(&merge);
    budget_release(rewrite->budget, merge.reserved);
    parquet_row_group_close(merge.handle);
    parquet_encoded_row_group_free(merge.encoded);
    for (uint32_t i = 0; merge.sources && i < rewrite->n_files; i++)
        if (merge.sources[i].file)
            parquet_close(merge.sources[i].file);
    mem_free(merge.target);
    mem_free(merge.placed);
    arena_done(&merge.column_arena);
    arena_done(&merge.arena);
    return status;
}
