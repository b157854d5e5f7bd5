/* TextIndex; see text_index.h.  An open table of numbers, at most half full. */
#include "base/text_index.h"

#include <string.h>
#include <xxhash.h>

#define FIRST_CAPACITY 16u

void text_index_done(TextIndex *index)
{
    mem_free(index->texts);
    mem_free(index->slots);
    *index = (TextIndex){0};
}

static uint32_t *find_slot(const TextIndex *index, const char *text)
{
    for (uint32_t at = (uint32_t)XXH3_64bits(text, strlen(text));; at++) {
        uint32_t *slot = &index->slots[at & index->mask];
        if (*slot == 0 || strcmp(index->texts[*slot - 1], text) == 0)
            return slot;
    }
}

static void grow(TextIndex *index)
{
    CHECK(index->capacity <= UINT32_MAX / 4);
    index->capacity = index->capacity ? index->capacity * 2 : FIRST_CAPACITY;
    index->texts = mem_realloc(index->texts, sizeof *index->texts * index->capacity);
    mem_free(index->slots);
    index->slots = mem_zalloc(sizeof *index->slots * index->capacity * 2);
    index->mask = index->capacity * 2 - 1;
    for (uint32_t i = 0; i < index->n; i++)
        *find_slot(index, index->texts[i]) = i + 1;
}

uint32_t text_index_add(TextIndex *index, const char *text)
{
    if (index->n == index->capacity)
        grow(index);
    uint32_t *slot = find_slot(index, text);
    if (*slot == 0) {
        index->texts[index->n] = text;
        *slot = ++index->n;
    }
    return *slot - 1;
}

uint32_t text_index_find(const TextIndex *index, const char *text)
{
    return index->n ? *find_slot(index, text) - 1 : TEXT_INDEX_NONE; /* a free slot is 0 */
}
