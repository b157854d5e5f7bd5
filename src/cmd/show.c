/* show: a mart as a person wants to read it. */
#include <string.h>
#include <time.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/printer.h"
#include "mart/display.h"
#include "mart/registry.h"
#include "mart/run.h"

typedef struct Show {
    const Arguments *arguments;
    Arena *arena;
    const Mart *mart; /* NULL: not one of the built-in marts */
    const char *folder;
    const char *path;
    uint64_t limit_rows; /* 0: all */
    PrinterFormat format;
    ParquetFile *file;
    int64_t modified_ms;
    const Display *displays;
    Printer *printer;
} Show;

/* Neither built in nor in the folder: name the nearest of both. */
static Status unknown_mart(const Show *show, const MartRegistry *registry, const char *name, Error *err)
{
    const char *pattern = arena_printf(show->arena, "%s/*/*.parquet", show->folder);
    StorageList list = {0};
    Error ignored;
    error_init(&ignored);
    bool has_list = storage_list(pattern, &list, &ignored) == STATUS_OK;
    const char **names = ARENA_ARRAY(show->arena, const char *, registry->n + list.n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < registry->n; i++)
        names[n++] = registry->marts[i].name;
    for (size_t i = 0; i < list.n; i++) {
        char *base = arena_strdup(show->arena, strrchr(list.entries[i].path, '/') + 1);
        base[strlen(base) - strlen(".parquet")] = '\0';
        names[n++] = base;
    }
    if (has_list)
        storage_list_done(&list);
    error_set(err, STATUS_USAGE, "there is no mart '%s'", name);
    const char *nearest = text_nearest(name, names, n);
    if (nearest)
        return error_hint(err, "did you mean '%s'?", nearest);
    Buffer all;
    buffer_init(&all, 0);
    for (uint32_t i = 0; i < registry->n; i++)
        buffer_printf(&all, "%s%s", i ? ", " : "", registry->marts[i].name);
    error_hint(err, "the marts are %s", buffer_text(&all));
    buffer_done(&all);
    return err->code;
}

static Status open_mart(Show *show, const MartRegistry *registry, MemoryBudget *budget, Error *err)
{
    const char *name = show->arguments->operands[0];
    StorageReader *reader;
    if (strchr(name, '/'))
        return unknown_mart(show, registry, name, err);
    show->path = mart_path(show->arena, show->folder, name);
    if (storage_open(show->path, &reader, err) != STATUS_OK) {
        if (err->code != STATUS_NOT_FOUND)
            return err->code;
        if (!show->mart)
            return unknown_mart(show, registry, name, err);
        error_set(err, STATUS_NOT_FOUND, "the mart %s has not been made in '%s'", name, show->folder);
        return error_hint(err, "make it: freightlake run --from 'SHIPMENTS/*.parquet' --to %s", show->folder);
    }
    show->modified_ms = reader->modified_ms;
    return parquet_open(reader, budget, &show->file, err);
}

static void append_cell(void *context, uint32_t column, const Value *value, Buffer *text)
{
    const Show *show = context;
    display_append(text, show->displays[column], value);
}

static const char *const *make_headers(Show *show, const Schema *schema)
{
    const char **headers = ARENA_ARRAY(show->arena, const char *, schema->n);
    Display *displays = ARENA_ARRAY(show->arena, Display, schema->n);
    for (uint32_t i = 0; i < schema->n; i++) {
        Buffer header;
        buffer_init(&header, 0);
        display_append_header(&header, schema->fields[i].name);
        headers[i] = arena_strdup(show->arena, buffer_text(&header));
        buffer_done(&header);
        displays[i] = display_of(&schema->fields[i]);
    }
    show->displays = displays;
    return headers;
}

static Status print_title(const Show *show, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    bool color = console_color(show->arguments);
    if (color)
        buffer_append_text(&text, "\x1b[1m");
    if (show->mart)
        buffer_append_text(&text, show->mart->title);
    else
        display_append_header(&text, show->arguments->operands[0]);
    if (color)
        buffer_append_text(&text, "\x1b[0m");
    if (show->mart && show->mart->meaning[0])
        buffer_printf(&text, ": %s", show->mart->meaning);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t rows = parquet_rows(show->file);
    buffer_append_text(&text, "\n");
    Value count = {.type = DATA_TYPE(BIGINT), .valid = true, .int64 = (int64_t)rows};
    display_append(&text, (Display){DISPLAY_COUNT, 0}, &count);
    buffer_printf(&text, " row%s, made ", rows == 1 ? "" : "s");
    display_append_age(&text, (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - (double)show->modified_ms * 1e-3);
    buffer_append_text(&text, "\n\n");
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status print_rest(const Show *show, uint64_t shown, Error *err)
{
    uint64_t rows = parquet_rows(show->file);
    if (shown >= rows)
        return STATUS_OK;
    Buffer text;
    buffer_init(&text, 0);
    Value count = {.type = DATA_TYPE(BIGINT), .valid = true, .int64 = (int64_t)(rows - shown)};
    buffer_append_byte(&text, '\n');
    display_append(&text, (Display){DISPLAY_COUNT, 0}, &count);
    buffer_printf(&text, " more row%s: freightlake show %s --from %s --rows 0\n", rows - shown == 1 ? "" : "s",
                  show->arguments->operands[0], show->folder);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status print_mart(Show *show, Error *err)
{
    const Schema *schema = parquet_schema(show->file);
    bool is_table = show->format == PRINTER_TABLE;
    PrinterOptions options = {.format = show->format};
    if (is_table) {
        options.width = console_width();
        options.color = console_color(show->arguments);
        options.headers = make_headers(show, schema);
        options.cell = append_cell;
        options.cell_context = show;
        options.null_text = "-";
        TRY(print_title(show, err));
    }
    TRY(printer_new(schema, &options, &show->printer, err));
    MartReadOptions read = {.max_rows = show->limit_rows, .context = show->printer, .batch = printer_batch};
    TRY(mart_read(show->file, &read, err));
    TRY(printer_finish(show->printer, err));
    return is_table ? print_rest(show, printer_rows(show->printer), err) : STATUS_OK;
}

Status command_show(const Arguments *arguments, Arena *job_arena, Error *err)
{
    MartRegistry registry;
    int64_t rows;
    TRY(mart_registry_load(NULL, job_arena, &registry, err));
    TRY(arguments_integer(arguments, "rows", 0, INT64_MAX, &rows, err));
    Show show = {.arguments = arguments,
                 .arena = job_arena,
                 .mart = mart_find(&registry, arguments->operands[0]),
                 .folder = arguments_text(arguments, "from"),
                 .format = (PrinterFormat)arguments_choice(arguments, "format")};
    bool limits = show.format == PRINTER_TABLE || arguments_given(arguments, "rows");
    show.limit_rows = limits ? (uint64_t)rows : 0;
    MemoryBudget budget;
    budget_init(&budget, default_memory_limit());
    Status status = open_mart(&show, &registry, &budget, err);
    if (status == STATUS_OK) {
        status = print_mart(&show, err);
        printer_free(show.printer);
        parquet_close(show.file);
    }
    return status;
}
