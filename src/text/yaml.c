/* YAML; see yaml.h.
 *
 * libyaml gives events with their places; they are put together into a tree by recursion, whose depth is bounded.  A key
 * that stands twice is found by its hash, so that no file takes longer than its size allows; getters look keys up one by
 * one: they ask for a few. */
#include "text/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <yaml.h>

#include "columnar/utf8.h"

typedef struct Builder {
    const char *file;
    StrView text;
    Arena *arena;
    yaml_parser_t parser;
} Builder;

static Status fail_at(const Builder *builder, int64_t line, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static Status fail_at(const Builder *builder, int64_t line, Error *err, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_set(err, STATUS_CONFIG, "%s", message);
    error_at_file(err, builder->file);
    return error_at_row(err, line);
}

/* libyaml knows the line of what it cannot parse, and the place of bytes that it cannot read. */
static int64_t problem_line(const Builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    if (parser->error != YAML_READER_ERROR)
        return (int64_t)parser->problem_mark.line + 1;
    int64_t line = 1;
    for (size_t i = 0; i < parser->problem_offset && i < builder->text.size; i++)
        line += builder->text.data[i] == '\n';
    return line;
}

static Status next_event(Builder *builder, yaml_event_t *event, Error *err)
{
    if (yaml_parser_parse(&builder->parser, event))
        return STATUS_OK;
    const yaml_parser_t *parser = &builder->parser;
    const char *context = parser->context ? parser->context : "";
    fail_at(builder, problem_line(builder), err, "this is no YAML: %s%s%s", context, *context ? ": " : "",
            parser->problem ? parser->problem : "it cannot be read");
    return error_hint(err, "look at the indentation and at quotes around texts with ':' or '#'");
}

static Status build_node(Builder *builder, yaml_event_t *event, const char *path, int depth, const YamlNode **ret_node,
                         Error *err);

typedef struct NodeList {
    const char **keys;
    const YamlNode **children;
    uint32_t *slots; /* of a mapping, 2 * capacity: key number + 1 by the key's hash, 0: free */
    uint32_t n, capacity;
} NodeList;

static uint32_t *find_slot(const NodeList *list, const char *key)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = key; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    for (;; hash++) {
        uint32_t *slot = &list->slots[hash & (2 * list->capacity - 1)];
        if (*slot == 0 || strcmp(list->keys[*slot - 1], key) == 0)
            return slot;
    }
}

static void list_grow(NodeList *list, Arena *arena)
{
    uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
    const char **keys = ARENA_ARRAY(arena, const char *, capacity);
    const YamlNode **children = ARENA_ARRAY(arena, const YamlNode *, capacity);
    if (list->n) {
        memcpy(keys, list->keys, sizeof *keys * list->n);
        memcpy(children, list->children, sizeof *children * list->n);
    }
    list->keys = keys;
    list->children = children;
    list->capacity = capacity;
}

static void list_add(NodeList *list, Arena *arena, const YamlNode *child)
{
    if (list->n == list->capacity)
        list_grow(list, arena);
    list->keys[list->n] = "";
    list->children[list->n++] = child;
}

/* The value's place, children[n - 1], is the caller's to fill; false when the key is there already. */
static bool list_add_key(NodeList *list, Arena *arena, const char *key)
{
    if (list->n == list->capacity) {
        list_grow(list, arena);
        list->slots = ARENA_ARRAY(arena, uint32_t, 2 * list->capacity);
        for (uint32_t i = 0; i < list->n; i++)
            *find_slot(list, list->keys[i]) = i + 1;
    }
    uint32_t *slot = find_slot(list, key);
    if (*slot)
        return false;
    list->keys[list->n++] = key;
    *slot = list->n;
    return true;
}

static Status build_sequence(Builder *builder, YamlNode *node, int depth, Error *err)
{
    NodeList list = {0};
    for (;;) {
        yaml_event_t event;
        TRY(next_event(builder, &event, err));
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        const YamlNode *child;
        const char *path = arena_printf(builder->arena, "%s[%u]", node->path, list.n);
        TRY(build_node(builder, &event, path, depth + 1, &child, err));
        list_add(&list, builder->arena, child);
    }
    node->n = list.n;
    node->children = list.children;
    return STATUS_OK;
}

static Status build_mapping(Builder *builder, YamlNode *node, int depth, Error *err)
{
    NodeList list = {0};
    for (;;) {
        yaml_event_t event;
        TRY(next_event(builder, &event, err));
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        int64_t line = (int64_t)event.start_mark.line + 1;
        if (event.type != YAML_SCALAR_EVENT) {
            yaml_event_delete(&event);
            return fail_at(builder, line, err, "a key must be a plain text");
        }
        const char *key = arena_memdup(builder->arena, event.data.scalar.value, event.data.scalar.length);
        yaml_event_delete(&event);
        if (!list_add_key(&list, builder->arena, key))
            return fail_at(builder, line, err, "the key '%.100s' stands twice", key);
        const YamlNode **child = &list.children[list.n - 1];
        TRY(next_event(builder, &event, err));
        const char *path = *node->path ? arena_printf(builder->arena, "%s.%s", node->path, key) : key;
        TRY(build_node(builder, &event, path, depth + 1, child, err));
    }
    node->n = list.n;
    node->keys = list.keys;
    node->children = list.children;
    return STATUS_OK;
}

/* Takes over the event. */
static Status build_node(Builder *builder, yaml_event_t *event, const char *path, int depth, const YamlNode **ret_node,
                         Error *err)
{
    YamlNode *node = ARENA_NEW(builder->arena, YamlNode);
    node->line = (int64_t)event->start_mark.line + 1;
    node->path = path;
    yaml_event_type_t type = event->type;
    bool anchored = (type == YAML_SCALAR_EVENT && event->data.scalar.anchor) ||
                    (type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor) ||
                    (type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor);
    if (type == YAML_SCALAR_EVENT) {
        node->kind = YAML_SCALAR;
        node->text = arena_memdup(builder->arena, event->data.scalar.value, event->data.scalar.length);
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
    yaml_event_delete(event);
    *ret_node = node;
    if (anchored || type == YAML_ALIAS_EVENT)
        return fail_at(builder, node->line, err, "anchors and aliases are not taken here: write the value out");
    if (depth > YAML_MAX_DEPTH)
        return fail_at(builder, node->line, err, "this is nested more than %d deep", YAML_MAX_DEPTH);
    switch (type) {
    case YAML_SCALAR_EVENT:
        return STATUS_OK;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_SEQUENCE;
        return build_sequence(builder, node, depth, err);
    case YAML_MAPPING_START_EVENT:
        node->kind = YAML_MAPPING;
        return build_mapping(builder, node, depth, err);
    default:
        return fail_at(builder, node->line, err, "this is no YAML value");
    }
}

/* Stream start, one document or none, stream end. */
static Status build_document(Builder *builder, const YamlNode **ret_root, Error *err)
{
    const YamlNode *root = NULL;
    for (;;) {
        yaml_event_t event;
        TRY(next_event(builder, &event, err));
        yaml_event_type_t type = event.type;
        int64_t line = (int64_t)event.start_mark.line + 1;
        if (type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT) {
            yaml_event_delete(&event);
            if (type == YAML_DOCUMENT_START_EVENT && root)
                return fail_at(builder, line, err, "the file holds more than one document ('---')");
            continue;
        }
        TRY(build_node(builder, &event, "", 0, &root, err));
    }
    if (!root || yaml_is_null(root)) {
        YamlNode *empty = ARENA_NEW(builder->arena, YamlNode);
        *empty = (YamlNode){.kind = YAML_MAPPING, .line = 1, .path = ""};
        root = empty;
    }
    *ret_root = root;
    return STATUS_OK;
}

Status yaml_parse(const char *file, StrView text, Arena *arena, YamlDocument *ret_document, Error *err)
{
    Builder builder = {.file = arena_strdup(arena, file), .text = text, .arena = arena};
    if (text.size > YAML_MAX_BYTES)
        return fail_at(&builder, 1, err, "the file is larger than %zu bytes", YAML_MAX_BYTES);
    if (text.size > 0 && memchr(text.data, '\0', text.size))
        return fail_at(&builder, 1, err, "the file holds a NUL byte: it is no text");
    CHECK(yaml_parser_initialize(&builder.parser));
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)(text.size ? text.data : ""), text.size);
    const YamlNode *root = NULL;
    Status status = build_document(&builder, &root, err);
    yaml_parser_delete(&builder.parser);
    if (status == STATUS_OK)
        *ret_document = (YamlDocument){builder.file, root};
    return status;
}

/* ---- Reading the tree ---- */

Status yaml_error(const YamlDocument *document, const YamlNode *node, Error *err, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_set(err, STATUS_CONFIG, "%s%s%s", node->path, *node->path ? ": " : "", message);
    error_at_file(err, document->file);
    return error_at_row(err, node->line);
}

bool yaml_is_null(const YamlNode *node)
{
    if (!node)
        return true;
    if (node->kind != YAML_SCALAR || node->quoted)
        return false;
    return *node->text == '\0' || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0;
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key)
{
    if (!mapping || mapping->kind != YAML_MAPPING)
        return NULL;
    for (uint32_t i = 0; i < mapping->n; i++)
        if (strcmp(mapping->keys[i], key) == 0)
            return yaml_is_null(mapping->children[i]) ? NULL : mapping->children[i];
    return NULL;
}

Status yaml_check_keys(const YamlDocument *document, const YamlNode *node, const char *const *known, size_t n,
                       Error *err)
{
    if (node->kind != YAML_MAPPING)
        return yaml_error(document, node, err, "keys and values are wanted here ('key: value')");
    for (uint32_t i = 0; i < node->n; i++) {
        bool found = false;
        for (size_t k = 0; k < n && !found; k++)
            found = strcmp(node->keys[i], known[k]) == 0;
        if (found)
            continue;
        yaml_error(document, node->children[i], err, "there is no such key");
        const char *near = text_nearest(node->keys[i], known, n);
        if (near)
            return error_hint(err, "did you mean '%s'?", near);
        char all[400] = "";
        for (size_t k = 0, at = 0; k < n && at < sizeof all; k++)
            at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", k ? ", " : "", known[k]);
        return error_hint(err, "there are: %s", all);
    }
    return STATUS_OK;
}

static Status get_scalar(const YamlDocument *document, const YamlNode *mapping, const char *key, const char *wanted,
                         const YamlNode **ret, Error *err)
{
    const YamlNode *node = yaml_get(mapping, key);
    if (node && node->kind != YAML_SCALAR)
        return yaml_error(document, node, err, "%s is wanted here", wanted);
    *ret = node;
    return STATUS_OK;
}

Status yaml_text(const YamlDocument *document, const YamlNode *mapping, const char *key, const char **ret, Error *err)
{
    const YamlNode *node = NULL;
    TRY(get_scalar(document, mapping, key, "a text", &node, err));
    if (node)
        *ret = node->text;
    return STATUS_OK;
}

Status yaml_boolean(const YamlDocument *document, const YamlNode *mapping, const char *key, bool *ret, Error *err)
{
    const YamlNode *node = NULL;
    TRY(get_scalar(document, mapping, key, "true or false", &node, err));
    if (!node)
        return STATUS_OK;
    bool yes = strcasecmp(node->text, "true") == 0 || strcasecmp(node->text, "yes") == 0;
    bool no = strcasecmp(node->text, "false") == 0 || strcasecmp(node->text, "no") == 0;
    if (node->quoted || (!yes && !no))
        return yaml_error(document, node, err, "true or false is wanted, not '%.80s'", node->text);
    *ret = yes;
    return STATUS_OK;
}

Status yaml_integer(const YamlDocument *document, const YamlNode *mapping, const char *key, int64_t lowest,
                    int64_t highest, int64_t *ret, Error *err)
{
    const YamlNode *node = NULL;
    TRY(get_scalar(document, mapping, key, "a whole number", &node, err));
    if (!node)
        return STATUS_OK;
    char *end;
    errno = 0;
    long long value = strtoll(node->text, &end, 10);
    if (*end != '\0' || end == node->text || errno != 0)
        return yaml_error(document, node, err, "a whole number is wanted, not '%.80s'", node->text);
    if (value < lowest || value > highest)
        return yaml_error(document, node, err, "%lld is not within %lld and %lld", value, (long long)lowest,
                          (long long)highest);
    *ret = value;
    return STATUS_OK;
}

Status yaml_number(const YamlDocument *document, const YamlNode *mapping, const char *key, double lowest,
                   double highest, double *ret, Error *err)
{
    const YamlNode *node = NULL;
    TRY(get_scalar(document, mapping, key, "a number", &node, err));
    if (!node)
        return STATUS_OK;
    char *end;
    double value = strtod(node->text, &end);
    if (*end != '\0' || end == node->text || !isfinite(value))
        return yaml_error(document, node, err, "a number is wanted, not '%.80s'", node->text);
    if (value < lowest || value > highest)
        return yaml_error(document, node, err, "%g is not within %g and %g", value, lowest, highest);
    *ret = value;
    return STATUS_OK;
}

Status yaml_choice(const YamlDocument *document, const YamlNode *mapping, const char *key, const char *const *choices,
                   size_t n, uint32_t *ret, Error *err)
{
    const YamlNode *node = NULL;
    TRY(get_scalar(document, mapping, key, "one word", &node, err));
    if (!node)
        return STATUS_OK;
    for (size_t i = 0; i < n; i++)
        if (strcmp(node->text, choices[i]) == 0) {
            *ret = (uint32_t)i;
            return STATUS_OK;
        }
    yaml_error(document, node, err, "'%.80s' is none of the choices", node->text);
    const char *near = text_nearest(node->text, choices, n);
    if (near)
        return error_hint(err, "did you mean '%s'?", near);
    char all[400] = "";
    for (size_t k = 0, at = 0; k < n && at < sizeof all; k++)
        at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", k ? ", " : "", choices[k]);
    return error_hint(err, "one of: %s", all);
}

/* ---- Writing ---- */

/* Whether a plain scalar would read back as this very text and nothing else. */
static bool is_plain(StrView text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "~"};
    if (text.size == 0 || text.data[0] == ' ' || text.data[text.size - 1] == ' ')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (text.size == strlen(words[i]) && strncasecmp(text.data, words[i], text.size) == 0)
            return false;
    for (uint32_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!letter && !(i > 0 && (c == '-' || c == ' ' || c == '.' || c == '/')))
            return false;
    }
    return true;
}

/* U+XXXX of a character at `at` that stands in no YAML text, or ends a line there; 0: another character. */
static uint32_t special_character(const uint8_t *at, size_t left, size_t *ret_size)
{
    *ret_size = 1;
    if (at[0] == 0x7f)
        return 0x7f;
    *ret_size = 2;
    if (left >= 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return at[1];
    *ret_size = 3;
    if (left < 3 || (at[0] != 0xe2 && at[0] != 0xef))
        return 0;
    uint32_t c = (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    return c == 0x2028 || c == 0x2029 || c == 0xfeff || c >= 0xfffe ? c : 0;
}

/* A JSON string is a double-quoted scalar of YAML, but for some characters. */
static void append_quoted(Buffer *buffer, StrView text)
{
    Buffer json;
    buffer_init(&json, 0);
    text_append_json(&json, text);
    for (size_t i = 0, size; i < json.size; i++) {
        uint32_t special = special_character(json.data + i, json.size - i, &size);
        if (special) {
            buffer_printf(buffer, "\\u%04x", special);
            i += size - 1;
        } else {
            buffer_append_byte(buffer, json.data[i]);
        }
    }
    buffer_done(&json);
}

void yaml_append_scalar(Buffer *buffer, StrView text)
{
    if (is_plain(text))
        buffer_append(buffer, text.data, text.size);
    else
        append_quoted(buffer, text);
}

/* ---- Without comments ---- */

/* Bytes of the first n characters. */
static size_t bytes_of(StrView text, size_t at, size_t n)
{
    for (; n > 0 && at < text.size; n--)
        for (at++; at < text.size && utf8_is_continuation(text.data[at]);)
            at++;
    return at;
}

/* What stands between two tokens: blanks, line ends, comments.  A line that held a comment alone goes whole. */
static void append_between(Buffer *buffer, const char *from, const char *end)
{
    while (from < end) {
        const char *line = memchr(from, '\n', (size_t)(end - from));
        const char *next = line ? line + 1 : end;
        const char *comment = memchr(from, '#', (size_t)(next - from));
        const char *kept = comment ? comment : next;
        while (comment && kept > from && (kept[-1] == ' ' || kept[-1] == '\t'))
            kept--;
        bool alone = comment && kept == from && (buffer->size == 0 || buffer->data[buffer->size - 1] == '\n');
        buffer_append(buffer, from, (size_t)(kept - from));
        if (comment && line && !alone)
            buffer_append_byte(buffer, '\n');
        from = next;
    }
}

Status yaml_strip_comments(const char *file, StrView text, Buffer *buffer, Error *err)
{
    yaml_parser_t parser;
    size_t at = 0, characters = 0;                                   /* behind the last token */
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) /* a mark is no character to libyaml */
        text = (StrView){text.data + 3, text.size - 3};
    yaml_parser_initialize(&parser);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.size);
    for (bool more = true; more;) {
        yaml_token_t token;
        if (!yaml_parser_scan(&parser, &token)) {
            yaml_parser_delete(&parser);
            error_set(err, STATUS_CONFIG, "this is no YAML, so its comments cannot be told from the rest");
            error_at_file(err, file);
            return error_hint(err, "mend or remove the file, then try again");
        }
        size_t start = bytes_of(text, at, token.start_mark.index - characters);
        size_t end = bytes_of(text, start, token.end_mark.index - token.start_mark.index);
        append_between(buffer, text.data + at, text.data + start);
        buffer_append(buffer, text.data + start, end - start);
        at = end;
        characters = token.end_mark.index;
        more = token.type != YAML_STREAM_END_TOKEN;
        yaml_token_delete(&token);
    }
    append_between(buffer, text.data + at, text.data + text.size);
    yaml_parser_delete(&parser);
    return STATUS_OK;
}
