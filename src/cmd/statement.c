/* A statement over tables of the lake and over files; see statement.h.
 *
 *   names after FROM and JOIN -> what each means: a snapshot, or open files -> plan -> the snapshots' files that it can need
 *
 * A table that the statement names twice is one table. */
#include "cmd/statement.h"

#include <string.h>

#include "cmd/lake_table.h"

static Status find_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    const BoundStatement *statement = context;
    for (uint32_t i = 0; i < statement->n_tables; i++)
        if (strcmp(statement->tables[i].name, name) == 0) {
            *ret_schema = statement->tables[i].schema;
            return STATUS_OK;
        }
    return error_set(err, STATUS_INTERNAL, "the statement reads the table '%s', which was not opened", name);
}

/* A plain name is nothing `query` knows; say what is meant to stand there. */
static Status explain_not_found(const char *pattern, Error *err)
{
    if (err->code == STATUS_NOT_FOUND && !strpbrk(pattern, "/.*?[")) {
        error_set(err, STATUS_NOT_FOUND, "there is no file or folder '%s'", pattern);
        return error_hint(err,
                          "name a table of a lake with --lake DIR, or files in quotes: FROM 'shipments/*.parquet'");
    }
    return err->code;
}

static void set_tables(BoundStatement *statement, uint32_t n, Arena *job_arena)
{
    statement->n_tables = n;
    statement->tables = ARENA_ARRAY(job_arena, BoundTable, n);
    statement->files = ARENA_ARRAY(job_arena, TableFiles, n);
}

/* What a name means.  Files are opened, as the first of them gives the columns. */
static Status look_up(BoundTable *table, const Arguments *arguments, Resources *resources, Arena *job_arena, Error *err)
{
    LakeTable found;
    TRY(lake_table_find(arguments, table->name, job_arena, &found, err));
    table->snapshot = found.snapshot;
    if (found.snapshot) {
        table->schema = &found.snapshot->metadata.schema;
        return STATUS_OK;
    }
    if (input_open(table->name, &resources->budget, &table->input, err) != STATUS_OK)
        return explain_not_found(table->name, err);
    TRY(input_check_same_columns(&table->input, err));
    table->schema = parquet_schema(table->input.files[0]);
    return STATUS_OK;
}

/* The files of a table that is known, once there is a plan. */
static Status open_files(BoundStatement *statement, uint32_t i, Resources *resources, Arena *job_arena, Error *err)
{
    BoundTable *table = &statement->tables[i];
    const PlanNode *plan = statement->plan;
    if (table->snapshot) {
        OpenTableOptions options = {
            .schema = table->schema, .name = table->name, .plans = &plan, .n_plans = 1, .pool = resources->pool};
        TRY(table_open(table->snapshot, &options, &resources->budget, job_arena, &table->table, err));
        statement->files[i] = table->table.files;
    } else {
        statement->files[i] =
            (TableFiles){.files = table->input.files, .n_files = table->input.n, .schema = table->schema};
    }
    statement->files[i].name = table->name;
    return exec_check_files(plan, &statement->files[i], err);
}

BoundStatement statement_of_table(const char *name, const Schema *schema, Arena *job_arena)
{
    BoundStatement statement = {0};
    set_tables(&statement, 1, job_arena);
    statement.tables[0] = (BoundTable){.name = name, .schema = schema};
    return statement;
}

Status statement_open_table(BoundStatement *statement, DeltaSnapshot *snapshot, Resources *resources, Arena *job_arena,
                            Error *err)
{
    statement->tables[0].snapshot = snapshot;
    return open_files(statement, 0, resources, job_arena, err);
}

Status statement_open_files(BoundStatement *statement, const char *pattern, Resources *resources, Error *err)
{
    TRY(input_open(pattern, &resources->budget, &statement->tables[0].input, err));
    return open_files(statement, 0, resources, NULL, err);
}

/* --version is one table's; --as-of is everyone's. */
static Status check_version(const BoundStatement *statement, const Arguments *arguments, Error *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < statement->n_tables; i++)
        n += statement->tables[i].snapshot != NULL;
    if (n < 2 || !arguments_given(arguments, "version"))
        return STATUS_OK;
    error_set(err, STATUS_USAGE, "--version is a number of one table, and the statement reads %u", n);
    return error_hint(err, "give --as-of TIME: all tables are read as they were then");
}

static Status bind_steps(const char *sql, const Arguments *arguments, Resources *resources, Arena *job_arena,
                         BoundStatement *statement, Error *err)
{
    for (uint32_t i = 0; i < statement->n_tables; i++)
        TRY(look_up(&statement->tables[i], arguments, resources, job_arena, err));
    TRY(check_version(statement, arguments, err));
    Catalog catalog = {statement, find_table};
    TRY(sql_plan(sql, SQL_QUERY, &catalog, job_arena, &statement->plan, err));
    for (uint32_t i = 0; i < statement->n_tables; i++)
        TRY(open_files(statement, i, resources, job_arena, err));
    return STATUS_OK;
}

Status statement_bind(const char *sql, const Arguments *arguments, Resources *resources, Arena *job_arena,
                      BoundStatement *ret_statement, Error *err)
{
    const char **names;
    BoundStatement statement = {0};
    uint32_t n;
    TRY(sql_tables(sql, SQL_QUERY, job_arena, &names, &n, err));
    if (n == 0) {
        error_set(err, STATUS_SQL, "the statement reads no files");
        return error_hint(err, "name the files after FROM, such as FROM 'shipments/*.parquet'");
    }
    set_tables(&statement, n, job_arena);
    for (uint32_t i = 0; i < n; i++)
        statement.tables[i].name = names[i];
    Status status = bind_steps(sql, arguments, resources, job_arena, &statement, err);
    if (status == STATUS_OK)
        *ret_statement = statement;
    else
        statement_done(&statement);
    return status;
}

void statement_done(BoundStatement *statement)
{
    for (uint32_t i = 0; i < statement->n_tables; i++) {
        input_close(&statement->tables[i].input);
        table_close(&statement->tables[i].table);
    }
}
