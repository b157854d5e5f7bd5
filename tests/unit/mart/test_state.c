/* src/mart/state.c: a state that is whole is read back, one that is torn, flipped or of something else is as if it were not
 * there, and a state is followed through the table's log or given up. */
#include "../storage/scratch_folder.h"

#include <xxhash.h>

#include "delta/commit.h"
#include "lake/table.h"
#include "mart/state.h"

#define STATE_FILE "lake/_freightlake/state/delay_trends.state"
#define HEAD_BYTES (8 + sizeof(uint64_t)) /* magic and checksum */

static Arena arena;
static Lake *lake;
static Error err;
static Mart mart = {.name = "delay_trends", .hash = "0123456789abcdef0123456789abcdef"};
static Buffer groups;

static int setup(void **state)
{
    arena_init(&arena);
    error_init(&err);
    if (scratch_make(state) != 0)
        return -1;
    const char *path = arena_printf(&arena, "%s/lake", scratch_path);
    const LakeInitOptions options = {.path = path};
    buffer_init(&groups, 0);
    buffer_append(&groups, "groups\0of\xffit", 12);
    return lake_init(&options, &arena, &err) == STATUS_OK && lake_open(path, &arena, &lake, &err) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    buffer_done(&groups);
    arena_done(&arena);
    return scratch_remove(state);
}

static DeltaSnapshot *load(void)
{
    DeltaSnapshot *snapshot;
    assert_int_equal(delta_snapshot_load(lake_table_path(lake, "shipments", &arena),
                                         (DeltaVersion){.kind = DELTA_NEWEST}, &arena, &snapshot, &err),
                     STATUS_OK);
    return snapshot;
}

/* A commit that takes `removes` files out (the first of the snapshot that have these letters) and puts `adds` in. */
static void commit(const char *removes, const char *adds, bool data_change)
{
    static const char *const client[] = {"emart"};
    const DeltaSnapshot *base = load();
    const DeltaFile *removed[8];
    DeltaFile added[8];
    uint32_t n_removed = 0, n_added = 0;
    for (const char *letter = removes; *letter; letter++)
        for (uint32_t i = 0; i < base->n_files; i++)
            if (base->files[i].path[strlen(base->files[i].path) - strlen("x.parquet")] == *letter)
                removed[n_removed++] = &base->files[i];
    assert_int_equal(n_removed, strlen(removes));
    for (const char *letter = adds; *letter; letter++)
        added[n_added++] = (DeltaFile){.path = arena_printf(&arena, "client=emart/%c.parquet", *letter),
                                       .partition_values = client,
                                       .size_bytes = 100,
                                       .modification_time_ms = 1,
                                       .num_records = 10,
                                       .statistics = "{\"numRecords\":10}"};
    DeltaCommit change = {.operation = "WRITE",
                          .adds = added,
                          .n_adds = n_added,
                          .removes = removed,
                          .n_removes = n_removed,
                          .data_change = data_change,
                          .rule = n_removed ? DELTA_REWRITE : DELTA_BLIND_APPEND};
    int64_t version;
    assert_int_equal(delta_commit(base, &change, &version, &err), STATUS_OK);
}

static bool load_state(const DeltaSnapshot *shipments, MartState *state)
{
    bool found;
    assert_int_equal(state_load(lake, &mart, shipments, &arena, state, &found, &err), STATUS_OK);
    return found;
}

static bool found(const DeltaSnapshot *shipments)
{
    MartState state;
    bool is_there = load_state(shipments, &state);
    state_done(&state);
    return is_there;
}

static StrView read_state(void)
{
    StrView bytes;
    assert_int_equal(storage_read_file(scratch_file(STATE_FILE), 1 << 20, &arena, &bytes, &err), STATUS_OK);
    return bytes;
}

static void write_state(const void *bytes, size_t size)
{
    assert_int_equal(storage_write_file(scratch_file(STATE_FILE), bytes, size, &err), STATUS_OK);
}

static void test_what_is_saved_is_loaded(void **unused)
{
    (void)unused;
    MartState state;
    assert_false(found(load())); /* there is none */
    assert_int_equal(state_save(lake, &mart, load(), &groups, &err), STATUS_OK);
    assert_true(load_state(load(), &state)); /* of a table without files */
    assert_int_equal(state.n_files, 0);
    state_done(&state);
    commit("", "ab", true);
    const DeltaSnapshot *shipments = load();
    assert_int_equal(state_save(lake, &mart, shipments, &groups, &err), STATUS_OK);
    assert_true(load_state(shipments, &state));
    assert_int_equal(state.version, shipments->version);
    assert_int_equal(state.n_files, 2);
    assert_int_equal(state.groups.size, groups.size);
    assert_memory_equal(state.groups.data, groups.data, groups.size);
    assert_true(state_covers(&state, "client=emart/a.parquet"));
    assert_true(state_covers(&state, "client=emart/b.parquet"));
    assert_false(state_covers(&state, "client=emart/c.parquet"));
    state_done(&state);
}

static void test_torn_and_flipped(void **unused)
{
    (void)unused;
    const DeltaSnapshot *shipments = load();
    StrView whole = read_state();
    assert_true(found(shipments));
    for (uint32_t size = 0; size < whole.size; size++) {
        write_state(whole.data, size);
        assert_false(found(shipments));
    }
    write_state("no state at all, but long enough to be one", 42);
    assert_false(found(shipments));
    char *flipped = arena_memdup(&arena, whole.data, whole.size);
    for (uint32_t bit = 0; bit < whole.size * 8; bit++) {
        flipped[bit / 8] ^= (char)(1 << bit % 8);
        write_state(flipped, whole.size);
        assert_false(found(shipments));
        flipped[bit / 8] ^= (char)(1 << bit % 8);
    }
    char *longer = arena_printf(&arena, "%*s", (int)whole.size + 1, "");
    memcpy(longer, whole.data, whole.size);
    write_state(longer, whole.size + 1);
    assert_false(found(shipments));
    write_state(whole.data, whole.size);
    assert_true(found(shipments));
}

/* Numbers that cannot be, under a checksum that is right. */
static void test_wrong_inside(void **unused)
{
    (void)unused;
    const DeltaSnapshot *shipments = load();
    StrView whole = read_state();
    /* sizes and numbers: of the hash, the id, the version, the number of files, of each path */
    const size_t hash = HEAD_BYTES, id = hash + 8 + strlen(mart.hash);
    const size_t version = id + 8 + strlen(shipments->metadata.id), n_files = version + 8, path = n_files + 8;
    const size_t places[] = {hash, id, version, n_files, path, path + 8 + strlen("client=emart/a.parquet")};
    static const int64_t wrong[] = {-1,        INT64_MIN, INT64_MAX,       (int64_t)1 << 32, (int64_t)1 << 60,
                                    100000000, 1000,      UINT32_MAX + 23L};
    for (size_t p = 0; p < ARRAY_SIZE(places); p++)
        for (size_t w = 0; w < ARRAY_SIZE(wrong); w++) {
            if (places[p] == version && wrong[w] < 0)
                continue; /* older than all there is: it cannot be followed */
            char *bytes = arena_memdup(&arena, whole.data, whole.size);
            memcpy(bytes + places[p], &wrong[w], sizeof wrong[w]);
            uint64_t sum = XXH3_64bits(bytes + HEAD_BYTES, whole.size - HEAD_BYTES);
            memcpy(bytes + 8, &sum, sizeof sum);
            write_state(bytes, whole.size);
            if (found(shipments))
                fail_msg("place %zu, number %zu", p, w);
        }
    write_state(whole.data, whole.size);
    assert_true(found(shipments));
}

static void test_of_something_else(void **unused)
{
    (void)unused;
    DeltaSnapshot *shipments = load();
    MartState state;
    mart.hash[5] ^= 1; /* another text of the mart */
    assert_false(found(shipments));
    mart.hash[5] ^= 1;
    DeltaSnapshot other = *shipments;
    other.metadata.id = "another table";
    assert_false(found(&other));
    other = *shipments;
    other.version--; /* a table that was put back from a copy */
    assert_false(found(&other));
    mart.name = "carrier_performance";
    assert_false(found(shipments));
    mart.name = "delay_trends";
    assert_true(load_state(shipments, &state));
    state.version = -7; /* before all that the log knows */
    assert_false(state_follow(&state, shipments, &arena));
    state_done(&state);
}

/* Saves a state of the table as it is, makes the commit, and follows. */
static bool follows(const char *removes, const char *adds, bool data_change, MartState *state)
{
    assert_int_equal(state_save(lake, &mart, load(), &groups, &err), STATUS_OK);
    commit(removes, adds, data_change);
    assert_true(load_state(load(), state));
    return state_follow(state, load(), &arena);
}

static void test_following(void **unused)
{
    (void)unused;
    MartState state;
    assert_true(follows("", "c", true, &state)); /* an append: c is new */
    assert_int_equal(state.version, load()->version);
    assert_false(state_covers(&state, "client=emart/c.parquet"));
    assert_true(state_covers(&state, "client=emart/a.parquet"));
    state_done(&state);
    assert_true(follows("ab", "d", false, &state)); /* a compaction: d has the rows of a and b */
    assert_true(state_covers(&state, "client=emart/d.parquet"));
    assert_true(state_covers(&state, "client=emart/c.parquet"));
    assert_false(state_covers(&state, "client=emart/a.parquet"));
    assert_int_equal(state.n_files, 2);
    state_done(&state);
    assert_false(follows("c", "e", true, &state)); /* an upsert: rows of c are gone */
    state_done(&state);
    assert_false(follows("e", "", true, &state)); /* a deletion */
    state_done(&state);
    assert_true(follows("", "", true, &state)); /* a commit without files */
    state_done(&state);
}

static void test_following_several_commits(void **unused)
{
    (void)unused;
    MartState state;
    assert_int_equal(state_save(lake, &mart, load(), &groups, &err), STATUS_OK); /* of d */
    commit("", "fg", true);
    commit("f", "h", true);   /* new rows changed: none of ours */
    commit("gh", "i", false); /* new files compacted among themselves */
    commit("d", "jk", false); /* ours rewritten as two */
    assert_true(load_state(load(), &state));
    assert_true(state_follow(&state, load(), &arena));
    assert_int_equal(state.n_files, 2);
    assert_true(state_covers(&state, "client=emart/j.parquet"));
    assert_true(state_covers(&state, "client=emart/k.parquet"));
    assert_false(state_covers(&state, "client=emart/i.parquet"));
    state_done(&state);
    commit("ij", "l", false); /* l has rows of ours and new ones */
    assert_true(load_state(load(), &state));
    assert_false(state_follow(&state, load(), &arena));
    state_done(&state);
}

static void test_a_commit_that_is_gone(void **unused)
{
    (void)unused;
    MartState state;
    assert_int_equal(state_save(lake, &mart, load(), &groups, &err), STATUS_OK);
    int64_t version = load()->version + 1;
    commit("", "m", true);
    commit("", "n", true);
    const DeltaSnapshot *shipments = load();
    const char *entry = arena_printf(&arena, "%s/_delta_log/%020lld.json", shipments->table, (long long)version);
    assert_int_equal(unlink(entry), 0);
    assert_true(load_state(shipments, &state));
    assert_false(state_follow(&state, shipments, &arena));
    state_done(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_saved_is_loaded),
        cmocka_unit_test(test_torn_and_flipped),
        cmocka_unit_test(test_wrong_inside),
        cmocka_unit_test(test_of_something_else),
        cmocka_unit_test(test_following),
        cmocka_unit_test(test_following_several_commits),
        cmocka_unit_test(test_a_commit_that_is_gone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("mart/state", tests, setup, teardown);
}
