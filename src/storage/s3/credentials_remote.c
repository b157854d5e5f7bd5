/* Credentials that a server hands out: STS for a web identity, the container's endpoint, the EC2 instance's metadata.
 *
 * Answers are read whole into a wiped buffer.  Metadata addresses are asked directly, never through a proxy, and plain
 * http is only accepted to this machine and to the fixed link-local addresses of ECS and EKS: a variable of the
 * environment must not be able to send the token elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "storage/s3/credentials_internal.h"
#include "storage/s3/transport.h"
#include "storage/s3/xml.h"

#define MAX_ANSWER ((size_t)64 << 10)
#define MAX_TOKEN ((size_t)32 << 10)
#define ATTEMPTS 3
#define PAUSE_US 200000

typedef struct Fetch {
    const char *method;
    const char *url;
    const char *headers[4];
    const char *body;
    const char *ca_bundle;
    const char *what; /* for errors: "the EC2 metadata service" */
    unsigned timeout_ms;
    int attempts;
    bool direct;
} Fetch;

typedef struct Fetched {
    bool answered;
    int http;
    Buffer body;
    char trouble[200];
} Fetched;

static void fetched_done(Fetched *fetched)
{
    if (fetched->body.data)
        OPENSSL_cleanse(fetched->body.data, fetched->body.size);
    buffer_done(&fetched->body);
}

static Status fetch_once(const Fetch *fetch, Fetched *fetched, Error *err)
{
    ExchangeRequest request = {.method = fetch->method,
                               .url = fetch->url,
                               .headers = fetch->headers,
                               .body = fetch->body,
                               .body_size = fetch->body ? strlen(fetch->body) : 0,
                               .max_body = MAX_ANSWER,
                               .ca_bundle = fetch->ca_bundle,
                               .connect_ms = fetch->timeout_ms,
                               .deadline_ms = fetch->timeout_ms,
                               .stall_seconds = fetch->timeout_ms / 1000 + 1,
                               .direct = fetch->direct};
    Exchange *exchange;
    ExchangeAnswer answer;
    TRY(transport_start(&request, &exchange, err));
    if (!transport_wait(exchange, true, &answer)) {
        transport_free(exchange);
        return error_set(err, STATUS_INTERRUPTED, "interrupted");
    }
    buffer_clear(&fetched->body);
    fetched->answered = answer.outcome == EXCHANGE_ANSWERED;
    fetched->http = answer.http;
    buffer_append(&fetched->body, answer.body.data, answer.body.size);
    snprintf(fetched->trouble, sizeof fetched->trouble, "%s", answer.trouble);
    if (answer.body.size)
        OPENSSL_cleanse((char *)(uintptr_t)answer.body.data, answer.body.size);
    transport_free(exchange);
    return STATUS_OK;
}

/* Tries again where nobody or a broken server answered; the last outcome is *fetched. */
static Status ask(const Fetch *fetch, Fetched *fetched, Error *err)
{
    buffer_init(&fetched->body, 2 * MAX_ANSWER);
    for (int attempt = 1;; attempt++) {
        TRY(fetch_once(fetch, fetched, err));
        if ((fetched->answered && fetched->http < 500 && fetched->http != 429) || attempt == fetch->attempts)
            return STATUS_OK;
        usleep(PAUSE_US << attempt);
    }
}

static Status refused(const Fetch *fetch, const Fetched *fetched, const char *detail, const char *hint, Error *err)
{
    if (!fetched->answered)
        error_set(err, STATUS_IO, "%s does not answer: %s", fetch->what, fetched->trouble);
    else
        error_set(err, STATUS_CONFIG, "%s gives no credentials: HTTP %d%s%s", fetch->what, fetched->http,
                  *detail ? ", " : "", detail);
    return error_hint(err, "%s", hint);
}

/* A small file with a secret token: its text without the blanks at its end, in `arena`; the caller wipes it. */
static Status read_token(const char *path, Arena *arena, char **ret_token, Error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set_errno(err, errno, "opening the identity token failed");
        return error_at_file(err, path);
    }
    char *token = arena_zalloc(arena, MAX_TOKEN + 1);
    ssize_t n = read(fd, token, MAX_TOKEN);
    close(fd);
    while (n > 0 && strchr(" \r\n\t", token[n - 1]))
        token[--n] = '\0';
    if (n <= 0 || strpbrk(token, "\r\n")) {
        error_set(err, STATUS_CONFIG, "the file holds no identity token in one line");
        return error_at_file(err, path);
    }
    *ret_token = token;
    return STATUS_OK;
}

/* ---- STS ---- */

static void append_form(Buffer *form, const char *name, const char *value)
{
    buffer_printf(form, "&%s=", name);
    sigv4_append_encoded(form, value, false);
}

static Status parse_role(const Fetch *fetch, const Fetched *fetched, Arena *arena, Credentials **ret_credentials,
                         Error *err)
{
#define IN_ANSWER "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/"
    StrView xml = {(const char *)fetched->body.data, (uint32_t)fetched->body.size};
    const char *access_key = xml_find(xml, IN_ANSWER "AccessKeyId", arena);
    const char *secret_key = xml_find(xml, IN_ANSWER "SecretAccessKey", arena);
    const char *token = xml_find(xml, IN_ANSWER "SessionToken", arena);
    const char *expiration = xml_find(xml, IN_ANSWER "Expiration", arena);
#undef IN_ANSWER
    int64_t expires_ms;
    if (!fetched->answered || fetched->http != 200 || !access_key || !secret_key || !token || !expiration ||
        !instant_from_iso(expiration, &expires_ms)) {
        const char *code = fetched->answered ? xml_find(xml, "ErrorResponse/Error/Code", arena) : NULL;
        return refused(fetch, fetched, code ? code : "",
                       "check AWS_ROLE_ARN, the token's file and the role's trust policy", err);
    }
    *ret_credentials = credentials_new(access_key, secret_key, token, expires_ms / 1000, "a web identity");
    return STATUS_OK;
}

static void wipe_arena_text(const char *text)
{
    OPENSSL_cleanse((char *)(uintptr_t)text, strlen(text));
}

Status credentials_web_identity(const S3Settings *settings, const char *role, const char *token_file,
                                const char *session, Credentials **ret_credentials, Error *err)
{
    Arena arena;
    arena_init(&arena);
    char *token = NULL;
    Status status = read_token(token_file, &arena, &token, err);
    if (status != STATUS_OK) {
        arena_done(&arena);
        return status;
    }
    const char *url = settings->sts_endpoint ? arena_printf(&arena, "%s/", settings->sts_endpoint)
                                             : arena_printf(&arena, "https://sts.%s.amazonaws.com%s/", settings->region,
                                                            strncmp(settings->region, "cn-", 3) == 0 ? ".cn" : "");
    Buffer form;
    buffer_init(&form, 0);
    buffer_append_text(&form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
    append_form(&form, "RoleArn", role);
    append_form(&form, "RoleSessionName", session);
    append_form(&form, "WebIdentityToken", token);
    Fetch request = {.method = "POST",
                     .url = url,
                     .headers = {"Content-Type: application/x-www-form-urlencoded"},
                     .body = buffer_text(&form),
                     .ca_bundle = settings->ca_bundle,
                     .what = "STS",
                     .timeout_ms = 10000,
                     .attempts = ATTEMPTS};
    Fetched fetched = {0};
    status = ask(&request, &fetched, err);
    if (status == STATUS_OK)
        status = parse_role(&request, &fetched, &arena, ret_credentials, err);
    fetched_done(&fetched);
    wipe_arena_text(token);
    OPENSSL_cleanse(form.data, form.size);
    buffer_done(&form);
    arena_done(&arena);
    return status;
}

/* ---- Containers and instances: JSON ---- */

static Status parse_json(const Fetch *fetch, const Fetched *fetched, const char *source, const char *hint,
                         Credentials **ret_credentials, Error *err)
{
    json_t *root = fetched->answered && fetched->http == 200
                       ? json_loadb((const char *)fetched->body.data, fetched->body.size, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    const char *access_key = json_string_value(json_object_get(root, "AccessKeyId"));
    const char *secret_key = json_string_value(json_object_get(root, "SecretAccessKey"));
    const char *token = json_string_value(json_object_get(root, "Token"));
    const char *expiration = json_string_value(json_object_get(root, "Expiration"));
    int64_t expires_ms = 0;
    bool good = access_key && secret_key && (!expiration || instant_from_iso(expiration, &expires_ms));
    if (good)
        *ret_credentials = credentials_new(access_key, secret_key, token, expires_ms / 1000, source);
    if (secret_key)
        wipe_arena_text(secret_key);
    json_decref(root);
    return good ? STATUS_OK : refused(fetch, fetched, "", hint, err);
}

/* Whether plain http may be used to this address. */
static bool is_trusted_http(const char *url)
{
    static const char *const hosts[] = {"localhost",     "127.0.0.1",      "[::1]",
                                        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    if (strncmp(url, "http://", 7) != 0)
        return false;
    const char *host = url + 7;
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#@");
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
        if (strlen(hosts[i]) == n && strncasecmp(hosts[i], host, n) == 0 && strchr(":/?#", host[n]))
            return true;
    return false;
}

static Status container_token(Arena *arena, const char **ret_header, Error *err)
{
    const char *file = environment_text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = environment_text("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file) {
        char *text;
        TRY(read_token(file, arena, &text, err));
        token = text;
    }
    if (token && strpbrk(token, "\r\n"))
        return error_set(err, STATUS_CONFIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line");
    *ret_header = token ? arena_printf(arena, "Authorization: %s", token) : NULL;
    return STATUS_OK;
}

static Status ask_container(const char *url, Arena *arena, Credentials **ret_credentials, Error *err)
{
    const char *header = NULL;
    TRY(container_token(arena, &header, err));
    Fetch request = {.method = "GET",
                     .url = url,
                     .headers = {header},
                     .what = "the container's credentials endpoint",
                     .timeout_ms = 2000,
                     .attempts = ATTEMPTS,
                     .direct = true};
    Fetched fetched = {0};
    Status status = ask(&request, &fetched, err);
    if (status == STATUS_OK)
        status = parse_json(&request, &fetched, "the container's role",
                            "check the task's or pod's role, and AWS_CONTAINER_CREDENTIALS_*", ret_credentials, err);
    fetched_done(&fetched);
    if (header)
        wipe_arena_text(header);
    return status;
}

Status credentials_container(Credentials **ret_credentials, Error *err)
{
    const char *relative = environment_text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = environment_text("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative && !full)
        return STATUS_OK;
    if (!relative && strncmp(full, "https://", 8) != 0 && !is_trusted_http(full)) {
        error_set(err, STATUS_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI names another machine without https");
        return error_hint(err, "it takes https://..., or http:// to this machine or to 169.254.170.2 or .23");
    }
    Arena arena;
    arena_init(&arena);
    const char *url =
        relative ? arena_printf(&arena, "http://169.254.170.2%s%s", *relative == '/' ? "" : "/", relative) : full;
    Status status = ask_container(url, &arena, ret_credentials, err);
    arena_done(&arena);
    return status;
}

static unsigned metadata_number(const char *variable, unsigned fallback)
{
    const char *text = environment_text(variable);
    unsigned long value = text ? strtoul(text, NULL, 10) : 0;
    return value >= 1 && value <= 60 ? (unsigned)value : fallback;
}

static const char *metadata_service(void)
{
    const char *endpoint = environment_text("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = environment_text("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (endpoint)
        return endpoint;
    return mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

/* Token, role's name, its credentials: three requests.  Nobody there, or no role: no credentials, which is no error. */
static Status ask_instance(Fetch *request, Arena *arena, Credentials **ret_credentials, Error *err)
{
    const char *service = metadata_service();
    size_t n = strlen(service);
    while (n > 0 && service[n - 1] == '/')
        n--;
    Fetched CLEANUP(fetched_done) token = {0}, CLEANUP(fetched_done) role = {0}, CLEANUP(fetched_done) keys = {0};
    request->method = "PUT";
    request->url = arena_printf(arena, "%.*s/latest/api/token", (int)n, service);
    request->headers[0] = "X-aws-ec2-metadata-token-ttl-seconds: 21600";
    TRY(ask(request, &token, err));
    if (!token.answered || token.http != 200 || strpbrk(buffer_text(&token.body), "\r\n"))
        return STATUS_OK;
    const char *header = arena_printf(arena, "X-aws-ec2-metadata-token: %s", buffer_text(&token.body));
    request->method = "GET";
    request->url = arena_printf(arena, "%.*s/latest/meta-data/iam/security-credentials/", (int)n, service);
    request->headers[0] = header;
    TRY(ask(request, &role, err));
    if (!role.answered || role.http != 200 || role.body.size == 0)
        return STATUS_OK;
    const char *name = buffer_text(&role.body);
    request->url = arena_printf(arena, "%s%.*s", request->url, (int)strcspn(name, "\r\n"), name);
    TRY(ask(request, &keys, err));
    wipe_arena_text(header);
    return parse_json(request, &keys, "the EC2 instance's role", "check the role of the instance's profile",
                      ret_credentials, err);
}

Status credentials_instance(Credentials **ret_credentials, Error *err)
{
    const char *disabled = environment_text("AWS_EC2_METADATA_DISABLED");
    if (disabled && strcasecmp(disabled, "true") == 0)
        return STATUS_OK;
    Arena arena;
    arena_init(&arena);
    Fetch request = {.what = "the EC2 metadata service",
                     .timeout_ms = 1000 * metadata_number("AWS_METADATA_SERVICE_TIMEOUT", 1),
                     .attempts = (int)metadata_number("AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1),
                     .direct = true};
    Status status = ask_instance(&request, &arena, ret_credentials, err);
    arena_done(&arena);
    return status;
}
