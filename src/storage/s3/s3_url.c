/* Addresses of objects; see s3_url.h.
 *
 * AWS:               https://BUCKET.s3.REGION.amazonaws.com/KEY, for a bucket with dots (its certificate would not fit)
 *                    https://s3.REGION.amazonaws.com/BUCKET/KEY
 * another endpoint:  ENDPOINT/BUCKET/KEY, or with the bucket before the host when the settings say virtual */
#include "storage/s3/s3_url.h"

#include "storage/s3/sigv4.h"

static Status refuse(const char *path, const char *what, Error *err)
{
    error_set(err, STATUS_USAGE, "%s", what);
    error_at_file(err, path);
    return error_hint(err, "paths look like s3://BUCKET/FOLDER/FILE");
}

Status s3_name_parse(const char *path, Arena *arena, S3Name *ret_name, Error *err)
{
    CHECK(strncmp(path, "s3://", 5) == 0);
    const char *bucket = path + 5;
    size_t n = strcspn(bucket, "/");
    size_t good = strspn(bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    if (n == 0)
        return refuse(path, "no bucket is named", err);
    if (n < 3 || n > 255 || good < n || bucket[0] == '.' || bucket[0] == '-' || strncmp(bucket, "..", 2) == 0)
        return refuse(path, "this is no bucket's name", err);
    const char *key = bucket + n + (bucket[n] == '/');
    if (strlen(key) > S3_MAX_KEY)
        return refuse(path, "the key is longer than the 1,024 bytes that S3 allows", err);
    ret_name->bucket = arena_memdup(arena, bucket, n);
    ret_name->key = arena_strdup(arena, key);
    return STATUS_OK;
}

/* Whether it can be a part of a host name with one certificate for all: lower case, digits and hyphens. */
static bool is_host_label(const char *bucket)
{
    size_t n = strlen(bucket);
    return n <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static const char *aws_host(const S3Settings *settings, const char *region, Arena *arena)
{
    const char *domain = strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    return arena_printf(arena, "s3%s%s.%s.%s", settings->fips ? "-fips" : "", settings->dualstack ? ".dualstack" : "",
                        region, domain);
}

Status s3_address(const S3Settings *settings, const S3Name *name, const char *region, Arena *arena,
                  S3Address *ret_address, Error *err)
{
    const char *scheme = "https://", *host;
    if (settings->endpoint) {
        host = strstr(settings->endpoint, "://") + 3;
        scheme = arena_memdup(arena, settings->endpoint, (size_t)(host - settings->endpoint));
    } else {
        host = aws_host(settings, region, arena);
    }
    bool virtual_host = settings->addressing == S3_ADDRESS_VIRTUAL ||
                        (settings->addressing == S3_ADDRESS_AUTO && !settings->endpoint && is_host_label(name->bucket));
    if (virtual_host && !is_host_label(name->bucket)) {
        error_set(err, STATUS_DATA, "the bucket '%s' cannot be a part of a host name", name->bucket);
        return error_hint(err, "use path addressing for it: FREIGHTLAKE_S3_ADDRESSING=path");
    }
    Buffer path;
    buffer_init(&path, 0);
    buffer_append_byte(&path, '/');
    if (!virtual_host) {
        buffer_append_text(&path, name->bucket);
        if (*name->key)
            buffer_append_byte(&path, '/');
    }
    sigv4_append_encoded(&path, name->key, true);
    ret_address->host = virtual_host ? arena_printf(arena, "%s.%s", name->bucket, host) : arena_strdup(arena, host);
    ret_address->origin = arena_printf(arena, "%s%s", scheme, ret_address->host);
    ret_address->path = arena_strdup(arena, buffer_text(&path));
    buffer_done(&path);
    return STATUS_OK;
}
