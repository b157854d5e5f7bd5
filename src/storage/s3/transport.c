/* HTTP exchanges over curl's multi interface; see transport.h.
 *
 * An engine's thread loops: take what was handed over, run curl, hand back what has ended, sleep in curl_multi_poll.
 * Callers touch a curl handle only before it is handed over and after it has come back, so curl needs no locks.  An
 * exchange's `state` says whose it is and changes under the engine's mutex:
 *
 *   QUEUED -> RUNNING -> ENDED          cancelled while QUEUED or RUNNING: the owner waits until the engine lets go
 *
 * Why threads and not one loop in the caller: reads ahead and parts being uploaded go on while the caller computes. */
#include "storage/s3/transport.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/pool.h"
#include "storage/s3/curl_library.h"

#define MAX_ENGINES 4
#define PROCESSORS_PER_ENGINE 4
#define MAX_IDLE_CONNECTIONS 64L
#define MAX_HEADER_BYTES ((size_t)64 << 10)
#define MAX_ERROR_BODY ((size_t)64 << 10)
#define RECEIVE_BUFFER (256L << 10)
#define SEND_BUFFER (512L << 10)
#define LOWEST_SPEED 1024L
#define POLL_MS 1000
#define WAIT_SLICE_NS 100000000

typedef enum ExchangeState { EXCHANGE_QUEUED, EXCHANGE_RUNNING, EXCHANGE_ENDED } ExchangeState;
typedef struct Engine Engine;

struct Exchange {
    Engine *engine;
    CURL *easy;
    struct curl_slist *headers;
    Exchange *next; /* in the engine's queue, or its list of running ones */
    ExchangeState state;
    bool cancelled;
    const uint8_t *body;
    size_t body_size, body_sent;
    uint8_t *sink;
    size_t sink_size, sunk;
    bool sink_overrun;
    Buffer answer_body;
    Buffer answer_headers; /* lines, each with a NUL behind it */
    CURLcode result;
    long http;
    char trouble[CURL_ERROR_SIZE];
};

struct Engine {
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    pthread_t thread;
    bool stopping;
    CURLM *multi;
    Exchange *queued; /* in the order of their coming */
    Exchange **queued_end;
    Exchange *running;
    CURL *spare[8]; /* handles to use again */
    int n_spare;
};

static Engine engines[MAX_ENGINES];
static pthread_mutex_t engines_mutex = PTHREAD_MUTEX_INITIALIZER;
static int n_engines;
static _Atomic unsigned next_engine;
static _Atomic uint64_t count_exchanges, count_received, count_sent;

/* ---- curl's callbacks, on the engine's thread ---- */

static size_t take_body(char *bytes, size_t one, size_t n, void *context)
{
    Exchange *exchange = context;
    size_t size = one * n;
    long http = 0;
    curl_library.easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &http);
    if (exchange->sink && http >= 200 && http < 300) {
        if (size > exchange->sink_size - exchange->sunk) {
            exchange->sink_overrun = true;
            return 0;
        }
        memcpy(exchange->sink + exchange->sunk, bytes, size);
        exchange->sunk += size;
    } else {
        buffer_append(&exchange->answer_body, bytes, size);
        if (exchange->answer_body.failed)
            return 0;
    }
    atomic_fetch_add_explicit(&count_received, size, memory_order_relaxed);
    return size;
}

static size_t take_header(char *bytes, size_t one, size_t n, void *context)
{
    Exchange *exchange = context;
    size_t size = one * n;
    if (size > 5 && memcmp(bytes, "HTTP/", 5) == 0) /* of this answer, not of a 100 before it */
        buffer_clear(&exchange->answer_headers);
    size_t length = size;
    while (length > 0 && (bytes[length - 1] == '\r' || bytes[length - 1] == '\n'))
        length--;
    buffer_append(&exchange->answer_headers, bytes, length);
    buffer_append_byte(&exchange->answer_headers, 0);
    return exchange->answer_headers.failed ? 0 : size;
}

static size_t give_body(char *bytes, size_t one, size_t n, void *context)
{
    Exchange *exchange = context;
    size_t size = one * n, left = exchange->body_size - exchange->body_sent;
    size = size < left ? size : left;
    if (size)
        memcpy(bytes, exchange->body + exchange->body_sent, size);
    exchange->body_sent += size;
    atomic_fetch_add_explicit(&count_sent, size, memory_order_relaxed);
    return size;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
    Exchange *exchange = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > exchange->body_size)
        return CURL_SEEKFUNC_CANTSEEK;
    exchange->body_sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- The engine's thread ---- */

static void unlink_running(Engine *engine, Exchange *exchange)
{
    Exchange **at = &engine->running;
    while (*at && *at != exchange)
        at = &(*at)->next;
    if (*at)
        *at = exchange->next;
}

/* With the mutex held. */
static void end_exchange(Engine *engine, Exchange *exchange, CURLcode result)
{
    curl_library.multi_remove_handle(engine->multi, exchange->easy);
    unlink_running(engine, exchange);
    exchange->result = result;
    exchange->state = EXCHANGE_ENDED;
    pthread_cond_broadcast(&engine->ended);
}

/* With the mutex held: starts what is queued, lets go of what was cancelled. */
static void take_orders(Engine *engine)
{
    while (engine->queued) {
        Exchange *exchange = engine->queued;
        engine->queued = exchange->next;
        if (!engine->queued)
            engine->queued_end = &engine->queued;
        exchange->next = engine->running;
        engine->running = exchange;
        exchange->state = EXCHANGE_RUNNING;
        if (exchange->cancelled || curl_library.multi_add_handle(engine->multi, exchange->easy) != CURLM_OK)
            end_exchange(engine, exchange, CURLE_ABORTED_BY_CALLBACK);
    }
    for (Exchange *exchange = engine->running, *next; exchange; exchange = next) {
        next = exchange->next;
        if (exchange->cancelled)
            end_exchange(engine, exchange, CURLE_ABORTED_BY_CALLBACK);
    }
}

static void collect_ended(Engine *engine)
{
    int left;
    for (CURLMsg *message; (message = curl_library.multi_info_read(engine->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        Exchange *exchange = NULL;
        curl_library.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        curl_library.easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &exchange->http);
        CURLcode result = message->data.result;
        pthread_mutex_lock(&engine->mutex);
        end_exchange(engine, exchange, result);
        pthread_mutex_unlock(&engine->mutex);
    }
}

static void *engine_main(void *argument)
{
    Engine *engine = argument;
    for (;;) {
        pthread_mutex_lock(&engine->mutex);
        take_orders(engine);
        bool stopping = engine->stopping;
        while (stopping && engine->running)
            end_exchange(engine, engine->running, CURLE_ABORTED_BY_CALLBACK);
        pthread_mutex_unlock(&engine->mutex);
        if (stopping)
            return NULL;
        int running;
        curl_library.multi_perform(engine->multi, &running);
        collect_ended(engine);
        curl_library.multi_poll(engine->multi, NULL, 0, POLL_MS, NULL);
    }
}

/* ---- Starting and stopping ---- */

static Status start_engine(Engine *engine, Error *err)
{
    *engine = (Engine){.mutex = PTHREAD_MUTEX_INITIALIZER, .queued_end = &engine->queued};
    clock_cond_init(&engine->ended);
    engine->multi = curl_library.multi_init();
    if (!engine->multi)
        return error_set(err, STATUS_IO, "libcurl could not be started");
    curl_library.multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, MAX_IDLE_CONNECTIONS);
    curl_library.multi_setopt(engine->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    int failed = pthread_create(&engine->thread, NULL, engine_main, engine);
    if (failed) {
        curl_library.multi_cleanup(engine->multi);
        return error_set_errno(err, failed, "starting a thread for S3 failed");
    }
    return STATUS_OK;
}

/* With engines_mutex held. */
static Status start_engines(Error *err)
{
    static bool registered;
    TRY(curl_library_load(err));
    int wanted = processor_count() / PROCESSORS_PER_ENGINE;
    wanted = wanted < 1 ? 1 : wanted > MAX_ENGINES ? MAX_ENGINES : wanted;
    for (int i = 0; i < wanted; i++) {
        TRY(start_engine(&engines[i], err));
        n_engines = i + 1;
    }
    if (!registered) /* before libcurl's libraries clean up behind their own threads' backs */
        registered = atexit(transport_stop) == 0;
    return STATUS_OK;
}

void transport_stop(void)
{
    pthread_mutex_lock(&engines_mutex);
    for (int i = 0; i < n_engines; i++) {
        Engine *engine = &engines[i];
        pthread_mutex_lock(&engine->mutex);
        engine->stopping = true;
        pthread_mutex_unlock(&engine->mutex);
        curl_library.multi_wakeup(engine->multi);
        pthread_join(engine->thread, NULL);
        for (int k = 0; k < engine->n_spare; k++)
            curl_library.easy_cleanup(engine->spare[k]);
        engine->n_spare = 0;
        curl_library.multi_cleanup(engine->multi);
    }
    n_engines = 0;
    pthread_mutex_unlock(&engines_mutex);
}

static Status pick_engine(Engine **ret_engine, Error *err)
{
    pthread_mutex_lock(&engines_mutex);
    Status status = n_engines ? STATUS_OK : start_engines(err);
    if (status == STATUS_OK)
        *ret_engine = &engines[atomic_fetch_add(&next_engine, 1) % (unsigned)n_engines];
    pthread_mutex_unlock(&engines_mutex);
    return status;
}

/* ---- One exchange ---- */

static CURL *take_handle(Engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    CURL *easy = engine->n_spare ? engine->spare[--engine->n_spare] : NULL;
    pthread_mutex_unlock(&engine->mutex);
    return easy ? easy : curl_library.easy_init();
}

static void set_request(Exchange *exchange, const ExchangeRequest *request)
{
    CURL *easy = exchange->easy;
    __typeof__(&curl_easy_setopt) set = curl_library.easy_setopt;
    set(easy, CURLOPT_URL, request->url);
    set(easy, CURLOPT_PATH_AS_IS, 1L);
    set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_TCP_NODELAY, 1L);
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    set(easy, CURLOPT_HTTPHEADER, exchange->headers);
    set(easy, CURLOPT_ERRORBUFFER, exchange->trouble);
    set(easy, CURLOPT_PRIVATE, exchange);
    set(easy, CURLOPT_WRITEFUNCTION, take_body);
    set(easy, CURLOPT_WRITEDATA, exchange);
    set(easy, CURLOPT_HEADERFUNCTION, take_header);
    set(easy, CURLOPT_HEADERDATA, exchange);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
    set(easy, CURLOPT_TIMEOUT_MS, (long)request->deadline_ms);
    set(easy, CURLOPT_LOW_SPEED_LIMIT, LOWEST_SPEED);
    set(easy, CURLOPT_LOW_SPEED_TIME, (long)request->stall_seconds);
    if (request->ca_bundle)
        set(easy, CURLOPT_CAINFO, request->ca_bundle);
    if (request->direct)
        set(easy, CURLOPT_NOPROXY, "*");
    if (strcmp(request->method, "HEAD") == 0) {
        set(easy, CURLOPT_NOBODY, 1L);
    } else if (request->body_size > 0 || strcmp(request->method, "PUT") == 0) {
        set(easy, CURLOPT_UPLOAD, 1L);
        set(easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
        set(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
        set(easy, CURLOPT_READFUNCTION, give_body);
        set(easy, CURLOPT_READDATA, exchange);
        set(easy, CURLOPT_SEEKFUNCTION, seek_body);
        set(easy, CURLOPT_SEEKDATA, exchange);
    }
    if (strcmp(request->method, "HEAD") != 0)
        set(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

Status transport_start(const ExchangeRequest *request, Exchange **ret_exchange, Error *err)
{
    Engine *engine;
    TRY(pick_engine(&engine, err));
    Exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->engine = engine;
    exchange->easy = take_handle(engine);
    CHECK(exchange->easy != NULL);
    exchange->body = request->body;
    exchange->body_size = request->body_size;
    exchange->sink = request->sink;
    exchange->sink_size = request->sink_size;
    buffer_init(&exchange->answer_body, request->max_body > MAX_ERROR_BODY ? request->max_body : MAX_ERROR_BODY);
    buffer_init(&exchange->answer_headers, MAX_HEADER_BYTES);
    for (const char *const *header = request->headers; *header; header++)
        exchange->headers = curl_library.slist_append(exchange->headers, *header);
    exchange->headers = curl_library.slist_append(exchange->headers, "Expect:");
    set_request(exchange, request);
    atomic_fetch_add_explicit(&count_exchanges, 1, memory_order_relaxed);
    pthread_mutex_lock(&engine->mutex);
    *engine->queued_end = exchange;
    engine->queued_end = &exchange->next;
    pthread_mutex_unlock(&engine->mutex);
    curl_library.multi_wakeup(engine->multi);
    *ret_exchange = exchange;
    return STATUS_OK;
}

static ExchangeOutcome outcome_of(const Exchange *exchange)
{
    switch (exchange->result) {
    case CURLE_OK:
        return EXCHANGE_ANSWERED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return EXCHANGE_NOT_SENT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return EXCHANGE_UNTRUSTED;
    case CURLE_SSL_CIPHER:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WRITE_ERROR: /* longer than what was asked for */
        return EXCHANGE_REFUSED;
    default:
        return EXCHANGE_BROKEN;
    }
}

static void describe(Exchange *exchange, ExchangeAnswer *answer)
{
    answer->outcome = outcome_of(exchange);
    answer->http = (int)exchange->http;
    answer->trouble = "";
    if (exchange->result != CURLE_OK) {
        answer->trouble = exchange->trouble[0] ? exchange->trouble : curl_library.easy_strerror(exchange->result);
        if (exchange->sink_overrun || exchange->answer_body.failed)
            answer->trouble = "the answer is longer than what was asked for";
    }
    answer->body.data = buffer_text(&exchange->answer_body);
    answer->body.size = (uint32_t)exchange->answer_body.size;
    answer->sunk = exchange->sunk;
}

bool transport_wait(Exchange *exchange, bool interruptible, ExchangeAnswer *ret_answer)
{
    Engine *engine = exchange->engine;
    pthread_mutex_lock(&engine->mutex);
    while (exchange->state != EXCHANGE_ENDED && !(interruptible && interrupt_requested())) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WAIT_SLICE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&engine->ended, &engine->mutex, &until);
    }
    bool ended = exchange->state == EXCHANGE_ENDED;
    pthread_mutex_unlock(&engine->mutex);
    if (ended)
        describe(exchange, ret_answer);
    return ended;
}

const char *exchange_header(const Exchange *exchange, const char *name)
{
    size_t length = strlen(name);
    const char *at = (const char *)exchange->answer_headers.data;
    const char *end = at + exchange->answer_headers.size;
    for (; at < end; at += strlen(at) + 1)
        if (strncasecmp(at, name, length) == 0 && at[length] == ':')
            return at + length + 1 + strspn(at + length + 1, " \t");
    return NULL;
}

/* Waits until the engine has let go of it. */
static void recall(Exchange *exchange)
{
    Engine *engine = exchange->engine;
    pthread_mutex_lock(&engine->mutex);
    exchange->cancelled = true;
    bool ended = exchange->state == EXCHANGE_ENDED;
    pthread_mutex_unlock(&engine->mutex);
    if (ended)
        return;
    curl_library.multi_wakeup(engine->multi);
    pthread_mutex_lock(&engine->mutex);
    while (exchange->state != EXCHANGE_ENDED)
        pthread_cond_wait(&engine->ended, &engine->mutex);
    pthread_mutex_unlock(&engine->mutex);
}

void transport_free(Exchange *exchange)
{
    if (!exchange)
        return;
    recall(exchange);
    Engine *engine = exchange->engine;
    curl_library.easy_reset(exchange->easy);
    pthread_mutex_lock(&engine->mutex);
    bool kept = !engine->stopping && engine->n_spare < (int)ARRAY_SIZE(engine->spare);
    if (kept)
        engine->spare[engine->n_spare++] = exchange->easy;
    pthread_mutex_unlock(&engine->mutex);
    if (!kept)
        curl_library.easy_cleanup(exchange->easy);
    for (struct curl_slist *header = exchange->headers; header; header = header->next)
        OPENSSL_cleanse(header->data, strlen(header->data)); /* signatures and session tokens */
    curl_library.slist_free_all(exchange->headers);
    buffer_done(&exchange->answer_body);
    buffer_done(&exchange->answer_headers);
    mem_free(exchange);
}

TransportCounts transport_counts(void)
{
    return (TransportCounts){.exchanges = atomic_load(&count_exchanges),
                             .bytes_received = atomic_load(&count_received),
                             .bytes_sent = atomic_load(&count_sent)};
}
