/* TextIndex: texts numbered 0, 1, 2, ... in the order in which each was first seen; for lists in which every lookup by a
 * linear search would make the whole quadratic.  Not thread-safe. */
#ifndef FREIGHTLAKE_BASE_TEXT_INDEX_H
#define FREIGHTLAKE_BASE_TEXT_INDEX_H

#include "base/memory.h"

#define TEXT_INDEX_NONE UINT32_MAX

typedef struct TextIndex {
    const char **texts; /* by number; they are the caller's and outlive the index */
    uint32_t n, capacity;
    uint32_t *slots; /* number + 1; 0: free */
    uint32_t mask;
} TextIndex;

/* A zeroed index is empty. */
void text_index_done(TextIndex *index);
/* The number of the text, which is the former `n` when it was not there. */
uint32_t text_index_add(TextIndex *index, const char *text);
/* TEXT_INDEX_NONE when it is not there. */
uint32_t text_index_find(const TextIndex *index, const char *text);

#endif
