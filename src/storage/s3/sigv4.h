/* AWS Signature Version 4: what makes a request ours.  Pure functions over plain structs.
 *
 * Order of use: sigv4_append_encoded / sigv4_append_query make path and query in the form that is both sent and signed,
 * sigv4_sign gives the value of the Authorization header.  All headers handed in are signed; Host must be among them. */
#ifndef FREIGHTLAKE_STORAGE_S3_SIGV4_H
#define FREIGHTLAKE_STORAGE_S3_SIGV4_H

#include <pthread.h>

#include "storage/s3/digest.h"

#define SIGV4_DATE_SIZE 17 /* "20130524T000000Z" */

typedef struct NameValue {
    const char *name;
    const char *value;
} NameValue;

typedef struct SigRequest {
    const char *method;
    const char *path;  /* encoded: "/bucket/a%20b" */
    const char *query; /* as sigv4_append_query writes it; "" for none */
    const NameValue *headers;
    size_t n_headers;
    const char *payload_hash; /* SHA-256 of the body in hexadecimal, or UNSIGNED-PAYLOAD */
} SigRequest;

/* The key that signs for a day, a region and a service; made anew when one of them changes.  Zero-initialised but for its
 * mutex (sig_key_init); belongs to one secret.  Thread-safe. */
typedef struct SigKey {
    pthread_mutex_t mutex;
    char scope[96]; /* "20130524/us-east-1/s3" */
    uint8_t key[SHA256_BYTES];
} SigKey;

typedef struct SigScope {
    const char *access_key;
    const char *secret_key;
    const char *region;
    const char *service;
    const char *date; /* as sigv4_format_date writes it; the value of X-Amz-Date */
    SigKey *key;
} SigScope;

void sig_key_init(SigKey *key);
void sig_key_done(SigKey *key); /* wiped */

void sigv4_format_date(int64_t unix_seconds, char text[SIGV4_DATE_SIZE]);
/* RFC 3986: everything but letters, digits and -._~ becomes %XX; slashes stay when `keep_slashes`. */
void sigv4_append_encoded(Buffer *buffer, const char *text, bool keep_slashes);
/* "a=1&b=2": encoded and in the order that is signed. */
void sigv4_append_query(Buffer *buffer, const NameValue *pairs, size_t n);
/* The canonical request: what is hashed.  For tests and sigv4_sign. */
void sigv4_append_canonical(Buffer *buffer, const SigRequest *request);
void sigv4_sign(const SigRequest *request, const SigScope *scope, Buffer *authorization);

#endif
