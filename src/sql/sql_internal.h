/* What the files of src/sql share: the scanned text, the parse tree, expression makers.
 *
 * sql_scan makes an SqlText (tokens checked) -> sql_parse makes the parser's tree of it -> bind.c makes a Plan. */
#ifndef FREIGHTLAKE_SQL_SQL_INTERNAL_H
#define FREIGHTLAKE_SQL_SQL_INTERNAL_H

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "sql/plan.h"

#define SQL_MAX_TEXT_BYTES ((size_t)64 << 10)
#define SQL_MAX_DEPTH 500
#define SQL_MAX_OPERATORS 10000
#define SQL_MAX_NODES 20000 /* of one expression, shared parts counted each time */
#define SQL_MAX_NAME_BYTES 63
#define SQL_MAX_PLACEHOLDERS 16

/* ---- scan.c: tokens ---- */
typedef struct SqlToken {
    int32_t start; /* bytes [start, end) of the text */
    int32_t end;
    PgQuery__Token kind;
    PgQuery__KeywordKind keyword;
} SqlToken;

/* One item of the SELECT list as tokens [first, last]. */
typedef struct SqlItem {
    uint32_t first;
    uint32_t last;
} SqlItem;

typedef struct SqlText {
    const char *text;   /* as given; NUL-terminated */
    const char *parsed; /* the same bytes, but for names that stand as placeholders */
    size_t size;
    SqlMode mode;
    Arena *arena;
    int32_t *characters; /* 1-based character of each byte; NULL for plain ASCII */
    SqlToken *tokens;    /* comments left out */
    uint32_t n_tokens;
    const char *names[SQL_MAX_PLACEHOLDERS];
    uint32_t n_names;
} SqlText;

/* Scans `text` and refuses what no SELECT of the dialect can hold.  `text` must outlive *ret, whose memory is `arena`'s. */
Status sql_scan(const char *text, SqlMode mode, Arena *arena, SqlText *ret, Error *err) MUST_CHECK;
/* The name behind a name of the parse tree: itself, or what a placeholder stands for. */
const char *sql_name(const SqlText *source, const char *parsed_name);
/* The item of a SELECT list that starts at byte `start`: up to a comma, FROM or the end, whatever parentheses hold. */
SqlItem sql_item(const SqlText *source, int32_t start);
/* The token that starts at byte `start`; NULL when there is none. */
const SqlToken *sql_token_at(const SqlText *source, int32_t start);
/* Byte of the first token of that kind; 0 when there is none. */
int32_t sql_word_byte(const SqlText *source, PgQuery__Token kind);
/* The token's own text, lower case, cut to 79 bytes. */
typedef struct SqlWord {
    char text[80];
} SqlWord;
SqlWord sql_word(const SqlText *source, const SqlToken *token);
/* Whether the token can end, or start, an operand: a name, a literal, a parenthesis. */
bool sql_token_ends_operand(const SqlToken *token);
bool sql_token_starts_operand(const SqlToken *token);
/* The text of tokens [first, last] with every gap made one space. */
const char *sql_tokens_text(const SqlText *source, uint32_t first, uint32_t last);
/* 1-based character position of a byte of the text; 0 for a negative byte. */
int32_t sql_position(const SqlText *source, int32_t byte);
/* Fills *err: code SQL, the message, the position of `byte` (none when negative) and the hint ("" for none). */
Status sql_refuse(const SqlText *source, int32_t byte, Error *err, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- refusals.c: what reads differently in PostgreSQL's grammar and in Spark, or is in only one of them ---- */
typedef struct SqlRefusal {
    const char *pattern; /* words and marks; see refusals.c */
    const char *what;
    const char *hint;
} SqlRefusal;
const SqlRefusal *sql_refusal_table(size_t *ret_n);
/* Refuses by the table, token by token. */
Status sql_check_refusals(const SqlText *source, Error *err) MUST_CHECK;

/* ---- structure.c ---- */
/* Refuses what nests too deeply, and in marts operators that group differently in Spark. */
Status sql_check_structure(const SqlText *source, Error *err) MUST_CHECK;

/* ---- parse.c ---- */
typedef struct SqlTree {
    Arena arena;
    const PgQuery__SelectStmt *select;
} SqlTree;

/* The parser's tree of exactly one query.  Free with sql_tree_done, also after a failure. */
Status sql_parse(const SqlText *source, SqlTree *tree, Error *err) MUST_CHECK;
void sql_tree_done(SqlTree *tree);
/* Refuses the clauses that no SELECT of the dialect may have; of a table in FROM, what is not a plain name. */
Status sql_check_select(const SqlText *source, const PgQuery__SelectStmt *select, Error *err) MUST_CHECK;
/* Where a query starts and, at the same depth, the word of a clause (the start where it has none), for messages: the parser
 * keeps no places for them. */
int32_t sql_query_byte(const PgQuery__SelectStmt *select);
int32_t sql_clause_byte(const SqlText *source, const PgQuery__SelectStmt *select, PgQuery__Token word);
Status sql_check_table(const SqlText *source, const PgQuery__RangeVar *table, Error *err) MUST_CHECK;

/* ---- expr.c: makers of Expr ---- */
const Expr *expr_column(Arena *arena, uint32_t column, DataType type, int32_t position);
const Expr *expr_constant(Arena *arena, Value value, int32_t position);
/* Binds a call of `name`, casts its arguments as the function wants, and folds it when all are constants.  `target` is
 * the type of a "cast", else any. */
Status expr_call(Arena *arena, const char *name, const Expr *const *args, uint32_t n_args, DataType target,
                 int32_t position, const Expr **ret, Error *err) MUST_CHECK;
Status expr_cast(Arena *arena, const Expr *expr, DataType target, const Expr **ret, Error *err) MUST_CHECK;
bool expr_equal(const Expr *a, const Expr *b);
/* `expr` with every column replaced by what `replace` gives for it; shares what does not change. */
typedef const Expr *(*ExprReplace)(void *context, const Expr *column);
const Expr *expr_replace_columns(Arena *arena, const Expr *expr, ExprReplace replace, void *context);

#endif
