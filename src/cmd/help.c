/* Help for people and the manual page, from the table of commands. */
#include "cmd/help.h"

#include <string.h>

#include "base/text.h"

static const char TAGLINE[] = "turns shipment files into answers about carriers, lanes, costs and delays";

/* Appends `text` with lines broken between words at `width`, each line behind the first indented. */
static void append_wrapped(Buffer *out, const char *text, size_t indent, size_t width)
{
    size_t column = indent;
    bool first = true;
    while (*text) {
        if (*text == '\n') {
            buffer_printf(out, "\n%s%*s", text[1] == '\n' ? "\n" : "", (int)indent, "");
            text += text[1] == '\n' ? 2 : 1;
            column = indent;
            first = true;
            continue;
        }
        size_t spaces = strspn(text, " "), length = strcspn(text + spaces, " \n");
        if (!first && column + spaces + length > width) {
            buffer_printf(out, "\n%*s", (int)indent, "");
            column = indent;
            spaces = 0;
            text += strspn(text, " ");
        }
        buffer_append(out, text, spaces + length);
        column += spaces + length;
        text += spaces + length;
        first = false;
    }
    buffer_append_byte(out, '\n');
}

static void append_option_name(Buffer *out, const OptionInfo *option)
{
    if (option->letter)
        buffer_printf(out, "-%c, ", option->letter);
    else
        buffer_append_text(out, "    ");
    buffer_printf(out, "--%s", option->name);
    if (option->argument)
        buffer_printf(out, " %s", option->argument);
}

static void append_option_notes(Buffer *out, const OptionInfo *option)
{
    if (option->required)
        buffer_append_text(out, " (required)");
    if (option->repeatable)
        buffer_append_text(out, " (may be repeated)");
    if (option->fallback)
        buffer_printf(out, " (default: %s)", option->fallback);
}

static void append_options(Buffer *out, const OptionInfo *options, size_t width)
{
    enum { HELP_COLUMN = 28 };
    for (const OptionInfo *option = options; option && option->name; option++) {
        size_t start = out->size;
        buffer_append_text(out, "  ");
        append_option_name(out, option);
        size_t used = out->size - start;
        if (used + 2 > HELP_COLUMN)
            buffer_printf(out, "\n%*s", HELP_COLUMN, "");
        else
            buffer_printf(out, "%*s", (int)(HELP_COLUMN - used), "");
        Buffer text;
        buffer_init(&text, 0);
        buffer_append_text(&text, option->help);
        append_option_notes(&text, option);
        append_wrapped(out, buffer_text(&text), HELP_COLUMN, width);
        buffer_done(&text);
    }
}

static void append_usage(Buffer *out, const CommandInfo *command)
{
    buffer_printf(out, "freightlake %s", command->name);
    if (command->operand)
        buffer_printf(out, command->min_operands ? " %s" : " [%s]", command->operand);
    for (const OptionInfo *option = command->options; option && option->name; option++)
        if (option->required)
            buffer_printf(out, " --%s %s", option->name, option->argument);
    if (command->options)
        buffer_append_text(out, " [OPTION]...");
}

static void append_command_help(Buffer *out, const CommandInfo *command, size_t width)
{
    buffer_printf(out, "%s.\n\nUsage: ", command->summary);
    append_usage(out, command);
    buffer_append_text(out, "\n\n");
    append_wrapped(out, command->description, 0, width);
    if (command->options) {
        buffer_append_text(out, "\nOptions:\n");
        append_options(out, command->options, width);
    }
    buffer_append_text(out, "\nOptions of every command:\n");
    append_options(out, global_options(), width);
    buffer_append_text(out, "\nExamples:\n");
    for (const ExampleInfo *example = command->examples; example && example->command; example++)
        buffer_printf(out, "  # %s\n  freightlake %s\n", example->meaning, example->command);
}

static void append_overview(Buffer *out, size_t width)
{
    buffer_printf(out, "Freightlake %s: %s.\n\nUsage: freightlake COMMAND [OPTION]...\n\nCommands:\n",
                  FREIGHTLAKE_VERSION, TAGLINE);
    for (const CommandInfo *command = command_table(); command->name; command++)
        if (!command->hidden)
            buffer_printf(out, "  %-12s %s\n", command->name, command->summary);
    buffer_append_text(out, "\nOptions of every command:\n");
    append_options(out, global_options(), width);
    buffer_append_text(out, "\nExamples:\n");
    for (const CommandInfo *command = command_table(); command->name; command++)
        if (command->options)
            buffer_printf(out, "  freightlake %s\n", command->examples[0].command);
    buffer_append_text(out, "\n'freightlake COMMAND --help' says more about a command.\n"
                            "Exit codes: 0 done; 1 a check failed; 2 usage, SQL or configuration; 3 input or output;\n"
                            "4 a memory or spill limit was hit; 130 interrupted.\n");
}

void help_append(Buffer *text, const CommandInfo *command, uint32_t width)
{
    if (command)
        append_command_help(text, command, width);
    else
        append_overview(text, width);
}

/* Text in roff: backslashes and dashes are escaped, and a line may not start with a control character. */
static void append_roff(Buffer *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        bool line_start = out->size == 0 || out->data[out->size - 1] == '\n';
        if (*c == '\n' && c[1] == '\n') {
            buffer_append_text(out, "\n.PP\n");
            c++;
        } else if (*c == '\\')
            buffer_append_text(out, "\\e");
        else if (*c == '-')
            buffer_append_text(out, "\\-");
        else if (*c == '\'')
            buffer_append_text(out, line_start ? "\\&\\(aq" : "\\(aq");
        else if (*c == '~')
            buffer_append_text(out, "\\(ti");
        else if (*c == '.' && line_start)
            buffer_append_text(out, "\\&.");
        else
            buffer_append_byte(out, (uint8_t)*c);
    }
}

static void append_man_options(Buffer *out, const OptionInfo *options)
{
    for (const OptionInfo *option = options; option && option->name; option++) {
        buffer_append_text(out, ".TP\n");
        if (option->letter)
            buffer_printf(out, "\\fB\\-%c\\fR, ", option->letter);
        buffer_append_text(out, "\\fB\\-\\-");
        append_roff(out, option->name);
        buffer_append_text(out, "\\fR");
        if (option->argument) {
            buffer_append_text(out, " \\fI");
            append_roff(out, option->argument);
            buffer_append_text(out, "\\fR");
        }
        buffer_append_byte(out, '\n');
        append_roff(out, option->help);
        Buffer notes;
        buffer_init(&notes, 0);
        append_option_notes(&notes, option);
        append_roff(out, buffer_text(&notes));
        buffer_done(&notes);
        buffer_append_text(out, ".\n");
    }
}

static void append_man_command(Buffer *out, const CommandInfo *command)
{
    buffer_append_text(out, ".SS ");
    Buffer usage;
    buffer_init(&usage, 0);
    append_usage(&usage, command);
    append_roff(out, buffer_text(&usage));
    buffer_done(&usage);
    buffer_append_byte(out, '\n');
    append_roff(out, command->description);
    buffer_append_byte(out, '\n');
    append_man_options(out, command->options);
}

static void append_man_examples(Buffer *out)
{
    buffer_append_text(out, ".SH EXAMPLES\n");
    for (const CommandInfo *command = command_table(); command->name; command++)
        for (const ExampleInfo *example = command->examples; !command->hidden && example->command; example++) {
            buffer_append_text(out, ".TP\n\\fB");
            Buffer line;
            buffer_init(&line, 0);
            buffer_printf(&line, "freightlake %s", example->command);
            append_roff(out, buffer_text(&line));
            buffer_done(&line);
            buffer_append_text(out, "\\fR\n");
            append_roff(out, example->meaning);
            buffer_append_byte(out, '\n');
        }
}

typedef struct ManEntry {
    const char *name;
    const char *meaning;
} ManEntry;

static const ManEntry MAN_EXITS[] = {{"0", "Done."},
                                     {"1", "A data, mart-test or doctor check failed."},
                                     {"2", "The command line, SQL or configuration is refused."},
                                     {"3", "Input or output failed: a missing column, a broken file, a full disk."},
                                     {"4", "--memory-limit or the spill limit was hit."},
                                     {"130", "Interrupted."}};
static const ManEntry MAN_ENVIRONMENT[] = {
    {"FREIGHTLAKE_LAKE", "The lake to work on where --lake names none."},
    {"FREIGHTLAKE_LEASE_SECONDS", "After how long a job on S3 that died gives its lock back (default: 45)."},
    {"AWS_PROFILE", "For S3, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, "
                    "AWS_ENDPOINT_URL and the other names of AWS's own tools."},
    {"TMPDIR", "Where what does not fit in memory goes without --spill-dir (default: /var/tmp)."},
    {"NO_COLOR", "When set and not empty, no colour is used unless --color always is given."}};
static const ManEntry MAN_FILES[] = {
    {"LAKE/freightlake.yaml", "A lake's settings."},
    {"LAKE/clients/CLIENT.yaml", "What a client's columns mean; 'onboard' makes it."},
    {"LAKE/definitions/NAME.sql", "A mart of the lake's own, beside those that are built in."},
    {"LAKE/_freightlake", "History, locks and the state of marts: the program's, not to be edited."}};

static void append_man_entries(Buffer *out, const char *section, const ManEntry *entries, size_t count)
{
    buffer_printf(out, ".SH %s\n", section);
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, ".TP\n\\fB");
        append_roff(out, entries[i].name);
        buffer_append_text(out, "\\fR\n");
        append_roff(out, entries[i].meaning);
        buffer_append_byte(out, '\n');
    }
}

void man_append(Buffer *text)
{
    buffer_printf(text, ".TH FREIGHTLAKE 1 \"\" \"freightlake %s\" \"Freightlake Manual\"\n", FREIGHTLAKE_VERSION);
    buffer_append_text(text, ".SH NAME\nfreightlake \\- ");
    append_roff(text, TAGLINE);
    buffer_append_text(text, "\n.SH SYNOPSIS\n\\fBfreightlake\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.SH COMMANDS\n");
    for (const CommandInfo *command = command_table(); command->name; command++)
        if (!command->hidden)
            append_man_command(text, command);
    buffer_append_text(text, ".SH OPTIONS\nEvery command takes these.\n");
    append_man_options(text, global_options());
    append_man_entries(text, "EXIT STATUS", MAN_EXITS, ARRAY_SIZE(MAN_EXITS));
    append_man_entries(text, "ENVIRONMENT", MAN_ENVIRONMENT, ARRAY_SIZE(MAN_ENVIRONMENT));
    append_man_entries(text, "FILES", MAN_FILES, ARRAY_SIZE(MAN_FILES));
    append_man_examples(text);
}

static void append_markdown_options(Buffer *out, const OptionInfo *options)
{
    buffer_append_text(out, "| option | meaning |\n|---|---|\n");
    for (const OptionInfo *option = options; option && option->name; option++) {
        buffer_append_text(out, "| `");
        if (option->letter)
            buffer_printf(out, "-%c`, `", option->letter);
        buffer_printf(out, "--%s", option->name);
        if (option->argument)
            buffer_append_byte(out, ' ');
        for (const char *c = option->argument ? option->argument : ""; *c; c++)
            buffer_printf(out, *c == '|' ? "\\%c" : "%c", *c);
        buffer_printf(out, "` | %s", option->help);
        append_option_notes(out, option);
        buffer_append_text(out, " |\n");
    }
}

static void append_markdown_command(Buffer *out, const CommandInfo *command)
{
    buffer_printf(out, "\n### %s\n\n```\n", command->name);
    append_usage(out, command);
    buffer_printf(out, "\n```\n\n%s\n\n", command->description);
    if (command->options) {
        append_markdown_options(out, command->options);
        buffer_append_byte(out, '\n');
    }
    buffer_append_text(out, "```sh\n");
    for (const ExampleInfo *example = command->examples; example->command; example++)
        buffer_printf(out, "# %s\nfreightlake %s\n", example->meaning, example->command);
    buffer_append_text(out, "```\n");
}

void reference_append(Buffer *text)
{
    buffer_append_text(text, "### Options of every command\n\n");
    append_markdown_options(text, global_options());
    for (const CommandInfo *command = command_table(); command->name; command++)
        if (!command->hidden)
            append_markdown_command(text, command);
}
