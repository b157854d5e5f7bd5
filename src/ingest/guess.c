/* Guesses; see guess.h.
 *
 * Every column of the contract scores every column of the file: what the name says, times how well the texts fit (a date
 * column without dates is none).  Pairs are taken from the best score down, each column of the file once.  Where names say
 * nothing (no header), the texts alone give weak scores: known words of status and mode, carriers, ids, units. */
#include "ingest/guess.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define LEAST_SCORE 0.28          /* of what every shipment needs */
#define LEAST_OPTIONAL_SCORE 0.45 /* of what it may lack: a wrong value is worse than none */
#define HEADERLESS_FACTOR 0.55

/* ---- How well texts fit ---- */

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static double distinct_share(const SampleColumn *column)
{
    return column->capped ? 1 : share(column->n_values, column->n_filled);
}

static double known_words(ShipmentColumnId id, const SampleColumn *column, Arena *arena)
{
    uint64_t known = 0;
    if (column->n_values > 200)
        return 0;
    for (uint32_t i = 0; i < column->n_values; i++)
        if (id == SHIPMENT_COLUMN_CARRIER ? is_known_carrier(column->values[i].text)
                                          : word_translation(id, column->values[i].text, arena) != NULL)
            known += column->values[i].count;
    return share(known, column->n_filled);
}

static double known_currencies(const SampleColumn *column)
{
    uint64_t known = 0;
    for (uint32_t i = 0; i < column->n_values; i++)
        if (column->values[i].text.size == 3 && currency_code(column->values[i].text))
            known += column->values[i].count;
    return share(known, column->n_filled);
}

static uint64_t n_real(const ColumnProfile *profile)
{
    return profile->column->n_filled - profile->n_null_words;
}

/* Numbers or dates, and what a person writes in their place, which may be much. */
static double share_readable(const ColumnProfile *profile, bool dates, Arena *arena)
{
    NullText *nulls;
    uint32_t n;
    uint64_t rest;
    StrView example;
    uint64_t reads = dates ? profile->n_dates : profile->n_numbers;
    double plain = share(reads, n_real(profile));
    if (plain > 0.95 || plain < 0.2)
        return plain;
    profile_null_texts(profile, dates, arena, &nulls, &n, &rest, &example);
    double with_nulls = 1 - share(rest, n_real(profile));
    return with_nulls > plain ? with_nulls * 0.97 : plain;
}

/* 0..1: how well the texts fit a column of the contract, whatever it is called. */
static double fit(ShipmentColumnId id, const ColumnProfile *profile, Arena *arena)
{
    TypeId type = shipment_column(id)->type.id;
    const SampleColumn *column = profile->column;
    if (column->n_filled == 0)
        return 0.2;
    double numbers = share(profile->n_numbers, n_real(profile)), dates = share(profile->n_dates, n_real(profile));
    if (type == TYPE_DATE || type == TYPE_TIMESTAMP)
        return share_readable(profile, true, arena);
    if (type != TYPE_STRING) {
        double reads = share_readable(profile, false, arena);
        if (id == SHIPMENT_COLUMN_DELAY_DAYS && !profile->all_whole)
            reads *= 0.4;
        return dates > 0.9 ? reads * 0.2 : reads;
    }
    if (dates > 0.8 && !(numbers > 0.9))
        return 0.1;
    switch (id) {
    case SHIPMENT_COLUMN_ID:
        return 0.45 + 0.55 * distinct_share(column);
    case SHIPMENT_COLUMN_STATUS:
        return 0.3 + 0.7 * known_words(id, column, arena);
    case SHIPMENT_COLUMN_TRANSPORT_MODE:
        return 0.45 + 0.55 * known_words(id, column, arena);
    case SHIPMENT_COLUMN_CURRENCY:
        return 0.1 + 0.9 * known_currencies(column);
    default:
        return numbers > 0.8 ? 0.45 : 1;
    }
}

/* What the texts say where the name says nothing. */
static double score_by_texts(ShipmentColumnId id, const ColumnProfile *profile, Arena *arena)
{
    const SampleColumn *column = profile->column;
    double numbers = share(profile->n_numbers, n_real(profile)), dates = share(profile->n_dates, n_real(profile));
    bool text = numbers < 0.5 && dates < 0.5;
    switch (id) {
    case SHIPMENT_COLUMN_STATUS:
    case SHIPMENT_COLUMN_TRANSPORT_MODE:
    case SHIPMENT_COLUMN_CARRIER: {
        double known = known_words(id, column, arena);
        return text && known > 0.5 ? known : 0;
    }
    case SHIPMENT_COLUMN_CURRENCY:
        return known_currencies(column) > 0.95 ? 0.95 : 0;
    case SHIPMENT_COLUMN_ID: {
        bool short_texts = column->n_values > 0 && column->values[0].text.size <= 24;
        bool number_like = dates < 0.5 && (text || profile->all_whole);
        return short_texts && number_like && distinct_share(column) > 0.9 ? 0.9 * distinct_share(column) : 0;
    }
    case SHIPMENT_COLUMN_ORIGIN_WAREHOUSE:
    case SHIPMENT_COLUMN_DESTINATION_CITY:
        return text && column->n_filled > 0 && distinct_share(column) < 0.8 ? 0.62 : 0;
    case SHIPMENT_COLUMN_SHIPMENT_DATE:
    case SHIPMENT_COLUMN_DELIVERY_DATE:
        return dates > 0.8 ? 0.7 * dates : 0;
    case SHIPMENT_COLUMN_WEIGHT_KG:
    case SHIPMENT_COLUMN_VOLUME_M3:
    case SHIPMENT_COLUMN_DISTANCE_KM:
        return numbers > 0.8 && profile->suffix.size && unit_find(id, profile->suffix) ? 0.95 : 0;
    case SHIPMENT_COLUMN_COST:
        return numbers > 0.8 && profile->currency ? 0.9 : 0;
    default:
        return 0;
    }
}

/* ---- Choosing ---- */

typedef struct Pair {
    ShipmentColumnId id;
    uint32_t column;
    double score;
} Pair;

static int by_score(const void *a, const void *b)
{
    const Pair *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static bool is_headerless(const Sample *sample)
{
    return sample->input == INPUT_CSV && !sample->guess.format.header;
}

static uint32_t score_pairs(const Guesses *guesses, Pair *pairs, Arena *arena)
{
    uint32_t n = 0;
    bool headerless = is_headerless(guesses->sample);
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        if (!mapping_column_is_given(id))
            continue;
        for (uint32_t c = 0; c < guesses->sample->n_columns; c++) {
            const ColumnProfile *profile = &guesses->profiles[c];
            double score = headerless ? 0 : name_score(id, &profile->name);
            if (score > 0)
                score *= fit(id, profile, arena);
            else
                score = score_by_texts(id, profile, arena) * (headerless ? HEADERLESS_FACTOR : HEADERLESS_FACTOR * 0.7);
            if (score >= LEAST_SCORE)
                pairs[n++] = (Pair){id, c, score > 0.99 ? 0.99 : score};
        }
    }
    qsort(pairs, n, sizeof *pairs, by_score);
    return n;
}

/* Two columns of dates that only their order in time tells apart: goods leave before they arrive. */
static void order_dates(Guesses *guesses)
{
    Guess *ship = &guesses->of[SHIPMENT_COLUMN_SHIPMENT_DATE], *delivery = &guesses->of[SHIPMENT_COLUMN_DELIVERY_DATE];
    if (!is_headerless(guesses->sample) || ship->column < 0 || delivery->column < 0)
        return;
    if (guesses->profiles[ship->column].mean_day > guesses->profiles[delivery->column].mean_day) {
        int32_t column = ship->column;
        ship->column = delivery->column;
        delivery->column = column;
    }
}

static void take_pair(Guesses *guesses, const Pair *pair, bool *taken)
{
    Guess *guess = &guesses->of[pair->id];
    if (guess->column >= 0 || taken[pair->column])
        return;
    guess->column = (int32_t)pair->column;
    guess->confidence = pair->score;
    taken[pair->column] = true;
}

static bool has_date(const Guesses *guesses)
{
    return guesses->of[SHIPMENT_COLUMN_SHIPMENT_DATE].column >= 0 ||
           guesses->of[SHIPMENT_COLUMN_DELIVERY_DATE].column >= 0;
}

static void choose(Guesses *guesses, const Pair *pairs, uint32_t n, bool *taken)
{
    double least = is_headerless(guesses->sample) ? LEAST_SCORE : LEAST_OPTIONAL_SCORE;
    for (uint32_t i = 0; i < n; i++)
        if (pairs[i].score >= least || shipment_column(pairs[i].id)->need == SHIPMENT_REQUIRED)
            take_pair(guesses, &pairs[i], taken);
    for (uint32_t i = 0; i < n; i++)
        if (shipment_column(pairs[i].id)->need == SHIPMENT_REQUIRED_DATE && !has_date(guesses))
            take_pair(guesses, &pairs[i], taken);
    for (uint32_t i = 0; i < n; i++) {
        Guess *guess = &guesses->of[pairs[i].id];
        if (guess->column != (int32_t)pairs[i].column && guess->n_others < GUESS_MAX_OTHERS)
            guess->others[guess->n_others++] = (int32_t)pairs[i].column;
    }
    order_dates(guesses);
}

/* ---- What must be said of a chosen column ---- */

/* The unit that a column beside it names in every record: weight.value and weight.unit. */
static const Unit *unit_of_neighbour(const Guesses *guesses, const Guess *guess)
{
    const NameTokens *own = &guesses->profiles[guess->column].name;
    for (uint32_t c = 0; c < guesses->sample->n_columns; c++) {
        const SampleColumn *column = &guesses->sample->columns[c];
        const NameTokens *name = &guesses->profiles[c].name;
        bool of_units = false, shared = false;
        for (uint32_t i = 0; i < name->n; i++) {
            of_units = of_units || strncmp(name->words[i], "unit", 4) == 0 || strcmp(name->words[i], "uom") == 0;
            for (uint32_t k = 0; k < own->n; k++)
                shared = shared || strcmp(name->words[i], own->words[k]) == 0;
        }
        if (of_units && shared && column->n_values == 1)
            return unit_find(guess->id, column->values[0].text);
    }
    return NULL;
}

static void say_unit(const Guesses *guesses, Guess *guess, const ColumnProfile *profile)
{
    if (guess->id != SHIPMENT_COLUMN_WEIGHT_KG && guess->id != SHIPMENT_COLUMN_VOLUME_M3 &&
        guess->id != SHIPMENT_COLUMN_DISTANCE_KM)
        return;
    const Unit *unit = profile->suffix.size ? unit_find(guess->id, profile->suffix) : NULL;
    char joined[64];
    for (uint32_t i = profile->name.n; i-- > 0 && !unit;) {
        const char *word = profile->name.words[i];
        bool alone = strlen(word) > 1 || profile->name.bracketed[i] || i + 1 == profile->name.n;
        if (i > 0) {
            snprintf(joined, sizeof joined, "%.30s_%.30s", profile->name.words[i - 1], word);
            unit = unit_find(guess->id, str_view(joined));
        }
        if (!unit && alone)
            unit = unit_find(guess->id, str_view(word));
    }
    if (!unit)
        unit = unit_of_neighbour(guesses, guess);
    guess->unit_said = unit != NULL;
    guess->unit = profile->suffix.size && unit             ? unit->word
                  : unit                                   ? unit->name
                  : guess->id == SHIPMENT_COLUMN_WEIGHT_KG ? "kg"
                  : guess->id == SHIPMENT_COLUMN_VOLUME_M3 ? "m3"
                                                           : "km";
    if (!guess->unit_said && guess->confidence > 0.75)
        guess->confidence = 0.75;
}

#define RARE_SHARE 100 /* one in so many */

static void say_values(Guess *guess, const SampleColumn *column, Arena *arena)
{
    if (column->n_values > 200)
        return;
    guess->values = ARENA_ARRAY(arena, GuessValue, column->n_values + 1);
    for (uint32_t i = 0; i < column->n_values; i++) {
        const SampleValue *value = &column->values[i];
        const char *to = word_translation(guess->id, value->text, arena);
        bool same = to && strlen(to) == value->text.size && strncasecmp(to, value->text.data, value->text.size) == 0;
        if (same || is_null_word(value->text) || (!to && guess->id != SHIPMENT_COLUMN_STATUS))
            continue;
        if (!to && value->count * RARE_SHARE < column->n_filled) /* a mistake sooner than a word: let it be rejected */
            continue;
        guess->values[guess->n_values++] = (GuessValue){value->text, to, value->count};
    }
}

static void say_text_nulls(Guess *guess, const SampleColumn *column, Arena *arena)
{
    guess->nulls = ARENA_ARRAY(arena, NullText, 9);
    for (uint32_t i = 0; i < column->n_values && guess->n_nulls < 8; i++)
        if (is_null_word(column->values[i].text))
            guess->nulls[guess->n_nulls++] = (NullText){column->values[i].text, false, column->values[i].count, 1};
}

static void say_details(Guesses *guesses, Guess *guess, Arena *arena)
{
    const ColumnProfile *profile = &guesses->profiles[guess->column];
    TypeId type = shipment_column(guess->id)->type.id;
    guess->n_nulls = guess->n_values = guess->n_forms = 0;
    guess->n_unread = 0;
    guess->other_form = NULL;
    guess->unit = NULL;
    guess->decimal_mark = '.';
    guess->thousands_mark = 0;
    if (type == TYPE_DATE || type == TYPE_TIMESTAMP) {
        guess->forms = profile->forms;
        guess->n_forms = profile->n_forms;
        guess->other_form = profile->order_undecided ? profile->other_form : NULL;
        if (guess->other_form && guess->confidence > 0.55)
            guess->confidence = 0.55;
        profile_null_texts(profile, true, arena, &guess->nulls, &guess->n_nulls, &guess->n_unread,
                           &guess->unread_example);
    } else if (type != TYPE_STRING) {
        guess->decimal_mark = profile->decimal_mark;
        guess->thousands_mark = profile->thousands_mark;
        guess->marks_undecided = profile->marks_undecided;
        say_unit(guesses, guess, profile);
        profile_null_texts(profile, false, arena, &guess->nulls, &guess->n_nulls, &guess->n_unread,
                           &guess->unread_example);
    } else {
        if (guess->id == SHIPMENT_COLUMN_STATUS || guess->id == SHIPMENT_COLUMN_TRANSPORT_MODE)
            say_values(guess, profile->column, arena);
        say_text_nulls(guess, profile->column, arena);
    }
}

/* The currency of the amounts where no column says it: from their names or texts, else the lake's. */
static void say_currency(Guesses *guesses)
{
    Guess *currency = &guesses->of[SHIPMENT_COLUMN_CURRENCY];
    static const ShipmentColumnId amounts[] = {SHIPMENT_COLUMN_FUEL_SURCHARGE, SHIPMENT_COLUMN_COST};
    const char *said = NULL;
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(amounts); i++) {
        const Guess *amount = &guesses->of[amounts[i]];
        if (amount->column < 0)
            continue;
        const ColumnProfile *profile = &guesses->profiles[amount->column];
        any = true;
        said = profile->currency ? profile->currency : said;
        for (uint32_t w = 0; w < profile->name.n; w++) {
            const char *code = currency_code(str_view(profile->name.words[w]));
            said = code ? code : said;
        }
    }
    if (currency->column >= 0)
        return;
    currency->constant = !any ? NULL : said ? said : guesses->lake_currency;
    currency->confidence = said ? 0.95 : 0.5;
}

Guesses *guess_sample(const Sample *sample, const char *lake_currency, Arena *arena)
{
    Guesses *guesses = ARENA_NEW(arena, Guesses);
    guesses->sample = sample;
    guesses->lake_currency = arena_strdup(arena, lake_currency);
    guesses->profiles = profile_sample(sample, arena);
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        guesses->of[id] = (Guess){.id = id, .column = -1};
    Pair *pairs = ARENA_ARRAY(arena, Pair, (size_t)SHIPMENT_COLUMN_COUNT * sample->n_columns + 1);
    bool *taken = ARENA_ARRAY(arena, bool, sample->n_columns + 1);
    uint32_t n = score_pairs(guesses, pairs, arena);
    choose(guesses, pairs, n, taken);
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        if (guesses->of[id].column >= 0)
            say_details(guesses, &guesses->of[id], arena);
    say_currency(guesses);
    return guesses;
}

void guess_take(Guesses *guesses, ShipmentColumnId id, int32_t column, Arena *arena)
{
    Guess *guess = &guesses->of[id];
    guess->column = column;
    guess->confidence = 1;
    guess->constant = NULL;
    if (column >= 0)
        say_details(guesses, guess, arena);
    say_currency(guesses);
}

bool guess_is_low(const Guess *guess)
{
    return (guess->column >= 0 || guess->constant) && guess->confidence < GUESS_LOW;
}

const char *guess_missing(const Guesses *guesses)
{
    bool date = false;
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        const ShipmentColumn *contract = shipment_column(id);
        bool given = guesses->of[id].column >= 0;
        date |= contract->need == SHIPMENT_REQUIRED_DATE && given;
        if (mapping_column_is_given(id) && contract->need == SHIPMENT_REQUIRED && !given)
            return contract->name;
    }
    return date ? NULL : shipment_column(SHIPMENT_COLUMN_SHIPMENT_DATE)->name;
}
