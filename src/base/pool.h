/* ThreadPool: a fixed number of workers that run one function together.
 *
 * pool_run calls task(context, worker) once on every worker, worker in [0, pool_threads), the caller being worker 0,
 * and returns when all have ended.  Work is dealt out inside the task by an atomic counter.  Not reentrant. */
#ifndef FREIGHTLAKE_BASE_POOL_H
#define FREIGHTLAKE_BASE_POOL_H

#include "base/status.h"

typedef struct ThreadPool ThreadPool;
typedef void (*PoolTask)(void *context, int worker);

#define POOL_MAX_THREADS 255

/* threads 0: one per processor this process may use; never more than POOL_MAX_THREADS. */
ThreadPool *pool_new(int threads);
void pool_free(ThreadPool *pool);
int pool_threads(const ThreadPool *pool);
void pool_run(ThreadPool *pool, PoolTask task, void *context);
int processor_count(void);

/* A request to stop (SIGINT, SIGTERM) sets a process-wide flag; long work asks at its batch borders. */
void interrupt_install(void);
bool interrupt_requested(void);
Status interrupt_check(Error *err) MUST_CHECK; /* INTERRUPTED when a stop was asked for */

#endif
