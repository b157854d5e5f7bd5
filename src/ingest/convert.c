/* Converter; see convert.h.
 *
 *   fields of a block --intern--> codes --(distinct texts once: text_value)--> entries and their states
 *                                       --> derived columns (amounts, delay, status) --> checks across columns --> bad[]
 *
 * Reasons are not kept while converting: nearly all records are good.  For a bad one converter_reasons goes through its
 * fields again, slowly, and collects everything that is wrong with it, so that a person can mend it in one go. */
#include "ingest/convert.h"

#include <math.h>

#include "columnar/time_text.h"
#include "ingest/intern.h"
#include "ingest/rules.h"
#include "ingest/text_value.h"

#define STATUS_NULL SHIPMENT_STATUS_COUNT /* code of NULL among the entries of delivery_status */
#define DEFAULT_ENTRIES 256u
#define SHOWN_BYTES 60u

/* A mapped column. */
typedef struct SourceColumn {
    ShipmentColumnId id;
    int32_t field; /* of the record block; -1: the mapping's constant */
    bool direct;   /* too many distinct texts: values, row by row */
    Interner interner;
    /* by code: */
    uint8_t *states;
    bool any_bad;   /* among the states */
    StrView *words; /* status: the client's word */
    Vector entries;
    Vector word_entries;
    uint32_t capacity;
    /* of the block: */
    uint16_t codes[RECORD_BLOCK_ROWS];
    uint8_t *values; /* direct */
    uint8_t *valid;
    StrView *direct_words; /* status */
} SourceColumn;

struct Converter {
    const Lake *lake;
    const Mapping *mapping;
    Arena arena;
    SourceColumn *sources;
    uint32_t n_sources;
    SourceColumn *of[SHIPMENT_COLUMN_COUNT]; /* NULL: not mapped */
    RuleSet *rules;
    RuleBreak *breaks; /* of the block */
    uint32_t n_breaks;
    Arena block_arena;
    bool converts; /* some amounts may be in another currency than the lake's */
    Vector status_entries;
    /* derived columns of the block: */
    int32_t ship[RECORD_BLOCK_ROWS], delivery[RECORD_BLOCK_ROWS], promised[RECORD_BLOCK_ROWS];
    int32_t delay[RECORD_BLOCK_ROWS], variance[RECORD_BLOCK_ROWS];
    uint8_t delay_valid[RECORD_BLOCK_ROWS], variance_valid[RECORD_BLOCK_ROWS];
    uint16_t status[RECORD_BLOCK_ROWS];
    int64_t amounts[2][RECORD_BLOCK_ROWS];
    uint8_t amount_valid[2][RECORD_BLOCK_ROWS];
    double rates[RECORD_BLOCK_ROWS];
    uint8_t rate_valid[RECORD_BLOCK_ROWS];
    ReasonCode money_reason[RECORD_BLOCK_ROWS]; /* REASON_COUNT: none */
    uint8_t overflow[2][RECORD_BLOCK_ROWS];     /* the amount is too large in the lake's currency */
    uint8_t bad[RECORD_BLOCK_ROWS];
    ConvertedBlock block;
};

#define NO_DATE INT32_MIN /* where a date is NULL; no date form gives it */

static const ShipmentColumnId AMOUNTS[2] = {SHIPMENT_COLUMN_COST, SHIPMENT_COLUMN_FUEL_SURCHARGE};
static const ShipmentColumnId SOURCE_AMOUNTS[2] = {SHIPMENT_COLUMN_SOURCE_COST, SHIPMENT_COLUMN_SOURCE_SURCHARGE};

/* ---- Making one ---- */

static bool is_mapped(const MappingColumn *column)
{
    return column->source || column->constant;
}

uint32_t converter_sources(const Mapping *mapping, const char **ret_names)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        if (mapping_column_is_given(id) && mapping->columns[id].source)
            ret_names[n++] = mapping->columns[id].source;
    return n;
}

static void source_init(SourceColumn *source, ShipmentColumnId id, int32_t field)
{
    DataType type = shipment_column(id)->type;
    source->id = id;
    source->field = field;
    source->capacity = DEFAULT_ENTRIES;
    source->states = mem_alloc(DEFAULT_ENTRIES);
    source->words = mem_alloc(sizeof(StrView) * DEFAULT_ENTRIES);
    source->entries = (Vector){.type = type, .kind = VECTOR_FLAT};
    source->entries.data = mem_zalloc(type_width(type) * DEFAULT_ENTRIES);
    source->entries.valid = mem_alloc(DEFAULT_ENTRIES);
    source->word_entries = (Vector){.type = DATA_TYPE(STRING), .kind = VECTOR_FLAT};
    source->word_entries.valid = mem_alloc(DEFAULT_ENTRIES);
    intern_init(&source->interner);
}

static void source_done(SourceColumn *source)
{
    mem_free(source->states);
    mem_free(source->words);
    mem_free(source->entries.data);
    mem_free(source->entries.valid);
    mem_free(source->word_entries.valid);
    mem_free(source->values);
    mem_free(source->valid);
    mem_free(source->direct_words);
    intern_done(&source->interner);
}

static Status check_currency(const Converter *converter, Error *err)
{
    const Mapping *mapping = converter->mapping;
    if (!converter->of[SHIPMENT_COLUMN_COST] && !converter->of[SHIPMENT_COLUMN_FUEL_SURCHARGE])
        return STATUS_OK;
    if (converter->of[SHIPMENT_COLUMN_CURRENCY])
        return STATUS_OK;
    error_set(err, STATUS_CONFIG, "the mapping of client '%s' has amounts but does not say in which currency",
              mapping->client);
    if (mapping->file)
        error_at_file(err, mapping->file);
    return error_hint(err, "add 'currency: {constant: %s}' or the column that names it to 'columns'",
                      converter->lake->currency);
}

static Vector status_vector(Arena *arena)
{
    Vector entries = vector_new(arena, DATA_TYPE(STRING), SHIPMENT_STATUS_COUNT + 1, true);
    for (uint32_t status = 0; status < SHIPMENT_STATUS_COUNT; status++)
        ((StrView *)entries.data)[status] = str_view(shipment_status_name(status));
    ((StrView *)entries.data)[STATUS_NULL] = (StrView){"", 0};
    entries.valid[STATUS_NULL] = 0;
    return entries;
}

Status converter_new(const Lake *lake, const Mapping *mapping, Converter **ret_converter, Error *err)
{
    Converter *converter = mem_zalloc(sizeof *converter);
    converter->lake = lake;
    converter->mapping = mapping;
    arena_init(&converter->arena);
    arena_init(&converter->block_arena);
    converter->sources = mem_zalloc(sizeof(SourceColumn) * SHIPMENT_COLUMN_COUNT);
    converter->status_entries = status_vector(&converter->arena);
    int32_t field = 0;
    for (uint32_t id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        if (!mapping_column_is_given(id) || !is_mapped(&mapping->columns[id]))
            continue;
        SourceColumn *source = &converter->sources[converter->n_sources++];
        source_init(source, id, mapping->columns[id].source ? field++ : -1);
        converter->of[id] = source;
    }
    const MappingColumn *currency = &mapping->columns[SHIPMENT_COLUMN_CURRENCY];
    converter->converts = currency->source || !currency->constant || strcmp(currency->constant, lake->currency) != 0;
    Status status = check_currency(converter, err);
    if (status == STATUS_OK && mapping->n_rules > 0)
        status = rules_new(mapping, &converter->arena, &converter->rules, err);
    if (status != STATUS_OK) {
        converter_free(converter);
        return status;
    }
    *ret_converter = converter;
    return STATUS_OK;
}

void converter_free(Converter *converter)
{
    if (!converter)
        return;
    for (uint32_t i = 0; i < converter->n_sources; i++)
        source_done(&converter->sources[i]);
    mem_free(converter->sources);
    arena_done(&converter->arena);
    arena_done(&converter->block_arena);
    mem_free(converter);
}

/* ---- Texts to codes or values ---- */

static void source_grow(SourceColumn *source, uint32_t n)
{
    if (n <= source->capacity)
        return;
    while (source->capacity < n)
        source->capacity *= 2;
    size_t width = type_width(source->entries.type);
    source->states = mem_realloc(source->states, source->capacity);
    source->words = mem_realloc(source->words, sizeof(StrView) * source->capacity);
    source->entries.data = mem_realloc(source->entries.data, width * source->capacity);
    source->entries.valid = mem_realloc(source->entries.valid, source->capacity);
    source->word_entries.valid = mem_realloc(source->word_entries.valid, source->capacity);
}

/* Puts a value in the type's physical form at `to`. */
static void store_value(const TextValue *value, void *to, size_t width)
{
    if (value->state == VALUE_OK)
        memcpy(to, value->value.raw, width);
    else
        memset(to, 0, width);
}

static void convert_entries(Converter *converter, SourceColumn *source)
{
    uint32_t first = source->entries.n, n = source->interner.n;
    size_t width = type_width(source->entries.type);
    source_grow(source, n);
    for (uint32_t i = first; i < n; i++) {
        TextValue value;
        text_value(converter->mapping, source->id, source->interner.texts[i], &value);
        store_value(&value, (uint8_t *)source->entries.data + i * width, width);
        source->states[i] = (uint8_t)value.state;
        source->any_bad |= value.state == VALUE_BAD;
        source->words[i] = value.word;
        source->entries.valid[i] = value.state == VALUE_OK;
        source->word_entries.valid[i] = value.word.size > 0;
    }
    source->entries.n = n;
    source->word_entries.data = source->words;
    source->word_entries.n = n;
}

/* A text that text_value gives as it is, seen at a glance: short, ASCII, no blank or control character.  False says
 * nothing. */
static inline bool is_plain(StrView text)
{
    if (text.size == 0 || text.size > 16)
        return false;
    __m128i bytes = text_load16(text);
    __m128i good =
        _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)), _mm_cmpgt_epi8(bytes, _mm_set1_epi8(' ')));
    uint32_t wanted = (1u << text.size) - 1;
    return ((uint32_t)_mm_movemask_epi8(good) & wanted) == wanted;
}

/* Whether the mapping takes plain texts of the column as they are. */
static bool takes_plain(const Mapping *mapping, ShipmentColumnId id)
{
    const MappingColumn *column = &mapping->columns[id];
    return shipment_column(id)->type.id == TYPE_STRING && id != SHIPMENT_COLUMN_STATUS &&
           id != SHIPMENT_COLUMN_CURRENCY && column->n_nulls == 0 && column->n_null_patterns == 0 &&
           column->n_values == 0 && !column->others_rejected;
}

static void convert_directly(Converter *converter, SourceColumn *source, const StrView *texts, uint32_t n)
{
    size_t width = type_width(source->entries.type);
    bool plain = takes_plain(converter->mapping, source->id);
    if (!source->values) {
        source->values = mem_alloc(width * RECORD_BLOCK_ROWS);
        source->valid = mem_alloc(RECORD_BLOCK_ROWS);
        source->direct_words = mem_alloc(sizeof(StrView) * RECORD_BLOCK_ROWS);
    }
    for (uint32_t r = 0; r < n; r++) {
        TextValue value;
        if (plain && is_plain(texts[r])) {
            ((StrView *)(void *)source->values)[r] = texts[r];
            source->valid[r] = 1;
            continue;
        }
        text_value(converter->mapping, source->id, texts[r], &value);
        store_value(&value, source->values + r * width, width);
        source->valid[r] = value.state == VALUE_OK;
        source->direct_words[r] = value.word;
        converter->bad[r] |= value.state == VALUE_BAD;
    }
}

static void convert_source(Converter *converter, SourceColumn *source, const RecordBlock *block)
{
    static const StrView nothing = {NULL, 0};
    uint32_t n = block->n;
    if (source->field < 0) {
        uint16_t code;
        CHECK(intern_find(&source->interner, &nothing, 1, &code));
        memset(source->codes, 0, sizeof(uint16_t) * n);
    } else {
        const StrView *texts = &block->fields[(size_t)source->field * RECORD_BLOCK_ROWS];
        source->direct = source->direct || !intern_find(&source->interner, texts, n, source->codes);
        if (source->direct) {
            convert_directly(converter, source, texts, n);
            return;
        }
    }
    if (source->interner.n > source->entries.n)
        convert_entries(converter, source);
    for (uint32_t r = 0; r < n && source->any_bad; r++)
        converter->bad[r] |= source->states[source->codes[r]] == VALUE_BAD;
}

/* ---- One row of a converted column ---- */

static bool row_valid(const SourceColumn *source, uint32_t row)
{
    if (!source)
        return false;
    return source->direct ? source->valid[row] : source->entries.valid[source->codes[row]];
}

static const void *row_data(const SourceColumn *source, uint32_t row)
{
    size_t width = type_width(source->entries.type);
    return source->direct ? source->values + row * width
                          : (const uint8_t *)source->entries.data + source->codes[row] * width;
}

static StrView row_text(const SourceColumn *source, const RecordBlock *block, uint32_t row)
{
    if (source->field < 0)
        return (StrView){NULL, 0};
    return block->fields[(size_t)source->field * RECORD_BLOCK_ROWS + row];
}

/* ---- Derived columns ---- */

static void take_dates(const SourceColumn *source, int32_t *dates, uint32_t n)
{
    if (!source) {
        for (uint32_t r = 0; r < n; r++)
            dates[r] = NO_DATE;
        return;
    }
    if (source->direct) {
        for (uint32_t r = 0; r < n; r++)
            dates[r] = source->valid[r] ? ((const int32_t *)(const void *)source->values)[r] : NO_DATE;
        return;
    }
    const int32_t *entries = source->entries.data;
    for (uint32_t r = 0; r < n; r++)
        dates[r] = source->entries.valid[source->codes[r]] ? entries[source->codes[r]] : NO_DATE;
}

static void derive_delay(Converter *c, uint32_t n)
{
    const SourceColumn *given = c->of[SHIPMENT_COLUMN_DELAY_DAYS];
    for (uint32_t r = 0; r < n; r++) {
        bool known = c->delivery[r] != NO_DATE && c->promised[r] != NO_DATE;
        c->variance[r] = known ? (int32_t)((uint32_t)c->delivery[r] - (uint32_t)c->promised[r]) : 0;
        c->variance_valid[r] = known;
        c->delay[r] = known && c->variance[r] > 0 ? c->variance[r] : 0;
        c->delay_valid[r] = known;
        if (row_valid(given, r)) {
            memcpy(&c->delay[r], row_data(given, r), sizeof(int32_t));
            c->delay_valid[r] = 1;
        }
    }
}

/* What the client says, as a code of the status entries. */
static uint16_t given_status(const SourceColumn *given, uint32_t row)
{
    if (!row_valid(given, row))
        return STATUS_NULL;
    StrView word;
    memcpy(&word, row_data(given, row), sizeof word);
    uint16_t status = 0;
    while (status < SHIPMENT_STATUS_COUNT && !str_equal(str_view(shipment_status_name(status)), word))
        status++;
    return status;
}

/* Cancelled, returned and lost are the client's to say.  Otherwise the dates decide where they can: what has arrived is
 * Delivered or Delayed by its delay, what has a shipment date and nothing else is under way. */
static uint16_t derive_status(uint16_t given, const Converter *c, uint32_t row)
{
    if (given == SHIPMENT_CANCELLED || given == SHIPMENT_RETURNED || given == SHIPMENT_LOST)
        return given;
    if (c->delivery[row] != NO_DATE && c->delay_valid[row])
        return c->delay[row] > 0 ? SHIPMENT_DELAYED : SHIPMENT_DELIVERED;
    if (c->delivery[row] != NO_DATE)
        return given == SHIPMENT_IN_TRANSIT ? STATUS_NULL : given;
    return given == STATUS_NULL && c->ship[row] != NO_DATE ? SHIPMENT_IN_TRANSIT : given;
}

static void derive_statuses(Converter *c, uint32_t n)
{
    const SourceColumn *given = c->of[SHIPMENT_COLUMN_STATUS];
    uint16_t of_code[DEFAULT_ENTRIES];
    bool few = given && !given->direct && given->entries.n <= DEFAULT_ENTRIES;
    if (few) {
        const StrView *entries = given->entries.data;
        for (uint32_t i = 0; i < given->entries.n; i++) {
            of_code[i] = STATUS_NULL;
            for (uint16_t s = 0; s < SHIPMENT_STATUS_COUNT && given->entries.valid[i]; s++)
                if (str_equal(str_view(shipment_status_name(s)), entries[i]))
                    of_code[i] = s;
        }
    }
    for (uint32_t r = 0; r < n; r++)
        c->status[r] = derive_status(few ? of_code[given->codes[r]] : given_status(given, r), c, r);
}

/* Amounts that cannot be converted are no amounts: rules must not take them for the lake's currency. */
static void refuse_amounts(Converter *c, uint32_t row, ReasonCode reason)
{
    c->money_reason[row] = reason;
    c->amount_valid[0][row] = c->amount_valid[1][row] = 0;
}

/* Amounts in the lake's currency at the rate of the shipment's day. */
static void convert_row_amounts(Converter *c, uint32_t row)
{
    const SourceColumn *currency_source = c->of[SHIPMENT_COLUMN_CURRENCY];
    bool any = false;
    for (int a = 0; a < 2; a++) {
        c->amount_valid[a][row] = row_valid(c->of[AMOUNTS[a]], row);
        any |= c->amount_valid[a][row];
        c->amounts[a][row] = 0;
        if (c->amount_valid[a][row])
            memcpy(&c->amounts[a][row], row_data(c->of[AMOUNTS[a]], row), sizeof(int64_t));
    }
    c->rate_valid[row] = 0;
    c->rates[row] = 0;
    c->money_reason[row] = REASON_COUNT;
    c->overflow[0][row] = c->overflow[1][row] = 0;
    if (!any)
        return;
    if (!row_valid(currency_source, row)) {
        refuse_amounts(c, row, REASON_NO_CURRENCY);
        return;
    }
    StrView currency;
    char name[4] = "";
    memcpy(&currency, row_data(currency_source, row), sizeof currency);
    memcpy(name, currency.data, currency.size < 3 ? currency.size : 3);
    if (strcmp(name, c->lake->currency) == 0)
        return;
    int32_t day = c->ship[row] != NO_DATE ? c->ship[row] : c->delivery[row];
    if (day == NO_DATE || !lake_rate(c->lake, name, day, &c->rates[row])) {
        refuse_amounts(c, row, day == NO_DATE ? REASON_COUNT : REASON_NO_EXCHANGE_RATE); /* no day is a reason itself */
        return;
    }
    c->rate_valid[row] = 1;
    for (int a = 0; a < 2; a++) {
        long double amount = (long double)c->amounts[a][row] * (long double)c->rates[row];
        c->overflow[a][row] = fabsl(amount) >= 1e18L;
        c->amount_valid[a][row] &= !c->overflow[a][row];
        c->amounts[a][row] = c->overflow[a][row] ? 0 : llroundl(amount);
    }
}

static void convert_amounts(Converter *c, uint32_t n)
{
    for (uint32_t r = 0; r < n; r++) {
        convert_row_amounts(c, r);
        c->bad[r] |= c->money_reason[r] != REASON_COUNT || c->overflow[0][r] || c->overflow[1][r];
    }
}

/* ---- Checks across columns ---- */

static bool lacks_dates(const Converter *c, uint32_t row)
{
    return c->ship[row] == NO_DATE && c->delivery[row] == NO_DATE;
}

static bool arrives_early(const Converter *c, uint32_t row)
{
    return c->ship[row] != NO_DATE && c->delivery[row] != NO_DATE && c->delivery[row] < c->ship[row];
}

static void check_rows(Converter *c, uint32_t n)
{
    for (uint32_t r = 0; r < n; r++)
        c->bad[r] |= lacks_dates(c, r) || arrives_early(c, r);
    for (uint32_t id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        if (shipment_column(id)->need == SHIPMENT_REQUIRED && mapping_column_is_given(id) && !c->of[id])
            memset(c->bad, 1, n);
}

/* ---- The block ---- */

static void give_source(const SourceColumn *source, ConvertedColumn *column)
{
    if (!source)
        *column = (ConvertedColumn){.form = COLUMN_ABSENT};
    else if (source->direct)
        *column = (ConvertedColumn){.form = COLUMN_VALUES, .values = source->values, .valid = source->valid};
    else
        *column = (ConvertedColumn){.form = COLUMN_CODES, .codes = source->codes, .entries = &source->entries};
}

static void give_words(const SourceColumn *source, ConvertedColumn *column)
{
    give_source(source, column);
    if (column->form == COLUMN_CODES)
        column->entries = &source->word_entries;
    else if (column->form == COLUMN_VALUES)
        column->values = source->direct_words;
}

static void give_amounts(Converter *c, ConvertedColumn *columns)
{
    columns[SHIPMENT_COLUMN_CURRENCY] = (ConvertedColumn){.form = COLUMN_ABSENT};
    if (!c->of[SHIPMENT_COLUMN_CURRENCY])
        return;
    give_source(c->of[SHIPMENT_COLUMN_CURRENCY], &columns[SHIPMENT_COLUMN_SOURCE_CURRENCY]);
    columns[SHIPMENT_COLUMN_CURRENCY] = (ConvertedColumn){
        .form = COLUMN_CONSTANT,
        .constant = {.type = DATA_TYPE(STRING), .valid = true, .string = str_view(c->lake->currency)}};
    if (!c->converts)
        return;
    for (int a = 0; a < 2; a++) {
        if (!c->of[AMOUNTS[a]])
            continue;
        give_source(c->of[AMOUNTS[a]], &columns[SOURCE_AMOUNTS[a]]);
        columns[AMOUNTS[a]] =
            (ConvertedColumn){.form = COLUMN_VALUES, .values = c->amounts[a], .valid = c->amount_valid[a]};
    }
    columns[SHIPMENT_COLUMN_EXCHANGE_RATE] =
        (ConvertedColumn){.form = COLUMN_VALUES, .values = c->rates, .valid = c->rate_valid};
}

static void give_columns(Converter *c, const RecordBlock *records)
{
    ConvertedColumn *columns = c->block.columns;
    for (uint32_t id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        give_source(c->of[id], &columns[id]);
    give_amounts(c, columns);
    give_words(c->of[SHIPMENT_COLUMN_STATUS], &columns[SHIPMENT_COLUMN_SOURCE_STATUS]);
    columns[SHIPMENT_COLUMN_SOURCE_ROW] = (ConvertedColumn){.form = COLUMN_VALUES, .values = records->lines};
    columns[SHIPMENT_COLUMN_STATUS] =
        (ConvertedColumn){.form = COLUMN_CODES, .codes = c->status, .entries = &c->status_entries};
    if (!c->of[SHIPMENT_COLUMN_PROMISED_DATE]) /* the client's word is all there is */
        return;
    columns[SHIPMENT_COLUMN_DELAY_DAYS] =
        (ConvertedColumn){.form = COLUMN_VALUES, .values = c->delay, .valid = c->delay_valid};
    columns[SHIPMENT_COLUMN_VARIANCE_DAYS] =
        (ConvertedColumn){.form = COLUMN_VALUES, .values = c->variance, .valid = c->variance_valid};
}

/* A column as a Vector, for the rules. */
static Vector column_vector(const ConvertedColumn *column, DataType type, uint32_t n, Arena *arena)
{
    Value null = {.type = type};
    switch (column->form) {
    case COLUMN_CODES:
        return (Vector){.type = type,
                        .kind = VECTOR_DICT,
                        .code_width = 2,
                        .n = n,
                        .data = (void *)(uintptr_t)column->codes,
                        .dict = column->entries};
    case COLUMN_VALUES:
        return (Vector){.type = type, .kind = VECTOR_FLAT, .n = n, .data = column->values, .valid = column->valid};
    case COLUMN_CONSTANT:
        return vector_const(arena, &column->constant, n);
    default:
        return vector_const(arena, &null, n);
    }
}

static void check_client_rules(Converter *c, uint32_t n)
{
    Vector vectors[SHIPMENT_COLUMN_COUNT];
    for (uint32_t id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        vectors[id] = column_vector(&c->block.columns[id], shipment_column(id)->type, n, &c->block_arena);
    Batch batch = {.n_rows = n, .n_columns = SHIPMENT_COLUMN_COUNT, .columns = vectors};
    rules_check(c->rules, &batch, &c->block_arena, &c->breaks, &c->n_breaks);
    for (uint32_t i = 0; i < c->n_breaks; i++)
        c->bad[c->breaks[i].row] = 1;
}

/* Records with a flaw have no fields to look at. */
static void take_flaws(Converter *c, RecordBlock *block)
{
    for (uint32_t r = 0; r < block->n; r++) {
        c->bad[r] = block->flaws[r] != RECORD_FLAW_NONE;
        if (c->bad[r])
            for (uint32_t f = 0; f < block->n_columns; f++)
                block->fields[(size_t)f * RECORD_BLOCK_ROWS + r] = (StrView){NULL, 0};
    }
}

const ConvertedBlock *converter_run(Converter *c, RecordBlock *block)
{
    uint32_t n = block->n;
    arena_reset(&c->block_arena);
    c->n_breaks = 0;
    take_flaws(c, block);
    for (uint32_t i = 0; i < c->n_sources; i++)
        convert_source(c, &c->sources[i], block);
    take_dates(c->of[SHIPMENT_COLUMN_SHIPMENT_DATE], c->ship, n);
    take_dates(c->of[SHIPMENT_COLUMN_DELIVERY_DATE], c->delivery, n);
    take_dates(c->of[SHIPMENT_COLUMN_PROMISED_DATE], c->promised, n);
    derive_delay(c, n);
    derive_statuses(c, n);
    if (c->converts)
        convert_amounts(c, n);
    check_rows(c, n);
    give_columns(c, block);
    if (c->rules)
        check_client_rules(c, n);
    c->block.n = n;
    c->block.bad = c->bad;
    c->block.n_bad = 0;
    for (uint32_t r = 0; r < n; r++)
        c->block.n_bad += c->bad[r];
    return &c->block;
}

/* ---- Reasons ---- */

typedef struct ReasonList {
    RecordReason *reasons;
    uint32_t n, capacity;
    Arena *arena;
} ReasonList;

static void add_reason(ReasonList *list, const char *code, const char *column, StrView value, const char *message)
{
    if (list->n == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
        RecordReason *more = ARENA_ARRAY(list->arena, RecordReason, capacity);
        if (list->n)
            memcpy(more, list->reasons, sizeof *more * list->n);
        list->reasons = more;
        list->capacity = capacity;
    }
    list->reasons[list->n++] = (RecordReason){code, column, value, message};
}

/* A text as it may stand in a message: the first bytes, control characters as \xNN. */
static const char *shown_text(Arena *arena, StrView text)
{
    Buffer shown;
    buffer_init(&shown, 0);
    for (uint32_t i = 0; i < text.size && i < SHOWN_BYTES; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f)
            buffer_printf(&shown, "\\x%02x", c);
        else
            buffer_append_byte(&shown, c);
    }
    if (text.size > SHOWN_BYTES)
        buffer_append_text(&shown, "...");
    const char *copy = arena_strdup(arena, buffer_text(&shown));
    buffer_done(&shown);
    return copy;
}

static const char *column_message(Arena *arena, const Converter *c, ShipmentColumnId id, ReasonCode reason,
                                  StrView text)
{
    const MappingColumn *column = &c->mapping->columns[id];
    const char *name = shipment_column(id)->name;
    const char *from = column->source ? arena_printf(arena, " (column \"%s\")", column->source) : "";
    const char *shown = shown_text(arena, text);
    switch (reason) {
    case REASON_MISSING:
        return arena_printf(arena, "%s%s has no value", name, from);
    case REASON_NOT_A_DATE:
        return arena_printf(arena, "%s%s: \"%s\" is no date like %s", name, from, shown,
                            column->n_forms ? date_form_pattern(column->forms[0]) : "yyyy-MM-dd");
    case REASON_TOO_LONG:
        return arena_printf(arena, "%s%s has %u bytes", name, from, text.size);
    default:
        return arena_printf(arena, "%s%s: \"%s\": %s", name, from, shown, reason_meaning(reason));
    }
}

static void column_reasons(const Converter *c, const RecordBlock *block, uint32_t row, ReasonList *list)
{
    for (uint32_t id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        const SourceColumn *source = c->of[id];
        if (!source) {
            if (mapping_column_is_given(id) && shipment_column(id)->need == SHIPMENT_REQUIRED)
                add_reason(
                    list, reason_code(REASON_MISSING), shipment_column(id)->name, (StrView){NULL, 0},
                    arena_printf(list->arena, "%s: the mapping names no column for it", shipment_column(id)->name));
            continue;
        }
        TextValue value;
        StrView text = row_text(source, block, row);
        text_value(c->mapping, id, text, &value);
        if (value.state == VALUE_BAD)
            add_reason(list, reason_code(value.reason), shipment_column(id)->name, text,
                       column_message(list->arena, c, id, value.reason, text));
    }
}

/* Names the currency and the line of the settings that mends it; the rate itself is theirs to fill in. */
static const char *no_rate_message(const Converter *c, uint32_t row, Arena *arena)
{
    StrView currency;
    char day[TIME_TEXT_SIZE];
    memcpy(&currency, row_data(c->of[SHIPMENT_COLUMN_CURRENCY], row), sizeof currency);
    date_format(day, c->ship[row] != NO_DATE ? c->ship[row] : c->delivery[row]);
    int n = (int)currency.size;
    return arena_printf(arena,
                        "no rate of %.*s for %s: add \"- {currency: %.*s, date: %s, rate: ...}\" to exchange_rates in"
                        " freightlake.yaml (rate: what 1 %.*s costs in %s)",
                        n, currency.data, day, n, currency.data, day, n, currency.data, c->lake->currency);
}

static void money_reasons(const Converter *c, const RecordBlock *block, uint32_t row, ReasonList *list)
{
    for (int a = 0; a < 2; a++)
        if (c->overflow[a][row])
            add_reason(list, reason_code(REASON_OUT_OF_RANGE), shipment_column(AMOUNTS[a])->name,
                       row_text(c->of[AMOUNTS[a]], block, row),
                       arena_printf(list->arena, "%s is too large in %s", shipment_column(AMOUNTS[a])->name,
                                    c->lake->currency));
    ReasonCode reason = c->money_reason[row];
    if (reason == REASON_COUNT)
        return;
    for (uint32_t i = 0; i < list->n; i++)
        if (strcmp(list->reasons[i].code, reason_code(reason)) == 0)
            return;
    const SourceColumn *currency = c->of[SHIPMENT_COLUMN_CURRENCY];
    add_reason(list, reason_code(reason), "currency", currency ? row_text(currency, block, row) : (StrView){NULL, 0},
               reason == REASON_NO_EXCHANGE_RATE ? no_rate_message(c, row, list->arena) : reason_meaning(reason));
}

static void row_reasons(const Converter *c, const RecordBlock *block, uint32_t row, ReasonList *list)
{
    const SourceColumn *dates[2] = {c->of[SHIPMENT_COLUMN_SHIPMENT_DATE], c->of[SHIPMENT_COLUMN_DELIVERY_DATE]};
    if (arrives_early(c, row)) {
        char ship[TIME_TEXT_SIZE], delivery[TIME_TEXT_SIZE];
        date_format(ship, c->ship[row]);
        date_format(delivery, c->delivery[row]);
        add_reason(list, reason_code(REASON_DELIVERED_BEFORE_SHIPPED), "delivery_date", row_text(dates[1], block, row),
                   arena_printf(list->arena, "delivery_date %s lies before shipment_date %s", delivery, ship));
    }
    bool said = false; /* why a date is missing was said of its column */
    for (uint32_t i = 0; i < list->n; i++)
        said |= strcmp(list->reasons[i].code, reason_code(REASON_NOT_A_DATE)) == 0 &&
                (strcmp(list->reasons[i].column, "shipment_date") == 0 ||
                 strcmp(list->reasons[i].column, "delivery_date") == 0);
    if (lacks_dates(c, row) && !said)
        add_reason(list, reason_code(REASON_NO_DATE), "", (StrView){NULL, 0}, reason_meaning(REASON_NO_DATE));
    if (c->converts)
        money_reasons(c, block, row, list);
    for (uint32_t i = 0; i < c->n_breaks; i++) {
        const RuleBreak *broken = &c->breaks[i];
        if (broken->row != row)
            continue;
        ShipmentColumnId id = broken->rule->column;
        bool of_column = !broken->rule->expression;
        add_reason(list, broken->rule->code, of_column ? shipment_column(id)->name : "",
                   of_column && c->of[id] ? row_text(c->of[id], block, row) : (StrView){NULL, 0}, broken->message);
    }
}

void converter_reasons(Converter *c, const RecordBlock *block, uint32_t row, Arena *arena, RecordReason **ret_reasons,
                       uint32_t *ret_n)
{
    ReasonList list = {.arena = arena};
    if (block->flaws[row] != RECORD_FLAW_NONE) {
        add_reason(&list, record_flaw_code(block->flaws[row]), "", (StrView){NULL, 0},
                   record_flaw_meaning(block->flaws[row]));
    } else {
        column_reasons(c, block, row, &list);
        row_reasons(c, block, row, &list);
    }
    CHECK(list.n > 0);
    *ret_reasons = list.reasons;
    *ret_n = list.n;
}
