/* What the environment and the AWS configuration say about S3: read once a process.
 *
 * | from the AWS CLI's world | |
 * |---|---|
 * | AWS_PROFILE (AWS_DEFAULT_PROFILE) | which profile of the shared files counts; `default` |
 * | AWS_REGION, AWS_DEFAULT_REGION, profile `region` | us-east-1 where none is set; a bucket elsewhere is followed |
 * | AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, profile `endpoint_url` | another server than AWS |
 * | AWS_ENDPOINT_URL_STS | the same for web identity |
 * | AWS_USE_DUALSTACK_ENDPOINT, AWS_USE_FIPS_ENDPOINT | true: AWS's host names of that kind |
 * | AWS_CA_BUNDLE, profile `ca_bundle` | certificates to trust instead of the system's |
 * | AWS_MAX_ATTEMPTS, profile `max_attempts` | tries of one request; 8 |
 * | profile `s3.addressing_style` | path, virtual or auto |
 *
 * | of this program | |
 * |---|---|
 * | FREIGHTLAKE_S3_ADDRESSING | path, virtual or auto (virtual at AWS, path at another endpoint) |
 * | FREIGHTLAKE_S3_SSE, FREIGHTLAKE_S3_SSE_KMS_KEY_ID | AES256 or aws:kms, and its key |
 * | FREIGHTLAKE_S3_STALL_SECONDS | a request without progress for so long is tried again; 20 |
 * | FREIGHTLAKE_S3_DEADLINE_SECONDS | how long one request may take with all its tries; 300 | */
#ifndef FREIGHTLAKE_STORAGE_S3_SETTINGS_H
#define FREIGHTLAKE_STORAGE_S3_SETTINGS_H

#include "storage/s3/aws_config.h"

typedef enum S3Addressing { S3_ADDRESS_AUTO, S3_ADDRESS_PATH, S3_ADDRESS_VIRTUAL } S3Addressing;

typedef struct S3Settings {
    const char *profile;
    bool profile_given; /* by AWS_PROFILE: it must exist */
    const char *region;
    const char *endpoint;     /* "http://127.0.0.1:9000", without a slash at its end; NULL: AWS */
    const char *sts_endpoint; /* the same; NULL: AWS */
    S3Addressing addressing;
    bool dualstack;
    bool fips;
    const char *ca_bundle;   /* NULL: the system's */
    const char *sse;         /* NULL: the bucket's own way */
    const char *sse_kms_key; /* NULL: the account's */
    int max_attempts;
    int stall_seconds;
    int deadline_seconds;
    AwsConfig *config;
    Arena arena;
} S3Settings;

/* The process's settings, read at the first call.  Thread-safe; the same answer (or error) each time. */
Status s3_settings(const S3Settings **ret_settings, Error *err) MUST_CHECK;
/* Reads them anew; for tests. */
Status s3_settings_load(S3Settings *ret_settings, Error *err) MUST_CHECK;
void s3_settings_done(S3Settings *settings);

/* A variable of the environment; NULL when it is not set or empty. */
const char *environment_text(const char *name);

#endif
