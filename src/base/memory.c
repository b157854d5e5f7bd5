#include "base/memory.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define ARENA_FIRST_BLOCK ((size_t)64 << 10)
#define ARENA_LARGEST_BLOCK ((size_t)4 << 20)

_Noreturn static void out_of_memory(size_t size)
{
    char text[160];
    int n = snprintf(text, sizeof text,
                     "freightlake: error: the system has no memory left (%zu bytes were asked for)\n"
                     "hint: set --memory-limit below what is free, or use fewer --threads\n",
                     size);
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
        _exit(status_exit_code(STATUS_MEMORY));
    _exit(status_exit_code(STATUS_MEMORY));
}

void *mem_alloc(size_t size)
{
    void *memory = fault_hit(FAULT_ALLOC) ? NULL : malloc(size ? size : 1);
    if (UNLIKELY(!memory))
        out_of_memory(size);
    return memory;
}

void *mem_zalloc(size_t size)
{
    void *memory = fault_hit(FAULT_ALLOC) ? NULL : calloc(1, size ? size : 1);
    if (UNLIKELY(!memory))
        out_of_memory(size);
    return memory;
}

void *mem_realloc(void *memory, size_t size)
{
    void *moved = fault_hit(FAULT_ALLOC) ? NULL : realloc(memory, size ? size : 1);
    if (UNLIKELY(!moved))
        out_of_memory(size);
    return moved;
}

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        out_of_memory(0);
    return text;
}

void mem_free(void *memory)
{
    free(memory);
}

void mem_cleanup(void *pointer_to_pointer)
{
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
}

static size_t map_size(size_t size)
{
    return (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

void *mem_map(size_t size)
{
    /* One huge page more is reserved so that the region can start on a boundary; the ends are given back. */
    size_t wanted = map_size(size);
    size_t reserved = wanted + HUGE_PAGE;
    char *start = fault_hit(FAULT_ALLOC)
                      ? MAP_FAILED
                      : mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        out_of_memory(size);
    size_t head = (HUGE_PAGE - ((uintptr_t)start & (HUGE_PAGE - 1))) & (HUGE_PAGE - 1);
    if (head)
        munmap(start, head);
    if (HUGE_PAGE - head)
        munmap(start + head + wanted, HUGE_PAGE - head);
    madvise(start + head, wanted, MADV_HUGEPAGE);
    return start + head;
}

void mem_unmap(void *memory, size_t size)
{
    if (memory)
        munmap(memory, map_size(size));
}

struct ArenaBlock {
    ArenaBlock *previous;
    size_t size; /* of the bytes that follow this header */
    char padding[48];
};
_Static_assert(sizeof(ArenaBlock) == 64, "blocks keep 64-byte alignment");

void arena_init(Arena *arena)
{
    memset(arena, 0, sizeof *arena);
}

void arena_done(Arena *arena)
{
    for (ArenaBlock *block = arena->head; block;) {
        ArenaBlock *previous = block->previous;
        free(block);
        block = previous;
    }
    memset(arena, 0, sizeof *arena);
}

void arena_reset(Arena *arena)
{
    ArenaBlock *largest = arena->head;
    for (ArenaBlock *block = arena->head; block; block = block->previous)
        if (block->size > largest->size)
            largest = block;
    for (ArenaBlock *block = arena->head; block;) {
        ArenaBlock *previous = block->previous;
        if (block != largest)
            free(block);
        block = previous;
    }
    memset(arena, 0, sizeof *arena);
    if (largest) {
        largest->previous = NULL;
        arena->head = largest;
        arena->next = (char *)(largest + 1);
        arena->end = arena->next + largest->size;
    }
}

static void arena_grow(Arena *arena, size_t size)
{
    size_t block_size = arena->head ? arena->head->size * 2 : ARENA_FIRST_BLOCK;
    if (block_size > ARENA_LARGEST_BLOCK)
        block_size = ARENA_LARGEST_BLOCK;
    if (block_size < size + 64)
        block_size = (size + 127) & ~(size_t)63;
    ArenaBlock *block = fault_hit(FAULT_ALLOC) ? NULL : aligned_alloc(64, sizeof(ArenaBlock) + block_size);
    if (!block)
        out_of_memory(block_size);
    block->previous = arena->head;
    block->size = block_size;
    arena->head = block;
    arena->next = (char *)(block + 1);
    arena->end = arena->next + block_size;
}

void *arena_alloc(Arena *arena, size_t size)
{
    if (UNLIKELY(size > SIZE_MAX / 2))
        out_of_memory(size);
    uintptr_t mask = size >= 64 ? 63 : 15;
    uintptr_t start = ((uintptr_t)arena->next + mask) & ~mask;
    if (UNLIKELY(!arena->next || start + size > (uintptr_t)arena->end)) {
        arena_grow(arena, size);
        start = (uintptr_t)arena->next;
    }
    arena->next = (char *)start + size;
    arena->used_bytes += size;
    return (void *)start;
}

void *arena_zalloc(Arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

char *arena_memdup(Arena *arena, const void *bytes, size_t size)
{
    char *copy = arena_alloc(arena, size + 1);
    if (size)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_memdup(arena, text, strlen(text));
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        out_of_memory(0);
    char *copy = arena_memdup(arena, text, (size_t)n);
    free(text);
    return copy;
}

void buffer_init(Buffer *buffer, size_t max)
{
    memset(buffer, 0, sizeof *buffer);
    buffer->max = max;
}

void buffer_done(Buffer *buffer)
{
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

void buffer_clear(Buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

uint8_t *buffer_reserve(Buffer *buffer, size_t extra)
{
    size_t max = buffer->max ? buffer->max : SIZE_MAX / 4;
    if (buffer->failed || extra > max || buffer->size > max - extra) {
        buffer->failed = true;
        return NULL;
    }
    size_t wanted = buffer->size + extra + 1;
    if (wanted > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 256;
        if (capacity < wanted)
            capacity = wanted;
        buffer->data = mem_realloc(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void buffer_append(Buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *place = buffer_reserve(buffer, size);
    if (place && size) {
        memcpy(place, bytes, size);
        buffer->size += size;
    }
}

void buffer_append_byte(Buffer *buffer, uint8_t byte)
{
    uint8_t *place = buffer_reserve(buffer, 1);
    if (place) {
        *place = byte;
        buffer->size++;
    }
}

void buffer_append_text(Buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_printf(Buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *place = n < 0 ? NULL : buffer_reserve(buffer, (size_t)n);
    if (place) {
        vsnprintf((char *)place, (size_t)n + 1, format, again);
        buffer->size += (size_t)n;
    }
    va_end(again);
}

const char *buffer_text(Buffer *buffer)
{
    if (!buffer->data)
        buffer_reserve(buffer, 0);
    if (!buffer->data)
        return "";
    buffer->data[buffer->size] = '\0';
    return (const char *)buffer->data;
}

Status buffer_check(const Buffer *buffer, const char *what, Error *err)
{
    if (buffer->failed)
        return error_set(err, STATUS_MEMORY, "%s is larger than its maximum of %zu bytes", what, buffer->max);
    return STATUS_OK;
}

void budget_init(MemoryBudget *budget, size_t limit)
{
    atomic_init(&budget->used, 0);
    atomic_init(&budget->peak, 0);
    budget->limit = limit;
    budget->spill = NULL;
}

Status budget_reserve(MemoryBudget *budget, size_t bytes, const char *what, Error *err)
{
    size_t before = atomic_load(&budget->used);
    while (!budget->limit || (bytes <= budget->limit && before <= budget->limit - bytes))
        if (atomic_compare_exchange_weak(&budget->used, &before, before + bytes))
            break;
    if (budget->limit && (bytes > budget->limit || before > budget->limit - bytes)) {
        char more[24], held[24], limit[24];
        error_set(err, STATUS_MEMORY, "%s needs %s more, and %s of %s are in use", what,
                  text_bytes(more, sizeof more, (double)bytes), text_bytes(held, sizeof held, (double)before),
                  text_bytes(limit, sizeof limit, (double)budget->limit));
        return error_hint(err, "raise --memory-limit, use fewer --threads, or read fewer rows or columns");
    }
    size_t used = before + bytes, peak = atomic_load(&budget->peak);
    while (used > peak && !atomic_compare_exchange_weak(&budget->peak, &peak, used)) {
    }
    return STATUS_OK;
}

void budget_release(MemoryBudget *budget, size_t bytes)
{
    atomic_fetch_sub(&budget->used, bytes);
}

/* getrusage's ru_maxrss would also count what the parent held when it started this process. */
size_t process_peak_memory_bytes(void)
{
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    text[n > 0 ? n : 0] = '\0';
    const char *peak = strstr(text, "\nVmHWM:");
    return peak ? (size_t)strtoull(peak + strlen("\nVmHWM:"), NULL, 10) * 1024 : 0;
}
