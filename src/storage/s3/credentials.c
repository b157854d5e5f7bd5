/* The chain of sources and the process's one cache of credentials; see credentials.h.
 *
 * Under the cache's mutex one caller looks while the others wait: a thousand requests ask a metadata service once.  Five
 * minutes before the end, or when three quarters of a shorter life are over, the next caller renews.  When that fails, or
 * brings the same ones again, they serve until they have really expired, and the source has peace for three quarters of
 * what is left. */
#include "storage/s3/credentials.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "storage/s3/credentials_internal.h"

#define RENEW_BEFORE_S 300

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;
static Credentials *cache;
static int64_t renew_at_s; /* of `cache`: an instant */

Credentials *credentials_new(const char *access_key, const char *secret_key, const char *token, int64_t expires_s,
                             const char *source)
{
    Credentials *credentials = mem_zalloc(sizeof *credentials);
    credentials->access_key = mem_strdup(access_key);
    credentials->secret_key = mem_strdup(secret_key);
    credentials->session_token = token && *token ? mem_strdup(token) : NULL;
    credentials->expires_s = expires_s;
    credentials->source = source;
    credentials->references = 1;
    sig_key_init(&credentials->key);
    return credentials;
}

static void wipe(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    mem_free(text);
}

void credentials_unref(Credentials *credentials)
{
    if (!credentials || atomic_fetch_sub(&credentials->references, 1) != 1)
        return;
    wipe(credentials->access_key);
    wipe(credentials->secret_key);
    wipe(credentials->session_token);
    sig_key_done(&credentials->key);
    mem_free(credentials);
}

static Credentials *ref(Credentials *credentials)
{
    atomic_fetch_add(&credentials->references, 1);
    return credentials;
}

/* ---- Sources on this machine ---- */

/* A key that can stand in a header. */
static bool is_token(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *text != '\0';
}

static Status check_keys(const char *access_key, const char *secret_key, const char *where, Error *err)
{
    if (is_token(access_key) && is_token(secret_key))
        return STATUS_OK;
    error_set(err, STATUS_CONFIG, "the AWS keys in %s have blanks or control characters", where);
    return error_hint(err, "copy them again, without what stands around them");
}

static Status from_environment(Credentials **ret_credentials, Error *err)
{
    const char *access_key = environment_text("AWS_ACCESS_KEY_ID");
    const char *secret_key = environment_text("AWS_SECRET_ACCESS_KEY");
    if (!access_key && !secret_key)
        return STATUS_OK;
    if (!access_key || !secret_key) {
        error_set(err, STATUS_CONFIG, "%s is set, but not %s",
                  access_key ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                  access_key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
        return error_hint(err, "set both, or none to use a profile");
    }
    TRY(check_keys(access_key, secret_key, "the environment", err));
    *ret_credentials =
        credentials_new(access_key, secret_key, environment_text("AWS_SESSION_TOKEN"), 0, "the environment");
    return STATUS_OK;
}

static Status from_web_identity(const S3Settings *settings, Credentials **ret_credentials, Error *err)
{
    const AwsConfig *config = settings->config;
    const char *role = environment_text("AWS_ROLE_ARN"), *file = environment_text("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *session = environment_text("AWS_ROLE_SESSION_NAME");
    if (!role || !file) {
        role = aws_config_get(config, settings->profile, "role_arn");
        file = aws_config_get(config, settings->profile, "web_identity_token_file");
        session = aws_config_get(config, settings->profile, "role_session_name");
    }
    if (!role || !file)
        return STATUS_OK;
    return credentials_web_identity(settings, role, file, session ? session : "freightlake", ret_credentials, err);
}

/* Ways to credentials that only the AWS CLI itself can go. */
static Status refuse_indirect(const S3Settings *settings, Error *err)
{
    static const char *const keys[] = {"source_profile", "credential_source", "credential_process",
                                       "sso_session",    "sso_start_url",     "login_session"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (!aws_config_get(settings->config, settings->profile, keys[i]))
            continue;
        error_set(err, STATUS_UNSUPPORTED,
                  "the AWS profile '%.100s' gets its credentials by %s, which is not supported", settings->profile,
                  keys[i]);
        return error_hint(err,
                          "eval \"$(aws configure export-credentials --profile %.100s --format env)\" puts them "
                          "into the environment",
                          settings->profile);
    }
    return STATUS_OK;
}

static Status from_profile(const S3Settings *settings, Credentials **ret_credentials, Error *err)
{
    /* Read anew each time: other programs renew what stands there. */
    AwsConfig *config;
    TRY(aws_config_load(&config, err));
    const char *access_key = aws_config_get(config, settings->profile, "aws_access_key_id");
    const char *secret_key = aws_config_get(config, settings->profile, "aws_secret_access_key");
    const char *token = aws_config_get(config, settings->profile, "aws_session_token");
    Status status = STATUS_OK;
    if (access_key && secret_key)
        status = check_keys(access_key, secret_key, "the profile", err);
    if (status == STATUS_OK && access_key && secret_key)
        *ret_credentials = credentials_new(access_key, secret_key, token, 0, "a profile of the AWS configuration");
    aws_config_free(config);
    if (status != STATUS_OK || *ret_credentials)
        return status;
    return refuse_indirect(settings, err);
}

static Status no_credentials(const S3Settings *settings, Error *err)
{
    error_set(err, STATUS_CONFIG, "there are no AWS credentials");
    return error_hint(err,
                      "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (looked at: the environment, "
                      "profile '%.60s' in %.200s, container and EC2 instance metadata)",
                      settings->profile, aws_config_files(settings->config));
}

static Status find(const S3Settings *settings, Credentials **ret_credentials, Error *err)
{
    Credentials *found = NULL;
    TRY(from_environment(&found, err));
    if (!found)
        TRY(from_web_identity(settings, &found, err));
    if (!found)
        TRY(from_profile(settings, &found, err));
    if (!found)
        TRY(credentials_container(&found, err));
    if (!found)
        TRY(credentials_instance(&found, err));
    if (!found)
        return no_credentials(settings, err);
    *ret_credentials = found;
    return STATUS_OK;
}

/* ---- The cache ---- */

static int64_t left_s(const Credentials *credentials)
{
    return credentials->expires_s ? credentials->expires_s - (int64_t)time(NULL) : INT64_MAX;
}

/* When credentials that were got, or asked for in vain, at this moment are asked for next. */
static int64_t next_renewal(const Credentials *credentials)
{
    if (!credentials->expires_s)
        return INT64_MAX;
    int64_t before = left_s(credentials) / 4;
    before = before < 1 ? 1 : before > RENEW_BEFORE_S ? RENEW_BEFORE_S : before;
    return credentials->expires_s - before;
}

/* With the mutex held. */
static Status refresh(const S3Settings *settings, Error *err)
{
    Credentials *found = NULL;
    Status status = find(settings, &found, err);
    if (status != STATUS_OK)
        return status;
    credentials_unref(cache);
    cache = found;
    renew_at_s = next_renewal(cache);
    return STATUS_OK;
}

Status credentials_get(const S3Settings *settings, Credentials **ret_credentials, Error *err)
{
    Status status = STATUS_OK;
    pthread_mutex_lock(&cache_mutex);
    if (!cache || (int64_t)time(NULL) >= renew_at_s) {
        Error trouble;
        error_init(&trouble);
        status = refresh(settings, &trouble);
        if (status != STATUS_OK && cache && left_s(cache) > 0) {
            renew_at_s = next_renewal(cache);
            status = STATUS_OK;
        }
        if (status != STATUS_OK)
            *err = trouble;
    }
    if (status == STATUS_OK)
        *ret_credentials = ref(cache);
    pthread_mutex_unlock(&cache_mutex);
    return status;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

Status credentials_renew(const S3Settings *settings, const Credentials *refused, Credentials **ret_credentials,
                         Error *err)
{
    pthread_mutex_lock(&cache_mutex);
    Status status = STATUS_OK;
    if (!cache || same_text(cache->secret_key, refused->secret_key))
        status = refresh(settings, err);
    if (status == STATUS_OK) {
        bool same = same_text(cache->secret_key, refused->secret_key) &&
                    same_text(cache->session_token, refused->session_token);
        *ret_credentials = same ? NULL : ref(cache);
    }
    pthread_mutex_unlock(&cache_mutex);
    return status;
}

void credentials_forget(void)
{
    pthread_mutex_lock(&cache_mutex);
    credentials_unref(cache);
    cache = NULL;
    pthread_mutex_unlock(&cache_mutex);
}
