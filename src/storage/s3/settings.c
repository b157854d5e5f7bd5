/* Settings of S3; see settings.h.  A value that cannot be understood is an error that names its variable: a spelling
 * mistake must not silently send data to another place or unencrypted. */
#include "storage/s3/settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#define DEFAULT_REGION "us-east-1"
#define DEFAULT_ATTEMPTS 8
#define DEFAULT_STALL_SECONDS 20
#define DEFAULT_DEADLINE_SECONDS 300
#define MAX_REGION 40

const char *environment_text(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

static const char *first_set(const char *a, const char *b)
{
    const char *text = environment_text(a);
    return text ? text : environment_text(b);
}

/* From the environment, else from the profile. */
static const char *either(const S3Settings *settings, const char *variable, const char *key)
{
    const char *text = environment_text(variable);
    return text ? text : aws_config_get(settings->config, settings->profile, key);
}

static Status refuse(const char *name, const char *text, const char *hint, Error *err)
{
    error_set(err, STATUS_CONFIG, "%s is '%.100s'", name, text);
    return error_hint(err, "%s", hint);
}

static Status read_number(const char *name, const char *text, int fallback, int most, int *ret_value, Error *err)
{
    *ret_value = fallback;
    if (!text)
        return STATUS_OK;
    char *end;
    long value = strtol(text, &end, 10);
    if (*end != '\0' || value < 1 || value > most) {
        error_set(err, STATUS_CONFIG, "%s is '%.100s'", name, text);
        return error_hint(err, "it takes a whole number from 1 to %d", most);
    }
    *ret_value = (int)value;
    return STATUS_OK;
}

static bool is_true(const char *text)
{
    return text && strcasecmp(text, "true") == 0;
}

static Status read_region(S3Settings *settings, Error *err)
{
    const char *region = first_set("AWS_REGION", "AWS_DEFAULT_REGION");
    if (!region)
        region = aws_config_get(settings->config, settings->profile, "region");
    settings->region = region ? region : DEFAULT_REGION;
    size_t n = strspn(settings->region, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n > MAX_REGION || settings->region[n] != '\0')
        return refuse("the AWS region", settings->region, "regions look like eu-central-1; set AWS_REGION", err);
    return STATUS_OK;
}

/* "http://HOST[:PORT]" with what follows left out when it is only slashes. */
static Status read_endpoint(S3Settings *settings, const char *text, const char **ret_endpoint, Error *err)
{
    static const char hint[] = "it takes http://HOST:PORT or https://HOST, with nothing behind it";
    *ret_endpoint = NULL;
    if (!text)
        return STATUS_OK;
    size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7 : 0;
    size_t host = strcspn(text + scheme, "/?#@ \t\r\n");
    size_t rest = strspn(text + scheme + host, "/");
    if (scheme == 0 || host == 0 || text[scheme + host + rest] != '\0')
        return refuse("the S3 endpoint", text, hint, err);
    *ret_endpoint = arena_memdup(&settings->arena, text, scheme + host);
    return STATUS_OK;
}

static Status read_endpoints(S3Settings *settings, Error *err)
{
    const char *s3 = first_set("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    const char *sts = first_set("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL");
    if (!is_true(environment_text("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))) {
        const char *services = aws_config_get(settings->config, settings->profile, "services");
        const char *general = aws_config_get(settings->config, settings->profile, "endpoint_url");
        const char *special = services ? aws_config_service(settings->config, services, "s3.endpoint_url") : NULL;
        const char *special_sts = services ? aws_config_service(settings->config, services, "sts.endpoint_url") : NULL;
        s3 = s3 ? s3 : special ? special : general;
        sts = sts ? sts : special_sts ? special_sts : general;
    }
    TRY(read_endpoint(settings, s3, &settings->endpoint, err));
    return read_endpoint(settings, sts, &settings->sts_endpoint, err);
}

static Status read_addressing(S3Settings *settings, Error *err)
{
    const char *text = either(settings, "FREIGHTLAKE_S3_ADDRESSING", "s3.addressing_style");
    if (!text || strcmp(text, "auto") == 0)
        settings->addressing = S3_ADDRESS_AUTO;
    else if (strcmp(text, "path") == 0)
        settings->addressing = S3_ADDRESS_PATH;
    else if (strcmp(text, "virtual") == 0)
        settings->addressing = S3_ADDRESS_VIRTUAL;
    else
        return refuse("S3's addressing style", text, "it takes path, virtual or auto", err);
    return STATUS_OK;
}

static Status read_encryption(S3Settings *settings, Error *err)
{
    settings->sse = environment_text("FREIGHTLAKE_S3_SSE");
    settings->sse_kms_key = environment_text("FREIGHTLAKE_S3_SSE_KMS_KEY_ID");
    bool kms = settings->sse && strcmp(settings->sse, "aws:kms") == 0;
    if (settings->sse && !kms && strcmp(settings->sse, "AES256") != 0)
        return refuse("FREIGHTLAKE_S3_SSE", settings->sse, "it takes AES256 or aws:kms", err);
    if (settings->sse_kms_key && !kms)
        return refuse("FREIGHTLAKE_S3_SSE", settings->sse ? settings->sse : "",
                      "FREIGHTLAKE_S3_SSE_KMS_KEY_ID is set, which goes with FREIGHTLAKE_S3_SSE=aws:kms", err);
    if (settings->sse_kms_key && strpbrk(settings->sse_kms_key, " \t\r\n"))
        return refuse("FREIGHTLAKE_S3_SSE_KMS_KEY_ID", settings->sse_kms_key, "it takes a key's id, ARN or alias", err);
    return STATUS_OK;
}

static Status read_all(S3Settings *settings, Error *err)
{
    TRY(aws_config_load(&settings->config, err));
    const char *profile = first_set("AWS_PROFILE", "AWS_DEFAULT_PROFILE");
    settings->profile_given = profile != NULL;
    settings->profile = profile ? profile : "default";
    if (profile && !aws_config_has_profile(settings->config, profile)) {
        error_set(err, STATUS_CONFIG, "there is no AWS profile '%.100s'", profile);
        return error_hint(err, "AWS_PROFILE names it; profiles stand in %s", aws_config_files(settings->config));
    }
    TRY(read_region(settings, err));
    TRY(read_endpoints(settings, err));
    TRY(read_addressing(settings, err));
    TRY(read_encryption(settings, err));
    settings->dualstack = is_true(either(settings, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"));
    settings->fips = is_true(either(settings, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"));
    settings->ca_bundle = either(settings, "AWS_CA_BUNDLE", "ca_bundle");
    TRY(read_number("AWS_MAX_ATTEMPTS", either(settings, "AWS_MAX_ATTEMPTS", "max_attempts"), DEFAULT_ATTEMPTS, 100,
                    &settings->max_attempts, err));
    TRY(read_number("FREIGHTLAKE_S3_STALL_SECONDS", environment_text("FREIGHTLAKE_S3_STALL_SECONDS"),
                    DEFAULT_STALL_SECONDS, 3600, &settings->stall_seconds, err));
    return read_number("FREIGHTLAKE_S3_DEADLINE_SECONDS", environment_text("FREIGHTLAKE_S3_DEADLINE_SECONDS"),
                       DEFAULT_DEADLINE_SECONDS, 86400, &settings->deadline_seconds, err);
}

Status s3_settings_load(S3Settings *ret_settings, Error *err)
{
    S3Settings settings = {0};
    arena_init(&settings.arena);
    Status status = read_all(&settings, err);
    if (status != STATUS_OK) {
        s3_settings_done(&settings);
        return status;
    }
    *ret_settings = settings;
    return STATUS_OK;
}

void s3_settings_done(S3Settings *settings)
{
    aws_config_free(settings->config);
    arena_done(&settings->arena);
}

/* ---- The process's own ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static S3Settings process_settings;
static Error process_error;

static void load_once(void)
{
    error_init(&process_error);
    if (s3_settings_load(&process_settings, &process_error) != STATUS_OK)
        process_settings.config = NULL;
}

Status s3_settings(const S3Settings **ret_settings, Error *err)
{
    pthread_once(&once, load_once);
    if (process_error.code != STATUS_OK) {
        *err = process_error;
        return err->code;
    }
    *ret_settings = &process_settings;
    return STATUS_OK;
}
