/* String functions on UTF-8.
 *
 * Characters are counted as Spark's UTF8String does: by the first byte of each sequence.  Results are written into blocks
 * of the arena; a result that is a part of an argument (trim, substring, split_part) points into it. */
#include "columnar/families.h"
#include "columnar/kernel.h"
#include "columnar/utf8.h"

/* All binary gives binary, else all become strings. */
Status bind_concat(BIND_PARAMETERS)
{
    bool binary = true;
    for (uint32_t i = 0; i < n_args; i++)
        binary = binary && given[i].id == TYPE_BINARY;
    *ret_type = binary ? DATA_TYPE(BINARY) : DATA_TYPE(STRING);
    for (uint32_t i = 0; i < n_args; i++)
        want[i] = *ret_type;
    return STATUS_OK;
}

static inline StrView string_at(const Vector *vector, uint32_t row)
{
    return ((const StrView *)vector->data)[row];
}

/* One row of concat or concat_ws: the parts that are there, with the separator between them. */
static StrView join(TextRoom *room, const Vector *args, uint32_t first, uint32_t n_args, uint32_t row,
                    StrView separator)
{
    size_t size = 0;
    for (uint32_t a = first; a < n_args; a++)
        if (row_is_valid(&args[a], row))
            size += string_at(&args[a], row).size + separator.size;
    if (size > UINT32_MAX)
        return (StrView){"", 0};
    char *to = text_room_reserve(room, size);
    size_t used = 0;
    bool behind_part = false;
    for (uint32_t a = first; a < n_args; a++) {
        if (!row_is_valid(&args[a], row))
            continue;
        StrView part = string_at(&args[a], row);
        if (behind_part && separator.size) {
            memcpy(to + used, separator.data, separator.size);
            used += separator.size;
        }
        if (part.size)
            memcpy(to + used, part.data, part.size);
        used += part.size;
        behind_part = true;
    }
    return text_room_take(room, used);
}

void evaluate_concat(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, call->n_args, n);
    StrView *out = result->data;
    TextRoom room = {.arena = arena};
    for (uint32_t i = 0; i < n; i++)
        out[i] = row_is_valid(result, i) ? join(&room, args, 0, call->n_args, i, (StrView){"", 0}) : (StrView){"", 0};
}

void evaluate_concat_ws(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    StrView *out = result->data;
    TextRoom room = {.arena = arena};
    for (uint32_t i = 0; i < n; i++)
        out[i] =
            row_is_valid(result, i) ? join(&room, args, 1, call->n_args, i, string_at(&args[0], i)) : (StrView){"", 0};
}

static void map_case(const Vector *source, uint32_t n, Arena *arena, Vector *result, size_t (*map)(StrView, char *))
{
    *result = vector_new(arena, source->type, n, false);
    result->valid = source->valid;
    StrView *out = result->data;
    TextRoom room = {.arena = arena};
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (StrView){"", 0};
        if (!row_is_valid(source, i))
            continue;
        StrView text = string_at(source, i);
        char *to = text_room_reserve(&room, text.size);
        out[i] = text_room_take(&room, map(text, to));
    }
}

void evaluate_lower(EVALUATE_PARAMETERS)
{
    map_case(&args[0], n, arena, result, utf8_lower);
}

void evaluate_upper(EVALUATE_PARAMETERS)
{
    map_case(&args[0], n, arena, result, utf8_upper);
}

/* The first or last character of a text. */
static StrView end_character(StrView text, bool last)
{
    uint32_t size = 1;
    if (!last) {
        size = utf8_size(text.data[0]);
        return (StrView){text.data, size < text.size ? size : text.size};
    }
    while (size < text.size && utf8_is_continuation(text.data[text.size - size]))
        size++;
    return (StrView){text.data + text.size - size, size};
}

static bool contains_character(StrView set, StrView character)
{
    for (uint32_t i = 0; i < set.size;) {
        uint32_t size = utf8_size(set.data[i]);
        size = size < set.size - i ? size : set.size - i;
        if (str_equal((StrView){set.data + i, size}, character))
            return true;
        i += size;
    }
    return false;
}

static StrView trim(StrView text, StrView set, bool left, bool right)
{
    while (left && text.size > 0) {
        StrView character = end_character(text, false);
        if (!contains_character(set, character))
            break;
        text.data += character.size;
        text.size -= character.size;
    }
    while (right && text.size > 0) {
        StrView character = end_character(text, true);
        if (!contains_character(set, character))
            break;
        text.size -= character.size;
    }
    return text;
}

void evaluate_trim(EVALUATE_PARAMETERS)
{
    bool left = call->function->name[0] != 'r', right = call->function->name[0] != 'l';
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, call->n_args, n);
    StrView *out = result->data;
    for (uint32_t i = 0; i < n; i++) {
        StrView set = {" ", 1};
        if (!row_is_valid(result, i)) {
            out[i] = (StrView){"", 0};
            continue;
        }
        if (call->n_args == 2)
            set = string_at(&args[1], i);
        out[i] = trim(string_at(&args[0], i), set, left, right);
    }
}

/* Positions count from 1, from the end when negative; what lies outside the text is empty. */
static StrView substring(StrView text, int64_t position, int64_t length)
{
    int64_t start = position > 0 ? position - 1 : 0;
    if (position < 0)
        start = (int64_t)utf8_count(text) + position;
    int64_t end = start + length;
    if (end <= start || end <= 0)
        return (StrView){"", 0};
    uint32_t at = utf8_skip(text, 0, start > 0 ? (uint64_t)start : 0);
    uint32_t until = utf8_skip(text, at, (uint64_t)(end - (start > 0 ? start : 0)));
    return (StrView){text.data + at, until - at};
}

void evaluate_substring(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, call->n_args, n);
    StrView *out = result->data;
    const int32_t *positions = args[1].data;
    const int32_t *lengths = call->n_args == 3 ? args[2].data : NULL;
    for (uint32_t i = 0; i < n; i++)
        out[i] = row_is_valid(result, i)
                     ? substring(string_at(&args[0], i), positions[i], lengths ? lengths[i] : INT32_MAX)
                     : (StrView){"", 0};
}

Status bind_length(BIND_PARAMETERS)
{
    want[0] = given[0].id == TYPE_BINARY ? given[0] : DATA_TYPE(STRING);
    *ret_type = DATA_TYPE(INT);
    return STATUS_OK;
}

void evaluate_length(EVALUATE_PARAMETERS)
{
    bool bytes = args[0].type.id == TYPE_BINARY;
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    int32_t *out = result->data;
    for (uint32_t i = 0; i < n; i++) {
        StrView text = row_is_valid(&args[0], i) ? string_at(&args[0], i) : (StrView){"", 0};
        out[i] = (int32_t)(bytes ? text.size : utf8_count(text));
    }
}

static const char *find(StrView text, uint32_t from, StrView what)
{
    return what.size && from <= text.size ? memmem(text.data + from, text.size - from, what.data, what.size) : NULL;
}

static StrView replace(TextRoom *room, StrView text, StrView search, StrView with)
{
    const char *hit = find(text, 0, search);
    if (!hit)
        return text;
    size_t hits = 0;
    for (const char *at = hit; at; at = find(text, (uint32_t)(at - text.data) + search.size, search))
        hits++;
    size_t size = text.size + hits * with.size - hits * search.size;
    if (size > UINT32_MAX)
        return (StrView){"", 0};
    char *to = text_room_reserve(room, size);
    size_t used = 0;
    uint32_t from = 0;
    for (; hit; hit = find(text, from, search)) {
        size_t before = (size_t)(hit - text.data) - from;
        memcpy(to + used, text.data + from, before);
        used += before;
        if (with.size)
            memcpy(to + used, with.data, with.size);
        used += with.size;
        from = (uint32_t)(hit - text.data) + search.size;
    }
    memcpy(to + used, text.data + from, text.size - from);
    return text_room_take(room, used + text.size - from);
}

void evaluate_replace(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, call->n_args, n);
    StrView *out = result->data;
    TextRoom room = {.arena = arena};
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (StrView){"", 0};
        if (row_is_valid(result, i))
            out[i] = replace(&room, string_at(&args[0], i), string_at(&args[1], i),
                             call->n_args == 3 ? string_at(&args[2], i) : (StrView){"", 0});
    }
}

/* The part between delimiters number `index`, counted from 1, or from the end when negative. */
static StrView split_part(StrView text, StrView delimiter, int64_t index)
{
    if (index < 0) {
        int64_t parts = 1;
        for (const char *hit = find(text, 0, delimiter); hit;
             hit = find(text, (uint32_t)(hit - text.data) + delimiter.size, delimiter))
            parts++;
        index += parts + 1;
    }
    uint32_t from = 0;
    for (int64_t part = 1; index > 0; part++) {
        const char *hit = find(text, from, delimiter);
        uint32_t until = hit ? (uint32_t)(hit - text.data) : text.size;
        if (part == index)
            return (StrView){text.data + from, until - from};
        if (!hit)
            break;
        from = until + delimiter.size;
    }
    return (StrView){"", 0};
}

void evaluate_split_part(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    uint8_t *valid = mask_copy(arena, mask_all(arena, args, 3, n), n);
    StrView *out = result->data;
    const int32_t *indices = args[2].data;
    for (uint32_t i = 0; i < n; i++) {
        valid[i] &= indices[i] != 0;
        out[i] = valid[i] ? split_part(string_at(&args[0], i), string_at(&args[1], i), indices[i]) : (StrView){"", 0};
    }
    result->valid = mask_trim(valid, n);
}
