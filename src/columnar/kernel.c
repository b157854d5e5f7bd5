/* Masks and room for text. */
#include "columnar/kernel.h"

#define TEXT_BLOCK 16384

uint8_t *mask_all(Arena *arena, const Vector *args, uint32_t n_args, uint32_t n)
{
    uint8_t *mask = NULL;
    bool own = false;
    for (uint32_t a = 0; a < n_args; a++) {
        uint8_t *other = args[a].valid;
        if (!other || other == mask)
            continue;
        if (!mask) {
            mask = other;
            continue;
        }
        uint8_t *both = own ? mask : arena_alloc(arena, n);
        for (uint32_t i = 0; i < n; i++)
            both[i] = mask[i] & other[i];
        mask = both;
        own = true;
    }
    return mask;
}

uint8_t *mask_copy(Arena *arena, const uint8_t *mask, uint32_t n)
{
    uint8_t *copy = arena_alloc(arena, n ? n : 1);
    if (mask)
        memcpy(copy, mask, n);
    else
        memset(copy, 1, n);
    return copy;
}

uint8_t *mask_trim(uint8_t *mask, uint32_t n)
{
    return mask && memchr(mask, 0, n) ? mask : NULL;
}

Vector vector_of_nulls(Arena *arena, DataType type, uint32_t n)
{
    Vector nulls = vector_new(arena, type, n, true);
    memset(nulls.data, 0, type_width(type) * n);
    memset(nulls.valid, 0, n);
    return nulls;
}

char *text_room_reserve(TextRoom *room, size_t size)
{
    if (!room->next || (size_t)(room->end - room->next) < size) {
        size_t block = size > TEXT_BLOCK ? size : TEXT_BLOCK;
        room->next = arena_alloc(room->arena, block);
        room->end = room->next + block;
    }
    return room->next;
}

StrView text_room_copy(TextRoom *room, StrView text)
{
    char *copy = text_room_reserve(room, text.size);
    if (text.size)
        memcpy(copy, text.data, text.size);
    return text_room_take(room, text.size);
}
