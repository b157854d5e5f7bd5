/* Shell completion scripts, from the table of commands.
 *
 * Each script is static: it calls nothing while completing, so it is as quick as the shell. */
#include "cmd/help.h"
#include "mart/registry.h"

#include <string.h>

#include "base/text.h"

static const char *const SHELL_NAMES[SHELL_COUNT] = {"bash", "zsh", "fish"};

Status shell_find(const char *name, Shell *ret_shell, Error *err)
{
    for (int shell = 0; shell < SHELL_COUNT; shell++)
        if (strcmp(SHELL_NAMES[shell], name) == 0) {
            *ret_shell = (Shell)shell;
            return STATUS_OK;
        }
    error_set(err, STATUS_USAGE, "there is no completion for '%s'", name);
    return error_hint(err, "it can be made for bash, zsh and fish");
}

typedef struct WordList {
    Buffer *out;
    const char *separator;
} WordList;

static void append_word(void *context, const char *word, size_t length)
{
    WordList *list = context;
    buffer_append_text(list->out, list->separator);
    buffer_append(list->out, word, length);
    list->separator = " ";
}

static bool is_choice(const OptionInfo *option)
{
    return option->argument && strchr(option->argument, '|');
}

static bool takes(const char *argument, const char *kind)
{
    return argument && strcmp(argument, kind) == 0;
}

/* The closed set of words an option or operand can be, separated by spaces; nothing when it is open. */
static void append_words(Buffer *out, const OptionInfo *option)
{
    WordList list = {out, ""};
    option_each_choice(option, append_word, &list);
    if (takes(option->argument, "MART"))
        for (size_t i = 0; i < mart_builtin_count(); i++)
            append_word(&list, mart_builtin(i)->name, strlen(mart_builtin(i)->name));
    if (takes(option->argument, "SHELL"))
        for (int shell = 0; shell < SHELL_COUNT; shell++)
            append_word(&list, SHELL_NAMES[shell], strlen(SHELL_NAMES[shell]));
    if (takes(option->argument, "COMMAND"))
        for (const CommandInfo *command = command_table(); command->name; command++)
            if (!command->hidden)
                append_word(&list, command->name, strlen(command->name));
}

static bool has_words(const OptionInfo *option)
{
    return is_choice(option) || takes(option->argument, "MART") || takes(option->argument, "SHELL") ||
           takes(option->argument, "COMMAND");
}

/* The operand of a command as an option without a name, so that both are completed by the same rules. */
static OptionInfo operand_option(const CommandInfo *command)
{
    return (OptionInfo){.name = "", .argument = command->operand, .help = command->operand};
}

static void append_bash_option_cases(Buffer *out, const char *prefix, const OptionInfo *options)
{
    for (const OptionInfo *option = options; option && option->name; option++) {
        if (!option->argument)
            continue;
        buffer_printf(out, "        %s--%s", prefix, option->name);
        if (option->letter)
            buffer_printf(out, "|%s-%c", prefix, option->letter);
        buffer_append_text(out, ") ");
        if (has_words(option)) {
            buffer_append_text(out, "mapfile -t COMPREPLY < <(compgen -W '");
            append_words(out, option);
            buffer_append_text(out, "' -- \"$word\")");
        } else if (takes(option->argument, "DIR"))
            buffer_append_text(out, "mapfile -t COMPREPLY < <(compgen -d -- \"$word\")");
        else if (takes(option->argument, "FILE") || takes(option->argument, "FILES"))
            buffer_append_text(out, "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")");
        else
            buffer_append_text(out, "COMPREPLY=()");
        buffer_append_text(out, "; return ;;\n");
    }
}

static void append_bash_names(Buffer *out, const OptionInfo *options)
{
    for (const OptionInfo *option = options; option && option->name; option++)
        buffer_printf(out, " --%s", option->name);
}

static void append_bash(Buffer *out)
{
    buffer_append_text(out, "# bash completion for freightlake\n"
                            "_freightlake() {\n"
                            "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= i\n"
                            "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                            "        case ${COMP_WORDS[i]} in\n"
                            "        ");
    for (const CommandInfo *command = command_table(); command->name; command++)
        buffer_printf(out, "%s%s", command == command_table() ? "" : "|", command->name);
    buffer_append_text(out, ") command=${COMP_WORDS[i]}; break ;;\n"
                            "        esac\n"
                            "    done\n"
                            "    case $command:$previous in\n");
    for (const CommandInfo *command = command_table(); command->name; command++) {
        Buffer prefix;
        buffer_init(&prefix, 0);
        buffer_printf(&prefix, "%s:", command->name);
        append_bash_option_cases(out, buffer_text(&prefix), command->options);
        buffer_done(&prefix);
    }
    append_bash_option_cases(out, "*:", global_options());
    buffer_append_text(out, "    esac\n    case $command in\n");
    for (const CommandInfo *command = command_table(); command->name; command++) {
        OptionInfo operand = operand_option(command);
        buffer_printf(out,
                      "        %s)\n            if [[ $word == -* ]]; then\n                mapfile -t COMPREPLY < "
                      "<(compgen -W '",
                      command->name);
        append_bash_names(out, command->options);
        append_bash_names(out, global_options());
        buffer_append_text(out, "' -- \"$word\")\n");
        if (has_words(&operand)) {
            buffer_append_text(out, "            else\n                mapfile -t COMPREPLY < <(compgen -W '");
            append_words(out, &operand);
            buffer_append_text(out, "' -- \"$word\")\n");
        } else if (takes(command->operand, "FILE"))
            buffer_append_text(out,
                               "            else\n                mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n");
        buffer_append_text(out, "            fi ;;\n");
    }
    buffer_append_text(out, "        *) mapfile -t COMPREPLY < <(compgen -W '");
    OptionInfo commands = {.argument = "COMMAND"};
    append_words(out, &commands);
    append_bash_names(out, global_options());
    buffer_append_text(out, "' -- \"$word\") ;;\n    esac\n}\n"
                            "complete -o filenames -o bashdefault -F _freightlake freightlake\n");
}

/* Text inside a zsh '...' specification: brackets and colons have a meaning there. */
static void append_zsh_text(Buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '[' || *text == ']' || *text == ':')
            buffer_append_byte(out, '\\');
        if (*text == '\'')
            buffer_append_text(out, "'\\''");
        else
            buffer_append_byte(out, (uint8_t)*text);
    }
}

static void append_zsh_action(Buffer *out, const OptionInfo *option)
{
    if (has_words(option)) {
        buffer_append_text(out, "(");
        append_words(out, option);
        buffer_append_text(out, ")");
    } else if (takes(option->argument, "DIR"))
        buffer_append_text(out, "_files -/");
    else if (takes(option->argument, "FILE") || takes(option->argument, "FILES"))
        buffer_append_text(out, "_files");
}

static void append_zsh_spec(Buffer *out, const OptionInfo *option, const char *name)
{
    buffer_printf(out, " \\\n            '%s%s[", option->repeatable ? "*" : "", name);
    append_zsh_text(out, option->help);
    buffer_append_text(out, "]");
    if (option->argument) {
        buffer_append_text(out, ":");
        append_zsh_text(out, is_choice(option) ? option->name : option->argument);
        buffer_append_text(out, ":");
        append_zsh_action(out, option);
    }
    buffer_append_text(out, "'");
}

static void append_zsh_options(Buffer *out, const OptionInfo *options)
{
    for (const OptionInfo *option = options; option && option->name; option++) {
        char letter[] = {'-', option->letter, '\0'};
        Buffer name;
        buffer_init(&name, 0);
        buffer_printf(&name, "--%s", option->name);
        if (option->letter)
            append_zsh_spec(out, option, letter);
        append_zsh_spec(out, option, buffer_text(&name));
        buffer_done(&name);
    }
}

static void append_zsh(Buffer *out)
{
    buffer_append_text(out, "#compdef freightlake\n"
                            "_freightlake() {\n"
                            "    local -a commands\n"
                            "    commands=(\n");
    for (const CommandInfo *command = command_table(); command->name; command++) {
        if (command->hidden)
            continue;
        buffer_printf(out, "        '%s:", command->name);
        append_zsh_text(out, command->summary);
        buffer_append_text(out, "'\n");
    }
    buffer_append_text(out, "    )\n"
                            "    if (( CURRENT == 2 )); then\n"
                            "        _describe 'command' commands\n"
                            "        return\n"
                            "    fi\n"
                            "    local command=$words[2]\n"
                            "    shift words\n"
                            "    (( CURRENT-- ))\n"
                            "    case $command in\n");
    for (const CommandInfo *command = command_table(); command->name; command++) {
        buffer_printf(out, "        %s)\n            _arguments", command->name);
        append_zsh_options(out, command->options);
        append_zsh_options(out, global_options());
        if (command->operand) {
            OptionInfo operand = operand_option(command);
            buffer_printf(out, " \\\n            '1:%s:", command->operand);
            append_zsh_action(out, &operand);
            buffer_append_text(out, "'");
        }
        buffer_append_text(out, " ;;\n");
    }
    buffer_append_text(out, "    esac\n}\n_freightlake \"$@\"\n");
}

static void append_fish_text(Buffer *out, const char *text)
{
    buffer_append_byte(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, (uint8_t)*text);
    }
    buffer_append_byte(out, '\'');
}

static void append_fish_options(Buffer *out, const char *condition, const OptionInfo *options)
{
    for (const OptionInfo *option = options; option && option->name; option++) {
        buffer_printf(out, "complete -c freightlake%s -l %s", condition, option->name);
        if (option->letter)
            buffer_printf(out, " -s %c", option->letter);
        if (has_words(option)) {
            buffer_append_text(out, " -x -a '");
            append_words(out, option);
            buffer_append_text(out, "'");
        } else if (takes(option->argument, "DIR"))
            buffer_append_text(out, " -x -a '(__fish_complete_directories)'");
        else if (takes(option->argument, "FILE") || takes(option->argument, "FILES"))
            buffer_append_text(out, " -r -F");
        else if (option->argument)
            buffer_append_text(out, " -x");
        buffer_append_text(out, " -d ");
        append_fish_text(out, option->help);
        buffer_append_byte(out, '\n');
    }
}

static void append_fish(Buffer *out)
{
    buffer_append_text(out, "# fish completion for freightlake\ncomplete -c freightlake -f\n");
    append_fish_options(out, "", global_options());
    for (const CommandInfo *command = command_table(); command->name; command++) {
        if (!command->hidden) {
            buffer_printf(out, "complete -c freightlake -n __fish_use_subcommand -a %s -d ", command->name);
            append_fish_text(out, command->summary);
            buffer_append_byte(out, '\n');
        }
        Buffer condition;
        buffer_init(&condition, 0);
        buffer_printf(&condition, " -n '__fish_seen_subcommand_from %s'", command->name);
        append_fish_options(out, buffer_text(&condition), command->options);
        OptionInfo operand = operand_option(command);
        if (has_words(&operand)) {
            buffer_printf(out, "complete -c freightlake%s -a '", buffer_text(&condition));
            append_words(out, &operand);
            buffer_append_text(out, "'\n");
        } else if (takes(command->operand, "FILE"))
            buffer_printf(out, "complete -c freightlake%s -F\n", buffer_text(&condition));
        buffer_done(&condition);
    }
}

void completion_append(Buffer *text, Shell shell)
{
    switch (shell) {
    case SHELL_BASH:
        append_bash(text);
        break;
    case SHELL_ZSH:
        append_zsh(text);
        break;
    default:
        append_fish(text);
    }
}
