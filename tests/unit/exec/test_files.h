/* Random tables in Parquet files for tests of exec, and results as bytes.
 *
 * Every table is written twice: whole (all columns in every file) and lean (without the partition column, and without a
 * column that only later files have), so that reading the lean files with constants can be compared with the whole ones. */
#ifndef FREIGHTLAKE_TESTS_UNIT_EXEC_TEST_FILES_H
#define FREIGHTLAKE_TESTS_UNIT_EXEC_TEST_FILES_H

#include "../storage/scratch_folder.h"

#include <math.h>

#include "exec/exec.h"
#include "random.h"

enum { CLIENT, CARRIER, CITY, WEIGHT, PRICE, TOTAL, DELAY, BIG, DAY, AT, FLAG, LATER, N_FIELDS };
#define N_FILES 6

static Field test_fields[N_FIELDS] = {
    {"client", {.id = TYPE_STRING}, true},
    {"carrier", {.id = TYPE_STRING}, true},
    {"city", {.id = TYPE_STRING}, true},
    {"weight", {.id = TYPE_DOUBLE}, true},
    {"price", {.id = TYPE_DECIMAL, .precision = 18, .scale = 4}, true},
    {"total", {.id = TYPE_DECIMAL, .precision = 30, .scale = 2}, true},
    {"delay", {.id = TYPE_INT}, true},
    {"big", {.id = TYPE_BIGINT}, true},
    {"day", {.id = TYPE_DATE}, true},
    {"at", {.id = TYPE_TIMESTAMP}, true},
    {"flag", {.id = TYPE_BOOLEAN}, true},
    {"later", {.id = TYPE_INT}, true},
};
static const Schema test_schema = {test_fields, N_FIELDS};

typedef struct TestTable {
    ParquetFile *whole[N_FILES], *lean[N_FILES];
    Value constants[N_FILES * N_FIELDS];
    Schema lean_schemas[N_FILES];
} TestTable;

static inline Value random_value(Arena *arena, uint32_t column, bool wild)
{
    static const char *const words[] = {"FedEx", "UPS", "DHL", "", "Amazon Logistics", "Z\xc3\xbcrich", "OnTrac"};
    static const double odd[] = {0.0, -0.0, 1e300, -1e300, 1e-300, 4.9e-324, 0.1, 1e17};
    Value value = {.type = test_fields[column].type, .valid = next_random() % 10 != 0};
    uint64_t number = next_random();
    switch (column) {
    case CITY:
        value.string = str_view(arena_printf(arena, "city-%llu", (unsigned long long)(number % (wild ? 5000 : 12))));
        break;
    case CLIENT:
    case CARRIER:
        value.string = str_view(words[number % ARRAY_SIZE(words)]);
        break;
    case WEIGHT:
        value.float64 = wild && number % 4 == 0 ? odd[number / 4 % ARRAY_SIZE(odd)] : (double)(number % 5000) / 10;
        if (wild && number % 97 == 0)
            value.float64 = number % 2 ? (double)NAN : (double)INFINITY;
        break;
    case PRICE:
        value.int64 = (int64_t)(number % 10000000) - 5000;
        break;
    case TOTAL:
        value.int128 = (Int128)(int64_t)number * (wild ? 1000000000 : 1);
        break;
    case BIG:
        value.int64 = wild ? (int64_t)number : (int64_t)(number % 1000);
        break;
    case DAY:
        value.int32 = 20000 + (int32_t)(number % 200);
        break;
    case AT:
        value.int64 = 1700000000000000 + (int64_t)(number % 100000) * 1000000;
        break;
    case FLAG:
        value.boolean = number % 2;
        break;
    default:
        value.int32 = (int32_t)(number % 6) - 1;
    }
    return value;
}

static inline ParquetFile *write_columns(const char *name, const Schema *schema, const Batch *batch,
                                         const ParquetWriterOptions *options, MemoryBudget *budget)
{
    Error err;
    error_init(&err);
    StorageWriter *file;
    ParquetWriter *writer;
    assert_int_equal(storage_create(scratch_file(name), &file, &err), STATUS_OK);
    assert_int_equal(parquet_writer_new(file, schema, options, &writer, &err), STATUS_OK);
    if (batch->n_rows)
        assert_int_equal(parquet_write_batch(writer, batch, &err), STATUS_OK);
    assert_int_equal(parquet_finish(writer, NULL, &err), STATUS_OK);
    parquet_writer_free(writer);
    assert_int_equal(storage_commit(file, &err), STATUS_OK);
    StorageReader *reader;
    ParquetFile *opened;
    assert_int_equal(storage_open(scratch_file(name), &reader, &err), STATUS_OK);
    assert_int_equal(parquet_open(reader, budget, &opened, &err), STATUS_OK);
    return opened;
}

static inline void make_file(TestTable *table, uint32_t f, Arena *arena, MemoryBudget *budget)
{
    uint32_t n = next_random() % 5 == 0 ? 0 : (uint32_t)(next_random() % 4000);
    bool wild = next_random() % 2, has_later = next_random() % 3 != 0;
    Vector columns[N_FIELDS], lean[N_FIELDS];
    Schema *lean_schema = &table->lean_schemas[f];
    *lean_schema = (Schema){ARENA_ARRAY(arena, Field, N_FIELDS), 0};
    Value client = random_value(arena, CLIENT, wild), none = {.type = test_fields[LATER].type};
    for (uint32_t c = 0; c < N_FIELDS; c++) {
        bool constant = c == CLIENT || (c == LATER && !has_later);
        columns[c] = vector_new(arena, test_fields[c].type, n, true);
        size_t width = type_width(test_fields[c].type);
        for (uint32_t i = 0; i < n; i++) {
            Value value = c == CLIENT ? client : constant ? none : random_value(arena, c, wild);
            columns[c].valid[i] = value.valid;
            memset((char *)columns[c].data + width * i, 0, width);
            if (!value.valid && test_fields[c].type.id == TYPE_STRING)
                value.string = (StrView){"", 0};
            memcpy((char *)columns[c].data + width * i, value.raw, width);
        }
        table->constants[f * N_FIELDS + c] =
            constant ? (c == CLIENT ? client : none) : (Value){.type = {.id = TYPE_COUNT}};
        if (!constant) {
            lean[lean_schema->n] = columns[c];
            lean_schema->fields[lean_schema->n++] = test_fields[c];
        }
    }
    ParquetWriterOptions options = {.row_group_rows = 200 + (uint32_t)(next_random() % 3000),
                                    .no_dictionary = next_random() % 5 == 0};
    char name[64];
    snprintf(name, sizeof name, "whole-%u.parquet", f);
    table->whole[f] = write_columns(name, &test_schema, &(Batch){n, N_FIELDS, columns}, &options, budget);
    snprintf(name, sizeof name, "lean-%u.parquet", f);
    table->lean[f] = write_columns(name, lean_schema, &(Batch){n, lean_schema->n, lean}, &options, budget);
}

static inline void close_table(TestTable *table)
{
    for (uint32_t f = 0; f < N_FILES; f++) {
        parquet_close(table->whole[f]);
        parquet_close(table->lean[f]);
    }
}

/* Every value of a result, to the bit. */
static inline Status keep_batch(void *context, const Schema *schema, const Batch *batch, Error *err)
{
    (void)err;
    Buffer *bytes = context;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        for (uint32_t c = 0; c < schema->n; c++) {
            Value value = vector_value(&batch->columns[c], row);
            buffer_append_byte(bytes, value.valid);
            if (value.valid && (value.type.id == TYPE_STRING || value.type.id == TYPE_BINARY)) {
                buffer_append(bytes, &value.string.size, sizeof value.string.size);
                buffer_append(bytes, value.string.data, value.string.size);
            } else if (value.valid) {
                buffer_append(bytes, value.raw, type_width(value.type));
            }
        }
    return STATUS_OK;
}

static inline Status find_test_table(void *context, const char *name, const Schema **ret_schema, Error *err)
{
    (void)context, (void)name, (void)err;
    *ret_schema = &test_schema;
    return STATUS_OK;
}

static inline PlanNode *plan_of(const char *sql, Arena *arena)
{
    Error err;
    error_init(&err);
    PlanNode *plan;
    Catalog catalog = {NULL, find_test_table};
    if (sql_plan(sql, SQL_QUERY, &catalog, arena, &plan, &err) != STATUS_OK)
        fail_msg("%s: %s", sql, err.message);
    return plan;
}

static const char *const KEYS[] = {"client", "carrier", "city",  "later", "flag",           "delay",
                                   "day",    "weight",  "total", "at",    "upper(carrier)", "coalesce(client, 'none')",
                                   "big"};
static const char *const CALLS[] = {"count(*)",
                                    "count(later)",
                                    "sum(delay)",
                                    "avg(delay)",
                                    "sum(price)",
                                    "avg(price)",
                                    "sum(weight)",
                                    "avg(weight)",
                                    "min(weight)",
                                    "max(weight)",
                                    "min(carrier)",
                                    "max(city)",
                                    "min(client)",
                                    "max(later)",
                                    "sum(total)",
                                    "min(total)",
                                    "sum(big)",
                                    "max(big)",
                                    "min(day)",
                                    "max(at)",
                                    "min(flag)",
                                    "sum(later)",
                                    "avg(big)",
                                    "count(*) FILTER (WHERE delay > 0)",
                                    "sum(weight) FILTER (WHERE client = 'UPS')",
                                    "sum(CASE WHEN later > 1 THEN price END)",
                                    "avg(weight * delay)",
                                    "min_by(carrier, weight)",
                                    "max_by(weight, later)",
                                    "min_by(later, client) FILTER (WHERE delay > 0)",
                                    "max_by(total, at)",
                                    "stddev(weight)",
                                    "var_pop(delay)",
                                    "variance(price) FILTER (WHERE client = 'UPS')",
                                    "stddev_pop(total)",
                                    "corr(weight, price)",
                                    "corr(later, delay)",
                                    "sum(later) FILTER (WHERE later IS NOT NULL)"};
static const char *const FILTERS[] = {"delay > 1",
                                      "client = 'UPS'",
                                      "client IS NULL",
                                      "later IS NULL",
                                      "later >= 2",
                                      "client <> 'DHL' AND weight < 200",
                                      "day > DATE '2024-12-01'",
                                      "client < 'F'",
                                      "client IS NOT NULL AND later = 1",
                                      "carrier = client",
                                      "big < 0 OR later = 3"};

/* The keys of a GROUP BY, and the same with names for the SELECT. */
static inline const char *random_keys(Arena *arena, uint32_t n, const char **ret_named)
{
    char *keys = arena_strdup(arena, ""), *named = keys;
    for (uint32_t i = 0; i < n; i++) {
        const char *key = KEYS[next_random() % ARRAY_SIZE(KEYS)];
        keys = arena_printf(arena, "%s%s%s", keys, i ? ", " : "", key);
        named = arena_printf(arena, "%s%s AS k%u, ", named, key, i);
    }
    *ret_named = named;
    return keys;
}

static inline const char *random_where(Arena *arena)
{
    return next_random() % 2 ? "" : arena_printf(arena, " WHERE %s", FILTERS[next_random() % ARRAY_SIZE(FILTERS)]);
}

static inline const char *random_aggregate(Arena *arena)
{
    uint32_t n_keys = (uint32_t)(next_random() % 4), n_calls = 1 + (uint32_t)(next_random() % 6);
    const char *named, *keys = random_keys(arena, n_keys, &named);
    char *select = arena_strdup(arena, "");
    for (uint32_t i = 0; i < n_calls; i++)
        select =
            arena_printf(arena, "%s%s%s AS c%u", select, i ? ", " : "", CALLS[next_random() % ARRAY_SIZE(CALLS)], i);
    char *group = n_keys ? arena_printf(arena, " GROUP BY %s", keys) : arena_strdup(arena, "");
    return arena_printf(arena, "SELECT %s%s FROM t%s%s", named, select, random_where(arena), group);
}

static inline const char *random_rows(Arena *arena)
{
    const char *order = next_random() % 3 ? arena_printf(arena, " ORDER BY %s%s", KEYS[next_random() % 7],
                                                         next_random() % 2 ? " DESC" : "")
                                          : "";
    const char *limit = next_random() % 3 ? "" : arena_printf(arena, " LIMIT %d", (int)(next_random() % 500));
    return arena_printf(arena, "SELECT %s FROM t%s%s%s", next_random() % 2 ? "*" : "client, later, weight, city",
                        random_where(arena), order, limit);
}

#endif
