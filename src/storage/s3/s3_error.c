/* S3's error codes in one table: remedy, status, and the next step; see s3_error.h.
 *
 * Of S3's answer only code and message are shown.  The rest of a SignatureDoesNotMatch answer repeats what was signed. */
#include "storage/s3/s3_error.h"

#include <stdio.h>

#include "storage/s3/xml.h"

typedef struct CodeRow {
    const char *code;
    S3Remedy remedy;
    Status status;
    const char *hint;
} CodeRow;

#define PASSING "the server is overloaded or broken: run the command again later"
#define UNKNOWN_KEY                                                                                                    \
    "the server does not know the access key: check AWS_ACCESS_KEY_ID or the profile, and that the endpoint is the "   \
    "right one"
#define CORRUPTED "what was sent arrived changed: look at the network and at proxies on the way"

static const CodeRow CODES[] = {
    {"SlowDown", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"ServiceUnavailable", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"InternalError", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"RequestTimeout", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"RequestTimeoutException", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"Throttling", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"ThrottlingException", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"RequestLimitExceeded", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"TooManyRequests", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"BandwidthLimitExceeded", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"OperationAborted", S3_TRY_AGAIN, STATUS_CONFLICT, "another operation works on the same key: try again"},
    {"BadDigest", S3_TRY_AGAIN, STATUS_IO, CORRUPTED},
    {"XAmzContentSHA256Mismatch", S3_TRY_AGAIN, STATUS_IO, CORRUPTED},
    {"XAmzContentChecksumMismatch", S3_TRY_AGAIN, STATUS_IO, CORRUPTED},
    {"IncompleteBody", S3_TRY_AGAIN, STATUS_IO, CORRUPTED},
    {"RequestTimeTooSkewed", S3_SET_CLOCK, STATUS_CONFIG, "set this machine's clock (timedatectl set-ntp true)"},
    {"AuthorizationHeaderMalformed", S3_OTHER_REGION, STATUS_CONFIG, "set AWS_REGION to the bucket's region"},
    {"PermanentRedirect", S3_OTHER_REGION, STATUS_CONFIG, "set AWS_REGION to the bucket's region"},
    {"IllegalLocationConstraintException", S3_OTHER_REGION, STATUS_CONFIG, "set AWS_REGION to the bucket's region"},
    {"TemporaryRedirect", S3_TRY_AGAIN, STATUS_IO, PASSING},
    {"ExpiredToken", S3_NEW_CREDENTIALS, STATUS_CONFIG,
     "the session has expired: sign in again, or set newer AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
     "AWS_SESSION_TOKEN"},
    {"ExpiredTokenException", S3_NEW_CREDENTIALS, STATUS_CONFIG, "the session has expired: sign in again"},
    {"TokenRefreshRequired", S3_NEW_CREDENTIALS, STATUS_CONFIG, "the session has expired: sign in again"},
    {"InvalidToken", S3_NEW_CREDENTIALS, STATUS_CONFIG,
     "AWS_SESSION_TOKEN does not belong to the access key: set all three of one session"},
    {"SignatureDoesNotMatch", S3_GIVE_UP, STATUS_CONFIG,
     "the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the profile"},
    {"InvalidAccessKeyId", S3_GIVE_UP, STATUS_CONFIG, UNKNOWN_KEY},
    {"XAdminUserNotFound", S3_GIVE_UP, STATUS_CONFIG, UNKNOWN_KEY}, /* the same, as versitygw says it */
    {"NoSuchBucket", S3_GIVE_UP, STATUS_NOT_FOUND,
     "check the bucket's name and the endpoint, or make the bucket first"},
    {"InvalidBucketName", S3_GIVE_UP, STATUS_USAGE, "paths look like s3://BUCKET/FOLDER/FILE"},
    {"NoSuchKey", S3_GIVE_UP, STATUS_NOT_FOUND, "there is nothing under this key"},
    {"PreconditionFailed", S3_GIVE_UP, STATUS_CONFLICT,
     "the object was replaced while it was read: run the command again"},
    {"InvalidObjectState", S3_GIVE_UP, STATUS_UNSUPPORTED, "the object is archived (Glacier): restore it first"},
    {"KeyTooLongError", S3_GIVE_UP, STATUS_USAGE, "shorten the path: a key has at most 1,024 bytes"},
    {"EntityTooLarge", S3_GIVE_UP, STATUS_DATA, "the server takes no object of this size"},
    {"QuotaExceeded", S3_GIVE_UP, STATUS_DISK_FULL, "the bucket's quota is used up"},
    {"XMinioStorageFull", S3_GIVE_UP, STATUS_DISK_FULL, "the server's disks are full"},
    {"NotImplemented", S3_GIVE_UP, STATUS_UNSUPPORTED, "this server lacks what the operation needs; see docs/s3.md"},
    {"KMS.DisabledException", S3_GIVE_UP, STATUS_CONFIG, "the KMS key is disabled"},
    {"KMS.NotFoundException", S3_GIVE_UP, STATUS_CONFIG, "check FREIGHTLAKE_S3_SSE_KMS_KEY_ID"},
};

static const CodeRow *find_code(const char *code)
{
    for (size_t i = 0; i < ARRAY_SIZE(CODES); i++)
        if (strcmp(CODES[i].code, code) == 0)
            return &CODES[i];
    return NULL;
}

void s3_refusal_read(StrView body, Arena *arena, S3Refusal *refusal)
{
    refusal->code = refusal->message = "";
    if (body.size == 0)
        return;
    const char *code = xml_find(body, "Error/Code", arena);
    const char *message = xml_find(body, "Error/Message", arena);
    const char *region = xml_find(body, "Error/Region", arena);
    refusal->code = code ? code : "";
    refusal->message = message ? message : "";
    if (!refusal->region)
        refusal->region = region;
}

S3Remedy s3_refusal_remedy(const S3Refusal *refusal, bool conditional)
{
    if (refusal->http == 301 || refusal->http == 307)
        return refusal->region ? S3_OTHER_REGION : refusal->http == 307 ? S3_TRY_AGAIN : S3_GIVE_UP;
    if (refusal->http == 409 && conditional)
        return S3_TRY_AGAIN;
    const CodeRow *row = find_code(refusal->code);
    if (row && row->remedy == S3_OTHER_REGION)
        return refusal->region ? S3_OTHER_REGION : S3_GIVE_UP;
    if (row)
        return row->remedy;
    if (refusal->http == 400 && !*refusal->code && refusal->region) /* HEAD of a bucket elsewhere */
        return S3_OTHER_REGION;
    return refusal->http >= 500 || refusal->http == 429 || refusal->http == 408 ? S3_TRY_AGAIN : S3_GIVE_UP;
}

/* "AKIA...MPLE": enough to recognise it. */
static void mask(const char *access_key, char text[16])
{
    size_t n = strlen(access_key);
    if (n < 12)
        snprintf(text, 16, "%s", n ? "..." : "none");
    else
        snprintf(text, 16, "%.4s...%.4s", access_key, access_key + n - 4);
}

static Status status_of(const S3Refusal *refusal, const CodeRow *row)
{
    if (row)
        return row->status;
    return refusal->http == 404 ? STATUS_NOT_FOUND : STATUS_IO;
}

Status s3_refusal_error(const S3Refusal *refusal, const S3Operation *operation, const char *access_key,
                        const char *credentials_source, Error *err)
{
    const CodeRow *row = find_code(refusal->code);
    char key[16];
    mask(access_key, key);
    Status status = status_of(refusal, row);
    if (*refusal->code)
        error_set(err, status, "%s failed: %s (HTTP %d): %.200s", operation->action, refusal->code, refusal->http,
                  refusal->message);
    else
        error_set(err, status, "%s failed: HTTP %d", operation->action, refusal->http);
    error_at_file(err, operation->path);
    if (row && row->status == STATUS_CONFIG)
        return error_hint(err, "%s (access key %s, from %s)", row->hint, key, credentials_source);
    if (row)
        return error_hint(err, "%s", row->hint);
    if (refusal->http == 403)
        return error_hint(err, "access key %s (from %s) needs %s here%s", key, credentials_source, operation->verb,
                          strcmp(operation->verb, "s3:GetObject") == 0
                              ? ", and s3:ListBucket for an answer about what is not there"
                              : "");
    if (refusal->http == 301 || refusal->http == 307)
        return error_hint(err, "set AWS_REGION to the bucket's region");
    return error_hint(err, "the server's answer is not one of those that are understood; see docs/s3.md");
}
