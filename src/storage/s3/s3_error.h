/* What a refused S3 operation means: which are worth another try, and what the others say to the user. */
#ifndef FREIGHTLAKE_STORAGE_S3_S3_ERROR_H
#define FREIGHTLAKE_STORAGE_S3_S3_ERROR_H

#include "storage/s3/s3_call.h"

typedef enum S3Remedy {
    S3_GIVE_UP,
    S3_TRY_AGAIN,       /* after a pause */
    S3_OTHER_REGION,    /* with the region the answer names */
    S3_SET_CLOCK,       /* with the Date the answer names */
    S3_NEW_CREDENTIALS, /* with renewed ones */
} S3Remedy;

typedef struct S3Refusal {
    int http;
    const char *code;    /* S3's error code; "" where the answer has none (HEAD) */
    const char *message; /* S3's own words; "" */
    const char *region;  /* where the bucket is, when the answer says so; else NULL */
} S3Refusal;

/* Reads code and message from an answer's body; texts in `arena`. */
void s3_refusal_read(StrView body, Arena *arena, S3Refusal *refusal);
S3Remedy s3_refusal_remedy(const S3Refusal *refusal, bool conditional);
/* Sets `err`; `access_key` is shown by its ends only. */
Status s3_refusal_error(const S3Refusal *refusal, const S3Operation *operation, const char *access_key,
                        const char *credentials_source, Error *err);

#endif
