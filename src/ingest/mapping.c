/* Mapping; see mapping.h.  The file:
 *
 *   client: emart                      may be left out: the file's name says it
 *   input: csv                         csv, ndjson, parquet
 *   format:                            of csv and ndjson; what is not given is as here
 *     encoding: utf-8                  utf-8, utf-16le, utf-16be, windows-1252
 *     delimiter: ","                   one character, or tab
 *     quote: "\""                      one character, or none
 *     header: true
 *     trailing_delimiter: false        records may end with one delimiter more than the header
 *     skip_lines: 0
 *   zone: UTC                          of instants that carry none
 *   duplicates: keep                   keep, reject, latest
 *   max_rejected_share: 0.05           of a file; the lake's where it is not given
 *   nulls: ["N/A"]                     texts that mean "no value" in every column
 *   columns:
 *     shipment_id: ID                  canonical column: the client's column, or
 *     shipment_weight_kg:
 *       from: Weight                   the client's column
 *       constant: "0.5"                of every record; beside `from`: where there is no value
 *       unit: lb                       of weights, volumes and distances
 *       decimal: ","                   the decimal mark
 *       thousands: "."                 the mark between thousands
 *       dates: [dd.MM.yyyy]            forms, tried in this order
 *       nulls: ["-"]                   beside those of all columns
 *       null_patterns: ["See *"]       '*' stands for any text
 *       values: {Truck: Road, x: ~}    translations; ~ is "no value"
 *       others: keep                   keep or reject what no translation names
 *   rules:
 *     - column: shipment_weight_kg
 *       min: 0.1                       and max, or
 *       allowed: [Road, Sea]           or, without a column,
 *       expression: delivery_date >= shipment_date
 *       code: heavy                    of the reason; client_rule where it is not given
 *       message: text
 *
 * Everything is checked when it is loaded, so that a wrong mapping stops a job before it reads a byte of data. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the plain SHA-256 functions, as in raw.c */
#include "ingest/mapping.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include "ingest/client.h"
#include "ingest/text_value.h"
#include "ingest/units.h"
#include "text/yaml.h"

#define MAX_RULE_MESSAGE 200

typedef struct MappingParser {
    YamlDocument document;
    Arena *arena;
    Mapping *mapping;
    const StrView *nulls; /* of all columns */
    uint32_t n_nulls;
    Error *err;
} MappingParser;

/* ---- Small things ---- */

/* The texts of a sequence, or one text. */
static Status take_texts(const MappingParser *parser, const YamlNode *parent, const char *key, const StrView **ret,
                         uint32_t *ret_n)
{
    const YamlNode *node = yaml_get(parent, key);
    *ret = NULL;
    *ret_n = 0;
    if (!node)
        return STATUS_OK;
    if (node->kind == YAML_MAPPING)
        return yaml_error(&parser->document, node, parser->err, "a list of texts is wanted here");
    uint32_t n = node->kind == YAML_SCALAR ? 1 : node->n;
    StrView *texts = ARENA_ARRAY(parser->arena, StrView, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const YamlNode *item = node->kind == YAML_SCALAR ? node : node->children[i];
        if (item->kind != YAML_SCALAR)
            return yaml_error(&parser->document, item, parser->err, "a text is wanted here");
        texts[i] = str_view(item->text);
    }
    *ret = texts;
    *ret_n = n;
    return STATUS_OK;
}

/* One ASCII character, or a word for one. */
static Status take_character(const MappingParser *parser, const YamlNode *parent, const char *key, const char *word,
                             char of_word, char *ret)
{
    const YamlNode *node = yaml_get(parent, key);
    if (!node)
        return STATUS_OK;
    if (node->kind == YAML_SCALAR && strcmp(node->text, word) == 0) {
        *ret = of_word;
        return STATUS_OK;
    }
    if (node->kind != YAML_SCALAR || strlen(node->text) != 1 || (unsigned char)node->text[0] >= 0x80)
        return yaml_error(&parser->document, node, parser->err, "one character, or '%s', is wanted here", word);
    *ret = node->text[0];
    return STATUS_OK;
}

static bool is_known(const char *const *known, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(known[i], word) == 0)
            return true;
    return false;
}

/* ---- The file's form ---- */

static Status take_format(MappingParser *parser, const YamlNode *root)
{
    static const char *const keys[] = {"encoding", "delimiter", "quote", "header", "trailing_delimiter", "skip_lines"};
    TextFormat *format = &parser->mapping->format;
    *format = (TextFormat){.kind = parser->mapping->input == INPUT_NDJSON ? TEXT_NDJSON : TEXT_CSV,
                           .delimiter = ',',
                           .quote = '"',
                           .header = true};
    const YamlNode *node = yaml_get(root, "format");
    if (!node)
        return STATUS_OK;
    TRY(yaml_check_keys(&parser->document, node, keys, ARRAY_SIZE(keys), parser->err));
    const char *encodings[TEXT_ENCODING_COUNT];
    for (TextEncoding encoding = 0; encoding < TEXT_ENCODING_COUNT; encoding++)
        encodings[encoding] = text_encoding_name(encoding);
    uint32_t encoding = 0;
    int64_t skip = 0;
    TRY(yaml_choice(&parser->document, node, "encoding", encodings, TEXT_ENCODING_COUNT, &encoding, parser->err));
    format->encoding = (TextEncoding)encoding;
    TRY(take_character(parser, node, "delimiter", "tab", '\t', &format->delimiter));
    TRY(take_character(parser, node, "quote", "none", '\0', &format->quote));
    TRY(yaml_boolean(&parser->document, node, "header", &format->header, parser->err));
    TRY(yaml_boolean(&parser->document, node, "trailing_delimiter", &format->trailing_delimiter, parser->err));
    TRY(yaml_integer(&parser->document, node, "skip_lines", 0, 1000, &skip, parser->err));
    format->skip_lines = (uint32_t)skip;
    char d = format->delimiter;
    if (d == format->quote || d == '\n' || d == '\r')
        return yaml_error(&parser->document, yaml_get(node, "delimiter") ? yaml_get(node, "delimiter") : node,
                          parser->err, "this cannot be the delimiter beside the quote character");
    if (format->quote == '\n' || format->quote == '\r')
        return yaml_error(&parser->document, yaml_get(node, "quote"), parser->err, "this cannot be a quote");
    return STATUS_OK;
}

/* ---- Columns ---- */

static Status take_number_form(MappingParser *parser, ShipmentColumnId id, const YamlNode *node, MappingColumn *column)
{
    const char *unit = NULL;
    TRY(take_character(parser, node, "decimal", "point", '.', &column->decimal_mark));
    TRY(take_character(parser, node, "thousands", "none", '\0', &column->thousands_mark));
    const YamlNode *mark = yaml_get(node, "decimal");
    if (mark && column->decimal_mark != '.' && column->decimal_mark != ',')
        return yaml_error(&parser->document, mark, parser->err, "the decimal mark is '.' or ','");
    mark = yaml_get(node, "thousands");
    if (mark && (column->thousands_mark == column->decimal_mark ||
                 (column->thousands_mark && strchr("0123456789+-eE", column->thousands_mark))))
        return yaml_error(&parser->document, mark, parser->err, "this cannot be the mark between thousands");
    TRY(yaml_text(&parser->document, node, "unit", &unit, parser->err));
    if (!unit)
        return STATUS_OK;
    const Unit *found = unit_find(id, str_view(unit));
    if (!found) {
        yaml_error(&parser->document, yaml_get(node, "unit"), parser->err, "there is no such unit for %s",
                   shipment_column(id)->name);
        const char *words = unit_words(id, parser->arena);
        return *words ? error_hint(parser->err, "there are: %s", words)
                      : error_hint(parser->err, "units are of weights, volumes and distances");
    }
    column->unit = unit;
    column->factor = found->factor;
    return STATUS_OK;
}

static bool is_of_time(ShipmentColumnId id)
{
    TypeId type = shipment_column(id)->type.id;
    return type == TYPE_DATE || type == TYPE_TIMESTAMP;
}

static Status take_date_forms(MappingParser *parser, ShipmentColumnId id, const YamlNode *node, MappingColumn *column)
{
    static const char *const of_instants[] = {"yyyy-MM-dd'T'HH:mm:ssX", "yyyy-MM-dd HH:mm:ss.S", "yyyy-MM-dd HH:mm:ss",
                                              "yyyy-MM-dd"};
    const StrView *texts = NULL;
    uint32_t n = 0;
    const YamlNode *dates = node->kind == YAML_MAPPING ? yaml_get(node, "dates") : NULL;
    if (dates)
        TRY(take_texts(parser, node, "dates", &texts, &n));
    bool own = n > 0;
    if (!own)
        n = shipment_column(id)->type.id == TYPE_DATE ? 1 : (uint32_t)ARRAY_SIZE(of_instants);
    const DateForm **forms = ARENA_ARRAY(parser->arena, const DateForm *, n);
    for (uint32_t i = 0; i < n; i++) {
        const char *pattern = own ? texts[i].data : n == 1 ? "yyyy-MM-dd" : of_instants[i];
        Error err;
        error_init(&err);
        if (date_form_new(pattern, parser->arena, &forms[i], &err) == STATUS_OK)
            continue;
        yaml_error(&parser->document, dates->kind == YAML_SCALAR ? dates : dates->children[i], parser->err, "%s",
                   err.message);
        return error_hint(parser->err, "%s", err.hint);
    }
    column->forms = forms;
    column->n_forms = n;
    return STATUS_OK;
}

static int by_from(const void *a, const void *b)
{
    return str_compare(((const MappingValue *)a)->from, ((const MappingValue *)b)->from);
}

static Status take_values(MappingParser *parser, const YamlNode *node, MappingColumn *column)
{
    static const char *const choices[] = {"keep", "reject"};
    uint32_t others = 0;
    TRY(yaml_choice(&parser->document, node, "others", choices, ARRAY_SIZE(choices), &others, parser->err));
    column->others_rejected = others == 1;
    const YamlNode *values = yaml_get(node, "values");
    if (!values)
        return STATUS_OK;
    if (values->kind != YAML_MAPPING)
        return yaml_error(&parser->document, values, parser->err, "translations are wanted here (Truck: Road)");
    MappingValue *list = ARENA_ARRAY(parser->arena, MappingValue, values->n + 1);
    for (uint32_t i = 0; i < values->n; i++) {
        const YamlNode *to = values->children[i];
        if (to->kind != YAML_SCALAR)
            return yaml_error(&parser->document, to, parser->err, "a text is wanted here");
        list[i].from = str_view(values->keys[i]);
        list[i].to = yaml_is_null(to) ? (StrView){NULL, 0} : str_view(to->text);
    }
    qsort(list, values->n, sizeof *list, by_from);
    column->values = list;
    column->n_values = values->n;
    return STATUS_OK;
}

static Status take_nulls(MappingParser *parser, const YamlNode *node, MappingColumn *column)
{
    const StrView *own;
    uint32_t n;
    TRY(take_texts(parser, node, "null_patterns", &column->null_patterns, &column->n_null_patterns));
    TRY(take_texts(parser, node, "nulls", &own, &n));
    if (n == 0)
        return STATUS_OK;
    StrView *all = ARENA_ARRAY(parser->arena, StrView, n + parser->n_nulls);
    memcpy(all, own, sizeof *all * n);
    if (parser->n_nulls)
        memcpy(all + n, parser->nulls, sizeof *all * parser->n_nulls);
    column->nulls = all;
    column->n_nulls = n + parser->n_nulls;
    return STATUS_OK;
}

/* Keys that say something of numbers, dates or texts stand only where there are such. */
static Status check_column_keys(MappingParser *parser, ShipmentColumnId id, const YamlNode *node)
{
    static const char *const keys[] = {"from",   "constant", "nulls",   "null_patterns", "values",
                                       "others", "unit",     "decimal", "thousands",     "dates"};
    static const char *const of_numbers[] = {"unit", "decimal", "thousands"};
    TRY(yaml_check_keys(&parser->document, node, keys, ARRAY_SIZE(keys), parser->err));
    bool number = type_is_numeric(shipment_column(id)->type);
    for (uint32_t i = 0; i < node->n; i++) {
        bool fits = true;
        if (is_known(of_numbers, ARRAY_SIZE(of_numbers), node->keys[i]))
            fits = number;
        else if (strcmp(node->keys[i], "dates") == 0)
            fits = is_of_time(id);
        if (!fits)
            return yaml_error(&parser->document, node->children[i], parser->err, "%s is no %s",
                              shipment_column(id)->name,
                              number           ? "date"
                              : is_of_time(id) ? "number"
                                               : "such column");
    }
    return STATUS_OK;
}

static Status check_constant(MappingParser *parser, ShipmentColumnId id, const YamlNode *node)
{
    TextValue value;
    MappingColumn *column = &parser->mapping->columns[id];
    if (!column->constant)
        return STATUS_OK;
    text_value(parser->mapping, id, str_view(column->constant), &value);
    if (value.state != VALUE_BAD)
        return STATUS_OK;
    return yaml_error(&parser->document, yaml_get(node, "constant"), parser->err, "'%.80s': %s", column->constant,
                      reason_meaning(value.reason));
}

static Status take_column(MappingParser *parser, ShipmentColumnId id, const YamlNode *node)
{
    MappingColumn *column = &parser->mapping->columns[id];
    *column = (MappingColumn){.factor = 1, .decimal_mark = '.', .nulls = parser->nulls, .n_nulls = parser->n_nulls};
    if (is_of_time(id))
        TRY(take_date_forms(parser, id, node, column));
    if (node->kind == YAML_SCALAR) {
        column->source = node->text;
        return STATUS_OK;
    }
    TRY(check_column_keys(parser, id, node));
    TRY(yaml_text(&parser->document, node, "from", &column->source, parser->err));
    TRY(yaml_text(&parser->document, node, "constant", &column->constant, parser->err));
    if (!column->source && !column->constant) {
        yaml_error(&parser->document, node, parser->err, "neither 'from' nor 'constant' is given");
        return error_hint(parser->err, "write %s: NAME OF THE CLIENT'S COLUMN", shipment_column(id)->name);
    }
    if (column->source && !*column->source)
        return yaml_error(&parser->document, node, parser->err, "'from' is empty");
    if (type_is_numeric(shipment_column(id)->type))
        TRY(take_number_form(parser, id, node, column));
    TRY(take_nulls(parser, node, column));
    TRY(take_values(parser, node, column));
    return check_constant(parser, id, node);
}

static Status take_columns(MappingParser *parser, const YamlNode *root)
{
    const YamlNode *node = yaml_get(root, "columns");
    if (!node) {
        yaml_error(&parser->document, root, parser->err, "'columns' is missing: nothing says what the columns mean");
        return error_hint(parser->err, "write 'columns:' and below it 'shipment_id: NAME OF THE CLIENT'S COLUMN' ...");
    }
    const char *names[SHIPMENT_COLUMN_COUNT];
    ShipmentColumnId ids[SHIPMENT_COLUMN_COUNT];
    size_t n = 0;
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        if (mapping_column_is_given(id)) {
            names[n] = shipment_column(id)->name;
            ids[n++] = id;
        }
    TRY(yaml_check_keys(&parser->document, node, names, n, parser->err));
    for (size_t i = 0; i < n; i++) {
        const YamlNode *column = yaml_get(node, names[i]);
        if (column && column->kind == YAML_SEQUENCE)
            return yaml_error(&parser->document, column, parser->err, "one column is wanted here, not a list");
        if (column)
            TRY(take_column(parser, ids[i], column));
    }
    return STATUS_OK;
}

static bool is_given(const MappingParser *parser, ShipmentColumnId id)
{
    const MappingColumn *column = &parser->mapping->columns[id];
    return column->source || column->constant;
}

static Status check_required(MappingParser *parser, const YamlNode *root)
{
    const YamlNode *columns = yaml_get(root, "columns");
    bool date = false;
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        const ShipmentColumn *contract = shipment_column(id);
        if (!mapping_column_is_given(id))
            continue;
        date |= contract->need == SHIPMENT_REQUIRED_DATE && is_given(parser, id);
        if (contract->need != SHIPMENT_REQUIRED || is_given(parser, id))
            continue;
        yaml_error(&parser->document, columns, parser->err, "%s is missing, and every shipment needs one",
                   contract->name);
        return error_hint(parser->err,
                          "add '%s: COLUMN', or '%s: {constant: VALUE}' when it is the same in every record",
                          contract->name, contract->name);
    }
    if (date)
        return STATUS_OK;
    yaml_error(&parser->document, columns, parser->err, "neither shipment_date nor delivery_date is given");
    return error_hint(parser->err, "every shipment needs one of them");
}

/* ---- Rules ---- */

static Status take_rule(MappingParser *parser, const YamlNode *node, MappingRule *rule)
{
    static const char *const keys[] = {"column", "min", "max", "allowed", "expression", "code", "message"};
    TRY(yaml_check_keys(&parser->document, node, keys, ARRAY_SIZE(keys), parser->err));
    const char *names[SHIPMENT_COLUMN_COUNT];
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        names[id] = shipment_column(id)->name;
    uint32_t column = SHIPMENT_COLUMN_COUNT;
    *rule = (MappingRule){.code = "client_rule", .line = node->line};
    TRY(yaml_choice(&parser->document, node, "column", names, ARRAY_SIZE(names), &column, parser->err));
    TRY(yaml_text(&parser->document, node, "min", &rule->minimum, parser->err));
    TRY(yaml_text(&parser->document, node, "max", &rule->maximum, parser->err));
    TRY(yaml_text(&parser->document, node, "expression", &rule->expression, parser->err));
    TRY(yaml_text(&parser->document, node, "code", &rule->code, parser->err));
    TRY(yaml_text(&parser->document, node, "message", &rule->message, parser->err));
    TRY(take_texts(parser, node, "allowed", &rule->allowed, &rule->n_allowed));
    rule->column = (ShipmentColumnId)column;
    int kinds = (rule->minimum || rule->maximum) + (rule->n_allowed > 0) + (rule->expression != NULL);
    if (kinds != 1) {
        yaml_error(&parser->document, node, parser->err, "a rule is one of: min and max, allowed, expression");
        return error_hint(parser->err, "make it two rules, or say what is wanted");
    }
    if (!rule->expression && column == SHIPMENT_COLUMN_COUNT)
        return yaml_error(&parser->document, node, parser->err, "the rule does not say of which column");
    if (rule->expression && yaml_get(node, "column"))
        return yaml_error(&parser->document, node, parser->err, "an expression names its columns itself");
    if (rule->message && strlen(rule->message) > MAX_RULE_MESSAGE)
        return yaml_error(&parser->document, node, parser->err, "the message is longer than %d bytes",
                          MAX_RULE_MESSAGE);
    bool good = *rule->code && strlen(rule->code) <= 40;
    for (const char *c = rule->code; *c && good; c++)
        good = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_';
    if (!good)
        return yaml_error(&parser->document, node, parser->err,
                          "a code is made of small letters, digits and '_', at most 40");
    return STATUS_OK;
}

static Status take_rules(MappingParser *parser, const YamlNode *root)
{
    const YamlNode *node = yaml_get(root, "rules");
    if (!node)
        return STATUS_OK;
    if (node->kind != YAML_SEQUENCE)
        return yaml_error(&parser->document, node, parser->err, "a list of rules is wanted here ('- column: ...')");
    MappingRule *rules = ARENA_ARRAY(parser->arena, MappingRule, node->n + 1);
    for (uint32_t i = 0; i < node->n; i++)
        TRY(take_rule(parser, node->children[i], &rules[i]));
    parser->mapping->rules = rules;
    parser->mapping->n_rules = node->n;
    return STATUS_OK;
}

/* ---- The whole ---- */

static Status take_head(MappingParser *parser, const YamlNode *root)
{
    static const char *const keys[] = {"client", "input",   "format", "zone", "duplicates", "max_rejected_share",
                                       "nulls",  "columns", "rules"};
    static const char *const inputs[] = {"csv", "ndjson", "parquet"};
    static const char *const policies[] = {"keep", "reject", "latest"};
    Mapping *mapping = parser->mapping;
    uint32_t input = INPUT_CSV, duplicates = DUPLICATES_KEEP;
    const char *zone = "UTC";
    TRY(yaml_check_keys(&parser->document, root, keys, ARRAY_SIZE(keys), parser->err));
    TRY(yaml_text(&parser->document, root, "client", &mapping->client, parser->err));
    TRY(yaml_choice(&parser->document, root, "input", inputs, ARRAY_SIZE(inputs), &input, parser->err));
    TRY(yaml_choice(&parser->document, root, "duplicates", policies, ARRAY_SIZE(policies), &duplicates, parser->err));
    TRY(yaml_number(&parser->document, root, "max_rejected_share", 0, 1, &mapping->max_rejected_share, parser->err));
    TRY(yaml_text(&parser->document, root, "zone", &zone, parser->err));
    TRY(take_texts(parser, root, "nulls", &parser->nulls, &parser->n_nulls));
    mapping->input = (InputKind)input;
    mapping->duplicates = (DuplicatePolicy)duplicates;
    Error err;
    error_init(&err);
    if (time_zone_new(zone, parser->arena, &mapping->zone, &err) != STATUS_OK) {
        yaml_error(&parser->document, yaml_get(root, "zone"), parser->err, "%s", err.message);
        return error_hint(parser->err, "%s", err.hint);
    }
    return STATUS_OK;
}

static void set_hash(Mapping *mapping, StrView text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(text.size ? text.data : ""), text.size, digest);
    for (size_t i = 0; i < MAPPING_HASH_CHARACTERS / 2; i++) {
        mapping->hash[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        mapping->hash[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
}

/* The file's name without folder and ".yaml". */
static const char *client_of_file(const char *file, Arena *arena)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    size_t n = strlen(name);
    if (n > 5 && strcmp(name + n - 5, ".yaml") == 0)
        n -= 5;
    return arena_memdup(arena, name, n);
}

Status mapping_parse(const char *file, StrView text, Arena *arena, Mapping **ret_mapping, Error *err)
{
    Mapping *mapping = ARENA_NEW(arena, Mapping);
    MappingParser parser = {.arena = arena, .mapping = mapping, .err = err};
    mapping->file = file ? arena_strdup(arena, file) : NULL;
    mapping->max_rejected_share = -1;
    set_hash(mapping, text);
    TRY(yaml_parse(file ? file : "mapping", text, arena, &parser.document, err));
    const YamlNode *root = parser.document.root;
    TRY(take_head(&parser, root));
    TRY(take_format(&parser, root));
    TRY(take_columns(&parser, root));
    TRY(check_required(&parser, root));
    TRY(take_rules(&parser, root));
    if (!mapping->client)
        mapping->client = file ? client_of_file(file, arena) : "client";
    Error name_err;
    error_init(&name_err);
    if (lake_check_client(mapping->client, &name_err) != STATUS_OK)
        return yaml_error(&parser.document, yaml_get(root, "client") ? yaml_get(root, "client") : root, err, "%s",
                          name_err.message);
    *ret_mapping = mapping;
    return STATUS_OK;
}

Status mapping_load(const Lake *lake, const char *client, Arena *arena, Mapping **ret_mapping, Error *err)
{
    TRY(lake_check_client(client, err));
    const char *file = arena_printf(arena, "%s/%s.yaml", lake->clients, client);
    StorageFacts facts;
    TRY(storage_stat(file, &facts, err));
    if (!facts.exists) {
        error_set(err, STATUS_NOT_FOUND, "client '%s' has no mapping", client);
        error_at_file(err, file);
        const char *near = client_nearest_mapped(lake, client, arena);
        return near ? error_hint(err, "did you mean '%s'?", near)
                    : error_hint(err, "make one from a file of theirs: freightlake onboard %s --sample FILE", client);
    }
    StrView text;
    Mapping *mapping;
    TRY(storage_read_file(file, YAML_MAX_BYTES, arena, &text, err));
    TRY(mapping_parse(file, text, arena, &mapping, err));
    if (strcmp(mapping->client, client) != 0) {
        error_set(err, STATUS_CONFIG, "the mapping is of client '%s'", mapping->client);
        error_at_file(err, file);
        return error_hint(err, "its name and its 'client' must be one: rename the file or mend the line");
    }
    *ret_mapping = mapping;
    return STATUS_OK;
}
