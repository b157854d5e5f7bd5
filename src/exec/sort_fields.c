#include "exec/sort_fields.h"

#include <stdlib.h>

#include "exec/compare.h"
#include "exec/group_table.h"

#define MAX_ENTRIES (1u << 22)

typedef struct RankOrder {
    const Vector *values;
    bool descending;
    bool nulls_first;
} RankOrder;

static int compare_entries(const void *a, const void *b, void *context)
{
    const RankOrder *order = context;
    return compare_rows(order->values, *(const uint32_t *)a, order->values, *(const uint32_t *)b, order->descending,
                        order->nulls_first);
}

static uint32_t *sorted_numbers(const Vector *values, bool descending, bool nulls_first, Arena *arena)
{
    uint32_t *numbers = ARENA_ARRAY(arena, uint32_t, values->n + 1);
    for (uint32_t i = 0; i < values->n; i++)
        numbers[i] = i;
    RankOrder order = {values, descending, nulls_first};
    qsort_r(numbers, values->n, sizeof *numbers, compare_entries, &order);
    return numbers;
}

/* From the distinct values in order of appearance: ranks, output entries and the map between the two. */
static void rank_values(SortField *field, const Vector *values, uint32_t *rank_of_number, Arena *arena)
{
    uint32_t n = values->n;
    uint32_t *by_rank = sorted_numbers(values, field->descending, field->nulls_first, arena);
    uint32_t *by_code = sorted_numbers(values, false, false, arena);
    field->n = n;
    field->entries = vector_select(arena, values, by_code, n);
    if (field->entries.valid && !memchr(field->entries.valid, 0, n))
        field->entries.valid = NULL;
    uint32_t *code_of_number = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        rank_of_number[by_rank[i]] = i;
        code_of_number[by_code[i]] = i;
    }
    bool same = true;
    uint32_t *codes = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (uint32_t rank = 0; rank < n; rank++) {
        codes[rank] = code_of_number[by_rank[rank]];
        same &= codes[rank] == rank;
    }
    field->code_of_rank = same ? NULL : codes;
    field->bits = n > 1 ? 32 - __builtin_clz(n - 1) : 0;
}

Status sort_field_build(SortField *field, const Expr *expr, const uint32_t *column_map, const ScanPlan *plan,
                        const bool *skip_task, MemoryBudget *budget, Arena *arena, size_t *inout_reserved,
                        bool *ret_possible, Error *err)
{
    *ret_possible = false;
    EvalNode *node = eval_prepare(expr, column_map, arena);
    if (node->only_column < 0)
        return STATUS_OK;
    field->scan_column = (uint32_t)node->only_column;
    field->ranks = ARENA_ARRAY(arena, uint32_t *, plan->n_tasks + 1);
    uint32_t *n_entries = ARENA_ARRAY(arena, uint32_t, plan->n_tasks + 1);
    GroupTable *distinct = group_table_new(arena, &expr->type, 1);
    Vector *columns = ARENA_ARRAY(arena, Vector, plan->n_columns + 1);
    for (uint32_t task = 0; task < plan->n_tasks; task++) {
        if (skip_task && skip_task[task])
            continue;
        const Vector *dictionary;
        TRY(scan_task_dictionary(plan, task, field->scan_column, arena, &dictionary, err));
        if (!dictionary || group_table_size(distinct) > MAX_ENTRIES)
            return STATUS_OK;
        columns[field->scan_column] = *dictionary;
        EvalContext context = {
            .batch_arena = arena, .group_arena = arena, .generation = task + 1, .columns = columns, .n = dictionary->n};
        Vector entries = eval_run(node, &context);
        n_entries[task] = dictionary->n;
        field->ranks[task] = ARENA_ARRAY(arena, uint32_t, dictionary->n + 1);
        group_table_find(distinct, &entries, dictionary->n, task + 1, arena, field->ranks[task]);
        Error refused;
        if (budget->limit && arena->used_bytes > budget->limit / SORT_FIELDS_SHARE)
            return STATUS_OK;
        if (budget_reserve(budget, arena->used_bytes - *inout_reserved, "dictionaries to sort by", &refused) !=
            STATUS_OK)
            return STATUS_OK;
        *inout_reserved = arena->used_bytes;
    }
    Vector values = group_table_column(distinct, 0, arena);
    uint32_t *rank_of_number = ARENA_ARRAY(arena, uint32_t, values.n + 1);
    rank_values(field, &values, rank_of_number, arena);
    for (uint32_t task = 0; task < plan->n_tasks; task++) /* from numbers of appearance to ranks */
        for (uint32_t i = 0; i < n_entries[task]; i++)
            field->ranks[task][i] = rank_of_number[field->ranks[task][i]];
    *ret_possible = true;
    return STATUS_OK;
}

void sort_field_pack(const SortField *field, uint32_t task, const Vector *vector, uint32_t n, uint64_t *words)
{
    const uint32_t *ranks = field->ranks[task];
    int shift = field->shift;
    if (vector->code_width == 1) {
        const uint8_t *codes = vector->data;
        for (uint32_t i = 0; i < n; i++)
            words[i] |= (uint64_t)ranks[codes[i]] << shift;
    } else if (vector->code_width == 2) {
        const uint16_t *codes = vector->data;
        for (uint32_t i = 0; i < n; i++)
            words[i] |= (uint64_t)ranks[codes[i]] << shift;
    } else {
        const uint32_t *codes = vector->data;
        for (uint32_t i = 0; i < n; i++)
            words[i] |= (uint64_t)ranks[codes[i]] << shift;
    }
}

#define DEFINE_UNPACK(name, Code)                                                                                      \
    static void name(const SortField *field, const uint64_t *words, size_t step, uint32_t n, Code *codes)              \
    {                                                                                                                  \
        uint64_t mask = ((uint64_t)1 << field->bits) - 1;                                                              \
        int shift = field->shift;                                                                                      \
        const uint32_t *code_of_rank = field->code_of_rank;                                                            \
        if (code_of_rank)                                                                                              \
            for (uint32_t i = 0; i < n; i++)                                                                           \
                codes[i] = (Code)code_of_rank[words[step * i] >> shift & mask];                                        \
        else                                                                                                           \
            for (uint32_t i = 0; i < n; i++)                                                                           \
                codes[i] = (Code)(words[step * i] >> shift & mask);                                                    \
    }
DEFINE_UNPACK(unpack_8, uint8_t)
DEFINE_UNPACK(unpack_16, uint16_t)
DEFINE_UNPACK(unpack_32, uint32_t)

Vector sort_field_unpack(const SortField *field, const uint64_t *words, size_t step, uint32_t n, Arena *arena)
{
    uint8_t width = field->n <= 256 ? 1 : field->n <= 65536 ? 2 : 4;
    void *codes = arena_alloc(arena, (size_t)width * n + 8);
    if (width == 1)
        unpack_8(field, words, step, n, codes);
    else if (width == 2)
        unpack_16(field, words, step, n, codes);
    else
        unpack_32(field, words, step, n, codes);
    return (Vector){.type = field->entries.type,
                    .kind = VECTOR_DICT,
                    .code_width = width,
                    .n = n,
                    .data = codes,
                    .dict = &field->entries};
}
