/* show: a mart, or another table of the lake, as a person wants to read it.
 *
 * With --from a mart is one file, whose rows lie in the mart's order; on a lake it is a Delta table (show_lake.h). */
#include <string.h>
#include <time.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/lake_table.h"
#include "cmd/printer.h"
#include "cmd/show_lake.h"
#include "columnar/time_text.h"
#include "mart/display.h"
#include "mart/registry.h"
#include "mart/run.h"

typedef struct Show {
    const Arguments *arguments;
    Arena *arena;
    const Mart *mart;   /* NULL: not one of the built-in marts */
    const char *folder; /* --from; NULL: on a lake */
    const char *path;
    uint64_t limit_rows; /* 0: all */
    PrinterFormat format;
    ParquetFile *file; /* of --from */
    ShowLake *table;   /* of the lake */
    const Schema *schema;
    uint64_t rows;
    int64_t modified_ms;
    const char *lake; /* --lake as given; NULL: not given */
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
    TRY(parquet_open(reader, budget, &show->file, err));
    show->schema = parquet_schema(show->file);
    show->rows = parquet_rows(show->file);
    return STATUS_OK;
}

/* To whole seconds: what stands behind them is of no use in a table for people. */
static void append_time(Buffer *text, const Value *value)
{
    Value seconds = *value;
    seconds.int64 -= timestamp_time(value->int64) % MICROS_PER_SECOND;
    value_append_text(text, &seconds);
}

static void append_cell(void *context, uint32_t column, const Value *value, Buffer *text)
{
    const Show *show = context;
    if (value->type.id == TYPE_TIMESTAMP)
        append_time(text, value);
    else
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
    uint64_t rows = show->rows;
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
    uint64_t rows = show->rows;
    if (shown >= rows)
        return STATUS_OK;
    Buffer text;
    buffer_init(&text, 0);
    Value count = {.type = DATA_TYPE(BIGINT), .valid = true, .int64 = (int64_t)(rows - shown)};
    buffer_append_byte(&text, '\n');
    display_append(&text, (Display){DISPLAY_COUNT, 0}, &count);
    buffer_printf(&text, " more row%s: ", rows - shown == 1 ? "" : "s");
    if (show->folder)
        buffer_printf(&text, "freightlake show %s --from %s --rows 0\n", show->arguments->operands[0], show->folder);
    else
        buffer_printf(&text, "freightlake%s%s show %s --rows 0\n", show->lake ? " --lake " : "",
                      show->lake ? show->lake : "", show->arguments->operands[0]);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status print_mart(Show *show, Error *err)
{
    const Schema *schema = show->schema;
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
    if (show->table) {
        TRY(show_lake_read(show->table, (Sink){.context = show->printer, .batch = printer_batch}, err));
    } else {
        MartReadOptions read = {.max_rows = show->limit_rows, .context = show->printer, .batch = printer_batch};
        TRY(mart_read(show->file, &read, err));
    }
    TRY(printer_finish(show->printer, err));
    return is_table ? print_rest(show, printer_rows(show->printer), err) : STATUS_OK;
}

static Status show_folder(Show *show, Error *err)
{
    MartRegistry registry;
    MemoryBudget budget;
    if (arguments_given(show->arguments, "version") || arguments_given(show->arguments, "as-of")) {
        error_set(err, STATUS_USAGE, "a mart in a folder has no earlier versions");
        return error_hint(err, "--version and --as-of are for a lake: leave --from out");
    }
    TRY(mart_registry_load(NULL, show->arena, &registry, err));
    show->mart = mart_find(&registry, show->arguments->operands[0]);
    budget_init(&budget, default_memory_limit());
    Status status = open_mart(show, &registry, &budget, err);
    if (status == STATUS_OK) {
        status = print_mart(show, err);
        printer_free(show->printer);
        parquet_close(show->file);
    }
    return status;
}

static Status show_table(Show *show, Error *err)
{
    const char *name = show->arguments->operands[0];
    LakeTable found;
    Resources resources;
    TRY(lake_table_find(show->arguments, name, show->arena, &found, err));
    if (!found.snapshot) {
        error_set(err, STATUS_USAGE, "'show' needs a lake or --from DIR");
        return error_hint(err, "for example: freightlake --lake LAKE show %s", name);
    }
    show->lake = arguments_text(show->arguments, "lake");
    TRY(resources_init(&resources, show->arguments, err));
    ShowLakeOptions options = {.found = &found, .name = name, .limit_rows = show->limit_rows, .resources = &resources};
    Status status = show_lake_open(&options, show->arena, &show->table, err);
    if (status == STATUS_OK) {
        show->schema = show_lake_schema(show->table);
        show->rows = show_lake_rows(show->table);
        show->mart = show_lake_mart(show->table);
        show->modified_ms = found.snapshot->timestamp_ms;
        status = print_mart(show, err);
        printer_free(show->printer);
        show_lake_close(show->table);
    }
    resources_done(&resources);
    return status;
}

Status command_show(const Arguments *arguments, Arena *job_arena, Error *err)
{
    int64_t rows;
    TRY(arguments_integer(arguments, "rows", 0, INT64_MAX, &rows, err));
    Show show = {.arguments = arguments,
                 .arena = job_arena,
                 .folder = arguments_text(arguments, "from"),
                 .format = (PrinterFormat)arguments_choice(arguments, "format")};
    bool limits = show.format == PRINTER_TABLE || arguments_given(arguments, "rows");
    show.limit_rows = limits ? (uint64_t)rows : 0;
    return show.folder ? show_folder(&show, err) : show_table(&show, err);
}
