/* Fault injection: the nth allocation, read, write, fsync or rename fails on request.
 *
 * Compiled in only with -Dfaults=true (the fault-injection tests); elsewhere fault_hit is the constant false and costs
 * nothing.  FREIGHTLAKE_FAULT=KIND:N in the environment makes the Nth call of that kind fail, e.g. write:3;
 * KIND:N:ENOSPC gives the errno (EIO otherwise); kill:NAME kills the process at the named step. */
#ifndef FREIGHTLAKE_BASE_FAULT_H
#define FREIGHTLAKE_BASE_FAULT_H

#include <stdbool.h>

typedef enum FaultKind { FAULT_ALLOC, FAULT_READ, FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME, FAULT_KIND_COUNT } FaultKind;

#ifdef FREIGHTLAKE_FAULTS
bool fault_hit(FaultKind kind); /* true: this call must fail; errno is set */
void fault_step(const char *name);
#else
static inline bool fault_hit(FaultKind kind)
{
    (void)kind;
    return false;
}
static inline void fault_step(const char *name)
{
    (void)name;
}
#endif

#endif
