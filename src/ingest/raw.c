/* The raw zone; see raw.h.
 *
 * A copy is written beside its later place under a temporary name while the file is read for parsing, so the bytes pass
 * through memory once; its name is known only at the end, with the hash.  The manifest comes after the file: a manifest
 * is the proof that the whole file is there. */
#include "ingest/raw.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/fault.h"
#include "columnar/time_text.h"

#define MAX_MANIFEST_BYTES ((size_t)64 << 10)
#define MAX_EXTENSION 12

struct RawCopy {
    Arena arena;
    const char *client;
    const char *name;
    const char *folder;
    StorageWriter *writer; /* NULL: only hashed, or committed */
    Sha256 sha;
    uint64_t bytes;
    int64_t received_us;
    char hash[SHA256_HEX_SIZE];
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ".csv" when the name ends in one that can stand in a file name, else "". */
static const char *extension_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t n = dot ? strlen(dot) : 0;
    if (n < 2 || n > MAX_EXTENSION || dot == name)
        return "";
    for (const char *c = dot + 1; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            return "";
    return strcmp(dot, ".json") == 0 ? ".ndjson" : dot; /* the manifest has the name with .json */
}

Status raw_copy_begin(const Lake *lake, const char *client, const char *file, bool keep, RawCopy **ret_copy, Error *err)
{
    RawCopy *copy = mem_zalloc(sizeof *copy);
    arena_init(&copy->arena);
    copy->client = arena_strdup(&copy->arena, client);
    copy->name = arena_strdup(&copy->arena, base_name(file));
    copy->folder = arena_printf(&copy->arena, "%s/%s", lake->raw, client);
    copy->received_us = lake_now_us();
    sha256_init(&copy->sha);
    size_t cleaned;
    Status status = STATUS_OK;
    if (keep)
        status = storage_make_folder(copy->folder, err);
    if (keep && status == STATUS_OK)
        status = storage_clean(copy->folder, &cleaned, err);
    if (keep && status == STATUS_OK)
        status = storage_create_unnamed(copy->folder, &copy->writer, err);
    if (status != STATUS_OK) {
        raw_copy_free(copy);
        return status;
    }
    *ret_copy = copy;
    return STATUS_OK;
}

int64_t raw_copy_received_us(const RawCopy *copy)
{
    return copy->received_us;
}

Sha256 *raw_copy_hash(RawCopy *copy)
{
    return &copy->sha;
}

Status raw_copy_bytes(RawCopy *copy, const void *bytes, size_t size, Error *err)
{
    if (copy->writer)
        TRY(storage_write(copy->writer, copy->bytes, bytes, size, err));
    copy->bytes += size;
    return STATUS_OK;
}

const char *raw_copy_end(RawCopy *copy)
{
    CHECK(copy->sha.bytes == copy->bytes);
    sha256_end(&copy->sha, copy->hash);
    return copy->hash;
}

static void append_instant(Buffer *json, int64_t micros)
{
    char text[TIME_TEXT_SIZE];
    timestamp_format(text, micros);
    text[10] = 'T';
    buffer_printf(json, "\"%sZ\"", text);
}

static void append_manifest(Buffer *json, const char *client, const RawFile *file, int64_t redacted_us)
{
    buffer_append_text(json, "{\"client\":");
    text_append_json(json, str_view(client));
    buffer_append_text(json, ",\"name\":");
    text_append_json(json, str_view(file->name));
    buffer_append_text(json, ",\"path\":");
    text_append_json(json, str_view(base_name(file->path)));
    buffer_printf(json, ",\"bytes\":%llu,\"sha256\":\"%s\",\"received_at\":", (unsigned long long)file->bytes,
                  file->hash);
    append_instant(json, file->received_us);
    if (redacted_us) {
        buffer_append_text(json, ",\"redacted_at\":");
        append_instant(json, redacted_us);
    }
    buffer_append_text(json, "}\n");
}

static Status write_manifest(const char *client, const RawFile *file, int64_t redacted_us, Error *err)
{
    Buffer json;
    buffer_init(&json, 0);
    append_manifest(&json, client, file, redacted_us);
    Status status = storage_write_file(file->manifest, json.data, json.size, err);
    buffer_done(&json);
    return status;
}

Status raw_copy_commit(RawCopy *copy, Error *err)
{
    if (!copy->writer)
        return STATUS_OK;
    const char *manifest = arena_printf(&copy->arena, "%s/%s.json", copy->folder, copy->hash);
    StorageFacts facts;
    TRY(storage_stat(manifest, &facts, err));
    StorageWriter *writer = copy->writer;
    copy->writer = NULL;
    if (facts.exists) {
        storage_discard(writer);
        return STATUS_OK;
    }
    const char *path = arena_printf(&copy->arena, "%s/%s%s", copy->folder, copy->hash, extension_of(copy->name));
    TRY(storage_commit_as(writer, path, err));
    fault_step("raw_copied");
    RawFile file = {.name = copy->name,
                    .path = path,
                    .manifest = manifest,
                    .hash = copy->hash,
                    .bytes = copy->bytes,
                    .received_us = copy->received_us};
    return write_manifest(copy->client, &file, 0, err);
}

void raw_copy_free(RawCopy *copy)
{
    if (!copy)
        return;
    storage_discard(copy->writer);
    arena_done(&copy->arena);
    mem_free(copy);
}

/* ---- Looking into the zone ---- */

static bool is_manifest(const char *path)
{
    const char *name = base_name(path);
    return strlen(name) == RAW_HASH_CHARACTERS + 5 && strcmp(name + RAW_HASH_CHARACTERS, ".json") == 0;
}

static const char *text_member(const json_t *root, const char *key, Arena *arena)
{
    const json_t *member = json_object_get(root, key);
    return json_is_string(member) ? arena_strdup(arena, json_string_value(member)) : NULL;
}

static Status read_manifest(const char *path, Arena *arena, RawFile *ret_file, Error *err)
{
    StrView text;
    TRY(storage_read_file(path, MAX_MANIFEST_BYTES, arena, &text, err));
    json_t *root = json_loadb(text.data, text.size, 0, NULL);
    const char *name = text_member(root, "name", arena), *file = text_member(root, "path", arena);
    const char *received = text_member(root, "received_at", arena), *hash = text_member(root, "sha256", arena);
    int64_t when = 0;
    bool good = name && file && received && hash && !strchr(file, '/') && timestamp_parse(str_view(received), &when) &&
                json_is_integer(json_object_get(root, "bytes"));
    if (good) {
        size_t folder = (size_t)(base_name(path) - path);
        *ret_file = (RawFile){.name = name, .manifest = arena_strdup(arena, path), .hash = hash, .received_us = when};
        ret_file->bytes = (uint64_t)json_integer_value(json_object_get(root, "bytes"));
        ret_file->redacted = json_is_string(json_object_get(root, "redacted_at"));
        ret_file->path = arena_printf(arena, "%.*s%s", (int)folder, path, file);
    }
    json_decref(root);
    if (good)
        return STATUS_OK;
    error_set(err, STATUS_CORRUPT, "this is no manifest of a raw file");
    error_at_file(err, path);
    return error_hint(
        err, "the file it stands for is beside it, with the same name: remove the manifest and ingest that file");
}

static int compare_received(const void *a, const void *b)
{
    const RawFile *x = a, *y = b;
    if (x->received_us != y->received_us)
        return x->received_us < y->received_us ? -1 : 1;
    return strcmp(x->hash, y->hash);
}

Status raw_list(const Lake *lake, const char *client, Arena *arena, RawFile **ret_files, uint32_t *ret_n, Error *err)
{
    StorageList list;
    TRY(storage_list_folder(arena_printf(arena, "%s/%s", lake->raw, client), false, NULL, &list, err));
    RawFile *files = ARENA_ARRAY(arena, RawFile, list.n + 1);
    uint32_t n = 0;
    Status status = STATUS_OK;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++)
        if (is_manifest(list.entries[i].path))
            status = read_manifest(list.entries[i].path, arena, &files[n++], err);
    storage_list_done(&list);
    if (status != STATUS_OK)
        return status;
    qsort(files, n, sizeof *files, compare_received);
    *ret_files = files;
    *ret_n = n;
    return STATUS_OK;
}

Status raw_has_size(const Lake *lake, const char *client, uint64_t bytes, bool *ret_has, Error *err)
{
    StorageList list;
    CLEANUP(mem_cleanup) char *folder = mem_printf("%s/%s", lake->raw, client);
    TRY(storage_list_folder(folder, false, NULL, &list, err));
    *ret_has = false;
    for (size_t i = 0; i < list.n; i++)
        *ret_has |= list.entries[i].size_bytes == bytes && !is_manifest(list.entries[i].path);
    storage_list_done(&list);
    return STATUS_OK;
}

Status raw_find(const Lake *lake, const char *client, const char *hash, Arena *arena, RawFile *ret_file, Error *err)
{
    const char *manifest = arena_printf(arena, "%s/%s/%.64s.json", lake->raw, client, hash);
    StorageFacts facts;
    TRY(storage_stat(manifest, &facts, err));
    if (facts.exists)
        return read_manifest(manifest, arena, ret_file, err);
    error_set(err, STATUS_NOT_FOUND, "the raw zone has no file with this content");
    error_at_file(err, manifest);
    return error_hint(err, "was it removed by hand, or erased?  Files are kept under raw/CLIENT by their SHA-256");
}

Status raw_mark_redacted(const char *client, const RawFile *file, Error *err)
{
    StorageFacts facts;
    RawFile now = *file;
    TRY(storage_stat(file->path, &facts, err));
    now.bytes = facts.size_bytes;
    return write_manifest(client, &now, lake_now_us(), err);
}

Status raw_remove(const RawFile *file, Error *err)
{
    TRY(storage_remove(file->manifest, err)); /* first: without it the file is none of the zone's */
    return storage_remove(file->path, err);
}
