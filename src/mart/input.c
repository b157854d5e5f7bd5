/* Input files: from a pattern to open Parquet files. */
#include "mart/input.h"

#include <string.h>
#include <strings.h>

#include "base/pool.h"
#include "columnar/function.h"

static bool is_parquet(const char *path)
{
    size_t length = strlen(path);
    return length > 8 && strcasecmp(path + length - 8, ".parquet") == 0;
}

static bool is_hidden(const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    return base[0] == '_' || base[0] == '.';
}

/* A path that names exactly one file is read whatever its name; what a folder or a glob brings along is filtered. */
static bool is_wanted(const StorageEntry *entry, const char *pattern, bool is_glob)
{
    if (strcmp(entry->path, pattern) == 0)
        return true;
    return !is_hidden(entry->path) && (is_glob || is_parquet(entry->path));
}

static Status open_one(const StorageEntry *entry, MemoryBudget *budget, InputFiles *input, Error *err)
{
    StorageReader *reader;
    ParquetFile *file;
    TRY(storage_open(entry->path, &reader, err));
    Status status = parquet_open(reader, budget, &file, err);
    if (status != STATUS_OK)
        return error_at_file(err, entry->path);
    input->files[input->n++] = file;
    input->rows += parquet_rows(file);
    input->row_groups += parquet_row_groups(file);
    return STATUS_OK;
}

static Status open_all(const StorageList *list, const char *pattern, MemoryBudget *budget, InputFiles *input,
                       Error *err)
{
    bool is_glob = strpbrk(pattern, "*?[") != NULL;
    for (size_t i = 0; i < list->n; i++) {
        TRY(interrupt_check(err));
        if (is_wanted(&list->entries[i], pattern, is_glob))
            TRY(open_one(&list->entries[i], budget, input, err));
    }
    if (input->n > 0)
        return STATUS_OK;
    error_set(err, STATUS_NOT_FOUND, "no Parquet files are in '%s'", pattern);
    return error_hint(err, "name a folder with *.parquet files, or a glob such as 'DIR/**/*.parquet'");
}

Status input_open(const char *pattern, MemoryBudget *budget, InputFiles *ret_input, Error *err)
{
    StorageList list;
    TRY(storage_list(pattern, &list, err));
    InputFiles input = {.files = mem_alloc(sizeof(ParquetFile *) * (list.n + 1))};
    Status status = open_all(&list, pattern, budget, &input, err);
    storage_list_done(&list);
    if (status == STATUS_OK)
        *ret_input = input;
    else
        input_close(&input);
    return status;
}

void input_close(InputFiles *input)
{
    for (uint32_t i = 0; i < input->n; i++)
        parquet_close(input->files[i]);
    mem_free(input->files);
    *input = (InputFiles){0};
}

static Status check_column(const Field *wanted, const ParquetFile *file, const char *first_path, Error *err)
{
    const Schema *schema = parquet_schema(file);
    int found = schema_find(schema, wanted->name);
    if (found < 0) {
        error_set(err, STATUS_DATA, "the file lacks a column that %s has", first_path);
        error_hint(err, "all files of a table must have the same columns; use a glob that names files of one kind");
    } else if (!cast_allowed(schema->fields[found].type, wanted->type)) {
        char given[32], needed[32];
        error_set(err, STATUS_DATA, "the column is %s here and %s in %s",
                  type_name(schema->fields[found].type, given, sizeof given),
                  type_name(wanted->type, needed, sizeof needed), first_path);
        error_hint(err, "all files of a table must have columns of the same types");
    } else
        return STATUS_OK;
    error_at_file(err, parquet_path(file));
    return error_at_column(err, wanted->name);
}

Status input_check_same_columns(const InputFiles *input, Error *err)
{
    const Schema *first = parquet_schema(input->files[0]);
    const char *first_path = parquet_path(input->files[0]);
    for (uint32_t f = 1; f < input->n; f++) {
        const Schema *schema = parquet_schema(input->files[f]);
        for (uint32_t i = 0; i < first->n; i++)
            TRY(check_column(&first->fields[i], input->files[f], first_path, err));
        for (uint32_t i = 0; i < schema->n; i++)
            if (schema_find(first, schema->fields[i].name) < 0) {
                error_set(err, STATUS_DATA, "the file has a column that %s lacks", first_path);
                error_at_file(err, parquet_path(input->files[f]));
                error_at_column(err, schema->fields[i].name);
                return error_hint(err, "all files of a table must have the same columns");
            }
    }
    return STATUS_OK;
}
