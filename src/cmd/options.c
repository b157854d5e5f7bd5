/* The parser over the table of commands (command_table.c).
 *
 * It is written out rather than left to getopt_long because a good message needs to know which word was wrong, which
 * command it stood behind and what is near it.  Every value stays text until a command asks for it by type, so that the
 * check and its message stand where the value is used. */
#include "cmd/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

typedef struct Parser {
    int argc;
    char *const *argv;
    int next;
    Arena *arena;
    Arguments *arguments;
    Error *err;
} Parser;

static uint32_t count_options(const OptionInfo *options)
{
    uint32_t n = 0;
    while (options && options[n].name)
        n++;
    return n;
}

const CommandInfo *command_find(const char *name)
{
    for (const CommandInfo *command = command_table(); command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

uint32_t command_names(Arena *arena, const char *const **ret_names)
{
    uint32_t n = 0;
    for (const CommandInfo *command = command_table(); command->name; command++)
        n += !command->hidden;
    const char **names = ARENA_ARRAY(arena, const char *, n);
    n = 0;
    for (const CommandInfo *command = command_table(); command->name; command++)
        if (!command->hidden)
            names[n++] = command->name;
    *ret_names = names;
    return n;
}

static const OptionInfo *find_long(const CommandInfo *command, const char *name, size_t length)
{
    const OptionInfo *tables[] = {command ? command->options : NULL, global_options()};
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
        for (const OptionInfo *option = tables[t]; option && option->name; option++)
            if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
                return option;
    return NULL;
}

static const OptionInfo *find_letter(const CommandInfo *command, char letter)
{
    const OptionInfo *tables[] = {command ? command->options : NULL, global_options()};
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
        for (const OptionInfo *option = tables[t]; option && option->name; option++)
            if (option->letter == letter)
                return option;
    return NULL;
}

static Status unknown_option(Parser *parser, const char *word)
{
    const CommandInfo *command = parser->arguments->command;
    size_t length = strcspn(word, "=");
    char *name = arena_memdup(parser->arena, word, length);
    uint32_t n_own = command ? count_options(command->options) : 0, n_global = count_options(global_options());
    const char **names = ARENA_ARRAY(parser->arena, const char *, n_own + n_global);
    for (uint32_t i = 0; i < n_own; i++)
        names[i] = command->options[i].name;
    for (uint32_t i = 0; i < n_global; i++)
        names[n_own + i] = global_options()[i].name;
    const char *nearest = text_nearest(name + strspn(name, "-"), names, n_own + n_global);
    if (command)
        error_set(parser->err, STATUS_USAGE, "'%s' has no option %s", command->name, name);
    else
        error_set(parser->err, STATUS_USAGE, "there is no option %s", name);
    const char *help =
        command ? arena_printf(parser->arena, "freightlake %s --help", command->name) : "freightlake --help";
    if (nearest)
        return error_hint(parser->err, "did you mean --%s?  '%s' lists the options", nearest, help);
    return error_hint(parser->err, "'%s' lists the options", help);
}

static Status unknown_command(Parser *parser, const char *word)
{
    const char *const *names;
    uint32_t n = command_names(parser->arena, &names);
    const char *nearest = text_nearest(word, names, n);
    error_set(parser->err, STATUS_USAGE, "there is no command '%s'", word);
    if (nearest)
        return error_hint(parser->err, "did you mean '%s'?  'freightlake --help' lists the commands", nearest);
    return error_hint(parser->err, "'freightlake --help' lists the commands");
}

void option_each_choice(const OptionInfo *option, void (*each)(void *context, const char *word, size_t length),
                        void *context)
{
    if (!option->argument || !strchr(option->argument, '|'))
        return;
    for (const char *word = option->argument; *word;) {
        size_t length = strcspn(word, "|");
        each(context, word, length);
        word += length + (word[length] == '|');
    }
}

typedef struct ChoiceSearch {
    Arena *arena;
    const char *wanted;
    const char *words[32];
    int n;
    int found;
} ChoiceSearch;

static void search_choice(void *context, const char *word, size_t length)
{
    ChoiceSearch *search = context;
    if (strlen(search->wanted) == length && memcmp(search->wanted, word, length) == 0)
        search->found = search->n;
    if (search->arena && (size_t)search->n < ARRAY_SIZE(search->words))
        search->words[search->n] = arena_memdup(search->arena, word, length);
    search->n++;
}

static Status check_choice(Parser *parser, const OptionInfo *option, const char *text)
{
    ChoiceSearch search = {.arena = parser->arena, .wanted = text, .found = -1};
    option_each_choice(option, search_choice, &search);
    if (search.n == 0 || search.found >= 0)
        return STATUS_OK;
    const char *nearest = text_nearest(text, search.words, (size_t)search.n);
    error_set(parser->err, STATUS_USAGE, "--%s cannot be '%s'", option->name, text);
    if (nearest)
        return error_hint(parser->err, "did you mean '%s'?  It takes %s", nearest, option->argument);
    return error_hint(parser->err, "it takes %s", option->argument);
}

static Status take_option(Parser *parser, const OptionInfo *option, const char *attached, const char *typed)
{
    Arguments *arguments = parser->arguments;
    const char *text = attached;
    if (!option->argument && attached)
        return error_set(parser->err, STATUS_USAGE, "--%s takes no value", option->name);
    if (option->argument && !text) {
        if (parser->next >= parser->argc) {
            error_set(parser->err, STATUS_USAGE, "%s needs a value", typed);
            return error_hint(parser->err, "write --%s %s", option->name, option->argument);
        }
        text = parser->argv[parser->next++];
    }
    if (text)
        TRY(check_choice(parser, option, text));
    for (uint32_t i = 0; i < arguments->n_values && !option->repeatable && option->argument; i++)
        if (arguments->values[i].option == option) {
            error_set(parser->err, STATUS_USAGE, "--%s is given twice", option->name);
            return error_hint(parser->err, "give it once");
        }
    arguments->values[arguments->n_values++] = (OptionValue){option, text};
    return STATUS_OK;
}

static Status take_letters(Parser *parser, const char *word)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const OptionInfo *option = find_letter(parser->arguments->command, *letter);
        if (!option)
            return unknown_option(parser, word);
        if (option->argument)
            return take_option(parser, option, letter[1] ? letter + 1 : NULL, arena_memdup(parser->arena, word, 2));
        TRY(take_option(parser, option, NULL, word));
    }
    return STATUS_OK;
}

static Status take_long(Parser *parser, const char *word)
{
    size_t length = strcspn(word + 2, "=");
    const OptionInfo *option = find_long(parser->arguments->command, word + 2, length);
    if (!option)
        return unknown_option(parser, word);
    return take_option(parser, option, word[2 + length] == '=' ? word + 3 + length : NULL, word);
}

static Status take_operand(Parser *parser, const char *word)
{
    Arguments *arguments = parser->arguments;
    if (!arguments->command) {
        arguments->command = command_find(word);
        return arguments->command ? STATUS_OK : unknown_command(parser, word);
    }
    const CommandInfo *command = arguments->command;
    if (arguments->n_operands == command->max_operands) {
        error_set(parser->err, STATUS_USAGE, "'%s' cannot take '%s'%s", command->name, word,
                  command->max_operands ? " too" : "");
        if (command->operand)
            return error_hint(parser->err, "it takes one %s; put quotes around text with spaces", command->operand);
        return error_hint(parser->err, "'freightlake %s --help' shows how it is used", command->name);
    }
    arguments->operands[arguments->n_operands++] = word;
    return STATUS_OK;
}

static Status check_required(Parser *parser)
{
    const Arguments *arguments = parser->arguments;
    const CommandInfo *command = arguments->command;
    if (!command || arguments_given(arguments, "help") ||
        (arguments_given(arguments, "version") && !arguments_text(arguments, "version")))
        return STATUS_OK;
    for (const OptionInfo *option = command->options; option && option->name; option++)
        if (option->required && !arguments_given(arguments, option->name)) {
            error_set(parser->err, STATUS_USAGE, "'%s' needs --%s %s", command->name, option->name, option->argument);
            return error_hint(parser->err, "for example: freightlake %s", command->examples[0].command);
        }
    if (arguments->n_operands < command->min_operands) {
        error_set(parser->err, STATUS_USAGE, "'%s' needs a %s", command->name, command->operand);
        return error_hint(parser->err, "for example: freightlake %s", command->examples[0].command);
    }
    return STATUS_OK;
}

/* An upper bound for the options in argv: short flags can share a word. */
static size_t value_room(int argc, char *const *argv)
{
    size_t n = 1;
    for (int i = 1; i < argc; i++)
        n += argv[i][0] == '-' && argv[i][1] != '-' ? strlen(argv[i]) : 1;
    return n;
}

Status arguments_parse(int argc, char *const *argv, Arena *job_arena, Arguments *ret_arguments, Error *err)
{
    *ret_arguments = (Arguments){.values = ARENA_ARRAY(job_arena, OptionValue, value_room(argc, argv)),
                                 .operands = ARENA_ARRAY(job_arena, const char *, (size_t)argc)};
    Parser parser = {argc, argv, 1, job_arena, ret_arguments, err};
    bool only_operands = false;
    while (parser.next < argc) {
        const char *word = argv[parser.next++];
        bool sql_comment = strncmp(word, "-- ", 3) == 0;
        if (only_operands || word[0] != '-' || word[1] == '\0' || sql_comment)
            TRY(take_operand(&parser, word));
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (word[1] == '-')
            TRY(take_long(&parser, word));
        else
            TRY(take_letters(&parser, word));
    }
    return check_required(&parser);
}

static const OptionInfo *known_option(const Arguments *arguments, const char *name)
{
    const OptionInfo *option = find_long(arguments->command, name, strlen(name));
    CHECK(option != NULL);
    return option;
}

const char *arguments_text(const Arguments *arguments, const char *name)
{
    const OptionInfo *option = known_option(arguments, name);
    for (uint32_t i = arguments->n_values; i-- > 0;)
        if (arguments->values[i].option == option)
            return arguments->values[i].text;
    return option->fallback;
}

bool arguments_given(const Arguments *arguments, const char *name)
{
    const OptionInfo *option = known_option(arguments, name);
    for (uint32_t i = 0; i < arguments->n_values; i++)
        if (arguments->values[i].option == option)
            return true;
    return false;
}

uint32_t arguments_list(const Arguments *arguments, const char *name, Arena *job_arena, const char *const **ret_texts)
{
    const OptionInfo *option = known_option(arguments, name);
    const char **texts = ARENA_ARRAY(job_arena, const char *, arguments->n_values);
    uint32_t n = 0;
    for (uint32_t i = 0; i < arguments->n_values; i++)
        if (arguments->values[i].option == option)
            texts[n++] = arguments->values[i].text;
    *ret_texts = texts;
    return n;
}

Status arguments_integer(const Arguments *arguments, const char *name, int64_t lowest, int64_t highest,
                         int64_t *ret_value, Error *err)
{
    const char *text = arguments_text(arguments, name);
    CHECK(text != NULL);
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno == ERANGE || value < lowest || value > highest) {
        error_set(err, STATUS_USAGE, "--%s cannot be '%s'", name, text);
        return error_hint(err, "it takes a whole number from %lld to %lld", (long long)lowest, (long long)highest);
    }
    *ret_value = value;
    return STATUS_OK;
}

Status arguments_number(const Arguments *arguments, const char *name, double lowest, double highest, double *ret_value,
                        Error *err)
{
    const char *text = arguments_text(arguments, name);
    CHECK(text != NULL);
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value < lowest || value > highest) {
        error_set(err, STATUS_USAGE, "--%s cannot be '%s'", name, text);
        return error_hint(err, "it takes a number from %g to %g", lowest, highest);
    }
    *ret_value = value;
    return STATUS_OK;
}

Status arguments_bytes(const Arguments *arguments, const char *name, size_t *ret_bytes, Error *err)
{
    const char *text = arguments_text(arguments, name);
    if (!text)
        return STATUS_OK;
    Status status = text_parse_bytes(text, ret_bytes, err);
    if (status != STATUS_OK) {
        error_set(err, status, "--%s: '%s' is not a size", name, text);
        return error_hint(err, "write it as 750MB, 1GiB or a number of bytes");
    }
    return STATUS_OK;
}

int arguments_choice(const Arguments *arguments, const char *name)
{
    const OptionInfo *option = known_option(arguments, name);
    const char *text = arguments_text(arguments, name);
    if (!text)
        return -1;
    ChoiceSearch search = {.wanted = text, .found = -1};
    option_each_choice(option, search_choice, &search);
    return search.found;
}
