/* What the files of the S3 driver share. */
#ifndef FREIGHTLAKE_STORAGE_S3_S3_INTERNAL_H
#define FREIGHTLAKE_STORAGE_S3_S3_INTERNAL_H

#include "storage/s3/s3_call.h"
#include "storage/storage_internal.h"

#define S3_PIECE_BYTES ((size_t)8 << 20) /* of an upload that is made in parallel */
#define S3_PARALLEL 8                    /* pieces of one reader or writer under way */

/* s3_reader.c, s3_writer.c, s3_list.c: the driver's slots (storage_internal.h). */
Status s3_open(const char *path, StorageReader **ret_reader, Error *err);
Status s3_create(const char *path, StorageWriter **ret_writer, Error *err);
Status s3_create_unnamed(const char *folder, StorageWriter **ret_writer, Error *err);
Status s3_list(const char *pattern, StorageList *list, Error *err);
Status s3_list_folder(const char *folder, bool deep, const char *from, StorageList *list, Error *err);
void s3_explain_no_match(const char *pattern, Error *err);
Status s3_clean(const char *folder, size_t *ret_removed, Error *err);
void s3_discard_all(void);

/* s3.c: what is at a key; texts in `arena`, "" where the answer lacks them. */
typedef struct S3Head {
    StorageFacts facts;
    const char *etag;
    const char *mark; /* of the write that made it: s3_upload.h */
} S3Head;
#define S3_MARK_HEADER "x-amz-meta-freightlake-write"
Status s3_head(const char *path, const S3Name *name, bool hasty, Arena *arena, S3Head *ret_head, Error *err) MUST_CHECK;
int64_t s3_modified_ms(const S3Call *call); /* from an answer's Last-Modified; 0 without */
/* "bytes 100-199/1234" -> 100 and 1234. */
bool s3_content_range(const char *text, uint64_t *ret_first, uint64_t *ret_total);

#endif
