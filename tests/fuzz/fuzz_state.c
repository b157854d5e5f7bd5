/* Saved states of groups over any bytes, with and without a right head and checksum. */
#include "exec/aggregate_state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEADER_BYTES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Field fields[] = {{"carrier", {.id = TYPE_STRING}, true},
                         {"weight", {.id = TYPE_DOUBLE}, true},
                         {"price", {.id = TYPE_DECIMAL, .precision = 18, .scale = 4}, true},
                         {"total", {.id = TYPE_DECIMAL, .precision = 30, .scale = 2}, true},
                         {"flag", {.id = TYPE_BOOLEAN}, true},
                         {"day", {.id = TYPE_DATE}, true}};
static const Schema schema = {fields, ARRAY_SIZE(fields)};

static Status find_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    (void)context, (void)name, (void)err;
    *ret_schema = &schema;
    return STATUS_OK;
}

static const PlanNode *aggregate_of(const char *sql, Arena *arena)
{
    Error err;
    error_init(&err);
    Catalog catalog = {NULL, find_table};
    PlanNode *plan;
    CHECK(sql_plan(sql, SQL_QUERY, &catalog, arena, &plan, &err) == STATUS_OK);
    while (plan->kind != PLAN_AGGREGATE)
        plan = plan->child;
    return plan;
}

static void load(const PlanNode *node, const Buffer *bytes)
{
    Arena arena;
    Error err;
    error_init(&err);
    arena_init(&arena);
    Aggregate *aggregate = aggregate_new(node, NULL, &arena);
    for (int times = 0; times < 2; times++) { /* twice, so that every state is added to itself */
        Status status = aggregate_load(aggregate, bytes, &arena, &err);
        CHECK(status == STATUS_OK || status == STATUS_DATA);
    }
    Buffer again;
    buffer_init(&again, 0);
    aggregate_save(aggregate, &again);
    Batch result = aggregate_result(aggregate, &arena);
    Aggregate *second = aggregate_new(node, NULL, &arena);
    if (result.n_rows < 1000 && aggregate_load(second, &again, &arena, &err) == STATUS_OK)
        CHECK(aggregate_result(second, &arena).n_rows == result.n_rows);
    buffer_done(&again);
    arena_done(&arena);
}

/* Behind the head of a state of no groups, with its checksum made right. */
static void load_behind_head(const PlanNode *node, const uint8_t *data, size_t size)
{
    Arena arena;
    arena_init(&arena);
    Buffer bytes;
    buffer_init(&bytes, 0);
    aggregate_save(aggregate_new(node, NULL, &arena), &bytes);
    bytes.size -= sizeof(uint64_t); /* the number of groups */
    buffer_append(&bytes, data, size);
    uint64_t hash = XXH3_64bits(bytes.data + HEADER_BYTES, bytes.size - HEADER_BYTES);
    memcpy(bytes.data + 8, &hash, sizeof hash);
    load(node, &bytes);
    buffer_done(&bytes);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const statements[] = {
        ("SELECT carrier, flag, count(*) AS n, sum(weight) AS w, min(carrier) AS c, avg(price) AS p, max(total) AS t "
         "FROM t GROUP BY carrier, flag"),
        "SELECT sum(weight) AS w, avg(total) AS t, max(weight) AS m FROM t",
        "SELECT price, total, day, min(flag) AS f FROM t GROUP BY price, total, day",
        "SELECT flag, stddev(weight) AS s, corr(weight, price) AS c, max_by(carrier, weight) AS m FROM t GROUP BY "
        "flag"};
    Arena arena;
    arena_init(&arena);
    Buffer bytes;
    buffer_init(&bytes, 0);
    buffer_append(&bytes, data, size);
    for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
        const PlanNode *node = aggregate_of(statements[i], &arena);
        load(node, &bytes);
        load_behind_head(node, data, size);
    }
    buffer_done(&bytes);
    arena_done(&arena);
    return 0;
}
