/* How operators nest, told from the tokens alone.
 *
 * Depth: parser, tree and binder recurse, so nesting is bounded before they run.  The walk keeps, for each open parenthesis
 * or CASE, the length of the chain of operators in the operand it stands in; AND and OR start a new chain, because the
 * parser makes one flat node of a row of them.
 *
 * Grouping (marts only): in PostgreSQL's grammar || binds weaker than + and -, in Spark as strong; LIKE, IN and BETWEEN
 * bind stronger than =, in Spark weaker, and nothing but AND and OR may follow them.  Where parentheses are missing the
 * same text would mean two things, so it is refused.  Where there are too many, too: FROM t WHERE (a) names t and its one
 * column in Spark, where WHERE and HAVING are names like others. */
#include "sql/sql_internal.h"

typedef struct Level {
    uint32_t base;     /* depth of the parenthesis itself */
    uint32_t chain;    /* operators in a row since the operand's start */
    bool concatenates; /* || seen in this sum */
    bool adds;         /* binary + or - seen in this sum */
    bool compares;     /* = <> < ... seen in this condition */
    bool predicates;   /* IS, IN, LIKE, BETWEEN seen in this condition */
    bool between;      /* the next AND belongs to BETWEEN */
} Level;

typedef struct Walk {
    const SqlText *source;
    Level *levels;
    uint32_t top;
    uint32_t n_operators;
} Walk;

typedef enum TokenRole {
    ROLE_OPERAND,
    ROLE_OPEN,
    ROLE_CLOSE,
    ROLE_CONCAT,
    ROLE_ADD,
    ROLE_OPERATOR,
    ROLE_COMPARE,
    ROLE_PREDICATE,
    ROLE_AND,
    ROLE_NEGATE,
    ROLE_BORDER
} TokenRole;

static TokenRole token_role(const SqlToken *token)
{
    switch (token->kind) {
    case PG_QUERY__TOKEN__ASCII_40:
    case PG_QUERY__TOKEN__CASE:
        return ROLE_OPEN;
    case PG_QUERY__TOKEN__ASCII_41:
    case PG_QUERY__TOKEN__END_P:
        return ROLE_CLOSE;
    case PG_QUERY__TOKEN__Op:
        return ROLE_CONCAT;
    case PG_QUERY__TOKEN__ASCII_43:
    case PG_QUERY__TOKEN__ASCII_45:
        return ROLE_ADD;
    case PG_QUERY__TOKEN__ASCII_42:
    case PG_QUERY__TOKEN__ASCII_47:
    case PG_QUERY__TOKEN__ASCII_37:
        return ROLE_OPERATOR;
    case PG_QUERY__TOKEN__ASCII_60:
    case PG_QUERY__TOKEN__ASCII_61:
    case PG_QUERY__TOKEN__ASCII_62:
    case PG_QUERY__TOKEN__LESS_EQUALS:
    case PG_QUERY__TOKEN__GREATER_EQUALS:
    case PG_QUERY__TOKEN__NOT_EQUALS:
        return ROLE_COMPARE;
    case PG_QUERY__TOKEN__IS:
    case PG_QUERY__TOKEN__IN_P:
    case PG_QUERY__TOKEN__LIKE:
    case PG_QUERY__TOKEN__ILIKE:
    case PG_QUERY__TOKEN__BETWEEN:
        return ROLE_PREDICATE;
    case PG_QUERY__TOKEN__AND:
        return ROLE_AND;
    case PG_QUERY__TOKEN__NOT:
        return ROLE_NEGATE;
    default:
        break;
    }
    if (sql_token_ends_operand(token) || token->kind == PG_QUERY__TOKEN__ASCII_46 ||
        token->kind == PG_QUERY__TOKEN__ESCAPE || token->kind == PG_QUERY__TOKEN__DISTINCT)
        return ROLE_OPERAND;
    return ROLE_BORDER;
}

static Status refuse_grouping(const Walk *walk, const SqlToken *token, const char *what, Error *err)
{
    return sql_refuse(walk->source, token->start, err, "put parentheses around the part that belongs together", "%s",
                      what);
}

static Status note_sum(const Walk *walk, Level *level, const SqlToken *token, TokenRole role, Error *err)
{
    level->concatenates |= role == ROLE_CONCAT;
    level->adds |= role == ROLE_ADD;
    if (level->concatenates && level->adds && walk->source->mode == SQL_MART)
        return refuse_grouping(walk, token, "|| beside + or - without parentheses groups differently in Spark", err);
    return STATUS_OK;
}

static Status note_condition(const Walk *walk, Level *level, const SqlToken *token, TokenRole role, Error *err)
{
    bool is_test = token->kind == PG_QUERY__TOKEN__IS;
    bool clash = role == ROLE_COMPARE ? level->predicates : level->predicates || (level->compares && !is_test);
    if (clash && walk->source->mode == SQL_MART)
        return refuse_grouping(
            walk, token, "IS, IN, LIKE or BETWEEN beside a comparison without parentheses groups differently in Spark",
            err);
    level->concatenates = level->adds = false;
    level->compares |= role == ROLE_COMPARE;
    level->predicates |= role == ROLE_PREDICATE;
    level->between |= token->kind == PG_QUERY__TOKEN__BETWEEN;
    return STATUS_OK;
}

static void start_operand(Level *level)
{
    *level = (Level){.base = level->base};
}

static Status walk_token(Walk *walk, const SqlToken *token, bool after_operand, Error *err)
{
    Level *level = &walk->levels[walk->top];
    TokenRole role = token_role(token);
    if (token->kind == PG_QUERY__TOKEN__FROM && token > walk->source->tokens &&
        token[-1].kind == PG_QUERY__TOKEN__DISTINCT)
        role = ROLE_OPERAND; /* IS DISTINCT FROM */
    if (role == ROLE_ADD && !after_operand)
        role = ROLE_NEGATE;
    switch (role) {
    case ROLE_OPEN:
        walk->levels[walk->top + 1] = (Level){.base = level->base + level->chain + 1};
        walk->top++;
        break;
    case ROLE_CLOSE:
        walk->top -= walk->top > 0;
        break;
    case ROLE_CONCAT:
    case ROLE_ADD:
        TRY(note_sum(walk, level, token, role, err));
        break;
    case ROLE_COMPARE:
    case ROLE_PREDICATE:
        TRY(note_condition(walk, level, token, role, err));
        break;
    case ROLE_AND:
        if (level->between)
            *level =
                (Level){.base = level->base, .chain = level->chain, .predicates = true, .compares = level->compares};
        else
            start_operand(level);
        break;
    case ROLE_BORDER:
        start_operand(level);
        break;
    case ROLE_OPERAND:
    case ROLE_OPERATOR:
    case ROLE_NEGATE:
        break;
    }
    if (role != ROLE_OPERAND && role != ROLE_CLOSE) {
        walk->n_operators++;
        level->chain += role != ROLE_BORDER && role != ROLE_OPEN && role != ROLE_AND;
    }
    return STATUS_OK;
}

static bool is_word(const SqlToken *token)
{
    return token->kind == PG_QUERY__TOKEN__IDENT || token->keyword == PG_QUERY__KEYWORD_KIND__UNRESERVED_KEYWORD;
}

/* Whether token `at` is WHERE or HAVING in FROM t WHERE (a), with nothing behind it that makes it a condition in Spark. */
static bool is_taken_for_alias(const SqlText *source, uint32_t at)
{
    const SqlToken *token = &source->tokens[at];
    if ((token->kind != PG_QUERY__TOKEN__WHERE && token->kind != PG_QUERY__TOKEN__HAVING) || at < 2 ||
        at + 3 >= source->n_tokens)
        return false;
    if (token[-2].kind != PG_QUERY__TOKEN__FROM || !is_word(&token[-1]) || token[1].kind != PG_QUERY__TOKEN__ASCII_40 ||
        !is_word(&token[2]) || token[3].kind != PG_QUERY__TOKEN__ASCII_41)
        return false;
    bool ends = at + 4 == source->n_tokens || token[4].kind == PG_QUERY__TOKEN__ASCII_59;
    return ends || token_role(&token[4]) == ROLE_BORDER || token[4].kind == PG_QUERY__TOKEN__ASCII_41;
}

static Status check_alias(const SqlText *source, uint32_t at, Error *err)
{
    if (source->mode != SQL_MART || !is_taken_for_alias(source, at))
        return STATUS_OK;
    const SqlToken *token = &source->tokens[at];
    return sql_refuse(source, token->start, err, "leave the parentheses out",
                      "Spark takes %.*s (%.*s) for a name of the table and its column",
                      (int)(token->end - token->start), source->text + token->start,
                      (int)(token[2].end - token[2].start), source->text + token[2].start);
}

Status sql_check_structure(const SqlText *source, Error *err)
{
    Walk walk = {.source = source, .levels = ARENA_ARRAY(source->arena, Level, SQL_MAX_DEPTH + 2)};
    for (uint32_t i = 0; i < source->n_tokens; i++) {
        const SqlToken *token = &source->tokens[i];
        TRY(walk_token(&walk, token, i > 0 && sql_token_ends_operand(&token[-1]), err));
        TRY(check_alias(source, i, err));
        const Level *level = &walk.levels[walk.top];
        if (level->base + level->chain > SQL_MAX_DEPTH)
            return sql_refuse(source, token->start, err,
                              "split the expression, or write IN (...) for a row of comparisons",
                              "the expression nests more than %d levels deep", SQL_MAX_DEPTH);
        if (walk.n_operators > SQL_MAX_OPERATORS)
            return sql_refuse(source, token->start, err, "split the statement", "more than %d operators and list items",
                              SQL_MAX_OPERATORS);
    }
    return STATUS_OK;
}
