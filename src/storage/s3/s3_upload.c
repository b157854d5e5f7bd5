/* PUT and multipart uploads; see s3_upload.h.
 *
 * What is there after a doubtful answer.  A PUT with If-None-Match may have been done although its answer was lost; the
 * next try then says 412, and libcurl itself repeats a request whose connection died before the first byte of an answer.
 * So on every 412, and when all tries have failed, the object is asked: the mark of our write means that it was done.  A server that
 * drops metadata is asked by ETag, and only after a lost answer: the same bytes by chance are nobody's loss then.
 *
 * Completing twice says NoSuchUpload the second time; the object decides there, too.
 *
 * Uploads that were begun stand in a registry until they are completed or aborted, so that an interrupt can abort them: S3
 * keeps (and charges for) the parts of an upload until then.  What a killed process leaves is aborted by storage_clean
 * after a day, and by the bucket's lifecycle rule where there is one. */
#include "storage/s3/s3_upload.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/fault.h"
#include "storage/s3/xml.h"

#define COMPLETE_STALL_SECONDS 120 /* S3 may think for minutes about a large one */

typedef struct UploadedPart {
    char *etag;
    char crc[CRC32C_TEXT_SIZE];
} UploadedPart;

struct S3Upload {
    const S3Target *target;
    char *id;
    UploadedPart *parts; /* [0] is part 1 */
    unsigned n_parts;
    S3Upload *previous, *next; /* registry */
};

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static S3Upload *registry;

void s3_mark_make(char mark[S3_MARK_SIZE])
{
    uint8_t bytes[(S3_MARK_SIZE - 1) / 2];
    CHECK(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
    digest_hex(bytes, sizeof bytes, mark);
}

static void registry_add(S3Upload *upload)
{
    pthread_mutex_lock(&registry_mutex);
    upload->next = registry;
    if (registry)
        registry->previous = upload;
    registry = upload;
    pthread_mutex_unlock(&registry_mutex);
}

static void registry_remove(S3Upload *upload)
{
    pthread_mutex_lock(&registry_mutex);
    if (upload->previous)
        upload->previous->next = upload->next;
    else
        registry = upload->next;
    if (upload->next)
        upload->next->previous = upload->previous;
    pthread_mutex_unlock(&registry_mutex);
}

/* ---- Headers of a write ---- */

/* Mark and encryption: what goes with a PUT and with the beginning of an upload. */
static size_t add_write_headers(const S3Target *target, const S3Settings *settings, NameValue *headers, size_t n)
{
    headers[n++] = (NameValue){S3_MARK_HEADER, target->mark};
    if (settings->sse)
        headers[n++] = (NameValue){"x-amz-server-side-encryption", settings->sse};
    if (settings->sse_kms_key)
        headers[n++] = (NameValue){"x-amz-server-side-encryption-aws-kms-key-id", settings->sse_kms_key};
    return n;
}

/* ---- What is there ---- */

/* Whether what lies at the target is this write; `md5` is that of its bytes, "" where it has none. */
static bool is_ours(const S3Target *target, const char *md5, bool hasty)
{
    Error ignored;
    error_init(&ignored);
    Arena arena;
    arena_init(&arena);
    S3Head head;
    bool ours = false;
    if (s3_head(target->path, &target->name, hasty, &arena, &head, &ignored) == STATUS_OK && head.facts.exists)
        ours = *head.mark ? strcmp(head.mark, target->mark) == 0
                          : *md5 && strlen(head.etag) == 34 && memcmp(head.etag + 1, md5, 32) == 0;
    arena_done(&arena);
    return ours;
}

/* ---- One PUT ---- */

Status s3_put(const S3Target *target, const void *bytes, size_t size, bool only_new, bool *ret_created, Error *err)
{
    static const int exists[] = {412, 0};
    const S3Settings *settings;
    TRY(s3_settings(&settings, err));
    char crc[CRC32C_TEXT_SIZE], md5[MD5_TEXT_SIZE] = "";
    digest_crc32c_text(bytes, size, crc);
    NameValue headers[6] = {{"x-amz-checksum-crc32c", crc}};
    size_t n = add_write_headers(target, settings, headers, 1);
    if (only_new)
        headers[n++] = (NameValue){"if-none-match", "*"};
    S3Operation operation = {.verb = "s3:PutObject",
                             .action = only_new ? "creating the object" : "writing",
                             .method = "PUT",
                             .path = target->path,
                             .name = target->name,
                             .headers = headers,
                             .n_headers = n,
                             .body = bytes,
                             .body_size = size,
                             .conditional = only_new,
                             .expected = only_new ? exists : NULL};
    fault_step("s3_before_put");
    S3Call *call;
    S3Answer answer;
    Status status = s3_call(&operation, &call, &answer, err);
    fault_step("s3_after_put");
    if (status != STATUS_OK) {
        if (!only_new || status != STATUS_IO || !is_ours(target, "", true))
            return status;
        error_init(err);
        *ret_created = true;
        return STATUS_OK;
    }
    if (answer.repeated)
        digest_md5_text(bytes, size, md5);
    *ret_created = answer.http != 412 || is_ours(target, md5, false);
    s3_call_free(call);
    return STATUS_OK;
}

/* ---- Multipart ---- */

Status s3_upload_begin(const S3Target *target, S3Upload **ret_upload, Error *err)
{
    const S3Settings *settings;
    TRY(s3_settings(&settings, err));
    NameValue headers[6] = {{"x-amz-checksum-algorithm", "CRC32C"}};
    static const NameValue query[] = {{"uploads", ""}};
    S3Operation operation = {.verb = "s3:PutObject",
                             .action = "beginning an upload",
                             .method = "POST",
                             .path = target->path,
                             .name = target->name,
                             .query = query,
                             .n_query = 1,
                             .headers = headers,
                             .n_headers = add_write_headers(target, settings, headers, 1)};
    S3Call *call;
    S3Answer answer;
    TRY(s3_call(&operation, &call, &answer, err));
    Arena arena;
    arena_init(&arena);
    const char *id = xml_find(answer.body, "InitiateMultipartUploadResult/UploadId", &arena);
    S3Upload *upload = NULL;
    if (id && *id) {
        upload = mem_zalloc(sizeof *upload);
        upload->target = target;
        upload->id = mem_strdup(id);
        registry_add(upload);
        *ret_upload = upload;
    }
    arena_done(&arena);
    s3_call_free(call);
    if (upload)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "the server began an upload without giving its id");
    return error_at_file(err, target->path);
}

static UploadedPart *part_of(S3Upload *upload, unsigned number)
{
    CHECK(number >= 1 && number <= S3_MAX_PARTS);
    if (number > upload->n_parts) {
        upload->parts = mem_realloc(upload->parts, sizeof *upload->parts * number);
        memset(upload->parts + upload->n_parts, 0, sizeof *upload->parts * (number - upload->n_parts));
        upload->n_parts = number;
    }
    return &upload->parts[number - 1];
}

Status s3_upload_start_part(S3Upload *upload, unsigned number, const void *bytes, size_t size, S3Call **ret_call,
                            Error *err)
{
    UploadedPart *part = part_of(upload, number);
    digest_crc32c_text(bytes, size, part->crc);
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    const NameValue query[] = {{"partNumber", text}, {"uploadId", upload->id}};
    const NameValue headers[] = {{"x-amz-checksum-crc32c", part->crc}};
    S3Operation operation = {.verb = "s3:PutObject",
                             .action = "writing",
                             .method = "PUT",
                             .path = upload->target->path,
                             .name = upload->target->name,
                             .query = query,
                             .n_query = ARRAY_SIZE(query),
                             .headers = headers,
                             .n_headers = ARRAY_SIZE(headers),
                             .body = bytes,
                             .body_size = size};
    return s3_start(&operation, ret_call, err);
}

Status s3_upload_finish_part(S3Upload *upload, unsigned number, S3Call *call, Error *err)
{
    S3Answer answer;
    Status status = s3_finish(call, &answer, err);
    const char *etag = status == STATUS_OK ? s3_call_header(call, "ETag") : NULL;
    if (etag) {
        UploadedPart *part = part_of(upload, number);
        mem_free(part->etag);
        part->etag = mem_strdup(etag);
    } else if (status == STATUS_OK) {
        status = error_set(err, STATUS_CORRUPT, "the server took part %u without giving its ETag", number);
        error_at_file(err, upload->target->path);
    }
    s3_call_free(call);
    return status;
}

static void upload_free(S3Upload *upload)
{
    registry_remove(upload);
    for (unsigned i = 0; i < upload->n_parts; i++)
        mem_free(upload->parts[i].etag);
    mem_free(upload->parts);
    mem_free(upload->id);
    mem_free(upload);
}

static void append_parts(const S3Upload *upload, Buffer *xml)
{
    buffer_append_text(xml, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (unsigned i = 0; i < upload->n_parts; i++) {
        buffer_printf(xml, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
        xml_append_escaped(xml, upload->parts[i].etag);
        buffer_printf(xml, "</ETag><ChecksumCRC32C>%s</ChecksumCRC32C></Part>", upload->parts[i].crc);
    }
    buffer_append_text(xml, "</CompleteMultipartUpload>");
}

/* 404: the upload is gone, which after a lost answer means that it was completed. */
static Status ask_completion(const S3Upload *upload, const Buffer *xml, bool only_new, int *ret_http, Error *err)
{
    static const int gone[] = {404, 0}, gone_or_exists[] = {404, 412, 0};
    const NameValue query[] = {{"uploadId", upload->id}};
    const NameValue headers[] = {{"content-type", "application/xml"}, {"if-none-match", "*"}};
    S3Operation operation = {.verb = "s3:PutObject",
                             .action = "completing an upload",
                             .method = "POST",
                             .path = upload->target->path,
                             .name = upload->target->name,
                             .query = query,
                             .n_query = 1,
                             .headers = headers,
                             .n_headers = only_new ? 2 : 1,
                             .body = xml->data,
                             .body_size = xml->size,
                             .conditional = only_new,
                             .stall_seconds = COMPLETE_STALL_SECONDS,
                             .expected = only_new ? gone_or_exists : gone};
    S3Call *call;
    S3Answer answer;
    TRY(s3_call(&operation, &call, &answer, err));
    *ret_http = answer.http;
    s3_call_free(call);
    return STATUS_OK;
}

Status s3_upload_complete(S3Upload *upload, bool only_new, bool *ret_created, Error *err)
{
    const S3Target *target = upload->target;
    for (unsigned i = 0; i < upload->n_parts; i++)
        CHECK(upload->parts[i].etag != NULL);
    Buffer xml;
    buffer_init(&xml, 0);
    append_parts(upload, &xml);
    int http = 0;
    fault_step("s3_before_complete");
    Status status = ask_completion(upload, &xml, only_new, &http, err);
    fault_step("s3_after_complete");
    buffer_done(&xml);
    if (status == STATUS_OK && http < 300) {
        upload_free(upload);
        *ret_created = true;
        return STATUS_OK;
    }
    bool done = (status == STATUS_OK || status == STATUS_IO) && is_ours(target, "", status != STATUS_OK);
    if (done)
        upload_free(upload);
    else
        s3_upload_abort(upload);
    if (done || http == 412) {
        error_init(err);
        *ret_created = done;
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    error_set(err, STATUS_IO, "the upload was ended by somebody else before it was complete");
    error_at_file(err, target->path);
    return error_hint(err, "run the command again; a lifecycle rule that aborts uploads must leave them a day");
}

static void abort_on_server(const S3Upload *upload)
{
    static const int gone[] = {404, 0};
    const NameValue query[] = {{"uploadId", upload->id}};
    S3Operation operation = {.verb = "s3:AbortMultipartUpload",
                             .action = "aborting an upload",
                             .method = "DELETE",
                             .path = upload->target->path,
                             .name = upload->target->name,
                             .query = query,
                             .n_query = 1,
                             .hasty = true,
                             .expected = gone};
    Error ignored;
    error_init(&ignored);
    S3Call *call;
    S3Answer answer;
    if (s3_call(&operation, &call, &answer, &ignored) == STATUS_OK)
        s3_call_free(call); /* a failure: storage_clean will take it */
}

void s3_upload_abort(S3Upload *upload)
{
    if (!upload)
        return;
    abort_on_server(upload);
    upload_free(upload);
}

void s3_discard_all(void)
{
    pthread_mutex_lock(&registry_mutex);
    for (const S3Upload *upload = registry; upload; upload = upload->next)
        abort_on_server(upload);
    pthread_mutex_unlock(&registry_mutex);
}
