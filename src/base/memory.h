/* Memory: allocation that cannot fail quietly, arenas, growable buffers, and the budget of a job.
 *
 * Four named lifetimes: process, job (or request), query, batch.  An `Arena *` is always an explicit parameter and its
 * name says which.  mem_alloc never returns NULL: when the system has no memory left the program writes one clear line
 * and ends with exit code 4; nothing half-written is visible, since results appear only by rename.  Sizes that come
 * from outside (a file, a request) are checked against a MemoryBudget before they are allocated, and that fails with an
 * Error. */
#ifndef FREIGHTLAKE_BASE_MEMORY_H
#define FREIGHTLAKE_BASE_MEMORY_H

#include <stdatomic.h>

#include "base/status.h"

/* At least `size` bytes, 16-byte aligned; the second form is zeroed.  Free with mem_free. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *memory, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
void mem_free(void *memory);
/* For CLEANUP(mem_cleanup) on a local pointer of any type. */
void mem_cleanup(void *pointer_to_pointer);

/* Large zeroed regions straight from the kernel, 2 MiB aligned, in huge pages where the system has them. */
void *mem_map(size_t size) __attribute__((returns_nonnull));
void mem_unmap(void *memory, size_t size);

/* ---- Arena: bump allocation, freed all at once.  Not thread-safe: one owner at a time. ---- */
typedef struct ArenaBlock ArenaBlock;
typedef struct Arena {
    ArenaBlock *head;
    char *next;
    char *end;
    size_t used_bytes; /* sum of what was handed out */
} Arena;

void arena_init(Arena *arena);
void arena_done(Arena *arena);
/* Forgets all that was handed out; keeps the largest block for reuse. */
void arena_reset(Arena *arena);
void *arena_alloc(Arena *arena, size_t size) __attribute__((returns_nonnull)); /* 64-byte aligned when size >= 64 */
void *arena_zalloc(Arena *arena, size_t size) __attribute__((returns_nonnull));
char *arena_strdup(Arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_memdup(Arena *arena, const void *bytes, size_t size) __attribute__((returns_nonnull)); /* NUL appended */
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((returns_nonnull, format(printf, 2, 3)));
#define ARENA_NEW(arena, Type) ((Type *)arena_zalloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, n) ((Type *)arena_zalloc((arena), sizeof(Type) * (size_t)(n)))

/* ---- Buffer: growable bytes with a maximum.  An append past the maximum sets `failed` and is dropped (sticky); check
 * once at the end with buffer_check. ---- */
typedef struct Buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max; /* 0: no maximum but that of size_t */
    bool failed;
} Buffer;

void buffer_init(Buffer *buffer, size_t max);
void buffer_done(Buffer *buffer);
void buffer_clear(Buffer *buffer);
/* Makes room for `extra` more bytes after size; returns the place to write, or NULL when the maximum is hit. */
uint8_t *buffer_reserve(Buffer *buffer, size_t extra);
void buffer_append(Buffer *buffer, const void *bytes, size_t size);
void buffer_append_byte(Buffer *buffer, uint8_t byte);
void buffer_append_text(Buffer *buffer, const char *text);
void buffer_printf(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The bytes as a C string: a NUL is kept behind `size`. */
const char *buffer_text(Buffer *buffer);
Status buffer_check(const Buffer *buffer, const char *what, Error *err) MUST_CHECK;

/* ---- MemoryBudget: what a job may hold.  Thread-safe. ---- */
typedef struct MemoryBudget {
    _Atomic size_t used;
    _Atomic size_t peak;
    size_t limit;             /* bytes; 0: no limit */
    struct SpillSpace *spill; /* where what does not fit may lie (base/spill.h); NULL: nowhere */
} MemoryBudget;

void budget_init(MemoryBudget *budget, size_t limit);
/* Fails with MEMORY, naming `what` and --memory-limit, when the limit would be passed. */
Status budget_reserve(MemoryBudget *budget, size_t bytes, const char *what, Error *err) MUST_CHECK;
void budget_release(MemoryBudget *budget, size_t bytes);
size_t process_peak_memory_bytes(void); /* VmHWM of this process */

#endif
