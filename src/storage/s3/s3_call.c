/* Operations on S3; see s3_call.h.
 *
 * Each try is signed anew: its instant, the credentials and the region may have changed since the last.  The payload's
 * SHA-256 is always signed, so the server refuses a body that was changed on its way; answers that are whole objects are
 * compared with the CRC-32C or MD5 the server gives.
 *
 * Pauses are random between nothing and 0.1 s * 2^n, at most 20 s ("full jitter": many writers that were slowed down
 * together do not come back together); Retry-After raises the lower end.  The deadline counts from s3_finish. */
#include "storage/s3/s3_call.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/pool.h"
#include "storage/s3/credentials.h"
#include "storage/s3/s3_error.h"
#include "storage/s3/transport.h"
#include "storage/s3/xml.h"
#include "storage/storage_internal.h"

#define FIRST_PAUSE_S 0.1
#define LONGEST_PAUSE_S 20.0
#define PAUSE_SLICE_S 0.1
#define MAX_CONNECT_MS 10000u
#define HASTY_ATTEMPTS 2
#define HASTY_SECONDS 5
#define MAX_REGION_CHANGES 2
#define SLOWEST_BYTES_PER_SECOND ((size_t)64 << 10) /* a large body gets more time than the deadline says */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct S3Call {
    S3Operation operation;
    const S3Settings *settings;
    Credentials *credentials;
    Exchange *exchange;
    Arena arena;
    const char *query;
    const char *region; /* NULL: the bucket's as far as it is known, else the settings' */
    char payload_hash[SHA256_TEXT_SIZE];
    char unfit_md5[MD5_TEXT_SIZE]; /* of a body that did not fit its ETag; "" */
    int attempts;
    int region_changes;
    bool clock_set;
    bool renewed;
    bool unknown_outcome; /* a try was sent of which nobody knows what became */
};

/* ---- What the process has learned ---- */

typedef struct KnownRegion {
    struct KnownRegion *next;
    char *bucket;
    char *region;
} KnownRegion;

static pthread_mutex_t known_mutex = PTHREAD_MUTEX_INITIALIZER;
static KnownRegion *known_regions; /* of buckets that are not where the settings say */
static _Atomic int64_t clock_skew_s;
static _Atomic uint64_t count_retries;

int64_t s3_clock_skew_s(void)
{
    return atomic_load(&clock_skew_s);
}

S3Counts s3_counts(void)
{
    TransportCounts counts = transport_counts();
    return (S3Counts){.requests = counts.exchanges,
                      .retries = atomic_load(&count_retries),
                      .bytes_received = counts.bytes_received,
                      .bytes_sent = counts.bytes_sent};
}

static const char *region_of(S3Call *call)
{
    if (call->region)
        return call->region;
    const char *region = call->settings->region;
    pthread_mutex_lock(&known_mutex);
    for (const KnownRegion *known = known_regions; known; known = known->next)
        if (strcmp(known->bucket, call->operation.name.bucket) == 0)
            region = arena_strdup(&call->arena, known->region);
    pthread_mutex_unlock(&known_mutex);
    return region;
}

static void learn_region(const char *bucket, const char *region)
{
    pthread_mutex_lock(&known_mutex);
    KnownRegion *known = known_regions;
    while (known && strcmp(known->bucket, bucket) != 0)
        known = known->next;
    if (!known) {
        known = mem_zalloc(sizeof *known);
        known->bucket = mem_strdup(bucket);
        known->next = known_regions;
        known_regions = known;
    }
    mem_free(known->region);
    known->region = mem_strdup(region);
    pthread_mutex_unlock(&known_mutex);
}

/* ---- One try ---- */

static const char *lower_case(const char *name, Arena *arena)
{
    char *lower = arena_strdup(arena, name);
    for (char *c = lower; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
    return lower;
}

/* All headers of the request, Authorization last, as lines for the transport. */
static const char **sign(S3Call *call, const S3Address *address, const char *region)
{
    const S3Operation *operation = &call->operation;
    NameValue headers[S3_CALL_MAX_PAIRS + 4];
    size_t n = 0;
    char date[SIGV4_DATE_SIZE];
    sigv4_format_date((int64_t)time(NULL) + s3_clock_skew_s(), date);
    headers[n++] = (NameValue){"host", address->host};
    headers[n++] = (NameValue){"x-amz-content-sha256", call->payload_hash};
    headers[n++] = (NameValue){"x-amz-date", date};
    if (call->credentials->session_token)
        headers[n++] = (NameValue){"x-amz-security-token", call->credentials->session_token};
    CHECK(operation->n_headers <= S3_CALL_MAX_PAIRS);
    for (size_t i = 0; i < operation->n_headers; i++)
        headers[n++] = operation->headers[i];
    SigRequest request = {.method = operation->method,
                          .path = address->path,
                          .query = call->query,
                          .headers = headers,
                          .n_headers = n,
                          .payload_hash = call->payload_hash};
    SigScope scope = {.access_key = call->credentials->access_key,
                      .secret_key = call->credentials->secret_key,
                      .region = region,
                      .service = "s3",
                      .date = date,
                      .key = &call->credentials->key};
    Buffer authorization;
    buffer_init(&authorization, 0);
    sigv4_sign(&request, &scope, &authorization);
    const char **lines = ARENA_ARRAY(&call->arena, const char *, n + 2);
    for (size_t i = 0; i < n; i++)
        lines[i] = arena_printf(&call->arena, "%s: %s", headers[i].name, headers[i].value);
    lines[n] = arena_printf(&call->arena, "Authorization: %s", buffer_text(&authorization));
    buffer_done(&authorization);
    return lines;
}

static void wipe_lines(const char **lines)
{
    for (; *lines; lines++)
        OPENSSL_cleanse((char *)(uintptr_t)*lines, strlen(*lines));
}

static unsigned deadline_ms(const S3Call *call, double left_s)
{
    double extra = (double)(call->operation.body_size + call->operation.sink_size) / (double)SLOWEST_BYTES_PER_SECOND;
    double seconds = left_s > extra ? left_s : extra;
    return seconds < 0.001 ? 1 : seconds > 86400 ? 86400000u : (unsigned)(seconds * 1000);
}

static int seconds_for(const S3Call *call)
{
    return call->operation.hasty ? HASTY_SECONDS : call->settings->deadline_seconds;
}

/* Hands the next try over. */
static Status send_try(S3Call *call, double left_s, Error *err)
{
    const S3Operation *operation = &call->operation;
    const S3Settings *settings = call->settings;
    const char *region = region_of(call);
    S3Address address;
    TRY(s3_address(settings, &operation->name, region, &call->arena, &address, err));
    const char **lines = sign(call, &address, region);
    unsigned stall = operation->stall_seconds ? operation->stall_seconds : (unsigned)settings->stall_seconds;
    stall = operation->hasty && stall > HASTY_SECONDS ? HASTY_SECONDS : stall;
    unsigned connect_ms = stall * 1000 < MAX_CONNECT_MS ? stall * 1000 : MAX_CONNECT_MS;
    ExchangeRequest request = {.method = operation->method,
                               .url = arena_printf(&call->arena, "%s%s%s%s", address.origin, address.path,
                                                   *call->query ? "?" : "", call->query),
                               .headers = lines,
                               .body = operation->body,
                               .body_size = operation->body_size,
                               .sink = operation->sink,
                               .sink_size = operation->sink_size,
                               .max_body = operation->max_answer,
                               .ca_bundle = settings->ca_bundle,
                               .connect_ms = connect_ms,
                               .stall_seconds = stall,
                               .deadline_ms = deadline_ms(call, left_s)};
    call->attempts++;
    Status status = transport_start(&request, &call->exchange, err);
    wipe_lines(lines);
    return status;
}

static const NameValue *copy_pairs(const NameValue *pairs, size_t n, Arena *arena)
{
    NameValue *copy = ARENA_ARRAY(arena, NameValue, n + 1);
    for (size_t i = 0; i < n; i++)
        copy[i] = (NameValue){lower_case(pairs[i].name, arena), arena_strdup(arena, pairs[i].value)};
    return copy;
}

static Status prepare(S3Call *call, const S3Operation *operation, Error *err)
{
    TRY(s3_settings(&call->settings, err));
    TRY(credentials_get(call->settings, &call->credentials, err));
    Arena *arena = &call->arena;
    call->operation = *operation;
    call->operation.path = arena_strdup(arena, operation->path);
    call->operation.name.bucket = arena_strdup(arena, operation->name.bucket);
    call->operation.name.key = arena_strdup(arena, operation->name.key);
    call->operation.headers = copy_pairs(operation->headers, operation->n_headers, arena);
    Buffer query;
    buffer_init(&query, 0);
    sigv4_append_query(&query, operation->query, operation->n_query);
    call->query = arena_strdup(arena, buffer_text(&query));
    buffer_done(&query);
    if (operation->body_size)
        digest_sha256_text(operation->body, operation->body_size, call->payload_hash);
    else
        memcpy(call->payload_hash, EMPTY_SHA256, SHA256_TEXT_SIZE);
    return send_try(call, seconds_for(call), err);
}

Status s3_start(const S3Operation *operation, S3Call **ret_call, Error *err)
{
    S3Call *call = mem_zalloc(sizeof *call);
    arena_init(&call->arena);
    Status status = prepare(call, operation, err);
    if (status != STATUS_OK) {
        error_at_file(err, operation->path);
        s3_call_free(call);
        return status;
    }
    *ret_call = call;
    return STATUS_OK;
}

/* ---- Tries and pauses ---- */

static double random_share(void)
{
    uint32_t bits = 0;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits)
        bits = (uint32_t)(clock_seconds() * 1e9);
    return (double)bits / 4294967296.0;
}

static Status pause_for(double seconds, bool hasty, Error *err)
{
    for (double end = clock_seconds() + seconds, left; (left = end - clock_seconds()) > 0;) {
        if (!hasty)
            TRY(interrupt_check(err));
        left = left < PAUSE_SLICE_S ? left : PAUSE_SLICE_S;
        struct timespec slice = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
        nanosleep(&slice, NULL);
    }
    return STATUS_OK;
}

/* Whether an answer of this length is all of the object. */
static bool is_whole(const S3Call *call, int http, size_t size)
{
    const char *range = http == 206 ? exchange_header(call->exchange, "Content-Range") : NULL;
    const char *total = range ? strchr(range, '/') : NULL;
    return http == 200 || (total && strtoull(total + 1, NULL, 10) == size);
}

/* ETag: the MD5 in quotes, where no key service is at work and the object came in one piece.  A server may have other
 * ETags of the same look: when two tries bring the same bytes, it is the ETag that is no MD5. */
static bool fits_etag(S3Call *call, const void *bytes, size_t size)
{
    const char *etag = exchange_header(call->exchange, "ETag");
    const char *sse = exchange_header(call->exchange, "x-amz-server-side-encryption");
    if (!etag || strlen(etag) != MD5_TEXT_SIZE + 1 || strspn(etag + 1, "0123456789abcdef") != MD5_TEXT_SIZE - 1 ||
        (sse && strcmp(sse, "AES256") != 0))
        return true;
    char text[MD5_TEXT_SIZE];
    digest_md5_text(bytes, size, text);
    if (memcmp(text, etag + 1, MD5_TEXT_SIZE - 1) == 0 || strcmp(text, call->unfit_md5) == 0)
        return true;
    memcpy(call->unfit_md5, text, sizeof text);
    return false;
}

/* Whether the body is what the server's checksum says; true where it gives none. */
static bool is_intact(S3Call *call, const ExchangeAnswer *answer)
{
    const void *bytes = call->operation.sink ? call->operation.sink : (const void *)answer->body.data;
    size_t size = call->operation.sink ? answer->sunk : answer->body.size;
    if (!is_whole(call, answer->http, size))
        return true;
    const char *crc = exchange_header(call->exchange, "x-amz-checksum-crc32c");
    if (crc && strlen(crc) == CRC32C_TEXT_SIZE - 1) { /* a longer one is that of parts */
        char text[CRC32C_TEXT_SIZE];
        digest_crc32c_text(bytes, size, text);
        return strcmp(text, crc) == 0;
    }
    return fits_etag(call, bytes, size);
}

static bool is_expected(const S3Operation *operation, int http)
{
    for (const int *code = operation->expected; code && *code; code++)
        if (*code == http)
            return true;
    return false;
}

/* What one try came to. */
typedef struct Verdict {
    bool done;       /* the answer stands */
    S3Remedy remedy; /* else */
    S3Refusal refusal;
    const char *trouble; /* no answer, or a broken one: why; NULL: refused */
    bool untrusted;      /* because of its certificate */
} Verdict;

static void judge(S3Call *call, const ExchangeAnswer *answer, Verdict *verdict)
{
    *verdict = (Verdict){.remedy = S3_TRY_AGAIN};
    if (answer->outcome != EXCHANGE_ANSWERED) {
        verdict->trouble = arena_strdup(&call->arena, answer->trouble);
        verdict->untrusted = answer->outcome == EXCHANGE_UNTRUSTED;
        if (answer->outcome == EXCHANGE_REFUSED || verdict->untrusted)
            verdict->remedy = S3_GIVE_UP;
        if (answer->outcome == EXCHANGE_BROKEN)
            call->unknown_outcome = true;
        return;
    }
    bool success = answer->http >= 200 && answer->http < 300;
    if (success && call->operation.verify && !is_intact(call, answer)) {
        verdict->trouble = "the bytes that arrived do not have the checksum the server gives";
        return;
    }
    S3Refusal *refusal = &verdict->refusal;
    refusal->http = answer->http;
    refusal->region = exchange_header(call->exchange, "x-amz-bucket-region");
    s3_refusal_read(answer->body, &call->arena, refusal);
    /* Completing an upload may say 200 and the error in the body. */
    verdict->done = (success && !*refusal->code) ||
                    (is_expected(&call->operation, answer->http) && strcmp(refusal->code, "NoSuchBucket") != 0);
    if (verdict->done)
        return;
    if (success)
        refusal->http = 500;
    verdict->remedy = s3_refusal_remedy(refusal, call->operation.conditional);
    if (answer->http >= 500)
        call->unknown_outcome = true; /* it may have been done all the same */
}

static bool set_clock(S3Call *call)
{
    const char *date = exchange_header(call->exchange, "Date");
    int64_t server_ms;
    if (call->clock_set || !date || !instant_from_http(date, &server_ms))
        return false;
    int64_t skew = server_ms / 1000 - (int64_t)time(NULL), before = atomic_exchange(&clock_skew_s, skew);
    call->clock_set = true;
    if (before == 0) {
        CLEANUP(mem_cleanup)
        char *text =
            mem_printf("this machine's clock is %lld s %s the S3 server's: requests are dated by the server's clock",
                       (long long)(skew < 0 ? -skew : skew), skew < 0 ? "ahead of" : "behind");
        storage_notice(text);
    }
    return true;
}

static bool other_region(S3Call *call, const char *region)
{
    size_t n = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (call->region_changes == MAX_REGION_CHANGES || n == 0 || n > 40 || region[n] != '\0' ||
        strcmp(region, region_of(call)) == 0)
        return false;
    call->region_changes++;
    call->region = arena_strdup(&call->arena, region);
    learn_region(call->operation.name.bucket, region);
    return true;
}

static bool new_credentials(S3Call *call)
{
    Credentials *newer = NULL;
    Error ignored;
    error_init(&ignored);
    if (call->renewed || credentials_renew(call->settings, call->credentials, &newer, &ignored) != STATUS_OK || !newer)
        return false;
    credentials_unref(call->credentials);
    call->credentials = newer;
    call->renewed = true;
    return true;
}

static bool can_mend(S3Call *call, const Verdict *verdict)
{
    switch (verdict->remedy) {
    case S3_OTHER_REGION:
        return other_region(call, verdict->refusal.region);
    case S3_SET_CLOCK:
        return set_clock(call);
    case S3_NEW_CREDENTIALS:
        return new_credentials(call);
    case S3_GIVE_UP:
    case S3_TRY_AGAIN:
        break;
    }
    return false;
}

static Status failed(S3Call *call, const Verdict *verdict, const char *why_no_more, Error *err)
{
    const S3Operation *operation = &call->operation;
    if (!verdict->trouble) {
        s3_refusal_error(&verdict->refusal, operation, call->credentials->access_key, call->credentials->source, err);
    } else {
        error_set(err, STATUS_IO, "%s failed: %s", operation->action, verdict->trouble);
        error_at_file(err, operation->path);
        if (verdict->untrusted)
            error_hint(err, "AWS_CA_BUNDLE names the file of certificates to trust; a name that the certificate does "
                            "not have is a mistake in the endpoint");
        else if (call->settings->endpoint)
            error_hint(err, "check the network and the endpoint %s", call->settings->endpoint);
        else
            error_hint(err, "check the network, proxies on the way and AWS_REGION (%s)", region_of(call));
    }
    if (*why_no_more) {
        size_t n = strlen(err->message);
        snprintf(err->message + n, sizeof err->message - n, " (%s after %d attempts)", why_no_more, call->attempts);
    }
    return err->code;
}

static double pause_before(const S3Call *call)
{
    double longest = FIRST_PAUSE_S;
    for (int i = 1; i < call->attempts && longest < LONGEST_PAUSE_S; i++)
        longest *= 2;
    longest = longest < LONGEST_PAUSE_S ? longest : LONGEST_PAUSE_S;
    double pause = longest * random_share();
    const char *text = exchange_header(call->exchange, "Retry-After");
    double asked = text ? strtod(text, NULL) : 0;
    if (asked > 0 && asked <= LONGEST_PAUSE_S)
        pause += asked;
    return pause;
}

/* Waits out the pause and sends the next try, unless attempts or time are used up. */
static Status try_again(S3Call *call, const Verdict *verdict, double deadline, bool mended, Error *err)
{
    double pause = mended ? 0 : pause_before(call);
    int most = call->operation.hasty ? HASTY_ATTEMPTS : call->settings->max_attempts;
    if (call->attempts >= most)
        return failed(call, verdict, "given up", err);
    if (clock_seconds() + pause >= deadline)
        return failed(call, verdict, "the deadline has passed", err);
    TRY(pause_for(pause, call->operation.hasty, err));
    transport_free(call->exchange);
    call->exchange = NULL;
    atomic_fetch_add(&count_retries, 1);
    return send_try(call, deadline - clock_seconds(), err);
}

Status s3_finish(S3Call *call, S3Answer *ret_answer, Error *err)
{
    double deadline = clock_seconds() + seconds_for(call);
    for (;;) {
        ExchangeAnswer answer;
        if (!transport_wait(call->exchange, !call->operation.hasty, &answer))
            return error_set(err, STATUS_INTERRUPTED, "interrupted");
        bool repeated = call->unknown_outcome;
        Verdict verdict;
        judge(call, &answer, &verdict);
        if (verdict.done) {
            *ret_answer =
                (S3Answer){.http = answer.http, .body = answer.body, .sunk = answer.sunk, .repeated = repeated};
            return STATUS_OK;
        }
        bool mended = can_mend(call, &verdict);
        if (!mended && verdict.remedy != S3_TRY_AGAIN)
            return failed(call, &verdict, "", err);
        TRY(try_again(call, &verdict, deadline, mended, err));
    }
}

Status s3_call(const S3Operation *operation, S3Call **ret_call, S3Answer *ret_answer, Error *err)
{
    S3Call *call;
    TRY(s3_start(operation, &call, err));
    Status status = s3_finish(call, ret_answer, err);
    if (status != STATUS_OK) {
        s3_call_free(call);
        return status;
    }
    *ret_call = call;
    return STATUS_OK;
}

const char *s3_call_header(const S3Call *call, const char *name)
{
    return exchange_header(call->exchange, name);
}

void s3_call_free(S3Call *call)
{
    if (!call)
        return;
    transport_free(call->exchange);
    credentials_unref(call->credentials);
    arena_done(&call->arena);
    mem_free(call);
}

void s3_call_cleanup(S3Call **call)
{
    s3_call_free(*call);
}
