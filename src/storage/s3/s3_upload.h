/* Writing objects: one PUT, or a multipart upload.
 *
 *   s3_put
 *   s3_upload_begin -> s3_upload_start_part, s3_upload_finish_part ... -> s3_upload_complete | s3_upload_abort
 *
 * Every write carries a mark of its own (metadata "freightlake-write"), so that after a lost answer or a 412 the object
 * itself says whether it is ours. */
#ifndef FREIGHTLAKE_STORAGE_S3_S3_UPLOAD_H
#define FREIGHTLAKE_STORAGE_S3_S3_UPLOAD_H

#include "storage/s3/s3_internal.h"

#define S3_MARK_SIZE 33
#define S3_MAX_PARTS 10000

typedef struct S3Target {
    const char *path;
    S3Name name;
    char mark[S3_MARK_SIZE];
} S3Target;

typedef struct S3Upload S3Upload;

void s3_mark_make(char mark[S3_MARK_SIZE]);

/* With `only_new` *ret_created is false when something was there already; without it is true. */
Status s3_put(const S3Target *target, const void *bytes, size_t size, bool only_new, bool *ret_created, Error *err)
    MUST_CHECK;

/* `target` stays the caller's until the upload is gone. */
Status s3_upload_begin(const S3Target *target, S3Upload **ret_upload, Error *err) MUST_CHECK;
/* `number` counts from 1; `bytes` stay the caller's until the part is finished. */
Status s3_upload_start_part(S3Upload *upload, unsigned number, const void *bytes, size_t size, S3Call **ret_call,
                            Error *err) MUST_CHECK;
/* Waits for the part and frees its call. */
Status s3_upload_finish_part(S3Upload *upload, unsigned number, S3Call *call, Error *err) MUST_CHECK;
/* Both free the upload; a failed completion aborts it.  No part may be under way. */
Status s3_upload_complete(S3Upload *upload, bool only_new, bool *ret_created, Error *err) MUST_CHECK;
void s3_upload_abort(S3Upload *upload); /* NULL is fine */

#endif
