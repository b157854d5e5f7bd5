/* exec_run: a statement as stages.
 *
 * A plan whose leaf is a relation needs the rows of other plans first.  Each of these is a stage: a statement of its own
 * whose sink is a Relation.  A plan that several relations name is one stage.
 *
 *   1. one pass over each table, for all statements and stages whose leaf it is
 *   2. stages over relations, inner ones first, then the statements
 *
 * A relation is dropped when the last plan that reads it has run. */
#include "exec/pass.h"
#include "exec/relation.h"

typedef struct Stage {
    const PlanNode *plan;
    Relation relation;
    uint32_t readers; /* that have not run yet */
    Statement statement;
} Stage;

typedef struct Stages {
    Stage *stages; /* inner ones first */
    uint32_t n;
    Statement *statements;
    uint32_t n_statements;
    const TableFiles *tables;
    uint32_t n_tables;
    const ExecOptions *options;
    ScanStatistics scan;
    Arena arena;
} Stages;

static Stage *find_stage(const Stages *stages, const PlanNode *plan)
{
    for (uint32_t i = 0; i < stages->n; i++)
        if (stages->stages[i].plan == plan)
            return &stages->stages[i];
    return NULL;
}

static void count_readers(Stages *stages, const PlanNode *plan)
{
    const PlanNode *leaf = plan_leaf(plan);
    for (uint32_t i = 0; leaf->kind == PLAN_RELATION && i < leaf->relation.n_plans; i++)
        find_stage(stages, leaf->relation.plans[i])->readers++;
}

/* A stage for each plan that is read (a statement's own plan is read by no other). */
static void make_stages(Stages *stages)
{
    PlanList list = {0};
    for (uint32_t i = 0; i < stages->n_statements; i++)
        plan_list_add(&list, stages->statements[i].plan, &stages->arena);
    stages->stages = ARENA_ARRAY(&stages->arena, Stage, list.n + 1);
    for (uint32_t i = 0; i < list.n; i++) {
        bool is_statement = false;
        for (uint32_t k = 0; k < stages->n_statements; k++)
            is_statement |= stages->statements[k].plan == list.plans[i];
        if (is_statement)
            continue;
        Stage *stage = &stages->stages[stages->n++];
        stage->plan = list.plans[i];
        relation_init(&stage->relation, stages->options->budget);
        stage->statement =
            (Statement){.plan = stage->plan, .sink = {.context = &stage->relation, .batch = relation_take}};
    }
    for (uint32_t i = 0; i < stages->n; i++)
        count_readers(stages, stages->stages[i].plan);
    for (uint32_t i = 0; i < stages->n_statements; i++)
        count_readers(stages, stages->statements[i].plan);
}

/* ---- Tables ---- */

static bool reads(const PlanNode *plan, const TableFiles *table)
{
    const PlanNode *leaf = plan_leaf(plan);
    return leaf->kind == PLAN_SCAN && (!table->name || strcmp(leaf->scan.table, table->name) == 0);
}

static void add_scan(ScanStatistics *sum, const ScanStatistics *scan)
{
    sum->rows += scan->rows;
    sum->bytes_read += scan->bytes_read;
    sum->row_groups += scan->row_groups;
    sum->row_groups_skipped += scan->row_groups_skipped;
}

static Status run_table(Stages *stages, const TableFiles *table, Error *err)
{
    uint32_t n = 0;
    Statement **where = ARENA_ARRAY(&stages->arena, Statement *, stages->n + stages->n_statements + 1);
    for (uint32_t i = 0; i < stages->n; i++)
        if (reads(stages->stages[i].plan, table))
            where[n++] = &stages->stages[i].statement;
    for (uint32_t i = 0; i < stages->n_statements; i++)
        if (reads(stages->statements[i].plan, table))
            where[n++] = &stages->statements[i];
    if (n == 0)
        return STATUS_OK;
    Statement *batch = ARENA_ARRAY(&stages->arena, Statement, n);
    for (uint32_t i = 0; i < n; i++)
        batch[i] = *where[i];
    ScanStatistics scan = {0};
    Status status = pass_run(batch, n, table, stages->options, &scan, err);
    for (uint32_t i = 0; i < n; i++)
        *where[i] = batch[i];
    add_scan(&stages->scan, &scan);
    return status;
}

static Status check_tables(const Stages *stages, const PlanNode *plan, Error *err)
{
    const PlanNode *leaf = plan_leaf(plan);
    if (leaf->kind == PLAN_RELATION)
        return STATUS_OK;
    for (uint32_t t = 0; t < stages->n_tables; t++)
        if (reads(plan, &stages->tables[t]))
            return STATUS_OK;
    return error_set(err, STATUS_INTERNAL, "the statement reads %s, which was not opened", leaf->scan.table);
}

/* ---- Relations ---- */

/* What was found out about an inner plan is told with the statements that read it. */
static void take_notes(Statement *statement, const Statement *inner)
{
    for (uint32_t i = 0; i < inner->n_operators && statement->n_operators < EXEC_MAX_OPERATORS; i++)
        statement->operators[statement->n_operators++] = inner->operators[i];
}

static Status run_over_relation(Stages *stages, Statement *statement, Error *err)
{
    const PlanNode *leaf = plan_leaf(statement->plan);
    if (leaf->kind != PLAN_RELATION)
        return STATUS_OK;
    uint32_t n = leaf->relation.n_plans;
    const Relation **relations = ARENA_ARRAY(&stages->arena, const Relation *, n);
    for (uint32_t i = 0; i < n; i++)
        relations[i] = &find_stage(stages, leaf->relation.plans[i])->relation;
    TableFiles table = {.schema = &leaf->relation.plans[0]->schema, .relations = relations, .n_relations = n};
    ExecOptions options = *stages->options;
    options.progress = NULL; /* it counts the rows of tables */
    TRY(pass_run(statement, 1, &table, &options, NULL, err));
    for (uint32_t i = 0; i < n; i++) {
        Stage *stage = find_stage(stages, leaf->relation.plans[i]);
        take_notes(statement, &stage->statement);
        if (--stage->readers == 0)
            relation_done(&stage->relation);
    }
    return STATUS_OK;
}

static Status run_stages(Stages *stages, Error *err)
{
    make_stages(stages);
    for (uint32_t i = 0; i < stages->n; i++)
        TRY(check_tables(stages, stages->stages[i].plan, err));
    for (uint32_t i = 0; i < stages->n_statements; i++)
        TRY(check_tables(stages, stages->statements[i].plan, err));
    for (uint32_t t = 0; t < stages->n_tables; t++)
        TRY(run_table(stages, &stages->tables[t], err));
    for (uint32_t i = 0; i < stages->n; i++)
        TRY(run_over_relation(stages, &stages->stages[i].statement, err));
    for (uint32_t i = 0; i < stages->n_statements; i++)
        TRY(run_over_relation(stages, &stages->statements[i], err));
    return STATUS_OK;
}

Status exec_run(Statement *statements, uint32_t n, const TableFiles *tables, uint32_t n_tables,
                const ExecOptions *options, ScanStatistics *ret_scan, Error *err)
{
    Stages stages = {
        .statements = statements, .n_statements = n, .tables = tables, .n_tables = n_tables, .options = options};
    arena_init(&stages.arena);
    Status status = run_stages(&stages, err);
    if (status == STATUS_OK && ret_scan)
        *ret_scan = stages.scan;
    for (uint32_t i = 0; i < stages.n; i++)
        if (stages.stages[i].readers > 0)
            relation_done(&stages.stages[i].relation);
    arena_done(&stages.arena);
    return status;
}
