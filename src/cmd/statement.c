/* A statement over a table of the lake or over files; see statement.h. */
#include "cmd/statement.h"

#include <string.h>

#include "cmd/lake_table.h"

static Status find_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    (void)name;
    (void)err;
    const BoundStatement *statement = context;
    *ret_schema = statement->schema;
    return STATUS_OK;
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

static Status bind_files(const char *sql, const char *pattern, MemoryBudget *budget, Arena *arena,
                         BoundStatement *statement, Error *err)
{
    if (input_open(pattern, budget, &statement->input, err) != STATUS_OK)
        return explain_not_found(pattern, err);
    TRY(input_check_same_columns(&statement->input, err));
    statement->schema = parquet_schema(statement->input.files[0]);
    Catalog catalog = {statement, find_table};
    TRY(sql_plan(sql, SQL_QUERY, &catalog, arena, &statement->plan, err));
    statement->files = (TableFiles){statement->input.files, statement->input.n, statement->schema, NULL};
    return exec_check_files(statement->plan, &statement->files, err);
}

Status statement_open_table(const DeltaSnapshot *snapshot, Resources *resources, Arena *job_arena,
                            BoundStatement *statement, Error *err)
{
    const PlanNode *plan = statement->plan;
    OpenTableOptions options = {.schema = statement->schema, .plans = &plan, .n_plans = 1, .pool = resources->pool};
    TRY(table_open(snapshot, &options, &resources->budget, job_arena, &statement->table, err));
    statement->files = statement->table.files;
    return exec_check_files(statement->plan, &statement->files, err);
}

static Status bind_steps(const char *sql, const char *name, const Arguments *arguments, Resources *resources,
                         Arena *arena, BoundStatement *statement, Error *err)
{
    LakeTable found;
    TRY(lake_table_find(arguments, name, arena, &found, err));
    if (!found.snapshot)
        return bind_files(sql, name, &resources->budget, arena, statement, err);
    statement->schema = &found.snapshot->metadata.schema;
    Catalog catalog = {statement, find_table};
    TRY(sql_plan(sql, SQL_QUERY, &catalog, arena, &statement->plan, err));
    return statement_open_table(found.snapshot, resources, arena, statement, err);
}

Status statement_bind(const char *sql, const Arguments *arguments, Resources *resources, Arena *job_arena,
                      BoundStatement *ret_statement, Error *err)
{
    const char **tables;
    uint32_t n_tables;
    TRY(sql_tables(sql, SQL_QUERY, job_arena, &tables, &n_tables, err));
    if (n_tables != 1) {
        error_set(err, STATUS_SQL,
                  n_tables ? "the statement reads more than one table" : "the statement reads no files");
        return error_hint(err, "name the files after FROM, such as FROM 'shipments/*.parquet'");
    }
    BoundStatement statement = {0};
    Status status = bind_steps(sql, tables[0], arguments, resources, job_arena, &statement, err);
    if (status == STATUS_OK)
        *ret_statement = statement;
    else
        statement_done(&statement);
    return status;
}

void statement_done(BoundStatement *statement)
{
    input_close(&statement->input);
    table_close(&statement->table);
}
