/* Runs PostgreSQL's grammar and makes sure that what it gave is a query of the dialect.
 *
 * The tree is read by whitelist: each field of each node is either understood or must be at its default.  What stands
 * here is the frame of each SELECT and of a table in FROM; how SELECTs hang together is read in query.c, clauses and
 * expressions in bind.c and expression.c.
 *
 * The parser's memory is its own and freed at once; the unpacked tree lives in tree->arena. */
#include "sql/sql_internal.h"

static void *tree_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size ? size : 1);
}

static void tree_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* Byte of the 1-based character the parser counts, in the text that it was given. */
static int32_t byte_of_character(const char *text, size_t size, int character)
{
    if (character <= 0)
        return -1;
    size_t byte = 0;
    for (int at = 1; at < character && byte < size; at++)
        do
            byte++;
        while (((uint8_t)text[byte] & 0xc0) == 0x80);
    return (int32_t)byte;
}

static const char *syntax_hint(const SqlText *source, int32_t byte)
{
    const SqlToken *token = byte >= 0 ? sql_token_at(source, byte) : NULL;
    if (!token)
        return "the statement ends too early, or a parenthesis or quote is left open";
    if (token->kind == PG_QUERY__TOKEN__FROM && token > source->tokens && token[-1].kind == PG_QUERY__TOKEN__ASCII_44)
        return "take the last comma of the list away";
    if (token->kind == PG_QUERY__TOKEN__SCONST && token > source->tokens && token[-1].kind == PG_QUERY__TOKEN__SCONST)
        return "write one literal, or join the two with ||";
    if (token->keyword == PG_QUERY__KEYWORD_KIND__RESERVED_KEYWORD)
        return "the word is SQL's own: rename the column, or check the order of the clauses: "
               "SELECT, FROM, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT, OFFSET";
    return "check for a missing comma, operator or quote just before";
}

int32_t sql_query_byte(const PgQuery__SelectStmt *select)
{
    while (select->larg)
        select = select->larg;
    bool has_place = select->n_target_list && select->target_list[0]->node_case == PG_QUERY__NODE__NODE_RES_TARGET;
    return has_place ? select->target_list[0]->res_target->location : -1;
}

int32_t sql_clause_byte(const SqlText *source, const PgQuery__SelectStmt *select, PgQuery__Token word)
{
    int32_t start = sql_query_byte(select);
    const SqlToken *token = start >= 0 ? sql_token_at(source, start) : NULL;
    int depth = 0;
    for (; token && token < source->tokens + source->n_tokens && depth >= 0; token++) {
        depth += (token->kind == PG_QUERY__TOKEN__ASCII_40) - (token->kind == PG_QUERY__TOKEN__ASCII_41);
        bool is_distinct_from = token > source->tokens && token[-1].kind == PG_QUERY__TOKEN__DISTINCT;
        if (depth == 0 && token->kind == word && !(word == PG_QUERY__TOKEN__FROM && is_distinct_from))
            return token->start;
    }
    return start;
}

Status sql_check_select(const SqlText *source, const PgQuery__SelectStmt *select, Error *err)
{
    if (select->into_clause)
        return sql_refuse(source, sql_word_byte(source, PG_QUERY__TOKEN__INTO), err,
                          "leave INTO out: the command says where the result goes", "SELECT INTO makes a table");
    if (select->n_values_lists)
        return sql_refuse(source, 0, err, "", "VALUES is not in the dialect yet");
    if (select->n_locking_clause)
        return sql_refuse(source, sql_word_byte(source, PG_QUERY__TOKEN__FOR), err, "leave FOR UPDATE or FOR SHARE out",
                          "a SELECT here locks nothing");
    if (select->group_distinct)
        return sql_refuse(source, sql_word_byte(source, PG_QUERY__TOKEN__GROUP_P), err, "leave DISTINCT out",
                          "GROUP BY DISTINCT is PostgreSQL's alone");
    if (select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES)
        return sql_refuse(source, 0, err, "write LIMIT 10", "WITH TIES is PostgreSQL's alone");
    if (select->op == PG_QUERY__SET_OPERATION__SETOP_NONE && select->n_target_list == 0)
        return sql_refuse(source, 0, err, "name at least one column", "the SELECT list is empty");
    return STATUS_OK;
}

Status sql_check_table(const SqlText *source, const PgQuery__RangeVar *table, Error *err)
{
    if (table->schemaname[0] != '\0' || table->catalogname[0] != '\0')
        return sql_refuse(source, table->location, err, "write the table's name alone",
                          "tables have plain names, without a schema");
    if (!table->inh)
        return sql_refuse(source, table->location, err, "leave ONLY out", "ONLY is PostgreSQL's alone");
    if (table->alias && table->alias->n_colnames)
        return sql_refuse(source, table->location, err, "rename with AS in the SELECT list",
                          "a table alias takes no list of columns");
    const SqlToken *token = sql_token_at(source, table->location);
    if (token && token + 1 < source->tokens + source->n_tokens && token[1].kind == PG_QUERY__TOKEN__ASCII_42)
        return sql_refuse(source, token[1].start, err, "leave * out", "a star behind a table is PostgreSQL's alone");
    return STATUS_OK;
}

Status sql_parse(const SqlText *source, SqlTree *tree, Error *err)
{
    arena_init(&tree->arena);
    tree->select = NULL;
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(source->parsed);
    if (parsed.error) {
        int32_t byte = byte_of_character(source->parsed, source->size, parsed.error->cursorpos);
        sql_refuse(source, byte, err, syntax_hint(source, byte), "%s", parsed.error->message);
        pg_query_free_protobuf_parse_result(parsed);
        return err->code;
    }
    ProtobufCAllocator allocator = {tree_alloc, tree_free, &tree->arena};
    const PgQuery__ParseResult *result =
        pg_query__parse_result__unpack(&allocator, parsed.parse_tree.len, (const uint8_t *)parsed.parse_tree.data);
    pg_query_free_protobuf_parse_result(parsed);
    CHECK(result);
    if (result->n_stmts != 1 || !result->stmts[0]->stmt ||
        result->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return sql_refuse(source, 0, err, "write SELECT ... FROM ...", "not one SELECT statement");
    tree->select = result->stmts[0]->stmt->select_stmt;
    return STATUS_OK;
}

void sql_tree_done(SqlTree *tree)
{
    arena_done(&tree->arena);
}
