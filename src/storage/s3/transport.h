/* Transport: single HTTP exchanges over libcurl, many at once.
 *
 * A few threads of the process (engines) each drive one curl multi handle; callers hand an exchange over and wait for it,
 * at once or later, so that a caller has as many under way as it likes without threads of its own.  Connections, TLS
 * sessions and resolved names are kept by the engine and used again.  Nothing here knows S3: no signing, no second try.
 *
 *   transport_start -> transport_wait -> transport_free         transport_free alone cancels
 *
 * Thread-safe; one exchange has one owner. */
#ifndef FREIGHTLAKE_STORAGE_S3_TRANSPORT_H
#define FREIGHTLAKE_STORAGE_S3_TRANSPORT_H

#include "base/text.h"

typedef struct Exchange Exchange;

typedef struct ExchangeRequest {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL behind the last */
    const void *body;           /* stays the caller's and unchanged until the exchange is freed */
    size_t body_size;
    void *sink; /* where the body of a 2xx answer goes; NULL: into the answer's buffer */
    size_t sink_size;
    size_t max_body; /* of the answer's buffer */
    const char *ca_bundle;
    unsigned connect_ms;
    unsigned stall_seconds; /* less than a kilobyte a second for so long ends it */
    unsigned deadline_ms;
    bool direct; /* by no proxy: addresses of this machine's own metadata services */
} ExchangeRequest;

typedef enum ExchangeOutcome {
    EXCHANGE_ANSWERED,
    EXCHANGE_NOT_SENT,  /* no connection: the server has not seen the request */
    EXCHANGE_BROKEN,    /* reset, stalled, cut short, too slow: the server may have done it */
    EXCHANGE_REFUSED,   /* not worth another try: malformed address, body too long */
    EXCHANGE_UNTRUSTED, /* nor this: the server's certificate, or the file of those to trust */
} ExchangeOutcome;

typedef struct ExchangeAnswer {
    ExchangeOutcome outcome;
    int http;            /* status code; 0 without an answer */
    const char *trouble; /* what went wrong, for people; "" when answered */
    StrView body;        /* NUL behind it; empty where it went into the sink */
    size_t sunk;         /* bytes in the sink */
} ExchangeAnswer;

Status transport_start(const ExchangeRequest *request, Exchange **ret_exchange, Error *err) MUST_CHECK;
/* Waits; false when `interruptible` and a stop was asked for meanwhile (then only transport_free is left to call).  The
 * answer belongs to the exchange. */
bool transport_wait(Exchange *exchange, bool interruptible, ExchangeAnswer *ret_answer);
/* A header of the answer; NULL when it has none of this name (any case). */
const char *exchange_header(const Exchange *exchange, const char *name);
void transport_free(Exchange *exchange); /* cancels what is under way; NULL is fine */
/* Ends the engines' threads at the end of the process; what is under way is broken. */
void transport_stop(void);

typedef struct TransportCounts {
    uint64_t exchanges;
    uint64_t bytes_received; /* of bodies */
    uint64_t bytes_sent;
} TransportCounts;
TransportCounts transport_counts(void);

#endif
