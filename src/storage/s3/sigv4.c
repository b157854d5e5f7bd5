/* AWS Signature Version 4; see sigv4.h.
 *
 *   canonical request   method, path, query, headers (lower case, sorted, blanks squeezed), their names, payload hash
 *   string to sign      algorithm, instant, scope (day/region/service), hash of the canonical request
 *   signing key         HMAC over HMAC: secret, day, region, service; good for a day
 *   signature           HMAC of the string to sign
 *
 * S3's form: the path is encoded once and never normalised ("a//b" and "a/../b" are keys), so the caller hands in what
 * it sends.  Implements the AWS General Reference's "Signature Version 4 signing process". */
#include "storage/s3/sigv4.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_SIGNED_HEADERS 40

void sig_key_init(SigKey *key)
{
    *key = (SigKey){.mutex = PTHREAD_MUTEX_INITIALIZER};
}

void sig_key_done(SigKey *key)
{
    OPENSSL_cleanse(key->key, sizeof key->key);
    pthread_mutex_destroy(&key->mutex);
}

void sigv4_format_date(int64_t unix_seconds, char text[SIGV4_DATE_SIZE])
{
    time_t instant = (time_t)unix_seconds;
    struct tm parts;
    gmtime_r(&instant, &parts);
    strftime(text, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &parts);
}

void sigv4_append_encoded(Buffer *buffer, const char *text, bool keep_slashes)
{
    for (const char *c = text; *c; c++) {
        unsigned char u = (unsigned char)*c;
        bool plain = (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '-' ||
                     u == '.' || u == '_' || u == '~' || (u == '/' && keep_slashes);
        if (plain)
            buffer_append_byte(buffer, u);
        else
            buffer_printf(buffer, "%%%02X", u);
    }
}

/* "name" '\1' "value" sorts by encoded name and then by encoded value: every byte of an encoded text is larger than '\1'. */
void sigv4_append_query(Buffer *buffer, const NameValue *pairs, size_t n)
{
    char **texts = mem_zalloc(sizeof *texts * (n + 1));
    for (size_t i = 0; i < n; i++) {
        Buffer text;
        buffer_init(&text, 0);
        sigv4_append_encoded(&text, pairs[i].name, false);
        buffer_append_byte(&text, 1);
        sigv4_append_encoded(&text, pairs[i].value ? pairs[i].value : "", false);
        texts[i] = mem_strdup(buffer_text(&text));
        buffer_done(&text);
    }
    qsort(texts, n, sizeof *texts, text_compare);
    for (size_t i = 0; i < n; i++) {
        *strchr(texts[i], 1) = '=';
        if (i > 0)
            buffer_append_byte(buffer, '&');
        buffer_append_text(buffer, texts[i]);
        mem_free(texts[i]);
    }
    mem_free(texts);
}

typedef struct Header {
    char name[64]; /* lower case */
    const char *value;
    size_t order; /* as given: values of one name keep it */
} Header;

static int compare_headers(const void *a, const void *b)
{
    const Header *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static size_t sort_headers(const SigRequest *request, Header *headers)
{
    CHECK(request->n_headers <= MAX_SIGNED_HEADERS);
    for (size_t i = 0; i < request->n_headers; i++) {
        const char *name = request->headers[i].name;
        CHECK(strlen(name) < sizeof headers[i].name);
        headers[i] = (Header){.value = request->headers[i].value, .order = i};
        for (size_t k = 0; name[k]; k++)
            headers[i].name[k] = (char)(name[k] >= 'A' && name[k] <= 'Z' ? name[k] + 32 : name[k]);
    }
    qsort(headers, request->n_headers, sizeof *headers, compare_headers);
    return request->n_headers;
}

/* Without blanks at the ends, runs of blanks as one. */
static void append_squeezed(Buffer *buffer, const char *value)
{
    bool blank = false, started = false;
    for (const char *c = value; *c; c++) {
        if (*c == ' ' || *c == '\t') {
            blank = true;
            continue;
        }
        if (blank && started)
            buffer_append_byte(buffer, ' ');
        buffer_append_byte(buffer, (uint8_t)*c);
        blank = false;
        started = true;
    }
}

static void append_header_names(Buffer *buffer, const Header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(headers[i].name, headers[i - 1].name) == 0)
            continue;
        if (i > 0)
            buffer_append_byte(buffer, ';');
        buffer_append_text(buffer, headers[i].name);
    }
}

static void append_canonical(Buffer *buffer, const SigRequest *request, const Header *headers, size_t n)
{
    buffer_printf(buffer, "%s\n%s\n%s\n", request->method, request->path, request->query);
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && strcmp(headers[i].name, headers[i - 1].name) == 0;
        if (again)
            buffer_append_byte(buffer, ',');
        else
            buffer_printf(buffer, "%s%s:", i ? "\n" : "", headers[i].name);
        append_squeezed(buffer, headers[i].value);
    }
    buffer_append_text(buffer, "\n\n");
    append_header_names(buffer, headers, n);
    buffer_printf(buffer, "\n%s", request->payload_hash);
}

void sigv4_append_canonical(Buffer *buffer, const SigRequest *request)
{
    Header headers[MAX_SIGNED_HEADERS];
    size_t n = sort_headers(request, headers);
    append_canonical(buffer, request, headers, n);
}

/* The day's signing key, from the cache where it still fits. */
static void signing_key(const SigScope *scope, const char *scope_text, uint8_t key[SHA256_BYTES])
{
    pthread_mutex_lock(&scope->key->mutex);
    if (strcmp(scope->key->scope, scope_text) != 0) {
        CLEANUP(mem_cleanup) char *first = mem_printf("AWS4%s", scope->secret_key);
        uint8_t *mac = scope->key->key;
        digest_hmac_sha256(first, strlen(first), scope->date, 8, mac);
        digest_hmac_sha256(mac, SHA256_BYTES, scope->region, strlen(scope->region), mac);
        digest_hmac_sha256(mac, SHA256_BYTES, scope->service, strlen(scope->service), mac);
        digest_hmac_sha256(mac, SHA256_BYTES, "aws4_request", 12, mac);
        OPENSSL_cleanse(first, strlen(first));
        snprintf(scope->key->scope, sizeof scope->key->scope, "%s", scope_text);
    }
    memcpy(key, scope->key->key, SHA256_BYTES);
    pthread_mutex_unlock(&scope->key->mutex);
}

void sigv4_sign(const SigRequest *request, const SigScope *scope, Buffer *authorization)
{
    Header headers[MAX_SIGNED_HEADERS];
    size_t n = sort_headers(request, headers);
    Buffer text;
    buffer_init(&text, 0);
    append_canonical(&text, request, headers, n);
    char hash[SHA256_TEXT_SIZE], scope_text[sizeof scope->key->scope];
    digest_sha256_text(text.data, text.size, hash);
    int length = snprintf(scope_text, sizeof scope_text, "%.8s/%s/%s", scope->date, scope->region, scope->service);
    CHECK(length > 0 && (size_t)length < sizeof scope_text);

    uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];
    signing_key(scope, scope_text, key);
    buffer_clear(&text);
    buffer_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s/aws4_request\n%s", scope->date, scope_text, hash);
    digest_hmac_sha256(key, sizeof key, text.data, text.size, mac);
    OPENSSL_cleanse(key, sizeof key);
    buffer_done(&text);

    char signature[SHA256_TEXT_SIZE];
    digest_hex(mac, sizeof mac, signature);
    buffer_printf(authorization, "AWS4-HMAC-SHA256 Credential=%s/%s/aws4_request, SignedHeaders=", scope->access_key,
                  scope_text);
    append_header_names(authorization, headers, n);
    buffer_printf(authorization, ", Signature=%s", signature);
}
