/* Writers of objects.
 *
 * What is written is gathered in parts: the bytes at an offset belong to one part, so blocks may come in any order and
 * from any thread.  A part whose last byte has come is uploaded at once, eight at a time, while others fill; a writer thus
 * holds eight parts under way and those with holes.  An object that ends within its first part is one PUT, which nobody
 * sees before commit.
 *
 * Parts are 8 MiB, and double every 1,250 parts: 10,000 of them reach 2.4 TiB, the first 10 GiB are even.
 *
 * A writer without a name (storage_create_unnamed) learns its key at commit, and an upload is bound to its key when it
 * begins.  So it keeps the first part in memory and spools what is longer to a local file without a name (in TMPDIR, else
 * /var/tmp), from which commit uploads.  A temporary key and a copy on the server would be visible to others, cost a second
 * request a part, and stay behind a killed process; the spool does none of that.
 *
 * After a failure the writer remembers it: later writes and the commit give the same error. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/s3/s3_parts.h"
#include "storage/s3/s3_upload.h"

#define FIRST_CAPACITY ((size_t)64 << 10)
#define MAX_HELD_BYTES ((size_t)1 << 30) /* in parts with holes */

typedef struct Part {
    uint8_t *bytes; /* NULL: not begun, or uploaded */
    size_t capacity;
    size_t filled;
    S3Call *call; /* under way */
    bool started;
} Part;

typedef struct S3Writer {
    StorageWriter base;
    Arena arena;
    S3Target target;
    const char *folder;    /* of a writer without a name; else NULL */
    pthread_mutex_t mutex; /* guards what follows */
    S3Upload *upload;      /* NULL until a second part is needed */
    Part *parts;
    unsigned n_parts;
    uint64_t end;     /* behind the last byte */
    uint64_t written; /* sum of what was written */
    size_t held_bytes;
    unsigned under_way[S3_PARALLEL]; /* a ring of part indexes */
    unsigned oldest, n_under_way;
    int spool; /* -1: none */
    Error failure;
} S3Writer;

/* ---- Parts; with the mutex held ---- */

static Part *part_at(S3Writer *writer, unsigned index)
{
    if (index >= writer->n_parts) {
        writer->parts = mem_realloc(writer->parts, sizeof *writer->parts * (index + 1));
        memset(writer->parts + writer->n_parts, 0, sizeof *writer->parts * (index + 1 - writer->n_parts));
        writer->n_parts = index + 1;
    }
    return &writer->parts[index];
}

static void release(S3Writer *writer, Part *part)
{
    s3_call_free(part->call);
    mem_free(part->bytes);
    writer->held_bytes -= part->capacity;
    part->call = NULL;
    part->bytes = NULL;
    part->capacity = 0;
}

/* Makes room for the first `size` bytes of the part. */
static Status reserve(S3Writer *writer, Part *part, size_t size, size_t part_size, Error *err)
{
    if (size <= part->capacity)
        return STATUS_OK;
    size_t capacity = part->capacity ? part->capacity : FIRST_CAPACITY;
    while (capacity < size)
        capacity *= 2;
    capacity = capacity < part_size ? capacity : part_size;
    if (writer->held_bytes + (capacity - part->capacity) > MAX_HELD_BYTES) {
        error_set(err, STATUS_MEMORY, "more than 1 GiB of the object waits for bytes before it");
        return error_at_file(err, writer->base.path);
    }
    part->bytes = mem_realloc(part->bytes, capacity);
    writer->held_bytes += capacity - part->capacity;
    part->capacity = capacity;
    return STATUS_OK;
}

static Status finish_oldest(S3Writer *writer, Error *err)
{
    unsigned index = writer->under_way[writer->oldest];
    writer->oldest = (writer->oldest + 1) % S3_PARALLEL;
    writer->n_under_way--;
    Part *part = &writer->parts[index];
    S3Call *call = part->call;
    part->call = NULL;
    TRY(s3_upload_finish_part(writer->upload, index + 1, call, err));
    release(writer, part);
    return STATUS_OK;
}

static Status start_part(S3Writer *writer, unsigned index, Error *err)
{
    if (!writer->upload)
        TRY(s3_upload_begin(&writer->target, &writer->upload, err));
    if (writer->n_under_way == S3_PARALLEL)
        TRY(finish_oldest(writer, err));
    Part *part = &writer->parts[index];
    TRY(s3_upload_start_part(writer->upload, index + 1, part->bytes, part->filled, &part->call, err));
    part->started = true;
    writer->under_way[(writer->oldest + writer->n_under_way++) % S3_PARALLEL] = index;
    return STATUS_OK;
}

/* Takes what belongs to one part; *ret_taken says how much that was. */
static Status fill_part(S3Writer *writer, uint64_t offset, const uint8_t *bytes, size_t size, size_t *ret_taken,
                        Error *err)
{
    unsigned index;
    uint64_t start;
    size_t part_size;
    if (!s3_part_of(offset, &index, &start, &part_size)) {
        error_set(err, STATUS_DATA, "the object is longer than S3 allows");
        return error_at_file(err, writer->base.path);
    }
    size_t at = (size_t)(offset - start), n = part_size - at;
    n = n < size ? n : size;
    Part *part = part_at(writer, index);
    CHECK(!part->started);
    TRY(reserve(writer, part, at + n, part_size, err));
    memcpy(part->bytes + at, bytes, n);
    part->filled += n;
    *ret_taken = n;
    if (index > 0 && part->filled == part_size)
        return start_part(writer, index, err);
    return STATUS_OK;
}

static Status write_parts(S3Writer *writer, uint64_t offset, const uint8_t *bytes, size_t size, Error *err)
{
    while (size > 0) {
        size_t taken = 0;
        TRY(fill_part(writer, offset, bytes, size, &taken, err));
        offset += taken;
        bytes += taken;
        size -= taken;
    }
    /* The first part waits for a byte behind it: without one it is the whole object. */
    const Part *first = writer->n_parts ? &writer->parts[0] : NULL;
    if (first && !first->started && first->filled == S3_PIECE_BYTES && writer->end > S3_PIECE_BYTES)
        return start_part(writer, 0, err);
    return STATUS_OK;
}

/* ---- The spool of a writer without a name ---- */

static Status spool_error(S3Writer *writer, const char *action, Error *err)
{
    error_set_errno(err, errno, "%s the local copy for S3 failed", action);
    error_at_file(err, writer->base.path);
    return error_hint(err, "set TMPDIR to a folder with room for the file");
}

static Status write_spool(S3Writer *writer, uint64_t offset, const uint8_t *bytes, size_t size, Error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(writer->spool, bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return spool_error(writer, "writing", err);
        done += n > 0 ? (size_t)n : 0;
    }
    return STATUS_OK;
}

static Status open_spool(S3Writer *writer, Error *err)
{
    const char *folder = environment_text("TMPDIR");
    writer->spool = open(folder ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (writer->spool < 0)
        return spool_error(writer, "making", err);
    return STATUS_OK;
}

/* Bytes of the first part stay in memory; from the first byte behind it on everything goes to the spool. */
static Status write_unnamed(S3Writer *writer, uint64_t offset, const uint8_t *bytes, size_t size, Error *err)
{
    if (writer->spool < 0 && writer->end <= S3_PIECE_BYTES)
        return write_parts(writer, offset, bytes, size, err);
    if (writer->spool < 0) {
        TRY(open_spool(writer, err));
        if (writer->n_parts > 0) {
            TRY(write_spool(writer, 0, writer->parts[0].bytes, writer->parts[0].capacity, err));
            release(writer, &writer->parts[0]);
        }
        writer->n_parts = 0;
    }
    return write_spool(writer, offset, bytes, size, err);
}

static Status upload_spool(S3Writer *writer, Error *err)
{
    for (uint64_t offset = 0; offset < writer->end;) {
        unsigned index;
        uint64_t start;
        size_t size, done = 0;
        CHECK(s3_part_of(offset, &index, &start, &size));
        size = writer->end - start < size ? (size_t)(writer->end - start) : size;
        if (writer->n_under_way == S3_PARALLEL)
            TRY(finish_oldest(writer, err));
        Part *part = part_at(writer, index);
        TRY(reserve(writer, part, size, size, err));
        while (done < size) {
            ssize_t n = pread(writer->spool, part->bytes + done, size - done, (off_t)(start + done));
            if (n == 0 || (n < 0 && errno != EINTR))
                return spool_error(writer, "reading", err);
            done += n > 0 ? (size_t)n : 0;
        }
        part->filled = size;
        TRY(start_part(writer, index, err));
        offset = start + size;
    }
    return STATUS_OK;
}

/* ---- The writer ---- */

static Status s3_write(StorageWriter *base, uint64_t offset, const void *bytes, size_t size, Error *err)
{
    S3Writer *writer = (S3Writer *)base;
    pthread_mutex_lock(&writer->mutex);
    Status status = writer->failure.code;
    if (status == STATUS_OK) {
        writer->end = offset + size > writer->end ? offset + size : writer->end;
        writer->written += size;
        status = writer->folder ? write_unnamed(writer, offset, bytes, size, &writer->failure)
                                : write_parts(writer, offset, bytes, size, &writer->failure);
    }
    if (status != STATUS_OK)
        *err = writer->failure;
    pthread_mutex_unlock(&writer->mutex);
    return status;
}

static void writer_free(S3Writer *writer)
{
    for (unsigned i = 0; i < writer->n_parts; i++)
        release(writer, &writer->parts[i]);
    s3_upload_abort(writer->upload);
    if (writer->spool >= 0)
        close(writer->spool);
    mem_free(writer->parts);
    pthread_mutex_destroy(&writer->mutex);
    arena_done(&writer->arena);
    mem_free(writer);
}

static Status upload_rest(S3Writer *writer, Error *err)
{
    if (writer->spool >= 0)
        TRY(upload_spool(writer, err));
    for (unsigned i = 0; i < writer->n_parts; i++)
        if (!writer->parts[i].started)
            TRY(start_part(writer, i, err));
    while (writer->n_under_way > 0)
        TRY(finish_oldest(writer, err));
    return STATUS_OK;
}

static Status complete(S3Writer *writer, bool only_new, bool *ret_created, Error *err)
{
    if (writer->failure.code != STATUS_OK) {
        *err = writer->failure;
        return err->code;
    }
    if (writer->written != writer->end) {
        error_set(err, STATUS_INTERNAL, "%llu bytes were written to an object of %llu",
                  (unsigned long long)writer->written, (unsigned long long)writer->end);
        return error_at_file(err, writer->base.path);
    }
    if (!writer->upload && writer->spool < 0)
        return s3_put(&writer->target, writer->n_parts ? writer->parts[0].bytes : NULL, (size_t)writer->end, only_new,
                      ret_created, err);
    TRY(upload_rest(writer, err));
    S3Upload *upload = writer->upload;
    writer->upload = NULL;
    return s3_upload_complete(upload, only_new, ret_created, err);
}

static Status s3_commit(StorageWriter *base, Error *err)
{
    S3Writer *writer = (S3Writer *)base;
    bool created;
    CHECK(!writer->folder);
    Status status = complete(writer, false, &created, err);
    writer_free(writer);
    return status;
}

static Status s3_commit_new(StorageWriter *base, bool *ret_created, Error *err)
{
    S3Writer *writer = (S3Writer *)base;
    CHECK(!writer->folder);
    Status status = complete(writer, true, ret_created, err);
    writer_free(writer);
    return status;
}

static Status take_name(S3Writer *writer, const char *path, Error *err)
{
    if (writer->upload) {
        error_set(err, STATUS_INTERNAL, "an upload that has begun cannot be given another name");
        return error_at_file(err, path);
    }
    writer->base.path = writer->target.path = arena_strdup(&writer->arena, path);
    return s3_name_parse(path, &writer->arena, &writer->target.name, err);
}

static Status s3_commit_as(StorageWriter *base, const char *path, Error *err)
{
    S3Writer *writer = (S3Writer *)base;
    bool created;
    Status status = take_name(writer, path, err);
    if (status == STATUS_OK)
        status = complete(writer, false, &created, err);
    writer_free(writer);
    return status;
}

static void s3_discard(StorageWriter *base)
{
    writer_free((S3Writer *)base);
}

static const StorageWriterOps S3_WRITER_OPS = {.write = s3_write,
                                               .commit = s3_commit,
                                               .commit_new = s3_commit_new,
                                               .commit_as = s3_commit_as,
                                               .discard = s3_discard};

static S3Writer *writer_new(const char *path)
{
    S3Writer *writer = mem_zalloc(sizeof *writer);
    arena_init(&writer->arena);
    pthread_mutex_init(&writer->mutex, NULL);
    error_init(&writer->failure);
    s3_mark_make(writer->target.mark);
    writer->base.ops = &S3_WRITER_OPS;
    writer->base.path = writer->target.path = arena_strdup(&writer->arena, path);
    writer->spool = -1;
    return writer;
}

Status s3_create(const char *path, StorageWriter **ret_writer, Error *err)
{
    S3Writer *writer = writer_new(path);
    Status status = s3_name_parse(path, &writer->arena, &writer->target.name, err);
    const char *key = status == STATUS_OK ? writer->target.name.key : "";
    if (status == STATUS_OK && (*key == '\0' || key[strlen(key) - 1] == '/')) {
        status = error_set(err, STATUS_IO, "this is a folder, not a file");
        error_at_file(err, path);
        error_hint(err, "name a file in it");
    }
    if (status != STATUS_OK) {
        writer_free(writer);
        return status;
    }
    *ret_writer = &writer->base;
    return STATUS_OK;
}

Status s3_create_unnamed(const char *folder, StorageWriter **ret_writer, Error *err)
{
    S3Writer *writer = writer_new(folder);
    writer->folder = writer->base.path;
    if (s3_name_parse(folder, &writer->arena, &writer->target.name, err) != STATUS_OK) {
        writer_free(writer);
        return err->code;
    }
    *ret_writer = &writer->base;
    return STATUS_OK;
}
