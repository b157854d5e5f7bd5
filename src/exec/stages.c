/* exec_run: statements as stages.
 *
 * A plan whose leaf is a relation, or that joins, needs the rows of other plans first.  Each of these is a stage: a statement
 * of its own whose sink is a Relation.  A plan that several others read is one stage.  In turns, as long as there is one:
 *
 *   1. a pass over each table, for all statements and stages whose leaf it is and who have what they need
 *   2. statements and stages over relations that have what they need; a window is one that makes its rows of another's
 *
 * so plans over the same table share a scan unless one of them needs the other.  A relation is dropped when the last plan
 * that reads it has run. */
#include "exec/join_parts.h"
#include "exec/pass.h"
#include "exec/window.h"

typedef struct Stage {
    const PlanNode *plan;
    Statement *statement;
    bool done;
    /* of a plan that others read: */
    Relation relation;
    uint32_t readers; /* that have not run yet; a statement has none */
    Statement own;
} Stage;

typedef struct Stages {
    Stage *stages; /* those that are read before those that read them */
    uint32_t n;
    const TableFiles *tables;
    uint32_t n_tables;
    const ExecOptions *options;
    ScanStatistics scan;
    Arena arena;
} Stages;

static Stage *find_stage(const Stages *stages, const PlanNode *plan)
{
    uint32_t i = 0;
    while (stages->stages[i].plan != plan)
        i++;
    return &stages->stages[i];
}

/* The plans that a plan reads, each as often as it does. */
static uint32_t needed_stages(const Stages *stages, const PlanNode *plan, Stage **ret_stages)
{
    uint32_t n = 0;
    const PlanNode *leaf = plan_leaf(plan);
    for (uint32_t i = 0; leaf->kind == PLAN_RELATION && i < leaf->relation.n_plans; i++) {
        if (ret_stages)
            ret_stages[n] = find_stage(stages, leaf->relation.plans[i]);
        n++;
    }
    if (leaf->kind == PLAN_WINDOW) {
        if (ret_stages)
            ret_stages[n] = find_stage(stages, leaf->window.input);
        n++;
    }
    for (const PlanNode *node = plan; node; node = node->child)
        if (node->kind == PLAN_JOIN) {
            if (ret_stages)
                ret_stages[n] = find_stage(stages, node->join.right);
            n++;
        }
    return n;
}

static Stage **needs(Stages *stages, const Stage *stage, uint32_t *ret_n)
{
    *ret_n = needed_stages(stages, stage->plan, NULL);
    Stage **needed = ARENA_ARRAY(&stages->arena, Stage *, *ret_n + 1);
    needed_stages(stages, stage->plan, needed);
    return needed;
}

static void make_stages(Stages *stages, Statement *statements, uint32_t n)
{
    PlanList list = {0};
    for (uint32_t i = 0; i < n; i++)
        plan_list_add(&list, statements[i].plan, &stages->arena);
    stages->n = list.n;
    stages->stages = ARENA_ARRAY(&stages->arena, Stage, list.n + 1);
    for (uint32_t i = 0; i < list.n; i++) {
        Stage *stage = &stages->stages[i];
        stage->plan = list.plans[i];
        relation_init(&stage->relation, stages->options->budget);
        for (uint32_t k = 0; k < n; k++)
            if (statements[k].plan == stage->plan)
                stage->statement = &statements[k];
        if (stage->statement)
            continue;
        stage->own = (Statement){.plan = stage->plan, .sink = {.context = &stage->relation, .batch = relation_take}};
        stage->statement = &stage->own;
    }
    for (uint32_t i = 0; i < stages->n; i++) {
        uint32_t n_needed;
        Stage **needed = needs(stages, &stages->stages[i], &n_needed);
        for (uint32_t k = 0; k < n_needed; k++)
            needed[k]->readers++;
    }
}

static bool is_ready(Stages *stages, const Stage *stage)
{
    uint32_t n;
    Stage **needed = needs(stages, stage, &n);
    for (uint32_t i = 0; i < n; i++)
        if (!needed[i]->done)
            return false;
    return !stage->done;
}

/* ---- Joins ---- */

static uint32_t count_joins(const PlanNode *plan)
{
    uint32_t n = 0;
    for (const PlanNode *node = plan; node; node = node->child)
        n += node->kind == PLAN_JOIN;
    return n;
}

static void close_joins(Statement *statement)
{
    for (uint32_t i = 0; statement->joins && i < count_joins(statement->plan); i++)
        join_side_close(&statement->joins[i]);
    statement->joins = NULL;
}

static Status open_joins(Stages *stages, Statement *statement, Error *err)
{
    uint32_t n = count_joins(statement->plan);
    if (n == 0)
        return STATUS_OK;
    statement->joins = ARENA_ARRAY(&stages->arena, JoinSide, n);
    for (const PlanNode *node = statement->plan; node; node = node->child)
        if (node->kind == PLAN_JOIN) /* the lowest first */
            TRY(join_side_open(node, &find_stage(stages, node->join.right)->relation, stages->options->pool,
                               stages->options->budget, &statement->joins[--n], err));
    return STATUS_OK;
}

/* ---- Running ---- */

/* What was found out about an inner plan is told with the statements that read it. */
static void take_notes(Statement *statement, const Statement *inner)
{
    for (uint32_t i = 0; i < inner->n_operators && statement->n_operators < EXEC_MAX_OPERATORS; i++)
        statement->operators[statement->n_operators++] = inner->operators[i];
}

static void finish(Stages *stages, Stage *stage)
{
    uint32_t n;
    Stage **needed = needs(stages, stage, &n);
    stage->done = true;
    for (uint32_t i = 0; i < n; i++) {
        take_notes(stage->statement, needed[i]->statement);
        if (--needed[i]->readers == 0)
            relation_done(&needed[i]->relation);
    }
}

/* The stages together, over what they all read. */
static Status run_together(Stages *stages, Stage **together, uint32_t n, const TableFiles *table,
                           const ExecOptions *options, Error *err)
{
    Status status = STATUS_OK;
    Statement *batch = ARENA_ARRAY(&stages->arena, Statement, n);
    ScanStatistics scan = {0};
    for (uint32_t i = 0; i < n && status == STATUS_OK; i++) {
        status = open_joins(stages, together[i]->statement, err);
        batch[i] = *together[i]->statement;
    }
    if (status == STATUS_OK)
        status = pass_run(batch, n, table, options, &scan, err);
    for (uint32_t i = 0; i < n && status == STATUS_OK; i++)
        status = relation_finish(&together[i]->relation, err);
    for (uint32_t i = 0; i < n; i++) {
        if (status == STATUS_OK)
            *together[i]->statement = batch[i];
        close_joins(together[i]->statement);
    }
    TRY(status);
    for (uint32_t i = 0; i < n; i++)
        finish(stages, together[i]);
    if (table->n_relations)
        return STATUS_OK;
    stages->scan.rows += scan.rows;
    stages->scan.bytes_read += scan.bytes_read;
    stages->scan.row_groups += scan.row_groups;
    stages->scan.row_groups_skipped += scan.row_groups_skipped;
    return STATUS_OK;
}

static bool reads(const PlanNode *plan, const TableFiles *table)
{
    const PlanNode *leaf = plan_leaf(plan);
    return leaf->kind == PLAN_SCAN && (!table->name || strcmp(leaf->scan.table, table->name) == 0);
}

static Status run_over_table(Stages *stages, const TableFiles *table, Error *err)
{
    uint32_t n = 0;
    Stage **together = ARENA_ARRAY(&stages->arena, Stage *, stages->n + 1);
    for (uint32_t i = 0; i < stages->n; i++)
        if (reads(stages->stages[i].plan, table) && is_ready(stages, &stages->stages[i]))
            together[n++] = &stages->stages[i];
    return n ? run_together(stages, together, n, table, stages->options, err) : STATUS_OK;
}

static Status run_over_relations(Stages *stages, Stage *stage, Error *err)
{
    const PlanNode *leaf = plan_leaf(stage->plan);
    uint32_t n = leaf->relation.n_plans;
    const Relation **relations = ARENA_ARRAY(&stages->arena, const Relation *, n);
    for (uint32_t i = 0; i < n; i++)
        relations[i] = &find_stage(stages, leaf->relation.plans[i])->relation;
    TableFiles table = {.schema = &leaf->relation.plans[0]->schema, .relations = relations, .n_relations = n};
    ExecOptions options = *stages->options;
    options.progress = NULL; /* it counts the rows of tables */
    return run_together(stages, &stage, 1, &table, &options, err);
}

static Status run_window(Stages *stages, Stage *stage, Error *err)
{
    Relation *input = &find_stage(stages, stage->plan->window.input)->relation;
    TRY(relation_load(input, err));
    OperatorStatistics *note = &stage->own.operators[stage->own.n_operators++];
    TRY(window_run(stage->plan, input, stages->options, &stage->relation, note, err));
    finish(stages, stage);
    return STATUS_OK;
}

static Status check_tables(const Stages *stages, Error *err)
{
    for (uint32_t i = 0; i < stages->n; i++) {
        const PlanNode *leaf = plan_leaf(stages->stages[i].plan);
        bool found = leaf->kind != PLAN_SCAN;
        for (uint32_t t = 0; t < stages->n_tables; t++)
            found |= reads(stages->stages[i].plan, &stages->tables[t]);
        if (!found)
            return error_set(err, STATUS_INTERNAL, "the statement reads %s, which was not opened", leaf->scan.table);
    }
    return STATUS_OK;
}

static Status run_stages(Stages *stages, Error *err)
{
    TRY(check_tables(stages, err));
    for (bool all_done = false; !all_done;) {
        for (uint32_t t = 0; t < stages->n_tables; t++)
            TRY(run_over_table(stages, &stages->tables[t], err));
        all_done = true;
        for (uint32_t i = 0; i < stages->n; i++) {
            Stage *stage = &stages->stages[i];
            PlanKind leaf = plan_leaf(stage->plan)->kind;
            if (leaf == PLAN_RELATION && is_ready(stages, stage))
                TRY(run_over_relations(stages, stage, err));
            if (leaf == PLAN_WINDOW && is_ready(stages, stage))
                TRY(run_window(stages, stage, err));
            all_done &= stage->done;
        }
    }
    return STATUS_OK;
}

Status exec_run(Statement *statements, uint32_t n, const TableFiles *tables, uint32_t n_tables,
                const ExecOptions *options, ScanStatistics *ret_scan, Error *err)
{
    Stages stages = {.tables = tables, .n_tables = n_tables, .options = options};
    arena_init(&stages.arena);
    make_stages(&stages, statements, n);
    Status status = run_stages(&stages, err);
    if (status == STATUS_OK && ret_scan)
        *ret_scan = stages.scan;
    for (uint32_t i = 0; i < stages.n; i++)
        relation_done(&stages.stages[i].relation);
    arena_done(&stages.arena);
    return status;
}
