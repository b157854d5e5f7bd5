/* Lease; see lease.h.  The beat runs on a thread of its own, so a long statement does not lose the lock. */
#include "lake/lease.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"

#define LEASE_SECONDS 45 /* FREIGHTLAKE_LEASE_SECONDS says otherwise */
#define BEATS_PER_LEASE 4
#define LOOK_SECONDS 1
#define MAX_BODY_BYTES 1024

struct Lease {
    char *path;
    uint64_t beats;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ending;
    bool ends;
};

/* What the last object of the row is, and since when. */
typedef struct Sight {
    uint64_t number; /* 0: there is none */
    char body[MAX_BODY_BYTES];
    double since; /* clock_seconds at which the waiting process saw this body first */
} Sight;

static int lease_seconds(void)
{
    const char *text = getenv("FREIGHTLAKE_LEASE_SECONDS");
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : 0;
    return text && *end == '\0' && seconds >= BEATS_PER_LEASE && seconds <= 3600 ? (int)seconds : LEASE_SECONDS;
}

/* ---- The beat ---- */

static Status write_beat(Lease *lease, bool first, bool *ret_created, Error *err)
{
    char body[MAX_BODY_BYTES], host[64] = "";
    gethostname(host, sizeof host - 1);
    int size = snprintf(body, sizeof body, "{\"host\":\"%s\",\"process\":%ld,\"beat\":%" PRIu64 "}\n", host,
                        (long)getpid(), lease->beats++);
    if (first)
        return storage_put_new(lease->path, body, (size_t)size, ret_created, err);
    return storage_write_file(lease->path, body, (size_t)size, err);
}

static void *beat(void *context)
{
    Lease *lease = context;
    pthread_mutex_lock(&lease->mutex);
    while (!lease->ends) {
        struct timespec until;
        Error err;
        error_init(&err);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += lease_seconds() / BEATS_PER_LEASE;
        pthread_cond_timedwait(&lease->ending, &lease->mutex, &until);
        if (lease->ends)
            break;
        pthread_mutex_unlock(&lease->mutex);
        if (write_beat(lease, false, NULL, &err) != STATUS_OK)
            LOG(LOG_WARN, "the lock could not be kept fresh", LOG_TEXT_FIELD("lock", lease->path),
                LOG_TEXT_FIELD("error", err.message));
        pthread_mutex_lock(&lease->mutex);
    }
    pthread_mutex_unlock(&lease->mutex);
    return NULL;
}

static void lease_free(Lease *lease)
{
    pthread_cond_destroy(&lease->ending);
    pthread_mutex_destroy(&lease->mutex);
    mem_free(lease->path);
    mem_free(lease);
}

/* Creates object `number` of the row; *ret_lease is NULL when another was first. */
static Status create(const char *folder, uint64_t number, Lease **ret_lease, Error *err)
{
    Lease *lease = mem_zalloc(sizeof *lease);
    bool created = false;
    pthread_mutex_init(&lease->mutex, NULL);
    clock_cond_init(&lease->ending);
    lease->path = mem_printf("%s/%08" PRIu64, folder, number);
    *ret_lease = NULL;
    Status status = write_beat(lease, true, &created, err);
    if (status == STATUS_OK && created && pthread_create(&lease->thread, NULL, beat, lease) != 0) {
        Error ignored;
        error_init(&ignored);
        status = error_set(err, STATUS_MEMORY, "there is no memory for a thread");
        if (storage_remove(lease->path, &ignored) != STATUS_OK)
            LOG(LOG_WARN, "the lock stays until its lease ends", LOG_TEXT_FIELD("lock", lease->path));
    }
    if (status == STATUS_OK && created)
        *ret_lease = lease;
    else
        lease_free(lease);
    return status;
}

void lease_return(Lease *lease)
{
    if (!lease)
        return;
    Error err;
    error_init(&err);
    pthread_mutex_lock(&lease->mutex);
    lease->ends = true;
    pthread_cond_signal(&lease->ending);
    pthread_mutex_unlock(&lease->mutex);
    pthread_join(lease->thread, NULL);
    if (storage_remove(lease->path, &err) != STATUS_OK)
        LOG(LOG_WARN, "the lock stays until its lease ends", LOG_TEXT_FIELD("lock", lease->path));
    lease_free(lease);
}

/* ---- Looking ---- */

static Status look(const char *folder, Sight *sight, Error *err)
{
    StorageList list;
    StrView body;
    TRY(storage_list_folder(folder, false, NULL, &list, err));
    uint64_t number = 0;
    for (size_t i = 0; i < list.n; i++) {
        uint64_t n = strtoull(strrchr(list.entries[i].path, '/') + 1, NULL, 10);
        number = n > number ? n : number;
    }
    storage_list_done(&list);
    if (number == 0) {
        *sight = (Sight){0};
        return STATUS_OK;
    }
    Arena arena;
    arena_init(&arena);
    const char *path = arena_printf(&arena, "%s/%08" PRIu64, folder, number);
    Status status = storage_read_file(path, MAX_BODY_BYTES - 1, &arena, &body, err);
    if (status == STATUS_NOT_FOUND) { /* given back meanwhile */
        *sight = (Sight){0};
        status = STATUS_OK;
    } else if (status == STATUS_OK && (sight->number != number || !str_equal(str_view(sight->body), body))) {
        sight->number = number;
        snprintf(sight->body, sizeof sight->body, "%.*s", (int)body.size, body.data);
        sight->since = clock_seconds();
    }
    arena_done(&arena);
    return status;
}

/* Objects before ours, of holders that died. */
static void remove_older(const char *folder, uint64_t number)
{
    StorageList list;
    Error err;
    error_init(&err);
    Status status = storage_list_folder(folder, false, NULL, &list, &err);
    if (status != STATUS_OK)
        return;
    for (size_t i = 0; i < list.n && status == STATUS_OK; i++)
        if (strtoull(strrchr(list.entries[i].path, '/') + 1, NULL, 10) < number)
            status = storage_remove(list.entries[i].path, &err);
    storage_list_done(&list);
}

/* Telling a person is all this is for: clocks of two machines decide nothing. */
Status lease_silent_since(const char *folder, int64_t *ret_ms, Error *err)
{
    StorageList list;
    int64_t last_ms = -1;
    TRY(storage_list_folder(folder, false, NULL, &list, err));
    for (size_t i = 0; i < list.n; i++)
        last_ms = list.entries[i].modified_ms > last_ms ? list.entries[i].modified_ms : last_ms;
    storage_list_done(&list);
    bool silent = last_ms >= 0 && (int64_t)time(NULL) - last_ms / 1000 >= 2 * (int64_t)lease_seconds();
    *ret_ms = silent ? last_ms : -1;
    return STATUS_OK;
}

Status lease_try(const char *folder, Lease **ret_lease, Error *err)
{
    Sight sight = {0};
    *ret_lease = NULL;
    TRY(look(folder, &sight, err));
    return sight.number ? STATUS_OK : create(folder, 1, ret_lease, err);
}

/* A second, in steps, so that an interrupt is noticed. */
static Status pause_a_while(Error *err)
{
    for (int i = 0; i < 10 * LOOK_SECONDS; i++) {
        TRY(interrupt_check(err));
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return STATUS_OK;
}

Status lease_take(const char *folder, void (*waiting)(void *context), void *context, Lease **ret_lease, Error *err)
{
    Sight sight = {0};
    bool told = false;
    *ret_lease = NULL;
    for (;;) {
        TRY(look(folder, &sight, err));
        bool free = sight.number == 0 || clock_seconds() - sight.since >= lease_seconds();
        if (free) {
            TRY(create(folder, sight.number + 1, ret_lease, err));
            if (*ret_lease) {
                if (sight.number > 0)
                    remove_older(folder, sight.number + 1);
                return STATUS_OK;
            }
            continue;
        }
        if (!told && waiting)
            waiting(context);
        told = true;
        TRY(pause_a_while(err));
    }
}
