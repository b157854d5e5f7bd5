/* S3Call: one operation on S3, signed, tried again where that helps, with its errors in words.
 *
 *   s3_start -> s3_finish -> s3_call_free          s3_call_free alone cancels
 *
 * s3_start hands the first try over and returns; s3_finish waits and, where a try failed in a way that passes (5xx, 429,
 * SlowDown, resets, stalls, bytes that arrived wrong), makes the next after a growing, random pause, until the attempts or
 * the deadline are used up.  On the way it follows a bucket to its region, learns the server's clock once when ours is
 * wrong, and renews credentials once when they have expired.
 *
 * Thread-safe; a call has one owner. */
#ifndef FREIGHTLAKE_STORAGE_S3_S3_CALL_H
#define FREIGHTLAKE_STORAGE_S3_S3_CALL_H

#include "storage/s3/s3_url.h"
#include "storage/s3/sigv4.h"

typedef struct S3Call S3Call;

#define S3_CALL_MAX_PAIRS 12

typedef struct S3Operation {
    const char *verb;   /* the permission it needs: "s3:GetObject" */
    const char *action; /* for errors: "reading" */
    const char *method;
    const char *path; /* "s3://bucket/key": what errors name */
    S3Name name;
    const NameValue *query;
    size_t n_query;
    const NameValue *headers; /* besides those that every request has */
    size_t n_headers;
    const void *body; /* stays the caller's and unchanged until the call is freed */
    size_t body_size;
    void *sink; /* where the object's bytes go; NULL: into the answer */
    size_t sink_size;
    size_t max_answer; /* bytes of the answer's body; 0: 64 KiB */
    bool verify;       /* the answer is object bytes: where it is all of them, compare with the server's checksum */
    bool conditional;  /* If-None-Match: 409 is tried again */
    unsigned stall_seconds; /* 0: the settings' */
    bool hasty;             /* cleaning up: two tries, five seconds, also after a stop was asked for */
    const int *expected;    /* HTTP codes, 0 behind the last, that are answers and no errors besides 2xx; NULL: none */
} S3Operation;

typedef struct S3Answer {
    int http;
    StrView body;  /* NUL behind it */
    size_t sunk;   /* bytes in the sink */
    bool repeated; /* there was a try before whose outcome is unknown */
} S3Answer;

Status s3_start(const S3Operation *operation, S3Call **ret_call, Error *err) MUST_CHECK;
/* The answer belongs to the call.  Only once a call. */
Status s3_finish(S3Call *call, S3Answer *ret_answer, Error *err) MUST_CHECK;
const char *s3_call_header(const S3Call *call, const char *name);
void s3_call_free(S3Call *call); /* NULL is fine */
/* For CLEANUP on a local S3Call pointer. */
void s3_call_cleanup(S3Call **call);

/* s3_start and s3_finish in one. */
Status s3_call(const S3Operation *operation, S3Call **ret_call, S3Answer *ret_answer, Error *err) MUST_CHECK;

typedef struct S3Counts {
    uint64_t requests; /* tries included */
    uint64_t retries;
    uint64_t bytes_received;
    uint64_t bytes_sent;
} S3Counts;
S3Counts s3_counts(void);

/* Seconds that the server's clock is ahead of ours, as far as a refusal has taught it; and its Date of the last answer. */
int64_t s3_clock_skew_s(void);

#endif
