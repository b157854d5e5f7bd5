/* The parts of docs/sql.md that are made from the program's own tables.
 *
 *   sql_reference --check FILE   ends with 1 when a part between markers is not what the tables say
 *   sql_reference --write FILE   writes the parts anew
 *
 * A part stands between "<!-- begin NAME -->" and "<!-- end NAME -->" lines; NAME is operators, functions or refusals. */
#include <stdio.h>
#include <stdlib.h>

#include "sql/sql_internal.h"

/* Text in a table's cell: | would end it. */
static void append_cell(Buffer *buffer, const char *text, bool code)
{
    buffer_append_text(buffer, code ? " `" : " ");
    for (const char *c = text; *c; c++) {
        if (*c == '|')
            buffer_append_byte(buffer, '\\');
        buffer_append_byte(buffer, (uint8_t)*c);
    }
    buffer_append_text(buffer, code ? "` |" : " |");
}

static bool is_call(const Function *function)
{
    size_t size = strlen(function->name);
    return strncmp(function->signature, function->name, size) == 0 && function->signature[size] == '(';
}

static Status find_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    static const Schema empty = {NULL, 0};
    (void)context;
    (void)name;
    (void)err;
    *ret_schema = &empty;
    return STATUS_OK;
}

/* Whether the example can be typed: those of operators are calls by the table's own names. */
static bool is_sql(const char *example)
{
    static const Catalog catalog = {NULL, find_table};
    Arena arena;
    Error err;
    PlanNode *plan;
    arena_init(&arena);
    error_init(&err);
    const char *text = arena_printf(&arena, "SELECT %s AS x FROM t", example);
    bool planned = sql_plan(text, SQL_QUERY, &catalog, &arena, &plan, &err) == STATUS_OK;
    arena_done(&arena);
    return planned;
}

static void append_functions(Buffer *buffer, bool calls)
{
    size_t n;
    const Function *functions = function_table(&n);
    buffer_append_text(buffer, "| form | meaning | example | gives |\n|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        if (is_call(&functions[i]) != calls)
            continue;
        buffer_append_byte(buffer, '|');
        append_cell(buffer, functions[i].signature, true);
        append_cell(buffer, functions[i].meaning, false);
        if (is_sql(functions[i].example)) {
            append_cell(buffer, functions[i].example, true);
            append_cell(buffer, functions[i].result, true);
        } else {
            buffer_append_text(buffer, " | |");
        }
        buffer_append_byte(buffer, '\n');
    }
}

/* `||` cannot stand in code inside a table without a backslash, and a backtick needs two around it. */
static void append_pattern(Buffer *buffer, const char *pattern)
{
    buffer_append_text(buffer, pattern[0] == '`' ? " `` " : " `");
    for (const char *c = pattern; *c; c++) {
        if (*c == '|')
            buffer_append_byte(buffer, '\\');
        if (c == pattern && c[0] == '<' && c[1] == ' ')
            buffer_append_text(buffer, "a");
        else if (c[0] == '>' && c[1] == '\0' && c > pattern && c[-1] == ' ')
            buffer_append_text(buffer, "b");
        else if (c[0] == 'N' || c[0] == 'P')
            buffer_append_text(buffer, c[0] == 'N' ? "1" : "$1");
        else if (c[0] == 'O')
            buffer_append_text(buffer, "@, %-, ...");
        else
            buffer_append_byte(buffer, (uint8_t)*c);
    }
    buffer_append_text(buffer, pattern[0] == '`' ? " `` |" : "` |");
}

static void append_refusals(Buffer *buffer)
{
    size_t n;
    const SqlRefusal *refusals = sql_refusal_table(&n);
    buffer_append_text(buffer, "| text | why it is refused | what to do |\n|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        buffer_append_byte(buffer, '|');
        append_pattern(buffer, refusals[i].pattern);
        append_cell(buffer, refusals[i].what, false);
        append_cell(buffer, refusals[i].hint, false);
        buffer_append_byte(buffer, '\n');
    }
}

static void append_part(Buffer *buffer, const char *name)
{
    if (strcmp(name, "refusals") == 0)
        append_refusals(buffer);
    else
        append_functions(buffer, strcmp(name, "functions") == 0);
}

/* `text` with every part made anew; false when a marker is missing. */
static bool rewrite(const char *text, Buffer *ret)
{
    static const char *const names[] = {"operators", "functions", "refusals"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char begin[64];
        char end[64];
        snprintf(begin, sizeof begin, "<!-- begin %s -->\n", names[i]);
        snprintf(end, sizeof end, "<!-- end %s -->\n", names[i]);
        const char *first = strstr(text, begin);
        const char *last = first ? strstr(first, end) : NULL;
        if (!last)
            return false;
        buffer_append(ret, text, (size_t)(first - text) + strlen(begin));
        append_part(ret, names[i]);
        text = last;
    }
    buffer_append_text(ret, text);
    return true;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    Buffer text;
    buffer_init(&text, (size_t)1 << 20);
    char block[4096];
    for (size_t n = fread(block, 1, sizeof block, file); n > 0; n = fread(block, 1, sizeof block, file))
        buffer_append(&text, block, n);
    fclose(file);
    char *copy = mem_strdup(buffer_text(&text));
    buffer_done(&text);
    return copy;
}

int main(int argc, char **argv)
{
    bool writes = argc == 3 && strcmp(argv[1], "--write") == 0;
    if (!writes && !(argc == 3 && strcmp(argv[1], "--check") == 0)) {
        fprintf(stderr, "usage: sql_reference --check|--write FILE\n");
        return 2;
    }
    CLEANUP(mem_cleanup) char *text = read_file(argv[2]);
    Buffer made;
    buffer_init(&made, (size_t)1 << 20);
    if (!text || !rewrite(text, &made)) {
        fprintf(stderr, "%s: cannot be read, or a marker is missing\n", argv[2]);
        buffer_done(&made);
        return 1;
    }
    bool same = strcmp(text, buffer_text(&made)) == 0;
    if (!same && writes) {
        FILE *file = fopen(argv[2], "wb");
        same = file && fwrite(made.data, 1, made.size, file) == made.size;
        if (file && fclose(file) != 0)
            same = false;
    } else if (!same) {
        fprintf(stderr, "%s is not what the tables say\nhint: run sql_reference --write %s\n", argv[2], argv[2]);
    }
    buffer_done(&made);
    return same ? 0 : 1;
}
