/* Saved states.
 *
 *   "FLAS", u32 format, u64 XXH3 of all that follows
 *   u64 XXH3 of the aggregate and its children as text (another expression or filter is another statement)
 *   u32 number of keys, types; u32 number of calls, kind and types of each
 *   u64 number of groups; each key's values; each call's states
 *
 * Types are three bytes: id, precision, scale.  A column of values is one byte a group (1: there is one) and the values that
 * are there, one after the other: strings with a u32 size before them, all others in the width of their type.  States:
 * count i64; whole sum 128 bits, i64, count i64; double sum as exact_sum_save gives it, count i64; extremes are a column of
 * values; min_by and max_by are two, of y and of x; moments are count i64 and their sums as those of doubles.  Little-endian
 * throughout.
 *
 * The order of the groups is not defined.  A reader believes nothing: what it could not compute with safely is refused
 * even where the checksum is right. */
#include "exec/aggregate_state.h"

#include "exec/exec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FORMAT_VERSION 1
#define HEADER_BYTES 16
/* Rows of one group: more than any table has, and few enough for thousands of states to be added up in 64 bits. */
#define COUNT_LIMIT ((int64_t)1 << 48)

static const char MAGIC[4] = {'F', 'L', 'A', 'S'};

/* ---- saving ---- */

static void append_type(Buffer *bytes, DataType type)
{
    buffer_append_byte(bytes, (uint8_t)type.id);
    buffer_append_byte(bytes, type.precision);
    buffer_append_byte(bytes, type.scale);
}

static void append_u32(Buffer *bytes, uint32_t number)
{
    buffer_append(bytes, &number, sizeof number);
}

static void append_u64(Buffer *bytes, uint64_t number)
{
    buffer_append(bytes, &number, sizeof number);
}

static bool is_text(DataType type)
{
    return type.id == TYPE_STRING || type.id == TYPE_BINARY;
}

static void append_value(Buffer *bytes, DataType type, const void *value)
{
    if (!is_text(type)) {
        buffer_append(bytes, value, type_width(type));
        return;
    }
    StrView text;
    memcpy(&text, value, sizeof text);
    append_u32(bytes, (uint32_t)text.size);
    buffer_append(bytes, text.data, text.size);
}

/* What the states belong to: equal bytes, equal meaning. */
static void append_signature(Buffer *bytes, const PlanNode *node)
{
    Buffer text;
    buffer_init(&text, 0);
    exec_explain(&(Statement){.plan = node}, &text);
    append_u64(bytes, XXH3_64bits(text.data, text.size));
    buffer_done(&text);
    append_u32(bytes, node->aggregate.n_keys);
    for (uint32_t k = 0; k < node->aggregate.n_keys; k++)
        append_type(bytes, node->aggregate.keys[k]->type);
    append_u32(bytes, node->aggregate.n_calls);
    for (uint32_t i = 0; i < node->aggregate.n_calls; i++) {
        const AggregateCall *call = &node->aggregate.calls[i];
        buffer_append_byte(bytes, (uint8_t)call->kind);
        append_type(bytes, call->n_args ? call->args[0]->type : DATA_TYPE(NULLTYPE));
        for (uint32_t k = 1; k < call->n_args; k++)
            append_type(bytes, call->args[k]->type);
        append_type(bytes, call->type);
    }
}

static void append_key(Buffer *bytes, const Vector *column)
{
    size_t width = type_width(column->type);
    buffer_append(bytes, column->valid, column->n);
    for (uint32_t g = 0; g < column->n; g++)
        if (column->valid[g])
            append_value(bytes, column->type, (const char *)column->data + width * g);
}

/* The Extreme that lies `offset` bytes within each state. */
static Extreme *extreme_at(const AggregateSlot *slot, uint32_t g, size_t offset)
{
    return (Extreme *)(void *)(slot->states + slot->state_bytes * g + offset);
}

static void append_extremes(Buffer *bytes, const AggregateSlot *slot, size_t offset, DataType type, uint32_t n)
{
    for (uint32_t g = 0; g < n; g++)
        buffer_append_byte(bytes, extreme_at(slot, g, offset)->seen);
    for (uint32_t g = 0; g < n; g++)
        if (extreme_at(slot, g, offset)->seen)
            append_value(bytes, type, extreme_at(slot, g, offset)->value);
}

static void append_states(Buffer *bytes, const AggregateSlot *slot, uint32_t n)
{
    if (slot->state == STATE_EXTREME) {
        append_extremes(bytes, slot, 0, slot->call->args[0]->type, n);
        return;
    }
    if (slot->state == STATE_BY) {
        append_extremes(bytes, slot, offsetof(ByExtreme, extreme), slot->call->args[1]->type, n);
        append_extremes(bytes, slot, offsetof(ByExtreme, value), slot->call->args[0]->type, n);
        return;
    }
    for (uint32_t g = 0; g < n; g++) {
        const char *state = slot->states + slot->state_bytes * g;
        if (slot->state == STATE_COUNT) {
            buffer_append(bytes, state, sizeof(int64_t));
        } else if (slot->state == STATE_SUM_WHOLE) {
            const WholeSum *sum = (const WholeSum *)(const void *)state;
            buffer_append(bytes, &sum->low, sizeof sum->low);
            buffer_append(bytes, &sum->high, sizeof sum->high);
            buffer_append(bytes, &sum->count, sizeof sum->count);
        } else if (slot->state == STATE_MOMENTS) {
            const Moments *moments = (const Moments *)(const void *)state;
            buffer_append(bytes, &moments->count, sizeof moments->count);
            for (uint32_t i = 0; i < moments_sums(slot->call->n_args); i++)
                exact_sum_save(&moments->sums[i], bytes);
        } else {
            const DoubleSum *sum = (const DoubleSum *)(const void *)state;
            exact_sum_save(&sum->sum, bytes);
            buffer_append(bytes, &sum->count, sizeof sum->count);
        }
    }
}

bool aggregate_can_save(const PlanNode *node)
{
    for (uint32_t i = 0; i < node->aggregate.n_calls; i++) {
        const AggregateCall *call = &node->aggregate.calls[i];
        if (call->distinct && call->kind != AGGREGATE_MIN && call->kind != AGGREGATE_MAX)
            return false;
        if (call->kind == AGGREGATE_PERCENTILE || call->kind == AGGREGATE_MEDIAN)
            return false;
    }
    return true;
}

void aggregate_save(const Aggregate *aggregate, Buffer *bytes)
{
    CHECK(aggregate_can_save(aggregate->node));
    Arena arena;
    arena_init(&arena);
    size_t start = bytes->size;
    uint32_t n = group_table_size(aggregate->groups);
    buffer_append(bytes, MAGIC, sizeof MAGIC);
    append_u32(bytes, FORMAT_VERSION);
    append_u64(bytes, 0);
    append_signature(bytes, aggregate->node);
    append_u64(bytes, n);
    for (uint32_t k = 0; k < aggregate->n_keys; k++) {
        Vector column = group_table_column(aggregate->groups, k, &arena);
        append_key(bytes, &column);
    }
    for (uint32_t i = 0; i < aggregate->n_slots; i++)
        append_states(bytes, &aggregate->slots[i], n);
    if (!bytes->failed) {
        uint64_t hash = XXH3_64bits(bytes->data + start + HEADER_BYTES, bytes->size - start - HEADER_BYTES);
        memcpy(bytes->data + start + 8, &hash, sizeof hash);
    }
    arena_done(&arena);
}

/* ---- loading ---- */

typedef struct StateReader {
    const uint8_t *at;
    size_t left;
    bool failed; /* sticky: what is read then is zeroed */
} StateReader;

static void take(StateReader *reader, void *to, size_t size)
{
    memset(to, 0, size);
    if (reader->failed || reader->left < size) {
        reader->failed = true;
        return;
    }
    memcpy(to, reader->at, size);
    reader->at += size;
    reader->left -= size;
}

static int64_t take_count(StateReader *reader)
{
    int64_t count;
    take(reader, &count, sizeof count);
    reader->failed |= count < 0 || count > COUNT_LIMIT;
    return reader->failed ? 0 : count;
}

static bool decimal_in_range(DataType type, const void *value)
{
    Int128 limit = 1, number = 0;
    for (int i = 0; i < type.precision; i++)
        limit *= 10;
    if (type_is_wide_decimal(type)) {
        memcpy(&number, value, sizeof number);
    } else {
        int64_t narrow;
        memcpy(&narrow, value, sizeof narrow);
        number = narrow;
    }
    return number > -limit && number < limit;
}

/* A value in its physical form; texts point into the bytes. */
static void take_value(StateReader *reader, DataType type, void *to)
{
    if (is_text(type)) {
        uint32_t size;
        take(reader, &size, sizeof size);
        reader->failed |= size > reader->left;
        StrView text = {"", 0};
        if (!reader->failed) {
            text = (StrView){(const char *)reader->at, size};
            reader->at += size;
            reader->left -= size;
        }
        memcpy(to, &text, sizeof text);
        return;
    }
    take(reader, to, type_width(type));
    if (type.id == TYPE_BOOLEAN)
        reader->failed |= *(const uint8_t *)to > 1;
    if (type.id == TYPE_DECIMAL)
        reader->failed |= !decimal_in_range(type, to);
}

/* One byte a group, 0 or 1; NULL when they are not there. */
static uint8_t *take_valid(StateReader *reader, uint32_t n, Arena *arena)
{
    if (reader->failed || reader->left < n) {
        reader->failed = true;
        return NULL;
    }
    uint8_t *valid = (uint8_t *)arena_memdup(arena, reader->at, n);
    reader->at += n;
    reader->left -= n;
    for (uint32_t g = 0; g < n; g++)
        reader->failed |= valid[g] > 1;
    return reader->failed ? NULL : valid;
}

static void take_key(StateReader *reader, DataType type, uint32_t n, Arena *arena, Vector *ret_column)
{
    uint8_t *valid = take_valid(reader, n, arena);
    if (!valid)
        return;
    *ret_column = vector_new(arena, type, n, false);
    ret_column->valid = valid;
    size_t width = type_width(type);
    memset(ret_column->data, 0, width * n);
    for (uint32_t g = 0; g < n; g++) {
        if (valid[g])
            take_value(reader, type, (char *)ret_column->data + width * g);
        reader->failed |= valid[g] && type.id == TYPE_NULLTYPE;
    }
}

static void take_extremes(StateReader *reader, AggregateSlot *slot, size_t offset, DataType type, uint32_t n,
                          Arena *arena)
{
    const uint8_t *seen = take_valid(reader, n, arena);
    if (!seen)
        return;
    if (!slot->states)
        slot->states = arena_zalloc(arena, slot->state_bytes * (n + 1));
    for (uint32_t g = 0; g < n; g++) {
        Extreme *extreme = extreme_at(slot, g, offset);
        extreme->seen = seen[g];
        if (seen[g])
            take_value(reader, type, extreme->value);
    }
}

static void take_sum(StateReader *reader, const AggregateSlot *slot, char *place, Arena *arena)
{
    StateKind kind = slot->state;
    if (kind == STATE_COUNT) {
        *(int64_t *)(void *)place = take_count(reader);
    } else if (kind == STATE_SUM_WHOLE) {
        WholeSum *sum = (WholeSum *)(void *)place;
        take(reader, &sum->low, sizeof sum->low);
        take(reader, &sum->high, sizeof sum->high);
        sum->count = take_count(reader);
        reader->failed |= sum->high < -sum->count || sum->high > sum->count; /* no term is 2^128 or more */
    } else if (kind == STATE_MOMENTS) {
        Moments *moments = (Moments *)(void *)place;
        moments->count = take_count(reader);
        for (uint32_t i = 0; i < moments_sums(slot->call->n_args); i++)
            reader->failed |= reader->failed || !exact_sum_load(&moments->sums[i], &reader->at, &reader->left, arena);
    } else {
        DoubleSum *sum = (DoubleSum *)(void *)place;
        reader->failed |= reader->failed || !exact_sum_load(&sum->sum, &reader->at, &reader->left, arena);
        sum->count = take_count(reader);
    }
}

static void take_states(StateReader *reader, AggregateSlot *slot, uint32_t n, Arena *arena)
{
    if (slot->state == STATE_EXTREME) {
        take_extremes(reader, slot, 0, slot->call->args[0]->type, n, arena);
        return;
    }
    if (slot->state == STATE_BY) {
        take_extremes(reader, slot, offsetof(ByExtreme, extreme), slot->call->args[1]->type, n, arena);
        take_extremes(reader, slot, offsetof(ByExtreme, value), slot->call->args[0]->type, n, arena);
        return;
    }
    if (reader->left / sizeof(int64_t) < n) { /* the smallest state */
        reader->failed = true;
        return;
    }
    slot->states = arena_zalloc(arena, slot->state_bytes * (n + 1));
    for (uint32_t g = 0; g < n && !reader->failed; g++)
        take_sum(reader, slot, slot->states + slot->state_bytes * g, arena);
}

static Status refuse(Error *err, const char *why)
{
    error_set(err, STATUS_DATA, "the saved state of a grouped statement %s", why);
    return error_hint(err, "a full run makes it anew");
}

/* The groups and states behind the signature, as an aggregate of their own. */
static Status take_groups(StateReader *reader, Aggregate *saved, Arena *arena, Error *err)
{
    uint64_t n_groups;
    take(reader, &n_groups, sizeof n_groups);
    if (reader->failed || n_groups >= UINT32_MAX || (saved->n_keys == 0 ? n_groups > 1 : n_groups > reader->left))
        return refuse(err, "is damaged");
    uint32_t n = (uint32_t)n_groups;
    Vector *keys = ARENA_ARRAY(arena, Vector, saved->n_keys + 1);
    for (uint32_t k = 0; k < saved->n_keys && !reader->failed; k++)
        take_key(reader, saved->node->aggregate.keys[k]->type, n, arena, &keys[k]);
    for (uint32_t i = 0; i < saved->n_slots && !reader->failed; i++)
        take_states(reader, &saved->slots[i], n, arena);
    if (reader->failed || reader->left)
        return refuse(err, "is damaged");
    saved->capacity = n;
    uint32_t *groups = ARENA_ARRAY(arena, uint32_t, n + 1);
    group_table_find(saved->groups, keys, n, UINT64_MAX, arena, groups);
    return group_table_size(saved->groups) == n ? STATUS_OK : refuse(err, "has a group twice");
}

Status aggregate_load(Aggregate *aggregate, const Buffer *bytes, Arena *batch_arena, Error *err)
{
    StateReader reader = {bytes->data, bytes->size, false};
    char magic[sizeof MAGIC];
    uint32_t format;
    uint64_t hash;
    take(&reader, magic, sizeof magic);
    take(&reader, &format, sizeof format);
    take(&reader, &hash, sizeof hash);
    if (reader.failed || memcmp(magic, MAGIC, sizeof magic) != 0)
        return refuse(err, "is none");
    if (format != FORMAT_VERSION)
        return refuse(err, "has another format");
    if (XXH3_64bits(reader.at, reader.left) != hash)
        return refuse(err, "is damaged");
    Buffer signature;
    buffer_init(&signature, 0);
    append_signature(&signature, aggregate->node);
    bool same = reader.left >= signature.size && memcmp(reader.at, signature.data, signature.size) == 0;
    reader.at += same ? signature.size : 0;
    reader.left -= same ? signature.size : 0;
    buffer_done(&signature);
    if (!same)
        return refuse(err, "is that of another statement");
    Aggregate *saved = aggregate_new(aggregate->node, NULL, batch_arena);
    TRY(take_groups(&reader, saved, batch_arena, err));
    aggregate_merge(aggregate, saved, batch_arena);
    return STATUS_OK;
}
