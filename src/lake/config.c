/* A lake's configuration, LAKE/freightlake.yaml; see lake.h.
 *
 *   currency: USD
 *   zones: {raw: raw, processed: processed, quarantine: quarantine, marts: marts}
 *   exchange_rates: [{currency: EUR, date: 2025-01-01, rate: 1.04}]
 *   max_rejected_share: 0.2
 *   retention: {removed_files_days: 7, log_days: 30}
 *   target_file_size: 128MiB
 *   spark: {master: spark://HOST:7077, submit: /opt/spark/bin/spark-submit, properties: {KEY: VALUE}, auto_bytes: 100GiB}
 *
 * A path that is not absolute lies below the lake.  Everything is checked when the lake is opened, with line numbers. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "columnar/time_text.h"
#include "lake/lake.h"
#include "text/yaml.h"

#define DAY_MS ((int64_t)86400000)
#define DEFAULT_MAX_REJECTED_SHARE 0.2
#define DEFAULT_TARGET_FILE_BYTES ((uint64_t)128 << 20)
#define DEFAULT_SPARK_AUTO_BYTES ((uint64_t)100 << 30)

static bool is_currency(const char *text)
{
    return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

static const char *below(Arena *arena, const char *lake, const char *path)
{
    return path[0] == '/' || strstr(path, "://") ? path : arena_printf(arena, "%s/%s", lake, path);
}

static Status read_zones(const YamlDocument *document, Lake *lake, Arena *arena, Error *err)
{
    static const char *const names[] = {"raw", "processed", "quarantine", "marts"};
    const char **zones[] = {&lake->raw, &lake->processed, &lake->quarantine, &lake->marts};
    const YamlNode *node = yaml_get(document->root, "zones");
    if (node)
        TRY(yaml_check_keys(document, node, names, ARRAY_SIZE(names), err));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *path = names[i];
        TRY(yaml_text(document, node, names[i], &path, err));
        if (!*path)
            return yaml_error(document, node, err, "the zone %s has an empty path", names[i]);
        *zones[i] = below(arena, lake->path, path);
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(*zones[i], *zones[k]) == 0)
                return yaml_error(document, node ? node : document->root, err, "the zones %s and %s lie in one place",
                                  names[k], names[i]);
    return STATUS_OK;
}

static Status read_rate(const YamlDocument *document, const YamlNode *node, LakeRate *rate, Error *err)
{
    static const char *const keys[] = {"currency", "date", "rate"};
    const char *date = NULL;
    TRY(yaml_check_keys(document, node, keys, ARRAY_SIZE(keys), err));
    TRY(yaml_text(document, node, "currency", &rate->currency, err));
    TRY(yaml_text(document, node, "date", &date, err));
    TRY(yaml_number(document, node, "rate", 1e-12, 1e12, &rate->rate, err));
    if (!rate->currency || !date || rate->rate == 0)
        return yaml_error(document, node, err, "an exchange rate has currency, date and rate");
    if (!is_currency(rate->currency))
        return yaml_error(document, node, err, "'%.20s' is no ISO 4217 code such as EUR", rate->currency);
    if (strlen(date) != 10 || !date_parse(str_view(date), &rate->date))
        return yaml_error(document, node, err, "'%.40s' is no date like 2025-06-30", date);
    return STATUS_OK;
}

static int compare_rates(const void *a, const void *b)
{
    const LakeRate *x = a, *y = b;
    int order = strcmp(x->currency, y->currency);
    return order ? order : (x->date > y->date) - (x->date < y->date);
}

static Status read_rates(const YamlDocument *document, Lake *lake, Arena *arena, Error *err)
{
    const YamlNode *node = yaml_get(document->root, "exchange_rates");
    if (!node)
        return STATUS_OK;
    if (node->kind != YAML_SEQUENCE)
        return yaml_error(document, node, err, "a list of {currency, date, rate} is wanted");
    lake->rates = ARENA_ARRAY(arena, LakeRate, node->n + 1);
    for (uint32_t i = 0; i < node->n; i++)
        TRY(read_rate(document, node->children[i], &lake->rates[lake->n_rates++], err));
    qsort(lake->rates, lake->n_rates, sizeof *lake->rates, compare_rates);
    for (uint32_t i = 1; i < lake->n_rates; i++)
        if (compare_rates(&lake->rates[i - 1], &lake->rates[i]) == 0)
            return yaml_error(document, node, err, "%s has two rates from one day on", lake->rates[i].currency);
    return STATUS_OK;
}

static Status read_retention(const YamlDocument *document, Lake *lake, Error *err)
{
    static const char *const keys[] = {"removed_files_days", "log_days"};
    const YamlNode *node = yaml_get(document->root, "retention");
    int64_t files = 7, log = 30;
    if (node)
        TRY(yaml_check_keys(document, node, keys, ARRAY_SIZE(keys), err));
    TRY(yaml_integer(document, node, "removed_files_days", 0, 36500, &files, err));
    TRY(yaml_integer(document, node, "log_days", 1, 36500, &log, err));
    lake->removed_file_retention_ms = files * DAY_MS;
    lake->log_retention_ms = log * DAY_MS;
    return STATUS_OK;
}

/* *inout_bytes is left alone when the key is not there. */
static Status read_size(const YamlDocument *document, const YamlNode *mapping, const char *key, size_t *inout_bytes,
                        Error *err)
{
    const char *size = NULL;
    TRY(yaml_text(document, mapping, key, &size, err));
    if (!size || text_parse_bytes(size, inout_bytes, err) == STATUS_OK)
        return STATUS_OK;
    char message[200];
    snprintf(message, sizeof message, "%.190s", err->message);
    return yaml_error(document, yaml_get(mapping, key), err, "%s", message);
}

static Status read_spark(const YamlDocument *document, Lake *lake, Arena *arena, Error *err)
{
    static const char *const keys[] = {"master", "submit", "properties", "auto_bytes"};
    const YamlNode *node = yaml_get(document->root, "spark");
    size_t bytes = DEFAULT_SPARK_AUTO_BYTES;
    if (node)
        TRY(yaml_check_keys(document, node, keys, ARRAY_SIZE(keys), err));
    TRY(yaml_text(document, node, "master", &lake->spark_master, err));
    TRY(yaml_text(document, node, "submit", &lake->spark_submit, err));
    TRY(read_size(document, node, "auto_bytes", &bytes, err));
    lake->spark_auto_bytes = bytes;
    const YamlNode *properties = yaml_get(node, "properties");
    if (!properties)
        return STATUS_OK;
    if (properties->kind != YAML_MAPPING)
        return yaml_error(document, properties, err, "Spark's properties as {key: value} are wanted");
    const char **texts = ARENA_ARRAY(arena, const char *, properties->n + 1);
    for (uint32_t i = 0; i < properties->n; i++) {
        const char *value = NULL;
        TRY(yaml_text(document, properties, properties->keys[i], &value, err));
        texts[i] = arena_printf(arena, "%s=%s", properties->keys[i], value ? value : "");
    }
    lake->spark_properties = texts;
    lake->n_spark_properties = properties->n;
    return STATUS_OK;
}

static Status read_config(const YamlDocument *document, Lake *lake, Arena *arena, Error *err)
{
    static const char *const keys[] = {"currency",         "zones", "exchange_rates", "max_rejected_share", "retention",
                                       "target_file_size", "spark"};
    TRY(yaml_check_keys(document, document->root, keys, ARRAY_SIZE(keys), err));
    TRY(yaml_text(document, document->root, "currency", &lake->currency, err));
    if (!is_currency(lake->currency))
        return yaml_error(document, yaml_get(document->root, "currency"), err,
                          "'%.20s' is no ISO 4217 code such as USD", lake->currency);
    TRY(read_zones(document, lake, arena, err));
    TRY(read_rates(document, lake, arena, err));
    TRY(yaml_number(document, document->root, "max_rejected_share", 0, 1, &lake->max_rejected_share, err));
    TRY(read_retention(document, lake, err));
    TRY(read_spark(document, lake, arena, err));
    size_t bytes = DEFAULT_TARGET_FILE_BYTES;
    TRY(read_size(document, document->root, "target_file_size", &bytes, err));
    if (bytes < ((size_t)1 << 20))
        return yaml_error(document, yaml_get(document->root, "target_file_size"), err, "at least 1MiB is wanted");
    lake->target_file_bytes = bytes;
    return STATUS_OK;
}

static Status find_lake(const char **path, bool *ret_found, Arena *arena, Error *err)
{
    const char *environment = getenv(LAKE_ENVIRONMENT);
    if (!*path)
        *path = environment && *environment ? environment : ".";
    StorageFacts facts;
    TRY(storage_stat(arena_printf(arena, "%s/%s", *path, LAKE_CONFIG_FILE), &facts, err));
    *ret_found = facts.exists;
    return STATUS_OK;
}

Status lake_parse(const char *path, StrView text, Arena *job_arena, Lake **ret_lake, Error *err)
{
    Lake *lake = ARENA_NEW(job_arena, Lake);
    YamlDocument document;
    lake->path = path;
    lake->clients = arena_printf(job_arena, "%s/clients", path);
    lake->definitions = arena_printf(job_arena, "%s/definitions", path);
    lake->control = arena_printf(job_arena, "%s/_freightlake", path);
    lake->currency = "USD";
    lake->max_rejected_share = DEFAULT_MAX_REJECTED_SHARE;
    TRY(yaml_parse(arena_printf(job_arena, "%s/%s", path, LAKE_CONFIG_FILE), text, job_arena, &document, err));
    TRY(read_config(&document, lake, job_arena, err));
    *ret_lake = lake;
    return STATUS_OK;
}

Status lake_open(const char *path, Arena *job_arena, Lake **ret_lake, Error *err)
{
    bool named = path != NULL || (getenv(LAKE_ENVIRONMENT) && *getenv(LAKE_ENVIRONMENT)), found;
    TRY(find_lake(&path, &found, job_arena, err));
    if (!found) {
        error_set(err, STATUS_NOT_FOUND,
                  named ? "there is no lake here: it has no %s" : "no lake is named: this folder has no %s",
                  LAKE_CONFIG_FILE);
        error_at_file(err, path);
        return error_hint(err, "name one with --lake or %s, or make one with 'freightlake init DIR'", LAKE_ENVIRONMENT);
    }
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    path = arena_memdup(job_arena, path, n);
    char absolute[PATH_MAX]; /* pending records name tables by it, and whoever finishes them may stand elsewhere */
    if (!strstr(path, "://") && realpath(path, absolute))
        path = arena_strdup(job_arena, absolute);
    StrView text;
    TRY(storage_read_file(arena_printf(job_arena, "%s/%s", path, LAKE_CONFIG_FILE), YAML_MAX_BYTES, job_arena, &text,
                          err));
    return lake_parse(path, text, job_arena, ret_lake, err);
}

bool lake_rate(const Lake *lake, const char *currency, int32_t date, double *ret_rate)
{
    bool found = false;
    for (uint32_t i = 0; i < lake->n_rates; i++)
        if (strcmp(lake->rates[i].currency, currency) == 0 && lake->rates[i].date <= date) {
            *ret_rate = lake->rates[i].rate; /* ascending by date: the last that is not later */
            found = true;
        }
    return found;
}
