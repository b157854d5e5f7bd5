/* Checkpoints: a version's actions as one Parquet file, and back.
 *
 * Source: PROTOCOL.md, section "Checkpoints", classic form.  Columns are the structs txn, add, remove, metaData and
 * protocol; a row has one of them.  What is read is found by name, so more columns (sidecars apart) do no harm. */
#include "base/fault.h"
#include "delta/log.h"
#include "parquet/writer_nested.h"

#define DEFAULT_FILE_RETENTION_MS ((int64_t)7 * 24 * 3600 * 1000)

/* ---- Reading ---- */

static const ParquetNode *child(const ParquetNode *node, const char *name)
{
    for (uint32_t i = 0; node && i < node->n_children; i++)
        if (strcmp(node->children[i].name, name) == 0)
            return &node->children[i];
    return NULL;
}

static bool is_set(const ParquetNode *node, uint32_t i)
{
    return node && (!node->valid || node->valid[i]);
}

static const char *text_at(const ParquetNode *node, uint32_t i, Arena *arena)
{
    if (!node || node->kind != PARQUET_NODE_LEAF || node->values.type.id != TYPE_STRING || !is_set(node, i) ||
        !vector_is_valid(&node->values, i))
        return NULL;
    StrView text = ((const StrView *)node->values.data)[i];
    return arena_memdup(arena, text.data, text.size);
}

static int64_t integer_at(const ParquetNode *node, uint32_t i, int64_t fallback)
{
    if (!node || node->kind != PARQUET_NODE_LEAF || !is_set(node, i) || !vector_is_valid(&node->values, i))
        return fallback;
    if (node->values.type.id == TYPE_BIGINT)
        return ((const int64_t *)node->values.data)[i];
    if (node->values.type.id == TYPE_INT)
        return ((const int32_t *)node->values.data)[i];
    return node->values.type.id == TYPE_BOOLEAN ? ((const uint8_t *)node->values.data)[i] : fallback;
}

static void map_at(const ParquetNode *node, uint32_t i, Arena *arena, LogPartition **ret_pairs, uint32_t *ret_n)
{
    *ret_n = 0;
    if (!node || node->kind != PARQUET_NODE_MAP || !is_set(node, i) || node->n_children < 2)
        return;
    uint32_t first = node->offsets[i], n = node->offsets[i + 1] - first;
    *ret_pairs = ARENA_ARRAY(arena, LogPartition, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        const char *key = text_at(&node->children[0], first + k, arena);
        const char *value = text_at(&node->children[1], first + k, arena);
        if (key)
            (*ret_pairs)[(*ret_n)++] = (LogPartition){key, value};
    }
}

static void take_files(const ParquetNode *node, bool removed, Arena *arena, LogActions *actions)
{
    const ParquetNode *path = child(node, "path"), *size = child(node, "size");
    const ParquetNode *partitions = child(node, "partitionValues"), *statistics = child(node, "stats");
    const ParquetNode *modified = child(node, "modificationTime"), *deleted = child(node, "deletionTimestamp");
    const ParquetNode *change = child(node, "dataChange");
    for (uint32_t i = 0; node && i < node->n; i++) {
        const char *uri = is_set(node, i) ? text_at(path, i, arena) : NULL;
        if (!uri)
            continue;
        LogFile file = {.removed = removed, .data_change = integer_at(change, i, 0) != 0};
        file.file.path = log_decode_path(uri, arena);
        file.file.size_bytes = (uint64_t)integer_at(size, i, 0);
        file.file.modification_time_ms = integer_at(modified, i, 0);
        file.file.statistics = text_at(statistics, i, arena);
        file.file.num_records = log_num_records(file.file.statistics);
        file.deletion_time_ms = integer_at(deleted, i, 0);
        map_at(partitions, i, arena, &file.partitions, &file.n_partitions);
        log_add_file(actions, arena, file);
    }
}

static void take_transactions(const ParquetNode *node, Arena *arena, LogActions *actions)
{
    for (uint32_t i = 0; node && i < node->n; i++) {
        const char *app_id = is_set(node, i) ? text_at(child(node, "appId"), i, arena) : NULL;
        if (app_id)
            log_add_transaction(actions, arena,
                                (DeltaTransaction){app_id, integer_at(child(node, "version"), i, 0),
                                                   integer_at(child(node, "lastUpdated"), i, -1)});
    }
}

static Status take_metadata(const ParquetNode *node, Arena *arena, LogActions *actions, Error *err)
{
    for (uint32_t i = 0; node && i < node->n; i++) {
        const char *id = is_set(node, i) ? text_at(child(node, "id"), i, arena) : NULL;
        const char *schema = id ? text_at(child(node, "schemaString"), i, arena) : NULL;
        if (!schema)
            continue;
        LogMetadata *result = ARENA_NEW(arena, LogMetadata);
        LogPartition *pairs = NULL;
        uint32_t n_pairs = 0;
        result->metadata = (DeltaMetadata){.id = id,
                                           .name = text_at(child(node, "name"), i, arena),
                                           .description = text_at(child(node, "description"), i, arena),
                                           .created_time_ms = integer_at(child(node, "createdTime"), i, 0)};
        map_at(child(node, "configuration"), i, arena, &pairs, &n_pairs);
        DeltaProperty *properties = ARENA_ARRAY(arena, DeltaProperty, n_pairs + 1);
        for (uint32_t k = 0; k < n_pairs; k++)
            properties[k] = (DeltaProperty){pairs[k].key, pairs[k].value ? pairs[k].value : ""};
        result->metadata.configuration = properties;
        result->metadata.n_configuration = n_pairs;
        const ParquetNode *columns = child(node, "partitionColumns");
        uint32_t first = columns && columns->offsets ? columns->offsets[i] : 0;
        uint32_t n = columns && columns->offsets ? columns->offsets[i + 1] - first : 0;
        result->partition_names = ARENA_ARRAY(arena, const char *, n + 1);
        for (uint32_t k = 0; k < n; k++) {
            const char *name = text_at(&columns->children[0], first + k, arena);
            if (name)
                result->partition_names[result->metadata.n_partition_columns++] = name;
        }
        TRY(log_parse_metadata(schema, result, arena, err));
        actions->metadata = result;
    }
    return STATUS_OK;
}

static Status take_protocol(const ParquetNode *node, LogActions *actions, Error *err)
{
    for (uint32_t i = 0; node && i < node->n; i++) {
        int64_t reader = is_set(node, i) ? integer_at(child(node, "minReaderVersion"), i, 0) : 0;
        if (reader == 0)
            continue;
        actions->min_reader_version = (int32_t)reader;
        actions->min_writer_version = (int32_t)integer_at(child(node, "minWriterVersion"), i, 1);
        TRY(log_check_protocol(actions->min_reader_version, actions->min_writer_version, err));
    }
    return STATUS_OK;
}

static Status read_column(ParquetFile *file, uint32_t row_group, const char *name, Arena *arena,
                          const ParquetNode **ret_node, Error *err)
{
    /* What some writers put beside, in types of the table's columns, is not wanted. */
    static const char *const wanted[] = {"add.path",          "add.partitionValues",
                                         "add.size",          "add.modificationTime",
                                         "add.dataChange",    "add.stats",
                                         "remove.path",       "remove.partitionValues",
                                         "remove.size",       "remove.deletionTimestamp",
                                         "remove.dataChange", "txn",
                                         "metaData",          "protocol"};
    *ret_node = NULL;
    int column = schema_find(parquet_schema(file), name);
    if (column < 0)
        return STATUS_OK;
    ParquetNode *node;
    TRY(parquet_read_nested(file, row_group, (uint32_t)column, wanted, ARRAY_SIZE(wanted), arena, &node, err));
    *ret_node = node;
    return STATUS_OK;
}

static Status read_part(const char *path, Arena *arena, LogActions *actions, Error *err)
{
    StorageReader *reader;
    ParquetFile *file;
    MemoryBudget budget;
    budget_init(&budget, 0);
    TRY(storage_open(path, &reader, err));
    TRY(parquet_open(reader, &budget, &file, err));
    Status status = STATUS_OK;
    for (uint32_t g = 0; g < parquet_row_groups(file) && status == STATUS_OK; g++) {
        static const char *const names[] = {"protocol", "metaData", "txn", "remove", "add"};
        const ParquetNode *nodes[ARRAY_SIZE(names)];
        for (size_t i = 0; i < ARRAY_SIZE(names) && status == STATUS_OK; i++)
            status = read_column(file, g, names[i], arena, &nodes[i], err);
        if (status == STATUS_OK)
            status = take_protocol(nodes[0], actions, err);
        if (status == STATUS_OK)
            status = take_metadata(nodes[1], arena, actions, err);
        if (status != STATUS_OK)
            break;
        take_transactions(nodes[2], arena, actions);
        take_files(nodes[3], true, arena, actions);
        take_files(nodes[4], false, arena, actions);
    }
    parquet_close(file);
    return status;
}

Status checkpoint_read(const char *table, CheckpointFile checkpoint, Arena *arena, LogActions *actions, Error *err)
{
    for (uint32_t part = 1; part <= checkpoint.parts; part++) {
        const char *path =
            checkpoint.parts == 1
                ? arena_printf(arena, "%s/_delta_log/%020lld.checkpoint.parquet", table, (long long)checkpoint.version)
                : arena_printf(arena, "%s/_delta_log/%020lld.checkpoint.%010u.%010u.parquet", table,
                               (long long)checkpoint.version, part, checkpoint.parts);
        Status status = read_part(path, arena, actions, err);
        if (status == STATUS_UNSUPPORTED || status == STATUS_OK) {
            TRY(status);
            continue;
        }
        err->code = STATUS_CORRUPT; /* whatever is wrong with it, an older checkpoint may do */
        return error_at_file(err, path);
    }
    return STATUS_OK;
}

/* ---- Writing ---- */

#define LEAF(field_name, field_type, is_nullable)                                                                      \
    {                                                                                                                  \
        .name = (field_name), .kind = PARQUET_NODE_LEAF, .type = {.id = TYPE_##field_type}, .nullable = (is_nullable)  \
    }
#define MAP(field_name, pair)                                                                                          \
    {                                                                                                                  \
        .name = (field_name), .kind = PARQUET_NODE_MAP, .nullable = true, .n_children = 2, .children = (pair)          \
    }
#define STRUCT(field_name, members)                                                                                    \
    {                                                                                                                  \
        .name = (field_name), .kind = PARQUET_NODE_STRUCT, .nullable = true, .n_children = ARRAY_SIZE(members),        \
        .children = (members)                                                                                          \
    }

static const ParquetNestedField PAIR[] = {LEAF("key", STRING, false), LEAF("value", STRING, true)};
static const ParquetNestedField ELEMENT[] = {LEAF("element", STRING, true)};
static const ParquetNestedField TXN[] = {LEAF("appId", STRING, true), LEAF("version", BIGINT, true),
                                         LEAF("lastUpdated", BIGINT, true)};
static const ParquetNestedField ADD[] = {LEAF("path", STRING, true),        MAP("partitionValues", PAIR),
                                         LEAF("size", BIGINT, true),        LEAF("modificationTime", BIGINT, true),
                                         LEAF("dataChange", BOOLEAN, true), LEAF("stats", STRING, true)};
static const ParquetNestedField REMOVE[] = {
    LEAF("path", STRING, true),        LEAF("deletionTimestamp", BIGINT, true),
    LEAF("dataChange", BOOLEAN, true), LEAF("extendedFileMetadata", BOOLEAN, true),
    MAP("partitionValues", PAIR),      LEAF("size", BIGINT, true)};
static const ParquetNestedField FORMAT[] = {LEAF("provider", STRING, true), MAP("options", PAIR)};
static const ParquetNestedField METADATA[] = {
    LEAF("id", STRING, true),
    LEAF("name", STRING, true),
    LEAF("description", STRING, true),
    STRUCT("format", FORMAT),
    LEAF("schemaString", STRING, true),
    {.name = "partitionColumns", .kind = PARQUET_NODE_LIST, .nullable = true, .n_children = 1, .children = ELEMENT},
    MAP("configuration", PAIR),
    LEAF("createdTime", BIGINT, true)};
static const ParquetNestedField PROTOCOL[] = {LEAF("minReaderVersion", INT, true), LEAF("minWriterVersion", INT, true)};
static const ParquetNestedField CHECKPOINT[] = {STRUCT("txn", TXN), STRUCT("add", ADD), STRUCT("remove", REMOVE),
                                                STRUCT("metaData", METADATA), STRUCT("protocol", PROTOCOL)};
enum { COLUMN_TXN, COLUMN_ADD, COLUMN_REMOVE, COLUMN_METADATA, COLUMN_PROTOCOL, N_COLUMNS };

/* A tree of n NULLs in the shape of a field; values are set afterwards. */
static ParquetNode null_node(const ParquetNestedField *field, uint32_t n, uint32_t n_elements, Arena *arena)
{
    ParquetNode node = {.name = field->name, .kind = field->kind, .n = n};
    node.valid = arena_zalloc(arena, n + 1);
    if (field->kind == PARQUET_NODE_LEAF) {
        node.values = vector_new(arena, field->type, n, true);
        memset(node.values.data, 0, type_width(field->type) * n);
        memset(node.values.valid, 0, n);
        return node;
    }
    bool repeated = field->kind == PARQUET_NODE_LIST || field->kind == PARQUET_NODE_MAP;
    if (repeated)
        node.offsets = ARENA_ARRAY(arena, uint32_t, n + 1);
    node.n_children = field->n_children;
    node.children = ARENA_ARRAY(arena, ParquetNode, field->n_children);
    for (uint32_t i = 0; i < field->n_children; i++)
        node.children[i] = null_node(&field->children[i], repeated ? n_elements : n, n_elements, arena);
    return node;
}

static void set_valid(ParquetNode *node, uint32_t i)
{
    node->valid[i] = 1;
    if (node->kind == PARQUET_NODE_LEAF)
        node->values.valid[i] = 1;
}

static void set_text(ParquetNode *node, uint32_t i, const char *text)
{
    if (!text)
        return;
    set_valid(node, i);
    ((StrView *)node->values.data)[i] = str_view(text);
}

static void set_integer(ParquetNode *node, uint32_t i, int64_t value)
{
    set_valid(node, i);
    if (node->values.type.id == TYPE_BIGINT)
        ((int64_t *)node->values.data)[i] = value;
    else if (node->values.type.id == TYPE_INT)
        ((int32_t *)node->values.data)[i] = (int32_t)value;
    else
        ((uint8_t *)node->values.data)[i] = (uint8_t)value;
}

static ParquetNode *member(ParquetNode *node, const char *name)
{
    ParquetNode *found = (ParquetNode *)(uintptr_t)child(node, name);
    CHECK(found != NULL);
    return found;
}

/* Entries of a map or list are filled row by row; `used` counts its elements so far. */
static void end_row(ParquetNode *node, uint32_t row, uint32_t used)
{
    node->valid[row] = 1;
    for (uint32_t i = row + 1; i <= node->n; i++)
        node->offsets[i] = used;
}

static void set_partitions(ParquetNode *node, uint32_t row, const DeltaMetadata *metadata, const DeltaFile *file,
                           uint32_t *used)
{
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++, (*used)++) {
        set_text(&node->children[0], *used, metadata->schema.fields[metadata->partition_columns[i]].name);
        set_text(&node->children[1], *used, file->partition_values[i]);
    }
    node->valid[row] = 1;
    node->offsets[row + 1] = *used;
}

/* Offsets of rows without elements are those of the row before. */
static void fill_offsets(ParquetNode *node)
{
    for (uint32_t i = 1; i <= node->n; i++)
        if (node->offsets[i] < node->offsets[i - 1])
            node->offsets[i] = node->offsets[i - 1];
}

static void put_files(const DeltaSnapshot *snapshot, const DeltaTombstone *const *tombstones, uint32_t n_tombstones,
                      ParquetNode *columns, uint32_t row, Arena *arena)
{
    ParquetNode *add = &columns[COLUMN_ADD], *remove = &columns[COLUMN_REMOVE];
    uint32_t used = 0;
    for (uint32_t i = 0; i < snapshot->n_files; i++, row++) {
        const DeltaFile *file = &snapshot->files[i];
        set_valid(add, row);
        set_text(member(add, "path"), row, log_encode_path(file->path, arena));
        set_partitions(member(add, "partitionValues"), row, &snapshot->metadata, file, &used);
        set_integer(member(add, "size"), row, (int64_t)file->size_bytes);
        set_integer(member(add, "modificationTime"), row, file->modification_time_ms);
        set_integer(member(add, "dataChange"), row, 0);
        set_text(member(add, "stats"), row, file->statistics);
    }
    used = 0;
    for (uint32_t i = 0; i < n_tombstones; i++, row++) {
        const DeltaFile *file = &tombstones[i]->file;
        set_valid(remove, row);
        set_text(member(remove, "path"), row, log_encode_path(file->path, arena));
        set_integer(member(remove, "deletionTimestamp"), row, tombstones[i]->deletion_time_ms);
        set_integer(member(remove, "dataChange"), row, 0);
        set_integer(member(remove, "extendedFileMetadata"), row, 1);
        set_partitions(member(remove, "partitionValues"), row, &snapshot->metadata, file, &used);
        set_integer(member(remove, "size"), row, (int64_t)file->size_bytes);
    }
    fill_offsets(member(add, "partitionValues"));
    fill_offsets(member(remove, "partitionValues"));
}

static void put_metadata(const DeltaMetadata *metadata, ParquetNode *node, uint32_t row)
{
    set_valid(node, row);
    set_text(member(node, "id"), row, metadata->id);
    set_text(member(node, "name"), row, metadata->name);
    set_text(member(node, "description"), row, metadata->description);
    set_text(member(node, "schemaString"), row, metadata->schema_json);
    set_integer(member(node, "createdTime"), row, metadata->created_time_ms);
    ParquetNode *format = member(node, "format");
    set_valid(format, row);
    set_text(member(format, "provider"), row, "parquet");
    end_row(member(format, "options"), row, 0);
    ParquetNode *columns = member(node, "partitionColumns"), *configuration = member(node, "configuration");
    for (uint32_t i = 0; i < metadata->n_partition_columns; i++)
        set_text(&columns->children[0], i, metadata->schema.fields[metadata->partition_columns[i]].name);
    end_row(columns, row, metadata->n_partition_columns);
    for (uint32_t i = 0; i < metadata->n_configuration; i++) {
        set_text(&configuration->children[0], i, metadata->configuration[i].key);
        set_text(&configuration->children[1], i, metadata->configuration[i].value);
    }
    end_row(configuration, row, metadata->n_configuration);
}

static void put_rest(const DeltaSnapshot *snapshot, ParquetNode *columns)
{
    ParquetNode *protocol = &columns[COLUMN_PROTOCOL], *txn = &columns[COLUMN_TXN];
    set_valid(protocol, 0);
    set_integer(member(protocol, "minReaderVersion"), 0, snapshot->min_reader_version);
    set_integer(member(protocol, "minWriterVersion"), 0, snapshot->min_writer_version);
    put_metadata(&snapshot->metadata, &columns[COLUMN_METADATA], 1);
    for (uint32_t i = 0; i < snapshot->n_transactions; i++) {
        const DeltaTransaction *transaction = &snapshot->transactions[i];
        set_valid(txn, 2 + i);
        set_text(member(txn, "appId"), 2 + i, transaction->app_id);
        set_integer(member(txn, "version"), 2 + i, transaction->version);
        if (transaction->last_updated_ms >= 0)
            set_integer(member(txn, "lastUpdated"), 2 + i, transaction->last_updated_ms);
    }
}

static Status write_checkpoint(const DeltaSnapshot *snapshot, StorageWriter *storage, Arena *arena, uint32_t *ret_rows,
                               Error *err)
{
    static const ParquetWriterOptions options = {.codec = PARQUET_SNAPPY};
    int64_t oldest = INT64_MIN, retention_ms; /* all stay where the setting cannot be read */
    if (log_interval_ms(&snapshot->metadata, "delta.deletedFileRetentionDuration", DEFAULT_FILE_RETENTION_MS,
                        &retention_ms))
        oldest = delta_now_ms() - retention_ms;
    const DeltaTombstone **tombstones = ARENA_ARRAY(arena, const DeltaTombstone *, snapshot->n_tombstones + 1);
    uint32_t n_tombstones = 0;
    for (uint32_t i = 0; i < snapshot->n_tombstones; i++)
        if (snapshot->tombstones[i].deletion_time_ms >= oldest)
            tombstones[n_tombstones++] = &snapshot->tombstones[i];
    uint32_t n_first = 2 + snapshot->n_transactions, n = n_first + snapshot->n_files + n_tombstones;
    ParquetNode columns[N_COLUMNS];
    const DeltaMetadata *metadata = &snapshot->metadata;
    uint32_t n_elements[N_COLUMNS] = {0, snapshot->n_files * metadata->n_partition_columns,
                                      n_tombstones * metadata->n_partition_columns, 0, 0};
    n_elements[COLUMN_METADATA] = metadata->n_configuration > metadata->n_partition_columns
                                      ? metadata->n_configuration
                                      : metadata->n_partition_columns;
    for (uint32_t i = 0; i < N_COLUMNS; i++)
        columns[i] = null_node(&CHECKPOINT[i], n, n_elements[i], arena);
    put_rest(snapshot, columns);
    put_files(snapshot, tombstones, n_tombstones, columns, n_first, arena);
    ParquetWriter *writer;
    TRY(parquet_nested_writer_new(storage, CHECKPOINT, N_COLUMNS, &options, &writer, err));
    Status status = parquet_write_nested(writer, columns, n, err);
    if (status == STATUS_OK)
        status = parquet_finish(writer, NULL, err);
    parquet_writer_free(writer);
    *ret_rows = n;
    return status;
}

static Status write_both(const DeltaSnapshot *snapshot, Arena *arena, Error *err)
{
    const char *path =
        arena_printf(arena, "%s/_delta_log/%020lld.checkpoint.parquet", snapshot->table, (long long)snapshot->version);
    StorageWriter *storage;
    uint32_t rows = 0;
    fault_step("delta_before_checkpoint");
    TRY(storage_create(path, &storage, err));
    Status status = write_checkpoint(snapshot, storage, arena, &rows, err);
    if (status != STATUS_OK) {
        storage_discard(storage);
        return status;
    }
    TRY(storage_commit(storage, err));
    fault_step("delta_after_checkpoint");
    const char *hint = arena_printf(arena, "{\"version\":%lld,\"size\":%u}", (long long)snapshot->version, rows);
    return storage_write_file(arena_printf(arena, "%s/_delta_log/_last_checkpoint", snapshot->table), hint,
                              strlen(hint), err);
}

Status delta_checkpoint(const char *table, int64_t version, Error *err)
{
    Arena arena;
    arena_init(&arena);
    DeltaSnapshot *snapshot;
    StorageFacts facts = {0};
    const char *path = arena_printf(&arena, "%s/_delta_log/%020lld.checkpoint.parquet", table, (long long)version);
    Status status = storage_stat(path, &facts, err);
    if (status == STATUS_OK && !facts.exists) {
        status = delta_snapshot_load(table, (DeltaVersion){DELTA_AT_VERSION, version}, &arena, &snapshot, err);
        if (status == STATUS_OK)
            status = write_both(snapshot, &arena, err);
    }
    arena_done(&arena);
    return status;
}
