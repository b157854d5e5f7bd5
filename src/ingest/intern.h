/* Interner: distinct texts of a column -> codes 0, 1, 2, ... in order of first appearance.
 *
 * A client's file says the same few thousand things millions of times: each distinct text is converted and checked once,
 * and a row costs one look into a table.  Texts of up to 16 bytes are compared as one or two words.  One thread's own. */
#ifndef FREIGHTLAKE_INGEST_INTERN_H
#define FREIGHTLAKE_INGEST_INTERN_H

#include "base/text.h"

#define INTERN_MAX 65535u /* texts: codes fit 16 bits */

typedef struct Interner {
    void *slots;
    uint16_t *codes; /* of wide slots; behind them */
    uint32_t mask;
    bool wide;      /* slots hold more than one word of text */
    uint32_t n;     /* texts */
    StrView *texts; /* by code; copies */
    uint32_t capacity;
    Arena arena;
} Interner;

void intern_init(Interner *interner);
void intern_done(Interner *interner);

/* Codes of n texts; a text without data (NULL) is the empty text.  False when a text more than INTERN_MAX would be needed
 * (ret_codes is then of no use).  The texts that are new have the codes from the former `n` on. */
bool intern_find(Interner *interner, const StrView *texts, uint32_t n, uint16_t *ret_codes);

#endif
