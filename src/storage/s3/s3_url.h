/* Where an object lies: "s3://bucket/key" -> host, path and signing region.
 *
 * Everything behind the bucket's slash is the key, byte for byte: no %XX is decoded, no '//' or '..' is resolved.  Pure
 * functions. */
#ifndef FREIGHTLAKE_STORAGE_S3_S3_URL_H
#define FREIGHTLAKE_STORAGE_S3_S3_URL_H

#include "storage/s3/settings.h"

#define S3_MAX_KEY 1024 /* bytes, by S3's rule */

typedef struct S3Name {
    const char *bucket;
    const char *key; /* "" for the bucket itself */
} S3Name;

typedef struct S3Address {
    const char *origin; /* "https://host:port" */
    const char *host;   /* what the Host header says */
    const char *path;   /* encoded, as it is sent and signed */
} S3Address;

/* USAGE when it names no bucket or what no bucket or key can be. */
Status s3_name_parse(const char *path, Arena *arena, S3Name *ret_name, Error *err) MUST_CHECK;
/* DATA when the bucket's name cannot be reached the way the settings ask for. */
Status s3_address(const S3Settings *settings, const S3Name *name, const char *region, Arena *arena,
                  S3Address *ret_address, Error *err) MUST_CHECK;

#endif
