/* The order of a Delta table's rows.
 *
 * A Delta table has none, but the rows within a file do: a mart is published as one file in the mart's order, and reading it
 * from its start is all that showing it takes.  A mart of several files (rewritten by another program) is sorted as its SQL
 * says.  Other tables are read file by file. */
#include "cmd/show_lake.h"

#include "cmd/statement.h"
#include "mart/run.h"

struct ShowLake {
    BoundStatement bound;
    const Mart *mart;
    Resources *resources;
};

/* Marts of the lake's definitions and the built-in ones; definitions that cannot be listed do not keep a table from being
 * shown. */
static Status find_mart(const LakeTable *found, const char *name, Arena *arena, const Mart **ret_mart, Error *err)
{
    MartRegistry *registry = ARENA_NEW(arena, MartRegistry);
    const char *folder = found->lake ? found->lake->definitions : NULL;
    *ret_mart = NULL;
    if (!found->lake)
        return STATUS_OK;
    if (mart_registry_load_optional(folder, arena, registry, err) != STATUS_OK) {
        error_init(err);
        TRY(mart_registry_load(NULL, arena, registry, err));
    }
    *ret_mart = mart_find(registry, name);
    return STATUS_OK;
}

static PlanNode *new_node(PlanKind kind, PlanNode *child, Arena *arena)
{
    PlanNode *node = ARENA_NEW(arena, PlanNode);
    node->kind = kind;
    node->child = child;
    node->schema = child->schema;
    return node;
}

/* SELECT * as a plan. */
static PlanNode *plan_all(const Schema *schema, const char *name, Arena *arena)
{
    PlanNode *scan = ARENA_NEW(arena, PlanNode);
    scan->kind = PLAN_SCAN;
    scan->schema = *schema;
    scan->scan.table = name;
    scan->scan.columns = ARENA_ARRAY(arena, uint32_t, schema->n + 1);
    PlanNode *project = new_node(PLAN_PROJECT, scan, arena);
    project->project.exprs = ARENA_ARRAY(arena, const Expr *, schema->n + 1);
    for (uint32_t i = 0; i < schema->n; i++) {
        scan->scan.columns[i] = i;
        Expr *column = ARENA_NEW(arena, Expr);
        *column = (Expr){.kind = EXPR_COLUMN, .type = schema->fields[i].type, .column = i};
        project->project.exprs[i] = column;
    }
    return project;
}

static void add_key(PlanNode *sort, SortKey key)
{
    for (uint32_t i = 0; i < sort->sort.n_keys; i++)
        if (sort->sort.keys[i].column == key.column)
            return;
    sort->sort.keys[sort->sort.n_keys++] = key;
}

/* The mart's own order as far as its columns are in the table, then all columns. */
static PlanNode *sort_as_mart(PlanNode *project, const Mart *mart, Arena *arena)
{
    const Schema *schema = &project->schema;
    PlanNode *sort = new_node(PLAN_SORT, project, arena);
    sort->sort.keys = ARENA_ARRAY(arena, SortKey, schema->n + 1);
    sort->sort.n_visible = schema->n;
    PlanNode *plan = NULL;
    Error ignored;
    error_init(&ignored);
    const PlanNode *node = mart_plan(mart, arena, &plan, &ignored) == STATUS_OK ? plan : NULL;
    while (node && node->kind != PLAN_SORT)
        node = node->child;
    for (uint32_t i = 0; node && i < node->sort.n_keys; i++) {
        SortKey key = node->sort.keys[i];
        int column = schema_find(schema, node->child->schema.fields[key.column].name);
        if (key.column >= node->sort.n_visible || column < 0)
            break;
        key.column = (uint32_t)column;
        add_key(sort, key);
    }
    for (uint32_t i = 0; i < schema->n; i++)
        add_key(sort, (SortKey){.column = i, .nulls_first = true});
    return sort;
}

Status show_lake_open(const ShowLakeOptions *options, Arena *job_arena, ShowLake **ret_table, Error *err)
{
    ShowLake *table = ARENA_NEW(job_arena, ShowLake);
    DeltaSnapshot *snapshot = options->found->snapshot;
    table->resources = options->resources;
    TRY(find_mart(options->found, options->name, job_arena, &table->mart, err));
    const Schema *schema = &snapshot->metadata.schema;
    table->bound = statement_of_table(options->name, schema, job_arena);
    PlanNode *plan = plan_all(schema, options->name, job_arena);
    table->bound.plan = plan;
    Status status = statement_open_table(&table->bound, snapshot, options->resources, job_arena, err);
    if (status != STATUS_OK) {
        statement_done(&table->bound);
        return status;
    }
    if (table->mart && table->bound.files[0].n_files > 1)
        plan = sort_as_mart(plan, table->mart, job_arena);
    if (options->limit_rows) {
        plan = new_node(PLAN_LIMIT, plan, job_arena);
        plan->limit.limit = options->limit_rows < INT64_MAX ? (int64_t)options->limit_rows : INT64_MAX;
    }
    table->bound.plan = plan;
    *ret_table = table;
    return STATUS_OK;
}

void show_lake_close(ShowLake *table)
{
    statement_done(&table->bound);
}

const Schema *show_lake_schema(const ShowLake *table)
{
    return table->bound.tables[0].schema;
}

uint64_t show_lake_rows(const ShowLake *table)
{
    return table->bound.tables[0].table.rows;
}

const Mart *show_lake_mart(const ShowLake *table)
{
    return table->mart;
}

Status show_lake_read(ShowLake *table, Sink sink, Error *err)
{
    Statement statement = {.plan = table->bound.plan, .sink = sink};
    ExecOptions options = {.pool = table->resources->pool, .budget = &table->resources->budget};
    return exec_run(&statement, 1, table->bound.files, table->bound.n_tables, &options, NULL, err);
}
