/* ColumnProfile; see profile.h.
 *
 * Numbers are tried in the few forms that are in use, and read by the very code that ingestion uses (text_value.h); the
 * form that reads most wins.  Dates are found greedily: of all known forms the one that reads most texts is taken, then
 * the one that reads most of the rest.  Forms are tried on up to PROBES texts first, so a column costs little; the choice
 * between those that fit is made on all of them: one 13th day anywhere decides between day and month. */
#include "ingest/profile.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "ingest/text_value.h"
#include "ingest/units.h"

#define PROBES 200u
#define MOST_DATE_TEXT 48u
#define MAX_NULL_TEXTS 12u
#define NEEDED_SHARE 0.02 /* of the dates, for one more form */
#define MAX_SUFFIXES 8

/* ---- Numbers ---- */

static const char NUMBER_FORMS[][2] = {{'.', 0}, {'.', ','}, {',', 0}, {',', '.'}, {',', ' '}, {'.', ' '}, {'.', '\''}};

static bool is_number_start(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == ',';
}

static StrView trim_blanks(StrView text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (StrView){text.data + 1, text.size - 1};
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static bool is_any_unit(StrView word)
{
    return unit_find(SHIPMENT_COLUMN_WEIGHT_KG, word) || unit_find(SHIPMENT_COLUMN_VOLUME_M3, word) ||
           unit_find(SHIPMENT_COLUMN_DISTANCE_KM, word);
}

/* Takes what stands around a number apart; false when it is no number with a unit or a currency. */
static bool split_number(StrView text, StrView *core, StrView *suffix, const char **currency)
{
    uint32_t start = 0, end = text.size;
    while (start < text.size && !is_number_start(text.data[start]))
        start++;
    while (end > start && !(text.data[end - 1] >= '0' && text.data[end - 1] <= '9'))
        end--;
    StrView before = trim_blanks((StrView){text.data, start});
    StrView behind = trim_blanks((StrView){text.data + end, text.size - end});
    *core = (StrView){text.data + start, end - start};
    *suffix = (StrView){NULL, 0};
    *currency = NULL;
    if (core->size == 0)
        return false;
    if (before.size > 0 && !(*currency = currency_code(before)))
        return false;
    if (behind.size == 0)
        return true;
    if (before.size == 0 && (*currency = currency_code(behind)) != NULL)
        return true;
    *suffix = behind;
    return before.size == 0 && is_any_unit(behind);
}

static bool reads_as_number(StrView core, const char form[2], double *ret)
{
    Mapping mapping = {0};
    TextValue value;
    mapping.columns[SHIPMENT_COLUMN_DISTANCE_KM] = (MappingColumn){.decimal_mark = form[0], .thousands_mark = form[1]};
    text_value(&mapping, SHIPMENT_COLUMN_DISTANCE_KM, core, &value);
    *ret = value.value.float64;
    return value.state == VALUE_OK || (value.state == VALUE_BAD && value.reason == REASON_NEGATIVE);
}

static void count_forms(const ColumnProfile *profile, uint64_t counts[ARRAY_SIZE(NUMBER_FORMS)])
{
    const SampleColumn *column = profile->column;
    memset(counts, 0, sizeof *counts * ARRAY_SIZE(NUMBER_FORMS));
    for (uint32_t i = 0; i < column->n_values; i++) {
        StrView core, suffix;
        const char *currency;
        double number;
        if (!split_number(column->values[i].text, &core, &suffix, &currency))
            continue;
        for (size_t f = 0; f < ARRAY_SIZE(NUMBER_FORMS); f++)
            if (reads_as_number(core, NUMBER_FORMS[f], &number))
                counts[f] += column->values[i].count;
    }
}

/* How often each of a few words stood behind numbers. */
typedef struct WordCounts {
    StrView words[MAX_SUFFIXES];
    uint64_t counts[MAX_SUFFIXES];
    uint32_t n;
} WordCounts;

static void count_word(WordCounts *words, StrView word, uint32_t count)
{
    uint32_t i = 0;
    while (i < words->n && !str_equal_ignoring_case(words->words[i], word))
        i++;
    if (i == MAX_SUFFIXES)
        return;
    words->words[i] = word;
    words->counts[i] += count;
    words->n = i == words->n ? i + 1 : words->n;
}

/* The word of most numbers, when it is of at least half of them, and one of the others; what is not there stays. */
static void choose_word(const WordCounts *words, uint64_t n_numbers, StrView *ret_most, StrView *ret_other)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < words->n; i++)
        best = words->counts[i] > words->counts[best] ? i : best;
    if (words->n == 0)
        return;
    bool most = 2 * words->counts[best] >= n_numbers;
    if (most)
        *ret_most = words->words[best];
    if (!most)
        *ret_other = words->words[best];
    else if (words->n > 1)
        *ret_other = words->words[best == 0];
}

/* The unit or currency that most numbers carry, and their mean. */
static void read_numbers(ColumnProfile *profile, Arena *arena)
{
    const SampleColumn *column = profile->column;
    const char form[2] = {profile->decimal_mark, profile->thousands_mark};
    WordCounts suffixes = {.n = 0}, currencies = {.n = 0};
    double sum = 0;
    profile->is_number = ARENA_ARRAY(arena, uint8_t, column->n_values + 1);
    profile->n_numbers = 0;
    profile->all_whole = true;
    for (uint32_t i = 0; i < column->n_values; i++) {
        StrView core, suffix;
        const char *currency;
        double number;
        uint32_t count = column->values[i].count;
        if (!split_number(column->values[i].text, &core, &suffix, &currency) || !reads_as_number(core, form, &number))
            continue;
        profile->is_number[i] = 1;
        if (!profile->example.size) {
            profile->example = core;
            profile->example_number = number;
        }
        profile->n_numbers += count;
        sum += number * count;
        profile->all_whole = profile->all_whole && number == nearbyint(number);
        if (suffix.size)
            count_word(&suffixes, suffix, count);
        if (currency)
            count_word(&currencies, str_view(currency), count);
    }
    StrView currency = {NULL, 0}, other_currency = {NULL, 0};
    choose_word(&suffixes, profile->n_numbers, &profile->suffix, &profile->other_suffix);
    choose_word(&currencies, profile->n_numbers, &currency, &other_currency);
    profile->currency = currency.data;
    profile->other_currency = other_currency.data;
    profile->mean_number = profile->n_numbers ? sum / (double)profile->n_numbers : 0;
}

static void choose_marks(ColumnProfile *profile, const uint64_t *counts, char wanted)
{
    size_t best = 0;
    for (size_t f = 1; f < ARRAY_SIZE(NUMBER_FORMS); f++)
        if (counts[f] > counts[best] ||
            (counts[f] == counts[best] && NUMBER_FORMS[f][0] == wanted && NUMBER_FORMS[best][0] != wanted))
            best = f;
    profile->decimal_mark = NUMBER_FORMS[best][0];
    profile->thousands_mark = NUMBER_FORMS[best][1];
}

/* A text of the column that reads with either decimal mark, as something else. */
static void find_undecided(ColumnProfile *profile)
{
    for (uint32_t i = 0; i < profile->column->n_values && !profile->undecided.size; i++) {
        StrView core, suffix;
        const char *currency;
        double point, comma;
        if (split_number(profile->column->values[i].text, &core, &suffix, &currency) &&
            reads_as_number(core, NUMBER_FORMS[1], &point) && reads_as_number(core, NUMBER_FORMS[3], &comma) &&
            point != comma) {
            profile->undecided = core;
            profile->undecided_as[0] = point;
            profile->undecided_as[1] = comma;
        }
    }
}

/* What decides between the marks where a column reads with either: columns that read with one alone, else how the file is
 * made.  One habit is a hint; two make it sure. */
typedef struct MarkVotes {
    uint32_t columns[2]; /* that read better with '.', with ',' */
    bool semicolons, dotted_dates;
} MarkVotes;

static char wanted_mark(const MarkVotes *votes)
{
    if (votes->columns[0] != votes->columns[1])
        return votes->columns[1] > votes->columns[0] ? ',' : '.';
    return votes->semicolons || votes->dotted_dates ? ',' : '.';
}

static bool is_decided(const MarkVotes *votes)
{
    bool one_kind = (votes->columns[0] > 0) != (votes->columns[1] > 0);
    return one_kind || (votes->columns[0] + votes->columns[1] == 0 && votes->semicolons && votes->dotted_dates);
}

static const char *reason_of_mark(const MarkVotes *votes)
{
    if (votes->columns[0] != votes->columns[1])
        return votes->columns[1] > votes->columns[0] ? "other columns have a decimal comma"
                                                     : "other columns have a decimal point";
    if (votes->columns[0] > 0)
        return NULL;
    return votes->semicolons && votes->dotted_dates ? "semicolons divide the fields and points the dates"
           : votes->semicolons                      ? "semicolons divide the fields"
           : votes->dotted_dates                    ? "points divide the dates"
                                                    : NULL;
}

static MarkVotes count_votes(const Sample *sample, const ColumnProfile *profiles)
{
    MarkVotes votes = {.semicolons = sample->input == INPUT_CSV && sample->guess.format.delimiter == ';'};
    for (uint32_t c = 0; c < sample->n_columns; c++) {
        const ColumnProfile *profile = &profiles[c];
        votes.columns[0] += profile->by_mark[0] > profile->by_mark[1];
        votes.columns[1] += profile->by_mark[1] > profile->by_mark[0];
        votes.dotted_dates =
            votes.dotted_dates || (profile->n_forms > 0 && (strncmp(profile->forms[0], "dd.M", 4) == 0 ||
                                                            strncmp(profile->forms[0], "d.M", 3) == 0));
    }
    return votes;
}

static void profile_numbers(const Sample *sample, ColumnProfile *profiles, Arena *arena)
{
    uint32_t n = sample->n_columns;
    uint64_t(*counts)[ARRAY_SIZE(NUMBER_FORMS)] = arena_zalloc(arena, sizeof *counts * (n + 1));
    for (uint32_t c = 0; c < n; c++) {
        count_forms(&profiles[c], counts[c]);
        for (size_t f = 0; f < ARRAY_SIZE(NUMBER_FORMS); f++) {
            uint64_t *best = &profiles[c].by_mark[NUMBER_FORMS[f][0] == ','];
            *best = counts[c][f] > *best ? counts[c][f] : *best;
        }
    }
    MarkVotes votes = count_votes(sample, profiles);
    for (uint32_t c = 0; c < n; c++) {
        ColumnProfile *profile = &profiles[c];
        choose_marks(profile, counts[c], wanted_mark(&votes));
        /* Whole numbers read with any mark; they say nothing and need nothing said. */
        if (profile->by_mark[0] == profile->by_mark[1])
            find_undecided(profile);
        if (profile->undecided.size) {
            profile->marks_undecided = !is_decided(&votes);
            profile->marks_by = reason_of_mark(&votes);
        }
        read_numbers(profile, arena);
    }
}

/* ---- Dates ---- */

static const char *const DATE_PATTERNS[] = {
    "yyyy-MM-dd",      "yyyy-M-d",       "yyyy/MM/dd",  "yyyy/M/d",   "yyyy.MM.dd",  "yyyyMMdd",     "dd.MM.yyyy",
    "d.M.yyyy",        "dd.MM.yy",       "d.M.yy",      "dd/MM/yyyy", "MM/dd/yyyy",  "d/M/yyyy",     "M/d/yyyy",
    "dd/MM/yy",        "MM/dd/yy",       "d/M/yy",      "M/d/yy",     "dd-MM-yyyy",  "MM-dd-yyyy",   "d-M-yyyy",
    "M-d-yyyy",        "dd-MM-yy",       "MM-dd-yy",    "dd-MMM-yy",  "d-MMM-yy",    "dd-MMM-yyyy",  "d-MMM-yyyy",
    "dd MMM yyyy",     "d MMM yyyy",     "d MMMM yyyy", "dd MMM yy",  "MMM d, yyyy", "MMMM d, yyyy", "MMM dd yyyy",
    "EEE, d MMM yyyy", "EEE d MMM yyyy", "ddMMMyyyy",   "ddMMMyy",    "yyyy-MMM-dd"};
static const char *const TIME_PATTERNS[] = {"",
                                            " HH:mm:ss",
                                            " HH:mm",
                                            "'T'HH:mm:ssX",
                                            "'T'HH:mm:ss",
                                            " HH:mm:ss.S",
                                            "'T'HH:mm:ss.SX",
                                            "'T'HH:mm:ss.S",
                                            " h:mm a",
                                            " hh:mm a",
                                            " h:mm:ss a",
                                            " hh:mm:ss a",
                                            " H:mm",
                                            " H:mm:ss",
                                            " HH:mm:ssX",
                                            " HH:mm:ss z",
                                            "'T'HH:mm",
                                            "'T'HH:mmX",
                                            " HH:mm:ss.SX",
                                            " HH:mm:ss X",
                                            ", h:mm a",
                                            ", HH:mm"};

#define N_DATE_FORMS (ARRAY_SIZE(DATE_PATTERNS) * ARRAY_SIZE(TIME_PATTERNS))

typedef struct DateForms {
    const DateForm *forms[N_DATE_FORMS];
} DateForms;

static DateForms *date_forms(Arena *arena)
{
    DateForms *all = ARENA_NEW(arena, DateForms);
    Error err;
    error_init(&err);
    size_t n = 0;
    for (size_t t = 0; t < ARRAY_SIZE(TIME_PATTERNS); t++)
        for (size_t d = 0; d < ARRAY_SIZE(DATE_PATTERNS); d++) {
            const char *pattern = arena_printf(arena, "%s%s", DATE_PATTERNS[d], TIME_PATTERNS[t]);
            CHECK(date_form_new(pattern, arena, &all->forms[n++], &err) == STATUS_OK);
        }
    return all;
}

/* Reads the text, and as a day that a shipment may have. */
static bool reads_as_date(const DateForm *form, StrView text, int32_t *ret_day)
{
    const int32_t from = -3653, to = 47482; /* 1960..2099 */
    return date_form_parse_date(form, NULL, text, ret_day) && *ret_day >= from && *ret_day <= to;
}

/* Records with a text not read so far that the form reads. */
static uint64_t count_new(const ColumnProfile *profile, const DateForm *form)
{
    uint64_t n = 0;
    int32_t day;
    for (uint32_t i = 0; i < profile->column->n_values; i++)
        if (!profile->is_date[i] && reads_as_date(form, profile->column->values[i].text, &day))
            n += profile->column->values[i].count;
    return n;
}

static bool begins_with_day(const char *pattern)
{
    return pattern[0] == 'd' && !strstr(pattern, "MMM");
}
static bool begins_with_month(const char *pattern)
{
    return pattern[0] == 'M' && !strstr(pattern, "MMM");
}

/* The same form with day and month the other way round. */
static bool is_other_order(const char *a, const char *b)
{
    if (!(begins_with_day(a) && begins_with_month(b)) && !(begins_with_month(a) && begins_with_day(b)))
        return false;
    size_t n = strlen(a);
    if (strlen(b) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char swapped = a[i] == 'd' ? 'M' : a[i] == 'M' ? 'd' : a[i];
        if (swapped != b[i])
            return false;
    }
    return true;
}

/* A file has one order: after the first form the other order is out. */
static bool may_follow(const ColumnProfile *profile, const char *pattern)
{
    for (uint32_t i = 0; i < profile->n_forms; i++)
        if ((begins_with_day(profile->forms[i]) && begins_with_month(pattern)) ||
            (begins_with_month(profile->forms[i]) && begins_with_day(pattern)))
            return false;
    return true;
}

/* Forms that read any of some texts that are not read so far. */
static uint32_t probe(const ColumnProfile *profile, const DateForms *all, const DateForm **ret_forms)
{
    const SampleColumn *column = profile->column;
    StrView probes[PROBES];
    uint32_t n = 0, n_forms = 0, left = 0;
    for (uint32_t i = 0; i < column->n_values; i++)
        left += !profile->is_date[i];
    uint32_t step = left / PROBES + 1, at = 0;
    for (uint32_t i = 0; i < column->n_values && n < PROBES; i++) {
        StrView text = column->values[i].text;
        if (profile->is_date[i] || at++ % step != 0 || text.size < 6 || text.size > MOST_DATE_TEXT)
            continue;
        if (memchr("0123456789", text.data[text.size - 1], 10) || memchr("0123456789", text.data[0], 10) ||
            text.size > 10)
            probes[n++] = text;
    }
    for (size_t f = 0; f < N_DATE_FORMS && n > 0; f++) {
        int32_t day;
        bool reads = false;
        for (uint32_t i = 0; i < n && !reads; i++)
            reads = reads_as_date(all->forms[f], probes[i], &day);
        if (reads && may_follow(profile, date_form_pattern(all->forms[f])))
            ret_forms[n_forms++] = all->forms[f];
    }
    return n_forms;
}

static void take_form(ColumnProfile *profile, const DateForm *form, uint64_t records)
{
    double sum = profile->mean_day * (double)profile->n_dates;
    int32_t day;
    for (uint32_t i = 0; i < profile->column->n_values; i++)
        if (!profile->is_date[i] && reads_as_date(form, profile->column->values[i].text, &day)) {
            profile->is_date[i] = 1;
            sum += (double)day * profile->column->values[i].count;
        }
    profile->forms[profile->n_forms] = date_form_pattern(form);
    profile->form_records[profile->n_forms++] = records;
    profile->n_dates += records;
    profile->mean_day = profile->n_dates ? sum / (double)profile->n_dates : 0;
}

/* `wanted` 'd' or 'M': which order to take where the texts do not decide; 0: the day first. */
static void profile_dates(ColumnProfile *profile, const DateForms *all, char wanted, Arena *arena)
{
    const DateForm **forms = arena_alloc(arena, sizeof *forms * N_DATE_FORMS);
    profile->is_date = ARENA_ARRAY(arena, uint8_t, profile->column->n_values + 1);
    profile->n_forms = 0;
    profile->n_dates = 0;
    profile->order_undecided = false;
    while (profile->n_forms < PROFILE_MAX_FORMS) {
        uint32_t n = probe(profile, all, forms);
        uint64_t best_count = 0;
        const DateForm *best = NULL;
        bool tie = false;
        const char *other = NULL;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t count = count_new(profile, forms[i]);
            const char *pattern = date_form_pattern(forms[i]);
            if (count > best_count) {
                best = forms[i];
                best_count = count;
                tie = false;
            } else if (best && count == best_count && is_other_order(date_form_pattern(best), pattern)) {
                tie = true;
                other = pattern;
                if (wanted == pattern[0]) {
                    other = date_form_pattern(best);
                    best = forms[i];
                }
            }
        }
        if (!best ||
            (profile->n_forms > 0 && (double)best_count < NEEDED_SHARE * (double)profile->n_dates && best_count < 3))
            break;
        if (profile->n_forms == 0) {
            profile->order_undecided = tie;
            profile->other_form = other;
        }
        take_form(profile, best, best_count);
    }
}

/* Counts of seconds, milliseconds or days, where the name speaks of a date and all numbers lie in its years. */
static void profile_counts(ColumnProfile *profile)
{
    static const struct {
        const char *form;
        double from, to;
    } counts[] = {{"epoch_milliseconds", 631152000e3, 4102444800e3},
                  {"epoch_seconds", 631152000.0, 4102444800.0},
                  {"excel", 32874, 73050}};
    bool speaks = false;
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        TypeId type = shipment_column(id)->type.id;
        if ((type == TYPE_DATE || type == TYPE_TIMESTAMP) && name_score(id, &profile->name) > 0.2)
            speaks = true;
    }
    for (uint32_t i = 0; i < profile->name.n; i++)
        speaks = speaks || strcmp(profile->name.words[i], "date") == 0 || strcmp(profile->name.words[i], "time") == 0 ||
                 strcmp(profile->name.words[i], "ts") == 0 || strcmp(profile->name.words[i], "at") == 0;
    if (profile->n_dates > 0 || profile->n_numbers == 0)
        return;
    for (size_t k = 0; k < ARRAY_SIZE(counts); k++) {
        uint64_t within = 0;
        for (uint32_t i = 0; i < profile->column->n_values; i++) {
            double number;
            if (profile->is_number[i] && reads_as_number(profile->column->values[i].text, NUMBER_FORMS[0], &number) &&
                number >= counts[k].from && number <= counts[k].to)
                within += profile->column->values[i].count;
        }
        if (within * 10 < profile->n_numbers * 9 || (!speaks && k > 0))
            continue;
        profile->forms[0] = counts[k].form;
        profile->form_records[0] = within;
        profile->n_forms = 1;
        profile->n_dates = within;
        memcpy(profile->is_date, profile->is_number, profile->column->n_values);
        profile->mean_day = profile->mean_number / (k == 0 ? 86400e3 : k == 1 ? 86400 : 1);
        return;
    }
}

/* ---- All columns ---- */

static char first_letter_of_order(const ColumnProfile *profile)
{
    if (profile->n_forms == 0 || profile->order_undecided)
        return 0;
    return begins_with_day(profile->forms[0]) ? 'd' : begins_with_month(profile->forms[0]) ? 'M' : '\0';
}

ColumnProfile *profile_sample(const Sample *sample, Arena *arena)
{
    ColumnProfile *profiles = ARENA_ARRAY(arena, ColumnProfile, sample->n_columns + 1);
    const DateForms *all = date_forms(arena);
    char order = 0;
    bool american = false;
    for (uint32_t c = 0; c < sample->n_columns; c++) {
        ColumnProfile *profile = &profiles[c];
        profile->column = &sample->columns[c];
        name_tokens(str_view(profile->column->name), arena, &profile->name);
        for (uint32_t i = 0; i < profile->column->n_values; i++)
            if (is_null_word(profile->column->values[i].text))
                profile->n_null_words += profile->column->values[i].count;
        for (uint32_t i = 0; i < profile->name.n; i++)
            american = american || strcmp(profile->name.words[i], "lb") == 0 ||
                       strcmp(profile->name.words[i], "lbs") == 0 || strcmp(profile->name.words[i], "mi") == 0 ||
                       strcmp(profile->name.words[i], "miles") == 0;
    }
    for (uint32_t c = 0; c < sample->n_columns; c++) {
        profile_dates(&profiles[c], all, 0, arena);
        char said = first_letter_of_order(&profiles[c]);
        order = said ? said : order;
        american =
            american || (profiles[c].n_forms > 0 && profiles[c].forms[0][strlen(profiles[c].forms[0]) - 1] == 'a');
    }
    profile_numbers(sample, profiles, arena);
    for (uint32_t c = 0; c < sample->n_columns; c++) {
        if (profiles[c].order_undecided) {
            profile_dates(&profiles[c], all, order ? order : american ? 'M' : 'd', arena);
            profiles[c].order_undecided = order == 0;
        }
        profile_counts(&profiles[c]);
    }
    return profiles;
}

/* ---- Texts that mean no value ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* What begins as a word and as no month: a broken number or date is a mistake to show, no way of saying nothing. */
static bool may_mean_null(StrView text)
{
    static const char *const names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
                                        "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    if (is_null_word(text))
        return true;
    if (!is_letter(text.data[0]) && text.data[0] != '(' && text.data[0] != '[' && text.data[0] != '<')
        return false;
    bool digits = false;
    for (uint32_t i = 0; i < text.size; i++)
        digits = digits || (text.data[i] >= '0' && text.data[i] <= '9');
    for (size_t i = 0; i < ARRAY_SIZE(names) && digits; i++)
        if (text.size > 3 && strncasecmp(text.data, names[i], 3) == 0)
            return false;
    return true;
}

static StrView first_word(StrView text)
{
    uint32_t n = 0;
    while (n < text.size && is_letter(text.data[n]))
        n++;
    return (StrView){text.data, n};
}

static bool has_digit(StrView text)
{
    for (uint32_t i = 0; i < text.size; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9')
            return true;
    return false;
}

/* "See *" of "See DN-304": the word and anything behind it. */
static StrView pattern_text(StrView text, StrView word, Arena *arena)
{
    const char *blank = text.data[word.size] == ' ' ? " " : "";
    return str_view(arena_printf(arena, "%.*s%s*", (int)word.size, word.data, blank));
}

static int by_records(const void *a, const void *b)
{
    const NullText *x = a, *y = b;
    return (x->records < y->records) - (x->records > y->records);
}

/* Texts with digits that begin with one word are one pattern, "See *". */
static bool add_to_pattern(NullText *texts, uint32_t n, StrView word, uint32_t count)
{
    for (uint32_t i = 0; i < n; i++)
        if (texts[i].pattern && texts[i].text.size > word.size &&
            memcmp(texts[i].text.data, word.data, word.size) == 0 && !is_letter(texts[i].text.data[word.size])) {
            texts[i].records += count;
            texts[i].texts++;
            return true;
        }
    return false;
}

void profile_null_texts(const ColumnProfile *profile, bool dates, Arena *arena, NullText **ret_texts, uint32_t *ret_n,
                        uint64_t *ret_rest, StrView *ret_example)
{
    const SampleColumn *column = profile->column;
    const uint8_t *reads = dates ? profile->is_date : profile->is_number;
    uint32_t n = 0, capacity = 1000;
    NullText *texts = ARENA_ARRAY(arena, NullText, capacity);
    *ret_rest = 0;
    *ret_example = (StrView){NULL, 0};
    for (uint32_t i = 0; i < column->n_values; i++) {
        const SampleValue *value = &column->values[i];
        if (reads[i])
            continue;
        StrView word = first_word(value->text);
        bool null = may_mean_null(value->text);
        if (null && word.size >= 3 && word.size < value->text.size && has_digit(value->text)) {
            if (!add_to_pattern(texts, n, word, value->count) && n < capacity)
                texts[n++] = (NullText){pattern_text(value->text, word, arena), true, value->count, 1};
        } else if (null && n < capacity) {
            texts[n++] = (NullText){value->text, false, value->count, 1};
        } else {
            *ret_rest += value->count;
            *ret_example = value->text;
        }
    }
    uint32_t kept = 0;
    qsort(texts, n, sizeof *texts, by_records);
    for (uint32_t i = 0; i < n; i++) {
        bool stands = is_null_word(texts[i].text) || texts[i].records >= 2;
        if (stands && kept < MAX_NULL_TEXTS) {
            texts[kept++] = texts[i];
        } else {
            *ret_rest += texts[i].records;
            *ret_example = texts[i].text;
        }
    }
    *ret_texts = texts;
    *ret_n = kept;
}
