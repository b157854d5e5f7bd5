/* The AWS CLI's INI files; see aws_config.h.
 *
 *   [default]  [profile NAME]  [services NAME]      in config;      [NAME]      in credentials
 *   key = value
 *   s3 =
 *     addressing_style = path                       indented below an empty value: nested, kept as "s3.addressing_style"
 *
 * A line that starts with # or ; is a comment, and so is what follows a blank and one of them.  Sections of other kinds
 * (sso-session, plugins) are passed over.  The whole file is a copy in memory that is wiped at the end: it holds
 * secrets, so no line of it ever appears in an error. */
#include "storage/s3/aws_config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define SERVICES "services "

typedef struct Setting {
    char *section; /* "profile NAME" without its first word, or "services NAME" */
    char *key;
    char *value;
    bool from_credentials;
} Setting;

struct AwsConfig {
    Setting *settings;
    size_t n;
    char *files;
};

AwsConfig *aws_config_new(void)
{
    return mem_zalloc(sizeof(AwsConfig));
}

static void wipe(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    mem_free(text);
}

void aws_config_free(AwsConfig *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->n; i++) {
        mem_free(config->settings[i].section);
        mem_free(config->settings[i].key);
        wipe(config->settings[i].value);
    }
    mem_free(config->settings);
    mem_free(config->files);
    mem_free(config);
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r", text[n - 1]))
        text[--n] = '\0';
    return text;
}

static void cut_comment(char *value)
{
    for (char *c = value; *c; c++)
        if ((*c == '#' || *c == ';') && (c == value || c[-1] == ' ' || c[-1] == '\t')) {
            *c = '\0';
            return;
        }
}

static Status refuse(const char *file, int64_t line, const char *what, Error *err)
{
    error_set(err, STATUS_CONFIG, "%s", what);
    error_at_file(err, file);
    error_at_row(err, line);
    return error_hint(err, "sections are [default] or [profile NAME], settings NAME = VALUE");
}

/* "[profile x]" in place -> what settings below it are kept under; NULL for sections that are passed over. */
static char *section_of(char *line, bool credentials)
{
    char *name = trim(line + 1);
    name[strlen(name) - 1] = '\0'; /* the bracket */
    name = trim(name);
    bool is_profile = strncmp(name, "profile", 7) == 0 && (name[7] == ' ' || name[7] == '\t');
    bool is_services = strncmp(name, "services", 8) == 0 && (name[8] == ' ' || name[8] == '\t');
    if (!credentials && !is_profile && !is_services && strcmp(name, "default") != 0)
        return NULL;
    char *rest = is_profile && !credentials ? trim(name + 7) : is_services && !credentials ? trim(name + 8) : name;
    size_t n = strlen(rest);
    if (n >= 2 && (rest[0] == '"' || rest[0] == '\'') && rest[n - 1] == rest[0]) {
        rest[n - 1] = '\0';
        rest++;
    }
    return is_services && !credentials ? mem_printf(SERVICES "%s", rest) : mem_strdup(rest);
}

static void add(AwsConfig *config, const char *section, char *key, const char *value, bool credentials)
{
    if ((config->n & (config->n - 1)) == 0)
        config->settings = mem_realloc(config->settings, sizeof *config->settings * (config->n ? config->n * 2 : 1));
    config->settings[config->n++] = (Setting){
        .section = mem_strdup(section), .key = key, .value = mem_strdup(value), .from_credentials = credentials};
}

typedef struct Parser {
    AwsConfig *config;
    const char *file;
    int64_t line;
    bool credentials;
    bool in_section;
    char *section; /* NULL: one that is passed over */
    char *parent;  /* key whose value is nested; NULL: none */
} Parser;

static Status parse_section(Parser *parser, char *line, Error *err)
{
    cut_comment(line);
    line = trim(line);
    if (line[strlen(line) - 1] != ']')
        return refuse(parser->file, parser->line, "the section's closing bracket is missing", err);
    mem_free(parser->section);
    mem_free(parser->parent);
    parser->parent = NULL;
    parser->section = section_of(line, parser->credentials);
    parser->in_section = true;
    if (parser->section) /* a section without settings is a profile all the same */
        add(parser->config, parser->section, mem_strdup(""), "", parser->credentials);
    return STATUS_OK;
}

static Status parse_setting(Parser *parser, char *line, bool indented, Error *err)
{
    char *equals = strchr(line, '=');
    if (!parser->in_section)
        return refuse(parser->file, parser->line, "a setting before the first section", err);
    if (indented && (!equals || equals == line)) /* a value that goes on: of no setting that is looked at */
        return STATUS_OK;
    if (!equals || equals == line)
        return refuse(parser->file, parser->line, "this is no setting", err);
    *equals = '\0';
    char *key = trim(line), *value = equals + 1;
    cut_comment(value);
    value = trim(value);
    bool nested = indented && parser->parent;
    if (!nested) {
        mem_free(parser->parent);
        parser->parent = *value ? NULL : mem_strdup(key);
    }
    if (parser->section)
        add(parser->config, parser->section, nested ? mem_printf("%s.%s", parser->parent, key) : mem_strdup(key), value,
            parser->credentials);
    return STATUS_OK;
}

Status aws_config_parse(AwsConfig *config, char *text, const char *file, bool credentials, Error *err)
{
    Parser parser = {.config = config, .file = file, .credentials = credentials};
    Status status = STATUS_OK;
    char *next = text;
    while (next && status == STATUS_OK) {
        char *line = next;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        parser.line++;
        bool indented = line[0] == ' ' || line[0] == '\t';
        line = trim(line);
        if (*line == '\0' || *line == '#' || *line == ';')
            continue;
        status = *line == '[' ? parse_section(&parser, line, err) : parse_setting(&parser, line, indented, err);
    }
    mem_free(parser.section);
    mem_free(parser.parent);
    return status;
}

/* The file's text for the caller to wipe; NULL when it is not there. */
static Status read_text(const char *path, char **ret_text, Error *err)
{
    *ret_text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return STATUS_OK;
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0) {
        int number = errno;
        if (fd >= 0)
            close(fd);
        error_set_errno(err, number, "opening the AWS configuration failed");
        return error_at_file(err, path);
    }
    if (!S_ISREG(facts.st_mode) || (uint64_t)facts.st_size > MAX_FILE_BYTES) {
        close(fd);
        error_set(err, STATUS_CONFIG, "this is no plain file of at most 1 MiB");
        return error_at_file(err, path);
    }
    size_t size = (size_t)facts.st_size, done = 0;
    char *text = mem_zalloc(size + 1);
    while (done < size) {
        ssize_t n = read(fd, text + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    close(fd);
    *ret_text = text;
    return STATUS_OK;
}

static Status load_file(AwsConfig *config, const char *variable, const char *name, bool credentials, Error *err)
{
    const char *given = getenv(variable), *home = getenv("HOME");
    CLEANUP(mem_cleanup) char *path = NULL;
    if (given && *given && strncmp(given, "~/", 2) == 0 && home)
        path = mem_printf("%s/%s", home, given + 2);
    else if (given && *given)
        path = mem_strdup(given);
    else if (home && *home)
        path = mem_printf("%s/.aws/%s", home, name);
    else
        return STATUS_OK;
    char *files = config->files ? mem_printf("%s, %s", config->files, path) : mem_strdup(path);
    mem_free(config->files);
    config->files = files;
    char *text;
    TRY(read_text(path, &text, err));
    if (!text)
        return STATUS_OK;
    size_t size = strlen(text);
    Status status = aws_config_parse(config, text, path, credentials, err);
    OPENSSL_cleanse(text, size);
    mem_free(text);
    return status;
}

Status aws_config_load(AwsConfig **ret_config, Error *err)
{
    AwsConfig *config = aws_config_new();
    Status status = load_file(config, "AWS_CONFIG_FILE", "config", false, err);
    if (status == STATUS_OK)
        status = load_file(config, "AWS_SHARED_CREDENTIALS_FILE", "credentials", true, err);
    if (status != STATUS_OK) {
        aws_config_free(config);
        return status;
    }
    *ret_config = config;
    return STATUS_OK;
}

bool aws_config_has_profile(const AwsConfig *config, const char *profile)
{
    for (size_t i = 0; i < config->n; i++)
        if (strcmp(config->settings[i].section, profile) == 0)
            return true;
    return false;
}

const char *aws_config_get(const AwsConfig *config, const char *profile, const char *key)
{
    const Setting *found = NULL;
    for (size_t i = 0; i < config->n; i++) {
        const Setting *setting = &config->settings[i];
        if (strcmp(setting->section, profile) == 0 && strcmp(setting->key, key) == 0 && *setting->value &&
            (!found || setting->from_credentials >= found->from_credentials))
            found = setting;
    }
    return found ? found->value : NULL;
}

const char *aws_config_service(const AwsConfig *config, const char *services, const char *key)
{
    CLEANUP(mem_cleanup) char *section = mem_printf(SERVICES "%s", services);
    return aws_config_get(config, section, key);
}

const char *aws_config_files(const AwsConfig *config)
{
    return config->files ? config->files : "no file: HOME is not set";
}
