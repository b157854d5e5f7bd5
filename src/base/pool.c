#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"

struct ThreadPool {
    int threads;
    pthread_t *handles; /* threads - 1 of them */
    pthread_mutex_t mutex;
    pthread_cond_t start;
    pthread_cond_t done;
    uint64_t round;
    int running;
    bool stopping;
    PoolTask task;
    void *context;
};

typedef struct WorkerStart {
    ThreadPool *pool;
    int worker;
} WorkerStart;

int processor_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

static void *worker_main(void *argument)
{
    WorkerStart start = *(WorkerStart *)argument;
    mem_free(argument);
    ThreadPool *pool = start.pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->round == seen && !pool->stopping)
            pthread_cond_wait(&pool->start, &pool->mutex);
        if (pool->stopping)
            break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->mutex);
        pool->task(pool->context, start.worker);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->running == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

ThreadPool *pool_new(int threads)
{
    ThreadPool *pool = mem_zalloc(sizeof *pool);
    pool->threads = threads > 0 ? threads : processor_count();
    if (pool->threads > POOL_MAX_THREADS)
        pool->threads = POOL_MAX_THREADS;
    pool->handles = mem_zalloc(sizeof(pthread_t) * (size_t)pool->threads);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (int worker = 1; worker < pool->threads; worker++) {
        WorkerStart *start = mem_alloc(sizeof *start);
        *start = (WorkerStart){pool, worker};
        if (pthread_create(&pool->handles[worker - 1], NULL, worker_main, start) != 0) {
            mem_free(start);
            pool->threads = worker; /* the system gives no more threads: work with those there are */
            break;
        }
    }
    return pool;
}

void pool_free(ThreadPool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i + 1 < pool->threads; i++)
        pthread_join(pool->handles[i], NULL);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->done);
    mem_free(pool->handles);
    mem_free(pool);
}

int pool_threads(const ThreadPool *pool)
{
    return pool->threads;
}

void pool_run(ThreadPool *pool, PoolTask task, void *context)
{
    if (pool->threads > 1) {
        pthread_mutex_lock(&pool->mutex);
        pool->task = task;
        pool->context = context;
        pool->running = pool->threads - 1;
        pool->round++;
        pthread_cond_broadcast(&pool->start);
        pthread_mutex_unlock(&pool->mutex);
    }
    task(context, 0);
    if (pool->threads > 1) {
        pthread_mutex_lock(&pool->mutex);
        while (pool->running > 0)
            pthread_cond_wait(&pool->done, &pool->mutex);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static volatile sig_atomic_t stop_requested;

static void on_signal(int number)
{
    if (stop_requested) { /* asked twice: the user does not want to wait */
        signal(number, SIG_DFL);
        raise(number);
    }
    stop_requested = 1;
}

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_requested(void)
{
    return stop_requested != 0;
}

Status interrupt_check(Error *err)
{
    return stop_requested ? error_set(err, STATUS_INTERRUPTED, "interrupted") : STATUS_OK;
}
