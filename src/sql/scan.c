/* The first look at SQL text: its tokens, before the grammar sees it.
 *
 * Why tokens: the parse tree has lost quotes, escapes, the case of names, FETCH against LIMIT, FLOAT against DOUBLE
 * PRECISION.  All that is decided by how the text is written is decided here and in refusals.c, over each token's own
 * bytes.  Limits are checked here as well, since the parser recurses: text of 64 KiB, nesting of 500, 10,000 operators.
 *
 * Placeholders: FROM 'files' is no grammar of PostgreSQL's, and it cuts names at 63 bytes.  Such a token is overwritten in
 * a copy of the text by a quoted name of one control character, padded with spaces to the same length, so that every
 * location in the tree is a location in the text.  Control characters are refused in the text itself, so no name of
 * the user's can be taken for a placeholder. */
#include <stdarg.h>
#include <stdio.h>

#include "sql/sql_internal.h"

#define FIRST_PLACEHOLDER 0x0e

int32_t sql_position(const SqlText *source, int32_t byte)
{
    if (byte < 0)
        return 0;
    return source->characters && (size_t)byte <= source->size ? source->characters[byte] : byte + 1;
}

Status sql_refuse(const SqlText *source, int32_t byte, Error *err, const char *hint, const char *format, ...)
{
    char message[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_set(err, STATUS_SQL, "%s", message);
    if (byte >= 0)
        error_at_offset(err, sql_position(source, byte));
    if (hint[0] != '\0')
        error_hint(err, "%s", hint);
    return STATUS_SQL;
}

SqlWord sql_word(const SqlText *source, const SqlToken *token)
{
    SqlWord word;
    size_t size = (size_t)(token->end - token->start);
    if (size >= sizeof word.text)
        size = sizeof word.text - 1;
    for (size_t i = 0; i < size; i++) {
        char c = source->text[token->start + (int32_t)i];
        word.text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    word.text[size] = '\0';
    return word;
}

const SqlToken *sql_token_at(const SqlText *source, int32_t start)
{
    uint32_t low = 0;
    uint32_t high = source->n_tokens;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (source->tokens[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < source->n_tokens && source->tokens[low].start == start ? &source->tokens[low] : NULL;
}

static bool token_is_literal(const SqlToken *token)
{
    switch (token->kind) {
    case PG_QUERY__TOKEN__FCONST:
    case PG_QUERY__TOKEN__ICONST:
    case PG_QUERY__TOKEN__SCONST:
    case PG_QUERY__TOKEN__USCONST:
    case PG_QUERY__TOKEN__BCONST:
    case PG_QUERY__TOKEN__XCONST:
    case PG_QUERY__TOKEN__PARAM:
    case PG_QUERY__TOKEN__TRUE_P:
    case PG_QUERY__TOKEN__FALSE_P:
    case PG_QUERY__TOKEN__NULL_P:
        return true;
    default:
        return false;
    }
}

static bool token_is_name(const SqlToken *token)
{
    if (token->kind == PG_QUERY__TOKEN__IDENT || token->kind == PG_QUERY__TOKEN__UIDENT)
        return true;
    switch (token->kind) {
    case PG_QUERY__TOKEN__BETWEEN:
    case PG_QUERY__TOKEN__LIKE:
    case PG_QUERY__TOKEN__ILIKE:
    case PG_QUERY__TOKEN__IS:
    case PG_QUERY__TOKEN__BY:
    case PG_QUERY__TOKEN__ESCAPE:
    case PG_QUERY__TOKEN__NULLS_P:
        return false;
    default:
        return token->keyword != PG_QUERY__KEYWORD_KIND__NO_KEYWORD &&
               token->keyword != PG_QUERY__KEYWORD_KIND__RESERVED_KEYWORD;
    }
}

int32_t sql_word_byte(const SqlText *source, PgQuery__Token kind)
{
    for (uint32_t i = 0; i < source->n_tokens; i++)
        if (source->tokens[i].kind == kind)
            return source->tokens[i].start;
    return 0;
}

bool sql_token_ends_operand(const SqlToken *token)
{
    return token_is_name(token) || token_is_literal(token) || token->kind == PG_QUERY__TOKEN__ASCII_41 ||
           token->kind == PG_QUERY__TOKEN__ASCII_93 || token->kind == PG_QUERY__TOKEN__END_P;
}

bool sql_token_starts_operand(const SqlToken *token)
{
    return token_is_name(token) || token_is_literal(token) || token->kind == PG_QUERY__TOKEN__ASCII_40 ||
           token->kind == PG_QUERY__TOKEN__CASE || token->kind == PG_QUERY__TOKEN__CAST;
}

const char *sql_tokens_text(const SqlText *source, uint32_t first, uint32_t last)
{
    Buffer text;
    buffer_init(&text, SQL_MAX_TEXT_BYTES * 2);
    for (uint32_t i = first; i <= last; i++) {
        const SqlToken *token = &source->tokens[i];
        if (i > first && token->start > token[-1].end)
            buffer_append_byte(&text, ' ');
        buffer_append(&text, source->text + token->start, (size_t)(token->end - token->start));
    }
    const char *copy = arena_strdup(source->arena, buffer_text(&text));
    buffer_done(&text);
    return copy;
}

const char *sql_name(const SqlText *source, const char *parsed_name)
{
    uint32_t placeholder = (uint32_t)(uint8_t)parsed_name[0] - FIRST_PLACEHOLDER;
    if (placeholder < source->n_names && parsed_name[1] == '\0')
        return source->names[placeholder];
    return parsed_name;
}

/* ---- bytes ---- */
/* Size of the UTF-8 sequence at `text`, 0 when it is not valid. */
static int utf8_size(const uint8_t *text)
{
    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4 || (text[1] & 0xc0) != 0x80)
        return 0;
    if (text[0] < 0xe0)
        return 2;
    if ((text[2] & 0xc0) != 0x80 || (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f))
        return 0;
    if (text[0] < 0xf0)
        return 3;
    if ((text[3] & 0xc0) != 0x80 || (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return 4;
}

/* characters[byte] for a text that is not plain ASCII. */
static void count_characters(SqlText *source)
{
    size_t ascii = 0;
    while (ascii < source->size && (uint8_t)source->text[ascii] < 0x80)
        ascii++;
    if (ascii == source->size)
        return;
    source->characters = ARENA_ARRAY(source->arena, int32_t, source->size + 1);
    int32_t character = 0;
    for (size_t i = 0; i <= source->size; i++) {
        character += ((uint8_t)source->text[i] & 0xc0) != 0x80;
        source->characters[i] = character;
    }
}

static Status check_bytes(SqlText *source, Error *err)
{
    if (source->size > SQL_MAX_TEXT_BYTES)
        return sql_refuse(source, -1, err, "split the statement, or move long lists into a table",
                          "the SQL text has %zu bytes; the limit is %zu", source->size, SQL_MAX_TEXT_BYTES);
    count_characters(source);
    for (size_t i = 0; i < source->size;) {
        uint8_t byte = (uint8_t)source->text[i];
        int size = utf8_size((const uint8_t *)source->text + i);
        if (size == 0)
            return sql_refuse(source, (int32_t)i, err, "save the text as UTF-8", "the SQL text is not UTF-8 here");
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f)
            return sql_refuse(source, (int32_t)i, err, "remove it", "the SQL text holds a control character (0x%02x)",
                              byte);
        i += (size_t)size;
    }
    return STATUS_OK;
}

/* ---- tokens ---- */
static void *pg_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size ? size : 1);
}

static void pg_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* Byte of the 1-based character position that the parser counts. */
static int32_t byte_of_position(const SqlText *source, int position)
{
    if (position <= 0)
        return -1;
    int32_t byte = 0;
    for (int at = 1; at < position && (size_t)byte < source->size; at++)
        do
            byte++;
        while (((uint8_t)source->text[byte] & 0xc0) == 0x80);
    return byte;
}

static Status refuse_scan_error(const SqlText *source, const PgQueryError *error, Error *err)
{
    int32_t byte = byte_of_position(source, error->cursorpos);
    if (strstr(error->message, "trailing junk"))
        return sql_refuse(source, byte, err,
                          "write a plain number and cast it: CAST(1 AS BIGINT), CAST(1.5 AS DECIMAL(12,2))",
                          "a number with a suffix or with underscores");
    return sql_refuse(source, byte, err, "close the quote, name or comment that begins here", "%s", error->message);
}

static Status scan_tokens(SqlText *source, Error *err)
{
    PgQueryScanResult scanned = pg_query_scan(source->text);
    if (scanned.error) {
        Status status = refuse_scan_error(source, scanned.error, err);
        pg_query_free_scan_result(scanned);
        return status;
    }
    Arena scratch;
    arena_init(&scratch);
    ProtobufCAllocator allocator = {pg_alloc, pg_free, &scratch};
    PgQuery__ScanResult *result =
        pg_query__scan_result__unpack(&allocator, scanned.pbuf.len, (const uint8_t *)scanned.pbuf.data);
    pg_query_free_scan_result(scanned);
    CHECK(result);
    source->tokens = ARENA_ARRAY(source->arena, SqlToken, result->n_tokens + 1);
    Status status = STATUS_OK;
    for (size_t i = 0; i < result->n_tokens && status == STATUS_OK; i++) {
        const PgQuery__ScanToken *token = result->tokens[i];
        const char *text = source->text + token->start;
        size_t size = (size_t)(token->end - token->start);
        if (token->token == PG_QUERY__TOKEN__SQL_COMMENT || token->token == PG_QUERY__TOKEN__C_COMMENT) {
            if (source->mode == SQL_MART && size >= 3 && memcmp(text, "/*+", 3) == 0)
                status = sql_refuse(source, token->start, err, "put a space behind /*",
                                    "a comment that starts with /*+ is a hint in Spark");
            else if (source->mode == SQL_MART && text[0] == '-' && text[size - 1] == '\\')
                status = sql_refuse(source, token->end - 1, err, "end the comment with another character",
                                    "a comment that ends with a backslash goes on in the next line in Spark");
            continue;
        }
        source->tokens[source->n_tokens++] = (SqlToken){token->start, token->end, token->token, token->keyword_kind};
    }
    arena_done(&scratch);
    return status;
}

/* ---- literals and names ---- */
static Status check_string(const SqlText *source, const SqlToken *token, Error *err)
{
    const char *text = source->text + token->start;
    int32_t size = token->end - token->start;
    if (token > source->tokens && token[-1].end == token->start && sql_token_ends_operand(&token[-1]))
        return sql_refuse(source, token[-1].start, err, "write '...'",
                          "a literal with a prefix (r'', N'') is not portable");
    if (text[0] == '$')
        return sql_refuse(source, token->start, err, "write '...'", "a $$ literal is not portable");
    if (text[0] != '\'')
        return sql_refuse(source, token->start, err, "write '...'; a character can stand in the literal as it is",
                          "a literal with a prefix (E'', U&'', B'', X'') is not portable");
    if (source->mode == SQL_QUERY)
        return STATUS_OK;
    for (int32_t i = 1; i < size - 1; i++) {
        if (text[i] == '\'')
            return sql_refuse(
                source, token->start + i, err,
                "a mart's literals hold no quote: filter on another column, or prepare the value at ingestion",
                "a quote inside a literal reads differently in Spark ('' joins two literals there)");
        if (text[i] == '\\')
            return sql_refuse(source, token->start + i, err,
                              "a mart's literals hold no backslash; LIKE takes another character with ESCAPE '!'",
                              "a backslash inside a literal is an escape in Spark and none in PostgreSQL's grammar");
    }
    return STATUS_OK;
}

static Status check_name(const SqlText *source, const SqlToken *token, Error *err)
{
    const char *text = source->text + token->start;
    int32_t size = token->end - token->start;
    if (token->kind == PG_QUERY__TOKEN__UIDENT)
        return sql_refuse(source, token->start, err, "write the characters as they are",
                          "a U&\"\" name is not portable");
    bool quoted = text[0] == '"';
    if (quoted && source->mode == SQL_MART)
        return sql_refuse(source, token->start, err,
                          "write the name without quotes; a text literal takes single quotes",
                          "a double-quoted name: Spark reads \"x\" as a string");
    if (quoted)
        return STATUS_OK;
    if (size > SQL_MAX_NAME_BYTES)
        return sql_refuse(source, token->start, err, "shorten the name", "a name of %d bytes; the limit is %d", size,
                          SQL_MAX_NAME_BYTES);
    for (int32_t i = 0; i < size && source->mode == SQL_MART; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x80 || c == '$')
            return sql_refuse(source, token->start + i, err, "use a-z, 0-9 and _ in names",
                              "the name holds a character that Spark does not take unquoted");
    }
    return STATUS_OK;
}

static Status check_words(const SqlText *source, Error *err)
{
    for (uint32_t i = 0; i < source->n_tokens; i++) {
        const SqlToken *token = &source->tokens[i];
        switch (token->kind) {
        case PG_QUERY__TOKEN__SCONST:
        case PG_QUERY__TOKEN__USCONST:
        case PG_QUERY__TOKEN__BCONST:
        case PG_QUERY__TOKEN__XCONST:
            TRY(check_string(source, token, err));
            break;
        case PG_QUERY__TOKEN__IDENT:
        case PG_QUERY__TOKEN__UIDENT:
            TRY(check_name(source, token, err));
            break;
        default:
            break;
        }
    }
    return STATUS_OK;
}

/* ---- placeholders ---- */
/* The text between the token's quotes, doubled quotes made single. */
static char *unquote(const SqlText *source, const SqlToken *token)
{
    const char *text = source->text + token->start;
    size_t size = (size_t)(token->end - token->start);
    char quote = text[0];
    char *name = arena_alloc(source->arena, size);
    size_t length = 0;
    for (size_t i = 1; i + 1 < size; i++) {
        name[length++] = text[i];
        i += text[i] == quote;
    }
    name[length] = '\0';
    return name;
}

static Status put_placeholder(SqlText *source, const SqlToken *token, char *parsed, Error *err)
{
    size_t size = (size_t)(token->end - token->start);
    if (size < 3)
        return sql_refuse(source, token->start, err, "name the files or the column", "an empty name");
    if (source->n_names == SQL_MAX_PLACEHOLDERS)
        return sql_refuse(source, token->start, err, "", "more than %d file names or long names", SQL_MAX_PLACEHOLDERS);
    if (memchr(source->text + token->start, '\n', size))
        return sql_refuse(source, token->start, err, "write it on one line",
                          "a file name or quoted name over several lines");
    memset(parsed + token->start, ' ', size);
    parsed[token->start] = parsed[token->start + 2] = '"';
    parsed[token->start + 1] = (char)(FIRST_PLACEHOLDER + source->n_names);
    source->names[source->n_names++] = unquote(source, token);
    return STATUS_OK;
}

/* Whether token i is the FROM of a SELECT, not that of IS DISTINCT FROM, EXTRACT, SUBSTRING or TRIM. */
static bool is_table_from(const SqlText *source, uint32_t i)
{
    if (i > 0 && source->tokens[i - 1].kind == PG_QUERY__TOKEN__DISTINCT)
        return false;
    int depth = 0;
    for (uint32_t k = i; k-- > 0;) {
        PgQuery__Token kind = source->tokens[k].kind;
        depth += (kind == PG_QUERY__TOKEN__ASCII_41) - (kind == PG_QUERY__TOKEN__ASCII_40);
        if (depth < 0)
            return false;
        if (depth == 0 && kind == PG_QUERY__TOKEN__SELECT)
            return true;
    }
    return false;
}

static Status replace_names(SqlText *source, Error *err)
{
    char *parsed = NULL;
    for (uint32_t i = 0; i < source->n_tokens; i++) {
        SqlToken *token = &source->tokens[i];
        bool is_string = token->kind == PG_QUERY__TOKEN__SCONST;
        bool is_file = is_string && i > 0 &&
                       (token[-1].kind == PG_QUERY__TOKEN__JOIN ||
                        (token[-1].kind == PG_QUERY__TOKEN__FROM && is_table_from(source, i - 1)));
        bool is_long_name = token->kind == PG_QUERY__TOKEN__IDENT && token->end - token->start > SQL_MAX_NAME_BYTES + 2;
        if (!is_file && !is_long_name)
            continue;
        if (source->mode == SQL_MART)
            return sql_refuse(source, token->start, err, "write the table's plain name: FROM shipments",
                              "a mart reads tables by name; files can be named in `freightlake query` only");
        if (!parsed)
            parsed = arena_memdup(source->arena, source->text, source->size);
        TRY(put_placeholder(source, token, parsed, err));
        token->kind = PG_QUERY__TOKEN__IDENT;
    }
    if (parsed)
        source->parsed = parsed;
    return STATUS_OK;
}

/* ---- the SELECT list ---- */
static bool ends_item(const SqlText *source, uint32_t at)
{
    switch (source->tokens[at].kind) {
    case PG_QUERY__TOKEN__FROM:
        return source->tokens[at - 1].kind != PG_QUERY__TOKEN__DISTINCT;
    case PG_QUERY__TOKEN__ASCII_44:
    case PG_QUERY__TOKEN__ASCII_59:
    case PG_QUERY__TOKEN__UNION:
        return true;
    default:
        return false;
    }
}

SqlItem sql_item(const SqlText *source, int32_t start)
{
    const SqlToken *token = sql_token_at(source, start);
    CHECK(token);
    uint32_t first = (uint32_t)(token - source->tokens), last = first;
    int depth = 0;
    for (uint32_t i = first; i < source->n_tokens; last = i++) {
        PgQuery__Token kind = source->tokens[i].kind;
        depth += (kind == PG_QUERY__TOKEN__ASCII_40) - (kind == PG_QUERY__TOKEN__ASCII_41);
        if (depth < 0 || (depth == 0 && i > first && ends_item(source, i)))
            break;
    }
    return (SqlItem){first, last};
}

static bool starts_query(PgQuery__Token kind)
{
    return kind == PG_QUERY__TOKEN__SELECT || kind == PG_QUERY__TOKEN__WITH || kind == PG_QUERY__TOKEN__ASCII_40;
}

static Status check_one_select(const SqlText *source, Error *err)
{
    if (source->n_tokens == 0 || !starts_query(source->tokens[0].kind))
        return sql_refuse(source, source->n_tokens ? source->tokens[0].start : 0, err, "write SELECT ... FROM ...",
                          "a statement starts with SELECT or WITH");
    for (uint32_t i = 1; i < source->n_tokens; i++)
        if (source->tokens[i - 1].kind == PG_QUERY__TOKEN__ASCII_59 &&
            source->tokens[i].kind != PG_QUERY__TOKEN__ASCII_59)
            return sql_refuse(source, source->tokens[i].start, err, "run the statements one by one",
                              "a second statement; one SELECT is taken at a time");
    return STATUS_OK;
}

Status sql_scan(const char *text, SqlMode mode, Arena *arena, SqlText *ret, Error *err)
{
    SqlText source = {.text = text, .parsed = text, .size = strlen(text), .mode = mode, .arena = arena};
    TRY(check_bytes(&source, err));
    TRY(scan_tokens(&source, err));
    TRY(sql_check_refusals(&source, err));
    TRY(check_one_select(&source, err));
    TRY(check_words(&source, err));
    TRY(replace_names(&source, err));
    TRY(sql_check_structure(&source, err));
    *ret = source;
    return STATUS_OK;
}
