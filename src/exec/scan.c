/* A column that a file does not have is a dictionary of one entry with codes of 0, made anew for each row group: whatever
 * works on dictionaries (cells, remembered expressions, sort keys) takes it as it takes any other. */
#include "exec/scan.h"

#include "exec/relation.h"

#define NOT_WANTED UINT32_MAX

static const uint8_t ZERO_CODES[SCAN_CHUNK_ROWS];

static Status missing_column(const TableFiles *table, uint32_t file, const char *name, Error *err)
{
    const Schema *schema = parquet_schema(table->files[file]);
    error_set(err, STATUS_DATA, "the column '%s' is missing", name);
    error_at_file(err, parquet_path(table->files[file]));
    const char **names = mem_alloc(sizeof(char *) * (schema->n + 1));
    for (uint32_t i = 0; i < schema->n; i++)
        names[i] = schema->fields[i].name;
    const char *nearest = text_nearest(name, names, schema->n);
    if (nearest)
        error_hint(err, "did you mean '%s'? `freightlake inspect FILE` lists the columns", nearest);
    else
        error_hint(err, "`freightlake inspect FILE` lists the columns of a file");
    mem_free(names);
    return err->code;
}

static Status wrong_type(const TableFiles *table, uint32_t file, const Field *have, const Field *want, Error *err)
{
    char from[64], to[64];
    error_set(err, STATUS_DATA, "the column '%s' has type %s, which cannot be read as %s", want->name,
              type_name(have->type, from, sizeof from), type_name(want->type, to, sizeof to));
    error_at_file(err, parquet_path(table->files[file]));
    return error_hint(err, "write the column as %s, or leave the file out", to);
}

static const Value *table_constant(const TableFiles *table, uint32_t file, uint32_t column)
{
    const Value *constant = table->constants ? &table->constants[(size_t)file * table->schema->n + column] : NULL;
    return constant && constant->type.id != TYPE_COUNT ? constant : NULL;
}

static Status find_column(const TableFiles *table, uint32_t file, uint32_t column, uint32_t *ret_index, Error *err)
{
    const Field *want = &table->schema->fields[column];
    const Schema *schema = parquet_schema(table->files[file]);
    if (table_constant(table, file, column)) {
        *ret_index = SCAN_CONSTANT;
        return STATUS_OK;
    }
    int found = schema_find(schema, want->name);
    if (found < 0)
        return missing_column(table, file, want->name, err);
    if (!cast_allowed(schema->fields[found].type, want->type))
        return wrong_type(table, file, &schema->fields[found], want, err);
    *ret_index = (uint32_t)found;
    return STATUS_OK;
}

static void plan_blocks(ScanPlan *plan, Arena *arena)
{
    const TableFiles *table = plan->table;
    for (uint32_t r = 0; r < table->n_relations; r++) {
        plan->n_tasks += relation_blocks(table->relations[r]);
        plan->rows += table->relations[r]->rows;
    }
    plan->tasks = ARENA_ARRAY(arena, ScanTask, plan->n_tasks + 1);
    uint32_t task = 0;
    for (uint32_t r = 0; r < table->n_relations; r++)
        for (uint32_t block = 0; block < relation_blocks(table->relations[r]); block++)
            plan->tasks[task++] = (ScanTask){r, block, relation_block_rows(table->relations[r], block)};
}

Status scan_plan(const TableFiles *table, const uint32_t *columns, uint32_t n_columns, Arena *arena,
                 ScanPlan **ret_plan, Error *err)
{
    ScanPlan *plan = ARENA_NEW(arena, ScanPlan);
    plan->table = table;
    plan->n_columns = n_columns;
    plan->columns = ARENA_ARRAY(arena, uint32_t, n_columns + 1);
    if (n_columns)
        memcpy(plan->columns, columns, sizeof(uint32_t) * n_columns);
    *ret_plan = plan;
    if (table->n_relations) {
        plan_blocks(plan, arena);
        return STATUS_OK;
    }
    plan->file_columns = ARENA_ARRAY(arena, uint32_t, (size_t)table->n_files * n_columns + 1);
    for (uint32_t file = 0; file < table->n_files; file++) {
        for (uint32_t i = 0; i < n_columns; i++)
            TRY(find_column(table, file, columns[i], &plan->file_columns[(size_t)file * n_columns + i], err));
        plan->n_tasks += parquet_row_groups(table->files[file]);
        plan->rows += parquet_rows(table->files[file]);
    }
    plan->tasks = ARENA_ARRAY(arena, ScanTask, plan->n_tasks + 1);
    uint32_t task = 0;
    for (uint32_t file = 0; file < table->n_files; file++)
        for (uint32_t group = 0; group < parquet_row_groups(table->files[file]); group++)
            plan->tasks[task++] = (ScanTask){file, group, parquet_row_group_rows(table->files[file], group)};
    return STATUS_OK;
}

uint64_t scan_task_bytes(const ScanPlan *plan, uint32_t task)
{
    const ScanTask *where = &plan->tasks[task];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < plan->n_columns && !plan->table->n_relations; i++) {
        uint32_t column = plan->file_columns[(size_t)where->file * plan->n_columns + i];
        if (column != SCAN_CONSTANT)
            bytes += parquet_column_bytes(plan->table->files[where->file], where->row_group, column);
    }
    return bytes;
}

static DataType file_type(const ScanPlan *plan, uint32_t file, uint32_t column)
{
    uint32_t index = plan->file_columns[(size_t)file * plan->n_columns + column];
    return parquet_schema(plan->table->files[file])->fields[index].type;
}

static DataType table_type(const ScanPlan *plan, uint32_t column)
{
    return plan->table->schema->fields[plan->columns[column]].type;
}

const Value *scan_constant(const ScanPlan *plan, uint32_t file, uint32_t column)
{
    return table_constant(plan->table, file, plan->columns[column]);
}

bool scan_column_is_plain(const ScanPlan *plan, uint32_t file, uint32_t column)
{
    if (plan->table->n_relations || plan->file_columns[(size_t)file * plan->n_columns + column] == SCAN_CONSTANT)
        return false;
    return type_equal(file_type(plan, file, column), table_type(plan, column));
}

static const Vector *cast_dictionary(const Vector *dictionary, DataType type, Arena *arena)
{
    Vector *cast = ARENA_NEW(arena, Vector);
    cast_vector(dictionary, type, arena, cast);
    if (cast->valid && !memchr(cast->valid, 0, cast->n))
        cast->valid = NULL;
    return cast;
}

static const Vector *constant_dictionary(const Value *constant, Arena *arena)
{
    Vector *dictionary = ARENA_NEW(arena, Vector);
    *dictionary = vector_const(arena, constant, 1);
    dictionary->kind = VECTOR_FLAT;
    return dictionary;
}

Status scan_task_dictionary(const ScanPlan *plan, uint32_t task, uint32_t column, Arena *arena,
                            const Vector **ret_dictionary, Error *err)
{
    const ScanTask *where = &plan->tasks[task];
    *ret_dictionary = NULL;
    if (plan->table->n_relations)
        return STATUS_OK;
    uint32_t index = plan->file_columns[(size_t)where->file * plan->n_columns + column];
    const Value *constant = scan_constant(plan, where->file, column);
    if (constant) {
        *ret_dictionary = constant_dictionary(constant, arena);
        return STATUS_OK;
    }
    const Vector *dictionary;
    TRY(parquet_read_dictionary(plan->table->files[where->file], where->row_group, index, arena, &dictionary, err));
    if (dictionary && !scan_column_is_plain(plan, where->file, column))
        dictionary = cast_dictionary(dictionary, table_type(plan, column), arena);
    *ret_dictionary = dictionary;
    return STATUS_OK;
}

void scan_cursor_init(ScanCursor *cursor, const ScanPlan *plan)
{
    memset(cursor, 0, sizeof *cursor);
    cursor->plan = plan;
    arena_init(&cursor->arena);
}

void scan_cursor_done(ScanCursor *cursor)
{
    parquet_row_group_close(cursor->handle);
    arena_done(&cursor->arena);
    memset(cursor, 0, sizeof *cursor);
}

Status scan_cursor_open(ScanCursor *cursor, uint32_t task, const bool *wanted, Error *err)
{
    const ScanPlan *plan = cursor->plan;
    const ScanTask *where = &plan->tasks[task];
    uint32_t n = plan->n_columns;
    arena_reset(&cursor->arena);
    cursor->generation++;
    cursor->task = where;
    cursor->row = 0;
    cursor->range = 0;
    cursor->wanted = (RowRanges){ARENA_NEW(&cursor->arena, RowRange), 1};
    cursor->wanted.ranges[0] = (RowRange){0, where->rows};
    cursor->dictionaries = ARENA_ARRAY(&cursor->arena, const Vector *, n + 1);
    cursor->casts = ARENA_ARRAY(&cursor->arena, bool, n + 1);
    if (plan->table->n_relations) {
        Batch *block = ARENA_NEW(&cursor->arena, Batch);
        cursor->block = block;
        return relation_block(plan->table->relations[where->file], where->row_group, &cursor->arena, block, err);
    }
    cursor->file_columns = ARENA_ARRAY(&cursor->arena, uint32_t, n + 1); /* position in the handle */
    uint32_t *read = ARENA_ARRAY(&cursor->arena, uint32_t, n + 1);
    uint32_t n_read = 0;
    for (uint32_t i = 0; i < n; i++) {
        cursor->file_columns[i] = NOT_WANTED;
        if (wanted && !wanted[i])
            continue;
        const Value *constant = scan_constant(plan, where->file, i);
        if (constant) {
            cursor->file_columns[i] = SCAN_CONSTANT;
            cursor->dictionaries[i] = constant_dictionary(constant, &cursor->arena);
            continue;
        }
        read[n_read] = plan->file_columns[(size_t)where->file * n + i];
        cursor->file_columns[i] = n_read++;
        cursor->casts[i] = !scan_column_is_plain(plan, where->file, i);
    }
    ParquetFile *file = plan->table->files[where->file];
    TRY(parquet_row_group_open(file, where->row_group, read, n_read, &cursor->handle, err));
    for (uint32_t i = 0; i < n; i++) {
        if (cursor->file_columns[i] >= SCAN_CONSTANT)
            continue;
        TRY(parquet_column_dictionary(cursor->handle, cursor->file_columns[i], &cursor->dictionaries[i], err));
        if (cursor->dictionaries[i] && cursor->casts[i])
            cursor->dictionaries[i] = cast_dictionary(cursor->dictionaries[i], table_type(plan, i), &cursor->arena);
    }
    return STATUS_OK;
}

void scan_cursor_restrict(ScanCursor *cursor, RowRanges ranges)
{
    cursor->wanted = ranges;
}

/* Moves to the next wanted row; returns how many follow it without a gap, 0 at the end. */
static Status next_range(ScanCursor *cursor, uint64_t *ret_rows, Error *err)
{
    const RowRanges *wanted = &cursor->wanted;
    while (cursor->range < wanted->n && cursor->row >= wanted->ranges[cursor->range].end)
        cursor->range++;
    *ret_rows = 0;
    if (cursor->range == wanted->n)
        return STATUS_OK;
    RowRange range = wanted->ranges[cursor->range];
    if (cursor->row < range.first)
        TRY(scan_cursor_skip(cursor, range.first - cursor->row, err));
    *ret_rows = range.end - cursor->row;
    return STATUS_OK;
}

Status scan_cursor_next(ScanCursor *cursor, uint32_t max, Arena *batch_arena, Vector *ret_columns, uint32_t *ret_n,
                        Error *err)
{
    uint64_t rows;
    TRY(next_range(cursor, &rows, err));
    CHECK(max <= SCAN_CHUNK_ROWS);
    uint32_t n = rows < max ? (uint32_t)rows : max;
    for (uint32_t i = 0; n && cursor->block && i < cursor->plan->n_columns; i++)
        ret_columns[i] = vector_slice(&cursor->block->columns[cursor->plan->columns[i]], (uint32_t)cursor->row, n);
    for (uint32_t i = 0; n && !cursor->block && i < cursor->plan->n_columns; i++) {
        if (cursor->file_columns[i] == NOT_WANTED)
            continue;
        Vector *column = &ret_columns[i];
        if (cursor->file_columns[i] == SCAN_CONSTANT) {
            *column = (Vector){.type = cursor->dictionaries[i]->type,
                               .kind = VECTOR_DICT,
                               .code_width = 1,
                               .n = n,
                               .data = (void *)(uintptr_t)ZERO_CODES,
                               .dict = cursor->dictionaries[i]};
            continue;
        }
        TRY(parquet_column_read(cursor->handle, cursor->file_columns[i], n, column, err));
        if (cursor->dictionaries[i]) {
            column->dict = cursor->dictionaries[i];
            column->type = column->dict->type;
        } else if (cursor->casts[i]) {
            Vector flat = *column;
            cast_vector(&flat, table_type(cursor->plan, i), batch_arena, column);
        }
    }
    cursor->row += n;
    *ret_n = n;
    return STATUS_OK;
}

Status scan_cursor_skip(ScanCursor *cursor, uint64_t n, Error *err)
{
    while (n > 0) {
        uint32_t step = n < INT32_MAX ? (uint32_t)n : INT32_MAX;
        for (uint32_t i = 0; i < cursor->plan->n_columns && !cursor->block; i++)
            if (cursor->file_columns[i] < SCAN_CONSTANT)
                TRY(parquet_column_skip(cursor->handle, cursor->file_columns[i], step, err));
        cursor->row += step;
        n -= step;
    }
    return STATUS_OK;
}
