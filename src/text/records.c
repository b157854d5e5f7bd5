/* Record blocks and the table of flaws. */
#include "text/records.h"

const char *record_flaw_code(RecordFlaw flaw)
{
    static const char *const codes[RECORD_FLAW_COUNT] = {
#define X(id, code, meaning) code,
        RECORD_FLAW_TABLE(X)
#undef X
    };
    CHECK(flaw < RECORD_FLAW_COUNT);
    return codes[flaw];
}

const char *record_flaw_meaning(RecordFlaw flaw)
{
    static const char *const meanings[RECORD_FLAW_COUNT] = {
#define X(id, code, meaning) meaning,
        RECORD_FLAW_TABLE(X)
#undef X
    };
    CHECK(flaw < RECORD_FLAW_COUNT);
    return meanings[flaw];
}

void record_block_init(RecordBlock *block, uint32_t n_columns)
{
    *block = (RecordBlock){.n_columns = n_columns};
    block->fields = mem_zalloc(sizeof(StrView) * RECORD_BLOCK_ROWS * (n_columns ? n_columns : 1));
    block->flaws = mem_zalloc(RECORD_BLOCK_ROWS);
    block->lines = mem_zalloc(sizeof(int64_t) * RECORD_BLOCK_ROWS);
    block->raw = mem_zalloc(sizeof(StrView) * RECORD_BLOCK_ROWS);
    block->arena = mem_alloc(sizeof(Arena));
    arena_init(block->arena);
}

void record_block_done(RecordBlock *block)
{
    if (!block->arena)
        return;
    arena_done(block->arena);
    mem_free(block->arena);
    mem_free(block->fields);
    mem_free(block->flaws);
    mem_free(block->lines);
    mem_free(block->raw);
    *block = (RecordBlock){0};
}
