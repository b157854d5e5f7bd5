/* Who we are to AWS: found once, kept, renewed before it expires.
 *
 * The first of these that says anything counts, as with the AWS CLI:
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (and the profile's settings of the same meaning), through STS
 *   3. the profile's keys in the shared files
 *   4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (ECS, EKS)
 *   5. the EC2 instance's role, by the metadata service's version 2, unless AWS_EC2_METADATA_DISABLED=true
 * Profiles that take their credentials from another profile, a program or a single sign-on are refused by name.
 *
 * Secrets are wiped when they are freed and never part of an error.  Thread-safe. */
#ifndef FREIGHTLAKE_STORAGE_S3_CREDENTIALS_H
#define FREIGHTLAKE_STORAGE_S3_CREDENTIALS_H

#include "storage/s3/settings.h"
#include "storage/s3/sigv4.h"

/* Immutable but for `key`, which is a cache; shared by reference. */
typedef struct Credentials {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: none */
    int64_t expires_s;   /* instant; 0: never */
    const char *source;  /* "the environment", ... : for people */
    SigKey key;
    _Atomic int references;
} Credentials;

/* CONFIG with what was looked at when there are none. */
Status credentials_get(const S3Settings *settings, Credentials **ret_credentials, Error *err) MUST_CHECK;
/* After the server has called `refused` expired or unknown: looks again where they came from.  *ret_credentials is NULL when
 * the same ones are found. */
Status credentials_renew(const S3Settings *settings, const Credentials *refused, Credentials **ret_credentials,
                         Error *err) MUST_CHECK;
void credentials_unref(Credentials *credentials); /* NULL is fine */
void credentials_forget(void);                    /* the next get looks again */

#endif
