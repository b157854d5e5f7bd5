/* LIKE and ILIKE.
 *
 * A pattern is compiled to segments between its '%': the first must stand at the start of the text, the last at its end,
 * those between are found from left to right, which is enough because a leftmost find never spoils a later one.  A segment
 * is a list of tokens, a byte or "any one character"; one without the latter is found by memmem.  Constant patterns are
 * compiled once a vector, others once a row.  The cost is at most text size x pattern size. */
#include "columnar/families.h"
#include "columnar/kernel.h"
#include "columnar/utf8.h"

#define ANY_CHARACTER 256

typedef struct Segment {
    const uint16_t *tokens;
    const char *bytes; /* the tokens as bytes; NULL when there is an ANY_CHARACTER among them */
    uint32_t n;
} Segment;

typedef struct LikePattern {
    Segment *segments;
    uint32_t n; /* one more than there are '%' */
} LikePattern;

static uint32_t escape_character(StrView escape)
{
    return escape.size == 1 ? (unsigned char)escape.data[0] : UINT32_MAX;
}

static Segment end_segment(Arena *arena, const uint16_t *tokens, uint32_t n)
{
    char *bytes = arena_alloc(arena, (size_t)n + 1);
    bool literal = true;
    for (uint32_t i = 0; i < n; i++) {
        literal = literal && tokens[i] != ANY_CHARACTER;
        bytes[i] = (char)tokens[i];
    }
    return (Segment){.tokens = tokens, .bytes = literal ? bytes : NULL, .n = n};
}

static LikePattern compile(StrView pattern, uint32_t escape, Arena *arena)
{
    LikePattern like = {0};
    uint32_t percents = 0;
    for (uint32_t i = 0; i < pattern.size; i++)
        percents += pattern.data[i] == '%';
    like.segments = ARENA_ARRAY(arena, Segment, percents + 1);
    uint16_t *tokens = ARENA_ARRAY(arena, uint16_t, (size_t)pattern.size + 1);
    uint32_t start = 0, used = 0;
    for (uint32_t i = 0; i < pattern.size; i++) {
        unsigned char c = (unsigned char)pattern.data[i];
        if (c == escape && i + 1 < pattern.size) {
            tokens[used++] = (unsigned char)pattern.data[++i];
        } else if (c == '%') {
            like.segments[like.n++] = end_segment(arena, tokens + start, used - start);
            start = used;
        } else {
            tokens[used++] = c == '_' ? ANY_CHARACTER : c;
        }
    }
    like.segments[like.n++] = end_segment(arena, tokens + start, used - start);
    return like;
}

/* Byte position behind the segment when it stands at `at`, else -1. */
static int64_t match_at(const Segment *segment, StrView text, uint32_t at)
{
    if (segment->bytes) {
        bool equal = segment->n <= text.size - at &&
                     (segment->n == 0 || memcmp(text.data + at, segment->bytes, segment->n) == 0);
        return equal ? (int64_t)at + segment->n : -1;
    }
    for (uint32_t i = 0; i < segment->n; i++) {
        if (at >= text.size)
            return -1;
        if (segment->tokens[i] == ANY_CHARACTER)
            at = utf8_skip(text, at, 1);
        else if (segment->tokens[i] == (unsigned char)text.data[at])
            at++;
        else
            return -1;
    }
    return at;
}

/* Byte position where the segment starts when it ends with the text, else -1. */
static int64_t match_end(const Segment *segment, StrView text)
{
    uint32_t at = text.size;
    for (uint32_t i = segment->n; i-- > 0;) {
        if (at == 0)
            return -1;
        at--;
        if (segment->tokens[i] == ANY_CHARACTER) {
            while (at > 0 && utf8_is_continuation(text.data[at]))
                at--;
        } else if (segment->tokens[i] != (unsigned char)text.data[at]) {
            return -1;
        }
    }
    return at;
}

/* Byte position behind the first place of the segment in text[at..], else -1. */
static int64_t match_anywhere(const Segment *segment, StrView text, uint32_t at)
{
    if (segment->n == 0)
        return at;
    if (segment->bytes) {
        const char *hit = memmem(text.data + at, text.size - at, segment->bytes, segment->n);
        return hit ? (hit - text.data) + segment->n : -1;
    }
    for (; at < text.size; at = utf8_skip(text, at, 1)) {
        int64_t behind = match_at(segment, text, at);
        if (behind >= 0)
            return behind;
    }
    return -1;
}

static bool matches(const LikePattern *like, StrView text)
{
    int64_t at = match_at(&like->segments[0], text, 0);
    if (like->n == 1)
        return at == text.size;
    int64_t end = at < 0 ? -1 : match_end(&like->segments[like->n - 1], text);
    if (end < at)
        return false;
    text.size = (uint32_t)end;
    for (uint32_t i = 1; i + 1 < like->n && at >= 0; i++)
        at = match_anywhere(&like->segments[i], text, (uint32_t)at);
    return at >= 0;
}

static Status check_pattern(StrView pattern, uint32_t escape, Error *err)
{
    for (uint32_t i = 0; i < pattern.size; i++) {
        if ((unsigned char)pattern.data[i] != escape)
            continue;
        i++;
        if (i == pattern.size ||
            (pattern.data[i] != '%' && pattern.data[i] != '_' && (unsigned char)pattern.data[i] != escape))
            return error_set(err, STATUS_SQL,
                             "in a LIKE pattern the escape character must stand before %%, _ or itself");
    }
    return STATUS_OK;
}

Status bind_like(BIND_PARAMETERS)
{
    TRY(bind_fixed(function, given, constants, n_args, want, ret_type, err));
    const Value *pattern = constant_at(constants, 1);
    uint32_t escape = '\\';
    if (n_args == 3) {
        const Value *given_escape = constant_at(constants, 2);
        if (given_escape->type.id != TYPE_STRING || !given_escape->valid || given_escape->string.size != 1)
            return error_set(err, STATUS_SQL, "the ESCAPE of '%s' must be one ASCII character", function->name);
        escape = escape_character(given_escape->string);
    }
    if (pattern && pattern->valid && pattern->type.id == TYPE_STRING)
        TRY(check_pattern(pattern->string, escape, err));
    return STATUS_OK;
}

static StrView lowered(StrView text, Arena *arena)
{
    char *copy = arena_alloc(arena, (size_t)text.size + 1);
    return (StrView){copy, (uint32_t)utf8_lower(text, copy)};
}

void evaluate_like(EVALUATE_PARAMETERS)
{
    bool any_case = call->function->name[0] == 'i';
    bool constant = constant_at(call->constants, 1) != NULL;
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, call->n_args, n);
    const StrView *texts = args[0].data, *patterns = args[1].data;
    uint8_t *out = result->data;
    uint32_t escape = '\\';
    if (call->n_args == 3 && n > 0 && row_is_valid(&args[2], 0))
        escape = escape_character(((const StrView *)args[2].data)[0]);
    LikePattern like = {0};
    for (uint32_t i = 0; i < n; i++) {
        out[i] = 0;
        if (!row_is_valid(result, i))
            continue;
        if (!constant || like.n == 0)
            like = compile(any_case ? lowered(patterns[i], arena) : patterns[i], escape, arena);
        out[i] = matches(&like, any_case ? lowered(texts[i], arena) : texts[i]);
    }
}
