/* What finds credentials; for credentials.c and its sources. */
#ifndef FREIGHTLAKE_STORAGE_S3_CREDENTIALS_INTERNAL_H
#define FREIGHTLAKE_STORAGE_S3_CREDENTIALS_INTERNAL_H

#include "storage/s3/credentials.h"

/* Copies of the texts; token NULL or "" for none. */
Credentials *credentials_new(const char *access_key, const char *secret_key, const char *token, int64_t expires_s,
                             const char *source);

/* The sources that ask a server.  *ret_credentials stays NULL where the source says it has none for us. */
Status credentials_web_identity(const S3Settings *settings, const char *role, const char *token_file,
                                const char *session, Credentials **ret_credentials, Error *err) MUST_CHECK;
Status credentials_container(Credentials **ret_credentials, Error *err) MUST_CHECK;
Status credentials_instance(Credentials **ret_credentials, Error *err) MUST_CHECK;

#endif
