/* NdjsonReader: one JSON object a line into blocks.
 *
 * Source: RFC 8259; lines end in LF (a CR before it is white space).  Strict: anything that is not exactly one object is
 * SYNTAX.  Members of nested objects have dotted names; a wanted array or object is given as its JSON text; of a name that
 * stands twice the last counts.
 *
 * Objects of a file mostly differ in their values alone.  So the parser notes the form of a record, which is the text
 * between its values, and the next record is first compared with it, 32 bytes at a time, and has its values taken from
 * where they must be.  That is exact: the same text around scalar values is the same members.  A record of another form, or
 * with an escape in a value, goes through the parser; there each member remembers which wanted field it was in the record
 * before and is looked for there first. */
#include "text/text_internal.h"

#include <immintrin.h>

#define MAX_DEPTH 64
#define MAX_PATH 1024
#define MAX_GUESSES 256
#define GUESSES_BYTES ((size_t)1 << 20)
#define NO_FIELD UINT32_MAX
#define MAX_STEPS 256
#define STEP_BYTES 32u

/* A part of a record's form: some text, then a value or the next step. */
typedef struct Step {
    uint8_t text[STEP_BYTES];
    uint32_t size;
    uint32_t mask; /* bits of the bytes that count */
    bool has_value;
    uint32_t field; /* of the value; NO_FIELD: not wanted */
} Step;

typedef struct Form {
    uint32_t n;   /* 0: none */
    bool has_all; /* every wanted field is in it */
    Step steps[MAX_STEPS];
} Form;

/* The member seen at a place of the record before. */
typedef struct Guess {
    const char *key; /* as it stands in the file (with escapes); NULL: none */
    uint32_t size;
    uint32_t path_hash; /* of the path above */
    uint32_t field;     /* NO_FIELD: not wanted */
    bool is_prefix;     /* some wanted name lies below */
} Guess;

struct NdjsonReader {
    StrView *names;
    uint32_t *twins; /* per name: the next one that is the same, or NO_FIELD */
    uint32_t n_names;
    Arena arena; /* of names */
    Form *form;  /* of the record before */
    Form *draft; /* of the record being parsed */
    Arena guesses_arena;
    Guess guesses[MAX_GUESSES];
    const TextPiece *piece;
    size_t at;
    int64_t line;
    bool ascii;
};

typedef struct Parser {
    NdjsonReader *reader;
    RecordBlock *block;
    const char *at, *end; /* of the line */
    uint32_t member;      /* counts the members of the record */
    char path[MAX_PATH];
    bool escapes;      /* the string last scanned has some */
    const char *noted; /* end of the last value in the draft; NULL: the record's form cannot be followed */
} Parser;

NdjsonReader *ndjson_reader_new(const char *const *names, uint32_t n_names)
{
    NdjsonReader *reader = mem_zalloc(sizeof *reader);
    arena_init(&reader->arena);
    arena_init(&reader->guesses_arena);
    reader->names = ARENA_ARRAY(&reader->arena, StrView, n_names + 1);
    reader->n_names = n_names;
    reader->twins = ARENA_ARRAY(&reader->arena, uint32_t, n_names + 1);
    reader->form = mem_zalloc(sizeof(Form));
    reader->draft = mem_zalloc(sizeof(Form));
    for (uint32_t i = n_names; i-- > 0;) {
        reader->names[i] = str_view(arena_strdup(&reader->arena, names[i]));
        reader->twins[i] = NO_FIELD;
        for (uint32_t k = n_names; k-- > i + 1;)
            if (strcmp(names[i], names[k]) == 0)
                reader->twins[i] = k;
    }
    return reader;
}

void ndjson_reader_free(NdjsonReader *reader)
{
    if (!reader)
        return;
    arena_done(&reader->arena);
    arena_done(&reader->guesses_arena);
    mem_free(reader->form);
    mem_free(reader->draft);
    mem_free(reader);
}

void ndjson_reader_start(NdjsonReader *reader, const TextPiece *piece)
{
    reader->piece = piece;
    reader->at = 0;
    reader->line = piece->first_line;
    reader->ascii = ((const PieceMemory *)piece->memory)->scan.ascii;
}

/* ---- Values ---- */

static inline void skip_blanks(Parser *parser)
{
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\r'))
        parser->at++;
}

/* The first quote, backslash or control character from `at` on. */
static const char *find_special(const char *at, const char *end)
{
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    for (; at + 16 <= end; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        int mask = _mm_movemask_epi8(special);
        if (mask)
            return at + __builtin_ctz((unsigned)mask);
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at > 0x1f)
        at++;
    return at;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool is_escape(const char *at, const char *end)
{
    if (at + 1 >= end)
        return false;
    if (at[1] == 'u')
        return at + 5 < end && hex_value(at[2]) >= 0 && hex_value(at[3]) >= 0 && hex_value(at[4]) >= 0 &&
               hex_value(at[5]) >= 0;
    return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL;
}

/* At the opening quote: the text between the quotes, escapes as they are. */
static bool scan_string(Parser *parser, StrView *ret_text)
{
    const char *start = ++parser->at;
    parser->escapes = false;
    for (;;) {
        parser->at = find_special(parser->at, parser->end);
        if (parser->at >= parser->end)
            return false;
        if (*parser->at == '"')
            break;
        if (*parser->at != '\\' || !is_escape(parser->at, parser->end))
            return false;
        parser->escapes = true;
        parser->at += 2;
    }
    *ret_text = (StrView){start, (uint32_t)(parser->at - start)};
    parser->at++;
    return true;
}

static uint32_t hex4(const char *at)
{
    return (uint32_t)(hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 | hex_value(at[3]));
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* Undoes escapes, which scan_string has checked; false for an unpaired surrogate. */
static bool unescape(StrView text, Arena *arena, StrView *ret_text)
{
    char *start = arena_alloc(arena, text.size + 1), *to = start;
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\\') {
            *to++ = text.data[i];
            continue;
        }
        char c = text.data[++i];
        static const char from[] = "bfnrt", plain[] = "\b\f\n\r\t";
        const char *known = strchr(from, c);
        if (c != 'u') {
            *to++ = known ? plain[known - from] : c;
            continue;
        }
        uint32_t unit = hex4(text.data + i + 1);
        i += 4;
        if (unit >= 0xd800 && unit < 0xdc00) {
            bool pair = i + 6 < text.size + 0u && text.data[i + 1] == '\\' && text.data[i + 2] == 'u';
            uint32_t low = pair ? hex4(text.data + i + 3) : 0;
            if (low < 0xdc00 || low > 0xdfff)
                return false;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            i += 6;
        } else if (unit >= 0xdc00 && unit < 0xe000) {
            return false;
        }
        to = put_utf8(to, unit);
    }
    *ret_text = (StrView){start, (uint32_t)(to - start)};
    return true;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool scan_number(Parser *parser, StrView *ret_text)
{
    const char *start = parser->at, *at = start, *end = parser->end;
    at += at < end && *at == '-';
    const char *digits = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (at == digits || (*digits == '0' && at > digits + 1))
        return false;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == fraction)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        const char *exponent = at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == exponent)
            return false;
    }
    parser->at = at;
    *ret_text = (StrView){start, (uint32_t)(at - start)};
    return true;
}

static bool scan_word(Parser *parser, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(parser->end - parser->at) < n || memcmp(parser->at, word, n) != 0)
        return false;
    parser->at += n;
    return true;
}

/* A number, or a word; null is no text. */
static bool scan_scalar(Parser *parser, StrView *ret_text)
{
    const char *start = parser->at;
    char c = start < parser->end ? *start : '\0';
    if (c != 't' && c != 'f' && c != 'n')
        return scan_number(parser, ret_text);
    if (!scan_word(parser, c == 't' ? "true" : c == 'f' ? "false" : "null"))
        return false;
    *ret_text = c == 'n' ? (StrView){NULL, 0} : (StrView){start, (uint32_t)(parser->at - start)};
    return true;
}

/* Any value that nobody wants to look into: checked and passed over. */
static bool skip_value(Parser *parser, int depth)
{
    StrView ignored;
    skip_blanks(parser);
    if (parser->at >= parser->end || depth > MAX_DEPTH)
        return false;
    char c = *parser->at;
    if (c == '"')
        return scan_string(parser, &ignored);
    if (c == 't' || c == 'f' || c == 'n')
        return scan_word(parser, c == 't' ? "true" : c == 'f' ? "false" : "null");
    if (c != '{' && c != '[')
        return scan_number(parser, &ignored);
    char close = c == '{' ? '}' : ']';
    parser->at++;
    skip_blanks(parser);
    if (parser->at < parser->end && *parser->at == close) {
        parser->at++;
        return true;
    }
    for (;;) {
        skip_blanks(parser);
        if (c == '{') {
            if (parser->at >= parser->end || *parser->at != '"' || !scan_string(parser, &ignored))
                return false;
            skip_blanks(parser);
            if (parser->at >= parser->end || *parser->at++ != ':')
                return false;
        }
        if (!skip_value(parser, depth + 1))
            return false;
        skip_blanks(parser);
        if (parser->at >= parser->end)
            return false;
        char next = *parser->at++;
        if (next == close)
            return true;
        if (next != ',')
            return false;
    }
}

/* ---- Members ---- */

/* Which wanted field the path is, and whether wanted names lie below it. */
static void look_up(const NdjsonReader *reader, StrView path, Guess *guess)
{
    guess->field = NO_FIELD;
    guess->is_prefix = false;
    for (uint32_t i = 0; i < reader->n_names; i++) {
        StrView name = reader->names[i];
        if (str_equal(name, path))
            guess->field = guess->field == NO_FIELD ? i : guess->field;
        else if (name.size > path.size && name.data[path.size] == '.' && memcmp(name.data, path.data, path.size) == 0)
            guess->is_prefix = true;
    }
}

static uint32_t hash_path(const char *path, size_t n)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)path[i]) * 16777619u;
    return hash;
}

/* What is known of the member: remembered from the record before, or looked up. */
static bool find_member(Parser *parser, StrView key, bool escaped, size_t path_size, uint32_t path_hash, Guess *ret,
                        size_t *ret_path)
{
    NdjsonReader *reader = parser->reader;
    Guess *guess = &reader->guesses[parser->member % MAX_GUESSES];
    parser->member++;
    bool same = guess->key && guess->size == key.size && guess->path_hash == path_hash &&
                memcmp(guess->key, key.data, key.size) == 0;
    if (same && !guess->is_prefix) {
        *ret = *guess;
        return true;
    }
    StrView plain = key;
    if (escaped && !unescape(key, parser->block->arena, &plain))
        return false;
    size_t n = path_size;
    if (n + plain.size + 1 > MAX_PATH) { /* longer than any name that is wanted can be looked for */
        *ret = (Guess){.field = NO_FIELD};
        return true;
    }
    if (n)
        parser->path[n++] = '.';
    memcpy(parser->path + n, plain.data, plain.size);
    *ret_path = n + plain.size;
    if (!same) {
        if (reader->guesses_arena.used_bytes > GUESSES_BYTES) { /* records without a common order */
            memset(reader->guesses, 0, sizeof reader->guesses);
            arena_reset(&reader->guesses_arena);
        }
        guess->key = key.size <= 64 ? arena_memdup(&reader->guesses_arena, key.data, key.size) : NULL;
        guess->size = key.size;
        guess->path_hash = path_hash;
        look_up(reader, (StrView){parser->path, (uint32_t)*ret_path}, guess);
    }
    *ret = *guess;
    return true;
}

/* ---- Forms ---- */

/* The same member may be wanted more than once. */
static inline void set_value(const NdjsonReader *reader, RecordBlock *block, uint32_t field, StrView text)
{
    for (; field != NO_FIELD; field = reader->twins[field])
        block->fields[(size_t)field * RECORD_BLOCK_ROWS + block->n] = text;
}

static void add_text(Parser *parser, const char *end)
{
    Form *draft = parser->reader->draft;
    for (;;) {
        size_t left = (size_t)(end - parser->noted);
        if (draft->n == MAX_STEPS) {
            parser->noted = NULL;
            return;
        }
        Step *step = &draft->steps[draft->n++];
        step->size = left < STEP_BYTES ? (uint32_t)left : STEP_BYTES;
        step->mask = (uint32_t)(((uint64_t)1 << step->size) - 1);
        step->has_value = false;
        memset(step->text, 0, STEP_BYTES);
        memcpy(step->text, parser->noted, step->size);
        parser->noted += step->size;
        if (left <= STEP_BYTES)
            return;
    }
}

/* The value from `start` to where the parser stands is of this field. */
static void note_value(Parser *parser, const char *start, uint32_t field)
{
    if (!parser->noted)
        return;
    if (*start == '{' || *start == '[') {
        parser->noted = NULL;
        return;
    }
    add_text(parser, start);
    if (!parser->noted)
        return;
    Form *draft = parser->reader->draft;
    draft->steps[draft->n - 1].has_value = true;
    draft->steps[draft->n - 1].field = field;
    parser->noted = parser->at;
}

/* The draft becomes the form that the next record is compared with. */
static void keep_form(Parser *parser)
{
    NdjsonReader *reader = parser->reader;
    Form *draft = reader->draft;
    if (parser->noted)
        add_text(parser, parser->end);
    if (!parser->noted)
        draft->n = 0;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < reader->n_names; i++) {
        bool there = false;
        for (uint32_t k = 0; k < draft->n; k++)
            there |= draft->steps[k].has_value && draft->steps[k].field != NO_FIELD &&
                     str_equal(reader->names[draft->steps[k].field], reader->names[i]);
        missing += !there;
    }
    draft->has_all = missing == 0;
    reader->draft = reader->form;
    reader->form = draft;
}

static inline bool is_step(const Step *step, const char *at)
{
    __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)at),
                                 _mm_loadu_si128((const __m128i *)(const void *)step->text));
    __m128i high = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(at + 16)),
                                  _mm_loadu_si128((const __m128i *)(const void *)(step->text + 16)));
    uint32_t same = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
    return (same & step->mask) == step->mask;
}

/* Takes the record's values when it has the form of the one before.  What is behind a piece can be read (CSV_PADDING) and,
 * like a line's end, is no part of a value. */
static bool follow_form(const NdjsonReader *reader, RecordBlock *block, StrView line)
{
    const Form *form = reader->form;
    Parser parser = {.at = line.data, .end = line.data + line.size};
    for (uint32_t i = 0; i < form->n; i++) {
        const Step *step = &form->steps[i];
        if ((size_t)(parser.end - parser.at) < step->size || !is_step(step, parser.at))
            return false;
        parser.at += step->size;
        if (!step->has_value)
            continue;
        StrView text = {NULL, 0};
        if (parser.at < parser.end && *parser.at == '"') {
            const char *start = parser.at + 1;
            parser.at = find_special(start, parser.end);
            if (parser.at >= parser.end || *parser.at != '"')
                return false;
            text = (StrView){start, (uint32_t)(parser.at - start)};
            parser.at++;
        } else if (!scan_scalar(&parser, &text)) {
            return false;
        }
        set_value(reader, block, step->field, text);
    }
    return form->n > 0 && parser.at == parser.end;
}

static bool parse_object(Parser *parser, size_t path_size, int depth);

static bool parse_value(Parser *parser, uint32_t field)
{
    StrView text = {NULL, 0};
    skip_blanks(parser);
    if (parser->at >= parser->end)
        return false;
    const char *start = parser->at;
    char c = *start;
    if (c == '"') {
        if (!scan_string(parser, &text) || (parser->escapes && !unescape(text, parser->block->arena, &text)))
            return false;
    } else if (c == '{' || c == '[') {
        if (!skip_value(parser, 1))
            return false;
        text = (StrView){start, (uint32_t)(parser->at - start)};
    } else if (!scan_scalar(parser, &text)) {
        return false;
    }
    note_value(parser, start, field);
    set_value(parser->reader, parser->block, field, text);
    return true;
}

static bool parse_member(Parser *parser, size_t path_size, uint32_t path_hash, int depth)
{
    StrView key;
    skip_blanks(parser);
    if (parser->at >= parser->end || *parser->at != '"' || !scan_string(parser, &key))
        return false;
    bool escaped = parser->escapes;
    skip_blanks(parser);
    if (parser->at >= parser->end || *parser->at++ != ':')
        return false;
    Guess known;
    size_t path = 0;
    if (!find_member(parser, key, escaped, path_size, path_hash, &known, &path))
        return false;
    if (known.field != NO_FIELD && !known.is_prefix)
        return parse_value(parser, known.field);
    skip_blanks(parser);
    if (known.is_prefix && parser->at < parser->end && *parser->at == '{') {
        const char *start = parser->at;
        if (!parse_object(parser, path, depth + 1))
            return false;
        if (known.field != NO_FIELD)
            set_value(parser->reader, parser->block, known.field, (StrView){start, (uint32_t)(parser->at - start)});
        if (known.field != NO_FIELD) /* it is both a value and text around values */
            parser->noted = NULL;
        return true;
    }
    if (known.field != NO_FIELD)
        return parse_value(parser, known.field);
    const char *start = parser->at;
    if (!skip_value(parser, depth))
        return false;
    note_value(parser, start, NO_FIELD);
    return true;
}

/* At the opening brace. */
static bool parse_object(Parser *parser, size_t path_size, int depth)
{
    if (depth > MAX_DEPTH)
        return false;
    uint32_t path_hash = hash_path(parser->path, path_size);
    parser->at++;
    skip_blanks(parser);
    if (parser->at < parser->end && *parser->at == '}') {
        parser->at++;
        return true;
    }
    for (;;) {
        if (!parse_member(parser, path_size, path_hash, depth))
            return false;
        skip_blanks(parser);
        if (parser->at >= parser->end)
            return false;
        char next = *parser->at++;
        if (next == '}')
            return true;
        if (next != ',')
            return false;
    }
}

/* ---- Records ---- */

static void clear_fields(const NdjsonReader *reader, RecordBlock *block)
{
    for (uint32_t i = 0; i < reader->n_names; i++)
        block->fields[(size_t)i * RECORD_BLOCK_ROWS + block->n] = (StrView){NULL, 0};
}

static bool parse_record(NdjsonReader *reader, RecordBlock *block, StrView line)
{
    Parser parser;
    parser.reader = reader;
    parser.block = block;
    parser.at = line.data;
    parser.end = line.data + line.size;
    parser.member = 0;
    parser.noted = line.data;
    reader->draft->n = 0;
    skip_blanks(&parser);
    if (parser.at >= parser.end || *parser.at != '{' || !parse_object(&parser, 0, 0))
        return false;
    skip_blanks(&parser);
    if (parser.at != parser.end)
        return false;
    keep_form(&parser);
    return true;
}

static uint8_t parse_line(NdjsonReader *reader, RecordBlock *block, StrView line)
{
    if (!reader->form->has_all)
        clear_fields(reader, block);
    if (line.size > TEXT_MAX_RECORD_BYTES)
        return RECORD_FLAW_TOO_LONG;
    if (!reader->ascii && !text_is_utf8(line.data, line.size))
        return RECORD_FLAW_INVALID_ENCODING;
    if (follow_form(reader, block, line))
        return RECORD_FLAW_NONE;
    clear_fields(reader, block);
    return parse_record(reader, block, line) ? RECORD_FLAW_NONE : RECORD_FLAW_SYNTAX;
}

static bool is_blank(StrView line)
{
    for (uint32_t i = 0; i < line.size; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    return true;
}

void ndjson_reader_next(NdjsonReader *reader, RecordBlock *block)
{
    const TextPiece *piece = reader->piece;
    block->n = 0;
    arena_reset(block->arena);
    while (block->n < RECORD_BLOCK_ROWS && reader->at < piece->size) {
        const char *start = piece->bytes + reader->at;
        const char *lf = memchr(start, '\n', piece->size - reader->at);
        size_t size = lf ? (size_t)(lf - start) : piece->size - reader->at;
        reader->at += size + (lf != NULL);
        StrView line = {start, (uint32_t)size};
        while (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        if (is_blank(line)) {
            reader->line++;
            continue;
        }
        block->flaws[block->n] = parse_line(reader, block, line);
        if (piece->too_long)
            block->flaws[block->n] = RECORD_FLAW_TOO_LONG;
        if (line.size > TEXT_MAX_RECORD_BYTES)
            line.size = (uint32_t)text_longest_record(line.data);
        block->raw[block->n] = line;
        block->lines[block->n] = reader->line++;
        block->n++;
    }
}
