/* storage_probe on S3: each thing that a lake needs of a store, tried once in a folder of it. */
#include <stdio.h>
#include <time.h>

#include "storage/s3/credentials.h"
#include "storage/s3/s3_probe.h"
#include "storage/s3/s3_upload.h"
#include "storage/s3/xml.h"

#define CLOCK_SLACK_S 60
#define SOON_S 900 /* credentials that end so soon are worth a word */

typedef struct Probe {
    const char *folder;
    const char *path; /* of the probe's own object */
    StorageProbed found;
    void *context;
    Arena arena;
    Error err; /* of the step at hand */
} Probe;

static void tell(Probe *probe, const char *what, Status status, const char *said)
{
    probe->found(probe->context, what, said, status == STATUS_OK ? NULL : &probe->err);
    error_init(&probe->err);
}

static void try_credentials(Probe *probe, const S3Settings *settings)
{
    Credentials *credentials;
    Status status = credentials_get(settings, &credentials, &probe->err);
    if (status != STATUS_OK) {
        tell(probe, "credentials", status, NULL);
        return;
    }
    int64_t left = credentials->expires_s - (int64_t)time(NULL);
    const char *said = arena_printf(&probe->arena, "from %s, ", credentials->source);
    if (credentials->expires_s == 0)
        said = arena_printf(&probe->arena, "%swithout an end", said);
    else
        said = arena_printf(&probe->arena, "%sfor %lld minutes%s", said, (long long)left / 60,
                            left < SOON_S ? " yet: they are renewed where they came from" : "");
    credentials_unref(credentials);
    tell(probe, "credentials", STATUS_OK, said);
}

/* Lists nothing much, and compares the server's clock with ours. */
static void try_list(Probe *probe, const S3Name *name)
{
    NameValue query[] = {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", name->key}};
    S3Operation operation = {.verb = "s3:ListBucket",
                             .action = "listing",
                             .method = "GET",
                             .path = probe->folder,
                             .name = {name->bucket, ""},
                             .query = query,
                             .n_query = ARRAY_SIZE(query)};
    S3Call *call CLEANUP(s3_call_cleanup) = NULL;
    S3Answer answer;
    int64_t ms = 0;
    Status status = s3_call(&operation, &call, &answer, &probe->err);
    tell(probe, "ListBucket", status, "allowed");
    const char *date = status == STATUS_OK ? s3_call_header(call, "Date") : NULL;
    if (!date || !instant_from_http(date, &ms))
        return;
    long long ahead = (long long)(time(NULL) - ms / 1000);
    const char *said = arena_printf(&probe->arena, "%lld s %s the server's", ahead < 0 ? -ahead : ahead,
                                    ahead < 0 ? "behind" : "ahead of");
    if (ahead >= -CLOCK_SLACK_S && ahead <= CLOCK_SLACK_S) {
        tell(probe, "clock", STATUS_OK, said);
        return;
    }
    status = error_set(&probe->err, STATUS_CONFIG, "this machine's clock is %s", said);
    error_hint(&probe->err, "set it (timedatectl set-ntp true): requests are refused when it is wrong by 15 minutes");
    tell(probe, "clock", status, NULL);
}

/* The object is written where none is, and then may not be written again. */
static void try_conditional(Probe *probe)
{
    bool first = false, second = true;
    Status status = storage_put_new(probe->path, "probe\n", 6, &first, &probe->err);
    tell(probe, "PutObject", status, "allowed");
    if (status != STATUS_OK)
        return;
    status = storage_put_new(probe->path, "again\n", 6, &second, &probe->err);
    if (status == STATUS_OK && (!first || second)) {
        status = error_set(&probe->err, STATUS_UNSUPPORTED,
                           "the server does not heed If-None-Match: two writers could "
                           "commit the same version");
        error_hint(&probe->err, "use a server that does: AWS S3, or see docs/s3.md");
    }
    tell(probe, "If-None-Match", status, "heeded: of two writers one wins");
}

static void try_read(Probe *probe)
{
    StrView bytes;
    Status status = storage_read_file(probe->path, 64, &probe->arena, &bytes, &probe->err);
    if (status == STATUS_OK && !str_equal(bytes, str_view("probe\n")))
        status = error_set(&probe->err, STATUS_CORRUPT, "what was written came back as something else");
    tell(probe, "GetObject", status, "allowed");
}

static void try_upload(Probe *probe)
{
    S3Target target = {.path = probe->path};
    S3Upload *upload = NULL;
    Status status = s3_name_parse(probe->path, &probe->arena, &target.name, &probe->err);
    s3_mark_make(target.mark);
    if (status == STATUS_OK)
        status = s3_upload_begin(&target, &upload, &probe->err);
    if (status == STATUS_OK)
        s3_upload_abort(upload);
    tell(probe, "multipart", status, "can be begun and given up");
}

Status s3_probe(const char *folder, StorageProbed found, void *context, Error *err)
{
    const S3Settings *settings;
    S3Name name;
    Probe probe = {.folder = folder, .found = found, .context = context};
    TRY(s3_settings(&settings, err));
    arena_init(&probe.arena);
    error_init(&probe.err);
    Status status = s3_name_parse(folder, &probe.arena, &name, err);
    if (status == STATUS_OK) {
        char mark[S3_MARK_SIZE];
        s3_mark_make(mark);
        probe.path = arena_printf(&probe.arena, "%s/_probe-%s", folder, mark);
        try_credentials(&probe, settings);
        tell(&probe, "place", STATUS_OK,
             arena_printf(&probe.arena, "bucket %s at %s, region %s", name.bucket,
                          settings->endpoint ? settings->endpoint : "AWS", settings->region));
        try_list(&probe, &name);
        try_conditional(&probe);
        try_read(&probe);
        try_upload(&probe);
        tell(&probe, "DeleteObject", storage_remove(probe.path, &probe.err), "allowed");
    }
    arena_done(&probe.arena);
    return status;
}
