/* storage_probe's part for paths of S3. */
#ifndef FREIGHTLAKE_STORAGE_S3_S3_PROBE_H
#define FREIGHTLAKE_STORAGE_S3_S3_PROBE_H

#include "storage/storage.h"

Status s3_probe(const char *folder, StorageProbed found, void *context, Error *err) MUST_CHECK;

#endif
