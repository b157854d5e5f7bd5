/* Guesses; see guess.h.
 *
 * Every column of the contract scores every column of the file: what the name says, times how well the texts fit (a date
 * column without dates is none).  Pairs are taken from the best score down, each column of the file once.  Where names say
 * nothing (no header), the texts alone give weak scores: known words of status and mode, carriers, ids, units. */
#include "ingest/guess.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "columnar/time_text.h"

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

/* ---- Doubts ---- */

#define DOUBTFUL 0.55 /* the most that a guess with a doubt is sure */

/* What nothing in the sample decides: a person must. */
static void doubt(Guess *guess, const char *about, const char *text)
{
    if (guess->n_doubts < GUESS_MAX_DOUBTS)
        guess->doubts[guess->n_doubts++] = (GuessDoubt){about, text};
    if (guess->confidence > DOUBTFUL)
        guess->confidence = DOUBTFUL;
}

#define TIE 0.05

static StrView first_text(const SampleColumn *column)
{
    return column->n_values ? column->values[0].text : str_view("nothing");
}

static const char *tie_text(const Guesses *guesses, const Guess *guess, uint32_t other, Arena *arena)
{
    const SampleColumn *own = &guesses->sample->columns[guess->column], *tied = &guesses->sample->columns[other];
    StrView here = first_text(own), there = first_text(tied);
    return arena_printf(arena, "the column %.60s fits as well: it says %.*s where this one says %.*s", tied->name,
                        (int)there.size, there.data, (int)here.size, here.data);
}

/* Another column, read by nothing, that fits as well. */
static void doubt_ties(Guesses *guesses, const Pair *pairs, uint32_t n, const bool *taken, Arena *arena)
{
    double scores[SHIPMENT_COLUMN_COUNT] = {0};
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        scores[id] = guesses->of[id].confidence;
    for (uint32_t i = 0; i < n; i++) {
        Guess *guess = &guesses->of[pairs[i].id];
        if (guess->column >= 0 && !taken[pairs[i].column] && pairs[i].score >= scores[pairs[i].id] - TIE &&
            guess->n_doubts == 0)
            doubt(guess, "column", tie_text(guesses, guess, pairs[i].column, arena));
    }
}

/* ---- What must be said of a chosen column ---- */

static bool is_of_units(const NameTokens *name)
{
    for (uint32_t i = 0; i < name->n; i++)
        if (strncmp(name->words[i], "unit", 4) == 0 || strcmp(name->words[i], "uom") == 0 ||
            strcmp(name->words[i], "einheit") == 0)
            return true;
    return false;
}

static uint32_t shared_words(const NameTokens *a, const NameTokens *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->n; i++)
        for (uint32_t k = 0; k < b->n; k++)
            n += strcmp(a->words[i], b->words[k]) == 0;
    return n;
}

/* The column beside it that names units of its kind, as weight.unit beside weight.value: the one that shares most words
 * with it, of these the nearest; -1: none. */
static int32_t find_unit_column(const Guesses *guesses, const Guess *guess)
{
    int32_t best = -1;
    uint32_t best_shared = 0, best_distance = 0;
    for (uint32_t c = 0; c < guesses->sample->n_columns; c++) {
        const SampleColumn *column = &guesses->sample->columns[c];
        uint32_t shared = shared_words(&guesses->profiles[c].name, &guesses->profiles[guess->column].name);
        uint32_t distance = (uint32_t)abs((int32_t)c - guess->column);
        if (!is_of_units(&guesses->profiles[c].name) || column->n_values == 0 ||
            !unit_find(guess->id, column->values[0].text) || (shared == 0 && distance > 1))
            continue;
        if (best < 0 || shared > best_shared || (shared == best_shared && distance < best_distance)) {
            best = (int32_t)c;
            best_shared = shared;
            best_distance = distance;
        }
    }
    return best;
}

/* Names every record's unit, or raises a doubt and names that of most. */
static const Unit *unit_of_neighbour(const Guesses *guesses, Guess *guess, Arena *arena)
{
    int32_t at = find_unit_column(guesses, guess);
    if (at < 0)
        return NULL;
    const SampleColumn *column = &guesses->sample->columns[at];
    const SampleValue *most = &column->values[0];
    for (uint32_t i = 1; i < column->n_values; i++)
        if (column->values[i].count > most->count && unit_find(guess->id, column->values[i].text))
            most = &column->values[i];
    if (column->n_values > 1)
        doubt(guess, "unit",
              arena_printf(arena, "the column %.60s names several units, and a mapping has one: %.*s is of most",
                           column->name, (int)most->text.size, most->text.data));
    return unit_find(guess->id, most->text);
}

/* A word that two units share; NULL: no word of the name is one. */
static const Unit *unit_of_ambiguous_word(Guess *guess, const NameTokens *name)
{
    for (uint32_t i = 0; i < name->n && guess->id == SHIPMENT_COLUMN_WEIGHT_KG; i++)
        if (strcmp(name->words[i], "ton") == 0 || strcmp(name->words[i], "tons") == 0) {
            doubt(guess, "unit", "a ton is 1000 kg (unit=t), or 907.185 kg in America (unit=short_ton)");
            return unit_find(guess->id, str_view("t"));
        }
    return NULL;
}

static const Unit *unit_of_name(const Guess *guess, const NameTokens *name)
{
    char joined[64];
    const Unit *unit = NULL;
    for (uint32_t i = name->n; i-- > 0 && !unit;) {
        const char *word = name->words[i];
        bool alone = strlen(word) > 1 || name->bracketed[i] || i + 1 == name->n;
        if (i > 0) {
            snprintf(joined, sizeof joined, "%.30s_%.30s", name->words[i - 1], word);
            unit = unit_find(guess->id, str_view(joined));
        }
        if (!unit && alone)
            unit = unit_find(guess->id, str_view(word));
    }
    return unit;
}

static const char *unsaid_unit_text(const Guess *guess, const ColumnProfile *profile, Arena *arena)
{
    const Unit *other = unit_find(guess->id, str_view(guess->id == SHIPMENT_COLUMN_WEIGHT_KG   ? "lb"
                                                      : guess->id == SHIPMENT_COLUMN_VOLUME_M3 ? "ft3"
                                                                                               : "mi"));
    if (!profile->example.size)
        return arena_printf(arena, "the file does not say the unit: is it %s?", guess->unit);
    return arena_printf(arena, "the file does not say the unit: %.*s is %.6g %s, or with unit=%s %.6g %s",
                        (int)profile->example.size, profile->example.data, profile->example_number, guess->unit,
                        other->name, profile->example_number * other->factor, guess->unit);
}

static void say_unit(const Guesses *guesses, Guess *guess, const ColumnProfile *profile, Arena *arena)
{
    if (guess->id != SHIPMENT_COLUMN_WEIGHT_KG && guess->id != SHIPMENT_COLUMN_VOLUME_M3 &&
        guess->id != SHIPMENT_COLUMN_DISTANCE_KM)
        return;
    const Unit *unit = profile->suffix.size ? unit_find(guess->id, profile->suffix) : NULL;
    const Unit *named = unit_of_name(guess, &profile->name);
    if (unit && named && strcmp(unit->name, named->name) != 0)
        doubt(guess, "unit", arena_printf(arena, "the name says %s, the values say %s", named->name, unit->name));
    bool of_values = unit != NULL;
    unit = unit ? unit : named;
    unit = unit ? unit : unit_of_neighbour(guesses, guess, arena);
    unit = unit ? unit : unit_of_ambiguous_word(guess, &profile->name);
    guess->unit_said = unit != NULL;
    guess->unit = of_values                                ? unit->word
                  : unit                                   ? unit->name
                  : guess->id == SHIPMENT_COLUMN_WEIGHT_KG ? "kg"
                  : guess->id == SHIPMENT_COLUMN_VOLUME_M3 ? "m3"
                                                           : "km";
    if (!guess->unit_said)
        doubt(guess, "unit", unsaid_unit_text(guess, profile, arena));
    if (profile->other_suffix.size)
        doubt(guess, "unit",
              arena_printf(arena, "some values carry %.*s, most do not: these will be rejected",
                           (int)profile->other_suffix.size, profile->other_suffix.data));
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
        bool same = to && (guess->id == SHIPMENT_COLUMN_STATUS ? str_equal_ignoring_case(str_view(to), value->text)
                                                               : str_equal(str_view(to), value->text));
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

/* A date of the column, read by its form and by the one with day and month the other way round. */
static const char *order_text(const ColumnProfile *profile, const Guess *guess, Arena *arena)
{
    const DateForm *own, *other;
    Error err;
    error_init(&err);
    int32_t here, there;
    char days[2][TIME_TEXT_SIZE];
    if (date_form_new(guess->forms[0], arena, &own, &err) != STATUS_OK ||
        date_form_new(guess->other_form, arena, &other, &err) != STATUS_OK)
        return NULL;
    for (uint32_t i = 0; i < profile->column->n_values; i++) {
        StrView text = profile->column->values[i].text;
        if (!date_form_parse_date(own, NULL, text, &here) || !date_form_parse_date(other, NULL, text, &there) ||
            here == there)
            continue;
        date_format(days[0], here);
        date_format(days[1], there);
        return arena_printf(arena, "%.*s is %s, or with dates=%s %s: nothing in the sample decides it", (int)text.size,
                            text.data, days[0], guess->other_form, days[1]);
    }
    return arena_printf(arena, "day and month could be the other way round (%s)", guess->other_form);
}

static void say_marks(Guess *guess, const ColumnProfile *profile, Arena *arena)
{
    guess->decimal_mark = profile->decimal_mark;
    guess->thousands_mark = profile->thousands_mark;
    if (!profile->undecided.size)
        return;
    bool comma = guess->decimal_mark == ',';
    const char *reading = arena_printf(arena, "%.*s is %.12g", (int)profile->undecided.size, profile->undecided.data,
                                       profile->undecided_as[comma]);
    if (profile->marks_undecided)
        doubt(guess, "decimal",
              arena_printf(arena, "%s, or with decimal=%c %.12g: %s%s", reading, comma ? '.' : ',',
                           profile->undecided_as[!comma],
                           profile->marks_by ? profile->marks_by : "nothing in the sample decides the decimal mark",
                           profile->marks_by ? ", which is a hint for the decimal mark and no more" : ""));
    else
        guess->reason = arena_printf(arena, "%s: %s", reading, profile->marks_by);
}

static bool says_days(const NameTokens *name)
{
    static const char *const words[] = {"days", "day", "tage", "tagen", "jours", "dias"};
    for (uint32_t i = 0; i < name->n; i++)
        for (size_t k = 0; k < ARRAY_SIZE(words); k++)
            if (strcmp(name->words[i], words[k]) == 0)
                return true;
    return false;
}

static void say_details(Guesses *guesses, Guess *guess, Arena *arena)
{
    const ColumnProfile *profile = &guesses->profiles[guess->column];
    TypeId type = shipment_column(guess->id)->type.id;
    guess->n_nulls = guess->n_values = guess->n_forms = guess->n_doubts = 0;
    guess->n_unread = 0;
    guess->other_form = NULL;
    guess->unit = guess->reason = NULL;
    guess->decimal_mark = '.';
    guess->thousands_mark = 0;
    if (type == TYPE_DATE || type == TYPE_TIMESTAMP) {
        guess->forms = profile->forms;
        guess->n_forms = profile->n_forms;
        guess->other_form = profile->order_undecided ? profile->other_form : NULL;
        if (guess->other_form)
            doubt(guess, "dates", order_text(profile, guess, arena));
        profile_null_texts(profile, true, arena, &guess->nulls, &guess->n_nulls, &guess->n_unread,
                           &guess->unread_example);
    } else if (type != TYPE_STRING) {
        say_marks(guess, profile, arena);
        say_unit(guesses, guess, profile, arena);
        if (guess->id == SHIPMENT_COLUMN_DELAY_DAYS && !says_days(&profile->name))
            doubt(guess, "column", "the name does not say that these are days, and they are read as days");
        profile_null_texts(profile, false, arena, &guess->nulls, &guess->n_nulls, &guess->n_unread,
                           &guess->unread_example);
    } else {
        if (guess->id == SHIPMENT_COLUMN_STATUS || guess->id == SHIPMENT_COLUMN_TRANSPORT_MODE)
            say_values(guess, profile->column, arena);
        say_text_nulls(guess, profile->column, arena);
    }
}

/* The currency of the amounts where no column says it: from their names or texts, else the lake's. */
static void say_currency(Guesses *guesses, Arena *arena)
{
    Guess *currency = &guesses->of[SHIPMENT_COLUMN_CURRENCY];
    static const ShipmentColumnId amounts[] = {SHIPMENT_COLUMN_FUEL_SURCHARGE, SHIPMENT_COLUMN_COST};
    const char *said = NULL, *before = NULL, *unknown = NULL, *other = NULL;
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(amounts); i++) {
        const Guess *amount = &guesses->of[amounts[i]];
        if (amount->column < 0)
            continue;
        const ColumnProfile *profile = &guesses->profiles[amount->column];
        const char *of_amount = profile->currency;
        any = true;
        other = profile->other_currency ? profile->other_currency : other;
        for (uint32_t w = 0; w < profile->name.n; w++) {
            const char *word = profile->name.words[w], *code = currency_code(str_view(word));
            of_amount = code ? code : of_amount;
            unknown = !code && profile->name.bracketed[w] && strlen(word) == 3 ? word : unknown;
        }
        before = said && of_amount && strcmp(said, of_amount) != 0 ? said : before;
        said = of_amount ? of_amount : said;
    }
    if (currency->column >= 0)
        return;
    currency->n_doubts = 0;
    currency->constant = !any ? NULL : said ? said : guesses->lake_currency;
    currency->confidence = 0.95;
    if (!any)
        return;
    if (other && strcmp(other, currency->constant) != 0)
        doubt(currency, "constant", arena_printf(arena, "some amounts carry %s: these will be rejected", other));
    if (before)
        doubt(currency, "constant",
              arena_printf(arena, "one amount is in %s, another in %s: a record has one currency", before, said));
    else if (!said && unknown)
        doubt(currency, "constant",
              arena_printf(arena, "the name says %s, which is no currency known here; this is the lake's", unknown));
    else if (!said)
        doubt(currency, "constant", "the file does not say it, this is the lake's");
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
    doubt_ties(guesses, pairs, n, taken, arena);
    say_currency(guesses, arena);
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
    say_currency(guesses, arena);
}

static Status say_mark(char *mark, const char *key, const char *value, const char *allowed, Error *err)
{
    if (strlen(value) != 1 || !strchr(allowed, *value))
        return error_set(err, STATUS_CONFIG, "%s is one of these: %s", key, allowed);
    *mark = *value;
    return STATUS_OK;
}

static Status say_form(Guess *guess, const char *value, Arena *arena, Error *err)
{
    const DateForm *form;
    TRY(date_form_new(value, arena, &form, err));
    const char **forms = ARENA_ARRAY(arena, const char *, guess->n_forms + 1);
    for (uint32_t i = 0; i < guess->n_forms; i++)
        forms[i] = guess->forms[i];
    forms[0] = arena_strdup(arena, value);
    guess->forms = forms;
    guess->n_forms = guess->n_forms ? guess->n_forms : 1;
    guess->other_form = NULL;
    return STATUS_OK;
}

/* Drops the doubts that the detail settles. */
static void settle(Guess *guess, const char *key)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < guess->n_doubts; i++)
        if (strcmp(guess->doubts[i].about, strcmp(key, "thousands") == 0 ? "decimal" : key) != 0)
            guess->doubts[kept++] = guess->doubts[i];
    guess->n_doubts = kept;
    if (kept == 0)
        guess->confidence = 1;
}

Status guess_say(Guess *guess, const char *key, const char *value, Arena *arena, Error *err)
{
    if (strcmp(key, "unit") == 0 && guess->unit) {
        const Unit *unit = unit_find(guess->id, str_view(value));
        if (!unit)
            return error_set(err, STATUS_CONFIG, "unit is one of these: %s", unit_words(guess->id, arena));
        guess->unit = unit->word;
        guess->unit_said = true;
    } else if (strcmp(key, "dates") == 0 && guess->n_forms) {
        TRY(say_form(guess, value, arena, err));
    } else if (strcmp(key, "decimal") == 0 && guess->decimal_mark) {
        TRY(say_mark(&guess->decimal_mark, key, value, ".,", err));
        guess->reason = NULL;
        if (guess->thousands_mark == guess->decimal_mark)
            guess->thousands_mark = guess->decimal_mark == ',' ? '.' : ',';
    } else if (strcmp(key, "thousands") == 0 && guess->decimal_mark) {
        TRY(say_mark(&guess->thousands_mark, key, value, guess->decimal_mark == ',' ? ". '" : ", '", err));
    } else if (strcmp(key, "constant") == 0 && guess->id == SHIPMENT_COLUMN_CURRENCY && guess->column < 0) {
        const char *code = currency_code(str_view(value));
        if (!code)
            return error_set(err, STATUS_CONFIG, "'%.20s' is no currency known here", value);
        guess->constant = code;
    } else {
        return error_set(err, STATUS_CONFIG, "%s has no %.20s to say", shipment_column(guess->id)->name, key);
    }
    settle(guess, key);
    return STATUS_OK;
}

void guess_confirm(Guess *guess)
{
    guess->confidence = 1;
    guess->n_doubts = 0;
}

bool guess_is_low(const Guess *guess)
{
    return (guess->column >= 0 || guess->constant) && guess->confidence < GUESS_LOW;
}

bool guess_is_read(const Guesses *guesses, uint32_t column)
{
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++)
        if (guesses->of[id].column == (int32_t)column)
            return true;
    return false;
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
