/* A statement over files; see statement.h. */
#include "cmd/statement.h"

#include <string.h>

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
        return error_hint(err, "name files in quotes after FROM, such as FROM 'shipments/*.parquet'");
    }
    return err->code;
}

static Status bind_steps(const char *sql, Arena *arena, BoundStatement *statement, Error *err)
{
    TRY(input_check_same_columns(&statement->input, err));
    statement->schema = parquet_schema(statement->input.files[0]);
    Catalog catalog = {statement, find_table};
    TRY(sql_plan(sql, SQL_QUERY, &catalog, arena, &statement->plan, err));
    TableFiles table = {statement->input.files, statement->input.n, statement->schema};
    return exec_check_files(statement->plan, &table, err);
}

Status statement_bind(const char *sql, MemoryBudget *budget, Arena *job_arena, BoundStatement *ret_statement,
                      Error *err)
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
    if (input_open(tables[0], budget, &statement.input, err) != STATUS_OK)
        return explain_not_found(tables[0], err);
    Status status = bind_steps(sql, job_arena, &statement, err);
    if (status == STATUS_OK)
        *ret_statement = statement;
    else
        statement_done(&statement);
    return status;
}

void statement_done(BoundStatement *statement)
{
    input_close(&statement->input);
}
