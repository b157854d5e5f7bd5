/* MartState; see state.h.
 *
 *   magic | XXH3-64 of what follows | definition hash | table id | version | number of files | paths | groups
 *
 * Numbers are 8 bytes little-endian, texts a length and bytes. */
#include "mart/state.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/text_index.h"

#define MAX_STATE_BYTES ((size_t)1 << 30)
static const char MAGIC[8] = "FLSTATE1";

static char *state_path(const Lake *lake, const Mart *mart, Arena *arena)
{
    return arena_printf(arena, "%s/state/%s.state", lake->control, mart->name);
}

/* ---- Bytes ---- */

static void put_number(Buffer *bytes, int64_t value)
{
    buffer_append(bytes, &value, sizeof value);
}

static void put_text(Buffer *bytes, const char *text)
{
    put_number(bytes, (int64_t)strlen(text));
    buffer_append_text(bytes, text);
}

typedef struct StateReader {
    const char *at, *end;
    bool good;
} StateReader;

static int64_t get_number(StateReader *reader)
{
    int64_t value = 0;
    if (reader->end - reader->at < (ptrdiff_t)sizeof value) {
        reader->good = false;
        return 0;
    }
    memcpy(&value, reader->at, sizeof value);
    reader->at += sizeof value;
    return value;
}

static const char *get_text(StateReader *reader, Arena *arena)
{
    int64_t size = get_number(reader);
    if (!reader->good || size < 0 || size > reader->end - reader->at) {
        reader->good = false;
        return "";
    }
    const char *text = arena_memdup(arena, reader->at, (size_t)size);
    reader->at += size;
    return text;
}

static bool parse_state(StrView bytes, const Mart *mart, const DeltaSnapshot *shipments, Arena *arena, MartState *state)
{
    uint64_t hash;
    if (bytes.size < sizeof MAGIC + sizeof hash || memcmp(bytes.data, MAGIC, sizeof MAGIC) != 0)
        return false;
    memcpy(&hash, bytes.data + sizeof MAGIC, sizeof hash);
    StateReader reader = {bytes.data + sizeof MAGIC + sizeof hash, bytes.data + bytes.size, true};
    if (XXH3_64bits(reader.at, (size_t)(reader.end - reader.at)) != hash)
        return false;
    if (strcmp(get_text(&reader, arena), mart->hash) != 0 ||
        strcmp(get_text(&reader, arena), shipments->metadata.id) != 0)
        return false;
    state->version = get_number(&reader);
    int64_t n = get_number(&reader);
    if (!reader.good || n < 0 || n > reader.end - reader.at)
        return false;
    state->files = ARENA_ARRAY(arena, const char *, n + 1);
    for (int64_t i = 0; i < n && reader.good; i++)
        state->files[state->n_files++] = get_text(&reader, arena);
    if (!reader.good || state->version > shipments->version)
        return false;
    buffer_init(&state->groups, 0);
    buffer_append(&state->groups, reader.at, (size_t)(reader.end - reader.at));
    return true;
}

Status state_load(const Lake *lake, const Mart *mart, const DeltaSnapshot *shipments, Arena *arena,
                  MartState *ret_state, bool *ret_found, Error *err)
{
    const char *path = state_path(lake, mart, arena);
    StorageFacts facts;
    *ret_found = false;
    *ret_state = (MartState){0};
    TRY(storage_stat(path, &facts, err));
    if (!facts.exists || facts.size_bytes > MAX_STATE_BYTES)
        return STATUS_OK;
    StrView bytes;
    TRY(storage_read_file(path, MAX_STATE_BYTES, arena, &bytes, err));
    MartState state = {0};
    *ret_found = parse_state(bytes, mart, shipments, arena, &state);
    *ret_state = state;
    return STATUS_OK;
}

void state_done(MartState *state)
{
    buffer_done(&state->groups);
}

Status state_save(const Lake *lake, const Mart *mart, const DeltaSnapshot *shipments, const Buffer *groups, Error *err)
{
    Arena arena;
    Buffer bytes;
    arena_init(&arena);
    buffer_init(&bytes, 0);
    buffer_append(&bytes, MAGIC, sizeof MAGIC);
    put_number(&bytes, 0);
    put_text(&bytes, mart->hash);
    put_text(&bytes, shipments->metadata.id);
    put_number(&bytes, shipments->version);
    put_number(&bytes, shipments->n_files);
    for (uint32_t i = 0; i < shipments->n_files; i++)
        put_text(&bytes, shipments->files[i].path);
    buffer_append(&bytes, groups->data, groups->size);
    const size_t start = sizeof MAGIC + sizeof(uint64_t);
    uint64_t hash = XXH3_64bits(bytes.data + start, bytes.size - start);
    memcpy(bytes.data + sizeof MAGIC, &hash, sizeof hash);
    Status status = STATUS_OK;
    if (bytes.size <= MAX_STATE_BYTES)
        status = storage_write_file(state_path(lake, mart, &arena), bytes.data, bytes.size, err);
    buffer_done(&bytes);
    arena_done(&arena);
    return status;
}

/* ---- Following the table ---- */

static const char **find_path(const MartState *state, const char *path)
{
    return state->n_files ? bsearch(&path, state->files, state->n_files, sizeof *state->files, text_compare) : NULL;
}

bool state_covers(const MartState *state, const char *path)
{
    return find_path(state, path) != NULL;
}

/* One commit; false when the state cannot follow it. */
static bool follow_commit(MartState *state, const DeltaFileChange *changes, uint32_t n, Arena *arena)
{
    uint32_t covered = 0, removed = 0, added = 0;
    bool data_change = false;
    for (uint32_t i = 0; i < n; i++) {
        data_change |= changes[i].data_change;
        removed += changes[i].removed;
        added += !changes[i].removed;
        covered += changes[i].removed && state_covers(state, changes[i].path);
    }
    if (covered == 0) /* it touches none of our rows: what it adds is new, or the same as what was new before */
        return true;
    if (data_change || covered != removed)
        return false;
    const char **files = ARENA_ARRAY(arena, const char *, state->n_files + added);
    uint32_t n_files = 0;
    TextIndex gone = {0};
    for (uint32_t k = 0; k < n; k++)
        if (changes[k].removed)
            text_index_add(&gone, changes[k].path);
    for (uint32_t i = 0; i < state->n_files; i++)
        if (text_index_find(&gone, state->files[i]) == TEXT_INDEX_NONE)
            files[n_files++] = state->files[i];
    text_index_done(&gone);
    for (uint32_t k = 0; k < n; k++)
        if (!changes[k].removed)
            files[n_files++] = changes[k].path;
    qsort(files, n_files, sizeof *files, text_compare);
    state->files = files;
    state->n_files = n_files;
    return true;
}

bool state_follow(MartState *state, const DeltaSnapshot *shipments, Arena *arena)
{
    Error ignored;
    error_init(&ignored);
    for (int64_t version = state->version + 1; version <= shipments->version; version++) {
        DeltaFileChange *changes;
        uint32_t n;
        if (delta_file_changes(shipments->table, version, arena, &changes, &n, &ignored) != STATUS_OK ||
            !follow_commit(state, changes, n, arena))
            return false;
    }
    /* What is covered must be in the table: a last proof. */
    uint32_t found = 0;
    for (uint32_t i = 0; i < shipments->n_files; i++)
        found += state_covers(state, shipments->files[i].path);
    state->version = shipments->version;
    return found == state->n_files;
}
