/* The table of what a statement may not hold, with the form to write instead.
 *
 * Two kinds stand here: text that PostgreSQL's grammar and Spark both take and understand differently, and text that only
 * one of them takes.  The table is also what docs/sql.md lists.
 *
 * A pattern is words parted by single spaces, each of which one token must match:
 *   <     an operand must end before the pattern (first place only; takes no token)
 *   >     an operand must start behind the pattern (last place only; takes no token)
 *   N     any integer literal
 *   P     a parameter: $1
 *   O     any operator that the dialect does not have
 *   else  the token's own text, without regard to case
 * The position in the error is that of the first token. */
#include <stdio.h>

#include "sql/sql_internal.h"

static const SqlRefusal REFUSALS[] = {
    /* operators */
    {"==", "== is not PostgreSQL's", "write ="},
    {"<=>", "<=> groups differently in Spark and is not PostgreSQL's", "write a IS NOT DISTINCT FROM b"},
    {"!", "! is not PostgreSQL's negation", "write NOT"},
    {"^", "^ is a power in PostgreSQL and a bit operator in Spark", "write a * a"},
    {"**", "** is in neither engine's shared part", "write a * a"},
    {"&", "bit operators group differently in the two engines", "write arithmetic or a comparison instead"},
    {"|", "bit operators group differently in the two engines", "write arithmetic or a comparison instead"},
    {"#", "bit operators group differently in the two engines", "write arithmetic or a comparison instead"},
    {"<<", "bit operators group differently in the two engines", "multiply by a power of two instead"},
    {">>", "bit operators group differently in the two engines", "divide by a power of two instead"},
    {"< ~", "~ matches in PostgreSQL and is a bit operator in Spark",
     "write LIKE; regexp_like(a, b), which both engines take, is not in the dialect yet"},
    {"~", "bit operators group differently in the two engines", "write -a - 1"},
    {"~*", "~* is PostgreSQL's alone",
     "write ILIKE; regexp_like(a, b), which both engines take, is not in the dialect yet"},
    {"!~", "!~ is PostgreSQL's alone",
     "write NOT LIKE; regexp_like(a, b), which both engines take, is not in the dialect yet"},
    {"!~*", "!~* is PostgreSQL's alone",
     "write NOT ILIKE; regexp_like(a, b), which both engines take, is not in the dialect yet"},
    {"~~", "~~ is PostgreSQL's alone", "write LIKE"},
    {"!~~", "!~~ is PostgreSQL's alone", "write NOT LIKE"},
    {"::", ":: is PostgreSQL's alone", "write CAST(a AS BIGINT)"},
    {"`", "backticks are Spark's alone", "write the name plainly: letters, digits and _ need no quotes"},
    {"->", "functions as arguments are Spark's alone", "write the expression itself"},
    {"=>", "named arguments are in one engine only", "give the arguments in their order"},
    {"[", "elements of arrays are not in the dialect", "ingest the element as a column"},
    {"{", "templates are not replaced here", "write the value itself"},
    {"?", "parameters are not replaced here", "write the value itself"},
    {":", "parameters are not replaced here", "write the value itself"},
    {":=", "named arguments are in one engine only", "give the arguments in their order"},
    {"operator (", "OPERATOR() is PostgreSQL's alone", "write the operator's sign"},
    {"P", "parameters are not replaced here", "write the value itself"},
    {"O", "the operator is not in the dialect",
     "put spaces between operators; the dialect has + - * / % || = <> < <= > >="},
    /* words that act as operators */
    {"< div >", "DIV is Spark's alone", "write CAST(a / b AS BIGINT)"},
    {"< rlike >", "RLIKE is Spark's alone",
     "write LIKE; regexp_like(a, b), which both engines take, is not in the dialect yet"},
    {"< regexp >", "REGEXP is Spark's alone",
     "write LIKE; regexp_like(a, b), which both engines take, is not in the dialect yet"},
    {"similar to", "SIMILAR TO is PostgreSQL's alone",
     "write LIKE; regexp_like(a, b), which both engines take, is not in the dialect yet"},
    {"between symmetric", "BETWEEN SYMMETRIC is PostgreSQL's alone", "write the lower bound first"},
    {"between asymmetric", "BETWEEN ASYMMETRIC is PostgreSQL's alone", "leave ASYMMETRIC out"},
    {"< isnull", "ISNULL is PostgreSQL's alone", "write IS NULL"},
    {"< notnull", "NOTNULL is PostgreSQL's alone", "write IS NOT NULL"},
    {"at time zone", "AT TIME ZONE is PostgreSQL's alone",
     "instants are stored in UTC: compare with TIMESTAMP '2025-01-01 00:00:00Z'"},
    {"collate", "COLLATE is in one engine only", "strings compare byte by byte; lower(a) makes that blind to case"},
    {"overlaps", "OVERLAPS is PostgreSQL's alone", "compare the bounds: a < d AND c < b"},
    /* functions and literals */
    {"try_cast (", "TRY_CAST is Spark's alone", "write CAST: a failed cast gives NULL"},
    {"interval N", "an interval's number without quotes is Spark's alone", "write INTERVAL '1' DAY"},
    {"current_date (", "current_date takes no parentheses in PostgreSQL's grammar",
     "write current_date without parentheses"},
    {"current_date", "a result may not depend on the day it is made", "give the day: DATE '2025-06-30'"},
    {"current_timestamp", "a result may not depend on the moment it is made",
     "give the instant: TIMESTAMP '2025-06-30 00:00:00Z'"},
    {"user", "a bare user is a function in PostgreSQL and a column in Spark", "rename the column"},
    {"current_user", "a result may not depend on who makes it", "write the name as a literal"},
    {"session_user", "a result may not depend on who makes it", "write the name as a literal"},
    {"ignore nulls", "IGNORE NULLS is Spark's alone", "add WHERE a IS NOT NULL, or FILTER (WHERE a IS NOT NULL)"},
    {"respect nulls", "RESPECT NULLS is Spark's alone", "leave it out"},
    {"array [", "arrays are not in the dialect", "write IN (...)"},
    /* SELECT list and FROM */
    {"distinct on", "DISTINCT ON is PostgreSQL's alone", "write GROUP BY with min or max"},
    {"* except", "SELECT * EXCEPT is Spark's alone", "name the columns you want"},
    {"* exclude", "SELECT * EXCLUDE is in neither engine's shared part", "name the columns you want"},
    {"* replace", "SELECT * REPLACE is in neither engine's shared part", "name the columns you want"},
    {"from only", "ONLY is PostgreSQL's alone", "leave ONLY out"},
    {"from values", "FROM VALUES is Spark's alone", "write (VALUES ...) AS t(x, y)"},
    {"semi join", "SEMI JOIN is Spark's alone", "write WHERE EXISTS (SELECT ...)"},
    {"anti join", "ANTI JOIN is Spark's alone", "write WHERE NOT EXISTS (SELECT ...)"},
    {"lateral view", "LATERAL VIEW is Spark's alone", "ingest one row for each element"},
    {"lateral", "LATERAL is not in the dialect", "repeat the expression"},
    {"tablesample", "TABLESAMPLE differs between the engines", "filter on a column that spreads rows evenly"},
    {"< pivot (", "PIVOT is Spark's alone", "write one sum(...) FILTER (WHERE ...) for each column"},
    {"< unpivot (", "UNPIVOT is Spark's alone", "select each column by a statement of its own"},
    {"< qualify >", "QUALIFY is Spark's alone", "filter in a statement around it"},
    /* clauses */
    {"group by all", "GROUP BY ALL is Spark's alone", "name the columns or give their ordinals"},
    {"order by all", "ORDER BY ALL is Spark's alone", "name the columns or give their ordinals"},
    {"with rollup", "WITH ROLLUP is Spark's alone", "write GROUP BY ROLLUP(a, b)"},
    {"with cube", "WITH CUBE is Spark's alone", "write GROUP BY CUBE(a, b)"},
    {"fetch", "FETCH FIRST is PostgreSQL's alone", "write LIMIT 10"},
    {"offset N row", "OFFSET n ROW is PostgreSQL's alone", "write OFFSET 10"},
    {"offset N rows", "OFFSET n ROWS is PostgreSQL's alone", "write OFFSET 10"},
    {"minus select", "MINUS is Spark's alone", "write EXCEPT"},
    {"minus (", "MINUS is Spark's alone", "write EXCEPT"},
    {"intersect", "INTERSECT is not in the dialect yet", "filter with AND"},
    {"except", "EXCEPT is not in the dialect yet", "filter with AND NOT"},
    {"exists (", "EXISTS is not in the dialect yet", "write a.x IN (SELECT b.x FROM b WHERE ...)"},
};

const SqlRefusal *sql_refusal_table(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(REFUSALS);
    return REFUSALS;
}

/* Whether the token is an operator that the dialect has not. */
static bool is_foreign_operator(const SqlText *source, const SqlToken *token)
{
    switch (token->kind) {
    case PG_QUERY__TOKEN__Op:
        return token->end - token->start != 2 || memcmp(source->text + token->start, "||", 2) != 0;
    case PG_QUERY__TOKEN__TYPECAST:
    case PG_QUERY__TOKEN__DOT_DOT:
    case PG_QUERY__TOKEN__COLON_EQUALS:
    case PG_QUERY__TOKEN__EQUALS_GREATER:
        return true;
    default:
        return false;
    }
}

static bool word_matches(const SqlText *source, const SqlToken *token, const char *word, size_t size)
{
    if (size == 1 && word[0] == 'N')
        return token->kind == PG_QUERY__TOKEN__ICONST;
    if (size == 1 && word[0] == 'P')
        return token->kind == PG_QUERY__TOKEN__PARAM;
    if (size == 1 && word[0] == 'O')
        return is_foreign_operator(source, token);
    if ((size_t)(token->end - token->start) != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = source->text[token->start + (int32_t)i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != word[i])
            return false;
    }
    return true;
}

static bool pattern_matches(const SqlText *source, uint32_t at, const char *pattern)
{
    uint32_t token = at;
    if (pattern[0] == '<' && pattern[1] == ' ') {
        if (at == 0 || !sql_token_ends_operand(&source->tokens[at - 1]))
            return false;
        pattern += 2;
    }
    while (*pattern) {
        size_t size = strcspn(pattern, " ");
        if (token >= source->n_tokens)
            return false;
        if (token > at && size == 1 && pattern[0] == '>')
            return sql_token_starts_operand(&source->tokens[token]);
        if (!word_matches(source, &source->tokens[token], pattern, size))
            return false;
        token++;
        pattern += size + (pattern[size] == ' ');
    }
    return true;
}

/* A word behind AS or a dot is a name, whatever it says elsewhere. */
static bool is_plain_name(const SqlText *source, uint32_t at)
{
    if (at == 0)
        return false;
    PgQuery__Token before = source->tokens[at - 1].kind;
    return before == PG_QUERY__TOKEN__AS || before == PG_QUERY__TOKEN__ASCII_46;
}

Status sql_check_refusals(const SqlText *source, Error *err)
{
    for (uint32_t at = 0; at < source->n_tokens; at++) {
        const SqlToken *token = &source->tokens[at];
        if (token->kind == PG_QUERY__TOKEN__SCONST || is_plain_name(source, at))
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(REFUSALS); i++) {
            const SqlRefusal *rule = &REFUSALS[i];
            if (!pattern_matches(source, at, rule->pattern))
                continue;
            SqlWord word = sql_word(source, token);
            return sql_refuse(source, token->start, err, rule->hint, "%s (at %s)", rule->what, word.text);
        }
    }
    return STATUS_OK;
}
