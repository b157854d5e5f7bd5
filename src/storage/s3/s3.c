/* The S3 driver's table, and the small operations: looking at a key, removing one. */
#include <stdlib.h>

#include "storage/s3/s3_internal.h"
#include "storage/s3/xml.h"

int64_t s3_modified_ms(const S3Call *call)
{
    const char *text = s3_call_header(call, "Last-Modified");
    int64_t modified_ms = 0;
    return text && instant_from_http(text, &modified_ms) ? modified_ms : 0;
}

bool s3_content_range(const char *text, uint64_t *ret_first, uint64_t *ret_total)
{
    if (!text || strncmp(text, "bytes ", 6) != 0)
        return false;
    char *end;
    uint64_t first = strtoull(text + 6, &end, 10);
    const char *slash = strchr(end, '/');
    if (end == text + 6 || *end != '-' || !slash)
        return false;
    uint64_t total = strtoull(slash + 1, &end, 10);
    if (end == slash + 1 || *end != '\0')
        return false;
    *ret_first = first;
    *ret_total = total;
    return true;
}

static void read_head(const S3Call *call, const S3Answer *answer, Arena *arena, S3Head *head)
{
    const char *length = s3_call_header(call, "Content-Length"), *etag = s3_call_header(call, "ETag");
    const char *mark = s3_call_header(call, S3_MARK_HEADER);
    uint64_t first;
    head->facts.exists = true;
    if (answer->http != 206 ||
        !s3_content_range(s3_call_header(call, "Content-Range"), &first, &head->facts.size_bytes))
        head->facts.size_bytes = length ? strtoull(length, NULL, 10) : 0;
    head->facts.modified_ms = s3_modified_ms(call);
    head->etag = etag ? arena_strdup(arena, etag) : "";
    head->mark = mark ? arena_strdup(arena, mark) : "";
}

/* GET of the first byte rather than HEAD: the answer to a refused HEAD has no body, hence no word of why (a wrong clock, an
 * expired session), and could not be mended.  An object without a byte refuses the range; then HEAD it is. */
static Status look(const char *method, const char *path, const S3Name *name, bool hasty, Arena *arena, int *ret_http,
                   S3Head *head, Error *err)
{
    static const int expected[] = {404, 416, 0};
    static const NameValue range = {"range", "bytes=0-0"};
    S3Operation operation = {.verb = "s3:GetObject",
                             .action = "looking at the object",
                             .method = method,
                             .path = path,
                             .name = *name,
                             .headers = &range,
                             .n_headers = strcmp(method, "GET") == 0,
                             .hasty = hasty,
                             .expected = expected};
    S3Call *call;
    S3Answer answer;
    TRY(s3_call(&operation, &call, &answer, err));
    *ret_http = answer.http;
    if (answer.http < 300)
        read_head(call, &answer, arena, head);
    s3_call_free(call);
    return STATUS_OK;
}

Status s3_head(const char *path, const S3Name *name, bool hasty, Arena *arena, S3Head *ret_head, Error *err)
{
    S3Head head = {.etag = "", .mark = ""};
    int http;
    TRY(look("GET", path, name, hasty, arena, &http, &head, err));
    if (http == 416)
        TRY(look("HEAD", path, name, hasty, arena, &http, &head, err));
    *ret_head = head;
    return STATUS_OK;
}

static Status s3_stat(const char *path, StorageFacts *ret_facts, Error *err)
{
    Arena arena;
    arena_init(&arena);
    S3Name name;
    S3Head head = {.etag = ""};
    Status status = s3_name_parse(path, &arena, &name, err);
    if (status == STATUS_OK && *name.key)
        status = s3_head(path, &name, false, &arena, &head, err);
    arena_done(&arena);
    if (status == STATUS_OK)
        *ret_facts = head.facts;
    return status;
}

static Status remove_key(const char *path, const S3Name *name, Error *err)
{
    static const int gone[] = {404, 0};
    S3Operation operation = {.verb = "s3:DeleteObject",
                             .action = "removing",
                             .method = "DELETE",
                             .path = path,
                             .name = *name,
                             .expected = gone};
    S3Call *call;
    S3Answer answer;
    TRY(s3_call(&operation, &call, &answer, err));
    s3_call_free(call);
    return STATUS_OK;
}

static Status s3_remove(const char *path, Error *err)
{
    Arena arena;
    arena_init(&arena);
    S3Name name;
    Status status = s3_name_parse(path, &arena, &name, err);
    if (status == STATUS_OK && *name.key)
        status = remove_key(path, &name, err);
    arena_done(&arena);
    return status;
}

/* Folders are only prefixes of keys. */
static Status s3_make_folder(const char *path, Error *err)
{
    Arena arena;
    arena_init(&arena);
    S3Name name;
    Status status = s3_name_parse(path, &arena, &name, err);
    arena_done(&arena);
    return status;
}

const StorageDriver S3_DRIVER = {.open = s3_open,
                                 .create = s3_create,
                                 .create_unnamed = s3_create_unnamed,
                                 .list = s3_list,
                                 .explain_no_match = s3_explain_no_match,
                                 .list_folder = s3_list_folder,
                                 .stat = s3_stat,
                                 .remove = s3_remove,
                                 .make_folder = s3_make_folder,
                                 .clean = s3_clean,
                                 .discard_all = s3_discard_all};
