#include "exec/sort_rebuild.h"

#include "exec/sort_key.h"

#define STEP 4096

/* The field that is scan column `column` as it is, or NULL. */
static const SortField *field_of(const PlanNode *sort, const Expr *const *exprs, const SortField *fields,
                                 uint32_t column)
{
    for (uint32_t k = 1; k < sort->sort.n_keys; k++)
        if (exprs[fields[k].column]->kind == EXPR_COLUMN && fields[k].scan_column == column)
            return &fields[k];
    return NULL;
}

bool sort_rebuild_possible(const PlanNode *sort, const Expr *const *exprs, const uint32_t *column_map,
                           uint32_t n_columns, const SortField *fields)
{
    Arena arena;
    arena_init(&arena);
    bool *used = ARENA_ARRAY(&arena, bool, n_columns + 1);
    eval_mark_columns(eval_prepare(exprs[sort->sort.keys[0].column], column_map, &arena), used);
    bool possible = true;
    for (uint32_t c = 0; c < n_columns; c++)
        possible &= !used[c] || field_of(sort, exprs, fields, c) != NULL;
    arena_done(&arena);
    return possible;
}

void sort_rebuild_init(SortRebuild *rebuild, const PlanNode *sort, const Expr *const *exprs, const uint32_t *column_map,
                       uint32_t n_columns, const SortField *fields)
{
    memset(rebuild, 0, sizeof *rebuild);
    arena_init(&rebuild->arena);
    arena_init(&rebuild->batch_arena);
    rebuild->key = eval_prepare(exprs[sort->sort.keys[0].column], column_map, &rebuild->arena);
    rebuild->order = &sort->sort.keys[0];
    rebuild->n_columns = n_columns;
    rebuild->fields = ARENA_ARRAY(&rebuild->arena, const SortField *, n_columns + 1);
    bool *used = ARENA_ARRAY(&rebuild->arena, bool, n_columns + 1);
    eval_mark_columns(rebuild->key, used);
    for (uint32_t c = 0; c < n_columns; c++)
        rebuild->fields[c] = used[c] ? field_of(sort, exprs, fields, c) : NULL;
}

void sort_rebuild_done(SortRebuild *rebuild)
{
    arena_done(&rebuild->arena);
    arena_done(&rebuild->batch_arena);
}

void sort_rebuild_records(SortRebuild *rebuild, const uint64_t *payloads, uint64_t n, SortRecord *ret_records)
{
    for (uint64_t first = 0; first < n; first += STEP) {
        uint32_t rows = n - first < STEP ? (uint32_t)(n - first) : STEP;
        arena_reset(&rebuild->batch_arena);
        Vector *columns = ARENA_ARRAY(&rebuild->batch_arena, Vector, rebuild->n_columns + 1);
        for (uint32_t c = 0; c < rebuild->n_columns; c++)
            if (rebuild->fields[c])
                columns[c] = sort_field_unpack(rebuild->fields[c], payloads + first, 1, rows, &rebuild->batch_arena);
        EvalContext context = {.batch_arena = &rebuild->batch_arena,
                               .group_arena = &rebuild->arena,
                               .generation = 1,
                               .columns = columns,
                               .n = rows};
        Vector values = eval_run(rebuild->key, &context);
        Vector flat = vector_flatten(&rebuild->batch_arena, &values);
        uint64_t keys[STEP];
        sort_key_encode(&flat, rebuild->order->descending, rebuild->order->nulls_first, rows, keys);
        for (uint32_t i = 0; i < rows; i++)
            ret_records[first + i] = (SortRecord){keys[i], payloads[first + i]};
    }
}
