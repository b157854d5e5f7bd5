/* base/pool.c: every worker runs each task once; the request to stop. */
#include "base/pool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct Seen {
    atomic_int calls[64];
    atomic_int total;
} Seen;

static void count_call(void *context, int worker)
{
    Seen *seen = context;
    atomic_fetch_add(&seen->calls[worker], 1);
    atomic_fetch_add(&seen->total, 1);
}

static void every_worker_once_a_round(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 7; threads += 3) {
        ThreadPool *pool = pool_new(threads);
        assert_int_equal(pool_threads(pool), threads);
        Seen seen = {0};
        for (int round = 1; round <= 200; round++) {
            pool_run(pool, count_call, &seen);
            assert_int_equal(seen.total, round * threads);
        }
        for (int worker = 0; worker < threads; worker++)
            assert_int_equal(seen.calls[worker], 200);
        pool_free(pool);
    }
    pool_free(NULL);
}

static void a_pool_that_never_ran_ends(void **state)
{
    (void)state;
    pool_free(pool_new(5));
    ThreadPool *pool = pool_new(0);
    assert_int_equal(pool_threads(pool), processor_count());
    pool_free(pool);
}

static void a_signal_asks_to_stop(void **state)
{
    (void)state;
    Error err;
    error_init(&err);
    interrupt_install();
    assert_false(interrupt_requested());
    assert_int_equal(interrupt_check(&err), STATUS_OK);
    raise(SIGINT);
    assert_true(interrupt_requested());
    assert_int_equal(interrupt_check(&err), STATUS_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_once_a_round),
        cmocka_unit_test(a_pool_that_never_ran_ends),
        cmocka_unit_test(a_signal_asks_to_stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
