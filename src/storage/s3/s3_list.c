/* Listing keys: ListObjectsV2 page by page, folders and globs over it, and stale uploads.
 *
 * A glob's literal beginning becomes the prefix that the server is asked for.  Up to a "**" each part with a wildcard is one
 * listing of a folder (delimiter '/'), which gives its files and its folders; from a "**" on everything below is listed and
 * matched here.  A pattern without * and ? may be a name with brackets in it: it is tried as such first.
 *
 * Keys that end in '/' are the folder markers of other tools and nobody's files. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "storage/s3/s3_internal.h"
#include "storage/s3/xml.h"

#define MAX_PAGE_BYTES ((size_t)16 << 20)
#define STALE_UPLOAD_MS ((int64_t)24 * 3600 * 1000)

/* ---- One listing ---- */

typedef struct Listing {
    Arena arena;
    StorageEntry *entries; /* keys */
    size_t n_entries;
    char **folders; /* prefixes with their slash */
    size_t n_folders;
    bool truncated;
    char *token;
    bool encoded;       /* the page's keys are */
    StorageEntry entry; /* being read */
    bool failed;        /* a page lacks what it must have */
} Listing;

typedef struct ListRequest {
    const char *path; /* for errors */
    const char *bucket;
    const char *prefix;
    bool deep;
    const char *start_after; /* NULL: from the beginning */
    bool one;                /* whether there is anything is all that is asked */
} ListRequest;

static void listing_done(Listing *listing)
{
    mem_free(listing->entries);
    mem_free(listing->folders);
    arena_done(&listing->arena);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* A copy of a key as it is, of one that is encoded as in a form ("a%2Fb+c"). */
static char *take_key(Listing *listing, const char *text)
{
    char *key = arena_strdup(&listing->arena, text);
    if (!listing->encoded)
        return key;
    char *to = key;
    for (const char *c = text; *c; c++) {
        int high = *c == '%' ? hex_digit(c[1]) : -1, low = high >= 0 ? hex_digit(c[2]) : -1;
        *to++ = low >= 0 ? (char)(high * 16 + low) : *c == '+' ? ' ' : *c;
        c += low >= 0 ? 2 : 0;
    }
    *to = '\0';
    return key;
}

static void add_entry(Listing *listing)
{
    if ((listing->n_entries & (listing->n_entries - 1)) == 0)
        listing->entries =
            mem_realloc(listing->entries, sizeof *listing->entries * (listing->n_entries ? listing->n_entries * 2 : 1));
    listing->entries[listing->n_entries++] = listing->entry;
    listing->failed |= !listing->entry.path;
    listing->entry = (StorageEntry){0};
}

static void add_folder(Listing *listing, char *prefix)
{
    if ((listing->n_folders & (listing->n_folders - 1)) == 0)
        listing->folders =
            mem_realloc(listing->folders, sizeof *listing->folders * (listing->n_folders ? listing->n_folders * 2 : 1));
    listing->folders[listing->n_folders++] = prefix;
}

static void visit_page(void *context, const char *path, const char *text)
{
#define ROOT "ListBucketResult/"
    Listing *listing = context;
    if (strncmp(path, ROOT, sizeof ROOT - 1) != 0)
        return;
    path += sizeof ROOT - 1;
    if (strcmp(path, "Contents/Key") == 0)
        listing->entry.path = take_key(listing, text);
    else if (strcmp(path, "Contents/Size") == 0)
        listing->entry.size_bytes = strtoull(text, NULL, 10);
    else if (strcmp(path, "Contents/LastModified") == 0 && !instant_from_iso(text, &listing->entry.modified_ms))
        listing->entry.modified_ms = 0;
    else if (strcmp(path, "Contents") == 0)
        add_entry(listing);
    else if (strcmp(path, "CommonPrefixes/Prefix") == 0)
        add_folder(listing, take_key(listing, text));
    else if (strcmp(path, "IsTruncated") == 0)
        listing->truncated = strcmp(text, "true") == 0;
    else if (strcmp(path, "NextContinuationToken") == 0)
        listing->token = arena_strdup(&listing->arena, text);
#undef ROOT
}

/* Some servers write EncodingType behind the keys, so it is looked for first. */
static Status read_page(Listing *listing, StrView xml, const char *path, Error *err)
{
    Arena arena;
    arena_init(&arena);
    const char *encoding = xml_find(xml, "ListBucketResult/EncodingType", &arena);
    listing->encoded = encoding && strcmp(encoding, "url") == 0;
    arena_done(&arena);
    listing->truncated = false;
    listing->token = NULL;
    TRY(xml_walk(xml, visit_page, listing, err));
    if (!listing->failed && !(listing->truncated && !listing->token))
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "the server's listing lacks a key or the token of the next page");
    return error_at_file(err, path);
}

static Status ask_page(const ListRequest *request, const char *token, Listing *listing, Error *err)
{
    NameValue query[8] = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", request->prefix}};
    size_t n = 3;
    if (!request->deep)
        query[n++] = (NameValue){"delimiter", "/"};
    if (token)
        query[n++] = (NameValue){"continuation-token", token};
    else if (request->start_after)
        query[n++] = (NameValue){"start-after", request->start_after};
    if (request->one)
        query[n++] = (NameValue){"max-keys", "1"};
    S3Operation operation = {.verb = "s3:ListBucket",
                             .action = "listing",
                             .method = "GET",
                             .path = request->path,
                             .name = {request->bucket, ""},
                             .query = query,
                             .n_query = n,
                             .max_answer = MAX_PAGE_BYTES};
    S3Call *call;
    S3Answer answer;
    TRY(s3_call(&operation, &call, &answer, err));
    Status status = read_page(listing, answer.body, request->path, err);
    s3_call_free(call);
    return status;
}

static Status list_keys(const ListRequest *request, Listing *ret_listing, Error *err)
{
    Listing listing = {0};
    arena_init(&listing.arena);
    Status status = ask_page(request, NULL, &listing, err);
    while (status == STATUS_OK && listing.truncated && !request->one)
        status = ask_page(request, listing.token, &listing, err);
    if (status != STATUS_OK) {
        listing_done(&listing);
        return status;
    }
    *ret_listing = listing;
    return STATUS_OK;
}

static void add_path(StorageList *list, const char *bucket, const StorageEntry *entry)
{
    CLEANUP(mem_cleanup) char *path = mem_printf("s3://%s/%s", bucket, entry->path);
    storage_list_add(list, path, entry->size_bytes, entry->modified_ms);
}

static bool is_marker(const char *key)
{
    size_t n = strlen(key);
    return n == 0 || key[n - 1] == '/';
}

static const char *last_name(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
}

/* ---- Globs ---- */

typedef struct Walk {
    StorageList *list;
    const char *path; /* the pattern as given, for errors */
    const char *bucket;
    Arena arena;
} Walk;

/* Whether the parts of `name` are those that the parts of `pattern` want. */
static bool matches_parts(const char *pattern, const char *name)
{
    char part[S3_MAX_KEY + 1], piece[S3_MAX_KEY + 1];
    size_t n = strcspn(pattern, "/"), m = strcspn(name, "/");
    if (n >= sizeof part || m >= sizeof piece || m == 0)
        return false;
    memcpy(part, pattern, n);
    part[n] = '\0';
    memcpy(piece, name, m);
    piece[m] = '\0';
    bool last = pattern[n] == '\0';
    if (strcmp(part, "**") == 0) {
        const char *below = last ? "*" : pattern + n + 1;
        return matches_parts(below, name) ||
               (name[m] == '/' && glob_part_matches("*", piece) && matches_parts(pattern, name + m + 1));
    }
    bool matches = glob_has_magic(part) ? glob_part_matches(part, piece) : strcmp(part, piece) == 0;
    if (!matches || last || name[m] == '\0')
        return matches && last && name[m] == '\0';
    return matches_parts(pattern + n + 1, name + m + 1);
}

static Status walk_parts(Walk *walk, const char *folder, const char *pattern, Error *err);

/* All keys below the folder, matched here. */
static Status walk_deep(Walk *walk, const char *folder, const char *pattern, Error *err)
{
    ListRequest request = {.path = walk->path, .bucket = walk->bucket, .prefix = folder, .deep = true};
    Listing listing;
    TRY(list_keys(&request, &listing, err));
    for (size_t i = 0; i < listing.n_entries; i++)
        if (!is_marker(listing.entries[i].path) && matches_parts(pattern, listing.entries[i].path + strlen(folder)))
            add_path(walk->list, walk->bucket, &listing.entries[i]);
    listing_done(&listing);
    return STATUS_OK;
}

/* The names of one folder that a part with wildcards matches. */
static Status walk_folder(Walk *walk, const char *folder, const char *part, const char *rest, Error *err)
{
    const char *prefix = arena_printf(&walk->arena, "%s%.*s", folder, (int)strcspn(part, "*?["), part);
    ListRequest request = {.path = walk->path, .bucket = walk->bucket, .prefix = prefix};
    Listing listing;
    TRY(list_keys(&request, &listing, err));
    Status status = STATUS_OK;
    size_t length = strlen(folder);
    for (size_t i = 0; !rest && i < listing.n_entries; i++)
        if (!is_marker(listing.entries[i].path) && glob_part_matches(part, listing.entries[i].path + length))
            add_path(walk->list, walk->bucket, &listing.entries[i]);
    for (size_t i = 0; rest && i < listing.n_folders && status == STATUS_OK; i++) {
        const char *name = listing.folders[i] + length;
        size_t n = strlen(name);
        CLEANUP(mem_cleanup) char *bare = mem_printf("%.*s", (int)(n ? n - 1 : 0), name);
        if (glob_part_matches(part, bare))
            status = walk_parts(walk, listing.folders[i], rest, err);
    }
    listing_done(&listing);
    return status;
}

static Status add_if_there(Walk *walk, const char *key, bool *ret_there, Error *err)
{
    const char *path = arena_printf(&walk->arena, "s3://%s/%s", walk->bucket, key);
    S3Name name = {walk->bucket, key};
    S3Head head;
    TRY(s3_head(path, &name, false, &walk->arena, &head, err));
    *ret_there = head.facts.exists;
    if (head.facts.exists)
        storage_list_add(walk->list, path, head.facts.size_bytes, head.facts.modified_ms);
    return STATUS_OK;
}

/* `folder` is "" or ends in a slash. */
static Status walk_parts(Walk *walk, const char *folder, const char *pattern, Error *err)
{
    for (;;) {
        size_t n = strcspn(pattern, "/");
        const char *part = arena_memdup(&walk->arena, pattern, n);
        const char *rest = pattern[n] ? pattern + n + 1 : NULL;
        bool there;
        if (strcmp(part, "**") == 0)
            return walk_deep(walk, folder, pattern, err);
        if (glob_has_magic(part))
            return walk_folder(walk, folder, part, rest, err);
        if (!rest)
            return add_if_there(walk, arena_printf(&walk->arena, "%s%s", folder, part), &there, err);
        folder = arena_printf(&walk->arena, "%s%s/", folder, part);
        pattern = rest;
    }
}

/* The plain files directly in a folder. */
static Status list_plain(Walk *walk, const char *key, Error *err)
{
    bool slash = *key == '\0' || key[strlen(key) - 1] == '/';
    return walk_folder(walk, arena_printf(&walk->arena, "%s%s", key, slash ? "" : "/"), "*", NULL, err);
}

static Status list_pattern(Walk *walk, const char *key, Error *err)
{
    bool there = false, folder = is_marker(key);
    if (!folder && !strpbrk(key, "*?"))
        TRY(add_if_there(walk, key, &there, err));
    if (there)
        return STATUS_OK;
    return glob_has_magic(key) ? walk_parts(walk, "", key, err) : list_plain(walk, key, err);
}

Status s3_list(const char *pattern, StorageList *list, Error *err)
{
    Walk walk = {.list = list, .path = pattern};
    arena_init(&walk.arena);
    S3Name name;
    Status status = s3_name_parse(pattern, &walk.arena, &name, err);
    if (status == STATUS_OK) {
        walk.bucket = name.bucket;
        status = list_pattern(&walk, name.key, err);
    }
    arena_done(&walk.arena);
    return status;
}

void s3_explain_no_match(const char *pattern, Error *err)
{
    Arena arena;
    arena_init(&arena);
    Error ignored;
    error_init(&ignored);
    S3Name name;
    Listing listing;
    if (s3_name_parse(pattern, &arena, &name, &ignored) == STATUS_OK) {
        size_t magic = strcspn(name.key, "*?["), n = magic;
        while (n > 0 && name.key[n - 1] != '/')
            n--;
        bool is_glob = name.key[magic] != '\0';
        if (!is_glob)
            n = strlen(name.key);
        bool slash = n == 0 || name.key[n - 1] == '/';
        ListRequest request = {.path = pattern,
                               .bucket = name.bucket,
                               .prefix = arena_printf(&arena, "%.*s%s", (int)n, name.key, slash ? "" : "/"),
                               .deep = true,
                               .one = true};
        if (list_keys(&request, &listing, &ignored) == STATUS_OK) {
            if (listing.n_entries == 0)
                error_hint(err, "there is nothing under s3://%s/%s", name.bucket, request.prefix);
            else if (is_glob)
                error_hint(err, "the folder is there, but no file in it matches; look at the pattern's spelling");
            else
                error_hint(err, "the folder has no files directly in it; '%.*s/**' also looks into its folders",
                           (int)(strlen(pattern) - (slash && n > 0)), pattern);
            listing_done(&listing);
        }
    }
    arena_done(&arena);
}

/* ---- Folders of a table ---- */

/* S3 begins behind start-after, so it is `from` without its last byte: of the names between the two none is a file of a
 * log ("...0123.jso" for "...0123.json"), and any that is there is dropped here. */
static Status list_below(const char *path, const S3Name *name, bool deep, const char *from, Arena *arena,
                         StorageList *list, Error *err)
{
    size_t n = strlen(name->key);
    const char *prefix = arena_printf(arena, "%s%s", name->key, n == 0 || name->key[n - 1] == '/' ? "" : "/");
    size_t from_length = from ? strlen(from) : 0;
    ListRequest request = {.path = path, .bucket = name->bucket, .prefix = prefix, .deep = deep};
    if (from_length > 1)
        request.start_after = arena_printf(arena, "%s%.*s", prefix, (int)from_length - 1, from);
    Listing listing;
    TRY(list_keys(&request, &listing, err));
    for (size_t i = 0; i < listing.n_entries; i++) {
        const char *key = listing.entries[i].path;
        int64_t pid;
        if (!is_marker(key) && !posix_is_temporary_name(last_name(key), &pid) &&
            !(from && strcmp(key + strlen(prefix), from) < 0))
            add_path(list, name->bucket, &listing.entries[i]);
    }
    listing_done(&listing);
    return STATUS_OK;
}

Status s3_list_folder(const char *folder, bool deep, const char *from, StorageList *list, Error *err)
{
    Arena arena;
    arena_init(&arena);
    S3Name name;
    Status status = s3_name_parse(folder, &arena, &name, err);
    if (status == STATUS_OK)
        status = list_below(folder, &name, deep, from, &arena, list, err);
    arena_done(&arena);
    return status;
}

/* ---- Uploads that dead processes left ---- */

typedef struct StaleUploads {
    const char *path, *bucket;
    Arena arena;
    int64_t before_ms;
    const char *key, *id; /* being read */
    int64_t initiated_ms;
    size_t n_aborted;
} StaleUploads;

static void abort_stale(StaleUploads *stale)
{
    static const int gone[] = {404, 0};
    const NameValue query[] = {{"uploadId", stale->id}};
    S3Operation operation = {.verb = "s3:AbortMultipartUpload",
                             .action = "aborting an upload",
                             .method = "DELETE",
                             .path = stale->path,
                             .name = {stale->bucket, stale->key},
                             .query = query,
                             .n_query = 1,
                             .expected = gone};
    Error ignored;
    error_init(&ignored);
    S3Call *call;
    S3Answer answer;
    if (s3_call(&operation, &call, &answer, &ignored) == STATUS_OK) {
        stale->n_aborted++;
        s3_call_free(call);
    }
}

static void visit_upload(void *context, const char *path, const char *text)
{
#define ROOT "ListMultipartUploadsResult/Upload"
    StaleUploads *stale = context;
    if (strncmp(path, ROOT, sizeof ROOT - 1) != 0)
        return;
    path += sizeof ROOT - 1;
    if (strcmp(path, "/Key") == 0)
        stale->key = arena_strdup(&stale->arena, text);
    else if (strcmp(path, "/UploadId") == 0)
        stale->id = arena_strdup(&stale->arena, text);
    else if (strcmp(path, "/Initiated") == 0 && !instant_from_iso(text, &stale->initiated_ms))
        stale->initiated_ms = INT64_MAX;
    else if (*path == '\0') {
        if (stale->key && stale->id && stale->initiated_ms < stale->before_ms)
            abort_stale(stale);
        stale->key = stale->id = NULL;
        stale->initiated_ms = INT64_MAX;
    }
#undef ROOT
}

/* One page: what is left over is taken the next time.  Who may not look, or a server that cannot, cleans nothing. */
static Status abort_stale_uploads(const char *path, const S3Name *name, size_t *ret_removed, Error *err)
{
    static const int allowed[] = {403, 404, 405, 501, 0};
    StaleUploads stale = {.path = path, .bucket = name->bucket, .initiated_ms = INT64_MAX};
    stale.before_ms = ((int64_t)time(NULL) + s3_clock_skew_s()) * 1000 - STALE_UPLOAD_MS;
    arena_init(&stale.arena);
    size_t n = strlen(name->key);
    const char *prefix = arena_printf(&stale.arena, "%s%s", name->key, n == 0 || name->key[n - 1] == '/' ? "" : "/");
    const NameValue query[] = {{"uploads", ""}, {"prefix", prefix}};
    S3Operation operation = {.verb = "s3:ListBucketMultipartUploads",
                             .action = "looking for unfinished uploads",
                             .method = "GET",
                             .path = path,
                             .name = {name->bucket, ""},
                             .query = query,
                             .n_query = ARRAY_SIZE(query),
                             .max_answer = MAX_PAGE_BYTES,
                             .expected = allowed};
    S3Call *call;
    S3Answer answer;
    Status status = s3_call(&operation, &call, &answer, err);
    if (status == STATUS_OK) {
        if (answer.http < 300)
            status = xml_walk(answer.body, visit_upload, &stale, err);
        s3_call_free(call);
    }
    arena_done(&stale.arena);
    *ret_removed = stale.n_aborted;
    return status;
}

/* Folders are asked for again and again; an upload grows stale in a day, so once a process is enough, for a folder and all
 * below it. */
static bool is_first_time(const char *folder)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static StorageList seen;
    pthread_mutex_lock(&mutex);
    bool first = true;
    for (size_t i = 0; i < seen.n; i++) {
        size_t n = strlen(seen.entries[i].path);
        first &= strncmp(seen.entries[i].path, folder, n) != 0 || (folder[n] != '\0' && folder[n] != '/');
    }
    if (first && seen.n == 0)
        arena_init(&seen.arena);
    if (first)
        storage_list_add(&seen, folder, 0, 0);
    pthread_mutex_unlock(&mutex);
    return first;
}

Status s3_clean(const char *folder, size_t *ret_removed, Error *err)
{
    size_t removed = 0;
    Arena arena;
    arena_init(&arena);
    S3Name name;
    Status status = s3_name_parse(folder, &arena, &name, err);
    if (status == STATUS_OK && is_first_time(folder))
        status = abort_stale_uploads(folder, &name, &removed, err);
    arena_done(&arena);
    if (status == STATUS_OK)
        *ret_removed = removed;
    return status;
}
