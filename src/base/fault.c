#include "base/fault.h"

#ifdef FREIGHTLAKE_FAULTS
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const KIND_NAMES[FAULT_KIND_COUNT] = {"alloc", "read", "write", "fsync", "rename"};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic long remaining[FAULT_KIND_COUNT];
static int fault_errno = EIO;
static const char *kill_step;

static void load(void)
{
    const char *text = getenv("FREIGHTLAKE_FAULT");
    if (!text)
        return;
    if (strncmp(text, "kill:", 5) == 0) {
        kill_step = text + 5;
        return;
    }
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        size_t length = strlen(KIND_NAMES[kind]);
        if (strncmp(text, KIND_NAMES[kind], length) == 0 && text[length] == ':')
            remaining[kind] = strtol(text + length + 1, NULL, 10);
    }
    if (strstr(text, ":ENOSPC"))
        fault_errno = ENOSPC;
}

bool fault_hit(FaultKind kind)
{
    pthread_once(&once, load);
    if (atomic_load(&remaining[kind]) <= 0 || atomic_fetch_sub(&remaining[kind], 1) != 1)
        return false;
    errno = fault_errno;
    return true;
}

void fault_step(const char *name)
{
    pthread_once(&once, load);
    if (kill_step && strcmp(kill_step, name) == 0)
        raise(SIGKILL);
}
#else
typedef int fault_is_compiled_out;
#endif
