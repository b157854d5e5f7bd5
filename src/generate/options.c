/* Names, defaults and checks of GenerateOptions. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "generate/generate.h"

static const char *const format_names[] = {
#define X(id, name, extension) name,
    GENERATE_FORMAT_TABLE(X)
#undef X
};

static const char *const scenario_names[] = {
#define X(id, name, meaning) name,
    GENERATE_SCENARIO_TABLE(X)
#undef X
};

static const char *const bad_names[] = {
#define X(id, name, meaning) name,
    GENERATE_BAD_TABLE(X)
#undef X
};

static const char *const bad_meanings[] = {
#define X(id, name, meaning) meaning,
    GENERATE_BAD_TABLE(X)
#undef X
};

const char *generate_format_name(GenerateFormat format)
{
    CHECK(format < GENERATE_FORMAT_COUNT);
    return format_names[format];
}

const char *generate_scenario_name(GenerateScenario scenario)
{
    CHECK(scenario < GENERATE_SCENARIO_COUNT);
    return scenario_names[scenario];
}

const char *generate_bad_kind_name(GenerateBadKind kind)
{
    CHECK(kind < GENERATE_BAD_COUNT);
    return bad_names[kind];
}

const char *generate_bad_kind_meaning(GenerateBadKind kind)
{
    CHECK(kind < GENERATE_BAD_COUNT);
    return bad_meanings[kind];
}

void generate_options_init(GenerateOptions *options)
{
    *options = (GenerateOptions){.rows = 50000,
                                 .seed = 1,
                                 .files = 1,
                                 .format = GENERATE_PARQUET,
                                 .scenario = GENERATE_SCENARIO_ORIGINAL,
                                 .codec = PARQUET_SNAPPY,
                                 .as_of = days_from_civil(2025, 6, 30)};
}

/* Index of `text` in `names`, or -1 with an error that lists them. */
static int find_name(const char *text, const char *const *names, size_t n, const char *what, Error *err)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0)
            return (int)i;
    error_set(err, STATUS_USAGE, "there is no %s '%.60s'", what, text);
    const char *nearest = text_nearest(text, names, n);
    char list[384] = "";
    for (size_t i = 0, used = 0; i < n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    if (nearest)
        error_hint(err, "did you mean %s?  There are: %s", nearest, list);
    else
        error_hint(err, "there are: %s", list);
    return -1;
}

Status generate_parse_format(const char *text, GenerateFormat *ret_format, Error *err)
{
    int found = find_name(text, format_names, GENERATE_FORMAT_COUNT, "format", err);
    if (found < 0)
        return err->code;
    *ret_format = (GenerateFormat)found;
    return STATUS_OK;
}

Status generate_parse_scenario(const char *text, GenerateScenario *ret_scenario, Error *err)
{
    int found = find_name(text, scenario_names, GENERATE_SCENARIO_COUNT, "scenario", err);
    if (found < 0)
        return err->code;
    *ret_scenario = (GenerateScenario)found;
    return STATUS_OK;
}

bool generate_bad_kind_applies(const GenerateOptions *options, GenerateBadKind kind)
{
    bool parquet = options->format == GENERATE_PARQUET;
    bool swiftship = options->scenario == GENERATE_SCENARIO_SWIFTSHIP;
    switch (kind) {
    case GENERATE_BAD_BAD_NUMBER:
        return !parquet;
    case GENERATE_BAD_IMPOSSIBLE_DATE:
        return !parquet || !swiftship;
    case GENERATE_BAD_COLUMN_COUNT:
        return options->format == GENERATE_CSV;
    case GENERATE_BAD_DUPLICATE_ID:
        return options->unique_ids || swiftship;
    default:
        return true;
    }
}

static bool share_is_valid(double share)
{
    return share >= 0 && share <= GENERATE_MAX_BAD_SHARE; /* false for NaN */
}

Status generate_bad_rows(GenerateOptions *options, double share, Error *err)
{
    if (!share_is_valid(share))
        return error_set(err, STATUS_USAGE, "the share of bad rows must lie between 0 and %g, not %g",
                         GENERATE_MAX_BAD_SHARE, share);
    int n = 0;
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++)
        n += generate_bad_kind_applies(options, (GenerateBadKind)kind);
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++)
        options->bad_share[kind] = generate_bad_kind_applies(options, (GenerateBadKind)kind) ? share / n : 0;
    return STATUS_OK;
}

Status generate_bad_rows_of_kind(GenerateOptions *options, const char *text, Error *err)
{
    const char *equals = strchr(text, '=');
    char name[64];
    if (!equals || (size_t)(equals - text) >= sizeof name) {
        error_set(err, STATUS_USAGE, "'%.60s' is not KIND=SHARE", text);
        return error_hint(err, "write for example %s=0.01", bad_names[GENERATE_BAD_NEGATIVE_WEIGHT]);
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    int kind = find_name(name, bad_names, GENERATE_BAD_COUNT, "kind of bad rows", err);
    if (kind < 0)
        return err->code;
    char *end;
    double share = strtod(equals + 1, &end);
    if (end == equals + 1 || *end != '\0' || !share_is_valid(share))
        return error_set(err, STATUS_USAGE, "the share of %s must lie between 0 and %g, not '%.60s'", name,
                         GENERATE_MAX_BAD_SHARE, equals + 1);
    options->bad_share[kind] = share;
    return STATUS_OK;
}

static Status check_bad_shares(const GenerateOptions *options, Error *err)
{
    double total = 0;
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++) {
        double share = options->bad_share[kind];
        if (!share_is_valid(share))
            return error_set(err, STATUS_USAGE, "the share of %s must lie between 0 and %g, not %g", bad_names[kind],
                             GENERATE_MAX_BAD_SHARE, share);
        if (share > 0 && !generate_bad_kind_applies(options, (GenerateBadKind)kind)) {
            error_set(err, STATUS_USAGE, "rows of kind %s cannot be made here: %s", bad_names[kind],
                      bad_meanings[kind]);
            return error_hint(err, kind == GENERATE_BAD_DUPLICATE_ID ? "ask for unique ids, too"
                                                                     : "choose the format csv, or leave this kind out");
        }
        total += share;
    }
    if (total > GENERATE_MAX_BAD_SHARE * (1 + 1e-9))
        return error_set(err, STATUS_USAGE, "the shares of bad rows add up to %g; at most %g is possible", total,
                         GENERATE_MAX_BAD_SHARE);
    return STATUS_OK;
}

Status generate_check_options(const GenerateOptions *options, Error *err)
{
    if (options->rows > GENERATE_MAX_ROWS)
        return error_set(err, STATUS_USAGE, "at most %llu rows can be made in a run",
                         (unsigned long long)GENERATE_MAX_ROWS);
    if (options->files < 1 || options->files > GENERATE_MAX_FILES)
        return error_set(err, STATUS_USAGE, "the number of files must lie between 1 and %u, not %u", GENERATE_MAX_FILES,
                         options->files);
    if (options->as_of < days_from_civil(1000, 1, 1) || options->as_of > days_from_civil(9990, 12, 31))
        return error_set(err, STATUS_USAGE, "the as-of date must lie between 1000-01-01 and 9990-12-31");
    if (!options->out || !options->out[0])
        return error_set(err, STATUS_USAGE, "no output folder is given");
    return check_bad_shares(options, err);
}
