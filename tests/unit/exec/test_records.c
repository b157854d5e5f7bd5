/* exec/records.c and sort_key.c: buckets cover all keys in order, sorting equals qsort, keys keep the order of values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exec/compare.h"
#include "exec/records.h"
#include "exec/sort_key.h"
#include "random.h"

static uint64_t random_key(int kind)
{
    switch (kind) {
    case 0:
        return next_random();
    case 1:
        return next_random() % 7;
    case 2:
        return 42;
    case 3: /* a NULL now and then among crowded doubles */
        return next_random() % 50 ? 0xc000000000000000 + next_random() % 1000000 : 0;
    default:
        return UINT64_MAX - (next_random() >> (next_random() % 64));
    }
}

static int compare(const void *a, const void *b)
{
    const SortRecord *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->payload > y->payload) - (x->payload < y->payload);
}

/* share_bytes: what a store may hold before it spills; 0: nothing spills. */
static void check_sequences(size_t share_bytes)
{
    SpillSpace space;
    spill_space_init(&space, "/tmp", 0);
    for (int kind = 0; kind < 5; kind++) {
        for (uint32_t n = 0; n <= 300000; n = n * 3 + 1) {
            uint64_t *keys = mem_alloc(sizeof *keys * (n + 1)), *payloads = mem_alloc(sizeof *payloads * (n + 1));
            uint64_t *sample = mem_alloc(sizeof *sample * (n + 1));
            SortRecord *expected = mem_alloc(sizeof *expected * (n + 1));
            for (uint32_t i = 0; i < n; i++) {
                keys[i] = random_key(kind);
                payloads[i] = next_random() % 100;
                expected[i] = (SortRecord){keys[i], payloads[i]};
            }
            uint32_t n_sample = n / 5;
            for (uint32_t i = 0; i < n_sample; i++)
                sample[i] = keys[i * 5];
            static RecordBuckets buckets;
            record_buckets_init(&buckets, sample, n_sample, n / 500 + 1);
            MemoryBudget budget;
            budget_init(&budget, 0);
            RecordStore stores[2];
            Error err;
            error_init(&err);
            for (int s = 0; s < 2; s++)
                record_store_init(&stores[s], &buckets, 2, &budget);
            for (int s = 0; share_bytes && s < 2; s++)
                record_store_let_spill(&stores[s], &space, share_bytes);
            assert_int_equal(record_store_append(&stores[0], keys, payloads, n / 3, &err), STATUS_OK);
            assert_int_equal(record_store_append(&stores[1], keys + n / 3, payloads + n / 3, n - n / 3, &err),
                             STATUS_OK);
            qsort(expected, n, sizeof *expected, compare);
            SortRecord *sorted = mem_alloc(sizeof *sorted * (n + 1)), *scratch = mem_alloc(sizeof *scratch * (n + 1));
            size_t at = 0;
            for (uint32_t b = 0; b < buckets.n_buckets; b++) {
                size_t count = record_store_count(&stores[0], b) + record_store_count(&stores[1], b);
                size_t half = count / 2;
                assert_int_equal(record_bucket_read(stores, 2, b, 0, half, (uint64_t *)(sorted + at), &err), STATUS_OK);
                assert_int_equal(
                    record_bucket_read(stores, 2, b, half, count - half, (uint64_t *)(sorted + at + half), &err),
                    STATUS_OK);
                records_sort(sorted + at, scratch, count);
                at += count;
            }
            assert_int_equal(at, n);
            assert_memory_equal(sorted, expected, sizeof *sorted * n);
            for (int s = 0; s < 2; s++)
                record_store_done(&stores[s]);
            assert_int_equal(atomic_load(&budget.used), 0);
            assert_int_equal(atomic_load(&space.used), 0);
            void *all[] = {keys, payloads, sample, expected, sorted, scratch};
            for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                mem_free(all[i]);
        }
    }
}

static void sorted_sequence_equals_qsort(void **unused)
{
    (void)unused;
    check_sequences(0);
}

static void spilled_sequence_equals_qsort(void **unused)
{
    (void)unused;
    check_sequences(1); /* a slab: every 512 chunks */
}

static void payloads_alone_are_kept_once_each(void **unused)
{
    (void)unused;
    enum { N = 20000 };
    static uint64_t keys[N], payloads[N], words[N];
    static uint8_t seen[N];
    static RecordBuckets buckets;
    for (uint64_t i = 0; i < N; i++) {
        keys[i] = next_random();
        payloads[i] = i;
        words[i] = keys[i];
    }
    record_buckets_init(&buckets, words, N, 30);
    MemoryBudget budget;
    budget_init(&budget, 0);
    RecordStore store;
    record_store_init(&store, &buckets, 1, &budget);
    Error err;
    error_init(&err);
    assert_int_equal(record_store_append(&store, keys, payloads, N, &err), STATUS_OK);
    uint64_t last = 0;
    for (uint32_t b = 0; b < buckets.n_buckets; b++) {
        assert_int_equal(record_bucket_read(&store, 1, b, 0, store.counts[b], words, &err), STATUS_OK);
        uint64_t highest = last;
        for (uint64_t i = 0; i < store.counts[b]; i++) {
            assert_int_equal(seen[words[i]]++, 0);
            assert_true(keys[words[i]] >= last);
            highest = keys[words[i]] > highest ? keys[words[i]] : highest;
        }
        last = highest;
    }
    assert_null(memchr(seen, 0, N));
    record_store_done(&store);
}

static void memory_limit_is_an_error(void **unused)
{
    (void)unused;
    static RecordBuckets buckets;
    record_buckets_init(&buckets, NULL, 0, 1);
    MemoryBudget budget;
    budget_init(&budget, 1 << 20);
    RecordStore store;
    record_store_init(&store, &buckets, 2, &budget);
    uint64_t words[8] = {0};
    Error err;
    error_init(&err);
    assert_int_equal(record_store_append(&store, words, words, 8, &err), STATUS_MEMORY);
    assert_non_null(strstr(err.hint, "--memory-limit"));
    record_store_done(&store);
}

static void keys_keep_the_order_of_doubles(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    const double values[] = {-INFINITY, -1e308, -1, -5e-324, 0, 5e-324, 1, 1.5, 1e308, INFINITY, NAN};
    enum { N = ARRAY_SIZE(values) };
    Vector vector = vector_new(&arena, DATA_TYPE(DOUBLE), N + 1, true);
    memcpy(vector.data, values, sizeof values);
    ((double *)vector.data)[N] = 7;
    vector.valid[N] = 0;
    for (int descending = 0; descending < 2; descending++) {
        uint64_t keys[N + 1];
        sort_key_encode(&vector, descending, !descending, N + 1, keys);
        for (size_t i = 1; i < N; i++)
            assert_true(descending ? keys[i - 1] > keys[i] : keys[i - 1] < keys[i]);
        assert_true(keys[N] == (descending ? UINT64_MAX : 0));
        Vector back = sort_key_decode(keys, 1, N + 1, DATA_TYPE(DOUBLE), descending, !descending, &arena);
        for (uint32_t i = 0; i < N; i++)
            assert_int_equal(compare_rows(&back, i, &vector, i, false, true), 0);
        assert_false(vector_is_valid(&back, N));
    }
    arena_done(&arena);
}

static void keys_never_contradict_the_order(void **unused)
{
    (void)unused;
    Arena arena;
    arena_init(&arena);
    const DataType types[] = {DATA_TYPE(INT),   DATA_TYPE(BIGINT),   DATA_TYPE(DATE),      DATA_TYPE(TIMESTAMP),
                              DATA_TYPE(FLOAT), DECIMAL_TYPE(18, 4), DECIMAL_TYPE(38, 10), DATA_TYPE(STRING)};
    enum { N = 300 };
    for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
        Vector vector = vector_new(&arena, types[t], N, true);
        for (uint32_t i = 0; i < N; i++) {
            uint64_t words[2] = {next_random() >> (next_random() % 64), next_random() >> (next_random() % 64)};
            if (types[t].id == TYPE_STRING) {
                char *text = arena_memdup(&arena, words, 16);
                ((StrView *)vector.data)[i] = (StrView){text, (uint32_t)(next_random() % 17)};
            } else {
                memcpy((char *)vector.data + type_width(types[t]) * i, words, type_width(types[t]));
            }
            vector.valid[i] = next_random() % 10 != 0;
        }
        for (int form = 0; form < 4; form++) {
            uint64_t keys[N];
            bool descending = form & 1, nulls_first = form & 2;
            sort_key_encode(&vector, descending, nulls_first, N, keys);
            for (uint32_t i = 0; i < N; i++)
                for (uint32_t j = 0; j < N; j++)
                    if (keys[i] < keys[j])
                        assert_true(compare_rows(&vector, i, &vector, j, descending, nulls_first) < 0);
        }
    }
    arena_done(&arena);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_sequence_equals_qsort),      cmocka_unit_test(spilled_sequence_equals_qsort),
        cmocka_unit_test(payloads_alone_are_kept_once_each), cmocka_unit_test(memory_limit_is_an_error),
        cmocka_unit_test(keys_keep_the_order_of_doubles),    cmocka_unit_test(keys_never_contradict_the_order),
    };
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
